/* ceremony_verify.h - a root's directory, or a copy of it, checked without any private key. */
#ifndef BM_CLI_CEREMONY_VERIFY_H
#define BM_CLI_CEREMONY_VERIFY_H

#include "cli/cli.h"

/* --verify with --trust, --head, --certificate and --roll. */
bm_must_use enum bm_rc bm_ceremony_verify(struct bm_call *call, const char *dir, struct bm_fail *fail);

#endif
