/* ek_maker.h - a maker of TPMs: its CA, and endorsement certificates as makers deliver them, with their faults. For tests. */
#ifndef BM_TEST_EK_MAKER_H
#define BM_TEST_EK_MAKER_H

#include "kit.h"

#include "pki/cert.h"
#include "pki/tbs.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define Y2020 1577836800
#define Y2026 1767225600
#define Y2040 2208988800

enum make {
    MAKE_RSA = 1,
    MAKE_LONG_SERIAL = 2, /* INTEGER 00 00 05: not the shortest form */
    MAKE_NO_PURPOSE = 4,
    MAKE_UNSORTED = 8, /* a SET out of order in the issuer: made with the CA's name likewise */
    MAKE_CA = 16,
    MAKE_OLD = 32, /* expired at the end of 2025 */
    MAKE_INSIDE = 64,
    MAKE_OTHER_PURPOSE = 128, /* for TLS servers */
    MAKE_CRITICAL = 256,      /* a critical extension that nobody knows */
};

struct ca {
    struct bm_private *key;
    struct bm_buf cert;
};

static inline void
name_add(struct bm_buf *tbs, bool unsorted)
{
    static const uint8_t sorted[] = { 0x30, 0x20, 0x31, 0x1e, 0x30, 0x0d, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x06, 'T', 'P', 'M', ' ',
                                      'C',  'A',  0x30, 0x0d, 0x06, 0x03, 0x55, 0x04, 0x0a, 0x0c, 0x06, 'M',  'a',  'k', 'e', 'r', 's' };

    if (!unsorted) {
        bm_buf_add(tbs, sorted, sizeof(sorted));
        return;
    }
    bm_buf_add(tbs, sorted, 4);
    bm_buf_add(tbs, sorted + 19, 15);
    bm_buf_add(tbs, sorted + 4, 15);
}

static inline void
extension_add(struct bm_buf *tbs, const char *hex, bool critical, const char *value)
{
    uint8_t oid[3], bytes[128];
    size_t at = bm_der_begin(tbs, BM_DER_SEQUENCE), n = strlen(value) / 2;

    assert_ok(bm_hex_parse(oid, sizeof(oid), bm_bytes_str(hex), &kit_fail));
    assert_ok(bm_hex_parse(bytes, n, bm_bytes_str(value), &kit_fail));
    bm_der_add(tbs, BM_DER_OID, bm_bytes(oid, sizeof(oid)));
    if (critical)
        bm_der_add_boolean(tbs, true);
    bm_der_add(tbs, BM_DER_OCTET_STRING, bm_bytes(bytes, n));
    bm_der_end(tbs, at);
}

static inline void
extensions_add(struct bm_buf *tbs, unsigned make)
{
    size_t outer = bm_der_begin(tbs, BM_DER_CONTEXT_CONSTRUCTED(3)), list = bm_der_begin(tbs, BM_DER_SEQUENCE);

    if (make & MAKE_CA) {
        extension_add(tbs, "551d13", true, "30030101ff");
    } else {
        /* directory name: manufacturer id:45584D50, model EXAMPLE, version id:00010002 */
        extension_add(tbs, "551d11", true,
                      "3044a442304031163014060567810502010c0b69643a3435353834443530310e300c060567810502020c03545031"
                      "31163014060567810502030c0b69643a3030303130303032");
        if (make & MAKE_CRITICAL)
            extension_add(tbs, "551d63", true, "0500");
        if (make & MAKE_OTHER_PURPOSE)
            extension_add(tbs, "551d25", false, "300a06082b06010505070301");
        else if (!(make & MAKE_NO_PURPOSE))
            extension_add(tbs, "551d25", false, "300706056781050801");
        if (make & MAKE_INSIDE)
            extension_add(tbs, "551d09", false, "3018301606056781050212310d300b0201000101ffa0030a0100");
    }
    bm_der_end(tbs, list);
    bm_der_end(tbs, outer);
}

static inline void
rsa_key(struct bm_key *ret)
{
    EVP_PKEY *rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    uint8_t *der = NULL;
    int n = i2d_PUBKEY(rsa, &der);

    assert_true(n > 0);
    assert_ok(bm_key_parse(ret, bm_bytes(der, (size_t)n), &kit_fail));
    OPENSSL_free(der);
    EVP_PKEY_free(rsa);
}

static inline void
cert_make(struct bm_buf *der, struct bm_private *issuer, const struct bm_key *key, unsigned make)
{
    static const uint8_t serials[] = { 0x02, 0x03, 0x00, 0x00, 0x05 };
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_CERT }, signature = { .max = BM_MAX_SIGNATURE };
    size_t all = bm_der_begin(&tbs, BM_DER_SEQUENCE), at = bm_der_begin(&tbs, BM_DER_CONTEXT_CONSTRUCTED(0));

    bm_der_add_uint(&tbs, BM_DER_INTEGER, 2);
    bm_der_end(&tbs, at);
    if (make & MAKE_LONG_SERIAL)
        bm_buf_add(&tbs, serials, sizeof(serials));
    else
        bm_der_add_positive(&tbs, bm_bytes(bm_key_ski(key).octets, 16));
    bm_sig_alg_add(&tbs, BM_SIG_ECDSA_SHA256);
    name_add(&tbs, make & MAKE_UNSORTED);
    at = bm_der_begin(&tbs, BM_DER_SEQUENCE);
    bm_der_add_time(&tbs, Y2020);
    bm_der_add_time(&tbs, make & MAKE_OLD ? Y2026 - 1000 : Y2040);
    bm_der_end(&tbs, at);
    if (make & MAKE_CA)
        name_add(&tbs, make & MAKE_UNSORTED);
    else
        bm_der_add(&tbs, BM_DER_SEQUENCE, bm_bytes(NULL, 0));
    bm_buf_add_bytes(&tbs, bm_key_spki(key));
    extensions_add(&tbs, make);
    bm_der_end(&tbs, all);
    assert_ok(bm_private_sign(issuer, bm_buf_bytes(&tbs), &signature, &kit_fail));
    bm_signed_build(der, bm_buf_bytes(&tbs), BM_SIG_ECDSA_SHA256, bm_buf_bytes(&signature));
    assert_ok(bm_buf_check(der, "a certificate", &kit_fail));
}

static inline void
ca_open(struct ca *ca, unsigned make)
{
    *ca = (struct ca){ .cert = { .max = BM_MAX_CERT } };
    assert_ok(bm_private_generate(&ca->key, BM_KEY_P256, &kit_fail));
    cert_make(&ca->cert, ca->key, bm_private_public(ca->key), make | MAKE_CA);
}

static inline void
ca_done(struct ca *ca)
{
    bm_private_free(ca->key);
    bm_buf_done(&ca->cert);
}

static inline void
ek_make(struct bm_buf *der, struct ca *ca, unsigned make)
{
    bm_cleanup(bm_private_done) struct bm_private *ec = NULL;
    struct bm_key key;

    der->max = BM_MAX_CERT;
    bm_buf_reset(der);
    if (make & MAKE_RSA) {
        rsa_key(&key);
    } else {
        assert_ok(bm_private_generate(&ec, BM_KEY_P256, &kit_fail));
        key = *bm_private_public(ec);
    }
    cert_make(der, ca->key, &key, make);
}

#endif
