/* What the planner said of an order's units before they were made. */
#include "store/lite.h"

#include "wire/text.h"

enum bm_rc
bm_store_order_says(struct bm_store *store, const char *order, const char *product, const char *serials, const uint8_t *units,
                    struct bm_fail *fail)
{
    lite_text(store, Q_ORDER_SAYS, 1, order);
    lite_text(store, Q_ORDER_SAYS, 2, serials[0] == 0 ? NULL : serials);
    lite_blob(store, Q_ORDER_SAYS, 3, bm_bytes(units, units == NULL ? 0 : BM_HASH));
    lite_text(store, Q_ORDER_SAYS, 4, product[0] == 0 ? NULL : product);
    return lite_run(store, Q_ORDER_SAYS, "order's units", fail);
}

enum bm_rc
bm_store_unit_put(struct bm_store *store, const char *order, const struct bm_store_unit *unit, struct bm_fail *fail)
{
    const char *const texts[] = { unit->chip, unit->serial, unit->model, unit->hardware, unit->firmware, unit->owner, unit->region };

    lite_text(store, Q_UNIT_PUT, 1, order);
    lite_int(store, Q_UNIT_PUT, 2, (int64_t)unit->row);
    for (size_t i = 0; i < BM_COUNT(texts); i++)
        lite_text(store, Q_UNIT_PUT, 3 + (int)i, texts[i]);
    lite_int(store, Q_UNIT_PUT, 3 + (int)BM_COUNT(texts), unit->support_until);
    return lite_run(store, Q_UNIT_PUT, "unit", fail);
}

/* One text, cut to fit; "" when there is no row. */
static enum bm_rc
text_get(struct bm_store *store, enum lite_sql q, char *ret, size_t n, const char *what, struct bm_fail *fail)
{
    enum bm_rc rc;
    bool row;

    ret[0] = 0;
    if ((rc = lite_step(store, q, &row, what, fail)) != BM_OK)
        return rc;
    if (row)
        lite_column_text(store, q, 0, ret, n);
    lite_reset(store, q);
    return BM_OK;
}

enum bm_rc
bm_store_serial_order(struct bm_store *store, const char *serial, const char *model, char ret_order[static BM_MAX_NAME + 1],
                      struct bm_fail *fail)
{
    lite_text(store, Q_UNIT_OTHER, 1, serial);
    lite_text(store, Q_UNIT_OTHER, 2, model);
    return text_get(store, Q_UNIT_OTHER, ret_order, BM_MAX_NAME + 1, "serial number", fail);
}

enum bm_rc
bm_store_serials_begin(struct bm_store *store, const char *beginning, const char *model, bm_store_serial_fn *each, void *ctx,
                       struct bm_fail *fail)
{
    char serial[BM_MAX_NAME + 1], order[BM_MAX_NAME + 1];
    bool row = false, stop = false;
    enum bm_rc rc;

    lite_text(store, Q_SERIALS_BEGIN, 1, beginning);
    lite_text(store, Q_SERIALS_BEGIN, 2, model);
    while ((rc = lite_step(store, Q_SERIALS_BEGIN, &row, "serial numbers", fail)) == BM_OK && row && !stop) {
        lite_column_text(store, Q_SERIALS_BEGIN, 0, serial, sizeof(serial));
        lite_column_text(store, Q_SERIALS_BEGIN, 1, order, sizeof(order));
        each(ctx, serial, order, &stop);
    }
    if (rc == BM_OK)
        lite_reset(store, Q_SERIALS_BEGIN);
    return rc;
}

enum bm_rc
bm_store_patterns(struct bm_store *store, bm_store_pattern_fn *each, void *ctx, struct bm_fail *fail)
{
    char order[BM_MAX_NAME + 1], pattern[BM_STORE_SERIALS], model[BM_MAX_NAME + 1];
    bool row = false;
    enum bm_rc rc;

    while ((rc = lite_step(store, Q_PATTERNS, &row, "orders' serial numbers", fail)) == BM_OK && row) {
        lite_column_text(store, Q_PATTERNS, 0, order, sizeof(order));
        lite_column_text(store, Q_PATTERNS, 1, pattern, sizeof(pattern));
        lite_column_text(store, Q_PATTERNS, 3, model, sizeof(model));
        each(ctx, order, pattern, (uint64_t)lite_column_int(store, Q_PATTERNS, 2), model);
    }
    if (rc == BM_OK)
        lite_reset(store, Q_PATTERNS);
    return rc;
}

enum bm_rc
bm_store_serial_twin(struct bm_store *store, const char *device, char ret_serial[static BM_MAX_NAME + 1],
                     char ret_twin[static BM_MAX_NAME + 1], struct bm_fail *fail)
{
    bool row = false;
    enum bm_rc rc;

    ret_serial[0] = ret_twin[0] = 0;
    lite_text(store, Q_SERIAL_TWIN, 1, device);
    if ((rc = lite_step(store, Q_SERIAL_TWIN, &row, "serial number", fail)) != BM_OK)
        return rc;
    if (row) {
        lite_column_text(store, Q_SERIAL_TWIN, 0, ret_serial, BM_MAX_NAME + 1);
        lite_column_text(store, Q_SERIAL_TWIN, 1, ret_twin, BM_MAX_NAME + 1);
    }
    lite_reset(store, Q_SERIAL_TWIN);
    return BM_OK;
}

