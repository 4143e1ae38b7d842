#include "evidence/attested.h"
#include "evidence/bundle.h"
#include "evidence/dice.h"

#include <stdio.h>

#define TPMA_USER_WITH_AUTH (1u << 6) /* part 2, 8.3: a password opens it too */

/* What the two ways of speaking share while they are checked. */
struct check {
    struct bm_claim *claim; /* leaf is filled in; the rest is to be */
    struct bm_key named;    /* leaf of kind id: the root key, by the device's certificate */
    uint8_t ak[BM_HASH];    /* the attestation key; zeros where none spoke */
    bool proven;
    struct bm_crypto *crypto;
    const struct bm_freshness *fresh;
    struct bm_fail *fail;
};

/* ---- the leaf in its tree ---- */

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

/* Root and operational identity stay apart, so that revoking one leaves the other alone. */
static enum bm_rc
key_separate(const struct check *c, const uint8_t hash[static BM_HASH], const char *what)
{
    bool root = bm_leaf_key(&c->claim->leaf, hash) != NULL || memcmp(c->named.hash, hash, BM_HASH) == 0;

    if (root || memcmp(c->ak, hash, BM_HASH) == 0)
        return bm_fail(c->fail, BM_EPOLICY, NULL, "%s %s: make a new key for the service", what,
                       root ? "a root key of the chip" : "the attestation key");
    return BM_OK;
}

static const char asks[] = "the request asks for a certificate for";

/* ---- root-signed ---- */

/* The leaf's signing key that the signer identifier means. It is a label: the signature decides. A leaf of kind id has one key that may speak. */
static const struct bm_key *
cmc_root(const struct check *c, const struct bm_cmc *cmc)
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

/* Its two keys are the device's own and may move with its firmware: neither is a service's. */
static __attribute__((noinline)) enum bm_rc
measured_check(struct check *c, struct bm_bytes der, const struct bm_key *root, const struct bm_csr *csr)
{
    struct bm_shown *shown = &c->claim->shown;
    struct bm_dice_evidence evidence;
    struct bm_dice dice;
    enum bm_rc rc;

    if ((rc = bm_dice_evidence_parse(&evidence, der, c->fail)) != BM_OK ||
        (rc = bm_dice_evidence_check(&dice, c->crypto, root, &evidence, csr->der, c->fail)) != BM_OK)
        return rc;
    if (memcmp(dice.device_id.key.hash, csr->key.hash, BM_HASH) == 0 || memcmp(dice.alias.key.hash, csr->key.hash, BM_HASH) == 0)
        return bm_fail(c->fail, BM_EPOLICY, NULL, "%s DeviceID or Alias: make a new key for the service", asks);
    shown->proven |= BM_PROVEN_DICE;
    memcpy(shown->first, dice.device_id.measured, BM_HASH);
    memcpy(shown->code, dice.alias.measured, BM_HASH);
    return BM_OK;
}

/* Not inlined, nor is tpm_check(): the frames of the two ways would stand on the stack together, beside the claim. */
static __attribute__((noinline)) enum bm_rc
cmc_check(struct check *c, struct bm_bytes body)
{
    const struct bm_key *root;
    struct bm_cmc cmc;
    enum bm_rc rc;

    if ((rc = bm_cmc_parse(&cmc, body, c->fail)) != BM_OK)
        return rc;
    if ((root = cmc_root(c, &cmc)) == NULL)
        return bm_fail(c->fail, BM_EPOLICY, NULL,
                       "the request is not signed by a root key of chip %s: sign it with the key that its lot lists", c->claim->leaf.id);
    if (c->fresh != NULL &&
        (rc = bm_nonce_check(c->fresh->k, BM_PURPOSE_ROOT, root->hash, c->fresh->now, cmc.recipient_nonce, c->fail)) != BM_OK)
        return rc;
    if ((rc = bm_cmc_check_root(c->crypto, &cmc, root, c->fail)) != BM_OK)
        return rc;
    c->proven = true;
    if ((rc = bm_csr_check(c->crypto, &cmc.csr, c->fail)) != BM_OK || (rc = key_separate(c, cmc.csr.key.hash, asks)) != BM_OK)
        return rc;
    if (cmc.dice.n > 0 && (rc = measured_check(c, cmc.dice, root, &cmc.csr)) != BM_OK)
        return rc;
    c->claim->evidence = BM_EV_ROOT_SIGNED;
    memcpy(c->claim->root_hash, root->hash, BM_HASH);
    c->claim->key = cmc.csr.key;
    c->claim->csr = cmc.csr.der;
    return BM_OK;
}

