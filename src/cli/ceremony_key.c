#include "cli/ceremony_key.h"

#include "base/env.h"
#include "base/file.h"
#include "cli/token.h"
#include "p11/p11.h"
#include "wire/text.h"

#include <stdio.h>
#include <unistd.h>

#define FILE_NAME "root.key"
#define URI_NAME "root.uri"
#define LABEL "birthmark-root-"
#define LABEL_RANDOM 4 /* bytes: one token may hold the roots of several years */

void
bm_ceremony_key_done(struct bm_ceremony_key *key)
{
    bm_private_done(&key->file);
}

static enum bm_rc
write_in(const char *dir, const char *name, struct bm_bytes bytes, struct bm_fail *fail)
{
    char path[BM_PATH];
    enum bm_rc rc = bm_path_join(path, dir, name, fail);

    return rc != BM_OK ? rc : bm_file_write(path, bytes, 0600, fail);
}

/* ---- a file ---- */

static void
file_tell(struct bm_ceremony_key *key)
{
    key->public = *bm_private_public(key->file);
    (void)snprintf(key->place, sizeof(key->place), "file " FILE_NAME);
    (void)snprintf(key->attributes, sizeof(key->attributes), "P-256, readable by its owner only, not encrypted");
}

static enum bm_rc
file_make(struct bm_ceremony_key *key, const char *dir, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 4096 };
    enum bm_rc rc;

    if ((rc = bm_private_generate(&key->file, BM_KEY_P256, fail)) != BM_OK || (rc = bm_private_build(&pem, key->file, fail)) != BM_OK ||
        (rc = bm_buf_check(&pem, "the root's key", fail)) != BM_OK)
        return rc;
    file_tell(key);
    return write_in(dir, FILE_NAME, bm_buf_bytes(&pem), fail);
}

/* ---- a token ---- */

/* Opened, with the one private key that the URI names. */
static enum bm_rc
token_open(struct bm_p11 *token, CK_OBJECT_HANDLE *ret_private, const char *uri, struct bm_fail *fail)
{
    CK_OBJECT_HANDLE found[BM_P11_FOUND];
    size_t n = 0;
    enum bm_rc rc;

    if ((rc = bm_p11_open(token, BM_P11_ROOT, uri + sizeof(BM_P11_SCHEME) - 1, fail)) != BM_OK ||
        (rc = bm_p11_find(token, CKO_PRIVATE_KEY, token->label[0] != 0 ? token->label : NULL, bm_bytes(token->id, token->nid), found, &n,
                          fail)) != BM_OK) {
        bm_fail_prefix(fail, "the root's token");
        return rc;
    }
    if (n != 1)
        return bm_fail(fail, BM_EPOLICY, NULL, "the token has %zu private keys that " URI_NAME " names: it must be one", n);
    *ret_private = found[0];
    return BM_OK;
}

static const char *
attribute_word(const struct bm_p11 *token, CK_OBJECT_HANDLE private, CK_ATTRIBUTE_TYPE type, bool want, const char *word)
{
    bm_cleanup(bm_buf_done) struct bm_buf value = { .max = 8 };
    struct bm_fail unused;

    if (bm_p11_read(token, private, type, &value, &unused) != BM_OK || value.n != 1)
        return "";
    return (value.p[0] != 0) == want ? word : "";
}

/* What the token itself says of the key. */
static enum bm_rc
token_tell(struct bm_ceremony_key *key, struct bm_fail *fail)
{
    bm_cleanup(bm_p11_close) struct bm_p11 token = { .opened = false };
    CK_OBJECT_HANDLE private = 0;
    enum bm_rc rc;

    if ((rc = token_open(&token, &private, key->uri, fail)) != BM_OK || (rc = bm_p11_public(&token, private, &key->public, fail)) != BM_OK)
        return rc;
    if (key->public.alg != BM_KEY_P256)
        return bm_fail(fail, BM_EINPUT, NULL, "a root's key is a P-256 key: have one made in the token");
    (void)snprintf(key->place, sizeof(key->place), "%.*s", (int)strcspn(key->uri, "?"), key->uri);
    (void)snprintf(key->attributes, sizeof(key->attributes), "P-256, token serial number %s%s%s%s%s", token.serial,
                   attribute_word(&token, private, CKA_LOCAL, true, ", made in it"),
                   attribute_word(&token, private, CKA_SENSITIVE, true, ", sensitive"),
                   attribute_word(&token, private, CKA_EXTRACTABLE, false, ", not extractable"),
                   attribute_word(&token, private, CKA_NEVER_EXTRACTABLE, true, ", never was"));
    return BM_OK;
}

/* The URI is written first: whoever finds a directory that was not finished finds the token's key by it. */
static enum bm_rc
token_make(struct bm_ceremony_key *key, struct bm_call *call, const char *dir, const char *token, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf line = { .max = sizeof(key->uri) };
    char label[sizeof(LABEL) + 2 * LABEL_RANDOM] = LABEL;
    uint8_t random[LABEL_RANDOM];
    enum bm_rc rc;

    if ((rc = bm_env_system.random(bm_env_system.ctx, random, sizeof(random), fail)) != BM_OK)
        return rc;
    bm_hex(label + sizeof(LABEL) - 1, bm_bytes(random, sizeof(random)));
    if (strstr(token, "pin-value=") != NULL)
        return bm_usage(call, fail, "a PIN stands in no URI, where every process can read it: put it into a file and say pin-source=/FILE");
    if ((rc = bm_token_uri(call, key->uri, sizeof(key->uri), token, label, fail)) != BM_OK)
        return rc;
    bm_buf_add_fmt(&line, "%s\n", key->uri);
    if ((rc = bm_buf_check(&line, "the token's URI", fail)) != BM_OK ||
        (rc = write_in(dir, URI_NAME, bm_buf_bytes(&line), fail)) != BM_OK ||
        (rc = bm_token_key_make(key->uri, label, &key->public, fail)) != BM_OK)
        return rc;
    return token_tell(key, fail);
}

