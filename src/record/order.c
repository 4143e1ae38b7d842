#include "record/parts.h"

#include "wire/text.h"

#include <stdlib.h>

#define NEVER "never"

void
bm_order_done(struct bm_order *order)
{
    free(order->lots);
    order->lots = NULL;
    order->nlots = 0;
}

static void
product_take(struct bm_order *order, struct bm_lines *lines)
{
    struct bm_lines before = *lines;
    struct bm_bytes value;

    if (!bm_lines_have(lines, "product", &value))
        return;
    *lines = before;
    bm_lines_name(lines, "product", order->product, BM_MAX_NAME);
}

static bool
lot_known(const struct bm_order *order, const char *name)
{
    for (size_t i = 0; i < order->nlots; i++)
        if (strcmp(order->lots[i], name) == 0)
            return true;
    return false;
}

static void
lots_take(struct bm_order *order, struct bm_lines *lines)
{
    struct bm_bytes value;
    char name[BM_MAX_NAME + 1];

    if (lines->bad)
        return;
    if ((order->lots = calloc(BM_MAX_ORDER_LOTS, sizeof(*order->lots))) == NULL) {
        bm_fail_note(lines->fail, BM_ENOMEM, NULL, "order: there is no memory for it");
        lines->bad = true;
        return;
    }
    while (bm_lines_have(lines, "lot", &value)) {
        if (!bm_word_name(name, value))
            bm_statement_refuse(lines, "must name a lot");
        else if (lot_known(order, name))
            bm_statement_refuse(lines, "names a lot that is there already");
        else if (order->nlots == BM_MAX_ORDER_LOTS)
            bm_statement_refuse(lines, "is one lot too many: an order draws on at most 256");
        else
            memcpy(order->lots[order->nlots++], name, sizeof(name));
    }
    if (order->nlots == 0)
        (void)bm_lines_want(lines, "lot"); /* says what is missing */
}

static bool
profile_known(const struct bm_order *order, const char *name)
{
    for (size_t i = 0; i < order->nprofiles; i++)
        if (strcmp(order->profiles[i].name, name) == 0)
            return true;
    return false;
}

static void
profiles_take(struct bm_order *order, struct bm_lines *lines)
{
    struct bm_order_profile profile;
    struct bm_bytes value;

    while (bm_lines_have(lines, "profile", &value)) {
        if (!bm_word_name_hash(profile.name, profile.digest, value))
            bm_statement_refuse(lines, "must hold a profile's name and the SHA-256 of its text in lower-case hexadecimal");
        else if (profile_known(order, profile.name))
            bm_statement_refuse(lines, "names a profile that is there already");
        else if (order->nprofiles == BM_MAX_ORDER_PROFILES)
            bm_statement_refuse(lines, "is one profile too many: an order has at most 16");
        else
            order->profiles[order->nprofiles++] = profile;
    }
    if (order->nprofiles == 0)
        (void)bm_lines_want(lines, "profile");
}

static bool
station_known(const struct bm_order *order, const struct bm_order_station *station)
{
    for (size_t i = 0; i < order->nstations; i++)
        if (strcmp(order->stations[i].name, station->name) == 0 || memcmp(order->stations[i].key, station->key, BM_HASH) == 0)
            return true;
    return false;
}

static void
stations_take(struct bm_order *order, struct bm_lines *lines)
{
    struct bm_order_station station;
    struct bm_bytes value;

    while (bm_lines_have(lines, "station", &value)) {
        if (!bm_word_name_hash(station.name, station.key, value))
            bm_statement_refuse(lines, "must hold a station's name and the SHA-256 of its key in lower-case hexadecimal");
        else if (station_known(order, &station))
            bm_statement_refuse(lines, "names a station that is there already");
        else if (order->nstations == BM_MAX_ORDER_STATIONS)
            bm_statement_refuse(lines, "is one station too many: an order has at most 16");
        else
            order->stations[order->nstations++] = station;
    }
}

static const char *const counted_words[BM_COUNTED__N] = {
    [BM_COUNTED_REISSUE] = "reissues", [BM_COUNTED_SCRAP] = "scraps", [BM_COUNTED_REPAIR] = "repairs"
};

const char *
bm_counted_word(enum bm_counted counted)
{
    return counted_words[counted];
}

uint64_t
bm_number_take(struct bm_lines *lines, const char *key)
{
    struct bm_lines before = *lines;
    struct bm_bytes value;

    if (!bm_lines_have(lines, key, &value))
        return 0;
    *lines = before;
    return bm_lines_u64(lines, key, 1, INT64_MAX);
}

void
bm_number_add(struct bm_buf *buf, const char *key, uint64_t n)
{
    if (n > 0)
        bm_buf_add_fmt(buf, "%s %llu\n", key, (unsigned long long)n);
}

