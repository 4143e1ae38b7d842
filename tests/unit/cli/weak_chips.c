/* weak_chips.c - records of chips whose root keys are weak, by name: for screens.sh. The same every time. */
#include "base/file.h"
#include "lot/lot.h"
#include "pki/raw.h"

#include <gmp.h>
#include <stdio.h>
#include <stdlib.h>

static void
must(enum bm_rc rc, const struct bm_fail *fail)
{
    if (rc == BM_OK)
        return;
    (void)fprintf(stderr, "weak_chips: %s\n", fail->text);
    exit(1);
}

/* The modulus of the primes with these numbers. */
static void
rsa_make(struct bm_key *ret, unsigned one, unsigned two)
{
    uint8_t octets[256] = { 0 };
    struct bm_fail fail;
    mpz_t p[2];

    for (unsigned i = 0; i < 2; i++) {
        mpz_init(p[i]);
        mpz_ui_pow_ui(p[i], 7 + 2 * (i == 0 ? one : two), 600); /* something that differs, brought to 1024 bits with the top two set */
        mpz_fdiv_r_2exp(p[i], p[i], 1022);
        mpz_setbit(p[i], 1023);
        mpz_setbit(p[i], 1022);
        mpz_nextprime(p[i], p[i]);
    }
    mpz_mul(p[0], p[0], p[1]);
    (void)mpz_export(octets, NULL, 1, 1, 1, 0, p[0]);
    mpz_clear(p[0]);
    mpz_clear(p[1]);
    must(bm_key_from_modulus(ret, bm_bytes(octets, sizeof(octets)), &fail), &fail);
}

/* P-256's generator: the private key is 1. */
static void
point_make(struct bm_key *ret)
{
    static const uint8_t g[] = { 0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
                                 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f,
                                 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce,
                                 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5 };
    struct bm_fail fail;

    must(bm_key_from_point(ret, bm_bytes(g, sizeof(g)), &fail), &fail);
}

int
main(int argc, char **argv)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = 1 << 16 };
    static struct bm_leaf leaf = { .kind = BM_LEAF_KEYS, .root = BM_ROOT_SOFTWARE, .nkeys = 1, .keys = { { .use = BM_USE_SIGN } } };
    struct bm_fail fail;

    if (argc != 3 && argc != 5) {
        (void)fprintf(stderr, "usage: weak_chips OUT.der ID [PRIME PRIME]\n");
        return 2;
    }
    (void)snprintf(leaf.id, sizeof(leaf.id), "%s", argv[2]);
    if (argc == 5)
        rsa_make(&leaf.keys[0].key, (unsigned)strtoul(argv[3], NULL, 10), (unsigned)strtoul(argv[4], NULL, 10));
    else
        point_make(&leaf.keys[0].key);
    must(bm_chip_build(&der, &leaf, NULL, 0, &fail), &fail);
    must(bm_file_write(argv[1], bm_buf_bytes(&der), 0644, &fail), &fail);
    return 0;
}
