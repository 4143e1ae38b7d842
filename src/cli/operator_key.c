#include "cli/operator_key.h"

#include "base/env.h"
#include "base/file.h"
#include "base/secret.h"
#include "cli/places.h"
#include "p11/p11.h"
#include "root/root.h"

#include <unistd.h>

#define TPM_SCHEME "tpm2:"
#define SERVICE "operator-%.*s"
#define SERVICE_SIZE (BM_MAX_NAME + 1)

void
bm_operator_key_done(struct bm_operator_key *key)
{
    bm_note_signer_wipe(&key->file);
}

static bool
is_p11(const char *uri)
{
    return strncmp(uri, BM_P11_SCHEME, sizeof(BM_P11_SCHEME) - 1) == 0;
}

bool
bm_operator_uri(const char *word)
{
    return is_p11(word) || strncmp(word, TPM_SCHEME, sizeof(TPM_SCHEME) - 1) == 0;
}

static bool
place_here(const char *home, const char *place, const char *name)
{
    struct bm_fail unused;
    char path[BM_PATH];

    return bm_place_path(path, home, place, name, &unused) == BM_OK && access(path, F_OK) == 0;
}

bool
bm_operator_key_here(const char *home, const char *name)
{
    return place_here(home, BM_PLACE_OPERATOR_KEY, name) || place_here(home, BM_PLACE_OPERATOR_URI, name);
}

/* ---- a token ---- */

/* Opened, with the one private key that the URI names; BM_EPOLICY: it names none. */
static enum bm_rc
token_open(struct bm_p11 *token, CK_OBJECT_HANDLE *ret_private, const char *uri, struct bm_fail *fail)
{
    CK_OBJECT_HANDLE found[BM_P11_FOUND];
    size_t n = 0;
    enum bm_rc rc;

    if ((rc = bm_p11_open(token, BM_P11_ROOT, uri + sizeof(BM_P11_SCHEME) - 1, fail)) != BM_OK ||
        (rc = bm_p11_find(token, CKO_PRIVATE_KEY, token->label[0] != 0 ? token->label : NULL, bm_bytes(token->id, token->nid), found, &n,
                          fail)) != BM_OK)
        return rc;
    if (n > 1)
        return bm_fail(fail, BM_EINPUT, NULL, "the operator's URI matches %zu private keys: name one with object= or id=", n);
    if (n == 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "the token has no private key that the operator's URI names: correct object= or id=");
    *ret_private = found[0];
    return BM_OK;
}

static enum bm_rc
token_public(struct bm_key *ret_public, const char *uri, bool make, struct bm_fail *fail)
{
    bm_cleanup(bm_p11_close) struct bm_p11 token = { .opened = false };
    CK_OBJECT_HANDLE private = 0;
    enum bm_rc rc = token_open(&token, &private, uri, fail);

    if (rc == BM_EPOLICY && make && token.opened && token.label[0] != 0) {
        if ((rc = bm_p11_generate(&token, token.label, bm_bytes(token.id, token.nid), fail)) != BM_OK)
            return rc;
        bm_p11_close(&token);
        token = (struct bm_p11){ .opened = false };
        rc = token_open(&token, &private, uri, fail);
    }
    return rc != BM_OK ? rc : bm_p11_public(&token, private, ret_public, fail);
}

static enum bm_rc
token_sign(const char *uri, struct bm_bytes text, struct bm_buf *signature, struct bm_fail *fail)
{
    bm_cleanup(bm_p11_close) struct bm_p11 token = { .opened = false };
    CK_OBJECT_HANDLE private = 0;
    enum bm_rc rc = token_open(&token, &private, uri, fail);

    return rc != BM_OK ? rc : bm_p11_sign(&token, private, BM_SIG_ECDSA_SHA256, text, signature, fail);
}

/* ---- a TPM: a key beside those of its root, that waits for no certificate ---- */

static void
service_name(char ret[static SERVICE_SIZE], const char *name)
{
    (void)snprintf(ret, SERVICE_SIZE, SERVICE, BM_MAX_NAME - (int)sizeof("operator-"), name);
}

static enum bm_rc
tpm_public(struct bm_key *ret_public, const char *uri, const char *name, bool make, struct bm_fail *fail)
{
    bm_cleanup(bm_root_done) struct bm_root *root = NULL;
    char service[SERVICE_SIZE];
    enum bm_rc rc;

    service_name(service, name);
    if ((rc = bm_root_open(&root, uri, fail)) != BM_OK)
        return rc;
    rc = root->ops->key_public(root, service, true, ret_public, fail);
    return rc == BM_EPOLICY && make ? root->ops->key_new(root, service, ret_public, fail) : rc;
}

static enum bm_rc
tpm_sign(const char *uri, const char *name, struct bm_bytes text, struct bm_buf *signature, struct bm_fail *fail)
{
    bm_cleanup(bm_root_done) struct bm_root *root = NULL;
    enum bm_sig_alg alg = BM_SIG_ECDSA_SHA256;
    char service[SERVICE_SIZE];
    enum bm_rc rc;

    service_name(service, name);
    if ((rc = bm_root_open(&root, uri, fail)) != BM_OK)
        return rc;
    return root->ops->key_sign(root, service, true, text, &alg, signature, fail);
}

static enum bm_rc
public_find(struct bm_note_key *ret_key, const char *uri, const char *name, bool make, struct bm_fail *fail)
{
    struct bm_key public;
    enum bm_rc rc = is_p11(uri) ? token_public(&public, uri, make, fail) : tpm_public(&public, uri, name, make, fail);

    if (rc != BM_OK)
        return rc;
    if (public.alg != BM_KEY_P256)
        return bm_fail(fail, BM_EINPUT, NULL, "an operator's key in a token or TPM is a P-256 key: name another one, or have one made");
    return bm_note_key_init_p256(ret_key, name, bm_key_spki(&public), fail);
}

