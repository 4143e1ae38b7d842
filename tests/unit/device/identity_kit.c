/*
 * identity_kit.c - an identity in a root of trust without a server: for tests of programs that use one.
 *
 *   identity_kit ROOT SERVICE new              makes a key; its public half in PEM on stdout
 *   identity_kit ROOT SERVICE keep CERT...     stores certificates (PEM files, leaf first) beside it
 */
#include "base/file.h"
#include "pki/cert.h"
#include "root/root.h"

#include <stdio.h>
#include <stdlib.h>

static enum bm_rc
key_new(struct bm_root *root, const char *service, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = BM_MAX_PEM_FILE };
    struct bm_key key;
    enum bm_rc rc;

    if ((rc = root->ops->key_new(root, service, &key, fail)) != BM_OK)
        return rc;
    bm_pem_build(&pem, "PUBLIC KEY", bm_bytes(key.spki, key.nspki));
    return fwrite(pem.p, 1, pem.n, stdout) == pem.n ? BM_OK : bm_fail(fail, BM_EBUSY, NULL, "stdout cannot be written");
}

static enum bm_rc
der_keep(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_buf *buf = ctx;

    bm_buf_reset(buf);
    bm_buf_add_bytes(buf, der);
    return bm_buf_check(buf, "the certificate", fail);
}

static enum bm_rc
certs_keep(struct bm_root *root, const char *service, char **files, size_t n, struct bm_fail *fail)
{
    struct bm_buf ders[BM_ROOT_CERTS] = { 0 };
    struct bm_bytes certs[BM_ROOT_CERTS];
    enum bm_rc rc = BM_OK;

    for (size_t i = 0; rc == BM_OK && i < n && i < BM_ROOT_CERTS; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = BM_MAX_PEM_FILE };

        ders[i].max = BM_MAX_CERT;
        if ((rc = bm_file_read(&pem, files[i], fail)) == BM_OK)
            rc = bm_pem_parse(bm_buf_bytes(&pem), "CERTIFICATE", der_keep, &ders[i], fail);
        certs[i] = bm_buf_bytes(&ders[i]);
    }
    if (rc == BM_OK)
        rc = root->ops->commit(root, service, certs, n, fail);
    for (size_t i = 0; i < BM_ROOT_CERTS; i++)
        bm_buf_done(&ders[i]);
    return rc;
}

int
main(int argc, char **argv)
{
    bm_cleanup(bm_root_done) struct bm_root *root = NULL;
    struct bm_fail fail;
    enum bm_rc rc;

    if (argc < 4)
        return 2;
    if ((rc = bm_root_open(&root, argv[1], &fail)) == BM_OK)
        rc = strcmp(argv[3], "new") == 0 ? key_new(root, argv[2], &fail) : certs_keep(root, argv[2], argv + 4, (size_t)(argc - 4), &fail);
    if (rc != BM_OK)
        (void)fprintf(stderr, "identity_kit: %s\n", fail.text);
    return bm_rc_exit(rc);
}
