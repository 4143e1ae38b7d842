/* check.h - what is looked at in every lot, and what is done about it: the table of findings. */
#ifndef BM_LOT_CHECK_H
#define BM_LOT_CHECK_H

#include "base/base.h"

enum bm_check {
    /* refused, always */
    BM_CHECK_SIGNATURE = 1, /* a signature of the vendor does not verify, or nobody pinned has made it */
    BM_CHECK_ENTRY,         /* the entry cannot be read, or contradicts itself */
    BM_CHECK_KEY,           /* off the curve, at infinity, RSA under 2048 bits or an unsound exponent, an unknown kind */
    BM_CHECK_CHAIN,         /* the chip's certificate does not lead to a root of the vendor */
    BM_CHECK_SIGNER_TIME,   /* the signer's certificate was not valid when it signed */
    BM_CHECK_KEY_TWICE,     /* one root key in two chips */
    BM_CHECK_OTHER_LOT,     /* a chip of this lot stands in another */
    /* refused, unless two persons waived it for this vendor */
    BM_CHECK_BROKEN_DER,    /* a certificate is not DER, or breaks RFC 5280, and can be read all the same */
    BM_CHECK_ID_TWICE,      /* one id for two keys, here or in another lot of the vendor */
    BM_CHECK_ROCA,          /* CVE-2017-15361 fingerprint */
    BM_CHECK_SHARED_FACTOR, /* the modulus shares a prime with another */
    BM_CHECK_TEST_KEY,      /* a key that is printed in a standard or shipped with software */
    /* told, not refused */
    BM_CHECK_UNSIGNED,       /* nobody signed the list as a whole: it may lack chips */
    BM_CHECK_NO_ROOTS,       /* no root is pinned for the vendor: the chips' certificates were not checked */
    BM_CHECK_SIGNER_EXPIRED, /* valid when it signed, expired at receipt */
    BM_CHECK_LABEL,          /* a name or id is strange: nothing is bound to it */
    BM_CHECK_DELIVERY,       /* two deliveries, two signers in one file */
    BM_CHECK_FORM,           /* the file departs from its format's documentation */
    BM_CHECK_INJECTED,       /* root keys that were made outside the chip */
    BM_CHECK__N
};

enum bm_check_weight {
    BM_WEIGHT_NOTE = 1,
    BM_WEIGHT_WAIVABLE,
    BM_WEIGHT_FATAL
};

const char *bm_check_word(enum bm_check check); /* "broken-der": for --waive, --json and receipts */
enum bm_check_weight bm_check_weight(enum bm_check check);
/* BM_EINPUT with the list of words when there is none of this name. */
bm_must_use enum bm_rc bm_check_find(enum bm_check *ret_check, const char *word, struct bm_fail *fail);

#endif
