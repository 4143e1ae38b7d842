/* test_bundle.c - the whole chain of evidence: each link is needed, and none can be taken from another chip. */
#include "soft_tpm.h"

#include "evidence/dice.h"
#include "evidence/word.h"

#define NOW 1795469649
#define INDEX 2
#define SIZE 5

static const struct bm_secret k = { .b = "the signer's nonce key, 32 bytes", .n = 32 };
static const struct bm_freshness fresh = { .k = &k, .now = NOW };

static struct bm_private *root, *ek, *ak, *op; /* all P-256 */

static int
begin(void **state)
{
    struct bm_private **keys[] = { &root, &ek, &ak, &op };

    assert_ok(bm_crypto_new(&kit_crypto, &kit_fail));
    for (size_t i = 0; i < BM_COUNT(keys); i++)
        assert_ok(bm_private_generate(keys[i], BM_KEY_P256, &kit_fail));
    return kit_dir_make(state);
}

static int
end(void **state)
{
    bm_private_free(root);
    bm_private_free(ek);
    bm_private_free(ak);
    bm_private_free(op);
    bm_crypto_free(kit_crypto);
    return kit_dir_remove(state);
}

static struct bm_claim claim_room; /* 10 KB: not on the stack */

/* A bundle with the memory that it looks into. */
struct made {
    struct bm_buf leaf, proof, body;
    struct bm_bundle bundle;
    struct bm_claim *claim;
    bool proven;
};

static void
made_done(struct made *made)
{
    bm_buf_done(&made->leaf);
    bm_buf_done(&made->proof);
    bm_buf_done(&made->body);
}
#define MADE(name)                                                                                                                   \
    bm_cleanup(made_done) struct made name = {                                                                                       \
        .leaf = { .max = BM_MAX_LEAF }, .proof = { .max = BM_PROOF_BYTES }, .body = { .max = BM_MAX_EVIDENCE }, .claim = &claim_room \
    }

static bool lot_iak; /* it lists an attestation key too */

/* A chip of two root keys, in place 2 of a lot of 5. */
static void
lot_make(struct made *made, enum bm_root_kind kind)
{
    struct bm_leaf *leaf = &made->claim->leaf; /* room for a large thing */
    struct bm_tree tree;
    struct bm_tree_source source;
    struct bm_proof proof;

    *leaf = (struct bm_leaf){ .kind = BM_LEAF_KEYS, .root = kind, .id = "chip-2", .nkeys = 2 };
    leaf->keys[0] = (struct bm_leaf_key){ .use = BM_USE_SIGN, .key = *bm_private_public(root) };
    leaf->keys[1] = (struct bm_leaf_key){ .use = BM_USE_DECRYPT, .key = *bm_private_public(ek) };
    if (lot_iak)
        leaf->keys[leaf->nkeys++] = (struct bm_leaf_key){ .use = BM_USE_ATTEST, .key = *bm_private_public(ak) };
    assert_ok(bm_leaf_build(&made->leaf, leaf, &kit_fail));
    bm_tree_init(&tree, SIZE);
    for (uint64_t i = 0; i < SIZE; i++) {
        uint8_t hash[BM_HASH];

        bm_tree_leaf(hash, i == INDEX ? bm_buf_bytes(&made->leaf) : bm_bytes(&i, sizeof(i)));
        assert_ok(bm_tree_append(&tree, hash, &kit_fail));
    }
    made->bundle = (struct bm_bundle){ .lot_size = SIZE, .index = INDEX };
    bm_tree_root(&tree, made->bundle.lot_root);
    source = bm_tree_source(&tree);
    assert_ok(bm_inclusion_make(&proof, &source, INDEX, SIZE, &kit_fail));
    bm_proof_build(&made->proof, &proof);
    bm_tree_done(&tree);
}

static void
bundle_close(struct made *made, uint8_t body_class)
{
    assert_false(made->leaf.bad || made->proof.bad || made->body.bad);
    made->bundle.body_class = body_class;
    made->bundle.leaf = bm_buf_bytes(&made->leaf);
    made->bundle.proof = bm_buf_bytes(&made->proof);
    made->bundle.body = bm_buf_bytes(&made->body);
}

