/* station.c - station enrol: a machine becomes a station, with a key of its own that never leaves it. */
#include "cli/station.h"

#include "base/file.h"
#include "cli/operator.h"
#include "cli/places.h"
#include "cli/print.h"
#include "cli/server_cert.h"
#include "cli/verbs.h"
#include "station/unit.h"
#include "wire/text.h"

#include <stdio.h>
#include <unistd.h>

/* ---- a chain ---- */

void
bm_station_chain_done(struct bm_station_chain *chain)
{
    for (size_t i = 0; i < BM_COUNT(chain->der); i++)
        bm_buf_done(&chain->der[i]);
}

static enum bm_rc
chain_take(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_station_chain *chain = ctx;

    if (chain->n == BM_COUNT(chain->der))
        return bm_fail(fail, BM_EINPUT, NULL, "these are more certificates than a station's, the server CA's and the root's");
    bm_buf_add_bytes(&chain->der[chain->n], der);
    return bm_buf_check(&chain->der[chain->n++], "a certificate", fail);
}

enum bm_rc
bm_station_chain_parse(struct bm_station_chain *chain, struct bm_bytes pem, struct bm_fail *fail)
{
    enum bm_rc rc = bm_pem_parse(pem, "CERTIFICATE", chain_take, chain, fail);

    if (rc != BM_OK || chain->n == BM_COUNT(chain->der))
        return rc;
    return bm_fail(fail, BM_EINPUT, NULL,
                   "a station's certificate comes with the server CA's and the root's: take the whole file from the site");
}

/* Into the root of trust, beside its key; the root's own stays a file. */
static enum bm_rc
chain_keep(struct bm_root *root, const struct bm_station_chain *chain, struct bm_fail *fail)
{
    const struct bm_bytes certs[] = { bm_buf_bytes(&chain->der[0]), bm_buf_bytes(&chain->der[1]) };

    return root->ops->commit(root, BM_STATION_SERVICE, certs, BM_COUNT(certs), fail);
}

/* ---- what is said ---- */

static enum bm_rc
tell(const struct bm_call *call, const char *name, const struct bm_key *key, const char *where, const char *place, const char *next,
     struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    char hex[2 * BM_HASH + 1];
    enum bm_rc rc;

    bm_hex(hex, bm_bytes(key->hash, BM_HASH));
    row = json_pack("{s:s, s:s, s:s}", "station", name, "key", hex, where, place);
    if (row != NULL && next != NULL && json_object_set_new(row, "next", json_string(next)) != 0)
        return bm_json_check(NULL, fail);
    return (rc = bm_json_check(row, fail)) != BM_OK ? rc : bm_object_print(call, row, fail);
}

/* ---- on the site's own machine: all at once ---- */

static enum bm_rc
here_run(struct bm_call *call, struct bm_root *root, const struct bm_station_conf *conf, struct bm_fail *fail)
{
    bm_cleanup(bm_station_chain_done) struct bm_station_chain chain = BM_STATION_CHAIN;
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 6 * BM_MAX_CERT };
    struct bm_key key;
    bool pending;
    enum bm_rc rc;

    if ((rc = bm_station_key(root, &key, &pending, fail)) != BM_OK || (rc = bm_station_admit(call, conf->name, &key, fail)) != BM_OK ||
        (rc = bm_station_certify(call->home, conf->name, &key, &pem, fail)) != BM_OK ||
        (rc = bm_station_chain_parse(&chain, bm_buf_bytes(&pem), fail)) != BM_OK || (rc = chain_keep(root, &chain, fail)) != BM_OK ||
        (rc = bm_station_conf_write(conf, call->home, fail)) != BM_OK)
        return rc;
    return tell(call, conf->name, &key, "root", conf->root, NULL, fail);
}

/* ---- on a line's PC: first the request ... ---- */

static enum bm_rc
request_run(struct bm_call *call, struct bm_root *root, const struct bm_station_conf *conf, struct bm_fail *fail)
{
    const char *out = bm_call_option(call, "o");
    char path[BM_PATH], next[320];
    struct bm_key key;
    bool pending;
    enum bm_rc rc;

    if ((rc = bm_place_path(path, call->home, BM_PLACE_STATION_CSR, conf->name, fail)) != BM_OK ||
        (rc = bm_station_key(root, &key, &pending, fail)) != BM_OK ||
        (rc = bm_station_request_write(root, conf->name, &key, pending, out != NULL ? out : path, fail)) != BM_OK ||
        (rc = bm_station_conf_write(conf, call->home, fail)) != BM_OK)
        return rc;
    (void)snprintf(next, sizeof(next), "at the site, with this file: birthmark station enrol %s --request %s.csr", conf->name, conf->name);
    return tell(call, conf->name, &key, "request", out != NULL ? out : path, next, fail);
}

