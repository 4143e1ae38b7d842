#include "pki/tbs.h"

#include "pki/name.h"
#include "pki/oid.h"
#include "pki/parts.h"

/* An IDevID has no extKeyUsage, which would narrow what it can be shown for, and no CRL pointer, since an entry for it could never be
 * dropped. */
static enum bm_rc
add_extensions(struct bm_buf *buf, const struct bm_profile *profile, const struct bm_issuer *issuer, const struct bm_subject *subject,
               const struct bm_key *key, struct bm_fail *fail)
{
    bool operational = profile->ca == BM_CA_OPERATIONAL;
    size_t outer = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(3)), at = bm_der_begin(buf, BM_DER_SEQUENCE);
    enum bm_rc rc;

    if (profile->basic_constraints)
        bm_extension_basic_constraints(buf, false, -1);
    bm_extension_key_usage(buf, BM_KU_DIGITAL_SIGNATURE);
    if (operational)
        bm_extension_eku(buf, profile->client_auth, profile->server_auth);
    bm_extension_policies(buf, issuer->test, subject->proven, false);
    if ((rc = bm_extension_san(buf, profile, subject, fail)) != BM_OK)
        return rc;
    bm_extension_ski(buf, bm_key_ski(key).octets);
    bm_extension_aki(buf, issuer->key_id);
    /* req: RFC9608 2 neither pointer beside noRevAvail */
    if (profile->revocation == BM_REVOCATION_NONE)
        bm_extension_no_rev_avail(buf);
    if (operational && (profile->revocation == BM_REVOCATION_CRL || profile->revocation == BM_REVOCATION_BOTH))
        bm_extension_crl_points(buf, issuer->crl_url);
    if (operational && (profile->revocation == BM_REVOCATION_OCSP || profile->revocation == BM_REVOCATION_BOTH))
        bm_extension_ocsp(buf, issuer->ocsp_url);
    bm_der_end(buf, at);
    bm_der_end(buf, outer);
    return BM_OK;
}

enum bm_rc
bm_tbs_build(struct bm_buf *buf, const struct bm_profile *profile, const struct bm_issuer *issuer, const struct bm_subject *subject,
             struct bm_bytes spki, struct bm_bytes serial, bm_time not_before, bm_time not_after, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf name = { .max = BM_MAX_DN };
    size_t tbs = bm_der_begin(buf, BM_DER_SEQUENCE);
    struct bm_key key;
    enum bm_rc rc;

    if (profile->hours == 0 && not_after != BM_TIME_NEVER)
        return bm_fail(fail, BM_EBUG, NULL, "profile %s never expires, but the certificate would", profile->name);
    if ((rc = bm_subject_build(&name, profile, subject, fail)) != BM_OK)
        return rc;
    rc = bm_tbs_head_add(buf, issuer, bm_buf_bytes(&name), spki, serial, (const bm_time[]){ not_before, not_after }, &key, fail);
    if (rc != BM_OK || (rc = add_extensions(buf, profile, issuer, subject, &key, fail)) != BM_OK)
        return rc;
    bm_der_end(buf, tbs);
    return bm_buf_check(buf, "the certificate", fail);
}

/* Of the longest signature that this key makes. */
static size_t
signature_most(const struct bm_key *key)
{
    switch (key->alg) {
    case BM_KEY_P256:
        return 72; /* SEQUENCE { two INTEGERs of 33 octets } */
    case BM_KEY_P384:
        return 104;
    case BM_KEY_RSA:
        return (key->bits + 7) / 8;
    case BM_KEY_ED25519:
        return 64;
    }
    return 0;
}

size_t
bm_signed_most(struct bm_bytes tbs, enum bm_sig_alg alg, const struct bm_key *issuer)
{
    static const uint8_t longest[BM_MAX_SIGNATURE];
    bm_cleanup(bm_buf_done) struct bm_buf all = { .max = 2 * BM_MAX_CERT };

    bm_signed_build(&all, tbs, alg, bm_bytes(longest, signature_most(issuer)));
    return all.bad ? SIZE_MAX : all.n;
}
