/* fuzz_cert.c - a certificate that we take has its parts inside itself, in order, and names that print without a control character. */
#include "fuzz.h"

#include "pki/cert.h"

static bool
inside(struct bm_bytes part, struct bm_bytes whole)
{
    return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static void
name_check(struct bm_bytes name)
{
    char text[200];

    for (size_t n = 0; n < sizeof(text); n += 13) {
        memset(text, 0x7e, sizeof(text));
        bm_name_print(text, n, name);
        must(n == 0 || memchr(text, 0, n) != NULL);
        must(text[n] == 0x7e);
        for (size_t i = 0; n > 0 && text[i] != 0; i++)
            must((uint8_t)text[i] >= 0x20 && text[i] != 0x7f);
    }
}

static enum bm_rc
one(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_cert cert;

    (void)ctx;
    (void)bm_cert_parse(&cert, der, fail);
    return BM_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bm_bytes whole = bm_bytes(data, size);
    struct bm_fail fail = { 0 };
    struct bm_cert cert, outline;

    (void)bm_pem_parse(whole, "CERTIFICATE", one, NULL, &fail);
    (void)bm_certs_only_parse(whole, one, NULL, &fail);
    name_check(whole);
    if (bm_cert_outline(&outline, whole, &fail) == BM_OK)
        must(inside(outline.issuer, outline.tbs) && inside(outline.subject, outline.tbs) && inside(outline.tbs, whole));
    if (bm_cert_parse(&cert, whole, &fail) != BM_OK)
        return 0;
    must(bm_cert_outline(&outline, whole, &fail) == BM_OK && bm_bytes_equal(outline.subject, cert.subject) &&
         outline.not_after == cert.not_after);
    must(inside(cert.tbs, whole) && inside(cert.signature, whole));
    must(inside(cert.serial, cert.tbs) && inside(cert.issuer, cert.tbs) && inside(cert.subject, cert.tbs));
    must(inside(cert.extensions, cert.tbs) && inside(cert.ski, cert.extensions) && inside(cert.aki, cert.extensions));
    must(cert.serial.n > 0 && cert.serial.n <= BM_MAX_SERIAL && cert.issuer.p < cert.subject.p);
    name_check(cert.subject);
    name_check(cert.issuer);
    return 0;
}
