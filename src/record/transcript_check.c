/* transcript_check.c - a whole transcript, read and checked (transcript.h). */
#include "record/transcript.h"

#include "pki/oid.h"
#include "wire/der.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_ENTRIES 4096
#define MAX_PEOPLE 256

enum bm_rc
bm_root_note_key(struct bm_note_key *ret_key, const struct bm_key *key, struct bm_fail *fail)
{
    return bm_note_key_init_p256(ret_key, BM_ROOT_NAME, bm_key_spki(key), fail);
}

/* ---- names of files ---- */

/* The CN of a Name, its last one. */
static struct bm_bytes
common_name(struct bm_bytes name)
{
    struct bm_rd rd = bm_rd(name), all = bm_der_enter(&rd, BM_DER_SEQUENCE);
    struct bm_bytes cn = { NULL, 0 };

    while (!all.bad && all.left > 0) {
        struct bm_rd set = bm_der_enter(&all, BM_DER_SET), attribute = bm_der_enter(&set, BM_DER_SEQUENCE), value;
        struct bm_bytes oid = bm_der_take(&attribute, BM_DER_OID), whole;

        whole = bm_der_any(&attribute, NULL);
        if (attribute.bad || !bm_bytes_equal(oid, BM_OID(bm_oid_cn)))
            continue;
        value = bm_rd(whole);
        if (whole.n < 2 || whole.p[1] >= 0x80)
            continue;
        (void)bm_rd_u16(&value);
        cn = bm_rd_rest(&value);
    }
    return cn;
}

/* Letters, digits, '.', '_' stay; the rest becomes '-'. */
static bool
issued_name(char ret[static BM_MAX_ENTRY_FILE + 1], struct bm_bytes cn)
{
    size_t n = 0;

    if (cn.n == 0 || cn.n > BM_MAX_NAME)
        return false;
    for (size_t i = 0; i < cn.n; i++) {
        char c = (char)cn.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_';

        ret[n++] = plain ? c : '-';
    }
    ret[n] = 0;
    return bm_name_ok(ret, BM_MAX_NAME);
}

enum bm_rc
bm_class_file(char ret[static BM_MAX_ENTRY_FILE + 1], enum bm_root_class class, struct bm_bytes der, struct bm_fail *fail)
{
    char name[BM_MAX_ENTRY_FILE + 1];
    struct bm_cert cert;
    enum bm_rc rc;

    if (class == BM_CLASS_ROOT || class == BM_CLASS_NEW_WITH_OLD || class == BM_CLASS_OLD_WITH_NEW) {
        (void)snprintf(ret, BM_MAX_ENTRY_FILE + 1, "%s.pem", bm_class_word(class));
        return BM_OK;
    }
    if ((rc = bm_cert_parse(&cert, der, fail)) != BM_OK)
        return rc;
    if (!issued_name(name, common_name(cert.subject)))
        return bm_fail(fail, BM_EINPUT, NULL,
                       "the CA's CN must begin with a letter or a digit and have 1 to %d characters: a file is named by it", BM_MAX_NAME);
    (void)snprintf(ret, BM_MAX_ENTRY_FILE + 1, "issued/%.*s.pem", BM_MAX_NAME, name);
    return BM_OK;
}

/* ---- the whole ---- */

struct reading {
    struct bm_transcript *t;
    struct bm_crypto *crypto;
    struct bm_transcript_entry *entry; /* the one at hand */
    struct bm_bytes whole;             /* its note */
    struct bm_cert root;               /* view into t->issued[0] */
};

void
bm_transcript_done(struct bm_transcript **transcript)
{
    struct bm_transcript *t = *transcript;

    if (t == NULL)
        return;
    for (size_t i = 0; i < t->nissued; i++)
        bm_buf_done(&t->issued[i].der);
    free(t->issued);
    free(t->present);
    free(t->heads);
    free(t);
    *transcript = NULL;
}

