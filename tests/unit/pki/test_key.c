/* test_key.c - public keys: weak and malformed ones refused, signatures as Wycheproof wants them; private keys there and back. */
#include "kit.h"

#include "pki/oid.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

static const char good_p256[] = "3059301306072a8648ce3d020106082a8648ce3d030107034200"
                                "0404aaec73635726f213fb8a9e64da3b8632e41495a944d0045b522eba7240fad5"
                                "87d9315798aaa3a5ba01775787ced05eaaf7b4e09fc81d6d1aa546e8365d525d";

static enum bm_rc
parse_hex(const char *hex)
{
    uint8_t spki[BM_MAX_SPKI + 8];
    struct bm_key key;

    assert_true(strlen(hex) / 2 <= sizeof(spki));
    assert_ok(bm_hex_parse(spki, strlen(hex) / 2, bm_bytes_str(hex), &kit_fail));
    return bm_key_parse(&key, bm_bytes(spki, strlen(hex) / 2), &kit_fail);
}

static void
a_key_is_named_by_its_hash_and_labelled_by_its_bits(void **state)
{
    uint8_t spki[91], hash[BM_HASH];
    char hex[2 * BM_HASH + 1];
    struct bm_key key;

    (void)state;
    assert_ok(bm_hex_parse(spki, sizeof(spki), bm_bytes_str(good_p256), &kit_fail));
    assert_ok(bm_key_parse(&key, bm_bytes(spki, sizeof(spki)), &kit_fail));
    assert_int_equal(key.alg, BM_KEY_P256);
    assert_int_equal(key.bits, 256);
    assert_int_equal(key.at_bits, 26);
    assert_int_equal(key.nbits, 65);
    bm_sha256(hash, bm_key_spki(&key));
    assert_memory_equal(hash, key.hash, BM_HASH);
    bm_sha256(hash, bm_bytes_str("abc"));
    bm_hex(hex, bm_bytes(hash, BM_HASH));
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    /* RFC 4231 4.3 */
    bm_hmac256(hash, bm_bytes_str("Jefe"), bm_bytes_str("what do ya want for nothing?"));
    bm_hex(hex, bm_bytes(hash, BM_HASH));
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    bm_hmac256(hash, bm_bytes(NULL, 0), bm_bytes(NULL, 0));
    bm_hex(hex, bm_bytes(hash, BM_HASH));
    assert_string_equal(hex, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void
every_truncation_and_every_changed_byte_of_a_point_is_refused(void **state)
{
    uint8_t spki[92] = { 0 };
    struct bm_key key;

    (void)state;
    assert_ok(bm_hex_parse(spki, 91, bm_bytes_str(good_p256), &kit_fail));
    for (size_t n = 0; n < 91; n++)
        assert_rc(BM_EINPUT, bm_key_parse(&key, bm_bytes(spki, n), &kit_fail));
    assert_rc(BM_EINPUT, bm_key_parse(&key, bm_bytes(spki, 92), &kit_fail));
    /* proves: RFC5480 2.2 */
    for (size_t i = 0; i < 91; i++) {
        spki[i] ^= 0x10;
        assert_rc(BM_EINPUT, bm_key_parse(&key, bm_bytes(spki, 91), &kit_fail));
        spki[i] ^= 0x10;
    }
}

/* SubjectPublicKeyInfo of an RSA key with this many bits and this exponent; the modulus is all ones. */
static enum bm_rc
parse_rsa(unsigned bits, uint64_t exponent, bool even)
{
    bm_cleanup(bm_buf_done) struct bm_buf rsa = { .max = 4096 }, spki = { .max = 4096 };
    uint8_t n[1024];
    size_t nn = (bits + 7) / 8, at, alg;
    struct bm_key key;

    memset(n, 0xff, sizeof(n));
    n[0] = (uint8_t)(0xff >> (8 * nn - bits));
    n[nn - 1] = even ? 0xfe : 0xff;
    at = bm_der_begin(&rsa, BM_DER_SEQUENCE);
    bm_der_add_positive(&rsa, bm_bytes(n, nn));
    bm_der_add_uint(&rsa, BM_DER_INTEGER, exponent);
    bm_der_end(&rsa, at);
    at = bm_der_begin(&spki, BM_DER_SEQUENCE);
    alg = bm_der_begin(&spki, BM_DER_SEQUENCE);
    bm_der_add(&spki, BM_DER_OID, BM_OID(bm_oid_rsa));
    bm_der_add_null(&spki);
    bm_der_end(&spki, alg);
    bm_der_add_bits(&spki, bm_buf_bytes(&rsa));
    bm_der_end(&spki, at);
    return bm_key_parse(&key, bm_buf_bytes(&spki), &kit_fail);
}

static void
weak_rsa_keys_are_refused(void **state)
{
    (void)state;
    assert_ok(parse_rsa(2048, 65537, false));
    assert_ok(parse_rsa(4096, 65537, false));
    assert_ok(parse_rsa(3072, UINT64_MAX, false));
    assert_rc(BM_EINPUT, parse_rsa(1024, 65537, false));
    assert_string_equal(kit_fail.text, "the RSA key has 1024 bits: use 2048 to 4096");
    assert_rc(BM_EINPUT, parse_rsa(2047, 65537, false));
    assert_rc(BM_EINPUT, parse_rsa(4097, 65537, false));
    assert_rc(BM_EINPUT, parse_rsa(2048, 1, false));
    assert_rc(BM_EINPUT, parse_rsa(2048, 3, false));
    assert_rc(BM_EINPUT, parse_rsa(2048, 65535, false));
    assert_rc(BM_EINPUT, parse_rsa(2048, 65538, false));
    assert_rc(BM_EINPUT, parse_rsa(2048, 65537, true));
}

static void
keys_that_are_no_keys_are_refused(void **state)
{
    (void)state;
    /* point at infinity; compressed; x at the field's prime; a point off the curve */
    assert_rc(BM_EINPUT, parse_hex("3019301306072a8648ce3d020106082a8648ce3d030107030200"
                                   "00"));
    assert_rc(BM_EINPUT, parse_hex("3039301306072a8648ce3d020106082a8648ce3d030107032200"
                                   "0304aaec73635726f213fb8a9e64da3b8632e41495a944d0045b522eba7240fad5"));
    assert_rc(BM_EINPUT, parse_hex("3059301306072a8648ce3d020106082a8648ce3d030107034200"
                                   "04ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"
                                   "87d9315798aaa3a5ba01775787ced05eaaf7b4e09fc81d6d1aa546e8365d525d"));
    assert_rc(BM_EINPUT, parse_hex("3059301306072a8648ce3d020106082a8648ce3d030107034200"
                                   "0400000000000000000000000000000000000000000000000000000000000000000"
                                   "000000000000000000000000000000000000000000000000000000000000000"));
    assert_string_equal(kit_fail.text, "the key is not an uncompressed point of P-256");
    /* a P-256 point under P-384's name; secp256k1; X25519; RSA without NULL */
    assert_rc(BM_EINPUT, parse_hex("3056301006072a8648ce3d020106052b81040022034200"
                                   "0404aaec73635726f213fb8a9e64da3b8632e41495a944d0045b522eba7240fad5"
                                   "87d9315798aaa3a5ba01775787ced05eaaf7b4e09fc81d6d1aa546e8365d525d"));
    assert_rc(BM_EINPUT, parse_hex("3056301006072a8648ce3d020106052b8104000a034200"
                                   "0404aaec73635726f213fb8a9e64da3b8632e41495a944d0045b522eba7240fad5"
                                   "87d9315798aaa3a5ba01775787ced05eaaf7b4e09fc81d6d1aa546e8365d525d"));
    assert_string_equal(kit_fail.text, "the key's curve is neither P-256 nor P-384");
    assert_rc(BM_EINPUT, parse_hex("302a300506032b656e0321007d4d0e7f6153a69b6242b522abbee685fda4420f8834b108c3bdae369ef549fa"));
    assert_ok(parse_hex("302a300506032b65700321007d4d0e7f6153a69b6242b522abbee685fda4420f8834b108c3bdae369ef549fa"));
    /* Ed25519 with parameters; of small order */
    assert_rc(BM_EINPUT, parse_hex("302c300706032b657005000321007d4d0e7f6153a69b6242b522abbee685fda4420f8834b108c3bdae369ef549fa"));
    assert_rc(BM_EINPUT, parse_hex("302a300506032b65700321000100000000000000000000000000000000000000000000000000000000000000"));
    assert_rc(BM_EINPUT, parse_hex("302a300506032b6570032100c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"));
}

static void
explicit_curve_parameters_are_refused(void **state)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    uint8_t *der = NULL;
    struct bm_key key;
    int n;

    (void)state;
    assert_int_equal(EVP_PKEY_set_utf8_string_param(pkey, "encoding", "explicit"), 1);
    n = i2d_PUBKEY(pkey, &der);
    assert_true(n > 91);
    /* proves: RFC5480 2.1.1 */
    assert_rc(BM_EINPUT, bm_key_parse(&key, bm_bytes(der, (size_t)n), &kit_fail));
    assert_string_equal(kit_fail.text, "the key spells its curve out: name it (P-256 or P-384)");
    OPENSSL_free(der);
    EVP_PKEY_free(pkey);
}

static void
algorithms_of_signatures_there_and_back(void **state)
{
    static const enum bm_sig_alg algs[] = { BM_SIG_ECDSA_SHA256, BM_SIG_ECDSA_SHA384,   BM_SIG_RSA_SHA256,
                                            BM_SIG_RSA_SHA384,   BM_SIG_RSA_PSS_SHA256, BM_SIG_ED25519 };
    /* RSA's parameters may be absent; ECDSA's must be; SHA-1 and MD5 are gone */
    static const uint8_t rsa_absent[] = { 0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b };
    static const uint8_t ecdsa_null[] = { 0x30, 0x0c, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02, 0x05, 0x00 };
    static const uint8_t ecdsa_sha1[] = { 0x30, 0x09, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01 };
    enum bm_sig_alg got = 0;

    (void)state;
    for (size_t i = 0; i < BM_COUNT(algs); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 128 };

        bm_sig_alg_add(&buf, algs[i]);
        assert_ok(bm_sig_alg_parse(&got, bm_buf_bytes(&buf), &kit_fail));
        assert_int_equal(got, algs[i]);
        for (size_t n = 0; n < buf.n; n++)
            assert_rc(BM_EINPUT, bm_sig_alg_parse(&got, bm_bytes(buf.p, n), &kit_fail));
        for (size_t k = 0; k < buf.n; k++) {
            buf.p[k] ^= 0x40;
            assert_rc(BM_EINPUT, bm_sig_alg_parse(&got, bm_buf_bytes(&buf), &kit_fail));
            buf.p[k] ^= 0x40;
        }
    }
    assert_ok(bm_sig_alg_parse(&got, bm_bytes(rsa_absent, sizeof(rsa_absent)), &kit_fail));
    /* proves: RFC5758 3.2 */
    assert_rc(BM_EINPUT, bm_sig_alg_parse(&got, bm_bytes(ecdsa_null, sizeof(ecdsa_null)), &kit_fail));
    assert_rc(BM_EINPUT, bm_sig_alg_parse(&got, bm_bytes(ecdsa_sha1, sizeof(ecdsa_sha1)), &kit_fail));
}

