/* test_map.c - a file mapped reads as the file does, also where memory was given back. */
#include "base/map.h"

#include "../testing.h"

#include <fcntl.h>

#define SIZE (10u << 20)

static char path[] = "/tmp/birthmark-map-XXXXXX";

static int
file_make(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    for (uint32_t i = 0; i < SIZE / sizeof(i); i++) {
        static uint32_t part[1024];

        part[i % 1024] = i;
        if (i % 1024 == 1023 && write(fd, part, sizeof(part)) != (ssize_t)sizeof(part))
            return -1;
    }
    return close(fd);
}

static int
file_remove(void **state)
{
    (void)state;
    return unlink(path);
}

static void
what_was_given_back_is_read_again(void **state)
{
    bm_cleanup(bm_map_done) struct bm_map map = { .behind = 0 };
    uint32_t got;

    (void)state;
    assert_ok(bm_map_open(&map, path, SIZE, &kit_fail));
    assert_int_equal(map.bytes.n, SIZE);
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < SIZE / sizeof(i); i++) {
            memcpy(&got, map.bytes.p + i * sizeof(i), sizeof(got));
            assert_int_equal(got, i);
            bm_map_behind(&map, i * sizeof(i));
        }
        assert_int_equal(map.behind, 8u << 20);
    }
    bm_map_behind(&map, UINT64_MAX);
    assert_int_equal(map.behind, 8u << 20);
}

static void
what_is_too_large_absent_or_no_file_is_refused(void **state)
{
    struct bm_map map;

    (void)state;
    assert_refused_saying(BM_EINPUT, bm_map_open(&map, path, SIZE - 1, &kit_fail), " is larger than 10485759 bytes");
    assert_refused(BM_EINPUT, bm_map_open(&map, "/dev/null", SIZE, &kit_fail), "/dev/null is not a file");
    assert_refused(BM_EINPUT, bm_map_open(&map, "/absent", SIZE, &kit_fail), "/absent is not there");
}

static void
an_empty_file_is_an_empty_view(void **state)
{
    char empty[] = "/tmp/birthmark-map-XXXXXX";
    struct bm_map map;

    (void)state;
    assert_int_equal(close(mkstemp(empty)), 0);
    assert_ok(bm_map_open(&map, empty, SIZE, &kit_fail));
    assert_int_equal(map.bytes.n, 0);
    bm_map_behind(&map, 0);
    bm_map_done(&map);
    assert_int_equal(unlink(empty), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_given_back_is_read_again),
        cmocka_unit_test(what_is_too_large_absent_or_no_file_is_refused),
        cmocka_unit_test(an_empty_file_is_an_empty_view),
    };

    return cmocka_run_group_tests(tests, file_make, file_remove);
}
