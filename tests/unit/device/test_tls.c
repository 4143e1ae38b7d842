/* test_tls.c - mutual TLS with keys in a TPM, a PKCS#11 token and a file, through one call of libbirthmark's kind. */
#include "device/tls.h"

#include "ca_kit.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/err.h>

#define HANDSHAKES 20

static struct bm_fail fail;

#define assert_ok(rc)                                              \
    do {                                                           \
        if ((rc) != BM_OK)                                         \
            fail_msg("line %d: %s: %s", __LINE__, #rc, fail.text); \
    } while (0)

/* The root with an identity for "tls", made when it is not there yet. */
static struct bm_root *
enrolled(const char *uri)
{
    bm_cleanup(bm_buf_done) struct bm_buf leaf = { .max = BM_MAX_CERT }, above = { .max = BM_MAX_CERT },
                                          theirs = { .max = BM_MAX_EVIDENCE };
    static struct bm_leaf chip; /* 9 KiB */
    struct bm_root *root = NULL;
    struct bm_key key;

    assert_ok(bm_root_open(&root, uri, &fail));
    if (root->ops->key_public(root, "tls", false, &key, &fail) == BM_OK)
        return root;
    assert_ok(root->ops->identify(root, true, &chip, &theirs, &fail));
    assert_ok(root->ops->key_new(root, "tls", &key, &fail));
    testca_issue(&ca, &key, 100, &leaf);
    testca_der(ca.cert, &above);
    const struct bm_bytes certs[] = { bm_buf_bytes(&leaf), bm_buf_bytes(&above) };
    assert_ok(root->ops->commit(root, "tls", certs, 2, &fail));
    return root;
}

/* Runs both ends over a pair of buffers. True: both are done and a byte went across. */
static bool
handshake(SSL_CTX *client_ctx, SSL_CTX *server_ctx)
{
    SSL *client = SSL_new(client_ctx), *server = SSL_new(server_ctx);
    BIO *one = NULL, *other = NULL;
    bool done = false;
    char byte = 0;

    assert_int_equal(BIO_new_bio_pair(&one, 0, &other, 0), 1);
    SSL_set_bio(client, one, one);
    SSL_set_bio(server, other, other);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    for (int i = 0; i < 20 && !done; i++) {
        int there = SSL_do_handshake(client), here = SSL_do_handshake(server);

        done = there == 1 && here == 1;
        if ((there != 1 && SSL_get_error(client, there) != SSL_ERROR_WANT_READ) ||
            (here != 1 && SSL_get_error(server, here) != SSL_ERROR_WANT_READ))
            break;
    }
    done = done && SSL_write(client, "x", 1) == 1 && SSL_read(server, &byte, 1) == 1 && byte == 'x' &&
           SSL_get0_peer_certificate(server) != NULL;
    SSL_free(client);
    SSL_free(server);
    ERR_clear_error();
    return done;
}

static void
hardware_keys_shake_hands(void **state)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    bm_cleanup(bm_root_done) struct bm_root *root = enrolled(*state);
    bm_cleanup(bm_provider_done) struct bm_provider *provider = NULL;
    SSL_CTX *client = NULL;

    assert_ok(bm_provider_new(&provider, &fail));
    assert_ok(bm_tls_client(&client, provider, root, "tls", ca_file, "localhost", &fail));
    for (size_t v = 0; v < BM_COUNT(versions); v++) {
        SSL_CTX *server = testca_server(&ca, versions[v]);

        for (int i = 0; i < HANDSHAKES; i++)
            assert_true(handshake(client, server));
        SSL_CTX_free(server);
    }
    SSL_CTX_free(client);
}

