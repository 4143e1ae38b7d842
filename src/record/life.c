#include "record/life.h"

#include "record/parts.h"

#define BACK BM_LIFE__N /* to what it was before */

static const char *const life_words[BM_LIFE__N] = { [0] = "",
                                                    [BM_LIFE_DESIGNED] = "designed",
                                                    [BM_LIFE_MANUFACTURED] = "manufactured",
                                                    [BM_LIFE_PROVISIONED] = "provisioned",
                                                    [BM_LIFE_ONBOARDED] = "onboarded",
                                                    [BM_LIFE_ACTIVE] = "active",
                                                    [BM_LIFE_SUSPENDED] = "suspended",
                                                    [BM_LIFE_REVOKED] = "revoked",
                                                    [BM_LIFE_REPAIRED] = "repaired",
                                                    [BM_LIFE_TRANSFERRED] = "transferred",
                                                    [BM_LIFE_DECOMMISSIONED] = "decommissioned" };
static const char *const move_words[BM_MOVE__N] = { [0] = "",
                                                    [BM_MOVE_RECEIVE] = "receive",
                                                    [BM_MOVE_ISSUE] = "issue",
                                                    [BM_MOVE_CONFIRM] = "confirm",
                                                    [BM_MOVE_RENEW] = "renew",
                                                    [BM_MOVE_SUSPEND] = "suspend",
                                                    [BM_MOVE_RESUME] = "resume",
                                                    [BM_MOVE_REVOKE] = "revoke",
                                                    [BM_MOVE_REPAIR] = "repair",
                                                    [BM_MOVE_TRANSFER] = "transfer",
                                                    [BM_MOVE_DECOMMISSION] = "decommission" };

/* req: ARCHITECTURE 9 one table of legal moves; an empty cell is a refusal */
/* clang-format off */
static const uint8_t moves[BM_LIFE__N][BM_MOVE__N] = {
    [BM_LIFE_DESIGNED] = { [BM_MOVE_RECEIVE] = BM_LIFE_MANUFACTURED },
    [BM_LIFE_MANUFACTURED] = { [BM_MOVE_ISSUE] = BM_LIFE_PROVISIONED },
    [BM_LIFE_PROVISIONED] = { [BM_MOVE_ISSUE] = BM_LIFE_PROVISIONED, [BM_MOVE_CONFIRM] = BM_LIFE_ONBOARDED,
                              [BM_MOVE_SUSPEND] = BM_LIFE_SUSPENDED, [BM_MOVE_REVOKE] = BM_LIFE_REVOKED, [BM_MOVE_REPAIR] = BM_LIFE_REPAIRED,
                              [BM_MOVE_TRANSFER] = BM_LIFE_TRANSFERRED, [BM_MOVE_DECOMMISSION] = BM_LIFE_DECOMMISSIONED },
    [BM_LIFE_ONBOARDED] = { [BM_MOVE_ISSUE] = BM_LIFE_ONBOARDED, [BM_MOVE_CONFIRM] = BM_LIFE_ONBOARDED, [BM_MOVE_RENEW] = BM_LIFE_ACTIVE,
                            [BM_MOVE_SUSPEND] = BM_LIFE_SUSPENDED, [BM_MOVE_REVOKE] = BM_LIFE_REVOKED, [BM_MOVE_REPAIR] = BM_LIFE_REPAIRED,
                            [BM_MOVE_TRANSFER] = BM_LIFE_TRANSFERRED, [BM_MOVE_DECOMMISSION] = BM_LIFE_DECOMMISSIONED },
    [BM_LIFE_ACTIVE] = { [BM_MOVE_ISSUE] = BM_LIFE_ACTIVE, [BM_MOVE_CONFIRM] = BM_LIFE_ACTIVE, [BM_MOVE_RENEW] = BM_LIFE_ACTIVE,
                         [BM_MOVE_SUSPEND] = BM_LIFE_SUSPENDED, [BM_MOVE_REVOKE] = BM_LIFE_REVOKED, [BM_MOVE_REPAIR] = BM_LIFE_REPAIRED,
                         [BM_MOVE_TRANSFER] = BM_LIFE_TRANSFERRED, [BM_MOVE_DECOMMISSION] = BM_LIFE_DECOMMISSIONED },
    [BM_LIFE_SUSPENDED] = { [BM_MOVE_RESUME] = BACK, [BM_MOVE_REVOKE] = BM_LIFE_REVOKED, [BM_MOVE_REPAIR] = BM_LIFE_REPAIRED,
                            [BM_MOVE_DECOMMISSION] = BM_LIFE_DECOMMISSIONED },
    [BM_LIFE_REVOKED] = { [BM_MOVE_REPAIR] = BM_LIFE_REPAIRED, [BM_MOVE_DECOMMISSION] = BM_LIFE_DECOMMISSIONED },
    [BM_LIFE_REPAIRED] = { [BM_MOVE_ISSUE] = BM_LIFE_REPAIRED, [BM_MOVE_CONFIRM] = BM_LIFE_ONBOARDED,
                           [BM_MOVE_SUSPEND] = BM_LIFE_SUSPENDED, [BM_MOVE_REVOKE] = BM_LIFE_REVOKED, [BM_MOVE_REPAIR] = BM_LIFE_REPAIRED,
                           [BM_MOVE_TRANSFER] = BM_LIFE_TRANSFERRED, [BM_MOVE_DECOMMISSION] = BM_LIFE_DECOMMISSIONED },
    [BM_LIFE_TRANSFERRED] = { [BM_MOVE_ISSUE] = BM_LIFE_TRANSFERRED, [BM_MOVE_CONFIRM] = BM_LIFE_ONBOARDED,
                              [BM_MOVE_RENEW] = BM_LIFE_TRANSFERRED, /* its root identity, which stays */
                              [BM_MOVE_SUSPEND] = BM_LIFE_SUSPENDED, [BM_MOVE_REVOKE] = BM_LIFE_REVOKED, [BM_MOVE_REPAIR] = BM_LIFE_REPAIRED,
                              [BM_MOVE_TRANSFER] = BM_LIFE_TRANSFERRED, [BM_MOVE_DECOMMISSION] = BM_LIFE_DECOMMISSIONED },
};
/* clang-format on */

