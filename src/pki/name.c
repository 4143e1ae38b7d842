#include "pki/name.h"

#include "pki/cert.h"
#include "pki/oid.h"

#include <stdio.h>

#define MAX_RDN 32   /* names of endorsement certificates have up to eight */
#define MAX_VALUE 64 /* RFC 5280 A.1: ub-common-name, ub-organization-name, ub-serial-number */

struct bm_bytes
bm_name_take(struct bm_rd *rd)
{
    struct bm_bytes name = bm_der_raw(rd, BM_DER_SEQUENCE);
    struct bm_rd outer = bm_rd(name), rdns = bm_der_enter(&outer, BM_DER_SEQUENCE);

    for (size_t n = 0; !rd->bad && !bm_rd_end(&rdns); n++) {
        struct bm_rd set = bm_der_enter(&rdns, BM_DER_SET);
        bool bad = set.left == 0 || n == MAX_RDN;

        while (!bad && !bm_rd_end(&set)) {
            struct bm_rd attribute = bm_der_enter(&set, BM_DER_SEQUENCE);

            bad = bm_der_take(&attribute, BM_DER_OID).n == 0;
            (void)bm_der_any(&attribute, NULL);
            bad = bad || !bm_rd_end(&attribute);
        }
        if (bad)
            *rd = (struct bm_rd){ .bad = true };
    }
    return rd->bad ? bm_bytes(NULL, 0) : name;
}

/* One character: its length and code point; 0 when it is not UTF-8 (RFC 3629 4). */
static size_t
utf8_next(struct bm_bytes text, uint32_t *ret_point)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    uint8_t first = text.p[0];
    size_t n = first < 0x80 ? 1 : (first & 0xe0) == 0xc0 ? 2 : (first & 0xf0) == 0xe0 ? 3 : (first & 0xf8) == 0xf0 ? 4 : 0;
    uint32_t point = n == 1 ? first : first & (0x7fu >> n);

    if (n == 0 || n > text.n)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((text.p[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (text.p[i] & 0x3fu);
    }
    *ret_point = point;
    return point < least[n] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000) ? 0 : n;
}

/* Control characters, and the marks that turn the direction of writing: a name with them shows another name than it is. */
static bool
deceives(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x61c || (point >= 0x200b && point <= 0x200f) ||
           (point >= 0x2028 && point <= 0x202e) || (point >= 0x2060 && point <= 0x206f) || point == 0xfeff;
}

/* Characters of text; 0 when there are none, or it is not clean UTF-8. */
static size_t
utf8_count(struct bm_bytes text)
{
    size_t count = 0;

    while (text.n > 0) {
        uint32_t point = 0;
        size_t n = utf8_next(text, &point);

        if (n == 0 || deceives(point))
            return 0;
        text = bm_bytes(text.p + n, text.n - n);
        count++;
    }
    return count;
}

static bool
fits_printable(struct bm_bytes text)
{
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];

        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c != 0 && strchr(" '()+,-./:=?", c) != NULL)))
            return false;
    }
    return true;
}

static bool
value_ok(const char *value)
{
    size_t count = utf8_count(bm_bytes_str(value));

    return count > 0 && count <= MAX_VALUE;
}

enum bm_rc
bm_name_value_check(const char *what, const char *value, struct bm_fail *fail)
{
    if (value_ok(value))
        return BM_OK;
    return bm_fail(fail, BM_EINPUT, "RFC 5280 A.1", "%s must be 1 to %d characters of UTF-8, none of them a control character", what,
                   MAX_VALUE);
}

void
bm_name_add(struct bm_buf *buf, struct bm_bytes oid, const char *value)
{
    struct bm_bytes text = bm_bytes_str(value);
    size_t set = bm_der_begin(buf, BM_DER_SET), at = bm_der_begin(buf, BM_DER_SEQUENCE);

    if (!value_ok(value))
        buf->bad = true;
    bm_der_add(buf, BM_DER_OID, oid);
    /* req: RFC5280 4.1.2.4 PrintableString or UTF8String, nothing else */
    bm_der_add(buf, fits_printable(text) ? BM_DER_PRINTABLE : BM_DER_UTF8, text);
    bm_der_end(buf, at);
    bm_der_end(buf, set);
}

/* Printing: into a fixed string, which ends in "..." when it is too short. */
struct out {
    char *at;
    size_t left; /* without the NUL */
    bool cut;
};

static void
put(struct out *out, const char *s, size_t n)
{
    if (out->cut || n > out->left) {
        out->cut = true;
        return;
    }
    memcpy(out->at, s, n);
    out->at += n;
    out->left -= n;
}

static void
put_hex(struct out *out, const char *before, uint8_t octet)
{
    char text[8];
    int n = snprintf(text, sizeof(text), "%s%02x", before, octet);

    put(out, text, (size_t)n);
}

