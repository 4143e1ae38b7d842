#include "device/tls.h"

#include "wire/rd.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <unistd.h>

static void
x509_done(X509 **cert)
{
    X509_free(*cert);
}

static void
pkey_done(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void
tls_done(SSL_CTX **tls)
{
    SSL_CTX_free(*tls);
}

/* The first certificate is the leaf; those after it are sent with it. */
static enum bm_rc
cert_use(SSL_CTX *tls, OSSL_LIB_CTX *context, struct bm_bytes der, bool leaf, struct bm_fail *fail)
{
    bm_cleanup(x509_done) X509 *cert = X509_new_ex(context, BM_PROVIDER_PROPERTIES);
    const unsigned char *at = der.p;

    if (cert == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    if (d2i_X509(&cert, &at, (long)der.n) == NULL || at != der.p + der.n)
        return bm_fail(fail, BM_EPOLICY, NULL, "a stored certificate cannot be read: enrol again");
    if (leaf ? SSL_CTX_use_certificate(tls, cert) != 1 : SSL_CTX_add1_chain_cert(tls, cert) != 1)
        return bm_fail(fail, BM_EPOLICY, NULL, "TLS refuses a stored certificate: %s", ERR_reason_error_string(ERR_peek_last_error()));
    return BM_OK;
}

enum bm_rc
bm_tls_identity(SSL_CTX *tls, struct bm_provider *provider, struct bm_root *root, const char *service, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_ROOT_CERTS * (BM_MAX_CERT + 4) };
    bm_cleanup(pkey_done) EVP_PKEY *key = NULL;
    char algs[] = "ECDSA+SHA256"; /* libssl's macro wants it writable */
    struct bm_rd rd;
    enum bm_rc rc;

    if ((rc = root->ops->certs(root, service, &certs, fail)) != BM_OK) {
        if (rc == BM_EPOLICY)
            return bm_fail(fail, BM_EPOLICY, NULL, "this device has no identity for service %s: enrol it first", service);
        return rc;
    }
    rd = bm_rd(bm_buf_bytes(&certs));
    for (bool leaf = true; rd.left > 0; leaf = false) {
        struct bm_bytes der = bm_rd_lv32(&rd, BM_MAX_CERT);

        if ((rc = cert_use(tls, bm_provider_context(provider), der, leaf, fail)) != BM_OK)
            return rc;
    }
    if ((rc = bm_provider_key(&key, provider, root, service, fail)) != BM_OK)
        return rc;
    /* req: RFC8446 4.4.3 a P-256 key signs with SHA-256 only; TLS 1.2 would let the server ask for other hashes */
    if (SSL_CTX_use_PrivateKey(tls, key) != 1 || SSL_CTX_set1_client_sigalgs_list(tls, algs) != 1)
        return bm_fail(fail, BM_EPOLICY, NULL, "the certificate of service %s is for another key than the one in the hardware: enrol again",
                       service);
    return BM_OK;
}

static enum bm_rc
server_check(SSL_CTX *tls, const char *ca_file, const char *host, struct bm_fail *fail)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(tls);

    if (access(ca_file, R_OK) == -1)
        return bm_fail(fail, BM_EINPUT, NULL, "%s cannot be read: name the file with the CA's certificate", ca_file);
    if (SSL_CTX_load_verify_file(tls, ca_file) != 1)
        return bm_fail(fail, BM_EINPUT, NULL, "%s holds no certificate in PEM", ca_file);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    /* here and not by SSL_set1_host(), so that a library which only takes our context still checks the name */
    if (X509_VERIFY_PARAM_set1_ip_asc(param, host) != 1 && X509_VERIFY_PARAM_set1_host(param, host, 0) != 1)
        return bm_fail(fail, BM_EINPUT, NULL, "\"%.100s\" is no host name", host);
    ERR_clear_error();
    return BM_OK;
}

enum bm_rc
bm_tls_client(SSL_CTX **ret_tls, struct bm_provider *provider, struct bm_root *root, const char *service, const char *ca_file,
              const char *host, struct bm_fail *fail)
{
    bm_cleanup(tls_done) SSL_CTX *tls = SSL_CTX_new_ex(bm_provider_context(provider), BM_PROVIDER_PROPERTIES, TLS_client_method());
    enum bm_rc rc;

    if (tls == NULL || SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1)
        return bm_fail(fail, BM_ENOMEM, NULL, "libssl makes no context");
    if (*host == '\0')
        return bm_fail(fail, BM_EINPUT, NULL, "the server's host name is empty: without it any server of the CA would do");
    if ((rc = server_check(tls, ca_file, host, fail)) != BM_OK || (rc = bm_tls_identity(tls, provider, root, service, fail)) != BM_OK)
        return rc;
    *ret_tls = bm_take(tls);
    return BM_OK;
}
