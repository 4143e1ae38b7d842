#include "merkle/note.h"

#include "digest/libcrypto.h"
#include "wire/rd.h"
#include "wire/text.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#define CITE "C2SP signed-note"

/*
 *   text, any number of lines LF
 *   LF
 *   EM DASH SP name SP base64(id || signature) LF       one to BM_MAX_NOTE_SIGS of these
 */
static const char dash[] = "\xe2\x80\x94 ";

bool
bm_note_text_ok(struct bm_bytes text)
{
    size_t n;

    for (size_t i = 0; i < text.n; i += n) {
        n = text.p[i] == '\n' ? 1 : bm_utf8_size(text.p + i, text.n - i);
        if (n == 0)
            return false;
    }
    return text.n > 0 && text.p[text.n - 1] == '\n';
}

static enum bm_rc
ed25519_sign(uint8_t ret[static BM_NOTE_SIG], const struct bm_note_signer *signer, struct bm_bytes text, struct bm_fail *fail)
{
    bm_cleanup(bm_pkey_done) EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, signer->seed, BM_NOTE_KEY);
    bm_cleanup(bm_md_ctx_done) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t n = BM_NOTE_SIG;

    if (key != NULL && ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
        EVP_DigestSign(ctx, ret, &n, text.p, text.n) == 1 && n == BM_NOTE_SIG)
        return BM_OK;
    ERR_clear_error();
    return bm_fail(fail, BM_ENOMEM, NULL, "libcrypto cannot sign with an Ed25519 key");
}

/* The public key for libcrypto; NULL when there is no memory, or its point is none. */
static EVP_PKEY *
key_open(const struct bm_note_key *who)
{
    const uint8_t *p = who->key;

    if (who->type == BM_NOTE_ED25519)
        return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, who->key, BM_NOTE_KEY);
    return d2i_PUBKEY(NULL, &p, BM_NOTE_SPKI);
}

/* ECDSA signatures are DER to the letter: libcrypto writes them again and compares. */
static enum bm_rc
verify(const struct bm_note_key *who, struct bm_bytes text, struct bm_bytes signature, struct bm_fail *fail)
{
    bm_cleanup(bm_pkey_done) EVP_PKEY *key = key_open(who);
    bm_cleanup(bm_md_ctx_done) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good;

    if (who->type == BM_NOTE_ED25519 && signature.n != BM_NOTE_SIG)
        return bm_fail(fail, BM_EINPUT, CITE, "the signature of %s is not an Ed25519 signature", who->name);
    if (key == NULL || ctx == NULL || EVP_DigestVerifyInit(ctx, NULL, who->type == BM_NOTE_ED25519 ? NULL : EVP_sha256(), NULL, key) != 1) {
        ERR_clear_error();
        return bm_fail(fail, BM_ENOMEM, NULL, "libcrypto cannot use the key of %s", who->name);
    }
    good = EVP_DigestVerify(ctx, signature.p, signature.n, text.p, text.n) == 1;
    ERR_clear_error(); /* a bad signature leaves an entry, which a later TLS call would take for its own */
    return good ? BM_OK : bm_fail(fail, BM_EINPUT, CITE, "the signature of %s does not belong to this text", who->name);
}

static enum bm_rc
signature_add(struct bm_buf *buf, const struct bm_note_key *key, struct bm_bytes signature, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf blob = { .max = 256 };
    enum bm_rc rc;

    bm_buf_add_u32(&blob, key->id);
    bm_buf_add_bytes(&blob, signature);
    if ((rc = bm_buf_check(&blob, "a signature", fail)) != BM_OK)
        return rc;
    bm_buf_add_fmt(buf, "%s%s ", dash, key->name);
    bm_b64_add(buf, BM_B64_STD, bm_buf_bytes(&blob));
    bm_buf_add_str(buf, "\n");
    return BM_OK;
}

