/* test_cmc.c - CMC requests made by us and by openssl are read and checked; openssl checks ours; anything else is refused. */
#include "kit.h"

static const uint8_t pki_data[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x0c, 0x02 };     /* id-cct-PKIData */
static const uint8_t sha256[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 }; /* id-sha256 */
static struct bm_private *op;                                                             /* the operational key */

static int
begin(void **state)
{
    return kit_dir_make(state) != 0 || bm_crypto_new(&kit_crypto, &kit_fail) != BM_OK ||
           bm_private_generate(&op, BM_KEY_P256, &kit_fail) != BM_OK;
}

static int
end(void **state)
{
    bm_private_free(op);
    bm_crypto_free(kit_crypto);
    return kit_dir_remove(state);
}

/* What openssl can make a key and a certificate of, and sign CMS with. */
static const struct kind {
    const char *name, *genpkey, *digest;
    enum bm_sig_alg alg;
} kinds[] = {
    { "p256", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "sha256", BM_SIG_ECDSA_SHA256 },
    { "p384", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384", "sha384", BM_SIG_ECDSA_SHA384 },
    { "rsa", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "sha256", BM_SIG_RSA_SHA256 },
};

static void
root_make(struct bm_private **ret_key, const struct kind *kind)
{
    KIT_BUF(pem);
    char name[32];

    kit_run(
        "test -e %s.key || { openssl genpkey %s -out %s.key && openssl req -x509 -new -key %s.key -subj /CN=chip -days 10 -out %s.pem; }",
        kind->name, kind->genpkey, kind->name, kind->name, kind->name);
    (void)snprintf(name, sizeof(name), "%s.key", kind->name);
    kit_read(&pem, name);
    assert_ok(bm_private_parse(ret_key, bm_buf_bytes(&pem), &kit_fail));
}

static void
content_write(const char *name)
{
    KIT_BUF(csr);
    KIT_BUF(content);
    KIT_BUF(attrs);

    kit_csr(&csr, op, NULL);
    bm_cmc_prepare(&content, &attrs, bm_buf_bytes(&csr), bm_bytes_str(KIT_NONCE), BM_SIG_ECDSA_SHA256);
    kit_write(name, bm_buf_bytes(&content));
}

static void
reads_and_checks_what_we_build(void **state)
{
    (void)state;
    for (size_t i = 0; i < BM_COUNT(kinds); i++) {
        KIT_KEY(root);
        KIT_BUF(der);
        struct bm_cmc cmc;

        root_make(&root, &kinds[i]);
        kit_cmc(&der, root, op, bm_bytes_str(KIT_NONCE));
        assert_ok(bm_cmc_parse(&cmc, bm_buf_bytes(&der), &kit_fail));
        assert_ok(bm_cmc_check(kit_crypto, &cmc, bm_private_public(root), &kit_fail));
        assert_true(bm_bytes_equal(cmc.recipient_nonce, bm_bytes_str(KIT_NONCE)));
        assert_true(bm_bytes_equal(cmc.signer_ski, bm_bytes(bm_key_ski(bm_private_public(root)).octets, 20)));
        assert_int_equal(cmc.signer_cert.n, 0);
        assert_int_equal(cmc.sender_nonce.n, 0);
        assert_int_equal(cmc.transaction_id.n, 0);
        assert_int_equal(cmc.alg, bm_private_alg(root));
        assert_memory_equal(cmc.csr.key.hash, bm_private_public(op)->hash, BM_HASH);
    }
}

static void
ed25519_roots_digest_with_sha512(void **state)
{
    KIT_KEY(root);
    KIT_BUF(der);
    struct bm_cmc cmc;

    (void)state;
    assert_ok(bm_private_generate(&root, BM_KEY_ED25519, &kit_fail));
    kit_cmc(&der, root, op, bm_bytes_str(KIT_NONCE));
    assert_ok(bm_cmc_parse(&cmc, bm_buf_bytes(&der), &kit_fail));
    assert_ok(bm_cmc_check(kit_crypto, &cmc, bm_private_public(root), &kit_fail));
    assert_int_equal(cmc.digest.n, 64);
}

/* proves: RFC5652 5.4 */
static void
openssl_verifies_what_we_build(void **state)
{
    (void)state;
    for (size_t i = 0; i < BM_COUNT(kinds); i++) {
        KIT_KEY(root);
        KIT_BUF(der);
        KIT_BUF(content);
        struct bm_cmc cmc;

        root_make(&root, &kinds[i]);
        kit_cmc(&der, root, op, bm_bytes_str(KIT_NONCE));
        kit_write("ours.der", bm_buf_bytes(&der));
        kit_run("openssl cms -verify -binary -noverify -inform DER -in ours.der -certfile %s.pem -out content.der", kinds[i].name);
        kit_read(&content, "content.der");
        assert_ok(bm_cmc_parse(&cmc, bm_buf_bytes(&der), &kit_fail));
        assert_true(bm_bytes_equal(cmc.content, bm_buf_bytes(&content)));
    }
}

/* proves: RFC5652 5.3 */
/* proves: RFC5754 2 */
static void
reads_and_checks_what_openssl_makes(void **state)
{
    (void)state;
    content_write("content.in");
    for (size_t i = 0; i < BM_COUNT(kinds); i++)
        for (unsigned keyid = 0; keyid < 2; keyid++) {
            KIT_KEY(root);
            KIT_BUF(der);
            struct bm_cert cert;
            struct bm_cmc cmc;

            root_make(&root, &kinds[i]);
            kit_run("openssl cms -sign -binary -nodetach -econtent_type 1.3.6.1.5.5.7.12.2 -md %s %s -signer %s.pem -inkey %s.key -in "
                    "content.in "
                    "-outform DER -out theirs.der",
                    kinds[i].digest, keyid ? "-keyid" : "", kinds[i].name, kinds[i].name);
            kit_read(&der, "theirs.der");
            assert_ok(bm_cmc_parse(&cmc, bm_buf_bytes(&der), &kit_fail));
            assert_ok(bm_cmc_check(kit_crypto, &cmc, bm_private_public(root), &kit_fail));
            assert_int_equal(cmc.signer_ski.n, keyid ? 20 : 0);
            assert_int_equal(cmc.alg, kinds[i].alg);
            assert_ok(bm_cert_parse(&cert, cmc.signer_cert, &kit_fail));
            assert_memory_equal(cert.key.hash, bm_private_public(root)->hash, BM_HASH);
            assert_true(bm_bytes_equal(cmc.recipient_nonce, bm_bytes_str(KIT_NONCE)));
        }
}

static void
refuses_what_openssl_makes_otherwise(void **state)
{
    static const struct {
        const char *options, *words;
    } others[] = {
        { "-md sha256 -nodetach -noattr", "signed attributes" },
        { "-md sha256", "around a PKIData" }, /* detached */
        { "-md sha256 -nodetach -signer rsa.pem -inkey rsa.key", "more than one signer" },
    };
    KIT_KEY(rsa);
    KIT_KEY(root);
    struct bm_cmc cmc;

    (void)state;
    root_make(&root, &kinds[0]);
    root_make(&rsa, &kinds[2]);
    content_write("content.in");
    for (size_t i = 0; i < BM_COUNT(others); i++) {
        KIT_BUF(der);

        kit_run("openssl cms -sign -binary -econtent_type 1.3.6.1.5.5.7.12.2 %s -signer p256.pem -inkey p256.key -in content.in -outform "
                "DER -out theirs.der",
                others[i].options);
        kit_read(&der, "theirs.der");
        assert_refused_saying(BM_EINPUT, bm_cmc_parse(&cmc, bm_buf_bytes(&der), &kit_fail), others[i].words);
    }
}

/* ---- made by hand, signed for real, and refused ---- */

/* Content octets of 1.3.6.1.5.5.7.7.n. */
static void
control_add(struct bm_buf *buf, uint64_t part, uint8_t kind, unsigned tag, const char *value, unsigned values)
{
    const uint8_t oid[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x07, kind };
    size_t attr = bm_der_begin(buf, BM_DER_SEQUENCE), set;

    bm_der_add_uint(buf, BM_DER_INTEGER, part);
    bm_der_add(buf, BM_DER_OID, bm_bytes(oid, sizeof(oid)));
    set = bm_der_begin(buf, BM_DER_SET);
    for (unsigned i = 0; i < values; i++)
        bm_der_add(buf, tag, bm_bytes_str(value));
    bm_der_end(buf, set);
    bm_der_end(buf, attr);
}

static void
request_add(struct bm_buf *buf, unsigned tag, uint64_t part, struct bm_bytes csr)
{
    size_t tcr = bm_der_begin(buf, tag);

    bm_der_add_uint(buf, BM_DER_INTEGER, part);
    bm_buf_add_bytes(buf, csr);
    bm_der_end(buf, tcr);
}

enum fault {
    GOOD,
    NO_NONCE,
    NONCE_TWICE,
    NONCE_EMPTY,
    NONCE_OF_TWO_VALUES,
    NONCE_TOO_LONG,
    TRANSACTION_OF_OCTETS,
    TRANSACTION_ZERO,
    IDENTITY_PROOF,
    PART_ZERO,
    PART_TWICE,
    PART_TOO_LARGE,
    NO_REQUEST,
    TWO_REQUESTS,
    CRM_REQUEST,
    CMS_SEQUENCE,
    OTHER_MESSAGE,
    TRAILING,
    FAULTS
};
static const char *const fault_words[FAULTS] = {
    [NO_NONCE] = "has no recipientNonce",
    [NONCE_TWICE] = "has a control twice",
    [NONCE_EMPTY] = "not one value of 1 to 64 bytes",
    [NONCE_OF_TWO_VALUES] = "not one value of 1 to 64 bytes",
    [NONCE_TOO_LONG] = "not one value of 1 to 64 bytes",
    [TRANSACTION_OF_OCTETS] = "not one value of 1 to 64 bytes",
    [TRANSACTION_ZERO] = "not one value of 1 to 64 bytes",
    [IDENTITY_PROOF] = "has a control that we do not take",
    [PART_ZERO] = "body part identifier twice",
    [PART_TWICE] = "exactly one PKCS#10 request",
    [PART_TOO_LARGE] = "body part identifier twice",
    [NO_REQUEST] = "exactly one PKCS#10 request",
    [TWO_REQUESTS] = "exactly one PKCS#10 request",
    [CRM_REQUEST] = "exactly one PKCS#10 request",
    [CMS_SEQUENCE] = "exactly one PKCS#10 request",
    [OTHER_MESSAGE] = "exactly one PKCS#10 request",
    [TRAILING] = "is not DER",
};

static void
controls_add(struct bm_buf *buf, enum fault fault)
{
    size_t list = bm_der_begin(buf, BM_DER_SEQUENCE);
    const char *nonce = fault == NONCE_EMPTY ? "" : fault == NONCE_TOO_LONG ? KIT_NONCE KIT_NONCE "x" : KIT_NONCE;

    if (fault != NO_NONCE)
        control_add(buf,
                    fault == PART_ZERO        ? 0
                    : fault == PART_TOO_LARGE ? 0x100000000
                                              : 1,
                    7, BM_DER_OCTET_STRING, nonce, fault == NONCE_OF_TWO_VALUES ? 2 : 1);
    if (fault == NONCE_TWICE)
        control_add(buf, 2, 7, BM_DER_OCTET_STRING, nonce, 1);
    else
        control_add(buf, 2, 6, BM_DER_OCTET_STRING, "sender's", 1);
    if (fault == IDENTITY_PROOF)
        control_add(buf, 3, 3, BM_DER_OCTET_STRING, "proof", 1);
    else
        control_add(buf, 3, 5, fault == TRANSACTION_OF_OCTETS ? BM_DER_OCTET_STRING : BM_DER_INTEGER, fault == TRANSACTION_ZERO ? "" : "77",
                    1);
    bm_der_end(buf, list);
}

static void
pki_data_add(struct bm_buf *buf, struct bm_bytes csr, enum fault fault)
{
    size_t all = bm_der_begin(buf, BM_DER_SEQUENCE), list;

    controls_add(buf, fault);
    list = bm_der_begin(buf, BM_DER_SEQUENCE);
    if (fault != NO_REQUEST)
        request_add(buf, BM_DER_CONTEXT_CONSTRUCTED(fault == CRM_REQUEST ? 1 : 0), fault == PART_TWICE ? 3 : 4, csr);
    if (fault == TWO_REQUESTS)
        request_add(buf, BM_DER_CONTEXT_CONSTRUCTED(0), 5, csr);
    bm_der_end(buf, list);
    list = bm_der_begin(buf, BM_DER_SEQUENCE);
    if (fault == CMS_SEQUENCE)
        bm_der_add_null(buf);
    bm_der_end(buf, list);
    list = bm_der_begin(buf, BM_DER_SEQUENCE);
    if (fault == OTHER_MESSAGE)
        bm_der_add_null(buf);
    bm_der_end(buf, list);
    bm_der_end(buf, all);
    if (fault == TRAILING)
        bm_der_add_null(buf);
}

static void
attr_add(struct bm_buf *buf, uint8_t kind, unsigned tag, struct bm_bytes value, unsigned values)
{
    const uint8_t oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, kind };
    size_t attr = bm_der_begin(buf, BM_DER_SEQUENCE), set;

    bm_der_add(buf, BM_DER_OID, bm_bytes(oid, sizeof(oid)));
    set = bm_der_begin(buf, BM_DER_SET);
    for (unsigned i = 0; i < values; i++)
        bm_der_add(buf, tag, value);
    bm_der_end(buf, set);
    bm_der_end(buf, attr);
}

