/* csr.h - a PKCS#10 certification request (RFC 2986), read strictly; its subject is never used. */
#ifndef BM_CSR_H
#define BM_CSR_H

#include "pki/key.h"

/* Views into the bytes that were parsed. */
struct bm_csr {
    struct bm_bytes der;        /* the whole request */
    struct bm_bytes info;       /* CertificationRequestInfo: what the signature covers */
    struct bm_bytes subject;    /* Name, whole element: a label that we ignore */
    struct bm_bytes attributes; /* content of [0]: checked for shape only; evidence/attested.h reads the one that speaks */
    struct bm_key key;
    enum bm_sig_alg alg;
    struct bm_bytes signature;
};

/* Version 0, at most BM_MAX_CSR bytes, attributes well-formed and at most 16, no trailing bytes. */
bm_must_use enum bm_rc bm_csr_parse(struct bm_csr *ret_csr, struct bm_bytes der, struct bm_fail *fail);

/* Proof of possession: the request's own signature. */
bm_must_use enum bm_rc bm_csr_check(struct bm_crypto *crypto, const struct bm_csr *csr, struct bm_fail *fail);

/* Device side: the CertificationRequestInfo for a key, with an empty subject or CN=cn (a label); then the request from info and
 * signature. */
void bm_csr_info_build(struct bm_buf *buf, struct bm_bytes spki, const char *cn);
/* The same with attributes: Attribute elements, DER, one behind the other. */
void bm_csr_info_build_attributes(struct bm_buf *buf, struct bm_bytes spki, const char *cn, struct bm_bytes attributes);
void bm_csr_build(struct bm_buf *buf, struct bm_bytes info, enum bm_sig_alg alg, struct bm_bytes signature);

#endif
