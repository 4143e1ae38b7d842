#include "root/backend.h"

#include <stdio.h>

static const struct bm_root_ops *const backends[] = { &bm_root_tpm2, &bm_root_pkcs11, &bm_root_puf, &bm_root_soft };

enum bm_rc
bm_root_open(struct bm_root **ret_root, const char *uri, struct bm_fail *fail)
{
    const char *colon = strchr(uri, ':');

    for (size_t i = 0; colon != NULL && i < BM_COUNT(backends); i++) {
        size_t n = strlen(backends[i]->scheme);

        if ((size_t)(colon - uri) == n && memcmp(uri, backends[i]->scheme, n) == 0)
            return backends[i]->open(ret_root, colon + 1, fail);
    }
    return bm_fail(fail, BM_EINPUT, NULL,
                   "\"%.100s\" names no root of trust: write tpm2:, tpm2:swtpm:port=2321, pkcs11:token=...;object=..., "
                   "puf:sim:SEED:HELPERFILE or soft:KEY.pem",
                   uri);
}

void
bm_root_close(struct bm_root *root)
{
    if (root != NULL)
        root->ops->close(root);
}

void
bm_root_done(struct bm_root **root)
{
    bm_root_close(*root);
    *root = NULL;
}
