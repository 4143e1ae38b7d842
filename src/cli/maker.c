#include "cli/maker.h"

#include "base/file.h"
#include "cli/places.h"
#include "pki/cert.h"
#include "wire/rd.h"
#include "wire/text.h"

#include <stdlib.h>

#define MAX_SIGNERS 64 /* a number goes into one octet, and nobody has more */
#define MAX_ROOTS 255  /* the same; all makers of TPMs together have 143 between root and chip */
#define MAX_FILE 65536
#define MAX_ROOTS_FILE (1u << 20)

static void
list_free(struct bm_bytes *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free((void *)(uintptr_t)list[i].p);
    free(list);
}

void
bm_maker_done(struct bm_maker *maker)
{
    list_free(maker->signers, maker->vendor.signers.n);
    list_free(maker->roots, maker->vendor.roots.n);
    free(maker->keys);
    free(maker->retired);
    *maker = (struct bm_maker){ .keys = NULL };
}

/* Printable text without a space at its ends. */
static bool
name_ok(struct bm_bytes name)
{
    size_t at = 0, n = 1;

    if (name.n == 0 || name.n > BM_MAX_NAME || name.p[0] == ' ' || name.p[name.n - 1] == ' ')
        return false;
    for (; at < name.n && n > 0; at += n)
        n = bm_utf8_size(name.p + at, name.n - at);
    return n > 0;
}

enum bm_rc
bm_maker_name(struct bm_call *call, const char *name, struct bm_fail *fail)
{
    if (name_ok(bm_bytes_str(name)))
        return BM_OK;
    return bm_usage(call, fail, "a vendor's name is 1 to %d bytes of printable text, without a space at its ends", BM_MAX_NAME);
}

void
bm_maker_key_name(char ret_name[static BM_NOTE_NAME + 1], const char *vendor)
{
    size_t n = strlen(vendor);

    if (n > BM_NOTE_NAME)
        n = BM_NOTE_NAME;
    for (size_t i = 0; i < n; i++)
        ret_name[i] = vendor[i];
    for (size_t i = 0; i < n; i++)
        if (ret_name[i] == ' ' || ret_name[i] == '+')
            ret_name[i] = '-';
    ret_name[n] = 0;
}

/* ---- collecting ---- */

