#include "pki/raw.h"

#include "pki/oid.h"
#include "wire/der.h"

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

    if (!p256 && point.n != 1 + 2 * BM_P384)
        return bm_fail(fail, BM_EPOLICY, NULL, "the hardware's key is on a curve that we do not take: use P-256");
    outer = bm_der_begin(&spki, BM_DER_SEQUENCE);
    inner = bm_der_begin(&spki, BM_DER_SEQUENCE);
    bm_der_add(&spki, BM_DER_OID, BM_OID(bm_oid_ec_public_key));
    bm_der_add(&spki, BM_DER_OID, p256 ? BM_OID(bm_oid_p256) : BM_OID(bm_oid_p384));
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
    bm_der_add(&spki, BM_DER_OID, BM_OID(bm_oid_rsa));
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
