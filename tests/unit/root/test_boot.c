/* test_boot.c - what is bound to the boot state of a TPM: used under it, refused under another, carried over by the pinned update key alone. */
#include "../testing.h"

#include "root/tpm2.h"

#include "pki/private.h"
#include "tpm_kit.h"

#include <tss2/tss2_tcti.h>

#define PCRS 0x81u /* 0 and 7 */

/* Other firmware: it measures something else into PCR 7. */
static void
boot_other(unsigned char what)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    struct bm_tpm2 *tpm = (struct bm_tpm2 *)root;
    TPML_DIGEST_VALUES values = { .count = 1, .digests[0].hashAlg = TPM2_ALG_SHA256 };

    memset(values.digests[0].digest.sha256, what, BM_HASH);
    assert_int_equal(Esys_PCR_Extend(tpm->esys, ESYS_TR_PCR7, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &values), TSS2_RC_SUCCESS);
}

static void
policy_now(uint8_t ret[static BM_HASH])
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    uint8_t values[BM_PCRS][BM_HASH];

    assert_ok(bm_root_boot_values(root, PCRS, values, &kit_fail));
    bm_boot_policy(ret, PCRS, values);
}

/* As the maker of firmware does: knows what it will measure, and signs the policy of that. */
static void
policy_after(uint8_t ret[static BM_HASH], unsigned char what)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    uint8_t values[BM_PCRS][BM_HASH], measured[BM_HASH];

    assert_ok(bm_root_boot_values(root, PCRS, values, &kit_fail));
    memset(measured, what, sizeof(measured));
    bm_sha256_pieces(values[7], (const struct bm_bytes[]){ bm_bytes(values[7], BM_HASH), bm_bytes(measured, BM_HASH) }, 2);
    bm_boot_policy(ret, PCRS, values);
}

static struct bm_permit
permit_make(struct bm_private *key, const uint8_t policy[static BM_HASH])
{
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE };
    struct bm_permit permit = { .nsignature = 0 };
    uint8_t bytes[BM_PERMIT_SIGNED];

    memcpy(permit.policy, policy, BM_HASH);
    bm_permit_signed(bytes, policy);
    assert_ok(bm_private_sign(key, bm_bytes(bytes, sizeof(bytes)), &signature, &kit_fail));
    permit.nsignature = signature.n;
    memcpy(permit.signature, signature.p, signature.n);
    return permit;
}

static struct bm_private *
update_key(void)
{
    struct bm_private *key = NULL;

    assert_ok(bm_private_generate(&key, BM_KEY_P256, &kit_fail));
    return key;
}

static enum bm_rc
sign_with(const char *service)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    bm_cleanup(bm_crypto_done) struct bm_crypto *crypto = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE };
    struct bm_bytes tbs = bm_bytes_str("a handshake");
    enum bm_sig_alg alg = BM_SIG_ECDSA_SHA256;
    struct bm_key key;
    enum bm_rc rc;

    for (int i = 0; i < 2; i++) { /* the second finds the key loaded */
        bm_buf_reset(&signature);
        if ((rc = root->ops->key_sign(root, service, false, tbs, &alg, &signature, &kit_fail)) != BM_OK)
            return rc;
    }
    assert_ok(bm_crypto_new(&crypto, &kit_fail));
    assert_ok(root->ops->key_public(root, service, false, &key, &kit_fail));
    assert_ok(bm_key_verify(crypto, &key, alg, tbs, bm_buf_bytes(&signature), &kit_fail));
    return BM_OK;
}

static enum bm_rc
unseal(const char *name, const char *want)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = BM_MAX_SEALED };
    enum bm_rc rc = root->ops->unseal(root, name, &bytes, &kit_fail);

    if (rc == BM_OK)
        assert_true(bm_bytes_equal(bm_buf_bytes(&bytes), bm_bytes_str(want)));
    return rc;
}

static void
identity_make(struct bm_root *root, const char *service)
{
    static const uint8_t filler[300];
    const struct bm_bytes certs[] = { bm_bytes(filler, sizeof(filler)) };
    bm_cleanup(bm_buf_done) struct bm_buf area = { .max = 1024 }, attest = { .max = 1024 }, signature = { .max = 1024 };
    struct bm_key key;

    assert_ok(root->ops->key_new(root, service, &key, &kit_fail));
    assert_ok(root->ops->certify(root, NULL, service, true, bm_bytes_str("x"), &area, &attest, &signature, &kit_fail));
    assert_ok(root->ops->commit(root, service, certs, 1, &kit_fail));
}

