/* test_cert.c - certificates of others, PEM, certs-only messages, names; real ones of chipmakers where they are at hand. */
#include "kit.h"

#include "pki/cert.h"
#include "pki/oid.h"
#include "pki/tbs.h"

#include <openssl/pem.h>
#include <openssl/pkcs7.h>

struct counts {
    size_t good, p521, other;
    bool print;
};

static enum bm_rc
count_one(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    struct counts *counts = ctx;
    struct bm_cert cert;
    char name[256];

    if (bm_cert_parse(&cert, der, fail) == BM_OK) {
        counts->good++;
        bm_name_print(name, sizeof(name), cert.issuer); /* an endorsement certificate's subject is empty */
        assert_true(strlen(name) > 3);
        assert_null(strstr(name, "..."));
    } else if (fail->rc == BM_EINPUT && (strstr(fail->text, "curve") != NULL || strstr(fail->text, "algorithm is not taken") != NULL)) {
        counts->p521++;
    } else {
        print_message("refused: %s\n", fail->text);
        counts->other++;
    }
    return BM_OK;
}

/* The 24 that stay outside are P-521, which is no key of ours. */
static void
real_roots_and_intermediates_are_read(void **state)
{
    static const struct {
        const char *file;
        size_t good, p521;
    } files[] = { { "data/tpm/tpm_roots_26.pem", 22, 4 },
                  { "data/tpm/tpm_intermediates_143.pem", 123, 20 },
                  { "data/tpm/st-ek-rsa.pem", 1, 0 },
                  { "data/microchip/MCHP_manifest_signer_5_Mar_6-2024_noExpiration.crt", 1, 0 } };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(files); i++) {
        struct counts counts = { 0 };
        bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 1 << 20 };

        if (!kit_shared(&text, files[i].file))
            kit_skip(KIT_NO_SHARED);
        assert_ok(bm_pem_parse(bm_buf_bytes(&text), "CERTIFICATE", count_one, &counts, &kit_fail));
        print_message("%s: %zu read, %zu of P-521 refused\n", files[i].file, counts.good, counts.p521);
        assert_int_equal(counts.other, 0);
        assert_int_equal(counts.good, files[i].good);
        assert_int_equal(counts.p521, files[i].p521);
    }
}

static void
a_der_root_of_microchip_is_read(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };
    struct bm_cert cert;
    char name[128];

    (void)state;
    if (!kit_shared(&der, "data/microchip/trust-go-root-ca-002.der"))
        kit_skip(KIT_NO_SHARED);
    assert_ok(bm_cert_parse(&cert, bm_buf_bytes(&der), &kit_fail));
    bm_name_print(name, sizeof(name), cert.subject);
    assert_string_equal(name, "CN=Crypto Authentication Root CA 002, O=Microchip Technology Inc");
}

/* Blocks are collected one after another. */
struct blocks {
    char text[64];
};

static enum bm_rc
block_add(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    struct blocks *blocks = ctx;
    size_t at = strlen(blocks->text);

    (void)snprintf(blocks->text + at, sizeof(blocks->text) - at, "[%.*s]", (int)der.n, (const char *)der.p);
    return der.n == 4 && memcmp(der.p, "stop", 4) == 0 ? bm_fail(fail, BM_EPOLICY, NULL, "stop") : BM_OK;
}

static enum bm_rc
blocks_of(struct blocks *ret_blocks, const char *text)
{
    *ret_blocks = (struct blocks){ .text = "" };
    return bm_pem_parse(bm_bytes_str(text), "X", block_add, ret_blocks, &kit_fail);
}

#define BEGIN "-----BEGIN X-----\n"
#define END "-----END X-----\n"

