/* token.h - where a CA's private key is: a file or a PKCS#11 token, behind one table. */
#ifndef BM_TOKEN_H
#define BM_TOKEN_H

#include "base/file.h"
#include "pki/key.h"

struct bm_token; /* each backend defines its own body; begins with a pointer to its ops */
struct bm_token_ops {
    const char *scheme; /* "file", "pkcs11": what stands before the colon */
    /* rest: what stands behind it. key: the public half, from the CA's certificate. */
    bm_must_use enum bm_rc (*open)(struct bm_token **ret_token, const char *rest, const char *home, const struct bm_key *key,
                                   struct bm_fail *fail);
    void (*close)(struct bm_token *token);
    /* Appends the signature over tbs, in the shape that certificates carry. */
    bm_must_use enum bm_rc (*sign)(struct bm_token *token, struct bm_bytes tbs, struct bm_buf *signature, struct bm_fail *fail);
};
struct bm_token {
    const struct bm_token_ops *ops;
    const struct bm_key *key; /* borrowed */
    enum bm_sig_alg alg;      /* that it signs with */
    char dir[BM_PATH];        /* the directory whose files its library uses while it signs; "" = none */
};
extern const struct bm_token_ops bm_token_file, bm_token_pkcs11;

/* uri: file:PATH (beneath home) or pkcs11:... (RFC 7512). Signs once to see that the key is the certificate's. */
bm_must_use enum bm_rc bm_token_open(struct bm_token **ret_token, const char *uri, const char *home, const struct bm_key *key,
                                     struct bm_crypto *crypto, struct bm_fail *fail);
void bm_token_close(struct bm_token *token); /* accepts NULL */

/* Signs and verifies: a signature that the CA's key does not verify never leaves (a broken token, or one that gives its key away by a fault). */
bm_must_use enum bm_rc bm_token_sign(struct bm_token *token, struct bm_bytes tbs, struct bm_buf *signature, struct bm_crypto *crypto,
                                     struct bm_fail *fail);

#endif
