/* agent_link.c - birthmark-agent link: a factory's station drives this device over standard input and output. */
#include "device/agent_link.h"

#include "wire/text.h"

#include <openssl/evp.h>

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

const char bm_agent_help_link[] =
    "birthmark-agent link - a factory's station gives this device its identity over a line\n"
    "\n"
    "  --stdio          the line is standard input and output; nothing but its messages is printed there\n"
    "  --root URI       where this device's root key is: tpm2:, pkcs11:..., puf:..., soft:KEY.pem\n"
    "  --cacert FILE    the site's root certificate (root.pem); the new certificate, the server and the station are checked against it\n"
    "  --server URL     the site's server, where the station shall not say which\n"
    "  --pcrs LIST, --update-key FILE   bind new keys to the boot state, as enrol does\n"
    "\n"
    "The device needs no network: its requests go through the station, which is trusted with nothing. Ends when the station says bye,\n"
    "or with a sentence on standard error: 1 when the station breaks the rules of the line, 3 when the line ends or falls silent.\n"
    "\n"
    "  birthmark station run --order boards-7 --link 'exec:ssh root@board birthmark-agent link --stdio --root tpm2: --cacert root.pem'\n";

static void
answer(struct station *station, json_t *json)
{
    if (station->fail.rc == BM_OK)
        station->fail.rc = bm_link_send(&station->link, json, &station->fail);
    else
        json_decref(json);
}

static void
refuse(struct station *station, enum birthmark_result rc, const char *why)
{
    answer(station, json_pack("{s:s, s:s, s:s}", "say", "refused", "class", rc == BIRTHMARK_AWAY ? "away" : "refused", "why",
                              *why == '\0' ? "no memory" : why));
}

/* ---- commands ---- */

static void
status_say(struct station *station)
{
    struct birthmark_status status;
    enum birthmark_result rc = birthmark_status(station->bm, &status);

    if (rc != BIRTHMARK_OK)
        refuse(station, rc, birthmark_error(station->bm));
    else
        answer(station, json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:I}", "say", "device", "link", BM_LINK_VERSION, "agent", BM_VERSION,
                                  "root", status.root, "id", status.id, "model", status.model, "keys", status.keys, "identities",
                                  (json_int_t)status.identities));
}

static void
device(struct station *station, const struct bm_link_message *command)
{
    if (command->say == BM_LINK_HELLO && bm_link_number(command, "link") != BM_LINK_VERSION)
        refuse(station, BIRTHMARK_REFUSED, "this agent speaks version 1 of the link: use a station that does, or another agent");
    else
        status_say(station);
}

static void
enrol(struct station *station, const struct bm_link_message *command)
{
    const char *service = bm_link_text(command, "service"), *own = station->options->server, *warning;
    enum birthmark_result rc;
    json_t *json;

    rc = birthmark_enrol(station->bm, own != NULL ? own : bm_link_text(command, "server"), service, bm_link_text(command, "profile"),
                         station->options->ca_file, bm_link_true(command, "new_key") ? BIRTHMARK_NEW_KEY : 0);
    if (rc != BIRTHMARK_OK) {
        refuse(station, rc, birthmark_error(station->bm));
        return;
    }
    warning = birthmark_warning(station->bm);
    json = json_pack("{s:s, s:s}", "say", "enrolled", "service", service);
    if (json != NULL && *warning != '\0' && json_object_set_new(json, "warning", json_string(warning)) != 0) {
        json_decref(json);
        json = NULL;
    }
    answer(station, json);
}

struct wanted {
    const char *service;
    json_t *json;
};

static void
identity_take(void *ctx, const struct birthmark_identity *identity)
{
    struct wanted *wanted = ctx;
    unsigned char digest[BM_HASH];
    char fingerprint[2 * BM_HASH + 1];

    if (strcmp(identity->service, wanted->service) != 0 || wanted->json != NULL || identity->broken != NULL ||
        EVP_Digest(identity->certificate, identity->ncertificate, digest, NULL, EVP_sha256(), NULL) != 1)
        return;
    bm_hex(fingerprint, bm_bytes(digest, sizeof(digest)));
    wanted->json = json_pack("{s:s, s:s, s:o, s:s, s:s, s:s}", "say", "identity", "service", identity->service, "certificate",
                             bm_link_b64(bm_bytes(identity->certificate, identity->ncertificate)), "fingerprint", fingerprint, "key",
                             identity->key, "serial", identity->serial);
}

