#include "root/backend.h"

#include <stdlib.h>

static bool
scheme_is(const char *uri, const char *scheme)
{
    size_t n = strlen(scheme);

    return strncmp(uri, scheme, n) == 0 && uri[n] == ':';
}

/* A root that this build leaves out is another mistake than a word that names none. */
static enum bm_rc
no_backend(const char *uri, struct bm_fail *fail)
{
    static const char schemes[][8] = { "tpm2", "pkcs11", "puf", "soft" };
    char built[48];
    struct bm_buf list = bm_buf_in((uint8_t *)built, sizeof(built) - 1);

    for (size_t i = 0; i < BM_COUNT(schemes); i++) {
        if (!scheme_is(uri, schemes[i]))
            continue;
        for (size_t at = 0; bm_root_backends[at] != NULL; at++)
            bm_buf_add_fmt(&list, "%s%s", at > 0 ? ", " : "", bm_root_backends[at]->scheme);
        return bm_fail(fail, BM_EINPUT, NULL, "roots of trust of kind %s are not built in, only %.*s: build with -Droots=%s", schemes[i],
                       (int)list.n, (const char *)list.p, schemes[i]);
    }
    return bm_fail(fail, BM_EINPUT, NULL,
                   "\"%.100s\" names no root of trust: write tpm2:, tpm2:swtpm:port=2321, pkcs11:token=...;object=..., "
                   "puf:sim:SEED:HELPERFILE or soft:KEY.pem",
                   uri);
}

enum bm_rc
bm_root_open(struct bm_root **ret_root, const char *uri, struct bm_fail *fail)
{
    for (size_t i = 0; bm_root_backends[i] != NULL; i++) {
        const struct bm_root_ops *ops = bm_root_backends[i];

        if (scheme_is(uri, ops->scheme))
            return ops->open(ret_root, uri + strlen(ops->scheme) + 1, fail);
    }
    return no_backend(uri, fail);
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

static void
leaf_done(struct bm_leaf **leaf)
{
    free(*leaf);
}

enum bm_rc
bm_root_speaker(struct bm_root *root, struct bm_leaf_key *ret_key, struct bm_buf *certs, struct bm_fail *fail)
{
    bm_cleanup(leaf_done) struct bm_leaf *leaf = NULL; /* 9 KiB */
    enum bm_rc rc;

    if (root->ops->speaker != NULL)
        return root->ops->speaker(root, ret_key, certs, fail);
    if ((leaf = calloc(1, sizeof(*leaf))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    if ((rc = root->ops->identify(root, false, leaf, certs, fail)) == BM_OK)
        *ret_key = leaf->keys[0]; /* roots list the one that they prefer first */
    return rc;
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
