/* cmc_inside.h - what the files of the CMC reader share. Inside this room. */
#ifndef BM_CMC_INSIDE_H
#define BM_CMC_INSIDE_H

#include "evidence/cmc.h"
#include "evidence/cmc_oid.h"
#include "evidence/hash.h"
#include "wire/der.h"

/* cmc.content -> the nonces, the transaction and the CSR. */
bm_must_use enum bm_rc bm_cmc_pki_data_parse(struct bm_cmc *cmc, struct bm_fail *fail);

/* The certificate among `certificates` (content of the SET) that the sid names: by SKI when ski.n > 0, else by issuer and serial. n = 0 when none. */
struct bm_bytes bm_cmc_cert_find(struct bm_bytes certificates, struct bm_bytes ski, struct bm_bytes issuer, struct bm_bytes serial);

#endif
