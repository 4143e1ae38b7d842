/* libcrypto.h - destructors of libcrypto's commonest objects, for bm_cleanup(). */
#ifndef BM_LIBCRYPTO_H
#define BM_LIBCRYPTO_H

#include "base/base.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

static inline void
bm_pkey_done(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static inline void
bm_pkey_ctx_done(EVP_PKEY_CTX **ctx)
{
    EVP_PKEY_CTX_free(*ctx);
}

static inline void
bm_md_ctx_done(EVP_MD_CTX **ctx)
{
    EVP_MD_CTX_free(*ctx);
}

static inline void
bm_x509_done(X509 **cert)
{
    X509_free(*cert);
}

#endif
