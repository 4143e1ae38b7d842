/* lot_sign.c - lot sign: a chipmaker's manifest from the records of its chips. */
#include "base/file.h"
#include "cli/chip.h"
#include "cli/envelope.h"
#include "cli/maker.h"
#include "cli/places.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "p11/p11.h"
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

/* ---- who signs: a key in a file, or in a token ---- */

struct maker_key {
    struct bm_note_signer file;
    struct bm_p11 token;
    CK_OBJECT_HANDLE private; /* in the token */
    bool in_token;
    struct bm_note_key key; /* public */
};

static void
maker_key_done(struct maker_key *key)
{
    bm_note_signer_wipe(&key->file);
    bm_p11_close(&key->token);
}

static enum bm_rc
token_key_open(struct maker_key *key, const char *name, const char *uri, struct bm_fail *fail)
{
    uint8_t public[BM_P11_ED25519];
    enum bm_rc rc;

    if ((rc = bm_p11_open(&key->token, BM_P11_ROOT, uri + sizeof(BM_P11_SCHEME) - 1, fail)) != BM_OK ||
        (rc = bm_p11_ed25519_find(&key->token, &key->private, public, fail)) != BM_OK) {
        bm_fail_prefix(fail, "--key"); /* its sentences are worded for a device's root */
        return rc;
    }
    key->in_token = true;
    return bm_note_key_init(&key->key, name, public, fail);
}

static enum bm_rc
file_key_read(struct maker_key *key, const char *name, const char *path, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 16384 };
    enum bm_rc rc;

    if (access(path, F_OK) != 0 && errno == ENOENT)
        return bm_fail(fail, BM_EINPUT, NULL, "%s is not there: `openssl genpkey -algorithm ed25519 -out %s` makes a key", path, path);
    if ((rc = bm_file_read(&pem, path, fail)) != BM_OK)
        return rc;
    if ((rc = bm_note_signer_pem_parse(&key->file, name, bm_buf_bytes(&pem), fail)) != BM_OK)
        bm_fail_prefix(fail, "%s", path);
    else
        key->key = key->file.key;
    return rc;
}

static enum bm_rc
maker_key_open(struct maker_key *key, struct bm_call *call, const char *vendor, struct bm_fail *fail)
{
    const char *word = bm_call_option(call, "key");
    char name[BM_NOTE_NAME + 1];

    bm_maker_key_name(name, vendor);
    return (strncmp(word, BM_P11_SCHEME, sizeof(BM_P11_SCHEME) - 1) == 0 ? token_key_open : file_key_read)(key, name, word, fail);
}

static enum bm_rc
head_sign(void *ctx, struct bm_bytes text, struct bm_buf *note, struct bm_fail *fail)
{
    struct maker_key *key = ctx;
    uint8_t signature[BM_P11_ED25519_SIG];
    enum bm_rc rc;

    if (!key->in_token)
        return bm_head_sign_note(&key->file, text, note, fail);
    if ((rc = bm_p11_ed25519_sign(&key->token, key->private, text, signature, fail)) != BM_OK)
        return rc;
    return bm_note_join(note, text, &key->key, bm_bytes(signature, sizeof(signature)), fail);
}

/* ---- what is signed ---- */

/* A delivery has a name, this part's number and how many parts there are: all three, or it is not divided. */
static enum bm_rc
delivery_take(struct bm_lot_head *head, struct bm_call *call, struct bm_fail *fail)
{
    const char *delivery = bm_call_option(call, "delivery");
    enum bm_rc rc;

    if ((rc = bm_call_number(call, "part", 1, BM_MAX_LOT_PARTS, 0, &head->part, fail)) != BM_OK ||
        (rc = bm_call_number(call, "parts", 1, BM_MAX_LOT_PARTS, 0, &head->parts, fail)) != BM_OK)
        return rc;
    if (delivery == NULL && head->part == 0 && head->parts == 0)
        return BM_OK;
    if (delivery == NULL || head->part == 0 || head->parts == 0)
        return bm_usage(call, fail, "--delivery, --part and --parts belong together: say all three, or none");
    if (head->part > head->parts)
        return bm_usage(call, fail, "part %llu of %llu there is not", (unsigned long long)head->part, (unsigned long long)head->parts);
    if ((rc = bm_call_name(call, "a delivery's name", delivery, fail)) == BM_OK)
        (void)snprintf(head->delivery, sizeof(head->delivery), "%s", delivery);
    return rc;
}

static enum bm_rc
head_take(struct bm_lot_head *head, struct bm_call *call, struct bm_fail *fail)
{
    const char *vendor = bm_call_option(call, "vendor"), *lot = bm_call_option(call, "lot");
    enum bm_rc rc;

    if ((rc = bm_maker_name(call, vendor, fail)) != BM_OK || (rc = bm_call_name(call, "a lot's name", lot, fail)) != BM_OK ||
        (rc = bm_call_number(call, "revision", 1, INT64_MAX, 1, &head->revision, fail)) != BM_OK)
        return rc;
    (void)snprintf(head->lot, sizeof(head->lot), "%s", lot);
    (void)snprintf(head->vendor, sizeof(head->vendor), "%s", vendor);
    head->test = bm_call_option(call, "test") != NULL;
    return delivery_take(head, call, fail);
}

