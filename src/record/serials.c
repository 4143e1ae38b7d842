#include "record/units.h"

bool
bm_serial_ok(struct bm_bytes text)
{
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

        if (!plain && (i == 0 || c == 0 || strchr("._:/#+-", c) == NULL))
            return false;
    }
    return text.n > 0 && text.n <= BM_MAX_NAME;
}

/* Where the number stands, and in how many digits; NULL where the pattern has no such place. */
static const char *
number_find(const char *pattern, unsigned *ret_digits)
{
    const char *at = strchr(pattern, '%');

    if (at == NULL || at[1] != '0' || at[2] < '1' || at[2] > '9' || at[3] != 'd')
        return NULL;
    *ret_digits = (unsigned)(at[2] - '0');
    return at;
}

void
bm_serials_print(char ret[static BM_MAX_NAME + 1], const char *pattern, uint64_t place)
{
    unsigned digits = 0;
    const char *at = number_find(pattern, &digits);

    ret[0] = 0;
    if (at != NULL)
        (void)snprintf(ret, BM_MAX_NAME + 1, "%.*s%0*llu%s", (int)(at - pattern), pattern, (int)digits, (unsigned long long)place, at + 4);
}

uint64_t
bm_serials_most(const char *pattern)
{
    uint64_t most = 0;
    unsigned digits = 0;

    if (number_find(pattern, &digits) == NULL)
        return 0;
    for (unsigned i = 0; i < digits; i++)
        most = 10 * most + 9;
    return most;
}

bool
bm_serials_ok(const char *pattern)
{
    size_t n = strnlen(pattern, BM_MAX_SERIALS + 1);
    char serial[BM_MAX_NAME + 1];
    unsigned digits = 0;

    if (n > BM_MAX_SERIALS || number_find(pattern, &digits) == NULL || n - 4 + digits > BM_MAX_NAME)
        return false;
    bm_serials_print(serial, pattern, 1);
    return bm_serial_ok(bm_bytes_str(serial));
}
