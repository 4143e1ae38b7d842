/* puf.c - an SRAM PUF as root, its array simulated: puf:sim:SEED:HELPERFILE. The root key exists while it is used and is stored nowhere. */
#include "root/puf.h"
#include "root/backend.h"
#include "root/box.h"
#include "root/sram_sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SIM "sim:"
#define MODEL "simulated SRAM PUF"

static enum bm_rc
puf_parse(struct bm_puf *puf, const char *rest, struct bm_fail *fail)
{
    const char *seed = strncmp(rest, SIM, sizeof(SIM) - 1) == 0 ? rest + sizeof(SIM) - 1 : "";
    size_t n = strcspn(seed, ":");

    if (n == 0 || n > BM_MAX_NAME || seed[n] != ':' || seed[n + 1] == '\0')
        return bm_fail(fail, BM_EINPUT, NULL,
                       "a PUF is written as puf:sim:SEED:HELPERFILE, where SEED (1 to %d characters without ':') is the simulated chip",
                       BM_MAX_NAME);
    memcpy(puf->seed, seed, n);
    if (strlen(seed + n + 1) >= sizeof(puf->helper))
        return bm_fail(fail, BM_EINPUT, NULL, "the path of the helper data is longer than %zu bytes", sizeof(puf->helper) - 1);
    memcpy(puf->helper, seed + n + 1, strlen(seed + n + 1) + 1);
    return bm_files_init(&puf->files, puf->helper, fail);
}

static void
puf_close(struct bm_root *root)
{
    free(root);
}

static enum bm_rc
puf_box_key(const struct bm_files *files, struct bm_secret *ret_key, struct bm_fail *fail)
{
    BM_SECRET(secret);
    enum bm_rc rc = bm_puf_secret(&secret, bm_puf_of(&files->root), false, fail);

    if (rc != BM_OK)
        return rc;
    ret_key->n = BM_BOX_KEY;
    bm_extractor_expand(ret_key->b, ret_key->n, &secret, "birthmark/puf/v1 sealing key");
    return BM_OK;
}

static enum bm_rc
puf_root_key(const struct bm_files *files, bool make, struct bm_private **ret_key, struct bm_fail *fail)
{
    BM_SECRET(secret);
    enum bm_rc rc = bm_puf_secret(&secret, bm_puf_of(&files->root), make, fail);

    return rc != BM_OK ? rc : bm_puf_key(ret_key, &secret, BM_PUF_ROOT_KEY, fail);
}

