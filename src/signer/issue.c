/* issue.c - a request for a certificate: the evidence checked, the decision taken, the intent put on record. */
#include "base/base.h"
#include "signer/signer.h"

#include "evidence/nonce.h"
#include "signer/life.h"
#include "pki/oid.h"
#include "wire/text.h"

/* A request on its way through. */
struct request {
    struct bm_signer *signer;
    uint64_t id;
    struct bm_s_issue issue;
    struct bm_bundle bundle;
    struct bm_claim claim;
    struct bm_state state;
    bm_time not_after;                   /* of the certificate that would be issued */
    bm_time ends;                        /* no certificate goes beyond it; 0: its profile and CA say when */
    uint32_t lot, order, unit, identity; /* BM_NONE: none */
    struct bm_chip_names chip;
    uint8_t device_id[BM_HASH]; /* that it has, or will be used under */
    unsigned ca;                /* that would issue it */
    uint32_t bucket;            /* of that CA */
    char device[BM_DEVICE_TEXT];
    char order_name[BM_MAX_NAME + 1], profile_name[BM_MAX_NAME + 1];
};

/* A station is whose key an officer's statement says is one: not what gate or registrar say, nor what a certificate does. */
static void
state_fill_station(struct request *in)
{
    const struct bm_operator *station = in->claim.stationed ? bm_roles_station(in->signer->memory.roles, in->claim.station) : NULL;

    in->state.station_known = !in->claim.stationed || station != NULL;
    if (station != NULL)
        in->state.station = station->name;
}

/* What the signer's own tables say. */
static void
state_fill(struct request *in)
{
    const struct bm_memory *memory = &in->signer->memory;
    struct bm_state *state = &in->state;

    state->last_signed = memory->last_signed;
    state->test = in->signer->site->test;
    in->lot = bm_lots_by_root(&memory->lots, in->bundle.lot_root, in->bundle.lot_size);
    in->order = bm_orders_find(&memory->orders, in->issue.order);
    state->lot_pinned = in->lot != BM_NONE; /* and the evidence shows that the chip is in it */
    if (in->lot != BM_NONE) {
        const struct bm_pinned *lot = &memory->lots.lots[in->lot];

        bm_endorsement_settle(&in->claim.shown, lot->ek_roots, lot->nek_roots);
        state->lot = lot->lot;
        state->lot_withdrawn = lot->withdrawn;
        state->lot_quarantined = lot->quarantined;
        state->lot_superseded = lot->superseded;
    }
    if (in->issue.order.n > 0)
        memcpy(in->order_name, in->issue.order.p, in->issue.order.n);
    if (in->issue.profile.n > 0)
        memcpy(in->profile_name, in->issue.profile.p, in->issue.profile.n);
    state->order = in->order_name;
    state->asked = in->profile_name;
    state_fill_station(in);
    if (in->order != BM_NONE) {
        const struct bm_signer_order *order = &memory->orders.orders[in->order];

        state->order_known = true;
        state->order_closed = order->closed;
        state->order_has_lot = in->lot != BM_NONE && bm_order_has_lot(order, in->lot);
        state->profile = bm_order_profile(order, in->issue.profile);
        state->order_has_profile = state->profile != NULL;
        state->order_station = bm_order_at_station(order, in->claim.stationed ? in->claim.station : NULL);
        state->order_from = order->from;
        state->order_until = order->until;
        state->quantity = order->quantity;
        state->used = order->used;
        state->tls_front = order->tls_front;
        state->tls_front_used = order->tls_front_used;
    }
}

