/* lot_reconcile.c - lot reconcile: what became of each chip of a lot, in all and by reel and date. */
#include "cli/chips.h"
#include "cli/verbs.h"
#include "lot/leaf.h"

#define TWICE_MOST 100 /* chips named in the report; --csv names all */
#define GROUPS_MOST 2000

struct tally {
    json_t *total;
    json_t *groups; /* object: reel and date -> counts, in the order in which they came */
    json_t *twice;
};

static void
tally_done(struct tally *tally)
{
    json_decref(tally->total);
    json_decref(tally->groups);
    json_decref(tally->twice);
}

static const char *const counts[] = { "expected", "issued", "unused",     "scrapped",  "withdrawn",
                                      "reissued", "seen",   "never_seen", "seen_twice" };

static enum bm_rc
counts_zero(json_t *object, struct bm_fail *fail)
{
    bool bad = false;

    for (size_t i = 0; i < BM_COUNT(counts); i++)
        bad |= json_object_set_new(object, counts[i], json_integer(0)) != 0;
    return bad ? bm_json_check(NULL, fail) : BM_OK;
}

static void
count(json_t *object, const char *what, bool yes)
{
    json_t *value = json_object_get(object, what);

    (void)json_integer_set(value, json_integer_value(value) + (yes ? 1 : 0));
}

/* A chip that was scrapped is not missed in the field; one that was withdrawn is. */
static void
chip_count(json_t *object, const json_t *chip)
{
    const char *state = bm_json_text(chip, "state");
    bool seen = *bm_json_text(chip, "seen") != 0, scrapped = strcmp(state, "scrapped") == 0;

    count(object, "expected", true);
    count(object, "issued", *bm_json_text(chip, "device") != 0);
    count(object, "unused", strcmp(state, "unused") == 0);
    count(object, "scrapped", scrapped);
    count(object, "withdrawn", strcmp(state, "withdrawn") == 0);
    count(object, "reissued", json_integer_value(json_object_get(chip, "reissued")) > 0);
    count(object, "seen", seen);
    count(object, "never_seen", !seen && !scrapped);
    count(object, "seen_twice", *bm_json_text(chip, "twice") != 0);
}

static enum bm_rc
group_of(struct tally *tally, const json_t *chip, json_t **ret_group, struct bm_fail *fail)
{
    char key[2 * BM_MAX_ID + 2];
    json_t *group;
    enum bm_rc rc;

    (void)snprintf(key, sizeof(key), "%s\n%s", bm_json_text(chip, "reel"), bm_json_text(chip, "date"));
    if ((group = json_object_get(tally->groups, key)) == NULL) {
        if (json_object_size(tally->groups) >= GROUPS_MOST)
            return bm_fail(fail, BM_EPOLICY, NULL, "the lot has more than %d reels and dates: take --csv, which has a line a chip",
                           GROUPS_MOST);
        group = json_pack("{s:O?, s:O?}", "reel", json_object_get(chip, "reel"), "date", json_object_get(chip, "date"));
        if ((rc = bm_json_check(group, fail)) != BM_OK || (rc = counts_zero(group, fail)) != BM_OK)
            return rc;
        if (json_object_set_new(tally->groups, key, group) != 0)
            return bm_json_check(NULL, fail);
    }
    *ret_group = group;
    return BM_OK;
}

static enum bm_rc
tally_chip(void *ctx, const json_t *chip, struct bm_fail *fail)
{
    struct tally *tally = ctx;
    json_t *group = NULL;
    enum bm_rc rc;

    if ((rc = group_of(tally, chip, &group, fail)) != BM_OK)
        return rc;
    chip_count(tally->total, chip);
    chip_count(group, chip);
    if (*bm_json_text(chip, "twice") == 0 || json_array_size(tally->twice) >= TWICE_MOST)
        return BM_OK;
    return json_array_append_new(tally->twice,
                                 json_pack("{s:s, s:s}", "chip", bm_json_text(chip, "chip"), "why", bm_json_text(chip, "twice"))) == 0
               ? BM_OK
               : bm_json_check(NULL, fail);
}

/* Chips beyond what the orders that name this lot may still take: told, and used for nothing. */
static json_int_t
surplus(const json_t *total, const json_t *lot)
{
    json_int_t n = json_integer_value(json_object_get(total, "unused")) - json_integer_value(json_object_get(lot, "left"));

    return n > 0 ? n : 0;
}

