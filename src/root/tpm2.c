/* tpm2.c - a TPM 2.0 as root: the table, and its root keys. */
#include "root/tpm2.h"

static enum bm_rc
tpm2_open(struct bm_root **ret_root, const char *rest, struct bm_fail *fail)
{
    struct bm_tpm2 *tpm;
    enum bm_rc rc = bm_tpm2_open(&tpm, rest, fail);

    if (rc == BM_OK)
        *ret_root = &tpm->root;
    return rc;
}

static void
tpm2_close(struct bm_root *root)
{
    bm_tpm2_close(bm_tpm2_of(root));
}

static enum bm_rc
tpm2_identify(struct bm_root *root, bool make, struct bm_leaf *ret_leaf, struct bm_buf *certs, struct bm_fail *fail)
{
    struct bm_tpm2 *tpm = bm_tpm2_of(root);
    enum bm_rc rc;

    /* keys are derived from the TPM's seed: they are always there, and what is made is the record of which */
    bm_tpm2_room_make(tpm);
    if ((rc = bm_tpm2_kind_settle(tpm, fail)) != BM_OK)
        return rc;
    memset(ret_leaf, 0, sizeof(*ret_leaf));
    ret_leaf->kind = BM_LEAF_KEYS;
    ret_leaf->root = BM_ROOT_TPM;
    if (tpm->kind != NULL && (rc = bm_tpm2_identity_list(tpm, ret_leaf, certs, fail)) != BM_OK)
        return rc;
    rc = bm_tpm2_ek_list(tpm, ret_leaf, certs, fail);
    return rc == BM_OK && make ? bm_tpm2_kind_keep(tpm, fail) : rc;
}

/* Kept loaded: the one that speaks is asked for again. */
static enum bm_rc
tpm2_speaker(struct bm_root *root, struct bm_leaf_key *ret_key, struct bm_buf *certs, struct bm_fail *fail)
{
    struct bm_tpm2 *tpm = bm_tpm2_of(root);
    enum bm_rc rc;

    bm_tpm2_room_make(tpm);
    if ((rc = bm_tpm2_kind_settle(tpm, fail)) != BM_OK)
        return rc;
    if (tpm->kind != NULL) {
        ret_key->use = BM_USE_ATTEST;
        return (rc = bm_tpm2_ak_use(tpm, true, fail)) != BM_OK ? rc : bm_tpm2_public_key(&ret_key->key, &tpm->ak_public, fail);
    }
    if ((rc = bm_tpm2_ek_use(tpm, NULL, certs, fail)) != BM_OK)
        return rc;
    *ret_key = (struct bm_leaf_key){ .use = BM_USE_DECRYPT, .key = tpm->ek_key };
    return BM_OK;
}

static enum bm_rc
tpm2_services(struct bm_root *root, struct bm_buf *names, struct bm_fail *fail)
{
    return bm_tpm2_names_add(bm_tpm2_of(root), BM_TPM2_LIVE, names, fail);
}

static void
tpm2_forget(struct bm_root *root)
{
    bm_tpm2_room_make(bm_tpm2_of(root)); /* what is loaded is known by a service's name */
    bm_tpm2_seen_free(bm_tpm2_of(root));
}

const struct bm_root_ops bm_root_tpm2 = {
    .scheme = "tpm2",
    .open = tpm2_open,
    .close = tpm2_close,
    .forget = tpm2_forget,
    .identify = tpm2_identify,
    .speaker = tpm2_speaker,
    .root_sign = bm_tpm2_root_sign,
    .attestation_key = bm_tpm2_attestation_key,
    .activate = bm_tpm2_activate,
    .certify = bm_tpm2_certify,
    .key_new = bm_tpm2_key_new,
    .key_public = bm_tpm2_key_public,
    .key_sign = bm_tpm2_key_sign,
    .commit = bm_tpm2_commit,
    .certs = bm_tpm2_certs,
    .services = tpm2_services,
    .retire = bm_tpm2_retire,
    .reset = bm_tpm2_reset,
    .seal = bm_tpm2_seal,
    .unseal = bm_tpm2_unseal,
    .sealed = bm_tpm2_sealed,
    .sealed_remove = bm_tpm2_sealed_remove,
    .bind = bm_tpm2_bind,
    .boot_values = bm_tpm2_boot_values,
    .boot_permit = bm_tpm2_boot_permit,
    .bound_tell = bm_tpm2_bound_tell,
};
