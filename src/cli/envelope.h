/* envelope.h - a confidential manifest: CMS to the one who may open it. */
#ifndef BM_CLI_ENVELOPE_H
#define BM_CLI_ENVELOPE_H

#include "cli/print.h"
#include "p11/p11.h"

/* Is this a CMS EnvelopedData or AuthEnvelopedData? Looks at the first bytes only. */
bool bm_is_envelope(struct bm_bytes file);

/* Appends AuthEnvelopedData (RFC 5083) with AES-256-GCM, DER, that only the private key of this certificate opens: RSA by OAEP with SHA-256, EC by ECDH. */
bm_must_use enum bm_rc bm_envelope_build(struct bm_buf *buf, struct bm_bytes content, struct bm_bytes cert_der, struct bm_fail *fail);

/* What opens one: a private key in an unencrypted PEM file, or in a PKCS#11 token. Zeroed is empty. */
struct bm_envelope_key {
    struct evp_pkey_st *file;
    bool in_token, is_rsa; /* and then: */
    struct bm_p11 token;
    CK_OBJECT_HANDLE private;
};
void bm_envelope_key_done(struct bm_envelope_key *key); /* for bm_cleanup(), after a failure too */
/* A path, or "pkcs11:" and so on. */
bm_must_use enum bm_rc bm_envelope_key_open(struct bm_envelope_key *ret_key, const char *word, struct bm_fail *fail);
bm_must_use enum bm_rc bm_envelope_key_parse(struct bm_envelope_key *ret_key, struct bm_bytes pem, struct bm_fail *fail);

/* Appends what is inside. BM_EPOLICY: not for this key, or changed on the way. A key in a file opens what others' tools make too, one in a token only what
 * bm_envelope_build() does. */
bm_must_use enum bm_rc bm_envelope_open(struct bm_buf *content, struct bm_bytes envelope, struct bm_envelope_key *key,
                                        struct bm_progress *progress, struct bm_fail *fail);
bm_must_use enum bm_rc bm_envelope_open_cms(struct bm_buf *content, struct bm_bytes envelope, struct evp_pkey_st *key,
                                            struct bm_progress *progress, struct bm_fail *fail);

#endif
