/* What a private key of the token opens: RSAES-OAEP with SHA-256 (RFC 8017 7.1), and the secret of an ECDH. */
#include "p11/p11.h"

#include "digest/digest.h"

#define MODULUS 512 /* bytes of the longest that we take */

enum bm_rc
bm_p11_private_find(const struct bm_p11 *token, CK_OBJECT_HANDLE *ret_private, CK_KEY_TYPE *ret_type, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf type = { .max = sizeof(CK_KEY_TYPE) };
    CK_OBJECT_HANDLE found[BM_P11_FOUND];
    size_t n = 0;
    enum bm_rc rc;

    if ((rc = bm_p11_find(token, CKO_PRIVATE_KEY, token->label[0] != 0 ? token->label : NULL, bm_bytes(token->id, token->nid), found, &n,
                          fail)) != BM_OK)
        return rc;
    if (n != 1)
        return bm_fail(fail, BM_EINPUT, NULL,
                       "%s matches the PKCS#11 URI: name one with object= or id=", n == 0 ? "no private key" : "more than one private key");
    if ((rc = bm_p11_read(token, found[0], CKA_KEY_TYPE, &type, fail)) != BM_OK)
        return rc;
    *ret_type = CK_UNAVAILABLE_INFORMATION;
    if (type.n == sizeof(*ret_type))
        memcpy(ret_type, type.p, sizeof(*ret_type));
    *ret_private = found[0];
    return BM_OK;
}

static enum bm_rc
not_its(struct bm_fail *fail)
{
    return bm_fail(fail, BM_EPOLICY, NULL, "the token's key does not open it");
}

/* ---- RSA ---- */

/* RFC 8017 B.2.1: xors the mask into out. */
static void
mask(uint8_t *out, size_t n, const uint8_t *seed, size_t nseed)
{
    bm_cleanup(bm_buf_done) struct bm_buf input = { .max = MODULUS + 4 };
    uint8_t hash[BM_HASH];

    for (size_t i = 0; i < n; i++) {
        if (i % BM_HASH == 0) {
            bm_buf_reset(&input);
            bm_buf_add(&input, seed, nseed);
            bm_buf_add_u32(&input, (uint32_t)(i / BM_HASH));
            bm_sha256(hash, bm_buf_bytes(&input));
        }
        out[i] ^= hash[i % BM_HASH];
    }
    explicit_bzero(hash, sizeof(hash));
}

/* RFC 8017 7.1.2 step 3, in place: all of it is looked at before it is said whether it holds. */
static enum bm_rc
oaep_decode(uint8_t *em, size_t n, struct bm_buf *open, struct bm_fail *fail)
{
    uint8_t *seed = em + 1, *db = em + 1 + BM_HASH, none[BM_HASH];
    size_t ndb = n - 1 - BM_HASH, at = 0;
    unsigned bad = em[0];

    mask(seed, BM_HASH, db, ndb);
    mask(db, ndb, seed, BM_HASH);
    bm_sha256(none, bm_bytes(NULL, 0)); /* of the label: there is none */
    for (size_t i = 0; i < BM_HASH; i++)
        bad |= (unsigned)(db[i] ^ none[i]);
    for (size_t i = BM_HASH; i < ndb; i++) {
        at = at == 0 && db[i] == 1 ? i + 1 : at;
        bad |= at == 0 ? db[i] : 0u;
    }
    if (bad != 0 || at == 0)
        return not_its(fail);
    bm_buf_add(open, db + at, ndb - at);
    return bm_buf_check(open, "what the token opened", fail);
}

static CK_RV
decrypt(const struct bm_p11 *token, CK_OBJECT_HANDLE private, CK_MECHANISM *mechanism, struct bm_bytes sealed, uint8_t *ret,
        CK_ULONG *ret_n)
{
    CK_RV rv = token->fn->C_DecryptInit(token->session, mechanism, private);
    uint8_t copy[MODULUS]; /* C_Decrypt takes what it does not write to without const */

    if (rv != CKR_OK)
        return rv;
    memcpy(copy, sealed.p, sealed.n);
    *ret_n = MODULUS;
    return token->fn->C_Decrypt(token->session, copy, sealed.n, ret, ret_n);
}

