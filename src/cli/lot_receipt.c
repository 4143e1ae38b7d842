/* lot_receipt.c - receipts written and read again. */
#include "cli/receipt.h"

#include "wire/lines.h"
#include "wire/text.h"

#define HEAD "birthmark/receipt/v1"

/* Names of files and sentences about them are others' text: one line, whatever stands in them. */
static void
text_add(struct bm_buf *buf, const char *key, const char *text)
{
    char line[512];
    size_t at = 0, left;

    (void)snprintf(line, sizeof(line), "%s", text);
    for (left = strlen(line); left > 0;) {
        size_t n = bm_utf8_size((const uint8_t *)line + at, left);

        if (n == 0)
            line[at] = '?';
        n = n > 0 ? n : 1;
        at += n;
        left -= n;
    }
    while (at > 0 && line[at - 1] == ' ')
        line[--at] = 0;
    bm_lines_add(buf, key, at > 0 ? line : "-");
}

static void
hash_add(struct bm_buf *buf, const char *key, const uint8_t hash[static BM_HASH])
{
    char hex[2 * BM_HASH + 1];

    bm_hex(hex, bm_bytes(hash, BM_HASH));
    bm_lines_add(buf, key, hex);
}

static void
source_add(struct bm_buf *buf, const struct bm_receipt *receipt, const struct bm_lot_job *job)
{
    static const uint8_t none[BM_HASH];
    char when[BM_TIME_TEXT];

    bm_time_print(when, receipt->received);
    bm_lines_add(buf, "received", when);
    bm_lines_add(buf, "by", receipt->by);
    text_add(buf, "source", job->file_name);
    bm_buf_add_fmt(buf, "bytes %llu\n", (unsigned long long)receipt->bytes);
    hash_add(buf, "file", receipt->file);
    if (memcmp(receipt->envelope, none, BM_HASH) != 0)
        hash_add(buf, "envelope", receipt->envelope);
}

static void
signed_add(struct bm_buf *buf, const struct bm_lot_result *result)
{
    char first[BM_TIME_TEXT], last[BM_TIME_TEXT];

    if (result->signer[0] != 0)
        text_add(buf, "signer", result->signer);
    bm_lines_add(buf, "signed", bm_lot_signed_word(result));
    bm_buf_add_fmt(buf, "signatures %llu\n", (unsigned long long)result->checked);
    if (result->first == 0)
        return;
    bm_time_print(first, result->first);
    bm_time_print(last, result->last);
    bm_buf_add_fmt(buf, "provisioned %s %s\n", first, last);
}

static void
check_add(struct bm_buf *buf, enum bm_check check, uint64_t looked, const struct bm_exam_check *found, const struct bm_pin_waived *waiver)
{
    char number[2 * BM_PROPOSAL + 1];

    bm_buf_add_fmt(buf, "check %s %llu %s %llu\n", bm_check_word(check), (unsigned long long)looked,
                   waiver != NULL     ? "WAIVED"
                   : found->found > 0 ? "FOUND"
                   : looked > 0       ? "PASSED"
                                      : "SKIPPED",
                   (unsigned long long)found->found);
    for (uint64_t i = 0; i < found->found && i < BM_EXAM_EXAMPLES; i++) {
        char text[sizeof(found->examples[i].sentence) + 64];

        (void)snprintf(text, sizeof(text), "%s %llu %s", bm_check_word(check), (unsigned long long)found->examples[i].index,
                       found->examples[i].sentence);
        text_add(buf, "found", text);
    }
    if (waiver != NULL) {
        bm_hex(number, bm_bytes(waiver->proposal, BM_PROPOSAL));
        bm_buf_add_fmt(buf, "waived %s %s\n", waiver->check, number);
    }
}

void
bm_receipt_build(struct bm_buf *buf, const struct bm_receipt *receipt, const struct bm_lot_job *job, const struct bm_lot_result *result,
                 const struct bm_exam *exam, const struct bm_waived *waived)
{
    bm_buf_add_str(buf, HEAD "\n");
    bm_lines_add(buf, "lot", receipt->lot);
    bm_lines_add(buf, "vendor", receipt->vendor);
    if (receipt->revision > 1)
        bm_buf_add_fmt(buf, "revision %llu\n", (unsigned long long)receipt->revision);
    bm_lines_add(buf, "format", bm_lot_format_word(result->format));
    source_add(buf, receipt, job);
    signed_add(buf, result);
    bm_buf_add_fmt(buf, "chips %llu\nkeys %llu\n", (unsigned long long)receipt->chips, (unsigned long long)exam->keys);
    hash_add(buf, "root", receipt->root);
    for (unsigned check = BM_CHECK_SIGNATURE; check < BM_CHECK__N; check++)
        check_add(buf, (enum bm_check)check, bm_exam_looked(exam, (enum bm_check)check, job, result), &exam->checks[check],
                  bm_waived_find(waived, (enum bm_check)check));
}

/* ---- back ---- */

static void
checks_skip(struct bm_lines *lines)
{
    struct bm_bytes unused;

    while (bm_lines_have(lines, "check", &unused) || bm_lines_have(lines, "found", &unused) || bm_lines_have(lines, "waived", &unused))
        continue;
}

static void
signed_skip(struct bm_lines *lines)
{
    struct bm_bytes unused;

    (void)bm_lines_have(lines, "signer", &unused);
    (void)bm_lines_want(lines, "signed");
    (void)bm_lines_u64(lines, "signatures", 0, INT64_MAX);
    (void)bm_lines_have(lines, "provisioned", &unused);
}

static bool
is_next(const struct bm_lines *lines, const char *key)
{
    struct bm_lines ahead = *lines;
    struct bm_bytes unused;

    return bm_lines_have(&ahead, key, &unused);
}

enum bm_rc
bm_receipt_parse(struct bm_receipt *ret_receipt, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_lines lines = bm_lines_open(text, HEAD, "receipt", fail);
    struct bm_receipt receipt = { .chips = 0 };
    struct bm_bytes vendor;
    enum bm_rc rc;

    bm_lines_name(&lines, "lot", receipt.lot, BM_MAX_NAME);
    vendor = bm_lines_want(&lines, "vendor");
    receipt.revision = is_next(&lines, "revision") ? bm_lines_u64(&lines, "revision", 2, INT64_MAX) : 1;
    (void)bm_lines_want(&lines, "format");
    receipt.received = bm_lines_time(&lines, "received");
    bm_lines_name(&lines, "by", receipt.by, BM_MAX_NAME);
    (void)bm_lines_want(&lines, "source");
    receipt.bytes = bm_lines_u64(&lines, "bytes", 1, INT64_MAX);
    bm_lines_hex(&lines, "file", receipt.file, BM_HASH);
    if (is_next(&lines, "envelope"))
        bm_lines_hex(&lines, "envelope", receipt.envelope, BM_HASH);
    signed_skip(&lines);
    receipt.chips = bm_lines_u64(&lines, "chips", 1, BM_MAX_LOT_CHIPS);
    (void)bm_lines_u64(&lines, "keys", 0, INT64_MAX);
    bm_lines_hex(&lines, "root", receipt.root, BM_HASH);
    checks_skip(&lines);
    if ((rc = bm_lines_close(&lines)) != BM_OK)
        return rc;
    if (vendor.n > BM_MAX_NAME)
        return bm_fail(fail, BM_EINPUT, NULL, "receipt: the vendor is longer than %d bytes", BM_MAX_NAME);
    memcpy(receipt.vendor, vendor.p, vendor.n);
    *ret_receipt = receipt;
    return BM_OK;
}
