/* lots.h - the lots that are pinned, and the one that is streaming in: its head computed here, its keys checked against all that are known. */
#ifndef BM_LOTS_H
#define BM_LOTS_H

#include "lot/lot.h"
#include "record/statement.h"
#include "signer/slots.h"

struct bm_pinned {
    char lot[BM_MAX_NAME + 1];
    char vendor[BM_MAX_NAME + 1];
    enum bm_leaf_kind kind;
    uint64_t revision;
    uint64_t size;
    uint8_t root[BM_HASH];
    uint8_t ek_roots[BM_MAX_PIN_EK_ROOTS][BM_HASH]; /* as its pin names them */
    size_t nek_roots;
    uint64_t tags_at, ntags;     /* what it lists: the first of its records in the journal (listed.h) */
    bool withdrawn, quarantined; /* a lot comes in in quarantine when it lists a chip of another that serves, or that was withdrawn */
    bool superseded;             /* by a later revision, which has taken its place: order and chips lead to that one */
};
struct bm_lots {
    struct bm_pinned *lots;
    size_t n;
};
void bm_lots_done(struct bm_lots *lots);
/* A later revision takes the place of the one it supersedes, which moves to the end. *ret_at: the place. */
bm_must_use enum bm_rc bm_lots_add(struct bm_lots *lots, const struct bm_pin *pin, uint32_t *ret_at, struct bm_fail *fail);
/* Index by head (size 0: any size), of any revision; or by name, of the newest; BM_NONE. */
uint32_t bm_lots_by_root(const struct bm_lots *lots, const uint8_t root[static BM_HASH], uint64_t size);
uint32_t bm_lots_by_name(const struct bm_lots *lots, const char *name);
uint32_t bm_lots_find(const struct bm_lots *lots, struct bm_bytes name);

/* May this pin, whose signature has been checked, become a lot? Head note and vendor key go with it; name and head are free, or it is a later revision of
 * a lot that is not withdrawn. */
bm_must_use enum bm_rc bm_pin_check(const struct bm_pin *pin, struct bm_bytes head_note, const struct bm_lots *lots, bool test,
                                    struct bm_fail *fail);

/* A lot on its way in. */
struct bm_stream {
    bool open;
    struct bm_pin pin;
    struct bm_statement_head head;
    struct bm_frontier frontier;
    struct bm_leaf leaf;  /* that is looked at: large */
    struct bm_table seen; /* names of this lot's chips */
    struct bm_buf tags;   /* of the same, in the order of the leaves */
    struct bm_buf begin;  /* BM_S_LOT_BEGIN's body */
};
/* For a pin that bm_pin_check() took. To be closed even when it fails. */
bm_must_use enum bm_rc bm_stream_open(struct bm_stream *ret_stream, const struct bm_statement_head *head, const struct bm_pin *pin,
                                      struct bm_bytes begin, uint64_t seed, struct bm_fail *fail);
void bm_stream_close(struct bm_stream *stream); /* also one that is not open */
bm_must_use enum bm_rc bm_stream_leaf(struct bm_stream *stream, const struct bm_slots *slots, struct bm_bytes der, struct bm_fail *fail);
/* All leaves came and the head is the pinned one. */
bm_must_use enum bm_rc bm_stream_check(const struct bm_stream *stream, struct bm_fail *fail);
/* A chip is in one lot that serves: where another lists one of its chips and was not put into quarantine before, or was withdrawn, this one must come in in
 * quarantine. */
bm_must_use enum bm_rc bm_shared_check(const struct bm_pinned *other, struct bm_fail *fail);

/* Takes one chip's hashes off a run of them (u8 n, n x 32, and so on); false at its end or when it is malformed (rd->bad). */
bool bm_keys_next(struct bm_rd *rd, const uint8_t (**ret_hashes)[BM_HASH], size_t *ret_n);

#endif
