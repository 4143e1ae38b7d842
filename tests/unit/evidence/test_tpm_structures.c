/* test_tpm_structures.c - TPM structures are read to the letter, and every wrong one is refused. */
#include "soft_tpm.h"

static struct bm_private *ak_private, *op_private;
static struct bm_buf ak_area = { .max = BM_MAX_TPM }, op_area = { .max = BM_MAX_TPM };
static struct bm_tpm_public ak, op;

static int
begin(void **state)
{
    (void)state;
    assert_ok(bm_crypto_new(&kit_crypto, &kit_fail));
    assert_ok(bm_private_generate(&ak_private, BM_KEY_P256, &kit_fail));
    assert_ok(bm_private_generate(&op_private, BM_KEY_P256, &kit_fail));
    soft_public(&ak_area, bm_private_public(ak_private), SOFT_AK);
    soft_public(&op_area, bm_private_public(op_private), SOFT_OP);
    assert_ok(bm_tpm_public_parse(&ak, bm_buf_bytes(&ak_area), &kit_fail));
    assert_ok(bm_tpm_public_parse(&op, bm_buf_bytes(&op_area), &kit_fail));
    return 0;
}

static int
end(void **state)
{
    (void)state;
    bm_buf_done(&ak_area);
    bm_buf_done(&op_area);
    bm_private_free(ak_private);
    bm_private_free(op_private);
    bm_crypto_free(kit_crypto);
    return 0;
}

/* ---- public areas ---- */

static void
a_name_is_the_hash_of_the_area(void **state)
{
    uint8_t want[2 + BM_HASH] = { 0x00, 0x0b };

    (void)state;
    bm_sha256(want + 2, bm_buf_bytes(&ak_area));
    assert_int_equal(ak.nname, sizeof(want));
    assert_memory_equal(ak.name, want, sizeof(want));
    assert_memory_equal(ak.key.hash, bm_private_public(ak_private)->hash, BM_HASH);
}

static void
refuses_every_truncation_of_a_public_area(void **state)
{
    (void)state;
    for (size_t n = 0; n <= op_area.n + 1; n++) {
        KIT_BUF(part);
        struct bm_tpm_public got;

        if (n == op_area.n)
            continue;
        bm_buf_add(&part, op_area.p, n < op_area.n ? n : op_area.n);
        if (n > op_area.n)
            bm_buf_add_u8(&part, 0);
        assert_rc(BM_EINPUT, bm_tpm_public_parse(&got, bm_buf_bytes(&part), &kit_fail));
    }
}

static void
refuses_areas_of_other_kinds(void **state)
{
    static const struct {
        size_t at;
        uint8_t to;
        const char *words;
    } cases[] = {
        { 1, 0x08, "neither RSA nor ECC" },      /* KEYEDHASH */
        { 3, 0x04, "named with a hash" },        /* SHA-1 */
        { 3, 0x10, "named with a hash" },        /* NULL: no name at all */
        { 15, 0x05, "neither P-256 nor P-384" }, /* P-521 */
        { 19, 0x21, "point of its curve" },      /* x of 33 octets */
        { 25, 0xff, "not an uncompressed point" },
    };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        KIT_BUF(area);
        struct bm_tpm_public got;

        bm_buf_add_bytes(&area, bm_buf_bytes(&op_area));
        area.p[cases[i].at] = area.p[cases[i].at] == cases[i].to ? (uint8_t)(cases[i].to ^ 1) : cases[i].to;
        assert_refused_saying(BM_EINPUT, bm_tpm_public_parse(&got, bm_buf_bytes(&area), &kit_fail), cases[i].words);
    }
}

