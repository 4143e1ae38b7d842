/* fuzz_json.c - what is read as JSON and printed is the same document, fractions but for what is past six digits; fields of any shape are read or refused with a sentence. */
#include "fuzz.h"

#include "base/limits.h"
#include "wire/json.h"

static void
fields_read(json_t *json)
{
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = 100 };
    struct bm_fail fail = { 0 };
    struct bm_json_in in = bm_json_in(json, "input", &fail);
    const char *s = bm_json_str(&in, "s", 8);

    must(s != NULL && strlen(s) <= 8);
    (void)bm_json_str_opt(&in, "o", 8);
    must(bm_json_u64(&in, "n", 0, 9) <= 9);
    must(json_array_size(bm_json_array(&in, "a", 2)) <= 2);
    bm_json_b64(&in, "d", &bytes);
    must(bm_json_object(&in, "b") == NULL || !in.bad);
    if (bm_json_in_end(&in) != BM_OK)
        must(fail.rc == BM_EINPUT && fail.text[0] != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* jansson writes some numbers and escapes longer than they were */
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = size * 24 + 64 };
    bm_cleanup(bm_buf_done) struct bm_buf second = { .max = size * 24 + 64 };
    json_t *json = NULL, *again = NULL;
    struct bm_fail fail = { 0 };

    if (bm_json_parse(&json, bm_bytes(data, size), BM_MAX_JSON, &fail) != BM_OK) {
        must(fail.rc == BM_EINPUT && fail.text[0] != 0);
        return 0;
    }
    fields_read(json);
    must(bm_json_print(&text, json, &fail) == BM_OK);
    must(bm_json_parse(&again, bm_buf_bytes(&text), text.max, &fail) == BM_OK);
    if (memchr(data, '.', size) == NULL && memchr(data, 'e', size) == NULL && memchr(data, 'E', size) == NULL) /* no fraction */
        must(json_equal(json, again) == 1);
    must(bm_json_print(&second, again, &fail) == BM_OK && bm_bytes_equal(bm_buf_bytes(&second), bm_buf_bytes(&text)));
    json_decref(again);
    json_decref(json);
    return 0;
}
