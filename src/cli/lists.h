/* lists.h - the two shapes that most questions have: a list with filters, and one thing with all that is known of it. */
#ifndef BM_CLI_LISTS_H
#define BM_CLI_LISTS_H

#include "cli/ask.h"
#include "cli/print.h"

/* Options that filter a list, by the name that the registrar knows them by. */
#define BM_OPTION_STATE                                                      \
    {                                                                        \
        .name = "state", .value = "WORD", .help = "only those in this state" \
    }
#define BM_OPTION_LOT                                                   \
    {                                                                   \
        .name = "lot", .value = "LOT", .help = "only those of this lot" \
    }
#define BM_OPTION_ORDER                                                               \
    {                                                                                 \
        .name = "order", .value = "ORDER", .help = "only those made under this order" \
    }
#define BM_OPTION_PROFILE                                                                              \
    {                                                                                                  \
        .name = "profile", .value = "PROFILE", .help = "only those with a certificate of this profile" \
    }

/* The filter of the options --state --lot --order --profile that were given, and of more: a name and a value, or NULL. */
bm_must_use enum bm_rc bm_filter_build(struct bm_buf *buf, const struct bm_call *call, const char *name, const char *value,
                                       struct bm_fail *fail);

/* A whole list verb. */
struct bm_list_what {
    const char *what;
    const struct bm_column *columns;
    size_t ncolumns;
    const char *nothing;
    const char *name, *value; /* one filter more, or NULL */
};
bm_must_use enum bm_rc bm_list_run(struct bm_call *call, const struct bm_list_what *what, struct bm_fail *fail);
/* The same over a connection that is open. */
bm_must_use enum bm_rc bm_list_ask(struct bm_ask *ask, const struct bm_list_what *what, struct bm_fail *fail);
/* A whole show verb: the thing named by the first word. */
bm_must_use enum bm_rc bm_show_run(struct bm_call *call, const char *what, struct bm_fail *fail);

#endif
