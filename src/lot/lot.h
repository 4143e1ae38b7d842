/* lot.h - a chipmaker's batch: any format in, one tree out. Formats: docs/formats/lot.md. */
#ifndef BM_LOT_H
#define BM_LOT_H

#include "lot/check.h"
#include "lot/leaf_skim.h"
#include "base/env.h"
#include "merkle/note.h"
#include "merkle/tree.h"

/*
 * The head: a signed note over these lines. Signed by the chipmaker's key (own format), or made by the custodian from a foreign one and then
 * covered by the operator's signature on the pin.
 *
 * birthmark/lot/v1
 * lot EX-001
 * vendor Example Silicon          free text here; 1 to 64 printable characters
 * revision 2                      only from 2 on: this list replaces those of the same name with lower numbers
 * delivery EX                     only where a delivery is divided into several lots: its name,
 * part 1                          which part this lot is,
 * parts 3                         and how many there are
 * kind keys                       keys | id
 * size 16                         leaves
 * root 9f3c...                    RFC 6962 tree head over the leaves' DER, hex
 */
struct bm_lot_head {
    char lot[BM_MAX_NAME + 1];
    char vendor[BM_MAX_NAME + 1];
    bool test;                      /* its maker says that it is for tests: no production site takes it */
    uint64_t revision;              /* 1 and up; parse gives 1 where there is no line; build takes 0 as 1 */
    char delivery[BM_MAX_NAME + 1]; /* "" = not divided */
    uint64_t part, parts;           /* 1 <= part <= parts <= BM_MAX_LOT_PARTS; 0 where not divided */
    enum bm_leaf_kind kind;
    uint64_t size;
    uint8_t root[BM_HASH];
};
bm_must_use enum bm_rc bm_lot_head_parse(struct bm_lot_head *ret_head, struct bm_bytes text, struct bm_fail *fail);
void bm_lot_head_build(struct bm_buf *buf, const struct bm_lot_head *head);

enum bm_lot_format {
    BM_FORMAT_AUTO,
    BM_FORMAT_BIRTHMARK,
    BM_FORMAT_MICROCHIP,
    BM_FORMAT_INFINEON,
    BM_FORMAT_EK,
    BM_FORMAT_CSV
};
const char *bm_lot_format_word(enum bm_lot_format format); /* "auto", "birthmark", ...; and back (BM_EINPUT) */
bm_must_use enum bm_rc bm_lot_format_find(enum bm_lot_format *ret_format, const char *word, struct bm_fail *fail);

struct bm_certs_list { /* DER each */
    const struct bm_bytes *der;
    size_t n;
};
/* A chipmaker whose lots we take, as `vendor add` recorded it. */
struct bm_vendor {
    char name[BM_MAX_NAME + 1];
    enum bm_lot_format format;
    const struct bm_note_key *keys; /* own format: keys that sign heads */
    size_t nkeys;
    struct bm_certs_list signers; /* pinned certificates of those who sign foreign lists (Microchip) */
    struct bm_certs_list roots;   /* where the chips' own certificates end, and what stands between; none = not checked */
    const uint8_t (
        *retired)[BM_HASH]; /* signers that are believed no more: SHA-256 of the certificate's DER, or of the note key's 32 bytes */
    size_t nretired;
};
bool bm_vendor_retired(const struct bm_vendor *vendor, const uint8_t fingerprint[static BM_HASH]);

/* CSV: which column is what ("key" "certificate" "id", or a label's name). Spelled on the command line as WHAT=COLUMN. */
struct bm_column_map {
    const char *what, *column;
};
#define BM_MAX_COLUMN_MAPS 16

/* One file to be read, and all that the custodian says about it. Everything is borrowed and must outlive the reading. */
struct bm_lot_job {
    struct bm_bytes file;
    const struct bm_vendor *vendor;
    const char *name; /* the lot's, where the file has none of its own (foreign formats); NULL: the file's own, or the stem of file_name */
    const char *file_name;               /* as it was delivered, without directories: a label; NULL: unknown */
    struct bm_bytes signature;           /* CSV: detached CMS (DER) or JWS over the file; n = 0: none */
    const struct bm_column_map *columns; /* CSV */
    size_t ncolumns;
    uint64_t revision; /* the custodian says which it is, of a list that names none (foreign formats); 0: the first */
    bool injected;     /* the custodian says that the root keys were injected */
    bm_time now;       /* of receipt; 0: not asked about (a test) */
    struct bm_crypto *crypto;
    /* Told now and then how far the file was gone through, also by a reader's open(): who mapped it can give memory back. May be NULL. */
    void (*behind)(void *ctx, uint64_t at);
    void *behind_ctx;
};