static void
cmc_make(struct made *made, enum bm_root_kind kind, struct bm_private *signer, struct bm_private *key, uint64_t epoch)
{
    uint8_t nonce[BM_NONCE];

    lot_make(made, kind);
    bm_nonce_make(nonce, &k, BM_PURPOSE_ROOT, bm_private_public(signer)->hash, epoch);
    kit_cmc(&made->body, signer, key, bm_bytes(nonce, BM_NONCE));
    bundle_close(made, BM_BODY_CMC);
}

static enum bm_rc
check(struct made *made, const struct bm_freshness *when)
{
    made->proven = true; /* so that "not set" shows */
    return bm_bundle_check(made->claim, &made->proven, &made->bundle, kit_crypto, when, &kit_fail);
}

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

/* ---- tpm-activated ---- */

/* What a device's TPM may get wrong, or somebody without one may try. */
enum lie {
    TRUTH,
    NOT_A_TPM,
    EK_OF_ANOTHER,
    EK_THAT_SIGNS,
    AK_UNRESTRICTED,
    AK_NOT_ACTIVATED,
    OP_RESTRICTED,
    OP_IS_AK,
    OP_IS_ROOT,
    OP_NOT_IN_CSR,
    CSR_OF_ANOTHER_CERTIFY,
    CSR_UNPROVEN,
    CERTIFIED_BY_ANOTHER,
    STALE,
    LIES
};
static const struct {
    enum bm_rc rc;
    bool proven;
    const char *words;
} lies[LIES] = {
    [TRUTH] = { BM_OK, true, "" },
    [NOT_A_TPM] = { BM_EPOLICY, false, "is no TPM" },
    [EK_OF_ANOTHER] = { BM_EPOLICY, false, "endorsement key is not one of chip chip-2" },
    [EK_THAT_SIGNS] = { BM_EPOLICY, false, "endorsement key is not one of chip chip-2" },
    [AK_UNRESTRICTED] = { BM_EPOLICY, true, "signs anything" },
    [AK_NOT_ACTIVATED] = { BM_EPOLICY, false, "did not show that it holds its endorsement key" },
    [OP_RESTRICTED] = { BM_EPOLICY, true, "is restricted" },
    [OP_IS_AK] = { BM_EPOLICY, true, "for the attestation key" },
    [OP_IS_ROOT] = { BM_EPOLICY, true, "for a root key of the chip" },
    [OP_NOT_IN_CSR] = { BM_EPOLICY, true, "for another key than the one that the TPM certified" },
    [CSR_OF_ANOTHER_CERTIFY] = { BM_EPOLICY, true, "made for another request" },
    [CSR_UNPROVEN] = { BM_EPOLICY, true, "" },
    [CERTIFIED_BY_ANOTHER] = { BM_EPOLICY, true, "the attestation key's signature" },
    [STALE] = { BM_EPOLICY, false, "ten minutes" },
};

static void
proof_make(uint8_t ret[static BM_HASH], const struct bm_key *of, struct bm_bytes ak_name, const uint8_t digest[static BM_HASH],
           uint64_t epoch)
{
    uint8_t subject[BM_HASH], secret[BM_NONCE];

    bm_tpm_subject(subject, of->hash, ak_name);
    bm_nonce_make(secret, &k, BM_PURPOSE_TPM, subject, epoch);
    bm_hmac256(ret, bm_bytes(secret, BM_NONCE), bm_bytes(digest, BM_HASH));
}

