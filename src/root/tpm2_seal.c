/* tpm2_seal.c - sealed data in a TPM: a box in NV memory whose key is an object of the TPM; identities retired, everything of ours erased. */
#include "root/tpm2.h"

#include "base/env.h"
#include "root/box.h"
#include "wire/rd.h"
#include "wire/text.h"

#include <stdio.h>

static enum bm_rc
box_store(struct bm_tpm2 *tpm, const char *name, const uint8_t key[static BM_BOX_KEY], struct bm_bytes bytes, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf public = { .max = sizeof(TPM2B_PUBLIC) }, private = { .max = sizeof(TPM2B_PRIVATE) };
    bm_cleanup(bm_buf_done) struct bm_buf bound = { .max = BM_BOUND_BYTES }, box = { .max = BM_MAX_SEALED + BM_BOX_EXTRA };
    TPM2B_PUBLIC made;
    enum bm_rc rc;

    if ((rc = bm_tpm2_create(tpm, BM_TPM2_SEALED_KEY, bm_bytes(key, BM_BOX_KEY), NULL, &made, &public, &private, fail)) != BM_OK ||
        (rc = bm_box_close(&box, key, name, bytes, fail)) != BM_OK)
        return rc;
    bm_bound_build(&bound, &tpm->bind);
    if ((rc = bm_buf_check(&bound, "what it is bound to", fail)) != BM_OK)
        return rc;
    return bm_tpm2_record_put(tpm, name, BM_TPM2_SEALED, bm_buf_bytes(&public), bm_buf_bytes(&private), bm_buf_bytes(&bound),
                              (const struct bm_bytes[]){ bm_buf_bytes(&box) }, 1, fail);
}

enum bm_rc
bm_tpm2_seal(struct bm_root *root, const char *name, struct bm_bytes bytes, struct bm_fail *fail)
{
    BM_SECRET(key);
    enum bm_rc rc;

    if ((rc = bm_sealed_check(name, bytes, fail)) != BM_OK)
        return rc;
    if ((rc = bm_env_system.random(bm_env_system.ctx, key.b, BM_BOX_KEY, fail)) != BM_OK)
        return rc;
    return box_store(bm_tpm2_of(root), name, key.b, bytes, fail);
}

/* The key out of the TPM. */
static enum bm_rc
key_take(struct bm_tpm2 *tpm, const struct bm_tpm2_record *record, const char *what, struct bm_secret *ret_key, struct bm_fail *fail)
{
    TPM2B_SENSITIVE_DATA *data = NULL;
    ESYS_TR object = ESYS_TR_NONE, session = ESYS_TR_NONE;
    struct bm_bound bound;
    TSS2_RC trc;
    enum bm_rc rc;

    if ((rc = bm_bound_parse(&bound, record->bound, fail)) != BM_OK || (rc = bm_tpm2_load(tpm, record, what, &object, fail)) != BM_OK)
        return rc;
    if (bound.pcrs != 0 && (rc = bm_tpm2_bound_session(tpm, &bound, what, &session, fail)) != BM_OK) {
        bm_tpm2_flush(tpm, &object);
        return rc;
    }
    trc = Esys_Unseal(tpm->esys, object, bound.pcrs != 0 ? session : ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data);
    bm_tpm2_flush(tpm, &session);
    bm_tpm2_flush(tpm, &object);
    if (trc != TSS2_RC_SUCCESS)
        return bm_tpm2_fail(tpm, trc, "unseal", fail);
    ret_key->n = data->size <= sizeof(ret_key->b) ? data->size : 0;
    memcpy(ret_key->b, data->buffer, ret_key->n);
    explicit_bzero(data, sizeof(*data));
    Esys_Free(data);
    return ret_key->n == BM_BOX_KEY ? BM_OK : bm_fail(fail, BM_EPOLICY, NULL, "%s has no key inside the TPM: seal it again", what);
}

enum bm_rc
bm_tpm2_unseal(struct bm_root *root, const char *name, struct bm_buf *bytes, struct bm_fail *fail)
{
    struct bm_tpm2_record record;
    char what[BM_MAX_NAME + 32];
    struct bm_rd rd;
    BM_SECRET(key);
    enum bm_rc rc;

    if ((rc = bm_sealed_check(name, bm_bytes(NULL, 0), fail)) != BM_OK ||
        (rc = bm_tpm2_record_get(bm_tpm2_of(root), name, BM_TPM2_SEALED, &record, fail)) != BM_OK)
        return rc;
    (void)snprintf(what, sizeof(what), "the sealed data %s", name);
    if ((rc = key_take(bm_tpm2_of(root), &record, what, &key, fail)) != BM_OK)
        return rc;
    rd = bm_rd(record.certs);
    if ((rc = bm_box_open(bytes, key.b, name, bm_rd_lv16(&rd, sizeof(record.bytes)), fail)) != BM_OK)
        bm_fail_prefix(fail, "%s", what);
    return rc;
}

enum bm_rc
bm_tpm2_sealed(struct bm_root *root, struct bm_buf *names, struct bm_fail *fail)
{
    return bm_tpm2_names_add(bm_tpm2_of(root), BM_TPM2_SEALED, names, fail);
}

enum bm_rc
bm_tpm2_sealed_remove(struct bm_root *root, const char *name, struct bm_fail *fail)
{
    enum bm_rc rc = bm_sealed_check(name, bm_bytes(NULL, 0), fail);

    return rc != BM_OK ? rc : bm_tpm2_record_remove(bm_tpm2_of(root), name, BM_TPM2_SEALED, fail);
}

/* The pending key first: while the live record stands, so does the identity; and a pending key that it replaced must not count again behind it. */
enum bm_rc
bm_tpm2_retire(struct bm_root *root, const char *service, struct bm_fail *fail)
{
    struct bm_tpm2 *tpm = bm_tpm2_of(root);
    enum bm_rc pending, live, rc = bm_service_check(service, fail);

    if (rc != BM_OK)
        return rc;
    bm_tpm2_flush(tpm, &tpm->loaded.object);
    pending = bm_tpm2_record_remove(tpm, service, BM_TPM2_PENDING, fail);
    if (pending != BM_OK && pending != BM_EPOLICY)
        return pending;
    live = bm_tpm2_record_remove(tpm, service, BM_TPM2_LIVE, fail);
    return live == BM_EPOLICY && pending == BM_OK ? BM_OK : live;
}

enum bm_rc
bm_tpm2_reset(struct bm_root *root, struct bm_fail *fail)
{
    bm_tpm2_flush(bm_tpm2_of(root), &bm_tpm2_of(root)->loaded.object);
    return bm_tpm2_record_clear(bm_tpm2_of(root), fail);
}
