/* files.h - an identity as files for programs that can only read files: its certificates, and a key file that names its key. */
#ifndef BM_FILES_H
#define BM_FILES_H

#include "device/naming.h"
#include "root/root.h"

/* root_uri: how `root` was opened; a software key's path is written as an absolute one. BM_EPOLICY: the service has no identity. */
bm_must_use enum bm_rc bm_key_file_write(const char *path, struct bm_root *root, const char *root_uri, const char *service,
                                         struct bm_fail *fail);
bm_must_use enum bm_rc bm_cert_file_write(const char *path, struct bm_root *root, const char *service, struct bm_fail *fail);

#endif
