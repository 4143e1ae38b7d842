/* What the planner said of an order's units: the file that the order names becomes rows of the store, and each unit that is made finds its own. */
#include "registrar/units.h"

#include "digest/digest.h"
#include "evidence/bundle.h"
#include "record/site.h"
#include "wire/text.h"

struct keeping {
    struct bm_registrar *r;
    const struct bm_order *order;
    uint64_t again; /* serial numbers that another order has */
    char other[BM_MAX_NAME + 1];
};

static enum bm_rc
unit_keep(void *ctx, const struct bm_unit_row *unit, struct bm_fail *fail)
{
    struct keeping *keeping = ctx;
    const struct bm_store_unit row = { .row = unit->row,
                                       .chip = unit->chip,
                                       .serial = unit->serial,
                                       .model = unit->model,
                                       .hardware = unit->hardware,
                                       .firmware = unit->firmware,
                                       .owner = unit->owner,
                                       .region = unit->region,
                                       .support_until = unit->support_until };
    char other[BM_MAX_NAME + 1] = "";
    enum bm_rc rc = BM_OK;

    if (unit->serial[0] != 0)
        rc = bm_store_serial_order(keeping->r->store, unit->serial, unit->model, other, fail);
    if (other[0] != 0) {
        keeping->again++;
        memcpy(keeping->other, other, sizeof(other));
    }
    return rc != BM_OK ? rc : bm_store_unit_put(keeping->r->store, keeping->order->order, &row, fail);
}

/* The order stands, whatever became of its file: somebody should know. */
static enum bm_rc
alarm_add(struct bm_registrar *r, uint64_t leaf, bm_time time, const char *sentence, struct bm_fail *fail)
{
    const struct bm_store_alarm alarm = { .time = time, .kind = "units", .sentence = sentence, .has_leaf = true, .leaf = leaf };
    uint64_t id;

    return bm_store_alarm_add(r->store, &alarm, &id, fail);
}

/* The file that has this hash; BM_EINPUT or BM_EBUSY with why there is none. */
static enum bm_rc
file_read(struct bm_buf *file, const struct bm_registrar *r, const struct bm_order *order, struct bm_fail *fail)
{
    char hex[2 * BM_HASH + 1], name[sizeof(BM_PLACE_UNITS) + sizeof(hex)], path[BM_PATH];
    uint8_t is[BM_HASH];
    uint64_t n;
    enum bm_rc rc;

    bm_hex(hex, bm_bytes(order->units, BM_HASH));
    (void)snprintf(name, sizeof(name), BM_PLACE_UNITS, hex);
    if ((rc = bm_path_join(path, r->holdings.home, name, fail)) != BM_OK || (rc = bm_file_read(file, path, fail)) != BM_OK)
        return rc;
    bm_sha256(is, bm_buf_bytes(file));
    if (memcmp(is, order->units, BM_HASH) != 0)
        return bm_fail(fail, BM_EINPUT, NULL, "the file was changed");
    return bm_units_read(bm_buf_bytes(file), NULL, NULL, &n, fail);
}

enum bm_rc
bm_units_each(struct bm_registrar *r, const struct bm_order *order, bm_unit_fn *unit, void *ctx, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = BM_MAX_UNITS_FILE };
    struct bm_fail why = { .rc = BM_OK };
    uint64_t n;
    enum bm_rc rc = file_read(&file, r, order, &why);

    if (rc == BM_OK)
        return bm_units_read(bm_buf_bytes(&file), unit, ctx, &n, fail);
    return bm_fail(fail, rc == BM_EINPUT || rc == BM_EBUSY ? BM_EPOLICY : rc, NULL,
                   "the file of the units of order %s can't be read here: %.160s; open the order again", order->order, why.text);
}

enum bm_rc
bm_units_twin(struct bm_registrar *r, const char *device, uint64_t leaf, bm_time time, struct bm_fail *fail)
{
    char serial[BM_MAX_NAME + 1], twin[BM_MAX_NAME + 1], sentence[SENTENCE];
    enum bm_rc rc = bm_store_serial_twin(r->store, device, serial, twin, fail);

    if (rc != BM_OK || twin[0] == 0)
        return rc;
    (void)snprintf(sentence, sizeof(sentence),
                   "devices %s and %s have one serial number, %s. Find out which of the two is labelled so, and how the other came by it.",
                   twin, device, serial);
    return alarm_add(r, leaf, time, sentence, fail);
}

