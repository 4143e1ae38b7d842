#include "custody/index.h"

#include "custody/index_inside.h"
#include "lot/leaf_skim.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

void
bm_index_done(struct bm_index **index)
{
    if (*index == NULL)
        return;
    if ((*index)->p != NULL)
        (void)munmap((*index)->p, (*index)->at.size);
    free(*index);
    *index = NULL;
}

/* ---- numbers and places: offsets are the layout's, and were held against the file's size when it was opened ---- */

static uint64_t
end_get(const struct bm_index *index, uint64_t i)
{
    struct bm_rd rd = bm_rd(bm_bytes(index->p + index->at.ends + i * BM_INDEX_END, BM_INDEX_END));

    return bm_rd_u64(&rd);
}

static enum bm_rc
node_get(void *ctx, unsigned level, uint64_t i, uint8_t ret[static BM_HASH], struct bm_fail *fail)
{
    const struct bm_index *index = ctx;

    if (level >= BM_INDEX_LEVELS || i >= index->at.chips >> level)
        return bm_fail(fail, BM_EBUG, NULL, "node %u/%llu is not in a tree of %llu chips", level, (unsigned long long)i,
                       (unsigned long long)index->at.chips);
    memcpy(ret, index->p + index->at.level[level] + i * BM_HASH, BM_HASH);
    return BM_OK;
}

static struct bm_tree_source
tree_of(struct bm_index *index)
{
    return (struct bm_tree_source){ .node = node_get, .ctx = index };
}

/* ---- opening ---- */

static enum bm_rc
map(struct bm_index *index, int fd, struct bm_fail *fail)
{
    struct stat st;
    void *p;
    enum bm_rc rc;

    if (fstat(fd, &st) == -1)
        return bm_fail(fail, BM_EBUSY, NULL, "the index of the lot cannot be read: %s", strerrordesc_np(errno));
    if (!S_ISREG(st.st_mode) || st.st_size < BM_INDEX_HEADER)
        return bm_index_damaged(fail, "it is cut short");
    p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return bm_fail(fail, errno == ENOMEM ? BM_ENOMEM : BM_EBUSY, NULL, "the index of the lot cannot be mapped: %s",
                       strerrordesc_np(errno));
    rc = bm_index_header_parse(&index->at, bm_bytes(p, BM_INDEX_HEADER), fail);
    if (rc == BM_OK && (uint64_t)st.st_size != index->at.size)
        rc = bm_index_damaged(fail, "it has %llu bytes and should have %llu", (unsigned long long)st.st_size,
                              (unsigned long long)index->at.size);
    if (rc != BM_OK) {
        (void)munmap(p, (size_t)st.st_size);
        return rc;
    }
    index->p = p;
    return BM_OK;
}

