/* test_tpm2.c - what only a TPM does: activation, certification, records in NV memory that are whole or not there, refusals that say what to do. */
#include "../testing.h"

#include "root/tpm2.h"

#include "tpm_kit.h"

/* 9 KiB each: not for the stack. */
static struct bm_leaf leaf, other;

static void
identify(struct bm_root *root, struct bm_leaf *ret)
{
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE };

    assert_ok(root->ops->identify(root, true, ret, &certs, &kit_fail));
}

static void
every_endorsement_key_opens_its_challenge(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);

    (void)state;
    identify(root, &leaf);
    assert_int_equal(leaf.nkeys, 3);
    assert_int_equal(leaf.keys[0].key.alg, BM_KEY_P256); /* the cheapest first: the agent takes it */
    assert_int_equal(leaf.keys[1].key.alg, BM_KEY_P384);
    assert_int_equal(leaf.keys[2].key.alg, BM_KEY_RSA);
    for (size_t i = 0; i < leaf.nkeys; i++) {
        assert_int_equal(leaf.keys[i].use, BM_USE_DECRYPT);
        assert_ok(challenge(root, &leaf.keys[i].key, false, &kit_fail));
        assert_int_equal(challenge(root, &leaf.keys[i].key, true, &kit_fail), BM_EPOLICY);
    }
}

/* Ten rounds of everything: a TPM without a resource manager has three places. */
static void
nothing_stays_loaded(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    bm_cleanup(bm_crypto_done) struct bm_crypto *crypto = NULL;
    struct bm_key key;

    (void)state;
    assert_ok(bm_crypto_new(&crypto, &kit_fail));
    assert_ok(root->ops->key_new(root, "busy", &key, &kit_fail));
    for (int i = 0; i < 10; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf area = { .max = 1024 }, attest = { .max = 1024 }, signature = { .max = 1024 },
                                              ak = { .max = 1024 };
        bm_cleanup(bm_buf_done) struct bm_buf tls = { .max = 1024 };
        struct bm_tpm_public public, attestation;
        struct bm_bytes extra = bm_bytes_str("thirty-two bytes, as of a digest");
        enum bm_sig_alg alg;

        assert_ok(root->ops->key_sign(root, "busy", true, extra, &alg, &tls, &kit_fail));
        assert_ok(root->ops->certify(root, NULL, "busy", true, extra, &area, &attest, &signature, &kit_fail));
        assert_ok(root->ops->attestation_key(root, &ak, &kit_fail));
        assert_ok(bm_tpm_public_parse(&public, bm_buf_bytes(&area), &kit_fail));
        assert_ok(bm_tpm_public_check_operational(&public, &kit_fail));
        assert_ok(bm_tpm_public_parse(&attestation, bm_buf_bytes(&ak), &kit_fail));
        assert_ok(bm_tpm_certify_check(crypto, bm_buf_bytes(&attest), bm_buf_bytes(&signature), &attestation, &public, extra, &kit_fail));
        assert_memory_equal(public.key.hash, key.hash, BM_HASH);
        identify(root, &leaf);
        assert_ok(challenge(root, &leaf.keys[2].key, false, &kit_fail));
    }
}

/* A process that was killed leaves its keys loaded. */
static void
what_a_killed_process_left_behind_is_cleared(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct bm_tpm2 *tpm;
        ESYS_TR object, session;

        assert_ok(bm_tpm2_open(&tpm, strchr(chips.uri[VIRTUAL_TPM2], ':') + 1, &kit_fail));
        assert_ok(bm_tpm2_primary_own(tpm, BM_TPM2_SRK, &object, NULL, &kit_fail));
        assert_ok(bm_tpm2_primary_own(tpm, BM_TPM2_AK, &object, NULL, &kit_fail));
        TPMT_SYM_DEF none = { .algorithm = TPM2_ALG_NULL };
        assert_int_equal(Esys_StartAuthSession(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL,
                                               TPM2_SE_POLICY, &none, TPM2_ALG_SHA256, &session),
                         TSS2_RC_SUCCESS);
        bm_tpm2_close(tpm); /* flushes what it knows of, and of these it does not */
    }
}

