#include "evidence/cmc_inside.h"

#define CMS_VERSION 3      /* RFC 5652 5.1: an eContentType other than id-data */
#define SIGNER_BY_ISSUER 1 /* RFC 5652 5.3 */
#define SIGNER_BY_SKI 3
#define MAX_ATTRS 16         /* openssl writes four */
#define MAX_ATTRS_BYTES 4096 /* openssl writes 227 */
#define MAX_SKI 64

/* What the outside says, before it is put together. */
struct signer {
    uint64_t version;
    struct bm_bytes ski, issuer, serial;
    const struct bm_hash *hash;
};

static enum bm_rc
wrong(struct bm_fail *fail, const char *cite, const char *what)
{
    return bm_fail(fail, BM_EINPUT, cite, "the CMC request %s", what);
}

/* AlgorithmIdentifier of a digest. req: RFC5754 2 parameters absent or NULL, both are met */
static const struct bm_hash *
digest_alg_take(struct bm_rd *rd)
{
    struct bm_rd in = bm_der_enter(rd, BM_DER_SEQUENCE);
    struct bm_bytes oid = bm_der_take(&in, BM_DER_OID);

    if (bm_der_peek(&in, BM_DER_NULL))
        bm_der_null(&in);
    return bm_rd_end(&in) ? bm_hash_by_oid(oid) : NULL;
}

/*
 * CMS writes plain RSA signatures as rsaEncryption, with the hash in digestAlgorithm alone (RFC 3370 3.2, RFC 5754 3.2); the rest of the world
 * names both in one identifier. Both are taken.
 */
static enum bm_rc
signature_alg_take(enum bm_sig_alg *ret_alg, struct bm_rd *rd, const struct bm_hash *hash, struct bm_fail *fail)
{
    struct bm_bytes whole = bm_der_raw(rd, BM_DER_SEQUENCE);
    struct bm_rd out = bm_rd(whole), in = bm_der_enter(&out, BM_DER_SEQUENCE);
    struct bm_bytes oid = bm_der_take(&in, BM_DER_OID);
    enum bm_rc rc;

    if (bm_bytes_equal(oid, BM_OID(bm_oid_rsa))) {
        bm_der_null(&in);
        *ret_alg = hash == bm_hash_by_sig(BM_SIG_RSA_SHA384) ? BM_SIG_RSA_SHA384 : BM_SIG_RSA_SHA256;
        if (!bm_rd_end(&in))
            return wrong(fail, "RFC 3370 3.2", "has an RSA signature algorithm without NULL parameters");
    } else if ((rc = bm_sig_alg_parse(ret_alg, whole, fail)) != BM_OK) {
        return rc;
    }
    /* req: RFC5652 5.4 the attributes hold the digest under digestAlgorithm; a weaker one than the signature's would be the weak link */
    if (hash != bm_hash_by_sig(*ret_alg))
        return wrong(fail, "RFC 5652 5.4", "has a digest algorithm that does not go with its signature algorithm");
    return BM_OK;
}

/* The one value of an attribute that must have one. */
static struct bm_bytes
single_value(struct bm_rd values, unsigned tag)
{
    struct bm_bytes v = bm_der_take(&values, tag);

    return bm_rd_end(&values) ? v : bm_bytes(NULL, 0);
}

