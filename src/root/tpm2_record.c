/* tpm2_record.c - identities, sealed data and permits as records in NV memory (tpm2_nv.h): whole or not there at all. */
#include "root/tpm2_nv.h"

#include "wire/rd.h"
#include "wire/text.h"

/* A whole record. */
struct head {
    uint32_t sequence;
    enum bm_tpm2_state state;
    char service[BM_MAX_NAME + 1];
};
struct heads {
    struct head head[BM_TPM2_HANDLES];
    size_t n;
};

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

/* BM_EINPUT: not a whole record. */
static enum bm_rc
record_load(struct bm_tpm2_record *record, const struct bm_tpm2_seen *seen, uint32_t sequence, struct bm_fail *fail)
{
    record->nbytes = 0;
    record->sequence = sequence;
    for (uint16_t number = 0, parts = 1; number < parts; number++) {
        const struct bm_tpm2_part *part = bm_tpm2_part_find(seen, sequence, number);
        struct bm_bytes body;

        if (part == NULL)
            return bm_fail(fail, BM_EINPUT, NULL, "a record in the TPM's NV memory lacks a part");
        if (number == 0)
            parts = part->parts;
        body = bm_bytes(part->value.p + BM_TPM2_PART_HEAD, part->value.n - BM_TPM2_PART_HEAD); /* it has a head: parts > 0 */
        if (body.n > sizeof(record->bytes) - record->nbytes)
            return bm_fail(fail, BM_EINPUT, NULL, "a record in the TPM's NV memory is too long");
        memcpy(record->bytes + record->nbytes, body.p, body.n);
        record->nbytes += body.n;
    }
    return bm_tpm2_record_parse(record, fail);
}

static void
head_add(struct heads *heads, const struct bm_tpm2_record *record)
{
    size_t at = heads->n++;

    for (; at > 0 && heads->head[at - 1].sequence > record->sequence; at--)
        heads->head[at] = heads->head[at - 1];
    heads->head[at] = (struct head){ .sequence = record->sequence, .state = record->state };
    memcpy(heads->head[at].service, record->service, sizeof(record->service));
}

/* The whole records, the oldest first. */
static enum bm_rc
records_list(struct bm_tpm2 *tpm, struct heads *ret, struct bm_fail *fail)
{
    enum bm_rc rc = bm_tpm2_seen_read(tpm, fail);

    ret->n = 0;
    for (size_t i = 0; rc == BM_OK && i < tpm->seen->n; i++) {
        const struct bm_tpm2_part *part = &tpm->seen->part[i];
        struct bm_tpm2_record record;

        if (!part->ours || part->parts == 0 || part->part != 0)
            continue;
        if ((rc = record_load(&record, tpm->seen, part->sequence, fail)) == BM_OK)
            head_add(ret, &record);
        else if (rc == BM_EINPUT)
            rc = BM_OK; /* half written: does not count */
    }
    return rc;
}

static bool
head_is(const struct head *head, const char *service, enum bm_tpm2_state state)
{
    return head->state == state && strcmp(head->service, service) == 0;
}

/* The sequence of the youngest; 0: there is none. */
static uint32_t
youngest(const struct heads *heads, const char *service, enum bm_tpm2_state state)
{
    uint32_t sequence = 0;

    for (size_t i = 0; i < heads->n; i++)
        if (head_is(&heads->head[i], service, state))
            sequence = heads->head[i].sequence;
    return sequence;
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
    struct heads heads;
    uint32_t sequence;
    enum bm_rc rc = records_list(tpm, &heads, fail);

    if (rc != BM_OK)
        return rc;
    sequence = youngest(&heads, service, state);
    if (state == BM_TPM2_PENDING && youngest(&heads, service, BM_TPM2_LIVE) > sequence)
        sequence = 0; /* a pending record older than the live one was made live already */
    return sequence == 0 ? nothing_there(service, state, fail) : record_load(ret_record, tpm->seen, sequence, fail);
}

/* What a record of this state stands in the place of. */
static bool
replaces(enum bm_tpm2_state newer, enum bm_tpm2_state older)
{
    return newer == older || (newer == BM_TPM2_LIVE && older == BM_TPM2_PENDING);
}

/* Does this part count no more: was its record never finished, or does the one of sequence `keep` stand in its place? */
static enum bm_rc
part_stale(bool *ret, const struct bm_tpm2_seen *seen, const struct bm_tpm2_part *part, const char *service, enum bm_tpm2_state state,
           uint32_t keep, struct bm_fail *fail)
{
    struct bm_tpm2_record record;
    enum bm_rc rc;

    *ret = false;
    if (!part->ours || (part->sequence == keep && part->parts > 0))
        return BM_OK;
    rc = part->parts == 0 ? BM_EINPUT : record_load(&record, seen, part->sequence, fail);
    *ret =
        rc == BM_EINPUT || (rc == BM_OK && record.sequence < keep && strcmp(record.service, service) == 0 && replaces(state, record.state));
    return rc == BM_EINPUT ? BM_OK : rc;
}

static enum bm_rc
parts_remove(struct bm_tpm2 *tpm, const uint32_t *index, size_t n, struct bm_fail *fail)
{
    enum bm_rc rc = BM_OK;

    for (size_t i = 0; rc == BM_OK && i < n; i++)
        rc = bm_tpm2_part_remove(tpm, index[i], fail);
    return rc;
}

