/* soft_tpm.h - a TPM's structures made by software keys, so that a test can make every wrong one. */
#ifndef BM_TEST_EVIDENCE_SOFT_TPM_H
#define BM_TEST_EVIDENCE_SOFT_TPM_H

#include "kit.h"

#define SOFT_AK 0x00050072u /* fixedTPM fixedParent sensitiveDataOrigin userWithAuth restricted sign */
#define SOFT_OP 0x00040072u /* the same, not restricted */

/* TPMT_PUBLIC of a P-256 key, nameAlg SHA-256. */
static inline void
soft_public(struct bm_buf *area, const struct bm_key *key, uint32_t attributes)
{
    const uint8_t *point = key->spki + key->at_bits;
    const bool restricted = (attributes & 1u << 16) != 0;

    assert_int_equal(key->alg, BM_KEY_P256);
    bm_buf_add_u16(area, 0x0023);
    bm_buf_add_u16(area, 0x000b);
    bm_buf_add_u32(area, attributes);
    bm_buf_add_u16(area, 0);
    bm_buf_add_u16(area, 0x0010);
    bm_buf_add_u16(area, restricted ? 0x0018 : 0x0010);
    if (restricted)
        bm_buf_add_u16(area, 0x000b);
    bm_buf_add_u16(area, 0x0003);
    bm_buf_add_u16(area, 0x0010);
    bm_buf_add_lv16(area, bm_bytes(point + 1, 32));
    bm_buf_add_lv16(area, bm_bytes(point + 33, 32));
    assert_false(area->bad);
}

/* What differs from what TPM2_Certify makes. */
struct soft_attest {
    uint32_t magic;
    uint16_t type;
    struct bm_bytes extra, name;
};

static inline struct soft_attest
soft_certify(const struct bm_tpm_public *key, struct bm_bytes extra)
{
    return (struct soft_attest){ .magic = 0xff544347, .type = 0x8017, .extra = extra, .name = bm_bytes(key->name, key->nname) };
}

static inline void
soft_attest_build(struct bm_buf *buf, const struct soft_attest *in)
{
    bm_buf_add_u32(buf, in->magic);
    bm_buf_add_u16(buf, in->type);
    bm_buf_add_lv16(buf, bm_bytes_str("a qualified signer's name"));
    bm_buf_add_lv16(buf, in->extra);
    bm_buf_add_u64(buf, 1234567);
    bm_buf_add_u32(buf, 1);
    bm_buf_add_u32(buf, 2);
    bm_buf_add_u8(buf, 1);
    bm_buf_add_u64(buf, 0x2019102300163636);
    bm_buf_add_lv16(buf, in->name);
    bm_buf_add_lv16(buf, bm_bytes_str("a qualified name"));
    assert_false(buf->bad);
}

/* TPMT_SIGNATURE, ECDSA with SHA-256. */
static inline void
soft_sign(struct bm_buf *buf, struct bm_private *key, struct bm_bytes bytes)
{
    KIT_BUF(der);
    struct bm_rd rd, in;

    assert_ok(bm_private_sign(key, bytes, &der, &kit_fail));
    rd = bm_rd(bm_buf_bytes(&der));
    in = bm_der_enter(&rd, BM_DER_SEQUENCE);
    bm_buf_add_u16(buf, 0x0018);
    bm_buf_add_u16(buf, 0x000b);
    bm_buf_add_lv16(buf, bm_der_positive(&in));
    bm_buf_add_lv16(buf, bm_der_positive(&in));
    assert_true(bm_rd_end(&in) && !buf->bad);
}

#endif
