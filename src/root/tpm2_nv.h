/* tpm2_nv.h - NV indexes of our own range, each a part of a record: what stands there, known for a second; parts written and removed. */
#ifndef BM_TPM2_NV_H
#define BM_TPM2_NV_H

#include "root/tpm2.h"

#include <time.h>

#define BM_TPM2_PART_HEAD 12 /* "BMK1", u32 sequence, u16 part, u16 parts */

struct bm_tpm2_part {
    uint32_t index;
    bool ours;
    uint32_t sequence;    /* of its record */
    uint16_t part, parts; /* parts is 0 where it does not begin as a part does: somebody else's, or never written */
    struct bm_buf value;  /* with its head */
    ESYS_TR nv;
};

/*
 * As it was read a moment ago: an operation reads it once. Another program may write too, so it is read again after a second; and after whatever went
 * wrong.
 */
struct bm_tpm2_seen {
    bool valid;
    struct timespec read;
    struct bm_tpm2_part part[BM_TPM2_HANDLES];
    size_t n;
    uint32_t handles[BM_TPM2_HANDLES]; /* all NV indexes from our range on: endorsement certificates stand above it */
    size_t nhandles;
};

/* tpm->seen is what stands in our range now. */
bm_must_use enum bm_rc bm_tpm2_seen_read(struct bm_tpm2 *tpm, struct bm_fail *fail);
/* NULL: it is not there. */
const struct bm_tpm2_part *bm_tpm2_part_find(const struct bm_tpm2_seen *seen, uint32_t sequence, uint16_t number);
/* Done already where another program was here. */
bm_must_use enum bm_rc bm_tpm2_part_remove(struct bm_tpm2 *tpm, uint32_t index, struct bm_fail *fail);
/* A record in as many parts as this TPM's indexes ask for; after bm_tpm2_seen_read(). A refusal may leave some of them. */
bm_must_use enum bm_rc bm_tpm2_parts_write(struct bm_tpm2 *tpm, uint32_t sequence, struct bm_bytes content, struct bm_fail *fail);

#endif
