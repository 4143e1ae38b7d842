/* tbs_ca.c - certificates of CAs and of the gate's server (tbs.h). */
#include "pki/name.h"
#include "pki/oid.h"
#include "pki/parts.h"
#include "wire/der.h"

#include <arpa/inet.h>

#define MAX_HOST 253 /* RFC 1035 3.1, as text */

enum bm_rc
bm_tbs_ca_build(struct bm_buf *buf, const struct bm_issuer *issuer, const struct bm_ca_subject *subject, struct bm_bytes spki,
                struct bm_bytes serial, bm_time not_before, bm_time not_after, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf name = { .max = BM_MAX_DN };
    size_t tbs = bm_der_begin(buf, BM_DER_SEQUENCE), outer, at;
    struct bm_key key;
    enum bm_rc rc;

    if ((rc = bm_name_value_check("the CA's name", subject->common_name, fail)) != BM_OK)
        return rc;
    if (subject->organization != NULL && (rc = bm_name_value_check("the organization's name", subject->organization, fail)) != BM_OK)
        return rc;
    bm_name_build(&name, subject->organization, subject->common_name);
    if ((rc = bm_buf_check(&name, "the CA's name", fail)) != BM_OK)
        return rc;
    rc = bm_tbs_head_add(buf, issuer, bm_buf_bytes(&name), spki, serial, (const bm_time[]){ not_before, not_after }, &key, fail);
    if (rc != BM_OK)
        return rc;
    outer = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(3));
    at = bm_der_begin(buf, BM_DER_SEQUENCE);
    /* req: RFC5280 4.2.1.9 a CA says so, critically */
    bm_extension_basic_constraints(buf, true, subject->path_len);
    bm_extension_key_usage(buf, BM_KU_KEY_CERT_SIGN | BM_KU_CRL_SIGN);
    /* req: RFC5280 4.2.1.4 anyPolicy: what its certificates state of the evidence holds on the path from the root, for whoever asks for a policy */
    bm_extension_policies(buf, issuer->test, 0, !bm_bytes_equal(bm_buf_bytes(&name), issuer->subject));
    bm_extension_ski(buf, bm_key_ski(&key).octets);
    bm_extension_aki(buf, issuer->key_id);
    bm_extension_crl_points(buf, issuer->crl_url);
    bm_der_end(buf, at);
    bm_der_end(buf, outer);
    bm_der_end(buf, tbs);
    return bm_buf_check(buf, "the certificate", fail);
}

/* A host name of letters, digits, '-' and '.'; what looks like an address was taken as one before. */
static bool
dns_ok(const char *host)
{
    size_t n = strlen(host);

    for (size_t i = 0; i < n; i++) {
        char c = host[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.'))
            return false;
    }
    return n > 0 && n <= MAX_HOST && host[0] != '.' && host[0] != '-';
}

/* GeneralName: [2] dNSName or [7] iPAddress. */
static bool
add_host(struct bm_buf *buf, const char *host)
{
    uint8_t address[16];

    if (inet_pton(AF_INET, host, address) == 1)
        bm_der_add(buf, BM_DER_CONTEXT(7), bm_bytes(address, 4));
    else if (inet_pton(AF_INET6, host, address) == 1)
        bm_der_add(buf, BM_DER_CONTEXT(7), bm_bytes(address, 16));
    else if (dns_ok(host))
        bm_der_add(buf, BM_DER_CONTEXT(2), bm_bytes_str(host));
    else
        return false;
    return true;
}

static enum bm_rc
add_hosts(struct bm_buf *buf, const char *const *hosts, size_t nhosts, struct bm_fail *fail)
{
    struct bm_extension extension = bm_extension_begin(buf, BM_OID(bm_oid_san), false);
    size_t at = bm_der_begin(buf, BM_DER_SEQUENCE);

    for (size_t i = 0; i < nhosts; i++)
        if (!add_host(buf, hosts[i]))
            return bm_fail(fail, BM_EINPUT, NULL, "\"%.64s\" is neither a host name nor an IP address", hosts[i]);
    bm_der_end(buf, at);
    bm_extension_end(buf, extension);
    return BM_OK;
}

/* What both kinds of TLS certificates have: a CN, names, purposes. */
struct tls_names {
    const char *common_name;
    const char *const *hosts;
    size_t n;
    bool client, server;
};

static enum bm_rc
tls_build(struct bm_buf *buf, const struct bm_issuer *issuer, const struct tls_names *names, struct bm_bytes spki, struct bm_bytes serial,
          const bm_time when[static 2], struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf name = { .max = BM_MAX_DN };
    size_t tbs = bm_der_begin(buf, BM_DER_SEQUENCE), outer, at;
    struct bm_key key;
    enum bm_rc rc;

    bm_name_build(&name, NULL, names->common_name);
    if ((rc = bm_buf_check(&name, "the server's name", fail)) != BM_OK ||
        (rc = bm_tbs_head_add(buf, issuer, bm_buf_bytes(&name), spki, serial, when, &key, fail)) != BM_OK)
        return rc;
    outer = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(3));
    at = bm_der_begin(buf, BM_DER_SEQUENCE);
    bm_extension_key_usage(buf, BM_KU_DIGITAL_SIGNATURE);
    bm_extension_eku(buf, names->client, names->server);
    bm_extension_policies(buf, issuer->test, 0, false);
    if (names->n > 0 && (rc = add_hosts(buf, names->hosts, names->n, fail)) != BM_OK)
        return rc;
    bm_extension_ski(buf, bm_key_ski(&key).octets);
    bm_extension_aki(buf, issuer->key_id);
    bm_extension_crl_points(buf, issuer->crl_url);
    bm_der_end(buf, at);
    bm_der_end(buf, outer);
    bm_der_end(buf, tbs);
    return bm_buf_check(buf, "the certificate", fail);
}

