#include "root/backend.h"

#include "wire/text.h"

#include <stdlib.h>

static int
name_order(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum bm_rc
bm_names_add(struct bm_buf *buf, const char *const *names, size_t n, struct bm_fail *fail)
{
    const char *sorted[BM_MAX_SERVICES * 2];

    if (n > BM_COUNT(sorted))
        return bm_fail(fail, BM_EPOLICY, NULL, "the root holds more than %zu identities", BM_COUNT(sorted));
    memcpy(sorted, names, n * sizeof(*names));
    qsort(sorted, n, sizeof(*sorted), name_order);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(sorted[i], sorted[i - 1]) != 0)
            bm_buf_add_fmt(buf, "%s\n", sorted[i]);
    }
    return bm_buf_check(buf, "the list of services", fail);
}

void
bm_leaf_signing(struct bm_leaf *ret_leaf, enum bm_root_kind root, const struct bm_key *key)
{
    *ret_leaf = (struct bm_leaf){ .kind = BM_LEAF_KEYS, .root = root, .nkeys = 1 };
    ret_leaf->keys[0] = (struct bm_leaf_key){ .use = BM_USE_SIGN, .key = *key };
}

enum bm_rc
bm_service_check(const char *service, struct bm_fail *fail)
{
    if (bm_name_ok(service, BM_MAX_NAME))
        return BM_OK;
    return bm_fail(fail, BM_EINPUT, NULL, "a service is named by 1 to %d characters of [A-Za-z0-9._-]", BM_MAX_NAME);
}

enum bm_rc
bm_sealed_check(const char *name, struct bm_bytes bytes, struct bm_fail *fail)
{
    if (!bm_name_ok(name, BM_MAX_NAME))
        return bm_fail(fail, BM_EINPUT, NULL, "sealed data is named by 1 to %d characters of [A-Za-z0-9._-]", BM_MAX_NAME);
    if (bytes.n > BM_MAX_SEALED)
        return bm_fail(fail, BM_EINPUT, NULL, "at most %d bytes are sealed under one name: seal a key, and encrypt the data with it",
                       BM_MAX_SEALED);
    return BM_OK;
}
