/* test_dice.c - a DICE chain leads from a lot's key to Alias, and every other chain is refused; TcbInfo as others write it. */
#include "../testing.h"

#include "evidence/dice.h"
#include "evidence/word.h"
#include "pki/oid.h"
#include "pki/parts.h"
#include "pki/private.h"
#include "wire/der.h"

#define NOW 1800000000

static struct bm_private *root, *device, *alias, *stranger;
static struct bm_crypto *crypto;
static const uint8_t boot[BM_HASH] = { 1, 2, 3 }, code[BM_HASH] = { 4, 5, 6 };
static struct bm_buf device_id = { .max = BM_MAX_CERT }, alias_id = { .max = BM_MAX_CERT };

static void
key_make(struct bm_private **ret, uint8_t number)
{
    uint8_t seed[BM_PRIVATE_SEED] = { number, 7 };

    assert_ok(bm_private_derive(ret, seed, &kit_fail));
}

static void
certify(struct bm_buf *der, struct bm_private *issuer, const struct bm_private *subject, enum bm_dice_role role,
        const uint8_t measured[static BM_HASH])
{
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_CERT }, signature = { .max = BM_MAX_SIGNATURE };

    bm_buf_reset(der);
    assert_ok(bm_dice_tbs_build(&tbs, bm_private_public(issuer), bm_private_public(subject), role, measured, &kit_fail));
    assert_ok(bm_private_sign(issuer, bm_buf_bytes(&tbs), &signature, &kit_fail));
    bm_signed_build(der, bm_buf_bytes(&tbs), bm_private_alg(issuer), bm_buf_bytes(&signature));
}

static enum bm_rc
check(struct bm_dice *ret, bm_time at)
{
    return bm_dice_check(ret, crypto, bm_private_public(root), bm_buf_bytes(&device_id), bm_buf_bytes(&alias_id), at, &kit_fail);
}

static int
start(void **state)
{
    (void)state;
    assert_ok(bm_crypto_new(&crypto, &kit_fail));
    key_make(&root, 1);
    key_make(&device, 2);
    key_make(&alias, 3);
    key_make(&stranger, 4);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    bm_private_done(&root);
    bm_private_done(&device);
    bm_private_done(&alias);
    bm_private_done(&stranger);
    bm_buf_done(&device_id);
    bm_buf_done(&alias_id);
    bm_crypto_done(&crypto);
    return 0;
}

static int
good_chain(void **state)
{
    (void)state;
    certify(&device_id, root, device, BM_DICE_DEVICE_ID, boot);
    certify(&alias_id, device, alias, BM_DICE_ALIAS, code);
    return 0;
}

static void
a_chain_says_whose_keys_on_what_code(void **state)
{
    const struct bm_bytes anchor = bm_buf_bytes(&device_id);
    struct bm_dice dice;

    (void)state;
    assert_ok(check(&dice, NOW));
    assert_memory_equal(dice.device_id.measured, boot, BM_HASH);
    assert_memory_equal(dice.alias.measured, code, BM_HASH);
    assert_memory_equal(dice.device_id.key.hash, bm_private_public(device)->hash, BM_HASH);
    assert_memory_equal(dice.alias.key.hash, bm_private_public(alias)->hash, BM_HASH);
    assert_ok(check(&dice, BM_TIME_NEVER));
    /* and libcrypto finds the path too */
    assert_ok(bm_path_check(bm_buf_bytes(&alias_id), (struct bm_certs){ 0 }, (struct bm_certs){ .der = &anchor, .n = 1 }, NOW, &kit_fail));
}

