/* digest.h - SHA-256 and HMAC with it, in one call: the only hash of trees, slots and records. */
#ifndef BM_DIGEST_H
#define BM_DIGEST_H

#include "base/bytes.h"
#include "base/limits.h"

/*
 * No result codes: memory apart there is nothing that can go wrong, and a process that cannot hash would misname every key and record from here on.
 * It ends (abort), so that no caller goes on with a hash that was not computed. libbirthmark, in other people's programs, has digest_each.c in place of
 * digest.c, which needs no memory and does not fail.
 */
void bm_sha256(uint8_t ret[static BM_HASH], struct bm_bytes bytes);
/* Of the pieces one after the other. */
void bm_sha256_pieces(uint8_t ret[static BM_HASH], const struct bm_bytes *pieces, size_t n);
/* Of the first `n` bytes, and of all of them, gone through once. */
void bm_sha256_begins(uint8_t ret_begins[static BM_HASH], uint8_t ret_all[static BM_HASH], struct bm_bytes bytes, size_t n);
/* For key identifiers, which are labels (RFC 5280 4.2.1.2): nothing is bound to it. */
#define BM_SHA1 20
void bm_sha1(uint8_t ret[static BM_SHA1], struct bm_bytes bytes);
void bm_hmac256(uint8_t ret[static BM_HASH], struct bm_bytes key, struct bm_bytes bytes);

#endif
