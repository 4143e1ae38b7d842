#include "record/books.h"

#include "wire/text.h"

#include <stdlib.h>

void
bm_books_done(struct bm_books *books)
{
    for (size_t i = 0; i < books->norders; i++)
        free(books->orders[i].cells);
    free(books->orders);
    free(books->lots);
    *books = (struct bm_books){ .nlots = 0 };
}

/* Row `at` of an array whose rows are zero until somebody writes into them. */
static enum bm_rc
row_at(void **rows, size_t *n, size_t width, uint32_t at, void **ret_row, struct bm_fail *fail)
{
    uint8_t *p = *rows;

    if (at >= *n) {
        if (at == BM_BOOKS_NONE || (p = reallocarray(*rows, (size_t)at + 1, width)) == NULL)
            return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the books of lots and orders");
        memset(p + *n * width, 0, ((size_t)at + 1 - *n) * width);
        *rows = p;
        *n = (size_t)at + 1;
    }
    *ret_row = p + at * width;
    return BM_OK;
}

static enum bm_rc
lot_at(struct bm_books *books, uint32_t at, struct bm_books_lot **ret_lot, struct bm_fail *fail)
{
    void *rows = books->lots, *row = NULL;
    enum bm_rc rc = row_at(&rows, &books->nlots, sizeof(*books->lots), at, &row, fail);

    books->lots = rows;
    *ret_lot = row;
    return rc;
}

static enum bm_rc
order_at(struct bm_books *books, uint32_t at, struct bm_books_order **ret_order, struct bm_fail *fail)
{
    void *rows = books->orders, *row = NULL;
    enum bm_rc rc = row_at(&rows, &books->norders, sizeof(*books->orders), at, &row, fail);

    books->orders = rows;
    *ret_order = row;
    return rc;
}

/* So many chips of this lot are units' of this order, more or less. */
static enum bm_rc
issued_add(struct bm_books *books, uint32_t at, uint32_t lot, int64_t n, struct bm_fail *fail)
{
    struct bm_books_order *order;
    struct bm_books_lot *of;
    void *cells, *cell = NULL;
    size_t i = 0;
    enum bm_rc rc;

    if ((rc = lot_at(books, lot, &of, fail)) != BM_OK || (rc = order_at(books, at, &order, fail)) != BM_OK)
        return rc;
    while (i < order->ncells && order->cells[i].lot != lot)
        i++;
    cells = order->cells;
    if ((rc = row_at(&cells, &order->ncells, sizeof(*order->cells), (uint32_t)i, &cell, fail)) != BM_OK)
        return rc;
    order->cells = cells;
    order->cells[i].lot = lot;
    order->cells[i].issued += n;
    of->at[BM_WHERE_ISSUED] += n;
    return BM_OK;
}

enum bm_rc
bm_books_lot(struct bm_books *books, uint32_t lot, uint64_t received, struct bm_fail *fail)
{
    struct bm_books_lot *of;
    enum bm_rc rc = lot_at(books, lot, &of, fail);

    if (rc == BM_OK)
        of->received = received;
    return rc;
}

static enum bm_rc
done_add(struct bm_books *books, uint32_t at, enum bm_counted what, uint64_t n, struct bm_fail *fail)
{
    struct bm_books_order *order;
    enum bm_rc rc = order_at(books, at, &order, fail);

    if (rc == BM_OK)
        order->done[what] += n;
    return rc;
}

enum bm_rc
bm_books_unit(struct bm_books *books, uint32_t order, uint32_t lot, struct bm_fail *fail)
{
    enum bm_rc rc = issued_add(books, order, lot, 1, fail);

    if (rc == BM_OK)
        books->orders[order].units++;
    return rc;
}

enum bm_rc
bm_books_reissue(struct bm_books *books, uint32_t order, struct bm_fail *fail)
{
    return done_add(books, order, BM_COUNTED_REISSUE, 1, fail);
}

enum bm_rc
bm_books_chips(struct bm_books *books, uint32_t lot, uint32_t order, const struct bm_was *was, enum bm_where to, struct bm_fail *fail)
{
    struct bm_books_lot *of;
    enum bm_rc rc;

    if (order != BM_BOOKS_NONE &&
        ((rc = issued_add(books, order, lot, -(int64_t)was->issued, fail)) != BM_OK ||
         (to == BM_WHERE_SCRAPPED && (rc = done_add(books, order, BM_COUNTED_SCRAP, was->counted, fail)) != BM_OK)))
        return rc;
    if ((rc = lot_at(books, lot, &of, fail)) != BM_OK)
        return rc;
    of->at[BM_WHERE_WITHDRAWN] -= (int64_t)was->withdrawn;
    of->at[to] += (int64_t)(was->unused + was->issued + was->withdrawn);
    return BM_OK;
}

enum bm_rc
bm_books_repair(struct bm_books *books, uint32_t order, uint32_t from, enum bm_where was, uint32_t to, struct bm_fail *fail)
{
    struct bm_books_lot *of;
    enum bm_rc rc;

    if ((rc = done_add(books, order, BM_COUNTED_REPAIR, 1, fail)) != BM_OK || (rc = issued_add(books, order, to, 1, fail)) != BM_OK)
        return rc;
    if (was == BM_WHERE_ISSUED && (rc = issued_add(books, order, from, -1, fail)) != BM_OK)
        return rc;
    if ((rc = lot_at(books, from, &of, fail)) != BM_OK)
        return rc;
    if (was == BM_WHERE_WITHDRAWN)
        of->at[BM_WHERE_WITHDRAWN]--;
    if (was != BM_WHERE_SCRAPPED)
        of->at[BM_WHERE_RETIRED]++;
    return BM_OK;
}

static int64_t
issued_of(const struct bm_books *books, uint32_t order, uint32_t lot)
{
    for (size_t i = 0; order < books->norders && i < books->orders[order].ncells; i++)
        if (books->orders[order].cells[i].lot == lot)
            return books->orders[order].cells[i].issued;
    return 0;
}

static uint64_t
natural(int64_t n)
{
    return n < 0 ? 0 : (uint64_t)n;
}

void
bm_books_balance(const struct bm_books *books, uint32_t order, const uint32_t *lots, size_t nlots, struct bm_balance *ret)
{
    int64_t at[BM_WHERE__N] = { 0 }, issued = 0, used = 0;
    struct bm_balance balance = { .received = 0 };

    for (size_t i = 0; i < nlots; i++) {
        if (lots[i] >= books->nlots)
            continue;
        balance.received += books->lots[lots[i]].received;
        issued += issued_of(books, order, lots[i]);
        for (size_t where = BM_WHERE_ISSUED; where < BM_WHERE__N; where++) {
            at[where] += books->lots[lots[i]].at[where];
            used += books->lots[lots[i]].at[where];
        }
    }
    balance.issued = natural(issued);
    balance.elsewhere = natural(at[BM_WHERE_ISSUED] - issued);
    balance.withdrawn = natural(at[BM_WHERE_WITHDRAWN]);
    balance.retired = natural(at[BM_WHERE_RETIRED]);
    balance.scrapped = natural(at[BM_WHERE_SCRAPPED]);
    balance.unused = natural((int64_t)balance.received - used);
    balance.over = natural(used - (int64_t)balance.received);
    if (order < books->norders) {
        balance.units = books->orders[order].units;
        memcpy(balance.done, books->orders[order].done, sizeof(balance.done));
    }
    *ret = balance;
}
