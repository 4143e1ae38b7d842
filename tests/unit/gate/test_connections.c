/* test_connections.c - the real birthmark-gate on connections that are old, slow, many, cut up or ambiguous, and its end. */
#include "asking.h"

#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void
a_resumed_connection_still_has_its_key(void **state)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(versions); i++) {
        SSL_SESSION *session;
        struct client c;

        assert_int_equal(SSL_CTX_set_max_proto_version(kit.device, versions[i]), 1);
        client_open(&c, &kit, kit.device);
        assert_int_equal(SSL_version(c.ssl), versions[i]);
        nonce_expect(&c);
        session = SSL_get1_session(c.ssl);
        client_close(&c);

        c.fd = client_dial(kit.tls_port);
        c.ssl = SSL_new(kit.device);
        assert_int_equal(SSL_set_session(c.ssl, session), 1);
        assert_int_equal(SSL_set_fd(c.ssl, c.fd), 1);
        assert_int_equal(SSL_connect(c.ssl), 1);
        assert_int_equal(SSL_session_reused(c.ssl), 1);
        nonce_expect(&c);
        SSL_SESSION_free(session);
        client_close(&c);
    }
    assert_int_equal(SSL_CTX_set_max_proto_version(kit.device, 0), 1);
}

/* proves: RFC8996 4 */
static void
old_versions_of_tls_are_refused(void **state)
{
    SSL_CTX *old = SSL_CTX_new(TLS_client_method());
    struct client c;

    (void)state;
    SSL_CTX_set_security_level(old, 0);
    assert_int_equal(SSL_CTX_set_min_proto_version(old, TLS1_VERSION), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(old, TLS1_1_VERSION), 1);
    c.fd = client_dial(kit.tls_port);
    c.ssl = SSL_new(old);
    assert_int_equal(SSL_set_fd(c.ssl, c.fd), 1);
    assert_int_not_equal(SSL_connect(c.ssl), 1);
    client_close(&c);
    SSL_CTX_free(old);
}

/* proves: RFC7301 3.2 */
static void
only_http_1_1_is_negotiated(void **state)
{
    static const unsigned char both[] = "\x02h2\x08http/1.1";
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    const unsigned char *chosen = NULL;
    unsigned n = 0;
    struct client c;

    (void)state;
    assert_int_equal(SSL_CTX_set_alpn_protos(ctx, both, sizeof(both) - 1), 0);
    client_open(&c, &kit, ctx);
    SSL_get0_alpn_selected(c.ssl, &chosen, &n);
    assert_true(bm_bytes_equal(bm_bytes(chosen, n), bm_bytes_str("http/1.1")));
    client_close(&c);
    SSL_CTX_free(ctx);
}

/* Refused by the reader: answered, and the connection ends. Which heads are refused, test_request.c has. */
static void
a_request_that_could_be_read_in_two_ways_ends_the_connection(void **state)
{
    static const char *const requests[] = {
        FULLCMC "Content-Length: 4\r\nContent-Length: 4\r\n\r\nQw==",
        FULLCMC "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nQw==",
        FULLCMC "Content-Length: +4\r\n\r\nQw==",
        FULLCMC "Content-Length: 4 4\r\n\r\nQw==",
        FULLCMC "Content-Length: 4\r\nX: a\r\n b\r\n\r\nQw==",
        "GET /healthz%00 HTTP/1.1\r\n" HOST "\r\n",
        "GET https://elsewhere/healthz HTTP/1.1\r\n" HOST "\r\n",
        "GET /healthz\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(requests); i++) {
        struct client c;

        client_open(&c, &kit, kit.client);
        say(&c, requests[i]);
        say(&c, "GET /healthz HTTP/1.1\r\n" HOST "\r\n"); /* must not be read as a second request */
        client_read(&c, &answer, false);
        assert_int_equal(answer.status, 400);
        assert_non_null(strstr(answer.head, "\r\nConnection: close\r\n"));
        assert_true(client_ended(&c));
        client_close(&c);
    }
}

static void
a_body_that_is_announced_is_waved_through(void **state)
{
    struct client c;

    (void)state;
    client_open(&c, &kit, kit.client);
    say(&c, FULLCMC "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    client_read(&c, &answer, true);
    assert_string_equal(answer.head, "HTTP/1.1 100 Continue\r\n\r\n");
    say(&c, "Qw==");
    client_read(&c, &answer, false);
    expect(200, CERTS, NULL);
    /* and one that is not wanted is not */
    say(&c, FULLCMC "Content-Length: 200000\r\nExpect: 100-continue\r\n\r\n");
    client_read(&c, &answer, false);
    assert_int_equal(answer.status, 413);
    client_close(&c);
}

static void
requests_are_answered_in_order_however_they_are_cut(void **state)
{
    static const char two[] = "GET /crl/operational.crl HTTP/1.1\r\n" HOST "\r\n" FULLCMC "Content-Length: 4\r\n\r\nQg==";
    static const char last[] = "HEAD /crl/idevid.crl HTTP/1.0\r\n\r\n";
    struct client c;

    (void)state;
    client_open(&c, &kit, kit.client);
    for (int turn = 0; turn < 200; turn++) /* more than one turn of the gate's */
        say(&c, two);
    for (int turn = 0; turn < 200; turn++) {
        client_read(&c, &answer, false);
        expect(200, "application/pkix-crl", "operational list");
        client_read(&c, &answer, false);
        expect(503, TEXT, "the token is locked\n");
    }
    for (size_t i = 0; i < sizeof(last) - 1; i++)
        client_send(&c, bm_bytes(last + i, 1));
    client_read(&c, &answer, true);
    assert_non_null(strstr(answer.head, "\r\nContent-Length: 11\r\n"));
    assert_true(client_ended(&c)); /* no body, and HTTP/1.0 ends */
    client_close(&c);
}

static void
a_client_that_goes_away_hurts_nobody(void **state)
{
    struct client c[8];

    (void)state;
    for (size_t i = 0; i < BM_COUNT(c); i++) {
        client_open(&c[i], &kit, kit.client);
        say(&c[i], FULLCMC "Content-Length: 4\r\n\r\nTA=="); /* answered after a while */
    }
    for (size_t i = 0; i < BM_COUNT(c); i++)
        client_close(&c[i]);
    posted(kit.client, FULLCMC, "Qw==");
    expect(200, CERTS, NULL);
}

static double
elapsed(const struct timespec *from)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - from->tv_sec) + (double)(now.tv_nsec - from->tv_nsec) / 1e9;
}