/* ---- tpm-activated ---- */

/*
 * What an endorsement key decrypted says something about an attestation key only where the chip is a TPM, which checks that key's name before
 * it gives the secret out. A key in another part decrypts for anybody who asks it.
 */
static enum bm_rc
ek_find(const struct check *c, struct bm_bytes spki)
{
    const struct bm_leaf *leaf = &c->claim->leaf;
    const struct bm_leaf_key *ek;

    if (leaf->kind == BM_LEAF_ID)
        return bm_fail(c->fail, BM_EPOLICY, NULL,
                       "chip %s is listed by its id alone: the key of its certificate signs, it is not activated", leaf->id);
    bm_sha256(c->claim->root_hash, spki);
    ek = bm_leaf_key(leaf, c->claim->root_hash);
    if (ek == NULL || ek->use != BM_USE_DECRYPT)
        return bm_fail(c->fail, BM_EPOLICY, NULL, "the endorsement key is not one of chip %s: use the one that its lot lists", leaf->id);
    return BM_OK;
}

/* proof = HMAC(secret, digest of the CSR), with the secret of this epoch or the one before. */
static enum bm_rc
activation_check(const struct check *c, struct bm_bytes ak_name, const uint8_t digest[static BM_HASH], struct bm_bytes proof)
{
    const uint64_t epoch = bm_nonce_epoch(c->fresh->now);
    uint8_t subject[BM_HASH], want[BM_HASH];
    BM_SECRET(secret);
    unsigned same = 0;

    bm_tpm_subject(subject, c->claim->root_hash, ak_name);
    for (uint64_t back = 0; back < 2; back++) {
        bm_nonce_make(secret.b, c->fresh->k, BM_PURPOSE_TPM, subject, epoch - (back <= epoch ? back : 0));
        bm_hmac256(want, bm_bytes(secret.b, BM_NONCE), bm_bytes(digest, BM_HASH));
        same |= bm_bytes_equal_secret(bm_bytes(want, sizeof(want)), proof);
    }
    if (same == 0)
        return bm_fail(c->fail, BM_EPOLICY, "TPM 2.0 part 1, 24",
                       "the TPM did not show that it holds its endorsement key, or took longer than ten minutes: ask for a new challenge");
    return BM_OK;
}

/* Nothing but its policy opens the key. What the policy asks for (PCRs, a signed permit) is a digest here, and the device's word. */
static bool
policy_bound(const struct bm_tpm_public *key)
{
    return key->policy.n > 0 && (key->attributes & TPMA_USER_WITH_AUTH) == 0;
}

/* The operational key: the one that the TPM spoke of, and the one that the CSR asks for. */
static enum bm_rc
operational_check(const struct check *c, struct bm_bytes request, const struct bm_tpm_public *key)
{
    struct bm_csr csr;
    enum bm_rc rc;

    if ((rc = bm_csr_parse(&csr, request, c->fail)) != BM_OK)
        return rc;
    if (memcmp(csr.key.hash, key->key.hash, BM_HASH) != 0)
        return bm_fail(c->fail, BM_EPOLICY, NULL, "the request asks for a certificate for another key than the one that the TPM certified");
    if ((rc = bm_csr_check(c->crypto, &csr, c->fail)) != BM_OK || (rc = key_separate(c, csr.key.hash, asks)) != BM_OK)
        return rc;
    c->claim->shown.proven |= BM_PROVEN_TPM_RESIDENCY | BM_PROVEN_TPM_FIXED | (policy_bound(key) ? BM_PROVEN_POLICY_BOUND : 0);
    c->claim->key = csr.key;
    c->claim->csr = csr.der;
    return BM_OK;
}

static enum bm_rc
activated_check(struct check *c, const struct bm_tpm_claim *in)
{
    struct bm_tpm_public ak, key;
    uint8_t digest[BM_HASH];
    enum bm_rc rc;

    if ((rc = ek_find(c, in->ek)) != BM_OK || (rc = bm_tpm_public_parse(&ak, in->ak, c->fail)) != BM_OK)
        return rc;
    bm_sha256(digest, in->csr);
    memcpy(c->ak, ak.key.hash, BM_HASH);
    if (c->fresh != NULL) {
        if ((rc = activation_check(c, bm_bytes(ak.name, ak.nname), digest, in->proof)) != BM_OK)
            return rc;
        c->proven = true;
    }
    c->claim->evidence = BM_EV_TPM_ACTIVATED;
    /* After the proof: TPM2_ActivateCredential compared this name, so these attributes are the TPM's own word. */
    if ((rc = bm_tpm_public_check_attestation(&ak, c->fail)) != BM_OK || (rc = bm_tpm_public_parse(&key, in->key, c->fail)) != BM_OK ||
        (rc = bm_tpm_public_check_operational(&key, c->fail)) != BM_OK ||
        (rc = bm_tpm_certify_check(c->crypto, in->attest, in->signature, &ak, &key, bm_bytes(digest, BM_HASH), c->fail)) != BM_OK)
        return rc;
    return operational_check(c, in->csr, &key);
}

