/* envelope.h - a confidential manifest: CMS to the one who may open it. */
#ifndef BM_CLI_ENVELOPE_H
#define BM_CLI_ENVELOPE_H

#include "base/bytes.h"

/* Is this a CMS EnvelopedData or AuthEnvelopedData? Looks at the first bytes only. */
bool bm_is_envelope(struct bm_bytes file);

/* Appends AuthEnvelopedData (RFC 5083) with AES-256-GCM, DER, that only the private key of this certificate opens: RSA by OAEP with SHA-256, EC by ECDH. */
bm_must_use enum bm_rc bm_envelope_build(struct bm_buf *buf, struct bm_bytes content, struct bm_bytes cert_der, struct bm_fail *fail);
/* Appends what is inside. key_pem: an unencrypted private key. BM_EPOLICY: not for this key, or changed on the way. */
bm_must_use enum bm_rc bm_envelope_open(struct bm_buf *content, struct bm_bytes envelope, struct bm_bytes key_pem, struct bm_fail *fail);

#endif
