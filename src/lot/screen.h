/* screen.h - is a root key, well-formed as it is, one that somebody else could have too? ROCA, shared factors, keys printed in books. */
#ifndef BM_SCREEN_H
#define BM_SCREEN_H

#include "lot/lot.h"

/* All screens of the chip's keys that need no other key; findings are added to it. bm_lot_item_check() calls it. */
void bm_screen_chip(struct bm_lot_chip *chip);

/* CVE-2017-15361: the modulus lies in the subgroup that 65537 generates modulo each of 17 small primes. Big-endian magnitude. */
bool bm_roca(struct bm_bytes modulus);
/* A key whose private half is public; returns where it is printed ("RFC 9500 2.1"), or NULL. */
const char *bm_test_key(const struct bm_key *key);

/*
 * Shared factors across everything received (batch GCD). Moduli (big-endian magnitudes) are fed one by one with a place that the caller understands, and
 * are borrowed until bm_factors_done(); old ones (received earlier) are compared with new ones only. Works in blocks of up to 4 MiB of moduli, so that beside
 * the moduli and one product of them only one block's tree is in memory (some 34 times the block: 140 MiB). The time grows as n (log n)^2 in a block - a
 * multiplication of n octets costs n log n, and a tree has log n levels of them - and by block against block beyond.
 * GMP ends the process where there is no memory: for commands, not for servers.
 */
struct bm_factors;
bm_must_use enum bm_rc bm_factors_new(struct bm_factors **ret_factors, struct bm_fail *fail);
void bm_factors_done(struct bm_factors **factors);               /* accepts NULL in it */
void bm_factors_block(struct bm_factors *factors, size_t bytes); /* of moduli in a block, where 4 MiB are not wanted: tests */
bm_must_use enum bm_rc bm_factors_add(struct bm_factors *factors, struct bm_bytes modulus, uint64_t place, bool is_new,
                                      struct bm_fail *fail);
/*
 * Once. Calls back for every new modulus that shares a factor with another, with the places of both: first those where both are the same modulus (perhaps
 * one key known twice: the caller compares exponents), then those that share a prime; other = place where more than a hundred share one and it was
 * not looked for. progress may be NULL.
 */
bm_must_use enum bm_rc bm_factors_find(struct bm_factors *factors, void (*found)(void *ctx, uint64_t place, uint64_t other),
                                       void (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx, struct bm_fail *fail);
/* The modulus of an RSA key: a view into key->spki, without leading zeros; n = 0 for other kinds. */
struct bm_bytes bm_key_modulus(const struct bm_key *key);

#endif
