#include "cli/lot_row.h"

#include "cli/chips.h"

static long long
number(const json_t *row, const char *field)
{
    return json_integer_value(json_object_get(row, field));
}

static bool
text_add(json_t *object, const char *key, const char *text)
{
    return text[0] == 0 || json_object_set_new(object, key, json_string(text)) == 0;
}

/* "200, 12 in units, 3 scrapped", without what there is none of. */
static void
chips_text(struct bm_buf *text, const json_t *row)
{
    static const struct {
        const char *field, *words;
    } parts[] = { { "units", "in units" }, { "scrapped", "scrapped" }, { "withdrawn", "withdrawn" } };

    bm_buf_add_fmt(text, "%lld", number(row, "chips"));
    for (size_t i = 0; i < BM_COUNT(parts); i++)
        if (number(row, parts[i].field) > 0)
            bm_buf_add_fmt(text, ", %lld %s", number(row, parts[i].field), parts[i].words);
    bm_buf_add_u8(text, 0);
}

enum bm_rc
bm_lot_print(const struct bm_call *call, const json_t *row, struct bm_fail *fail)
{
    static const char *const before[] = { "lot", "vendor", "state", "reason" }, *const after[] = { "received", "source", "root", "receipt",
                                                                                                   "note" };
    bm_cleanup(bm_json_done) json_t *object = json_object();
    bm_cleanup(bm_buf_done) struct bm_buf chips = { .max = 256 }, orders = { .max = 128 };
    bool good = object != NULL;
    enum bm_rc rc;

    if (call->json)
        return bm_object_print(call, row, fail);
    chips_text(&chips, row);
    if (number(row, "ordered") > 0)
        bm_buf_add_fmt(&orders, "%lld units, %lld of them open", number(row, "ordered"), number(row, "left"));
    bm_buf_add_u8(&orders, 0);
    if ((rc = bm_buf_check(&chips, "a row", fail)) != BM_OK || (rc = bm_buf_check(&orders, "a row", fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < BM_COUNT(before); i++)
        good = good && text_add(object, before[i], bm_json_text(row, before[i]));
    good = good && text_add(object, "chips", (const char *)chips.p) && text_add(object, "ordered", (const char *)orders.p);
    if (good && number(row, "revision") > 1)
        good = json_object_set(object, "revision", json_object_get(row, "revision")) == 0;
    for (size_t i = 0; i < BM_COUNT(after); i++)
        good = good && text_add(object, after[i], bm_json_text(row, after[i]));
    if (good && json_array_size(json_object_get(row, "noted")) > 0)
        good = json_object_set(object, "noted", json_object_get(row, "noted")) == 0;
    good = good && json_object_set(object, "leaf", json_object_get(row, "leaf")) == 0;
    return good ? bm_object_print(call, object, fail) : bm_json_check(NULL, fail);
}
