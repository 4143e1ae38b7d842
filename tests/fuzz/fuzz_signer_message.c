/* fuzz_signer_message.c - what registrar and signer say to each other has one encoding: what is read is what would be written. First byte: which message. */
#include "fuzz.h"

#include "proc/channel.h"
#include "proc/signer_messages.h"

#define TWICE(name)                                                                             \
    static bool name##_again(struct bm_rd body, struct bm_buf *ret_again, struct bm_fail *fail) \
    {                                                                                           \
        static struct bm_s_##name message;                                                      \
                                                                                                \
        if (bm_s_##name##_parse(&message, body, fail) != BM_OK)                                 \
            return false;                                                                       \
        bm_s_##name##_build(ret_again, &message);                                               \
        return true;                                                                            \
    }

TWICE(site)
TWICE(leaves)
TWICE(issue)
TWICE(issued)
TWICE(refused)
TWICE(refusal)
TWICE(lot_state)
TWICE(chips)
TWICE(order_close)
TWICE(device)
TWICE(token)
TWICE(support_close)

static bool (*const messages[])(struct bm_rd body, struct bm_buf *ret_again,
                                struct bm_fail *fail) = { site_again,        leaves_again,  issue_again,     issued_again,
                                                          refused_again,     refusal_again, lot_state_again, chips_again,
                                                          order_close_again, token_again,   device_again,    support_close_again };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = BM_MAX_MESSAGE_BODY };
    struct bm_fail fail = { .rc = BM_OK };

    if (size == 0)
        return 0;
    if (!messages[data[0] % BM_COUNT(messages)](bm_rd(bm_bytes(data + 1, size - 1)), &again, &fail)) {
        must(fail.rc == BM_EINPUT && fail.text[0] != '\0');
        return 0;
    }
    must(bm_bytes_equal(bm_buf_bytes(&again), bm_bytes(data + 1, size - 1)));
    return 0;
}
