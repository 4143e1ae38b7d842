#include "base/base.h"
#include "signer/support.h"

#include "signer/apply.h"

#include <stdlib.h>

#define REASON_CESSATION 5 /* RFC 5280 5.3.1 */
#define NOT_ONE BM_NONE

void
bm_supports_done(struct bm_supports *supports)
{
    free(supports->permits);
    free(supports->profiles);
    *supports = (struct bm_supports){ .n = 0 };
}

/* Repairs are few: those of a year are looked through in less than a millisecond. */
struct bm_support_permit *
bm_support_find(const struct bm_supports *supports, uint32_t unit)
{
    for (size_t i = supports->n; i-- > 0;)
        if (supports->permits[i].unit == unit)
            return &supports->permits[i];
    return NULL;
}

const struct bm_support_permit *
bm_support_meant(const struct bm_supports *supports, uint32_t unit, struct bm_bytes profile)
{
    const struct bm_support_permit *permit = unit == BM_NONE ? NULL : bm_support_find(supports, unit);

    return permit != NULL && bm_bytes_equal(profile, bm_bytes_str(supports->profiles[permit->profile].name)) ? permit : NULL;
}

const struct bm_profile *
bm_support_profile(const struct bm_supports *supports, uint32_t unit)
{
    const struct bm_support_permit *permit = bm_support_find(supports, unit);

    return permit == NULL ? NULL : &supports->profiles[permit->profile];
}

enum bm_support
bm_support_state(const struct bm_support_permit *permit, bm_time now)
{
    if (permit->closed || now > permit->until)
        return BM_SUPPORT_OVER;
    return permit->used ? BM_SUPPORT_USED : BM_SUPPORT_OPEN;
}

/* ---- opened ---- */

static enum bm_rc
profile_read(struct bm_profile *ret_profile, const struct bm_allow *allow, struct bm_rd behind, struct bm_fail *fail)
{
    size_t n = bm_rd_u8(&behind);
    struct bm_bytes text = bm_rd_lv16(&behind, BM_MAX_PROFILE);
    enum bm_rc rc;

    if (n != 1 || !bm_rd_end(&behind))
        return bm_fail(fail, BM_EINPUT, NULL,
                       "support comes with the text of the one profile that it names: open it with birthmark device support open");
    if ((rc = bm_profile_parse(ret_profile, text, fail)) != BM_OK)
        return rc;
    if (strcmp(ret_profile->name, allow->support.name) != 0 || memcmp(ret_profile->digest, allow->support.digest, BM_HASH) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "the text of profile %s is not the one that was signed for: open support again",
                       allow->support.name);
    if (!bm_profile_is_support(ret_profile))
        return bm_fail(fail, BM_EPOLICY, NULL, "profile %s is for the service %s: support is opened with a profile of the service support",
                       ret_profile->name, ret_profile->service);
    return BM_OK;
}

/* It asks under its order, where a profile of this name would be meant before. */
static bool
order_has(const struct bm_memory *memory, uint32_t unit, const char *profile)
{
    uint32_t order = memory->slots.units[unit].order;

    return order != BM_NONE && bm_order_profile(&memory->orders.orders[order], bm_bytes_str(profile)) != NULL;
}

enum bm_rc
bm_support_try(const struct bm_memory *memory, uint32_t unit, const struct bm_allow *allow, struct bm_rd behind, bm_time now,
               struct bm_fail *fail)
{
    const struct bm_order names = { .profiles = { allow->support }, .nprofiles = 1 };
    const struct bm_unit *of = &memory->slots.units[unit];
    const struct bm_support_permit *permit = bm_support_find(&memory->supports, unit);
    struct bm_profile profile;
    enum bm_rc rc;

    if (of->state != BM_UNIT_ACTIVE)
        return bm_fail(fail, BM_EPOLICY, NULL, "device %s is %s, or its chip may not be used: it gets no certificate", allow->device,
                       bm_life_word((enum bm_life)of->life));
    if (permit != NULL && bm_support_state(permit, now) != BM_SUPPORT_OVER)
        return bm_fail(fail, BM_EPOLICY, NULL, "support of device %s is open for ticket %s: close it first, or let it end", allow->device,
                       permit->ticket);
    if ((rc = profile_read(&profile, allow, behind, fail)) != BM_OK || (rc = bm_profiles_active(&memory->profiles, &names, fail)) != BM_OK)
        return rc;
    if (order_has(memory, unit, profile.name))
        return bm_fail(fail, BM_EPOLICY, NULL, "the order of device %s has a profile %s of another kind: take one with another name",
                       allow->device, profile.name);
    return BM_OK;
}

