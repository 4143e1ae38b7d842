#include "record/handover.h"

#include "pki/profile.h"
#include "wire/lines.h"

#define HEAD "birthmark/handover/v1"

void
bm_handover_build(struct bm_buf *buf, const struct bm_handover *handover)
{
    bm_buf_add_fmt(buf, HEAD "\nstatement %zu\n", handover->note.n);
    for (size_t i = 0; i < handover->nprofiles; i++)
        bm_buf_add_fmt(buf, "profile %zu\n", handover->profiles[i].n);
    bm_buf_add_u8(buf, '\n');
    bm_buf_add_bytes(buf, handover->note);
    for (size_t i = 0; i < handover->nprofiles; i++)
        bm_buf_add_bytes(buf, handover->profiles[i]);
}

/* How many bytes each profile has. */
static size_t
sizes_take(uint64_t *sizes, struct bm_lines *lines)
{
    struct bm_lines before = *lines;
    struct bm_bytes value;
    size_t n = 0;

    while (n < BM_MAX_ORDER_PROFILES && bm_lines_have(lines, "profile", &value)) {
        *lines = before;
        sizes[n++] = bm_lines_u64(lines, "profile", 1, BM_MAX_PROFILE);
        before = *lines;
    }
    return n;
}

enum bm_rc
bm_handover_parse(struct bm_handover *ret, struct bm_bytes text, struct bm_fail *fail)
{
    const uint8_t *end = text.n > 0 && text.n <= BM_MAX_HANDOVER ? memmem(text.p, text.n, "\n\n", 2) : NULL;
    struct bm_handover handover = { .nprofiles = 0 };
    uint64_t note, sizes[BM_MAX_ORDER_PROFILES];
    struct bm_lines lines;
    struct bm_rd rd;
    enum bm_rc rc;

    if (end == NULL)
        return bm_fail(fail, BM_EINPUT, NULL, "this is nothing that was signed to be handed in, as birthmark order sign writes it");
    lines = bm_lines_open(bm_bytes(text.p, (size_t)(end - text.p) + 1), HEAD, "handover", fail);
    note = bm_lines_u64(&lines, "statement", 1, BM_MAX_NOTE);
    handover.nprofiles = sizes_take(sizes, &lines);
    if ((rc = bm_lines_close(&lines)) != BM_OK)
        return rc;
    rd = bm_rd(bm_bytes(end + 2, text.n - (size_t)(end - text.p) - 2));
    handover.note = bm_rd_take(&rd, note);
    for (size_t i = 0; i < handover.nprofiles; i++)
        handover.profiles[i] = bm_rd_take(&rd, sizes[i]);
    if (!bm_rd_end(&rd))
        return bm_fail(fail, BM_EINPUT, NULL, "handover: it is shorter or longer than it says: copy the file once more");
    *ret = handover;
    return BM_OK;
}