static enum bm_rc
transcript_new(struct bm_transcript **ret, struct bm_fail *fail)
{
    struct bm_transcript *t = calloc(1, sizeof(*t));

    if (t != NULL) {
        t->issued = calloc(BM_MAX_ISSUED, sizeof(*t->issued));
        t->present = calloc(MAX_PEOPLE, sizeof(*t->present));
        t->heads = calloc(MAX_ENTRIES, sizeof(*t->heads));
        *ret = t;
    }
    if (t == NULL || t->issued == NULL || t->present == NULL || t->heads == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for a transcript");
    return BM_OK;
}

/* Up to the second empty line, or the end: text, empty line, signatures. */
static struct bm_bytes
note_take(struct bm_bytes *rest)
{
    struct bm_bytes note = *rest;
    unsigned empty = 0;

    for (size_t i = 1; i < rest->n; i++) {
        if (rest->p[i] != '\n' || rest->p[i - 1] != '\n' || ++empty < 2 || i + 1 == rest->n)
            continue;
        note.n = i;
        *rest = bm_bytes(rest->p + i + 1, rest->n - i - 1);
        return note;
    }
    *rest = bm_bytes(NULL, 0);
    return note;
}

/* ---- certificates ---- */

static enum bm_rc
signed_check(const struct reading *r, const struct bm_cert *cert, const struct bm_cert *by, const char *word, struct bm_fail *fail)
{
    enum bm_rc rc = bm_cert_signed_by(r->crypto, cert, by, fail);

    if (rc != BM_OK)
        bm_fail_prefix(fail, "the certificate %s is not signed by whom it should be", word);
    return rc;
}

/* Of class old-with-new in this entry: what the other root is. */
static bool
old_root(const struct bm_transcript_entry *e, struct bm_cert *ret)
{
    struct bm_fail unused;

    for (size_t i = 0; i < e->ncerts; i++)
        if (e->certs[i].class == BM_CLASS_OLD_WITH_NEW)
            return bm_cert_parse(ret, bm_buf_bytes(&e->certs[i].der), &unused) == BM_OK;
    return false;
}

/* In the old root's transcript it is the old root's; in the new one's it is the other root that signed this root's key. */
static enum bm_rc
new_with_old_check(const struct reading *r, const struct bm_cert *cert, struct bm_fail *fail)
{
    struct bm_cert old;

    if (r->entry->act != BM_ENTRY_MAKE)
        return signed_check(r, cert, &r->root, "new-with-old", fail);
    if (!old_root(r->entry, &old))
        return bm_fail(fail, BM_EINPUT, NULL, "new-with-old stands without old-with-new: they are made together");
    if (!bm_bytes_equal(cert->subject, r->root.subject) || !bm_bytes_equal(bm_key_spki(&cert->key), bm_key_spki(&r->root.key)))
        return bm_fail(fail, BM_EINPUT, NULL, "new-with-old is for another root than this one");
    return signed_check(r, cert, &old, "new-with-old", fail);
}

static enum bm_rc
class_check(const struct reading *r, const struct bm_entry_cert *given, const struct bm_cert *cert, struct bm_fail *fail)
{
    const char *word = bm_class_word(given->class);
    struct bm_cert_loose loose;
    bool ca;
    enum bm_rc rc;

    if (given->class == BM_CLASS_ROOT)
        return bm_fail(fail, BM_EINPUT, NULL, "a root's certificate stands where it does not belong: a transcript has one, as its first");
    if ((rc = bm_cert_loose_parse(&loose, bm_buf_bytes(&given->der), fail)) != BM_OK)
        return rc;
    ca = bm_cert_loose_is_ca(&loose);
    if (ca != (given->class != BM_CLASS_OCSP))
        return bm_fail(fail, BM_EINPUT, NULL, "the certificate %s %s", word, ca ? "is a CA's, which it should not be" : "is no CA's");
    if (bm_cert_test_mark(bm_buf_bytes(&given->der)) != r->t->test)
        return bm_fail(fail, BM_EINPUT, NULL, "the certificate %s %s", word,
                       r->t->test ? "lacks the test mark that its root has" : "bears a test mark, and its root does not");
    return given->class == BM_CLASS_NEW_WITH_OLD ? new_with_old_check(r, cert, fail) : signed_check(r, cert, &r->root, word, fail);
}

static enum bm_rc
twice_check(const struct bm_transcript *t, const struct bm_cert *cert, enum bm_root_class class, struct bm_fail *fail)
{
    struct bm_cert other;
    enum bm_rc rc;

    for (size_t i = 0; i < t->nissued; i++) {
        if ((rc = bm_cert_parse(&other, bm_buf_bytes(&t->issued[i].der), fail)) != BM_OK)
            return rc;
        if (bm_bytes_equal(other.serial, cert->serial) && bm_bytes_equal(other.issuer, cert->issuer))
            return bm_fail(fail, BM_EINPUT, NULL, "a serial number was used before, in entry %llu", (unsigned long long)t->issued[i].entry);
        if (class < BM_CLASS_NEW_WITH_OLD && bm_bytes_equal(other.subject, cert->subject))
            return bm_fail(fail, BM_EINPUT, NULL, "a certificate's subject was used before, in entry %llu",
                           (unsigned long long)t->issued[i].entry);
    }
    return BM_OK;
}

static enum bm_rc
issued_add(struct reading *r, const struct bm_entry_cert *given, struct bm_fail *fail)
{
    struct bm_issued *issued = &r->t->issued[r->t->nissued];
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 2 * BM_MAX_CERT };
    uint8_t hash[BM_HASH];
    enum bm_rc rc;

    if (r->t->nissued == BM_MAX_ISSUED)
        return bm_fail(fail, BM_EINPUT, NULL, "there are more than %d certificates: roll to a new root", BM_MAX_ISSUED);
    if ((rc = bm_class_file(issued->file, given->class, bm_buf_bytes(&given->der), fail)) != BM_OK)
        return rc;
    bm_pem_build(&pem, "CERTIFICATE", bm_buf_bytes(&given->der));
    bm_sha256(hash, bm_buf_bytes(&pem));
    for (size_t i = 0; i < r->entry->nfiles; i++)
        issued->out |= r->entry->files[i].out && strcmp(r->entry->files[i].name, issued->file) == 0 &&
                       memcmp(r->entry->files[i].hash, hash, BM_HASH) == 0;
    issued->entry = r->entry->number;
    issued->class = given->class;
    issued->der.max = BM_MAX_CERT;
    bm_buf_add_bytes(&issued->der, bm_buf_bytes(&given->der));
    r->t->nissued++;
    return bm_buf_check(&issued->der, "a certificate", fail);
}

