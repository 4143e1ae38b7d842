/* hostile.h - the registrar is taken over: what the attacks share, each against a real signer. It gets no certificate and no checkpoint that lies. */
#ifndef BM_HOSTILE_H
#define BM_HOSTILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "site_fixture.h"

#define CHIPS 8
#define QUANTITY 4

struct world {
    struct fixture f;
    struct fixture_lot lot;   /* "L1": pinned, order-1 is for it */
    struct fixture_lot other; /* "L2": neither, at first */
    size_t rightful;          /* certificates that were due */
};

/* A site of its own for every attack, in a directory of its own: programs and attacks may run side by side. */
#define ATTACK(name) cmocka_unit_test_setup_teardown(name, hostile_set_up, hostile_tear_down)
int hostile_set_up(void **state);
/* After every attack: the ledger grew honestly, tells of no more certificates than were due, and a signer that wakes on the journal tells the same. */
int hostile_tear_down(void **state);

/* A refusal with these words in its sentence and this many ledger leaves. */
void assert_refusal(const struct fixture_answer *answer, const char *words, size_t leaves);
void issue_refused(struct world *w, const struct fixture_request *request, const char *words, size_t leaves);

/* A certificate that is due: whole, by the right CA (issue_due: the operational one), for the right key. */
void issue_by(struct world *w, enum bm_ca by, const struct fixture_request *request, struct fixture_answer *answer);
void issue_due(struct world *w, const struct fixture_request *request, struct fixture_answer *answer);

/* Says of an issued certificate that it arrived, or revokes it; confirm: and that is taken, with one leaf. */
void mark(struct world *w, enum bm_signer_message type, const struct fixture_answer *issued, struct fixture_answer *answer);
void confirm(struct world *w, const struct fixture_answer *issued);

#endif
