/* private_derive.c - a P-256 key that a secret always gives again (private.h). */
#include "pki/private.h"

#include "pki/cert.h"
#include "pki/oid.h"
#include "wire/der.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>

#define SCALAR 32

static void
bn_done(BIGNUM **n)
{
    BN_clear_free(*n);
}

static void
bn_ctx_done(BN_CTX **ctx)
{
    BN_CTX_free(*ctx);
}

static void
group_done(EC_GROUP **group)
{
    EC_GROUP_free(*group);
}

/* req: FIPS186-5 A.2.1 d = (c mod (n - 1)) + 1, where c has 64 bits more than n */
static bool
scalar_make(uint8_t ret_d[static SCALAR], const uint8_t seed[static BM_PRIVATE_SEED])
{
    bm_cleanup(bn_ctx_done) BN_CTX *ctx = BN_CTX_secure_new();
    bm_cleanup(group_done) EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    bm_cleanup(bn_done) BIGNUM *d = BN_secure_new();
    bm_cleanup(bn_done) BIGNUM *less = group == NULL ? NULL : BN_dup(EC_GROUP_get0_order(group));

    if (ctx == NULL || d == NULL || less == NULL)
        return false;
    BN_set_flags(d, BN_FLG_CONSTTIME);
    return BN_sub_word(less, 1) == 1 && BN_bin2bn(seed, BM_PRIVATE_SEED, d) != NULL && BN_mod(d, d, less, ctx) == 1 &&
           BN_add_word(d, 1) == 1 && BN_bn2binpad(d, ret_d, SCALAR) == SCALAR;
}

enum bm_rc
bm_private_derive(struct bm_private **ret_key, const uint8_t seed[static BM_PRIVATE_SEED], struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = 128 }, pem = { .max = 512 };
    uint8_t d[SCALAR];
    size_t key, curve;
    bool made = scalar_make(d, seed);

    /* ECPrivateKey (RFC 5915 3) without its public half, which libcrypto computes */
    key = bm_der_begin(&der, BM_DER_SEQUENCE);
    bm_der_add_uint(&der, BM_DER_INTEGER, 1);
    bm_der_add(&der, BM_DER_OCTET_STRING, bm_bytes(d, sizeof(d)));
    curve = bm_der_begin(&der, BM_DER_CONTEXT_CONSTRUCTED(0));
    bm_der_add(&der, BM_DER_OID, BM_OID(bm_oid_p256));
    bm_der_end(&der, curve);
    bm_der_end(&der, key);
    explicit_bzero(d, sizeof(d));
    bm_pem_build(&pem, "EC PRIVATE KEY", bm_buf_bytes(&der));
    if (!made || pem.bad) {
        ERR_clear_error();
        return bm_fail(fail, BM_ENOMEM, NULL, "libcrypto could not derive a key: there may be no memory");
    }
    return bm_private_parse(ret_key, bm_buf_bytes(&pem), fail);
}
