/* checkpoint.h - the C2SP tlog checkpoint, version 1.0.0: the signed head of a tree. */
#ifndef BM_CHECKPOINT_H
#define BM_CHECKPOINT_H

#include "merkle/note.h"

/*
 *   ledger.example/site-1                            origin: which tree
 *   20852163                                         size, decimal
 *   CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=     root, base64
 */
struct bm_checkpoint {
    char origin[BM_NOTE_NAME + 1]; /* printable UTF-8, not empty, no LF */
    uint64_t size;
    uint8_t root[BM_HASH];
};

/* The body, without signatures. */
bm_must_use enum bm_rc bm_checkpoint_build(struct bm_buf *buf, const struct bm_checkpoint *checkpoint, struct bm_fail *fail);
/* Exactly three lines: extension lines are refused, since we would sign or trust what we don't understand. */
bm_must_use enum bm_rc bm_checkpoint_parse(struct bm_checkpoint *ret, struct bm_bytes text, struct bm_fail *fail);

/* Body and signature at once. */
bm_must_use enum bm_rc bm_checkpoint_sign(struct bm_buf *buf, const struct bm_checkpoint *checkpoint, const struct bm_note_signer *signer,
                                          struct bm_fail *fail);
/* Note, signature of this key, body, origin: all or nothing. Classes as bm_note_check(); BM_EINPUT for another origin. */
bm_must_use enum bm_rc bm_checkpoint_open(struct bm_checkpoint *ret, struct bm_bytes note, const struct bm_note_key *key,
                                          const char *origin, struct bm_fail *fail);

#endif
