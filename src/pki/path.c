/* path.c - paths over X509_verify_cert (cert.h). The only file of the room that uses libcrypto's X.509: it is not on the issuing path. */
#include "pki/cert.h"

#include "digest/libcrypto.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#define MAX_CERTS 1024 /* of one call: a chipmaker publishes up to about 150 */
#define MAX_DEPTH 8    /* intermediates: real paths have one to three */
#define AUTH_LEVEL 2   /* 112 bits: RSA 2048, P-256, SHA-256 and better; the default would take SHA-1 and RSA 1024 */

static void
store_done(X509_STORE **store)
{
    X509_STORE_free(*store);
}

static void
store_ctx_done(X509_STORE_CTX **ctx)
{
    X509_STORE_CTX_free(*ctx);
}

static void
stack_done(STACK_OF(X509) * *stack)
{
    sk_X509_pop_free(*stack, X509_free);
}

static X509 *
x509_parse(struct bm_bytes der)
{
    const uint8_t *p = der.p;
    X509 *cert = der.n > 0 && der.n <= BM_MAX_CERT ? d2i_X509(NULL, &p, (long)der.n) : NULL;

    if (cert != NULL && p != der.p + der.n) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

static enum bm_rc
unreadable(struct bm_fail *fail, const char *which, size_t i)
{
    ERR_clear_error();
    return bm_fail(fail, BM_EINPUT, "RFC 5280 4.1", "%s %zu cannot be read as a certificate", which, i + 1);
}

static enum bm_rc
no_memory(struct bm_fail *fail)
{
    ERR_clear_error();
    return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to check a certificate path");
}

/* Read once, in the order given: anchors, then those between. */
static enum bm_rc
certs_read(STACK_OF(X509) * stack, struct bm_certs certs, const char *which, struct bm_fail *fail)
{
    for (size_t i = 0; i < certs.n; i++) {
        bm_cleanup(bm_x509_done) X509 *cert = x509_parse(certs.der[i]);

        if (cert == NULL)
            return unreadable(fail, which, i);
        if (sk_X509_push(stack, cert) <= 0)
            return no_memory(fail);
        (void)bm_take(cert);
    }
    return BM_OK;
}

/*
 * Any purpose: endorsement, manifest signing and device certificates share no extended key usage. Partial chains: whoever pinned a
 * certificate trusts it, self-signed or not. Not X509_V_FLAG_X509_STRICT: vendors' roots lack key usage and key identifiers.
 */
static bool
params_set(X509_STORE_CTX *ctx, bm_time at)
{
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);

    X509_VERIFY_PARAM_set_time(param, (time_t)at);
    X509_VERIFY_PARAM_set_depth(param, MAX_DEPTH);
    X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
    return X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY) == 1 &&
           X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) == 1;
}

/* req: RFC5280 4.1.2.5 notAfter is the last second of validity; libcrypto takes it for the first one after */
static int
last_second(int ok, X509_STORE_CTX *ctx)
{
    X509 *cert = X509_STORE_CTX_get_current_cert(ctx);
    time_t at = X509_VERIFY_PARAM_get_time(X509_STORE_CTX_get0_param(ctx));

    if (ok != 0 || cert == NULL || X509_STORE_CTX_get_error(ctx) != X509_V_ERR_CERT_HAS_EXPIRED)
        return ok;
    return ASN1_TIME_cmp_time_t(X509_get0_notAfter(cert), at) == 0;
}

static enum bm_rc
refuse(X509_STORE_CTX *ctx, struct bm_fail *fail)
{
    X509 *cert = X509_STORE_CTX_get_current_cert(ctx);
    int depth = X509_STORE_CTX_get_error_depth(ctx), error = X509_STORE_CTX_get_error(ctx);
    const char *why = X509_verify_cert_error_string(error);
    uint8_t *der = NULL;
    char name[160] = "";
    int n;

    ERR_clear_error();
    if (error == X509_V_ERR_OUT_OF_MEM)
        return no_memory(fail);
    if (cert != NULL && (n = i2d_X509_NAME(X509_get_subject_name(cert), &der)) > 0)
        bm_name_print(name, sizeof(name), bm_bytes(der, (size_t)n));
    OPENSSL_free(der);
    return bm_fail(fail, BM_EPOLICY, "RFC 5280 6.1", "the certificate does not lead to a trusted one: %s (%s, %d above it)", why, name,
                   depth);
}

