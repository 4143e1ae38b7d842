/* lot_withdraw.c - lot scrap, lot withdraw: chips that get no identity any more, and the identities that somebody has to revoke for it. */
#include "cli/choice.h"
#include "cli/operator.h"
#include "cli/verbs.h"
#include "proc/signer_messages.h"

#include <stdlib.h>

#define REASON_MOST 160

/* ---- telling the signer ---- */

struct sending {
    struct bm_ask *ask;
    const struct bm_choice *choice;
    const char *lot, *by, *reason;
    uint8_t what;
    uint32_t *places;
    size_t n, room;
};

static void
sending_done(struct sending *sending)
{
    free(sending->places);
}

static enum bm_rc
place_keep(void *ctx, const json_t *chip, struct bm_fail *fail)
{
    struct sending *s = ctx;

    if (!bm_chosen(s->choice, chip))
        return BM_OK;
    if (s->n == s->room) {
        size_t room = s->room == 0 ? 1024 : 2 * s->room;
        uint32_t *places = reallocarray(s->places, room, sizeof(*places));

        if (places == NULL)
            return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for so many chips");
        s->places = places;
        s->room = room;
    }
    s->places[s->n++] = (uint32_t)json_integer_value(json_object_get(chip, "index"));
    return BM_OK;
}

static enum bm_rc
chips_send(const struct sending *s, size_t from, size_t n, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE };
    enum bm_rc rc;

    bm_buf_add_u8(&body, s->what);
    bm_buf_add_lv16(&body, bm_bytes_str(s->lot));
    bm_buf_add_lv16(&body, bm_bytes_str(s->by));
    bm_buf_add_lv16(&body, bm_bytes_str(s->reason));
    bm_buf_add_u32(&body, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        bm_buf_add_u32(&body, s->places[from + i]);
    if ((rc = bm_buf_check(&body, "the request", fail)) != BM_OK)
        return rc;
    return bm_ask(s->ask, BM_C_CHIPS, bm_buf_bytes(&body), NULL, NULL, NULL, fail);
}

static enum bm_rc
all_send(const struct sending *s, struct bm_fail *fail)
{
    bm_cleanup(bm_progress_done) struct bm_progress progress = { .what = "recording" };
    enum bm_rc rc = BM_OK;

    for (size_t from = 0, n; from < s->n && rc == BM_OK; from += n) {
        n = s->n - from < BM_C_MAX_CHIPS ? s->n - from : BM_C_MAX_CHIPS;
        bm_progress_show(&progress, from, s->n);
        rc = chips_send(s, from, n, fail);
    }
    return rc;
}

static enum bm_rc
lot_send(const struct sending *s, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 1024 };
    enum bm_rc rc;

    bm_buf_add_lv16(&body, bm_bytes_str(s->lot));
    bm_buf_add_u8(&body, BM_LOT_WITHDRAW);
    bm_buf_add_lv16(&body, bm_bytes_str(s->by));
    bm_buf_add_lv16(&body, bm_bytes_str(s->reason));
    if ((rc = bm_buf_check(&body, "the request", fail)) != BM_OK)
        return rc;
    return bm_ask(s->ask, BM_C_LOT_STATE, bm_buf_bytes(&body), NULL, NULL, NULL, fail);
}

/* ---- what is left to revoke ---- */

struct telling {
    const struct bm_choice *choice;
    struct bm_list list;
};

static void
telling_done(struct telling *telling)
{
    bm_list_done(&telling->list);
}

/* Provisional and active ones: the rest are revoked or replaced already. */
static enum bm_rc
identity_tell(struct telling *t, const json_t *chip, const json_t *identity, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_JSON };
    const char *state = bm_json_text(identity, "state");
    enum bm_rc rc;

    if (strcmp(state, "active") != 0 && strcmp(state, "provisional") != 0)
        return BM_OK;
    row = json_pack("{s:s, s:s, s:s, s:s, s:s}", "device", bm_json_text(chip, "device"), "chip", bm_json_text(chip, "chip"), "service",
                    bm_json_text(identity, "service"), "serial", bm_json_text(identity, "serial"), "state", state);
    if ((rc = bm_json_check(row, fail)) != BM_OK || (rc = bm_json_print(&text, row, fail)) != BM_OK)
        return rc;
    return bm_list_row(&t->list, bm_buf_bytes(&text), fail);
}

static enum bm_rc
chip_tell(void *ctx, const json_t *chip, struct bm_fail *fail)
{
    struct telling *t = ctx;
    const json_t *identities = json_object_get(chip, "identities");
    enum bm_rc rc = BM_OK;

    if (!bm_chosen(t->choice, chip))
        return BM_OK;
    for (size_t i = 0; i < json_array_size(identities) && rc == BM_OK; i++)
        rc = identity_tell(t, chip, json_array_get(identities, i), fail);
    return rc;
}

/* Read after the signer recorded it: what was issued before it is among them. */
static enum bm_rc
revocations_tell(const struct sending *s, struct bm_fail *fail)
{
    static const struct bm_column columns[] = {
        { "device", "DEVICE" }, { "chip", "CHIP" }, { "service", "SERVICE" }, { "state", "STATE" }, { "serial", "SERIAL" }
    };
    bm_cleanup(telling_done) struct telling telling = { .choice = s->choice,
                                                        .list = { .json = s->ask->call->json,
                                                                  .columns = columns,
                                                                  .ncolumns = BM_COUNT(columns),
                                                                  .nothing = "no identity of theirs is left to revoke" } };
    enum bm_rc rc = bm_chips_walk(s->ask, s->lot, chip_tell, &telling, fail);
    const struct bm_fail why = *fail;

    if (rc == BM_EPOLICY) /* nothing of it was refused */
        return bm_fail(fail, BM_EBUSY, NULL, "it is recorded, but which identities are to be revoked cannot be told: %s", why.text);
    return rc != BM_OK ? rc : bm_list_end(&telling.list, fail);
}

