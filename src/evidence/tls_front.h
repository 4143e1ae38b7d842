/* tls_front.h - body class 3 of a bundle: a request whose asker held a root key in a TLS handshake that only the gate saw. Format: docs/formats/evidence.md. */
#ifndef BM_TLS_FRONT_H
#define BM_TLS_FRONT_H

#include "pki/csr.h"

/* u16 version = 1, 32 SHA-256 of the TLS client key's SubjectPublicKeyInfo, lv16 CSR. Nothing in it is signed by the root key: it is the gate's word. */
struct bm_tls_front {
    uint8_t peer[BM_HASH];
    struct bm_bytes csr;
};
/* BM_EINPUT. Views; the CSR is not read here. */
bm_must_use enum bm_rc bm_tls_front_parse(struct bm_tls_front *ret, struct bm_bytes body, struct bm_fail *fail);
/* Appends it; the one encoding that parses to this. */
void bm_tls_front_build(struct bm_buf *buf, const struct bm_tls_front *front);

#endif
