#include "base/base.h"
#include "signer/counted.h"

enum bm_rc
bm_counted_check(const struct bm_memory *memory, uint32_t at, enum bm_counted what, uint64_t n, struct bm_fail *fail)
{
    const struct bm_signer_order *order = &memory->orders.orders[at];
    uint64_t done = at < memory->books.norders ? memory->books.orders[at].done[what] : 0, most = order->limits.most[what];

    if (n <= most && done <= most - n)
        return BM_OK;
    return bm_fail(fail, BM_EPOLICY, NULL,
                   "order %s allows %llu %s, %llu are counted and this would be %llu more: ask the planner for more of them, by birthmark "
                   "order raise %s --%s N",
                   order->order, (unsigned long long)most, bm_counted_word(what), (unsigned long long)done, (unsigned long long)n,
                   order->order, bm_counted_word(what));
}

static enum bm_where
where_of(enum bm_unit_state state, bool issued)
{
    switch (state) {
    case BM_UNIT_SCRAPPED:
        return BM_WHERE_SCRAPPED;
    case BM_UNIT_WITHDRAWN:
        return BM_WHERE_WITHDRAWN;
    case BM_UNIT_RETIRED:
        return BM_WHERE_RETIRED;
    case BM_UNIT_FREE:
    case BM_UNIT_ACTIVE:
    case BM_UNIT_SUSPENDED:
    case BM_UNIT_REVOKED:
    case BM_UNIT_DECOMMISSIONED:
    case BM_UNIT__N:
        break;
    }
    return issued ? BM_WHERE_ISSUED : BM_WHERE_UNUSED;
}

enum bm_where
bm_unit_where(const struct bm_memory *memory, uint32_t unit)
{
    const struct bm_unit *of = &memory->slots.units[unit];

    return where_of((enum bm_unit_state)of->state, of->order != BM_NONE);
}

/* Of a chip that no unit has: withdrawn before, or unused. */
static bool
is_withdrawn(const struct bm_memory *memory, const uint8_t (*hashes)[BM_HASH], size_t n)
{
    return bm_slots_held(&memory->slots, hashes, n, BM_UNIT_WITHDRAWN);
}

static enum bm_rc
unit_count(const struct bm_memory *memory, uint32_t unit, struct bm_bytes lot, struct bm_chips_count *count, struct bm_fail *fail)
{
    const struct bm_unit *of = &memory->slots.units[unit];

    if (of->counted != bm_lots_find(&memory->lots, lot))
        return bm_fail(fail, BM_EPOLICY, NULL, "one of these chips was received with another lot, %s: name that one",
                       of->counted == BM_NONE ? "which is not here any more" : memory->lots.lots[of->counted].lot);
    if (count->order != BM_NONE && count->order != of->order)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "units were made of these chips under two orders, %s and %s, and each counts its own: do those of one order first",
                       memory->orders.orders[count->order].order, memory->orders.orders[of->order].order);
    count->order = of->order;
    count->was.counted++;
    return BM_OK;
}

static bool
seen_before(uint32_t *seen, size_t *nseen, uint32_t unit)
{
    for (size_t i = 0; i < *nseen; i++)
        if (seen[i] == unit)
            return true;
    seen[(*nseen)++] = unit;
    return false;
}

enum bm_rc
bm_chips_count(const struct bm_memory *memory, const struct bm_s_chips *chips, struct bm_chips_count *ret_count, struct bm_fail *fail)
{
    const enum bm_unit_state wanted = chips->what == BM_CHIPS_SCRAP ? BM_UNIT_SCRAPPED : BM_UNIT_WITHDRAWN;
    struct bm_chips_count count = { .order = BM_NONE };
    struct bm_rd rd = bm_rd(chips->chips);
    uint32_t seen[BM_S_MAX_CHIPS];
    const uint8_t(*hashes)[BM_HASH];
    size_t n, nseen = 0;
    enum bm_rc rc;

    while (bm_keys_next(&rd, &hashes, &n)) {
        uint32_t unit = BM_NONE;
        bool issued;

        if (bm_slots_held(&memory->slots, hashes, n, wanted))
            continue;
        if ((rc = bm_slots_unit(&memory->slots, hashes, n, &unit, fail)) != BM_OK)
            return rc;
        if (unit != BM_NONE && seen_before(seen, &nseen, unit))
            continue;
        issued = unit != BM_NONE && memory->slots.units[unit].order != BM_NONE;
        if (issued && (rc = unit_count(memory, unit, chips->lot, &count, fail)) != BM_OK)
            return rc;
        if (is_withdrawn(memory, hashes, n))
            count.was.withdrawn++;
        else if (issued)
            count.was.issued++;
        else
            count.was.unused++;
    }
    *ret_count = count;
    return BM_OK;
}

void
bm_old_print(char ret[static BM_MAX_OLD], const struct bm_memory *memory, uint32_t unit)
{
    uint32_t lot = memory->slots.units[unit].counted;

    (void)snprintf(ret, BM_MAX_OLD, "%s %s", bm_where_word(bm_unit_where(memory, unit)), lot == BM_NONE ? "-" : memory->lots.lots[lot].lot);
}
