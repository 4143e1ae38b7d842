#include "device/root_uri.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Where a path begins in a root's URI: soft:PATH, puf:sim:SEED:PATH; at its end when there is none. */
static size_t
path_at(const char *uri)
{
    const char *colon;

    if (strncmp(uri, "soft:", 5) == 0)
        return 5;
    if (strncmp(uri, "puf:sim:", 8) == 0 && (colon = strchr(uri + 8, ':')) != NULL)
        return (size_t)(colon + 1 - uri);
    return strlen(uri);
}

enum bm_rc
bm_root_uri_absolute(char ret_uri[static BM_MAX_ROOT_URI + 1], const char *uri, struct bm_fail *fail)
{
    struct bm_buf out = bm_buf_in((uint8_t *)ret_uri, BM_MAX_ROOT_URI + 1);
    size_t at = path_at(uri);
    char path[PATH_MAX] = "";

    if (uri[at] != '\0' && realpath(uri + at, path) == NULL)
        return bm_fail(fail, BM_EBUSY, NULL, "%s: %s", uri + at, strerrordesc_np(errno));
    bm_buf_add(&out, uri, at);
    bm_buf_add(&out, path, strlen(path) + 1);
    return out.bad ? bm_fail(fail, BM_EINPUT, NULL, "the root's URI is longer than %d bytes", BM_MAX_ROOT_URI) : BM_OK;
}
