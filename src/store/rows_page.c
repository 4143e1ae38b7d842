/* One page of a list: its statement put together from the filters that are given, so that the index of one of them finds the rows. */
#include "store/lite.h"
#include "store/rows.h"

#include "wire/text.h"

/* What stands for the parameters of a list. */
struct asked {
    const struct rows_list *list;
    const char *text[ROWS__N];
    uint8_t bytes[BM_MAX_SERIAL]; /* ROWS_BYTES */
    size_t nbytes;
    int64_t after, from, most, end;
};

static void
asked_fill(struct asked *asked, const struct bm_store_filter *f, const struct bm_store_page *page)
{
    const char *const text[ROWS__N] = {
        [ROWS_NAME] = f->name,       [ROWS_STATE] = f->state,   [ROWS_LOT] = f->lot,           [ROWS_ORDER] = f->order,
        [ROWS_PROFILE] = f->profile, [ROWS_DEVICE] = f->device, [ROWS_SERIAL] = f->serial,     [ROWS_MODEL] = f->model,
        [ROWS_OWNER] = f->owner,     [ROWS_REGION] = f->region, [ROWS_HARDWARE] = f->hardware, [ROWS_FIRMWARE] = f->firmware,
        [ROWS_VENDOR] = f->vendor,   [ROWS_ROOT] = f->root,     [ROWS_STATION] = f->station,   [ROWS_CHIP] = f->chip,
        [ROWS_BEGINS] = f->begins,   [ROWS_BYTES] = f->name,    [ROWS_SUPPORT] = f->support,
    };
    size_t n = f->name == NULL ? 0 : strlen(f->name);
    struct bm_fail unused;

    memcpy(asked->text, text, sizeof(text));
    asked->after = (int64_t)f->after;
    asked->from = page->from;
    asked->most = (int64_t)page->most;
    if (n % 2 == 0 && n <= 2 * sizeof(asked->bytes) && bm_hex_parse(asked->bytes, n / 2, bm_bytes(f->name, n), &unused) == BM_OK)
        asked->nbytes = n / 2;
}

static bool
only_a_profile(const struct asked *asked)
{
    bool any = false;

    for (int by = 1; by < ROWS__N; by++)
        any |= by != ROWS_PROFILE && asked->text[by] != NULL;
    return asked->text[ROWS_PROFILE] != NULL && !any;
}

static enum bm_rc
list_find(struct asked *asked, const char *what, struct bm_fail *fail)
{
    const char *name = strcmp(what, "device") == 0 && only_a_profile(asked) ? ROWS_OF_PROFILE : what;

    for (size_t i = 0; i < rows_nlists; i++)
        if (strcmp(rows_lists[i].what, name) == 0)
            asked->list = &rows_lists[i];
    return asked->list != NULL ? BM_OK : bm_fail(fail, BM_EINPUT, NULL, "there is no list of the name %s", what);
}

#define SQL_MOST 16384 /* bytes of a list's statement */

/* `only`: the keys alone, of what the leading filter finds alone. */
static void
sql_build(struct bm_buf *sql, const struct asked *asked, const struct rows_cond *lead, bool only)
{
    const struct rows_list *list = asked->list;

    if (only)
        bm_buf_add_fmt(sql, "SELECT count(*), max(k) FROM (SELECT %s AS k FROM %s WHERE %s", list->key, list->from, list->begin);
    else
        bm_buf_add_fmt(sql, "SELECT %s, %s FROM %s WHERE %s", list->columns, list->key, list->from, list->begin);
    for (const struct rows_cond *cond = list->conds; cond->by != 0; cond++)
        if (cond == lead)
            bm_buf_add_fmt(sql, " AND %s", cond->sql);
        else if (asked->text[cond->by] != NULL && !only)
            bm_buf_add_fmt(sql, " AND +(%s)", cond->sql); /* the sign keeps SQLite from its index */
    if (asked->end > 0)
        bm_buf_add_fmt(sql, " AND %s <= ?%d", list->key, ROWS_END);
    bm_buf_add_fmt(sql, " ORDER BY %s%s", list->order, only ? ")" : "");
    bm_buf_add_u8(sql, 0);
}

static void
statement_done(sqlite3_stmt **q)
{
    (void)sqlite3_finalize(*q);
}

static enum bm_rc
prepare(sqlite3_stmt **ret_q, struct bm_store *store, const struct bm_buf *sql, const struct asked *asked, struct bm_fail *fail)
{
    enum bm_rc rc = bm_buf_check(sql, "a list's statement", fail);

    if (rc != BM_OK)
        return rc;
    if (sqlite3_prepare_v2(store->db, (const char *)sql->p, -1, ret_q, NULL) != SQLITE_OK)
        return lite_fail(store, asked->list->what, fail);
    /* A parameter that the statement has not got is none of its. */
    for (int by = 1; by < ROWS__N; by++)
        (void)sqlite3_bind_text(*ret_q, by, asked->text[by], -1, SQLITE_STATIC);
    (void)sqlite3_bind_blob64(*ret_q, ROWS_BYTES, asked->bytes, asked->nbytes, SQLITE_STATIC);
    (void)sqlite3_bind_int64(*ret_q, ROWS_AFTER, asked->after);
    (void)sqlite3_bind_int64(*ret_q, ROWS_FROM, asked->from);
    (void)sqlite3_bind_int64(*ret_q, ROWS_MOST, asked->most);
    (void)sqlite3_bind_int64(*ret_q, ROWS_END, asked->end);
    return BM_OK;
}

