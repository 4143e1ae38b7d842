/* json_string.h - one JSON string (RFC 8259 7): where it ends, what it says. */
#ifndef BM_JSON_STRING_H
#define BM_JSON_STRING_H

#include "base/bytes.h"

/* text begins behind the opening quote: how many bytes stand before the closing one; all of text when there is none. */
size_t bm_json_string_size(struct bm_bytes text);

/*
 * What these bytes between two quotes say: the bytes themselves, or escapes resolved and written behind what stands in room already (which is not moved; NULL:
 * no escapes are taken). False: no UTF-8, a control character (C0, DEL, C1; escaped or not), an escape that is none or has no room.
 */
bool bm_json_string(struct bm_bytes *ret, struct bm_bytes inside, struct bm_buf *room);

#endif
