/* jws.h - one JSON Web Signature in the flattened JSON form (RFC 7515 7.2.2), as Microchip signs a chip: ES256 and nothing else. */
#ifndef BM_JWS_H
#define BM_JWS_H

#include "base/limits.h"
#include "pki/cert.h"

#define BM_JWS_SIGNATURE 64 /* r || s, RFC 7518 3.4 */

/* Zeroed is empty; used again for the next one; ends with bm_jws_done(). */
struct bm_jws {
    struct bm_buf text;                    /* protected "." payload "." signature, all three as they stood in the file */
    size_t nsigned;                        /* bytes of text that the signature covers: protected "." payload */
    struct bm_buf protected_json, payload; /* decoded */
    struct bm_buf protected_text;          /* of the last one that was read and understood: the same again is not read again */
    uint8_t signature[BM_JWS_SIGNATURE];
    char unique_id[BM_MAX_ID + 1]; /* header.uniqueId: not signed, for searching; never trusted */
    uint8_t signer[BM_HASH];       /* protected: x5t#S256, SHA-256 of the signer's certificate */
    char kid[64];                  /* protected: base64url of the signer's subjectKeyIdentifier */
};

/* Members payload, protected, header {uniqueId}, signature; the protected header alg ES256, typ JWT, kid, x5t#S256: each once and no others. */
bm_must_use enum bm_rc bm_jws_parse(struct bm_jws *jws, struct bm_bytes object, struct bm_fail *fail);
/* Signed by this certificate, which kid and x5t#S256 must name. */
bm_must_use enum bm_rc bm_jws_check(struct bm_crypto *crypto, const struct bm_jws *jws, const struct bm_cert *signer, struct bm_fail *fail);
void bm_jws_done(struct bm_jws *jws);

#endif
