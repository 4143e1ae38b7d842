#include "evidence/may_issue_inside.h"

/*
 * The decision in three tables, read from top to bottom: rules that hold for every request (may_issue_rules.c), then what unit and identity allow
 * together, then the sentences. Words in braces are filled in by bm_request_refuse().
 */

enum step {
    STEP_CONTRADICTION,
    STEP_SUSPENDED,
    STEP_REVOKED,
    STEP_SCRAPPED,
    STEP_WITHDRAWN,
    STEP_RETIRED,
    STEP_DECOMMISSIONED,
    STEP_FIRST,
    STEP_ANOTHER,
    STEP_PROVISIONAL,
    STEP_CONFIRMED,
    STEP_LOST,
    STEP_NOTHING,
    STEP_RENEW,
    STEP_RENEW_AGAIN,
    STEP_RENEWED,
    STEP_UNCONFIRMED,
    STEP_FORK,
    STEP_STRANGER,
    STEP_REVOKED_KEY
};

/* A state that no table of the signer should show is an empty cell, and refused. */
static const enum step steps[BM_UNIT__N][BM_IDENTITY__N] = {
    [BM_UNIT_FREE] = { [BM_IDENTITY_NONE] = STEP_FIRST },
    [BM_UNIT_ACTIVE] = { [BM_IDENTITY_NONE] = STEP_ANOTHER,
                         [BM_IDENTITY_PROVISIONAL] = STEP_PROVISIONAL,
                         [BM_IDENTITY_CONFIRMED] = STEP_CONFIRMED,
                         [BM_IDENTITY_RENEWING] = STEP_CONFIRMED,
                         [BM_IDENTITY_REVOKED] = STEP_LOST },
    [BM_UNIT_SUSPENDED] = { STEP_SUSPENDED, STEP_SUSPENDED, STEP_SUSPENDED, STEP_SUSPENDED, STEP_SUSPENDED },
    [BM_UNIT_REVOKED] = { STEP_REVOKED, STEP_REVOKED, STEP_REVOKED, STEP_REVOKED, STEP_REVOKED },
    [BM_UNIT_SCRAPPED] = { STEP_SCRAPPED, STEP_SCRAPPED, STEP_SCRAPPED, STEP_SCRAPPED, STEP_SCRAPPED },
    [BM_UNIT_WITHDRAWN] = { STEP_WITHDRAWN, STEP_WITHDRAWN, STEP_WITHDRAWN, STEP_WITHDRAWN, STEP_WITHDRAWN },
    [BM_UNIT_RETIRED] = { STEP_RETIRED, STEP_RETIRED, STEP_RETIRED, STEP_RETIRED, STEP_RETIRED },
    [BM_UNIT_DECOMMISSIONED] = { STEP_DECOMMISSIONED, STEP_DECOMMISSIONED, STEP_DECOMMISSIONED, STEP_DECOMMISSIONED, STEP_DECOMMISSIONED },
};

/* The same of a renewal, for an active unit: whose key signs it decides. While a renewal is not confirmed the key before it may ask again, for the
 * device may have lost the new one; a provisional key renews nothing, since nobody has seen it work. */
