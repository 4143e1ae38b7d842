/* tiles.h - the paths of C2SP tlog-tiles: how a public tree is laid out in files. */
#ifndef BM_TILES_H
#define BM_TILES_H

#include "base/bytes.h"

#define BM_TILE_WIDTH 256 /* hashes or entries in a full tile */

struct bm_tile {
    bool entries;   /* an entry bundle; level is then 0 */
    unsigned level; /* 0 to 7: 8 levels of the tree each; what a tree of 2^63 leaves has */
    uint64_t n;     /* which tile of the level, from 0 */
    unsigned width; /* 1 to 256; 256 = full */
};

/* "tile/0/x001/x234/067", "tile/1/000.p/5", "tile/entries/x123/456.p/255" */
#define BM_TILE_PATH 64
void bm_tile_print(char ret[static BM_TILE_PATH], const struct bm_tile *tile);
/* Only what bm_tile_print() prints. */
bm_must_use enum bm_rc bm_tile_parse(struct bm_tile *ret, struct bm_bytes path, struct bm_fail *fail);

#endif
