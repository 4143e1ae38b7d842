/* ek_dir.h - a directory of endorsement certificates as one file, its files in order and those about one TPM together. */
#ifndef BM_EK_DIR_H
#define BM_EK_DIR_H

#include "base/bytes.h"
#include "base/limits.h"

/*
 * A directory as the command line hands it over: these 8 bytes, then for each file u32 length and name, u32 length and content.
 * Files whose names differ only in -rsa, -ecc, .rsa or .ecc (before the last suffix, or at the end) are about one TPM.
 */
#define BM_DIR_MAGIC "BMDIR1\n"
#define BM_DIR_MAGIC_SIZE 8

struct bm_ek_file {
    struct bm_bytes name, content; /* name: n = 0 where the list is one file */
    size_t nstem;                  /* bytes of the name that the files of one TPM share */
    bool tagged;                   /* it says rsa or ecc */
};
/* All of it, sorted by stem and name; *ret_files is the caller's to free(), its names and contents are views into dir. BM_EINPUT: cut short, no file, a name
 * that is no text or there twice. */
bm_must_use enum bm_rc bm_ek_dir_read(struct bm_ek_file **ret_files, size_t *ret_n, struct bm_bytes dir, struct bm_fail *fail);

#endif
