/* index_cross.c - what two lots have in common. */
#include "custody/index_inside.h"

#define MUCH 32 /* times larger: then each of the smaller one is looked for in it, instead of walking through both */

struct cross {
    const struct bm_index *a, *b;
    enum bm_index_table table;
    enum bm_rc (*both)(void *ctx, uint64_t ia, uint64_t ib, struct bm_fail *fail);
    void *ctx;
    struct bm_leaf_skim one, two;
};

/* Rows of one table with the same first bytes. */
struct run {
    const struct bm_index *index;
    uint64_t from, n;
};

static struct run
run_at(const struct bm_index *index, enum bm_index_table table, uint64_t from)
{
    struct run run = { .index = index, .from = from };
    const uint8_t *first = bm_index_record(index, table, from);

    while (from + run.n < index->at.records[table] && memcmp(bm_index_record(index, table, from + run.n), first, BM_INDEX_PREFIX) == 0)
        run.n++;
    return run;
}

static bool
same(const struct cross *cross)
{
    if (cross->table == BM_INDEX_IDS)
        return bm_bytes_equal(cross->one.id, cross->two.id);
    for (size_t x = 0; x < cross->one.nkeys; x++)
        for (size_t y = 0; y < cross->two.nkeys; y++)
            if (memcmp(cross->one.keys[x].hash, cross->two.keys[y].hash, BM_HASH) == 0)
                return true;
    if (cross->one.kind == BM_LEAF_ID && cross->two.kind == BM_LEAF_ID)
        return bm_bytes_equal(cross->one.id, cross->two.id) && bm_bytes_equal(cross->one.vendor_root, cross->two.vendor_root) &&
               cross->one.rule == cross->two.rule;
    return false;
}

/* The first row of `in` that is truly the same as the row of `of`; in->n when none. */
static enum bm_rc
match(struct cross *cross, const struct run *of, uint64_t row, const struct run *in, uint64_t *ret_row, uint64_t *ret_i, uint64_t *ret_j,
      struct bm_fail *fail)
{
    enum bm_rc rc = bm_index_place(of->index, bm_index_record(of->index, cross->table, of->from + row), ret_i, fail);

    if (rc != BM_OK || (rc = bm_index_skim(of->index, *ret_i, &cross->one, fail)) != BM_OK)
        return rc;
    for (*ret_row = 0; *ret_row < in->n; ++*ret_row) {
        if ((rc = bm_index_place(in->index, bm_index_record(in->index, cross->table, in->from + *ret_row), ret_j, fail)) != BM_OK ||
            (rc = bm_index_skim(in->index, *ret_j, &cross->two, fail)) != BM_OK)
            return rc;
        if (same(cross))
            break;
    }
    return BM_OK;
}

/* Every row of either run is told once with the first that matches: an id that a million chips bear makes no million million pairs. */
static enum bm_rc
runs_meet(struct cross *cross, const struct run *a, const struct run *b, struct bm_fail *fail)
{
    uint64_t at = 0, back = 0, i = 0, j = 0, unused = 0;
    enum bm_rc rc;

    for (uint64_t row = 0; row < a->n; row++) {
        if ((rc = match(cross, a, row, b, &at, &i, &j, fail)) != BM_OK)
            return rc;
        if (at < b->n && (rc = cross->both(cross->ctx, i, j, fail)) != BM_OK)
            return rc;
    }
    for (uint64_t row = 1; row < b->n; row++) {
        if ((rc = match(cross, b, row, a, &at, &j, &i, fail)) != BM_OK)
            return rc;
        if (at == a->n)
            continue;
        if ((rc = match(cross, a, at, b, &back, &i, &unused, fail)) != BM_OK)
            return rc;
        if (back != row && (rc = cross->both(cross->ctx, i, j, fail)) != BM_OK)
            return rc;
    }
    return BM_OK;
}

/* Both tables are walked through side by side. In a damaged one, out of order, rows are passed over; the walk ends all the same. */
static enum bm_rc
walk(struct cross *cross, struct bm_fail *fail)
{
    uint64_t na = cross->a->at.records[cross->table], nb = cross->b->at.records[cross->table];
    enum bm_rc rc;

    for (uint64_t i = 0, j = 0; i < na && j < nb;) {
        struct run a, b;
        int order = memcmp(bm_index_record(cross->a, cross->table, i), bm_index_record(cross->b, cross->table, j), BM_INDEX_PREFIX);

        i += order < 0;
        j += order > 0;
        if (order != 0)
            continue;
        a = run_at(cross->a, cross->table, i);
        b = run_at(cross->b, cross->table, j);
        if ((rc = runs_meet(cross, &a, &b, fail)) != BM_OK)
            return rc;
        i += a.n;
        j += b.n;
    }
    return BM_OK;
}

/* Each of the few is looked for among the many. */
static enum bm_rc
look(struct cross *cross, const struct bm_index *few, const struct bm_index *many, struct bm_fail *fail)
{
    uint64_t nfew = few->at.records[cross->table], nmany = many->at.records[cross->table];
    struct run here, there;
    enum bm_rc rc;

    for (uint64_t i = 0; i < nfew; i += here.n) {
        const uint8_t *record = bm_index_record(few, cross->table, i);
        uint64_t j = bm_index_first(many, cross->table, record);

        here = run_at(few, cross->table, i);
        if (j == nmany || memcmp(bm_index_record(many, cross->table, j), record, BM_INDEX_PREFIX) != 0)
            continue;
        there = run_at(many, cross->table, j);
        if ((rc = few == cross->a ? runs_meet(cross, &here, &there, fail) : runs_meet(cross, &there, &here, fail)) != BM_OK)
            return rc;
    }
    return BM_OK;
}

enum bm_rc
bm_index_cross(const struct bm_index *a, const struct bm_index *b, enum bm_index_by by,
               enum bm_rc (*both)(void *ctx, uint64_t ia, uint64_t ib, struct bm_fail *fail), void *ctx, struct bm_fail *fail)
{
    struct cross cross = { .a = a, .b = b, .table = by == BM_BY_KEY ? BM_INDEX_KEYS : BM_INDEX_IDS, .both = both, .ctx = ctx };
    uint64_t na = a->at.records[cross.table], nb = b->at.records[cross.table];

    if (na / MUCH > nb)
        return look(&cross, b, a, fail);
    if (nb / MUCH > na)
        return look(&cross, a, b, fail);
    return walk(&cross, fail);
}
