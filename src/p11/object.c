#include "p11/p11.h"

#include "pki/raw.h"
#include "wire/der.h"

#include <openssl/evp.h>

static const CK_BYTE p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };

CK_ATTRIBUTE
bm_p11_attribute(CK_ATTRIBUTE_TYPE type, const void *value, size_t n)
{
    union {
        const void *in;
        void *out;
    } p = { .in = value };

    return (CK_ATTRIBUTE){ .type = type, .pValue = p.out, .ulValueLen = n };
}

enum bm_rc
bm_p11_find(const struct bm_p11 *token, CK_OBJECT_CLASS class, const char *label, struct bm_bytes id,
            CK_OBJECT_HANDLE found[static BM_P11_FOUND], size_t *ret_n, struct bm_fail *fail)
{
    CK_ATTRIBUTE template[4];
    CK_BBOOL yes = CK_TRUE;
    CK_ULONG n = 0, got = 0;
    CK_RV rv;

    template[n++] = bm_p11_attribute(CKA_CLASS, &class, sizeof(class));
    template[n++] = bm_p11_attribute(CKA_TOKEN, &yes, sizeof(yes));
    if (label != NULL)
        template[n++] = bm_p11_attribute(CKA_LABEL, label, strlen(label));
    if (id.n > 0)
        template[n++] = bm_p11_attribute(CKA_ID, id.p, id.n);
    if ((rv = token->fn->C_FindObjectsInit(token->session, template, n)) != CKR_OK)
        return bm_p11_fail(token, rv, "search its objects", fail);
    rv = token->fn->C_FindObjects(token->session, found, BM_P11_FOUND, &got);
    (void)token->fn->C_FindObjectsFinal(token->session);
    if (rv != CKR_OK)
        return bm_p11_fail(token, rv, "search its objects", fail);
    *ret_n = got;
    return BM_OK;
}

enum bm_rc
bm_p11_read(const struct bm_p11 *token, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, struct bm_buf *value, struct bm_fail *fail)
{
    CK_ATTRIBUTE ask = { .type = type };
    CK_RV rv = token->fn->C_GetAttributeValue(token->session, object, &ask, 1);

    if (rv == CKR_ATTRIBUTE_TYPE_INVALID || (rv == CKR_OK && (ask.ulValueLen == 0 || ask.ulValueLen == CK_UNAVAILABLE_INFORMATION)))
        return BM_OK;
    if (rv != CKR_OK)
        return bm_p11_fail(token, rv, "read an object", fail);
    if ((ask.pValue = bm_buf_grow(value, ask.ulValueLen)) == NULL)
        return bm_buf_check(value, "an object of the token", fail);
    rv = token->fn->C_GetAttributeValue(token->session, object, &ask, 1);
    return rv == CKR_OK ? BM_OK : bm_p11_fail(token, rv, "read an object", fail);
}

enum bm_rc
bm_p11_destroy(const struct bm_p11 *token, const CK_OBJECT_HANDLE *objects, size_t n, struct bm_fail *fail)
{
    for (size_t i = 0; i < n; i++) {
        CK_RV rv = token->fn->C_DestroyObject(token->session, objects[i]);

        if (rv != CKR_OK)
            return bm_p11_fail(token, rv, "delete an object", fail);
    }
    return BM_OK;
}

enum bm_rc
bm_p11_rename(const struct bm_p11 *token, CK_OBJECT_HANDLE object, const char *label, struct bm_fail *fail)
{
    CK_ATTRIBUTE set = bm_p11_attribute(CKA_LABEL, label, strlen(label));
    CK_RV rv = token->fn->C_SetAttributeValue(token->session, object, &set, 1);

    return rv == CKR_OK ? BM_OK : bm_p11_fail(token, rv, "rename a key", fail);
}

