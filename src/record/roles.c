#include "record/parts.h"

#include "wire/text.h"

#include <stdlib.h>

/* NAME ROLE VKEY */
static bool
operator_read(struct bm_operator *ret, struct bm_bytes value)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = BM_NOTE_VKEY };
    struct bm_bytes name = bm_word_take(&value), role = bm_word_take(&value);
    struct bm_fail ignored;

    if (!bm_word_name(ret->name, name) || bm_role_parse(&ret->role, role, &ignored) != BM_OK ||
        bm_note_vkey_parse(&ret->key, value, &ignored) != BM_OK)
        return false;
    bm_note_vkey_build(&again, &ret->key);
    return bm_bytes_equal(bm_buf_bytes(&again), value);
}

/* One key under two names would let one person sign as two. */
static bool
operator_known(const struct bm_roles *roles, const struct bm_operator *person)
{
    for (size_t i = 0; i < roles->noperators; i++)
        if (strcmp(roles->operators[i].name, person->name) == 0 ||
            memcmp(roles->operators[i].key.key, person->key.key, sizeof(person->key.key)) == 0)
            return true;
    return false;
}

bool
bm_roles_officer(const struct bm_roles *roles)
{
    for (size_t i = 0; i < roles->noperators; i++)
        if (roles->operators[i].role == BM_ROLE_OFFICER)
            return true;
    return false;
}

void
bm_operators_take(struct bm_roles *roles, struct bm_lines *lines)
{
    struct bm_operator person = { .name = "" };
    struct bm_bytes value;

    while (bm_lines_have(lines, "operator", &value)) {
        if (!operator_read(&person, value))
            bm_statement_refuse(lines, "must be an operator: NAME ROLE KEY, the role " BM_ROLE_WORDS);
        else if (person.role == BM_ROLE_STATION && person.key.type != BM_NOTE_ECDSA)
            bm_statement_refuse(lines, "has a station whose key is none of the kind that roots of trust make, P-256");
        else if (operator_known(roles, &person))
            bm_statement_refuse(lines, "has an operator's name or key that is there already");
        else if (roles->noperators == BM_MAX_OPERATORS)
            bm_statement_refuse(lines, "is one operator too many: a site has at most 64");
        else
            roles->operators[roles->noperators++] = person;
    }
    if (roles->noperators == 0)
        (void)bm_lines_want(lines, "operator");
    else if (!bm_roles_officer(roles))
        bm_statement_refuse(lines, "ends a list without an officer: nobody could change it again");
}

void
bm_operators_build(struct bm_buf *buf, const struct bm_roles *roles)
{
    for (size_t i = 0; i < roles->noperators; i++) {
        bm_buf_add_fmt(buf, "operator %s %s ", roles->operators[i].name, bm_role_word(roles->operators[i].role));
        bm_note_vkey_build(buf, &roles->operators[i].key);
        bm_buf_add_u8(buf, '\n');
    }
}

void
bm_roles_digest(const struct bm_roles *roles, uint8_t ret_digest[static BM_HASH])
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT };

    bm_operators_build(&text, roles);
    if (text.bad) /* no memory: then it is no list's */
        memset(ret_digest, 0xff, BM_HASH);
    else
        bm_sha256(ret_digest, bm_buf_bytes(&text));
}

const struct bm_operator *
bm_roles_station(const struct bm_roles *roles, const uint8_t key[static BM_HASH])
{
    uint8_t hash[BM_HASH];

    for (size_t i = 0; i < roles->noperators; i++) {
        const struct bm_operator *person = &roles->operators[i];

        if (person->role != BM_ROLE_STATION || person->key.type != BM_NOTE_ECDSA)
            continue;
        bm_sha256(hash, bm_bytes(person->key.key, BM_NOTE_SPKI));
        if (memcmp(hash, key, BM_HASH) == 0)
            return person;
    }
    return NULL;
}

void
bm_roles_free(struct bm_roles **roles)
{
    free(*roles);
}

enum bm_rc
bm_roles_parse(struct bm_statement_head *ret_head, struct bm_roles *ret_roles, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_statement_head head = { .seq = 0 };
    struct bm_lines lines = bm_statement_open(&head, BM_STATEMENT_ROLES, text, fail);
    bm_cleanup(bm_roles_free) struct bm_roles *roles = NULL;
    enum bm_rc rc;

    if (lines.bad)
        return fail->rc;
    if ((roles = calloc(1, sizeof(*roles))) == NULL) /* 16 KiB: too large for a frame */
        return bm_fail(fail, BM_ENOMEM, NULL, "roles: there is no memory for them");
    bm_lines_hex(&lines, "base", roles->base, BM_HASH);
    bm_operators_take(roles, &lines);
    if ((rc = bm_lines_close(&lines)) != BM_OK)
        return rc;
    *ret_head = head;
    *ret_roles = *roles;
    return BM_OK;
}

void
bm_roles_build(struct bm_buf *buf, const struct bm_statement_head *head, const struct bm_roles *roles)
{
    char base[2 * BM_HASH + 1];

    bm_hex(base, bm_bytes(roles->base, BM_HASH));
    bm_statement_head_build(buf, BM_STATEMENT_ROLES, head);
    bm_buf_add_fmt(buf, "base %s\n", base);
    bm_operators_build(buf, roles);
}
