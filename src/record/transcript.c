#include "record/transcript.h"

#include "record/parts.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>

#define HEAD "birthmark/ceremony/v1"
#define YES "yes"

static const char *const acts[BM_ENTRY__N] = { [BM_ENTRY_MAKE] = "make", [BM_ENTRY_SIGN] = "sign", [BM_ENTRY_ROLL] = "roll" };

static const char *const classes[BM_CLASS__N] = {
    [BM_CLASS_ROOT] = "root",
    [BM_CLASS_OPERATIONAL] = "operational",
    [BM_CLASS_IDEVID] = "idevid",
    [BM_CLASS_SERVER] = "server",
    [BM_CLASS_OPERATORS] = "operators",
    [BM_CLASS_OCSP] = "ocsp",
    [BM_CLASS_NEW_WITH_OLD] = "new-with-old",
    [BM_CLASS_OLD_WITH_NEW] = "old-with-new",
};

const char *bm_class_word(enum bm_root_class class)
{
    return class > 0 && class < BM_CLASS__N ? classes[class] : "unknown";
}

enum bm_root_class
bm_class_find(const char *word)
{
    return (enum bm_root_class)bm_word_find(classes, BM_COUNT(classes), bm_bytes_str(word));
}

enum bm_rc
bm_transcript_entry_new(struct bm_transcript_entry **ret_entry, struct bm_fail *fail)
{
    if ((*ret_entry = calloc(1, sizeof(**ret_entry))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for an entry of a transcript");
    return BM_OK;
}

void
bm_transcript_entry_done(struct bm_transcript_entry **entry)
{
    if (*entry == NULL)
        return;
    for (size_t i = 0; i < BM_MAX_ENTRY_CERTS; i++)
        bm_buf_done(&(*entry)->certs[i].der);
    free(*entry);
    *entry = NULL;
}

/* ---- written ---- */

static void
hex_add(struct bm_buf *buf, const char *key, const uint8_t hash[static BM_HASH])
{
    char hex[2 * BM_HASH + 1];

    bm_hex(hex, bm_bytes(hash, BM_HASH));
    bm_lines_add(buf, key, hex);
}

static void
time_add(struct bm_buf *buf, const char *key, bm_time t)
{
    char text[BM_TIME_TEXT];

    bm_time_print(text, t);
    bm_lines_add(buf, key, text);
}

/* "FIRST SP VALUE" as a line's value. */
static void
pair_add(struct bm_buf *buf, const char *key, const char *first, const char *value)
{
    char both[2 * BM_HASH + 2 + BM_MAX_STEP];

    (void)snprintf(both, sizeof(both), "%s %s", first, value);
    bm_lines_add(buf, key, both);
}

static void
files_add(struct bm_buf *buf, const struct bm_transcript_entry *e, bool out)
{
    char hex[2 * BM_HASH + 1];

    for (size_t i = 0; i < e->nfiles; i++) {
        if (e->files[i].out != out)
            continue;
        bm_hex(hex, bm_bytes(e->files[i].hash, BM_HASH));
        pair_add(buf, out ? "out" : "in", hex, e->files[i].name);
    }
}

static void
lists_add(struct bm_buf *buf, const struct bm_transcript_entry *e)
{
    char time[BM_TIME_TEXT];

    for (size_t i = 0; i < e->npresent; i++) {
        bm_buf_add_str(buf, "present ");
        bm_note_vkey_build(buf, &e->present[i]);
        bm_buf_add_str(buf, "\n");
    }
    for (size_t i = 0; i < e->nsteps; i++) {
        bm_time_print(time, e->steps[i].time);
        pair_add(buf, "step", time, e->steps[i].text);
    }
    files_add(buf, e, false);
    files_add(buf, e, true);
    for (size_t i = 0; i < e->ncerts; i++) {
        bm_buf_add_fmt(buf, "certificate %s ", bm_class_word(e->certs[i].class));
        bm_b64_add(buf, BM_B64_STD, bm_buf_bytes(&e->certs[i].der));
        bm_buf_add_str(buf, "\n");
    }
}

void
bm_transcript_entry_build(struct bm_buf *buf, const struct bm_transcript_entry *e)
{
    bm_buf_add_fmt(buf, HEAD "\nentry %llu\n", (unsigned long long)e->number);
    if (e->number > 1)
        hex_add(buf, "before", e->before);
    if (e->follows)
        hex_add(buf, "follows", e->followed);
    bm_lines_add(buf, "act", acts[e->act]);
    time_add(buf, "begun", e->begun);
    time_add(buf, "time", e->time);
    bm_lines_add(buf, "program", e->program);
    hex_add(buf, "executable", e->executable);
    bm_lines_add(buf, "machine", e->machine);
    bm_lines_add(buf, "organization", e->organization);
    if (e->test)
        bm_lines_add(buf, "test", YES);
    hex_add(buf, "root", e->root);
    bm_lines_add(buf, "key", e->key);
    bm_lines_add(buf, "attributes", e->attributes);
    lists_add(buf, e);
}

/* ---- read ---- */

/* A value into a text of max bytes and its NUL. */
static void
text_take(struct bm_lines *lines, struct bm_bytes value, char *ret, size_t max)
{
    ret[0] = 0;
    if (lines->bad)
        return;
    if (value.n == 0 || value.n > max || value.p[0] == ' ') {
        bm_statement_refuse(lines, value.n > max ? "is too long" : "lacks a value");
        return;
    }
    memcpy(ret, value.p, value.n);
    ret[value.n] = 0;
}

static void
present_take(struct bm_transcript_entry *e, struct bm_lines *lines, struct bm_bytes value)
{
    struct bm_note_key *key = &e->present[e->npresent];
    struct bm_fail unused;

    if (e->npresent == BM_MAX_ENTRY_PRESENT) {
        bm_statement_refuse(lines, "is one person more than an entry has");
        return;
    }
    if (bm_note_vkey_parse(key, value, &unused) != BM_OK || !bm_name_ok(key->name, BM_MAX_NAME) || strcmp(key->name, BM_ROOT_NAME) == 0) {
        bm_statement_refuse(lines, "must hold a person's verifier key, of a name that is not root");
        return;
    }
    for (size_t i = 0; i < e->npresent; i++)
        if (strcmp(e->present[i].name, key->name) == 0)
            bm_statement_refuse(lines, "names somebody for the second time");
    e->npresent++;
}

static void
step_take(struct bm_transcript_entry *e, struct bm_lines *lines, struct bm_bytes value)
{
    struct bm_entry_step *step = &e->steps[e->nsteps];
    struct bm_bytes word = bm_word_take(&value);
    char time[BM_TIME_TEXT] = "";
    struct bm_fail unused;

    if (e->nsteps == BM_MAX_ENTRY_STEPS) {
        bm_statement_refuse(lines, "is one step more than an entry has");
        return;
    }
    if (word.n < sizeof(time) && word.n > 0)
        memcpy(time, word.p, word.n);
    if (bm_time_parse(&step->time, time, &unused) != BM_OK)
        bm_statement_refuse(lines, "must hold a time and a sentence");
    text_take(lines, value, step->text, BM_MAX_STEP);
    e->nsteps++;
}

/* What is written has a name that anybody can open safely; what was read is a label. */
static bool
out_name_ok(const char *name)
{
    static const char issued[] = "issued/";
    static const char *const others[] = { "root.pem", "new-with-old.pem", "old-with-new.pem" };

    if (strncmp(name, issued, sizeof(issued) - 1) == 0)
        return bm_name_ok(name + sizeof(issued) - 1, BM_MAX_ENTRY_FILE);
    for (size_t i = 0; i < BM_COUNT(others); i++)
        if (strcmp(name, others[i]) == 0)
            return true;
    return false;
}

static void
file_take(struct bm_transcript_entry *e, struct bm_lines *lines, struct bm_bytes value, bool out)
{
    struct bm_entry_file *file = &e->files[e->nfiles];
    struct bm_bytes word = bm_word_take(&value);
    char hex[2 * BM_HASH + 1];
    struct bm_fail unused;

    if (e->nfiles == BM_MAX_ENTRY_FILES) {
        bm_statement_refuse(lines, "is one file more than an entry has");
        return;
    }
    file->out = out;
    if (bm_hex_parse(file->hash, BM_HASH, word, &unused) != BM_OK) {
        bm_statement_refuse(lines, "must hold a file's SHA-256 and its name");
        return;
    }
    bm_hex(hex, bm_bytes(file->hash, BM_HASH));
    if (!bm_bytes_equal(word, bm_bytes_str(hex)))
        bm_statement_refuse(lines, "must have its hexadecimal digits in lower case");
    text_take(lines, value, file->name, BM_MAX_ENTRY_FILE);
    if (out && !lines->bad && !out_name_ok(file->name))
        bm_statement_refuse(lines, "names a file that a ceremony does not write");
    e->nfiles++;
}

static void
cert_take(struct bm_transcript_entry *e, struct bm_lines *lines, struct bm_bytes value)
{
    struct bm_entry_cert *cert = &e->certs[e->ncerts];
    struct bm_bytes word = bm_word_take(&value);
    struct bm_fail unused;

    if (e->ncerts == BM_MAX_ENTRY_CERTS) {
        bm_statement_refuse(lines, "is one certificate more than an entry has");
        return;
    }
    cert->class = (enum bm_root_class)bm_word_find(classes, BM_COUNT(classes), word);
    cert->der.max = BM_MAX_CERT;
    if (cert->class == 0 || value.n == 0 || bm_b64_parse(&cert->der, BM_B64_STD, value, &unused) != BM_OK || cert->der.bad)
        bm_statement_refuse(lines, "must hold what a certificate is for and its DER in base64");
    e->ncerts++;
}

static void
lists_take(struct bm_transcript_entry *e, struct bm_lines *lines)
{
    struct bm_bytes value;

    while (bm_lines_have(lines, "present", &value))
        present_take(e, lines, value);
    while (bm_lines_have(lines, "step", &value))
        step_take(e, lines, value);
    while (bm_lines_have(lines, "in", &value))
        file_take(e, lines, value, false);
    while (bm_lines_have(lines, "out", &value))
        file_take(e, lines, value, true);
    while (bm_lines_have(lines, "certificate", &value))
        cert_take(e, lines, value);
}

static void
head_take(struct bm_transcript_entry *e, struct bm_lines *lines)
{
    struct bm_lines at;
    struct bm_bytes value;

    e->number = bm_lines_u64(lines, "entry", 1, INT32_MAX);
    if (e->number > 1)
        bm_lines_hex(lines, "before", e->before, BM_HASH);
    at = *lines;
    if (bm_lines_have(lines, "follows", &value)) {
        *lines = at;
        bm_lines_hex(lines, "follows", e->followed, BM_HASH);
        e->follows = true;
        if (e->number != 1)
            bm_statement_refuse(lines, "stands in a first entry only");
    }
    e->act = (enum bm_entry_act)bm_word_find(acts, BM_COUNT(acts), bm_lines_want(lines, "act"));
    if (e->act == 0)
        bm_statement_refuse(lines, "must be make, sign or roll");
    e->begun = bm_lines_time(lines, "begun");
    e->time = bm_lines_time(lines, "time");
}

enum bm_rc
bm_transcript_entry_parse(struct bm_transcript_entry *e, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_lines lines = bm_lines_open(text, HEAD, "the entry", fail);
    struct bm_bytes value;

    head_take(e, &lines);
    text_take(&lines, bm_lines_want(&lines, "program"), e->program, BM_MAX_NAME);
    bm_lines_hex(&lines, "executable", e->executable, BM_HASH);
    text_take(&lines, bm_lines_want(&lines, "machine"), e->machine, BM_MAX_NAME);
    text_take(&lines, bm_lines_want(&lines, "organization"), e->organization, BM_MAX_NAME);
    if (bm_lines_have(&lines, "test", &value)) {
        e->test = true;
        if (!bm_bytes_equal(value, bm_bytes_str(YES)))
            bm_statement_refuse(&lines, "must be yes, or not be there");
    }
    bm_lines_hex(&lines, "root", e->root, BM_HASH);
    text_take(&lines, bm_lines_want(&lines, "key"), e->key, BM_MAX_STEP);
    text_take(&lines, bm_lines_want(&lines, "attributes"), e->attributes, BM_MAX_STEP);
    lists_take(e, &lines);
    return bm_lines_close(&lines);
}
