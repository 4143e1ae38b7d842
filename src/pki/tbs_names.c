/* tbs_names.c - what a device's certificate calls it: the subject and the names beside it, of the records alone (parts.h). */
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

/* otherName [0] { id-on-hardwareModuleName, [0] { SEQUENCE { hwType, hwSerialNum } } } */
static void
add_hardware_module(struct bm_buf *buf, const struct bm_subject *subject)
{
    size_t other = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(0)), value, module;

    bm_der_add(buf, BM_DER_OID, BM_OID(bm_oid_hardware_module));
    value = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(0));
    module = bm_der_begin(buf, BM_DER_SEQUENCE);
    /* req: RFC4108 5 hwType and hwSerialNum */
    bm_der_add(buf, BM_DER_OID, subject->hw_type);
    bm_der_add(buf, BM_DER_OCTET_STRING, subject->hw_serial);
    bm_der_end(buf, module);
    bm_der_end(buf, value);
    bm_der_end(buf, other);
}

static struct bm_records
records_of(const struct bm_subject *subject)
{
    return (struct bm_records){ .device = subject->device, .chip = subject->chip, .lot = subject->lot };
}

/* GeneralName: [2] dNSName, [6] uniformResourceIdentifier; both IA5String. */
static enum bm_rc
add_names(struct bm_buf *buf, const struct bm_profile_name *names, size_t n, enum bm_pattern_kind kind, const struct bm_subject *subject,
          struct bm_fail *fail)
{
    const struct bm_records records = records_of(subject);
    char filled[BM_MAX_PATTERN_FILLED];
    enum bm_rc rc;

    for (size_t i = 0; i < n; i++) {
        bool dns = kind == BM_PATTERN_DNS;

        if ((rc = bm_pattern_fill(filled, kind, names[i].pattern, &records, dns ? "dns" : "uri", fail)) != BM_OK)
            return rc;
        bm_der_add(buf, dns ? BM_DER_CONTEXT(2) : BM_DER_CONTEXT(6), bm_bytes_str(filled));
    }
    return BM_OK;
}

enum bm_rc
bm_extension_san(struct bm_buf *buf, const struct bm_profile *profile, const struct bm_subject *subject, struct bm_fail *fail)
{
    struct bm_extension extension;
    size_t names;
    enum bm_rc rc;

    if (!profile->hardware_module && profile->ndns == 0 && profile->nuri == 0)
        return BM_OK;
    if (profile->hardware_module && (!oid_ok(subject->hw_type) || subject->hw_serial.n == 0 || subject->hw_serial.n > MAX_HW_SERIAL))
        return bm_fail(fail, BM_EINPUT, "RFC 4108 5", "the device's record lacks its hardware type or serial number");
    /* req: RFC5280 4.2.1.6 not critical, since the subject is never empty */
    extension = bm_extension_begin(buf, BM_OID(bm_oid_san), false);
    names = bm_der_begin(buf, BM_DER_SEQUENCE);
    if (profile->hardware_module)
        add_hardware_module(buf, subject);
    if ((rc = add_names(buf, profile->dns, profile->ndns, BM_PATTERN_DNS, subject, fail)) != BM_OK ||
        (rc = add_names(buf, profile->uri, profile->nuri, BM_PATTERN_URI, subject, fail)) != BM_OK)
        return rc;
    bm_der_end(buf, names);
    bm_extension_end(buf, extension);
    return BM_OK;
}

/* One RDN of an attribute that is not X.520's, as a UTF8String, whatever characters it has: Matter wants it so. */
static enum bm_rc
add_attribute(struct bm_buf *buf, const struct bm_profile_attribute *attribute, const struct bm_records *records, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf oid = { .max = BM_MAX_DN };
    size_t set = bm_der_begin(buf, BM_DER_SET), at = bm_der_begin(buf, BM_DER_SEQUENCE);
    char value[BM_MAX_PATTERN_FILLED];
    enum bm_rc rc;

    if (!bm_oid_text_add(&oid, attribute->oid))
        return bm_fail(fail, BM_EBUG, NULL, "%s is no object identifier", attribute->oid);
    if ((rc = bm_pattern_fill(value, BM_PATTERN_NAME, attribute->pattern, records, "attribute", fail)) != BM_OK)
        return rc;
    bm_der_add(buf, BM_DER_OID, bm_buf_bytes(&oid));
    bm_der_add(buf, BM_DER_UTF8, bm_bytes_str(value));
    bm_der_end(buf, at);
    bm_der_end(buf, set);
    return BM_OK;
}

/* The common name: as the profile says; without its line a device's id, and none in an IDevID. */
static enum bm_rc
add_common_name(struct bm_buf *buf, const struct bm_profile *profile, const struct bm_records *records, struct bm_fail *fail)
{
    char value[BM_MAX_PATTERN_FILLED];
    enum bm_rc rc;

    if (profile->common_name[0] == 0) {
        if (profile->ca == BM_CA_OPERATIONAL)
            bm_name_add(buf, BM_OID(bm_oid_cn), records->device);
        return BM_OK;
    }
    if ((rc = bm_pattern_fill(value, BM_PATTERN_NAME, profile->common_name, records, "common-name", fail)) == BM_OK)
        bm_name_add(buf, BM_OID(bm_oid_cn), value);
    return rc;
}

enum bm_rc
bm_subject_build(struct bm_buf *buf, const struct bm_profile *profile, const struct bm_subject *subject, struct bm_fail *fail)
{
    const struct bm_records records = records_of(subject);
    size_t at = bm_der_begin(buf, BM_DER_SEQUENCE);
    enum bm_rc rc;

    if ((rc = bm_name_value_check("the device's id", subject->device, fail)) != BM_OK)
        return rc;
    if (subject->organization != NULL && (rc = bm_name_value_check("the organization's name", subject->organization, fail)) != BM_OK)
        return rc;
    /* the subject comes from the records alone: one of the laws */
    if (subject->organization != NULL)
        bm_name_add(buf, BM_OID(bm_oid_o), subject->organization);
    if ((rc = add_common_name(buf, profile, &records, fail)) != BM_OK)
        return rc;
    bm_name_add(buf, BM_OID(bm_oid_serial_number), subject->device);
    for (size_t i = 0; i < profile->nattributes; i++)
        if ((rc = add_attribute(buf, &profile->attributes[i], &records, fail)) != BM_OK)
            return rc;
    bm_der_end(buf, at);
    return bm_buf_check(buf, "the device's name", fail);
}
