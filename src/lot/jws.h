/* jws.h - one JSON Web Signature in the flattened JSON form (RFC 7515 7.2.2), as Microchip signs a chip: ES256 and nothing else. */
#ifndef BM_JWS_H
#define BM_JWS_H

#include "base/limits.h"
#include "pki/cert.h"

#define BM_JWS_SIGNATURE 64 /* r || s, RFC 7518 3.4 */

/* Zeroed is empty; used again for the next one; ends with bm_jws_done(). */
struct bm_jws {
    struct bm_buf text;                          /* protected "." payload "." signature, all three as they stood in the file */
    size_t nsigned;                              /* bytes of text that the signature covers: protected "." payload */
    uint8_t hash_signed[BM_HASH], hash[BM_HASH]; /* SHA-256 of those, and of all of text */
    struct bm_buf protected_json, payload;       /* decoded */
    struct bm_buf protected_text;                /* of the last one that was read and understood: the same again is not read again */
    uint8_t signature[BM_JWS_SIGNATURE];
    char unique_id[BM_MAX_ID + 1]; /* header.uniqueId: not signed, for searching; never trusted */
    uint8_t signer[BM_HASH];       /* protected: x5t#S256, SHA-256 of the signer's certificate */
    char kid[64];                  /* protected: base64url of the signer's subjectKeyIdentifier */
};

/* A certificate that signs entries, and how an entry names it. Views into its DER. */
struct bm_jws_signer {
    struct bm_cert cert;
    uint8_t hash[BM_HASH]; /* SHA-256 of its DER: x5t#S256 */
    char kid[64];          /* base64url of its subjectKeyIdentifier */
};
/* BM_EINPUT where it is no certificate, or one that cannot sign ES256. */
bm_must_use enum bm_rc bm_jws_signer_init(struct bm_jws_signer *ret_signer, struct bm_bytes der, struct bm_fail *fail);

/* Members payload, protected, header {uniqueId}, signature; the protected header alg ES256, typ JWT, kid, x5t#S256: each once and no others. */
bm_must_use enum bm_rc bm_jws_parse(struct bm_jws *jws, struct bm_bytes object, struct bm_fail *fail);
/* Signed by this certificate, which kid and x5t#S256 must name. */
bm_must_use enum bm_rc bm_jws_check(struct bm_crypto *crypto, const struct bm_jws *jws, const struct bm_jws_signer *signer,
                                    struct bm_fail *fail);
/* ES256 by itself: r || s of 64 octets over what has this SHA-256, by this P-256 key. BM_EPOLICY where it does not verify. */
bm_must_use enum bm_rc bm_jws_verify(struct bm_crypto *crypto, const struct bm_key *key, const uint8_t hash[static BM_HASH],
                                     struct bm_bytes signature, struct bm_fail *fail);
void bm_jws_done(struct bm_jws *jws);

#endif
