#include "bare.h"

#include "load.h"

#include <openssl/ec.h>
#include <openssl/evp.h>

#include <sys/resource.h>

#define SECONDS 1.0 /* each ceiling */

struct crypto {
    EVP_PKEY *key, *peer;
    EVP_PKEY_CTX *sign, *verify;
    uint8_t hash[32], sig[80];
    size_t nsig;
};

static void
sign_once(struct crypto *c)
{
    c->nsig = sizeof(c->sig);
    if (EVP_PKEY_sign(c->sign, c->sig, &c->nsig, c->hash, sizeof(c->hash)) != 1)
        bench_die("libcrypto does not sign");
}

static void
verify_once(struct crypto *c)
{
    if (EVP_PKEY_verify(c->verify, c->sig, c->nsig, c->hash, sizeof(c->hash)) != 1)
        bench_die("libcrypto does not verify");
}

static void
agree_once(struct crypto *c)
{
    EVP_PKEY *mine = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, mine, NULL);
    uint8_t secret[32];
    size_t n = sizeof(secret);

    if (EVP_PKEY_derive_init(ctx) != 1 || EVP_PKEY_derive_set_peer(ctx, c->peer) != 1 || EVP_PKEY_derive(ctx, secret, &n) != 1)
        bench_die("libcrypto does not agree on a key");
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(mine);
}

double
bare_cost(unsigned signatures, unsigned verifications, bool agree)
{
    struct crypto c = { .key = EVP_EC_gen("P-256"), .peer = EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), .hash = { 1 } };
    struct rusage from, to;
    size_t n = 0;
    double took = 0;

    c.sign = EVP_PKEY_CTX_new_from_pkey(NULL, c.key, NULL);
    c.verify = EVP_PKEY_CTX_new_from_pkey(NULL, c.key, NULL);
    if (EVP_PKEY_sign_init(c.sign) != 1 || EVP_PKEY_verify_init(c.verify) != 1)
        bench_die("libcrypto does not sign");
    sign_once(&c);
    (void)getrusage(RUSAGE_SELF, &from);
    for (; took < SECONDS; n++) {
        for (unsigned i = 0; i < signatures; i++)
            sign_once(&c);
        for (unsigned i = 0; i < verifications; i++)
            verify_once(&c);
        if (agree)
            agree_once(&c);
        (void)getrusage(RUSAGE_SELF, &to);
        took = (double)(to.ru_utime.tv_sec - from.ru_utime.tv_sec) + (double)(to.ru_utime.tv_usec - from.ru_utime.tv_usec) / 1e6;
    }
    EVP_PKEY_CTX_free(c.sign);
    EVP_PKEY_CTX_free(c.verify);
    EVP_PKEY_free(c.key);
    EVP_PKEY_free(c.peer);
    return took / (double)n;
}
