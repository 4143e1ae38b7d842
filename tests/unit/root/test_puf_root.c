/* test_puf_root.c - what only a PUF does: one key in every weather, wrapped keys, power cuts at every change to the disk, DICE. */
#include "puf_kit.h"

#include "cut.h"
#include "evidence/dice.h"

#include <sys/wait.h>

/* ---- the key ---- */

static void
the_key_is_the_same_in_every_weather(void **state)
{
    static const char *const weathers[][2] = { { "25", "0" }, { "85", "0" }, { "-40", "0" }, { "85", "20" }, { "-40", "20" } };

    (void)state;
    assert_int_equal(leaf.root, BM_ROOT_PUF);
    assert_string_equal(bm_leaf_label(&leaf, BM_LABEL_MODEL), "simulated SRAM PUF");
    for (size_t i = 0; i < BM_COUNT(weathers); i++) {
        weather(weathers[i][0], weathers[i][1], "1");
        assert_ok(identify(&other, uri, false));
        assert_true(same_key());
        assert_ok(identify(&other, uri, true)); /* made once */
        assert_true(same_key());
    }
}

static void
another_chip_has_another_key(void **state)
{
    char elsewhere[200];

    (void)state;
    (void)snprintf(elsewhere, sizeof(elsewhere), "puf:sim:chip 2:%s/q", dir);
    assert_ok(identify(&other, elsewhere, true));
    assert_false(same_key());
}

static void
a_weather_that_is_none_is_refused(void **state)
{
    (void)state;
    weather("warm", "0", "1");
    assert_refused(BM_EINPUT, identify(&other, uri, false), "BM_PUF_CELSIUS must be a number from -60 to 150");
    weather("25", "-1", "1");
    assert_refused(BM_EINPUT, identify(&other, uri, false), "BM_PUF_YEARS must be a number from 0 to 100");
}

static void
helper_data_that_is_gone_is_not_made_anew_beside_identities(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_root(uri);
    struct bm_key key;

    (void)state;
    assert_ok(root->ops->key_new(root, "mqtt", &key, &kit_fail));
    run("mv p kept");
    assert_refused_saying(BM_EPOLICY, identify(&other, uri, false), "make the helper data with `birthmark chip create");
    assert_refused_saying(BM_EPOLICY, identify(&other, uri, true), "put the helper data back, or remove both");
    run("mv kept p");
    assert_ok(identify(&other, uri, false));
    assert_true(same_key());
}

/* ---- operational keys ---- */

static void
operational_keys_are_wrapped(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_root(uri);
    bm_cleanup(bm_root_done) struct bm_root *thief = open_root(stranger);
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 10000 };
    char path[150];
    struct bm_key key, same;

    (void)state;
    assert_ok(root->ops->key_new(root, "mqtt", &key, &kit_fail));
    (void)snprintf(path, sizeof(path), "%s.d/pending/mqtt.pem", file);
    assert_ok(bm_file_read(&text, path, &kit_fail));
    assert_null(memmem(text.p, text.n, "PRIVATE", 7));
    assert_rc(BM_EPOLICY, thief->ops->key_public(thief, "mqtt", true, &same, &kit_fail));
    for (size_t i = 0; i < text.n; i++) {
        text.p[i] ^= 1;
        assert_ok(bm_file_write(path, bm_buf_bytes(&text), 0600, &kit_fail));
        if (root->ops->key_public(root, "mqtt", true, &same, &kit_fail) == BM_OK) /* only where the text still says the same */
            assert_memory_equal(same.hash, key.hash, BM_HASH);
        text.p[i] ^= 1;
    }
    assert_ok(bm_file_write(path, bm_buf_bytes(&text), 0600, &kit_fail));
    run("cp p.d/pending/mqtt.pem p.d/pending/web.pem");
    assert_refused_saying(BM_EPOLICY, root->ops->key_public(root, "web", true, &same, &kit_fail), "another chip's or service's");
    for (size_t n = 0; n < text.n - 1; n += 7) {
        assert_ok(bm_file_write(path, bm_bytes(text.p, n), 0600, &kit_fail));
        assert_true(root->ops->key_public(root, "mqtt", true, &same, &kit_fail) != BM_OK);
    }
}

