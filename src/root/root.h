/* root.h - roots of trust, device side: one table of functions over TPM 2.0, PKCS#11 tokens, PUFs and software keys. */
#ifndef BM_ROOT_H
#define BM_ROOT_H

#include "base/secret.h"
#include "lot/leaf.h"
#include "root/boot.h"

/*
 * URIs: tpm2: (default TCTI), tpm2:swtpm:port=2321, with ;template=H-2 for TCG's IDevID and IAK as root keys (H-1, H-2, H-3, H-2xy, H-3xy, maker); pkcs11:token=...;object=... (RFC 7512; pin-value, pin-source; module-path or BM_PKCS11_MODULE),
 * puf:sim:SEED:HELPERFILE, soft:KEY.pem. A root holds root keys that never leave it, makes operational keys beside them, and keeps certificates for them.
 * What each backend stores where: docs/formats/device-store.md.
 *
 * A service has at most one live identity (key and certificates) and at most one pending key. key_new makes the pending key; commit makes it live
 * together with its certificates. A power cut at any moment leaves the old identity or the new one.
 * Services are bm_name_ok(); the caller checks. Outputs to bm_buf are appended. A root is used by one thread at a time.
 *
 * BM_EBUSY: the hardware is away, locked or full (the sentence says what to do). BM_EPOLICY: what was asked for is not there, or forbidden.
 */
/* What a root keeps under a name. */
enum bm_kept {
    BM_KEPT_PENDING,
    BM_KEPT_LIVE,
    BM_KEPT_SEALED
};

struct bm_root; /* each backend defines its own body; begins with a pointer to its ops */

struct bm_root_ops {
    const char *scheme;                                                                                /* "tpm2", "pkcs11", "puf", "soft" */
    bm_must_use enum bm_rc (*open)(struct bm_root **ret_root, const char *rest, struct bm_fail *fail); /* rest: the URI after "scheme:" */
    void (*close)(struct bm_root *root);

    /* What it remembers of its memory is read again: another program may have written. NULL: it remembers nothing. */
    void (*forget)(struct bm_root *root);

    /* Step 1: make the root keys if they are not there yet (idempotent), tell what stands there: leaf.kind, root, keys; id when the hardware has one ("" otherwise);
     * certificates (endorsement, device) as DER appended with u32 lengths. */
    bm_must_use enum bm_rc (*identify)(struct bm_root *root, bool make, struct bm_leaf *ret_leaf, struct bm_buf *certs,
                                       struct bm_fail *fail);

    /* The root key that speaks in an enrolment, and its certificates: what identify() would list first, with fewer questions to the hardware. NULL: as it lists. */
    bm_must_use enum bm_rc (*speaker)(struct bm_root *root, struct bm_leaf_key *ret_key, struct bm_buf *certs, struct bm_fail *fail);

    /* Root-signed evidence: the root key signs. NULL, or BM_EPOLICY, where the root can only decrypt. */
    bm_must_use enum bm_rc (*root_sign)(struct bm_root *root, const struct bm_key *key, struct bm_bytes tbs, enum bm_sig_alg *ret_alg,
                                        struct bm_buf *signature, struct bm_fail *fail);
    /* TPM: the attestation key's TPMT_PUBLIC; ActivateCredential (credential: TPM2B_ID_OBJECT, encrypted_secret: TPM2B_ENCRYPTED_SECRET, both with their size
     * fields); TPM2_Certify of a service's key: area its TPMT_PUBLIC, attest the TPMS_ATTEST, signature the TPMT_SIGNATURE; by that attestation key, or by a
     * root key of use attest. NULL where the root is none. */
    bm_must_use enum bm_rc (*attestation_key)(struct bm_root *root, struct bm_buf *area, struct bm_fail *fail);
    bm_must_use enum bm_rc (*activate)(struct bm_root *root, const struct bm_key *ek, struct bm_bytes credential,
                                       struct bm_bytes encrypted_secret, struct bm_secret *ret_secret, struct bm_fail *fail);
    bm_must_use enum bm_rc (*certify)(struct bm_root *root, const struct bm_key *by, const char *service, bool pending,
                                      struct bm_bytes extra_data, struct bm_buf *area, struct bm_buf *attest, struct bm_buf *signature,
                                      struct bm_fail *fail);

    /* DICE: certificates of DeviceID and Alias for the firmware that was measured, each with a u32 length, and Alias's signature over tbs. BM_EPOLICY when
     * nothing was measured. NULL where the root has no such layers. */
    bm_must_use enum bm_rc (*dice)(struct bm_root *root, struct bm_bytes tbs, struct bm_buf *certs, enum bm_sig_alg *ret_alg,
                                   struct bm_buf *signature, struct bm_fail *fail);

