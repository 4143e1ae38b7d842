/* test_puf_root.c - what only a PUF does: one key from every start, refusals that tell noise from tampering and both from another chip, DICE. */
#include "../testing.h"

#include "cut.h"
#include "evidence/dice.h"
#include "pki/private.h"
#include "root/root.h"
#include "root/sram_sim.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdio.h>
#include <sys/wait.h>

static char dir[] = "/tmp/birthmark-puf-XXXXXX";
static char uri[200], stranger[200], file[100];
static struct bm_crypto *crypto;

/* In the test's directory. */
static void
run(const char *command)
{
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): words of this file */
}

static struct bm_root *
open_root(const char *at)
{
    struct bm_root *root = NULL;

    assert_ok(bm_root_open(&root, at, &kit_fail));
    return root;
}

static struct bm_leaf leaf, other; /* 9 KiB each */

static enum bm_rc
identify(struct bm_leaf *ret, const char *at, bool make)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_root(at);
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE };
    enum bm_rc rc = root->ops->identify(root, make, ret, &certs, &kit_fail);

    assert_int_equal(certs.n, 0);
    return rc;
}

static bool
same_key(void)
{
    return memcmp(leaf.keys[0].key.hash, other.keys[0].key.hash, BM_HASH) == 0;
}

static void
weather(const char *celsius, const char *years, const char *noise)
{
    assert_int_equal(setenv("BM_PUF_CELSIUS", celsius, 1) | setenv("BM_PUF_YEARS", years, 1) | setenv("BM_PUF_NOISE", noise, 1), 0);
}

static int
fresh(void **state)
{
    (void)state;
    weather("25", "0", "1");
    run("rm -rf p p.d");
    assert_ok(identify(&leaf, uri, true));
    return 0;
}

static int
start(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL || chdir(dir) == -1)
        return -1;
    (void)snprintf(uri, sizeof(uri), "puf:sim:chip 1:%s/p", dir);
    (void)snprintf(stranger, sizeof(stranger), "puf:sim:chip 2:%s/p", dir);
    (void)snprintf(file, sizeof(file), "%s/p", dir);
    return bm_crypto_new(&crypto, &kit_fail) == BM_OK ? 0 : -1;
}

static int
stop(void **state)
{
    (void)state;
    bm_crypto_done(&crypto);
    run("rm -rf \"$PWD\"");
    return 0;
}

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

/* ---- refusals ---- */

static void
too_noisy_is_for_later(void **state)
{
    char want[300];

    (void)state;
    (void)snprintf(want, sizeof(want),
                   "%s: the PUF started too noisily 8 times: let the device come to room temperature, check its supply and try again",
                   file);
    weather("-40", "20", "9");
    assert_refused(BM_EBUSY, identify(&other, uri, false), want);
    weather("25", "0", "1");
    assert_ok(identify(&other, uri, false));
    assert_true(same_key());
}

static void
another_chips_helper_data_is_told(void **state)
{
    char want[300];

    (void)state;
    (void)snprintf(want, sizeof(want), "%s: the helper data is another chip's: use the file that was made with this chip", file);
    for (int i = 0; i < 20; i++) {
        assert_refused(BM_EPOLICY, identify(&other, stranger, false), want);
        assert_refused(BM_EPOLICY, identify(&other, stranger, true), want); /* nor made anew over it */
    }
}

static struct bm_sram sram;
static struct bm_chance chance;

static enum bm_rc
array_start(void *ctx, uint8_t ret_cells[static BM_PUF_BYTES], struct bm_fail *fail)
{
    (void)fail;
    bm_sram_start(ctx, &chance, ret_cells);
    return BM_OK;
}

/* Helper data and one array, without the files around them. */
static void
helper_read(struct bm_buf *bytes)
{
    chance = bm_chance((const uint8_t[BM_HASH]){ 3 });
    bm_sram_make(&sram, bm_bytes_str("chip 1"), 0, BM_SRAM_ROOM);
    assert_ok(bm_file_read(bytes, file, &kit_fail));
    assert_int_equal(bytes->n, BM_PUF_HELPER);
}

static enum bm_rc
helper_use(struct bm_bytes bytes)
{
    const struct bm_puf_array array = { .start = array_start, .ctx = &sram };
    struct bm_puf_helper helper;
    struct bm_secret secret;
    enum bm_rc rc = bm_puf_helper_parse(&helper, bytes, &kit_fail);

    return rc != BM_OK ? rc : bm_extractor_open(&secret, &helper, &array, &kit_fail);
}

static void
helper_data_altered_in_any_byte_is_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = BM_PUF_HELPER };

    (void)state;
    helper_read(&bytes);
    assert_ok(helper_use(bm_buf_bytes(&bytes)));
    for (size_t i = 0; i < bytes.n; i++) {
        enum bm_rc rc;

        bytes.p[i] ^= (uint8_t)(1 << i % 8);
        rc = helper_use(bm_buf_bytes(&bytes));
        assert_true(i < 8 ? rc == BM_EINPUT : strstr(kit_fail.text, "the helper data was altered") != NULL);
        assert_true(rc == BM_EINPUT || rc == BM_EPOLICY);
        bytes.p[i] ^= (uint8_t)(1 << i % 8);
    }
    assert_ok(helper_use(bm_buf_bytes(&bytes)));
}

/* Another pair in the place of one: as many as before, and no more than that is told. */
static void
a_mask_of_other_pairs_is_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = BM_PUF_HELPER };
    uint8_t *mask;

    (void)state;
    helper_read(&bytes);
    mask = bytes.p + 8 + BM_HASH;
    for (size_t i = 0; i < BM_PUF_MASK / 4; i++) {
        if (mask[i] == 0 || mask[i] == 0xff)
            continue;
        for (unsigned bit = 1; bit < 0x100; bit <<= 1) {
            uint8_t before = mask[i];

            mask[i] = (uint8_t)(((unsigned)before & ~bit) | (~(unsigned)before & (bit << 1)));
            if (mask[i] != before && __builtin_popcount(mask[i]) == __builtin_popcount(before))
                assert_true(helper_use(bm_buf_bytes(&bytes)) != BM_OK);
            mask[i] = before;
        }
    }
}

