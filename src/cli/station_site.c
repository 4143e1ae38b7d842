/* station_site.c - which stations a site has: an officer's signed list says so, as of all who sign; and what each of them made. */
#include "cli/lists.h"
#include "cli/operator.h"
#include "cli/places.h"
#include "cli/print.h"
#include "cli/roles.h"
#include "cli/server_cert.h"
#include "cli/station.h"
#include "cli/verbs.h"
#include "wire/text.h"

#include <unistd.h>

/* ---- one more ---- */

enum bm_rc
bm_station_admit(struct bm_call *call, const char *name, const struct bm_key *key, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(bm_roles_free) struct bm_roles *roles = NULL;
    const struct bm_operator *known;
    struct bm_operator *station;
    enum bm_rc rc;

    if ((rc = bm_ask_open(&ask, call, fail)) != BM_OK || (rc = bm_roles_read(&roles, &ask, fail)) != BM_OK)
        return rc;
    known = bm_roles_station(roles, key->hash);
    if (known != NULL && strcmp(known->name, name) == 0)
        return BM_OK;
    if (known != NULL)
        return bm_fail(fail, BM_EPOLICY, NULL, "this key is station %s's: enrol it under that name, or revoke that one first", known->name);
    if (bm_roles_find(roles, name) != NULL)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "there is a station or an operator %s with another key: take another name, or revoke that one first", name);
    if (roles->noperators == BM_MAX_OPERATORS)
        return bm_fail(fail, BM_EPOLICY, NULL, "a site has at most %d operators and stations: revoke one", BM_MAX_OPERATORS);
    station = &roles->operators[roles->noperators++];
    *station = (struct bm_operator){ .role = BM_ROLE_STATION };
    (void)snprintf(station->name, sizeof(station->name), "%s", name);
    if ((rc = bm_note_key_init_p256(&station->key, name, bm_key_spki(key), fail)) != BM_OK)
        return rc;
    return bm_roles_send(&ask, roles, false, fail);
}

enum bm_rc
bm_station_certify(const char *home, const char *name, const struct bm_key *key, struct bm_buf *ret_chain, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf leaf = { .max = BM_MAX_CERT }, above = { .max = BM_MAX_CERT }, root = { .max = BM_MAX_CERT };
    char path[BM_PATH];
    bm_time now;
    enum bm_rc rc;

    if ((rc = bm_env_system.now(bm_env_system.ctx, &now, fail)) != BM_OK ||
        (rc = bm_station_cert_make(&leaf, &above, home, name, key, now, fail)) != BM_OK ||
        (rc = bm_place_path(path, home, BM_PLACE_ROOT_CERT, "", fail)) != BM_OK || (rc = bm_cert_read(&root, path, fail)) != BM_OK ||
        (rc = bm_place_path(path, home, BM_PLACE_STATION_CERT, name, fail)) != BM_OK)
        return rc;
    bm_pem_build(ret_chain, "CERTIFICATE", bm_buf_bytes(&leaf));
    bm_pem_build(ret_chain, "CERTIFICATE", bm_buf_bytes(&above));
    bm_pem_build(ret_chain, "CERTIFICATE", bm_buf_bytes(&root));
    if ((rc = bm_buf_check(ret_chain, "the station's certificate", fail)) != BM_OK)
        return rc;
    return bm_file_write(path, bm_buf_bytes(ret_chain), 0644, fail);
}

/* ---- all of them ---- */

/* Rows of the store: what was made where, also at those that are none any more. */
static enum bm_rc
made_take(void *ctx, struct bm_bytes json, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    enum bm_rc rc = bm_json_parse(&row, json, BM_MAX_JSON, fail);

    if (rc != BM_OK)
        return rc;
    return json_object_set(ctx, bm_json_text(row, "station"), json_object_get(row, "units")) == 0 ? BM_OK : bm_json_check(NULL, fail);
}

/* Until when the certificate in HOME/stations is good, when it is this key's. */
static bool
cert_until(char ret_until[static BM_TIME_TEXT], const char *home, const char *name, const uint8_t key[static BM_HASH])
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };
    struct bm_fail unused;
    struct bm_cert cert;
    char path[BM_PATH];

    if (bm_place_path(path, home, BM_PLACE_STATION_CERT, name, &unused) != BM_OK || bm_cert_read(&der, path, &unused) != BM_OK ||
        bm_cert_parse(&cert, bm_buf_bytes(&der), &unused) != BM_OK || memcmp(cert.key.hash, key, BM_HASH) != 0)
        return false;
    bm_time_print(ret_until, cert.not_after);
    return true;
}