static const enum step renewals[BM_IDENTITY__N][BM_SPEAKER__N] = {
    [BM_IDENTITY_NONE] = { [BM_SPEAKER_STRANGER] = STEP_NOTHING },
    [BM_IDENTITY_PROVISIONAL] = { [BM_SPEAKER_STRANGER] = STEP_STRANGER,
                                  [BM_SPEAKER_LIVE] = STEP_UNCONFIRMED,
                                  [BM_SPEAKER_PREVIOUS] = STEP_FORK,
                                  [BM_SPEAKER_REVOKED] = STEP_REVOKED_KEY,
                                  [BM_SPEAKER_PAST] = STEP_FORK },
    [BM_IDENTITY_CONFIRMED] = { [BM_SPEAKER_STRANGER] = STEP_STRANGER,
                                [BM_SPEAKER_LIVE] = STEP_RENEW,
                                [BM_SPEAKER_PREVIOUS] = STEP_RENEWED,
                                [BM_SPEAKER_REVOKED] = STEP_REVOKED_KEY,
                                [BM_SPEAKER_PAST] = STEP_FORK },
    [BM_IDENTITY_RENEWING] = { [BM_SPEAKER_STRANGER] = STEP_STRANGER,
                               [BM_SPEAKER_LIVE] = STEP_UNCONFIRMED,
                               [BM_SPEAKER_PREVIOUS] = STEP_RENEW_AGAIN,
                               [BM_SPEAKER_REVOKED] = STEP_REVOKED_KEY,
                               [BM_SPEAKER_PAST] = STEP_FORK },
    [BM_IDENTITY_REVOKED] = { [BM_SPEAKER_STRANGER] = STEP_STRANGER,
                              [BM_SPEAKER_PREVIOUS] = STEP_FORK,
                              [BM_SPEAKER_REVOKED] = STEP_REVOKED_KEY,
                              [BM_SPEAKER_PAST] = STEP_FORK },
};

static enum step
step_of(const struct bm_request *in)
{
    const struct bm_state *state = in->state;

    if ((unsigned)state->unit >= BM_UNIT__N || (unsigned)state->identity >= BM_IDENTITY__N || (unsigned)state->speaker >= BM_SPEAKER__N)
        return STEP_CONTRADICTION;
    if (in->claim->renews && state->unit == BM_UNIT_ACTIVE)
        return renewals[state->identity][state->speaker];
    if (in->claim->renews && state->unit == BM_UNIT_FREE && state->identity == BM_IDENTITY_NONE)
        return STEP_NOTHING;
    return steps[state->unit][state->identity];
}

#define FORK                                                                                                                     \
    "device {device} renewed its identity for service {service} since: the key that signs this renewal was replaced by a later " \
    "one, so two hold it, and one is a copy (root key {root}). Put the device aside and tell the fleet operator."

#define KEY_KNOWN                                                                                                                      \
    "key {key} is or was the key of another identity: two devices may not share a key. Make a new key and ask again: birthmark-agent " \
    "enrol --new-key."
#define OTHER_ORDER \
    "device {device} (root key {root}) was counted under another order than {order}. Ask again under the order that it was made for."

