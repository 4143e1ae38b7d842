/* infineon.c - Infineon's reel: three certificates a chip, nothing signed over them as a whole, the chip's id in their file names only. */
#include "lot/chain.h"
#include "lot/chip_cert.h"
#include "lot/lot.h"
#include "lot/reel.h"

#include "wire/rd.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>

#define SHIELDED "shielded" /* label: the hash of the key that the chip lends over a shielded connection only */

struct bm_reading {
    const struct bm_lot_job *job;
    struct bm_reel reel;
    size_t at;           /* the next row of the reel */
    struct bm_buf item;  /* the chip that next() cut off */
    struct bm_buf der;   /* the certificate that is looked at */
    struct bm_pool pool; /* the vendor's certificates */
};

static void
infineon_free(struct bm_reading *r)
{
    bm_reel_done(&r->reel);
    bm_buf_done(&r->item);
    bm_buf_done(&r->der);
    bm_pool_done(&r->pool);
    free(r);
}

static void
reading_done(struct bm_reading **reading)
{
    if (*reading != NULL)
        infineon_free(*reading);
}

/* ---- one chip ---- */

/* item: lv16 chip, lv16 reel, then u8 object and lv16 PEM for each certificate */
static enum bm_rc
infineon_next(struct bm_reading *r, bool *ret_have, struct bm_bytes *ret_item, uint64_t *ret_at, struct bm_fail *fail)
{
    const struct bm_reel *reel = &r->reel;
    size_t n = bm_reel_chip(reel, r->at);

    *ret_at = r->job->file.n / reel->nrows * r->at;
    *ret_have = n > 0;
    if (n == 0)
        return BM_OK;
    if (n > BM_MAX_CHIP_KEYS)
        return bm_fail(fail, BM_EINPUT, NULL, "there are %zu certificates of the chip %s: a chip has three", n, reel->rows[r->at].chip);
    bm_buf_reset(&r->item);
    bm_buf_add_lv16(&r->item, bm_bytes_str(reel->rows[r->at].chip));
    bm_buf_add_lv16(&r->item, bm_bytes_str(reel->reels[reel->rows[r->at].archive]));
    for (size_t i = r->at; i < r->at + n; i++) {
        bm_buf_add_u8(&r->item, (uint8_t)reel->rows[i].object);
        bm_buf_add_lv16(&r->item, bm_bytes(reel->text.p + reel->rows[i].at, reel->rows[i].n));
    }
    r->at += n;
    *ret_item = bm_buf_bytes(&r->item);
    return bm_buf_check(&r->item, "a chip of the reel", fail);
}

static enum bm_rc
block_take(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_buf *buf = ctx;

    if (buf->n > 0)
        return bm_fail(fail, BM_EINPUT, "RFC 7468 5.1", "there are two certificates in one file");
    bm_buf_add_bytes(buf, der);
    return bm_buf_check(buf, "a certificate", fail);
}

static void
key_add(struct bm_lot_chip *chip, const struct bm_chip_cert *cert, enum bm_object object)
{
    struct bm_leaf *leaf = &chip->leaf;
    char text[2 * BM_HASH + 1];

    leaf->keys[leaf->nkeys++] = (struct bm_leaf_key){ .use = BM_USE_SIGN, .key = cert->key };
    bm_sha256(leaf->hashes[leaf->nhashes++], cert->cert.der);
    if (object == BM_OBJECT_E0E1) {
        bm_hex(text, bm_bytes(cert->key.hash, BM_HASH));
        (void)bm_leaf_label_add(leaf, SHIELDED, BM_LABEL_FILE_NAME, bm_bytes_str(text));
    }
    if (chip->time != 0)
        return;
    chip->time = cert->cert.not_before;
    bm_time_print(text, chip->time);
    (void)bm_leaf_label_add(leaf, BM_LABEL_DATE, BM_LABEL_CERTIFICATE, bm_bytes(text, 10));
}

/* `seen`: bits of the objects that the chip has so far. */
static enum bm_rc
cert_look(struct bm_reading *r, enum bm_object object, struct bm_bytes pem, unsigned *seen, struct bm_lot_chip *chip, struct bm_fail *fail)
{
    bool again = (*seen & 1u << object) != 0;
    struct bm_chip_cert cert;
    struct bm_fail why;
    char which[32];

    *seen |= 1u << object;
    (void)snprintf(which, sizeof(which), "its certificate %s", bm_object_word(object));
    bm_buf_reset(&r->der);
    if (bm_pem_parse(pem, "CERTIFICATE", block_take, &r->der, &why) != BM_OK) {
        bm_lot_chip_find(chip, BM_CHECK_ENTRY, "%s cannot be read: %.150s", which, why.text);
        return BM_OK;
    }
    if (!bm_chip_cert_read(&cert, bm_buf_bytes(&r->der), which, chip))
        return BM_OK;
    if (bm_leaf_key(&chip->leaf, cert.key.hash) != NULL) {
        bm_lot_chip_find(chip, again ? BM_CHECK_FORM : BM_CHECK_ENTRY, "%s is about a key that another of its certificates has", which);
        return BM_OK;
    }
    if (again)
        bm_lot_chip_find(chip, BM_CHECK_ID_TWICE, "there are two certificates %s for %s, with two keys: one id stands for two chips",
                         bm_object_word(object), chip->leaf.id);
    key_add(chip, &cert, object);
    return bm_pool_look(&r->pool, r->job->crypto, &cert.cert, which, r->job->now, chip, fail);
}

