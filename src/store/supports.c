/* What officers allowed devices for one repair each. */
#include "store/lite.h"

enum bm_rc
bm_store_support_put(struct bm_store *store, const struct bm_store_support *support, struct bm_fail *fail)
{
    const char *const texts[] = { support->device, support->profile, support->ticket, support->reason, support->by, support->second };

    for (size_t i = 0; i < BM_COUNT(texts); i++)
        lite_text(store, Q_SUPPORT_PUT, 1 + (int)i, texts[i]);
    lite_int(store, Q_SUPPORT_PUT, 7, support->opened);
    lite_int(store, Q_SUPPORT_PUT, 8, support->until);
    lite_int(store, Q_SUPPORT_PUT, 9, (int64_t)support->leaf);
    return lite_run(store, Q_SUPPORT_PUT, "device's support", fail);
}

enum bm_rc
bm_store_support_used(struct bm_store *store, const char *device, struct bm_bytes serial, struct bm_fail *fail)
{
    lite_text(store, Q_SUPPORT_USED, 1, device);
    lite_blob(store, Q_SUPPORT_USED, 2, serial);
    return lite_run(store, Q_SUPPORT_USED, "device's support", fail);
}

enum bm_rc
bm_store_support_close(struct bm_store *store, const char *device, bm_time time, const char *by, const char *why, struct bm_fail *fail)
{
    lite_text(store, Q_SUPPORT_CLOSE, 1, device);
    lite_int(store, Q_SUPPORT_CLOSE, 2, time);
    lite_text(store, Q_SUPPORT_CLOSE, 3, by);
    lite_text(store, Q_SUPPORT_CLOSE, 4, why);
    return lite_run(store, Q_SUPPORT_CLOSE, "device's support", fail);
}

enum bm_rc
bm_store_support_choose(struct bm_store *store, const uint8_t key[static BM_HASH], const char *label, bool *ret_found,
                        struct bm_store_choice *ret_choice, struct bm_fail *fail)
{
    enum bm_rc rc;

    lite_blob(store, Q_SUPPORT_CHOOSE, 1, bm_bytes(key, BM_HASH));
    lite_text(store, Q_SUPPORT_CHOOSE, 2, label);
    if ((rc = lite_step(store, Q_SUPPORT_CHOOSE, ret_found, "device's support", fail)) != BM_OK)
        return rc;
    if (*ret_found) {
        lite_column_text(store, Q_SUPPORT_CHOOSE, 0, ret_choice->order, sizeof(ret_choice->order));
        lite_column_text(store, Q_SUPPORT_CHOOSE, 1, ret_choice->profile, sizeof(ret_choice->profile));
        lite_column_text(store, Q_SUPPORT_CHOOSE, 2, ret_choice->service, sizeof(ret_choice->service));
    }
    lite_reset(store, Q_SUPPORT_CHOOSE);
    return BM_OK;
}

enum bm_rc
bm_store_support_ended(struct bm_store *store, bm_time now, char ret_device[static BM_MAX_NAME + 1], struct bm_fail *fail)
{
    bool row = false;
    enum bm_rc rc;

    ret_device[0] = 0;
    lite_int(store, Q_SUPPORT_ENDED, 1, now);
    if ((rc = lite_step(store, Q_SUPPORT_ENDED, &row, "support that is over", fail)) != BM_OK)
        return rc;
    if (row)
        lite_column_text(store, Q_SUPPORT_ENDED, 0, ret_device, BM_MAX_NAME + 1);
    lite_reset(store, Q_SUPPORT_ENDED);
    return BM_OK;
}
