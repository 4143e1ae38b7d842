#include "evidence/attested.h"

#include "pki/cert.h"
#include "pki/oid.h"
#include "wire/der.h"

static const uint8_t oid_attestation[] = {
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x3b
};                                                                         /* 1.2.840.113549.1.9.16.2.59 */
static const uint8_t oid_tpm_certify[] = { 0x67, 0x81, 0x05, 0x14, 0x01 }; /* 2.23.133.20.1 tcg-attest-tpm-certify */
/* ours: a key in the place of its certificate. 2.25.189201784083355015614595487232111199846 */
static const uint8_t oid_key[] = { 0x69, 0x82, 0x9c, 0xd6, 0xf8, 0x8a, 0xd2, 0xd3, 0x9a, 0xa2,
                                   0xaf, 0x8d, 0x94, 0x90, 0xc9, 0xa8, 0xd3, 0xf3, 0x8c, 0x66 };

#define TAG_OTHER BM_DER_CONTEXT_CONSTRUCTED(3) /* of LimitedCertChoices */

static enum bm_rc
wrong(struct bm_fail *fail, const char *what)
{
    return bm_fail(fail, BM_EINPUT, "draft-ietf-lamps-csr-attestation", "the request's attestation %s", what);
}

/* ---- statements ---- */

/* Revisions up to 20 have a hint behind the statement: which verifier would understand it. */
static void
hint_skip(struct bm_rd *rd)
{
    if (bm_der_peek(rd, BM_DER_UTF8) || bm_der_peek(rd, BM_DER_IA5))
        (void)bm_der_any(rd, NULL);
}

static enum bm_rc
certify_parse(struct bm_attested *attested, struct bm_rd *rd, struct bm_fail *fail)
{
    struct bm_rd in = bm_der_enter(rd, BM_DER_SEQUENCE);

    if (attested->attest.n > 0)
        return wrong(fail, "has two statements by TPM2_Certify: send the one that is about its key");
    attested->attest = bm_der_take(&in, BM_DER_OCTET_STRING);
    attested->signature = bm_der_take(&in, BM_DER_OCTET_STRING);
    attested->area = bm_der_take(&in, BM_DER_OCTET_STRING);
    hint_skip(rd);
    if (!bm_rd_end(&in) || !bm_rd_end(rd) || attested->attest.n == 0 || attested->attest.n > BM_MAX_TPM ||
        attested->signature.n > BM_MAX_TPM || attested->area.n > BM_MAX_TPM)
        return wrong(fail, "has a statement by TPM2_Certify that is not TPMS_ATTEST, TPMT_SIGNATURE and TPMT_PUBLIC");
    return BM_OK;
}

static enum bm_rc
statements_parse(struct bm_attested *attested, struct bm_rd list, struct bm_fail *fail)
{
    enum bm_rc rc = BM_OK;
    size_t n = 0;

    for (; rc == BM_OK && list.left > 0 && !list.bad; n++) {
        struct bm_rd in = bm_der_enter(&list, BM_DER_SEQUENCE);
        struct bm_bytes type = bm_der_take(&in, BM_DER_OID);
        bool ours = bm_der_oid_is(type, oid_tpm_certify, sizeof(oid_tpm_certify));

        if (n == BM_MAX_STATEMENTS || type.n == 0 || in.left == 0)
            return wrong(fail, "has malformed statements, or more than eight");
        if (ours)
            rc = certify_parse(attested, &in, fail);
        while (!ours && in.left > 0 && !in.bad)
            (void)bm_der_any(&in, NULL);
        if (in.bad)
            list.bad = true;
    }
    if (rc == BM_OK && (n == 0 || !bm_rd_end(&list)))
        return wrong(fail, "has malformed statements, or none");
    return rc;
}

/* ---- certificates ---- */

static void
key_note(struct bm_attested *attested, struct bm_bytes spki)
{
    bm_sha256(attested->keys[attested->nkeys++], spki);
}

/* A certificate that we cannot read is somebody else's label. */
static void
choice_parse(struct bm_attested *attested, struct bm_rd *list)
{
    struct bm_fail ignored;
    struct bm_cert cert;
    struct bm_bytes oid, der;
    struct bm_rd in;

    if (bm_der_peek(list, BM_DER_SEQUENCE)) {
        der = bm_der_raw(list, BM_DER_SEQUENCE);
        attested->test |= bm_cert_test_mark(der);
        if (bm_cert_parse(&cert, der, &ignored) == BM_OK)
            key_note(attested, bm_key_spki(&cert.key));
        return;
    }
    in = bm_der_enter(list, TAG_OTHER);
    oid = bm_der_take(&in, BM_DER_OID);
    if (bm_der_oid_is(oid, oid_key, sizeof(oid_key)))
        key_note(attested, bm_der_raw(&in, BM_DER_SEQUENCE));
    else
        (void)bm_der_any(&in, NULL);
    if (!bm_rd_end(&in))
        list->bad = true;
}

