/* cert_loose.c - certificates whose makers erred: what can be read of them all the same (cert.h). */
#include "pki/cert.h"

#include "wire/der.h"

#define MAX_EXTENSIONS 32

static const uint8_t oid_basic[] = { 0x55, 0x1d, 0x13 }, oid_usage[] = { 0x55, 0x1d, 0x0f };

/* Definite lengths in up to four octets, fewest or not (X.690 8.1.3.5). The whole element; ret_content what is in it. */
static struct bm_bytes
loose_take(struct bm_rd *rd, unsigned tag, struct bm_bytes *ret_content)
{
    const uint8_t *start = rd->p;
    size_t n, octets;

    *ret_content = bm_bytes(NULL, 0);
    if (!bm_der_peek(rd, tag))
        rd->bad = true;
    (void)bm_rd_u8(rd);
    n = bm_rd_u8(rd);
    octets = n & 0x7f;
    if (n >= 0x80) {
        if (octets == 0 || octets > 4)
            *rd = (struct bm_rd){ .bad = true };
        for (n = 0; octets > 0 && !rd->bad; octets--)
            n = n << 8 | bm_rd_u8(rd);
    }
    *ret_content = bm_rd_take(rd, n);
    if (rd->bad)
        return bm_bytes(NULL, 0);
    return bm_bytes(start, (size_t)(ret_content->p - start) + ret_content->n);
}

static struct bm_rd
loose_enter(struct bm_rd *rd, unsigned tag)
{
    struct bm_bytes content;

    (void)loose_take(rd, tag, &content);
    return (struct bm_rd){ .p = content.p, .left = content.n, .bad = rd->bad };
}

struct extension {
    struct bm_bytes oid, value;
    bool critical;
};

static struct extension
extension_take(struct bm_rd *rd)
{
    struct extension extension = { .critical = false };
    struct bm_rd in = loose_enter(rd, BM_DER_SEQUENCE);
    struct bm_bytes flag;

    (void)loose_take(&in, BM_DER_OID, &extension.oid);
    if (bm_der_peek(&in, BM_DER_BOOLEAN)) {
        (void)loose_take(&in, BM_DER_BOOLEAN, &flag);
        extension.critical = flag.n == 1 && flag.p[0] != 0;
    }
    (void)loose_take(&in, BM_DER_OCTET_STRING, &extension.value);
    if (!bm_rd_end(&in) || extension.oid.n == 0)
        *rd = (struct bm_rd){ .bad = true };
    return extension;
}

static bool
extensions_ok(struct bm_bytes extensions)
{
    struct bm_rd rd = bm_rd(extensions);
    struct bm_bytes seen[MAX_EXTENSIONS];

    for (size_t n = 0; !bm_rd_end(&rd); n++) {
        struct extension extension = extension_take(&rd);

        if (rd.bad || n == MAX_EXTENSIONS)
            return false;
        for (size_t i = 0; i < n; i++)
            if (bm_bytes_equal(seen[i], extension.oid))
                return false;
        seen[n] = extension.oid;
    }
    return true;
}

struct bm_bytes
bm_cert_loose_extension(const struct bm_cert_loose *cert, struct bm_bytes oid, bool *ret_critical)
{
    struct bm_rd rd = bm_rd(cert->extensions);

    while (!bm_rd_end(&rd)) {
        struct extension extension = extension_take(&rd);

        if (rd.bad)
            break;
        if (!bm_bytes_equal(extension.oid, oid))
            continue;
        if (ret_critical != NULL)
            *ret_critical = extension.critical;
        return extension.value;
    }
    return bm_bytes(NULL, 0);
}

struct bm_bytes
bm_cert_loose_critical(const struct bm_cert_loose *cert, const struct bm_bytes *known, size_t n)
{
    struct bm_rd rd = bm_rd(cert->extensions);

    while (!bm_rd_end(&rd)) {
        struct extension extension = extension_take(&rd);
        bool is_known = !extension.critical;

        if (rd.bad)
            break;
        for (size_t i = 0; i < n && !is_known; i++)
            is_known = bm_bytes_equal(known[i], extension.oid);
        if (!is_known)
            return extension.oid;
    }
    return bm_bytes(NULL, 0);
}

