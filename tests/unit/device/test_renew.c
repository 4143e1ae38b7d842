/* test_renew.c - a renewal on every root: a new key in the old one's place, the old or the new identity after every power cut, refusals that change nothing. */
#include "../testing.h"

#include "device/enrol.h"

#include "cut.h"
#include "hooks.h"
#include "site_kit.h"
#include "wire/rd.h"

#include <sys/wait.h>

static struct bm_root *
open_root(void **state)
{
    struct bm_root *root = NULL;

    assert_ok(bm_root_open(&root, *state, &kit_fail));
    return root;
}

static enum bm_rc
renew_at(struct bm_root *root, const char *url, const char *service, char warning[static 400])
{
    const struct bm_enrol enrol = { .root = root, .server = url, .service = service, .ca_file = ca_file, .renew = true };
    enum bm_renew wanted;
    enum bm_rc rc = bm_renew_wanted(&wanted, root, service, false, &kit_fail);

    return rc != BM_OK ? rc : bm_enrol(&enrol, warning, &kit_fail);
}

static enum bm_rc
renew(struct bm_root *root, const char *service)
{
    char warning[400];
    enum bm_rc rc = renew_at(root, server.url, service, warning);

    if (rc == BM_OK)
        assert_string_equal(warning, ""); /* confirmed over mutual TLS, with the new key */
    return rc;
}

/* An identity by the test's CA, without a server. */
static void
identity_make_as(struct bm_root *root, const char *service, long serial, struct bm_key *ret_key)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };
    struct bm_bytes cert;

    assert_ok(root->ops->key_new(root, service, ret_key, &kit_fail));
    testca_issue(&ca, ret_key, serial, &der);
    cert = bm_buf_bytes(&der);
    assert_ok(root->ops->commit(root, service, &cert, 1, &kit_fail));
}

static void
identity_make(struct bm_root *root, const char *service, struct bm_key *ret_key)
{
    identity_make_as(root, service, 77, ret_key);
}

/* The live identity is whole: its key signs, and its certificate is that key's. */
static void
identity_works(struct bm_root *root, const char *service, struct bm_key *ret_key)
{
    bm_cleanup(bm_crypto_done) struct bm_crypto *crypto = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE }, signature = { .max = BM_MAX_SIGNATURE };
    enum bm_sig_alg alg;
    struct bm_cert cert;
    struct bm_rd rd;

    assert_ok(root->ops->certs(root, service, &certs, &kit_fail));
    rd = bm_rd(bm_buf_bytes(&certs));
    assert_ok(bm_cert_parse(&cert, bm_rd_lv32(&rd, BM_MAX_CERT), &kit_fail));
    assert_ok(root->ops->key_public(root, service, false, ret_key, &kit_fail));
    assert_memory_equal(cert.key.hash, ret_key->hash, BM_HASH);
    assert_ok(root->ops->key_sign(root, service, false, bm_bytes_str("x"), &alg, &signature, &kit_fail));
    assert_ok(bm_crypto_new(&crypto, &kit_fail));
    assert_ok(bm_key_verify(crypto, ret_key, alg, bm_bytes_str("x"), bm_buf_bytes(&signature), &kit_fail));
}

static bool
same(const struct bm_key *a, const struct bm_key *b)
{
    return memcmp(a->hash, b->hash, BM_HASH) == 0;
}

static void
a_new_key_takes_the_old_ones_place(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_root(state);
    struct bm_key first, second, none;

    assert_refused(BM_EPOLICY, renew(root, "nobody"), "this device has no identity for service nobody: enrol it first");
    assert_rc(BM_EPOLICY, root->ops->key_public(root, "nobody", true, &none, &kit_fail)); /* no key was made for it */
    identity_make(root, "mqtt", &first);
    assert_ok(renew(root, "mqtt"));
    identity_works(root, "mqtt", &second);
    assert_false(same(&first, &second));
    assert_rc(BM_EPOLICY, root->ops->key_public(root, "mqtt", true, &none, &kit_fail));
}