static void
other_chains_are_refused(void **state)
{
    struct bm_dice dice;

    (void)state;
    assert_refused_saying(BM_EPOLICY, check(&dice, BM_CLOCK_FLOOR - 1), "not valid at this time");
    certify(&device_id, stranger, device, BM_DICE_DEVICE_ID, boot);
    assert_refused(BM_EPOLICY, check(&dice, NOW), "the certificate of DeviceID is not signed by the root key that the lot lists");
    certify(&device_id, root, device, BM_DICE_DEVICE_ID, boot);
    certify(&alias_id, stranger, alias, BM_DICE_ALIAS, code);
    assert_refused(BM_EPOLICY, check(&dice, NOW), "the certificate of Alias is not signed by DeviceID");
    certify(&alias_id, root, alias, BM_DICE_ALIAS, code); /* past DeviceID */
    assert_refused(BM_EPOLICY, check(&dice, NOW), "the certificate of Alias is not signed by DeviceID");
    /* Alias in the place of DeviceID, and the other way round */
    certify(&device_id, root, device, BM_DICE_ALIAS, boot);
    certify(&alias_id, device, alias, BM_DICE_ALIAS, code);
    assert_refused_saying(BM_EPOLICY, check(&dice, NOW), "must be a CA's");
    certify(&device_id, root, device, BM_DICE_DEVICE_ID, boot);
    certify(&alias_id, device, alias, BM_DICE_DEVICE_ID, code);
    assert_refused_saying(BM_EPOLICY, check(&dice, NOW), "must not be a CA's");
    /* one key in two places */
    certify(&alias_id, device, device, BM_DICE_ALIAS, code);
    assert_refused_saying(BM_EPOLICY, check(&dice, NOW), "must be three keys");
    certify(&alias_id, device, root, BM_DICE_ALIAS, code);
    assert_refused_saying(BM_EPOLICY, check(&dice, NOW), "must be three keys");
}

/* Each byte changed, each length cut. */
static void
altered_and_truncated_chains_are_refused(void **state)
{
    struct bm_buf *const parts[] = { &device_id, &alias_id };
    struct bm_dice dice;

    (void)state;
    for (size_t k = 0; k < BM_COUNT(parts); k++) {
        size_t whole = parts[k]->n;

        for (size_t i = 0; i < whole; i++) {
            parts[k]->p[i] ^= 1;
            assert_true(check(&dice, NOW) != BM_OK);
            parts[k]->p[i] ^= 1;
        }
        for (parts[k]->n = 0; parts[k]->n < whole; parts[k]->n++)
            assert_true(check(&dice, NOW) != BM_OK);
    }
    assert_ok(check(&dice, NOW));
}

/* A certificate like ours with other extensions. */
static void
certify_with(struct bm_bytes extension_oid, bool critical, const struct bm_tcb_info *info)
{
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_CERT }, signature = { .max = BM_MAX_SIGNATURE }, name = { .max = 100 };
    struct bm_issuer by = { .alg = BM_SIG_ECDSA_SHA256, .crl_url = "", .not_after = BM_TIME_NEVER };
    struct bm_extension extension;
    size_t whole, outer, at;
    struct bm_key key;

    bm_name_build(&name, NULL, "x");
    by.subject = bm_buf_bytes(&name);
    bm_buf_reset(&alias_id);
    whole = bm_der_begin(&tbs, BM_DER_SEQUENCE);
    assert_ok(bm_tbs_head_add(&tbs, &by, bm_buf_bytes(&name), bm_key_spki(bm_private_public(alias)), bm_bytes("serial number xx", 16),
                              (const bm_time[]){ BM_CLOCK_FLOOR, BM_TIME_NEVER }, &key, &kit_fail));
    outer = bm_der_begin(&tbs, BM_DER_CONTEXT_CONSTRUCTED(3));
    at = bm_der_begin(&tbs, BM_DER_SEQUENCE);
    extension = bm_extension_begin(&tbs, extension_oid, critical);
    if (info != NULL)
        bm_tcb_info_build(&tbs, info);
    else
        bm_der_add_null(&tbs);
    bm_extension_end(&tbs, extension);
    bm_der_end(&tbs, at);
    bm_der_end(&tbs, outer);
    bm_der_end(&tbs, whole);
    assert_ok(bm_private_sign(device, bm_buf_bytes(&tbs), &signature, &kit_fail));
    bm_signed_build(&alias_id, bm_buf_bytes(&tbs), BM_SIG_ECDSA_SHA256, bm_buf_bytes(&signature));
}

