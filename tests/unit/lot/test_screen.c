/* test_screen.c - keys whose private half is public are found by computing them from it; the ROCA fingerprint on a key made as those were. */
#include "kit.h"

#include "lot/known_keys.h"
#include "lot/screen.h"
#include "pki/oid.h"
#include "pki/raw.h"

#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>

/* The private half as it is printed: the number, the seed, or the two primes. */
static const struct {
    enum bm_key_alg alg;
    const char *where, *secret, *other;
} printed[] = {
    { BM_KEY_P256, "RFC 9500 2.3", "e6cb5bdd80aa45ae9c95e8c15476679ffec953c16851e711e743939589c64fc1", NULL },
    { BM_KEY_P256, "RFC 6979 A.2.5", "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721", NULL },
    { BM_KEY_P256, "RFC 7515 A.3", "8e9b109e719098bf980487df1f5d77e9cb29606ebed2263b5f57c213df84f4b2", NULL },
    { BM_KEY_P256, "RFC 7517 A.2", "f3bd0c07a81fb932781ed52752f60cc89a6be5e51934fe01938ddb55d8f77801", NULL },
    { BM_KEY_P256, "RFC 7518 C", "d3f3716913d4310a0026de741b3f18893afc8114f0c84682ba677e313a13988a", NULL },
    { BM_KEY_P256, "RFC 7518 C", "5449836690d75caf29f0dd029ddb31b3ddb8aba9d2d515c5012465e817d4a9dc", NULL },
    { BM_KEY_P256, "RFC 5903 8.1", "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433", NULL },
    { BM_KEY_P256, "RFC 5903 8.1", "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53", NULL },
    { BM_KEY_P256, "RFC 9421 B.1.3", "529b85f3597e90ec5b8dfed3e26352bf4af9b4debb1a29bbae77fa105a5c603b", NULL },
    { BM_KEY_P256, "NIST ECDSA example, P-256", "c477f9f65c22cce20657faa5b2d1d8122336f851a508a1ed04e479c34985bf96", NULL },
    { BM_KEY_P384, "RFC 9500 2.3", "e2563328dfabf68188606b91324281c1d58a4456431b09d510b35fecc9f307ca1822846fa2671371a9a81bac0e35749d",
      NULL },
    { BM_KEY_P384, "RFC 6979 A.2.6", "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5",
      NULL },
    { BM_KEY_P384, "RFC 5903 8.2", "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee3faef896783ab194",
      NULL },
    { BM_KEY_P384, "NIST ECDSA example, P-384",
      "f92c02ed629e4b48c0584b1c6ce3a3e3b4faae4afc6acb0455e73dfc392e6a0ae393a8565e6b9714d1224b57d83f8a08", NULL },
    { BM_KEY_ED25519, "RFC 8032 7.1", "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", NULL },
    { BM_KEY_ED25519, "RFC 8032 7.1", "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", NULL },
    { BM_KEY_ED25519, "RFC 8032 7.1", "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", NULL },
    { BM_KEY_ED25519, "RFC 8410 10.3", "d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842", NULL },
    { BM_KEY_ED25519, "RFC 9421 B.1.4", "9f8362f87a484a954e6e740c5b4c0e84229139a20aa8ab56ff66586f6a7d29c5", NULL },
    { BM_KEY_RSA, "RFC 9500 2.1",
      "dd105702382f232b3681f53791e22617c7bf4e9acb81ed48daf6d6995da3eab642839aff012d2ea628b90af279fd3e6f7c93cd80f072f01ff2443b3ee8f24ed469a7"
      "9613a41bd24020f92fd11059bd1d0f301b5ba7a9d3637ca8d65c1a9815417d8eab734b0b4f3a2c661d9a1a82f3ac734c40530669ab8e473045a58e65539d",
      "ccf1e5bb90c8e9781ea75bebf10bc252e11eb023a0260f1887552a56863f4a6421e8c600bf523d6cb1b0adbdd65bfee4a88a037e3d1a415e5bb95648da5a0ca26b54"
      "f4a63948522c3d5f89b94a72efff95134d5940ce45758f308980908956588eef575b3e4bc4c368cfe813ee9c252c2b02e0df91f1aa01938d38685d60ba6f" },
    { BM_KEY_RSA, "RFC 7515 A.2",
      "e01cc410eb48a6655d54464d0aa4bb6da0b872b774a6a9d11ffe480778f0ddb7311a7e902ef9c4b5f75476262ba8176cb35979f014372a1a2829e4136bd001d07c3f"
      "3f2e4f25d4c934f63c7109fba2e67628a0dc9a73c6058e6def22dcd50950e711ddc16d5586f2a7fa75ea8494c18083e0b65742f8a0d5e73fb2d970f01947",
      "b903c47e0995b632f4532cb1f3c199145d5f3ae9c7dfeedc7a92a6b47e29c61b42a07aa95a64fc600999c5a7b01e01c08cb62ca756527bbcc56078fb0baba5ed38de"
      "2d07990ff6300faeadeb6c039a97bf1e507e4e7040fa78db8257c8b112ed5e59c3cd092fe5d4e5b51275d41281072a5e785ebaf3dae3709203133f5159d7" },
    { BM_KEY_RSA, "RFC 7517 A.2",
      "f378beec8bcc197a0c5c2b24bfbdd32abf3adfb1623bb676ef3bfca23ea96d6510c8b3d0050c6d3d59f00f6d11fbad1e4c3983dae8e732de4fa2a32b9bc45f98d855"
      "583b638cc9823233a949789c1478fb5ceb95218432a955a558487a74ddfa19565893ddcdf0173dbd8e35c72f01f51cf3386550cd7bcd12f9fb3b49d56dfb",
      "ddd7ce47d72e62afb44be9a414bce022d80c11f173076ab78567a132e1b4a02baa9dbdefa1b2f2ba6aa355940ed5d22b7708139c276963305c39f5b9af7ef40055e3"
      "8967edfcd1848a8be89e2ce12a9a3d5554bbf13cc583190876b79c45ecec67ed6461dfecd6a0dbc6d9031207c0213006f4b527003ba7e2f21c6fac9e9719" },
};

