/* note_key.c - the keys of signed notes: names, ids, verifier keys as text, private keys as PEM. */
#include "merkle/note.h"

#include "digest/digest.h"
#include "digest/libcrypto.h"
#include "wire/rd.h"
#include "wire/text.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#define CITE "C2SP signed-note"

/* Blanks beyond ASCII that Unicode calls White_Space: a name with one would look like two. U+0085 is a control character already. */
static bool
is_wide_space(const uint8_t *p, size_t n)
{
    if (n == 2)
        return p[0] == 0xc2 && p[1] == 0xa0;
    if (n != 3)
        return false;
    if (p[0] == 0xe1)
        return p[1] == 0x9a && p[2] == 0x80; /* U+1680 */
    if (p[0] == 0xe2 && p[1] == 0x80)
        return p[2] <= 0x8a || p[2] == 0xa8 || p[2] == 0xa9 || p[2] == 0xaf; /* U+2000 to U+200A, U+2028, U+2029, U+202F */
    if (p[0] == 0xe2 && p[1] == 0x81)
        return p[2] == 0x9f;                             /* U+205F */
    return p[0] == 0xe3 && p[1] == 0x80 && p[2] == 0x80; /* U+3000 */
}

static bool
name_bytes_ok(struct bm_bytes name)
{
    size_t n;

    for (size_t i = 0; i < name.n; i += n) {
        n = bm_utf8_size(name.p + i, name.n - i);
        if (n == 0 || name.p[i] == ' ' || name.p[i] == '+' || is_wide_space(name.p + i, n))
            return false;
    }
    return name.n > 0 && name.n <= BM_NOTE_NAME;
}

bool
bm_note_name_ok(const char *name)
{
    return name_bytes_ok(bm_bytes_str(name));
}

uint32_t
bm_note_key_id(const char *name, uint8_t type, struct bm_bytes key)
{
    const struct bm_bytes pieces[] = { bm_bytes_str(name), bm_bytes("\n", 1), bm_bytes(&type, 1), key };
    uint8_t hash[BM_HASH];

    bm_sha256_pieces(hash, pieces, BM_COUNT(pieces));
    return (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3];
}

bool
bm_note_key_equal(const struct bm_note_key *a, const struct bm_note_key *b)
{
    return a->id == b->id && a->type == b->type && strcmp(a->name, b->name) == 0 && memcmp(a->key, b->key, BM_NOTE_SPKI) == 0;
}

static enum bm_rc
name_refuse(struct bm_fail *fail)
{
    return bm_fail(fail, BM_EINPUT, CITE, "a key's name is 1 to %d printable bytes without spaces and without '+'", BM_NOTE_NAME);
}

enum bm_rc
bm_note_key_init(struct bm_note_key *ret, const char *name, const uint8_t key[static BM_NOTE_KEY], struct bm_fail *fail)
{
    struct bm_note_key made = { .type = BM_NOTE_ED25519 };

    if (!bm_note_name_ok(name))
        return name_refuse(fail);
    memcpy(made.name, name, strlen(name) + 1);
    memcpy(made.key, key, BM_NOTE_KEY);
    made.id = bm_note_key_id(name, BM_NOTE_ED25519, bm_bytes(key, BM_NOTE_KEY));
    *ret = made;
    return BM_OK;
}

/*
 * RFC 5480 2, of a P-256 key with an uncompressed point, to the letter:
 *   30 59  30 13  06 07 id-ecPublicKey  06 08 prime256v1  03 42 00  04 X Y
 */
static const uint8_t p256_head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                                     0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04 };
_Static_assert(sizeof(p256_head) + 64 == BM_NOTE_SPKI, "a point behind it");

/* req: RFC5480 2.2 a point, uncompressed; C2SP signed-note: a key's id is of its SubjectPublicKeyInfo alone */
enum bm_rc
bm_note_key_init_p256(struct bm_note_key *ret, const char *name, struct bm_bytes spki, struct bm_fail *fail)
{
    bm_cleanup(bm_pkey_done) EVP_PKEY *key = NULL;
    struct bm_note_key made = { .type = BM_NOTE_ECDSA };
    const uint8_t *p = spki.p;
    uint8_t hash[BM_HASH];

    if (!bm_note_name_ok(name))
        return name_refuse(fail);
    if (spki.n != BM_NOTE_SPKI || memcmp(spki.p, p256_head, sizeof(p256_head)) != 0 ||
        (key = d2i_PUBKEY(NULL, &p, BM_NOTE_SPKI)) == NULL) { /* which looks whether the point is on the curve */
        ERR_clear_error();
        return bm_fail(fail, BM_EINPUT, "RFC 5480 2", "this is not the public key of a P-256 key, with an uncompressed point on its curve");
    }
    memcpy(made.name, name, strlen(name) + 1);
    memcpy(made.key, spki.p, BM_NOTE_SPKI);
    bm_sha256(hash, spki);
    made.id = (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3];
    *ret = made;
    return BM_OK;
}

void
bm_note_vkey_build(struct bm_buf *buf, const struct bm_note_key *key)
{
    uint8_t typed[1 + BM_NOTE_SPKI] = { key->type };

    memcpy(typed + 1, key->key, BM_NOTE_SPKI);
    bm_buf_add_fmt(buf, "%s+%08x+", key->name, (unsigned)key->id);
    bm_b64_add(buf, BM_B64_STD, bm_bytes(typed, key->type == BM_NOTE_ECDSA ? sizeof(typed) : 1 + BM_NOTE_KEY));
}