const char *
bm_life_word(enum bm_life life)
{
    return life >= BM_LIFE_DESIGNED && life < BM_LIFE__N ? life_words[life] : "unknown";
}

const char *
bm_move_word(enum bm_move move)
{
    return move >= BM_MOVE_RECEIVE && move < BM_MOVE__N ? move_words[move] : "unknown";
}

enum bm_rc
bm_life_parse(enum bm_life *ret_life, struct bm_bytes word, struct bm_fail *fail)
{
    size_t life = bm_word_find(life_words, BM_COUNT(life_words), word);

    if (life == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "a device has no such state: see docs/lifecycle.md");
    *ret_life = (enum bm_life)life;
    return BM_OK;
}

enum bm_rc
bm_move_parse(enum bm_move *ret_move, struct bm_bytes word, struct bm_fail *fail)
{
    size_t move = bm_word_find(move_words, BM_COUNT(move_words), word);

    if (move == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "there is no such move in a device's life: see docs/lifecycle.md");
    *ret_move = (enum bm_move)move;
    return BM_OK;
}

static const char *
why_not(enum bm_life from, enum bm_move move)
{
    if (from == BM_LIFE_DECOMMISSIONED)
        return "it is decommissioned, which is final";
    if (from == BM_LIFE_DESIGNED || from == BM_LIFE_MANUFACTURED)
        return "it has no identity yet: scrap or withdraw its chip instead";
    if (from == BM_LIFE_REVOKED)
        return "it is revoked: it can be repaired with another chip, or decommissioned";
    if (move == BM_MOVE_RESUME)
        return "it is not suspended";
    return "resume or revoke it first";
}

enum bm_rc
bm_life_move(enum bm_life *ret_life, enum bm_life from, enum bm_life was, enum bm_move move, struct bm_fail *fail)
{
    uint8_t to = (unsigned)from < BM_LIFE__N && (unsigned)move < BM_MOVE__N ? moves[from][move] : 0;

    if (to == 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "a device that is %s can't take the move %s: %s", bm_life_word(from), bm_move_word(move),
                       why_not(from, move));
    *ret_life = to == BACK ? was : (enum bm_life)to;
    return BM_OK;
}
