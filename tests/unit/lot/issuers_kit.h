/* issuers_kit.h - a root, one certificate between and a chip's, each with whatever fault is wanted. For tests. */
#ifndef BM_TEST_ISSUERS_KIT_H
#define BM_TEST_ISSUERS_KIT_H

#include "kit.h"

#include "lot/chain.h"
#include "pki/tbs.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#define AT 1795000000 /* 2026-11-18 */
#define YEAR 31536000

#define CA "critical,CA:TRUE"
#define NO_PATH "critical,CA:TRUE,pathlen:0"

/* One certificate, as it is asked for. Extensions as libcrypto's configuration spells them; NULL: none. */
struct wanted {
    const char *issuer, *subject; /* NULL: as the chain has it */
    const char *basic, *usage, *aki, *san, *constraints, *points;
    bool unknown_critical, stranger; /* signed by another key */
    bm_time from, until;             /* 0: a year around AT */
};

static EVP_PKEY *root_key, *between_key[2], *leaf_key, *stranger_key; /* between: P-256, and P-521 that our own reader does not know */

static inline void
extension_add(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509_EXTENSION *extension;
    X509V3_CTX ctx;

    if (value == NULL)
        return;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static inline void
unknown_add(X509 *cert)
{
    ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.99999.1", 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension;

    assert_int_equal(ASN1_OCTET_STRING_set(value, (const uint8_t *)"\x05\x00", 2), 1);
    extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, value);
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(oid);
}

static inline void
name_set(X509_NAME *name, const char *cn)
{
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)cn, -1, -1, 0), 1);
}

static inline void
make(struct bm_buf *der, const struct wanted *wanted, const char *issuer, const char *subject, EVP_PKEY *key, EVP_PKEY *by)
{
    static long serial = 1;
    X509 *cert = X509_new();
    uint8_t *bytes = NULL;
    int n;

    assert_int_equal(X509_set_version(cert, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial), 1);
    assert_non_null(ASN1_TIME_set(X509_getm_notBefore(cert), wanted->from != 0 ? wanted->from : AT - YEAR));
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(cert), wanted->until != 0 ? wanted->until : AT + YEAR));
    name_set(X509_get_issuer_name(cert), wanted->issuer != NULL ? wanted->issuer : issuer);
    name_set(X509_get_subject_name(cert), wanted->subject != NULL ? wanted->subject : subject);
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    extension_add(cert, cert, NID_basic_constraints, wanted->basic);
    extension_add(cert, cert, NID_key_usage, wanted->usage);
    extension_add(cert, cert, NID_subject_key_identifier, "hash");
    extension_add(cert, cert, NID_authority_key_identifier, wanted->aki);
    extension_add(cert, cert, NID_subject_alt_name, wanted->san);
    extension_add(cert, cert, NID_name_constraints, wanted->constraints);
    extension_add(cert, cert, NID_crl_distribution_points, wanted->points);
    if (wanted->unknown_critical)
        unknown_add(cert);
    assert_true(X509_sign(cert, wanted->stranger ? stranger_key : by, EVP_sha384()) > 0);
    n = i2d_X509(cert, &bytes);
    assert_true(n > 0);
    bm_buf_reset(der);
    der->max = BM_MAX_CERT;
    bm_buf_add(der, bytes, (size_t)n);
    OPENSSL_free(bytes);
    X509_free(cert);
}

static inline int
keys_open(void **state)
{
    root_key = EVP_EC_gen("P-256");
    between_key[0] = EVP_EC_gen("P-256");
    between_key[1] = EVP_EC_gen("P-521");
    leaf_key = EVP_EC_gen("P-256");
    stranger_key = EVP_EC_gen("P-256");
    return kit_crypto_open(state);
}

static inline int
keys_close(void **state)
{
    EVP_PKEY_free(root_key);
    EVP_PKEY_free(between_key[0]);
    EVP_PKEY_free(between_key[1]);
    EVP_PKEY_free(leaf_key);
    EVP_PKEY_free(stranger_key);
    return kit_crypto_close(state);
}

struct tree {
    struct bm_buf root, between, leaf;
    struct bm_bytes root_der, between_der;
    struct bm_issuers *issuers;
    EVP_PKEY *key; /* between's */
};

static inline void
tree_done(struct tree *tree)
{
    bm_buf_done(&tree->root);
    bm_buf_done(&tree->between);
    bm_buf_done(&tree->leaf);
    bm_issuers_done(tree->issuers);
    free(tree->issuers);
}

static const struct wanted good_ca __attribute__((unused)) = { .basic = CA, .usage = "critical,keyCertSign" };
static const struct wanted good_leaf
    __attribute__((unused)) = { .basic = "critical,CA:FALSE", .usage = "critical,digitalSignature", .san = "DNS:chip.example.com" };

static inline void
tree_open(struct tree *tree, const struct wanted *root, const struct wanted *between, EVP_PKEY *key)
{
    *tree = (struct tree){ .key = key, .issuers = calloc(1, sizeof(*tree->issuers)) };
    assert_non_null(tree->issuers);
    make(&tree->root, root, "root", "root", root_key, root_key);
    make(&tree->between, between, "root", "between", key, root_key);
    tree->root_der = bm_buf_bytes(&tree->root);
    tree->between_der = bm_buf_bytes(&tree->between);
}

#endif