/* Up to the next '+', which is taken too. */
static struct bm_bytes
to_plus(struct bm_rd *rd)
{
    const uint8_t *plus = rd->left > 0 ? memchr(rd->p, '+', rd->left) : NULL;
    struct bm_bytes part = bm_rd_take(rd, plus == NULL ? rd->left + 1 : (size_t)(plus - rd->p));

    (void)bm_rd_u8(rd);
    return part;
}

enum bm_rc
bm_note_vkey_parse(struct bm_note_key *ret, struct bm_bytes text, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf typed = { .max = 1 + BM_NOTE_SPKI }, again = { .max = BM_NOTE_VKEY };
    struct bm_rd rd = bm_rd(text);
    struct bm_bytes name = to_plus(&rd), id = to_plus(&rd), b64 = bm_rd_rest(&rd);
    char name_text[BM_NOTE_NAME + 1] = "";
    struct bm_note_key key;
    enum bm_rc rc;

    if (rd.bad || id.n != 8 || name.n > BM_NOTE_NAME || bm_b64_parse(&typed, BM_B64_STD, b64, fail) != BM_OK || typed.n == 0 ||
        typed.n != 1 + (typed.p[0] == BM_NOTE_ECDSA ? BM_NOTE_SPKI : BM_NOTE_KEY) ||
        (typed.p[0] != BM_NOTE_ED25519 && typed.p[0] != BM_NOTE_ECDSA))
        return bm_fail(fail, BM_EINPUT, CITE, "a verifier key is written as name+0123abcd+AQ... (Ed25519) or AjBZ... (P-256), on one line");
    memcpy(name_text, name.p, name.n);
    if (strlen(name_text) != name.n)
        return bm_fail(fail, BM_EINPUT, CITE, "the name of a verifier key holds a NUL");
    rc = typed.p[0] == BM_NOTE_ECDSA ? bm_note_key_init_p256(&key, name_text, bm_bytes(typed.p + 1, typed.n - 1), fail)
                                     : bm_note_key_init(&key, name_text, typed.p + 1, fail);
    if (rc != BM_OK)
        return rc;
    bm_note_vkey_build(&again, &key);
    if (!bm_bytes_equal(bm_buf_bytes(&again), text))
        return bm_fail(fail, BM_EINPUT, CITE, "the verifier key is damaged: its id must be %08x", (unsigned)key.id);
    *ret = key;
    return BM_OK;
}

enum bm_rc
bm_note_signer_init(struct bm_note_signer *ret, const char *name, const uint8_t seed[static BM_NOTE_KEY], struct bm_fail *fail)
{
    bm_cleanup(bm_pkey_done) EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, BM_NOTE_KEY);
    uint8_t public[BM_NOTE_KEY];
    size_t n = sizeof(public);
    struct bm_note_key made;
    enum bm_rc rc;

    if (key == NULL || EVP_PKEY_get_raw_public_key(key, public, &n) != 1 || n != sizeof(public)) {
        ERR_clear_error();
        return bm_fail(fail, BM_ENOMEM, NULL, "libcrypto cannot make an Ed25519 key");
    }
    if ((rc = bm_note_key_init(&made, name, public, fail)) != BM_OK)
        return rc;
    ret->key = made;
    memcpy(ret->seed, seed, BM_NOTE_KEY);
    return BM_OK;
}

void
bm_note_signer_wipe(struct bm_note_signer *signer)
{
    explicit_bzero(signer, sizeof(*signer));
}

/*
 * RFC 8410 7, the whole of it:
 *   30 2e  02 01 00  30 05 06 03 2b 65 70  04 22 04 20 SEED
 */
static const uint8_t pkcs8_head[] = { 0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20 };
static const char pem_begin[] = "-----BEGIN PRIVATE KEY-----\n";
static const char pem_end[] = "\n-----END PRIVATE KEY-----\n";

void
bm_note_signer_pem_build(struct bm_buf *buf, const struct bm_note_signer *signer)
{
    uint8_t der[sizeof(pkcs8_head) + BM_NOTE_KEY];

    memcpy(der, pkcs8_head, sizeof(pkcs8_head));
    memcpy(der + sizeof(pkcs8_head), signer->seed, BM_NOTE_KEY);
    bm_buf_add_str(buf, pem_begin);
    bm_b64_add(buf, BM_B64_STD, bm_bytes(der, sizeof(der)));
    bm_buf_add_str(buf, pem_end);
    explicit_bzero(der, sizeof(der));
}

/* What stands between the first line and the last, which are taken to the letter. */
static bool
pem_body(struct bm_bytes *ret, struct bm_bytes pem)
{
    size_t head = strlen(pem_begin), tail = strlen(pem_end);

    if (pem.n < head + tail || memcmp(pem.p, pem_begin, head) != 0 || memcmp(pem.p + pem.n - tail, pem_end, tail) != 0)
        return false;
    *ret = bm_bytes(pem.p + head, pem.n - head - tail);
    return true;
}

enum bm_rc
bm_note_signer_pem_parse(struct bm_note_signer *ret, const char *name, struct bm_bytes pem, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = sizeof(pkcs8_head) + BM_NOTE_KEY };
    struct bm_bytes body;

    if (!pem_body(&body, pem) || bm_b64_parse(&der, BM_B64_STD, body, fail) != BM_OK || der.n != sizeof(pkcs8_head) + BM_NOTE_KEY ||
        memcmp(der.p, pkcs8_head, sizeof(pkcs8_head)) != 0)
        return bm_fail(fail, BM_EINPUT, "RFC 8410 7",
                       "this is not an Ed25519 private key in PEM, not encrypted (openssl genpkey -algorithm ed25519)");
    return bm_note_signer_init(ret, name, der.p + sizeof(pkcs8_head), fail);
}
