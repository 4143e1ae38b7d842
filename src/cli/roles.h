/* roles.h - the list of a site's operators as it stands: read, shown, signed anew. */
#ifndef BM_CLI_ROLES_H
#define BM_CLI_ROLES_H

#include "cli/ask.h"
#include "record/statement.h"

/* The last statement of them; those that the site was founded with, until one was taken. */
bm_must_use enum bm_rc bm_roles_read(struct bm_roles **ret_roles, struct bm_ask *ask, struct bm_fail *fail);
struct bm_operator *bm_roles_find(struct bm_roles *roles, const char *name); /* NULL: none */
bm_must_use enum bm_rc bm_roles_print(struct bm_call *call, const struct bm_roles *roles, struct bm_fail *fail);
/* Signs and sends the whole list; fewer: it is the last one with somebody left out. */
bm_must_use enum bm_rc bm_roles_send(struct bm_ask *ask, const struct bm_roles *roles, bool fewer, struct bm_fail *fail);

#endif
