#include "lot/ek_walk.h"

#include "wire/der.h"
#include "wire/text.h"

#include <stdlib.h>

#define PROBE 65536 /* bytes in which the first certificate of a bundle begins: text may stand before it */

static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";

static const uint8_t *
find(struct bm_bytes text, const char *what)
{
    return text.n > 0 ? memmem(text.p, text.n, what, strlen(what)) : NULL;
}

static bool
is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_der(struct bm_bytes bytes)
{
    return bytes.n > 0 && bytes.p[0] == BM_DER_SEQUENCE;
}

/* A certificate, or a line that begins with BEGIN: in a CSV it stands behind a quotation mark. */
bool
bm_ek_probe(struct bm_bytes file)
{
    struct bm_bytes head = bm_bytes(file.p, file.n < PROBE ? file.n : PROBE);
    const uint8_t *at;

    if (file.n >= BM_DIR_MAGIC_SIZE && memcmp(file.p, BM_DIR_MAGIC, BM_DIR_MAGIC_SIZE) == 0)
        return true;
    if (is_der(file)) /* SEQUENCE { SEQUENCE ...: what CMS is not */
        return file.n > 6 && file.p[1] >= 0x80 && file.p[1] <= 0x84 && file.p[2 + (file.p[1] & 0x7f)] == BM_DER_SEQUENCE;
    if ((at = find(head, begin)) == NULL)
        return false;
    if (at > file.p && at[-1] != '\n')
        return false;
    while (at > file.p && is_space(at[-1]))
        at--;
    return at == file.p || at[-1] != '"';
}

static bool
same_chip(const struct bm_ek_file *a, const struct bm_ek_file *b)
{
    return a->tagged && b->tagged && bm_bytes_equal(bm_bytes(a->name.p, a->nstem), bm_bytes(b->name.p, b->nstem));
}

enum bm_rc
bm_ek_walk_open(struct bm_ek_walk *ret_walk, struct bm_bytes file, struct bm_fail *fail)
{
    bm_cleanup(bm_ek_walk_done) struct bm_ek_walk walk = { .der = { .max = BM_MAX_CERT } };
    enum bm_rc rc = BM_OK;

    if (file.n >= BM_DIR_MAGIC_SIZE && memcmp(file.p, BM_DIR_MAGIC, BM_DIR_MAGIC_SIZE) == 0) {
        rc = bm_ek_dir_read(&walk.files, &walk.nfiles, file, fail);
    } else if ((walk.files = calloc(1, sizeof(*walk.files))) == NULL) {
        rc = bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for the list");
    } else {
        walk.nfiles = 1;
        walk.files[0].content = file;
    }
    if (rc != BM_OK)
        return rc;
    walk.left = walk.files[0].content;
    *ret_walk = walk;
    walk = (struct bm_ek_walk){ .nfiles = 0 };
    return BM_OK;
}

struct bm_bytes
bm_ek_walk_name(const struct bm_ek_walk *walk)
{
    return walk->at < walk->nfiles ? walk->files[walk->at].name : bm_bytes(NULL, 0);
}

void
bm_ek_walk_done(struct bm_ek_walk *walk)
{
    free(walk->files);
    bm_buf_done(&walk->der);
    *walk = (struct bm_ek_walk){ .nfiles = 0 };
}

/* Behind the last block: a cut through a line of dashes must show. */
static enum bm_rc
tail_check(struct bm_bytes text, struct bm_fail *fail)
{
    while (text.n > 0 && is_space(text.p[text.n - 1]))
        text.n--;
    if (find(text, "-----") != NULL || (text.n > 0 && text.p[text.n - 1] == '-'))
        return bm_fail(fail, BM_EINPUT, "RFC 7468 2", "a PEM block is cut short, or is of another kind than CERTIFICATE");
    return BM_OK;
}

