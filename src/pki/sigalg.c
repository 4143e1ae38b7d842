/* sigalg.c - AlgorithmIdentifiers of signatures, both ways (key.h, sigalg.h). */
#include "pki/sigalg.h"
#include "pki/oid.h"
#include "wire/der.h"

#define SALT 32 /* octets of an RSASSA-PSS salt with SHA-256 (RFC 4055 3.1: the hash's length) */

static const struct {
    enum bm_sig_alg alg;
    bool rsa; /* parameters NULL; ECDSA and EdDSA have none */
    const uint8_t *oid;
    size_t noid;
} simple[] = {
    { BM_SIG_ECDSA_SHA256, false, bm_oid_ecdsa_sha256, sizeof(bm_oid_ecdsa_sha256) },
    { BM_SIG_ECDSA_SHA384, false, bm_oid_ecdsa_sha384, sizeof(bm_oid_ecdsa_sha384) },
    { BM_SIG_ED25519, false, bm_oid_ed25519, sizeof(bm_oid_ed25519) },
    { BM_SIG_RSA_SHA256, true, bm_oid_rsa_sha256, sizeof(bm_oid_rsa_sha256) },
    { BM_SIG_RSA_SHA384, true, bm_oid_rsa_sha384, sizeof(bm_oid_rsa_sha384) },
};

/* NULL or nothing: RFC 4055 5 and 2.1 want both taken. */
static void
null_or_nothing(struct bm_rd *rd)
{
    if (rd->left > 0)
        bm_der_null(rd);
    if (rd->left > 0)
        rd->bad = true;
}

/* SEQUENCE { id-sha256, NULL or nothing } */
static void
want_sha256(struct bm_rd *rd)
{
    struct bm_rd alg = bm_der_enter(rd, BM_DER_SEQUENCE);

    if (!bm_der_oid_is(bm_der_take(&alg, BM_DER_OID), bm_oid_sha256, sizeof(bm_oid_sha256)))
        alg.bad = true;
    null_or_nothing(&alg);
    if (alg.bad || rd->left > 0)
        rd->bad = true;
}

/*
 * RSASSA-PSS-params, the one set that we take (RFC 4055 3.1):
 *   SEQUENCE { [0] { sha256 }, [1] { mgf1 { sha256 } }, [2] { 32 } }         trailerField 1 is the default and so absent
 */
static bool
pss_is_ours(struct bm_rd *rd)
{
    struct bm_rd params = bm_der_enter(rd, BM_DER_SEQUENCE);
    struct bm_rd hash = bm_der_enter(&params, BM_DER_CONTEXT_CONSTRUCTED(0));
    struct bm_rd mask = bm_der_enter(&params, BM_DER_CONTEXT_CONSTRUCTED(1));
    struct bm_rd salt = bm_der_enter(&params, BM_DER_CONTEXT_CONSTRUCTED(2));
    struct bm_rd mgf = bm_der_enter(&mask, BM_DER_SEQUENCE);

    want_sha256(&hash);
    if (!bm_der_oid_is(bm_der_take(&mgf, BM_DER_OID), bm_oid_mgf1, sizeof(bm_oid_mgf1)))
        return false;
    want_sha256(&mgf);
    if (bm_der_uint(&salt, BM_DER_INTEGER) != SALT)
        return false;
    return bm_rd_end(&hash) && bm_rd_end(&mgf) && bm_rd_end(&mask) && bm_rd_end(&salt) && bm_rd_end(&params) && bm_rd_end(rd);
}

