/* agent_status.c - the one screen: what this device is, what it can prove, what expires when, what is sealed, and what this boot may use of it. */
#include "device/agent.h"

#include <stdio.h>
#include <string.h>

const char bm_agent_help_status[] = "birthmark-agent status - what this device is, what it can prove, what expires when, what is sealed\n"
                                    "\n"
                                    "  --root URI       tpm2:, pkcs11:..., puf:..., soft:KEY.pem\n"
                                    "  --json           in JSON: root, model, id, keys, proves, identities, held, sealed, dice\n"
                                    "\n"
                                    "\"refused\" beside a name: the machine did not boot what it is bound to.\n"
                                    "\n"
                                    "  birthmark-agent status --root tpm2:\n";

static const char *
proof_of(const char *root)
{
    static const struct {
        const char *root, *proves;
    } proofs[] = {
        { "tpm", "its keys are in this TPM, which the endorsement key of a TPM in a lot vouches for" },
        { "secure-element", "its root key, listed in a lot, is in this element and asked for its identities" },
        { "puf", "its root key, listed in a lot, comes from this chip and asked for its identities" },
    };

    for (size_t i = 0; i < BM_COUNT(proofs); i++) {
        if (strcmp(proofs[i].root, root) == 0)
            return proofs[i].proves;
    }
    return "nothing about hardware: software keys, for development";
}

/* NULL where there is none, which is no member. */
static json_t *
dice_json(const struct birthmark_status *is)
{
    if (*is->device_id == '\0')
        return NULL;
    return json_pack("{s:s, s:s, s:s, s:s}", "device_id", is->device_id, "first_code", is->first_code, "alias", is->alias, "code",
                     is->code);
}

static json_t *
keys_json(const char *keys)
{
    json_t *list = json_array();

    for (const char *at = keys; *at != '\0'; at += strspn(at, " ")) {
        size_t n = strcspn(at, " ");

        (void)json_array_append_new(list, json_stringn(at, n));
        at += n;
    }
    return list;
}

static void
held_add(void *ctx, const struct birthmark_identity *identity)
{
    (void)json_array_append_new(ctx, json_pack("{s:s, s:s, s:I, s:I, s:s, s:b, s:s*}", "service", identity->service, "subject",
                                               identity->subject, "not_after", (json_int_t)identity->not_after, "renew_from",
                                               (json_int_t)identity->renew_from, "bound", identity->bound, "usable", identity->usable,
                                               "broken", identity->broken));
}

static void
sealed_add(void *ctx, const struct birthmark_sealed *sealed)
{
    (void)json_array_append_new(ctx, json_pack("{s:s, s:s, s:b}", "name", sealed->name, "bound", sealed->bound, "usable", sealed->usable));
}

static int
status_json(struct birthmark *bm, const struct birthmark_status *is)
{
    json_t *out =
        json_pack("{s:s, s:s, s:s, s:o, s:s, s:I, s:o*}", "root", is->root, "model", is->model, "id", is->id, "keys", keys_json(is->keys),
                  "proves", proof_of(is->root), "identities", (json_int_t)is->identities, "dice", dice_json(is));
    json_t *held = json_array(), *sealed = json_array();
    enum birthmark_result rc = birthmark_identities(bm, held_add, held);

    if (rc == BIRTHMARK_OK)
        rc = birthmark_sealed(bm, sealed_add, sealed);
    if (rc != BIRTHMARK_OK) {
        json_decref(out);
        json_decref(held);
        json_decref(sealed);
        return bm_agent_refuse(bm, rc);
    }
    if (json_object_set_new(out, "held", held) != 0 || json_object_set_new(out, "sealed", sealed) != 0)
        return BIRTHMARK_AWAY;
    return bm_agent_json(out);
}

static void
bound_show(const char *bound, int usable)
{
    if (*bound != '\0')
        (void)printf(", bound to PCRs %s%s", bound, usable ? "" : ": refused, this machine booted something else");
    (void)putchar('\n');
}

struct screen {
    bool clock; /* it is set */
    bm_time now;
    const char *head; /* of the first line */
    char named[512];  /* the subject that was shown last */
};

/* What the site calls this device: each subject once, as long as equal ones stand together. */
static void
named_show(void *ctx, const struct birthmark_identity *identity)
{
    struct screen *screen = ctx;

    if (identity->broken != NULL || strncmp(identity->subject, screen->named, sizeof(screen->named) - 1) == 0)
        return;
    (void)printf("%-11s %s\n", screen->head, identity->subject);
    (void)snprintf(screen->named, sizeof(screen->named), "%s", identity->subject);
    screen->head = "";
}

static void
held_show(void *ctx, const struct birthmark_identity *identity)
{
    struct screen *screen = ctx;
    char until[BM_TIME_TEXT], from[BM_TIME_TEXT];
    int64_t days = (identity->not_after - screen->now) / 86400;

    if (identity->broken != NULL) {
        (void)printf("%-11s %-16s broken: %s\n", screen->head, identity->service, identity->broken);
        screen->head = "";
        return;
    }
    bm_time_print(until, identity->not_after);
    bm_time_print(from, identity->renew_from);
    (void)printf("%-11s %-16s until %.10s, renew from %.10s", screen->head, identity->service, until, from);
    if (screen->clock && identity->not_after < screen->now)
        (void)printf(", expired");
    else if (screen->clock)
        (void)printf(", %lld day%s left", (long long)days, days == 1 ? "" : "s");
    bound_show(identity->bound, identity->usable);
    screen->head = "";
}

static void
sealed_show(void *ctx, const struct birthmark_sealed *sealed)
{
    struct screen *screen = ctx;

    (void)printf("%-11s %s", screen->head, sealed->name);
    bound_show(sealed->bound, sealed->usable);
    screen->head = "";
}

int
bm_agent_status(struct birthmark *bm, const struct options *options)
{
    struct screen screen = { .head = "device" };
    struct bm_fail ignored;
    struct birthmark_status is;
    enum birthmark_result rc = birthmark_status(bm, &is);

    if (rc != BIRTHMARK_OK)
        return bm_agent_refuse(bm, rc);
    if (options->json)
        return status_json(bm, &is);
    if ((rc = birthmark_identities(bm, named_show, &screen)) != BIRTHMARK_OK)
        return bm_agent_refuse(bm, rc);
    (void)printf("root        %s%s%s%s\nid          %s\nroot keys   %s\n", is.root, *is.model == '\0' ? "" : " (", is.model,
                 *is.model == '\0' ? "" : ")", *is.id == '\0' ? "-" : is.id, is.keys);
    (void)printf("proves      %s\nidentities  %zu\n", proof_of(is.root), is.identities);
    if (*is.device_id != '\0')
        (void)printf("DeviceID    %s on first code %s\nAlias       %s on code %s\n", is.device_id, is.first_code, is.alias, is.code);
    screen.clock = bm_env_system.now(bm_env_system.ctx, &screen.now, &ignored) == BM_OK;
    screen.head = "expires";
    if ((rc = birthmark_identities(bm, held_show, &screen)) != BIRTHMARK_OK)
        return bm_agent_refuse(bm, rc);
    screen.head = "sealed";
    rc = birthmark_sealed(bm, sealed_show, &screen);
    return rc == BIRTHMARK_OK ? (int)BIRTHMARK_OK : bm_agent_refuse(bm, rc);
}
