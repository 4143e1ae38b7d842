#include "cli/choice.h"

#include "base/env.h"

#include <stdlib.h>

void
bm_choice_done(struct bm_choice *choice)
{
    free(choice->met);
}

/* Numbers with leading zeros, numbers without, and hex of one length all come in their order: shorter ids first, then byte by byte. */
static int
id_order(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);

    return na != nb ? (na < nb ? -1 : 1) : strcmp(a, b);
}

static bool
word_met(const struct bm_choice *choice, const char *id)
{
    bool met = false;

    for (size_t i = 1; i < choice->chips->n; i++)
        if (strcmp(choice->chips->v[i], id) == 0) {
            choice->met[i]++;
            met = true;
        }
    return met;
}

bool
bm_chosen(const struct bm_choice *choice, const json_t *chip)
{
    const char *id = bm_json_text(chip, "chip"), *date = bm_json_text(chip, "date");

    if (choice->chips != NULL)
        return word_met(choice, id);
    if (choice->from_id[0] != 0 && (id_order(id, choice->from_id) < 0 || id_order(id, choice->to_id) > 0))
        return false;
    if (choice->from_date[0] != 0 && (strncmp(date, choice->from_date, 10) < 0 || strncmp(date, choice->to_date, 10) > 0))
        return false;
    return choice->firmware == NULL || strcmp(choice->firmware, bm_json_text(chip, "firmware")) == 0;
}

/* FROM..TO */
static enum bm_rc
range_take(struct bm_call *call, const char *option, char *ret_from, char *ret_to, struct bm_fail *fail)
{
    const char *given = bm_call_option(call, option), *dots = given != NULL ? strstr(given, "..") : NULL;
    size_t n = dots != NULL ? (size_t)(dots - given) : 0;

    if (given == NULL)
        return BM_OK;
    if (n == 0 || n > BM_MAX_ID || dots[2] == 0 || strlen(dots + 2) > BM_MAX_ID)
        return bm_usage(call, fail, "--%s must be FROM..TO, both included", option);
    (void)snprintf(ret_from, BM_MAX_ID + 1, "%.*s", (int)n, given);
    (void)snprintf(ret_to, BM_MAX_ID + 1, "%s", dots + 2);
    return BM_OK;
}

/* A day that there is: 2025-02-30 is none. */
static bool
date_ok(const char *date)
{
    char noon[BM_MAX_ID + 16];
    struct bm_fail unused;
    bm_time t;

    (void)snprintf(noon, sizeof(noon), "%sT12:00:00Z", date);
    return bm_time_parse(&t, noon, &unused) == BM_OK;
}

enum bm_rc
bm_choice_take(struct bm_choice *choice, struct bm_call *call, struct bm_fail *fail)
{
    enum bm_rc rc;

    choice->firmware = bm_call_option(call, "firmware");
    if ((rc = range_take(call, "ids", choice->from_id, choice->to_id, fail)) != BM_OK ||
        (rc = range_take(call, "date", choice->from_date, choice->to_date, fail)) != BM_OK)
        return rc;
    if (choice->from_id[0] != 0 && id_order(choice->from_id, choice->to_id) > 0)
        return bm_usage(call, fail, "--ids runs backwards: %s comes after %s", choice->from_id, choice->to_id);
    if (choice->from_date[0] == 0)
        return BM_OK;
    if (!date_ok(choice->from_date) || !date_ok(choice->to_date))
        return bm_usage(call, fail, "--date must be two days that there are, as 2025-06-01..2025-06-30");
    if (strcmp(choice->from_date, choice->to_date) > 0)
        return bm_usage(call, fail, "--date runs backwards: %s comes after %s", choice->from_date, choice->to_date);
    return BM_OK;
}
