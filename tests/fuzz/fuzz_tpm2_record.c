/* fuzz_tpm2_record.c - a record from a TPM's NV memory: what is taken has a good name and parts that lie inside it; any other byte spoils its hash. */
#include "fuzz.h"

#include "root/tpm2.h"
#include "wire/text.h"

static bool
inside(const struct bm_tpm2_record *record, struct bm_bytes part)
{
    return part.p >= record->bytes && part.p + part.n <= record->bytes + record->nbytes;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bm_tpm2_record record;
    struct bm_fail fail = { 0 };

    if (size > sizeof(record.bytes) - BM_HASH)
        return 0;
    /* the hash that a fuzzer would never find */
    memcpy(record.bytes, data, size);
    bm_sha256(record.bytes + size, bm_bytes(data, size));
    record.nbytes = size + BM_HASH;
    if (bm_tpm2_record_parse(&record, &fail) != BM_OK) {
        must(fail.rc == BM_EINPUT && fail.text[0] != 0);
        return 0;
    }
    must(bm_name_ok(record.service, BM_MAX_NAME));
    must(record.state >= BM_TPM2_PENDING && record.state <= BM_TPM2_TEMPLATE);
    must(inside(&record, record.public) && inside(&record, record.private) && inside(&record, record.certs));
    must(record.bound.n == 0 || inside(&record, record.bound));
    record.bytes[size / 2] ^= 1;
    must(bm_tpm2_record_parse(&record, &fail) == BM_EINPUT);
    return 0;
}
