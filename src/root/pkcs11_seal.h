/* pkcs11_seal.h - sealed data in a token, and the erasing of all that is ours there; root.h says what each does. */
#ifndef BM_PKCS11_SEAL_H
#define BM_PKCS11_SEAL_H

#include "p11/p11.h"

bm_must_use enum bm_rc bm_pkcs11_seal(const struct bm_p11 *token, const char *name, struct bm_bytes bytes, struct bm_fail *fail);
bm_must_use enum bm_rc bm_pkcs11_unseal(const struct bm_p11 *token, const char *name, struct bm_buf *bytes, struct bm_fail *fail);
bm_must_use enum bm_rc bm_pkcs11_sealed(const struct bm_p11 *token, struct bm_buf *names, struct bm_fail *fail);
bm_must_use enum bm_rc bm_pkcs11_sealed_remove(const struct bm_p11 *token, const char *name, struct bm_fail *fail);
bm_must_use enum bm_rc bm_pkcs11_reset(const struct bm_p11 *token, struct bm_fail *fail);

#endif