/* A word of the code added to the offset gives the same bits; the tag sees it. */
static void
a_word_of_the_code_is_no_way_in(void **state)
{
    static uint8_t message[BM_POLAR_K] = { 1 }, word[BM_POLAR_N];
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = BM_PUF_HELPER };

    (void)state;
    helper_read(&bytes);
    bm_polar_encode(word, message);
    for (unsigned i = 0; i < BM_POLAR_N; i++)
        bytes.p[8 + BM_HASH + BM_PUF_MASK + i / 8] ^= (uint8_t)(word[i] << (7 - i % 8));
    assert_refused(BM_EPOLICY, helper_use(bm_buf_bytes(&bytes)),
                   "the helper data was altered: put back the file that was made with this chip");
}

static void
truncated_helper_data_is_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = BM_PUF_HELPER + 1 };

    (void)state;
    helper_read(&bytes);
    for (size_t n = 0; n < bytes.n; n++)
        assert_rc(BM_EINPUT, helper_use(bm_bytes(bytes.p, n)));
    bm_buf_add_u8(&bytes, 0);
    assert_rc(BM_EINPUT, helper_use(bm_buf_bytes(&bytes)));
    run("truncate -s 700 p");
    assert_refused_saying(BM_EINPUT, identify(&other, uri, false), "this is no helper data of a PUF");
    assert_rc(BM_EINPUT, identify(&other, uri, true));
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
    int status;
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

/* ---- derivation ---- */

static void
the_derivation_is_hkdf(void **state)
{
    uint8_t bits[BM_PUF_BITS], salt[BM_HASH], want[64], got[64];
    char label[] = "birthmark/puf/v1 root key", hash[] = "SHA256";
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    struct bm_secret secret;

    (void)state;
    memset(bits, 0x5a, sizeof(bits));
    memset(salt, 0xc3, sizeof(salt));
    /* proves: RFC5869 2.2 and below RFC5869 2.3 */
    bm_extractor_secret(&secret, salt, bits);
    for (size_t n = 1; n <= sizeof(want); n++) {
        OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash, 0),
                                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, bits, sizeof(bits)),
                                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt, sizeof(salt)),
                                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, label, sizeof(label) - 1),
                                OSSL_PARAM_construct_end() };

        EVP_KDF_CTX_reset(ctx);
        assert_int_equal(EVP_KDF_derive(ctx, want, n, params), 1);
        /* proves: RFC5869 2.3 */
        bm_extractor_expand(got, n, &secret, label);
        assert_memory_equal(got, want, n);
    }
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

/* c = 0 and c = n - 1 give d = 1, whose public key is the base point; c = n - 2 gives n - 1, its opposite. */
static void
keys_are_reduced_as_fips_says(void **state)
{
    /* n - 2, n - 1 of P-256 (SEC 2, 2.4.2) in 40 bytes */
    static const uint8_t order[32] = { 0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                       0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };
    static const uint8_t base_x[4] = { 0x6b, 0x17, 0xd1, 0xf2 };
    static const struct {
        unsigned less, y; /* the seed is n less this (0: seed 0); the last byte of y */
    } cases[] = { { 0, 0xf5 }, { 1, 0xf5 }, { 2, 0x0a } };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        bm_cleanup(bm_private_done) struct bm_private *key = NULL;
        uint8_t seed[BM_PRIVATE_SEED] = { 0 };
        const struct bm_key *public;

        if (cases[i].less > 0) {
            memcpy(seed + 8, order, sizeof(order));
            seed[39] = (uint8_t)(seed[39] - cases[i].less);
        }
        /* proves: FIPS186-5 A.2.1 */
        assert_ok(bm_private_derive(&key, seed, &kit_fail));
        public = bm_private_public(key);
        assert_memory_equal(public->spki + public->at_bits + 1, base_x, sizeof(base_x));
        assert_int_equal(public->spki[public->nspki - 1], cases[i].y);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_key_is_the_same_in_every_weather, fresh),
        cmocka_unit_test_setup(another_chip_has_another_key, fresh),
        cmocka_unit_test_setup(a_weather_that_is_none_is_refused, fresh),
        cmocka_unit_test_setup(too_noisy_is_for_later, fresh),
        cmocka_unit_test_setup(another_chips_helper_data_is_told, fresh),
        cmocka_unit_test_setup(helper_data_altered_in_any_byte_is_refused, fresh),
        cmocka_unit_test_setup(a_mask_of_other_pairs_is_refused, fresh),
        cmocka_unit_test_setup(a_word_of_the_code_is_no_way_in, fresh),
        cmocka_unit_test_setup(truncated_helper_data_is_refused, fresh),
        cmocka_unit_test_setup(helper_data_that_is_gone_is_not_made_anew_beside_identities, fresh),
        cmocka_unit_test_setup(operational_keys_are_wrapped, fresh),
        cmocka_unit_test_setup(helper_data_survives_power_cuts, fresh),
        cmocka_unit_test_setup(identities_survive_power_cuts, fresh),
        cmocka_unit_test_setup(firmware_moves_device_id_and_alias_and_never_the_root, fresh),
        cmocka_unit_test_setup(firmware_that_nobody_measured_has_no_device_id, fresh),
        cmocka_unit_test(the_derivation_is_hkdf),
        cmocka_unit_test(keys_are_reduced_as_fips_says),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
