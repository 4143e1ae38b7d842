#include "lot/csv_columns.h"

#include "wire/text.h"

#include <stdio.h>
#include <strings.h>

/* Espressif's list of pre-provisioned modules has MAC, cn, cert. */
static const struct {
    const char *name;
    enum bm_csv_what what;
} known[] = {
    { "key", BM_CSV_KEY },           { "public_key", BM_CSV_KEY },          { "publickey", BM_CSV_KEY },  { "spki", BM_CSV_KEY },
    { "cert", BM_CSV_CERTIFICATE },  { "certificate", BM_CSV_CERTIFICATE }, { "mac", BM_CSV_ID },         { "id", BM_CSV_ID },
    { "serial", BM_CSV_ID },         { "serial_number", BM_CSV_ID },        { "uid", BM_CSV_ID },         { "cn", BM_CSV_LABEL },
    { BM_LABEL_REEL, BM_CSV_LABEL }, { BM_LABEL_DATE, BM_CSV_LABEL },       { "firmware", BM_CSV_LABEL }, { "model", BM_CSV_LABEL },
};

static enum bm_csv_what
known_find(struct bm_bytes name, const char **ret_name)
{
    for (size_t i = 0; i < BM_COUNT(known); i++) {
        if (strlen(known[i].name) != name.n || strncasecmp(known[i].name, (const char *)name.p, name.n) != 0)
            continue;
        *ret_name = known[i].name;
        return known[i].what;
    }
    return BM_CSV_UNKNOWN;
}

bool
bm_csv_column_known(struct bm_bytes name)
{
    const char *ignored;

    return known_find(name, &ignored) != BM_CSV_UNKNOWN;
}

static enum bm_csv_what
what_find(const char *what)
{
    if (strcmp(what, "key") == 0)
        return BM_CSV_KEY;
    if (strcmp(what, "certificate") == 0)
        return BM_CSV_CERTIFICATE;
    return strcmp(what, "id") == 0 ? BM_CSV_ID : BM_CSV_LABEL;
}

static bool
map_has(const struct bm_column_map *map, size_t nmap, enum bm_csv_what what)
{
    for (size_t i = 0; i < nmap; i++)
        if (what != BM_CSV_LABEL && what_find(map[i].what) == what)
            return true;
    return false;
}

/* What is said goes before what is known. */
static enum bm_rc
column_take(struct bm_csv_columns *columns, struct bm_bytes name, const struct bm_column_map *map, size_t nmap, struct bm_fail *fail)
{
    enum bm_csv_what what = BM_CSV_UNKNOWN;
    const char *label = "";
    size_t at = columns->n;

    for (size_t i = 0; i < nmap; i++) {
        if (!bm_bytes_equal(bm_bytes_str(map[i].column), name))
            continue;
        if (what != BM_CSV_UNKNOWN)
            return bm_fail(fail, BM_EINPUT, NULL, "the column %s is said to be two things", map[i].column);
        what = what_find(map[i].what);
        label = map[i].what;
        if (!bm_name_ok(label, BM_MAX_NAME))
            return bm_fail(fail, BM_EINPUT, NULL, "a label's name has letters, digits, '.', '_' and '-': %.64s is none", label);
    }
    if (what == BM_CSV_UNKNOWN) {
        what = known_find(name, &label);
        if (map_has(map, nmap, what))
            what = BM_CSV_UNKNOWN;
    }
    columns->column[at].what = what;
    (void)snprintf(columns->column[at].label, sizeof(columns->column[at].label), "%s", what == BM_CSV_LABEL ? label : "");
    if (what == BM_CSV_UNKNOWN && columns->nunknown++ == 0)
        (void)snprintf(columns->unknown, sizeof(columns->unknown), "%.*s", (int)(name.n < BM_MAX_NAME ? name.n : BM_MAX_NAME),
                       (const char *)name.p);
    columns->n++;
    return BM_OK;
}

static enum bm_rc
columns_check(const struct bm_csv_columns *columns, struct bm_fail *fail)
{
    bool bound = false;

    for (size_t i = 0; i < columns->n; i++) {
        bound = bound || columns->column[i].what == BM_CSV_KEY || columns->column[i].what == BM_CSV_CERTIFICATE;
        for (size_t k = 0; k < i && columns->column[i].what != BM_CSV_UNKNOWN; k++)
            if (columns->column[k].what == columns->column[i].what && strcmp(columns->column[k].label, columns->column[i].label) == 0)
                return bm_fail(fail, BM_EINPUT, NULL, "columns %zu and %zu mean the same: say which it is with --column WHAT=COLUMN", k + 1,
                               i + 1);
    }
    if (!bound)
        return bm_fail(
            fail, BM_EINPUT, NULL,
            "no column is known to be the chips' keys or certificates: say which it is with --column key=COLUMN or certificate=COLUMN");
    return BM_OK;
}

enum bm_rc
bm_csv_columns_take(struct bm_csv_columns *ret_columns, const struct bm_bytes *names, size_t n, const struct bm_column_map *map,
                    size_t nmap, struct bm_fail *fail)
{
    struct bm_csv_columns columns = { .n = 0 };
    enum bm_rc rc;

    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            if (bm_bytes_equal(names[k], names[i]))
                return bm_fail(fail, BM_EINPUT, NULL, "columns %zu and %zu have one name", k + 1, i + 1);
        if ((rc = column_take(&columns, names[i], map, nmap, fail)) != BM_OK)
            return rc;
    }
    for (size_t i = 0; i < nmap; i++) {
        bool there = false;

        for (size_t k = 0; k < n; k++)
            there = there || bm_bytes_equal(names[k], bm_bytes_str(map[i].column));
        if (!there)
            return bm_fail(fail, BM_EINPUT, NULL, "the list has no column %.64s", map[i].column);
    }
    if ((rc = columns_check(&columns, fail)) != BM_OK)
        return rc;
    *ret_columns = columns;
    return BM_OK;
}
