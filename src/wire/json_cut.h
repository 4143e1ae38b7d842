/* json_cut.h - a JSON object taken apart into views of its text, for what is read by the million: no tree is built. */
#ifndef BM_JSON_CUT_H
#define BM_JSON_CUT_H

#include "base/bytes.h"

enum bm_json_kind {
    BM_JSON_STRING, /* the view is what stands between the quotes, escapes resolved; UTF-8, no control characters (nor DEL, nor C1) */
    BM_JSON_WHOLE,  /* a whole number from 0 up, of at most 18 digits: its digits */
    BM_JSON_OBJECT, /* the whole text from brace to brace (bracket to bracket): not looked into, for whoever takes it apart next */
    BM_JSON_LIST
};

/* Which members an object has: each once, and no others. */
#define BM_JSON_MEMBERS 16
struct bm_json_shape {
    const char *what; /* in sentences: "the payload" is "payload" */
    struct bm_json_member {
        const char *name;
        enum bm_json_kind kind;
        size_t max;    /* BM_JSON_STRING: bytes; else not asked */
        bool optional; /* its view has p == NULL where it is absent; an empty string has not */
    } member[BM_JSON_MEMBERS];
    bool others; /* members that are not listed are passed over, and not looked into */
};

/*
 * Fills ret_views[i] for member[i]; white space, order and values as RFC 8259 has them, nothing behind. Whatever this takes, a JSON parser reads to the same
 * values (tests/fuzz/fuzz_json_cut.c). Strings with escapes are written to `room`, which must have space for as many bytes as the text has, since views
 * into it stand (bm_json_room()); NULL: they are refused. BM_EINPUT, and one sentence that names the member.
 */
bm_must_use enum bm_rc bm_json_cut(struct bm_bytes *ret_views, const struct bm_json_shape *shape, struct bm_bytes object,
                                   struct bm_buf *room, struct bm_fail *fail);
/* A list of at most max values of one kind (BM_JSON_STRING or BM_JSON_OBJECT). */
bm_must_use enum bm_rc bm_json_cut_list(struct bm_bytes *ret_views, size_t *ret_n, size_t max, enum bm_json_kind kind, struct bm_bytes list,
                                        const char *what, struct bm_buf *room, struct bm_fail *fail);

/* Empties room and makes it large enough for this text, where it has any escape at all. */
bm_must_use enum bm_rc bm_json_room(struct bm_buf *room, struct bm_bytes text, struct bm_fail *fail);

/* The number that a view of BM_JSON_WHOLE stands for. */
uint64_t bm_json_whole(struct bm_bytes digits);

/* Bytes of the object or list that begins at text.p, by its brackets, those in strings aside; 0 when it does not end in text. */
size_t bm_json_extent(struct bm_bytes text);

#endif
