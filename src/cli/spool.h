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

#endif
