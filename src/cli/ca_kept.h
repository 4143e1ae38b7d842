/* ca_kept.h - a site's CAs as its signer has them: asked for, and kept as files for people and for other programs. */
#ifndef BM_CLI_CA_KEPT_H
#define BM_CLI_CA_KEPT_H

#include "cli/ask.h"
#include "proc/signer_messages.h"
#include "record/site.h"

/* The CA, or root, of this number; der.n = 0: there is none. Views into end. */
bm_must_use enum bm_rc bm_ca_ask(struct bm_ask *ask, unsigned number, struct bm_buf *end, struct bm_s_ca *ret_ca, struct bm_fail *fail);
bm_must_use enum bm_rc bm_root_ask(struct bm_ask *ask, unsigned number, struct bm_buf *end, struct bm_s_root *ret_root,
                                   struct bm_fail *fail);
/* The one of this name; BM_EPOLICY: there is none. */
bm_must_use enum bm_rc bm_ca_ask_name(struct bm_ask *ask, const char *name, struct bm_buf *end, struct bm_s_ca *ret_ca,
                                      struct bm_fail *fail);
/* HOME/ca/NAME.pem, root.pem, ca/cross.pem, trust.txt: what the signer has and the files lack. */
bm_must_use enum bm_rc bm_ca_files(struct bm_ask *ask, struct bm_fail *fail);

/* A key for a CA of this name, in a file or in the token (uri; NULL: a file), its request in HOME/ca/NAME.csr, its line in site.conf. Nothing, when they are there
 * already; *ret_made. */
bm_must_use enum bm_rc bm_ca_key_make(bool *ret_made, struct bm_call *call, const char *name, enum bm_ca kind, const char *token,
                                      struct bm_fail *fail);

#endif
