/* fuzz_microchip.c - Microchip's JSON, before and behind the signature: cut into objects that lie in the file, entries read or refused, chips that we can write. */
#include "fuzz.h"

#include "lot/array.h"
#include "lot/jws.h"
#include "lot/jws_cut.h"
#include "lot/secure_element.h"
#include "wire/json.h"

static void
objects_lie_in_the_file(struct bm_bytes file)
{
    struct bm_array array = bm_array(file);
    const uint8_t *behind = file.p;
    struct bm_fail fail = { 0 };
    struct bm_bytes object;
    bool have = true;

    while (bm_array_next(&array, BM_MAX_JSON, &have, &object, &fail) == BM_OK && have) {
        must(object.n >= 2 && object.p > behind && object.p + object.n <= file.p + file.n);
        must(object.p[0] == '{' && object.n <= BM_MAX_JSON);
        behind = object.p + object.n - 1;
    }
    must(!have || fail.text[0] != 0);
}

static void
same(const json_t *object, const char *key, struct bm_bytes view)
{
    const json_t *value = json_object_get(object, key);

    must(json_is_string(value) && json_string_length(value) == view.n && memcmp(json_string_value(value), view.p, view.n) == 0);
}

/* Our cut against a JSON parser: what it takes reads to the same values there. */
static void
cut_agrees(struct bm_bytes bytes)
{
    struct bm_fail fail = { 0 };
    struct bm_jws_parts parts;
    json_t *json = NULL;

    if (bm_jws_cut(&parts, bytes, &fail) != BM_OK) {
        must(fail.text[0] != 0);
        return;
    }
    must(bm_json_parse(&json, bytes, BM_MAX_JSON, &fail) == BM_OK && json_object_size(json) == 4);
    same(json, "payload", parts.payload);
    same(json, "protected", parts.protected_text);
    same(json, "signature", parts.signature);
    same(json_object_get(json, "header"), "uniqueId", parts.unique_id);
    json_decref(json);
}

static void
entry_is_read_or_refused(struct bm_bytes bytes)
{
    bm_cleanup(bm_jws_done) struct bm_jws jws = { .nsigned = 0 };
    struct bm_fail fail = { 0 };

    if (bm_jws_parse(&jws, bytes, &fail) != BM_OK) {
        must(fail.text[0] != 0);
        return;
    }
    must(jws.nsigned > 0 && jws.nsigned < jws.text.n && jws.text.p[jws.nsigned] == '.');
}

static void
chip_can_be_written(struct bm_bytes payload)
{
    static struct bm_element element; /* too large for a frame */
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_LEAF };
    struct bm_fail fail = { 0 };

    if (bm_element_parse(&element, payload, 1, &fail) != BM_OK) {
        must(fail.text[0] != 0);
        return;
    }
    memset(element.leaf.hashes[0], 0, BM_HASH);
    /* a key that is there twice is all that may stop it */
    if (bm_leaf_build(&der, &element.leaf, &fail) == BM_OK)
        must(bm_leaf_parse(&element.leaf, bm_buf_bytes(&der), &fail) == BM_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    objects_lie_in_the_file(bm_bytes(data, size));
    cut_agrees(bm_bytes(data, size));
    entry_is_read_or_refused(bm_bytes(data, size));
    chip_can_be_written(bm_bytes(data, size));
    return 0;
}