/* An identity and sealed data, bound to what this machine booted and to the update key. */
static void
bound_make(struct bm_private *key, const char *service, const char *name)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    struct bm_bound bound = { .pcrs = PCRS, .pinned = key != NULL };

    if (key != NULL)
        bound.update_key = *bm_private_public(key);
    assert_ok(bm_root_bind(root, &bound, &kit_fail));
    identity_make(root, service);
    assert_ok(root->ops->seal(root, name, bm_bytes_str("the disk's key"), &kit_fail));
    assert_ok(bm_root_bind(root, NULL, &kit_fail));
    identity_make(root, "free");
}

static void
both_refused(const char *service, const char *name, const char *words)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    bm_cleanup(bm_buf_done) struct bm_buf area = { .max = 1024 }, attest = { .max = 1024 }, signature = { .max = 1024 };
    struct bm_bound bound;
    bool usable = true;

    assert_rc(BM_EPOLICY, sign_with(service));
    assert_non_null(strstr(kit_fail.text, "did not boot what the key of service"));
    assert_non_null(strstr(kit_fail.text, "(PCRs 0,7)"));
    assert_non_null(strstr(kit_fail.text, words));
    assert_rc(BM_EPOLICY, unseal(name, ""));
    assert_non_null(strstr(kit_fail.text, "did not boot what the sealed data"));
    assert_non_null(strstr(kit_fail.text, words));
    assert_ok(bm_root_bound_tell(root, BM_KEPT_LIVE, service, &bound, &usable, &kit_fail));
    assert_int_equal(bound.pcrs, PCRS);
    assert_false(usable);
    assert_ok(bm_root_bound_tell(root, BM_KEPT_SEALED, name, &bound, &usable, &kit_fail));
    assert_false(usable);
    /* to say what the key is, is not to use it */
    assert_ok(root->ops->certify(root, NULL, service, false, bm_bytes_str("x"), &area, &attest, &signature, &kit_fail));
    bm_root_done(&root);
    assert_ok(sign_with("free"));
    root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    assert_ok(bm_root_bound_tell(root, BM_KEPT_LIVE, "free", &bound, &usable, &kit_fail));
    assert_int_equal(bound.pcrs, 0);
    assert_true(usable);
}

static void
both_work(const char *service, const char *name)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    struct bm_bound bound;
    bool usable = false;

    assert_ok(sign_with(service));
    assert_ok(unseal(name, "the disk's key"));
    assert_ok(bm_root_bound_tell(root, BM_KEPT_LIVE, service, &bound, &usable, &kit_fail));
    assert_true(usable);
}

static enum bm_rc
install(const struct bm_permit *permit)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);

    return bm_root_boot_permit(root, permit, &kit_fail);
}

static void
other_firmware_is_refused_until_the_update_key_permits_it(void **state)
{
    bm_cleanup(bm_private_done) struct bm_private *key = update_key(), *stranger = update_key();
    uint8_t policy[BM_HASH], seen[BM_HASH];
    struct bm_permit permit;

    (void)state;
    bound_make(key, "mqtt", "disk");
    both_work("mqtt", "disk");

    policy_after(policy, 1);
    boot_other(1);
    policy_now(seen);
    assert_memory_equal(policy, seen, BM_HASH);
    both_refused("mqtt", "disk", "boot permit");

    permit = permit_make(stranger, policy);
    assert_rc(BM_EPOLICY, install(&permit));
    assert_non_null(strstr(kit_fail.text, "no update key that this device pins signed this boot permit"));
    both_refused("mqtt", "disk", "boot permit");

    permit = permit_make(key, policy);
    assert_ok(install(&permit));
    both_work("mqtt", "disk");
    assert_ok(install(&permit)); /* twice is once */
    both_work("mqtt", "disk");

    /* the permit is for that firmware, not for any; and one can be there before the update is */
    policy_after(policy, 3);
    permit = permit_make(key, policy);
    assert_ok(install(&permit));
    both_work("mqtt", "disk");
    boot_other(2);
    both_refused("mqtt", "disk", "boot permit");
    policy_now(policy);
    permit = permit_make(key, policy);
    assert_ok(install(&permit));
    both_work("mqtt", "disk");
}