static void
a_slow_head_ends(void **state)
{
    const struct timeval patience = { .tv_sec = 20 };
    struct timespec from;
    struct client c;

    (void)state;
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    client_open(&c, &kit, kit.client);
    assert_int_equal(setsockopt(c.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    say(&c, "GET /healthz HTTP/1.1\r\nX: ");
    for (int i = 0; i < 4; i++) { /* bytes now and then do not prolong it */
        (void)sleep(2);
        say(&c, "a");
    }
    client_read(&c, &answer, false);
    expect(408, TEXT, "the request did not come in time\n");
    assert_true(elapsed(&from) > 9 && elapsed(&from) < 17); /* 10 s from the first byte; from the last it would be 18 */
    assert_true(client_ended(&c));
    client_close(&c);
}

/* A gate of its own, for what one does not recover from. */
static struct kit
kit_swap(unsigned files)
{
    struct kit saved = kit;

    memset(&kit, 0, sizeof(kit));
    kit.files = files;
    kit_open(&kit);
    return saved;
}

static void
kit_back(const struct kit *saved)
{
    kit_close(&kit);
    kit = *saved;
}

static void
too_many_requests_under_way_are_told_to_come_back(void **state)
{
    struct kit saved = kit_swap(0);

    (void)state;
    for (int i = 0; i < 1024; i++) { /* the registrar never answers these; their clients do not wait */
        struct client c;

        client_open(&c, &kit, kit.client);
        say(&c, FULLCMC "Content-Length: 4\r\n\r\nUw==");
        client_close(&c);
    }
    posted(kit.client, FULLCMC, "Qw==");
    expect(503, TEXT, "too many requests are under way: try again in a moment\n");
    assert_non_null(strstr(answer.head, "\r\nRetry-After: 1\r\n"));
    kit_back(&saved);
}

static void
idle_clients_do_not_hold_the_door_shut(void **state)
{
    struct kit saved = kit_swap(300); /* 128 are no connections */
    struct client c[300 - 128];

    (void)state;
    for (size_t i = 0; i < BM_COUNT(c); i++) {
        client_open(&c[i], &kit, kit.client);
        say(&c[i], "GET /ca/root.cer HTTP/1.1\r\n" HOST "\r\n");
        client_read(&c[i], &answer, false);
        assert_int_equal(answer.status, 200);
    }
    ask(kit.client, "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(answer.status, 200);
    assert_true(client_ended(&c[0]));
    say(&c[1], "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
    client_read(&c[1], &answer, false);
    assert_int_equal(answer.status, 200);
    for (size_t i = 0; i < BM_COUNT(c); i++)
        client_close(&c[i]);
    kit_back(&saved);
}

static void
a_breach_or_the_registrars_end_stops_the_gate(void **state)
{
    static const char *const fates[] = { "WA==", "VQ==" };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(fates); i++) {
        struct kit saved = kit_swap(0);

        posted(kit.client, FULLCMC, fates[i]);
        assert_int_equal(answer.status, 0);
        assert_int_equal(kit_gate_status(&kit), i == 0 ? 3 : 1);
        kit_back(&saved);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resumed_connection_still_has_its_key),
        cmocka_unit_test(old_versions_of_tls_are_refused),
        cmocka_unit_test(only_http_1_1_is_negotiated),
        cmocka_unit_test(a_request_that_could_be_read_in_two_ways_ends_the_connection),
        cmocka_unit_test(a_body_that_is_announced_is_waved_through),
        cmocka_unit_test(requests_are_answered_in_order_however_they_are_cut),
        cmocka_unit_test(a_client_that_goes_away_hurts_nobody),
        cmocka_unit_test(a_slow_head_ends),
        cmocka_unit_test(too_many_requests_under_way_are_told_to_come_back),
        cmocka_unit_test(idle_clients_do_not_hold_the_door_shut),
        cmocka_unit_test(a_breach_or_the_registrars_end_stops_the_gate),
    };

    return cmocka_run_group_tests(tests, gate_setup, gate_teardown);
}
