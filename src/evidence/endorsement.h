/* endorsement.h - part 2 of a bundle: what its maker says of a TPM's endorsement key. Format: docs/formats/evidence.md. */
#ifndef BM_ENDORSEMENT_H
#define BM_ENDORSEMENT_H

#include "evidence/id_chain.h"
#include "evidence/shown.h"

/* u8 n (1 to 8), n x lv16 certificate: the endorsement key's, those between, the TPM maker's root. Views. */
struct bm_endorsement {
    struct bm_bytes cert[BM_MAX_CHAIN];
    size_t n;
};
bm_must_use enum bm_rc bm_endorsement_parse(struct bm_endorsement *ret, struct bm_bytes part, struct bm_fail *fail);
/* Appends it; the one encoding that parses to this. */
void bm_endorsement_build(struct bm_buf *buf, const struct bm_endorsement *endorsement);

/*
 * The first certificate is that of the endorsement key with this hash, and leads through the others to the last, judged at its own notBefore. BM_EINPUT
 * unreadable, BM_EPOLICY false. Adds BM_PROVEN_EK_CERTIFIED, and manufacturer, model and version, where the certificate is for an endorsement key
 * (extended key usage 2.23.133.8.1). That the custodian pinned the last one is still to be asked: bm_endorsement_settle().
 */
bm_must_use enum bm_rc bm_endorsement_check(struct bm_shown *shown, const struct bm_endorsement *endorsement,
                                            const uint8_t ek_hash[static BM_HASH], struct bm_fail *fail);
/* Takes all that back where the last certificate is none of those roots (SHA-256 of the DER) that the lot's pin names. */
void bm_endorsement_settle(struct bm_shown *shown, const uint8_t (*roots)[BM_HASH], size_t nroots);

#endif
