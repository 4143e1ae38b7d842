/* profiles.h - which version of each profile orders are opened with. */
#ifndef BM_PROFILES_H
#define BM_PROFILES_H

#include "record/statement.h"
#include "wire/rd.h"

struct bm_profiles {
    struct bm_active {
        char name[BM_MAX_NAME + 1];
        uint64_t version;
        uint8_t digest[BM_HASH];
    } * active;
    size_t n;
};
void bm_profiles_done(struct bm_profiles *profiles);

/* A statement whose signature has been checked; `behind` is what stands behind the note in BM_S_STATEMENT: u8 1, lv16 text. BM_EPOLICY: the text is another,
 * or its version is not above the one that is active. */
bm_must_use enum bm_rc bm_profiles_check(const struct bm_profiles *profiles, const struct bm_activation *activation, struct bm_rd behind,
                                         struct bm_fail *fail);
bm_must_use enum bm_rc bm_profiles_put(struct bm_profiles *profiles, const struct bm_activation *activation, struct bm_fail *fail);

/* May an order be opened with all of these? BM_EPOLICY: one is not active: never activated, nor shipped. */
bm_must_use enum bm_rc bm_profiles_active(const struct bm_profiles *profiles, const struct bm_order *order, struct bm_fail *fail);

#endif
