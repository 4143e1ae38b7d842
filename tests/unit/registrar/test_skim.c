/* test_skim.c - the quick reader agrees with the strict one, and takes nothing that is cut. */
#include "base/base.h"
#include "kit.h"

#include "pki/cert.h"
#include "registrar/skim.h"

static void
the_quick_reader_agrees_with_the_strict_one_and_takes_nothing_that_is_cut(void **state)
{
    struct kit *k = *state;

    for (size_t i = 0; i < BM_CA__N; i++) {
        struct bm_bytes der = bm_buf_bytes(&k->site.ca[i]);
        struct bm_fail ignored;
        struct bm_skim skim;
        struct bm_cert cert;

        fixture_must(bm_cert_parse(&cert, der, &fail));
        fixture_must(bm_cert_skim(&skim, der, &fail));
        assert_true(bm_bytes_equal(skim.issuer, cert.issuer));
        assert_int_equal(skim.not_after, cert.not_after);
        assert_memory_equal(skim.key, cert.key.hash, BM_HASH);
        for (size_t n = 0; n < der.n; n++)
            assert_int_equal(bm_cert_skim(&skim, bm_bytes(der.p, n), &ignored), BM_EINPUT);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_quick_reader_agrees_with_the_strict_one_and_takes_nothing_that_is_cut, kit_open, kit_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
