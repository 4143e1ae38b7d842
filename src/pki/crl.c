/* crl.c - certificate revocation lists (tbs.h). */
#include "pki/oid.h"
#include "pki/parts.h"
#include "wire/der.h"

/* req: RFC5280 5.3.1 0 is said by leaving it out, 7 is not used, 8 belongs to delta CRLs */
static bool
reason_ok(unsigned reason)
{
    return reason <= 10 && reason != 7 && reason != 8;
}

/* SEQUENCE { serial, time, extensions SEQUENCE { reasonCode } OPTIONAL } */
static void
add_revoked(struct bm_buf *buf, const struct bm_revoked *revoked)
{
    size_t entry = bm_der_begin(buf, BM_DER_SEQUENCE), at;
    struct bm_extension extension;

    bm_der_add_positive(buf, bm_bytes(revoked->serial, revoked->nserial));
    bm_der_add_time(buf, revoked->time);
    if (revoked->reason != 0) {
        at = bm_der_begin(buf, BM_DER_SEQUENCE);
        extension = bm_extension_begin(buf, BM_OID(bm_oid_crl_reason), false);
        bm_der_add_uint(buf, BM_DER_ENUMERATED, revoked->reason);
        bm_extension_end(buf, extension);
        bm_der_end(buf, at);
    }
    bm_der_end(buf, entry);
}

static void
add_crl_extensions(struct bm_buf *buf, const struct bm_issuer *issuer, uint64_t number)
{
    size_t outer = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(0)), at = bm_der_begin(buf, BM_DER_SEQUENCE);
    struct bm_extension extension;

    bm_extension_aki(buf, issuer->key_id);
    extension = bm_extension_begin(buf, BM_OID(bm_oid_crl_number), false);
    bm_der_add_uint(buf, BM_DER_INTEGER, number);
    bm_extension_end(buf, extension);
    bm_extension_crl_scope(buf, issuer->crl_url);
    bm_der_end(buf, at);
    bm_der_end(buf, outer);
}

enum bm_rc
bm_crl_build(struct bm_buf *buf, const struct bm_issuer *issuer, const struct bm_revoked *revoked, size_t nrevoked, uint64_t number,
             bm_time this_update, bm_time next_update, struct bm_fail *fail)
{
    size_t tbs = bm_der_begin(buf, BM_DER_SEQUENCE), at;

    if (next_update <= this_update)
        return bm_fail(fail, BM_EBUG, "RFC 5280 5.1.2.5", "the CRL would be out of date when it is made");
    for (size_t i = 0; i < nrevoked; i++)
        if (!reason_ok(revoked[i].reason) || revoked[i].nserial == 0 || revoked[i].nserial > BM_MAX_SERIAL)
            return bm_fail(fail, BM_EBUG, "RFC 5280 5.3.1", "entry %zu of the CRL has no serial number or an unknown reason", i);
    /* req: RFC5280 5.1.2.1 v2 is the number 1 */
    bm_der_add_uint(buf, BM_DER_INTEGER, 1);
    bm_sig_alg_add(buf, issuer->alg);
    bm_buf_add_bytes(buf, issuer->subject);
    bm_der_add_time(buf, this_update);
    bm_der_add_time(buf, next_update);
    /* req: RFC5280 5.1.2.6 no list when nothing is revoked */
    if (nrevoked > 0) {
        at = bm_der_begin(buf, BM_DER_SEQUENCE);
        for (size_t i = 0; i < nrevoked; i++)
            add_revoked(buf, &revoked[i]);
        bm_der_end(buf, at);
    }
    add_crl_extensions(buf, issuer, number);
    bm_der_end(buf, tbs);
    return bm_buf_check(buf, "the CRL", fail);
}