static void
key_of_number(struct bm_key *ret, enum bm_key_alg alg, const BIGNUM *d)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(alg == BM_KEY_P256 ? NID_X9_62_prime256v1 : NID_secp384r1);
    EC_POINT *point = EC_POINT_new(group);
    uint8_t octets[97];
    size_t n;

    assert_int_equal(EC_POINT_mul(group, point, d, NULL, NULL, NULL), 1);
    n = EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, octets, sizeof(octets), NULL);
    assert_ok(bm_key_from_point(ret, bm_bytes(octets, n), &kit_fail));
    EC_POINT_free(point);
    EC_GROUP_free(group);
}

/* The one with the opposite private half: as public as the first. */
static void
key_of_opposite(struct bm_key *ret, enum bm_key_alg alg, const BIGNUM *d)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(alg == BM_KEY_P256 ? NID_X9_62_prime256v1 : NID_secp384r1);
    BIGNUM *opposite = BN_new();

    assert_int_equal(BN_sub(opposite, EC_GROUP_get0_order(group), d), 1);
    key_of_number(ret, alg, opposite);
    BN_free(opposite);
    EC_GROUP_free(group);
}

static void
key_of_seed(struct bm_key *ret, const char *hex)
{
    bm_cleanup(bm_buf_done) struct bm_buf spki = { .max = BM_MAX_SPKI };
    uint8_t seed[32], public[32];
    size_t n = sizeof(public), outer, inner;
    EVP_PKEY *pkey;

    assert_ok(bm_hex_parse(seed, sizeof(seed), bm_bytes_str(hex), &kit_fail));
    assert_non_null(pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed)));
    assert_int_equal(EVP_PKEY_get_raw_public_key(pkey, public, &n), 1);
    EVP_PKEY_free(pkey);
    outer = bm_der_begin(&spki, BM_DER_SEQUENCE);
    inner = bm_der_begin(&spki, BM_DER_SEQUENCE);
    bm_der_add(&spki, BM_DER_OID, bm_bytes(bm_oid_ed25519, sizeof(bm_oid_ed25519)));
    bm_der_end(&spki, inner);
    bm_der_add_bits(&spki, bm_bytes(public, n));
    bm_der_end(&spki, outer);
    assert_ok(bm_key_parse(ret, bm_buf_bytes(&spki), &kit_fail));
}

