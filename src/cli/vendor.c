/* vendor.c - vendor add, list, show, retire: whose lots are believed. */
#include "cli/lists.h"
#include "cli/maker.h"
#include "cli/places.h"
#include "cli/verbs.h"
#include "pki/cert.h"
#include "wire/text.h"

/* Its parts, in order: the last one ends it. */
static enum bm_rc
part_take(void *ctx, struct bm_bytes part, struct bm_fail *fail)
{
    bm_buf_add_bytes(ctx, part);
    return bm_buf_check(ctx, "the vendor's record", fail);
}

static enum bm_rc
record_ask(struct bm_maker *ret_maker, struct bm_ask *ask, const char *vendor, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 256 };
    bm_cleanup(bm_buf_done) struct bm_buf record = { .max = BM_MAX_VENDOR };
    enum bm_rc rc;

    bm_buf_add_lv16(&body, bm_bytes_str(vendor));
    if ((rc = bm_ask(ask, BM_C_VENDOR, bm_buf_bytes(&body), part_take, &record, &record, fail)) != BM_OK)
        return rc;
    return bm_maker_parse(ret_maker, bm_buf_bytes(&record), fail);
}

enum bm_rc
bm_maker_test_check(const struct bm_maker *maker, const char *home, struct bm_fail *fail)
{
    const struct bm_certs_list *lists[] = { &maker->vendor.signers, &maker->vendor.roots };
    bool test = false;
    enum bm_rc rc = bm_site_test(&test, home, fail);

    for (size_t k = 0; k < BM_COUNT(lists) && rc == BM_OK && !test; k++)
        for (size_t i = 0; i < lists[k]->n; i++)
            if (bm_cert_test_mark(lists[k]->der[i]))
                return bm_fail(fail, BM_EPOLICY, NULL,
                               "a certificate of the vendor %s is of a test hierarchy, and a production site believes none of them",
                               maker->vendor.name);
    return rc;
}

enum bm_rc
bm_lot_test_check(const struct bm_lot_head *head, const char *home, struct bm_fail *fail)
{
    bool test = false;
    enum bm_rc rc = head->test ? bm_site_test(&test, home, fail) : BM_OK;

    if (rc == BM_OK && head->test && !test)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "lot %s is for tests, says its maker, and a production site takes none: receive it at a site of `birthmark init "
                       "--test`",
                       head->lot);
    return rc;
}

enum bm_rc
bm_maker_ask(struct bm_maker *ret_maker, struct bm_ask *ask, const char *vendor, struct bm_fail *fail)
{
    enum bm_rc rc = bm_maker_name(ask->call, vendor, fail);

    if (rc != BM_OK || (rc = record_ask(ret_maker, ask, vendor, fail)) != BM_OK)
        return rc;
    return bm_maker_test_check(ret_maker, ask->call->home, fail);
}

/* What was retired stays so: whoever adds all of a vendor's certificates again does not mean that one. */
static enum bm_rc
retired_keep(struct bm_maker *maker, struct bm_ask *ask, struct bm_fail *fail)
{
    bm_cleanup(bm_maker_done) struct bm_maker before = { .keys = NULL };
    enum bm_rc rc = bm_maker_ask(&before, ask, maker->vendor.name, fail);

    if (rc == BM_EPOLICY || rc == BM_EINPUT)
        return BM_OK; /* a new one, or a record that cannot be read any more */
    for (size_t i = 0; i < before.vendor.nretired && rc == BM_OK; i++)
        rc = bm_maker_retire(maker, before.vendor.retired[i], fail);
    return rc;
}

static enum bm_rc
record_send(const struct bm_maker *maker, struct bm_ask *ask, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_VENDOR };
    struct bm_bytes left;
    enum bm_rc rc;

    bm_maker_build(&body, maker);
    if (body.bad && !body.nomem)
        return bm_fail(
            fail, BM_EINPUT, NULL,
            "the certificates of %s are more than %u bytes together: give only those that its chips' certificates lead to, or divide them "
            "among vendors of several names",
            maker->vendor.name, BM_MAX_VENDOR);
    if ((rc = bm_buf_check(&body, "the vendor's record", fail)) != BM_OK)
        return rc;
    for (left = bm_buf_bytes(&body); left.n > BM_MESSAGE_PART && rc == BM_OK;
         left = bm_bytes(left.p + BM_MESSAGE_PART, left.n - BM_MESSAGE_PART))
        rc = bm_ask(ask, BM_C_VENDOR_PART, bm_bytes(left.p, BM_MESSAGE_PART), NULL, NULL, NULL, fail);
    return rc != BM_OK ? rc : bm_ask(ask, BM_C_VENDOR_ADD, left, NULL, NULL, NULL, fail);
}