/* What a step may end in, tried from left to right; BM_DECISION_NO when none fits: then `say`. */
static const struct outcome {
    bool unit;             /* the unit slot was consumed before: it must be under this order */
    bool same;             /* the live key again: the same certificate */
    bool replace;          /* a few times, without asking anybody */
    bool reissue;          /* with an allow */
    bool expires;          /* not once the signing key's certificate has expired */
    enum bm_decision slot; /* otherwise: a new slot, or NO */
    const char *say;
} outcomes[] = {
    [STEP_CONTRADICTION] = { .say = "the signer's records of chip {chip} (root key {root}) contradict each other: it has an identity and "
                                    "counts as unused. Run "
                                    "`birthmark ledger verify` and keep the chip aside." },
    [STEP_SUSPENDED] = { .say = "device {device} (root key {root}) is suspended. Ask the fleet operator to resume it: birthmark device "
                                "resume {device}." },
    [STEP_REVOKED] = { .say = "device {device} (root key {root}) is revoked and gets no certificate again. Take another board." },
    [STEP_SCRAPPED] = { .say = "chip {chip} (root key {root}) is recorded as scrapped. Take another board, and find out where this one "
                               "came from." },
    [STEP_WITHDRAWN] = { .say = "chip {chip} (root key {root}) was withdrawn: its maker or the custodian recalled it. Put the board aside "
                                "and ask the custodian why." },
    [STEP_RETIRED] = { .say =
                           "chip {chip} (root key {root}) was taken out of its device by a repair and serves no more. Find out who has it "
                           "now, and destroy it." },
    [STEP_DECOMMISSIONED] = { .say = "device {device} (root key {root}) is decommissioned and gets no certificate again. Find out why it "
                                     "asks." },
    [STEP_FIRST] = { .slot = BM_DECISION_UNIT },
    [STEP_ANOTHER] = { .unit = true, .slot = BM_DECISION_IDENTITY },
    [STEP_PROVISIONAL] = { .unit = true,
                           .same = true,
                           .replace = true,
                           .reissue = true,
                           .say = "device {device} has asked for service {service} with a new key {replaced} times and confirmed none. "
                                  "Find out why it forgets "
                                  "them, then: birthmark identity reissue {device} {service} --reason R." },
    [STEP_CONFIRMED] = { .unit = true,
                         .same = true,
                         .reissue = true,
                         .say = "device {device} has its identity for service {service} already (root key {root}): this may be a copy. If "
                                "it was repaired or has "
                                "lost its key: birthmark identity reissue {device} {service} --reason R." },
    [STEP_LOST] = { .unit = true,
                    .reissue = true,
                    .say = "the identity of device {device} for service {service} was revoked. If it may have a new one: birthmark "
                           "identity reissue {device} "
                           "{service} --reason R." },
    [STEP_NOTHING] = { .say = "device {device} has no identity for service {service} to renew (root key {root}): enrol it." },
    [STEP_RENEW] = { .unit = true, .expires = true, .slot = BM_DECISION_RENEW },
    [STEP_RENEW_AGAIN] = { .unit = true,
                           .same = true,
                           .replace = true,
                           .expires = true,
                           .say = "device {device} has renewed its identity for service {service} with a new key {replaced} times more and "
                                  "confirmed none. Find out why it forgets them, then: birthmark identity reissue {device} {service} "
                                  "--reason R." },
    [STEP_RENEWED] = { .unit = true, .same = true, .say = FORK },
    [STEP_UNCONFIRMED] = { .say = "the certificate of device {device} for service {service} was never confirmed: confirm it over TLS, then "
                                  "renew it." },
    [STEP_FORK] = { .say = FORK },
    [STEP_STRANGER] = { .say = "the key that signs this renewal is not the key of device {device} for service {service} (root key "
                               "{root}): an identity is renewed by its own key and its own chip." },
    [STEP_REVOKED_KEY] = { .say = "the certificate of the key that signs this renewal was revoked. If device {device} may have a new "
                                  "identity for service {service}: birthmark identity reissue {device} {service} --reason R." },
};

/* Not yet, or for no longer than the profile's grace. */
static bool
not_expired(const struct bm_request *in)
{
    return in->state->now - (bm_time)in->state->profile->grace * 86400 <= in->state->not_after; /* after the clock's rules: no underflow */
}

static enum bm_rc
new_key_decide(enum bm_decision *ret, const struct outcome *outcome, const struct bm_request *in, struct bm_fail *fail)
{
    const struct bm_state *state = in->state;

    if (!outcome->replace && !outcome->reissue && outcome->slot == BM_DECISION_NO)
        return bm_request_refuse(in, BM_EPOLICY, outcome->say, fail);
    if (state->key_known)
        return bm_request_refuse(in, BM_EPOLICY, KEY_KNOWN, fail);
    if (in->claim->tls_front && state->tls_front_used >= state->tls_front)
        return bm_request_refuse(
            in, BM_EPOLICY,
            "order {order} lets {front} certificates be had over TLS alone, and {fronted} were (root key {root}). Let the root key sign "
            "the request (EST fullcmc), or ask the planner to open another order with --tls-front.",
            fail);
    if (outcome->replace && state->replaced < BM_MAX_REPLACED)
        *ret = BM_DECISION_REPLACE;
    else if (outcome->reissue && state->reissue_allowed)
        *ret = BM_DECISION_REISSUE;
    else if (outcome->slot == BM_DECISION_NO)
        return bm_request_refuse(in, BM_EPOLICY, outcome->say, fail);
    else if (outcome->slot == BM_DECISION_UNIT && state->used >= state->quantity)
        return bm_request_refuse(
            in, BM_EPOLICY,
            "order {order} is full: {used} of {quantity} units are made (root key {root}). Ask the planner to open another order "
            "for lot {lot}.",
            fail);
    else
        *ret = outcome->slot;
    return BM_OK;
}

