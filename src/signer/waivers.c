#include "base/base.h"
#include "signer/waivers.h"

#include <stdlib.h>

void
bm_waivers_init(struct bm_waivers *ret_waivers, uint64_t seed)
{
    *ret_waivers = (struct bm_waivers){ .n = 0 };
    bm_table_init(&ret_waivers->taken, seed);
}

void
bm_waivers_done(struct bm_waivers *waivers)
{
    bm_table_done(&waivers->taken);
    free(waivers->waivers);
    *waivers = (struct bm_waivers){ .n = 0 };
}

static void
pad(uint8_t ret_key[static BM_HASH], const uint8_t proposal[static BM_PROPOSAL])
{
    memset(ret_key, 0, BM_HASH);
    memcpy(ret_key, proposal, BM_PROPOSAL);
}

bool
bm_proposal_taken(const struct bm_waivers *waivers, const uint8_t proposal[static BM_PROPOSAL])
{
    uint8_t key[BM_HASH];
    uint32_t ignored;

    pad(key, proposal);
    return bm_table_find(&waivers->taken, key, &ignored);
}

enum bm_rc
bm_proposal_take(struct bm_waivers *waivers, const uint8_t proposal[static BM_PROPOSAL], struct bm_fail *fail)
{
    uint8_t key[BM_HASH];

    pad(key, proposal);
    return bm_table_put(&waivers->taken, key, 0, fail);
}

enum bm_rc
bm_waivers_add(struct bm_waivers *waivers, const uint8_t proposal[static BM_PROPOSAL], const struct bm_allow *allow, struct bm_fail *fail)
{
    struct bm_waiver *p = reallocarray(waivers->waivers, waivers->n + 1, sizeof(*p));

    if (p == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for another waiver");
    waivers->waivers = p;
    p += waivers->n++;
    memcpy(p->proposal, proposal, sizeof(p->proposal));
    memcpy(p->vendor, allow->vendor, sizeof(p->vendor));
    memcpy(p->check, allow->check, sizeof(p->check));
    p->until = allow->until;
    return BM_OK;
}

static const struct bm_waiver *
waiver_find(const struct bm_waivers *waivers, const uint8_t proposal[static BM_PROPOSAL])
{
    for (size_t i = 0; i < waivers->n; i++)
        if (memcmp(waivers->waivers[i].proposal, proposal, BM_PROPOSAL) == 0)
            return &waivers->waivers[i];
    return NULL;
}

static enum bm_rc
waived_check(const struct bm_waiver *waiver, const struct bm_pin *pin, const char *check, bm_time now, struct bm_fail *fail)
{
    char until[BM_TIME_TEXT];

    if (waiver == NULL)
        return bm_fail(
            fail, BM_EPOLICY, NULL,
            "the pin of lot %s names a waiver of the check %s that nobody has given: propose one, and let a second person approve it",
            pin->lot, check);
    if (strcmp(waiver->vendor, pin->vendor) != 0 || strcmp(waiver->check, check) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "the waiver that the pin of lot %s names is of the check %s for lots of %s: not of %s for those of %s", pin->lot,
                       waiver->check, waiver->vendor, check, pin->vendor);
    if (now > waiver->until) {
        bm_time_print(until, waiver->until);
        return bm_fail(fail, BM_EPOLICY, NULL, "the waiver of the check %s for lots of %s ended at %s: propose another", check, pin->vendor,
                       until);
    }
    return BM_OK;
}

enum bm_rc
bm_waivers_check(const struct bm_waivers *waivers, const struct bm_pin *pin, bm_time now, struct bm_fail *fail)
{
    enum bm_rc rc;

    for (size_t i = 0; i < pin->nwaived; i++)
        if ((rc = waived_check(waiver_find(waivers, pin->waived[i].proposal), pin, pin->waived[i].check, now, fail)) != BM_OK)
            return rc;
    return BM_OK;
}
