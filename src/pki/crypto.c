/* crypto.c - libcrypto's part of key.h: what is fetched once, hashes, and signatures checked. */
#include "pki/key.h"
#include "digest/libcrypto.h"
#include "wire/der.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

/*
 * An elliptic key is set into a ready EVP_PKEY of its curve (0.7 us) instead of being made anew (14 us with OpenSSL 3.0, most of it the
 * group), and the verifying context is initialised again (0.5 us), as its contract wants when the key is another one. Of the last few
 * keys each keeps its own, since a list has two: the one that signed its entries and the one that signed the chips' certificates.
 */
#define KEYS_KEPT 4
struct ec {
    EVP_PKEY *key;
    EVP_PKEY_CTX *verify;
    uint8_t point[97]; /* what is set; its first byte is 0 where nothing is */
};

struct bm_crypto {
    EVP_MD *sha256;
    EVP_MD *sha384;
    EVP_MD_CTX *md;
    struct ec p256[KEYS_KEPT]; /* the one used last first */
    struct ec p384[KEYS_KEPT];
    EVP_PKEY_CTX *rsa;     /* fromdata */
    EVP_PKEY_CTX *ed25519; /* fromdata */
};

static bool
fromdata_open(EVP_PKEY_CTX **ret_ctx, const char *type)
{
    *ret_ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    return *ret_ctx != NULL && EVP_PKEY_fromdata_init(*ret_ctx) == 1;
}

static bool
ec_open(struct ec *ec, const char *group)
{
    bm_cleanup(bm_pkey_ctx_done) EVP_PKEY_CTX *ctx = NULL;
    char name[16];
    OSSL_PARAM params[2];

    (void)snprintf(name, sizeof(name), "%s", group);
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0);
    params[1] = OSSL_PARAM_construct_end();
    if (!fromdata_open(&ctx, "EC") || EVP_PKEY_fromdata(ctx, &ec->key, EVP_PKEY_KEY_PARAMETERS, params) != 1)
        return false;
    ec->verify = EVP_PKEY_CTX_new_from_pkey(NULL, ec->key, NULL);
    return ec->verify != NULL;
}

static bool
curves_open(struct bm_crypto *crypto)
{
    for (size_t i = 0; i < KEYS_KEPT; i++)
        if (!ec_open(&crypto->p256[i], "prime256v1") || !ec_open(&crypto->p384[i], "secp384r1"))
            return false;
    return true;
}

