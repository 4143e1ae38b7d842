/* skim.h - the little of a certificate that records need, read without checking its key. */
#ifndef BM_SKIM_H
#define BM_SKIM_H

#include "base/bytes.h"
#include "base/env.h"

/*
 * For certificates that our own signer made (records, answers), and to find whose key a foreign one holds before the signer checks it: whether a
 * point lies on its curve costs more than all else here, and is not this process's question.
 */
struct bm_skim {
    struct bm_bytes issuer; /* Name, whole element: a view */
    bm_time not_after;
    uint8_t key[32]; /* SHA-256 of the SubjectPublicKeyInfo */
};
/* BM_EINPUT: no certificate in DER. */
bm_must_use enum bm_rc bm_cert_skim(struct bm_skim *ret_skim, struct bm_bytes der, struct bm_fail *fail);

#endif
