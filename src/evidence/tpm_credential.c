#include "evidence/tpm.h"
#include "evidence/tpm_seed.h"

#include <openssl/evp.h>

#define MAX_SECRET 32 /* the shortest nameAlg's digest: what every TPM takes */

/* The TCG's EK templates (EK Credential Profile 2.5, B.3, B.4): what hash and cipher an endorsement key of this kind works with. */
static const struct template
{
    enum bm_key_alg alg;
    unsigned bits;
    uint16_t name_alg;
    size_t naes; /* octets of the AES key */
    bm_must_use enum bm_rc (*seed)(struct bm_secret * ret_seed, struct bm_buf * secret, const struct bm_key *ek, const struct bm_hash *hash,
                                   const uint8_t random[static 64], struct bm_fail *fail);
}
templates[] = {
    { BM_KEY_RSA, 2048, 0x000b, 16, bm_tpm_seed_rsa },
    { BM_KEY_P256, 256, 0x000b, 16, bm_tpm_seed_ecc },
    { BM_KEY_P384, 384, 0x000c, 32, bm_tpm_seed_ecc },
};

static const struct template *
template_of(const struct bm_key *ek)
{
    for (size_t i = 0; i < BM_COUNT(templates); i++)
        if (templates[i].alg == ek->alg && templates[i].bits == ek->bits)
            return &templates[i];
    return NULL;
}

/* KDFa, part 1, 11.4.10.2, one block: HMAC(seed, counter || label with its NUL || contextU || contextV (none) || bits). */
static enum bm_rc
kdfa(struct bm_secret *ret, const struct bm_hash *hash, const struct bm_secret *seed, struct bm_bytes label, struct bm_bytes context,
     size_t n, struct bm_fail *fail)
{
    const uint8_t counter[] = { 0, 0, 0, 1 }, bits[] = { 0, 0, (uint8_t)(n * 8 >> 8), (uint8_t)(n * 8) };
    enum bm_rc rc = bm_hash_hmac(ret->b, hash, bm_bytes(seed->b, seed->n),
                                 (const struct bm_bytes[]){ bm_bytes(counter, 4), label, context, bm_bytes(bits, 4) }, 4, fail);

    ret->n = n;
    return rc;
}

static void
cipher_done(EVP_CIPHER_CTX **ctx)
{
    EVP_CIPHER_CTX_free(*ctx);
}

/* CFB with an IV of zeros; the key is used for these bytes only. */
static enum bm_rc
encrypt(uint8_t *out, const struct bm_secret *key, const uint8_t *in, size_t n, struct bm_fail *fail)
{
    static const uint8_t iv[16] = { 0 };
    bm_cleanup(cipher_done) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int done = 0;

    if (ctx == NULL || EVP_EncryptInit_ex(ctx, key->n == 16 ? EVP_aes_128_cfb128() : EVP_aes_256_cfb128(), NULL, key->b, iv) != 1 ||
        EVP_EncryptUpdate(ctx, out, &done, in, (int)n) != 1 || (size_t)done != n)
        return bm_fail(fail, BM_ENOMEM, NULL, "the cryptographic library cannot encrypt with AES-CFB");
    return BM_OK;
}

/*
 * Part 1, 24.4 and 24.5:
 *   identity  = AES-CFB(KDFa(seed, "STORAGE", name), TPM2B(secret))
 *   integrity = HMAC(KDFa(seed, "INTEGRITY"), identity || name)
 *   TPMS_ID_OBJECT = TPM2B(integrity) || identity
 */
static enum bm_rc
id_object_make(struct bm_buf *buf, const struct template *template, const struct bm_secret *seed, struct bm_bytes name,
               const struct bm_secret *secret, struct bm_fail *fail)
{
    const struct bm_hash *hash = bm_hash_by_tpm(template->name_alg);
    uint8_t identity[2 + MAX_SECRET], integrity[BM_MAX_HASH];
    const size_t n = 2 + secret->n;
    BM_SECRET(plain);
    BM_SECRET(aes);
    BM_SECRET(mac);
    enum bm_rc rc;

    plain.b[1] = (uint8_t)secret->n;
    memcpy(plain.b + 2, secret->b, secret->n);
    if ((rc = kdfa(&aes, hash, seed, bm_bytes("STORAGE", 8), name, template->naes, fail)) != BM_OK ||
        (rc = encrypt(identity, &aes, plain.b, n, fail)) != BM_OK ||
        (rc = kdfa(&mac, hash, seed, bm_bytes("INTEGRITY", 10), bm_bytes(NULL, 0), hash->n, fail)) != BM_OK ||
        (rc = bm_hash_hmac(integrity, hash, bm_bytes(mac.b, mac.n), (const struct bm_bytes[]){ bm_bytes(identity, n), name }, 2, fail)) !=
            BM_OK)
        return rc;
    bm_buf_add_lv16(buf, bm_bytes(integrity, hash->n));
    bm_buf_add(buf, identity, n);
    return BM_OK;
}

enum bm_rc
bm_tpm_credential_make(struct bm_buf *credential, struct bm_buf *encrypted_secret, const struct bm_key *ek, struct bm_bytes ak_name,
                       const struct bm_secret *secret, const uint8_t seed[static 64], struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf object = { .max = BM_MAX_TPM }, sealed = { .max = BM_MAX_TPM };
    const struct template *template = template_of(ek);
    BM_SECRET(inner);
    enum bm_rc rc;

    if (template == NULL)
        return bm_fail(fail, BM_EINPUT, "TCG EK Credential Profile B",
                       "the endorsement key is none that we can challenge: use RSA-2048, P-256 or P-384");
    if (secret->n == 0 || secret->n > MAX_SECRET || ak_name.n == 0 || ak_name.n > BM_MAX_TPM_NAME)
        return bm_fail(fail, BM_EINPUT, NULL, "the secret must be 1 to %d bytes, and the attestation key's name %d at most", MAX_SECRET,
                       BM_MAX_TPM_NAME);
    if ((rc = template->seed(&inner, &sealed, ek, bm_hash_by_tpm(template->name_alg), seed, fail)) != BM_OK ||
        (rc = id_object_make(&object, template, &inner, ak_name, secret, fail)) != BM_OK ||
        (rc = bm_buf_check(&sealed, "the secret", fail)) != BM_OK || (rc = bm_buf_check(&object, "the credential", fail)) != BM_OK)
        return rc;
    bm_buf_add_lv16(credential, bm_buf_bytes(&object));
    bm_buf_add_lv16(encrypted_secret, bm_buf_bytes(&sealed));
    return BM_OK;
}
