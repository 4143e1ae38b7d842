/* test_attested.c - the attestation attribute of a request: the one that holds stands, every other falls, and beside a root key's signature it adds what it proves. */
#include "soft_tpm.h"

#include "evidence/attested.h"
#include "pki/oid.h"
#include "pki/tbs.h"

#define NOW 1795469649

static const struct bm_secret k = { .b = "the signer's nonce key, 32 bytes", .n = 32 };
static const struct bm_freshness fresh = { .k = &k, .now = NOW };

static struct bm_private *root, *iak, *op, *other; /* all P-256; the lot lists the first as signing, the second as attesting */
static struct bm_claim claim;                      /* 10 KB: not on the stack */

static int
begin(void **state)
{
    struct bm_private **keys[] = { &root, &iak, &op, &other };

    (void)state;
    assert_ok(bm_crypto_new(&kit_crypto, &kit_fail));
    for (size_t i = 0; i < BM_COUNT(keys); i++)
        assert_ok(bm_private_generate(keys[i], BM_KEY_P256, &kit_fail));
    return 0;
}

static int
end(void **state)
{
    (void)state;
    bm_private_free(root);
    bm_private_free(iak);
    bm_private_free(op);
    bm_private_free(other);
    bm_crypto_free(kit_crypto);
    return 0;
}

/* ---- every way to tell it ---- */

