/* The record of one chip that its maker writes: its entry and the certificates that the entry names. */
#include "lot/lot.h"

#include "wire/der.h"

#define VERSION 1

static bool
hash_listed(const struct bm_leaf *leaf, struct bm_bytes cert)
{
    uint8_t hash[BM_HASH];

    bm_sha256(hash, cert);
    for (size_t i = 0; i < leaf->nhashes; i++)
        if (memcmp(leaf->hashes[i], hash, BM_HASH) == 0)
            return true;
    return false;
}

static enum bm_rc
certs_check(const struct bm_leaf *leaf, const struct bm_bytes *certs, size_t ncerts, struct bm_fail *fail)
{
    for (size_t i = 0; i < ncerts; i++) {
        if (certs[i].n > BM_MAX_CERT)
            return bm_fail(fail, BM_EINPUT, NULL, "certificate %zu of the chip is larger than %d bytes", i + 1, BM_MAX_CERT);
        if (!hash_listed(leaf, certs[i]))
            return bm_fail(fail, BM_EINPUT, NULL, "certificate %zu of the chip is not among the hashes in its entry", i + 1);
    }
    return BM_OK;
}

enum bm_rc
bm_chip_parse(struct bm_chip *ret_chip, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(der), in = bm_der_enter(&rd, BM_DER_SEQUENCE), list;
    uint64_t version = bm_der_uint(&in, BM_DER_INTEGER);
    struct bm_chip chip;
    enum bm_rc rc;

    chip.leaf_der = bm_der_raw(&in, BM_DER_SEQUENCE);
    list = bm_der_enter(&in, BM_DER_SEQUENCE);
    for (chip.ncerts = 0; !list.bad && list.left > 0; chip.ncerts++) {
        if (chip.ncerts == BM_MAX_CHIP_HASHES)
            return bm_fail(fail, BM_EINPUT, NULL, "the chip's record has more than %d certificates", BM_MAX_CHIP_HASHES);
        chip.certs[chip.ncerts] = bm_der_raw(&list, BM_DER_SEQUENCE);
    }
    if (version != VERSION || !bm_rd_end(&list) || !bm_rd_end(&in) || !bm_rd_end(&rd))
        return bm_fail(fail, BM_EINPUT, NULL,
                       "this is not the record of a chip, or it is cut short: make it again with \"birthmark chip create\"");
    if ((rc = bm_leaf_parse(&chip.leaf, chip.leaf_der, fail)) != BM_OK ||
        (rc = certs_check(&chip.leaf, chip.certs, chip.ncerts, fail)) != BM_OK)
        return rc;
    *ret_chip = chip;
    return BM_OK;
}

enum bm_rc
bm_chip_build(struct bm_buf *buf, const struct bm_leaf *leaf, const struct bm_bytes *certs, size_t ncerts, struct bm_fail *fail)
{
    size_t before = buf->n, all, list;
    enum bm_rc rc;

    if (ncerts > BM_MAX_CHIP_HASHES)
        return bm_fail(fail, BM_EINPUT, NULL, "a chip's record holds at most %d certificates", BM_MAX_CHIP_HASHES);
    if ((rc = certs_check(leaf, certs, ncerts, fail)) != BM_OK)
        return rc;
    all = bm_der_begin(buf, BM_DER_SEQUENCE);
    bm_der_add_uint(buf, BM_DER_INTEGER, VERSION);
    if ((rc = bm_leaf_build(buf, leaf, fail)) != BM_OK) {
        buf->n = before;
        return rc;
    }
    list = bm_der_begin(buf, BM_DER_SEQUENCE);
    for (size_t i = 0; i < ncerts; i++)
        bm_buf_add_bytes(buf, certs[i]);
    bm_der_end(buf, list);
    bm_der_end(buf, all);
    return bm_buf_check(buf, "the chip's record", fail);
}
