/* The server's side of TLS: versions, ciphers, resumption, and who the client is. */
#include "gate/gate.h"

#include "pki/cert.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

static void
tls_done(SSL_CTX **tls)
{
    SSL_CTX_free(*tls);
}

static const char *
reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());

    return text == NULL ? "no reason given" : text;
}

/* Any certificate will do: what a client may is decided by the key that it proves to hold, and on record, not by who signed for it. */
static int
accept_any(X509_STORE_CTX *ctx, void *arg)
{
    (void)arg;
    X509_STORE_CTX_set_error(ctx, X509_V_OK);
    return 1;
}

static bool
is_marked(const X509 *cert)
{
    unsigned char *der = NULL;
    int n = cert == NULL ? 0 : i2d_X509(cert, &der);
    bool mark = n > 0 && bm_cert_test_mark(bm_bytes(der, (size_t)n));

    OPENSSL_free(der);
    return mark;
}

/* Any but those of test hierarchies, at a production site: the handshake ends. */
static int
accept_unmarked(X509_STORE_CTX *ctx, void *arg)
{
    STACK_OF(X509) *more = X509_STORE_CTX_get0_untrusted(ctx);
    bool mark = is_marked(X509_STORE_CTX_get0_cert(ctx));

    for (int i = 0; i < sk_X509_num(more) && !mark; i++)
        mark = is_marked(sk_X509_value(more, i));
    if (!mark)
        return accept_any(ctx, arg);
    X509_STORE_CTX_set_error(ctx, X509_V_ERR_CERT_REJECTED);
    return 0;
}

/* req: RFC7301 3.2 a client that offers other protocols only is told so. Over HTTP/2 field names would be in lower case, which EST clients do not read */
static int
protocol_choose(SSL *ssl, const unsigned char **out, unsigned char *outlen, const unsigned char *in, unsigned inlen, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1\x08http/1.0";
    unsigned char *chosen = NULL;

    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&chosen, outlen, ours, sizeof(ours) - 1, in, inlen) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static bool
options_set(SSL_CTX *tls)
{
    static const unsigned char context[] = "birthmark-gate";
    char groups[] = "X25519:P-256:P-384"; /* the macro wants it writable */

    /* req: RFC8996 4 no TLS below 1.2 */
    if (SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(tls, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL") != 1 || SSL_CTX_set1_groups_list(tls, groups) != 1 ||
        SSL_CTX_set_session_id_context(tls, context, sizeof(context) - 1) != 1 || SSL_CTX_set_num_tickets(tls, 1) != 1)
        return false;
    (void)SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                       SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
    /* Tickets hold the session, so the cache needs no memory; buffers are given back while a connection is idle. */
    (void)SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(tls, 1);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_alpn_select_cb(tls, protocol_choose, NULL);
    return true;
}

enum bm_rc
bm_tls_server(SSL_CTX **ret_tls, const char *cert_path, const char *key_path, struct bm_fail *fail)
{
    bm_cleanup(tls_done) SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

    if (tls == NULL || !options_set(tls))
        return bm_fail(fail, BM_ENOMEM, NULL, "libssl makes no context: %s", reason());
    if (SSL_CTX_use_certificate_chain_file(tls, cert_path) != 1)
        return bm_fail(fail, BM_EINPUT, NULL, "the server's certificate %s can't be used: %s", cert_path, reason());
    if (SSL_CTX_use_PrivateKey_file(tls, key_path, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(tls) != 1)
        return bm_fail(fail, BM_EINPUT, NULL, "the server's key %s can't be used with its certificate: %s", key_path, reason());
    SSL_CTX_set_cert_verify_callback(tls, is_marked(SSL_CTX_get0_certificate(tls)) ? accept_any : accept_unmarked, NULL);
    *ret_tls = bm_take(tls);
    return BM_OK;
}

bool
bm_tls_peer(uint8_t ret_hash[static BM_HASH], const SSL *ssl)
{
    X509 *cert = SSL_get0_peer_certificate(ssl); /* on a resumed connection: the ticket's */
    unsigned char *spki = NULL;
    int n = cert == NULL ? 0 : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki);
    bool found = n > 0 && EVP_Digest(spki, (size_t)n, ret_hash, NULL, EVP_sha256(), NULL) == 1;

    OPENSSL_free(spki);
    return found;
}
