#include "registrar/whose.h"

#include "evidence/attested.h"
#include "evidence/bundle.h"
#include "evidence/cmc.h"
#include "evidence/tpm.h"
#include "lot/leaf_skim.h"
#include "pki/cert.h"
#include "record/statement.h"
#include "registrar/skim.h"
#include "registrar/vendor_record.h"
#include "wire/text.h"

struct search {
    struct bm_whose *whose;
    const struct bm_holdings *holdings;
    struct bm_store *store;
};

void
bm_whose_done(struct bm_whose *whose)
{
    bm_buf_done(&whose->root);
}

static enum bm_rc
chip_find(const struct search *s, const uint8_t name[static BM_HASH], struct bm_fail *fail)
{
    memcpy(s->whose->name, name, BM_HASH);
    return bm_holdings_find_key(s->holdings, s->store, name, &s->whose->chip, fail);
}

/* ---- a chip that is listed by its id alone: the id stands in the device's certificate, below the vendor's root ---- */

static enum bm_rc
id_find(const struct search *s, const char *id, struct bm_bytes root, struct bm_fail *fail)
{
    struct bm_leaf_skim skim = { .kind = BM_LEAF_ID, .rule = BM_ID_RULE_MICROCHIP_SN, .id = bm_bytes_str(id) };
    uint8_t vendor_root[BM_HASH], hash[BM_HASH];

    bm_sha256(vendor_root, root);
    skim.vendor_root = bm_bytes(vendor_root, BM_HASH);
    bm_leaf_skim_id_hash(&skim, hash);
    return chip_find(s, hash, fail);
}

/* The chain goes on to this root, where its last certificate names it and a lot lists the id under it. */
static enum bm_rc
root_try(const struct search *s, const char *id, const struct bm_cert *last, struct bm_bytes root, struct bm_fail *fail)
{
    struct bm_whose *whose = s->whose;
    struct bm_fail ignored;
    struct bm_cert cert;
    enum bm_rc rc;

    if (bm_cert_parse(&cert, root, &ignored) != BM_OK || !bm_bytes_equal(cert.subject, last->issuer))
        return BM_OK;
    if ((rc = id_find(s, id, root, fail)) != BM_OK || !whose->chip.found)
        return rc;
    whose->root.max = root.n;
    bm_buf_add_bytes(&whose->root, root);
    whose->chain[whose->nchain++] = bm_buf_bytes(&whose->root);
    return bm_buf_check(&whose->root, "the vendor's root", fail);
}

static enum bm_rc
record_try(const struct search *s, const char *id, const struct bm_cert *last, struct bm_bytes record, struct bm_fail *fail)
{
    size_t n;
    struct bm_rd rd = bm_vendor_roots(record, &n);
    enum bm_rc rc = BM_OK;

    for (; n > 0 && !rd.bad && rc == BM_OK && !s->whose->chip.found; n--)
        rc = root_try(s, id, last, bm_rd_lv16(&rd, UINT16_MAX), fail);
    return rc;
}

/* A device seldom sends the root itself: it is looked for among what the vendors of such lots have pinned. */
static enum bm_rc
pinned_try(const struct search *s, const char *id, const struct bm_cert *last, struct bm_fail *fail)
{
    const struct bm_holdings *h = s->holdings;
    const char *before = "";
    enum bm_rc rc = BM_OK;

    for (size_t i = 0; i < h->n && rc == BM_OK && !s->whose->chip.found; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf record = { .max = BM_MAX_VENDOR };
        const struct bm_store_lot *lot = &h->all[i].lot;

        if (strcmp(lot->source, bm_lot_source_word(BM_SOURCE_MICROCHIP)) != 0 || strcmp(lot->vendor, before) == 0)
            continue;
        before = lot->vendor;
        rc = bm_store_vendor_get(s->store, lot->vendor, &record, fail);
        if (rc == BM_OK)
            rc = record_try(s, id, last, bm_buf_bytes(&record), fail);
        else if (rc == BM_EPOLICY)
            rc = BM_OK; /* retired since */
    }
    return rc;
}

static enum bm_rc
chip_of_id(const struct search *s, const struct bm_cmc *cmc, struct bm_fail *fail)
{
    struct bm_whose *whose = s->whose;
    struct bm_fail ignored = { .rc = BM_OK };
    struct bm_cert device, last;
    char id[BM_MAX_ID + 1];

    whose->nchain = bm_id_chain_arrange(whose->chain, cmc->signer_cert, cmc->certs);
    if (whose->nchain == 0 || bm_cert_parse(&device, whose->chain[0], &ignored) != BM_OK ||
        bm_id_extract(id, BM_ID_RULE_MICROCHIP_SN, &device, &ignored) != BM_OK ||
        bm_cert_parse(&last, whose->chain[whose->nchain - 1], &ignored) != BM_OK)
        return BM_OK;
    if (whose->nchain > 1 && bm_bytes_equal(last.subject, last.issuer))
        return id_find(s, id, whose->chain[whose->nchain - 1], fail);
    return whose->nchain < BM_MAX_CHAIN ? pinned_try(s, id, &last, fail) : BM_OK;
}

