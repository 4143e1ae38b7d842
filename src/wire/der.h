/* der.h - DER (X.690) read through a cursor, and written front to back. */
#ifndef BM_DER_H
#define BM_DER_H

#include "wire/rd.h"

/* Identifier octets that we meet; low-tag-number form only (a tag number above 30 is refused). */
enum {
    BM_DER_BOOLEAN = 0x01,
    BM_DER_INTEGER = 0x02,
    BM_DER_BIT_STRING = 0x03,
    BM_DER_OCTET_STRING = 0x04,
    BM_DER_NULL = 0x05,
    BM_DER_OID = 0x06,
    BM_DER_ENUMERATED = 0x0a,
    BM_DER_UTF8 = 0x0c,
    BM_DER_PRINTABLE = 0x13,
    BM_DER_IA5 = 0x16,
    BM_DER_UTC_TIME = 0x17,
    BM_DER_GENERALIZED_TIME = 0x18,
    BM_DER_SEQUENCE = 0x30,
    BM_DER_SET = 0x31,
};
#define BM_DER_CONTEXT(n) (0x80u | (n))             /* [n] primitive */
#define BM_DER_CONTEXT_CONSTRUCTED(n) (0xa0u | (n)) /* [n] constructed */

/*
 * Reading. Every function takes the next element off the cursor and poisons it on anything that is not DER: indefinite or non-minimal
 * length, wrong tag, length past the end. A returned cursor walks the element's content; it is poisoned when the outer one is.
 */
bool bm_der_peek(const struct bm_rd *rd, unsigned tag); /* is the next element of this tag? False at the end or when bad. */
struct bm_rd bm_der_enter(struct bm_rd *rd, unsigned tag);
struct bm_bytes bm_der_take(struct bm_rd *rd, unsigned tag);     /* the content octets */
struct bm_bytes bm_der_raw(struct bm_rd *rd, unsigned tag);      /* identifier, length and content: what signatures cover */
struct bm_bytes bm_der_any(struct bm_rd *rd, unsigned *ret_tag); /* any tag: whole element; ret_tag may be NULL */
bool bm_der_boolean(struct bm_rd *rd);                           /* 00 or ff, nothing else */
uint64_t bm_der_uint(struct bm_rd *rd, unsigned tag);            /* INTEGER or ENUMERATED, minimal, not negative, up to 64 bits */
struct bm_bytes bm_der_positive(struct bm_rd *rd);               /* INTEGER > 0, minimal; magnitude without the sign octet */
struct bm_bytes bm_der_bits(struct bm_rd *rd);                   /* BIT STRING without unused bits */
void bm_der_null(struct bm_rd *rd);
bool bm_der_oid_is(struct bm_bytes content, const uint8_t *oid, size_t n); /* compare OID content octets */
int64_t bm_der_time(struct bm_rd *rd); /* UTCTime or GeneralizedTime as RFC 5280 4.1.2.5 allows them: seconds since 1970 */

/*
 * Writing, into a bm_buf (errors are sticky there). begin/end nest; end patches the length in, moving the content by the length octets
 * that it needs. `size_t at = bm_der_begin(b, BM_DER_SEQUENCE); ... bm_der_end(b, at);`
 */
size_t bm_der_begin(struct bm_buf *buf, unsigned tag);
void bm_der_end(struct bm_buf *buf, size_t at);
void bm_der_add(struct bm_buf *buf, unsigned tag, struct bm_bytes content);
void bm_der_add_uint(struct bm_buf *buf, unsigned tag, uint64_t v);
void bm_der_add_positive(struct bm_buf *buf, struct bm_bytes magnitude); /* INTEGER; strips leading zeros, adds the sign octet */
void bm_der_add_bits(struct bm_buf *buf, struct bm_bytes content);       /* BIT STRING, no unused bits */
void bm_der_add_boolean(struct bm_buf *buf, bool v);
void bm_der_add_null(struct bm_buf *buf);
void bm_der_add_time(struct bm_buf *buf, int64_t t);         /* UTCTime until 2049, GeneralizedTime from 2050 (RFC 5280 4.1.2.5) */
void bm_der_add_general_time(struct bm_buf *buf, int64_t t); /* always GeneralizedTime (RFC 6960 4.2.2.1) */

#endif
