/* pattern.h - names that a profile makes of the records: a text in which words in braces stand for what the records say of the device. */
#ifndef BM_PKI_PATTERN_H
#define BM_PKI_PATTERN_H

#include "base/bytes.h"

/* Nothing else can come into a name: no word of the request. */
struct bm_records {
    const char *device; /* {device}: our id of the unit */
    const char *chip;   /* {chip}: the serial number by which the lot knows it; NULL: none */
    const char *lot;    /* {lot}; NULL: none */
};

enum bm_pattern_kind {
    BM_PATTERN_NAME, /* an attribute of the subject: letters, digits, space and . _ : -; 1 to 64 characters when filled in */
    BM_PATTERN_DNS,  /* a host name: two labels or more of letters, digits and '-', 253 characters in all */
    BM_PATTERN_URI   /* SCHEME:REST, of the characters of RFC 3986 but '#' and '[]', 253 in all */
};
#define BM_MAX_PATTERN 128 /* characters of the pattern */
#define BM_MAX_PATTERN_FILLED 254

/* Could it be filled in? Known words only, no brace left over, and with short values a name of its kind. */
bool bm_pattern_ok(enum bm_pattern_kind kind, const char *pattern);
/* Is it another name for every device? */
bool bm_pattern_unique(const char *pattern);
/* BM_EPOLICY: these records make no name of this kind; `what` begins the sentence. */
bm_must_use enum bm_rc bm_pattern_fill(char ret[static BM_MAX_PATTERN_FILLED], enum bm_pattern_kind kind, const char *pattern,
                                       const struct bm_records *records, const char *what, struct bm_fail *fail);

#endif
