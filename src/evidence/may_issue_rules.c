/* may_issue_rules.c - the rules of the decision that hold for every request, each with its sentence. */
#include "evidence/may_issue_inside.h"

_Static_assert(BM_ROOT_TPM == 1 && BM_ROOT_SECURE_ELEMENT == 2 && BM_ROOT_PUF == 3 && BM_ROOT_SOFTWARE == 4,
               "the bits of a profile's roots");

/* req: FAULTS F16 */
static bool
clock_forward(const struct bm_request *in)
{
    return in->state->now >= BM_CLOCK_FLOOR && in->state->now >= in->state->last_signed;
}

static bool
clock_near(const struct bm_request *in)
{
    return (uint64_t)in->state->now - (uint64_t)in->state->last_signed <= BM_CLOCK_JUMP; /* after clock_forward: never below */
}

static bool
lot_pinned(const struct bm_request *in)
{
    return in->state->lot_pinned;
}

static bool
lot_not_withdrawn(const struct bm_request *in)
{
    return !in->state->lot_withdrawn;
}

static bool
lot_not_quarantined(const struct bm_request *in)
{
    return !in->state->lot_quarantined;
}

static bool
lot_not_superseded(const struct bm_request *in)
{
    return !in->state->lot_superseded;
}

static bool
test_at_home(const struct bm_request *in)
{
    return in->state->test || !in->claim->test;
}

static bool
order_known(const struct bm_request *in)
{
    return in->state->order_known;
}

static bool
order_open(const struct bm_request *in)
{
    return !in->state->order_closed;
}

static bool
order_begun(const struct bm_request *in)
{
    return in->state->now >= in->state->order_from;
}

static bool
order_not_over(const struct bm_request *in)
{
    return in->state->now <= in->state->order_until;
}

static bool
order_has_lot(const struct bm_request *in)
{
    return in->state->order_has_lot;
}

static bool
order_station(const struct bm_request *in)
{
    return in->state->order_station;
}

/* Of every request that a station speaks for: whoever is none any more speaks for nothing. */
static bool
station_known(const struct bm_request *in)
{
    return in->state->station_known;
}

static bool
station_means_order(const struct bm_request *in)
{
    return !in->claim->stationed || (in->state->order != NULL && strcmp(in->claim->station_order, in->state->order) == 0);
}

static bool
order_has_profile(const struct bm_request *in)
{
    return in->state->order_has_profile && in->state->profile != NULL;
}

static bool
evidence_fits(const struct bm_request *in)
{
    unsigned needs = (unsigned)in->claim->evidence | (in->claim->tls_front ? BM_EV_TLS_FRONT : 0u);

    return (in->state->profile->evidence & needs) == needs;
}

/* A set's bits are the kinds of roots (pki/profile.h). */
static bool
root_fits(const struct bm_request *in)
{
    unsigned roots = in->state->profile->roots;

    return roots == 0 || (roots & 1u << (unsigned)in->claim->leaf.root) != 0;
}

static bool
facts_fit(const struct bm_request *in)
{
    return (in->state->profile->require & ~in->claim->shown.proven) == 0;
}

static bool
key_fits(const struct bm_request *in)
{
    unsigned alg = (unsigned)in->claim->key.alg;

    return alg >= BM_KEY_P256 && alg <= BM_KEY_ED25519 && (in->state->profile->keys & 1u << alg) != 0;
}

static bool
root_is_its_own(const struct bm_request *in)
{
    return !in->state->unit_other_root;
}

