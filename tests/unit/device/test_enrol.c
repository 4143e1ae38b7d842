/* test_enrol.c - libbirthmark and birthmark-agent against a server that checks the evidence: identities come, refusals are said, nothing is half done. */
#include "../testing.h"

#include "birthmark.h"
#include "device/enrol.h"

#include "site_kit.h"

#define assert_birthmark(bm, rc, want)                                       \
    do {                                                                     \
        if ((rc) != (want))                                                  \
            fail_msg("line %d: %s: %s", __LINE__, #rc, birthmark_error(bm)); \
    } while (0)

static struct birthmark *
open_bm(void **state)
{
    struct birthmark *bm = birthmark_new();

    assert_birthmark(bm, birthmark_open(bm, *state), BIRTHMARK_OK);
    return bm;
}

struct looked {
    const char *service;
    unsigned count;
    char key[65];
};

static void
look(void *ctx, const struct birthmark_identity *identity)
{
    struct looked *looked = ctx;

    if (strcmp(identity->service, looked->service) != 0)
        return;
    looked->count++;
    (void)snprintf(looked->key, sizeof(looked->key), "%s", identity->key);
}

static struct looked
looked_at(struct birthmark *bm, const char *service)
{
    struct looked looked = { .service = service };

    assert_birthmark(bm, birthmark_identities(bm, look, &looked), BIRTHMARK_OK);
    return looked;
}

static void
an_identity_is_made_stored_confirmed_and_speaks(void **state)
{
    struct birthmark *bm = open_bm(state);
    struct birthmark_status status;
    struct looked first, again, fresh;
    SSL_CTX *tls = NULL;

    assert_birthmark(bm, birthmark_enrol(bm, server.url, "mqtt", NULL, ca_file, 0), BIRTHMARK_OK);
    assert_string_equal(birthmark_warning(bm), ""); /* confirmed over mutual TLS */
    first = looked_at(bm, "mqtt");
    assert_int_equal(first.count, 1);
    /* repeating keeps the key; asking for a new one does not */
    assert_birthmark(bm, birthmark_enrol(bm, server.url, "mqtt", NULL, ca_file, 0), BIRTHMARK_OK);
    again = looked_at(bm, "mqtt");
    assert_string_equal(first.key, again.key);
    assert_birthmark(bm, birthmark_enrol(bm, server.url, "mqtt", "mqtt", ca_file, BIRTHMARK_NEW_KEY),
                     *(char *)*state == 't' ? BIRTHMARK_REFUSED : BIRTHMARK_OK);
    fresh = looked_at(bm, "mqtt");
    if (*(char *)*state != 't') /* the test's server takes no "profile" from a TPM */
        assert_string_not_equal(first.key, fresh.key);
    assert_int_equal(fresh.count, 1);
    assert_birthmark(bm, birthmark_status(bm, &status), BIRTHMARK_OK);
    assert_int_equal(status.identities, 1);
    assert_birthmark(bm, birthmark_tls_client(bm, "mqtt", ca_file, "localhost", &tls), BIRTHMARK_OK);
    SSL_CTX_free(tls);
    birthmark_free(bm);
}

static void
refusals_are_said_and_leave_no_identity(void **state)
{
    static const struct {
        const char *service;
        enum birthmark_result rc;
        const char *says;
    } cases[] = {
        { "refused", BIRTHMARK_REFUSED, "this chip is in no received lot (root key 9f3c). Recorded as alarm 17." },
        { "away", BIRTHMARK_AWAY, "the disk is full" },
        { "elsewhere", BIRTHMARK_REFUSED, "sends elsewhere (status 302), which is not followed" },
        { "wrong-key", BIRTHMARK_REFUSED, "another key" },
        { "stranger", BIRTHMARK_REFUSED, "does not lead to the site's root" },
        { "expired", BIRTHMARK_REFUSED, "expired" },
        { "early", BIRTHMARK_AWAY, "set the clock" },
        { "garbage", BIRTHMARK_REFUSED, "the server's reply" },
    };
    struct birthmark *bm = open_bm(state);

    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        assert_birthmark(bm, birthmark_enrol(bm, server.url, cases[i].service, NULL, ca_file, 0), cases[i].rc);
        if (strstr(birthmark_error(bm), cases[i].says) == NULL)
            fail_msg("%s: %s", cases[i].service, birthmark_error(bm));
        assert_null(strchr(birthmark_error(bm), 0x1b)); /* no escape sequence reaches the terminal */
        assert_int_equal(looked_at(bm, cases[i].service).count, 0);
    }
    birthmark_free(bm);
}

