/* Microchip's manifest: a JSON array of signed entries, one a chip. */
#include "lot/array.h"
#include "lot/chain.h"
#include "lot/lot.h"
#include "lot/secure_element.h"
#include "lot/signers.h"

#include <stdlib.h>

/* id-ce-subjectAltName */
static const uint8_t oid_san[] = { 0x55, 0x1d, 0x11 };

/* On the heap, since a chip alone is 10 KiB. */
struct bm_reading {
    const struct bm_lot_job *job;
    const struct bm_vendor *vendor;
    struct bm_array array;
    struct bm_jws jws;
    struct bm_element element;
    struct bm_pool pool; /* where the chips' certificates end */
    struct bm_signers signers;
};

static void
microchip_free(struct bm_reading *r)
{
    bm_jws_done(&r->jws);
    bm_element_done(&r->element);
    bm_pool_done(&r->pool);
    free(r);
}

static void
reading_done(struct bm_reading **reading)
{
    if (*reading != NULL)
        microchip_free(*reading);
}

static bool
microchip_probe(struct bm_bytes file)
{
    size_t at = 0;

    for (int i = 0; i < 2; i++) {
        while (at < file.n && (file.p[at] == ' ' || file.p[at] == '\t' || file.p[at] == '\n' || file.p[at] == '\r'))
            at++;
        if (at == file.n || file.p[at++] != (i == 0 ? '[' : '{'))
            return false;
    }
    return true;
}

/* From the chip's certificate to the vendor's root, where one is given. */
static void
chains_look(struct bm_reading *r, struct bm_lot_chip *chip)
{
    uint32_t verified = 0;
    struct bm_fail why;

    for (size_t i = 0; i < r->element.nchains && r->pool.n > 0; i++) {
        const struct bm_element_chain *chain = &r->element.chain[i];
        const struct bm_certs between = { chain->between, chain->nbetween };

        if (bm_pool_prove(&r->pool, r->job->crypto, &chain->device, between, r->element.time, &verified, &why) != BM_OK)
            bm_lot_chip_find(chip, BM_CHECK_CHAIN, "its certificate: %s", why.text);
        else
            chip->signatures += verified;
    }
}

/* Is `id` in this name, in upper case as Microchip writes it there ("sn0123F2408EA1FCF201")? */
static bool
name_has_id(struct bm_bytes name, const char *id)
{
    char upper[BM_MAX_ID + 1];
    size_t n = strlen(id);

    for (size_t i = 0; i <= n; i++)
        upper[i] = (char)(id[i] >= 'a' && id[i] <= 'f' ? id[i] - 'a' + 'A' : id[i]);
    return memmem(name.p, name.n, upper, n) != NULL;
}

static void
names_look(const struct bm_reading *r, struct bm_lot_chip *chip, const struct bm_cert *cert)
{
    struct bm_bytes san = bm_cert_extension(cert, bm_bytes(oid_san, sizeof(oid_san)), NULL);

    if (!name_has_id(cert->subject, r->element.leaf.id))
        bm_lot_chip_find(chip, BM_CHECK_LABEL, "its certificate is not named after its id %s", r->element.leaf.id);
    if (san.n > 0)
        bm_sha256(chip->san, san);
}

/* A list without keys is bound later, by a chain that ends in the one root that stands in it. */
static void
binding_make(struct bm_reading *r, struct bm_lot_chip *chip)
{
    struct bm_leaf *leaf = &r->element.leaf;

    if (leaf->kind != BM_LEAF_ID)
        return;
    if (r->pool.n != 1) {
        bm_lot_chip_find(chip, BM_CHECK_CHAIN,
                         "it lists no keys (version 2), so the chips' certificates must lead to one root, and %zu are pinned for %s",
                         r->pool.n, r->vendor->name);
        return;
    }
    bm_sha256(leaf->vendor_root, r->pool.certs[0].cert.der);
    leaf->rule = BM_ID_RULE_MICROCHIP_SN;
}

