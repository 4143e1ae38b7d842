/* acts.h - who may what: one table of acts and roles, for signer, registrar, commands and manual alike. */
#ifndef BM_ACTS_H
#define BM_ACTS_H

#include "base/bytes.h"

enum bm_role {
    BM_ROLE_OFFICER = 1, /* security officer: may all, alone may change who else may */
    BM_ROLE_CUSTODIAN,   /* lots */
    BM_ROLE_PLANNER,     /* orders */
    BM_ROLE_OPERATOR,    /* the fleet: devices and their identities */
    BM_ROLE_AUDITOR,     /* reads */
    BM_ROLE_STATION,     /* a line's PC: forwards what devices say */
    BM_ROLE__N
};
const char *bm_role_word(enum bm_role role);
bm_must_use enum bm_rc bm_role_parse(enum bm_role *ret_role, struct bm_bytes word, struct bm_fail *fail);

/* What gives something wants a signature; what only takes away wants a name: a liar can stop work, never mint. */
enum bm_act {
    BM_ACT_PIN = 1,
    BM_ACT_WAIVE,
    BM_ACT_RELEASE,
    BM_ACT_ORDER,
    BM_ACT_RAISE,
    BM_ACT_REISSUE,
    BM_ACT_RESUME,
    BM_ACT_REPAIR,
    BM_ACT_TRANSFER,
    BM_ACT_SUPPORT,
    BM_ACT_PROFILE,
    BM_ACT_ROLES,
    BM_ACT_POLICY,
    BM_ACT_RECOVER,
    BM_ACT_CA,
    BM_ACT_SCRAP,
    BM_ACT_WITHDRAW,
    BM_ACT_CLOSE,
    BM_ACT_REVOKE,
    BM_ACT_SUSPEND,
    BM_ACT_DECOMMISSION,
    BM_ACT_SUPPORT_CLOSE,
    BM_ACT_REJECT,
    BM_ACT_SETTLE,
    BM_ACT__N
};
const char *bm_act_word(enum bm_act act);  /* "pin" ... */
const char *bm_act_title(enum bm_act act); /* what it is, in a few words, for people */
bool bm_act_signed(enum bm_act act);       /* wants a signature */
bool bm_role_may(enum bm_role role, enum bm_act act);
/* As the second of two persons: whoever may, and of who may what, which acts need two and what CAs there are, everybody who decides anything. */
bool bm_role_may_approve(enum bm_role role, enum bm_act act);
bool bm_role_decides(enum bm_role role);
/* The row of this word; BM_EINPUT. */
bm_must_use enum bm_rc bm_act_parse(enum bm_act *ret_act, struct bm_bytes word, struct bm_fail *fail);
/* May be signed away from its site, where nobody knows the next place in the order of statements: with a number of its own and an end. */
bool bm_act_carried(enum bm_act act);
/* Always two persons, whatever a site has decided. */
bool bm_act_always_two(enum bm_act act);
/* Never two, whatever a site would decide: a proposal would have nowhere to stand. */
bool bm_act_always_one(enum bm_act act);

#endif
