/* test_bundle.c - the whole chain of evidence by a root key that signs: each link is needed, and none can be taken from another chip. */
#include "bundle_kit.h"

#include "evidence/dice.h"
#include "evidence/word.h"

/* ---- root-signed ---- */

static void
a_root_signed_chain_stands(void **state)
{
    MADE(made);

    (void)state;
    cmc_make(&made, BM_ROOT_SECURE_ELEMENT, root, op, NOW / BM_NONCE_EPOCH);
    assert_ok(check(&made, &fresh));
    assert_true(made.proven);
    assert_int_equal(made.claim->evidence, BM_EV_ROOT_SIGNED);
    assert_int_equal(made.claim->shown.proven, BM_PROVEN_ROOT_SIGNED); /* and not where the operational key lives */
    assert_string_equal(made.claim->leaf.id, "chip-2");
    assert_memory_equal(made.claim->root_hash, bm_private_public(root)->hash, BM_HASH);
    assert_memory_equal(made.claim->key.hash, bm_private_public(op)->hash, BM_HASH);
    assert_true(made.claim->csr.n > 0);
}

static void
software_is_called_software_however_it_spoke(void **state)
{
    MADE(made);

    (void)state;
    cmc_make(&made, BM_ROOT_SOFTWARE, root, op, NOW / BM_NONCE_EPOCH - 1);
    assert_ok(check(&made, &fresh));
    assert_int_equal(made.claim->evidence, BM_EV_SOFTWARE);
    assert_int_equal(made.claim->shown.proven, BM_PROVEN_SOFTWARE);
}

/* Certificates from the root key over DeviceID (here: spare) to Alias (here: ak). */
static void
dice_make(struct bm_buf *der, struct bm_private *device_id, struct bm_bytes csr)
{
    static const uint8_t boot[BM_HASH] = { 1 }, code[BM_HASH] = { 2 };
    struct bm_private *const issuers[] = { root, device_id }, *const subjects[] = { device_id, ak };
    KIT_BUF(tbs);
    KIT_BUF(signature);
    struct bm_buf certs[2] = { { .max = BM_MAX_CERT }, { .max = BM_MAX_CERT } };

    for (size_t i = 0; i < 2; i++) {
        bm_buf_reset(&tbs);
        bm_buf_reset(&signature);
        assert_ok(bm_dice_tbs_build(&tbs, bm_private_public(issuers[i]), bm_private_public(subjects[i]),
                                    i == 0 ? BM_DICE_DEVICE_ID : BM_DICE_ALIAS, i == 0 ? boot : code, &kit_fail));
        assert_ok(bm_private_sign(issuers[i], bm_buf_bytes(&tbs), &signature, &kit_fail));
        bm_signed_build(&certs[i], bm_buf_bytes(&tbs), bm_private_alg(issuers[i]), bm_buf_bytes(&signature));
    }
    bm_buf_reset(&tbs);
    bm_buf_reset(&signature);
    bm_word_tbs(&tbs, BM_WORD_DICE, csr);
    assert_ok(bm_private_sign(ak, bm_buf_bytes(&tbs), &signature, &kit_fail));
    bm_dice_evidence_build(der, &(struct bm_dice_evidence){ bm_buf_bytes(&certs[0]), bm_buf_bytes(&certs[1]), bm_buf_bytes(&signature) });
    assert_false(der->bad);
    bm_buf_done(&certs[0]);
    bm_buf_done(&certs[1]);
}

static void
measured_make(struct made *made, enum bm_root_kind kind, bool recorded)
{
    uint8_t nonce[BM_NONCE];
    KIT_BUF(csr);
    KIT_BUF(dice);
    KIT_BUF(content);
    KIT_BUF(attrs);

    lot_make(made, kind);
    bm_nonce_make(nonce, &k, BM_PURPOSE_ROOT, bm_private_public(root)->hash, NOW / BM_NONCE_EPOCH);
    kit_csr(&csr, op, NULL);
    dice_make(&dice, ek, recorded ? bm_bytes_str("yesterday's request") : bm_buf_bytes(&csr));
    bm_cmc_prepare_dice(&content, &attrs, bm_buf_bytes(&csr), bm_bytes(nonce, BM_NONCE), bm_buf_bytes(&dice), bm_private_alg(root));
    assert_false(content.bad || attrs.bad);
    kit_cmc_sign(&made->body, root, bm_buf_bytes(&content), bm_buf_bytes(&attrs));
    bundle_close(made, BM_BODY_CMC);
}