static void
tpm_make(struct made *made, enum lie lie)
{
    struct bm_private *asked = lie == OP_IS_AK ? ak : lie == OP_IS_ROOT ? root : op;
    const struct bm_key *endorsement = bm_private_public(lie == EK_OF_ANOTHER ? ak : lie == EK_THAT_SIGNS ? root : ek);
    KIT_BUF(ak_area);
    KIT_BUF(op_area);
    KIT_BUF(csr);
    KIT_BUF(attest);
    KIT_BUF(signature);
    struct bm_tpm_public ak_public, op_public;
    uint8_t digest[BM_HASH], proof[BM_HASH];
    struct soft_attest in;

    lot_make(made, lie == NOT_A_TPM ? BM_ROOT_SECURE_ELEMENT : BM_ROOT_TPM);
    soft_public(&ak_area, bm_private_public(ak), lie == AK_UNRESTRICTED ? SOFT_OP : SOFT_AK);
    soft_public(&op_area, bm_private_public(asked), lie == OP_RESTRICTED ? SOFT_AK : SOFT_OP);
    assert_ok(bm_tpm_public_parse(&ak_public, bm_buf_bytes(&ak_area), &kit_fail));
    assert_ok(bm_tpm_public_parse(&op_public, bm_buf_bytes(&op_area), &kit_fail));
    kit_csr(&csr, lie == OP_NOT_IN_CSR ? ek : asked, NULL);
    if (lie == CSR_UNPROVEN) { /* signed by another key */
        KIT_BUF(info);
        KIT_BUF(wrong);

        bm_buf_reset(&csr);
        bm_csr_info_build(&info, bm_key_spki(bm_private_public(op)), NULL);
        assert_ok(bm_private_sign(ak, bm_buf_bytes(&info), &wrong, &kit_fail));
        bm_csr_build(&csr, bm_buf_bytes(&info), BM_SIG_ECDSA_SHA256, bm_buf_bytes(&wrong));
    }
    bm_sha256(digest, bm_buf_bytes(&csr));
    in = soft_certify(&op_public, lie == CSR_OF_ANOTHER_CERTIFY ? bm_bytes_str("other") : bm_bytes(digest, BM_HASH));
    soft_attest_build(&attest, &in);
    soft_sign(&signature, lie == CERTIFIED_BY_ANOTHER ? root : ak, bm_buf_bytes(&attest));
    proof_make(proof, endorsement, lie == AK_NOT_ACTIVATED ? bm_bytes_str("another name") : bm_bytes(ak_public.name, ak_public.nname),
               digest, (uint64_t)NOW / BM_NONCE_EPOCH - (lie == STALE ? 2 : 1));
    bm_tpm_claim_build(&made->body, &(struct bm_tpm_claim){ .ek = bm_key_spki(endorsement),
                                                            .ak = bm_buf_bytes(&ak_area),
                                                            .key = bm_buf_bytes(&op_area),
                                                            .attest = bm_buf_bytes(&attest),
                                                            .signature = bm_buf_bytes(&signature),
                                                            .csr = bm_buf_bytes(&csr),
                                                            .proof = bm_bytes(proof, BM_HASH) });
    bundle_close(made, BM_BODY_TPM);
}

static void
a_tpm_activated_chain_stands_and_every_lie_falls(void **state)
{
    (void)state;
    for (enum lie lie = TRUTH; lie < LIES; lie++) {
        MADE(made);

        tpm_make(&made, lie);
        if (lie != TRUTH) {
            assert_refused_saying(lies[lie].rc, check(&made, &fresh), lies[lie].words);
        } else {
            assert_ok(check(&made, &fresh));
            assert_int_equal(made.claim->evidence, BM_EV_TPM_ACTIVATED);
            assert_int_equal(made.claim->shown.proven, BM_PROVEN_TPM_ACTIVATED | BM_PROVEN_TPM_RESIDENCY | BM_PROVEN_TPM_FIXED);
            assert_memory_equal(made.claim->root_hash, bm_private_public(ek)->hash, BM_HASH);
            assert_memory_equal(made.claim->key.hash, bm_private_public(op)->hash, BM_HASH);
        }
        if (made.proven != lies[lie].proven)
            fail_msg("lie %d: proven is %d", lie, made.proven);
    }
}

/* What only the holder of k can tell, and the rest, which everybody can. */
static void
an_auditor_sees_a_tpm_claim_without_its_proof(void **state)
{
    (void)state;
    for (enum lie lie = TRUTH; lie < LIES; lie++) {
        bool needs_k = lie == AK_NOT_ACTIVATED || lie == STALE;
        MADE(made);

        tpm_make(&made, lie);
        assert_rc(lie == TRUTH || needs_k ? BM_OK : BM_EPOLICY, check(&made, NULL));
        assert_false(made.proven);
    }
}

/* ---- certified by an attestation key that the lot lists ---- */

