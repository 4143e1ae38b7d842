#include "evidence/nonce.h"

#define HEAD "birthmark/nonce/v1\n"
#define MAX_PURPOSE 32 /* ours are 12 and 11 characters */

/*
 *  "birthmark/nonce/v1\n" purpose "\n" subject (32) epoch (u64, big endian)
 *
 * A purpose has no newline and what follows it is of fixed length, so no two inputs have the same bytes.
 */
void
bm_nonce_make(uint8_t ret[static BM_NONCE], const struct bm_secret *k, const char *purpose, const uint8_t subject[static BM_HASH],
              uint64_t epoch)
{
    uint8_t in[sizeof(HEAD) - 1 + MAX_PURPOSE + 1 + BM_HASH + 8];
    size_t n = sizeof(HEAD) - 1, npurpose = strnlen(purpose, MAX_PURPOSE);

    memcpy(in, HEAD, n);
    memcpy(in + n, purpose, npurpose);
    n += npurpose;
    in[n++] = '\n';
    memcpy(in + n, subject, BM_HASH);
    n += BM_HASH;
    for (int shift = 56; shift >= 0; shift -= 8)
        in[n++] = (uint8_t)(epoch >> shift);
    bm_hmac256(ret, bm_bytes(k->b, k->n), bm_bytes(in, n));
}

uint64_t
bm_nonce_epoch(bm_time now)
{
    return now < 0 ? 0 : (uint64_t)now / BM_NONCE_EPOCH;
}

enum bm_rc
bm_nonce_check(const struct bm_secret *k, const char *purpose, const uint8_t subject[static BM_HASH], bm_time now, struct bm_bytes nonce,
               struct bm_fail *fail)
{
    uint64_t epoch = bm_nonce_epoch(now);
    uint8_t want[BM_NONCE];
    unsigned same = 0;

    /* Both are always made and compared, so the time taken does not say which one it was. */
    for (uint64_t back = 0; back < 2; back++) {
        bm_nonce_make(want, k, purpose, subject, epoch - (back <= epoch ? back : 0));
        same |= nonce.n == sizeof(want) && bm_bytes_equal_secret(bm_bytes(want, sizeof(want)), nonce);
    }
    explicit_bzero(want, sizeof(want));
    if (same == 0)
        return bm_fail(fail, BM_EPOLICY, "RFC 5272 6.6", "the nonce is stale or not ours: ask for a new one");
    return BM_OK;
}
