/* ceremony_key.h - a root CA's private key: a file in its ceremony's directory, or a token of its own. */
#ifndef BM_CLI_CEREMONY_KEY_H
#define BM_CLI_CEREMONY_KEY_H

#include "cli/cli.h"
#include "pki/private.h"
#include "record/transcript.h"

/* DIR/root.key: PKCS#8 PEM. DIR/root.uri: one line, pkcs11:...;object=...?pin-source=/FILE&module-path=/FILE; no PIN. P-256 in both. */
struct bm_ceremony_key {
    struct bm_key public;
    struct bm_private *file;                                  /* where it is one */
    char uri[1024];                                           /* "" = it is */
    char place[BM_MAX_STEP + 1], attributes[BM_MAX_STEP + 1]; /* as the transcript has them */
};
void bm_ceremony_key_done(struct bm_ceremony_key *key);
/* token: NULL for a file. In a token under a label of its own. */
bm_must_use enum bm_rc bm_ceremony_key_make(struct bm_ceremony_key *ret_key, struct bm_call *call, const char *dir, const char *token,
                                            struct bm_fail *fail);
/* BM_EINPUT: there is none; this copy of the directory is for reading. */
bm_must_use enum bm_rc bm_ceremony_key_open(struct bm_ceremony_key *ret_key, const char *dir, struct bm_fail *fail);
/* Takes a key that no root came of away again, out of its token too. */
void bm_ceremony_key_undo(const char *dir);
/* Appends the signature; what the public half does not verify never leaves. */
bm_must_use enum bm_rc bm_ceremony_key_sign(const struct bm_ceremony_key *key, struct bm_bytes tbs, struct bm_buf *signature,
                                            struct bm_fail *fail);

#endif
