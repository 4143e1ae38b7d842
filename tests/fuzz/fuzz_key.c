/* fuzz_key.c - a key that we take is a key that libcrypto takes, of the same size, and its views stay inside. */
#include "fuzz.h"

#include "pki/key.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bm_fail fail = { 0 };
    enum bm_sig_alg alg;
    struct bm_key key;
    EVP_PKEY *theirs;
    const uint8_t *p = data;

    if (bm_sig_alg_parse(&alg, bm_bytes(data, size), &fail) == BM_OK) {
        bm_cleanup(bm_buf_done) struct bm_buf again = { .max = 256 };
        enum bm_sig_alg same = 0;

        bm_sig_alg_add(&again, alg);
        must(bm_sig_alg_parse(&same, bm_buf_bytes(&again), &fail) == BM_OK && same == alg);
    }
    if (bm_key_parse(&key, bm_bytes(data, size), &fail) != BM_OK) {
        must(fail.rc == BM_EINPUT && fail.text[0] != 0);
        return 0;
    }
    must(key.nspki == size && key.at_bits + key.nbits == size);
    must((theirs = d2i_PUBKEY(NULL, &p, (long)size)) != NULL && p == data + size);
    must(key.alg == BM_KEY_ED25519 ? EVP_PKEY_get_bits(theirs) == 256 : EVP_PKEY_get_bits(theirs) == (int)key.bits);
    EVP_PKEY_free(theirs);
    return 0;
}
