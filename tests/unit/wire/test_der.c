/* test_der.c - DER is read strictly, and what is written is what the standard says. */
#include "wire/der.h"

#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

#define BYTES(s) bm_bytes("" s, sizeof(s) - 1)

/* One SEQUENCE with an element of each kind that the room knows. */
static void
sample_build(struct bm_buf *buf)
{
    static const uint8_t big[200] = { 0x80 };
    size_t seq = bm_der_begin(buf, BM_DER_SEQUENCE), ctx;

    bm_der_add_uint(buf, BM_DER_INTEGER, 65535);
    bm_der_add_boolean(buf, true);
    ctx = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(0));
    bm_der_add_positive(buf, bm_bytes(big, sizeof(big)));
    bm_der_add_bits(buf, BYTES("\x01\x02"));
    bm_der_end(buf, ctx);
    bm_der_add(buf, BM_DER_OID, BYTES("\x2a\x03"));
    bm_der_add_null(buf);
    bm_der_add_time(buf, 1795469649);
    bm_der_add(buf, BM_DER_CONTEXT(1), BYTES("raw"));
    bm_der_end(buf, seq);
}

static bool
sample_parse(struct bm_bytes bytes)
{
    struct bm_rd rd = bm_rd(bytes), seq = bm_der_enter(&rd, BM_DER_SEQUENCE), ctx;
    bool ok = bm_der_uint(&seq, BM_DER_INTEGER) == 65535 && bm_der_boolean(&seq);
    struct bm_bytes positive;

    ctx = bm_der_enter(&seq, BM_DER_CONTEXT_CONSTRUCTED(0));
    positive = bm_der_positive(&ctx);
    ok = ok && positive.n == 200 && positive.p[0] == 0x80 && bm_bytes_equal(bm_der_bits(&ctx), BYTES("\x01\x02")) && bm_rd_end(&ctx);
    ok = ok && bm_der_oid_is(bm_der_take(&seq, BM_DER_OID), (const uint8_t *)"\x2a\x03", 2);
    bm_der_null(&seq);
    ok = ok && bm_der_time(&seq) == 1795469649 && bm_bytes_equal(bm_der_raw(&seq, BM_DER_CONTEXT(1)), BYTES("\x81\x03raw"));
    return ok && bm_rd_end(&seq) && bm_rd_end(&rd);
}

static void
what_is_written_is_read_back_and_no_truncation_of_it(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 1000 };

    (void)state;
    sample_build(&buf);
    assert_false(buf.bad);
    assert_true(sample_parse(bm_buf_bytes(&buf)));
    for (size_t n = 0; n < buf.n; n++)
        assert_false(sample_parse(bm_bytes(buf.p, n)));
    bm_buf_add_u8(&buf, 0);
    assert_false(sample_parse(bm_buf_bytes(&buf)));
}

static void
writes_the_bytes_that_openssl_writes(void **state)
{
    /* openssl asn1parse -genconf: INTEGER 0 and 128, ENUMERATED 127, FALSE, NULL, GENERALIZEDTIME 2050, BITSTRING 0a0b */
    static const uint8_t want[] = { 0x30, 0x25, 0x02, 0x01, 0x00, 0x02, 0x02, 0x00, 0x80, 0x0a, 0x01, 0x7f, 0x01,
                                    0x01, 0x00, 0x05, 0x00, 0x18, 0x0f, 0x32, 0x30, 0x35, 0x30, 0x30, 0x31, 0x30,
                                    0x31, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x5a, 0x03, 0x03, 0x00, 0x0a, 0x0b };
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 1000 };
    size_t at = bm_der_begin(&buf, BM_DER_SEQUENCE);

    (void)state;
    bm_der_add_uint(&buf, BM_DER_INTEGER, 0);
    bm_der_add_uint(&buf, BM_DER_INTEGER, 128);
    bm_der_add_uint(&buf, BM_DER_ENUMERATED, 127);
    bm_der_add_boolean(&buf, false);
    bm_der_add_null(&buf);
    bm_der_add_time(&buf, 2524608000);
    bm_der_add_bits(&buf, BYTES("\x0a\x0b"));
    bm_der_end(&buf, at);
    assert_int_equal(buf.n, sizeof(want));
    assert_memory_equal(buf.p, want, sizeof(want));
}

