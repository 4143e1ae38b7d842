/* founding.h - a site's keys and certificates, made in a directory that becomes its home. Of init only. */
#ifndef BM_FOUNDING_H
#define BM_FOUNDING_H

#include "base/env.h"
#include "cli/cli.h"
#include "cli/ceremony.h"
#include "cli/places.h"

struct bm_founding {
    const char *dir;               /* the directory that will be the home */
    const char *token;             /* a PKCS#11 URI, or NULL: CA keys in files */
    const char *operator_key;      /* the first operator's, a URI or a file; NULL: made in a file */
    const char *root_dir;          /* where a root was made before; NULL: it is made in DIR/ceremony */
    struct bm_ceremony *ceremony;  /* filled: not committed where root_dir is given: that is for when the site is in its place */
    struct bm_operator_key person; /* filled: the first operator's key, who is present */
    bm_time now;
    struct bm_site *site;          /* name, url and operator names are set; the rest is filled here */
    struct bm_note_key ledger;     /* filled */
    uint8_t root[BM_HASH];         /* filled: SHA-256 of the root certificate */
    bool token_keys[BM_CA__N + 1]; /* filled: were made in the token; the last is the OCSP key */
    char token_label[BM_CA__N + 1][BM_MAX_NAME + 1];
};

/* Directories, keys, certificates, profiles, site.conf, trust.txt, everything but the journal and the store. */
bm_must_use enum bm_rc bm_founding_make(struct bm_founding *founding, struct bm_call *call, struct bm_fail *fail);
/* Takes the token's keys away again, and what the ceremony began. */
void bm_founding_undo(struct bm_founding *founding);
void bm_founding_done(struct bm_founding *founding);

#endif
