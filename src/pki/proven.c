#include "pki/proven.h"

#include "pki/oid.h"

const struct bm_proven_fact *
bm_proven_fact(size_t i)
{
    static const struct bm_proven_fact facts[] = {
        { "root-signed", BM_PROVEN_ROOT_SIGNED, { bm_oid_policy_root_signed, sizeof(bm_oid_policy_root_signed) } },
        { "tpm-activated", BM_PROVEN_TPM_ACTIVATED, { bm_oid_policy_tpm_activated, sizeof(bm_oid_policy_tpm_activated) } },
        { "software", BM_PROVEN_SOFTWARE, { bm_oid_policy_software, sizeof(bm_oid_policy_software) } },
        { "tls-front", BM_PROVEN_TLS_FRONT, { bm_oid_policy_tls_front, sizeof(bm_oid_policy_tls_front) } },
        { "tpm-residency", BM_PROVEN_TPM_RESIDENCY, { bm_oid_policy_tpm_residency, sizeof(bm_oid_policy_tpm_residency) } },
        { "tpm-fixed", BM_PROVEN_TPM_FIXED, { bm_oid_policy_tpm_fixed, sizeof(bm_oid_policy_tpm_fixed) } },
        { "policy-bound", BM_PROVEN_POLICY_BOUND, { bm_oid_policy_policy_bound, sizeof(bm_oid_policy_policy_bound) } },
        { "ek-certified", BM_PROVEN_EK_CERTIFIED, { bm_oid_policy_ek_certified, sizeof(bm_oid_policy_ek_certified) } },
        { "dice", BM_PROVEN_DICE, { bm_oid_policy_dice, sizeof(bm_oid_policy_dice) } },
    };

    return i < BM_COUNT(facts) ? &facts[i] : NULL;
}

void
bm_proven_print(char ret[static BM_MAX_PROVEN], unsigned set)
{
    const struct bm_proven_fact *fact;
    size_t n = 0, length;

    for (size_t i = 0; (fact = bm_proven_fact(i)) != NULL; i++) {
        length = strlen(fact->word);
        if ((set & fact->bit) == 0 || n + length + 2 > BM_MAX_PROVEN)
            continue;
        if (n > 0)
            ret[n++] = ' ';
        memcpy(ret + n, fact->word, length);
        n += length;
    }
    ret[n] = 0;
}
