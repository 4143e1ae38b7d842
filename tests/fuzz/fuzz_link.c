/* fuzz_link.c - a line on the link between device and station is a message that is written back the same, or is refused; neither end hangs or breaks on it. */
#include "fuzz.h"

#include "device/link.h"

#include <fcntl.h>
#include <unistd.h>

static void
written_back(const struct bm_link_message *message)
{
    bm_cleanup(bm_buf_done) struct bm_buf line = { .max = BM_LINK_LINE };
    bm_cleanup(bm_link_message_done) struct bm_link_message again = { 0 };
    struct bm_fail fail = { 0 };

    must(bm_link_print(&line, message->json, &fail) == BM_OK && line.n > 0 && line.p[line.n - 1] == '\n');
    must(bm_link_parse(&again, bm_bytes(line.p, line.n - 1), &fail) == BM_OK);
    must(again.say == message->say && json_equal(again.json, message->json));
}

/* Both ends read like this; each with the messages that it takes at that moment. */
static void
heard(const uint8_t *data, size_t size, unsigned allowed)
{
    struct bm_fail fail = { 0 };
    struct bm_link link;
    int ends[2];

    if (size > 4096 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1)
        return;
    must(write(ends[1], data, size) == (ssize_t)size);
    (void)close(ends[1]);
    link = bm_link(ends[0], -1);
    for (;;) {
        bm_cleanup(bm_link_message_done) struct bm_link_message message = { 0 };
        enum bm_rc rc = bm_link_next(&link, allowed, 1, &message, &fail);

        if (rc != BM_OK) {
            must((rc == BM_EINPUT || rc == BM_EBUSY) && fail.text[0] != '\0');
            break;
        }
        must((BM_LINK_BIT(message.say) & allowed) != 0);
    }
    bm_link_done(&link);
    (void)close(ends[0]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_link_message_done) struct bm_link_message message = { 0 };
    struct bm_fail fail = { 0 };

    if (bm_link_parse(&message, bm_bytes(data, size), &fail) == BM_OK)
        written_back(&message);
    else
        must(fail.rc == BM_EINPUT && fail.text[0] != '\0');
    heard(data, size, BM_LINK_COMMANDS);
    heard(data, size, ((1u << BM_LINK__N) - 1) & ~BM_LINK_COMMANDS);
    return 0;
}
