/*
 * pkcs11_seal.c - sealed data in a token, and what is erased there (docs/formats/device-store.md).
 *
 *   secret key   birthmark:sealing        AES-256, cannot leave the token
 *   data         birthmark:sealed:NAME    u8 version = 1, u32 sequence, nonce, ciphertext and tag
 *
 * The new object is made, then the old ones are destroyed; of two the higher sequence counts.
 */
#include "root/pkcs11.h"

#include "wire/rd.h"

#include <stdio.h>

#define SEALING "birthmark:sealing"
#define PREFIX "birthmark:sealed:"
#define LABEL (BM_MAX_NAME + sizeof(PREFIX))
#define VALUE (1 + 4 + BM_P11_GCM_NONCE + BM_MAX_SEALED + 16)

/* A key that could be read out seals nothing. */
static enum bm_rc
sealing_key(const struct bm_p11 *token, bool make, CK_OBJECT_HANDLE *ret_key, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf extractable = { .max = 8 };
    CK_OBJECT_HANDLE found[BM_P11_FOUND];
    struct bm_bytes any = bm_bytes(NULL, 0);
    size_t n;
    enum bm_rc rc;

    if ((rc = bm_p11_find(token, CKO_SECRET_KEY, SEALING, any, found, &n, fail)) != BM_OK)
        return rc;
    if (n == 0 && make &&
        ((rc = bm_p11_secret_generate(token, SEALING, fail)) != BM_OK ||
         (rc = bm_p11_find(token, CKO_SECRET_KEY, SEALING, any, found, &n, fail)) != BM_OK))
        return rc;
    if (n != 1)
        return bm_fail(fail, BM_EPOLICY, NULL, "the token holds %zu keys named " SEALING ": what they sealed cannot be told apart", n);
    if ((rc = bm_p11_read(token, found[0], CKA_EXTRACTABLE, &extractable, fail)) != BM_OK)
        return rc;
    if (extractable.n != 1 || extractable.p[0] != CK_FALSE)
        return bm_fail(fail, BM_EPOLICY, NULL, "the token's key " SEALING " can be read out, so it seals nothing: delete it");
    *ret_key = found[0];
    return BM_OK;
}

struct value {
    uint32_t sequence;
    struct bm_bytes nonce, sealed;
};

static bool
value_parse(struct value *ret, struct bm_bytes bytes)
{
    struct bm_rd rd = bm_rd(bytes);
    uint8_t version = bm_rd_u8(&rd);

    ret->sequence = bm_rd_u32(&rd);
    ret->nonce = bm_rd_take(&rd, BM_P11_GCM_NONCE);
    ret->sealed = bm_rd_rest(&rd);
    return !rd.bad && version == 1;
}

/* All objects of this name, and the value of the one that counts; none: sequence 0. */
static enum bm_rc
value_find(const struct bm_p11 *token, const char *name, CK_OBJECT_HANDLE found[static BM_P11_FOUND], size_t *ret_n,
           struct bm_buf *ret_bytes, struct value *ret_value, struct bm_fail *fail)
{
    char label[LABEL];
    enum bm_rc rc;

    (void)snprintf(label, sizeof(label), PREFIX "%s", name);
    *ret_value = (struct value){ .sequence = 0 };
    rc = bm_p11_find(token, CKO_DATA, label, bm_bytes(NULL, 0), found, ret_n, fail);
    for (size_t i = 0; rc == BM_OK && i < *ret_n; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = VALUE };
        struct value value;

        if ((rc = bm_p11_read(token, found[i], CKA_VALUE, &bytes, fail)) != BM_OK || !value_parse(&value, bm_buf_bytes(&bytes)) ||
            value.sequence <= ret_value->sequence)
            continue;
        bm_buf_reset(ret_bytes);
        bm_buf_add_bytes(ret_bytes, bm_buf_bytes(&bytes));
        if ((rc = bm_buf_check(ret_bytes, "the sealed data", fail)) == BM_OK)
            (void)value_parse(ret_value, bm_buf_bytes(ret_bytes));
    }
    return rc;
}

/* What the ciphertext stands for: u32 sequence and the name. */
static struct bm_bytes
beside(uint8_t ret[static 4 + BM_MAX_NAME], uint32_t sequence, const char *name)
{
    struct bm_buf buf = bm_buf_in(ret, 4 + BM_MAX_NAME);

    bm_buf_add_u32(&buf, sequence);
    bm_buf_add_str(&buf, name);
    return bm_buf_bytes(&buf);
}

