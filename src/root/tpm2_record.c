/* tpm2_record.c - identities, sealed data and permits as records in NV indexes of our own range: whole or not there at all. */
#include "root/tpm2.h"

#include "wire/rd.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FIRST 0x01b1d000u /* within the owner's range 0x01800000-0x01bfffff of the TCG's registry of handles */
#define LAST (FIRST + BM_TPM2_HANDLES - 1)
#define TRIES 5
#define HEAD 12 /* "BMK1", u32 sequence, u16 part, u16 parts */

static const uint8_t magic[4] = { 'B', 'M', 'K', '1' };

/* An authPolicy that nobody can satisfy and no attribute asks for: it marks an index as ours before its first byte is written. SHA-256("birthmark nv v1"). */
static void
mark_make(TPM2B_DIGEST *ret_mark)
{
    ret_mark->size = BM_HASH;
    bm_sha256(ret_mark->buffer, bm_bytes_str("birthmark nv v1"));
}

/* One NV index of our range. parts is 0 where it does not begin as a part does: somebody else's, or never written. */
struct part {
    uint32_t index;
    bool ours;
    uint32_t sequence;
    uint16_t part, parts;
};

/* A whole record. */
struct head {
    const struct part *first;
    uint32_t sequence;
    enum bm_tpm2_state state;
    char service[BM_MAX_NAME + 1];
};

/*
 * What stands in our range, as it was read a moment ago: an operation reads it once. Another program may write too, so it is read again after a second;
 * and after whatever went wrong.
 */
struct bm_tpm2_seen {
    bool valid;
    struct timespec read;
    struct part parts[BM_TPM2_HANDLES];
    struct bm_buf values[BM_TPM2_HANDLES];
    ESYS_TR nv[BM_TPM2_HANDLES];
    size_t n;
    uint32_t handles[BM_TPM2_HANDLES]; /* all NV indexes from our range on: endorsement certificates stand above it */
    size_t nhandles;
};

