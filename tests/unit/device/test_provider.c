/* test_provider.c - the provider as a program loads it: many threads sign with one key, and so does a process that was forked off. */
#include "birthmark.h"

#include "root/root.h"

#include "ca_kit.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/provider.h>

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4
#define SIGNATURES 25 /* each */

static struct bm_fail fail;

/* An identity "many" in the root, and its key file. */
static void
key_file_make(const char *uri, const char *path)
{
    bm_cleanup(bm_root_done) struct bm_root *root = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf leaf = { .max = BM_MAX_CERT };
    struct birthmark *bm = birthmark_new();
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE };
    static struct bm_leaf chip; /* 9 KiB */
    struct bm_key key;

    assert_int_equal(bm_root_open(&root, uri, &fail), BM_OK);
    assert_int_equal(root->ops->identify(root, true, &chip, &certs, &fail), BM_OK);
    assert_int_equal(root->ops->key_new(root, "many", &key, &fail), BM_OK);
    testca_issue(&ca, &key, 7, &leaf);
    assert_int_equal(root->ops->commit(root, "many", (const struct bm_bytes[]){ bm_buf_bytes(&leaf) }, 1, &fail), BM_OK);
    bm_root_done(&root);
    assert_int_equal(birthmark_open(bm, uri), BIRTHMARK_OK);
    assert_int_equal(birthmark_key_file(bm, "many", path), BIRTHMARK_OK);
    birthmark_free(bm);
}

/* A library context as OPENSSL_CONF would make it. */
struct context {
    OSSL_LIB_CTX *lib;
    OSSL_PROVIDER *usual, *ours;
    EVP_PKEY *key;
};

static struct context
context_open(const char *key_file)
{
    struct context c = { .lib = OSSL_LIB_CTX_new() };
    BIO *in = BIO_new_file(key_file, "r");

    assert_int_equal(OSSL_PROVIDER_set_default_search_path(c.lib, getenv("BM_MODULES")), 1);
    assert_non_null(c.usual = OSSL_PROVIDER_load(c.lib, "default"));
    assert_non_null(c.ours = OSSL_PROVIDER_load(c.lib, "birthmark"));
    assert_non_null(in);
    c.key = PEM_read_bio_PrivateKey_ex(in, NULL, NULL, NULL, c.lib, "?provider=default");
    if (c.key == NULL)
        ERR_print_errors_fp(stderr);
    assert_non_null(c.key);
    BIO_free(in);
    return c;
}

static void
context_close(struct context *c)
{
    EVP_PKEY_free(c->key);
    assert_int_equal(OSSL_PROVIDER_unload(c->ours), 1);
    assert_int_equal(OSSL_PROVIDER_unload(c->usual), 1);
    OSSL_LIB_CTX_free(c->lib);
}

static bool
signs(const struct context *c, const char *text)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new(), *check = EVP_MD_CTX_new();
    unsigned char signature[80];
    size_t n = sizeof(signature);
    EVP_PKEY *public = NULL;
    unsigned char *der = NULL;
    const unsigned char *at;
    int nder = i2d_PUBKEY(c->key, &der);
    bool good;

    at = der;
    good = nder > 0 && (public = d2i_PUBKEY_ex(NULL, &at, nder, c->lib, "provider=default")) != NULL &&
           EVP_DigestSignInit_ex(ctx, NULL, "SHA256", c->lib, "?provider=default", c->key, NULL) == 1 &&
           EVP_DigestSign(ctx, signature, &n, (const unsigned char *)text, strlen(text)) == 1 &&
           EVP_DigestVerifyInit_ex(check, NULL, "SHA256", c->lib, "?provider=default", public, NULL) == 1 &&
           EVP_DigestVerify(check, signature, n, (const unsigned char *)text, strlen(text)) == 1;
    EVP_PKEY_free(public);
    OPENSSL_free(der);
    EVP_MD_CTX_free(ctx);
    EVP_MD_CTX_free(check);
    return good;
}

static void *
sign_many(void *c)
{
    unsigned good = 0;
    char text[64];

    for (unsigned i = 0; i < SIGNATURES; i++) {
        (void)snprintf(text, sizeof(text), "%u of %p", i, (const void *)text);
        good += signs(c, text);
    }
    return good == SIGNATURES ? c : NULL;
}

static void
threads_share_a_key(void **state)
{
    struct context c;
    pthread_t threads[THREADS];
    char path[128];
    void *good;

    (void)snprintf(path, sizeof(path), "%s/many.key", chips.dir);
    key_file_make(*state, path);
    c = context_open(path);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_many, &c), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &good), 0);
        assert_non_null(good);
    }
    context_close(&c);
}

/* nginx loads its keys, then forks its workers; this one forks after the first signature too. */
static void
a_fork_opens_the_root_anew(void **state)
{
    struct context c;
    char path[128];
    int status;
    pid_t child;

    (void)snprintf(path, sizeof(path), "%s/many.key", chips.dir);
    key_file_make(*state, path);
    c = context_open(path);
    for (int round = 0; round < 2; round++) {
        if ((child = fork()) == 0)
            _exit(signs(&c, "child") && signs(&c, "child again") ? 0 : 1);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        assert_true(signs(&c, "parent"));
    }
    context_close(&c);
}

#define SUITE(kind)                                                                                  \
    { "threads_share_a_key " #kind, threads_share_a_key, NULL, NULL, chips.uri[kind] },              \
    {                                                                                                \
        "a_fork_opens_the_root_anew " #kind, a_fork_opens_the_root_anew, NULL, NULL, chips.uri[kind] \
    }

int
main(void)
{
    const struct CMUnitTest tests[] = { SUITE(VIRTUAL_SOFT), SUITE(VIRTUAL_PKCS11), SUITE(VIRTUAL_TPM2) };

    return cmocka_run_group_tests(tests, ca_start, ca_stop);
}