static void
refusals_leave_the_old_identity(void **state)
{
    static const struct {
        const char *service;
        enum bm_rc rc;
        const char *says;
    } cases[] = {
        { "refused", BM_EPOLICY, "this chip is in no received lot (root key 9f3c). Recorded as alarm 17." },
        { "away", BM_EBUSY, "the disk is full" },
        { "wrong-key", BM_EPOLICY, "the server's certificate is for another key than the one asked for: nothing was stored" },
        { "stranger", BM_EPOLICY, "the server's certificate does not lead to the site's root, nothing was stored" },
        { "expired", BM_EPOLICY, "the server's certificate has expired by what the clock says, nothing was stored: set the clock" },
        { "early", BM_EBUSY, "set the clock, then try again" },
        { "garbage", BM_EINPUT, "the server's reply" },
    };
    bm_cleanup(bm_root_done) struct bm_root *root = open_root(state);

    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        struct bm_key old, asked, again;

        identity_make(root, cases[i].service, &old);
        assert_refused_saying(cases[i].rc, renew(root, cases[i].service), cases[i].says);
        assert_null(strchr(kit_fail.text, '\n'));
        identity_works(root, cases[i].service, &again);
        assert_true(same(&old, &again));
        /* asked again with the same key: the server may have certified it; with another where that has expired */
        assert_ok(root->ops->key_public(root, cases[i].service, true, &asked, &kit_fail));
        assert_rc(cases[i].rc, renew(root, cases[i].service));
        assert_ok(root->ops->key_public(root, cases[i].service, true, &again, &kit_fail));
        assert_true(same(&asked, &again) == (strcmp(cases[i].service, "expired") != 0));
        assert_ok(root->ops->retire(root, cases[i].service, &kit_fail));
    }
}

static void
a_lost_reply_is_asked_for_again_with_the_same_key(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_root(state);
    struct bm_key old, asked, now;
    struct testserver own;
    char warning[400];

    assert_true(testserver_start(&own, &ca, roots, nroots));
    identity_make(root, "lost", &old);
    assert_rc(BM_EBUSY, renew_at(root, own.url, "lost", warning));
    identity_works(root, "lost", &now);
    assert_true(same(&old, &now));
    assert_ok(root->ops->key_public(root, "lost", true, &asked, &kit_fail));
    assert_ok(renew_at(root, own.url, "lost", warning));
    identity_works(root, "lost", &now);
    assert_true(same(&asked, &now));
    testserver_stop(&own);
}

/* A key's certificate is the same however often it is asked for: one that expired before it could be stored is no one's. Renewed, and enrolled. */
static void
a_certificate_that_came_too_late_is_asked_for_with_another_key(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_root(state);
    struct bm_key old, asked, now;
    char warning[400];

    for (unsigned enrols = 0; enrols < 2; enrols++) {
        const struct bm_enrol first = { .root = root, .service = "slow", .ca_file = ca_file, .renew = enrols == 0 };
        struct bm_enrol enrol = first;
        struct testserver own;

        assert_true(testserver_start(&own, &ca, roots, nroots));
        enrol.server = own.url;
        if (enrols == 0)
            identity_make(root, "slow", &old);
        assert_refused_saying(BM_EPOLICY, bm_enrol(&enrol, warning, &kit_fail), "has expired by what the clock says, nothing was stored");
        assert_ok(root->ops->key_public(root, "slow", true, &asked, &kit_fail));
        assert_ok(bm_enrol(&enrol, warning, &kit_fail));
        assert_string_equal(warning, "");
        identity_works(root, "slow", &now);
        assert_false(same(&asked, &now));
        assert_true(enrols == 1 || !same(&old, &now));
        assert_rc(BM_EPOLICY, root->ops->key_public(root, "slow", true, &asked, &kit_fail));
        assert_ok(root->ops->retire(root, "slow", &kit_fail));
        testserver_stop(&own);
    }
}

/* A pending key beside a live one: of a renewal, which the root key alone may not ask for, or of an enrolment in the place of what has ended. */
static void
what_was_cut_off_is_asked_for_as_it_was(void **state)
{
    static const struct {
        const char *service;
        long serial;
    } cases[] = { { "renewed", 77 }, { "ended", TESTSERVER_ENDED } };
    bm_cleanup(bm_root_done) struct bm_root *root = open_root(state);
    char warning[400];

    for (size_t i = 0; i < BM_COUNT(cases) * 2; i++) {
        const char *service = cases[i / 2].service;
        struct bm_enrol enrol = {
            .root = root, .server = "https://localhost:1", .service = service, .ca_file = ca_file, .renew = i % 2 == 1
        };
        struct bm_key old, asked, now;

        identity_make_as(root, service, cases[i / 2].serial, &old);
        assert_ok(root->ops->key_new(root, service, &asked, &kit_fail));
        assert_rc(BM_EBUSY, bm_enrol(&enrol, warning, &kit_fail)); /* a server that does not tell: nothing is asked */
        enrol.server = server.url;
        assert_ok(bm_enrol(&enrol, warning, &kit_fail));
        identity_works(root, service, &now);
        assert_true(same(&asked, &now));
        assert_ok(root->ops->retire(root, service, &kit_fail));
    }
}

