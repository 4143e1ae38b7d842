/* agent_keep.c - verbs that seal, unseal, permit, retire and reset. */
#include "device/agent.h"

#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char bm_agent_help_retire[] = "birthmark-agent identity retire - destroy an identity\n"
                                    "\n"
                                    "  --root URI       tpm2:, pkcs11:..., puf:..., soft:KEY.pem\n"
                                    "  --service NAME   which one; a key of it that waits for a certificate goes too\n"
                                    "\n"
                                    "The server is not told: revoke the certificate there.\n"
                                    "\n"
                                    "  birthmark-agent identity retire --root tpm2: --service mqtt\n";

const char bm_agent_help_seal[] =
    "birthmark-agent seal - seal what stands on standard input to this device\n"
    "\n"
    "  NAME                by which it is got back; what was sealed by it is replaced\n"
    "  --root URI          tpm2:, pkcs11:..., puf:..., soft:KEY.pem (for development)\n"
    "  --pcrs LIST         a TPM: bind it to what these PCRs hold now, as 0,2,7: other firmware cannot open it\n"
    "  --update-key FILE   PEM, P-256: boot permits that this key signs carry it over updates of the firmware\n"
    "\n"
    "At most 2048 bytes: for more, seal a key and encrypt with it.\n"
    "\n"
    "  birthmark-agent seal disk --root tpm2: --pcrs 0,2,7 --update-key update.pub <disk.key\n";

const char bm_agent_help_unseal[] = "birthmark-agent unseal - get sealed data back, on standard output\n"
                                    "\n"
                                    "  NAME             as it was sealed\n"
                                    "  --root URI       tpm2:, pkcs11:..., puf:..., soft:KEY.pem\n"
                                    "\n"
                                    "  birthmark-agent unseal disk --root tpm2: | cryptsetup open /dev/sda2 data --key-file -\n";

const char bm_agent_help_sealed[] = "birthmark-agent sealed list, sealed remove NAME - what is sealed to this device\n"
                                    "\n"
                                    "  --root URI       tpm2:, pkcs11:..., puf:..., soft:KEY.pem\n"
                                    "  --json           list: name, bound, usable\n"
                                    "\n"
                                    "  birthmark-agent sealed remove disk --root tpm2:\n";

const char bm_agent_help_boot[] =
    "birthmark-agent boot show, boot permit FILE - what this machine booted, and what else it may boot\n"
    "\n"
    "  --root URI       tpm2:...\n"
    "  --pcrs LIST      show: these PCRs, and the policy that a permit for them is signed over\n"
    "  --json           show: policy, pcrs\n"
    "\n"
    "A permit is text that the update key signed (birthmark-agent(1) says how). It is installed before or after the update.\n"
    "\n"
    "  birthmark-agent boot show --root tpm2: --pcrs 0,2,7\n"
    "  birthmark-agent boot permit --root tpm2: firmware-1.2.permit\n";

const char bm_agent_help_reset[] = "birthmark-agent reset --factory - destroy every identity, all sealed data and every boot permit\n"
                                   "\n"
                                   "  --root URI       tpm2:, pkcs11:..., puf:..., soft:KEY.pem; its root identity stays\n"
                                   "  --factory        says that this is meant\n"
                                   "  --yes            and that nothing of it is needed any more\n"
                                   "  -o, --out FILE   write a word of what was destroyed, signed by the device: birthmark device\n"
                                   "                   decommission --receipt takes it\n"
                                   "\n"
                                   "  birthmark-agent reset --factory --yes --root tpm2:\n";

static int
done(const struct birthmark *bm, enum birthmark_result rc, const char *what, const char *name)
{
    if (rc != BIRTHMARK_OK)
        return bm_agent_refuse(bm, rc);
    (void)printf("%s%s\n", what, name);
    return BIRTHMARK_OK;
}

int
bm_agent_retire(struct birthmark *bm, const struct options *options)
{
    if (options->service == NULL)
        return bm_agent_usage("identity retire wants ", "--service NAME");
    const int code = done(bm, birthmark_retire(bm, options->service), "retired: ", options->service);
    if (code == BIRTHMARK_OK)
        bm_agent_forget(options, options->service);
    return code;
}

int
bm_agent_reset(struct birthmark *bm, const struct options *options)
{
    if (!options->factory)
        return bm_agent_usage("reset wants ", "--factory");
    if (!options->yes)
        return bm_agent_usage("reset --factory destroys every identity and all sealed data of this device: say that with ", "--yes");
    int code = options->out == NULL ? BIRTHMARK_OK : bm_agent_erase(bm, options);
    if (code == BIRTHMARK_OK)
        code = done(bm, options->out == NULL ? birthmark_reset(bm) : BIRTHMARK_OK,
                    "reset: identities, sealed data and boot permits are gone; the root identity stays", "");
    if (code == BIRTHMARK_OK)
        bm_agent_forget(options, NULL);
    return code;
}

int
bm_agent_bind(struct birthmark *bm, const struct options *options)
{
    enum birthmark_result rc;

    if (options->pcrs == NULL)
        return options->update_key == NULL ? (int)BIRTHMARK_OK : bm_agent_usage("an update key wants ", "--pcrs LIST too");
    if ((rc = birthmark_bind(bm, options->pcrs, options->update_key)) != BIRTHMARK_OK)
        return bm_agent_refuse(bm, rc);
    if (*birthmark_warning(bm) != '\0')
        (void)fprintf(stderr, "warning: %s\n", birthmark_warning(bm));
    return BIRTHMARK_OK;
}