/* What the hardware gives back now, not what was sent to it. */
static void
read_back(struct station *station, const struct bm_link_message *command)
{
    struct wanted wanted = { bm_link_text(command, "service"), NULL };
    enum birthmark_result rc = birthmark_identities(station->bm, identity_take, &wanted);

    if (rc == BIRTHMARK_OK && wanted.json != NULL) {
        answer(station, wanted.json);
        return;
    }
    json_decref(wanted.json);
    refuse(station, rc == BIRTHMARK_OK ? BIRTHMARK_REFUSED : rc,
           rc == BIRTHMARK_OK ? "this device has no identity for that service: enrol it first" : birthmark_error(station->bm));
}

static void
prove(struct station *station, const struct bm_link_message *command)
{
    const char *service = bm_link_text(command, "service");
    char why[400] = "";
    enum birthmark_result rc = bm_agent_prove(station, service, why);

    if (rc == BIRTHMARK_OK)
        answer(station, json_pack("{s:s, s:s}", "say", "proven", "service", service));
    else
        refuse(station, rc, why);
}

static void
bye(struct station *station, const struct bm_link_message *command)
{
    (void)command;
    answer(station, json_pack("{s:s}", "say", "bye"));
}

static void (*const commands[BM_LINK__N])(struct station *station, const struct bm_link_message *command) = {
    [BM_LINK_HELLO] = device,   [BM_LINK_STATUS] = device, [BM_LINK_ENROL] = enrol,
    [BM_LINK_READ] = read_back, [BM_LINK_PROVE] = prove,   [BM_LINK_BYE] = bye,
};

/* ---- the line ---- */

/* Nothing but hello or bye is answered before both speak the same version. */
static void
serve(struct station *station)
{
    unsigned allowed = BM_LINK_BIT(BM_LINK_HELLO) | BM_LINK_BIT(BM_LINK_BYE);

    for (bool over = false; !over && station->fail.rc == BM_OK;) {
        bm_cleanup(bm_link_message_done) struct bm_link_message command = { 0 };

        if (bm_link_next(&station->link, allowed, 0, &command, &station->fail) != BM_OK)
            return;
        if (command.say == BM_LINK_HELLO && bm_link_number(&command, "link") == BM_LINK_VERSION)
            allowed = BM_LINK_COMMANDS;
        over = command.say == BM_LINK_BYE;
        commands[command.say](station, &command);
    }
}

/* The last word to a station that broke the rules; then the line is closed. */
static int
end(struct station *station)
{
    struct bm_fail why = station->fail;

    if (why.rc == BM_OK)
        return BIRTHMARK_OK;
    if (why.rc == BM_EINPUT) {
        station->fail = (struct bm_fail){ 0 };
        refuse(station, BIRTHMARK_REFUSED, why.text);
    }
    (void)fprintf(stderr, "%s: %s\n", why.rc == BM_EINPUT ? "refused" : "birthmark-agent", why.text);
    return bm_rc_exit(why.rc);
}

int
bm_agent_link(struct birthmark *bm, const struct options *options)
{
    struct station station = { .bm = bm, .options = options };
    int out, code;

    if (!options->stdio || options->ca_file == NULL)
        return bm_agent_usage("link wants ", !options->stdio ? "--stdio" : "--cacert FILE, the site's root.pem");
    if ((code = bm_agent_bind(bm, options)) != BIRTHMARK_OK)
        return code;
    /* what a library prints goes where it does no harm */
    if (sigaction(SIGPIPE, &(const struct sigaction){ .sa_handler = SIG_IGN }, NULL) == -1 || (out = dup(STDOUT_FILENO)) == -1 ||
        dup2(STDERR_FILENO, STDOUT_FILENO) == -1)
        return bm_agent_usage("link has no standard output", "");
    station.link = bm_link(STDIN_FILENO, out);
    bm_agent_carry(&station);
    if (birthmark_carry(bm, &station.carrier) != BIRTHMARK_OK)
        return bm_agent_refuse(bm, BIRTHMARK_AWAY);
    serve(&station);
    code = end(&station);
    bm_link_done(&station.link);
    (void)close(out);
    return code;
}