enum certified_lie {
    C_TRUTH,
    C_CREATED, /* the truth by TPM2_CertifyCreation */
    C_NOT_A_TPM,
    C_BY_SIGNING_KEY,
    C_BY_EK,
    C_IAK_OF_ANOTHER,
    C_SIGNED_BY_ANOTHER,
    C_STALE,
    C_NONCE_OF_ANOTHER,
    C_OTHER_CSR,
    C_NOT_GENERATED,
    C_QUOTE,
    C_OTHER_KEY,
    C_OP_RESTRICTED,
    C_OP_FROM_OUTSIDE,
    C_OP_IS_IAK,
    C_OP_NOT_IN_CSR,
    C_CSR_UNPROVEN,
    C_LIES
};
static const struct {
    enum bm_rc rc;
    bool proven;
    const char *words;
} certified_lies[C_LIES] = {
    [C_TRUTH] = { BM_OK, true, "" },
    [C_CREATED] = { BM_OK, true, "" },
    [C_NOT_A_TPM] = { BM_EPOLICY, false, "is no TPM" },
    [C_BY_SIGNING_KEY] = { BM_EPOLICY, false, "not one that the lot lists for chip chip-2" }, /* an IDevID signs anything */
    [C_BY_EK] = { BM_EPOLICY, false, "not one that the lot lists for chip chip-2" },
    [C_IAK_OF_ANOTHER] = { BM_EPOLICY, false, "not one that the lot lists for chip chip-2" },
    [C_SIGNED_BY_ANOTHER] = { BM_EPOLICY, false, "the attestation key's signature" },
    [C_STALE] = { BM_EPOLICY, false, "the nonce is stale" }, /* recorded, replayed */
    [C_NONCE_OF_ANOTHER] = { BM_EPOLICY, false, "the nonce is stale or not ours" },
    [C_OTHER_CSR] = { BM_EPOLICY, false, "made for another request" },
    [C_NOT_GENERATED] = { BM_EINPUT, false, "is not what TPM2_Certify" },
    [C_QUOTE] = { BM_EINPUT, false, "is not what TPM2_Certify" },
    [C_OTHER_KEY] = { BM_EPOLICY, true, "about another key" }, /* a software key in the place of the TPM's */
    [C_OP_RESTRICTED] = { BM_EPOLICY, true, "is restricted" },
    [C_OP_FROM_OUTSIDE] = { BM_EPOLICY, true, "may leave the TPM" },
    [C_OP_IS_IAK] = { BM_EPOLICY, true, "for a root key of the chip" },
    [C_OP_NOT_IN_CSR] = { BM_EPOLICY, true, "for another key than the one that the TPM certified" },
    [C_CSR_UNPROVEN] = { BM_EPOLICY, true, "" },
};

static void
csr_make(struct bm_buf *csr, enum certified_lie lie, struct bm_private *asked)
{
    KIT_BUF(info);
    KIT_BUF(wrong);

    if (lie != C_CSR_UNPROVEN) {
        kit_csr(csr, lie == C_OP_NOT_IN_CSR ? ek : asked, NULL);
        return;
    }
    bm_csr_info_build(&info, bm_key_spki(bm_private_public(op)), NULL);
    assert_ok(bm_private_sign(ak, bm_buf_bytes(&info), &wrong, &kit_fail));
    bm_csr_build(csr, bm_buf_bytes(&info), BM_SIG_ECDSA_SHA256, bm_buf_bytes(&wrong));
}

