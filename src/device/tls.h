/* tls.h - TLS contexts that speak as a service. */
#ifndef BM_TLS_H
#define BM_TLS_H

#include "device/provider.h"

#include <openssl/ssl.h>

/* Gives any client context the live identity of a service: its certificates, and its key in the root. */
bm_must_use enum bm_rc bm_tls_identity(SSL_CTX *tls, struct bm_provider *provider, struct bm_root *root, const char *service,
                                       struct bm_fail *fail);

/* A whole client context: TLS 1.2 and 1.3, that identity, the server checked against ca_file and host. Free with SSL_CTX_free(). */
bm_must_use enum bm_rc bm_tls_client(SSL_CTX **ret_tls, struct bm_provider *provider, struct bm_root *root, const char *service,
                                     const char *ca_file, const char *host, struct bm_fail *fail);

#endif