/* An RSA storage key with a scheme of OAEP, and one of exponent 0 = 65537; a coordinate without its leading zeros. */
static void
reads_rsa_areas(void **state)
{
    for (unsigned fault = 0; fault < 3; fault++) {
        KIT_BUF(area);
        uint8_t modulus[256];
        struct bm_tpm_public got;

        (void)state;
        memset(modulus, 0xa5, sizeof(modulus));
        bm_buf_add_u16(&area, 0x0001);
        bm_buf_add_u16(&area, 0x000c);
        bm_buf_add_u32(&area, SOFT_OP);
        bm_buf_add_lv16(&area, bm_bytes_str("a policy"));
        bm_buf_add_u16(&area, 0x0006); /* AES-128-CFB */
        bm_buf_add_u16(&area, 128);
        bm_buf_add_u16(&area, 0x0043);
        bm_buf_add_u16(&area, 0x0017); /* OAEP with SHA-256 */
        bm_buf_add_u16(&area, 0x000b);
        bm_buf_add_u16(&area, fault == 1 ? 2056 : 2048);
        bm_buf_add_u32(&area, fault == 2 ? 3 : 0);
        bm_buf_add_lv16(&area, bm_bytes(modulus, sizeof(modulus)));
        if (fault > 0) {
            assert_rc(BM_EINPUT, bm_tpm_public_parse(&got, bm_buf_bytes(&area), &kit_fail));
            continue;
        }
        assert_ok(bm_tpm_public_parse(&got, bm_buf_bytes(&area), &kit_fail));
        assert_int_equal(got.key.alg, BM_KEY_RSA);
        assert_int_equal(got.key.bits, 2048);
        assert_int_equal(got.nname, 2 + 48);
        assert_memory_equal(got.key.spki + got.key.nspki - 5, "\x02\x03\x01\x00\x01", 5);
        assert_true(bm_bytes_equal(got.policy, bm_bytes_str("a policy")));
    }
}

static void
reads_a_coordinate_without_its_leading_zeros(void **state)
{
    (void)state;
    for (unsigned tries = 0;; tries++) {
        KIT_KEY(key);
        KIT_BUF(area);
        struct bm_tpm_public got;
        const uint8_t *point;

        assert_true(tries < 20000); /* one key in 256 will do */
        assert_ok(bm_private_generate(&key, BM_KEY_P256, &kit_fail));
        point = bm_private_public(key)->spki + bm_private_public(key)->at_bits;
        if (point[1] != 0)
            continue;
        bm_buf_add(&area, op_area.p, 18);
        bm_buf_add_lv16(&area, bm_bytes(point + 2, 31));
        bm_buf_add_lv16(&area, bm_bytes(point + 33, 32));
        assert_ok(bm_tpm_public_parse(&got, bm_buf_bytes(&area), &kit_fail));
        assert_memory_equal(got.key.hash, bm_private_public(key)->hash, BM_HASH);
        return;
    }
}

static void
wants_the_attributes_that_make_a_key_what_it_is(void **state)
{
    static const struct {
        unsigned bit;
        bool ak_needs, op_needs; /* set */
        bool ak_bars, op_bars;
    } bits[] = {
        { 1, true, true, false, false },   { 4, true, true, false, false },    { 5, true, true, false, false },
        { 6, false, false, false, false }, { 16, true, false, false, true },   { 17, false, false, true, true },
        { 18, true, true, false, false },  { 10, false, false, false, false },
    };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(bits); i++)
        for (unsigned set = 0; set < 2; set++) {
            struct bm_tpm_public a = ak, o = op;

            a.attributes = (a.attributes & ~(1u << bits[i].bit)) | set << bits[i].bit;
            o.attributes = (o.attributes & ~(1u << bits[i].bit)) | set << bits[i].bit;
            assert_rc((set ? bits[i].ak_bars : bits[i].ak_needs) ? BM_EPOLICY : BM_OK, bm_tpm_public_check_attestation(&a, &kit_fail));
            assert_rc((set ? bits[i].op_bars : bits[i].op_needs) ? BM_EPOLICY : BM_OK, bm_tpm_public_check_operational(&o, &kit_fail));
        }
}

