/* order_sign.c - order sign, submit: the brand owner signs far from the factory, and the factory hands in what it could not sign. */
#include "base/env.h"
#include "base/file.h"
#include "cli/operator.h"
#include "cli/order_opening.h"
#include "cli/places.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "pki/profile.h"
#include "record/handover.h"

/* Its head has no place in the order of statements, which only the site knows, but a number of its own and an end. */
static enum bm_rc
head_make(struct bm_statement_head *head, struct bm_call *call, uint64_t days, const struct bm_operator_key *key, struct bm_fail *fail)
{
    struct bm_trust trust;
    enum bm_rc rc;

    if ((rc = bm_trust_read(&trust, bm_call_option(call, "trust"), fail)) != BM_OK ||
        (rc = bm_env_system.now(bm_env_system.ctx, &head->time, fail)) != BM_OK ||
        (rc = bm_env_system.random(bm_env_system.ctx, head->proposal, sizeof(head->proposal), fail)) != BM_OK)
        return rc;
    memcpy(head->site, trust.site, BM_HASH);
    head->expires = head->time + (bm_time)days * 86400;
    (void)snprintf(head->by, sizeof(head->by), "%.*s", BM_MAX_NAME, key->key.name);
    return BM_OK;
}

static enum bm_rc
profiles_take(struct bm_opening *opening, struct bm_call *call, struct bm_fail *fail)
{
    const struct bm_values *files = bm_call_values(call, "profile");
    enum bm_rc rc = BM_OK;

    if (files->n == 0 || bm_call_values(call, "lot")->n == 0 || bm_call_option(call, "quantity") == NULL)
        return bm_usage(call, fail, "an order has lots, profiles and a quantity: --lot, --profile, --quantity");
    for (size_t i = 0; i < files->n && rc == BM_OK; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_PROFILE };

        if ((rc = bm_file_read(&text, files->v[i], fail)) == BM_OK)
            rc = bm_opening_profile(opening, call, &text, fail);
    }
    return rc;
}

static enum bm_rc
text_make(struct bm_buf *text, struct bm_opening *opening, const struct bm_statement_head *head, struct bm_call *call, struct bm_fail *fail)
{
    struct bm_raise raise = { .quantity = 0 };
    enum bm_rc rc;

    if (bm_call_option(call, "raise") != NULL) {
        if (bm_call_values(call, "lot")->n > 0 || bm_call_values(call, "profile")->n > 0 || bm_call_option(call, "until") != NULL ||
            bm_call_option(call, "product") != NULL)
            return bm_usage(call, fail, "a raise changes numbers alone: lots, product, profiles and the end stay as the order has them");
        if ((rc = bm_raise_take(&raise, call, fail)) == BM_OK)
            bm_raise_build(text, head, &raise);
        return rc;
    }
    if ((rc = profiles_take(opening, call, fail)) == BM_OK && (rc = bm_opening_take(opening, call, fail)) == BM_OK)
        bm_order_build(text, head, &opening->order);
    return rc;
}

static enum bm_rc
sign_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_opening_done) struct bm_opening opening = { .order = { .nlots = 0 } };
    bm_cleanup(bm_operator_key_done) struct bm_operator_key key = { .uri = "" };
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT }, note = { .max = BM_MAX_NOTE };
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = BM_MAX_HANDOVER };
    const char *by = bm_call_option(call, "operator");
    struct bm_statement_head head = { .seq = 0 };
    struct bm_handover handover;
    uint64_t days = 0;
    bool made;
    enum bm_rc rc;

    if ((rc = bm_call_name(call, "an order's name", call->words.v[0], fail)) != BM_OK ||
        (rc = bm_call_name(call, "an operator's name", by, fail)) != BM_OK ||
        (rc = bm_call_number(call, "days", 1, BM_PROPOSAL_DAYS, BM_PROPOSAL_DAYS, &days, fail)) != BM_OK ||
        (rc = bm_operator_key_at(&key, by, bm_call_option(call, "key"), false, &made, fail)) != BM_OK ||
        (rc = head_make(&head, call, days, &key, fail)) != BM_OK || (rc = text_make(&text, &opening, &head, call, fail)) != BM_OK ||
        (rc = bm_buf_check(&text, "the statement", fail)) != BM_OK ||
        (rc = bm_operator_key_sign(&key, bm_buf_bytes(&text), &note, fail)) != BM_OK)
        return rc;
    handover = (struct bm_handover){ .note = bm_buf_bytes(&note), .nprofiles = opening.order.nprofiles };
    for (size_t i = 0; i < handover.nprofiles; i++)
        handover.profiles[i] = bm_buf_bytes(&opening.text[i]);
    bm_handover_build(&file, &handover);
    if ((rc = bm_buf_check(&file, "the statement", fail)) != BM_OK ||
        (rc = bm_file_write(bm_call_option(call, "o"), bm_buf_bytes(&file), 0644, fail)) != BM_OK)
        return rc;
    if (!call->json)
        (void)fwrite(text.p, 1, text.n, stdout);
    return call->json
               ? bm_object_print(call, json_pack("{s:s, s:s, s:I}", "order", call->words.v[0], "by", by, "days", (json_int_t)days), fail)
               : BM_OK;
}