/* By what its leaf says: a chip that was never used has no unit yet, and its device id all the same. */
static void
chip_find(struct request *in)
{
    const struct bm_memory *memory = &in->signer->memory;
    struct bm_fail ignored;

    if (bm_chip_names(&in->chip, in->bundle.leaf, &ignored) != BM_OK)
        in->chip.n = 0;
    if (in->chip.n == 0)
        return;
    in->unit = bm_slots_find(&memory->slots, &in->chip, in->claim.root_hash, memory->site, &in->state.unit_other_root);
    if (in->unit == BM_NONE)
        bm_chip_device(&in->chip, memory->site, in->device_id);
    else
        memcpy(in->device_id, memory->slots.units[in->unit].device, BM_DEVICE);
    bm_hex(in->device, bm_bytes(in->device_id, BM_DEVICE));
    in->state.device = in->device;
    in->state.unit = bm_slots_state(&memory->slots, in->unit, in->chip.names, in->chip.n);
}

/* Of its own chip too, which may have no unit yet. */
static bool
key_known(const struct request *in)
{
    bool own = false;

    for (size_t i = 0; i < in->chip.n; i++)
        own |= memcmp(in->chip.names[i], in->claim.key.hash, BM_HASH) == 0;
    return own || bm_slots_key_used(&in->signer->memory.slots, in->claim.key.hash);
}

/* What no order has, but an officer's word for this device. */
static void
state_fill_support(struct request *in)
{
    const struct bm_supports *supports = &in->signer->memory.supports;
    const struct bm_support_permit *permit =
        in->order == BM_NONE || in->state.profile != NULL ? NULL : bm_support_meant(supports, in->unit, in->issue.profile);

    if (permit == NULL)
        return;
    in->state.profile = &supports->profiles[permit->profile];
    in->state.order_has_profile = true;
    in->state.support = bm_support_state(permit, in->state.now);
    in->ends = permit->until;
}

static void
state_fill_unit(struct request *in)
{
    const struct bm_slots *slots = &in->signer->memory.slots;
    const struct bm_unit *unit;
    const struct bm_identity *identity;

    in->identity = BM_NONE;
    chip_find(in);
    in->state.key_known = key_known(in);
    if (in->unit == BM_NONE)
        return;
    unit = &slots->units[in->unit];
    in->state.unit_in_order = in->order != BM_NONE && unit->order == in->order;
    state_fill_support(in);
    if (in->state.profile == NULL)
        return;
    in->identity = bm_slots_identity(slots, in->unit, bm_bytes_str(in->state.profile->service));
    if (in->identity == BM_NONE)
        return;
    identity = &slots->identities[in->identity];
    in->state.identity = (enum bm_identity_state)identity->state;
    in->state.same_key = identity->state != BM_IDENTITY_REVOKED && memcmp(identity->key, in->claim.key.hash, BM_HASH) == 0;
    in->state.replaced = identity->replaced;
    in->state.reissue_allowed = identity->reissue_allowed;
    in->state.by_allow = identity->by_allow;
    if (in->claim.renews)
        in->state.speaker = bm_slots_speaker(slots, in->identity, in->claim.current, &in->state.not_after);
}

/* The rules of stations come before those of units: what they refuse is no clone. */
static bool
station_refused(const struct request *in)
{
    const struct bm_state *state = &in->state;
    const bool later = in->claim.renews || state->reissue_allowed || state->by_allow;

    return !state->station_known || (in->claim.stationed && strcmp(in->claim.station_order, in->order_name) != 0) ||
           (state->order_known && !state->order_station && !later);
}

/* A word for alarms. */
static const char *
refusal_word(const struct request *in)
{
    const struct bm_state *state = &in->state;

    if (!state->lot_pinned)
        return "unknown-chip";
    if (state->lot_withdrawn || state->unit == BM_UNIT_WITHDRAWN)
        return "withdrawn";
    if (state->lot_quarantined)
        return "quarantine";
    if (station_refused(in))
        return "station";
    if (state->unit == BM_UNIT_SCRAPPED)
        return "scrapped";
    if (state->unit == BM_UNIT_SUSPENDED)
        return "suspended";
    if (state->unit == BM_UNIT_REVOKED || state->unit == BM_UNIT_RETIRED || state->unit == BM_UNIT_DECOMMISSIONED)
        return "revoked";
    if (state->support != BM_SUPPORT_NONE)
        return "support";
    if (in->claim.renews && !state->key_known && !state->unit_other_root)
        return bm_is_fork(&in->claim, state) ? "fork" : "renewal";
    if (state->identity == BM_IDENTITY_CONFIRMED || state->identity == BM_IDENTITY_RENEWING || state->identity == BM_IDENTITY_PROVISIONAL ||
        state->key_known || state->unit_other_root)
        return "clone";
    if (state->unit == BM_UNIT_FREE && state->order_known && state->used >= state->quantity)
        return "quota";
    return "enrol";
}

