/* ca_ceremony.c - ca ceremony: the root's own directory, its day and its minutes. */
#include "cli/ceremony.h"
#include "cli/ceremony_verify.h"
#include "cli/places.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* ---- who is there ---- */

struct people {
    struct bm_operator_key *keys;
    bool made[BM_MAX_ENTRY_PRESENT];
    size_t n;
};

static void
people_done(struct people *p)
{
    for (size_t i = 0; i < p->n; i++)
        bm_operator_key_done(&p->keys[i]);
    free(p->keys);
}

static enum bm_rc
person_take(struct people *p, struct bm_call *call, const char *word, struct bm_fail *fail)
{
    const char *where = strchr(word, '=');
    char name[BM_MAX_NAME + 1] = "";
    enum bm_rc rc;

    if (where != NULL && where - word <= BM_MAX_NAME)
        (void)snprintf(name, sizeof(name), "%.*s", (int)(where - word), word);
    if (!bm_name_ok(name, BM_MAX_NAME) || where[1] == 0 || strcmp(name, BM_ROOT_NAME) == 0)
        return bm_usage(call, fail,
                        "--present wants NAME=KEY: a file of an Ed25519 key (made when it is not there), pkcs11:... or tpm2:...; no name "
                        "is " BM_ROOT_NAME);
    if (p->n == BM_MAX_ENTRY_PRESENT)
        return bm_usage(call, fail, "at most %d people sign one ceremony", BM_MAX_ENTRY_PRESENT);
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->keys[i].key.name, name) == 0)
            return bm_usage(call, fail, "%s is present twice", name);
    if (strstr(where, "pin-value=") != NULL)
        return bm_usage(call, fail, "a PIN stands in no URI, where every process can read it: put it into a file and say pin-source=/FILE");
    if ((rc = bm_operator_key_at(&p->keys[p->n], name, where + 1, true, &p->made[p->n], fail)) == BM_OK)
        p->n++;
    return rc;
}

