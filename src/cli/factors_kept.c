#include "cli/factors_kept.h"

#include "base/file.h"
#include "cli/places.h"
#include "custody/index.h"
#include "lot/rsa_list.h"
#include "lot/screen.h"
#include "wire/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".rsa"
#define RECEIPT ".receipt"

/* The lists that are compared: 0 is the lot at hand. A place is the list's number in the upper half and the key's offset in its file in the lower. */
struct comparing {
    struct bm_exam *exam;
    struct list {
        struct bm_rsa_list list;
        void *map; /* NULL for the lot at hand */
    } * lists;
    size_t n;
    struct bm_factors *factors;
    struct bm_progress progress;
};

static void
comparing_done(struct comparing *comparing)
{
    bm_factors_done(&comparing->factors); /* it borrows from the maps */
    for (size_t i = 0; i < comparing->n; i++)
        if (comparing->lists[i].map != NULL)
            (void)munmap(comparing->lists[i].map, comparing->lists[i].list.bytes.n);
    free(comparing->lists);
    bm_progress_done(&comparing->progress);
}

static enum bm_rc
list_room(struct comparing *comparing, struct bm_fail *fail)
{
    struct list *lists = reallocarray(comparing->lists, comparing->n + 1, sizeof(*lists));

    if (lists == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to compare RSA keys");
    comparing->lists = lists;
    lists[comparing->n] = (struct list){ .map = NULL };
    return BM_OK;
}

static enum bm_rc
file_map(struct list *list, const char *path, struct bm_fail *fail)
{
    bm_cleanup(bm_fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    void *map;

    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return bm_fail(fail, BM_EBUSY, NULL, "%s: cannot be read: %s", path, strerrordesc_np(errno));
    if (st.st_size < BM_RSA_LIST_HEAD || st.st_size > (off_t)BM_MAX_LOT_FILE)
        return bm_fail(fail, BM_EBUSY, NULL, "%s: is cut short or too long: receive that lot's file again, which makes it anew", path);
    if ((map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED)
        return bm_fail(fail, BM_EBUSY, NULL, "%s: cannot be mapped: %s", path, strerrordesc_np(errno));
    list->map = map;
    list->list.bytes = bm_bytes(map, (size_t)st.st_size);
    if (bm_rsa_list_parse(&list->list, list->list.bytes, fail) == BM_OK)
        return BM_OK;
    return bm_fail(fail, BM_EBUSY, NULL, "%s: is damaged: receive that lot's file again, which makes it anew", path);
}

/* HEX.rsa, and not the lot's own from an earlier attempt. */
static bool
is_older_list(const char *name, const char *root)
{
    return strlen(name) == 2 * BM_HASH + strlen(SUFFIX) && strcmp(name + 2 * BM_HASH, SUFFIX) == 0 && memcmp(name, root, 2 * BM_HASH) != 0;
}

/* HEX.receipt, of which an index with RSA keys stands there and their list does not: the comparison would pass over a lot. */
static bool
is_without_list(const char *name, const char *home)
{
    bm_cleanup(bm_index_done) struct bm_index *index = NULL;
    bm_cleanup(bm_fd_done) int fd = -1;
    char root[2 * BM_HASH + 1], path[BM_PATH];
    struct bm_fail unused;

    if (strlen(name) != 2 * BM_HASH + strlen(RECEIPT) || strcmp(name + 2 * BM_HASH, RECEIPT) != 0)
        return false;
    memcpy(root, name, 2 * BM_HASH);
    root[2 * BM_HASH] = 0;
    if (bm_place_path(path, home, BM_PLACE_RSA, root, &unused) != BM_OK || access(path, F_OK) == 0 ||
        bm_place_path(path, home, BM_PLACE_INDEX, root, &unused) != BM_OK ||
        (fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) < 0 || bm_index_open(&index, fd, &unused) != BM_OK)
        return false;
    return bm_index_nrsa(index) > 0;
}

static enum bm_rc
older_open(struct comparing *comparing, const char *home, const char *root, struct bm_fail *fail)
{
    bm_cleanup(bm_dir_done) DIR *dir = NULL;
    char lots[BM_PATH], path[BM_PATH];
    const struct dirent *entry;
    enum bm_rc rc;

    if ((rc = bm_path_join(lots, home, "lots", fail)) != BM_OK)
        return rc;
    if ((dir = opendir(lots)) == NULL)
        return errno == ENOENT ? BM_OK : bm_fail(fail, BM_EBUSY, NULL, "%s: cannot be read: %s", lots, strerrordesc_np(errno));
    while ((entry = readdir(dir)) != NULL) {
        if (is_without_list(entry->d_name, home) && memcmp(entry->d_name, root, 2 * BM_HASH) != 0)
            return bm_fail(fail, BM_EBUSY, NULL,
                           "the RSA keys of lot %.8s... are not in %s: receive that lot's file again, which puts them there (see its "
                           "receipt there)",
                           entry->d_name, lots);
        if (!is_older_list(entry->d_name, root))
            continue;
        if ((rc = bm_path_join(path, lots, entry->d_name, fail)) != BM_OK || (rc = list_room(comparing, fail)) != BM_OK)
            return rc;
        rc = file_map(&comparing->lists[comparing->n], path, fail);
        comparing->n++; /* with its map, if it has one */
        if (rc != BM_OK)
            return rc;
    }
    return BM_OK;
}

static enum bm_rc
lists_add(struct comparing *comparing, struct bm_fail *fail)
{
    enum bm_rc rc;

    for (size_t i = 0; i < comparing->n; i++) {
        size_t at = BM_RSA_LIST_HEAD, key_at = at;
        struct bm_rsa_key key;

        for (; bm_rsa_list_key(comparing->lists[i].list.bytes, &at, &key); key_at = at)
            if ((rc = bm_factors_add(comparing->factors, key.modulus, (uint64_t)i << 32 | key_at, i == 0, fail)) != BM_OK)
                return rc;
    }
    return BM_OK;
}

/* ---- what is found ---- */

static const struct bm_rsa_list *
place_read(const struct comparing *comparing, uint64_t place, struct bm_rsa_key *ret_key)
{
    const struct bm_rsa_list *list = &comparing->lists[place >> 32].list;
    size_t at = place & UINT32_MAX;

    (void)bm_rsa_list_key(list->bytes, &at, ret_key);
    return list;
}

static void
found(void *ctx, uint64_t place, uint64_t other)
{
    struct comparing *comparing = ctx;
    struct bm_rsa_key key = { 0 }, with = { 0 };
    const struct bm_rsa_list *list;
    bool same;

    (void)place_read(comparing, place, &key);
    list = place_read(comparing, other, &with);
    same = bm_bytes_equal(key.modulus, with.modulus);
    if (place == other) {
        bm_exam_find(comparing->exam, BM_CHECK_SHARED_FACTOR, key.chip,
                     "an RSA modulus shares a prime with another one, as more than 100 of the lot do");
        return;
    }
    if (same && key.exponent == with.exponent)
        return; /* one key in two places is another check's finding, and none where a list replaces an older one */
    bm_exam_find(comparing->exam, BM_CHECK_SHARED_FACTOR, key.chip,
                 "an RSA modulus %s chip %u of lot %s: the private keys of both can be computed",
                 same ? "is that of another key, of" : "shares a prime with one of", with.chip, list->lot);
}

static void
progress(void *ctx, uint64_t done, uint64_t total)
{
    struct comparing *comparing = ctx;

    bm_progress_show(&comparing->progress, done, total);
}

enum bm_rc
bm_factors_compare(struct bm_exam *exam, const struct bm_lot_result *result, const char *home, struct bm_fail *fail)
{
    bm_cleanup(comparing_done) struct comparing comparing = { .exam = exam, .progress = { .what = "comparing RSA keys" } };
    char root[2 * BM_HASH + 1];
    enum bm_rc rc;

    if ((rc = bm_buf_check(&exam->rsa, "the list of RSA keys", fail)) != BM_OK || exam->rsa.n == 0)
        return rc;
    bm_rsa_list_end(&exam->rsa, result->head.lot[0] != 0 ? result->head.lot : "-"); /* one that is refused may have no name */
    bm_hex(root, bm_bytes(result->head.root, BM_HASH));
    if ((rc = list_room(&comparing, fail)) != BM_OK)
        return rc;
    comparing.n = 1;
    if ((rc = bm_rsa_list_parse(&comparing.lists[0].list, bm_buf_bytes(&exam->rsa), fail)) != BM_OK ||
        (home != NULL && (rc = older_open(&comparing, home, root, fail)) != BM_OK) ||
        (rc = bm_factors_new(&comparing.factors, fail)) != BM_OK || (rc = lists_add(&comparing, fail)) != BM_OK)
        return rc;
    return bm_factors_find(comparing.factors, found, progress, &comparing, fail);
}

/* ---- keeping ---- */

static enum bm_rc
list_path(char path[static BM_PATH], const struct bm_lot_result *result, const char *home, struct bm_fail *fail)
{
    char root[2 * BM_HASH + 1];

    bm_hex(root, bm_bytes(result->head.root, BM_HASH));
    return bm_place_path(path, home, BM_PLACE_RSA, root, fail);
}

enum bm_rc
bm_factors_keep(const struct bm_exam *exam, const struct bm_lot_result *result, const char *home, struct bm_fail *fail)
{
    char path[BM_PATH];
    enum bm_rc rc;

    if (exam->rsa.n == 0)
        return BM_OK;
    rc = list_path(path, result, home, fail);
    return rc != BM_OK ? rc : bm_file_write(path, bm_buf_bytes(&exam->rsa), 0644, fail);
}

bool
bm_factors_stand(uint64_t keys, const uint8_t root[static BM_HASH], const char *home)
{
    bm_cleanup(comparing_done) struct comparing comparing = { .n = 0 };
    char hex[2 * BM_HASH + 1], path[BM_PATH];
    struct bm_fail unused;

    bm_hex(hex, bm_bytes(root, BM_HASH));
    if (keys == 0)
        return true;
    if (bm_place_path(path, home, BM_PLACE_RSA, hex, &unused) != BM_OK || list_room(&comparing, &unused) != BM_OK)
        return false;
    comparing.n = 1;
    return file_map(&comparing.lists[0], path, &unused) == BM_OK && comparing.lists[0].list.n == keys;
}

void
bm_factors_drop(const struct bm_lot_result *result, const char *home)
{
    struct bm_fail unused;
    char path[BM_PATH];

    if (list_path(path, result, home, &unused) == BM_OK)
        (void)unlink(path);
}
