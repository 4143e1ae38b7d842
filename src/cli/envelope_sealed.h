/* envelope_sealed.h - an envelope of ours taken apart and opened by a key that others hold: a token's. */
#ifndef BM_CLI_ENVELOPE_SEALED_H
#define BM_CLI_ENVELOPE_SEALED_H

#include "cli/print.h"

/* What the key's holder does. BM_EPOLICY: this is not for it; anything else ends the opening. NULL: the key is of the other kind. */
struct bm_unseal {
    bm_must_use enum bm_rc (*rsa)(void *ctx, struct bm_bytes sealed, struct bm_buf *key, struct bm_fail *fail);    /* RSAES-OAEP, SHA-256 */
    bm_must_use enum bm_rc (*ecdh)(void *ctx, struct bm_bytes point, struct bm_buf *secret, struct bm_fail *fail); /* uncompressed point */
    void *ctx;
};
/* Appends what is inside; bm_envelope_build() says what kind it must be. */
bm_must_use enum bm_rc bm_sealed_open(struct bm_buf *content, struct bm_bytes envelope, const struct bm_unseal *unseal,
                                      struct bm_progress *progress, struct bm_fail *fail);

/* What either way of opening fails with, libcrypto's own errors put away: BM_ENOMEM; BM_EPOLICY. */
enum bm_rc bm_envelope_no_memory(struct bm_fail *fail);
enum bm_rc bm_envelope_not_for_us(struct bm_fail *fail);

#endif
