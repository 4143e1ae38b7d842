/* oid.h - the object identifiers that we write and read, as content octets. */
#ifndef BM_OID_H
#define BM_OID_H

#include "base/bytes.h"

/* struct bm_bytes of one of these: BM_OID(bm_oid_cn). */
#define BM_OID(name) bm_bytes((name), sizeof(name))

/* public keys */
static const uint8_t bm_oid_ec_public_key[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 }; /* 1.2.840.10045.2.1 id-ecPublicKey, RFC 5480 */
static const uint8_t bm_oid_p256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };    /* 1.2.840.10045.3.1.7 secp256r1 */
static const uint8_t bm_oid_p384[] = { 0x2b, 0x81, 0x04, 0x00, 0x22 };                      /* 1.3.132.0.34 secp384r1 */
static const uint8_t bm_oid_rsa[] = {
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01
};                                                            /* 1.2.840.113549.1.1.1 rsaEncryption, RFC 8017 */
static const uint8_t bm_oid_ed25519[] = { 0x2b, 0x65, 0x70 }; /* 1.3.101.112 id-Ed25519, RFC 8410 */

/* signatures */
static const uint8_t bm_oid_ecdsa_sha256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };     /* 1.2.840.10045.4.3.2 RFC 5758 */
static const uint8_t bm_oid_ecdsa_sha384[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03 };     /* 1.2.840.10045.4.3.3 */
static const uint8_t bm_oid_rsa_sha256[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b }; /* 1.2.840.113549.1.1.11 RFC 4055 */
static const uint8_t bm_oid_rsa_sha384[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c }; /* 1.2.840.113549.1.1.12 */
static const uint8_t bm_oid_rsa_pss[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a };    /* 1.2.840.113549.1.1.10 */
static const uint8_t bm_oid_mgf1[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08 };       /* 1.2.840.113549.1.1.8 */
static const uint8_t bm_oid_sha256[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 };     /* 2.16.840.1.101.3.4.2.1 */

/* attributes of names (X.520) */
static const uint8_t bm_oid_cn[] = { 0x55, 0x04, 0x03 };                                        /* 2.5.4.3 commonName */
static const uint8_t bm_oid_serial_number[] = { 0x55, 0x04, 0x05 };                             /* 2.5.4.5 serialNumber */
static const uint8_t bm_oid_c[] = { 0x55, 0x04, 0x06 };                                         /* 2.5.4.6 countryName */
static const uint8_t bm_oid_l[] = { 0x55, 0x04, 0x07 };                                         /* 2.5.4.7 localityName */
static const uint8_t bm_oid_st[] = { 0x55, 0x04, 0x08 };                                        /* 2.5.4.8 stateOrProvinceName */
static const uint8_t bm_oid_o[] = { 0x55, 0x04, 0x0a };                                         /* 2.5.4.10 organizationName */
static const uint8_t bm_oid_ou[] = { 0x55, 0x04, 0x0b };                                        /* 2.5.4.11 organizationalUnitName */
static const uint8_t bm_oid_title[] = { 0x55, 0x04, 0x0c };                                     /* 2.5.4.12 title */
static const uint8_t bm_oid_email[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01 }; /* 1.2.840.113549.1.9.1 emailAddress */
static const uint8_t bm_oid_dc[] = {
    0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19
};                                                                                 /* 0.9.2342.19200300.100.1.25 domainComponent */
static const uint8_t bm_oid_tpm_manufacturer[] = { 0x67, 0x81, 0x05, 0x02, 0x01 }; /* 2.23.133.2.1 tcg-at-tpmManufacturer */
static const uint8_t bm_oid_tpm_model[] = { 0x67, 0x81, 0x05, 0x02, 0x02 };        /* 2.23.133.2.2 tcg-at-tpmModel */
static const uint8_t bm_oid_tpm_version[] = { 0x67, 0x81, 0x05, 0x02, 0x03 };      /* 2.23.133.2.3 tcg-at-tpmVersion */

