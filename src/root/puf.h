/* puf.h - inside the PUF's backend: what one power-up gives, and what is made of it. */
#ifndef BM_ROOT_PUF_H
#define BM_ROOT_PUF_H

#include "pki/private.h"
#include "root/extractor.h"
#include "root/files.h"

struct bm_puf {
    struct bm_files files;
    char seed[BM_MAX_NAME + 1]; /* the simulated chip */
    char helper[BM_PATH];
};

static inline const struct bm_puf *
bm_puf_of(const struct bm_root *root)
{
    return (const struct bm_puf *)root;
}

/* Powers the array up and reconstructs; with make, enrols it where there is no helper data yet. */
bm_must_use enum bm_rc bm_puf_secret(struct bm_secret *ret_secret, const struct bm_puf *puf, bool make, struct bm_fail *fail);
/* A key of the secret, always the same for one label. */
bm_must_use enum bm_rc bm_puf_key(struct bm_private **ret_key, const struct bm_secret *secret, const char *label, struct bm_fail *fail);
#define BM_PUF_ROOT_KEY "birthmark/puf/v1 root key"

/* How an operational key stands in its file: AES-256-GCM under a key of the secret, the service's name authenticated with it (bm_files.seal and open). */
bm_must_use enum bm_rc bm_puf_seal(const struct bm_files *files, const char *service, const struct bm_private *key, struct bm_buf *text,
                                   struct bm_fail *fail);
bm_must_use enum bm_rc bm_puf_unseal(const struct bm_files *files, const char *service, struct bm_bytes text, struct bm_private **ret_key,
                                     struct bm_fail *fail);

/* root.h: dice. */
bm_must_use enum bm_rc bm_puf_dice(struct bm_root *root, struct bm_bytes tbs, struct bm_buf *certs, enum bm_sig_alg *ret_alg,
                                   struct bm_buf *signature, struct bm_fail *fail);

#endif
