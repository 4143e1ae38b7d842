/* keeper_serve.c - one keeper: opens the tokens, confines itself, signs what the signer sends until something fails. */
#include "base/base.h"
#include "signer/keeper.h"

#include "p11/p11.h"
#include "proc/confine.h"
#include "wire/rd.h"

#include <stdlib.h>
#include <sys/prctl.h>

struct keeper {
    int channel;
    struct bm_crypto *crypto;
    struct bm_token *token[BM_MAX_KEYS]; /* NULL: not in a token */
    uint8_t *packet;
};

static enum bm_rc
say(const struct keeper *k, uint16_t type, uint64_t id, const struct bm_buf *body, struct bm_fail *fail)
{
    struct bm_message message = { .type = type, .id = id, .body = bm_buf_bytes(body) };
    enum bm_rc rc;

    if ((rc = bm_buf_check(body, "the keeper's answer", fail)) != BM_OK)
        return rc;
    return bm_channel_send(k->channel, &message, fail);
}

static enum bm_rc
tokens_open(struct keeper *k, const struct bm_keeper_ca *ca, const char *home, struct bm_fail *fail)
{
    struct bm_confine_dir dirs[BM_MAX_KEYS];
    struct bm_confine_plan plan = { .name = "keeper of the CA's token", .dirs = dirs, .files = true, .syslog_mute = true };
    enum bm_rc rc;

    if ((k->packet = malloc(BM_MAX_MESSAGE)) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for a message");
    if ((rc = bm_crypto_new(&k->crypto, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < BM_MAX_KEYS; i++) {
        if (ca[i].uri == NULL)
            continue;
        rc = bm_token_open(&k->token[i], ca[i].uri, home, ca[i].key, k->crypto, fail);
        if (rc != BM_OK && ca[i].asked)
            continue;
        if (rc != BM_OK)
            return rc;
        if (k->token[i]->dir[0] != 0)
            dirs[plan.ndirs++] = (struct bm_confine_dir){ .path = k->token[i]->dir, .write = true };
    }
    return bm_confine(&plan, fail);
}

/* What was asked of the keeper before this one: the signer asks again. */
static enum bm_rc
forget(const struct keeper *k, struct bm_fail *fail)
{
    enum bm_heard heard = BM_HEARD_MESSAGE;
    struct bm_message message;
    enum bm_rc rc = BM_OK;

    while (rc == BM_OK && heard == BM_HEARD_MESSAGE)
        rc = bm_channel_recv(&heard, &message, k->channel, k->packet, BM_MAX_MESSAGE, 0, fail);
    return rc;
}

static enum bm_rc
sign_one(const struct keeper *k, const struct bm_message *message, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE }, body = { .max = BM_MAX_SIGNATURE + 2 };
    struct bm_rd rd = bm_rd(message->body);
    unsigned ca = bm_rd_u8(&rd);
    struct bm_bytes tbs = bm_rd_lv32(&rd, BM_MAX_MESSAGE);
    enum bm_rc rc;

    if (!bm_rd_end(&rd) || message->type != BM_K_SIGN || ca >= BM_MAX_KEYS || k->token[ca] == NULL)
        return bm_fail(fail, BM_EBUG, NULL, "the signer asks its tokens for something that they do not do");
    if ((rc = k->token[ca]->ops->sign(k->token[ca], tbs, &signature, fail)) != BM_OK)
        return rc;
    bm_buf_add_lv16(&body, bm_buf_bytes(&signature));
    return say(k, BM_K_SIGNED, message->id, &body, fail);
}

/* Until the signer is gone (BM_OK) or something fails. *ret_worked: it has signed. */
static enum bm_rc
serve(const struct keeper *k, bool *ret_worked, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf open = { .max = BM_MAX_KEYS };
    enum bm_heard heard = BM_HEARD_MESSAGE;
    struct bm_message message;
    enum bm_rc rc;

    for (size_t i = 0; i < BM_MAX_KEYS; i++)
        if (k->token[i] != NULL)
            bm_buf_add_u8(&open, (uint8_t)i);
    if ((rc = forget(k, fail)) != BM_OK || (rc = say(k, BM_K_HERE, 0, &open, fail)) != BM_OK)
        return rc;
    for (;;) {
        if ((rc = bm_channel_recv(&heard, &message, k->channel, k->packet, BM_MAX_MESSAGE, -1, fail)) != BM_OK)
            return rc;
        if (heard == BM_HEARD_END)
            return BM_OK;
        if ((rc = sign_one(k, &message, fail)) != BM_OK)
            return rc;
        *ret_worked = true;
    }
}

int
bm_keeper_serve(int channel, const struct bm_keeper_ca ca[static BM_MAX_KEYS], const char *home)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 512 };
    struct keeper k = { .channel = channel };
    struct bm_fail fail = { .rc = BM_OK }, ignored = { .rc = BM_OK };
    enum bm_keeper_why why = BM_KEEPER_GONE;
    bool worked = false;

    (void)prctl(PR_SET_NAME, "token-keeper");
    if (tokens_open(&k, ca, home, &fail) == BM_OK && serve(&k, &worked, &fail) == BM_OK)
        return BM_KEEPER_EXIT_SIGNER;
    if (fail.cite != NULL && strcmp(fail.cite, BM_P11_PIN) == 0)
        why = BM_KEEPER_PIN;
    else if (fail.rc == BM_EINPUT)
        why = BM_KEEPER_WRONG;
    bm_buf_add_u8(&body, (uint8_t)why);
    bm_buf_add_lv16(&body, bm_bytes_str(fail.text));
    (void)say(&k, BM_K_AWAY, 0, &body, &ignored);
    return why == BM_KEEPER_PIN ? BM_KEEPER_EXIT_PIN : worked ? BM_KEEPER_EXIT_WORKED : BM_KEEPER_EXIT_AWAY;
}