enum bm_rc
bm_index_open(struct bm_index **ret_index, int fd, struct bm_fail *fail)
{
    bm_cleanup(bm_index_done) struct bm_index *index = calloc(1, sizeof(*index));
    struct bm_tree_source source = tree_of(index);
    uint8_t root[BM_HASH];
    enum bm_rc rc;

    if (index == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to open the index of the lot");
    if ((rc = map(index, fd, fail)) != BM_OK || (rc = bm_root_make(root, &source, index->at.chips, fail)) != BM_OK)
        return rc;
    if (memcmp(root, index->at.root, BM_HASH) != 0)
        return bm_index_damaged(fail, "its tree has another head than it says");
    *ret_index = bm_take(index);
    return BM_OK;
}

uint64_t
bm_index_size(const struct bm_index *index)
{
    return index->at.chips;
}

void
bm_index_root(const struct bm_index *index, uint8_t ret_root[static BM_HASH])
{
    memcpy(ret_root, index->at.root, BM_HASH);
}

uint64_t
bm_index_nrsa(const struct bm_index *index)
{
    return index->at.rsa;
}

void
bm_index_forget(const struct bm_index *index)
{
    (void)madvise(index->p, index->at.size, MADV_DONTNEED); /* advice: without it memory is used longer */
}

/* ---- leaves and proofs ---- */

enum bm_rc
bm_index_leaf(const struct bm_index *index, uint64_t i, struct bm_bytes *ret_der, struct bm_fail *fail)
{
    uint64_t from, end;

    if (i >= index->at.chips)
        return bm_fail(fail, BM_EINPUT, NULL, "there is no chip %llu in a lot of %llu", (unsigned long long)i,
                       (unsigned long long)index->at.chips);
    from = i == 0 ? 0 : end_get(index, i - 1);
    end = end_get(index, i);
    if (end < from || end > index->at.leaf_bytes || end - from > BM_MAX_LEAF)
        return bm_index_damaged(fail, "chip %llu ends before it begins, or is too long", (unsigned long long)i);
    *ret_der = bm_bytes(index->p + BM_INDEX_HEADER + from, (size_t)(end - from));
    return BM_OK;
}

enum bm_rc
bm_index_prove(const struct bm_index *index, uint64_t i, struct bm_proof *ret_proof, struct bm_fail *fail)
{
    struct bm_index view = *index; /* a source's context is not const */
    struct bm_tree_source source = tree_of(&view);

    return bm_inclusion_make(ret_proof, &source, i, index->at.chips, fail);
}

/* ---- finding ---- */

const uint8_t *
bm_index_record(const struct bm_index *index, enum bm_index_table table, uint64_t row)
{
    return index->p + index->at.table[table] + row * BM_INDEX_RECORD;
}

enum bm_rc
bm_index_place(const struct bm_index *index, const uint8_t *record, uint64_t *ret_i, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(bm_bytes(record + BM_INDEX_PREFIX, BM_INDEX_RECORD - BM_INDEX_PREFIX));

    *ret_i = bm_rd_u32(&rd);
    return *ret_i < index->at.chips ? BM_OK : bm_index_damaged(fail, "a table names a chip that the lot has not");
}

uint64_t
bm_index_first(const struct bm_index *index, enum bm_index_table table, const uint8_t prefix[static BM_INDEX_PREFIX])
{
    uint64_t lo = 0, hi = index->at.records[table];

    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;

        if (memcmp(bm_index_record(index, table, mid), prefix, BM_INDEX_PREFIX) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static bool
key_here(const struct bm_leaf_skim *skim, const uint8_t *hash)
{
    uint8_t names[BM_MAX_CHIP_KEYS][BM_HASH];
    size_t n = bm_leaf_skim_names(skim, names);

    for (size_t i = 0; i < n; i++)
        if (memcmp(names[i], hash, BM_HASH) == 0)
            return true;
    return false;
}

static bool
ski_here(const struct bm_leaf_skim *skim, const uint8_t *want)
{
    uint8_t ski[20];

    for (size_t i = 0; i < skim->nkeys; i++) {
        bm_leaf_skim_ski(&skim->keys[i], ski);
        if (memcmp(ski, want, sizeof(ski)) == 0)
            return true;
    }
    return false;
}

static bool
id_here(const struct bm_leaf_skim *skim, const uint8_t *want)
{
    uint8_t hash[BM_HASH];

    bm_sha256(hash, skim->id);
    return memcmp(hash, want, BM_HASH) == 0;
}

static bool (*const here[BM_INDEX_NTABLES])(const struct bm_leaf_skim *skim, const uint8_t *hash) = {
    [BM_INDEX_KEYS] = key_here, [BM_INDEX_SKIS] = ski_here, [BM_INDEX_IDS] = id_here
};

enum bm_rc
bm_index_skim(const struct bm_index *index, uint64_t i, struct bm_leaf_skim *ret_skim, struct bm_fail *fail)
{
    struct bm_bytes der;
    enum bm_rc rc = bm_index_leaf(index, i, &der, fail);

    if (rc != BM_OK)
        return rc;
    if (bm_leaf_skim(ret_skim, der, fail) != BM_OK)
        return bm_index_damaged(fail, "chip %llu is not the entry of a chip", (unsigned long long)i);
    return BM_OK;
}

/* Rows with the same first bytes stand together; the leaf says whether it is the one. */
static enum bm_rc
find(const struct bm_index *index, enum bm_index_table table, const uint8_t *hash, bool *ret_found, uint64_t *ret_i, struct bm_fail *fail)
{
    struct bm_leaf_skim skim;
    uint64_t i = 0;
    enum bm_rc rc;

    for (uint64_t row = bm_index_first(index, table, hash); row < index->at.records[table]; row++) {
        const uint8_t *record = bm_index_record(index, table, row);

        if (memcmp(record, hash, BM_INDEX_PREFIX) != 0)
            break;
        if ((rc = bm_index_place(index, record, &i, fail)) != BM_OK || (rc = bm_index_skim(index, i, &skim, fail)) != BM_OK)
            return rc;
        if (here[table](&skim, hash)) {
            *ret_found = true;
            *ret_i = i;
            return BM_OK;
        }
    }
    *ret_found = false;
    return BM_OK;
}

enum bm_rc
bm_index_find_key(const struct bm_index *index, const uint8_t hash[static BM_HASH], bool *ret_found, uint64_t *ret_i, struct bm_fail *fail)
{
    return find(index, BM_INDEX_KEYS, hash, ret_found, ret_i, fail);
}

enum bm_rc
bm_index_find_ski(const struct bm_index *index, const uint8_t ski[static 20], bool *ret_found, uint64_t *ret_i, struct bm_fail *fail)
{
    return find(index, BM_INDEX_SKIS, ski, ret_found, ret_i, fail);
}

enum bm_rc
bm_index_find_id(const struct bm_index *index, const char *id, bool *ret_found, uint64_t *ret_i, struct bm_fail *fail)
{
    uint8_t hash[BM_HASH];

    bm_sha256(hash, bm_bytes_str(id));
    return find(index, BM_INDEX_IDS, hash, ret_found, ret_i, fail);
}
