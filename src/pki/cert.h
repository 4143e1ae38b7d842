/* cert.h - a certificate of anybody, read strictly as far as we use it, and paths checked over libcrypto. */
#ifndef BM_CERT_H
#define BM_CERT_H

#include "base/env.h"
#include "pki/key.h"

/* Views into the bytes that were parsed. */
struct bm_cert {
    struct bm_bytes der;
    struct bm_bytes tbs;
    struct bm_bytes serial;          /* magnitude */
    struct bm_bytes issuer, subject; /* Name, whole elements */
    bm_time not_before, not_after;
    struct bm_key key;
    struct bm_bytes ski, aki;   /* key identifiers; n = 0 when absent */
    struct bm_bytes extensions; /* content of the SEQUENCE OF Extension; n = 0 when absent */
    enum bm_sig_alg alg;
    struct bm_bytes signature;
};
/* X.509 v3, one signature algorithm, every extension once and at most 32, a serial of 1 to 20 octets, a key and an algorithm that we know
 * (key.h). Names are taken as they are written. Reads no extension but the two key identifiers: the path is bm_path_check()'s. */
bm_must_use enum bm_rc bm_cert_parse(struct bm_cert *ret_cert, struct bm_bytes der, struct bm_fail *fail);
/* Of a certificate that only bm_path_check() reads further - a vendor's root, which may have a key or an algorithm that is none of ours - what it is called:
 * der, tbs, issuer, subject and the dates. Everything else is zero. Nothing is checked but that it is DER as far as that. */
bm_must_use enum bm_rc bm_cert_outline(struct bm_cert *ret_cert, struct bm_bytes der, struct bm_fail *fail);
/* An extension's extnValue by OID content octets; n = 0 when absent. */
struct bm_bytes bm_cert_extension(const struct bm_cert *cert, struct bm_bytes oid, bool *ret_critical);
/* One-line RFC 4514-like name for people ("CN=..., O=...", the last part first), into ret of n bytes; "..." at the end when it is cut.
 * What would not show, or would turn the direction of writing, is escaped. */
void bm_name_print(char *ret, size_t n, struct bm_bytes name);
/* Signed by issuer's key, and issuer's subject is its issuer. */
bm_must_use enum bm_rc bm_cert_signed_by(struct bm_crypto *crypto, const struct bm_cert *cert, const struct bm_cert *issuer,
                                         struct bm_fail *fail);

/*
 * The same certificate read loosely: lengths in more octets than needed, a serial number of any shape, times spelled as RFC 5280 has them, a key and an
 * algorithm that nobody has looked at. For certificates whose makers erred, and which are kept as they were delivered. Each extension still once.
 */
struct bm_cert_loose {
    struct bm_bytes der, tbs;
    struct bm_bytes issuer, subject, spki, alg; /* whole elements */
    bm_time not_before, not_after;
    struct bm_bytes extensions; /* content; n = 0 when absent */
    struct bm_bytes signature;
};
bm_must_use enum bm_rc bm_cert_loose_parse(struct bm_cert_loose *ret_cert, struct bm_bytes der, struct bm_fail *fail);
struct bm_bytes bm_cert_loose_extension(const struct bm_cert_loose *cert, struct bm_bytes oid,
                                        bool *ret_critical); /* ret_critical may be NULL */
/* The OID of the first critical extension that is none of these; n = 0 when there is none. */
struct bm_bytes bm_cert_loose_critical(const struct bm_cert_loose *cert, const struct bm_bytes *known, size_t n);
bool bm_cert_loose_is_ca(
    const struct bm_cert_loose *cert); /* cA TRUE in its basic constraints; key usage, where there is one, has keyCertSign */
/* X.690 11.6: are the attributes of each part of this Name in order? False too when it cannot be walked. */
bool bm_name_in_order(struct bm_bytes name);

/* Does this certificate say that it is of a test hierarchy of ours: is our policy for that among its policies? What cannot be read is none. */
bool bm_cert_test_mark(struct bm_bytes der);

/* Path from leaf through any of `between` to one of `anchors` (DER each), valid at `at` (both ends inclusive), over X509_verify_cert.
 * Any purpose; at most 8 intermediates; 112 bits of strength (no SHA-1, no RSA 1024); an anchor need not be self-signed; no revocation.
 * A certificate of a test hierarchy counts under an anchor of one only, and a CA without that mark under none of them.
 * Knows the critical SAN of endorsement certificates. BM_EPOLICY with OpenSSL's reason; BM_EINPUT when one of the certificates cannot be
 * read. 0.1 ms for each certificate given, so not for the hot path. */
struct bm_certs {
    const struct bm_bytes *der;
    size_t n;
};
bm_must_use enum bm_rc bm_path_check(struct bm_bytes leaf, struct bm_certs between, struct bm_certs anchors, bm_time at,
                                     struct bm_fail *fail);
/* The same, and the path that was found: the certificates above the leaf, its issuer first and the anchor last, as they were given. */
#define BM_MAX_PATH 10
struct bm_path {
    struct bm_bytes above[BM_MAX_PATH];
    size_t n; /* 0: the leaf itself is an anchor */
};
bm_must_use enum bm_rc bm_path_find(struct bm_path *ret_path, struct bm_bytes leaf, struct bm_certs between, struct bm_certs anchors,
                                    bm_time at, struct bm_fail *fail);

/* PEM: appends "-----BEGIN label-----"...; reads every block of this label in order and calls back with its DER (a view for the time of
 * the call). Other text and other labels are passed over; no block at all is BM_EINPUT; the callback's refusal ends it. */
void bm_pem_build(struct bm_buf *buf, const char *label, struct bm_bytes der);
bm_must_use enum bm_rc bm_pem_parse(struct bm_bytes text, const char *label,
                                    enum bm_rc (*block)(void *ctx, struct bm_bytes der, struct bm_fail *fail), void *ctx,
                                    struct bm_fail *fail);

/* A certs-only CMS SignedData (RFC 5272 3.1 simple PKI response; EST cacerts). And read back: calls back for each certificate. */
void bm_certs_only_build(struct bm_buf *buf, struct bm_certs certs);
bm_must_use enum bm_rc bm_certs_only_parse(struct bm_bytes der, enum bm_rc (*cert)(void *ctx, struct bm_bytes der, struct bm_fail *fail),
                                           void *ctx, struct bm_fail *fail);

#endif
