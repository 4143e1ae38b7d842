/* station.h - part 3 of a bundle: the factory's station that a request came by. Format: docs/formats/evidence.md. */
#ifndef BM_STATION_H
#define BM_STATION_H

#include "evidence/renewal.h"

/* Parsed and built as a renewal is: lv16 SubjectPublicKeyInfo of the station's key, lv16 its signature. What it signs: */
void bm_station_tbs(struct bm_buf *buf, struct bm_bytes csr);
/* The signature is the key's over this CSR. Whose key that is, the order says. BM_EINPUT, BM_EPOLICY. */
bm_must_use enum bm_rc bm_station_check(struct bm_key *ret_station, struct bm_crypto *crypto, struct bm_bytes part, struct bm_bytes csr,
                                        struct bm_fail *fail);

#endif
