/* chip.c - chip create, show: a root identity's public record. */
#include "cli/chip.h"

#include "base/file.h"
#include "cli/places.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "pki/cert.h"
#include "root/root.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>

#define LABEL "BIRTHMARK CHIP"
#define MAX_FILE (BM_MAX_CHIP_HASHES * BM_MAX_CERT * 2) /* eight certificates in base64 */

enum bm_rc
bm_chip_read(struct bm_chip *ret_chip, struct bm_buf *der, const char *path, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = MAX_FILE };
    enum bm_rc rc;

    if ((rc = bm_file_read(&file, path, fail)) != BM_OK)
        return rc;
    if (file.n > 0 && file.p[0] == 0x30)
        bm_buf_add_bytes(der, bm_buf_bytes(&file));
    else
        rc = bm_pem_parse(bm_buf_bytes(&file), LABEL, bm_first_block, der, fail);
    if (rc == BM_OK)
        rc = bm_buf_check(der, "the chip's record", fail);
    if (rc == BM_OK)
        rc = bm_chip_parse(ret_chip, bm_buf_bytes(der), fail);
    if (rc == BM_EINPUT)
        bm_fail_prefix(fail, "%s", path);
    return rc;
}

/* ---- for people and programs ---- */

static const char *
alg_word(const struct bm_key *key)
{
    switch (key->alg) {
    case BM_KEY_P256:
        return "P-256";
    case BM_KEY_P384:
        return "P-384";
    case BM_KEY_RSA:
        return "RSA";
    case BM_KEY_ED25519:
        return "Ed25519";
    }
    return "unknown";
}

/* What a root of this kind can convince the signer by. */
static const char *
proves(const struct bm_leaf *leaf)
{
    switch (leaf->root) {
    case BM_ROOT_TPM:
        for (size_t i = 0; i < leaf->nkeys; i++)
            if (leaf->keys[i].use != BM_USE_DECRYPT)
                return "root-signed";
        return "tpm-activated";
    case BM_ROOT_SECURE_ELEMENT:
    case BM_ROOT_PUF:
        return "root-signed";
    case BM_ROOT_SOFTWARE:
        return "software";
    }
    return "nothing";
}

static json_t *
keys_of(const struct bm_leaf *leaf)
{
    static const char *const uses[BM_USE__END] = { [BM_USE_SIGN] = "sign", [BM_USE_DECRYPT] = "decrypt", [BM_USE_ATTEST] = "attest" };
    json_t *array = json_array();

    for (size_t i = 0; i < leaf->nkeys; i++) {
        char hex[2 * BM_HASH + 1];

        bm_hex(hex, bm_bytes(leaf->keys[i].key.hash, BM_HASH));
        (void)json_array_append_new(
            array, json_pack("{s:s, s:s, s:s}", "key", hex, "alg", alg_word(&leaf->keys[i].key), "use", uses[leaf->keys[i].use]));
    }
    return array;
}

static json_t *
certs_of(const struct bm_chip *chip)
{
    json_t *array = json_array();

    for (size_t i = 0; i < chip->ncerts; i++) {
        char subject[200], issuer[200], hash_hex[2 * BM_HASH + 1];
        uint8_t hash[BM_HASH];
        struct bm_cert cert;
        struct bm_fail why;

        bm_sha256(hash, chip->certs[i]);
        bm_hex(hash_hex, bm_bytes(hash, BM_HASH));
        if (bm_cert_parse(&cert, chip->certs[i], &why) != BM_OK) {
            (void)json_array_append_new(array, json_pack("{s:s, s:s}", "sha256", hash_hex, "odd", why.text));
            continue;
        }
        bm_name_print(subject, sizeof(subject), cert.subject);
        bm_name_print(issuer, sizeof(issuer), cert.issuer);
        (void)json_array_append_new(array, json_pack("{s:s, s:s, s:s}", "issuer", issuer, "subject", subject, "sha256", hash_hex));
    }
    return array;
}

static enum bm_rc
chip_print(const struct bm_call *call, const struct bm_chip *chip, const char *file, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    char key[2 * BM_HASH + 1] = "";
    enum bm_rc rc;

    if (chip->leaf.nkeys > 0)
        bm_hex(key, bm_bytes(chip->leaf.keys[0].key.hash, BM_HASH));
    row = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:s}", "id", chip->leaf.id, "kind", bm_root_kind_word(chip->leaf.root), "key", key,
                    "proves", proves(&chip->leaf), "keys", keys_of(&chip->leaf), "certificates", certs_of(chip), "file", file);
    if ((rc = bm_json_check(row, fail)) != BM_OK)
        return rc;
    return bm_object_print(call, row, fail);
}

static enum bm_rc
show_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = MAX_FILE };
    struct bm_chip chip;
    enum bm_rc rc = bm_chip_read(&chip, &der, call->words.v[0], fail);

    return rc != BM_OK ? rc : chip_print(call, &chip, call->words.v[0], fail);
}

const struct bm_verb bm_verb_chip_show = {
    .words = "chip show",
    .arguments = "FILE",
    .least = 1,
    .most = 1,
    .purpose = "Show a chip's public record: who made it, its root keys, what it can prove.",
    .help = "A key is named by the SHA-256 of its SubjectPublicKeyInfo, here and everywhere.\n\nexample: birthmark chip show chip1.der\n",
    .run = show_run,
};