static enum bm_rc
manifest_make(struct bm_buf *manifest, const struct bm_lot_head *head, const struct leaves *leaves, struct maker_key *key,
              struct bm_fail *fail)
{
    const struct bm_head_signer signer = { .sign = head_sign, .ctx = key };
    struct bm_bytes *views = calloc(leaves->n, sizeof(*views));
    enum bm_rc rc;

    if (views == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for %zu chips", leaves->n);
    for (size_t i = 0; i < leaves->n; i++)
        views[i] = bm_bytes(leaves->der.p + leaves->at[i], leaves->at[i + 1] - leaves->at[i]);
    manifest->max = leaves->der.n + 4 * leaves->n + BM_MAX_NOTE;
    rc = bm_manifest_build(manifest, head, views, leaves->n, &signer, fail);
    free(views);
    return rc;
}

/* ---- what is handed over ---- */

static enum bm_rc
manifest_write(const struct bm_buf *manifest, struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf cert = { .max = BM_MAX_CERT };
    bm_cleanup(bm_buf_done) struct bm_buf envelope = { .max = manifest->n + 65536 };
    const char *to = bm_call_option(call, "to"), *path = bm_call_option(call, "o");
    enum bm_rc rc;

    if (to == NULL)
        return bm_file_write(path, bm_buf_bytes(manifest), 0644, fail);
    if ((rc = bm_cert_read(&cert, to, fail)) != BM_OK)
        return rc;
    if ((rc = bm_envelope_build(&envelope, bm_buf_bytes(manifest), bm_buf_bytes(&cert), fail)) != BM_OK) {
        bm_fail_prefix(fail, "%s", to);
        return rc;
    }
    return bm_file_write(path, bm_buf_bytes(&envelope), 0644, fail);
}

static enum bm_rc
result_print(const struct bm_call *call, const struct bm_lot_head *head, const struct leaves *leaves, const struct bm_note_key *key,
             struct bm_fail *fail)
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
    bm_note_vkey_build(&vkey, key);
    if ((rc = bm_buf_check(&vkey, "a vkey", fail)) != BM_OK)
        return rc;
    row =
        json_pack("{s:s, s:s, s:I, s:I, s:s, s:s%, s:s}", "lot", head->lot, "vendor", head->vendor, "revision", (json_int_t)head->revision,
                  "chips", (json_int_t)leaves->n, "root", root, "signer", (const char *)vkey.p, vkey.n, "file", bm_call_option(call, "o"));
    if ((rc = bm_json_check(row, fail)) != BM_OK)
        return rc;
    return bm_object_print(call, row, fail);
}

static enum bm_rc
run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(maker_key_done) struct maker_key key = { .in_token = false };
    bm_cleanup(leaves_done) struct leaves leaves = { .n = 0 };
    bm_cleanup(bm_buf_done) struct bm_buf manifest = { .max = 0 };
    struct bm_lot_head head = { .size = 0 };
    enum bm_rc rc;

    if ((rc = head_take(&head, call, fail)) != BM_OK || (rc = maker_key_open(&key, call, head.vendor, fail)) != BM_OK ||
        (rc = leaves_read(&leaves, call, fail)) != BM_OK || (rc = manifest_make(&manifest, &head, &leaves, &key, fail)) != BM_OK ||
        (rc = manifest_write(&manifest, call, fail)) != BM_OK)
        return rc;
    return result_print(call, &head, &leaves, &key.key, fail);
}

const struct bm_verb bm_verb_lot_sign = {
    .words = "lot sign",
    .arguments = "CHIP...",
    .least = 1,
    .most = BM_MAX_LOT_CHIPS,
    .purpose = "Put chips into one signed manifest, to hand over with the batch.",
    .help =
        "For chipmakers. The manifest is a tree over the chips' records and its head, signed with an Ed25519 key. Give the public\n"
        "half to whoever receives your lots, by another road than the lots. The key may be in a token, which signs by CKM_EDDSA:\n"
        "pkcs11:token=T;object=O?pin-source=FILE. A list that replaces one has its name and a higher revision.\n\n"
        "example: openssl genpkey -algorithm ed25519 -out maker.key\n"
        "         openssl pkey -in maker.key -pubout -out maker.pub\n"
        "         birthmark lot sign --key maker.key --vendor \"Example Silicon\" --lot EX-001 chip1.der chip2.der -o EX-001.manifest\n",
    .options = { { .name = "key", .value = "KEY", .help = "your Ed25519 private key: PKCS#8 in PEM, or pkcs11:URI", .needed = true },
                 { .name = "vendor", .value = "NAME", .help = "who you are, 1 to 64 printable characters", .needed = true },
                 { .name = "lot", .value = "ID", .help = "the batch's name, never used again", .needed = true },
                 { .name = "revision", .value = "N", .help = "from 2 on: replaces the lists of this name with lower numbers" },
                 { .name = "delivery", .value = "NAME", .help = "the delivery that is divided into lots, of which this is" },
                 { .name = "part", .value = "K", .help = "... this part" },
                 { .name = "parts", .value = "N", .help = "... of so many" },
                 { .name = "test", .help = "for tests: no production site takes the lot" },
                 { .name = "to", .value = "CERT", .help = "confidential: only the key of this certificate (RSA, EC) opens it" },
                 { .name = "o", .value = "FILE", .help = "the manifest", .needed = true } },
    .run = run,
};