static void
key_of_primes(struct bm_key *ret, const BIGNUM *p, const BIGNUM *q)
{
    BIGNUM *n = BN_new();
    BN_CTX *ctx = BN_CTX_new();
    uint8_t octets[512];
    int len;

    assert_int_equal(BN_mul(n, p, q, ctx), 1);
    len = BN_bn2bin(n, octets);
    assert_ok(bm_key_from_modulus(ret, bm_bytes(octets, (size_t)len), &kit_fail));
    BN_CTX_free(ctx);
    BN_free(n);
}

static void
printed_key(struct bm_key *ret, size_t i, bool opposite)
{
    BIGNUM *one = NULL, *two = NULL;

    if (printed[i].alg == BM_KEY_ED25519) {
        key_of_seed(ret, printed[i].secret);
        return;
    }
    assert_int_not_equal(BN_hex2bn(&one, printed[i].secret), 0);
    if (printed[i].alg == BM_KEY_RSA) {
        assert_int_not_equal(BN_hex2bn(&two, printed[i].other), 0);
        key_of_primes(ret, one, two);
    } else if (opposite) {
        key_of_opposite(ret, printed[i].alg, one);
    } else {
        key_of_number(ret, printed[i].alg, one);
    }
    BN_free(one);
    BN_free(two);
}

static void
every_row_is_a_key_whose_private_half_is_here(void **state)
{
    size_t hits = 0;
    struct bm_key key;

    (void)state;
    for (size_t i = 0; i < BM_COUNT(printed); i++, hits++) {
        printed_key(&key, i, false);
        assert_non_null(bm_test_key(&key));
        assert_string_equal(bm_test_key(&key), printed[i].where);
        printed_key(&key, i, true);
        assert_string_equal(bm_test_key(&key), printed[i].where);
    }
    for (unsigned d = 1; d <= 32; d++, hits++) {
        enum bm_key_alg alg = d <= 16 ? BM_KEY_P256 : BM_KEY_P384;
        BIGNUM *number = BN_new();
        char want[60];

        assert_int_equal(BN_set_word(number, (d - 1) % 16 + 1), 1);
        (void)snprintf(want, sizeof(want), "its private key is the number %u", (d - 1) % 16 + 1);
        key_of_number(&key, alg, number);
        assert_non_null(bm_test_key(&key));
        assert_string_equal(bm_test_key(&key), want);
        key_of_opposite(&key, alg, number);
        assert_string_equal(bm_test_key(&key), want);
        BN_free(number);
    }
    /* all of them were different: no row is left that was not computed */
    assert_int_equal(hits, bm_known_keys_n);
}

/* ---- RSA ---- */

static void
prime_make(BIGNUM *p, int bits)
{
    assert_int_equal(BN_generate_prime_ex(p, bits, 0, NULL, NULL, NULL), 1);
}

/*
 * As the library of CVE-2017-15361 made them (Nemec and others, CCS 2017, section 2.1): p = k M + (65537^a mod M), where M is the product of the first
 * 126 primes for a modulus of 2048 bits.
 */
static void
roca_prime_make(BIGNUM *p, BN_CTX *ctx)
{
    BIGNUM *m = BN_new(), *k = BN_new(), *a = BN_new(), *g = BN_new();
    unsigned count = 0;

    assert_int_equal(BN_one(m), 1);
    for (BN_ULONG n = 2; count < 126; n++) {
        bool prime = true;

        for (BN_ULONG d = 2; d * d <= n && prime; d++)
            prime = n % d != 0;
        if (prime && ++count > 0)
            assert_int_equal(BN_mul_word(m, n), 1);
    }
    do {
        assert_int_equal(BN_rand(k, 1024 - BN_num_bits(m), BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ANY), 1);
        assert_int_equal(BN_rand(a, 254, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY), 1);
        assert_int_equal(BN_set_word(g, 65537), 1);
        assert_int_equal(BN_mod_exp_simple(g, g, a, m, ctx), 1);
        assert_int_equal(BN_mul(p, k, m, ctx), 1);
        assert_int_equal(BN_add(p, p, g), 1);
    } while (BN_num_bits(p) != 1024 || BN_check_prime(p, ctx, NULL) != 1);
    BN_free(m);
    BN_free(k);
    BN_free(a);
    BN_free(g);
}

