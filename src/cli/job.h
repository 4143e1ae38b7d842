/* job.h - what the command line says about a lot's file, as inspect and receive both take it. */
#ifndef BM_CLI_JOB_H
#define BM_CLI_JOB_H

#include "cli/cli.h"
#include "cli/spool.h"
#include "lot/lot.h"

#define BM_OPTION_SIGNATURE                                                                                      \
    {                                                                                                            \
        .name = "signature", .value = "FILE", .help = "what signs the list from beside it: CMS in DER, or a JWS" \
    }
#define BM_OPTION_COLUMN                                                                                                    \
    {                                                                                                                       \
        .name = "column", .value = "WHAT=COLUMN", .help = "CSV: which column is the key, certificate, id ...", .many = true \
    }
#define BM_OPTION_INJECTED                                                                            \
    {                                                                                                 \
        .name = "injected", .help = "the root keys were made outside the chips: their entries say so" \
    }

#define BM_OPTION_DECRYPT                                                                                                    \
    {                                                                                                                        \
        .name = "decrypt", .value = "KEY", .help = "your private key, in PEM or pkcs11:..., for a list that is confidential" \
    }

/* A job, and all that it borrows. Empty: BM_WORK_NONE. */
struct bm_work {
    struct bm_lot_job job;
    int fd; /* of the copy that is mapped; -1: the file itself is, or `content` is read */
    struct bm_map map;
    struct bm_buf content; /* of a folder, or what was in an envelope */
    struct bm_buf signature;
    bool blamed;               /* what failed is what came, not how the command was called */
    bool enveloped;            /* and then: */
    uint8_t envelope[BM_HASH]; /* SHA-256 of what came */
    char what[BM_MAX_COLUMN_MAPS][BM_MAX_NAME + 1];
    struct bm_column_map columns[BM_MAX_COLUMN_MAPS];
    struct bm_crypto *crypto;
    char path[BM_MAX_NAME * 4]; /* as far as sentences show it: the last part of the name */
};
#define BM_WORK_NONE \
    (struct bm_work) \
    {                \
        .fd = -1     \
    }
void bm_work_done(struct bm_work *work); /* for bm_cleanup() */

/*
 * The file that the first word names, with --lot, --signature, --column, --injected and --decrypt. A directory counts as one file (docs/formats/lot.md,
 * "A folder"). The vendor is borrowed. job.now is left 0.
 * dir: where a copy is read from in the file's place, so that nobody changes it meanwhile; NULL: the file itself is, and nothing is written.
 */
bm_must_use enum bm_rc bm_work_open(struct bm_work *ret_work, struct bm_call *call, const struct bm_vendor *vendor, const char *dir,
                                    struct bm_fail *fail);
/* The file as it is read, to stay at this path. Its directory is not yet on the disk. */
bm_must_use enum bm_rc bm_work_keep(struct bm_work *work, const char *path, struct bm_fail *fail);

#endif