/* proves: RFC5272 3.2.1 */
/* proves: RFC5272 3.2.1.2 */
/* proves: RFC5272 3.2.2 */
/* proves: RFC5272 6 */
/* proves: RFC5272 6.6 */
static void
refuses_every_other_pki_data(void **state)
{
    KIT_BUF(csr);

    (void)state;
    kit_csr(&csr, op, NULL);
    for (enum fault fault = GOOD; fault < FAULTS; fault++) {
        KIT_BUF(content);
        KIT_BUF(attrs);
        KIT_BUF(der);
        uint8_t digest[BM_HASH];
        struct bm_cmc cmc;
        size_t set;

        pki_data_add(&content, bm_buf_bytes(&csr), fault);
        bm_sha256(digest, bm_buf_bytes(&content));
        set = bm_der_begin(&attrs, BM_DER_SET);
        attr_add(&attrs, 3, BM_DER_OID, bm_bytes(pki_data, sizeof(pki_data)), 1);
        attr_add(&attrs, 4, BM_DER_OCTET_STRING, bm_bytes(digest, BM_HASH), 1);
        bm_der_end(&attrs, set);
        kit_cmc_sign(&der, op, bm_buf_bytes(&content), bm_buf_bytes(&attrs));
        if (fault != GOOD) {
            assert_refused_saying(BM_EINPUT, bm_cmc_parse(&cmc, bm_buf_bytes(&der), &kit_fail), fault_words[fault]);
            continue;
        }
        assert_ok(bm_cmc_parse(&cmc, bm_buf_bytes(&der), &kit_fail));
        assert_ok(bm_cmc_check(kit_crypto, &cmc, bm_private_public(op), &kit_fail));
        assert_true(bm_bytes_equal(cmc.sender_nonce, bm_bytes_str("sender's")));
        assert_true(bm_bytes_equal(cmc.transaction_id, bm_bytes_str("77")));
    }
}

