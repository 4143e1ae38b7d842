#include "pki/cert.h"

#include "pki/name.h"
#include "pki/oid.h"
#include "pki/sigalg.h"
#include "wire/der.h"

#define MAX_EXTENSIONS 32 /* endorsement certificates have up to ten */

struct extension {
    struct bm_bytes oid;
    bool critical;
    struct bm_bytes value;
};

/* Extension ::= SEQUENCE { OID, critical BOOLEAN DEFAULT FALSE, OCTET STRING }. A FALSE that is spelled out passes: vendors write it. */
static struct extension
extension_take(struct bm_rd *rd)
{
    struct bm_rd in = bm_der_enter(rd, BM_DER_SEQUENCE);
    struct extension extension = { .oid = bm_der_take(&in, BM_DER_OID) };

    if (bm_der_peek(&in, BM_DER_BOOLEAN))
        extension.critical = bm_der_boolean(&in);
    extension.value = bm_der_take(&in, BM_DER_OCTET_STRING);
    if (!bm_rd_end(&in) || extension.oid.n == 0)
        *rd = (struct bm_rd){ .bad = true };
    return extension;
}

/* Well-formed, not too many, and none twice: with two of a kind two readers may see two certificates. */
static bool
extensions_ok(struct bm_bytes extensions)
{
    struct bm_rd rd = bm_rd(extensions);
    struct bm_bytes seen[MAX_EXTENSIONS];
    size_t n = 0;

    while (!bm_rd_end(&rd)) {
        struct extension extension = extension_take(&rd);

        if (rd.bad || n == MAX_EXTENSIONS)
            return false;
        /* req: RFC5280 4.2 no extension twice */
        for (size_t i = 0; i < n; i++)
            if (bm_bytes_equal(seen[i], extension.oid))
                return false;
        seen[n++] = extension.oid;
    }
    return n > 0;
}

struct bm_bytes
bm_cert_extension(const struct bm_cert *cert, struct bm_bytes oid, bool *ret_critical)
{
    struct bm_rd rd = bm_rd(cert->extensions);

    while (!bm_rd_end(&rd)) {
        struct extension extension = extension_take(&rd);

        if (rd.bad)
            break;
        if (bm_bytes_equal(extension.oid, oid)) {
            if (ret_critical != NULL)
                *ret_critical = extension.critical;
            return extension.value;
        }
    }
    return bm_bytes(NULL, 0);
}

/* [3] { SEQUENCE OF Extension }, then the two key identifiers out of it. */
static bool
extensions_parse(struct bm_cert *cert, struct bm_rd *tbs)
{
    struct bm_rd outer = bm_der_enter(tbs, BM_DER_CONTEXT_CONSTRUCTED(3)), rd, in;
    struct bm_bytes value;

    cert->extensions = bm_der_take(&outer, BM_DER_SEQUENCE);
    if (!bm_rd_end(&outer) || !extensions_ok(cert->extensions))
        return false;
    value = bm_cert_extension(cert, BM_OID(bm_oid_ski), NULL);
    if (value.n > 0) {
        rd = bm_rd(value);
        cert->ski = bm_der_take(&rd, BM_DER_OCTET_STRING);
        if (!bm_rd_end(&rd))
            return false;
    }
    value = bm_cert_extension(cert, BM_OID(bm_oid_aki), NULL);
    if (value.n > 0) {
        rd = bm_rd(value);
        in = bm_der_enter(&rd, BM_DER_SEQUENCE);
        if (bm_der_peek(&in, BM_DER_CONTEXT(0)))
            cert->aki = bm_der_take(&in, BM_DER_CONTEXT(0));
        if (in.bad || !bm_rd_end(&rd))
            return false;
    }
    return true;
}

static enum bm_rc
tbs_parse(struct bm_cert *cert, struct bm_rd tbs, struct bm_bytes alg, struct bm_fail *fail)
{
    struct bm_rd version = bm_der_enter(&tbs, BM_DER_CONTEXT_CONSTRUCTED(0)), validity;
    uint64_t v = bm_der_uint(&version, BM_DER_INTEGER);
    struct bm_bytes inner, spki;

    cert->serial = bm_der_positive(&tbs);
    inner = bm_der_raw(&tbs, BM_DER_SEQUENCE);
    cert->issuer = bm_name_take(&tbs);
    validity = bm_der_enter(&tbs, BM_DER_SEQUENCE);
    cert->not_before = bm_der_time(&validity);
    cert->not_after = bm_der_time(&validity);
    cert->subject = bm_name_take(&tbs);
    spki = bm_der_raw(&tbs, BM_DER_SEQUENCE);
    if (tbs.bad || !bm_rd_end(&version) || !bm_rd_end(&validity))
        return bm_fail(fail, BM_EINPUT, "RFC 5280 4.1", "the certificate is not in DER as X.509 wants it");
    if (v != 2 || cert->serial.n > BM_MAX_SERIAL)
        return bm_fail(fail, BM_EINPUT, "RFC 5280 4.1.2",
                       "the certificate is not of version 3, or its serial number is longer than 20 octets");
    /* req: RFC5280 4.1.1.2 the algorithm that is signed is the algorithm that is named */
    if (!bm_bytes_equal(inner, alg))
        return bm_fail(fail, BM_EINPUT, "RFC 5280 4.1.1.2", "the certificate names two signature algorithms");
    if ((tbs.left > 0 && !extensions_parse(cert, &tbs)) || !bm_rd_end(&tbs))
        return bm_fail(fail, BM_EINPUT, "RFC 5280 4.2", "the certificate's extensions are malformed, too many or repeated");
    return bm_key_parse(&cert->key, spki, fail);
}

enum bm_rc
bm_cert_parse(struct bm_cert *ret_cert, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_rd outer = bm_rd(der), in, tbs;
    struct bm_cert cert = { .der = der };
    struct bm_bytes alg;
    enum bm_rc rc;

    if (der.n > BM_MAX_CERT)
        return bm_fail(fail, BM_EINPUT, NULL, "the certificate is %zu bytes long, more than %d", der.n, BM_MAX_CERT);
    in = bm_der_enter(&outer, BM_DER_SEQUENCE);
    cert.tbs = bm_der_raw(&in, BM_DER_SEQUENCE);
    alg = bm_der_raw(&in, BM_DER_SEQUENCE);
    cert.signature = bm_der_bits(&in);
    if (!bm_rd_end(&in) || !bm_rd_end(&outer))
        return bm_fail(fail, BM_EINPUT, "RFC 5280 4.1", "the certificate is not one X.509 certificate in DER");
    outer = bm_rd(cert.tbs);
    tbs = bm_der_enter(&outer, BM_DER_SEQUENCE);
    if ((rc = tbs_parse(&cert, tbs, alg, fail)) != BM_OK || (rc = bm_sig_alg_parse_foreign(&cert.alg, alg, fail)) != BM_OK)
        return rc;
    *ret_cert = cert;
    return BM_OK;
}

enum bm_rc
bm_cert_signed_by(struct bm_crypto *crypto, const struct bm_cert *cert, const struct bm_cert *issuer, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (!bm_bytes_equal(cert->issuer, issuer->subject))
        return bm_fail(fail, BM_EPOLICY, "RFC 5280 6.1.3", "the certificate names another issuer");
    if ((rc = bm_key_verify(crypto, &issuer->key, cert->alg, cert->tbs, cert->signature, fail)) != BM_OK)
        bm_fail_prefix(fail, "the certificate");
    return rc;
}
