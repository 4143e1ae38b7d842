/* context_kept.c - contexts of a process of ours, which has one thread. */
#include "digest/context.h"

#include <stdlib.h>

static EVP_MD_CTX *
context_make(const char *algorithm)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_MD *md = EVP_MD_fetch(NULL, algorithm, NULL);

    if (md == NULL || ctx == NULL || EVP_DigestInit_ex2(ctx, md, NULL) != 1)
        abort();
    EVP_MD_free(md); /* the context holds it */
    return ctx;
}

/*
 * libcrypto looks an algorithm up by name again on every EVP_sha256() digest, which costs more than the two blocks of a tree's node do. So it is
 * looked up once, and one context is kept: set on first use, the same from then on, like a constant.
 */
EVP_MD_CTX *
bm_digest_take(enum bm_digest_slot slot)
{
    static EVP_MD_CTX *kept[BM_DIGEST__N];

    if (kept[slot] == NULL)
        kept[slot] = context_make(slot == BM_DIGEST_SHA1 ? "SHA1" : "SHA256");
    if (EVP_DigestInit_ex2(kept[slot], NULL, NULL) != 1)
        abort();
    return kept[slot];
}

void
bm_digest_give(EVP_MD_CTX *ctx)
{
    (void)ctx;
}