void
bm_limits_take(struct bm_limits *limits, struct bm_lines *lines)
{
    for (unsigned what = 0; what < BM_COUNTED__N; what++)
        limits->most[what] = bm_number_take(lines, counted_words[what]);
}

void
bm_limits_add(struct bm_buf *buf, const struct bm_limits *limits)
{
    for (unsigned what = 0; what < BM_COUNTED__N; what++)
        bm_number_add(buf, counted_words[what], limits->most[what]);
}

/* What its units are to be. */
static void
units_take(struct bm_order *order, struct bm_lines *lines)
{
    struct bm_lines before = *lines;
    struct bm_bytes value;

    if (bm_lines_have(lines, "units", &value)) {
        *lines = before;
        bm_lines_hex(lines, "units", order->units, BM_HASH);
        order->has_units = true;
    }
    if (!bm_lines_have(lines, "serials", &value))
        return;
    if (value.n <= BM_MAX_SERIALS)
        memcpy(order->serials, value.p, value.n);
    if (value.n > BM_MAX_SERIALS || memchr(value.p, 0, value.n) != NULL || !bm_serials_ok(order->serials))
        bm_statement_refuse(lines, "must be a serial number with one %0Nd in it, N from 1 to 9");
    else if (order->quantity > bm_serials_most(order->serials))
        bm_statement_refuse(lines, "has too few digits for so many units");
}

static bm_time
until_take(struct bm_lines *lines)
{
    struct bm_lines before = *lines;
    struct bm_bytes value;
    bm_time until;

    if (bm_lines_have(lines, "until", &value) && bm_bytes_equal(value, bm_bytes_str(NEVER)))
        return BM_TIME_NEVER;
    if (!lines->bad)
        *lines = before;
    until = bm_lines_time(lines, "until");
    if (until == BM_TIME_NEVER)
        bm_statement_refuse(lines, "must say \"never\" for an order without an end");
    return until;
}

enum bm_rc
bm_order_parse(struct bm_statement_head *ret_head, struct bm_order *ret_order, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_statement_head head = { .seq = 0 };
    struct bm_lines lines = bm_statement_open(&head, BM_STATEMENT_ORDER, text, fail);
    bm_cleanup(bm_order_done) struct bm_order order = { .nlots = 0 };
    enum bm_rc rc;

    bm_lines_name(&lines, "order", order.order, BM_MAX_NAME);
    product_take(&order, &lines);
    lots_take(&order, &lines);
    profiles_take(&order, &lines);
    stations_take(&order, &lines);
    order.quantity = bm_lines_u64(&lines, "quantity", 1, INT64_MAX);
    bm_limits_take(&order.limits, &lines);
    order.tls_front = bm_number_take(&lines, "tls-front");
    units_take(&order, &lines);
    order.from = bm_lines_time(&lines, "from");
    order.until = until_take(&lines);
    if (order.until < order.from)
        bm_statement_refuse(&lines, "ends the order before it begins");
    if ((rc = bm_lines_close(&lines)) != BM_OK)
        return rc;
    *ret_head = head;
    *ret_order = order;
    order.lots = NULL; /* handed over */
    return BM_OK;
}

void
bm_order_build(struct bm_buf *buf, const struct bm_statement_head *head, const struct bm_order *order)
{
    char digest[2 * BM_HASH + 1], time[BM_TIME_TEXT];

    bm_statement_head_build(buf, BM_STATEMENT_ORDER, head);
    bm_lines_add(buf, "order", order->order);
    if (order->product[0] != 0)
        bm_lines_add(buf, "product", order->product);
    for (size_t i = 0; i < order->nlots; i++)
        bm_lines_add(buf, "lot", order->lots[i]);
    for (size_t i = 0; i < order->nprofiles; i++) {
        bm_hex(digest, bm_bytes(order->profiles[i].digest, BM_HASH));
        bm_buf_add_fmt(buf, "profile %s %s\n", order->profiles[i].name, digest);
    }
    for (size_t i = 0; i < order->nstations; i++) {
        bm_hex(digest, bm_bytes(order->stations[i].key, BM_HASH));
        bm_buf_add_fmt(buf, "station %s %s\n", order->stations[i].name, digest);
    }
    bm_buf_add_fmt(buf, "quantity %llu\n", (unsigned long long)order->quantity);
    bm_limits_add(buf, &order->limits);
    bm_number_add(buf, "tls-front", order->tls_front);
    if (order->has_units) {
        bm_hex(digest, bm_bytes(order->units, BM_HASH));
        bm_lines_add(buf, "units", digest);
    }
    if (order->serials[0] != 0)
        bm_lines_add(buf, "serials", order->serials);
    bm_time_print(time, order->from);
    bm_lines_add(buf, "from", time);
    bm_time_print(time, order->until);
    bm_lines_add(buf, "until", order->until == BM_TIME_NEVER ? NEVER : time);
}
