/* test_gate.c - the real birthmark-gate, raw bytes in, exact answers out. */
#include "kit.h"

#include "pki/cert.h"
#include "wire/text.h"

#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HOST "Host: localhost\r\n"
#define FULLCMC "POST /.well-known/est/fullcmc HTTP/1.1\r\n" HOST "Content-Type: application/pkcs7-mime; smime-type=CMC-request\r\n"
#define NONCE "POST /.well-known/est/nonce HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"

static struct kit kit;
static struct answer answer; /* too large for the stack */

static int
setup(void **state)
{
    (void)state;
    kit_open(&kit);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    kit_close(&kit);
    return 0;
}

static void
say(struct client *c, const char *text)
{
    client_send(c, bm_bytes_str(text));
}

/* One request on a connection of its own. */
static void
ask(SSL_CTX *ctx, const char *request)
{
    struct client c;

    client_open(&c, &kit, ctx);
    say(&c, request);
    client_read(&c, &answer, false);
    client_close(&c);
}

static void
posted(SSL_CTX *ctx, const char *head, const char *body)
{
    bm_cleanup(bm_buf_done) struct bm_buf request = { .max = 300000 };

    bm_buf_add_fmt(&request, "%sContent-Length: %zu\r\n\r\n%s", head, strlen(body), body);
    bm_buf_add_u8(&request, 0);
    assert_false(request.bad);
    ask(ctx, (const char *)request.p);
}

static void
expect(unsigned status, const char *type, const char *body)
{
    char line[128];

    if (answer.status != status)
        fail_msg("status %u with '%s', not %u", answer.status, answer.body, status);
    (void)snprintf(line, sizeof(line), "\r\nContent-Type: %s\r\n", type);
    if (strstr(answer.head, line) == NULL)
        fail_msg("no %s in %s", line, answer.head);
    if (body != NULL)
        assert_string_equal(answer.body, body);
}

#define TEXT "text/plain; charset=utf-8"
#define CERTS "application/pkcs7-mime; smime-type=certs-only"

static enum bm_rc
count(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    int *n = ctx;

    (void)fail;
    assert_true(bm_bytes_equal(der, bm_buf_bytes(&kit.root)));
    ++*n;
    return BM_OK;
}

static void
certificates_expect(int n)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = 65536 };
    struct bm_fail fail;
    int got = 0;

    /* without line breaks */
    assert_int_equal(bm_b64_parse(&der, BM_B64_STD, bm_bytes(answer.body, answer.n), &fail), BM_OK);
    assert_int_equal(bm_certs_only_parse(bm_buf_bytes(&der), count, &got, &fail), BM_OK);
    assert_int_equal(got, n);
}

static void
cacerts_come_in_base64(void **state)
{
    (void)state;
    ask(kit.client, "GET /.well-known/est/cacerts HTTP/1.1\r\n" HOST "\r\n");
    expect(200, CERTS, NULL);
    certificates_expect(1);
    ask(kit.client, "GET /.well-known/est/mqtt/cacerts HTTP/1.1\r\n" HOST "\r\n");
    expect(200, CERTS, NULL);
    certificates_expect(1);
}

/* proves: RFC7030 4.3.2 */
/* proves: RFC8951 3.1 */
static void
a_request_to_enrol_brings_certificates(void **state)
{
    (void)state;
    posted(kit.client, FULLCMC, "Qw==");
    expect(200, CERTS, NULL);
    certificates_expect(2);
    posted(kit.client, FULLCMC, "Q 0\r\nND\n"); /* wrapped */
    expect(200, CERTS, NULL);
}

/* proves: RFC7030 3.2.2 */
static void
the_registrar_hears_label_address_and_key(void **state)
{
    (void)state;
    posted(kit.client, FULLCMC, "Uldy");
    expect(403, TEXT, "label '' from '127.0.0.1' key none body 3 bytes\n");
    posted(kit.device, "POST /.well-known/est/gateway-1/fullcmc HTTP/1.1\r\n" HOST "Content-Type: APPLICATION/pkcs7-mime\r\n", "Ulc=");
    expect(403, TEXT, "label 'gateway-1' from '127.0.0.1' key shown body 2 bytes\n");
}