static const struct {
    const char *word;
    const uint8_t *oid;
    size_t noid;
} words[] = {
    { "CN", bm_oid_cn, sizeof(bm_oid_cn) },
    { "O", bm_oid_o, sizeof(bm_oid_o) },
    { "OU", bm_oid_ou, sizeof(bm_oid_ou) },
    { "serialNumber", bm_oid_serial_number, sizeof(bm_oid_serial_number) },
    { "C", bm_oid_c, sizeof(bm_oid_c) },
    { "L", bm_oid_l, sizeof(bm_oid_l) },
    { "ST", bm_oid_st, sizeof(bm_oid_st) },
    { "title", bm_oid_title, sizeof(bm_oid_title) },
    { "DC", bm_oid_dc, sizeof(bm_oid_dc) },
    { "emailAddress", bm_oid_email, sizeof(bm_oid_email) },
    { "tpmManufacturer", bm_oid_tpm_manufacturer, sizeof(bm_oid_tpm_manufacturer) },
    { "tpmModel", bm_oid_tpm_model, sizeof(bm_oid_tpm_model) },
    { "tpmVersion", bm_oid_tpm_version, sizeof(bm_oid_tpm_version) },
};

/* Dotted decimal; arcs beyond 64 bits come out as hexadecimal of the whole. */
static void
put_oid(struct out *out, struct bm_bytes oid)
{
    uint64_t arc = 0;
    bool first = true;
    char text[48];

    for (size_t i = 0; i < BM_COUNT(words); i++) {
        if (bm_der_oid_is(oid, words[i].oid, words[i].noid)) {
            put(out, words[i].word, strlen(words[i].word));
            return;
        }
    }
    for (size_t i = 0; i < oid.n; i++) {
        if (arc >> 57 != 0) {
            put(out, "...", 3);
            return;
        }
        arc = arc << 7 | (oid.p[i] & 0x7fu);
        if (oid.p[i] >= 0x80)
            continue;
        if (first)
            (void)snprintf(text, sizeof(text), "%d.%llu",
                           arc < 40   ? 0
                           : arc < 80 ? 1
                                      : 2,
                           (unsigned long long)(arc < 40   ? arc
                                                : arc < 80 ? arc - 40
                                                           : arc - 80));
        else
            (void)snprintf(text, sizeof(text), ".%llu", (unsigned long long)arc);
        put(out, text, strlen(text));
        first = false;
        arc = 0;
    }
}

/* RFC 4514 2.4: specials behind a backslash; what would not show, or is no UTF-8, as backslash and hexadecimal. */
static void
put_text(struct out *out, struct bm_bytes text)
{
    for (size_t i = 0, n; i < text.n; i += n) {
        uint32_t point = 0;
        uint8_t c = text.p[i];
        bool edge = (c == ' ' && (i == 0 || i == text.n - 1)) || (c == '#' && i == 0);

        n = utf8_next(bm_bytes(text.p + i, text.n - i), &point);
        if (n == 0 || deceives(point)) {
            n = n == 0 ? 1 : n;
            for (size_t k = 0; k < n; k++)
                put_hex(out, "\\", text.p[i + k]);
            continue;
        }
        if (edge || (c != 0 && strchr("\"+,;<>\\=", c) != NULL))
            put(out, "\\", 1);
        put(out, (const char *)text.p + i, n);
    }
}

static void
put_rdn(struct out *out, struct bm_rd set)
{
    for (bool first = true; set.left > 0 && !set.bad; first = false) {
        struct bm_rd attribute = bm_der_enter(&set, BM_DER_SEQUENCE), value;
        struct bm_bytes oid = bm_der_take(&attribute, BM_DER_OID), whole;
        unsigned tag = 0;

        whole = bm_der_any(&attribute, &tag);
        value = bm_rd(whole);
        if (!first)
            put(out, "+", 1);
        put_oid(out, oid);
        put(out, "=", 1);
        if (tag == BM_DER_UTF8 || tag == BM_DER_PRINTABLE || tag == BM_DER_IA5) {
            put_text(out, bm_der_take(&value, tag));
            continue;
        }
        put(out, "#", 1);
        for (size_t i = 0; i < whole.n; i++)
            put_hex(out, "", whole.p[i]);
    }
}

void
bm_name_print(char *ret, size_t n, struct bm_bytes name)
{
    struct bm_rd outer = bm_rd(name), rdns = bm_der_enter(&outer, BM_DER_SEQUENCE), set[MAX_RDN];
    struct out out = { .at = ret, .left = n > 4 ? n - 4 : 0 };
    size_t count = 0;

    if (n == 0)
        return;
    while (rdns.left > 0 && !rdns.bad && count < MAX_RDN)
        set[count++] = bm_der_enter(&rdns, BM_DER_SET);
    /* RFC 4514 2.1: the last one first */
    for (size_t i = count; i > 0; i--) {
        put_rdn(&out, set[i - 1]);
        if (i > 1)
            put(&out, ", ", 2);
    }
    if (out.cut && n > 4) {
        memcpy(out.at, "...", 3);
        out.at += 3;
    }
    *out.at = 0;
}
