/* test_large.c - memory for large tables is calloc()'s to whoever uses it: zeros, writable to its end, given back. */
#include "base/large.h"

#include "../testing.h"

static void
small_and_large_are_zeros_and_writable(void **state)
{
    static const size_t sizes[] = { 1, 1000, 1 << 19, (1 << 19) + 1, 3 << 20 }; /* of 8 bytes: the third is the first that is mapped */

    (void)state;
    for (size_t i = 0; i < BM_COUNT(sizes); i++) {
        uint64_t *p = bm_large_new(sizes[i], sizeof(*p)), sum = 0;

        assert_non_null(p);
        for (size_t k = 0; k < sizes[i]; k++)
            sum |= p[k];
        assert_int_equal(sum, 0);
        p[0] = p[sizes[i] - 1] = UINT64_MAX;
        bm_large_free(p, sizes[i], sizeof(*p));
    }
    bm_large_free(NULL, 0, 0);
}

static void
what_no_memory_has_is_refused(void **state)
{
    (void)state;
    assert_null(bm_large_new(SIZE_MAX / 2, 4));
    assert_null(bm_large_new(SIZE_MAX / 64, 16));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_and_large_are_zeros_and_writable),
        cmocka_unit_test(what_no_memory_has_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