static void
pem_is_read_block_by_block(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 1024 };
    struct blocks blocks;

    (void)state;
    assert_ok(blocks_of(&blocks, "# a comment\n" BEGIN "b25l\n" END "text\n-----BEGIN Y-----\n!!\n-----END Y-----\n" BEGIN "dHdv\r\n" END));
    assert_string_equal(blocks.text, "[one][two]");
    assert_ok(blocks_of(&blocks, "-----BEGIN X-----\r\nb2\r\n5l\r\n-----END X-----"));
    assert_string_equal(blocks.text, "[one]");
    assert_rc(BM_EPOLICY, blocks_of(&blocks, BEGIN "c3RvcA==\n" END BEGIN "dHdv\n" END));
    assert_string_equal(blocks.text, "[stop]");
    assert_rc(BM_EINPUT, blocks_of(&blocks, ""));
    assert_string_equal(kit_fail.text, "there is no \"-----BEGIN X-----\" here");
    assert_rc(BM_EINPUT, blocks_of(&blocks, "-----BEGIN Y-----\nb25l\n-----END Y-----\n"));
    assert_rc(BM_EINPUT, blocks_of(&blocks, BEGIN "b25l\n"));
    assert_string_equal(kit_fail.text, "PEM block 1 has no line \"-----END X-----\"");
    assert_rc(BM_EINPUT, blocks_of(&blocks, BEGIN "b25\n" END));
    assert_rc(BM_EINPUT, blocks_of(&blocks, BEGIN "b25l!\n" END));
    assert_rc(BM_EINPUT, blocks_of(&blocks, BEGIN BEGIN "b25l\n" END));
    bm_pem_build(&pem, "X", bm_bytes_str("0123456789012345678901234567890123456789012345678"));
    bm_buf_add_u8(&pem, 0);
    assert_string_equal((const char *)pem.p, BEGIN "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3\nOA==\n" END);
}

static enum bm_rc
cert_add(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    size_t *total = ctx;

    (void)fail;
    *total = *total * 100 + der.n;
    return BM_OK;
}

static void
self_signed(struct bm_buf *der, const char *cn)
{
    static const uint8_t serial[16] = { 1 };
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf name = { .max = BM_MAX_DN }, tbs = { .max = BM_MAX_CERT }, sig = { .max = BM_MAX_SIGNATURE };
    struct bm_ca_subject subject = { cn, NULL, -1 };
    struct bm_issuer issuer = { .alg = BM_SIG_ECDSA_SHA256, .not_after = BM_TIME_NEVER };

    assert_ok(bm_private_generate(&key, BM_KEY_P256, &kit_fail));
    bm_name_build(&name, NULL, cn);
    issuer.subject = bm_buf_bytes(&name);
    memcpy(issuer.key_id, bm_key_ski(bm_private_public(key)).octets, 20);
    assert_ok(
        bm_tbs_ca_build(&tbs, &issuer, &subject, bm_key_spki(bm_private_public(key)), bm_bytes(serial, 16), 0, BM_TIME_NEVER, &kit_fail));
    assert_ok(bm_private_sign(key, bm_buf_bytes(&tbs), &sig, &kit_fail));
    bm_signed_build(der, bm_buf_bytes(&tbs), BM_SIG_ECDSA_SHA256, bm_buf_bytes(&sig));
}

static void
certificates_alone_in_cms(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf a = { .max = BM_MAX_CERT }, b = { .max = BM_MAX_CERT }, cms = { .max = 4 * BM_MAX_CERT };
    struct bm_bytes both[2];
    const uint8_t *p;
    size_t total = 0;
    PKCS7 *p7;

    (void)state;
    self_signed(&a, "A");
    self_signed(&b, "A longer name");
    both[0] = bm_buf_bytes(&b);
    both[1] = bm_buf_bytes(&a);
    bm_certs_only_build(&cms, (struct bm_certs){ both, 2 });
    /* proves: RFC5272 4.1 */
    p = cms.p;
    assert_non_null(p7 = d2i_PKCS7(NULL, &p, (long)cms.n));
    assert_int_equal(PKCS7_type_is_signed(p7), 1);
    assert_int_equal(sk_X509_num(p7->d.sign->cert), 2);
    assert_int_equal(sk_PKCS7_SIGNER_INFO_num(p7->d.sign->signer_info), 0);
    PKCS7_free(p7);
    assert_ok(bm_certs_only_parse(bm_buf_bytes(&cms), cert_add, &total, &kit_fail));
    assert_int_equal(total, b.n * 100 + a.n);
    for (size_t n = 0; n < cms.n; n++)
        assert_rc(BM_EINPUT, bm_certs_only_parse(bm_bytes(cms.p, n), cert_add, &total, &kit_fail));
    bm_buf_add_u8(&cms, 0);
    assert_rc(BM_EINPUT, bm_certs_only_parse(bm_buf_bytes(&cms), cert_add, &total, &kit_fail));
}

