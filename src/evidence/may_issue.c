#include "evidence/may_issue.h"

#include "wire/text.h"

_Static_assert(BM_ROOT_TPM == 1 && BM_ROOT_SECURE_ELEMENT == 2 && BM_ROOT_PUF == 3 && BM_ROOT_SOFTWARE == 4,
               "the bits of a profile's roots");

/*
 * The decision in three tables, read from top to bottom: rules that hold for every request, then what unit and identity allow together, then the
 * sentences. Words in braces are filled in by sentence().
 */
struct request {
    const struct bm_claim *claim;
    const struct bm_state *state;
};

/* ---- sentences ---- */

static const char *
key_word(enum bm_key_alg alg)
{
    static const char *const words[] = {
        [BM_KEY_P256] = "P-256", [BM_KEY_P384] = "P-384", [BM_KEY_RSA] = "RSA", [BM_KEY_ED25519] = "Ed25519"
    };

    return (size_t)alg < BM_COUNT(words) && words[alg] != NULL ? words[alg] : "unknown";
}

/* "9f3c…41": enough to find the chip by, short enough to be read aloud. */
static void
fingerprint_add(struct bm_buf *buf, const uint8_t hash[static BM_HASH])
{
    bm_buf_add_fmt(buf, "%02x%02x\xe2\x80\xa6%02x", hash[0], hash[1], hash[BM_HASH - 1]);
}

static void
time_add(struct bm_buf *buf, bm_time t)
{
    char text[BM_TIME_TEXT];

    bm_time_print(text, t < 0 ? 0 : t > BM_TIME_NEVER ? BM_TIME_NEVER : t);
    bm_buf_add_str(buf, text);
}

static const char *
or_unknown(const char *name)
{
    return name != NULL ? name : "(unknown)";
}

/* What stands for {name}. False when there is no such name. */
static bool
word_add(struct bm_buf *buf, const struct request *in, struct bm_bytes name)
{
    const struct bm_state *state = in->state;
    const struct bm_profile *profile = state->profile;
    const struct {
        const char *name, *value;
    } words[] = {
        { "chip", in->claim->leaf.id },
        { "lot", or_unknown(state->lot) },
        { "order", or_unknown(state->order) },
        { "device", or_unknown(state->device) },
        { "profile", profile != NULL ? profile->name : or_unknown(state->asked) },
        { "service", profile != NULL ? profile->service : "(unknown)" },
        { "evidence", bm_evidence_class_word(in->claim->evidence) },
        { "kind", or_unknown(bm_profile_root_word((unsigned)in->claim->leaf.root)) },
        { "alg", key_word(in->claim->key.alg) },
        { "station", state->station != NULL ? state->station : "none of them" },
        { "meant", in->claim->station_order },
    };

    for (size_t i = 0; i < BM_COUNT(words); i++)
        if (bm_bytes_equal(name, bm_bytes_str(words[i].name))) {
            bm_buf_add_str(buf, words[i].value);
            return true;
        }
    return false;
}

/* What the profile requires and the evidence does not show. */
static void
missing_add(struct bm_buf *buf, const struct request *in)
{
    char words[BM_MAX_PROVEN];

    bm_proven_print(words, in->state->profile->require & ~in->claim->shown.proven);
    bm_buf_add_str(buf, words);
}