static enum bm_rc
certs_parse(struct bm_attested *attested, struct bm_rd list, struct bm_fail *fail)
{
    size_t n = 0;

    for (; n < BM_MAX_ATTESTED_KEYS && list.left > 0 && !list.bad; n++)
        choice_parse(attested, &list);
    if (n == 0 || !bm_rd_end(&list))
        return wrong(fail, "has malformed certificates, none in their list, or more than eight");
    return BM_OK;
}

/* ---- the attribute ---- */

static enum bm_rc
bundle_parse(struct bm_attested *attested, struct bm_rd *values, struct bm_fail *fail)
{
    struct bm_rd bundle = bm_der_enter(values, BM_DER_SEQUENCE), list = bm_der_enter(&bundle, BM_DER_SEQUENCE);
    enum bm_rc rc;

    if (!bm_rd_end(values))
        return wrong(fail, "is not one AttestationBundle");
    if ((rc = statements_parse(attested, list, fail)) != BM_OK)
        return rc;
    if (bundle.left > 0) {
        list = bm_der_enter(&bundle, BM_DER_SEQUENCE);
        if ((rc = certs_parse(attested, list, fail)) != BM_OK)
            return rc;
    }
    return bm_rd_end(&bundle) ? BM_OK : wrong(fail, "is not one AttestationBundle");
}

enum bm_rc
bm_attested_parse(struct bm_attested *ret_attested, const struct bm_csr *csr, struct bm_fail *fail)
{
    struct bm_attested attested = { .present = false };
    struct bm_rd attributes = bm_rd(csr->attributes);
    enum bm_rc rc;

    while (attributes.left > 0 && !attributes.bad) {
        struct bm_rd in = bm_der_enter(&attributes, BM_DER_SEQUENCE), values;
        struct bm_bytes oid = bm_der_take(&in, BM_DER_OID);

        values = bm_der_enter(&in, BM_DER_SET);
        if (!bm_der_oid_is(oid, oid_attestation, sizeof(oid_attestation)))
            continue;
        if (attested.present)
            return wrong(fail, "is there twice");
        attested.present = true;
        if ((rc = bundle_parse(&attested, &values, fail)) != BM_OK)
            return rc;
    }
    if (!bm_rd_end(&attributes))
        return wrong(fail, "stands among attributes that are not DER");
    *ret_attested = attested;
    return BM_OK;
}

enum bm_rc
bm_attested_take(struct bm_attested *ret_attested, const struct bm_csr *csr, struct bm_fail *fail)
{
    struct bm_attested attested;
    enum bm_rc rc = bm_attested_parse(&attested, csr, fail);

    if (rc != BM_OK)
        return rc;
    if (!attested.present)
        return bm_fail(fail, BM_EINPUT, NULL, "nothing speaks for the request: it has no attestation, and no root key signed it");
    if (attested.attest.n == 0)
        return wrong(fail, "has no statement of a kind that we read, and nothing else speaks for the request: send one by TPM2_Certify");
    if (attested.nkeys == 0)
        return wrong(fail, "does not name the attestation key: put its certificate, or the key itself, into certs");
    *ret_attested = attested;
    return BM_OK;
}

void
bm_attested_build(struct bm_buf *buf, struct bm_bytes attest, struct bm_bytes signature, struct bm_bytes area, struct bm_bytes spki)
{
    const size_t attribute = bm_der_begin(buf, BM_DER_SEQUENCE);
    size_t values, bundle, list, in, stmt;

    bm_der_add(buf, BM_DER_OID, BM_OID(oid_attestation));
    values = bm_der_begin(buf, BM_DER_SET);
    bundle = bm_der_begin(buf, BM_DER_SEQUENCE);
    list = bm_der_begin(buf, BM_DER_SEQUENCE);
    in = bm_der_begin(buf, BM_DER_SEQUENCE);
    bm_der_add(buf, BM_DER_OID, BM_OID(oid_tpm_certify));
    stmt = bm_der_begin(buf, BM_DER_SEQUENCE);
    bm_der_add(buf, BM_DER_OCTET_STRING, attest);
    bm_der_add(buf, BM_DER_OCTET_STRING, signature);
    bm_der_add(buf, BM_DER_OCTET_STRING, area);
    bm_der_end(buf, stmt);
    bm_der_end(buf, in);
    bm_der_end(buf, list);
    list = bm_der_begin(buf, BM_DER_SEQUENCE);
    in = bm_der_begin(buf, TAG_OTHER);
    bm_der_add(buf, BM_DER_OID, BM_OID(oid_key));
    bm_buf_add_bytes(buf, spki);
    bm_der_end(buf, in);
    bm_der_end(buf, list);
    bm_der_end(buf, bundle);
    bm_der_end(buf, values);
    bm_der_end(buf, attribute);
}
