/* operator_cert.h - an operator's certificate from the site's operator CA, for TLS to the site's doors: its key is the one that signs. */
#ifndef BM_CLI_OPERATOR_CERT_H
#define BM_CLI_OPERATOR_CERT_H

#include "base/env.h"
#include "cli/cli.h"
#include "merkle/note.h"

/* Writes HOME/operators/NAME.pem, leaf and CA. Whoever takes such a certificate takes it only while its key is on the list of operators: leaving it revokes
 * both at once. BM_EINPUT: the operator CA's key is offline. */
bm_must_use enum bm_rc bm_operator_cert_make(const char *home, const struct bm_note_key *key, bm_time now, struct bm_fail *fail);
/* Until when the certificate there is good, when it is for this key; false: there is none. */
bool bm_operator_cert_until(bm_time *ret_until, const char *home, const struct bm_note_key *key);
void bm_operator_cert_drop(const char *home, const char *name);

#endif
