/* people.c - who may do what the registrar decides itself: by the same table as the signer's, with the roles that the signer took last. */
#include "registrar/registrar.h"

#include "wire/json.h"

#include <stdio.h>
#include <stdlib.h>

/* The text that the signer took last of a kind of statement; nothing when there was none. */
static enum bm_rc
text_take(void *ctx, const char *json, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    struct bm_note note;
    enum bm_rc rc;

    if ((rc = bm_json_parse(&row, bm_bytes_str(json), BM_MAX_JSON, fail)) != BM_OK ||
        (rc = bm_note_parse(&note, bm_bytes_str(bm_json_text(row, "note")), fail)) != BM_OK)
        return rc;
    bm_buf_add_bytes(ctx, note.text);
    return bm_buf_check(ctx, "a statement", fail);
}

static enum bm_rc
last_read(struct bm_registrar *r, const char *kind, struct bm_buf *text, struct bm_fail *fail)
{
    const struct bm_store_filter filter = { .name = NULL };
    struct bm_store_page page = { .most = 1 };

    return bm_store_rows(r->store, kind, &filter, &page, text_take, text, fail);
}

static enum bm_rc
roles_read(struct bm_registrar *r, struct bm_roles **ret_roles, struct bm_fail *fail)
{
    bm_cleanup(bm_roles_free) struct bm_roles *roles = calloc(1, sizeof(*roles));
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_NOTE };
    struct bm_statement_head head;
    enum bm_rc rc;

    if (roles == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the operators");
    *roles = r->site.operators;
    if ((rc = last_read(r, "roles", &text, fail)) != BM_OK ||
        (text.n > 0 && (rc = bm_roles_parse(&head, roles, bm_buf_bytes(&text), fail)) != BM_OK))
        return rc;
    *ret_roles = bm_take(roles);
    return BM_OK;
}

enum bm_rc
bm_registrar_may(struct bm_registrar *r, const char *by, enum bm_act act, struct bm_fail *fail)
{
    bm_cleanup(bm_roles_free) struct bm_roles *roles = NULL;
    enum bm_rc rc = roles_read(r, &roles, fail);

    return rc != BM_OK ? rc : bm_act_check(roles, bm_bytes_str(by), act, fail);
}

enum bm_rc
bm_station_name(struct bm_registrar *r, const uint8_t key[static BM_HASH], char ret_name[static BM_MAX_NAME + 1], struct bm_fail *fail)
{
    bm_cleanup(bm_roles_free) struct bm_roles *roles = NULL;
    const struct bm_operator *station;
    enum bm_rc rc = roles_read(r, &roles, fail);

    if (rc != BM_OK)
        return rc;
    station = bm_roles_station(roles, key);
    (void)snprintf(ret_name, BM_MAX_NAME + 1, "%s", station != NULL ? station->name : "");
    return BM_OK;
}

enum bm_rc
bm_two_words(struct bm_registrar *r, struct bm_buf *words, size_t *ret_persons, bool *ret_hardened, struct bm_fail *fail)
{
    bm_cleanup(bm_roles_free) struct bm_roles *roles = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_NOTE };
    struct bm_policy policy = { .two = 0 };
    struct bm_statement_head head;
    enum bm_rc rc;

    if ((rc = roles_read(r, &roles, fail)) != BM_OK || (rc = last_read(r, "policy", &text, fail)) != BM_OK ||
        (text.n > 0 && (rc = bm_policy_parse(&head, &policy, bm_buf_bytes(&text), fail)) != BM_OK))
        return rc;
    for (unsigned act = BM_ACT_PIN; act < BM_ACT__N; act++)
        if (bm_act_signed((enum bm_act)act) && bm_policy_two(&policy, roles, (enum bm_act)act))
            bm_buf_add_fmt(words, "%s%s", words->n > 0 ? " " : "", bm_act_word((enum bm_act)act));
    *ret_persons = 0;
    for (size_t i = 0; i < roles->noperators; i++)
        *ret_persons += bm_role_decides(roles->operators[i].role);
    *ret_hardened = policy.two != 0;
    return bm_buf_check(words, "the acts", fail);
}

enum bm_rc
bm_refuse_barred(const struct peer *peer, uint64_t id, const char *by, struct bm_fail *fail)
{
    const struct bm_fail why = *fail;
    const struct refusal refusal = { .what = "role", .class = BM_EPOLICY, .chip = "", .lot = "", .by = by, .sentence = why.text };

    return bm_refuse(peer->r, peer->link, id, &refusal, fail);
}
