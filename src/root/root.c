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

static enum bm_rc
no_boot_state(const struct bm_root *root, struct bm_fail *fail)
{
    return bm_fail(fail, BM_EPOLICY, NULL, "a root of trust of kind %s knows no boot state: bind to the device alone, or use a TPM",
                   root->ops->scheme);
}

enum bm_rc
bm_root_bind(struct bm_root *root, const struct bm_bound *bound, struct bm_fail *fail)
{
    if (root->ops->bind != NULL)
        return root->ops->bind(root, bound, fail);
    return bound == NULL ? BM_OK : no_boot_state(root, fail);
}

enum bm_rc
bm_root_boot_values(struct bm_root *root, uint32_t pcrs, uint8_t ret_values[static BM_PCRS][BM_HASH], struct bm_fail *fail)
{
    return root->ops->boot_values != NULL ? root->ops->boot_values(root, pcrs, ret_values, fail) : no_boot_state(root, fail);
}

enum bm_rc
bm_root_boot_permit(struct bm_root *root, const struct bm_permit *permit, struct bm_fail *fail)
{
    return root->ops->boot_permit != NULL ? root->ops->boot_permit(root, permit, fail) : no_boot_state(root, fail);
}

enum bm_rc
bm_root_bound_tell(struct bm_root *root, enum bm_kept kept, const char *name, struct bm_bound *ret_bound, bool *ret_usable,
                   struct bm_fail *fail)
{
    if (root->ops->bound_tell != NULL)
        return root->ops->bound_tell(root, kept, name, ret_bound, ret_usable, fail);
    *ret_bound = (struct bm_bound){ .pcrs = 0 };
    *ret_usable = true;
    return BM_OK;
}