static void
what_is_busy_says_when_to_come_back(void **state)
{
    (void)state;
    posted(kit.client, FULLCMC, "Qg==");
    expect(503, TEXT, "the token is locked\n");
    assert_non_null(strstr(answer.head, "\r\nRetry-After: 1\r\n"));
}

static void
bad_bodies_are_refused(void **state)
{
    (void)state;
    posted(kit.client, FULLCMC, "Qw=");
    expect(400, TEXT, "the base64 cannot be read: it is cut short or its padding is missing\n");
    posted(kit.client, FULLCMC, "");
    expect(400, TEXT, "the body is empty: send the base64 of a CMC full request\n");
    posted(kit.client, NONCE, "{\"reqInfo\":\"AA\"}");
    expect(400, TEXT, "reqInfo must be the base64url of the SHA-256 of the root key's SubjectPublicKeyInfo\n");
    posted(kit.client, NONCE, "{\"reqInfo\":\"AA\",\"reqInfo\":\"AA\"}");
    assert_int_equal(answer.status, 400);
    posted(kit.client, NONCE, "{\"reqInfo\":\"AA\",\"more\":1}");
    assert_int_equal(answer.status, 400);
    posted(kit.client, "POST /v1/confirm HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n", "[]");
    assert_int_equal(answer.status, 400);
    assert_non_null(strstr(answer.head, "\r\nContent-Type: application/json\r\n"));
    assert_int_equal(strncmp(answer.body, "{\"error\":\"", 10), 0);
}

static void
too_large_a_body_is_refused_before_it_comes(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 200000 };
    struct client c;

    (void)state;
    client_open(&c, &kit, kit.client);
    say(&c, FULLCMC "Content-Length: 131073\r\n\r\n");
    client_read(&c, &answer, false);
    expect(413, TEXT, "the body has 131073 bytes, this path takes 131072\n");
    assert_non_null(strstr(answer.head, "\r\nConnection: close\r\n"));
    assert_true(client_ended(&c));
    client_close(&c);
    /* one that may come and decodes to more than evidence may have */
    while (body.n < 131072)
        bm_buf_add_str(&body, "AAAA");
    bm_buf_add_u8(&body, 0);
    posted(kit.client, FULLCMC, (const char *)body.p);
    expect(400, TEXT, "the base64 is larger than 32768 bytes\n");
}

static void
the_tpms_trips_are_carried(void **state)
{
    static const char challenge[] = "POST /v1/tpm/challenge HTTP/1.1\r\n" HOST "Content-Type: application/json; charset=utf-8\r\n";
    static const char enrol[] = "POST /v1/tpm/enrol HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n";

    (void)state;
    posted(kit.client, challenge, "{\"service\":\"mqtt\",\"ek\":\"AQI=\",\"ak\":\"Aw==\"}");
    expect(200, "application/json", "{\"credential\":\"AQI=\",\"secret\":\"Aw==\"}");
    posted(kit.client, challenge, "{\"service\":\"mq tt\",\"ek\":\"AQI=\",\"ak\":\"Aw==\"}");
    expect(400, "application/json", "{\"error\":\"service and profile are names of letters, digits, '.', '_' and '-'\"}");
    posted(kit.client, challenge, "{\"service\":\"mqtt\",\"ek\":\"\",\"ak\":\"Aw==\"}");
    expect(400, "application/json", "{\"error\":\"ek and ak must not be empty\"}");
    /* 2 of version, 7 lengths of 2, 7 bytes */
    posted(kit.client, enrol,
           "{\"service\":\"mqtt\",\"profile\":\"gateway-1\",\"ek\":\"AQ==\",\"ak\":\"AQ==\",\"key\":\"AQ==\",\"attest\":\"AQ==\","
           "\"signature\":\"AQ==\","
           "\"csr\":\"AQ==\",\"proof\":\"AQ==\"}");
    expect(403, "application/json", "{\"error\":\"label 'gateway-1' from '127.0.0.1' key none body 23 bytes\"}");
}

