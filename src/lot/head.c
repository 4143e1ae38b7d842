/* The lines of a lot's head, read and written. */
#include "lot/lot.h"

#include "wire/lines.h"
#include "wire/text.h"

#define HEAD "birthmark/lot/v1"

static bool
is_next(const struct bm_lines *lines, const char *key)
{
    struct bm_lines ahead = *lines;
    struct bm_bytes unused;

    return bm_lines_have(&ahead, key, &unused);
}

static void
test_take(struct bm_lines *lines, struct bm_lot_head *head)
{
    if (!is_next(lines, "test"))
        return;
    head->test = bm_bytes_equal(bm_lines_want(lines, "test"), bm_bytes_str("yes"));
    if (!head->test && !lines->bad) {
        bm_fail_note(lines->fail, BM_EINPUT, NULL, "lot head: the line test must be yes, or not be there");
        lines->bad = true;
    }
}

/* A first list of an undivided delivery says neither: one head has one text. */
static void
optional_take(struct bm_lines *lines, struct bm_lot_head *head)
{
    head->revision = is_next(lines, "revision") ? bm_lines_u64(lines, "revision", 2, INT64_MAX) : 1;
    if (!is_next(lines, "delivery"))
        return;
    bm_lines_name(lines, "delivery", head->delivery, BM_MAX_NAME);
    head->part = bm_lines_u64(lines, "part", 1, BM_MAX_LOT_PARTS);
    head->parts = bm_lines_u64(lines, "parts", head->part > 0 ? head->part : 1, BM_MAX_LOT_PARTS);
}

enum bm_rc
bm_lot_head_parse(struct bm_lot_head *ret_head, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_lines lines = bm_lines_open(text, HEAD, "lot head", fail);
    struct bm_lot_head head = { .size = 0 };
    struct bm_bytes vendor, kind;
    enum bm_rc rc;

    bm_lines_name(&lines, "lot", head.lot, BM_MAX_NAME);
    vendor = bm_lines_want(&lines, "vendor");
    test_take(&lines, &head);
    optional_take(&lines, &head);
    kind = bm_lines_want(&lines, "kind");
    head.size = bm_lines_u64(&lines, "size", 1, BM_MAX_LOT_CHIPS);
    bm_lines_hex(&lines, "root", head.root, BM_HASH);
    if ((rc = bm_lines_close(&lines)) != BM_OK || (rc = bm_leaf_kind_parse(&head.kind, kind, fail)) != BM_OK)
        return rc;
    if (vendor.n > BM_MAX_NAME)
        return bm_fail(fail, BM_EINPUT, NULL, "lot head: the vendor is longer than %d bytes", BM_MAX_NAME);
    memcpy(head.vendor, vendor.p, vendor.n);
    *ret_head = head;
    return BM_OK;
}

void
bm_lot_head_build(struct bm_buf *buf, const struct bm_lot_head *head)
{
    char root[2 * BM_HASH + 1];

    bm_hex(root, bm_bytes(head->root, BM_HASH));
    bm_buf_add_str(buf, HEAD "\n");
    bm_lines_add(buf, "lot", head->lot);
    bm_lines_add(buf, "vendor", head->vendor);
    if (head->test)
        bm_lines_add(buf, "test", "yes");
    if (head->revision > 1)
        bm_buf_add_fmt(buf, "revision %llu\n", (unsigned long long)head->revision);
    if (head->delivery[0] != 0) {
        bm_lines_add(buf, "delivery", head->delivery);
        bm_buf_add_fmt(buf, "part %llu\nparts %llu\n", (unsigned long long)head->part, (unsigned long long)head->parts);
    }
    bm_lines_add(buf, "kind", bm_leaf_kind_word(head->kind));
    bm_buf_add_fmt(buf, "size %llu\n", (unsigned long long)head->size);
    bm_lines_add(buf, "root", root);
}
