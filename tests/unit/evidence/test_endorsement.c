/* test_endorsement.c - a TPM's maker speaks for the endorsement key that was activated, under a root that was pinned, and for no other. */
#include "../lot/ek_maker.h"

#include "evidence/endorsement.h"

static struct ca maker, stranger;
static struct bm_private *ek, *other;
static struct bm_buf cert = { .max = BM_MAX_CERT };

static int
begin(void **state)
{
    (void)state;
    ca_open(&maker, 0);
    ca_open(&stranger, 0);
    assert_ok(bm_private_generate(&ek, BM_KEY_P256, &kit_fail));
    assert_ok(bm_private_generate(&other, BM_KEY_P256, &kit_fail));
    return 0;
}

static int
end(void **state)
{
    (void)state;
    ca_done(&maker);
    ca_done(&stranger);
    bm_private_free(ek);
    bm_private_free(other);
    bm_buf_done(&cert);
    return 0;
}

/* The certificate that this CA gives for this key, under the maker's root. */
static enum bm_rc
check(struct bm_shown *shown, struct ca *ca, const struct bm_private *key, unsigned make)
{
    struct bm_endorsement endorsement = { .n = 2 };

    bm_buf_reset(&cert);
    cert_make(&cert, ca->key, bm_private_public(key), make);
    endorsement.cert[0] = bm_buf_bytes(&cert);
    endorsement.cert[1] = bm_buf_bytes(&maker.cert);
    *shown = (struct bm_shown){ .proven = BM_PROVEN_TPM_ACTIVATED };
    return bm_endorsement_check(shown, &endorsement, bm_private_public(ek)->hash, &kit_fail);
}

static void
the_makers_word_is_told(void **state)
{
    struct bm_shown shown;
    uint8_t root[1][BM_HASH];

    (void)state;
    assert_ok(check(&shown, &maker, ek, 0)); /* whose alternative name is critical, and whose subject is empty */
    assert_int_equal(shown.proven, BM_PROVEN_TPM_ACTIVATED | BM_PROVEN_EK_CERTIFIED);
    assert_true(bm_bytes_equal(shown.manufacturer, bm_bytes_str("id:45584D50")));
    assert_true(bm_bytes_equal(shown.model, bm_bytes_str("TP1")));
    assert_true(bm_bytes_equal(shown.version, bm_bytes_str("id:00010002")));
    /* judged when it was issued: it stays as true once it has expired */
    assert_ok(check(&shown, &maker, ek, MAKE_OLD));
    assert_true((shown.proven & BM_PROVEN_EK_CERTIFIED) != 0);
    /* and only under a root that the pin names */
    bm_sha256(root[0], bm_buf_bytes(&maker.cert));
    bm_endorsement_settle(&shown, (const uint8_t(*)[BM_HASH])root, 1);
    assert_true((shown.proven & BM_PROVEN_EK_CERTIFIED) != 0 && shown.model.n > 0);
    bm_sha256(root[0], bm_buf_bytes(&stranger.cert));
    bm_endorsement_settle(&shown, (const uint8_t(*)[BM_HASH])root, 1);
    assert_int_equal(shown.proven, BM_PROVEN_TPM_ACTIVATED);
    assert_true(shown.manufacturer.n == 0 && shown.model.n == 0 && shown.version.n == 0);
}

static void
what_is_false_is_refused_and_what_says_nothing_proves_nothing(void **state)
{
    struct bm_endorsement alone = { .n = 1 };
    struct bm_shown shown;

    (void)state;
    assert_refused_saying(BM_EPOLICY, check(&shown, &maker, other, 0), "for another key than the one that was activated");
    assert_refused_saying(BM_EPOLICY, check(&shown, &stranger, ek, 0), "the endorsement key's certificate");
    assert_refused_saying(BM_EPOLICY, check(&shown, &maker, ek, MAKE_CRITICAL), "the endorsement key's certificate");
    assert_int_equal(shown.proven, BM_PROVEN_TPM_ACTIVATED);
    alone.cert[0] = bm_buf_bytes(&cert);
    assert_refused_saying(BM_EPOLICY, bm_endorsement_check(&shown, &alone, bm_private_public(ek)->hash, &kit_fail), "without the root");
    /* a certificate of the maker for another purpose, or that says none */
    assert_ok(check(&shown, &maker, ek, MAKE_OTHER_PURPOSE));
    assert_int_equal(shown.proven, BM_PROVEN_TPM_ACTIVATED);
    assert_ok(check(&shown, &maker, ek, MAKE_NO_PURPOSE));
    assert_int_equal(shown.proven, BM_PROVEN_TPM_ACTIVATED);
}

static void
every_truncation_is_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf part = { .max = BM_MAX_EVIDENCE }, again = { .max = BM_MAX_EVIDENCE };
    struct bm_endorsement endorsement = { .n = 2 };
    struct bm_shown shown;

    (void)state;
    assert_ok(check(&shown, &maker, ek, 0));
    endorsement.cert[0] = bm_buf_bytes(&cert);
    endorsement.cert[1] = bm_buf_bytes(&maker.cert);
    bm_endorsement_build(&part, &endorsement);
    assert_ok(bm_endorsement_parse(&endorsement, bm_buf_bytes(&part), &kit_fail));
    bm_endorsement_build(&again, &endorsement);
    assert_true(bm_bytes_equal(bm_buf_bytes(&part), bm_buf_bytes(&again)));
    for (size_t n = 0; n < part.n; n++)
        assert_rc(BM_EINPUT, bm_endorsement_parse(&endorsement, bm_bytes(part.p, n), &kit_fail));
    bm_buf_add_u8(&part, 0);
    assert_rc(BM_EINPUT, bm_endorsement_parse(&endorsement, bm_buf_bytes(&part), &kit_fail));
    part.p[0] = 9;
    assert_rc(BM_EINPUT, bm_endorsement_parse(&endorsement, bm_buf_bytes(&part), &kit_fail));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_makers_word_is_told),
        cmocka_unit_test(what_is_false_is_refused_and_what_says_nothing_proves_nothing),
        cmocka_unit_test(every_truncation_is_refused),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