    /* A new P-256 key; replaces an earlier pending one, leaves the live one alone. */
    bm_must_use enum bm_rc (*key_new)(struct bm_root *root, const char *service, struct bm_key *ret_public, struct bm_fail *fail);
    /* BM_EPOLICY when the service has no such key. */
    bm_must_use enum bm_rc (*key_public)(struct bm_root *root, const char *service, bool pending, struct bm_key *ret_public,
                                         struct bm_fail *fail);
    /* Hashes and signs. */
    bm_must_use enum bm_rc (*key_sign)(struct bm_root *root, const char *service, bool pending, struct bm_bytes tbs,
                                       enum bm_sig_alg *ret_alg, struct bm_buf *signature, struct bm_fail *fail);
    /* The pending key becomes live with these certificates, leaf first; without a pending key the live key gets them. */
    bm_must_use enum bm_rc (*commit)(struct bm_root *root, const char *service, const struct bm_bytes *certs, size_t ncerts,
                                     struct bm_fail *fail);
    /* Certificates of the live identity, leaf first, each with a u32 length before it; BM_EPOLICY when there is none. A TPM keeps two: leaf and issuer. */
    bm_must_use enum bm_rc (*certs)(struct bm_root *root, const char *service, struct bm_buf *certs, struct bm_fail *fail);
    /* Services that have a live identity, one name a line, sorted. */
    bm_must_use enum bm_rc (*services)(struct bm_root *root, struct bm_buf *names, struct bm_fail *fail);
    /* The service's identity and its pending key are gone. A power cut leaves the identity or nothing. BM_EPOLICY when there is neither. */
    bm_must_use enum bm_rc (*retire)(struct bm_root *root, const char *service, struct bm_fail *fail);
    /* Factory reset: every identity, pending key, sealed data and permit is gone, the root keys stay. Cut off, it is done again. */
    bm_must_use enum bm_rc (*reset)(struct bm_root *root, struct bm_fail *fail);

    /* Secure storage: at most BM_MAX_SEALED bytes under a name (bm_name_ok()), in place of what was sealed by it. A power cut leaves the old or the new. */
    bm_must_use enum bm_rc (*seal)(struct bm_root *root, const char *name, struct bm_bytes bytes, struct bm_fail *fail);
    /* Appended. BM_EPOLICY when there is nothing by that name, or the boot state is another. */
    bm_must_use enum bm_rc (*unseal)(struct bm_root *root, const char *name, struct bm_buf *bytes, struct bm_fail *fail);
    bm_must_use enum bm_rc (*sealed)(struct bm_root *root, struct bm_buf *names, struct bm_fail *fail); /* as services() */
    bm_must_use enum bm_rc (*sealed_remove)(struct bm_root *root, const char *name, struct bm_fail *fail);

    /*
     * Boot state; the four are NULL where the root knows none. bind: keys and sealed data that are made from here on are bound to the values that these PCRs
     * have now, and to bound->update_key where pinned (bound->policy is not read); NULL: to the device alone again. boot_values: of the PCRs that were asked
     * for. boot_permit: kept when a pinned key signed it; BM_EPOLICY when none did. bound_tell: what a key or sealed data is bound to (pcrs 0: nothing) and
     * whether this boot may use it.
     */
    bm_must_use enum bm_rc (*bind)(struct bm_root *root, const struct bm_bound *bound, struct bm_fail *fail);
    bm_must_use enum bm_rc (*boot_values)(struct bm_root *root, uint32_t pcrs, uint8_t ret_values[static BM_PCRS][BM_HASH],
                                          struct bm_fail *fail);
    bm_must_use enum bm_rc (*boot_permit)(struct bm_root *root, const struct bm_permit *permit, struct bm_fail *fail);
    bm_must_use enum bm_rc (*bound_tell)(struct bm_root *root, enum bm_kept kept, const char *name, struct bm_bound *ret_bound,
                                         bool *ret_usable, struct bm_fail *fail);
};

struct bm_root {
    const struct bm_root_ops *ops;
};

/* Picks the backend by the URI's scheme. */
bm_must_use enum bm_rc bm_root_open(struct bm_root **ret_root, const char *uri, struct bm_fail *fail);
/* The root key that speaks in an enrolment, and its certificates. */
bm_must_use enum bm_rc bm_root_speaker(struct bm_root *root, struct bm_leaf_key *ret_key, struct bm_buf *certs, struct bm_fail *fail);
/* The four of the boot state, where there may be none: BM_EPOLICY says so; nothing is bound there, and everything usable. */
bm_must_use enum bm_rc bm_root_bind(struct bm_root *root, const struct bm_bound *bound, struct bm_fail *fail);
bm_must_use enum bm_rc bm_root_boot_values(struct bm_root *root, uint32_t pcrs, uint8_t ret_values[static BM_PCRS][BM_HASH],
                                           struct bm_fail *fail);
bm_must_use enum bm_rc bm_root_boot_permit(struct bm_root *root, const struct bm_permit *permit, struct bm_fail *fail);
bm_must_use enum bm_rc bm_root_bound_tell(struct bm_root *root, enum bm_kept kept, const char *name, struct bm_bound *ret_bound,
                                          bool *ret_usable, struct bm_fail *fail);
void bm_root_close(struct bm_root *root); /* accepts NULL */
void bm_root_done(struct bm_root **root);

#define BM_MAX_SEALED 2048 /* bytes under one name: with its head it fits a TPM's NV memory, of which small ones have 6 KiB in all */
#define BM_ROOT_CERTS 4    /* certificates that an identity keeps: leaf, issuing CA, two above it */

#endif