static void
certified_make(struct made *made, enum certified_lie lie)
{
    struct bm_private *asked = lie == C_OP_IS_IAK ? ak : op;
    struct bm_private *shown = lie == C_BY_SIGNING_KEY ? root : lie == C_BY_EK ? ek : lie == C_IAK_OF_ANOTHER ? op : ak;
    KIT_BUF(op_area);
    KIT_BUF(csr);
    KIT_BUF(attest);
    KIT_BUF(signature);
    struct bm_tpm_public op_public;
    uint8_t nonce[BM_NONCE], extra[BM_HASH];
    struct soft_attest in;

    lot_iak = true;
    lot_make(made, lie == C_NOT_A_TPM ? BM_ROOT_SECURE_ELEMENT : BM_ROOT_TPM);
    lot_iak = false;
    soft_public(&op_area, bm_private_public(asked), lie == C_OP_RESTRICTED ? SOFT_AK : lie == C_OP_FROM_OUTSIDE ? SOFT_OP & ~2u : SOFT_OP);
    assert_ok(bm_tpm_public_parse(&op_public, bm_buf_bytes(&op_area), &kit_fail));
    csr_make(&csr, lie, asked);
    bm_nonce_make(nonce, &k, BM_PURPOSE_ROOT, bm_private_public(lie == C_NONCE_OF_ANOTHER ? root : shown)->hash,
                  (uint64_t)NOW / BM_NONCE_EPOCH - (lie == C_STALE ? 2 : 1));
    bm_tpm_certified_data(extra, bm_bytes(nonce, BM_NONCE), lie == C_OTHER_CSR ? bm_bytes_str("other") : bm_buf_bytes(&csr));
    in = soft_certify(&op_public, bm_bytes(extra, BM_HASH));
    if (lie == C_CREATED)
        in.type = 0x801a;
    if (lie == C_QUOTE)
        in.type = 0x8018;
    if (lie == C_NOT_GENERATED)
        in.magic ^= 1;
    if (lie == C_OTHER_KEY)
        in.name = bm_bytes_str("another name");
    soft_attest_build(&attest, &in);
    soft_sign(&signature, lie == C_SIGNED_BY_ANOTHER ? op : shown, bm_buf_bytes(&attest));
    bm_tpm_claim_build(&made->body, &(struct bm_tpm_claim){ .iak = bm_key_spki(bm_private_public(shown)),
                                                            .key = bm_buf_bytes(&op_area),
                                                            .attest = bm_buf_bytes(&attest),
                                                            .signature = bm_buf_bytes(&signature),
                                                            .csr = bm_buf_bytes(&csr),
                                                            .nonce = bm_bytes(nonce, BM_NONCE) });
    bundle_close(made, BM_BODY_TPM);
}

static void
a_chain_by_a_listed_attestation_key_stands_and_every_lie_falls(void **state)
{
    (void)state;
    for (enum certified_lie lie = C_TRUTH; lie < C_LIES; lie++) {
        MADE(made);

        certified_make(&made, lie);
        if (certified_lies[lie].rc != BM_OK) {
            assert_refused_saying(certified_lies[lie].rc, check(&made, &fresh), certified_lies[lie].words);
        } else {
            assert_ok(check(&made, &fresh));
            assert_int_equal(made.claim->evidence, BM_EV_ROOT_SIGNED);
            assert_int_equal(made.claim->shown.proven, BM_EV_ROOT_SIGNED | BM_PROVEN_TPM_RESIDENCY | BM_PROVEN_TPM_FIXED);
            assert_memory_equal(made.claim->root_hash, bm_private_public(ak)->hash, BM_HASH);
            assert_memory_equal(made.claim->key.hash, bm_private_public(op)->hash, BM_HASH);
        }
        if (made.proven != certified_lies[lie].proven)
            fail_msg("lie %d: proven is %d", lie, made.proven);
        /* an auditor lacks the nonce key alone */
        assert_rc(lie == C_STALE || lie == C_NONCE_OF_ANOTHER ? BM_OK : certified_lies[lie].rc, check(&made, NULL));
    }
}

/* ---- bytes ---- */

