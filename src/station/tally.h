/* tally.h - what a line has made since it began: units by their own keys, so that one that is tried again is no second unit. */
#ifndef BM_STATION_TALLY_H
#define BM_STATION_TALLY_H

#include "base/bytes.h"

/* Zeroed is empty, but for began. */
struct bm_tally {
    struct bm_tally_unit {
        uint8_t key[32];  /* SHA-256 of what the device calls its root keys */
        bool named;       /* it got as far as to say so; one that did not is a unit of its own each time */
        bool done, first; /* now; at its first try */
        bool refused;     /* rather than away */
    } * units;
    size_t n;
    int64_t began; /* milliseconds */
};
void bm_tally_done(struct bm_tally *tally); /* for bm_cleanup() too */
/* One try. keys: as struct bm_unit has them, "" = the device said nothing. *ret_number: which unit it is, from 1. */
bm_must_use enum bm_rc bm_tally_add(struct bm_tally *tally, const char *keys, enum bm_rc rc, size_t *ret_number, struct bm_fail *fail);

struct bm_tally_sum {
    size_t units, done, away; /* away: neither done nor refused */
    double yield, first;      /* per cent of the units: done; done at their first try */
    double takt;              /* seconds for each unit */
};
struct bm_tally_sum bm_tally_sum(const struct bm_tally *tally, int64_t now);

#endif
