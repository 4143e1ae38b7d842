/* root_uri.h - a root's URI, good in whatever directory it is read. */
#ifndef BM_ROOT_URI_H
#define BM_ROOT_URI_H

#include "base/bytes.h"
#include "base/limits.h"

#define BM_MAX_ROOT_URI 1024 /* a PKCS#11 URI with a path in it */

/* Its path, where it has one (soft:PATH, puf:sim:SEED:PATH), is made absolute. BM_EBUSY when there is no such file. */
bm_must_use enum bm_rc bm_root_uri_absolute(char ret_uri[static BM_MAX_ROOT_URI + 1], const char *uri, struct bm_fail *fail);

#endif
