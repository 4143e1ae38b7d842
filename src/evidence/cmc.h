/* cmc.h - a CMC full request (RFC 5272) with one PKCS#10 in it, signed by a root key: built on the device, read strictly on the server. */
#ifndef BM_CMC_H
#define BM_CMC_H

#include "pki/cert.h"
#include "pki/csr.h"

#define BM_MAX_CMC 32768 /* a CSR of 8 KiB and a few certificates; leaves BM_MAX_EVIDENCE room for leaf and proof */

/*
 * What we read (RFC 5272 3.2, RFC 5652 5): ContentInfo { id-signedData, SignedData { one digest algorithm, eContentType id-cct-PKIData, eContent PKIData,
 * certificates optional (at most 8, kept as labels), no crls, exactly one SignerInfo with signedAttrs: contentType, messageDigest, others tolerated
 * once each (at most 16), in any order since the signature covers the bytes; no unsignedAttrs } }. The digest is the signature algorithm's own.
 * PKIData { controlSequence: recipientNonce (the signer's nonce, required), senderNonce, transactionId, our own for DICE; identityProof etc. refused; reqSequence: exactly one
 * [0] tcr; cmsSequence and otherMsgSequence empty }.
 * Views into the bytes that were parsed.
 */
struct bm_cmc {
    struct bm_bytes der;
    struct bm_bytes content;      /* eContent: the PKIData */
    struct bm_bytes signer_ski;   /* sid [0] subjectKeyIdentifier; n = 0 when the sid is issuerAndSerialNumber */
    struct bm_bytes signer_cert;  /* the certificate in `certificates` that the sid names; n = 0 when none is there */
    struct bm_bytes certs;        /* all of them, one behind the other; n = 0 when none is there */
    struct bm_bytes signed_attrs; /* whole element, a0 first: what the signature covers is this with tag 31 in place of a0 */
    struct bm_bytes digest;       /* messageDigest; its length is that of alg's hash */
    enum bm_sig_alg alg;
    struct bm_bytes signature;
    struct bm_bytes recipient_nonce; /* the nonce that the signer gave out */
    struct bm_bytes sender_nonce;    /* n = 0 when absent */
    struct bm_bytes transaction_id;  /* INTEGER magnitude; n = 0 when absent */
    struct bm_bytes dice;            /* evidence of the measured code (dice.h), whole element; n = 0 when absent */
    struct bm_csr csr;
};
bm_must_use enum bm_rc bm_cmc_parse(struct bm_cmc *ret_cmc, struct bm_bytes der, struct bm_fail *fail);

/* The root key's signature over the attributes, and theirs over the content. BM_EPOLICY when it does not hold. */
bm_must_use enum bm_rc bm_cmc_check_root(struct bm_crypto *crypto, const struct bm_cmc *cmc, const struct bm_key *root,
                                         struct bm_fail *fail);
/* That, and the CSR's own signature over itself. */
bm_must_use enum bm_rc bm_cmc_check(struct bm_crypto *crypto, const struct bm_cmc *cmc, const struct bm_key *root, struct bm_fail *fail);

/*
 * Building, on the device: first the PKIData and the signedAttrs to sign; then the whole with the root's signature. sid is subjectKeyIdentifier.
 * bm_cmc_prepare appends PKIData to content and the SET OF (tag 31) that the root key signs to attrs; both buffers must be empty before. `alg` is
 * the one that the root key will sign with, since the digest of the content is made with its hash. Errors are sticky in the buffers.
 */
void bm_cmc_prepare(struct bm_buf *content, struct bm_buf *attrs, struct bm_bytes csr, struct bm_bytes nonce, enum bm_sig_alg alg);
/* The same with evidence of the measured code (bm_dice_evidence_build()); none when empty. */
void bm_cmc_prepare_dice(struct bm_buf *content, struct bm_buf *attrs, struct bm_bytes csr, struct bm_bytes nonce, struct bm_bytes dice,
                         enum bm_sig_alg alg);
void bm_cmc_build(struct bm_buf *buf, struct bm_bytes content, struct bm_bytes attrs, const uint8_t ski[static 20], enum bm_sig_alg alg,
                  struct bm_bytes signature);
/* The same with certificates: the root key's own and those up to the vendor's root, one behind the other; at most BM_CMC_CERTS, none when empty. */
#define BM_CMC_CERTS 8
void bm_cmc_build_certs(struct bm_buf *buf, struct bm_bytes content, struct bm_bytes attrs, const uint8_t ski[static 20],
                        enum bm_sig_alg alg, struct bm_bytes signature, struct bm_bytes certs);

#endif