enum lie {
    TRUTH,
    CREATED,   /* the truth by TPM2_CertifyCreation */
    BY_CERT,   /* the truth, the attestation key named by its certificate */
    WITH_HINT, /* the truth as revisions up to 20 of the draft have it */
    AMONG_OTHERS,
    NOT_A_TPM,
    BY_SIGNING_KEY,
    IAK_OF_ANOTHER,
    SIGNED_BY_ANOTHER,
    STALE,
    NONCE_OF_ANOTHER,
    NO_NONCE,
    NOT_GENERATED,
    QUOTE,
    OTHER_KEY,
    OP_RESTRICTED,
    OP_FROM_OUTSIDE,
    OP_IS_IAK,
    OTHER_REQUEST, /* the attestation put into a request for another key */
    UNPROVEN,      /* into a request for this key, signed by another */
    NO_AREA,
    NO_LABEL,
    UNKNOWN_LABEL,
    UNKNOWN_CHOICE,
    NO_LABELS_IN_LIST,
    NINE_LABELS,
    UNKNOWN_TYPE,
    NO_STATEMENT,
    TWO_STATEMENTS,
    NINE_STATEMENTS,
    TWO_ATTRIBUTES,
    TWO_VALUES,
    MORE_BEHIND,
    NO_ATTRIBUTE,
    LIES
};
static const struct {
    enum bm_rc rc;
    bool proven;
    const char *words;
    enum bm_rc beside; /* the same attribute in a request that the root key signed */
    bool adds;
} lies[LIES] = {
    [TRUTH] = { BM_OK, true, "", BM_OK, true },
    [CREATED] = { BM_OK, true, "", BM_OK, true },
    [BY_CERT] = { BM_OK, true, "", BM_OK, true },
    [WITH_HINT] = { BM_OK, true, "", BM_OK, true },
    [AMONG_OTHERS] = { BM_OK, true, "", BM_OK, true },
    [NOT_A_TPM] = { BM_EPOLICY, false, "is no TPM", BM_OK, false },
    [BY_SIGNING_KEY] = { BM_EPOLICY, false, "not one that the lot lists", BM_OK, false },
    [IAK_OF_ANOTHER] = { BM_EPOLICY, false, "not one that the lot lists", BM_OK, false },
    [SIGNED_BY_ANOTHER] = { BM_EPOLICY, false, "the attestation key's signature", BM_EPOLICY, false },
    [STALE] = { BM_EPOLICY, false, "the nonce is stale", BM_EPOLICY, false },
    [NONCE_OF_ANOTHER] = { BM_EPOLICY, false, "the nonce is stale or not ours", BM_EPOLICY, false },
    [NO_NONCE] = { BM_EPOLICY, false, "the nonce is stale or not ours", BM_EPOLICY, false },
    [NOT_GENERATED] = { BM_EINPUT, false, "is not what TPM2_Certify", BM_EINPUT, false },
    [QUOTE] = { BM_EINPUT, false, "is not what TPM2_Certify", BM_EINPUT, false },
    [OTHER_KEY] = { BM_EPOLICY, true, "about another key", BM_EPOLICY, false },
    [OP_RESTRICTED] = { BM_EPOLICY, true, "is restricted", BM_EPOLICY, false },
    [OP_FROM_OUTSIDE] = { BM_EPOLICY, true, "may leave the TPM", BM_EPOLICY, false },
    [OP_IS_IAK] = { BM_EPOLICY, true, "for a root key of the chip", BM_EPOLICY, false },
    [OTHER_REQUEST] = { BM_EPOLICY, true, "for another key than the one that the TPM certified", BM_EPOLICY, false },
    [UNPROVEN] = { BM_EPOLICY, true, "", BM_EPOLICY, false },
    [NO_AREA] = { BM_EINPUT, false, "that is not TPMS_ATTEST, TPMT_SIGNATURE and TPMT_PUBLIC", BM_OK, false },
    [NO_LABEL] = { BM_EINPUT, false, "does not name the attestation key", BM_OK, false },
    [UNKNOWN_LABEL] = { BM_EINPUT, false, "does not name the attestation key", BM_OK, false },
    [UNKNOWN_CHOICE] = { BM_EINPUT, false, "has malformed certificates", BM_OK, false },
    [NO_LABELS_IN_LIST] = { BM_EINPUT, false, "none in their list", BM_OK, false },
    [NINE_LABELS] = { BM_EINPUT, false, "more than eight", BM_OK, false },
    [UNKNOWN_TYPE] = { BM_EINPUT, false, "no statement of a kind that we read, and nothing else speaks", BM_OK, false },
    [NO_STATEMENT] = { BM_EINPUT, false, "has malformed statements, or none", BM_OK, false },
    [TWO_STATEMENTS] = { BM_EINPUT, false, "has two statements by TPM2_Certify", BM_OK, false },
    [NINE_STATEMENTS] = { BM_EINPUT, false, "or more than eight", BM_OK, false },
    [TWO_ATTRIBUTES] = { BM_EINPUT, false, "is there twice", BM_OK, false },
    [TWO_VALUES] = { BM_EINPUT, false, "is not one AttestationBundle", BM_OK, false },
    [MORE_BEHIND] = { BM_EINPUT, false, "is not one AttestationBundle", BM_OK, false },
    [NO_ATTRIBUTE] = { BM_EINPUT, false, "nothing speaks for the request", BM_OK, false },
};

/* ---- the attribute, put together here ---- */

static const uint8_t attribute_oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x3b };
static const uint8_t certify_oid[] = { 0x67, 0x81, 0x05, 0x14, 0x01 };
static const uint8_t strange_oid[] = { 0x67, 0x81, 0x05, 0x14, 0x02 };
static const uint8_t key_oid[] = { 0x69, 0x82, 0x9c, 0xd6, 0xf8, 0x8a, 0xd2, 0xd3, 0x9a, 0xa2,
                                   0xaf, 0x8d, 0x94, 0x90, 0xc9, 0xa8, 0xd3, 0xf3, 0x8c, 0x66 };

struct said {
    struct bm_buf attest, signature, area;
};
static void
said_done(struct said *said)
{
    bm_buf_done(&said->attest);
    bm_buf_done(&said->signature);
    bm_buf_done(&said->area);
}

