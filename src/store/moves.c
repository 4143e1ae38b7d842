/* Moves in a device's life, and what they change. */
#include "store/lite.h"

static const char *
text_or_null(const char *text)
{
    return text == NULL || text[0] == 0 ? NULL : text;
}

enum bm_rc
bm_store_device_move(struct bm_store *store, const struct bm_store_move *move, struct bm_fail *fail)
{
    enum bm_rc rc;
    bool met;

    lite_text(store, Q_DEVICE_MOVE, 1, move->device);
    lite_text(store, Q_DEVICE_MOVE, 2, move->state);
    lite_text(store, Q_DEVICE_MOVE, 3, text_or_null(move->owner));
    if ((rc = lite_step(store, Q_DEVICE_MOVE, &met, "device's state", fail)) != BM_OK)
        return rc;
    lite_reset(store, Q_DEVICE_MOVE);
    if (!met)
        return bm_fail(fail, BM_EBUG, NULL, "the signer speaks of a device that the store does not hold: restore the store");
    lite_text(store, Q_MOVE_ADD, 1, move->device);
    lite_text(store, Q_MOVE_ADD, 2, move->move);
    lite_text(store, Q_MOVE_ADD, 3, move->state);
    lite_text(store, Q_MOVE_ADD, 4, text_or_null(move->by));
    lite_text(store, Q_MOVE_ADD, 5, text_or_null(move->second));
    lite_text(store, Q_MOVE_ADD, 6, text_or_null(move->owner));
    lite_text(store, Q_MOVE_ADD, 7, text_or_null(move->reason));
    lite_int(store, Q_MOVE_ADD, 8, move->time);
    lite_int(store, Q_MOVE_ADD, 9, (int64_t)move->leaf);
    return lite_run(store, Q_MOVE_ADD, "move in a device's life", fail);
}

enum bm_rc
bm_store_device_of(struct bm_store *store, struct bm_bytes serial, char ret_device[static BM_MAX_NAME + 1], char ret_state[static 32],
                   struct bm_fail *fail)
{
    enum bm_rc rc;
    bool met;

    lite_blob(store, Q_DEVICE_OF, 1, serial);
    if ((rc = lite_step(store, Q_DEVICE_OF, &met, "device of a certificate", fail)) != BM_OK)
        return rc;
    if (met) {
        lite_column_text(store, Q_DEVICE_OF, 0, ret_device, BM_MAX_NAME + 1);
        lite_column_text(store, Q_DEVICE_OF, 1, ret_state, 32);
    }
    lite_reset(store, Q_DEVICE_OF);
    return met ? BM_OK : bm_fail(fail, BM_EBUG, NULL, "the signer speaks of a serial that the store does not hold: restore the store");
}

static enum bm_rc
names_of(struct bm_store *store, const char *device, char lot[static BM_MAX_NAME + 1], uint8_t (*names)[BM_HASH], size_t *ret_n,
         struct bm_fail *fail)
{
    enum bm_rc rc;
    bool met = false;

    *ret_n = 0;
    lite_text(store, Q_DEVICE_LOT, 1, device);
    if ((rc = lite_step(store, Q_DEVICE_LOT, &met, "device's lot", fail)) != BM_OK)
        return rc;
    if (met)
        lite_column_text(store, Q_DEVICE_LOT, 0, lot, BM_MAX_NAME + 1);
    lite_reset(store, Q_DEVICE_LOT);
    lite_text(store, Q_DEVICE_NAMES, 1, device);
    while ((rc = lite_step(store, Q_DEVICE_NAMES, &met, "device's keys", fail)) == BM_OK && met && *ret_n < BM_MAX_CHIP_KEYS)
        lite_column_copy(store, Q_DEVICE_NAMES, 0, names[(*ret_n)++], BM_HASH);
    if (rc == BM_OK)
        lite_reset(store, Q_DEVICE_NAMES);
    return rc;
}

enum bm_rc
bm_store_device_chip(struct bm_store *store, const char *device, const struct bm_store_chip *chip, const char *reason, struct bm_fail *fail)
{
    uint8_t names[BM_MAX_CHIP_KEYS][BM_HASH];
    char lot[BM_MAX_NAME + 1] = "";
    size_t n;
    enum bm_rc rc;

    if ((rc = names_of(store, device, lot, names, &n, fail)) != BM_OK ||
        (rc = bm_store_chip_halt(store, lot, (const uint8_t(*)[BM_HASH])names, n, "retired", reason, fail)) != BM_OK)
        return rc;
    lite_text(store, Q_DEVICE_UNCHIP, 1, device);
    if ((rc = lite_run(store, Q_DEVICE_UNCHIP, "device's keys", fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < chip->nnames; i++) {
        lite_blob(store, Q_DEVICE_KEY, 1, bm_bytes(chip->names[i], BM_HASH));
        lite_text(store, Q_DEVICE_KEY, 2, device);
        if ((rc = lite_run(store, Q_DEVICE_KEY, "device's key", fail)) != BM_OK)
            return rc;
    }
    lite_text(store, Q_DEVICE_CHIP, 1, device);
    lite_text(store, Q_DEVICE_CHIP, 2, chip->label);
    lite_text(store, Q_DEVICE_CHIP, 3, chip->root_kind);
    lite_text(store, Q_DEVICE_CHIP, 4, chip->lot);
    return lite_run(store, Q_DEVICE_CHIP, "device's chip", fail);
}

enum bm_rc
bm_store_live_next(struct bm_store *store, const char *device, struct bm_store_live *live, bool *ret_found, struct bm_fail *fail)
{
    struct bm_bytes serial;
    enum bm_rc rc;

    lite_text(store, Q_LIVE_NEXT, 1, device);
    lite_int(store, Q_LIVE_NEXT, 2, live->id);
    if ((rc = lite_step(store, Q_LIVE_NEXT, ret_found, "device's certificate", fail)) != BM_OK)
        return rc;
    bm_buf_reset(&live->certificate);
    if (*ret_found) {
        live->id = lite_column_int(store, Q_LIVE_NEXT, 0);
        lite_column_text(store, Q_LIVE_NEXT, 1, live->service, sizeof(live->service));
        serial = lite_column_blob(store, Q_LIVE_NEXT, 2);
        live->nserial = serial.n < BM_MAX_SERIAL ? serial.n : BM_MAX_SERIAL;
        memcpy(live->serial, serial.p, live->nserial);
        bm_buf_add_bytes(&live->certificate, lite_column_blob(store, Q_LIVE_NEXT, 3));
    }
    lite_reset(store, Q_LIVE_NEXT);
    return bm_buf_check(&live->certificate, "the certificate", fail);
}

void
bm_store_live_done(struct bm_store_live *live)
{
    bm_buf_done(&live->certificate);
}
