#include "cli/ceremony.h"

#include "cli/ceremony_parts.h"
#include "cli/server_cert.h"
#include "pki/csr.h"
#include "pki/name.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#define DAY ((bm_time)86400)
#define YEAR (365 * DAY + DAY / 4)
#define ROOT_YEARS 30
#define CA_YEARS 20   /* twice the longest lifetime that a profile may ask for */
#define OCSP_DAYS 397 /* as any certificate that answers from a machine on the network */
#define MAX_PROGRAM (256 << 20)
#define TEST_WORD "TEST "
#define ROOT_PATH_LEN 2 /* another root's certificate for this one, an issuing CA; OpenSSL counts from an anchor, too */

/* What each class gets. */
static const struct {
    const char *what;
    bool never_ends; /* IEEE 802.1AR 8.7: an IDevID lasts as long as its device */
} classes[BM_CLASS__N] = {
    [BM_CLASS_OPERATIONAL] = { "the CA of operational certificates", false },
    [BM_CLASS_IDEVID] = { "the CA of initial device identities", true },
    [BM_CLASS_SERVER] = { "the CA of servers", false },
    [BM_CLASS_OPERATORS] = { "the CA of operators", false },
    [BM_CLASS_OCSP] = { "who answers for this root", false },
};

/* ---- sessions ---- */

void
bm_ceremony_done(struct bm_ceremony **ceremony)
{
    struct bm_ceremony *c = *ceremony;
    struct bm_fail unused;

    if (c == NULL)
        return;
    if (c->fresh && !c->done && c->at[0] != 0) {
        bm_fd_done(&c->lock);
        c->lock = -1;
        (void)!bm_ceremony_sweep(c->at, &unused);
    }
    bm_fd_done(&c->lock);
    bm_ceremony_key_done(&c->key);
    bm_crypto_done(&c->crypto);
    bm_buf_done(&c->name);
    bm_buf_done(&c->old);
    bm_transcript_done(&c->transcript);
    bm_transcript_entry_done(&c->entry);
    free(c);
    *ceremony = NULL;
}

static enum bm_rc
now(bm_time *ret, struct bm_fail *fail)
{
    return bm_env_system.now(bm_env_system.ctx, ret, fail);
}

enum bm_rc
bm_ceremony_step(struct bm_ceremony *c, struct bm_fail *fail, const char *fmt, ...)
{
    struct bm_entry_step *step = &c->entry->steps[c->entry->nsteps];
    enum bm_rc rc;
    va_list args;

    if (c->entry->nsteps == BM_MAX_ENTRY_STEPS)
        return bm_fail(fail, BM_EINPUT, NULL, "a ceremony has at most %d steps: hold another one", BM_MAX_ENTRY_STEPS);
    if ((rc = now(&step->time, fail)) != BM_OK)
        return rc;
    va_start(args, fmt);
    (void)vsnprintf(step->text, sizeof(step->text), fmt, args);
    va_end(args);
    c->entry->nsteps++;
    return BM_OK;
}

/* Which program does it, on which machine. */
static enum bm_rc
program_tell(struct bm_transcript_entry *e, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf program = { .max = MAX_PROGRAM };
    struct utsname machine;
    enum bm_rc rc;

    if ((rc = bm_file_read(&program, "/proc/self/exe", fail)) != BM_OK)
        return rc;
    bm_sha256(e->executable, bm_buf_bytes(&program));
    (void)snprintf(e->program, sizeof(e->program), "birthmark " BM_VERSION);
    if (uname(&machine) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "the machine does not tell its name (uname): try again, or on another one");
    (void)snprintf(e->machine, sizeof(e->machine), "%.30s, %.10s %.20s", machine.nodename, machine.sysname, machine.release);
    return BM_OK;
}