static void
another_tpm_cannot_answer(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    BM_SECRET(secret);

    (void)state;
    identify(root, &leaf);
    other = leaf;
    other.keys[0].key.hash[3] ^= 1;
    assert_int_equal(challenge(root, &other.keys[0].key, false, &kit_fail), BM_EPOLICY);
    assert_int_equal(root->ops->activate(root, &leaf.keys[0].key, bm_bytes_str("x"), bm_bytes_str("y"), &secret, &kit_fail), BM_EINPUT);
}

/* Content as tpm2_record.c stores it. */
static void
record_make(struct bm_tpm2_record *record)
{
    bm_cleanup(bm_buf_done) struct bm_buf content = { .max = sizeof(record->bytes) };
    uint8_t hash[BM_HASH];

    bm_buf_add_u16(&content, 1);
    bm_buf_add_u8(&content, BM_TPM2_LIVE);
    bm_buf_add_lv16(&content, bm_bytes_str("mqtt"));
    bm_buf_add_lv16(&content, bm_bytes_str("public"));
    bm_buf_add_lv16(&content, bm_bytes_str("private"));
    bm_buf_add_lv16(&content, bm_bytes_str("certificates"));
    bm_sha256(hash, bm_buf_bytes(&content));
    bm_buf_add(&content, hash, sizeof(hash));
    memcpy(record->bytes, content.p, content.n);
    record->nbytes = content.n;
}

static void
a_record_is_whole_or_nothing(void **state)
{
    struct bm_tpm2_record record;
    size_t whole;

    (void)state;
    record_make(&record);
    whole = record.nbytes;
    assert_ok(bm_tpm2_record_parse(&record, &kit_fail));
    assert_string_equal(record.service, "mqtt");
    for (record.nbytes = 0; record.nbytes < whole; record.nbytes++)
        assert_int_equal(bm_tpm2_record_parse(&record, &kit_fail), BM_EINPUT);
    record.nbytes = whole + 1;
    assert_int_equal(bm_tpm2_record_parse(&record, &kit_fail), BM_EINPUT);
    record.nbytes = whole;
    for (size_t i = 0; i < whole; i++) {
        record.bytes[i] ^= 0x40;
        assert_int_equal(bm_tpm2_record_parse(&record, &kit_fail), BM_EINPUT);
        record.bytes[i] ^= 0x40;
    }
}

static unsigned
records(void)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    uint32_t handles[BM_TPM2_HANDLES];
    unsigned count = 0;
    size_t n;

    assert_ok(bm_tpm2_handles((struct bm_tpm2 *)root, 0x01b1d000, handles, &n, &kit_fail));
    for (size_t i = 0; i < n; i++)
        count += handles[i] <= 0x01b1d03f;
    return count;
}

/* An identity whose certificate has this many bytes; what commit said. */
static enum bm_rc
identity_make(const char *service, size_t n)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    static uint8_t filler[BM_MAX_CERT];
    const struct bm_bytes certs[] = { bm_bytes(filler, n) };
    struct bm_key key;
    enum bm_rc rc = root->ops->key_new(root, service, &key, &kit_fail);

    return rc != BM_OK ? rc : root->ops->commit(root, service, certs, 1, &kit_fail);
}

static bool
live(const char *service, struct bm_key *ret_key)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE };
    enum bm_sig_alg alg;

    return root->ops->key_public(root, service, false, ret_key, &kit_fail) == BM_OK &&
           root->ops->key_sign(root, service, false, bm_bytes_str("x"), &alg, &signature, &kit_fail) == BM_OK;
}