static enum bm_rc
row_print(struct bm_list *list, const char *name, const uint8_t *key, const char *home, json_t *made, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf json = { .max = 4096 };
    bm_cleanup(bm_json_done) json_t *row = NULL;
    char hex[2 * BM_HASH + 1], until[BM_TIME_TEXT];
    bool certified = key != NULL && cert_until(until, home, name, key);
    enum bm_rc rc;

    if (key != NULL)
        bm_hex(hex, bm_bytes(key, BM_HASH));
    row = json_pack("{s:s, s:s, s:I, s:s?, s:s?}", "station", name, "state", key != NULL ? "enrolled" : "revoked", "units",
                    json_integer_value(json_object_get(made, name)), "certificate", certified ? until : NULL, "key",
                    key != NULL ? hex : NULL);
    (void)json_object_del(made, name);
    if ((rc = bm_json_check(row, fail)) != BM_OK || (rc = bm_json_print(&json, row, fail)) != BM_OK)
        return rc;
    return bm_list_row(list, bm_buf_bytes(&json), fail);
}

static enum bm_rc
stations_print(struct bm_ask *ask, const struct bm_roles *roles, struct bm_fail *fail)
{
    static const struct bm_column columns[] = {
        { "station", "STATION" }, { "state", "STATE" }, { "units", "UNITS" }, { "certificate", "CERTIFICATE UNTIL" }, { "key", "KEY" }
    };
    bm_cleanup(bm_list_done) struct bm_list list = { .json = ask->call->json,
                                                     .columns = columns,
                                                     .ncolumns = BM_COUNT(columns),
                                                     .nothing = "no stations: see `birthmark station enrol --help`" };
    bm_cleanup(bm_json_done) json_t *made = json_object();
    uint8_t key[BM_HASH];
    enum bm_rc rc;

    if ((rc = bm_json_check(made, fail)) != BM_OK || (rc = bm_ask_list(ask, "station", "{}", made_take, made, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; rc == BM_OK && i < roles->noperators; i++) {
        const struct bm_operator *one = &roles->operators[i];

        if (one->role != BM_ROLE_STATION)
            continue;
        bm_sha256(key, bm_bytes(one->key.key, BM_NOTE_SPKI));
        rc = row_print(&list, one->name, key, ask->call->home, made, fail);
    }
    while (rc == BM_OK && json_object_size(made) > 0)
        rc = row_print(&list, json_object_iter_key(json_object_iter(made)), NULL, ask->call->home, made, fail);
    return rc != BM_OK ? rc : bm_list_end(&list, fail);
}

static enum bm_rc
list_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(bm_roles_free) struct bm_roles *roles = NULL;
    enum bm_rc rc;

    if ((rc = bm_ask_open(&ask, call, fail)) != BM_OK || (rc = bm_roles_read(&roles, &ask, fail)) != BM_OK)
        return rc;
    return stations_print(&ask, roles, fail);
}

const struct bm_verb bm_verb_station_list = {
    .words = "station list",
    .arguments = "",
    .site = true,
    .purpose = "List the stations, and how many units each has made.",
    .help = "KEY is SHA-256 of the station's key: what `station enrol` says on its machine. Those that were revoked stay here as long as "
            "units\n"
            "are on record that they made. How many of one order: `birthmark order show`.\n\n"
            "example: birthmark station list\n",
    .run = list_run,
};

static enum bm_rc
revoke_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(bm_roles_free) struct bm_roles *roles = NULL;
    const char *name = call->words.v[0];
    struct bm_operator *station;
    char path[BM_PATH];
    size_t behind;
    enum bm_rc rc;

    if ((rc = bm_call_name(call, "a station's name", name, fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK ||
        (rc = bm_roles_read(&roles, &ask, fail)) != BM_OK ||
        (rc = bm_place_path(path, call->home, BM_PLACE_STATION_CERT, name, fail)) != BM_OK)
        return rc;
    if ((station = bm_roles_find(roles, name)) == NULL || station->role != BM_ROLE_STATION)
        return bm_fail(fail, BM_EPOLICY, NULL, "there is no station %s: see `birthmark station list`", name);
    behind = (size_t)(&roles->operators[roles->noperators--] - station) - 1;
    memmove(station, station + 1, behind * sizeof(*station));
    if ((rc = bm_roles_send(&ask, roles, true, fail)) != BM_OK)
        return rc;
    (void)unlink(path);
    return stations_print(&ask, roles, fail);
}

const struct bm_verb bm_verb_station_revoke = {
    .words = "station revoke",
    .arguments = "NAME",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Take nothing any more that comes by this station; what it made stays.",
    .help =
        "At once, and under every order, those too that name it. One officer's signature is enough. A machine that is to go on gets a new\n"
        "key: `birthmark station enrol` with another --root, or after that key was removed.\n\n"
        "example: birthmark station revoke line-1\n",
    .options = { BM_OPTION_OPERATOR },
    .run = revoke_run,
};