enum bm_rc
bm_p11_generate(const struct bm_p11 *token, const char *label, struct bm_bytes id, struct bm_fail *fail)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_EC_KEY_PAIR_GEN };
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_OBJECT_HANDLE public, private;
    CK_BYTE random[16];
    CK_RV rv;

    if (id.n == 0) {
        if ((rv = token->fn->C_GenerateRandom(token->session, random, sizeof(random))) != CKR_OK)
            return bm_p11_fail(token, rv, "make random bytes", fail);
        id = bm_bytes(random, sizeof(random));
    }
    CK_ATTRIBUTE for_public[] = {
        bm_p11_attribute(CKA_TOKEN, &yes, sizeof(yes)),    bm_p11_attribute(CKA_VERIFY, &yes, sizeof(yes)),
        bm_p11_attribute(CKA_PRIVATE, &no, sizeof(no)),    bm_p11_attribute(CKA_EC_PARAMS, p256, sizeof(p256)),
        bm_p11_attribute(CKA_LABEL, label, strlen(label)), bm_p11_attribute(CKA_ID, id.p, id.n),
    };
    CK_ATTRIBUTE for_private[] = {
        bm_p11_attribute(CKA_TOKEN, &yes, sizeof(yes)),
        bm_p11_attribute(CKA_PRIVATE, &yes, sizeof(yes)),
        bm_p11_attribute(CKA_SENSITIVE, &yes, sizeof(yes)),
        bm_p11_attribute(CKA_EXTRACTABLE, &no, sizeof(no)),
        bm_p11_attribute(CKA_SIGN, &yes, sizeof(yes)),
        bm_p11_attribute(CKA_LABEL, label, strlen(label)),
        bm_p11_attribute(CKA_ID, id.p, id.n),
    };
    rv = token->fn->C_GenerateKeyPair(token->session, &mechanism, for_public, BM_COUNT(for_public), for_private, BM_COUNT(for_private),
                                      &public, &private);
    return rv == CKR_OK ? BM_OK : bm_p11_fail(token, rv, "make a key", fail);
}

enum bm_rc
bm_p11_public(const struct bm_p11 *token, CK_OBJECT_HANDLE private, struct bm_key *ret_key, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf id = { .max = BM_P11_ID };
    bm_cleanup(bm_buf_done) struct bm_buf params = { .max = 64 };
    bm_cleanup(bm_buf_done) struct bm_buf point = { .max = 256 };
    CK_OBJECT_HANDLE found[BM_P11_FOUND];
    struct bm_bytes raw;
    struct bm_rd rd;
    size_t n;
    enum bm_rc rc;

    if ((rc = bm_p11_read(token, private, CKA_ID, &id, fail)) != BM_OK)
        return rc;
    if (id.n == 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "the token's key has no CKA_ID, so its public key cannot be told");
    if ((rc = bm_p11_find(token, CKO_PUBLIC_KEY, NULL, bm_buf_bytes(&id), found, &n, fail)) != BM_OK)
        return rc;
    if (n != 1)
        return bm_fail(fail, BM_EPOLICY, NULL, "the token holds %zu public keys with the CKA_ID of this private key: there must be one", n);
    if ((rc = bm_p11_read(token, found[0], CKA_EC_PARAMS, &params, fail)) != BM_OK ||
        (rc = bm_p11_read(token, found[0], CKA_EC_POINT, &point, fail)) != BM_OK)
        return rc;
    if (!bm_bytes_equal(bm_buf_bytes(&params), bm_bytes(p256, sizeof(p256))))
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "the token's key is not on P-256: make one with pkcs11-tool --keypairgen --key-type EC:prime256v1");
    rd = bm_rd(bm_buf_bytes(&point));
    raw = bm_der_take(&rd, BM_DER_OCTET_STRING);
    if (!bm_rd_end(&rd))
        raw = bm_buf_bytes(&point); /* some tokens give the bare point, against PKCS#11 v2.40 2.3.3 */
    return bm_key_from_point(ret_key, raw, fail);
}

/* CKM_ECDSA signs a hash and gives r and s side by side; certificates carry them as DER (RFC 3279 2.2.3). */
enum bm_rc
bm_p11_sign(const struct bm_p11 *token, CK_OBJECT_HANDLE private, enum bm_sig_alg alg, struct bm_bytes tbs, struct bm_buf *signature,
            struct bm_fail *fail)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_ECDSA };
    bool is_p256 = alg == BM_SIG_ECDSA_SHA256;
    uint8_t hash[EVP_MAX_MD_SIZE], raw[BM_MAX_SIGNATURE];
    size_t half = is_p256 ? BM_P256 : BM_P384, nhash = 0;
    CK_ULONG n = sizeof(raw);
    CK_RV rv;

    if (EVP_Q_digest(NULL, is_p256 ? "SHA256" : "SHA384", NULL, tbs.p, tbs.n, hash, &nhash) != 1)
        return bm_fail(fail, BM_ENOMEM, NULL, "libcrypto could not hash: there may be no memory");
    if ((rv = token->fn->C_SignInit(token->session, &mechanism, private)) != CKR_OK ||
        (rv = token->fn->C_Sign(token->session, hash, nhash, raw, &n)) != CKR_OK)
        return bm_p11_fail(token, rv, "sign", fail);
    if (n != 2 * half) /* a CA whose token does this stops; a device tries again */
        return bm_fail(fail, token->use == BM_P11_CA ? BM_EBUG : BM_EBUSY, NULL, "%s gave a signature of %lu bytes in place of %zu",
                       token->use == BM_P11_CA ? "the CA's token" : "the token", n, 2 * half);
    bm_ecdsa_add(signature, bm_bytes(raw, half), bm_bytes(raw + half, half));
    return bm_buf_check(signature, "the signature", fail);
}