/* ---- create ---- */

struct made {
    struct bm_leaf leaf;
    struct bm_buf certs; /* as the root gave them: u32 length and DER each */
    struct bm_bytes cert[BM_MAX_CHIP_HASHES];
    size_t ncerts;
};

static void
made_free(struct made **made)
{
    if (*made != NULL)
        bm_buf_done(&(*made)->certs);
    free(*made);
}

/* Certificates are named in the leaf by their hashes. */
static enum bm_rc
certs_take(struct made *made, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(bm_buf_bytes(&made->certs));

    for (made->ncerts = 0; !rd.bad && rd.left > 0; made->ncerts++) {
        if (made->ncerts == BM_MAX_CHIP_HASHES)
            return bm_fail(fail, BM_EINPUT, NULL, "the chip holds more than %d certificates", BM_MAX_CHIP_HASHES);
        made->cert[made->ncerts] = bm_rd_lv32(&rd, BM_MAX_CERT);
        bm_sha256(made->leaf.hashes[made->ncerts], made->cert[made->ncerts]);
    }
    made->leaf.nhashes = made->ncerts;
    return rd.bad ? bm_fail(fail, BM_EBUG, NULL, "the chip's certificates are malformed") : BM_OK;
}

static void
root_done(struct bm_root **root)
{
    bm_root_done(root);
}

/* --id, else what the hardware calls itself, else the beginning of its key's hash. */
static enum bm_rc
id_take(struct made *made, struct bm_call *call, struct bm_fail *fail)
{
    const char *id = bm_call_option(call, "id");

    if (id != NULL && !bm_leaf_id_ok(bm_bytes_str(id)))
        return bm_usage(call, fail, "--id must be 1 to %d of the characters A-Z a-z 0-9 . _ : -", BM_MAX_ID);
    if (id != NULL)
        (void)snprintf(made->leaf.id, sizeof(made->leaf.id), "%s", id);
    else if (made->leaf.id[0] == 0)
        bm_hex(made->leaf.id, bm_bytes(made->leaf.keys[0].key.hash, 8));
    return BM_OK;
}

static enum bm_rc
made_read(struct made *made, struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(root_done) struct bm_root *root = NULL;
    enum bm_rc rc;

    if ((rc = id_take(made, call, fail)) != BM_OK || (rc = bm_root_open(&root, bm_call_option(call, "root"), fail)) != BM_OK ||
        (rc = root->ops->identify(root, true, &made->leaf, &made->certs, fail)) != BM_OK || (rc = certs_take(made, fail)) != BM_OK)
        return rc;
    if (made->leaf.nkeys == 0)
        return bm_fail(fail, BM_EBUG, NULL, "the root has no key");
    return id_take(made, call, fail);
}

/* DER under a name that says so, PEM else. */
static enum bm_rc
record_write(const char *path, struct bm_bytes der, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 2 * MAX_FILE };
    size_t n = strlen(path);
    enum bm_rc rc;

    if (n > 4 && strcmp(path + n - 4, ".der") == 0)
        return bm_file_write(path, der, 0644, fail);
    bm_pem_build(&pem, LABEL, der);
    if ((rc = bm_buf_check(&pem, "the chip's record", fail)) != BM_OK)
        return rc;
    return bm_file_write(path, bm_buf_bytes(&pem), 0644, fail);
}

static enum bm_rc
create_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(made_free) struct made *made = calloc(1, sizeof(*made)); /* a leaf alone is 9 KiB */
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = MAX_FILE };
    const char *out = bm_call_option(call, "o");
    struct bm_chip chip;
    enum bm_rc rc;

    if (made == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for a chip's record");
    made->certs.max = MAX_FILE;
    if ((rc = made_read(made, call, fail)) != BM_OK || (rc = bm_chip_build(&der, &made->leaf, made->cert, made->ncerts, fail)) != BM_OK ||
        (rc = bm_chip_parse(&chip, bm_buf_bytes(&der), fail)) != BM_OK || (rc = record_write(out, bm_buf_bytes(&der), fail)) != BM_OK)
        return rc;
    return chip_print(call, &chip, out, fail);
}

const struct bm_verb bm_verb_chip_create = {
    .words = "chip create",
    .arguments = "",
    .purpose = "Make a chip's root identity where there is none yet, and write its public record.",
    .help = "For chipmakers. The private key is born in the chip and stays there; the record has its public half and the chip's own\n"
            "certificates. A second call with the same chip gives the same record.\n\n"
            "Roots: tpm2: (the default TCTI), tpm2:swtpm:port=2321, pkcs11:token=se-01;object=root (RFC 7512),\n"
            "puf:sim:SEED:HELPERFILE (a simulated PUF; the helper data is made here and needed ever after), soft:KEY.pem\n\n"
            "example: birthmark chip create --root tpm2:swtpm:port=2321 --id C-0001 -o chip1.der\n",
    .options = { { .name = "root", .value = "URI", .help = "the chip", .needed = true },
                 { .name = "id", .value = "ID", .help = "a label; default: what the hardware calls itself, or its key's hash" },
                 { .name = "o", .value = "FILE", .help = "the record: DER when it ends in .der, PEM else", .needed = true } },
    .run = create_run,
};
