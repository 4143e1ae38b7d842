/* ca_kit.h - a root and a CA under it, whose certificates and lists are made by what is tested, and how libcrypto reads them. */
#ifndef BM_PKI_CA_KIT_H
#define BM_PKI_CA_KIT_H

#include "kit.h"

#include "pki/cert.h"
#include "pki/oid.h"
#include "pki/tbs.h"

#include <openssl/x509.h>

#define T0 1764000000 /* 2025-11-24T16:00:00Z */
#define T1 (T0 + 90 * 86400 - 1)
#define CRL_URL "http://ca.example/crl/operational.crl"

extern const uint8_t serial[20];
extern const uint8_t hw_serial[6];

/* A root, one CA under it and what it needs to sign. */
struct pki {
    struct bm_private *root_key, *ca_key, *device_key;
    struct bm_buf root, ca, ca_name, root_name;
    struct bm_issuer root_issuer, issuer;
};
extern struct pki pki;
extern struct bm_subject subject;

int make_pki(void **state);
int free_pki(void **state);
void sign(struct bm_buf *der, struct bm_private *key, const struct bm_buf *tbs);
struct bm_profile profile_of(size_t i);
/* With the builtin profile of that number, from T0 on. */
void issue(struct bm_buf *der, size_t profile_i, bm_time not_after);

void assert_name(const X509_NAME *name, const char *want);
void assert_time(const ASN1_TIME *time, int type, const char *want);

#endif
