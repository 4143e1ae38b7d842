/* The table of formats, and a whole lot read in one process. */
#include "lot/lot.h"
#include "lot/screen.h"

#include <stdio.h>
#include <stdlib.h>

static const struct bm_lot_reader *const readers[] = { &bm_manifest_reader, &bm_microchip_reader, &bm_infineon_reader, &bm_ek_reader,
                                                       &bm_csv_reader };

/* Every reader's word, or what it reads for people, after each other: "a, b, c". */
static const char *
readers_list(char ret[static 320], bool words)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 319 };

    for (size_t i = 0; i < BM_COUNT(readers); i++)
        bm_buf_add_fmt(&text, "%s%s", i > 0 ? ", " : "", words ? readers[i]->word : readers[i]->what);
    (void)snprintf(ret, 320, "%.*s", (int)text.n, (const char *)text.p);
    return ret;
}

const char *
bm_lot_format_word(enum bm_lot_format format)
{
    for (size_t i = 0; i < BM_COUNT(readers); i++)
        if (readers[i]->format == format)
            return readers[i]->word;
    return format == BM_FORMAT_AUTO ? "auto" : "unknown";
}

enum bm_rc
bm_lot_format_find(enum bm_lot_format *ret_format, const char *word, struct bm_fail *fail)
{
    char list[320];

    for (size_t i = 0; i < BM_COUNT(readers); i++) {
        if (strcmp(readers[i]->word, word) == 0) {
            *ret_format = readers[i]->format;
            return BM_OK;
        }
    }
    *ret_format = BM_FORMAT_AUTO;
    if (strcmp(word, "auto") == 0)
        return BM_OK;
    return bm_fail(fail, BM_EINPUT, NULL, "the format must be one of auto, %s", readers_list(list, true));
}

bool
bm_vendor_retired(const struct bm_vendor *vendor, const uint8_t fingerprint[static BM_HASH])
{
    for (size_t i = 0; i < vendor->nretired; i++)
        if (memcmp(vendor->retired[i], fingerprint, BM_HASH) == 0)
            return true;
    return false;
}

enum bm_rc
bm_lot_reader_find(const struct bm_lot_reader **ret_reader, const struct bm_lot_job *job, struct bm_fail *fail)
{
    const struct bm_vendor *vendor = job->vendor;
    const struct bm_lot_reader *reader = NULL;
    char list[320];

    if (job->file.n > BM_MAX_LOT_FILE)
        return bm_fail(fail, BM_EINPUT, NULL, "the lot is larger than %u bytes: divide it", BM_MAX_LOT_FILE);
    for (size_t i = 0; i < BM_COUNT(readers) && reader == NULL; i++)
        if (readers[i]->probe(job->file))
            reader = readers[i];
    if (reader == NULL)
        return bm_fail(fail, BM_EINPUT, NULL, "this is no lot in a format that is known here: %s", readers_list(list, false));
    if (vendor->format != BM_FORMAT_AUTO && vendor->format != reader->format)
        return bm_fail(fail, BM_EPOLICY, NULL, "this is a lot in %s's format, and the vendor %s delivers in another", reader->word,
                       vendor->name);
    if (reader->format != BM_FORMAT_CSV && (job->signature.n > 0 || job->ncolumns > 0)) /* nobody would look at them */
        return bm_fail(fail, BM_EINPUT, NULL,
                       "columns and a signature beside the file are for lists in CSV, and this is a lot in %s's format", reader->word);
    *ret_reader = reader;
    return BM_OK;
}

enum bm_rc
bm_lot_item_check(const struct bm_lot_reader *reader, struct bm_reading *reading, uint64_t index, struct bm_bytes item,
                  struct bm_lot_chip *chip, struct bm_buf *der, struct bm_fail *fail)
{
    enum bm_rc rc = reader->check(reading, index, item, chip, der, fail);

    if (rc != BM_OK || !chip->have)
        return rc;
    bm_screen_chip(chip);
    if (chip->leaf.origin == BM_ORIGIN_INJECTED)
        bm_lot_chip_find(chip, BM_CHECK_INJECTED, "its root keys were made outside the chip and injected: somebody else held them");
    return BM_OK;
}

struct driver {
    const struct bm_lot_reader *reader;
    struct bm_reading *reading;
    struct bm_join *join;
    struct bm_lot_chip *chip; /* 20 KiB */
    struct bm_buf der;
};

static void
driver_done(struct driver *driver)
{
    if (driver->reading != NULL)
        driver->reader->free(driver->reading);
    bm_join_done(&driver->join);
    free(driver->chip);
    bm_buf_done(&driver->der);
}

static enum bm_rc
chips_take(struct driver *driver, const struct bm_lot_job *job, const struct bm_lot_sink *sink, struct bm_fail *fail)
{
    struct bm_bytes item;
    uint64_t index = 0, at = 0;
    bool have = false;
    enum bm_rc rc;

    for (;; index++) {
        if ((rc = driver->reader->next(driver->reading, &have, &item, &at, fail)) != BM_OK || !have)
            return rc;
        bm_buf_reset(&driver->der);
        if ((rc = bm_lot_item_check(driver->reader, driver->reading, index, item, driver->chip, &driver->der, fail)) != BM_OK ||
            (rc = bm_join_chip(driver->join, driver->chip, bm_buf_bytes(&driver->der), fail)) != BM_OK)
            return rc;
        if (job->behind != NULL)
            job->behind(job->behind_ctx, at);
        if (sink != NULL && sink->progress != NULL)
            sink->progress(sink->ctx, at, job->file.n);
    }
}

enum bm_rc
bm_lot_read(struct bm_lot_result *ret_result, const struct bm_lot_job *job, const struct bm_lot_sink *sink, struct bm_fail *fail)
{
    bm_cleanup(driver_done) struct driver driver = { .chip = calloc(1, sizeof(*driver.chip)), .der = { .max = BM_MAX_LEAF } };
    struct bm_lot_result result = { .checked = 0 };
    enum bm_rc rc;

    if (driver.chip == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to read the lot");
    if ((rc = bm_lot_reader_find(&driver.reader, job, fail)) != BM_OK || (rc = bm_join_new(&driver.join, job, sink, fail)) != BM_OK ||
        (rc = driver.reader->open(&driver.reading, job, fail)) != BM_OK || (rc = chips_take(&driver, job, sink, fail)) != BM_OK ||
        (rc = driver.reader->end(driver.reading, &result, fail)) != BM_OK || (rc = bm_join_end(driver.join, &result, fail)) != BM_OK)
        return rc;
    *ret_result = result;
    return BM_OK;
}
