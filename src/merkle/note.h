/* note.h - C2SP signed notes, version 1.0.0, with Ed25519 and ECDSA P-256 keys: text that people read and keys sign. */
#ifndef BM_NOTE_H
#define BM_NOTE_H

#include "base/bytes.h"
#include "base/limits.h"

#define BM_NOTE_NAME 128     /* bytes of a key's name: a host name and a path */
#define BM_NOTE_KEY 32       /* bytes of an Ed25519 public key, and of a seed */
#define BM_NOTE_SIG 64       /* bytes of an Ed25519 signature */
#define BM_NOTE_ED25519 0x01 /* type octets: what our own keys are */
#define BM_NOTE_ECDSA 0x02   /* what smart cards and TPMs have: P-256 with SHA-256, signatures in DER */
#define BM_NOTE_SPKI 91      /* bytes of a P-256 key's SubjectPublicKeyInfo (RFC 5480), the only one for its key */

/* Printable UTF-8, 1 to BM_NOTE_NAME bytes, no space of any kind, no '+'. */
bool bm_note_name_ok(const char *name);

/* Who may have signed. Public. */
struct bm_note_key {
    char name[BM_NOTE_NAME + 1];
    uint32_t id;  /* first 4 bytes of SHA-256(name || 0a || 01 || key), of an ECDSA key of SHA-256(key) */
    uint8_t type; /* BM_NOTE_ED25519: the first BM_NOTE_KEY bytes of key, zeros behind; BM_NOTE_ECDSA: all of it */
    uint8_t key[BM_NOTE_SPKI];
};
bm_must_use enum bm_rc bm_note_key_init(struct bm_note_key *ret, const char *name, const uint8_t key[static BM_NOTE_KEY],
                                        struct bm_fail *fail);
/* From a SubjectPublicKeyInfo, which must be a P-256 key's to the letter, its point on the curve. */
bm_must_use enum bm_rc bm_note_key_init_p256(struct bm_note_key *ret, const char *name, struct bm_bytes spki, struct bm_fail *fail);
uint32_t bm_note_key_id(const char *name, uint8_t type, struct bm_bytes key);
bool bm_note_key_equal(const struct bm_note_key *a, const struct bm_note_key *b);

/* "name+8 hex digits of the id+base64(type || key)", on one line without its end. */
#define BM_NOTE_VKEY (BM_NOTE_NAME + 1 + 8 + 1 + 124)
void bm_note_vkey_build(struct bm_buf *buf, const struct bm_note_key *key);
bm_must_use enum bm_rc bm_note_vkey_parse(struct bm_note_key *ret, struct bm_bytes text, struct bm_fail *fail);

/* Who signs. Private: declare it with bm_cleanup(bm_note_signer_wipe). */
struct bm_note_signer {
    struct bm_note_key key;
    uint8_t seed[BM_NOTE_KEY];
};
/* A new key is 32 random bytes of the caller as its seed. */
bm_must_use enum bm_rc bm_note_signer_init(struct bm_note_signer *ret, const char *name, const uint8_t seed[static BM_NOTE_KEY],
                                           struct bm_fail *fail);
void bm_note_signer_wipe(struct bm_note_signer *signer);
/* PKCS#8 in PEM (RFC 8410 7), not encrypted, as `openssl genpkey -algorithm ed25519` writes it. The name is not in it. */
void bm_note_signer_pem_build(struct bm_buf *buf, const struct bm_note_signer *signer);
bm_must_use enum bm_rc bm_note_signer_pem_parse(struct bm_note_signer *ret, const char *name, struct bm_bytes pem, struct bm_fail *fail);

/* Appends the note: text, an empty line, a signature line for each signer. The text must be bm_note_text_ok(). */
bm_must_use enum bm_rc bm_note_build(struct bm_buf *buf, struct bm_bytes text, const struct bm_note_signer *const *signers, size_t n,
                                     struct bm_fail *fail);
/* The same with one signature that was made elsewhere, in a token. BM_EBUSY when the key does not verify it: a broken token, and nothing leaves. */
bm_must_use enum bm_rc bm_note_join(struct bm_buf *buf, struct bm_bytes text, const struct bm_note_key *key, struct bm_bytes signature,
                                    struct bm_fail *fail);
/* UTF-8 without control characters other than LF, not empty, ends with LF. */
bool bm_note_text_ok(struct bm_bytes text);

/* A note taken apart; views into the bytes that were parsed, which must outlive it. */
struct bm_note {
    struct bm_bytes text; /* what is signed, with its last LF */
    size_t nsigs;
    struct bm_note_line {
        struct bm_bytes name;
        uint32_t id;
        struct bm_bytes b64; /* base64 of id and signature */
    } sigs[BM_MAX_NOTE_SIGS];
};

/* Shape only. Refuses what is not a note to the letter, two signatures of one key, more than BM_MAX_NOTE bytes or BM_MAX_NOTE_SIGS signatures. */
bm_must_use enum bm_rc bm_note_parse(struct bm_note *ret, struct bm_bytes bytes, struct bm_fail *fail);

/* BM_OK: signed by this key. BM_EPOLICY: no signature of this key (those of others are not looked at). BM_EINPUT: its signature is bad. */
bm_must_use enum bm_rc bm_note_check(const struct bm_note *note, const struct bm_note_key *key, struct bm_fail *fail);

/* Of up to 64 known keys: bit i of ret_who is set when keys[i] has signed. BM_EINPUT when the signature of a known key is bad. */
bm_must_use enum bm_rc bm_note_check_any(const struct bm_note *note, const struct bm_note_key *keys, size_t n, uint64_t *ret_who,
                                         struct bm_fail *fail);

#endif