static enum bm_rc
puf_open(struct bm_root **ret_root, const char *rest, struct bm_fail *fail)
{
    struct bm_puf *puf = calloc(1, sizeof(*puf));
    enum bm_rc rc;

    if (puf == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    puf->files = (struct bm_files){
        .root.ops = &bm_root_puf, .seal = bm_puf_seal, .open = bm_puf_unseal, .root_key = puf_root_key, .box_key = puf_box_key
    };
    if ((rc = puf_parse(puf, rest, fail)) != BM_OK) {
        free(puf);
        return rc;
    }
    *ret_root = &puf->files.root;
    return BM_OK;
}

/* ---- the array ---- */

struct array {
    struct bm_sram sram; /* as secret as what it starts as */
    struct bm_chance chance;
};

static void
array_free(struct array **array)
{
    if (*array != NULL)
        explicit_bzero(*array, sizeof(**array));
    free(*array);
}

static enum bm_rc
array_start(void *ctx, uint8_t ret_cells[static BM_PUF_BYTES], struct bm_fail *fail)
{
    struct array *array = ctx;

    (void)fail;
    bm_sram_start(&array->sram, &array->chance, ret_cells);
    return BM_OK;
}

static enum bm_rc
array_make(struct array **ret, const struct bm_puf *puf, struct bm_fail *fail)
{
    bm_cleanup(array_free) struct array *array = calloc(1, sizeof(*array));
    struct bm_sram_weather weather;
    uint8_t drawn[BM_HASH];
    enum bm_rc rc;

    if (array == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    if ((rc = bm_sram_weather(&weather, fail)) != BM_OK || (rc = bm_env_system.random(NULL, drawn, sizeof(drawn), fail)) != BM_OK)
        return rc;
    bm_sram_make(&array->sram, bm_bytes_str(puf->seed), 0, weather);
    array->chance = bm_chance(drawn);
    *ret = bm_take(array);
    return BM_OK;
}

/* ---- the secret ---- */

/* The helper data is written when a second reconstruction has shown that it serves. */
static enum bm_rc
enrol(struct bm_secret *ret_secret, const struct bm_puf *puf, const struct bm_puf_array *array, struct bm_fail *fail)
{
    uint8_t bytes[BM_PUF_HELPER];
    struct bm_puf_helper helper;
    BM_SECRET(first);
    BM_SECRET(again);
    enum bm_rc rc;

    if (access(puf->files.dir, F_OK) == 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "%s is gone, and %s holds what was kept with it: put the helper data back, or remove both",
                       puf->helper, puf->files.dir);
    if ((rc = bm_extractor_enrol(&helper, &first, array, &bm_env_system, fail)) != BM_OK ||
        (rc = bm_extractor_open(&again, &helper, array, fail)) != BM_OK)
        return rc;
    bm_puf_helper_build(bytes, &helper);
    if ((rc = bm_file_write(puf->helper, bm_bytes(bytes, sizeof(bytes)), 0644, fail)) != BM_OK)
        return rc;
    *ret_secret = again;
    return BM_OK;
}

static enum bm_rc
reconstruct(struct bm_secret *ret_secret, const struct bm_puf *puf, const struct bm_puf_array *array, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = 2 * BM_PUF_HELPER };
    struct bm_puf_helper helper;
    enum bm_rc rc;

    if ((rc = bm_file_read(&bytes, puf->helper, fail)) != BM_OK)
        return rc;
    if ((rc = bm_puf_helper_parse(&helper, bm_buf_bytes(&bytes), fail)) != BM_OK ||
        (rc = bm_extractor_open(ret_secret, &helper, array, fail)) != BM_OK)
        bm_fail_prefix(fail, "%s", puf->helper);
    return rc;
}

enum bm_rc
bm_puf_secret(struct bm_secret *ret_secret, const struct bm_puf *puf, bool make, struct bm_fail *fail)
{
    bm_cleanup(array_free) struct array *array = NULL;
    bool gone = access(puf->helper, F_OK) == -1 && errno == ENOENT;
    enum bm_rc rc;

    if (gone && !make)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "%s is not there: make the helper data with `birthmark chip create --root puf:sim:%s:%s -o chip.der`", puf->helper,
                       puf->seed, puf->helper);
    if ((rc = array_make(&array, puf, fail)) != BM_OK)
        return rc;
    const struct bm_puf_array powered = { .start = array_start, .ctx = array };
    return gone ? enrol(ret_secret, puf, &powered, fail) : reconstruct(ret_secret, puf, &powered, fail);
}

enum bm_rc
bm_puf_key(struct bm_private **ret_key, const struct bm_secret *secret, const char *label, struct bm_fail *fail)
{
    uint8_t seed[BM_PRIVATE_SEED];
    enum bm_rc rc;

    bm_extractor_expand(seed, sizeof(seed), secret, label);
    rc = bm_private_derive(ret_key, seed, fail);
    explicit_bzero(seed, sizeof(seed));
    return rc;
}

/* ---- the table ---- */

static enum bm_rc
puf_identify(struct bm_root *root, bool make, struct bm_leaf *ret_leaf, struct bm_buf *certs, struct bm_fail *fail)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    enum bm_rc rc = puf_root_key(&bm_puf_of(root)->files, make, &key, fail);

    (void)certs; /* DICE's move with the firmware, and what the lot lists must not */
    if (rc != BM_OK)
        return rc;
    bm_leaf_signing(ret_leaf, BM_ROOT_PUF, bm_private_public(key));
    return bm_leaf_label_add(ret_leaf, BM_LABEL_MODEL, BM_LABEL_SIGNED, bm_bytes_str(MODEL))
               ? BM_OK
               : bm_fail(fail, BM_EBUG, NULL, "the label of a simulated PUF is none");
}

const struct bm_root_ops bm_root_puf = {
    .scheme = "puf",
    .open = puf_open,
    .close = puf_close,
    .identify = puf_identify,
    .root_sign = bm_files_root_sign,
    .dice = bm_puf_dice,
    .key_new = bm_files_key_new,
    .key_public = bm_files_key_public,
    .key_sign = bm_files_key_sign,
    .commit = bm_files_commit,
    .certs = bm_files_certs,
    .services = bm_files_services,
    .retire = bm_files_retire,
    .reset = bm_files_reset,
    .seal = bm_files_seal,
    .unseal = bm_files_unseal,
    .sealed = bm_files_sealed,
    .sealed_remove = bm_files_sealed_remove,
};
