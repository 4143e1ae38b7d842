/* bundle_tpm.c - a TPM that speaks: activated, certified by a listed attestation key, or by an attestation in the request itself. */
#include "evidence/bundle_inside.h"

#define TPMA_USER_WITH_AUTH (1u << 6) /* part 2, 8.3: a password opens it too */

/* ---- tpm-activated ---- */

/*
 * What an endorsement key decrypted says something about an attestation key only where the chip is a TPM, which checks that key's name before
 * it gives the secret out. A key in another part decrypts for anybody who asks it.
 */
static enum bm_rc
ek_find(const struct bm_check *c, struct bm_bytes spki)
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
activation_check(const struct bm_check *c, struct bm_bytes ak_name, const uint8_t digest[static BM_HASH], struct bm_bytes proof)
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
operational_check(const struct bm_check *c, struct bm_bytes request, const struct bm_tpm_public *key)
{
    struct bm_csr csr;
    enum bm_rc rc;

    if ((rc = bm_csr_parse(&csr, request, c->fail)) != BM_OK)
        return rc;
    if (memcmp(csr.key.hash, key->key.hash, BM_HASH) != 0)
        return bm_fail(c->fail, BM_EPOLICY, NULL, "the request asks for a certificate for another key than the one that the TPM certified");
    if ((rc = bm_csr_check(c->crypto, &csr, c->fail)) != BM_OK || (rc = bm_check_separate(c, csr.key.hash, BM_CHECK_ASKS)) != BM_OK)
        return rc;
    c->claim->shown.proven |= BM_PROVEN_TPM_RESIDENCY | BM_PROVEN_TPM_FIXED | (policy_bound(key) ? BM_PROVEN_POLICY_BOUND : 0);
    c->claim->key = csr.key;
    c->claim->csr = csr.der;
    return BM_OK;
}

static enum bm_rc
activated_check(struct bm_check *c, const struct bm_tpm_claim *in)
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
not_listed(const struct bm_check *c)
{
    return bm_fail(c->fail, BM_EPOLICY, NULL, "the attestation key is not one that the lot lists for chip %s", c->claim->leaf.id);
}

/* It has spoken, of a key by this name. */
static enum bm_rc
named_check(struct bm_check *c, struct bm_bytes name, struct bm_bytes area, struct bm_bytes csr)
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
certified_check(struct bm_check *c, const struct bm_tpm_claim *in)
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
attested_check(struct bm_check *c, const struct bm_attested *in, const struct bm_leaf_key *iak, struct bm_bytes csr)
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
attested_iak(const struct bm_check *c, const struct bm_attested *in)
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
attested_alone(struct bm_check *c, struct bm_bytes request)
{
    const struct bm_leaf_key *iak;
    struct bm_attested in;
    struct bm_csr csr;
    enum bm_rc rc;

    if ((rc = bm_csr_parse(&csr, request, c->fail)) != BM_OK || (rc = bm_attested_take(&in, &csr, c->fail)) != BM_OK)
        return rc;
    c->claim->test |= in.test;
    if ((iak = attested_iak(c, &in)) == NULL)
        return not_listed(c);
    memcpy(c->claim->root_hash, iak->key.hash, BM_HASH);
    return attested_check(c, &in, iak, request);
}

/*
 * Beside a root key that signed. An attribute for somebody else's eyes, of a form, a kind or a key that we do not know, says nothing and harms nothing; what
 * a listed attestation key says must hold.
 */
enum bm_rc
bm_check_attested(struct bm_check *c)
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
    if (bm_attested_parse(&in, &csr, &ignored) != BM_OK)
        return BM_OK;
    c->claim->test |= in.test;
    if (in.attest.n == 0 || (iak = attested_iak(c, &in)) == NULL)
        return BM_OK;
    return attested_check(c, &in, iak, csr.der);
}

enum bm_rc
bm_check_tpm(struct bm_check *c, struct bm_bytes body)
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