static void
weak_rsa_make(struct bm_key *ret)
{
    BIGNUM *p = BN_new(), *q = BN_new();
    BN_CTX *ctx = BN_CTX_new();

    do { /* the product of two numbers of 1024 bits may have 2047 */
        roca_prime_make(p, ctx);
        roca_prime_make(q, ctx);
    } while (!BN_is_bit_set(p, 1023) || !BN_is_bit_set(q, 1023) || (!BN_is_bit_set(p, 1022) && !BN_is_bit_set(q, 1022)));
    key_of_primes(ret, p, q);
    BN_CTX_free(ctx);
    BN_free(p);
    BN_free(q);
}

static void
roca_is_seen_in_a_key_made_that_way_and_in_no_other(void **state)
{
    BIGNUM *p = BN_new(), *q = BN_new();
    struct bm_key key;

    (void)state;
    weak_rsa_make(&key);
    assert_int_equal(bm_key_modulus(&key).n, 256);
    assert_true(bm_roca(bm_key_modulus(&key)));
    for (int i = 0; i < 8; i++) {
        prime_make(p, 1024);
        prime_make(q, 1025);
        key_of_primes(&key, p, q);
        assert_false(bm_roca(bm_key_modulus(&key)));
        assert_null(bm_test_key(&key));
    }
    assert_false(bm_roca(bm_bytes(NULL, 0)));
    BN_free(p);
    BN_free(q);
}

/* The fingerprint is about each of the 17 primes: a number that is a power modulo all but one is none. */
static void
roca_wants_all_of_the_primes(void **state)
{
    static const unsigned primes[] = { 11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157 };
    const uint8_t one[] = { 1 };

    (void)state;
    assert_true(bm_roca(bm_bytes(one, sizeof(one))));
    for (size_t i = 0; i < BM_COUNT(primes); i++) {
        BIGNUM *n = BN_new();
        unsigned outside = 0, power = 1;
        bool in[158] = { false };
        uint8_t octets[40];

        do
            in[power] = true;
        while ((power = power * (65537 % primes[i]) % primes[i]) != 1);
        for (unsigned r = 2; r < primes[i] && outside == 0; r++)
            outside = in[r] ? 0 : r;
        assert_int_not_equal(outside, 0);
        /* 1 modulo all the others, not a power modulo this one: 1 + j * (product of the others) */
        assert_int_equal(BN_one(n), 1);
        for (size_t other = 0; other < BM_COUNT(primes); other++)
            if (other != i)
                assert_int_equal(BN_mul_word(n, primes[other]), 1);
        for (BN_ULONG j = 1; j < primes[i]; j++) {
            BIGNUM *t = BN_dup(n);
            BN_ULONG r;

            assert_int_equal(BN_mul_word(t, j), 1);
            assert_int_equal(BN_add_word(t, 1), 1);
            r = BN_mod_word(t, primes[i]);
            assert_int_equal(bm_roca(bm_bytes(octets, (size_t)BN_bn2bin(t, octets))), in[r]);
            BN_free(t);
        }
        BN_free(n);
    }
}

/* ---- in a lot ---- */

static unsigned heard[BM_CHECK__N];

static enum bm_rc
findings_hear(void *ctx, uint64_t index, const struct bm_lot_chip *chip, struct bm_bytes der, const struct bm_leaf_digest *digest,
              struct bm_fail *fail)
{
    (void)digest;
    (void)ctx;
    (void)index;
    (void)der;
    (void)fail;
    for (size_t i = 0; i < chip->nfindings; i++)
        heard[chip->findings[i].check]++;
    return BM_OK;
}

static void
a_lot_with_such_keys_says_so(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 16 };
    struct bm_buf ders[3] = { { .max = BM_MAX_LEAF }, { .max = BM_MAX_LEAF }, { .max = BM_MAX_LEAF } };
    static struct bm_leaf leaf;
    const struct bm_lot_sink sink = { .chip = findings_hear };
    struct bm_bytes leaves[3];
    struct bm_note_signer signer;
    struct bm_lot_result result;
    struct bm_vendor vendor = { .name = "example", .nkeys = 1 };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        kit_leaf(&leaf, "chip", 1);
        leaf.id[3] = (char)('1' + i);
        if (i == 1)
            printed_key(&leaf.keys[0].key, 0, false);
        if (i == 2)
            weak_rsa_make(&leaf.keys[0].key);
        assert_ok(bm_leaf_build(&ders[i], &leaf, &kit_fail));
        leaves[i] = bm_buf_bytes(&ders[i]);
    }
    kit_signer(&signer, "example.test/lots", 1);
    assert_ok(kit_manifest(&file, "EX-1", "Example", leaves, 3, &signer));
    vendor.keys = &signer.key;
    assert_ok(kit_lot_read(&result, bm_buf_bytes(&file), &vendor, &sink));
    assert_int_equal(heard[BM_CHECK_TEST_KEY], 1);
    assert_int_equal(heard[BM_CHECK_ROCA], 1);
    assert_int_equal(bm_check_weight(BM_CHECK_ROCA), BM_WEIGHT_WAIVABLE);
    for (size_t i = 0; i < 3; i++)
        bm_buf_done(&ders[i]);
}

