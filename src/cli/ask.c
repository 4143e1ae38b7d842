#include "cli/ask.h"

#include "proc/channel.h"
#include "wire/json.h"

#include <stdlib.h>

/* The longest silence: the last step of a large lot, a token that is slow to wake. */
#define PATIENCE 120000
#define SHOWN_MOST 128 /* bytes of a name in SHOW */

enum bm_rc
bm_ask_open_home(struct bm_ask *ret_ask, struct bm_call *call, const char *home, struct bm_fail *fail)
{
    struct bm_ask ask = { .call = call, .packet = malloc(BM_MAX_MESSAGE) };
    enum bm_rc rc;

    if (ask.packet == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for messages");
    if ((rc = bm_site_connect(&ask.connection, home, fail)) != BM_OK) {
        free(ask.packet);
        return rc;
    }
    *ret_ask = ask;
    return BM_OK;
}

enum bm_rc
bm_ask_open(struct bm_ask *ret_ask, struct bm_call *call, struct bm_fail *fail)
{
    return bm_ask_open_home(ret_ask, call, call->home, fail);
}

void
bm_ask_close(struct bm_ask *ask)
{
    if (ask->packet == NULL)
        return;
    bm_site_close(&ask->connection);
    free(bm_take(ask->packet));
}

static enum bm_rc
hear(struct bm_ask *ask, struct bm_message *ret_message, struct bm_fail *fail)
{
    enum bm_heard heard = BM_HEARD_END;
    enum bm_rc rc = bm_channel_recv(&heard, ret_message, ask->connection.channel, ask->packet, BM_MAX_MESSAGE, PATIENCE, fail);

    if (rc != BM_OK)
        return rc;
    if (heard == BM_HEARD_NOTHING)
        return bm_fail(fail, BM_EBUSY, NULL, "the server does not answer: see what it says where it runs, then try again");
    if (heard == BM_HEARD_END)
        return bm_fail(fail, BM_EBUSY, NULL, "the server ended while it was asked: see what it says where it runs, then try again");
    if (ret_message->id != ask->id)
        return bm_fail(fail, BM_EBUG, NULL, "the server answered another question than the one that was asked");
    return BM_OK;
}

static enum bm_rc
row_take(struct bm_bytes body, bm_row_fn *row, void *ctx, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(body);
    struct bm_bytes json = bm_rd_lv32(&rd, BM_MAX_MESSAGE_BODY);

    if (!bm_rd_end(&rd))
        return bm_fail(fail, BM_EBUG, NULL, "the server's row is malformed");
    return row == NULL ? BM_OK : row(ctx, json, fail);
}

/* Its class, its words. */
static enum bm_rc
refused(struct bm_ask *ask, struct bm_bytes body, struct bm_fail *fail)
{
    struct bm_c_refused said;
    enum bm_rc rc = bm_c_refused_parse(&said, bm_rd(body), fail);

    if (rc != BM_OK)
        return rc;
    ask->call->alarm = said.alarm;
    return bm_fail(fail, (enum bm_rc)said.rc, NULL, "%.*s", (int)said.sentence.n, (const char *)said.sentence.p);
}

enum bm_rc
bm_ask(struct bm_ask *ask, enum bm_control_message type, struct bm_bytes body, bm_row_fn *row, void *ctx, struct bm_buf *end,
       struct bm_fail *fail)
{
    struct bm_message message = { .type = (uint16_t)type, .id = ++ask->id, .body = body };
    enum bm_rc rc = bm_channel_send(ask->connection.channel, &message, fail);

    while (rc == BM_OK && (rc = hear(ask, &message, fail)) == BM_OK) {
        if (message.type == BM_C_REFUSED)
            return refused(ask, message.body, fail);
        if (message.type == BM_C_END) {
            if (end == NULL)
                return BM_OK;
            bm_buf_add_bytes(end, message.body);
            return bm_buf_check(end, "the server's answer", fail);
        }
        if (message.type != BM_C_ROW)
            return bm_fail(fail, BM_EBUG, NULL, "the server's answer is of an unknown type, %u", message.type);
        rc = row_take(message.body, row, ctx, fail);
    }
    return rc;
}

static enum bm_rc
ask_two(struct bm_ask *ask, enum bm_control_message type, const char *a, const char *b, bm_row_fn *row, void *ctx, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 8192 };
    enum bm_rc rc;

    bm_buf_add_lv16(&body, bm_bytes_str(a));
    bm_buf_add_lv16(&body, bm_bytes_str(b));
    if ((rc = bm_buf_check(&body, "the question", fail)) != BM_OK)
        return rc;
    return bm_ask(ask, type, bm_buf_bytes(&body), row, ctx, NULL, fail);
}

enum bm_rc
bm_ask_list(struct bm_ask *ask, const char *what, const char *filter, bm_row_fn *row, void *ctx, struct bm_fail *fail)
{
    return ask_two(ask, BM_C_LIST, what, filter, row, ctx, fail);
}

enum bm_rc
bm_ask_show(struct bm_ask *ask, const char *what, const char *name, bm_row_fn *row, void *ctx, struct bm_fail *fail)
{
    if (strlen(name) > SHOWN_MOST)
        return bm_fail(fail, BM_EPOLICY, NULL, "there is no %s with a name of %zu bytes: see `birthmark %s list`", what, strlen(name),
                       what);
    return ask_two(ask, BM_C_SHOW, what, name, row, ctx, fail);
}

enum bm_rc
bm_row_keep(void *ctx, struct bm_bytes json, struct bm_fail *fail)
{
    struct bm_buf *buf = ctx;
    enum bm_rc rc;

    bm_buf_reset(buf);
    bm_buf_add_bytes(buf, json);
    bm_buf_add_u8(buf, 0);
    if ((rc = bm_buf_check(buf, "the row", fail)) == BM_OK)
        buf->n--;
    return rc;
}