/* Everything written is a certificate of the entry. */
static enum bm_rc
files_check(const struct reading *r, size_t first, struct bm_fail *fail)
{
    size_t outs = 0, found = 0;

    for (size_t i = 0; i < r->entry->nfiles; i++)
        outs += r->entry->files[i].out;
    for (size_t i = first; i < r->t->nissued; i++)
        found += r->t->issued[i].out;
    return outs == found ? BM_OK : bm_fail(fail, BM_EINPUT, NULL, "a file that was written is not a certificate of the entry");
}

static enum bm_rc
certs_take(struct reading *r, struct bm_fail *fail)
{
    size_t first = r->t->nissued, begin = r->entry->number == 1 ? 1 : 0;
    enum bm_rc rc;

    if (begin == 1 && (rc = issued_add(r, &r->entry->certs[0], fail)) != BM_OK)
        return rc;
    if (begin == 1 && (rc = bm_cert_parse(&r->root, bm_buf_bytes(&r->t->issued[0].der), fail)) != BM_OK)
        return rc;
    for (size_t i = begin; i < r->entry->ncerts; i++) {
        struct bm_cert cert;

        if ((rc = bm_cert_parse(&cert, bm_buf_bytes(&r->entry->certs[i].der), fail)) != BM_OK ||
            (rc = class_check(r, &r->entry->certs[i], &cert, fail)) != BM_OK ||
            (rc = twice_check(r->t, &cert, r->entry->certs[i].class, fail)) != BM_OK ||
            (rc = issued_add(r, &r->entry->certs[i], fail)) != BM_OK)
            return rc;
    }
    return files_check(r, first, fail);
}

