/* test_signer_messages.c - what registrar and signer say to each other comes back as it went, and no truncation of it does. */
#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proc/signer_messages.h"

#include <stdlib.h>

#define S(text) bm_bytes_str(text)

static const struct bm_s_leaves two = {
    .n = 2,
    .leaf = { { .index = 7, .salt = { 1, 2 }, .event = { (const uint8_t *)"event", 5 }, .certificate = { (const uint8_t *)"cert", 4 } },
              { .index = 8,
                .event = { (const uint8_t *)"e", 1 },
                .evidence = { (const uint8_t *)"ev", 2 },
                .attachment = { (const uint8_t *)"at", 2 } } },
    .checkpoint = { (const uint8_t *)"checkpoint", 10 },
};

static void
assert_leaves(const struct bm_s_leaves *got)
{
    assert_int_equal(got->n, two.n);
    for (size_t i = 0; i < two.n; i++) {
        assert_int_equal(got->leaf[i].index, two.leaf[i].index);
        assert_memory_equal(got->leaf[i].salt, two.leaf[i].salt, 32);
        assert_true(bm_bytes_equal(got->leaf[i].event, two.leaf[i].event));
        assert_true(bm_bytes_equal(got->leaf[i].certificate, two.leaf[i].certificate));
        assert_true(bm_bytes_equal(got->leaf[i].evidence, two.leaf[i].evidence));
        assert_true(bm_bytes_equal(got->leaf[i].attachment, two.leaf[i].attachment));
    }
    assert_true(bm_bytes_equal(got->checkpoint, two.checkpoint));
}

/* A reader of each kind, for what must be refused. */
static enum bm_rc
read_site(struct bm_rd rd, struct bm_fail *fail)
{
    struct bm_s_site site;

    return bm_s_site_parse(&site, rd, fail);
}

static enum bm_rc
read_leaves(struct bm_rd rd, struct bm_fail *fail)
{
    struct bm_s_leaves leaves;

    return bm_s_leaves_parse(&leaves, rd, fail);
}

static enum bm_rc
read_issue(struct bm_rd rd, struct bm_fail *fail)
{
    struct bm_s_issue issue;

    return bm_s_issue_parse(&issue, rd, fail);
}

static enum bm_rc
read_issued(struct bm_rd rd, struct bm_fail *fail)
{
    struct bm_s_issued issued;

    return bm_s_issued_parse(&issued, rd, fail);
}

static enum bm_rc
read_refused(struct bm_rd rd, struct bm_fail *fail)
{
    struct bm_s_refused refused;

    return bm_s_refused_parse(&refused, rd, fail);
}

static enum bm_rc
read_refusal(struct bm_rd rd, struct bm_fail *fail)
{
    struct bm_s_refusal refusal;

    return bm_s_refusal_parse(&refusal, rd, fail);
}

static enum bm_rc
read_lot_state(struct bm_rd rd, struct bm_fail *fail)
{
    struct bm_s_lot_state state;

    return bm_s_lot_state_parse(&state, rd, fail);
}

static enum bm_rc
read_chips(struct bm_rd rd, struct bm_fail *fail)
{
    struct bm_s_chips chips;

    return bm_s_chips_parse(&chips, rd, fail);
}

static enum bm_rc
read_token(struct bm_rd rd, struct bm_fail *fail)
{
    struct bm_s_token token;

    return bm_s_token_parse(&token, rd, fail);
}

/* Every truncation and one byte more. Each truncation lies in memory of its own size, so that reading past it shows. */
static void
assert_exact(const struct bm_buf *good, enum bm_rc (*read)(struct bm_rd rd, struct bm_fail *fail))
{
    struct bm_fail fail;

    assert_false(good->bad);
    for (size_t n = 0; n <= good->n + 1; n++) {
        uint8_t *bytes = calloc(1, n + 1);

        assert_non_null(bytes);
        memcpy(bytes, good->p, n < good->n ? n : good->n);
        assert_int_equal(read(bm_rd(bm_bytes(bytes, n)), &fail), n == good->n ? BM_OK : BM_EINPUT);
        free(bytes);
    }
}