/* Whoever writes the TPM's NV memory: the TPM itself asks for the signature. */
static void
a_permit_of_another_key_in_nv_memory_does_not_help(void **state)
{
    bm_cleanup(bm_private_done) struct bm_private *key = update_key(), *stranger = update_key();
    struct bm_permit permit, forged;
    uint8_t policy[BM_HASH];

    (void)state;
    bound_make(key, "mqtt", "disk");
    boot_other(4);
    policy_now(policy);
    permit = permit_make(key, policy);
    forged = permit_make(stranger, policy);
    assert_ok(install(&permit));
    both_work("mqtt", "disk");
    {
        bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);
        bm_cleanup(bm_buf_done) struct bm_buf bound = { .max = BM_BOUND_BYTES };
        struct bm_tpm2 *tpm = (struct bm_tpm2 *)root;
        struct bm_bound inside = { .pcrs = PCRS, .pinned = true, .update_key = *bm_private_public(key) };
        struct bm_tpm2_names names;

        memcpy(inside.policy, policy, BM_HASH);
        bm_bound_build(&bound, &inside);
        assert_ok(bm_tpm2_record_names(tpm, BM_TPM2_PERMIT, &names, &kit_fail));
        assert_ok(bm_tpm2_record_put(tpm, names.name[names.n - 1], BM_TPM2_PERMIT, bm_bytes(NULL, 0),
                                     bm_bytes(forged.signature, forged.nsignature), bm_buf_bytes(&bound), NULL, 0, &kit_fail));
    }
    assert_rc(BM_EPOLICY, sign_with("mqtt"));
    assert_non_null(strstr(kit_fail.text, "not signed by the pinned update key"));
    assert_rc(BM_EPOLICY, unseal("disk", ""));
    assert_ok(install(&permit));
    both_work("mqtt", "disk");
}

static void
without_an_update_key_only_the_same_firmware_will_do(void **state)
{
    bm_cleanup(bm_private_done) struct bm_private *key = update_key();
    struct bm_permit permit;
    uint8_t policy[BM_HASH];

    (void)state;
    bound_make(NULL, "alone", "alone");
    both_work("alone", "alone");
    boot_other(5);
    both_refused("alone", "alone", "no permit helps");
    policy_now(policy);
    permit = permit_make(key, policy);
    assert_rc(BM_EPOLICY, install(&permit));
}

/* The TPM refuses by itself, without our looking first: the owner's password and a bare session are not enough. */
static void
the_tpm_itself_refuses(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    struct bm_tpm2 *tpm = (struct bm_tpm2 *)root;
    struct bm_tpm2_record record;
    TPM2B_SENSITIVE_DATA *data = NULL;
    TPM2B_DIGEST no_digest = { .size = 0 };
    TPML_PCR_SELECTION pcrs = { .count = 1, .pcrSelections[0] = { .hash = TPM2_ALG_SHA256, .sizeofSelect = 3, .pcrSelect = { 0x81 } } };
    TPMT_SYM_DEF none = { .algorithm = TPM2_ALG_NULL };
    ESYS_TR object = ESYS_TR_NONE, session = ESYS_TR_NONE;

    (void)state;
    assert_ok(bm_tpm2_record_get(tpm, "alone", BM_TPM2_SEALED, &record, &kit_fail));
    assert_ok(bm_tpm2_load(tpm, &record, "it", &object, &kit_fail));
    assert_int_not_equal(Esys_Unseal(tpm->esys, object, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data), TSS2_RC_SUCCESS);
    assert_int_equal(Esys_StartAuthSession(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL,
                                           TPM2_SE_POLICY, &none, TPM2_ALG_SHA256, &session),
                     TSS2_RC_SUCCESS);
    assert_int_equal(Esys_PolicyPCR(tpm->esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &no_digest, &pcrs), TSS2_RC_SUCCESS);
    assert_int_not_equal(Esys_Unseal(tpm->esys, object, session, ESYS_TR_NONE, ESYS_TR_NONE, &data), TSS2_RC_SUCCESS);
    assert_null(data);
    bm_tpm2_flush(tpm, &session);
    bm_tpm2_flush(tpm, &object);
}

static void
old_permits_make_room_for_new_ones(void **state)
{
    bm_cleanup(bm_private_done) struct bm_private *key = update_key();
    bm_cleanup(bm_root_done) struct bm_root *root = NULL;
    struct bm_tpm2_names names;
    struct bm_permit permit;
    uint8_t policy[BM_HASH];

    (void)state;
    bound_make(key, "mqtt", "disk");
    for (unsigned char i = 0; i < 12; i++) {
        memset(policy, i, sizeof(policy));
        permit = permit_make(key, policy);
        assert_ok(install(&permit));
    }
    root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    assert_ok(bm_tpm2_record_names((struct bm_tpm2 *)root, BM_TPM2_PERMIT, &names, &kit_fail));
    assert_int_equal(names.n, 8);
    both_work("mqtt", "disk");
}

static void
what_cannot_be_bound_to_is_refused(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    bm_cleanup(bm_private_done) struct bm_private *p384 = NULL;
    struct bm_bound bound = { .pcrs = 0 };

    (void)state;
    assert_rc(BM_EINPUT, bm_root_bind(root, &bound, &kit_fail));
    bound.pcrs = 1u << 24;
    assert_rc(BM_EINPUT, bm_root_bind(root, &bound, &kit_fail));
    bound.pcrs = 1;
    bound.pinned = true;
    assert_ok(bm_private_generate(&p384, BM_KEY_P384, &kit_fail));
    bound.update_key = *bm_private_public(p384);
    assert_rc(BM_EINPUT, bm_root_bind(root, &bound, &kit_fail));
}

