/* station_pc.c - what a station's machine keeps: which station it is, and where its key is. */
#include "base/file.h"
#include "cli/places.h"
#include "cli/station.h"
#include "pki/csr.h"
#include "station/unit.h"
#include "wire/lines.h"
#include "wire/rd.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>

#define HEAD "birthmark/station/v1"
#define SYSTEM_HOME "/var/lib/birthmark"
#define RENEW_DAYS 30 /* so long before its end somebody should think of it */

void
bm_station_home(struct bm_call *call)
{
    if (call->home == NULL)
        call->home = getenv("BIRTHMARK_HOME");
    if (call->home == NULL || call->home[0] == 0)
        call->home = SYSTEM_HOME;
}

/* ---- station.conf ---- */

static enum bm_rc
line_keep(char *ret, size_t n, struct bm_bytes value, const char *what, struct bm_fail *fail)
{
    if (value.n >= n)
        return bm_fail(fail, BM_EINPUT, NULL, "station.conf: the %s is too long: make it anew with birthmark station enrol", what);
    (void)snprintf(ret, n, "%.*s", (int)value.n, value.n > 0 ? (const char *)value.p : "");
    return BM_OK;
}

enum bm_rc
bm_station_conf_read(struct bm_station_conf *ret, const char *home, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 4096 };
    struct bm_bytes root, server = { .n = 0 };
    struct bm_lines lines;
    enum bm_rc rc;

    if ((rc = bm_place_read(&text, home, BM_PLACE_STATION, "", fail)) == BM_EINPUT)
        return bm_fail(fail, BM_EPOLICY, NULL, "this machine is no station yet: see `birthmark station enrol --help`");
    if (rc != BM_OK)
        return rc;
    lines = bm_lines_open(bm_buf_bytes(&text), HEAD, "station.conf", fail);
    bm_lines_name(&lines, "station", ret->name, BM_MAX_NAME);
    root = bm_lines_want(&lines, "root");
    (void)bm_lines_have(&lines, "server", &server);
    if ((rc = bm_lines_close(&lines)) != BM_OK || (rc = line_keep(ret->root, sizeof(ret->root), root, "root's URI", fail)) != BM_OK)
        return rc;
    return line_keep(ret->server, sizeof(ret->server), server, "server's URL", fail);
}

enum bm_rc
bm_station_conf_write(const struct bm_station_conf *conf, const char *home, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 4096 };
    char path[BM_PATH];
    enum bm_rc rc;

    bm_buf_add_str(&text, HEAD "\n");
    bm_lines_add(&text, "station", conf->name);
    bm_lines_add(&text, "root", conf->root);
    if (conf->server[0] != 0)
        bm_lines_add(&text, "server", conf->server);
    if ((rc = bm_buf_check(&text, "station.conf", fail)) != BM_OK || (rc = bm_place_path(path, home, BM_PLACE_STATION, "", fail)) != BM_OK)
        return rc;
    return bm_file_write(path, bm_buf_bytes(&text), 0600, fail);
}

/* ---- the key ---- */

/* The key that is there stays: enrolling again renews the certificate alone. */
enum bm_rc
bm_station_key(struct bm_root *root, struct bm_key *ret_key, bool *ret_pending, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE };
    struct bm_leaf *leaf = calloc(1, sizeof(*leaf)); /* 9 KiB */
    enum bm_rc rc = leaf == NULL ? BM_ENOMEM : root->ops->identify(root, true, leaf, &certs, fail);

    if (leaf == NULL)
        bm_fail_note(fail, BM_ENOMEM, NULL, "no memory");
    free(leaf);
    if (rc != BM_OK)
        return rc;
    *ret_pending = false;
    if ((rc = root->ops->key_public(root, BM_STATION_SERVICE, false, ret_key, fail)) != BM_EPOLICY)
        return rc;
    *ret_pending = true;
    if ((rc = root->ops->key_public(root, BM_STATION_SERVICE, true, ret_key, fail)) != BM_EPOLICY)
        return rc;
    return root->ops->key_new(root, BM_STATION_SERVICE, ret_key, fail);
}