/* proves: RFC5652 5.3 */
/* proves: RFC5652 11.1 */
static void
refuses_attributes_twice_missing_or_of_several_values(void **state)
{
    static const struct {
        unsigned types, type_values, digests, digest_values, others;
        const char *words; /* NULL: taken */
    } cases[] = {
        { 1, 1, 1, 1, 0, NULL },
        { 1, 1, 1, 1, 1, NULL },
        { 1, 1, 1, 1, 2, "has a signed attribute twice" },
        { 2, 1, 1, 1, 0, "has a signed attribute twice" },
        { 1, 1, 2, 1, 0, "has a signed attribute twice" },
        { 0, 1, 1, 1, 0, "does not sign its content type" },
        { 1, 2, 1, 1, 0, "does not sign its content type" },
        { 1, 1, 0, 1, 0, "does not sign one message digest" },
        { 1, 1, 1, 2, 0, "does not sign one message digest" },
        { 1, 1, 1, 0, 0, "does not sign one message digest" },
    };
    KIT_BUF(csr);

    (void)state;
    kit_csr(&csr, op, NULL);
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        KIT_BUF(content);
        KIT_BUF(attrs);
        KIT_BUF(der);
        uint8_t digest[BM_HASH];
        struct bm_cmc cmc;
        size_t set;

        pki_data_add(&content, bm_buf_bytes(&csr), GOOD);
        bm_sha256(digest, bm_buf_bytes(&content));
        set = bm_der_begin(&attrs, BM_DER_SET);
        for (unsigned n = 0; n < cases[i].types; n++)
            attr_add(&attrs, 3, BM_DER_OID, bm_bytes(pki_data, sizeof(pki_data)), cases[i].type_values);
        for (unsigned n = 0; n < cases[i].digests; n++)
            attr_add(&attrs, 4, BM_DER_OCTET_STRING, bm_bytes(digest, BM_HASH), cases[i].digest_values);
        for (unsigned n = 0; n < cases[i].others; n++)
            attr_add(&attrs, 5, BM_DER_UTC_TIME, bm_bytes_str("261123213409Z"), 1);
        bm_der_end(&attrs, set);
        kit_cmc_sign(&der, op, bm_buf_bytes(&content), bm_buf_bytes(&attrs));
        if (cases[i].words == NULL)
            assert_ok(bm_cmc_parse(&cmc, bm_buf_bytes(&der), &kit_fail));
        else
            assert_refused_saying(BM_EINPUT, bm_cmc_parse(&cmc, bm_buf_bytes(&der), &kit_fail), cases[i].words);
    }
}

