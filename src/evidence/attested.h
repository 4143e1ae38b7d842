/* attested.h - the attestation attribute of a PKCS#10 request: what a TPM says of the key that the request asks for. draft-ietf-lamps-csr-attestation; docs/formats/evidence.md. */
#ifndef BM_ATTESTED_H
#define BM_ATTESTED_H

#include "evidence/tpm.h"
#include "pki/csr.h"

#define BM_MAX_STATEMENTS 8    /* real requests have one or two */
#define BM_MAX_ATTESTED_KEYS 8 /* BM_MAX_CHAIN: the attestation key's certificate and those above it */

/*
 * Attribute { id-aa-attestation, SET { one AttestationBundle } }
 * AttestationBundle ::= SEQUENCE { SEQUENCE (1..8) OF AttestationStatement, SEQUENCE (1..8) OF LimitedCertChoices OPTIONAL }
 * AttestationStatement ::= SEQUENCE { type OID, stmt ANY }; of other types whatever follows the type is passed over
 * tcg-attest-tpm-certify: stmt ::= SEQUENCE { TPMS_ATTEST, TPMT_SIGNATURE, TPMT_PUBLIC: OCTET STRING each }, then a hint (a string), or none
 * LimitedCertChoices: a Certificate, or [3] { OID, ANY }, of which we read one of our own: SubjectPublicKeyInfo
 * Views into the request.
 */
struct bm_attested {
    bool present;                                /* the request has the attribute */
    struct bm_bytes attest;                      /* of the one statement that we read; n = 0: there is none */
    struct bm_bytes signature;                   /* TPMT_SIGNATURE */
    struct bm_bytes area;                        /* TPMT_PUBLIC of the key that is asked for */
    uint8_t keys[BM_MAX_ATTESTED_KEYS][BM_HASH]; /* SHA-256 of each SubjectPublicKeyInfo in certs: labels, to find the attestation key by */
    size_t nkeys;
    bool test; /* one of the certificates bears the test mark */
};
/* BM_EINPUT: malformed, twice there, with too much in it, or two statements that we read. */
bm_must_use enum bm_rc bm_attested_parse(struct bm_attested *ret_attested, const struct bm_csr *csr, struct bm_fail *fail);
/* The same, and something in it that speaks by itself. */
bm_must_use enum bm_rc bm_attested_take(struct bm_attested *ret_attested, const struct bm_csr *csr, struct bm_fail *fail);

/* Appends the Attribute, with the attestation key as our label. */
void bm_attested_build(struct bm_buf *buf, struct bm_bytes attest, struct bm_bytes signature, struct bm_bytes area, struct bm_bytes spki);

#endif
