/* agent.c - birthmark-agent(1): the device's command over libbirthmark. */
#include "device/agent.h"

#include "base/env.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

static const char help_all[] = "birthmark-agent - this device's identities\n"
                               "\n"
                               "  birthmark-agent enrol --root URI --server URL --service NAME   get an identity for a service\n"
                               "  birthmark-agent renew                                          renew those whose time has come\n"
                               "  birthmark-agent csr --service NAME ...                         a request for any EST client to send\n"
                               "  birthmark-agent status --root URI                              what this device's root of trust is\n"
                               "  birthmark-agent identity list --root URI                       the identities it holds\n"
                               "  birthmark-agent identity retire --root URI --service NAME      destroy one of them\n"
                               "  birthmark-agent seal NAME --root URI <FILE                     seal data to this device\n"
                               "  birthmark-agent unseal NAME --root URI >FILE                   get it back\n"
                               "  birthmark-agent sealed list|remove NAME --root URI             what is sealed\n"
                               "  birthmark-agent boot show|permit FILE --root URI               what booted; permit other firmware\n"
                               "  birthmark-agent reset --factory --root URI                     destroy all of it but the root key\n"
                               "  birthmark-agent link --stdio --root URI                        a factory's station drives this device\n"
                               "\n"
                               "Root URIs:\n"
                               "  tpm2:                          this machine's TPM 2.0\n"
                               "  tpm2:swtpm:port=2321           a virtual TPM\n"
                               "  pkcs11:token=NAME;object=ROOT?pin-source=FILE    a secure element (RFC 7512)\n"
                               "  puf:sim:SEED:HELPERFILE        a simulated SRAM PUF\n"
                               "  soft:KEY.pem                   keys in files: for development only\n"
                               "\n"
                               "Each verb takes --json, and --help with an example.\n"
                               "Exit: 0 done, 1 refused, 2 used wrongly, 3 server away or token locked (try again later).\n"
                               "Environment: BIRTHMARK_ROOT, BIRTHMARK_SERVER, BIRTHMARK_CACERT stand for --root, --server, --cacert.\n";

static const char help_enrol[] =
    "birthmark-agent enrol - get an identity for a service\n"
    "\n"
    "  --root URI       where this device's root key is: tpm2:, pkcs11:..., puf:..., soft:KEY.pem\n"
    "  --server URL     the site's server: https://HOST:PORT\n"
    "  --service NAME   the name under which the device will hold the identity\n"
    "  --cacert FILE    the site's root certificate (root.pem); the server and the new certificate are checked against it\n"
    "  --profile NAME   which kind of certificate, where the order allows more than one\n"
    "  --new-key        make a new key where there is an identity already (after an operator allowed it)\n"
    "  --pcrs LIST      a TPM: bind the new key to what these PCRs hold now, as 0,2,7: other firmware cannot use it\n"
    "  --update-key FILE   PEM, P-256: boot permits that this key signs carry the new key over updates of the firmware\n"
    "  --json           tell about it in JSON\n"
    "\n"
    "A key is made in the hardware, the root key speaks for it, and the certificate is stored beside it.\n"
    "Safe to repeat: the same key gets the same certificate.\n"
    "\n"
    "  birthmark-agent enrol --root tpm2: --server https://line1:8443 --service mqtt --cacert root.pem\n";

static const char help_identity[] =
    "birthmark-agent identity list - the identities that this device holds\n"
    "\n"
    "  --root URI         tpm2:, pkcs11:..., puf:..., soft:KEY.pem\n"
    "  --json             a list: service, subject, issuer, serial, key, not_before, not_after, renew_from\n"
    "  --service NAME     this one only\n"
    "  --key-file FILE    write a key file that names its key, for programs that can only read one\n"
    "  --cert-file FILE   write its certificates, leaf first; renew writes them again when they are new\n"
    "\n"
    "A key file holds no key: the hardware keeps it. nginx, curl, mosquitto and other programs with OpenSSL 3 use it\n"
    "when OPENSSL_CONF loads the provider birthmark:\n"
    "\n"
    "  birthmark-agent identity list --root tpm2: --service mqtt --key-file mqtt.key --cert-file mqtt.crt\n"
    "  export OPENSSL_CONF=" BM_DATADIR "/openssl.cnf\n"
    "  curl --key mqtt.key --cert mqtt.crt --cacert root.pem https://line1.example/\n";

/* One line on stderr; the class gives the word before it. */
int
bm_agent_refuse(const struct birthmark *bm, enum birthmark_result rc)
{
    (void)fprintf(stderr, "%s: %s\n", rc == BIRTHMARK_REFUSED ? "refused" : "birthmark-agent", birthmark_error(bm));
    return (int)rc;
}

