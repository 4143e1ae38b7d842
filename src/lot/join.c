/* join.c - chips in order become one tree; what only shows when chips stand beside each other is found here. */
#include "lot/lot.h"

#include "lot/seen.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>

struct bm_join {
    const struct bm_lot_job *job;
    const struct bm_lot_sink *sink;
    struct bm_frontier frontier;
    struct bm_seen keys, ids;
    struct bm_leaf_digest digest; /* of the leaf of the chip that is looked at */
    uint64_t index;               /* of the next chip, those without a leaf counted */
    enum bm_leaf_kind kind;
    uint64_t signatures;
    bm_time first, last;
    uint8_t san[BM_HASH];
    char delivery[BM_MAX_NAME + 1];
    char signer[sizeof(((struct bm_lot_chip *)NULL)->signer)];
    bool told_san, told_delivery, told_signer; /* once a file, not once a chip */
    bool refused;                              /* a fatal finding was told, and the reading went on */
};

enum bm_rc
bm_join_new(struct bm_join **ret_join, const struct bm_lot_job *job, const struct bm_lot_sink *sink, struct bm_fail *fail)
{
    struct bm_join *join = calloc(1, sizeof(*join));

    if (join == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to read the lot");
    join->job = job;
    join->sink = sink;
    *ret_join = join;
    return BM_OK;
}

void
bm_join_done(struct bm_join **join)
{
    if (*join == NULL)
        return;
    bm_seen_done(&(*join)->keys);
    bm_seen_done(&(*join)->ids);
    free(bm_take(*join));
}

/* Every chip is bound by something that no other chip of the lot has: its root keys, or its id where the list has no keys. */
static enum bm_rc
keys_look(struct bm_join *join, struct bm_lot_chip *chip, struct bm_fail *fail)
{
    const struct bm_leaf_skim *skim = &join->digest.skim;
    uint32_t where = 0;
    bool before = false;
    enum bm_rc rc;

    for (size_t i = 0; i < skim->nkeys; i++) {
        if ((rc = bm_seen_add(&join->keys, skim->keys[i].hash, (uint32_t)join->index, &before, &where, fail)) != BM_OK)
            return rc;
        if (before)
            bm_lot_chip_find(chip, BM_CHECK_KEY_TWICE,
                             "%.*s has a root key that chip %u has too: two chips with one key cannot be told apart", (int)skim->id.n,
                             (const char *)skim->id.p, where);
    }
    return BM_OK;
}

static enum bm_rc
id_look(struct bm_join *join, struct bm_lot_chip *chip, struct bm_fail *fail)
{
    const struct bm_leaf_skim *skim = &join->digest.skim;
    uint32_t where = 0;
    bool before = false;
    enum bm_rc rc;

    if ((rc = bm_seen_add(&join->ids, join->digest.id, (uint32_t)join->index, &before, &where, fail)) != BM_OK || !before)
        return rc;
    if (skim->kind == BM_LEAF_ID)
        bm_lot_chip_find(chip, BM_CHECK_KEY_TWICE, "its id %.*s is that of chip %u too, and the list has nothing else to tell them apart",
                         (int)skim->id.n, (const char *)skim->id.p, where);
    else
        bm_lot_chip_find(chip, BM_CHECK_ID_TWICE, "its id %.*s is that of chip %u too: one id stands for two keys", (int)skim->id.n,
                         (const char *)skim->id.p, where);
    return BM_OK;
}

static void
names_look(struct bm_join *join, struct bm_lot_chip *chip)
{
    static const uint8_t none[BM_HASH];

    if (!join->told_san && memcmp(chip->san, none, BM_HASH) != 0 && memcmp(chip->san, join->san, BM_HASH) == 0) {
        join->told_san = true;
        bm_lot_chip_find(
            chip, BM_CHECK_LABEL,
            "the subjectAltName of its certificate is that of the chip before it: it names no chip, and nothing is bound to it");
    }
    memcpy(join->san, chip->san, BM_HASH);
    if (join->delivery[0] == 0)
        memcpy(join->delivery, chip->delivery, sizeof(join->delivery));
    if (join->signer[0] == 0)
        memcpy(join->signer, chip->signer, sizeof(join->signer));
    if (!join->told_delivery && strcmp(join->delivery, chip->delivery) != 0) {
        join->told_delivery = true;
        bm_lot_chip_find(chip, BM_CHECK_DELIVERY, "it belongs to %s and the first chip to %s: two deliveries are in one file",
                         chip->delivery, join->delivery);
    }
    if (!join->told_signer && strcmp(join->signer, chip->signer) != 0) {
        join->told_signer = true;
        bm_lot_chip_find(chip, BM_CHECK_DELIVERY, "another signer has signed it than the first chip");
    }
}

static void
times_take(struct bm_join *join, bm_time time)
{
    if (time == 0)
        return;
    if (join->first == 0 || time < join->first)
        join->first = time;
    if (time > join->last)
        join->last = time;
}

static enum bm_rc
chip_look(struct bm_join *join, struct bm_lot_chip *chip, struct bm_fail *fail)
{
    const struct bm_leaf_skim *skim = &join->digest.skim;
    enum bm_rc rc;

    if (skim->kind != join->kind)
        bm_lot_chip_find(chip, BM_CHECK_ENTRY, "%.*s is listed by %s in a lot of kind %s", (int)skim->id.n, (const char *)skim->id.p,
                         bm_leaf_kind_word(skim->kind), bm_leaf_kind_word(join->kind));
    if ((rc = keys_look(join, chip, fail)) != BM_OK || (rc = id_look(join, chip, fail)) != BM_OK)
        return rc;
    names_look(join, chip);
    times_take(join, chip->time);
    return BM_OK;
}

/* Who took over the process that read it could name keys of his own, all on their curves: to ask for the curve again would protect from nothing. The signer
 * does before the lot is pinned, and whoever verifies by a key. Each hash of the leaf is taken here, once. The tree's are taken while memory fetches what the look at a million others needs. */
static enum bm_rc
leaf_take(struct bm_join *join, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_leaf_digest *digest = &join->digest;
    enum bm_rc rc = bm_leaf_digest_take(digest, der, fail);

    if (rc != BM_OK)
        return rc;
    for (size_t i = 0; i < digest->skim.nkeys; i++)
        bm_seen_soon(&join->keys, digest->skim.keys[i].hash);
    bm_seen_soon(&join->ids, digest->id);
    if (join->frontier.size == 0)
        join->kind = digest->skim.kind;
    bm_frontier_append(&join->frontier, digest->leaf);
    return BM_OK;
}

/* What cannot be read is the sender's mistake; what is well-formed and false is refused as a matter of policy. */
static enum bm_rc
refuse(const struct bm_join *join, const struct bm_finding *finding, struct bm_fail *fail)
{
    enum bm_rc rc = finding->check == BM_CHECK_ENTRY || finding->check == BM_CHECK_KEY ? BM_EINPUT : BM_EPOLICY;

    return bm_fail(fail, rc, NULL, "chip %llu: %s", (unsigned long long)join->index, finding->sentence);
}

static enum bm_rc
chip_tell(struct bm_join *join, const struct bm_lot_chip *chip, struct bm_bytes der, struct bm_fail *fail)
{
    const struct bm_finding *fatal = bm_lot_chip_fatal(chip);

    if (fatal != NULL && (join->sink == NULL || !join->sink->go_on))
        return refuse(join, fatal, fail);
    join->refused |= fatal != NULL;
    if (join->sink == NULL || join->sink->chip == NULL)
        return BM_OK;
    return join->sink->chip(join->sink->ctx, join->index, chip, fatal != NULL ? bm_bytes(NULL, 0) : der, &join->digest, fail);
}

enum bm_rc
bm_join_chip(struct bm_join *join, struct bm_lot_chip *chip, struct bm_bytes der, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (join->index == BM_MAX_LOT_CHIPS)
        return bm_fail(fail, BM_EINPUT, NULL, "the lot has more than %d chips: divide it", BM_MAX_LOT_CHIPS);
    if (chip->have && ((rc = leaf_take(join, der, fail)) != BM_OK || (rc = chip_look(join, chip, fail)) != BM_OK))
        return rc;
    if ((rc = chip_tell(join, chip, der, fail)) != BM_OK)
        return rc;
    join->signatures += chip->signatures;
    join->index++;
    return BM_OK;
}

/* ---- the end ---- */

/* "manifest EX 1.json" -> "manifest-EX-1": without what follows the last dot, with '-' for what a name may not have. */
static bool
name_of_file(char ret[static BM_MAX_NAME + 1], const char *file)
{
    const char *dot = file != NULL ? strrchr(file, '.') : NULL;
    size_t n = file == NULL ? 0 : dot != NULL && dot != file ? (size_t)(dot - file) : strlen(file);

    if (n > BM_MAX_NAME)
        n = BM_MAX_NAME;
    for (size_t i = 0; i < n; i++) {
        char one[2] = { file[i], 0 };

        ret[i] = bm_name_ok(one, 1) || ((one[0] == '.' || one[0] == '-') && i > 0) ? one[0] : '-';
    }
    ret[n] = 0;
    return bm_name_ok(ret, BM_MAX_NAME);
}

/* "P5C8" is the lot P5C8, or, a part of it, P5C8-1. */
static bool
name_is_of(const char *name, const char *delivery)
{
    const size_t n = strlen(delivery);

    return strncmp(name, delivery, n) == 0 && (name[n] == 0 || name[n] == '-' || name[n] == '.');
}

/* A delivery that the chipmaker's signatures name keeps its name: under another one a part of it would look like something else. */
static enum bm_rc
name_check(const struct bm_join *join, const struct bm_lot_result *result, struct bm_fail *fail)
{
    const char *name = join->job->name;

    if (name == NULL || !result->signed_each || join->told_delivery || !bm_name_ok(join->delivery, BM_MAX_NAME) ||
        name_is_of(name, join->delivery))
        return BM_OK;
    return bm_fail(fail, BM_EPOLICY, NULL, "%s has signed that this is delivery %s, not %s: leave --lot out, or call a part of it %s-1",
                   join->job->vendor->name, join->delivery, name, join->delivery);
}

static enum bm_rc
head_make(const struct bm_join *join, const struct bm_lot_result *result, struct bm_lot_head *head, struct bm_fail *fail)
{
    const struct bm_lot_job *job = join->job;
    const char *name = job->name != NULL ? job->name : join->delivery;
    enum bm_rc rc;

    if ((rc = name_check(join, result, fail)) != BM_OK)
        return rc;
    *head = (struct bm_lot_head){ .revision = job->revision == 0 ? 1 : job->revision, .kind = join->kind, .size = join->frontier.size };
    if (bm_name_ok(name, BM_MAX_NAME))
        (void)snprintf(head->lot, sizeof(head->lot), "%s", name);
    else if (job->name != NULL || !name_of_file(head->lot, job->file_name))
        return bm_fail(fail, BM_EINPUT, NULL, "the lot needs a name of letters, digits, '.', '_' and '-': give it one with --lot");
    (void)snprintf(head->vendor, sizeof(head->vendor), "%s", job->vendor->name);
    bm_frontier_root(&join->frontier, head->root);
    return BM_OK;
}

/* Own format: the reader compared the tree with the head before any leaf was read. This is the same tree, or something is very wrong. */
static enum bm_rc
head_compare(const struct bm_join *join, const struct bm_lot_head *head, struct bm_fail *fail)
{
    uint8_t root[BM_HASH];

    bm_frontier_root(&join->frontier, root);
    if (join->refused || (head->size == join->frontier.size && memcmp(root, head->root, BM_HASH) == 0))
        return BM_OK;
    return bm_fail(fail, BM_EBUG, NULL, "the chips of lot %s make another tree than its bytes did", head->lot);
}

enum bm_rc
bm_join_end(struct bm_join *join, struct bm_lot_result *result, struct bm_fail *fail)
{
    if (join->index == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "the file lists no chips");
    result->checked += join->signatures;
    result->first = join->first;
    result->last = join->last;
    if (result->signer[0] == 0)
        memcpy(result->signer, join->signer, sizeof(result->signer));
    return result->head_note.n == 0 ? head_make(join, result, &result->head, fail) : head_compare(join, &result->head, fail);
}
