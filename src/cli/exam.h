/* exam.h - what a reading of a lot found, counted by check, with the first examples: the report that a custodian acts on. */
#ifndef BM_CLI_EXAM_H
#define BM_CLI_EXAM_H

#include "cli/print.h"
#include "lot/lot.h"

#define BM_EXAM_EXAMPLES 10

/* Zeroed is empty; ends with bm_exam_done(). */
struct bm_exam {
    struct bm_exam_check {
        uint64_t found; /* chips, but for what is told once a file */
        struct bm_exam_example {
            uint64_t index;
            char sentence[sizeof(((struct bm_finding *)NULL)->sentence)];
        } examples[BM_EXAM_EXAMPLES];
    } * checks; /* by enum bm_check */
    uint64_t chips, keys;
    uint64_t by_alg[BM_KEY_ED25519 + 1]; /* root keys by kind */
    uint64_t injected;
    struct bm_buf rsa; /* the RSA root keys, as lot/rsa_list.h has them; empty where there is none */
    struct bm_progress progress;
    /* What else is done with each chip; NULL: nothing. */
    bm_must_use enum bm_rc (*leaf)(void *ctx, struct bm_bytes der, const struct bm_leaf_digest *digest, struct bm_fail *fail);
    void *ctx;
    bool go_on; /* lot inspect: all is looked at. Otherwise the first chip that is refused whatever anybody says ends it */
};
void bm_exam_done(struct bm_exam *exam);
bm_must_use enum bm_rc bm_exam_run(struct bm_exam *exam, const struct bm_lot_job *job, struct bm_lot_result *ret_result,
                                   struct bm_fail *fail);
/* What is found after the reading, about the chip at this place. */
void bm_exam_find(struct bm_exam *exam, enum bm_check check, uint64_t index, const char *fmt, ...) bm_printf(4, 5);
/* The first check that was found failing and is of this weight; false: none. */
bool bm_exam_first(const struct bm_exam *exam, enum bm_check_weight weight, enum bm_check *ret_check);
/* How many things this check looked at: chips, keys or the one file; 0 when nothing could be looked at (no roots are pinned, no RSA key is there). */
uint64_t bm_exam_looked(const struct bm_exam *exam, enum bm_check check, const struct bm_lot_job *job, const struct bm_lot_result *result);
/* "whole", "each" or "none". */
const char *bm_lot_signed_word(const struct bm_lot_result *result);
/* An array of { check, weight, found, examples: [{ index, sentence }] }, of those that were found. */
bm_must_use enum bm_rc bm_exam_json(const struct bm_exam *exam, json_t **ret_array, struct bm_fail *fail);

#endif
