/* puf_kit.h - a simulated PUF in a directory of its own, for the tests of its root. */
#ifndef BM_TEST_PUF_KIT_H
#define BM_TEST_PUF_KIT_H

#include "../testing.h"

#include "pki/key.h"
#include "root/root.h"

#include <stdio.h>

static char dir[] = "/tmp/birthmark-puf-XXXXXX";
static char uri[200], stranger[200] __attribute__((unused)), file[100];
static struct bm_crypto *crypto;

/* In the test's directory. */
static inline void
run(const char *command)
{
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): words of this file */
}

static inline struct bm_root *
open_root(const char *at)
{
    struct bm_root *root = NULL;

    assert_ok(bm_root_open(&root, at, &kit_fail));
    return root;
}

static struct bm_leaf leaf, other; /* 9 KiB each */

static inline enum bm_rc
identify(struct bm_leaf *ret, const char *at, bool make)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_root(at);
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE };
    enum bm_rc rc = root->ops->identify(root, make, ret, &certs, &kit_fail);

    assert_int_equal(certs.n, 0);
    return rc;
}

static inline bool
same_key(void)
{
    return memcmp(leaf.keys[0].key.hash, other.keys[0].key.hash, BM_HASH) == 0;
}

static inline void
weather(const char *celsius, const char *years, const char *noise)
{
    assert_int_equal(setenv("BM_PUF_CELSIUS", celsius, 1) | setenv("BM_PUF_YEARS", years, 1) | setenv("BM_PUF_NOISE", noise, 1), 0);
}

static inline int
fresh(void **state)
{
    (void)state;
    weather("25", "0", "1");
    run("rm -rf p p.d");
    assert_ok(identify(&leaf, uri, true));
    return 0;
}

static inline int
start(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL || chdir(dir) == -1)
        return -1;
    (void)snprintf(uri, sizeof(uri), "puf:sim:chip 1:%s/p", dir);
    (void)snprintf(stranger, sizeof(stranger), "puf:sim:chip 2:%s/p", dir);
    (void)snprintf(file, sizeof(file), "%s/p", dir);
    return bm_crypto_new(&crypto, &kit_fail) == BM_OK ? 0 : -1;
}

static inline int
stop(void **state)
{
    (void)state;
    bm_crypto_done(&crypto);
    run("rm -rf \"$PWD\"");
    return 0;
}

#endif
