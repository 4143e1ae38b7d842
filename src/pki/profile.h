/* profile.h - what a certificate for a service looks like, and what evidence it wants. Format: docs/formats/profile.md. */
#ifndef BM_PROFILE_H
#define BM_PROFILE_H

#include "base/bytes.h"
#include "base/limits.h"
#include "pki/pattern.h"
#include "pki/proven.h"

enum bm_ca {
    BM_CA_OPERATIONAL,
    BM_CA_IDEVID,
    BM_CA__N
};

/* How a root key speaks for an operational key (ARCHITECTURE 5). Bits, for sets. */
enum bm_evidence_class {
    BM_EV_ROOT_SIGNED = 1,
    BM_EV_TPM_ACTIVATED = 2,
    BM_EV_SOFTWARE = 4,
    BM_EV_TLS_FRONT = 8 /* possession of the root key was shown to the gate, which the signer cannot see */
};

/*
 * birthmark/profile/v1
 * name gateway-1
 * version 1                          1 to 99999: of the profile, not of the format
 * service mqtt
 * ca operational                     operational | idevid
 * days 90                            1 to 3650, or "never": 9999-12-31 (idevid only); or instead: hours 8   1 to 167, no whole days
 * grace 14                           of a renewal after expiry: 1 to 365; without the line none
 * overlap 30                         the earlier certificate after a renewal is confirmed: 0 to 365; without the line 7
 * revocation none                    noRevAvail in place of a CRL pointer: what lives at most 7 days; ocsp: an OCSP pointer in its place; both;
 *                                    without the line a CRL pointer
 * bucket 500                         certificates that share one CRL: 1 to 1999; without the line 2000
 * evidence root-signed               one line each: root-signed | tpm-activated | software | tls-front
 * require tpm-fixed                  none or more: a word of pki/proven.h that the evidence must show besides
 * root tpm                           none or more: tpm | secure-element | puf | software; none: any
 * key P-256                          one line each: P-256 | P-384 | RSA (the operational keys that it takes)
 * eku clientAuth                     none or more: clientAuth | serverAuth
 * hardware-module yes                id-on-hardwareModuleName in the subjectAltName: yes | no
 * basic-constraints yes              critical, no CA; without the line none
 * common-name {chip}                 a pattern (pattern.h); without the line {device}, and in an IDevID none
 * attribute OID VALUE                0 to 4: of the subject, a foreign OID and a pattern
 * dns {device}.devices.example       0 to 4 patterns, in the subjectAltName
 * uri urn:example:{device}           0 to 4
 * max-certificate 600                bytes that the target has for it, 256 to 65535; without the line any
 * max-chain 1200                     for it and its CA's
 */
#define BM_SERVICE_SUPPORT \
    "support" /* of profiles that no order has: for one device and one repair, by an officer's word (bm_profile_is_support()) */
#define BM_SUPPORT_HOURS 72 /* that such an identity lives at most */
#define BM_MAX_PROFILE_NAMES 4
/* So many certificates share a list that it fits into one message with all of them on it: 55 bytes each, and what stands around them. */
#define BM_CRL_BUCKET 2000

/* Where a certificate says that its revocation can be asked for. */
enum bm_revocation {
    BM_REVOCATION_CRL,
    BM_REVOCATION_NONE,
    BM_REVOCATION_OCSP,
    BM_REVOCATION_BOTH
};

#define BM_MAX_OID_TEXT 64
struct bm_profile {
    char name[BM_MAX_NAME + 1];
    unsigned version;
    char service[BM_MAX_NAME + 1];
    enum bm_ca ca;
    unsigned hours;   /* that it lives; 0 = for ever */
    unsigned grace;   /* days after expiry in which it may still be renewed */
    unsigned overlap; /* days that the earlier certificate stays good after a renewal is confirmed */
    enum bm_revocation revocation;
    unsigned bucket;   /* certificates that share one list, at most */
    unsigned evidence; /* set of enum bm_evidence_class */
    unsigned require;  /* set of enum bm_proven: all of them must be shown */
    unsigned roots;    /* set of 1u << enum bm_root_kind (lot/leaf.h); 0: any */
    unsigned keys;     /* set of 1u << enum bm_key_alg */
    bool client_auth;
    bool server_auth;
    bool hardware_module;
    bool basic_constraints;
    char common_name[BM_MAX_PATTERN + 1]; /* "": as the CA has it */
    struct bm_profile_attribute {
        char oid[BM_MAX_OID_TEXT + 1]; /* dotted */
        char pattern[BM_MAX_PATTERN + 1];
    } attributes[BM_MAX_PROFILE_NAMES];
    size_t nattributes;
    struct bm_profile_name {
        char pattern[BM_MAX_PATTERN + 1];
    } dns[BM_MAX_PROFILE_NAMES], uri[BM_MAX_PROFILE_NAMES];
    size_t ndns, nuri;
    unsigned max_certificate, max_chain; /* bytes; 0: any */
    uint8_t digest[BM_HASH];             /* SHA-256 of the text: what an order pins */
};

/* Reads it, and looks for what its lines contradict each other in (profile_check.c). */
bm_must_use enum bm_rc bm_profile_parse(struct bm_profile *ret_profile, struct bm_bytes text, struct bm_fail *fail);
void bm_profile_build(struct bm_buf *buf, const struct bm_profile *profile); /* canonical text; digest not used */
const char *bm_evidence_class_word(enum bm_evidence_class ev);               /* "root-signed" ... */
const char *bm_revocation_word(enum bm_revocation revocation);               /* "crl", "none", "ocsp", "both" */

const char *bm_profile_root_word(unsigned root); /* enum bm_root_kind: "tpm" ...; NULL: none */

/* What no single line shows: BM_EINPUT with the contradiction. */
bm_must_use enum bm_rc bm_profile_check(const struct bm_profile *profile, struct bm_fail *fail);
bool bm_profile_is_support(const struct bm_profile *profile);
/* Does a certificate of so many bytes, and the chain with its CA's, fit the target? BM_EPOLICY, with by how much not. */
bm_must_use enum bm_rc bm_profile_fit(const struct bm_profile *profile, size_t certificate, size_t ca, struct bm_fail *fail);

/* The profiles that `init` writes and every signer knows (profile_shipped.c). NULL past the last; the first is gateway-1. */
const char *bm_profile_builtin(size_t i);

#endif
