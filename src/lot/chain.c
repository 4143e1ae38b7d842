#include "lot/chain.h"

#include "pki/oid.h"

#include <stdlib.h>

#define MAX_ABOVE 16 /* certificates that may stand above a chip's: a few, with the same name a few times */

enum bm_rc
bm_pool_add(struct bm_pool *pool, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_cert_loose cert;
    uint8_t hash[BM_HASH];
    enum bm_rc rc;

    bm_sha256(hash, der);
    if (bm_vendor_retired(pool->vendor, hash))
        return BM_OK;
    if (pool->n == BM_MAX_CHAIN_POOL)
        return bm_fail(fail, BM_EINPUT, NULL, "there are more than %d certificates of authorities", BM_MAX_CHAIN_POOL);
    if ((rc = bm_cert_loose_parse(&cert, der, fail)) != BM_OK)
        return rc;
    if (pool->certs == NULL && (pool->certs = calloc(BM_MAX_CHAIN_POOL, sizeof(*pool->certs))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the vendor's certificates");
    pool->certs[pool->n++] = (struct bm_pool_cert){ .cert = cert };
    return BM_OK;
}

void
bm_pool_done(struct bm_pool *pool)
{
    if (pool->issuers != NULL)
        bm_issuers_done(pool->issuers);
    free(pool->issuers);
    free(pool->certs);
    *pool = (struct bm_pool){ .n = 0 };
}

/* Paths end at what is self-issued; where nothing is, at all that was pinned. */
static void
anchors_choose(struct bm_pool *pool)
{
    bool roots = false;

    for (size_t i = 0; i < pool->n; i++) {
        pool->certs[i].anchor = bm_bytes_equal(pool->certs[i].cert.issuer, pool->certs[i].cert.subject);
        roots = roots || pool->certs[i].anchor;
    }
    for (size_t i = 0; i < pool->n && !roots; i++)
        pool->certs[i].anchor = true;
}

enum bm_rc
bm_pool_open(struct bm_pool *ret_pool, const struct bm_vendor *vendor, struct bm_fail *fail)
{
    bm_cleanup(bm_pool_done) struct bm_pool pool = { .vendor = vendor };
    enum bm_rc rc;

    if ((pool.issuers = calloc(1, sizeof(*pool.issuers))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the vendor's certificates");
    for (size_t i = 0; i < vendor->roots.n; i++)
        if ((rc = bm_pool_add(&pool, vendor->roots.der[i], fail)) != BM_OK) {
            bm_fail_prefix(fail, "root certificate %zu of the vendor %s", i + 1, vendor->name);
            return rc;
        }
    if (pool.n == 0 && vendor->roots.n > 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "all roots of the vendor %s are retired: add one that is believed", vendor->name);
    anchors_choose(&pool);
    *ret_pool = pool;
    pool = (struct bm_pool){ .n = 0 };
    return BM_OK;
}

/* Those of the pool that can stand above one certificate, by name: 0.1 ms for each that need not be tried. */
struct above {
    const struct bm_pool_cert *certs[MAX_ABOVE];
    size_t n;
    bool reached; /* an anchor is among them */
};

static bool
above_has(const struct above *above, const struct bm_pool_cert *cert)
{
    for (size_t i = 0; i < above->n; i++)
        if (above->certs[i] == cert)
            return true;
    return false;
}

static void
above_find(struct above *above, const struct bm_pool *pool, const struct bm_cert_loose *cert)
{
    struct bm_bytes want = cert->issuer;

    *above = (struct above){ .n = 0 };
    for (size_t done = 0;; done++) {
        for (size_t i = 0; i < pool->n && above->n < MAX_ABOVE; i++) {
            const struct bm_pool_cert *one = &pool->certs[i];

            if (!bm_bytes_equal(one->cert.subject, want) || above_has(above, one))
                continue;
            above->reached = above->reached || one->anchor;
            above->certs[above->n++] = one;
        }
        if (done == above->n)
            return;
        want = above->certs[done]->cert.issuer;
    }
}

/* What a path may go over, and where it may end. */
struct ways {
    struct bm_bytes *list;
    struct bm_certs between, ends;
};

static void
ways_done(struct ways *ways)
{
    free(ways->list);
}

/* Those found by name, or, where they lead nowhere (a name in two spellings), all; and what came with the chip. */
static enum bm_rc
ways_find(struct ways *ret_ways, const struct bm_pool *pool, const struct above *above, struct bm_certs with, struct bm_fail *fail)
{
    size_t n = above->reached ? above->n : pool->n, nends = 0, nbetween = with.n;
    struct bm_bytes *list = calloc(with.n + 2 * n + 1, sizeof(*list)), *ends = list + with.n + n;

    if (list == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to check a certificate path");
    if (with.n > 0)
        memcpy(list, with.der, with.n * sizeof(*list));
    for (size_t i = 0; i < n; i++) {
        const struct bm_pool_cert *one = above->reached ? above->certs[i] : &pool->certs[i];

        if (one->anchor)
            ends[nends++] = one->cert.der;
        else
            list[nbetween++] = one->cert.der;
    }
    *ret_ways = (struct ways){ .list = list, .between = { list, nbetween }, .ends = { ends, nends } };
    return BM_OK;
}

static enum bm_rc
path_check(const struct bm_pool *pool, const struct above *above, struct bm_crypto *crypto, struct bm_bytes der, bm_time at,
           struct bm_fail *fail)
{
    bm_cleanup(ways_done) struct ways ways = { .list = NULL };
    enum bm_rc rc = ways_find(&ways, pool, above, (struct bm_certs){ NULL, 0 }, fail);
    uint32_t ignored;

    return rc != BM_OK ? rc : bm_issuers_check(pool->issuers, crypto, der, ways.between, ways.ends, at, &ignored, fail);
}

enum bm_rc
bm_pool_prove(const struct bm_pool *pool, struct bm_crypto *crypto, const struct bm_cert *cert, struct bm_certs with, bm_time at,
              uint32_t *ret_verified, struct bm_fail *fail)
{
    bm_cleanup(ways_done) struct ways ways = { .list = NULL };
    const struct above all = { .n = 0 };
    enum bm_rc rc = ways_find(&ways, pool, &all, with, fail);

    return rc != BM_OK ? rc : bm_issuers_check_read(pool->issuers, crypto, cert, ways.between, ways.ends, at, ret_verified, fail);
}

/* What the first step by hand cannot ask is not taken on trust: an extension that must be understood, and constraints on names from above. */
static enum bm_rc
broken_allowed(const struct above *above, const struct bm_cert_loose *cert, bm_time at, struct bm_fail *fail)
{
    static const struct bm_bytes known[] = { { bm_oid_key_usage, sizeof(bm_oid_key_usage) },
                                             { bm_oid_san, sizeof(bm_oid_san) },
                                             { bm_oid_basic_constraints, sizeof(bm_oid_basic_constraints) },
                                             { bm_oid_eku, sizeof(bm_oid_eku) } };

    if (at < cert->not_before || at > cert->not_after)
        return bm_fail(fail, BM_EPOLICY, "RFC 5280 4.1.2.5", "the certificate is not valid at the time it is looked at");
    /* req: RFC5280 4.2 a critical extension that is not understood refuses the certificate, broken or not */
    if (bm_cert_loose_critical(cert, known, BM_COUNT(known)).n > 0)
        return bm_fail(fail, BM_EPOLICY, "RFC 5280 4.2", "the certificate has a critical extension that is not known here");
    for (size_t i = 0; i < above->n; i++)
        if (bm_issuer_constrains(&above->certs[i]->cert))
            return bm_fail(fail, BM_EPOLICY, "RFC 5280 6.1.4 g",
                           "the names that its issuer may give cannot be checked of a broken certificate");
    return BM_OK;
}

/* Pinned ones of old have neither of the two extensions that say so; where one has, it is believed. */
static bool
may_issue(const struct bm_pool_cert *issuer)
{
    const struct bm_cert_loose *cert = &issuer->cert;

    return bm_cert_loose_is_ca(cert) || (issuer->anchor && bm_cert_loose_extension(cert, BM_OID(bm_oid_basic_constraints), NULL).n == 0 &&
                                         bm_cert_loose_extension(cert, BM_OID(bm_oid_key_usage), NULL).n == 0);
}

/* The first step by hand, for a certificate that libcrypto does not read. */
static enum bm_rc
broken_check(const struct bm_pool *pool, const struct above *above, struct bm_crypto *crypto, const struct bm_cert_loose *cert, bm_time at,
             struct bm_fail *fail)
{
    enum bm_sig_alg alg;
    enum bm_rc rc;

    if ((rc = bm_sig_alg_parse(&alg, cert->alg, fail)) != BM_OK || (rc = broken_allowed(above, cert, at, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < above->n; i++) {
        const struct bm_cert_loose *issuer = &above->certs[i]->cert;
        struct bm_key key;
        struct above higher;

        if (!bm_bytes_equal(issuer->subject, cert->issuer) || !may_issue(above->certs[i]) ||
            bm_key_parse(&key, issuer->spki, fail) != BM_OK || bm_key_verify(crypto, &key, alg, cert->tbs, cert->signature, fail) != BM_OK)
            continue;
        above_find(&higher, pool, issuer);
        if (above->certs[i]->anchor) /* partial chain: it leads to itself, if it is valid */
            higher = *above;
        return path_check(pool, &higher, crypto, issuer->der, at, fail);
    }
    return bm_fail(fail, BM_EPOLICY, "RFC 5280 6.1", "the certificate does not lead to a trusted one: no issuer's key verifies it");
}

static enum bm_rc
look_at(const struct bm_pool *pool, const struct above *above, struct bm_crypto *crypto, const struct bm_cert_loose *cert, bm_time at,
        struct bm_fail *fail)
{
    enum bm_rc rc = path_check(pool, above, crypto, cert->der, at, fail);

    return rc == BM_EINPUT ? broken_check(pool, above, crypto, cert, at, fail) : rc;
}

enum bm_rc
bm_pool_look(struct bm_pool *pool, struct bm_crypto *crypto, const struct bm_cert_loose *cert, const char *which, bm_time now,
             struct bm_lot_chip *chip, struct bm_fail *fail)
{
    bm_time at = now != 0 && now < cert->not_after ? now : cert->not_after;
    struct above above;
    struct bm_fail then;
    enum bm_rc rc;
    bool expired;

    if (pool->n == 0)
        return BM_OK;
    above_find(&above, pool, cert);
    if (now == 0)
        at = cert->not_before;
    expired = now > cert->not_after;
    rc = look_at(pool, &above, crypto, cert, at, fail);
    /* what is above it may have expired first: it was judged by its issuer when it was issued, and a chip lives longer than a CA */
    if ((rc == BM_EPOLICY || rc == BM_EINPUT) && at > cert->not_before &&
        look_at(pool, &above, crypto, cert, cert->not_before, &then) == BM_OK) {
        expired = true;
        rc = BM_OK;
    }
    if (rc == BM_ENOMEM || rc == BM_EBUSY || rc == BM_EBUG)
        return rc;
    if (rc != BM_OK)
        bm_lot_chip_find(chip, BM_CHECK_CHAIN, "%s: %.180s", which, fail->text);
    else if (expired)
        bm_lot_chip_find(chip, BM_CHECK_SIGNER_EXPIRED, "%s, or one above it, was valid when it was issued and has expired since", which);
    if (rc == BM_OK)
        chip->signatures++;
    return BM_OK;
}