enum bm_rc
bm_pkcs11_seal(struct bm_root *root, const char *name, struct bm_bytes bytes, struct bm_fail *fail)
{
    const struct bm_p11 *token = bm_pkcs11_token(root);
    bm_cleanup(bm_buf_done) struct bm_buf old_bytes = { .max = VALUE }, made = { .max = VALUE };
    CK_OBJECT_HANDLE key, old[BM_P11_FOUND];
    uint8_t nonce[BM_P11_GCM_NONCE], aad[4 + BM_MAX_NAME];
    char label[LABEL];
    struct value value;
    size_t n;
    enum bm_rc rc;

    if ((rc = bm_sealed_check(name, bytes, fail)) != BM_OK || (rc = sealing_key(token, true, &key, fail)) != BM_OK ||
        (rc = value_find(token, name, old, &n, &old_bytes, &value, fail)) != BM_OK ||
        (rc = bm_p11_random(token, nonce, sizeof(nonce), fail)) != BM_OK)
        return rc;
    bm_buf_add_u8(&made, 1);
    bm_buf_add_u32(&made, value.sequence + 1);
    bm_buf_add(&made, nonce, sizeof(nonce));
    (void)snprintf(label, sizeof(label), PREFIX "%s", name);
    if ((rc = bm_p11_gcm_close(token, key, nonce, beside(aad, value.sequence + 1, name), bytes, &made, fail)) != BM_OK ||
        (rc = bm_p11_data_add(token, label, bm_buf_bytes(&made), fail)) != BM_OK)
        return rc;
    return bm_p11_destroy(token, old, n, fail);
}

enum bm_rc
bm_pkcs11_unseal(struct bm_root *root, const char *name, struct bm_buf *bytes, struct bm_fail *fail)
{
    const struct bm_p11 *token = bm_pkcs11_token(root);
    bm_cleanup(bm_buf_done) struct bm_buf kept = { .max = VALUE };
    CK_OBJECT_HANDLE key, found[BM_P11_FOUND];
    uint8_t aad[4 + BM_MAX_NAME];
    struct value value;
    size_t n;
    enum bm_rc rc;

    if ((rc = bm_sealed_check(name, bm_bytes(NULL, 0), fail)) != BM_OK ||
        (rc = value_find(token, name, found, &n, &kept, &value, fail)) != BM_OK)
        return rc;
    if (value.sequence == 0)
        return bm_fail(fail, BM_EPOLICY, NULL, n == 0 ? "nothing is sealed as %s" : "the sealed data %s is malformed", name);
    if ((rc = sealing_key(token, false, &key, fail)) != BM_OK)
        return rc;
    if ((rc = bm_p11_gcm_open(token, key, value.nonce.p, beside(aad, value.sequence, name), value.sealed, bytes, fail)) == BM_EPOLICY)
        bm_fail_prefix(fail, "the sealed data %s", name);
    return rc;
}

enum bm_rc
bm_pkcs11_sealed(struct bm_root *root, struct bm_buf *names, struct bm_fail *fail)
{
    return bm_pkcs11_names(bm_pkcs11_token(root), CKO_DATA, PREFIX, names, fail);
}

enum bm_rc
bm_pkcs11_sealed_remove(struct bm_root *root, const char *name, struct bm_fail *fail)
{
    const struct bm_p11 *token = bm_pkcs11_token(root);
    CK_OBJECT_HANDLE found[BM_P11_FOUND];
    char label[LABEL];
    size_t n;
    enum bm_rc rc = bm_sealed_check(name, bm_bytes(NULL, 0), fail);

    (void)snprintf(label, sizeof(label), PREFIX "%s", name);
    if (rc != BM_OK || (rc = bm_p11_find(token, CKO_DATA, label, bm_bytes(NULL, 0), found, &n, fail)) != BM_OK)
        return rc;
    if (n == 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "nothing is sealed as %s", name);
    return bm_p11_destroy(token, found, n, fail);
}

/* Ours are those named birthmark:...; the root key is not, unless the URI says so. */
static enum bm_rc
class_erase(const struct bm_p11 *token, CK_OBJECT_CLASS class, struct bm_fail *fail)
{
    CK_OBJECT_HANDLE found[BM_P11_FOUND];
    size_t n, gone;
    enum bm_rc rc;

    do {
        gone = 0;
        rc = bm_p11_find(token, class, NULL, bm_bytes(NULL, 0), found, &n, fail);
        for (size_t i = 0; rc == BM_OK && i < n; i++) {
            bm_cleanup(bm_buf_done) struct bm_buf label = { .max = BM_PKCS11_LABELS };

            rc = bm_p11_read(token, found[i], CKA_LABEL, &label, fail);
            if (rc != BM_OK || !bm_pkcs11_ours(&label, BM_PKCS11_OURS) || bm_bytes_equal(bm_buf_bytes(&label), bm_bytes_str(token->label)))
                continue;
            rc = bm_p11_destroy(token, &found[i], 1, fail);
            gone++;
        }
    } while (rc == BM_OK && n == BM_P11_FOUND && gone > 0); /* a search shows so many at a time */
    return rc;
}

/* Keys before what they open and what speaks of them. */
enum bm_rc
bm_pkcs11_reset(struct bm_root *root, struct bm_fail *fail)
{
    const struct bm_p11 *token = bm_pkcs11_token(root);
    static const CK_OBJECT_CLASS classes[] = { CKO_SECRET_KEY, CKO_DATA, CKO_CERTIFICATE, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY };
    enum bm_rc rc = BM_OK;

    for (size_t i = 0; rc == BM_OK && i < BM_COUNT(classes); i++)
        rc = class_erase(token, classes[i], fail);
    return rc;
}
