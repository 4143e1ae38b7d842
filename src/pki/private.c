#include "pki/private.h"

#include "digest/libcrypto.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

struct bm_private {
    EVP_PKEY *key;
    EVP_PKEY_CTX *sign; /* ready for EVP_PKEY_sign; NULL for Ed25519, which signs the bytes and not a hash */
    EVP_MD *md;         /* NULL for Ed25519 */
    EVP_MD_CTX *mdctx;
    struct bm_key public;
    enum bm_sig_alg alg;
};

static void
bio_done(BIO **bio)
{
    BIO_free_all(*bio);
}

static void
der_done(uint8_t **der)
{
    OPENSSL_free(*der);
}

/* The public half, through the same door as everybody's: named curve, on the curve, not weak. */
static enum bm_rc
public_parse(struct bm_private *key, struct bm_fail *fail)
{
    bm_cleanup(der_done) uint8_t *der = NULL;
    int n = i2d_PUBKEY(key->key, &der);

    if (n <= 0) {
        ERR_clear_error();
        return bm_fail(fail, BM_EINPUT, NULL,
                       "the private key is of a kind that has no public half here: use P-256, P-384, RSA or Ed25519");
    }
    return bm_key_parse(&key->public, bm_bytes(der, (size_t)n), fail);
}

static bool
contexts_open(struct bm_private *key)
{
    const char *md = key->alg == BM_SIG_ECDSA_SHA384 ? "SHA384" : "SHA256";

    if ((key->mdctx = EVP_MD_CTX_new()) == NULL)
        return false;
    if (key->alg == BM_SIG_ED25519)
        return true;
    key->md = EVP_MD_fetch(NULL, md, NULL);
    key->sign = EVP_PKEY_CTX_new_from_pkey(NULL, key->key, NULL);
    if (key->md == NULL || key->sign == NULL || EVP_PKEY_sign_init(key->sign) != 1)
        return false;
    return key->alg != BM_SIG_RSA_SHA256 ||
           (EVP_PKEY_CTX_set_rsa_padding(key->sign, RSA_PKCS1_PADDING) == 1 && EVP_PKEY_CTX_set_signature_md(key->sign, key->md) == 1);
}

/* Takes pkey over, also when it fails. */
static enum bm_rc
private_new(struct bm_private **ret_key, EVP_PKEY *pkey, struct bm_fail *fail)
{
    bm_cleanup(bm_private_done) struct bm_private *key = calloc(1, sizeof(*key));
    enum bm_rc rc;

    if (key == NULL) {
        EVP_PKEY_free(pkey);
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for a private key");
    }
    key->key = pkey;
    if ((rc = public_parse(key, fail)) != BM_OK)
        return rc;
    key->alg = bm_key_sig_alg(key->public.alg);
    if (!contexts_open(key)) {
        ERR_clear_error();
        return bm_fail(fail, BM_ENOMEM, NULL, "libcrypto could not make a signing context: there may be no memory");
    }
    *ret_key = bm_take(key);
    return BM_OK;
}

enum bm_rc
bm_private_generate(struct bm_private **ret_key, enum bm_key_alg alg, struct bm_fail *fail)
{
    EVP_PKEY *pkey = NULL;

    if (alg == BM_KEY_RSA)
        return bm_fail(fail, BM_EINPUT, NULL, "RSA keys are read but not made here: make a P-256 key");
    if (alg == BM_KEY_ED25519)
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    else
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", alg == BM_KEY_P256 ? "prime256v1" : "secp384r1");
    if (pkey == NULL) {
        ERR_clear_error();
        return bm_fail(fail, BM_EBUSY, NULL, "libcrypto could not make a key: there may be no memory or no random numbers");
    }
    return private_new(ret_key, pkey, fail);
}

/* There is nobody to ask: an encrypted key is refused, never waited for at a terminal. */
static int
no_passphrase(char *buf, int size, int writing, void *asked)
{
    (void)buf;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

static bool
halves_match(EVP_PKEY *pkey)
{
    bm_cleanup(bm_pkey_ctx_done) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);

    return ctx != NULL && EVP_PKEY_pairwise_check(ctx) == 1;
}

