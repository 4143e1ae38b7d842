/* proven.h - what the evidence for a certificate showed: a word for each fact, and the certificate policy that states it. docs/formats/evidence.md. */
#ifndef BM_PROVEN_H
#define BM_PROVEN_H

#include "base/bytes.h"

/* Bits, for sets. The first four are enum bm_evidence_class (pki/profile.h): how the root key spoke. */
enum bm_proven {
    BM_PROVEN_ROOT_SIGNED = 1,
    BM_PROVEN_TPM_ACTIVATED = 2,
    BM_PROVEN_SOFTWARE = 4,
    BM_PROVEN_TLS_FRONT = 8,
    BM_PROVEN_TPM_RESIDENCY = 16, /* a TPM's attestation key certified the operational key: it is in that TPM */
    BM_PROVEN_TPM_FIXED = 32,     /* ... and cannot leave it */
    BM_PROVEN_POLICY_BOUND = 64,  /* ... and signs only where its policy is met, which no password can replace */
    BM_PROVEN_EK_CERTIFIED = 128, /* the TPM's maker certified the endorsement key that was activated */
    BM_PROVEN_DICE = 256,         /* a chain from the root key over the measured code signed the request */
};
#define BM_PROVEN_ALL 511u
#define BM_MAX_PROVEN 160 /* all words, with a space between two */

/* The facts in the order of their bits. */
struct bm_proven_fact {
    const char *word;
    unsigned bit;
    struct bm_bytes policy; /* OID, content octets (docs/formats/certificates.md) */
};
const struct bm_proven_fact *bm_proven_fact(size_t i); /* NULL past the last */

/* The set's words, one space between two. */
void bm_proven_print(char ret[static BM_MAX_PROVEN], unsigned set);

#endif
