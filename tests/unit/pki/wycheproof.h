/* wycheproof.h - C2SP/wycheproof's vectors out of their archive. */
#ifndef BM_TEST_WYCHEPROOF_H
#define BM_TEST_WYCHEPROOF_H

#include "kit.h"

#include <jansson.h>

#define WYCHEPROOF "suites/wycheproof_subset.tar.gz"

static inline const char *
wycheproof_string(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));

    assert_non_null(s);
    return s;
}

static inline void
wycheproof_bytes(struct bm_buf *buf, const json_t *object, const char *name)
{
    const char *hex = wycheproof_string(object, name);
    uint8_t *at;

    if (hex[0] == 0)
        return;
    at = bm_buf_grow(buf, strlen(hex) / 2);
    assert_ok(bm_hex_parse(at, strlen(hex) / 2, bm_bytes_str(hex), &kit_fail));
}

static inline json_t *
wycheproof_load(const char *archive, const char *file)
{
    char command[BM_PATH + 128];
    json_t *json;
    FILE *f;

    (void)snprintf(command, sizeof(command), "tar -xzOf '%s' 'testvectors_v1/%s'", archive, file);
    assert_non_null(f = popen(command, "r"));
    json = json_loadf(f, 0, NULL);
    assert_int_equal(pclose(f), 0);
    return json;
}

#endif
