/* fuzz_peer_message.c - what registrar, gates and commands say to each other: whatever is read is written again as the same bytes. */
#include "fuzz.h"

#include "proc/control_messages.h"
#include "proc/gate_messages.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bm_bytes input = bm_bytes(data, size);
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = size + 16 };
    struct bm_fail fail = { 0 };
    struct bm_c_refused command;
    struct bm_g_refused gate;
    struct bm_g_enrol enrol;
    struct bm_g_certs certs;

    if (bm_c_refused_parse(&command, bm_rd(input), &fail) == BM_OK) {
        bm_c_refused_build(&again, &command);
        must(bm_bytes_equal(bm_buf_bytes(&again), input) && command.rc != BM_OK);
    }
    bm_buf_reset(&again);
    if (bm_g_refused_parse(&gate, bm_rd(input), &fail) == BM_OK) {
        bm_g_refused_build(&again, &gate);
        must(bm_bytes_equal(bm_buf_bytes(&again), input) && gate.rc != BM_OK);
    }
    bm_buf_reset(&again);
    if (bm_g_enrol_parse(&enrol, bm_rd(input), &fail) == BM_OK) {
        bm_g_enrol_build(&again, &enrol);
        must(bm_bytes_equal(bm_buf_bytes(&again), input));
    }
    bm_buf_reset(&again);
    if (bm_g_certs_parse(&certs, bm_rd(input), &fail) == BM_OK) {
        bm_g_certs_build(&again, &certs);
        must(bm_bytes_equal(bm_buf_bytes(&again), input) && certs.n > 0);
    }
    return 0;
}
