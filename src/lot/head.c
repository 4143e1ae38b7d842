#include "lot/lot.h"

#include "wire/lines.h"
#include "wire/text.h"

#define HEAD "birthmark/lot/v1"

enum bm_rc
bm_lot_head_parse(struct bm_lot_head *ret_head, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_lines lines = bm_lines_open(text, HEAD, "lot head", fail);
    struct bm_lot_head head = { .size = 0 };
    struct bm_bytes vendor, kind;
    enum bm_rc rc;

    bm_lines_name(&lines, "lot", head.lot, BM_MAX_NAME);
    vendor = bm_lines_want(&lines, "vendor");
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
    bm_lines_add(buf, "kind", bm_leaf_kind_word(head->kind));
    bm_buf_add_fmt(buf, "size %llu\n", (unsigned long long)head->size);
    bm_lines_add(buf, "root", root);
}
