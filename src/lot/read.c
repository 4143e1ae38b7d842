#include "lot/lot.h"

static const struct bm_lot_reader *const readers[] = { &bm_manifest_reader, &bm_microchip_reader };

static const struct bm_lot_reader *
reader_find(struct bm_bytes file)
{
    for (size_t i = 0; i < BM_COUNT(readers); i++)
        if (readers[i]->probe(file))
            return readers[i];
    return NULL;
}

enum bm_rc
bm_lot_read(struct bm_lot_result *ret_result, struct bm_bytes file, const struct bm_vendor *vendor, const char *name,
            struct bm_crypto *crypto, const struct bm_lot_sink *sink, struct bm_fail *fail)
{
    const struct bm_lot_reader *reader = reader_find(file);

    if (file.n > BM_MAX_LOT_FILE)
        return bm_fail(fail, BM_EINPUT, NULL, "the lot is larger than %u bytes: divide it", BM_MAX_LOT_FILE);
    if (reader == NULL)
        return bm_fail(fail, BM_EINPUT, NULL, "this is no lot in a format that is known here: a Birthmark manifest or Microchip's JSON");
    if (vendor->format != BM_FORMAT_AUTO && vendor->format != reader->format)
        return bm_fail(fail, BM_EPOLICY, NULL, "this is a lot in %s's format, and the vendor %s delivers in another", reader->word,
                       vendor->name);
    return reader->read(ret_result, file, vendor, name, crypto, sink, fail);
}
