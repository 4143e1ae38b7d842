#include "root/polar.h"

/* Place i is free when bit 7 - i % 8 of byte i / 8 is set. */
static const uint8_t places[BM_POLAR_N / 8] = {
#include "root/polar_places.inc"
};

bool
bm_polar_free(unsigned place)
{
    return (places[place / 8] >> (7 - place % 8)) & 1;
}

/* Multiplied by the n-th power of [1 0; 1 1]. */
static void
transform(uint8_t word[static BM_POLAR_N])
{
    for (unsigned half = 1; half < BM_POLAR_N; half *= 2) {
        for (unsigned at = 0; at < BM_POLAR_N; at += 2 * half) {
            for (unsigned i = at; i < at + half; i++)
                word[i] ^= word[i + half];
        }
    }
}

void
bm_polar_encode(uint8_t ret_word[static BM_POLAR_N], const uint8_t message[static BM_POLAR_K])
{
    unsigned next = 0;

    for (unsigned i = 0; i < BM_POLAR_N; i++)
        ret_word[i] = bm_polar_free(i) ? message[next++] : 0;
    transform(ret_word);
}

/* Two sights of one bit whose sum is wanted: the sign of both, as sure as the less sure one. No branch: a branch would tell. */
static int16_t
either(int16_t a, int16_t b)
{
    int sa = a >> 15, sb = b >> 15, x = (a ^ sa) - sa, y = (b ^ sb) - sb, less = x + ((y - x) & ((y - x) >> 15)), sign = sa ^ sb;

    return (int16_t)((less ^ sign) - sign);
}

struct decoder {
    int16_t sight[BM_POLAR_N]; /* of each depth, one behind the other: n/2, n/4 ... 1 */
};

static bool
none_free(unsigned first, unsigned n)
{
    if (n < 8)
        return false; /* found out one by one */
    for (unsigned i = first / 8; i < (first + n) / 8; i++) {
        if (places[i] != 0)
            return false;
    }
    return true;
}

/* The part of the word that the places from `first` on make. Which places are free is no secret; what was seen is. */
static void
decode(struct decoder *d, uint8_t *word, const int16_t *seen, unsigned n, unsigned first) // NOLINT: eleven deep at most
{
    unsigned half = n / 2;
    int16_t *sight = d->sight + (BM_POLAR_N - n);

    if (none_free(first, n)) {
        memset(word, 0, n);
        return;
    }
    if (n == 1) {
        word[0] = (uint8_t)((seen[0] >> 15) & bm_polar_free(first));
        return;
    }
    for (unsigned i = 0; i < half; i++)
        sight[i] = either(seen[i], seen[i + half]);
    decode(d, word, sight, half, first);
    for (unsigned i = 0; i < half; i++)
        sight[i] = (int16_t)(seen[i + half] + (seen[i] ^ -word[i]) + word[i]);
    decode(d, word + half, sight, half, first + half);
    for (unsigned i = 0; i < half; i++)
        word[i] ^= word[i + half];
}

static void
decoder_wipe(struct decoder *d)
{
    explicit_bzero(d, sizeof(*d));
}

void
bm_polar_decode(uint8_t ret_word[static BM_POLAR_N], const int16_t seen[static BM_POLAR_N])
{
    bm_cleanup(decoder_wipe) struct decoder d;

    decode(&d, ret_word, seen, BM_POLAR_N, 0);
}
