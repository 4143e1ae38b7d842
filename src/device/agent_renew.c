/* agent_renew.c - renewal of all that is due, and what enrol remembers for it. */
#include "device/agent.h"

#include "device/agent_conf.h"
#include "pki/cert.h"
#include "wire/text.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_HELD 262144 /* a certificate file; what is longer is none of ours */

const char bm_agent_help_renew[] =
    "birthmark-agent renew - renew this device's identities when it is time: about two thirds of a certificate's life\n"
    "\n"
    "  --all            every identity: the same as no --service\n"
    "  --service NAME   this one only\n"
    "  --force          now, though it is not time yet\n"
    "  --root URI       the identities of this root; without it, all that enrol remembered\n"
    "  --server URL, --cacert FILE, --profile NAME   in place of what enrol remembered\n"
    "  --json           a list: service, renewed, confirmed, serial, not_after, renew_from\n"
    "\n"
    "A new key is made in the hardware; the root key speaks for it and the old key signs for it. The old identity works\n"
    "until the new one is stored. Certificate files that identity list wrote are written again (lines cert-file).\n"
    "Safe to repeat. What was remembered stands in " BM_AGENT_CONF "\n"
    "(or the file that BIRTHMARK_AGENT_CONF names).\n"
    "\n"
    "  birthmark-agent renew\n"
    "  systemctl enable --now birthmark-agent-renew.timer\n";

/* ---- what enrol remembers ---- */

static bool
value_put(char *ret, size_t size, const char *value)
{
    return (size_t)snprintf(ret, size, "%s", value) < size;
}

static enum bm_rc
entry_make(struct bm_agent_entry *entry, struct birthmark *bm, const struct options *options, struct bm_fail *fail)
{
    char path[PATH_MAX];
    struct birthmark_status status;
    enum bm_rc rc;

    if (strstr(options->root, "pin-value") != NULL)
        return bm_fail(fail, BM_EPOLICY, NULL, "the root's URI holds a PIN: name a file with pin-source");
    if ((rc = bm_root_uri_absolute(entry->root, options->root, fail)) != BM_OK)
        return rc;
    if (realpath(options->ca_file, path) == NULL)
        return bm_fail(fail, BM_EBUSY, NULL, "%s: %s", options->ca_file, strerrordesc_np(errno));
    if (birthmark_status(bm, &status) != BIRTHMARK_OK)
        return bm_fail(fail, BM_EBUSY, NULL, "%s", birthmark_error(bm));
    (void)snprintf(entry->key, sizeof(entry->key), "%s", status.keys); /* the first of them */
    if (!value_put(entry->service, sizeof(entry->service), options->service) ||
        !value_put(entry->server, sizeof(entry->server), options->server) || !value_put(entry->ca_file, sizeof(entry->ca_file), path) ||
        !value_put(entry->profile, sizeof(entry->profile), options->profile == NULL ? "" : options->profile))
        return bm_fail(fail, BM_EINPUT, NULL, "a name in it is too long");
    return BM_OK;
}

void
bm_agent_remember(struct birthmark *bm, const struct options *options)
{
    struct bm_agent_entry entry = { .service = "" };
    struct bm_fail fail;
    bool written;

    if (entry_make(&entry, bm, options, &fail) != BM_OK || bm_agent_conf_put(&entry, &written, &fail) != BM_OK)
        (void)fprintf(stderr, "warning: not remembered for renew: %s\n", fail.text);
}

void
bm_agent_forget(const struct options *options, const char *service)
{
    char root[BM_MAX_ROOT_URI + 1];
    struct bm_fail fail;

    if (bm_root_uri_absolute(root, options->root, &fail) != BM_OK || bm_agent_conf_drop(root, service, &fail) != BM_OK)
        (void)fprintf(stderr, "warning: renew will still ask for it: %s\n", fail.text);
}

void
bm_agent_remember_file(const struct options *options)
{
    char root[BM_MAX_ROOT_URI + 1], path[PATH_MAX];
    struct bm_fail fail;
    enum bm_rc rc = bm_root_uri_absolute(root, options->root, &fail);

    if (rc == BM_OK && realpath(options->cert_file, path) == NULL)
        rc = bm_fail(&fail, BM_EBUSY, NULL, "%s: %s", options->cert_file, strerrordesc_np(errno));
    if (rc != BM_OK || bm_agent_conf_cert_file(root, options->service, path, &fail) != BM_OK)
        (void)fprintf(stderr, "warning: renew will not write it again: %s\n", fail.text);
}

/* ---- renew ---- */

struct looked {
    const char *service;
    bool found;
    char serial[64];
    int64_t not_after, renew_from;
};

static void
look(void *ctx, const struct birthmark_identity *identity)
{
    struct looked *looked = ctx;

    if (strcmp(identity->service, looked->service) != 0)
        return;
    looked->found = true;
    (void)snprintf(looked->serial, sizeof(looked->serial), "%s", identity->serial);
    looked->not_after = identity->not_after;
    looked->renew_from = identity->renew_from;
}

