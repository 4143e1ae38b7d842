/* pkcs11_cert.h - a certificate as an object of a token. */
#ifndef BM_PKCS11_CERT_H
#define BM_PKCS11_CERT_H

#include "p11/p11.h"

/* Stores a certificate beside the key with this id. */
bm_must_use enum bm_rc bm_p11_cert_add(const struct bm_p11 *token, const char *label, struct bm_bytes id, struct bm_bytes der,
                                       struct bm_fail *fail);
/* Appends one that was found, with a u32 length before it. */
bm_must_use enum bm_rc bm_p11_cert_take(const struct bm_p11 *token, CK_OBJECT_HANDLE cert, struct bm_buf *certs, struct bm_fail *fail);

#endif