/* A token that knows OAEP with SHA-1 only (SoftHSM 2.6.1) does the bare RSA, and the padding is taken off here. */
static enum bm_rc
raw_open(const struct bm_p11 *token, CK_OBJECT_HANDLE private, struct bm_bytes sealed, uint8_t *em, struct bm_buf *open,
         struct bm_fail *fail)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_RSA_X_509 };
    CK_ULONG n = 0;
    CK_RV rv = decrypt(token, private, &mechanism, sealed, em, &n);

    if (rv == CKR_MECHANISM_INVALID)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "the token can do neither OAEP with SHA-256 nor bare RSA: use a key in a file or another token");
    if (rv == CKR_ENCRYPTED_DATA_INVALID || rv == CKR_ENCRYPTED_DATA_LEN_RANGE || rv == CKR_DATA_LEN_RANGE || rv == CKR_GENERAL_ERROR)
        return not_its(fail);
    if (rv != CKR_OK)
        return bm_p11_fail(token, rv, "decrypt", fail);
    if (n != sealed.n || n < 2 * BM_HASH + 2)
        return not_its(fail);
    return oaep_decode(em, n, open, fail);
}

enum bm_rc
bm_p11_oaep_open(const struct bm_p11 *token, CK_OBJECT_HANDLE private, struct bm_bytes sealed, struct bm_buf *open, struct bm_fail *fail)
{
    CK_RSA_PKCS_OAEP_PARAMS params = { .hashAlg = CKM_SHA256, .mgf = CKG_MGF1_SHA256, .source = CKZ_DATA_SPECIFIED };
    CK_MECHANISM mechanism = { .mechanism = CKM_RSA_PKCS_OAEP, .pParameter = &params, .ulParameterLen = sizeof(params) };
    uint8_t out[MODULUS];
    CK_ULONG n = 0;
    enum bm_rc rc;
    CK_RV rv;

    if (sealed.n == 0 || sealed.n > MODULUS)
        return not_its(fail);
    rv = decrypt(token, private, &mechanism, sealed, out, &n);
    if (rv == CKR_OK) {
        bm_buf_add(open, out, n);
        rc = bm_buf_check(open, "what the token opened", fail);
    } else if (rv == CKR_MECHANISM_INVALID || rv == CKR_MECHANISM_PARAM_INVALID || rv == CKR_ARGUMENTS_BAD) {
        rc = raw_open(token, private, sealed, out, open, fail);
    } else if (rv == CKR_ENCRYPTED_DATA_INVALID || rv == CKR_ENCRYPTED_DATA_LEN_RANGE) {
        rc = not_its(fail);
    } else {
        rc = bm_p11_fail(token, rv, "decrypt", fail);
    }
    explicit_bzero(out, sizeof(out));
    return rc;
}

/* ---- ECDH ---- */

enum bm_rc
bm_p11_ecdh(const struct bm_p11 *token, CK_OBJECT_HANDLE private, struct bm_bytes point, struct bm_buf *secret, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf copy = { .max = 256 }; /* as above */
    CK_ECDH1_DERIVE_PARAMS params = { .kdf = CKD_NULL };
    CK_MECHANISM mechanism = { .mechanism = CKM_ECDH1_DERIVE, .pParameter = &params, .ulParameterLen = sizeof(params) };
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ULONG half = point.n / 2;
    CK_ATTRIBUTE template[] = {
        bm_p11_attribute(CKA_CLASS, &class, sizeof(class)),   bm_p11_attribute(CKA_KEY_TYPE, &type, sizeof(type)),
        bm_p11_attribute(CKA_TOKEN, &no, sizeof(no)),         bm_p11_attribute(CKA_SENSITIVE, &no, sizeof(no)),
        bm_p11_attribute(CKA_EXTRACTABLE, &yes, sizeof(yes)), bm_p11_attribute(CKA_VALUE_LEN, &half, sizeof(half)),
    };
    CK_OBJECT_HANDLE derived = 0;
    enum bm_rc rc;
    CK_RV rv;

    bm_buf_add_bytes(&copy, point);
    if ((rc = bm_buf_check(&copy, "a point", fail)) != BM_OK)
        return rc;
    params.ulPublicDataLen = copy.n;
    params.pPublicData = copy.p;
    rv = token->fn->C_DeriveKey(token->session, &mechanism, private, template, BM_COUNT(template), &derived);
    if (rv == CKR_MECHANISM_INVALID)
        return bm_fail(fail, BM_EPOLICY, NULL, "the token cannot do ECDH: use a key in a file or another token");
    if (rv == CKR_MECHANISM_PARAM_INVALID || rv == CKR_ARGUMENTS_BAD || rv == CKR_DATA_INVALID || rv == CKR_GENERAL_ERROR)
        return not_its(fail); /* the point of another curve */
    if (rv != CKR_OK)
        return bm_p11_fail(token, rv, "derive a secret", fail);
    rc = bm_p11_read(token, derived, CKA_VALUE, secret, fail);
    (void)token->fn->C_DestroyObject(token->session, derived);
    if (rc == BM_OK && secret->n == 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "the token does not hand out the secret of an ECDH: use a key in a file or another token");
    return rc;
}
