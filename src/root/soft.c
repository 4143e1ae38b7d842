/* soft.c - software keys in files, for development: KEY.pem is the root key, KEY.pem.d/ holds the identities (docs/formats/device-store.md). */
#include "root/backend.h"

#include "base/file.h"
#include "pki/cert.h"
#include "pki/private.h"
#include "wire/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SOFT_FILE (BM_ROOT_CERTS * BM_MAX_CERT * 2) /* a key and its certificates, in PEM */

struct soft {
    struct bm_root root;
    char key[BM_PATH];
    char live[BM_PATH], pending[BM_PATH];
};

static const struct soft *
soft_of(const struct bm_root *root)
{
    return (const struct soft *)root; /* every backend's body begins with its bm_root */
}

static enum bm_rc
soft_open(struct bm_root **ret_root, const char *rest, struct bm_fail *fail)
{
    struct soft *soft;

    if (*rest == '\0' || strlen(rest) + sizeof(".d/pending") > BM_PATH - BM_MAX_NAME - 8)
        return bm_fail(fail, BM_EINPUT, NULL, "soft: wants the path of a key file: soft:KEY.pem");
    if ((soft = calloc(1, sizeof(*soft))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    soft->root.ops = &bm_root_soft;
    (void)snprintf(soft->key, sizeof(soft->key), "%s", rest);
    (void)snprintf(soft->live, sizeof(soft->live), "%s.d/live", rest);
    (void)snprintf(soft->pending, sizeof(soft->pending), "%s.d/pending", rest);
    *ret_root = &soft->root;
    return BM_OK;
}

static void
soft_close(struct bm_root *root)
{
    free(root);
}

static enum bm_rc
path_of(char ret_path[static BM_PATH], const struct soft *soft, const char *service, bool pending, struct bm_fail *fail)
{
    char name[BM_MAX_NAME + 8];
    int n = snprintf(name, sizeof(name), "%s.pem", service);

    if (n < 0 || (size_t)n >= sizeof(name) || !bm_name_ok(service, BM_MAX_NAME))
        return bm_fail(fail, BM_EINPUT, NULL, "a service is named by 1 to %d characters of [A-Za-z0-9._-]", BM_MAX_NAME);
    return bm_path_join(ret_path, pending ? soft->pending : soft->live, name, fail);
}

/* The text of an identity's file; BM_EPOLICY when the service has none. */
static enum bm_rc
text_read(struct bm_buf *text, const struct soft *soft, const char *service, bool pending, struct bm_fail *fail)
{
    char path[BM_PATH];
    enum bm_rc rc;

    if ((rc = path_of(path, soft, service, pending, fail)) != BM_OK)
        return rc;
    if (access(path, F_OK) == -1 && errno == ENOENT)
        return bm_fail(fail, BM_EPOLICY, NULL, "no %s key for service %s", pending ? "pending" : "live", service);
    return bm_file_read(text, path, fail);
}

/* The key stands first in its file; certificates follow it. */
static enum bm_rc
key_parse(struct bm_private **ret_key, struct bm_bytes text, struct bm_fail *fail)
{
    static const char end[] = "-----END PRIVATE KEY-----\n";
    const uint8_t *at = text.n == 0 ? NULL : memmem(text.p, text.n, end, sizeof(end) - 1);

    if (at != NULL)
        text.n = (size_t)(at - text.p) + sizeof(end) - 1;
    return bm_private_parse(ret_key, text, fail);
}

static enum bm_rc
key_read(struct bm_private **ret_key, const struct soft *soft, const char *service, bool pending, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = SOFT_FILE };
    enum bm_rc rc;

    if ((rc = text_read(&text, soft, service, pending, fail)) != BM_OK)
        return rc;
    if ((rc = key_parse(ret_key, bm_buf_bytes(&text), fail)) != BM_OK)
        bm_fail_prefix(fail, "%s of service %s", pending ? soft->pending : soft->live, service);
    return rc;
}

static enum bm_rc
root_read(struct bm_private **ret_key, const struct soft *soft, bool make, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = SOFT_FILE };
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    bool there = access(soft->key, F_OK) == 0;
    enum bm_rc rc;

    if (!there && !make)
        return bm_fail(fail, BM_EPOLICY, NULL, "%s is not there: make the root key with `birthmark chip create --root soft:%s -o chip.der`",
                       soft->key, soft->key);
    if (there) {
        if ((rc = bm_file_read(&text, soft->key, fail)) == BM_OK && (rc = key_parse(ret_key, bm_buf_bytes(&text), fail)) != BM_OK)
            bm_fail_prefix(fail, "%s", soft->key);
        return rc;
    }
    if ((rc = bm_private_generate(&key, BM_KEY_P256, fail)) != BM_OK || (rc = bm_private_build(&text, key, fail)) != BM_OK ||
        (rc = bm_file_write(soft->key, bm_buf_bytes(&text), 0600, fail)) != BM_OK)
        return rc;
    *ret_key = bm_take(key);
    return BM_OK;
}