static enum bm_rc
line_add(struct bm_buf *buf, struct bm_bytes text, const struct bm_note_signer *signer, struct bm_fail *fail)
{
    uint8_t signature[BM_NOTE_SIG];
    enum bm_rc rc = ed25519_sign(signature, signer, text, fail);

    return rc != BM_OK ? rc : signature_add(buf, &signer->key, bm_bytes(signature, sizeof(signature)), fail);
}

static enum bm_rc
signed_twice(const struct bm_note_key *key, struct bm_fail *fail)
{
    return bm_fail(fail, BM_EINPUT, NULL, "%s has signed this already", key->name);
}

enum bm_rc
bm_note_build(struct bm_buf *buf, struct bm_bytes text, const struct bm_note_signer *const *signers, size_t n, struct bm_fail *fail)
{
    enum bm_rc rc = BM_OK;
    size_t before = buf->n;

    if (!bm_note_text_ok(text))
        return bm_fail(fail, BM_EINPUT, CITE, "only lines of text without control characters can be signed");
    if (n == 0 || n > BM_MAX_NOTE_SIGS)
        return bm_fail(fail, BM_EINPUT, CITE, "a note has 1 to %d signatures", BM_MAX_NOTE_SIGS);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            if (bm_note_key_equal(&signers[i]->key, &signers[k]->key))
                return signed_twice(&signers[i]->key, fail);
    bm_buf_add_bytes(buf, text);
    bm_buf_add_str(buf, "\n");
    for (size_t i = 0; i < n && rc == BM_OK; i++)
        rc = line_add(buf, text, signers[i], fail);
    if (rc == BM_OK)
        rc = bm_buf_check(buf, "the note", fail);
    if (rc == BM_OK && buf->n - before > BM_MAX_NOTE)
        rc = bm_fail(fail, BM_EINPUT, NULL, "the note is larger than %d bytes", BM_MAX_NOTE);
    if (rc != BM_OK)
        buf->n = before;
    return rc;
}

enum bm_rc
bm_note_join(struct bm_buf *buf, struct bm_bytes text, const struct bm_note_key *key, struct bm_bytes signature, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (!bm_note_text_ok(text))
        return bm_fail(fail, BM_EINPUT, CITE, "only lines of text without control characters can be signed");
    if (verify(key, text, signature, fail) != BM_OK)
        return bm_fail(fail, BM_EBUSY, NULL,
                       "the token gave a signature that its own public key does not verify: nothing was written, see to the token");
    bm_buf_add_bytes(buf, text);
    bm_buf_add_str(buf, "\n");
    if ((rc = signature_add(buf, key, signature, fail)) != BM_OK)
        return rc;
    return bm_buf_check(buf, "the note", fail);
}

/* The text ends before the last empty line: signature lines are not empty. 0 when there is none. */
static size_t
text_size(struct bm_bytes bytes)
{
    for (size_t i = bytes.n; i >= 2; i--)
        if (bytes.p[i - 1] == '\n' && bytes.p[i - 2] == '\n')
            return i - 1;
    return 0;
}

/* Up to the next such byte, which is taken too. */
static struct bm_bytes
take_to(struct bm_rd *rd, int end)
{
    const uint8_t *at = rd->left > 0 ? memchr(rd->p, end, rd->left) : NULL;
    struct bm_bytes part = bm_rd_take(rd, at == NULL ? rd->left + 1 : (size_t)(at - rd->p));

    (void)bm_rd_u8(rd);
    return part;
}

static bool
name_view_ok(struct bm_bytes name)
{
    char text[BM_NOTE_NAME + 1] = "";

    if (name.n > BM_NOTE_NAME)
        return false;
    if (name.n > 0)
        memcpy(text, name.p, name.n);
    return strlen(text) == name.n && bm_note_name_ok(text);
}

