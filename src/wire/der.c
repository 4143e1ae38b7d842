#include "wire/der.h"

#include "base/env.h"

#include <stdio.h>

#define HIGH_TAG 0x1fu /* "the tag number follows": never in what we read */

static void
poison(struct bm_rd *rd)
{
    *rd = (struct bm_rd){ .bad = true };
}

/*
 *  30 82 01 0a | content        30 05 | content
 *  |  |  +---+                  |  +- length below 128
 *  |  |  +-- length             +- identifier
 *  |  +- 0x80 + octets of length
 *  +- identifier
 */
static size_t
length_take(struct bm_rd *rd)
{
    uint8_t first = bm_rd_u8(rd);
    size_t octets = first & 0x7fu, n = 0;

    if (first < 0x80)
        return first;
    /* X.690 10.1 the definite form, in the fewest octets; 4 GiB are more than any limit of ours */
    if (octets == 0 || octets > 4) {
        poison(rd);
        return 0;
    }
    for (size_t i = 0; i < octets; i++)
        n = n << 8 | bm_rd_u8(rd);
    if (n < 0x80 || n >> (8 * (octets - 1)) == 0)
        poison(rd);
    return n;
}

/* The common case at once: a length below 128, and all of it there. False: nothing was taken, look closer. */
static inline bool
element_short(struct bm_rd *rd, unsigned *ret_tag, struct bm_bytes *ret_content)
{
    if (rd->bad || rd->left < 2 || (rd->p[0] & HIGH_TAG) == HIGH_TAG || rd->p[1] >= 0x80 || rd->p[1] > rd->left - 2)
        return false;
    *ret_tag = rd->p[0];
    *ret_content = bm_bytes(rd->p + 2, rd->p[1]);
    rd->left -= 2 + ret_content->n;
    rd->p += 2 + ret_content->n;
    return true;
}

/* The next element; ret_content its content. Identifier, length and content are returned as one view. */
static struct bm_bytes
element_take(struct bm_rd *rd, unsigned *ret_tag, struct bm_bytes *ret_content)
{
    const uint8_t *start = rd->p;
    unsigned tag;
    size_t n;

    if (element_short(rd, ret_tag, ret_content))
        return bm_bytes(start, 2 + ret_content->n);
    tag = bm_rd_u8(rd);
    *ret_tag = 0;
    *ret_content = bm_bytes(NULL, 0);
    if ((tag & HIGH_TAG) == HIGH_TAG)
        poison(rd);
    n = length_take(rd);
    *ret_content = bm_rd_take(rd, n);
    if (rd->bad)
        return bm_bytes(NULL, 0);
    *ret_tag = tag;
    return bm_bytes(start, (size_t)(ret_content->p - start) + ret_content->n);
}

/* The same for a wanted tag. */
static struct bm_bytes
wanted_take(struct bm_rd *rd, unsigned tag, struct bm_bytes *ret_content)
{
    struct bm_bytes whole;
    unsigned got;

    if (!bm_der_peek(rd, tag))
        poison(rd);
    whole = element_take(rd, &got, ret_content);
    return whole;
}

bool
bm_der_peek(const struct bm_rd *rd, unsigned tag)
{
    return !rd->bad && rd->left > 0 && rd->p[0] == tag;
}

struct bm_rd
bm_der_enter(struct bm_rd *rd, unsigned tag)
{
    struct bm_bytes content;

    (void)wanted_take(rd, tag, &content);
    return (struct bm_rd){ .p = content.p, .left = content.n, .bad = rd->bad };
}

struct bm_bytes
bm_der_take(struct bm_rd *rd, unsigned tag)
{
    struct bm_bytes content;

    (void)wanted_take(rd, tag, &content);
    return content;
}

struct bm_bytes
bm_der_raw(struct bm_rd *rd, unsigned tag)
{
    struct bm_bytes content;

    return wanted_take(rd, tag, &content);
}

struct bm_bytes
bm_der_any(struct bm_rd *rd, unsigned *ret_tag)
{
    struct bm_bytes content, whole;
    unsigned tag;

    whole = element_take(rd, &tag, &content);
    if (ret_tag != NULL)
        *ret_tag = tag;
    return whole;
}

