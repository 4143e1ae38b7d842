/* lot_receive.h - one receiving of a lot, as the files of it share it. */
#ifndef BM_CLI_LOT_RECEIVE_H
#define BM_CLI_LOT_RECEIVE_H

#include "cli/exam.h"
#include "cli/job.h"
#include "cli/maker.h"
#include "cli/operator.h"
#include "cli/receipt.h"
#include "cli/shelf.h"
#include "cli/waived.h"

/* The file, whose it is, what was read of it. */
struct receiving {
    struct bm_ask ask;
    struct bm_desk desk;
    struct bm_maker maker;
    struct bm_work work;
    uint8_t hash[BM_HASH]; /* of the file as it is kept */
    struct bm_shelf shelf; /* its leaves, and by what they are found */
    struct bm_buf receipt;
    struct bm_exam exam;
    struct bm_waived waived;
    struct bm_lot_result result;
    struct bm_progress sending;
};

/* The file is read into the shelf, and every check is made; what was found stands in `exam`. */
bm_must_use enum bm_rc bm_lot_leaves(struct receiving *r, struct bm_fail *fail);
/* lot_again.c: was this file received before? *ret_note: what to say of it, and the lot's row; NULL when it was not. */
bm_must_use enum bm_rc bm_lot_again(struct receiving *r, struct bm_buf *row, const char **ret_note, struct bm_fail *fail);
/* The same for what bm_lot_leaves() has read, where the receipts are lost: of a lot that the site holds, the index is made anew. */
bm_must_use enum bm_rc bm_lot_regain(struct receiving *r, struct bm_buf *row, const char **ret_note, struct bm_fail *fail);
/* lot_send.c: what was read and found good is pinned by the operator's word, and kept. *row: as SHOW has the lot. A refusal leaves nothing. */
bm_must_use enum bm_rc bm_lot_send(struct receiving *r, struct bm_buf *row, struct bm_fail *fail);
/* The parts of it that the second person's command goes through too. */
bm_must_use enum bm_rc bm_lot_begin(struct bm_ask *ask, struct bm_bytes note, struct bm_bytes head_note, struct bm_fail *fail);
bm_must_use enum bm_rc bm_lot_steps(struct bm_ask *ask, uint64_t size, struct bm_fail *fail);
/* lot_approve.c: BM_EPOLICY when a pin of this lot waits for a second person already. */
bm_must_use enum bm_rc bm_lot_waits(struct bm_ask *ask, const char *lot, struct bm_fail *fail);
/* A pin with both signatures, with the head note that was proposed with it: the lot is sent from where the first person's command left it. */
bm_must_use enum bm_rc bm_lot_approve(struct bm_ask *ask, struct bm_bytes note, struct bm_bytes head_note, struct bm_fail *fail);

#endif
