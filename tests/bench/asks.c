#include "asks.h"

#include "load.h"

#include "evidence/cmc.h"
#include "evidence/word.h"
#include "wire/text.h"

static void
must(enum bm_rc rc, const struct bm_fail *fail)
{
    if (rc != BM_OK)
        bench_die("%s", fail->text);
}

static void
request_add(struct bm_buf *request, const char *path, const char *type, struct bm_bytes body)
{
    bm_buf_add_fmt(request, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", path, type, body.n);
    bm_buf_add_bytes(request, body);
    if (request->bad)
        bench_die("no memory");
}

void
asks_nonce_take(uint8_t ret_nonce[static BM_NONCE], struct bm_bytes body)
{
    bm_cleanup(bm_buf_done) struct bm_buf nonce = { .max = BM_NONCE };
    struct bm_fail fail;

    /* {"nonce":"43 digits", */
    if (body.n < 10 + 43)
        bench_die("a nonce cannot be read");
    must(bm_b64_parse(&nonce, BM_B64_URL, bm_bytes(body.p + 10, 43), &fail), &fail);
    memcpy(ret_nonce, nonce.p, BM_NONCE);
}

void
asks_nonce(struct bm_buf *request, const struct bm_private *root)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 256 };

    bm_buf_add_str(&body, "{\"reqInfo\":\"");
    bm_b64_add(&body, BM_B64_URL, bm_bytes(bm_private_public(root)->hash, BM_HASH));
    bm_buf_add_str(&body, "\"}");
    request_add(request, "/.well-known/est/nonce", "application/json", bm_buf_bytes(&body));
}

/* A CSR by the key, and a CMC request around it by the root key. */
static void
cmc_make(struct bm_buf *cmc, struct bm_buf *csr, struct bm_private *root, const uint8_t *nonce, struct bm_private *key)
{
    bm_cleanup(bm_buf_done) struct bm_buf info = { .max = BM_MAX_CSR }, sig = { .max = BM_MAX_SIGNATURE };
    bm_cleanup(bm_buf_done) struct bm_buf content = { .max = 65536 }, attrs = { .max = 65536 }, root_sig = { .max = BM_MAX_SIGNATURE };
    struct bm_fail fail;

    bm_csr_info_build(&info, bm_key_spki(bm_private_public(key)), NULL);
    must(bm_private_sign(key, bm_buf_bytes(&info), &sig, &fail), &fail);
    bm_csr_build(csr, bm_buf_bytes(&info), bm_private_alg(key), bm_buf_bytes(&sig));
    bm_cmc_prepare(&content, &attrs, bm_buf_bytes(csr), bm_bytes(nonce, BM_NONCE), bm_private_alg(root));
    must(bm_private_sign(root, bm_buf_bytes(&attrs), &root_sig, &fail), &fail);
    bm_cmc_build(cmc, bm_buf_bytes(&content), bm_buf_bytes(&attrs), bm_key_ski(bm_private_public(root)).octets, bm_private_alg(root),
                 bm_buf_bytes(&root_sig));
}

void
asks_enrol(struct bm_buf *request, struct bm_private *root, const uint8_t *nonce, struct bm_private **ret_key)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf csr = { .max = BM_MAX_CSR }, cmc = { .max = 65536 }, text = { .max = 131072 };
    struct bm_fail fail;

    must(bm_private_generate(&key, BM_KEY_P256, &fail), &fail);
    cmc_make(&cmc, &csr, root, nonce, key);
    bm_b64_add(&text, BM_B64_STD, bm_buf_bytes(&cmc));
    request_add(request, "/.well-known/est/bench-1/fullcmc", "application/pkcs7-mime; smime-type=CMC-request", bm_buf_bytes(&text));
    if (ret_key == NULL)
        return;
    *ret_key = key;
    key = NULL;
}

void
asks_renew(struct bm_buf *request, struct bm_private *root, const uint8_t *nonce, struct bm_private *current)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf csr = { .max = BM_MAX_CSR }, cmc = { .max = 65536 }, tbs = { .max = 256 },
                                          sig = { .max = BM_MAX_SIGNATURE }, text = { .max = 131072 };
    struct bm_fail fail;

    must(bm_private_generate(&key, BM_KEY_P256, &fail), &fail);
    cmc_make(&cmc, &csr, root, nonce, key);
    bm_word_tbs(&tbs, BM_WORD_RENEWAL, bm_buf_bytes(&csr));
    must(bm_private_sign(current, bm_buf_bytes(&tbs), &sig, &fail), &fail);
    bm_buf_add_str(&text, "{\"service\":\"mqtt\",\"key\":\"");
    bm_b64_add(&text, BM_B64_STD, bm_key_spki(bm_private_public(current)));
    bm_buf_add_str(&text, "\",\"renewal\":\"");
    bm_b64_add(&text, BM_B64_STD, bm_buf_bytes(&sig));
    bm_buf_add_str(&text, "\",\"cmc\":\"");
    bm_b64_add(&text, BM_B64_STD, bm_buf_bytes(&cmc));
    bm_buf_add_str(&text, "\"}");
    request_add(request, "/v1/renew", "application/json", bm_buf_bytes(&text));
}

void
asks_confirm(struct bm_buf *request)
{
    request_add(request, "/v1/confirm", "application/json", bm_bytes_str("{}"));
}
