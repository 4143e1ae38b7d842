/* agent_link.h - inside birthmark-agent link: one station at the other end of a line. */
#ifndef BM_AGENT_LINK_H
#define BM_AGENT_LINK_H

#include "device/agent.h"
#include "device/link.h"

struct station {
    struct bm_link link;
    struct birthmark *bm;
    const struct options *options;
    struct birthmark_carrier carrier;
    struct bm_fail fail; /* why the link is of no more use; BM_OK: it is */
};

/* agent_carry.c: the device's requests go over the link. */
void bm_agent_carry(struct station *station);
/* A TLS handshake with the station over the link, as this service; what is wrong with it goes into why. */
enum birthmark_result bm_agent_prove(struct station *station, const char *service, char why[static 400]);

#endif
