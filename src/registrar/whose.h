/* whose.h - which chip of which lot an enrolment speaks for. What it says of itself is a label here: the signer decides on the evidence. */
#ifndef BM_WHOSE_H
#define BM_WHOSE_H

#include "evidence/id_chain.h"
#include "registrar/holdings.h"

struct bm_whose {
    char who[2 * BM_HASH + 1]; /* the root key in hex; its identifier where the request names no more */
    uint8_t name[BM_HASH];     /* by which the chip is known: its root key's hash, or what stands for its id */
    struct bm_found_chip chip;
    struct bm_bytes chain[BM_MAX_CHAIN]; /* of a chip that is listed by its id: views into the request and into `root` */
    size_t nchain;
    struct bm_buf root; /* the vendor's pinned root, where the device sends its chain without it */
};
void bm_whose_done(struct bm_whose *whose); /* for bm_cleanup() */

/* By a CMC request; by a TPM's claim; by the key of a TLS client. BM_EINPUT, BM_EPOLICY: the request cannot be read. whose->chip.found: whether a lot lists it. */
bm_must_use enum bm_rc bm_whose_cmc(struct bm_whose *ret_whose, const struct bm_holdings *holdings, struct bm_store *store,
                                    struct bm_bytes body, struct bm_fail *fail);
bm_must_use enum bm_rc bm_whose_tpm(struct bm_whose *ret_whose, const struct bm_holdings *holdings, struct bm_store *store,
                                    struct bm_bytes body, struct bm_fail *fail);
bm_must_use enum bm_rc bm_whose_tls(struct bm_whose *ret_whose, const struct bm_holdings *holdings, struct bm_store *store,
                                    struct bm_bytes body, struct bm_fail *fail);

#endif