/* ---- a chip that is listed by its keys ---- */

/* Which of the chip's keys it is that the identifier names. */
static void
ski_name(struct bm_whose *whose, const struct bm_leaf_skim *skim, struct bm_bytes want)
{
    uint8_t ski[20];

    for (size_t i = 0; i < skim->nkeys; i++) {
        bm_leaf_skim_ski(&skim->keys[i], ski);
        if (bm_bytes_equal(bm_bytes(ski, sizeof(ski)), want))
            memcpy(whose->name, skim->keys[i].hash, BM_HASH);
    }
    bm_hex(whose->who, bm_bytes(whose->name, BM_HASH));
}

static enum bm_rc
chip_of_ski(const struct search *s, struct bm_bytes ski, struct bm_fail *fail)
{
    struct bm_whose *whose = s->whose;
    struct bm_leaf_skim skim;
    enum bm_rc rc;

    bm_hex(whose->who, ski);
    if ((rc = bm_holdings_find_ski(s->holdings, s->store, ski.p, &whose->chip, fail)) != BM_OK || !whose->chip.found)
        return rc;
    if (bm_leaf_skim(&skim, whose->chip.leaf, fail) != BM_OK)
        return bm_fail(fail, BM_EBUG, NULL, "the index of lot %s has an entry that does not parse", whose->chip.holding->lot.name);
    ski_name(whose, &skim, ski);
    return BM_OK;
}

/* By the certificate that the request carries for its root key, or by the key's identifier. */
enum bm_rc
bm_whose_cmc(struct bm_whose *ret_whose, const struct bm_holdings *holdings, struct bm_store *store, struct bm_bytes body,
             struct bm_fail *fail)
{
    const struct search s = { .whose = ret_whose, .holdings = holdings, .store = store };
    struct bm_skim cert;
    struct bm_cmc cmc;
    enum bm_rc rc;

    if ((rc = bm_cmc_parse(&cmc, body, fail)) != BM_OK)
        return rc;
    if (cmc.signer_cert.n == 0 && cmc.signer_ski.n != 20)
        return bm_fail(fail, BM_EINPUT, "RFC 5652 5.3",
                       "the request must name its root key by a 20-byte subject key identifier or carry its certificate");
    if (cmc.signer_cert.n == 0)
        return chip_of_ski(&s, cmc.signer_ski, fail);
    if ((rc = bm_cert_skim(&cert, cmc.signer_cert, fail)) != BM_OK)
        return rc;
    bm_hex(ret_whose->who, bm_bytes(cert.key, BM_HASH));
    rc = chip_find(&s, cert.key, fail);
    return rc != BM_OK || ret_whose->chip.found ? rc : chip_of_id(&s, &cmc, fail);
}

/* A request that the TPM speaks for in an attribute: by whichever of the keys that it names is listed. */
static enum bm_rc
chip_attested(const struct search *s, struct bm_bytes request, struct bm_fail *fail)
{
    struct bm_whose *whose = s->whose;
    struct bm_attested attested;
    struct bm_csr csr;
    enum bm_rc rc;

    if ((rc = bm_csr_parse(&csr, request, fail)) != BM_OK || (rc = bm_attested_take(&attested, &csr, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; rc == BM_OK && i < attested.nkeys && !whose->chip.found; i++) {
        bm_hex(whose->who, bm_bytes(attested.keys[i], BM_HASH));
        rc = chip_find(s, attested.keys[i], fail);
    }
    return rc;
}

enum bm_rc
bm_whose_tpm(struct bm_whose *ret_whose, const struct bm_holdings *holdings, struct bm_store *store, struct bm_bytes body,
             struct bm_fail *fail)
{
    const struct search s = { .whose = ret_whose, .holdings = holdings, .store = store };
    struct bm_tpm_claim claim;
    struct bm_bytes root;
    uint8_t hash[BM_HASH];
    struct bm_key key;
    enum bm_rc rc;

    if ((rc = bm_tpm_claim_parse(&claim, body, fail)) != BM_OK)
        return rc;
    if (claim.attested)
        return chip_attested(&s, claim.csr, fail);
    root = claim.iak.n > 0 ? claim.iak : claim.ek;
    bm_sha256(hash, root);
    bm_hex(ret_whose->who, bm_bytes(hash, BM_HASH));
    if ((rc = chip_find(&s, hash, fail)) != BM_OK || ret_whose->chip.found)
        return rc;
    return bm_key_parse(&key, root, fail); /* is it a key at all? One that a lot lists is */
}

enum bm_rc
bm_whose_tls(struct bm_whose *ret_whose, const struct bm_holdings *holdings, struct bm_store *store, struct bm_bytes body,
             struct bm_fail *fail)
{
    const struct search s = { .whose = ret_whose, .holdings = holdings, .store = store };
    struct bm_tls_front front;
    enum bm_rc rc;

    if ((rc = bm_tls_front_parse(&front, body, fail)) != BM_OK)
        return rc;
    bm_hex(ret_whose->who, bm_bytes(front.peer, BM_HASH));
    return chip_find(&s, front.peer, fail);
}
