/* lot.h - a chipmaker's batch: any format in, one tree out. Formats: docs/formats/lot.md. */
#ifndef BM_LOT_H
#define BM_LOT_H

#include "lot/leaf.h"
#include "merkle/note.h"
#include "merkle/tree.h"

/*
 * The head: a signed note over these lines. Signed by the chipmaker's key (own format), or made by the custodian from a foreign one and then
 * covered by the operator's signature on the pin.
 *
 * birthmark/lot/v1
 * lot EX-001
 * vendor Example Silicon          free text here; 1 to 64 printable characters
 * kind keys                       keys | id
 * size 16                         leaves
 * root 9f3c...                    RFC 6962 tree head over the leaves' DER, hex
 */
struct bm_lot_head {
    char lot[BM_MAX_NAME + 1];
    char vendor[BM_MAX_NAME + 1];
    enum bm_leaf_kind kind;
    uint64_t size;
    uint8_t root[BM_HASH];
};
bm_must_use enum bm_rc bm_lot_head_parse(struct bm_lot_head *ret_head, struct bm_bytes text, struct bm_fail *fail);
void bm_lot_head_build(struct bm_buf *buf, const struct bm_lot_head *head);

/* A chipmaker whose lots we take, as `vendor add` recorded it. */
enum bm_lot_format {
    BM_FORMAT_AUTO,
    BM_FORMAT_BIRTHMARK,
    BM_FORMAT_MICROCHIP
};
struct bm_vendor {
    char name[BM_MAX_NAME + 1];
    enum bm_lot_format format;
    const struct bm_note_key *keys; /* own format: keys that sign heads */
    size_t nkeys;
    struct bm_certs_list { /* microchip: pinned signer certificates, DER */
        const struct bm_bytes *der;
        size_t n;
    } signers, roots; /* roots: where the chips' own certificates end; none = not checked */
};

/* What a reader tells about each chip, in order. The leaf's DER is a view. It is told before the whole file is known to be good: keep nothing of it
 * unless bm_lot_read() returns BM_OK. `odd` gets a sentence about what is strange, and no reason to refuse, in this chip's data. */
struct bm_lot_sink {
    bm_must_use enum bm_rc (*leaf)(void *ctx, uint64_t index, struct bm_bytes der, struct bm_fail *fail);
    void (*odd)(void *ctx, uint64_t index, const char *sentence); /* may be NULL: nobody listens */
    void *ctx;
};

/* What came out. */
struct bm_lot_result {
    enum bm_lot_format format;
    struct bm_lot_head head;                    /* own format: as signed; foreign: computed, lot name from `name` */
    struct bm_bytes head_note;                  /* own format: the signed note, a view into the file; foreign: empty */
    char signer[2 * BM_HASH + BM_MAX_NAME + 2]; /* who signed: a key's name and fingerprint, for people */
    uint64_t checked;                           /* signatures of the vendor that verified: 1 for our own head, one a chip at Microchip */
};

/*
 * Reads and verifies a whole lot: signature, count, duplicate keys within the lot, the tree. All or nothing: any refusal refuses the file.
 * `name` names a foreign lot; NULL: derived from the file's own group id. In our own format the signed head names it and `name`, unless NULL, must
 * say the same. Pure: the file is in memory.
 */
bm_must_use enum bm_rc bm_lot_read(struct bm_lot_result *ret_result, struct bm_bytes file, const struct bm_vendor *vendor, const char *name,
                                   struct bm_crypto *crypto, const struct bm_lot_sink *sink, struct bm_fail *fail);

/* One reader a format, in a const table (read.c); probe() looks at the first bytes only. */
struct bm_lot_reader {
    const char *word; /* "birthmark", "microchip" */
    enum bm_lot_format format;
    bool (*probe)(struct bm_bytes file);
    bm_must_use enum bm_rc (*read)(struct bm_lot_result *ret_result, struct bm_bytes file, const struct bm_vendor *vendor, const char *name,
                                   struct bm_crypto *crypto, const struct bm_lot_sink *sink, struct bm_fail *fail);
};

extern const struct bm_lot_reader bm_manifest_reader;  /* library lot: what the signer may link */
extern const struct bm_lot_reader bm_microchip_reader; /* library lot_formats, as bm_lot_read() */

/* Making one: "birthmark-manifest v1\n", u32 length and the head's note, then every leaf with a u32 length before it, in the order given. Refuses
 * what bm_lot_read() would: leaves that are none or of two kinds, a root key that is there twice. */
bm_must_use enum bm_rc bm_manifest_build(struct bm_buf *buf, const char *lot, const char *vendor, const struct bm_bytes *leaves,
                                         size_t nleaves, const struct bm_note_signer *signer, struct bm_fail *fail);

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
