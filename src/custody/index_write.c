/* index_write.c - a lot's index made: leaves as they come, then where they end, the tree and the sorted tables; the header last. */
#include "custody/index.h"

#include "custody/index_inside.h"
#include "lot/leaf_skim.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define OUT 262144 /* bytes that are written at once */

/* An array that grows. */
struct rows {
    uint8_t *p;
    size_t n, cap, width;
};

struct bm_index_writer {
    int fd;
    uint8_t *out;
    size_t nout;
    uint64_t at; /* bytes of leaves so far */
    struct bm_index_layout layout;
    struct rows hashes, ends, table[BM_INDEX_NTABLES];
    struct bm_leaf_digest digest; /* of a leaf that comes without */
    struct bm_leaf_skim skim, other;
};

static uint8_t *
row_add(struct rows *rows)
{
    if (rows->n == rows->cap) {
        size_t cap = rows->cap == 0 ? 1024 : rows->cap * 2;
        uint8_t *p = realloc(rows->p, cap * rows->width);

        if (p == NULL)
            return NULL;
        rows->p = p;
        rows->cap = cap;
    }
    return rows->p + rows->n++ * rows->width;
}

void
bm_index_writer_done(struct bm_index_writer **writer)
{
    struct bm_index_writer *w = *writer;

    if (w == NULL)
        return;
    for (unsigned i = 0; i < BM_INDEX_NTABLES; i++)
        free(w->table[i].p);
    free(w->hashes.p);
    free(w->ends.p);
    free(w->out);
    free(w);
    *writer = NULL;
}

/* ---- bytes ---- */

static enum bm_rc
write_failed(int err, struct bm_fail *fail)
{
    if (err == ENOSPC || err == EDQUOT)
        return bm_fail(fail, BM_EBUSY, NULL, "the disk is full: the index of the lot cannot be written");
    return bm_fail(fail, BM_EBUSY, NULL, "the index of the lot cannot be written: %s", strerrordesc_np(err));
}

static enum bm_rc
out_flush(struct bm_index_writer *w, struct bm_fail *fail)
{
    for (size_t done = 0; done < w->nout;) {
        ssize_t put = write(w->fd, w->out + done, w->nout - done);

        if (put == -1 && errno == EINTR)
            continue;
        if (put <= 0)
            return write_failed(put == 0 ? EIO : errno, fail);
        done += (size_t)put;
    }
    w->nout = 0;
    return BM_OK;
}

static enum bm_rc
out_add(struct bm_index_writer *w, const uint8_t *p, size_t n, struct bm_fail *fail)
{
    enum bm_rc rc;

    while (n > 0) {
        size_t part = n < OUT - w->nout ? n : OUT - w->nout;

        memcpy(w->out + w->nout, p, part);
        w->nout += part;
        p += part;
        n -= part;
        if (w->nout == OUT && (rc = out_flush(w, fail)) != BM_OK)
            return rc;
    }
    return BM_OK;
}

enum bm_rc
bm_index_create(struct bm_index_writer **ret_writer, int fd, struct bm_fail *fail)
{
    static const uint8_t none[BM_INDEX_HEADER]; /* nobody takes a file for an index until its last write */
    bm_cleanup(bm_index_writer_done) struct bm_index_writer *w = calloc(1, sizeof(*w));
    enum bm_rc rc;

    if (w == NULL || (w->out = malloc(OUT)) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to write the index of the lot");
    w->fd = fd;
    w->hashes.width = BM_HASH;
    w->ends.width = BM_INDEX_END;
    for (unsigned i = 0; i < BM_INDEX_NTABLES; i++)
        w->table[i].width = BM_INDEX_RECORD;
    if ((rc = out_add(w, none, sizeof(none), fail)) != BM_OK)
        return rc;
    *ret_writer = bm_take(w);
    return BM_OK;
}

/* ---- chips ---- */

static void
number_put(uint8_t *p, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> 8 * (n - 1 - i));
}