/* Those that are no strings. */
static void
value_add(struct bm_buf *buf, const struct request *in, struct bm_bytes name)
{
    const struct bm_state *state = in->state;

    if (bm_bytes_equal(name, bm_bytes_str("root")))
        fingerprint_add(buf, in->claim->root_hash);
    else if (bm_bytes_equal(name, bm_bytes_str("by")))
        fingerprint_add(buf, in->claim->station);
    else if (bm_bytes_equal(name, bm_bytes_str("key")))
        fingerprint_add(buf, in->claim->key.hash);
    else if (bm_bytes_equal(name, bm_bytes_str("missing")))
        missing_add(buf, in);
    else if (bm_bytes_equal(name, bm_bytes_str("now")))
        time_add(buf, state->now);
    else if (bm_bytes_equal(name, bm_bytes_str("last")))
        time_add(buf, state->last_signed);
    else if (bm_bytes_equal(name, bm_bytes_str("from")))
        time_add(buf, state->order_from);
    else if (bm_bytes_equal(name, bm_bytes_str("expired")))
        time_add(buf, state->not_after);
    else if (bm_bytes_equal(name, bm_bytes_str("until")))
        time_add(buf, state->order_until);
    else if (bm_bytes_equal(name, bm_bytes_str("used")))
        bm_buf_add_fmt(buf, "%llu", (unsigned long long)state->used);
    else if (bm_bytes_equal(name, bm_bytes_str("front")))
        bm_buf_add_fmt(buf, "%llu", (unsigned long long)state->tls_front);
    else if (bm_bytes_equal(name, bm_bytes_str("fronted")))
        bm_buf_add_fmt(buf, "%llu", (unsigned long long)state->tls_front_used);
    else if (bm_bytes_equal(name, bm_bytes_str("quantity")))
        bm_buf_add_fmt(buf, "%llu", (unsigned long long)state->quantity);
    else if (bm_bytes_equal(name, bm_bytes_str("replaced")))
        bm_buf_add_fmt(buf, "%u", state->replaced);
    else
        bm_buf_add_str(buf, "?");
}

static enum bm_rc
refuse(const struct request *in, enum bm_rc rc, const char *say, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = sizeof(fail->text) - 8 };

    while (*say != 0) {
        size_t plain = strcspn(say, "{"), name;

        bm_buf_add(&buf, say, plain);
        say += plain;
        if (*say == 0)
            break;
        name = strcspn(say, "}");
        if (!word_add(&buf, in, bm_bytes(say + 1, name - 1)))
            value_add(&buf, in, bm_bytes(say + 1, name - 1));
        say += name + 1;
    }
    /* Names of 64 characters, four times: cut at a word's end rather than lost. */
    return bm_fail(fail, rc, NULL, "%.*s%s", (int)buf.n, buf.n > 0 ? (const char *)buf.p : "", buf.bad ? "\xe2\x80\xa6" : "");
}

/* ---- rules for every request ---- */

/* req: FAULTS F16 */
static bool
clock_forward(const struct request *in)
{
    return in->state->now >= BM_CLOCK_FLOOR && in->state->now >= in->state->last_signed;
}

static bool
clock_near(const struct request *in)
{
    return (uint64_t)in->state->now - (uint64_t)in->state->last_signed <= BM_CLOCK_JUMP; /* after clock_forward: never below */
}

static bool
lot_pinned(const struct request *in)
{
    return in->state->lot_pinned;
}

static bool
lot_not_withdrawn(const struct request *in)
{
    return !in->state->lot_withdrawn;
}

static bool
lot_not_quarantined(const struct request *in)
{
    return !in->state->lot_quarantined;
}

static bool
lot_not_superseded(const struct request *in)
{
    return !in->state->lot_superseded;
}

static bool
order_known(const struct request *in)
{
    return in->state->order_known;
}

static bool
order_open(const struct request *in)
{
    return !in->state->order_closed;
}

static bool
order_begun(const struct request *in)
{
    return in->state->now >= in->state->order_from;
}

static bool
order_not_over(const struct request *in)
{
    return in->state->now <= in->state->order_until;
}

static bool
order_has_lot(const struct request *in)
{
    return in->state->order_has_lot;
}

static bool
order_station(const struct request *in)
{
    return in->state->order_station;
}

/* Of every request that a station speaks for: whoever is none any more speaks for nothing. */
static bool
station_known(const struct request *in)
{
    return in->state->station_known;
}

static bool
station_means_order(const struct request *in)
{
    return !in->claim->stationed || (in->state->order != NULL && strcmp(in->claim->station_order, in->state->order) == 0);
}

static bool
order_has_profile(const struct request *in)
{
    return in->state->order_has_profile && in->state->profile != NULL;
}

