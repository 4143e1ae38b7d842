/* units_check.c - one serial number, two devices of a product: an order that would make them is refused before it is signed for. */
#include "registrar/units.h"

#include <stdlib.h>

/* What is about to be signed, and the serial number of it that is another order's. */
struct wanted {
    struct bm_registrar *r;
    const char *order;
    char pattern[BM_MAX_SERIALS + 1]; /* "": rows */
    char model[BM_MAX_NAME + 1];      /* of all its units; "" = not told */
    uint64_t quantity;
    struct open_pattern {
        char order[BM_MAX_NAME + 1], pattern[BM_STORE_SERIALS], model[BM_MAX_NAME + 1];
        uint64_t quantity;
    } * open;
    size_t nopen;
    bool nomem;
    char serial[BM_MAX_NAME + 1], other[BM_MAX_NAME + 1];
};

static void
wanted_done(struct wanted *wanted)
{
    free(wanted->open);
}

static bool
same_product(const char *model, const char *other)
{
    return model[0] == 0 || other[0] == 0 || strcmp(model, other) == 0;
}

static void
met(struct wanted *wanted, const char *serial, const char *order)
{
    (void)snprintf(wanted->serial, sizeof(wanted->serial), "%s", serial);
    (void)snprintf(wanted->other, sizeof(wanted->other), "%s", order);
}

static void
pattern_take(void *ctx, const char *order, const char *pattern, uint64_t quantity, const char *model)
{
    struct wanted *wanted = ctx;
    struct open_pattern *open;

    if (strcmp(order, wanted->order) == 0 || wanted->nomem)
        return;
    if ((open = reallocarray(wanted->open, wanted->nopen + 1, sizeof(*open))) == NULL) {
        wanted->nomem = true;
        return;
    }
    wanted->open = open;
    open += wanted->nopen++;
    (void)snprintf(open->order, sizeof(open->order), "%s", order);
    (void)snprintf(open->pattern, sizeof(open->pattern), "%s", pattern);
    (void)snprintf(open->model, sizeof(open->model), "%s", model);
    open->quantity = quantity;
}

/* ---- rows ---- */

static enum bm_rc
row_check(void *ctx, const struct bm_unit_row *unit, struct bm_fail *fail)
{
    struct wanted *wanted = ctx;
    char other[BM_MAX_NAME + 1] = "";
    enum bm_rc rc;

    if (wanted->pattern[0] != 0) /* the one row is all units' */
        memcpy(wanted->model, unit->model, sizeof(wanted->model));
    if (unit->serial[0] == 0 || wanted->other[0] != 0)
        return BM_OK;
    if ((rc = bm_store_serial_order(wanted->r->store, unit->serial, unit->model, other, fail)) != BM_OK)
        return rc;
    if (other[0] != 0)
        met(wanted, unit->serial, other);
    for (size_t i = 0; i < wanted->nopen && wanted->other[0] == 0; i++) {
        uint64_t place = bm_serials_place(wanted->open[i].pattern, unit->serial);

        if (place != 0 && place <= wanted->open[i].quantity && same_product(unit->model, wanted->open[i].model))
            met(wanted, unit->serial, wanted->open[i].order);
    }
    return BM_OK;
}

/* ---- a pattern ---- */

static void
serial_look(void *ctx, const char *serial, const char *order, bool *ret_stop)
{
    struct wanted *wanted = ctx;
    uint64_t place = bm_serials_place(wanted->pattern, serial);

    if (place == 0 || place > wanted->quantity || strcmp(order, wanted->order) == 0)
        return;
    met(wanted, serial, order);
    *ret_stop = true;
}

