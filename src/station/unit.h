/* unit.h - one device at the factory's line: driven over a link from its root key to an identity that it has proven. */
#ifndef BM_STATION_UNIT_H
#define BM_STATION_UNIT_H

#include "device/http.h"
#include "device/link.h"
#include "device/provider.h"
#include "pki/cert.h"

#include <openssl/ssl.h>

/* What a station brings to every unit. */
struct bm_station {
    struct bm_root *root; /* where its key is, as the identity of BM_STATION_SERVICE; NULL: it signs no requests */
    const char *order;    /* that its units are made for: it says so of each request, and the signer holds it to that */
    const char *server;   /* https://HOST[:PORT] */
    struct bm_http *http; /* to it, under the station's name */
    SSL_CTX *tls;         /* bm_station_tls() */
};

struct bm_unit_ask {
    const char *service;
    const char *profile; /* NULL: the server's choice */
    bool new_key;
    void (*step)(void *ctx, const char *step); /* told of each step, as "enrolling"; NULL: nobody is */
    void *ctx;
};

/* What is known of it, as far as it got. Texts are the device's words, without control characters. */
struct bm_unit {
    char root[33], id[BM_MAX_ID + 1], model[BM_MAX_ID + 1], keys[BM_MAX_CHIP_KEYS * (2 * BM_HASH + 1)];
    char serial[2 * BM_MAX_SERIAL + 1], key[2 * BM_HASH + 1], fingerprint[2 * BM_HASH + 1];
    char warning[400]; /* "": it confirmed its identity to the server */
};

/*
 * Done is: the device got its identity, gave its certificate back out of its own memory, and proved the key in a mutual TLS handshake with this station.
 * BM_EPOLICY, BM_EINPUT: this unit is red; BM_EBUSY: the line, the server or its hardware is away.
 */
bm_must_use enum bm_rc bm_unit_make(struct bm_unit *ret, const struct bm_station *station, struct bm_link *link,
                                    const struct bm_unit_ask *ask, struct bm_fail *fail);

/* A server's context for the proof: TLS 1.3, the identity of a service in a root (the station's own), devices checked against ca_file. SSL_CTX_free() it. */
bm_must_use enum bm_rc bm_station_tls(SSL_CTX **ret_tls, struct bm_provider *provider, struct bm_root *root, const char *service,
                                      const char *ca_file, struct bm_fail *fail);

/* All of it from the station's root of trust, whose identity of BM_STATION_SERVICE is the station's. */
#define BM_STATION_SERVICE "station"
struct bm_station_pc {
    struct bm_station station;
    struct bm_root *root;
    struct bm_provider *provider;
};
bm_must_use enum bm_rc bm_station_open(struct bm_station_pc *ret, const char *root_uri, const char *order, const char *server,
                                       const char *ca_file, struct bm_fail *fail);
void bm_station_close(struct bm_station_pc *pc); /* for bm_cleanup() too; zeroed is fine */

#endif
