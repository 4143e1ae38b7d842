/* site_kit.h - what a device meets, for one test program: virtual chips, a CA, and a server that knows the chips' root keys. */
#ifndef BM_TEST_SITE_KIT_H
#define BM_TEST_SITE_KIT_H

#include "../testing.h"

#include "ca_kit.h"
#include "root/root.h"
#include "testserver.h"

static struct bm_key roots[VIRTUAL__N * 3]; /* the root keys of all chips, as a lot would list them */
static size_t nroots;
static struct testserver server;

static inline void
roots_collect(void)
{
    for (int kind = 0; kind < VIRTUAL__N; kind++) {
        bm_cleanup(bm_root_done) struct bm_root *root = NULL;
        bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE };
        static struct bm_leaf leaf;

        assert_ok(bm_root_open(&root, chips.uri[kind], &kit_fail));
        assert_ok(root->ops->identify(root, true, &leaf, &certs, &kit_fail));
        for (size_t i = 0; i < leaf.nkeys && nroots < BM_COUNT(roots); i++)
            roots[nroots++] = leaf.keys[i].key;
    }
}

static inline int
site_start(void **state)
{
    if (ca_start(state) != 0)
        return -1;
    roots_collect();
    return testserver_start(&server, &ca, roots, nroots) ? 0 : -1;
}

static inline int
site_stop(void **state)
{
    testserver_stop(&server);
    return ca_stop(state);
}

#endif
