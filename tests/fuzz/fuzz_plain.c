/* fuzz_plain.c - a certificate that needs no more than its signature verified is one that libcrypto reads, with nothing in it that is invalid or unknown. */
#include "fuzz.h"

#include "lot/plain.h"

#include <openssl/x509v3.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *p = data;
    struct bm_fail fail;
    struct bm_cert cert;
    X509 *x509;

    if (bm_cert_parse(&cert, bm_bytes(data, size), &fail) != BM_OK || !bm_cert_plain(&cert))
        return 0;
    x509 = d2i_X509(NULL, &p, (long)size);
    must(x509 != NULL && p == data + size);
    must((X509_get_extension_flags(x509) & (EXFLAG_INVALID | EXFLAG_CRITICAL | EXFLAG_PROXY | EXFLAG_SI)) == 0);
    X509_free(x509);
    return 0;
}