static void
what_the_chip_measured_is_told_where_it_signs_for_this_request(void **state)
{
    MADE(made);
    MADE(soft);
    MADE(old);

    (void)state;
    measured_make(&made, BM_ROOT_PUF, false);
    assert_ok(check(&made, &fresh));
    assert_int_equal(made.claim->shown.proven, BM_PROVEN_ROOT_SIGNED | BM_PROVEN_DICE);
    assert_true(made.claim->shown.first[0] == 1 && made.claim->shown.code[0] == 2);
    measured_make(&soft, BM_ROOT_SOFTWARE, false);
    assert_ok(check(&soft, &fresh));
    assert_int_equal(soft.claim->shown.proven, BM_PROVEN_SOFTWARE);
    /* recorded evidence under a fresh signature: refused, and on record */
    measured_make(&old, BM_ROOT_PUF, true);
    assert_refused_saying(BM_EPOLICY, check(&old, &fresh), "evidence of another request or device proves nothing");
    assert_true(old.proven);
}

static void
a_root_is_found_by_its_certificate_too(void **state)
{
    KIT_BUF(pem);
    KIT_BUF(csr);
    KIT_BUF(content);
    KIT_BUF(attrs);
    MADE(made);

    (void)state;
    lot_make(&made, BM_ROOT_SECURE_ELEMENT);
    assert_ok(bm_private_build(&pem, root, &kit_fail));
    kit_write("root.key", bm_buf_bytes(&pem));
    kit_csr(&csr, op, NULL);
    bm_cmc_prepare(&content, &attrs, bm_buf_bytes(&csr), bm_bytes_str(KIT_NONCE), BM_SIG_ECDSA_SHA256);
    kit_write("content", bm_buf_bytes(&content));
    kit_run("openssl req -x509 -new -key root.key -subj /CN=chip -days 10 -out root.pem && openssl cms -sign -binary -nodetach "
            "-econtent_type 1.3.6.1.5.5.7.12.2 -signer root.pem -inkey root.key -in content -outform DER -out cmc.der");
    kit_read(&made.body, "cmc.der");
    bundle_close(&made, BM_BODY_CMC);
    assert_ok(check(&made, NULL));
    assert_refused_saying(BM_EPOLICY, check(&made, &fresh), "the nonce is stale or not ours");
    assert_false(made.proven);
}

/* The certificate that a root key signs with, or any beside it. */
static void
a_certificate_of_a_test_hierarchy_is_told(void **state)
{
    static const char *const commands[] = {
        "openssl req -x509 -new -key root.key -subj /CN=chip -days 10 -out root.pem",
        "openssl req -x509 -new -key root.key -subj /CN=chip -days 10 -addext "
        "certificatePolicies=2.25.136450369687967767426175778406050114183 -out root.pem",
    };
    KIT_BUF(pem);
    KIT_BUF(csr);
    KIT_BUF(content);
    KIT_BUF(attrs);

    (void)state;
    assert_ok(bm_private_build(&pem, root, &kit_fail));
    kit_write("root.key", bm_buf_bytes(&pem));
    kit_csr(&csr, op, NULL);
    bm_cmc_prepare(&content, &attrs, bm_buf_bytes(&csr), bm_bytes_str(KIT_NONCE), BM_SIG_ECDSA_SHA256);
    kit_write("content", bm_buf_bytes(&content));
    for (size_t i = 0; i < 2; i++) {
        MADE(made);

        lot_make(&made, BM_ROOT_SECURE_ELEMENT);
        kit_run("%s", commands[i]);
        kit_run("openssl cms -sign -binary -nodetach -econtent_type 1.3.6.1.5.5.7.12.2 -signer root.pem -inkey root.key -in content "
                "-outform DER -out cmc.der");
        kit_read(&made.body, "cmc.der");
        bundle_close(&made, BM_BODY_CMC);
        assert_ok(check(&made, NULL));
        assert_int_equal(made.claim->test, i == 1);
    }
}

static void
an_auditor_checks_everything_but_freshness(void **state)
{
    MADE(made);

    (void)state;
    cmc_make(&made, BM_ROOT_SECURE_ELEMENT, root, op, 1);
    assert_refused_saying(BM_EPOLICY, check(&made, &fresh), "the nonce is stale or not ours");
    assert_false(made.proven); /* replayed: nobody fills the ledger with old messages */
    assert_ok(check(&made, NULL));
    assert_true(made.proven);
}

