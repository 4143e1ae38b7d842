/* fuzz_lines.c - key-value text has one form: what is read with the keys that stand in it is what would be written. */
#include "fuzz.h"

#include "wire/lines.h"

#include <stdio.h>

/* The bytes before the first `end`, as a string; false when there is no such end or the string holds a NUL. */
static bool
word_of(char *ret, size_t room, struct bm_rd rd, int end)
{
    const uint8_t *at = rd.left > 0 ? memchr(rd.p, end, rd.left) : NULL;

    if (at == NULL || (size_t)(at - rd.p) >= room)
        return false;
    memcpy(ret, rd.p, (size_t)(at - rd.p));
    ret[at - rd.p] = 0;
    return strlen(ret) == (size_t)(at - rd.p);
}

/* The typed readers, each of which may refuse and none of which may believe. */
static void
typed_read(struct bm_bytes text, const char *head, const char *key)
{
    struct bm_fail fail = { 0 };
    struct bm_lines lines = bm_lines_open(text, head, "text", &fail);
    struct bm_lines a = lines, b = lines, c = lines, d = lines;
    uint8_t hex[4];
    char name[9];

    bm_lines_name(&a, key, name, 8);
    must(strlen(name) <= 8 && (a.bad || name[0] != 0));
    must(bm_lines_u64(&b, key, 3, 1000) <= 1000);
    bm_lines_hex(&c, key, hex, sizeof(hex));
    (void)bm_lines_time(&d, key);
    must(!b.bad || bm_lines_close(&b) == BM_EINPUT);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = size + 1 };
    struct bm_bytes text = bm_bytes(data, size), value, more;
    struct bm_fail fail = { 0 };
    struct bm_lines lines;
    char head[256], key[256], held[4096];

    if (!word_of(head, sizeof(head), bm_rd(text), '\n'))
        return 0;
    lines = bm_lines_open(text, head, "text", &fail);
    bm_buf_add_fmt(&again, "%s\n", head);
    while (!lines.bad && word_of(key, sizeof(key), lines.rd, ' ')) {
        typed_read(text, head, key);
        value = bm_lines_want(&lines, key);
        if (lines.bad || value.n >= sizeof(held))
            return 0;
        (void)snprintf(held, sizeof(held), "%.*s", (int)value.n, (const char *)value.p);
        bm_lines_add(&again, key, held);
        while (bm_lines_have(&lines, key, &more)) {
            if (more.n >= sizeof(held))
                return 0;
            (void)snprintf(held, sizeof(held), "%.*s", (int)more.n, (const char *)more.p);
            bm_lines_add(&again, key, held);
        }
    }
    if (bm_lines_close(&lines) == BM_OK)
        must(!again.bad && bm_bytes_equal(bm_buf_bytes(&again), text));
    else
        must(fail.rc == BM_EINPUT && fail.text[0] != 0);
    return 0;
}
