#include "lot/chain.h"

#include <stdlib.h>

#define MAX_PATH 16 /* certificates that may stand above a chip's: a few, with the same name a few times */

enum bm_rc
bm_pool_add(struct bm_pool *pool, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_cert_loose cert;
    enum bm_rc rc;

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
    free(pool->certs);
    *pool = (struct bm_pool){ .n = 0 };
}

enum bm_rc
bm_pool_open(struct bm_pool *ret_pool, const struct bm_certs_list *pinned, struct bm_fail *fail)
{
    bm_cleanup(bm_pool_done) struct bm_pool pool = { .n = 0 };
    bool roots = false;
    enum bm_rc rc;

    for (size_t i = 0; i < pinned->n; i++) {
        if ((rc = bm_pool_add(&pool, pinned->der[i], fail)) != BM_OK) {
            bm_fail_prefix(fail, "root certificate %zu of the vendor", i + 1);
            return rc;
        }
        pool.certs[i].anchor = bm_bytes_equal(pool.certs[i].cert.issuer, pool.certs[i].cert.subject);
        roots = roots || pool.certs[i].anchor;
    }
    for (size_t i = 0; i < pool.n && !roots; i++)
        pool.certs[i].anchor = true;
    *ret_pool = pool;
    pool = (struct bm_pool){ .n = 0 };
    return BM_OK;
}

/* Those of the pool that can stand above one certificate, by name: 0.1 ms for each that need not be tried. */
struct above {
    const struct bm_pool_cert *certs[MAX_PATH];
    size_t n;
    uint32_t steps; /* signatures from the certificate to the first anchor; 0: none was found */
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
    uint32_t depth[MAX_PATH + 1] = { 1 };
    struct bm_bytes want = cert->issuer;

    *above = (struct above){ .n = 0 };
    for (size_t done = 0;; done++) {
        for (size_t i = 0; i < pool->n && above->n < MAX_PATH; i++) {
            const struct bm_pool_cert *one = &pool->certs[i];

            if (!bm_bytes_equal(one->cert.subject, want) || above_has(above, one))
                continue;
            depth[above->n + 1] = depth[done] + 1;
            if (one->anchor && above->steps == 0)
                above->steps = depth[done];
            above->certs[above->n++] = one;
        }
        if (done == above->n)
            return;
        want = above->certs[done]->cert.issuer;
    }
}

/* Over libcrypto: those found by name, or, where they lead nowhere (a name in two spellings), all. */
static enum bm_rc
path_check(const struct bm_pool *pool, const struct above *above, struct bm_bytes der, bm_time at, struct bm_fail *fail)
{
    size_t n = above->steps > 0 ? above->n : pool->n, nends = 0, nbetween = 0;
    struct bm_bytes *list = calloc(2 * n + 1, sizeof(*list)), *between = list, *ends = list + n;
    enum bm_rc rc;

    if (list == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to check a certificate path");
    for (size_t i = 0; i < n; i++) {
        const struct bm_pool_cert *one = above->steps > 0 ? above->certs[i] : &pool->certs[i];

        if (one->anchor)
            ends[nends++] = one->cert.der;
        else
            between[nbetween++] = one->cert.der;
    }
    rc = bm_path_check(der, (struct bm_certs){ between, nbetween }, (struct bm_certs){ ends, nends }, at, fail);
    free(list);
    return rc;
}

/* The first step by hand, for a certificate that libcrypto does not read. */
static enum bm_rc
broken_check(const struct bm_pool *pool, const struct above *above, struct bm_crypto *crypto, const struct bm_cert_loose *cert, bm_time at,
             struct bm_fail *fail)
{
    enum bm_sig_alg alg;
    enum bm_rc rc;

    if ((rc = bm_sig_alg_parse(&alg, cert->alg, fail)) != BM_OK)
        return rc;
    if (at < cert->not_before || at > cert->not_after)
        return bm_fail(fail, BM_EPOLICY, "RFC 5280 4.1.2.5", "the certificate is not valid at the time it is looked at");
    for (size_t i = 0; i < above->n; i++) {
        const struct bm_cert_loose *issuer = &above->certs[i]->cert;
        struct bm_key key;
        struct above higher;

        if (!bm_bytes_equal(issuer->subject, cert->issuer) || !(above->certs[i]->anchor || bm_cert_loose_is_ca(issuer)) ||
            bm_key_parse(&key, issuer->spki, fail) != BM_OK || bm_key_verify(crypto, &key, alg, cert->tbs, cert->signature, fail) != BM_OK)
            continue;
        above_find(&higher, pool, issuer);
        if (above->certs[i]->anchor) /* partial chain: it leads to itself, if it is valid */
            higher = *above;
        return path_check(pool, &higher, issuer->der, at, fail);
    }
    return bm_fail(fail, BM_EPOLICY, "RFC 5280 6.1", "the certificate does not lead to a trusted one: no issuer's key verifies it");
}

static enum bm_rc
look_at(const struct bm_pool *pool, const struct above *above, struct bm_crypto *crypto, const struct bm_cert_loose *cert, bm_time at,
        struct bm_fail *fail)
{
    enum bm_rc rc = path_check(pool, above, cert->der, at, fail);

    return rc == BM_EINPUT ? broken_check(pool, above, crypto, cert, at, fail) : rc;
}

enum bm_rc
bm_pool_look(const struct bm_pool *pool, struct bm_crypto *crypto, const struct bm_cert_loose *cert, bm_time now, struct bm_lot_chip *chip,
             struct bm_fail *fail)
{
    bm_time at = now != 0 && now < cert->not_after ? now : cert->not_after;
    struct above above;
    struct bm_fail then;
    enum bm_rc rc;
    bool expired;

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
        bm_lot_chip_find(chip, BM_CHECK_CHAIN, "its certificate: %.200s", fail->text);
    else if (expired)
        bm_lot_chip_find(chip, BM_CHECK_SIGNER_EXPIRED,
                         "its certificate, or one above it, was valid when it was issued and has expired since");
    if (rc == BM_OK)
        chip->signatures += above.steps > 0 ? above.steps : 1;
    return BM_OK;
}
