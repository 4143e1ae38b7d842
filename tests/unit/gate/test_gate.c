/* test_gate.c - the real birthmark-gate, raw bytes in, exact answers out: its doors. Connections themselves: test_connections.c. */
#include "asking.h"

#include "base/file.h"
#include "pki/cert.h"
#include "wire/text.h"

#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

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

/* proves: RFC7030 4.1.3 */
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
    expect(400, "application/json", "{\"error\":\"ek and ak, or iak, must not be empty\"}");
    posted(kit.client, challenge, "{\"service\":\"mqtt\",\"iak\":\"AQI=\"}");
    expect(400, "application/json", "{\"error\":\"a challenge is for ek and ak: with iak, ask for a nonce\"}");
    /* 2 of version, 7 lengths of 2, 7 bytes */
    posted(kit.client, enrol,
           "{\"service\":\"mqtt\",\"profile\":\"gateway-1\",\"ek\":\"AQ==\",\"ak\":\"AQ==\",\"key\":\"AQ==\",\"attest\":\"AQ==\","
           "\"signature\":\"AQ==\","
           "\"csr\":\"AQ==\",\"proof\":\"AQ==\"}");
    expect(403, "application/json", "{\"error\":\"label 'gateway-1' from '127.0.0.1' key none body 23 bytes\"}");
    /* certified: 2 of version, 6 lengths of 2, 6 bytes */
    posted(kit.client, enrol,
           "{\"service\":\"mqtt\",\"iak\":\"AQ==\",\"key\":\"AQ==\",\"attest\":\"AQ==\",\"signature\":\"AQ==\",\"csr\":\"AQ==\","
           "\"nonce\":\"AQ==\"}");
    expect(403, "application/json", "{\"error\":\"label 'mqtt' from '127.0.0.1' key none body 20 bytes\"}");
    posted(kit.client, enrol,
           "{\"service\":\"mqtt\",\"iak\":\"AQ==\",\"ek\":\"AQ==\",\"key\":\"AQ==\",\"attest\":\"AQ==\",\"signature\":\"AQ==\","
           "\"csr\":\"AQ==\",\"nonce\":\"AQ==\"}");
    expect(400, "application/json", "{\"error\":\"the request has a field \\\"ek\\\" that is not known here: remove it\"}");
}

static void
simple_posted(SSL_CTX *ctx, const char *more, const char *seed)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = 8192 }, text = { .max = 16384 };
    char head[512], path[BM_PATH];
    struct bm_fail fail;

    (void)snprintf(path, sizeof(path), BM_SOURCE_ROOT "/tests/fuzz/seeds/attested/%s", seed);
    (void)snprintf(head, sizeof(head), "POST /.well-known/est/gw/simpleenroll HTTP/1.1\r\n" HOST "%sContent-Type: application/pkcs10\r\n",
                   more);
    assert_int_equal(bm_file_read(&der, path, &fail), BM_OK);
    bm_b64_add(&text, BM_B64_STD, bm_buf_bytes(&der));
    bm_buf_add_u8(&text, 0);
    assert_false(text.bad);
    posted(ctx, head, (const char *)text.p);
}

/* proves: RFC7030 4.2.1 */
static void
a_request_speaks_by_its_attestation_or_by_the_clients_certificate(void **state)
{
    (void)state;
    /* a TPM's claim: version, length, request */
    simple_posted(kit.client, "", "truth");
    expect(403, TEXT, "label 'gw' from '127.0.0.1' key none body 671 bytes\n");
    simple_posted(kit.device, "", "truth");
    expect(403, TEXT, "label 'gw' from '127.0.0.1' key shown body 671 bytes\n");
    /* with a station's word: number of parts, type, length */
    simple_posted(kit.client, "Birthmark-Station: UldS\r\n", "truth");
    expect(403, TEXT, "label 'gw' from '127.0.0.1' key none body 671 bytes parts 7\n");
    /* of a kind that we do not read, or not well made: the client's certificate speaks (version, its key's hash, length, request), or the registrar says why not */
    simple_posted(kit.device, "", "unknown_type");
    expect(403, TEXT, "label 'gw' from '127.0.0.1' key shown body 400 bytes\n");
    simple_posted(kit.device, "", "two_attributes");
    expect(403, TEXT, "label 'gw' from '127.0.0.1' key shown body 1173 bytes\n");
    simple_posted(kit.client, "", "unknown_type");
    expect(403, TEXT, "label 'gw' from '127.0.0.1' key none body 368 bytes\n");
    simple_posted(kit.client, "", "two_attributes");
    expect(403, TEXT, "label 'gw' from '127.0.0.1' key none body 1141 bytes\n");
    posted(kit.client, "POST /.well-known/est/gw/simpleenroll HTTP/1.1\r\n" HOST "Content-Type: application/pkcs10\r\n", "AQ==");
    expect(403, TEXT, "connect with the certificate of the device's root key: this connection has none, and the request no attestation\n");
}

