/* transcript.h - what was done at the ceremonies of one root CA: entries that people read, signed by its key and by all who were present. */
#ifndef BM_TRANSCRIPT_H
#define BM_TRANSCRIPT_H

#include "merkle/note.h"
#include "pki/cert.h"

/* Format: docs/formats/ceremony.md. */
#define BM_MAX_TRANSCRIPT (8 << 20) /* bytes: 1,000 entries of 8 KiB */
#define BM_MAX_ENTRY_PRESENT 8
#define BM_MAX_ENTRY_STEPS 64
#define BM_MAX_ENTRY_FILES 64
#define BM_MAX_ENTRY_CERTS 16
#define BM_MAX_STEP 300       /* bytes of a sentence */
#define BM_MAX_ENTRY_FILE 128 /* bytes of a file's name */
#define BM_MAX_ISSUED 256     /* certificates under one root: 64 issuing CAs at a site, several sites */

enum bm_entry_act {
    BM_ENTRY_MAKE = 1, /* the root; with it, where it follows another one, what joins the two */
    BM_ENTRY_SIGN,     /* CAs */
    BM_ENTRY_ROLL,     /* the next root's key was signed: the last but for what still has to be signed by this one */
    BM_ENTRY__N
};

/* What a certificate is for. */
enum bm_root_class {
    BM_CLASS_ROOT = 1,
    BM_CLASS_OPERATIONAL,
    BM_CLASS_IDEVID,
    BM_CLASS_SERVER,
    BM_CLASS_OPERATORS,
    BM_CLASS_OCSP, /* no CA: answers for the root about the CAs under it */
    BM_CLASS_NEW_WITH_OLD,
    BM_CLASS_OLD_WITH_NEW,
    BM_CLASS__N
};
const char *bm_class_word(enum bm_root_class class); /* "operational" */
enum bm_root_class bm_class_find(const char *word);  /* 0: none */

struct bm_transcript_entry {
    uint64_t number;           /* from 1 */
    uint8_t before[BM_HASH];   /* SHA-256 of the entry before, with its signatures; zeros in the first */
    bool follows;              /* the first of a root that takes over from another: */
    uint8_t followed[BM_HASH]; /* SHA-256 of that root's entry of act roll */
    enum bm_entry_act act;
    bm_time begun, time; /* first step, signatures */
    char program[BM_MAX_NAME + 1];
    uint8_t executable[BM_HASH];
    char machine[BM_MAX_NAME + 1];
    char organization[BM_MAX_NAME + 1];
    bool test;
    uint8_t root[BM_HASH]; /* SHA-256 of the root's certificate */
    char key[BM_MAX_STEP + 1], attributes[BM_MAX_STEP + 1];
    struct bm_note_key present[BM_MAX_ENTRY_PRESENT];
    size_t npresent;
    struct bm_entry_step {
        bm_time time;
        char text[BM_MAX_STEP + 1];
    } steps[BM_MAX_ENTRY_STEPS];
    size_t nsteps;
    struct bm_entry_file {
        bool out; /* written; else read */
        uint8_t hash[BM_HASH];
        char name[BM_MAX_ENTRY_FILE + 1];
    } files[BM_MAX_ENTRY_FILES];
    size_t nfiles;
    struct bm_entry_cert {
        enum bm_root_class class;
        struct bm_buf der;
    } certs[BM_MAX_ENTRY_CERTS];
    size_t ncerts;
};
/* 35 KB: on the heap. */
bm_must_use enum bm_rc bm_transcript_entry_new(struct bm_transcript_entry **ret_entry, struct bm_fail *fail);
void bm_transcript_entry_done(struct bm_transcript_entry **entry); /* for bm_cleanup() */
/* The text that is signed. Appended; what cannot stand there poisons. */
void bm_transcript_entry_build(struct bm_buf *buf, const struct bm_transcript_entry *entry);
/* Into a new entry. Shape alone. */
bm_must_use enum bm_rc bm_transcript_entry_parse(struct bm_transcript_entry *ret_entry, struct bm_bytes text, struct bm_fail *fail);

/* The name by which the root's key signs notes; nobody present may have it. */
#define BM_ROOT_NAME "root"
bm_must_use enum bm_rc bm_root_note_key(struct bm_note_key *ret_key, const struct bm_key *key, struct bm_fail *fail);

/* The file of a certificate, beneath the ceremony's directory: root.pem, issued/Operational-CA-1.pem. BM_EINPUT: its CN makes no name of a file. */
bm_must_use enum bm_rc bm_class_file(char ret[static BM_MAX_ENTRY_FILE + 1], enum bm_root_class class, struct bm_bytes der,
                                     struct bm_fail *fail);

/* All of it, checked: signatures, chain, certificates. What stands in it is true if the root's key and those of the people are whose they should be. */
struct bm_transcript {
    uint64_t n;
    uint8_t head[BM_HASH]; /* SHA-256 of the last entry: whoever kept it knows that nothing after it was taken away */
    bm_time time;          /* of the last entry */
    char organization[BM_MAX_NAME + 1];
    bool test, follows;
    uint8_t followed[BM_HASH], root[BM_HASH];
    struct bm_note_key root_key, *present; /* everybody who ever was */
    size_t npresent;
    struct bm_issued {
        uint64_t entry;
        enum bm_root_class class;
        struct bm_buf der;
        bool out; /* stands in a file, too */
        char file[BM_MAX_ENTRY_FILE + 1];
    } * issued;
    size_t nissued;
    uint8_t (*heads)[BM_HASH]; /* of each entry */
};
void bm_transcript_done(struct bm_transcript **transcript); /* for bm_cleanup() */
/* each: called for every entry when it has been checked; may be NULL. BM_EINPUT or BM_EPOLICY with the entry that is wrong and how. */
typedef enum bm_rc bm_transcript_entry_fn(void *ctx, const struct bm_transcript_entry *entry, struct bm_fail *fail);
bm_must_use enum bm_rc bm_transcript_read(struct bm_transcript **ret_transcript, struct bm_crypto *crypto, struct bm_bytes text,
                                          bm_transcript_entry_fn *each, void *ctx, struct bm_fail *fail);

#endif