enum bm_rc
bm_store_order_serials(struct bm_store *store, const char *order, char ret_serials[static BM_STORE_SERIALS], uint64_t *ret_place,
                       struct bm_fail *fail)
{
    enum bm_rc rc;
    bool row;

    ret_serials[0] = 0;
    *ret_place = 0;
    lite_text(store, Q_ORDER_SERIALS, 1, order);
    if ((rc = lite_step(store, Q_ORDER_SERIALS, &row, "order's serial numbers", fail)) != BM_OK)
        return rc;
    if (row) {
        lite_column_text(store, Q_ORDER_SERIALS, 0, ret_serials, BM_STORE_SERIALS);
        *ret_place = (uint64_t)lite_column_int(store, Q_ORDER_SERIALS, 1);
    }
    lite_reset(store, Q_ORDER_SERIALS);
    return BM_OK;
}

enum bm_rc
bm_store_order_station_put(struct bm_store *store, const char *order, const char *name, const uint8_t key[static BM_HASH],
                           struct bm_fail *fail)
{
    lite_text(store, Q_ORDER_STATION_PUT, 1, order);
    lite_text(store, Q_ORDER_STATION_PUT, 2, name);
    lite_blob(store, Q_ORDER_STATION_PUT, 3, bm_bytes(key, BM_HASH));
    return lite_run(store, Q_ORDER_STATION_PUT, "order's station", fail);
}

enum bm_rc
bm_store_order_station(struct bm_store *store, const char *order, const uint8_t key[static BM_HASH], char ret_name[static BM_MAX_NAME + 1],
                       struct bm_fail *fail)
{
    lite_text(store, Q_ORDER_STATION_GET, 1, order);
    lite_blob(store, Q_ORDER_STATION_GET, 2, bm_bytes(key, BM_HASH));
    return text_get(store, Q_ORDER_STATION_GET, ret_name, BM_MAX_NAME + 1, "order's station", fail);
}

/* ---- a unit is made ---- */

static enum bm_rc
id_get(struct bm_store *store, enum lite_sql q, int64_t *ret_id, struct bm_fail *fail)
{
    enum bm_rc rc;
    bool row;

    *ret_id = 0;
    if ((rc = lite_step(store, q, &row, "unit", fail)) != BM_OK)
        return rc;
    if (row)
        *ret_id = lite_column_int(store, q, 0);
    lite_reset(store, q);
    return BM_OK;
}

static enum bm_rc
named_find(struct bm_store *store, const char *order, const char *chip, int64_t *ret_id, struct bm_fail *fail)
{
    lite_text(store, Q_UNIT_NAMED, 1, order);
    lite_text(store, Q_UNIT_NAMED, 2, chip);
    return id_get(store, Q_UNIT_NAMED, ret_id, fail);
}

/* The row that names one of the chip's root keys, or its id; else the next that names no chip. 0: none is left. */
static enum bm_rc
row_find(struct bm_store *store, const struct bm_store_identity *identity, int64_t *ret_id, struct bm_fail *fail)
{
    const struct bm_store_chip *chip = identity->chip;
    char name[sizeof("key ") + 2 * BM_HASH] = "key ";
    enum bm_rc rc = BM_OK;

    *ret_id = 0;
    for (size_t i = 0; i < chip->nnames && rc == BM_OK && *ret_id == 0; i++) {
        bm_hex(name + strlen("key "), bm_bytes(chip->names[i], BM_HASH));
        rc = named_find(store, identity->order, name, ret_id, fail);
    }
    if (rc == BM_OK && *ret_id == 0)
        rc = named_find(store, identity->order, chip->label, ret_id, fail);
    if (rc != BM_OK || *ret_id != 0)
        return rc;
    lite_text(store, Q_UNIT_NEXT, 1, identity->order);
    return id_get(store, Q_UNIT_NEXT, ret_id, fail);
}

enum bm_rc
lite_unit_settle(struct bm_store *store, const struct bm_store_identity *identity, struct bm_fail *fail)
{
    int64_t unit;
    enum bm_rc rc = row_find(store, identity, &unit, fail);

    if (rc != BM_OK || unit == 0)
        return rc;
    lite_text(store, Q_UNIT_SETTLE, 1, identity->device);
    lite_int(store, Q_UNIT_SETTLE, 2, unit);
    if ((rc = lite_run(store, Q_UNIT_SETTLE, "unit's record", fail)) != BM_OK)
        return rc;
    if (identity->serial_number != NULL && identity->serial_number[0] != 0)
        return BM_OK; /* the row is all the order's units' */
    lite_int(store, Q_UNIT_TAKEN, 1, unit);
    return lite_run(store, Q_UNIT_TAKEN, "unit's row", fail);
}
