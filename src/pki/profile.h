/* profile.h - what a certificate for a service looks like, and what evidence it wants. Format: docs/formats/profile.md. */
#ifndef BM_PROFILE_H
#define BM_PROFILE_H

#include "base/bytes.h"
#include "base/limits.h"
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
 * service mqtt
 * ca operational                     operational | idevid
 * days 90                            1 to 3650, or "never": 9999-12-31 (idevid only)
 * grace 14                           of a renewal after expiry: 1 to 365; without the line none
 * overlap 30                         the earlier certificate after a renewal is confirmed: 0 to 365; without the line 7
 * evidence root-signed               one line each: root-signed | tpm-activated | software | tls-front
 * require tpm-fixed                  none or more: a word of pki/proven.h that the evidence must show besides
 * key P-256                          one line each: P-256 | P-384 | RSA (the operational keys that it takes)
 * eku clientAuth                     none or more: clientAuth | serverAuth
 * hardware-module yes                id-on-hardwareModuleName in the subjectAltName: yes | no
 */
struct bm_profile {
    char name[BM_MAX_NAME + 1];
    char service[BM_MAX_NAME + 1];
    enum bm_ca ca;
    unsigned days;     /* 0 = never */
    unsigned grace;    /* days after expiry in which it may still be renewed */
    unsigned overlap;  /* days that the earlier certificate stays good after a renewal is confirmed */
    unsigned evidence; /* set of enum bm_evidence_class */
    unsigned require;  /* set of enum bm_proven: all of them must be shown */
    unsigned keys;     /* set of 1u << enum bm_key_alg */
    bool client_auth;
    bool server_auth;
    bool hardware_module;
    uint8_t digest[BM_HASH]; /* SHA-256 of the text: what an order pins */
};

bm_must_use enum bm_rc bm_profile_parse(struct bm_profile *ret_profile, struct bm_bytes text, struct bm_fail *fail);
void bm_profile_build(struct bm_buf *buf, const struct bm_profile *profile); /* canonical text; digest not used */
const char *bm_evidence_class_word(enum bm_evidence_class ev);               /* "root-signed" ... */

/* The profiles that `init` writes: gateway-1 (service mqtt, operational, 90 days, root-signed and tpm-activated), bench-1 (the same,
 * software too: development), idevid (service idevid, never expires). NULL past the last. */
const char *bm_profile_builtin(size_t i);

#endif
