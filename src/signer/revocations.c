#include "base/base.h"
#include "signer/revocations.h"

#include <stdlib.h>

#define REASON_SUPERSEDED 4 /* RFC 5280 5.3.1 */
#define REASON_HOLD 6

void
bm_revocations_done(struct bm_revocations *list)
{
    free(list->revoked);
    free(list->held);
    free(list->retired);
    *list = (struct bm_revocations){ .n = 0 };
}

static bool
is(const struct bm_revoked *revoked, struct bm_bytes serial)
{
    return bm_bytes_equal(serial, bm_bytes(revoked->serial, revoked->nserial));
}

static bool
is_held(const struct bm_revocations *list, struct bm_bytes serial)
{
    for (size_t i = 0; i < list->nheld; i++)
        if (is(&list->held[i], serial))
            return true;
    return false;
}

void
bm_revocations_let_go(struct bm_revocations *list, struct bm_bytes serial)
{
    for (size_t i = 0; i < list->nheld; i++)
        if (is(&list->held[i], serial))
            list->held[i--] = list->held[--list->nheld];
}

/* req: RFC5280 5.3.1 certificateHold is on the list while it holds, and gone when it is let go */
enum bm_rc
bm_revocations_hold(struct bm_revocations *list, struct bm_bytes serial, bm_time time, struct bm_fail *fail)
{
    struct bm_revoked *p = list->held;
    size_t wider = list->cap_held * 2 + 16;

    if (is_held(list, serial))
        return BM_OK;
    if (list->nheld == list->cap_held) {
        if ((p = reallocarray(p, wider, sizeof(*p))) == NULL)
            return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for another certificate on hold");
        list->held = p;
        list->cap_held = wider;
    }
    p += list->nheld++;
    *p = (struct bm_revoked){ .nserial = (uint8_t)serial.n, .reason = REASON_HOLD, .time = time };
    memcpy(p->serial, serial.p, serial.n);
    return BM_OK;
}

static void
retired_drop(struct bm_revocations *list, struct bm_bytes serial)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->nretired; i++)
        if (!is(&list->retired[i].entry, serial))
            list->retired[kept++] = list->retired[i];
    list->nretired = kept;
}

enum bm_rc
bm_revocations_add(struct bm_revocations *list, struct bm_bytes serial, uint8_t reason, bm_time time, struct bm_fail *fail)
{
    struct bm_revoked *p = list->revoked;

    /* grown by powers of two: n is one */
    if ((list->n & (list->n - 1)) == 0 && (p = reallocarray(p, list->n == 0 ? 1 : list->n * 2, sizeof(*p))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for another revocation");
    list->revoked = p;
    p += list->n++;
    *p = (struct bm_revoked){ .nserial = (uint8_t)serial.n, .reason = reason, .time = time };
    memcpy(p->serial, serial.p, serial.n);
    retired_drop(list, serial);
    bm_revocations_let_go(list, serial);
    return BM_OK;
}

static void
expired_drop(struct bm_revocations *list, bm_time now)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->nretired; i++)
        if (list->retired[i].not_after >= now)
            list->retired[kept++] = list->retired[i];
    list->nretired = kept;
}

enum bm_rc
bm_revocations_retire(struct bm_revocations *list, struct bm_bytes serial, bm_time time, bm_time not_after, bm_time now,
                      struct bm_fail *fail)
{
    struct bm_retired *p = list->retired;
    size_t wider = list->cap_retired * 2 + 16;

    if (list->nretired == list->cap_retired)
        expired_drop(list, now);
    if (list->nretired == list->cap_retired) {
        if ((p = reallocarray(p, wider, sizeof(*p))) == NULL)
            return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for another certificate that retires");
        list->retired = p;
        list->cap_retired = wider;
    }
    p += list->nretired++;
    *p =
        (struct bm_retired){ .entry = { .nserial = (uint8_t)serial.n, .reason = REASON_SUPERSEDED, .time = time }, .not_after = not_after };
    memcpy(p->entry.serial, serial.p, serial.n);
    return BM_OK;
}

bool
bm_revocations_retires(const struct bm_revocations *list, struct bm_bytes serial)
{
    for (size_t i = 0; i < list->nretired; i++)
        if (is(&list->retired[i].entry, serial))
            return true;
    return false;
}

enum bm_rc
bm_revocations_now(const struct bm_revocations *list, bm_time now, struct bm_revoked **ret_revoked, size_t *ret_n, struct bm_fail *fail)
{
    struct bm_revoked *all = reallocarray(NULL, list->n + list->nheld + list->nretired + 1, sizeof(*all));
    size_t n = 0;

    if (all == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the list of revoked certificates");
    for (; n < list->n; n++)
        all[n] = list->revoked[n];
    for (size_t i = 0; i < list->nheld; i++)
        all[n++] = list->held[i];
    /* the latest first: they would be good for longest */
    for (size_t i = list->nretired; i-- > 0 && n < BM_CRL_RETIRED_MOST;)
        if (list->retired[i].entry.time <= now && list->retired[i].not_after >= now &&
            !is_held(list, bm_bytes(list->retired[i].entry.serial, list->retired[i].entry.nserial)))
            all[n++] = list->retired[i].entry;
    *ret_revoked = all;
    *ret_n = n;
    return BM_OK;
}