static void
bundles_are_written_and_read_back_to_the_byte(void **state)
{
    MADE(made);
    KIT_BUF(buf);
    KIT_BUF(again);
    struct bm_bundle out;

    (void)state;
    tpm_make(&made, TRUTH);
    bm_bundle_build(&buf, &made.bundle);
    assert_ok(bm_buf_check(&buf, "it", &kit_fail));
    assert_int_equal(buf.n, 2 + 1 + 32 + 8 + 8 + 1 + 3 * 2 + 1 + made.leaf.n + made.proof.n + made.body.n);
    assert_ok(bm_bundle_parse(&out, bm_buf_bytes(&buf), &kit_fail));
    bm_bundle_build(&again, &out);
    assert_true(bm_bytes_equal(bm_buf_bytes(&buf), bm_buf_bytes(&again)));
    for (size_t n = 0; n < buf.n; n++) {
        KIT_BUF(part);

        bm_buf_add(&part, buf.p, n);
        assert_rc(BM_EINPUT, bm_bundle_parse(&out, bm_buf_bytes(&part), &kit_fail));
    }
    buf.p[2] = 4;
    assert_refused_saying(BM_EINPUT, bm_bundle_parse(&out, bm_buf_bytes(&buf), &kit_fail), "class 4");
    buf.p[2] = 0;
    assert_refused_saying(BM_EINPUT, bm_bundle_parse(&out, bm_buf_bytes(&buf), &kit_fail), "class 0");
    buf.p[1] = 2;
    assert_refused_saying(BM_EINPUT, bm_bundle_parse(&out, bm_buf_bytes(&buf), &kit_fail), "version 2");
    buf.p[1] = 3;
    buf.p[2] = BM_BODY_TPM;
    bm_buf_add_u8(&buf, 0);
    assert_rc(BM_EINPUT, bm_bundle_parse(&out, bm_buf_bytes(&buf), &kit_fail));
}

static void
parts_stand_in_order_once_and_are_known(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
    } bad[] = {
        { "\1\0\0\1x", 5 },        /* type 0 */
        { "\1\1\0\0", 4 },         /* an empty part */
        { "\1\1\0\2x", 5 },        /* cut short */
        { "\2\1\0\1x\1\0\1x", 9 }, /* twice */
        { "\1\377\0\1x", 5 },      /* not known */
        { "\0x", 2 },
        { "\5", 1 },
    };
    MADE(made);
    KIT_BUF(buf);
    struct bm_bundle out;
    size_t n;

    (void)state;
    cmc_make(&made, BM_ROOT_SECURE_ELEMENT, root, op, NOW / BM_NONCE_EPOCH);
    bm_bundle_build(&buf, &made.bundle);
    n = buf.n - 1;
    for (size_t i = 0; i < BM_COUNT(bad); i++) {
        buf.n = n;
        bm_buf_add(&buf, bad[i].bytes, bad[i].n);
        assert_rc(BM_EINPUT, bm_bundle_parse(&out, bm_buf_bytes(&buf), &kit_fail));
    }
    buf.n = n;
    bm_buf_add(&buf, "\1\1\0\1x", 5);
    assert_ok(bm_bundle_parse(&out, bm_buf_bytes(&buf), &kit_fail));
    assert_true(bm_bytes_equal(out.part[BM_PART_RENEWAL], bm_bytes_str("x")));
}

/* ---- renewal ---- */

/* A root-signed request for op with the word of this key over what it should sign, or over something else. */
static void
renewal_make(struct made *made, struct bm_buf *part, struct bm_private *current, bool over_csr)
{
    KIT_BUF(tbs);
    KIT_BUF(signature);
    struct bm_word renewal = { .key = bm_key_spki(bm_private_public(current)) };
    struct bm_cmc cmc;

    cmc_make(made, BM_ROOT_SECURE_ELEMENT, root, op, NOW / BM_NONCE_EPOCH);
    assert_ok(bm_cmc_parse(&cmc, made->bundle.body, &kit_fail));
    bm_word_tbs(&tbs, BM_WORD_RENEWAL, over_csr ? cmc.csr.der : bm_bytes_str("another request"));
    assert_ok(bm_private_sign(current, bm_buf_bytes(&tbs), &signature, &kit_fail));
    renewal.signature = bm_buf_bytes(&signature);
    bm_word_build(part, &renewal);
    made->bundle.part[BM_PART_RENEWAL] = bm_buf_bytes(part);
}

static void
a_renewal_has_the_word_of_the_current_key(void **state)
{
    static const enum bm_key_alg algs[] = { BM_KEY_P256, BM_KEY_P384, BM_KEY_ED25519 };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(algs); i++) {
        bm_cleanup(bm_private_done) struct bm_private *current = NULL;
        MADE(made);
        KIT_BUF(part);

        assert_ok(bm_private_generate(&current, algs[i], &kit_fail));
        renewal_make(&made, &part, current, true);
        assert_ok(check(&made, &fresh));
        assert_true(made.claim->renews && made.proven);
        assert_memory_equal(made.claim->current, bm_private_public(current)->hash, BM_HASH);
        assert_memory_equal(made.claim->key.hash, bm_private_public(op)->hash, BM_HASH);
    }
}

