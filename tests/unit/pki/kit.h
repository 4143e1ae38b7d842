/* kit.h - what the tests over pki share: signatures checked, requests made. */
#ifndef BM_TEST_PKI_KIT_H
#define BM_TEST_PKI_KIT_H

#include "../testing.h"

#include "pki/csr.h"
#include "pki/key.h"
#include "pki/private.h"
#include "wire/der.h"
#include "wire/text.h"

/* For tests that check signatures. */
static struct bm_crypto *kit_crypto __attribute__((unused));

static inline int
kit_crypto_open(void **state)
{
    (void)state;
    return bm_crypto_new(&kit_crypto, &kit_fail) == BM_OK ? 0 : -1;
}

static inline int
kit_crypto_close(void **state)
{
    (void)state;
    bm_crypto_free(kit_crypto);
    return 0;
}

static inline void
kit_csr(struct bm_buf *buf, struct bm_private *key, const char *cn)
{
    bm_cleanup(bm_buf_done) struct bm_buf info = { .max = BM_MAX_CSR }, signature = { .max = BM_MAX_SIGNATURE };

    bm_csr_info_build(&info, bm_key_spki(bm_private_public(key)), cn);
    assert_ok(bm_private_sign(key, bm_buf_bytes(&info), &signature, &kit_fail));
    bm_csr_build(buf, bm_buf_bytes(&info), bm_private_alg(key), bm_buf_bytes(&signature));
    assert_ok(bm_buf_check(buf, "the request", &kit_fail));
}

#endif
