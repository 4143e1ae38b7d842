#include "record/acts.h"

#include "record/parts.h"

static const char *const role_words[BM_ROLE__N] = { [0] = "",
                                                    [BM_ROLE_OFFICER] = "officer",
                                                    [BM_ROLE_CUSTODIAN] = "custodian",
                                                    [BM_ROLE_PLANNER] = "planner",
                                                    [BM_ROLE_OPERATOR] = "operator",
                                                    [BM_ROLE_AUDITOR] = "auditor",
                                                    [BM_ROLE_STATION] = "station" };

#define OFFICER (1u << BM_ROLE_OFFICER)
#define CUSTODIAN (1u << BM_ROLE_CUSTODIAN)
#define PLANNER (1u << BM_ROLE_PLANNER)
#define OPERATOR (1u << BM_ROLE_OPERATOR)
#define DECIDERS (OFFICER | CUSTODIAN | PLANNER | OPERATOR)

static const struct act_row {
    const char *word, *title;
    unsigned roles;  /* set of 1u << enum bm_role */
    bool two;        /* always */
    bool takes_away; /* a restriction */
} acts[BM_ACT__N] = {
    [0] = { .word = "", .title = "nothing" },
    [BM_ACT_PIN] = { "pin", "receive a lot", OFFICER | CUSTODIAN, false, false },
    [BM_ACT_WAIVE] = { "waive", "let a vendor's lots fail a check", OFFICER | CUSTODIAN, true, false },
    [BM_ACT_RELEASE] = { "release", "let a lot out of quarantine", OFFICER | CUSTODIAN, true, false },
    [BM_ACT_ORDER] = { "order", "open an order", OFFICER | PLANNER, false, false },
    [BM_ACT_RAISE] = { "raise", "raise an order's quantity", OFFICER | PLANNER, false, false },
    [BM_ACT_REISSUE] = { "reissue", "allow an identity to be issued again", OFFICER | OPERATOR, false, false },
    [BM_ACT_RESUME] = { "resume", "end a suspension", OFFICER | OPERATOR, false, false },
    [BM_ACT_REPAIR] = { "repair", "give a device another chip", OFFICER | OPERATOR, false, false },
    [BM_ACT_TRANSFER] = { "transfer", "give a device to another owner", OFFICER | OPERATOR, false, false },
    [BM_ACT_SUPPORT] = { "support", "open support for a device", OFFICER, false, false },
    [BM_ACT_PROFILE] = { "profile", "activate a version of a profile", OFFICER, false, false },
    [BM_ACT_ROLES] = { "roles", "say who may what", OFFICER, false, false },
    [BM_ACT_POLICY] = { "policy", "say what takes two persons", OFFICER, false, false },
    [BM_ACT_RECOVER] = { "recover", "catch an old store up", OFFICER, false, false },
    [BM_ACT_CA] = { "ca", "make or roll a CA", OFFICER, false, false },
    [BM_ACT_SCRAP] = { "scrap", "scrap chips of a lot", OFFICER | CUSTODIAN | OPERATOR, false, true },
    [BM_ACT_WITHDRAW] = { "withdraw", "withdraw a lot or chips of it", OFFICER | CUSTODIAN, false, true },
    [BM_ACT_CLOSE] = { "close", "close an order", OFFICER | PLANNER | OPERATOR, false, true },
    [BM_ACT_REVOKE] = { "revoke", "revoke an identity or a device", OFFICER | OPERATOR, false, true },
    [BM_ACT_SUSPEND] = { "suspend", "suspend a device", OFFICER | OPERATOR, false, true },
    [BM_ACT_DECOMMISSION] = { "decommission", "decommission a device", OFFICER | OPERATOR, false, true },
    [BM_ACT_SUPPORT_CLOSE] = { "support-close", "close a device's support", OFFICER | OPERATOR, false, true },
    [BM_ACT_REJECT] = { "reject", "close a proposal", DECIDERS, false, true },
    [BM_ACT_SETTLE] = { "settle", "settle an alarm", DECIDERS, false, true },
};

const char *
bm_role_word(enum bm_role role)
{
    return role >= BM_ROLE_OFFICER && role < BM_ROLE__N ? role_words[role] : "unknown";
}

enum bm_rc
bm_role_parse(enum bm_role *ret_role, struct bm_bytes word, struct bm_fail *fail)
{
    size_t role = bm_word_find(role_words, BM_COUNT(role_words), word);

    if (role == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "a role is " BM_ROLE_WORDS);
    *ret_role = (enum bm_role)role;
    return BM_OK;
}

static const struct act_row *
row_of(enum bm_act act)
{
    return &acts[act >= BM_ACT_PIN && act < BM_ACT__N ? act : 0];
}

const char *
bm_act_word(enum bm_act act)
{
    return row_of(act)->word;
}

const char *
bm_act_title(enum bm_act act)
{
    return row_of(act)->title;
}

bool
bm_act_signed(enum bm_act act)
{
    return !row_of(act)->takes_away;
}

bool
bm_role_may(enum bm_role role, enum bm_act act)
{
    return role >= BM_ROLE_OFFICER && role < BM_ROLE__N && (row_of(act)->roles & 1u << role) != 0;
}

bool
bm_role_decides(enum bm_role role)
{
    return role >= BM_ROLE_OFFICER && role < BM_ROLE__N && (DECIDERS & 1u << role) != 0;
}

bool
bm_role_may_approve(enum bm_role role, enum bm_act act)
{
    return bm_role_may(role, act) || ((act == BM_ACT_ROLES || act == BM_ACT_POLICY || act == BM_ACT_CA) && bm_role_decides(role));
}

enum bm_rc
bm_act_parse(enum bm_act *ret_act, struct bm_bytes word, struct bm_fail *fail)
{
    for (unsigned act = BM_ACT_PIN; act < BM_ACT__N; act++)
        if (bm_bytes_equal(word, bm_bytes_str(acts[act].word))) {
            *ret_act = (enum bm_act)act;
            return BM_OK;
        }
    return bm_fail(fail, BM_EINPUT, NULL, "there is no such act: see birthmark operator roles");
}

bool
bm_act_carried(enum bm_act act)
{
    return act == BM_ACT_ORDER || act == BM_ACT_RAISE;
}

bool
bm_act_always_two(enum bm_act act)
{
    return row_of(act)->two;
}

bool
bm_act_always_one(enum bm_act act)
{
    return act == BM_ACT_RECOVER || !bm_act_signed(act);
}
