#include "cli/ceremony_verify.h"

#include "base/file.h"
#include "cli/ceremony_parts.h"
#include "cli/places.h"
#include "cli/print.h"
#include "wire/text.h"

#include <errno.h>
#include <stdio.h>

struct verifying {
    const char *dir;
    struct bm_call *call;
    struct bm_crypto *crypto;
    struct bm_transcript *t, *old;
    json_t *entries;
};

static void
verifying_done(struct verifying *v)
{
    bm_transcript_done(&v->t);
    bm_transcript_done(&v->old);
    bm_crypto_done(&v->crypto);
    json_decref(v->entries);
}

static enum bm_rc
transcript_read(const struct verifying *v, const char *dir, struct bm_transcript **ret, bm_transcript_entry_fn *each, void *ctx,
                struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_TRANSCRIPT };
    char path[BM_PATH];
    enum bm_rc rc;

    if ((rc = bm_path_join(path, dir, BM_CEREMONY_TRANSCRIPT, fail)) != BM_OK || (rc = bm_file_read(&text, path, fail)) != BM_OK)
        return rc;
    if ((rc = bm_transcript_read(ret, v->crypto, bm_buf_bytes(&text), each, ctx, fail)) == BM_EINPUT || rc == BM_EPOLICY)
        bm_fail_prefix(fail, "%s", path);
    return rc;
}

/* ---- people ---- */

static bool
trusted(const struct bm_values *trust, const struct bm_note_key *key)
{
    struct bm_note_key known;
    struct bm_fail unused;

    for (size_t i = 0; i < trust->n; i++)
        if (bm_note_vkey_parse(&known, bm_bytes_str(trust->v[i]), &unused) == BM_OK && bm_note_key_equal(&known, key))
            return true;
    return false;
}

static bool
was_present(const struct bm_transcript *t, const struct bm_note_key *key)
{
    for (size_t i = 0; i < t->npresent; i++)
        if (bm_note_key_equal(&t->present[i], key))
            return true;
    return false;
}

/* Whoever is named has the key that the reader knows as theirs, and whom the reader names was there. */
static enum bm_rc
trust_check(struct verifying *v, struct bm_fail *fail)
{
    const struct bm_values *trust = bm_call_values(v->call, "trust");
    struct bm_note_key known;

    if (trust == NULL || trust->n == 0)
        return BM_OK;
    for (size_t i = 0; i < trust->n; i++)
        if (bm_note_vkey_parse(&known, bm_bytes_str(trust->v[i]), fail) != BM_OK)
            return bm_usage(v->call, fail, "--trust wants keys as `birthmark operator list` and a transcript have them: NAME+ID+KEY");
    for (size_t i = 0; i < v->t->npresent; i++)
        if (!trusted(trust, &v->t->present[i]))
            return bm_fail(fail, BM_EPOLICY, NULL,
                           "%s signed with a key that is none of those given with --trust: ask %s for the right one", v->t->present[i].name,
                           v->t->present[i].name);
    for (size_t i = 0; i < trust->n; i++)
        if (bm_note_vkey_parse(&known, bm_bytes_str(trust->v[i]), fail) == BM_OK && !was_present(v->t, &known))
            return bm_fail(fail, BM_EPOLICY, NULL, "%s is not among those who were present", known.name);
    return BM_OK;
}

/* ---- what was kept apart ---- */

static enum bm_rc
head_check(struct verifying *v, struct bm_fail *fail)
{
    const char *word = bm_call_option(v->call, "head");
    char hex[2 * BM_HASH + 1];
    uint8_t head[BM_HASH];
    struct bm_fail unused;
    size_t n = 0;

    if (word == NULL)
        return BM_OK;
    for (; *word != 0 && n < sizeof(hex) - 1; word++)
        if (*word != ' ')
            hex[n++] = *word;
    hex[n] = 0;
    if (*word != 0 || bm_hex_parse(head, BM_HASH, bm_bytes_str(hex), &unused) != BM_OK)
        return bm_usage(v->call, fail, "--head wants the 64 digits that were written down at a ceremony");
    for (uint64_t i = 0; i < v->t->n; i++)
        if (memcmp(v->t->heads[i], head, BM_HASH) == 0)
            return BM_OK;
    return bm_fail(fail, BM_EPOLICY, NULL,
                   "no entry here is the one that was written down: it was taken away, or the transcript is another one");
}

