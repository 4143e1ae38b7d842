/* provider_inside.h - what the files of the provider share: its context, its keys, its tables. */
#ifndef BM_PROVIDER_INSIDE_H
#define BM_PROVIDER_INSIDE_H

#include "device/keeper.h"
#include "device/naming.h"

#include <openssl/core_dispatch.h>
#include <openssl/params.h>

#define BM_P256_POINT 65     /* an uncompressed point of P-256 */
#define BM_P256_SIGNATURE 72 /* the longest ECDSA-Sig-Value on P-256 */

/* A key: the public half, and whose the private one is. */
struct bm_provider_identity {
    struct bm_keeper *keeper; /* NULL: a public key only */
    char service[BM_MAX_NAME + 1];
    uint8_t point[BM_P256_POINT];
};
/* The parameter of EVP_PKEY_fromdata() that names a key: a pointer to struct bm_provider_identity. */
#define BM_PROVIDER_IDENTITY "birthmark-identity"

/* What a provider has: of libcrypto's callbacks those that read, of openssl.cnf its two values, the roots that its keys share. */
struct bm_provider_ctx {
    OSSL_FUNC_BIO_read_ex_fn *read;
    OSSL_FUNC_BIO_gets_fn *gets;
    const char *root, *module; /* "" when not set; libcrypto's own, and stay */
    struct bm_keepers *keepers;
};

/* Looks a service's key up in a root that a keeper has; drop the identity's keeper afterwards. */
bm_must_use enum bm_rc bm_provider_identity_get(struct bm_provider_identity *ret, struct bm_keeper *keeper, const char *service,
                                                struct bm_fail *fail);
/* The keeper of what a key file or a URI names; without a root there, BIRTHMARK_ROOT's, else openssl.cnf's. */
bm_must_use enum bm_rc bm_provider_keeper(struct bm_keeper **ret_keeper, const struct bm_provider_ctx *ctx, const struct bm_naming *naming,
                                          struct bm_fail *fail);
/* Puts the sentence onto libcrypto's error stack; false. */
bool bm_provider_refuse(const struct bm_fail *fail);
/* OSSL_PARAM points to non-const even where it is only read. */
OSSL_PARAM bm_provider_text(const char *key, const char *text);
OSSL_PARAM bm_provider_octets(const char *key, struct bm_bytes bytes);

/* What stands between our PEM and our keys in libcrypto's chain of decoders. */
#define BM_PROVIDER_STRUCTURE "birthmark-identity"
#define BM_PROVIDER_EC "EC:id-ecPublicKey:1.2.840.10045.2.1"

#define BM_DISPATCH(id, function)      \
    {                                  \
        id, (void (*)(void))(function) \
    }
extern const OSSL_DISPATCH bm_provider_keymgmt[];   /* provider_key.c */
extern const OSSL_DISPATCH bm_provider_signature[]; /* provider_sign.c */
extern const OSSL_DISPATCH bm_provider_store[];     /* provider_store.c */
extern const OSSL_DISPATCH bm_provider_from_pem[];  /* provider_decode.c */
extern const OSSL_DISPATCH bm_provider_from_der[];

/* provider_entry.c: an OSSL_provider_init_fn, for a library context of our own and for programs that load the module. */
int bm_provider_entry(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **ctx);

#endif
