/* token_file.c - a CA's key in a PEM file beneath the home directory. */
#include "base/base.h"
#include "signer/token.h"

#include "pki/private.h"

#include <stdlib.h>

#define MAX_KEY_FILE 16384 /* RSA-4096 in PEM is 3.3 KB */

struct file_token {
    struct bm_token token; /* first */
    struct bm_private *private;
};

static void
file_close(struct bm_token *token)
{
    struct file_token *file = (struct file_token *)(void *)token;

    bm_private_free(file->private);
    free(file);
}

static void
file_done(struct file_token **file)
{
    if (*file != NULL)
        file_close(&(*file)->token);
}

static enum bm_rc
file_open(struct bm_token **ret_token, const char *rest, const char *home, const struct bm_key *key, struct bm_fail *fail)
{
    bm_cleanup(file_done) struct file_token *file = calloc(1, sizeof(*file));
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = MAX_KEY_FILE };
    char path[BM_PATH];
    enum bm_rc rc;

    if (file == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for a CA's key");
    if ((rc = bm_path_join(path, home, rest, fail)) != BM_OK || (rc = bm_file_read(&pem, path, fail)) != BM_OK)
        return rc;
    if ((rc = bm_private_parse(&file->private, bm_buf_bytes(&pem), fail)) != BM_OK) {
        bm_fail_prefix(fail, "%s", rest);
        return rc;
    }
    file->token.ops = &bm_token_file;
    file->token.key = key;
    file->token.alg = bm_private_alg(file->private);
    *ret_token = &bm_take(file)->token;
    return BM_OK;
}

static enum bm_rc
file_sign(struct bm_token *token, struct bm_bytes tbs, struct bm_buf *signature, struct bm_fail *fail)
{
    return bm_private_sign(((struct file_token *)(void *)token)->private, tbs, signature, fail);
}

const struct bm_token_ops bm_token_file = { .scheme = "file", .open = file_open, .close = file_close, .sign = file_sign };
