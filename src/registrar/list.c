/* Answers of many rows, given a page at a time. */
#include "registrar/registrar.h"

#include "wire/json.h"

#define PAGE 256        /* rows; a few hundred microseconds in which nobody else is served */
#define FILTER_MAX 4096 /* bytes of a filter */

void
bm_listing_close(struct listing *listing)
{
    bm_buf_done(&listing->filter);
    bm_buf_done(&listing->last);
    *listing = (struct listing){ .open = false };
}

struct rows {
    struct bm_link *link;
    uint64_t id;
    uint64_t n;
};

static enum bm_rc
row_send(void *ctx, const char *json, struct bm_fail *fail)
{
    struct rows *rows = ctx;

    rows->n++;
    return bm_control_row(rows->link, rows->id, json, fail);
}

/* Chips stand in the lots' indexes, all else in the store. */
static enum bm_rc
any_rows(struct bm_registrar *r, const char *what, const struct bm_store_filter *filter, struct bm_store_page *page, struct rows *rows,
         struct bm_fail *fail)
{
    if (strcmp(what, "chip") == 0)
        return bm_chips_rows(r, filter, page, row_send, rows, fail);
    return bm_store_rows(r->store, what, filter, page, row_send, rows, fail);
}

static enum bm_rc
filter_parse(struct bm_store_filter *ret_filter, json_t **ret_json, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_json_in in;
    enum bm_rc rc;

    if ((rc = bm_json_parse(ret_json, text, FILTER_MAX, fail)) != BM_OK)
        return rc;
    in = bm_json_in(*ret_json, "filter", fail);
    ret_filter->name = bm_json_str_opt(&in, "name", 128);
    ret_filter->state = bm_json_str_opt(&in, "state", 32);
    ret_filter->lot = bm_json_str_opt(&in, "lot", BM_MAX_NAME);
    ret_filter->order = bm_json_str_opt(&in, "order", BM_MAX_NAME);
    ret_filter->profile = bm_json_str_opt(&in, "profile", BM_MAX_NAME);
    ret_filter->device = bm_json_str_opt(&in, "device", BM_MAX_NAME);
    ret_filter->serial = bm_json_str_opt(&in, "serial", BM_MAX_NAME);
    ret_filter->model = bm_json_str_opt(&in, "model", BM_MAX_NAME);
    ret_filter->hardware = bm_json_str_opt(&in, "hardware", BM_MAX_NAME);
    ret_filter->firmware = bm_json_str_opt(&in, "firmware", BM_MAX_NAME);
    ret_filter->owner = bm_json_str_opt(&in, "owner", BM_MAX_NAME);
    ret_filter->region = bm_json_str_opt(&in, "region", BM_MAX_NAME);
    ret_filter->vendor = bm_json_str_opt(&in, "vendor", BM_MAX_NAME);
    ret_filter->station = bm_json_str_opt(&in, "station", BM_MAX_NAME);
    ret_filter->root = bm_json_str_opt(&in, "root", 32);
    ret_filter->chip = bm_json_str_opt(&in, "chip", BM_MAX_ID);
    ret_filter->support = bm_json_str_opt(&in, "support", 32);
    ret_filter->begins = bm_json_str_opt(&in, "begins", 128);
    if (json_object_get(*ret_json, "after") != NULL)
        ret_filter->after = bm_json_u64(&in, "after", 0, INT64_MAX);
    return bm_json_in_end(&in);
}

static enum bm_rc
rows_page(struct bm_registrar *r, struct listing *listing, struct bm_link *link, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *json = NULL;
    struct bm_store_filter filter = { .name = NULL };
    struct rows rows = { .link = link, .id = listing->id };
    enum bm_rc rc;

    if ((rc = filter_parse(&filter, &json, bm_buf_bytes(&listing->filter), fail)) != BM_OK)
        return rc;
    return any_rows(r, listing->what, &filter, &listing->page, &rows, fail);
}

static enum bm_rc
leaves_page(struct bm_registrar *r, struct listing *listing, struct bm_link *link, struct bm_fail *fail)
{
    enum bm_rc rc;

    for (size_t i = 0; i < PAGE && listing->next < listing->end; i++)
        if ((rc = bm_leaf_row(r, link, listing->id, listing->next++, fail)) != BM_OK)
            return rc;
    listing->page.more = listing->next < listing->end;
    return BM_OK;
}

enum bm_rc
bm_listing_go(struct bm_registrar *r, struct listing *listing, struct bm_link *link, struct bm_fail *fail)
{
    enum bm_rc rc = (listing->what[0] == 0 ? leaves_page : rows_page)(r, listing, link, fail);

    if (rc == BM_OK && listing->page.more)
        return BM_OK;
    if (rc == BM_OK)
        rc = bm_control_end(link, listing->id, bm_buf_bytes(&listing->last), fail);
    else if (rc == BM_EINPUT || rc == BM_EPOLICY)
        rc = bm_answer_refused(r, link, listing->id, rc, 0, fail->text, fail);
    bm_listing_close(listing);
    return rc;
}

enum bm_rc
bm_serve_list(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    struct listing *listing = &peer->r->listings[peer->link - peer->r->controls];
    struct bm_bytes what = bm_rd_lv16(&body, sizeof(listing->what) - 1), filter = bm_rd_lv16(&body, FILTER_MAX);
    enum bm_rc rc;

    if (!bm_rd_end(&body) || what.n == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "LIST does not parse");
    *listing = (struct listing){ .open = true, .id = id, .filter = { .max = FILTER_MAX }, .page = { .most = PAGE } };
    bm_view_copy(listing->what, sizeof(listing->what), what);
    bm_buf_add_bytes(&listing->filter, filter);
    if ((rc = bm_buf_check(&listing->filter, "the filter", fail)) != BM_OK)
        return rc;
    return bm_listing_go(peer->r, listing, peer->link, fail);
}

enum bm_rc
bm_row_answer(struct bm_registrar *r, const struct pending *to, const char *what, const char *name, struct bm_fail *fail)
{
    const struct bm_store_filter filter = { .name = name };
    struct bm_store_page page = { .most = 1 };
    struct rows rows = { .link = to->asker, .id = to->asker_id };
    enum bm_rc rc;

    if (!bm_asker_there(to))
        return BM_OK;
    if ((rc = any_rows(r, what, &filter, &page, &rows, fail)) != BM_OK)
        return rc;
    return bm_control_end(to->asker, to->asker_id, bm_bytes(NULL, 0), fail);
}

enum bm_rc
bm_serve_show(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    struct bm_store_page page = { .most = PAGE };
    struct rows rows = { .link = peer->link, .id = id };
    char what[32], name[129], sentence[256];
    const struct bm_store_filter filter = { .name = name };
    enum bm_rc rc;

    bm_view_copy(what, sizeof(what), bm_rd_lv16(&body, sizeof(what) - 1));
    bm_view_copy(name, sizeof(name), bm_rd_lv16(&body, sizeof(name) - 1));
    if (!bm_rd_end(&body) || what[0] == 0 || name[0] == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "SHOW does not parse");
    rc = any_rows(peer->r, what, &filter, &page, &rows, fail);
    if (rc == BM_EINPUT || rc == BM_EPOLICY)
        return bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail);
    if (rc != BM_OK)
        return rc;
    if (rows.n == 0) {
        (void)snprintf(sentence, sizeof(sentence), "there is no %s %s: see `birthmark %s list`", what, name, what);
        return bm_answer_refused(peer->r, peer->link, id, BM_EPOLICY, 0, sentence, fail);
    }
    return bm_control_end(peer->link, id, bm_bytes(NULL, 0), fail);
}