/* ---- power cuts ---- */

static const uint8_t cert_of_nobody[] = {
#include "certificate.inc"
};
static const struct bm_bytes one_cert = { .p = cert_of_nobody, .n = sizeof(cert_of_nobody) };

static enum bm_rc
do_identify(struct bm_root *root)
{
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE };

    return root->ops->identify(root, true, &other, &certs, &kit_fail);
}

static enum bm_rc
do_key_new(struct bm_root *root)
{
    struct bm_key key;

    return root->ops->key_new(root, "mqtt", &key, &kit_fail);
}

static enum bm_rc
do_commit(struct bm_root *root)
{
    return root->ops->commit(root, "mqtt", &one_cert, 1, &kit_fail);
}

/* In a process of its own that ends at the n-th change to the disk; true when it came to its end before. */
static bool
cut(enum bm_rc (*what)(struct bm_root *root), unsigned n)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        struct bm_root *root = open_root(uri);

        cut_at(n);
        _exit(what(root) == BM_OK ? 0 : 1);
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
    return WEXITSTATUS(status) == 0;
}

static void
helper_data_survives_power_cuts(void **state)
{
    unsigned n = 0, cuts = 0;
    bool done;

    (void)state;
    do {
        run("rm -rf p p.d");
        done = cut(do_identify, ++n);
        cuts += !done;
        if (access(file, F_OK) == 0) { /* there, so it is whole */
            assert_ok(identify(&leaf, uri, false));
        }
        assert_ok(identify(&leaf, uri, true));
        assert_ok(identify(&other, uri, false));
        assert_true(same_key());
    } while (!done);
    assert_true(cuts >= 4); /* unlink, write, sync, rename, sync of the directory */
}

static void
sign_check(struct bm_root *root, const struct bm_key *key)
{
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE };
    enum bm_sig_alg alg;

    assert_ok(root->ops->key_sign(root, "mqtt", false, bm_bytes_str("x"), &alg, &signature, &kit_fail));
    assert_ok(bm_key_verify(crypto, key, alg, bm_bytes_str("x"), bm_buf_bytes(&signature), &kit_fail));
}

/* The old identity or the new one works, with its certificates; and the same again goes through. */
static void
identities_survive_power_cuts(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_root(uri);
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE };
    struct bm_key old, pending, live;
    bool done;
    unsigned n = 0, cuts = 0;

    (void)state;
    assert_ok(do_key_new(root));
    assert_ok(do_commit(root));
    assert_ok(root->ops->key_public(root, "mqtt", false, &old, &kit_fail));
    do {
        done = cut(do_key_new, ++n);
        cuts += !done;
        assert_ok(root->ops->key_public(root, "mqtt", false, &live, &kit_fail));
        assert_memory_equal(live.hash, old.hash, BM_HASH);
        sign_check(root, &live);
    } while (!done);
    n = 0;
    do {
        assert_ok(do_key_new(root));
        assert_ok(root->ops->key_public(root, "mqtt", false, &old, &kit_fail));
        assert_ok(root->ops->key_public(root, "mqtt", true, &pending, &kit_fail));
        done = cut(do_commit, ++n);
        cuts += !done;
        assert_ok(root->ops->key_public(root, "mqtt", false, &live, &kit_fail));
        assert_true(memcmp(live.hash, old.hash, BM_HASH) == 0 || memcmp(live.hash, pending.hash, BM_HASH) == 0);
        sign_check(root, &live);
        bm_buf_reset(&certs);
        assert_ok(root->ops->certs(root, "mqtt", &certs, &kit_fail));
        assert_int_equal(certs.n, 4 + one_cert.n);
        if (!done)
            assert_ok(do_commit(root)); /* whoever was cut off tries again */
        assert_ok(root->ops->key_public(root, "mqtt", false, &live, &kit_fail));
        assert_memory_equal(live.hash, pending.hash, BM_HASH);
    } while (!done);
    assert_true(cuts >= 10);
}

