/* fuzz_reply.c - what a server sends to a device: nonce, challenge, certificates, sentence. Taken whole within its limits, or refused with a sentence. */
#include "fuzz.h"

#include "device/enrol.h"
#include "device/http_ways.h"
#include "wire/rd.h"

static void
refused(const struct bm_fail *fail)
{
    must((fail->rc == BM_EINPUT || fail->rc == BM_EPOLICY) && fail->text[0] != '\0' && strchr(fail->text, '\n') == NULL);
}

/* Views into what was given, and one of them is for the key. */
static void
certs_look(struct bm_bytes certs)
{
    struct bm_rd rd = bm_rd(certs);
    struct bm_bytes list[BM_ENROL_CERTS];
    struct bm_fail fail = { 0 };
    struct bm_key key = { .hash = { 1 } };
    struct bm_cert cert;
    size_t n = 0;

    while (rd.left > 0)
        must(bm_rd_lv32(&rd, BM_MAX_CERT).n <= BM_MAX_CERT && !rd.bad);
    must(bm_enrol_check(certs, &key, (struct bm_certs){ NULL, 0 }, BM_CLOCK_FLOOR, list, &n, &fail) != BM_OK);
    refused(&fail);
    rd = bm_rd(certs);
    if (rd.left > 0 && bm_cert_parse(&cert, bm_rd_lv32(&rd, BM_MAX_CERT), &fail) == BM_OK) {
        (void)bm_renew_from(&cert);
        must(bm_enrol_check(certs, &cert.key, (struct bm_certs){ NULL, 0 }, cert.not_before, list, &n, &fail) !=
             BM_OK); /* nobody is trusted */
    }
}

static enum bm_rc
cert_add(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    (void)fail;
    bm_buf_add_lv32(ctx, der);
    return BM_OK;
}

static void
sentence_look(struct bm_bytes body)
{
    static const char *const types[] = { "application/json", "text/plain; charset=utf-8", "text/html", "" };
    char sentence[360];

    for (size_t i = 0; i < BM_COUNT(types); i++) {
        bm_http_sentence(sentence, body, types[i]);
        must(memchr(sentence, '\0', sizeof(sentence)) != NULL);
        for (const char *c = sentence; *c != '\0'; c++)
            must((unsigned char)*c >= 0x20 && *c != 0x7f);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_buf_done) struct bm_buf one = { .max = 1024 }, two = { .max = 1024 },
                                          certs = { .max = BM_ENROL_CERTS * (BM_MAX_CERT + 4) };
    const struct bm_bytes reply = bm_bytes(data, size);
    struct bm_fail fail = { 0 };

    if (bm_enrol_nonce_parse(&one, reply, &fail) != BM_OK)
        refused(&fail);
    bm_buf_reset(&one);
    if (bm_enrol_challenge_parse(&one, &two, reply, &fail) != BM_OK)
        refused(&fail);
    must(one.n <= 1024 && two.n <= 1024);
    if (bm_enrol_certs_parse(&certs, reply, &fail) == BM_OK)
        certs_look(bm_buf_bytes(&certs));
    else
        refused(&fail);
    bm_buf_reset(&certs);
    if (bm_certs_only_parse(reply, cert_add, &certs, &fail) == BM_OK && !certs.bad)
        certs_look(bm_buf_bytes(&certs));
    sentence_look(reply);
    return 0;
}
