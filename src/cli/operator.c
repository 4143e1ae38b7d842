#include "cli/operator.h"

#include "base/env.h"
#include "cli/places.h"
#include "cli/print.h"
#include "wire/text.h"

#include <dirent.h>
#include <stdio.h>

/* "anna.key", "anna.uri" -> "anna". */
static bool
key_name(char ret[static BM_MAX_NAME + 1], const char *file)
{
    size_t n = strlen(file);

    if (n <= 4 || n - 4 > BM_MAX_NAME || (strcmp(file + n - 4, ".key") != 0 && strcmp(file + n - 4, ".uri") != 0))
        return false;
    (void)snprintf(ret, BM_MAX_NAME + 1, "%.*s", (int)(n - 4), file);
    return bm_name_ok(ret, BM_MAX_NAME);
}

enum bm_rc
bm_operator_name(struct bm_call *call, char ret_name[static BM_MAX_NAME + 1], struct bm_fail *fail)
{
    const char *asked = bm_call_option(call, "operator");
    bm_cleanup(bm_dir_done) DIR *dir = NULL;
    char path[BM_PATH], name[BM_MAX_NAME + 1];
    const struct dirent *entry;
    unsigned n = 0;
    enum bm_rc rc;

    if (asked != NULL) {
        if ((rc = bm_call_name(call, "an operator's name", asked, fail)) == BM_OK)
            (void)snprintf(ret_name, BM_MAX_NAME + 1, "%s", asked);
        return rc;
    }
    if ((rc = bm_path_join(path, call->home, "operators", fail)) != BM_OK)
        return rc;
    dir = opendir(path);
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (key_name(name, entry->d_name) && n++ == 0)
            (void)snprintf(ret_name, BM_MAX_NAME + 1, "%s", name);
    if (n == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "no operator's key is in %s: put yours there as NAME.key", path);
    if (n > 1)
        return bm_usage(call, fail, "%u operators' keys are in %s: say whose with --operator NAME", n, path);
    return BM_OK;
}

void
bm_desk_done(struct bm_desk *desk)
{
    bm_operator_key_done(&desk->key);
}

static enum bm_rc
key_open(struct bm_operator_key *ret, struct bm_call *call, struct bm_fail *fail)
{
    char name[BM_MAX_NAME + 1];
    enum bm_rc rc = bm_operator_name(call, name, fail);

    return rc != BM_OK ? rc : bm_operator_key_open(ret, call->home, name, fail);
}

static enum bm_rc
site_check(const struct bm_call *call, const char *hex, uint8_t ret_site[static BM_HASH], struct bm_fail *fail)
{
    char path[BM_PATH], ours[2 * BM_HASH + 1];
    struct bm_trust trust;
    enum bm_rc rc;

    if ((rc = bm_path_join(path, call->home, BM_PLACE_TRUST, fail)) != BM_OK || (rc = bm_trust_read(&trust, path, fail)) != BM_OK)
        return rc;
    bm_hex(ours, bm_bytes(trust.site, BM_HASH));
    if (strcmp(hex, ours) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "the server says that it is site %.16s..., and trust.txt says %.16s...: nothing was signed",
                       hex, ours);
    memcpy(ret_site, trust.site, BM_HASH);
    return BM_OK;
}

/* Is this one of the words? */
static bool
word_stands(const char *words, const char *word)
{
    size_t n = strlen(word);

    for (const char *at = words; (at = strstr(at, word)) != NULL; at += n)
        if ((at == words || at[-1] == ' ') && (at[n] == ' ' || at[n] == 0))
            return true;
    return false;
}

/* Its place in the order of statements, or as a proposal a number of its own and an end. */
static enum bm_rc
place_take(struct bm_statement_head *head, const json_t *site, enum bm_act act, struct bm_fail *fail)
{
    json_int_t seq = json_integer_value(json_object_get(site, "next_seq"));

    if (seq <= 0)
        return bm_fail(fail, BM_EBUG, NULL, "the server does not say which statement is its next");
    if (!word_stands(bm_json_text(site, "two_persons"), bm_act_word(act))) {
        head->seq = (uint64_t)seq;
        return BM_OK;
    }
    head->seq = 0;
    head->expires = head->time + (bm_time)BM_PROPOSAL_DAYS * 86400;
    return bm_env_system.random(bm_env_system.ctx, head->proposal, sizeof(head->proposal), fail);
}

