/* reel.h - Infineon's delivery, expanded in memory: a 7z of 7z, its certificates grouped by the chip id that is in their file names. */
#ifndef BM_REEL_H
#define BM_REEL_H

#include "lot/sevenz.h"

/*
 * REEL_GUID_vX.Y.7z
 *     REEL_GUID_E0E0_Certs.7z      CHIP_E0E0.pem, one a chip
 *     REEL_GUID_E0E1_Certs.7z      CHIP_E0E1.pem: a key that the chip lends over a shielded connection only
 *     REEL_GUID_E0E2_Certs.7z      CHIP_E0E2.pem: RSA
 *     REEL_GUID_keys.7z            secrets, encrypted: never opened
 *     README.txt                   passed over
 * The GUID is confidential, as Infineon's README says: nothing here keeps it.
 */
enum bm_object {
    BM_OBJECT_E0E0,
    BM_OBJECT_E0E1,
    BM_OBJECT_E0E2,
    BM_OBJECT__N
};
const char *bm_object_word(enum bm_object object); /* "E0E0", ... */

#define BM_REEL_ARCHIVES 16 /* of certificates in one delivery: a reel has three */

/* Zeroed is empty. */
struct bm_reel {
    struct bm_reel_row {
        char chip[BM_MAX_ID + 1];
        enum bm_object object;
        size_t archive;
        size_t at, n; /* in text */
    } * rows;         /* ascending by chip, object and place in the delivery */
    size_t nrows, cap;
    struct bm_buf text;                            /* the .pem files, as they were */
    char reels[BM_REEL_ARCHIVES][BM_MAX_NAME + 1]; /* by archive */
    size_t narchives;
    uint64_t npassed;                     /* entries whose name is none of the above: not read */
    char passed[BM_MAX_ARCHIVE_NAME + 1]; /* the first one's */
};

/* Expands and groups. BM_EINPUT: damaged, encrypted where it should not be, too large, or nothing of Infineon's in it. */
bm_must_use enum bm_rc bm_reel_open(struct bm_reel *reel, struct bm_bytes file, struct bm_fail *fail);
/* Rows from `at` on that are of one chip; 0 at the end. */
size_t bm_reel_chip(const struct bm_reel *reel, size_t at);
void bm_reel_done(struct bm_reel *reel); /* for bm_cleanup() */

#endif
