/* Vendors: the record of each as a command sent it, kept and given back word for word; one longer than a message comes and goes in parts. */
#include "registrar/registrar.h"

/* What came of a record so far. Freed with its connection. */
static struct bm_buf *
parts_of(const struct peer *peer)
{
    return &peer->r->parts[peer->link - peer->r->controls];
}

enum bm_rc
bm_serve_vendor_part(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    struct bm_buf *parts = parts_of(peer);

    parts->max = BM_MAX_VENDOR;
    bm_buf_add_bytes(parts, bm_bytes(body.p, body.left));
    if (parts->nomem)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for a vendor's record");
    if (parts->bad)
        return bm_fail(fail, BM_EINPUT, NULL, "VENDOR_PART: a record of more than %u bytes", BM_MAX_VENDOR);
    return bm_control_end(peer->link, id, bm_bytes(NULL, 0), fail);
}

/* u8 n, n x lv16, none empty. */
static void
items_skip(struct bm_rd *rd)
{
    size_t n = bm_rd_u8(rd);

    for (size_t i = 0; i < n; i++)
        if (bm_rd_lv16(rd, UINT16_MAX).n == 0)
            rd->bad = true;
}

/* What is delivered is what a pin's source will say, or 0: whichever it is. */
static const char *
format_word(uint8_t format)
{
    return format == 0 ? "auto" : bm_lot_source_word((enum bm_lot_source)format);
}

static enum bm_rc
record_parse(char ret_name[static BM_MAX_NAME + 1], uint8_t *ret_format, struct bm_bytes record, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(record);

    bm_view_copy(ret_name, BM_MAX_NAME + 1, bm_rd_lv16(&rd, BM_MAX_NAME));
    *ret_format = bm_rd_u8(&rd);
    items_skip(&rd);                                        /* signers */
    items_skip(&rd);                                        /* roots */
    (void)bm_rd_take(&rd, (size_t)bm_rd_u8(&rd) * BM_HASH); /* retired signers */
    if (!bm_rd_end(&rd) || !bm_line_ok(bm_bytes_str(ret_name)) || ret_name[0] == 0 || *ret_format > BM_SOURCE_CSV)
        return bm_fail(fail, BM_EINPUT, NULL, "VENDOR_ADD does not parse");
    return BM_OK;
}

enum bm_rc
bm_serve_vendor_add(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    bm_cleanup(bm_buf_done) struct bm_buf whole = *parts_of(peer);
    char name[BM_MAX_NAME + 1];
    uint8_t format = 0;
    enum bm_rc rc;

    *parts_of(peer) = (struct bm_buf){ .max = 0 };
    whole.max = BM_MAX_VENDOR;
    bm_buf_add_bytes(&whole, bm_bytes(body.p, body.left));
    if ((rc = bm_buf_check(&whole, "VENDOR_ADD", fail)) != BM_OK ||
        (rc = record_parse(name, &format, bm_buf_bytes(&whole), fail)) != BM_OK ||
        (rc = bm_registrar_transaction(peer->r, fail)) != BM_OK ||
        (rc = bm_store_vendor_put(peer->r->store, name, format_word(format), bm_buf_bytes(&whole), peer->r->now, fail)) != BM_OK)
        return rc;
    return bm_control_end(peer->link, id, bm_bytes(NULL, 0), fail);
}

static enum bm_rc
record_send(struct bm_link *link, uint64_t id, struct bm_bytes record, struct bm_fail *fail)
{
    enum bm_rc rc = BM_OK;

    for (; record.n > BM_MESSAGE_PART && rc == BM_OK; record = bm_bytes(record.p + BM_MESSAGE_PART, record.n - BM_MESSAGE_PART)) {
        bm_cleanup(bm_buf_done) struct bm_buf row = { .max = BM_MAX_MESSAGE_BODY };

        bm_buf_add_lv32(&row, bm_bytes(record.p, BM_MESSAGE_PART));
        if ((rc = bm_buf_check(&row, "a row", fail)) == BM_OK)
            rc = bm_link_queue(link, BM_C_ROW, id, bm_buf_bytes(&row), fail);
    }
    return rc != BM_OK ? rc : bm_control_end(link, id, record, fail);
}

enum bm_rc
bm_serve_vendor(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf record = { .max = BM_MAX_VENDOR };
    const struct peer *peer = ctx;
    char name[BM_MAX_NAME + 1];
    enum bm_rc rc;

    bm_view_copy(name, sizeof(name), bm_rd_lv16(&body, BM_MAX_NAME));
    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "VENDOR does not parse");
    rc = bm_store_vendor_get(peer->r->store, name, &record, fail);
    if (rc == BM_EPOLICY)
        return bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail);
    return rc != BM_OK ? rc : record_send(peer->link, id, bm_buf_bytes(&record), fail);
}

enum bm_rc
bm_serve_vendor_retire(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct peer *peer = ctx;
    char name[BM_MAX_NAME + 1];
    enum bm_rc rc;

    bm_view_copy(name, sizeof(name), bm_rd_lv16(&body, BM_MAX_NAME));
    if (!bm_rd_end(&body))
        return bm_fail(fail, BM_EINPUT, NULL, "VENDOR_RETIRE does not parse");
    if ((rc = bm_registrar_transaction(peer->r, fail)) != BM_OK)
        return rc;
    rc = bm_store_vendor_retire(peer->r->store, name, fail);
    if (rc == BM_EPOLICY)
        return bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail);
    return rc != BM_OK ? rc : bm_control_end(peer->link, id, bm_bytes(NULL, 0), fail);
}