static const struct bm_issued *
issued_find(const struct bm_transcript *t, struct bm_bytes der)
{
    for (size_t i = 0; i < t->nissued; i++)
        if (bm_bytes_equal(bm_buf_bytes(&t->issued[i].der), der))
            return &t->issued[i];
    return NULL;
}

/* A certificate that is nowhere: did this root sign it? */
static enum bm_rc
missing(const struct verifying *v, const char *name, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_cert cert, root;
    struct bm_fail unused;
    bool ours = bm_cert_parse(&cert, der, &unused) == BM_OK && bm_cert_parse(&root, bm_buf_bytes(&v->t->issued[0].der), &unused) == BM_OK &&
                bm_cert_signed_by(v->crypto, &cert, &root, &unused) == BM_OK;

    return bm_fail(fail, BM_EPOLICY, NULL,
                   ours ? "%s was signed by this root, and no entry of the transcript has it" : "%s is no certificate of this root", name);
}

static enum bm_rc
certificates_check(struct verifying *v, struct bm_fail *fail)
{
    const struct bm_values *files = bm_call_values(v->call, "certificate");
    enum bm_rc rc;

    for (size_t i = 0; files != NULL && i < files->n; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };

        if ((rc = bm_cert_read(&der, files->v[i], fail)) != BM_OK)
            return rc;
        if (issued_find(v->t, bm_buf_bytes(&der)) == NULL)
            return missing(v, files->v[i], bm_buf_bytes(&der), fail);
    }
    return BM_OK;
}

/* ---- the directory's files ---- */

