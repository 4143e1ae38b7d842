/* ceremony_write.c - a session becomes an entry and files, all of it or nothing (ceremony_parts.h). */
#include "cli/ceremony_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the directory that is not finished ---- */

enum bm_rc
bm_ceremony_part(char ret[static BM_PATH], const char *dir, struct bm_fail *fail)
{
    int n = snprintf(ret, BM_PATH, "%s" BM_CEREMONY_PART, dir);

    return n > 0 && n < BM_PATH ? BM_OK
                                : bm_fail(fail, BM_EINPUT, NULL, "the name of the ceremony's directory is too long: take a shorter one");
}

enum bm_rc
bm_ceremony_lock(struct bm_ceremony *c, struct bm_fail *fail)
{
    if ((c->lock = open(c->at, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return bm_fail(fail, BM_EBUSY, NULL, "%s can't be used: %s", c->at, strerrordesc_np(errno));
    if (flock(c->lock, LOCK_EX | LOCK_NB) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "another ceremony is being held in %s: wait for its end", c->dir);
    return BM_OK;
}

/* Certificates, the transcript, and what a file is called before it has its name. */
static bool
is_ours(const char *name)
{
    size_t n = strlen(name);

    return (n > 4 && strcmp(name + n - 4, ".pem") == 0) || strcmp(name, BM_CEREMONY_TRANSCRIPT) == 0 ||
           strstr(name, BM_CEREMONY_UNNAMED) != NULL;
}

static bool
is_unnamed(const char *name)
{
    return strstr(name, BM_CEREMONY_UNNAMED) != NULL;
}

static void
files_remove(const char *path, bool (*which)(const char *name))
{
    bm_cleanup(bm_dir_done) DIR *dir = opendir(path);
    const struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (which(entry->d_name))
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
}

void
bm_ceremony_tidy(const char *dir)
{
    char issued[BM_PATH];
    struct bm_fail unused;

    files_remove(dir, is_unnamed);
    if (bm_path_join(issued, dir, "issued", &unused) == BM_OK)
        files_remove(issued, is_unnamed);
}

enum bm_rc
bm_ceremony_sweep(const char *part, struct bm_fail *fail)
{
    bm_cleanup(bm_fd_done) int lock = open(part, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    char issued[BM_PATH];
    enum bm_rc rc;

    if (lock < 0 && errno == ENOENT)
        return BM_OK;
    if (lock < 0)
        return bm_fail(fail, BM_EBUSY, NULL, "%s can't be used: %s", part, strerrordesc_np(errno));
    if (flock(lock, LOCK_EX | LOCK_NB) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "another ceremony is being held in %s: wait for its end", part);
    if ((rc = bm_path_join(issued, part, "issued", fail)) != BM_OK)
        return rc;
    bm_ceremony_key_undo(part);
    files_remove(issued, is_ours);
    files_remove(part, is_ours);
    (void)rmdir(issued);
    if (rmdir(part) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "%s holds what no ceremony wrote: move it away, or name another directory", part);
    return BM_OK;
}

/* The new name lasts before anybody is told of it. */
static enum bm_rc
parent_sync(const char *path, struct bm_fail *fail)
{
    bm_cleanup(bm_fd_done) int parent = -1;
    char up[BM_PATH];
    char *slash;

    (void)snprintf(up, sizeof(up), "%s", path);
    if ((slash = strrchr(up, '/')) != NULL)
        slash[slash == up] = 0;
    if ((parent = open(slash != NULL ? up : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 || fsync(parent) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "%s may not last: %s", path, strerrordesc_np(errno));
    return BM_OK;
}

enum bm_rc
bm_ceremony_rename(struct bm_ceremony *c, struct bm_fail *fail)
{
    if (rename(c->at, c->dir) != 0)
        return bm_fail(fail, errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR ? BM_EPOLICY : BM_EBUSY, NULL,
                       "%s can't become the ceremony's directory: %s; name one that is not there", c->dir, strerrordesc_np(errno));
    memcpy(c->at, c->dir, sizeof(c->at));
    c->done = true;
    return parent_sync(c->dir, fail);
}

/* ---- files ---- */

enum bm_rc
bm_ceremony_transcript_write(const struct bm_ceremony *c, struct bm_fail *fail)
{
    char path[BM_PATH];
    enum bm_rc rc = bm_path_join(path, c->at, BM_CEREMONY_TRANSCRIPT, fail);

    return rc != BM_OK ? rc : bm_file_write(path, bm_buf_bytes(&c->old), 0644, fail);
}

/* Those that are there stay: a certificate that was taken away, or not written for want of power, stands in the transcript in full. */
enum bm_rc
bm_ceremony_files_write(const struct bm_ceremony *c, struct bm_fail *fail)
{
    char path[BM_PATH];
    enum bm_rc rc;

    for (size_t i = 0; i < c->transcript->nissued; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 2 * BM_MAX_CERT };
        const struct bm_issued *issued = &c->transcript->issued[i];

        if (!issued->out)
            continue;
        if ((rc = bm_path_join(path, c->at, issued->file, fail)) != BM_OK)
            return rc;
        if (access(path, F_OK) == 0)
            continue;
        bm_pem_build(&pem, "CERTIFICATE", bm_buf_bytes(&issued->der));
        if ((rc = bm_file_write(path, bm_buf_bytes(&pem), 0644, fail)) != BM_OK)
            return rc;
    }
    return BM_OK;
}

/* ---- the entry ---- */

/* The last line of a note by one key. */
static void
signature_add(struct bm_buf *note, const struct bm_buf *one, size_t ntext)
{
    if (one->n > ntext + 1)
        bm_buf_add_bytes(note, bm_bytes(one->p + ntext + 1, one->n - ntext - 1));
    else
        note->bad = true;
}

static enum bm_rc
note_sign(const struct bm_ceremony *c, struct bm_bytes text, struct bm_buf *note, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE };
    struct bm_note_key root;
    enum bm_rc rc;

    if ((rc = bm_root_note_key(&root, &c->key.public, fail)) != BM_OK ||
        (rc = bm_ceremony_key_sign(&c->key, text, &signature, fail)) != BM_OK ||
        (rc = bm_note_join(note, text, &root, bm_buf_bytes(&signature), fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < c->npresent; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf one = { .max = BM_MAX_NOTE };

        if ((rc = bm_operator_key_sign(&c->present[i], text, &one, fail)) != BM_OK) {
            bm_fail_prefix(fail, "%s", c->present[i].key.name);
            return rc;
        }
        signature_add(note, &one, text.n);
    }
    return bm_buf_check(note, "the entry", fail);
}

static enum bm_rc
place_take(struct bm_ceremony *c, struct bm_fail *fail)
{
    c->entry->number = c->transcript != NULL ? c->transcript->n + 1 : 1;
    if (c->transcript != NULL)
        memcpy(c->entry->before, c->transcript->head, BM_HASH);
    return bm_env_system.now(bm_env_system.ctx, &c->entry->time, fail);
}

enum bm_rc
bm_ceremony_close(struct bm_ceremony *c, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_NOTE }, note = { .max = BM_MAX_NOTE };
    enum bm_rc rc;

    if (c->entry->number != 0)
        return BM_OK;
    if ((rc = place_take(c, fail)) != BM_OK)
        return rc;
    bm_transcript_entry_build(&text, c->entry);
    if ((rc = bm_buf_check(&text, "the entry", fail)) != BM_OK || (rc = note_sign(c, bm_buf_bytes(&text), &note, fail)) != BM_OK)
        return rc;
    if (c->old.n > 0)
        bm_buf_add_str(&c->old, "\n");
    bm_buf_add_bytes(&c->old, bm_buf_bytes(&note));
    if ((rc = bm_buf_check(&c->old, "the transcript", fail)) != BM_OK)
        return rc;
    bm_transcript_done(&c->transcript);
    /* Read as everybody will read it: what does not pass is not written. */
    return bm_transcript_read(&c->transcript, c->crypto, bm_buf_bytes(&c->old), NULL, NULL, fail);
}

enum bm_rc
bm_ceremony_commit(struct bm_ceremony *c, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (c->entry->ncerts == 0)
        return BM_OK;
    if ((rc = bm_ceremony_close(c, fail)) != BM_OK)
        return rc;
    if (c->fresh && (rc = bm_ceremony_files_write(c, fail)) != BM_OK)
        return rc;
    if ((rc = bm_ceremony_transcript_write(c, fail)) != BM_OK)
        return rc;
    if (c->fresh)
        return bm_ceremony_rename(c, fail);
    c->done = true;
    return bm_ceremony_files_write(c, fail);
}
