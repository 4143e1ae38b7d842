#include "signer/revocations.h"

#include "base/base.h"

#include <stdlib.h>

#define REASON_KEY_COMPROMISE 1 /* RFC 5280 5.3.1 */
#define REASON_CA_COMPROMISE 2
#define REASON_SUPERSEDED 4
#define REASON_HOLD 6
#define REASON_AA_COMPROMISE 10

bool
bm_reason_urgent(uint8_t reason)
{
    return reason == REASON_KEY_COMPROMISE || reason == REASON_CA_COMPROMISE || reason == REASON_AA_COMPROMISE || reason == REASON_HOLD;
}

static bool
is(const struct bm_revoked *revoked, struct bm_bytes serial)
{
    return bm_bytes_equal(serial, bm_bytes(revoked->serial, revoked->nserial));
}

static const struct bm_revoked *
entry_of(const struct bm_revoked *entries, size_t n, struct bm_bytes serial)
{
    for (size_t i = 0; i < n; i++)
        if (is(&entries[i], serial))
            return &entries[i];
    return NULL;
}

static const struct bm_retired *
retired_of(const struct bm_bucket *bucket, struct bm_bytes serial)
{
    for (size_t i = 0; i < bucket->nretired; i++)
        if (is(&bucket->retired[i].entry, serial))
            return &bucket->retired[i];
    return NULL;
}

static void
changed(struct bm_revocations *all, struct bm_bucket *bucket, bool urgent)
{
    if (!bucket->changed)
        all->nchanged++;
    bucket->changed = true;
    bucket->urgent |= urgent;
}

void
bm_revocations_told(struct bm_revocations *all)
{
    for (size_t i = 0; i < all->n; i++)
        all->buckets[i].changed = all->buckets[i].urgent = false;
    all->nchanged = 0;
}

static enum bm_rc
listed_add(struct bm_revocations *all, uint32_t bucket, struct bm_bytes serial, struct bm_fail *fail)
{
    uint8_t key[BM_HASH] = { 0 };
    uint32_t there;

    memcpy(key, serial.p, serial.n);
    return bm_table_add(&all->listed, key, bucket, &there, fail);
}

static uint32_t
listed_find(const struct bm_revocations *all, struct bm_bytes serial)
{
    uint8_t key[BM_HASH] = { 0 };
    uint32_t bucket;

    if (serial.n > BM_MAX_SERIAL)
        return BM_NO_BUCKET;
    memcpy(key, serial.p, serial.n);
    return bm_table_find(&all->listed, key, &bucket) ? bucket : BM_NO_BUCKET;
}

static bool
held_drop(struct bm_bucket *bucket, struct bm_bytes serial)
{
    bool dropped = false;

    for (size_t i = 0; i < bucket->nheld; i++)
        if (is(&bucket->held[i], serial)) {
            bucket->held[i--] = bucket->held[--bucket->nheld];
            dropped = true;
        }
    return dropped;
}

/* What relied on it being held must hear that it is not. */
void
bm_revocations_let_go(struct bm_revocations *all, uint32_t at, struct bm_bytes serial)
{
    if (held_drop(&all->buckets[at], serial))
        changed(all, &all->buckets[at], true);
}

/* req: RFC5280 5.3.1 certificateHold is on the list while it holds, and gone when it is let go */
enum bm_rc
bm_revocations_hold(struct bm_revocations *all, uint32_t at, struct bm_bytes serial, bm_time time, struct bm_fail *fail)
{
    struct bm_bucket *bucket = &all->buckets[at];
    struct bm_revoked *p = bucket->held;
    size_t wider = bucket->cap_held * 2 + 4;
    enum bm_rc rc;

    if (entry_of(p, bucket->nheld, serial) != NULL)
        return BM_OK;
    if ((rc = listed_add(all, at, serial, fail)) != BM_OK)
        return rc;
    if (bucket->nheld == bucket->cap_held) {
        if ((p = reallocarray(p, wider, sizeof(*p))) == NULL)
            return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for another certificate on hold");
        bucket->held = p;
        bucket->cap_held = wider;
    }
    p += bucket->nheld++;
    *p = (struct bm_revoked){ .nserial = (uint8_t)serial.n, .reason = REASON_HOLD, .time = time };
    memcpy(p->serial, serial.p, serial.n);
    changed(all, bucket, true);
    return BM_OK;
}

static void
retired_drop(struct bm_bucket *bucket, struct bm_bytes serial)
{
    size_t kept = 0;

    for (size_t i = 0; i < bucket->nretired; i++)
        if (!is(&bucket->retired[i].entry, serial))
            bucket->retired[kept++] = bucket->retired[i];
    bucket->nretired = kept;
}