static enum bm_rc
file_check(const struct verifying *v, const char *name, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT }, file = { .max = 65536 }, pem = { .max = 65536 };
    const struct bm_issued *issued;
    char path[BM_PATH];
    enum bm_rc rc;

    if ((rc = bm_path_join(path, v->dir, name, fail)) != BM_OK || (rc = bm_file_read(&file, path, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < v->t->nissued; i++) {
        if (strcmp(v->t->issued[i].file, name) != 0)
            continue;
        bm_buf_reset(&pem);
        bm_pem_build(&pem, "CERTIFICATE", bm_buf_bytes(&v->t->issued[i].der));
        if (bm_bytes_equal(bm_buf_bytes(&pem), bm_buf_bytes(&file)))
            return BM_OK;
    }
    if (bm_cert_read(&der, path, fail) != BM_OK)
        return bm_fail(fail, BM_EPOLICY, NULL, "%s is not what was written at the ceremony, nor a certificate that can be read", path);
    if ((issued = issued_find(v->t, bm_buf_bytes(&der))) == NULL)
        return missing(v, path, bm_buf_bytes(&der), fail);
    return bm_fail(fail, BM_EPOLICY, NULL, "%s is not the file that was written at the ceremony: the transcript calls that certificate %s",
                   path, issued->file);
}

/* What was cut off before it had its name, the name of a certificate that the transcript has: the next ceremony takes it away. */
static bool
is_unnamed(const struct verifying *v, const char *name)
{
    const char *at = strstr(name, BM_CEREMONY_UNNAMED);

    for (size_t i = 0; at != NULL && i < v->t->nissued; i++)
        if (strlen(v->t->issued[i].file) == (size_t)(at - name) && strncmp(v->t->issued[i].file, name, (size_t)(at - name)) == 0)
            return true;
    return false;
}

/* all: in issued everything is a certificate; beside the transcript only what ends so. */
static enum bm_rc
dir_check(const struct verifying *v, const char *below, bool all, struct bm_fail *fail)
{
    bm_cleanup(bm_dir_done) DIR *dir = NULL;
    const struct dirent *entry;
    char path[BM_PATH], name[300];
    enum bm_rc rc = bm_path_join(path, v->dir, below, fail);

    if (rc != BM_OK)
        return rc;
    if ((dir = opendir(path)) == NULL)
        return errno == ENOENT ? BM_OK : bm_fail(fail, BM_EBUSY, NULL, "%s can't be read: %s", path, strerrordesc_np(errno));
    while (rc == BM_OK && (entry = readdir(dir)) != NULL) {
        size_t n = strlen(entry->d_name);

        if (entry->d_name[0] == '.' || (!all && (n < 5 || strcmp(entry->d_name + n - 4, ".pem") != 0)))
            continue;
        (void)snprintf(name, sizeof(name), "%s%s%s", all ? below : "", all ? "/" : "", entry->d_name);
        if (!is_unnamed(v, name))
            rc = file_check(v, name, fail);
    }
    return rc;
}

/* ---- the root before ---- */

static enum bm_rc
follows_check(struct verifying *v, struct bm_fail *fail)
{
    const char *olddir = bm_call_option(v->call, "roll");
    enum bm_rc rc;

    if (olddir == NULL)
        return BM_OK;
    if ((rc = transcript_read(v, olddir, &v->old, NULL, NULL, fail)) != BM_OK)
        return rc;
    for (uint64_t i = 0; v->t->follows && i < v->old->n; i++)
        if (memcmp(v->old->heads[i], v->t->followed, BM_HASH) == 0)
            for (size_t k = 0; k < v->t->nissued; k++)
                if (v->t->issued[k].class == BM_CLASS_NEW_WITH_OLD && issued_find(v->old, bm_buf_bytes(&v->t->issued[k].der)) != NULL)
                    return BM_OK;
    return bm_fail(fail, BM_EPOLICY, NULL, "the root in %s does not follow the one in %s", v->dir, olddir);
}

/* ---- what is told ---- */

static enum bm_rc
entry_keep(void *ctx, const struct bm_transcript_entry *e, struct bm_fail *fail)
{
    struct verifying *v = ctx;
    char begun[BM_TIME_TEXT], names[BM_MAX_ENTRY_PRESENT * (BM_MAX_NAME + 2)] = "";
    static const char *const acts[BM_ENTRY__N] = { [BM_ENTRY_MAKE] = "made", [BM_ENTRY_SIGN] = "signed", [BM_ENTRY_ROLL] = "followed" };
    size_t n = 0;
    json_t *row;

    for (size_t i = 0; i < e->npresent; i++)
        n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", i == 0 ? "" : ", ", e->present[i].name);
    bm_time_print(begun, e->begun);
    row = json_pack("{s:I, s:s, s:s, s:s, s:I, s:s, s:s}", "entry", (json_int_t)e->number, "begun", begun, "root", acts[e->act], "present",
                    names, "certificates", (json_int_t)e->ncerts, "key", e->key, "program", e->program);
    if (row == NULL || json_array_append_new(v->entries, row) != 0)
        return bm_json_check(NULL, fail);
    return BM_OK;
}

static enum bm_rc
certificates_tell(const struct bm_transcript *t, json_t *rows, struct bm_fail *fail)
{
    enum bm_rc rc;

    for (size_t i = 0; i < t->nissued; i++) {
        char subject[300], until[BM_TIME_TEXT], hex[2 * BM_HASH + 1];
        uint8_t hash[BM_HASH];
        struct bm_cert cert;

        if ((rc = bm_cert_parse(&cert, bm_buf_bytes(&t->issued[i].der), fail)) != BM_OK)
            return rc;
        bm_name_print(subject, sizeof(subject), cert.subject);
        bm_time_print(until, cert.not_after);
        bm_sha256(hash, bm_buf_bytes(&t->issued[i].der));
        bm_hex(hex, bm_bytes(hash, BM_HASH));
        if (json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:I, s:s}", "class", bm_class_word(t->issued[i].class), "subject",
                                                  subject, "until", until, "entry", (json_int_t)t->issued[i].entry, "sha256", hex)) != 0)
            return bm_json_check(NULL, fail);
    }
    return BM_OK;
}

