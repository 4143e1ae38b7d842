/* may_issue_kit.h - a claim and a state that are granted, and every combination of what a state may say of unit, identity and signer. */
#ifndef BM_TEST_MAY_ISSUE_KIT_H
#define BM_TEST_MAY_ISSUE_KIT_H

#include "evidence/may_issue.h"

#include <setjmp.h>

#include <cmocka.h>

#define LAST 1795469649 /* 2026-11-23T21:34:09Z */

static const struct bm_profile profile = {
    .name = "gateway-1",
    .service = "mqtt",
    .evidence = BM_EV_ROOT_SIGNED | BM_EV_TPM_ACTIVATED,
    .keys = 1u << BM_KEY_P256,
    .grace = 14,
};

static __attribute__((unused)) struct bm_claim
good_claim(void)
{
    struct bm_claim claim = { .evidence = BM_EV_ROOT_SIGNED, .leaf = { .id = "0123abcd" }, .key = { .alg = BM_KEY_P256 } };

    memset(claim.root_hash, 0x9f, BM_HASH);
    claim.root_hash[1] = 0x3c;
    claim.root_hash[BM_HASH - 1] = 0x41;
    memset(claim.key.hash, 0x77, BM_HASH);
    return claim;
}

static __attribute__((unused)) struct bm_state
good_state(void)
{
    return (struct bm_state){
        .now = LAST + 10,
        .last_signed = LAST,
        .lot_pinned = true,
        .lot = "EX-001",
        .order_known = true,
        .order_has_lot = true,
        .order_has_profile = true,
        .order_station = true,
        .station_known = true,
        .order_from = LAST - 1000,
        .order_until = LAST + 1000,
        .quantity = 12,
        .used = 11,
        .order = "demo-1",
        .profile = &profile,
        .unit = BM_UNIT_FREE,
        .device = "u-17",
    };
}

/* Takes the next digit of a number in mixed radix: every combination is a number. */
static __attribute__((unused)) unsigned
digit(unsigned *n, unsigned radix)
{
    unsigned d = *n % radix;

    *n /= radix;
    return d;
}

#define TAILS (8u * 5 * 4 * 2 * 2 * 2 * 2 * 2)
static __attribute__((unused)) void
tail_set(struct bm_state *state, unsigned n)
{
    static const unsigned replaced[] = { 0, 2, 3, 100 };

    state->unit = (enum bm_unit_state)digit(&n, 8);
    state->identity = (enum bm_identity_state)digit(&n, 5);
    state->replaced = replaced[digit(&n, 4)];
    state->unit_in_order = digit(&n, 2);
    state->same_key = digit(&n, 2);
    state->key_known = digit(&n, 2);
    state->reissue_allowed = digit(&n, 2);
    state->used = digit(&n, 2) ? 12 : 11;
}

#define SPEAKERS (5u * 4)
static __attribute__((unused)) void
speaker_set(struct bm_state *state, unsigned n)
{
    const bm_time ends[] = { BM_TIME_NEVER, state->now - 14 * 86400, state->now - 14 * 86400 - 1, 0 };

    state->speaker = (enum bm_speaker)digit(&n, 5);
    state->not_after = ends[digit(&n, 4)];
}

#endif