static const struct rule {
    bool (*holds)(const struct bm_request *in);
    enum {
        EVERY,
        ENROLMENT /* nothing to a renewal, nor to what is allowed later: its unit was made under this order */
    } request;
    enum bm_rc rc;
    const char *say;
} rules[] = {
    { clock_forward, EVERY, BM_EBUSY,
      "the signer's clock says {now}, which is before its last signature ({last}) or before 2024: set the clock, then ask again" },
    { clock_near, EVERY, BM_EBUSY,
      "the signer's clock says {now}, more than 400 days after its last signature ({last}): set the clock. A site that "
      "rested for longer cannot issue any more: make a new one" },
    { lot_pinned, EVERY, BM_EPOLICY,
      "this chip is in no received lot (root key {root}). Ask the custodian to receive its lot, or check the board's chip against its reel "
      "label." },
    { lot_not_withdrawn, EVERY, BM_EPOLICY,
      "lot {lot}, which this chip is in (root key {root}), was withdrawn. Put the board aside and ask the custodian why." },
    { lot_not_quarantined, EVERY, BM_EPOLICY,
      "lot {lot}, which this chip is in (root key {root}), is in quarantine: it contradicts another lot. Put the board aside until two "
      "persons have released the lot, or ask the custodian." },
    { lot_not_superseded, EVERY, BM_EPOLICY,
      "lot {lot} was superseded by a later revision, and this chip (root key {root}) was shown as of the older one. Ask again: the "
      "registrar shows the newest." },
    { test_at_home, EVERY, BM_EPOLICY,
      "a certificate in this chip's evidence is of a test hierarchy (root key {root}), and nothing of a test counts at a production site. "
      "Take "
      "the board to the test site, or give it certificates of its own maker." },
    { station_known, EVERY, BM_EPOLICY,
      "this request came by a station that is none of this site's, or is none any more (key {by}). Put the board aside and tell the "
      "officer "
      "who enrols stations." },
    { station_means_order, EVERY, BM_EPOLICY,
      "station {station} asked for a unit of order {meant}, and it would be counted under order {order}. Ask again under order {meant}." },
    { order_known, EVERY, BM_EPOLICY, "there is no order {order} here. Check the order's name, or ask the planner to open it." },
    { order_open, ENROLMENT, BM_EPOLICY, "order {order} is closed. Ask the planner to open another." },
    { order_begun, ENROLMENT, BM_EPOLICY, "order {order} begins at {from} and it is {now}. Wait, or ask the planner for an earlier date." },
    { order_not_over, ENROLMENT, BM_EPOLICY, "order {order} ended at {until} and it is {now}. Ask the planner to open another." },
    { order_has_lot, ENROLMENT, BM_EPOLICY,
      "order {order} is not for lot {lot}, which this chip is in (root key {root}). Take chips of the order's lots, or ask the planner to "
      "add the lot "
      "to an order." },
    { order_station, ENROLMENT, BM_EPOLICY,
      "order {order} is made at its own stations, and this request came by {station}. Take the board to one of them, or ask the planner "
      "for an order that names this one." },
    { order_has_profile, EVERY, BM_EPOLICY,
      "order {order} does not allow profile {profile} as it is now. Ask for a service that the order allows, or ask the planner to open an "
      "order with it." },
    { evidence_fits, EVERY, BM_EPOLICY,
      "profile {profile} does not take {evidence} evidence, which is what this chip gave (root key {root}). Use a chip of the kind that "
      "the profile is "
      "for, or a profile for this one." },
    { root_fits, EVERY, BM_EPOLICY,
      "profile {profile} takes no root key of the kind {kind}, which this chip has (root key {root}). Use a chip of a kind that the "
      "profile "
      "lists, or ask for another profile." },
    { facts_fit, EVERY, BM_EPOLICY,
      "profile {profile} requires evidence of {missing}, which this chip did not give (root key {root}). Let the device show it, or ask "
      "for a profile that does without." },
    { key_fits, EVERY, BM_EPOLICY,
      "profile {profile} does not take {alg} keys. Make a key of a kind that the profile lists and ask again." },
    { root_is_its_own, EVERY, BM_EPOLICY,
      "chip {chip} is known by another root key than the one that spoke (root key {root}), or that key by another chip: this may be a "
      "copy. Put "
      "the board aside and tell the custodian." },
};

enum bm_rc
bm_request_rules(const struct bm_request *in, bool later, struct bm_fail *fail)
{
    for (size_t i = 0; i < BM_COUNT(rules); i++)
        if (!(rules[i].request == ENROLMENT && later) && !rules[i].holds(in))
            return bm_request_refuse(in, rules[i].rc, rules[i].say, fail);
    return BM_OK;
}
