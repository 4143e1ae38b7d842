/* found.c - what is found out about one chip. */
#include "lot/lot.h"

#include <stdio.h>

void
bm_lot_chip_reset(struct bm_lot_chip *chip)
{
    chip->have = false;
    chip->nfindings = 0;
    chip->signatures = 0;
    chip->time = 0;
    chip->delivery[0] = 0;
    chip->signer[0] = 0;
    memset(chip->san, 0, sizeof(chip->san));
}

void
bm_lot_chip_find(struct bm_lot_chip *chip, enum bm_check check, const char *fmt, ...)
{
    struct bm_finding *finding = &chip->findings[chip->nfindings];
    va_list ap;

    if (chip->nfindings == BM_MAX_FINDINGS) {
        if (bm_check_weight(check) != BM_WEIGHT_FATAL)
            return;
        finding = &chip->findings[BM_MAX_FINDINGS - 1];
    } else {
        chip->nfindings++;
    }
    finding->check = check;
    va_start(ap, fmt);
    (void)vsnprintf(finding->sentence, sizeof(finding->sentence), fmt, ap);
    va_end(ap);
}

const struct bm_finding *
bm_lot_chip_fatal(const struct bm_lot_chip *chip)
{
    for (size_t i = 0; i < chip->nfindings; i++)
        if (bm_check_weight(chip->findings[i].check) == BM_WEIGHT_FATAL)
            return &chip->findings[i];
    return NULL;
}
