/* test_mark.c - is a certificate of a hierarchy that was made for tests? (cert.h) */
#include "pki/cert.h"

#include "pki/oid.h"
#include "wire/der.h"

bool
bm_cert_test_mark(struct bm_bytes der)
{
    struct bm_cert_loose cert;
    struct bm_fail unused;
    struct bm_rd rd, policies;

    if (bm_cert_loose_parse(&cert, der, &unused) != BM_OK)
        return false;
    rd = bm_rd(bm_cert_loose_extension(&cert, BM_OID(bm_oid_policies), NULL));
    for (policies = bm_der_enter(&rd, BM_DER_SEQUENCE); !policies.bad && policies.left > 0;) {
        struct bm_rd policy = bm_der_enter(&policies, BM_DER_SEQUENCE);

        if (bm_bytes_equal(bm_der_take(&policy, BM_DER_OID), BM_OID(bm_oid_policy_test)))
            return true;
    }
    return false;
}
