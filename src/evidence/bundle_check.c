#include "evidence/bundle_inside.h"

#include <stdio.h>

/* ---- the test mark ---- */

static bool
any_marked(const struct bm_bytes *certs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bm_cert_test_mark(certs[i]))
            return true;
    return false;
}

/* ---- the leaf in its tree ---- */

/* Not inlined, nor are its like below: their frames would stand on the stack together, beside the claim. */
static __attribute__((noinline)) enum bm_rc
leaf_check(struct bm_leaf *leaf, const struct bm_bundle *bundle, struct bm_fail *fail)
{
    struct bm_proof proof;
    uint8_t hash[BM_HASH];
    enum bm_rc rc;

    if ((rc = bm_leaf_parse(leaf, bundle->leaf, fail)) != BM_OK || (rc = bm_proof_parse(&proof, bundle->proof, fail)) != BM_OK)
        return rc;
    bm_tree_leaf(hash, bundle->leaf);
    rc = bm_inclusion_check(&proof, bundle->index, bundle->lot_size, hash, bundle->lot_root, fail);
    /* req: RFC6962 2.1.1 the path from this leaf at this place ends in the lot's head */
    if (rc == BM_EINPUT)
        return bm_fail(fail, BM_EPOLICY, "RFC 6962 2.1.1", "the entry of chip %s does not stand at place %llu of the lot that it names",
                       leaf->id, (unsigned long long)bundle->index);
    if (rc != BM_OK)
        return rc;
    if (leaf->kind == BM_LEAF_KEYS && bundle->nchain > 0)
        return bm_fail(fail, BM_EINPUT, NULL, "chip %s is listed by its root keys and its evidence carries certificates all the same",
                       leaf->id);
    return BM_OK;
}

/* ---- the operational key ---- */

enum bm_rc
bm_check_separate(const struct bm_check *c, const uint8_t hash[static BM_HASH], const char *what)
{
    bool root = bm_leaf_key(&c->claim->leaf, hash) != NULL || memcmp(c->named.hash, hash, BM_HASH) == 0;

    if (root || memcmp(c->ak, hash, BM_HASH) == 0)
        return bm_fail(c->fail, BM_EPOLICY, NULL, "%s %s: make a new key for the service", what,
                       root ? "a root key of the chip" : "the attestation key");
    return BM_OK;
}

/* ---- tls-front ---- */

/*
 * That this root key was there is the gate's word, and that it asked for this key is nobody's: nothing here is signed by it. So it never counts as proven,
 * and what else the evidence could carry does not go with it.
 */
static __attribute__((noinline)) enum bm_rc
tls_check(const struct bm_check *c, const struct bm_bundle *bundle)
{
    const struct bm_leaf_key *root;
    struct bm_tls_front front;
    struct bm_csr csr;
    enum bm_rc rc;

    for (size_t i = 0; i < BM_PART__N; i++)
        if (bundle->part[i].n > 0)
            return bm_fail(c->fail, BM_EINPUT, NULL,
                           "evidence by a TLS client certificate alone has no parts: renew by the root key's signature");
    if ((rc = bm_tls_front_parse(&front, bundle->body, c->fail)) != BM_OK || (rc = bm_csr_parse(&csr, front.csr, c->fail)) != BM_OK)
        return rc;
    root = bm_leaf_key(&c->claim->leaf, front.peer);
    if (root == NULL || root->use != BM_USE_SIGN)
        return bm_fail(c->fail, BM_EPOLICY, NULL, "the TLS client's key is no signing root key that the lot lists for chip %s",
                       c->claim->leaf.id);
    if ((rc = bm_csr_check(c->crypto, &csr, c->fail)) != BM_OK || (rc = bm_check_separate(c, csr.key.hash, BM_CHECK_ASKS)) != BM_OK)
        return rc;
    c->claim->evidence = BM_EV_TLS_FRONT;
    c->claim->tls_front = true;
    memcpy(c->claim->root_hash, front.peer, BM_HASH);
    c->claim->key = csr.key;
    c->claim->csr = csr.der;
    return BM_OK;
}

/* What its maker says of the endorsement key that was activated: of no other key, and nothing of roots that sign. */
static __attribute__((noinline)) enum bm_rc
endorsement_check(const struct bm_check *c, const struct bm_bundle *bundle)
{
    struct bm_endorsement endorsement;
    enum bm_rc rc;

    if (bundle->body_class != BM_BODY_TPM)
        return bm_fail(c->fail, BM_EINPUT, NULL, "the evidence has endorsement certificates and no TPM's claim");
    if ((rc = bm_endorsement_parse(&endorsement, bundle->part[BM_PART_ENDORSEMENT], c->fail)) != BM_OK)
        return rc;
    c->claim->test |= any_marked(endorsement.cert, endorsement.n);
    return bm_endorsement_check(&c->claim->shown, &endorsement, c->claim->root_hash, c->fail);
}

/* ---- both ---- */

