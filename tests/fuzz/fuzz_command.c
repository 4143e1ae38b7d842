/* fuzz_command.c - what a command reads: trust.txt, a vendor's record and its words, leaves that a server tells. Read again, it says the same. */
#include "fuzz.h"

#include "cli/leaf.h"
#include "cli/maker.h"
#include "cli/places.h"
#include "cli/server_cert.h"

static void
trust_again(struct bm_bytes input)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = input.n + 1 };
    struct bm_fail fail = { 0 };
    struct bm_trust trust;

    if (bm_trust_parse(&trust, input, &fail) != BM_OK)
        return;
    bm_trust_build(&again, &trust.ledger, (const uint8_t(*)[BM_HASH])trust.roots, trust.nroots, trust.test);
    must(bm_bytes_equal(bm_buf_bytes(&again), input));
}

static void
vendor_again(struct bm_bytes input)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = input.n + 1 }, third = { .max = input.n + 1 };
    bm_cleanup(bm_maker_done) struct bm_maker first = { 0 }, second = { 0 };
    struct bm_fail fail = { 0 };

    if (bm_maker_parse(&first, input, &fail) != BM_OK)
        return;
    /* keys are told before certificates, and none twice: a second reading is a fixed point */
    bm_maker_build(&again, &first);
    must(!again.bad && bm_maker_parse(&second, bm_buf_bytes(&again), &fail) == BM_OK);
    bm_maker_build(&third, &second);
    must(bm_bytes_equal(bm_buf_bytes(&again), bm_buf_bytes(&third)));
}

static void
told_read(struct bm_bytes input)
{
    bm_cleanup(bm_told_done) struct bm_told told = { 0 };
    struct bm_fail fail = { 0 };

    if (bm_told_parse(&told, input, &fail) == BM_OK)
        must(told.event.n <= BM_MAX_EVENT && told.event.p[told.event.n] == 0);
    else
        must(fail.text[0] != 0);
}

static void
url_read(struct bm_bytes input)
{
    char url[300] = "", host[BM_HOST];

    if (input.n >= sizeof(url))
        return;
    for (size_t i = 0; i < input.n; i++)
        url[i] = (char)input.p[i];
    if (bm_url_host(host, url))
        must(host[0] != 0 && strstr(url, host) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bm_bytes input = bm_bytes(data, size);

    trust_again(input);
    vendor_again(input);
    told_read(input);
    url_read(input);
    return 0;
}
