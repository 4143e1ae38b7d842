/* fuzz_event.c - an event has one text for one content, and any reason can be recorded. */
#include "fuzz.h"

#include "record/event.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = BM_MAX_EVENT }, refusal = { .max = BM_MAX_EVENT };
    struct bm_event event, refused = { .kind = BM_EVENT_REFUSED, .time = 1795469649, .reason = bm_bytes(data, size) };
    struct bm_fail fail = { 0 };

    if (bm_event_parse(&event, bm_bytes(data, size), &fail) == BM_OK) {
        bm_event_build(&again, &event);
        must(!again.bad && bm_bytes_equal(bm_buf_bytes(&again), bm_bytes(data, size)));
    } else {
        must(fail.rc == BM_EINPUT && fail.text[0] != 0);
    }
    bm_event_build(&refusal, &refused);
    must(size == 0 || (!refusal.bad && bm_event_parse(&event, bm_buf_bytes(&refusal), &fail) == BM_OK));
    return 0;
}