/* Why no certificate for support comes of it; NULL: it may. */
static const char *
support_refusal(const struct bm_request *in)
{
    static const char *const say[BM_SUPPORT__N] = {
        [BM_SUPPORT_USED] =
            "the support of device {device} was used already, for another key: it is one certificate for one repair. Ask an "
            "officer to close it and open another: birthmark device support open {device}.",
        [BM_SUPPORT_OVER] = "the support of device {device} is over. Ask an officer to open another, if it still has to be repaired: "
                            "birthmark device support open {device}.",
    };
    const struct bm_state *state = in->state;

    if ((unsigned)state->unit >= BM_UNIT__N || state->unit == BM_UNIT_FREE)
        return outcomes[STEP_CONTRADICTION].say;
    if (state->unit != BM_UNIT_ACTIVE)
        return outcomes[steps[state->unit][BM_IDENTITY_NONE]].say;
    if (in->claim->renews)
        return "the identity of device {device} for service {service} is for one repair and never renewed: it ends by itself.";
    return say[state->support];
}

static enum bm_rc
support_decide(enum bm_decision *ret, const struct bm_request *in, struct bm_fail *fail)
{
    const struct bm_state *state = in->state;
    bool again = state->support == BM_SUPPORT_USED && state->unit == BM_UNIT_ACTIVE && state->same_key && !in->claim->renews;
    const char *say = again || (unsigned)state->support >= BM_SUPPORT__N ? NULL : support_refusal(in);

    if (say != NULL || (unsigned)state->support >= BM_SUPPORT__N)
        return bm_request_refuse(in, BM_EPOLICY, say != NULL ? say : outcomes[STEP_CONTRADICTION].say, fail);
    if (!state->unit_in_order)
        return bm_request_refuse(in, BM_EPOLICY, OTHER_ORDER, fail);
    if (!again && state->key_known)
        return bm_request_refuse(in, BM_EPOLICY, KEY_KNOWN, fail);
    *ret = again ? BM_DECISION_SAME : BM_DECISION_SUPPORT;
    return BM_OK;
}

enum bm_rc
bm_may_issue(enum bm_decision *ret_decision, const struct bm_claim *claim, const struct bm_state *state, struct bm_fail *fail)
{
    const struct bm_request in = { .claim = claim, .state = state };
    const bool later = claim->renews || state->reissue_allowed || state->by_allow || state->support != BM_SUPPORT_NONE;
    const struct outcome *outcome;
    enum bm_rc rc;

    if ((rc = bm_request_rules(&in, later, fail)) != BM_OK)
        return rc;
    if (state->support != BM_SUPPORT_NONE)
        return support_decide(ret_decision, &in, fail);
    outcome = &outcomes[step_of(&in)];
    if (outcome->unit && !state->unit_in_order)
        return bm_request_refuse(&in, BM_EPOLICY, OTHER_ORDER, fail);
    if (outcome->expires && !not_expired(&in))
        return bm_request_refuse(
            &in, BM_EPOLICY,
            "the certificate of device {device} for service {service} expired at {expired}, and profile {profile} lets none be "
            "renewed so long after. If it may have a new one: birthmark identity reissue {device} {service} --reason R.",
            fail);
    if (!outcome->same || !state->same_key)
        return new_key_decide(ret_decision, outcome, &in, fail);
    *ret_decision = BM_DECISION_SAME;
    return BM_OK;
}

bool
bm_is_fork(const struct bm_claim *claim, const struct bm_state *state)
{
    const struct bm_request in = { .claim = claim, .state = state };
    enum step step = step_of(&in);

    return claim->renews && state->support == BM_SUPPORT_NONE && (step == STEP_FORK || (step == STEP_RENEWED && !state->same_key));
}