static void
a_lost_reply_is_asked_for_again_with_the_same_key(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = NULL;
    struct birthmark *bm = open_bm(state);
    struct bm_key pending, live;
    struct testserver own;
    struct bm_fail fail;

    assert_true(testserver_start(&own, &ca, roots, nroots));
    assert_birthmark(bm, birthmark_enrol(bm, own.url, "lost", NULL, ca_file, 0), BIRTHMARK_AWAY);
    assert_int_equal(looked_at(bm, "lost").count, 0);
    birthmark_free(bm);
    assert_int_equal(bm_root_open(&root, *state, &fail), BM_OK);
    assert_int_equal(root->ops->key_public(root, "lost", true, &pending, &fail), BM_OK);
    bm_root_done(&root);
    bm = open_bm(state);
    assert_birthmark(bm, birthmark_enrol(bm, own.url, "lost", NULL, ca_file, 0), BIRTHMARK_OK);
    birthmark_free(bm);
    assert_int_equal(bm_root_open(&root, *state, &fail), BM_OK);
    assert_int_equal(root->ops->key_public(root, "lost", false, &live, &fail), BM_OK);
    assert_memory_equal(pending.hash, live.hash, BM_HASH);
    testserver_stop(&own);
}

static void
a_failed_confirmation_is_a_warning(void **state)
{
    struct birthmark *bm = open_bm(state);

    assert_birthmark(bm, birthmark_enrol(bm, server.url, "unconfirmed", NULL, ca_file, 0), BIRTHMARK_OK);
    assert_non_null(strstr(birthmark_warning(bm), "not confirmed"));
    assert_non_null(strstr(birthmark_warning(bm), "the ledger is busy"));
    assert_int_equal(looked_at(bm, "unconfirmed").count, 1);
    birthmark_free(bm);
}

static void
a_server_that_is_not_ours_hears_nothing(void **state)
{
    struct birthmark *bm = open_bm(state);
    struct testca other = testca_new();
    struct testserver impostor;

    assert_true(testserver_start(&impostor, &other, roots, nroots));
    assert_birthmark(bm, birthmark_enrol(bm, impostor.url, "mqtt2", NULL, ca_file, 0), BIRTHMARK_AWAY);
    assert_non_null(strstr(birthmark_error(bm), "is not trusted"));
    assert_birthmark(bm, birthmark_enrol(bm, "https://127.0.0.1:1", "mqtt2", NULL, ca_file, 0), BIRTHMARK_AWAY);
    assert_birthmark(bm, birthmark_enrol(bm, "http://127.0.0.1:1", "mqtt2", NULL, ca_file, 0), BIRTHMARK_REFUSED);
    assert_birthmark(bm, birthmark_enrol(bm, server.url, "../x", NULL, ca_file, 0), BIRTHMARK_REFUSED);
    assert_birthmark(bm, birthmark_enrol(bm, server.url, "mqtt2", NULL, "/nowhere.pem", 0), BIRTHMARK_REFUSED);
    assert_birthmark(bm, birthmark_enrol(bm, NULL, "mqtt2", NULL, ca_file, 0), BIRTHMARK_USAGE);
    assert_birthmark(bm, birthmark_open(bm, "soft:again.pem"), BIRTHMARK_USAGE);
    testserver_stop(&impostor);
    testca_free(&other);
    birthmark_free(bm);
}

/* The test CA's certificates begin an hour ago. */
static void
a_clock_behind_the_servers_is_no_reason_to_refuse(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT }, anchor = { .max = BM_MAX_CERT }, certs = { .max = BM_MAX_CERT };
    struct bm_bytes list[BM_ENROL_CERTS], anchors[1];
    struct bm_fail fail;
    bm_time now;
    size_t n;

    (void)state;
    assert_int_equal(bm_env_system.now(bm_env_system.ctx, &now, &fail), BM_OK);
    testca_issue(&ca, &roots[0], 5, &der);
    testca_der(ca.cert, &anchor);
    bm_buf_add_lv32(&certs, bm_buf_bytes(&der));
    anchors[0] = bm_buf_bytes(&anchor);
#define AT(t) bm_enrol_check(bm_buf_bytes(&certs), &roots[0], (struct bm_certs){ anchors, 1 }, (t), list, &n, &fail)
    assert_int_equal(AT(now), BM_OK);
    assert_int_equal(AT(now - 3600 - 200), BM_OK);
    assert_int_equal(AT(now + 2 * 86400), BM_EPOLICY);
#undef AT
    for (size_t i = 0; i < certs.n; i++)
        assert_int_not_equal(bm_enrol_check(bm_bytes(certs.p, i), &roots[0], (struct bm_certs){ anchors, 1 }, now, list, &n, &fail), BM_OK);
}

