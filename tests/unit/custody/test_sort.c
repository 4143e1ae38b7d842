/* test_sort.c - the index's tables are in order, as memcmp() has it, however their hashes are spread. */
#include "kit.h"

#include "custody/index_inside.h"

#include <stdlib.h>

static int
order(const void *a, const void *b)
{
    return memcmp(a, b, BM_INDEX_RECORD);
}

/* `same`: how many bytes in front all records have in common. */
static void
sorts_as_memcmp(size_t n, size_t same)
{
    uint8_t *records = malloc(n * BM_INDEX_RECORD + 1), *want = malloc(n * BM_INDEX_RECORD + 1);
    uint64_t x = n + 1;

    assert_true(records != NULL && want != NULL);
    for (size_t i = 0; i < n * BM_INDEX_RECORD; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        records[i] = i % BM_INDEX_RECORD < same ? 0xff : (uint8_t)(x >> 56);
    }
    memcpy(want, records, n * BM_INDEX_RECORD);
    qsort(want, n, BM_INDEX_RECORD, order);
    assert_ok(bm_index_sort(&records, n, &kit_fail));
    assert_memory_equal(records, want, n * BM_INDEX_RECORD);
    free(records);
    free(want);
}

static void
hashes_are_sorted(void **state)
{
    static const size_t sizes[] = { 0, 1, 2, 16, 17, 33, 1000, 100000 };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(sizes); i++)
        sorts_as_memcmp(sizes[i], 0);
}

/* Who makes keys can choose the first bytes of their hashes. */
static void
hashes_that_begin_alike_are_sorted(void **state)
{
    (void)state;
    for (size_t same = 1; same <= BM_INDEX_RECORD; same += 3)
        sorts_as_memcmp(20000, same);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_sorted),
        cmocka_unit_test(hashes_that_begin_alike_are_sorted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
