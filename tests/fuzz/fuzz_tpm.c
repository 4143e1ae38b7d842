/* fuzz_tpm.c - a TPM's claim has one form; a public area that we take has a key that we take, and its name is its hash; nothing is attested by chance. */
#include "fuzz.h"

#include "evidence/tpm.h"

static void
public_area(struct bm_bytes area, struct bm_tpm_public *ret_public, bool *ret_good)
{
    static const uint8_t seed[64] = { 1 };
    static const struct bm_secret secret = { .n = 32 };
    bm_cleanup(bm_buf_done) struct bm_buf credential = { .max = BM_MAX_TPM }, encrypted = { .max = BM_MAX_TPM };
    struct bm_fail fail = { 0 };
    uint8_t hash[BM_HASH];
    struct bm_key key;

    *ret_good = bm_tpm_public_parse(ret_public, area, &fail) == BM_OK;
    if (!*ret_good) {
        must(fail.rc == BM_EINPUT && fail.text[0] != 0);
        return;
    }
    must(bm_key_parse(&key, bm_key_spki(&ret_public->key), &fail) == BM_OK);
    bm_sha256(hash, area);
    if (ret_public->name_alg == 0x000b)
        must(ret_public->nname == 2 + BM_HASH && memcmp(ret_public->name + 2, hash, BM_HASH) == 0);
    must(bm_tpm_public_check_attestation(ret_public, &fail) != BM_OK || bm_tpm_public_check_operational(ret_public, &fail) != BM_OK);
    if (bm_tpm_credential_make(&credential, &encrypted, &key, bm_bytes(ret_public->name, ret_public->nname), &secret, seed, &fail) == BM_OK)
        must(credential.n > 2 + 2 + 32 && encrypted.n > 32);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bm_crypto *crypto;
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = size + 64 };
    struct bm_fail fail = { 0 };
    struct bm_tpm_public ak, key;
    struct bm_tpm_claim claim;
    bool good_ak, good_key;

    if (crypto == NULL)
        must(bm_crypto_new(&crypto, &fail) == BM_OK);
    public_area(bm_bytes(data, size), &ak, &good_ak);
    if (bm_tpm_claim_parse(&claim, bm_bytes(data, size), &fail) != BM_OK)
        return 0;
    bm_tpm_claim_build(&again, &claim);
    must(bm_bytes_equal(bm_buf_bytes(&again), bm_bytes(data, size)));
    public_area(claim.ak, &ak, &good_ak);
    public_area(claim.key, &key, &good_key);
    must(claim.iak.n == 0 ? claim.nonce.n == 0 : claim.ek.n + claim.ak.n + claim.proof.n == 0);
    /* seeds are good ones: but none with this extra data */
    if (good_ak && good_key)
        must(bm_tpm_certify_check(crypto, claim.attest, claim.signature, &ak, &key, bm_bytes_str("never signed"), &fail) != BM_OK);
    return 0;
}
