/* testca.h - a CA, a TLS server's certificate and devices' certificates, made on the spot by libcrypto. */
#ifndef BM_TEST_CA_H
#define BM_TEST_CA_H

#include "pki/key.h"

#include <openssl/ssl.h>

struct testca {
    EVP_PKEY *key, *server_key;
    X509 *cert, *server; /* server: DNS localhost, IP 127.0.0.1 */
};
struct testca testca_new(void);
void testca_free(struct testca *ca);
void testca_write(const struct testca *ca, const char *path); /* the CA's certificate in PEM */
/* A client certificate for this key; appended as DER. */
void testca_issue(const struct testca *ca, const struct bm_key *key, long serial, struct bm_buf *der);
/* The same, from `from` seconds from now for a day. */
void testca_issue_from(const struct testca *ca, const struct bm_key *key, long serial, long from, struct bm_buf *der);
/* A station's, for both ends of TLS; names: of subjectAltName, "DNS:...". */
void testca_issue_station(const struct testca *ca, const struct bm_key *key, const char *names, struct bm_buf *der);
void testca_der(X509 *cert, struct bm_buf *der);
/* A server context: these versions only; the client must show a certificate of this CA. */
SSL_CTX *testca_server(const struct testca *ca, int version);

#endif
