#include "registrar/endorse.h"

#include "evidence/endorsement.h"
#include "registrar/vendor_record.h"

/* All certificates one behind the other: those sent, then the vendor's pinned ones. */
static void
pool_fill(struct bm_buf *pool, const struct bm_endorsement *sent, struct bm_bytes record)
{
    size_t n;
    struct bm_rd roots = bm_vendor_roots(record, &n);

    for (size_t i = 0; i < sent->n; i++)
        bm_buf_add_bytes(pool, sent->cert[i]);
    for (; n > 0 && !roots.bad; n--)
        bm_buf_add_bytes(pool, bm_rd_lv16(&roots, UINT16_MAX));
}

static bool
pinned(struct bm_bytes record, struct bm_bytes der)
{
    size_t n;
    struct bm_rd roots = bm_vendor_roots(record, &n);

    for (; n > 0 && !roots.bad; n--)
        if (bm_bytes_equal(bm_rd_lv16(&roots, UINT16_MAX), der))
            return true;
    return false;
}

/* The certificate of the key that is to be activated; empty when none was sent. */
static struct bm_bytes
own_find(const struct bm_endorsement *sent, struct bm_bytes ek)
{
    struct bm_fail ignored = { .rc = BM_OK };
    struct bm_cert cert;

    for (size_t i = 0; i < sent->n; i++)
        if (bm_cert_parse(&cert, sent->cert[i], &ignored) == BM_OK && bm_bytes_equal(bm_key_spki(&cert.key), ek))
            return sent->cert[i];
    return bm_bytes(NULL, 0);
}

enum bm_rc
bm_endorse(struct bm_buf *part, struct bm_store *store, const char *vendor, struct bm_bytes claim, struct bm_bytes sent,
           struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf record = { .max = BM_MAX_VENDOR }, pool = { .max = BM_MAX_VENDOR + BM_MAX_EVIDENCE };
    struct bm_endorsement in, out = { .n = 0 };
    struct bm_tpm_claim tpm;
    struct bm_bytes own;
    enum bm_rc rc;

    if ((rc = bm_endorsement_parse(&in, sent, fail)) != BM_OK || (rc = bm_tpm_claim_parse(&tpm, claim, fail)) != BM_OK)
        return rc;
    if ((own = own_find(&in, tpm.ek)).n == 0)
        return BM_OK;
    if ((rc = bm_store_vendor_get(store, vendor, &record, fail)) != BM_OK)
        return rc == BM_EPOLICY ? BM_OK : rc; /* retired since */
    pool_fill(&pool, &in, bm_buf_bytes(&record));
    if ((rc = bm_buf_check(&pool, "the endorsement certificates", fail)) != BM_OK)
        return rc;
    out.n = bm_id_chain_arrange(out.cert, own, bm_buf_bytes(&pool));
    while (out.n > 0 && !pinned(bm_buf_bytes(&record), out.cert[out.n - 1]))
        out.n--;
    if (out.n < 2)
        return BM_OK;
    bm_endorsement_build(part, &out);
    return bm_buf_check(part, "the endorsement", fail);
}