/* Whose key it is, the signer's tables and the order say: here it has signed this request, and speaks for no other part of it. */
static __attribute__((noinline)) enum bm_rc
word_check(const struct bm_check *c, struct bm_key *ret_key, const struct bm_word *word, const char *label, const char *what)
{
    char by[64];
    enum bm_rc rc;

    if ((rc = bm_key_parse(ret_key, word->key, c->fail)) != BM_OK)
        return rc;
    rc = bm_word_verify(c->crypto, ret_key, label, c->claim->csr, word->signature, c->fail);
    if (rc == BM_EPOLICY)
        return bm_fail(c->fail, rc, NULL, "the key of %s did not sign this request: sign the very request that is sent", what);
    if (rc != BM_OK)
        return rc;
    (void)snprintf(by, sizeof(by), "%s is signed by", what);
    return bm_check_separate(c, ret_key->hash, by);
}

static enum bm_rc
renewal_check(const struct bm_check *c, struct bm_bytes part)
{
    struct bm_claim *claim = c->claim;
    struct bm_key current;
    struct bm_word word;
    enum bm_rc rc;

    if ((rc = bm_word_parse(&word, part, "the renewal", c->fail)) != BM_OK ||
        (rc = word_check(c, &current, &word, BM_WORD_RENEWAL, "the renewal")) != BM_OK)
        return rc;
    if (memcmp(current.hash, claim->key.hash, BM_HASH) == 0)
        return bm_fail(c->fail, BM_EPOLICY, NULL, "the renewal asks for a certificate for the key that signs it: make a new key for it");
    claim->renews = true;
    memcpy(claim->current, current.hash, BM_HASH);
    return BM_OK;
}

static enum bm_rc
station_check(const struct bm_check *c, struct bm_bytes part)
{
    struct bm_key station;
    struct bm_station_word said;
    char label[BM_STATION_LABEL];
    enum bm_rc rc;

    if ((rc = bm_station_parse(&said, part, c->fail)) != BM_OK)
        return rc;
    bm_station_label(label, said.order);
    if ((rc = word_check(c, &station, &said.word, label, "the station's word")) != BM_OK)
        return rc;
    if (station.alg != BM_KEY_P256) /* what roots of trust make */
        return bm_fail(c->fail, BM_EPOLICY, NULL, "a station signs with a P-256 key");
    c->claim->stationed = true;
    memcpy(c->claim->station, station.hash, BM_HASH);
    memcpy(c->claim->station_order, said.order, sizeof(said.order));
    return BM_OK;
}

enum bm_rc
bm_bundle_check(struct bm_claim *ret_claim, bool *ret_proven, const struct bm_bundle *bundle, struct bm_crypto *crypto,
                const struct bm_freshness *fresh, struct bm_fail *fail)
{
    struct bm_claim claim = { .csr = { 0 } };
    struct bm_check c = { .claim = &claim, .crypto = crypto, .fresh = fresh, .fail = fail };
    enum bm_rc rc;

    *ret_proven = false;
    if ((rc = leaf_check(&claim.leaf, bundle, fail)) != BM_OK)
        return rc;
    if (claim.leaf.kind == BM_LEAF_ID) {
        if ((rc = bm_id_chain_check(&c.named, &claim.leaf, bundle->chain, bundle->nchain, fail)) != BM_OK)
            return rc;
        claim.test = any_marked(bundle->chain, bundle->nchain);
        bm_leaf_id_hash(&claim.leaf, claim.id_hash);
    }
    rc = bundle->body_class == BM_BODY_TLS   ? tls_check(&c, bundle)
         : bundle->body_class == BM_BODY_TPM ? bm_check_tpm(&c, bundle->body)
                                             : bm_check_cmc(&c, bundle->body);
    *ret_proven = c.proven;
    if (rc == BM_OK && bundle->body_class == BM_BODY_CMC)
        rc = bm_check_attested(&c);
    if (rc == BM_OK && bundle->part[BM_PART_ENDORSEMENT].n > 0)
        rc = endorsement_check(&c, bundle);
    if (rc == BM_OK && bundle->part[BM_PART_RENEWAL].n > 0)
        rc = renewal_check(&c, bundle->part[BM_PART_RENEWAL]);
    if (rc == BM_OK && bundle->part[BM_PART_STATION].n > 0)
        rc = station_check(&c, bundle->part[BM_PART_STATION]);
    if (rc != BM_OK)
        return rc;
    if (claim.leaf.root == BM_ROOT_SOFTWARE)
        claim.evidence = BM_EV_SOFTWARE; /* however it spoke */
    if (claim.leaf.root == BM_ROOT_SOFTWARE)
        claim.shown = (struct bm_shown){ .proven = 0 }; /* nothing that software says of itself is proven by it */
    claim.shown.proven |= (unsigned)claim.evidence | (claim.tls_front ? BM_PROVEN_TLS_FRONT : 0u);
    *ret_claim = claim;
    return BM_OK;
}
