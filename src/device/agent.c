/* agent.c - birthmark-agent(1): the device's command over libbirthmark. */
#include "birthmark.h"

#include "base/env.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

struct options {
    const char *root, *server, *service, *profile, *ca_file, *key_file, *cert_file;
    bool json, new_key, help;
};

static const char help_all[] = "birthmark-agent - this device's identities\n"
                               "\n"
                               "  birthmark-agent enrol --root URI --server URL --service NAME   get an identity for a service\n"
                               "  birthmark-agent status --root URI                              what this device's root of trust is\n"
                               "  birthmark-agent identity list --root URI                       the identities it holds\n"
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
    "  --json           tell about it in JSON\n"
    "\n"
    "A key is made in the hardware, the root key speaks for it, and the certificate is stored beside it.\n"
    "Safe to repeat: the same key gets the same certificate.\n"
    "\n"
    "  birthmark-agent enrol --root tpm2: --server https://line1:8443 --service mqtt --cacert root.pem\n";

static const char help_status[] = "birthmark-agent status - what this device's root of trust is\n"
                                  "\n"
                                  "  --root URI       tpm2:, pkcs11:..., puf:..., soft:KEY.pem\n"
                                  "  --json           in JSON: root, model, id, keys, identities, dice\n"
                                  "\n"
                                  "  birthmark-agent status --root tpm2:\n";

static const char help_identity[] =
    "birthmark-agent identity list - the identities that this device holds\n"
    "\n"
    "  --root URI         tpm2:, pkcs11:..., puf:..., soft:KEY.pem\n"
    "  --json             a list: service, subject, issuer, serial, key, not_before, not_after\n"
    "  --service NAME     this one only\n"
    "  --key-file FILE    write a key file that names its key, for programs that can only read one\n"
    "  --cert-file FILE   write its certificates, leaf first\n"
    "\n"
    "A key file holds no key: the hardware keeps it. nginx, curl, mosquitto and other programs with OpenSSL 3 use it\n"
    "when OPENSSL_CONF loads the provider birthmark:\n"
    "\n"
    "  birthmark-agent identity list --root tpm2: --service mqtt --key-file mqtt.key --cert-file mqtt.crt\n"
    "  export OPENSSL_CONF=" BM_DATADIR "/openssl.cnf\n"
    "  curl --key mqtt.key --cert mqtt.crt --cacert root.pem https://line1.example/\n";

/* One line on stderr; the class gives the word before it. */
static int
refuse(const struct birthmark *bm, enum birthmark_result rc)
{
    (void)fprintf(stderr, "%s: %s\n", rc == BIRTHMARK_REFUSED ? "refused" : "birthmark-agent", birthmark_error(bm));
    return (int)rc;
}

static int
usage(const char *what, const char *name)
{
    (void)fprintf(stderr, "birthmark-agent: %s%s; see birthmark-agent --help\n", what, name);
    return BIRTHMARK_USAGE;
}

static json_t *
identity_json(const struct birthmark_identity *identity)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "service", identity->service, "subject", identity->subject, "issuer",
                     identity->issuer, "serial", identity->serial, "key", identity->key, "not_before", (json_int_t)identity->not_before,
                     "not_after", (json_int_t)identity->not_after);
}

static int
json_show(json_t *json)
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

    if (options->server == NULL || options->service == NULL || options->ca_file == NULL)
        return usage("enrol wants ", options->server == NULL    ? "--server URL"
                                     : options->service == NULL ? "--service NAME"
                                                                : "--cacert FILE, the site's root.pem");
    rc = birthmark_enrol(bm, options->server, options->service, options->profile, options->ca_file,
                         options->new_key ? BIRTHMARK_NEW_KEY : 0);
    if (rc != BIRTHMARK_OK)
        return refuse(bm, rc);
    (void)snprintf(warning, sizeof(warning), "%s", birthmark_warning(bm));
    if (*warning != '\0')
        (void)fprintf(stderr, "warning: %s\n", warning);
    if ((rc = birthmark_identities(bm, enrolled_show, &show)) != BIRTHMARK_OK) {
        json_decref(show.list);
        return refuse(bm, rc);
    }
    if (!options->json) {
        json_decref(show.list);
        return BIRTHMARK_OK;
    }
    if (show.list != NULL && json_object_set_new(show.list, "confirmed", json_boolean(*warning == '\0')) != 0)
        return BIRTHMARK_AWAY;
    return json_show(show.list);
}

/* ---- status ---- */

/* NULL where there is none, which is no member. */
static json_t *
dice_json(const struct birthmark_status *is)
{
    if (*is->device_id == '\0')
        return NULL;
    return json_pack("{s:s, s:s, s:s, s:s}", "device_id", is->device_id, "first_code", is->first_code, "alias", is->alias, "code",
                     is->code);
}

