/* factors_kept.h - the RSA moduli of every lot received, kept in the site's directory and compared with those of a new one. */
#ifndef BM_CLI_FACTORS_KEPT_H
#define BM_CLI_FACTORS_KEPT_H

#include "cli/exam.h"

/*
 * After bm_exam_run(): looks for RSA moduli that share a prime, in the lot and with every lot in HOME/lots but this one itself. What is found is added to
 * the exam, with both places. home NULL: the lot alone. BM_EBUSY where a list of another lot is damaged or away. Costs nothing where the lot has no RSA key.
 */
bm_must_use enum bm_rc bm_factors_compare(struct bm_exam *exam, const struct bm_lot_result *result, const char *home, struct bm_fail *fail);

/* Writes the list, where the lot has RSA keys, to HOME/lots/ROOT.rsa, after bm_factors_compare(); takes it away again. */
bm_must_use enum bm_rc bm_factors_keep(const struct bm_exam *exam, const struct bm_lot_result *result, const char *home,
                                       struct bm_fail *fail);
/* Is the list of the lot with this root there and in order, where it has so many RSA keys? */
bool bm_factors_stand(uint64_t keys, const uint8_t root[static BM_HASH], const char *home);
void bm_factors_drop(const struct bm_lot_result *result, const char *home);

#endif