/* Removes what counts no more. */
static enum bm_rc
sweep(struct bm_tpm2 *tpm, const char *service, enum bm_tpm2_state state, uint32_t keep, struct bm_fail *fail)
{
    uint32_t gone[BM_TPM2_HANDLES];
    size_t ngone = 0;
    enum bm_rc rc = bm_tpm2_seen_read(tpm, fail);

    for (size_t i = 0; rc == BM_OK && i < tpm->seen->n; i++) {
        bool stale;

        rc = part_stale(&stale, tpm->seen, &tpm->seen->part[i], service, state, keep, fail);
        if (rc == BM_OK && stale)
            gone[ngone++] = tpm->seen->part[i].index;
    }
    return rc != BM_OK ? rc : parts_remove(tpm, gone, ngone, fail);
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

static uint32_t
sequence_next(const struct bm_tpm2_seen *seen)
{
    uint32_t sequence = 1;

    for (size_t i = 0; i < seen->n; i++)
        if (seen->part[i].ours && seen->part[i].parts > 0 && seen->part[i].sequence >= sequence)
            sequence = seen->part[i].sequence + 1;
    return sequence;
}

enum bm_rc
bm_tpm2_record_put(struct bm_tpm2 *tpm, const char *service, enum bm_tpm2_state state, struct bm_bytes public, struct bm_bytes private,
                   struct bm_bytes bound, const struct bm_bytes *certs, size_t ncerts, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf content = { .max = sizeof(((struct bm_tpm2_record *)NULL)->bytes) };
    struct bm_fail ignored = { .rc = BM_OK };
    struct heads heads;
    uint32_t sequence, keep;
    enum bm_rc rc;

    if ((rc = content_build(&content, service, state, public, private, bound, certs, ncerts, fail)) != BM_OK ||
        (rc = records_list(tpm, &heads, fail)) != BM_OK)
        return rc;
    keep = youngest(&heads, service, state);
    if ((rc = sweep(tpm, service, state, keep, fail)) != BM_OK || (rc = bm_tpm2_seen_read(tpm, fail)) != BM_OK)
        return rc;
    sequence = sequence_next(tpm->seen);
    if ((rc = bm_tpm2_parts_write(tpm, sequence, bm_buf_bytes(&content), fail)) == BM_OK)
        return sweep(tpm, service, state, sequence, fail);
    (void)!sweep(tpm, service, state, keep, &ignored); /* the parts that were written already */
    return rc;
}

enum bm_rc
bm_tpm2_record_names(struct bm_tpm2 *tpm, enum bm_tpm2_state state, struct bm_tpm2_names *ret_names, struct bm_fail *fail)
{
    struct heads heads;
    enum bm_rc rc = records_list(tpm, &heads, fail);

    ret_names->n = 0;
    for (size_t i = 0; rc == BM_OK && i < heads.n; i++) {
        if (heads.head[i].state == state)
            memcpy(ret_names->name[ret_names->n++], heads.head[i].service, sizeof(heads.head[i].service));
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

/* The first part first, without which the others are no record. */
static enum bm_rc
record_erase(struct bm_tpm2 *tpm, uint32_t sequence, struct bm_fail *fail)
{
    enum bm_rc rc = BM_OK;

    for (uint16_t number = 0, parts = 1; rc == BM_OK && number < parts; number++) {
        const struct bm_tpm2_part *part = bm_tpm2_part_find(tpm->seen, sequence, number);

        if (part == NULL)
            continue;
        if (number == 0)
            parts = part->parts;
        rc = bm_tpm2_part_remove(tpm, part->index, fail);
    }
    return rc;
}

enum bm_rc
bm_tpm2_record_remove(struct bm_tpm2 *tpm, const char *service, enum bm_tpm2_state state, struct bm_fail *fail)
{
    struct heads heads;
    bool found = false;
    enum bm_rc rc = records_list(tpm, &heads, fail);

    for (size_t i = 0; rc == BM_OK && i < heads.n; i++) {
        if (!head_is(&heads.head[i], service, state))
            continue;
        found = true;
        rc = record_erase(tpm, heads.head[i].sequence, fail);
    }
    return rc != BM_OK || found ? rc : nothing_there(service, state, fail);
}

enum bm_rc
bm_tpm2_record_clear(struct bm_tpm2 *tpm, struct bm_fail *fail)
{
    struct heads heads;
    uint32_t keep = 0, gone[BM_TPM2_HANDLES]; /* no record has 0 */
    size_t ngone = 0;
    enum bm_rc rc = records_list(tpm, &heads, fail);

    for (size_t i = 0; rc == BM_OK && i < heads.n; i++)
        if (heads.head[i].state == BM_TPM2_TEMPLATE)
            keep = heads.head[i].sequence;
    for (size_t i = 0; rc == BM_OK && i < tpm->seen->n; i++) {
        const struct bm_tpm2_part *part = &tpm->seen->part[i];

        if (part->ours && (keep == 0 || part->parts == 0 || part->sequence != keep))
            gone[ngone++] = part->index;
    }
    return rc != BM_OK ? rc : parts_remove(tpm, gone, ngone, fail);
}
