/* kit.h - what the tests of custody share: chips made, indexed and opened. */
#ifndef BM_TEST_CUSTODY_KIT_H
#define BM_TEST_CUSTODY_KIT_H

#include "../lot/kit.h"

#include "custody/index.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct kit_lot {
    int fd;
    struct bm_index *index;
};

static inline int
kit_file(void)
{
    int fd = memfd_create("index", MFD_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static inline void
kit_add(struct bm_index_writer *writer, const struct bm_leaf *leaf)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_LEAF };

    assert_ok(bm_leaf_build(&der, leaf, &kit_fail));
    assert_ok(bm_index_add(writer, bm_buf_bytes(&der), &kit_fail));
}

/* These leaves, indexed and opened. */
static inline void
kit_lot(struct kit_lot *lot, const struct bm_leaf *leaves, size_t n)
{
    bm_cleanup(bm_index_writer_done) struct bm_index_writer *writer = NULL;
    uint8_t root[BM_HASH], again[BM_HASH];
    uint64_t size = 0;

    lot->fd = kit_file();
    assert_ok(bm_index_create(&writer, lot->fd, &kit_fail));
    for (size_t i = 0; i < n; i++)
        kit_add(writer, &leaves[i]);
    assert_ok(bm_index_finish(writer, &size, root, &kit_fail));
    assert_int_equal(size, n);
    assert_ok(bm_index_open(&lot->index, lot->fd, &kit_fail));
    bm_index_root(lot->index, again);
    assert_memory_equal(root, again, BM_HASH);
    assert_int_equal(bm_index_size(lot->index), n);
}

static inline void
kit_lot_done(struct kit_lot *lot)
{
    bm_index_done(&lot->index);
    bm_fd_done(&lot->fd);
}

/* A chip of a list without keys. */
static inline void
kit_id_leaf(struct bm_leaf *leaf, const char *id)
{
    *leaf = (struct bm_leaf){ .kind = BM_LEAF_ID, .root = BM_ROOT_SECURE_ELEMENT, .rule = BM_ID_RULE_MICROCHIP_SN };
    (void)snprintf(leaf->id, sizeof(leaf->id), "%s", id);
    memset(leaf->vendor_root, 0x17, BM_HASH);
}

#endif
