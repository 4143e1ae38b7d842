/* ceremony.h - a root CA in a directory of its own: made, opened, used to sign CAs, followed by the next one; each time with an entry of its transcript. */
#ifndef BM_CLI_CEREMONY_H
#define BM_CLI_CEREMONY_H

#include "base/file.h"
#include "cli/ceremony_key.h"
#include "cli/operator_key.h"
#include "pki/tbs.h"
#include "record/transcript.h"

/*
 * A session: what is done is held in memory until the commit, which writes one entry and the files that it names. What ends without a commit changed
 * nothing. The directory (docs/formats/ceremony.md):
 *   root.key or root.uri   the private key, or where it is
 *   root.pem               the root's certificate; new-with-old.pem, old-with-new.pem where it follows another
 *   transcript             entries
 *   issued/CN.pem          what it signed
 */
struct bm_ceremony {
    char dir[BM_PATH]; /* where it will be, or is */
    char at[BM_PATH];  /* where its files are: DIR.part until the commit of a new one */
    bool fresh, done;
    int lock;
    struct bm_ceremony_key key;
    struct bm_crypto *crypto;
    struct bm_buf name; /* the root's subject */
    struct bm_issuer issuer;
    struct bm_buf old;                /* the transcript so far */
    struct bm_transcript *transcript; /* the same, checked; NULL where it is fresh. After the commit: with the new entry */
    struct bm_transcript_entry *entry;
    const struct bm_operator_key *present; /* borrowed */
    size_t npresent;
};
void bm_ceremony_done(struct bm_ceremony **ceremony); /* for bm_cleanup() */

/* Who is there, and what they want. Strings and keys are borrowed until the session ends. */
struct bm_ceremony_plan {
    const char *organization; /* the O of all certificates; of a test hierarchy it begins with TEST */
    const char *token;        /* pkcs11:... of the root; NULL: a file */
    bool test;
    const struct bm_operator_key *present;
    size_t npresent;
    struct bm_call *call;
};

/* A new root, "Root CA 1", in a directory that is not there yet, or empty. */
bm_must_use enum bm_rc bm_ceremony_begin(struct bm_ceremony **ret_ceremony, const char *dir, const struct bm_ceremony_plan *plan,
                                         struct bm_fail *fail);
/* One that is there. Its transcript is checked first; of the plan only who is present counts. */
bm_must_use enum bm_rc bm_ceremony_open(struct bm_ceremony **ret_ceremony, const char *dir, const struct bm_ceremony_plan *plan,
                                        struct bm_fail *fail);

/* A certificate, appended to der. class: operational, idevid, server, operators or ocsp. The key's owner is who calls. */
bm_must_use enum bm_rc bm_ceremony_sign(struct bm_ceremony *ceremony, enum bm_root_class class, const char *common_name,
                                        const struct bm_key *key, struct bm_buf *der, struct bm_fail *fail);
/* Of a PKCS#10 request (PEM or DER), whose signature shows that the key is its owner's. common_name NULL: the request's CN. The same request
 * for the same class again gives the same certificate. label: the file's name, for the transcript. */
bm_must_use enum bm_rc bm_ceremony_sign_request(struct bm_ceremony *ceremony, enum bm_root_class class, const char *common_name,
                                                const char *label, struct bm_bytes request, struct bm_buf *der, struct bm_fail *fail);
/* "Operational CA 3": the first number that no certificate of this root has. */
bm_must_use enum bm_rc bm_ceremony_free_name(const struct bm_ceremony *ceremony, const char *stem, char ret[static BM_MAX_NAME + 1],
                                             struct bm_fail *fail);

/* Signs and writes. Nothing to write, when nothing was done. */
bm_must_use enum bm_rc bm_ceremony_commit(struct bm_ceremony *ceremony, struct bm_fail *fail);

/* The next root, in newdir, of the same organization and mark; both directories get their entry. A roll that was cut off is finished. */
bm_must_use enum bm_rc bm_ceremony_roll(struct bm_ceremony **ret_next, const char *newdir, struct bm_ceremony *old,
                                        const struct bm_ceremony_plan *plan, struct bm_fail *fail);

/* "TEST " before it, when it does not begin so. */
bm_must_use enum bm_rc bm_test_name(char ret[static BM_MAX_NAME + 1], const char *organization, struct bm_fail *fail);

#endif