/* How many rows this filter alone finds from here on, no more than `most`, and the key of the last. */
static enum bm_rc
reach(struct bm_store *store, const struct asked *asked, const struct rows_cond *lead, int64_t most, int64_t *ret_n, int64_t *ret_last,
      struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf sql = { .max = SQL_MOST };
    bm_cleanup(statement_done) sqlite3_stmt *q = NULL;
    struct asked all = *asked;
    enum bm_rc rc;

    all.most = most;
    sql_build(&sql, &all, lead, true);
    if ((rc = prepare(&q, store, &sql, &all, fail)) != BM_OK)
        return rc;
    if (sqlite3_step(q) != SQLITE_ROW)
        return lite_fail(store, asked->list->what, fail);
    *ret_n = sqlite3_column_int64(q, 0);
    *ret_last = sqlite3_column_int64(q, 1);
    return BM_OK;
}

/* Of the filters that have an index, the one that finds least. */
static enum bm_rc
lead_find(const struct rows_cond **ret_lead, size_t *ret_given, struct bm_store *store, const struct asked *asked, struct bm_fail *fail)
{
    const struct rows_cond *lead = NULL;
    int64_t least = INT64_MAX, n, last;
    size_t given = 0;
    enum bm_rc rc;

    for (const struct rows_cond *cond = asked->list->conds; cond->by != 0; cond++)
        given += asked->text[cond->by] != NULL;
    for (const struct rows_cond *cond = asked->list->conds; cond->by != 0; cond++) {
        if (asked->text[cond->by] == NULL || !cond->indexed)
            continue;
        n = 0;
        if (given > 1 && (rc = reach(store, asked, cond, 1000, &n, &last, fail)) != BM_OK)
            return rc;
        if (n < least) {
            least = n;
            lead = cond;
        }
    }
    *ret_lead = lead;
    *ret_given = given;
    return BM_OK;
}

static enum bm_rc
rows_give(struct bm_store *store, sqlite3_stmt *q, const char *what, struct bm_store_page *page, bm_store_row *row, void *ctx,
          struct bm_fail *fail)
{
    size_t n = 0;
    enum bm_rc rc;
    int r;

    while ((r = sqlite3_step(q)) == SQLITE_ROW) {
        const unsigned char *json = sqlite3_column_text(q, 0);

        if (json == NULL)
            return lite_fail(store, what, fail);
        if ((rc = row(ctx, (const char *)json, fail)) != BM_OK)
            return rc;
        page->from = sqlite3_column_int64(q, 1);
        n++;
    }
    page->more = n == page->most;
    return r == SQLITE_DONE ? BM_OK : lite_fail(store, what, fail);
}

enum bm_rc
lite_list_sql(struct bm_buf *sql, struct bm_store *store, const char *what, const struct bm_store_filter *filter, struct bm_fail *fail)
{
    const struct bm_store_page page = { .most = 1 };
    const struct rows_cond *lead = NULL;
    struct asked asked = { .list = NULL };
    size_t given;
    enum bm_rc rc;

    asked_fill(&asked, filter, &page);
    if ((rc = list_find(&asked, what, fail)) != BM_OK || (rc = lead_find(&lead, &given, store, &asked, fail)) != BM_OK)
        return rc;
    sql_build(sql, &asked, lead, false);
    return bm_buf_check(sql, "a list's statement", fail);
}

enum bm_rc
bm_store_rows(struct bm_store *store, const char *what, const struct bm_store_filter *filter, struct bm_store_page *page, bm_store_row *row,
              void *ctx, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf sql = { .max = SQL_MOST };
    bm_cleanup(statement_done) sqlite3_stmt *q = NULL;
    const struct rows_cond *lead = NULL;
    struct asked asked = { .list = NULL };
    int64_t looked = 0, end = 0;
    size_t given = 0;
    enum bm_rc rc;

    asked_fill(&asked, filter, page);
    if ((rc = list_find(&asked, what, fail)) != BM_OK || (rc = lead_find(&lead, &given, store, &asked, fail)) != BM_OK)
        return rc;
    /* What no index decides alone is looked at a window a page, so that nobody waits for a filter that finds little among much. */
    if (asked.list->window && given > (lead != NULL) && (rc = reach(store, &asked, lead, ROWS_WINDOW, &looked, &end, fail)) != BM_OK)
        return rc;
    asked.end = end;
    sql_build(&sql, &asked, lead, false);
    if ((rc = prepare(&q, store, &sql, &asked, fail)) != BM_OK || (rc = rows_give(store, q, what, page, row, ctx, fail)) != BM_OK)
        return rc;
    if (!page->more && looked == ROWS_WINDOW) {
        page->more = true;
        page->from = end;
    }
    return BM_OK;
}