/*
 * Of an identity's first fork the refused renewal is kept: with the one that was granted, which the same key signed, it is the proof that two hold that
 * key. Later ones would only fill the disk.
 */
static enum bm_rc
refuse_fork(struct request *in, struct bm_event *event, const struct bm_fail *why, struct bm_fail *fail)
{
    struct bm_signer *signer = in->signer;
    const struct bm_identity *identity = &signer->memory.slots.identities[in->identity];
    struct bm_event suspended = { .kind = BM_EVENT_DEVICE_MOVED,
                                  .time = event->time,
                                  .device = event->device,
                                  .what = bm_bytes_str(bm_move_word(BM_MOVE_SUSPEND)),
                                  .reason = bm_bytes_str("two hold a key of this device: one of them is a copy") };
    struct bm_fail ignored;
    enum bm_life life = BM_LIFE_SUSPENDED;
    char count[24];
    bool suspends;
    enum bm_rc rc;

    if (identity->forked) {
        event->what = bm_bytes_str("clone");
        return bm_batch_refuse(signer, in->id, why, event, fail);
    }
    if ((rc = bm_batch_refuse(signer, in->id, why, NULL, fail)) != BM_OK)
        return rc;
    suspends = bm_life_next(&signer->memory, in->unit, BM_MOVE_SUSPEND, &life, &ignored) == BM_OK;
    (void)snprintf(count, sizeof(count), "%zu", bm_life_count(&signer->memory, in->unit));
    suspended.count = bm_bytes_str(count);
    suspended.state = bm_bytes_str(bm_life_word(life));
    return bm_commit_forked(signer, event, suspends ? &suspended : NULL, bm_bytes(identity->serial, identity->nserial), in->issue.bundle,
                            &signer->batch[signer->nbatch - 1], fail);
}

/* A root key that we hold has proved itself: this is somebody's chip, and the refusal is an event. */
static enum bm_rc
refuse_proven(struct request *in, const char *what, const struct bm_fail *why, struct bm_fail *fail)
{
    struct bm_signer *signer = in->signer;
    const struct bm_profile *profile = in->state.profile;
    char chip[2 * BM_HASH + 1], evidence[2 * BM_HASH + 1];
    uint8_t hash[BM_HASH];
    struct bm_event event = { .kind = BM_EVENT_REFUSED, .time = in->state.now, .device = bm_bytes_str(in->device) };

    bm_hex(chip, bm_bytes(in->claim.root_hash, BM_HASH));
    bm_sha256(hash, in->issue.bundle);
    bm_hex(evidence, bm_bytes(hash, BM_HASH));
    event.chip = bm_bytes_str(chip);
    event.evidence = bm_bytes_str(evidence);
    if (in->lot != BM_NONE)
        event.lot = bm_bytes_str(signer->memory.lots.lots[in->lot].lot);
    if (in->order != BM_NONE)
        event.order = in->issue.order;
    if (profile != NULL) {
        event.profile = in->issue.profile;
        event.service = bm_bytes_str(profile->service);
    }
    if (in->claim.evidence != 0)
        event.evidence_class = bm_bytes_str(bm_evidence_class_word(in->claim.evidence));
    event.what = bm_bytes_str(what);
    event.reason = bm_bytes_str(why->text);
    if (strcmp(what, "fork") == 0)
        return refuse_fork(in, &event, why, fail);
    return bm_batch_refuse(signer, in->id, why, &event, fail);
}

