/* test_checkpoint.c - a checkpoint is three lines and a signature, and is believed only whole. */
#include "merkle/checkpoint.h"

#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

/* Key (seed: 32 times 07) and signature made with openssl pkeyutl -sign -rawin; the root is that of the 8 leaves of the RFC 6962 test tree. */
#define ORIGIN "ledger.example/site-1"
#define ROOT "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg="
#define BODY ORIGIN "\n8\n" ROOT "\n"
#define VKEY ORIGIN "+cd1813a7+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs"
#define NOTE BODY "\n\xe2\x80\x94 " ORIGIN " zRgTpzV7HWZiuLNvXSVzqrko99EczRgmDhcIquu5I1xYedWnRaP1eWrIVsDGFzJswImutC2FgQKN5expgoTWwB1BPA8=\n"

static const uint8_t root[BM_HASH] = { 0x5d, 0xc9, 0xda, 0x79, 0xa7, 0x06, 0x59, 0xa9, 0xad, 0x55, 0x9c, 0xb7, 0x01, 0xde, 0xd9, 0xa2,
                                       0xab, 0x9d, 0x82, 0x3a, 0xad, 0x2f, 0x49, 0x60, 0xcf, 0xe3, 0x70, 0xef, 0xf4, 0x60, 0x43, 0x28 };

static void
signer_make(struct bm_note_signer *ret)
{
    struct bm_fail fail = { 0 };
    uint8_t seed[BM_NOTE_KEY];

    memset(seed, 7, sizeof(seed));
    assert_int_equal(bm_note_signer_init(ret, ORIGIN, seed, &fail), BM_OK);
}

static void
ours_is_the_one_that_openssl_makes(void **state)
{
    bm_cleanup(bm_note_signer_wipe) struct bm_note_signer signer = { 0 };
    struct bm_checkpoint checkpoint = { .origin = ORIGIN, .size = 8 };
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 1000 };
    struct bm_fail fail = { 0 };

    (void)state;
    signer_make(&signer);
    memcpy(checkpoint.root, root, BM_HASH);
    assert_int_equal(bm_checkpoint_sign(&buf, &checkpoint, &signer, &fail), BM_OK);
    assert_true(bm_bytes_equal(bm_buf_bytes(&buf), bm_bytes_str(NOTE)));
}

static void
a_signed_one_is_opened_with_the_right_key_and_origin_only(void **state)
{
    struct bm_note_key key, other;
    struct bm_checkpoint checkpoint = { .size = 99 };
    struct bm_fail fail = { 0 };

    (void)state;
    assert_int_equal(bm_note_vkey_parse(&key, bm_bytes_str(VKEY), &fail), BM_OK);
    assert_int_equal(bm_note_key_init(&other, ORIGIN, root, &fail), BM_OK);
    assert_int_equal(bm_checkpoint_open(&checkpoint, bm_bytes_str(NOTE), &other, ORIGIN, &fail), BM_EPOLICY);
    assert_string_equal(fail.text, "this is not signed by " ORIGIN);
    assert_int_equal(bm_checkpoint_open(&checkpoint, bm_bytes_str(NOTE), &key, "ledger.example/site-2", &fail), BM_EINPUT);
    assert_string_equal(fail.text, "this is the checkpoint of another tree than ledger.example/site-2");
    assert_int_equal(checkpoint.size, 99);
    assert_int_equal(bm_checkpoint_open(&checkpoint, bm_bytes_str(NOTE), &key, ORIGIN, &fail), BM_OK);
    assert_int_equal(checkpoint.size, 8);
    assert_string_equal(checkpoint.origin, ORIGIN);
    assert_memory_equal(checkpoint.root, root, BM_HASH);
}

static void
every_truncation_and_every_changed_byte_is_refused(void **state)
{
    static const char good[] = NOTE;
    struct bm_checkpoint checkpoint;
    struct bm_note_key key;
    struct bm_fail fail = { 0 };
    char text[sizeof(good)];

    (void)state;
    assert_int_equal(bm_note_vkey_parse(&key, bm_bytes_str(VKEY), &fail), BM_OK);
    for (size_t n = 0; n < sizeof(good) - 1; n++)
        assert_int_equal(bm_checkpoint_open(&checkpoint, bm_bytes(good, n), &key, ORIGIN, &fail), BM_EINPUT);
    for (size_t i = 0; i < sizeof(good) - 1; i++) {
        memcpy(text, good, sizeof(good));
        text[i] ^= 1;
        assert_int_not_equal(bm_checkpoint_open(&checkpoint, bm_bytes(text, sizeof(good) - 1), &key, ORIGIN, &fail), BM_OK);
    }
}

static void
a_body_has_one_form(void **state)
{
    static const char *const wrong[] = {
        "",
        "o\n8\n",
        "o\n8\n" ROOT,
        "o\n8\n" ROOT "\n\n",
        "o\n8\n" ROOT "\nextension\n",
        "\n8\n" ROOT "\n",
        "o\n\n" ROOT "\n",
        "o\n08\n" ROOT "\n",
        "o\n+8\n" ROOT "\n",
        "o\n8 \n" ROOT "\n",
        "o\n-8\n" ROOT "\n",
        "o\n9223372036854775808\n" ROOT "\n",
        "o\n18446744073709551616\n" ROOT "\n",
        "o\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQw==\n",
        "o\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQygA\n",
        "o\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz-Nw7_RgQyg=\n",
        "o\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyh=\n",
        "o\t\n8\n" ROOT "\n",
        "o\r\n8\n" ROOT "\n",
    };
    struct bm_checkpoint checkpoint;
    struct bm_fail fail = { 0 };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(wrong); i++)
        assert_int_equal(bm_checkpoint_parse(&checkpoint, bm_bytes_str(wrong[i]), &fail), BM_EINPUT);
    for (size_t n = 0; n < sizeof(BODY) - 1; n++)
        assert_int_equal(bm_checkpoint_parse(&checkpoint, bm_bytes(BODY, n), &fail), BM_EINPUT);
    assert_int_equal(bm_checkpoint_parse(&checkpoint, bm_bytes_str("o\n9223372036854775807\n" ROOT "\n"), &fail), BM_OK);
    assert_true(checkpoint.size == INT64_MAX);
    assert_int_equal(bm_checkpoint_parse(&checkpoint, bm_bytes_str("an origin\n0\n" ROOT "\n"), &fail), BM_OK);
}

static void
an_origin_that_would_break_the_lines_is_not_written(void **state)
{
    static const char *const wrong[] = { "", "a\nb", "a\x01", "\xff" };
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 1000 };
    struct bm_checkpoint checkpoint = { .size = 1 };
    struct bm_fail fail = { 0 };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(wrong); i++) {
        (void)snprintf(checkpoint.origin, sizeof(checkpoint.origin), "%s", wrong[i]);
        assert_int_equal(bm_checkpoint_build(&buf, &checkpoint, &fail), BM_EINPUT);
    }
    assert_int_equal(buf.n, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ours_is_the_one_that_openssl_makes),
        cmocka_unit_test(a_signed_one_is_opened_with_the_right_key_and_origin_only),
        cmocka_unit_test(every_truncation_and_every_changed_byte_is_refused),
        cmocka_unit_test(a_body_has_one_form),
        cmocka_unit_test(an_origin_that_would_break_the_lines_is_not_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
