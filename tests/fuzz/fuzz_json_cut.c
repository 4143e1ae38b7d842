/* fuzz_json_cut.c - a JSON object cut into views: refused, or a JSON parser reads it to the same values. */
#include "fuzz.h"

#include "base/limits.h"
#include "wire/json.h"
#include "wire/json_cut.h"

static const struct bm_json_shape shape = { .what = "thing",
                                            .member = { { "s", BM_JSON_STRING, 64, false },
                                                        { "n", BM_JSON_WHOLE, 0, true },
                                                        { "o", BM_JSON_OBJECT, 0, true },
                                                        { "l", BM_JSON_LIST, 0, true } } };
static const struct bm_json_shape lax = { .what = "thing", .member = { { "s", BM_JSON_STRING, 64, true } }, .others = true };

static void
same_string(const json_t *value, struct bm_bytes view)
{
    must(json_is_string(value) && json_string_length(value) == view.n && memcmp(json_string_value(value), view.p, view.n) == 0);
}

/* Nested values are not looked into by the one who cuts them off: a parser may refuse what is inside. */
static void
same_nested(const json_t *object, const char *name, struct bm_bytes view)
{
    json_t *again = NULL;
    struct bm_fail fail = { 0 };

    if (view.p == NULL) {
        must(object == NULL || json_object_get(object, name) == NULL);
        return;
    }
    if (object == NULL)
        return;
    must(bm_json_parse(&again, view, BM_MAX_JSON, &fail) == BM_OK && json_equal(again, json_object_get(object, name)));
    json_decref(again);
}

static void
list_agrees(struct bm_bytes list, const json_t *parsed, struct bm_buf *room)
{
    struct bm_bytes item[8];
    struct bm_fail fail = { 0 };
    size_t n = 0;

    if (bm_json_cut_list(item, &n, BM_COUNT(item), BM_JSON_STRING, list, "list", room, &fail) != BM_OK) {
        must(fail.text[0] != 0);
        return;
    }
    if (parsed == NULL)
        return;
    must(json_array_size(parsed) == n);
    for (size_t i = 0; i < n; i++)
        same_string(json_array_get(parsed, i), item[i]);
}

static void
object_agrees(struct bm_bytes text, struct bm_buf *room)
{
    struct bm_bytes views[4];
    struct bm_fail fail = { 0 };
    json_t *json = NULL;

    if (bm_json_cut(views, &shape, text, room, &fail) != BM_OK) {
        must(fail.text[0] != 0);
        return;
    }
    if (bm_json_parse(&json, text, BM_MAX_JSON, &fail) != BM_OK)
        must(views[2].p != NULL || views[3].p != NULL); /* what is wrong is in one that was not looked into */
    if (json != NULL) {
        same_string(json_object_get(json, "s"), views[0]);
        must((views[1].p == NULL) == (json_object_get(json, "n") == NULL));
        if (views[1].p != NULL)
            must(json_integer_value(json_object_get(json, "n")) == (json_int_t)bm_json_whole(views[1]));
    }
    same_nested(json, "o", views[2]);
    same_nested(json, "l", views[3]);
    if (views[3].p != NULL)
        list_agrees(views[3], json != NULL ? json_object_get(json, "l") : NULL, room);
    json_decref(json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_buf_done) struct bm_buf room = { .max = 0 };
    const struct bm_bytes text = bm_bytes(data, size);
    struct bm_fail fail = { 0 };
    struct bm_bytes view;

    if (size > BM_MAX_JSON)
        return 0;
    must(bm_json_room(&room, text, &fail) == BM_OK);
    object_agrees(text, &room);
    object_agrees(text, NULL);
    (void)bm_json_cut(&view, &lax, text, NULL, &fail);
    must(bm_json_extent(text) <= size);
    return 0;
}
