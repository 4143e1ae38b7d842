/* test_puf_helper.c - noise, tampering and another chip, told apart; helper data that is not whole; what is derived from the secret. */
#include "puf_kit.h"

#include "pki/private.h"
#include "root/sram_sim.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

/* ---- refusals ---- */

static void
too_noisy_is_for_later(void **state)
{
    char want[300];
    enum bm_rc rc = BM_OK;

    (void)state;
    (void)snprintf(want, sizeof(want),
                   "%s: the PUF started too noisily 8 times: let the device come to room temperature, check its supply and try again",
                   file);
    weather("-40", "20", "9");
    for (int i = 0; i < 20 && rc == BM_OK; i++) /* noise is by chance: one of many such starts may be good, all of them are not */
        rc = identify(&other, uri, false);
    assert_int_equal(rc, BM_EBUSY);
    assert_string_equal(kit_fail.text, want);
    weather("25", "0", "1");
    assert_ok(identify(&other, uri, false));
    assert_true(same_key());
}

static void
another_chips_helper_data_is_told(void **state)
{
    char want[300];

    (void)state;
    (void)snprintf(want, sizeof(want), "%s: the helper data is another chip's: use the file that was made with this chip", file);
    for (int i = 0; i < 20; i++) {
        assert_refused(BM_EPOLICY, identify(&other, stranger, false), want);
        assert_refused(BM_EPOLICY, identify(&other, stranger, true), want); /* nor made anew over it */
    }
}

static struct bm_sram sram;
static struct bm_chance chance;

static enum bm_rc
array_start(void *ctx, uint8_t ret_cells[static BM_PUF_BYTES], struct bm_fail *fail)
{
    (void)fail;
    bm_sram_start(ctx, &chance, ret_cells);
    return BM_OK;
}

/* Helper data and one array, without the files around them. */
static void
helper_read(struct bm_buf *bytes)
{
    chance = bm_chance((const uint8_t[BM_HASH]){ 3 });
    bm_sram_make(&sram, bm_bytes_str("chip 1"), 0, BM_SRAM_ROOM);
    assert_ok(bm_file_read(bytes, file, &kit_fail));
    assert_int_equal(bytes->n, BM_PUF_HELPER);
}

static enum bm_rc
helper_use(struct bm_bytes bytes)
{
    const struct bm_puf_array array = { .start = array_start, .ctx = &sram };
    struct bm_puf_helper helper;
    struct bm_secret secret;
    enum bm_rc rc = bm_puf_helper_parse(&helper, bytes, &kit_fail);

    return rc != BM_OK ? rc : bm_extractor_open(&secret, &helper, &array, &kit_fail);
}

static void
helper_data_altered_in_any_byte_is_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = BM_PUF_HELPER };

    (void)state;
    helper_read(&bytes);
    assert_ok(helper_use(bm_buf_bytes(&bytes)));
    for (size_t i = 0; i < bytes.n; i++) {
        enum bm_rc rc;

        bytes.p[i] ^= (uint8_t)(1 << i % 8);
        rc = helper_use(bm_buf_bytes(&bytes));
        assert_true(i < 8 ? rc == BM_EINPUT : strstr(kit_fail.text, "the helper data was altered") != NULL);
        assert_true(rc == BM_EINPUT || rc == BM_EPOLICY);
        bytes.p[i] ^= (uint8_t)(1 << i % 8);
    }
    assert_ok(helper_use(bm_buf_bytes(&bytes)));
}

/* Another pair in the place of one: as many as before, and no more than that is told. */
static void
a_mask_of_other_pairs_is_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = BM_PUF_HELPER };
    uint8_t *mask;

    (void)state;
    helper_read(&bytes);
    mask = bytes.p + 8 + BM_HASH;
    for (size_t i = 0; i < BM_PUF_MASK / 4; i++) {
        if (mask[i] == 0 || mask[i] == 0xff)
            continue;
        for (unsigned bit = 1; bit < 0x100; bit <<= 1) {
            uint8_t before = mask[i];

            mask[i] = (uint8_t)(((unsigned)before & ~bit) | (~(unsigned)before & (bit << 1)));
            if (mask[i] != before && __builtin_popcount(mask[i]) == __builtin_popcount(before))
                assert_true(helper_use(bm_buf_bytes(&bytes)) != BM_OK);
            mask[i] = before;
        }
    }
}

