/* passing.c - one checked chip as bytes and back: from the process that read it to the one that believes nobody. */
#include "lot/lot.h"

#include "wire/rd.h"

/* u8 have | lv16 leaf | u8 n, n x { u8 check, lv16 sentence } | u32 signatures | lv16 delivery | lv16 signer | u64 time | 32 san */
void
bm_lot_chip_build(struct bm_buf *buf, const struct bm_lot_chip *chip, struct bm_bytes der)
{
    bm_buf_add_u8(buf, chip->have);
    bm_buf_add_lv16(buf, der);
    bm_buf_add_u8(buf, (uint8_t)chip->nfindings);
    for (size_t i = 0; i < chip->nfindings; i++) {
        bm_buf_add_u8(buf, (uint8_t)chip->findings[i].check);
        bm_buf_add_lv16(buf, bm_bytes_str(chip->findings[i].sentence));
    }
    bm_buf_add_u32(buf, chip->signatures);
    bm_buf_add_lv16(buf, bm_bytes_str(chip->delivery));
    bm_buf_add_lv16(buf, bm_bytes_str(chip->signer));
    bm_buf_add_u64(buf, (uint64_t)chip->time);
    bm_buf_add(buf, chip->san, sizeof(chip->san));
}

static void
text_take(struct bm_rd *rd, char *ret, size_t size)
{
    struct bm_bytes text = bm_rd_lv16(rd, size - 1);

    if (memchr(text.p != NULL ? (const char *)text.p : "", 0, text.n) != NULL)
        rd->bad = true;
    if (text.n > 0)
        memcpy(ret, text.p, text.n);
    ret[text.n] = 0;
}

static void
findings_take(struct bm_rd *rd, struct bm_lot_chip *chip)
{
    size_t n = bm_rd_u8(rd);

    if (n > BM_MAX_FINDINGS)
        rd->bad = true;
    for (size_t i = 0; i < n && !rd->bad; i++) {
        struct bm_finding *finding = &chip->findings[i];
        unsigned check = bm_rd_u8(rd);

        text_take(rd, finding->sentence, sizeof(finding->sentence));
        if (check < BM_CHECK_SIGNATURE || check >= BM_CHECK__N)
            rd->bad = true;
        finding->check = (enum bm_check)check;
        chip->nfindings = i + 1;
    }
}

enum bm_rc
bm_lot_chip_parse(struct bm_lot_chip *chip, struct bm_bytes *ret_der, struct bm_bytes bytes, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(bytes);
    unsigned have = bm_rd_u8(&rd);
    struct bm_bytes der = bm_rd_lv16(&rd, BM_MAX_LEAF);
    uint64_t time;

    bm_lot_chip_reset(chip);
    findings_take(&rd, chip);
    chip->signatures = bm_rd_u32(&rd);
    text_take(&rd, chip->delivery, sizeof(chip->delivery));
    text_take(&rd, chip->signer, sizeof(chip->signer));
    time = bm_rd_u64(&rd);
    bm_rd_copy(&rd, chip->san, sizeof(chip->san));
    if (!bm_rd_end(&rd) || have > 1 || time > INT64_MAX)
        return bm_fail(fail, BM_EINPUT, NULL, "a chip came back malformed from the process that read it");
    chip->time = (bm_time)time;
    chip->have = have == 1;
    *ret_der = der;
    return BM_OK;
}
