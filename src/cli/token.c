#include "cli/token.h"

#include "p11/p11.h"

/* A relative path would mean another file to a server that is started elsewhere. */
static bool
has_relative(const char *uri, const char *attribute)
{
    const char *at = strstr(uri, attribute);

    if (at == NULL)
        return false;
    at += strlen(attribute);
    if (strncmp(at, "file:", 5) == 0)
        at += 5;
    return at[0] != '/' && at[0] != '%';
}

enum bm_rc
bm_token_uri(struct bm_call *call, char *ret, size_t n, const char *uri, const char *label, struct bm_fail *fail)
{
    size_t path = strcspn(uri, "?");
    const char *query = uri + path;
    int written;

    if (strncmp(uri, BM_P11_SCHEME, sizeof(BM_P11_SCHEME) - 1) != 0 || strstr(uri, "object=") != NULL || strstr(uri, "token=") == NULL)
        return bm_usage(call, fail,
                        "--token must be file, or pkcs11:token=NAME?pin-source=FILE (RFC 7512; keys get names of their own there)");
    if (has_relative(uri, "pin-source=") || has_relative(uri, "module-path="))
        return bm_usage(call, fail, "--token: pin-source and module-path must begin with /, since the server may be started elsewhere");
    if (strstr(query, "module-path=") != NULL)
        written = snprintf(ret, n, "%.*s;object=%s%s", (int)path, uri, label, query);
    else
        written = snprintf(ret, n, "%.*s;object=%s%s%cmodule-path=%s", (int)path, uri, label, query, query[0] == '?' ? '&' : '?',
                           bm_p11_module());
    if (written < 0 || (size_t)written >= n)
        return bm_usage(call, fail, "--token: the URI is too long");
    return BM_OK;
}

enum bm_rc
bm_token_key_make(const char *uri, const char *label, struct bm_key *ret_key, struct bm_fail *fail)
{
    bm_cleanup(bm_p11_close) struct bm_p11 token = { .opened = false };
    CK_OBJECT_HANDLE found[BM_P11_FOUND];
    size_t n = 0;
    enum bm_rc rc;

    if ((rc = bm_p11_open(&token, BM_P11_ROOT, uri + sizeof(BM_P11_SCHEME) - 1, fail)) != BM_OK) {
        bm_fail_prefix(fail, "--token"); /* its sentences are worded for a device's root */
        return rc;
    }
    if ((rc = bm_p11_find(&token, CKO_PRIVATE_KEY, label, bm_bytes(NULL, 0), found, &n, fail)) != BM_OK)
        return rc;
    if (n > 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "the token holds a key named %s already: another site's? Name another token", label);
    if ((rc = bm_p11_generate(&token, label, bm_bytes(NULL, 0), fail)) != BM_OK ||
        (rc = bm_p11_find(&token, CKO_PRIVATE_KEY, label, bm_bytes(NULL, 0), found, &n, fail)) != BM_OK)
        return rc;
    if (n != 1)
        return bm_fail(fail, BM_EBUSY, NULL, "the token does not show the key that it made: see the token's own log");
    return bm_p11_public(&token, found[0], ret_key, fail);
}

void
bm_token_key_destroy(const char *uri, const char *label)
{
    static const CK_OBJECT_CLASS classes[] = { CKO_PRIVATE_KEY, CKO_PUBLIC_KEY };
    bm_cleanup(bm_p11_close) struct bm_p11 token = { .opened = false };
    CK_OBJECT_HANDLE found[BM_P11_FOUND];
    struct bm_fail unused;
    size_t n;

    if (bm_p11_open(&token, BM_P11_ROOT, uri + sizeof(BM_P11_SCHEME) - 1, &unused) != BM_OK)
        return;
    for (size_t i = 0; i < BM_COUNT(classes); i++)
        if (bm_p11_find(&token, classes[i], label, bm_bytes(NULL, 0), found, &n, &unused) == BM_OK)
            (void)!bm_p11_destroy(&token, found, n, &unused);
}
