/* handle.h - what is behind a handle of birthmark.h, and what each of its calls does first and last. */
#ifndef BM_HANDLE_H
#define BM_HANDLE_H

#include "birthmark.h"

#include "device/naming.h"
#include "device/provider.h"
#include "device/turn.h"
#include "root/root.h"

#define EXPORT __attribute__((visibility("default")))

struct birthmark {
    struct bm_root *root;
    struct bm_provider *provider;      /* made with the first TLS context */
    struct birthmark_carrier *carrier; /* NULL: the network */
    struct bm_fail fail;
    struct bm_bound bound;         /* what keys and sealed data are bound to; pcrs 0: to the device */
    char uri[BM_MAX_ROOT_URI + 1]; /* of the root, as it was opened */
    char warning[400];
    char id[BM_MAX_ID + 1], model[BM_MAX_ID + 1];
    char dice[4][2 * BM_HASH + 1]; /* DeviceID, Alias, and what was measured for each */
    char keys[BM_MAX_CHIP_KEYS * (2 * BM_HASH + 1)];
    char boot[BM_PCRS + 1][2 * BM_HASH + 1]; /* PCR values, and their policy behind them */
};

/* What the last call said is forgotten. False: an argument is missing, or no root is open; the sentence is in the handle. */
bool bm_handle_begin(struct birthmark *bm, bool usable);
bool bm_handle_begin_open(struct birthmark *bm, bool usable);
enum birthmark_result bm_handle_result(enum bm_rc rc);

/* Calls back for every name that a root's list has; the first refusal ends it. */
bm_must_use enum bm_rc bm_handle_names(struct birthmark *bm,
                                       enum bm_rc (*list)(struct bm_root *root, struct bm_buf *names, struct bm_fail *fail),
                                       enum bm_rc (*each)(void *ctx, const char *name, struct bm_fail *fail), void *ctx);

/* Before anything is changed: no other program does, and what it changed is seen. bm_turn_done() ends it. */
bm_must_use enum bm_rc bm_handle_turn(struct birthmark *bm, int *ret_turn);

#endif
