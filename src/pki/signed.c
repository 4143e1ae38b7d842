/* signed.c - what is signed, with its signature; names of CAs. The device makes these too, and no certificates from profiles (tbs.c). */
#include "pki/tbs.h"

#include "pki/name.h"
#include "pki/oid.h"
#include "pki/parts.h"

void
bm_signed_build(struct bm_buf *buf, struct bm_bytes tbs, enum bm_sig_alg alg, struct bm_bytes signature)
{
    size_t at = bm_der_begin(buf, BM_DER_SEQUENCE);

    bm_buf_add_bytes(buf, tbs);
    bm_sig_alg_add(buf, alg);
    bm_der_add_bits(buf, signature);
    bm_der_end(buf, at);
}

void
bm_name_build(struct bm_buf *buf, const char *organization, const char *common_name)
{
    size_t at = bm_der_begin(buf, BM_DER_SEQUENCE);

    if (organization != NULL)
        bm_name_add(buf, BM_OID(bm_oid_o), organization);
    bm_name_add(buf, BM_OID(bm_oid_cn), common_name);
    bm_der_end(buf, at);
}
