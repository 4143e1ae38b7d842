#include "device/naming.h"

#include "pki/cert.h"
#include "wire/der.h"
#include "wire/lines.h"
#include "wire/text.h"

#include <stdio.h>
#include <strings.h>

#define HEAD "birthmark/identity/v1"
#define SCHEME "birthmark:"

/* One attribute of a PKCS#11 URI's query ("module-path=...") that begins at `at`, its length without the '&' behind it. */
static size_t
attribute_size(const char *at)
{
    return strcspn(at, "&");
}

/* Does the query of a PKCS#11 URI have this attribute? */
static bool
query_has(const char *uri, const char *name)
{
    const char *at = strchr(uri, '?');

    if (strncmp(uri, "pkcs11:", 7) != 0)
        return false;
    for (; at != NULL && *at != '\0'; at = strchr(at, '&')) {
        at++;
        if (strncasecmp(at, name, strlen(name)) == 0)
            return true;
    }
    return false;
}

static enum bm_rc
root_check(const char *root, struct bm_fail *fail)
{
    if (strncmp(root, "pkcs11:", 7) == 0 && root[strcspn(root, " \t\r\n\v\f")] != '\0') /* p11-kit drops blanks, also within a name */
        return bm_fail(fail, BM_EINPUT, "RFC 7512 2", "a PKCS#11 URI has no blanks: write %%20 for one");
    if (query_has(root, "module-path="))
        return bm_fail(fail, BM_EINPUT, NULL,
                       "what names an identity may not name a PKCS#11 module: set pkcs11-module in the provider's section of openssl.cnf");
    if (query_has(root, "pin-value="))
        return bm_fail(fail, BM_EINPUT, NULL, "what names an identity may not hold a PIN: write pin-source=FILE in the root's URI");
    return BM_OK;
}

enum bm_rc
bm_naming_root_set(struct bm_naming *naming, const char *root, struct bm_fail *fail)
{
    struct bm_buf out = bm_buf_in((uint8_t *)naming->root, sizeof(naming->root));
    const char *query = strncmp(root, "pkcs11:", 7) == 0 ? strchr(root, '?') : NULL;
    size_t head = query != NULL ? (size_t)(query - root) : strlen(root), n;

    bm_buf_add(&out, root, head);
    for (const char *at = query; at != NULL && *at != '\0'; at += n) {
        n = attribute_size(++at);
        if (strncasecmp(at, "module-path=", 12) == 0)
            continue;
        bm_buf_add_u8(&out, out.n == head ? '?' : '&');
        bm_buf_add(&out, at, n);
    }
    bm_buf_add_u8(&out, '\0');
    if (out.bad)
        return bm_fail(fail, BM_EINPUT, NULL, "the root's URI is longer than %d bytes", BM_MAX_ROOT_URI);
    for (const uint8_t *at = out.p; *at != '\0'; at += n) {
        if ((n = bm_utf8_size(at, strlen((const char *)at))) == 0)
            return bm_fail(fail, BM_EINPUT, NULL, "the root's URI holds what is no printable character");
    }
    if (naming->root[0] == ' ' || (out.n > 1 && out.p[out.n - 2] == ' '))
        return bm_fail(fail, BM_EINPUT, NULL, "the root's URI has a blank at an end");
    return root_check(naming->root, fail);
}

static void
text_build(struct bm_buf *text, const struct bm_naming *naming)
{
    bm_buf_add_str(text, HEAD "\n");
    if (naming->root[0] != '\0')
        bm_lines_add(text, "root", naming->root);
    bm_lines_add(text, "service", naming->service);
}

static enum bm_rc
text_parse(struct bm_naming *ret, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_lines lines = bm_lines_open(text, HEAD, "the key file", fail);
    struct bm_naming naming = { 0 };
    struct bm_bytes root = { 0 };
    enum bm_rc rc;

    (void)bm_lines_have(&lines, "root", &root);
    bm_lines_name(&lines, "service", naming.service, BM_MAX_NAME);
    if ((rc = bm_lines_close(&lines)) != BM_OK)
        return rc;
    if (root.n > BM_MAX_ROOT_URI)
        return bm_fail(fail, BM_EINPUT, NULL, "the key file's root is longer than %d bytes", BM_MAX_ROOT_URI);
    if (root.n > 0)
        memcpy(naming.root, root.p, root.n);
    if ((rc = root_check(naming.root, fail)) != BM_OK)
        return rc;
    *ret = naming;
    return BM_OK;
}

void
bm_naming_der_build(struct bm_buf *der, const struct bm_naming *naming)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_NAMING };

    text_build(&text, naming);
    if (text.bad)
        der->bad = true;
    bm_der_add(der, BM_DER_UTF8, bm_buf_bytes(&text));
}

