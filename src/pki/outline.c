/* outline.c - a certificate whose key and algorithm may be ones that we do not use (cert.h): vendors' roots have P-521 and SHA-512. */
#include "pki/cert.h"

#include "wire/der.h"

enum bm_rc
bm_cert_outline(struct bm_cert *ret_cert, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_rd outer = bm_rd(der), in = bm_der_enter(&outer, BM_DER_SEQUENCE), whole = in, tbs, validity;
    struct bm_cert cert = { .der = der, .tbs = bm_der_raw(&whole, BM_DER_SEQUENCE) };

    if (der.n > BM_MAX_CERT)
        return bm_fail(fail, BM_EINPUT, NULL, "the certificate is %zu bytes long, more than %d", der.n, BM_MAX_CERT);
    tbs = bm_der_enter(&in, BM_DER_SEQUENCE);
    if (bm_der_peek(&tbs, BM_DER_CONTEXT_CONSTRUCTED(0)))
        (void)bm_der_take(&tbs, BM_DER_CONTEXT_CONSTRUCTED(0));
    (void)bm_der_take(&tbs, BM_DER_INTEGER); /* the serial: there are some that are written badly */
    (void)bm_der_take(&tbs, BM_DER_SEQUENCE);
    cert.issuer = bm_der_raw(&tbs, BM_DER_SEQUENCE);
    validity = bm_der_enter(&tbs, BM_DER_SEQUENCE);
    cert.not_before = bm_der_time(&validity);
    cert.not_after = bm_der_time(&validity);
    cert.subject = bm_der_raw(&tbs, BM_DER_SEQUENCE);
    (void)bm_der_take(&tbs, BM_DER_SEQUENCE);
    (void)bm_der_take(&in, BM_DER_SEQUENCE);
    (void)bm_der_take(&in, BM_DER_BIT_STRING);
    if (tbs.bad || !bm_rd_end(&validity) || !bm_rd_end(&in) || !bm_rd_end(&outer))
        return bm_fail(fail, BM_EINPUT, "RFC 5280 4.1", "the certificate is not in DER as X.509 wants it");
    *ret_cert = cert;
    return BM_OK;
}
