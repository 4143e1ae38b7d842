/* token.h - a CA's key made in a PKCS#11 token at init. */
#ifndef BM_CLI_TOKEN_H
#define BM_CLI_TOKEN_H

#include "cli/cli.h"
#include "pki/key.h"

/* What goes into site.conf for a key of this label in the token that `uri` names: object and, when it has none, module-path are added. */
bm_must_use enum bm_rc bm_token_uri(struct bm_call *call, char *ret, size_t n, const char *uri, const char *label, struct bm_fail *fail);

/* Makes a P-256 key pair there that cannot leave it. BM_EPOLICY when the label is taken. */
bm_must_use enum bm_rc bm_token_key_make(const char *uri, const char *label, struct bm_key *ret_key, struct bm_fail *fail);
/* Takes it away again: what did not become a site leaves nothing behind. */
void bm_token_key_destroy(const char *uri, const char *label);

#endif