/* ---- the verbs ---- */

static enum bm_rc
words_check(struct bm_call *call, const char **ret_reason, char by[static BM_MAX_NAME + 1], struct bm_fail *fail)
{
    const char *reason = bm_call_option(call, "reason");
    enum bm_rc rc;

    if ((rc = bm_call_name(call, "a lot's name", call->words.v[0], fail)) != BM_OK ||
        (rc = bm_call_line(call, "reason", REASON_MOST, fail)) != BM_OK)
        return rc;
    *ret_reason = reason != NULL ? reason : "withdrawn";
    return bm_operator_name(call, by, fail);
}

static enum bm_rc
words_all_met(const struct sending *s, struct bm_fail *fail)
{
    for (size_t i = 1; s->choice->chips != NULL && i < s->choice->chips->n; i++)
        if (s->choice->met[i] == 0)
            return bm_fail(fail, BM_EPOLICY, NULL, "lot %s has no chip %s: nothing was recorded; see `birthmark lot show %s --chips`",
                           s->lot, s->choice->chips->v[i], s->lot);
    if (s->n == 0)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "no chip of lot %s is meant by that: nothing was recorded; see `birthmark lot reconcile %s --csv`", s->lot, s->lot);
    return BM_OK;
}

static enum bm_rc
restrict_run(struct bm_call *call, struct bm_choice *choice, bool whole, uint8_t what, struct bm_fail *fail)
{
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(sending_done) struct sending s = { .ask = &ask, .choice = choice, .lot = call->words.v[0], .what = what };
    char by[BM_MAX_NAME + 1];
    enum bm_rc rc;

    if ((rc = words_check(call, &s.reason, by, fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK)
        return rc;
    s.by = by;
    if (whole)
        rc = lot_send(&s, fail);
    else if ((rc = bm_chips_walk(&ask, s.lot, place_keep, &s, fail)) == BM_OK && (rc = words_all_met(&s, fail)) == BM_OK)
        rc = all_send(&s, fail);
    if (rc != BM_OK)
        return rc;
    if (!call->json && whole)
        (void)printf("lot %s is withdrawn\n", s.lot);
    else if (!call->json)
        (void)printf("%zu chip%s of lot %s %s\n", s.n, s.n == 1 ? "" : "s", s.lot, what == BM_CHIPS_SCRAP ? "scrapped" : "withdrawn");
    return revocations_tell(&s, fail);
}

static enum bm_rc
scrap_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_choice_done) struct bm_choice choice = { .chips = &call->words, .met = calloc(call->words.n, sizeof(uint64_t)) };

    if (choice.met == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for so many chips");
    return restrict_run(call, &choice, false, BM_CHIPS_SCRAP, fail);
}

const struct bm_verb bm_verb_lot_scrap = {
    .words = "lot scrap",
    .arguments = "LOT CHIP...",
    .least = 2,
    .most = 1000,
    .site = true,
    .purpose = "Record chips as scrapped: they never get an identity any more.",
    .help = "For good. Prints the identities that such chips have: revoke them with `birthmark identity revoke`.\n\n"
            "example: birthmark lot scrap EX-001 C-0007 C-0012 --reason \"broken at placement\"\n",
    .options = { { .name = "reason", .value = "TEXT", .help = "for the record, at most 160 bytes", .needed = true }, BM_OPTION_OPERATOR },
    .run = scrap_run,
};

static enum bm_rc
withdraw_run(struct bm_call *call, struct bm_fail *fail)
{
    struct bm_choice choice = { .chips = NULL };
    enum bm_rc rc;

    if ((rc = bm_choice_take(&choice, call, fail)) != BM_OK)
        return rc;
    return restrict_run(call, &choice, choice.from_id[0] == 0 && choice.from_date[0] == 0 && choice.firmware == NULL, BM_CHIPS_WITHDRAW,
                        fail);
}

const struct bm_verb bm_verb_lot_withdraw = {
    .words = "lot withdraw",
    .arguments = "LOT",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Recall a lot, or some of its chips: no new identities from it, and the list of those to revoke.",
    .help = "For good. Without a choice the whole lot; with several, the chips that all of them mean. Ids are in their order when\n"
            "they are of one length, else the shorter ones come first. A chip of which the list gives no date or firmware is not\n"
            "chosen by it. What it prints is to be revoked with `birthmark identity revoke`.\n\n"
            "example: birthmark lot withdraw EX-001 --date 2025-06-01..2025-06-30 --reason \"weak random numbers\"\n",
    .options = { { .name = "ids", .value = "FROM..TO", .help = "chips with these ids, both included" },
                 { .name = "firmware", .value = "VERSION", .help = "chips with this firmware" },
                 { .name = "date", .value = "FROM..TO", .help = "chips made on these days, both included" },
                 { .name = "reason", .value = "TEXT", .help = "for the record, at most 160 bytes" },
                 BM_OPTION_OPERATOR },
    .run = withdraw_run,
};
