#include "evidence/station.h"

#include "wire/rd.h"
#include "wire/text.h"

#include <stdio.h>

enum bm_rc
bm_station_parse(struct bm_station_word *ret_station, struct bm_bytes part, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(part);
    struct bm_bytes name = bm_rd_lv16(&rd, BM_MAX_NAME);
    struct bm_station_word station = { .order = "" };
    enum bm_rc rc = bm_word_parse(&station.word, bm_rd_rest(&rd), "the station's word", fail);

    if (rc != BM_OK)
        return rc;
    if (name.n > 0)
        memcpy(station.order, name.p, name.n);
    if (strlen(station.order) != name.n || !bm_name_ok(station.order, BM_MAX_NAME))
        return bm_fail(fail, BM_EINPUT, NULL, "the station's word names no order: give the station one with --order");
    *ret_station = station;
    return BM_OK;
}

void
bm_station_build(struct bm_buf *buf, const struct bm_station_word *station)
{
    bm_buf_add_lv16(buf, bm_bytes_str(station->order));
    bm_word_build(buf, &station->word);
}

void
bm_station_label(char ret_label[static BM_STATION_LABEL], const char *order)
{
    (void)snprintf(ret_label, BM_STATION_LABEL, BM_WORD_STATION "%.*s\n", BM_MAX_NAME, order);
}
