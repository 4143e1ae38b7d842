#include "cli/operator.h"

#include "base/env.h"
#include "cli/places.h"
#include "cli/print.h"
#include "wire/text.h"

#include <dirent.h>
#include <stdio.h>

/* "anna.key" -> "anna". */
static bool
key_name(char ret[static BM_MAX_NAME + 1], const char *file)
{
    size_t n = strlen(file);

    if (n <= 4 || n - 4 > BM_MAX_NAME || strcmp(file + n - 4, ".key") != 0)
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
    bm_note_signer_wipe(&desk->signer);
}

static enum bm_rc
signer_read(struct bm_note_signer *ret, struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 4096 };
    char name[BM_MAX_NAME + 1];
    enum bm_rc rc;

    if ((rc = bm_operator_name(call, name, fail)) != BM_OK ||
        (rc = bm_place_read(&pem, call->home, BM_PLACE_OPERATOR_KEY, name, fail)) != BM_OK)
        return rc;
    if ((rc = bm_note_signer_pem_parse(ret, name, bm_buf_bytes(&pem), fail)) != BM_OK)
        bm_fail_prefix(fail, "operators/%s.key", name);
    return rc;
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

enum bm_rc
bm_desk_open(struct bm_desk *ret_desk, enum bm_statement_kind kind, struct bm_ask *ask, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf row = { .max = BM_MAX_JSON };
    bm_cleanup(bm_desk_done) struct bm_desk desk = { .head = { .kind = kind } };
    bm_cleanup(bm_json_done) json_t *site = NULL;
    const char *hex;
    json_int_t seq;
    enum bm_rc rc;

    if ((rc = signer_read(&desk.signer, ask->call, fail)) != BM_OK ||
        (rc = bm_ask(ask, BM_C_SITE, bm_bytes(NULL, 0), bm_row_keep, &row, NULL, fail)) != BM_OK ||
        (rc = bm_json_parse(&site, bm_buf_bytes(&row), BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    hex = json_string_value(json_object_get(site, "site"));
    seq = json_integer_value(json_object_get(site, "next_seq"));
    if (hex == NULL || seq <= 0)
        return bm_fail(fail, BM_EBUG, NULL, "the server does not say which site it is");
    if ((rc = site_check(ask->call, hex, desk.head.site, fail)) != BM_OK ||
        (rc = bm_env_system.now(bm_env_system.ctx, &desk.head.time, fail)) != BM_OK)
        return rc;
    desk.head.seq = (uint64_t)seq;
    (void)snprintf(desk.head.by, sizeof(desk.head.by), "%.*s", BM_MAX_NAME, desk.signer.key.name);
    *ret_desk = desk;
    return BM_OK;
}

enum bm_rc
bm_desk_sign(const struct bm_desk *desk, const struct bm_buf *text, struct bm_buf *note, struct bm_fail *fail)
{
    const struct bm_note_signer *signers[] = { &desk->signer };
    enum bm_rc rc = bm_buf_check(text, "the statement", fail);

    return rc != BM_OK ? rc : bm_note_build(note, bm_buf_bytes(text), signers, 1, fail);
}

enum bm_rc
bm_desk_send(const struct bm_desk *desk, struct bm_ask *ask, const struct bm_buf *text, const struct bm_bytes *profiles, size_t nprofiles,
             bm_row_fn *row, void *ctx, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE };
    enum bm_rc rc;

    if ((rc = bm_desk_sign(desk, text, &note, fail)) != BM_OK)
        return rc;
    bm_buf_add_lv32(&body, bm_buf_bytes(&note));
    bm_buf_add_u8(&body, (uint8_t)nprofiles);
    for (size_t i = 0; i < nprofiles; i++)
        bm_buf_add_lv16(&body, profiles[i]);
    if ((rc = bm_buf_check(&body, "the statement", fail)) != BM_OK)
        return rc;
    return bm_ask(ask, BM_C_STATEMENT, bm_buf_bytes(&body), row, ctx, NULL, fail);
}