static enum bm_rc
session_new(struct bm_ceremony **ret, const char *dir, const struct bm_ceremony_plan *plan, struct bm_fail *fail)
{
    struct bm_ceremony *c = calloc(1, sizeof(*c));
    size_t n = strlen(dir);
    enum bm_rc rc;

    if (c == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for a ceremony");
    *ret = c;
    c->lock = -1;
    while (n > 1 && dir[n - 1] == '/')
        n--;
    if (n == 0 || n + sizeof(BM_CEREMONY_PART) >= sizeof(c->dir))
        return bm_fail(fail, BM_EINPUT, NULL, "the name of the ceremony's directory is empty or too long: take a shorter one");
    (void)snprintf(c->dir, sizeof(c->dir), "%.*s", (int)n, dir);
    c->old.max = BM_MAX_TRANSCRIPT;
    c->name.max = BM_MAX_DN;
    c->present = plan->present;
    c->npresent = plan->npresent;
    if (c->npresent > BM_MAX_ENTRY_PRESENT)
        return bm_fail(fail, BM_EINPUT, NULL, "at most %d people sign one entry: leave some out", BM_MAX_ENTRY_PRESENT);
    if ((rc = bm_crypto_new(&c->crypto, fail)) != BM_OK || (rc = bm_transcript_entry_new(&c->entry, fail)) != BM_OK ||
        (rc = program_tell(c->entry, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < c->npresent; i++)
        c->entry->present[c->entry->npresent++] = c->present[i].key;
    return now(&c->entry->begun, fail);
}

enum bm_rc
bm_test_name(char ret[static BM_MAX_NAME + 1], const char *organization, struct bm_fail *fail)
{
    bool has = strncmp(organization, TEST_WORD, sizeof(TEST_WORD) - 1) == 0;

    if (strlen(organization) + (has ? 0 : sizeof(TEST_WORD) - 1) > BM_MAX_NAME)
        return bm_fail(fail, BM_EINPUT, NULL, "the name is too long to have TEST before it: %d characters at most", BM_MAX_NAME - 5);
    (void)snprintf(ret, BM_MAX_NAME + 1, "%s%s", has ? "" : TEST_WORD, organization);
    return BM_OK;
}

/* ---- certificates ---- */

enum bm_rc
bm_ceremony_ca(const struct bm_ceremony *c, const struct bm_issuer *issuer, const struct bm_ca_subject *subject, const struct bm_key *key,
               const bm_time validity[static 2], struct bm_buf *der, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_CERT }, signature = { .max = BM_MAX_SIGNATURE };
    uint8_t serial[BM_NEW_SERIAL];
    enum bm_rc rc;

    if ((rc = bm_serial_make(serial, fail)) != BM_OK ||
        (rc = bm_tbs_ca_build(&tbs, issuer, subject, bm_key_spki(key), bm_bytes(serial, sizeof(serial)), validity[0], validity[1], fail)) !=
            BM_OK ||
        (rc = bm_ceremony_key_sign(&c->key, bm_buf_bytes(&tbs), &signature, fail)) != BM_OK)
        return rc;
    bm_signed_build(der, bm_buf_bytes(&tbs), issuer->alg, bm_buf_bytes(&signature));
    return bm_buf_check(der, "a CA's certificate", fail);
}

enum bm_rc
bm_ceremony_add(struct bm_ceremony *c, enum bm_root_class class, struct bm_bytes der, bool out, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 2 * BM_MAX_CERT };
    struct bm_transcript_entry *e = c->entry;
    struct bm_entry_file *file = &e->files[e->nfiles];
    struct bm_entry_cert *cert = &e->certs[e->ncerts];
    enum bm_rc rc;

    if (e->ncerts == BM_MAX_ENTRY_CERTS || e->nfiles == BM_MAX_ENTRY_FILES)
        return bm_fail(fail, BM_EINPUT, NULL, "a ceremony signs at most %d certificates: hold another one", BM_MAX_ENTRY_CERTS);
    cert->class = class;
    cert->der.max = BM_MAX_CERT;
    bm_buf_add_bytes(&cert->der, der);
    if ((rc = bm_buf_check(&cert->der, "a certificate", fail)) != BM_OK)
        return rc;
    e->ncerts++;
    if (!out)
        return BM_OK;
    if ((rc = bm_class_file(file->name, class, der, fail)) != BM_OK)
        return rc;
    bm_pem_build(&pem, "CERTIFICATE", der);
    bm_sha256(file->hash, bm_buf_bytes(&pem));
    file->out = true;
    e->nfiles++;
    return BM_OK;
}

/* Eight groups a line, two lines: what people compare aloud. */
static void
hash_read_aloud(char ret[static 2 * BM_HASH + 17], const uint8_t hash[static BM_HASH])
{
    char hex[2 * BM_HASH + 1];
    size_t n = 0;

    bm_hex(hex, bm_bytes(hash, BM_HASH));
    for (size_t i = 0; i < (size_t)2 * BM_HASH; i++) {
        if (i > 0 && i % 4 == 0)
            ret[n++] = ' ';
        ret[n++] = hex[i];
    }
    ret[n] = 0;
}

static enum bm_rc
root_sign(struct bm_ceremony *c, unsigned number, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };
    char name[BM_MAX_NAME + 1], until[BM_TIME_TEXT], aloud[2 * BM_HASH + 17];
    const struct bm_ca_subject subject = { .common_name = name, .organization = c->entry->organization, .path_len = ROOT_PATH_LEN };
    const bm_time validity[2] = { c->entry->begun - BM_CLOCK_SLACK, c->entry->begun + ROOT_YEARS * YEAR };
    enum bm_rc rc;

    (void)snprintf(name, sizeof(name), "Root CA %u", number);
    bm_name_build(&c->name, subject.organization, subject.common_name);
    c->issuer = (struct bm_issuer){
        .subject = bm_buf_bytes(&c->name), .alg = BM_SIG_ECDSA_SHA256, .not_after = validity[1], .test = c->entry->test
    };
    memcpy(c->issuer.key_id, bm_key_ski(&c->key.public).octets, sizeof(c->issuer.key_id));
    if ((rc = bm_ceremony_ca(c, &c->issuer, &subject, &c->key.public, validity, &der, fail)) != BM_OK ||
        (rc = bm_ceremony_add(c, BM_CLASS_ROOT, bm_buf_bytes(&der), true, fail)) != BM_OK)
        return rc;
    bm_sha256(c->entry->root, bm_buf_bytes(&der));
    bm_time_print(until, validity[1]);
    hash_read_aloud(aloud, c->entry->root);
    if ((rc = bm_ceremony_step(c, fail, "It signed its own certificate: CN=%s, O=%s, until %.10s.", name, c->entry->organization, until)) !=
        BM_OK)
        return rc;
    return bm_ceremony_step(c, fail, "Its fingerprint, to be read aloud and written down (SHA-256): %s", aloud);
}

