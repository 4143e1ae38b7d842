#include "base/base.h"
#include "signer/life.h"

#include "signer/listed.h"
#include "wire/text.h"

/* RFC 5280 5.3.1 */
#define REASON_KEY_COMPROMISE 1
#define REASON_SUPERSEDED 4
#define REASON_CESSATION 5

/* What is done with each certificate of a unit. */
struct deed {
    enum {
        COUNT,
        HOLD,
        LET_GO,
        END
    } what;
    bool operational;  /* its root identity stays */
    bool again;        /* END: each may be issued once more */
    bool but_newest;   /* END: an identity's newest certificate lives on */
    uint32_t identity; /* this one alone; BM_NONE: all */
    uint8_t reason;
    bm_time time;
    size_t n;
};

static enum bm_rc
cert_do(struct bm_memory *memory, uint32_t bucket, const uint8_t *bytes, size_t nbytes, struct deed *deed, struct bm_fail *fail)
{
    struct bm_revocations *lists = &memory->revocations;
    uint8_t copy[BM_MAX_SERIAL];
    struct bm_bytes serial = bm_bytes(copy, nbytes);

    memcpy(copy, bytes, nbytes); /* it may stand in the list that changes */
    deed->n++;
    if (deed->what == HOLD)
        return bm_revocations_hold(lists, bucket, serial, deed->time, fail);
    if (deed->what == END)
        return bm_revocations_add(lists, bucket, serial, deed->reason, deed->time, fail);
    if (deed->what == LET_GO)
        bm_revocations_let_go(lists, bucket, serial);
    return BM_OK;
}

static bool
concerns(const struct bm_memory *memory, uint32_t at, const struct deed *deed)
{
    return (deed->identity == BM_NONE || deed->identity == at) &&
           !(deed->operational && memory->cas.row[memory->slots.identities[at].ca]->kind == BM_CA_IDEVID);
}

/* Of several renewals within one overlap the earlier ones stand in the lists alone. */
static enum bm_rc
retiring_do(struct bm_memory *memory, uint32_t bucket, uint32_t unit, struct deed *deed, struct bm_fail *fail)
{
    const struct bm_bucket *list = &memory->revocations.buckets[bucket];
    enum bm_rc rc = BM_OK;

    for (size_t i = list->nretired; i-- > 0 && rc == BM_OK;) {
        const struct bm_revoked *entry = &list->retired[i].entry;
        struct bm_bytes serial = bm_bytes(entry->serial, entry->nserial);
        uint32_t at;

        if (bm_memory_certificate(memory, serial, &at) == BM_CERT_RETIRES && memory->slots.identities[at].unit == unit &&
            concerns(memory, at, deed))
            rc = cert_do(memory, bucket, entry->serial, entry->nserial, deed, fail);
    }
    return rc;
}

static enum bm_rc
identity_do(struct bm_memory *memory, uint32_t at, struct deed *deed, struct bm_fail *fail)
{
    struct bm_identity *identity = &memory->slots.identities[at];
    struct bm_earlier *earlier = bm_slots_earlier(&memory->slots, at);
    enum bm_rc rc;

    if (identity->state == BM_IDENTITY_NONE)
        return BM_OK;
    if (identity->state != BM_IDENTITY_REVOKED && !deed->but_newest &&
        (rc = cert_do(memory, identity->bucket, identity->serial, identity->nserial, deed, fail)) != BM_OK)
        return rc;
    if (earlier != NULL && (rc = cert_do(memory, earlier->bucket, earlier->serial, earlier->nserial, deed, fail)) != BM_OK)
        return rc;
    if (deed->what != END)
        return BM_OK;
    if (earlier != NULL)
        earlier->gone = true;
    if (deed->but_newest)
        return BM_OK;
    identity->state = BM_IDENTITY_REVOKED;
    identity->reissue_allowed = deed->again;
    return BM_OK;
}

static enum bm_rc
unit_do(struct bm_memory *memory, uint32_t unit, struct deed *deed, struct bm_fail *fail)
{
    enum bm_rc rc = BM_OK;

    for (uint32_t bucket = 0; bucket < memory->revocations.n && rc == BM_OK; bucket++)
        rc = retiring_do(memory, bucket, unit, deed, fail);
    for (uint32_t at = memory->slots.units[unit].identities; at != BM_NONE && rc == BM_OK; at = memory->slots.identities[at].next)
        if (concerns(memory, at, deed))
            rc = identity_do(memory, at, deed, fail);
    return rc;
}

size_t
bm_life_count(struct bm_memory *memory, uint32_t unit)
{
    struct deed deed = { .what = COUNT, .identity = BM_NONE };
    struct bm_fail ignored;

    return unit_do(memory, unit, &deed, &ignored) == BM_OK ? deed.n : 0;
}

enum bm_rc
bm_life_next(const struct bm_memory *memory, uint32_t unit, enum bm_move move, enum bm_life *ret_life, struct bm_fail *fail)
{
    const struct bm_unit *of = &memory->slots.units[unit];

    return bm_life_move(ret_life, (enum bm_life)of->life, (enum bm_life)of->was, move, fail);
}

