/* agent.h - inside birthmark-agent: its options, its verbs, and how each ends. */
#ifndef BM_AGENT_H
#define BM_AGENT_H

#include "birthmark.h"

#include "base/env.h"

#include <jansson.h>

struct options {
    const char *root, *server, *service, *profile, *ca_file, *key_file, *cert_file, *pcrs, *update_key, *out;
    const char *name; /* what stands behind the verb */
    bool json, new_key, help, factory, yes, stdio, all, force;
};

/* Each gives the exit code. One line on stderr; the class gives the word before it. */
int bm_agent_refuse(const struct birthmark *bm, enum birthmark_result rc);
int bm_agent_usage(const char *what, const char *name);
int bm_agent_json(json_t *json); /* to stdout; takes it; NULL: no memory */

/* agent_status.c */
extern const char bm_agent_help_status[];
int bm_agent_status(struct birthmark *bm, const struct options *options);

/* agent_renew.c: takes no handle. remember, forget: what agent.conf holds of an identity; what goes wrong there is a warning. service NULL: all of the root's. */
extern const char bm_agent_help_renew[];
int bm_agent_renew(struct birthmark *bm, const struct options *options);
void bm_agent_remember(struct birthmark *bm, const struct options *options);
void bm_agent_forget(const struct options *options, const char *service);
void bm_agent_remember_file(const struct options *options); /* the certificate file of identity list: renew rewrites it */

/* agent_csr.c: takes no handle */
extern const char bm_agent_help_csr[];
int bm_agent_csr(struct birthmark *bm, const struct options *options);

/* agent_link.c */
extern const char bm_agent_help_link[];
int bm_agent_link(struct birthmark *bm, const struct options *options);

/* agent_keep.c. What is made from here on is bound as --pcrs and --update-key say; BIRTHMARK_OK where they do not. Says a warning and a refusal itself. */
int bm_agent_bind(struct birthmark *bm, const struct options *options);
extern const char bm_agent_help_retire[], bm_agent_help_seal[], bm_agent_help_unseal[], bm_agent_help_sealed[], bm_agent_help_boot[],
    bm_agent_help_reset[];
int bm_agent_retire(struct birthmark *bm, const struct options *options);
int bm_agent_seal(struct birthmark *bm, const struct options *options);
int bm_agent_unseal(struct birthmark *bm, const struct options *options);
int bm_agent_sealed_list(struct birthmark *bm, const struct options *options);
int bm_agent_sealed_remove(struct birthmark *bm, const struct options *options);
int bm_agent_boot_show(struct birthmark *bm, const struct options *options);
int bm_agent_boot_permit(struct birthmark *bm, const struct options *options);
int bm_agent_reset(struct birthmark *bm, const struct options *options);

/* agent_erased.c: a reset whose signed word goes to options->out */
int bm_agent_erase(struct birthmark *bm, const struct options *options);

#endif
