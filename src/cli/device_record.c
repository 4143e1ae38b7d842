#include "cli/device_record.h"

#include "base/limits.h"

#include <stdio.h>

#define RIGHT 48 /* column at which the second item of a line begins */
#define LABEL 9  /* columns of its label */

/* Fields of the row and what stands before each; where nothing is known of one, both are left out. */
struct piece {
    const char *before, *field;
};
struct item {
    const char *label;
    struct piece piece[4];
    bool right;
};
static const struct item items[] = {
    { "device", { { "", "device" } }, false },
    { "state", { { "", "state" } }, true },
    { "serial", { { "", "serial" } }, false },
    { "made", { { "", "made" } }, true },
    { "model", { { "", "model" }, { "hardware ", "hardware" }, { "firmware ", "firmware" } }, false },
    { "owner", { { "", "owner" } }, false },
    { "support", { { "until ", "support_until" } }, true },
    { "region", { { "", "region" } }, false },
    { "root", { { "", "root" } }, true },
    { "chip", { { "", "chip" }, { "lot ", "lot" }, { "of ", "vendor" } }, false },
    { "order", { { "", "order" }, { "row ", "row" } }, false },
    { "station", { { "", "station" } }, true },
    { "proven", { { "", "proven" } }, false },
};

/* Appends a text cut to so many columns. */
static void
cut_add(struct bm_buf *buf, const char *text, size_t columns)
{
    size_t n = 0, shown = 0;

    if (bm_text_columns(text) <= columns) {
        bm_buf_add_str(buf, text);
        return;
    }
    do {
        shown += ((uint8_t)text[n] & 0xc0) != 0x80;
        n++;
    } while (shown < columns - 1 || ((uint8_t)text[n] & 0xc0) == 0x80);
    bm_buf_add(buf, text, n);
    bm_buf_add_str(buf, "…");
}

/* What the item says, and a NUL; empty when nothing is known. */
static enum bm_rc
item_text(struct bm_buf *buf, const struct item *item, const json_t *row, struct bm_fail *fail)
{
    for (size_t i = 0; i < BM_COUNT(item->piece) && item->piece[i].field != NULL; i++) {
        const json_t *value = json_object_get(row, item->piece[i].field);

        if (value == NULL || json_is_null(value))
            continue;
        bm_buf_add_str(buf, buf->n == 0 ? "" : item->piece[i].before[0] == 'o' ? " " : ", ");
        bm_buf_add_str(buf, item->piece[i].before);
        if (json_is_string(value))
            bm_buf_add_str(buf, json_string_value(value));
        else
            bm_buf_add_fmt(buf, "%lld", (long long)json_integer_value(value));
    }
    bm_buf_add_u8(buf, 0);
    return bm_buf_check(buf, "a device's record", fail);
}

static enum bm_rc
items_print(const json_t *row, struct bm_fail *fail)
{
    size_t at = 0;
    enum bm_rc rc;

    for (size_t i = 0; i < BM_COUNT(items); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_JSON }, shown = { .max = BM_MAX_JSON };

        if ((rc = item_text(&text, &items[i], row, fail)) != BM_OK)
            return rc;
        if (text.p[0] == 0)
            continue;
        if (at > 0 && (!items[i].right || at >= RIGHT || RIGHT + LABEL + bm_text_columns((const char *)text.p) > 80)) {
            (void)putchar('\n');
            at = 0;
        }
        if (at > 0)
            (void)printf("%*s", (int)(RIGHT - at), "");
        at = at > 0 ? RIGHT : 0;
        cut_add(&shown, (const char *)text.p, 80 - at - LABEL);
        bm_buf_add_u8(&shown, 0);
        if ((rc = bm_buf_check(&shown, "a device's record", fail)) != BM_OK)
            return rc;
        (void)printf("%-*s", LABEL, items[i].label);
        at += LABEL + bm_text_print((const char *)shown.p);
    }
    (void)putchar('\n');
    return BM_OK;
}

/* ---- what hangs on it ---- */

