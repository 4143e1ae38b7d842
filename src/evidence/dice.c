#include "evidence/dice.h"

#include "pki/oid.h"

/* ---- what the certificate says of its code ---- */

static enum bm_rc
measurement_read(struct bm_dice_layer *layer, const struct bm_cert *cert, const char *who, struct bm_fail *fail)
{
    struct bm_bytes der = bm_cert_extension(cert, bm_oid_tcb_info, &(bool){ false });
    struct bm_tcb_info info;
    enum bm_rc rc;

    if (der.n == 0)
        return bm_fail(fail, BM_EPOLICY, "TCG DICE TcbInfo", "the certificate of %s says nothing of the code that was measured", who);
    if ((rc = bm_tcb_info_parse(&info, der, fail)) != BM_OK)
        return rc;
    if (info.nfwids != 1 || !bm_bytes_equal(info.fwids[0].alg, BM_OID(bm_oid_sha256)) || info.fwids[0].digest.n != BM_HASH)
        return bm_fail(fail, BM_EPOLICY, "TCG DICE TcbInfo", "the code that %s stands for must be measured by one SHA-256", who);
    memcpy(layer->measured, info.fwids[0].digest.p, BM_HASH);
    layer->svn = info.svn;
    return BM_OK;
}

/* ---- one certificate ---- */

static enum bm_rc
shape_check(struct bm_bytes der, bool ca, const char *who, struct bm_fail *fail)
{
    const struct bm_bytes known[] = { BM_OID(bm_oid_basic_constraints), BM_OID(bm_oid_key_usage), BM_OID(bm_oid_eku), BM_OID(bm_oid_san),
                                      bm_oid_tcb_info };
    struct bm_cert_loose loose;
    enum bm_rc rc;

    if ((rc = bm_cert_loose_parse(&loose, der, fail)) != BM_OK)
        return rc;
    /* req: RFC5280 4.2 an unknown critical extension ends it */
    if (bm_cert_loose_critical(&loose, known, BM_COUNT(known)).n > 0)
        return bm_fail(fail, BM_EPOLICY, "RFC 5280 4.2", "the certificate of %s has a critical extension that is not known here", who);
    if (bm_cert_loose_is_ca(&loose) != ca)
        return bm_fail(fail, BM_EPOLICY, "RFC 5280 4.2.1.9", "the certificate of %s %s", who,
                       ca ? "must be a CA's, since it certifies Alias" : "must not be a CA's: nothing stands below Alias");
    return BM_OK;
}

static enum bm_rc
layer_check(struct bm_dice_layer *ret, struct bm_crypto *crypto, const struct bm_key *issuer, struct bm_bytes der, bm_time at, bool ca,
            struct bm_fail *fail)
{
    const char *who = ca ? "DeviceID" : "Alias";
    struct bm_cert cert;
    enum bm_rc rc;

    if ((rc = bm_cert_parse(&cert, der, fail)) != BM_OK) {
        bm_fail_prefix(fail, "the certificate of %s", who);
        return rc;
    }
    if ((rc = bm_key_verify(crypto, issuer, cert.alg, cert.tbs, cert.signature, fail)) == BM_ENOMEM)
        return rc;
    if (rc != BM_OK)
        return bm_fail(fail, BM_EPOLICY, "RFC 5280 6.1.3", "the certificate of %s is not signed by %s", who,
                       ca ? "the root key that the lot lists" : "DeviceID");
    if (at < cert.not_before || at > cert.not_after)
        return bm_fail(fail, BM_EPOLICY, "RFC 5280 6.1.3", "the certificate of %s is not valid at this time", who);
    if ((rc = shape_check(der, ca, who, fail)) != BM_OK || (rc = measurement_read(ret, &cert, who, fail)) != BM_OK)
        return rc;
    ret->key = cert.key;
    return BM_OK;
}

static bool
same(const struct bm_key *a, const struct bm_key *b)
{
    return memcmp(a->hash, b->hash, BM_HASH) == 0;
}

enum bm_rc
bm_dice_check(struct bm_dice *ret, struct bm_crypto *crypto, const struct bm_key *root, struct bm_bytes device_id, struct bm_bytes alias,
              bm_time at, struct bm_fail *fail)
{
    struct bm_dice dice;
    enum bm_rc rc;

    if ((rc = layer_check(&dice.device_id, crypto, root, device_id, at, true, fail)) != BM_OK ||
        (rc = layer_check(&dice.alias, crypto, &dice.device_id.key, alias, at, false, fail)) != BM_OK)
        return rc;
    if (same(root, &dice.device_id.key) || same(root, &dice.alias.key) || same(&dice.device_id.key, &dice.alias.key))
        return bm_fail(fail, BM_EPOLICY, NULL, "the root key, DeviceID and Alias must be three keys");
    *ret = dice;
    return BM_OK;
}
