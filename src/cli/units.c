#include "cli/units.h"

#include "cli/places.h"
#include "digest/digest.h"
#include "wire/text.h"

static enum bm_rc
serials_take(struct bm_order *order, struct bm_call *call, const char *pattern, struct bm_fail *fail)
{
    if (!bm_serials_ok(pattern))
        return bm_usage(call, fail, "--serials wants a serial number with one %%0Nd in it, N from 1 to 9: GW-%%06d");
    if (order->quantity > bm_serials_most(pattern))
        return bm_usage(call, fail, "--serials %s has too few digits for %llu units", pattern, (unsigned long long)order->quantity);
    (void)snprintf(order->serials, sizeof(order->serials), "%s", pattern);
    return BM_OK;
}

/* The one row that stands beside a pattern is all units': it cannot say which one is meant. */
static enum bm_rc
common_check(void *ctx, const struct bm_unit_row *unit, struct bm_fail *fail)
{
    (void)ctx;
    return unit->serial[0] == 0 && unit->chip[0] == 0
               ? BM_OK
               : bm_fail(fail, BM_EINPUT, NULL, "units: beside --serials a row says what all units have in common: no serial, chip or key");
}

static enum bm_rc
rows_check(const struct bm_order *order, struct bm_bytes file, struct bm_fail *fail)
{
    uint64_t n;
    enum bm_rc rc = bm_units_read(file, order->serials[0] != 0 ? common_check : NULL, NULL, &n, fail);

    if (rc != BM_OK)
        return rc;
    if (order->serials[0] != 0 && n != 1)
        return bm_fail(fail, BM_EINPUT, NULL, "units: beside --serials there is one row, of what all units have in common, and not %llu",
                       (unsigned long long)n);
    if (order->serials[0] == 0 && n < order->quantity)
        return bm_fail(fail, BM_EINPUT, NULL, "units: %llu rows are too few for %llu units: give each unit one", (unsigned long long)n,
                       (unsigned long long)order->quantity);
    return BM_OK;
}

static enum bm_rc
file_take(struct bm_order *order, struct bm_call *call, const char *path, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = BM_MAX_UNITS_FILE };
    char hex[2 * BM_HASH + 1], kept[BM_PATH];
    enum bm_rc rc;

    if ((rc = bm_file_read(&file, path, fail)) != BM_OK || (rc = rows_check(order, bm_buf_bytes(&file), fail)) != BM_OK)
        return rc;
    bm_sha256(order->units, bm_buf_bytes(&file));
    order->has_units = true;
    bm_hex(hex, bm_bytes(order->units, BM_HASH));
    if ((rc = bm_place_path(kept, call->home, BM_PLACE_UNITS, hex, fail)) != BM_OK)
        return rc;
    return bm_file_write(kept, bm_buf_bytes(&file), 0644, fail);
}

enum bm_rc
bm_units_take(struct bm_order *order, struct bm_call *call, struct bm_fail *fail)
{
    const char *units = bm_call_option(call, "units"), *serials = bm_call_option(call, "serials");
    enum bm_rc rc = serials == NULL ? BM_OK : serials_take(order, call, serials, fail);

    return rc != BM_OK || units == NULL ? rc : file_take(order, call, units, fail);
}