/* A word of the code added to the offset gives the same bits; the tag sees it. */
static void
a_word_of_the_code_is_no_way_in(void **state)
{
    static uint8_t message[BM_POLAR_K] = { 1 }, word[BM_POLAR_N];
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = BM_PUF_HELPER };

    (void)state;
    helper_read(&bytes);
    bm_polar_encode(word, message);
    for (unsigned i = 0; i < BM_POLAR_N; i++)
        bytes.p[8 + BM_HASH + BM_PUF_MASK + i / 8] ^= (uint8_t)(word[i] << (7 - i % 8));
    assert_refused(BM_EPOLICY, helper_use(bm_buf_bytes(&bytes)),
                   "the helper data was altered: put back the file that was made with this chip");
}

static void
truncated_helper_data_is_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = BM_PUF_HELPER + 1 };

    (void)state;
    helper_read(&bytes);
    for (size_t n = 0; n < bytes.n; n++)
        assert_rc(BM_EINPUT, helper_use(bm_bytes(bytes.p, n)));
    bm_buf_add_u8(&bytes, 0);
    assert_rc(BM_EINPUT, helper_use(bm_buf_bytes(&bytes)));
    run("truncate -s 700 p");
    assert_refused_saying(BM_EINPUT, identify(&other, uri, false), "this is no helper data of a PUF");
    assert_rc(BM_EINPUT, identify(&other, uri, true));
}

/* ---- derivation ---- */

static void
the_derivation_is_hkdf(void **state)
{
    uint8_t bits[BM_PUF_BITS], salt[BM_HASH], want[64], got[64];
    char label[] = "birthmark/puf/v1 root key", hash[] = "SHA256";
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    struct bm_secret secret;

    (void)state;
    memset(bits, 0x5a, sizeof(bits));
    memset(salt, 0xc3, sizeof(salt));
    /* proves: RFC5869 2.2 and below RFC5869 2.3 */
    bm_extractor_secret(&secret, salt, bits);
    for (size_t n = 1; n <= sizeof(want); n++) {
        OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash, 0),
                                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, bits, sizeof(bits)),
                                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt, sizeof(salt)),
                                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, label, sizeof(label) - 1),
                                OSSL_PARAM_construct_end() };

        EVP_KDF_CTX_reset(ctx);
        assert_int_equal(EVP_KDF_derive(ctx, want, n, params), 1);
        /* proves: RFC5869 2.3 */
        bm_extractor_expand(got, n, &secret, label);
        assert_memory_equal(got, want, n);
    }
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

/* c = 0 and c = n - 1 give d = 1, whose public key is the base point; c = n - 2 gives n - 1, its opposite. */
static void
keys_are_reduced_as_fips_says(void **state)
{
    /* n - 2, n - 1 of P-256 (SEC 2, 2.4.2) in 40 bytes */
    static const uint8_t order[32] = { 0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                       0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };
    static const uint8_t base_x[4] = { 0x6b, 0x17, 0xd1, 0xf2 };
    static const struct {
        unsigned less, y; /* the seed is n less this (0: seed 0); the last byte of y */
    } cases[] = { { 0, 0xf5 }, { 1, 0xf5 }, { 2, 0x0a } };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        bm_cleanup(bm_private_done) struct bm_private *key = NULL;
        uint8_t seed[BM_PRIVATE_SEED] = { 0 };
        const struct bm_key *public;

        if (cases[i].less > 0) {
            memcpy(seed + 8, order, sizeof(order));
            seed[39] = (uint8_t)(seed[39] - cases[i].less);
        }
        /* proves: FIPS186-5 A.2.1 */
        assert_ok(bm_private_derive(&key, seed, &kit_fail));
        public = bm_private_public(key);
        assert_memory_equal(public->spki + public->at_bits + 1, base_x, sizeof(base_x));
        assert_int_equal(public->spki[public->nspki - 1], cases[i].y);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(too_noisy_is_for_later, fresh),
        cmocka_unit_test_setup(another_chips_helper_data_is_told, fresh),
        cmocka_unit_test_setup(helper_data_altered_in_any_byte_is_refused, fresh),
        cmocka_unit_test_setup(a_mask_of_other_pairs_is_refused, fresh),
        cmocka_unit_test_setup(a_word_of_the_code_is_no_way_in, fresh),
        cmocka_unit_test_setup(truncated_helper_data_is_refused, fresh),
        cmocka_unit_test(the_derivation_is_hkdf),
        cmocka_unit_test(keys_are_reduced_as_fips_says),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