static void
confirming_wants_a_key(void **state)
{
    static const char confirm[] = "POST /v1/confirm HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n";

    (void)state;
    posted(kit.client, confirm, "{}");
    expect(403, "application/json", "{\"error\":\"connect with the certificate that is to be confirmed: this connection has none\"}");
    posted(kit.device, confirm, "{}");
    expect(200, "application/json", "{\"device\":\"0123456789abcdef0123\"}");
}

/* The nonce of a GET is the key's hash, see registrar.c. */
static void
nonce_expect(struct client *c)
{
    bm_cleanup(bm_buf_done) struct bm_buf want = { .max = 256 };

    bm_buf_add_str(&want, "{\"nonce\":\"");
    bm_b64_add(&want, BM_B64_URL, bm_bytes(kit.device_key, BM_HASH));
    bm_buf_add(&want, "\",\"expiry\":300}", 16);
    say(c, "GET /.well-known/est/nonce HTTP/1.1\r\n" HOST "\r\n");
    client_read(c, &answer, false);
    expect(200, "application/est-attestation-freshness+json", (const char *)want.p);
}

static void
a_nonce_belongs_to_a_root_key(void **state)
{
    struct client c;

    (void)state;
    posted(kit.client, NONCE, "{\"reqInfo\":\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\",\"len\":32,\"type\":\"x\"}");
    expect(200, "application/est-attestation-freshness+json", "{\"nonce\":\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\",\"expiry\":300}");
    ask(kit.client, "GET /.well-known/est/nonce HTTP/1.1\r\n" HOST "\r\n");
    expect(403, TEXT, "a nonce belongs to a root key: connect with its certificate, or POST its hash as reqInfo\n");
    client_open(&c, &kit, kit.device);
    nonce_expect(&c);
    client_close(&c);
}

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