/* ---- sealed data ---- */

static void
wipe(unsigned char (*bytes)[BIRTHMARK_SEALED_MAX + 1])
{
    explicit_bzero(*bytes, sizeof(*bytes));
}

int
bm_agent_seal(struct birthmark *bm, const struct options *options)
{
    bm_cleanup(wipe) unsigned char bytes[BIRTHMARK_SEALED_MAX + 1];
    size_t n;
    int code;

    if ((code = bm_agent_bind(bm, options)) != BIRTHMARK_OK)
        return code;
    (void)setvbuf(stdin, NULL, _IONBF, 0); /* no copy of it */
    n = fread(bytes, 1, sizeof(bytes), stdin);
    if (ferror(stdin)) {
        (void)fprintf(stderr, "birthmark-agent: standard input cannot be read: %s\n", strerrordesc_np(errno));
        return BIRTHMARK_AWAY;
    }
    return done(bm, birthmark_seal(bm, options->name, bytes, n), "sealed: ", options->name);
}

int
bm_agent_unseal(struct birthmark *bm, const struct options *options)
{
    bm_cleanup(wipe) unsigned char bytes[BIRTHMARK_SEALED_MAX + 1];
    size_t n;
    enum birthmark_result rc = birthmark_unseal(bm, options->name, bytes, sizeof(bytes), &n);

    if (rc != BIRTHMARK_OK)
        return bm_agent_refuse(bm, rc);
    (void)setvbuf(stdout, NULL, _IONBF, 0);
    if (fwrite(bytes, 1, n, stdout) == n)
        return BIRTHMARK_OK;
    (void)fprintf(stderr, "birthmark-agent: the output cannot be written: %s\n", strerrordesc_np(errno));
    return BIRTHMARK_AWAY;
}

struct list {
    json_t *json; /* NULL: as text */
    size_t count;
};

static void
sealed_show(void *ctx, const struct birthmark_sealed *sealed)
{
    struct list *list = ctx;

    if (list->json != NULL)
        (void)json_array_append_new(list->json,
                                    json_pack("{s:s, s:s, s:b}", "name", sealed->name, "bound", sealed->bound, "usable", sealed->usable));
    else if (list->count == 0)
        (void)printf("%-24s %-20s %s\n", "NAME", "BOUND TO PCRS", "THIS BOOT");
    if (list->json == NULL)
        (void)printf("%-24s %-20s %s\n", sealed->name, *sealed->bound == '\0' ? "-" : sealed->bound,
                     sealed->usable ? "opens it" : "refused");
    list->count++;
}

int
bm_agent_sealed_list(struct birthmark *bm, const struct options *options)
{
    struct list list = { .json = options->json ? json_array() : NULL };
    enum birthmark_result rc = birthmark_sealed(bm, sealed_show, &list);

    if (rc != BIRTHMARK_OK) {
        json_decref(list.json);
        return bm_agent_refuse(bm, rc);
    }
    if (options->json)
        return bm_agent_json(list.json);
    if (list.count == 0)
        (void)puts("nothing is sealed; birthmark-agent seal --help");
    return BIRTHMARK_OK;
}

int
bm_agent_sealed_remove(struct birthmark *bm, const struct options *options)
{
    return done(bm, birthmark_sealed_remove(bm, options->name), "removed: ", options->name);
}

/* ---- boot state ---- */

int
bm_agent_boot_show(struct birthmark *bm, const struct options *options)
{
    struct birthmark_boot boot;
    enum birthmark_result rc;
    json_t *pcrs;

    if (options->pcrs == NULL)
        return bm_agent_usage("boot show wants ", "--pcrs LIST, as 0,2,7");
    if ((rc = birthmark_boot(bm, options->pcrs, &boot)) != BIRTHMARK_OK)
        return bm_agent_refuse(bm, rc);
    pcrs = json_object();
    for (unsigned i = 0; i < BM_COUNT(boot.pcr); i++) {
        char name[4];

        if (boot.pcr[i] == NULL)
            continue;
        (void)snprintf(name, sizeof(name), "%u", i);
        (void)json_object_set_new(pcrs, name, json_string(boot.pcr[i]));
        if (!options->json)
            (void)printf("PCR %-4u %s\n", i, boot.pcr[i]);
    }
    if (options->json)
        return bm_agent_json(json_pack("{s:s, s:o}", "policy", boot.policy, "pcrs", pcrs));
    json_decref(pcrs);
    (void)printf("policy   %s\n", boot.policy);
    return BIRTHMARK_OK;
}

int
bm_agent_boot_permit(struct birthmark *bm, const struct options *options)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 4096 };
    struct bm_fail fail;

    if (bm_file_read(&text, options->name, &fail) != BM_OK) {
        (void)fprintf(stderr, "birthmark-agent: %s\n", fail.text);
        return BIRTHMARK_USAGE;
    }
    return done(bm, birthmark_permit(bm, text.p, text.n), "permitted: ", options->name);
}