void
bm_life_door(struct bm_memory *memory, uint32_t unit, enum bm_move move)
{
    enum bm_life life;
    struct bm_fail ignored;

    if (bm_life_next(memory, unit, move, &life, &ignored) == BM_OK)
        bm_slots_live(&memory->slots, unit, life);
}

enum bm_rc
bm_life_restrict(struct bm_memory *memory, uint32_t unit, enum bm_move move, uint8_t reason, bm_time time, struct bm_fail *fail)
{
    struct deed deed = { .what = move == BM_MOVE_SUSPEND ? HOLD : END,
                         .identity = BM_NONE,
                         .reason = move == BM_MOVE_REVOKE ? reason : REASON_CESSATION,
                         .time = time };
    enum bm_life life;
    enum bm_rc rc;

    if ((rc = bm_life_next(memory, unit, move, &life, fail)) != BM_OK || (rc = unit_do(memory, unit, &deed, fail)) != BM_OK)
        return rc;
    if (move != BM_MOVE_SUSPEND)
        bm_support_end(memory, unit);
    memory->slots.units[unit].was = memory->slots.units[unit].life;
    bm_slots_live(&memory->slots, unit, life);
    return BM_OK;
}

/* ---- what is signed ---- */

static enum bm_move
move_of(const struct bm_allow *allow)
{
    return allow->act == BM_ALLOW_RESUME ? BM_MOVE_RESUME : allow->act == BM_ALLOW_REPAIR ? BM_MOVE_REPAIR : BM_MOVE_TRANSFER;
}

/* The identity whose key two hold, and that nobody has decided about. There is one at most: it suspends the device at once. */
static uint32_t
forked_of(const struct bm_memory *memory, uint32_t unit)
{
    const struct bm_identity *all = memory->slots.identities;
    uint32_t at = memory->slots.units[unit].identities;

    while (at != BM_NONE && (!all[at].forked || all[at].state == BM_IDENTITY_REVOKED))
        at = all[at].next;
    return at;
}

static bool
is_kept(const struct bm_memory *memory, uint32_t at, const struct bm_allow *allow)
{
    const struct bm_identity *identity = &memory->slots.identities[at];

    return allow->keep == BM_KEEP_SERIAL &&
           bm_bytes_equal(bm_bytes(allow->serial, allow->nserial), bm_bytes(identity->serial, identity->nserial));
}

/* After a fork somebody must have looked which side is the device. */
static enum bm_rc
resume_try(const struct bm_memory *memory, uint32_t unit, const struct bm_allow *allow, struct bm_event *event, struct bm_fail *fail)
{
    uint32_t at = forked_of(memory, unit);

    if (at == BM_NONE)
        return allow->keep == BM_KEEP_UNSAID ? BM_OK
                                             : bm_fail(fail, BM_EPOLICY, NULL,
                                                       "no identity of device %s forked, so there is none to keep: resume it without "
                                                       "--keep",
                                                       allow->device);
    if (allow->keep == BM_KEEP_UNSAID)
        return bm_fail(
            fail, BM_EPOLICY, NULL,
            "two hold a key of device %s for service %s: find out which is the device, then resume it with --keep and the serial "
            "number of the certificate that lives on, or --keep none",
            allow->device, memory->slots.services[memory->slots.identities[at].service]);
    event->service = bm_bytes_str(memory->slots.services[memory->slots.identities[at].service]);
    if (allow->keep == BM_KEEP_NONE || is_kept(memory, at, allow))
        return BM_OK;
    return bm_fail(fail, BM_EPOLICY, NULL,
                   "the certificate to keep is not the newest of device %s for service %s, and only that one can live on: see birthmark "
                   "identity list %s",
                   allow->device, memory->slots.services[memory->slots.identities[at].service], allow->device);
}

/* The new chip of a repair, by the one name that the statement gives; its others come with the evidence of its first request. */
static void
spare_names(const struct bm_allow *allow, struct bm_chip_names *ret_names)
{
    *ret_names = (struct bm_chip_names){ .n = 1 };
    memcpy(ret_names->names[0], allow->chip, BM_HASH);
}

/* A chip that no device has, of a lot that serves. */
static enum bm_rc
repair_try(const struct bm_memory *memory, struct bm_journal *journal, uint32_t unit, const struct bm_allow *allow, struct bm_event *event,
           struct bm_fail *fail)
{
    const struct bm_slots *slots = &memory->slots;
    const struct bm_pinned *lot;
    struct bm_chip_names names;
    uint32_t spare, in;
    bool other;
    enum bm_rc rc;

    if ((rc = bm_listed(&memory->lots, journal, allow->chip, &in, fail)) != BM_OK)
        return rc;
    if (in == BM_NONE)
        return bm_fail(fail, BM_EPOLICY, NULL, "the new chip is in no received lot: receive its lot first, or take another");
    spare_names(allow, &names);
    spare = bm_slots_find(slots, &names, allow->chip, memory->site, &other);
    if (spare == unit)
        return bm_fail(fail, BM_EPOLICY, NULL, "device %s has this chip already", allow->device);
    lot = &memory->lots.lots[in];
    if (lot->withdrawn || lot->quarantined)
        return bm_fail(fail, BM_EPOLICY, NULL, "lot %s, which the new chip is in, is withdrawn or in quarantine: take a chip of another",
                       lot->lot);
    if (other || bm_slots_state(slots, spare, (const uint8_t(*)[BM_HASH])names.names, names.n) != BM_UNIT_FREE)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "the new chip is another device's, or may not be used any more: take one that birthmark lot reconcile %s --csv "
                       "calls unused",
                       lot->lot);
    event->lot = bm_bytes_str(lot->lot);
    return BM_OK;
}

