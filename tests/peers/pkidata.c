/* pkidata.c - what a foreign CMS signer puts its signature around: pkidata CSR.der NONCE-base64url OUT.der */
#include "base/file.h"
#include "evidence/cmc.h"
#include "wire/text.h"

#include <stdio.h>

int
main(int argc, char **argv)
{
    bm_cleanup(bm_buf_done) struct bm_buf csr = { .max = BM_MAX_CSR }, nonce = { .max = BM_NONCE };
    bm_cleanup(bm_buf_done) struct bm_buf content = { .max = 65536 }, attrs = { .max = 65536 };
    struct bm_fail fail = { .text = "usage: pkidata CSR.der NONCE OUT.der" };
    enum bm_rc rc = BM_EINPUT;

    if (argc == 4 && (rc = bm_file_read(&csr, argv[1], &fail)) == BM_OK &&
        (rc = bm_b64_parse(&nonce, BM_B64_URL, bm_bytes_str(argv[2]), &fail)) == BM_OK) {
        bm_cmc_prepare(&content, &attrs, bm_buf_bytes(&csr), bm_buf_bytes(&nonce), BM_SIG_ECDSA_SHA256);
        if ((rc = bm_buf_check(&content, "the PKIData", &fail)) == BM_OK)
            rc = bm_file_write(argv[3], bm_buf_bytes(&content), 0600, &fail);
    }
    if (rc != BM_OK)
        (void)fprintf(stderr, "pkidata: %s\n", fail.text);
    return bm_rc_exit(rc);
}