/* libcrypto's path is made of the very objects that it was given. */
static struct bm_bytes
as_given(STACK_OF(X509) * stack, struct bm_certs certs, const X509 *cert)
{
    for (int i = 0; i < sk_X509_num(stack); i++)
        if (sk_X509_value(stack, i) == cert)
            return certs.der[i];
    return bm_bytes(NULL, 0);
}

static bool
marked(const X509 *cert)
{
    uint8_t *der = NULL;
    int n = i2d_X509(cert, &der);
    bool mark = n > 0 && bm_cert_test_mark(bm_bytes(der, (size_t)n));

    OPENSSL_free(der);
    return mark;
}

/* What is made for tests counts under a test anchor only; and under that one no CA that says nothing of it. A device's own certificate may say nothing. */
static enum bm_rc
mark_check(STACK_OF(X509) * chain, struct bm_fail *fail)
{
    int last = sk_X509_num(chain) - 1;
    bool test = last >= 0 && marked(sk_X509_value(chain, last));

    for (int i = test ? 1 : 0; i < last; i++)
        if (marked(sk_X509_value(chain, i)) != test)
            return bm_fail(
                fail, BM_EPOLICY, NULL,
                test ? "a CA that bears no test mark stands under a test root: give the chain of one hierarchy"
                     : "a certificate of a test hierarchy stands under a root that is none: nothing of a test counts in production");
    return BM_OK;
}

enum bm_rc
bm_path_find(struct bm_path *ret_path, struct bm_bytes leaf, struct bm_certs between, struct bm_certs anchors, bm_time at,
             struct bm_fail *fail)
{
    bm_cleanup(stack_done) STACK_OF(X509) *above = sk_X509_new_null();
    bm_cleanup(stack_done) STACK_OF(X509) *ends = sk_X509_new_null();
    bm_cleanup(store_done) X509_STORE *store = X509_STORE_new();
    bm_cleanup(store_ctx_done) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    bm_cleanup(bm_x509_done) X509 *cert = NULL;
    enum bm_rc rc;

    if (above == NULL || ends == NULL || store == NULL || ctx == NULL)
        return no_memory(fail);
    if (between.n > MAX_CERTS || anchors.n > MAX_CERTS)
        return bm_fail(fail, BM_EINPUT, NULL, "there are more than %d certificates to find a path in", MAX_CERTS);
    if ((cert = x509_parse(leaf)) == NULL)
        return unreadable(fail, "certificate", 0);
    if ((rc = certs_read(ends, anchors, "trust anchor", fail)) != BM_OK ||
        (rc = certs_read(above, between, "intermediate certificate", fail)) != BM_OK)
        return rc;
    for (int i = 0; i < sk_X509_num(ends); i++)
        if (X509_STORE_add_cert(store, sk_X509_value(ends, i)) != 1)
            return no_memory(fail);
    if (X509_STORE_CTX_init(ctx, store, cert, above) != 1 || !params_set(ctx, at))
        return no_memory(fail);
    X509_STORE_CTX_set_verify_cb(ctx, last_second);
    if (X509_verify_cert(ctx) != 1)
        return refuse(ctx, fail);
    if ((rc = mark_check(X509_STORE_CTX_get0_chain(ctx), fail)) != BM_OK)
        return rc;
    *ret_path = (struct bm_path){ .n = 0 };
    for (int i = 1; i < sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) && ret_path->n < BM_MAX_PATH; i++) {
        const X509 *one = sk_X509_value(X509_STORE_CTX_get0_chain(ctx), i);
        struct bm_bytes der = as_given(ends, anchors, one);

        ret_path->above[ret_path->n++] = der.n > 0 ? der : as_given(above, between, one);
    }
    return BM_OK;
}

enum bm_rc
bm_path_check(struct bm_bytes leaf, struct bm_certs between, struct bm_certs anchors, bm_time at, struct bm_fail *fail)
{
    struct bm_path ignored;

    return bm_path_find(&ignored, leaf, between, anchors, at, fail);
}