/* The evidence failed after the proof, so there is no claim; every key of the proven leaf leads to the same unit, and names the chip; so does what stands for its id. */
__attribute__((noinline)) /* 9 KiB that no other request needs on its stack */
static void
unit_of_leaf(struct request *in)
{
    struct bm_fail ignored;
    struct bm_leaf leaf;

    if (bm_leaf_parse(&leaf, in->bundle.leaf, &ignored) != BM_OK)
        return;
    if (leaf.kind == BM_LEAF_ID)
        bm_leaf_id_hash(&leaf, in->claim.root_hash);
    else
        memcpy(in->claim.root_hash, leaf.keys[0].key.hash, BM_HASH);
}

/* May this chip have another leaf? What goes beyond comes to the registrar without one, and is counted there with the unproven ones. */
static bool
has_own_leaf(const struct request *in)
{
    struct bm_refusals *cell = &in->signer->refusals[(in->device_id[0] << 8 | in->device_id[1]) % BM_REFUSAL_CELLS];
    uint32_t minute = (uint32_t)(in->state.now / 60);

    if (cell->minute != minute)
        *cell = (struct bm_refusals){ .minute = minute };
    return cell->n++ < BM_REFUSALS_A_MINUTE;
}

static enum bm_rc
refuse(struct request *in, bool proven, const char *what, const struct bm_fail *why, struct bm_fail *fail)
{
    bool chips_fault = why->rc == BM_EINPUT || why->rc == BM_EPOLICY;

    if (proven && chips_fault && in->state.lot_pinned && has_own_leaf(in))
        return refuse_proven(in, what, why, fail);
    return bm_batch_refuse(in->signer, in->id, why, NULL, fail);
}

/* 20 octets, positive, never shortened by a leading zero, never used before. */
/* req: RFC5280 4.1.2.2 a unique positive serial of at most 20 octets */
enum bm_rc
bm_serial_draw(struct bm_signer *signer, uint8_t ret_serial[static BM_MAX_SERIAL], struct bm_fail *fail)
{
    bool live;
    enum bm_rc rc;

    do {
        if ((rc = signer->env->random(signer->env->ctx, ret_serial, BM_MAX_SERIAL, fail)) != BM_OK)
            return rc;
        ret_serial[0] = (uint8_t)((ret_serial[0] & 0x7f) | 0x40);
    } while (bm_slots_serial(&signer->memory.slots, bm_bytes(ret_serial, BM_MAX_SERIAL), &live) != BM_NONE);
    return BM_OK;
}

/* Before anything is on record: what the device could not store is no certificate for it. */
static enum bm_rc
tbs_fit(const struct bm_signer *signer, const struct bm_profile *profile, unsigned by, struct bm_fail *fail)
{
    const struct bm_issuing *ca = signer->memory.cas.row[by];

    return bm_profile_fit(profile, bm_signed_most(bm_buf_bytes(&signer->der), signer->issuers[by].alg, &ca->cert.key),
                          bm_cas_chain_size(&signer->memory.cas, by), fail);
}

/* The issuer as the bucket that has room has it. Where the site has no url the certificate points nowhere. */
static void
bucket_choose(struct request *in, struct bm_issuer *ret_issuer)
{
    const struct bm_memory *memory = &in->signer->memory;
    const struct bm_profile *profile = in->state.profile;

    in->bucket =
        bm_bucket_next(&memory->revocations, in->ca, bm_slots_service(&memory->slots, bm_bytes_str(profile->service)), profile->bucket);
    bm_ca_bucket(ret_issuer, in->signer, in->ca, in->bucket);
    if (in->signer->site->url[0] == 0)
        ret_issuer->crl_url[0] = 0;
}

