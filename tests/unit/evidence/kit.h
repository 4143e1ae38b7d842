/* kit.h - what the tests of evidence share: CMC messages made, commands run in a directory of their own. */
#ifndef BM_TEST_EVIDENCE_KIT_H
#define BM_TEST_EVIDENCE_KIT_H

#include "../pki/kit.h"

#include "evidence/bundle.h"

#define KIT_NONCE "0123456789abcdef0123456789abcdef"
#define KIT_BUF(name) bm_cleanup(bm_buf_done) struct bm_buf name = { .max = BM_MAX_EVIDENCE }
#define KIT_KEY(name) bm_cleanup(bm_private_done) struct bm_private *name = NULL

static char kit_dir[64] __attribute__((unused)); /* of this test program */

static inline int
kit_dir_make(void **state)
{
    (void)state;
    (void)snprintf(kit_dir, sizeof(kit_dir), "/tmp/bm-evidence-XXXXXX");
    return mkdtemp(kit_dir) == NULL;
}

/* Runs a shell command in the directory, its output in the file `log` there; its exit status. */
static __attribute__((noinline, unused)) bm_printf(1, 2) int kit_try(const char *fmt, ...)
{
    KIT_BUF(line);
    char text[4096];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    bm_buf_add_fmt(&line, "cd %s && { %s; } 3>&2 >>log 2>&1", kit_dir, text);
    bm_buf_add_u8(&line, 0);
    assert_false(line.bad);
    return system((const char *)line.p);
}

#define kit_run(...)                                     \
    do {                                                 \
        if (kit_try(__VA_ARGS__) != 0) {                 \
            (void)kit_try("tail -n 20 log >&3");         \
            fail_msg("a command failed in %s", kit_dir); \
        }                                                \
    } while (0)

static inline int
kit_dir_remove(void **state)
{
    char line[128];

    (void)state;
    (void)snprintf(line, sizeof(line), "rm -rf %s", kit_dir);
    return system(line);
}

static inline void
kit_read(struct bm_buf *buf, const char *name)
{
    char path[BM_PATH];

    assert_ok(bm_path_join(path, kit_dir, name, &kit_fail));
    assert_ok(bm_file_read(buf, path, &kit_fail));
}

static inline void
kit_write(const char *name, struct bm_bytes bytes)
{
    char path[BM_PATH];

    assert_ok(bm_path_join(path, kit_dir, name, &kit_fail));
    assert_ok(bm_file_write(path, bytes, 0600, &kit_fail));
}

/* SignedData over content and attrs (tag 31) as they are. */
static inline void
kit_cmc_sign(struct bm_buf *buf, struct bm_private *root, struct bm_bytes content, struct bm_bytes attrs)
{
    KIT_BUF(signature);

    assert_ok(bm_private_sign(root, attrs, &signature, &kit_fail));
    bm_cmc_build(buf, content, attrs, bm_key_ski(bm_private_public(root)).octets, bm_private_alg(root), bm_buf_bytes(&signature));
    assert_ok(bm_buf_check(buf, "the CMC request", &kit_fail));
}

static inline void
kit_cmc(struct bm_buf *buf, struct bm_private *root, struct bm_private *key, struct bm_bytes nonce)
{
    KIT_BUF(csr);
    KIT_BUF(content);
    KIT_BUF(attrs);

    kit_csr(&csr, key, NULL);
    bm_cmc_prepare(&content, &attrs, bm_buf_bytes(&csr), nonce, bm_private_alg(root));
    assert_ok(bm_buf_check(&attrs, "the attributes", &kit_fail));
    kit_cmc_sign(buf, root, bm_buf_bytes(&content), bm_buf_bytes(&attrs));
}

#endif
