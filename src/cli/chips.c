#include "cli/chips.h"

enum bm_rc
bm_lot_ask(struct bm_ask *ask, const char *lot, json_t **ret_lot, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf row = { .max = BM_MAX_MESSAGE };
    enum bm_rc rc = bm_ask_show(ask, "lot", lot, bm_row_keep, &row, fail);

    return rc != BM_OK ? rc : bm_json_parse(ret_lot, bm_buf_bytes(&row), BM_MAX_JSON, fail);
}

struct walk {
    bm_chip_fn *chip;
    void *ctx;
    struct bm_progress progress;
    uint64_t done, total;
};

static enum bm_rc
walk_row(void *ctx, struct bm_bytes json, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    struct walk *walk = ctx;
    enum bm_rc rc;

    if ((rc = bm_json_parse(&row, json, BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    bm_progress_show(&walk->progress, walk->done++, walk->total);
    return walk->chip(walk->ctx, row, fail);
}

enum bm_rc
bm_chips_walk(struct bm_ask *ask, const char *lot, bm_chip_fn *chip, void *ctx, struct bm_fail *fail)
{
    struct walk walk = { .chip = chip, .ctx = ctx, .progress = { .what = "chips" } };
    bm_cleanup(bm_json_done) json_t *row = NULL, *filter = json_pack("{s:s}", "lot", lot);
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 4096 };
    enum bm_rc rc;

    if ((rc = bm_json_check(filter, fail)) != BM_OK || (rc = bm_json_print(&text, filter, fail)) != BM_OK ||
        (rc = bm_lot_ask(ask, lot, &row, fail)) != BM_OK)
        return rc;
    walk.total = (uint64_t)json_integer_value(json_object_get(row, "chips"));
    bm_buf_add_u8(&text, 0);
    if ((rc = bm_buf_check(&text, "the filter", fail)) == BM_OK)
        rc = bm_ask_list(ask, "chip", (const char *)text.p, walk_row, &walk, fail);
    bm_progress_done(&walk.progress);
    return rc;
}

/* ---- comma-separated values ---- */

static void
csv_field(const char *text)
{
    const char *formula = text[0] != 0 && strchr("=+-@", text[0]) != NULL ? "'" : "";

    if (strpbrk(text, ",\"\r\n") == NULL) {
        (void)printf("%s%s", formula, text);
        return;
    }
    (void)printf("\"%s", formula);
    for (; *text != 0; text++)
        (void)printf("%s%c", *text == '"' ? "\"" : "", *text);
    (void)putchar('"');
}

/* SERVICE:STATE:SERIAL, with blanks between. */
static void
csv_identities(const json_t *identities)
{
    for (size_t i = 0; i < json_array_size(identities); i++) {
        const json_t *one = json_array_get(identities, i);

        (void)printf("%s%s:%s:%s", i > 0 ? " " : "", bm_json_text(one, "service"), bm_json_text(one, "state"), bm_json_text(one, "serial"));
    }
}

static const char *const texts[] = { "reel", "date", "firmware", "root", "state", "reason", "device", "seen", "twice" };

void
bm_chip_csv_head(void)
{
    (void)printf("chip,index");
    for (size_t i = 0; i < BM_COUNT(texts); i++)
        (void)printf(",%s", texts[i]);
    (void)printf(",reissued,identities\r\n");
}

void
bm_chip_csv_line(const json_t *chip)
{
    csv_field(bm_json_text(chip, "chip"));
    (void)printf(",%lld", (long long)json_integer_value(json_object_get(chip, "index")));
    for (size_t i = 0; i < BM_COUNT(texts); i++) {
        (void)putchar(',');
        csv_field(bm_json_text(chip, texts[i]));
    }
    (void)printf(",%lld,", (long long)json_integer_value(json_object_get(chip, "reissued")));
    csv_identities(json_object_get(chip, "identities"));
    (void)printf("\r\n");
}
