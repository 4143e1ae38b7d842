/* fuzz_csr.c - a request that we take is put together again from its parts to the byte, and libcrypto takes it too. */
#include "fuzz.h"

#include "pki/csr.h"

#include <openssl/x509.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = BM_MAX_CSR + 64 };
    struct bm_fail fail = { 0 };
    const uint8_t *p = data;
    struct bm_csr csr;
    X509_REQ *theirs;

    if (bm_csr_parse(&csr, bm_bytes(data, size), &fail) != BM_OK) {
        must(fail.rc == BM_EINPUT && fail.text[0] != 0);
        return 0;
    }
    must(csr.info.p > data && csr.info.p + csr.info.n < data + size && csr.signature.p + csr.signature.n == data + size);
    bm_csr_build(&again, csr.info, csr.alg, csr.signature);
    must(!again.bad);
    /* RSA's algorithms have two spellings, with NULL and without; the others have one */
    if (csr.alg == BM_SIG_ECDSA_SHA256 || csr.alg == BM_SIG_ECDSA_SHA384 || csr.alg == BM_SIG_ED25519)
        must(bm_bytes_equal(bm_buf_bytes(&again), bm_bytes(data, size)));
    /* libcrypto looks into names, of which we only check the shape: it may refuse one; what it takes has the same key */
    if ((theirs = d2i_X509_REQ(NULL, &p, (long)size)) != NULL) {
        uint8_t *spki = NULL;
        int n = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(theirs), &spki);

        must(n > 0 && bm_bytes_equal(bm_bytes(spki, (size_t)n), bm_key_spki(&csr.key)));
        OPENSSL_free(spki);
    }
    X509_REQ_free(theirs);
    return 0;
}
