#include "evidence/tpm.h"
#include "wire/der.h"
#include "wire/rd.h"

#define TPM_GENERATED 0xff544347 /* "\xffTCG": a restricted key signs nothing that begins so and is not the TPM's own */
#define ST_ATTEST_CERTIFY 0x8017
#define ST_ATTEST_CREATION 0x801a
#define MAX_DATA 66   /* TPM2B_DATA and TPM2B_NAME: an algorithm and a SHA-512 */
#define CLOCK_INFO 17 /* clock u64, resetCount u32, restartCount u32, safe u8 */

#define ALG_SHA256 0x000b
#define ALG_SHA384 0x000c
#define ALG_RSASSA 0x0014
#define ALG_RSAPSS 0x0016
#define ALG_ECDSA 0x0018

static enum bm_rc
wrong(struct bm_fail *fail, enum bm_rc rc, const char *what)
{
    return bm_fail(fail, rc, "TPM 2.0 part 2, 10.12", "the TPM's attestation %s", what);
}

/* What we take of TPMT_SIGNATURE: sigAlg u16, hash u16, then r and s, or the RSA signature, as TPM2B. */
static const struct {
    uint16_t scheme, hash;
    enum bm_sig_alg alg;
} signatures[] = {
    { ALG_ECDSA, ALG_SHA256, BM_SIG_ECDSA_SHA256 },    { ALG_ECDSA, ALG_SHA384, BM_SIG_ECDSA_SHA384 },
    { ALG_RSASSA, ALG_SHA256, BM_SIG_RSA_SHA256 },     { ALG_RSASSA, ALG_SHA384, BM_SIG_RSA_SHA384 },
    { ALG_RSAPSS, ALG_SHA256, BM_SIG_RSA_PSS_SHA256 },
};

/* -> the shape that bm_key_verify() takes: for ECDSA a SEQUENCE of two INTEGERs. */
static enum bm_rc
signature_convert(enum bm_sig_alg *ret_alg, struct bm_buf *buf, struct bm_bytes signature, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(signature);
    uint16_t scheme = bm_rd_u16(&rd), hash = bm_rd_u16(&rd);
    struct bm_bytes first = bm_rd_lv16(&rd, BM_MAX_SIGNATURE), second = { 0 };
    size_t i = 0, at;

    while (i < BM_COUNT(signatures) && (signatures[i].scheme != scheme || signatures[i].hash != hash))
        i++;
    if (scheme == ALG_ECDSA)
        second = bm_rd_lv16(&rd, BM_MAX_SIGNATURE);
    if (i == BM_COUNT(signatures) || !bm_rd_end(&rd) || first.n == 0 || (scheme == ALG_ECDSA && second.n == 0))
        return wrong(fail, BM_EINPUT, "has a signature that we do not read: sign with ECDSA, RSASSA or RSAPSS and SHA-256 or SHA-384");
    if (scheme == ALG_ECDSA) {
        at = bm_der_begin(buf, BM_DER_SEQUENCE);
        bm_der_add_positive(buf, first);
        bm_der_add_positive(buf, second);
        bm_der_end(buf, at);
    } else {
        bm_buf_add_bytes(buf, first);
    }
    *ret_alg = signatures[i].alg;
    return bm_buf_check(buf, "the TPM's signature", fail);
}

/*
 * TPMS_ATTEST: magic u32, type u16, qualifiedSigner TPM2B, extraData TPM2B, clockInfo, firmwareVersion u64, then
 *     TPMS_CERTIFY_INFO { name TPM2B, qualifiedName TPM2B }  or  TPMS_CREATION_INFO { objectName TPM2B, creationHash TPM2B }:
 * the TPM has this object loaded, or made it (and checked its own ticket for that). Of an object with fixedTPM both say that it is inside.
 */
static enum bm_rc
attest_parse(struct bm_bytes *ret_name, struct bm_bytes attest, struct bm_bytes extra_data, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(attest);
    uint32_t magic = bm_rd_u32(&rd);
    uint16_t type = bm_rd_u16(&rd);
    struct bm_bytes extra, name;

    (void)bm_rd_lv16(&rd, MAX_DATA);
    extra = bm_rd_lv16(&rd, MAX_DATA);
    (void)bm_rd_take(&rd, CLOCK_INFO + 8);
    name = bm_rd_lv16(&rd, MAX_DATA);
    (void)bm_rd_lv16(&rd, MAX_DATA);
    if (attest.n > BM_MAX_TPM || !bm_rd_end(&rd) || magic != TPM_GENERATED || (type != ST_ATTEST_CERTIFY && type != ST_ATTEST_CREATION))
        return wrong(fail, BM_EINPUT, "is not what TPM2_Certify or TPM2_CertifyCreation makes");
    if (!bm_bytes_equal(extra, extra_data))
        return wrong(fail, BM_EPOLICY, "was made for another request: its extra data must name this CSR, and the nonce where there is one");
    *ret_name = name;
    return BM_OK;
}

struct bm_bytes
bm_tpm_attest_extra(struct bm_bytes attest)
{
    struct bm_rd rd = bm_rd(attest);

    (void)bm_rd_take(&rd, 4 + 2);
    (void)bm_rd_lv16(&rd, MAX_DATA);
    return bm_rd_lv16(&rd, MAX_DATA);
}

enum bm_rc
bm_tpm_attest_check(struct bm_bytes *ret_name, struct bm_crypto *crypto, struct bm_bytes attest, struct bm_bytes signature,
                    const struct bm_key *by, struct bm_bytes extra_data, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf converted = { .max = BM_MAX_SIGNATURE };
    struct bm_bytes name;
    enum bm_sig_alg alg;
    enum bm_rc rc;

    if ((rc = attest_parse(&name, attest, extra_data, fail)) != BM_OK ||
        (rc = signature_convert(&alg, &converted, signature, fail)) != BM_OK)
        return rc;
    if ((rc = bm_key_verify(crypto, by, alg, attest, bm_buf_bytes(&converted), fail)) != BM_OK) {
        bm_fail_prefix(fail, "the attestation key's signature");
        return rc;
    }
    *ret_name = name;
    return BM_OK;
}

enum bm_rc
bm_tpm_name_check(struct bm_bytes name, const struct bm_tpm_public *key, struct bm_fail *fail)
{
    if (!bm_bytes_equal(name, bm_bytes(key->name, key->nname)))
        return wrong(fail, BM_EPOLICY, "is about another key than the operational key that came with it");
    return BM_OK;
}

enum bm_rc
bm_tpm_certify_check(struct bm_crypto *crypto, struct bm_bytes attest, struct bm_bytes signature, const struct bm_tpm_public *ak,
                     const struct bm_tpm_public *key, struct bm_bytes extra_data, struct bm_fail *fail)
{
    struct bm_bytes name;
    enum bm_rc rc = bm_tpm_attest_check(&name, crypto, attest, signature, &ak->key, extra_data, fail);

    return rc != BM_OK ? rc : bm_tpm_name_check(name, key, fail);
}
