/* testing.h - what the unit tests of the rooms share: results asserted with their sentence, shared material found, skips that are seen. */
#ifndef BM_TEST_TESTING_H
#define BM_TEST_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct bm_fail kit_fail __attribute__((unused));

/* Fails with the sentence that was recorded. */
#define assert_rc(want, call)                                                                 \
    do {                                                                                      \
        enum bm_rc kit_rc_ = (call);                                                          \
        if (kit_rc_ != (want))                                                                \
            fail_msg("%s: %s, not %s: %s", #call, bm_rc_word(kit_rc_), #want, kit_fail.text); \
    } while (0)
#define assert_ok(call) assert_rc(BM_OK, call)
#define assert_refused(want, call, sentence)            \
    do {                                                \
        assert_rc(want, call);                          \
        assert_string_equal(kit_fail.text, (sentence)); \
    } while (0)
#define assert_refused_saying(want, call, words)                            \
    do {                                                                    \
        assert_rc(want, call);                                              \
        if (strstr(kit_fail.text, (words)) == NULL)                         \
            fail_msg("\"%s\" does not say \"%s\"", kit_fail.text, (words)); \
    } while (0)

/*
 * cmocka ends with 0 where a test was skipped, and Meson would count the program as passed. So a program with tests that may have to be left out
 * leaves with what kit_end() says: 77, "skipped", when all others passed.
 */
static unsigned kit_skipped __attribute__((unused));
#define kit_skip(why)                        \
    do {                                     \
        print_message("skipped: %s\n", why); \
        kit_skipped++;                       \
        skip();                              \
    } while (0)

static inline int
kit_end(int failed)
{
    return failed == 0 && kit_skipped > 0 ? 77 : failed;
}

/* Where the material lies that is too large, or not ours, to be kept with the source; false when REST is not there. */
#define KIT_NO_SHARED "the shared material is not here: name its directory in BM_SHARED"
static inline bool
kit_shared_path(char ret_path[static BM_PATH], const char *rest)
{
    const char *from = getenv("BM_SHARED");

    assert_ok(bm_path_join(ret_path, from != NULL ? from : BM_SOURCE_ROOT "/../shared", rest, &kit_fail));
    return access(ret_path, R_OK) == 0;
}

/* Appends the content of REST. */
static inline bool
kit_shared(struct bm_buf *buf, const char *rest)
{
    char path[BM_PATH];

    if (!kit_shared_path(path, rest))
        return false;
    assert_ok(bm_file_read(buf, path, &kit_fail));
    return true;
}

#endif
