#include "lot/issuers.h"

#include "pki/oid.h"
#include "wire/der.h"

#include <stdlib.h>

void
bm_issuers_done(struct bm_issuers *issuers)
{
    for (size_t i = 0; i < issuers->n; i++)
        free(issuers->issuer[i].der);
    issuers->n = 0;
}

/* ---- one signature: a chip's certificate and its issuer, without what is above ---- */

/* Elements of this tag (0: any), one or more, and nothing behind them. */
static bool
all_are(struct bm_rd *rd, unsigned tag)
{
    unsigned found;

    do {
        (void)bm_der_any(rd, &found);
    } while (rd->left > 0 && !rd->bad && (tag == 0 || found == tag));
    return bm_rd_end(rd) && (tag == 0 || found == tag);
}

/* The extensions of a chip's own certificate that libcrypto reads whether they are critical or not. As they are here they have no say in its path. */
static bool
value_plain(uint8_t last, struct bm_bytes value)
{
    static const uint8_t no_ca[] = { 0x30, 0x00 }, ca[] = { 0x30, 0x03, 0x01, 0x01, 0xff };
    struct bm_rd rd = bm_rd(value), in;

    switch (last) {
    case 0x0e: /* subjectKeyIdentifier */
        return bm_der_take(&rd, BM_DER_OCTET_STRING).n > 0 && bm_rd_end(&rd);
    case 0x0f: /* keyUsage */
        return bm_der_take(&rd, BM_DER_BIT_STRING).n > 1 && bm_rd_end(&rd);
    case 0x13: /* basicConstraints */
        return bm_bytes_equal(value, BM_OID(no_ca)) || bm_bytes_equal(value, BM_OID(ca));
    case 0x11: /* subjectAltName */
    case 0x1f: /* cRLDistributionPoints */
        in = bm_der_enter(&rd, BM_DER_SEQUENCE);
        return all_are(&in, last == 0x11 ? 0 : BM_DER_SEQUENCE) && bm_rd_end(&rd);
    case 0x25: /* extKeyUsage */
        in = bm_der_enter(&rd, BM_DER_SEQUENCE);
        return all_are(&in, BM_DER_OID) && bm_rd_end(&rd);
    case 0x23: /* authorityKeyIdentifier: the key's alone, as an issuer named there goes the long way */
        in = bm_der_enter(&rd, BM_DER_SEQUENCE);
        return bm_der_take(&in, BM_DER_CONTEXT(0)).n > 0 && bm_rd_end(&in) && bm_rd_end(&rd);
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
extensions_plain(const struct bm_cert *cert)
{
    static const uint8_t known[] = { 0x0e, 0x0f, 0x11, 0x13, 0x1f, 0x23, 0x25 },
                         ours[] = { 0x09, 0x20 }; /* directory attributes, policies */
    struct bm_rd rd = bm_rd(cert->extensions);

    while (rd.left > 0 && !rd.bad) {
        struct bm_rd in = bm_der_enter(&rd, BM_DER_SEQUENCE);
        struct bm_bytes oid = bm_der_take(&in, BM_DER_OID), value;
        bool critical = bm_der_peek(&in, BM_DER_BOOLEAN) && bm_der_boolean(&in), ce, plain;

        value = bm_der_take(&in, BM_DER_OCTET_STRING);
        ce = oid.n == 3 && oid.p[0] == 0x55 && oid.p[1] == 0x1d; /* id-ce-N */
        if (ce && memchr(known, oid.p[2], sizeof(known)) != NULL)
            plain = value_plain(oid.p[2], value);
        else
            plain = !critical && (ce ? memchr(ours, oid.p[2], sizeof(ours)) != NULL : is_passed_over(oid));
        if (!bm_rd_end(&in) || !plain)
            return false;
    }
    return !rd.bad;
}

/* With our own reader and the key as it was read before: 5 us and the signature. False: it is not for us to say. */
static bool
plain_way(const struct bm_known_issuer *issuer, struct bm_crypto *crypto, struct bm_bytes leaf, bm_time at)
{
    struct bm_fail ignored;
    struct bm_cert cert;

    return issuer->keyed && bm_cert_parse(&cert, leaf, &ignored) == BM_OK && at >= cert.not_before && at <= cert.not_after &&
           extensions_plain(&cert) && bm_bytes_equal(cert.issuer, issuer->subject) &&
           (cert.aki.n == 0 || issuer->ski.n == 0 || bm_bytes_equal(cert.aki, issuer->ski)) &&
           bm_key_verify(crypto, &issuer->key, cert.alg, cert.tbs, cert.signature, &ignored) == BM_OK;
}

/* Over libcrypto, the issuer being where the path ends: all that is checked between these two is checked, whatever the key and the extensions. */
static bool
short_way(const struct bm_known_issuer *issuer, struct bm_crypto *crypto, struct bm_bytes leaf, bm_time at)
{
    struct bm_bytes der = bm_bytes(issuer->der, issuer->n);
    struct bm_fail ignored;

    if (at < issuer->from || at > issuer->until)
        return false;
    return plain_way(issuer, crypto, leaf, at) ||
           bm_path_check(leaf, (struct bm_certs){ NULL, 0 }, (struct bm_certs){ &der, 1 }, at, &ignored) == BM_OK;
}

/* ---- the whole path, and what is remembered of it ---- */

bool
bm_issuer_constrains(const struct bm_cert_loose *cert)
{
    static const uint8_t names[] = { 0x55, 0x1d, 0x1e };
    static const uint8_t addresses[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x07 };
    static const uint8_t numbers[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x08 };

    return bm_cert_loose_extension(cert, BM_OID(names), NULL).n > 0 || bm_cert_loose_extension(cert, BM_OID(addresses), NULL).n > 0 ||
           bm_cert_loose_extension(cert, BM_OID(numbers), NULL).n > 0;
}

/* Proven just now, and with it all that is above. */
static void
issuer_keep(struct bm_issuers *issuers, const struct bm_path *path)
{
    struct bm_known_issuer issuer = { .n = path->above[0].n, .from = INT64_MIN, .until = INT64_MAX };
    struct bm_cert_loose cert;
    struct bm_fail ignored;
    struct bm_rd ski;

    if (issuers->n == BM_MAX_ISSUERS)
        return;
    for (size_t i = 0; i < path->n; i++) {
        if (bm_cert_loose_parse(&cert, path->above[i], &ignored) != BM_OK || bm_issuer_constrains(&cert) ||
            (i == 0 && !bm_cert_loose_is_ca(&cert)))
            return;
        issuer.from = cert.not_before > issuer.from ? cert.not_before : issuer.from;
        issuer.until = cert.not_after < issuer.until ? cert.not_after : issuer.until;
    }
    if (bm_bytes_dup(&issuer.der, path->above[0], &ignored) != BM_OK)
        return;
    if (bm_cert_loose_parse(&cert, bm_bytes(issuer.der, issuer.n), &ignored) != BM_OK) {
        free(issuer.der);
        return;
    }
    issuer.subject = cert.subject;
    ski = bm_rd(bm_cert_loose_extension(&cert, BM_OID(bm_oid_ski), NULL));
    issuer.ski = bm_der_take(&ski, BM_DER_OCTET_STRING);
    issuer.keyed = bm_key_parse(&issuer.key, cert.spki, &ignored) == BM_OK;
    issuers->issuer[issuers->n++] = issuer;
}

static bool
is_among(const struct bm_known_issuer *issuer, struct bm_certs certs)
{
    for (size_t i = 0; i < certs.n; i++)
        if (certs.der[i].n == issuer->n && memcmp(certs.der[i].p, issuer->der, issuer->n) == 0)
            return true;
    return false;
}

/* One that was not sent with this chip is not asked: the answer would hang on who came before. */
static bool
known_find(const struct bm_issuers *issuers, struct bm_crypto *crypto, struct bm_bytes leaf, struct bm_certs between,
           struct bm_certs anchors, bm_time at)
{
    struct bm_fail ignored;
    struct bm_cert cert;

    if (issuers->n == 0 || bm_cert_outline(&cert, leaf, &ignored) != BM_OK)
        return false;
    for (size_t i = 0; i < issuers->n; i++) {
        const struct bm_known_issuer *issuer = &issuers->issuer[i];

        if (bm_bytes_equal(cert.issuer, issuer->subject) && (is_among(issuer, between) || is_among(issuer, anchors)) &&
            short_way(issuer, crypto, leaf, at))
            return true;
    }
    return false;
}

enum bm_rc
bm_issuers_check(struct bm_issuers *issuers, struct bm_crypto *crypto, struct bm_bytes leaf, struct bm_certs between,
                 struct bm_certs anchors, bm_time at, uint32_t *ret_verified, struct bm_fail *fail)
{
    struct bm_path path;
    bool known = false;
    enum bm_rc rc;

    if (known_find(issuers, crypto, leaf, between, anchors, at)) {
        *ret_verified = 1;
        return BM_OK;
    }
    /* req: RFC5280 6.1.4 what stands above a chip's certificate is valid, an authority's, and may have what stands below it */
    if ((rc = bm_path_find(&path, leaf, between, anchors, at, fail)) != BM_OK)
        return rc;
    *ret_verified = (uint32_t)path.n;
    for (size_t i = 0; i < issuers->n && path.n > 0; i++)
        known = known || is_among(&issuers->issuer[i], (struct bm_certs){ path.above, 1 });
    if (path.n > 0 && !known)
        issuer_keep(issuers, &path);
    return BM_OK;
}