/* ---- points that are none ---- */

static size_t
bad_points_try(const json_t *group)
{
    size_t i, refused = 0;
    json_t *test;

    json_array_foreach(json_object_get(group, "tests"), i, test)
    {
        const char *hex = json_string_value(json_object_get(test, "public"));
        uint8_t spki[BM_MAX_SPKI];
        struct bm_key key;

        if (strcmp(json_string_value(json_object_get(test, "result")), "invalid") != 0 || strlen(hex) / 2 > sizeof(spki))
            continue;
        if (bm_hex_parse(spki, strlen(hex) / 2, bm_bytes_str(hex), &kit_fail) != BM_OK)
            continue;
        /* a good key of another curve is wrong there, beside a private key of P-256, and right here */
        if (bm_key_parse(&key, bm_bytes(spki, strlen(hex) / 2), &kit_fail) == BM_OK)
            assert_int_equal(key.alg, BM_KEY_P384);
        else
            refused++;
    }
    return refused;
}

static void
no_invalid_point_of_wycheproof_is_a_key(void **state)
{
    char archive[BM_PATH], command[BM_PATH + 128];
    size_t i, refused = 0;
    json_t *json, *group;
    FILE *f;

    (void)state;
    if (!kit_shared_path(archive, "suites/wycheproof_subset.tar.gz"))
        kit_skip(KIT_NO_SHARED);
    (void)snprintf(command, sizeof(command), "tar -xzOf '%s' testvectors_v1/ecdh_secp256r1_test.json", archive);
    assert_non_null(f = popen(command, "r"));
    json = json_loadf(f, 0, NULL);
    assert_int_equal(pclose(f), 0);
    json_array_foreach(json_object_get(json, "testGroups"), i, group) refused += bad_points_try(group);
    assert_true(refused >= 10);
    print_message("%zu invalid points refused\n", refused);
    json_decref(json);
}

/* A leaf that holds a bad point is refused by the leaf itself, and so in every format. */
static void
no_leaf_has_a_point_off_its_curve(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_LEAF };
    static struct bm_leaf leaf;
    const struct bm_key *key = &leaf.keys[0].key;
    uint8_t *point;

    (void)state;
    kit_leaf(&leaf, "chip", 1);
    assert_ok(bm_leaf_build(&der, &leaf, &kit_fail));
    point = memmem(der.p, der.n, key->spki + key->at_bits, key->nbits);
    assert_non_null(point);
    point[64] ^= 1;
    assert_rc(BM_EINPUT, bm_leaf_parse(&leaf, bm_buf_bytes(&der), &kit_fail));
    memset(point + 1, 0, 64); /* (0, 0) */
    assert_rc(BM_EINPUT, bm_leaf_parse(&leaf, bm_buf_bytes(&der), &kit_fail));
    point[0] = 0; /* the point at infinity is one zero octet */
    assert_rc(BM_EINPUT, bm_leaf_parse(&leaf, bm_buf_bytes(&der), &kit_fail));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_a_key_whose_private_half_is_here),
        cmocka_unit_test(roca_is_seen_in_a_key_made_that_way_and_in_no_other),
        cmocka_unit_test(roca_wants_all_of_the_primes),
        cmocka_unit_test(a_lot_with_such_keys_says_so),
        cmocka_unit_test(no_invalid_point_of_wycheproof_is_a_key),
        cmocka_unit_test(no_leaf_has_a_point_off_its_curve),
    };

    return kit_end(cmocka_run_group_tests(tests, kit_crypto_open, kit_crypto_close));
}
