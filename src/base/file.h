/* file.h - whole files: read with a ceiling, replaced so that a crash leaves the old or the new one, never half. */
#ifndef BM_FILE_H
#define BM_FILE_H

#include "base/bytes.h"

#include <dirent.h>

/* Appends the file's bytes to buf. Refuses what is no regular file or larger than buf's max. Sentences name the path.
 * BM_EINPUT: not there, not a file, too large. BM_EBUSY: no permission, I/O error. */
bm_must_use enum bm_rc bm_file_read(struct bm_buf *buf, const char *path, struct bm_fail *fail);

/* Writes PATH.tmp-PID with this mode, fsync, rename, fsync of the directory. BM_EBUSY with the reason ("the disk is full: ..."). */
bm_must_use enum bm_rc bm_file_write(const char *path, struct bm_bytes bytes, unsigned mode, struct bm_fail *fail);

/* mkdir, where "is there already" is fine. */
bm_must_use enum bm_rc bm_dir_make(const char *path, unsigned mode, struct bm_fail *fail);

/* "DIR/NAME" into ret_path (PATH_MAX bytes); BM_EINPUT when it does not fit. */
#define BM_PATH 4096
bm_must_use enum bm_rc bm_path_join(char ret_path[static BM_PATH], const char *dir, const char *name, struct bm_fail *fail);

/* For bm_cleanup(): closes when >= 0; when not NULL. */
void bm_fd_done(int *fd);
void bm_dir_done(DIR **dir);

#endif
