/* csv_signature.h - the signature that lies beside a list: who of the vendor's signers made it, and when. */
#ifndef BM_CSV_SIGNATURE_H
#define BM_CSV_SIGNATURE_H

#include "lot/lot.h"

#include "pki/cert.h"

struct bm_csv_signature {
    bool there;
    bm_time time;                  /* as signed; of receipt where it does not say */
    bm_time not_before, not_after; /* of the signer's certificate */
    char signer[2 * BM_HASH + BM_MAX_NAME + 2];
};
/*
 * job->signature over job->file: CMS in DER, or a JWS without its payload (RFC 7515 appendix F: "header..signature") with alg ES256 and x5t#S256. Refused
 * when it does not verify, or by nobody who is pinned, or by one who was retired. No signature: there = false.
 */
bm_must_use enum bm_rc bm_csv_signature_check(struct bm_csv_signature *ret, const struct bm_lot_job *job, struct bm_fail *fail);
/* How the signer's certificate stands at that time and at receipt: findings for the first chip. */
void bm_csv_signature_look(const struct bm_csv_signature *signature, const struct bm_lot_job *job, struct bm_lot_chip *chip);

#endif
