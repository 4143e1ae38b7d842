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
bm_serials_place(const char *pattern, const char *serial)
{
    char again[BM_MAX_NAME + 1];
    unsigned digits = 0;
    const char *at = number_find(pattern, &digits);
    size_t before = at == NULL ? 0 : (size_t)(at - pattern), n;
    uint64_t place = 0;

    if (at == NULL || strncmp(pattern, serial, before) != 0)
        return 0;
    n = strspn(serial + before, "0123456789");
    if (strlen(serial) < before + strlen(at + 4) + digits)
        return 0;
    n = n < strlen(serial) - before - strlen(at + 4) ? n
                                                     : strlen(serial) - before - strlen(at + 4); /* what follows may begin with a digit */
    if (n > 18)
        return 0;
    for (size_t i = 0; i < n; i++)
        place = 10 * place + (uint64_t)(serial[before + i] - '0');
    bm_serials_print(again, pattern, place);
    return strcmp(again, serial) == 0 ? place : 0;
}

/* Could any text be of both? What stands before the number, and what behind it, must fit as far as both reach. */
static bool
fits(const char *pattern, const char *other)
{
    unsigned digits = 0;
    const char *a = number_find(pattern, &digits), *b = number_find(other, &digits);
    size_t na = a == NULL ? 0 : (size_t)(a - pattern), nb = b == NULL ? 0 : (size_t)(b - other);
    size_t ta = a == NULL ? 0 : strlen(a + 4), tb = b == NULL ? 0 : strlen(b + 4), tail = ta < tb ? ta : tb;

    return a != NULL && b != NULL && strncmp(pattern, other, na < nb ? na : nb) == 0 &&
           memcmp(a + 4 + ta - tail, b + 4 + tb - tail, tail) == 0;
}

uint64_t
bm_serials_meet(const char *pattern, uint64_t n, const char *other, uint64_t nother)
{
    char serial[BM_MAX_NAME + 1];
    uint64_t met;

    if (!fits(pattern, other))
        return 0;
    for (uint64_t place = 1; place <= n; place++) {
        bm_serials_print(serial, pattern, place);
        if ((met = bm_serials_place(other, serial)) != 0 && met <= nother)
            return place;
    }
    return 0;
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