static void
strange_add(struct bm_buf *buf, size_t n)
{
    for (; n > 0; n--) {
        size_t at = bm_der_begin(buf, BM_DER_SEQUENCE);

        bm_der_add(buf, BM_DER_OID, BM_OID(strange_oid));
        bm_der_add(buf, BM_DER_OCTET_STRING, bm_bytes_str("somebody else's"));
        bm_der_add_boolean(buf, true);
        bm_der_end(buf, at);
    }
}

static void
statement_add(struct bm_buf *buf, const struct said *said, enum lie lie)
{
    size_t at = bm_der_begin(buf, BM_DER_SEQUENCE), stmt;

    bm_der_add(buf, BM_DER_OID, BM_OID(certify_oid));
    stmt = bm_der_begin(buf, BM_DER_SEQUENCE);
    bm_der_add(buf, BM_DER_OCTET_STRING, bm_buf_bytes(&said->attest));
    bm_der_add(buf, BM_DER_OCTET_STRING, bm_buf_bytes(&said->signature));
    if (lie != NO_AREA)
        bm_der_add(buf, BM_DER_OCTET_STRING, bm_buf_bytes(&said->area));
    bm_der_end(buf, stmt);
    if (lie == WITH_HINT)
        bm_der_add(buf, BM_DER_UTF8, bm_bytes_str("verifier.example.com"));
    bm_der_end(buf, at);
}

static void
statements_add(struct bm_buf *buf, const struct said *said, enum lie lie)
{
    size_t at = bm_der_begin(buf, BM_DER_SEQUENCE);

    strange_add(buf, lie == AMONG_OTHERS ? 3 : lie == UNKNOWN_TYPE ? 1 : lie == NINE_STATEMENTS ? 8 : 0);
    if (lie != UNKNOWN_TYPE && lie != NO_STATEMENT)
        statement_add(buf, said, lie);
    if (lie == TWO_STATEMENTS)
        statement_add(buf, said, lie);
    strange_add(buf, lie == AMONG_OTHERS ? 4 : 0);
    bm_der_end(buf, at);
}

static void
key_add(struct bm_buf *buf, unsigned tag, struct bm_bytes oid, const struct bm_private *key)
{
    size_t at = bm_der_begin(buf, tag);

    bm_der_add(buf, BM_DER_OID, oid);
    bm_buf_add_bytes(buf, bm_key_spki(bm_private_public(key)));
    bm_der_end(buf, at);
}

static void
cert_add(struct bm_buf *buf, struct bm_private *key)
{
    static const uint8_t serial[16] = { 7 };
    const struct bm_ca_subject subject = { "IAK", NULL, -1 };
    struct bm_issuer issuer = { .alg = BM_SIG_ECDSA_SHA256, .not_after = BM_TIME_NEVER };
    KIT_BUF(name);
    KIT_BUF(tbs);
    KIT_BUF(signature);

    bm_name_build(&name, NULL, "IAK");
    issuer.subject = bm_buf_bytes(&name);
    assert_ok(
        bm_tbs_ca_build(&tbs, &issuer, &subject, bm_key_spki(bm_private_public(key)), bm_bytes(serial, 16), NOW, BM_TIME_NEVER, &kit_fail));
    assert_ok(bm_private_sign(key, bm_buf_bytes(&tbs), &signature, &kit_fail));
    bm_signed_build(buf, bm_buf_bytes(&tbs), bm_private_alg(key), bm_buf_bytes(&signature));
}

static void
certs_add(struct bm_buf *buf, const struct bm_private *named, enum lie lie)
{
    const unsigned tag = BM_DER_CONTEXT_CONSTRUCTED(lie == UNKNOWN_CHOICE ? 1u : 3u);
    size_t at;

    if (lie == NO_LABEL)
        return;
    at = bm_der_begin(buf, BM_DER_SEQUENCE);
    if (lie == BY_CERT)
        cert_add(buf, iak);
    else if (lie == UNKNOWN_LABEL)
        key_add(buf, tag, BM_OID(strange_oid), named);
    else if (lie != NO_LABELS_IN_LIST)
        for (size_t n = lie == NINE_LABELS ? 9 : 1; n > 0; n--)
            key_add(buf, tag, BM_OID(key_oid), named);
    bm_der_end(buf, at);
}

