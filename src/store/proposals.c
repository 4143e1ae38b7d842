/* Proposals that wait for a second person, and what became of them. */
#include "store/lite.h"

static void
proposal_bind(struct bm_store *store, enum lite_sql q, const struct bm_store_proposal *p)
{
    const char *const texts[] = { p->act, p->vendor, p->check, p->lot, p->reason, p->by };

    lite_blob(store, q, 1, bm_bytes(p->number, 16));
    for (int i = 0; i < (int)BM_COUNT(texts); i++)
        lite_text(store, q, i + 2, texts[i][0] != 0 ? texts[i] : NULL);
    lite_int(store, q, 8, p->until);
    lite_int(store, q, 9, p->time);
    lite_int(store, q, 10, p->expires);
    lite_blob(store, q, 11, p->note);
    lite_blob(store, q, 14, p->behind);
}

enum bm_rc
bm_store_proposal_put(struct bm_store *store, const struct bm_store_proposal *proposal, uint64_t *ret_id, struct bm_fail *fail)
{
    enum bm_rc rc;

    proposal_bind(store, Q_PROPOSAL_PUT, proposal);
    rc = lite_run(store, Q_PROPOSAL_PUT, "proposal", fail);
    if (rc != BM_OK && sqlite3_errcode(store->db) == SQLITE_CONSTRAINT)
        return bm_fail(fail, BM_EPOLICY, NULL, "this proposal was made before: see `birthmark proposal list`");
    if (rc == BM_OK)
        *ret_id = (uint64_t)sqlite3_last_insert_rowid(store->db);
    return rc;
}

enum bm_rc
bm_store_proposal_approved(struct bm_store *store, const struct bm_store_proposal *proposal, const char *second, uint64_t leaf,
                           struct bm_fail *fail)
{
    proposal_bind(store, Q_PROPOSAL_APPROVED, proposal);
    lite_text(store, Q_PROPOSAL_APPROVED, 12, second);
    lite_int(store, Q_PROPOSAL_APPROVED, 13, (int64_t)leaf);
    return lite_run(store, Q_PROPOSAL_APPROVED, "proposal", fail);
}

enum bm_rc
bm_store_proposal_reject(struct bm_store *store, uint64_t id, const char *by, const char *reason, struct bm_fail *fail)
{
    enum bm_rc rc;
    bool met;

    lite_int(store, Q_PROPOSAL_REJECT, 1, (int64_t)id);
    lite_text(store, Q_PROPOSAL_REJECT, 2, by);
    lite_text(store, Q_PROPOSAL_REJECT, 3, reason);
    if ((rc = lite_step(store, Q_PROPOSAL_REJECT, &met, "proposal", fail)) != BM_OK)
        return rc;
    lite_reset(store, Q_PROPOSAL_REJECT);
    return met ? BM_OK
               : bm_fail(fail, BM_EPOLICY, NULL, "no open proposal has the number %llu: see `birthmark proposal list`",
                         (unsigned long long)id);
}

enum bm_rc
bm_store_proposal_behind(struct bm_store *store, uint64_t id, struct bm_buf *buf, struct bm_fail *fail)
{
    enum bm_rc rc;
    bool met;

    lite_int(store, Q_PROPOSAL_BEHIND, 1, (int64_t)id);
    if ((rc = lite_step(store, Q_PROPOSAL_BEHIND, &met, "proposal", fail)) != BM_OK)
        return rc;
    if (met)
        bm_buf_add_bytes(buf, lite_column_blob(store, Q_PROPOSAL_BEHIND, 0));
    lite_reset(store, Q_PROPOSAL_BEHIND);
    if (!met)
        return bm_fail(fail, BM_EPOLICY, NULL, "no open proposal has the number %llu: see `birthmark proposal list`",
                       (unsigned long long)id);
    return bm_buf_check(buf, "what stands behind a proposal", fail);
}