static void
a_renewal_that_its_key_did_not_sign_is_refused(void **state)
{
    bm_cleanup(bm_private_done) struct bm_private *current = NULL;

    (void)state;
    assert_ok(bm_private_generate(&current, BM_KEY_P256, &kit_fail));
    for (size_t i = 0; i < 4; i++) {
        MADE(made);
        KIT_BUF(part);
        struct bm_private *const by[] = { current, root, ek, op };
        static const char *const says[] = { "the key of the renewal did not sign", "root key", "root key", "for the key that signs it" };

        renewal_make(&made, &part, by[i], i > 0);
        assert_refused_saying(BM_EPOLICY, check(&made, &fresh), says[i]);
        assert_true(made.proven); /* the root key spoke, so it is an event */
    }
}

static void
a_renewal_by_the_attestation_key_is_refused(void **state)
{
    MADE(made);
    KIT_BUF(part);
    KIT_BUF(tbs);
    KIT_BUF(signature);
    struct bm_word renewal = { .key = bm_key_spki(bm_private_public(ak)) };
    struct bm_tpm_claim in;

    (void)state;
    tpm_make(&made, TRUTH);
    assert_ok(bm_tpm_claim_parse(&in, made.bundle.body, &kit_fail));
    bm_word_tbs(&tbs, BM_WORD_RENEWAL, in.csr);
    assert_ok(bm_private_sign(ak, bm_buf_bytes(&tbs), &signature, &kit_fail));
    renewal.signature = bm_buf_bytes(&signature);
    bm_word_build(&part, &renewal);
    made.bundle.part[BM_PART_RENEWAL] = bm_buf_bytes(&part);
    assert_refused_saying(BM_EPOLICY, check(&made, &fresh), "signed by the attestation key");
}

static void
every_truncation_of_a_renewal_is_refused(void **state)
{
    MADE(made);
    KIT_BUF(part);
    struct bm_word out;

    (void)state;
    renewal_make(&made, &part, ak, true);
    assert_ok(bm_word_parse(&out, bm_buf_bytes(&part), "the renewal", &kit_fail));
    for (size_t n = 0; n < part.n; n++)
        assert_rc(BM_EINPUT, bm_word_parse(&out, bm_bytes(part.p, n), "the renewal", &kit_fail));
    bm_buf_add_u8(&part, 0);
    assert_rc(BM_EINPUT, bm_word_parse(&out, bm_buf_bytes(&part), "the renewal", &kit_fail));
}

/* Changed, it is refused, or it still says the same of the same key. */
/* ---- the station that a request came by ---- */

static void
station_make(struct made *made, struct bm_buf *part, struct bm_private *station, bool over_csr)
{
    KIT_BUF(tbs);
    KIT_BUF(signature);
    struct bm_word word = { .key = bm_key_spki(bm_private_public(station)) };
    struct bm_cmc cmc;

    cmc_make(made, BM_ROOT_SECURE_ELEMENT, root, op, NOW / BM_NONCE_EPOCH);
    assert_ok(bm_cmc_parse(&cmc, made->bundle.body, &kit_fail));
    bm_word_tbs(&tbs, BM_WORD_STATION, over_csr ? cmc.csr.der : bm_bytes_str("another request"));
    assert_ok(bm_private_sign(station, bm_buf_bytes(&tbs), &signature, &kit_fail));
    word.signature = bm_buf_bytes(&signature);
    bm_word_build(part, &word);
    made->bundle.part[BM_PART_STATION] = bm_buf_bytes(part);
}