int
bm_agent_usage(const char *what, const char *name)
{
    (void)fprintf(stderr, "birthmark-agent: %s%s; see birthmark-agent --help\n", what, name);
    return BIRTHMARK_USAGE;
}

static json_t *
identity_json(const struct birthmark_identity *identity)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s*}", "service", identity->service, "subject", identity->subject, "issuer",
                     identity->issuer, "serial", identity->serial, "key", identity->key, "not_before", (json_int_t)identity->not_before,
                     "not_after", (json_int_t)identity->not_after, "renew_from", (json_int_t)identity->renew_from, "broken",
                     identity->broken);
}

int
bm_agent_json(json_t *json)
{
    int bad = json == NULL || json_dumpf(json, stdout, JSON_INDENT(2)) != 0 || putchar('\n') == EOF;

    json_decref(json);
    return bad ? (int)BIRTHMARK_AWAY : (int)BIRTHMARK_OK;
}

/* ---- enrol ---- */

struct show {
    const struct options *options;
    json_t *list;
    unsigned count;
};

static void
enrolled_show(void *ctx, const struct birthmark_identity *identity)
{
    struct show *show = ctx;
    char until[BM_TIME_TEXT];

    if (strcmp(identity->service, show->options->service) != 0)
        return;
    show->list = identity_json(identity);
    bm_time_print(until, identity->not_after);
    if (!show->options->json)
        (void)printf("enrolled: %s as %s, serial %s, until %.10s\n", identity->service, identity->subject, identity->serial, until);
}

static int
enrol(struct birthmark *bm, const struct options *options)
{
    struct show show = { .options = options };
    enum birthmark_result rc;
    char warning[400];
    int code;

    if (options->server == NULL || options->service == NULL || options->ca_file == NULL)
        return bm_agent_usage("enrol wants ", options->server == NULL    ? "--server URL"
                                              : options->service == NULL ? "--service NAME"
                                                                         : "--cacert FILE, the site's root.pem");
    if ((code = bm_agent_bind(bm, options)) != BIRTHMARK_OK)
        return code;
    rc = birthmark_enrol(bm, options->server, options->service, options->profile, options->ca_file,
                         options->new_key ? BIRTHMARK_NEW_KEY : 0);
    if (rc != BIRTHMARK_OK)
        return bm_agent_refuse(bm, rc);
    (void)snprintf(warning, sizeof(warning), "%s", birthmark_warning(bm));
    if (*warning != '\0')
        (void)fprintf(stderr, "warning: %s\n", warning);
    bm_agent_remember(bm, options);
    if ((rc = birthmark_identities(bm, enrolled_show, &show)) != BIRTHMARK_OK) {
        json_decref(show.list);
        return bm_agent_refuse(bm, rc);
    }
    if (!options->json) {
        json_decref(show.list);
        return BIRTHMARK_OK;
    }
    if (show.list != NULL && json_object_set_new(show.list, "confirmed", json_boolean(*warning == '\0')) != 0)
        return BIRTHMARK_AWAY;
    return bm_agent_json(show.list);
}

/* ---- identity list ---- */

static void
identity_show(void *ctx, const struct birthmark_identity *identity)
{
    struct show *show = ctx;
    char until[BM_TIME_TEXT];

    if (show->options->service != NULL && strcmp(identity->service, show->options->service) != 0)
        return;
    bm_time_print(until, identity->not_after);
    if (show->options->json)
        (void)json_array_append_new(show->list, identity_json(identity));
    else if (show->count == 0)
        (void)printf("%-16s %-10s %-40s %s\n", "SERVICE", "UNTIL", "SERIAL", "SUBJECT");
    if (!show->options->json && identity->broken != NULL)
        (void)printf("%-16s broken: %s\n", identity->service, identity->broken);
    else if (!show->options->json)
        (void)printf("%-16s %-10.10s %-40s %s\n", identity->service, until, identity->serial, identity->subject);
    show->count++;
}

static enum birthmark_result
identity_files(struct birthmark *bm, const struct options *options)
{
    enum birthmark_result rc = BIRTHMARK_OK;

    if (options->cert_file != NULL && (rc = birthmark_cert_file(bm, options->service, options->cert_file)) == BIRTHMARK_OK)
        bm_agent_remember_file(options);
    if (rc == BIRTHMARK_OK && options->key_file != NULL)
        rc = birthmark_key_file(bm, options->service, options->key_file);
    return rc;
}