/* ---- attestations ---- */

static enum bm_rc
certify_check(const struct soft_attest *in, struct bm_private *signer, struct bm_bytes extra)
{
    KIT_BUF(attest);
    KIT_BUF(signature);

    soft_attest_build(&attest, in);
    soft_sign(&signature, signer, bm_buf_bytes(&attest));
    return bm_tpm_certify_check(kit_crypto, bm_buf_bytes(&attest), bm_buf_bytes(&signature), &ak, &op, extra, &kit_fail);
}

static void
accepts_what_certify_makes_and_refuses_the_rest(void **state)
{
    const struct bm_bytes extra = bm_bytes_str("the digest of a CSR");
    struct soft_attest good = soft_certify(&op, extra), in;

    (void)state;
    assert_ok(certify_check(&good, ak_private, extra));
    assert_refused_saying(BM_EPOLICY, certify_check(&good, op_private, extra), "the attestation key's signature");
    assert_refused_saying(BM_EPOLICY, certify_check(&good, ak_private, bm_bytes_str("another")), "another request");
    assert_refused_saying(BM_EPOLICY, certify_check(&good, ak_private, bm_bytes(NULL, 0)), "another request");
    in = good;
    in.magic = 0xff544348; /* what a restricted key signs for anybody */
    assert_refused_saying(BM_EINPUT, certify_check(&in, ak_private, extra), "TPM2_Certify");
    in = good;
    in.type = 0x8018; /* a quote */
    assert_refused_saying(BM_EINPUT, certify_check(&in, ak_private, extra), "TPM2_Certify");
    in = good;
    in.name = bm_bytes(ak.name, ak.nname);
    assert_refused_saying(BM_EPOLICY, certify_check(&in, ak_private, extra), "another key");
}

static void
refuses_every_truncation_of_attestation_and_signature(void **state)
{
    const struct bm_bytes extra = bm_bytes_str("the digest of a CSR");
    const struct soft_attest in = soft_certify(&op, extra);
    KIT_BUF(attest);
    KIT_BUF(signature);

    (void)state;
    soft_attest_build(&attest, &in);
    soft_sign(&signature, ak_private, bm_buf_bytes(&attest));
    assert_ok(bm_tpm_certify_check(kit_crypto, bm_buf_bytes(&attest), bm_buf_bytes(&signature), &ak, &op, extra, &kit_fail));
    for (size_t n = 0; n < attest.n; n++) {
        KIT_BUF(part);

        bm_buf_add(&part, attest.p, n);
        assert_rc(BM_EINPUT, bm_tpm_certify_check(kit_crypto, bm_buf_bytes(&part), bm_buf_bytes(&signature), &ak, &op, extra, &kit_fail));
    }
    for (size_t n = 0; n < signature.n; n++) {
        KIT_BUF(part);

        bm_buf_add(&part, signature.p, n);
        assert_rc(BM_EINPUT, bm_tpm_certify_check(kit_crypto, bm_buf_bytes(&attest), bm_buf_bytes(&part), &ak, &op, extra, &kit_fail));
    }
    bm_buf_add_u8(&signature, 0);
    assert_rc(BM_EINPUT, bm_tpm_certify_check(kit_crypto, bm_buf_bytes(&attest), bm_buf_bytes(&signature), &ak, &op, extra, &kit_fail));
}

/* ---- credentials and claims ---- */

