#include "pki/parts.h"

#include "pki/oid.h"
#include "wire/der.h"

#define SERIAL_LEAST 16

struct bm_extension
bm_extension_begin(struct bm_buf *buf, struct bm_bytes oid, bool critical)
{
    struct bm_extension extension = { .at = bm_der_begin(buf, BM_DER_SEQUENCE) };

    bm_der_add(buf, BM_DER_OID, oid);
    /* X.690 11.5: a value equal to its default (FALSE) is left out */
    if (critical)
        bm_der_add_boolean(buf, true);
    extension.value = bm_der_begin(buf, BM_DER_OCTET_STRING);
    return extension;
}

void
bm_extension_end(struct bm_buf *buf, struct bm_extension extension)
{
    bm_der_end(buf, extension.value);
    bm_der_end(buf, extension.at);
}

void
bm_extension_key_usage(struct bm_buf *buf, uint8_t bits)
{
    struct bm_extension extension = bm_extension_begin(buf, BM_OID(bm_oid_key_usage), true);
    size_t at = bm_der_begin(buf, BM_DER_BIT_STRING);
    uint8_t unused = 0;

    /* X.690 11.2.2: a BIT STRING of named bits ends at the last 1 */
    while (unused < 7 && (bits >> unused & 1) == 0)
        unused++;
    bm_buf_add_u8(buf, unused);
    bm_buf_add_u8(buf, bits);
    bm_der_end(buf, at);
    bm_extension_end(buf, extension);
}

void
bm_extension_ski(struct bm_buf *buf, const uint8_t key_id[static 20])
{
    struct bm_extension extension = bm_extension_begin(buf, BM_OID(bm_oid_ski), false);

    bm_der_add(buf, BM_DER_OCTET_STRING, bm_bytes(key_id, 20));
    bm_extension_end(buf, extension);
}

void
bm_extension_aki(struct bm_buf *buf, const uint8_t key_id[static 20])
{
    struct bm_extension extension = bm_extension_begin(buf, BM_OID(bm_oid_aki), false);
    size_t at = bm_der_begin(buf, BM_DER_SEQUENCE);

    bm_der_add(buf, BM_DER_CONTEXT(0), bm_bytes(key_id, 20));
    bm_der_end(buf, at);
    bm_extension_end(buf, extension);
}

/* SEQUENCE { [0] distributionPoint { [0] fullName { [6] URI } } } */
static void
add_point(struct bm_buf *buf, const char *url)
{
    size_t point = bm_der_begin(buf, BM_DER_SEQUENCE), name = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(0));
    size_t full = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(0));

    bm_der_add(buf, BM_DER_CONTEXT(6), bm_bytes_str(url));
    bm_der_end(buf, full);
    bm_der_end(buf, name);
    bm_der_end(buf, point);
}

/* CRLDistributionPoints ::= SEQUENCE OF DistributionPoint */
void
bm_extension_crl_points(struct bm_buf *buf, const char *url)
{
    struct bm_extension extension;
    size_t points;

    if (url[0] == 0)
        return;
    extension = bm_extension_begin(buf, BM_OID(bm_oid_crl_points), false);
    points = bm_der_begin(buf, BM_DER_SEQUENCE);
    add_point(buf, url);
    bm_der_end(buf, points);
    bm_extension_end(buf, extension);
}

/* req: RFC5280 5.2.5 critical, and named as the certificates' pointer is: a list of some certificates of a CA is no list of all of them */
void
bm_extension_crl_scope(struct bm_buf *buf, const char *url)
{
    struct bm_extension extension;

    if (url[0] == 0)
        return;
    extension = bm_extension_begin(buf, BM_OID(bm_oid_crl_scope), true);
    add_point(buf, url);
    bm_extension_end(buf, extension);
}

