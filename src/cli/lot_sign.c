/* lot_sign.c - lot sign: a chipmaker's manifest from the records of its chips. */
#include "base/file.h"
#include "cli/chip.h"
#include "cli/maker.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "wire/text.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* The leaves of all records, one after the other. */
struct leaves {
    struct bm_buf der;
    size_t *at; /* n + 1 of them */
    size_t n;
};

static void
leaves_done(struct leaves *leaves)
{
    bm_buf_done(&leaves->der);
    free(leaves->at);
}

static enum bm_rc
leaves_read(struct leaves *leaves, const struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_progress_done) struct bm_progress progress = { .what = "reading chips" };
    enum bm_rc rc;

    if ((leaves->at = calloc(call->words.n + 1, sizeof(*leaves->at))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for %zu chips", call->words.n);
    leaves->der.max = call->words.n * BM_MAX_LEAF;
    for (; leaves->n < call->words.n; leaves->n++) {
        bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 2 * BM_MAX_CHIP_HASHES * BM_MAX_CERT };
        struct bm_chip chip;

        if ((rc = bm_chip_read(&chip, &file, call->words.v[leaves->n], fail)) != BM_OK)
            return rc;
        bm_buf_add_bytes(&leaves->der, chip.leaf_der);
        leaves->at[leaves->n + 1] = leaves->der.n;
        bm_progress_show(&progress, leaves->n, call->words.n);
    }
    return bm_buf_check(&leaves->der, "the lot", fail);
}

static enum bm_rc
signer_read(struct bm_note_signer *ret, struct bm_call *call, const char *vendor, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 16384 };
    const char *path = bm_call_option(call, "key");
    char name[BM_NOTE_NAME + 1];
    enum bm_rc rc;

    if (access(path, F_OK) != 0 && errno == ENOENT)
        return bm_fail(fail, BM_EINPUT, NULL, "%s is not there: `openssl genpkey -algorithm ed25519 -out %s` makes a key", path, path);
    if ((rc = bm_file_read(&pem, path, fail)) != BM_OK)
        return rc;
    bm_maker_key_name(name, vendor);
    if ((rc = bm_note_signer_pem_parse(ret, name, bm_buf_bytes(&pem), fail)) != BM_OK)
        bm_fail_prefix(fail, "%s", path);
    return rc;
}

static enum bm_rc
manifest_make(struct bm_buf *manifest, const struct leaves *leaves, const struct bm_call *call, const struct bm_note_signer *signer,
              struct bm_fail *fail)
{
    const struct bm_head_signer head_signer = { .sign = bm_head_sign_note, .ctx = (void *)(uintptr_t)signer };
    struct bm_bytes *views = calloc(leaves->n, sizeof(*views));
    struct bm_lot_head head = { .revision = 1 };
    enum bm_rc rc;

    if (views == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for %zu chips", leaves->n);
    for (size_t i = 0; i < leaves->n; i++)
        views[i] = bm_bytes(leaves->der.p + leaves->at[i], leaves->at[i + 1] - leaves->at[i]);
    manifest->max = leaves->der.n + 4 * leaves->n + BM_MAX_NOTE;
    (void)snprintf(head.lot, sizeof(head.lot), "%s", bm_call_option(call, "lot"));
    (void)snprintf(head.vendor, sizeof(head.vendor), "%s", bm_call_option(call, "vendor"));
    rc = bm_manifest_build(manifest, &head, views, leaves->n, &head_signer, fail);
    free(views);
    return rc;
}

static enum bm_rc
result_print(const struct bm_call *call, const struct leaves *leaves, const struct bm_note_signer *signer, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf vkey = { .max = BM_NOTE_VKEY };
    bm_cleanup(bm_json_done) json_t *row = NULL;
    struct bm_frontier frontier = { .size = 0 };
    uint8_t hash[BM_HASH];
    char root[2 * BM_HASH + 1];
    enum bm_rc rc;

    for (size_t i = 0; i < leaves->n; i++) {
        bm_tree_leaf(hash, bm_bytes(leaves->der.p + leaves->at[i], leaves->at[i + 1] - leaves->at[i]));
        bm_frontier_append(&frontier, hash);
    }
    bm_frontier_root(&frontier, hash);
    bm_hex(root, bm_bytes(hash, BM_HASH));
    bm_note_vkey_build(&vkey, &signer->key);
    if ((rc = bm_buf_check(&vkey, "a vkey", fail)) != BM_OK)
        return rc;
    row =
        json_pack("{s:s, s:s, s:I, s:s, s:s%, s:s}", "lot", bm_call_option(call, "lot"), "vendor", bm_call_option(call, "vendor"), "chips",
                  (json_int_t)leaves->n, "root", root, "signer", (const char *)vkey.p, vkey.n, "file", bm_call_option(call, "o"));
    if ((rc = bm_json_check(row, fail)) != BM_OK)
        return rc;
    return bm_object_print(call, row, fail);
}

static enum bm_rc
run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_note_signer_wipe) struct bm_note_signer signer = { .seed = { 0 } };
    bm_cleanup(leaves_done) struct leaves leaves = { .n = 0 };
    bm_cleanup(bm_buf_done) struct bm_buf manifest = { .max = 0 };
    const char *vendor = bm_call_option(call, "vendor");
    enum bm_rc rc;

    if ((rc = bm_maker_name(call, vendor, fail)) != BM_OK ||
        (rc = bm_call_name(call, "a lot's name", bm_call_option(call, "lot"), fail)) != BM_OK ||
        (rc = signer_read(&signer, call, vendor, fail)) != BM_OK || (rc = leaves_read(&leaves, call, fail)) != BM_OK ||
        (rc = manifest_make(&manifest, &leaves, call, &signer, fail)) != BM_OK ||
        (rc = bm_file_write(bm_call_option(call, "o"), bm_buf_bytes(&manifest), 0644, fail)) != BM_OK)
        return rc;
    return result_print(call, &leaves, &signer, fail);
}

const struct bm_verb bm_verb_lot_sign = {
    .words = "lot sign",
    .arguments = "CHIP...",
    .least = 1,
    .most = BM_MAX_LOT_CHIPS,
    .purpose = "Put chips into one signed manifest, to hand over with the batch.",
    .help =
        "For chipmakers. The manifest is a tree over the chips' records and its head, signed with an Ed25519 key. Give the public\n"
        "half to whoever receives your lots, by another road than the lots.\n\n"
        "example: openssl genpkey -algorithm ed25519 -out maker.key\n"
        "         openssl pkey -in maker.key -pubout -out maker.pub\n"
        "         birthmark lot sign --key maker.key --vendor \"Example Silicon\" --lot EX-001 chip1.der chip2.der -o EX-001.manifest\n",
    .options = { { .name = "key", .value = "KEY", .help = "your Ed25519 private key, PKCS#8 in PEM", .needed = true },
                 { .name = "vendor", .value = "NAME", .help = "who you are, 1 to 64 printable characters", .needed = true },
                 { .name = "lot", .value = "ID", .help = "the batch's name, never used again", .needed = true },
                 { .name = "o", .value = "FILE", .help = "the manifest", .needed = true } },
    .run = run,
};
