#include "base/base.h"
#include "p11/p11.h"

#include "wire/der.h"

/* The point stands in an OCTET STRING, or bare, against PKCS#11 3.0 2.3.5. */
static enum bm_rc
point_read(const struct bm_p11 *token, CK_OBJECT_HANDLE public, uint8_t ret_public[static BM_P11_ED25519], struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf point = { .max = 256 };
    struct bm_bytes raw;
    struct bm_rd rd;
    enum bm_rc rc;

    if ((rc = bm_p11_read(token, public, CKA_EC_POINT, &point, fail)) != BM_OK)
        return rc;
    rd = bm_rd(bm_buf_bytes(&point));
    raw = point.n == BM_P11_ED25519 ? bm_buf_bytes(&point) : bm_der_take(&rd, BM_DER_OCTET_STRING);
    if (raw.n != BM_P11_ED25519 || (point.n != BM_P11_ED25519 && !bm_rd_end(&rd)))
        return bm_fail(fail, BM_EINPUT, NULL,
                       "the token's public key is not Ed25519: make one with pkcs11-tool --keypairgen --key-type EC:edwards25519");
    memcpy(ret_public, raw.p, BM_P11_ED25519);
    return BM_OK;
}

enum bm_rc
bm_p11_ed25519_find(const struct bm_p11 *token, CK_OBJECT_HANDLE *ret_private, uint8_t ret_public[static BM_P11_ED25519],
                    struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf id = { .max = BM_P11_ID };
    CK_OBJECT_HANDLE private = 0, found[BM_P11_FOUND];
    CK_KEY_TYPE type = 0;
    size_t n = 0;
    enum bm_rc rc;

    if ((rc = bm_p11_private_find(token, &private, &type, fail)) != BM_OK)
        return rc;
    if (type != CKK_EC_EDWARDS)
        return bm_fail(fail, BM_EINPUT, NULL,
                       "the token's key is not Ed25519: make one with pkcs11-tool --keypairgen --key-type EC:edwards25519");
    if ((rc = bm_p11_read(token, private, CKA_ID, &id, fail)) != BM_OK)
        return rc;
    if (id.n == 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "the token's key has no CKA_ID, so its public key cannot be told");
    if ((rc = bm_p11_find(token, CKO_PUBLIC_KEY, NULL, bm_buf_bytes(&id), found, &n, fail)) != BM_OK)
        return rc;
    if (n != 1)
        return bm_fail(fail, BM_EPOLICY, NULL, "the token holds %zu public keys with the CKA_ID of this private key: there must be one", n);
    if ((rc = point_read(token, found[0], ret_public, fail)) == BM_OK)
        *ret_private = private;
    return rc;
}

enum bm_rc
bm_p11_ed25519_sign(const struct bm_p11 *token, CK_OBJECT_HANDLE private, struct bm_bytes text,
                    uint8_t ret_signature[static BM_P11_ED25519_SIG], struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf copy = { .max = text.n }; /* C_Sign takes what it does not write to without const */
    CK_MECHANISM mechanism = { .mechanism = CKM_EDDSA };
    uint8_t signature[BM_P11_ED25519_SIG];
    CK_ULONG n = sizeof(signature);
    enum bm_rc rc;
    CK_RV rv;

    bm_buf_add_bytes(&copy, text);
    if ((rc = bm_buf_check(&copy, "what is signed", fail)) != BM_OK)
        return rc;
    if ((rv = token->fn->C_SignInit(token->session, &mechanism, private)) != CKR_OK ||
        (rv = token->fn->C_Sign(token->session, copy.p, copy.n, signature, &n)) != CKR_OK)
        return bm_p11_fail(token, rv, "sign", fail);
    if (n != sizeof(signature))
        return bm_fail(fail, BM_EBUSY, NULL, "the token gave a signature of %lu bytes in place of %zu", n, sizeof(signature));
    memcpy(ret_signature, signature, sizeof(signature));
    return BM_OK;
}
