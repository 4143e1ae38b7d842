/* operators.c - operator list, add, revoke: who may sign what. The whole list is one statement, signed by an officer. */
#include "base/env.h"
#include "base/file.h"
#include "base/secret.h"
#include "cli/operator.h"
#include "cli/operator_cert.h"
#include "cli/places.h"
#include "cli/roles.h"
#include "cli/verbs.h"
#include "pki/cert.h"

#include <unistd.h>

static enum bm_rc
list_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(bm_roles_free) struct bm_roles *roles = NULL;
    enum bm_rc rc;

    if ((rc = bm_ask_open(&ask, call, fail)) != BM_OK || (rc = bm_roles_read(&roles, &ask, fail)) != BM_OK)
        return rc;
    return bm_roles_print(call, roles, fail);
}

const struct bm_verb bm_verb_operator_list = {
    .words = "operator list",
    .arguments = "",
    .site = true,
    .purpose = "List the operators, and what each may do.",
    .help =
        "What the words of MAY mean, and which role has which: `birthmark operator roles`.\n"
        "The first one's key was pinned in the signer's journal at `birthmark init`. KEY HERE: the private key lies in HOME/operators.\n\n"
        "example: birthmark operator list\n",
    .run = list_run,
};

/* ---- changing it ---- */

/* A key of their own making: a vkey as `operator list` prints it, or a public key in PEM. */
static enum bm_rc
public_take(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_operator *person = ctx;
    struct bm_key key;
    enum bm_rc rc;

    if ((rc = bm_key_parse(&key, der, fail)) != BM_OK)
        return rc;
    if (key.alg == BM_KEY_P256)
        return bm_note_key_init_p256(&person->key, person->name, bm_key_spki(&key), fail);
    if (key.alg != BM_KEY_ED25519)
        return bm_fail(fail, BM_EINPUT, NULL,
                       "operators sign with Ed25519, or with P-256 in a token: `openssl genpkey -algorithm ed25519` makes a key");
    return bm_note_key_init(&person->key, person->name, key.spki + key.at_bits, fail);
}

static enum bm_rc
key_take(struct bm_operator *person, const char *word, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 4096 };
    struct bm_fail unused;
    enum bm_rc rc;

    if (strncmp(word, "file:", 5) == 0)
        word += 5;
    if (bm_note_vkey_parse(&person->key, bm_bytes_str(word), &unused) == BM_OK)
        return strcmp(person->key.name, person->name) == 0
                   ? BM_OK
                   : bm_fail(fail, BM_EINPUT, NULL, "this is the vkey of %.64s, not of %s", person->key.name, person->name);
    if ((rc = bm_file_read(&file, word, fail)) != BM_OK)
        return rc;
    if ((rc = bm_pem_parse(bm_buf_bytes(&file), "PUBLIC KEY", public_take, person, fail)) == BM_EINPUT)
        bm_fail_prefix(fail, "%.100s", word);
    return rc;
}

/* No key given: one is made here, and its file is there before anybody is told of it. */
static enum bm_rc
key_make(struct bm_operator *person, const char *path, struct bm_fail *fail)
{
    bm_cleanup(bm_note_signer_wipe) struct bm_note_signer signer = { .seed = { 0 } };
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 4096 };
    BM_SECRET(seed);
    enum bm_rc rc;

    if (access(path, F_OK) == 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "%.200s is there already: move it away, or give its public half with --key", path);
    if ((rc = bm_env_system.random(bm_env_system.ctx, seed.b, BM_NOTE_KEY, fail)) != BM_OK ||
        (rc = bm_note_signer_init(&signer, person->name, seed.b, fail)) != BM_OK)
        return rc;
    bm_note_signer_pem_build(&pem, &signer);
    person->key = signer.key;
    return (rc = bm_buf_check(&pem, "a key", fail)) != BM_OK ? rc : bm_file_write(path, bm_buf_bytes(&pem), 0600, fail);
}

