/* profile.c - profile list, show, check, activate: what certificates look like, from HOME/profiles. */
#include "cli/operator.h"
#include "cli/places.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "pki/key.h"
#include "wire/text.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define SUFFIX ".profile"

static json_t *
words_of(const struct bm_profile *profile, bool evidence)
{
    static const char *const keys[] = { [BM_KEY_P256] = "P-256", [BM_KEY_P384] = "P-384", [BM_KEY_RSA] = "RSA" };
    json_t *array = json_array();

    for (unsigned i = 0; evidence && i < 4; i++)
        if ((profile->evidence & 1u << i) != 0)
            (void)json_array_append_new(array, json_string(bm_evidence_class_word((enum bm_evidence_class)(1u << i))));
    for (unsigned i = 1; !evidence && i < BM_COUNT(keys); i++)
        if ((profile->keys & 1u << i) != 0)
            (void)json_array_append_new(array, json_string(keys[i]));
    return array;
}

static json_t *
roots_of(const struct bm_profile *profile)
{
    json_t *array = json_array();
    const char *word;

    for (unsigned i = 1; (word = bm_profile_root_word(i)) != NULL; i++)
        if (profile->roots == 0 || (profile->roots & 1u << i) != 0)
            (void)json_array_append_new(array, json_string(word));
    return array;
}

static json_t *
names_of(const struct bm_profile *profile)
{
    json_t *array = json_array();

    if (profile->common_name[0] != 0 || profile->ca == BM_CA_OPERATIONAL)
        (void)json_array_append_new(array,
                                    json_sprintf("common-name %s", profile->common_name[0] != 0 ? profile->common_name : "{device}"));
    for (size_t i = 0; i < profile->nattributes; i++)
        (void)json_array_append_new(array, json_sprintf("attribute %s %s", profile->attributes[i].oid, profile->attributes[i].pattern));
    for (size_t i = 0; i < profile->ndns; i++)
        (void)json_array_append_new(array, json_sprintf("dns %s", profile->dns[i].pattern));
    for (size_t i = 0; i < profile->nuri; i++)
        (void)json_array_append_new(array, json_sprintf("uri %s", profile->uri[i].pattern));
    return array;
}

/* "90 days", "8 hours", "never" ends. */
static json_t *
lifetime_of(const struct bm_profile *profile)
{
    if (profile->hours == 0)
        return json_string("never ends");
    if (profile->hours % 24 == 0)
        return json_sprintf("%u days", profile->hours / 24);
    return json_sprintf("%u hours", profile->hours);
}

static json_t *
required_of(const struct bm_profile *profile)
{
    const struct bm_proven_fact *fact;
    json_t *array = json_array();

    for (size_t i = 0; (fact = bm_proven_fact(i)) != NULL; i++)
        if ((profile->require & fact->bit) != 0)
            (void)json_array_append_new(array, json_string(fact->word));
    return array;
}

static json_t *
profile_object(const struct bm_profile *profile)
{
    char digest[2 * BM_HASH + 1];
    json_t *row;

    bm_hex(digest, bm_bytes(profile->digest, BM_HASH));
    row = json_pack("{s:s, s:i, s:s, s:s, s:o, s:s, s:i, s:o, s:o, s:o, s:o, s:b, s:b, s:b, s:o, s:i, s:i, s:s}", "profile", profile->name,
                    "version", (int)profile->version, "service", profile->service, "ca",
                    profile->ca == BM_CA_IDEVID ? "idevid" : "operational", "lifetime", lifetime_of(profile), "revocation",
                    bm_revocation_word(profile->revocation), "bucket", (int)profile->bucket, "evidence", words_of(profile, true), "require",
                    required_of(profile), "roots", roots_of(profile), "keys", words_of(profile, false), "client_auth", profile->client_auth,
                    "server_auth", profile->server_auth, "hardware_module", profile->hardware_module, "names", names_of(profile),
                    "max_certificate", (int)profile->max_certificate, "max_chain", (int)profile->max_chain, "digest", digest);
    return row;
}

static enum bm_rc
profile_read(struct bm_profile *ret, struct bm_buf *text, const char *path, struct bm_fail *fail)
{
    enum bm_rc rc = bm_file_read(text, path, fail);

    if (rc != BM_OK)
        return rc;
    if ((rc = bm_profile_parse(ret, bm_buf_bytes(text), fail)) != BM_OK)
        bm_fail_prefix(fail, "%s", path);
    return rc;
}

/* ---- list ---- */

static int
is_profile(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);

    return n > strlen(SUFFIX) && strcmp(entry->d_name + n - strlen(SUFFIX), SUFFIX) == 0;
}

static enum bm_rc
file_add(struct bm_list *list, const char *dir, const char *file, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_PROFILE };
    bm_cleanup(bm_buf_done) struct bm_buf json = { .max = BM_MAX_JSON };
    bm_cleanup(bm_json_done) json_t *row = NULL;
    struct bm_profile profile;
    char path[BM_PATH];
    enum bm_rc rc;

    if ((rc = bm_path_join(path, dir, file, fail)) != BM_OK || (rc = profile_read(&profile, &text, path, fail)) != BM_OK)
        return rc;
    row = profile_object(&profile);
    if ((rc = bm_json_check(row, fail)) != BM_OK || (rc = bm_json_print(&json, row, fail)) != BM_OK)
        return rc;
    return bm_list_row(list, bm_buf_bytes(&json), fail);
}

