#include "root/files.h"

#include "pki/cert.h"
#include "root/backend.h"
#include "wire/text.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static const struct bm_files *
files_of(const struct bm_root *root)
{
    return (const struct bm_files *)root; /* every backend's body begins with its bm_root */
}

enum bm_rc
bm_files_init(struct bm_files *files, const char *base, struct bm_fail *fail)
{
    if (*base == '\0' || strlen(base) + sizeof(".d/pending/") > BM_PATH - BM_MAX_NAME - 32) /* ".pem", and a temporary file's end */
        return bm_fail(fail, BM_EINPUT, NULL, "the root of trust wants the path of a file, of %d characters at most",
                       BM_PATH - BM_MAX_NAME - 64);
    (void)snprintf(files->dir, sizeof(files->dir), "%s.d", base);
    return BM_OK;
}

static enum bm_rc
path_of(char ret_path[static BM_PATH], const struct bm_files *files, const char *service, bool pending, struct bm_fail *fail)
{
    char name[BM_MAX_NAME + 16];
    enum bm_rc rc = bm_service_check(service, fail);

    if (rc != BM_OK)
        return rc;
    (void)snprintf(name, sizeof(name), "%s/%s.pem", pending ? "pending" : "live", service);
    return bm_path_join(ret_path, files->dir, name, fail);
}

/* The text of an identity's file; BM_EPOLICY when the service has none. */
static enum bm_rc
text_read(struct bm_buf *text, const struct bm_files *files, const char *service, bool pending, struct bm_fail *fail)
{
    char path[BM_PATH];
    enum bm_rc rc;

    if ((rc = path_of(path, files, service, pending, fail)) != BM_OK)
        return rc;
    if (access(path, F_OK) == -1 && errno == ENOENT)
        return bm_fail(fail, BM_EPOLICY, NULL, "no %s key for service %s", pending ? "pending" : "live", service);
    return bm_file_read(text, path, fail);
}

static enum bm_rc
key_read(struct bm_private **ret_key, const struct bm_files *files, const char *service, bool pending, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_FILES_TEXT };
    enum bm_rc rc;

    if ((rc = text_read(&text, files, service, pending, fail)) != BM_OK)
        return rc;
    if ((rc = files->open(files, service, bm_buf_bytes(&text), ret_key, fail)) != BM_OK)
        bm_fail_prefix(fail, "%s/%s/%s.pem", files->dir, pending ? "pending" : "live", service);
    return rc;
}

static enum bm_rc
dirs_make(const struct bm_files *files, struct bm_fail *fail)
{
    char dir[BM_PATH];
    enum bm_rc rc;

    if ((rc = bm_dir_make(files->dir, 0700, fail)) != BM_OK || (rc = bm_path_join(dir, files->dir, "live", fail)) != BM_OK ||
        (rc = bm_dir_make(dir, 0700, fail)) != BM_OK || (rc = bm_path_join(dir, files->dir, "pending", fail)) != BM_OK)
        return rc;
    return bm_dir_make(dir, 0700, fail);
}

enum bm_rc
bm_files_key_new(struct bm_root *root, const char *service, struct bm_key *ret_public, struct bm_fail *fail)
{
    const struct bm_files *files = files_of(root);
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_FILES_TEXT };
    char path[BM_PATH];
    enum bm_rc rc;

    if ((rc = path_of(path, files, service, true, fail)) != BM_OK || (rc = bm_private_generate(&key, BM_KEY_P256, fail)) != BM_OK ||
        (rc = files->seal(files, service, key, &text, fail)) != BM_OK || (rc = dirs_make(files, fail)) != BM_OK ||
        (rc = bm_file_write(path, bm_buf_bytes(&text), 0600, fail)) != BM_OK)
        return rc;
    *ret_public = *bm_private_public(key);
    return BM_OK;
}

enum bm_rc
bm_files_key_public(struct bm_root *root, const char *service, bool pending, struct bm_key *ret_public, struct bm_fail *fail)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    enum bm_rc rc = key_read(&key, files_of(root), service, pending, fail);

    if (rc == BM_OK)
        *ret_public = *bm_private_public(key);
    return rc;
}

enum bm_rc
bm_files_key_sign(struct bm_root *root, const char *service, bool pending, struct bm_bytes tbs, enum bm_sig_alg *ret_alg,
                  struct bm_buf *signature, struct bm_fail *fail)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    enum bm_rc rc = key_read(&key, files_of(root), service, pending, fail);

    if (rc != BM_OK)
        return rc;
    *ret_alg = bm_private_alg(key);
    return bm_private_sign(key, tbs, signature, fail);
}

enum bm_rc
bm_files_root_sign(struct bm_root *root, const struct bm_key *public, struct bm_bytes tbs, enum bm_sig_alg *ret_alg,
                   struct bm_buf *signature, struct bm_fail *fail)
{
    const struct bm_files *files = files_of(root);
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    enum bm_rc rc = files->root_key(files, false, &key, fail);

    if (rc != BM_OK)
        return rc;
    if (memcmp(bm_private_public(key)->hash, public->hash, BM_HASH) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "the root key beside %s is another one", files->dir);
    *ret_alg = bm_private_alg(key);
    return bm_private_sign(key, tbs, signature, fail);
}

/* One file holds key and certificates, so one rename is the whole change. A pending file that a power cut leaves behind holds the same key: harmless. */
enum bm_rc
bm_files_commit(struct bm_root *root, const char *service, const struct bm_bytes *certs, size_t ncerts, struct bm_fail *fail)
{
    const struct bm_files *files = files_of(root);
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_FILES_TEXT };
    char live[BM_PATH], pending[BM_PATH];
    bool fresh;
    enum bm_rc rc;

    if ((rc = path_of(live, files, service, false, fail)) != BM_OK || (rc = path_of(pending, files, service, true, fail)) != BM_OK)
        return rc;
    fresh = access(pending, F_OK) == 0;
    if ((rc = key_read(&key, files, service, fresh, fail)) != BM_OK || (rc = files->seal(files, service, key, &text, fail)) != BM_OK)
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
cert_add(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    (void)fail;
    bm_buf_add_lv32(ctx, der);
    return BM_OK;
}

enum bm_rc
bm_files_certs_read(struct bm_buf *certs, struct bm_bytes text, struct bm_fail *fail)
{
    enum bm_rc rc = bm_pem_parse(text, "CERTIFICATE", cert_add, certs, fail);

    return rc != BM_OK ? rc : bm_buf_check(certs, "the certificates", fail);
}

enum bm_rc
bm_files_certs(struct bm_root *root, const char *service, struct bm_buf *certs, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_FILES_TEXT };
    enum bm_rc rc = text_read(&text, files_of(root), service, false, fail);

    if (rc == BM_OK && (rc = bm_files_certs_read(certs, bm_buf_bytes(&text), fail)) != BM_OK)
        bm_fail_prefix(fail, "%s/live/%s.pem", files_of(root)->dir, service);
    return rc;
}

enum bm_rc
bm_files_services(struct bm_root *root, struct bm_buf *names, struct bm_fail *fail)
{
    bm_cleanup(bm_dir_done) DIR *dir = NULL;
    char found[BM_MAX_SERVICES * 2][BM_MAX_NAME + 1], live[BM_PATH];
    const char *list[BM_COUNT(found)];
    const struct dirent *entry;
    size_t n = 0;
    enum bm_rc rc;

    if ((rc = bm_path_join(live, files_of(root)->dir, "live", fail)) != BM_OK)
        return rc;
    dir = opendir(live);
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
