#include "lot/issuers.h"
#include "lot/plain.h"

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

/* A chip's certificate: its bytes, whose name its issuer has, and all of it where we can read it. */
struct leaf {
    struct bm_bytes der, issuer;
    const struct bm_cert *read; /* NULL: libcrypto may */
};

/* With our own reader and the key as it was read before: 1 us and the signature. False: it is not for us to say. */
static bool
plain_way(const struct bm_known_issuer *issuer, struct bm_crypto *crypto, const struct bm_cert *cert, bm_time at)
{
    struct bm_fail ignored;

    return issuer->keyed && at >= cert->not_before && at <= cert->not_after && bm_cert_plain(cert) &&
           (cert->aki.n == 0 || issuer->ski.n == 0 || bm_bytes_equal(cert->aki, issuer->ski)) &&
           bm_key_verify(crypto, &issuer->key, cert->alg, cert->tbs, cert->signature, &ignored) == BM_OK;
}

/* Over libcrypto, the issuer being where the path ends: all that is checked between these two is checked, whatever the key and the extensions. */
static bool
short_way(const struct bm_known_issuer *issuer, struct bm_crypto *crypto, const struct leaf *leaf, bm_time at)
{
    struct bm_bytes der = bm_bytes(issuer->der, issuer->n);
    struct bm_fail ignored;

    if (at < issuer->from || at > issuer->until)
        return false;
    return (leaf->read != NULL && plain_way(issuer, crypto, leaf->read, at)) ||
           bm_path_check(leaf->der, (struct bm_certs){ NULL, 0 }, (struct bm_certs){ &der, 1 }, at, &ignored) == BM_OK;
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
known_find(const struct bm_issuers *issuers, struct bm_crypto *crypto, const struct leaf *leaf, struct bm_certs between,
           struct bm_certs anchors, bm_time at)
{
    for (size_t i = 0; i < issuers->n; i++) {
        const struct bm_known_issuer *issuer = &issuers->issuer[i];

        if (bm_bytes_equal(leaf->issuer, issuer->subject) && (is_among(issuer, between) || is_among(issuer, anchors)) &&
            short_way(issuer, crypto, leaf, at))
            return true;
    }
    return false;
}

static enum bm_rc
check(struct bm_issuers *issuers, struct bm_crypto *crypto, const struct leaf *leaf, struct bm_certs between, struct bm_certs anchors,
      bm_time at, uint32_t *ret_verified, struct bm_fail *fail)
{
    struct bm_path path;
    bool known = false;
    enum bm_rc rc;

    if (known_find(issuers, crypto, leaf, between, anchors, at)) {
        *ret_verified = 1;
        return BM_OK;
    }
    /* req: RFC5280 6.1.4 what stands above a chip's certificate is valid, an authority's, and may have what stands below it */
    if ((rc = bm_path_find(&path, leaf->der, between, anchors, at, fail)) != BM_OK)
        return rc;
    *ret_verified = (uint32_t)path.n;
    for (size_t i = 0; i < issuers->n && path.n > 0; i++)
        known = known || is_among(&issuers->issuer[i], (struct bm_certs){ path.above, 1 });
    if (path.n > 0 && !known)
        issuer_keep(issuers, &path);
    return BM_OK;
}

enum bm_rc
bm_issuers_check(struct bm_issuers *issuers, struct bm_crypto *crypto, struct bm_bytes leaf, struct bm_certs between,
                 struct bm_certs anchors, bm_time at, uint32_t *ret_verified, struct bm_fail *fail)
{
    struct leaf one = { .der = leaf };
    struct bm_fail ignored;
    struct bm_cert cert;

    if (bm_cert_parse(&cert, leaf, &ignored) == BM_OK)
        one.read = &cert;
    if (one.read != NULL || bm_cert_outline(&cert, leaf, &ignored) == BM_OK)
        one.issuer = cert.issuer;
    return check(issuers, crypto, &one, between, anchors, at, ret_verified, fail);
}

enum bm_rc
bm_issuers_check_read(struct bm_issuers *issuers, struct bm_crypto *crypto, const struct bm_cert *leaf, struct bm_certs between,
                      struct bm_certs anchors, bm_time at, uint32_t *ret_verified, struct bm_fail *fail)
{
    const struct leaf one = { .der = leaf->der, .issuer = leaf->issuer, .read = leaf };

    return check(issuers, crypto, &one, between, anchors, at, ret_verified, fail);
}