static enum bm_rc
people_take(struct people *p, struct bm_call *call, struct bm_fail *fail)
{
    const struct bm_values *words = bm_call_values(call, "present");
    enum bm_rc rc = BM_OK;

    if ((p->keys = calloc(BM_MAX_ENTRY_PRESENT, sizeof(*p->keys))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for people");
    for (size_t i = 0; words != NULL && i < words->n && rc == BM_OK; i++)
        rc = person_take(p, call, words->v[i], fail);
    return rc;
}

/* ---- the protocol, as it can be read aloud ---- */

static void
aloud_print(const uint8_t hash[static BM_HASH], const char *indent)
{
    char hex[2 * BM_HASH + 1];

    bm_hex(hex, bm_bytes(hash, BM_HASH));
    for (size_t i = 0; i < 2; i++) {
        (void)fputs(indent, stdout);
        for (size_t k = 0; k < 8; k++)
            (void)printf("%s%.4s", k == 0 ? "" : " ", hex + i * 32 + k * 4);
        (void)putchar('\n');
    }
}

static void
people_print(const struct bm_transcript_entry *e)
{
    for (size_t i = 0; i < e->npresent; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf vkey = { .max = BM_NOTE_VKEY + 1 };

        bm_note_vkey_build(&vkey, &e->present[i]);
        bm_buf_add_u8(&vkey, 0);
        (void)printf("  %-9s ", i == 0 ? "signed by" : "");
        bm_text_wrap(vkey.bad ? e->present[i].name : (const char *)vkey.p, 12);
    }
}

static void
protocol_print(const struct bm_ceremony *c)
{
    const struct bm_transcript_entry *e = c->entry;
    char time[BM_TIME_TEXT], line[BM_MAX_STEP * 3];

    bm_time_print(time, e->begun);
    (void)printf("%s%s\nCeremony %llu of this root, %.10s, all times UTC\n\n", e->organization, e->test ? "   *** FOR TESTS ONLY ***" : "",
                 (unsigned long long)e->number, time);
    for (size_t i = 0; i < e->nsteps; i++) {
        bm_time_print(time, e->steps[i].time);
        (void)printf(" %2zu.  %.8s  ", i + 1, time + 11);
        bm_text_wrap(e->steps[i].text, 16);
    }
    (void)putchar('\n');
    (void)printf("  %-9s ", "key");
    (void)snprintf(line, sizeof(line), "%s: %s", e->key, e->attributes);
    bm_text_wrap(line, 12);
    (void)printf("  %-9s %s on %s\n", "program", e->program, e->machine);
    for (size_t i = 0; i < e->nfiles; i++)
        (void)printf("  %-9s %s%s%s\n", e->files[i].out ? "written" : "read", e->files[i].out ? c->dir : "", e->files[i].out ? "/" : "",
                     e->files[i].name);
    people_print(e);
    (void)puts("\nThis entry, for everybody to write down and to give to --verify --head:\n");
    aloud_print(c->transcript->head, "      ");
}

/* ---- and for programs ---- */

static enum bm_rc
lists_pack(json_t *out, const struct bm_transcript_entry *e, struct bm_fail *fail)
{
    json_t *steps = json_array(), *people = json_array(), *files = json_array();
    char text[BM_TIME_TEXT], hex[2 * BM_HASH + 1];
    bool good = true;

    for (size_t i = 0; i < e->nsteps; i++) {
        bm_time_print(text, e->steps[i].time);
        good &= json_array_append_new(steps, json_pack("{s:s, s:s}", "time", text, "step", e->steps[i].text)) == 0;
    }
    for (size_t i = 0; i < e->npresent; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf vkey = { .max = BM_NOTE_VKEY };

        bm_note_vkey_build(&vkey, &e->present[i]);
        good &=
            json_array_append_new(people, json_pack("{s:s, s:s%}", "name", e->present[i].name, "vkey", (const char *)vkey.p, vkey.n)) == 0;
    }
    for (size_t i = 0; i < e->nfiles; i++) {
        bm_hex(hex, bm_bytes(e->files[i].hash, BM_HASH));
        good &= json_array_append_new(files, json_pack("{s:s, s:s, s:s}", "file", e->files[i].name, "what",
                                                       e->files[i].out ? "written" : "read", "sha256", hex)) == 0;
    }
    good &= json_object_set_new(out, "steps", steps) == 0;
    good &= json_object_set_new(out, "present", people) == 0;
    good &= json_object_set_new(out, "files", files) == 0;
    return good ? BM_OK : bm_json_check(NULL, fail);
}

static enum bm_rc
entry_tell(struct bm_call *call, const struct bm_ceremony *c, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *out = NULL;
    char root[2 * BM_HASH + 1], head[2 * BM_HASH + 1];
    enum bm_rc rc;

    if (!call->json) {
        protocol_print(c);
        return BM_OK;
    }
    bm_hex(root, bm_bytes(c->transcript->root, BM_HASH));
    bm_hex(head, bm_bytes(c->transcript->head, BM_HASH));
    out = json_pack("{s:s, s:I, s:s, s:b, s:s, s:s, s:s, s:s}", "directory", c->dir, "entry", (json_int_t)c->entry->number, "organization",
                    c->entry->organization, "test", (int)c->entry->test, "root", root, "key", c->entry->key, "attributes",
                    c->entry->attributes, "head", head);
    if ((rc = bm_json_check(out, fail)) != BM_OK || (rc = lists_pack(out, c->entry, fail)) != BM_OK)
        return rc;
    return bm_object_print(call, out, fail);
}

/* ---- what is done ---- */

/* Keys that were made as people came. */
static void
made_print(const struct people *p, const struct bm_call *call)
{
    const struct bm_values *words = bm_call_values(call, "present");

    for (size_t i = 0; i < p->n; i++)
        if (p->made[i])
            (void)printf("\n%s is new: %s's key, for %s alone to keep.\n", strchr(words->v[i], '=') + 1, p->keys[i].key.name,
                         p->keys[i].key.name);
}

static enum bm_rc
make(struct bm_call *call, const struct bm_ceremony_plan *plan, struct bm_fail *fail)
{
    bm_cleanup(bm_ceremony_done) struct bm_ceremony *c = NULL;
    enum bm_rc rc;

    if ((rc = bm_ceremony_begin(&c, call->words.v[0], plan, fail)) != BM_OK || (rc = bm_ceremony_commit(c, fail)) != BM_OK ||
        (rc = entry_tell(call, c, fail)) != BM_OK)
        return rc;
    if (!call->json)
        (void)printf("\nnext:\n  birthmark init --root %s ...              a site whose CAs this root signs\n"
                     "  birthmark ca ceremony %s --verify         by somebody else, on a copy without the key\n",
                     c->dir, c->dir);
    return BM_OK;
}

/* Asked for what is done already, perhaps since the last time was cut off: nothing changes. */
static enum bm_rc
before_tell(struct bm_call *call, const struct bm_ceremony *c, struct bm_bytes der, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *out = NULL;
    enum bm_rc rc;

    for (size_t i = 0; i < c->transcript->nissued; i++) {
        const struct bm_issued *issued = &c->transcript->issued[i];

        if (!bm_bytes_equal(bm_buf_bytes(&issued->der), der))
            continue;
        if (!call->json) {
            (void)printf("This request was signed before, in entry %llu: %s/%s\n", (unsigned long long)issued->entry, c->dir, issued->file);
            return BM_OK;
        }
        out = json_pack("{s:s, s:I, s:s, s:b}", "directory", c->dir, "entry", (json_int_t)issued->entry, "file", issued->file, "before", 1);
        return (rc = bm_json_check(out, fail)) != BM_OK ? rc : bm_object_print(call, out, fail);
    }
    return bm_fail(fail, BM_EBUG, NULL, "a certificate was signed before and stands nowhere");
}

static enum bm_rc
sign(struct bm_call *call, const struct bm_ceremony_plan *plan, struct bm_fail *fail)
{
    bm_cleanup(bm_ceremony_done) struct bm_ceremony *c = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf request = { .max = 65536 }, der = { .max = BM_MAX_CERT };
    const char *path = bm_call_option(call, "sign"), *word = bm_call_option(call, "class"), *label = strrchr(path, '/');
    enum bm_root_class class = bm_class_find(word != NULL ? word : "");
    enum bm_rc rc;

    if (class < BM_CLASS_OPERATIONAL || class > BM_CLASS_OCSP)
        return bm_usage(call, fail, "--sign wants --class operational, idevid, server, operators or ocsp");
    if ((rc = bm_file_read(&request, path, fail)) != BM_OK || (rc = bm_ceremony_open(&c, call->words.v[0], plan, fail)) != BM_OK)
        return rc;
    if (plan->test && !c->entry->test)
        return bm_fail(fail, BM_EPOLICY, NULL, "%s is a root for production: it signs nothing for tests", c->dir);
    if ((rc = bm_ceremony_sign_request(c, class, bm_call_option(call, "cn"), label != NULL ? label + 1 : path, bm_buf_bytes(&request), &der,
                                       fail)) != BM_OK)
        return rc;
    if (c->entry->ncerts == 0)
        return before_tell(call, c, bm_buf_bytes(&der), fail);
    if ((rc = bm_ceremony_commit(c, fail)) != BM_OK || (rc = entry_tell(call, c, fail)) != BM_OK)
        return rc;
    if (!call->json)
        (void)printf("\nnext: take %s/%s back to the site\n", c->dir, c->transcript->issued[c->transcript->nissued - 1].file);
    return BM_OK;
}

static enum bm_rc
roll(struct bm_call *call, const struct bm_ceremony_plan *plan, struct bm_fail *fail)
{
    bm_cleanup(bm_ceremony_done) struct bm_ceremony *old = NULL, *next = NULL;
    enum bm_rc rc;

    if ((rc = bm_ceremony_open(&old, bm_call_option(call, "roll"), plan, fail)) != BM_OK)
        return rc;
    if (plan->test && !old->entry->test)
        return bm_fail(fail, BM_EPOLICY, NULL, "%s is a root for production: none for tests follows it", old->dir);
    if ((rc = bm_ceremony_roll(&next, call->words.v[0], old, plan, fail)) != BM_OK)
        return rc;
    if (next->entry->ncerts == 0) {
        if (!call->json)
            (void)printf("A roll that was cut off was finished: %s is whole.\n", next->dir);
        return BM_OK;
    }
    if ((rc = entry_tell(call, next, fail)) != BM_OK)
        return rc;
    if (!call->json) {
        (void)printf("\n%s has one entry more, too:\n\n", old->dir);
        aloud_print(old->transcript->head, "      ");
        (void)printf("\nnext:\n  birthmark ca roll root --install %s       at the site\n"
                     "  birthmark ca ceremony %s --verify --roll %s\n",
                     next->dir, next->dir, old->dir);
    }
    return BM_OK;
}

/* Which of the four, and what does not go with it. */
static enum bm_rc
mode_check(struct bm_call *call, struct bm_fail *fail)
{
    static const char *const only_verify[] = { "trust", "head", "certificate" };
    static const char *const never_verify[] = { "name", "token", "test", "present", "sign", "class", "cn" };
    const bool verify = bm_call_option(call, "verify") != NULL, sign = bm_call_option(call, "sign") != NULL,
               roll = bm_call_option(call, "roll") != NULL, name = bm_call_option(call, "name") != NULL;

    for (size_t i = 0; i < BM_COUNT(only_verify); i++)
        if (!verify && bm_call_values(call, only_verify[i])->n > 0)
            return bm_usage(call, fail, "--%s goes with --verify", only_verify[i]);
    for (size_t i = 0; i < BM_COUNT(never_verify); i++)
        if (verify && bm_call_values(call, never_verify[i])->n > 0)
            return bm_usage(call, fail, "--%s does not go with --verify, which changes nothing", never_verify[i]);
    if (verify)
        return BM_OK;
    if (sign + roll + name != 1)
        return bm_usage(
            call, fail,
            "say what to do: --name ORGANIZATION makes a root, --sign FILE signs a CA, --roll OLDDIR makes the next root, --verify checks");
    if (!sign && (bm_call_option(call, "class") != NULL || bm_call_option(call, "cn") != NULL))
        return bm_usage(call, fail, "--class and --cn go with --sign");
    if (sign && bm_call_option(call, "token") != NULL)
        return bm_usage(call, fail, "--token is for a new root: where this one's key is, its directory says");
    return BM_OK;
}

static enum bm_rc
run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(people_done) struct people people = { .n = 0 };
    struct bm_ceremony_plan plan = { .organization = bm_call_option(call, "name"),
                                     .token = bm_call_option(call, "token"),
                                     .test = bm_call_option(call, "test") != NULL,
                                     .call = call };
    enum bm_rc rc = mode_check(call, fail);

    if (rc != BM_OK)
        return rc;
    if (bm_call_option(call, "verify") != NULL)
        return bm_ceremony_verify(call, call->words.v[0], fail);
    (void)umask(022);
    if ((rc = people_take(&people, call, fail)) != BM_OK)
        return rc;
    plan.present = people.keys;
    plan.npresent = people.n;
    if (bm_call_option(call, "sign") != NULL)
        rc = sign(call, &plan, fail);
    else
        rc = bm_call_option(call, "roll") != NULL ? roll(call, &plan, fail) : make(call, &plan, fail);
    if (rc == BM_OK && !call->json)
        made_print(&people, call);
    return rc;
}

const struct bm_verb bm_verb_ca_ceremony = {
    .words = "ca ceremony",
    .arguments = "DIR",
    .least = 1,
    .most = 1,
    .purpose = "Make a root CA in a directory of its own, sign CAs with it, check what was done.",
    .help =
        "DIR is the root's own place: key (or where in a token it is), certificate, what it signed, and the transcript, in which every\n"
        "ceremony is an entry that the root's key and everybody present have signed. Keep it offline. docs/ceremony.md is the script\n"
        "for the day.\n"
        "--verify needs no private key, so it works on a copy: anything changed, taken out or put in is one sentence, exit status 1.\n\n"
        "example: birthmark ca ceremony /media/root --name \"Example Works\" --present anna=anna.key bert=bert.key\n"
        "         birthmark ca ceremony /media/root --sign operational-2.csr --class operational --present anna=anna.key bert=bert.key\n"
        "         birthmark ca ceremony /media/root-2 --roll /media/root --present anna=anna.key bert=bert.key\n"
        "         birthmark ca ceremony copy --verify --trust \"$ANNA\" \"$BERT\" --head \"3938 5cab ...\"\n",
    .options = { { .name = "name", .value = "NAME", .help = "make a root for this organization, in DIR that is not there yet" },
                 { .name = "token", .value = "URI", .help = "the new root's key in a token: pkcs11:token=...?pin-source=/FILE" },
                 { .name = "test", .help = "a root for tests: marked so, with all that it signs" },
                 { .name = "present",
                   .value = "NAME=KEY",
                   .help = "who is there and signs: a file (made when it is not there), pkcs11:..., tpm2:...",
                   .many = true },
                 { .name = "sign", .value = "FILE", .help = "sign a CA's certification request (PKCS#10)" },
                 { .name = "class", .value = "CLASS", .help = "what for: operational, idevid, server, operators, ocsp" },
                 { .name = "cn", .value = "NAME", .help = "the CA's name, instead of the CN in its request" },
                 { .name = "roll", .value = "OLDDIR", .help = "make the root that follows the one in OLDDIR" },
                 { .name = "verify", .help = "check DIR, or a copy of it without the key" },
                 { .name = "trust", .value = "VKEY", .help = "--verify: the people's keys, as you know them", .many = true },
                 { .name = "head", .value = "HEX", .help = "--verify: an entry that was written down on its day" },
                 { .name = "certificate", .value = "FILE", .help = "--verify: must stand in the transcript", .many = true } },
    .run = run,
};
