/* fuzz_naming.c - a key file or a store URI names a service and a root that are written back the same, or is refused; a module is never in it. */
#include "fuzz.h"

#include "device/naming.h"
#include "wire/text.h"

static void
written_back(const struct bm_naming *naming)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_NAMING }, pem = { .max = BM_MAX_PEM_FILE };
    const char *query = strchr(naming->root, '?');
    struct bm_naming again;
    struct bm_fail fail = { 0 };

    must(bm_name_ok(naming->service, BM_MAX_NAME));
    if (strncmp(naming->root, "pkcs11:", 7) == 0 && query != NULL)
        must(strncmp(query, "?module-path=", 13) != 0 && strstr(query, "&module-path=") == NULL && strchr(query, ' ') == NULL);
    bm_naming_der_build(&der, naming);
    must(!der.bad && bm_naming_der_parse(&again, bm_buf_bytes(&der), &fail) == BM_OK);
    must(strcmp(again.root, naming->root) == 0 && strcmp(again.service, naming->service) == 0);
    bm_naming_file_build(&pem, naming);
    must(!pem.bad && bm_naming_file_parse(&again, bm_buf_bytes(&pem), &fail) == BM_OK && strcmp(again.root, naming->root) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bm_fail fail = { 0 };
    struct bm_naming naming;
    char uri[4096];

    if (bm_naming_der_parse(&naming, bm_bytes(data, size), &fail) == BM_OK)
        written_back(&naming);
    else
        must(fail.rc == BM_EINPUT && fail.text[0] != 0);
    if (bm_naming_file_parse(&naming, bm_bytes(data, size), &fail) == BM_OK)
        written_back(&naming);
    if (size >= sizeof(uri) || (size > 0 && memchr(data, 0, size) != NULL))
        return 0;
    if (size > 0)
        memcpy(uri, data, size);
    uri[size] = '\0';
    if (bm_naming_uri_parse(&naming, uri, &fail) == BM_OK)
        written_back(&naming);
    return 0;
}