static enum bm_rc
tbs_make(struct request *in, struct bm_bytes serial, struct bm_fail *fail)
{
    struct bm_signer *signer = in->signer;
    const struct bm_profile *profile = in->state.profile;
    const struct bm_issuer *issuer = &signer->issuers[in->ca];
    struct bm_issuer pointing;
    const struct bm_pinned *lot = &signer->memory.lots.lots[in->lot];
    const struct bm_leaf *leaf = &in->claim.leaf;
    bm_time now = in->state.now, not_after = profile->hours == 0 ? BM_TIME_NEVER : now + (bm_time)profile->hours * 3600 - 1;
    struct bm_subject subject = { .device = in->device,
                                  .organization = profile->ca == BM_CA_IDEVID ? lot->vendor : signer->site->name,
                                  .chip = leaf->id,
                                  .lot = lot->lot,
                                  .hw_type = leaf->root == BM_ROOT_TPM ? BM_OID(bm_oid_hw_tpm2) : BM_OID(bm_oid_hw_part),
                                  .hw_serial = bm_bytes_str(leaf->id),
                                  .proven = in->claim.shown.proven };
    enum bm_rc rc;

    if (profile->hours == 0 && issuer->not_after < not_after)
        return bm_fail(fail, BM_EBUSY, NULL, "profile %s never expires and the certificate of its CA does: make a CA that lives to 9999",
                       profile->name);
    if (not_after > issuer->not_after)
        not_after = issuer->not_after;
    if (in->ends != 0 && not_after > in->ends)
        not_after = in->ends;
    in->not_after = not_after;
    if (not_after < now)
        return bm_fail(fail, BM_EBUSY, NULL, "the CA's certificate has expired: make a new CA before anything else is issued");
    bm_buf_reset(&signer->der);
    bucket_choose(in, &pointing);
    rc = bm_tbs_build(&signer->der, profile, &pointing, &subject, bm_key_spki(&in->claim.key), serial, now, not_after, fail);
    return rc != BM_OK ? rc : tbs_fit(signer, profile, in->ca, fail);
}

/* As the planner signed it. */
static const char *
product_of(const struct request *in)
{
    return in->order == BM_NONE ? "" : in->signer->memory.orders.orders[in->order].product;
}

static enum bm_rc
intent_commit(struct request *in, enum bm_decision decision, struct bm_fail *fail)
{
    struct bm_signer *signer = in->signer;
    const struct bm_identity *identity = in->identity == BM_NONE ? NULL : &signer->memory.slots.identities[in->identity];
    bool replaces = (decision == BM_DECISION_REPLACE || decision == BM_DECISION_REISSUE || decision == BM_DECISION_RENEW) &&
                    identity != NULL && identity->state != BM_IDENTITY_REVOKED;
    const struct bm_record_leaves none = { .n = 0 };
    uint8_t serial[BM_MAX_SERIAL], earlier[BM_MAX_SERIAL] = { 0 };
    struct bm_fail why = { .rc = BM_OK };
    struct bm_answer *answer;
    struct bm_intent intent;
    enum bm_rc rc;

    if ((rc = bm_serial_draw(signer, serial, fail)) != BM_OK)
        return rc;
    if (!bm_cas_choose(&signer->memory.cas, in->state.profile->ca, in->state.lot, product_of(in), &in->ca)) {
        bm_fail_note(&why, BM_EBUSY, NULL, "no CA issues %s certificates any more: make one with birthmark ca roll",
                     bm_ca_word(in->state.profile->ca));
        return refuse(in, true, "enrol", &why, fail);
    }
    if (bm_queue_admit(signer, in->ca, false, &why) != BM_OK)
        return refuse(in, true, "enrol", &why, fail);
    if (replaces && bm_queue_holds(signer, bm_bytes(identity->serial, identity->nserial))) {
        bm_fail_note(&why, BM_EBUSY, NULL, "an earlier request for this identity waits for the CA's token: ask again in a moment");
        return refuse(in, true, "enrol", &why, fail);
    }
    if (tbs_make(in, bm_bytes(serial, sizeof(serial)), &why) != BM_OK)
        return refuse(in, !in->claim.tls_front, "enrol", &why, fail);
    intent = (struct bm_intent){ .time = in->state.now,
                                 .not_after = in->not_after,
                                 .decision = decision,
                                 .ca = in->ca,
                                 .bucket = in->bucket,
                                 .evidence = in->claim.evidence,
                                 .shown = in->claim.shown,
                                 .lot = bm_bytes_str(in->state.lot),
                                 .order = in->issue.order,
                                 .profile = in->issue.profile,
                                 .service = bm_bytes_str(in->state.profile->service),
                                 .serial = bm_bytes(serial, sizeof(serial)),
                                 .replaces = bm_bytes(earlier, replaces ? identity->nserial : 0),
                                 .tbs = bm_buf_bytes(&signer->der),
                                 .bundle = in->issue.bundle };
    if (replaces)
        memcpy(earlier, identity->serial, sizeof(earlier));
    memcpy(intent.chip, in->claim.root_hash, BM_HASH);
    memcpy(intent.key, in->claim.key.hash, BM_HASH);
    bm_buf_reset(&signer->record);
    bm_intent_build(&signer->record, &intent);
    answer = bm_batch_answer(signer, in->id, BM_S_ISSUED);
    answer->later = BM_LATER_SIGN;
    answer->nserial = sizeof(serial);
    memcpy(answer->serial, serial, sizeof(serial));
    return bm_commit(signer, BM_R_INTENT, &none, answer, fail);
}

