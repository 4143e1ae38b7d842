/* arrived.c - what was received before: the same bytes again, an older list of the same name. */
#include "cli/places.h"
#include "cli/receipt.h"
#include "wire/text.h"

#include <dirent.h>
#include <unistd.h>

static enum bm_rc
receipt_read(struct bm_receipt *ret_receipt, const char *path, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_RECEIPT };
    enum bm_rc rc = bm_file_read(&text, path, fail);

    if (rc == BM_OK && (rc = bm_receipt_parse(ret_receipt, bm_buf_bytes(&text), fail)) != BM_OK)
        bm_fail_prefix(fail, "%s", path);
    return rc;
}

/* "9f3c...41.receipt" */
static bool
is_receipt(const char *name)
{
    return strlen(name) > 8 && strcmp(name + strlen(name) - 8, ".receipt") == 0;
}

typedef bool receipt_is(const void *ctx, const struct bm_receipt *receipt);

/* The first of the site's receipts that `is` says true of. */
static enum bm_rc
receipt_find(bool *ret_found, struct bm_receipt *ret_receipt, const char *home, receipt_is *is, const void *ctx, struct bm_fail *fail)
{
    bm_cleanup(bm_dir_done) DIR *dir = NULL;
    const struct dirent *entry;
    struct bm_receipt receipt;
    char lots[BM_PATH], path[BM_PATH];
    enum bm_rc rc;

    *ret_found = false;
    if ((rc = bm_path_join(lots, home, "lots", fail)) != BM_OK)
        return rc;
    dir = opendir(lots);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (!is_receipt(entry->d_name))
            continue;
        if ((rc = bm_path_join(path, lots, entry->d_name, fail)) != BM_OK || (rc = receipt_read(&receipt, path, fail)) != BM_OK)
            return rc;
        if (!is(ctx, &receipt))
            continue;
        *ret_receipt = receipt;
        *ret_found = true;
        break;
    }
    return BM_OK;
}

/* ---- held ---- */

enum bm_rc
bm_lot_held(bool *ret_held, struct bm_buf *row, struct bm_ask *ask, const char *lot, const uint8_t root[static BM_HASH],
            struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *object = NULL;
    char hex[2 * BM_HASH + 1];
    const char *said;
    enum bm_rc rc;

    *ret_held = false;
    rc = bm_ask_show(ask, "lot", lot, bm_row_keep, row, fail);
    if (rc == BM_EPOLICY)
        return BM_OK; /* no such lot: whose receipt it is was interrupted before the pin */
    if (rc != BM_OK || (rc = bm_json_parse(&object, bm_buf_bytes(row), BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    bm_hex(hex, bm_bytes(root, BM_HASH));
    said = json_string_value(json_object_get(object, "root"));
    *ret_held = said != NULL && strcmp(said, hex) == 0;
    return BM_OK;
}

struct bytes_of {
    const char *vendor;
    const uint8_t *file;
};

static bool
is_bytes_of(const void *ctx, const struct bm_receipt *receipt)
{
    const struct bytes_of *of = ctx;

    return strcmp(receipt->vendor, of->vendor) == 0 &&
           (memcmp(receipt->file, of->file, BM_HASH) == 0 || memcmp(receipt->envelope, of->file, BM_HASH) == 0);
}

enum bm_rc
bm_lot_arrived(bool *ret_arrived, struct bm_receipt *ret_receipt, struct bm_buf *row, struct bm_ask *ask, const char *vendor,
               const uint8_t file[static BM_HASH], struct bm_fail *fail)
{
    const struct bytes_of of = { .vendor = vendor, .file = file };
    enum bm_rc rc = receipt_find(ret_arrived, ret_receipt, ask->call->home, is_bytes_of, &of, fail);

    if (rc != BM_OK || !*ret_arrived)
        return rc;
    return bm_lot_held(ret_arrived, row, ask, ret_receipt->lot, ret_receipt->root, fail);
}

/* ---- newer ---- */

static bool
is_not_older(const void *ctx, const struct bm_receipt *receipt)
{
    const struct bm_lot_head *head = ctx;

    return strcmp(receipt->lot, head->lot) == 0 && strcmp(receipt->vendor, head->vendor) == 0 && receipt->revision >= head->revision;
}

enum bm_rc
bm_lot_newer(struct bm_ask *ask, const struct bm_lot_head *head, bool foreign, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf row = { .max = BM_MAX_JSON };
    struct bm_receipt receipt;
    bool found, held = false;
    enum bm_rc rc = receipt_find(&found, &receipt, ask->call->home, is_not_older, head, fail);

    if (rc != BM_OK || !found || (rc = bm_lot_held(&held, &row, ask, receipt.lot, receipt.root, fail)) != BM_OK || !held)
        return rc;
    if (foreign)
        return bm_fail(
            fail, BM_EPOLICY, NULL,
            "lot %s of %s was received before with another content (%llu chips): if this list replaces that one, add --revision %llu; "
            "if it is another lot, give it another name with --lot",
            head->lot, head->vendor, (unsigned long long)receipt.chips, (unsigned long long)receipt.revision + 1);
    if (head->revision > 1 || receipt.revision > 1)
        return bm_fail(
            fail, BM_EPOLICY, NULL,
            "lot %s is revision %llu, and revision %llu was received already: it is older than what you have, ask %s for the latest",
            head->lot, (unsigned long long)head->revision, (unsigned long long)receipt.revision, head->vendor);
    return bm_fail(fail, BM_EPOLICY, NULL,
                   "lot %s of %s was received before with another content: a list that replaces it has a higher revision, and another lot "
                   "another name",
                   head->lot, head->vendor);
}

/* ---- where it is ---- */

enum bm_rc
bm_receipt_row(json_t *row, const char *home, struct bm_fail *fail)
{
    const char *root = json_string_value(json_object_get(row, "root"));
    char path[BM_PATH];
    enum bm_rc rc;

    if (root == NULL || strlen(root) != (size_t)2 * BM_HASH)
        return BM_OK;
    if ((rc = bm_place_path(path, home, BM_PLACE_RECEIPT, root, fail)) != BM_OK || access(path, F_OK) != 0)
        return rc;
    return json_object_set_new(row, "receipt", json_string(path)) == 0 ? BM_OK : bm_json_check(NULL, fail);
}
