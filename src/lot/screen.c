/* screen.c - each root key by itself: the ROCA fingerprint, and whether its private half is printed somewhere. */
#include "lot/screen.h"

#include "lot/known_keys.h"
#include "wire/der.h"

/* Those primes up to 167 modulo which the powers of 65537 are not all there is: together one modulus in 2^27.8 passes by chance. */
static const uint8_t primes[] = { 11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157 };

static uint32_t
remainder_of(struct bm_bytes magnitude, uint32_t prime)
{
    uint32_t r = 0;

    for (size_t i = 0; i < magnitude.n; i++)
        r = (r << 8 | magnitude.p[i]) % prime;
    return r;
}

static bool
is_power_of_65537(uint32_t r, uint32_t prime)
{
    uint32_t power = 1;

    do {
        if (power == r)
            return true;
        power = power * (65537 % prime) % prime;
    } while (power != 1);
    return false;
}

bool
bm_roca(struct bm_bytes modulus)
{
    for (size_t i = 0; i < sizeof(primes); i++)
        if (!is_power_of_65537(remainder_of(modulus, primes[i]), primes[i]))
            return false;
    return modulus.n > 0;
}

struct bm_bytes
bm_key_modulus(const struct bm_key *key)
{
    struct bm_rd outer = bm_rd(bm_bytes(key->spki + key->at_bits, key->nbits)), in;
    struct bm_bytes modulus;

    if (key->alg != BM_KEY_RSA)
        return bm_bytes(NULL, 0);
    in = bm_der_enter(&outer, BM_DER_SEQUENCE);
    modulus = bm_der_positive(&in);
    return in.bad ? bm_bytes(NULL, 0) : modulus;
}

/* The 32 bytes by which the table knows a key; they are the same for the key with the opposite private half. */
static void
mark_take(uint8_t ret_mark[static BM_KNOWN_MARK], const struct bm_key *key)
{
    struct bm_rd rd = bm_rd(bm_bytes(key->spki + key->at_bits, key->nbits));
    struct bm_bytes modulus;

    switch (key->alg) {
    case BM_KEY_P256:
    case BM_KEY_P384:
        (void)bm_rd_u8(&rd); /* 04: X and Y follow */
        break;
    case BM_KEY_RSA:
        modulus = bm_key_modulus(key);
        rd = bm_rd(modulus);
        (void)bm_rd_take(&rd, modulus.n > BM_KNOWN_MARK ? modulus.n - BM_KNOWN_MARK : 0);
        break;
    case BM_KEY_ED25519:
        break;
    }
    bm_rd_copy(&rd, ret_mark, BM_KNOWN_MARK);
    if (key->alg == BM_KEY_ED25519)
        ret_mark[BM_KNOWN_MARK - 1] &= 0x7f;
}

const char *
bm_test_key(const struct bm_key *key)
{
    uint8_t mark[BM_KNOWN_MARK];

    mark_take(mark, key);
    for (size_t i = 0; i < bm_known_keys_n; i++)
        if (bm_known_keys[i].alg == key->alg && memcmp(bm_known_keys[i].mark, mark, sizeof(mark)) == 0)
            return bm_known_keys[i].where;
    return NULL;
}

static void
key_screen(struct bm_lot_chip *chip, const struct bm_key *key)
{
    const char *where = bm_test_key(key);

    if (where != NULL)
        bm_lot_chip_find(chip, BM_CHECK_TEST_KEY, "a root key is no secret, since everybody can look it up: %s", where);
    if (key->alg == BM_KEY_RSA && bm_roca(bm_key_modulus(key)))
        bm_lot_chip_find(
            chip, BM_CHECK_ROCA,
            "an RSA key has the fingerprint of CVE-2017-15361 (ROCA): its private half can be computed, ask for chips with newer firmware");
}

void
bm_screen_chip(struct bm_lot_chip *chip)
{
    for (size_t i = 0; i < chip->leaf.nkeys; i++)
        key_screen(chip, &chip->leaf.keys[i].key);
}
