/*
 * A lot that contradicts another: one of the two lists is wrong, and nobody here knows which, so neither serves until two persons do.
 *
 * What counts is who vouches. A list that its chipmaker signed as a whole says of each chip that it is in this lot. An entry that the chipmaker signed
 * alone, or a certificate, says which key has which id, and nothing of the list around it: whoever holds the chipmaker's files can make such a list,
 * so that it puts no other lot into quarantine by repeating what stands there. A column that nobody signed says nothing against anybody.
 */
#include "registrar/conflict.h"

#include "lot/leaf_skim.h"

#include <stdlib.h>

#define WORK 400000u /* rows of tables that one look goes through: a few ten milliseconds */
#define PROBE 20     /* rows that a look into a large table costs */
#define MOST 4096    /* chips in common that are judged of two lots: more of them say nothing new */

void
bm_conflicts_done(struct bm_conflicts *conflicts)
{
    free(conflicts->all);
    *conflicts = (struct bm_conflicts){ .n = 0 };
}

/* Two lots side by side, and the gravest that was found. */
struct look {
    const struct bm_pin *pin;
    const struct bm_index *mine;
    const struct bm_holding *other;
    bool by_id, enough;
    unsigned judged;
    struct bm_conflict worst;
};

/* One chip in both. */
struct common {
    struct bm_leaf_skim mine, theirs;
};

/* Did the chipmaker sign the list as a whole? */
static bool
is_whole(const char *source, const struct bm_leaf_skim *chip)
{
    return strcmp(source, bm_lot_source_word(BM_SOURCE_BIRTHMARK)) == 0 ||
           (strcmp(source, bm_lot_source_word(BM_SOURCE_CSV)) == 0 && chip->id_source == BM_LABEL_SIGNED);
}

/* Did the vendor sign that this key has this id? A file name or an unsigned column says too little against another lot. */
static bool
is_attested(const struct bm_leaf_skim *chip)
{
    return chip->id_source == BM_LABEL_SIGNED || chip->id_source == BM_LABEL_CERTIFICATE;
}

/* The hash of the first root key that both list; NULL: none. */
static const uint8_t *
shared_key(const struct common *c)
{
    for (size_t i = 0; i < c->mine.nkeys; i++)
        for (size_t k = 0; k < c->theirs.nkeys; k++)
            if (memcmp(c->mine.keys[i].hash, c->theirs.keys[k].hash, BM_HASH) == 0)
                return c->mine.keys[i].hash;
    return NULL;
}

/* Do both say the same of it? Then they only disagree on where it belongs. */
static bool
is_same_chip(const struct common *c)
{
    return bm_bytes_equal(c->mine.id, c->theirs.id) &&
           (shared_key(c) != NULL || c->mine.kind == BM_LEAF_ID || c->theirs.kind == BM_LEAF_ID);
}

static enum bm_verdict
judge(const struct look *look, const struct common *c)
{
    bool withdrawn = strcmp(look->other->lot.state, "withdrawn") == 0, mine, theirs;
    bool foreign =
        strcmp(look->pin->vendor, look->other->lot.vendor) != 0; /* two vendors' names for one key say nothing against each other */

    if (look->by_id && (shared_key(c) != NULL || !is_attested(&c->mine) || !is_attested(&c->theirs)))
        return BM_VERDICT_NONE; /* met by its key, or no id that counts */
    mine = is_same_chip(c) || foreign ? is_whole(bm_lot_source_word(look->pin->source), &c->mine) : is_attested(&c->mine);
    theirs = is_same_chip(c) ? is_whole(look->other->lot.source, &c->theirs) : is_attested(&c->theirs);
    if (!mine)
        return BM_VERDICT_NEW;
    return theirs || withdrawn ? BM_VERDICT_BOTH : BM_VERDICT_OLD;
}

/* What follows, as people are told it. */
static void
end_print(char *ret, size_t n, const struct look *look)
{
    const char *mine = look->pin->lot, *theirs = look->other->lot.name;

    if (look->worst.verdict == BM_VERDICT_OLD)
        (void)snprintf(ret, n, "nobody signed the list of %s: it is in quarantine, and %s is taken", theirs, mine);
    else if (look->worst.verdict == BM_VERDICT_NEW)
        (void)snprintf(ret, n, "nobody signed the list of %s as a whole: it is refused, and %s stays as it is", mine, theirs);
    else
        (void)snprintf(ret, n, "ask the chipmaker which list is right; nothing is issued from either until then");
}