enum bm_rc
bm_private_parse(struct bm_private **ret_key, struct bm_bytes pem, struct bm_fail *fail)
{
    bm_cleanup(bio_done) BIO *bio = pem.n > INT32_MAX ? NULL : BIO_new_mem_buf(pem.n > 0 ? (const void *)pem.p : "", (int)pem.n);
    bm_cleanup(bm_pkey_done) EVP_PKEY *pkey = NULL;
    bool asked = false;

    if (bio == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to read a private key of %zu bytes", pem.n);
    if ((pkey = PEM_read_bio_PrivateKey_ex(bio, NULL, no_passphrase, &asked, NULL, NULL)) == NULL) {
        ERR_clear_error();
        if (asked)
            return bm_fail(fail, BM_EINPUT, NULL, "the private key is under a passphrase: take it off (openssl pkey) or use a token");
        return bm_fail(fail, BM_EINPUT, NULL, "there is no private key in PEM (PKCS#8 or SEC1) here");
    }
    if (!halves_match(pkey)) {
        ERR_clear_error();
        return bm_fail(fail, BM_EINPUT, NULL,
                       "the private key does not belong to the public key beside it, or is of a kind not taken here");
    }
    return private_new(ret_key, bm_take(pkey), fail);
}

enum bm_rc
bm_private_build(struct bm_buf *buf, const struct bm_private *key, struct bm_fail *fail)
{
    bm_cleanup(bio_done) BIO *bio = BIO_new(BIO_s_secmem());
    char *text = NULL;
    long n;

    if (bio == NULL || PEM_write_bio_PKCS8PrivateKey(bio, key->key, NULL, NULL, 0, NULL, NULL) != 1 ||
        (n = BIO_get_mem_data(bio, &text)) <= 0) {
        ERR_clear_error();
        return bm_fail(fail, BM_ENOMEM, NULL, "libcrypto could not write the private key: there may be no memory");
    }
    bm_buf_add(buf, text, (size_t)n);
    return bm_buf_check(buf, "the private key", fail);
}

void
bm_private_free(struct bm_private *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_CTX_free(key->sign);
    EVP_MD_CTX_free(key->mdctx);
    EVP_MD_free(key->md);
    EVP_PKEY_free(key->key);
    explicit_bzero(key, sizeof(*key));
    free(key);
}

void
bm_private_done(struct bm_private **key)
{
    bm_private_free(bm_take(*key));
}

const struct bm_key *
bm_private_public(const struct bm_private *key)
{
    return &key->public;
}

enum bm_sig_alg
bm_private_alg(const struct bm_private *key)
{
    return key->alg;
}

static bool
sign(struct bm_private *key, struct bm_bytes tbs, uint8_t *ret_signature, size_t *n)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned nhash = 0;

    if (key->alg == BM_SIG_ED25519)
        return EVP_DigestSignInit_ex(key->mdctx, NULL, NULL, NULL, NULL, key->key, NULL) == 1 &&
               EVP_DigestSign(key->mdctx, ret_signature, n, tbs.p, tbs.n) == 1;
    return EVP_DigestInit_ex2(key->mdctx, key->md, NULL) == 1 && EVP_DigestUpdate(key->mdctx, tbs.p, tbs.n) == 1 &&
           EVP_DigestFinal_ex(key->mdctx, hash, &nhash) == 1 && EVP_PKEY_sign(key->sign, ret_signature, n, hash, nhash) == 1;
}

enum bm_rc
bm_private_sign(struct bm_private *key, struct bm_bytes tbs, struct bm_buf *signature, struct bm_fail *fail)
{
    uint8_t made[BM_MAX_SIGNATURE];
    size_t n = sizeof(made);

    if (!sign(key, tbs, made, &n)) {
        ERR_clear_error();
        return bm_fail(fail, BM_EBUSY, NULL, "libcrypto could not sign: there may be no memory or no random numbers");
    }
    bm_buf_add(signature, made, n);
    return bm_buf_check(signature, "the signature", fail);
}