static void
assert_name(const char *hex, const char *want)
{
    uint8_t name[256];
    char text[256];

    assert_ok(bm_hex_parse(name, strlen(hex) / 2, bm_bytes_str(hex), &kit_fail));
    bm_name_print(text, sizeof(text), bm_bytes(name, strlen(hex) / 2));
    assert_string_equal(text, want);
}

static void
names_are_printed_so_that_they_cannot_lie(void **state)
{
    (void)state;
    /* CN = `a, O=b` cannot look like two attributes; a NUL, a line feed and a mark that turns the writing round show */
    assert_name("3011310f300d06035504030c06612c204f3d62", "CN=a\\, O\\=b");
    assert_name("3010310e300c06035504030c056100620a63", "CN=a\\00b\\0ac");
    assert_name("3010310e300c06035504030c0561e280ae62", "CN=a\\e2\\80\\aeb");
    assert_name("300d310b300906035504030c0261ff", "CN=a\\ff");
    assert_name("300e310c300a06035504030c03207820", "CN=\\ x\\ ");
    assert_name("30293110300e06035504030c075ac3a4686c657231153009060355040a0c022331300806022a031e020061",
                "O=\\#1+1.2.3=#1e020061, CN=Zähler");
    assert_name("3000", "");
}

static void
changed_certificates_do_not_verify(void **state)
{
    static const uint8_t flips[] = { 0x01, 0x80, 0xff };
    bm_cleanup(bm_crypto_done) struct bm_crypto *crypto = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };
    struct bm_cert root, cert;
    uint8_t *copy = NULL;

    (void)state;
    assert_ok(bm_crypto_new(&crypto, &kit_fail));
    self_signed(&der, "Root");
    assert_ok(bm_bytes_dup(&copy, bm_buf_bytes(&der), &kit_fail));
    assert_ok(bm_cert_parse(&root, bm_bytes(copy, der.n), &kit_fail));
    for (size_t i = 0; i < der.n; i++)
        for (size_t k = 0; k < BM_COUNT(flips); k++) {
            der.p[i] ^= flips[k];
            if (bm_cert_parse(&cert, bm_buf_bytes(&der), &kit_fail) == BM_OK)
                assert_int_not_equal(bm_cert_signed_by(crypto, &cert, &root, &kit_fail), BM_OK);
            der.p[i] ^= flips[k];
        }
    free(copy);
}

/* A certificate of these parts, unsigned: what matters is whether it is read. */
struct parts {
    const char *version, *serial, *inner, *outer, *validity, *extensions; /* hexadecimal */
};

#define ECDSA256 "300a06082a8648ce3d040302"
#define ECDSA384 "300a06082a8648ce3d040303"
#define V3 "a003020102"
#define DATES "301e170d3235303130313030303030305a170d3236303130313030303030305a"
#define BC "300c0603551d130101ff04023000"
#define KU "300b0603551d0f040403020780"

static void
add_hex(struct bm_buf *buf, const char *hex)
{
    uint8_t bytes[256];

    assert_ok(bm_hex_parse(bytes, strlen(hex) / 2, bm_bytes_str(hex), &kit_fail));
    bm_buf_add(buf, bytes, strlen(hex) / 2);
}