static void
tell(struct look *look, const struct common *c)
{
    const struct bm_bytes mine = c->mine.id, theirs = c->theirs.id;
    const uint8_t *shared = shared_key(c);
    char end[256], key[32] = "", text[2 * BM_CONFLICT_SENTENCE];

    end_print(end, sizeof(end), look);
    if (shared != NULL)
        (void)snprintf(key, sizeof(key), " (root key %02x%02x\xe2\x80\xa6%02x)", shared[0], shared[1], shared[BM_HASH - 1]);
    if (look->by_id && !is_same_chip(c))
        (void)snprintf(text, sizeof(text), "chip %.*s of lot %s has another root key in lot %s: %s", (int)mine.n, (const char *)mine.p,
                       look->pin->lot, look->other->lot.name, end);
    else
        (void)snprintf(text, sizeof(text), "chip %.*s of lot %s%s stands in lot %s too, as %.*s: %s", (int)mine.n, (const char *)mine.p,
                       look->pin->lot, key, look->other->lot.name, (int)theirs.n, (const char *)theirs.p, end);
    (void)snprintf(look->worst.sentence, sizeof(look->worst.sentence), "%.*s", BM_CONFLICT_SENTENCE - 1, text);
}

static enum bm_rc
common_judge(void *ctx, uint64_t mine, uint64_t theirs, struct bm_fail *fail)
{
    struct look *look = ctx;
    struct common c;
    struct bm_bytes der;
    enum bm_verdict verdict;
    enum bm_rc rc;

    if ((rc = bm_index_leaf(look->mine, mine, &der, fail)) != BM_OK || (rc = bm_leaf_skim(&c.mine, der, fail)) != BM_OK ||
        (rc = bm_index_leaf(look->other->index, theirs, &der, fail)) != BM_OK || (rc = bm_leaf_skim(&c.theirs, der, fail)) != BM_OK)
        return rc;
    verdict = judge(look, &c);
    if (verdict > look->worst.verdict) {
        look->worst.verdict = verdict;
        tell(look, &c);
    }
    look->enough = verdict == BM_VERDICT_BOTH || ++look->judged == MOST;
    return look->enough ? bm_fail(fail, BM_EPOLICY, NULL, "enough was seen") : BM_OK;
}

static enum bm_rc
cross(struct look *look, enum bm_index_by by, struct bm_fail *fail)
{
    enum bm_rc rc;

    look->by_id = by == BM_BY_ID;
    look->judged = 0;
    rc = bm_index_cross(look->mine, look->other->index, by, common_judge, look, fail);
    return look->enough ? BM_OK : rc;
}

static enum bm_rc
conflict_add(struct bm_conflicts *conflicts, const struct bm_conflict *conflict, struct bm_fail *fail)
{
    struct bm_conflict *all = reallocarray(conflicts->all, conflicts->n + 1, sizeof(*all));

    if (all == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to compare the lot with the others");
    conflicts->all = all;
    all[conflicts->n++] = *conflict;
    return BM_OK;
}

/* Ids are one vendor's own; keys are everybody's. */
static enum bm_rc
compare(struct bm_conflicts *conflicts, struct look *look, struct bm_fail *fail)
{
    enum bm_rc rc = cross(look, BM_BY_KEY, fail);

    if (rc == BM_OK && look->worst.verdict < BM_VERDICT_BOTH && strcmp(look->pin->vendor, look->other->lot.vendor) == 0) {
        look->enough = false;
        rc = cross(look, BM_BY_ID, fail);
    }
    if (rc == BM_EBUG)
        return bm_holding_lost(look->other, fail);
    return rc != BM_OK || look->worst.verdict == BM_VERDICT_NONE ? rc : conflict_add(conflicts, &look->worst, fail);
}

static uint64_t
cost(uint64_t a, uint64_t b)
{
    uint64_t few = a < b ? a : b;

    return PROBE * few < a + b ? PROBE * few : a + b;
}

enum bm_rc
bm_conflicts_look(struct bm_conflicts *conflicts, const struct bm_holdings *holdings, const struct bm_pin *pin,
                  const struct bm_index *index, bool *ret_more, struct bm_fail *fail)
{
    uint64_t work = 0;
    enum bm_rc rc;

    for (; conflicts->compared < holdings->n && work < WORK; conflicts->compared++) {
        struct bm_holding *other = &holdings->all[conflicts->compared];
        struct look look = { .pin = pin, .mine = index, .other = other, .worst = { .lot = other->lot.id } };

        if (bm_holding_superseded(other) || strcmp(other->lot.name, pin->lot) == 0)
            continue;
        if (!bm_holding_ready(holdings, other)) {
            rc = bm_holding_lost(other, fail);
            bm_fail_prefix(fail, "lot %s must be compared with every other", pin->lot);
            return rc;
        }
        memcpy(look.worst.name, other->lot.name, sizeof(look.worst.name));
        if ((rc = compare(conflicts, &look, fail)) != BM_OK)
            return rc;
        work += cost(bm_index_size(index), other->lot.size) + PROBE;
    }
    *ret_more = conflicts->compared < holdings->n;
    return BM_OK;
}

const struct bm_conflict *
bm_conflicts_worst(const struct bm_conflicts *conflicts)
{
    const struct bm_conflict *worst = NULL;

    for (size_t i = 0; i < conflicts->n; i++)
        if (worst == NULL || conflicts->all[i].verdict > worst->verdict)
            worst = &conflicts->all[i];
    return worst;
}
