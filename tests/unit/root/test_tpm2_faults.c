/* test_tpm2_faults.c - a TPM that is locked, full of another program's keys, killed in the middle of an enrolment, exchanged: one sentence, and nothing is lost. */
#include "../testing.h"

#include "root/tpm2.h"

#include "counted.h"
#include "tpm_kit.h"

#include <signal.h>

static struct bm_leaf leaf; /* 9 KiB: not for the stack */

/* ---- an enrolment, which goes on where one was cut off ---- */

static enum bm_rc
signs(struct bm_root *root, bool pending, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE };
    enum bm_sig_alg alg;

    return root->ops->key_sign(root, "mqtt", pending, bm_bytes_str("x"), &alg, &signature, fail);
}

/* Of the certificate the first byte says which round. */
static enum bm_rc
enrol(struct bm_root *root, uint8_t round, struct bm_key *ret_key, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE }, area = { .max = 1024 }, attest = { .max = 1024 },
                                          signature = { .max = 1024 };
    uint8_t cert[1300];
    const struct bm_bytes chain = bm_bytes(cert, sizeof(cert));
    struct bm_leaf_key speaker;
    enum bm_rc rc;

    memset(cert, round, sizeof(cert));
    if ((rc = bm_root_speaker(root, &speaker, &certs, fail)) != BM_OK)
        return rc;
    if ((rc = root->ops->key_public(root, "mqtt", true, ret_key, fail)) == BM_EPOLICY)
        rc = root->ops->key_new(root, "mqtt", ret_key, fail);
    if (rc != BM_OK || (rc = signs(root, true, fail)) != BM_OK || (rc = challenge(root, &speaker.key, false, fail)) != BM_OK ||
        (rc = root->ops->certify(root, NULL, "mqtt", true, bm_bytes_str("thirty-two bytes, as of a digest"), &area, &attest, &signature,
                                 fail)) != BM_OK ||
        (rc = root->ops->commit(root, "mqtt", &chain, 1, fail)) != BM_OK)
        return rc;
    return signs(root, false, fail);
}

/* The live identity works, and its certificate is the one for its key. */
static uint8_t
live(struct bm_root *root, struct bm_key *ret_key)
{
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE };

    assert_ok(root->ops->key_public(root, "mqtt", false, ret_key, &kit_fail));
    assert_ok(signs(root, false, &kit_fail));
    assert_ok(root->ops->certs(root, "mqtt", &certs, &kit_fail));
    assert_int_equal(certs.n, 4 + 1300);
    assert_int_equal(certs.p[4], certs.p[certs.n - 1]);
    return certs.p[4];
}

static unsigned
records(struct bm_root *root)
{
    uint32_t handles[BM_TPM2_HANDLES];
    unsigned count = 0;
    size_t n;

    assert_ok(bm_tpm2_handles((struct bm_tpm2 *)root, 0x01b1d000, handles, &n, &kit_fail));
    for (size_t i = 0; i < n; i++)
        count += handles[i] <= 0x01b1d03f;
    return count;
}

/* ---- killed ---- */

static bool killed;

/* A process that nobody waits for has no command line any more. */
static bool
runs(int pid)
{
    char path[64];
    FILE *file;
    bool more;

    (void)snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
    if ((file = fopen(path, "r")) == NULL)
        return false;
    more = fgetc(file) != EOF;
    (void)fclose(file);
    return more;
}

static void
tpm_kill(void)
{
    char path[128];
    int pid = 0;
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/tpm-01/pid", chips.dir);
    assert_non_null(file = fopen(path, "r"));
    assert_int_equal(fscanf(file, "%d", &pid), 1);
    (void)fclose(file);
    assert_int_equal(kill(pid, SIGKILL), 0);
    while (runs(pid))
        (void)usleep(1000);
    killed = true;
}