static enum bm_rc
key_add(struct bm_maker *maker, const struct bm_note_key *key, struct bm_fail *fail)
{
    struct bm_note_key *keys;

    for (size_t i = 0; i < maker->vendor.nkeys; i++)
        if (bm_note_key_equal(&maker->keys[i], key))
            return BM_OK;
    if ((keys = reallocarray(maker->keys, maker->vendor.nkeys + 1, sizeof(*keys))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for a vendor's keys");
    maker->keys = keys;
    keys[maker->vendor.nkeys++] = *key;
    maker->vendor.keys = keys;
    return BM_OK;
}

static enum bm_rc
der_add(struct bm_bytes **list, struct bm_certs_list *view, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_bytes *more = reallocarray(*list, view->n + 1, sizeof(*more));
    struct bm_cert cert;
    uint8_t *copy;
    enum bm_rc rc;

    if (more == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for a vendor's certificates");
    *list = more;
    view->der = more;
    if ((rc = bm_cert_outline(&cert, der, fail)) != BM_OK || (rc = bm_bytes_dup(&copy, der, fail)) != BM_OK)
        return rc;
    more[view->n++] = bm_bytes(copy, der.n);
    return BM_OK;
}

static enum bm_rc
signer_block(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_maker *maker = ctx;
    struct bm_cert cert;
    enum bm_rc rc = bm_cert_parse(&cert, der, fail);

    return rc != BM_OK ? rc : der_add(&maker->signers, &maker->vendor.signers, der, fail);
}

static enum bm_rc
root_block(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_maker *maker = ctx;

    return der_add(&maker->roots, &maker->vendor.roots, der, fail);
}

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
    return key_add(maker, &note, fail);
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
        return bm_pem_parse(file, "CERTIFICATE", signer_block, maker, fail);
    if (holds(file, "-----BEGIN PUBLIC KEY-----"))
        return bm_pem_parse(file, "PUBLIC KEY", public_block, maker, fail);
    if (holds(file, "PRIVATE KEY-----"))
        return bm_fail(fail, BM_EINPUT, NULL, "this is a private key: keep it, and give its public half (openssl pkey -pubout)");
    if (file.n > 0 && file.p[0] == 0x30)
        return signer_block(maker, file, fail);
    if ((rc = bm_note_vkey_parse(&key, without_newline(file), fail)) != BM_OK)
        return bm_fail(fail, BM_EINPUT, NULL, "this is neither a vkey, nor an Ed25519 public key in PEM, nor an X.509 certificate");
    return key_add(maker, &key, fail);
}

static enum bm_rc
signer_take(struct bm_maker *maker, const char *word, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = MAX_FILE };
    struct bm_fail unused;
    struct bm_note_key key;
    enum bm_rc rc;

    if (strchr(word, '+') != NULL && bm_note_vkey_parse(&key, bm_bytes_str(word), &unused) == BM_OK)
        return key_add(maker, &key, fail);
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
        rc = root_block(maker, bm_buf_bytes(&file), fail);
    else
        rc = bm_pem_parse(bm_buf_bytes(&file), "CERTIFICATE", root_block, maker, fail);
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
    if (vendor->nkeys + vendor->signers.n > MAX_SIGNERS || vendor->roots.n > MAX_ROOTS)
        return bm_usage(call, fail, "a vendor has at most %d signers and %d roots", MAX_SIGNERS, MAX_ROOTS);
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

/* ---- the record ---- */

void
bm_maker_build(struct bm_buf *buf, const struct bm_maker *maker)
{
    const struct bm_vendor *vendor = &maker->vendor;

    bm_buf_add_lv16(buf, bm_bytes_str(vendor->name));
    bm_buf_add_u8(buf, (uint8_t)vendor->format);
    bm_buf_add_u8(buf, (uint8_t)(vendor->nkeys + vendor->signers.n));
    for (size_t i = 0; i < vendor->nkeys; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf vkey = { .max = BM_NOTE_VKEY };

        bm_note_vkey_build(&vkey, &vendor->keys[i]);
        buf->bad |= vkey.bad;
        bm_buf_add_lv16(buf, bm_buf_bytes(&vkey));
    }
    for (size_t i = 0; i < vendor->signers.n; i++)
        bm_buf_add_lv16(buf, vendor->signers.der[i]);
    bm_buf_add_u8(buf, (uint8_t)vendor->roots.n);
    for (size_t i = 0; i < vendor->roots.n; i++)
        bm_buf_add_lv16(buf, vendor->roots.der[i]);
    bm_buf_add_u8(buf, (uint8_t)vendor->nretired);
    for (size_t i = 0; i < vendor->nretired; i++)
        bm_buf_add(buf, vendor->retired[i], BM_HASH);
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
        rc = i < maker->vendor.nkeys ? key_add(named, &maker->keys[i], fail)
                                     : signer_block(named, maker->vendor.signers.der[i - maker->vendor.nkeys], fail);
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

enum bm_rc
bm_maker_retire(struct bm_maker *maker, const uint8_t fingerprint[static BM_HASH], struct bm_fail *fail)
{
    uint8_t(*retired)[BM_HASH];

    if (bm_vendor_retired(&maker->vendor, fingerprint))
        return BM_OK;
    if (maker->vendor.nretired == MAX_SIGNERS ||
        (retired = reallocarray(maker->retired, maker->vendor.nretired + 1, sizeof(*retired))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "a vendor has at most %d retired signers: add it anew", MAX_SIGNERS);
    memcpy(retired[maker->vendor.nretired++], fingerprint, BM_HASH);
    maker->retired = retired;
    maker->vendor.retired = (const uint8_t(*)[BM_HASH])retired;
    return BM_OK;
}

/* DER begins with 0x30, a vkey with a name: '0' is 0x30 too, so its shape is tried first. */
static enum bm_rc
signer_parse(struct bm_maker *maker, struct bm_bytes bytes, struct bm_fail *fail)
{
    struct bm_fail unused;
    struct bm_note_key key;

    if (bm_note_vkey_parse(&key, bytes, &unused) == BM_OK)
        return key_add(maker, &key, fail);
    return signer_block(maker, bytes, fail);
}

enum bm_rc
bm_maker_parse(struct bm_maker *ret_maker, struct bm_bytes body, struct bm_fail *fail)
{
    bm_cleanup(bm_maker_done) struct bm_maker maker = { .keys = NULL };
    struct bm_rd rd = bm_rd(body);
    struct bm_bytes name = bm_rd_lv16(&rd, BM_MAX_NAME);
    uint8_t format = bm_rd_u8(&rd), n;
    enum bm_rc rc = BM_OK;

    if (rd.bad || !name_ok(name))
        return bm_fail(fail, BM_EINPUT, NULL, "the record of a vendor has no name: add the vendor again");
    memcpy(maker.vendor.name, name.p, name.n);
    maker.vendor.format = format <= BM_FORMAT_CSV ? (enum bm_lot_format)format : BM_FORMAT_AUTO;
    for (n = bm_rd_u8(&rd); n > 0 && rc == BM_OK && !rd.bad; n--) {
        struct bm_bytes signer = bm_rd_lv16(&rd, BM_MAX_CERT);

        if (!rd.bad)
            rc = signer_parse(&maker, signer, fail);
    }
    for (n = bm_rd_u8(&rd); n > 0 && rc == BM_OK && !rd.bad; n--) {
        struct bm_bytes root = bm_rd_lv16(&rd, BM_MAX_CERT);

        if (!rd.bad)
            rc = root_block(&maker, root, fail);
    }
    for (n = rd.left > 0 ? bm_rd_u8(&rd) : 0; n > 0 && rc == BM_OK && !rd.bad; n--) {
        uint8_t fingerprint[BM_HASH];

        bm_rd_copy(&rd, fingerprint, BM_HASH);
        if (!rd.bad)
            rc = bm_maker_retire(&maker, fingerprint, fail);
    }
    if (rc != BM_OK)
        return rc;
    if (!bm_rd_end(&rd) || format > BM_FORMAT_CSV)
        return bm_fail(fail, BM_EINPUT, NULL, "the record of a vendor is malformed: add the vendor again");
    *ret_maker = maker;
    maker = (struct bm_maker){ .keys = NULL };
    return BM_OK;
}