/* Contexts are used again for other keys: none may remember the key before it. */
static void
a_context_used_again_knows_only_the_key_it_is_given(void **state)
{
    /* more of a curve than are kept ready */
    static const enum bm_key_alg algs[] = { BM_KEY_P256, BM_KEY_P256, BM_KEY_P384, BM_KEY_ED25519, BM_KEY_P384, BM_KEY_ED25519, BM_KEY_P256,
                                            BM_KEY_P256, BM_KEY_P256, BM_KEY_P384, BM_KEY_P256,    BM_KEY_P384, BM_KEY_P384 };
    struct bm_private *key[BM_COUNT(algs)];
    struct bm_buf sig[BM_COUNT(algs)];
    struct bm_bytes tbs = bm_bytes_str("what is signed");

    (void)state;
    for (size_t i = 0; i < BM_COUNT(algs); i++) {
        sig[i] = (struct bm_buf){ .max = BM_MAX_SIGNATURE };
        assert_ok(bm_private_generate(&key[i], algs[i], &kit_fail));
        assert_ok(bm_private_sign(key[i], tbs, &sig[i], &kit_fail));
    }
    for (size_t round = 0; round < 3; round++)
        for (size_t i = 0; i < BM_COUNT(algs); i++)
            for (size_t k = 0; k < BM_COUNT(algs); k++) {
                const struct bm_key *public = bm_private_public(key[i]);
                enum bm_rc rc = bm_key_verify(kit_crypto, public, bm_private_alg(key[k]), tbs, bm_buf_bytes(&sig[k]), &kit_fail);

                assert_int_equal(rc == BM_OK, i == k);
                if (algs[i] == algs[k] && i != k)
                    assert_int_equal(rc, BM_EPOLICY);
            }
    /* proves: RFC3279 2.2.3 */
    assert_rc(BM_EINPUT,
              bm_key_verify(kit_crypto, bm_private_public(key[0]), BM_SIG_ECDSA_SHA256, tbs, bm_bytes(sig[0].p, sig[0].n - 1), &kit_fail));
    assert_rc(BM_EINPUT, bm_key_verify(kit_crypto, bm_private_public(key[0]), BM_SIG_RSA_SHA256, tbs, bm_buf_bytes(&sig[0]), &kit_fail));
    assert_string_equal(kit_fail.text, "the signature's algorithm does not go with the key");
    for (size_t i = 0; i < BM_COUNT(algs); i++) {
        bm_private_free(key[i]);
        bm_buf_done(&sig[i]);
    }
}

