#include "evidence/hash.h"

#include "digest/libcrypto.h"
#include "pki/oid.h"

#include <openssl/evp.h>
#include <openssl/params.h>

static const uint8_t oid_sha384[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02 }; /* 2.16.840.1.101.3.4.2.2 */
static const uint8_t oid_sha512[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03 }; /* 2.16.840.1.101.3.4.2.3 */

enum {
    HASH_256,
    HASH_384,
    HASH_512,
    HASH__N
};
static const struct bm_hash hashes[HASH__N] = {
    [HASH_256] = { "SHA256", 32, 0x000b, { bm_oid_sha256, sizeof(bm_oid_sha256) } },
    [HASH_384] = { "SHA384", 48, 0x000c, { oid_sha384, sizeof(oid_sha384) } },
    [HASH_512] = { "SHA512", 64, 0x000d, { oid_sha512, sizeof(oid_sha512) } },
};

const struct bm_hash *
bm_hash_by_tpm(uint16_t alg)
{
    for (size_t i = 0; i < HASH__N; i++)
        if (hashes[i].tpm == alg)
            return &hashes[i];
    return NULL;
}

const struct bm_hash *
bm_hash_by_oid(struct bm_bytes content)
{
    for (size_t i = 0; i < HASH__N; i++)
        if (bm_bytes_equal(hashes[i].oid, content))
            return &hashes[i];
    return NULL;
}

const struct bm_hash *
bm_hash_by_sig(enum bm_sig_alg alg)
{
    static const unsigned char of[] = {
        [BM_SIG_ECDSA_SHA256] = HASH_256, [BM_SIG_ECDSA_SHA384] = HASH_384,   [BM_SIG_RSA_SHA256] = HASH_256,
        [BM_SIG_RSA_SHA384] = HASH_384,   [BM_SIG_RSA_PSS_SHA256] = HASH_256, [BM_SIG_ED25519] = HASH_512,
    };

    return alg >= BM_SIG_ECDSA_SHA256 && (size_t)alg < BM_COUNT(of) ? &hashes[of[alg]] : NULL;
}

enum bm_rc
bm_hash_make(uint8_t ret[static BM_MAX_HASH], const struct bm_hash *hash, const struct bm_bytes *parts, size_t nparts, struct bm_fail *fail)
{
    bm_cleanup(bm_md_ctx_done) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const EVP_MD *md = EVP_get_digestbyname(hash->name);
    bool ok = ctx != NULL && md != NULL && EVP_DigestInit_ex(ctx, md, NULL) == 1;

    for (size_t i = 0; ok && i < nparts; i++)
        ok = parts[i].n == 0 || EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1;
    if (!ok || EVP_DigestFinal_ex(ctx, ret, NULL) != 1)
        return bm_fail(fail, BM_ENOMEM, NULL, "the cryptographic library cannot compute %s", hash->name);
    return BM_OK;
}

static void
mac_done(EVP_MAC **mac)
{
    EVP_MAC_free(*mac);
}

static void
mac_ctx_done(EVP_MAC_CTX **ctx)
{
    EVP_MAC_CTX_free(*ctx);
}

enum bm_rc
bm_hash_hmac(uint8_t ret[static BM_MAX_HASH], const struct bm_hash *hash, struct bm_bytes key, const struct bm_bytes *parts, size_t nparts,
             struct bm_fail *fail)
{
    bm_cleanup(mac_done) EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    bm_cleanup(mac_ctx_done) EVP_MAC_CTX *ctx = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
    char name[8] = { 0 };
    OSSL_PARAM params[2] = { OSSL_PARAM_construct_utf8_string("digest", name, 0), OSSL_PARAM_construct_end() };
    size_t n = 0;
    bool ok;

    memcpy(name, hash->name, strlen(hash->name)); /* libcrypto wants it writable */
    ok = ctx != NULL && EVP_MAC_init(ctx, key.p, key.n, params) == 1;
    for (size_t i = 0; ok && i < nparts; i++)
        ok = parts[i].n == 0 || EVP_MAC_update(ctx, parts[i].p, parts[i].n) == 1;
    if (!ok || EVP_MAC_final(ctx, ret, &n, BM_MAX_HASH) != 1 || n != hash->n)
        return bm_fail(fail, BM_ENOMEM, NULL, "the cryptographic library cannot compute HMAC with %s", hash->name);
    return BM_OK;
}
