/* test_csr.c - requests: what is read, what is refused, and that no byte of one can be changed. */
#include "kit.h"

static void
make(struct bm_buf *buf, enum bm_key_alg alg)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;

    assert_ok(bm_private_generate(&key, alg, &kit_fail));
    kit_csr(buf, key, "a label");
}

static void
good_requests_of_each_kind_of_key_are_read_and_prove_possession(void **state)
{
    static const struct {
        enum bm_key_alg key;
        enum bm_sig_alg sig;
    } kinds[] = { { BM_KEY_P256, BM_SIG_ECDSA_SHA256 }, { BM_KEY_P384, BM_SIG_ECDSA_SHA384 }, { BM_KEY_ED25519, BM_SIG_ED25519 } };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(kinds); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CSR };
        struct bm_csr csr;

        make(&der, kinds[i].key);
        assert_ok(bm_csr_parse(&csr, bm_buf_bytes(&der), &kit_fail));
        assert_int_equal(csr.key.alg, kinds[i].key);
        assert_int_equal(csr.alg, kinds[i].sig);
        assert_int_equal(csr.attributes.n, 0);
        /* SEQUENCE SET SEQUENCE OID UTF8String "a label" is PrintableString */
        assert_memory_equal(csr.subject.p,
                            "\x30\x12\x31\x10\x30\x0e\x06\x03\x55\x04\x03\x13\x07"
                            "a label",
                            csr.subject.n);
        /* proves: RFC2986 3 */
        assert_ok(bm_csr_check(kit_crypto, &csr, &kit_fail));
    }
}

static void
every_truncation_is_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CSR };
    struct bm_csr csr;

    (void)state;
    make(&der, BM_KEY_P256);
    for (size_t n = 0; n < der.n; n++) {
        /* a block of its own, so that a sanitizer sees a read past the end */
        uint8_t *cut = malloc(n + 1);

        assert_non_null(cut);
        memcpy(cut, der.p, n);
        assert_rc(BM_EINPUT, bm_csr_parse(&csr, bm_bytes(cut, n), &kit_fail));
        free(cut);
    }
    bm_buf_add_u8(&der, 0);
    assert_rc(BM_EINPUT, bm_csr_parse(&csr, bm_buf_bytes(&der), &kit_fail));
    assert_string_equal(kit_fail.text, "the request has 1 bytes after its end");
}

static void
every_changed_byte_is_refused_or_breaks_the_signature(void **state)
{
    static const uint8_t flips[] = { 0x01, 0x02, 0x80, 0xff };
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CSR };
    size_t parsed = 0, refused = 0;

    (void)state;
    make(&der, BM_KEY_P256);
    for (size_t i = 0; i < der.n; i++) {
        for (size_t k = 0; k < BM_COUNT(flips); k++) {
            struct bm_csr csr;

            der.p[i] ^= flips[k];
            if (bm_csr_parse(&csr, bm_buf_bytes(&der), &kit_fail) == BM_OK) {
                enum bm_rc rc = bm_csr_check(kit_crypto, &csr, &kit_fail);

                assert_true(rc == BM_EPOLICY || rc == BM_EINPUT);
                parsed++;
            } else {
                refused++;
            }
            der.p[i] ^= flips[k];
        }
    }
    /* both happen: the label and the signature parse, the structure and the key do not */
    assert_true(parsed > 100 && refused > 400);
}

/* info with these attributes, version and spki, signed well */
static enum bm_rc
parse_made(unsigned version, const char *attributes_hex, bool with_attributes)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf info = { .max = BM_MAX_CSR }, sig = { .max = BM_MAX_SIGNATURE }, der = { .max = BM_MAX_CSR };
    uint8_t attributes[512];
    size_t n = strlen(attributes_hex) / 2, at;
    struct bm_csr csr;
    enum bm_rc rc;

    assert_ok(bm_hex_parse(attributes, n, bm_bytes_str(attributes_hex), &kit_fail));
    assert_ok(bm_private_generate(&key, BM_KEY_P256, &kit_fail));
    at = bm_der_begin(&info, BM_DER_SEQUENCE);
    bm_der_add_uint(&info, BM_DER_INTEGER, version);
    bm_der_add(&info, BM_DER_SEQUENCE, bm_bytes(NULL, 0));
    bm_buf_add_bytes(&info, bm_key_spki(bm_private_public(key)));
    if (with_attributes)
        bm_der_add(&info, BM_DER_CONTEXT_CONSTRUCTED(0), bm_bytes(attributes, n));
    bm_der_end(&info, at);
    assert_ok(bm_private_sign(key, bm_buf_bytes(&info), &sig, &kit_fail));
    bm_csr_build(&der, bm_buf_bytes(&info), BM_SIG_ECDSA_SHA256, bm_buf_bytes(&sig));
    if ((rc = bm_csr_parse(&csr, bm_buf_bytes(&der), &kit_fail)) != BM_OK)
        return rc;
    return bm_csr_check(kit_crypto, &csr, &kit_fail);
}