/* Writing that was cut off: an index that was defined and not written, one that was written in part, a whole new pending record beside a live one. */
static void
half_written_records_do_not_count_and_are_swept(void **state)
{
    struct bm_tpm2_record record;
    struct bm_key before, after;
    char index[16], size[16], path[128];
    unsigned had;
    FILE *file;

    (void)state;
    assert_ok(identity_make("cut", 700));
    assert_true(live("cut", &before));
    had = records();
    /* as index_write() would have left it: our mark is an authPolicy, so make it by the same hash */
    (void)snprintf(path, sizeof(path), "%s/policy", chips.dir);
    assert_non_null(file = fopen(path, "w"));
    uint8_t mark[BM_HASH];
    bm_sha256(mark, bm_bytes_str("birthmark nv v1"));
    assert_int_equal(fwrite(mark, 1, sizeof(mark), file), sizeof(mark));
    (void)fclose(file);
    for (unsigned i = 0; i < 2; i++) {
        (void)snprintf(index, sizeof(index), "0x1b1d03%x", 8 + i);
        record_make(&record);
        (void)snprintf(size, sizeof(size), "%zu", record.nbytes + 12);
        assert_int_equal(TOOL("tpm2_nvdefine", index, "-C", "o", "-s", size, "-a", "ownerwrite|ownerread|authread|no_da", "-L", path), 0);
    }
    char half[128];
    (void)snprintf(half, sizeof(half), "%s/half", chips.dir);
    assert_non_null(file = fopen(half, "w"));
    assert_int_equal(fwrite("BMK1\0\0\1\0\0\0\0\1\0\1\2\0\3cut", 1, 20, file), 20);
    (void)fclose(file);
    assert_int_equal(TOOL("tpm2_nvwrite", "0x1b1d038", "-C", "o", "-i", half), 0);
    assert_int_equal(records(), had + 2);
    assert_true(live("cut", &after)); /* the old one */
    assert_memory_equal(before.hash, after.hash, BM_HASH);
    assert_ok(identity_make("cut", 700)); /* the next write sweeps */
    assert_int_equal(records(), had);
    assert_true(live("cut", &after));
    assert_memory_not_equal(before.hash, after.hash, BM_HASH);
}

static void
an_index_of_somebody_else_is_left_alone(void **state)
{
    bool theirs[8];
    unsigned count = 0;
    char index[16];

    (void)state;
    for (unsigned i = 0; i < BM_COUNT(theirs); i++) { /* where ours would go next */
        (void)snprintf(index, sizeof(index), "0x1b1d00%x", i);
        theirs[i] = TOOL("tpm2_nvdefine", index, "-C", "o", "-s", "8", "-a", "ownerwrite|ownerread|authread") == 0;
        count += theirs[i];
    }
    assert_true(count > 0);
    assert_ok(identity_make("neighbour", 100));
    for (unsigned i = 0; i < BM_COUNT(theirs); i++) {
        (void)snprintf(index, sizeof(index), "0x1b1d00%x", i);
        if (theirs[i])
            assert_int_equal(TOOL("tpm2_nvundefine", index, "-C", "o"), 0);
    }
}

static void
a_full_range_leaves_the_old_identity(void **state)
{
    struct bm_key before, after;
    char name[32];
    enum bm_rc rc = BM_OK;
    unsigned i;

    (void)state;
    assert_true(live("full", &before));
    for (i = 0; rc == BM_OK && i < 64; i++) {
        (void)snprintf(name, sizeof(name), "filler%u", i);
        rc = identity_make(name, 2000);
    }
    assert_int_equal(rc, BM_EBUSY);
    assert_int_equal(identity_make("full", 3000), BM_EBUSY);
    assert_true(live("full", &after));
    assert_memory_equal(before.hash, after.hash, BM_HASH);
}

static enum bm_rc
seal(const char *name, size_t n)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    static uint8_t bytes[BM_MAX_SEALED];

    return root->ops->seal(root, name, bm_bytes(bytes, n), &kit_fail);
}

static size_t
unsealed(const char *name)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = BM_MAX_SEALED };

    assert_ok(root->ops->unseal(root, name, &bytes, &kit_fail));
    return bytes.n;
}

