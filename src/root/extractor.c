#include "root/extractor.h"

#define QUIET 680 /* of 2048 chosen pairs of like cells: 33 %, as 21 % bit errors make; below, decoding fails once in 100 starts at most */
#define ALIEN 880 /* 43 %: of another chip's pairs half are of like cells, 1024 and hardly ever 100 fewer */

/* Secrets of one reconstruction, wiped together. */
struct work {
    uint8_t cells[BM_PUF_BYTES];
    uint8_t bits[BM_PUF_BITS];
    uint8_t word[BM_POLAR_N];
    uint8_t message[BM_POLAR_K];
    int16_t seen[BM_POLAR_N];
};

static void
work_wipe(struct work *work)
{
    explicit_bzero(work, sizeof(*work));
}

static unsigned
bit(const uint8_t *bytes, unsigned i)
{
    return (unsigned)bytes[i / 8] >> (7 - i % 8) & 1u;
}

static void
bit_add(uint8_t *bytes, unsigned i, unsigned v)
{
    bytes[i / 8] = (uint8_t)(bytes[i / 8] | v << (7 - i % 8));
}

/* +1 for 01, -1 for 10, 0 for like cells. */
static int
pair(const uint8_t cells[static BM_PUF_BYTES], unsigned i)
{
    unsigned two = (unsigned)cells[i / 4] >> (2 * (i % 4));

    return (int)(two >> 1 & 1u) - (int)(two & 1u);
}

/* ---- what the secret gives ---- */

/* req: RFC5869 2.2 extract, with the helper data's salt */
void
bm_extractor_secret(struct bm_secret *ret_secret, const uint8_t salt[static BM_HASH], const uint8_t bits[static BM_PUF_BITS])
{
    bm_hmac256(ret_secret->b, bm_bytes(salt, BM_HASH), bm_bytes(bits, BM_PUF_BITS));
    ret_secret->n = BM_HASH;
}

/* req: RFC5869 2.3 expand */
void
bm_extractor_expand(uint8_t *ret, size_t n, const struct bm_secret *secret, const char *label)
{
    uint8_t text[BM_HASH + 64 + 1], block[BM_HASH];
    size_t before = 0, nlabel = strnlen(label, 64);

    for (uint8_t i = 1; n > 0; i++, before = BM_HASH) {
        size_t part = n < BM_HASH ? n : BM_HASH;

        memcpy(text, block, before);
        memcpy(text + before, label, nlabel);
        text[before + nlabel] = i;
        bm_hmac256(block, bm_bytes(secret->b, secret->n), bm_bytes(text, before + nlabel + 1));
        memcpy(ret, block, part);
        ret += part;
        n -= part;
    }
    explicit_bzero(text, sizeof(text));
    explicit_bzero(block, sizeof(block));
}

static void
tag_make(uint8_t ret[static BM_HASH], const struct bm_puf_helper *helper, const struct bm_secret *secret)
{
    uint8_t bytes[BM_PUF_HELPER], key[BM_HASH];

    bm_puf_helper_build(bytes, helper);
    bm_extractor_expand(key, sizeof(key), secret, "birthmark/puf/v1 helper data");
    bm_hmac256(ret, bm_bytes(key, sizeof(key)), bm_bytes(bytes, sizeof(bytes) - BM_HASH));
    explicit_bzero(key, sizeof(key));
}

bool
bm_extractor_tag_ok(const struct bm_puf_helper *helper, const struct bm_secret *secret)
{
    uint8_t tag[BM_HASH];

    tag_make(tag, helper, secret);
    return bm_bytes_equal_secret(bm_bytes(tag, sizeof(tag)), bm_bytes(helper->tag, sizeof(helper->tag)));
}

/* ---- enrolment ---- */

/* How often each cell of eight said 1, up to 15 times: counters of four bits, eight side by side. */
struct tally {
    uint8_t plane[4][BM_PUF_BYTES];
};

static void
tally_wipe(struct tally *tally)
{
    explicit_bzero(tally, sizeof(*tally));
}

static void
tally_add(struct tally *tally, const uint8_t cells[static BM_PUF_BYTES])
{
    for (size_t i = 0; i < BM_PUF_BYTES; i++) {
        unsigned carry = cells[i];

        for (unsigned j = 0; j < BM_COUNT(tally->plane); j++) {
            unsigned sum = tally->plane[j][i] ^ carry;

            carry &= tally->plane[j][i];
            tally->plane[j][i] = (uint8_t)sum;
        }
    }
}

/* Each cell's majority over nine starts, into cells. Not inlined: its counters would stand on the stack beside the work. */
static __attribute__((noinline)) enum bm_rc
majority(uint8_t cells[static BM_PUF_BYTES], const struct bm_puf_array *array, struct bm_fail *fail)
{
    bm_cleanup(tally_wipe) struct tally tally = { .plane = { { 0 } } };
    enum bm_rc rc;

    for (unsigned vote = 0; vote < BM_PUF_VOTES; vote++) {
        if ((rc = array->start(array->ctx, cells, fail)) != BM_OK)
            return rc;
        tally_add(&tally, cells);
    }
    for (size_t i = 0; i < BM_PUF_BYTES; i++) /* 5 or more: 8, 9, or 4 and something */
        cells[i] = (uint8_t)(tally.plane[3][i] | (tally.plane[2][i] & (tally.plane[1][i] | tally.plane[0][i])));
    return BM_OK;
}

