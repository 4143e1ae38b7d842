/* shown.h - what a certificate's evidence showed besides whose chip it is: told by its ledger leaf, and by its policies. */
#ifndef BM_SHOWN_H
#define BM_SHOWN_H

#include "base/limits.h"
#include "pki/proven.h"

/* Views into the bundle. */
struct bm_shown {
    unsigned proven;                              /* set of enum bm_proven */
    struct bm_bytes manufacturer, model, version; /* of the TPM, by its maker's certificate; n = 0 without BM_PROVEN_EK_CERTIFIED */
    uint8_t ek_root[BM_HASH];                     /* SHA-256 of the certificate in which its maker's chain ends */
    uint8_t first[BM_HASH];                       /* BM_PROVEN_DICE: SHA-256 of the first code after the boot ROM ... */
    uint8_t code[BM_HASH];                        /* ... and of what it started */
};

#endif
