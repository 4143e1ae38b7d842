/* fuzz_csv.c - a list in CSV is cut into lines and fields that lie in it, or refused; what is made of them is a chip that can be read back, or a finding. */
#include "fuzz.h"

#include "lot/csv_rows.h"
#include "lot/lot.h"

static enum bm_rc
chip(void *ctx, uint64_t index, const struct bm_lot_chip *chip, struct bm_bytes der, const struct bm_leaf_digest *digest,
     struct bm_fail *fail)
{
    struct bm_leaf leaf;

    (void)digest;
    (void)ctx;
    (void)index;
    must(der.n > 0 || bm_lot_chip_fatal(chip) != NULL);
    if (der.n > 0)
        must(bm_leaf_parse(&leaf, der, fail) == BM_OK && leaf.nkeys == 1);
    return BM_OK;
}

static void
lines_lie_in_the_file(struct bm_bytes file)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_CSV_RECORD };
    struct bm_bytes record, fields[BM_MAX_CSV_COLUMNS];
    struct bm_rd rd = bm_rd(file);
    struct bm_fail fail = { 0 };
    bool have = true, ended;
    size_t n, all;

    while (bm_csv_record(&rd, &have, &record, &ended, &fail) == BM_OK && have) {
        must(record.p >= file.p && record.p + record.n <= file.p + file.n && (ended || rd.left == 0));
        if (bm_csv_fields(record, &text, fields, &n, &fail) != BM_OK)
            continue;
        must(n >= 1 && n <= BM_MAX_CSV_COLUMNS);
        all = 0;
        for (size_t i = 0; i < n; i++)
            all += fields[i].n;
        must(all == text.n && all + n - 1 <= record.n);
    }
}

/* The first two bytes say how long the signature beside the file is. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bm_crypto *crypto;
    struct bm_vendor vendor = { .name = "v", .format = BM_FORMAT_CSV };
    struct bm_lot_sink sink = { .chip = chip, .go_on = true };
    struct bm_lot_job job = { .vendor = &vendor, .name = "l", .now = 1767225600 };
    struct bm_fail fail = { 0 };
    struct bm_lot_result result;
    struct bm_rd rd = bm_rd(bm_bytes(data, size));

    if (crypto == NULL)
        must(bm_crypto_new(&crypto, &fail) == BM_OK);
    job.crypto = crypto;
    job.signature = bm_rd_lv16(&rd, 65535);
    job.file = bm_rd_rest(&rd);
    lines_lie_in_the_file(job.file);
    if (bm_lot_read(&result, &job, &sink, &fail) != BM_OK)
        must(fail.text[0] != 0);
    else
        must(!result.signed_whole); /* nobody is pinned */
    return 0;
}
