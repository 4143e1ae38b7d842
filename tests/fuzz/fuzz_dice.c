/* fuzz_dice.c - what we read of a TcbInfo we write so that the same is read again; no chain of strangers leads to a root key by chance. */
#include "fuzz.h"

#include "evidence/dice.h"
#include "pki/oid.h"
#include "wire/rd.h"

static void
tcb_info(struct bm_bytes der)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = der.n + 64 };
    struct bm_tcb_info info, same;
    struct bm_fail fail = { 0 };

    if (bm_tcb_info_parse(&info, der, &fail) != BM_OK) {
        must(fail.text[0] != 0);
        return;
    }
    must(info.nfwids <= BM_MAX_FWIDS);
    bm_tcb_info_build(&again, &info);
    must(bm_tcb_info_parse(&same, bm_buf_bytes(&again), &fail) == BM_OK);
    must(same.svn == info.svn && same.layer == info.layer && same.index == info.index && same.nfwids == info.nfwids);
    must(bm_bytes_equal(same.vendor, info.vendor) && bm_bytes_equal(same.model, info.model) && bm_bytes_equal(same.version, info.version));
    must(bm_bytes_equal(same.flags, info.flags) && bm_bytes_equal(same.type, info.type));
    for (size_t i = 0; i < info.nfwids; i++)
        must(bm_bytes_equal(same.fwids[i].alg, info.fwids[i].alg) && bm_bytes_equal(same.fwids[i].digest, info.fwids[i].digest));
}

static void
evidence(struct bm_bytes der)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = der.n + 64 };
    struct bm_dice_evidence in;
    struct bm_fail fail = { 0 };

    if (bm_dice_evidence_parse(&in, der, &fail) != BM_OK)
        return;
    bm_dice_evidence_build(&again, &in);
    must(bm_bytes_equal(bm_buf_bytes(&again), der));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bm_crypto *crypto;
    struct bm_rd rd = bm_rd(bm_bytes(data, size));
    struct bm_bytes device_id, alias;
    struct bm_fail fail = { 0 };
    struct bm_dice dice;
    struct bm_key root;

    tcb_info(bm_bytes(data, size));
    evidence(bm_bytes(data, size));
    if (crypto == NULL)
        must(bm_crypto_new(&crypto, &fail) == BM_OK);
    device_id = bm_rd_lv16(&rd, size);
    alias = bm_rd_rest(&rd);
    if (bm_key_parse(&root, device_id, &fail) == BM_OK) /* a key where the certificate should be: nothing is signed by it here */
        must(bm_dice_check(&dice, crypto, &root, alias, alias, 1800000000, &fail) != BM_OK);
    tcb_info(alias);
    return 0;
}
