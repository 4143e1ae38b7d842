#include "digest/digest.h"
#include "digest/context.h"

#include <openssl/evp.h>
#include <stdlib.h>

void
bm_sha256_pieces(uint8_t ret[static BM_HASH], const struct bm_bytes *pieces, size_t n)
{
    EVP_MD_CTX *ctx = bm_digest_take(BM_DIGEST_SHA256);

    for (size_t i = 0; i < n; i++)
        if (pieces[i].n > 0 && EVP_DigestUpdate(ctx, pieces[i].p, pieces[i].n) != 1)
            abort();
    if (EVP_DigestFinal_ex(ctx, ret, NULL) != 1)
        abort();
    bm_digest_give(ctx);
}

void
bm_sha256_begins(uint8_t ret_begins[static BM_HASH], uint8_t ret_all[static BM_HASH], struct bm_bytes bytes, size_t n)
{
    EVP_MD_CTX *begun = bm_digest_take(BM_DIGEST_BEGUN), *ctx = bm_digest_take(BM_DIGEST_SHA256);

    if ((n > 0 && EVP_DigestUpdate(begun, bytes.p, n) != 1) || EVP_MD_CTX_copy_ex(ctx, begun) != 1 ||
        EVP_DigestFinal_ex(begun, ret_begins, NULL) != 1 || (bytes.n > n && EVP_DigestUpdate(ctx, bytes.p + n, bytes.n - n) != 1) ||
        EVP_DigestFinal_ex(ctx, ret_all, NULL) != 1)
        abort();
    bm_digest_give(ctx);
    bm_digest_give(begun);
}

void
bm_sha1(uint8_t ret[static BM_SHA1], struct bm_bytes bytes)
{
    EVP_MD_CTX *ctx = bm_digest_take(BM_DIGEST_SHA1);

    if (EVP_DigestUpdate(ctx, bytes.p, bytes.n) != 1 || EVP_DigestFinal_ex(ctx, ret, NULL) != 1)
        abort();
    bm_digest_give(ctx);
}