/* ---- ... at the site the certificate ... ---- */

static enum bm_rc
site_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 6 * BM_MAX_CERT };
    const char *name = call->words.v[0], *out = bm_call_option(call, "o");
    char path[BM_PATH], next[320];
    struct bm_key key;
    enum bm_rc rc;

    if ((rc = bm_home_find(call, fail)) != BM_OK ||
        (rc = bm_station_request_read(&key, bm_call_option(call, "request"), name, fail)) != BM_OK ||
        (rc = bm_place_path(path, call->home, "stations", "", fail)) != BM_OK || (rc = bm_dir_make(path, 0700, fail)) != BM_OK ||
        (rc = bm_place_path(path, call->home, BM_PLACE_STATION_CERT, name, fail)) != BM_OK ||
        (rc = bm_station_admit(call, name, &key, fail)) != BM_OK ||
        (rc = bm_station_certify(call->home, name, &key, &pem, fail)) != BM_OK ||
        (out != NULL && (rc = bm_file_write(out, bm_buf_bytes(&pem), 0644, fail)) != BM_OK))
        return rc;
    (void)snprintf(next, sizeof(next), "on its machine, with this file: birthmark station enrol %s --certificate %s.pem --server URL", name,
                   name);
    return tell(call, name, &key, "certificate", out != NULL ? out : path, next, fail);
}

/* ---- ... and back on the line's PC it is kept ---- */

/* Of this key, and by the root that comes with it; whether that is the site's, people compare. */
static enum bm_rc
chain_check(const struct bm_station_chain *chain, const struct bm_key *key, const char *name, struct bm_fail *fail)
{
    const struct bm_bytes between = bm_buf_bytes(&chain->der[1]), anchor = bm_buf_bytes(&chain->der[2]);
    char subject[BM_MAX_NAME + 8], wanted[BM_MAX_NAME + 8];
    struct bm_cert cert;
    bm_time now;
    enum bm_rc rc;

    if ((rc = bm_cert_parse(&cert, bm_buf_bytes(&chain->der[0]), fail)) != BM_OK ||
        (rc = bm_env_system.now(bm_env_system.ctx, &now, fail)) != BM_OK)
        return rc;
    if (memcmp(cert.key.hash, key->hash, BM_HASH) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "this certificate is for another key than this machine's: take the one for its own request");
    bm_name_print(subject, sizeof(subject), cert.subject);
    (void)snprintf(wanted, sizeof(wanted), "CN=%s", name);
    if (strcmp(subject, wanted) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "this certificate is for %s, and this machine is station %s", subject, name);
    return bm_path_check(bm_buf_bytes(&chain->der[0]), (struct bm_certs){ &between, 1 }, (struct bm_certs){ &anchor, 1 }, now, fail);
}

static enum bm_rc
root_keep(const struct bm_station_chain *chain, const char *home, char ret_hex[static 2 * BM_HASH + 1], struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 2 * BM_MAX_CERT };
    uint8_t hash[BM_HASH];
    char path[BM_PATH];
    enum bm_rc rc;

    bm_sha256(hash, bm_buf_bytes(&chain->der[2]));
    bm_hex(ret_hex, bm_bytes(hash, BM_HASH));
    bm_pem_build(&pem, "CERTIFICATE", bm_buf_bytes(&chain->der[2]));
    if ((rc = bm_buf_check(&pem, "the root certificate", fail)) != BM_OK ||
        (rc = bm_place_path(path, home, BM_PLACE_ROOT_CERT, "", fail)) != BM_OK)
        return rc;
    return bm_file_write(path, bm_buf_bytes(&pem), 0644, fail);
}

static enum bm_rc
certificate_run(struct bm_call *call, struct bm_root *root, struct bm_station_conf *conf, struct bm_fail *fail)
{
    bm_cleanup(bm_station_chain_done) struct bm_station_chain chain = BM_STATION_CHAIN;
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 65536 };
    const char *file = bm_call_option(call, "certificate");
    char hex[2 * BM_HASH + 1];
    struct bm_key key;
    bool pending;
    enum bm_rc rc;

    if (conf->server[0] == 0)
        return bm_usage(call, fail, "say where the site's server is: --server https://HOST:PORT");
    if ((rc = bm_station_key(root, &key, &pending, fail)) != BM_OK || (rc = bm_file_read(&pem, file, fail)) != BM_OK)
        return rc;
    if ((rc = bm_station_chain_parse(&chain, bm_buf_bytes(&pem), fail)) != BM_OK ||
        (rc = chain_check(&chain, &key, conf->name, fail)) != BM_OK) {
        bm_fail_prefix(fail, "%.200s", file);
        return rc;
    }
    if ((rc = chain_keep(root, &chain, fail)) != BM_OK || (rc = root_keep(&chain, call->home, hex, fail)) != BM_OK ||
        (rc = bm_station_conf_write(conf, call->home, fail)) != BM_OK)
        return rc;
    return tell(call, conf->name, &key, "site_root", hex, "compare site_root with the line \"root\" of the site's trust.txt", fail);
}

