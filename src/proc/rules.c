#include "base/base.h"
#include "proc/rules.h"

enum bm_rc
bm_rules_pass(struct bm_rules *rules, const struct bm_message *message, struct bm_fail *fail)
{
    const struct bm_rule *rule = NULL;
    size_t at = 0, n = message->body.n;

    if (rules->count > BM_MAX_RULES)
        return bm_fail(fail, BM_EBUG, NULL, "a table of %zu rules; at most %d fit", rules->count, BM_MAX_RULES);
    while (at < rules->count && rules->table[at].type != message->type)
        at++;
    if (at == rules->count)
        return bm_fail(fail, BM_EPOLICY, NULL, "message %u is unknown here", message->type);
    rule = &rules->table[at];
    if ((rule->phases & rules->phase) == 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "message %u is not allowed in phase %u", message->type, rules->phase);
    if (n < rule->min || n > rule->max)
        return bm_fail(fail, BM_EINPUT, NULL, "message %u has %zu bytes of body, %zu to %zu are allowed", message->type, n, rule->min,
                       rule->max);
    if (rule->once && (rules->spent >> at & 1) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "message %u came twice", message->type);
    rules->spent |= (uint64_t)1 << at;
    return rule->serve(rules->ctx, message->id, bm_rd(message->body), fail);
}
