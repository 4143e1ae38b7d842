/* signers.h - the certificates that are pinned for who signs Microchip's lists: which of them signed an entry, whether it might. */
#ifndef BM_SIGNERS_H
#define BM_SIGNERS_H

#include "lot/jws.h"
#include "lot/lot.h"

#define BM_MAX_SIGNERS 64

/* Zeroed is empty. Views into the vendor's DER. */
struct bm_signers {
    const struct bm_vendor *vendor;
    size_t n;
    struct bm_signer {
        struct bm_jws_signer jws;
        char name[BM_MAX_NAME + 2 * BM_HASH + 2]; /* for people: the subject and the fingerprint */
        char subject[96];
        bool retired;
    } signer[BM_MAX_SIGNERS];
};

bm_must_use enum bm_rc bm_signers_take(struct bm_signers *signers, const struct bm_vendor *vendor, struct bm_fail *fail);
/* The one that the entry's x5t#S256 names; NULL, and a finding: it is not pinned, or retired. */
const struct bm_signer *bm_signers_find(const struct bm_signers *signers, const struct bm_jws *jws, struct bm_lot_chip *chip);
/* A finding where the signer's certificate was not valid when the chip was provisioned (chip->time), or is no more. now: 0 is not asked. */
void bm_signer_time_look(const struct bm_signer *signer, bm_time now, struct bm_lot_chip *chip);

#endif
