/* csv.c - lists in comma-separated values, Espressif's and others' (docs/formats/lot.md). */
#include "lot/chain.h"
#include "lot/chip_cert.h"
#include "lot/csv_columns.h"
#include "lot/csv_signature.h"
#include "lot/csv_value.h"
#include "lot/lot.h"

#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>

#define ID_BYTES 8 /* of the key's hash */
#define PROBE 65536

struct bm_reading {
    const struct bm_lot_job *job;
    struct bm_rd rd;
    bool ended; /* the last record had a line end */
    struct bm_csv_columns columns;
    struct bm_csv_signature signature;
    struct bm_pool pool;
    struct bm_buf text, item, decoded;
    struct bm_bytes fields[BM_MAX_CSV_COLUMNS];
};

static void
csv_free(struct bm_reading *r)
{
    bm_pool_done(&r->pool);
    bm_buf_done(&r->text);
    bm_buf_done(&r->item);
    bm_buf_done(&r->decoded);
    free(r);
}

static void
reading_done(struct bm_reading **reading)
{
    if (*reading != NULL)
        csv_free(*reading);
}

/* A byte order mark says nothing in UTF-8, and spreadsheets write it. */
static struct bm_bytes
without_mark(struct bm_bytes file)
{
    bool mark = file.n >= 3 && memcmp(file.p, "\xef\xbb\xbf", 3) == 0;

    return mark ? bm_bytes(file.p + 3, file.n - 3) : file;
}

/* A header of two columns or more, or of one that is known. */
static bool
csv_probe(struct bm_bytes file)
{
    struct bm_bytes rest = without_mark(file), fields[BM_MAX_CSV_COLUMNS], record = { NULL, 0 };
    struct bm_rd rd = bm_rd(bm_bytes(rest.p, rest.n < PROBE ? rest.n : PROBE));
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_CSV_RECORD };
    bool have = false, ended = false;
    struct bm_fail ignored;
    size_t n = 0;

    if (rest.n == 0 || rest.p[0] == '{' || rest.p[0] == '[' || rest.p[0] == '-')
        return false;
    if (bm_csv_record(&rd, &have, &record, &ended, &ignored) != BM_OK || !have || !ended ||
        bm_csv_fields(record, &text, fields, &n, &ignored) != BM_OK)
        return false;
    return n > 1 || bm_csv_column_known(fields[0]);
}

static enum bm_rc
header_take(struct bm_reading *r, struct bm_fail *fail)
{
    bool have = false, ended = false;
    struct bm_bytes record;
    size_t n = 0;
    enum bm_rc rc;

    if ((rc = bm_csv_record(&r->rd, &have, &record, &ended, fail)) != BM_OK ||
        (rc = bm_csv_fields(record, &r->text, r->fields, &n, fail)) != BM_OK) {
        bm_fail_prefix(fail, "the header");
        return rc;
    }
    return bm_csv_columns_take(&r->columns, r->fields, n, r->job->columns, r->job->ncolumns, fail);
}