enum bm_rc
bm_life_try(struct bm_memory *memory, struct bm_journal *journal, uint32_t unit, const struct bm_allow *allow, struct bm_life_words *words,
            struct bm_event *event, struct bm_fail *fail)
{
    enum bm_move move = move_of(allow);
    uint8_t old[BM_HASH];
    enum bm_life life;
    enum bm_rc rc;

    if ((rc = bm_life_next(memory, unit, move, &life, fail)) != BM_OK ||
        (move == BM_MOVE_RESUME && (rc = resume_try(memory, unit, allow, event, fail)) != BM_OK) ||
        (move == BM_MOVE_REPAIR && (rc = repair_try(memory, journal, unit, allow, event, fail)) != BM_OK))
        return rc;
    event->kind = BM_EVENT_DEVICE_MOVED;
    event->device = bm_bytes_str(allow->device);
    event->what = bm_bytes_str(bm_move_word(move));
    event->state = bm_bytes_str(bm_life_word(life));
    event->reason = bm_bytes_str(allow->reason);
    event->owner = bm_bytes_str(allow->owner);
    bm_hex(words->serial, bm_bytes(allow->serial, allow->nserial));
    event->serial = bm_bytes_str(words->serial);
    if (move == BM_MOVE_REPAIR) {
        bm_hex(words->chip, bm_bytes(allow->chip, BM_HASH));
        event->chip = bm_bytes_str(words->chip);
        if (bm_slots_root(&memory->slots, unit, old)) {
            bm_hex(words->old_chip, bm_bytes(old, BM_HASH));
            event->old_chip = bm_bytes_str(words->old_chip);
        }
    }
    return BM_OK;
}

static void
forks_forget(struct bm_memory *memory, uint32_t unit)
{
    for (uint32_t at = memory->slots.units[unit].identities; at != BM_NONE; at = memory->slots.identities[at].next)
        memory->slots.identities[at].forked = false;
}

/* Of an identity that forked one certificate lives on at most; nothing is on hold any more. */
static enum bm_rc
resume(struct bm_memory *memory, uint32_t unit, const struct bm_allow *allow, bm_time time, struct bm_fail *fail)
{
    uint32_t forked = forked_of(memory, unit);
    struct deed all = { .what = LET_GO, .identity = BM_NONE };
    struct deed one = { .what = END, .identity = forked, .reason = REASON_KEY_COMPROMISE, .time = time };
    enum bm_rc rc;

    one.but_newest = forked != BM_NONE && is_kept(memory, forked, allow);
    if (forked != BM_NONE && (rc = unit_do(memory, unit, &one, fail)) != BM_OK)
        return rc;
    forks_forget(memory, unit);
    return unit_do(memory, unit, &all, fail);
}

static enum bm_rc
repair(struct bm_memory *memory, uint32_t unit, const struct bm_allow *allow, bm_time time, struct bm_fail *fail)
{
    struct deed deed = { .what = END, .identity = BM_NONE, .again = true, .reason = REASON_SUPERSEDED, .time = time };
    struct bm_chip_names names;
    uint32_t spare;
    enum bm_rc rc;

    spare_names(allow, &names);
    if ((rc = bm_slots_name(&memory->slots, &names, allow->chip, memory->site, &spare, fail)) != BM_OK)
        return rc;
    if (spare == unit)
        return bm_fail(fail, BM_EBUG, NULL, "a record contradicts those before it: a repair with the chip that the device has");
    bm_slots_swap(&memory->slots, unit, spare);
    forks_forget(memory, unit);
    return unit_do(memory, unit, &deed, fail);
}

enum bm_rc
bm_life_allow(struct bm_memory *memory, uint32_t unit, const struct bm_allow *allow, bm_time time, struct bm_fail *fail)
{
    struct deed transfer = {
        .what = END, .operational = true, .again = true, .identity = BM_NONE, .reason = REASON_CESSATION, .time = time
    };
    enum bm_life life;
    enum bm_rc rc;

    if ((rc = bm_life_next(memory, unit, move_of(allow), &life, fail)) != BM_OK)
        return rc;
    if (allow->act != BM_ALLOW_RESUME)
        bm_support_end(memory, unit);
    rc = allow->act == BM_ALLOW_RESUME   ? resume(memory, unit, allow, time, fail)
         : allow->act == BM_ALLOW_REPAIR ? repair(memory, unit, allow, time, fail)
                                         : unit_do(memory, unit, &transfer, fail);
    if (rc == BM_OK)
        bm_slots_live(&memory->slots, unit, life);
    return rc;
}
