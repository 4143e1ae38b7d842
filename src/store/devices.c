/* Orders, devices and identities. */
#include "store/lite.h"

static enum bm_rc
order_drop(struct bm_store *store, enum lite_sql q, const char *name, struct bm_fail *fail)
{
    lite_text(store, q, 1, name);
    return lite_run(store, q, "order", fail);
}

enum bm_rc
bm_store_order_put(struct bm_store *store, const char *name, uint64_t quantity, bm_time from, bm_time until,
                   const char (*lots)[BM_MAX_NAME + 1], size_t nlots, const struct bm_store_profile *profiles, size_t nprofiles,
                   uint64_t leaf, struct bm_fail *fail)
{
    enum bm_rc rc;

    lite_text(store, Q_ORDER_PUT, 1, name);
    lite_int(store, Q_ORDER_PUT, 2, (int64_t)quantity);
    lite_int(store, Q_ORDER_PUT, 3, from);
    lite_int(store, Q_ORDER_PUT, 4, until);
    lite_int(store, Q_ORDER_PUT, 5, (int64_t)leaf);
    if ((rc = lite_run(store, Q_ORDER_PUT, "order", fail)) != BM_OK || (rc = order_drop(store, Q_ORDER_LOT_DROP, name, fail)) != BM_OK ||
        (rc = order_drop(store, Q_ORDER_PROFILE_DROP, name, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < nlots; i++) {
        lite_text(store, Q_ORDER_LOT_PUT, 1, name);
        lite_text(store, Q_ORDER_LOT_PUT, 2, lots[i]);
        if ((rc = lite_run(store, Q_ORDER_LOT_PUT, "order's lot", fail)) != BM_OK)
            return rc;
    }
    for (size_t i = 0; i < nprofiles; i++) {
        lite_text(store, Q_ORDER_PROFILE_PUT, 1, name);
        lite_text(store, Q_ORDER_PROFILE_PUT, 2, profiles[i].name);
        lite_text(store, Q_ORDER_PROFILE_PUT, 3, profiles[i].service);
        lite_blob(store, Q_ORDER_PROFILE_PUT, 4, profiles[i].text);
        if ((rc = lite_run(store, Q_ORDER_PROFILE_PUT, "order's profile", fail)) != BM_OK)
            return rc;
    }
    return BM_OK;
}

static enum bm_rc
choice_found(struct bm_store *store, enum lite_sql q, bool *ret_found, struct bm_store_choice *ret_choice, struct bm_fail *fail)
{
    enum bm_rc rc = lite_step(store, q, ret_found, "order", fail);

    if (rc != BM_OK)
        return rc;
    if (*ret_found) {
        lite_column_text(store, q, 0, ret_choice->order, sizeof(ret_choice->order));
        lite_column_text(store, q, 1, ret_choice->profile, sizeof(ret_choice->profile));
        lite_column_text(store, q, 2, ret_choice->service, sizeof(ret_choice->service));
    }
    lite_reset(store, q);
    return BM_OK;
}

enum bm_rc
bm_store_choose_of(struct bm_store *store, const char *order, const uint8_t key[static BM_HASH], const char *label, bool *ret_found,
                   struct bm_store_choice *ret_choice, struct bm_fail *fail)
{
    lite_text(store, Q_CHOOSE_NAMED, 1, order);
    lite_text(store, Q_CHOOSE_NAMED, 2, label);
    lite_blob(store, Q_CHOOSE_NAMED, 3, bm_bytes(key, BM_HASH));
    return choice_found(store, Q_CHOOSE_NAMED, ret_found, ret_choice, fail);
}

enum bm_rc
bm_store_choose(struct bm_store *store, const char *lot, const uint8_t key[static BM_HASH], const char *label, bm_time now, bool *ret_found,
                struct bm_store_choice *ret_choice, struct bm_fail *fail)
{
    enum bm_rc rc;
    bool found;

    lite_blob(store, Q_CHOOSE_UNIT, 1, bm_bytes(key, BM_HASH));
    lite_text(store, Q_CHOOSE_UNIT, 2, label);
    if ((rc = choice_found(store, Q_CHOOSE_UNIT, &found, ret_choice, fail)) != BM_OK)
        return rc;
    if (!found) {
        lite_text(store, Q_CHOOSE_OPEN, 1, lot);
        lite_text(store, Q_CHOOSE_OPEN, 2, label);
        lite_int(store, Q_CHOOSE_OPEN, 3, now);
        if ((rc = choice_found(store, Q_CHOOSE_OPEN, &found, ret_choice, fail)) != BM_OK)
            return rc;
    }
    *ret_found = found;
    return BM_OK;
}

/* The unit's first identity makes its device, which counts in the order; later ones find it there. */
static enum bm_rc
unit_consume(struct bm_store *store, const struct bm_store_identity *identity, struct bm_fail *fail)
{
    enum bm_rc rc;
    bool made;

    lite_text(store, Q_DEVICE_PUT, 1, identity->device);
    lite_text(store, Q_DEVICE_PUT, 2, identity->chip->label);
    lite_text(store, Q_DEVICE_PUT, 3, identity->chip->root_kind);
    lite_text(store, Q_DEVICE_PUT, 4, identity->chip->lot);
    lite_text(store, Q_DEVICE_PUT, 5, identity->order);
    lite_int(store, Q_DEVICE_PUT, 6, identity->issued);
    lite_text(store, Q_DEVICE_PUT, 7, identity->station);
    lite_text(store, Q_DEVICE_PUT, 8, identity->serial_number);
    if ((rc = lite_step(store, Q_DEVICE_PUT, &made, "device", fail)) != BM_OK)
        return rc;
    lite_reset(store, Q_DEVICE_PUT);
    if (!made)
        return BM_OK;
    for (size_t i = 0; i < identity->chip->nnames; i++) {
        lite_blob(store, Q_DEVICE_KEY, 1, bm_bytes(identity->chip->names[i], BM_HASH));
        lite_text(store, Q_DEVICE_KEY, 2, identity->device);
        if ((rc = lite_run(store, Q_DEVICE_KEY, "device's key", fail)) != BM_OK)
            return rc;
    }
    if ((rc = lite_unit_settle(store, identity, fail)) != BM_OK)
        return rc;
    if (identity->station != NULL && identity->station[0] != 0) {
        lite_text(store, Q_MADE_AT, 1, identity->order);
        lite_text(store, Q_MADE_AT, 2, identity->station);
        if ((rc = lite_run(store, Q_MADE_AT, "station's count", fail)) != BM_OK)
            return rc;
    }
    lite_text(store, Q_ORDER_USED, 1, identity->order);
    return lite_run(store, Q_ORDER_USED, "order's count", fail);
}

enum bm_rc
bm_store_identity_put(struct bm_store *store, const struct bm_store_identity *identity, struct bm_fail *fail)
{
    enum bm_rc rc;

    if ((rc = unit_consume(store, identity, fail)) != BM_OK)
        return rc;
    lite_text(store, Q_IDENTITY_PUT, 1, identity->device);
    lite_text(store, Q_IDENTITY_PUT, 2, identity->service);
    lite_text(store, Q_IDENTITY_PUT, 3, identity->profile);
    lite_text(store, Q_IDENTITY_PUT, 4, identity->order);
    lite_blob(store, Q_IDENTITY_PUT, 5, identity->serial);
    lite_blob(store, Q_IDENTITY_PUT, 6, bm_bytes(identity->key, BM_HASH));
    lite_text(store, Q_IDENTITY_PUT, 7, identity->evidence_class);
    lite_int(store, Q_IDENTITY_PUT, 8, identity->issued);
    lite_int(store, Q_IDENTITY_PUT, 9, identity->not_after);
    lite_int(store, Q_IDENTITY_PUT, 10, (int64_t)identity->leaf);
    lite_blob(store, Q_IDENTITY_PUT, 11, identity->certificate);
    lite_blob(store, Q_IDENTITY_PUT, 12, identity->evidence);
    lite_text(store, Q_IDENTITY_PUT, 13, identity->proven);
    lite_blob(store, Q_IDENTITY_PUT, 14, identity->renews);
    return lite_run(store, Q_IDENTITY_PUT, "identity", fail);
}

enum bm_rc
bm_store_identity_state(struct bm_store *store, struct bm_bytes serial, const char *state, bm_time now, const char *reason,
                        struct bm_fail *fail)
{
    enum bm_rc rc;
    bool met;

    lite_blob(store, Q_IDENTITY_STATE, 1, serial);
    lite_text(store, Q_IDENTITY_STATE, 2, state);
    lite_int(store, Q_IDENTITY_STATE, 3, now);
    lite_text(store, Q_IDENTITY_STATE, 4, reason);
    if ((rc = lite_step(store, Q_IDENTITY_STATE, &met, "identity's state", fail)) != BM_OK)
        return rc;
    lite_reset(store, Q_IDENTITY_STATE);
    return met ? BM_OK : bm_fail(fail, BM_EBUG, NULL, "the signer speaks of a serial that the store does not hold: restore the store");
}

enum bm_rc
bm_store_identity_renews(struct bm_store *store, struct bm_bytes serial, uint8_t ret[static BM_MAX_SERIAL], size_t *ret_n,
                         struct bm_fail *fail)
{
    struct bm_bytes renews;
    bool met;
    enum bm_rc rc;

    *ret_n = 0;
    lite_blob(store, Q_IDENTITY_RENEWS, 1, serial);
    if ((rc = lite_step(store, Q_IDENTITY_RENEWS, &met, "renewal", fail)) != BM_OK)
        return rc;
    if (met) {
        renews = lite_column_blob(store, Q_IDENTITY_RENEWS, 0);
        *ret_n = renews.n < BM_MAX_SERIAL ? renews.n : BM_MAX_SERIAL;
        memcpy(ret, renews.p, *ret_n);
    }
    lite_reset(store, Q_IDENTITY_RENEWS);
    return BM_OK;
}

enum bm_rc
bm_store_identity_renewed(struct bm_store *store, struct bm_bytes serial, bm_time retires, bm_time now, struct bm_fail *fail)
{
    lite_blob(store, Q_IDENTITY_RENEWED, 1, serial);
    lite_int(store, Q_IDENTITY_RENEWED, 2, retires);
    lite_int(store, Q_IDENTITY_RENEWED, 3, now);
    return lite_run(store, Q_IDENTITY_RENEWED, "renewed identity", fail);
}

enum bm_rc
bm_store_identity_ended(struct bm_store *store, struct bm_bytes serial, bm_time now, const char *reason, struct bm_fail *fail)
{
    lite_blob(store, Q_IDENTITY_ENDED, 1, serial);
    lite_int(store, Q_IDENTITY_ENDED, 2, now);
    lite_text(store, Q_IDENTITY_ENDED, 3, reason);
    return lite_run(store, Q_IDENTITY_ENDED, "replaced identity", fail);
}

static enum bm_rc
identity_found(struct bm_store *store, enum lite_sql q, struct bm_store_found *ret_found, struct bm_buf *certificate, struct bm_fail *fail)
{
    struct bm_store_found found = { .found = false };
    enum bm_rc rc;

    if ((rc = lite_step(store, q, &found.found, "identity", fail)) != BM_OK)
        return rc;
    if (found.found) {
        struct bm_bytes serial = lite_column_blob(store, q, 0);

        found.nserial = serial.n > sizeof(found.serial) ? sizeof(found.serial) : serial.n;
        memcpy(found.serial, serial.p, found.nserial);
        lite_column_text(store, q, 1, found.device, sizeof(found.device));
        lite_column_text(store, q, 2, found.state, sizeof(found.state));
        bm_buf_add_bytes(certificate, lite_column_blob(store, q, 3));
    }
    lite_reset(store, q);
    *ret_found = found;
    return bm_buf_check(certificate, "the certificate", fail);
}

enum bm_rc
bm_store_identity_by_key(struct bm_store *store, const uint8_t hash[static BM_HASH], struct bm_store_found *ret_found,
                         struct bm_buf *certificate, struct bm_fail *fail)
{
    lite_blob(store, Q_IDENTITY_BY_KEY, 1, bm_bytes(hash, BM_HASH));
    return identity_found(store, Q_IDENTITY_BY_KEY, ret_found, certificate, fail);
}

enum bm_rc
bm_store_identity_by_serial(struct bm_store *store, struct bm_bytes serial, struct bm_store_found *ret_found, struct bm_buf *certificate,
                            struct bm_fail *fail)
{
    lite_blob(store, Q_IDENTITY_BY_SERIAL, 1, serial);
    return identity_found(store, Q_IDENTITY_BY_SERIAL, ret_found, certificate, fail);
}
