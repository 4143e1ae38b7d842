#include "root/p11.h"

#include "pki/cert.h"
#include "wire/der.h"

static const CK_BYTE p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };

/* PKCS#11 takes templates by pointers to non-const that it does not write through. */
static CK_ATTRIBUTE
attribute(CK_ATTRIBUTE_TYPE type, const void *value, size_t n)
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

    template[n++] = attribute(CKA_CLASS, &class, sizeof(class));
    template[n++] = attribute(CKA_TOKEN, &yes, sizeof(yes));
    if (label != NULL)
        template[n++] = attribute(CKA_LABEL, label, strlen(label));
    if (id.n > 0)
        template[n++] = attribute(CKA_ID, id.p, id.n);
    if ((rv = token->fn->C_FindObjectsInit(token->session, template, n)) != CKR_OK)
        return bm_p11_fail(rv, "search its objects", fail);
    rv = token->fn->C_FindObjects(token->session, found, BM_P11_FOUND, &got);
    (void)token->fn->C_FindObjectsFinal(token->session);
    if (rv != CKR_OK)
        return bm_p11_fail(rv, "search its objects", fail);
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
        return bm_p11_fail(rv, "read an object", fail);
    if ((ask.pValue = bm_buf_grow(value, ask.ulValueLen)) == NULL)
        return bm_buf_check(value, "an object of the token", fail);
    rv = token->fn->C_GetAttributeValue(token->session, object, &ask, 1);
    return rv == CKR_OK ? BM_OK : bm_p11_fail(rv, "read an object", fail);
}

enum bm_rc
bm_p11_destroy(const struct bm_p11 *token, const CK_OBJECT_HANDLE *objects, size_t n, struct bm_fail *fail)
{
    for (size_t i = 0; i < n; i++) {
        CK_RV rv = token->fn->C_DestroyObject(token->session, objects[i]);

        if (rv != CKR_OK)
            return bm_p11_fail(rv, "delete an object", fail);
    }
    return BM_OK;
}

enum bm_rc
bm_p11_rename(const struct bm_p11 *token, CK_OBJECT_HANDLE object, const char *label, struct bm_fail *fail)
{
    CK_ATTRIBUTE set = attribute(CKA_LABEL, label, strlen(label));
    CK_RV rv = token->fn->C_SetAttributeValue(token->session, object, &set, 1);

    return rv == CKR_OK ? BM_OK : bm_p11_fail(rv, "rename a key", fail);
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
            return bm_p11_fail(rv, "make random bytes", fail);
        id = bm_bytes(random, sizeof(random));
    }
    CK_ATTRIBUTE for_public[] = {
        attribute(CKA_TOKEN, &yes, sizeof(yes)),      attribute(CKA_VERIFY, &yes, sizeof(yes)),   attribute(CKA_PRIVATE, &no, sizeof(no)),
        attribute(CKA_EC_PARAMS, p256, sizeof(p256)), attribute(CKA_LABEL, label, strlen(label)), attribute(CKA_ID, id.p, id.n),
    };
    CK_ATTRIBUTE for_private[] = {
        attribute(CKA_TOKEN, &yes, sizeof(yes)),
        attribute(CKA_PRIVATE, &yes, sizeof(yes)),
        attribute(CKA_SENSITIVE, &yes, sizeof(yes)),
        attribute(CKA_EXTRACTABLE, &no, sizeof(no)),
        attribute(CKA_SIGN, &yes, sizeof(yes)),
        attribute(CKA_LABEL, label, strlen(label)),
        attribute(CKA_ID, id.p, id.n),
    };
    rv = token->fn->C_GenerateKeyPair(token->session, &mechanism, for_public, BM_COUNT(for_public), for_private, BM_COUNT(for_private),
                                      &public, &private);
    return rv == CKR_OK ? BM_OK : bm_p11_fail(rv, "make a key", fail);
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

enum bm_rc
bm_p11_sign(const struct bm_p11 *token, CK_OBJECT_HANDLE private, struct bm_bytes tbs, struct bm_buf *signature, struct bm_fail *fail)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_ECDSA };
    uint8_t digest[BM_HASH], raw[2 * BM_P256];
    CK_ULONG n = sizeof(raw);
    CK_RV rv;

    bm_sha256(digest, tbs);
    if ((rv = token->fn->C_SignInit(token->session, &mechanism, private)) != CKR_OK ||
        (rv = token->fn->C_Sign(token->session, digest, sizeof(digest), raw, &n)) != CKR_OK)
        return bm_p11_fail(rv, "sign", fail);
    if (n != sizeof(raw))
        return bm_fail(fail, BM_EBUSY, NULL, "the token gave a signature of %lu bytes in place of %zu", n, sizeof(raw));
    bm_ecdsa_add(signature, bm_bytes(raw, BM_P256), bm_bytes(raw + BM_P256, BM_P256));
    return bm_buf_check(signature, "the signature", fail);
}

enum bm_rc
bm_p11_cert_add(const struct bm_p11 *token, const char *label, struct bm_bytes id, struct bm_bytes der, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf serial = { .max = 64 };
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_CERTIFICATE_TYPE type = CKC_X_509;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_OBJECT_HANDLE made;
    struct bm_cert cert;
    enum bm_rc rc;
    CK_RV rv;

    if ((rc = bm_cert_parse(&cert, der, fail)) != BM_OK)
        return rc;
    bm_der_add_positive(&serial, cert.serial);
    if ((rc = bm_buf_check(&serial, "the serial number", fail)) != BM_OK)
        return rc;
    CK_ATTRIBUTE template[] = {
        attribute(CKA_CLASS, &class, sizeof(class)),
        attribute(CKA_CERTIFICATE_TYPE, &type, sizeof(type)),
        attribute(CKA_TOKEN, &yes, sizeof(yes)),
        attribute(CKA_PRIVATE, &no, sizeof(no)),
        attribute(CKA_LABEL, label, strlen(label)),
        attribute(CKA_ID, id.p, id.n),
        attribute(CKA_SUBJECT, cert.subject.p, cert.subject.n),
        attribute(CKA_ISSUER, cert.issuer.p, cert.issuer.n),
        attribute(CKA_SERIAL_NUMBER, serial.p, serial.n),
        attribute(CKA_VALUE, der.p, der.n),
    };
    rv = token->fn->C_CreateObject(token->session, template, BM_COUNT(template), &made);
    return rv == CKR_OK ? BM_OK : bm_p11_fail(rv, "store a certificate", fail);
}
