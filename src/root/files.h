/* files.h - identities in files: one file a service, its key and behind it its certificates, so that one rename is a whole commit. */
#ifndef BM_ROOT_FILES_H
#define BM_ROOT_FILES_H

#include "base/file.h"
#include "base/secret.h"
#include "pki/private.h"
#include "root/root.h"

/* DIR/live/SERVICE.pem, DIR/pending/SERVICE.pem, DIR/sealed/NAME.sealed. How a key stands in its file is the backend's (docs/formats/device-store.md). */
struct bm_files {
    struct bm_root root; /* first, as in every backend's body */
    char dir[BM_PATH];
    /* Appends the key as text; reads the one that stands at the beginning of an identity's text. */
    bm_must_use enum bm_rc (*seal)(const struct bm_files *files, const char *service, const struct bm_private *key, struct bm_buf *text,
                                   struct bm_fail *fail);
    bm_must_use enum bm_rc (*open)(const struct bm_files *files, const char *service, struct bm_bytes text, struct bm_private **ret_key,
                                   struct bm_fail *fail);
    /* The root key; make: there is one from here on. */
    bm_must_use enum bm_rc (*root_key)(const struct bm_files *files, bool make, struct bm_private **ret_key, struct bm_fail *fail);
    /* The key that data are sealed by (box.h), always the same for one root key. */
    bm_must_use enum bm_rc (*box_key)(const struct bm_files *files, struct bm_secret *ret_key, struct bm_fail *fail);
};
#define BM_FILES_TEXT (BM_ROOT_CERTS * BM_MAX_CERT * 2) /* a key and its certificates, in PEM */

/* dir: BASE and ".d"; BM_EINPUT when the paths below it would be too long. */
bm_must_use enum bm_rc bm_files_init(struct bm_files *files, const char *base, struct bm_fail *fail);

/* Certificates of a text in PEM, appended with a u32 length each; none is BM_EINPUT. */
bm_must_use enum bm_rc bm_files_certs_read(struct bm_buf *certs, struct bm_bytes text, struct bm_fail *fail);

/* As root.h has them. */
bm_must_use enum bm_rc bm_files_root_sign(struct bm_root *root, const struct bm_key *public, struct bm_bytes tbs, enum bm_sig_alg *ret_alg,
                                          struct bm_buf *signature, struct bm_fail *fail);
bm_must_use enum bm_rc bm_files_key_new(struct bm_root *root, const char *service, struct bm_key *ret_public, struct bm_fail *fail);
bm_must_use enum bm_rc bm_files_key_public(struct bm_root *root, const char *service, bool pending, struct bm_key *ret_public,
                                           struct bm_fail *fail);
bm_must_use enum bm_rc bm_files_key_sign(struct bm_root *root, const char *service, bool pending, struct bm_bytes tbs,
                                         enum bm_sig_alg *ret_alg, struct bm_buf *signature, struct bm_fail *fail);
bm_must_use enum bm_rc bm_files_commit(struct bm_root *root, const char *service, const struct bm_bytes *certs, size_t ncerts,
                                       struct bm_fail *fail);
bm_must_use enum bm_rc bm_files_certs(struct bm_root *root, const char *service, struct bm_buf *certs, struct bm_fail *fail);
bm_must_use enum bm_rc bm_files_services(struct bm_root *root, struct bm_buf *names, struct bm_fail *fail);
bm_must_use enum bm_rc bm_files_retire(struct bm_root *root, const char *service, struct bm_fail *fail);
bm_must_use enum bm_rc bm_files_reset(struct bm_root *root, struct bm_fail *fail);
bm_must_use enum bm_rc bm_files_seal(struct bm_root *root, const char *name, struct bm_bytes bytes, struct bm_fail *fail);
bm_must_use enum bm_rc bm_files_unseal(struct bm_root *root, const char *name, struct bm_buf *bytes, struct bm_fail *fail);
bm_must_use enum bm_rc bm_files_sealed(struct bm_root *root, struct bm_buf *names, struct bm_fail *fail);
bm_must_use enum bm_rc bm_files_sealed_remove(struct bm_root *root, const char *name, struct bm_fail *fail);

#endif
