#include "pki/pattern.h"

#define MAX_LABEL 63 /* RFC 1035 2.3.4 */
#define MAX_NAME 64  /* RFC 5280 A.1: ub-common-name */

static bool
in(char c, const char *more)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != 0 && strchr(more, c) != NULL);
}

static bool
all_in(const char *text, const char *more)
{
    while (*text != 0)
        if (!in(*text++, more))
            return false;
    return true;
}

static bool
name_ok(const char *text)
{
    size_t n = strlen(text);

    return n > 0 && n <= MAX_NAME && text[0] != ' ' && text[n - 1] != ' ' && all_in(text, " ._:-");
}

/* req: RFC1034 3.5 labels of letters, digits and hyphens, no hyphen at an end. The last is no number, so the whole is no address. */
static bool
dns_ok(const char *text)
{
    size_t labels = 0, n = 0;

    for (;; text += n + 1, labels++) {
        n = strcspn(text, ".");
        if (n == 0 || n > MAX_LABEL || text[0] == '-' || text[n - 1] == '-')
            return false;
        for (size_t i = 0; i < n; i++)
            if (!in(text[i], "-"))
                return false;
        if (text[n] == 0)
            return labels > 0 && strspn(text, "0123456789") != n;
    }
}

/* req: RFC3986 3 a scheme, a colon, and something behind it */
static bool
uri_ok(const char *text)
{
    size_t n = strcspn(text, ":");

    if (n == 0 || text[n] == 0 || text[n + 1] == 0 || text[0] < 'a' || text[0] > 'z')
        return false;
    for (size_t i = 0; i < n; i++)
        if (!in(text[i], "+.-"))
            return false;
    return all_in(text + n + 1, "-._~:/?@!$&'()*+,;=");
}

static bool
shape_ok(enum bm_pattern_kind kind, const char *text)
{
    switch (kind) {
    case BM_PATTERN_NAME:
        return name_ok(text);
    case BM_PATTERN_DNS:
        return dns_ok(text);
    case BM_PATTERN_URI:
        return uri_ok(text);
    }
    return false;
}

/* The value of the word that begins at `at` (a brace), and its length with the braces; NULL: there is no such word. */
static const char *
word_of(const char *at, const struct bm_records *records, size_t *ret_n)
{
    const struct {
        const char *word, *value;
    } words[] = { { "{device}", records->device }, { "{chip}", records->chip }, { "{lot}", records->lot } };

    for (size_t i = 0; i < BM_COUNT(words); i++)
        if (strncmp(at, words[i].word, strlen(words[i].word)) == 0) {
            *ret_n = strlen(words[i].word);
            return words[i].value != NULL ? words[i].value : "";
        }
    return NULL;
}

/* False: an unknown word, or too long. */
static bool
fill(char ret[static BM_MAX_PATTERN_FILLED], const char *pattern, const struct bm_records *records)
{
    size_t at = 0, skip = 0;

    while (*pattern != 0) {
        const char *piece = pattern;
        size_t n = strcspn(pattern, "{");

        skip = n;
        if (n == 0) {
            if ((piece = word_of(pattern, records, &skip)) == NULL)
                return false;
            n = strlen(piece);
        }
        if (n >= BM_MAX_PATTERN_FILLED - at)
            return false;
        memcpy(ret + at, piece, n);
        at += n;
        pattern += skip;
    }
    ret[at] = 0;
    return true;
}

bool
bm_pattern_ok(enum bm_pattern_kind kind, const char *pattern)
{
    const struct bm_records some = { .device = "d0", .chip = "c0", .lot = "l0" };
    char filled[BM_MAX_PATTERN_FILLED];

    return strlen(pattern) <= BM_MAX_PATTERN && fill(filled, pattern, &some) && shape_ok(kind, filled);
}

bool
bm_pattern_unique(const char *pattern)
{
    return strstr(pattern, "{device}") != NULL || strstr(pattern, "{chip}") != NULL;
}

enum bm_rc
bm_pattern_fill(char ret[static BM_MAX_PATTERN_FILLED], enum bm_pattern_kind kind, const char *pattern, const struct bm_records *records,
                const char *what, struct bm_fail *fail)
{
    char filled[BM_MAX_PATTERN_FILLED];

    if (!fill(filled, pattern, records) || !shape_ok(kind, filled))
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "the records of device %.64s make no name of \"%s %.128s\": take a profile whose names are of other records",
                       records->device, what, pattern);
    memcpy(ret, filled, sizeof(filled));
    return BM_OK;
}
