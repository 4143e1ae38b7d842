/* json.h - JSON from a peer, read strictly field by field (over jansson). */
#ifndef BM_JSON_H
#define BM_JSON_H

#include "base/bytes.h"

#include <jansson.h>

/* Parses one JSON text: UTF-8, duplicate keys refused, nothing after it, at most BM_MAX_JSON bytes (or `max`) and BM_MAX_JSON_DEPTH deep. bm_json_done() it. */
bm_must_use enum bm_rc bm_json_parse(json_t **ret_json, struct bm_bytes text, size_t max, struct bm_fail *fail);

/*
 * Fields of an object, taken one after the other; errors are sticky and name the field. Values are borrowed from the object.
 *
 *   struct bm_json_in in = bm_json_in(object, "enrol request", fail);
 *   const char *service = bm_json_str(&in, "service", BM_MAX_NAME);
 *   if ((rc = bm_json_in_end(&in)) != BM_OK) return rc;        unknown fields are refused here
 */
#define BM_JSON_FIELDS 32
struct bm_json_in {
    json_t *object;
    const char *what;
    struct bm_fail *fail;
    const char *seen[BM_JSON_FIELDS];
    size_t nseen;
    bool bad;
};
struct bm_json_in bm_json_in(json_t *object, const char *what, struct bm_fail *fail);
const char *bm_json_str(struct bm_json_in *in, const char *key, size_t max);     /* "" when bad; no NUL or control characters inside */
const char *bm_json_str_opt(struct bm_json_in *in, const char *key, size_t max); /* NULL when absent */
uint64_t bm_json_u64(struct bm_json_in *in, const char *key, uint64_t least, uint64_t most);
void bm_json_true(struct bm_json_in *in, const char *key); /* true, and nothing else */
json_t *bm_json_array(struct bm_json_in *in, const char *key, size_t max);
json_t *bm_json_object(struct bm_json_in *in, const char *key);               /* read it by a bm_json_in of its own */
void bm_json_b64(struct bm_json_in *in, const char *key, struct bm_buf *buf); /* standard base64; appended, buf's max holds */
bm_must_use enum bm_rc bm_json_in_end(struct bm_json_in *in);

/* A text of a row that we made; "" when it has none of this name. */
const char *bm_json_text(const json_t *row, const char *name);
void bm_json_done(json_t **json); /* for bm_cleanup() */

/* Appends the compact text of a document that we made. */
bm_must_use enum bm_rc bm_json_print(struct bm_buf *buf, const json_t *json, struct bm_fail *fail);

#endif
