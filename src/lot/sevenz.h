/* sevenz.h - a 7z archive in memory, walked entry by entry within a budget; over libarchive, and nothing is ever written to a disk. */
#ifndef BM_SEVENZ_H
#define BM_SEVENZ_H

#include "base/bytes.h"
#include "base/limits.h"

/* What one delivery may cost, counted down over all its archives. Sizes are those that the archive declares, so that what is passed over counts too. */
struct bm_sevenz_budget {
    uint64_t entries, expanded; /* left */
    unsigned depth;             /* archives that are open now */
};
#define BM_SEVENZ_BUDGET ((struct bm_sevenz_budget){ BM_MAX_ARCHIVE_ENTRIES, BM_MAX_ARCHIVE_EXPANDED, 0 })

/* Zeroed is closed. */
struct bm_sevenz {
    struct archive *archive; /* libarchive's */
    struct bm_sevenz_budget *budget;
    uint64_t size; /* of the entry we stand at */
};

struct bm_sevenz_entry {
    char name[BM_MAX_ARCHIVE_NAME + 1]; /* what follows the last '/' or '\'; what is not printable ASCII is '?' */
    bool clean;                         /* the name is as it stood, nothing replaced or cut */
    bool file;                          /* a regular file */
    bool encrypted;
    uint64_t size;
};

/* Starts with 7z's magic number. */
bool bm_sevenz_probe(struct bm_bytes bytes);
/* `bytes` and budget are borrowed, and outlive z. The archive must fill bytes exactly: a part of one, or one with something behind it, is refused. BM_EINPUT
 * also for what is deeper than BM_MAX_ARCHIVE_DEPTH. */
bm_must_use enum bm_rc bm_sevenz_open(struct bm_sevenz *z, struct bm_bytes bytes, struct bm_sevenz_budget *budget, struct bm_fail *fail);
/* The next entry, whether or not the one before was read. BM_EINPUT past the budget: before any of it is expanded. */
bm_must_use enum bm_rc bm_sevenz_next(struct bm_sevenz *z, bool *ret_have, struct bm_sevenz_entry *ret_entry, struct bm_fail *fail);
/* Appends the content of the entry we stand at, once; buf->max bounds it. BM_EINPUT when it is damaged or not of the size declared. */
bm_must_use enum bm_rc bm_sevenz_read(struct bm_sevenz *z, struct bm_buf *buf, struct bm_fail *fail);
void bm_sevenz_done(struct bm_sevenz *z); /* for bm_cleanup() */

#endif
