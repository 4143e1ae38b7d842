/* bench_pki.c - what issuing costs without anything around it: request read and verified, certificate built and signed; one core, P-256. */
#include "pki/csr.h"
#include "pki/oid.h"
#include "pki/private.h"
#include "pki/tbs.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define REQUESTS 64
#define SECONDS 2.0

static double
now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct bm_fail fail;

static void
must(enum bm_rc rc)
{
    if (rc == BM_OK)
        return;
    (void)fprintf(stderr, "bench_pki: %s\n", fail.text);
    exit(3);
}

struct bench {
    struct bm_crypto *crypto;
    struct bm_private *ca;
    struct bm_profile profile;
    struct bm_issuer issuer;
    struct bm_buf requests[REQUESTS];
    struct bm_buf tbs, signature, cert;
    size_t next;
};

static void
request_make(struct bm_buf *csr)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf info = { .max = BM_MAX_CSR }, signature = { .max = BM_MAX_SIGNATURE };

    csr->max = BM_MAX_CSR;
    must(bm_private_generate(&key, BM_KEY_P256, &fail));
    bm_csr_info_build(&info, bm_key_spki(bm_private_public(key)), NULL);
    must(bm_private_sign(key, bm_buf_bytes(&info), &signature, &fail));
    bm_csr_build(csr, bm_buf_bytes(&info), bm_private_alg(key), bm_buf_bytes(&signature));
}

static void
issue_one(struct bench *b)
{
    static const uint8_t serial[20] = { 1 };
    static const char hw_serial[] = "0123456789";
    struct bm_subject subject = { "bm-0001", "Example", BM_OID(bm_oid_hw_part), bm_bytes(hw_serial, 10) };
    struct bm_csr csr;

    must(bm_csr_parse(&csr, bm_buf_bytes(&b->requests[b->next++ % REQUESTS]), &fail));
    must(bm_csr_check(b->crypto, &csr, &fail));
    bm_buf_reset(&b->tbs);
    bm_buf_reset(&b->signature);
    bm_buf_reset(&b->cert);
    must(bm_tbs_build(&b->tbs, &b->profile, &b->issuer, &subject, bm_key_spki(&csr.key), bm_bytes(serial, 20), 1764000000,
                      1764000000 + 86400, &fail));
    must(bm_private_sign(b->ca, bm_buf_bytes(&b->tbs), &b->signature, &fail));
    bm_signed_build(&b->cert, bm_buf_bytes(&b->tbs), b->issuer.alg, bm_buf_bytes(&b->signature));
    must(bm_buf_check(&b->cert, "the certificate", &fail));
}

/* The same and the signature checked, as the signer does before anything leaves. */
static void
issue_and_verify(struct bench *b)
{
    issue_one(b);
    must(bm_key_verify(b->crypto, bm_private_public(b->ca), b->issuer.alg, bm_buf_bytes(&b->tbs), bm_buf_bytes(&b->signature), &fail));
}

static void
template_one(struct bench *b)
{
    static const uint8_t serial[20] = { 1 };
    struct bm_subject subject = { "bm-0001", "Example", BM_OID(bm_oid_hw_part), bm_bytes("0123456789", 10) };
    struct bm_csr csr;

    must(bm_csr_parse(&csr, bm_buf_bytes(&b->requests[b->next++ % REQUESTS]), &fail));
    bm_buf_reset(&b->tbs);
    must(bm_tbs_build(&b->tbs, &b->profile, &b->issuer, &subject, bm_key_spki(&csr.key), bm_bytes(serial, 20), 1764000000,
                      1764000000 + 86400, &fail));
}

/* The ceiling: one bare verification and one bare signature, contexts ready. */
static double
ceiling(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY_CTX *sign = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL), *verify = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    uint8_t hash[32] = { 1 }, sig[80];
    size_t n = 0, nsig = sizeof(sig);
    double start = now(), took;

    if (EVP_PKEY_sign_init(sign) != 1 || EVP_PKEY_verify_init(verify) != 1)
        exit(3);
    while ((took = now() - start) < SECONDS) {
        nsig = sizeof(sig);
        if (EVP_PKEY_sign(sign, sig, &nsig, hash, sizeof(hash)) != 1 || EVP_PKEY_verify(verify, sig, nsig, hash, sizeof(hash)) != 1)
            exit(3);
        n++;
    }
    EVP_PKEY_CTX_free(sign);
    EVP_PKEY_CTX_free(verify);
    EVP_PKEY_free(key);
    return (double)n / took;
}

static void
run(const char *name, void (*one)(struct bench *), struct bench *b, double top)
{
    size_t n = 0;
    double start = now(), took;

    while ((took = now() - start) < SECONDS) {
        one(b);
        n++;
    }
    (void)printf("%s %.0f per-second ratio %.2f against %.0f\n", name, (double)n / took, (double)n / took / top, top);
}

int
main(void)
{
    bm_cleanup(bm_buf_done) struct bm_buf name = { .max = BM_MAX_DN };
    struct bench b = { .tbs = { .max = BM_MAX_CERT }, .signature = { .max = BM_MAX_SIGNATURE }, .cert = { .max = BM_MAX_CERT } };
    double top;

    must(bm_crypto_new(&b.crypto, &fail));
    must(bm_private_generate(&b.ca, BM_KEY_P256, &fail));
    must(bm_profile_parse(&b.profile, bm_bytes_str(bm_profile_builtin(0)), &fail));
    bm_name_build(&name, "Example", "Operational CA");
    b.issuer = (struct bm_issuer){
        .subject = bm_buf_bytes(&name), .alg = bm_private_alg(b.ca), .not_after = BM_TIME_NEVER, .crl_url = "http://ca.example/crl"
    };
    for (size_t i = 0; i < REQUESTS; i++)
        request_make(&b.requests[i]);
    top = ceiling();
    run("pki-issue", issue_one, &b, top);
    run("pki-issue-and-verify-the-signature", issue_and_verify, &b, top);
    run("pki-read-request-and-build-template", template_one, &b, top);
    for (size_t i = 0; i < REQUESTS; i++)
        bm_buf_done(&b.requests[i]);
    bm_buf_done(&b.tbs);
    bm_buf_done(&b.signature);
    bm_buf_done(&b.cert);
    bm_private_free(b.ca);
    bm_crypto_free(b.crypto);
    return 0;
}
