/* maker.h - a chipmaker that signs as Microchip does: its signer's certificate, chips, entries. For tests and benches. */
#ifndef BM_TEST_LOT_MAKER_H
#define BM_TEST_LOT_MAKER_H

#include "base/env.h"
#include "pki/private.h"
#include "pki/tbs.h"
#include "wire/der.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>

struct maker {
    struct bm_private *key;
    struct bm_buf cert;
    char kid[32], x5t[48]; /* base64url */
};

static inline void
maker_must(bool ok)
{
    if (!ok)
        abort();
}

static inline void
maker_b64(char *ret, size_t max, struct bm_bytes bytes)
{
    struct bm_buf buf = { .max = max };

    bm_b64_add(&buf, BM_B64_URL, bytes);
    bm_buf_add_u8(&buf, 0);
    maker_must(!buf.bad);
    memcpy(ret, buf.p, buf.n);
    bm_buf_done(&buf);
}

/* A certificate for a key, by issuer_key under issuer_cn: subjectKeyIdentifier, of a CA basicConstraints too, and nothing else in its extensions. */
static inline void
maker_cert_of(struct bm_buf *der, struct bm_private *issuer_key, const char *issuer_cn, const struct bm_key *key, const char *cn,
              bm_time from, bm_time until, bool ca)
{
    static const uint8_t basic[] = { 0x30, 0x0f, 0x06, 0x03, 0x55, 0x1d, 0x13, 0x01, 0x01, 0xff, 0x04, 0x05, 0x30, 0x03, 0x01, 0x01, 0xff };
    static const uint8_t oid_ski[] = { 0x55, 0x1d, 0x0e };
    struct bm_buf tbs = { .max = 4096 }, signature = { .max = BM_MAX_SIGNATURE };
    struct bm_fail fail;
    size_t all = bm_der_begin(&tbs, BM_DER_SEQUENCE), a, b, c, d;

    a = bm_der_begin(&tbs, BM_DER_CONTEXT_CONSTRUCTED(0));
    bm_der_add_uint(&tbs, BM_DER_INTEGER, 2);
    bm_der_end(&tbs, a);
    bm_der_add_positive(&tbs, bm_bytes(bm_key_ski(key).octets, 16));
    bm_sig_alg_add(&tbs, BM_SIG_ECDSA_SHA256);
    bm_name_build(&tbs, NULL, issuer_cn);
    a = bm_der_begin(&tbs, BM_DER_SEQUENCE);
    bm_der_add_time(&tbs, from);
    bm_der_add_time(&tbs, until);
    bm_der_end(&tbs, a);
    bm_name_build(&tbs, NULL, cn);
    bm_buf_add_bytes(&tbs, bm_key_spki(key));
    a = bm_der_begin(&tbs, BM_DER_CONTEXT_CONSTRUCTED(3));
    b = bm_der_begin(&tbs, BM_DER_SEQUENCE);
    c = bm_der_begin(&tbs, BM_DER_SEQUENCE);
    bm_der_add(&tbs, BM_DER_OID, bm_bytes(oid_ski, sizeof(oid_ski)));
    d = bm_der_begin(&tbs, BM_DER_OCTET_STRING);
    bm_der_add(&tbs, BM_DER_OCTET_STRING, bm_bytes(bm_key_ski(key).octets, BM_SHA1));
    bm_der_end(&tbs, d);
    bm_der_end(&tbs, c);
    if (ca)
        bm_buf_add(&tbs, basic, sizeof(basic));
    bm_der_end(&tbs, b);
    bm_der_end(&tbs, a);
    bm_der_end(&tbs, all);
    maker_must(!tbs.bad && bm_private_sign(issuer_key, bm_buf_bytes(&tbs), &signature, &fail) == BM_OK);
    bm_signed_build(der, bm_buf_bytes(&tbs), BM_SIG_ECDSA_SHA256, bm_buf_bytes(&signature));
    bm_buf_done(&tbs);
    bm_buf_done(&signature);
}

static inline void
maker_cert(struct bm_buf *der, struct bm_private *issuer_key, const char *issuer_cn, const struct bm_key *key, const char *cn, bm_time from,
           bm_time until)
{
    maker_cert_of(der, issuer_key, issuer_cn, key, cn, from, until, false);
}

static inline void
maker_open_as(struct maker *maker, bm_time from, bm_time until, bool ca)
{
    uint8_t hash[BM_HASH];
    struct bm_fail fail;

    *maker = (struct maker){ .cert = { .max = 4096 } };
    maker_must(bm_private_generate(&maker->key, BM_KEY_P256, &fail) == BM_OK);
    maker_cert_of(&maker->cert, maker->key, "Manifest Signer", bm_private_public(maker->key), "Manifest Signer", from, until, ca);
    bm_sha256(hash, bm_buf_bytes(&maker->cert));
    maker_b64(maker->kid, sizeof(maker->kid), bm_bytes(bm_key_ski(bm_private_public(maker->key)).octets, 20));
    maker_b64(maker->x5t, sizeof(maker->x5t), bm_bytes(hash, BM_HASH));
}

static inline void
maker_open(struct maker *maker, bm_time from, bm_time until)
{
    maker_open_as(maker, from, until, false);
}

/* Its signer's certificate is a CA's too, so that chips' certificates lead to it. */
static inline void
maker_open_ca(struct maker *maker, bm_time from, bm_time until)
{
    maker_open_as(maker, from, until, true);
}

static inline void
maker_close(struct maker *maker)
{
    bm_private_free(maker->key);
    bm_buf_done(&maker->cert);
}