/* ---- all of them ---- */

static enum bm_rc
uri_open(struct bm_operator_key *ret, const char *home, const char *name, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = sizeof(ret->uri) };
    size_t n;
    enum bm_rc rc = bm_place_read(&text, home, BM_PLACE_OPERATOR_URI, name, fail);

    if (rc != BM_OK)
        return rc;
    n = text.n > 0 && text.p[text.n - 1] == '\n' ? text.n - 1 : text.n;
    (void)snprintf(ret->uri, sizeof(ret->uri), "%.*s", (int)n, n > 0 ? (const char *)text.p : "");
    if (n == 0 || strlen(ret->uri) != n || !bm_operator_uri(ret->uri))
        return bm_fail(fail, BM_EINPUT, NULL, "operators/%s.uri must hold one line, a URI that begins with pkcs11: or tpm2:", name);
    return public_find(&ret->key, ret->uri, name, false, fail);
}

enum bm_rc
bm_operator_key_open(struct bm_operator_key *ret_key, const char *home, const char *name, struct bm_fail *fail)
{
    bm_cleanup(bm_operator_key_done) struct bm_operator_key key = { .uri = "" };
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 4096 };
    enum bm_rc rc;

    if (place_here(home, BM_PLACE_OPERATOR_URI, name))
        rc = uri_open(&key, home, name, fail);
    else if ((rc = bm_place_read(&pem, home, BM_PLACE_OPERATOR_KEY, name, fail)) != BM_OK)
        return rc;
    else if ((rc = bm_note_signer_pem_parse(&key.file, name, bm_buf_bytes(&pem), fail)) != BM_OK)
        bm_fail_prefix(fail, "operators/%s.key", name);
    else
        key.key = key.file.key;
    if (rc == BM_OK)
        *ret_key = key;
    return rc;
}

static enum bm_rc
file_make(struct bm_operator_key *key, const char *name, const char *path, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 4096 };
    BM_SECRET(seed);
    enum bm_rc rc;

    if ((rc = bm_env_system.random(bm_env_system.ctx, seed.b, BM_NOTE_KEY, fail)) != BM_OK ||
        (rc = bm_note_signer_init(&key->file, name, seed.b, fail)) != BM_OK)
        return rc;
    bm_note_signer_pem_build(&pem, &key->file);
    return (rc = bm_buf_check(&pem, "a key", fail)) != BM_OK ? rc : bm_file_write(path, bm_buf_bytes(&pem), 0600, fail);
}

enum bm_rc
bm_operator_key_at(struct bm_operator_key *ret_key, const char *name, const char *where, bool make, bool *ret_made, struct bm_fail *fail)
{
    bm_cleanup(bm_operator_key_done) struct bm_operator_key key = { .uri = "" };
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 4096 };
    enum bm_rc rc;

    *ret_made = false;
    if (bm_operator_uri(where)) {
        if (strlen(where) >= sizeof(key.uri))
            return bm_fail(fail, BM_EINPUT, NULL, "the key's URI is too long");
        memcpy(key.uri, where, strlen(where) + 1);
        rc = public_find(&key.key, where, name, make, fail);
    } else if (make && access(where, F_OK) != 0) {
        rc = file_make(&key, name, where, fail);
        *ret_made = rc == BM_OK;
    } else if ((rc = bm_file_read(&pem, where, fail)) == BM_OK &&
               (rc = bm_note_signer_pem_parse(&key.file, name, bm_buf_bytes(&pem), fail)) != BM_OK) {
        bm_fail_prefix(fail, "%.200s", where);
    }
    if (rc != BM_OK)
        return rc;
    if (key.uri[0] == 0)
        key.key = key.file.key;
    *ret_key = key;
    return BM_OK;
}

enum bm_rc
bm_operator_key_sign(const struct bm_operator_key *key, struct bm_bytes text, struct bm_buf *note, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE };
    const struct bm_note_signer *signers[] = { &key->file };
    enum bm_rc rc;

    if (key->uri[0] == 0)
        return bm_note_build(note, text, signers, 1, fail);
    rc = is_p11(key->uri) ? token_sign(key->uri, text, &signature, fail) : tpm_sign(key->uri, key->key.name, text, &signature, fail);
    return rc != BM_OK ? rc : bm_note_join(note, text, &key->key, bm_buf_bytes(&signature), fail);
}

enum bm_rc
bm_operator_key_make(struct bm_note_key *ret_key, struct bm_call *call, const char *home, const char *name, const char *uri,
                     struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = sizeof(((struct bm_operator_key *)NULL)->uri) };
    char path[BM_PATH];
    enum bm_rc rc;

    if (strstr(uri, "pin-value=") != NULL)
        return bm_usage(call, fail, "a PIN stands in no URI, where every process can read it: put it into a file and say pin-source=/FILE");
    bm_buf_add_fmt(&text, "%s\n", uri);
    if (bm_buf_check(&text, "the URI", fail) != BM_OK)
        return bm_usage(call, fail, "the key's URI is too long");
    if ((rc = bm_place_path(path, home, BM_PLACE_OPERATOR_URI, name, fail)) != BM_OK ||
        (rc = public_find(ret_key, uri, name, true, fail)) != BM_OK)
        return rc;
    return bm_file_write(path, bm_buf_bytes(&text), 0600, fail);
}

void
bm_operator_key_forget(const char *home, const char *name)
{
    struct bm_fail unused;
    char path[BM_PATH];

    if (bm_place_path(path, home, BM_PLACE_OPERATOR_URI, name, &unused) == BM_OK)
        (void)unlink(path);
}