static enum bm_rc
rows_keep(struct bm_registrar *r, const struct bm_order *order, uint64_t leaf, bm_time time, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = BM_MAX_UNITS_FILE };
    struct keeping keeping = { .r = r, .order = order };
    char sentence[SENTENCE], hex[2 * BM_HASH + 1];
    struct bm_fail why = { .rc = BM_OK };
    uint64_t n;
    enum bm_rc rc = file_read(&file, r, order, &why);

    if (rc == BM_ENOMEM || rc == BM_EBUG) {
        *fail = why;
        return rc;
    }
    if (rc != BM_OK) {
        bm_hex(hex, bm_bytes(order->units, BM_HASH));
        (void)snprintf(
            sentence, sizeof(sentence),
            "nothing is known of the units of order %s: %.100s. Put lots/%s.units back as it was, move the store away and start again.",
            order->order, why.text, hex);
        return alarm_add(r, leaf, time, sentence, fail);
    }
    if ((rc = bm_units_read(bm_buf_bytes(&file), unit_keep, &keeping, &n, fail)) != BM_OK || keeping.again == 0)
        return rc;
    (void)snprintf(sentence, sizeof(sentence),
                   "%llu serial numbers of order %s are another order's too, of %s the last. Ask the planner which units they are.",
                   (unsigned long long)keeping.again, order->order, keeping.other);
    return alarm_add(r, leaf, time, sentence, fail);
}

enum bm_rc
bm_units_keep(struct bm_registrar *r, const struct bm_order *order, uint64_t leaf, bm_time time, struct bm_fail *fail)
{
    enum bm_rc rc =
        bm_store_order_says(r->store, order->order, order->product, order->serials, order->has_units ? order->units : NULL, fail);

    for (size_t i = 0; i < order->nstations && rc == BM_OK; i++)
        rc = bm_store_order_station_put(r->store, order->order, order->stations[i].name, order->stations[i].key, fail);
    if (rc != BM_OK || !order->has_units)
        return rc;
    return rows_keep(r, order, leaf, time, fail);
}

/* ---- a unit is made ---- */

/* By the name that the order gives it, or the list of operators; else by its key. */
static enum bm_rc
station_of(char ret_station[static 2 * BM_HASH + 1], struct bm_registrar *r, const char *order, struct bm_bytes part, struct bm_fail *fail)
{
    struct bm_station_word station;
    char name[BM_MAX_NAME + 1];
    uint8_t key[BM_HASH];
    enum bm_rc rc;

    if ((rc = bm_station_parse(&station, part, fail)) != BM_OK)
        return rc;
    bm_sha256(key, station.word.key);
    if ((rc = bm_store_order_station(r->store, order, key, name, fail)) != BM_OK ||
        (name[0] == 0 && (rc = bm_station_name(r, key, name, fail)) != BM_OK))
        return rc;
    if (name[0] != 0)
        memcpy(ret_station, name, sizeof(name));
    else
        bm_hex(ret_station, bm_bytes(key, BM_HASH));
    return BM_OK;
}

enum bm_rc
bm_unit_words(struct bm_unit_words *ret_words, struct bm_registrar *r, const char *order, struct bm_bytes evidence, struct bm_fail *fail)
{
    char pattern[BM_STORE_SERIALS];
    struct bm_bundle bundle;
    uint64_t place;
    enum bm_rc rc;

    *ret_words = (struct bm_unit_words){ .station = "" };
    if ((rc = bm_store_order_serials(r->store, order, pattern, &place, fail)) != BM_OK)
        return rc;
    if (pattern[0] != 0)
        bm_serials_print(ret_words->serial, pattern, place);
    if ((rc = bm_bundle_parse(&bundle, evidence, fail)) != BM_OK || bundle.part[BM_PART_STATION].n == 0)
        return rc;
    return station_of(ret_words->station, r, order, bundle.part[BM_PART_STATION], fail);
}