struct part {
    const char *member, *what, *see;
    size_t most; /* rows shown, the newest: all parts together leave the record on one screen */
    struct {
        struct bm_column column;
        size_t width;
    } columns[5];
};
static const struct part parts[] = {
    { "identities",
      "certificates",
      "identity list",
      4,
      { { { "service", "SERVICE" }, 14 },
        { { "profile", "PROFILE" }, 16 },
        { { "state", "STATE" }, 11 },
        { { "not_after", "UNTIL" }, 10 },
        { { "serial", "CERTIFICATE" }, 20 } } },
    { "supports",
      "supports",
      "device support list",
      1,
      { { { "ticket", "REPAIR" }, 14 },
        { { "state", "STATE" }, 8 },
        { { "until", "UNTIL" }, 20 },
        { { "by", "BY" }, 12 },
        { { "reason", "WHY" }, 20 } } },
    { "moves",
      "moves",
      "device show --json",
      3,
      { { { "time", "SINCE" }, 20 }, { { "state", "STATE" }, 14 }, { { "by", "BY" }, 12 }, { { "reason", "WHY" }, 28 } } },
    { "alarms",
      "open alarms",
      "alarm list --state open",
      2,
      { { { "alarm", "ALARM" }, 8 }, { { "time", "TIME" }, 20 }, { { "sentence", "WHAT" }, 48 } } },
};

/* The row with its texts cut to the columns' widths. */
static enum bm_rc
row_cut(json_t *rows, const struct part *part, const json_t *row, struct bm_fail *fail)
{
    json_t *cut = json_object();
    bool bad = cut == NULL || json_array_append_new(rows, cut) != 0;

    for (size_t c = 0; !bad && c < BM_COUNT(part->columns) && part->columns[c].column.field != NULL; c++) {
        const char *field = part->columns[c].column.field;
        bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_JSON };
        json_t *value = json_object_get(row, field);

        if (value == NULL || !json_is_string(value)) {
            bad |= value != NULL && json_object_set(cut, field, value) != 0;
            continue;
        }
        if (strcmp(field, "not_after") == 0) /* its day */
            bm_buf_add_fmt(&text, "%.10s", json_string_value(value));
        else
            cut_add(&text, json_string_value(value), part->columns[c].width);
        bm_buf_add_u8(&text, 0);
        bad |= text.bad || json_object_set_new(cut, field, json_string((const char *)text.p)) != 0;
    }
    return bad ? bm_json_check(NULL, fail) : BM_OK;
}

static enum bm_rc
part_print(const struct part *part, const json_t *row, struct bm_fail *fail)
{
    const json_t *all = json_object_get(row, part->member);
    size_t n = json_array_size(all), first = n > part->most ? n - part->most : 0, ncolumns = 0;
    bm_cleanup(bm_json_done) json_t *rows = json_array();
    struct bm_column columns[BM_COUNT(part->columns)];
    enum bm_rc rc = bm_json_check(rows, fail);

    if (rc != BM_OK || n == 0)
        return rc;
    for (size_t i = first; i < n; i++)
        if ((rc = row_cut(rows, part, json_array_get(all, i), fail)) != BM_OK)
            return rc;
    while (ncolumns < BM_COUNT(columns) && part->columns[ncolumns].column.field != NULL) {
        columns[ncolumns] = part->columns[ncolumns].column;
        ncolumns++;
    }
    (void)putchar('\n');
    rc = bm_rows_print(rows, columns, ncolumns, fail);
    if (rc == BM_OK && first > 0)
        (void)printf("%zu %s before: see `birthmark %s`\n", first, part->what, part->see);
    return rc;
}

enum bm_rc
bm_device_print(const struct bm_call *call, const json_t *row, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (call->json)
        return bm_object_print(call, row, fail);
    rc = items_print(row, fail);
    for (size_t i = 0; i < BM_COUNT(parts) && rc == BM_OK; i++)
        rc = part_print(&parts[i], row, fail);
    return rc;
}
