/*
 * sha_each.c - SHA-256 and SHA-1 (FIPS 180-4) of libbirthmark and its provider: without memory that could be refused, since the programs around them must
 * not be ended (digest.h), and without anything kept. Same time for all contents of one length.
 */
#include "digest/digest.h"

#define BLOCK 64
#define WORDS 8 /* of a state; SHA-1 has five */

struct sha {
    uint32_t state[WORDS];
    uint8_t block[BLOCK];
    uint64_t n; /* bytes so far */
    void (*round)(uint32_t state[static WORDS], const uint8_t block[static BLOCK]);
};

static uint32_t
rotate(uint32_t word, unsigned left)
{
    return word << left | word >> (32 - left);
}

static uint32_t
word_take(const uint8_t *octets)
{
    return (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8 | octets[3];
}

/* FIPS 180-4 6.2.2 */
static void
sha256_round(uint32_t state[static WORDS], const uint8_t block[static BLOCK])
{
    static const uint32_t k[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
        0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
        0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
        0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
        0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
        0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
    };
    uint32_t w[64], v[WORDS];

    for (unsigned t = 0; t < 16; t++)
        w[t] = word_take(block + 4 * (size_t)t);
    for (unsigned t = 16; t < 64; t++)
        w[t] = (rotate(w[t - 2], 15) ^ rotate(w[t - 2], 13) ^ w[t - 2] >> 10) + w[t - 7] +
               (rotate(w[t - 15], 25) ^ rotate(w[t - 15], 14) ^ w[t - 15] >> 3) + w[t - 16];
    memcpy(v, state, sizeof(v));
    for (unsigned t = 0; t < 64; t++) {
        uint32_t one = v[7] + (rotate(v[4], 26) ^ rotate(v[4], 21) ^ rotate(v[4], 7)) + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[t] + w[t];
        uint32_t two = (rotate(v[0], 30) ^ rotate(v[0], 19) ^ rotate(v[0], 10)) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));

        memmove(v + 1, v, 7 * sizeof(*v));
        v[4] += one;
        v[0] = one + two;
    }
    for (unsigned i = 0; i < WORDS; i++)
        state[i] += v[i];
    explicit_bzero(w, sizeof(w));
}

/* FIPS 180-4 6.1.2 */
static void
sha1_round(uint32_t state[static WORDS], const uint8_t block[static BLOCK])
{
    static const uint32_t k[4] = { 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6 };
    uint32_t w[80], v[5];

    for (unsigned t = 0; t < 16; t++)
        w[t] = word_take(block + 4 * (size_t)t);
    for (unsigned t = 16; t < 80; t++)
        w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    memcpy(v, state, sizeof(v));
    for (unsigned t = 0; t < 80; t++) {
        uint32_t f = v[1] ^ v[2] ^ v[3];

        if (t < 20)
            f = (v[1] & v[2]) ^ (~v[1] & v[3]);
        else if (t >= 40 && t < 60)
            f = (v[1] & v[2]) ^ (v[1] & v[3]) ^ (v[2] & v[3]);
        f += rotate(v[0], 5) + v[4] + k[t / 20] + w[t];
        memmove(v + 1, v, 4 * sizeof(*v));
        v[2] = rotate(v[2], 30);
        v[0] = f;
    }
    for (unsigned i = 0; i < 5; i++)
        state[i] += v[i];
}

static void
sha_add(struct sha *sha, struct bm_bytes bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        sha->block[sha->n++ % BLOCK] = bytes.p[i];
        if (sha->n % BLOCK == 0)
            sha->round(sha->state, sha->block);
    }
}

/* FIPS 180-4 5.1.1: a one, zeros, the length in bits. */
static void
sha_end(struct sha *sha, uint8_t *ret, size_t n)
{
    const uint64_t bits = sha->n * 8;
    uint8_t tail[BLOCK + 8] = { 0x80 };
    const size_t zeros = (BLOCK + 56 - sha->n % BLOCK - 1) % BLOCK;

    for (unsigned i = 0; i < 8; i++)
        tail[1 + zeros + i] = (uint8_t)(bits >> (56 - 8 * i));
    sha_add(sha, bm_bytes(tail, 1 + zeros + 8));
    for (size_t i = 0; i < n; i++)
        ret[i] = (uint8_t)(sha->state[i / 4] >> (24 - 8 * (i % 4)));
    explicit_bzero(sha, sizeof(*sha));
}

void
bm_sha256_pieces(uint8_t ret[static BM_HASH], const struct bm_bytes *pieces, size_t n)
{
    struct sha sha = {
        .state = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 },
        .round = sha256_round,
    };

    for (size_t i = 0; i < n; i++)
        sha_add(&sha, pieces[i]);
    sha_end(&sha, ret, BM_HASH);
}

void
bm_sha1(uint8_t ret[static BM_SHA1], struct bm_bytes bytes)
{
    struct sha sha = { .state = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 }, .round = sha1_round };

    sha_add(&sha, bytes);
    sha_end(&sha, ret, BM_SHA1);
}