bool
bm_cert_loose_is_ca(const struct bm_cert_loose *cert)
{
    struct bm_bytes usage = bm_cert_loose_extension(cert, bm_bytes(oid_usage, sizeof(oid_usage)), NULL), bits;
    struct bm_rd rd = bm_rd(bm_cert_loose_extension(cert, bm_bytes(oid_basic, sizeof(oid_basic)), NULL));
    struct bm_rd in = loose_enter(&rd, BM_DER_SEQUENCE);

    if (!bm_der_peek(&in, BM_DER_BOOLEAN) || !bm_der_boolean(&in))
        return false;
    if (usage.n == 0)
        return true;
    /* BIT STRING: the count of unused bits, then keyCertSign (5) in the first octet */
    rd = bm_rd(usage);
    (void)loose_take(&rd, BM_DER_BIT_STRING, &bits);
    return bits.n >= 2 && (bits.p[1] & 0x04) != 0;
}

static void
tbs_take(struct bm_cert_loose *cert)
{
    struct bm_rd rd = bm_rd(cert->tbs), tbs = loose_enter(&rd, BM_DER_SEQUENCE), in;
    struct bm_bytes content;

    if (bm_der_peek(&tbs, BM_DER_CONTEXT_CONSTRUCTED(0)))
        (void)loose_take(&tbs, BM_DER_CONTEXT_CONSTRUCTED(0), &content);
    (void)loose_take(&tbs, BM_DER_INTEGER, &content);
    (void)loose_take(&tbs, BM_DER_SEQUENCE, &content);
    cert->issuer = loose_take(&tbs, BM_DER_SEQUENCE, &content);
    in = loose_enter(&tbs, BM_DER_SEQUENCE);
    cert->not_before = bm_der_time(&in);
    cert->not_after = bm_der_time(&in);
    if (!bm_rd_end(&in))
        tbs = (struct bm_rd){ .bad = true };
    cert->subject = loose_take(&tbs, BM_DER_SEQUENCE, &content);
    cert->spki = loose_take(&tbs, BM_DER_SEQUENCE, &content);
    for (unsigned tag = 1; tag <= 2; tag++) /* issuerUniqueID, subjectUniqueID: of X.509 v2, and of nobody's certificates */
        if (bm_der_peek(&tbs, BM_DER_CONTEXT(tag)))
            (void)loose_take(&tbs, BM_DER_CONTEXT(tag), &content);
    if (bm_der_peek(&tbs, BM_DER_CONTEXT_CONSTRUCTED(3))) {
        in = loose_enter(&tbs, BM_DER_CONTEXT_CONSTRUCTED(3));
        (void)loose_take(&in, BM_DER_SEQUENCE, &cert->extensions);
        if (!bm_rd_end(&in))
            tbs = (struct bm_rd){ .bad = true };
    }
    if (!bm_rd_end(&tbs) || !extensions_ok(cert->extensions))
        cert->tbs.n = 0;
}

enum bm_rc
bm_cert_loose_parse(struct bm_cert_loose *ret_cert, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_cert_loose cert = { .der = der };
    struct bm_rd outer = bm_rd(der), in;
    struct bm_bytes bits = { NULL, 0 }, content;

    if (der.n > BM_MAX_CERT)
        return bm_fail(fail, BM_EINPUT, NULL, "the certificate is %zu bytes long, more than %d", der.n, BM_MAX_CERT);
    in = loose_enter(&outer, BM_DER_SEQUENCE);
    cert.tbs = loose_take(&in, BM_DER_SEQUENCE, &content);
    cert.alg = loose_take(&in, BM_DER_SEQUENCE, &content);
    (void)loose_take(&in, BM_DER_BIT_STRING, &bits);
    if (bm_rd_end(&in) && bm_rd_end(&outer) && bits.n > 1 && bits.p[0] == 0)
        tbs_take(&cert);
    else
        cert.tbs.n = 0;
    if (cert.tbs.n == 0)
        return bm_fail(fail, BM_EINPUT, "RFC 5280 4.1", "this cannot be read as a certificate, even with errors allowed for");
    cert.signature = bm_bytes(bits.p + 1, bits.n - 1);
    *ret_cert = cert;
    return BM_OK;
}

/* X.690 11.6: as octet strings, the shorter one padded with zeros. */
static bool
in_order(struct bm_bytes a, struct bm_bytes b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n == 0 ? 0 : memcmp(a.p, b.p, n);

    return order < 0 || (order == 0 && a.n <= b.n);
}

bool
bm_name_in_order(struct bm_bytes name)
{
    struct bm_rd rd = bm_rd(name), rdns = loose_enter(&rd, BM_DER_SEQUENCE);

    while (!bm_rd_end(&rdns)) {
        struct bm_rd set = loose_enter(&rdns, BM_DER_SET);
        struct bm_bytes last = { NULL, 0 }, content;

        while (!bm_rd_end(&set)) {
            struct bm_bytes one = loose_take(&set, BM_DER_SEQUENCE, &content);

            if (set.bad || !in_order(last, one))
                return false;
            last = one;
        }
    }
    return bm_rd_end(&rd);
}
