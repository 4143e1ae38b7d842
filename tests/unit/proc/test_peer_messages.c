/* test_peer_messages.c - what the registrar says to gates and commands, there and back; every truncation and every byte more is refused. */
#include "base/base.h"
#include "proc/control_messages.h"
#include "proc/gate_messages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

typedef enum bm_rc parse_fn(void *ret, struct bm_rd body, struct bm_fail *fail);

/* Exactly this body parses: nothing shorter, nothing longer. */
static void
check_only_whole(struct bm_bytes body, parse_fn *parse, void *ret)
{
    struct bm_fail fail;
    uint8_t *copy = malloc(body.n + 1);

    assert_non_null(copy);
    memcpy(copy, body.p, body.n);
    copy[body.n] = 0;
    for (size_t n = 0; n <= body.n + 1; n++)
        assert_int_equal(parse(ret, bm_rd(bm_bytes(copy, n)), &fail), n == body.n ? BM_OK : BM_EINPUT);
    free(copy);
    assert_int_equal(parse(ret, bm_rd(body), &fail), BM_OK); /* its views lie in body */
}

static enum bm_rc
parse_c_refused(void *ret, struct bm_rd body, struct bm_fail *fail)
{
    return bm_c_refused_parse(ret, body, fail);
}

static enum bm_rc
parse_g_refused(void *ret, struct bm_rd body, struct bm_fail *fail)
{
    return bm_g_refused_parse(ret, body, fail);
}

static enum bm_rc
parse_g_enrol(void *ret, struct bm_rd body, struct bm_fail *fail)
{
    return bm_g_enrol_parse(ret, body, fail);
}

static enum bm_rc
parse_g_certs(void *ret, struct bm_rd body, struct bm_fail *fail)
{
    return bm_g_certs_parse(ret, body, fail);
}

static bool
is(struct bm_bytes bytes, const char *text)
{
    return bm_bytes_equal(bytes, bm_bytes_str(text));
}

static void
test_refusal_of_a_command(void **state)
{
    static const uint8_t expected[] = { 2, 0, 0, 0, 0, 0, 0, 0, 17, 0, 2, 'n', 'o' };
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 100 };
    const struct bm_c_refused said = { .rc = BM_EPOLICY, .alarm = 17, .sentence = bm_bytes_str("no") };
    struct bm_c_refused heard;
    struct bm_fail fail;

    (void)state;
    bm_c_refused_build(&buf, &said);
    assert_true(bm_bytes_equal(bm_buf_bytes(&buf), bm_bytes(expected, sizeof(expected))));
    assert_int_equal(bm_c_refused_parse(&heard, bm_rd(bm_buf_bytes(&buf)), &fail), BM_OK);
    assert_int_equal(heard.rc, BM_EPOLICY);
    assert_int_equal(heard.alarm, 17);
    assert_true(is(heard.sentence, "no"));
    check_only_whole(bm_buf_bytes(&buf), parse_c_refused, &heard);
}

static void
test_refusal_of_a_gate(void **state)
{
    static const uint8_t expected[] = { 3, 0, 4, 'b', 'u', 's', 'y' };
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 100 };
    const struct bm_g_refused said = { .rc = BM_EBUSY, .sentence = bm_bytes_str("busy") };
    struct bm_g_refused heard;

    (void)state;
    bm_g_refused_build(&buf, &said);
    assert_true(bm_bytes_equal(bm_buf_bytes(&buf), bm_bytes(expected, sizeof(expected))));
    check_only_whole(bm_buf_bytes(&buf), parse_g_refused, &heard);
    assert_int_equal(heard.rc, BM_EBUSY);
    assert_true(is(heard.sentence, "busy"));
}

static void
test_no_refusal_without_class_or_sentence(void **state)
{
    static const uint8_t command[][12] = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 'x' }, { 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 'x' } };
    static const uint8_t gate[][4] = { { 0, 0, 1, 'x' }, { 6, 0, 1, 'x' } };
    static const uint8_t silent[11] = { 1 }, silent_gate[3] = { 1 };
    struct bm_c_refused c;
    struct bm_g_refused g;
    struct bm_fail fail;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(bm_c_refused_parse(&c, bm_rd(bm_bytes(command[i], sizeof(command[i]))), &fail), BM_EINPUT);
        assert_int_equal(bm_g_refused_parse(&g, bm_rd(bm_bytes(gate[i], sizeof(gate[i]))), &fail), BM_EINPUT);
    }
    assert_int_equal(bm_c_refused_parse(&c, bm_rd(bm_bytes(silent, sizeof(silent))), &fail), BM_EINPUT);
    assert_int_equal(bm_g_refused_parse(&g, bm_rd(bm_bytes(silent_gate, sizeof(silent_gate))), &fail), BM_EINPUT);
}

static void
test_enrol(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 200 };
    uint8_t peer[BM_HASH];
    struct bm_g_enrol said = { .label = bm_bytes_str("mqtt"),
                               .source = bm_bytes_str("10.0.0.7"),
                               .peer = bm_bytes(peer, sizeof(peer)),
                               .body = bm_bytes_str("cmc"),
                               .parts = bm_bytes_str("parts") };
    struct bm_g_enrol heard;
    struct bm_fail fail;

    (void)state;
    memset(peer, 0xab, sizeof(peer));
    bm_g_enrol_build(&buf, &said);
    assert_int_equal(buf.n, 2 + 4 + 2 + 8 + 2 + 32 + 4 + 3 + 4 + 5);
    check_only_whole(bm_buf_bytes(&buf), parse_g_enrol, &heard);
    assert_true(is(heard.label, "mqtt") && is(heard.source, "10.0.0.7") && is(heard.body, "cmc") && is(heard.parts, "parts"));
    assert_true(bm_bytes_equal(heard.peer, said.peer));

    bm_buf_reset(&buf);
    said.peer.n = 0;
    bm_g_enrol_build(&buf, &said);
    assert_int_equal(bm_g_enrol_parse(&heard, bm_rd(bm_buf_bytes(&buf)), &fail), BM_OK);
    assert_int_equal(heard.peer.n, 0);
    bm_buf_reset(&buf);
    said.peer.n = 31;
    bm_g_enrol_build(&buf, &said);
    assert_int_equal(bm_g_enrol_parse(&heard, bm_rd(bm_buf_bytes(&buf)), &fail), BM_EINPUT);
}

static void
test_certificates(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 100 };
    struct bm_g_certs said = { .device = bm_bytes_str("d1"), .cert = { bm_bytes_str("leaf"), bm_bytes_str("ca") }, .n = 2 };
    struct bm_g_certs heard;
    struct bm_fail fail;

    (void)state;
    bm_g_certs_build(&buf, &said);
    check_only_whole(bm_buf_bytes(&buf), parse_g_certs, &heard);
    assert_int_equal(heard.n, 2);
    assert_true(is(heard.device, "d1") && is(heard.cert[0], "leaf") && is(heard.cert[1], "ca"));

    bm_buf_reset(&buf);
    said.n = 0;
    bm_g_certs_build(&buf, &said);
    assert_int_equal(bm_g_certs_parse(&heard, bm_rd(bm_buf_bytes(&buf)), &fail), BM_EINPUT);
    bm_buf_reset(&buf);
    said.n = 5;
    bm_g_certs_build(&buf, &said);
    assert_true(buf.bad);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusal_of_a_command),
        cmocka_unit_test(test_refusal_of_a_gate),
        cmocka_unit_test(test_no_refusal_without_class_or_sentence),
        cmocka_unit_test(test_enrol),
        cmocka_unit_test(test_certificates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
