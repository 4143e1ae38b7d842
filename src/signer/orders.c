#include "base/base.h"
#include "signer/orders.h"

#include <stdlib.h>

static void
order_done(struct bm_signer_order *order)
{
    free(order->lots);
    free(order->profiles);
    free(order->stations);
    *order = (struct bm_signer_order){ .nlots = 0 };
}

void
bm_orders_done(struct bm_orders *orders)
{
    for (size_t i = 0; i < orders->n; i++)
        order_done(&orders->orders[i]);
    free(orders->orders);
    *orders = (struct bm_orders){ .n = 0 };
}

static enum bm_rc
lots_find(struct bm_signer_order *ret, const struct bm_order *order, const struct bm_lots *lots, struct bm_fail *fail)
{
    if ((ret->lots = calloc(order->nlots, sizeof(*ret->lots))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for an order");
    for (size_t i = 0; i < order->nlots; i++) {
        ret->lots[i] = bm_lots_by_name(lots, order->lots[i]);
        if (ret->lots[i] == BM_NONE)
            return bm_fail(fail, BM_EPOLICY, NULL, "order %s names lot %s, which is not pinned here: receive the lot first", order->order,
                           order->lots[i]);
    }
    ret->nlots = order->nlots;
    return BM_OK;
}

/* The texts stand in the order's own order; the digest decides, and the text's own name must be the one that was signed for. */
static enum bm_rc
profiles_read(struct bm_signer_order *ret, const struct bm_order *order, struct bm_rd *rd, struct bm_fail *fail)
{
    size_t n = bm_rd_u8(rd);
    enum bm_rc rc;

    if (n != order->nprofiles)
        return bm_fail(fail, BM_EPOLICY, NULL, "order %s names %zu profiles and comes with %zu texts", order->order, order->nprofiles, n);
    if ((ret->profiles = calloc(n, sizeof(*ret->profiles))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for an order");
    for (size_t i = 0; i < n; i++) {
        struct bm_profile *profile = &ret->profiles[i];

        if ((rc = bm_profile_parse(profile, bm_rd_lv16(rd, BM_MAX_PROFILE), fail)) != BM_OK)
            return rc;
        if (memcmp(profile->digest, order->profiles[i].digest, BM_HASH) != 0 || strcmp(profile->name, order->profiles[i].name) != 0)
            return bm_fail(
                fail, BM_EPOLICY, NULL,
                "the text of profile %s is not the one that order %s was signed for: open the order again with the profile as it is now",
                order->profiles[i].name, order->order);
    }
    if (!bm_rd_end(rd))
        return bm_fail(fail, BM_EINPUT, NULL, "order %s comes with bytes behind its profiles", order->order);
    ret->nprofiles = n;
    return BM_OK;
}

static enum bm_rc
stations_copy(struct bm_signer_order *ret, const struct bm_order *order, struct bm_fail *fail)
{
    if (order->nstations == 0)
        return BM_OK;
    if ((ret->stations = calloc(order->nstations, sizeof(*ret->stations))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for an order");
    memcpy(ret->stations, order->stations, order->nstations * sizeof(*ret->stations));
    ret->nstations = order->nstations;
    return BM_OK;
}

enum bm_rc
bm_orders_add(struct bm_orders *orders, const struct bm_order *order, struct bm_rd profiles, const struct bm_lots *lots,
              struct bm_fail *fail)
{
    bm_cleanup(order_done) struct bm_signer_order made = {
        .quantity = order->quantity, .limits = order->limits, .tls_front = order->tls_front, .from = order->from, .until = order->until
    };
    struct bm_signer_order *p;
    enum bm_rc rc;

    if (bm_orders_find(orders, bm_bytes_str(order->order)) != BM_NONE)
        return bm_fail(fail, BM_EPOLICY, NULL, "there is an order %s already: take another name", order->order);
    memcpy(made.order, order->order, sizeof(made.order));
    memcpy(made.product, order->product, sizeof(made.product));
    if ((rc = lots_find(&made, order, lots, fail)) != BM_OK || (rc = stations_copy(&made, order, fail)) != BM_OK ||
        (rc = profiles_read(&made, order, &profiles, fail)) != BM_OK)
        return rc;
    if ((p = reallocarray(orders->orders, orders->n + 1, sizeof(*p))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for an order");
    orders->orders = p;
    orders->orders[orders->n++] = made;
    made = (struct bm_signer_order){ .nlots = 0 }; /* handed over */
    return BM_OK;
}

enum bm_rc
bm_orders_raise_check(const struct bm_orders *orders, const struct bm_raise *raise, struct bm_fail *fail)
{
    uint32_t at = bm_orders_find(orders, bm_bytes_str(raise->order));

    if (at == BM_NONE)
        return bm_fail(fail, BM_EPOLICY, NULL, "there is no order %s: see birthmark order list", raise->order);
    if (orders->orders[at].closed)
        return bm_fail(fail, BM_EPOLICY, NULL, "order %s is closed, which nobody undoes: open another", raise->order);
    if (raise->quantity != 0 && raise->quantity <= orders->orders[at].quantity)
        return bm_fail(fail, BM_EPOLICY, NULL, "order %s is for %llu units already: raise it to more", raise->order,
                       (unsigned long long)orders->orders[at].quantity);
    for (unsigned what = 0; what < BM_COUNTED__N; what++)
        if (raise->limits.most[what] != 0 && raise->limits.most[what] <= orders->orders[at].limits.most[what])
            return bm_fail(fail, BM_EPOLICY, NULL, "order %s allows %llu %s already: raise it to more", raise->order,
                           (unsigned long long)orders->orders[at].limits.most[what], bm_counted_word((enum bm_counted)what));
    return BM_OK;
}

void
bm_orders_raise(struct bm_orders *orders, const struct bm_raise *raise)
{
    struct bm_signer_order *order = &orders->orders[bm_orders_find(orders, bm_bytes_str(raise->order))];

    if (raise->quantity != 0)
        order->quantity = raise->quantity;
    for (unsigned what = 0; what < BM_COUNTED__N; what++)
        if (raise->limits.most[what] != 0)
            order->limits.most[what] = raise->limits.most[what];
}

uint32_t
bm_orders_find(const struct bm_orders *orders, struct bm_bytes name)
{
    for (size_t i = 0; i < orders->n; i++)
        if (bm_bytes_equal(name, bm_bytes_str(orders->orders[i].order)))
            return (uint32_t)i;
    return BM_NONE;
}

bool
bm_order_has_lot(const struct bm_signer_order *order, uint32_t lot)
{
    for (size_t i = 0; i < order->nlots; i++)
        if (order->lots[i] == lot)
            return true;
    return false;
}

bool
bm_order_at_station(const struct bm_signer_order *order, const uint8_t *key)
{
    for (size_t i = 0; key != NULL && i < order->nstations; i++)
        if (memcmp(order->stations[i].key, key, BM_HASH) == 0)
            return true;
    return order->nstations == 0;
}

/* req: FAULTS F18 the profile's text that was signed for with the order, whatever became of its file */
const struct bm_profile *
bm_order_profile(const struct bm_signer_order *order, struct bm_bytes name)
{
    for (size_t i = 0; i < order->nprofiles; i++)
        if (bm_bytes_equal(name, bm_bytes_str(order->profiles[i].name)))
            return &order->profiles[i];
    return NULL;
}