/* Something about one chip. */
struct bm_finding {
    enum bm_check check;
    char sentence[220];
};
#define BM_MAX_FINDINGS 12

/* One chip, checked: what a worker hands back. About 20 KiB. */
struct bm_lot_chip {
    bool have;           /* false: a fatal finding, and no leaf. (A fatal finding may stand beside a leaf too.) */
    struct bm_leaf leaf; /* as its reader left it; not in a chip that comes from another process, of which its digest tells */
    struct bm_finding findings[BM_MAX_FINDINGS];
    size_t nfindings;
    uint32_t signatures;                        /* of the vendor that verified for this chip, those in its chain included */
    char delivery[BM_MAX_NAME + 1];             /* the file's own name for what it belongs to; "" = none */
    char signer[2 * BM_HASH + BM_MAX_NAME + 2]; /* who signed its entry: a name and a fingerprint, for people; "" = nobody */
    bm_time time;                               /* provisioned, as signed; 0 = not said */
    uint8_t san[BM_HASH];                       /* hash of its certificate's subjectAltName; zeros = none */
};
/* Adds a finding (dropped past BM_MAX_FINDINGS unless it is fatal: then it takes the last place). */
void bm_lot_chip_find(struct bm_lot_chip *chip, enum bm_check check, const char *fmt, ...) bm_printf(3, 4);
/* For the process that reads and the one that joins: one chip as bytes and back; strict, BM_EINPUT, but for the leaf, which the joining looks at
 * (bm_leaf_digest_take()). *ret_der: a view into bytes. */
void bm_lot_chip_build(struct bm_buf *buf, const struct bm_lot_chip *chip, struct bm_bytes der);
bm_must_use enum bm_rc bm_lot_chip_parse(struct bm_lot_chip *ret_chip, struct bm_bytes *ret_der, struct bm_bytes bytes,
                                         struct bm_fail *fail);
void bm_lot_chip_reset(struct bm_lot_chip *chip); /* everything but the leaf's content, which counts only with `have` */
const struct bm_finding *bm_lot_chip_fatal(const struct bm_lot_chip *chip); /* the first one, or NULL */

/* What came out. */
struct bm_lot_result {
    enum bm_lot_format format;
    struct bm_lot_head head;                    /* own format: as signed; foreign: computed, lot name from the job or the file */
    struct bm_bytes head_note;                  /* own format: the signed note, a view into the file; foreign: empty */
    bool signed_whole;                          /* one signature covers the list as a whole: nothing can be missing from it */
    bool signed_each;                           /* each entry is signed by the vendor */
    char signer[2 * BM_HASH + BM_MAX_NAME + 2]; /* who signed: a key's name and fingerprint, for people; "" = nobody */
    uint64_t checked;                           /* signatures of the vendor that verified, chains included */
    bm_time first, last;                        /* of the provisioning times; 0 = none said */
};

/*
 * ---- reading, in two halves, so that many processes can share the costly one ----
 *
 * open: the whole-file signature. next: cuts the next item off, cheaply and in order. check: everything about one item, a pure function of it; may
 * be called for some items only.
 */
struct bm_reading; /* each format's own */
struct bm_lot_reader {
    const char *word;
    enum bm_lot_format format;
    const char *what;                    /* for people: "Birthmark's own manifest" */
    bool (*probe)(struct bm_bytes file); /* looks at the first bytes only */
    bm_must_use enum bm_rc (*open)(struct bm_reading **ret_reading, const struct bm_lot_job *job, struct bm_fail *fail);
    /* The item is a view that lives until the next call. *ret_at: bytes of the file gone through, for a progress bar. */
    bm_must_use enum bm_rc (*next)(struct bm_reading *reading, bool *ret_have, struct bm_bytes *ret_item, uint64_t *ret_at,
                                   struct bm_fail *fail);
    /* What is wrong with the chip is a finding, and BM_OK; other failures (no memory) end the reading. Fills all of chip; appends the leaf to der. */
    bm_must_use enum bm_rc (*check)(struct bm_reading *reading, uint64_t index, struct bm_bytes item, struct bm_lot_chip *chip,
                                    struct bm_buf *der, struct bm_fail *fail);
    /* After the last item: what is known of the file as a whole. Fills format, head (own format), head_note, signed_*, signer, checked. */
    bm_must_use enum bm_rc (*end)(struct bm_reading *reading, struct bm_lot_result *result, struct bm_fail *fail);
    void (*free)(struct bm_reading *reading);
};
/* check() and what every format needs after it: screens of the keys (screen.h), keys that were injected. */
bm_must_use enum bm_rc bm_lot_item_check(const struct bm_lot_reader *reader, struct bm_reading *reading, uint64_t index,
                                         struct bm_bytes item, struct bm_lot_chip *chip, struct bm_buf *der, struct bm_fail *fail);