static enum bm_rc
cert_add(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    (void)fail;
    bm_buf_add_lv32(ctx, der);
    return BM_OK;
}

/* Certificates may follow the root key in its file, as a maker of such chips would give them: the device's, and those above it. */
static enum bm_rc
root_certs(struct bm_buf *certs, const struct soft *soft, struct bm_fail *fail)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = SOFT_FILE };
    enum bm_rc rc;

    if ((rc = bm_file_read(&text, soft->key, fail)) != BM_OK)
        return rc;
    if (text.n == 0 || memmem(text.p, text.n, begin, sizeof(begin) - 1) == NULL)
        return BM_OK;
    if ((rc = bm_pem_parse(bm_buf_bytes(&text), "CERTIFICATE", cert_add, certs, fail)) != BM_OK)
        return rc;
    return bm_buf_check(certs, soft->key, fail);
}

static enum bm_rc
soft_identify(struct bm_root *root, bool make, struct bm_leaf *ret_leaf, struct bm_buf *certs, struct bm_fail *fail)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    enum bm_rc rc = root_read(&key, soft_of(root), make, fail);

    if (rc != BM_OK || (rc = root_certs(certs, soft_of(root), fail)) != BM_OK)
        return rc;
    *ret_leaf = (struct bm_leaf){ .kind = BM_LEAF_KEYS, .root = BM_ROOT_SOFTWARE, .nkeys = 1 };
    ret_leaf->keys[0] = (struct bm_leaf_key){ .use = BM_USE_SIGN, .key = *bm_private_public(key) };
    return BM_OK;
}

static enum bm_rc
soft_root_sign(struct bm_root *root, const struct bm_key *public, struct bm_bytes tbs, enum bm_sig_alg *ret_alg, struct bm_buf *signature,
               struct bm_fail *fail)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    enum bm_rc rc = root_read(&key, soft_of(root), false, fail);

    if (rc != BM_OK)
        return rc;
    if (memcmp(bm_private_public(key)->hash, public->hash, BM_HASH) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "%s is not that root key", soft_of(root)->key);
    *ret_alg = bm_private_alg(key);
    return bm_private_sign(key, tbs, signature, fail);
}

/* KEY.pem.d, KEY.pem.d/live and KEY.pem.d/pending. */
static enum bm_rc
dirs_make(const struct soft *soft, struct bm_fail *fail)
{
    char dir[BM_PATH];
    enum bm_rc rc;

    (void)snprintf(dir, sizeof(dir), "%.*s", (int)(strlen(soft->live) - strlen("/live")), soft->live);
    if ((rc = bm_dir_make(dir, 0700, fail)) != BM_OK || (rc = bm_dir_make(soft->live, 0700, fail)) != BM_OK)
        return rc;
    return bm_dir_make(soft->pending, 0700, fail);
}

static enum bm_rc
soft_key_new(struct bm_root *root, const char *service, struct bm_key *ret_public, struct bm_fail *fail)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = SOFT_FILE };
    char path[BM_PATH];
    enum bm_rc rc;

    if ((rc = path_of(path, soft_of(root), service, true, fail)) != BM_OK || (rc = dirs_make(soft_of(root), fail)) != BM_OK ||
        (rc = bm_private_generate(&key, BM_KEY_P256, fail)) != BM_OK || (rc = bm_private_build(&text, key, fail)) != BM_OK ||
        (rc = bm_file_write(path, bm_buf_bytes(&text), 0600, fail)) != BM_OK)
        return rc;
    *ret_public = *bm_private_public(key);
    return BM_OK;
}

