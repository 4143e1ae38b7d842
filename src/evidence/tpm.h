/* tpm.h - what a TPM 2.0 says, checked without a TPM: MakeCredential, public areas, TPM2_Certify. TPM 2.0 Library part 1 (24, B, C) and part 2. */
#ifndef BM_TPM_H
#define BM_TPM_H

#include "base/secret.h"
#include "pki/key.h"

#define BM_MAX_TPM 1024    /* a TPMT_PUBLIC, TPMS_ATTEST or TPMT_SIGNATURE: RSA-2048 ones are under 400 bytes */
#define BM_MAX_TPM_NAME 66 /* nameAlg and a SHA-512 */

/* A TPMT_PUBLIC (not the TPM2B), of ECC P-256/P-384 or RSA. */
struct bm_tpm_public {
    uint32_t attributes; /* TPMA_OBJECT */
    uint16_t name_alg;
    struct bm_bytes policy;
    struct bm_key key; /* as SPKI */
    uint8_t name[BM_MAX_TPM_NAME];
    size_t nname;
};
bm_must_use enum bm_rc bm_tpm_public_parse(struct bm_tpm_public *ret_public, struct bm_bytes area, struct bm_fail *fail);
/* Restricted signing key of this TPM: fixedTPM, fixedParent, sensitiveDataOrigin, restricted, sign, not decrypt. */
bm_must_use enum bm_rc bm_tpm_public_check_attestation(const struct bm_tpm_public *ak, struct bm_fail *fail);
/* Operational key made in this TPM: fixedTPM, fixedParent, sensitiveDataOrigin, sign, not restricted, not decrypt. */
bm_must_use enum bm_rc bm_tpm_public_check_operational(const struct bm_tpm_public *key, struct bm_fail *fail);

/* TPMS_ATTEST of TPM2_Certify or TPM2_CertifyCreation, signed (TPMT_SIGNATURE) by `by`: magic, extraData == expected. *ret_name: of what it is about. */
bm_must_use enum bm_rc bm_tpm_attest_check(struct bm_bytes *ret_name, struct bm_crypto *crypto, struct bm_bytes attest,
                                           struct bm_bytes signature, const struct bm_key *by, struct bm_bytes extra_data,
                                           struct bm_fail *fail);
/* Its extraData, unproven; n = 0 where it is no TPMS_ATTEST. */
struct bm_bytes bm_tpm_attest_extra(struct bm_bytes attest);
bm_must_use enum bm_rc bm_tpm_name_check(struct bm_bytes name, const struct bm_tpm_public *key, struct bm_fail *fail);
/* Both: what the attestation key says is about this key. */
bm_must_use enum bm_rc bm_tpm_certify_check(struct bm_crypto *crypto, struct bm_bytes attest, struct bm_bytes signature,
                                            const struct bm_tpm_public *ak, const struct bm_tpm_public *key, struct bm_bytes extra_data,
                                            struct bm_fail *fail);

/*
 * MakeCredential to an endorsement key of the TCG's default templates (RSA-2048 and P-256: SHA-256, AES-128-CFB; P-384: SHA-384, AES-256-CFB).
 * Appends the TPM2B_ID_OBJECT and the TPM2B_ENCRYPTED_SECRET, with their size fields. `seed` is 64 random bytes from the caller, of which everything
 * random in here is expanded (inner seed, ephemeral scalar, OAEP's seed): the same bytes give the same challenge, so they are used once.
 * secret is 1 to 32 bytes.
 */
bm_must_use enum bm_rc bm_tpm_credential_make(struct bm_buf *credential, struct bm_buf *encrypted_secret, const struct bm_key *ek,
                                              struct bm_bytes ak_name, const struct bm_secret *secret, const uint8_t seed[static 64],
                                              struct bm_fail *fail);

/*
 * What a device with a TPM sends, as bytes (docs/formats/evidence.md): u16 version, then lv16 each.
 * Version 1, activated: endorsement key SPKI, AK TPMT_PUBLIC, operational key TPMT_PUBLIC, TPMS_ATTEST, TPMT_SIGNATURE, CSR, proof (32 bytes).
 *     proof = HMAC-SHA-256(secret, SHA-256(CSR)); the attestation's extraData = SHA-256(CSR).
 * Version 2, certified by an attestation key that the lot lists: its SPKI, operational key TPMT_PUBLIC, TPMS_ATTEST, TPMT_SIGNATURE, CSR, the signer's
 *     nonce (32 bytes). The attestation's extraData = bm_tpm_certified_data().
 * Version 3, attested: the CSR alone, whose attribute holds the rest (attested.h). The attestation's extraData = the nonce.
 */
struct bm_tpm_claim {
    bool attested;       /* version 3 */
    struct bm_bytes iak; /* version 2; empty: version 1 */
    struct bm_bytes ek;  /* version 1 */
    struct bm_bytes ak;  /* version 1 */
    struct bm_bytes key;
    struct bm_bytes attest;
    struct bm_bytes signature;
    struct bm_bytes csr;
    struct bm_bytes proof; /* version 1 */
    struct bm_bytes nonce; /* version 2 */
};
bm_must_use enum bm_rc bm_tpm_claim_parse(struct bm_tpm_claim *ret_claim, struct bm_bytes bytes, struct bm_fail *fail);
/* SHA-256(EK hash || AK name): what the secret of an activation is bound to. */
void bm_tpm_subject(uint8_t ret[static BM_HASH], const uint8_t ek_hash[static BM_HASH], struct bm_bytes ak_name);
void bm_tpm_claim_build(struct bm_buf *buf, const struct bm_tpm_claim *claim);
/* SHA-256("birthmark/tpm-certified/v1\n" || nonce || SHA-256(CSR)). */
void bm_tpm_certified_data(uint8_t ret[static BM_HASH], struct bm_bytes nonce, struct bm_bytes csr);

#endif
