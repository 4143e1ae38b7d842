#include "pki/tbs.h"

#include "pki/name.h"
#include "pki/oid.h"
#include "pki/parts.h"

#define MAX_HW_SERIAL 256 /* a TPM's is "manufacturer:key identifier:serial number", about 90 */

/* Content octets of an OBJECT IDENTIFIER: whole arcs, none of them padded (X.690 8.19.2). */
static bool
oid_ok(struct bm_bytes oid)
{
    bool first = true;

    for (size_t i = 0; i < oid.n; i++) {
        if (first && oid.p[i] == 0x80)
            return false;
        first = oid.p[i] < 0x80;
    }
    return oid.n > 0 && oid.n <= 64 && first;
}

/*
 * subjectAltName { otherName [0] { id-on-hardwareModuleName, [0] { SEQUENCE { hwType, hwSerialNum } } } }
 */
static void
add_hardware_module(struct bm_buf *buf, const struct bm_subject *subject)
{
    /* req: RFC5280 4.2.1.6 not critical, since the subject is never empty */
    struct bm_extension extension = bm_extension_begin(buf, BM_OID(bm_oid_san), false);
    size_t names = bm_der_begin(buf, BM_DER_SEQUENCE), other = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(0)), value, module;

    bm_der_add(buf, BM_DER_OID, BM_OID(bm_oid_hardware_module));
    value = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(0));
    module = bm_der_begin(buf, BM_DER_SEQUENCE);
    /* req: RFC4108 5 hwType and hwSerialNum */
    bm_der_add(buf, BM_DER_OID, subject->hw_type);
    bm_der_add(buf, BM_DER_OCTET_STRING, subject->hw_serial);
    bm_der_end(buf, module);
    bm_der_end(buf, value);
    bm_der_end(buf, other);
    bm_der_end(buf, names);
    bm_extension_end(buf, extension);
}

/* req: RFC5280 4.2.1.4 a policy for each fact that was proven, not critical, without qualifiers */
static void
add_policies(struct bm_buf *buf, unsigned proven)
{
    struct bm_extension extension = bm_extension_begin(buf, BM_OID(bm_oid_policies), false);
    size_t policies = bm_der_begin(buf, BM_DER_SEQUENCE), policy;
    const struct bm_proven_fact *fact;

    for (size_t i = 0; (fact = bm_proven_fact(i)) != NULL; i++) {
        if ((proven & fact->bit) == 0)
            continue;
        policy = bm_der_begin(buf, BM_DER_SEQUENCE);
        bm_der_add(buf, BM_DER_OID, fact->policy);
        bm_der_end(buf, policy);
    }
    bm_der_end(buf, policies);
    bm_extension_end(buf, extension);
}

/* An IDevID has no extKeyUsage, which would narrow what it can be shown for, and no CRL pointer, since an entry for it could never be
 * dropped. */
static void
add_extensions(struct bm_buf *buf, const struct bm_profile *profile, const struct bm_issuer *issuer, const struct bm_subject *subject,
               const struct bm_key *key)
{
    bool operational = profile->ca == BM_CA_OPERATIONAL;
    size_t outer = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(3)), at = bm_der_begin(buf, BM_DER_SEQUENCE);

    bm_extension_key_usage(buf, BM_KU_DIGITAL_SIGNATURE);
    if (operational)
        bm_extension_eku(buf, profile->client_auth, profile->server_auth);
    if (subject->proven != 0)
        add_policies(buf, subject->proven);
    if (profile->hardware_module)
        add_hardware_module(buf, subject);
    bm_extension_ski(buf, bm_key_ski(key).octets);
    bm_extension_aki(buf, issuer->key_id);
    if (operational)
        bm_extension_crl_points(buf, issuer->crl_url);
    bm_der_end(buf, at);
    bm_der_end(buf, outer);
}

enum bm_rc
bm_tbs_build(struct bm_buf *buf, const struct bm_profile *profile, const struct bm_issuer *issuer, const struct bm_subject *subject,
             struct bm_bytes spki, struct bm_bytes serial, bm_time not_before, bm_time not_after, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf name = { .max = BM_MAX_DN };
    size_t tbs = bm_der_begin(buf, BM_DER_SEQUENCE), at = bm_der_begin(&name, BM_DER_SEQUENCE);
    struct bm_key key;
    enum bm_rc rc;

    if (profile->hardware_module && (!oid_ok(subject->hw_type) || subject->hw_serial.n == 0 || subject->hw_serial.n > MAX_HW_SERIAL))
        return bm_fail(fail, BM_EINPUT, "RFC 4108 5", "the device's record lacks its hardware type or serial number");
    if (profile->days == 0 && not_after != BM_TIME_NEVER)
        return bm_fail(fail, BM_EBUG, NULL, "profile %s never expires, but the certificate would", profile->name);
    if ((rc = bm_name_value_check("the device's id", subject->device, fail)) != BM_OK)
        return rc;
    if (subject->organization != NULL && (rc = bm_name_value_check("the organization's name", subject->organization, fail)) != BM_OK)
        return rc;
    /* the subject comes from the records alone: one of the laws */
    if (subject->organization != NULL)
        bm_name_add(&name, BM_OID(bm_oid_o), subject->organization);
    if (profile->ca == BM_CA_OPERATIONAL)
        bm_name_add(&name, BM_OID(bm_oid_cn), subject->device);
    bm_name_add(&name, BM_OID(bm_oid_serial_number), subject->device);
    bm_der_end(&name, at);
    if ((rc = bm_buf_check(&name, "the device's name", fail)) != BM_OK)
        return rc;
    rc = bm_tbs_head_add(buf, issuer, bm_buf_bytes(&name), spki, serial, (const bm_time[]){ not_before, not_after }, &key, fail);
    if (rc != BM_OK)
        return rc;
    add_extensions(buf, profile, issuer, subject, &key);
    bm_der_end(buf, tbs);
    return bm_buf_check(buf, "the certificate", fail);
}

void
bm_signed_build(struct bm_buf *buf, struct bm_bytes tbs, enum bm_sig_alg alg, struct bm_bytes signature)
{
    size_t at = bm_der_begin(buf, BM_DER_SEQUENCE);

    bm_buf_add_bytes(buf, tbs);
    bm_sig_alg_add(buf, alg);
    bm_der_add_bits(buf, signature);
    bm_der_end(buf, at);
}

void
bm_name_build(struct bm_buf *buf, const char *organization, const char *common_name)
{
    size_t at = bm_der_begin(buf, BM_DER_SEQUENCE);

    if (organization != NULL)
        bm_name_add(buf, BM_OID(bm_oid_o), organization);
    bm_name_add(buf, BM_OID(bm_oid_cn), common_name);
    bm_der_end(buf, at);
}