static enum bm_rc
add_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(bm_roles_free) struct bm_roles *roles = NULL;
    const char *name = call->words.v[0], *key = bm_call_option(call, "key"), *role = bm_call_option(call, "role");
    struct bm_operator *person;
    struct bm_fail unused;
    char path[BM_PATH];
    bm_time now = 0;
    enum bm_rc rc;

    if ((rc = bm_call_name(call, "an operator's name", name, fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK ||
        (rc = bm_roles_read(&roles, &ask, fail)) != BM_OK ||
        (rc = bm_place_path(path, call->home, BM_PLACE_OPERATOR_KEY, name, fail)) != BM_OK)
        return rc;
    if (bm_roles_find(roles, name) != NULL)
        return bm_fail(fail, BM_EPOLICY, NULL, "there is an operator %s already: revoke that one first, or choose another name", name);
    if (roles->noperators == BM_MAX_OPERATORS)
        return bm_fail(fail, BM_EPOLICY, NULL, "a site has at most %d operators: revoke one", BM_MAX_OPERATORS);
    person = &roles->operators[roles->noperators++];
    *person = (struct bm_operator){ .role = BM_ROLE_OFFICER };
    (void)snprintf(person->name, sizeof(person->name), "%s", name);
    if (bm_role_parse(&person->role, bm_bytes_str(role), fail) != BM_OK)
        return bm_usage(call, fail, "--role: %s", fail->text);
    if (person->role == BM_ROLE_STATION)
        return bm_usage(call, fail, "a station is enrolled with the key of its own machine: see `birthmark station enrol --help`");
    if (key != NULL && bm_operator_uri(key))
        rc = bm_operator_key_make(&person->key, call, call->home, name, key, fail);
    else
        rc = key != NULL ? key_take(person, key, fail) : key_make(person, path, fail);
    if (rc != BM_OK)
        return rc;
    if ((rc = bm_roles_send(&ask, roles, false, fail)) != BM_OK) {
        if (key == NULL && call->proposal == 0 && (rc == BM_EINPUT || rc == BM_EPOLICY))
            (void)unlink(path);
        if (key != NULL && bm_operator_uri(key) && call->proposal == 0 && (rc == BM_EINPUT || rc == BM_EPOLICY))
            bm_operator_key_forget(call->home, name);
        return rc;
    }
    if ((rc = bm_env_system.now(bm_env_system.ctx, &now, fail)) != BM_OK)
        return rc;
    (void)!bm_operator_cert_make(call->home, &person->key, now,
                                 &unused); /* where that CA's key is offline: the list says that there is none */
    return bm_roles_print(call, roles, fail);
}

const struct bm_verb bm_verb_operator_add = {
    .words = "operator add",
    .arguments = "NAME",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Let one more person sign: an officer's signature over the whole new list.",
    .help =
        "Without --key a new key is made in HOME/operators/NAME.key: hand it over, or better let them make their own and give you the\n"
        "public half. With pkcs11: or tpm2: the key that the URI names in a smart card or TPM is taken, or a P-256 key is made there; it\n"
        "never leaves it. The PIN is in the file of pin-source=, never in the URI.\n\n"
        "example: birthmark operator add ben --role custodian --key ben.pub\n"
        "         birthmark operator add eva --role officer --key \"pkcs11:token=eva;object=sign?pin-source=/run/eva.pin\"\n",
    .options = { { .name = "role", .value = "R", .help = "officer, custodian, planner, operator or auditor", .needed = true },
                 { .name = "key",
                   .value = "KEY",
                   .help = "their vkey, a file with their public key, or where it is: pkcs11:..., tpm2:..." },
                 BM_OPTION_OPERATOR },
    .run = add_run,
};

static enum bm_rc
certify_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(bm_roles_free) struct bm_roles *roles = NULL;
    const struct bm_operator *person;
    bm_time now = 0;
    enum bm_rc rc;

    if ((rc = bm_ask_open(&ask, call, fail)) != BM_OK || (rc = bm_roles_read(&roles, &ask, fail)) != BM_OK)
        return rc;
    if ((person = bm_roles_find(roles, call->words.v[0])) == NULL)
        return bm_fail(fail, BM_EPOLICY, NULL, "there is no operator %.64s: see `birthmark operator list`", call->words.v[0]);
    if (person->role == BM_ROLE_STATION)
        return bm_fail(fail, BM_EPOLICY, NULL, "%.64s is a station, whose certificate `birthmark station enrol` renews", call->words.v[0]);
    if ((rc = bm_env_system.now(bm_env_system.ctx, &now, fail)) != BM_OK ||
        (rc = bm_operator_cert_make(call->home, &person->key, now, fail)) != BM_OK)
        return rc;
    return bm_roles_print(call, roles, fail);
}

const struct bm_verb bm_verb_operator_certify = {
    .words = "operator certify",
    .arguments = "NAME",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Give an operator of the list a certificate from the site's operator CA, for another 397 days.",
    .help =
        "`operator add` does it where one person's word is enough. It is in HOME/operators/NAME.pem; its key is the one that signs. It is\n"
        "good only while that key is on the list: whoever is revoked has neither any more.\n\n"
        "example: birthmark operator certify ben\n",
    .run = certify_run,
};

static enum bm_rc
revoke_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(bm_roles_free) struct bm_roles *roles = NULL;
    struct bm_operator *person;
    size_t behind;
    enum bm_rc rc;

    if ((rc = bm_ask_open(&ask, call, fail)) != BM_OK || (rc = bm_roles_read(&roles, &ask, fail)) != BM_OK)
        return rc;
    if ((person = bm_roles_find(roles, call->words.v[0])) == NULL)
        return bm_fail(fail, BM_EPOLICY, NULL, "there is no operator %.64s: see `birthmark operator list`", call->words.v[0]);
    behind = (size_t)(&roles->operators[roles->noperators--] - person) - 1;
    memmove(person, person + 1, behind * sizeof(*person));
    if (!bm_roles_officer(roles))
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "%.64s is the last officer, and nobody could change anything any more: add another one first", call->words.v[0]);
    if ((rc = bm_roles_send(&ask, roles, true, fail)) != BM_OK)
        return rc;
    bm_operator_cert_drop(call->home, call->words.v[0]);
    return bm_roles_print(call, roles, fail);
}

const struct bm_verb bm_verb_operator_revoke = {
    .words = "operator revoke",
    .arguments = "NAME",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Believe an operator's signature no more; what they signed before stays.",
    .help = "One officer must be left.\n\nexample: birthmark operator revoke ben\n",
    .options = { BM_OPTION_OPERATOR },
    .run = revoke_run,
};