/* ---- which of them ---- */

/* As it was said, as it was kept, or in a file of its own. */
static enum bm_rc
conf_make(struct bm_station_conf *conf, struct bm_call *call, struct bm_fail *fail)
{
    const char *name = call->words.v[0], *root = bm_call_option(call, "root"), *server = bm_call_option(call, "server");
    struct bm_station_conf kept = { .name = "" };
    char path[BM_PATH], host[BM_HOST];
    struct bm_fail unused;
    enum bm_rc rc;

    if (server != NULL && (!bm_url_host(host, server) || strlen(server) >= sizeof(conf->server)))
        return bm_usage(call, fail, "--server is https://HOST or https://HOST:PORT");
    if ((rc = bm_place_path(path, call->home, "stations", "", fail)) != BM_OK || (rc = bm_dir_make(call->home, 0755, fail)) != BM_OK ||
        (rc = bm_dir_make(path, 0700, fail)) != BM_OK || (rc = bm_place_path(path, call->home, BM_PLACE_STATION_KEY, name, fail)) != BM_OK)
        return rc;
    if (bm_station_conf_read(&kept, call->home, &unused) != BM_OK || strcmp(kept.name, name) != 0)
        kept = (struct bm_station_conf){ .name = "" };
    (void)snprintf(conf->name, sizeof(conf->name), "%s", name);
    (void)snprintf(conf->server, sizeof(conf->server), "%s", server != NULL ? server : kept.server);
    if (root == NULL && kept.root[0] != 0)
        root = kept.root;
    if ((size_t)snprintf(conf->root, sizeof(conf->root), "%s%s", root == NULL ? "soft:" : "", root == NULL ? path : root) >=
        sizeof(conf->root))
        return bm_usage(call, fail, "the root's URI is too long");
    return BM_OK;
}

static enum bm_rc
enrol_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_root_done) struct bm_root *root = NULL;
    struct bm_station_conf conf = { .name = "" };
    enum bm_rc rc;

    if ((rc = bm_call_name(call, "a station's name", call->words.v[0], fail)) != BM_OK)
        return rc;
    if (bm_call_option(call, "request") != NULL)
        return bm_call_option(call, "certificate") == NULL
                   ? site_run(call, fail)
                   : bm_usage(call, fail, "--request is the site's part and --certificate the station's");
    bm_station_home(call);
    if ((rc = conf_make(&conf, call, fail)) != BM_OK || (rc = bm_root_open(&root, conf.root, fail)) != BM_OK)
        return rc;
    if (bm_call_option(call, "certificate") != NULL)
        return certificate_run(call, root, &conf, fail);
    return bm_home_is_site(call->home) ? here_run(call, root, &conf, fail) : request_run(call, root, &conf, fail);
}

const struct bm_verb bm_verb_station_enrol = {
    .words = "station enrol",
    .arguments = "NAME",
    .least = 1,
    .most = 1,
    .purpose = "Make a machine a station: a key of its own, an officer's signature for it, and a certificate.",
    .help =
        "On the site's machine that is one command. A line's PC has no site; there it takes three, and no secret leaves it:\n"
        "  the line's PC   birthmark station enrol line-1 --root tpm2:                              makes the key and line-1.csr\n"
        "  the site        birthmark station enrol line-1 --request line-1.csr                      an officer signs; gives line-1.pem\n"
        "  the line's PC   birthmark station enrol line-1 --certificate line-1.pem --server URL     keeps it\n"
        "Compare the key that the first two print: it is what the officer signs for. Where a site wants two persons for its list of "
        "operators,\n"
        "the second one approves, and the site's command is given again. Enrolling again keeps the key and renews the certificate, which "
        "ends\n"
        "after 397 days.\n\n"
        "example: birthmark station enrol line-1\n"
        "         birthmark station enrol line-1 --root \"pkcs11:token=line;object=station?pin-source=/run/line.pin\"\n",
    .options = { { .name = "root",
                   .value = "URI",
                   .help = "where its key is: tpm2:, pkcs11:...; default: as before, else a file, HOME/stations/NAME.key" },
                 { .name = "request", .value = "FILE", .help = "at the site: the other machine's request" },
                 { .name = "certificate", .value = "FILE", .help = "on the line's PC: what the site gave for its request" },
                 { .name = "server", .value = "URL", .help = "on the line's PC: the site's server, https://HOST:PORT" },
                 { .name = "o", .value = "FILE", .help = "where the request or the certificate is written; default in HOME/stations" },
                 BM_OPTION_OPERATOR },
    .run = enrol_run,
};
