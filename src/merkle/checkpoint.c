#include "merkle/checkpoint.h"

#include "wire/rd.h"
#include "wire/text.h"

#define CITE "C2SP tlog-checkpoint"

static bool
origin_ok(const char *origin)
{
    size_t n = strlen(origin), step;

    for (size_t i = 0; i < n; i += step)
        if ((step = bm_utf8_size((const uint8_t *)origin + i, n - i)) == 0)
            return false;
    return n > 0 && n <= BM_NOTE_NAME;
}

enum bm_rc
bm_checkpoint_build(struct bm_buf *buf, const struct bm_checkpoint *checkpoint, struct bm_fail *fail)
{
    if (!origin_ok(checkpoint->origin))
        return bm_fail(fail, BM_EINPUT, CITE, "a tree's origin is 1 to %d printable bytes", BM_NOTE_NAME);
    bm_buf_add_fmt(buf, "%s\n%llu\n", checkpoint->origin, (unsigned long long)checkpoint->size);
    bm_b64_add(buf, BM_B64_STD, bm_bytes(checkpoint->root, BM_HASH));
    bm_buf_add_str(buf, "\n");
    return bm_buf_check(buf, "the checkpoint", fail);
}

/* The next line without its LF. */
static struct bm_bytes
line_take(struct bm_rd *rd)
{
    const uint8_t *end = rd->left > 0 ? memchr(rd->p, '\n', rd->left) : NULL;
    struct bm_bytes line = bm_rd_take(rd, end == NULL ? rd->left + 1 : (size_t)(end - rd->p));

    (void)bm_rd_u8(rd);
    return line;
}

static bool
size_ok(struct bm_bytes text, uint64_t *ret)
{
    uint64_t v = 0;

    if (text.n == 0 || (text.n > 1 && text.p[0] == '0'))
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < '0' || text.p[i] > '9' || __builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, text.p[i] - '0', &v))
            return false;
    *ret = v;
    return v <= INT64_MAX;
}

enum bm_rc
bm_checkpoint_parse(struct bm_checkpoint *ret, struct bm_bytes text, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf root = { .max = BM_HASH };
    struct bm_rd rd = bm_rd(text);
    struct bm_bytes origin = line_take(&rd), size = line_take(&rd), b64 = line_take(&rd);
    struct bm_checkpoint checkpoint = { .origin = "" };

    if (!bm_rd_end(&rd) || origin.n > BM_NOTE_NAME)
        return bm_fail(fail, BM_EINPUT, CITE, "a checkpoint has three lines: origin, size, root");
    if (origin.n > 0)
        memcpy(checkpoint.origin, origin.p, origin.n);
    if (strlen(checkpoint.origin) != origin.n || !origin_ok(checkpoint.origin))
        return bm_fail(fail, BM_EINPUT, CITE, "a tree's origin is 1 to %d printable bytes", BM_NOTE_NAME);
    if (!size_ok(size, &checkpoint.size))
        return bm_fail(fail, BM_EINPUT, CITE, "the checkpoint's second line must be the number of leaves");
    if (bm_b64_parse(&root, BM_B64_STD, b64, fail) != BM_OK || root.n != BM_HASH)
        return bm_fail(fail, BM_EINPUT, CITE, "the checkpoint's third line must be the root, 32 bytes in base64");
    memcpy(checkpoint.root, root.p, BM_HASH);
    *ret = checkpoint;
    return BM_OK;
}

enum bm_rc
bm_checkpoint_sign(struct bm_buf *buf, const struct bm_checkpoint *checkpoint, const struct bm_note_signer *signer, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_NOTE };
    enum bm_rc rc;

    if ((rc = bm_checkpoint_build(&body, checkpoint, fail)) != BM_OK)
        return rc;
    return bm_note_build(buf, bm_buf_bytes(&body), &signer, 1, fail);
}

enum bm_rc
bm_checkpoint_open(struct bm_checkpoint *ret, struct bm_bytes note, const struct bm_note_key *key, const char *origin, struct bm_fail *fail)
{
    struct bm_checkpoint checkpoint;
    struct bm_note parsed;
    enum bm_rc rc;

    if ((rc = bm_note_parse(&parsed, note, fail)) != BM_OK || (rc = bm_note_check(&parsed, key, fail)) != BM_OK ||
        (rc = bm_checkpoint_parse(&checkpoint, parsed.text, fail)) != BM_OK)
        return rc;
    if (strcmp(checkpoint.origin, origin) != 0)
        return bm_fail(fail, BM_EINPUT, CITE, "this is the checkpoint of another tree than %s", origin);
    *ret = checkpoint;
    return BM_OK;
}