static void
credentials_depend_on_every_input_and_on_nothing_else(void **state)
{
    static const uint8_t seeds[2][64] = { { 1 }, { 2 } };
    const struct bm_bytes name = bm_bytes(ak.name, ak.nname);
    const struct bm_key *ek = bm_private_public(op_private);
    struct bm_secret secret = { .b = "secret", .n = 32 };
    KIT_BUF(credential);
    KIT_BUF(encrypted);
    KIT_BUF(again);
    KIT_BUF(encrypted_again);
    KIT_BUF(other);
    KIT_BUF(encrypted_other);

    (void)state;
    assert_ok(bm_tpm_credential_make(&credential, &encrypted, ek, name, &secret, seeds[0], &kit_fail));
    assert_ok(bm_tpm_credential_make(&again, &encrypted_again, ek, name, &secret, seeds[0], &kit_fail));
    assert_ok(bm_tpm_credential_make(&other, &encrypted_other, ek, name, &secret, seeds[1], &kit_fail));
    assert_int_equal(credential.n, 2 + 2 + 32 + 2 + 32);
    assert_int_equal(encrypted.n, 2 + 2 + 32 + 2 + 32);
    assert_true(bm_bytes_equal(bm_buf_bytes(&credential), bm_buf_bytes(&again)));
    assert_true(bm_bytes_equal(bm_buf_bytes(&encrypted), bm_buf_bytes(&encrypted_again)));
    assert_false(bm_bytes_equal(bm_buf_bytes(&credential), bm_buf_bytes(&other)));
    assert_false(bm_bytes_equal(bm_buf_bytes(&encrypted), bm_buf_bytes(&encrypted_other)));
}

static void
credentials_are_refused_for_other_keys_and_lengths(void **state)
{
    static const uint8_t seed[64] = { 1 };
    struct bm_secret secret = { .n = 33 }, good = { .n = 32 };
    const struct bm_bytes name = bm_bytes(ak.name, ak.nname);
    KIT_KEY(ed25519);
    KIT_BUF(credential);
    KIT_BUF(encrypted);

    (void)state;
    assert_ok(bm_private_generate(&ed25519, BM_KEY_ED25519, &kit_fail));
    assert_refused_saying(
        BM_EINPUT, bm_tpm_credential_make(&credential, &encrypted, bm_private_public(ed25519), name, &good, seed, &kit_fail), "RSA-2048");
    assert_rc(BM_EINPUT, bm_tpm_credential_make(&credential, &encrypted, &ak.key, name, &secret, seed, &kit_fail));
    secret.n = 0;
    assert_rc(BM_EINPUT, bm_tpm_credential_make(&credential, &encrypted, &ak.key, name, &secret, seed, &kit_fail));
    assert_rc(BM_EINPUT, bm_tpm_credential_make(&credential, &encrypted, &ak.key, bm_bytes(NULL, 0), &good, seed, &kit_fail));
    assert_int_equal(credential.n + encrypted.n, 0);
}

static void
claims_are_written_and_read_back(void **state)
{
    const struct bm_tpm_claim in = {
        .ek = bm_bytes_str("endorsement"),
        .ak = bm_bytes_str("attestation"),
        .key = bm_bytes_str("operational"),
        .attest = bm_bytes_str("attest"),
        .signature = bm_bytes_str("signature"),
        .csr = bm_bytes_str("csr"),
        .proof = bm_bytes_str(KIT_NONCE),
    };
    struct bm_tpm_claim out;
    KIT_BUF(buf);

    (void)state;
    bm_tpm_claim_build(&buf, &in);
    assert_int_equal(buf.n, 2 + 7 * 2 + 11 + 11 + 11 + 6 + 9 + 3 + 32);
    assert_ok(bm_tpm_claim_parse(&out, bm_buf_bytes(&buf), &kit_fail));
    assert_true(bm_bytes_equal(out.ek, in.ek) && bm_bytes_equal(out.ak, in.ak) && bm_bytes_equal(out.key, in.key));
    assert_true(bm_bytes_equal(out.attest, in.attest) && bm_bytes_equal(out.signature, in.signature));
    assert_true(bm_bytes_equal(out.csr, in.csr) && bm_bytes_equal(out.proof, in.proof));
    for (size_t n = 0; n < buf.n; n++)
        assert_rc(BM_EINPUT, bm_tpm_claim_parse(&out, bm_bytes(buf.p, n), &kit_fail));
    bm_buf_add_u8(&buf, 0);
    assert_rc(BM_EINPUT, bm_tpm_claim_parse(&out, bm_buf_bytes(&buf), &kit_fail));
    buf.n--;
    buf.p[1] = 4;
    assert_refused_saying(BM_EINPUT, bm_tpm_claim_parse(&out, bm_buf_bytes(&buf), &kit_fail), "version 4");
}

