#include "root/boot.h"

#include "pki/raw.h"
#include "wire/lines.h"
#include "wire/text.h"

#include <stdio.h>

/* TPM 2.0 Library part 2: TPM_ALG_ID, TPM_CC, TPM_ECC_CURVE, TPMA_OBJECT. */
#define ALG_SHA256 0x000b
#define ALG_NULL 0x0010
#define ALG_ECC 0x0023
#define CURVE_P256 0x0003
#define CC_POLICY_AUTHORIZE 0x16au
#define CC_POLICY_OR 0x171u
#define CC_POLICY_PCR 0x17fu
#define UPDATE_KEY_ATTRIBUTES 0x00040040u /* sign, userWithAuth: what a public key that was loaded from outside is given here */

static const uint8_t zeros[BM_HASH];

/* u32 PCRs, policy, u16 + n update key */
void
bm_bound_build(struct bm_buf *buf, const struct bm_bound *bound)
{
    if (bound->pcrs == 0)
        return;
    bm_buf_add_u32(buf, bound->pcrs);
    bm_buf_add(buf, bound->policy, BM_HASH);
    bm_buf_add_lv16(buf, bound->pinned ? bm_key_spki(&bound->update_key) : bm_bytes(NULL, 0));
}

enum bm_rc
bm_bound_parse(struct bm_bound *ret_bound, struct bm_bytes bytes, struct bm_fail *fail)
{
    struct bm_bound bound = { .pcrs = 0 };
    struct bm_rd rd = bm_rd(bytes);
    struct bm_bytes key;
    enum bm_rc rc;

    if (bytes.n == 0) {
        *ret_bound = bound;
        return BM_OK;
    }
    bound.pcrs = bm_rd_u32(&rd);
    bm_rd_copy(&rd, bound.policy, BM_HASH);
    key = bm_rd_lv16(&rd, BM_MAX_SPKI);
    if (!bm_rd_end(&rd) || bound.pcrs == 0 || bound.pcrs >> BM_PCRS != 0)
        return bm_fail(fail, BM_EINPUT, NULL, "what it is bound to is malformed");
    if ((bound.pinned = key.n > 0)) {
        if ((rc = bm_key_parse(&bound.update_key, key, fail)) != BM_OK)
            return rc;
        if (bound.update_key.alg != BM_KEY_P256)
            return bm_fail(fail, BM_EINPUT, NULL, "the update key is not on P-256");
    }
    *ret_bound = bound;
    return BM_OK;
}

/* H(0 || commandCode || TPML_PCR_SELECTION || H(values)): part 3, 23.7 */
void
bm_boot_policy(uint8_t ret[static BM_HASH], uint32_t pcrs, const uint8_t values[static BM_PCRS][BM_HASH])
{
    uint8_t all[BM_PCRS * BM_HASH], digest[BM_HASH], bytes[32];
    struct bm_buf command = bm_buf_in(bytes, sizeof(bytes));
    size_t n = 0;

    for (unsigned i = 0; i < BM_PCRS; i++) {
        if (pcrs >> i & 1) {
            memcpy(all + n, values[i], BM_HASH);
            n += BM_HASH;
        }
    }
    bm_sha256(digest, bm_bytes(all, n));
    bm_buf_add_u32(&command, CC_POLICY_PCR);
    bm_buf_add_u32(&command, 1); /* one bank */
    bm_buf_add_u16(&command, ALG_SHA256);
    bm_buf_add_u8(&command, 3); /* octets of the bit map, the first PCR in the lowest bit of the first */
    for (unsigned i = 0; i < 3; i++)
        bm_buf_add_u8(&command, (uint8_t)(pcrs >> 8 * i));
    bm_sha256_pieces(ret, (const struct bm_bytes[]){ bm_bytes(zeros, BM_HASH), bm_buf_bytes(&command), bm_bytes(digest, BM_HASH) }, 3);
}

/* The name of the update key as a TPM would load it: part 1, 16; TPMT_PUBLIC: part 2, 12.2.4 */
static void
name_make(uint8_t ret[static 2 + BM_HASH], const struct bm_key *key)
{
    uint8_t bytes[128];
    struct bm_buf area = bm_buf_in(bytes, sizeof(bytes));
    const uint8_t *point = key->spki + key->at_bits + 1; /* behind the octet that says uncompressed */

    bm_buf_add_u16(&area, ALG_ECC);
    bm_buf_add_u16(&area, ALG_SHA256);
    bm_buf_add_u32(&area, UPDATE_KEY_ATTRIBUTES);
    bm_buf_add_u16(&area, 0);          /* authPolicy */
    bm_buf_add_u16(&area, ALG_NULL);   /* symmetric */
    bm_buf_add_u16(&area, ALG_NULL);   /* scheme */
    bm_buf_add_u16(&area, CURVE_P256); /* curve */
    bm_buf_add_u16(&area, ALG_NULL);   /* kdf */
    bm_buf_add_lv16(&area, bm_bytes(point, BM_P256));
    bm_buf_add_lv16(&area, bm_bytes(point + BM_P256, BM_P256));
    ret[0] = ALG_SHA256 >> 8;
    ret[1] = ALG_SHA256 & 0xff;
    bm_sha256(ret + 2, bm_buf_bytes(&area));
}