static void
a_station_signs_the_very_request_that_came_by_it(void **state)
{
    bm_cleanup(bm_private_done) struct bm_private *station = NULL, *other = NULL;
    const char *const says[] = { NULL, "did not sign this request", "root key", "P-256" };

    (void)state;
    assert_ok(bm_private_generate(&station, BM_KEY_P256, &kit_fail));
    assert_ok(bm_private_generate(&other, BM_KEY_P384, &kit_fail));
    for (size_t i = 0; i < BM_COUNT(says); i++) {
        struct bm_private *const by[] = { station, station, root, other };
        MADE(made);
        KIT_BUF(part);

        station_make(&made, &part, by[i], i != 1);
        if (says[i] == NULL) {
            assert_ok(check(&made, &fresh));
            assert_true(made.claim->stationed && !made.claim->renews);
            assert_memory_equal(made.claim->station, bm_private_public(station)->hash, BM_HASH);
        } else
            assert_refused_saying(BM_EPOLICY, check(&made, &fresh), says[i]);
        assert_true(made.proven);
        for (size_t n = 1; i == 0 && n < part.n; n++) {
            made.bundle.part[BM_PART_STATION] = bm_bytes(part.p, n);
            assert_rc(BM_EINPUT, check(&made, &fresh));
        }
    }
}

static void
every_byte_matters(struct bm_buf *buf)
{
    for (size_t i = 0; i < buf->n; i++) {
        struct made changed = { .claim = &claim_room };

        buf->p[i] ^= 0x01;
        if (bm_bundle_parse(&changed.bundle, bm_buf_bytes(buf), &kit_fail) == BM_OK && check(&changed, &fresh) == BM_OK) {
            assert_memory_equal(changed.claim->key.hash, bm_private_public(op)->hash, BM_HASH);
            fail_msg("byte %zu does not matter", i);
        }
        buf->p[i] ^= 0x01;
    }
}

static void
no_changed_byte_gives_another_claim(void **state)
{
    MADE(made);
    KIT_BUF(buf);
    KIT_BUF(part);

    (void)state;
    renewal_make(&made, &part, ak, true);
    bm_bundle_build(&buf, &made.bundle);
    assert_ok(check(&made, &fresh));
    every_byte_matters(&buf);
    bm_buf_reset(&made.leaf);
    bm_buf_reset(&made.proof);
    bm_buf_reset(&made.body);
    bm_buf_reset(&buf);
    tpm_make(&made, TRUTH);
    bm_bundle_build(&buf, &made.bundle);
    every_byte_matters(&buf);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_root_signed_chain_stands),
        cmocka_unit_test(software_is_called_software_however_it_spoke),
        cmocka_unit_test(what_the_chip_measured_is_told_where_it_signs_for_this_request),
        cmocka_unit_test(a_root_is_found_by_its_certificate_too),
        cmocka_unit_test(an_auditor_checks_everything_but_freshness),
        cmocka_unit_test(the_leaf_must_stand_in_the_tree_at_its_place),
        cmocka_unit_test(only_a_signing_key_of_the_leaf_speaks),
        cmocka_unit_test(a_borrowed_key_identifier_is_not_enough),
        cmocka_unit_test(a_request_for_a_root_key_is_refused_and_on_record),
        cmocka_unit_test(a_csr_that_does_not_prove_its_key_is_refused_and_on_record),
        cmocka_unit_test(a_chip_listed_by_its_keys_takes_no_certificates),
        cmocka_unit_test(what_the_gate_says_of_a_tls_client_is_a_class_of_its_own_and_never_proven),
        cmocka_unit_test(a_tpm_activated_chain_stands_and_every_lie_falls),
        cmocka_unit_test(an_auditor_sees_a_tpm_claim_without_its_proof),
        cmocka_unit_test(a_chain_by_a_listed_attestation_key_stands_and_every_lie_falls),
        cmocka_unit_test(bundles_are_written_and_read_back_to_the_byte),
        cmocka_unit_test(parts_stand_in_order_once_and_are_known),
        cmocka_unit_test(a_renewal_has_the_word_of_the_current_key),
        cmocka_unit_test(a_renewal_that_its_key_did_not_sign_is_refused),
        cmocka_unit_test(a_renewal_by_the_attestation_key_is_refused),
        cmocka_unit_test(every_truncation_of_a_renewal_is_refused),
        cmocka_unit_test(a_station_signs_the_very_request_that_came_by_it),
        cmocka_unit_test(no_changed_byte_gives_another_claim),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
