#include "lot/plain.h"

#include "pki/oid.h"
#include "wire/der.h"

#define TAG_EMAIL BM_DER_CONTEXT(1)
#define TAG_DNS BM_DER_CONTEXT(2)
#define TAG_DIRECTORY BM_DER_CONTEXT_CONSTRUCTED(4)
#define TAG_URI BM_DER_CONTEXT(6)

/* Each number of the identifier in as few octets as needed (X.690 8.19.2). */
static bool
oid_plain(struct bm_bytes oid)
{
    bool first = true;

    for (size_t i = 0; i < oid.n; i++) {
        if (first && oid.p[i] == 0x80)
            return false;
        first = (oid.p[i] & 0x80) == 0;
    }
    return oid.n > 0 && first;
}

static bool
text_plain(struct bm_bytes text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 0x20 || text.p[i] > 0x7e)
            return false;
    return text.n > 0;
}

/* The same of two names that libcrypto takes for one, in whatever case and string type they are written: letters without their spaces. */
static uint64_t
folded(uint64_t fold, struct bm_bytes text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != ' ')
            fold = fold * 31 + (text.p[i] >= 'A' && text.p[i] <= 'Z' ? text.p[i] + 32u : text.p[i]);
    return fold;
}

static bool
attribute_plain(struct bm_rd *set, uint64_t *fold)
{
    struct bm_rd in = bm_der_enter(set, BM_DER_SEQUENCE);
    struct bm_bytes oid = bm_der_take(&in, BM_DER_OID);
    unsigned tag = bm_der_peek(&in, BM_DER_PRINTABLE) ? BM_DER_PRINTABLE : bm_der_peek(&in, BM_DER_IA5) ? BM_DER_IA5 : BM_DER_UTF8;
    struct bm_bytes text = bm_der_take(&in, tag);

    *fold = folded(*fold, text);
    return bm_rd_end(&in) && oid_plain(oid) && text_plain(text);
}

static bool
name_plain(struct bm_rd *rd, uint64_t *fold)
{
    struct bm_rd rdns = bm_der_enter(rd, BM_DER_SEQUENCE);

    while (rdns.left > 0 && !rdns.bad) {
        struct bm_rd set = bm_der_enter(&rdns, BM_DER_SET);

        do {
            if (!attribute_plain(&set, fold))
                return false;
        } while (set.left > 0);
        if (!bm_rd_end(&set))
            return false;
    }
    return bm_rd_end(&rdns);
}

static bool
general_name_plain(struct bm_rd *names)
{
    uint64_t ignored = 0;
    struct bm_rd in;

    if (bm_der_peek(names, TAG_DIRECTORY)) {
        in = bm_der_enter(names, TAG_DIRECTORY);
        return name_plain(&in, &ignored) && bm_rd_end(&in);
    }
    if (bm_der_peek(names, TAG_EMAIL))
        return text_plain(bm_der_take(names, TAG_EMAIL));
    return text_plain(bm_der_take(names, bm_der_peek(names, TAG_DNS) ? TAG_DNS : TAG_URI));
}

/* One bit or more, less those unused; some makers leave zeros behind the last. */
static bool
bits_plain(struct bm_bytes bits)
{
    if (bits.n < 2 || bits.n > 3 || bits.p[0] > 7)
        return false;
    return bits.p[bits.n - 1] >> bits.p[0] != 0 || (bits.n == 3 && bits.p[1] != 0);
}

/* DistributionPoint ::= SEQUENCE { distributionPoint [0] { fullName [0] GeneralNames } } */
static bool
point_plain(struct bm_rd *points)
{
    struct bm_rd point = bm_der_enter(points, BM_DER_SEQUENCE), name = bm_der_enter(&point, BM_DER_CONTEXT_CONSTRUCTED(0));
    struct bm_rd full = bm_der_enter(&name, BM_DER_CONTEXT_CONSTRUCTED(0));

    do {
        if (!text_plain(bm_der_take(&full, TAG_URI)))
            return false;
    } while (full.left > 0);
    return bm_rd_end(&full) && bm_rd_end(&name) && bm_rd_end(&point);
}

static bool
purpose_plain(struct bm_rd *purposes)
{
    return oid_plain(bm_der_take(purposes, BM_DER_OID));
}

