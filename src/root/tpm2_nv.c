#include "root/tpm2_nv.h"

#include "wire/rd.h"

#include <stdlib.h>

#define FIRST 0x01b1d000u /* within the owner's range 0x01800000-0x01bfffff of the TCG's registry of handles */
#define LAST (FIRST + BM_TPM2_HANDLES - 1)
#define TRIES 5
#define BODY 4096
#define VALUE (BM_TPM2_PART_HEAD + BODY)

static const uint8_t magic[4] = { 'B', 'M', 'K', '1' };

/* An authPolicy that nobody can satisfy and no attribute asks for: it marks an index as ours before its first byte is written. SHA-256("birthmark nv v1"). */
static void
mark_make(TPM2B_DIGEST *ret_mark)
{
    ret_mark->size = BM_HASH;
    bm_sha256(ret_mark->buffer, bm_bytes_str("birthmark nv v1"));
}

/* ---- what stands there ---- */

static void
part_drop(struct bm_tpm2 *tpm, struct bm_tpm2_part *part)
{
    bm_buf_done(&part->value);
    if (part->nv != ESYS_TR_NONE)
        (void)Esys_TR_Close(tpm->esys, &part->nv);
}

static void
seen_drop(struct bm_tpm2 *tpm)
{
    struct bm_tpm2_seen *seen = tpm->seen;

    while (seen->n > 0)
        part_drop(tpm, &seen->part[--seen->n]);
    seen->valid = false;
}

void
bm_tpm2_seen_free(struct bm_tpm2 *tpm)
{
    if (tpm->seen != NULL)
        seen_drop(tpm);
    free(tpm->seen);
    tpm->seen = NULL;
}

static void
part_head(struct bm_tpm2_part *part)
{
    struct bm_rd rd = bm_rd(bm_buf_bytes(&part->value));

    if (!bm_bytes_equal(bm_rd_take(&rd, sizeof(magic)), bm_bytes(magic, sizeof(magic))))
        return;
    part->sequence = bm_rd_u32(&rd);
    part->part = bm_rd_u16(&rd);
    part->parts = bm_rd_u16(&rd);
    if (rd.bad || part->part >= part->parts)
        part->parts = 0;
}

/* Counted first: what was opened is closed. */
static struct bm_tpm2_part *
part_new(struct bm_tpm2_seen *seen, uint32_t index)
{
    struct bm_tpm2_part *part = &seen->part[seen->n++];

    *part = (struct bm_tpm2_part){ .index = index, .value.max = VALUE, .nv = ESYS_TR_NONE };
    return part;
}

static enum bm_rc
part_read(struct bm_tpm2 *tpm, uint32_t index, struct bm_fail *fail)
{
    struct bm_tpm2_part *part = part_new(tpm->seen, index);
    TPMS_NV_PUBLIC public;
    TPM2B_DIGEST mark;
    enum bm_rc rc;

    if ((rc = bm_tpm2_nv_open(tpm, index, &part->nv, &public, fail)) != BM_OK) {
        part->nv = ESYS_TR_NONE;
        return rc;
    }
    mark_make(&mark);
    part->ours = bm_bytes_equal(bm_bytes(public.authPolicy.buffer, public.authPolicy.size), bm_bytes(mark.buffer, mark.size));
    if (!part->ours || !(public.attributes & TPMA_NV_WRITTEN) || public.dataSize < BM_TPM2_PART_HEAD || public.dataSize > VALUE)
        return BM_OK;
    rc = bm_tpm2_nv_take(tpm, part->nv, &public, &part->value, fail);
    part_head(part);
    return rc;
}

