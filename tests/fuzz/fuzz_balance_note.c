/* An order's balance that is taken away: what parses is what would be built from it. */
#include "fuzz.h"

#include "ledger/balance_note.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = BM_MAX_BALANCE_NOTE };
    struct bm_balance_note note;
    struct bm_balance balance;
    struct bm_event event;
    struct bm_was was;
    struct bm_fail fail;

    if (bm_was_parse(&was, bm_bytes(data, size), &fail) == BM_OK)
        must(was.counted < UINT64_MAX);
    if (bm_balance_note_parse(&note, bm_bytes(data, size), &fail) != BM_OK)
        return 0;
    bm_balance_note_build(&again, &note);
    must(bm_bytes_equal(bm_buf_bytes(&again), bm_bytes(data, size)));
    if (bm_event_parse(&event, note.event, &fail) == BM_OK && event.balance.n > 0 &&
        bm_balance_parse(&balance, event.balance, &fail) == BM_OK) {
        char text[BM_MAX_BALANCE];

        bm_balance_print(text, &balance);
        must(bm_bytes_equal(event.balance, bm_bytes_str(text)));
    }
    return 0;
}