/* Runs the agent; its output (both streams) into text. */
static int
agent(const char *const *words, char text[static 8192])
{
    const char *argv[16] = { getenv("BM_AGENT") };
    char path[128];
    FILE *file;
    size_t n;
    int code;

    for (size_t i = 0; words[i] != NULL && i < 14; i++)
        argv[i + 1] = words[i];
    code = virtual_run(&chips, argv, "agent.txt");
    (void)snprintf(path, sizeof(path), "%s/agent.txt", chips.dir);
    assert_non_null(file = fopen(path, "r"));
    n = fread(text, 1, 8191, file);
    text[n] = '\0';
    (void)fclose(file);
    return code;
}

static void
the_agent_tells_what_came_of_it(void **state)
{
    const char *uri = *state;
    char text[8192];

    if (getenv("BM_AGENT") == NULL)
        kit_skip("the agent's program is not named in BM_AGENT");
#define AGENT(...) agent((const char *const[]){ __VA_ARGS__, NULL }, text)
    assert_int_equal(AGENT("enrol", "--root", uri, "--server", server.url, "--service", "console", "--cacert", ca_file), 0);
    assert_non_null(strstr(text, "enrolled: console as CN=device"));
    assert_int_equal(AGENT("enrol", "--root", uri, "--server", server.url, "--service", "console", "--cacert", ca_file, "--json"), 0);
    assert_non_null(strstr(text, "\"confirmed\": true"));
    assert_int_equal(AGENT("enrol", "--root", uri, "--server", server.url, "--service", "refused", "--cacert", ca_file), 1);
    assert_string_equal(text, "refused: this chip is in no received lot (root key 9f3c). Recorded as alarm 17.[31m\n");
    assert_int_equal(AGENT("enrol", "--root", uri, "--server", server.url, "--service", "away", "--cacert", ca_file), 3);
    assert_int_equal(AGENT("enrol", "--root", uri, "--server", server.url, "--service", "console"), 2);
    assert_non_null(strstr(text, "--cacert"));
    assert_int_equal(AGENT("identity", "list", "--root", uri), 0);
    assert_non_null(strstr(text, "console "));
    assert_int_equal(AGENT("identity", "list", "--root", uri, "--json"), 0);
    assert_non_null(strstr(text, "\"service\": \"console\""));
    assert_int_equal(AGENT("status", "--root", uri, "--json"), 0);
    assert_non_null(strstr(text, "\"root\": "));
    assert_int_equal(AGENT("status", "--root", uri, "--insecure"), 2);
    assert_int_equal(AGENT("status", "--root", uri, "and", "more"), 2);
    assert_int_equal(AGENT("status"), 2);
    assert_int_equal(AGENT("identity", "--root", uri), 2);
    assert_int_equal(AGENT("fly"), 2);
    assert_int_equal(AGENT("--help"), 0);
    assert_int_equal(AGENT("enrol", "--help"), 0);
    assert_int_equal(AGENT("status", "--root", "tpm2:swtpm:port=1"), 3);
    /* its first line: a sanitizer may have a word after it about the TPM's library */
    text[strcspn(text, "\n")] = '\0';
    assert_string_equal(text, "birthmark-agent: the TPM at swtpm:port=1 does not answer: start it, or correct the root's URI");
#undef AGENT
}

#define SUITE(kind)                                                                                                                  \
    { "an_identity_is_made_stored_confirmed_and_speaks " #kind, an_identity_is_made_stored_confirmed_and_speaks, NULL, NULL,         \
      chips.uri[kind] },                                                                                                             \
        { "refusals_are_said_and_leave_no_identity " #kind, refusals_are_said_and_leave_no_identity, NULL, NULL, chips.uri[kind] },  \
        { "a_lost_reply_is_asked_for_again_with_the_same_key " #kind, a_lost_reply_is_asked_for_again_with_the_same_key, NULL, NULL, \
          chips.uri[kind] },                                                                                                         \
        { "a_failed_confirmation_is_a_warning " #kind, a_failed_confirmation_is_a_warning, NULL, NULL, chips.uri[kind] },            \
        { "a_server_that_is_not_ours_hears_nothing " #kind, a_server_that_is_not_ours_hears_nothing, NULL, NULL, chips.uri[kind] },  \
    {                                                                                                                                \
        "the_agent_tells_what_came_of_it " #kind, the_agent_tells_what_came_of_it, NULL, NULL, chips.uri[kind]                       \
    }

int
main(void)
{
    const struct CMUnitTest tests[] = { SUITE(VIRTUAL_SOFT), SUITE(VIRTUAL_PUF), SUITE(VIRTUAL_PKCS11), SUITE(VIRTUAL_TPM2),
                                        cmocka_unit_test(a_clock_behind_the_servers_is_no_reason_to_refuse) };

    return kit_end(cmocka_run_group_tests(tests, site_start, site_stop));
}
