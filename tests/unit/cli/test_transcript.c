/* test_transcript.c - a root's transcript, as a ceremony wrote it: one text for one content, and no byte of it can be changed, no part left away. */
#include "kit.h"

#include "cli/ceremony.h"
#include "pki/private.h"

#include <ftw.h>

static char home[] = "/tmp/birthmark-transcript-XXXXXX", dir[128];
static struct bm_operator_key people[2];
static struct bm_fail why;
static struct bm_crypto *crypto;
static struct bm_buf text = { .max = BM_MAX_TRANSCRIPT };

static enum bm_rc
read_it(struct bm_bytes bytes, bm_transcript_entry_fn *each, void *ctx)
{
    bm_cleanup(bm_transcript_done) struct bm_transcript *t = NULL;

    return bm_transcript_read(&t, crypto, bytes, each, ctx, &why);
}

/* A root, then two CAs at a second ceremony. */
static int
make(void **state)
{
    struct bm_call call = { .home = NULL };
    const struct bm_ceremony_plan plan = { .organization = "Example Works", .present = people, .npresent = 2, .call = &call };
    static const char *const names[] = { "anna", "bert" };
    bm_cleanup(bm_ceremony_done) struct bm_ceremony *c = NULL;
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };
    char path[256];
    bool made;

    (void)state;
    assert_non_null(mkdtemp(home));
    (void)snprintf(dir, sizeof(dir), "%s/root", home);
    assert_int_equal(bm_crypto_new(&crypto, &why), BM_OK);
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s.key", home, names[i]);
        assert_int_equal(bm_operator_key_at(&people[i], names[i], path, true, &made, &why), BM_OK);
        assert_true(made);
    }
    assert_int_equal(bm_ceremony_begin(&c, dir, &plan, &why), BM_OK);
    assert_int_equal(bm_ceremony_commit(c, &why), BM_OK);
    bm_ceremony_done(&c);
    assert_int_equal(bm_ceremony_open(&c, dir, &plan, &why), BM_OK);
    assert_int_equal(bm_private_generate(&key, BM_KEY_P256, &why), BM_OK);
    assert_int_equal(bm_ceremony_sign(c, BM_CLASS_OPERATIONAL, "Operational CA 1", bm_private_public(key), &der, &why), BM_OK);
    bm_buf_reset(&der);
    assert_int_equal(bm_ceremony_sign(c, BM_CLASS_IDEVID, "IDevID CA 1", bm_private_public(key), &der, &why), BM_OK);
    assert_int_equal(bm_ceremony_commit(c, &why), BM_OK);
    (void)snprintf(path, sizeof(path), "%s/transcript", dir);
    assert_int_equal(bm_file_read(&text, path, &why), BM_OK);
    return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int
unmake(void **state)
{
    (void)state;
    (void)nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    for (size_t i = 0; i < 2; i++)
        bm_operator_key_done(&people[i]);
    bm_crypto_free(crypto);
    bm_buf_done(&text);
    return 0;
}

static enum bm_rc
entry_count(void *ctx, const struct bm_transcript_entry *entry, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = BM_MAX_NOTE };
    size_t *n = ctx;

    (void)fail;
    assert_int_equal(entry->number, ++*n);
    assert_int_equal(entry->npresent, 2);
    bm_transcript_entry_build(&again, entry);
    assert_non_null(memmem(text.p, text.n, again.p, again.n)); /* one text for one content */
    return BM_OK;
}

static void
test_what_was_written_is_what_is_read(void **state)
{
    size_t n = 0;

    (void)state;
    assert_int_equal(read_it(bm_buf_bytes(&text), entry_count, &n), BM_OK);
    assert_int_equal(n, 2);
}

/* Reading takes a millisecond: bytes a prime number apart, which is every kind of place. */
#define STEP 7

/* But for the one that ends with an entry: that is what the digits on the sheets of paper are for. */
static void
test_every_truncation_is_refused(void **state)
{
    const uint8_t *second = memmem(text.p + 1, text.n - 1, "birthmark/ceremony/v1", 21);
    const size_t first = (size_t)(second - text.p) - 1;

    (void)state;
    assert_non_null(second);
    assert_int_equal(read_it(bm_bytes(text.p, first), NULL, NULL), BM_OK);
    assert_int_not_equal(read_it(bm_bytes(text.p, first - 1), NULL, NULL), BM_OK);
    assert_int_not_equal(read_it(bm_bytes(text.p, first + 1), NULL, NULL), BM_OK);
    for (size_t n = 0; n < text.n; n += STEP)
        assert_true(n == first || read_it(bm_bytes(text.p, n), NULL, NULL) != BM_OK);
}

static void
test_every_changed_byte_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < text.n; i += STEP) {
        text.p[i] ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(read_it(bm_buf_bytes(&text), NULL, NULL), BM_OK);
        text.p[i] ^= (uint8_t)(1u << i % 8);
    }
    assert_int_equal(read_it(bm_buf_bytes(&text), NULL, NULL), BM_OK);
}

/* A second ceremony in the directory, and one begun and left, change nothing. */
static void
test_one_at_a_time_and_all_or_nothing(void **state)
{
    struct bm_call call = { .home = NULL };
    struct bm_ceremony_plan plan = { .organization = "Example Works", .present = people, .npresent = 2, .call = &call };
    bm_cleanup(bm_ceremony_done) struct bm_ceremony *one = NULL, *two = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = BM_MAX_TRANSCRIPT };
    char path[256], other[256], part[256];

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/transcript", dir);
    (void)snprintf(other, sizeof(other), "%s/other", home);
    (void)snprintf(part, sizeof(part), "%s/other.part", home);
    assert_int_equal(bm_ceremony_open(&one, dir, &plan, &why), BM_OK);
    assert_int_equal(bm_ceremony_open(&two, dir, &plan, &why), BM_EBUSY);
    assert_non_null(strstr(why.text, "another ceremony is being held"));
    assert_int_equal(bm_ceremony_commit(one, &why), BM_OK); /* nothing was done */
    bm_ceremony_done(&one);
    assert_int_equal(bm_file_read(&again, path, &why), BM_OK);
    assert_true(bm_bytes_equal(bm_buf_bytes(&again), bm_buf_bytes(&text)));
    assert_int_equal(bm_ceremony_begin(&one, other, &plan, &why), BM_OK);
    assert_int_equal(bm_ceremony_begin(&two, other, &plan, &why), BM_EBUSY);
    bm_ceremony_done(&one);
    assert_int_not_equal(access(part, F_OK), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_written_is_what_is_read),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_every_changed_byte_is_refused),
        cmocka_unit_test(test_one_at_a_time_and_all_or_nothing),
    };

    return cmocka_run_group_tests(tests, make, unmake);
}
