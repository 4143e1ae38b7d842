/* operator.h - who signs: an operator's key in the site's directory, and the statements it makes. */
#ifndef BM_CLI_OPERATOR_H
#define BM_CLI_OPERATOR_H

#include "cli/ask.h"
#include "cli/operator_key.h"
#include "merkle/note.h"
#include "record/statement.h"
#include "wire/json.h"

#define BM_OPTION_OPERATOR                                                                                                            \
    {                                                                                                                                 \
        .name = "operator", .value = "NAME", .help = "who signs, with operators/NAME.key or .uri; may be left out where there is one" \
    }

/* --operator, or the only one whose key lies in HOME/operators. */
bm_must_use enum bm_rc bm_operator_name(struct bm_call *call, char ret_name[static BM_MAX_NAME + 1], struct bm_fail *fail);

struct bm_desk {
    struct bm_operator_key key;
    enum bm_act act;
    uint64_t next_seq;
    struct bm_statement_head head; /* of the next statement of this kind */
};
void bm_desk_done(struct bm_desk *desk);
/* The operator's key, and where the site stands: it must be the one whose ledger key trust.txt names, since a statement signed for another site would be
 * good there. An act that takes two persons there gets a proposal's head. */
bm_must_use enum bm_rc bm_desk_open(struct bm_desk *ret_desk, enum bm_act act, struct bm_ask *ask, struct bm_fail *fail);
/* What takes one person whatever the policy says. */
void bm_desk_alone(struct bm_desk *desk);
/* Text into a signed note. */
bm_must_use enum bm_rc bm_desk_sign(const struct bm_desk *desk, const struct bm_buf *text, struct bm_buf *note, struct bm_fail *fail);
/* Signs, sends as BM_C_STATEMENT with these profiles' texts. A proposal is handed in as one: bm_desk_proposed(). */
bm_must_use enum bm_rc bm_desk_send(const struct bm_desk *desk, struct bm_ask *ask, const struct bm_buf *text,
                                    const struct bm_bytes *profiles, size_t nprofiles, bm_row_fn *row, void *ctx, struct bm_fail *fail);
/* Hands a signed note in as a proposal, with what goes to the signer behind it. *ret_row: as SHOW has it. */
bm_must_use enum bm_rc bm_desk_propose(struct bm_ask *ask, const struct bm_buf *note, struct bm_bytes behind, json_t **ret_row,
                                       struct bm_fail *fail);
/* The same, and nothing is done before somebody else approves it: BM_EPOLICY, with its number in sentence and call. */
bm_must_use enum bm_rc bm_desk_proposed(const struct bm_desk *desk, struct bm_ask *ask, const struct bm_buf *note, struct bm_bytes behind,
                                        struct bm_fail *fail);

#endif
