#include "cli/roles.h"

#include "cli/operator.h"
#include "cli/operator_cert.h"
#include "cli/places.h"
#include "cli/print.h"
#include "wire/text.h"

#include <stdlib.h>

/* ---- the list as it stands ---- */

struct bm_operator *
bm_roles_find(struct bm_roles *roles, const char *name)
{
    for (size_t i = 0; i < roles->noperators; i++)
        if (strcmp(roles->operators[i].name, name) == 0)
            return &roles->operators[i];
    return NULL;
}

/* The last statement of roles, as the registrar kept it. */
static enum bm_rc
roles_take(void *ctx, struct bm_bytes json, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    struct bm_roles *roles = ctx;
    struct bm_statement_head head;
    struct bm_note note;
    const char *text;
    enum bm_rc rc;

    if ((rc = bm_json_parse(&row, json, BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    text = json_string_value(json_object_get(row, "note"));
    if ((rc = bm_note_parse(&note, bm_bytes_str(text != NULL ? text : ""), fail)) != BM_OK)
        return rc;
    return bm_roles_parse(&head, roles, note.text, fail);
}

enum bm_rc
bm_roles_read(struct bm_roles **ret_roles, struct bm_ask *ask, struct bm_fail *fail)
{
    bm_cleanup(bm_roles_free) struct bm_roles *roles = calloc(1, sizeof(*roles));
    bm_cleanup(bm_site_free) struct bm_site *site = NULL;
    enum bm_rc rc;

    if (roles == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the operators");
    if ((rc = bm_site_read(&site, ask->call->home, fail)) != BM_OK)
        return rc;
    *roles = site->operators;
    if ((rc = bm_ask_list(ask, "roles", "{}", roles_take, roles, fail)) != BM_OK)
        return rc;
    bm_roles_digest(roles, roles->base); /* what is made of it replaces just this */
    *ret_roles = bm_take(roles);
    return BM_OK;
}

/* "pin waive release": of the one table. */
static void
may_build(struct bm_buf *buf, enum bm_role role)
{
    for (unsigned act = BM_ACT_PIN; act < BM_ACT__N; act++)
        if (bm_role_may(role, (enum bm_act)act))
            bm_buf_add_fmt(buf, "%s%s", buf->n > 0 ? " " : "", bm_act_word((enum bm_act)act));
    if (buf->n == 0)
        bm_buf_add_str(buf, "nothing");
}

static enum bm_rc
operator_row(struct bm_list *list, const char *home, const struct bm_operator *person, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf may = { .max = 1024 };
    char until[BM_TIME_TEXT] = "";
    bm_time end = 0;
    bm_cleanup(bm_buf_done) struct bm_buf vkey = { .max = BM_NOTE_VKEY };
    bm_cleanup(bm_buf_done) struct bm_buf json = { .max = 4096 };
    bm_cleanup(bm_json_done) json_t *row = NULL;
    enum bm_rc rc;

    bm_note_vkey_build(&vkey, &person->key);
    may_build(&may, person->role);
    if ((rc = bm_buf_check(&vkey, "a vkey", fail)) != BM_OK || (rc = bm_buf_check(&may, "the acts", fail)) != BM_OK)
        return rc;
    if (bm_operator_cert_until(&end, home, &person->key))
        bm_time_print(until, end);
    row = json_pack("{s:s, s:s, s:s%, s:b, s:s?, s:s%}", "operator", person->name, "role", bm_role_word(person->role), "may",
                    (const char *)may.p, may.n, "key_here", bm_operator_key_here(home, person->name), "certificate",
                    until[0] != 0 ? until : NULL, "vkey", (const char *)vkey.p, vkey.n);
    if ((rc = bm_json_check(row, fail)) != BM_OK || (rc = bm_json_print(&json, row, fail)) != BM_OK)
        return rc;
    return bm_list_row(list, bm_buf_bytes(&json), fail);
}

enum bm_rc
bm_roles_print(struct bm_call *call, const struct bm_roles *roles, struct bm_fail *fail)
{
    static const struct bm_column columns[] = {
        { "operator", "OPERATOR" },       { "role", "ROLE" }, { "may", "MAY" }, { "key_here", "KEY HERE" },
        { "certificate", "CERTIFICATE" }, { "vkey", "VKEY" }
    };
    bm_cleanup(bm_list_done) struct bm_list list = {
        .json = call->json, .columns = columns, .ncolumns = BM_COUNT(columns), .nothing = "no operators"
    };
    enum bm_rc rc = BM_OK;

    for (size_t i = 0; rc == BM_OK && i < roles->noperators; i++)
        rc = operator_row(&list, call->home, &roles->operators[i], fail);
    return rc != BM_OK ? rc : bm_list_end(&list, fail);
}

enum bm_rc
bm_roles_send(struct bm_ask *ask, const struct bm_roles *roles, bool fewer, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT };
    bm_cleanup(bm_desk_done) struct bm_desk desk = { .head = { .seq = 0 } };
    enum bm_rc rc;

    if ((rc = bm_desk_open(&desk, BM_ACT_ROLES, ask, fail)) != BM_OK)
        return rc;
    if (fewer)
        bm_desk_alone(&desk);
    bm_roles_build(&text, &desk.head, roles);
    return bm_desk_send(&desk, ask, &text, NULL, 0, NULL, NULL, fail);
}