/* What is true of the delivery and not of one chip is said with the first. */
static void
delivery_look(const struct bm_reading *r, struct bm_lot_chip *chip)
{
    bm_lot_chip_find(chip, BM_CHECK_UNSIGNED,
                     "nobody signed the delivery: it may lack chips, and it may list more than the reel holds (those scrapped), so its "
                     "count is no quota");
    bm_lot_chip_find(
        chip, BM_CHECK_LABEL,
        "ids, and which certificates belong to one chip, stand in file names that nobody signed: the keys are bound, the ids are labels");
    if (bm_leaf_label(&chip->leaf, SHIELDED) != NULL)
        bm_lot_chip_find(chip, BM_CHECK_LABEL,
                         "the key of the certificate E0E1 is usable only under a shielded connection: the label " SHIELDED " names it");
    if (r->pool.n == 0)
        bm_lot_chip_find(chip, BM_CHECK_NO_ROOTS, "no root is pinned for %s: the chips' certificates were not checked",
                         r->job->vendor->name);
    for (size_t i = 1; i < r->reel.narchives; i++)
        if (strcmp(r->reel.reels[0], r->reel.reels[i]) != 0) {
            bm_lot_chip_find(chip, BM_CHECK_DELIVERY, "the delivery has archives of two reels, %s and %s: a chip is labelled by its first",
                             r->reel.reels[0], r->reel.reels[i]);
            break;
        }
    if (r->reel.npassed > 0)
        bm_lot_chip_find(chip, BM_CHECK_FORM, "%llu files of the delivery are none of Infineon's and were not read: the first is %.80s",
                         (unsigned long long)r->reel.npassed, r->reel.passed);
}

static void
leaf_begin(const struct bm_reading *r, struct bm_lot_chip *chip, struct bm_bytes id, struct bm_bytes reel)
{
    struct bm_leaf *leaf = &chip->leaf;

    leaf->kind = BM_LEAF_KEYS;
    leaf->root = BM_ROOT_SECURE_ELEMENT;
    leaf->origin = r->job->injected ? BM_ORIGIN_INJECTED : BM_ORIGIN_INSIDE;
    leaf->id_source = BM_LABEL_FILE_NAME;
    leaf->rule = BM_ID_RULE_NONE;
    memset(leaf->vendor_root, 0, sizeof(leaf->vendor_root));
    leaf->nlabels = leaf->nkeys = leaf->nhashes = 0;
    (void)snprintf(leaf->id, sizeof(leaf->id), "%.*s", (int)id.n, (const char *)id.p);
    (void)snprintf(chip->delivery, sizeof(chip->delivery), "%.*s", (int)reel.n, (const char *)reel.p);
    if (reel.n > 0)
        (void)bm_leaf_label_add(leaf, BM_LABEL_REEL, BM_LABEL_FILE_NAME, reel);
}

static enum bm_rc
infineon_check(struct bm_reading *r, uint64_t index, struct bm_bytes item, struct bm_lot_chip *chip, struct bm_buf *der,
               struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(item);
    struct bm_bytes id = bm_rd_lv16(&rd, BM_MAX_ID), reel = bm_rd_lv16(&rd, BM_MAX_NAME);
    struct bm_fail why;
    unsigned seen = 0;
    enum bm_rc rc;

    bm_lot_chip_reset(chip);
    leaf_begin(r, chip, id, reel);
    for (size_t i = 0; !rd.bad && rd.left > 0 && i < BM_MAX_CHIP_KEYS; i++) {
        unsigned object = bm_rd_u8(&rd);
        struct bm_bytes pem = bm_rd_lv16(&rd, BM_MAX_PEM_FILE);

        if (!rd.bad && object < BM_OBJECT__N && (rc = cert_look(r, (enum bm_object)object, pem, &seen, chip, fail)) != BM_OK)
            return rc;
    }
    if (!bm_rd_end(&rd))
        return bm_fail(fail, BM_EBUG, NULL, "a chip of the reel was not handed over whole");
    for (size_t i = 0; i < BM_OBJECT__N; i++)
        if ((seen & 1u << i) == 0)
            bm_lot_chip_find(chip, BM_CHECK_FORM, "there is no certificate %s for %s, which should have three",
                             bm_object_word((enum bm_object)i), chip->leaf.id);
    if (index == 0)
        delivery_look(r, chip);
    if (bm_lot_chip_fatal(chip) == NULL && bm_leaf_build(der, &chip->leaf, &why) != BM_OK)
        bm_lot_chip_find(chip, BM_CHECK_ENTRY, "%s", why.text);
    chip->have = bm_lot_chip_fatal(chip) == NULL;
    return BM_OK;
}

/* ---- the file ---- */

static enum bm_rc
infineon_open(struct bm_reading **ret_reading, const struct bm_lot_job *job, struct bm_fail *fail)
{
    bm_cleanup(reading_done) struct bm_reading *r = calloc(1, sizeof(*r));
    enum bm_rc rc;

    if (r == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to read the reel");
    r->job = job;
    r->item.max = BM_MAX_CHIP_KEYS * (BM_MAX_PEM_FILE + 3) + 2 * BM_MAX_NAME + 4;
    r->der.max = BM_MAX_CERT;
    if ((rc = bm_pool_open(&r->pool, job->vendor, fail)) != BM_OK || (rc = bm_reel_open(&r->reel, job->file, fail)) != BM_OK)
        return rc;
    *ret_reading = bm_take(r);
    return BM_OK;
}

static enum bm_rc
infineon_end(struct bm_reading *r, struct bm_lot_result *result, struct bm_fail *fail)
{
    (void)r;
    (void)fail;
    *result = (struct bm_lot_result){ .format = BM_FORMAT_INFINEON };
    return BM_OK;
}

const struct bm_lot_reader bm_infineon_reader = { "infineon",      BM_FORMAT_INFINEON, "Infineon's reel (7z of 7z)",
                                                  bm_sevenz_probe, infineon_open,      infineon_next,
                                                  infineon_check,  infineon_end,       infineon_free };