/* extensions (RFC 5280 4.2, 5.2, 5.3) */
static const uint8_t bm_oid_ski[] = { 0x55, 0x1d, 0x0e };                                        /* 2.5.29.14 subjectKeyIdentifier */
static const uint8_t bm_oid_key_usage[] = { 0x55, 0x1d, 0x0f };                                  /* 2.5.29.15 keyUsage */
static const uint8_t bm_oid_san[] = { 0x55, 0x1d, 0x11 };                                        /* 2.5.29.17 subjectAltName */
static const uint8_t bm_oid_basic_constraints[] = { 0x55, 0x1d, 0x13 };                          /* 2.5.29.19 basicConstraints */
static const uint8_t bm_oid_crl_number[] = { 0x55, 0x1d, 0x14 };                                 /* 2.5.29.20 cRLNumber */
static const uint8_t bm_oid_crl_reason[] = { 0x55, 0x1d, 0x15 };                                 /* 2.5.29.21 cRLReason */
static const uint8_t bm_oid_crl_points[] = { 0x55, 0x1d, 0x1f };                                 /* 2.5.29.31 cRLDistributionPoints */
static const uint8_t bm_oid_crl_scope[] = { 0x55, 0x1d, 0x1c };                                  /* 2.5.29.28 issuingDistributionPoint */
static const uint8_t bm_oid_aki[] = { 0x55, 0x1d, 0x23 };                                        /* 2.5.29.35 authorityKeyIdentifier */
static const uint8_t bm_oid_eku[] = { 0x55, 0x1d, 0x25 };                                        /* 2.5.29.37 extKeyUsage */
static const uint8_t bm_oid_no_rev_avail[] = { 0x55, 0x1d, 0x38 };                               /* 2.5.29.56 noRevAvail, RFC 9608 */
static const uint8_t bm_oid_server_auth[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01 };  /* 1.3.6.1.5.5.7.3.1 id-kp-serverAuth */
static const uint8_t bm_oid_client_auth[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02 };  /* 1.3.6.1.5.5.7.3.2 id-kp-clientAuth */
static const uint8_t bm_oid_ocsp_signing[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x09 }; /* 1.3.6.1.5.5.7.3.9 id-kp-OCSPSigning */
static const uint8_t bm_oid_info_access[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01 };  /* 1.3.6.1.5.5.7.1.1 authorityInfoAccess */
static const uint8_t bm_oid_ad_ocsp[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01 };      /* 1.3.6.1.5.5.7.48.1 id-ad-ocsp */
static const uint8_t bm_oid_ocsp_basic[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01 };   /* …48.1.1 RFC 6960 4.2.1 */
static const uint8_t bm_oid_ocsp_nonce[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02 };   /* …48.1.2 RFC 9654 2.1 */
static const uint8_t bm_oid_ocsp_nocheck[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x05 }; /* …48.1.5 RFC 6960 4.2.2.2.1 */
static const uint8_t bm_oid_sha1[] = { 0x2b, 0x0e, 0x03, 0x02, 0x1a };                                 /* 1.3.14.3.2.26 */
static const uint8_t bm_oid_hardware_module[] = {
    0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08, 0x04
}; /* 1.3.6.1.5.5.7.8.4 id-on-hardwareModuleName, RFC 4108 5 */

/* hwType of the parts that we name in certificates */
static const uint8_t bm_oid_hw_tpm2[] = { 0x67, 0x81, 0x05, 0x01, 0x02 }; /* 2.23.133.1.2 TPM 2.0 (TCG) */
static const uint8_t bm_oid_hw_part[] = {
    0x69, 0x82, 0xa7, 0xde, 0xc5, 0xf6, 0xec, 0xc9, 0xc2, 0x92, 0x89, 0x90, 0x92, 0xa1, 0x89, 0x9f, 0x9b, 0x91, 0xc5, 0x48
}; /* 2.25.196552041920012444529465825166694310600 every other part: ours (certificates.md) */

