/* ocsp.h - OCSP (RFC 6960): questions read strictly, answers put together; what became of a certificate is for the caller to know. */
#ifndef BM_OCSP_H
#define BM_OCSP_H

#include "pki/cert.h"

#define BM_OCSP_MOST 16       /* certificates that one question names: RFC 5019 clients ask for one */
#define BM_OCSP_QUESTION 4096 /* bytes: 16 certificates with SHA-512 are 2.8 KB */
#define BM_OCSP_NONCE_LEAST 16
#define BM_OCSP_NONCE 32 /* RFC 9654 2.1: what a responder must answer with; others are passed over */
/* An answer to the most of them: each as long as its CertID and 60 octets, one responder certificate, a signature. */
#define BM_OCSP_ANSWER (2 * BM_OCSP_QUESTION + BM_MAX_CERT + 1024)

/* Views into the bytes that were parsed. */
struct bm_ocsp_id {
    struct bm_bytes der; /* CertID, whole element: an answer repeats it */
    unsigned hash;       /* octets of the hash that names the issuer, when it is SHA-1 or SHA-256; 0: another */
    struct bm_bytes name_hash, key_hash;
    struct bm_bytes serial; /* magnitude */
};
struct bm_ocsp_question {
    struct bm_ocsp_id id[BM_OCSP_MOST];
    size_t n;
    struct bm_bytes nonce; /* 16 to 32 octets; n = 0: none, or none that has to be answered */
};
/* OCSPRequest in DER, v1. Signature, requestor and extensions that are not critical are passed over. BM_EINPUT: malformedRequest. */
bm_must_use enum bm_rc bm_ocsp_parse(struct bm_ocsp_question *ret_question, struct bm_bytes der, struct bm_fail *fail);

/* By what an issuer is named in questions: SHA-1 and SHA-256 of its Name and of its key's bits. */
struct bm_ocsp_issuer {
    uint8_t sha1[2][BM_SHA1], sha256[2][BM_HASH];
};
void bm_ocsp_issuer_init(struct bm_ocsp_issuer *ret_issuer, const struct bm_cert *ca);
bool bm_ocsp_issuer_is(const struct bm_ocsp_issuer *issuer, const struct bm_ocsp_id *id);

enum bm_ocsp_status {
    BM_OCSP_GOOD,
    BM_OCSP_REVOKED,
    BM_OCSP_UNKNOWN /* this CA never issued it, or it ended so long ago that nothing is known of it any more */
};
struct bm_ocsp_answer {
    struct bm_bytes id; /* CertID */
    enum bm_ocsp_status status;
    uint8_t reason; /* CRLReason; 0: not said */
    bm_time revoked;
    bm_time this_update, next_update;
};
/* Appends the ResponseData that is to be signed. responder: the key that signs. */
bm_must_use enum bm_rc bm_ocsp_tbs_build(struct bm_buf *buf, const struct bm_key *responder, bm_time produced,
                                         const struct bm_ocsp_answer *answers, size_t n, struct bm_bytes nonce, struct bm_fail *fail);
/* Appends the OCSPResponse: successful, id-pkix-ocsp-basic, with the responder's certificate. */
void bm_ocsp_build(struct bm_buf *buf, struct bm_bytes tbs, enum bm_sig_alg alg, struct bm_bytes signature, struct bm_bytes certificate);

/* OCSPResponseStatus of answers that nobody signs. */
enum bm_ocsp_error {
    BM_OCSP_MALFORMED = 1,
    BM_OCSP_INTERNAL = 2,
    BM_OCSP_LATER = 3,
    BM_OCSP_UNAUTHORIZED = 6 /* RFC 6960 2.3: of another issuer, for whom nobody here may speak */
};
void bm_ocsp_error_build(struct bm_buf *buf, enum bm_ocsp_error error);

#endif