enum bm_rc
bm_desk_open(struct bm_desk *ret_desk, enum bm_act act, struct bm_ask *ask, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf row = { .max = BM_MAX_JSON };
    bm_cleanup(bm_desk_done) struct bm_desk desk = { .act = act, .head = { .kind = bm_act_statement(act) } };
    bm_cleanup(bm_json_done) json_t *site = NULL;
    const char *hex;
    enum bm_rc rc;

    if ((rc = key_open(&desk.key, ask->call, fail)) != BM_OK ||
        (rc = bm_ask(ask, BM_C_SITE, bm_bytes(NULL, 0), bm_row_keep, &row, NULL, fail)) != BM_OK ||
        (rc = bm_json_parse(&site, bm_buf_bytes(&row), BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    hex = json_string_value(json_object_get(site, "site"));
    if (hex == NULL)
        return bm_fail(fail, BM_EBUG, NULL, "the server does not say which site it is");
    if ((rc = site_check(ask->call, hex, desk.head.site, fail)) != BM_OK ||
        (rc = bm_env_system.now(bm_env_system.ctx, &desk.head.time, fail)) != BM_OK ||
        (rc = place_take(&desk.head, site, act, fail)) != BM_OK)
        return rc;
    desk.next_seq = (uint64_t)json_integer_value(json_object_get(site, "next_seq"));
    (void)snprintf(desk.head.by, sizeof(desk.head.by), "%.*s", BM_MAX_NAME, desk.key.key.name);
    *ret_desk = desk;
    return BM_OK;
}

void
bm_desk_alone(struct bm_desk *desk)
{
    desk->head.seq = desk->next_seq;
}

enum bm_rc
bm_desk_sign(const struct bm_desk *desk, const struct bm_buf *text, struct bm_buf *note, struct bm_fail *fail)
{
    enum bm_rc rc = bm_buf_check(text, "the statement", fail);

    return rc != BM_OK ? rc : bm_operator_key_sign(&desk->key, bm_buf_bytes(text), note, fail);
}

enum bm_rc
bm_desk_propose(struct bm_ask *ask, const struct bm_buf *note, struct bm_bytes behind, json_t **ret_row, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE }, row = { .max = BM_MAX_JSON };
    enum bm_rc rc;

    bm_buf_add_lv32(&body, bm_buf_bytes(note));
    bm_buf_add_lv32(&body, behind);
    if ((rc = bm_buf_check(&body, "the proposal", fail)) != BM_OK ||
        (rc = bm_ask(ask, BM_C_PROPOSE, bm_buf_bytes(&body), bm_row_keep, &row, NULL, fail)) != BM_OK)
        return rc;
    return bm_json_parse(ret_row, bm_buf_bytes(&row), BM_MAX_JSON, fail);
}

enum bm_rc
bm_desk_proposed(const struct bm_desk *desk, struct bm_ask *ask, const struct bm_buf *note, struct bm_bytes behind, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    enum bm_rc rc = bm_desk_propose(ask, note, behind, &row, fail);
    uint64_t number;

    if (rc != BM_OK)
        return rc;
    number = (uint64_t)json_integer_value(json_object_get(row, "proposal"));
    ask->call->proposal = number;
    return bm_fail(fail, BM_EPOLICY, NULL,
                   "proposal %llu waits: to %s takes two persons at this site, and nothing is done before another operator says `birthmark "
                   "proposal approve %llu`",
                   (unsigned long long)number, bm_act_title(desk->act), (unsigned long long)number);
}

enum bm_rc
bm_desk_send(const struct bm_desk *desk, struct bm_ask *ask, const struct bm_buf *text, const struct bm_bytes *profiles, size_t nprofiles,
             bm_row_fn *row, void *ctx, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE }, behind = { .max = BM_MAX_MESSAGE };
    enum bm_rc rc;

    if ((rc = bm_desk_sign(desk, text, &note, fail)) != BM_OK)
        return rc;
    bm_buf_add_u8(&behind, (uint8_t)nprofiles);
    for (size_t i = 0; i < nprofiles; i++)
        bm_buf_add_lv16(&behind, profiles[i]);
    bm_buf_add_lv32(&body, bm_buf_bytes(&note));
    bm_buf_add_bytes(&body, bm_buf_bytes(&behind));
    if ((rc = bm_buf_check(&behind, "the profiles", fail)) != BM_OK || (rc = bm_buf_check(&body, "the statement", fail)) != BM_OK)
        return rc;
    if (desk->head.seq == 0)
        return bm_desk_proposed(desk, ask, &note, bm_buf_bytes(&behind), fail);
    return bm_ask(ask, BM_C_STATEMENT, bm_buf_bytes(&body), row, ctx, NULL, fail);
}