/* The first pairs of unlike cells, and their bits. */
static unsigned
choose(struct bm_puf_helper *helper, uint8_t bits[static BM_PUF_BITS], const uint8_t cells[static BM_PUF_BYTES])
{
    unsigned n = 0;

    for (unsigned i = 0; i < BM_PUF_PAIRS && n < BM_POLAR_N; i++) {
        int says = pair(cells, i);

        if (says == 0)
            continue;
        bit_add(helper->mask, i, 1);
        bit_add(bits, n++, says < 0);
    }
    return n;
}

/* offset = bits against a word of the code that is drawn. */
static enum bm_rc
offset_make(struct bm_puf_helper *helper, struct work *work, const struct bm_env *env, struct bm_fail *fail)
{
    enum bm_rc rc = env->random(env->ctx, work->message, sizeof(work->message), fail);

    if (rc != BM_OK)
        return rc;
    for (size_t i = 0; i < sizeof(work->message); i++)
        work->message[i] &= 1;
    bm_polar_encode(work->word, work->message);
    for (unsigned i = 0; i < BM_POLAR_N; i++)
        bit_add(helper->offset, i, bit(work->bits, i) ^ work->word[i]);
    return BM_OK;
}

enum bm_rc
bm_extractor_enrol(struct bm_puf_helper *ret, struct bm_secret *ret_secret, const struct bm_puf_array *array, const struct bm_env *env,
                   struct bm_fail *fail)
{
    bm_cleanup(work_wipe) struct work work = { .bits = { 0 } };
    struct bm_puf_helper helper = { .mask = { 0 } };
    unsigned n;
    enum bm_rc rc;

    if ((rc = majority(work.cells, array, fail)) != BM_OK)
        return rc;
    if ((n = choose(&helper, work.bits, work.cells)) < BM_POLAR_N)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "only %u of the array's %d pairs are of unlike cells, and %u are wanted: such an array is no PUF, take another chip",
                       n, BM_PUF_PAIRS, BM_POLAR_N);
    if ((rc = env->random(env->ctx, helper.salt, sizeof(helper.salt), fail)) != BM_OK ||
        (rc = offset_make(&helper, &work, env, fail)) != BM_OK)
        return rc;
    bm_extractor_secret(ret_secret, helper.salt, work.bits);
    tag_make(helper.tag, &helper, ret_secret);
    *ret = helper;
    return BM_OK;
}

/* ---- reconstruction ---- */

unsigned
bm_extractor_decode(uint8_t ret_bits[static BM_PUF_BITS], const struct bm_puf_helper *helper, const uint8_t cells[static BM_PUF_BYTES])
{
    bm_cleanup(work_wipe) struct work work = { .bits = { 0 } };
    unsigned n = 0, like = 0;

    /* The mask is public: what is branched on here is no secret. */
    for (unsigned i = 0; i < BM_PUF_PAIRS && n < BM_POLAR_N; i++) {
        int says = pair(cells, i), flip;

        if (bit(helper->mask, i) == 0)
            continue;
        flip = -(int)bit(helper->offset, n);
        work.seen[n++] = (int16_t)((says ^ flip) - flip);
        like += 1u ^ ((unsigned)says & 1u);
    }
    bm_polar_decode(work.word, work.seen);
    for (unsigned i = 0; i < BM_POLAR_N; i++)
        bit_add(work.bits, i, bit(helper->offset, i) ^ work.word[i]);
    memcpy(ret_bits, work.bits, BM_PUF_BITS);
    return like;
}

static enum bm_rc
refused(unsigned like, struct bm_fail *fail)
{
    if (like <= QUIET)
        return bm_fail(fail, BM_EPOLICY, NULL, "the helper data was altered: put back the file that was made with this chip");
    if (like >= ALIEN)
        return bm_fail(fail, BM_EPOLICY, NULL, "the helper data is another chip's: use the file that was made with this chip");
    return bm_fail(fail, BM_EBUSY, NULL,
                   "the PUF started too noisily %d times: let the device come to room temperature, check its supply and try again",
                   BM_PUF_STARTS);
}

enum bm_rc
bm_extractor_open(struct bm_secret *ret_secret, const struct bm_puf_helper *helper, const struct bm_puf_array *array, struct bm_fail *fail)
{
    bm_cleanup(work_wipe) struct work work = { .bits = { 0 } };
    unsigned least = BM_POLAR_N;
    BM_SECRET(secret);
    enum bm_rc rc;

    for (int start = 0; start < BM_PUF_STARTS; start++) {
        unsigned like;

        if ((rc = array->start(array->ctx, work.cells, fail)) != BM_OK)
            return rc;
        like = bm_extractor_decode(work.bits, helper, work.cells);
        bm_extractor_secret(&secret, helper->salt, work.bits);
        if (bm_extractor_tag_ok(helper, &secret)) {
            *ret_secret = secret;
            return BM_OK;
        }
        least = like < least ? like : least;
    }
    return refused(least, fail);
}
