#include "ledger/balance_note.h"

#include "wire/lines.h"
#include "wire/text.h"

#define HEAD "birthmark/balance/v1"

void
bm_balance_note_build(struct bm_buf *buf, const struct bm_balance_note *note)
{
    char hex[2 * BM_HASH + 1];

    bm_hex(hex, bm_bytes(note->salt, BM_SALT));
    bm_buf_add_fmt(buf, HEAD "\nindex %llu\nsalt %s\n", (unsigned long long)note->index, hex);
    for (size_t i = 0; i < note->proof.n; i++) {
        bm_hex(hex, bm_bytes(note->proof.hash[i], BM_HASH));
        bm_buf_add_fmt(buf, "hash %s\n", hex);
    }
    bm_buf_add_u8(buf, '\n');
    bm_buf_add_bytes(buf, note->event);
    bm_buf_add_u8(buf, '\n');
    bm_buf_add_bytes(buf, note->checkpoint);
}

/* What stands before the next empty line, its own last newline included; the rest begins behind the empty one. */
static bool
part_take(struct bm_bytes *ret_part, struct bm_bytes *rest)
{
    const uint8_t *end = rest->n > 0 ? memmem(rest->p, rest->n, "\n\n", 2) : NULL;
    size_t n;

    if (end == NULL)
        return false;
    n = (size_t)(end - rest->p) + 1;
    *ret_part = bm_bytes(rest->p, n);
    *rest = bm_bytes(rest->p + n + 1, rest->n - n - 1);
    return true;
}

static void
hashes_take(struct bm_proof *proof, struct bm_lines *lines)
{
    struct bm_lines before = *lines;
    struct bm_bytes value;

    while (bm_lines_have(lines, "hash", &value)) {
        *lines = before;
        if (proof->n == BM_COUNT(proof->hash)) {
            bm_fail_note(lines->fail, BM_EINPUT, NULL, "balance: it has more hashes than a proof");
            lines->bad = true;
            return;
        }
        bm_lines_hex(lines, "hash", proof->hash[proof->n++], BM_HASH);
        before = *lines;
    }
}

enum bm_rc
bm_balance_note_parse(struct bm_balance_note *ret, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_balance_note note = { .index = 0 };
    struct bm_bytes head, rest = text;
    struct bm_lines lines;
    enum bm_rc rc;

    if (text.n > BM_MAX_BALANCE_NOTE || !part_take(&head, &rest) || !part_take(&note.event, &rest))
        return bm_fail(fail, BM_EINPUT, NULL, "this is no balance of an order, as birthmark order balance -o writes it");
    lines = bm_lines_open(head, HEAD, "balance", fail);
    note.index = bm_lines_u64(&lines, "index", 0, INT64_MAX);
    bm_lines_hex(&lines, "salt", note.salt, BM_SALT);
    hashes_take(&note.proof, &lines);
    if ((rc = bm_lines_close(&lines)) != BM_OK)
        return rc;
    note.checkpoint = rest;
    *ret = note;
    return BM_OK;
}

static enum bm_rc
proven(const struct bm_balance_note *note, const struct bm_event *event, const struct bm_note_key *ledger, struct bm_fail *fail)
{
    uint8_t entry[BM_ENTRY], hash[BM_HASH];
    struct bm_checkpoint head;
    enum bm_rc rc = bm_checkpoint_open(&head, note->checkpoint, ledger, ledger->name, fail);

    if (rc != BM_OK)
        return rc;
    bm_entry_build(entry, event->kind, note->salt, note->event);
    bm_tree_leaf(hash, bm_bytes(entry, sizeof(entry)));
    return bm_inclusion_check(&note->proof, note->index, head.size, hash, head.root, fail);
}

enum bm_rc
bm_balance_note_check(const struct bm_balance_note *note, const struct bm_note_key *ledger, struct bm_event *ret_event,
                      struct bm_balance *ret_balance, struct bm_fail *fail)
{
    struct bm_event event;
    enum bm_rc rc;

    if ((rc = bm_event_parse(&event, note->event, fail)) != BM_OK)
        return rc;
    if (event.kind != BM_EVENT_ORDER_CLOSED)
        return bm_fail(fail, BM_EPOLICY, NULL, "this leaf tells of no order's end, and so of no balance");
    if ((rc = proven(note, &event, ledger, fail)) != BM_OK) {
        bm_fail_prefix(fail, "this balance is not what that ledger says");
        return fail->rc = BM_EPOLICY;
    }
    if ((rc = bm_balance_parse(ret_balance, event.balance, fail)) != BM_OK)
        return rc;
    *ret_event = event;
    return BM_OK;
}