/* ---- certified by an attestation key that the lot lists ---- */

static enum bm_rc
not_listed(const struct check *c)
{
    return bm_fail(c->fail, BM_EPOLICY, NULL, "the attestation key is not one that the lot lists for chip %s", c->claim->leaf.id);
}

/* It has spoken, of a key by this name. */
static enum bm_rc
named_check(struct check *c, struct bm_bytes name, struct bm_bytes area, struct bm_bytes csr)
{
    struct bm_tpm_public key;
    enum bm_rc rc;

    c->proven = true;
    c->claim->evidence = BM_EV_ROOT_SIGNED;
    if ((rc = bm_tpm_public_parse(&key, area, c->fail)) != BM_OK || (rc = bm_tpm_name_check(name, &key, c->fail)) != BM_OK ||
        (rc = bm_tpm_public_check_operational(&key, c->fail)) != BM_OK)
        return rc;
    return operational_check(c, csr, &key);
}

/*
 * The lot vouches that the key is restricted. What a public area that came with the request says of it would be the requester's own word: an unrestricted
 * key of the same chip (its IDevID) could have signed anything, a TPM's structures too.
 */
static enum bm_rc
certified_check(struct check *c, const struct bm_tpm_claim *in)
{
    const struct bm_leaf_key *iak;
    uint8_t extra[BM_HASH];
    struct bm_bytes name;
    enum bm_rc rc;

    bm_sha256(c->claim->root_hash, in->iak);
    iak = bm_leaf_key(&c->claim->leaf, c->claim->root_hash);
    if (iak == NULL || iak->use != BM_USE_ATTEST)
        return not_listed(c);
    if (c->fresh != NULL && (rc = bm_nonce_check(c->fresh->k, BM_PURPOSE_ROOT, iak->key.hash, c->fresh->now, in->nonce, c->fail)) != BM_OK)
        return rc;
    bm_tpm_certified_data(extra, in->nonce, in->csr);
    if ((rc = bm_tpm_attest_check(&name, c->crypto, in->attest, in->signature, &iak->key, bm_bytes(extra, BM_HASH), c->fail)) != BM_OK)
        return rc;
    return named_check(c, name, in->key, in->csr);
}

/* ---- the same, in an attribute of the request itself ---- */

/*
 * What is signed cannot hold the hash of a request that holds it: it holds the nonce, and the name of the key. The request's own signature is by that key, so
 * nobody else can put another request around it.
 */
static enum bm_rc
attested_check(struct check *c, const struct bm_attested *in, const struct bm_leaf_key *iak, struct bm_bytes csr)
{
    struct bm_bytes nonce = bm_tpm_attest_extra(in->attest), name;
    enum bm_rc rc;

    if (c->fresh != NULL && (rc = bm_nonce_check(c->fresh->k, BM_PURPOSE_ROOT, iak->key.hash, c->fresh->now, nonce, c->fail)) != BM_OK)
        return rc;
    if ((rc = bm_tpm_attest_check(&name, c->crypto, in->attest, in->signature, &iak->key, nonce, c->fail)) != BM_OK)
        return rc;
    return named_check(c, name, in->area, csr);
}

/* The attestation key that it names and the lot lists. */
static const struct bm_leaf_key *
attested_iak(const struct check *c, const struct bm_attested *in)
{
    for (size_t i = 0; i < in->nkeys; i++) {
        const struct bm_leaf_key *key = bm_leaf_key(&c->claim->leaf, in->keys[i]);

        if (key != NULL && key->use == BM_USE_ATTEST)
            return key;
    }
    return NULL;
}

/* Nothing else speaks. */
static __attribute__((noinline)) enum bm_rc
attested_alone(struct check *c, struct bm_bytes request)
{
    const struct bm_leaf_key *iak;
    struct bm_attested in;
    struct bm_csr csr;
    enum bm_rc rc;

    if ((rc = bm_csr_parse(&csr, request, c->fail)) != BM_OK || (rc = bm_attested_take(&in, &csr, c->fail)) != BM_OK)
        return rc;
    if ((iak = attested_iak(c, &in)) == NULL)
        return not_listed(c);
    memcpy(c->claim->root_hash, iak->key.hash, BM_HASH);
    return attested_check(c, &in, iak, request);
}

