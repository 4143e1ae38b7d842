/* gate_messages.h - what a gate asks of the registrar. Format: docs/formats/messages.md. */
#ifndef BM_GATE_MESSAGES_H
#define BM_GATE_MESSAGES_H

#include "base/base.h"
#include "base/limits.h"
#include "wire/rd.h"

enum bm_gate_message {
    /* requests: gate -> registrar */
    BM_G_NONCE = 1,     /* 32 hash of a root key; answer: 32 nonce, u32 seconds */
    BM_G_ENROL,         /* struct bm_g_enrol with a CMC request; answer: BM_G_CERTS or BM_G_REFUSED */
    BM_G_TPM_CHALLENGE, /* lv16 endorsement key SPKI, lv16 AK TPMT_PUBLIC; answer: lv16 credential, lv16 encrypted secret */
    BM_G_TPM_ENROL,     /* struct bm_g_enrol with a TPM claim; answer: as ENROL */
    BM_G_CONFIRM,       /* 32 hash of the TLS peer's key; answer: lv16 device */
    BM_G_CRL,           /* name of a CA, "-", number of a bucket; answer: lv32 CRL DER (cached by the registrar) */
    BM_G_HEALTH,        /* empty; answer: lv32 JSON text */
    BM_G_SITE,          /* empty; answer: lv32 JSON text: name, site, vkey, ledger size, checkpoint */
    BM_G_TLS_ENROL,     /* struct bm_g_enrol with a TLS client's request (evidence/tls_front.h); answer: as ENROL */
    BM_G_CA,            /* name of a CA, or "root"; answer: lv32 certificate DER */
    BM_G_CACERTS,       /* empty; answer: lv32 DER, certs-only (RFC 7030 4.1.3) */
    BM_G_LISTS,         /* name of a CA; answer: lv32 text, a URL a line: its lists in PEM */
    BM_G_OCSP,          /* OCSPRequest DER; answer: u32 seconds for which it may be kept (0: not at all), lv32 OCSPResponse DER */

    /* answers: registrar -> gate */
    BM_G_ANSWER = 128,
    BM_G_CERTS,   /* lv16 device, u8 n, n x lv16 certificate DER, the device's first, then its issuing CA */
    BM_G_REFUSED, /* u8 enum bm_rc, lv16 sentence */
};

struct bm_g_enrol {
    struct bm_bytes label;  /* profile's or service's name; n = 0: the order's only one */
    struct bm_bytes source; /* peer's address, for the record */
    struct bm_bytes peer;   /* SHA-256 of the TLS client key's SPKI; n = 0 without a client certificate */
    struct bm_bytes body;   /* CMC DER, or a TPM claim (evidence/tpm.h) */
    struct bm_bytes parts;  /* of the bundle that it becomes, as they stand there (evidence/bundle.h); n = 0: none */
};
void bm_g_enrol_build(struct bm_buf *buf, const struct bm_g_enrol *enrol);
bm_must_use enum bm_rc bm_g_enrol_parse(struct bm_g_enrol *ret_enrol, struct bm_rd body, struct bm_fail *fail);

struct bm_g_certs {
    struct bm_bytes device;
    struct bm_bytes cert[4];
    size_t n;
};
void bm_g_certs_build(struct bm_buf *buf, const struct bm_g_certs *certs);
bm_must_use enum bm_rc bm_g_certs_parse(struct bm_g_certs *ret_certs, struct bm_rd body, struct bm_fail *fail);

struct bm_g_refused {
    uint8_t rc;
    struct bm_bytes sentence;
};
void bm_g_refused_build(struct bm_buf *buf, const struct bm_g_refused *refused);
bm_must_use enum bm_rc bm_g_refused_parse(struct bm_g_refused *ret_refused, struct bm_rd body, struct bm_fail *fail);

#endif
