/* site.h - HOME/site.conf: what a site is; written by init, read by every process of the server. Format: docs/formats/site.md. */
#ifndef BM_SITE_H
#define BM_SITE_H

#include "pki/profile.h"
#include "record/statement.h"

/*
 * birthmark/site/v1
 * name Example Factory               1 to 64 printable characters
 * url https://line1.example:8443     or -
 * test yes                           only of a test site: its certificates bear the mark, and no production site takes any
 * ca NAME CLASS KEY                  2 to 64 lines, first operational operational, then idevid idevid: where the signer finds the key of that name.
 *                                    CLASS: operational | idevid. KEY: file:signer/NAME.key (beneath HOME) or pkcs11:... (RFC 7512; may carry
 *                                    pin-value, pin-source, module-path)
 * ocsp KEY                           none or one: the key that answers OCSP questions for all of them; without the line nobody does
 * operator NAME ROLE VKEY            the first operators: pinned in the signer's journal when it is founded, and not read again after that
 */
struct bm_site {
    char name[BM_MAX_NAME + 1];
    char url[256]; /* "" = none */
    bool test;
    struct bm_site_ca {
        char name[BM_MAX_NAME + 1];
        enum bm_ca kind;
        char key[1024];
    } ca[BM_MAX_CAS]; /* the first two are init's, by enum bm_ca */
    size_t nca;
    char ocsp_key[1024]; /* "" = none */
    struct bm_roles operators;
};
/* Whose key is it; NULL: none of this name. */
const struct bm_site_ca *bm_site_ca_find(const struct bm_site *site, const char *name);
bm_must_use enum bm_rc bm_site_parse(struct bm_site *ret_site, struct bm_bytes text, struct bm_fail *fail);
void bm_site_build(struct bm_buf *buf, const struct bm_site *site);
#define BM_MAX_SITE 131072 /* bytes of the text */

/* Places beneath HOME. */
#define BM_PLACE_SITE "site.conf"
#define BM_PLACE_ROOT_CERT "root.pem"
#define BM_PLACE_TRUST "trust.txt"
#define BM_PLACE_CA_CERT "ca/%s.pem"          /* operational, idevid, server: DER in PEM, signed by the root */
#define BM_PLACE_CA_CSR "ca/%s.csr"           /* PKCS#10: of a CA whose key is made, and whose certificate is not */
#define BM_PLACE_CA_KEY "signer/%s.key"       /* of an issuing CA, where it is in no token */
#define BM_PLACE_OCSP_KEY "signer/ocsp.key"   /* where it is in no token */
#define BM_PLACE_OCSP_PUB "ca/ocsp.pub"       /* its public half, SubjectPublicKeyInfo in PEM: what site.conf's ocsp must be */
#define BM_PLACE_CROSS "ca/cross.pem"         /* what leads from each root to the next, and back */
#define BM_PLACE_CEREMONY "ceremony"          /* the root (docs/formats/ceremony.md): to be taken offline */
#define BM_PLACE_ROOT_KEY "ceremony/root.key" /* PKCS#8 PEM */
#define BM_PLACE_SERVER_CA_KEY "ca/server.key"
#define BM_PLACE_OPERATOR_CA_KEY "ca/operators.key"
#define BM_PLACE_LEDGER_KEY "signer/ledger.key" /* Ed25519, PKCS#8 PEM */
#define BM_PLACE_NONCE_KEY "signer/nonce.key"   /* 32 bytes */
#define BM_PLACE_JOURNAL "signer/journal"
#define BM_PLACE_STORE "store/birthmark.db"
#define BM_PLACE_GATE_CERT "gate/server.pem" /* chain, leaf first */
#define BM_PLACE_GATE_KEY "gate/server.key"
#define BM_PLACE_OPERATOR_KEY "operators/%s.key"
#define BM_PLACE_OPERATOR_URI "operators/%s.uri"  /* where the key is instead: one line */
#define BM_PLACE_OPERATOR_CERT "operators/%s.pem" /* chain, leaf first: good while its key is on the list of operators */
#define BM_PLACE_PROFILE "profiles/%s.profile"
#define BM_PLACE_STATION_CERT "stations/%s.pem" /* its certificate and the server CA's */
#define BM_PLACE_STATION_CSR "stations/%s.csr"  /* what a station on another machine takes to the site */
#define BM_PLACE_STATION_KEY "stations/%s.key"  /* where a station on this machine is given no root of its own */
#define BM_PLACE_STATION "station.conf"         /* which station this machine is (docs/formats/home.md) */
#define BM_PLACE_LOT "lots/%s.lot"     /* the file as received, named by its tree head in hex: written by the command that received it */
#define BM_PLACE_INDEX "lots/%s.index" /* by what its chips are found (docs/formats/lot-index.md) */
#define BM_PLACE_RSA "lots/%s.rsa"     /* its RSA moduli, where it has any (docs/formats/home.md) */
#define BM_PLACE_UNITS "lots/%s.units" /* what a planner said of an order's units, named by its SHA-256 (docs/formats/units.md) */
#define BM_PLACE_RECEIPT "lots/%s.receipt" /* what was looked at then (docs/formats/receipt.md) */

#endif