/* The lot; its reels and dates, where its list says any; the chips that are there twice. */
static enum bm_rc
people_print(const struct bm_call *call, json_t *report, struct bm_fail *fail)
{
    static const struct bm_column by[] = { { "reel", "REEL" },          { "date", "DATE" },         { "expected", "EXPECTED" },
                                           { "issued", "ISSUED" },      { "unused", "UNUSED" },     { "scrapped", "SCRAPPED" },
                                           { "withdrawn", "RECALLED" }, { "reissued", "REISSUED" }, { "seen", "SEEN" },
                                           { "seen_twice", "TWICE" } };
    static const struct bm_column twice[] = { { "chip", "TWICE" }, { "why", "WHY" } };
    bm_cleanup(bm_json_done) json_t *groups = json_incref(json_object_get(report, "by")),
                                    *both = json_incref(json_object_get(report, "twice"));
    const json_t *only = json_array_get(groups, 0);
    enum bm_rc rc;

    (void)json_object_del(report, "by");
    (void)json_object_del(report, "twice");
    if (*bm_json_text(report, "reason") == 0)
        (void)json_object_del(report, "reason");
    if ((rc = bm_object_print(call, report, fail)) != BM_OK)
        return rc;
    if (json_array_size(groups) > 1 || *bm_json_text(only, "reel") != 0 || *bm_json_text(only, "date") != 0) {
        (void)putchar('\n');
        rc = bm_rows_print(groups, by, BM_COUNT(by), fail);
    }
    if (rc != BM_OK || json_array_size(both) == 0)
        return rc;
    (void)putchar('\n');
    return bm_rows_print(both, twice, BM_COUNT(twice), fail);
}

static enum bm_rc
report_print(struct bm_call *call, struct tally *tally, const json_t *lot, struct bm_fail *fail)
{
    static const char *const head[] = { "lot", "vendor", "source", "received", "state", "reason" }, *const orders[] = { "ordered", "left" };
    bm_cleanup(bm_json_done) json_t *report = json_object();
    json_t *by = json_array(), *group;
    const char *key;
    bool bad = report == NULL || by == NULL;

    for (size_t i = 0; i < BM_COUNT(head); i++)
        bad |= json_object_set(report, head[i], json_object_get(lot, head[i])) != 0;
    bad |= json_object_update(report, tally->total) != 0;
    for (size_t i = 0; i < BM_COUNT(orders); i++)
        bad |= json_object_set(report, orders[i], json_object_get(lot, orders[i])) != 0;
    bad |= json_object_set_new(report, "surplus", json_integer(surplus(tally->total, lot))) != 0;
    bad |= json_object_set(report, "twice", tally->twice) != 0;
    json_object_foreach(tally->groups, key, group) bad |= json_array_append(by, group) != 0;
    bad |= json_object_set_new(report, "by", by) != 0;
    if (bad)
        return bm_json_check(NULL, fail);
    return call->json ? bm_object_print(call, report, fail) : people_print(call, report, fail);
}

static enum bm_rc
csv_chip(void *ctx, const json_t *chip, struct bm_fail *fail)
{
    (void)ctx;
    (void)fail;
    bm_chip_csv_line(chip);
    return BM_OK;
}

static enum bm_rc
reconcile_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(tally_done) struct tally tally = { .total = json_object(), .groups = json_object(), .twice = json_array() };
    bm_cleanup(bm_json_done) json_t *lot = NULL;
    const char *name = call->words.v[0];
    enum bm_rc rc;

    if (call->json && bm_call_option(call, "csv") != NULL)
        return bm_usage(call, fail, "--json and --csv exclude each other");
    if ((rc = bm_ask_open(&ask, call, fail)) != BM_OK || (rc = bm_lot_ask(&ask, name, &lot, fail)) != BM_OK)
        return rc;
    if (bm_call_option(call, "csv") != NULL) {
        bm_chip_csv_head();
        return bm_chips_walk(&ask, name, csv_chip, NULL, fail);
    }
    if ((rc = counts_zero(tally.total, fail)) != BM_OK || (rc = bm_chips_walk(&ask, name, tally_chip, &tally, fail)) != BM_OK)
        return rc;
    return report_print(call, &tally, lot, fail);
}

const struct bm_verb bm_verb_lot_reconcile = {
    .words = "lot reconcile",
    .arguments = "LOT",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Say what became of each chip of a lot: issued, scrapped, re-issued, seen in the field, never, or twice.",
    .help = "Seen: an identity of the chip was confirmed by the device. Twice: refused as a clone, or listed in another lot too.\n"
            "Surplus: unused chips beyond what the orders that name the lot may still take. It is told, and never a quota.\n\n"
            "example: birthmark lot reconcile EX-001\n         birthmark lot reconcile EX-001 --csv >EX-001.csv\n",
    .options = { { .name = "csv", .help = "a line a chip instead, comma-separated" } },
    .run = reconcile_run,
};