/* The first entry says who the root is, and signs itself with that key. */
static enum bm_rc
root_take(struct reading *r, struct bm_fail *fail)
{
    const struct bm_transcript_entry *e = r->entry;
    struct bm_cert root;
    uint8_t hash[BM_HASH];
    enum bm_rc rc;

    if (e->act != BM_ENTRY_MAKE || e->ncerts == 0 || e->certs[0].class != BM_CLASS_ROOT)
        return bm_fail(fail, BM_EINPUT, NULL, "it must make the root, and have its certificate first");
    bm_sha256(hash, bm_buf_bytes(&e->certs[0].der));
    if (memcmp(hash, e->root, BM_HASH) != 0)
        return bm_fail(fail, BM_EINPUT, NULL, "its root is not the certificate that it has");
    if ((rc = bm_cert_parse(&root, bm_buf_bytes(&e->certs[0].der), fail)) != BM_OK ||
        (rc = signed_check(r, &root, &root, "root", fail)) != BM_OK)
        return rc;
    if (bm_cert_test_mark(bm_buf_bytes(&e->certs[0].der)) != e->test)
        return bm_fail(fail, BM_EINPUT, NULL, "the root's certificate and the line test do not say the same");
    r->t->test = e->test;
    r->t->follows = e->follows;
    memcpy(r->t->followed, e->followed, BM_HASH);
    memcpy(r->t->root, e->root, BM_HASH);
    memcpy(r->t->organization, e->organization, sizeof(r->t->organization));
    return bm_root_note_key(&r->t->root_key, &root.key, fail);
}

/* ---- entries ---- */

static enum bm_rc
people_take(struct reading *r, const struct bm_note *note, struct bm_fail *fail)
{
    const struct bm_transcript_entry *e = r->entry;
    struct bm_transcript *t = r->t;
    enum bm_rc rc = bm_note_check(note, &t->root_key, fail);
    size_t at;

    for (size_t i = 0; i < e->npresent && rc == BM_OK; i++) {
        rc = bm_note_check(note, &e->present[i], fail);
        for (at = 0; at < t->npresent && strcmp(t->present[at].name, e->present[i].name) != 0; at++)
            ;
        if (rc == BM_OK && at < t->npresent && !bm_note_key_equal(&t->present[at], &e->present[i]))
            return bm_fail(fail, BM_EINPUT, NULL, "%s signs with another key than before: bring that one, or take another name",
                           e->present[i].name);
        if (rc == BM_OK && at == MAX_PEOPLE)
            return bm_fail(fail, BM_EINPUT, NULL, "more than %d people were ever present: roll to a new root", MAX_PEOPLE);
        if (rc == BM_OK && at == t->npresent)
            t->present[t->npresent++] = e->present[i];
    }
    if (rc == BM_OK && note->nsigs != e->npresent + 1)
        return bm_fail(fail, BM_EINPUT, NULL, "somebody signed it who was not present");
    return rc;
}

