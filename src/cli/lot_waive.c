#include "cli/lot_waive.h"

#include "cli/chips.h"
#include "cli/propose.h"
#include "cli/roles.h"

enum bm_rc
bm_waive_words_check(struct bm_call *call, struct bm_fail *fail)
{
    const struct bm_values *words = bm_call_values(call, "waive");
    bool reason = bm_call_option(call, "reason") != NULL;
    enum bm_check check;

    if (reason != (words->n > 0))
        return bm_usage(call, fail, "--waive CHECK wants --reason TEXT, and the other way round");
    for (size_t i = 0; i < words->n; i++)
        if (bm_check_find(&check, words->v[i], fail) != BM_OK || bm_check_weight(check) != BM_WEIGHT_WAIVABLE)
            return bm_usage(call, fail, "%.40s " BM_WAIVABLE_WORDS, words->v[i]);
    return reason ? bm_call_line(call, "reason", sizeof(((struct bm_allow *)NULL)->reason) - 1, fail) : BM_OK;
}

bool
bm_waive_names(const struct bm_call *call, enum bm_check check)
{
    const struct bm_values *words = bm_call_values(call, "waive");

    for (size_t i = 0; i < words->n; i++)
        if (strcmp(words->v[i], bm_check_word(check)) == 0)
            return true;
    return false;
}

static enum bm_rc
one_propose(struct receiving *r, enum bm_check check, uint64_t *ret_number, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    struct bm_allow allow = { .act = BM_ALLOW_WAIVE };
    enum bm_rc rc;

    (void)snprintf(allow.vendor, sizeof(allow.vendor), "%s", r->maker.vendor.name);
    (void)snprintf(allow.check, sizeof(allow.check), "%s", bm_check_word(check));
    (void)snprintf(allow.reason, sizeof(allow.reason), "%s", bm_call_option(r->ask.call, "reason"));
    if ((rc = bm_propose(&r->ask, &r->desk, &allow, BM_WAIVE_DAYS, &row, fail)) == BM_OK)
        *ret_number = (uint64_t)json_integer_value(json_object_get(row, "proposal"));
    return rc;
}

/* Where nobody else could approve it, that comes first. */
static enum bm_rc
wait_tell(struct receiving *r, const struct bm_buf *approvals, struct bm_fail *fail)
{
    bm_cleanup(bm_roles_free) struct bm_roles *roles = NULL;
    enum bm_rc rc = bm_roles_read(&roles, &r->ask, fail);

    if (rc != BM_OK)
        return rc;
    return bm_fail(fail, BM_EPOLICY, NULL, "a second person has to agree to the waiver: %.*s, then receive the file again%s",
                   (int)approvals->n, (const char *)approvals->p,
                   roles->noperators > 1 ? "" : "; this site has no second operator yet, add one with `birthmark operator add`");
}

enum bm_rc
bm_waive_propose(struct receiving *r, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf approvals = { .max = 512 };
    uint64_t number = 0;
    enum bm_rc rc;

    for (unsigned check = BM_CHECK_SIGNATURE; check < BM_CHECK__N; check++) {
        if (!bm_waiver_wanted(&r->waived, &r->exam, (enum bm_check)check) || !bm_waive_names(r->ask.call, (enum bm_check)check))
            continue;
        if ((rc = one_propose(r, (enum bm_check)check, &number, fail)) != BM_OK)
            return rc;
        bm_buf_add_fmt(&approvals, "%s`birthmark proposal approve %llu` (%s)", approvals.n > 0 ? " and " : "", (unsigned long long)number,
                       bm_check_word((enum bm_check)check));
    }
    if ((rc = bm_buf_check(&approvals, "what waits", fail)) != BM_OK || approvals.n == 0)
        return rc;
    return wait_tell(r, &approvals, fail);
}