enum bm_rc
bm_naming_der_parse(struct bm_naming *ret, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(der);
    struct bm_bytes text = bm_der_take(&rd, BM_DER_UTF8);

    if (!bm_rd_end(&rd))
        return bm_fail(fail, BM_EINPUT, NULL,
                       "the key file holds no DER UTF8String: write it again with birthmark-agent identity list --key-file");
    return text_parse(ret, text, fail);
}

void
bm_naming_file_build(struct bm_buf *pem, const struct bm_naming *naming)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_NAMING };

    bm_naming_der_build(&der, naming);
    if (der.bad)
        pem->bad = true;
    bm_buf_add_fmt(pem, "No key is in this file. It names the one that this device's hardware keeps for service %s,\n", naming->service);
    bm_buf_add_fmt(pem, "for programs with OpenSSL's provider birthmark: see birthmark-agent(1). Root: %s\n", naming->root);
    bm_pem_build(pem, BM_NAMING_PEM, bm_buf_bytes(&der));
}

struct found {
    struct bm_naming *naming;
    unsigned blocks;
};

static enum bm_rc
block_take(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    struct found *found = ctx;

    if (found->blocks++ > 0)
        return bm_fail(fail, BM_EINPUT, NULL, "the key file names more than one identity");
    return bm_naming_der_parse(found->naming, der, fail);
}

enum bm_rc
bm_naming_file_parse(struct bm_naming *ret, struct bm_bytes pem, struct bm_fail *fail)
{
    struct bm_naming naming;
    struct found found = { .naming = &naming };
    enum bm_rc rc;

    if ((rc = bm_pem_parse(pem, BM_NAMING_PEM, block_take, &found, fail)) == BM_OK)
        *ret = naming;
    return rc;
}

/* A value up to ';' or the end, its percent-encoding undone. */
static bool
value_take(char *ret, size_t room, const char **at)
{
    size_t n = 0;

    while (**at != '\0' && **at != ';') {
        uint8_t byte = (uint8_t) * *at;
        struct bm_fail fail;

        if (byte == '%') {
            if ((*at)[1] == '\0' || (*at)[2] == '\0' || bm_hex_parse(&byte, 1, bm_bytes(*at + 1, 2), &fail) != BM_OK)
                return false;
            *at += 2;
        }
        if (byte == '\0' || n + 1 >= room)
            return false;
        ret[n++] = (char)byte;
        (*at)++;
    }
    ret[n] = '\0';
    return n > 0;
}

enum bm_rc
bm_naming_uri_parse(struct bm_naming *ret, const char *uri, struct bm_fail *fail)
{
    struct bm_naming naming = { 0 };
    const char *at = uri + strlen(SCHEME);
    char root[sizeof(naming.root)] = "";
    bool good = strncmp(uri, SCHEME, strlen(SCHEME)) == 0;
    enum bm_rc rc;

    while (good) {
        if (naming.service[0] == '\0' && strncmp(at, "service=", 8) == 0) {
            at += 8;
            good = value_take(naming.service, sizeof(naming.service), &at) && bm_name_ok(naming.service, BM_MAX_NAME);
        } else if (root[0] == '\0' && strncmp(at, "root=", 5) == 0) {
            at += 5;
            good = value_take(root, sizeof(root), &at);
        } else
            good = false;
        if (!good || *at == '\0')
            break;
        at++;
    }
    if (!good || naming.service[0] == '\0')
        return bm_fail(fail, BM_EINPUT, NULL,
                       "write birthmark:service=NAME or birthmark:service=NAME;root=URI, with %%25 for %% and %%3B for ; in them");
    if ((rc = root_check(root, fail)) != BM_OK || (rc = bm_naming_root_set(&naming, root, fail)) != BM_OK)
        return rc;
    *ret = naming;
    return BM_OK;
}

enum bm_rc
bm_naming_with_module(char *ret_uri, size_t n, const char *uri, const char *module, struct bm_fail *fail)
{
    struct bm_buf out = bm_buf_in((uint8_t *)ret_uri, n);

    bm_buf_add_str(&out, uri);
    if (strncmp(uri, "pkcs11:", 7) == 0 && *module != '\0' && !query_has(uri, "module-path=")) {
        bm_buf_add_str(&out, strchr(uri, '?') == NULL ? "?module-path=" : "&module-path=");
        for (const char *at = module; *at != '\0'; at++) {
            if (strchr("&%#; ", *at) != NULL)
                bm_buf_add_fmt(&out, "%%%02X", (unsigned)*at);
            else
                bm_buf_add_u8(&out, (uint8_t)*at);
        }
    }
    bm_buf_add_u8(&out, '\0');
    return out.bad ? bm_fail(fail, BM_EINPUT, NULL, "the root's URI and the PKCS#11 module's path are too long together") : BM_OK;
}
