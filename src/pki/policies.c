/* policies.c - what a certificate of ours states by its policies (parts.h). */
#include "pki/oid.h"
#include "pki/parts.h"
#include "wire/der.h"

static void
add_policy(struct bm_buf *buf, struct bm_bytes oid)
{
    size_t policy = bm_der_begin(buf, BM_DER_SEQUENCE);

    bm_der_add(buf, BM_DER_OID, oid);
    bm_der_end(buf, policy);
}

/* req: RFC5280 4.2.1.4 a policy for each fact that was proven, not critical, without qualifiers */
void
bm_extension_policies(struct bm_buf *buf, bool test, unsigned proven, bool any)
{
    const struct bm_proven_fact *fact;
    struct bm_extension extension;
    size_t policies;

    if (!test && proven == 0 && !any)
        return;
    extension = bm_extension_begin(buf, BM_OID(bm_oid_policies), false);
    policies = bm_der_begin(buf, BM_DER_SEQUENCE);
    if (test)
        add_policy(buf, BM_OID(bm_oid_policy_test));
    for (size_t i = 0; (fact = bm_proven_fact(i)) != NULL; i++)
        if ((proven & fact->bit) != 0)
            add_policy(buf, fact->policy);
    if (any)
        add_policy(buf, BM_OID(bm_oid_any_policy));
    bm_der_end(buf, policies);
    bm_extension_end(buf, extension);
}