static int
identity_list(struct birthmark *bm, const struct options *options)
{
    struct show show = { .options = options };
    enum birthmark_result rc;

    if ((options->key_file != NULL || options->cert_file != NULL) && options->service == NULL)
        return bm_agent_usage("a key file or a certificate file wants ", "--service NAME");
    if ((rc = identity_files(bm, options)) != BIRTHMARK_OK)
        return bm_agent_refuse(bm, rc);
    show.list = json_array();
    rc = birthmark_identities(bm, identity_show, &show);
    if (rc != BIRTHMARK_OK || !options->json) {
        json_decref(show.list);
        if (rc == BIRTHMARK_OK && show.count == 0)
            (void)puts("no identities yet; birthmark-agent enrol --help");
        return rc == BIRTHMARK_OK ? (int)BIRTHMARK_OK : bm_agent_refuse(bm, rc);
    }
    return bm_agent_json(show.list);
}

static const struct verb {
    const char *word, *second; /* second: NULL or the word that follows */
    const char *takes;         /* what stands behind the words, without an option's name; NULL: nothing */
    const char *help;
    int (*run)(struct birthmark *bm, const struct options *options);
    bool opens; /* a root itself, or several: no --root is asked for, and none is open when it runs */
} verbs[] = {
    { "enrol", NULL, NULL, help_enrol, enrol, false },
    { "renew", NULL, NULL, bm_agent_help_renew, bm_agent_renew, true },
    { "csr", NULL, NULL, bm_agent_help_csr, bm_agent_csr, true },
    { "status", NULL, NULL, bm_agent_help_status, bm_agent_status, false },
    { "identity", "list", NULL, help_identity, identity_list, false },
    { "identity", "retire", NULL, bm_agent_help_retire, bm_agent_retire, false },
    { "seal", NULL, "NAME", bm_agent_help_seal, bm_agent_seal, false },
    { "unseal", NULL, "NAME", bm_agent_help_unseal, bm_agent_unseal, false },
    { "sealed", "list", NULL, bm_agent_help_sealed, bm_agent_sealed_list, false },
    { "sealed", "remove", "NAME", bm_agent_help_sealed, bm_agent_sealed_remove, false },
    { "boot", "show", NULL, bm_agent_help_boot, bm_agent_boot_show, false },
    { "boot", "permit", "FILE", bm_agent_help_boot, bm_agent_boot_permit, false },
    { "reset", NULL, NULL, bm_agent_help_reset, bm_agent_reset, false },
    { "link", NULL, NULL, bm_agent_help_link, bm_agent_link, false },
};

#define TEXT(field) required_argument, offsetof(struct options, field)
#define FLAG(field) no_argument, offsetof(struct options, field)
static const struct {
    const char *name;
    char letter; /* 0: none */
    int takes;
    size_t at; /* what it sets: a text, or a bool */
} known[] = {
    { "root", 0, TEXT(root) },
    { "server", 0, TEXT(server) },
    { "service", 0, TEXT(service) },
    { "profile", 0, TEXT(profile) },
    { "cacert", 0, TEXT(ca_file) },
    { "key-file", 0, TEXT(key_file) },
    { "cert-file", 0, TEXT(cert_file) },
    { "pcrs", 0, TEXT(pcrs) },
    { "update-key", 0, TEXT(update_key) },
    { "out", 'o', TEXT(out) },
    { "factory", 0, FLAG(factory) },
    { "stdio", 0, FLAG(stdio) },
    { "all", 0, FLAG(all) },
    { "force", 0, FLAG(force) },
    { "yes", 0, FLAG(yes) },
    { "json", 0, FLAG(json) },
    { "new-key", 0, FLAG(new_key) },
    { "help", 'h', FLAG(help) },
};
#undef TEXT
#undef FLAG
#define NO_LETTER 256 /* and above: an option's place in the table */

static bool
option_set(struct options *ret, int c)
{
    for (size_t i = 0; i < BM_COUNT(known); i++) {
        char *field = (char *)ret + known[i].at;

        if (c != (known[i].letter != 0 ? known[i].letter : NO_LETTER + (int)i))
            continue;
        if (known[i].takes == required_argument)
            memcpy(field, &optarg, sizeof(optarg));
        else
            *(bool *)field = true;
        return true;
    }
    return false;
}

