/* backend.h - what the backends share: their tables, leaves and names. */
#ifndef BM_BACKEND_H
#define BM_BACKEND_H

#include "root/root.h"

extern const struct bm_root_ops bm_root_soft;
extern const struct bm_root_ops bm_root_pkcs11;
extern const struct bm_root_ops bm_root_tpm2;
extern const struct bm_root_ops bm_root_puf;

/* What is built in, then NULL (backends.c). */
extern const struct bm_root_ops *const bm_root_backends[];

/* Sorts lines and drops doubles: the names of services. */
bm_must_use enum bm_rc bm_names_add(struct bm_buf *buf, const char *const *names, size_t n, struct bm_fail *fail);
/* A chip with one root key, which signs. */
void bm_leaf_signing(struct bm_leaf *ret_leaf, enum bm_root_kind root, const struct bm_key *key);
/* BM_EINPUT. */
bm_must_use enum bm_rc bm_service_check(const char *service, struct bm_fail *fail);
/* A name that something may be sealed by, and no more bytes than fit. BM_EINPUT. */
bm_must_use enum bm_rc bm_sealed_check(const char *name, struct bm_bytes bytes, struct bm_fail *fail);

#endif