static void
seen_drop(struct bm_tpm2 *tpm)
{
    struct bm_tpm2_seen *seen = tpm->seen;

    for (size_t i = 0; i < seen->n; i++) {
        bm_buf_done(&seen->values[i]);
        if (seen->nv[i] != ESYS_TR_NONE)
            (void)Esys_TR_Close(tpm->esys, &seen->nv[i]);
    }
    seen->n = 0;
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
part_head(struct part *part, struct bm_bytes value)
{
    struct bm_rd rd = bm_rd(value);

    if (!bm_bytes_equal(bm_rd_take(&rd, sizeof(magic)), bm_bytes(magic, sizeof(magic))))
        return;
    part->sequence = bm_rd_u32(&rd);
    part->part = bm_rd_u16(&rd);
    part->parts = bm_rd_u16(&rd);
    if (rd.bad || part->part >= part->parts)
        part->parts = 0;
}

static enum bm_rc
part_read(struct bm_tpm2 *tpm, struct bm_tpm2_seen *seen, uint32_t index, struct bm_fail *fail)
{
    const size_t i = seen->n++; /* counted first: what was opened is closed */
    TPMS_NV_PUBLIC public;
    TPM2B_DIGEST mark;
    enum bm_rc rc;

    seen->parts[i] = (struct part){ .index = index };
    seen->values[i] = (struct bm_buf){ .max = HEAD + 4096 };
    seen->nv[i] = ESYS_TR_NONE;
    if ((rc = bm_tpm2_nv_open(tpm, index, &seen->nv[i], &public, fail)) != BM_OK) {
        seen->nv[i] = ESYS_TR_NONE;
        return rc;
    }
    mark_make(&mark);
    seen->parts[i].ours = bm_bytes_equal(bm_bytes(public.authPolicy.buffer, public.authPolicy.size), bm_bytes(mark.buffer, mark.size));
    if (!seen->parts[i].ours || !(public.attributes & TPMA_NV_WRITTEN) || public.dataSize < HEAD || public.dataSize > HEAD + 4096)
        return BM_OK;
    rc = bm_tpm2_nv_take(tpm, seen->nv[i], &public, &seen->values[i], fail);
    part_head(&seen->parts[i], bm_buf_bytes(&seen->values[i]));
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
        rc = part_read(tpm, seen, seen->handles[i], fail);
    seen->valid = rc == BM_OK;
    return rc;
}

/* An index that is gone when its turn to be read comes was removed by another program, which has put another in its place: what there is now is listed again. */
static enum bm_rc
seen_read(struct bm_tpm2 *tpm, struct bm_fail *fail)
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
    enum bm_rc rc = seen_read(tpm, fail);

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

/* Every index of our range. */
static enum bm_rc
parts_list(struct bm_tpm2 *tpm, struct part ret[static BM_TPM2_HANDLES], size_t *ret_n, struct bm_fail *fail)
{
    enum bm_rc rc = seen_read(tpm, fail);

    if (rc != BM_OK)
        return rc;
    memcpy(ret, tpm->seen->parts, tpm->seen->n * sizeof(*ret));
    *ret_n = tpm->seen->n;
    return BM_OK;
}

static size_t
seen_at(const struct bm_tpm2_seen *seen, uint32_t index)
{
    size_t i = 0;

    while (i < seen->n && seen->parts[i].index != index)
        i++;
    return i;
}

enum bm_rc
bm_tpm2_record_parse(struct bm_tpm2_record *record, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(bm_bytes(record->bytes, record->nbytes));
    uint16_t version = bm_rd_u16(&rd);
    uint8_t state = bm_rd_u8(&rd), hash[BM_HASH];
    struct bm_bytes service = bm_rd_lv16(&rd, BM_MAX_NAME), sum, rest;
    size_t covered;

    record->public = bm_rd_lv16(&rd, sizeof(TPM2B_PUBLIC));
    record->private = bm_rd_lv16(&rd, sizeof(TPM2B_PRIVATE));
    record->bound = version == 1 ? bm_bytes(NULL, 0) : bm_rd_lv16(&rd, BM_BOUND_BYTES);
    record->certs = bm_rd_lv16(&rd, sizeof(record->bytes));
    covered = record->nbytes - rd.left;
    sum = bm_rd_take(&rd, BM_HASH);
    rest = bm_rd_rest(&rd);
    if (rd.bad || version == 0 || version > 2 || state == 0 || state > BM_TPM2_TEMPLATE || rest.n != 0)
        return bm_fail(fail, BM_EINPUT, NULL, "a record in the TPM's NV memory is malformed");
    bm_sha256(hash, bm_bytes(record->bytes, covered));
    if (!bm_bytes_equal(sum, bm_bytes(hash, sizeof(hash))))
        return bm_fail(fail, BM_EINPUT, NULL, "a record in the TPM's NV memory was not written to its end");
    memcpy(record->service, service.p, service.n);
    record->service[service.n] = '\0';
    record->state = (enum bm_tpm2_state)state;
    if (!bm_name_ok(record->service, BM_MAX_NAME))
        return bm_fail(fail, BM_EINPUT, NULL, "a record in the TPM's NV memory names no service");
    return BM_OK;
}

static const struct part *
part_find(const struct part *parts, size_t n, uint32_t sequence, uint16_t number)
{
    for (size_t i = 0; i < n; i++) {
        if (parts[i].ours && parts[i].parts > 0 && parts[i].sequence == sequence && parts[i].part == number)
            return &parts[i];
    }
    return NULL;
}

/* BM_EINPUT: not a whole record. */
static enum bm_rc
record_load(struct bm_tpm2 *tpm, const struct part *parts, size_t n, const struct part *first, struct bm_tpm2_record *record,
            struct bm_fail *fail)
{
    record->nbytes = 0;
    record->sequence = first->sequence;
    for (uint16_t number = 0; number < first->parts; number++) {
        const struct part *part = part_find(parts, n, first->sequence, number);
        struct bm_bytes value = { 0 };

        if (part == NULL)
            return bm_fail(fail, BM_EINPUT, NULL, "a record in the TPM's NV memory lacks a part");
        if (seen_at(tpm->seen, part->index) < tpm->seen->n)
            value = bm_buf_bytes(&tpm->seen->values[seen_at(tpm->seen, part->index)]);
        if (value.n < HEAD || value.n - HEAD > sizeof(record->bytes) - record->nbytes)
            return bm_fail(fail, BM_EINPUT, NULL, "a record in the TPM's NV memory is too long");
        memcpy(record->bytes + record->nbytes, value.p + HEAD, value.n - HEAD);
        record->nbytes += value.n - HEAD;
    }
    return bm_tpm2_record_parse(record, fail);
}

/* The whole records, the oldest first. */
static enum bm_rc
records_list(struct bm_tpm2 *tpm, struct part parts[static BM_TPM2_HANDLES], size_t *ret_n, struct head heads[static BM_TPM2_HANDLES],
             size_t *ret_heads, struct bm_fail *fail)
{
    size_t count = 0;
    enum bm_rc rc = parts_list(tpm, parts, ret_n, fail);

    for (size_t i = 0; rc == BM_OK && i < *ret_n; i++) {
        struct bm_tpm2_record record;
        size_t at = count;

        if (!parts[i].ours || parts[i].parts == 0 || parts[i].part != 0)
            continue;
        if ((rc = record_load(tpm, parts, *ret_n, &parts[i], &record, fail)) == BM_EINPUT) {
            rc = BM_OK; /* half written: does not count */
            continue;
        }
        for (; at > 0 && heads[at - 1].sequence > parts[i].sequence; at--)
            heads[at] = heads[at - 1];
        heads[at] = (struct head){ .first = &parts[i], .sequence = parts[i].sequence, .state = record.state };
        memcpy(heads[at].service, record.service, sizeof(record.service));
        count++;
    }
    *ret_heads = count;
    return rc;
}

static enum bm_rc
nothing_there(const char *service, enum bm_tpm2_state state, struct bm_fail *fail)
{
    if (state == BM_TPM2_SEALED || state == BM_TPM2_PERMIT)
        return bm_fail(fail, BM_EPOLICY, NULL, "nothing is sealed as %s", service);
    return bm_fail(fail, BM_EPOLICY, NULL, "no %s key for service %s", state == BM_TPM2_LIVE ? "live" : "pending", service);
}

enum bm_rc
bm_tpm2_record_get(struct bm_tpm2 *tpm, const char *service, enum bm_tpm2_state state, struct bm_tpm2_record *ret_record,
                   struct bm_fail *fail)
{
    struct part parts[BM_TPM2_HANDLES];
    struct head heads[BM_TPM2_HANDLES];
    const struct part *best = NULL;
    size_t n, count;
    enum bm_rc rc = records_list(tpm, parts, &n, heads, &count, fail);

    for (size_t i = 0; rc == BM_OK && i < count; i++) {
        if (strcmp(heads[i].service, service) != 0)
            continue;
        if (heads[i].state == state)
            best = heads[i].first;
        else if (state == BM_TPM2_PENDING && heads[i].state == BM_TPM2_LIVE)
            best = NULL; /* a pending record older than the live one was made live already */
    }
    if (rc != BM_OK)
        return rc;
    return best == NULL ? nothing_there(service, state, fail) : record_load(tpm, parts, n, best, ret_record, fail);
}

static enum bm_rc
index_remove(struct bm_tpm2 *tpm, uint32_t index, struct bm_fail *fail)
{
    struct bm_tpm2_seen *seen;
    size_t i, last;
    TSS2_RC trc;
    enum bm_rc rc;

    if ((rc = seen_read(tpm, fail)) != BM_OK)
        return rc;
    seen = tpm->seen;
    if ((i = seen_at(seen, index)) == seen->n)
        return BM_OK; /* another program was here */
    last = seen->n - 1;
    trc = Esys_NV_UndefineSpace(tpm->esys, ESYS_TR_RH_OWNER, seen->nv[i], ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE);
    if (trc != TSS2_RC_SUCCESS) {
        seen_drop(tpm);
        return bm_tpm2_fail(tpm, trc, "free NV memory", fail);
    }
    bm_buf_done(&seen->values[i]);
    seen->parts[i] = seen->parts[last];
    seen->values[i] = seen->values[last];
    seen->nv[i] = seen->nv[last];
    seen->n = last;
    return BM_OK;
}

/* What a record of this state stands in the place of. */
static bool
replaces(enum bm_tpm2_state newer, enum bm_tpm2_state older)
{
    return newer == older || (newer == BM_TPM2_LIVE && older == BM_TPM2_PENDING);
}

/* Removes what does not count any more: what was never finished, and what the record of this sequence stands in the place of. */
static enum bm_rc
sweep(struct bm_tpm2 *tpm, const char *service, enum bm_tpm2_state state, uint32_t keep, struct bm_fail *fail)
{
    struct part parts[BM_TPM2_HANDLES];
    bool gone[BM_TPM2_HANDLES] = { false };
    size_t n;
    enum bm_rc rc = parts_list(tpm, parts, &n, fail);

    for (size_t i = 0; rc == BM_OK && i < n; i++) {
        struct bm_tpm2_record record;
        const struct part *first = part_find(parts, n, parts[i].sequence, 0);

        if (!parts[i].ours || (parts[i].sequence == keep && parts[i].parts > 0))
            continue;
        if (parts[i].parts == 0 || first == NULL)
            gone[i] = true;
        else if ((rc = record_load(tpm, parts, n, first, &record, fail)) == BM_OK)
            gone[i] = record.sequence < keep && strcmp(record.service, service) == 0 && replaces(state, record.state);
        else if (rc == BM_EINPUT) {
            gone[i] = true;
            rc = BM_OK;
        }
    }
    for (size_t i = 0; rc == BM_OK && i < n; i++)
        rc = gone[i] ? index_remove(tpm, parts[i].index, fail) : BM_OK;
    return rc;
}

static TSS2_RC
chunks_write(struct bm_tpm2 *tpm, ESYS_TR nv, struct bm_bytes value, uint32_t chunk)
{
    TSS2_RC trc = TSS2_RC_SUCCESS;

    for (size_t at = 0; trc == TSS2_RC_SUCCESS && at < value.n; at += chunk) {
        TPM2B_MAX_NV_BUFFER part = { .size = (uint16_t)(value.n - at < chunk ? value.n - at : chunk) };

        memcpy(part.buffer, value.p + at, part.size);
        trc = Esys_NV_Write(tpm->esys, ESYS_TR_RH_OWNER, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &part, (uint16_t)at);
    }
    return trc;
}

/* Defines an index, writes it whole, and knows it from here on. */
static enum bm_rc
index_write(struct bm_tpm2 *tpm, uint32_t index, struct bm_bytes value, struct bm_fail *fail)
{
    static const TPM2B_AUTH no_auth;
    TPM2B_NV_PUBLIC public = {
        .nvPublic = { .nvIndex = index,
                      .nameAlg = TPM2_ALG_SHA256,
                      .attributes = TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD | TPMA_NV_AUTHREAD | TPMA_NV_NO_DA,
                      .dataSize = (uint16_t)value.n },
    };
    struct bm_tpm2_seen *seen = tpm->seen;
    uint32_t unused, chunk;
    ESYS_TR nv;
    TSS2_RC trc;
    enum bm_rc rc;

    mark_make(&public.nvPublic.authPolicy);
    if ((rc = bm_tpm2_nv_limits(tpm, &unused, &chunk, fail)) != BM_OK)
        return rc;
    trc = Esys_NV_DefineSpace(tpm->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &no_auth, &public, &nv);
    if (trc != TSS2_RC_SUCCESS) {
        seen_drop(tpm);
        return bm_tpm2_fail(tpm, trc, "set NV memory aside", fail);
    }
    if ((trc = chunks_write(tpm, nv, value, chunk)) != TSS2_RC_SUCCESS) {
        rc = bm_tpm2_fail(tpm, trc, "write its NV memory", fail);
        (void)Esys_NV_UndefineSpace(tpm->esys, ESYS_TR_RH_OWNER, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE);
        seen_drop(tpm);
        return rc;
    }
    if (!seen->valid || seen->n == BM_TPM2_HANDLES) {
        (void)Esys_TR_Close(tpm->esys, &nv);
        return BM_OK;
    }
    seen->parts[seen->n] = (struct part){ .index = index, .ours = true };
    part_head(&seen->parts[seen->n], value);
    seen->values[seen->n] = (struct bm_buf){ .max = HEAD + 4096 };
    bm_buf_add_bytes(&seen->values[seen->n], value);
    seen->nv[seen->n] = nv;
    rc = bm_buf_check(&seen->values[seen->n++], "the record", fail);
    if (rc != BM_OK)
        seen_drop(tpm);
    return rc;
}

/* An index of our range that nobody has, after `index`; 0: none left. */
static uint32_t
index_free(const struct part *parts, size_t n, uint32_t index)
{
    for (; index <= LAST; index++) {
        size_t i = 0;

        while (i < n && parts[i].index != index)
            i++;
        if (i == n)
            return index;
    }
    return 0;
}

static enum bm_rc
parts_write(struct bm_tpm2 *tpm, uint32_t sequence, struct bm_bytes content, const struct part *taken, size_t ntaken,
            uint32_t made[static BM_TPM2_HANDLES], size_t *nmade, struct bm_fail *fail)
{
    uint32_t room, unused, index = FIRST;
    size_t parts, body;
    enum bm_rc rc = bm_tpm2_nv_limits(tpm, &room, &unused, fail);

    if (rc != BM_OK)
        return rc;
    body = room > 4096 ? 4096 - HEAD : room > 2 * HEAD ? room - HEAD : HEAD;
    parts = (content.n + body - 1) / body;
    for (size_t i = 0; i < parts; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf value = { .max = 4096 + HEAD };
        size_t n = content.n - i * body < body ? content.n - i * body : body;

        if ((index = index_free(taken, ntaken, index)) == 0)
            return bm_fail(
                fail, BM_EBUSY, NULL,
                "the TPM at %s holds as many identities and sealed data as we put into one: remove some (NV indexes 0x%x to 0x%x)",
                tpm->where, FIRST, LAST);
        bm_buf_add(&value, magic, sizeof(magic));
        bm_buf_add_u32(&value, sequence);
        bm_buf_add_u16(&value, (uint16_t)i);
        bm_buf_add_u16(&value, (uint16_t)parts);
        bm_buf_add(&value, content.p + i * body, n);
        if ((rc = bm_buf_check(&value, "the record", fail)) != BM_OK || (rc = index_write(tpm, index, bm_buf_bytes(&value), fail)) != BM_OK)
            return rc;
        made[(*nmade)++] = index++;
    }
    return BM_OK;
}

static enum bm_rc
content_build(struct bm_buf *content, const char *service, enum bm_tpm2_state state, struct bm_bytes public, struct bm_bytes private,
              struct bm_bytes bound, const struct bm_bytes *certs, size_t ncerts, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf list = { .max = content->max };
    uint8_t hash[BM_HASH];
    enum bm_rc rc;

    for (size_t i = 0; i < ncerts; i++)
        bm_buf_add_lv16(&list, certs[i]);
    if ((rc = bm_buf_check(&list, "the certificates", fail)) != BM_OK)
        return rc;
    bm_buf_add_u16(content, 2);
    bm_buf_add_u8(content, (uint8_t)state);
    bm_buf_add_lv16(content, bm_bytes_str(service));
    bm_buf_add_lv16(content, public);
    bm_buf_add_lv16(content, private);
    bm_buf_add_lv16(content, bound);
    bm_buf_add_lv16(content, bm_buf_bytes(&list));
    bm_sha256(hash, bm_buf_bytes(content));
    bm_buf_add(content, hash, sizeof(hash));
    return bm_buf_check(content, state == BM_TPM2_SEALED ? "the sealed data" : "the identity", fail);
}

/* The sequence of the record that counts; 0: none does. */
static enum bm_rc
newest(struct bm_tpm2 *tpm, const char *service, enum bm_tpm2_state state, uint32_t *ret_sequence, struct bm_fail *fail)
{
    struct part parts[BM_TPM2_HANDLES];
    struct head heads[BM_TPM2_HANDLES];
    size_t n, count;
    enum bm_rc rc = records_list(tpm, parts, &n, heads, &count, fail);

    *ret_sequence = 0;
    for (size_t i = 0; rc == BM_OK && i < count; i++) {
        if (heads[i].state == state && strcmp(heads[i].service, service) == 0)
            *ret_sequence = heads[i].sequence;
    }
    return rc;
}

enum bm_rc
bm_tpm2_record_put(struct bm_tpm2 *tpm, const char *service, enum bm_tpm2_state state, struct bm_bytes public, struct bm_bytes private,
                   struct bm_bytes bound, const struct bm_bytes *certs, size_t ncerts, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf content = { .max = sizeof(((struct bm_tpm2_record *)NULL)->bytes) };
    struct part parts[BM_TPM2_HANDLES];
    uint32_t made[BM_TPM2_HANDLES], sequence = 1, keep;
    size_t n, nmade = 0;
    enum bm_rc rc;

    if ((rc = content_build(&content, service, state, public, private, bound, certs, ncerts, fail)) != BM_OK ||
        (rc = newest(tpm, service, state, &keep, fail)) != BM_OK || (rc = sweep(tpm, service, state, keep, fail)) != BM_OK ||
        (rc = parts_list(tpm, parts, &n, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; i < n; i++) {
        if (parts[i].ours && parts[i].parts > 0 && parts[i].sequence >= sequence)
            sequence = parts[i].sequence + 1;
    }
    if ((rc = parts_write(tpm, sequence, bm_buf_bytes(&content), parts, n, made, &nmade, fail)) != BM_OK) {
        struct bm_fail ignored;

        for (size_t i = 0; i < nmade; i++)
            (void)!index_remove(tpm, made[i], &ignored);
        return rc;
    }
    return sweep(tpm, service, state, sequence, fail);
}

enum bm_rc
bm_tpm2_record_names(struct bm_tpm2 *tpm, enum bm_tpm2_state state, struct bm_tpm2_names *ret_names, struct bm_fail *fail)
{
    struct part parts[BM_TPM2_HANDLES];
    struct head heads[BM_TPM2_HANDLES];
    size_t n, count;
    enum bm_rc rc = records_list(tpm, parts, &n, heads, &count, fail);

    ret_names->n = 0;
    for (size_t i = 0; rc == BM_OK && i < count; i++) {
        if (heads[i].state == state)
            memcpy(ret_names->name[ret_names->n++], heads[i].service, sizeof(heads[i].service));
    }
    return rc;
}

enum bm_rc
bm_tpm2_names_add(struct bm_tpm2 *tpm, enum bm_tpm2_state state, struct bm_buf *names, struct bm_fail *fail)
{
    struct bm_tpm2_names list;
    const char *at[BM_TPM2_HANDLES];
    enum bm_rc rc = bm_tpm2_record_names(tpm, state, &list, fail);

    for (size_t i = 0; rc == BM_OK && i < list.n; i++)
        at[i] = list.name[i];
    return rc != BM_OK ? rc : bm_names_add(names, at, list.n, fail);
}

/* Ours, with this sequence; the first part first, without which the others are no record. */
static enum bm_rc
record_erase(struct bm_tpm2 *tpm, const struct part *parts, size_t n, const struct part *first, struct bm_fail *fail)
{
    enum bm_rc rc = BM_OK;

    for (uint16_t number = 0; rc == BM_OK && number < first->parts; number++) {
        const struct part *part = part_find(parts, n, first->sequence, number);

        rc = part == NULL ? BM_OK : index_remove(tpm, part->index, fail);
    }
    return rc;
}

enum bm_rc
bm_tpm2_record_remove(struct bm_tpm2 *tpm, const char *service, enum bm_tpm2_state state, struct bm_fail *fail)
{
    struct part parts[BM_TPM2_HANDLES];
    struct head heads[BM_TPM2_HANDLES];
    size_t n, count;
    bool found = false;
    enum bm_rc rc = records_list(tpm, parts, &n, heads, &count, fail);

    for (size_t i = 0; rc == BM_OK && i < count; i++) {
        if (heads[i].state != state || strcmp(heads[i].service, service) != 0)
            continue;
        found = true;
        rc = record_erase(tpm, parts, n, heads[i].first, fail);
    }
    return rc != BM_OK || found ? rc : nothing_there(service, state, fail);
}

enum bm_rc
bm_tpm2_record_clear(struct bm_tpm2 *tpm, struct bm_fail *fail)
{
    struct part parts[BM_TPM2_HANDLES];
    struct head heads[BM_TPM2_HANDLES];
    size_t n, count;
    uint32_t keep = 0; /* no record has it */
    enum bm_rc rc = records_list(tpm, parts, &n, heads, &count, fail);

    for (size_t i = 0; rc == BM_OK && i < count; i++)
        if (heads[i].state == BM_TPM2_TEMPLATE)
            keep = heads[i].sequence;
    for (size_t i = 0; rc == BM_OK && i < n; i++)
        if (parts[i].ours && (keep == 0 || parts[i].parts == 0 || parts[i].sequence != keep))
            rc = index_remove(tpm, parts[i].index, fail);
    return rc;
}