enum bm_rc
bm_crypto_new(struct bm_crypto **ret_crypto, struct bm_fail *fail)
{
    bm_cleanup(bm_crypto_done) struct bm_crypto *crypto = calloc(1, sizeof(*crypto));

    if (crypto == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for cryptography");
    crypto->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    crypto->sha384 = EVP_MD_fetch(NULL, "SHA384", NULL);
    crypto->md = EVP_MD_CTX_new();
    if (crypto->sha256 == NULL || crypto->sha384 == NULL || crypto->md == NULL || !curves_open(crypto) ||
        !fromdata_open(&crypto->rsa, "RSA") || !fromdata_open(&crypto->ed25519, "ED25519"))
        return bm_fail(fail, BM_EBUSY, NULL, "libcrypto does not give SHA-2, EC, RSA and Ed25519: check its configuration (openssl.cnf)");
    *ret_crypto = bm_take(crypto);
    return BM_OK;
}

void
bm_crypto_free(struct bm_crypto *crypto)
{
    if (crypto == NULL)
        return;
    EVP_PKEY_CTX_free(crypto->ed25519);
    EVP_PKEY_CTX_free(crypto->rsa);
    for (size_t i = 0; i < KEYS_KEPT; i++) {
        EVP_PKEY_CTX_free(crypto->p384[i].verify);
        EVP_PKEY_free(crypto->p384[i].key);
        EVP_PKEY_CTX_free(crypto->p256[i].verify);
        EVP_PKEY_free(crypto->p256[i].key);
    }
    EVP_MD_CTX_free(crypto->md);
    EVP_MD_free(crypto->sha384);
    EVP_MD_free(crypto->sha256);
    free(crypto);
}

void
bm_crypto_done(struct bm_crypto **crypto)
{
    bm_crypto_free(bm_take(*crypto));
}

static bool
digest(struct bm_crypto *crypto, const EVP_MD *md, struct bm_bytes bytes, uint8_t *ret, size_t *ret_n)
{
    unsigned n = 0;

    if (EVP_DigestInit_ex2(crypto->md, md, NULL) != 1 || EVP_DigestUpdate(crypto->md, bytes.p, bytes.n) != 1 ||
        EVP_DigestFinal_ex(crypto->md, ret, &n) != 1)
        return false;
    *ret_n = n;
    return true;
}

static enum bm_rc
not_verified(struct bm_fail *fail)
{
    ERR_clear_error();
    return bm_fail(fail, BM_EPOLICY, NULL, "the signature does not verify");
}

static enum bm_rc
not_able(struct bm_fail *fail)
{
    ERR_clear_error();
    return bm_fail(fail, BM_ENOMEM, NULL, "libcrypto could not take the key or the bytes: there may be no memory");
}

/* ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }: one encoding for one signature, so that records have one hash. */
static bool
ecdsa_is_strict(struct bm_bytes signature, size_t field)
{
    struct bm_rd outer = bm_rd(signature), in = bm_der_enter(&outer, BM_DER_SEQUENCE);
    struct bm_bytes r = bm_der_positive(&in), s = bm_der_positive(&in);

    return bm_rd_end(&in) && bm_rd_end(&outer) && r.n <= field && s.n <= field;
}

/* Ready for this key; NULL where libcrypto cannot take it. */
static const struct ec *
ec_ready(struct bm_crypto *crypto, const struct bm_key *key)
{
    struct ec *kept = key->alg == BM_KEY_P256 ? crypto->p256 : crypto->p384, found;
    const uint8_t *point = key->spki + key->at_bits;
    size_t i = 0;

    while (i < KEYS_KEPT - 1 && memcmp(kept[i].point, point, key->nbits) != 0)
        i++;
    found = kept[i];
    memmove(kept + 1, kept, i * sizeof(*kept));
    kept[0] = found;
    if (memcmp(kept->point, point, key->nbits) == 0)
        return kept;
    kept->point[0] = 0;
    if (EVP_PKEY_set1_encoded_public_key(kept->key, point, key->nbits) != 1 || EVP_PKEY_verify_init(kept->verify) != 1)
        return NULL;
    memcpy(kept->point, point, key->nbits);
    return kept;
}

static enum bm_rc
ecdsa_verify(struct bm_crypto *crypto, const struct bm_key *key, struct bm_bytes hash, struct bm_bytes signature, struct bm_fail *fail)
{
    const struct ec *ec;

    /* req: RFC3279 2.2.3 r and s as a SEQUENCE of two INTEGERs, in DER */
    if (!ecdsa_is_strict(signature, key->bits / 8))
        return bm_fail(fail, BM_EINPUT, "RFC 3279 2.2.3", "the ECDSA signature is not two positive numbers in DER");
    if ((ec = ec_ready(crypto, key)) == NULL)
        return not_able(fail);
    return EVP_PKEY_verify(ec->verify, signature.p, signature.n, hash.p, hash.n) == 1 ? BM_OK : not_verified(fail);
}

/* libcrypto wants little-endian numbers in the parameters of a key. */
static void
reverse(uint8_t *ret, struct bm_bytes bytes)
{
    for (size_t i = 0; i < bytes.n; i++)
        ret[i] = bytes.p[bytes.n - 1 - i];
}

static EVP_PKEY *
rsa_new(struct bm_crypto *crypto, const struct bm_key *key)
{
    struct bm_rd outer = bm_rd(bm_bytes(key->spki + key->at_bits, key->nbits)), in = bm_der_enter(&outer, BM_DER_SEQUENCE);
    struct bm_bytes n = bm_der_positive(&in), e = bm_der_positive(&in);
    uint8_t n_octets[BM_MAX_SIGNATURE], e_octets[8];
    OSSL_PARAM params[3];
    EVP_PKEY *made = NULL;

    if (n.n > sizeof(n_octets) || e.n > sizeof(e_octets))
        return NULL;
    reverse(n_octets, n);
    reverse(e_octets, e);
    params[0] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, n_octets, n.n);
    params[1] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, e_octets, e.n);
    params[2] = OSSL_PARAM_construct_end();
    return EVP_PKEY_fromdata(crypto->rsa, &made, EVP_PKEY_PUBLIC_KEY, params) == 1 ? made : NULL;
}