/* The first sentence of the protocol. */
static enum bm_rc
people_tell(struct bm_ceremony *c, const char *what, struct bm_fail *fail)
{
    char names[BM_MAX_STEP / 2] = "nobody but the machine";
    size_t n = 0;

    for (size_t i = 0; i < c->npresent && n < sizeof(names); i++)
        n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", i == 0 ? "" : ", ", c->present[i].key.name);
    return bm_ceremony_step(c, fail, "%s%s; present: %s.", what, c->entry->test ? ", FOR TESTS ONLY" : "", names);
}

enum bm_rc
bm_ceremony_make(struct bm_ceremony **ret, const char *dir, const struct bm_ceremony_plan *plan, unsigned number, struct bm_fail *fail)
{
    bm_cleanup(bm_ceremony_done) struct bm_ceremony *c = NULL;
    struct bm_transcript_entry *e;
    char path[BM_PATH];
    enum bm_rc rc = session_new(&c, dir, plan, fail);

    if (rc != BM_OK)
        return rc;
    e = c->entry;
    e->act = BM_ENTRY_MAKE;
    e->test = plan->test;
    if (bm_name_value_check("the organization's name", plan->organization, fail) != BM_OK)
        return bm_usage(plan->call, fail, "the organization's name must be 1 to %d characters of text: it stands in every certificate",
                        BM_MAX_NAME);
    (void)snprintf(e->organization, sizeof(e->organization), "%s", plan->organization);
    if ((e->test && (rc = bm_test_name(e->organization, plan->organization, fail)) != BM_OK) ||
        (rc = bm_ceremony_part(c->at, c->dir, fail)) != BM_OK || (rc = bm_ceremony_sweep(c->at, fail)) != BM_OK ||
        (rc = bm_path_join(path, c->at, "issued", fail)) != BM_OK)
        return rc;
    c->fresh = true;
    if ((rc = bm_dir_make(c->at, 0700, fail)) != BM_OK || (rc = bm_ceremony_lock(c, fail)) != BM_OK ||
        (rc = bm_dir_make(path, 0755, fail)) != BM_OK || (rc = people_tell(c, "A root is made", fail)) != BM_OK ||
        (rc = bm_ceremony_key_make(&c->key, plan->call, c->at, plan->token, fail)) != BM_OK)
        return rc;
    memcpy(e->key, c->key.place, sizeof(e->key));
    memcpy(e->attributes, c->key.attributes, sizeof(e->attributes));
    if ((rc = bm_ceremony_step(c, fail, "The root's key was made: %s.", e->key)) != BM_OK || (rc = root_sign(c, number, fail)) != BM_OK)
        return rc;
    *ret = bm_take(c);
    return BM_OK;
}

