/* ca.c - ca show: the hierarchy, as its certificates tell it. */
#include "base/env.h"
#include "cli/places.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "pki/cert.h"
#include "wire/text.h"

#include <unistd.h>

/* Where a key is: as site.conf says, without what a URI has behind its '?' (a PIN may stand there); or a file that may be offline. */
static const char *
key_where(char *ret, size_t n, const struct bm_call *call, const struct bm_site *site, int ca, const char *place)
{
    char path[BM_PATH];
    struct bm_fail unused;

    if (ca >= 0)
        (void)snprintf(ret, n, "%.*s", (int)strcspn(site->ca[ca].key, "?"), site->ca[ca].key);
    else if (bm_path_join(path, call->home, place, &unused) == BM_OK && access(path, F_OK) == 0)
        (void)snprintf(ret, n, "file:%s", place);
    else
        (void)snprintf(ret, n, "offline");
    return ret;
}

static enum bm_rc
cert_add(struct bm_list *list, const char *name, const char *path, const char *where, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };
    bm_cleanup(bm_buf_done) struct bm_buf json = { .max = 8192 };
    bm_cleanup(bm_json_done) json_t *row = NULL;
    char subject[300], from[BM_TIME_TEXT], until[BM_TIME_TEXT], hex[2 * BM_HASH + 1];
    uint8_t hash[BM_HASH];
    struct bm_cert cert;
    enum bm_rc rc;

    if ((rc = bm_cert_read(&der, path, fail)) != BM_OK || (rc = bm_cert_parse(&cert, bm_buf_bytes(&der), fail)) != BM_OK)
        return rc;
    bm_name_print(subject, sizeof(subject), cert.subject);
    bm_time_print(from, cert.not_before);
    bm_time_print(until, cert.not_after);
    bm_sha256(hash, bm_buf_bytes(&der));
    bm_hex(hex, bm_bytes(hash, BM_HASH));
    row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "ca", name, "subject", subject, "not_before", from, "not_after", until, "key", where,
                    "sha256", hex);
    if ((rc = bm_json_check(row, fail)) != BM_OK || (rc = bm_json_print(&json, row, fail)) != BM_OK)
        return rc;
    return bm_list_row(list, bm_buf_bytes(&json), fail);
}

static enum bm_rc
run(struct bm_call *call, struct bm_fail *fail)
{
    static const struct {
        const char *name, *place, *key;
        int ca;
    } certs[] = { { "root", BM_PLACE_ROOT_CERT, BM_PLACE_ROOT_KEY, -1 },
                  { "operational", BM_PLACE_CA_CERT, "", BM_CA_OPERATIONAL },
                  { "idevid", BM_PLACE_CA_CERT, "", BM_CA_IDEVID },
                  { "server", BM_PLACE_CA_CERT, BM_PLACE_SERVER_CA_KEY, -1 },
                  { "operators", BM_PLACE_CA_CERT, BM_PLACE_OPERATOR_CA_KEY, -1 },
                  { "gate", BM_PLACE_GATE_CERT, BM_PLACE_GATE_KEY, -1 } };
    static const struct bm_column columns[] = {
        { "ca", "CA" }, { "subject", "SUBJECT" }, { "not_after", "UNTIL" }, { "key", "KEY" }, { "sha256", "SHA-256" }
    };
    bm_cleanup(
        bm_list_done) struct bm_list list = { .json = call->json, .columns = columns, .ncolumns = BM_COUNT(columns), .nothing = "no CA" };
    bm_cleanup(bm_site_free) struct bm_site *site = NULL;
    char path[BM_PATH], where[1100];
    enum bm_rc rc = bm_site_read(&site, call->home, fail);

    for (size_t i = 0; i < BM_COUNT(certs) && rc == BM_OK; i++)
        if ((rc = bm_place_path(path, call->home, certs[i].place, certs[i].name, fail)) == BM_OK)
            rc = cert_add(&list, certs[i].name, path, key_where(where, sizeof(where), call, site, certs[i].ca, certs[i].key), fail);
    return rc != BM_OK ? rc : bm_list_end(&list, fail);
}

const struct bm_verb bm_verb_ca_show = {
    .words = "ca show",
    .arguments = "",
    .site = true,
    .purpose = "Show the certification authorities: until when, and where each key is.",
    .help = "Key \"offline\": the file is not here, as the root's should be. gate is no CA but the server's own certificate.\n\n"
            "example: birthmark ca show\n",
    .run = run,
};
