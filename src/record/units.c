#include "record/units.h"

#include "lot/csv_rows.h"
#include "wire/text.h"

#include <stdlib.h>

enum column {
    CHIP,
    KEY,
    SERIAL,
    MODEL,
    HARDWARE,
    FIRMWARE,
    OWNER,
    REGION,
    SUPPORT,
    COLUMN__N
};
static const char *const names[COLUMN__N] = {
    [CHIP] = "chip",         [KEY] = "key",           [SERIAL] = "serial", [MODEL] = "model",          [OWNER] = "owner",
    [HARDWARE] = "hardware", [FIRMWARE] = "firmware", [REGION] = "region", [SUPPORT] = "support-until"
};
#define COLUMNS "chip, key, serial, model, hardware, firmware, owner, region and support-until"

struct reading {
    enum column column[COLUMN__N];
    size_t ncolumns;
    struct bm_unit_row unit;
    struct bm_buf seen; /* serial numbers and chips, each with its kind before and a NUL behind */
    uint32_t *at;       /* where they begin in it */
    size_t nat, cap;
};

static void
reading_done(struct reading *reading)
{
    bm_buf_done(&reading->seen);
    free(reading->at);
}

static enum bm_rc
header_take(struct reading *reading, const struct bm_bytes *fields, size_t n, struct bm_fail *fail)
{
    bool have[COLUMN__N] = { false };

    for (size_t i = 0; i < n; i++) {
        size_t c = 0;

        while (c < COLUMN__N && !bm_bytes_equal(fields[i], bm_bytes_str(names[c])))
            c++;
        if (c == COLUMN__N)
            return bm_fail(fail, BM_EINPUT, NULL, "units: column %zu has none of the names that are known: " COLUMNS, i + 1);
        if (have[c])
            return bm_fail(fail, BM_EINPUT, NULL, "units: the column %s is there twice", names[c]);
        have[c] = true;
        reading->column[reading->ncolumns++] = (enum column)c;
    }
    return BM_OK;
}

/* Somebody's words: no blank at either end, and nothing that a spreadsheet would take for a formula. */
static bool
words_ok(struct bm_bytes text)
{
    if (text.n > BM_MAX_NAME || text.p[0] == ' ' || text.p[text.n - 1] == ' ' || strchr("=+-@", text.p[0]) != NULL)
        return false;
    for (size_t at = 0, n; at < text.n; at += n)
        if ((n = bm_utf8_size(text.p + at, text.n - at)) == 0)
            return false;
    return true;
}

static bool
key_take(struct bm_unit_row *unit, struct bm_bytes text)
{
    uint8_t hash[BM_HASH];
    struct bm_fail unused;

    if (unit->chip[0] != 0 || bm_hex_parse(hash, BM_HASH, text, &unused) != BM_OK)
        return false;
    (void)snprintf(unit->chip, sizeof(unit->chip), BM_UNIT_KEY);
    bm_hex(unit->chip + strlen(BM_UNIT_KEY), bm_bytes(hash, BM_HASH));
    return true;
}

static bool
day_take(struct bm_unit_row *unit, struct bm_bytes text)
{
    char end[BM_TIME_TEXT];
    struct bm_fail unused;

    (void)snprintf(end, sizeof(end), "%.10sT23:59:59Z", (const char *)text.p);
    return text.n == 10 && bm_time_parse(&unit->support_until, end, &unused) == BM_OK && unit->support_until > 0;
}

static bool
words_take(char ret[static BM_MAX_NAME + 1], struct bm_bytes text, bool ok)
{
    if (ok)
        memcpy(ret, text.p, text.n);
    return ok;
}

static bool
field_take(struct bm_unit_row *unit, enum column column, struct bm_bytes text)
{
    switch (column) {
    case CHIP:
        return unit->chip[0] == 0 && words_take(unit->chip, text, words_ok(text));
    case KEY:
        return key_take(unit, text);
    case SERIAL:
        return words_take(unit->serial, text, bm_serial_ok(text));
    case MODEL:
        return words_take(unit->model, text, words_ok(text));
    case HARDWARE:
        return words_take(unit->hardware, text, words_ok(text));
    case FIRMWARE:
        return words_take(unit->firmware, text, words_ok(text));
    case OWNER:
        return words_take(unit->owner, text, words_ok(text));
    case REGION:
        return words_take(unit->region, text, words_ok(text));
    case SUPPORT:
        return day_take(unit, text);
    case COLUMN__N:
        break;
    }
    return false;
}

static const char *
column_wants(enum column column)
{
    switch (column) {
    case CHIP:
        return "a chip's id of 1 to 64 bytes, in a row that has no key";
    case KEY:
        return "the SHA-256 of a root key in hex, in a row that has no chip";
    case SERIAL:
        return "1 to 64 letters, digits and . _ : / # + -, the first a letter or digit";
    case SUPPORT:
        return "a day, as 2031-12-31";
    case MODEL:
    case HARDWARE:
    case FIRMWARE:
    case OWNER:
    case REGION:
    case COLUMN__N:
        break;
    }
    return "1 to 64 bytes on one line, without a blank at either end, not beginning with = + - or @";
}