static bool
evidence_fits(const struct request *in)
{
    unsigned needs = (unsigned)in->claim->evidence | (in->claim->tls_front ? BM_EV_TLS_FRONT : 0u);

    return (in->state->profile->evidence & needs) == needs;
}

/* A set's bits are the kinds of roots (pki/profile.h). */
static bool
root_fits(const struct request *in)
{
    unsigned roots = in->state->profile->roots;

    return roots == 0 || (roots & 1u << (unsigned)in->claim->leaf.root) != 0;
}

static bool
facts_fit(const struct request *in)
{
    return (in->state->profile->require & ~in->claim->shown.proven) == 0;
}

static bool
key_fits(const struct request *in)
{
    unsigned alg = (unsigned)in->claim->key.alg;

    return alg >= BM_KEY_P256 && alg <= BM_KEY_ED25519 && (in->state->profile->keys & 1u << alg) != 0;
}

static bool
root_is_its_own(const struct request *in)
{
    return !in->state->unit_other_root;
}

static const struct rule {
    bool (*holds)(const struct request *in);
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

/* ---- unit and identity ---- */

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
step_of(const struct request *in)
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
not_expired(const struct request *in)
{
    return in->state->now - (bm_time)in->state->profile->grace * 86400 <= in->state->not_after; /* after the clock's rules: no underflow */
}

static enum bm_rc
new_key_decide(enum bm_decision *ret, const struct outcome *outcome, const struct request *in, struct bm_fail *fail)
{
    const struct bm_state *state = in->state;

    if (!outcome->replace && !outcome->reissue && outcome->slot == BM_DECISION_NO)
        return refuse(in, BM_EPOLICY, outcome->say, fail);
    if (state->key_known)
        return refuse(in, BM_EPOLICY,
                      "key {key} is or was the key of another identity: two devices may not share a key. "
                      "Make a new key and ask again: birthmark-agent enrol --new-key.",
                      fail);
    if (in->claim->tls_front && state->tls_front_used >= state->tls_front)
        return refuse(
            in, BM_EPOLICY,
            "order {order} lets {front} certificates be had over TLS alone, and {fronted} were (root key {root}). Let the root key sign "
            "the request (EST fullcmc), or ask the planner to open another order with --tls-front.",
            fail);
    if (outcome->replace && state->replaced < BM_MAX_REPLACED)
        *ret = BM_DECISION_REPLACE;
    else if (outcome->reissue && state->reissue_allowed)
        *ret = BM_DECISION_REISSUE;
    else if (outcome->slot == BM_DECISION_NO)
        return refuse(in, BM_EPOLICY, outcome->say, fail);
    else if (outcome->slot == BM_DECISION_UNIT && state->used >= state->quantity)
        return refuse(in, BM_EPOLICY,
                      "order {order} is full: {used} of {quantity} units are made (root key {root}). Ask the planner to open another order "
                      "for lot {lot}.",
                      fail);
    else
        *ret = outcome->slot;
    return BM_OK;
}

enum bm_rc
bm_may_issue(enum bm_decision *ret_decision, const struct bm_claim *claim, const struct bm_state *state, struct bm_fail *fail)
{
    const struct request in = { .claim = claim, .state = state };
    const bool later = claim->renews || state->reissue_allowed || state->by_allow;
    const struct outcome *outcome;

    for (size_t i = 0; i < BM_COUNT(rules); i++)
        if (!(rules[i].request == ENROLMENT && later) && !rules[i].holds(&in))
            return refuse(&in, rules[i].rc, rules[i].say, fail);
    outcome = &outcomes[step_of(&in)];
    if (outcome->unit && !state->unit_in_order)
        return refuse(&in, BM_EPOLICY,
                      "device {device} (root key {root}) was counted under another order than {order}. Ask again under the order that it "
                      "was made for.",
                      fail);
    if (outcome->expires && !not_expired(&in))
        return refuse(&in, BM_EPOLICY,
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
    const struct request in = { .claim = claim, .state = state };
    enum step step = step_of(&in);

    return claim->renews && (step == STEP_FORK || (step == STEP_RENEWED && !state->same_key));
}
