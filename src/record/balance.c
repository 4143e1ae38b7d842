/* balance.c - the numbers of the books as they stand in a ledger's leaf: words, each with its number, in one order. */
#include "record/books.h"

#include "wire/text.h"

const char *
bm_where_word(enum bm_where where)
{
    static const char *const words[BM_WHERE__N] = { "unused", "issued", "withdrawn", "retired", "scrapped" };

    return words[where];
}

struct number {
    const char *word;
    size_t at;
};

#define OF_WAS(member) offsetof(struct bm_was, member)
static const struct number of_was[] = {
    { "unused", OF_WAS(unused) }, { "issued", OF_WAS(issued) }, { "withdrawn", OF_WAS(withdrawn) }, { "counted", OF_WAS(counted) }
};

#define OF_BALANCE(member) offsetof(struct bm_balance, member)
static const struct number of_balance[] = {
    { "received", OF_BALANCE(received) },
    { "units", OF_BALANCE(units) },
    { "issued", OF_BALANCE(issued) },
    { "elsewhere", OF_BALANCE(elsewhere) },
    { "withdrawn", OF_BALANCE(withdrawn) },
    { "retired", OF_BALANCE(retired) },
    { "scrapped", OF_BALANCE(scrapped) },
    { "unused", OF_BALANCE(unused) },
    { "over", OF_BALANCE(over) },
    { "reissues", OF_BALANCE(done[BM_COUNTED_REISSUE]) },
    { "scraps", OF_BALANCE(done[BM_COUNTED_SCRAP]) },
    { "repairs", OF_BALANCE(done[BM_COUNTED_REPAIR]) },
};

static uint64_t *
number_at(void *of, size_t at)
{
    return (void *)((char *)of + at);
}

static void
numbers_print(char *ret, size_t max, const void *of, const struct number *numbers, size_t n)
{
    size_t used = 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t value;

        memcpy(&value, (const char *)of + numbers[i].at, sizeof(value));
        used += (size_t)snprintf(ret + used, max - used, "%s%s %llu", i > 0 ? " " : "", numbers[i].word, (unsigned long long)value);
    }
}

static bool
decimal_take(uint64_t *ret, struct bm_bytes *text)
{
    size_t n = 0;

    *ret = 0;
    while (n < text->n && n < 18 && text->p[n] >= '0' && text->p[n] <= '9')
        *ret = *ret * 10 + (uint64_t)(text->p[n++] - '0');
    if (n == 0 || (n > 1 && text->p[0] == '0'))
        return false;
    *text = bm_bytes(text->p + n, text->n - n);
    return true;
}

static bool
word_take(const char *word, struct bm_bytes *text)
{
    size_t n = strlen(word);

    if (text->n < n || memcmp(text->p, word, n) != 0)
        return false;
    *text = bm_bytes(text->p + n, text->n - n);
    return true;
}

static bool
numbers_parse(void *of, struct bm_bytes text, const struct number *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((i > 0 && !word_take(" ", &text)) || !word_take(numbers[i].word, &text) || !word_take(" ", &text) ||
            !decimal_take(number_at(of, numbers[i].at), &text))
            return false;
    return text.n == 0;
}

void
bm_was_print(char ret[static BM_MAX_WAS], const struct bm_was *was)
{
    numbers_print(ret, BM_MAX_WAS, was, of_was, BM_COUNT(of_was));
}

enum bm_rc
bm_was_parse(struct bm_was *ret, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_was was = { .unused = 0 };

    if (!numbers_parse(&was, text, of_was, BM_COUNT(of_was)))
        return bm_fail(fail, BM_EINPUT, NULL, "it does not say where the chips were");
    *ret = was;
    return BM_OK;
}

void
bm_balance_print(char ret[static BM_MAX_BALANCE], const struct bm_balance *balance)
{
    numbers_print(ret, BM_MAX_BALANCE, balance, of_balance, BM_COUNT(of_balance));
}

enum bm_rc
bm_balance_parse(struct bm_balance *ret, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_balance balance = { .received = 0 };

    if (!numbers_parse(&balance, text, of_balance, BM_COUNT(of_balance)))
        return bm_fail(fail, BM_EINPUT, NULL, "an order's balance has its twelve words in their order, each with its number");
    if (balance.received + balance.over !=
            balance.issued + balance.elsewhere + balance.withdrawn + balance.retired + balance.scrapped + balance.unused ||
        (balance.over > 0 && balance.unused > 0))
        return bm_fail(fail, BM_EINPUT, NULL, "the order's balance does not add up");
    *ret = balance;
    return BM_OK;
}
