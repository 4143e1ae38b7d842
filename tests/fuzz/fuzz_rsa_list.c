/* fuzz_rsa_list.c - a list of a lot's RSA keys: what was parsed can be walked, key by key, to its very end. */
#include "fuzz.h"

#include "lot/rsa_list.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bm_fail fail = { 0 };
    size_t at = BM_RSA_LIST_HEAD;
    struct bm_rsa_list list;
    struct bm_rsa_key key;
    uint64_t n = 0;

    if (bm_rsa_list_parse(&list, bm_bytes(data, size), &fail) != BM_OK) {
        must(fail.rc == BM_EINPUT && fail.text[0] != 0);
        return 0;
    }
    for (; bm_rsa_list_key(list.bytes, &at, &key); n++)
        must(key.modulus.n >= 256 && key.modulus.p + key.modulus.n == data + at);
    must(at == size && n == list.n && n > 0 && list.lot[0] != 0);
    return 0;
}
