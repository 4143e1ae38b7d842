/* test_link.c - birthmark-agent link and the station's end of it: a device without a network is enrolled, read back and proven; a hostile station gets nothing. */
#include "../testing.h"

#include "linked.h"
#include "wire/text.h"
#include "site_kit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct testca other;
static struct line line;

static struct linked
agent(const char *uri)
{
    struct linked linked;

    assert_true(linked_start(&linked, chips.dir, uri, ca_file));
    return linked;
}

static void
said_check(const struct linked *linked, const char *words)
{
    char text[2048] = "";
    FILE *file = fopen(linked->said, "r");
    size_t n = file == NULL ? 0 : fread(text, 1, sizeof(text) - 1, file);

    assert_non_null(file);
    text[n] = '\0';
    (void)fclose(file);
    if (strstr(text, words) == NULL)
        fail_msg("\"%s\" is not in: %s", words, text);
}

/* The live identity's certificate; empty without one. */
static void
live_read(const char *uri, const char *service, struct bm_buf *certs)
{
    bm_cleanup(bm_root_done) struct bm_root *root = NULL;
    struct bm_fail fail = { 0 };

    assert_int_equal(bm_root_open(&root, uri, &fail), BM_OK);
    assert_true(root->ops->certs(root, service, certs, &fail) != BM_EBUSY);
}

/* ---- a good station ---- */

/* issue 5: a unit counts as done only after a mutual TLS handshake at the station */
static void
a_device_without_a_network_is_enrolled_and_proves_it(void **state)
{
    const struct bm_unit_ask ask = { .service = "line" };
    bm_cleanup(bm_buf_done) struct bm_buf live = { .max = 40000 };
    struct linked linked = agent(*state);
    struct bm_fail fail = { 0 };
    struct bm_unit unit;
    uint8_t digest[BM_HASH];
    char hex[2 * BM_HASH + 1];
    enum bm_rc rc = bm_unit_make(&unit, &line.station, &linked.link, &ask, &fail);

    if (rc != BM_OK)
        fail_msg("%s", fail.text);
    assert_string_equal(unit.warning, ""); /* confirmed to the server in a handshake from end to end */
    assert_int_equal(linked_end(&linked), 0);
    said_check(&linked, "");
    live_read(*state, "line", &live);
    bm_sha256(digest, bm_bytes(live.p + 4, (size_t)live.p[2] << 8 | live.p[3]));
    bm_hex(hex, bm_bytes(digest, sizeof(digest)));
    assert_string_equal(hex, unit.fingerprint);
    assert_true(unit.keys[0] != '\0' && unit.serial[0] != '\0');
}

static void
the_servers_refusal_is_the_units_red_sentence(void **state)
{
    const struct bm_unit_ask refused = { .service = "refused" }, away = { .service = "away" }, stranger = { .service = "stranger" },
                             unconfirmed = { .service = "unconfirmed" };
    const struct {
        const struct bm_unit_ask *ask;
        enum bm_rc rc;
        const char *says;
    } cases[] = { { &refused, BM_EPOLICY, "this chip is in no received lot" },
                  { &away, BM_EBUSY, "the disk is full" },
                  { &stranger, BM_EPOLICY, "does not lead to the site's root" },
                  { &unconfirmed, BM_OK, "" } };

    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        struct linked linked = agent(*state);
        struct bm_fail fail = { 0 };
        struct bm_unit unit;

        assert_int_equal(bm_unit_make(&unit, &line.station, &linked.link, cases[i].ask, &fail), cases[i].rc);
        if (strstr(fail.text, cases[i].says) == NULL)
            fail_msg("%s: %s", cases[i].ask->service, fail.text);
        (void)linked_end(&linked);
    }
}

/* ---- a hostile one ---- */

/* A station of another site, and the site's own server in a station's place. */
static void
a_station_that_is_none_of_the_site_gets_no_proof(void **state)
{
    static const struct {
        const struct testca *issuer;
        const char *names, *says;
    } cases[] = { { &other, "DNS:station.birthmark.invalid", "not one of this site's stations" },
                  { &ca, "DNS:localhost", "not one of this site's stations" } };
    const struct bm_unit_ask ask = { .service = "line2" };

    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        struct linked linked = agent(*state);
        struct bm_fail fail = { 0 };
        struct bm_unit unit;
        struct bm_station mixed = line.station;
        struct line bad;

        assert_true(line_start(&bad, chips.dir, "bad", cases[i].issuer, cases[i].names, server.url, ca_file));
        mixed.tls = bad.station.tls;
        assert_int_equal(bm_unit_make(&unit, &mixed, &linked.link, &ask, &fail), BM_EPOLICY);
        if (strstr(fail.text, cases[i].says) == NULL)
            fail_msg("%s", fail.text);
        assert_int_equal(linked_end(&linked), 0);
        line_stop(&bad);
    }
}