static void
the_site_tells_its_state(void **state)
{
    (void)state;
    ask(kit.client, "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
    expect(200, "application/json", NULL);
    assert_non_null(strstr(answer.body, "\"status\":\"ok\",\"ledger_size\":7,\"confinement\":{\"gate\":\"landlock abi "));
    assert_non_null(strstr(answer.body, ", seccomp, no_new_privs"));
    assert_non_null(strstr(answer.body, "\"registrar\":\"r\",\"signer\":\"s\"},\"anchor\":\"none\"}"));
    ask(kit.client, "GET /v1/site HTTP/1.1\r\n" HOST "\r\n");
    expect(200, "application/json", "{\"name\":\"Example\",\"site\":\"ab\",\"vkey\":\"v\",\"ledger_size\":7,\"checkpoint\":\"c\\n\"}");
    ask(kit.client, "GET /crl/operational.crl HTTP/1.1\r\n" HOST "\r\n");
    expect(200, "application/pkix-crl", "operational list");
    ask(kit.client, "GET /crl/idevid.crl HTTP/1.1\r\n" HOST "\r\n");
    expect(200, "application/pkix-crl", "idevid list");
    ask(kit.client, "GET /ca/root.crt HTTP/1.1\r\n" HOST "\r\n");
    expect(200, "application/pkix-cert", NULL);
    assert_true(bm_bytes_equal(bm_bytes(answer.body, answer.n), bm_buf_bytes(&kit.root)));
}

static void
plain_http_has_only_what_is_signed(void **state)
{
    static const char *const open[] = { "/crl/operational.crl",    "/crl/idevid.crl", "/ca/root.crt",
                                        "/ca/operational.crt",     "/ca/idevid.crt",  "/healthz",
                                        "/.well-known/est/cacerts" };
    char request[256];

    (void)state;
    for (size_t i = 0; i < BM_COUNT(open); i++) {
        (void)snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n" HOST "\r\n", open[i]);
        ask(NULL, request);
        assert_int_equal(answer.status, 200);
    }
    ask(NULL, "GET /v1/site HTTP/1.1\r\n" HOST "\r\n");
    expect(404, "application/json", "{\"error\":\"there is nothing at this path over plain HTTP: use https\"}");
    posted(NULL, FULLCMC, "Qw==");
    expect(404, TEXT, "there is nothing at this path over plain HTTP: use https\n");
}

static void
wrong_doors_say_so(void **state)
{
    (void)state;
    ask(kit.client, "GET /nowhere HTTP/1.1\r\n" HOST "\r\n");
    expect(404, TEXT, "there is nothing at this path\n");
    ask(kit.client, "GET /.well-known/est/a/b/cacerts HTTP/1.1\r\n" HOST "\r\n");
    expect(404, TEXT, NULL);
    ask(kit.client, "GET /.well-known/est/.a/cacerts HTTP/1.1\r\n" HOST "\r\n");
    expect(404, TEXT, NULL);
    ask(kit.client, "GET /.well-known/est//cacerts HTTP/1.1\r\n" HOST "\r\n");
    expect(404, TEXT, NULL);
    ask(kit.client, "DELETE /healthz HTTP/1.1\r\n" HOST "\r\n");
    expect(405, TEXT, "this path takes GET, HEAD only\n");
    assert_non_null(strstr(answer.head, "\r\nAllow: GET, HEAD\r\n"));
    ask(kit.client, "GET /v1/confirm HTTP/1.1\r\n" HOST "\r\n");
    expect(405, "application/json", "{\"error\":\"this path takes POST only\"}");
    posted(kit.client, "POST /v1/confirm HTTP/1.1\r\n" HOST, "{}");
    expect(415, "application/json", "{\"error\":\"the body must have the Content-Type application/json\"}");
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
    assert_true(elapsed(&from) > 9 && elapsed(&from) < 13);
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
    ask(kit.client, "GET /.well-known/est/cacerts HTTP/1.1\r\n" HOST "\r\n");
    expect(200, CERTS, NULL);
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
        say(&c[i], "GET /ca/root.crt HTTP/1.1\r\n" HOST "\r\n");
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
        cmocka_unit_test(cacerts_come_in_base64),
        cmocka_unit_test(a_request_to_enrol_brings_certificates),
        cmocka_unit_test(the_registrar_hears_label_address_and_key),
        cmocka_unit_test(what_is_busy_says_when_to_come_back),
        cmocka_unit_test(bad_bodies_are_refused),
        cmocka_unit_test(too_large_a_body_is_refused_before_it_comes),
        cmocka_unit_test(a_nonce_belongs_to_a_root_key),
        cmocka_unit_test(the_tpms_trips_are_carried),
        cmocka_unit_test(confirming_wants_a_key),
        cmocka_unit_test(a_resumed_connection_still_has_its_key),
        cmocka_unit_test(old_versions_of_tls_are_refused),
        cmocka_unit_test(only_http_1_1_is_negotiated),
        cmocka_unit_test(the_site_tells_its_state),
        cmocka_unit_test(plain_http_has_only_what_is_signed),
        cmocka_unit_test(wrong_doors_say_so),
        cmocka_unit_test(a_request_that_could_be_read_in_two_ways_ends_the_connection),
        cmocka_unit_test(a_body_that_is_announced_is_waved_through),
        cmocka_unit_test(requests_are_answered_in_order_however_they_are_cut),
        cmocka_unit_test(a_client_that_goes_away_hurts_nobody),
        cmocka_unit_test(a_slow_head_ends),
        cmocka_unit_test(too_many_requests_under_way_are_told_to_come_back),
        cmocka_unit_test(idle_clients_do_not_hold_the_door_shut),
        cmocka_unit_test(a_breach_or_the_registrars_end_stops_the_gate),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