enum bm_rc
bm_ceremony_begin(struct bm_ceremony **ret_ceremony, const char *dir, const struct bm_ceremony_plan *plan, struct bm_fail *fail)
{
    return bm_ceremony_make(ret_ceremony, dir, plan, 1, fail);
}

/* ---- one that is there ---- */

static enum bm_rc
issuer_take(struct bm_ceremony *c, struct bm_fail *fail)
{
    struct bm_cert root;
    enum bm_rc rc = bm_cert_parse(&root, bm_buf_bytes(&c->transcript->issued[0].der), fail);

    if (rc != BM_OK)
        return rc;
    if (!bm_bytes_equal(bm_key_spki(&root.key), bm_key_spki(&c->key.public)) || root.ski.n != sizeof(c->issuer.key_id))
        return bm_fail(fail, BM_EINPUT, NULL, "%s: the private key is not that of the root's certificate", c->dir);
    bm_buf_add_bytes(&c->name, root.subject);
    c->issuer = (struct bm_issuer){
        .subject = bm_buf_bytes(&c->name), .alg = BM_SIG_ECDSA_SHA256, .not_after = root.not_after, .test = c->transcript->test
    };
    memcpy(c->issuer.key_id, root.ski.p, sizeof(c->issuer.key_id));
    return bm_buf_check(&c->name, "the root's name", fail);
}

/* Before anything is done: a name in a transcript has one key for good. */
static enum bm_rc
people_check(const struct bm_ceremony *c, struct bm_fail *fail)
{
    for (size_t i = 0; i < c->npresent; i++)
        for (size_t k = 0; k < c->transcript->npresent; k++)
            if (strcmp(c->present[i].key.name, c->transcript->present[k].name) == 0 &&
                !bm_note_key_equal(&c->present[i].key, &c->transcript->present[k]))
                return bm_fail(fail, BM_EPOLICY, NULL,
                               "%s signs with another key than at the last ceremony: bring that one, or take another name",
                               c->present[i].key.name);
    return BM_OK;
}

enum bm_rc
bm_ceremony_open(struct bm_ceremony **ret_ceremony, const char *dir, const struct bm_ceremony_plan *plan, struct bm_fail *fail)
{
    bm_cleanup(bm_ceremony_done) struct bm_ceremony *c = NULL;
    struct bm_transcript_entry *e;
    char path[BM_PATH];
    enum bm_rc rc = session_new(&c, dir, plan, fail);

    if (rc != BM_OK)
        return rc;
    memcpy(c->at, c->dir, sizeof(c->at));
    if ((rc = bm_path_join(path, c->at, BM_CEREMONY_TRANSCRIPT, fail)) != BM_OK)
        return rc;
    if (access(path, F_OK) != 0)
        return bm_fail(fail, BM_EINPUT, NULL, "%s holds no root: there is no transcript in it", c->dir);
    if ((rc = bm_ceremony_lock(c, fail)) != BM_OK || (rc = bm_file_read(&c->old, path, fail)) != BM_OK)
        return rc;
    bm_ceremony_tidy(c->at);
    if ((rc = bm_transcript_read(&c->transcript, c->crypto, bm_buf_bytes(&c->old), NULL, NULL, fail)) != BM_OK) {
        bm_fail_prefix(fail, "%s", path);
        return rc;
    }
    if ((rc = people_check(c, fail)) != BM_OK || (rc = bm_ceremony_key_open(&c->key, c->at, fail)) != BM_OK ||
        (rc = issuer_take(c, fail)) != BM_OK || (rc = bm_ceremony_files_write(c, fail)) != BM_OK)
        return rc;
    e = c->entry;
    e->act = BM_ENTRY_SIGN;
    e->test = c->transcript->test;
    memcpy(e->organization, c->transcript->organization, sizeof(e->organization));
    memcpy(e->root, c->transcript->root, BM_HASH);
    memcpy(e->key, c->key.place, sizeof(e->key));
    memcpy(e->attributes, c->key.attributes, sizeof(e->attributes));
    if ((rc = people_tell(c, "The root's directory is opened and its transcript checked", fail)) != BM_OK)
        return rc;
    *ret_ceremony = bm_take(c);
    return BM_OK;
}

/* ---- signing CAs ---- */

static bool
name_taken(const struct bm_ceremony *c, struct bm_bytes subject)
{
    struct bm_fail unused;
    struct bm_cert cert;

    for (size_t i = 0; c->transcript != NULL && i < c->transcript->nissued; i++)
        if (bm_cert_parse(&cert, bm_buf_bytes(&c->transcript->issued[i].der), &unused) == BM_OK && bm_bytes_equal(cert.subject, subject))
            return true;
    for (size_t i = 0; i < c->entry->ncerts; i++)
        if (bm_cert_parse(&cert, bm_buf_bytes(&c->entry->certs[i].der), &unused) == BM_OK && bm_bytes_equal(cert.subject, subject))
            return true;
    return false;
}