const struct bm_verb bm_verb_order_sign = {
    .words = "order sign",
    .arguments = "NAME",
    .least = 1,
    .most = 1,
    .purpose = "Sign an order, or a raise of one, for a site that somebody else runs: a file that they hand in.",
    .help =
        "The site is known by its trust.txt; it must know the key as that operator's, whose role opens orders. The file counts once, at "
        "that\n"
        "site, within the days, as it was signed: whoever carries it can lose it, and nothing else (docs/contract-manufacturer.md).\n\n"
        "example: birthmark order sign first --trust factory.trust.txt --operator brand --key brand.key --lot EX-001 --profile gw.profile\n"
        "         --quantity 500 -o first.order\n"
        "         birthmark order sign first --raise --quantity 600 --trust factory.trust.txt --operator brand --key brand.key -o "
        "more.order\n",
    .options = { { .name = "trust", .value = "FILE", .help = "the site's trust.txt", .needed = true },
                 { .name = "operator", .value = "NAME", .help = "who signs, as the site knows them", .needed = true },
                 { .name = "key", .value = "FILE|URI", .help = "the key: Ed25519 in PEM, or pkcs11: or tpm2:", .needed = true },
                 { .name = "o", .value = "FILE", .help = "where to", .needed = true },
                 { .name = "raise", .help = "more for an order that is open there" },
                 { .name = "lot", .value = "LOT", .help = "lots that the site has received", .many = true },
                 { .name = "profile", .value = "FILE", .help = "profiles' texts", .many = true },
                 { .name = "product", .value = "NAME", .help = "as of order open" },
                 { .name = "quantity", .value = "N", .help = "units, not certificates" },
                 { .name = "reissues", .value = "N", .help = "as of order open" },
                 { .name = "scraps", .value = "N", .help = "likewise" },
                 { .name = "repairs", .value = "N", .help = "likewise" },
                 { .name = "until", .value = "DATE", .help = "2027-12-31 or 2027-12-31T12:00:00Z; default: no end" },
                 { .name = "days", .value = "N", .help = "within which it may be handed in; default and most: 30" } },
    .run = sign_run,
};

/* ---- at the site ---- */

static const char *
order_of(struct bm_order *order, struct bm_raise *raise, struct bm_bytes text, struct bm_statement_head *head, struct bm_fail *fail)
{
    if (bm_statement_head_parse(head, text, fail) != BM_OK)
        return NULL;
    if (head->kind == BM_STATEMENT_ORDER)
        return bm_order_parse(head, order, text, fail) == BM_OK ? order->order : NULL;
    if (head->kind == BM_STATEMENT_RAISE)
        return bm_raise_parse(head, raise, text, fail) == BM_OK ? raise->order : NULL;
    (void)bm_fail(fail, BM_EINPUT, NULL, "the file holds neither an order nor a raise: only these are signed elsewhere");
    return NULL;
}

static enum bm_rc
submit_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_HANDOVER }, body = { .max = BM_MAX_MESSAGE },
                                          behind = { .max = BM_MAX_MESSAGE };
    bm_cleanup(bm_order_done) struct bm_order order = { .nlots = 0 };
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    struct bm_raise raise = { .quantity = 0 };
    struct bm_statement_head head;
    struct bm_handover handover;
    struct bm_note parts;
    const char *name;
    enum bm_rc rc;

    if ((rc = bm_file_read(&text, call->words.v[0], fail)) != BM_OK ||
        (rc = bm_handover_parse(&handover, bm_buf_bytes(&text), fail)) != BM_OK ||
        (rc = bm_note_parse(&parts, handover.note, fail)) != BM_OK)
        return rc;
    if ((name = order_of(&order, &raise, parts.text, &head, fail)) == NULL)
        return fail->rc;
    bm_buf_add_u8(&behind, (uint8_t)handover.nprofiles);
    for (size_t i = 0; i < handover.nprofiles; i++)
        bm_buf_add_lv16(&behind, handover.profiles[i]);
    bm_buf_add_lv32(&body, handover.note);
    bm_buf_add_bytes(&body, bm_buf_bytes(&behind));
    if ((rc = bm_buf_check(&behind, "the profiles", fail)) != BM_OK || (rc = bm_buf_check(&body, "the statement", fail)) != BM_OK ||
        (rc = bm_ask_open(&ask, call, fail)) != BM_OK ||
        (rc = bm_ask(&ask, BM_C_STATEMENT, bm_buf_bytes(&body), NULL, NULL, NULL, fail)) != BM_OK)
        return rc;
    return bm_ask_show(&ask, "order", name, bm_object_row, call, fail);
}

const struct bm_verb bm_verb_order_submit = {
    .words = "order submit",
    .arguments = "FILE",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Hand in an order, or a raise, that was signed elsewhere.",
    .help = "Whoever hands it in signs nothing: it counts by the signature in it, once.\n\n"
            "example: birthmark order submit first.order\n",
    .run = submit_run,
};
