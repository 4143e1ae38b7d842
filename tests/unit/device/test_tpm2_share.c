/* test_tpm2_share.c - programs that share a TPM take turns to write its records, and each finds its own afterwards. */
#include "../testing.h"

#include "device/turn.h"
#include "root/tpm2.h"

#include "tpm_kit.h"

#include <signal.h>
#include <sys/wait.h>

#define ROUNDS 40

/* Of two parts: a reader that mixes the parts of two records finds a hash that does not fit. */
static enum bm_rc
put(struct bm_tpm2 *tpm, const char *service, enum bm_tpm2_state state, uint8_t mark, struct bm_fail *fail)
{
    uint8_t filler[2300];
    const struct bm_bytes word = bm_bytes_str("key"), none = bm_bytes(NULL, 0), cert = bm_bytes(filler, sizeof(filler));
    bm_cleanup(bm_turn_done) int turn = -1;
    enum bm_rc rc;

    memset(filler, mark, sizeof(filler));
    if ((rc = bm_turn_take(&turn, chips.uri[VIRTUAL_TPM2], BM_TURN_WAIT, fail)) != BM_OK)
        return rc;
    bm_tpm2_seen_free(tpm); /* as bm_handle_turn() does */
    return bm_tpm2_record_put(tpm, service, state, word, word, none, &cert, 1, fail);
}

static bool
found(struct bm_tpm2 *tpm, const char *service, enum bm_tpm2_state state, uint8_t mark, struct bm_fail *fail)
{
    static struct bm_tpm2_record record;

    return bm_tpm2_record_get(tpm, service, state, &record, fail) == BM_OK && record.certs.n > 100 && record.certs.p[100] == mark;
}

/* The exit code says which round went wrong, 0: none. */
static int
writer(const char *service)
{
    struct bm_tpm2 *tpm;
    struct bm_fail fail;

    if (bm_tpm2_open(&tpm, strchr(chips.uri[VIRTUAL_TPM2], ':') + 1, &fail) != BM_OK)
        return 100;
    for (int i = 1; i <= ROUNDS; i++) {
        fail.text[0] = '\0';
        if (put(tpm, service, BM_TPM2_PENDING, (uint8_t)i, &fail) != BM_OK || put(tpm, service, BM_TPM2_LIVE, (uint8_t)i, &fail) != BM_OK ||
            !found(tpm, service, BM_TPM2_LIVE, (uint8_t)i, &fail)) {
            (void)fprintf(stderr, "%s, round %d: %s\n", service, i, fail.text);
            return i;
        }
    }
    bm_tpm2_close(tpm);
    return 0;
}

/* Without a turn, always anew. */
static int
reader(const char *service)
{
    struct bm_tpm2 *tpm;
    struct bm_fail fail;

    if (bm_tpm2_open(&tpm, strchr(chips.uri[VIRTUAL_TPM2], ':') + 1, &fail) != BM_OK)
        return 100;
    for (int i = 1; i <= 3 * ROUNDS; i++) {
        bm_tpm2_seen_free(tpm);
        if (!found(tpm, service, BM_TPM2_LIVE, 1, &fail)) {
            (void)fprintf(stderr, "%s, reading %d: %s\n", service, i, fail.text);
            return i;
        }
    }
    bm_tpm2_close(tpm);
    return 0;
}

static pid_t
begun(int (*what)(const char *service), const char *service)
{
    pid_t child = fork();

    if (child == 0)
        _exit(what(service));
    return child;
}

static void
two_programs_write_and_one_reads_in_a_loop(void **state)
{
    static const char *const services[] = { "one", "two", "read" };
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    pid_t children[BM_COUNT(services)];
    int status;

    (void)state;
    assert_ok(put((struct bm_tpm2 *)root, "read", BM_TPM2_LIVE, 1, &kit_fail));
    bm_root_done(&root);
    for (size_t i = 0; i < BM_COUNT(services); i++)
        children[i] = begun(i < 2 ? writer : reader, services[i]);
    for (size_t i = 0; i < BM_COUNT(services); i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    for (size_t i = 0; i < BM_COUNT(services); i++)
        assert_true(found((struct bm_tpm2 *)root, services[i], BM_TPM2_LIVE, i < 2 ? ROUNDS : 1, &kit_fail));
}

/* Who is killed in its turn gives it back, and what it left half written is swept. */
static void
one_that_is_killed_stands_in_nobodys_way(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(chips.uri[VIRTUAL_TPM2]);
    struct bm_tpm2 *tpm = (struct bm_tpm2 *)root;

    (void)state;
    for (uint8_t i = 1; i <= 20; i++) {
        pid_t child = begun(writer, "killed");

        assert_ok(put(tpm, "other", BM_TPM2_LIVE, i, &kit_fail));
        (void)usleep(10000u + i * 3700u);
        (void)kill(child, SIGKILL);
        (void)waitpid(child, NULL, 0);
        assert_ok(put(tpm, "other", BM_TPM2_LIVE, (uint8_t)(100 + i), &kit_fail));
        assert_true(found(tpm, "other", BM_TPM2_LIVE, (uint8_t)(100 + i), &kit_fail));
    }
}

/* Two that renew one service at once: the certificate of the one is not for the key of the other. */
static void
one_service_begun_twice(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *one = open_tpm(chips.uri[VIRTUAL_TPM2]), *two = open_tpm(chips.uri[VIRTUAL_TPM2]);
    const struct bm_bytes cert = bm_bytes_str("certificate");
    struct bm_key first, second, live;

    (void)state;
    assert_ok(one->ops->key_new(one, "both", &first, &kit_fail));
    assert_ok(one->ops->commit(one, "both", &cert, 1, &kit_fail));
    assert_ok(one->ops->key_new(one, "both", &second, &kit_fail));
    assert_ok(two->ops->key_new(two, "both", &second, &kit_fail));
    bm_tpm2_seen_free((struct bm_tpm2 *)one); /* a second has passed */
    assert_rc(BM_EBUSY, one->ops->commit(one, "both", &cert, 1, &kit_fail));
    assert_non_null(strstr(kit_fail.text, "another program began a new key of service both at the same time"));
    assert_ok(two->ops->key_public(two, "both", false, &live, &kit_fail));
    assert_memory_equal(live.hash, first.hash, BM_HASH);
    assert_ok(two->ops->commit(two, "both", &cert, 1, &kit_fail));
    assert_ok(two->ops->key_public(two, "both", false, &live, &kit_fail));
    assert_memory_equal(live.hash, second.hash, BM_HASH);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_programs_write_and_one_reads_in_a_loop),
        cmocka_unit_test(one_that_is_killed_stands_in_nobodys_way),
        cmocka_unit_test(one_service_begun_twice),
    };

    return cmocka_run_group_tests(tests, chips_start, chips_stop);
}
