#include "device/handle.h"

/* Every call begins here: what the last one said is forgotten. */
bool
bm_handle_begin(struct birthmark *bm, bool usable)
{
    if (bm == NULL)
        return false;
    bm->fail = (struct bm_fail){ 0 };
    bm->warning[0] = '\0';
    if (!usable)
        bm_fail_note(&bm->fail, BM_EINPUT, NULL, "libbirthmark: an argument is missing");
    return usable;
}

bool
bm_handle_begin_open(struct birthmark *bm, bool usable)
{
    if (!bm_handle_begin(bm, usable))
        return false;
    if (bm->root == NULL)
        bm_fail_note(&bm->fail, BM_EINPUT, NULL, "libbirthmark: open a root of trust first");
    return bm->root != NULL;
}

enum bm_rc
bm_handle_turn(struct birthmark *bm, int *ret_turn)
{
    enum bm_rc rc = bm_turn_take(ret_turn, bm->uri, BM_TURN_WAIT, &bm->fail);

    if (rc == BM_OK && bm->root->ops->forget != NULL)
        bm->root->ops->forget(bm->root);
    return rc;
}

enum birthmark_result
bm_handle_result(enum bm_rc rc)
{
    switch (bm_rc_exit(rc)) {
    case 0:
        return BIRTHMARK_OK;
    case 1:
        return BIRTHMARK_REFUSED;
    default:
        return BIRTHMARK_AWAY;
    }
}

enum bm_rc
bm_handle_names(struct birthmark *bm, enum bm_rc (*list)(struct bm_root *root, struct bm_buf *names, struct bm_fail *fail),
                enum bm_rc (*each)(void *ctx, const char *name, struct bm_fail *fail), void *ctx)
{
    bm_cleanup(bm_buf_done) struct bm_buf names = { .max = BM_MAX_SERVICES * 2 * (BM_MAX_NAME + 1) };
    enum bm_rc rc;

    if ((rc = list(bm->root, &names, &bm->fail)) != BM_OK)
        return rc;
    bm_buf_add_u8(&names, 0);
    if ((rc = bm_buf_check(&names, "the list of names", &bm->fail)) != BM_OK)
        return rc;
    for (char *at = (char *)names.p; rc == BM_OK && *at != '\0';) {
        char *end = strchr(at, '\n');

        *end = '\0';
        rc = each(ctx, at, &bm->fail);
        at = end + 1;
    }
    return rc;
}