static void
lengths_take_the_fewest_octets_at_every_step(void **state)
{
    static const struct {
        size_t n, head;
        const char *length;
    } want[] = { { 127, 1, "\x7f" },       { 128, 2, "\x81\x80" },       { 255, 2, "\x81\xff" },
                 { 256, 3, "\x82\x01\0" }, { 65535, 3, "\x82\xff\xff" }, { 65536, 4, "\x83\x01\0\0" } };
    static uint8_t zeros[65536];

    (void)state;
    for (size_t i = 0; i < BM_COUNT(want); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 70000 };
        struct bm_rd rd;

        bm_der_add(&buf, BM_DER_OCTET_STRING, bm_bytes(zeros, want[i].n));
        assert_int_equal(buf.n, 1 + want[i].head + want[i].n);
        assert_memory_equal(buf.p + 1, want[i].length, want[i].head);
        rd = bm_rd(bm_buf_bytes(&buf));
        assert_int_equal(bm_der_take(&rd, BM_DER_OCTET_STRING).n, want[i].n);
        assert_true(bm_rd_end(&rd));
    }
}

static void
what_is_not_der_is_refused(void **state)
{
    static const struct bm_bytes wrong[] = {
        { (const uint8_t *)"\x04\x80zz\0\0", 6 },        /* indefinite length */
        { (const uint8_t *)"\x04\x81\x02zz", 5 },        /* long form for a short length */
        { (const uint8_t *)"\x04\x82\0\x80", 4 },        /* a zero octet first */
        { (const uint8_t *)"\x04\x85\0\0\0\0\x01z", 8 }, /* five length octets */
        { (const uint8_t *)"\x04\xff", 2 },              /* reserved */
        { (const uint8_t *)"\x04\x03zz", 4 },            /* past the end */
        { (const uint8_t *)"\x04\x84\xff\xff\xff\xff", 6 },
        { (const uint8_t *)"\x1f\x1f\x01z", 4 }, /* high tag number */
        { (const uint8_t *)"\xbf\x81\x01\x01z", 5 },
        { (const uint8_t *)"\x04", 1 },
        { (const uint8_t *)"", 0 },
    };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(wrong); i++) {
        struct bm_rd rd = bm_rd(wrong[i]), again = bm_rd(wrong[i]);
        unsigned tag = 99;

        assert_int_equal(bm_der_any(&rd, &tag).n, 0);
        assert_true(rd.bad);
        assert_int_equal(tag, 0);
        assert_int_equal(bm_der_take(&again, BM_DER_OCTET_STRING).n, 0);
        assert_true(again.bad);
    }
}

static void
a_wrong_tag_poisons_and_a_peek_does_not(void **state)
{
    struct bm_rd rd = bm_rd(BYTES("\x02\x01\x05")), inner;

    (void)state;
    assert_true(bm_der_peek(&rd, BM_DER_INTEGER));
    assert_false(bm_der_peek(&rd, BM_DER_SEQUENCE));
    assert_false(rd.bad);
    inner = bm_der_enter(&rd, BM_DER_SEQUENCE);
    assert_true(rd.bad);
    assert_true(inner.bad);
    assert_false(bm_der_peek(&rd, BM_DER_INTEGER));
}