/* proves: RFC6962 2.1.1 */
static void
the_leaf_must_stand_in_the_tree_at_its_place(void **state)
{
    MADE(made);

    (void)state;
    cmc_make(&made, BM_ROOT_SECURE_ELEMENT, root, op, NOW / BM_NONCE_EPOCH);
    for (uint64_t i = 0; i < SIZE + 1; i++) {
        made.bundle.index = i;
        assert_rc(i == INDEX ? BM_OK : BM_EPOLICY, check(&made, &fresh));
        assert_int_equal(made.proven, i == INDEX);
    }
    made.bundle.index = INDEX;
    made.bundle.lot_root[31] ^= 1;
    assert_refused_saying(BM_EPOLICY, check(&made, &fresh), "does not stand at place 2");
    made.bundle.lot_root[31] ^= 1;
    made.bundle.lot_size = SIZE + 8;
    assert_rc(BM_EPOLICY, check(&made, &fresh));
    made.bundle.lot_size = SIZE;
    made.leaf.p[made.leaf.n / 2] ^= 1; /* a key of one's own in somebody's leaf */
    assert_int_not_equal(check(&made, &fresh), BM_OK);
    assert_false(made.proven);
}

static void
only_a_signing_key_of_the_leaf_speaks(void **state)
{
    struct bm_private *others[] = { op, ak, ek };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(others); i++) {
        MADE(made);

        cmc_make(&made, BM_ROOT_TPM, others[i], op, NOW / BM_NONCE_EPOCH);
        assert_refused_saying(BM_EPOLICY, check(&made, &fresh), "is not signed by a root key of chip chip-2");
        assert_false(made.proven);
    }
}

/* The right key identifier over somebody else's signature. */
static void
a_borrowed_key_identifier_is_not_enough(void **state)
{
    KIT_BUF(csr);
    KIT_BUF(content);
    KIT_BUF(attrs);
    KIT_BUF(signature);
    uint8_t nonce[BM_NONCE];
    MADE(made);

    (void)state;
    lot_make(&made, BM_ROOT_SECURE_ELEMENT);
    bm_nonce_make(nonce, &k, BM_PURPOSE_ROOT, bm_private_public(root)->hash, NOW / BM_NONCE_EPOCH);
    kit_csr(&csr, op, NULL);
    bm_cmc_prepare(&content, &attrs, bm_buf_bytes(&csr), bm_bytes(nonce, BM_NONCE), BM_SIG_ECDSA_SHA256);
    assert_ok(bm_private_sign(op, bm_buf_bytes(&attrs), &signature, &kit_fail));
    bm_cmc_build(&made.body, bm_buf_bytes(&content), bm_buf_bytes(&attrs), bm_key_ski(bm_private_public(root)).octets, BM_SIG_ECDSA_SHA256,
                 bm_buf_bytes(&signature));
    bundle_close(&made, BM_BODY_CMC);
    assert_refused_saying(BM_EPOLICY, check(&made, &fresh), "the root key's signature");
    assert_false(made.proven);
}

static void
a_request_for_a_root_key_is_refused_and_on_record(void **state)
{
    struct bm_private *roots[] = { root, ek };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(roots); i++) {
        MADE(made);

        cmc_make(&made, BM_ROOT_TPM, root, roots[i], NOW / BM_NONCE_EPOCH);
        assert_refused_saying(BM_EPOLICY, check(&made, &fresh), "for a root key of the chip");
        assert_true(made.proven);
    }
}

static void
a_csr_that_does_not_prove_its_key_is_refused_and_on_record(void **state)
{
    KIT_BUF(csr);
    KIT_BUF(content);
    KIT_BUF(attrs);
    uint8_t nonce[BM_NONCE];
    MADE(made);

    (void)state;
    lot_make(&made, BM_ROOT_SECURE_ELEMENT);
    bm_nonce_make(nonce, &k, BM_PURPOSE_ROOT, bm_private_public(root)->hash, NOW / BM_NONCE_EPOCH);
    kit_csr(&csr, op, NULL);
    csr.p[csr.n - 1] ^= 1;
    bm_cmc_prepare(&content, &attrs, bm_buf_bytes(&csr), bm_bytes(nonce, BM_NONCE), BM_SIG_ECDSA_SHA256);
    kit_cmc_sign(&made.body, root, bm_buf_bytes(&content), bm_buf_bytes(&attrs));
    bundle_close(&made, BM_BODY_CMC);
    assert_int_not_equal(check(&made, &fresh), BM_OK);
    assert_true(made.proven);
}