/* The signature first: what Microchip did not sign is not read. */
static void
entry_look(struct bm_reading *r, struct bm_bytes object, struct bm_lot_chip *chip)
{
    const struct bm_signer *signer;
    struct bm_fail why;
    enum bm_rc rc;

    if ((rc = bm_jws_parse(&r->jws, object, &why)) != BM_OK) {
        bm_lot_chip_find(chip, rc == BM_EPOLICY ? BM_CHECK_SIGNATURE : BM_CHECK_ENTRY, "%s", why.text);
        return;
    }
    if ((signer = bm_signers_find(&r->signers, &r->jws, chip)) == NULL)
        return;
    if (bm_jws_check(r->job->crypto, &r->jws, &signer->jws, &why) != BM_OK) {
        bm_lot_chip_find(chip, BM_CHECK_SIGNATURE, "%s", why.text);
        return;
    }
    chip->signatures = 1;
    if (bm_element_parse(&r->element, bm_buf_bytes(&r->jws.payload), 1, &why) != BM_OK) {
        bm_lot_chip_find(chip, BM_CHECK_ENTRY, "%s", why.text);
        return;
    }
    memcpy(r->element.leaf.hashes[0], r->jws.hash, BM_HASH);
    chip->have = true;
    chip->time = r->element.time;
    memcpy(chip->delivery, r->element.group, sizeof(chip->delivery));
    memcpy(chip->signer, signer->name, sizeof(chip->signer));
    if (strcmp(r->jws.unique_id, r->element.leaf.id) != 0)
        bm_lot_chip_find(chip, BM_CHECK_SIGNATURE,
                         "the uniqueId in its header is not the one that is signed (%s): the file was changed, ask for it again",
                         r->element.leaf.id);
    bm_signer_time_look(signer, r->job->now, chip);
}

static void
element_look(struct bm_reading *r, uint64_t index, struct bm_lot_chip *chip)
{
    const struct bm_element *element = &r->element;

    binding_make(r, chip);
    chains_look(r, chip);
    for (size_t i = 0; i < element->nchains; i++)
        names_look(r, chip, &element->chain[i].device);
    if (element->misspelt && index == 0)
        bm_lot_chip_find(chip, BM_CHECK_FORM, "it says \"distributer\", a spelling of early documentation");
    if (index == 0 && r->vendor->roots.n == 0)
        bm_lot_chip_find(chip, BM_CHECK_NO_ROOTS, "no root is pinned for %s: the chips' own certificates were not checked",
                         r->vendor->name);
    if (index == 0)
        bm_lot_chip_find(chip, BM_CHECK_UNSIGNED, "each chip is signed and the list is not: it may lack chips that the reel has");
}

static enum bm_rc
microchip_check(struct bm_reading *r, uint64_t index, struct bm_bytes item, struct bm_lot_chip *chip, struct bm_buf *der,
                struct bm_fail *fail)
{
    struct bm_fail why;

    (void)fail;
    bm_lot_chip_reset(chip);
    entry_look(r, item, chip);
    if (!chip->have)
        return BM_OK;
    element_look(r, index, chip);
    if (bm_lot_chip_fatal(chip) == NULL && bm_leaf_build(der, &r->element.leaf, &why) != BM_OK)
        bm_lot_chip_find(chip, BM_CHECK_ENTRY, "%s", why.text);
    chip->have = bm_lot_chip_fatal(chip) == NULL;
    chip->leaf = r->element.leaf;
    return BM_OK;
}

static enum bm_rc
microchip_open(struct bm_reading **ret_reading, const struct bm_lot_job *job, struct bm_fail *fail)
{
    bm_cleanup(reading_done) struct bm_reading *r = calloc(1, sizeof(*r));
    enum bm_rc rc;

    if (r == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to read the manifest");
    r->job = job;
    r->vendor = job->vendor;
    r->array = bm_array(job->file);
    if ((rc = bm_signers_take(&r->signers, job->vendor, fail)) != BM_OK || (rc = bm_pool_open(&r->pool, job->vendor, fail)) != BM_OK)
        return rc;
    *ret_reading = bm_take(r);
    return BM_OK;
}

static enum bm_rc
microchip_next(struct bm_reading *r, bool *ret_have, struct bm_bytes *ret_item, uint64_t *ret_at, struct bm_fail *fail)
{
    *ret_at = (uint64_t)(r->array.rd.p - r->job->file.p);
    return bm_array_next(&r->array, BM_MAX_JSON, ret_have, ret_item, fail);
}

static enum bm_rc
microchip_end(struct bm_reading *r, struct bm_lot_result *result, struct bm_fail *fail)
{
    (void)r;
    (void)fail;
    *result = (struct bm_lot_result){ .format = BM_FORMAT_MICROCHIP, .signed_each = true };
    return BM_OK;
}

const struct bm_lot_reader bm_microchip_reader = { "microchip",     BM_FORMAT_MICROCHIP, "Microchip's signed JSON",
                                                   microchip_probe, microchip_open,      microchip_next,
                                                   microchip_check, microchip_end,       microchip_free };
