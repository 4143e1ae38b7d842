/* choice.h - which chips of a lot a command means. */
#ifndef BM_CLI_CHOICE_H
#define BM_CLI_CHOICE_H

#include "cli/chips.h"
#include "lot/leaf.h"

/* All that is NULL or empty chooses all. */
struct bm_choice {
    const struct bm_values *chips; /* ids, word for word */
    uint64_t *met;                 /* one a word of chips: how many chips bear it */
    char from_id[BM_MAX_ID + 1], to_id[BM_MAX_ID + 1];
    char from_date[BM_MAX_ID + 1], to_date[BM_MAX_ID + 1];
    const char *firmware;
};

void bm_choice_done(struct bm_choice *choice); /* for bm_cleanup() */
/* --ids, --date and --firmware. */
bm_must_use enum bm_rc bm_choice_take(struct bm_choice *choice, struct bm_call *call, struct bm_fail *fail);
/* A chip whose list says nothing of a date or a firmware is not chosen by it. */
bool bm_chosen(const struct bm_choice *choice, const json_t *chip);

#endif
