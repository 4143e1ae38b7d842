/* lot_inspect.c - lot inspect: what is in a lot's file, what verifies, what is odd; changes nothing. */
#include "base/file.h"
#include "cli/ask.h"
#include "cli/maker.h"
#include "cli/places.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "wire/text.h"

#define ODD_MOST 100 /* sentences shown; the rest is counted */

struct inspected {
    json_t *odd;
    uint64_t nodd;
};

static enum bm_rc
leaf_pass(void *ctx, uint64_t index, struct bm_bytes der, struct bm_fail *fail)
{
    (void)ctx;
    (void)index;
    (void)der;
    (void)fail;
    return BM_OK;
}

static void
odd_keep(void *ctx, uint64_t index, const char *sentence)
{
    struct inspected *inspected = ctx;

    if (inspected->nodd++ < ODD_MOST)
        (void)json_array_append_new(inspected->odd, json_pack("{s:I, s:s}", "index", (json_int_t)index, "sentence", sentence));
}

/* Whose it must be: --signer (no site), or --vendor of a site. */
static enum bm_rc
maker_find(struct bm_maker *ret_maker, struct bm_call *call, struct bm_fail *fail)
{
    const char *vendor = bm_call_option(call, "vendor");
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    enum bm_rc rc;

    if (bm_call_values(call, "signer")->n > 0)
        return bm_maker_collect(ret_maker, call, vendor != NULL ? vendor : "the chipmaker", fail);
    if (vendor == NULL)
        return bm_usage(call, fail, "say whose lot it must be: --signer KEY, or --vendor NAME of a site");
    if ((rc = bm_home_find(call, fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK)
        return rc;
    return bm_maker_ask(ret_maker, &ask, vendor, fail);
}

static enum bm_rc
run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_maker_done) struct bm_maker maker = { .keys = NULL };
    bm_cleanup(bm_crypto_done) struct bm_crypto *crypto = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = BM_MAX_LOT_FILE };
    bm_cleanup(bm_json_done) json_t *row = NULL;
    bm_cleanup(bm_json_done) json_t *odd = json_array();
    struct inspected inspected = { .odd = odd };
    const struct bm_lot_sink sink = { .leaf = leaf_pass, .odd = odd_keep, .ctx = &inspected };
    struct bm_lot_result result;
    char root[2 * BM_HASH + 1];
    enum bm_rc rc;

    if ((rc = maker_find(&maker, call, fail)) != BM_OK || (rc = bm_crypto_new(&crypto, fail)) != BM_OK ||
        (rc = bm_file_read(&file, call->words.v[0], fail)) != BM_OK)
        return rc;
    if ((rc = bm_lot_read(&result, bm_buf_bytes(&file), &maker.vendor, bm_call_option(call, "lot"), crypto, &sink, fail)) != BM_OK) {
        bm_fail_prefix(fail, "%s", call->words.v[0]);
        return rc;
    }
    bm_hex(root, bm_bytes(result.head.root, BM_HASH));
    row = json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:I, s:I, s:O}", "lot", result.head.lot, "vendor", result.head.vendor, "format",
                    bm_lot_format_word(result.format), "kind", bm_leaf_kind_word(result.head.kind), "chips", (json_int_t)result.head.size,
                    "root", root, "signer", result.signer, "signatures", (json_int_t)result.checked, "odd_count",
                    (json_int_t)inspected.nodd, "odd", odd);
    if ((rc = bm_json_check(row, fail)) != BM_OK)
        return rc;
    return bm_object_print(call, row, fail);
}

const struct bm_verb bm_verb_lot_inspect = {
    .words = "lot inspect",
    .arguments = "FILE",
    .least = 1,
    .most = 1,
    .purpose = "Read a lot's file as `lot receive` would, say what is in it and what is odd; change nothing.",
    .help = "With --signer it needs no site. Refused, with the reason, when it is not what that signer signed.\n\n"
            "example: birthmark lot inspect EX-001.manifest --signer maker.pub --vendor \"Example Silicon\"\n"
            "         birthmark lot inspect ECC608C-TNGTLSU-B.json --vendor Microchip\n",
    .options = { { .name = "vendor", .value = "NAME", .help = "a vendor of the site; with --signer: the name it should bear" },
                 { .name = "signer", .value = "KEY", .help = "as of `vendor add`", .many = true },
                 { .name = "root", .value = "CA.pem", .help = "as of `vendor add`", .many = true },
                 { .name = "format", .value = "WORD", .help = "as of `vendor add`" },
                 { .name = "lot", .value = "ID", .help = "the lot's name, where the file has none" } },
    .run = run,
};