static enum bm_rc
alg_parse(enum bm_sig_alg *ret_alg, struct bm_bytes algorithm, bool null_passes, struct bm_fail *fail)
{
    struct bm_rd outer = bm_rd(algorithm), in = bm_der_enter(&outer, BM_DER_SEQUENCE);
    struct bm_bytes oid = bm_der_take(&in, BM_DER_OID);

    if (in.bad || !bm_rd_end(&outer))
        return bm_fail(fail, BM_EINPUT, "RFC 5280 4.1.1.2", "the signature's algorithm is not an AlgorithmIdentifier in DER");
    if (bm_der_oid_is(oid, bm_oid_rsa_pss, sizeof(bm_oid_rsa_pss))) {
        if (!pss_is_ours(&in))
            return bm_fail(fail, BM_EINPUT, "RFC 4055 3.1", "of RSA-PSS only SHA-256 with MGF1 of SHA-256 and a salt of 32 bytes is taken");
        *ret_alg = BM_SIG_RSA_PSS_SHA256;
        return BM_OK;
    }
    for (size_t i = 0; i < BM_COUNT(simple); i++) {
        if (!bm_der_oid_is(oid, simple[i].oid, simple[i].noid))
            continue;
        /* req: RFC5758 3.2 ECDSA's parameters are absent */
        if (simple[i].rsa || null_passes)
            null_or_nothing(&in);
        if (!bm_rd_end(&in))
            return bm_fail(fail, BM_EINPUT, "RFC 5758 3.2", "the signature's algorithm has parameters that do not belong to it");
        *ret_alg = simple[i].alg;
        return BM_OK;
    }
    return bm_fail(fail, BM_EINPUT, NULL,
                   "the signature's algorithm is not taken here: use ECDSA or RSA with SHA-256 or SHA-384, or Ed25519");
}

enum bm_rc
bm_sig_alg_parse(enum bm_sig_alg *ret_alg, struct bm_bytes algorithm, struct bm_fail *fail)
{
    return alg_parse(ret_alg, algorithm, false, fail);
}

enum bm_rc
bm_sig_alg_parse_foreign(enum bm_sig_alg *ret_alg, struct bm_bytes algorithm, struct bm_fail *fail)
{
    return alg_parse(ret_alg, algorithm, true, fail);
}

static void
add_sha256(struct bm_buf *buf)
{
    size_t at = bm_der_begin(buf, BM_DER_SEQUENCE);

    bm_der_add(buf, BM_DER_OID, BM_OID(bm_oid_sha256));
    bm_der_add_null(buf);
    bm_der_end(buf, at);
}

static void
add_pss(struct bm_buf *buf)
{
    size_t params = bm_der_begin(buf, BM_DER_SEQUENCE), at, mgf;

    at = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(0));
    add_sha256(buf);
    bm_der_end(buf, at);
    at = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(1));
    mgf = bm_der_begin(buf, BM_DER_SEQUENCE);
    bm_der_add(buf, BM_DER_OID, BM_OID(bm_oid_mgf1));
    add_sha256(buf);
    bm_der_end(buf, mgf);
    bm_der_end(buf, at);
    at = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(2));
    bm_der_add_uint(buf, BM_DER_INTEGER, SALT);
    bm_der_end(buf, at);
    bm_der_end(buf, params);
}

void
bm_sig_alg_add(struct bm_buf *buf, enum bm_sig_alg alg)
{
    size_t at = bm_der_begin(buf, BM_DER_SEQUENCE);
    bool known = alg == BM_SIG_RSA_PSS_SHA256;

    if (known) {
        bm_der_add(buf, BM_DER_OID, BM_OID(bm_oid_rsa_pss));
        add_pss(buf);
    }
    for (size_t i = 0; i < BM_COUNT(simple); i++) {
        if (simple[i].alg != alg)
            continue;
        known = true;
        bm_der_add(buf, BM_DER_OID, bm_bytes(simple[i].oid, simple[i].noid));
        if (simple[i].rsa)
            bm_der_add_null(buf);
    }
    bm_der_end(buf, at);
    if (!known)
        buf->bad = true;
}

enum bm_sig_alg
bm_key_sig_alg(enum bm_key_alg alg)
{
    static const enum bm_sig_alg algs[] = { [BM_KEY_P256] = BM_SIG_ECDSA_SHA256,
                                            [BM_KEY_P384] = BM_SIG_ECDSA_SHA384,
                                            [BM_KEY_RSA] = BM_SIG_RSA_SHA256,
                                            [BM_KEY_ED25519] = BM_SIG_ED25519 };

    return algs[alg];
}
