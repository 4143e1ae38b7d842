/* ask.h - questions to the registrar of a site, with or without a running server. */
#ifndef BM_ASK_H
#define BM_ASK_H

#include "cli/cli.h"
#include "proc/control_messages.h"
#include "proc/site.h"

/* Zeroed is not open. */
struct bm_ask {
    struct bm_connection connection;
    struct bm_call *call; /* where a refusal's alarm is put */
    uint64_t id;
    uint8_t *packet; /* BM_MAX_MESSAGE bytes: what came last */
};
bm_must_use enum bm_rc bm_ask_open(struct bm_ask *ret_ask, struct bm_call *call, struct bm_fail *fail);
/* The same of another directory than the call's. */
bm_must_use enum bm_rc bm_ask_open_home(struct bm_ask *ret_ask, struct bm_call *call, const char *home, struct bm_fail *fail);
void bm_ask_close(struct bm_ask *ask); /* for bm_cleanup() too */

/* What is done with each row, a JSON object's text. */
typedef enum bm_rc bm_row_fn(void *ctx, struct bm_bytes json, struct bm_fail *fail);

/* Sends one request and hears it out. row NULL: rows are passed over. end NULL: so is the body of the end. A refusal is the failure, as the registrar
 * worded it. */
bm_must_use enum bm_rc bm_ask(struct bm_ask *ask, enum bm_control_message type, struct bm_bytes body, bm_row_fn *row, void *ctx,
                              struct bm_buf *end, struct bm_fail *fail);

/* LIST and SHOW. filter: a JSON object's text. */
bm_must_use enum bm_rc bm_ask_list(struct bm_ask *ask, const char *what, const char *filter, bm_row_fn *row, void *ctx,
                                   struct bm_fail *fail);
bm_must_use enum bm_rc bm_ask_show(struct bm_ask *ask, const char *what, const char *name, bm_row_fn *row, void *ctx, struct bm_fail *fail);

/* A row kept as text: ctx is a struct bm_buf; the last one stays, with a NUL after it that is not counted. */
enum bm_rc bm_row_keep(void *ctx, struct bm_bytes json, struct bm_fail *fail);

#endif
