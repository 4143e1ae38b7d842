#include "evidence/cmc_inside.h"

enum bm_rc
bm_cmc_check_root(struct bm_crypto *crypto, const struct bm_cmc *cmc, const struct bm_key *root, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf attrs = { .max = BM_MAX_CMC };
    const struct bm_hash *hash = bm_hash_by_sig(cmc->alg);
    uint8_t digest[BM_MAX_HASH];
    enum bm_rc rc;

    /* req: RFC5652 5.4 the digest of the content's octets is the one in the attributes */
    if ((rc = bm_hash_make(digest, hash, &cmc->content, 1, fail)) != BM_OK)
        return rc;
    if (!bm_bytes_equal(cmc->digest, bm_bytes(digest, hash->n)))
        return bm_fail(fail, BM_EPOLICY, "RFC 5652 5.4",
                       "the CMC request's content is not what its signature covers: it was changed on the way");
    /* req: RFC5652 5.4 signed as a SET OF, tag 31, though sent with [0], tag a0 */
    bm_buf_add_bytes(&attrs, cmc->signed_attrs);
    if ((rc = bm_buf_check(&attrs, "the CMC request's signed attributes", fail)) != BM_OK)
        return rc;
    attrs.p[0] = BM_DER_SET;
    if ((rc = bm_key_verify(crypto, root, cmc->alg, bm_buf_bytes(&attrs), cmc->signature, fail)) != BM_OK)
        bm_fail_prefix(fail, "the root key's signature on the CMC request");
    return rc;
}

enum bm_rc
bm_cmc_check(struct bm_crypto *crypto, const struct bm_cmc *cmc, const struct bm_key *root, struct bm_fail *fail)
{
    enum bm_rc rc = bm_cmc_check_root(crypto, cmc, root, fail);

    return rc == BM_OK ? bm_csr_check(crypto, &cmc->csr, fail) : rc;
}
