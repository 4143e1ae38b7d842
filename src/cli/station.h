/* station.h - which station this machine is. */
#ifndef BM_CLI_STATION_H
#define BM_CLI_STATION_H

#include "cli/cli.h"

#include "base/limits.h"

/* HOME/station.conf */
struct bm_station_conf {
    char name[BM_MAX_NAME + 1];
    char root[1100]; /* URI */
};
bm_must_use enum bm_rc bm_station_conf_read(struct bm_station_conf *ret, const char *home, struct bm_fail *fail);

#endif
