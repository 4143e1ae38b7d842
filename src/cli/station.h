/* station.h - which station this machine is, and which ones a site has. */
#ifndef BM_CLI_STATION_H
#define BM_CLI_STATION_H

#include "base/env.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "pki/cert.h"
#include "root/root.h"

/* HOME/station.conf */
struct bm_station_conf {
    char name[BM_MAX_NAME + 1];
    char root[1100];  /* URI */
    char server[256]; /* "": the site's, whose directory this is */
};
bm_must_use enum bm_rc bm_station_conf_read(struct bm_station_conf *ret, const char *home, struct bm_fail *fail);
bm_must_use enum bm_rc bm_station_conf_write(const struct bm_station_conf *conf, const char *home, struct bm_fail *fail);

/* call->home from --home, BIRTHMARK_HOME or /var/lib/birthmark; there need not be a site in it. */
void bm_station_home(struct bm_call *call);

/* Its key, which is made where there is none yet; *ret_pending: it waits for its first certificate. */
bm_must_use enum bm_rc bm_station_key(struct bm_root *root, struct bm_key *ret_key, bool *ret_pending, struct bm_fail *fail);

/* BM_EPOLICY once its certificate has ended; *ret_days: how long it is good for, when that is soon, else 0. */
bm_must_use enum bm_rc bm_station_cert_check(struct bm_root *root, unsigned *ret_days, struct bm_fail *fail);

/* "station enrol --request FILE": what another machine's key signed. */
bm_must_use enum bm_rc bm_station_request_read(struct bm_key *ret_key, const char *path, const char *name, struct bm_fail *fail);
bm_must_use enum bm_rc bm_station_request_write(struct bm_root *root, const char *name, const struct bm_key *key, bool pending,
                                                const char *path, struct bm_fail *fail);

/* At the site: this key is that station's from now on, by an operator's signature; nothing is signed when it is already. */
bm_must_use enum bm_rc bm_station_admit(struct bm_call *call, const char *name, const struct bm_key *key, struct bm_fail *fail);
/* A certificate for it. ret_chain: the station's, the server CA's, the root's, in PEM. */
bm_must_use enum bm_rc bm_station_certify(const char *home, const char *name, const struct bm_key *key, struct bm_buf *ret_chain,
                                          struct bm_fail *fail);
/* Such a chain taken apart: DER, the station's certificate first. BM_EINPUT: it is none, or not whole. */
struct bm_station_chain {
    struct bm_buf der[3];
    size_t n;
};
#define BM_STATION_CHAIN                                                                  \
    {                                                                                     \
        .der = { { .max = BM_MAX_CERT }, { .max = BM_MAX_CERT }, { .max = BM_MAX_CERT } } \
    }
void bm_station_chain_done(struct bm_station_chain *chain);
bm_must_use enum bm_rc bm_station_chain_parse(struct bm_station_chain *chain, struct bm_bytes pem, struct bm_fail *fail);

#endif