static enum bm_rc
parts_parse(struct parts parts)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };
    size_t cert = bm_der_begin(&der, BM_DER_SEQUENCE), tbs = bm_der_begin(&der, BM_DER_SEQUENCE), at, list;
    struct bm_cert parsed;

    add_hex(&der, parts.version);
    add_hex(&der, parts.serial);
    add_hex(&der, parts.inner);
    add_hex(&der, "300c310a300806035504030c0141");
    add_hex(&der, parts.validity);
    add_hex(&der, "300c310a300806035504030c0141");
    add_hex(&der, "302a300506032b65700321007d4d0e7f6153a69b6242b522abbee685fda4420f8834b108c3bdae369ef549fa");
    if (parts.extensions != NULL) {
        at = bm_der_begin(&der, BM_DER_CONTEXT_CONSTRUCTED(3));
        list = bm_der_begin(&der, BM_DER_SEQUENCE);
        add_hex(&der, parts.extensions);
        bm_der_end(&der, list);
        bm_der_end(&der, at);
    }
    bm_der_end(&der, tbs);
    add_hex(&der, parts.outer);
    bm_der_add_bits(&der, bm_bytes_str("signature"));
    bm_der_end(&der, cert);
    return bm_cert_parse(&parsed, bm_buf_bytes(&der), &kit_fail);
}

static void
certificates_that_break_the_rules_are_refused(void **state)
{
    const struct parts good = { V3, "020101", ECDSA256, ECDSA256, DATES, BC KU };
    struct parts parts = good;

    (void)state;
    assert_ok(parts_parse(good));
    parts.extensions = NULL;
    assert_ok(parts_parse(parts));
    /* proves: RFC5280 4.2 */
    parts.extensions = BC KU BC;
    assert_rc(BM_EINPUT, parts_parse(parts));
    assert_string_equal(kit_fail.text, "the certificate's extensions are malformed, too many or repeated");
    parts.extensions = "";
    assert_rc(BM_EINPUT, parts_parse(parts));
    parts.extensions = "300c0603551d1301010104023000"; /* TRUE written as 01 */
    assert_rc(BM_EINPUT, parts_parse(parts));
    parts.extensions = "300c0603551d1301010004023000"; /* FALSE written out: vendors do */
    assert_ok(parts_parse(parts));
    parts.extensions = "30090603551d0e04020401"; /* a key identifier shorter than it says */
    assert_rc(BM_EINPUT, parts_parse(parts));
    /* proves: RFC5280 4.1.1.2 */
    parts = good;
    parts.inner = ECDSA384;
    assert_rc(BM_EINPUT, parts_parse(parts));
    assert_string_equal(kit_fail.text, "the certificate names two signature algorithms");
    parts = good;
    parts.version = "a003020101";
    assert_rc(BM_EINPUT, parts_parse(parts));
    parts.version = "";
    assert_rc(BM_EINPUT, parts_parse(parts));
    parts = good;
    parts.serial = "020100";
    assert_rc(BM_EINPUT, parts_parse(parts));
    parts.serial = "0201ff";
    assert_rc(BM_EINPUT, parts_parse(parts));
    parts.serial = "0215010101010101010101010101010101010101010101";
    assert_rc(BM_EINPUT, parts_parse(parts));
    parts = good;
    parts.validity = "301f170d3235303130313030303030305a180e32303236303130313030303030302e"; /* cut */
    assert_rc(BM_EINPUT, parts_parse(parts));
    parts.validity = "301e170d3235303233303030303030305a170d3236303130313030303030305a"; /* 30 February */
    assert_rc(BM_EINPUT, parts_parse(parts));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_roots_and_intermediates_are_read),
        cmocka_unit_test(a_der_root_of_microchip_is_read),
        cmocka_unit_test(pem_is_read_block_by_block),
        cmocka_unit_test(certificates_alone_in_cms),
        cmocka_unit_test(names_are_printed_so_that_they_cannot_lie),
        cmocka_unit_test(changed_certificates_do_not_verify),
        cmocka_unit_test(certificates_that_break_the_rules_are_refused),
    };

    return kit_end(cmocka_run_group_tests(tests, NULL, NULL));
}