static enum bm_rc
add_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_maker_done) struct bm_maker maker = { .keys = NULL };
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    enum bm_rc rc;

    if ((rc = bm_maker_collect(&maker, call, call->words.v[0], fail)) != BM_OK ||
        (rc = bm_maker_test_check(&maker, call->home, fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK ||
        (rc = retired_keep(&maker, &ask, fail)) != BM_OK || (rc = record_send(&maker, &ask, fail)) != BM_OK)
        return rc;
    return bm_ask_show(&ask, "vendor", call->words.v[0], bm_object_row, call, fail);
}

const struct bm_verb bm_verb_vendor_add = {
    .words = "vendor add",
    .arguments = "NAME",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Say whose lots to believe: a chipmaker, and the keys that sign for it.",
    .help = "Check each key with the chipmaker by another road than the one it came by: whoever holds it can hand you chips.\n"
            "A signer is a note's vkey or a file with one, an Ed25519 public key in PEM (Birthmark manifests), or an X.509\n"
            "certificate (Microchip manifests, signed CSV). Bundles of Infineon and endorsement certificates are signed by nobody:\n"
            "the chips' certificates lead to --root. Adding a name again replaces what it had, but for retired signers.\n\n"
            "example: birthmark vendor add \"Example Silicon\" --signer maker.pub\n"
            "         birthmark vendor add Microchip --signer MCHP_manifest_signer_*.crt\n"
            "         birthmark vendor add STM --format ek --root STM-TPM-EK-root.pem STM-TPM-EK-intermediates.pem\n",
    .options = { { .name = "signer", .value = "KEY", .help = "a vkey, or a file with a key or certificate; one or more", .many = true },
                 { .name = "root",
                   .value = "CA.pem",
                   .help = "where the chips' own certificates must end; none: not checked",
                   .many = true },
                 { .name = "format",
                   .value = "WORD",
                   .help = "auto, birthmark, microchip, infineon, ek or csv; default: what signers sign" } },
    .run = add_run,
};

static enum bm_rc
list_run(struct bm_call *call, struct bm_fail *fail)
{
    static const struct bm_column columns[] = {
        { "vendor", "VENDOR" }, { "format", "FORMAT" }, { "state", "STATE" }, { "added", "ADDED" }
    };
    const struct bm_list_what what = {
        .what = "vendor", .columns = columns, .ncolumns = BM_COUNT(columns), .nothing = "no vendors yet: see `birthmark vendor add --help`"
    };

    return bm_list_run(call, &what, fail);
}

const struct bm_verb bm_verb_vendor_list = {
    .words = "vendor list",
    .arguments = "",
    .site = true,
    .purpose = "List the chipmakers whose lots are believed.",
    .help = "example: birthmark vendor list\n",
    .run = list_run,
};

/* ---- show: the row, and what it stands on ---- */

static enum bm_rc
cert_add(json_t *array, const struct bm_vendor *vendor, struct bm_bytes der, struct bm_fail *fail)
{
    char subject[200], hex[2 * BM_HASH + 1], until[BM_TIME_TEXT];
    uint8_t hash[BM_HASH];
    struct bm_cert cert;
    enum bm_rc rc;

    if ((rc = bm_cert_outline(&cert, der, fail)) != BM_OK)
        return rc;
    bm_name_print(subject, sizeof(subject), cert.subject);
    bm_sha256(hash, der);
    bm_hex(hex, bm_bytes(hash, BM_HASH));
    bm_time_print(until, cert.not_after);
    if (json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:s}", "subject", subject, "sha256", hex, "not_after", until, "state",
                                               bm_vendor_retired(vendor, hash) ? "retired" : "active")) != 0)
        return bm_json_check(NULL, fail);
    return BM_OK;
}

static enum bm_rc
key_row(json_t *array, const struct bm_vendor *vendor, const struct bm_note_key *key, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf vkey = { .max = BM_NOTE_VKEY };
    char hex[2 * BM_HASH + 1];
    uint8_t hash[BM_HASH];
    enum bm_rc rc;

    bm_note_vkey_build(&vkey, key);
    if ((rc = bm_buf_check(&vkey, "a vkey", fail)) != BM_OK)
        return rc;
    bm_sha256(hash, bm_bytes(key->key, BM_NOTE_KEY));
    bm_hex(hex, bm_bytes(hash, BM_HASH));
    if (json_array_append_new(array, json_pack("{s:s%, s:s, s:s}", "vkey", (const char *)vkey.p, vkey.n, "sha256", hex, "state",
                                               bm_vendor_retired(vendor, hash) ? "retired" : "active")) != 0)
        return bm_json_check(NULL, fail);
    return BM_OK;
}

