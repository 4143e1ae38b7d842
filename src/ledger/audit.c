#include "ledger/audit.h"

#include <search.h>
#include <stdlib.h>

void
bm_audit_done(struct bm_audit *audit)
{
    for (size_t i = 0; i < audit->norders; i++)
        free(audit->orders[i].lots);
    free(audit->orders);
    free(audit->lots);
    tdestroy(audit->devices, free);
    bm_books_done(&audit->books);
    *audit = (struct bm_audit){ .nlots = 0 };
}

static enum bm_rc
no_memory(struct bm_fail *fail)
{
    return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the ledger's books");
}

/* The number of a lot; BM_BOOKS_NONE. The last one is asked for again and again. */
static uint32_t
lot_find(const struct bm_audit *audit, struct bm_bytes name)
{
    for (size_t i = audit->nlots; i-- > 0;)
        if (bm_bytes_equal(name, bm_bytes_str(audit->lots[i])))
            return (uint32_t)i;
    return BM_BOOKS_NONE;
}

static enum bm_rc
lot_make(struct bm_audit *audit, struct bm_bytes name, uint32_t *ret_lot, struct bm_fail *fail)
{
    void *p;

    if (name.n == 0 || name.n > BM_MAX_NAME)
        return bm_fail(fail, BM_EINPUT, NULL, "a leaf of the ledger names a lot with no name of the usual form");
    if ((*ret_lot = lot_find(audit, name)) != BM_BOOKS_NONE)
        return BM_OK;
    if ((p = reallocarray(audit->lots, audit->nlots + 1, sizeof(*audit->lots))) == NULL)
        return no_memory(fail);
    audit->lots = p;
    memset(audit->lots[audit->nlots], 0, sizeof(audit->lots[0]));
    memcpy(audit->lots[audit->nlots], name.p, name.n);
    *ret_lot = (uint32_t)audit->nlots++;
    return BM_OK;
}

static uint32_t
order_find(const struct bm_audit *audit, struct bm_bytes name)
{
    for (size_t i = audit->norders; i-- > 0;)
        if (bm_bytes_equal(name, bm_bytes_str(audit->orders[i].name)))
            return (uint32_t)i;
    return BM_BOOKS_NONE;
}

static enum bm_rc
order_make(struct bm_audit *audit, struct bm_bytes name, uint32_t *ret_order, struct bm_fail *fail)
{
    void *p;

    if (name.n == 0 || name.n > BM_MAX_NAME)
        return bm_fail(fail, BM_EINPUT, NULL, "a leaf of the ledger names an order with no name of the usual form");
    if ((*ret_order = order_find(audit, name)) != BM_BOOKS_NONE)
        return BM_OK;
    if ((p = reallocarray(audit->orders, audit->norders + 1, sizeof(*audit->orders))) == NULL)
        return no_memory(fail);
    audit->orders = p;
    audit->orders[audit->norders] = (struct bm_audit_order){ .nlots = 0 };
    memcpy(audit->orders[audit->norders].name, name.p, name.n);
    *ret_order = (uint32_t)audit->norders++;
    return BM_OK;
}

enum bm_rc
bm_audit_order_lot(struct bm_audit *audit, struct bm_bytes order, struct bm_bytes lot, struct bm_fail *fail)
{
    uint32_t at, number;
    uint32_t *p;
    enum bm_rc rc;

    if ((rc = order_make(audit, order, &at, fail)) != BM_OK || (rc = lot_make(audit, lot, &number, fail)) != BM_OK)
        return rc;
    if ((p = reallocarray(audit->orders[at].lots, audit->orders[at].nlots + 1, sizeof(*p))) == NULL)
        return no_memory(fail);
    audit->orders[at].lots = p;
    p[audit->orders[at].nlots++] = number;
    return BM_OK;
}

static uint64_t
number_of(struct bm_bytes text)
{
    uint64_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        n = n * 10 + (uint64_t)(text.p[i] - '0'); /* an event's count: digits */
    return n;
}

static enum bm_rc
of_pinned(struct bm_audit *audit, const struct bm_event *event, struct bm_fail *fail)
{
    uint32_t lot;
    enum bm_rc rc = lot_make(audit, event->lot, &lot, fail);

    return rc != BM_OK ? rc : bm_books_lot(&audit->books, lot, number_of(event->count), fail);
}

static enum bm_rc
of_opened(struct bm_audit *audit, const struct bm_event *event, struct bm_fail *fail)
{
    uint32_t order;
    enum bm_rc rc = order_make(audit, event->order, &order, fail);

    if (rc != BM_OK)
        return rc;
    if (event->lot.n == 0)
        return audit->orders[order].nlots > 0
                   ? BM_OK
                   : bm_fail(fail, BM_EPOLICY, NULL, "nobody says which lots order %s has: restore the store", audit->orders[order].name);
    audit->orders[order].nlots = 0;
    return bm_audit_order_lot(audit, event->order, event->lot, fail);
}

static int
device_compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* *ret_new: this id was not seen before. */
static enum bm_rc
device_see(struct bm_audit *audit, struct bm_bytes device, bool *ret_new, struct bm_fail *fail)
{
    char *id = strndup((const char *)device.p, device.n);
    char *const *found = id == NULL ? NULL : tsearch(id, &audit->devices, device_compare);

    *ret_new = found != NULL && *found == id;
    if (!*ret_new)
        free(id);
    return found == NULL ? no_memory(fail) : BM_OK;
}

