#include "lot/csv_rows.h"

#include "wire/text.h"

enum bm_rc
bm_csv_record(struct bm_rd *rd, bool *ret_have, struct bm_bytes *ret_record, bool *ret_ended, struct bm_fail *fail)
{
    const uint8_t *start = rd->p;
    bool quoted = false;
    size_t n;

    *ret_have = rd->left > 0;
    for (n = 0; n < rd->left && n <= BM_MAX_CSV_RECORD; n++) {
        if (start[n] == '"')
            quoted = !quoted;
        else if (start[n] == '\n' && !quoted)
            break;
    }
    if (n > BM_MAX_CSV_RECORD)
        return bm_fail(fail, BM_EINPUT, "RFC 4180 2", "a line is longer than %d bytes", BM_MAX_CSV_RECORD);
    if (quoted)
        return bm_fail(fail, BM_EINPUT, "RFC 4180 2", "a quotation mark is not closed: the file is cut short");
    *ret_ended = n < rd->left;
    (void)bm_rd_take(rd, n + *ret_ended);
    *ret_record = bm_bytes(start, n - (*ret_ended && n > 0 && start[n - 1] == '\r'));
    return BM_OK;
}

/* One character of a field: its size, 0 when it may not stand there. */
static size_t
character(struct bm_bytes record, size_t at, bool quoted)
{
    uint8_t c = record.p[at];

    if (quoted && (c == '\n' || c == '\r'))
        return 1;
    return bm_utf8_size(record.p + at, record.n - at);
}

/* Behind the field in record, or 0 when it is none. */
static size_t
field_take(struct bm_bytes record, size_t at, struct bm_buf *buf)
{
    bool quoted = at < record.n && record.p[at] == '"';
    size_t n;

    for (at += quoted; at < record.n; at += n) {
        if (quoted && record.p[at] == '"') {
            if (at + 1 == record.n || record.p[at + 1] != '"')
                return at + 1;
            at++;
        } else if (!quoted && record.p[at] == ',') {
            return at;
        } else if (!quoted && record.p[at] == '"') {
            return SIZE_MAX;
        }
        if ((n = character(record, at, quoted)) == 0)
            return SIZE_MAX;
        bm_buf_add(buf, record.p + at, n);
    }
    return quoted ? SIZE_MAX : at;
}

enum bm_rc
bm_csv_fields(struct bm_bytes record, struct bm_buf *buf, struct bm_bytes fields[static BM_MAX_CSV_COLUMNS], size_t *ret_nfields,
              struct bm_fail *fail)
{
    size_t ends[BM_MAX_CSV_COLUMNS], at = 0, n = 0, from = 0;

    bm_buf_reset(buf);
    for (;; at++) {
        at = field_take(record, at, buf);
        if (at == SIZE_MAX || n == BM_MAX_CSV_COLUMNS || (at < record.n && record.p[at] != ','))
            return bm_fail(
                fail, BM_EINPUT, "RFC 4180 2",
                "field %zu is not as RFC 4180 has it: a quotation mark or a control character out of place, or there are more than %d",
                n + 1, BM_MAX_CSV_COLUMNS);
        ends[n++] = buf->n;
        if (at == record.n)
            break;
    }
    for (size_t i = 0; i < n; i++) {
        fields[i] = bm_bytes(buf->p != NULL ? buf->p + from : (const uint8_t *)"", ends[i] - from);
        from = ends[i];
    }
    *ret_nfields = n;
    return bm_buf_check(buf, "a line", fail);
}
