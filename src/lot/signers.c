#include "lot/signers.h"

#include "wire/text.h"

#include <stdio.h>

#define CLOCKS_DIFFER 86400 /* seconds that a chipmaker's clock may be ahead of ours */

static enum bm_rc
signer_take(struct bm_signer *signer, const struct bm_vendor *vendor, size_t i, struct bm_fail *fail)
{
    char name[BM_MAX_NAME + 1], hex[2 * BM_HASH + 1];
    enum bm_rc rc;

    if ((rc = bm_jws_signer_init(&signer->jws, vendor->signers.der[i], fail)) != BM_OK) {
        bm_fail_prefix(fail, "signer certificate %zu of the vendor %s", i + 1, vendor->name);
        return rc;
    }
    bm_hex(hex, bm_bytes(signer->jws.hash, BM_HASH));
    bm_name_print(name, sizeof(name), signer->jws.cert.subject);
    (void)snprintf(signer->name, sizeof(signer->name), "%s %s", name, hex);
    bm_name_print(signer->subject, sizeof(signer->subject), signer->jws.cert.subject);
    signer->retired = bm_vendor_retired(vendor, signer->jws.hash);
    return BM_OK;
}

/* Self-signed and no CAs: pinned one by one, there is no chain to build. */
enum bm_rc
bm_signers_take(struct bm_signers *signers, const struct bm_vendor *vendor, struct bm_fail *fail)
{
    enum bm_rc rc;

    signers->vendor = vendor;
    if (vendor->signers.n == 0 || vendor->signers.n > BM_MAX_SIGNERS)
        return bm_fail(fail, BM_EINPUT, NULL,
                       "the vendor %s has %zu signer certificates: 1 to %d are needed, add those that Microchip publishes", vendor->name,
                       vendor->signers.n, BM_MAX_SIGNERS);
    for (; signers->n < vendor->signers.n; signers->n++)
        if ((rc = signer_take(&signers->signer[signers->n], vendor, signers->n, fail)) != BM_OK)
            return rc;
    return BM_OK;
}

const struct bm_signer *
bm_signers_find(const struct bm_signers *signers, const struct bm_jws *jws, struct bm_lot_chip *chip)
{
    const struct bm_signer *signer = NULL;
    char hex[2 * BM_HASH + 1];

    for (size_t i = 0; i < signers->n && signer == NULL; i++)
        if (memcmp(signers->signer[i].jws.hash, jws->signer, BM_HASH) == 0)
            signer = &signers->signer[i];
    if (signer != NULL && !signer->retired)
        return signer;
    bm_hex(hex, bm_bytes(jws->signer, BM_HASH));
    if (signer == NULL)
        bm_lot_chip_find(chip, BM_CHECK_SIGNATURE,
                         "it is signed by the certificate %s, which is not pinned for the vendor %s: if it is Microchip's, add it", hex,
                         signers->vendor->name);
    else
        bm_lot_chip_find(chip, BM_CHECK_SIGNATURE, "it is signed by the certificate %s, which was retired for the vendor %s", hex,
                         signers->vendor->name);
    return NULL;
}

/* Signers expire and what they signed stays genuine: judged at the time that the chip was provisioned, which they signed, and which has been. */
void
bm_signer_time_look(const struct bm_signer *signer, bm_time now, struct bm_lot_chip *chip)
{
    const struct bm_cert *cert = &signer->jws.cert;
    char when[BM_TIME_TEXT];

    if (chip->time < cert->not_before || chip->time > cert->not_after) {
        bm_time_print(when, chip->time);
        bm_lot_chip_find(chip, BM_CHECK_SIGNER_TIME, "it was signed for %s by %s, whose certificate was not valid then", when,
                         signer->subject);
    } else if (now != 0 && chip->time > now + CLOCKS_DIFFER) {
        bm_time_print(when, chip->time);
        bm_lot_chip_find(chip, BM_CHECK_SIGNER_TIME, "it says that it was provisioned at %s, which has yet to come", when);
    } else if (now > cert->not_after) {
        bm_lot_chip_find(chip, BM_CHECK_SIGNER_EXPIRED, "its signer's certificate was valid when it signed and has expired since");
    }
}
