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

#define MAX_SITE 65536
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
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = MAX_SITE };
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

static enum bm_rc
cert_keep(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_buf *into = ctx;

    if (into->n == 0) /* the CA's own stands first */
        bm_buf_add_bytes(into, der);
    return bm_buf_check(into, "a CA's certificate", fail);
}

/* Services read the CRL of operational certificates where the site says; what never expires has no such pointer. */
static enum bm_rc
crl_url(struct bm_issuer *issuer, enum bm_ca ca, const char *url, struct bm_fail *fail)
{
    int n;

    if (ca != BM_CA_OPERATIONAL || url[0] == 0)
        return BM_OK;
    n = snprintf(issuer->crl_url, sizeof(issuer->crl_url), "%s/crl/operational.crl", url);
    if (n < 0 || (size_t)n >= sizeof(issuer->crl_url))
        return bm_fail(fail, BM_EINPUT, NULL, "site.conf: the url is too long");
    return BM_OK;
}

static enum bm_rc
open_ca(struct bm_signer *signer, enum bm_ca which, const char *home, struct bm_fail *fail)
{
    static const char *const names[BM_CA__N] = { [BM_CA_OPERATIONAL] = "operational", [BM_CA_IDEVID] = "idevid" };
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = MAX_PEM };
    struct bm_signer_ca *ca = &signer->ca[which];
    char name[64];
    enum bm_rc rc;

    ca->der.max = BM_MAX_CERT;
    (void)snprintf(name, sizeof(name), BM_PLACE_CA_CERT, names[which]);
    if ((rc = home_read(&pem, home, name, fail)) != BM_OK ||
        (rc = bm_pem_parse(bm_buf_bytes(&pem), "CERTIFICATE", cert_keep, &ca->der, fail)) != BM_OK ||
        (rc = bm_cert_parse(&ca->cert, bm_buf_bytes(&ca->der), fail)) != BM_OK)
        return rc;
    if (ca->cert.ski.n != sizeof(ca->issuer.key_id))
        return bm_fail(fail, BM_EINPUT, NULL, "%s has no subject key identifier of 20 bytes", name);
    ca->issuer.subject = ca->cert.subject;
    ca->issuer.not_after = ca->cert.not_after;
    ca->issuer.test = bm_cert_test_mark(ca->cert.der);
    memcpy(ca->issuer.key_id, ca->cert.ski.p, sizeof(ca->issuer.key_id));
    return crl_url(&ca->issuer, which, signer->site->url, fail);
}

/* The keys in tokens go to a process of their own, which is made while this one holds no secret yet. */
static enum bm_rc
open_keeper(struct bm_signer *signer, const char *home, struct bm_fail *fail)
{
    struct bm_keeper_ca kept[BM_CA__N] = { { .uri = NULL } };
    bool any = false;

    for (size_t i = 0; i < BM_CA__N; i++) {
        const struct bm_key *key = &signer->ca[i].cert.key;

        if (!bm_keeper_needed(signer->site->ca_key[i]))
            continue;
        if (key->alg != BM_KEY_P256 && key->alg != BM_KEY_P384)
            return bm_fail(fail, BM_EINPUT, NULL, "a CA's key in a token must be P-256 or P-384");
        signer->ca[i].issuer.alg = key->alg == BM_KEY_P256 ? BM_SIG_ECDSA_SHA256 : BM_SIG_ECDSA_SHA384;
        signer->queue.kept[i] = any = true;
        kept[i] = (struct bm_keeper_ca){ .uri = signer->site->ca_key[i], .key = key };
    }
    return any ? bm_keeper_start(&signer->queue.keeper, kept, home, fail) : BM_OK;
}

static enum bm_rc
open_keys(struct bm_signer *signer, const char *home, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (signer->queue.keeper.channel >= 0 && (rc = bm_queue_open(signer, fail)) != BM_OK)
        return rc;
    if (signer->queue.keeper.channel >= 0 && !signer->queue.here)
        (void)fprintf(stderr, "birthmark-signer: the CA's token is away, and nothing is signed until it is there: %s\n",
                      signer->queue.sentence);
    for (size_t i = 0; i < BM_CA__N; i++) {
        struct bm_signer_ca *ca = &signer->ca[i];

        if (signer->queue.kept[i])
            continue;
        if ((rc = bm_token_open(&ca->token, signer->site->ca_key[i], home, &ca->cert.key, signer->crypto, fail)) != BM_OK)
            return rc;
        ca->issuer.alg = ca->token->alg;
    }
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
    for (unsigned ca = 0; ca < BM_CA__N; ca++)
        if ((rc = open_ca(signer, (enum bm_ca)ca, home, fail)) != BM_OK)
            return rc;
    if ((rc = open_keeper(signer, home, fail)) != BM_OK || (rc = bm_crypto_new(&signer->crypto, fail)) != BM_OK ||
        (rc = open_ledger(signer, home, fail)) != BM_OK || (rc = open_nonce(signer, home, fail)) != BM_OK ||
        (rc = open_journal(journal, home, fail)) != BM_OK || (rc = open_keys(signer, home, fail)) != BM_OK)
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
    return bm_rc_exit(rc);
}
