#include "evidence/renewal.h"

#include "wire/rd.h"

#define LABEL "birthmark/renewal/v1\n"

enum bm_rc
bm_renewal_parse(struct bm_renewal *ret_renewal, struct bm_bytes part, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(part);
    struct bm_renewal renewal = { .key = bm_rd_lv16(&rd, BM_MAX_SPKI) };

    renewal.signature = bm_rd_lv16(&rd, BM_MAX_SIGNATURE);
    if (!bm_rd_end(&rd))
        return bm_fail(fail, BM_EINPUT, NULL, "the renewal is cut short, or longer than a key and a signature");
    *ret_renewal = renewal;
    return BM_OK;
}

void
bm_renewal_build(struct bm_buf *buf, const struct bm_renewal *renewal)
{
    bm_buf_add_lv16(buf, renewal->key);
    bm_buf_add_lv16(buf, renewal->signature);
}

void
bm_renewal_tbs(struct bm_buf *buf, struct bm_bytes csr)
{
    uint8_t hash[BM_HASH];

    bm_sha256(hash, csr);
    bm_buf_add_str(buf, LABEL);
    bm_buf_add(buf, hash, sizeof(hash));
}

enum bm_rc
bm_renewal_check(struct bm_key *ret_current, struct bm_crypto *crypto, const struct bm_renewal *renewal, struct bm_bytes csr,
                 struct bm_fail *fail)
{
    static const enum bm_sig_alg algs[] = { [BM_KEY_P256] = BM_SIG_ECDSA_SHA256,
                                            [BM_KEY_P384] = BM_SIG_ECDSA_SHA384,
                                            [BM_KEY_RSA] = BM_SIG_RSA_SHA256,
                                            [BM_KEY_ED25519] = BM_SIG_ED25519 };
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = sizeof(LABEL) + BM_HASH };
    struct bm_key current;
    enum bm_rc rc;

    if ((rc = bm_key_parse(&current, renewal->key, fail)) != BM_OK)
        return rc;
    bm_renewal_tbs(&tbs, csr);
    if ((rc = bm_buf_check(&tbs, "what a renewal signs", fail)) != BM_OK)
        return rc;
    rc = bm_key_verify(crypto, &current, algs[current.alg], bm_buf_bytes(&tbs), renewal->signature, fail);
    if (rc == BM_EPOLICY)
        return bm_fail(fail, rc, NULL, "the current identity key did not sign this renewal: sign it over the very request that is sent");
    if (rc != BM_OK)
        return rc;
    *ret_current = current;
    return BM_OK;
}