/* proves: RFC8446 4.4.3 */
static void
a_server_that_wants_another_hash_gets_no_signature(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = enrolled(*state);
    SSL_CTX *client = NULL, *server = testca_server(&ca, TLS1_2_VERSION);
    bm_cleanup(bm_provider_done) struct bm_provider *provider = NULL;
    char only[] = "ECDSA+SHA384", both[] = "ECDSA+SHA384:ECDSA+SHA256";

    assert_ok(bm_provider_new(&provider, &fail));
    assert_ok(bm_tls_client(&client, provider, root, "tls", ca_file, "localhost", &fail));
    assert_int_equal(SSL_CTX_set1_client_sigalgs_list(server, both), 1);
    assert_true(handshake(client, server));
    assert_int_equal(SSL_CTX_set1_client_sigalgs_list(server, only), 1);
    assert_false(handshake(client, server));
    SSL_CTX_free(client);
    SSL_CTX_free(server);
}

static void
the_wrong_server_is_not_spoken_to(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = enrolled(chips.uri[VIRTUAL_SOFT]);
    SSL_CTX *client = NULL, *server = testca_server(&ca, TLS1_3_VERSION);
    struct testca other = testca_new();
    bm_cleanup(bm_provider_done) struct bm_provider *provider = NULL;
    SSL_CTX *impostor;

    (void)state;
    assert_ok(bm_provider_new(&provider, &fail));
    assert_ok(bm_tls_client(&client, provider, root, "tls", ca_file, "other.example", &fail));
    assert_false(handshake(client, server)); /* host name */
    SSL_CTX_free(client);
    assert_ok(bm_tls_client(&client, provider, root, "tls", ca_file, "127.0.0.1", &fail));
    assert_true(handshake(client, server));
    impostor = testca_server(&other, TLS1_3_VERSION);
    assert_false(handshake(client, impostor)); /* CA */
    SSL_CTX_free(client);
    client = NULL;
    assert_int_equal(bm_tls_client(&client, provider, root, "tls", ca_file, "", &fail), BM_EINPUT);
    assert_int_equal(bm_tls_client(&client, provider, root, "tls", "/nowhere.pem", "localhost", &fail), BM_EINPUT);
    assert_int_equal(bm_tls_client(&client, provider, root, "nobody", ca_file, "localhost", &fail), BM_EPOLICY);
    assert_null(client);
    SSL_CTX_free(impostor);
    SSL_CTX_free(server);
    testca_free(&other);
}

/* The private half never comes out, whatever libcrypto is asked. */
static void
the_key_cannot_be_exported(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = enrolled(*state);
    bm_cleanup(bm_provider_done) struct bm_provider *provider = NULL;
    EVP_PKEY *key = NULL;
    unsigned char *der = NULL;
    OSSL_PARAM *params = NULL;

    assert_ok(bm_provider_new(&provider, &fail));
    assert_ok(bm_provider_key(&key, provider, root, "tls", &fail));
    assert_true(i2d_PrivateKey(key, &der) <= 0);
    assert_int_equal(EVP_PKEY_todata(key, EVP_PKEY_KEYPAIR, &params), 0);
    assert_int_equal(EVP_PKEY_todata(key, EVP_PKEY_PUBLIC_KEY, &params), 1);
    OSSL_PARAM_free(params);
    assert_int_equal(EVP_PKEY_get_bits(key), 256);
    EVP_PKEY_free(key);
    ERR_clear_error();
}

#define SUITE(kind)                                                                                                                    \
    { "hardware_keys_shake_hands " #kind, hardware_keys_shake_hands, NULL, NULL, chips.uri[kind] },                                    \
        { "a_server_that_wants_another_hash_gets_no_signature " #kind, a_server_that_wants_another_hash_gets_no_signature, NULL, NULL, \
          chips.uri[kind] },                                                                                                           \
    {                                                                                                                                  \
        "the_key_cannot_be_exported " #kind, the_key_cannot_be_exported, NULL, NULL, chips.uri[kind]                                   \
    }

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SUITE(VIRTUAL_SOFT),
        SUITE(VIRTUAL_PUF),
        SUITE(VIRTUAL_PKCS11),
        SUITE(VIRTUAL_TPM2),
        cmocka_unit_test(the_wrong_server_is_not_spoken_to),
    };

    return cmocka_run_group_tests(tests, ca_start, ca_stop);
}
