/* authority.h - a signed statement before it is taken: whose it is, and what is said in the ledger when it is refused all the same. */
#ifndef BM_AUTHORITY_H
#define BM_AUTHORITY_H

#include "signer/signer.h"

struct bm_authority {
    struct bm_statement_head head;
    struct bm_bytes note, text;
    char digest[2 * BM_HASH + 1]; /* of the note, hex */
    char second[BM_MAX_NAME + 1]; /* who approved a proposal; "" */
    enum bm_act act;
    bool barred; /* an operator of this site signed it, with a role that may not: on record too */
    bool proven; /* an operator of this site signed it, with a role that may, and it is its turn; or two did, and its number is new */
};
/* Takes the note off a message's body and checks who signed it: BM_EPOLICY, BM_EINPUT with ret->proven false. */
bm_must_use enum bm_rc bm_authority_open(struct bm_authority *ret, struct bm_signer *signer, struct bm_rd *body, struct bm_fail *fail);
/* Refuses it; with a leaf when it is proven, or barred by the table of acts: then an operator ought to know. `lot` may be NULL. */
bm_must_use enum bm_rc bm_authority_refuse(const struct bm_authority *authority, struct bm_signer *signer, uint64_t id, const char *what,
                                           const char *lot, const struct bm_fail *why, struct bm_fail *fail);

/* What only takes away wants no signature, but an operator whose role may (docs/formats/statements.md). *ret_barred: it was refused, with a leaf. Without a
 * name it is the registrar's own doing. */
bm_must_use enum bm_rc bm_restriction_check(struct bm_signer *signer, uint64_t id, struct bm_bytes by, enum bm_act act, struct bm_bytes lot,
                                            bool *ret_barred, struct bm_fail *fail);

#endif