/* SEQUENCE OF, one or more. */
static bool
all_plain(struct bm_rd *rd, bool (*one)(struct bm_rd *rd))
{
    struct bm_rd in = bm_der_enter(rd, BM_DER_SEQUENCE);

    do {
        if (!one(&in))
            return false;
    } while (in.left > 0);
    return bm_rd_end(&in);
}

/* The extensions that libcrypto reads whether they are critical or not. */
static bool
value_plain(uint8_t last, struct bm_bytes value)
{
    static const uint8_t no_ca[] = { 0x30, 0x00 }, ca[] = { 0x30, 0x03, 0x01, 0x01, 0xff };
    struct bm_rd rd = bm_rd(value), in;

    switch (last) {
    case 0x0e: /* subjectKeyIdentifier */
        return bm_der_take(&rd, BM_DER_OCTET_STRING).n > 0 && bm_rd_end(&rd);
    case 0x0f: /* keyUsage */
        return bits_plain(bm_der_take(&rd, BM_DER_BIT_STRING)) && bm_rd_end(&rd);
    case 0x11: /* subjectAltName */
        return all_plain(&rd, general_name_plain) && bm_rd_end(&rd);
    case 0x13: /* basicConstraints */
        return bm_bytes_equal(value, BM_OID(no_ca)) || bm_bytes_equal(value, BM_OID(ca));
    case 0x1f: /* cRLDistributionPoints */
        return all_plain(&rd, point_plain) && bm_rd_end(&rd);
    case 0x23: /* authorityKeyIdentifier: the key's alone */
        in = bm_der_enter(&rd, BM_DER_SEQUENCE);
        return bm_der_take(&in, BM_DER_CONTEXT(0)).n > 0 && bm_rd_end(&in) && bm_rd_end(&rd);
    case 0x25: /* extKeyUsage */
        return all_plain(&rd, purpose_plain) && bm_rd_end(&rd);
    default:
        return false;
    }
}

/* Of those not critical, who does not know them passes over them (RFC 5280 4.2), libcrypto as we, but for these: proxies, addresses, Netscape's. */
static bool
is_passed_over(struct bm_bytes oid)
{
    static const uint8_t pkix[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01 }, netscape[] = { 0x60, 0x86, 0x48, 0x01, 0x86, 0xf8, 0x42 };

    if (oid.n > sizeof(pkix) && memcmp(oid.p, pkix, sizeof(pkix)) == 0)
        return oid.n == sizeof(pkix) + 1 && oid.p[sizeof(pkix)] == 1; /* authorityInfoAccess */
    return oid.n < sizeof(netscape) || memcmp(oid.p, netscape, sizeof(netscape)) != 0;
}

static bool
extension_plain(struct bm_rd *extensions)
{
    static const uint8_t read[] = { 0x0e, 0x0f, 0x11, 0x13, 0x1f, 0x23, 0x25 },
                         unread[] = { 0x09, 0x20 }; /* directory attributes, policies */
    struct bm_rd in = bm_der_enter(extensions, BM_DER_SEQUENCE);
    struct bm_bytes oid = bm_der_take(&in, BM_DER_OID), value;
    bool critical = bm_der_peek(&in, BM_DER_BOOLEAN) && bm_der_boolean(&in);

    value = bm_der_take(&in, BM_DER_OCTET_STRING);
    if (!bm_rd_end(&in) || !oid_plain(oid))
        return false;
    if (oid.n != 3 || oid.p[0] != 0x55 || oid.p[1] != 0x1d) /* id-ce-N */
        return !critical && is_passed_over(oid);
    if (memchr(read, oid.p[2], sizeof(read)) != NULL)
        return value_plain(oid.p[2], value);
    return !critical && memchr(unread, oid.p[2], sizeof(unread)) != NULL;
}

/* A name that is its own issuer's is no chip's: whether such a certificate is self-signed libcrypto says. */
static bool
names_plain(const struct bm_cert *cert)
{
    struct bm_rd issuer = bm_rd(cert->issuer), subject = bm_rd(cert->subject);
    uint64_t above = 0, below = 0;

    return name_plain(&issuer, &above) && bm_rd_end(&issuer) && name_plain(&subject, &below) && bm_rd_end(&subject) && above != below;
}

bool
bm_cert_plain(const struct bm_cert *cert)
{
    struct bm_rd rd = bm_rd(cert->extensions);

    while (rd.left > 0 && !rd.bad)
        if (!extension_plain(&rd))
            return false;
    return !rd.bad && names_plain(cert);
}
