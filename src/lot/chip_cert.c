#include "lot/chip_cert.h"

/* What a reader of DER would have refused, and is kept as it was delivered. */
static void
form_look(const struct bm_cert_loose *cert, const char *which, struct bm_lot_chip *chip)
{
    struct bm_fail why, unknown;
    enum bm_sig_alg alg;
    struct bm_cert strict;

    /* The algorithm is looked at last: where that is the reason, the rest is in order, and libcrypto knows more algorithms than we do. */
    if (bm_cert_parse(&strict, cert->der, &why) == BM_OK) {
        if (!bm_name_in_order(cert->issuer) || !bm_name_in_order(cert->subject))
            bm_lot_chip_find(chip, BM_CHECK_BROKEN_DER, "%s is kept as it is: a name in it has a SET out of order (X.690 11.6)", which);
    } else if (bm_sig_alg_parse(&alg, cert->alg, &unknown) != BM_OK && strcmp(why.text, unknown.text) == 0) {
        bm_lot_chip_find(chip, BM_CHECK_FORM, "%s is signed in a way that only its chain is asked about: %.150s", which, why.text);
    } else {
        bm_lot_chip_find(chip, BM_CHECK_BROKEN_DER, "%s is kept as it is: %.160s", which, why.text);
    }
}

bool
bm_chip_cert_read(struct bm_chip_cert *ret_cert, struct bm_bytes der, const char *which, struct bm_lot_chip *chip)
{
    struct bm_fail why;

    if (bm_cert_loose_parse(&ret_cert->cert, der, &why) != BM_OK) {
        bm_lot_chip_find(chip, BM_CHECK_ENTRY, "%s cannot be read: %.150s", which, why.text);
        return false;
    }
    if (bm_key_parse(&ret_cert->key, ret_cert->cert.spki, &why) != BM_OK) {
        bm_lot_chip_find(chip, BM_CHECK_KEY, "%s: %.180s", which, why.text);
        return false;
    }
    form_look(&ret_cert->cert, which, chip);
    return true;
}