static void
private_keys_there_and_back(void **state)
{
    static const enum bm_key_alg algs[] = { BM_KEY_P256, BM_KEY_P384, BM_KEY_ED25519 };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(algs); i++) {
        bm_cleanup(bm_private_done) struct bm_private *key = NULL, *again = NULL;
        bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 4096 }, sig = { .max = BM_MAX_SIGNATURE };

        assert_ok(bm_private_generate(&key, algs[i], &kit_fail));
        assert_ok(bm_private_build(&pem, key, &kit_fail));
        assert_memory_equal(pem.p, "-----BEGIN PRIVATE KEY-----\n", 28);
        assert_ok(bm_private_parse(&again, bm_buf_bytes(&pem), &kit_fail));
        assert_memory_equal(bm_private_public(again)->hash, bm_private_public(key)->hash, BM_HASH);
        assert_ok(bm_private_sign(again, bm_bytes_str("x"), &sig, &kit_fail));
        assert_ok(bm_key_verify(kit_crypto, bm_private_public(key), bm_private_alg(key), bm_bytes_str("x"), bm_buf_bytes(&sig), &kit_fail));
        bm_private_free(bm_take(again));
        for (size_t n = 0; n < pem.n - 1; n++)
            assert_rc(BM_EINPUT, bm_private_parse(&again, bm_bytes(pem.p, n), &kit_fail));
    }
}