static int
status(struct birthmark *bm, const struct options *options)
{
    struct birthmark_status is;
    enum birthmark_result rc = birthmark_status(bm, &is);
    json_t *keys;

    if (rc != BIRTHMARK_OK)
        return refuse(bm, rc);
    if (!options->json) {
        (void)printf("root        %s%s%s%s\nid          %s\nroot keys   %s\nidentities  %zu\n", is.root, *is.model == '\0' ? "" : " (",
                     is.model, *is.model == '\0' ? "" : ")", *is.id == '\0' ? "-" : is.id, is.keys, is.identities);
        if (*is.device_id != '\0')
            (void)printf("DeviceID    %s on first code %s\nAlias       %s on code %s\n", is.device_id, is.first_code, is.alias, is.code);
        return BIRTHMARK_OK;
    }
    keys = json_array();
    for (const char *at = is.keys; *at != '\0'; at += strspn(at, " ")) {
        size_t n = strcspn(at, " ");

        (void)json_array_append_new(keys, json_stringn(at, n));
        at += n;
    }
    return json_show(json_pack("{s:s, s:s, s:s, s:o, s:I, s:o*}", "root", is.root, "model", is.model, "id", is.id, "keys", keys,
                               "identities", (json_int_t)is.identities, "dice", dice_json(&is)));
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
    if (!show->options->json)
        (void)printf("%-16s %-10.10s %-40s %s\n", identity->service, until, identity->serial, identity->subject);
    show->count++;
}

static enum birthmark_result
identity_files(struct birthmark *bm, const struct options *options)
{
    enum birthmark_result rc = BIRTHMARK_OK;

    if (options->cert_file != NULL)
        rc = birthmark_cert_file(bm, options->service, options->cert_file);
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
        return usage("a key file or a certificate file wants ", "--service NAME");
    if ((rc = identity_files(bm, options)) != BIRTHMARK_OK)
        return refuse(bm, rc);
    show.list = json_array();
    rc = birthmark_identities(bm, identity_show, &show);
    if (rc != BIRTHMARK_OK || !options->json) {
        json_decref(show.list);
        if (rc == BIRTHMARK_OK && show.count == 0)
            (void)puts("no identities yet; birthmark-agent enrol --help");
        return rc == BIRTHMARK_OK ? (int)BIRTHMARK_OK : refuse(bm, rc);
    }
    return json_show(show.list);
}

static const struct verb {
    const char *word, *second; /* second: NULL or the word that follows */
    const char *help;
    int (*run)(struct birthmark *bm, const struct options *options);
} verbs[] = {
    { "enrol", NULL, help_enrol, enrol },
    { "status", NULL, help_status, status },
    { "identity", "list", help_identity, identity_list },
};

/* True when every option was understood; else the complaint is out. */
static bool
options_parse(struct options *ret, int argc, char **argv)
{
    static const struct option known[] = {
        { "root", required_argument, NULL, 'r' },
        { "server", required_argument, NULL, 's' },
        { "service", required_argument, NULL, 'n' },
        { "profile", required_argument, NULL, 'p' },
        { "cacert", required_argument, NULL, 'c' },
        { "key-file", required_argument, NULL, 'K' },
        { "cert-file", required_argument, NULL, 'C' },
        { "json", no_argument, NULL, 'j' },
        { "new-key", no_argument, NULL, 'k' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int c;

    opterr = 0;
    while ((c = getopt_long(argc, argv, "+:h", known, NULL)) != -1) {
        switch (c) {
        case 'r':
            ret->root = optarg;
            break;
        case 's':
            ret->server = optarg;
            break;
        case 'n':
            ret->service = optarg;
            break;
        case 'p':
            ret->profile = optarg;
            break;
        case 'c':
            ret->ca_file = optarg;
            break;
        case 'K':
            ret->key_file = optarg;
            break;
        case 'C':
            ret->cert_file = optarg;
            break;
        case 'j':
            ret->json = true;
            break;
        case 'k':
            ret->new_key = true;
            break;
        case 'h':
            ret->help = true;
            break;
        case ':':
            (void)usage("a value is missing after ", argv[optind - 1]);
            return false;
        default:
            (void)usage("there is no option ", argv[optind - 1]);
            return false;
        }
    }
    if (optind < argc)
        (void)usage("what is meant by ", argv[optind]);
    return optind == argc;
}

static int
verb_run(const struct verb *verb, const struct options *options)
{
    struct birthmark *bm = birthmark_new();
    enum birthmark_result rc;
    int code;

    if (options->root == NULL) {
        birthmark_free(bm);
        return usage(verb->word, " wants --root URI");
    }
    rc = birthmark_open(bm, options->root);
    code = rc == BIRTHMARK_OK ? verb->run(bm, options) : refuse(bm, rc);
    birthmark_free(bm);
    if (fflush(stdout) == 0)
        return code;
    (void)fprintf(stderr, "birthmark-agent: the output cannot be written: %s\n", strerrordesc_np(errno));
    return BIRTHMARK_AWAY;
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
        return usage("say what to do", "");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        return fputs(help_all, stdout) == EOF ? BIRTHMARK_AWAY : BIRTHMARK_OK;
    if (strcmp(argv[1], "--version") == 0)
        return puts("birthmark-agent " BM_VERSION) == EOF ? BIRTHMARK_AWAY : BIRTHMARK_OK;
    for (size_t i = 0; i < BM_COUNT(verbs); i++) {
        int words = 1;

        if (strcmp(argv[1], verbs[i].word) != 0)
            continue;
        if (verbs[i].second != NULL && argc > 2 && strcmp(argv[2], verbs[i].second) == 0)
            words = 2;
        if (!options_parse(&options, argc - words, argv + words))
            return BIRTHMARK_USAGE;
        if (options.help)
            return fputs(verbs[i].help, stdout) == EOF ? BIRTHMARK_AWAY : BIRTHMARK_OK;
        if (verbs[i].second != NULL && words == 1)
            return usage("identity wants the word ", verbs[i].second);
        return verb_run(&verbs[i], &options);
    }
    return usage("there is no verb ", argv[1]);
}
