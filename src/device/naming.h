/* naming.h - which identity is meant, by root of trust and service: as the text of a key file, as a store URI (docs/formats/identity.md). */
#ifndef BM_NAMING_H
#define BM_NAMING_H

#include "base/bytes.h"
#include "device/root_uri.h"

#define BM_MAX_NAMING 2048                 /* a key file's text, and its DER */
#define BM_NAMING_PEM "BIRTHMARK IDENTITY" /* the label of a key file */

struct bm_naming {
    char root[BM_MAX_ROOT_URI + 1]; /* "": the one of BIRTHMARK_ROOT, else of openssl.cnf */
    char service[BM_MAX_NAME + 1];
};

/*
 * A root's URI into a naming. A PKCS#11 module is code: what is passed around as data may not name one, so module-path is left out. BM_EINPUT: it holds
 * a PIN, does not fit, or is not printable.
 */
bm_must_use enum bm_rc bm_naming_root_set(struct bm_naming *naming, const char *root, struct bm_fail *fail);

/* DER: a UTF8String of the text. Parsing refuses a root with module-path or pin-value. */
void bm_naming_der_build(struct bm_buf *der, const struct bm_naming *naming);
bm_must_use enum bm_rc bm_naming_der_parse(struct bm_naming *ret, struct bm_bytes der, struct bm_fail *fail);

/* A whole key file: two lines for the reader, then PEM of the DER. Parsing takes one block and skips what is before it. */
void bm_naming_file_build(struct bm_buf *pem, const struct bm_naming *naming);
bm_must_use enum bm_rc bm_naming_file_parse(struct bm_naming *ret, struct bm_bytes pem, struct bm_fail *fail);

/* birthmark:service=NAME[;root=URI], values percent-encoded (RFC 3986 2.1), each attribute once. */
bm_must_use enum bm_rc bm_naming_uri_parse(struct bm_naming *ret, const char *uri, struct bm_fail *fail);

/* "pkcs11:..." with module-path=MODULE in its query; any other URI as it is. BM_EINPUT: longer than n - 1. */
bm_must_use enum bm_rc bm_naming_with_module(char *ret_uri, size_t n, const char *uri, const char *module, struct bm_fail *fail);

#endif