/* One signature line; *blob is used for the decoding only. */
static bool
line_take(struct bm_rd *rd, struct bm_note_line *ret, struct bm_buf *blob)
{
    struct bm_bytes start = bm_rd_take(rd, strlen(dash));
    struct bm_fail unused;
    struct bm_rd in;

    if (!bm_bytes_equal(start, bm_bytes_str(dash)))
        return false;
    ret->name = take_to(rd, ' ');
    ret->b64 = take_to(rd, '\n');
    bm_buf_reset(blob);
    if (rd->bad || !name_view_ok(ret->name) || bm_b64_parse(blob, BM_B64_STD, ret->b64, &unused) != BM_OK || blob->n <= 4)
        return false;
    in = bm_rd(bm_buf_bytes(blob));
    ret->id = bm_rd_u32(&in);
    return true;
}

static bool
stands_before(const struct bm_note *note, const struct bm_note_line *line)
{
    for (size_t i = 0; i < note->nsigs; i++)
        if (note->sigs[i].id == line->id && bm_bytes_equal(note->sigs[i].name, line->name))
            return true;
    return false;
}

enum bm_rc
bm_note_parse(struct bm_note *ret, struct bm_bytes bytes, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf blob = { .max = BM_MAX_NOTE };
    struct bm_note note = { .nsigs = 0 };
    struct bm_rd rd = bm_rd(bytes);

    if (bytes.n > BM_MAX_NOTE)
        return bm_fail(fail, BM_EINPUT, CITE, "the note is larger than %d bytes", BM_MAX_NOTE);
    note.text = bm_rd_take(&rd, text_size(bytes));
    if (!bm_note_text_ok(note.text) || bm_rd_u8(&rd) != '\n' || rd.left == 0)
        return bm_fail(fail, BM_EINPUT, CITE, "this is not a signed note: text, an empty line, signature lines");
    for (; rd.left > 0; note.nsigs++) {
        struct bm_note_line line;

        if (note.nsigs == BM_MAX_NOTE_SIGS)
            return bm_fail(fail, BM_EINPUT, CITE, "the note has more than %d signatures", BM_MAX_NOTE_SIGS);
        if (!line_take(&rd, &line, &blob)) {
            if (blob.nomem)
                return bm_buf_check(&blob, "the note", fail);
            return bm_fail(fail, BM_EINPUT, CITE, "signature line %zu of the note is not one", note.nsigs + 1);
        }
        if (stands_before(&note, &line))
            return bm_fail(fail, BM_EINPUT, CITE, "the note has two signatures of one key");
        note.sigs[note.nsigs] = line;
    }
    *ret = note;
    return BM_OK;
}

/* ret_there: has this key a signature line? */
static enum bm_rc
check_one(const struct bm_note *note, const struct bm_note_key *key, bool *ret_there, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf blob = { .max = BM_MAX_NOTE };
    enum bm_rc rc;

    *ret_there = false;
    for (size_t i = 0; i < note->nsigs; i++) {
        if (note->sigs[i].id != key->id || !bm_bytes_equal(note->sigs[i].name, bm_bytes_str(key->name)))
            continue;
        *ret_there = true;
        if ((rc = bm_b64_parse(&blob, BM_B64_STD, note->sigs[i].b64, fail)) != BM_OK)
            return rc;
        return verify(key, note->text, bm_bytes(blob.p + 4, blob.n - 4), fail);
    }
    return BM_OK;
}

enum bm_rc
bm_note_check(const struct bm_note *note, const struct bm_note_key *key, struct bm_fail *fail)
{
    bool there;
    enum bm_rc rc = check_one(note, key, &there, fail);

    if (rc == BM_OK && !there)
        return bm_fail(fail, BM_EPOLICY, CITE, "this is not signed by %s", key->name);
    return rc;
}

enum bm_rc
bm_note_check_any(const struct bm_note *note, const struct bm_note_key *keys, size_t n, uint64_t *ret_who, struct bm_fail *fail)
{
    uint64_t who = 0;
    enum bm_rc rc;
    bool there;

    if (n > 64)
        return bm_fail(fail, BM_EBUG, NULL, "%zu keys are more than the 64 that can be told apart", n);
    for (size_t i = 0; i < n; i++) {
        if ((rc = check_one(note, &keys[i], &there, fail)) != BM_OK)
            return rc;
        who |= (uint64_t)there << i;
    }
    *ret_who = who;
    return BM_OK;
}
