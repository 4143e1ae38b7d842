/* buckets.c - into which lists certificates are spread (revocations.h). */
#include "base/base.h"
#include "signer/revocations.h"

#include <stdlib.h>

void
bm_revocations_init(struct bm_revocations *ret_all, uint64_t seed)
{
    *ret_all = (struct bm_revocations){ .n = 0 };
    bm_table_init(&ret_all->listed, seed);
}

static void
bucket_empty(struct bm_bucket *bucket)
{
    free(bucket->revoked);
    free(bucket->held);
    free(bucket->retired);
    bucket->revoked = bucket->held = NULL;
    bucket->retired = NULL;
    bucket->n = bucket->nheld = bucket->cap_held = bucket->nretired = bucket->cap_retired = 0;
}

void
bm_revocations_done(struct bm_revocations *all)
{
    for (size_t i = 0; i < all->n; i++)
        bucket_empty(&all->buckets[i]);
    free(all->buckets);
    bm_table_done(&all->listed);
    *all = (struct bm_revocations){ .n = 0 };
}

uint32_t
bm_bucket_find(const struct bm_revocations *all, unsigned ca, uint32_t number)
{
    /* the newest first: most questions are about those */
    for (size_t i = all->n; i-- > 0;)
        if (all->buckets[i].ca == ca && all->buckets[i].number == number)
            return (uint32_t)i;
    return BM_NO_BUCKET;
}

uint32_t
bm_bucket_next(const struct bm_revocations *all, unsigned ca, unsigned service, uint32_t room)
{
    for (size_t i = all->n; i-- > 0;) {
        const struct bm_bucket *bucket = &all->buckets[i];

        if (bucket->ca == ca && bucket->service == service && bucket->room == room && bucket->issued < room)
            return bucket->number;
    }
    return all->last[ca] + 1;
}

bool
bm_bucket_ended(const struct bm_bucket *bucket, bm_time now)
{
    return bucket->room > 0 && bucket->issued == bucket->room && bucket->not_after < now - BM_BUCKET_LINGERS;
}

static enum bm_rc
bucket_make(struct bm_revocations *all, unsigned ca, uint32_t number, uint32_t *ret_bucket, struct bm_fail *fail)
{
    struct bm_bucket *p = all->buckets;
    size_t wider = all->cap * 2 + 16;

    if (all->n == all->cap) {
        if ((p = reallocarray(p, wider, sizeof(*p))) == NULL)
            return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for another list of revoked certificates");
        all->buckets = p;
        all->cap = wider;
    }
    *ret_bucket = (uint32_t)all->n;
    p[all->n++] = (struct bm_bucket){ .ca = (uint8_t)ca, .number = number };
    return BM_OK;
}

static void
ended_empty(struct bm_revocations *all, bm_time now)
{
    for (size_t i = 0; i < all->n; i++)
        if (bm_bucket_ended(&all->buckets[i], now))
            bucket_empty(&all->buckets[i]);
}

static enum bm_rc
bucket_open(struct bm_revocations *all, const struct bm_bucket_use *use, bm_time now, uint32_t *ret_bucket, struct bm_fail *fail)
{
    enum bm_rc rc = BM_OK;

    if (use->number != all->last[use->ca] + 1 || use->room == 0 || use->room > BM_CRL_BUCKET)
        return bm_fail(fail, BM_EBUG, NULL, "a record contradicts those before it: it opens list %u out of order", use->number);
    if (*ret_bucket == BM_NO_BUCKET && (rc = bucket_make(all, use->ca, use->number, ret_bucket, fail)) != BM_OK)
        return rc;
    all->buckets[*ret_bucket].service = (uint16_t)use->service;
    all->buckets[*ret_bucket].room = use->room;
    all->last[use->ca] = use->number;
    ended_empty(all, now);
    return BM_OK;
}

enum bm_rc
bm_bucket_take(struct bm_revocations *all, const struct bm_bucket_use *use, bm_time now, uint32_t *ret_bucket, struct bm_fail *fail)
{
    uint32_t at = bm_bucket_find(all, use->ca, use->number);
    struct bm_bucket *bucket;
    enum bm_rc rc;

    if ((at == BM_NO_BUCKET || all->buckets[at].room == 0) && (rc = bucket_open(all, use, now, &at, fail)) != BM_OK)
        return rc;
    bucket = &all->buckets[at];
    if (bucket->service != use->service || bucket->room != use->room || bucket->issued == bucket->room)
        return bm_fail(fail, BM_EBUG, NULL, "a record contradicts those before it: list %u has no room for its certificate", use->number);
    bucket->issued++;
    if (use->not_after > bucket->not_after)
        bucket->not_after = use->not_after;
    *ret_bucket = at;
    return BM_OK;
}

enum bm_rc
bm_bucket_listed(struct bm_revocations *all, unsigned ca, uint32_t number, uint64_t crl, struct bm_fail *fail)
{
    uint32_t at = bm_bucket_find(all, ca, number);
    enum bm_rc rc;

    if (number == 0 || number > all->last[ca] + BM_BUCKETS_AHEAD)
        return bm_fail(fail, BM_EBUG, NULL, "a record contradicts those before it: a list of certificates that there will be later");
    if (at == BM_NO_BUCKET && (rc = bucket_make(all, ca, number, &at, fail)) != BM_OK)
        return rc;
    if (crl <= all->buckets[at].crl)
        return bm_fail(fail, BM_EBUG, NULL, "a record contradicts those before it: a CRL's number that does not rise");
    all->buckets[at].crl = crl;
    return BM_OK;
}