/* Fills the TPM with other people's indexes, then frees room for a pending key but not for its certificates. */
static void
nv_memory_that_ends_leaves_the_old_identity(void **state)
{
    static const char *const sizes[] = { "2048", "256", "32" };
    struct bm_key before, after;
    unsigned next = 0x1500000, had;
    char index[16];

    (void)state;
    assert_ok(identity_make("full", 2000)); /* more than one index */
    assert_ok(seal("full", 200));
    assert_true(live("full", &before));
    for (size_t i = 0; i < BM_COUNT(sizes); i++) {
        do
            (void)snprintf(index, sizeof(index), "0x%x", next++);
        while (TOOL("tpm2_nvdefine", index, "-C", "o", "-s", sizes[i], "-a", "ownerwrite|ownerread|authread") == 0);
    }
    had = records();
    assert_int_equal(identity_make("full", 3000), BM_EBUSY);
    assert_non_null(strstr(kit_fail.text, "has no NV memory left"));
    assert_int_equal(TOOL("tpm2_nvundefine", "0x1500000", "-C", "o"), 0);
    assert_int_equal(identity_make("full", 3000), BM_EBUSY);
    assert_non_null(strstr(kit_fail.text, "has no NV memory left"));
    assert_true(records() <= had + 1); /* the pending key, and nothing of the live record */
    assert_int_equal(seal("full", 2048), BM_EBUSY);
    assert_non_null(strstr(kit_fail.text, "has no NV memory left"));
    assert_int_equal(unsealed("full"), 200);
    assert_true(live("full", &after));
    assert_memory_equal(before.hash, after.hash, BM_HASH);
    while (next-- > 0x1500000) {
        (void)snprintf(index, sizeof(index), "0x%x", next);
        (void)TOOL("tpm2_nvundefine", index, "-C", "o"); /* not every number was taken */
    }
}

static void
passwords_are_asked_for_in_words(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = NULL;
    struct bm_key key;

    (void)state;
    assert_int_equal(TOOL("tpm2_changeauth", "-c", "owner", "secret"), 0);
    root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    assert_int_equal(root->ops->key_new(root, "owned", &key, &kit_fail), BM_EBUSY);
    assert_non_null(strstr(kit_fail.text, "BM_TPM2_OWNER_AUTH"));
    bm_root_done(&root);
    (void)setenv("BM_TPM2_OWNER_AUTH", "secret", 1);
    root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    assert_int_equal(root->ops->key_public(root, "full", false, &key, &kit_fail), BM_OK);
    bm_root_done(&root);
    assert_int_equal(TOOL("tpm2_changeauth", "-c", "owner", "-p", "secret"), 0);
    (void)unsetenv("BM_TPM2_OWNER_AUTH");
}

/* Last: the clone shows the same keys, which is what the server's slots are for. */
static void
a_clone_has_the_same_root_keys(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *one = NULL, *two = NULL;

    (void)state;
    assert_true(virtual_clone(&chips));
    one = open_tpm(chips.uri[VIRTUAL_TPM2]);
    two = open_tpm(chips.copy);
    identify(one, &leaf);
    identify(two, &other);
    assert_memory_equal(leaf.keys[0].key.hash, other.keys[0].key.hash, BM_HASH);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_endorsement_key_opens_its_challenge),
        cmocka_unit_test(nothing_stays_loaded),
        cmocka_unit_test(what_a_killed_process_left_behind_is_cleared),
        cmocka_unit_test(another_tpm_cannot_answer),
        cmocka_unit_test(a_record_is_whole_or_nothing),
        cmocka_unit_test(half_written_records_do_not_count_and_are_swept),
        cmocka_unit_test(an_index_of_somebody_else_is_left_alone),
        cmocka_unit_test(nv_memory_that_ends_leaves_the_old_identity),
        cmocka_unit_test(a_full_range_leaves_the_old_identity),
        cmocka_unit_test(passwords_are_asked_for_in_words),
        cmocka_unit_test(a_clone_has_the_same_root_keys),
    };

    return cmocka_run_group_tests(tests, chips_start, chips_stop);
}