static enum bm_rc
soft_key_public(struct bm_root *root, const char *service, bool pending, struct bm_key *ret_public, struct bm_fail *fail)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    enum bm_rc rc = key_read(&key, soft_of(root), service, pending, fail);

    if (rc == BM_OK)
        *ret_public = *bm_private_public(key);
    return rc;
}

static enum bm_rc
soft_key_sign(struct bm_root *root, const char *service, bool pending, struct bm_bytes tbs, enum bm_sig_alg *ret_alg,
              struct bm_buf *signature, struct bm_fail *fail)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    enum bm_rc rc = key_read(&key, soft_of(root), service, pending, fail);

    if (rc != BM_OK)
        return rc;
    *ret_alg = bm_private_alg(key);
    return bm_private_sign(key, tbs, signature, fail);
}

/* One file holds key and certificates, so one rename is the whole change. A pending file that a power cut leaves behind holds the same key: harmless. */
static enum bm_rc
soft_commit(struct bm_root *root, const char *service, const struct bm_bytes *certs, size_t ncerts, struct bm_fail *fail)
{
    const struct soft *soft = soft_of(root);
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = SOFT_FILE };
    char live[BM_PATH], pending[BM_PATH];
    bool fresh;
    enum bm_rc rc;

    if ((rc = path_of(live, soft, service, false, fail)) != BM_OK || (rc = path_of(pending, soft, service, true, fail)) != BM_OK)
        return rc;
    fresh = access(pending, F_OK) == 0;
    if ((rc = key_read(&key, soft, service, fresh, fail)) != BM_OK || (rc = bm_private_build(&text, key, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < ncerts && i < BM_ROOT_CERTS; i++)
        bm_pem_build(&text, "CERTIFICATE", certs[i]);
    if ((rc = bm_buf_check(&text, "the identity", fail)) != BM_OK || (rc = bm_file_write(live, bm_buf_bytes(&text), 0600, fail)) != BM_OK)
        return rc;
    if (fresh && unlink(pending) == -1)
        return bm_fail(fail, BM_EBUSY, NULL, "%s cannot be removed: %s", pending, strerrordesc_np(errno));
    return BM_OK;
}

static enum bm_rc
soft_certs(struct bm_root *root, const char *service, struct bm_buf *certs, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = SOFT_FILE };
    enum bm_rc rc;

    if ((rc = text_read(&text, soft_of(root), service, false, fail)) != BM_OK ||
        (rc = bm_pem_parse(bm_buf_bytes(&text), "CERTIFICATE", cert_add, certs, fail)) != BM_OK)
        return rc;
    return bm_buf_check(certs, "the certificates", fail);
}

static enum bm_rc
soft_services(struct bm_root *root, struct bm_buf *names, struct bm_fail *fail)
{
    bm_cleanup(bm_dir_done) DIR *dir = opendir(soft_of(root)->live);
    char found[BM_MAX_SERVICES * 2][BM_MAX_NAME + 1];
    const char *list[BM_COUNT(found)];
    const struct dirent *entry;
    size_t n = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL && n < BM_COUNT(found)) {
        size_t len = strlen(entry->d_name);

        if (len <= 4 || len - 4 > BM_MAX_NAME || strcmp(entry->d_name + len - 4, ".pem") != 0)
            continue; /* "." and "..", and what an interrupted write left behind */
        (void)snprintf(found[n], sizeof(found[n]), "%.*s", (int)(len - 4), entry->d_name);
        list[n] = found[n];
        n += bm_name_ok(found[n], BM_MAX_NAME);
    }
    return bm_names_add(names, list, n, fail);
}

const struct bm_root_ops bm_root_soft = {
    .scheme = "soft",
    .open = soft_open,
    .close = soft_close,
    .identify = soft_identify,
    .root_sign = soft_root_sign,
    .key_new = soft_key_new,
    .key_public = soft_key_public,
    .key_sign = soft_key_sign,
    .commit = soft_commit,
    .certs = soft_certs,
    .services = soft_services,
};
