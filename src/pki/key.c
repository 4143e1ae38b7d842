#include "pki/key.h"

#include "pki/oid.h"
#include "pki/point.h"
#include "wire/der.h"

#define RSA_LEAST 2048
#define RSA_MOST 4096

/* What is found out about a key before it is taken: its own struct is large, and a lot has a million. */
struct kind {
    enum bm_key_alg alg;
    unsigned bits;
};

static unsigned
bits_of(struct bm_bytes magnitude)
{
    unsigned bits = (unsigned)magnitude.n * 8;

    for (unsigned top = magnitude.p[0]; top < 0x80; top <<= 1)
        bits--;
    return bits;
}

/* RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } */
static enum bm_rc
rsa_check(struct kind *key, struct bm_bytes content, struct bm_fail *fail)
{
    struct bm_rd outer = bm_rd(content), in = bm_der_enter(&outer, BM_DER_SEQUENCE);
    struct bm_bytes n = bm_der_positive(&in), e = bm_der_positive(&in);

    if (!bm_rd_end(&in) || !bm_rd_end(&outer))
        return bm_fail(fail, BM_EINPUT, "RFC 8017 A.1.1", "the RSA key is not a modulus and an exponent in DER");
    key->bits = bits_of(n);
    if (key->bits < RSA_LEAST || key->bits > RSA_MOST)
        return bm_fail(fail, BM_EINPUT, NULL, "the RSA key has %u bits: use %d to %d", key->bits, RSA_LEAST, RSA_MOST);
    if ((n.p[n.n - 1] & 1) == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "the RSA key's modulus is even: it is no product of two primes");
    /* an exponent of up to 64 bits: what libcrypto takes with large moduli, and nobody uses more */
    if (e.n < 3 || e.n > 8 || (e.p[e.n - 1] & 1) == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "the RSA key's exponent must be odd, at least 65537 and at most 64 bits long: use 65537");
    return BM_OK;
}

/* AlgorithmIdentifier's parameters: NULL for RSA, the curve for EC, nothing for Ed25519. */
static enum bm_rc
alg_parse(struct kind *key, struct bm_rd *alg, struct bm_fail *fail)
{
    struct bm_bytes oid = bm_der_take(alg, BM_DER_OID), curve;

    if (bm_der_oid_is(oid, bm_oid_rsa, sizeof(bm_oid_rsa))) {
        key->alg = BM_KEY_RSA;
        bm_der_null(alg);
    } else if (bm_der_oid_is(oid, bm_oid_ed25519, sizeof(bm_oid_ed25519))) {
        key->alg = BM_KEY_ED25519;
    } else if (bm_der_oid_is(oid, bm_oid_ec_public_key, sizeof(bm_oid_ec_public_key))) {
        /* req: RFC5480 2.1.1 the curve by its name; explicit parameters let the sender choose the generator */
        if (bm_der_peek(alg, BM_DER_SEQUENCE))
            return bm_fail(fail, BM_EINPUT, "RFC 5480 2.1.1", "the key spells its curve out: name it (P-256 or P-384)");
        curve = bm_der_take(alg, BM_DER_OID);
        if (bm_der_oid_is(curve, bm_oid_p256, sizeof(bm_oid_p256)))
            key->alg = BM_KEY_P256;
        else if (bm_der_oid_is(curve, bm_oid_p384, sizeof(bm_oid_p384)))
            key->alg = BM_KEY_P384;
        else if (!alg->bad)
            return bm_fail(fail, BM_EINPUT, NULL, "the key's curve is neither P-256 nor P-384");
    } else if (!alg->bad) {
        return bm_fail(fail, BM_EINPUT, NULL, "the key is of a kind that is not taken here: use P-256, P-384, RSA or Ed25519");
    }
    if (!bm_rd_end(alg))
        return bm_fail(fail, BM_EINPUT, "RFC 5280 4.1.2.7", "the key's algorithm has parameters that do not belong to it");
    return BM_OK;
}

static enum bm_rc
bits_check(struct kind *key, struct bm_bytes bits, struct bm_fail *fail)
{
    switch (key->alg) {
    case BM_KEY_P256:
    case BM_KEY_P384:
        key->bits = key->alg == BM_KEY_P256 ? 256 : 384;
        /* req: RFC5480 2.2 the point, here always uncompressed */
        if (!bm_point_on_curve(key->alg, bits))
            return bm_fail(fail, BM_EINPUT, "RFC 5480 2.2", "the key is not an uncompressed point of P-%u", key->bits);
        return BM_OK;
    case BM_KEY_ED25519:
        key->bits = 255;
        if (bits.n != 32 || bm_point_small_order(bits))
            return bm_fail(fail, BM_EINPUT, "RFC 8410 4", "the Ed25519 key is not 32 bytes long or of no strength");
        return BM_OK;
    case BM_KEY_RSA:
        return rsa_check(key, bits, fail);
    }
    return bm_fail(fail, BM_EBUG, NULL, "there is no key of kind %d", (int)key->alg);
}

/*
 * SubjectPublicKeyInfo ::= SEQUENCE { SEQUENCE { OID, parameters }, BIT STRING }
 */
enum bm_rc
bm_key_parse(struct bm_key *ret_key, struct bm_bytes spki, struct bm_fail *fail)
{
    struct bm_rd outer = bm_rd(spki), in, alg;
    struct kind read = { .alg = 0 };
    struct bm_bytes bits;
    enum bm_rc rc;

    if (spki.n > sizeof(ret_key->spki))
        return bm_fail(fail, BM_EINPUT, NULL, "the key is %zu bytes long, more than %d", spki.n, BM_MAX_SPKI);
    in = bm_der_enter(&outer, BM_DER_SEQUENCE);
    alg = bm_der_enter(&in, BM_DER_SEQUENCE);
    bits = bm_der_bits(&in);
    if (alg.bad || !bm_rd_end(&in) || !bm_rd_end(&outer))
        return bm_fail(fail, BM_EINPUT, "RFC 5280 4.1.2.7", "the key is not a SubjectPublicKeyInfo in DER");
    if ((rc = alg_parse(&read, &alg, fail)) != BM_OK || (rc = bits_check(&read, bits, fail)) != BM_OK)
        return rc;
    ret_key->alg = read.alg;
    ret_key->bits = read.bits;
    memcpy(ret_key->spki, spki.p, spki.n);
    ret_key->nspki = spki.n;
    ret_key->at_bits = (uint16_t)(bits.p - spki.p);
    ret_key->nbits = (uint16_t)bits.n;
    bm_sha256(ret_key->hash, spki);
    return BM_OK;
}

struct bm_ski
bm_key_ski(const struct bm_key *key)
{
    struct bm_ski ski;

    bm_sha1(ski.octets, bm_bytes(key->spki + key->at_bits, key->nbits));
    return ski;
}