/* The next block, wherever BEGIN stands: `cat *.pem` puts it behind an END that had no line end. */
static enum bm_rc
pem_take(struct bm_ek_walk *walk, bool *ret_have, struct bm_bytes *ret_der, struct bm_fail *fail)
{
    struct bm_bytes left = walk->left, body;
    const uint8_t *at = find(left, begin), *stop;
    enum bm_rc rc;

    *ret_have = at != NULL;
    if ((rc = tail_check(bm_bytes(left.p, at != NULL ? (size_t)(at - left.p) : left.n), fail)) != BM_OK)
        return rc;
    if (at == NULL) {
        walk->left.n = 0;
        return BM_OK;
    }
    at += sizeof(begin) - 1;
    body = bm_bytes(at, left.n - (size_t)(at - left.p));
    if ((stop = find(body, end)) == NULL)
        return bm_fail(fail, BM_EINPUT, "RFC 7468 2", "a certificate has no line \"%s\": the file is cut short", end);
    body.n = (size_t)(stop - at);
    bm_buf_reset(&walk->der);
    if ((rc = bm_b64_parse(&walk->der, BM_B64_LOOSE, body, fail)) != BM_OK) {
        bm_fail_prefix(fail, "a PEM block");
        return rc;
    }
    stop += sizeof(end) - 1;
    walk->left = bm_bytes(stop, left.n - (size_t)(stop - left.p));
    *ret_der = bm_buf_bytes(&walk->der);
    return BM_OK;
}

static bool
is_filling(struct bm_bytes bytes)
{
    for (size_t i = 0; i < bytes.n; i++)
        if (bytes.p[i] != bytes.p[0] || (bytes.p[i] != 0 && bytes.p[i] != 0xff))
            return false;
    return true;
}

/* The whole element by its length, written in as many octets as its maker liked. */
static enum bm_rc
der_take(struct bm_ek_walk *walk, struct bm_bytes *ret_der, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(walk->left);
    size_t octets, n;

    (void)bm_rd_u8(&rd);
    n = bm_rd_u8(&rd);
    octets = n & 0x7f;
    if (n >= 0x80) {
        n = octets == 0 || octets > 4 ? SIZE_MAX : 0;
        for (; n != SIZE_MAX && octets > 0; octets--)
            n = n << 8 | bm_rd_u8(&rd);
    }
    (void)bm_rd_take(&rd, n);
    if (rd.bad || !is_der(walk->left))
        return bm_fail(fail, BM_EINPUT, "RFC 5280 4.1", "this is no certificate in DER, or it is cut short");
    *ret_der = bm_bytes(walk->left.p, walk->left.n - rd.left);
    walk->left = bm_bytes(rd.p, rd.left);
    walk->padded = rd.left > 0 && is_filling(walk->left);
    if (walk->padded)
        walk->left.n = 0;
    return BM_OK;
}

static enum bm_rc
take(struct bm_ek_walk *walk, bool *ret_have, struct bm_bytes *ret_der, struct bm_fail *fail)
{
    walk->padded = false;
    *ret_have = walk->left.n > 0;
    if (!*ret_have)
        return BM_OK;
    return is_der(walk->files[walk->at].content) ? der_take(walk, ret_der, fail) : pem_take(walk, ret_have, ret_der, fail);
}

enum bm_rc
bm_ek_walk_next(struct bm_ek_walk *walk, bool *ret_have, struct bm_bytes *ret_der, bool *ret_same, struct bm_fail *fail)
{
    enum bm_rc rc;

    for (*ret_have = false, *ret_same = walk->together; walk->at < walk->nfiles;) {
        const struct bm_ek_file *file = &walk->files[walk->at];
        bool first = walk->left.p == file->content.p && walk->left.n == file->content.n;
        struct bm_bytes name = file->name;

        if ((rc = take(walk, ret_have, ret_der, fail)) != BM_OK || (first && !*ret_have)) {
            if (rc == BM_OK)
                rc = bm_fail(fail, BM_EINPUT, NULL, "there is no certificate in it: take it out of the directory");
            if (name.n > 0)
                bm_fail_prefix(fail, "%.*s", (int)name.n, (const char *)name.p);
            return rc;
        }
        if (*ret_have) {
            walk->together = (walk->at > 0 && same_chip(file - 1, file)) || (walk->at + 1 < walk->nfiles && same_chip(file, file + 1));
            return BM_OK;
        }
        walk->done += file->content.n;
        if (++walk->at == walk->nfiles)
            break;
        *ret_same = walk->together = same_chip(file, file + 1);
        walk->left = walk->files[walk->at].content;
    }
    return BM_OK;
}
