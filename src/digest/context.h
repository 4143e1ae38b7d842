/* context.h - where digest.c has its contexts from: kept by a process of ours. */
#ifndef BM_DIGEST_CONTEXT_H
#define BM_DIGEST_CONTEXT_H

#include <openssl/evp.h>

enum bm_digest_slot {
    BM_DIGEST_SHA256,
    BM_DIGEST_BEGUN, /* SHA-256 too, beside the other */
    BM_DIGEST_SHA1,
    BM_DIGEST__N
};

/* Begun; never NULL (abort). */
EVP_MD_CTX *bm_digest_take(enum bm_digest_slot slot);
void bm_digest_give(EVP_MD_CTX *ctx);

#endif