/* ---- both ---- */

enum bm_rc
bm_ceremony_key_make(struct bm_ceremony_key *ret_key, struct bm_call *call, const char *dir, const char *token, struct bm_fail *fail)
{
    *ret_key = (struct bm_ceremony_key){ .file = NULL };
    return token != NULL ? token_make(ret_key, call, dir, token, fail) : file_make(ret_key, dir, fail);
}

static enum bm_rc
uri_read(char *ret, size_t size, const char *dir, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 2048 };
    char path[BM_PATH];
    size_t n;
    enum bm_rc rc;

    if ((rc = bm_path_join(path, dir, URI_NAME, fail)) != BM_OK || (rc = bm_file_read(&text, path, fail)) != BM_OK)
        return rc;
    n = text.n > 0 && text.p[text.n - 1] == '\n' ? text.n - 1 : text.n;
    (void)snprintf(ret, size, "%.*s", (int)n, n > 0 ? (const char *)text.p : "");
    if (n == 0 || strlen(ret) != n || strncmp(ret, BM_P11_SCHEME, sizeof(BM_P11_SCHEME) - 1) != 0)
        return bm_fail(fail, BM_EINPUT, NULL, "%s must hold one line, a URI that begins with pkcs11:", path);
    return BM_OK;
}

static bool
has(const char *dir, const char *name)
{
    char path[BM_PATH];
    struct bm_fail unused;

    return bm_path_join(path, dir, name, &unused) == BM_OK && access(path, F_OK) == 0;
}

enum bm_rc
bm_ceremony_key_open(struct bm_ceremony_key *ret_key, const char *dir, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 16384 };
    char path[BM_PATH];
    enum bm_rc rc;

    *ret_key = (struct bm_ceremony_key){ .file = NULL };
    if (has(dir, URI_NAME)) {
        rc = uri_read(ret_key->uri, sizeof(ret_key->uri), dir, fail);
        return rc != BM_OK ? rc : token_tell(ret_key, fail);
    }
    if (!has(dir, FILE_NAME))
        return bm_fail(fail, BM_EINPUT, NULL,
                       "%s has neither " FILE_NAME " nor " URI_NAME ": bring the root's own directory, not a copy of its transcript", dir);
    if ((rc = bm_path_join(path, dir, FILE_NAME, fail)) != BM_OK || (rc = bm_file_read(&pem, path, fail)) != BM_OK)
        return rc;
    if ((rc = bm_private_parse(&ret_key->file, bm_buf_bytes(&pem), fail)) != BM_OK) {
        bm_fail_prefix(fail, "%s", path);
        return rc;
    }
    file_tell(ret_key);
    return BM_OK;
}

void
bm_ceremony_key_undo(const char *dir)
{
    struct bm_fail unused;
    char uri[1024], label[sizeof(LABEL) + 2 * LABEL_RANDOM], path[BM_PATH];
    const char *object;

    if (uri_read(uri, sizeof(uri), dir, &unused) == BM_OK && (object = strstr(uri, "object=" LABEL)) != NULL) {
        (void)snprintf(label, sizeof(label), "%s", object + sizeof("object=") - 1);
        bm_token_key_destroy(uri, label);
    }
    if (bm_path_join(path, dir, URI_NAME, &unused) == BM_OK)
        (void)unlink(path);
    if (bm_path_join(path, dir, FILE_NAME, &unused) == BM_OK)
        (void)unlink(path);
}

enum bm_rc
bm_ceremony_key_sign(const struct bm_ceremony_key *key, struct bm_bytes tbs, struct bm_buf *signature, struct bm_fail *fail)
{
    bm_cleanup(bm_p11_close) struct bm_p11 token = { .opened = false };
    bm_cleanup(bm_crypto_done) struct bm_crypto *crypto = NULL;
    CK_OBJECT_HANDLE private = 0;
    enum bm_rc rc;

    if (key->uri[0] == 0)
        return bm_private_sign(key->file, tbs, signature, fail);
    if ((rc = token_open(&token, &private, key->uri, fail)) != BM_OK ||
        (rc = bm_p11_sign(&token, private, BM_SIG_ECDSA_SHA256, tbs, signature, fail)) != BM_OK ||
        (rc = bm_crypto_new(&crypto, fail)) != BM_OK)
        return rc;
    if (bm_key_verify(crypto, &key->public, BM_SIG_ECDSA_SHA256, tbs, bm_buf_bytes(signature), fail) != BM_OK)
        return bm_fail(fail, BM_EBUSY, NULL,
                       "the root's token gave a signature that its own public key does not verify: nothing was written, see to the token");
    return BM_OK;
}
