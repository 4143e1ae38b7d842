/* ek.c - lists of TPM endorsement certificates: each stands for itself, and leads to the TPM maker's root (docs/formats/lot.md). */
#include "lot/chain.h"
#include "lot/chip_cert.h"
#include "lot/ek_cert.h"
#include "lot/ek_walk.h"
#include "lot/lot.h"

#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>

#define ID_BYTES 8 /* of the key's hash */
#define LABEL_MANUFACTURER "manufacturer"
#define LABEL_FILE "file"

struct bm_reading {
    const struct bm_lot_job *job;
    struct bm_ek_walk walk, ahead; /* to the chips; once before, to those certificates that stand between */
    struct bm_pool pool;
    struct bm_buf between; /* a copy of those, since the walk's own view moves */
    struct bm_buf item, kept;
    bool over; /* the walk is at its end */
};

static void
ek_free(struct bm_reading *r)
{
    bm_ek_walk_done(&r->walk);
    bm_ek_walk_done(&r->ahead);
    bm_pool_done(&r->pool);
    bm_buf_done(&r->between);
    bm_buf_done(&r->item);
    bm_buf_done(&r->kept);
    free(r);
}

static void
reading_done(struct bm_reading **reading)
{
    if (*reading != NULL)
        ek_free(*reading);
}

static bool
is_ca(struct bm_bytes der)
{
    struct bm_cert_loose cert;
    struct bm_fail ignored;

    return bm_cert_loose_parse(&cert, der, &ignored) == BM_OK && bm_cert_loose_is_ca(&cert);
}

/* Makers deliver intermediate certificates beside the chips'. They help to find a way, and are no chips. All of the file's form is gone through here. */
static enum bm_rc
between_take(struct bm_reading *r, struct bm_fail *fail)
{
    bool have = true, same;
    struct bm_bytes der;
    enum bm_rc rc;

    r->between.max = BM_MAX_CHAIN_POOL * (BM_MAX_CERT + 4);
    while ((rc = bm_ek_walk_next(&r->ahead, &have, &der, &same, fail)) == BM_OK && have)
        if (is_ca(der))
            bm_buf_add_lv32(&r->between, der);
    return rc != BM_OK ? rc : bm_buf_check(&r->between, "what stands between the chips and the roots", fail);
}

static enum bm_rc
pool_fill(struct bm_reading *r, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(bm_buf_bytes(&r->between));
    enum bm_rc rc;

    if ((rc = bm_pool_open(&r->pool, r->job->vendor, fail)) != BM_OK)
        return rc;
    while (!bm_rd_end(&rd))
        if ((rc = bm_pool_add(&r->pool, bm_rd_lv32(&rd, BM_MAX_CERT), fail)) != BM_OK)
            return rc;
    return BM_OK;
}

