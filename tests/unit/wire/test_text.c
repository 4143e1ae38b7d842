/* test_text.c - one byte string has one text, in hexadecimal and base64; names and characters. */
#include "wire/text.h"

#include <setjmp.h>

#include <cmocka.h>

static void
hex_goes_there_and_back(void **state)
{
    struct bm_fail fail = { 0 };
    uint8_t bytes[3] = { 7, 7, 7 };
    char text[7];

    (void)state;
    bm_hex(text, bm_bytes("\x00\xab\xff", 3));
    assert_string_equal(text, "00abff");
    assert_int_equal(bm_hex_parse(bytes, 3, bm_bytes_str("00aBFf"), &fail), BM_OK);
    assert_memory_equal(bytes, "\x00\xab\xff", 3);
    assert_int_equal(bm_hex_parse(bytes, 3, bm_bytes_str("00abf"), &fail), BM_EINPUT);
    assert_int_equal(bm_hex_parse(bytes, 3, bm_bytes_str("00abff0"), &fail), BM_EINPUT);
    assert_int_equal(bm_hex_parse(bytes, 3, bm_bytes_str("11111g"), &fail), BM_EINPUT);
    assert_string_equal(fail.text, "character 6 is not a hexadecimal digit");
    assert_memory_equal(bytes, "\x00\xab\xff", 3);
}

/* RFC 4648 10 */
static const struct {
    const char *bytes, *std, *url;
} vectors[] = {
    { "", "", "" },
    { "f", "Zg==", "Zg" },
    { "fo", "Zm8=", "Zm8" },
    { "foo", "Zm9v", "Zm9v" },
    { "foob", "Zm9vYg==", "Zm9vYg" },
    { "fooba", "Zm9vYmE=", "Zm9vYmE" },
    { "foobar", "Zm9vYmFy", "Zm9vYmFy" },
    { "\xfb\xff\xfe", "+//+", "-__-" },
};

static void
the_vectors_of_rfc_4648(void **state)
{
    struct bm_fail fail = { 0 };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(vectors); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 100 };

        bm_b64_add(&buf, BM_B64_STD, bm_bytes_str(vectors[i].bytes));
        assert_true(bm_bytes_equal(bm_buf_bytes(&buf), bm_bytes_str(vectors[i].std)));
        bm_buf_reset(&buf);
        bm_b64_add(&buf, BM_B64_URL, bm_bytes_str(vectors[i].bytes));
        assert_true(bm_bytes_equal(bm_buf_bytes(&buf), bm_bytes_str(vectors[i].url)));
        bm_buf_reset(&buf);
        assert_int_equal(bm_b64_parse(&buf, BM_B64_STD, bm_bytes_str(vectors[i].std), &fail), BM_OK);
        assert_int_equal(bm_b64_parse(&buf, BM_B64_URL, bm_bytes_str(vectors[i].url), &fail), BM_OK);
        assert_int_equal(bm_b64_parse(&buf, BM_B64_LOOSE, bm_bytes_str(vectors[i].std), &fail), BM_OK);
        assert_int_equal(buf.n, 3 * strlen(vectors[i].bytes));
        for (size_t k = 0; k < 3 && buf.n > 0; k++)
            assert_memory_equal(buf.p + k * buf.n / 3, vectors[i].bytes, buf.n / 3);
    }
}

