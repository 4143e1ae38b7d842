/* init.c - init: a site, all of it or nothing. */
#include "cli/ask.h"
#include "cli/founding.h"
#include "cli/operator_key.h"
#include "cli/print.h"
#include "cli/server_cert.h"
#include "cli/token.h"
#include "cli/verbs.h"
#include "pki/name.h"
#include "wire/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the directory ---- */

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* Built beside, so that a rename makes it whole; taken away on any failure. */
struct building {
    char dir[BM_PATH];
    struct bm_founding founding;
    bool done;
};

static void
building_done(struct building *b)
{
    if (!b->done && b->dir[0] != 0) {
        bm_founding_undo(&b->founding);
        (void)nftw(b->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    }
    bm_founding_done(&b->founding);
}

static enum bm_rc
parent_check(const char *home, struct bm_fail *fail)
{
    char parent[BM_PATH];
    size_t n = strlen(home);

    while (n > 0 && home[n - 1] == '/')
        n--;
    while (n > 0 && home[n - 1] != '/')
        n--;
    (void)snprintf(parent, sizeof(parent), "%.*s", n > 0 ? (int)n : 1, n > 0 ? home : ".");
    if (access(parent, F_OK) != 0)
        return bm_fail(fail, BM_EINPUT, NULL, "%s is not there: make it first", parent);
    return BM_OK;
}

/* Nothing there, or an empty directory. */
static enum bm_rc
home_free_check(const char *home, struct bm_fail *fail)
{
    const struct dirent *entry;
    char conf[BM_PATH];
    bool empty = true;
    DIR *dir = opendir(home);

    if (dir == NULL && errno == ENOENT)
        return parent_check(home, fail);
    if (dir == NULL)
        return bm_fail(fail, errno == ENOTDIR ? BM_EINPUT : BM_EBUSY, NULL, "%s can't be used: %s", home, strerrordesc_np(errno));
    while ((entry = readdir(dir)) != NULL)
        empty &= strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    (void)closedir(dir);
    if (empty)
        return BM_OK;
    if (bm_path_join(conf, home, BM_PLACE_SITE, fail) == BM_OK && access(conf, F_OK) == 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "there is a site in %s already: nothing was changed", home);
    return bm_fail(fail, BM_EPOLICY, NULL, "%s is not empty: name a new directory", home);
}

static enum bm_rc
dir_name(struct building *b, const char *home, struct bm_fail *fail)
{
    size_t n = strlen(home);
    int written;

    while (n > 1 && home[n - 1] == '/')
        n--;
    written = snprintf(b->dir, sizeof(b->dir), "%.*s.tmp-%d", (int)n, home, (int)getpid());
    if (written < 0 || (size_t)written >= sizeof(b->dir)) {
        b->dir[0] = 0;
        return bm_fail(fail, BM_EINPUT, NULL, "the name of the home is too long");
    }
    return BM_OK;
}

/* The new name lasts before anybody is told of it. */
static enum bm_rc
home_rename(struct building *b, const char *home, struct bm_fail *fail)
{
    bm_cleanup(bm_fd_done) int parent = -1;
    char *slash;

    if (rename(b->dir, home) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "%s can't be put in its place: %s", home, strerrordesc_np(errno));
    b->done = true;
    if ((slash = strrchr(b->dir, '/')) != NULL)
        slash[slash == b->dir] = 0;
    if ((parent = open(slash != NULL ? b->dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 || fsync(parent) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "%s may not last: %s", home, strerrordesc_np(errno));
    return BM_OK;
}

/* ---- what was asked for ---- */

static enum bm_rc
site_take(struct bm_site *site, struct bm_call *call, struct bm_fail *fail)
{
    const char *name = bm_call_option(call, "name"), *url = bm_call_option(call, "url"), *operator= bm_call_option(call, "operator");
    struct bm_operator *first = &site->operators.operators[0];
    char host[BM_HOST];
    enum bm_rc rc;

    if (strlen(name) > BM_MAX_NAME || bm_name_value_check("the site's name", name, fail) != BM_OK)
        return bm_usage(call, fail, "--name must be 1 to %d characters of text: it stands in every certificate", BM_MAX_NAME);
    memcpy(site->name, name, strlen(name) + 1);
    if (url != NULL && (strlen(url) >= sizeof(site->url) - 32 || !bm_url_host(host, url)))
        return bm_usage(call, fail, "--url must be https://HOST or https://HOST:PORT, as devices will reach it");
    site->test = bm_call_option(call, "test") != NULL;
    if (site->test && bm_test_name(site->name, name, fail) != BM_OK)
        return bm_usage(call, fail, "--name: \"TEST \" comes before it, so it may have %d characters", BM_MAX_NAME - 5);
    memcpy(site->url, url != NULL ? url : "", url != NULL ? strlen(url) + 1 : 1);
    if (operator== NULL)
        operator= "admin";
    if ((rc = bm_call_name(call, "an operator's name", operator, fail)) != BM_OK)
        return rc;
    memcpy(first->name, operator, strlen(operator) + 1);
    first->role = BM_ROLE_OFFICER;
    site->operators.noperators = 1;
    return BM_OK;
}

static enum bm_rc
places_take(struct bm_founding *f, struct bm_call *call, struct bm_fail *fail)
{
    const char *store = bm_call_option(call, "store"), *key = bm_call_option(call, "operator-key"), *token = bm_call_option(call, "token");
    char unused[1024];

    if (store != NULL && strcmp(store, "sqlite") != 0)
        return bm_usage(call, fail, "--store must be sqlite");
    if (key != NULL && !bm_operator_uri(key) && access(key, R_OK) != 0)
        return bm_usage(call, fail,
                        "--operator-key must be pkcs11:..., tpm2:... or a file that is there; left out, a key is made in a file");
    f->operator_key = key;
    f->root_dir = bm_call_option(call, "root");
    if (token == NULL || strcmp(token, "file") == 0)
        return BM_OK;
    f->token = token;
    return bm_token_uri(call, unused, sizeof(unused), token, "birthmark-operational", fail);
}

/* ---- what was made ---- */

/* The signer's first start founds its journal, the registrar's its store; both must say that it is this site. */
static enum bm_rc
site_wake(struct bm_call *call, const struct bm_founding *f, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_JSON };
    bm_cleanup(bm_buf_done) struct bm_buf vkey = { .max = BM_NOTE_VKEY };
    bm_cleanup(bm_json_done) json_t *row = NULL;
    const char *said;
    enum bm_rc rc;

    if ((rc = bm_ask_open_home(&ask, call, f->dir, fail)) != BM_OK ||
        (rc = bm_ask(&ask, BM_C_SITE, bm_bytes(NULL, 0), bm_row_keep, &text, NULL, fail)) != BM_OK ||
        (rc = bm_json_parse(&row, bm_buf_bytes(&text), BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    bm_note_vkey_build(&vkey, &f->ledger);
    said = json_string_value(json_object_get(row, "vkey"));
    if (said == NULL || !bm_bytes_equal(bm_bytes_str(said), bm_buf_bytes(&vkey)))
        return bm_fail(fail, BM_EBUG, NULL, "the signer answers with another ledger key than it was given");
    return BM_OK;
}

static void
next_print(const struct bm_call *call, const struct bm_site *site, const char *root_dir, bool token)
{
    if (root_dir == NULL)
        (void)printf("\nTake %s/" BM_PLACE_CEREMONY " offline now: the root is in it. It signs other CAs, and nothing here needs it.\n"
                     "What was done stands in its transcript: `birthmark ca ceremony DIR --verify` checks that, anywhere.\n",
                     call->home);
    else
        (void)printf("\n%s has one entry more: this site's CAs. Take it offline again.\n", root_dir);
    if (site->test)
        (void)printf("This site is for TESTS: all its certificates say so, and no production site takes any.\n");
    if (!token)
        (void)printf("The CAs' keys are files in %s/signer: for production, `--token pkcs11:...` keeps them in a token.\n", call->home);
    (void)printf("%s/operators/%s.%s signs what you decide: keep it to yourself.\n"
                 "\nnext:\n"
                 "  birthmark vendor add NAME --signer KEY      whose chips to believe\n"
                 "  birthmark lot receive FILE --vendor NAME    a batch of them\n"
                 "  birthmark order open NAME --lot LOT --profile gateway-1 --quantity N && birthmark serve\n",
                 call->home, site->operators.operators[0].name, site->operators.operators[0].key.type == BM_NOTE_ECDSA ? "uri" : "key");
}

static enum bm_rc
result_print(const struct bm_call *call, const struct bm_founding *f, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf vkey = { .max = BM_NOTE_VKEY };
    bm_cleanup(bm_json_done) json_t *row = NULL;
    char root[2 * BM_HASH + 1], site[2 * BM_HASH + 1];
    uint8_t hash[BM_HASH];
    enum bm_rc rc;

    bm_hex(root, bm_bytes(f->root, BM_HASH));
    bm_sha256(hash, bm_bytes(f->ledger.key, BM_NOTE_KEY));
    bm_hex(site, bm_bytes(hash, BM_HASH));
    bm_note_vkey_build(&vkey, &f->ledger);
    row = json_pack("{s:s, s:s, s:s, s:s, s:s%, s:s, s:s, s:s}", "name", f->site->name, "url", f->site->url, "home", call->home, "site",
                    site, "vkey", (const char *)vkey.p, vkey.n, "root", root, "operator", f->site->operators.operators[0].name, "keys",
                    f->token != NULL ? "token" : "file");
    if ((rc = bm_json_check(row, fail)) != BM_OK || (rc = bm_object_print(call, row, fail)) != BM_OK)
        return rc;
    if (!call->json)
        next_print(call, f->site, f->root_dir, f->token != NULL);
    return BM_OK;
}

static enum bm_rc
run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(building_done) struct building b = { .founding = { .site = calloc(1, sizeof(struct bm_site)) } };
    enum bm_rc rc;

    if (b.founding.site == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for a site");
    if ((rc = bm_home_name(call, fail)) != BM_OK || (rc = site_take(b.founding.site, call, fail)) != BM_OK ||
        (rc = places_take(&b.founding, call, fail)) != BM_OK || (rc = home_free_check(call->home, fail)) != BM_OK ||
        (rc = bm_env_system.now(bm_env_system.ctx, &b.founding.now, fail)) != BM_OK || (rc = dir_name(&b, call->home, fail)) != BM_OK)
        return rc;
    b.founding.dir = b.dir;
    (void)umask(022);
    if ((rc = bm_founding_make(&b.founding, call, fail)) != BM_OK || (rc = site_wake(call, &b.founding, fail)) != BM_OK ||
        (b.founding.root_dir != NULL && (rc = bm_ceremony_commit(b.founding.ceremony, fail)) != BM_OK) ||
        (rc = home_rename(&b, call->home, fail)) != BM_OK)
        return rc;
    return result_print(call, &b.founding, fail);
}

const struct bm_verb bm_verb_init = {
    .words = "init",
    .arguments = "",
    .purpose = "Make a site: its CAs, its signer, its ledger, and you as the first operator.",
    .help = "All of it or nothing, in the directory that --home or BIRTHMARK_HOME names (new or empty). The root is made in\n"
            "HOME/ceremony, which is needed no more after it: take it offline. With --root DIR a root of `birthmark ca ceremony` signs,\n"
            "and its key never comes here. With --token the issuing CAs' keys are made in that PKCS#11 token and never leave it.\n"
            "With --test every certificate bears a mark, and no production site takes any of them.\n\n"
            "example: birthmark init --home ~/works --name \"Example Works\" --url https://line1.example:8443\n"
            "         birthmark init --home ~/works --name \"Example Works\" --token \"pkcs11:token=ca?pin-source=/etc/birthmark/pin\"\n",
    .options = { { .name = "name", .value = "NAME", .help = "the organization, as it will stand in every certificate", .needed = true },
                 { .name = "url", .value = "URL", .help = "https://HOST:PORT, as devices will reach the server" },
                 { .name = "root", .value = "DIR", .help = "a root that was made before, by `birthmark ca ceremony DIR`" },
                 { .name = "test", .help = "for tests: marked so in every certificate" },
                 { .name = "token", .value = "URI", .help = "pkcs11:token=...?pin-source=/FILE, or file (the default)" },
                 { .name = "operator", .value = "NAME", .help = "the first operator, with the role officer; default: admin" },
                 { .name = "operator-key",
                   .value = "URI",
                   .help = "the first operator's key: pkcs11:..., tpm2:..., or a file of an Ed25519 key, which is copied" },
                 { .name = "store", .value = "KIND", .help = "sqlite (the default)" } },
    .run = run,
};
