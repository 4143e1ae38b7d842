/* point.h - is a point of the curve, or a key of no strength, before libcrypto is asked. */
#ifndef BM_POINT_H
#define BM_POINT_H

#include "pki/key.h"

/* 04 || X || Y of P-256 or P-384 with X and Y below the field's prime and on the curve. */
bool bm_point_on_curve(enum bm_key_alg alg, struct bm_bytes point);

/* As long as such a point, and uncompressed: the rest is not asked. */
bool bm_point_shaped(enum bm_key_alg alg, struct bm_bytes point);

/* One of the encodings of the eight points of small order: signatures under such a key prove nothing. 32 octets. */
bool bm_point_small_order(struct bm_bytes key);

#endif