/* proves: RFC5652 5.4 */
static void
refuses_a_digest_that_does_not_go_with_the_signature(void **state)
{
    KIT_BUF(der);
    struct bm_cmc cmc;
    unsigned changed = 0;

    (void)state;
    kit_cmc(&der, op, op, bm_bytes_str(KIT_NONCE));
    for (size_t i = 0; i + sizeof(sha256) <= der.n; i++)
        if (memcmp(der.p + i, sha256, sizeof(sha256)) == 0) {
            der.p[i + sizeof(sha256) - 1] = 3; /* SHA-512, in both places */
            changed++;
        }
    assert_int_equal(changed, 2);
    assert_refused_saying(BM_EINPUT, bm_cmc_parse(&cmc, bm_buf_bytes(&der), &kit_fail), "does not go with its signature algorithm");
}

static void
refuses_another_key_and_a_changed_content(void **state)
{
    KIT_KEY(other);
    KIT_BUF(der);
    struct bm_cmc cmc;

    (void)state;
    assert_ok(bm_private_generate(&other, BM_KEY_P256, &kit_fail));
    kit_cmc(&der, other, op, bm_bytes_str(KIT_NONCE));
    assert_ok(bm_cmc_parse(&cmc, bm_buf_bytes(&der), &kit_fail));
    assert_refused_saying(BM_EPOLICY, bm_cmc_check(kit_crypto, &cmc, bm_private_public(op), &kit_fail), "the root key's signature");
    assert_ok(bm_cmc_check(kit_crypto, &cmc, bm_private_public(other), &kit_fail));
    der.p[cmc.recipient_nonce.p - der.p] ^= 1;
    assert_refused_saying(BM_EPOLICY, bm_cmc_check(kit_crypto, &cmc, bm_private_public(other), &kit_fail), "not what its signature covers");
}

