/* soft.c - software keys in files, for development: KEY.pem is the root key, KEY.pem.d/ holds the identities (docs/formats/device-store.md). */
#include "root/backend.h"
#include "root/box.h"
#include "root/files.h"

#include "pki/cert.h"

#include <stdlib.h>
#include <unistd.h>

struct soft {
    struct bm_files files;
    char key[BM_PATH];
};

static const struct soft *
soft_of(const struct bm_root *root)
{
    return (const struct soft *)root;
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
soft_unseal(const struct bm_files *files, const char *service, struct bm_bytes text, struct bm_private **ret_key, struct bm_fail *fail)
{
    (void)files;
    (void)service;
    return key_parse(ret_key, text, fail);
}

static enum bm_rc
soft_seal(const struct bm_files *files, const char *service, const struct bm_private *key, struct bm_buf *text, struct bm_fail *fail)
{
    (void)files;
    (void)service;
    return bm_private_build(text, key, fail);
}

static enum bm_rc
soft_root_key(const struct bm_files *files, bool make, struct bm_private **ret_key, struct bm_fail *fail)
{
    const struct soft *soft = soft_of(&files->root);
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_FILES_TEXT };
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

/* For development: whoever reads KEY.pem opens what it sealed. */
static enum bm_rc
soft_box_key(const struct bm_files *files, struct bm_secret *ret_key, struct bm_fail *fail)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_FILES_TEXT };
    enum bm_rc rc;

    if ((rc = soft_root_key(files, false, &key, fail)) != BM_OK || (rc = bm_private_build(&text, key, fail)) != BM_OK)
        return rc;
    bm_hmac256(ret_key->b, bm_buf_bytes(&text), bm_bytes_str("birthmark sealed v1, development"));
    ret_key->n = BM_BOX_KEY;
    return BM_OK;
}

static enum bm_rc
soft_open(struct bm_root **ret_root, const char *rest, struct bm_fail *fail)
{
    struct soft *soft = calloc(1, sizeof(*soft));
    enum bm_rc rc;

    if (soft == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    soft->files = (struct bm_files){
        .root.ops = &bm_root_soft, .seal = soft_seal, .open = soft_unseal, .root_key = soft_root_key, .box_key = soft_box_key
    };
    if ((rc = bm_files_init(&soft->files, rest, fail)) != BM_OK) {
        free(soft);
        bm_fail_prefix(fail, "soft:KEY.pem");
        return rc;
    }
    memcpy(soft->key, rest, strlen(rest) + 1);
    *ret_root = &soft->files.root;
    return BM_OK;
}

static void
soft_close(struct bm_root *root)
{
    free(root);
}

/* Certificates may follow the root key in its file, as a maker of such chips would give them: the device's, and those above it. */
static enum bm_rc
root_certs(struct bm_buf *certs, const struct soft *soft, struct bm_fail *fail)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_FILES_TEXT };
    enum bm_rc rc;

    if ((rc = bm_file_read(&text, soft->key, fail)) != BM_OK)
        return rc;
    if (text.n == 0 || memmem(text.p, text.n, begin, sizeof(begin) - 1) == NULL)
        return BM_OK;
    return bm_files_certs_read(certs, bm_buf_bytes(&text), fail);
}

static enum bm_rc
soft_identify(struct bm_root *root, bool make, struct bm_leaf *ret_leaf, struct bm_buf *certs, struct bm_fail *fail)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    enum bm_rc rc = soft_root_key(&soft_of(root)->files, make, &key, fail);

    if (rc != BM_OK || (rc = root_certs(certs, soft_of(root), fail)) != BM_OK)
        return rc;
    bm_leaf_signing(ret_leaf, BM_ROOT_SOFTWARE, bm_private_public(key));
    return BM_OK;
}

const struct bm_root_ops bm_root_soft = {
    .scheme = "soft",
    .open = soft_open,
    .close = soft_close,
    .identify = soft_identify,
    .root_sign = bm_files_root_sign,
    .key_new = bm_files_key_new,
    .key_public = bm_files_key_public,
    .key_sign = bm_files_key_sign,
    .commit = bm_files_commit,
    .certs = bm_files_certs,
    .services = bm_files_services,
    .retire = bm_files_retire,
    .reset = bm_files_reset,
    .seal = bm_files_seal,
    .unseal = bm_files_unseal,
    .sealed = bm_files_sealed,
    .sealed_remove = bm_files_sealed_remove,
};
