/* hash.h - SHA-256 for this room: many short hashes, fast. (Others have pki's; the two rooms don't see each other.) */
#ifndef BM_MERKLE_HASH_H
#define BM_MERKLE_HASH_H

#include "base/bytes.h"
#include "base/limits.h"

/*
 * Of the pieces one after the other. No result code: memory apart there is nothing that can go wrong, and a process that cannot hash has
 * nothing to give. It ends (abort), so that no caller goes on with a hash that was not computed.
 */
void bm_merkle_hash(uint8_t ret[static BM_HASH], const struct bm_bytes *pieces, size_t n);

#endif
