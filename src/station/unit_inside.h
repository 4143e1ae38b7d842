/* unit_inside.h - inside unit.c: one command on the link, and what the device asks for while it works on it. */
#ifndef BM_STATION_UNIT_INSIDE_H
#define BM_STATION_UNIT_INSIDE_H

#include "station/unit.h"

struct bm_course {
    const struct bm_station *station;
    struct bm_link *link;
    int server; /* a connection that the device asked for; -1: none */
    SSL *proof; /* our end of its handshake; NULL: it speaks with the server */
};
/* Says the command (taken; NULL: no memory), carries what the device asks for, and gives its answer: one of `answers` (bits); a refusal is the device's sentence. */
bm_must_use enum bm_rc bm_course_run(struct bm_course *course, json_t *command, unsigned answers, struct bm_link_message *ret,
                                     struct bm_fail *fail);
void bm_course_done(struct bm_course *course);

#endif
