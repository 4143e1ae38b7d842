#include "base/base.h"
#include "signer/slots.h"

#include "digest/digest.h"
#include "lot/leaf_skim.h"
#include "wire/text.h"

#include <stdlib.h>

void
bm_slots_init(struct bm_slots *ret_slots, uint64_t seed)
{
    *ret_slots = (struct bm_slots){ .nunits = 0 };
    bm_table_init(&ret_slots->roots, seed);
    bm_table_init(&ret_slots->keys, seed);
    bm_table_init(&ret_slots->serials, seed);
    bm_table_init(&ret_slots->devices, seed);
    bm_table_init(&ret_slots->held, seed);
}

void
bm_slots_done(struct bm_slots *slots)
{
    bm_table_done(&slots->roots);
    bm_table_done(&slots->keys);
    bm_table_done(&slots->serials);
    bm_table_done(&slots->devices);
    bm_table_done(&slots->held);
    free(slots->units);
    free(slots->identities);
    free(slots->earlier);
    free(slots->services);
    *slots = (struct bm_slots){ .nunits = 0 };
}

/* One row more in an array that grows by a half. */
static enum bm_rc
row_new(void **rows, size_t n, size_t *cap, size_t width, struct bm_fail *fail)
{
    size_t wider = *cap + *cap / 2 + 16;
    void *p;

    if (n < *cap)
        return BM_OK;
    if (wider >= BM_NONE || (p = reallocarray(*rows, wider, width)) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for %zu slots", wider);
    *rows = p;
    *cap = wider;
    return BM_OK;
}

static void
pad(uint8_t ret_key[static BM_HASH], struct bm_bytes name)
{
    memset(ret_key, 0, BM_HASH);
    memcpy(ret_key, name.p, name.n < BM_HASH ? name.n : BM_HASH);
}

enum bm_rc
bm_slots_unit(const struct bm_slots *slots, const uint8_t (*hashes)[BM_HASH], size_t n, uint32_t *ret_unit, struct bm_fail *fail)
{
    uint32_t unit = BM_NONE, found;

    for (size_t i = 0; i < n; i++) {
        if (!bm_table_find(&slots->roots, hashes[i], &found))
            continue;
        if (unit != BM_NONE && unit != found)
            return bm_fail(fail, BM_EPOLICY, NULL,
                           "a chip of this lot has root keys of two chips that are known already: ask the chipmaker which "
                           "list is right");
        unit = found;
    }
    *ret_unit = unit;
    return BM_OK;
}

enum bm_rc
bm_chip_names(struct bm_chip_names *ret_names, struct bm_bytes leaf, struct bm_fail *fail)
{
    struct bm_leaf_skim skim;
    enum bm_rc rc = bm_leaf_skim(&skim, leaf, fail);

    if (rc != BM_OK)
        return rc;
    ret_names->n = bm_leaf_skim_names(&skim, ret_names->names);
    ret_names->by_id = skim.kind == BM_LEAF_ID;
    return BM_OK;
}

void
bm_chip_device(const struct bm_chip_names *chip, const uint8_t site[static BM_HASH], uint8_t ret_device[static BM_HASH])
{
    struct bm_bytes pieces[] = { bm_bytes_str("birthmark/device/v1\n"), bm_bytes(site, BM_HASH), { 0 } };
    uint8_t hash[BM_HASH];
    size_t least = 0;

    for (size_t i = 1; i < chip->n; i++)
        if (memcmp(chip->names[i], chip->names[least], BM_HASH) < 0)
            least = i;
    pieces[2] = bm_bytes(chip->names[least], BM_HASH);
    bm_sha256_pieces(hash, pieces, BM_COUNT(pieces));
    pad(ret_device, bm_bytes(hash, BM_DEVICE));
}

static enum bm_rc
unit_new(struct bm_slots *slots, const uint8_t device[static BM_HASH], uint32_t *ret_unit, struct bm_fail *fail)
{
    const uint32_t here = (uint32_t)slots->nunits;
    uint32_t twin = here;
    void *rows = slots->units;
    enum bm_rc rc;

    if ((rc = row_new(&rows, slots->nunits, &slots->cap_units, sizeof(*slots->units), fail)) != BM_OK)
        return rc;
    slots->units = rows;
    if ((rc = bm_table_add(&slots->devices, device, here, &twin, fail)) != BM_OK)
        return rc;
    if (twin != here)
        return bm_fail(fail, BM_EBUG, NULL, "a record contradicts those before it: a chip would get another's device id");
    slots->units[here] = (struct bm_unit){
        .state = BM_UNIT_FREE, .life = BM_LIFE_MANUFACTURED, .counted = BM_NONE, .order = BM_NONE, .identities = BM_NONE
    };
    memcpy(slots->units[here].device, device, BM_DEVICE);
    slots->nunits++;
    *ret_unit = here;
    return BM_OK;
}

/* What is scrapped or retired is gone: a recall of it says nothing new. */
static void
state_hold(uint8_t *state, enum bm_unit_state wanted)
{
    if (*state != BM_UNIT_SCRAPPED && *state != BM_UNIT_RETIRED)
        *state = (uint8_t)wanted;
}

void
bm_slots_live(struct bm_slots *slots, uint32_t at, enum bm_life life)
{
    static const uint8_t states[BM_LIFE__N] = {
        [BM_LIFE_DESIGNED] = BM_UNIT_FREE,      [BM_LIFE_MANUFACTURED] = BM_UNIT_FREE,
        [BM_LIFE_PROVISIONED] = BM_UNIT_ACTIVE, [BM_LIFE_ONBOARDED] = BM_UNIT_ACTIVE,
        [BM_LIFE_ACTIVE] = BM_UNIT_ACTIVE,      [BM_LIFE_SUSPENDED] = BM_UNIT_SUSPENDED,
        [BM_LIFE_REVOKED] = BM_UNIT_REVOKED,    [BM_LIFE_REPAIRED] = BM_UNIT_ACTIVE,
        [BM_LIFE_TRANSFERRED] = BM_UNIT_ACTIVE, [BM_LIFE_DECOMMISSIONED] = BM_UNIT_DECOMMISSIONED,
    };
    struct bm_unit *unit = &slots->units[at];

    unit->life = (uint8_t)life;
    if (unit->state != BM_UNIT_SCRAPPED && unit->state != BM_UNIT_WITHDRAWN && unit->state != BM_UNIT_RETIRED)
        unit->state = states[life];
}

bool
bm_slots_root(const struct bm_slots *slots, uint32_t unit, uint8_t ret_root[static BM_HASH])
{
    const struct bm_table *roots = &slots->roots;
    const uint8_t *least = NULL;

    for (size_t i = 0; i < roots->cap; i++)
        if (roots->values[i] == unit + 1 && (least == NULL || memcmp(roots->keys[i], least, BM_HASH) < 0))
            least = roots->keys[i];
    if (least != NULL)
        memcpy(ret_root, least, BM_HASH);
    return least != NULL;
}

/* Root keys lead to units and to nothing else, so the chips change places by them. Seldom: the table is walked. */
void
bm_slots_swap(struct bm_slots *slots, uint32_t at, uint32_t other)
{
    struct bm_unit *unit = &slots->units[at], *spare = &slots->units[other], old = *unit;

    for (size_t i = 0; i < slots->roots.cap; i++)
        if (slots->roots.values[i] == at + 1)
            slots->roots.values[i] = other + 1;
        else if (slots->roots.values[i] == other + 1)
            slots->roots.values[i] = at + 1;
    unit->bound = spare->bound;
    unit->state = spare->state;
    spare->bound = old.bound;
    spare->state = old.state == BM_UNIT_SCRAPPED ? BM_UNIT_SCRAPPED : BM_UNIT_RETIRED;
}

static bool
two_or_operational(const struct bm_slots *slots, const struct bm_chip_names *chip, uint32_t *ret_unit)
{
    struct bm_fail ignored;
    uint32_t owner;

    if (bm_slots_unit(slots, chip->names, chip->n, ret_unit, &ignored) != BM_OK)
        return true;
    for (size_t i = 0; i < chip->n; i++)
        if (bm_table_find(&slots->keys, chip->names[i], &owner) && !bm_table_find(&slots->roots, chip->names[i], &owner))
            return true;
    return false;
}

uint32_t
bm_slots_find(const struct bm_slots *slots, const struct bm_chip_names *chip, const uint8_t root[static BM_HASH],
              const uint8_t site[static BM_HASH], bool *ret_other)
{
    uint32_t unit = BM_NONE, owner;
    uint8_t device[BM_HASH];

    *ret_other = two_or_operational(slots, chip, &unit);
    if (*ret_other)
        return unit;
    if (unit == BM_NONE) {
        bm_chip_device(chip, site, device);
        *ret_other = bm_table_find(&slots->devices, device, &owner);
    }
    if (!chip->by_id)
        return unit;
    if (bm_table_find(&slots->roots, root, &owner))
        *ret_other |= owner != unit;
    else
        *ret_other |= (unit != BM_NONE && slots->units[unit].bound) || bm_table_find(&slots->keys, root, &owner);
    return unit;
}

static enum bm_rc
name_put(struct bm_slots *slots, uint32_t unit, const uint8_t *name, struct bm_fail *fail)
{
    uint32_t held;

    if (bm_table_find(&slots->held, name, &held))
        state_hold(&slots->units[unit].state, (enum bm_unit_state)held);
    return bm_table_put(&slots->roots, name, unit, fail);
}

enum bm_rc
bm_slots_name(struct bm_slots *slots, const struct bm_chip_names *chip, const uint8_t root[static BM_HASH],
              const uint8_t site[static BM_HASH], uint32_t *ret_unit, struct bm_fail *fail)
{
    uint8_t device[BM_HASH];
    bool other;
    uint32_t unit = bm_slots_find(slots, chip, root, site, &other);
    enum bm_rc rc;

    if (other || chip->n == 0)
        return bm_fail(fail, BM_EBUG, NULL, "a record contradicts those before it: a chip is used under the names of another");
    bm_chip_device(chip, site, device);
    if (unit == BM_NONE && (rc = unit_new(slots, device, &unit, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < chip->n; i++)
        if ((rc = name_put(slots, unit, chip->names[i], fail)) != BM_OK)
            return rc;
    if ((rc = name_put(slots, unit, root, fail)) != BM_OK)
        return rc;
    slots->units[unit].bound |= chip->by_id;
    *ret_unit = unit;
    return BM_OK;
}

enum bm_rc
bm_slots_hold(struct bm_slots *slots, const uint8_t (*hashes)[BM_HASH], size_t n, enum bm_unit_state state, struct bm_fail *fail)
{
    uint32_t unit, held;
    enum bm_rc rc;

    for (size_t i = 0; i < n; i++) {
        if (bm_table_find(&slots->roots, hashes[i], &unit))
            state_hold(&slots->units[unit].state, state);
        else if ((!bm_table_find(&slots->held, hashes[i], &held) || held != BM_UNIT_SCRAPPED) &&
                 (rc = bm_table_put(&slots->held, hashes[i], (uint32_t)state, fail)) != BM_OK)
            return rc;
    }
    return BM_OK;
}

bool
bm_slots_held(const struct bm_slots *slots, const uint8_t (*hashes)[BM_HASH], size_t n, enum bm_unit_state state)
{
    uint32_t is;

    for (size_t i = 0; i < n; i++) {
        if (bm_table_find(&slots->roots, hashes[i], &is))
            is = slots->units[is].state;
        else if (!bm_table_find(&slots->held, hashes[i], &is))
            return false;
        if (is != BM_UNIT_SCRAPPED && is != BM_UNIT_RETIRED && is != (uint32_t)state)
            return false;
    }
    return true;
}

enum bm_unit_state
bm_slots_state(const struct bm_slots *slots, uint32_t unit, const uint8_t (*names)[BM_HASH], size_t n)
{
    uint8_t state = unit == BM_NONE ? BM_UNIT_FREE : slots->units[unit].state;
    uint32_t held;

    for (size_t i = 0; i < n; i++)
        if (bm_table_find(&slots->held, names[i], &held))
            state_hold(&state, (enum bm_unit_state)held);
    return (enum bm_unit_state)state;
}

uint32_t
bm_slots_device(const struct bm_slots *slots, const uint8_t device[static BM_DEVICE])
{
    uint8_t key[BM_HASH];
    uint32_t unit;

    pad(key, bm_bytes(device, BM_DEVICE));
    return bm_table_find(&slots->devices, key, &unit) ? unit : BM_NONE;
}

void
bm_slots_device_print(const struct bm_slots *slots, uint32_t unit, char ret_text[static BM_DEVICE_TEXT])
{
    bm_hex(ret_text, bm_bytes(slots->units[unit].device, BM_DEVICE));
}

/* Services are few: a factory has a dozen. */
static size_t
service_find(const struct bm_slots *slots, struct bm_bytes service)
{
    size_t i = 0;

    while (i < slots->nservices && !bm_bytes_equal(service, bm_bytes_str(slots->services[i])))
        i++;
    return i;
}

static enum bm_rc
service_make(struct bm_slots *slots, struct bm_bytes service, uint16_t *ret_service, struct bm_fail *fail)
{
    size_t at = service_find(slots, service);
    void *p;

    if (at == slots->nservices) {
        if (service.n > BM_MAX_NAME || at == UINT16_MAX)
            return bm_fail(fail, BM_EBUG, NULL, "a service that has no place");
        if ((p = reallocarray(slots->services, at + 1, sizeof(*slots->services))) == NULL)
            return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for a service's name");
        slots->services = p;
        memset(slots->services[at], 0, sizeof(slots->services[at]));
        memcpy(slots->services[at], service.p, service.n);
        slots->nservices++;
    }
    *ret_service = (uint16_t)at;
    return BM_OK;
}

uint32_t
bm_slots_service(const struct bm_slots *slots, struct bm_bytes service)
{
    size_t at = service_find(slots, service);

    return at == slots->nservices ? BM_NONE : (uint32_t)at;
}

uint32_t
bm_slots_identity(const struct bm_slots *slots, uint32_t unit, struct bm_bytes service)
{
    size_t wanted = service_find(slots, service);
    uint32_t at = slots->units[unit].identities;

    if (wanted == slots->nservices)
        return BM_NONE;
    while (at != BM_NONE && slots->identities[at].service != wanted)
        at = slots->identities[at].next;
    return at;
}

static enum bm_rc
identity_new(struct bm_slots *slots, uint32_t unit, struct bm_bytes service, uint32_t *ret_identity, struct bm_fail *fail)
{
    void *rows = slots->identities;
    uint16_t number = 0;
    enum bm_rc rc;

    if ((rc = service_make(slots, service, &number, fail)) != BM_OK ||
        (rc = row_new(&rows, slots->nidentities, &slots->cap_identities, sizeof(*slots->identities), fail)) != BM_OK)
        return rc;
    slots->identities = rows;
    slots->identities[slots->nidentities] = (struct bm_identity){
        .unit = unit, .next = slots->units[unit].identities, .service = number, .state = BM_IDENTITY_NONE, .earlier = BM_NONE
    };
    slots->units[unit].identities = (uint32_t)slots->nidentities;
    *ret_identity = (uint32_t)slots->nidentities++;
    return BM_OK;
}

enum bm_rc
bm_slots_take(struct bm_slots *slots, const struct bm_slots_use *use, uint32_t *ret_identity, struct bm_fail *fail)
{
    uint32_t at = bm_slots_identity(slots, use->unit, use->service);
    struct bm_identity *identity;
    uint8_t serial[BM_HASH];
    enum bm_rc rc;

    if (use->serial.n > BM_MAX_SERIAL)
        return bm_fail(fail, BM_EBUG, NULL, "a serial of %zu bytes", use->serial.n);
    if (at == BM_NONE && (rc = identity_new(slots, use->unit, use->service, &at, fail)) != BM_OK)
        return rc;
    pad(serial, use->serial);
    if ((rc = bm_table_put(&slots->serials, serial, at, fail)) != BM_OK || (rc = bm_table_put(&slots->keys, use->key, at, fail)) != BM_OK)
        return rc;
    identity = &slots->identities[at];
    identity->state = use->renewing ? BM_IDENTITY_RENEWING : BM_IDENTITY_PROVISIONAL;
    identity->ca = use->ca;
    identity->not_after = use->not_after;
    identity->nserial = (uint8_t)use->serial.n;
    memcpy(identity->serial, use->serial.p, use->serial.n);
    memcpy(identity->key, use->key, BM_HASH);
    if (ret_identity != NULL)
        *ret_identity = at;
    return BM_OK;
}

enum bm_rc
bm_slots_renew(struct bm_slots *slots, uint32_t at, uint16_t overlap, struct bm_fail *fail)
{
    struct bm_identity *identity = &slots->identities[at];
    struct bm_earlier *earlier;
    void *rows = slots->earlier;
    enum bm_rc rc;

    if (identity->earlier == BM_NONE) {
        if ((rc = row_new(&rows, slots->nearlier, &slots->cap_earlier, sizeof(*slots->earlier), fail)) != BM_OK)
            return rc;
        slots->earlier = rows;
        identity->earlier = (uint32_t)slots->nearlier++;
    }
    earlier = &slots->earlier[identity->earlier];
    *earlier = (struct bm_earlier){
        .ca = identity->ca, .nserial = identity->nserial, .bucket = identity->bucket, .not_after = identity->not_after
    };
    memcpy(earlier->serial, identity->serial, sizeof(earlier->serial));
    memcpy(earlier->key, identity->key, BM_HASH);
    identity->overlap = overlap;
    return BM_OK;
}

void
bm_slots_renew_undo(struct bm_slots *slots, uint32_t at)
{
    struct bm_identity *identity = &slots->identities[at];
    struct bm_earlier *earlier = &slots->earlier[identity->earlier];

    identity->state = BM_IDENTITY_CONFIRMED;
    identity->ca = earlier->ca;
    identity->nserial = earlier->nserial;
    identity->bucket = earlier->bucket;
    identity->not_after = earlier->not_after;
    memcpy(identity->serial, earlier->serial, sizeof(identity->serial));
    memcpy(identity->key, earlier->key, BM_HASH);
    *earlier = (struct bm_earlier){ .gone = true }; /* the row stays its own */
}

struct bm_earlier *
bm_slots_earlier(const struct bm_slots *slots, uint32_t at)
{
    const struct bm_identity *identity = &slots->identities[at];

    return identity->earlier == BM_NONE || slots->earlier[identity->earlier].gone ? NULL : &slots->earlier[identity->earlier];
}

enum bm_speaker
bm_slots_speaker(const struct bm_slots *slots, uint32_t at, const uint8_t key[static BM_HASH], bm_time *ret_not_after)
{
    const struct bm_identity *identity = &slots->identities[at];
    const struct bm_earlier *earlier = identity->earlier == BM_NONE ? NULL : &slots->earlier[identity->earlier];
    uint32_t owner;

    *ret_not_after = 0;
    if (memcmp(identity->key, key, BM_HASH) == 0) {
        *ret_not_after = identity->not_after;
        return identity->state == BM_IDENTITY_REVOKED ? BM_SPEAKER_REVOKED : BM_SPEAKER_LIVE;
    }
    if (earlier != NULL && memcmp(earlier->key, key, BM_HASH) == 0) {
        *ret_not_after = earlier->not_after;
        return earlier->gone ? BM_SPEAKER_REVOKED : BM_SPEAKER_PREVIOUS;
    }
    return bm_table_find(&slots->keys, key, &owner) && owner == at ? BM_SPEAKER_PAST : BM_SPEAKER_STRANGER;
}

uint32_t
bm_slots_serial(const struct bm_slots *slots, struct bm_bytes serial, bool *ret_live)
{
    const struct bm_identity *identity;
    uint8_t key[BM_HASH];
    uint32_t at;

    *ret_live = false;
    if (serial.n == 0 || serial.n > BM_MAX_SERIAL)
        return BM_NONE;
    pad(key, serial);
    if (!bm_table_find(&slots->serials, key, &at))
        return BM_NONE;
    identity = &slots->identities[at];
    *ret_live = bm_bytes_equal(serial, bm_bytes(identity->serial, identity->nserial)) && identity->state != BM_IDENTITY_REVOKED;
    return at;
}

bool
bm_slots_key_used(const struct bm_slots *slots, const uint8_t hash[static BM_HASH])
{
    uint32_t ignored;

    return bm_table_find(&slots->keys, hash, &ignored) || bm_table_find(&slots->roots, hash, &ignored);
}
