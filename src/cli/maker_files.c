/* maker_files.c - whose lots are believed, as the command line and its files say it. */
#include "base/file.h"
#include "cli/maker.h"
#include "cli/maker_parts.h"
#include "pki/cert.h"
#include "wire/text.h"

#define MAX_FILE 65536
#define MAX_ROOTS_FILE (1u << 20)

/* A bare Ed25519 key gets its name from the vendor's. */
static enum bm_rc
public_block(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_maker *maker = ctx;
    char name[BM_NOTE_NAME + 1];
    struct bm_note_key note;
    struct bm_key key;
    enum bm_rc rc;

    if ((rc = bm_key_parse(&key, der, fail)) != BM_OK)
        return rc;
    if (key.alg != BM_KEY_ED25519)
        return bm_fail(fail, BM_EINPUT, NULL, "manifests are signed with Ed25519: `openssl genpkey -algorithm ed25519` makes such a key");
    bm_maker_key_name(name, maker->vendor.name);
    if ((rc = bm_note_key_init(&note, name, key.spki + key.at_bits, fail)) != BM_OK)
        return rc;
    return bm_maker_key_add(maker, &note, fail);
}

static struct bm_bytes
without_newline(struct bm_bytes text)
{
    while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    return text;
}

static bool
holds(struct bm_bytes file, const char *text)
{
    return memmem(file.p, file.n, text, strlen(text)) != NULL;
}

static enum bm_rc
signer_file(struct bm_maker *maker, struct bm_bytes file, struct bm_fail *fail)
{
    struct bm_note_key key;
    enum bm_rc rc;

    if (holds(file, "-----BEGIN CERTIFICATE-----"))
        return bm_pem_parse(file, "CERTIFICATE", bm_maker_signer_add, maker, fail);
    if (holds(file, "-----BEGIN PUBLIC KEY-----"))
        return bm_pem_parse(file, "PUBLIC KEY", public_block, maker, fail);
    if (holds(file, "PRIVATE KEY-----"))
        return bm_fail(fail, BM_EINPUT, NULL, "this is a private key: keep it, and give its public half (openssl pkey -pubout)");
    if (file.n > 0 && file.p[0] == 0x30)
        return bm_maker_signer_add(maker, file, fail);
    if ((rc = bm_note_vkey_parse(&key, without_newline(file), fail)) != BM_OK)
        return bm_fail(fail, BM_EINPUT, NULL, "this is neither a vkey, nor an Ed25519 public key in PEM, nor an X.509 certificate");
    return bm_maker_key_add(maker, &key, fail);
}

static enum bm_rc
signer_take(struct bm_maker *maker, const char *word, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = MAX_FILE };
    struct bm_fail unused;
    struct bm_note_key key;
    enum bm_rc rc;

    if (strchr(word, '+') != NULL && bm_note_vkey_parse(&key, bm_bytes_str(word), &unused) == BM_OK)
        return bm_maker_key_add(maker, &key, fail);
    if ((rc = bm_file_read(&file, word, fail)) != BM_OK)
        return rc;
    if ((rc = signer_file(maker, bm_buf_bytes(&file), fail)) == BM_EINPUT)
        bm_fail_prefix(fail, "%s", word);
    return rc;
}

static enum bm_rc
root_take(struct bm_maker *maker, const char *path, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = MAX_ROOTS_FILE };
    enum bm_rc rc;

    if ((rc = bm_file_read(&file, path, fail)) != BM_OK)
        return rc;
    if (file.n > 0 && file.p[0] == 0x30)
        rc = bm_maker_root_add(maker, bm_buf_bytes(&file), fail);
    else
        rc = bm_pem_parse(bm_buf_bytes(&file), "CERTIFICATE", bm_maker_root_add, maker, fail);
    if (rc == BM_EINPUT)
        bm_fail_prefix(fail, "%s", path);
    return rc;
}

/* What each format stands on. */
static enum bm_rc
format_check(const struct bm_vendor *vendor, struct bm_call *call, struct bm_fail *fail)
{
    if (vendor->format == BM_FORMAT_BIRTHMARK && vendor->nkeys == 0)
        return bm_usage(call, fail, "the format birthmark wants an Ed25519 key as --signer");
    if (vendor->format == BM_FORMAT_MICROCHIP && vendor->signers.n == 0)
        return bm_usage(call, fail, "the format microchip wants X.509 certificates as --signer");
    if ((vendor->format == BM_FORMAT_INFINEON || vendor->format == BM_FORMAT_EK) && vendor->roots.n == 0)
        return bm_usage(call, fail,
                        "nobody signs a list in the format %s: what makes it genuine are the chips' certificates, so --root is wanted",
                        bm_lot_format_word(vendor->format));
    return BM_OK;
}

