/* station.h - the word of the factory's station that a request came by, for this request and for one order: part 3 of a bundle. Format: docs/formats/evidence.md. */
#ifndef BM_EVIDENCE_STATION_H
#define BM_EVIDENCE_STATION_H

#include "evidence/word.h"

/* lv16 the order's name, then a word. */
struct bm_station_word {
    char order[BM_MAX_NAME + 1];
    struct bm_word word;
};
/* BM_EINPUT. Views; the key is not read here. */
bm_must_use enum bm_rc bm_station_parse(struct bm_station_word *ret_station, struct bm_bytes part, struct bm_fail *fail);
/* Appends it; the one encoding that parses to this. */
void bm_station_build(struct bm_buf *buf, const struct bm_station_word *station);

/* What the station's key signs begins with this label (bm_word_tbs()): whoever counts the unit elsewhere has no station's word for it. */
#define BM_STATION_LABEL (sizeof(BM_WORD_STATION) + BM_MAX_NAME + 1)
void bm_station_label(char ret_label[static BM_STATION_LABEL], const char *order);

#endif