/* proves: RFC4648 3.5 */
static void
no_second_text_for_the_same_bytes(void **state)
{
    static const struct {
        enum bm_b64 kind;
        const char *text;
    } wrong[] = {
        { BM_B64_STD, "Zh==" },       { BM_B64_STD, "Zm9=" },   { BM_B64_STD, "Zg" },        { BM_B64_STD, "Zg=" },
        { BM_B64_STD, "Zg===" },      { BM_B64_STD, "Zm8==" },  { BM_B64_STD, "=" },         { BM_B64_STD, "====" },
        { BM_B64_STD, "Z" },          { BM_B64_STD, "Zm9v=" },  { BM_B64_STD, "Zm9v====" },  { BM_B64_STD, "Zg==Zg==" },
        { BM_B64_STD, "-__-" },       { BM_B64_STD, "Zm 9v" },  { BM_B64_STD, "Zm9v\n" },    { BM_B64_STD, "Zg=\n=" },
        { BM_B64_URL, "+//+" },       { BM_B64_URL, "Zg==" },   { BM_B64_URL, "Zh" },        { BM_B64_URL, "Zm9" },
        { BM_B64_URL, "Z" },          { BM_B64_URL, "Zm9v " },  { BM_B64_LOOSE, "Zg" },      { BM_B64_LOOSE, "Zh==" },
        { BM_B64_LOOSE, "Zm9v\x80" }, { BM_B64_LOOSE, "-__-" }, { BM_B64_LOOSE, "Zg==\nA" }, { BM_B64_LOOSE, "Z\xc2\xa0m9v" },
    };
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 100 };
    struct bm_fail fail = { 0 };

    (void)state;
    bm_buf_add_str(&buf, "kept");
    for (size_t i = 0; i < BM_COUNT(wrong); i++) {
        assert_int_equal(bm_b64_parse(&buf, wrong[i].kind, bm_bytes_str(wrong[i].text), &fail), BM_EINPUT);
        assert_true(bm_bytes_equal(bm_buf_bytes(&buf), bm_bytes_str("kept")));
    }
}

static void
loose_reads_wrapped_text(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 100 };
    struct bm_fail fail = { 0 };

    (void)state;
    assert_int_equal(bm_b64_parse(&buf, BM_B64_LOOSE, bm_bytes_str(" Zm\r\n9v\tYm \n E\n=\r\n"), &fail), BM_OK);
    assert_true(bm_bytes_equal(bm_buf_bytes(&buf), bm_bytes_str("fooba")));
}

static void
decoding_keeps_the_ceiling(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 3 };
    struct bm_fail fail = { 0 };

    (void)state;
    assert_int_equal(bm_b64_parse(&buf, BM_B64_STD, bm_bytes_str("Zm9v"), &fail), BM_OK);
    assert_int_equal(bm_b64_parse(&buf, BM_B64_STD, bm_bytes_str("Zg=="), &fail), BM_EINPUT);
    assert_string_equal(fail.text, "the base64 is larger than 3 bytes");
}

static void
characters_are_whole_and_printable(void **state)
{
    static const struct {
        const char *bytes;
        size_t want;
    } cases[] = {
        { "a", 1 },
        { "\x7e", 1 },
        { "\x7f", 0 },
        { "\n", 0 },
        { "\x1f", 0 },
        { "\xc3\xa9", 2 },
        { "\xc2\x85", 0 },
        { "\xc2\xa0", 2 },
        { "\xc0\x80", 0 },
        { "\xc1\xbf", 0 },
        { "\xc3", 0 },
        { "\xe2\x80\x94", 3 },
        { "\xe0\x9f\xbf", 0 },
        { "\xed\xa0\x80", 0 },
        { "\xed\x9f\xbf", 3 },
        { "\xf0\x9f\x94\x91", 4 },
        { "\xf0\x8f\xbf\xbf", 0 },
        { "\xf4\x90\x80\x80", 0 },
        { "\xf5\x80\x80\x80", 0 },
        { "\x80", 0 },
        { "\xe2\x80", 0 },
        { "\xe2\x41\x94", 0 },
    };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(cases); i++)
        assert_int_equal(bm_utf8_size((const uint8_t *)cases[i].bytes, strlen(cases[i].bytes)), cases[i].want);
    assert_int_equal(bm_utf8_size((const uint8_t *)"\0", 1), 0);
}

static void
names_are_plain(void **state)
{
    static const char *const good[] = { "a", "EX-001", "tng_tls.1", "0", "_x" };
    static const char *const bad[] = { "", ".a", "-a", "a b", "a/b", "a\n", "\xc3\xa9", "a+b", "..", "123456789" };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(good); i++)
        assert_true(bm_name_ok(good[i], 9));
    for (size_t i = 0; i < BM_COUNT(bad); i++)
        assert_false(bm_name_ok(bad[i], 8));
    assert_true(bm_name_ok("12345678", 8));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_goes_there_and_back),
        cmocka_unit_test(the_vectors_of_rfc_4648),
        cmocka_unit_test(no_second_text_for_the_same_bytes),
        cmocka_unit_test(loose_reads_wrapped_text),
        cmocka_unit_test(decoding_keeps_the_ceiling),
        cmocka_unit_test(characters_are_whole_and_printable),
        cmocka_unit_test(names_are_plain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