static void
certified_claims_are_written_and_read_back(void **state)
{
    const struct bm_tpm_claim in = {
        .iak = bm_bytes_str("attestation"),
        .key = bm_bytes_str("operational"),
        .attest = bm_bytes_str("attest"),
        .signature = bm_bytes_str("signature"),
        .csr = bm_bytes_str("csr"),
        .nonce = bm_bytes_str(KIT_NONCE),
    };
    struct bm_tpm_claim out;
    KIT_BUF(buf);

    (void)state;
    bm_tpm_claim_build(&buf, &in);
    assert_int_equal(buf.n, 2 + 6 * 2 + 11 + 11 + 6 + 9 + 3 + 32);
    assert_ok(bm_tpm_claim_parse(&out, bm_buf_bytes(&buf), &kit_fail));
    assert_true(bm_bytes_equal(out.iak, in.iak) && bm_bytes_equal(out.key, in.key) && bm_bytes_equal(out.nonce, in.nonce));
    assert_true(out.ek.n == 0 && out.ak.n == 0 && out.proof.n == 0);
    for (size_t n = 0; n < buf.n; n++)
        assert_rc(BM_EINPUT, bm_tpm_claim_parse(&out, bm_bytes(buf.p, n), &kit_fail));
    bm_buf_add_u8(&buf, 0);
    assert_rc(BM_EINPUT, bm_tpm_claim_parse(&out, bm_buf_bytes(&buf), &kit_fail));
}

static void
attested_claims_are_written_and_read_back(void **state)
{
    const struct bm_tpm_claim in = { .attested = true, .csr = bm_bytes_str("csr") };
    struct bm_tpm_claim out;
    KIT_BUF(buf);

    (void)state;
    bm_tpm_claim_build(&buf, &in);
    assert_int_equal(buf.n, 2 + 2 + 3);
    assert_ok(bm_tpm_claim_parse(&out, bm_buf_bytes(&buf), &kit_fail));
    assert_true(out.attested && bm_bytes_equal(out.csr, in.csr) && out.ek.n + out.iak.n + out.key.n == 0);
    for (size_t n = 0; n < buf.n; n++)
        assert_rc(BM_EINPUT, bm_tpm_claim_parse(&out, bm_bytes(buf.p, n), &kit_fail));
    bm_buf_add_u8(&buf, 0);
    assert_rc(BM_EINPUT, bm_tpm_claim_parse(&out, bm_buf_bytes(&buf), &kit_fail));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_the_hash_of_the_area),
        cmocka_unit_test(refuses_every_truncation_of_a_public_area),
        cmocka_unit_test(refuses_areas_of_other_kinds),
        cmocka_unit_test(reads_rsa_areas),
        cmocka_unit_test(reads_a_coordinate_without_its_leading_zeros),
        cmocka_unit_test(wants_the_attributes_that_make_a_key_what_it_is),
        cmocka_unit_test(accepts_what_certify_makes_and_refuses_the_rest),
        cmocka_unit_test(refuses_every_truncation_of_attestation_and_signature),
        cmocka_unit_test(credentials_depend_on_every_input_and_on_nothing_else),
        cmocka_unit_test(credentials_are_refused_for_other_keys_and_lengths),
        cmocka_unit_test(claims_are_written_and_read_back),
        cmocka_unit_test(certified_claims_are_written_and_read_back),
        cmocka_unit_test(attested_claims_are_written_and_read_back),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