static void
a_site(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 4096 };
    struct bm_s_site site = { .site = { 9 },
                              .ledger_size = 1,
                              .next_seq = 2,
                              .signed_total = 3,
                              .signed_again = 4,
                              .vkey = S("vkey"),
                              .checkpoint = S("checkpoint"),
                              .confinement = S("all of it") },
                     got;
    struct bm_fail fail;

    (void)state;
    bm_s_site_build(&buf, &site);
    assert_int_equal(bm_s_site_parse(&got, bm_rd(bm_buf_bytes(&buf)), &fail), BM_OK);
    assert_memory_equal(got.site, site.site, BM_HASH);
    assert_int_equal(got.ledger_size, 1);
    assert_int_equal(got.next_seq, 2);
    assert_int_equal(got.signed_total, 3);
    assert_int_equal(got.signed_again, 4);
    assert_true(bm_bytes_equal(got.vkey, site.vkey));
    assert_true(bm_bytes_equal(got.checkpoint, site.checkpoint));
    assert_true(bm_bytes_equal(got.confinement, site.confinement));
    assert_exact(&buf, read_site);
}

static void
leaves(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 4096 };
    struct bm_s_leaves got, many = { .n = BM_S_MAX_LEAVES + 1 };
    struct bm_fail fail;

    (void)state;
    bm_s_leaves_build(&buf, &two);
    assert_int_equal(bm_s_leaves_parse(&got, bm_rd(bm_buf_bytes(&buf)), &fail), BM_OK);
    assert_leaves(&got);
    assert_exact(&buf, read_leaves);
    buf.p[0] = BM_S_MAX_LEAVES + 1;
    assert_int_equal(bm_s_leaves_parse(&got, bm_rd(bm_buf_bytes(&buf)), &fail), BM_EINPUT);
    bm_buf_reset(&buf);
    bm_s_leaves_build(&buf, &many);
    assert_true(buf.bad);
}

static void
a_request(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 4096 };
    struct bm_s_issue issue = { .order = S("order-1"), .profile = S("gateway-1"), .bundle = S("bundle"), .source = S("gate 10.0.0.7") },
                      got;
    struct bm_fail fail;

    (void)state;
    bm_s_issue_build(&buf, &issue);
    assert_int_equal(bm_s_issue_parse(&got, bm_rd(bm_buf_bytes(&buf)), &fail), BM_OK);
    assert_true(bm_bytes_equal(got.order, issue.order));
    assert_true(bm_bytes_equal(got.profile, issue.profile));
    assert_true(bm_bytes_equal(got.bundle, issue.bundle));
    assert_true(bm_bytes_equal(got.source, issue.source));
    assert_exact(&buf, read_issue);
}

static void
an_issue(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 4096 };
    struct bm_s_issued issued = { .repeat = true, .serial = { 0x41, 2, 3 }, .nserial = 3, .device = S("0011"), .leaves = two }, got;
    struct bm_fail fail;

    (void)state;
    bm_s_issued_build(&buf, &issued);
    assert_int_equal(bm_s_issued_parse(&got, bm_rd(bm_buf_bytes(&buf)), &fail), BM_OK);
    assert_true(got.repeat);
    assert_int_equal(got.nserial, 3);
    assert_memory_equal(got.serial, issued.serial, 3);
    assert_true(bm_bytes_equal(got.device, issued.device));
    assert_leaves(&got.leaves);
    assert_exact(&buf, read_issued);
    buf.p[0] = 2; /* neither yes nor no */
    assert_int_equal(bm_s_issued_parse(&got, bm_rd(bm_buf_bytes(&buf)), &fail), BM_EINPUT);
}

static void
a_refusal_of_the_signer(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 4096 };
    struct bm_s_refused refused = { .rc = BM_EPOLICY, .sentence = S("no"), .leaves = two }, got;
    struct bm_fail fail;

    (void)state;
    bm_s_refused_build(&buf, &refused);
    assert_int_equal(bm_s_refused_parse(&got, bm_rd(bm_buf_bytes(&buf)), &fail), BM_OK);
    assert_int_equal(got.rc, BM_EPOLICY);
    assert_true(bm_bytes_equal(got.sentence, refused.sentence));
    assert_leaves(&got.leaves);
    assert_exact(&buf, read_refused);
    buf.p[0] = BM_OK; /* a refusal that is none */
    assert_int_equal(bm_s_refused_parse(&got, bm_rd(bm_buf_bytes(&buf)), &fail), BM_EINPUT);
    buf.p[0] = BM_EBUG + 1;
    assert_int_equal(bm_s_refused_parse(&got, bm_rd(bm_buf_bytes(&buf)), &fail), BM_EINPUT);
}

