/* agent_erased.c - a factory reset that leaves a signed word of what it destroyed. Over the rooms, not the library: it is wanted once in a device's life. */
#include "device/agent.h"

#include "base/file.h"
#include "device/handle.h"
#include "evidence/erased.h"
#include "wire/text.h"

#include <stdio.h>

struct erasing {
    struct bm_erased erased;
    char service[BM_MAX_NAME + 1]; /* of an identity whose key this boot may use; "": none */
    bool too_many;
};

static void
identity_note(void *ctx, const struct birthmark_identity *identity)
{
    struct erasing *erasing = ctx;
    struct bm_erased_identity *note;
    struct bm_fail ignored;

    if (identity->broken != NULL)
        return; /* what it was nobody can tell; it goes with the rest */
    if (erasing->erased.nidentities == BM_MAX_ERASED_IDENTITIES) {
        erasing->too_many = true;
        return;
    }
    note = &erasing->erased.identities[erasing->erased.nidentities];
    (void)snprintf(note->service, sizeof(note->service), "%s", identity->service);
    if (bm_hex_parse(note->key, BM_HASH, bm_bytes_str(identity->key), &ignored) != BM_OK)
        return;
    erasing->erased.nidentities++;
    if (identity->usable && erasing->service[0] == 0)
        (void)snprintf(erasing->service, sizeof(erasing->service), "%s", identity->service);
}

static void
sealed_note(void *ctx, const struct birthmark_sealed *sealed)
{
    struct erasing *erasing = ctx;

    (void)sealed;
    erasing->erased.sealed++;
}

/* A root key that signs any text; BM_EPOLICY where there is none. */
static enum bm_rc
root_speaks(struct bm_root *root, struct bm_leaf_key *ret_speaker, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE };
    enum bm_rc rc = bm_root_speaker(root, ret_speaker, &certs, fail);

    if (rc == BM_OK && (ret_speaker->use != BM_USE_SIGN || root->ops->root_sign == NULL))
        rc = bm_fail(fail, BM_EPOLICY, NULL, "no root key of this device signs texts");
    return rc;
}

/* The word of the root key; else of the identity's. */
static enum bm_rc
word_sign(struct bm_buf *text, struct bm_root *root, const struct erasing *erasing, const struct bm_key *root_key, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE };
    struct bm_key key;
    enum bm_sig_alg alg;
    enum bm_rc rc;

    if (root_key == NULL && (rc = root->ops->key_public(root, erasing->service, false, &key, fail)) != BM_OK)
        return rc;
    bm_erased_build(text, &erasing->erased, bm_key_spki(root_key != NULL ? root_key : &key));
    if ((rc = bm_buf_check(text, "the receipt", fail)) != BM_OK)
        return rc;
    rc = root_key != NULL ? root->ops->root_sign(root, root_key, bm_buf_bytes(text), &alg, &signature, fail)
                          : root->ops->key_sign(root, erasing->service, false, bm_buf_bytes(text), &alg, &signature, fail);
    if (rc != BM_OK)
        return rc;
    bm_erased_end(text, bm_buf_bytes(&signature));
    return bm_buf_check(text, "the receipt", fail);
}

static int
refused(enum bm_rc rc, const struct bm_fail *fail)
{
    int code = bm_rc_exit(rc);

    (void)fprintf(stderr, "%s: %s\n", code == BIRTHMARK_REFUSED ? "refused" : "birthmark-agent", fail->text);
    return code;
}

static int
erasing_begin(struct erasing *erasing, struct birthmark *bm)
{
    struct bm_fail fail;
    enum birthmark_result rc;

    if (bm_env_system.now(bm_env_system.ctx, &erasing->erased.time, &fail) != BM_OK)
        return refused(BM_EBUSY, &fail);
    if ((rc = birthmark_identities(bm, identity_note, erasing)) != BIRTHMARK_OK ||
        (rc = birthmark_sealed(bm, sealed_note, erasing)) != BIRTHMARK_OK)
        return bm_agent_refuse(bm, rc);
    if (!erasing->too_many)
        return BIRTHMARK_OK;
    bm_fail_note(&fail, BM_EPOLICY, NULL, "there are more identities than a receipt holds: reset without --out");
    return refused(BM_EPOLICY, &fail);
}

int
bm_agent_erase(struct birthmark *bm, const struct options *options)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_ERASED };
    struct erasing erasing = { .service = "" };
    struct bm_leaf_key speaker;
    struct bm_fail fail = { .rc = BM_OK };
    enum birthmark_result done;
    bool root_signs;
    int code = erasing_begin(&erasing, bm);
    enum bm_rc rc;

    if (code != BIRTHMARK_OK)
        return code;
    if ((rc = root_speaks(bm->root, &speaker, &fail)) != BM_OK && rc != BM_EPOLICY)
        return refused(rc, &fail);
    root_signs = rc == BM_OK;
    if (!root_signs && erasing.service[0] == 0) {
        bm_fail_note(&fail, BM_EPOLICY, NULL,
                     "no root key of this device signs texts, and it has no identity whose key could: reset without --out");
        return refused(BM_EPOLICY, &fail);
    }
    if (!root_signs && (rc = word_sign(&text, bm->root, &erasing, NULL, &fail)) != BM_OK)
        return refused(rc, &fail);
    if ((done = birthmark_reset(bm)) != BIRTHMARK_OK)
        return bm_agent_refuse(bm, done); /* and no word of it */
    if ((root_signs && (rc = word_sign(&text, bm->root, &erasing, &speaker.key, &fail)) != BM_OK) ||
        (rc = bm_file_write(options->out, bm_buf_bytes(&text), 0644, &fail)) != BM_OK)
        return refused(rc, &fail);
    return BIRTHMARK_OK;
}