static void
integers_are_minimal_and_not_negative(void **state)
{
    static const struct {
        struct bm_bytes der;
        bool uint_ok, positive_ok;
        uint64_t v;
    } cases[] = {
        { { (const uint8_t *)"\x02\x01\x00", 3 }, true, false, 0 },
        { { (const uint8_t *)"\x02\x01\x7f", 3 }, true, true, 127 },
        { { (const uint8_t *)"\x02\x02\x00\x80", 4 }, true, true, 128 },
        { { (const uint8_t *)"\x02\x09\x00\xff\xff\xff\xff\xff\xff\xff\xff", 11 }, true, true, UINT64_MAX },
        { { (const uint8_t *)"\x02\x09\x01\xff\xff\xff\xff\xff\xff\xff\xff", 11 }, false, true, 0 },
        { { (const uint8_t *)"\x02\x01\x80", 3 }, false, false, 0 },
        { { (const uint8_t *)"\x02\x02\x00\x7f", 4 }, false, false, 0 },
        { { (const uint8_t *)"\x02\x02\x00\x00", 4 }, false, false, 0 },
        { { (const uint8_t *)"\x02\x02\xff\xff", 4 }, false, false, 0 },
        { { (const uint8_t *)"\x02\x00", 2 }, false, false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        struct bm_rd a = bm_rd(cases[i].der), b = a;

        assert_int_equal(bm_der_uint(&a, BM_DER_INTEGER), cases[i].v);
        assert_int_equal(bm_rd_end(&a), cases[i].uint_ok);
        assert_int_equal(bm_der_positive(&b).n > 0, cases[i].positive_ok);
        assert_int_equal(bm_rd_end(&b), cases[i].positive_ok);
    }
}

static void
every_number_comes_back(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++)
        for (uint64_t off = 0; off < 3; off++) {
            bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 20 };
            uint64_t v = (UINT64_C(1) << bit) - 1 + off;
            struct bm_rd rd;

            bm_der_add_uint(&buf, BM_DER_INTEGER, v);
            rd = bm_rd(bm_buf_bytes(&buf));
            assert_int_equal(bm_der_uint(&rd, BM_DER_INTEGER), v);
            assert_true(bm_rd_end(&rd));
        }
}

static void
a_positive_number_loses_its_leading_zeros_and_zero_is_none(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 20 };

    (void)state;
    bm_der_add_positive(&buf, BYTES("\0\0\x81\x01"));
    assert_true(bm_bytes_equal(bm_buf_bytes(&buf), BYTES("\x02\x03\0\x81\x01")));
    bm_der_add_positive(&buf, BYTES("\0\0"));
    assert_true(buf.bad);
}

static void
booleans_bits_and_nulls_have_one_form(void **state)
{
    static const struct {
        struct bm_bytes der;
        bool ok;
    } cases[] = {
        { { (const uint8_t *)"\x01\x01\xff", 3 }, true },      { { (const uint8_t *)"\x01\x01\x00", 3 }, true },
        { { (const uint8_t *)"\x01\x01\x01", 3 }, false },     { { (const uint8_t *)"\x01\x00", 2 }, false },
        { { (const uint8_t *)"\x01\x02\xff\xff", 4 }, false }, { { (const uint8_t *)"\x03\x02\x00\xaa", 4 }, true },
        { { (const uint8_t *)"\x03\x01\x00", 3 }, true },      { { (const uint8_t *)"\x03\x00", 2 }, false },
        { { (const uint8_t *)"\x03\x02\x01\xaa", 4 }, false }, { { (const uint8_t *)"\x05\x00", 2 }, true },
        { { (const uint8_t *)"\x05\x01\x00", 3 }, false },
    };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        struct bm_rd rd = bm_rd(cases[i].der);

        if (bm_der_peek(&rd, BM_DER_BOOLEAN))
            (void)bm_der_boolean(&rd);
        else if (bm_der_peek(&rd, BM_DER_NULL))
            bm_der_null(&rd);
        else
            (void)bm_der_bits(&rd);
        assert_int_equal(bm_rd_end(&rd), cases[i].ok);
    }
}

