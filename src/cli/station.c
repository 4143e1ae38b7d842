/* station.c - station enrol: this machine becomes a station, with a key of its own. */
#include "base/file.h"
#include "cli/places.h"
#include "cli/print.h"
#include "cli/server_cert.h"
#include "cli/station.h"
#include "cli/verbs.h"
#include "pki/cert.h"
#include "root/root.h"
#include "station/unit.h"
#include "wire/lines.h"
#include "wire/text.h"

#include <stdlib.h>

#define HEAD "birthmark/station/v1"

enum bm_rc
bm_station_conf_read(struct bm_station_conf *ret, const char *home, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 4096 };
    struct bm_lines lines;
    struct bm_bytes root;
    enum bm_rc rc;

    if ((rc = bm_place_read(&text, home, BM_PLACE_STATION, "", fail)) == BM_EINPUT)
        return bm_fail(fail, BM_EPOLICY, NULL, "this machine is no station yet: see `birthmark station enrol --help`");
    if (rc != BM_OK)
        return rc;
    lines = bm_lines_open(bm_buf_bytes(&text), HEAD, "station.conf", fail);
    bm_lines_name(&lines, "station", ret->name, BM_MAX_NAME);
    root = bm_lines_want(&lines, "root");
    if ((rc = bm_lines_close(&lines)) != BM_OK)
        return rc;
    if (root.n >= sizeof(ret->root))
        return bm_fail(fail, BM_EINPUT, NULL, "station.conf: the root's URI is too long");
    (void)snprintf(ret->root, sizeof(ret->root), "%.*s", (int)root.n, (const char *)root.p);
    return BM_OK;
}

static enum bm_rc
conf_write(const struct bm_station_conf *conf, const char *home, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 4096 };
    char path[BM_PATH];
    enum bm_rc rc;

    bm_buf_add_str(&text, HEAD "\n");
    bm_lines_add(&text, "station", conf->name);
    bm_lines_add(&text, "root", conf->root);
    if ((rc = bm_buf_check(&text, "station.conf", fail)) != BM_OK || (rc = bm_place_path(path, home, BM_PLACE_STATION, "", fail)) != BM_OK)
        return rc;
    return bm_file_write(path, bm_buf_bytes(&text), 0600, fail);
}

/* The key that is there stays: enrolling again renews the certificate alone. */
static enum bm_rc
key_find(struct bm_root *root, struct bm_key *ret_key, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE };
    struct bm_leaf *leaf = calloc(1, sizeof(*leaf)); /* 9 KiB */
    enum bm_rc rc = leaf == NULL ? BM_ENOMEM : root->ops->identify(root, true, leaf, &certs, fail);

    if (leaf == NULL)
        bm_fail_note(fail, BM_ENOMEM, NULL, "no memory");
    free(leaf);
    if (rc != BM_OK)
        return rc;
    if ((rc = root->ops->key_public(root, BM_STATION_SERVICE, false, ret_key, fail)) == BM_EPOLICY)
        rc = root->ops->key_new(root, BM_STATION_SERVICE, ret_key, fail);
    return rc;
}

/* Another machine's certificate of that name is not overwritten. */
static enum bm_rc
name_free(const char *path, const struct bm_key *key, const char *name, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };
    struct bm_fail unused;
    struct bm_cert cert;

    if (bm_cert_read(&der, path, &unused) != BM_OK || bm_cert_parse(&cert, bm_buf_bytes(&der), &unused) != BM_OK ||
        memcmp(cert.key.hash, key->hash, BM_HASH) == 0)
        return BM_OK;
    return bm_fail(fail, BM_EPOLICY, NULL,
                   "there is a station %s with another key: take another name, or move %.200s away and open its orders again", name, path);
}

