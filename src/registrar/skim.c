#include "registrar/skim.h"

#include "pki/key.h"
#include "wire/der.h"

enum bm_rc
bm_cert_skim(struct bm_skim *ret_skim, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(der), in = bm_der_enter(&rd, BM_DER_SEQUENCE), tbs = bm_der_enter(&in, BM_DER_SEQUENCE), validity;
    struct bm_bytes spki;

    (void)bm_der_take(&tbs, BM_DER_CONTEXT_CONSTRUCTED(0)); /* version */
    (void)bm_der_take(&tbs, BM_DER_INTEGER);                /* serial */
    (void)bm_der_take(&tbs, BM_DER_SEQUENCE);               /* signature */
    ret_skim->issuer = bm_der_raw(&tbs, BM_DER_SEQUENCE);
    validity = bm_der_enter(&tbs, BM_DER_SEQUENCE);
    (void)bm_der_time(&validity);
    ret_skim->not_after = bm_der_time(&validity);
    (void)bm_der_take(&tbs, BM_DER_SEQUENCE); /* subject */
    spki = bm_der_raw(&tbs, BM_DER_SEQUENCE);
    if (tbs.bad || !bm_rd_end(&validity) || !bm_rd_end(&rd))
        return bm_fail(fail, BM_EINPUT, "RFC 5280 4.1", "the certificate is not in DER as X.509 wants it");
    bm_sha256(ret_skim->key, spki);
    return BM_OK;
}
