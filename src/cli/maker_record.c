/* maker_record.c - a vendor's record, as the site keeps it. */
#include "cli/maker.h"
#include "cli/maker_parts.h"
#include "wire/rd.h"

void
bm_maker_build(struct bm_buf *buf, const struct bm_maker *maker)
{
    const struct bm_vendor *vendor = &maker->vendor;

    bm_buf_add_lv16(buf, bm_bytes_str(vendor->name));
    bm_buf_add_u8(buf, (uint8_t)vendor->format);
    bm_buf_add_u8(buf, (uint8_t)(vendor->nkeys + vendor->signers.n));
    for (size_t i = 0; i < vendor->nkeys; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf vkey = { .max = BM_NOTE_VKEY };

        bm_note_vkey_build(&vkey, &vendor->keys[i]);
        buf->bad |= vkey.bad;
        bm_buf_add_lv16(buf, bm_buf_bytes(&vkey));
    }
    for (size_t i = 0; i < vendor->signers.n; i++)
        bm_buf_add_lv16(buf, vendor->signers.der[i]);
    bm_buf_add_u8(buf, (uint8_t)vendor->roots.n);
    for (size_t i = 0; i < vendor->roots.n; i++)
        bm_buf_add_lv16(buf, vendor->roots.der[i]);
    bm_buf_add_u8(buf, (uint8_t)vendor->nretired);
    for (size_t i = 0; i < vendor->nretired; i++)
        bm_buf_add(buf, vendor->retired[i], BM_HASH);
}

/* DER begins with 0x30, a vkey with a name: '0' is 0x30 too, so its shape is tried first. */
static enum bm_rc
signer_parse(struct bm_maker *maker, struct bm_bytes bytes, struct bm_fail *fail)
{
    struct bm_fail unused;
    struct bm_note_key key;

    if (bm_note_vkey_parse(&key, bytes, &unused) == BM_OK)
        return bm_maker_key_add(maker, &key, fail);
    return bm_maker_signer_add(maker, bytes, fail);
}

enum bm_rc
bm_maker_parse(struct bm_maker *ret_maker, struct bm_bytes body, struct bm_fail *fail)
{
    bm_cleanup(bm_maker_done) struct bm_maker maker = { .keys = NULL };
    struct bm_rd rd = bm_rd(body);
    struct bm_bytes name = bm_rd_lv16(&rd, BM_MAX_NAME);
    uint8_t format = bm_rd_u8(&rd), n;
    enum bm_rc rc = BM_OK;

    if (rd.bad || !bm_maker_name_ok(name))
        return bm_fail(fail, BM_EINPUT, NULL, "the record of a vendor has no name: add the vendor again");
    memcpy(maker.vendor.name, name.p, name.n);
    maker.vendor.format = format <= BM_FORMAT_CSV ? (enum bm_lot_format)format : BM_FORMAT_AUTO;
    for (n = bm_rd_u8(&rd); n > 0 && rc == BM_OK && !rd.bad; n--) {
        struct bm_bytes signer = bm_rd_lv16(&rd, BM_MAX_CERT);

        if (!rd.bad)
            rc = signer_parse(&maker, signer, fail);
    }
    for (n = bm_rd_u8(&rd); n > 0 && rc == BM_OK && !rd.bad; n--) {
        struct bm_bytes root = bm_rd_lv16(&rd, BM_MAX_CERT);

        if (!rd.bad)
            rc = bm_maker_root_add(&maker, root, fail);
    }
    for (n = rd.left > 0 ? bm_rd_u8(&rd) : 0; n > 0 && rc == BM_OK && !rd.bad; n--) {
        uint8_t fingerprint[BM_HASH];

        bm_rd_copy(&rd, fingerprint, BM_HASH);
        if (!rd.bad)
            rc = bm_maker_retire(&maker, fingerprint, fail);
    }
    if (rc != BM_OK)
        return rc;
    if (!bm_rd_end(&rd) || format > BM_FORMAT_CSV)
        return bm_fail(fail, BM_EINPUT, NULL, "the record of a vendor is malformed: add the vendor again");
    *ret_maker = maker;
    maker = (struct bm_maker){ .keys = NULL };
    return BM_OK;
}
