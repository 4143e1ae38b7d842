#include "testca.h"

#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static void
extension_add(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(ext);
    assert_int_equal(X509_add_ext(cert, ext, -1), 1);
    X509_EXTENSION_free(ext);
}

static X509 *
cert_begin(EVP_PKEY *key, const char *cn, long serial)
{
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);

    assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), serial), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -3600));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 86400));
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0), 1);
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    return cert;
}

static void
cert_sign(X509 *cert, X509 *issuer, EVP_PKEY *key)
{
    assert_int_equal(X509_set_issuer_name(cert, X509_get_subject_name(issuer)), 1);
    extension_add(cert, issuer, NID_subject_key_identifier, "hash");
    extension_add(cert, issuer, NID_authority_key_identifier, "keyid");
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
}

struct testca
testca_new(void)
{
    struct testca ca = { .key = EVP_EC_gen("P-256"), .server_key = EVP_EC_gen("P-256") };

    ca.cert = cert_begin(ca.key, "Test Root", 1);
    extension_add(ca.cert, ca.cert, NID_basic_constraints, "critical,CA:TRUE");
    extension_add(ca.cert, ca.cert, NID_key_usage, "critical,keyCertSign,cRLSign");
    cert_sign(ca.cert, ca.cert, ca.key);
    ca.server = cert_begin(ca.server_key, "server", 2);
    extension_add(ca.server, ca.cert, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    extension_add(ca.server, ca.cert, NID_ext_key_usage, "serverAuth");
    cert_sign(ca.server, ca.cert, ca.key);
    return ca;
}

void
testca_free(struct testca *ca)
{
    EVP_PKEY_free(ca->key);
    EVP_PKEY_free(ca->server_key);
    X509_free(ca->cert);
    X509_free(ca->server);
}

void
testca_write(const struct testca *ca, const char *path)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, ca->cert), 1);
    assert_int_equal(fclose(file), 0);
}

void
testca_der(X509 *cert, struct bm_buf *der)
{
    unsigned char *bytes = NULL;
    int n = i2d_X509(cert, &bytes);

    assert_true(n > 0);
    bm_buf_add(der, bytes, (size_t)n);
    OPENSSL_free(bytes);
}

static void
issue(const struct testca *ca, const struct bm_key *key, long serial, long from, const char *use, const char *names, struct bm_buf *der)
{
    const unsigned char *at = key->spki;
    EVP_PKEY *public = d2i_PUBKEY(NULL, &at, (long)key->nspki);
    X509 *cert;

    assert_non_null(public);
    cert = cert_begin(public, "device", serial);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), from));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), from + 90000));
    extension_add(cert, ca->cert, NID_key_usage, "critical,digitalSignature");
    extension_add(cert, ca->cert, NID_ext_key_usage, use);
    if (names != NULL)
        extension_add(cert, ca->cert, NID_subject_alt_name, names);
    cert_sign(cert, ca->cert, ca->key);
    testca_der(cert, der);
    X509_free(cert);
    EVP_PKEY_free(public);
}

void
testca_issue(const struct testca *ca, const struct bm_key *key, long serial, struct bm_buf *der)
{
    testca_issue_from(ca, key, serial, -3600, der);
}

void
testca_issue_from(const struct testca *ca, const struct bm_key *key, long serial, long from, struct bm_buf *der)
{
    issue(ca, key, serial, from, "clientAuth", NULL, der);
}

void
testca_issue_station(const struct testca *ca, const struct bm_key *key, const char *names, struct bm_buf *der)
{
    issue(ca, key, 77, -3600, "clientAuth,serverAuth", names, der);
}

SSL_CTX *
testca_server(const struct testca *ca, int version)
{
    SSL_CTX *server = SSL_CTX_new(TLS_server_method());

    assert_non_null(server);
    assert_int_equal(SSL_CTX_set_min_proto_version(server, version), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(server, version), 1);
    assert_int_equal(SSL_CTX_use_certificate(server, ca->server), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(server, ca->server_key), 1);
    assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(server), ca->cert), 1);
    SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return server;
}
