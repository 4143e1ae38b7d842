/* fuzz_body.c - what our processes say to each other has one encoding: what is read is what would be written. First byte: which message. */
#include "fuzz.h"

#include "proc/channel.h"
#include "proc/control_messages.h"
#include "proc/gate_messages.h"
#include "proc/signer_messages.h"

#define TWICE(name)                                                                             \
    static bool name##_again(struct bm_rd body, struct bm_buf *ret_again, struct bm_fail *fail) \
    {                                                                                           \
        static struct bm_##name message;                                                        \
                                                                                                \
        if (bm_##name##_parse(&message, body, fail) != BM_OK)                                   \
            return false;                                                                       \
        bm_##name##_build(ret_again, &message);                                                 \
        return true;                                                                            \
    }

TWICE(s_site)
TWICE(s_leaves)
TWICE(s_issue)
TWICE(s_issued)
TWICE(s_refused)
TWICE(s_refusal)
TWICE(g_enrol)
TWICE(g_certs)
TWICE(g_refused)
TWICE(c_refused)

static bool (*const messages[])(struct bm_rd body, struct bm_buf *ret_again, struct bm_fail *fail) = {
    s_site_again,    s_leaves_again, s_issue_again, s_issued_again,  s_refused_again,
    s_refusal_again, g_enrol_again,  g_certs_again, g_refused_again, c_refused_again,
};

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
