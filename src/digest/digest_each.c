/*
 * digest_each.c - the digests of libbirthmark and its provider, in place of digest.c: libcrypto's own, by the calls that keep their state in the caller's
 * memory and so cannot fail. Deprecated since OpenSSL 3.0 in favour of EVP, which allocates, and must not end the programs around us (digest.h).
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "digest/digest.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

void
bm_sha256_pieces(uint8_t ret[static BM_HASH], const struct bm_bytes *pieces, size_t n)
{
    SHA256_CTX ctx;

    (void)SHA256_Init(&ctx);
    for (size_t i = 0; i < n; i++)
        (void)SHA256_Update(&ctx, pieces[i].p, pieces[i].n);
    (void)SHA256_Final(ret, &ctx);
    OPENSSL_cleanse(&ctx, sizeof(ctx));
}

void
bm_sha1(uint8_t ret[static BM_SHA1], struct bm_bytes bytes)
{
    SHA_CTX ctx;

    (void)SHA1_Init(&ctx);
    (void)SHA1_Update(&ctx, bytes.p, bytes.n);
    (void)SHA1_Final(ret, &ctx);
}
