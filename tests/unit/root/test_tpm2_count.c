/* test_tpm2_count.c - how many commands an enrolment and a renewal ask of a TPM: the least that the protocol allows, and at most two more. */
#include "../testing.h"

#include "root/root.h"

#include "counted.h"
#include "tpm_kit.h"

/* ---- what an enrolment asks of its root, as src/device does it ---- */

static void
sign(struct bm_root *root, const char *service, bool pending)
{
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE };
    enum bm_sig_alg alg;

    assert_ok(root->ops->key_sign(root, service, pending, bm_bytes_str("a request, a handshake"), &alg, &signature, &kit_fail));
}

static void
evidence(struct bm_root *root, const char *service, const struct bm_leaf_key *speaker)
{
    bm_cleanup(bm_buf_done) struct bm_buf area = { .max = 1024 }, attest = { .max = 1024 }, signature = { .max = 1024 };
    const struct bm_bytes extra = bm_bytes_str("thirty-two bytes, as of a digest");

    if (speaker->use == BM_USE_DECRYPT)
        assert_ok(challenge(root, &speaker->key, false, &kit_fail));
    assert_ok(root->ops->certify(root, speaker->use == BM_USE_DECRYPT ? NULL : &speaker->key, service, true, extra, &area, &attest,
                                 &signature, &kit_fail));
}

static void
enrol(const char *uri, const char *service, bool renew)
{
    bm_cleanup(bm_root_done) struct bm_root *root = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE }, back = { .max = BM_MAX_EVIDENCE };
    static uint8_t leaf[600], ca[550]; /* as large as ours are */
    const struct bm_bytes chain[] = { { leaf, sizeof(leaf) }, { ca, sizeof(ca) } };
    struct bm_leaf_key speaker;
    struct bm_key key;

    assert_ok(bm_root_open(&root, uri, &kit_fail));
    counted_reset(); /* opening a simulator looks for what a killed process left there; a resource manager's is not looked at */
    if (renew)
        assert_ok(root->ops->certs(root, service, &back, &kit_fail));
    assert_ok(bm_root_speaker(root, &speaker, &certs, &kit_fail));
    assert_int_equal(root->ops->key_public(root, service, false, &key, &kit_fail), renew ? BM_OK : BM_EPOLICY);
    assert_rc(BM_EPOLICY, root->ops->key_public(root, service, true, &key, &kit_fail));
    assert_ok(root->ops->key_new(root, service, &key, &kit_fail));
    sign(root, service, true);
    evidence(root, service, &speaker);
    if (renew)
        sign(root, service, false);
    assert_ok(root->ops->commit(root, service, chain, 2, &kit_fail));
    bm_buf_reset(&back);
    assert_ok(root->ops->certs(root, service, &back, &kit_fail));
    sign(root, service, false); /* confirms over TLS */
}

static void
at_most(const char *what, const char *uri, bool renew, unsigned least)
{
    char text[400];
    struct counted counted;

    enrol(uri, "mqtt", renew);
    counted = counted_now();
    counted_print(&counted, text, sizeof(text));
    print_message("%s: %u commands, least %u: %s\n", what, counted.commands, least, text);
    assert_true(counted.commands <= least + 2);
}

/*
 * The least that the protocol allows over ESYS, each with its reason:
 *   GetCapability 1         which NV indexes are there: identities, endorsement certificates
 *   NV_ReadPublic 2, NV_Read 1      the endorsement certificate, which the server asks for. ESYS asks once for itself: it wants an index's name before it lets
 *                                   anybody ask what the index is; by bare commands it would be one less
 *   CreatePrimary 3         endorsement, attestation, storage key: nothing of ours is persistent
 *   Create, Load 2          the new key
 *   StartAuthSession, PolicySecret, ActivateCredential 3
 *   Certify 1
 *   Sign 2                  request, handshake
 *   FlushContext 4          what was made or loaded; the session ends by itself
 *   NV_DefineSpace, NV_Write 2      the pending key outlives a power cut
 *   NV_DefineSpace, NV_Write 3      key and certificates: two commands' worth of bytes
 *   NV_UndefineSpace 1      the pending key's
 * An attestation key that the lot lists saves the activation (3), the endorsement key (2) and its certificate (3).
 * A renewal reads the live record (NV_ReadPublic 2, NV_Read 2), loads its key (CreatePrimary, Load, FlushContext 2), signs once more and frees the old record too.
 *
 * What we use more: GetCapability for how much an NV index and a command hold; with TCG's keys another for a maker's persistent handles.
 */
#define ENROL 25
#define CERTIFIED (ENROL - 3 - 2 - 3)
#define MORE_AT_RENEWAL (4 + 4 + 1 + 1)

static void
the_commands_of_an_enrolment(void **state)
{
    (void)state;
    at_most("enrol, activated", chips.uri[VIRTUAL_TPM2], false, ENROL);
    at_most("renew, activated", chips.uri[VIRTUAL_TPM2], true, ENROL + MORE_AT_RENEWAL);
}

static void
the_commands_where_the_lot_lists_an_attestation_key(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = NULL;

    (void)state;
    assert_ok(bm_root_open(&root, chips.uri[VIRTUAL_TPM2], &kit_fail));
    assert_ok(root->ops->reset(root, &kit_fail));
    bm_root_done(&root);
    enrol(chips.templates[1], "first",
          false); /* after a start, the first use of a key that the lock-out guards is answered by "once more" */
    assert_ok(bm_root_open(&root, chips.uri[VIRTUAL_TPM2], &kit_fail));
    assert_ok(root->ops->retire(root, "first", &kit_fail));
    bm_root_done(&root);
    at_most("enrol, certified", chips.templates[1], false, CERTIFIED);
    at_most("renew, certified", chips.templates[1], true, CERTIFIED + MORE_AT_RENEWAL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_commands_of_an_enrolment),
        cmocka_unit_test(the_commands_where_the_lot_lists_an_attestation_key),
    };

    return cmocka_run_group_tests(tests, chips_start, chips_stop);
}
