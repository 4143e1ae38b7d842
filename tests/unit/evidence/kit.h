/* kit.h - what the tests of evidence share: sentences asserted, keys, requests and CMC messages made, commands run in a directory of their own. */
#ifndef BM_TEST_EVIDENCE_KIT_H
#define BM_TEST_EVIDENCE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "evidence/bundle.h"
#include "pki/private.h"
#include "wire/der.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Fails with the sentence that was recorded. */
#define assert_rc(want, call)                                                                 \
    do {                                                                                      \
        enum bm_rc kit_rc_ = (call);                                                          \
        if (kit_rc_ != (want))                                                                \
            fail_msg("%s: %s, not %s: %s", #call, bm_rc_word(kit_rc_), #want, kit_fail.text); \
    } while (0)
#define assert_ok(call) assert_rc(BM_OK, call)
#define assert_refused(want, call, words)                                   \
    do {                                                                    \
        assert_rc(want, call);                                              \
        if (strstr(kit_fail.text, (words)) == NULL)                         \
            fail_msg("\"%s\" does not say \"%s\"", kit_fail.text, (words)); \
    } while (0)

#define KIT_NONCE "0123456789abcdef0123456789abcdef"
#define KIT_BUF(name) bm_cleanup(bm_buf_done) struct bm_buf name = { .max = BM_MAX_EVIDENCE }
#define KIT_KEY(name) bm_cleanup(bm_private_done) struct bm_private *name = NULL

static struct bm_fail kit_fail __attribute__((unused));
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

static __attribute__((noinline, unused)) void
kit_read(struct bm_buf *buf, const char *name)
{
    char path[256];
    uint8_t part[4096];
    size_t n;
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", kit_dir, name);
    if ((f = fopen(path, "rb")) == NULL)
        fail_msg("there is no %s", path);
    while ((n = fread(part, 1, sizeof(part), f)) > 0)
        bm_buf_add(buf, part, n);
    (void)fclose(f);
    assert_false(buf->bad);
}

static inline void
kit_write(const char *name, struct bm_bytes bytes)
{
    char path[256];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", kit_dir, name);
    assert_non_null(f = fopen(path, "wb"));
    assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
    assert_int_equal(fclose(f), 0);
}

static inline void
kit_csr(struct bm_buf *buf, struct bm_private *key)
{
    KIT_BUF(info);
    KIT_BUF(signature);

    bm_csr_info_build(&info, bm_key_spki(bm_private_public(key)), NULL);
    assert_ok(bm_private_sign(key, bm_buf_bytes(&info), &signature, &kit_fail));
    bm_csr_build(buf, bm_buf_bytes(&info), bm_private_alg(key), bm_buf_bytes(&signature));
    assert_ok(bm_buf_check(buf, "the request", &kit_fail));
}

/* SignedData over content and attrs (tag 31) as they are. */
static inline void
kit_cmc_sign(struct bm_buf *buf, struct bm_private *root, struct bm_bytes content, struct bm_bytes attrs)
{
    KIT_BUF(signature);

    assert_ok(bm_private_sign(root, attrs, &signature, &kit_fail));
    bm_cmc_build(buf, content, attrs, bm_private_public(root)->ski, bm_private_alg(root), bm_buf_bytes(&signature));
    assert_ok(bm_buf_check(buf, "the CMC request", &kit_fail));
}

static inline void
kit_cmc(struct bm_buf *buf, struct bm_private *root, struct bm_private *key, struct bm_bytes nonce)
{
    KIT_BUF(csr);
    KIT_BUF(content);
    KIT_BUF(attrs);

    kit_csr(&csr, key);
    bm_cmc_prepare(&content, &attrs, bm_buf_bytes(&csr), nonce, bm_private_alg(root));
    assert_ok(bm_buf_check(&attrs, "the attributes", &kit_fail));
    kit_cmc_sign(buf, root, bm_buf_bytes(&content), bm_buf_bytes(&attrs));
}

#endif