/* The signature first: what nobody signed is not read before that is known. */
static enum bm_rc
csv_open(struct bm_reading **ret_reading, const struct bm_lot_job *job, struct bm_fail *fail)
{
    bm_cleanup(reading_done) struct bm_reading *r = calloc(1, sizeof(*r));
    enum bm_rc rc;

    if (r == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to read the list");
    r->job = job;
    r->rd = bm_rd(without_mark(job->file));
    r->text.max = r->decoded.max = BM_MAX_CSV_RECORD;
    r->item.max = BM_MAX_CSV_RECORD + 1;
    if ((rc = bm_csv_signature_check(&r->signature, job, fail)) != BM_OK || (rc = header_take(r, fail)) != BM_OK ||
        (rc = bm_pool_open(&r->pool, job->vendor, fail)) != BM_OK)
        return rc;
    *ret_reading = bm_take(r);
    return BM_OK;
}

/* An item: u8 "the line ended", then the line. */
static enum bm_rc
csv_next(struct bm_reading *r, bool *ret_have, struct bm_bytes *ret_item, uint64_t *ret_at, struct bm_fail *fail)
{
    struct bm_bytes record = { NULL, 0 };
    enum bm_rc rc;

    if ((rc = bm_csv_record(&r->rd, ret_have, &record, &r->ended, fail)) != BM_OK)
        return rc;
    bm_buf_reset(&r->item);
    bm_buf_add_u8(&r->item, r->ended || (record.n > 0 && record.p[record.n - 1] == '"'));
    bm_buf_add_bytes(&r->item, record);
    *ret_item = bm_buf_bytes(&r->item);
    *ret_at = r->job->file.n - r->rd.left;
    return bm_buf_check(&r->item, "a line", fail);
}

static enum bm_rc
certificate_take(struct bm_reading *r, struct bm_bytes text, struct bm_lot_chip *chip, struct bm_fail *fail)
{
    struct bm_leaf *leaf = &chip->leaf;
    struct bm_chip_cert cert;
    struct bm_fail why;

    if (bm_csv_decode(&r->decoded, "CERTIFICATE", text, &why) != BM_OK) {
        bm_lot_chip_find(chip, BM_CHECK_ENTRY, "its certificate: %.200s", why.text);
        return BM_OK;
    }
    if (!bm_chip_cert_read(&cert, bm_buf_bytes(&r->decoded), "its certificate", chip))
        return BM_OK;
    if (leaf->nkeys > 0 && memcmp(leaf->keys[0].key.hash, cert.key.hash, BM_HASH) != 0)
        bm_lot_chip_find(chip, BM_CHECK_ENTRY, "the key in its certificate is not the key beside it");
    leaf->keys[0] = (struct bm_leaf_key){ .use = BM_USE_SIGN, .key = cert.key };
    leaf->nkeys = 1;
    bm_sha256(leaf->hashes[leaf->nhashes++], cert.cert.der);
    return bm_pool_look(&r->pool, r->job->crypto, &cert.cert, "its certificate", r->job->now, chip, fail);
}

static void
text_take(struct bm_lot_chip *chip, size_t column, const char *label, enum bm_label_source source, struct bm_bytes value)
{
    if (label[0] == 0 && bm_leaf_id_ok(value))
        (void)snprintf(chip->leaf.id, sizeof(chip->leaf.id), "%.*s", (int)value.n, (const char *)value.p);
    else if (label[0] == 0)
        bm_lot_chip_find(chip, BM_CHECK_ENTRY, "column %zu is no id of up to %d letters, digits and . _ : -", column + 1, BM_MAX_ID);
    else if (value.n > 0 && !bm_leaf_label_add(&chip->leaf, label, source, value))
        bm_lot_chip_find(chip, BM_CHECK_ENTRY, "column %zu is no label of up to %d printable characters, or one too many", column + 1,
                         BM_MAX_ID);
}

static void
id_make(struct bm_leaf *leaf)
{
    char hex[2 * ID_BYTES + 1];

    if (leaf->id[0] != 0 || leaf->nkeys == 0)
        return;
    bm_hex(hex, bm_bytes(leaf->keys[0].key.hash, ID_BYTES));
    (void)snprintf(leaf->id, sizeof(leaf->id), "key-%s", hex);
}

/* Keys before certificates, wherever their columns stand. */
static enum bm_rc
fields_take(struct bm_reading *r, struct bm_lot_chip *chip, struct bm_fail *fail)
{
    enum bm_label_source source = r->signature.there ? BM_LABEL_SIGNED : BM_LABEL_COLUMN;
    struct bm_fail why;
    enum bm_rc rc;

    chip->leaf.id_source = source;
    for (size_t i = 0; i < r->columns.n; i++) {
        if (r->columns.column[i].what == BM_CSV_ID || r->columns.column[i].what == BM_CSV_LABEL)
            text_take(chip, i, r->columns.column[i].label, source, r->fields[i]);
        if (r->columns.column[i].what != BM_CSV_KEY)
            continue;
        if (bm_csv_key_read(&chip->leaf.keys[0].key, &r->decoded, r->fields[i], &why) != BM_OK)
            bm_lot_chip_find(chip, BM_CHECK_KEY, "its key: %.200s", why.text);
        else
            chip->leaf.nkeys = 1;
    }
    chip->leaf.keys[0].use = BM_USE_SIGN;
    for (size_t i = 0; i < r->columns.n; i++)
        if (r->columns.column[i].what == BM_CSV_CERTIFICATE && (rc = certificate_take(r, r->fields[i], chip, fail)) != BM_OK)
            return rc;
    id_make(&chip->leaf);
    return BM_OK;
}

static void
list_look(const struct bm_reading *r, uint64_t index, bool ended, struct bm_lot_chip *chip)
{
    bool certificates = false;

    if (!ended)
        bm_lot_chip_find(chip, BM_CHECK_FORM, "the last line has no end: the file may have been cut short");
    if (index > 0)
        return;
    for (size_t i = 0; i < r->columns.n; i++)
        certificates = certificates || r->columns.column[i].what == BM_CSV_CERTIFICATE;
    bm_csv_signature_look(&r->signature, r->job, chip);
    if (r->pool.n == 0 && certificates)
        bm_lot_chip_find(chip, BM_CHECK_NO_ROOTS, "no root is pinned for %s: the chips' own certificates were not checked",
                         r->job->vendor->name);
    if (r->columns.nunknown > 0)
        bm_lot_chip_find(chip, BM_CHECK_FORM,
                         "%zu columns are not read, as nobody said what they are (%s): --column NAME=COLUMN makes labels of them",
                         r->columns.nunknown, r->columns.unknown);
}

static enum bm_rc
csv_check(struct bm_reading *r, uint64_t index, struct bm_bytes item, struct bm_lot_chip *chip, struct bm_buf *der, struct bm_fail *fail)
{
    struct bm_fail why;
    size_t n = 0;
    enum bm_rc rc;

    bm_lot_chip_reset(chip);
    chip->leaf = (struct bm_leaf){ .kind = BM_LEAF_KEYS, .root = BM_ROOT_SECURE_ELEMENT };
    if (item.n == 0)
        return bm_fail(fail, BM_EBUG, NULL, "a line of a list is not as it was made");
    list_look(r, index, item.p[0] != 0, chip);
    if (bm_csv_fields(bm_bytes(item.p + 1, item.n - 1), &r->text, r->fields, &n, &why) != BM_OK) {
        bm_lot_chip_find(chip, BM_CHECK_ENTRY, "%s", why.text);
        return BM_OK;
    }
    if (n != r->columns.n) {
        bm_lot_chip_find(chip, BM_CHECK_ENTRY, "its line has %zu fields, and the header %zu", n, r->columns.n);
        return BM_OK;
    }
    if ((rc = fields_take(r, chip, fail)) != BM_OK)
        return rc;
    chip->leaf.origin = r->job->injected ? BM_ORIGIN_INJECTED : BM_ORIGIN_UNSAID;
    if (bm_lot_chip_fatal(chip) == NULL && bm_leaf_build(der, &chip->leaf, &why) != BM_OK)
        bm_lot_chip_find(chip, BM_CHECK_ENTRY, "%s", why.text);
    chip->have = bm_lot_chip_fatal(chip) == NULL;
    return BM_OK;
}

static enum bm_rc
csv_end(struct bm_reading *r, struct bm_lot_result *result, struct bm_fail *fail)
{
    (void)fail;
    *result = (struct bm_lot_result){ .format = BM_FORMAT_CSV, .signed_whole = r->signature.there, .checked = r->signature.there };
    memcpy(result->signer, r->signature.signer, sizeof(result->signer));
    return BM_OK;
}

const struct bm_lot_reader bm_csv_reader = { "csv",   BM_FORMAT_CSV, "comma-separated values", csv_probe, csv_open, csv_next, csv_check,
                                             csv_end, csv_free };
