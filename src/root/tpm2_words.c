/* tpm2_words.c - a key's template (TPM 2.0 part 2, TPMT_PUBLIC) from the few words in which our keys, the TCG's and its makers' differ. */
#include "root/tpm2.h"

static TPMT_SYM_DEF_OBJECT
cipher_of(const struct bm_tpm2_words *words)
{
    if (words->aes == 0)
        return (TPMT_SYM_DEF_OBJECT){ .algorithm = TPM2_ALG_NULL };
    return (TPMT_SYM_DEF_OBJECT){ .algorithm = TPM2_ALG_AES, .keyBits.aes = words->aes, .mode.aes = TPM2_ALG_CFB };
}

static void
rsa_fill(TPMT_PUBLIC *area, const struct bm_tpm2_words *words)
{
    TPMS_RSA_PARMS *rsa = &area->parameters.rsaDetail;

    rsa->symmetric = cipher_of(words);
    rsa->scheme.scheme = words->scheme;
    rsa->scheme.details.rsapss.hashAlg = words->hash;
    rsa->keyBits = 2048;
    area->unique.rsa.size = words->nunique;
    if (words->unique != NULL)
        memcpy(area->unique.rsa.buffer, words->unique, words->nunique);
}

static void
ecc_fill(TPMT_PUBLIC *area, const struct bm_tpm2_words *words)
{
    TPMS_ECC_PARMS *ecc = &area->parameters.eccDetail;

    ecc->symmetric = cipher_of(words);
    ecc->scheme.scheme = words->scheme;
    ecc->scheme.details.ecdsa.hashAlg = words->hash;
    ecc->curveID = words->curve;
    ecc->kdf.scheme = TPM2_ALG_NULL;
    area->unique.ecc.x.size = words->nunique;
    if (words->unique != NULL)
        memcpy(area->unique.ecc.x.buffer, words->unique, words->nunique);
    if (words->both)
        area->unique.ecc.y = area->unique.ecc.x;
}

void
bm_tpm2_template(TPM2B_PUBLIC *ret, const struct bm_tpm2_words *words)
{
    TPMT_PUBLIC *area = &ret->publicArea;

    memset(ret, 0, sizeof(*ret));
    area->type = words->type;
    area->nameAlg = words->hash;
    area->objectAttributes = words->attributes;
    if (words->policy != NULL) {
        area->authPolicy.size = words->hash == TPM2_ALG_SHA384 ? 48 : 32;
        memcpy(area->authPolicy.buffer, words->policy, area->authPolicy.size);
    }
    if (words->type == TPM2_ALG_KEYEDHASH)
        area->parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
    else if (words->type == TPM2_ALG_RSA)
        rsa_fill(area, words);
    else
        ecc_fill(area, words);
}
