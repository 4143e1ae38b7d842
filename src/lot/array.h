/* array.h - one big JSON array of objects cut into its objects, so that no more than one of them is in memory as a tree. */
#ifndef BM_ARRAY_H
#define BM_ARRAY_H

#include "wire/rd.h"

/* Begins at the '['. What lies between the objects (brackets, commas, white space) is read strictly here; the objects by whoever gets them. */
struct bm_array {
    struct bm_rd rd;
    bool begun;
    bool ended; /* the ']' was met and nothing stands behind it */
};

static inline struct bm_array
bm_array(struct bm_bytes text)
{
    return (struct bm_array){ .rd = bm_rd(text) };
}

/* True and the next object's text, from '{' to its '}'; false at the end. BM_EINPUT when this is no array of objects, or an object is larger than max. */
bm_must_use enum bm_rc bm_array_next(struct bm_array *array, size_t max, bool *ret_have, struct bm_bytes *ret_object, struct bm_fail *fail);

#endif
