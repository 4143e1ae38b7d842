/* keep.c - birthmark.h: what is bound to the boot state, sealed, retired, reset. */
#include "device/handle.h"

#include "device/bound.h"
#include "wire/text.h"

#include <stdio.h>

/* ---- binding ---- */

EXPORT enum birthmark_result
birthmark_bind(struct birthmark *bm, const char *pcrs, const char *update_key_file)
{
    struct bm_bound bound;
    enum bm_rc rc;

    if (!bm_handle_begin_open(bm, pcrs != NULL || update_key_file == NULL))
        return BIRTHMARK_USAGE;
    if ((rc = bm_bound_read(&bound, pcrs, update_key_file, &bm->fail)) == BM_OK &&
        (rc = bm_root_bind(bm->root, pcrs != NULL ? &bound : NULL, &bm->fail)) == BM_OK) {
        bm->bound = bound;
        rc = pcrs != NULL ? bm_bound_warn(bm->warning, sizeof(bm->warning), bm->root, bound.pcrs, &bm->fail) : BM_OK;
    }
    return bm_handle_result(rc);
}

/* ---- boot state ---- */

EXPORT enum birthmark_result
birthmark_boot(struct birthmark *bm, const char *pcrs, struct birthmark_boot *ret)
{
    uint8_t values[BM_PCRS][BM_HASH], policy[BM_HASH];
    struct birthmark_boot boot = { .policy = NULL };
    uint32_t which;
    enum bm_rc rc;

    if (!bm_handle_begin_open(bm, pcrs != NULL && ret != NULL))
        return BIRTHMARK_USAGE;
    if ((rc = bm_pcrs_parse(&which, pcrs, &bm->fail)) != BM_OK || (rc = bm_root_boot_values(bm->root, which, values, &bm->fail)) != BM_OK)
        return bm_handle_result(rc);
    bm_boot_policy(policy, which, values);
    bm_hex(bm->boot[BM_PCRS], bm_bytes(policy, BM_HASH));
    boot.policy = bm->boot[BM_PCRS];
    for (unsigned i = 0; i < BM_PCRS; i++) {
        if (which >> i & 1) {
            bm_hex(bm->boot[i], bm_bytes(values[i], BM_HASH));
            boot.pcr[i] = bm->boot[i];
        }
    }
    *ret = boot;
    return BIRTHMARK_OK;
}

EXPORT enum birthmark_result
birthmark_permit(struct birthmark *bm, const void *text, size_t n)
{
    bm_cleanup(bm_turn_done) int turn = -1;
    struct bm_permit permit;
    enum bm_rc rc;

    if (!bm_handle_begin_open(bm, text != NULL))
        return BIRTHMARK_USAGE;
    if ((rc = bm_permit_parse(&permit, bm_bytes(text, n), &bm->fail)) == BM_OK && (rc = bm_handle_turn(bm, &turn)) == BM_OK)
        rc = bm_root_boot_permit(bm->root, &permit, &bm->fail);
    return bm_handle_result(rc);
}

/* ---- sealed data ---- */

EXPORT enum birthmark_result
birthmark_seal(struct birthmark *bm, const char *name, const void *bytes, size_t n)
{
    bm_cleanup(bm_turn_done) int turn = -1;
    enum bm_rc rc;

    if (!bm_handle_begin_open(bm, name != NULL && (bytes != NULL || n == 0)))
        return BIRTHMARK_USAGE;
    if ((rc = bm_handle_turn(bm, &turn)) == BM_OK)
        rc = bm->root->ops->seal(bm->root, name, bm_bytes(bytes, n), &bm->fail);
    return bm_handle_result(rc);
}

EXPORT enum birthmark_result
birthmark_unseal(struct birthmark *bm, const char *name, void *ret_bytes, size_t size, size_t *ret_n)
{
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = BM_MAX_SEALED };
    enum bm_rc rc;

    if (!bm_handle_begin_open(bm, name != NULL && ret_bytes != NULL && ret_n != NULL))
        return BIRTHMARK_USAGE;
    if ((rc = bm->root->ops->unseal(bm->root, name, &bytes, &bm->fail)) != BM_OK)
        return bm_handle_result(rc);
    if (bytes.n > size) {
        bm_fail_note(&bm->fail, BM_EINPUT, NULL, "libbirthmark: %zu bytes are sealed as %s, and there is room for %zu", bytes.n, name,
                     size);
        return BIRTHMARK_USAGE;
    }
    if (bytes.n > 0)
        memcpy(ret_bytes, bytes.p, bytes.n);
    *ret_n = bytes.n;
    return BIRTHMARK_OK;
}

struct sealed {
    struct bm_root *root;
    void (*each)(void *ctx, const struct birthmark_sealed *sealed);
    void *ctx;
};

static enum bm_rc
sealed_each(void *ctx, const char *name, struct bm_fail *fail)
{
    const struct sealed *list = ctx;
    char pcrs[BM_PCRS_TEXT];
    struct bm_bound bound;
    bool usable;
    enum bm_rc rc = bm_root_bound_tell(list->root, BM_KEPT_SEALED, name, &bound, &usable, fail);

    if (rc != BM_OK)
        return rc;
    bm_pcrs_print(pcrs, bound.pcrs);
    list->each(list->ctx, &(const struct birthmark_sealed){ .name = name, .bound = pcrs, .usable = usable });
    return BM_OK;
}

EXPORT enum birthmark_result
birthmark_sealed(struct birthmark *bm, void (*each)(void *ctx, const struct birthmark_sealed *sealed), void *ctx)
{
    if (!bm_handle_begin_open(bm, each != NULL))
        return BIRTHMARK_USAGE;
    struct sealed list = { bm->root, each, ctx };
    return bm_handle_result(bm_handle_names(bm, bm->root->ops->sealed, sealed_each, &list));
}

/* In this program's turn. */
static enum birthmark_result
remove_named(struct birthmark *bm, const char *name, enum bm_rc (*remove)(struct bm_root *root, const char *name, struct bm_fail *fail))
{
    bm_cleanup(bm_turn_done) int turn = -1;
    enum bm_rc rc = bm_handle_turn(bm, &turn);

    return bm_handle_result(rc != BM_OK ? rc : remove(bm->root, name, &bm->fail));
}

EXPORT enum birthmark_result
birthmark_sealed_remove(struct birthmark *bm, const char *name)
{
    return bm_handle_begin_open(bm, name != NULL) ? remove_named(bm, name, bm->root->ops->sealed_remove) : BIRTHMARK_USAGE;
}

/* ---- the end of identities ---- */

EXPORT enum birthmark_result
birthmark_retire(struct birthmark *bm, const char *service)
{
    return bm_handle_begin_open(bm, service != NULL) ? remove_named(bm, service, bm->root->ops->retire) : BIRTHMARK_USAGE;
}

EXPORT enum birthmark_result
birthmark_reset(struct birthmark *bm)
{
    bm_cleanup(bm_turn_done) int turn = -1;
    enum bm_rc rc;

    if (!bm_handle_begin_open(bm, true))
        return BIRTHMARK_USAGE;
    if ((rc = bm_handle_turn(bm, &turn)) == BM_OK)
        rc = bm->root->ops->reset(bm->root, &bm->fail);
    return bm_handle_result(rc);
}
