/* provider.h - an OpenSSL 3 provider whose EC private keys are services' keys in a root of trust. */
#ifndef BM_PROVIDER_H
#define BM_PROVIDER_H

#include "root/root.h"

#include <openssl/types.h>

/* A library context of our own: the default provider beside ours, so that nothing changes for the program around us. */
struct bm_provider;
bm_must_use enum bm_rc bm_provider_new(struct bm_provider **ret_provider, struct bm_fail *fail);
void bm_provider_free(struct bm_provider *provider); /* accepts NULL; every key and context made with it must be gone */
void bm_provider_done(struct bm_provider **provider);
OSSL_LIB_CTX *bm_provider_context(struct bm_provider *provider);

/* Fetches with this string take the default provider wherever it can do the work; only signing with our keys comes to us. */
#define BM_PROVIDER_PROPERTIES "?provider=default"

/* The live key of a service, for SSL_CTX_use_PrivateKey(). `root` must outlive it. */
bm_must_use enum bm_rc bm_provider_key(EVP_PKEY **ret_key, struct bm_provider *provider, struct bm_root *root, const char *service,
                                       struct bm_fail *fail);

#endif
