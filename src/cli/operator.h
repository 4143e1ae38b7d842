/* operator.h - who signs: an operator's key in the site's directory, and the statements it makes. */
#ifndef BM_CLI_OPERATOR_H
#define BM_CLI_OPERATOR_H

#include "cli/ask.h"
#include "merkle/note.h"
#include "record/statement.h"

#define BM_OPTION_OPERATOR                                                                                                      \
    {                                                                                                                           \
        .name = "operator", .value = "NAME", .help = "who signs: the key operators/NAME.key; may be left out when there is one" \
    }

/* --operator, or the only one whose key lies in HOME/operators. */
bm_must_use enum bm_rc bm_operator_name(struct bm_call *call, char ret_name[static BM_MAX_NAME + 1], struct bm_fail *fail);

struct bm_desk {
    struct bm_note_signer signer;
    struct bm_statement_head head; /* of the next statement of this kind */
};
void bm_desk_done(struct bm_desk *desk);
/* The operator's key, and where the site stands: it must be the one whose ledger key trust.txt names, since a statement signed for another site would be
 * good there. */
bm_must_use enum bm_rc bm_desk_open(struct bm_desk *ret_desk, enum bm_statement_kind kind, struct bm_ask *ask, struct bm_fail *fail);
/* Text into a signed note. */
bm_must_use enum bm_rc bm_desk_sign(const struct bm_desk *desk, const struct bm_buf *text, struct bm_buf *note, struct bm_fail *fail);
/* Signs, sends as BM_C_STATEMENT with these profiles' texts. */
bm_must_use enum bm_rc bm_desk_send(const struct bm_desk *desk, struct bm_ask *ask, const struct bm_buf *text,
                                    const struct bm_bytes *profiles, size_t nprofiles, bm_row_fn *row, void *ctx, struct bm_fail *fail);

#endif