/* In a process of its own that ends at the n-th change to the disk, the token or the TPM; true when it came to its end before. */
static bool
cut(void **state, unsigned n)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        struct bm_root *root = open_root(state);

        hooks_put(root, *state);
        cut_at(n);
        _exit(renew(root, "cut") == BM_OK ? 0 : 1);
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
    return WEXITSTATUS(status) == 0;
}

static void
a_power_cut_anywhere_leaves_the_old_or_the_new(void **state)
{
    unsigned n = 0, olds = 0, news = 0;
    bool done;

    do {
        bm_cleanup(bm_root_done) struct bm_root *root = open_root(state);
        struct bm_key old, now, pending, last;
        bool waits;

        identity_make(root, "cut", &old);
        bm_root_done(&root);
        done = cut(state, ++n);
        root = open_root(state);
        identity_works(root, "cut", &now);
        waits = root->ops->key_public(root, "cut", true, &pending, &kit_fail) == BM_OK;
        olds += same(&old, &now);
        news += !same(&old, &now);
        assert_true(!done || !same(&old, &now));
        /* and the next renewal is whole: with the key that was asked for, where there is one */
        assert_ok(renew(root, "cut"));
        identity_works(root, "cut", &last);
        assert_false(same(&last, &now));
        assert_true(!waits || same(&last, &pending) || same(&now, &pending));
        assert_rc(BM_EPOLICY, root->ops->key_public(root, "cut", true, &pending, &kit_fail));
    } while (!done);
    print_message("cut at each of %u: %u times the old identity, %u times the new\n", n - 1, olds, news);
    assert_true(n > 4 && olds > 2 && news > 1);
}

/* ---- clocks ---- */

static void
a_clock_that_is_wrong_is_said_and_changes_nothing(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_root(state);
    struct bm_key old, now;

    identity_make(root, "clock", &old);
    hooks_clock = 86400; /* 1970-01-02 */
    assert_refused(BM_EBUSY, renew(root, "clock"), "the clock says a date before 2024: set the clock, then try again");
    hooks_clock = 1704067200 + 86400; /* 2024-01-02 */
    assert_refused_saying(BM_EBUSY, renew(root, "clock"), "the clock says 2024-01-02, and the identity for clock was made on 20");
    hooks_clock = 4070908800; /* 2099-01-01 */
    assert_refused_saying(BM_EBUSY, renew(root, "clock"), "the clock says 2099-01-01, and the certificate in ");
    hooks_clock = 0;
    assert_rc(BM_EPOLICY, root->ops->key_public(root, "clock", true, &now, &kit_fail));
    identity_works(root, "clock", &now);
    assert_true(same(&old, &now));
    assert_ok(renew(root, "clock"));
}

/* ---- when ---- */

static void
only_what_is_due_is_renewed(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_root(state);
    struct bm_key key;
    enum bm_renew wanted;
    time_t now = time(NULL);

    identity_make(root, "due", &key); /* from an hour ago for 25 hours: two thirds are 15 h 40 min from now, give or take 1 h 3 min */
    assert_ok(bm_renew_wanted(&wanted, root, "due", true, &kit_fail));
    assert_int_equal(wanted, BM_RENEW_CONFIRM);
    assert_ok(bm_renew_wanted(&wanted, root, "due", false, &kit_fail));
    assert_int_equal(wanted, BM_RENEW_NOW);
    hooks_clock = now + 14 * 3600;
    assert_ok(bm_renew_wanted(&wanted, root, "due", true, &kit_fail));
    assert_int_equal(wanted, BM_RENEW_CONFIRM);
    hooks_clock = now + 17 * 3600;
    assert_ok(bm_renew_wanted(&wanted, root, "due", true, &kit_fail));
    assert_int_equal(wanted, BM_RENEW_NOW);
    hooks_clock = now + 90000; /* has ended: an offline device is renewed when it is back, if its server lets it */
    assert_ok(bm_renew_wanted(&wanted, root, "due", true, &kit_fail));
    assert_int_equal(wanted, BM_RENEW_NOW);
    hooks_clock = 0;
}