static enum bm_rc
profile_keep(struct bm_supports *supports, const struct bm_profile *profile, uint32_t *ret_at, struct bm_fail *fail)
{
    size_t at = 0;
    struct bm_profile *wider;

    while (at < supports->nprofiles && memcmp(supports->profiles[at].digest, profile->digest, BM_HASH) != 0)
        at++;
    *ret_at = (uint32_t)at;
    if (at < supports->nprofiles)
        return BM_OK;
    if ((wider = reallocarray(supports->profiles, at + 1, sizeof(*wider))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for another profile");
    supports->profiles = wider;
    supports->profiles[supports->nprofiles++] = *profile;
    return BM_OK;
}

/* A unit's newest takes the place of the one before. */
static enum bm_rc
permit_new(struct bm_supports *supports, uint32_t unit, struct bm_support_permit **ret, struct bm_fail *fail)
{
    size_t cap = supports->cap + supports->cap / 2 + 16;
    struct bm_support_permit *wider;

    if ((*ret = bm_support_find(supports, unit)) != NULL)
        return BM_OK;
    if (supports->n == supports->cap) {
        if ((wider = reallocarray(supports->permits, cap, sizeof(*wider))) == NULL)
            return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for another device's support");
        supports->permits = wider;
        supports->cap = cap;
    }
    *ret = &supports->permits[supports->n++];
    return BM_OK;
}

enum bm_rc
bm_support_open(struct bm_memory *memory, uint32_t unit, const struct bm_allow *allow, struct bm_rd behind, bm_time time,
                struct bm_fail *fail)
{
    struct bm_support_permit *permit;
    struct bm_profile profile;
    uint32_t at = NOT_ONE;
    enum bm_rc rc;

    if ((rc = profile_read(&profile, allow, behind, fail)) != BM_OK ||
        (rc = profile_keep(&memory->supports, &profile, &at, fail)) != BM_OK ||
        (rc = permit_new(&memory->supports, unit, &permit, fail)) != BM_OK)
        return rc;
    *permit = (struct bm_support_permit){ .unit = unit, .profile = at, .until = time + (bm_time)allow->hours * 3600 - 1 };
    memcpy(permit->ticket, allow->ticket, sizeof(permit->ticket));
    return BM_OK;
}

/* ---- used, closed ---- */

enum bm_rc
bm_support_use(struct bm_memory *memory, uint32_t unit, struct bm_fail *fail)
{
    struct bm_support_permit *permit = bm_support_find(&memory->supports, unit);

    if (permit == NULL || permit->used || permit->closed)
        return bm_contradiction("a certificate for support that was not open", fail);
    permit->used = true;
    return BM_OK;
}

bool
bm_support_is(const struct bm_memory *memory, uint32_t identity)
{
    return strcmp(memory->slots.services[memory->slots.identities[identity].service], BM_SERVICE_SUPPORT) == 0;
}

struct bm_bytes
bm_support_live(const struct bm_memory *memory, uint32_t unit)
{
    uint32_t at = bm_slots_identity(&memory->slots, unit, bm_bytes_str(BM_SERVICE_SUPPORT));
    const struct bm_support_permit *permit = bm_support_find(&memory->supports, unit);
    const struct bm_identity *identity = at == BM_NONE ? NULL : &memory->slots.identities[at];

    if (identity == NULL || identity->state == BM_IDENTITY_REVOKED || permit == NULL || !permit->used)
        return bm_bytes(NULL, 0);
    return bm_bytes(identity->serial, identity->nserial);
}

enum bm_rc
bm_support_close(struct bm_memory *memory, uint32_t unit, bm_time time, struct bm_fail *fail)
{
    struct bm_support_permit *permit = bm_support_find(&memory->supports, unit);
    struct bm_bytes serial = bm_support_live(memory, unit);
    struct bm_identity *identity;
    enum bm_rc rc;

    if (permit == NULL || permit->closed)
        return bm_contradiction("an end of support that was not open", fail);
    permit->closed = true;
    if (serial.n == 0)
        return BM_OK;
    identity = &memory->slots.identities[bm_slots_identity(&memory->slots, unit, bm_bytes_str(BM_SERVICE_SUPPORT))];
    if (identity->not_after >= time) {
        if ((rc = bm_revocations_add(&memory->revocations, identity->bucket, serial, REASON_CESSATION, time, fail)) != BM_OK)
            return rc;
        memory->revocations.buckets[identity->bucket].urgent = true; /* whoever has the device in hand has its key */
    }
    identity->state = BM_IDENTITY_REVOKED;
    return BM_OK;
}

void
bm_support_end(struct bm_memory *memory, uint32_t unit)
{
    struct bm_support_permit *permit = bm_support_find(&memory->supports, unit);

    if (permit != NULL)
        permit->closed = true;
}