static void
attribute_add(struct bm_buf *buf, const struct said *said, const struct bm_private *named, enum lie lie)
{
    size_t attribute = bm_der_begin(buf, BM_DER_SEQUENCE), values, bundle;

    bm_der_add(buf, BM_DER_OID, BM_OID(attribute_oid));
    values = bm_der_begin(buf, BM_DER_SET);
    for (size_t n = lie == TWO_VALUES ? 2 : 1; n > 0; n--) {
        bundle = bm_der_begin(buf, BM_DER_SEQUENCE);
        statements_add(buf, said, lie);
        certs_add(buf, named, lie);
        if (lie == MORE_BEHIND)
            bm_der_add_null(buf);
        bm_der_end(buf, bundle);
    }
    bm_der_end(buf, values);
    bm_der_end(buf, attribute);
    assert_false(buf->bad);
}

/* ---- what the attestation key signs, and the request around it ---- */

static void
say(struct said *said, enum lie lie)
{
    struct bm_private *by = lie == BY_SIGNING_KEY ? root : lie == IAK_OF_ANOTHER || lie == SIGNED_BY_ANOTHER ? other : iak;
    const struct bm_key *asked = bm_private_public(lie == OP_IS_IAK ? iak : op);
    struct bm_tpm_public public;
    struct soft_attest in;
    uint8_t nonce[BM_NONCE];

    soft_public(&said->area, asked, lie == OP_RESTRICTED ? SOFT_AK : lie == OP_FROM_OUTSIDE ? SOFT_OP & ~2u : SOFT_OP);
    assert_ok(bm_tpm_public_parse(&public, bm_buf_bytes(&said->area), &kit_fail));
    bm_nonce_make(nonce, &k, BM_PURPOSE_ROOT, bm_private_public(lie == NONCE_OF_ANOTHER ? root : iak)->hash,
                  (uint64_t)NOW / BM_NONCE_EPOCH - (lie == STALE ? 2 : 1));
    in = soft_certify(&public, bm_bytes(nonce, lie == NO_NONCE ? 0 : BM_NONCE));
    if (lie == CREATED)
        in.type = 0x801a;
    if (lie == QUOTE)
        in.type = 0x8018;
    if (lie == NOT_GENERATED)
        in.magic ^= 1;
    if (lie == OTHER_KEY)
        in.name = bm_bytes_str("another name");
    soft_attest_build(&said->attest, &in);
    soft_sign(&said->signature, by, bm_buf_bytes(&said->attest));
}

static void
csr_make(struct bm_buf *csr, enum lie lie)
{
    bm_cleanup(said_done) struct said said = { { .max = BM_MAX_TPM }, { .max = BM_MAX_TPM }, { .max = BM_MAX_TPM } };
    struct bm_private *named = lie == BY_SIGNING_KEY ? root : lie == IAK_OF_ANOTHER ? other : iak;
    struct bm_private *asked = lie == OTHER_REQUEST ? other : lie == OP_IS_IAK ? iak : op;
    KIT_BUF(attributes);
    KIT_BUF(info);
    KIT_BUF(signature);

    say(&said, lie);
    for (size_t n = lie == NO_ATTRIBUTE ? 0 : lie == TWO_ATTRIBUTES ? 2 : 1; n > 0; n--)
        attribute_add(&attributes, &said, named, lie);
    bm_csr_info_build_attributes(&info, bm_key_spki(bm_private_public(asked)), NULL, bm_buf_bytes(&attributes));
    assert_ok(bm_private_sign(lie == UNPROVEN ? other : asked, bm_buf_bytes(&info), &signature, &kit_fail));
    bm_csr_build(csr, bm_buf_bytes(&info), BM_SIG_ECDSA_SHA256, bm_buf_bytes(&signature));
    assert_ok(bm_buf_check(csr, "the request", &kit_fail));
}