/* True when every option was understood; else the complaint is out. */
static bool
options_parse(struct options *ret, const char *takes, int argc, char **argv)
{
    struct option list[BM_COUNT(known) + 1] = { { .name = NULL } };
    int c;

    for (size_t i = 0; i < BM_COUNT(known); i++)
        list[i] = (struct option){ .name = known[i].name,
                                   .has_arg = known[i].takes,
                                   .val = known[i].letter != 0 ? known[i].letter : NO_LETTER + (int)i };
    if (takes != NULL && argc > 1 && argv[1][0] != '-') { /* before the options, or behind them */
        ret->name = argv[1];
        argc--;
        argv++;
    }
    opterr = 0;
    while ((c = getopt_long(argc, argv, "+:ho:", list, NULL)) != -1)
        if (!option_set(ret, c)) {
            (void)bm_agent_usage(c == ':' ? "a value is missing after " : "there is no option ", argv[optind - 1]);
            return false;
        }
    if (takes != NULL && ret->name == NULL && optind < argc)
        ret->name = argv[optind++];
    if (optind < argc)
        (void)bm_agent_usage("what is meant by ", argv[optind]);
    return optind == argc;
}

static int
verb_run(const struct verb *verb, const struct options *options)
{
    struct birthmark *bm = verb->opens ? NULL : birthmark_new();
    enum birthmark_result rc = BIRTHMARK_OK;
    int code;

    if (options->root == NULL && bm != NULL) {
        birthmark_free(bm);
        return bm_agent_usage(verb->word, " wants --root URI");
    }
    if (bm != NULL)
        rc = birthmark_open(bm, options->root);
    code = rc == BIRTHMARK_OK ? verb->run(bm, options) : bm_agent_refuse(bm, rc);
    birthmark_free(bm);
    if (fflush(stdout) == 0)
        return code;
    (void)fprintf(stderr, "birthmark-agent: the output cannot be written: %s\n", strerrordesc_np(errno));
    return BIRTHMARK_AWAY;
}

static int
verb_do(const struct verb *verb, struct options *options, int argc, char **argv)
{
    if (!options_parse(options, verb->takes, argc, argv))
        return BIRTHMARK_USAGE;
    if (options->help)
        return fputs(verb->help, stdout) == EOF ? BIRTHMARK_AWAY : BIRTHMARK_OK;
    if (verb->takes != NULL && options->name == NULL) {
        (void)fprintf(stderr, "birthmark-agent: %s%s%s wants %s; see birthmark-agent --help\n", verb->word, verb->second == NULL ? "" : " ",
                      verb->second == NULL ? "" : verb->second, verb->takes);
        return BIRTHMARK_USAGE;
    }
    return verb_run(verb, options);
}

/* Of verbs with a second word the first in the table speaks where it is missing. */
static int
verb_find(struct options *options, int argc, char **argv)
{
    const struct verb *group = NULL;
    char words[64] = "";

    for (size_t i = 0; i < BM_COUNT(verbs); i++) {
        if (strcmp(argv[1], verbs[i].word) != 0)
            continue;
        if (verbs[i].second == NULL)
            return verb_do(&verbs[i], options, argc - 1, argv + 1);
        if (argc > 2 && strcmp(argv[2], verbs[i].second) == 0)
            return verb_do(&verbs[i], options, argc - 2, argv + 2);
        (void)snprintf(words + strlen(words), sizeof(words) - strlen(words), "%s%s", group == NULL ? "" : " or ", verbs[i].second);
        group = group == NULL ? &verbs[i] : group;
    }
    if (group == NULL)
        return bm_agent_usage("there is no verb ", argv[1]);
    if (argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0))
        return fputs(group->help, stdout) == EOF ? BIRTHMARK_AWAY : BIRTHMARK_OK;
    (void)fprintf(stderr, "birthmark-agent: %s wants the word %s; see birthmark-agent --help\n", group->word, words);
    return BIRTHMARK_USAGE;
}

int
main(int argc, char **argv)
{
    struct options options = {
        .root = getenv("BIRTHMARK_ROOT"),
        .server = getenv("BIRTHMARK_SERVER"),
        .ca_file = getenv("BIRTHMARK_CACERT"),
    };

    (void)setenv("TSS2_LOG", "all+NONE", 0); /* the TPM library would print a line of its own beside our sentence */
    if (argc < 2)
        return bm_agent_usage("say what to do", "");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        return fputs(help_all, stdout) == EOF ? BIRTHMARK_AWAY : BIRTHMARK_OK;
    if (strcmp(argv[1], "--version") == 0)
        return puts("birthmark-agent " BM_VERSION) == EOF ? BIRTHMARK_AWAY : BIRTHMARK_OK;
    return verb_find(&options, argc, argv);
}