/* ---- cut at every command ---- */

static TSS2_TCTI_TRANSMIT_FCN passed_on;
static unsigned commands_left;

static TSS2_RC
cut_transmit(TSS2_TCTI_CONTEXT *tcti, size_t size, const uint8_t *command)
{
    if (commands_left == 0)
        return TSS2_TCTI_RC_IO_ERROR; /* the power is gone, or the TPM */
    commands_left--;
    return passed_on(tcti, size, command);
}

static struct bm_root *
open_cut(unsigned commands)
{
    struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    TSS2_TCTI_CONTEXT_COMMON_V1 *tcti = (TSS2_TCTI_CONTEXT_COMMON_V1 *)((struct bm_tpm2 *)root)->tcti;

    passed_on = tcti->transmit;
    tcti->transmit = cut_transmit;
    commands_left = commands;
    return root;
}

static void
sealing_that_is_cut_off_anywhere_leaves_the_old_or_the_new(void **state)
{
    bool replaced = false;
    enum bm_rc rc = BM_EBUSY;
    char old[16] = "v0", new[16];

    (void)state;
    {
        bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);

        assert_ok(root->ops->reset(root, &kit_fail)); /* fewer records, fewer commands */
        assert_ok(root->ops->seal(root, "cut", bm_bytes_str(old), &kit_fail));
    }
    for (unsigned cut = 1; rc != BM_OK; cut++) {
        bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = BM_MAX_SEALED };
        bm_cleanup(bm_root_done) struct bm_root *root = open_cut(cut);

        assert_true(cut < 500);
        (void)snprintf(new, sizeof(new), "v%u", cut);
        rc = root->ops->seal(root, "cut", bm_bytes_str(new), &kit_fail);
        if (rc != BM_OK)
            assert_non_null(strstr(kit_fail.text, " does not answer: start it, or correct the root's URI"));
        bm_root_done(&root);
        root = open_tpm(chips.uri[VIRTUAL_TPM2]);
        assert_ok(root->ops->unseal(root, "cut", &bytes, &kit_fail));
        if (bm_bytes_equal(bm_buf_bytes(&bytes), bm_bytes_str(new))) {
            replaced = true;
            memcpy(old, new, sizeof(old));
        } else
            assert_true(rc != BM_OK && bm_bytes_equal(bm_buf_bytes(&bytes), bm_bytes_str(old)));
    }
    assert_true(replaced);
}

static void
retiring_that_is_cut_off_anywhere_leaves_the_identity_or_nothing(void **state)
{
    enum bm_rc rc = BM_EBUSY;

    (void)state;
    for (unsigned cut = 1; rc != BM_OK; cut++) {
        bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);
        bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE }, certs = { .max = 4096 };
        struct bm_key key;
        enum bm_sig_alg alg;
        bool there;

        assert_true(cut < 500);
        if (root->ops->key_public(root, "leaving", false, &key, &kit_fail) == BM_EPOLICY)
            identity_make(root, "leaving");
        assert_ok(root->ops->key_new(root, "leaving", &key, &kit_fail));
        bm_root_done(&root);
        root = open_cut(cut);
        rc = root->ops->retire(root, "leaving", &kit_fail);
        bm_root_done(&root);
        root = open_tpm(chips.uri[VIRTUAL_TPM2]);
        there = root->ops->certs(root, "leaving", &certs, &kit_fail) == BM_OK;
        assert_true(there || root->ops->key_public(root, "leaving", false, &key, &kit_fail) == BM_EPOLICY);
        if (there)
            assert_ok(root->ops->key_sign(root, "leaving", false, bm_bytes_str("x"), &alg, &signature, &kit_fail));
        assert_false(there && rc == BM_OK);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_firmware_is_refused_until_the_update_key_permits_it),
        cmocka_unit_test(a_permit_of_another_key_in_nv_memory_does_not_help),
        cmocka_unit_test(without_an_update_key_only_the_same_firmware_will_do),
        cmocka_unit_test(the_tpm_itself_refuses),
        cmocka_unit_test(old_permits_make_room_for_new_ones),
        cmocka_unit_test(what_cannot_be_bound_to_is_refused),
        cmocka_unit_test(sealing_that_is_cut_off_anywhere_leaves_the_old_or_the_new),
        cmocka_unit_test(retiring_that_is_cut_off_anywhere_leaves_the_identity_or_nothing),
    };

    return cmocka_run_group_tests(tests, chips_start, chips_stop);
}
