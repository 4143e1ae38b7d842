#include "merkle/hash.h"

#include <openssl/evp.h>
#include <stdlib.h>

/*
 * libcrypto looks an algorithm up by name again on every EVP_sha256() digest, which costs more than the two blocks of a node do. So it is
 * looked up once, and one context is kept: set on first use, the same from then on, like a constant.
 */
static EVP_MD_CTX *
context(void)
{
    static EVP_MD_CTX *ctx;
    EVP_MD *md;

    if (ctx != NULL)
        return ctx;
    if ((md = EVP_MD_fetch(NULL, "SHA256", NULL)) == NULL || (ctx = EVP_MD_CTX_new()) == NULL || EVP_DigestInit_ex2(ctx, md, NULL) != 1)
        abort();
    EVP_MD_free(md); /* the context holds it */
    return ctx;
}

void
bm_merkle_hash(uint8_t ret[static BM_HASH], const struct bm_bytes *pieces, size_t n)
{
    EVP_MD_CTX *ctx = context();

    if (EVP_DigestInit_ex2(ctx, NULL, NULL) != 1)
        abort();
    for (size_t i = 0; i < n; i++)
        if (pieces[i].n > 0 && EVP_DigestUpdate(ctx, pieces[i].p, pieces[i].n) != 1)
            abort();
    if (EVP_DigestFinal_ex(ctx, ret, NULL) != 1)
        abort();
}
