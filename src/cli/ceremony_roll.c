/* ceremony_roll.c - one root follows another: each signs the other's key, so that whoever trusts either finds a way to both (ceremony.h). */
#include "cli/ceremony_parts.h"

#include "cli/server_cert.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* "Root CA 2" of "Root CA 1". */
static enum bm_rc
number_take(const struct bm_ceremony *old, unsigned *ret, struct bm_fail *fail)
{
    char line[300];
    const char *at;

    bm_name_print(line, sizeof(line), old->issuer.subject);
    if ((at = strstr(line, "CN=Root CA ")) == NULL)
        return bm_fail(fail, BM_EINPUT, NULL, "the root's name is %.100s: it is no \"Root CA N\"", line);
    *ret = (unsigned)strtoul(at + sizeof("CN=Root CA ") - 1, NULL, 10) + 1;
    return BM_OK;
}

/* A cross certificate: `of`'s name and key, by `by`; as long as both live. */
static enum bm_rc
cross_sign(const struct bm_ceremony *by, const struct bm_ceremony *of, const char *common_name, struct bm_buf *der, struct bm_fail *fail)
{
    const struct bm_ca_subject subject = { .common_name = common_name, .organization = of->entry->organization, .path_len = 1 };
    const bm_time end = by->issuer.not_after < of->issuer.not_after ? by->issuer.not_after : of->issuer.not_after;
    const bm_time validity[2] = { by->entry->begun - BM_CLOCK_SLACK, end };

    return bm_ceremony_ca(by, &by->issuer, &subject, &of->key.public, validity, der, fail);
}

static enum bm_rc
crosses_make(struct bm_ceremony *old, struct bm_ceremony *next, unsigned number, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf new_with_old = { .max = BM_MAX_CERT }, old_with_new = { .max = BM_MAX_CERT };
    char old_name[BM_MAX_NAME + 1], new_name[BM_MAX_NAME + 1];
    enum bm_rc rc;

    (void)snprintf(old_name, sizeof(old_name), "Root CA %u", number - 1);
    (void)snprintf(new_name, sizeof(new_name), "Root CA %u", number);
    if ((rc = cross_sign(old, next, new_name, &new_with_old, fail)) != BM_OK ||
        (rc = cross_sign(next, old, old_name, &old_with_new, fail)) != BM_OK ||
        (rc = bm_ceremony_add(old, BM_CLASS_NEW_WITH_OLD, bm_buf_bytes(&new_with_old), false, fail)) != BM_OK ||
        (rc = bm_ceremony_add(next, BM_CLASS_NEW_WITH_OLD, bm_buf_bytes(&new_with_old), true, fail)) != BM_OK ||
        (rc = bm_ceremony_add(next, BM_CLASS_OLD_WITH_NEW, bm_buf_bytes(&old_with_new), true, fail)) != BM_OK ||
        (rc = bm_ceremony_step(old, fail, "%s signed the name and key of %s, which follows it: new-with-old.", old_name, new_name)) !=
            BM_OK ||
        (rc = bm_ceremony_step(next, fail, "%s signed the name and key of %s, which follows it: new-with-old.", old_name, new_name)) !=
            BM_OK)
        return rc;
    return bm_ceremony_step(next, fail, "%s signed the name and key of %s, which it follows: old-with-new.", new_name, old_name);
}

/* The old root's entry stands first; then the new directory gets its name. Cut off between the two, finished below. */
static enum bm_rc
both_commit(struct bm_ceremony *old, struct bm_ceremony *next, struct bm_fail *fail)
{
    enum bm_rc rc;

    old->entry->act = BM_ENTRY_ROLL;
    if ((rc = bm_ceremony_close(old, fail)) != BM_OK)
        return rc;
    next->entry->follows = true;
    memcpy(next->entry->followed, old->transcript->head, BM_HASH);
    if ((rc = bm_ceremony_close(next, fail)) != BM_OK || (rc = bm_ceremony_files_write(next, fail)) != BM_OK ||
        (rc = bm_ceremony_transcript_write(next, fail)) != BM_OK || (rc = bm_ceremony_transcript_write(old, fail)) != BM_OK)
        return rc;
    old->done = next->done = true; /* from here on the new root is on record: it is not taken away again */
    return bm_ceremony_rename(next, fail);
}

static bool
on_record(const struct bm_transcript *old, const uint8_t hash[static BM_HASH])
{
    for (uint64_t i = 0; i < old->n; i++)
        if (memcmp(old->heads[i], hash, BM_HASH) == 0)
            return true;
    return false;
}

/* A directory that is whole but for its name, of a root that the old one has on record. */
static enum bm_rc
unfinished_take(struct bm_ceremony **ret, const char *newdir, const struct bm_ceremony *old, const struct bm_ceremony_plan *plan,
                struct bm_fail *fail)
{
    bm_cleanup(bm_ceremony_done) struct bm_ceremony *next = NULL;
    struct bm_fail unused;
    char part[BM_PATH], dir[BM_PATH];
    size_t n = strlen(newdir);
    enum bm_rc rc;

    while (n > 1 && newdir[n - 1] == '/')
        n--;
    if (n == 0 || n >= sizeof(dir))
        return bm_fail(fail, BM_EINPUT, NULL, "the name of the ceremony's directory is empty or too long: take a shorter one");
    (void)snprintf(dir, sizeof(dir), "%.*s", (int)n, newdir);
    if ((rc = bm_ceremony_part(part, dir, fail)) != BM_OK)
        return rc;
    if (bm_ceremony_open(&next, part, plan, &unused) != BM_OK || !next->transcript->follows ||
        !on_record(old->transcript, next->transcript->followed))
        return BM_OK;
    memcpy(next->dir, dir, sizeof(next->dir));
    if ((rc = bm_ceremony_rename(next, fail)) == BM_OK)
        *ret = bm_take(next);
    return rc;
}

enum bm_rc
bm_ceremony_roll(struct bm_ceremony **ret_next, const char *newdir, struct bm_ceremony *old, const struct bm_ceremony_plan *plan,
                 struct bm_fail *fail)
{
    bm_cleanup(bm_ceremony_done) struct bm_ceremony *next = NULL;
    struct bm_ceremony_plan same = *plan;
    unsigned number = 0;
    enum bm_rc rc;

    same.organization = old->entry->organization;
    same.test = old->entry->test;
    if ((rc = unfinished_take(ret_next, newdir, old, &same, fail)) != BM_OK || *ret_next != NULL)
        return rc;
    if ((rc = number_take(old, &number, fail)) != BM_OK || (rc = bm_ceremony_make(&next, newdir, &same, number, fail)) != BM_OK ||
        (rc = crosses_make(old, next, number, fail)) != BM_OK || (rc = both_commit(old, next, fail)) != BM_OK)
        return rc;
    *ret_next = bm_take(next);
    return BM_OK;
}