static enum bm_rc
record_add(json_t *row, const struct bm_maker *maker, struct bm_fail *fail)
{
    json_t *signers = json_array(), *roots = json_array();
    enum bm_rc rc = BM_OK;

    if (json_object_set_new(row, "signers", signers) != 0 || json_object_set_new(row, "roots", roots) != 0)
        return bm_json_check(NULL, fail);
    for (size_t i = 0; i < maker->vendor.nkeys && rc == BM_OK; i++)
        rc = key_row(signers, &maker->vendor, &maker->vendor.keys[i], fail);
    for (size_t i = 0; i < maker->vendor.signers.n && rc == BM_OK; i++)
        rc = cert_add(signers, &maker->vendor, maker->vendor.signers.der[i], fail);
    for (size_t i = 0; i < maker->vendor.roots.n && rc == BM_OK; i++)
        rc = cert_add(roots, &maker->vendor, maker->vendor.roots.der[i], fail);
    return rc;
}

static enum bm_rc
show_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_JSON };
    bm_cleanup(bm_maker_done) struct bm_maker maker = { .keys = NULL };
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(bm_json_done) json_t *row = NULL;
    enum bm_rc rc;

    if ((rc = bm_maker_name(call, call->words.v[0], fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK ||
        (rc = bm_ask_show(&ask, "vendor", call->words.v[0], bm_row_keep, &text, fail)) != BM_OK ||
        (rc = bm_json_parse(&row, bm_buf_bytes(&text), BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    /* a retired one has a row and no record any more */
    if ((rc = record_ask(&maker, &ask, call->words.v[0], fail)) == BM_EPOLICY)
        return bm_object_print(call, row, fail);
    if (rc != BM_OK || (rc = record_add(row, &maker, fail)) != BM_OK)
        return rc;
    return bm_object_print(call, row, fail);
}

const struct bm_verb bm_verb_vendor_show = {
    .words = "vendor show",
    .arguments = "NAME",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Show a chipmaker with the keys and roots that its lots are checked against.",
    .help = "example: birthmark vendor show \"Example Silicon\"\n",
    .run = show_run,
};

static enum bm_rc
signer_retire(struct bm_call *call, struct bm_ask *ask, const struct bm_values *signers, struct bm_fail *fail)
{
    bm_cleanup(bm_maker_done) struct bm_maker maker = { .keys = NULL };
    enum bm_rc rc = bm_maker_ask(&maker, ask, call->words.v[0], fail);

    for (size_t i = 0; i < signers->n && rc == BM_OK; i++)
        rc = bm_maker_retire_named(&maker, signers->v[i], fail);
    return rc != BM_OK ? rc : record_send(&maker, ask, fail);
}

static enum bm_rc
retire_run(struct bm_call *call, struct bm_fail *fail)
{
    const struct bm_values *signers = bm_call_values(call, "signer");
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 256 };
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    enum bm_rc rc;

    bm_buf_add_lv16(&body, bm_bytes_str(call->words.v[0]));
    if ((rc = bm_maker_name(call, call->words.v[0], fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK)
        return rc;
    if (signers->n > 0)
        rc = signer_retire(call, &ask, signers, fail);
    else
        rc = bm_ask(&ask, BM_C_VENDOR_RETIRE, bm_buf_bytes(&body), NULL, NULL, NULL, fail);
    return rc != BM_OK ? rc : bm_ask_show(&ask, "vendor", call->words.v[0], bm_object_row, call, fail);
}

const struct bm_verb bm_verb_vendor_retire = {
    .words = "vendor retire",
    .arguments = "NAME",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Believe no more lots of a chipmaker, or of one signer of it; those that were received stay.",
    .help = "`birthmark vendor add` with the same name takes the vendor back. A signer that was retired stays so when its vendor is\n"
            "added again; one of a vendor that was itself retired does not.\n\n"
            "example: birthmark vendor retire \"Example Silicon\"\n"
            "         birthmark vendor retire Microchip --signer MCHP_manifest_signer_2.crt\n",
    .options = { { .name = "signer",
                   .value = "KEY",
                   .help = "only this one: its SHA-256 as `vendor show` prints it, or as of `vendor add`",
                   .many = true } },
    .run = retire_run,
};
