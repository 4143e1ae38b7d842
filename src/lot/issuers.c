#include "lot/issuers.h"

#include "wire/der.h"

#include <stdlib.h>

void
bm_issuers_done(struct bm_issuers *issuers)
{
    for (size_t i = 0; i < issuers->n; i++)
        free(issuers->issuer[i].der);
    issuers->n = 0;
}

/* Extensions that a chip's own certificate may have without a say in its path: key usage, basic constraints, its names. Others go the long way. */
static bool
extensions_plain(const struct bm_cert *cert)
{
    static const uint8_t plain[] = { 0x0e, 0x0f, 0x11, 0x13, 0x23 }; /* id-ce-N: SKI, keyUsage, SAN, basicConstraints, AKI */
    struct bm_rd rd = bm_rd(cert->extensions);

    while (rd.left > 0 && !rd.bad) {
        struct bm_rd in = bm_der_enter(&rd, BM_DER_SEQUENCE);
        struct bm_bytes oid = bm_der_take(&in, BM_DER_OID);

        if (in.bad || oid.n != 3 || oid.p[0] != 0x55 || oid.p[1] != 0x1d || memchr(plain, oid.p[2], sizeof(plain)) == NULL)
            return false;
    }
    return !rd.bad;
}

static bool
short_way(const struct bm_known_issuer *issuer, struct bm_crypto *crypto, struct bm_bytes leaf, bm_time at)
{
    struct bm_fail ignored;
    struct bm_cert cert;

    return at >= issuer->from && at <= issuer->until && bm_cert_parse(&cert, leaf, &ignored) == BM_OK && at >= cert.not_before &&
           at <= cert.not_after && extensions_plain(&cert) && bm_bytes_equal(cert.issuer, issuer->cert.subject) &&
           bm_cert_signed_by(crypto, &cert, &issuer->cert, &ignored) == BM_OK;
}

/* The anchor right above it: the path that was proven has these two and no more. */
static bool
anchor_find(struct bm_crypto *crypto, const struct bm_cert *cert, struct bm_certs anchors, struct bm_cert *ret_anchor)
{
    struct bm_fail ignored;

    for (size_t i = 0; i < anchors.n; i++)
        if (bm_cert_parse(ret_anchor, anchors.der[i], &ignored) == BM_OK && bm_bytes_equal(ret_anchor->subject, cert->issuer) &&
            bm_cert_signed_by(crypto, cert, ret_anchor, &ignored) == BM_OK)
            return true;
    return false;
}

/* Part of the path that was proven? One that leads from the anchor to the chip without it says nothing of it. */
static bool
issues(struct bm_crypto *crypto, const struct bm_cert *cert, struct bm_bytes leaf)
{
    struct bm_cert_loose loose;
    struct bm_cert chip;
    struct bm_fail ignored;

    return bm_cert_loose_parse(&loose, cert->der, &ignored) == BM_OK && bm_cert_loose_is_ca(&loose) &&
           bm_cert_parse(&chip, leaf, &ignored) == BM_OK && bm_cert_signed_by(crypto, &chip, cert, &ignored) == BM_OK;
}

/* Proven just now as part of a path. Not kept where what it says could tell one chip from another (name constraints, policies). */
static void
issuer_keep(struct bm_issuers *issuers, struct bm_crypto *crypto, struct bm_bytes leaf, struct bm_bytes der, struct bm_certs anchors)
{
    struct bm_known_issuer *issuer = &issuers->issuer[issuers->n];
    struct bm_fail ignored;
    struct bm_cert anchor;

    if (issuers->n == BM_MAX_ISSUERS || bm_bytes_dup(&issuer->der, der, &ignored) != BM_OK)
        return;
    if (bm_cert_parse(&issuer->cert, bm_bytes(issuer->der, der.n), &ignored) != BM_OK || !extensions_plain(&issuer->cert) ||
        !issues(crypto, &issuer->cert, leaf) || !anchor_find(crypto, &issuer->cert, anchors, &anchor)) {
        free(issuer->der);
        return;
    }
    bm_sha256(issuer->hash, der);
    issuer->from = anchor.not_before > issuer->cert.not_before ? anchor.not_before : issuer->cert.not_before;
    issuer->until = anchor.not_after < issuer->cert.not_after ? anchor.not_after : issuer->cert.not_after;
    issuers->n++;
}

enum bm_rc
bm_issuers_check(struct bm_issuers *issuers, struct bm_crypto *crypto, struct bm_bytes leaf, struct bm_certs between,
                 struct bm_certs anchors, bm_time at, uint32_t *ret_verified, struct bm_fail *fail)
{
    uint8_t hash[BM_HASH];
    bool known = false;
    enum bm_rc rc;

    if (between.n == 1) {
        bm_sha256(hash, between.der[0]);
        for (size_t i = 0; i < issuers->n && !known; i++) {
            known = memcmp(issuers->issuer[i].hash, hash, BM_HASH) == 0;
            if (known && short_way(&issuers->issuer[i], crypto, leaf, at)) {
                *ret_verified = 1;
                return BM_OK;
            }
        }
    }
    if ((rc = bm_path_check(leaf, between, anchors, at, fail)) != BM_OK)
        return rc;
    *ret_verified = (uint32_t)between.n + 1;
    if (between.n == 1 && !known)
        issuer_keep(issuers, crypto, leaf, between.der[0], anchors);
    return BM_OK;
}