static enum bm_rc
of_issued(struct bm_audit *audit, const struct bm_event *event, struct bm_fail *fail)
{
    uint32_t order, lot;
    bool made = false;
    enum bm_rc rc = device_see(audit, event->device, &made, fail);

    if (rc != BM_OK || !made)
        return rc;
    if ((rc = order_make(audit, event->order, &order, fail)) != BM_OK || (rc = lot_make(audit, event->lot, &lot, fail)) != BM_OK)
        return rc;
    return bm_books_unit(&audit->books, order, lot, fail);
}

static enum bm_rc
of_allowed(struct bm_audit *audit, const struct bm_event *event, struct bm_fail *fail)
{
    uint32_t order;
    enum bm_rc rc;

    if (event->order.n == 0)
        return BM_OK;
    rc = order_make(audit, event->order, &order, fail);
    return rc != BM_OK ? rc : bm_books_reissue(&audit->books, order, fail);
}

/* Chips may be held before their lot is pinned: no book has them. */
static enum bm_rc
of_chips(struct bm_audit *audit, const struct bm_event *event, struct bm_fail *fail)
{
    uint32_t lot = lot_find(audit, event->lot), order = BM_BOOKS_NONE;
    struct bm_was was;
    enum bm_rc rc;

    if (lot == BM_BOOKS_NONE || lot >= audit->books.nlots)
        return BM_OK;
    if ((event->order.n > 0 && (rc = order_make(audit, event->order, &order, fail)) != BM_OK) ||
        (rc = bm_was_parse(&was, event->was, fail)) != BM_OK)
        return rc;
    return bm_books_chips(&audit->books, lot, order, &was, event->kind == BM_EVENT_CHIPS_SCRAPPED ? BM_WHERE_SCRAPPED : BM_WHERE_WITHDRAWN,
                          fail);
}

/* A repair: "issued EX-001" */
static enum bm_rc
of_moved(struct bm_audit *audit, const struct bm_event *event, struct bm_fail *fail)
{
    const uint8_t *space = event->was.n > 0 ? memchr(event->was.p, ' ', event->was.n) : NULL;
    struct bm_bytes word, from;
    uint32_t order, old, new;
    enum bm_where was = BM_WHERE_ISSUED;
    enum bm_rc rc;

    if (event->was.n == 0)
        return BM_OK;
    word = bm_bytes(event->was.p, space == NULL ? event->was.n : (size_t)(space - event->was.p));
    from = space == NULL ? bm_bytes(NULL, 0) : bm_bytes(space + 1, event->was.n - word.n - 1);
    while (was < BM_WHERE__N && !bm_bytes_equal(word, bm_bytes_str(bm_where_word(was))))
        was++;
    if (was == BM_WHERE__N)
        return bm_fail(fail, BM_EINPUT, NULL, "a repair's leaf does not say where the old chip was");
    if ((rc = order_make(audit, event->order, &order, fail)) != BM_OK || (rc = lot_make(audit, from, &old, fail)) != BM_OK ||
        (rc = lot_make(audit, event->lot, &new, fail)) != BM_OK)
        return rc;
    return bm_books_repair(&audit->books, order, old, was, new, fail);
}

/* What the signer says of an order is what the leaves before it say. */
static enum bm_rc
of_closed(struct bm_audit *audit, const struct bm_event *event, struct bm_fail *fail)
{
    char ours[BM_MAX_BALANCE];
    struct bm_balance balance;
    uint32_t order;
    enum bm_rc rc;

    if ((rc = order_make(audit, event->order, &order, fail)) != BM_OK)
        return rc;
    bm_books_balance(&audit->books, order, audit->orders[order].lots, audit->orders[order].nlots, &balance);
    bm_balance_print(ours, &balance);
    if (!bm_bytes_equal(event->balance, bm_bytes_str(ours)))
        return bm_fail(fail, BM_EPOLICY, NULL, "the balance of order %s is wrong: it says %.*s, and the ledger's own leaves say %s",
                       audit->orders[order].name, (int)event->balance.n, (const char *)event->balance.p, ours);
    audit->balances++;
    return BM_OK;
}

enum bm_rc
bm_audit_event(struct bm_audit *audit, const struct bm_event *event, struct bm_fail *fail)
{
    static enum bm_rc (*const kinds[BM_EVENT__N])(struct bm_audit *, const struct bm_event *, struct bm_fail *) = {
        [BM_EVENT_LOT_PINNED] = of_pinned,        [BM_EVENT_ORDER_OPENED] = of_opened, [BM_EVENT_IDENTITY_ISSUED] = of_issued,
        [BM_EVENT_IDENTITY_REPLACED] = of_issued, [BM_EVENT_ALLOWED] = of_allowed,     [BM_EVENT_CHIPS_SCRAPPED] = of_chips,
        [BM_EVENT_CHIPS_WITHDRAWN] = of_chips,    [BM_EVENT_DEVICE_MOVED] = of_moved,  [BM_EVENT_ORDER_CLOSED] = of_closed,
    };

    return kinds[event->kind] == NULL ? BM_OK : kinds[event->kind](audit, event, fail);
}
