/* kit.h - what the tests of pki share: sentences asserted, keys and requests made, shared material found. */
#ifndef BM_TEST_PKI_KIT_H
#define BM_TEST_PKI_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "pki/csr.h"
#include "pki/key.h"
#include "pki/private.h"
#include "wire/der.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>

/* Fails with the sentence that was recorded. */
#define assert_rc(want, call)                                                                 \
    do {                                                                                      \
        enum bm_rc kit_rc_ = (call);                                                          \
        if (kit_rc_ != (want))                                                                \
            fail_msg("%s: %s, not %s: %s", #call, bm_rc_word(kit_rc_), #want, kit_fail.text); \
    } while (0)
#define assert_ok(call) assert_rc(BM_OK, call)

static struct bm_fail kit_fail __attribute__((unused));

static inline void
kit_shared_path(char *ret_path, size_t n, const char *rest)
{
    const char *from = getenv("BM_SHARED");

    (void)snprintf(ret_path, n, "%s/%s", from != NULL ? from : BM_SOURCE_ROOT "/../shared", rest);
}

static inline char *
kit_read(FILE *f, size_t *ret_n)
{
    char *text = malloc(8u << 20);

    assert_non_null(text);
    *ret_n = fread(text, 1, (8u << 20) - 1, f);
    text[*ret_n] = 0;
    return text;
}

/* Content of ../shared/REST, NUL-terminated past n; NULL when it is not there. */
static inline char *
kit_shared(const char *rest, size_t *ret_n)
{
    char path[4096], *text;
    FILE *f;

    kit_shared_path(path, sizeof(path), rest);
    if ((f = fopen(path, "rb")) == NULL)
        return NULL;
    text = kit_read(f, ret_n);
    (void)fclose(f);
    return text;
}

/* The same of a file in the archive ../shared/REST. */
static inline char *
kit_member(const char *rest, const char *member, size_t *ret_n)
{
    char path[4096], command[4400], *text;
    FILE *f;

    kit_shared_path(path, sizeof(path), rest);
    if ((f = fopen(path, "rb")) == NULL)
        return NULL;
    (void)fclose(f);
    (void)snprintf(command, sizeof(command), "tar -xzOf '%s' '%s'", path, member);
    assert_non_null(f = popen(command, "r"));
    text = kit_read(f, ret_n);
    assert_int_equal(pclose(f), 0);
    return text;
}

static inline void
kit_csr(struct bm_buf *buf, struct bm_private *key, const char *cn)
{
    bm_cleanup(bm_buf_done) struct bm_buf info = { .max = BM_MAX_CSR }, signature = { .max = BM_MAX_SIGNATURE };

    bm_csr_info_build(&info, bm_key_spki(bm_private_public(key)), cn);
    assert_ok(bm_private_sign(key, bm_buf_bytes(&info), &signature, &kit_fail));
    bm_csr_build(buf, bm_buf_bytes(&info), bm_private_alg(key), bm_buf_bytes(&signature));
    assert_ok(bm_buf_check(buf, "the request", &kit_fail));
}

#endif
