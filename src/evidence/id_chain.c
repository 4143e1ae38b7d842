#include "evidence/id_chain.h"

#include "pki/oid.h"
#include "wire/der.h"

/* The subject's one commonName; empty when it has none, or two. */
static struct bm_bytes
common_name(struct bm_bytes subject)
{
    struct bm_rd outer = bm_rd(subject), rdns = bm_der_enter(&outer, BM_DER_SEQUENCE);
    struct bm_bytes name = { 0 };
    size_t n = 0;

    while (!rdns.bad && rdns.left > 0) {
        struct bm_rd set = bm_der_enter(&rdns, BM_DER_SET);

        while (!set.bad && set.left > 0) {
            struct bm_rd attribute = bm_der_enter(&set, BM_DER_SEQUENCE);
            bool cn = bm_bytes_equal(bm_der_take(&attribute, BM_DER_OID), BM_OID(bm_oid_cn));
            bool printable = bm_der_peek(&attribute, BM_DER_PRINTABLE);
            struct bm_bytes value = bm_der_take(&attribute, printable ? BM_DER_PRINTABLE : BM_DER_UTF8);

            if (cn && n++ == 0)
                name = value;
        }
    }
    return n == 1 ? name : bm_bytes(NULL, 0);
}

/* "sn" and upper-case hex, as Microchip names its chips' certificates; its lists write the same id in lower case. */
static bool
microchip_sn(char ret_id[static BM_MAX_ID + 1], struct bm_bytes name)
{
    size_t n = name.n - 2;

    if (name.n < 4 || n > BM_MAX_ID || n % 2 != 0 || memcmp(name.p, "sn", 2) != 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = (char)name.p[2 + i];

        if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'F'))
            return false;
        ret_id[i] = (char)(c >= 'A' ? c - 'A' + 'a' : c);
    }
    ret_id[n] = 0;
    return true;
}

enum bm_rc
bm_id_extract(char ret_id[static BM_MAX_ID + 1], enum bm_id_rule rule, const struct bm_cert *device, struct bm_fail *fail)
{
    char id[BM_MAX_ID + 1];

    if (rule != BM_ID_RULE_MICROCHIP_SN || !microchip_sn(id, common_name(device->subject)))
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "the device's certificate does not name its chip by one common name of \"sn\" and upper-case hexadecimal: send the "
                       "chip's own certificate first");
    memcpy(ret_id, id, sizeof(id));
    return BM_OK;
}

static enum bm_rc
root_check(const struct bm_leaf *leaf, struct bm_bytes root, struct bm_fail *fail)
{
    uint8_t hash[BM_HASH];

    bm_sha256(hash, root);
    if (memcmp(hash, leaf->vendor_root, BM_HASH) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "the certificates of chip %s do not end in the root that its lot names: send all of them, the vendor's root last",
                       leaf->id);
    return BM_OK;
}

enum bm_rc
bm_id_chain_check(struct bm_key *ret_key, const struct bm_leaf *leaf, const struct bm_bytes *chain, size_t n, struct bm_fail *fail)
{
    struct bm_certs between, anchors;
    char id[BM_MAX_ID + 1];
    struct bm_cert device;
    enum bm_rc rc;

    if (n < 2)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "chip %s is listed by its id alone, without a root key: send its certificate and those up to the vendor's root",
                       leaf->id);
    if ((rc = bm_cert_parse(&device, chain[0], fail)) != BM_OK || (rc = bm_id_extract(id, leaf->rule, &device, fail)) != BM_OK)
        return rc;
    if (strcmp(id, leaf->id) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "the device's certificate is that of chip %s and not of %s", id, leaf->id);
    if ((rc = root_check(leaf, chain[n - 1], fail)) != BM_OK)
        return rc;
    between = (struct bm_certs){ .der = chain + 1, .n = n - 2 };
    anchors = (struct bm_certs){ .der = chain + n - 1, .n = 1 };
    if ((rc = bm_path_check(chain[0], between, anchors, device.not_before, fail)) != BM_OK) {
        bm_fail_prefix(fail, "the certificate of chip %s", leaf->id);
        return rc;
    }
    *ret_key = device.key;
    return BM_OK;
}

/* Among these the certificate with this subject; empty when there is none. */
static struct bm_bytes
by_subject(struct bm_bytes certificates, struct bm_bytes subject, struct bm_cert *ret)
{
    struct bm_rd rd = bm_rd(certificates);
    struct bm_fail ignored = { 0 };

    while (!rd.bad && rd.left > 0) {
        struct bm_bytes der = bm_der_raw(&rd, BM_DER_SEQUENCE);

        if (!rd.bad && bm_cert_parse(ret, der, &ignored) == BM_OK && bm_bytes_equal(ret->subject, subject))
            return der;
    }
    return bm_bytes(NULL, 0);
}

size_t
bm_id_chain_arrange(struct bm_bytes ret_chain[static BM_MAX_CHAIN], struct bm_bytes first, struct bm_bytes certificates)
{
    struct bm_fail ignored = { 0 };
    struct bm_bytes der = first;
    struct bm_cert cert;
    size_t n = 0;

    if (bm_cert_parse(&cert, first, &ignored) != BM_OK)
        return 0;
    while (der.n > 0 && n < BM_MAX_CHAIN) {
        ret_chain[n++] = der;
        if (bm_bytes_equal(cert.issuer, cert.subject))
            break;
        der = by_subject(certificates, cert.issuer, &cert);
    }
    return n;
}