static void
raw(struct linked *linked, const char *bytes, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t sent = write(linked->link.out, bytes + at, n - at);

        if (sent <= 0)
            return; /* it has heard enough */
        at += (size_t)sent;
    }
}

static void
garbage_ends_the_link_with_one_sentence(void **state)
{
    static const char hello[] = "{\"say\":\"hello\",\"link\":1}\n";
    static const struct {
        bool hello;
        const char *line;
        int code;
    } cases[] = {
        { false, "GET / HTTP/1.1\n", 1 },
        { false, "\n", 1 },
        { false, "{\"say\":\"enrol\",\"service\":\"x\",\"server\":\"https://a\"}\n", 1 }, /* before hello */
        { false, "{\"say\":\"hello\"}\n", 1 },
        { false, "{\"say\":\"hello\",\"link\":1,\"link\":1}\n", 1 },
        { false, "{\"say\":\"hello\",\"link\":1,\"more\":true}\n", 1 },
        { false, "{\"say\":\"hello\",\"link\":\"1\"}\n", 1 },
        { false, "{\"say\":\"hello\",\"link\":2}\n{\"say\":\"status\"}\n", 1 }, /* another version opens nothing */
        { true, "{\"say\":\"reply\",\"status\":200,\"type\":\"\",\"body\":\"\"}\n", 1 },
        { true, "{\"say\":\"device\"}\n", 1 },
        { true, "{\"say\":\"read\",\"service\":\"caf\xc3\xa9\"}\n", 1 },
        { true, "{\"say\":\"read\",\"service\":\"a\\u0000b\"}\n", 1 },
        { true, "{\"say\":\"read\",\"service\":\"none\"}\n{\"say\":\"bye\"}\n", 0 }, /* refused, and no harm */
        { true, "{\"say\":\"enrol\",\"service\":\"../x\",\"server\":\"https://a\"}\n{\"say\":\"bye\"}\n", 0 },
        { true, "{\"say\":\"status\"}\r\n{\"say\":\"bye\"}\r\n", 0 },
        { true, "{\"say\":\"bye\"", 3 }, /* cut */
        { true, "", 3 },
    };

    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        struct linked linked = agent(*state);
        int code;

        if (cases[i].hello)
            raw(&linked, hello, sizeof(hello) - 1);
        raw(&linked, cases[i].line, strlen(cases[i].line));
        (void)close(linked.link.out);
        linked.link.out = -1;
        code = linked_end(&linked);
        if (code != cases[i].code)
            fail_msg("case %zu: exit %d", i, code);
        if (code == 1)
            said_check(&linked, "refused: ");
    }
}

static void
a_line_without_an_end_is_not_waited_for(void **state)
{
    struct linked linked = agent(*state);
    char piece[4096];

    memset(piece, 'a', sizeof(piece));
    for (int i = 0; i < 100; i++)
        raw(&linked, piece, sizeof(piece));
    assert_int_equal(linked_end(&linked), 1);
    said_check(&linked, "a line on the link is larger than");
}

/* ---- cut at every message, and certificates that a station made up ---- */

/* Answers the agent's questions through the good station's own connection, until `cut` messages of the agent are read. True: it came to the end. */
static bool
enrol_until(struct linked *linked, const char *service, int cut, bool forged)
{
    bm_cleanup(bm_link_message_done) struct bm_link_message said = { 0 };
    struct bm_fail fail = { 0 };
    unsigned all = (BM_LINK_BIT(BM_LINK__N) - 1) & ~BM_LINK_COMMANDS;

    if (bm_link_send(&linked->link, json_pack("{s:s, s:i}", "say", "hello", "link", 1), &fail) != BM_OK ||
        bm_link_next(&linked->link, all, 60, &said, &fail) != BM_OK)
        fail_msg("%s", fail.text);
    bm_link_message_done(&said);
    if (bm_link_send(&linked->link,
                     json_pack("{s:s, s:s, s:s, s:b}", "say", "enrol", "service", service, "server", server.url, "new_key", 1),
                     &fail) != BM_OK)
        return false;
    for (int i = 0; i < cut; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_HTTP_BODY }, reply = { .max = BM_MAX_HTTP_BODY };
        bm_cleanup(bm_link_message_done) struct bm_link_message question = { 0 };
        struct bm_http_reply got = { .body = &reply };

        if (bm_link_next(&linked->link, all, 60, &question, &fail) != BM_OK)
            fail_msg("%s", fail.text);
        if (question.say == BM_LINK_ENROLLED || question.say == BM_LINK_REFUSED)
            return question.say == BM_LINK_ENROLLED;
        if (question.say != BM_LINK_POST) { /* a confirmation that goes nowhere is a warning */
            assert_int_equal(bm_link_send(&linked->link, json_pack("{s:s, s:s}", "say", "away", "why", "no way"), &fail), BM_OK);
            continue;
        }
        bm_link_bytes(&question, "body", &body);
        const struct bm_http_request request = { .path = bm_link_text(&question, "path"),
                                                 .type = bm_link_text(&question, "type"),
                                                 .body = bm_buf_bytes(&body) };
        assert_int_equal(bm_http_ask(line.station.http, &request, &got, &fail), BM_OK);
        if (forged && strcmp(got.type, "application/est-attestation-freshness+json") != 0 && reply.n > 800) /* the leaf's own bytes */
            reply.p[reply.n / 4] = reply.p[reply.n / 4] == 'A' ? 'B' : 'A';
        assert_int_equal(bm_link_send(&linked->link,
                                      json_pack("{s:s, s:I, s:s, s:o}", "say", "reply", "status", (json_int_t)got.status, "type", got.type,
                                                "body", bm_link_b64(bm_buf_bytes(&reply))),
                                      &fail),
                         BM_OK);
    }
    return false;
}