bool
bm_der_boolean(struct bm_rd *rd)
{
    struct bm_bytes v = bm_der_take(rd, BM_DER_BOOLEAN);

    /* X.690 11.1 TRUE is ff */
    if (v.n != 1 || (v.p[0] != 0 && v.p[0] != 0xff)) {
        poison(rd);
        return false;
    }
    return v.p[0] == 0xff;
}

/* Content octets of an INTEGER that is minimal and not negative, without the sign octet; {0} for zero. Empty when bad. */
static struct bm_bytes
magnitude_take(struct bm_rd *rd, unsigned tag)
{
    struct bm_bytes v = bm_der_take(rd, tag);

    /* X.690 8.3.2 the first nine bits are not all alike */
    if (v.n == 0 || v.p[0] >= 0x80 || (v.n > 1 && v.p[0] == 0 && v.p[1] < 0x80)) {
        poison(rd);
        return bm_bytes(NULL, 0);
    }
    return v.n > 1 && v.p[0] == 0 ? bm_bytes(v.p + 1, v.n - 1) : v;
}

uint64_t
bm_der_uint(struct bm_rd *rd, unsigned tag)
{
    struct bm_bytes v = magnitude_take(rd, tag);
    uint64_t n = 0;

    if (v.n > 8) {
        poison(rd);
        return 0;
    }
    for (size_t i = 0; i < v.n; i++)
        n = n << 8 | v.p[i];
    return n;
}

struct bm_bytes
bm_der_positive(struct bm_rd *rd)
{
    struct bm_bytes v = magnitude_take(rd, BM_DER_INTEGER);

    if (v.n == 0 || v.p[0] == 0) {
        poison(rd);
        return bm_bytes(NULL, 0);
    }
    return v;
}

struct bm_bytes
bm_der_bits(struct bm_rd *rd)
{
    struct bm_bytes v = bm_der_take(rd, BM_DER_BIT_STRING);

    if (v.n == 0 || v.p[0] != 0) {
        poison(rd);
        return bm_bytes(NULL, 0);
    }
    return bm_bytes(v.p + 1, v.n - 1);
}

void
bm_der_null(struct bm_rd *rd)
{
    struct bm_bytes v = bm_der_take(rd, BM_DER_NULL);

    if (v.n != 0)
        poison(rd);
}

bool
bm_der_oid_is(struct bm_bytes content, const uint8_t *oid, size_t n)
{
    return bm_bytes_equal(content, bm_bytes(oid, n));
}

/* Two digits off the cursor; poisons on anything else. */
static int
two_digits(struct bm_rd *rd)
{
    struct bm_bytes v = bm_rd_take(rd, 2);

    if (v.n != 2 || v.p[0] < '0' || v.p[0] > '9' || v.p[1] < '0' || v.p[1] > '9') {
        poison(rd);
        return 0;
    }
    return (v.p[0] - '0') * 10 + (v.p[1] - '0');
}

static bool
civil_is_real(struct bm_civil c)
{
    struct bm_civil again;

    if (c.month < 1 || c.month > 12 || c.day < 1 || c.day > 31 || c.hour > 23 || c.minute > 59 || c.second > 59)
        return false;
    again = bm_time_civil(bm_civil_time(c)); /* 30 February comes back as 1 or 2 March */
    return again.month == c.month && again.day == c.day;
}

int64_t
bm_der_time(struct bm_rd *rd)
{
    bool general = bm_der_peek(rd, BM_DER_GENERALIZED_TIME);
    struct bm_bytes text = bm_der_take(rd, general ? BM_DER_GENERALIZED_TIME : BM_DER_UTC_TIME);
    struct bm_rd in = bm_rd(text);
    struct bm_civil c = { 0 };

    /* req: RFC5280 4.1.2.5 with seconds, in Zulu, no fraction, no offset; two-digit years are 1950 to 2049 */
    c.year = two_digits(&in);
    c.year = general ? c.year * 100 + two_digits(&in) : c.year + (c.year >= 50 ? 1900 : 2000);
    c.month = two_digits(&in);
    c.day = two_digits(&in);
    c.hour = two_digits(&in);
    c.minute = two_digits(&in);
    c.second = two_digits(&in);
    if (bm_rd_u8(&in) != 'Z' || !bm_rd_end(&in) || !civil_is_real(c)) {
        poison(rd);
        return 0;
    }
    return bm_civil_time(c);
}