/* H(H(0 || commandCode || name) || policyRef): part 3, 23.16 */
void
bm_boot_authorized(uint8_t ret[static BM_HASH], const struct bm_key *update_key)
{
    static const uint8_t code[4] = { 0, 0, CC_POLICY_AUTHORIZE >> 8, CC_POLICY_AUTHORIZE & 0xff };
    uint8_t name[2 + BM_HASH], inner[BM_HASH];

    name_make(name, update_key);
    bm_sha256_pieces(inner, (const struct bm_bytes[]){ bm_bytes(zeros, BM_HASH), bm_bytes(code, 4), bm_bytes(name, sizeof(name)) }, 3);
    bm_sha256_pieces(ret, (const struct bm_bytes[]){ bm_bytes(inner, BM_HASH), bm_bytes_str(BM_PERMIT_REF) }, 2);
}

/* H(0 || commandCode || digests): part 3, 23.6 */
void
bm_bound_policy(uint8_t ret[static BM_HASH], const struct bm_bound *bound)
{
    static const uint8_t code[4] = { 0, 0, CC_POLICY_OR >> 8, CC_POLICY_OR & 0xff };
    uint8_t authorized[BM_HASH];

    if (!bound->pinned) {
        memcpy(ret, bound->policy, BM_HASH);
        return;
    }
    bm_boot_authorized(authorized, &bound->update_key);
    bm_sha256_pieces(ret,
                     (const struct bm_bytes[]){ bm_bytes(zeros, BM_HASH), bm_bytes(code, 4), bm_bytes(bound->policy, BM_HASH),
                                                bm_bytes(authorized, BM_HASH) },
                     4);
}

enum bm_rc
bm_pcrs_parse(uint32_t *ret_pcrs, const char *text, struct bm_fail *fail)
{
    uint32_t pcrs = 0;

    for (const char *at = text;; at++) {
        unsigned n = BM_PCRS;

        if (*at >= '0' && *at <= '9')
            n = (unsigned)(*at++ - '0');
        if (n > 0 && n < 3 && *at >= '0' && *at <= '9')
            n = n * 10 + (unsigned)(*at++ - '0');
        if (n >= BM_PCRS || pcrs >> n != 0 || (*at != ',' && *at != '\0'))
            return bm_fail(fail, BM_EINPUT, NULL, "PCRs are written as numbers from 0 to %d, ascending, with commas between them: 0,2,7",
                           BM_PCRS - 1);
        pcrs |= 1u << n;
        if (*at == '\0')
            break;
    }
    *ret_pcrs = pcrs;
    return BM_OK;
}

void
bm_pcrs_print(char ret[static BM_PCRS_TEXT], uint32_t pcrs)
{
    size_t n = 0;

    ret[0] = '\0';
    for (unsigned i = 0; i < BM_PCRS; i++) {
        if (pcrs >> i & 1)
            n += (size_t)snprintf(ret + n, BM_PCRS_TEXT - n, "%s%u", n == 0 ? "" : ",", i);
    }
}

void
bm_permit_signed(uint8_t ret[static BM_PERMIT_SIGNED], const uint8_t policy[static BM_HASH])
{
    memcpy(ret, policy, BM_HASH);
    memcpy(ret + BM_HASH, BM_PERMIT_REF, sizeof(BM_PERMIT_REF) - 1);
}

enum bm_rc
bm_permit_parse(struct bm_permit *ret_permit, struct bm_bytes text, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE };
    struct bm_lines lines = bm_lines_open(text, "birthmark/boot-permit/v1", "boot permit", fail);
    struct bm_permit permit = { .nsignature = 0 };
    struct bm_bytes base64;
    enum bm_rc rc;

    bm_lines_hex(&lines, "policy", permit.policy, BM_HASH);
    base64 = bm_lines_want(&lines, "signature");
    if ((rc = bm_lines_close(&lines)) != BM_OK)
        return rc;
    if ((rc = bm_b64_parse(&signature, BM_B64_STD, base64, fail)) != BM_OK ||
        (rc = bm_buf_check(&signature, "its signature", fail)) != BM_OK) {
        bm_fail_prefix(fail, "the boot permit");
        return rc;
    }
    permit.nsignature = signature.n;
    memcpy(permit.signature, signature.p, signature.n);
    *ret_permit = permit;
    return BM_OK;
}

void
bm_permit_build(struct bm_buf *text, const struct bm_permit *permit)
{
    char hex[2 * BM_HASH + 1];

    bm_hex(hex, bm_bytes(permit->policy, BM_HASH));
    bm_buf_add_fmt(text, "birthmark/boot-permit/v1\npolicy %s\nsignature ", hex);
    bm_b64_add(text, BM_B64_STD, bm_bytes(permit->signature, permit->nsignature));
    bm_buf_add_str(text, "\n");
}