/* signedAttrs: contentType and messageDigest, each once and with one value; anything else once. */
static enum bm_rc
attrs_parse(struct bm_cmc *cmc, struct bm_fail *fail)
{
    struct bm_rd out = bm_rd(cmc->signed_attrs), list = bm_der_enter(&out, BM_TAG_BODY);
    struct bm_bytes seen[MAX_ATTRS], type = { 0 };
    size_t n = 0;

    if (cmc->signed_attrs.n > MAX_ATTRS_BYTES)
        return wrong(fail, "RFC 5652 5.3", "has signed attributes of more than 4096 bytes");
    for (; !list.bad && list.left > 0; n++) {
        struct bm_rd attr = bm_der_enter(&list, BM_DER_SEQUENCE);
        struct bm_bytes oid = bm_der_take(&attr, BM_DER_OID);
        struct bm_rd values = bm_der_enter(&attr, BM_DER_SET);

        if (n == MAX_ATTRS || oid.n == 0 || !bm_rd_end(&attr))
            return wrong(fail, "RFC 5652 5.3", "has malformed signed attributes, or more than 16");
        /* req: RFC5652 5.3 each attribute at most once: a second messageDigest would leave open which one counts */
        for (size_t i = 0; i < n; i++)
            if (bm_bytes_equal(seen[i], oid))
                return wrong(fail, "RFC 5652 5.3", "has a signed attribute twice");
        seen[n] = oid;
        if (bm_bytes_equal(oid, BM_OID(bm_oid_content_type)))
            type = single_value(values, BM_DER_OID);
        else if (bm_bytes_equal(oid, BM_OID(bm_oid_message_digest)))
            cmc->digest = single_value(values, BM_DER_OCTET_STRING);
    }
    /* req: RFC5652 11.1 contentType is signed, and is the one of the content */
    if (!bm_rd_end(&list) || !bm_bytes_equal(type, BM_OID(bm_oid_pki_data)))
        return wrong(fail, "RFC 5652 11.1", "does not sign its content type as id-cct-PKIData");
    if (cmc->digest.n != bm_hash_by_sig(cmc->alg)->n)
        return wrong(fail, "RFC 5652 11.2", "does not sign one message digest of its algorithm's length");
    return BM_OK;
}

static void
sid_take(struct signer *signer, struct bm_rd *rd)
{
    struct bm_rd name;

    if (bm_der_peek(rd, BM_DER_CONTEXT(0))) {
        signer->ski = bm_der_take(rd, BM_DER_CONTEXT(0));
        return;
    }
    name = bm_der_enter(rd, BM_DER_SEQUENCE);
    signer->issuer = bm_der_raw(&name, BM_DER_SEQUENCE);
    signer->serial = bm_der_positive(&name);
    if (!bm_rd_end(&name))
        *rd = (struct bm_rd){ .bad = true };
}

/* SignerInfo, RFC 5652 5.3. */
static enum bm_rc
signer_parse(struct signer *signer, struct bm_cmc *cmc, struct bm_rd *rd, struct bm_fail *fail)
{
    struct bm_rd in = bm_der_enter(rd, BM_DER_SEQUENCE);
    const struct bm_hash *hash;
    enum bm_rc rc;

    signer->version = bm_der_uint(&in, BM_DER_INTEGER);
    sid_take(signer, &in);
    hash = digest_alg_take(&in);
    cmc->signed_attrs = bm_der_raw(&in, BM_TAG_BODY);
    /* req: RFC5652 5.3 version 3 goes with a key identifier, 1 with an issuer; and signedAttrs must be there for a content that is not id-data */
    if (in.bad || signer->version != (signer->ski.n > 0 ? SIGNER_BY_SKI : SIGNER_BY_ISSUER) || signer->ski.n > MAX_SKI)
        return wrong(fail, "RFC 5652 5.3", "is not signed as we read it: one signer, by key identifier or issuer, with signed attributes");
    if (hash == NULL || hash != signer->hash)
        return wrong(fail, "RFC 5652 5.1", "names two digest algorithms, or one that is not SHA-256, SHA-384 or SHA-512");
    if ((rc = signature_alg_take(&cmc->alg, &in, hash, fail)) != BM_OK)
        return rc;
    cmc->signature = bm_der_take(&in, BM_DER_OCTET_STRING);
    if (!bm_rd_end(&in) || cmc->signature.n == 0 || cmc->signature.n > BM_MAX_SIGNATURE)
        return wrong(fail, "RFC 5652 5.3", "has no signature that we read, or unsigned attributes, which we refuse");
    return attrs_parse(cmc, fail);
}

/* EncapsulatedContentInfo. */
static struct bm_bytes
content_take(struct bm_rd *rd)
{
    struct bm_rd in = bm_der_enter(rd, BM_DER_SEQUENCE), wrap;
    struct bm_bytes type = bm_der_take(&in, BM_DER_OID), content;

    wrap = bm_der_enter(&in, BM_TAG_BODY);
    content = bm_der_take(&wrap, BM_DER_OCTET_STRING);
    return bm_rd_end(&wrap) && bm_rd_end(&in) && bm_bytes_equal(type, BM_OID(bm_oid_pki_data)) ? content : bm_bytes(NULL, 0);
}

