/*
 * bench_provider.c - what OpenSSL's provider adds to a signature: EVP_DigestSign() from its context's making to its end, as TLS calls it for each
 * handshake, against SHA-256 and the bare call of the hardware's library: C_Sign (SoftHSM, by its time on the processor), Esys_Sign (swtpm, another
 * process: by the clock). In turns.
 */
#include "device/provider.h"
#include "p11/p11.h"
#include "root/tpm2.h"

#include "virtual.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TURNS 60
#define A_TURN 50
#define TBS 130 /* what TLS 1.3 signs (RFC 8446 4.4.3) */

static struct bm_fail fail;

static void
must(bool good, const char *what)
{
    if (good)
        return;
    (void)fprintf(stderr, "bench_provider: %s: %s\n", what, fail.text);
    exit(3);
}

static double
now(clockid_t clock)
{
    struct timespec t;

    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct bench {
    struct bm_root *root;
    struct bm_provider *provider;
    EVP_PKEY *key;
    struct bm_p11 token;
    CK_OBJECT_HANDLE private;
};

/* With the root's own session: its token is logged in. */
static void
by_token(struct bench *b, const uint8_t tbs[static TBS])
{
    CK_MECHANISM mechanism = { .mechanism = CKM_ECDSA };
    uint8_t in[BM_HASH], raw[64];
    CK_ULONG n = sizeof(raw);

    must(EVP_Q_digest(NULL, "SHA256", NULL, tbs, TBS, in, NULL) == 1, "SHA-256");
    must(b->token.fn->C_SignInit(b->token.session, &mechanism, b->private) == CKR_OK, "C_SignInit");
    must(b->token.fn->C_Sign(b->token.session, in, sizeof(in), raw, &n) == CKR_OK, "C_Sign");
}

/* With the root's own connection: swtpm takes one. */
static void
by_tpm(struct bench *b, const uint8_t tbs[static TBS])
{
    static const TPMT_SIG_SCHEME scheme = { .scheme = TPM2_ALG_ECDSA, .details.ecdsa.hashAlg = TPM2_ALG_SHA256 };
    static const TPMT_TK_HASHCHECK no_ticket = { .tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL };
    const struct bm_tpm2 *tpm = (const struct bm_tpm2 *)b->root;
    TPM2B_DIGEST digest = { .size = BM_HASH };
    TPMT_SIGNATURE *made = NULL;

    must(EVP_Q_digest(NULL, "SHA256", NULL, tbs, TBS, digest.buffer, NULL) == 1, "SHA-256");
    must(Esys_Sign(tpm->esys, tpm->loaded, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &digest, &scheme, &no_ticket, &made) ==
             TSS2_RC_SUCCESS,
         "Esys_Sign");
    Esys_Free(made);
}

static void
by_provider(struct bench *b, const uint8_t tbs[static TBS])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t signature[80];
    size_t n = sizeof(signature);

    must(ctx != NULL &&
             EVP_DigestSignInit_ex(ctx, NULL, "SHA256", bm_provider_context(b->provider), BM_PROVIDER_PROPERTIES, b->key, NULL) == 1 &&
             EVP_DigestSign(ctx, signature, &n, tbs, TBS) == 1,
         "EVP_DigestSign");
    EVP_MD_CTX_free(ctx);
}

/* Any certificate will do: a key is live with one beside it. */
static int
cert_make(unsigned char **der)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    int n;

    must(key != NULL && cert != NULL && ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) == 1 &&
             X509_set_version(cert, X509_VERSION_3) == 1 &&
             X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8, (const unsigned char *)"bench", -1, -1, 0) == 1 &&
             X509_set_issuer_name(cert, X509_get_subject_name(cert)) == 1 && X509_gmtime_adj(X509_getm_notBefore(cert), 0) != NULL &&
             X509_gmtime_adj(X509_getm_notAfter(cert), 86400) != NULL && X509_set_pubkey(cert, key) == 1 &&
             X509_sign(cert, key, EVP_sha256()) > 0,
         "a certificate");
    n = i2d_X509(cert, der);
    X509_free(cert);
    EVP_PKEY_free(key);
    return n;
}

static void
bench_open(struct bench *b, const char *uri, bool token)
{
    CK_OBJECT_HANDLE found[BM_P11_FOUND];
    struct bm_key key;
    size_t n = 0;
    unsigned char *der = NULL;
    int nder = cert_make(&der);
    const struct bm_bytes cert = { der, (size_t)nder };

    must(bm_root_open(&b->root, uri, &fail) == BM_OK && b->root->ops->key_new(b->root, "bench", &key, &fail) == BM_OK &&
             b->root->ops->commit(b->root, "bench", &cert, 1, &fail) == BM_OK && bm_provider_new(&b->provider, &fail) == BM_OK &&
             bm_provider_key(&b->key, b->provider, b->root, "bench", &fail) == BM_OK,
         uri);
    OPENSSL_free(der);
    if (!token)
        return;
    must(bm_p11_open(&b->token, BM_P11_ROOT, uri + strlen("pkcs11:"), &fail) == BM_OK &&
             bm_p11_find(&b->token, CKO_PRIVATE_KEY, "birthmark:bench", bm_bytes(NULL, 0), found, &n, &fail) == BM_OK && n == 1,
         "the bare token");
    b->private = found[0];
}

static void
bench_close(struct bench *b)
{
    EVP_PKEY_free(b->key);
    bm_provider_free(b->provider);
    bm_p11_close(&b->token);
    bm_root_close(b->root);
}

static int
order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The middle one of the turns: another process's burst falls on one or two. */
static void
compare(struct bench *b, const char *name, void (*bare)(struct bench *b, const uint8_t tbs[static TBS]), const char *call, clockid_t clock)
{
    static const uint8_t tbs[TBS] = { 0x20 };
    double with[TURNS], without[TURNS], ratio[TURNS];

    by_provider(b, tbs); /* loads the key */
    for (unsigned i = 0; i < TURNS; i++) {
        double from = now(clock), middle;

        for (unsigned j = 0; j < A_TURN; j++)
            by_provider(b, tbs);
        middle = now(clock);
        for (unsigned j = 0; j < A_TURN; j++)
            bare(b, tbs);
        with[i] = (middle - from) / A_TURN * 1e6;
        without[i] = (now(clock) - middle) / A_TURN * 1e6;
        ratio[i] = with[i] / without[i];
    }
    qsort(with, TURNS, sizeof(double), order);
    qsort(without, TURNS, sizeof(double), order);
    qsort(ratio, TURNS, sizeof(double), order);
    (void)printf("provider-sign-%s %.1f us ratio %.3f against %.1f us of bare %s (at most 1.10 asked)\n", name, with[TURNS / 2],
                 ratio[TURNS / 2], without[TURNS / 2], call);
}

int
main(void)
{
    struct virtual chips;
    struct bench token = { 0 }, tpm = { 0 };

    if (!virtual_start(&chips))
        return 3;
    bench_open(&token, chips.uri[VIRTUAL_PKCS11], true);
    compare(&token, "pkcs11", by_token, "C_Sign", CLOCK_PROCESS_CPUTIME_ID);
    bench_close(&token);
    bench_open(&tpm, chips.uri[VIRTUAL_TPM2], false);
    compare(&tpm, "tpm2", by_tpm, "Esys_Sign", CLOCK_MONOTONIC);
    bench_close(&tpm);
    virtual_stop(&chips);
    return 0;
}