/* The reader for this file, which must be what the vendor delivers; BM_EINPUT with the list of formats. */
bm_must_use enum bm_rc bm_lot_reader_find(const struct bm_lot_reader **ret_reader, const struct bm_lot_job *job, struct bm_fail *fail);

extern const struct bm_lot_reader bm_manifest_reader;  /* library lot: what the signer may link */
extern const struct bm_lot_reader bm_microchip_reader; /* library lot_formats, as bm_lot_read() */
extern const struct bm_lot_reader bm_infineon_reader;
extern const struct bm_lot_reader bm_ek_reader;
extern const struct bm_lot_reader bm_csv_reader;

/*
 * What a reading tells, in order of the chips. Keep nothing of it unless the reading ends with BM_OK: the whole file may yet be refused.
 * der: the leaf as it stands in the tree; empty when the chip has a fatal finding. digest: what it says, hashed once for all who ask; void when der is empty.
 */
struct bm_lot_sink {
    bm_must_use enum bm_rc (*chip)(void *ctx, uint64_t index, const struct bm_lot_chip *chip, struct bm_bytes der,
                                   const struct bm_leaf_digest *digest, struct bm_fail *fail);
    void (*progress)(void *ctx, uint64_t done, uint64_t total); /* bytes of the file; may be NULL */
    void *ctx;
    bool go_on; /* true: a fatal finding is told and the reading goes on (lot inspect). false: the first one ends it, with its sentence */
};

/*
 * The other half: chips in order become one tree. Cross-chip findings (one id twice, two deliveries ...) are added to the chip before it is told.
 */
struct bm_join;
bm_must_use enum bm_rc bm_join_new(struct bm_join **ret_join, const struct bm_lot_job *job, const struct bm_lot_sink *sink,
                                   struct bm_fail *fail);
void bm_join_done(struct bm_join **join);
bm_must_use enum bm_rc bm_join_chip(struct bm_join *join, struct bm_lot_chip *chip, struct bm_bytes der, struct bm_fail *fail);
/* `result` as the reader's end() left it: adds what the chips said, the computed head (foreign) or compares it (own). A root key that stands in two chips
 * is found here at the latest. */
bm_must_use enum bm_rc bm_join_end(struct bm_join *join, struct bm_lot_result *result, struct bm_fail *fail);

/* All of it in this process. All or nothing: any fatal finding refuses the file (unless sink->go_on). sink may be NULL. Waivable findings are told, and
 * refuse nothing here: whoever listens decides. Pure: the file is in memory. */
bm_must_use enum bm_rc bm_lot_read(struct bm_lot_result *ret_result, const struct bm_lot_job *job, const struct bm_lot_sink *sink,
                                   struct bm_fail *fail);

/* Making one: "birthmark-manifest v1\n", u32 length and the head's note, then every leaf with a u32 length before it, in the order given. `head` says lot,
 * vendor, revision and part; kind, size and root are computed. Refuses what bm_lot_read() would: leaves that are none or of two kinds, a root key that is
 * there twice. Signs by `sign` (a note over these bytes: file key or token). */
struct bm_head_signer {
    bm_must_use enum bm_rc (*sign)(void *ctx, struct bm_bytes text, struct bm_buf *note, struct bm_fail *fail);
    void *ctx;
};
bm_must_use enum bm_rc bm_manifest_build(struct bm_buf *buf, const struct bm_lot_head *head, const struct bm_bytes *leaves, size_t nleaves,
                                         const struct bm_head_signer *signer, struct bm_fail *fail);
enum bm_rc bm_head_sign_note(void *ctx, struct bm_bytes text, struct bm_buf *note,
                             struct bm_fail *fail); /* ctx: const struct bm_note_signer * */

/*
 * The chip record that `chip create` writes: PEM block "BIRTHMARK CHIP" around SEQUENCE { version INTEGER (1), leaf ChipLeaf,
 * certificates SEQUENCE (0..8) OF Certificate }: the leaf's hashes name the certificates. bm_chip_parse() takes the
 * DER: the file may also be that, without PEM.
 */
struct bm_chip {
    struct bm_leaf leaf;
    struct bm_bytes leaf_der;
    struct bm_bytes certs[BM_MAX_CHIP_HASHES];
    size_t ncerts;
};
bm_must_use enum bm_rc bm_chip_parse(struct bm_chip *ret_chip, struct bm_bytes der, struct bm_fail *fail);
bm_must_use enum bm_rc bm_chip_build(struct bm_buf *buf, const struct bm_leaf *leaf, const struct bm_bytes *certs, size_t ncerts,
                                     struct bm_fail *fail);

#endif
