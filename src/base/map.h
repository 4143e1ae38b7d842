/* map.h - a file that is looked at and not read in: memory that the system can take back at any time. */
#ifndef BM_MAP_H
#define BM_MAP_H

#include "base/bytes.h"

/* Zeroed is empty. The file must not shrink while it is mapped: map what is ours, or a copy. */
struct bm_map {
    struct bm_bytes bytes;
    size_t behind; /* bytes from the start that were given back */
};

/* Classes and sentences as bm_file_read(); an empty file is an empty view. */
bm_must_use enum bm_rc bm_map_open(struct bm_map *ret_map, const char *path, size_t max, struct bm_fail *fail);
/* Who reads from front to back has come to `at`: what lies before it need not stay in memory. A smaller `at` begins again. Cheap to call often. */
void bm_map_behind(struct bm_map *map, uint64_t at);
void bm_map_done(struct bm_map *map); /* for bm_cleanup() */

#endif
