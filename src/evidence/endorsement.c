#include "evidence/endorsement.h"

#include "lot/ek_cert.h"
#include "wire/rd.h"

#define MAX_SAYS 200 /* bytes of a manufacturer, model or version: real ones have under 40 */

enum bm_rc
bm_endorsement_parse(struct bm_endorsement *ret, struct bm_bytes part, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(part);
    struct bm_endorsement endorsement = { .n = bm_rd_u8(&rd) };

    if (endorsement.n == 0 || endorsement.n > BM_MAX_CHAIN)
        return bm_fail(fail, BM_EINPUT, NULL, "the endorsement has no certificates, or more than %d", BM_MAX_CHAIN);
    for (size_t i = 0; i < endorsement.n; i++)
        endorsement.cert[i] = bm_rd_lv16(&rd, BM_MAX_CERT);
    if (!bm_rd_end(&rd))
        return bm_fail(fail, BM_EINPUT, NULL, "the endorsement is cut short, has bytes after its end, or a certificate that is too long");
    *ret = endorsement;
    return BM_OK;
}

void
bm_endorsement_build(struct bm_buf *buf, const struct bm_endorsement *endorsement)
{
    bm_buf_add_u8(buf, (uint8_t)endorsement->n);
    for (size_t i = 0; i < endorsement->n; i++)
        bm_buf_add_lv16(buf, endorsement->cert[i]);
}

static struct bm_bytes
said(struct bm_bytes value)
{
    return value.n <= MAX_SAYS ? value : bm_bytes(value.p, MAX_SAYS);
}

enum bm_rc
bm_endorsement_check(struct bm_shown *shown, const struct bm_endorsement *endorsement, const uint8_t ek_hash[static BM_HASH],
                     struct bm_fail *fail)
{
    const struct bm_bytes *certs = endorsement->cert;
    const size_t n = endorsement->n;
    struct bm_certs between = { certs + 1, n > 2 ? n - 2 : 0 }, anchors = { certs + n - 1, 1 };
    struct bm_cert_loose loose;
    struct bm_ek_says says;
    struct bm_cert cert;
    enum bm_rc rc;

    if ((rc = bm_cert_parse(&cert, certs[0], fail)) != BM_OK || (rc = bm_cert_loose_parse(&loose, certs[0], fail)) != BM_OK) {
        bm_fail_prefix(fail, "the endorsement key's certificate");
        return rc;
    }
    if (memcmp(cert.key.hash, ek_hash, BM_HASH) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "the endorsement certificate is for another key than the one that was activated: send this TPM's own");
    /* A certificate that is pinned itself would lead to itself: nobody certified it. */
    if (n < 2)
        return bm_fail(fail, BM_EPOLICY, NULL, "the endorsement certificate comes without the root of the TPM's maker");
    if ((rc = bm_path_check(certs[0], between, anchors, cert.not_before, fail)) != BM_OK) {
        bm_fail_prefix(fail, "the endorsement key's certificate");
        return rc;
    }
    bm_ek_say(&says, &loose);
    if (!says.purpose || bm_cert_loose_is_ca(&loose))
        return BM_OK; /* true, and no word about an endorsement key */
    shown->proven |= BM_PROVEN_EK_CERTIFIED;
    shown->manufacturer = said(says.manufacturer);
    shown->model = said(says.model);
    shown->version = said(says.version);
    bm_sha256(shown->ek_root, certs[n - 1]);
    return BM_OK;
}

void
bm_endorsement_settle(struct bm_shown *shown, const uint8_t (*roots)[BM_HASH], size_t nroots)
{
    for (size_t i = 0; i < nroots; i++)
        if (memcmp(roots[i], shown->ek_root, BM_HASH) == 0)
            return;
    shown->proven &= ~(unsigned)BM_PROVEN_EK_CERTIFIED;
    shown->manufacturer = shown->model = shown->version = bm_bytes(NULL, 0);
}