enum bm_rc
bm_revocations_add(struct bm_revocations *all, uint32_t at, struct bm_bytes serial, uint8_t reason, bm_time time, struct bm_fail *fail)
{
    struct bm_bucket *bucket = &all->buckets[at];
    struct bm_revoked *p = bucket->revoked;
    enum bm_rc rc;

    if ((rc = listed_add(all, at, serial, fail)) != BM_OK)
        return rc;
    /* grown by powers of two: n is one */
    if ((bucket->n & (bucket->n - 1)) == 0 && (p = reallocarray(p, bucket->n == 0 ? 1 : bucket->n * 2, sizeof(*p))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for another revocation");
    bucket->revoked = p;
    p += bucket->n++;
    *p = (struct bm_revoked){ .nserial = (uint8_t)serial.n, .reason = reason, .time = time };
    memcpy(p->serial, serial.p, serial.n);
    retired_drop(bucket, serial);
    (void)held_drop(bucket, serial);
    changed(all, bucket, bm_reason_urgent(reason));
    return BM_OK;
}

static void
expired_drop(struct bm_bucket *bucket, bm_time now)
{
    size_t kept = 0;

    for (size_t i = 0; i < bucket->nretired; i++)
        if (bucket->retired[i].not_after >= now)
            bucket->retired[kept++] = bucket->retired[i];
    bucket->nretired = kept;
}

enum bm_rc
bm_revocations_retire(struct bm_revocations *all, uint32_t at, struct bm_bytes serial, bm_time time, bm_time not_after, bm_time now,
                      struct bm_fail *fail)
{
    struct bm_bucket *bucket = &all->buckets[at];
    struct bm_retired *p = bucket->retired;
    size_t wider = bucket->cap_retired * 2 + 4;
    enum bm_rc rc;

    if ((rc = listed_add(all, at, serial, fail)) != BM_OK)
        return rc;
    if (bucket->nretired == bucket->cap_retired)
        expired_drop(bucket, now);
    if (bucket->nretired == bucket->cap_retired) {
        if ((p = reallocarray(p, wider, sizeof(*p))) == NULL)
            return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for another certificate that retires");
        bucket->retired = p;
        bucket->cap_retired = wider;
    }
    p += bucket->nretired++;
    *p =
        (struct bm_retired){ .entry = { .nserial = (uint8_t)serial.n, .reason = REASON_SUPERSEDED, .time = time }, .not_after = not_after };
    memcpy(p->entry.serial, serial.p, serial.n);
    changed(all, bucket, false);
    return BM_OK;
}

uint32_t
bm_revocations_retires(const struct bm_revocations *all, struct bm_bytes serial)
{
    uint32_t at = listed_find(all, serial);

    return at != BM_NO_BUCKET && retired_of(&all->buckets[at], serial) != NULL ? at : BM_NO_BUCKET;
}

enum bm_rc
bm_revocations_now(const struct bm_bucket *bucket, bm_time now, struct bm_revoked **ret_revoked, size_t *ret_n, bm_time *ret_until,
                   struct bm_fail *fail)
{
    struct bm_revoked *all = reallocarray(NULL, bucket->n + bucket->nheld + bucket->nretired + 1, sizeof(*all));
    size_t n = 0;

    if (all == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the list of revoked certificates");
    *ret_until = BM_TIME_NEVER;
    for (; n < bucket->n; n++)
        all[n] = bucket->revoked[n];
    for (size_t i = 0; i < bucket->nheld; i++)
        all[n++] = bucket->held[i];
    for (size_t i = 0; i < bucket->nretired; i++) {
        const struct bm_retired *retired = &bucket->retired[i];

        if (retired->entry.time > now && retired->entry.time < *ret_until)
            *ret_until = retired->entry.time;
        if (retired->entry.time <= now && retired->not_after >= now &&
            entry_of(bucket->held, bucket->nheld, bm_bytes(retired->entry.serial, retired->entry.nserial)) == NULL)
            all[n++] = retired->entry;
    }
    *ret_revoked = all;
    *ret_n = n;
    return BM_OK;
}

enum bm_listed
bm_revocations_of(const struct bm_revocations *all, struct bm_bytes serial, bm_time now, struct bm_revoked *ret_entry, uint32_t *ret_bucket,
                  bm_time *ret_until)
{
    uint32_t at = listed_find(all, serial);
    const struct bm_bucket *bucket = at == BM_NO_BUCKET ? NULL : &all->buckets[at];
    const struct bm_revoked *entry;
    const struct bm_retired *retired;

    *ret_bucket = at;
    *ret_until = BM_TIME_NEVER;
    if (bucket == NULL)
        return BM_LISTED_NOT;
    if ((entry = entry_of(bucket->revoked, bucket->n, serial)) == NULL)
        entry = entry_of(bucket->held, bucket->nheld, serial);
    retired = retired_of(bucket, serial);
    if (entry == NULL && retired != NULL && retired->entry.time > now) {
        *ret_until = retired->entry.time;
        return BM_LISTED_NOT;
    }
    if (entry == NULL && retired != NULL)
        entry = &retired->entry;
    if (entry == NULL)
        return bm_bucket_ended(bucket, now) ? BM_LISTED_ONCE : BM_LISTED_NOT;
    *ret_entry = *entry;
    return BM_LISTED;
}
