/* recover.c - the store is an old copy, and what it lacks is taken from the signer's journal: somebody must have seen that. */
#include "record/parts.h"

enum bm_rc
bm_recover_parse(struct bm_statement_head *ret_head, struct bm_recover *ret_recover, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_statement_head head = { .seq = 0 };
    struct bm_lines lines = bm_statement_open(&head, BM_STATEMENT_RECOVER, text, fail);
    struct bm_recover recover = { .store = 0 };
    struct bm_bytes value;
    enum bm_rc rc;

    if (!lines.bad && head.seq == 0)
        bm_statement_refuse(&lines, "takes one person: there is no store to keep a proposal in");
    recover.store = bm_lines_u64(&lines, "store", 0, INT64_MAX);
    value = bm_lines_want(&lines, "reason");
    if (value.n >= sizeof(recover.reason))
        bm_statement_refuse(&lines, "is too long: a reason has at most 160 bytes");
    else if (!lines.bad)
        memcpy(recover.reason, value.p, value.n);
    if ((rc = bm_lines_close(&lines)) != BM_OK)
        return rc;
    *ret_head = head;
    *ret_recover = recover;
    return BM_OK;
}

void
bm_recover_build(struct bm_buf *buf, const struct bm_statement_head *head, const struct bm_recover *recover)
{
    bm_statement_head_build(buf, BM_STATEMENT_RECOVER, head);
    bm_buf_add_fmt(buf, "store %llu\n", (unsigned long long)recover->store);
    bm_lines_add(buf, "reason", recover->reason);
}