static enum bm_rc
ek_open(struct bm_reading **ret_reading, const struct bm_lot_job *job, struct bm_fail *fail)
{
    bm_cleanup(reading_done) struct bm_reading *r = calloc(1, sizeof(*r));
    enum bm_rc rc;

    if (r == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to read the list");
    r->job = job;
    r->item.max = r->kept.max = BM_MAX_JSON;
    if ((rc = bm_ek_walk_open(&r->walk, job->file, fail)) != BM_OK || (rc = bm_ek_walk_open(&r->ahead, job->file, fail)) != BM_OK ||
        (rc = between_take(r, fail)) != BM_OK || (rc = pool_fill(r, fail)) != BM_OK)
        return rc;
    *ret_reading = bm_take(r);
    return BM_OK;
}

static void
item_begin(struct bm_reading *r, struct bm_buf *item)
{
    bm_buf_reset(item);
    bm_buf_add_lv16(item, bm_ek_walk_name(&r->walk));
}

/*
 * An item: u16 and name of the file, then for each certificate u8 "there was filling behind it", u32 and its bytes.
 * The certificate that shows that an item has ended begins the next one, and is kept.
 */
static enum bm_rc
ek_next(struct bm_reading *r, bool *ret_have, struct bm_bytes *ret_item, uint64_t *ret_at, struct bm_fail *fail)
{
    struct bm_buf swap = r->item;
    bool have = true, same, ended = false;
    struct bm_bytes der;
    enum bm_rc rc;

    r->item = r->kept;
    r->kept = swap;
    bm_buf_reset(&r->kept);
    while (!ended && !r->over) {
        if ((rc = bm_ek_walk_next(&r->walk, &have, &der, &same, fail)) != BM_OK)
            return rc;
        r->over = !have;
        if (!have || is_ca(der))
            continue;
        ended = r->item.n > 0 && !same;
        if (ended)
            item_begin(r, &r->kept);
        else if (r->item.n == 0)
            item_begin(r, &r->item);
        bm_buf_add_u8(ended ? &r->kept : &r->item, r->walk.padded);
        bm_buf_add_lv32(ended ? &r->kept : &r->item, der);
    }
    *ret_have = r->item.n > 0;
    *ret_item = bm_buf_bytes(&r->item);
    *ret_at = r->walk.done;
    return bm_buf_check(&r->item, "what is said about one TPM", fail);
}

/* Where it departs from what a TPM's endorsement certificate should say. */
static void
profile_look(const struct bm_cert_loose *cert, const struct bm_ek_says *says, bool padded, struct bm_lot_chip *chip)
{
    if (says->name && !says->name_ordered)
        bm_lot_chip_find(chip, BM_CHECK_BROKEN_DER, "its certificate is kept as it is: a name in it has a SET out of order (X.690 11.6)");
    if (padded)
        bm_lot_chip_find(chip, BM_CHECK_FORM, "there is filling behind its certificate, which was left away");
    /* req: RFC5280 4.2.1.12 where purposes are named, the key is for these alone */
    if (says->other_purpose)
        bm_lot_chip_find(chip, BM_CHECK_CHAIN, "its certificate is for other purposes than an endorsement key's (2.23.133.8.1)");
    else if (!says->purpose)
        bm_lot_chip_find(chip, BM_CHECK_FORM, "its certificate does not say that it is an endorsement key's (2.23.133.8.1)");
    if (!says->name)
        bm_lot_chip_find(chip, BM_CHECK_LABEL, "its certificate has no subjectAltName: nobody says which maker and model this is");
    else if (cert->subject.n <= 2 && !says->name_critical)
        bm_lot_chip_find(chip, BM_CHECK_FORM, "its subject is empty and its subjectAltName is not critical");
}

static void
label_add(struct bm_leaf *leaf, const char *name, enum bm_label_source source, struct bm_bytes value)
{
    if (value.n > 0 && bm_leaf_label(leaf, name) == NULL)
        (void)bm_leaf_label_add(leaf, name, source, value);
}

static void
labels_take(struct bm_leaf *leaf, const struct bm_cert_loose *cert, const struct bm_ek_says *says)
{
    char day[BM_TIME_TEXT];

    bm_time_print(day, cert->not_before);
    label_add(leaf, BM_LABEL_DATE, BM_LABEL_CERTIFICATE, bm_bytes(day, 10));
    label_add(leaf, LABEL_MANUFACTURER, BM_LABEL_CERTIFICATE, says->manufacturer);
    label_add(leaf, BM_LABEL_MODEL, BM_LABEL_CERTIFICATE, says->model);
    label_add(leaf, BM_LABEL_FIRMWARE, BM_LABEL_CERTIFICATE, says->version);
}

/* The serial number that a name has; the rest of them name a model and no chip, so the key's own hash does. */
static void
id_take(struct bm_leaf *leaf, const struct bm_ek_says *says)
{
    char hex[2 * ID_BYTES + 1];

    if (leaf->id[0] != 0)
        return;
    leaf->id_source = BM_LABEL_CERTIFICATE;
    bm_hex(hex, bm_bytes(leaf->keys[0].key.hash, ID_BYTES));
    if (bm_leaf_id_ok(says->serial))
        (void)snprintf(leaf->id, sizeof(leaf->id), "%.*s", (int)says->serial.n, (const char *)says->serial.p);
    if (leaf->id[0] != 0)
        return;
    leaf->id_source = BM_LABEL_COMPUTED;
    (void)snprintf(leaf->id, sizeof(leaf->id), "ek-%s", hex);
}

/* Of a chip with several keys: one that was injected is one too many, and what is not said of each is not said. */
static enum bm_root_origin
origin_of_both(enum bm_root_origin a, enum bm_root_origin b)
{
    if (a == BM_ORIGIN_INJECTED || b == BM_ORIGIN_INJECTED)
        return BM_ORIGIN_INJECTED;
    return a == b ? a : BM_ORIGIN_UNSAID;
}

static enum bm_rc
cert_take(struct bm_reading *r, struct bm_bytes der, bool padded, struct bm_lot_chip *chip, struct bm_fail *fail)
{
    struct bm_leaf *leaf = &chip->leaf;
    struct bm_chip_cert cert;
    struct bm_ek_says says;

    if (leaf->nkeys == BM_MAX_CHIP_KEYS) {
        bm_lot_chip_find(chip, BM_CHECK_ENTRY, "more certificates are said to be one TPM's than it has keys");
        return BM_OK;
    }
    if (!bm_chip_cert_read(&cert, der, "its certificate", chip))
        return BM_OK;
    leaf->keys[leaf->nkeys++] = (struct bm_leaf_key){ .use = BM_USE_DECRYPT, .key = cert.key };
    bm_sha256(leaf->hashes[leaf->nhashes++], der);
    bm_ek_say(&says, &cert.cert);
    profile_look(&cert.cert, &says, padded, chip);
    labels_take(leaf, &cert.cert, &says);
    id_take(leaf, &says);
    leaf->origin = leaf->nkeys == 1 ? says.origin : origin_of_both(leaf->origin, says.origin);
    return bm_pool_look(&r->pool, r->job->crypto, &cert.cert, "its certificate", r->job->now, chip, fail);
}

static void
list_look(const struct bm_reading *r, uint64_t index, struct bm_lot_chip *chip)
{
    if (index > 0)
        return;
    if (r->job->vendor->roots.n == 0)
        bm_lot_chip_find(chip, BM_CHECK_NO_ROOTS, "no root is pinned for %s: nobody known has signed these certificates",
                         r->job->vendor->name);
    bm_lot_chip_find(chip, BM_CHECK_UNSIGNED, "each chip's certificate is signed and the list is not: it may lack chips");
}

static enum bm_rc
ek_check(struct bm_reading *r, uint64_t index, struct bm_bytes item, struct bm_lot_chip *chip, struct bm_buf *der, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(item);
    struct bm_bytes name = bm_rd_lv16(&rd, BM_MAX_JSON);
    struct bm_fail why;
    enum bm_rc rc;

    bm_lot_chip_reset(chip);
    chip->leaf = (struct bm_leaf){ .kind = BM_LEAF_KEYS, .root = BM_ROOT_TPM, .id_source = BM_LABEL_CERTIFICATE };
    while (!bm_rd_end(&rd)) {
        bool padded = bm_rd_u8(&rd) != 0;
        struct bm_bytes cert = bm_rd_lv32(&rd, BM_MAX_LOT_FILE);

        if (rd.bad)
            return bm_fail(fail, BM_EBUG, NULL, "an item of an EK list is not as it was made");
        if ((rc = cert_take(r, cert, padded, chip, fail)) != BM_OK)
            return rc;
    }
    label_add(&chip->leaf, LABEL_FILE, BM_LABEL_FILE_NAME, name);
    if (r->job->injected)
        chip->leaf.origin = BM_ORIGIN_INJECTED;
    list_look(r, index, chip);
    if (bm_lot_chip_fatal(chip) == NULL && bm_leaf_build(der, &chip->leaf, &why) != BM_OK)
        bm_lot_chip_find(chip, BM_CHECK_ENTRY, "%s", why.text);
    chip->have = bm_lot_chip_fatal(chip) == NULL;
    return BM_OK;
}

static enum bm_rc
ek_end(struct bm_reading *r, struct bm_lot_result *result, struct bm_fail *fail)
{
    (void)fail;
    *result = (struct bm_lot_result){ .format = BM_FORMAT_EK, .signed_each = r->job->vendor->roots.n > 0 };
    return BM_OK;
}

const struct bm_lot_reader bm_ek_reader = { "ek",   BM_FORMAT_EK, "TPM endorsement certificates", bm_ek_probe, ek_open, ek_next, ek_check,
                                            ek_end, ek_free };