/* The JWK of a key, with a device certificate made for it when cn is given. */
static inline void
maker_jwk(struct bm_buf *json, struct maker *maker, const char *slot, const struct bm_key *key, const char *cn)
{
    const uint8_t *point = key->spki + key->at_bits + 1;

    bm_buf_add_fmt(json, "{\"kid\":\"%s\",\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"", slot);
    bm_b64_add(json, BM_B64_URL, bm_bytes(point, 32));
    bm_buf_add_str(json, "\",\"y\":\"");
    bm_b64_add(json, BM_B64_URL, bm_bytes(point + 32, 32));
    bm_buf_add_str(json, "\"");
    if (cn != NULL) {
        struct bm_buf der = { .max = 4096 };

        maker_cert(&der, maker->key, "Manifest Signer", key, cn, 1748808000, 2632276800);
        bm_buf_add_str(json, ",\"x5c\":[\"");
        bm_b64_add(json, BM_B64_STD, bm_buf_bytes(&der));
        bm_buf_add_str(json, "\",\"");
        bm_b64_add(json, BM_B64_STD, bm_buf_bytes(&maker->cert));
        bm_buf_add_str(json, "\"]");
        bm_buf_done(&der);
    }
    bm_buf_add_str(json, "}");
}

#define MAKER_HEAD                                                                                                                      \
    "{\"version\":1,\"model\":\"ATECC608C\",\"partNumber\":\"ATECC608C-TNGTLSU-B\",\"manufacturer\":{\"organizationName\":\"Example\"," \
    "\"organizationalUnitName\":\"Chips\"},\"provisioner\":{\"organizationName\":\"Example\",\"organizationalUnitName\":\"Chips\"},"    \
    "\"distributor\":{\"organizationName\":\"Example\",\"organizationalUnitName\":\"Direct\"},\"groupId\":\"EXAMPLE1\","                \
    "\"provisioningTimestamp\":\"2025-06-01T20:14:53.773Z\","

/* A whole payload: one key with a certificate, four without, like a real chip. */
static inline void
maker_payload(struct bm_buf *json, struct maker *maker, const char *id, size_t nkeys)
{
    char slot[4], cn[96];

    bm_buf_add_fmt(json, MAKER_HEAD "\"uniqueId\":\"%s\",\"publicKeySet\":{\"keys\":[", id);
    (void)snprintf(cn, sizeof(cn), "sn%s", id);
    for (size_t i = 0; cn[i] != 0; i++)
        if (cn[i] >= 'a' && cn[i] <= 'f')
            cn[i] = (char)(cn[i] - 'a' + 'A');
    for (size_t i = 0; i < nkeys; i++) {
        struct bm_private *key = NULL;
        struct bm_fail fail;

        maker_must(bm_private_generate(&key, BM_KEY_P256, &fail) == BM_OK);
        (void)snprintf(slot, sizeof(slot), "%u", (unsigned)i % 100);
        bm_buf_add_str(json, i == 0 ? "" : ",");
        maker_jwk(json, maker, slot, bm_private_public(key), i == 0 ? cn : NULL);
        bm_private_free(key);
    }
    bm_buf_add_str(json, "]}}");
}

/* r || s from the DER of a signature. */
static inline void
maker_raw(uint8_t ret[static 64], struct bm_bytes der)
{
    struct bm_rd rd = bm_rd(der), in = bm_der_enter(&rd, BM_DER_SEQUENCE);

    memset(ret, 0, 64);
    for (size_t i = 0; i < 2; i++) {
        struct bm_bytes v = bm_der_positive(&in);

        maker_must(v.n >= 1 && v.n <= 32);
        memcpy(ret + 32 * i + 32 - v.n, v.p, v.n);
    }
}

/* {payload, protected, header, signature} over these texts; signed properly whatever they say. */
static inline void
maker_sign(struct bm_buf *json, struct maker *maker, const char *protected_json, struct bm_bytes payload, const char *header)
{
    struct bm_buf input = { .max = 1 << 17 }, signature = { .max = BM_MAX_SIGNATURE };
    struct bm_fail fail;
    uint8_t raw[64];
    size_t dot;

    bm_b64_add(&input, BM_B64_URL, bm_bytes_str(protected_json));
    dot = input.n;
    bm_buf_add_str(&input, ".");
    bm_b64_add(&input, BM_B64_URL, payload);
    maker_must(!input.bad && bm_private_sign(maker->key, bm_buf_bytes(&input), &signature, &fail) == BM_OK);
    maker_raw(raw, bm_buf_bytes(&signature));
    bm_buf_add_str(json, "{\"payload\":\"");
    bm_buf_add(json, input.p + dot + 1, input.n - dot - 1);
    bm_buf_add_str(json, "\",\"protected\":\"");
    bm_buf_add(json, input.p, dot);
    bm_buf_add_fmt(json, "\",\"header\":%s,\"signature\":\"", header);
    bm_b64_add(json, BM_B64_URL, bm_bytes(raw, sizeof(raw)));
    bm_buf_add_str(json, "\"}");
    bm_buf_done(&input);
    bm_buf_done(&signature);
}

static inline void
maker_protected(char *ret, size_t n, const struct maker *maker)
{
    (void)snprintf(ret, n, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"JWT\",\"x5t#S256\":\"%s\"}", maker->kid, maker->x5t);
}

/* A good entry. */
static inline void
maker_entry(struct bm_buf *json, struct maker *maker, const char *id, size_t nkeys)
{
    struct bm_buf payload = { .max = 1 << 17 };
    char protected_json[256], header[128];

    maker_payload(&payload, maker, id, nkeys);
    maker_protected(protected_json, sizeof(protected_json), maker);
    (void)snprintf(header, sizeof(header), "{\"uniqueId\":\"%s\"}", id);
    maker_must(!payload.bad);
    maker_sign(json, maker, protected_json, bm_buf_bytes(&payload), header);
    bm_buf_done(&payload);
}

#endif
