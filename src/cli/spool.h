/* spool.h - what is too large for memory while a lot comes in: files without a name, gone when the command is, however it ends. */
#ifndef BM_CLI_SPOOL_H
#define BM_CLI_SPOOL_H

#include "base/map.h"

/* An open file in this directory that no name leads to; *ret_fd to be closed. */
bm_must_use enum bm_rc bm_nameless(int *ret_fd, const char *dir, struct bm_fail *fail);
/* A copy of the file at path in such a file, mapped. Classes and sentences as bm_file_read(). */
bm_must_use enum bm_rc bm_nameless_copy(int *ret_fd, struct bm_map *ret_map, const char *dir, const char *path, size_t max,
                                        struct bm_fail *fail);
/* Gives it a name, in place of what had it before; durable, but for the directory. False: this file system cannot. */
bool bm_nameless_name(int fd, const char *path);

/* Records of a u16 length and bytes, written one after the other and then read back as often as one likes. Zeroed is not open: declare it with fd = -1. */
struct bm_spool {
    int fd;
    struct bm_buf buf; /* not yet in the file, or the part that is read */
    uint64_t n;        /* bytes in all */
    uint64_t at;       /* read so far */
};
bm_must_use enum bm_rc bm_spool_open(struct bm_spool *ret_spool, const char *dir, struct bm_fail *fail);
bm_must_use enum bm_rc bm_spool_add(struct bm_spool *spool, struct bm_bytes record, struct bm_fail *fail);
/* As many whole records as fit into `most` bytes, as they were written, and how many; *ret_n 0: no more. A view until the next call. */
bm_must_use enum bm_rc bm_spool_next(struct bm_spool *spool, size_t most, struct bm_bytes *ret_records, uint32_t *ret_n,
                                     struct bm_fail *fail);
void bm_spool_done(struct bm_spool *spool); /* for bm_cleanup() */

#endif
