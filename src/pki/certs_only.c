/* certs_only.c - a CMS SignedData that carries certificates and signs nothing (cert.h). */
#include "pki/cert.h"
#include "pki/oid.h"
#include "wire/der.h"

/*
 * ContentInfo SEQUENCE { id-signedData, [0] SignedData SEQUENCE {
 *     INTEGER 1, SET {} digestAlgorithms, SEQUENCE { id-data }, [0] { Certificate... }, SET {} signerInfos } }
 * The certificates stand in the order given (BER is enough here, RFC 5652 10.2.3), so that readers who take the first one are served.
 */
void
bm_certs_only_build(struct bm_buf *buf, struct bm_certs certs)
{
    size_t info = bm_der_begin(buf, BM_DER_SEQUENCE), outer, data, at;

    bm_der_add(buf, BM_DER_OID, BM_OID(bm_oid_cms_signed_data));
    outer = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(0));
    data = bm_der_begin(buf, BM_DER_SEQUENCE);
    bm_der_add_uint(buf, BM_DER_INTEGER, 1);
    bm_der_add(buf, BM_DER_SET, bm_bytes(NULL, 0));
    at = bm_der_begin(buf, BM_DER_SEQUENCE);
    /* req: RFC5272 4.1 no content and no signer: the simple response is the certificates alone */
    bm_der_add(buf, BM_DER_OID, BM_OID(bm_oid_cms_data));
    bm_der_end(buf, at);
    at = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(0));
    for (size_t i = 0; i < certs.n; i++)
        bm_buf_add_bytes(buf, certs.der[i]);
    bm_der_end(buf, at);
    bm_der_add(buf, BM_DER_SET, bm_bytes(NULL, 0));
    bm_der_end(buf, data);
    bm_der_end(buf, outer);
    bm_der_end(buf, info);
}

/* The content of [0], once all around it is as it should be. */
static bool
certs_find(struct bm_bytes der, struct bm_rd *ret_certs)
{
    struct bm_rd outer = bm_rd(der), info = bm_der_enter(&outer, BM_DER_SEQUENCE), wrapped, data, content;
    uint64_t version;

    if (!bm_der_oid_is(bm_der_take(&info, BM_DER_OID), bm_oid_cms_signed_data, sizeof(bm_oid_cms_signed_data)))
        return false;
    wrapped = bm_der_enter(&info, BM_DER_CONTEXT_CONSTRUCTED(0));
    data = bm_der_enter(&wrapped, BM_DER_SEQUENCE);
    version = bm_der_uint(&data, BM_DER_INTEGER);
    if (bm_der_take(&data, BM_DER_SET).n != 0 || version != 1)
        return false;
    content = bm_der_enter(&data, BM_DER_SEQUENCE);
    if (!bm_der_oid_is(bm_der_take(&content, BM_DER_OID), bm_oid_cms_data, sizeof(bm_oid_cms_data)) || !bm_rd_end(&content))
        return false;
    *ret_certs = bm_der_enter(&data, BM_DER_CONTEXT_CONSTRUCTED(0));
    if (bm_der_peek(&data, BM_DER_CONTEXT_CONSTRUCTED(1)))
        (void)bm_der_take(&data, BM_DER_CONTEXT_CONSTRUCTED(1)); /* CRLs: not asked for */
    return bm_der_take(&data, BM_DER_SET).n == 0 && bm_rd_end(&data) && bm_rd_end(&wrapped) && bm_rd_end(&info) && bm_rd_end(&outer);
}

enum bm_rc
bm_certs_only_parse(struct bm_bytes der, enum bm_rc (*cert)(void *ctx, struct bm_bytes der, struct bm_fail *fail), void *ctx,
                    struct bm_fail *fail)
{
    struct bm_rd certs;
    enum bm_rc rc;

    if (!certs_find(der, &certs))
        return bm_fail(fail, BM_EINPUT, "RFC 5272 4.1", "this is not a CMS message of certificates alone");
    while (!bm_rd_end(&certs)) {
        struct bm_bytes one = bm_der_raw(&certs, BM_DER_SEQUENCE);

        if (certs.bad)
            return bm_fail(fail, BM_EINPUT, "RFC 5652 10.2.2", "the CMS message holds something else than X.509 certificates");
        if ((rc = cert(ctx, one, fail)) != BM_OK)
            return rc;
    }
    return BM_OK;
}
