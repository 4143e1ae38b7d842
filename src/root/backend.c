#include "root/backend.h"

#include "wire/der.h"

#include <stdlib.h>

static const uint8_t oid_ec[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
static const uint8_t oid_p256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t oid_p384[] = { 0x2b, 0x81, 0x04, 0x00, 0x22 };
static const uint8_t oid_rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };

static enum bm_rc
spki_parse(struct bm_key *ret_key, struct bm_buf *spki, struct bm_fail *fail)
{
    enum bm_rc rc = bm_buf_check(spki, "the public key", fail);

    return rc != BM_OK ? rc : bm_key_parse(ret_key, bm_buf_bytes(spki), fail);
}

enum bm_rc
bm_key_from_point(struct bm_key *ret_key, struct bm_bytes point, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf spki = { .max = BM_MAX_SPKI };
    bool p256 = point.n == 1 + 2 * BM_P256;
    size_t outer, inner;

    if (!p256 && point.n != 1 + 2 * 48)
        return bm_fail(fail, BM_EPOLICY, NULL, "the hardware's key is on a curve that we do not take: use P-256");
    outer = bm_der_begin(&spki, BM_DER_SEQUENCE);
    inner = bm_der_begin(&spki, BM_DER_SEQUENCE);
    bm_der_add(&spki, BM_DER_OID, bm_bytes(oid_ec, sizeof(oid_ec)));
    bm_der_add(&spki, BM_DER_OID, p256 ? bm_bytes(oid_p256, sizeof(oid_p256)) : bm_bytes(oid_p384, sizeof(oid_p384)));
    bm_der_end(&spki, inner);
    bm_der_add_bits(&spki, point);
    bm_der_end(&spki, outer);
    return spki_parse(ret_key, &spki, fail);
}

enum bm_rc
bm_key_from_modulus(struct bm_key *ret_key, struct bm_bytes modulus, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf rsa = { .max = BM_MAX_SPKI };
    bm_cleanup(bm_buf_done) struct bm_buf spki = { .max = BM_MAX_SPKI };
    size_t outer, inner;

    outer = bm_der_begin(&rsa, BM_DER_SEQUENCE);
    bm_der_add_positive(&rsa, modulus);
    bm_der_add_uint(&rsa, BM_DER_INTEGER, 65537);
    bm_der_end(&rsa, outer);
    outer = bm_der_begin(&spki, BM_DER_SEQUENCE);
    inner = bm_der_begin(&spki, BM_DER_SEQUENCE);
    bm_der_add(&spki, BM_DER_OID, bm_bytes(oid_rsa, sizeof(oid_rsa)));
    bm_der_add_null(&spki);
    bm_der_end(&spki, inner);
    bm_der_add_bits(&spki, bm_buf_bytes(&rsa));
    bm_der_end(&spki, outer);
    return spki_parse(ret_key, &spki, fail);
}

void
bm_ecdsa_add(struct bm_buf *buf, struct bm_bytes r, struct bm_bytes s)
{
    size_t at = bm_der_begin(buf, BM_DER_SEQUENCE);

    bm_der_add_positive(buf, r);
    bm_der_add_positive(buf, s);
    bm_der_end(buf, at);
}

static int
name_order(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum bm_rc
bm_names_add(struct bm_buf *buf, const char *const *names, size_t n, struct bm_fail *fail)
{
    const char *sorted[BM_MAX_SERVICES * 2];

    if (n > BM_COUNT(sorted))
        return bm_fail(fail, BM_EPOLICY, NULL, "the root holds more than %zu identities", BM_COUNT(sorted));
    memcpy(sorted, names, n * sizeof(*names));
    qsort(sorted, n, sizeof(*sorted), name_order);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(sorted[i], sorted[i - 1]) != 0)
            bm_buf_add_fmt(buf, "%s\n", sorted[i]);
    }
    return bm_buf_check(buf, "the list of services", fail);
}