struct run {
    const struct options *options;
    const struct bm_agent_conf *conf;
    char root[BM_MAX_ROOT_URI + 1]; /* absolute */
    json_t *list;
    unsigned count;
    int code; /* the first that failed */
};

static void
failed(struct run *run, const char *service, enum birthmark_result rc, const char *sentence)
{
    (void)fprintf(stderr, "%s: %s: %s\n", rc == BIRTHMARK_REFUSED ? "refused" : "birthmark-agent", service, sentence);
    if (run->code == BIRTHMARK_OK)
        run->code = (int)rc;
}

static void
told(struct run *run, const struct looked *is, bool renewed, bool confirmed)
{
    char until[BM_TIME_TEXT], from[BM_TIME_TEXT];

    bm_time_print(until, is->not_after);
    bm_time_print(from, is->renew_from);
    if (run->options->json)
        (void)json_array_append_new(run->list, json_pack("{s:s, s:b, s:b, s:s, s:I, s:I}", "service", is->service, "renewed", renewed,
                                                         "confirmed", confirmed, "serial", is->serial, "not_after",
                                                         (json_int_t)is->not_after, "renew_from", (json_int_t)is->renew_from));
    else
        (void)printf("%s: %s, serial %s, until %.10s, renew from %.10s\n", renewed ? "renewed" : "not yet", is->service, is->serial, until,
                     from);
}

/* Another chip in the place of the one that was enrolled has no identities, or its own: nothing of it is touched. */
static bool
root_is_the_same(struct run *run, struct birthmark *bm, const struct bm_agent_entry *entry, const char *service)
{
    struct birthmark_status status;
    enum birthmark_result rc = birthmark_status(bm, &status);
    char sentence[256];

    if (rc != BIRTHMARK_OK) {
        failed(run, service, rc, birthmark_error(bm));
        return false;
    }
    if (entry == NULL || *entry->key == '\0' || strncmp(status.keys, entry->key, strlen(entry->key)) == 0)
        return true;
    (void)snprintf(
        sentence, sizeof(sentence),
        "the root of trust is another than the one that was enrolled (root key %.8s now, %.8s then): put that back, or enrol this one",
        status.keys, entry->key);
    failed(run, service, BIRTHMARK_REFUSED, sentence);
    return false;
}

struct held {
    const char *service, *path;
    bool old; /* what the file holds is another certificate, or none */
};

static enum bm_rc
first_take(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_buf *first = ctx;

    (void)fail;
    if (first->n == 0)
        bm_buf_add_bytes(first, der);
    return BM_OK;
}

static void
held_look(void *ctx, const struct birthmark_identity *identity)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = MAX_HELD }, first = { .max = BM_MAX_CERT };
    struct held *held = ctx;
    struct bm_fail fail;

    if (strcmp(identity->service, held->service) != 0 || identity->broken != NULL)
        return;
    held->old = bm_file_read(&text, held->path, &fail) != BM_OK ||
                bm_pem_parse(bm_buf_bytes(&text), "CERTIFICATE", first_take, &first, &fail) != BM_OK ||
                !bm_bytes_equal(bm_buf_bytes(&first), bm_bytes(identity->certificate, identity->ncertificate));
}

/* The files that other programs read, whether the renewal was this run's or one that was cut off behind it. */
static void
files_write(struct run *run, struct birthmark *bm, const struct bm_agent_entry *entry)
{
    for (size_t i = 0; entry != NULL && i < BM_AGENT_CERT_FILES && *entry->cert_file[i] != '\0'; i++) {
        struct held held = { .service = entry->service, .path = entry->cert_file[i] };
        enum birthmark_result rc = birthmark_identities(bm, held_look, &held);

        if (rc == BIRTHMARK_OK && held.old && (rc = birthmark_cert_file(bm, held.service, held.path)) == BIRTHMARK_OK &&
            !run->options->json)
            (void)printf("written: %s\n", held.path);
        if (rc != BIRTHMARK_OK)
            failed(run, held.service, rc, birthmark_error(bm));
    }
}

