#include "device/files.h"

#include "base/file.h"
#include "pki/cert.h"
#include "wire/rd.h"

#include <stdio.h>

static enum bm_rc
missing(enum bm_rc rc, const char *service, struct bm_fail *fail)
{
    if (rc == BM_EPOLICY)
        return bm_fail(fail, BM_EPOLICY, NULL, "this device has no identity for service %s: enrol it first", service);
    return rc;
}

enum bm_rc
bm_key_file_write(const char *path, struct bm_root *root, const char *root_uri, const char *service, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = BM_MAX_PEM_FILE };
    char uri[BM_MAX_ROOT_URI + 1];
    struct bm_naming naming;
    struct bm_key key;
    enum bm_rc rc;

    if ((rc = root->ops->key_public(root, service, false, &key, fail)) != BM_OK)
        return missing(rc, service, fail);
    if ((rc = bm_root_uri_absolute(uri, root_uri, fail)) != BM_OK || (rc = bm_naming_root_set(&naming, uri, fail)) != BM_OK)
        return rc;
    (void)snprintf(naming.service, sizeof(naming.service), "%s", service);
    bm_naming_file_build(&file, &naming);
    if ((rc = bm_buf_check(&file, "the key file", fail)) != BM_OK)
        return rc;
    return bm_file_write(path, bm_buf_bytes(&file), 0644, fail);
}

enum bm_rc
bm_cert_file_write(const char *path, struct bm_root *root, const char *service, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_ROOT_CERTS * (BM_MAX_CERT + 4) },
                                          file = { .max = BM_ROOT_CERTS * BM_MAX_PEM_FILE };
    struct bm_rd rd;
    enum bm_rc rc;

    if ((rc = root->ops->certs(root, service, &certs, fail)) != BM_OK)
        return missing(rc, service, fail);
    for (rd = bm_rd(bm_buf_bytes(&certs)); rd.left > 0 && !rd.bad;)
        bm_pem_build(&file, "CERTIFICATE", bm_rd_lv32(&rd, BM_MAX_CERT));
    if ((rc = bm_buf_check(&file, "the certificates", fail)) != BM_OK)
        return rc;
    return bm_file_write(path, bm_buf_bytes(&file), 0644, fail);
}
