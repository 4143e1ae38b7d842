#include "lot/ek_cert.h"

#include "wire/der.h"

static const uint8_t oid_san[] = { 0x55, 0x1d, 0x11 }, oid_eku[] = { 0x55, 0x1d, 0x25 }, oid_attributes[] = { 0x55, 0x1d, 0x09 };
static const uint8_t oid_serial[] = { 0x55, 0x04, 0x05 };
static const uint8_t oid_any[] = { 0x55, 0x1d, 0x25, 0x00 };              /* anyExtendedKeyUsage */
static const uint8_t oid_ek[] = { 0x67, 0x81, 0x05, 0x08, 0x01 };         /* 2.23.133.8.1 */
static const uint8_t oid_tpm[] = { 0x67, 0x81, 0x05, 0x02 };              /* 2.23.133.2: .1 manufacturer, .2 model, .3 version */
static const uint8_t oid_assertions[] = { 0x67, 0x81, 0x05, 0x02, 0x12 }; /* 2.23.133.2.18 tPMSecurityAssertions */

static void
attribute_take(struct bm_ek_says *says, struct bm_rd *set)
{
    struct bm_rd in = bm_der_enter(set, BM_DER_SEQUENCE), value;
    struct bm_bytes oid = bm_der_take(&in, BM_DER_OID), whole, text;
    unsigned tag;

    whole = bm_der_any(&in, &tag);
    if (tag != BM_DER_UTF8 && tag != BM_DER_PRINTABLE && tag != BM_DER_IA5)
        return;
    value = bm_rd(whole);
    text = bm_der_take(&value, tag);
    if (bm_der_oid_is(oid, oid_serial, sizeof(oid_serial))) {
        says->serial = text;
    } else if (oid.n == sizeof(oid_tpm) + 1 && memcmp(oid.p, oid_tpm, sizeof(oid_tpm)) == 0) {
        if (oid.p[sizeof(oid_tpm)] == 1)
            says->manufacturer = text;
        else if (oid.p[sizeof(oid_tpm)] == 2)
            says->model = text;
        else if (oid.p[sizeof(oid_tpm)] == 3)
            says->version = text;
    }
}

static void
name_take(struct bm_ek_says *says, struct bm_bytes name)
{
    struct bm_rd rd = bm_rd(name), rdns = bm_der_enter(&rd, BM_DER_SEQUENCE);

    while (!rdns.bad && rdns.left > 0) {
        struct bm_rd set = bm_der_enter(&rdns, BM_DER_SET);

        while (!set.bad && set.left > 0)
            attribute_take(says, &set);
    }
}

/* GeneralNames: only the directory name says something here. */
static void
san_take(struct bm_ek_says *says, const struct bm_cert_loose *cert)
{
    struct bm_bytes san = bm_cert_loose_extension(cert, bm_bytes(oid_san, sizeof(oid_san)), &says->name_critical);
    struct bm_rd rd = bm_rd(san), names = bm_der_enter(&rd, BM_DER_SEQUENCE);

    says->name = san.n > 0;
    says->name_ordered = true;
    while (!names.bad && names.left > 0) {
        struct bm_rd in;
        struct bm_bytes name;

        if (!bm_der_peek(&names, BM_DER_CONTEXT_CONSTRUCTED(4))) {
            (void)bm_der_any(&names, NULL);
            continue;
        }
        in = bm_der_enter(&names, BM_DER_CONTEXT_CONSTRUCTED(4));
        name = bm_der_raw(&in, BM_DER_SEQUENCE);
        says->name_ordered = says->name_ordered && bm_name_in_order(name);
        name_take(says, name);
    }
}

static void
purpose_find(struct bm_ek_says *says, const struct bm_cert_loose *cert)
{
    struct bm_rd rd = bm_rd(bm_cert_loose_extension(cert, bm_bytes(oid_eku, sizeof(oid_eku)), NULL));
    struct bm_rd list = bm_der_enter(&rd, BM_DER_SEQUENCE);
    bool any = false;

    while (!list.bad && list.left > 0) {
        struct bm_bytes oid = bm_der_take(&list, BM_DER_OID);

        any = true;
        says->purpose = says->purpose || bm_der_oid_is(oid, oid_ek, sizeof(oid_ek)) || bm_der_oid_is(oid, oid_any, sizeof(oid_any));
    }
    says->other_purpose = any && !says->purpose;
}

/*
 * TPMSecurityAssertions ::= SEQUENCE { version INTEGER DEFAULT v1, fieldUpgradable BOOLEAN DEFAULT FALSE,
 *     ekGenerationType [0] { internal (0), injected (1), internalRevocable (2), injectedRevocable (3) } OPTIONAL, ...
 * The tag is written around the ENUMERATED by some and in place of its own by others.
 */
static enum bm_root_origin
assertions_read(struct bm_rd *set)
{
    struct bm_rd in = bm_der_enter(set, BM_DER_SEQUENCE), tagged;
    uint64_t type = 4;

    if (bm_der_peek(&in, BM_DER_INTEGER))
        (void)bm_der_take(&in, BM_DER_INTEGER);
    if (bm_der_peek(&in, BM_DER_BOOLEAN))
        (void)bm_der_take(&in, BM_DER_BOOLEAN);
    if (bm_der_peek(&in, BM_DER_CONTEXT(0))) {
        type = bm_der_uint(&in, BM_DER_CONTEXT(0));
    } else if (bm_der_peek(&in, BM_DER_CONTEXT_CONSTRUCTED(0))) {
        tagged = bm_der_enter(&in, BM_DER_CONTEXT_CONSTRUCTED(0));
        type = bm_der_uint(&tagged, BM_DER_ENUMERATED);
        if (!bm_rd_end(&tagged))
            return BM_ORIGIN_UNSAID;
    }
    if (in.bad || type > 3)
        return BM_ORIGIN_UNSAID;
    return type % 2 == 1 ? BM_ORIGIN_INJECTED : BM_ORIGIN_INSIDE;
}

static enum bm_root_origin
origin_find(const struct bm_cert_loose *cert)
{
    struct bm_rd rd = bm_rd(bm_cert_loose_extension(cert, bm_bytes(oid_attributes, sizeof(oid_attributes)), NULL));
    struct bm_rd list = bm_der_enter(&rd, BM_DER_SEQUENCE);

    while (!list.bad && list.left > 0) {
        struct bm_rd attribute = bm_der_enter(&list, BM_DER_SEQUENCE), set;
        struct bm_bytes oid = bm_der_take(&attribute, BM_DER_OID);

        set = bm_der_enter(&attribute, BM_DER_SET);
        if (bm_der_oid_is(oid, oid_assertions, sizeof(oid_assertions)))
            return assertions_read(&set);
    }
    return BM_ORIGIN_UNSAID;
}

void
bm_ek_say(struct bm_ek_says *ret, const struct bm_cert_loose *cert)
{
    *ret = (struct bm_ek_says){ .name = false };
    name_take(ret, cert->subject);
    san_take(ret, cert);
    purpose_find(ret, cert);
    ret->origin = origin_find(cert);
}