static void
cut_at_every_message_leaves_the_old_identity_or_the_new(void **state)
{
    const struct bm_unit_ask ask = { .service = "cut" };
    struct linked linked = agent(*state);
    struct bm_fail fail = { 0 };
    struct bm_unit unit;
    bool done = false;

    assert_int_equal(bm_unit_make(&unit, &line.station, &linked.link, &ask, &fail), BM_OK);
    (void)linked_end(&linked);
    for (int cut = 0; cut < 12 && !done; cut++) {
        bm_cleanup(bm_buf_done) struct bm_buf before = { .max = 40000 }, after = { .max = 40000 };

        live_read(*state, "cut", &before);
        linked = agent(*state);
        done = enrol_until(&linked, "cut", cut, false);
        if (done)
            (void)linked_end(&linked);
        else
            linked_cut(&linked);
        live_read(*state, "cut", &after);
        assert_true(after.n > 0);
        if (cut < 2) /* nothing had come yet */
            assert_true(bm_bytes_equal(bm_buf_bytes(&before), bm_buf_bytes(&after)));
        if (done)
            assert_false(bm_bytes_equal(bm_buf_bytes(&before), bm_buf_bytes(&after)));
        /* whichever it is, it works */
        linked = agent(*state);
        assert_int_equal(bm_unit_make(&unit, &line.station, &linked.link, &ask, &fail), BM_OK);
        (void)linked_end(&linked);
    }
    assert_true(done);
}

static void
a_forged_certificate_is_not_stored(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf before = { .max = 40000 }, after = { .max = 40000 };
    struct linked linked;

    live_read(*state, "line", &before);
    assert_true(before.n > 0);
    linked = agent(*state);
    assert_false(enrol_until(&linked, "line", 20, true));
    (void)linked_end(&linked);
    live_read(*state, "line", &after);
    assert_true(bm_bytes_equal(bm_buf_bytes(&before), bm_buf_bytes(&after)));
}

static int
start(void **state)
{
    (void)signal(SIGPIPE, SIG_IGN);
    if (getenv("BM_AGENT") == NULL || site_start(state) != 0)
        return -1;
    other = testca_new();
    return line_start(&line, chips.dir, "station", &ca, "DNS:station.birthmark.invalid", server.url, ca_file) ? 0 : -1;
}

static int
stop(void **state)
{
    line_stop(&line);
    testca_free(&other);
    return site_stop(state);
}

#define ONE(test, kind)                                    \
    {                                                      \
#test " " #kind, test, NULL, NULL, chips.uri[kind] \
    }
#define SUITE(kind)                                                                                                                      \
    ONE(a_device_without_a_network_is_enrolled_and_proves_it, kind), ONE(the_servers_refusal_is_the_units_red_sentence, kind),           \
        ONE(a_station_that_is_none_of_the_site_gets_no_proof, kind), ONE(cut_at_every_message_leaves_the_old_identity_or_the_new, kind), \
        ONE(a_forged_certificate_is_not_stored, kind)

int
main(void)
{
    const struct CMUnitTest tests[] = { SUITE(VIRTUAL_SOFT),
                                        SUITE(VIRTUAL_PUF),
                                        SUITE(VIRTUAL_PKCS11),
                                        SUITE(VIRTUAL_TPM2),
                                        ONE(garbage_ends_the_link_with_one_sentence, VIRTUAL_SOFT),
                                        ONE(a_line_without_an_end_is_not_waited_for, VIRTUAL_SOFT) };

    return kit_end(cmocka_run_group_tests(tests, start, stop));
}
