/* fuzz_units.c - a file of units gives rows of texts that are what their columns promise, or is refused; a pattern of serial numbers gives serial numbers. */
#include "fuzz.h"

#include "record/units.h"

static enum bm_rc
row(void *ctx, const struct bm_unit_row *unit, struct bm_fail *fail)
{
    const char *const words[] = { unit->model, unit->hardware, unit->firmware, unit->owner, unit->region, unit->serial };
    uint64_t *n = ctx;

    (void)fail;
    must(unit->row == ++*n && unit->row <= BM_MAX_UNITS);
    must(unit->serial[0] == 0 || bm_serial_ok(bm_bytes_str(unit->serial)));
    must(strlen(unit->chip) < sizeof(unit->chip) && unit->support_until >= 0);
    for (size_t i = 0; i < BM_COUNT(words); i++)
        must(strlen(words[i]) <= BM_MAX_NAME && (words[i][0] == 0 || strchr("=+-@ ", words[i][0]) == NULL) &&
             strchr(words[i], '\n') == NULL);
    return BM_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char pattern[BM_MAX_SERIALS + 2], serial[BM_MAX_NAME + 1];
    struct bm_fail fail = { 0 };
    uint64_t n = 0, all = 0;

    (void)snprintf(pattern, sizeof(pattern), "%.*s", (int)(size < sizeof(pattern) ? size : sizeof(pattern)),
                   size == 0 ? "" : (const char *)data);
    if (bm_serials_ok(pattern)) {
        bm_serials_print(serial, pattern, bm_serials_most(pattern));
        must(bm_serial_ok(bm_bytes_str(serial)));
    }
    if (bm_units_read(bm_bytes(data, size), row, &n, &all, &fail) != BM_OK)
        must(fail.text[0] != 0);
    else
        must(n == all && n > 0);
    return 0;
}
