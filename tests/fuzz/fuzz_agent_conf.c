/* fuzz_agent_conf.c - agent.conf is read, written and read again the same, or refused with the line's number. */
#include "fuzz.h"

#include "device/agent_conf.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 2 * BM_MAX_AGENT_CONF }, again = { .max = 2 * BM_MAX_AGENT_CONF };
    static struct bm_agent_conf conf, second; /* 100 KiB */
    struct bm_fail fail = { 0 };

    if (bm_agent_conf_parse(&conf, bm_bytes(data, size), &fail) != BM_OK) {
        must(fail.rc == BM_EINPUT && fail.text[0] != '\0');
        return 0;
    }
    must(conf.n <= BM_MAX_SERVICES);
    bm_agent_conf_build(&text, &conf);
    must(!text.bad && bm_agent_conf_parse(&second, bm_buf_bytes(&text), &fail) == BM_OK && second.n == conf.n);
    for (size_t i = 0; i < conf.n; i++)
        must(bm_agent_conf_find(&second, conf.entry[i].root, conf.entry[i].service) != NULL);
    bm_agent_conf_build(&again, &second);
    must(bm_bytes_equal(bm_buf_bytes(&text), bm_buf_bytes(&again)));
    return 0;
}