static void
the_tpm_is_killed_at_any_command(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    struct bm_key was, made, now;
    uint8_t round = 1;

    (void)state;
    assert_ok(enrol(root, round, &was, &kit_fail));
    bm_root_done(&root);
    for (unsigned at = 1, done = 0; done < 2; at++) {
        enum bm_rc rc;
        uint8_t shown;

        killed = false;
        round++;
        memset(&made, 0, sizeof(made));
        counted_reset();
        counted_at((at + 1) / 2, at % 2 == 0, tpm_kill); /* once before the TPM has the command, once with the command on its way */
        if ((rc = bm_root_open(&root, chips.uri[VIRTUAL_TPM2], &kit_fail)) == BM_OK)
            rc = enrol(root, round, &made, &kit_fail);
        bm_root_done(&root);
        counted_at(0, false, NULL);
        done = killed ? 0 : done + 1;
        if (!killed || rc == BM_OK) /* at letting go, when all was done */
            assert_ok(rc);
        else {
            assert_int_equal(rc, BM_EBUSY);
            assert_non_null(strstr(kit_fail.text, "does not answer: start it"));
        }
        if (killed)
            assert_true(virtual_again(&chips, 1));
        root = open_tpm(chips.uri[VIRTUAL_TPM2]);
        shown = live(root, &now);
        assert_true(shown == round || shown == round - 1);
        assert_memory_equal(now.hash, shown == round ? made.hash : was.hash, BM_HASH);
        assert_ok(enrol(root, round, &was, &kit_fail)); /* goes on, or does it once more */
        assert_int_equal(live(root, &now), round);
        assert_memory_equal(now.hash, was.hash, BM_HASH);
        assert_int_equal(records(root), 1);
        bm_root_done(&root);
    }
    print_message("killed at each of its commands, %u times\n", round - 3u);
}

/* ---- locked, full ---- */

/* Wrong passwords for a key that the lock-out guards. */
static void
lock_out(struct bm_root *root)
{
    static const TPM2B_AUTH wrong = { .size = 5, .buffer = "wrong" };
    const TPMT_TK_HASHCHECK no_ticket = { .tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL };
    const TPMT_SIG_SCHEME scheme = { .scheme = TPM2_ALG_ECDSA, .details.ecdsa.hashAlg = TPM2_ALG_SHA256 };
    const TPM2B_DIGEST digest = { .size = BM_HASH };
    struct bm_tpm2 *tpm = (struct bm_tpm2 *)root;
    TPMT_SIGNATURE *made;
    TPM2B_PUBLIC public;
    ESYS_TR object;

    bm_tpm2_room_make(tpm);
    assert_ok(bm_tpm2_identity_open(tpm, BM_TPM2_IDEVID, &object, &public, &kit_fail));
    assert_int_equal(Esys_TR_SetAuth(tpm->esys, object, &wrong), 0);
    for (int i = 0; i < 5; i++)
        assert_int_not_equal(
            Esys_Sign(tpm->esys, object, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &digest, &scheme, &no_ticket, &made), 0);
    bm_tpm2_object_close(tpm, &object);
}