static enum bm_rc
rsa_verify(struct bm_crypto *crypto, const struct bm_key *key, const EVP_MD *md, bool pss, struct bm_bytes tbs, struct bm_bytes signature,
           struct bm_fail *fail)
{
    bm_cleanup(bm_pkey_done) EVP_PKEY *made = NULL;
    bm_cleanup(bm_pkey_ctx_done) EVP_PKEY_CTX *ctx = NULL;
    uint8_t hash[EVP_MAX_MD_SIZE];
    size_t n = 0;

    if (signature.n != (key->bits + 7) / 8)
        return bm_fail(fail, BM_EINPUT, "RFC 8017 8.2.2", "the RSA signature is not as long as the key's modulus");
    if (!digest(crypto, md, tbs, hash, &n) || (made = rsa_new(crypto, key)) == NULL ||
        (ctx = EVP_PKEY_CTX_new_from_pkey(NULL, made, NULL)) == NULL || EVP_PKEY_verify_init(ctx) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(ctx, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) != 1 ||
        EVP_PKEY_CTX_set_signature_md(ctx, md) != 1 ||
        (pss && (EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) != 1 || EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) != 1)))
        return not_able(fail);
    return EVP_PKEY_verify(ctx, signature.p, signature.n, hash, n) == 1 ? BM_OK : not_verified(fail);
}

static enum bm_rc
ed25519_verify(struct bm_crypto *crypto, const struct bm_key *key, struct bm_bytes tbs, struct bm_bytes signature, struct bm_fail *fail)
{
    bm_cleanup(bm_pkey_done) EVP_PKEY *made = NULL;
    /* one of its own: initialised again it would keep the key of last time (OpenSSL 3.0), and it hashes no more */
    bm_cleanup(bm_md_ctx_done) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t point[32];
    OSSL_PARAM params[2];

    if (signature.n != 64)
        return bm_fail(fail, BM_EINPUT, "RFC 8032 5.1.7", "the Ed25519 signature is not 64 bytes long");
    memcpy(point, key->spki + key->at_bits, sizeof(point));
    params[0] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point));
    params[1] = OSSL_PARAM_construct_end();
    if (ctx == NULL || EVP_PKEY_fromdata(crypto->ed25519, &made, EVP_PKEY_PUBLIC_KEY, params) != 1 ||
        EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, made, NULL) != 1)
        return not_able(fail);
    return EVP_DigestVerify(ctx, signature.p, signature.n, tbs.p, tbs.n) == 1 ? BM_OK : not_verified(fail);
}

enum bm_rc
bm_key_verify_hash(struct bm_crypto *crypto, const struct bm_key *key, const uint8_t hash[static BM_HASH], struct bm_bytes signature,
                   struct bm_fail *fail)
{
    if (key->alg != BM_KEY_P256)
        return bm_fail(fail, BM_EINPUT, NULL, "the signature's algorithm does not go with the key");
    return ecdsa_verify(crypto, key, bm_bytes(hash, BM_HASH), signature, fail);
}

enum bm_rc
bm_key_verify(struct bm_crypto *crypto, const struct bm_key *key, enum bm_sig_alg alg, struct bm_bytes tbs, struct bm_bytes signature,
              struct bm_fail *fail)
{
    const EVP_MD *md = alg == BM_SIG_ECDSA_SHA384 || alg == BM_SIG_RSA_SHA384 ? crypto->sha384 : crypto->sha256;
    bool ec = key->alg == BM_KEY_P256 || key->alg == BM_KEY_P384;
    uint8_t hash[EVP_MAX_MD_SIZE];
    size_t n = 0;

    if (ec && (alg == BM_SIG_ECDSA_SHA256 || alg == BM_SIG_ECDSA_SHA384))
        return digest(crypto, md, tbs, hash, &n) ? ecdsa_verify(crypto, key, bm_bytes(hash, n), signature, fail) : not_able(fail);
    if (key->alg == BM_KEY_RSA && (alg == BM_SIG_RSA_SHA256 || alg == BM_SIG_RSA_SHA384 || alg == BM_SIG_RSA_PSS_SHA256))
        return rsa_verify(crypto, key, md, alg == BM_SIG_RSA_PSS_SHA256, tbs, signature, fail);
    if (key->alg == BM_KEY_ED25519 && alg == BM_SIG_ED25519)
        return ed25519_verify(crypto, key, tbs, signature, fail);
    return bm_fail(fail, BM_EINPUT, NULL, "the signature's algorithm does not go with the key");
}
