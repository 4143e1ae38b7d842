/* trip.h - what the doors under /v1/ read in common: whose request it is, and a TPM's claim. Inside this room. */
#ifndef BM_GATE_TRIP_H
#define BM_GATE_TRIP_H

#include "gate/gate.h"

#include "evidence/tpm.h"
#include "wire/json.h"

/* What both trips of a TPM begin with. The label is the profile where one is named, else the service. */
struct trip {
    const char *service, *profile;
    bool
        certified; /* by an attestation key that the lot lists, `iak`; no challenge goes before, and a nonce stands in the place of its proof */
    struct bm_buf ek, ak, iak;
};
void bm_trip_done(struct trip *trip);
#define TRIP(name) \
    bm_cleanup(bm_trip_done) struct trip name = { .ek = { .max = BM_MAX_SPKI }, .ak = { .max = BM_MAX_TPM }, .iak = { .max = BM_MAX_SPKI } }
void bm_trip_names_read(struct trip *trip, struct bm_json_in *in);
void bm_trip_keys_read(struct trip *trip, struct bm_json_in *in);
bm_must_use enum bm_rc bm_trip_names_check(const struct trip *trip, struct bm_fail *fail);
bm_must_use enum bm_rc bm_trip_keys_check(const struct trip *trip, struct bm_fail *fail);
struct bm_bytes bm_trip_label(const struct trip *trip);

/* The parts of a claim, in the order of its fields. */
enum claim_part {
    PART_KEY,
    PART_ATTEST,
    PART_SIGNATURE,
    PART_CSR,
    PART_PROOF, /* or the nonce */
    PART_N
};
struct claim {
    struct bm_buf part[PART_N];
    struct bm_buf endorsement; /* part 2 of a bundle, of the certificates that were sent; empty where none were */
};
void bm_claim_done(struct claim *claim);
void bm_claim_read(struct claim *claim, const struct trip *trip, struct bm_json_in *in);
void bm_claim_bytes(struct bm_buf *bytes, const struct trip *trip, const struct claim *claim);

#endif
