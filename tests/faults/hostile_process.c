/* hostile_process.c - a hostile registrar against the process: messages out of place, an old journal, a torn one, and what confines the signer. */
#include "base/base.h"
#include "hostile.h"

#include "base/file.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Messages out of place: the signer ends, and wakes as it was. */
static void
assert_breach(struct world *w, uint16_t type, size_t n)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY };
    struct fixture_answer answer;
    int status;

    if (n > 0)
        memset(bm_buf_grow(&body, n), 0, n);
    fixture_ask(&w->f, (enum bm_signer_message)type, bm_buf_bytes(&body), false, &answer);
    assert_int_equal(answer.type, 0);
    status = fixture_stop(&w->f);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

static void
messages_out_of_place_end_the_signer(void **state)
{
    static const struct {
        uint16_t type;
        size_t n;
    } breaches[] = {
        { BM_S_HELLO, 8 },                       /* twice */
        { 0, 0 },                                /* unknown */
        { 999, 10 },        { BM_S_ISSUED, 10 }, /* an answer as a question */
        { BM_S_NONCE, 31 },                      /* too short, too long */
        { BM_S_NONCE, 33 }, { BM_S_LOT_END, 1 }, { BM_S_REPLAY, 9 }, { BM_S_ISSUE, BM_MAX_MESSAGE_BODY },
        { BM_S_ISSUE, 40 }, /* its length is good, its inside is not */
        { BM_S_CRL, 2 },
    };
    struct world *w = *state;

    for (size_t i = 0; i < BM_COUNT(breaches); i++) {
        assert_breach(w, breaches[i].type, breaches[i].n);
        fixture_start(&w->f);
    }
    /* before the greeting nothing else may come */
    assert_int_equal(fixture_stop(&w->f), 0);
    for (uint16_t type = BM_S_STATEMENT; type <= BM_S_REPLAY; type++) {
        fixture_spawn(&w->f);
        assert_breach(w, type, type == BM_S_NONCE ? 32 : type == BM_S_REPLAY ? 8 : type == BM_S_CRL ? 5 : 0);
    }
    fixture_start(&w->f);
}

static void
journal_path(const struct world *w, char path[static BM_PATH])
{
    (void)snprintf(path, BM_PATH, "%s/" BM_PLACE_JOURNAL, w->f.home);
}

static off_t
journal_size(const struct world *w)
{
    char path[BM_PATH];
    struct stat st;

    journal_path(w, path);
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static void
journal_cut(const struct world *w, off_t to)
{
    char path[BM_PATH];

    journal_path(w, path);
    assert_int_equal(truncate(path, to), 0);
}

static void
an_old_journal_under_a_newer_store_is_refused(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 8 };
    struct fixture_answer answer;

    assert_int_equal(fixture_stop(&w->f), 0);
    fixture_spawn(&w->f);
    bm_buf_add_u64(&body, w->f.ledger.size + 1);
    fixture_ask(&w->f, BM_S_HELLO, bm_buf_bytes(&body), false, &answer);
    assert_refusal(&answer, "the store is ahead of the signer's journal", 0);
    assert_breach(w, BM_S_CRL, 5); /* and it goes no further */
    fixture_start(&w->f);
}

/* A crash after the intent and before the done record: the same TBS is signed again, once, and the ledger says so. */
static void
an_open_intent_is_signed_again_over_the_same_tbs(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf hello = { .max = 8 };
    struct fixture_answer answer;
    struct bm_cert cert;
    uint8_t tbs[2048];
    off_t before = journal_size(w), end;
    size_t ntbs;

    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &answer);
    fixture_must(bm_cert_parse(&cert, bm_bytes(answer.certificate, answer.ncertificate), &fail));
    ntbs = cert.tbs.n;
    memcpy(tbs, cert.tbs.p, ntbs);
    assert_int_equal(fixture_stop(&w->f), 0);
    end = journal_size(w);
    assert_true(end > before);
    journal_cut(w, end - 1); /* the done record is torn */
    fixture_forget(&w->f);
    fixture_spawn(&w->f);
    bm_buf_add_u64(&hello, 0);
    fixture_ask(&w->f, BM_S_HELLO, bm_buf_bytes(&hello), false, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    fixture_answer_done(&answer);
    fixture_replay(&w->f);
    assert_int_equal(w->f.certificates, 1);
    assert_non_null(strstr(w->f.last_event, "kind signed-again\n"));
    assert_int_equal(w->f.nlast_certificate > ntbs, true);
    fixture_must(bm_cert_parse(&cert, bm_bytes(w->f.last_certificate, w->f.nlast_certificate), &fail));
    assert_int_equal(cert.tbs.n, ntbs);
    assert_memory_equal(cert.tbs.p, tbs, ntbs);
}

static void
the_signer_is_confined(void **state)
{
    struct world *w = *state;
    char path[64], line[256];
    bool seccomp = false, privileges = false;
    FILE *status;

    (void)snprintf(path, sizeof(path), "/proc/%ld/status", (long)w->f.signer);
    status = fopen(path, "r");
    assert_non_null(status);
    while (fgets(line, sizeof(line), status) != NULL) {
        seccomp = seccomp || strcmp(line, "Seccomp:\t2\n") == 0;
        privileges = privileges || strcmp(line, "NoNewPrivs:\t1\n") == 0;
    }
    (void)fclose(status);
    assert_true(seccomp);
    assert_true(privileges);
}

static void
the_signer_links_no_sql_http_json_or_tls(void **state)
{
    static const char *const never[] = { "sqlite", "libevent", "jansson", "libssl", "curl", "mosquitto", "tss2", "libarchive" };
    char line[512];
    FILE *ldd = popen("ldd " BM_SIGNER_PROGRAM, "r");

    (void)state;
    assert_non_null(ldd);
    while (fgets(line, sizeof(line), ldd) != NULL)
        for (size_t i = 0; i < BM_COUNT(never); i++)
            if (strstr(line, never[i]) != NULL)
                fail_msg("the signer links %s", line);
    assert_int_equal(pclose(ldd), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ATTACK(messages_out_of_place_end_the_signer),
        ATTACK(an_old_journal_under_a_newer_store_is_refused),
        ATTACK(an_open_intent_is_signed_again_over_the_same_tbs),
        ATTACK(the_signer_is_confined),
        cmocka_unit_test(the_signer_links_no_sql_http_json_or_tls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
