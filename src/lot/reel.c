#include "lot/reel.h"

#include "lot/leaf.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const objects[] = { [BM_OBJECT_E0E0] = "E0E0", [BM_OBJECT_E0E1] = "E0E1", [BM_OBJECT_E0E2] = "E0E2" };

const char *
bm_object_word(enum bm_object object)
{
    return (size_t)object < BM_COUNT(objects) ? objects[object] : "unknown";
}

/* ---- names ---- */

/* "HEAD_E0E1TAIL": is it so, and how long is HEAD? */
static bool
name_match(const char *name, enum bm_object object, const char *tail, size_t *ret_head)
{
    char end[32];
    int n = snprintf(end, sizeof(end), "_%s%s", objects[object], tail);
    size_t have = strlen(name);

    if (n < 0 || have <= (size_t)n || strcmp(name + have - (size_t)n, end) != 0)
        return false;
    *ret_head = have - (size_t)n;
    return true;
}

/* "78211223032C7EFA_b41425b9-..._E0E0_Certs.7z": the reel stands before the first '_'. "" where it is no name. */
static bool
archive_match(const char *name, enum bm_object *ret_object, char ret_reel[static BM_MAX_NAME + 1])
{
    size_t head;

    for (size_t i = 0; i < BM_OBJECT__N; i++) {
        if (!name_match(name, (enum bm_object)i, "_Certs.7z", &head))
            continue;
        *ret_object = (enum bm_object)i;
        head = strcspn(name, "_");
        (void)snprintf(ret_reel, BM_MAX_NAME + 1, "%.*s", (int)(head <= BM_MAX_NAME ? head : 0), name);
        if (!bm_name_ok(ret_reel, BM_MAX_NAME))
            ret_reel[0] = 0;
        return true;
    }
    return false;
}

/* Known, and of no use to us: the secrets are for whoever has the letter with the transport key. */
static bool
is_left_alone(const char *name)
{
    size_t n = strlen(name);

    return strcmp(name, "README.txt") == 0 || (n >= 7 && strcmp(name + n - 7, "keys.7z") == 0);
}

static void
pass(struct bm_reel *reel, const struct bm_sevenz_entry *entry)
{
    if (reel->npassed++ == 0)
        memcpy(reel->passed, entry->name, sizeof(reel->passed));
}

/* ---- certificates ---- */

static enum bm_rc
row_add(struct bm_reel *reel, const struct bm_reel_row *row, struct bm_fail *fail)
{
    if (reel->nrows == reel->cap) {
        size_t cap = reel->cap == 0 ? 1024 : reel->cap * 2;
        struct bm_reel_row *rows = reallocarray(reel->rows, cap, sizeof(*rows));

        if (rows == NULL)
            return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to group the certificates of the reel");
        reel->rows = rows;
        reel->cap = cap;
    }
    reel->rows[reel->nrows++] = *row;
    return BM_OK;
}

static enum bm_rc
cert_take(struct bm_reel *reel, struct bm_sevenz *z, const struct bm_sevenz_entry *entry, enum bm_object object, struct bm_fail *fail)
{
    struct bm_reel_row row = { .object = object, .archive = reel->narchives - 1, .at = reel->text.n, .n = (size_t)entry->size };
    size_t head = 0;
    enum bm_rc rc;

    if (!entry->clean || !entry->file || !name_match(entry->name, object, ".pem", &head) || !bm_leaf_id_ok(bm_bytes(entry->name, head))) {
        pass(reel, entry);
        return BM_OK;
    }
    if (entry->encrypted)
        return bm_fail(fail, BM_EINPUT, NULL, "%s is encrypted, and a certificate should not be: ask for the reel again", entry->name);
    if (entry->size > BM_MAX_PEM_FILE)
        return bm_fail(fail, BM_EINPUT, NULL, "%s is larger than %d bytes, so it is no certificate", entry->name, BM_MAX_PEM_FILE);
    memcpy(row.chip, entry->name, head);
    if ((rc = bm_sevenz_read(z, &reel->text, fail)) != BM_OK) {
        bm_fail_prefix(fail, "%s", entry->name);
        return rc;
    }
    return row_add(reel, &row, fail);
}

