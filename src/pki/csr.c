#include "pki/csr.h"

#include "pki/name.h"
#include "pki/oid.h"
#include "pki/tbs.h"
#include "wire/der.h"

#define MAX_ATTRIBUTES 16 /* real requests carry none to three; they are walked, not used */

/* Attributes ::= SET OF SEQUENCE { type OID, values SET OF ANY }. Their shape only: nothing in them is asked for. */
static bool
attributes_ok(struct bm_rd attributes)
{
    for (size_t n = 0; !bm_rd_end(&attributes); n++) {
        struct bm_rd attribute = bm_der_enter(&attributes, BM_DER_SEQUENCE);
        struct bm_bytes oid = bm_der_take(&attribute, BM_DER_OID);
        struct bm_rd values = bm_der_enter(&attribute, BM_DER_SET);

        if (n == MAX_ATTRIBUTES || oid.n == 0 || values.left == 0 || !bm_rd_end(&attribute))
            return false;
        while (!bm_rd_end(&values)) {
            (void)bm_der_any(&values, NULL);
            if (values.bad)
                return false;
        }
    }
    return true;
}

/* CertificationRequestInfo ::= SEQUENCE { version 0, subject Name, SubjectPublicKeyInfo, [0] Attributes } */
static enum bm_rc
info_parse(struct bm_csr *csr, struct bm_rd info, struct bm_fail *fail)
{
    uint64_t version = bm_der_uint(&info, BM_DER_INTEGER);
    struct bm_bytes spki;

    csr->subject = bm_name_take(&info);
    spki = bm_der_raw(&info, BM_DER_SEQUENCE);
    /* req: RFC2986 4.1 the attributes' element is there, even when it is empty */
    csr->attributes = bm_der_take(&info, BM_DER_CONTEXT_CONSTRUCTED(0));
    if (!bm_rd_end(&info))
        return bm_fail(fail, BM_EINPUT, "RFC 2986 4.1", "the request is not a PKCS#10 request in DER");
    /* req: RFC2986 4 version 0 */
    if (version != 0)
        return bm_fail(fail, BM_EINPUT, "RFC 2986 4.1", "the request's version is not 0");
    if (!attributes_ok(bm_rd(csr->attributes)))
        return bm_fail(fail, BM_EINPUT, "RFC 2986 4.1", "the request's attributes are malformed or more than %d", MAX_ATTRIBUTES);
    return bm_key_parse(&csr->key, spki, fail);
}

enum bm_rc
bm_csr_parse(struct bm_csr *ret_csr, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_rd outer = bm_rd(der), in, info;
    struct bm_csr csr = { .der = der };
    struct bm_bytes alg;
    enum bm_rc rc;

    if (der.n > BM_MAX_CSR)
        return bm_fail(fail, BM_EINPUT, NULL, "the request is %zu bytes long, more than %d", der.n, BM_MAX_CSR);
    in = bm_der_enter(&outer, BM_DER_SEQUENCE);
    csr.info = bm_der_raw(&in, BM_DER_SEQUENCE);
    alg = bm_der_raw(&in, BM_DER_SEQUENCE);
    csr.signature = bm_der_bits(&in);
    if (!bm_rd_end(&in) || outer.bad)
        return bm_fail(fail, BM_EINPUT, "RFC 2986 4.2", "the request is not a PKCS#10 request in DER");
    if (!bm_rd_end(&outer))
        return bm_fail(fail, BM_EINPUT, "RFC 2986 4.2", "the request has %zu bytes after its end", outer.left);
    outer = bm_rd(csr.info);
    info = bm_der_enter(&outer, BM_DER_SEQUENCE);
    if ((rc = info_parse(&csr, info, fail)) != BM_OK || (rc = bm_sig_alg_parse(&csr.alg, alg, fail)) != BM_OK)
        return rc;
    *ret_csr = csr;
    return BM_OK;
}

enum bm_rc
bm_csr_check(struct bm_crypto *crypto, const struct bm_csr *csr, struct bm_fail *fail)
{
    enum bm_rc rc = bm_key_verify(crypto, &csr->key, csr->alg, csr->info, csr->signature, fail);

    /* req: RFC2986 3 the requester holds the private key: it signed the request with it */
    if (rc != BM_OK)
        bm_fail_prefix(fail, "the request");
    return rc;
}

void
bm_csr_info_build_attributes(struct bm_buf *buf, struct bm_bytes spki, const char *cn, struct bm_bytes attributes)
{
    size_t info = bm_der_begin(buf, BM_DER_SEQUENCE), name;

    bm_der_add_uint(buf, BM_DER_INTEGER, 0);
    name = bm_der_begin(buf, BM_DER_SEQUENCE);
    if (cn != NULL)
        bm_name_add(buf, BM_OID(bm_oid_cn), cn);
    bm_der_end(buf, name);
    bm_buf_add_bytes(buf, spki);
    bm_der_add(buf, BM_DER_CONTEXT_CONSTRUCTED(0), attributes);
    bm_der_end(buf, info);
}

void
bm_csr_info_build(struct bm_buf *buf, struct bm_bytes spki, const char *cn)
{
    bm_csr_info_build_attributes(buf, spki, cn, bm_bytes(NULL, 0));
}

void
bm_csr_build(struct bm_buf *buf, struct bm_bytes info, enum bm_sig_alg alg, struct bm_bytes signature)
{
    bm_signed_build(buf, info, alg, signature);
}