/* proves: RFC5280 4.1.2.5 */
static void
times_have_seconds_and_end_in_z(void **state)
{
    static const struct {
        unsigned tag;
        const char *text;
        int64_t t; /* 0 = refused */
    } cases[] = {
        { BM_DER_UTC_TIME, "261123213409Z", 1795469649 },
        { BM_DER_UTC_TIME, "491231235959Z", 2524607999 },
        { BM_DER_UTC_TIME, "500101000000Z", -631152000 },
        { BM_DER_UTC_TIME, "990101000000Z", 915148800 },
        { BM_DER_GENERALIZED_TIME, "20500101000000Z", 2524608000 },
        { BM_DER_GENERALIZED_TIME, "20261123213409Z", 1795469649 },
        { BM_DER_GENERALIZED_TIME, "99991231235959Z", 253402300799 },
        { BM_DER_UTC_TIME, "2611232134Z", 0 },
        { BM_DER_UTC_TIME, "261123213409", 0 },
        { BM_DER_UTC_TIME, "261123213409+0000", 0 },
        { BM_DER_UTC_TIME, "20261123213409Z", 0 },
        { BM_DER_UTC_TIME, "260230000000Z", 0 },
        { BM_DER_UTC_TIME, "261301000000Z", 0 },
        { BM_DER_UTC_TIME, "261100000000Z", 0 },
        { BM_DER_UTC_TIME, "261123240000Z", 0 },
        { BM_DER_UTC_TIME, "261123236000Z", 0 },
        { BM_DER_UTC_TIME, "261123235960Z", 0 },
        { BM_DER_UTC_TIME, "26112321340 Z", 0 },
        { BM_DER_GENERALIZED_TIME, "20500101000000.5Z", 0 },
        { BM_DER_GENERALIZED_TIME, "500101000000Z", 0 },
        { BM_DER_GENERALIZED_TIME, "", 0 },
        { BM_DER_IA5, "261123213409Z", 0 },
    };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 40 };
        struct bm_rd rd;

        bm_der_add(&buf, cases[i].tag, bm_bytes_str(cases[i].text));
        rd = bm_rd(bm_buf_bytes(&buf));
        assert_int_equal(bm_der_time(&rd), cases[i].t);
        assert_int_equal(rd.bad, cases[i].t == 0);
    }
}

static void
times_are_written_with_two_digits_until_2049(void **state)
{
    static const struct {
        int64_t t;
        const char *der;
    } cases[] = { { 2524607999, "\x17\x0d"
                                "491231235959Z" },
                  { 2524608000, "\x18\x0f"
                                "20500101000000Z" },
                  { 253402300799, "\x18\x0f"
                                  "99991231235959Z" },
                  { 0, "\x17\x0d"
                       "700101000000Z" } };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 40 };

        bm_der_add_time(&buf, cases[i].t);
        assert_true(bm_bytes_equal(bm_buf_bytes(&buf), bm_bytes_str(cases[i].der)));
    }
}

static void
a_full_buffer_stays_whole(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 130 };
    static const uint8_t zeros[128];
    size_t at;

    (void)state;
    /* the content fits, its two length octets don't */
    at = bm_der_begin(&buf, BM_DER_SEQUENCE);
    bm_buf_add(&buf, zeros, 128);
    assert_false(buf.bad);
    bm_der_end(&buf, at);
    assert_true(buf.bad);
    assert_true(buf.n <= buf.max);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back_and_no_truncation_of_it),
        cmocka_unit_test(writes_the_bytes_that_openssl_writes),
        cmocka_unit_test(lengths_take_the_fewest_octets_at_every_step),
        cmocka_unit_test(what_is_not_der_is_refused),
        cmocka_unit_test(a_wrong_tag_poisons_and_a_peek_does_not),
        cmocka_unit_test(integers_are_minimal_and_not_negative),
        cmocka_unit_test(every_number_comes_back),
        cmocka_unit_test(a_positive_number_loses_its_leading_zeros_and_zero_is_none),
        cmocka_unit_test(booleans_bits_and_nulls_have_one_form),
        cmocka_unit_test(times_have_seconds_and_end_in_z),
        cmocka_unit_test(times_are_written_with_two_digits_until_2049),
        cmocka_unit_test(a_full_buffer_stays_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