static void
a_chip_listed_by_its_keys_takes_no_certificates(void **state)
{
    MADE(made);

    (void)state;
    cmc_make(&made, BM_ROOT_SECURE_ELEMENT, root, op, NOW / BM_NONCE_EPOCH);
    made.bundle.chain[made.bundle.nchain++] = bm_bytes_str("a certificate");
    assert_refused_saying(BM_EINPUT, check(&made, &fresh), "carries certificates all the same");
    assert_false(made.proven);
}

/* ---- tls-front ---- */

static void
tls_make(struct made *made, enum bm_root_kind kind, const struct bm_private *peer, struct bm_private *key)
{
    struct bm_tls_front front;
    KIT_BUF(csr);

    lot_make(made, kind);
    kit_csr(&csr, key, NULL);
    memcpy(front.peer, bm_private_public(peer)->hash, BM_HASH);
    front.csr = bm_buf_bytes(&csr);
    bm_tls_front_build(&made->body, &front);
    bundle_close(made, BM_BODY_TLS);
}

static void
what_the_gate_says_of_a_tls_client_is_a_class_of_its_own_and_never_proven(void **state)
{
    MADE(made);
    MADE(soft);
    MADE(stranger);
    MADE(decrypts);
    MADE(itself);
    struct bm_tls_front front;

    (void)state;
    tls_make(&made, BM_ROOT_SECURE_ELEMENT, root, op);
    assert_ok(check(&made, &fresh));
    assert_false(made.proven);
    assert_true(made.claim->tls_front);
    assert_int_equal(made.claim->evidence, BM_EV_TLS_FRONT);
    assert_int_equal(made.claim->shown.proven, BM_PROVEN_TLS_FRONT);
    assert_memory_equal(made.claim->root_hash, bm_private_public(root)->hash, BM_HASH);
    for (size_t n = 0; n < made.body.n; n++)
        assert_rc(BM_EINPUT, bm_tls_front_parse(&front, bm_bytes(made.body.p, n), &kit_fail));
    /* software, and over TLS alone: both, so that it is capped too */
    tls_make(&soft, BM_ROOT_SOFTWARE, root, op);
    assert_ok(check(&soft, &fresh));
    assert_int_equal(soft.claim->evidence, BM_EV_SOFTWARE);
    assert_int_equal(soft.claim->shown.proven, BM_PROVEN_SOFTWARE | BM_PROVEN_TLS_FRONT);
    tls_make(&stranger, BM_ROOT_SECURE_ELEMENT, ak, op);
    assert_refused_saying(BM_EPOLICY, check(&stranger, &fresh), "no signing root key that the lot lists");
    tls_make(&decrypts, BM_ROOT_TPM, ek, op);
    assert_refused_saying(BM_EPOLICY, check(&decrypts, &fresh), "no signing root key that the lot lists");
    tls_make(&itself, BM_ROOT_SECURE_ELEMENT, root, root);
    assert_refused_saying(BM_EPOLICY, check(&itself, &fresh), "for a root key of the chip");
    /* nothing goes with it that a root key would have to vouch for */
    made.bundle.part[BM_PART_RENEWAL] = bm_bytes_str("x");
    assert_refused_saying(BM_EINPUT, check(&made, &fresh), "has no parts");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_root_signed_chain_stands),
        cmocka_unit_test(software_is_called_software_however_it_spoke),
        cmocka_unit_test(what_the_chip_measured_is_told_where_it_signs_for_this_request),
        cmocka_unit_test(a_root_is_found_by_its_certificate_too),
        cmocka_unit_test(a_certificate_of_a_test_hierarchy_is_told),
        cmocka_unit_test(an_auditor_checks_everything_but_freshness),
        cmocka_unit_test(the_leaf_must_stand_in_the_tree_at_its_place),
        cmocka_unit_test(only_a_signing_key_of_the_leaf_speaks),
        cmocka_unit_test(a_borrowed_key_identifier_is_not_enough),
        cmocka_unit_test(a_request_for_a_root_key_is_refused_and_on_record),
        cmocka_unit_test(a_csr_that_does_not_prove_its_key_is_refused_and_on_record),
        cmocka_unit_test(a_chip_listed_by_its_keys_takes_no_certificates),
        cmocka_unit_test(what_the_gate_says_of_a_tls_client_is_a_class_of_its_own_and_never_proven),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