static void
a_token_here_or_away(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 4096 };
    struct bm_s_token token = { .since = 1795469649, .sentence = S("it is gone: plug it in again") }, got;
    struct bm_fail fail;

    (void)state;
    bm_s_token_build(&buf, &token);
    assert_int_equal(bm_s_token_parse(&got, bm_rd(bm_buf_bytes(&buf)), &fail), BM_OK);
    assert_false(got.here);
    assert_int_equal(got.since, token.since);
    assert_true(bm_bytes_equal(got.sentence, token.sentence));
    assert_exact(&buf, read_token);
    buf.p[0] = 1; /* here, and a reason why not */
    assert_int_equal(bm_s_token_parse(&got, bm_rd(bm_buf_bytes(&buf)), &fail), BM_EINPUT);
    buf.p[0] = 2;
    assert_int_equal(bm_s_token_parse(&got, bm_rd(bm_buf_bytes(&buf)), &fail), BM_EINPUT);
}

static void
a_refusal_of_the_registrar(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 4096 };
    struct bm_s_refusal refusal = { .kind = S("lot"), .chip = S("00"), .lot = S("L1"), .by = S("anna"), .count = 5, .sentence = S("why") },
                        got;
    struct bm_fail fail;

    (void)state;
    bm_s_refusal_build(&buf, &refusal);
    assert_int_equal(bm_s_refusal_parse(&got, bm_rd(bm_buf_bytes(&buf)), &fail), BM_OK);
    assert_true(bm_bytes_equal(got.kind, refusal.kind));
    assert_true(bm_bytes_equal(got.chip, refusal.chip));
    assert_true(bm_bytes_equal(got.lot, refusal.lot));
    assert_true(bm_bytes_equal(got.by, refusal.by));
    assert_int_equal(got.count, 5);
    assert_true(bm_bytes_equal(got.sentence, refusal.sentence));
    assert_exact(&buf, read_refusal);
}

static void
a_restriction_of_a_lot(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 4096 };
    struct bm_s_lot_state what = { .what = BM_LOT_QUARANTINE, .lot = S("L1"), .by = S("carl"), .reason = S("two lists contradict") }, got;
    struct bm_fail fail;

    (void)state;
    bm_s_lot_state_build(&buf, &what);
    assert_int_equal(bm_s_lot_state_parse(&got, bm_rd(bm_buf_bytes(&buf)), &fail), BM_OK);
    assert_int_equal(got.what, BM_LOT_QUARANTINE);
    assert_true(bm_bytes_equal(got.lot, what.lot));
    assert_true(bm_bytes_equal(got.by, what.by));
    assert_true(bm_bytes_equal(got.reason, what.reason));
    assert_exact(&buf, read_lot_state);
    for (unsigned other = 0; other < 5; other += 3) { /* a release is no restriction */
        buf.p[2 + 2] = (uint8_t)other;
        assert_int_equal(read_lot_state(bm_rd(bm_buf_bytes(&buf)), &fail), BM_EINPUT);
    }
}

static void
a_restriction_of_chips(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 4096 }, run = { .max = 4096 };
    struct bm_s_chips chips = { .what = BM_CHIPS_SCRAP, .lot = S("L1"), .by = S("carl"), .reason = S("broken"), .n = 2 }, got;
    const uint8_t hashes[3][BM_HASH] = { { 1 }, { 2 }, { 3 } };
    struct bm_fail fail;

    (void)state;
    bm_buf_add_u8(&run, 1);
    bm_buf_add(&run, hashes, BM_HASH);
    bm_buf_add_u8(&run, 2);
    bm_buf_add(&run, hashes[1], 2 * BM_HASH);
    chips.chips = bm_buf_bytes(&run);
    bm_s_chips_build(&buf, &chips);
    assert_int_equal(bm_s_chips_parse(&got, bm_rd(bm_buf_bytes(&buf)), &fail), BM_OK);
    assert_int_equal(got.what, BM_CHIPS_SCRAP);
    assert_int_equal(got.n, 2);
    assert_true(bm_bytes_equal(got.lot, chips.lot));
    assert_true(bm_bytes_equal(got.chips, chips.chips));
    assert_exact(&buf, read_chips);
    for (uint32_t n = 0; n < 5; n++) { /* only as many as there are */
        chips.n = n;
        bm_buf_reset(&buf);
        bm_s_chips_build(&buf, &chips);
        assert_int_equal(read_chips(bm_rd(bm_buf_bytes(&buf)), &fail), n == 2 ? BM_OK : BM_EINPUT);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_site),
        cmocka_unit_test(leaves),
        cmocka_unit_test(a_request),
        cmocka_unit_test(an_issue),
        cmocka_unit_test(a_refusal_of_the_signer),
        cmocka_unit_test(a_token_here_or_away),
        cmocka_unit_test(a_refusal_of_the_registrar),
        cmocka_unit_test(a_restriction_of_a_lot),
        cmocka_unit_test(a_restriction_of_chips),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
