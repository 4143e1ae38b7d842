#include "evidence/hash.h"
#include "evidence/tpm.h"
#include "pki/oid.h"
#include "wire/der.h"

/* TPM 2.0 part 2: TPM_ALG_ID (6.3), TPM_ECC_CURVE (6.4). */
#define ALG_RSA 0x0001
#define ALG_NULL 0x0010
#define ALG_RSAES 0x0015
#define ALG_ECDAA 0x001a
#define ALG_ECC 0x0023
#define CURVE_P256 0x0003
#define CURVE_P384 0x0004

/* TPMA_OBJECT, part 2, 8.3.2. */
#define FIXED_TPM (1u << 1)
#define FIXED_PARENT (1u << 4)
#define SENSITIVE_DATA_ORIGIN (1u << 5)
#define RESTRICTED (1u << 16)
#define DECRYPT (1u << 17)
#define SIGN (1u << 18)

#define MAX_FIELD 48 /* octets of a P-384 coordinate */

static enum bm_rc
wrong(struct bm_fail *fail, const char *what)
{
    return bm_fail(fail, BM_EINPUT, "TPM 2.0 part 2, 12.2.4", "the TPM's public area %s", what);
}

/* TPMT_SYM_DEF_OBJECT: in a key that decrypts, keyBits and mode follow the algorithm. */
static void
symmetric_pass(struct bm_rd *rd)
{
    if (bm_rd_u16(rd) != ALG_NULL)
        (void)bm_rd_u32(rd);
}

/* TPMT_RSA_SCHEME, TPMT_ECC_SCHEME, TPMT_KDF_SCHEME: a hash follows all but NULL and RSAES; ECDAA has a count too. */
static void
scheme_pass(struct bm_rd *rd)
{
    uint16_t scheme = bm_rd_u16(rd);

    if (scheme != ALG_NULL && scheme != ALG_RSAES)
        (void)bm_rd_u16(rd);
    if (scheme == ALG_ECDAA)
        (void)bm_rd_u16(rd);
}

/* keyBits u16, exponent u32 (0 stands for 65537), modulus TPM2B -> SubjectPublicKeyInfo */
static enum bm_rc
rsa_take(struct bm_buf *spki, struct bm_rd *rd, struct bm_fail *fail)
{
    uint16_t bits = bm_rd_u16(rd);
    uint32_t exponent = bm_rd_u32(rd);
    struct bm_bytes modulus = bm_rd_lv16(rd, BM_MAX_SIGNATURE);
    bm_cleanup(bm_buf_done) struct bm_buf key = { .max = BM_MAX_SPKI };
    size_t all = bm_der_begin(spki, BM_DER_SEQUENCE), alg = bm_der_begin(spki, BM_DER_SEQUENCE), in;

    if (rd->bad || modulus.n == 0 || modulus.n * 8 != bits)
        return wrong(fail, "does not hold an RSA modulus of the length that it says");
    bm_der_add(spki, BM_DER_OID, BM_OID(bm_oid_rsa));
    bm_der_add_null(spki);
    bm_der_end(spki, alg);
    in = bm_der_begin(&key, BM_DER_SEQUENCE);
    bm_der_add_positive(&key, modulus);
    bm_der_add_uint(&key, BM_DER_INTEGER, exponent == 0 ? 65537 : exponent);
    bm_der_end(&key, in);
    bm_der_add_bits(spki, bm_buf_bytes(&key));
    bm_der_end(spki, all);
    return bm_buf_check(&key, "the TPM's key", fail);
}

/* A coordinate as TPM2B, which older TPMs write without leading zeros. */
static bool
coordinate_take(uint8_t *ret, size_t field, struct bm_rd *rd)
{
    struct bm_bytes v = bm_rd_lv16(rd, field);

    if (rd->bad || v.n == 0)
        return false;
    memset(ret, 0, field - v.n);
    memcpy(ret + field - v.n, v.p, v.n);
    return true;
}

/* curveID u16, kdf, x TPM2B, y TPM2B -> SubjectPublicKeyInfo with the point uncompressed */
static enum bm_rc
ecc_take(struct bm_buf *spki, struct bm_rd *rd, struct bm_fail *fail)
{
    uint16_t curve = bm_rd_u16(rd);
    size_t field = curve == CURVE_P384 ? 48 : 32, all, alg;
    uint8_t point[1 + 2 * MAX_FIELD] = { 0x04 };

    scheme_pass(rd);
    if (curve != CURVE_P256 && curve != CURVE_P384)
        return wrong(fail, "is of a curve that is neither P-256 nor P-384");
    if (!coordinate_take(point + 1, field, rd) || !coordinate_take(point + 1 + field, field, rd))
        return wrong(fail, "does not hold a point of its curve");
    all = bm_der_begin(spki, BM_DER_SEQUENCE);
    alg = bm_der_begin(spki, BM_DER_SEQUENCE);
    bm_der_add(spki, BM_DER_OID, BM_OID(bm_oid_ec_public_key));
    bm_der_add(spki, BM_DER_OID, curve == CURVE_P384 ? BM_OID(bm_oid_p384) : BM_OID(bm_oid_p256));
    bm_der_end(spki, alg);
    bm_der_add_bits(spki, bm_bytes(point, 1 + 2 * field));
    bm_der_end(spki, all);
    return BM_OK;
}