static enum bm_rc
list_run(struct bm_call *call, struct bm_fail *fail)
{
    static const struct bm_column columns[] = { { "profile", "PROFILE" }, { "version", "VERSION" },   { "service", "SERVICE" },
                                                { "ca", "CA" },           { "lifetime", "LIFETIME" }, { "evidence", "EVIDENCE" },
                                                { "keys", "KEYS" } };
    bm_cleanup(bm_list_done) struct bm_list list = {
        .json = call->json, .columns = columns, .ncolumns = BM_COUNT(columns), .nothing = "no profiles"
    };
    struct dirent **entries = NULL;
    char dir[BM_PATH];
    enum bm_rc rc = bm_path_join(dir, call->home, "profiles", fail);
    int n = rc == BM_OK ? scandir(dir, &entries, is_profile, alphasort) : 0;

    for (int i = 0; i < n; i++) {
        if (rc == BM_OK)
            rc = file_add(&list, dir, entries[i]->d_name, fail);
        free(entries[i]);
    }
    free(entries);
    return rc != BM_OK ? rc : bm_list_end(&list, fail);
}

const struct bm_verb bm_verb_profile_list = {
    .words = "profile list",
    .arguments = "",
    .site = true,
    .purpose = "List the profiles that orders can allow: service, lifetime, evidence, keys.",
    .help = "A profile is a file in HOME/profiles. An order pins the text that it has when the order is opened.\n\n"
            "example: birthmark profile list\n",
    .run = list_run,
};

/* ---- show, check ---- */

static enum bm_rc
profile_print(const struct bm_call *call, const struct bm_profile *profile, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = profile_object(profile);
    enum bm_rc rc = bm_json_check(row, fail);

    return rc != BM_OK ? rc : bm_object_print(call, row, fail);
}

static enum bm_rc
show_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_PROFILE };
    struct bm_profile profile;
    char path[BM_PATH];
    enum bm_rc rc;

    if ((rc = bm_call_name(call, "a profile's name", call->words.v[0], fail)) != BM_OK ||
        (rc = bm_place_path(path, call->home, BM_PLACE_PROFILE, call->words.v[0], fail)) != BM_OK ||
        (rc = profile_read(&profile, &text, path, fail)) != BM_OK)
        return rc;
    return profile_print(call, &profile, fail);
}

const struct bm_verb bm_verb_profile_show = {
    .words = "profile show",
    .arguments = "NAME",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Show one profile, with the digest that orders pin.",
    .help = "example: birthmark profile show gateway-1\n",
    .run = show_run,
};

static enum bm_rc
check_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_PROFILE };
    struct bm_profile profile;
    enum bm_rc rc = profile_read(&profile, &text, call->words.v[0], fail);

    return rc != BM_OK ? rc : profile_print(call, &profile, fail);
}

const struct bm_verb bm_verb_profile_check = {
    .words = "profile check",
    .arguments = "FILE",
    .least = 1,
    .most = 1,
    .purpose = "Read a profile's file as the signer will, and say what is wrong with it.",
    .help = "Changes nothing and needs no site. A good one can be activated.\n\nexample: birthmark profile check "
            "gateway-2.profile\n",
    .run = check_run,
};

/* ---- activate ---- */

/* The file in HOME is for people and for `order open`: what counts is the signer's word, which was given by then. */
static enum bm_rc
keep(const struct bm_call *call, const struct bm_profile *profile, const struct bm_buf *text, struct bm_fail *fail)
{
    char path[BM_PATH];
    enum bm_rc rc = bm_place_path(path, call->home, BM_PLACE_PROFILE, profile->name, fail);

    return rc != BM_OK ? rc : bm_file_write(path, bm_buf_bytes(text), 0644, fail);
}

static enum bm_rc
activate_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_PROFILE }, statement = { .max = BM_MAX_STATEMENT };
    bm_cleanup(bm_desk_done) struct bm_desk desk = { .head = { .seq = 0 } };
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    struct bm_activation activation = { .version = 0 };
    struct bm_bytes behind;
    struct bm_profile profile;
    enum bm_rc rc, put;

    if ((rc = profile_read(&profile, &text, call->words.v[0], fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK ||
        (rc = bm_desk_open(&desk, BM_ACT_PROFILE, &ask, fail)) != BM_OK)
        return rc;
    activation.version = profile.version;
    memcpy(activation.profile.name, profile.name, sizeof(activation.profile.name));
    memcpy(activation.profile.digest, profile.digest, BM_HASH);
    bm_activation_build(&statement, &desk.head, &activation);
    behind = bm_buf_bytes(&text);
    rc = bm_desk_send(&desk, &ask, &statement, &behind, 1, NULL, NULL, fail);
    /* of a proposal too: until it is approved the signer opens no order with it */
    if (rc != BM_OK && call->proposal == 0)
        return rc;
    put = keep(call, &profile, &text, rc == BM_OK ? fail : &(struct bm_fail){ .rc = BM_OK });
    return rc != BM_OK ? rc : put != BM_OK ? put : profile_print(call, &profile, fail);
}

const struct bm_verb bm_verb_profile_activate = {
    .words = "profile activate",
    .arguments = "FILE",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Let orders be opened with this version of a profile, and with no other from now on.",
    .help =
        "An officer's signed statement to the signer, on record in the ledger; where the policy names it, two persons'. A changed text has "
        "a\n"
        "higher version. Orders that are open keep the text that they were opened with. The file is kept as HOME/profiles/NAME.profile.\n\n"
        "example: birthmark profile activate gateway-2.profile\n",
    .options = { BM_OPTION_OPERATOR },
    .run = activate_run,
};
