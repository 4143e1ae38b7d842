/* test_rsa_list.c - the RSA moduli of a lot as a file: what was written is read, and no part of it. */
#include "kit.h"

#include "lot/rsa_list.h"
#include "pki/raw.h"

/* Any odd number will do for a list: whose bytes these are is not its matter. */
static void
rsa_key(struct bm_key *ret, uint8_t fill, size_t n)
{
    uint8_t modulus[512];

    memset(modulus, fill, n);
    modulus[0] |= 0x80;
    modulus[n - 1] |= 1;
    assert_ok(bm_key_from_modulus(ret, bm_bytes(modulus, n), &kit_fail));
}

static void
list_make(struct bm_buf *buf)
{
    struct bm_key key;

    rsa_key(&key, 0x11, 256);
    bm_rsa_list_add(buf, 0, &key);
    rsa_key(&key, 0x22, 512);
    bm_rsa_list_add(buf, 7, &key);
    bm_rsa_list_end(buf, "EX-001");
    assert_false(buf->bad);
}

static void
what_is_written_is_read(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 1 << 16 };
    size_t at = BM_RSA_LIST_HEAD;
    struct bm_rsa_list list;
    struct bm_rsa_key key;

    (void)state;
    list_make(&buf);
    assert_ok(bm_rsa_list_parse(&list, bm_buf_bytes(&buf), &kit_fail));
    assert_string_equal(list.lot, "EX-001");
    assert_int_equal(list.n, 2);
    assert_true(bm_rsa_list_key(list.bytes, &at, &key));
    assert_int_equal(key.chip, 0);
    assert_int_equal(key.exponent, 65537);
    assert_int_equal(key.modulus.n, 256);
    assert_int_equal(key.modulus.p[1], 0x11);
    assert_true(bm_rsa_list_key(list.bytes, &at, &key));
    assert_int_equal(key.chip, 7);
    assert_int_equal(key.modulus.n, 512);
    assert_false(bm_rsa_list_key(list.bytes, &at, &key));
    /* ended twice it is the same */
    bm_rsa_list_end(&buf, "EX-001");
    assert_ok(bm_rsa_list_parse(&list, bm_buf_bytes(&buf), &kit_fail));
    assert_int_equal(list.n, 2);
}

static void
other_keys_make_no_list(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 1 << 16 };
    static struct bm_leaf leaf;

    (void)state;
    kit_leaf(&leaf, "chip", 1);
    bm_rsa_list_add(&buf, 0, &leaf.keys[0].key);
    bm_rsa_list_end(&buf, "EX-001");
    assert_int_equal(buf.n, 0);
}

static void
every_truncation_and_every_added_byte_is_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 1 << 16 };
    struct bm_rsa_list list;

    (void)state;
    list_make(&buf);
    for (size_t n = 0; n < buf.n; n++)
        assert_rc(BM_EINPUT, bm_rsa_list_parse(&list, bm_bytes(buf.p, n), &kit_fail));
    bm_buf_add_u8(&buf, 0);
    assert_refused(BM_EINPUT, bm_rsa_list_parse(&list, bm_buf_bytes(&buf), &kit_fail),
                   "this is no list of RSA keys of a lot, or it is damaged");
}

static void
every_changed_bit_of_the_head_but_the_names_is_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 1 << 16 };
    struct bm_rsa_list list;

    (void)state;
    list_make(&buf);
    for (size_t i = 0; i < BM_RSA_LIST_HEAD; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bool named = i >= 18 && i < 18 + strlen("EX-001");

            buf.p[i] ^= (uint8_t)(1u << bit);
            if (!named)
                assert_rc(BM_EINPUT, bm_rsa_list_parse(&list, bm_buf_bytes(&buf), &kit_fail));
            buf.p[i] ^= (uint8_t)(1u << bit);
        }
    }
    buf.p[18] = 0x1b; /* a name that would speak to a terminal */
    assert_rc(BM_EINPUT, bm_rsa_list_parse(&list, bm_buf_bytes(&buf), &kit_fail));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(other_keys_make_no_list),
        cmocka_unit_test(every_truncation_and_every_added_byte_is_refused),
        cmocka_unit_test(every_changed_bit_of_the_head_but_the_names_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