static void
pem_of(struct bm_buf *buf, EVP_PKEY *pkey, bool sec1, const char *passphrase)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long n;

    if (sec1)
        assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    else
        assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, passphrase != NULL ? EVP_aes_128_cbc() : NULL, passphrase,
                                                       passphrase != NULL ? (int)strlen(passphrase) : 0, NULL, NULL),
                         1);
    n = BIO_get_mem_data(bio, &text);
    bm_buf_add(buf, text, (size_t)n);
    BIO_free(bio);
}

static void
private_keys_of_others(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf sec1 = { .max = 8192 }, rsa = { .max = 8192 }, small = { .max = 8192 }, locked = { .max = 8192 },
                                          curve = { .max = 8192 }, sig = { .max = BM_MAX_SIGNATURE };
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    EVP_PKEY *ec = EVP_EC_gen("P-256"), *k1 = EVP_EC_gen("secp256k1"), *r = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048),
             *weak = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);

    (void)state;
    pem_of(&sec1, ec, true, NULL);
    pem_of(&rsa, r, false, NULL);
    pem_of(&small, weak, false, NULL);
    pem_of(&locked, ec, false, "secret");
    pem_of(&curve, k1, false, NULL);
    assert_ok(bm_private_parse(&key, bm_buf_bytes(&sec1), &kit_fail));
    assert_int_equal(bm_private_alg(key), BM_SIG_ECDSA_SHA256);
    bm_private_free(bm_take(key));
    assert_ok(bm_private_parse(&key, bm_buf_bytes(&rsa), &kit_fail));
    assert_int_equal(bm_private_alg(key), BM_SIG_RSA_SHA256);
    assert_ok(bm_private_sign(key, bm_bytes_str("x"), &sig, &kit_fail));
    assert_ok(bm_key_verify(kit_crypto, bm_private_public(key), BM_SIG_RSA_SHA256, bm_bytes_str("x"), bm_buf_bytes(&sig), &kit_fail));
    assert_rc(BM_EPOLICY,
              bm_key_verify(kit_crypto, bm_private_public(key), BM_SIG_RSA_SHA384, bm_bytes_str("x"), bm_buf_bytes(&sig), &kit_fail));
    assert_rc(BM_EPOLICY,
              bm_key_verify(kit_crypto, bm_private_public(key), BM_SIG_RSA_PSS_SHA256, bm_bytes_str("x"), bm_buf_bytes(&sig), &kit_fail));
    bm_private_free(bm_take(key));
    assert_rc(BM_EINPUT, bm_private_parse(&key, bm_buf_bytes(&small), &kit_fail));
    assert_rc(BM_EINPUT, bm_private_parse(&key, bm_buf_bytes(&curve), &kit_fail));
    assert_rc(BM_EINPUT, bm_private_parse(&key, bm_buf_bytes(&locked), &kit_fail));
    assert_string_equal(kit_fail.text, "the private key is under a passphrase: take it off (openssl pkey) or use a token");
    assert_rc(BM_EINPUT, bm_private_parse(&key, bm_bytes(NULL, 0), &kit_fail));
    assert_rc(BM_EINPUT, bm_private_generate(&key, BM_KEY_RSA, &kit_fail));
    assert_null(key);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(k1);
    EVP_PKEY_free(r);
    EVP_PKEY_free(weak);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_named_by_its_hash_and_labelled_by_its_bits),
        cmocka_unit_test(every_truncation_and_every_changed_byte_of_a_point_is_refused),
        cmocka_unit_test(weak_rsa_keys_are_refused),
        cmocka_unit_test(keys_that_are_no_keys_are_refused),
        cmocka_unit_test(explicit_curve_parameters_are_refused),
        cmocka_unit_test(algorithms_of_signatures_there_and_back),
        cmocka_unit_test(a_context_used_again_knows_only_the_key_it_is_given),
        cmocka_unit_test(private_keys_there_and_back),
        cmocka_unit_test(private_keys_of_others),
    };

    return cmocka_run_group_tests(tests, kit_crypto_open, kit_crypto_close);
}
