/* pem.c - PEM (RFC 7468), written and read (cert.h). */
#include "pki/cert.h"
#include "wire/text.h"

#define WIDTH 64 /* characters of a line */

void
bm_pem_build(struct bm_buf *buf, const char *label, struct bm_bytes der)
{
    bm_buf_add_fmt(buf, "-----BEGIN %s-----\n", label);
    for (size_t i = 0; i < der.n; i += WIDTH / 4 * 3) {
        size_t n = der.n - i < WIDTH / 4 * 3 ? der.n - i : WIDTH / 4 * 3;

        bm_b64_add(buf, BM_B64_STD, bm_bytes(der.p + i, n));
        bm_buf_add_u8(buf, '\n');
    }
    bm_buf_add_fmt(buf, "-----END %s-----\n", label);
}

/* Takes one line off text, without its end; CR LF and LF alike. */
static struct bm_bytes
line_take(struct bm_bytes *text)
{
    const uint8_t *end = text->n > 0 ? memchr(text->p, '\n', text->n) : NULL;
    size_t n = end != NULL ? (size_t)(end - text->p) : text->n;
    struct bm_bytes line = bm_bytes(text->p, n);

    n += end != NULL;
    if (n > 0)
        *text = bm_bytes(text->p + n, text->n - n);
    while (line.n > 0 && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t'))
        line.n--;
    return line;
}

/* "-----BEGIN label-----" or END? */
static bool
is_boundary(struct bm_bytes line, const char *word, const char *label)
{
    size_t nword = strlen(word), nlabel = strlen(label);

    return line.n == nword + nlabel + 5 && memcmp(line.p, word, nword) == 0 && memcmp(line.p + nword, label, nlabel) == 0 &&
           memcmp(line.p + nword + nlabel, "-----", 5) == 0;
}

/* The base64 between the boundaries; text moves past the END line. */
static bool
body_take(struct bm_bytes *text, const char *label, struct bm_bytes *ret_body)
{
    const uint8_t *start = text->p;

    while (text->n > 0) {
        const uint8_t *at = text->p;
        struct bm_bytes line = line_take(text);

        if (is_boundary(line, "-----END ", label)) {
            *ret_body = bm_bytes(start, (size_t)(at - start));
            return true;
        }
    }
    return false;
}

enum bm_rc
bm_pem_parse(struct bm_bytes text, const char *label, enum bm_rc (*block)(void *ctx, struct bm_bytes der, struct bm_fail *fail), void *ctx,
             struct bm_fail *fail)
{
    size_t count = 0;

    while (text.n > 0) {
        bm_cleanup(bm_buf_done) struct bm_buf der = { .max = text.n };
        struct bm_bytes body;
        enum bm_rc rc;

        if (!is_boundary(line_take(&text), "-----BEGIN ", label))
            continue;
        count++;
        if (!body_take(&text, label, &body))
            return bm_fail(fail, BM_EINPUT, "RFC 7468 2", "PEM block %zu has no line \"-----END %s-----\"", count, label);
        if ((rc = bm_b64_parse(&der, BM_B64_LOOSE, body, fail)) != BM_OK) {
            bm_fail_prefix(fail, "PEM block %zu", count);
            return rc;
        }
        if ((rc = block(ctx, bm_buf_bytes(&der), fail)) != BM_OK)
            return rc;
    }
    if (count == 0)
        return bm_fail(fail, BM_EINPUT, "RFC 7468 2", "there is no \"-----BEGIN %s-----\" here", label);
    return BM_OK;
}