static enum bm_rc
enrol(struct bm_root *root, const struct bm_station_conf *conf, const char *home, struct bm_key *ret_key, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf leaf = { .max = BM_MAX_CERT }, above = { .max = BM_MAX_CERT }, pem = { .max = 4 * BM_MAX_CERT };
    char path[BM_PATH];
    bm_time now;
    enum bm_rc rc;

    if ((rc = key_find(root, ret_key, fail)) != BM_OK || (rc = bm_env_system.now(bm_env_system.ctx, &now, fail)) != BM_OK ||
        (rc = bm_place_path(path, home, BM_PLACE_STATION_CERT, conf->name, fail)) != BM_OK ||
        (rc = name_free(path, ret_key, conf->name, fail)) != BM_OK ||
        (rc = bm_station_cert_make(&leaf, &above, home, conf->name, ret_key, now, fail)) != BM_OK)
        return rc;
    const struct bm_bytes chain[] = { bm_buf_bytes(&leaf), bm_buf_bytes(&above) };
    bm_pem_build(&pem, "CERTIFICATE", chain[0]);
    bm_pem_build(&pem, "CERTIFICATE", chain[1]);
    if ((rc = bm_buf_check(&pem, "the station's certificate", fail)) != BM_OK ||
        (rc = root->ops->commit(root, BM_STATION_SERVICE, chain, 2, fail)) != BM_OK ||
        (rc = bm_file_write(path, bm_buf_bytes(&pem), 0644, fail)) != BM_OK)
        return rc;
    return conf_write(conf, home, fail);
}

/* Where the key is: as it was said, or in a file of the site's. */
static enum bm_rc
conf_make(struct bm_station_conf *conf, struct bm_call *call, struct bm_fail *fail)
{
    const char *name = call->words.v[0], *given = bm_call_option(call, "root");
    char path[BM_PATH];
    enum bm_rc rc;

    if ((rc = bm_call_name(call, "a station's name", name, fail)) != BM_OK ||
        (rc = bm_path_join(path, call->home, "stations", fail)) != BM_OK || (rc = bm_dir_make(path, 0700, fail)) != BM_OK ||
        (rc = bm_place_path(path, call->home, BM_PLACE_STATION_KEY, name, fail)) != BM_OK)
        return rc;
    (void)snprintf(conf->name, sizeof(conf->name), "%s", name);
    if ((size_t)snprintf(conf->root, sizeof(conf->root), "%s%s", given == NULL ? "soft:" : "", given == NULL ? path : given) >=
        sizeof(conf->root))
        return bm_usage(call, fail, "the root's URI is too long");
    return BM_OK;
}

static enum bm_rc
enrol_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_root_done) struct bm_root *root = NULL;
    bm_cleanup(bm_json_done) json_t *row = NULL;
    struct bm_station_conf conf = { .name = "" };
    char hex[2 * BM_HASH + 1];
    struct bm_key key;
    enum bm_rc rc;

    if ((rc = conf_make(&conf, call, fail)) != BM_OK)
        return rc;
    if ((rc = bm_root_open(&root, conf.root, fail)) != BM_OK || (rc = enrol(root, &conf, call->home, &key, fail)) != BM_OK)
        return rc;
    bm_hex(hex, bm_bytes(key.hash, BM_HASH));
    row = json_pack("{s:s, s:s, s:s}", "station", conf.name, "key", hex, "root", conf.root);
    return (rc = bm_json_check(row, fail)) != BM_OK ? rc : bm_object_print(call, row, fail);
}

const struct bm_verb bm_verb_station_enrol = {
    .words = "station enrol",
    .arguments = "NAME",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Make this machine a station: a key of its own, and a certificate from the site's server CA.",
    .help = "The certificate goes into HOME/stations/NAME.pem, for `birthmark order open --station NAME`. Enrolling again keeps the key "
            "and renews\n"
            "the certificate, which ends after 397 days. It works where the server CA's key is: on the site's machine.\n\n"
            "example: birthmark station enrol line-1 --root tpm2:\n",
    .options = { { .name = "root",
                   .value = "URI",
                   .help = "where its key is: tpm2:, pkcs11:...; default a file, HOME/stations/NAME.key" } },
    .run = enrol_run,
};
