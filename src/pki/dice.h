/* dice.h - DICE (TCG): the TcbInfo extension, and the certificates by which one layer speaks for the next. */
#ifndef BM_DICE_H
#define BM_DICE_H

#include "pki/tbs.h"

/*
 * DiceTcbInfo ::= SEQUENCE {      2.23.133.5.4.1, all fields optional, implicit tags (TCG DICE Attestation Architecture)
 *     vendor [0] UTF8String, model [1] UTF8String, version [2] UTF8String, svn [3] INTEGER, layer [4] INTEGER, index [5] INTEGER,
 *     fwids [6] SEQUENCE OF SEQUENCE { hashAlg OID, digest OCTET STRING }, flags [7] BIT STRING, vendorInfo [8] OCTET STRING,
 *     type [9] OCTET STRING, flagsMask [10] BIT STRING }
 */
#define BM_MAX_FWIDS 8
struct bm_fwid {
    struct bm_bytes alg; /* OID content octets */
    struct bm_bytes digest;
};
struct bm_tcb_info {
    struct bm_bytes vendor, model, version, flags, vendor_info, type, flags_mask; /* n = 0 where absent; bit strings: content octets */
    uint64_t svn, layer, index;                                                   /* 0 where absent */
    struct bm_fwid fwids[BM_MAX_FWIDS];
    size_t nfwids;
};
/* BM_EINPUT: not DER, fields out of order or unknown, a list of hashes that is empty or longer than 8, an empty digest. Views into der. */
bm_must_use enum bm_rc bm_tcb_info_parse(struct bm_tcb_info *ret, struct bm_bytes der, struct bm_fail *fail);
/* Appends it: strings that are not empty, layer always, svn and index where they are not 0, hashes where there are any. */
void bm_tcb_info_build(struct bm_buf *buf, const struct bm_tcb_info *info);
extern const struct bm_bytes bm_oid_tcb_info;

/* DeviceID: a CA for Alias alone. Alias: signs what the device attests. */
enum bm_dice_role {
    BM_DICE_DEVICE_ID,
    BM_DICE_ALIAS
};
/* Appends the TBSCertificate: names and serial number are those of the keys, dates are open since a boot ROM has no clock, measured is SHA-256 of the code
 * that the subject's key stands for. */
bm_must_use enum bm_rc bm_dice_tbs_build(struct bm_buf *buf, const struct bm_key *issuer, const struct bm_key *subject,
                                         enum bm_dice_role role, const uint8_t measured[static BM_HASH], struct bm_fail *fail);

#endif