/* certificatePolicies (RFC 5280 4.2.1.4): what was proven. The TCG's, and ours under 2.25 (certificates.md) */
static const uint8_t bm_oid_policies[] = { 0x55, 0x1d, 0x20 };         /* 2.5.29.32 certificatePolicies */
static const uint8_t bm_oid_any_policy[] = { 0x55, 0x1d, 0x20, 0x00 }; /* 2.5.29.32.0 anyPolicy */
static const uint8_t bm_oid_policy_tpm_residency[] = {
    0x67, 0x81, 0x05, 0x0b, 0x01, 0x01
};                                                                                       /* 2.23.133.11.1.1 tcg-cap-verifiedTPMResidency */
static const uint8_t bm_oid_policy_tpm_fixed[] = { 0x67, 0x81, 0x05, 0x0b, 0x01, 0x02 }; /* 2.23.133.11.1.2 tcg-cap-verifiedTPMFixed */
static const uint8_t bm_oid_policy_root_signed[] = {
    0x69, 0x82, 0xb3, 0xca, 0xac, 0xb3, 0x9a, 0xb2, 0xca, 0xba, 0xcf, 0x9c, 0x97, 0xf7, 0xb1, 0xc3, 0xea, 0x93, 0xaf, 0x45
}; /* 2.25.204422528400457712459522207949603002309 */
static const uint8_t bm_oid_policy_tpm_activated[] = {
    0x69, 0xaa, 0xd1, 0xde, 0xf3, 0xa9, 0xbe, 0xea, 0x8d, 0xc1, 0x8e, 0xc8, 0x88, 0xd6, 0x8b, 0xf5, 0xd9, 0x93, 0x4f
}; /* 2.25.28338213597711169294354330679208462799 */
static const uint8_t bm_oid_policy_software[] = {
    0x69, 0xd7, 0xd3, 0xf0, 0x8f, 0xad, 0xb5, 0xda, 0x9a, 0xa5, 0x86, 0x91, 0xd8, 0xbd, 0xae, 0xbe, 0xc4, 0xaf, 0x5b
}; /* 2.25.58256926581796604077796161840005322715 */
static const uint8_t bm_oid_policy_tls_front[] = {
    0x69, 0x82, 0x96, 0x90, 0x83, 0xc2, 0xa7, 0xc5, 0xe2, 0xbe, 0x8d, 0xbf, 0x8d, 0xaf, 0xf4, 0xd0, 0xf9, 0x99, 0x8b, 0x1f
}; /* 2.25.184845910872441249083029307405784991135 */
static const uint8_t bm_oid_policy_ek_certified[] = {
    0x69, 0x83, 0x8f, 0x95, 0xbb, 0xf8, 0x90, 0xe9, 0xba, 0x9e, 0xe5, 0xbc, 0xdf, 0xad, 0xd4, 0xd4, 0xbe, 0xb7, 0xe5, 0x5f
}; /* 2.25.265292454788625063468464005450897945311 */
static const uint8_t bm_oid_policy_policy_bound[] = {
    0x69, 0x83, 0xca, 0xac, 0x92, 0x9f, 0xa9, 0xa7, 0x8a, 0xb0, 0xcb, 0xb3, 0xf2, 0x9f, 0x94, 0xa7, 0xb2, 0x97, 0xec, 0x28
}; /* 2.25.304622412189826171993545459604079900200 */
static const uint8_t bm_oid_policy_dice[] = {
    0x69, 0x81, 0xae, 0x86, 0xad, 0xfc, 0x8b, 0xbc, 0xba, 0x8c, 0xcf, 0xba, 0xb2, 0xae, 0xb3, 0xf0, 0xc1, 0xf7, 0x9e, 0x66
}; /* 2.25.115675854156875854897106146554818711398 */
static const uint8_t bm_oid_policy_test[] = {
    0x69, 0x81, 0xcd, 0xa7, 0xb1, 0xa8, 0xcc, 0xd8, 0xe2, 0x87, 0xe1, 0xbe, 0xf4, 0xf6, 0x83, 0x9f, 0xc4, 0xd4, 0xd5, 0x07
}; /* 2.25.136450369687967767426175778406050114183 a hierarchy for tests: nothing of it counts in production (certificates.md) */

/* CMS (RFC 5652) */
static const uint8_t bm_oid_cms_data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01 }; /* 1.2.840.113549.1.7.1 id-data */
static const uint8_t bm_oid_cms_signed_data[] = {
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02
}; /* 1.2.840.113549.1.7.2 id-signedData */

#endif
