/* agent_conf.h - agent.conf: how each identity was enrolled, so that it can be renewed without being told again (docs/formats/agent-conf.md). */
#ifndef BM_AGENT_CONF_H
#define BM_AGENT_CONF_H

#include "base/file.h"
#include "device/root_uri.h"

#define BM_MAX_AGENT_CONF 262144
#define BM_AGENT_VALUE 1024 /* a URL, a path */

#define BM_AGENT_CERT_FILES 4

struct bm_agent_entry {
    char service[BM_MAX_NAME + 1];
    char root[BM_MAX_ROOT_URI + 1];
    char server[BM_AGENT_VALUE + 1];
    char ca_file[BM_AGENT_VALUE + 1];
    char profile[BM_MAX_NAME + 1];                           /* "": the server's choice */
    char key[2 * BM_HASH + 1];                               /* of the root, as birthmark_status.keys begins; "": any */
    char cert_file[BM_AGENT_CERT_FILES][BM_AGENT_VALUE + 1]; /* hold its certificates, for other programs; the first "" ends the list */
};
struct bm_agent_conf {
    struct bm_agent_entry entry[BM_MAX_SERVICES];
    size_t n;
};

bm_must_use enum bm_rc bm_agent_conf_parse(struct bm_agent_conf *ret_conf, struct bm_bytes text, struct bm_fail *fail);
void bm_agent_conf_build(struct bm_buf *text, const struct bm_agent_conf *conf);

/* The file: BIRTHMARK_AGENT_CONF, else SYSCONFDIR/birthmark/agent.conf. One that is not there has no entries. The caller frees with bm_agent_conf_done(). */
const char *bm_agent_conf_path(void);
bm_must_use enum bm_rc bm_agent_conf_read(struct bm_agent_conf **ret_conf, struct bm_fail *fail);
void bm_agent_conf_done(struct bm_agent_conf **conf);
/* Puts the entry in place of the one for its root and service, whose certificate files it takes over. Nothing is written where the file's directory is not there: *ret_written. */
bm_must_use enum bm_rc bm_agent_conf_put(const struct bm_agent_entry *entry, bool *ret_written, struct bm_fail *fail);
/* Notes a certificate file in the entry of this root and service; nothing where there is none, or it is there already. */
bm_must_use enum bm_rc bm_agent_conf_cert_file(const char *root, const char *service, const char *path, struct bm_fail *fail);
/* Without the entries of this root and service (NULL: all of its services). */
bm_must_use enum bm_rc bm_agent_conf_drop(const char *root, const char *service, struct bm_fail *fail);

/* NULL when there is none. */
const struct bm_agent_entry *bm_agent_conf_find(const struct bm_agent_conf *conf, const char *root, const char *service);

#endif