static uint64_t
number_get(const uint8_t *p, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

static bool
record_add(struct bm_index_writer *w, enum bm_index_table table, const uint8_t *hash)
{
    uint8_t *record = row_add(&w->table[table]);

    if (record == NULL)
        return false;
    memcpy(record, hash, BM_INDEX_PREFIX);
    number_put(record + BM_INDEX_PREFIX, w->layout.chips, BM_INDEX_RECORD - BM_INDEX_PREFIX);
    return true;
}

static bool
names_add(struct bm_index_writer *w, const struct bm_leaf_digest *digest)
{
    const struct bm_leaf_skim *skim = &digest->skim;
    uint8_t names[BM_MAX_CHIP_KEYS][BM_HASH], ski[BM_SHA1];
    size_t n = bm_leaf_skim_names(skim, names);
    bool ok = true;

    for (size_t i = 0; i < n; i++)
        ok = ok && record_add(w, BM_INDEX_KEYS, names[i]);
    for (size_t i = 0; i < skim->nkeys; i++) {
        bm_leaf_skim_ski(&skim->keys[i], ski);
        ok = ok && record_add(w, BM_INDEX_SKIS, ski);
        w->layout.rsa += skim->keys[i].alg == BM_KEY_RSA;
    }
    w->layout.names += n;
    return ok && record_add(w, BM_INDEX_IDS, digest->id);
}

enum bm_rc
bm_index_add_known(struct bm_index_writer *w, struct bm_bytes leaf_der, const struct bm_leaf_digest *digest, struct bm_fail *fail)
{
    const enum bm_leaf_kind kind = digest->skim.kind;
    uint8_t *hash, *end;

    if (w->layout.chips == BM_MAX_LOT_CHIPS)
        return bm_fail(fail, BM_EINPUT, NULL, "the lot has more than %d chips: divide it", BM_MAX_LOT_CHIPS);
    if (w->layout.chips == 0)
        w->layout.kind = kind;
    if (kind != w->layout.kind)
        return bm_fail(fail, BM_EINPUT, NULL, "chip %llu is listed by %s in a lot of kind %s", (unsigned long long)w->layout.chips,
                       bm_leaf_kind_word(kind), bm_leaf_kind_word(w->layout.kind));
    if (!names_add(w, digest) || (hash = row_add(&w->hashes)) == NULL || (end = row_add(&w->ends)) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the index of a lot of so many chips");
    memcpy(hash, digest->leaf, BM_HASH);
    w->at += leaf_der.n;
    number_put(end, w->at, BM_INDEX_END);
    w->layout.chips++;
    return out_add(w, leaf_der.p, leaf_der.n, fail);
}

enum bm_rc
bm_index_add(struct bm_index_writer *w, struct bm_bytes leaf_der, struct bm_fail *fail)
{
    enum bm_rc rc = bm_leaf_digest_take(&w->digest, leaf_der, fail);

    return rc != BM_OK ? rc : bm_index_add_known(w, leaf_der, &w->digest, fail);
}

/* ---- the end ---- */

/* Reads a leaf back from the file. */
static enum bm_rc
leaf_again(const struct bm_index_writer *w, uint64_t i, uint8_t der[static BM_MAX_LEAF], struct bm_leaf_skim *skim, struct bm_fail *fail)
{
    uint64_t from = i == 0 ? 0 : number_get(w->ends.p + (i - 1) * BM_INDEX_END, BM_INDEX_END);
    uint64_t n = number_get(w->ends.p + i * BM_INDEX_END, BM_INDEX_END) - from;
    ssize_t got = pread(w->fd, der, (size_t)n, (off_t)(BM_INDEX_HEADER + from));

    if (got == -1)
        return bm_fail(fail, BM_EBUSY, NULL, "the index of the lot cannot be read back: %s", strerrordesc_np(errno));
    if ((uint64_t)got != n || bm_leaf_skim(skim, bm_bytes(der, (size_t)n), fail) != BM_OK)
        return bm_fail(fail, BM_EBUG, NULL, "the index of the lot is not what was written to it");
    return BM_OK;
}

/* Two records have the same first bytes: is it the same key? */
static enum bm_rc
pair_refuse(struct bm_index_writer *w, const uint8_t *one, const uint8_t *two, struct bm_fail *fail)
{
    uint64_t i = number_get(one + BM_INDEX_PREFIX, 4), j = number_get(two + BM_INDEX_PREFIX, 4);
    uint8_t der[BM_MAX_LEAF];
    uint8_t names[BM_MAX_CHIP_KEYS][BM_HASH], others[BM_MAX_CHIP_KEYS][BM_HASH];
    size_t n, m;
    enum bm_rc rc;

    if ((rc = leaf_again(w, i, der, &w->skim, fail)) != BM_OK)
        return rc;
    n = bm_leaf_skim_names(&w->skim, names);
    if ((rc = leaf_again(w, j, der, &w->other, fail)) != BM_OK)
        return rc;
    m = bm_leaf_skim_names(&w->other, others);
    for (size_t x = 0; x < n; x++)
        for (size_t y = 0; y < m; y++)
            if (memcmp(names[x], others[y], BM_HASH) == 0)
                return bm_fail(fail, BM_EPOLICY, NULL, "chip %llu has %s that chip %llu has too: the two cannot be told apart",
                               (unsigned long long)j, w->layout.kind == BM_LEAF_ID ? "an id" : "a root key", (unsigned long long)i);
    return BM_OK;
}

static enum bm_rc
twice_refuse(struct bm_index_writer *w, struct bm_fail *fail)
{
    const struct rows *keys = &w->table[BM_INDEX_KEYS];
    enum bm_rc rc;

    for (size_t i = 0; i + 1 < keys->n; i++) {
        const uint8_t *one = keys->p + i * BM_INDEX_RECORD, *two = one + BM_INDEX_RECORD;

        for (; two < keys->p + keys->n * BM_INDEX_RECORD && memcmp(one, two, BM_INDEX_PREFIX) == 0; two += BM_INDEX_RECORD)
            if ((rc = pair_refuse(w, one, two, fail)) != BM_OK)
                return rc;
    }
    return BM_OK;
}

/* Level after level, each made in the place of the one below it. Those that are left over make the root. */
static enum bm_rc
tree_write(struct bm_index_writer *w, struct bm_fail *fail)
{
    struct bm_frontier frontier = { .size = w->layout.chips };
    uint8_t *p = w->hashes.p, (*left_over)[BM_HASH] = frontier.hash;
    enum bm_rc rc;

    for (uint64_t n = w->layout.chips; n > 0; n /= 2, left_over++) {
        if ((rc = out_add(w, p, n * BM_HASH, fail)) != BM_OK)
            return rc;
        memcpy(*left_over, p + (n - 1) * BM_HASH, BM_HASH);
        for (uint64_t i = 0; i < n / 2; i++)
            bm_tree_node(p + i * BM_HASH, p + 2 * i * BM_HASH, p + (2 * i + 1) * BM_HASH);
    }
    bm_frontier_root(&frontier, w->layout.root);
    return BM_OK;
}

static enum bm_rc
tables_write(struct bm_index_writer *w, struct bm_fail *fail)
{
    enum bm_rc rc = out_add(w, w->ends.p, w->ends.n * BM_INDEX_END, fail);

    if (rc != BM_OK || (rc = tree_write(w, fail)) != BM_OK)
        return rc;
    for (unsigned i = 0; i < BM_INDEX_NTABLES; i++)
        if (w->table[i].n > 0 && (rc = out_add(w, w->table[i].p, w->table[i].n * BM_INDEX_RECORD, fail)) != BM_OK)
            return rc;
    return out_flush(w, fail);
}

/* What was written is on the disk before the header says that it is there. */
static enum bm_rc
header_write(const struct bm_index_writer *w, struct bm_fail *fail)
{
    uint8_t header[BM_INDEX_HEADER];
    ssize_t put;

    bm_index_header_build(header, &w->layout);
    if (fsync(w->fd) == -1)
        return write_failed(errno, fail);
    put = pwrite(w->fd, header, sizeof(header), 0);
    if (put != (ssize_t)sizeof(header))
        return write_failed(put == -1 ? errno : EIO, fail);
    return fsync(w->fd) == -1 ? write_failed(errno, fail) : BM_OK;
}

enum bm_rc
bm_index_finish(struct bm_index_writer *w, uint64_t *ret_size, uint8_t ret_root[static BM_HASH], struct bm_fail *fail)
{
    enum bm_rc rc;

    if (w->layout.chips == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "a lot has at least one chip");
    w->layout.leaf_bytes = w->at;
    bm_index_layout_place(&w->layout);
    for (unsigned i = 0; i < BM_INDEX_NTABLES; i++)
        if ((rc = bm_index_sort(&w->table[i].p, w->table[i].n, fail)) != BM_OK)
            return rc;
    if ((rc = out_flush(w, fail)) != BM_OK || (rc = twice_refuse(w, fail)) != BM_OK || (rc = tables_write(w, fail)) != BM_OK ||
        (rc = header_write(w, fail)) != BM_OK)
        return rc;
    *ret_size = w->layout.chips;
    memcpy(ret_root, w->layout.root, BM_HASH);
    return BM_OK;
}