/* Notes' keys sign our own manifests, certificates Microchip's: the signers say which, unless --format does. */
static enum bm_rc
format_take(struct bm_maker *maker, struct bm_call *call, struct bm_fail *fail)
{
    const char *word = bm_call_option(call, "format");
    struct bm_vendor *vendor = &maker->vendor;

    if (word != NULL && bm_lot_format_find(&vendor->format, word, fail) != BM_OK)
        return bm_usage(call, fail, "--format: %s", fail->text);
    if (vendor->format == BM_FORMAT_AUTO && vendor->nkeys + vendor->signers.n == 0)
        return bm_usage(call, fail, "say who signs its lots with --signer, or with --format what they are where nobody does");
    if (vendor->format == BM_FORMAT_AUTO && (vendor->nkeys == 0 || vendor->signers.n == 0))
        vendor->format = vendor->nkeys > 0 ? BM_FORMAT_BIRTHMARK : BM_FORMAT_MICROCHIP;
    if (vendor->nkeys + vendor->signers.n > BM_MAKER_SIGNERS || vendor->roots.n > BM_MAKER_ROOTS)
        return bm_usage(call, fail, "a vendor has at most %d signers and %d roots", BM_MAKER_SIGNERS, BM_MAKER_ROOTS);
    return format_check(vendor, call, fail);
}

enum bm_rc
bm_maker_collect(struct bm_maker *ret_maker, struct bm_call *call, const char *name, struct bm_fail *fail)
{
    const struct bm_values *signers = bm_call_values(call, "signer"), *roots = bm_call_values(call, "root");
    bm_cleanup(bm_maker_done) struct bm_maker maker = { .keys = NULL };
    enum bm_rc rc;

    if ((rc = bm_maker_name(call, name, fail)) != BM_OK)
        return rc;
    memcpy(maker.vendor.name, name, strlen(name) + 1);
    for (size_t i = 0; i < signers->n; i++)
        if ((rc = signer_take(&maker, signers->v[i], fail)) != BM_OK)
            return rc;
    for (size_t i = 0; i < roots->n; i++)
        if ((rc = root_take(&maker, roots->v[i], fail)) != BM_OK)
            return rc;
    if ((rc = format_take(&maker, call, fail)) != BM_OK)
        return rc;
    *ret_maker = maker;
    maker = (struct bm_maker){ .keys = NULL };
    return BM_OK;
}

/* ---- retired signers ---- */

/* Each fingerprint in turn. */
static void
fingerprint_at(const struct bm_vendor *vendor, size_t i, uint8_t ret[static BM_HASH])
{
    bm_sha256(ret, i < vendor->nkeys ? bm_bytes(vendor->keys[i].key, BM_NOTE_KEY) : vendor->signers.der[i - vendor->nkeys]);
}

/* "9f3c...41", or a file as of --signer: those of `maker` that it names. */
static enum bm_rc
named_collect(struct bm_maker *named, const struct bm_maker *maker, const char *word, struct bm_fail *fail)
{
    char hex[2 * BM_HASH + 1];
    uint8_t hash[BM_HASH];
    enum bm_rc rc = BM_OK;

    memcpy(named->vendor.name, maker->vendor.name, sizeof(named->vendor.name));
    if (strlen(word) != (size_t)2 * BM_HASH || strspn(word, "0123456789abcdef") != (size_t)2 * BM_HASH)
        return signer_take(named, word, fail);
    for (size_t i = 0; i < maker->vendor.nkeys + maker->vendor.signers.n && rc == BM_OK; i++) {
        fingerprint_at(&maker->vendor, i, hash);
        bm_hex(hex, bm_bytes(hash, BM_HASH));
        if (strcmp(hex, word) != 0)
            continue;
        rc = i < maker->vendor.nkeys ? bm_maker_key_add(named, &maker->keys[i], fail)
                                     : bm_maker_signer_add(named, maker->vendor.signers.der[i - maker->vendor.nkeys], fail);
    }
    return rc;
}

enum bm_rc
bm_maker_retire_named(struct bm_maker *maker, const char *word, struct bm_fail *fail)
{
    bm_cleanup(bm_maker_done) struct bm_maker named = { .keys = NULL };
    size_t all = maker->vendor.nkeys + maker->vendor.signers.n, n = 0;
    uint8_t hash[BM_HASH], one[BM_HASH];
    enum bm_rc rc;

    if ((rc = named_collect(&named, maker, word, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < named.vendor.nkeys + named.vendor.signers.n; i++) {
        fingerprint_at(&named.vendor, i, hash);
        for (size_t k = 0; k < all; k++) {
            fingerprint_at(&maker->vendor, k, one);
            if (memcmp(one, hash, BM_HASH) != 0)
                continue;
            n++;
            if ((rc = bm_maker_retire(maker, hash, fail)) != BM_OK)
                return rc;
        }
    }
    if (n == 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "%s has no such signer: see `birthmark vendor show`", maker->vendor.name);
    return BM_OK;
}