static bool
seen_fresh(const struct bm_tpm2_seen *seen)
{
    struct timespec now;

    if (!seen->valid || clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return false;
    return (now.tv_sec - seen->read.tv_sec) * 1000 + (now.tv_nsec - seen->read.tv_nsec) / 1000000 < 1000;
}

static enum bm_rc
seen_try(struct bm_tpm2 *tpm, struct bm_tpm2_seen *seen, struct bm_fail *fail)
{
    enum bm_rc rc;

    seen_drop(tpm);
    (void)clock_gettime(CLOCK_MONOTONIC, &seen->read);
    rc = bm_tpm2_handles(tpm, FIRST, seen->handles, &seen->nhandles, fail);
    for (size_t i = 0; rc == BM_OK && i < seen->nhandles && seen->handles[i] <= LAST; i++)
        rc = part_read(tpm, seen->handles[i], fail);
    seen->valid = rc == BM_OK;
    return rc;
}

/* An index that is gone when its turn to be read comes was removed by another program, which has put another in its place: what there is now is listed again. */
enum bm_rc
bm_tpm2_seen_read(struct bm_tpm2 *tpm, struct bm_fail *fail)
{
    struct bm_tpm2_seen *seen = tpm->seen;
    enum bm_rc rc = BM_OK;

    if (seen == NULL && (seen = tpm->seen = calloc(1, sizeof(*seen))) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    for (unsigned i = 0; i < TRIES && !seen_fresh(seen); i++)
        if ((rc = seen_try(tpm, seen, fail)) != BM_EBUSY)
            break;
    return rc;
}

enum bm_rc
bm_tpm2_nv_list(struct bm_tpm2 *tpm, uint32_t first, uint32_t ret[static BM_TPM2_HANDLES], size_t *ret_n, struct bm_fail *fail)
{
    enum bm_rc rc = bm_tpm2_seen_read(tpm, fail);

    if (rc != BM_OK)
        return rc;
    if (tpm->seen->nhandles == BM_TPM2_HANDLES) /* there may be more */
        return bm_tpm2_handles(tpm, first, ret, ret_n, fail);
    *ret_n = 0;
    for (size_t i = 0; i < tpm->seen->nhandles; i++)
        if (tpm->seen->handles[i] >= first)
            ret[(*ret_n)++] = tpm->seen->handles[i];
    return BM_OK;
}

const struct bm_tpm2_part *
bm_tpm2_part_find(const struct bm_tpm2_seen *seen, uint32_t sequence, uint16_t number)
{
    for (size_t i = 0; i < seen->n; i++) {
        const struct bm_tpm2_part *part = &seen->part[i];

        if (part->ours && part->parts > 0 && part->sequence == sequence && part->part == number)
            return part;
    }
    return NULL;
}

/* seen->n: nobody has it. */
static size_t
seen_at(const struct bm_tpm2_seen *seen, uint32_t index)
{
    size_t i = 0;

    while (i < seen->n && seen->part[i].index != index)
        i++;
    return i;
}

/* ---- writing ---- */

static TSS2_RC
undefine(struct bm_tpm2 *tpm, ESYS_TR nv)
{
    return Esys_NV_UndefineSpace(tpm->esys, ESYS_TR_RH_OWNER, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE);
}

enum bm_rc
bm_tpm2_part_remove(struct bm_tpm2 *tpm, uint32_t index, struct bm_fail *fail)
{
    struct bm_tpm2_part *part;
    enum bm_rc rc = bm_tpm2_seen_read(tpm, fail);
    TSS2_RC trc;

    if (rc != BM_OK)
        return rc;
    part = &tpm->seen->part[seen_at(tpm->seen, index)];
    if (part == &tpm->seen->part[tpm->seen->n])
        return BM_OK; /* another program was here */
    if ((trc = undefine(tpm, part->nv)) != TSS2_RC_SUCCESS) {
        seen_drop(tpm);
        return bm_tpm2_fail(tpm, trc, "free NV memory", fail);
    }
    bm_buf_done(&part->value);
    *part = tpm->seen->part[--tpm->seen->n];
    return BM_OK;
}

static TSS2_RC
chunks_write(struct bm_tpm2 *tpm, ESYS_TR nv, struct bm_bytes value)
{
    const size_t chunk = tpm->nv_buffer_max;
    TSS2_RC trc = TSS2_RC_SUCCESS;

    for (size_t at = 0; trc == TSS2_RC_SUCCESS && at < value.n; at += chunk) {
        TPM2B_MAX_NV_BUFFER part = { .size = (uint16_t)(value.n - at < chunk ? value.n - at : chunk) };

        memcpy(part.buffer, value.p + at, part.size);
        trc = Esys_NV_Write(tpm->esys, ESYS_TR_RH_OWNER, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &part, (uint16_t)at);
    }
    return trc;
}

/* Defines an index and writes it whole. */
static enum bm_rc
index_write(struct bm_tpm2 *tpm, uint32_t index, struct bm_bytes value, ESYS_TR *ret_nv, struct bm_fail *fail)
{
    static const TPM2B_AUTH no_auth;
    TPM2B_NV_PUBLIC public = {
        .nvPublic = { .nvIndex = index,
                      .nameAlg = TPM2_ALG_SHA256,
                      .attributes = TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD | TPMA_NV_AUTHREAD | TPMA_NV_NO_DA,
                      .dataSize = (uint16_t)value.n },
    };
    TSS2_RC trc;
    enum bm_rc rc;

    mark_make(&public.nvPublic.authPolicy);
    trc = Esys_NV_DefineSpace(tpm->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &no_auth, &public, ret_nv);
    if (trc != TSS2_RC_SUCCESS) {
        *ret_nv = ESYS_TR_NONE;
        return bm_tpm2_fail(tpm, trc, "set NV memory aside", fail);
    }
    if ((trc = chunks_write(tpm, *ret_nv, value)) == TSS2_RC_SUCCESS)
        return BM_OK;
    rc = bm_tpm2_fail(tpm, trc, "write its NV memory", fail);
    if (undefine(tpm, *ret_nv) == TSS2_RC_SUCCESS)
        *ret_nv = ESYS_TR_NONE; /* ESYS closed it */
    return rc;
}

/* In an index that nobody has; known from here on. */
static enum bm_rc
part_write(struct bm_tpm2 *tpm, uint32_t sequence, uint16_t number, uint16_t parts, struct bm_bytes body, struct bm_fail *fail)
{
    struct bm_tpm2_part *part;
    uint32_t index = FIRST;
    enum bm_rc rc;

    while (index <= LAST && seen_at(tpm->seen, index) < tpm->seen->n)
        index++;
    if (index > LAST)
        return bm_fail(fail, BM_EBUSY, NULL,
                       "the TPM at %s holds as many identities and sealed data as we put into one: remove some (NV indexes 0x%x to 0x%x)",
                       tpm->where, FIRST, LAST);
    part = part_new(tpm->seen, index); /* there is room: no two have one index */
    bm_buf_add(&part->value, magic, sizeof(magic));
    bm_buf_add_u32(&part->value, sequence);
    bm_buf_add_u16(&part->value, number);
    bm_buf_add_u16(&part->value, parts);
    bm_buf_add_bytes(&part->value, body);
    part->ours = true;
    part_head(part);
    if ((rc = bm_buf_check(&part->value, "the record", fail)) != BM_OK ||
        (rc = index_write(tpm, index, bm_buf_bytes(&part->value), &part->nv, fail)) != BM_OK)
        seen_drop(tpm);
    return rc;
}

enum bm_rc
bm_tpm2_parts_write(struct bm_tpm2 *tpm, uint32_t sequence, struct bm_bytes content, struct bm_fail *fail)
{
    const uint32_t head = BM_TPM2_PART_HEAD;
    uint32_t room, unused;
    size_t parts, body;
    enum bm_rc rc = bm_tpm2_nv_limits(tpm, &room, &unused, fail);

    if (rc != BM_OK)
        return rc;
    body = room > BODY ? BODY - head : room > 2 * head ? room - head : head;
    parts = (content.n + body - 1) / body;
    for (size_t i = 0; rc == BM_OK && i < parts; i++) {
        size_t n = content.n - i * body < body ? content.n - i * body : body;

        rc = part_write(tpm, sequence, (uint16_t)i, (uint16_t)parts, bm_bytes(content.p + i * body, n), fail);
    }
    return rc;
}
