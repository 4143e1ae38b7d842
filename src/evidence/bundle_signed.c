/* bundle_signed.c - a root key of the lot that signs a CMC request, and what its DICE chain measured. */
#include "evidence/bundle_inside.h"

#include "evidence/dice.h"
#include "wire/der.h"

/* The leaf's signing key that the signer identifier means. It is a label: the signature decides. A leaf of kind id has one key that may speak. */
static const struct bm_key *
cmc_root(const struct bm_check *c, const struct bm_cmc *cmc)
{
    const struct bm_leaf *leaf = &c->claim->leaf;
    struct bm_fail ignored = { 0 };
    const struct bm_leaf_key *named;
    struct bm_cert cert;

    if (leaf->kind == BM_LEAF_ID)
        return &c->named;
    for (size_t i = 0; i < leaf->nkeys; i++)
        if (leaf->keys[i].use == BM_USE_SIGN && bm_bytes_equal(cmc->signer_ski, bm_bytes(bm_key_ski(&leaf->keys[i].key).octets, BM_SHA1)))
            return &leaf->keys[i].key;
    if (cmc->signer_cert.n == 0 || bm_cert_parse(&cert, cmc->signer_cert, &ignored) != BM_OK)
        return NULL;
    named = bm_leaf_key(leaf, cert.key.hash);
    return named != NULL && named->use == BM_USE_SIGN ? &named->key : NULL;
}

/* Certificates one behind the other: does one bear the test mark? */
static bool
row_marked(struct bm_bytes certs)
{
    struct bm_rd rd = bm_rd(certs);

    while (!rd.bad && rd.left > 0)
        if (bm_cert_test_mark(bm_der_raw(&rd, BM_DER_SEQUENCE)))
            return true;
    return false;
}

/* Its two keys are the device's own and may move with its firmware: neither is a service's. */
static __attribute__((noinline)) enum bm_rc
measured_check(struct bm_check *c, struct bm_bytes der, const struct bm_key *root, const struct bm_csr *csr)
{
    struct bm_shown *shown = &c->claim->shown;
    struct bm_dice_evidence evidence;
    struct bm_dice dice;
    enum bm_rc rc;

    if ((rc = bm_dice_evidence_parse(&evidence, der, c->fail)) != BM_OK ||
        (rc = bm_dice_evidence_check(&dice, c->crypto, root, &evidence, csr->der, c->fail)) != BM_OK)
        return rc;
    if (memcmp(dice.device_id.key.hash, csr->key.hash, BM_HASH) == 0 || memcmp(dice.alias.key.hash, csr->key.hash, BM_HASH) == 0)
        return bm_fail(c->fail, BM_EPOLICY, NULL, BM_CHECK_ASKS " DeviceID or Alias: make a new key for the service");
    c->claim->test |= bm_cert_test_mark(evidence.device_id) || bm_cert_test_mark(evidence.alias);
    shown->proven |= BM_PROVEN_DICE;
    memcpy(shown->first, dice.device_id.measured, BM_HASH);
    memcpy(shown->code, dice.alias.measured, BM_HASH);
    return BM_OK;
}

enum bm_rc
bm_check_cmc(struct bm_check *c, struct bm_bytes body)
{
    const struct bm_key *root;
    struct bm_cmc cmc;
    enum bm_rc rc;

    if ((rc = bm_cmc_parse(&cmc, body, c->fail)) != BM_OK)
        return rc;
    c->claim->test |= row_marked(cmc.certs);
    if ((root = cmc_root(c, &cmc)) == NULL)
        return bm_fail(c->fail, BM_EPOLICY, NULL,
                       "the request is not signed by a root key of chip %s: sign it with the key that its lot lists", c->claim->leaf.id);
    if (c->fresh != NULL &&
        (rc = bm_nonce_check(c->fresh->k, BM_PURPOSE_ROOT, root->hash, c->fresh->now, cmc.recipient_nonce, c->fail)) != BM_OK)
        return rc;
    if ((rc = bm_cmc_check_root(c->crypto, &cmc, root, c->fail)) != BM_OK)
        return rc;
    c->proven = true;
    if ((rc = bm_csr_check(c->crypto, &cmc.csr, c->fail)) != BM_OK || (rc = bm_check_separate(c, cmc.csr.key.hash, BM_CHECK_ASKS)) != BM_OK)
        return rc;
    if (cmc.dice.n > 0 && (rc = measured_check(c, cmc.dice, root, &cmc.csr)) != BM_OK)
        return rc;
    c->claim->evidence = BM_EV_ROOT_SIGNED;
    memcpy(c->claim->root_hash, root->hash, BM_HASH);
    c->claim->key = cmc.csr.key;
    c->claim->csr = cmc.csr.der;
    return BM_OK;
}
