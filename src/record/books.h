/* books.h - where the chips of lots are, order by order: the books that the signer keeps, and that whoever has the ledger keeps once more. */
#ifndef BM_BOOKS_H
#define BM_BOOKS_H

#include "record/statement.h"

/* Where a chip is. Of several that are true the last one counts: what is scrapped stays so. */
enum bm_where {
    BM_WHERE_UNUSED,    /* nobody made anything of it */
    BM_WHERE_ISSUED,    /* it is a unit's */
    BM_WHERE_WITHDRAWN, /* recalled */
    BM_WHERE_RETIRED,   /* a repair took it out of its unit */
    BM_WHERE_SCRAPPED,
    BM_WHERE__N
};
const char *bm_where_word(enum bm_where where);

/* Where chips were that are scrapped or withdrawn now; of a leaf's "was", as: unused 3 issued 2 withdrawn 1 counted 3 */
struct bm_was {
    uint64_t unused, issued, withdrawn;
    uint64_t counted; /* of them, chips that a unit was made of, under the leaf's order: these count there */
};
#define BM_MAX_WAS 128 /* bytes of text with NUL */
void bm_was_print(char ret[static BM_MAX_WAS], const struct bm_was *was);
bm_must_use enum bm_rc bm_was_parse(struct bm_was *ret, struct bm_bytes text, struct bm_fail *fail);

/*
 * Of an order, when it is closed: received + over = issued + elsewhere + withdrawn + retired + scrapped + unused, all of them chips of the order's lots.
 * Format of the text: docs/formats/balance.md.
 */
struct bm_balance {
    uint64_t received;                     /* chips that its lots list, by their newest revisions */
    uint64_t units;                        /* made under it, wherever they are now: never more than its quantity */
    uint64_t issued, elsewhere;            /* units' chips: made under this order, under others */
    uint64_t withdrawn, retired, scrapped; /* whatever they were before */
    uint64_t unused;
    uint64_t over; /* a later revision of a lot left out chips that were used already: so many more than received are accounted for */
    uint64_t done[BM_COUNTED__N];
};
#define BM_MAX_BALANCE 400 /* bytes of text with NUL */
void bm_balance_print(char ret[static BM_MAX_BALANCE], const struct bm_balance *balance);
/* Twelve words, each with its number, that add up; BM_EINPUT. */
bm_must_use enum bm_rc bm_balance_parse(struct bm_balance *ret, struct bm_bytes text, struct bm_fail *fail);

/* Zeroed is empty. Lots and orders have the numbers that their owner gives them, without gaps. */
#define BM_BOOKS_NONE UINT32_MAX
struct bm_books {
    struct bm_books_lot {
        uint64_t received;
        int64_t at[BM_WHERE__N]; /* all but unused, which is the rest; a leaf may come before the one that it takes from */
    } * lots;
    size_t nlots;
    struct bm_books_order {
        uint64_t units;
        uint64_t done[BM_COUNTED__N];
        struct bm_books_cell {
            uint32_t lot;
            int64_t issued;
        } * cells; /* a lot each */
        size_t ncells;
    } * orders;
    size_t norders;
};
void bm_books_done(struct bm_books *books);

/* A lot is pinned, or a later revision of it. */
bm_must_use enum bm_rc bm_books_lot(struct bm_books *books, uint32_t lot, uint64_t received, struct bm_fail *fail);
/* A unit's first certificate. */
bm_must_use enum bm_rc bm_books_unit(struct bm_books *books, uint32_t order, uint32_t lot, struct bm_fail *fail);
/* An identity may be issued again. */
bm_must_use enum bm_rc bm_books_reissue(struct bm_books *books, uint32_t order, struct bm_fail *fail);
/* Chips of a lot are scrapped or withdrawn; order: that units were made of some of them under, or BM_BOOKS_NONE. */
bm_must_use enum bm_rc bm_books_chips(struct bm_books *books, uint32_t lot, uint32_t order, const struct bm_was *was, enum bm_where to,
                                      struct bm_fail *fail);
/* A unit gets an unused chip of lot `to` in place of one of lot `from`, which was issued, withdrawn or scrapped. */
bm_must_use enum bm_rc bm_books_repair(struct bm_books *books, uint32_t order, uint32_t from, enum bm_where was, uint32_t to,
                                       struct bm_fail *fail);
void bm_books_balance(const struct bm_books *books, uint32_t order, const uint32_t *lots, size_t nlots, struct bm_balance *ret);

#endif
