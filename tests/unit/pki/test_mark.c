/* test_mark.c - what bears the test mark, and under whom it counts. */
#include "kit.h"

#include "pki/cert.h"
#include "pki/tbs.h"

#define NOW 1764000000

/* A root, a CA under it, a station's certificate under that: each marked as its issuer is. */
static struct bm_private *keys[3];
static struct bm_buf certs[2][3]; /* by whether they are marked */

static void
one_make(struct bm_buf *der, size_t level, bool test)
{
    static const char *const names[] = { "Root", "CA", "line-1" };
    const size_t by = level == 0 ? 0 : level - 1;
    const struct bm_ca_subject subject = { names[level], "Example", -1 };
    const uint8_t serial[16] = { 0x40, (uint8_t)level, test };
    bm_cleanup(bm_buf_done) struct bm_buf name = { .max = BM_MAX_DN }, tbs = { .max = BM_MAX_CERT },
                                          signature = { .max = BM_MAX_SIGNATURE };
    struct bm_bytes spki = bm_key_spki(bm_private_public(keys[level]));
    struct bm_issuer issuer = { .alg = BM_SIG_ECDSA_SHA256, .not_after = BM_TIME_NEVER, .test = test };

    der->max = BM_MAX_CERT;
    bm_name_build(&name, "Example", names[by]);
    issuer.subject = bm_buf_bytes(&name);
    memcpy(issuer.key_id, bm_key_ski(bm_private_public(keys[by])).octets, sizeof(issuer.key_id));
    if (level < 2)
        assert_ok(bm_tbs_ca_build(&tbs, &issuer, &subject, spki, bm_bytes(serial, 16), NOW - 60, NOW + 86400, &kit_fail));
    else
        assert_ok(bm_tbs_station_build(&tbs, &issuer, names[level], "station.invalid", spki, bm_bytes(serial, 16), NOW - 60, NOW + 86400,
                                       &kit_fail));
    assert_ok(bm_private_sign(keys[by], bm_buf_bytes(&tbs), &signature, &kit_fail));
    bm_signed_build(der, bm_buf_bytes(&tbs), issuer.alg, bm_buf_bytes(&signature));
}

static int
make(void **state)
{
    (void)state;
    for (size_t level = 0; level < 3; level++) {
        assert_ok(bm_private_generate(&keys[level], BM_KEY_P256, &kit_fail));
        for (size_t test = 0; test < 2; test++)
            one_make(&certs[test][level], level, test != 0);
    }
    return 0;
}

static int
unmake(void **state)
{
    (void)state;
    for (size_t level = 0; level < 3; level++) {
        bm_private_free(keys[level]);
        bm_buf_done(&certs[0][level]);
        bm_buf_done(&certs[1][level]);
    }
    return 0;
}

static void
the_mark_is_where_the_issuer_has_it_and_nowhere_else(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf copy = { .max = BM_MAX_CERT };

    (void)state;
    for (size_t level = 0; level < 3; level++) {
        assert_false(bm_cert_test_mark(bm_buf_bytes(&certs[0][level])));
        assert_true(bm_cert_test_mark(bm_buf_bytes(&certs[1][level])));
    }
    assert_false(bm_cert_test_mark(bm_bytes(NULL, 0)));
    bm_buf_add_bytes(&copy, bm_buf_bytes(&certs[1][1]));
    for (size_t n = 0; n < copy.n; n++)
        assert_false(bm_cert_test_mark(bm_bytes(copy.p, n)));
}

static void
a_path_is_of_one_kind(void **state)
{
    /* by level: root, CA, leaf */
    static const struct {
        bool root, ca, leaf;
        const char *refused; /* NULL: it counts */
    } cases[] = {
        { false, false, false, NULL },
        { true, true, true, NULL },
        { true, true, false, NULL }, /* a device's certificate of before the mark, or of a maker's own profile */
        { false, true, true, "nothing of a test counts in production" },
        { false, true, false, "nothing of a test counts in production" },
        { false, false, true, "nothing of a test counts in production" },
        { true, false, false, "a CA that bears no test mark stands under a test root" },
        { true, false, true, "a CA that bears no test mark stands under a test root" },
    };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        const struct bm_bytes root = bm_buf_bytes(&certs[cases[i].root][0]), ca = bm_buf_bytes(&certs[cases[i].ca][1]);
        enum bm_rc rc = bm_path_check(bm_buf_bytes(&certs[cases[i].leaf][2]), (struct bm_certs){ &ca, 1 }, (struct bm_certs){ &root, 1 },
                                      NOW, &kit_fail);

        if (cases[i].refused == NULL)
            assert_ok(rc);
        else
            assert_refused_saying(BM_EPOLICY, rc, cases[i].refused);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mark_is_where_the_issuer_has_it_and_nowhere_else),
        cmocka_unit_test(a_path_is_of_one_kind),
    };

    return cmocka_run_group_tests(tests, make, unmake);
}
