/* asks.h - what a device with a root key in software asks of the server, as HTTP requests: a nonce, a certificate on it, its renewal. */
#ifndef BENCH_ASKS_H
#define BENCH_ASKS_H

#include "base/limits.h"
#include "pki/private.h"

void asks_nonce(struct bm_buf *request, const struct bm_private *root);
/* From the reply's body. */
void asks_nonce_take(uint8_t ret_nonce[static BM_NONCE], struct bm_bytes body);
/* With a new key, which ret_key gets where it is not NULL. */
void asks_enrol(struct bm_buf *request, struct bm_private *root, const uint8_t *nonce, struct bm_private **ret_key);
/* With a new key; `current` is that of the identity. */
void asks_renew(struct bm_buf *request, struct bm_private *root, const uint8_t *nonce, struct bm_private *current);
void asks_confirm(struct bm_buf *request); /* over a connection with the identity's key */

#endif