/* ---- a lot of one chip ---- */

static enum bm_rc
check(bool *ret_proven, uint8_t body_class, struct bm_bytes body, bool tpm, const struct bm_freshness *when)
{
    struct bm_bundle bundle = { .body_class = body_class, .lot_size = 1, .body = body };
    struct bm_leaf *leaf = &claim.leaf; /* room for a large thing */
    struct bm_proof proof = { .n = 0 };
    KIT_BUF(bytes);
    KIT_BUF(path);

    *leaf = (struct bm_leaf){ .kind = BM_LEAF_KEYS, .root = tpm ? BM_ROOT_TPM : BM_ROOT_SECURE_ELEMENT, .id = "chip-1", .nkeys = 2 };
    leaf->keys[0] = (struct bm_leaf_key){ .use = BM_USE_SIGN, .key = *bm_private_public(root) };
    leaf->keys[1] = (struct bm_leaf_key){ .use = BM_USE_ATTEST, .key = *bm_private_public(iak) };
    assert_ok(bm_leaf_build(&bytes, leaf, &kit_fail));
    bundle.leaf = bm_buf_bytes(&bytes);
    bm_tree_leaf(bundle.lot_root, bundle.leaf);
    bm_proof_build(&path, &proof);
    bundle.proof = bm_buf_bytes(&path);
    *ret_proven = false;
    return bm_bundle_check(&claim, ret_proven, &bundle, kit_crypto, when, &kit_fail);
}

static void
a_request_that_the_tpm_speaks_for_stands_and_every_lie_falls(void **state)
{
    (void)state;
    for (enum lie lie = TRUTH; lie < LIES; lie++) {
        const bool auditor = lie == STALE || lie == NONCE_OF_ANOTHER || lie == NO_NONCE;
        bool proven;
        KIT_BUF(csr);
        KIT_BUF(body);

        csr_make(&csr, lie);
        bm_tpm_claim_build(&body, &(struct bm_tpm_claim){ .attested = true, .csr = bm_buf_bytes(&csr) });
        if (lies[lie].rc != BM_OK) {
            assert_refused_saying(lies[lie].rc, check(&proven, BM_BODY_TPM, bm_buf_bytes(&body), lie != NOT_A_TPM, &fresh),
                                  lies[lie].words);
        } else {
            assert_ok(check(&proven, BM_BODY_TPM, bm_buf_bytes(&body), true, &fresh));
            assert_int_equal(claim.evidence, BM_EV_ROOT_SIGNED);
            assert_int_equal(claim.shown.proven, BM_EV_ROOT_SIGNED | BM_PROVEN_TPM_RESIDENCY | BM_PROVEN_TPM_FIXED);
            assert_memory_equal(claim.root_hash, bm_private_public(iak)->hash, BM_HASH);
            assert_memory_equal(claim.key.hash, bm_private_public(op)->hash, BM_HASH);
            assert_true(bm_bytes_equal(claim.csr, bm_buf_bytes(&csr)) && !claim.tls_front);
        }
        if (proven != lies[lie].proven)
            fail_msg("lie %d: proven is %d", lie, proven);
        /* an auditor lacks the nonce key alone */
        assert_rc(auditor ? BM_OK : lies[lie].rc, check(&proven, BM_BODY_TPM, bm_buf_bytes(&body), lie != NOT_A_TPM, NULL));
    }
}

