#include "evidence/tpm_seed.h"

#include "digest/libcrypto.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>

#define MAX_FIELD 48 /* P-384 */
#define MAX_POINT (1 + 2 * MAX_FIELD)

/* Everything of libcrypto's that this takes, freed and wiped together. */
struct work {
    EC_GROUP *group;
    EC_POINT *point;
    BN_CTX *bn;
    BIGNUM *scalar;
    EVP_PKEY *own, *peer;
    EVP_PKEY_CTX *derive;
    uint8_t mine[MAX_POINT];
};

static void
work_done(struct work *work)
{
    EVP_PKEY_CTX_free(work->derive);
    EVP_PKEY_free(work->own);
    EVP_PKEY_free(work->peer);
    BN_clear_free(work->scalar);
    EC_POINT_free(work->point);
    EC_GROUP_free(work->group);
    BN_CTX_free(work->bn);
}

static void
params_done(OSSL_PARAM **params)
{
    OSSL_PARAM_free(*params);
}

static void
build_done(OSSL_PARAM_BLD **build)
{
    OSSL_PARAM_BLD_free(*build);
}

/* The key of a point and, where given, its scalar. NULL on failure. */
static EVP_PKEY *
pkey_new(const char *curve, struct bm_bytes point, const BIGNUM *scalar)
{
    bm_cleanup(build_done) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    bm_cleanup(bm_pkey_ctx_done) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    bm_cleanup(params_done) OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;
    bool ok = build != NULL && ctx != NULL && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) == 1 &&
              OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n) == 1 &&
              (scalar == NULL || OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, scalar) == 1) &&
              (params = OSSL_PARAM_BLD_to_param(build)) != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
              EVP_PKEY_fromdata(ctx, &key, scalar != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) == 1;

    return ok ? key : NULL;
}

/*
 * The scalar is 64 bytes of HMAC mod (n - 1), and 1: 128 bits more than the larger order, so its bias is below 2^-128 (FIPS 186-5 A.2.1).
 * work->mine: its point.
 */
static bool
ephemeral_make(struct work *work, int nid, size_t field, const uint8_t random[static 64], struct bm_fail *fail)
{
    static const char label[] = "birthmark/tpm-credential/v1 ephemeral scalar";
    const struct bm_bytes input = bm_bytes(label, sizeof(label) - 1);
    const size_t npoint = 1 + 2 * field;
    BM_SECRET(wide);
    BIGNUM *least;
    bool ok;

    if (bm_hash_hmac(wide.b, bm_hash_by_sig(BM_SIG_ED25519), bm_bytes(random, 64), &input, 1, fail) != BM_OK)
        return false;
    work->group = EC_GROUP_new_by_curve_name(nid);
    work->bn = BN_CTX_secure_new();
    work->scalar = BN_secure_new();
    if (work->group == NULL || work->bn == NULL || work->scalar == NULL || (work->point = EC_POINT_new(work->group)) == NULL)
        return false;
    BN_set_flags(work->scalar, BN_FLG_CONSTTIME);
    BN_CTX_start(work->bn);
    least = BN_CTX_get(work->bn);
    ok = least != NULL && BN_bin2bn(wide.b, sizeof(wide.b), work->scalar) != NULL &&
         BN_sub(least, EC_GROUP_get0_order(work->group), BN_value_one()) == 1 &&
         BN_nnmod(work->scalar, work->scalar, least, work->bn) == 1 && BN_add_word(work->scalar, 1) == 1;
    BN_CTX_end(work->bn);
    if (!ok)
        return false;
    return EC_POINT_mul(work->group, work->point, work->scalar, NULL, NULL, work->bn) == 1 &&
           EC_POINT_point2oct(work->group, work->point, POINT_CONVERSION_UNCOMPRESSED, work->mine, npoint, work->bn) == npoint;
}

/* x of the shared point, padded to the field. */
static bool
agree(struct bm_secret *ret_z, struct work *work, const char *curve, size_t field, struct bm_bytes peer)
{
    ret_z->n = sizeof(ret_z->b);
    return (work->own = pkey_new(curve, bm_bytes(work->mine, 1 + 2 * field), work->scalar)) != NULL &&
           (work->peer = pkey_new(curve, peer, NULL)) != NULL &&
           (work->derive = EVP_PKEY_CTX_new_from_pkey(NULL, work->own, NULL)) != NULL && EVP_PKEY_derive_init(work->derive) == 1 &&
           EVP_PKEY_derive_set_peer(work->derive, work->peer) == 1 && EVP_PKEY_derive(work->derive, ret_z->b, &ret_z->n) == 1 &&
           ret_z->n == field;
}

enum bm_rc
bm_tpm_seed_ecc(struct bm_secret *ret_seed, struct bm_buf *secret, const struct bm_key *ek, const struct bm_hash *hash,
                const uint8_t random[static 64], struct bm_fail *fail)
{
    static const uint8_t counter[] = { 0, 0, 0, 1 };
    const bool p384 = ek->alg == BM_KEY_P384;
    const size_t field = p384 ? 48 : 32;
    const struct bm_bytes peer = bm_bytes(ek->spki + ek->at_bits, ek->nbits);
    bm_cleanup(work_done) struct work work = { .group = NULL };
    BM_SECRET(z);
    enum bm_rc rc;

    if (!ephemeral_make(&work, p384 ? NID_secp384r1 : NID_X9_62_prime256v1, field, random, fail) ||
        !agree(&z, &work, p384 ? "P-384" : "P-256", field, peer))
        return bm_fail(fail, BM_ENOMEM, NULL, "the cryptographic library cannot agree on a key with the TPM's endorsement key");
    /* KDFe, part 1, 11.4.10.3: one block, H(counter || Z || "IDENTITY" with its NUL || PartyU || PartyV) */
    rc = bm_hash_make(ret_seed->b, hash,
                      (const struct bm_bytes[]){ bm_bytes(counter, sizeof(counter)), bm_bytes(z.b, z.n), bm_bytes("IDENTITY", 9),
                                                 bm_bytes(work.mine + 1, field), bm_bytes(peer.p + 1, field) },
                      5, fail);
    if (rc != BM_OK)
        return rc;
    ret_seed->n = hash->n;
    bm_buf_add_lv16(secret, bm_bytes(work.mine + 1, field));
    bm_buf_add_lv16(secret, bm_bytes(work.mine + 1 + field, field));
    return BM_OK;
}