static enum bm_rc
row_take(struct reading *reading, const struct bm_bytes *fields, size_t n, struct bm_fail *fail)
{
    struct bm_unit_row *unit = &reading->unit;
    bool any = false;

    *unit = (struct bm_unit_row){ .row = unit->row + 1 };
    if (unit->row > BM_MAX_UNITS)
        return bm_fail(fail, BM_EINPUT, NULL, "units: there are more than %d rows: divide the order", BM_MAX_UNITS);
    if (n != reading->ncolumns)
        return bm_fail(fail, BM_EINPUT, "RFC 4180 2", "units: row %llu has %zu fields and the first line %zu: both must be the same",
                       (unsigned long long)unit->row, n, reading->ncolumns);
    for (size_t i = 0; i < n; i++) {
        any |= fields[i].n > 0;
        if (fields[i].n > 0 && !field_take(unit, reading->column[i], fields[i]))
            return bm_fail(fail, BM_EINPUT, NULL, "units: row %llu: %s must be %s", (unsigned long long)unit->row,
                           names[reading->column[i]], column_wants(reading->column[i]));
    }
    return any ? BM_OK : bm_fail(fail, BM_EINPUT, NULL, "units: row %llu says nothing: leave it out", (unsigned long long)unit->row);
}

/* ---- nothing twice ---- */

static enum bm_rc
seen_add(struct reading *reading, const char *kind, const char *text, struct bm_fail *fail)
{
    if (text[0] == 0)
        return BM_OK;
    if (reading->nat == reading->cap) {
        size_t cap = reading->cap == 0 ? 256 : 2 * reading->cap;
        uint32_t *at = reallocarray(reading->at, cap, sizeof(*at));

        if (at == NULL)
            return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the units");
        reading->at = at;
        reading->cap = cap;
    }
    reading->at[reading->nat++] = (uint32_t)reading->seen.n;
    bm_buf_add_str(&reading->seen, kind);
    bm_buf_add_str(&reading->seen, text);
    bm_buf_add_u8(&reading->seen, 0);
    return bm_buf_check(&reading->seen, "the units", fail);
}

static int
seen_compare(const void *a, const void *b, void *texts)
{
    uint32_t x, y;

    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return strcmp((const char *)texts + x, (const char *)texts + y);
}

static enum bm_rc
twice_check(struct reading *reading, struct bm_fail *fail)
{
    const char *texts = (const char *)reading->seen.p;

    if (reading->nat == 0)
        return BM_OK;
    qsort_r(reading->at, reading->nat, sizeof(*reading->at), seen_compare, reading->seen.p);
    for (size_t i = 1; i < reading->nat; i++)
        if (strcmp(texts + reading->at[i - 1], texts + reading->at[i]) == 0)
            return bm_fail(fail, BM_EINPUT, NULL, "units: the %s stands there twice", texts + reading->at[i]);
    return BM_OK;
}

/* ---- the file ---- */

static enum bm_rc
record_take(struct reading *reading, const struct bm_bytes *fields, size_t n, bm_unit_fn *unit, void *ctx, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (reading->ncolumns == 0)
        return header_take(reading, fields, n, fail);
    if ((rc = row_take(reading, fields, n, fail)) != BM_OK ||
        (rc = seen_add(reading, "serial number ", reading->unit.serial, fail)) != BM_OK ||
        (rc = seen_add(reading, "chip ", reading->unit.chip, fail)) != BM_OK)
        return rc;
    return unit == NULL ? BM_OK : unit(ctx, &reading->unit, fail);
}

enum bm_rc
bm_units_read(struct bm_bytes file, bm_unit_fn *unit, void *ctx, uint64_t *ret_n, struct bm_fail *fail)
{
    static const uint8_t mark[] = { 0xef, 0xbb, 0xbf }; /* which spreadsheets put before UTF-8 */
    bm_cleanup(reading_done) struct reading reading = { .seen = { .max = BM_MAX_UNITS_FILE + BM_MAX_UNITS * 64 } };
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_CSV_RECORD };
    struct bm_bytes record, fields[BM_MAX_CSV_COLUMNS];
    struct bm_rd rd = bm_rd(file);
    bool have = true, ended;
    enum bm_rc rc;
    size_t n;

    if (file.n > BM_MAX_UNITS_FILE)
        return bm_fail(fail, BM_EINPUT, NULL, "units: the file is larger than 32 MiB: divide the order");
    if (file.n >= sizeof(mark) && memcmp(file.p, mark, sizeof(mark)) == 0)
        (void)bm_rd_take(&rd, sizeof(mark));
    for (;;) {
        if ((rc = bm_csv_record(&rd, &have, &record, &ended, fail)) != BM_OK)
            return rc;
        if (!have)
            break;
        if ((rc = bm_csv_fields(record, &text, fields, &n, fail)) != BM_OK ||
            (rc = record_take(&reading, fields, n, unit, ctx, fail)) != BM_OK)
            return rc;
    }
    if (reading.unit.row == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "units: there is no row: the first line names the columns, a line for each unit follows");
    *ret_n = reading.unit.row;
    return twice_check(&reading, fail);
}
