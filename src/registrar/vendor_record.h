/* vendor_record.h - where a vendor's pinned certificates stand in its record, as a command sent it (proc/control_messages.h). */
#ifndef BM_VENDOR_RECORD_H
#define BM_VENDOR_RECORD_H

#include "base/limits.h"
#include "wire/rd.h"

/* At the first of *ret_n lv16 of DER: behind the vendor's name, format and signers. */
static inline struct bm_rd
bm_vendor_roots(struct bm_bytes record, size_t *ret_n)
{
    struct bm_rd rd = bm_rd(record);

    (void)bm_rd_lv16(&rd, BM_MAX_NAME);
    (void)bm_rd_u8(&rd);
    for (size_t n = bm_rd_u8(&rd); n > 0; n--)
        (void)bm_rd_lv16(&rd, UINT16_MAX);
    *ret_n = bm_rd_u8(&rd);
    return rd;
}

#endif