static bool
name_free(const struct bm_ceremony *c, const char *common_name)
{
    bm_cleanup(bm_buf_done) struct bm_buf name = { .max = BM_MAX_DN };

    bm_name_build(&name, c->entry->organization, common_name);
    return !name.bad && !name_taken(c, bm_buf_bytes(&name));
}

enum bm_rc
bm_ceremony_free_name(const struct bm_ceremony *c, const char *stem, char ret[static BM_MAX_NAME + 1], struct bm_fail *fail)
{
    for (unsigned i = 1; i <= BM_MAX_ISSUED; i++) {
        (void)snprintf(ret, BM_MAX_NAME + 1, "%.40s %u", stem, i);
        if (name_free(c, ret))
            return BM_OK;
    }
    return bm_fail(fail, BM_EPOLICY, NULL, "this root has signed %d CAs named %s: roll to the next one", BM_MAX_ISSUED, stem);
}

/* Who answers for the root about the CAs under it: no CA itself. */
static enum bm_rc
responder_sign(const struct bm_ceremony *c, const char *common_name, const struct bm_key *key, const bm_time validity[static 2],
               struct bm_buf *der, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_CERT }, signature = { .max = BM_MAX_SIGNATURE };
    uint8_t serial[BM_NEW_SERIAL];
    enum bm_rc rc;

    if ((rc = bm_serial_make(serial, fail)) != BM_OK ||
        (rc = bm_tbs_responder_build(&tbs, &c->issuer, common_name, bm_key_spki(key), bm_bytes(serial, sizeof(serial)), validity[0],
                                     validity[1], fail)) != BM_OK ||
        (rc = bm_ceremony_key_sign(&c->key, bm_buf_bytes(&tbs), &signature, fail)) != BM_OK)
        return rc;
    bm_signed_build(der, bm_buf_bytes(&tbs), c->issuer.alg, bm_buf_bytes(&signature));
    return bm_buf_check(der, "the certificate", fail);
}

enum bm_rc
bm_ceremony_sign(struct bm_ceremony *c, enum bm_root_class class, const char *common_name, const struct bm_key *key, struct bm_buf *der,
                 struct bm_fail *fail)
{
    const struct bm_ca_subject subject = { .common_name = common_name, .organization = c->entry->organization, .path_len = 0 };
    struct bm_issuer issuer = c->issuer;
    bm_time validity[2], root_end = c->issuer.not_after;
    char until[BM_TIME_TEXT], hex[2 * BM_HASH + 1];
    uint8_t hash[BM_HASH];
    enum bm_rc rc;

    if (class >= BM_CLASS__N || classes[class].what == NULL)
        return bm_fail(fail, BM_EBUG, NULL, "a ceremony does not sign certificates of class %s", bm_class_word(class));
    if (!name_free(c, common_name))
        return bm_fail(fail, BM_EPOLICY, NULL, "this root has signed a CA named %.64s already: give this one another name", common_name);
    if ((rc = now(&validity[0], fail)) != BM_OK)
        return rc;
    validity[0] -= BM_CLOCK_SLACK;
    validity[1] = validity[0] + (class == BM_CLASS_OCSP ? OCSP_DAYS * DAY : CA_YEARS * YEAR);
    if (validity[1] > root_end)
        validity[1] = root_end;
    /* A root's own end binds nobody (RFC 5280 6.1.1 d: an anchor is a name and a key), so the CA of what never ends may be signed past it. */
    if (classes[class].never_ends)
        issuer.not_after = validity[1] = BM_TIME_NEVER;
    rc = class == BM_CLASS_OCSP ? responder_sign(c, common_name, key, validity, der, fail)
                                : bm_ceremony_ca(c, &issuer, &subject, key, validity, der, fail);
    if (rc != BM_OK || (rc = bm_ceremony_add(c, class, bm_buf_bytes(der), true, fail)) != BM_OK)
        return rc;
    bm_time_print(until, validity[1]);
    bm_sha256(hash, bm_buf_bytes(der));
    bm_hex(hex, bm_bytes(hash, BM_HASH));
    return bm_ceremony_step(c, fail, "It signed CN=%s, %s, until %.10s; SHA-256 %s.", common_name, classes[class].what, until, hex);
}