static void
a_locked_tpm_says_so_and_goes_on_after_it(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.templates[1]);
    bm_cleanup(bm_buf_done) struct bm_buf area = { .max = 1024 }, attest = { .max = 1024 }, signature = { .max = 1024 },
                                          certs = { .max = BM_MAX_EVIDENCE };
    const struct bm_bytes extra = bm_bytes_str("thirty-two bytes, as of a digest");
    struct bm_key made, pending;

    (void)state;
    assert_ok(root->ops->identify(root, false, &leaf, &certs, &kit_fail));
    assert_ok(root->ops->key_new(root, "mqtt", &made, &kit_fail));
    assert_int_equal(TOOL("tpm2_dictionarylockout", "-s", "-n", "1", "-t", "1000", "-l", "1000"), 0);
    lock_out(root);
    assert_rc(BM_EBUSY, root->ops->certify(root, &leaf.keys[0].key, "mqtt", true, extra, &area, &attest, &signature, &kit_fail));
    assert_non_null(strstr(kit_fail.text, "is locked after too many wrong passwords"));
    assert_ok(signs(root, false, &kit_fail)); /* keys of ours are not guarded so */
    assert_int_equal(TOOL("tpm2_dictionarylockout", "-c"), 0);
    bm_root_done(&root); /* the tools had the TPM: what was loaded is gone */
    root = open_tpm(chips.templates[1]);
    assert_ok(root->ops->key_public(root, "mqtt", true, &pending, &kit_fail));
    assert_memory_equal(made.hash, pending.hash, BM_HASH);
    assert_ok(root->ops->certify(root, &leaf.keys[0].key, "mqtt", true, extra, &area, &attest, &signature, &kit_fail));
    assert_int_equal(TOOL("tpm2_dictionarylockout", "-s", "-n", "1000", "-t", "1", "-l", "1"), 0);
}

/* Without a resource manager a TPM has three places. */
static void
a_tpm_full_of_anothers_keys_says_so(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    struct bm_tpm2 *tpm = (struct bm_tpm2 *)root;
    struct bm_key before, after, made;
    ESYS_TR others[3];

    (void)state;
    (void)live(root, &before);
    bm_tpm2_room_make(tpm);
    for (size_t i = 0; i < BM_COUNT(others); i++)
        assert_ok(bm_tpm2_primary_own(tpm, BM_TPM2_SRK, &others[i], NULL, &kit_fail));
    assert_rc(BM_EBUSY, root->ops->key_new(root, "mqtt", &made, &kit_fail));
    assert_non_null(strstr(kit_fail.text, "has no room for another key: use the kernel's resource manager"));
    assert_rc(BM_EBUSY, signs(root, false, &kit_fail));
    assert_non_null(strstr(kit_fail.text, "has no room for another key"));
    for (size_t i = 0; i < BM_COUNT(others); i++)
        bm_tpm2_flush(tpm, &others[i]);
    (void)live(root, &after);
    assert_memory_equal(before.hash, after.hash, BM_HASH);
    assert_ok(root->ops->key_new(root, "mqtt", &made, &kit_fail));
}

/* ---- exchanged ---- */

static void
another_tpm_in_its_place_has_nothing_of_it(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *one = open_tpm(chips.uri[VIRTUAL_TPM2]), *two = NULL;
    static struct bm_tpm2_record record;
    struct bm_key key;
    struct bm_bytes cert = bm_bytes_str("x");

    (void)state;
    assert_ok(bm_tpm2_record_get((struct bm_tpm2 *)one, "mqtt", BM_TPM2_LIVE, &record, &kit_fail));
    assert_true(virtual_again(&chips, 2));
    two = open_tpm(chips.uri[VIRTUAL_TPM2]);
    assert_rc(BM_EPOLICY, two->ops->key_public(two, "mqtt", false, &key, &kit_fail));
    assert_string_equal(kit_fail.text, "no live key for service mqtt");
    /* what was carried over from the one does not open in the other */
    assert_ok(
        bm_tpm2_record_put((struct bm_tpm2 *)two, "mqtt", BM_TPM2_LIVE, record.public, record.private, record.bound, &cert, 1, &kit_fail));
    assert_rc(BM_EBUSY, signs(two, false, &kit_fail));
    assert_non_null(strstr(kit_fail.text, "did not make this key: it is another TPM than the one that was enrolled, or was cleared"));
    assert_ok(signs(one, false, &kit_fail));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tpm_is_killed_at_any_command),
        cmocka_unit_test(a_tpm_full_of_anothers_keys_says_so),
        cmocka_unit_test(a_locked_tpm_says_so_and_goes_on_after_it),
        cmocka_unit_test(another_tpm_in_its_place_has_nothing_of_it),
    };

    return cmocka_run_group_tests(tests, chips_start, chips_stop);
}
