/* fuzz_message.c - any packet is refused or is head and body byte for byte; no table serves what its row does not allow. */
#include "base/base.h"
#include "proc/rules.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum bm_rc
serve(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    size_t *served = ctx;

    (void)id;
    (void)fail;
    if (body.left < 2 || body.left > 40)
        abort();
    ++*served;
    return BM_OK;
}

static const struct bm_rule table[] = {
    { .type = 0, .phases = 1, .min = 2, .max = 40, .once = true, .serve = serve },
    { .type = 1, .phases = 1, .min = 2, .max = 8, .serve = serve },
    { .type = 2, .phases = 2, .min = 0, .max = 0, .serve = serve }, /* never in this phase: it would abort */
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bm_message message;
    struct bm_fail fail = { .rc = BM_OK };
    size_t served = 0;
    struct bm_rules rules = { .table = table, .count = BM_COUNT(table), .phase = 1, .ctx = &served };
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = BM_MAX_MESSAGE };
    enum bm_rc rc = bm_message_parse(&message, bm_bytes(data, size), &fail);

    if (rc != BM_OK && fail.text[0] == '\0')
        abort();
    if (rc != BM_OK)
        return 0;
    bm_buf_add_u16(&again, message.version);
    bm_buf_add_u16(&again, message.type);
    bm_buf_add_u64(&again, message.id);
    bm_buf_add_bytes(&again, message.body);
    if (!bm_bytes_equal(bm_buf_bytes(&again), bm_bytes(data, size)))
        abort();
    for (int i = 0; i < 2; i++)
        if (bm_rules_pass(&rules, &message, &fail) == BM_OK && message.type == 0 && i == 1)
            abort();
    if (served > 2)
        abort();
    return 0;
}
