/* tbs.h - certificates built from templates: a profile, an issuer, the device's records, a key; nothing of the request but the key. */
#ifndef BM_TBS_H
#define BM_TBS_H

#include "base/env.h"
#include "pki/key.h"
#include "pki/profile.h"
#include "pki/proven.h"

/* What all certificates of one issuing CA share; made once from the CA's certificate. Views into memory that outlives it. */
struct bm_issuer {
    struct bm_bytes subject; /* Name, whole element: the issuer field of what it signs */
    uint8_t key_id[20];      /* its subjectKeyIdentifier */
    enum bm_sig_alg alg;
    char crl_url[256];  /* cRLDistributionPoints, and the issuingDistributionPoint of CRLs; "" = none */
    char ocsp_url[256]; /* authorityInfoAccess; "" = none */
    bm_time not_after;  /* nothing that it signs outlives it */
    bool test;          /* it is of a test hierarchy: all that it signs bears the mark (bm_cert_test_mark()) */
};

/* The records that a device's certificate is made of. */
struct bm_subject {
    const char *device;       /* serialNumber and, in operational certificates, CN: our id of the unit */
    const char *organization; /* O: the site's name (operational), the vendor's (idevid); NULL = none */
    const char *chip; /* the serial number by which its lot knows it; NULL = none. It and the lot only where a profile's name has them */
    const char *lot;  /* NULL = none */
    struct bm_bytes hw_type;   /* OID content octets */
    struct bm_bytes hw_serial; /* hwSerialNum */
    unsigned proven;           /* set of enum bm_proven: certificatePolicies; 0 = none */
};

/* Appends the TBSCertificate (RFC 5280 4.1); docs/formats/certificates.md. serial: 16 to 20 octets, top bit clear, not zero first.
 * not_before <= not_after, both inclusive. BM_EPOLICY: it would outlive the issuer. BM_EINPUT: the records make no certificate (a name
 * that is empty, longer than 64 characters or no clean UTF-8; a hardware serial number that is missing); BM_EPOLICY: they make none of the profile's
 * names. BM_EBUG: what the caller makes
 * itself (serial, dates, a profile that never expires with a not_after that does). On failure buf holds half a certificate: reset it. */
bm_must_use enum bm_rc bm_tbs_build(struct bm_buf *buf, const struct bm_profile *profile, const struct bm_issuer *issuer,
                                    const struct bm_subject *subject, struct bm_bytes spki, struct bm_bytes serial, bm_time not_before,
                                    bm_time not_after, struct bm_fail *fail);

/* The most bytes that a certificate or list has which this issuer's key signs: ECDSA's signatures vary by a few. */
size_t bm_signed_most(struct bm_bytes tbs, enum bm_sig_alg alg, const struct bm_key *issuer);

/* Appends Certificate or CertificateList: SEQUENCE { tbs, alg, signature }. */
void bm_signed_build(struct bm_buf *buf, struct bm_bytes tbs, enum bm_sig_alg alg, struct bm_bytes signature);

/* CA certificates (root, intermediates) and the gate's server certificate, at init. path_len < 0: no pathLenConstraint. hosts: 1 or more names or IP
 * addresses, the first of them the subject's CN. */
struct bm_ca_subject {
    const char *common_name;
    const char *organization;
    int path_len;
};
bm_must_use enum bm_rc bm_tbs_ca_build(struct bm_buf *buf, const struct bm_issuer *issuer, const struct bm_ca_subject *subject,
                                       struct bm_bytes spki, struct bm_bytes serial, bm_time not_before, bm_time not_after,
                                       struct bm_fail *fail);
bm_must_use enum bm_rc bm_tbs_server_build(struct bm_buf *buf, const struct bm_issuer *issuer, const char *const *hosts, size_t nhosts,
                                           struct bm_bytes spki, struct bm_bytes serial, bm_time not_before, bm_time not_after,
                                           struct bm_fail *fail);
/* A person: client of TLS, CN the operator's name. */
bm_must_use enum bm_rc bm_tbs_operator_build(struct bm_buf *buf, const struct bm_issuer *issuer, const char *name, struct bm_bytes spki,
                                             struct bm_bytes serial, bm_time not_before, bm_time not_after, struct bm_fail *fail);
/* A factory's station: client and server of TLS, CN its name, the one host name that all stations have. */
bm_must_use enum bm_rc bm_tbs_station_build(struct bm_buf *buf, const struct bm_issuer *issuer, const char *name, const char *host,
                                            struct bm_bytes spki, struct bm_bytes serial, bm_time not_before, bm_time not_after,
                                            struct bm_fail *fail);
/* A Name of O and CN, whole element (for the root's own issuer field). */
void bm_name_build(struct bm_buf *buf, const char *organization, const char *common_name);

/* Who answers OCSP questions for this issuer (RFC 6960 4.2.2.2): id-kp-OCSPSigning, id-pkix-ocsp-nocheck, CN as given. */
bm_must_use enum bm_rc bm_tbs_responder_build(struct bm_buf *buf, const struct bm_issuer *issuer, const char *common_name,
                                              struct bm_bytes spki, struct bm_bytes serial, bm_time not_before, bm_time not_after,
                                              struct bm_fail *fail);

/* CRL (RFC 5280 5): appends the TBSCertList v2 with cRLNumber and AKI; where the issuer has a crl_url, it is the list of the certificates
 * that point there, and of no others. */
struct bm_revoked {
    uint8_t serial[BM_MAX_SERIAL];
    uint8_t nserial;
    uint8_t reason; /* CRLReason, RFC 5280 5.3.1; 0 = none given */
    bm_time time;
};
bm_must_use enum bm_rc bm_crl_build(struct bm_buf *buf, const struct bm_issuer *issuer, const struct bm_revoked *revoked, size_t nrevoked,
                                    uint64_t number, bm_time this_update, bm_time next_update, struct bm_fail *fail);

#endif
