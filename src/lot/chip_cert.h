/* chip_cert.h - a chip's own certificate, as lists without a signature of their own have it: read, or kept as it is where its maker erred. */
#ifndef BM_CHIP_CERT_H
#define BM_CHIP_CERT_H

#include "lot/lot.h"
#include "pki/cert.h"

struct bm_chip_cert {
    struct bm_cert_loose cert; /* views into the certificate */
    struct bm_key key;
};
/*
 * False: it cannot be read even with errors allowed for, or has no key that is taken, and the chip has the finding. What departs from DER or from RFC 5280 is
 * BM_CHECK_BROKEN_DER, which two persons can waive; an algorithm that only its chain is asked about is told. `which`: "its certificate", for the findings.
 */
bool bm_chip_cert_read(struct bm_chip_cert *ret_cert, struct bm_bytes der, const char *which, struct bm_lot_chip *chip);

#endif
