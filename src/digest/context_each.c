/* context_each.c - contexts of libbirthmark and its provider: programs around them have threads, and unload what they loaded. */
#include "digest/context.h"

#include <stdlib.h>

EVP_MD_CTX *
bm_digest_take(enum bm_digest_slot slot)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (ctx == NULL || EVP_DigestInit_ex2(ctx, slot == BM_DIGEST_SHA1 ? EVP_sha1() : EVP_sha256(), NULL) != 1)
        abort();
    return ctx;
}

void
bm_digest_give(EVP_MD_CTX *ctx)
{
    EVP_MD_CTX_free(ctx);
}