static enum bm_rc
order_check(const struct reading *r, struct bm_fail *fail)
{
    const struct bm_transcript_entry *e = r->entry;
    const struct bm_transcript *t = r->t;
    bm_time last = t->time > e->begun ? t->time : e->begun;

    if (e->number != t->n + 1)
        return bm_fail(fail, BM_EINPUT, NULL, "entry %llu is missing: entry %llu stands in its place", (unsigned long long)t->n + 1,
                       (unsigned long long)e->number);
    if (t->n > 0 && (memcmp(e->before, t->head, BM_HASH) != 0))
        return bm_fail(fail, BM_EINPUT, NULL, "entry %llu does not follow entry %llu as it stands here: one of them is another than it was",
                       (unsigned long long)e->number, (unsigned long long)t->n);
    if (e->begun < t->time || e->time < e->begun)
        return bm_fail(fail, BM_EINPUT, NULL, "entry %llu: its time lies before what it follows", (unsigned long long)e->number);
    for (size_t i = 0; i < e->nsteps; last = e->steps[i++].time)
        if (e->steps[i].time < last || e->steps[i].time > e->time)
            return bm_fail(fail, BM_EINPUT, NULL, "entry %llu: step %zu is out of its time", (unsigned long long)e->number, i + 1);
    if (t->n > 0 && (memcmp(e->root, t->root, BM_HASH) != 0 || e->test != t->test || strcmp(e->organization, t->organization) != 0 ||
                     e->act == BM_ENTRY_MAKE))
        return bm_fail(fail, BM_EINPUT, NULL, "entry %llu is of another root than those before it", (unsigned long long)e->number);
    return BM_OK;
}

static enum bm_rc
entry_take(struct reading *r, struct bm_fail *fail)
{
    struct bm_note note;
    enum bm_rc rc;

    if ((rc = bm_note_parse(&note, r->whole, fail)) != BM_OK || (rc = bm_transcript_entry_parse(r->entry, note.text, fail)) != BM_OK ||
        (r->t->n == 0 && r->entry->number == 1 && (rc = root_take(r, fail)) != BM_OK)) {
        bm_fail_prefix(fail, "entry %llu", (unsigned long long)r->t->n + 1);
        return rc;
    }
    if ((rc = order_check(r, fail)) != BM_OK)
        return rc;
    if ((rc = people_take(r, &note, fail)) != BM_OK || (rc = certs_take(r, fail)) != BM_OK) {
        bm_fail_prefix(fail, "entry %llu", (unsigned long long)r->entry->number);
        return rc;
    }
    bm_sha256(r->t->head, r->whole);
    memcpy(r->t->heads[r->t->n++], r->t->head, BM_HASH);
    r->t->time = r->entry->time;
    return BM_OK;
}

static enum bm_rc
one_read(struct reading *r, struct bm_bytes *rest, bm_transcript_entry_fn *each, void *ctx, struct bm_fail *fail)
{
    bm_cleanup(bm_transcript_entry_done) struct bm_transcript_entry *entry = NULL;
    enum bm_rc rc = bm_transcript_entry_new(&entry, fail);

    if (rc != BM_OK)
        return rc;
    r->entry = entry;
    r->whole = note_take(rest);
    if ((rc = entry_take(r, fail)) != BM_OK || each == NULL)
        return rc;
    return each(ctx, entry, fail);
}

enum bm_rc
bm_transcript_read(struct bm_transcript **ret_transcript, struct bm_crypto *crypto, struct bm_bytes text, bm_transcript_entry_fn *each,
                   void *ctx, struct bm_fail *fail)
{
    bm_cleanup(bm_transcript_done) struct bm_transcript *t = NULL;
    struct reading r = { .crypto = crypto };
    enum bm_rc rc = transcript_new(&t, fail);

    if (rc != BM_OK)
        return rc;
    if (text.n == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "the transcript is empty");
    r.t = t;
    while (text.n > 0) {
        if (t->n == MAX_ENTRIES)
            return bm_fail(fail, BM_EINPUT, NULL, "the transcript has more than %d entries: roll to a new root", MAX_ENTRIES);
        if ((rc = one_read(&r, &text, each, ctx, fail)) != BM_OK)
            return rc;
    }
    *ret_transcript = bm_take(t);
    return BM_OK;
}