/* A retry: the certificate that was issued before; the asker has it. */
/* req: FAULTS F4 */
static void
repeat(const struct request *in)
{
    const struct bm_identity *identity = &in->signer->memory.slots.identities[in->identity];
    struct bm_answer *answer = bm_batch_answer(in->signer, in->id, BM_S_ISSUED);

    answer->repeat = true;
    answer->nserial = identity->nserial;
    memcpy(answer->serial, identity->serial, sizeof(answer->serial));
    memcpy(answer->device, in->device, sizeof(answer->device));
}

static enum bm_rc
request_decide(struct request *in, struct bm_fail *fail)
{
    struct bm_freshness fresh = { .k = &in->signer->nonce_key, .now = in->state.now };
    enum bm_decision decision = BM_DECISION_NO;
    struct bm_fail why = { .rc = BM_OK };
    bool proven = false;
    enum bm_rc rc;

    if ((rc = bm_bundle_parse(&in->bundle, in->issue.bundle, &why)) != BM_OK)
        return refuse(in, false, "enrol", &why, fail);
    rc = bm_bundle_check(&in->claim, &proven, &in->bundle, in->signer->crypto, &fresh, &why);
    if (rc != BM_OK && proven)
        unit_of_leaf(in);
    state_fill(in);
    state_fill_unit(in);
    if (rc != BM_OK)
        return refuse(in, proven, in->bundle.part[BM_PART_RENEWAL].n > 0 ? "renewal" : "enrol", &why, fail);
    if (bm_may_issue(&decision, &in->claim, &in->state, &why) != BM_OK)
        return refuse(in, proven, refusal_word(in), &why, fail);
    if (decision != BM_DECISION_SAME)
        return intent_commit(in, decision, fail);
    repeat(in);
    return BM_OK;
}

enum bm_rc
bm_serve_issue(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    struct bm_signer *signer = ctx;
    struct request in = { .signer = signer, .id = id, .lot = BM_NONE, .order = BM_NONE, .unit = BM_NONE, .identity = BM_NONE };
    struct bm_fail why = { .rc = BM_OK };
    enum bm_rc rc;

    if ((rc = bm_s_issue_parse(&in.issue, body, fail)) != BM_OK)
        return rc;
    if (signer->env->now(signer->env->ctx, &in.state.now, &why) != BM_OK)
        return bm_batch_refuse(signer, id, &why, NULL, fail);
    return request_decide(&in, fail);
}
