/* virtual.h - a directory of virtual chips for one test: a TPM, a token, a PUF and a software key, gone when the test ends. */
#ifndef BM_TEST_VIRTUAL_H
#define BM_TEST_VIRTUAL_H

#include "base/base.h"

enum virtual_kind {
    VIRTUAL_SOFT,
    VIRTUAL_PUF,
    VIRTUAL_PKCS11,
    VIRTUAL_TPM2,
    VIRTUAL__N
};

struct virtual
{
    char dir[64];
    char uri[VIRTUAL__N][512]; /* root URIs */
    char templates[3]
                  [512]; /* the TPM's, with TCG's identity keys by H-1, H-2, H-3: the TPM keeps which, bm_tpm2_record_remove() forgets it */
    char copy[512];      /* of the TPM, after virtual_clone() */
};

/* Starts them; ends the test as skipped (77) where not all of them are built in. False: they did not start, and the script's own words are on stderr. The tools are required (tools/packages.txt): a test fails then. */
bool virtual_start(struct virtual *ret);
bool virtual_again(struct virtual *chips,
                   unsigned tpms); /* what was killed runs again, with its state; the last of so many TPMs is uri[VIRTUAL_TPM2] */
bool virtual_clone(struct virtual *chips);
void virtual_stop(struct virtual *chips);

/* Runs a program, its output into a file of the directory; its exit code. */
int virtual_run(const struct virtual *chips, const char *const *argv, const char *output);

#endif