/* certificates [0] IMPLICIT: their shape only. */
static bool
certs_ok(struct bm_bytes certs)
{
    struct bm_rd rd = bm_rd(certs);
    size_t n = 0;

    for (; !rd.bad && rd.left > 0; n++)
        (void)bm_der_raw(&rd, BM_DER_SEQUENCE);
    return bm_rd_end(&rd) && n <= BM_CMC_CERTS;
}

struct bm_bytes
bm_cmc_cert_find(struct bm_bytes certificates, struct bm_bytes ski, struct bm_bytes issuer, struct bm_bytes serial)
{
    struct bm_rd rd = bm_rd(certificates);

    while (rd.left > 0) {
        struct bm_bytes der = bm_der_raw(&rd, BM_DER_SEQUENCE);
        struct bm_fail ignored = { 0 }; /* a certificate is a label here: one that we cannot read names nobody */
        struct bm_cert cert;

        if (bm_cert_parse(&cert, der, &ignored) != BM_OK)
            continue;
        if (ski.n > 0 ? bm_bytes_equal(cert.ski, ski) : bm_bytes_equal(cert.issuer, issuer) && bm_bytes_equal(cert.serial, serial))
            return der;
    }
    return bm_bytes(NULL, 0);
}

/* SignedData, RFC 5652 5.1. */
static enum bm_rc
signed_data_parse(struct bm_cmc *cmc, struct bm_rd *in, struct bm_fail *fail)
{
    uint64_t version = bm_der_uint(in, BM_DER_INTEGER);
    struct bm_rd algs = bm_der_enter(in, BM_DER_SET), signers;
    struct signer signer = { .hash = digest_alg_take(&algs) };
    struct bm_bytes certs = { 0 };
    bool ok = bm_rd_end(&algs) && version == CMS_VERSION;
    enum bm_rc rc;

    cmc->content = content_take(in);
    if (bm_der_peek(in, BM_TAG_BODY))
        certs = bm_der_take(in, BM_TAG_BODY);
    signers = bm_der_enter(in, BM_DER_SET);
    /* req: RFC5272 3.2.1 the content is a PKIData; its octets are inside, since nobody could find them elsewhere later */
    if (!ok || !bm_rd_end(in) || cmc->content.n == 0 || !certs_ok(certs))
        return wrong(fail, "RFC 5272 3.2.1", "is not a SignedData of version 3 around a PKIData with one digest algorithm and no CRLs");
    if ((rc = signer_parse(&signer, cmc, &signers, fail)) != BM_OK)
        return rc;
    if (!bm_rd_end(&signers))
        return wrong(fail, "RFC 5652 5.1", "has more than one signer");
    cmc->signer_ski = signer.ski;
    cmc->certs = certs;
    cmc->signer_cert = bm_cmc_cert_find(certs, signer.ski, signer.issuer, signer.serial);
    return BM_OK;
}

enum bm_rc
bm_cmc_parse(struct bm_cmc *ret_cmc, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(der), info = bm_der_enter(&rd, BM_DER_SEQUENCE), wrap, in;
    struct bm_bytes type = bm_der_take(&info, BM_DER_OID);
    struct bm_cmc cmc = { .der = der };
    enum bm_rc rc;

    if (der.n > BM_MAX_CMC)
        return wrong(fail, NULL, "is larger than 32768 bytes");
    wrap = bm_der_enter(&info, BM_TAG_BODY);
    in = bm_der_enter(&wrap, BM_DER_SEQUENCE);
    if (!bm_rd_end(&rd) || !bm_rd_end(&info) || !bm_rd_end(&wrap) || !bm_bytes_equal(type, BM_OID(bm_oid_cms_signed_data)))
        return wrong(fail, "RFC 5652 3", "is not a CMS SignedData in DER: make it with `openssl cms -sign -binary -nodetach -outform DER`");
    if ((rc = signed_data_parse(&cmc, &in, fail)) != BM_OK || (rc = bm_cmc_pki_data_parse(&cmc, fail)) != BM_OK)
        return rc;
    *ret_cmc = cmc;
    return BM_OK;
}
