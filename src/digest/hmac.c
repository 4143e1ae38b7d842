/* hmac.c - what stands on SHA-256 alone, whoever computes it: one piece, and HMAC. */
#include "digest/digest.h"

#include <openssl/crypto.h>

void
bm_sha256(uint8_t ret[static BM_HASH], struct bm_bytes bytes)
{
    bm_sha256_pieces(ret, &bytes, 1);
}

/* RFC 2104 2: H(K ^ opad, H(K ^ ipad, text)), the key padded, or hashed first when it is longer than a block. */
void
bm_hmac256(uint8_t ret[static BM_HASH], struct bm_bytes key, struct bm_bytes bytes)
{
    uint8_t inner[64] = { 0 }, outer[64], hash[BM_HASH];

    if (key.n > sizeof(inner))
        bm_sha256(inner, key);
    else if (key.n > 0)
        memcpy(inner, key.p, key.n);
    for (size_t i = 0; i < sizeof(inner); i++) {
        outer[i] = (uint8_t)(inner[i] ^ 0x5c);
        inner[i] ^= 0x36;
    }
    bm_sha256_pieces(hash, (const struct bm_bytes[]){ bm_bytes(inner, sizeof(inner)), bytes }, 2);
    bm_sha256_pieces(ret, (const struct bm_bytes[]){ bm_bytes(outer, sizeof(outer)), bm_bytes(hash, sizeof(hash)) }, 2);
    OPENSSL_cleanse(inner, sizeof(inner));
    OPENSSL_cleanse(outer, sizeof(outer));
    OPENSSL_cleanse(hash, sizeof(hash));
}
