#include "evidence/tpm_seed.h"
#include "wire/der.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#define MAX_MODULUS 512 /* RSA-4096 */

struct work {
    BIGNUM *n, *e;
    OSSL_PARAM_BLD *build;
    OSSL_PARAM *params;
    EVP_PKEY_CTX *make, *encrypt;
    EVP_PKEY *key;
    uint8_t block[MAX_MODULUS];
};

static void
work_done(struct work *work)
{
    EVP_PKEY_CTX_free(work->encrypt);
    EVP_PKEY_CTX_free(work->make);
    EVP_PKEY_free(work->key);
    OSSL_PARAM_free(work->params);
    OSSL_PARAM_BLD_free(work->build);
    BN_free(work->n);
    BN_free(work->e);
    explicit_bzero(work, sizeof(*work));
}

/* MGF1, RFC 8017 B.2.1: masks n bytes in place. */
static enum bm_rc
mask(uint8_t *bytes, size_t n, const struct bm_hash *hash, struct bm_bytes seed, struct bm_fail *fail)
{
    BM_SECRET(block);
    enum bm_rc rc;

    for (size_t at = 0; at < n; at += hash->n) {
        const uint8_t counter[] = { 0, 0, 0, (uint8_t)(at / hash->n) };

        if ((rc = bm_hash_make(block.b, hash, (const struct bm_bytes[]){ seed, bm_bytes(counter, sizeof(counter)) }, 2, fail)) != BM_OK)
            return rc;
        for (size_t i = 0; i < hash->n && at + i < n; i++)
            bytes[at + i] ^= block.b[i];
    }
    return BM_OK;
}

/*
 * OAEP, RFC 8017 7.1.1, by hand since libcrypto's draws its own randomness and this room draws none. No secret decides a branch here.
 *
 *   00 | seed | lHash 00 ... 00 01 message       then DB masked with MGF1(seed), and seed with MGF1(DB)
 */
static enum bm_rc
oaep_encode(uint8_t *block, size_t n, const struct bm_hash *hash, struct bm_bytes message, const uint8_t *random, struct bm_fail *fail)
{
    const struct bm_bytes label = bm_bytes("IDENTITY", 9); /* with its NUL: part 1, B.4 */
    uint8_t *seed = block + 1, *db = seed + hash->n, lhash[BM_MAX_HASH];
    const size_t ndb = n - 1 - hash->n;
    enum bm_rc rc;

    if (n < 2 * hash->n + 2 + message.n)
        return bm_fail(fail, BM_EINPUT, "RFC 8017 7.1.1", "the endorsement key is too short for its hash");
    if ((rc = bm_hash_make(lhash, hash, &label, 1, fail)) != BM_OK)
        return rc;
    memset(block, 0, n);
    memcpy(seed, random, hash->n);
    memcpy(db, lhash, hash->n);
    db[ndb - message.n - 1] = 1;
    memcpy(db + ndb - message.n, message.p, message.n);
    if ((rc = mask(db, ndb, hash, bm_bytes(seed, hash->n), fail)) != BM_OK)
        return rc;
    return mask(seed, hash->n, hash, bm_bytes(db, ndb), fail);
}

static bool
key_make(struct work *work, const struct bm_key *ek)
{
    struct bm_rd rd = bm_rd(bm_bytes(ek->spki + ek->at_bits, ek->nbits)), in = bm_der_enter(&rd, BM_DER_SEQUENCE);
    struct bm_bytes n = bm_der_positive(&in), e = bm_der_positive(&in);

    return !in.bad && (work->n = BN_bin2bn(n.p, (int)n.n, NULL)) != NULL && (work->e = BN_bin2bn(e.p, (int)e.n, NULL)) != NULL &&
           (work->build = OSSL_PARAM_BLD_new()) != NULL && OSSL_PARAM_BLD_push_BN(work->build, OSSL_PKEY_PARAM_RSA_N, work->n) == 1 &&
           OSSL_PARAM_BLD_push_BN(work->build, OSSL_PKEY_PARAM_RSA_E, work->e) == 1 &&
           (work->params = OSSL_PARAM_BLD_to_param(work->build)) != NULL &&
           (work->make = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL)) != NULL && EVP_PKEY_fromdata_init(work->make) == 1 &&
           EVP_PKEY_fromdata(work->make, &work->key, EVP_PKEY_PUBLIC_KEY, work->params) == 1;
}

enum bm_rc
bm_tpm_seed_rsa(struct bm_secret *ret_seed, struct bm_buf *secret, const struct bm_key *ek, const struct bm_hash *hash,
                const uint8_t random[static 64], struct bm_fail *fail)
{
    static const char seed_label[] = "birthmark/tpm-credential/v1 seed", oaep_label[] = "birthmark/tpm-credential/v1 oaep";
    const struct bm_bytes seed_input = bm_bytes(seed_label, sizeof(seed_label) - 1),
                          oaep_input = bm_bytes(oaep_label, sizeof(oaep_label) - 1);
    const struct bm_hash *wide = bm_hash_by_sig(BM_SIG_ED25519); /* SHA-512: as long as any hash asks for */
    bm_cleanup(work_done) struct work work = { .n = NULL };
    const size_t n = ek->bits / 8;
    uint8_t out[MAX_MODULUS];
    size_t nout = sizeof(out);
    BM_SECRET(oaep);
    enum bm_rc rc;

    if (n > sizeof(work.block))
        return bm_fail(fail, BM_EINPUT, NULL, "the endorsement key is longer than RSA-4096");
    if ((rc = bm_hash_hmac(ret_seed->b, wide, bm_bytes(random, 64), &seed_input, 1, fail)) != BM_OK ||
        (rc = bm_hash_hmac(oaep.b, wide, bm_bytes(random, 64), &oaep_input, 1, fail)) != BM_OK)
        return rc;
    ret_seed->n = hash->n;
    if ((rc = oaep_encode(work.block, n, hash, bm_bytes(ret_seed->b, ret_seed->n), oaep.b, fail)) != BM_OK)
        return rc;
    if (!key_make(&work, ek) || (work.encrypt = EVP_PKEY_CTX_new_from_pkey(NULL, work.key, NULL)) == NULL ||
        EVP_PKEY_encrypt_init(work.encrypt) != 1 || EVP_PKEY_CTX_set_rsa_padding(work.encrypt, RSA_NO_PADDING) != 1 ||
        EVP_PKEY_encrypt(work.encrypt, out, &nout, work.block, n) != 1 || nout != n)
        return bm_fail(fail, BM_ENOMEM, NULL, "the cryptographic library cannot encrypt to the TPM's endorsement key");
    bm_buf_add(secret, out, nout);
    return BM_OK;
}