static void
renew_one(struct run *run, struct birthmark *bm, const char *service)
{
    const struct options *options = run->options;
    const struct bm_agent_entry *entry = bm_agent_conf_find(run->conf, run->root, service);
    const char *server = options->server != NULL ? options->server : entry != NULL ? entry->server : NULL;
    const char *ca_file = options->ca_file != NULL ? options->ca_file : entry != NULL ? entry->ca_file : NULL;
    const char *profile = options->profile != NULL ? options->profile : entry != NULL && *entry->profile != '\0' ? entry->profile : NULL;
    struct looked before = { .service = service }, after = { .service = service };
    char warning[400] = "";
    enum birthmark_result rc;

    run->count++;
    if (server == NULL || ca_file == NULL) {
        failed(run, service, BIRTHMARK_USAGE, "nothing is remembered for it: name --server URL and --cacert FILE");
        return;
    }
    if (!root_is_the_same(run, bm, entry, service))
        return;
    if ((rc = birthmark_identities(bm, look, &before)) == BIRTHMARK_OK &&
        (rc = birthmark_renew(bm, server, service, profile, ca_file, options->force ? 0 : BIRTHMARK_IF_DUE)) == BIRTHMARK_OK) {
        (void)snprintf(warning, sizeof(warning), "%s", birthmark_warning(bm));
        rc = birthmark_identities(bm, look, &after);
    }
    if (rc != BIRTHMARK_OK)
        failed(run, service, rc, birthmark_error(bm));
    files_write(run, bm, entry);
    if (rc != BIRTHMARK_OK)
        return;
    if (*warning != '\0')
        (void)fprintf(stderr, "warning: %s: %s\n", service, warning);
    told(run, &after, strcmp(before.serial, after.serial) != 0, *warning == '\0');
}

struct names {
    char name[BM_MAX_SERVICES][BM_MAX_NAME + 1];
    size_t n;
};

static void
name_add(void *ctx, const struct birthmark_identity *identity)
{
    struct names *names = ctx;

    if (names->n < BM_MAX_SERVICES)
        (void)snprintf(names->name[names->n++], sizeof(names->name[0]), "%s", identity->service);
}

/* For one repair: the site never renews it, it ends by itself. */
static bool
is_support(const char *service)
{
    return strcmp(service, "support") == 0;
}

/* The identities of the root that was named. */
static int
renew_root(struct run *run)
{
    struct birthmark *bm = birthmark_new();
    enum birthmark_result rc = birthmark_open(bm, run->options->root);
    static struct names names; /* 2 KiB */
    struct bm_fail fail;

    if (rc == BIRTHMARK_OK)
        rc = birthmark_identities(bm, name_add, &names);
    if (rc != BIRTHMARK_OK) {
        (void)bm_agent_refuse(bm, rc);
        birthmark_free(bm);
        return (int)rc;
    }
    if (bm_root_uri_absolute(run->root, run->options->root, &fail) != BM_OK)
        (void)snprintf(run->root, sizeof(run->root), "%s", run->options->root);
    if (run->options->service != NULL)
        renew_one(run, bm, run->options->service);
    else
        for (size_t i = 0; i < names.n; i++)
            if (!is_support(names.name[i]))
                renew_one(run, bm, names.name[i]);
    birthmark_free(bm);
    return run->code;
}

/* All that was remembered, whatever roots they are on. */
static int
renew_remembered(struct run *run)
{
    for (size_t i = 0; i < run->conf->n; i++) {
        const struct bm_agent_entry *entry = &run->conf->entry[i];
        enum birthmark_result rc;
        struct birthmark *bm;

        if (run->options->service != NULL ? strcmp(run->options->service, entry->service) != 0 : is_support(entry->service))
            continue;
        bm = birthmark_new();
        (void)snprintf(run->root, sizeof(run->root), "%s", entry->root);
        if ((rc = birthmark_open(bm, entry->root)) == BIRTHMARK_OK)
            renew_one(run, bm, entry->service);
        else
            failed(run, entry->service, rc, birthmark_error(bm));
        birthmark_free(bm);
    }
    if (run->count == 0 && run->code == BIRTHMARK_OK) {
        (void)fprintf(stderr, "birthmark-agent: nothing is remembered%s%s in %s: name --root URI, --server URL and --cacert FILE\n",
                      run->options->service == NULL ? "" : " for service ", run->options->service == NULL ? "" : run->options->service,
                      bm_agent_conf_path());
        return BIRTHMARK_USAGE;
    }
    return run->code;
}

int
bm_agent_renew(struct birthmark *bm, const struct options *options)
{
    bm_cleanup(bm_agent_conf_done) struct bm_agent_conf *conf = NULL;
    struct run run = { .options = options };
    struct bm_fail fail;
    enum bm_rc rc;

    (void)bm; /* each root is opened in its turn */
    if (options->all && options->service != NULL)
        return bm_agent_usage("--all and --service are two things: name one", "");
    if ((rc = bm_agent_conf_read(&conf, &fail)) != BM_OK) {
        (void)fprintf(stderr, "birthmark-agent: %s\n", fail.text);
        return bm_rc_exit(rc);
    }
    run.conf = conf;
    run.list = json_array();
    run.code = options->root != NULL ? renew_root(&run) : renew_remembered(&run);
    if (!options->json) {
        json_decref(run.list);
        if (options->root != NULL && run.count == 0 && run.code == BIRTHMARK_OK)
            (void)puts("no identities yet; birthmark-agent enrol --help");
        return run.code;
    }
    const int code = bm_agent_json(run.list);
    return run.code != BIRTHMARK_OK ? run.code : code;
}
