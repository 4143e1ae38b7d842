/* A secret key that the token keeps to itself, what it encrypts (AES-256-GCM, PKCS#11 2.40 errata 2.12.3), and data objects for that. */
#include "p11/p11.h"

#define TAG 16

enum bm_rc
bm_p11_secret_generate(const struct bm_p11 *token, const char *label, struct bm_fail *fail)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_AES_KEY_GEN };
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ULONG bytes = 32;
    CK_OBJECT_HANDLE made;
    CK_ATTRIBUTE template[] = {
        bm_p11_attribute(CKA_TOKEN, &yes, sizeof(yes)),         bm_p11_attribute(CKA_PRIVATE, &yes, sizeof(yes)),
        bm_p11_attribute(CKA_SENSITIVE, &yes, sizeof(yes)),     bm_p11_attribute(CKA_EXTRACTABLE, &no, sizeof(no)),
        bm_p11_attribute(CKA_ENCRYPT, &yes, sizeof(yes)),       bm_p11_attribute(CKA_DECRYPT, &yes, sizeof(yes)),
        bm_p11_attribute(CKA_VALUE_LEN, &bytes, sizeof(bytes)), bm_p11_attribute(CKA_LABEL, label, strlen(label)),
    };
    CK_RV rv = token->fn->C_GenerateKey(token->session, &mechanism, template, BM_COUNT(template), &made);

    return rv == CKR_OK ? BM_OK : bm_p11_fail(token, rv, "make an AES key", fail);
}

enum bm_rc
bm_p11_random(const struct bm_p11 *token, uint8_t *ret, size_t n, struct bm_fail *fail)
{
    CK_RV rv = token->fn->C_GenerateRandom(token->session, ret, n);

    return rv == CKR_OK ? BM_OK : bm_p11_fail(token, rv, "make random bytes", fail);
}

/* The structure wants pointers to what is not const, and tokens read through them only. */
static CK_GCM_PARAMS
gcm_params(const uint8_t nonce[static BM_P11_GCM_NONCE], struct bm_bytes aad)
{
    CK_ATTRIBUTE iv = bm_p11_attribute(0, nonce, BM_P11_GCM_NONCE), beside = bm_p11_attribute(0, aad.p, aad.n);

    /* by place: nonce, its length and bits, data beside, its length, bits of the tag; p11-kit 0.24 and 0.25 call them by different names */
    return (CK_GCM_PARAMS){ iv.pValue, BM_P11_GCM_NONCE, BM_P11_GCM_NONCE * 8, beside.pValue, beside.ulValueLen, TAG * 8UL };
}

enum bm_rc
bm_p11_gcm_close(const struct bm_p11 *token, CK_OBJECT_HANDLE key, const uint8_t nonce[static BM_P11_GCM_NONCE], struct bm_bytes aad,
                 struct bm_bytes bytes, struct bm_buf *sealed, struct bm_fail *fail)
{
    CK_GCM_PARAMS params = gcm_params(nonce, aad);
    CK_MECHANISM mechanism = { .mechanism = CKM_AES_GCM, .pParameter = &params, .ulParameterLen = sizeof(params) };
    CK_ATTRIBUTE in = bm_p11_attribute(0, bytes.p, bytes.n);
    CK_ULONG n = bytes.n + TAG;
    uint8_t *out = bm_buf_grow(sealed, n), none = 0;
    CK_RV rv;

    if (out == NULL)
        return bm_buf_check(sealed, "what is to be sealed", fail);
    if ((rv = token->fn->C_EncryptInit(token->session, &mechanism, key)) != CKR_OK ||
        (rv = token->fn->C_Encrypt(token->session, in.pValue == NULL ? &none : in.pValue, bytes.n, out, &n)) != CKR_OK)
        return bm_p11_fail(token, rv, "encrypt with AES-GCM", fail);
    return n == bytes.n + TAG ? BM_OK : bm_fail(fail, BM_EBUSY, NULL, "the token gave a ciphertext of %lu bytes for %zu", n, bytes.n);
}

enum bm_rc
bm_p11_gcm_open(const struct bm_p11 *token, CK_OBJECT_HANDLE key, const uint8_t nonce[static BM_P11_GCM_NONCE], struct bm_bytes aad,
                struct bm_bytes sealed, struct bm_buf *bytes, struct bm_fail *fail)
{
    CK_GCM_PARAMS params = gcm_params(nonce, aad);
    CK_MECHANISM mechanism = { .mechanism = CKM_AES_GCM, .pParameter = &params, .ulParameterLen = sizeof(params) };
    CK_ATTRIBUTE in = bm_p11_attribute(0, sealed.p, sealed.n);
    bm_cleanup(bm_buf_done) struct bm_buf open = { .max = sealed.n }; /* tokens ask for room for the tag too */
    CK_ULONG n = sealed.n;
    CK_RV rv;

    if (sealed.n < TAG)
        return bm_fail(fail, BM_EPOLICY, NULL, "it is too short to be sealed data");
    if (bm_buf_grow(&open, n) == NULL)
        return bm_buf_check(&open, "the sealed data", fail);
    if ((rv = token->fn->C_DecryptInit(token->session, &mechanism, key)) == CKR_OK)
        rv = token->fn->C_Decrypt(token->session, in.pValue, sealed.n, open.p, &n);
    if (rv == CKR_ENCRYPTED_DATA_INVALID || rv == CKR_ENCRYPTED_DATA_LEN_RANGE || rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED)
        return bm_fail(fail, BM_EPOLICY, NULL, "it was changed, or sealed by another device"); /* what tokens say of a wrong tag */
    if (rv != CKR_OK)
        return bm_p11_fail(token, rv, "decrypt with AES-GCM", fail);
    if (n != sealed.n - TAG)
        return bm_fail(fail, BM_EBUSY, NULL, "the token gave %lu bytes for a ciphertext of %zu", n, sealed.n);
    bm_buf_add(bytes, open.p, n);
    return bm_buf_check(bytes, "the sealed data", fail);
}

enum bm_rc
bm_p11_data_add(const struct bm_p11 *token, const char *label, struct bm_bytes value, struct bm_fail *fail)
{
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BBOOL yes = CK_TRUE;
    CK_OBJECT_HANDLE made;
    CK_ATTRIBUTE template[] = {
        bm_p11_attribute(CKA_CLASS, &class, sizeof(class)), bm_p11_attribute(CKA_TOKEN, &yes, sizeof(yes)),
        bm_p11_attribute(CKA_PRIVATE, &yes, sizeof(yes)),   bm_p11_attribute(CKA_APPLICATION, "birthmark", 9),
        bm_p11_attribute(CKA_LABEL, label, strlen(label)),  bm_p11_attribute(CKA_VALUE, value.p, value.n),
    };
    CK_RV rv = token->fn->C_CreateObject(token->session, template, BM_COUNT(template), &made);

    return rv == CKR_OK ? BM_OK : bm_p11_fail(token, rv, "store data", fail);
}