/* 10,000 certificates of one year that were made in the same second. */
static void
a_batch_of_one_hour_is_not_renewed_in_one_hour(void **state)
{
    enum {
        BATCH = 10000,
        HOURS = 365 * 24
    };
    static unsigned by_hour[HOURS + 1];
    struct bm_cert cert = { .not_before = 1790000000, .not_after = 1790000000 + HOURS * 3600 };
    const bm_time middle = cert.not_before + (bm_time)HOURS * 2400, wide = (bm_time)HOURS * 150;
    unsigned most = 0, early = 0, used = 0;

    (void)state;
    for (uint32_t i = 0; i < BATCH; i++) {
        const uint8_t serial[] = { 0x42, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };
        bm_time from;

        cert.serial = bm_bytes(serial, sizeof(serial));
        from = bm_renew_from(&cert);
        assert_true(from == bm_renew_from(&cert));
        assert_true(from >= middle - wide && from <= middle + wide);
        early += from < middle;
        by_hour[(from - cert.not_before) / 3600]++;
    }
    for (size_t i = 0; i < BM_COUNT(by_hour); i++) {
        most = by_hour[i] > most ? by_hour[i] : most;
        used += by_hour[i] > 0;
    }
    print_message("10,000 renewals in %u hours, at most %u in one; %u before two thirds\n", used, most, early);
    assert_true(used > 700 && most < 45 && early > 4700 && early < 5300); /* 730 hours, 13.7 each */
    cert.not_after = BM_TIME_NEVER;
    assert_true(bm_renew_from(&cert) == BM_TIME_NEVER);
    cert.not_after = cert.not_before + 10;
    assert_true(bm_renew_from(&cert) == cert.not_after);
}

/* ---- the boot state ---- */

static void
the_new_key_is_bound_as_the_old_one(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_root(state);
    const struct bm_bound bound = { .pcrs = 1u << 16 | 1u << 23 };
    const char *const extend[] = { "tpm2_pcrextend", "23:sha256=0000000000000000000000000000000000000000000000000000000000000001", NULL };
    struct bm_bound is;
    struct bm_key key, none;
    char tcti[128];
    bool usable;

    assert_ok(bm_root_bind(root, &bound, &kit_fail));
    identity_make(root, "bound", &key);
    assert_ok(bm_root_bind(root, NULL, &kit_fail));
    assert_ok(renew(root, "bound"));
    identity_works(root, "bound", &key);
    assert_ok(bm_root_bound_tell(root, BM_KEPT_LIVE, "bound", &is, &usable, &kit_fail));
    assert_int_equal(is.pcrs, bound.pcrs);
    assert_true(usable);
    bm_root_done(&root);
    /* other firmware: refused before a key is made, which would be bound to that firmware */
    (void)snprintf(tcti, sizeof(tcti), "swtpm:host=127.0.0.1,%s", strstr(chips.uri[VIRTUAL_TPM2], "port="));
    (void)setenv("TPM2TOOLS_TCTI", tcti, 1);
    assert_int_equal(virtual_run(&chips, extend, "extend.txt"), 0);
    root = open_root(state);
    assert_refused_saying(BM_EPOLICY, renew(root, "bound"), "this machine did not boot what the key of service bound is bound to");
    assert_rc(BM_EPOLICY, root->ops->key_public(root, "bound", true, &none, &kit_fail));
}

#define ON(test, kind)                                     \
    {                                                      \
#test " " #kind, test, NULL, NULL, chips.uri[kind] \
    }
#define SUITE(kind)                                                                                                                  \
    ON(a_new_key_takes_the_old_ones_place, kind), ON(refusals_leave_the_old_identity, kind),                                         \
        ON(a_lost_reply_is_asked_for_again_with_the_same_key, kind),                                                                 \
        ON(a_certificate_that_came_too_late_is_asked_for_with_another_key, kind), ON(what_was_cut_off_is_asked_for_as_it_was, kind), \
        ON(a_power_cut_anywhere_leaves_the_old_or_the_new, kind), ON(a_clock_that_is_wrong_is_said_and_changes_nothing, kind),       \
        ON(only_what_is_due_is_renewed, kind)

int
main(void)
{
    const struct CMUnitTest tests[] = { SUITE(VIRTUAL_SOFT),
                                        SUITE(VIRTUAL_PUF),
                                        SUITE(VIRTUAL_PKCS11),
                                        SUITE(VIRTUAL_TPM2),
                                        cmocka_unit_test(a_batch_of_one_hour_is_not_renewed_in_one_hour),
                                        ON(the_new_key_is_bound_as_the_old_one, VIRTUAL_TPM2) };

    cmocka_set_test_filter(getenv("BM_TEST"));
    return cmocka_run_group_tests(tests, site_start, site_stop);
}