static enum bm_rc
certs_take(struct bm_reel *reel, struct bm_bytes packed, enum bm_object object, struct bm_sevenz_budget *budget, struct bm_fail *fail)
{
    bm_cleanup(bm_sevenz_done) struct bm_sevenz z = { .archive = NULL };
    struct bm_sevenz_entry entry;
    bool have = false;
    enum bm_rc rc;

    if ((rc = bm_sevenz_open(&z, packed, budget, fail)) != BM_OK)
        return rc;
    do {
        if ((rc = bm_sevenz_next(&z, &have, &entry, fail)) != BM_OK || !have)
            return rc;
        rc = cert_take(reel, &z, &entry, object, fail);
    } while (rc == BM_OK);
    return rc;
}

/* ---- the delivery ---- */

static enum bm_rc
entry_take(struct bm_reel *reel, struct bm_sevenz *z, const struct bm_sevenz_entry *entry, struct bm_buf *packed, struct bm_fail *fail)
{
    enum bm_object object = BM_OBJECT_E0E0;
    char name[BM_MAX_NAME + 1];
    enum bm_rc rc;

    if (is_left_alone(entry->name))
        return BM_OK;
    if (!entry->clean || !entry->file || !archive_match(entry->name, &object, name)) {
        pass(reel, entry);
        return BM_OK;
    }
    if (reel->narchives == BM_REEL_ARCHIVES)
        return bm_fail(fail, BM_EINPUT, NULL, "the delivery has more than %d archives of certificates: divide it", BM_REEL_ARCHIVES);
    if (entry->encrypted)
        return bm_fail(fail, BM_EINPUT, NULL, "%s is encrypted, and certificates should not be: ask for the reel again", entry->name);
    memcpy(reel->reels[reel->narchives++], name, sizeof(name));
    bm_buf_reset(packed);
    if ((rc = bm_sevenz_read(z, packed, fail)) != BM_OK || (rc = certs_take(reel, bm_buf_bytes(packed), object, z->budget, fail)) != BM_OK)
        bm_fail_prefix(fail, "%s", entry->name);
    return rc;
}

static int
row_compare(const void *a, const void *b)
{
    const struct bm_reel_row *x = a, *y = b;
    int chip = strcmp(x->chip, y->chip);

    if (chip != 0)
        return chip;
    if (x->object != y->object)
        return x->object < y->object ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

enum bm_rc
bm_reel_open(struct bm_reel *reel, struct bm_bytes file, struct bm_fail *fail)
{
    struct bm_sevenz_budget budget = BM_SEVENZ_BUDGET;
    bm_cleanup(bm_buf_done) struct bm_buf packed = { .max = BM_MAX_ARCHIVE_INNER };
    bm_cleanup(bm_sevenz_done) struct bm_sevenz z = { .archive = NULL };
    struct bm_sevenz_entry entry;
    bool have = true;
    enum bm_rc rc;

    reel->text.max = BM_MAX_ARCHIVE_EXPANDED;
    if ((rc = bm_sevenz_open(&z, file, &budget, fail)) != BM_OK)
        return rc;
    while (have)
        if ((rc = bm_sevenz_next(&z, &have, &entry, fail)) != BM_OK ||
            (have && (rc = entry_take(reel, &z, &entry, &packed, fail)) != BM_OK))
            return rc;
    if (reel->nrows == 0)
        return bm_fail(fail, BM_EINPUT, NULL,
                       "the archive holds none of Infineon's certificates (REEL_GUID_E0E0_Certs.7z with CHIP_E0E0.pem in it)");
    qsort(reel->rows, reel->nrows, sizeof(*reel->rows), row_compare);
    return BM_OK;
}

size_t
bm_reel_chip(const struct bm_reel *reel, size_t at)
{
    size_t end = at;

    while (end < reel->nrows && strcmp(reel->rows[end].chip, reel->rows[at].chip) == 0)
        end++;
    return end - at;
}

void
bm_reel_done(struct bm_reel *reel)
{
    free(bm_take(reel->rows));
    bm_buf_done(&reel->text);
}