static void
beside_a_root_keys_signature_it_adds_what_holds_and_a_listed_key_must_not_lie(void **state)
{
    (void)state;
    for (enum lie lie = TRUTH; lie < LIES; lie++) {
        bool proven;
        uint8_t nonce[BM_NONCE];
        KIT_BUF(csr);
        KIT_BUF(content);
        KIT_BUF(attrs);
        KIT_BUF(body);

        csr_make(&csr, lie);
        bm_nonce_make(nonce, &k, BM_PURPOSE_ROOT, bm_private_public(root)->hash, NOW / BM_NONCE_EPOCH);
        bm_cmc_prepare(&content, &attrs, bm_buf_bytes(&csr), bm_bytes(nonce, BM_NONCE), BM_SIG_ECDSA_SHA256);
        kit_cmc_sign(&body, root, bm_buf_bytes(&content), bm_buf_bytes(&attrs));
        assert_rc(lies[lie].beside, check(&proven, BM_BODY_CMC, bm_buf_bytes(&body), lie != NOT_A_TPM, &fresh));
        assert_true(proven);
        if (lies[lie].beside != BM_OK)
            continue;
        assert_int_equal(claim.shown.proven, BM_EV_ROOT_SIGNED | (lies[lie].adds ? BM_PROVEN_TPM_RESIDENCY | BM_PROVEN_TPM_FIXED : 0u));
        assert_memory_equal(claim.root_hash, bm_private_public(root)->hash, BM_HASH);
    }
}

/* ---- bytes ---- */

static void
it_is_written_as_it_is_read(void **state)
{
    struct bm_bytes spki = bm_key_spki(bm_private_public(iak));
    struct bm_attested out;
    uint8_t hash[BM_HASH];
    struct bm_csr csr = { .attributes = { 0 } };
    KIT_BUF(buf);

    (void)state;
    bm_attested_build(&buf, bm_bytes_str("attest"), bm_bytes_str("signature"), bm_bytes_str("area"), spki);
    csr.attributes = bm_buf_bytes(&buf);
    assert_ok(bm_attested_take(&out, &csr, &kit_fail));
    assert_true(out.present && bm_bytes_equal(out.attest, bm_bytes_str("attest")));
    assert_true(bm_bytes_equal(out.signature, bm_bytes_str("signature")) && bm_bytes_equal(out.area, bm_bytes_str("area")));
    bm_sha256(hash, spki);
    assert_int_equal(out.nkeys, 1);
    assert_memory_equal(out.keys[0], hash, BM_HASH);
}

static void
every_truncation_of_a_bundle_is_refused(void **state)
{
    KIT_BUF(csr);
    struct bm_csr parsed;
    struct bm_attested out;
    struct bm_rd rd, in;
    struct bm_bytes bundle;

    (void)state;
    csr_make(&csr, BY_CERT);
    assert_ok(bm_csr_parse(&parsed, bm_buf_bytes(&csr), &kit_fail));
    rd = bm_rd(parsed.attributes);
    in = bm_der_enter(&rd, BM_DER_SEQUENCE);
    (void)bm_der_take(&in, BM_DER_OID);
    bundle = bm_der_take(&in, BM_DER_SET);
    bundle = bm_bytes(bundle.p + 4, bundle.n - 4); /* its content: 30 82 xx xx before it */
    for (size_t n = 0; n < bundle.n; n++) {
        KIT_BUF(attribute);
        size_t at = bm_der_begin(&attribute, BM_DER_SEQUENCE), set;

        bm_der_add(&attribute, BM_DER_OID, BM_OID(attribute_oid));
        set = bm_der_begin(&attribute, BM_DER_SET);
        bm_der_add(&attribute, BM_DER_SEQUENCE, bm_bytes(bundle.p, n));
        bm_der_end(&attribute, set);
        bm_der_end(&attribute, at);
        parsed.attributes = bm_buf_bytes(&attribute);
        assert_rc(BM_EINPUT, bm_attested_take(&out, &parsed, &kit_fail));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_that_the_tpm_speaks_for_stands_and_every_lie_falls),
        cmocka_unit_test(beside_a_root_keys_signature_it_adds_what_holds_and_a_listed_key_must_not_lie),
        cmocka_unit_test(it_is_written_as_it_is_read),
        cmocka_unit_test(every_truncation_of_a_bundle_is_refused),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
