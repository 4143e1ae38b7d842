/* main.c - birthmark-signer: opens what it needs, confines itself, serves the registrar on descriptor 3. */
#include "base/base.h"
#include "signer/signer.h"

#include "base/file.h"
#include "proc/confine.h"
#include "proc/places.h"
#include "proc/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define MAX_PEM 65536

static enum bm_rc
home_read(struct bm_buf *buf, const char *home, const char *name, struct bm_fail *fail)
{
    char path[BM_PATH];
    enum bm_rc rc;

    if ((rc = bm_path_join(path, home, name, fail)) != BM_OK)
        return rc;
    return bm_file_read(buf, path, fail);
}

static enum bm_rc
open_site(struct bm_signer *signer, const char *home, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_SITE };
    enum bm_rc rc;

    if ((signer->site = calloc(1, sizeof(*signer->site))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for site.conf");
    if ((rc = home_read(&text, home, BM_PLACE_SITE, fail)) != BM_OK)
        return rc;
    return bm_site_parse(signer->site, bm_buf_bytes(&text), fail);
}

static enum bm_rc
open_ledger(struct bm_signer *signer, const char *home, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = MAX_PEM };
    uint8_t site[BM_HASH];
    enum bm_rc rc;

    if ((rc = home_read(&pem, home, BM_PLACE_LEDGER_KEY, fail)) != BM_OK ||
        (rc = bm_book_signer(&signer->ledger, site, bm_buf_bytes(&pem), fail)) != BM_OK ||
        (rc = signer->env->random(signer->env->ctx, (uint8_t *)&signer->seed, sizeof(signer->seed), fail)) != BM_OK)
        return rc;
    return bm_memory_init(&signer->memory, site, signer->seed, fail);
}

static enum bm_rc
open_nonce(struct bm_signer *signer, const char *home, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf key = { .max = sizeof(signer->nonce_key.b) };
    enum bm_rc rc;

    if ((rc = home_read(&key, home, BM_PLACE_NONCE_KEY, fail)) != BM_OK)
        return rc;
    if (key.n != BM_NONCE)
        return bm_fail(fail, BM_EINPUT, NULL, "%s is not %d bytes long: put the right file back", BM_PLACE_NONCE_KEY, BM_NONCE);
    memcpy(signer->nonce_key.b, key.p, key.n);
    signer->nonce_key.n = key.n;
    return BM_OK;
}

/*
 * init makes the journal, empty: the signer founds itself in an empty one and never in a missing one, or whoever deletes it would give out every slot
 * again. Its name must last as long as what is written into it.
 */
static enum bm_rc
open_journal(int *ret_fd, const char *home, struct bm_fail *fail)
{
    bm_cleanup(bm_fd_done) int fd = -1;
    bm_cleanup(bm_fd_done) int dir = -1;
    char path[BM_PATH], parent[BM_PATH];
    enum bm_rc rc;

    if ((rc = bm_path_join(path, home, BM_PLACE_JOURNAL, fail)) != BM_OK || (rc = bm_path_join(parent, home, "signer", fail)) != BM_OK)
        return rc;
    if ((fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)) < 0 && errno == ENOENT)
        return bm_fail(fail, BM_EBUSY, NULL, "the signer's journal %s is missing: put its newest copy back, nothing is signed without it",
                       path);
    if (fd < 0 || (dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 || fsync(dir) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "%s can't be opened: %s", path, strerrordesc_np(errno));
    /* HOME/lock keeps others away; a signer started by hand beside it would write into the same file */
    /* req: FAULTS F13 */
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "another signer holds %s: stop its server first", path);
    *ret_fd = fd;
    fd = -1;
    return BM_OK;
}

/* Files of its own are open by now, and a token's library is in the keeper. */
static enum bm_rc
confine(struct bm_fail *fail)
{
    const struct bm_confine_plan plan = { .name = "signer" };

    tzset(); /* libcrypto asks for it when it first compares times on a certificate path, and its file can't be opened any more by then */
    return bm_confine(&plan, fail);
}

static enum bm_rc
run(struct bm_signer *signer, const char *home, int *journal, struct bm_fail *fail)
{
    enum bm_rc rc;

    if ((rc = open_site(signer, home, fail)) != BM_OK)
        return rc;
    if ((rc = bm_keys_read(signer, home, fail)) != BM_OK || (rc = bm_keys_keeper(signer, home, fail)) != BM_OK ||
        (rc = bm_crypto_new(&signer->crypto, fail)) != BM_OK || (rc = open_ledger(signer, home, fail)) != BM_OK ||
        (rc = open_nonce(signer, home, fail)) != BM_OK || (rc = open_journal(journal, home, fail)) != BM_OK ||
        (rc = bm_keys_open(signer, home, fail)) != BM_OK)
        return rc;
    if ((rc = confine(fail)) != BM_OK || (rc = bm_signer_wake(signer, *journal, fail)) != BM_OK || (rc = bm_ready(fail)) != BM_OK)
        return rc;
    return bm_signer_serve(signer, fail);
}

static void
signer_free(struct bm_signer **signer)
{
    if (*signer != NULL)
        bm_signer_done(*signer);
    free(*signer);
}

int
main(int argc, char **argv)
{
    bm_cleanup(signer_free) struct bm_signer *signer = calloc(1, sizeof(*signer));
    bm_cleanup(bm_fd_done) int journal = -1;
    struct bm_fail fail = { .rc = BM_OK };
    enum bm_rc rc;

    if (argc != 3 || strcmp(argv[1], "--home") != 0) {
        (void)fprintf(stderr, "usage: birthmark-signer --home DIR (birthmarkd starts it, with the registrar on descriptor %d)\n",
                      BM_FD_SIGNER_REGISTRAR);
        return 2;
    }
    if (signer == NULL) {
        (void)fprintf(stderr, "birthmark-signer: there is no memory\n");
        return 3;
    }
    bm_signer_init(signer, &bm_env_system, BM_FD_SIGNER_REGISTRAR);
    if ((rc = run(signer, argv[2], &journal, &fail)) != BM_OK)
        bm_last_words("birthmark-signer", &fail);
    return rc == BM_OK && signer->again ? BM_EXIT_AGAIN : bm_rc_exit(rc);
}