enum bm_rc
bm_tbs_server_build(struct bm_buf *buf, const struct bm_issuer *issuer, const char *const *hosts, size_t nhosts, struct bm_bytes spki,
                    struct bm_bytes serial, bm_time not_before, bm_time not_after, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (nhosts == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "a server needs a host name or an address");
    if ((rc = bm_name_value_check("the server's first host name", hosts[0], fail)) != BM_OK)
        return rc;
    return tls_build(buf, issuer, &(struct tls_names){ hosts[0], hosts, nhosts, false, true }, spki, serial,
                     (const bm_time[]){ not_before, not_after }, fail);
}

enum bm_rc
bm_tbs_station_build(struct bm_buf *buf, const struct bm_issuer *issuer, const char *name, const char *host, struct bm_bytes spki,
                     struct bm_bytes serial, bm_time not_before, bm_time not_after, struct bm_fail *fail)
{
    enum bm_rc rc = bm_name_value_check("the station's name", name, fail);

    return rc != BM_OK ? rc
                       : tls_build(buf, issuer, &(struct tls_names){ name, &host, 1, true, true }, spki, serial,
                                   (const bm_time[]){ not_before, not_after }, fail);
}

enum bm_rc
bm_tbs_operator_build(struct bm_buf *buf, const struct bm_issuer *issuer, const char *name, struct bm_bytes spki, struct bm_bytes serial,
                      bm_time not_before, bm_time not_after, struct bm_fail *fail)
{
    enum bm_rc rc = bm_name_value_check("the operator's name", name, fail);

    return rc != BM_OK ? rc
                       : tls_build(buf, issuer, &(struct tls_names){ name, NULL, 0, true, false }, spki, serial,
                                   (const bm_time[]){ not_before, not_after }, fail);
}

/* req: RFC6960 4.2.2.2 whom a CA lets answer for it: id-kp-OCSPSigning, by that very CA */
/* req: RFC6960 4.2.2.2.1 id-pkix-ocsp-nocheck: nobody asks the responder about itself; it lives for weeks instead */
enum bm_rc
bm_tbs_responder_build(struct bm_buf *buf, const struct bm_issuer *issuer, const char *common_name, struct bm_bytes spki,
                       struct bm_bytes serial, bm_time not_before, bm_time not_after, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf name = { .max = BM_MAX_DN };
    size_t tbs = bm_der_begin(buf, BM_DER_SEQUENCE), outer, at, eku;
    struct bm_extension extension;
    struct bm_key key;
    enum bm_rc rc;

    bm_name_build(&name, NULL, common_name);
    if ((rc = bm_buf_check(&name, "the responder's name", fail)) != BM_OK ||
        (rc = bm_tbs_head_add(buf, issuer, bm_buf_bytes(&name), spki, serial, (const bm_time[]){ not_before, not_after }, &key, fail)) !=
            BM_OK)
        return rc;
    outer = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(3));
    at = bm_der_begin(buf, BM_DER_SEQUENCE);
    bm_extension_key_usage(buf, BM_KU_DIGITAL_SIGNATURE);
    extension = bm_extension_begin(buf, BM_OID(bm_oid_eku), false);
    eku = bm_der_begin(buf, BM_DER_SEQUENCE);
    bm_der_add(buf, BM_DER_OID, BM_OID(bm_oid_ocsp_signing));
    bm_der_end(buf, eku);
    bm_extension_end(buf, extension);
    extension = bm_extension_begin(buf, BM_OID(bm_oid_ocsp_nocheck), false);
    bm_der_add_null(buf);
    bm_extension_end(buf, extension);
    bm_extension_ski(buf, bm_key_ski(&key).octets);
    bm_extension_aki(buf, issuer->key_id);
    bm_der_end(buf, at);
    bm_der_end(buf, outer);
    bm_der_end(buf, tbs);
    return bm_buf_check(buf, "the certificate", fail);
}
