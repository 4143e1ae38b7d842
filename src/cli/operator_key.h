/* operator_key.h - an operator's private key, wherever it is: a file in HOME/operators, a PKCS#11 token or smart card, a TPM. */
#ifndef BM_CLI_OPERATOR_KEY_H
#define BM_CLI_OPERATOR_KEY_H

#include "cli/cli.h"
#include "merkle/note.h"
#include "pki/key.h"

/*
 * HOME/operators/NAME.key: an Ed25519 key in PEM. HOME/operators/NAME.uri: one line, where a P-256 key is that never leaves its place:
 *   pkcs11:token=...;object=...?pin-source=/FILE     RFC 7512; object or id name the key
 *   tpm2: ...                                        as a root's URI; the key is that of the service operator-NAME
 */
struct bm_operator_key {
    struct bm_note_key key;
    struct bm_note_signer file; /* where it is a file */
    char uri[1024];             /* "" = it is */
};
void bm_operator_key_done(struct bm_operator_key *key);
/* Is the key here, in either form? */
bool bm_operator_key_here(const char *home, const char *name);
bm_must_use enum bm_rc bm_operator_key_open(struct bm_operator_key *ret_key, const char *home, const char *name, struct bm_fail *fail);
/* A person's key that belongs to no site's directory: a file of an Ed25519 key in PEM, or a URI as above. make: where it is not there yet, it is made. */
bm_must_use enum bm_rc bm_operator_key_at(struct bm_operator_key *ret_key, const char *name, const char *where, bool make, bool *ret_made,
                                          struct bm_fail *fail);
/* Appends a note with its signature; what the public half does not verify never leaves. BM_EBUSY: the token is away, locked or broken. */
bm_must_use enum bm_rc bm_operator_key_sign(const struct bm_operator_key *key, struct bm_bytes text, struct bm_buf *note,
                                            struct bm_fail *fail);

/* Is this word where a key is, and not a key? */
bool bm_operator_uri(const char *word);
/* Finds the key there, or makes it (P-256), and writes NAME.uri. *ret_made: it was made now. No PIN stands in a URI: a file or the token's own pad has it. */
bm_must_use enum bm_rc bm_operator_key_make(struct bm_note_key *ret_key, struct bm_call *call, const char *home, const char *name,
                                            const char *uri, struct bm_fail *fail);
/* Takes NAME.uri away again. The key itself stays in its token: another site may know it. */
void bm_operator_key_forget(const char *home, const char *name);

#endif