enum bm_rc
bm_station_cert_check(struct bm_root *root, unsigned *ret_days, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = 4 * BM_MAX_CERT };
    char text[BM_TIME_TEXT];
    struct bm_cert cert;
    struct bm_rd rd;
    bm_time now, left;
    enum bm_rc rc;

    if ((rc = root->ops->certs(root, BM_STATION_SERVICE, &certs, fail)) != BM_OK)
        return rc;
    rd = bm_rd(bm_buf_bytes(&certs));
    if ((rc = bm_cert_parse(&cert, bm_rd_lv32(&rd, BM_MAX_CERT), fail)) != BM_OK ||
        (rc = bm_env_system.now(bm_env_system.ctx, &now, fail)) != BM_OK)
        return rc;
    left = cert.not_after - now;
    bm_time_print(text, cert.not_after);
    if (left < 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "this station's certificate ended at %s: enrol it once more, its key stays", text);
    *ret_days = left < (bm_time)RENEW_DAYS * 86400 ? (unsigned)(left / 86400) + 1 : 0;
    return BM_OK;
}

/* ---- the request that goes to the site ---- */

enum bm_rc
bm_station_request_write(struct bm_root *root, const char *name, const struct bm_key *key, bool pending, const char *path,
                         struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf info = { .max = BM_MAX_CSR }, signature = { .max = BM_MAX_SIGNATURE },
                                          csr = { .max = BM_MAX_CSR };
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 2 * BM_MAX_CSR };
    enum bm_sig_alg alg;
    enum bm_rc rc;

    bm_csr_info_build(&info, bm_key_spki(key), name);
    if ((rc = bm_buf_check(&info, "the request", fail)) != BM_OK ||
        (rc = root->ops->key_sign(root, BM_STATION_SERVICE, pending, bm_buf_bytes(&info), &alg, &signature, fail)) != BM_OK)
        return rc;
    bm_csr_build(&csr, bm_buf_bytes(&info), alg, bm_buf_bytes(&signature));
    bm_pem_build(&pem, "CERTIFICATE REQUEST", bm_buf_bytes(&csr));
    return (rc = bm_buf_check(&pem, "the request", fail)) != BM_OK ? rc : bm_file_write(path, bm_buf_bytes(&pem), 0644, fail);
}

enum bm_rc
bm_station_request_read(struct bm_key *ret_key, const char *path, const char *name, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 65536 }, der = { .max = BM_MAX_CSR };
    bm_cleanup(bm_crypto_done) struct bm_crypto *crypto = NULL;
    char subject[BM_MAX_NAME + 8], wanted[BM_MAX_NAME + 8];
    struct bm_csr csr;
    enum bm_rc rc;

    if ((rc = bm_file_read(&file, path, fail)) != BM_OK || (rc = bm_crypto_new(&crypto, fail)) != BM_OK)
        return rc;
    if ((rc = bm_pem_parse(bm_buf_bytes(&file), "CERTIFICATE REQUEST", bm_first_block, &der, fail)) != BM_OK ||
        (rc = bm_csr_parse(&csr, bm_buf_bytes(&der), fail)) != BM_OK || (rc = bm_csr_check(crypto, &csr, fail)) != BM_OK) {
        bm_fail_prefix(fail, "%.200s", path);
        return rc;
    }
    bm_name_print(subject, sizeof(subject), csr.subject);
    (void)snprintf(wanted, sizeof(wanted), "CN=%s", name);
    if (strcmp(subject, wanted) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "%.200s: %s asks, and not station %s", path, subject, name);
    if (csr.key.alg != BM_KEY_P256)
        return bm_fail(fail, BM_EINPUT, NULL, "%.200s: a station signs with a P-256 key", path);
    *ret_key = csr.key;
    return BM_OK;
}
