/* places.h - the site's directory, and the files in it that commands read. */
#ifndef BM_CLI_PLACES_H
#define BM_CLI_PLACES_H

#include "base/file.h"
#include "cli/cli.h"
#include "merkle/note.h"
#include "record/site.h"

/* call->home from --home, BIRTHMARK_HOME or /var/lib/birthmark; BM_EINPUT (used wrongly) when none of them names a site. */
bm_must_use enum bm_rc bm_home_find(struct bm_call *call, struct bm_fail *fail);
bool bm_home_is_site(const char *home);
/* The same without looking whether a site is there: for init. */
bm_must_use enum bm_rc bm_home_name(struct bm_call *call, struct bm_fail *fail);

/* HOME/FORMAT with NAME put in; appends the file to buf. */
bm_must_use enum bm_rc bm_place_path(char ret_path[static BM_PATH], const char *home, const char *format, const char *name,
                                     struct bm_fail *fail);
bm_must_use enum bm_rc bm_place_read(struct bm_buf *buf, const char *home, const char *format, const char *name, struct bm_fail *fail);

/* HOME/site.conf; free() it. */
bm_must_use enum bm_rc bm_site_read(struct bm_site **ret_site, const char *home, struct bm_fail *fail);
/* Is it a site for tests? */
bm_must_use enum bm_rc bm_site_test(bool *ret_test, const char *home, struct bm_fail *fail);
void bm_site_free(struct bm_site **site);

/*
 * trust.txt: what strangers need. docs/formats/home.md
 *
 * birthmark/trust/v1
 * ledger VKEY           whose signature makes a checkpoint of this site
 * root HEX              1 to 8 lines: SHA-256 of a root certificate's DER
 * test yes              only of a site for tests
 */
struct bm_trust {
    struct bm_note_key ledger; /* its name is the origin of the checkpoints */
    uint8_t roots[BM_MAX_ROOTS][BM_HASH];
    size_t nroots;
    bool test;             /* a site for tests: production takes nothing of it */
    uint8_t site[BM_HASH]; /* SHA-256 of the ledger key: computed */
};
bm_must_use enum bm_rc bm_trust_parse(struct bm_trust *ret_trust, struct bm_bytes text, struct bm_fail *fail);
void bm_trust_build(struct bm_buf *buf, const struct bm_note_key *ledger, const uint8_t (*roots)[BM_HASH], size_t nroots, bool test);
bm_must_use enum bm_rc bm_trust_read(struct bm_trust *ret_trust, const char *path, struct bm_fail *fail);

/* The first certificate of a PEM (or DER) file. */
bm_must_use enum bm_rc bm_cert_read(struct bm_buf *der, const char *path, struct bm_fail *fail);
/* Takes one block into the buffer at ctx, and passes over all after it: for bm_pem_parse(). */
enum bm_rc bm_first_block(void *ctx, struct bm_bytes der, struct bm_fail *fail);

#endif