#define ATTRIBUTE "300a06032a030431030c0161"

static void
version_and_attributes_are_held_to_their_shape(void **state)
{
    char seventeen[17 * 24 + 1] = "";

    (void)state;
    for (size_t i = 0; i < 17; i++)
        memcpy(seventeen + 24 * i, ATTRIBUTE, 25);
    assert_ok(parse_made(0, "", true));
    assert_ok(parse_made(0, ATTRIBUTE, true));
    assert_ok(parse_made(0, seventeen + 24, true));
    /* proves: RFC2986 4 */
    assert_rc(BM_EINPUT, parse_made(1, "", true));
    assert_string_equal(kit_fail.text, "the request's version is not 0");
    /* proves: RFC2986 4.1 */
    assert_rc(BM_EINPUT, parse_made(0, "", false));
    assert_rc(BM_EINPUT, parse_made(0, seventeen, true));
    assert_string_equal(kit_fail.text, "the request's attributes are malformed or more than 16");
    assert_rc(BM_EINPUT, parse_made(0, "300706032a03043100", true));       /* no value */
    assert_rc(BM_EINPUT, parse_made(0, "300506032a0304", true));           /* no set */
    assert_rc(BM_EINPUT, parse_made(0, "300a06032a030430030c0161", true)); /* a sequence for a set */
    assert_rc(BM_EINPUT, parse_made(0, "300c06032a030431030c01610500", true));
}

static void
a_request_larger_than_the_limit_is_refused_unread(void **state)
{
    static const uint8_t big[BM_MAX_CSR + 1];
    struct bm_csr csr;

    (void)state;
    assert_rc(BM_EINPUT, bm_csr_parse(&csr, bm_bytes(big, sizeof(big)), &kit_fail));
    assert_string_equal(kit_fail.text, "the request is 8193 bytes long, more than 8192");
}

static void
somebody_elses_signature_proves_nothing(void **state)
{
    bm_cleanup(bm_private_done) struct bm_private *mine = NULL, *theirs = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf info = { .max = BM_MAX_CSR }, sig = { .max = BM_MAX_SIGNATURE }, der = { .max = BM_MAX_CSR };
    struct bm_csr csr;

    (void)state;
    assert_ok(bm_private_generate(&mine, BM_KEY_P256, &kit_fail));
    assert_ok(bm_private_generate(&theirs, BM_KEY_P256, &kit_fail));
    bm_csr_info_build(&info, bm_key_spki(bm_private_public(theirs)), NULL);
    assert_ok(bm_private_sign(mine, bm_buf_bytes(&info), &sig, &kit_fail));
    bm_csr_build(&der, bm_buf_bytes(&info), BM_SIG_ECDSA_SHA256, bm_buf_bytes(&sig));
    assert_ok(bm_csr_parse(&csr, bm_buf_bytes(&der), &kit_fail));
    assert_rc(BM_EPOLICY, bm_csr_check(kit_crypto, &csr, &kit_fail));
    assert_string_equal(kit_fail.text, "the request: the signature does not verify");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_requests_of_each_kind_of_key_are_read_and_prove_possession),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_changed_byte_is_refused_or_breaks_the_signature),
        cmocka_unit_test(version_and_attributes_are_held_to_their_shape),
        cmocka_unit_test(a_request_larger_than_the_limit_is_refused_unread),
        cmocka_unit_test(somebody_elses_signature_proves_nothing),
    };

    return cmocka_run_group_tests(tests, kit_crypto_open, kit_crypto_close);
}
