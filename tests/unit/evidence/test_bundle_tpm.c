/* test_bundle_tpm.c - the whole chain of evidence by a TPM, activated or by a listed attestation key: every lie falls. */
#include "bundle_kit.h"

#include "evidence/word.h"

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

/* ---- bytes, and a renewal ---- */

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
no_changed_byte_gives_another_claim(void **state)
{
    MADE(made);
    KIT_BUF(buf);

    (void)state;
    tpm_make(&made, TRUTH);
    bm_bundle_build(&buf, &made.bundle);
    every_byte_matters(&buf);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tpm_activated_chain_stands_and_every_lie_falls),
        cmocka_unit_test(an_auditor_sees_a_tpm_claim_without_its_proof),
        cmocka_unit_test(a_chain_by_a_listed_attestation_key_stands_and_every_lie_falls),
        cmocka_unit_test(bundles_are_written_and_read_back_to_the_byte),
        cmocka_unit_test(a_renewal_by_the_attestation_key_is_refused),
        cmocka_unit_test(no_changed_byte_gives_another_claim),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