/* Name = nameAlg || H(TPMT_PUBLIC), part 1, 16. */
static enum bm_rc
name_make(struct bm_tpm_public *public, struct bm_bytes area, struct bm_fail *fail)
{
    const struct bm_hash *hash = bm_hash_by_tpm(public->name_alg);
    uint8_t digest[BM_MAX_HASH];
    enum bm_rc rc;

    if (hash == NULL)
        return wrong(fail, "is named with a hash other than SHA-256, SHA-384 and SHA-512");
    if ((rc = bm_hash_make(digest, hash, &area, 1, fail)) != BM_OK)
        return rc;
    public->name[0] = (uint8_t)(hash->tpm >> 8);
    public->name[1] = (uint8_t)hash->tpm;
    memcpy(public->name + 2, digest, hash->n);
    public->nname = 2 + hash->n;
    return BM_OK;
}

/* type u16, nameAlg u16, objectAttributes u32, authPolicy TPM2B, parameters, unique */
enum bm_rc
bm_tpm_public_parse(struct bm_tpm_public *ret_public, struct bm_bytes area, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf spki = { .max = BM_MAX_SPKI };
    struct bm_rd rd = bm_rd(area);
    uint16_t type = bm_rd_u16(&rd);
    struct bm_tpm_public public = { .name_alg = bm_rd_u16(&rd) };
    enum bm_rc rc;

    if (area.n > BM_MAX_TPM)
        return wrong(fail, "is larger than 1024 bytes");
    public.attributes = bm_rd_u32(&rd);
    public.policy = bm_rd_lv16(&rd, BM_MAX_HASH);
    symmetric_pass(&rd);
    scheme_pass(&rd);
    if (!rd.bad && type != ALG_RSA && type != ALG_ECC)
        return wrong(fail, "is of a key that is neither RSA nor ECC");
    rc = type == ALG_RSA ? rsa_take(&spki, &rd, fail) : ecc_take(&spki, &rd, fail);
    if (rc != BM_OK)
        return rc;
    if (!bm_rd_end(&rd))
        return wrong(fail, "has bytes after its end");
    if ((rc = name_make(&public, area, fail)) != BM_OK || (rc = bm_buf_check(&spki, "the TPM's key", fail)) != BM_OK)
        return rc;
    if ((rc = bm_key_parse(&public.key, bm_buf_bytes(&spki), fail)) != BM_OK)
        return rc;
    *ret_public = public;
    return BM_OK;
}

/* What an attribute means when it is not as it must be. */
struct want {
    uint32_t bit;
    bool set;
    const char *say;
};

static enum bm_rc
attributes_check(uint32_t attributes, const struct want *wants, size_t n, const char *what, struct bm_fail *fail)
{
    for (size_t i = 0; i < n; i++)
        if (((attributes & wants[i].bit) != 0) != wants[i].set)
            return bm_fail(fail, BM_EPOLICY, "TPM 2.0 part 2, 8.3", "the TPM's %s key %s", what, wants[i].say);
    return BM_OK;
}

/* restricted: it signs nothing that looks like the TPM's own structures and was not made by the TPM. */
enum bm_rc
bm_tpm_public_check_attestation(const struct bm_tpm_public *ak, struct bm_fail *fail)
{
    static const struct want wants[] = {
        { FIXED_TPM, true, "may leave the TPM: make it with fixedTPM" },
        { FIXED_PARENT, true, "may move to another parent: make it with fixedParent" },
        { SENSITIVE_DATA_ORIGIN, true, "was not made inside the TPM: make it with sensitiveDataOrigin" },
        { RESTRICTED, true, "signs anything: make it restricted" },
        { SIGN, true, "does not sign" },
        { DECRYPT, false, "decrypts too: make it for signing only" },
    };

    return attributes_check(ak->attributes, wants, BM_COUNT(wants), "attestation", fail);
}

enum bm_rc
bm_tpm_public_check_operational(const struct bm_tpm_public *key, struct bm_fail *fail)
{
    static const struct want wants[] = {
        { FIXED_TPM, true, "may leave the TPM: make it with fixedTPM" },
        { FIXED_PARENT, true, "may move to another parent: make it with fixedParent" },
        { SENSITIVE_DATA_ORIGIN, true, "was not made inside the TPM: make it with sensitiveDataOrigin" },
        { SIGN, true, "does not sign" },
        { RESTRICTED, false, "is restricted and cannot sign for TLS: make it unrestricted" },
        { DECRYPT, false, "decrypts too: make it for signing only" },
    };

    return attributes_check(key->attributes, wants, BM_COUNT(wants), "operational", fail);
}