static enum bm_rc
tell(const struct verifying *v, struct bm_fail *fail)
{
    static const struct bm_column entries[] = {
        { "entry", "ENTRY" }, { "begun", "BEGUN" }, { "root", "THE ROOT" }, { "certificates", "CERTIFICATES" }, { "present", "PRESENT" }
    };
    static const struct bm_column certificates[] = {
        { "class", "CLASS" }, { "subject", "SUBJECT" }, { "until", "UNTIL" }, { "entry", "ENTRY" }, { "sha256", "SHA-256" }
    };
    const struct bm_values *trust = bm_call_values(v->call, "trust");
    bm_cleanup(bm_json_done) json_t *rows = json_array(), *out = NULL;
    char root[2 * BM_HASH + 1], head[2 * BM_HASH + 1];
    enum bm_rc rc;

    if (rows == NULL)
        return bm_json_check(NULL, fail);
    if ((rc = certificates_tell(v->t, rows, fail)) != BM_OK)
        return rc;
    bm_hex(root, bm_bytes(v->t->root, BM_HASH));
    bm_hex(head, bm_bytes(v->t->head, BM_HASH));
    out = json_pack("{s:s, s:s, s:b, s:s, s:s, s:s, s:s}", "transcript", "holds", "organization", v->t->organization, "test",
                    (int)v->t->test, "root", root, "head", head, "people",
                    v->t->npresent == 0             ? "nobody was present"
                    : trust != NULL && trust->n > 0 ? "all of them by keys of yours"
                                                    : "by keys that nobody told us: compare with --trust",
                    "follows",
                    v->old != NULL  ? "yes"
                    : v->t->follows ? "another root: not compared"
                                    : "none");
    if ((rc = bm_json_check(out, fail)) != BM_OK)
        return rc;
    if (v->call->json && (json_object_set(out, "entries", v->entries) != 0 || json_object_set(out, "certificates", rows) != 0))
        return bm_json_check(NULL, fail);
    if ((rc = bm_object_print(v->call, out, fail)) != BM_OK || v->call->json)
        return rc;
    (void)putchar('\n');
    if ((rc = bm_rows_print(v->entries, entries, BM_COUNT(entries), fail)) != BM_OK)
        return rc;
    (void)putchar('\n');
    return bm_rows_print(rows, certificates, BM_COUNT(certificates), fail);
}

enum bm_rc
bm_ceremony_verify(struct bm_call *call, const char *dir, struct bm_fail *fail)
{
    bm_cleanup(verifying_done) struct verifying v = { .dir = dir, .call = call, .entries = json_array() };
    enum bm_rc rc;

    if (v.entries == NULL)
        return bm_json_check(NULL, fail);
    if ((rc = bm_crypto_new(&v.crypto, fail)) != BM_OK || (rc = transcript_read(&v, dir, &v.t, entry_keep, &v, fail)) != BM_OK ||
        (rc = trust_check(&v, fail)) != BM_OK || (rc = head_check(&v, fail)) != BM_OK || (rc = dir_check(&v, ".", false, fail)) != BM_OK ||
        (rc = dir_check(&v, "issued", true, fail)) != BM_OK || (rc = certificates_check(&v, fail)) != BM_OK ||
        (rc = follows_check(&v, fail)) != BM_OK)
        return rc;
    return tell(&v, fail);
}