static enum bm_rc
pattern_check(struct wanted *wanted, struct bm_fail *fail)
{
    char beginning[BM_MAX_SERIALS + 1], serial[BM_MAX_NAME + 1];

    for (size_t i = 0; i < wanted->nopen && wanted->other[0] == 0; i++) {
        const struct open_pattern *open = &wanted->open[i];
        uint64_t place = same_product(wanted->model, open->model)
                             ? bm_serials_meet(wanted->pattern, wanted->quantity, open->pattern, open->quantity)
                             : 0;

        if (place == 0)
            continue;
        bm_serials_print(serial, wanted->pattern, place);
        met(wanted, serial, open->order);
    }
    if (wanted->other[0] != 0)
        return BM_OK;
    (void)snprintf(beginning, sizeof(beginning), "%.*s", (int)strcspn(wanted->pattern, "%"), wanted->pattern);
    return bm_store_serials_begin(wanted->r->store, beginning, wanted->model, serial_look, wanted, fail);
}

static enum bm_rc
serials_check(struct wanted *wanted, const struct bm_order *order, struct bm_fail *fail)
{
    enum bm_rc rc = bm_store_patterns(wanted->r->store, pattern_take, wanted, fail);

    if (rc == BM_OK && wanted->nomem)
        rc = bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the orders' serial numbers");
    if (rc == BM_OK && order != NULL && order->has_units)
        rc = bm_units_each(wanted->r, order, row_check, wanted, fail);
    if (rc == BM_OK && wanted->pattern[0] != 0)
        rc = pattern_check(wanted, fail);
    if (rc != BM_OK || wanted->other[0] == 0)
        return rc;
    return bm_fail(fail, BM_EPOLICY, NULL,
                   "serial number %s is one of order %s already, and no two devices of a product have one: give these units others, or "
                   "their models in the units' file where the products differ",
                   wanted->serial, wanted->other);
}

/* ---- what is signed ---- */

static enum bm_rc
order_check(struct bm_registrar *r, struct bm_bytes text, struct bm_fail *fail)
{
    bm_cleanup(bm_order_done) struct bm_order order = { .nlots = 0 };
    struct bm_statement_head head;
    struct bm_fail unread;

    if (bm_order_parse(&head, &order, text, &unread) != BM_OK || (!order.has_units && order.serials[0] == 0))
        return BM_OK; /* the signer has the word */
    bm_cleanup(wanted_done) struct wanted wanted = { .r = r, .order = order.order, .quantity = order.quantity };
    memcpy(wanted.pattern, order.serials, sizeof(wanted.pattern));
    return serials_check(&wanted, &order, fail);
}

/* An order that counts, and counts on. */
static void
own_take(void *ctx, const char *order, const char *pattern, uint64_t quantity, const char *model)
{
    struct wanted *wanted = ctx;

    (void)quantity;
    if (strcmp(order, wanted->order) != 0)
        return;
    (void)snprintf(wanted->pattern, sizeof(wanted->pattern), "%s", pattern);
    (void)snprintf(wanted->model, sizeof(wanted->model), "%s", model);
}

static enum bm_rc
raise_check(struct bm_registrar *r, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_statement_head head;
    struct bm_raise raise;
    struct bm_fail unread;
    enum bm_rc rc;

    if (bm_raise_parse(&head, &raise, text, &unread) != BM_OK)
        return BM_OK;
    bm_cleanup(wanted_done) struct wanted wanted = { .r = r, .order = raise.order, .quantity = raise.quantity };
    if ((rc = bm_store_patterns(r->store, own_take, &wanted, fail)) != BM_OK || wanted.pattern[0] == 0)
        return rc;
    return serials_check(&wanted, NULL, fail);
}

enum bm_rc
bm_units_check(struct bm_registrar *r, struct bm_bytes note, struct bm_fail *fail)
{
    struct bm_statement_head head;
    struct bm_note parts;
    struct bm_fail unread;

    if (bm_note_parse(&parts, note, &unread) != BM_OK || bm_statement_head_parse(&head, parts.text, &unread) != BM_OK)
        return BM_OK;
    if (head.kind == BM_STATEMENT_ORDER)
        return order_check(r, parts.text, fail);
    return head.kind == BM_STATEMENT_RAISE ? raise_check(r, parts.text, fail) : BM_OK;
}