/* ---- DICE ---- */

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HASH_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static void
boot(struct bm_dice *ret, const char *firmware)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_root(uri);
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE }, signature = { .max = BM_MAX_SIGNATURE };
    struct bm_bytes device_id, nonce = bm_bytes_str("a nonce of the verifier's");
    enum bm_sig_alg alg;

    assert_int_equal(setenv("BM_PUF_FIRMWARE", firmware, 1), 0);
    assert_ok(root->ops->dice(root, nonce, &certs, &alg, &signature, &kit_fail));
    assert_ok(identify(&other, uri, false));
    assert_true(same_key()); /* what the lot lists never moves */
    device_id = bm_bytes(certs.p + 4, (size_t)certs.p[2] << 8 | certs.p[3]);
    assert_ok(bm_dice_check(ret, crypto, &leaf.keys[0].key, device_id, bm_bytes(certs.p + 8 + device_id.n, certs.n - 8 - device_id.n),
                            1800000000, &kit_fail));
    assert_ok(bm_key_verify(crypto, &ret->alias.key, alg, nonce, bm_buf_bytes(&signature), &kit_fail));
}

static bool
same_hash(const struct bm_key *a, const struct bm_key *b)
{
    return memcmp(a->hash, b->hash, BM_HASH) == 0;
}

static void
firmware_moves_device_id_and_alias_and_never_the_root(void **state)
{
    struct bm_dice first, again, next, code;

    (void)state;
    boot(&first, HASH_A ":" HASH_B);
    boot(&again, HASH_A ":" HASH_B);
    boot(&next, HASH_A ":" HASH_C);
    boot(&code, HASH_C ":" HASH_B);
    assert_true(first.device_id.measured[0] == 0xaa && first.alias.measured[31] == 0xbb);
    assert_true(same_hash(&first.device_id.key, &again.device_id.key) && same_hash(&first.alias.key, &again.alias.key));
    assert_true(same_hash(&first.device_id.key, &next.device_id.key) && !same_hash(&first.alias.key, &next.alias.key));
    assert_true(!same_hash(&first.device_id.key, &code.device_id.key) && !same_hash(&first.alias.key, &code.alias.key));
}

static void
firmware_that_nobody_measured_has_no_device_id(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_root(uri);
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE }, signature = { .max = BM_MAX_SIGNATURE };
    enum bm_sig_alg alg;

    (void)state;
    (void)unsetenv("BM_PUF_FIRMWARE");
    assert_refused_saying(BM_EPOLICY, root->ops->dice(root, bm_bytes_str("x"), &certs, &alg, &signature, &kit_fail),
                          "no firmware was measured");
    (void)setenv("BM_PUF_FIRMWARE", HASH_A, 1);
    assert_rc(BM_EINPUT, root->ops->dice(root, bm_bytes_str("x"), &certs, &alg, &signature, &kit_fail));
    (void)setenv("BM_PUF_FIRMWARE", HASH_A ":" HASH_A "a", 1);
    assert_rc(BM_EINPUT, root->ops->dice(root, bm_bytes_str("x"), &certs, &alg, &signature, &kit_fail));
    (void)unsetenv("BM_PUF_FIRMWARE");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_key_is_the_same_in_every_weather, fresh),
        cmocka_unit_test_setup(another_chip_has_another_key, fresh),
        cmocka_unit_test_setup(a_weather_that_is_none_is_refused, fresh),
        cmocka_unit_test_setup(helper_data_that_is_gone_is_not_made_anew_beside_identities, fresh),
        cmocka_unit_test_setup(operational_keys_are_wrapped, fresh),
        cmocka_unit_test_setup(helper_data_survives_power_cuts, fresh),
        cmocka_unit_test_setup(identities_survive_power_cuts, fresh),
        cmocka_unit_test_setup(firmware_moves_device_id_and_alias_and_never_the_root, fresh),
        cmocka_unit_test_setup(firmware_that_nobody_measured_has_no_device_id, fresh),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