static void
refuses_every_truncation_and_every_longer_message(void **state)
{
    KIT_KEY(root);
    KIT_BUF(der);
    struct bm_cmc cmc;

    (void)state;
    root_make(&root, &kinds[0]);
    content_write("content.in");
    kit_run("openssl cms -sign -binary -nodetach -econtent_type 1.3.6.1.5.5.7.12.2 -keyid -signer p256.pem -inkey p256.key -in content.in "
            "-outform DER "
            "-out theirs.der");
    kit_read(&der, "theirs.der");
    assert_ok(bm_cmc_parse(&cmc, bm_buf_bytes(&der), &kit_fail));
    for (size_t n = 0; n < der.n; n++) {
        KIT_BUF(part); /* its own memory, so that a sanitizer sees a step beyond it */

        bm_buf_add(&part, der.p, n);
        assert_rc(BM_EINPUT, bm_cmc_parse(&cmc, bm_buf_bytes(&part), &kit_fail));
    }
    bm_buf_add_u8(&der, 0);
    assert_rc(BM_EINPUT, bm_cmc_parse(&cmc, bm_buf_bytes(&der), &kit_fail));
}

static void
no_changed_bit_changes_what_is_asked_for(void **state)
{
    KIT_BUF(der);
    struct bm_cmc good, cmc;

    (void)state;
    kit_cmc(&der, op, op, bm_bytes_str(KIT_NONCE));
    assert_ok(bm_cmc_parse(&good, bm_buf_bytes(&der), &kit_fail));
    for (size_t bit = 0; bit < 8 * der.n; bit++) {
        KIT_BUF(changed);

        bm_buf_add_bytes(&changed, bm_buf_bytes(&der));
        changed.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (bm_cmc_parse(&cmc, bm_buf_bytes(&changed), &kit_fail) != BM_OK ||
            bm_cmc_check(kit_crypto, &cmc, bm_private_public(op), &kit_fail) != BM_OK)
            continue;
        assert_true(bm_bytes_equal(cmc.content, good.content));
        assert_true(bm_bytes_equal(cmc.signed_attrs, good.signed_attrs));
        assert_true(bm_bytes_equal(cmc.csr.der, good.csr.der));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_checks_what_we_build),
        cmocka_unit_test(ed25519_roots_digest_with_sha512),
        cmocka_unit_test(openssl_verifies_what_we_build),
        cmocka_unit_test(reads_and_checks_what_openssl_makes),
        cmocka_unit_test(refuses_what_openssl_makes_otherwise),
        cmocka_unit_test(refuses_every_other_pki_data),
        cmocka_unit_test(refuses_attributes_twice_missing_or_of_several_values),
        cmocka_unit_test(refuses_a_digest_that_does_not_go_with_the_signature),
        cmocka_unit_test(refuses_another_key_and_a_changed_content),
        cmocka_unit_test(refuses_every_truncation_and_every_longer_message),
        cmocka_unit_test(no_changed_bit_changes_what_is_asked_for),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
