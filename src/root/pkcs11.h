/* pkcs11.h - one PKCS#11 token as root: its body, and what of root.h is done in other files. */
#ifndef BM_ROOT_PKCS11_H
#define BM_ROOT_PKCS11_H

#include "p11/p11.h"
#include "root/backend.h"

#define BM_PKCS11_LABEL (BM_MAX_NAME + 24)

struct bm_pkcs11 {
    struct bm_root root;
    struct bm_p11 token;
    char signer[BM_PKCS11_LABEL]; /* the key that signed last, so that a handshake signs without looking for it; "": none */
    CK_OBJECT_HANDLE signer_handle;
};

static inline const struct bm_p11 *
bm_pkcs11_token(const struct bm_root *root)
{
    return &((const struct bm_pkcs11 *)root)->token;
}

/* pkcs11_service.c, as root.h has them. */
bm_must_use enum bm_rc bm_pkcs11_key_new(struct bm_root *root, const char *service, struct bm_key *ret_public, struct bm_fail *fail);
bm_must_use enum bm_rc bm_pkcs11_key_public(struct bm_root *root, const char *service, bool pending, struct bm_key *ret_public,
                                            struct bm_fail *fail);
bm_must_use enum bm_rc bm_pkcs11_key_sign(struct bm_root *root, const char *service, bool pending, struct bm_bytes tbs,
                                          enum bm_sig_alg *ret_alg, struct bm_buf *signature, struct bm_fail *fail);
bm_must_use enum bm_rc bm_pkcs11_commit(struct bm_root *root, const char *service, const struct bm_bytes *certs, size_t ncerts,
                                        struct bm_fail *fail);
bm_must_use enum bm_rc bm_pkcs11_certs(struct bm_root *root, const char *service, struct bm_buf *certs, struct bm_fail *fail);
bm_must_use enum bm_rc bm_pkcs11_services(struct bm_root *root, struct bm_buf *names, struct bm_fail *fail);
bm_must_use enum bm_rc bm_pkcs11_retire(struct bm_root *root, const char *service, struct bm_fail *fail);

/* The names behind a prefix of labels, sorted; does a label begin so? */
#define BM_PKCS11_OURS "birthmark:"
#define BM_PKCS11_LABELS 4096 /* whoever made the object chose its label */
bm_must_use enum bm_rc bm_pkcs11_names(const struct bm_p11 *token, CK_OBJECT_CLASS class, const char *prefix, struct bm_buf *names,
                                       struct bm_fail *fail);
bool bm_pkcs11_ours(const struct bm_buf *label, const char *prefix);

/* pkcs11_seal.c, as root.h has them. */
bm_must_use enum bm_rc bm_pkcs11_seal(struct bm_root *root, const char *name, struct bm_bytes bytes, struct bm_fail *fail);
bm_must_use enum bm_rc bm_pkcs11_unseal(struct bm_root *root, const char *name, struct bm_buf *bytes, struct bm_fail *fail);
bm_must_use enum bm_rc bm_pkcs11_sealed(struct bm_root *root, struct bm_buf *names, struct bm_fail *fail);
bm_must_use enum bm_rc bm_pkcs11_sealed_remove(struct bm_root *root, const char *name, struct bm_fail *fail);
bm_must_use enum bm_rc bm_pkcs11_reset(struct bm_root *root, struct bm_fail *fail);

#endif
