/* test_tiles.c - the path of a tile is written in one way and read in no other. */
#include "merkle/tiles.h"

#include <setjmp.h>

#include <cmocka.h>

static const struct {
    struct bm_tile tile;
    const char *path;
} known[] = {
    { { .level = 0, .n = 0, .width = 256 }, "tile/0/000" },
    { { .level = 0, .n = 1234067, .width = 256 }, "tile/0/x001/x234/067" }, /* the example of the specification */
    { { .level = 1, .n = 999, .width = 1 }, "tile/1/999.p/1" },
    { { .level = 7, .n = 1000, .width = 255 }, "tile/7/x001/000.p/255" },
    { { .entries = true, .n = 273, .width = 112 }, "tile/entries/273.p/112" },
    { { .entries = true, .n = UINT64_MAX, .width = 256 }, "tile/entries/x018/x446/x744/x073/x709/x551/615" },
};

static void
known_paths_print_and_parse(void **state)
{
    struct bm_fail fail = { 0 };
    char path[BM_TILE_PATH];
    struct bm_tile tile;

    (void)state;
    for (size_t i = 0; i < BM_COUNT(known); i++) {
        bm_tile_print(path, &known[i].tile);
        assert_string_equal(path, known[i].path);
        assert_int_equal(bm_tile_parse(&tile, bm_bytes_str(path), &fail), BM_OK);
        assert_int_equal(tile.entries, known[i].tile.entries);
        assert_int_equal(tile.level, known[i].tile.level);
        assert_int_equal(tile.n, known[i].tile.n);
        assert_int_equal(tile.width, known[i].tile.width);
    }
}

static void
every_other_path_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile//000",
        "tile/00/000",
        "tile/8/000",
        "tile/10/000",
        "tile/entries",
        "tile/entries/",
        "tile/entries/0",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/x001",
        "tile/0/x001/",
        "tile/0/001/067",
        "tile/0/x01/067",
        "tile/0/x1234/067",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/1/",
        "tile/0/000.p/1000",
        "tile/0/000/",
        "tile/0/00a",
        "tile/0/../000",
        "/tile/0/000",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/x001/x018/x446/x744/x073/x709/x551/615",
        "tile/-1/000",
        "tile/0/-01",
    };
    struct bm_fail fail = { 0 };
    struct bm_tile tile;

    (void)state;
    for (size_t i = 0; i < BM_COUNT(wrong); i++)
        assert_int_equal(bm_tile_parse(&tile, bm_bytes_str(wrong[i]), &fail), BM_EINPUT);
    assert_int_equal(bm_tile_parse(&tile, bm_bytes("tile/0/000\0", 11), &fail), BM_EINPUT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_paths_print_and_parse),
        cmocka_unit_test(every_other_path_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