/*
 * Beside a root key that signed. An attribute for somebody else's eyes, of a form, a kind or a key that we do not know, says nothing and harms nothing; what
 * a listed attestation key says must hold.
 */
static __attribute__((noinline)) enum bm_rc
attested_beside(struct check *c)
{
    struct bm_fail ignored = { .rc = BM_OK };
    const struct bm_leaf_key *iak;
    struct bm_attested in;
    struct bm_csr csr;
    enum bm_rc rc;

    if (c->claim->leaf.root != BM_ROOT_TPM)
        return BM_OK;
    if ((rc = bm_csr_parse(&csr, c->claim->csr, c->fail)) != BM_OK)
        return rc;
    if (bm_attested_parse(&in, &csr, &ignored) != BM_OK || in.attest.n == 0 || (iak = attested_iak(c, &in)) == NULL)
        return BM_OK;
    return attested_check(c, &in, iak, csr.der);
}

static __attribute__((noinline)) enum bm_rc
tpm_check(struct check *c, struct bm_bytes body)
{
    const struct bm_leaf *leaf = &c->claim->leaf;
    struct bm_tpm_claim in;
    enum bm_rc rc;

    if ((rc = bm_tpm_claim_parse(&in, body, c->fail)) != BM_OK)
        return rc;
    if (leaf->kind == BM_LEAF_KEYS && leaf->root != BM_ROOT_TPM && leaf->root != BM_ROOT_SOFTWARE)
        return bm_fail(c->fail, BM_EPOLICY, NULL, "chip %s is no TPM: its root key signs a CMC request", leaf->id);
    return in.attested ? attested_alone(c, in.csr) : in.iak.n > 0 ? certified_check(c, &in) : activated_check(c, &in);
}

/* ---- tls-front ---- */

/*
 * That this root key was there is the gate's word, and that it asked for this key is nobody's: nothing here is signed by it. So it never counts as proven,
 * and what else the evidence could carry does not go with it.
 */
static __attribute__((noinline)) enum bm_rc
tls_check(const struct check *c, const struct bm_bundle *bundle)
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
    if ((rc = bm_csr_check(c->crypto, &csr, c->fail)) != BM_OK || (rc = key_separate(c, csr.key.hash, asks)) != BM_OK)
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
endorsement_check(const struct check *c, const struct bm_bundle *bundle)
{
    struct bm_endorsement endorsement;
    enum bm_rc rc;

    if (bundle->body_class != BM_BODY_TPM)
        return bm_fail(c->fail, BM_EINPUT, NULL, "the evidence has endorsement certificates and no TPM's claim");
    if ((rc = bm_endorsement_parse(&endorsement, bundle->part[BM_PART_ENDORSEMENT], c->fail)) != BM_OK)
        return rc;
    return bm_endorsement_check(&c->claim->shown, &endorsement, c->claim->root_hash, c->fail);
}

/* ---- both ---- */

/* Whose key it is, the signer's tables and the order say: here it has signed this request, and speaks for no other part of it. */
static __attribute__((noinline)) enum bm_rc
word_check(const struct check *c, struct bm_key *ret_key, const struct bm_word *word, const char *label, const char *what)
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
    return key_separate(c, ret_key->hash, by);
}

static enum bm_rc
renewal_check(const struct check *c, struct bm_bytes part)
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
station_check(const struct check *c, struct bm_bytes part)
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
    struct check c = { .claim = &claim, .crypto = crypto, .fresh = fresh, .fail = fail };
    enum bm_rc rc;

    *ret_proven = false;
    if ((rc = leaf_check(&claim.leaf, bundle, fail)) != BM_OK)
        return rc;
    if (claim.leaf.kind == BM_LEAF_ID) {
        if ((rc = bm_id_chain_check(&c.named, &claim.leaf, bundle->chain, bundle->nchain, fail)) != BM_OK)
            return rc;
        bm_leaf_id_hash(&claim.leaf, claim.id_hash);
    }
    rc = bundle->body_class == BM_BODY_TLS   ? tls_check(&c, bundle)
         : bundle->body_class == BM_BODY_TPM ? tpm_check(&c, bundle->body)
                                             : cmc_check(&c, bundle->body);
    *ret_proven = c.proven;
    if (rc == BM_OK && bundle->body_class == BM_BODY_CMC)
        rc = attested_beside(&c);
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