static void
measurements_are_wanted_and_unknown_critical_extensions_not(void **state)
{
    static const uint8_t ueid[] = { 0x67, 0x81, 0x05, 0x05, 0x04, 0x04 }, sha1[] = { 0x2b, 0x0e, 0x03, 0x02, 0x1a };
    struct bm_tcb_info info = { .fwids = { { BM_OID(bm_oid_sha256), bm_bytes(code, BM_HASH) }, { BM_OID(sha1), bm_bytes(code, 20) } },
                                .nfwids = 1,
                                .svn = 3 };
    struct bm_dice dice;

    (void)state;
    certify_with(bm_oid_tcb_info, true, &info);
    assert_ok(check(&dice, NOW));
    assert_int_equal(dice.alias.svn, 3);
    info.nfwids = 2;
    certify_with(bm_oid_tcb_info, false, &info);
    assert_refused_saying(BM_EPOLICY, check(&dice, NOW), "measured by one SHA-256");
    info.nfwids = 0;
    certify_with(bm_oid_tcb_info, false, &info);
    assert_refused_saying(BM_EPOLICY, check(&dice, NOW), "measured by one SHA-256");
    certify_with(bm_oid_tcb_info, false, NULL);
    assert_refused_saying(BM_EINPUT, check(&dice, NOW), "malformed");
    certify_with(BM_OID(ueid), false, NULL);
    assert_refused_saying(BM_EPOLICY, check(&dice, NOW), "says nothing of the code");
    /* proves: RFC5280 4.2 */
    certify_with(BM_OID(ueid), true, NULL);
    assert_refused_saying(BM_EPOLICY, check(&dice, NOW), "critical extension");
}

/* The bytes of fwids that TCG's and others' programs write. */
static void
a_measurement_is_written_as_others_write_it(void **state)
{
    static const uint8_t fwids[] = { 0xa6, 0x2f, 0x30, 0x2d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x04, 0x20 };
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = 200 };
    const struct bm_tcb_info info = { .layer = 1, .fwids[0] = { BM_OID(bm_oid_sha256), bm_bytes(code, BM_HASH) }, .nfwids = 1 };

    (void)state;
    bm_tcb_info_build(&der, &info);
    assert_int_equal(der.n, 2 + 3 + 2 + 0x2f);
    assert_memory_equal(der.p + 5, fwids, sizeof(fwids));
}

static void
every_field_comes_back_and_nothing_else_is_taken(void **state)
{
    const struct bm_tcb_info info = { .vendor = bm_bytes_str("Example Silicon"),
                                      .model = bm_bytes_str("X1"),
                                      .version = bm_bytes_str("1.2"),
                                      .svn = 300,
                                      .layer = 2,
                                      .index = 7,
                                      .fwids[0] = { BM_OID(bm_oid_sha256), bm_bytes(boot, BM_HASH) },
                                      .nfwids = 1,
                                      .flags = bm_bytes("\0\x80", 2),
                                      .vendor_info = bm_bytes_str("v"),
                                      .type = bm_bytes_str("t"),
                                      .flags_mask = bm_bytes("\0\xff", 2) };
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = 300 };
    struct bm_tcb_info got;

    (void)state;
    bm_tcb_info_build(&der, &info);
    assert_ok(bm_tcb_info_parse(&got, bm_buf_bytes(&der), &kit_fail));
    assert_true(got.svn == 300 && got.layer == 2 && got.index == 7 && got.nfwids == 1);
    assert_true(bm_bytes_equal(got.vendor, info.vendor) && bm_bytes_equal(got.flags_mask, info.flags_mask));
    for (size_t n = 0; n < der.n; n++)
        assert_rc(BM_EINPUT, bm_tcb_info_parse(&got, bm_bytes(der.p, n), &kit_fail));
    bm_buf_add_u8(&der, 0);
    assert_rc(BM_EINPUT, bm_tcb_info_parse(&got, bm_buf_bytes(&der), &kit_fail));
    /* a control character; fields out of order; a field that is not known */
    assert_rc(BM_EINPUT, bm_tcb_info_parse(&got, bm_bytes("\x30\x03\x80\x01\x07", 5), &kit_fail));
    assert_rc(BM_EINPUT, bm_tcb_info_parse(&got, bm_bytes("\x30\x06\x81\x01\x41\x80\x01\x41", 8), &kit_fail));
    assert_rc(BM_EINPUT, bm_tcb_info_parse(&got, bm_bytes("\x30\x03\x8b\x01\x41", 5), &kit_fail));
    assert_rc(BM_EINPUT, bm_tcb_info_parse(&got, bm_bytes("\x30\x02\xa6\x00", 4), &kit_fail));
    assert_ok(bm_tcb_info_parse(&got, bm_bytes("\x30\x00", 2), &kit_fail));
}

