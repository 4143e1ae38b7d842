/* endorse.h - a TPM's endorsement certificates, as the device sends them, led up to what the lot's vendor pinned. Labels here: the signer decides. */
#ifndef BM_ENDORSE_H
#define BM_ENDORSE_H

#include "evidence/tpm.h"
#include "registrar/holdings.h"

/*
 * Appends the part (evidence/endorsement.h) that goes into the bundle: the certificate of the key that the claim names, those between, a pinned one. Nothing
 * where the device sent no such certificate, or where no pinned one is found above it by name: that is no fault, and proves nothing.
 */
bm_must_use enum bm_rc bm_endorse(struct bm_buf *part, struct bm_store *store, const char *vendor, struct bm_bytes claim,
                                  struct bm_bytes sent, struct bm_fail *fail);

#endif