/* The parts of the bundle: their number, type and length, then two lengths, a key and a signature. */
static void
a_renewal_is_carried_and_read_strictly(void **state)
{
    static const char renew[] = "POST /v1/renew HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n";
    static const struct {
        const char *body, *error;
    } bad[] = {
        { "{\"service\":\"mqtt\",\"key\":\"AQI=\",\"renewal\":\"Aw==\"}", "cmc" },
        { "{\"service\":\"mqtt\",\"key\":\"AQI=\",\"renewal\":\"Aw==\",\"cmc\":\"\"}", "cmc must not be empty" },
        { "{\"service\":\"mqtt\",\"key\":\"\",\"renewal\":\"Aw==\",\"cmc\":\"UQ==\"}", "key and renewal must not be empty" },
        { "{\"service\":\"mqtt\",\"key\":\"AQI=\",\"renewal\":\"Aw==\",\"tpm\":\"UQ==\"}", "tpm" },
        { "{\"service\":\"mqtt\",\"key\":\"AQI=\",\"renewal\":\"Aw==\",\"tpm\":{}}", "ek" },
        { "{\"service\":\"mqtt\",\"key\":\"AQI=\",\"renewal\":\"Aw==\",\"cmc\":\"UQ==\",\"tpm\":{}}", "cmc" },
        { "{\"service\":\"m q\",\"key\":\"AQI=\",\"renewal\":\"Aw==\",\"cmc\":\"UQ==\"}", "service and profile are names" },
        { "{\"service\":\"mqtt\",\"key\":\"AQI=\",\"renewal\":\"Aw==\",\"cmc\":\"UQ==\",\"x\":1}", "x" },
        { "[]", "" },
    };

    (void)state;
    posted(kit.client, renew, "{\"service\":\"mqtt\",\"key\":\"AQI=\",\"renewal\":\"Aw==\",\"cmc\":\"UVFR\"}");
    expect(403, "application/json", "{\"error\":\"label 'mqtt' from '127.0.0.1' key none body 3 bytes parts 11\"}");
    posted(kit.client, renew,
           "{\"service\":\"mqtt\",\"profile\":\"gateway-1\",\"key\":\"AQI=\",\"renewal\":\"Aw==\",\"tpm\":{\"ek\":\"AQ==\",\"ak\":\"AQ==\","
           "\"key\":\"AQ==\",\"attest\":\"AQ==\",\"signature\":\"AQ==\",\"csr\":\"AQ==\",\"proof\":\"AQ==\"}}");
    expect(403, "application/json", "{\"error\":\"label 'gateway-1' from '127.0.0.1' key none body 23 bytes parts 11\"}");
    posted(kit.client, renew, "{\"service\":\"mqtt\",\"key\":\"AQI=\",\"renewal\":\"Aw==\",\"cmc\":\"Qw==\"}");
    expect(200, "application/json", NULL);
    assert_non_null(strstr(answer.body, "{\"certificates\":[\""));
    for (size_t i = 0; i < BM_COUNT(bad); i++) {
        posted(kit.client, renew, bad[i].body);
        expect(400, "application/json", NULL);
        assert_non_null(strstr(answer.body, bad[i].error));
    }
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
the_site_tells_its_state(void **state)
{
    (void)state;
    ask(kit.client, "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
    expect(200, "application/json", NULL);
    assert_non_null(strstr(answer.body, "\"status\":\"ok\",\"ledger_size\":7,\"confinement\":{\"gate\":\"landlock abi "));
    assert_non_null(strstr(answer.body, ", seccomp, no_new_privs"));
    assert_non_null(strstr(answer.body, "\"registrar\":\"r\",\"signer\":\"s\"},\"anchor\":\"none\",\"token\":{\"state\":\"file\"}}"));
    ask(kit.client, "GET /v1/site HTTP/1.1\r\n" HOST "\r\n");
    expect(200, "application/json", "{\"name\":\"Example\",\"site\":\"ab\",\"vkey\":\"v\",\"ledger_size\":7,\"checkpoint\":\"c\\n\"}");
    ask(kit.client, "GET /crl/operational.crl HTTP/1.1\r\n" HOST "\r\n");
    expect(200, "application/pkix-crl", "operational list");
    ask(kit.client, "GET /crl/idevid.crl HTTP/1.1\r\n" HOST "\r\n");
    expect(200, "application/pkix-crl", "idevid list");
    ask(kit.client, "GET /ca/root.cer HTTP/1.1\r\n" HOST "\r\n");
    expect(200, "application/pkix-cert", NULL);
    assert_true(bm_bytes_equal(bm_bytes(answer.body, answer.n), bm_buf_bytes(&kit.root)));
    ask(kit.client, "GET /crl/gateway-7.crl HTTP/1.1\r\n" HOST "\r\n");
    expect(200, "application/pkix-crl", "gateway-7 list");
    ask(kit.client, "GET /crl/nobody.crl HTTP/1.1\r\n" HOST "\r\n");
    expect(404, TEXT, "there is no CA of this name here\n");
    ask(kit.client, "GET /crl/.crl HTTP/1.1\r\n" HOST "\r\n");
    expect(404, TEXT, "there is nothing at this path\n");
    ask(kit.client, "GET /ca/a/b.cer HTTP/1.1\r\n" HOST "\r\n");
    expect(404, TEXT, "there is nothing at this path\n");
}

/* proves: RFC6960 A.1 */
static void
questions_about_certificates_come_by_post_and_get(void **state)
{
#define POST_OCSP "POST /ocsp HTTP/1.1\r\n" HOST "Content-Type: application/ocsp-request\r\n"
    static const char malformed[] = { 0x30, 0x03, 0x0a, 0x01, 0x01, 0 };

    (void)state;
    posted(kit.client, POST_OCSP, "keep me");
    expect(200, "application/ocsp-response", "keep me");
    assert_null(strstr(answer.head, "Cache-Control"));
    posted(NULL, POST_OCSP, "not me");
    expect(200, "application/ocsp-response", "not me");
    posted(kit.client, POST_OCSP, "");
    expect(200, "application/ocsp-response", malformed);
    /* "keep ?>?" has a slash and a plus in base64, and one octet less a sign at its end */
    ask(kit.client, "GET /ocsp/a2VlcCA/Pj8+ HTTP/1.1\r\n" HOST "\r\n");
    expect(200, "application/ocsp-response", "keep ?>?>");
    assert_non_null(strstr(answer.head, "\r\nCache-Control: max-age=60, public, no-transform, must-revalidate\r\nExpires: "));
    ask(NULL, "GET /ocsp/a2VlcCA%2FPj8%2b HTTP/1.1\r\n" HOST "\r\n");
    expect(200, "application/ocsp-response", "keep ?>?>");
    ask(kit.client, "GET /ocsp/bm90IG1l HTTP/1.1\r\n" HOST "\r\n");
    expect(200, "application/ocsp-response", "not me");
    assert_null(strstr(answer.head, "Cache-Control"));
    ask(kit.client, "GET /ocsp/a2Vlc%3D HTTP/1.1\r\n" HOST "\r\n");
    expect(200, "application/ocsp-response", malformed);
    ask(kit.client, "GET /ocsp/ HTTP/1.1\r\n" HOST "\r\n");
    expect(404, TEXT, "there is nothing at this path\n");
    ask(kit.client, "GET /ocsp HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(answer.status, 405);
    posted(kit.client, "POST /ocsp HTTP/1.1\r\n" HOST "Content-Type: text/plain\r\n", "k");
    assert_int_equal(answer.status, 415);
    ask(kit.client, "GET /crl/operational.txt HTTP/1.1\r\n" HOST "\r\n");
    expect(200, TEXT, "https://localhost/crl/operational-1.pem\n");
    ask(kit.client, "GET /crl/operational-1.pem HTTP/1.1\r\n" HOST "\r\n");
    expect(200, "application/x-pem-file", NULL);
    assert_non_null(strstr(answer.body, "-----BEGIN X509 CRL-----\n"));
}

static void
plain_http_has_only_what_is_signed(void **state)
{
    static const char *const open[] = { "/crl/operational.crl",    "/crl/idevid.crl", "/ca/root.cer",
                                        "/ca/operational.cer",     "/ca/idevid.cer",  "/healthz",
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
        cmocka_unit_test(a_request_speaks_by_its_attestation_or_by_the_clients_certificate),
        cmocka_unit_test(a_renewal_is_carried_and_read_strictly),
        cmocka_unit_test(confirming_wants_a_key),
        cmocka_unit_test(the_site_tells_its_state),
        cmocka_unit_test(questions_about_certificates_come_by_post_and_get),
        cmocka_unit_test(plain_http_has_only_what_is_signed),
        cmocka_unit_test(wrong_doors_say_so),
    };

    return cmocka_run_group_tests(tests, gate_setup, gate_teardown);
}
