/* server_cert.h - the gate's server certificate: for which hosts, until when, made anew. */
#ifndef BM_SERVER_CERT_H
#define BM_SERVER_CERT_H

#include "base/env.h"
#include "cli/cli.h"
#include "pki/cert.h"

/* "https://HOST[:PORT]", HOST a name, an IPv4 address or [IPv6]; nothing after it. The host without brackets into ret_host. */
#define BM_HOST 256
bool bm_url_host(char ret_host[static BM_HOST], const char *url);

/* Writes HOME/gate/server.pem (leaf, then the server CA) and, when it is not there, HOME/gate/server.key. url "" : only this machine's own names. */
bm_must_use enum bm_rc bm_server_cert_make(const char *home, const char *url, bm_time now, struct bm_fail *fail);

/* The same certificate with what stands above it now: the server CA, and what leads from root to root. */
bm_must_use enum bm_rc bm_server_chain_put(const char *home, struct bm_fail *fail);

/* Does the certificate in HOME/gate hold for 30 more days, and for the url's host? *ret_until: when it ends. */
bm_must_use enum bm_rc bm_server_cert_good(const char *home, const char *url, bm_time now, bool *ret_good, bm_time *ret_until,
                                           struct bm_fail *fail);

/* A station's certificate for this key, and the server CA's, which issued it; appended as DER. */
bm_must_use enum bm_rc bm_station_cert_make(struct bm_buf *der, struct bm_buf *issuer, const char *home, const char *name,
                                            const struct bm_key *key, bm_time now, struct bm_fail *fail);

/* 20 octets that RFC 5280 4.1.2.2 allows, all but three bits of them random. */
#define BM_NEW_SERIAL 20
bm_must_use enum bm_rc bm_serial_make(uint8_t ret_serial[static BM_NEW_SERIAL], struct bm_fail *fail);

#define BM_CLOCK_SLACK 3600 /* certificates begin an hour ago: the clocks of those who check them are never quite right */

#endif