/* ---- in a request ---- */

#define CSR bm_bytes_str("the bytes of a request")

static void
evidence_make(struct bm_buf *der, struct bm_private *signer, struct bm_bytes csr)
{
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = 64 }, signature = { .max = BM_MAX_SIGNATURE };

    bm_word_tbs(&tbs, BM_WORD_DICE, csr);
    assert_ok(bm_private_sign(signer, bm_buf_bytes(&tbs), &signature, &kit_fail));
    bm_dice_evidence_build(der, &(struct bm_dice_evidence){ bm_buf_bytes(&device_id), bm_buf_bytes(&alias_id), bm_buf_bytes(&signature) });
    assert_false(der->bad);
}

static enum bm_rc
evidence_check(struct bm_buf *der, const struct bm_private *under)
{
    struct bm_dice_evidence evidence;
    struct bm_dice dice;
    enum bm_rc rc = bm_dice_evidence_parse(&evidence, bm_buf_bytes(der), &kit_fail);

    if (rc != BM_OK)
        return rc;
    return bm_dice_evidence_check(&dice, crypto, bm_private_public(under), &evidence, CSR, &kit_fail);
}

static void
alias_signs_this_request_and_no_other(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_EVIDENCE };
    size_t whole;

    (void)state;
    evidence_make(&der, alias, CSR);
    assert_ok(evidence_check(&der, root));
    /* of another chip, whose root key certified nothing here */
    assert_refused_saying(BM_EPOLICY, evidence_check(&der, stranger), "not signed by the root key");
    whole = der.n;
    for (der.n = 0; der.n < whole; der.n++)
        assert_rc(BM_EINPUT, evidence_check(&der, root));
    bm_buf_add_u8(&der, 0);
    assert_rc(BM_EINPUT, evidence_check(&der, root));
    /* recorded from another request; signed by the layer below */
    bm_buf_reset(&der);
    evidence_make(&der, alias, bm_bytes_str("another request"));
    assert_refused_saying(BM_EPOLICY, evidence_check(&der, root), "evidence of another request or device proves nothing");
    bm_buf_reset(&der);
    evidence_make(&der, device, CSR);
    assert_refused_saying(BM_EPOLICY, evidence_check(&der, root), "evidence of another request or device proves nothing");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_chain_says_whose_keys_on_what_code, good_chain),
        cmocka_unit_test_setup(other_chains_are_refused, good_chain),
        cmocka_unit_test_setup(altered_and_truncated_chains_are_refused, good_chain),
        cmocka_unit_test_setup(measurements_are_wanted_and_unknown_critical_extensions_not, good_chain),
        cmocka_unit_test_setup(alias_signs_this_request_and_no_other, good_chain),
        cmocka_unit_test(a_measurement_is_written_as_others_write_it),
        cmocka_unit_test(every_field_comes_back_and_nothing_else_is_taken),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