/* AuthorityInfoAccessSyntax ::= SEQUENCE { SEQUENCE { id-ad-ocsp, [6] URI } } */
void
bm_extension_ocsp(struct bm_buf *buf, const char *url)
{
    struct bm_extension extension;
    size_t all, one;

    if (url[0] == 0)
        return;
    extension = bm_extension_begin(buf, BM_OID(bm_oid_info_access), false);
    all = bm_der_begin(buf, BM_DER_SEQUENCE);
    one = bm_der_begin(buf, BM_DER_SEQUENCE);
    bm_der_add(buf, BM_DER_OID, BM_OID(bm_oid_ad_ocsp));
    bm_der_add(buf, BM_DER_CONTEXT(6), bm_bytes_str(url));
    bm_der_end(buf, one);
    bm_der_end(buf, all);
    bm_extension_end(buf, extension);
}

void
bm_extension_eku(struct bm_buf *buf, bool client_auth, bool server_auth)
{
    struct bm_extension extension;
    size_t at;

    if (!client_auth && !server_auth)
        return;
    extension = bm_extension_begin(buf, BM_OID(bm_oid_eku), false);
    at = bm_der_begin(buf, BM_DER_SEQUENCE);
    if (client_auth)
        bm_der_add(buf, BM_DER_OID, BM_OID(bm_oid_client_auth));
    if (server_auth)
        bm_der_add(buf, BM_DER_OID, BM_OID(bm_oid_server_auth));
    bm_der_end(buf, at);
    bm_extension_end(buf, extension);
}

void
bm_extension_basic_constraints(struct bm_buf *buf, bool ca, int path_len)
{
    struct bm_extension extension = bm_extension_begin(buf, BM_OID(bm_oid_basic_constraints), true);
    size_t at = bm_der_begin(buf, BM_DER_SEQUENCE);

    /* X.690 11.5: cA FALSE is the default, and left out */
    if (ca)
        bm_der_add_boolean(buf, true);
    if (path_len >= 0)
        bm_der_add_uint(buf, BM_DER_INTEGER, (uint64_t)path_len);
    bm_der_end(buf, at);
    bm_extension_end(buf, extension);
}

/* req: RFC9608 2 noRevAvail is NULL and not critical */
void
bm_extension_no_rev_avail(struct bm_buf *buf)
{
    struct bm_extension extension = bm_extension_begin(buf, BM_OID(bm_oid_no_rev_avail), false);

    bm_der_add_null(buf);
    bm_extension_end(buf, extension);
}

enum bm_rc
bm_tbs_head_add(struct bm_buf *buf, const struct bm_issuer *issuer, struct bm_bytes subject, struct bm_bytes spki, struct bm_bytes serial,
                const bm_time validity[static 2], struct bm_key *ret_key, struct bm_fail *fail)
{
    enum bm_rc rc;
    size_t at;

    /* req: RFC5280 4.1.2.2 positive, unique for want of a collision in 120 random bits and more, at most 20 octets */
    if (serial.n < SERIAL_LEAST || serial.n > BM_MAX_SERIAL || serial.p[0] == 0 || serial.p[0] >= 0x80)
        return bm_fail(fail, BM_EBUG, "RFC 5280 4.1.2.2", "the serial number is not 16 to 20 octets of a positive number");
    if (validity[0] > validity[1])
        return bm_fail(fail, BM_EBUG, "RFC 5280 4.1.2.5", "the certificate would end before it begins");
    if (validity[1] > issuer->not_after)
        return bm_fail(fail, BM_EPOLICY, NULL, "the certificate would outlive the CA that signs it: shorten it, or roll the CA");
    if ((rc = bm_key_parse(ret_key, spki, fail)) != BM_OK)
        return rc;
    /* req: RFC5280 4.1.2.1 v3, since there are extensions */
    at = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(0));
    bm_der_add_uint(buf, BM_DER_INTEGER, 2);
    bm_der_end(buf, at);
    bm_der_add_positive(buf, serial);
    bm_sig_alg_add(buf, issuer->alg);
    bm_buf_add_bytes(buf, issuer->subject);
    at = bm_der_begin(buf, BM_DER_SEQUENCE);
    bm_der_add_time(buf, validity[0]);
    bm_der_add_time(buf, validity[1]);
    bm_der_end(buf, at);
    bm_buf_add_bytes(buf, subject);
    bm_buf_add_bytes(buf, spki);
    return BM_OK;
}
