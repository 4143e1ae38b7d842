/* puf_wrap.c - operational keys of a PUF in their files: in a box under a key of the secret (docs/formats/device-store.md). */
#include "root/puf.h"

#include "pki/cert.h"
#include "root/box.h"

#define LABEL "BIRTHMARK WRAPPED KEY"
#define VERSION 1
#define WRAPPED 1024 /* PKCS#8 of a P-256 key in PEM, and a margin */

static enum bm_rc
wrap_key(struct bm_secret *ret_key, const struct bm_files *files, struct bm_fail *fail)
{
    BM_SECRET(secret);
    enum bm_rc rc = bm_puf_secret(&secret, bm_puf_of(&files->root), false, fail);

    if (rc == BM_OK)
        bm_extractor_expand(ret_key->b, BM_BOX_KEY, &secret, "birthmark/puf/v1 wrapping key");
    return rc;
}

enum bm_rc
bm_puf_seal(const struct bm_files *files, const char *service, const struct bm_private *key, struct bm_buf *text, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf plain = { .max = WRAPPED }, der = { .max = WRAPPED };
    BM_SECRET(wrap);
    enum bm_rc rc;

    bm_buf_add_u8(&der, VERSION);
    if ((rc = bm_private_build(&plain, key, fail)) != BM_OK || (rc = wrap_key(&wrap, files, fail)) != BM_OK ||
        (rc = bm_box_close(&der, wrap.b, service, bm_buf_bytes(&plain), fail)) != BM_OK)
        return rc;
    bm_pem_build(text, LABEL, bm_buf_bytes(&der));
    return bm_buf_check(text, "the wrapped key", fail);
}

static enum bm_rc
block_take(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_buf *wrapped = ctx;

    if (wrapped->n > 0)
        return bm_fail(fail, BM_EINPUT, NULL, "there are two keys");
    bm_buf_add_bytes(wrapped, der);
    return bm_buf_check(wrapped, "the wrapped key", fail);
}

enum bm_rc
bm_puf_unseal(const struct bm_files *files, const char *service, struct bm_bytes text, struct bm_private **ret_key, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf wrapped = { .max = WRAPPED }, plain = { .max = WRAPPED };
    BM_SECRET(wrap);
    enum bm_rc rc;

    if ((rc = bm_pem_parse(text, LABEL, block_take, &wrapped, fail)) != BM_OK)
        return rc;
    if (wrapped.n <= 1 + BM_BOX_EXTRA || wrapped.p[0] != VERSION)
        return bm_fail(fail, BM_EINPUT, NULL, "this is no wrapped key of version %d: enrol the service again", VERSION);
    if ((rc = wrap_key(&wrap, files, fail)) != BM_OK)
        return rc;
    if ((rc = bm_box_open(&plain, wrap.b, service, bm_bytes(wrapped.p + 1, wrapped.n - 1), fail)) == BM_EPOLICY)
        return bm_fail(fail, rc, NULL, "the wrapped key was altered, or is another chip's or service's: enrol the service again");
    return rc != BM_OK ? rc : bm_private_parse(ret_key, bm_buf_bytes(&plain), fail);
}
