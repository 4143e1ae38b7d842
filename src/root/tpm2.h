/* tpm2.h - one TPM 2.0 over ESYS: its keys by template, its records in NV, its refusals as sentences. */
#ifndef BM_TPM2_H
#define BM_TPM2_H

#include "root/backend.h"
#include "root/boot.h"

#include <tss2/tss2_esys.h>

/* A key of a service that stays loaded. */
struct bm_tpm2_loaded {
    ESYS_TR object;        /* ESYS_TR_NONE: none */
    uint8_t name[BM_HASH]; /* by what it is known: pending or live, of which service */
    struct bm_bound bound; /* what it is bound to */
};

struct bm_tpm2 {
    struct bm_root root;
    TSS2_TCTI_CONTEXT *tcti;
    ESYS_CONTEXT *esys;
    char where[200];              /* the TCTI's name, for sentences */
    char conf[256];               /* what the TCTI loader is given; "" = its default */
    struct bm_tpm2_loaded loaded; /* the operational key used last: a handshake signs without loading */
    struct bm_tpm2_loaded other;  /* the one before it, where there is room: a renewal signs with the old key and the new */
    ESYS_TR ek, ak;               /* kept loaded while an enrolment uses them; bm_tpm2_room_make() */
    struct bm_key ek_key;
    bool ek_policy;
    TPM2B_PUBLIC ak_public;
    bool ak_listed;            /* the IAK; else the one that is activated */
    struct bm_tpm2_seen *seen; /* tpm2_nv.c: what stands in NV memory */
    uint8_t awaited[BM_HASH];  /* of the public area of the pending key that this handle made or told last */
    char awaited_service[BM_MAX_NAME + 1];
    uint32_t nv_index_max, nv_buffer_max; /* 0: not asked yet */
    struct bm_bound bind;                 /* what keys and sealed data made from here on are bound to */

    const struct bm_tpm2_kind *kind; /* tpm2_template.c: of TCG's identity keys; NULL: none, Birthmark's own attestation key alone */
    bool kind_named;                 /* in the URI */
    bool kind_settled, kind_kept;    /* the device's record was looked at, is there */
    uint32_t certificates;           /* first NV index of the 65536 that are searched for certificates of identity keys */
};
static inline struct bm_tpm2 *
bm_tpm2_of(struct bm_root *root)
{
    return (struct bm_tpm2 *)root;
}

bm_must_use enum bm_rc bm_tpm2_open(struct bm_tpm2 **ret_tpm, const char *rest, struct bm_fail *fail);
void bm_tpm2_close(struct bm_tpm2 *tpm);

/* What a response code means to the reader; BM_EBUSY. */
enum bm_rc bm_tpm2_fail(const struct bm_tpm2 *tpm, TSS2_RC trc, const char *what, struct bm_fail *fail);

/* Handles of one kind, from `first` on; at most 64. */
#define BM_TPM2_HANDLES 64
bm_must_use enum bm_rc bm_tpm2_handles(struct bm_tpm2 *tpm, uint32_t first, uint32_t ret[static BM_TPM2_HANDLES], size_t *ret_n,
                                       struct bm_fail *fail);
/* NV indexes from `first` on, which is in our range of records or above it: asked for once in an operation. */
bm_must_use enum bm_rc bm_tpm2_nv_list(struct bm_tpm2 *tpm, uint32_t first, uint32_t ret[static BM_TPM2_HANDLES], size_t *ret_n,
                                       struct bm_fail *fail);
/* The most that an index holds, and the most in one command. */
bm_must_use enum bm_rc bm_tpm2_nv_limits(struct bm_tpm2 *tpm, uint32_t *ret_index, uint32_t *ret_buffer, struct bm_fail *fail);
/* An index and what it is; Esys_TR_Close() it. Its content, appended. */
bm_must_use enum bm_rc bm_tpm2_nv_open(struct bm_tpm2 *tpm, uint32_t index, ESYS_TR *ret_nv, TPMS_NV_PUBLIC *ret_public,
                                       struct bm_fail *fail);
bm_must_use enum bm_rc bm_tpm2_nv_take(struct bm_tpm2 *tpm, ESYS_TR nv, const TPMS_NV_PUBLIC *public, struct bm_buf *value,
                                       struct bm_fail *fail);
void bm_tpm2_flush(struct bm_tpm2 *tpm, ESYS_TR *object); /* a transient object or session; ESYS_TR_NONE is nothing */

/* Lets go of all that is kept loaded: before a primary key is made that others need room beside. */
void bm_tpm2_room_make(struct bm_tpm2 *tpm);
bm_must_use enum bm_rc bm_tpm2_policy_session(struct bm_tpm2 *tpm, ESYS_TR *ret_session, struct bm_fail *fail);
void bm_tpm2_seen_free(struct bm_tpm2 *tpm);
void bm_tpm2_object_close(struct bm_tpm2 *tpm, ESYS_TR *object); /* flushed, or let go where it is persistent */
bm_must_use enum bm_rc bm_tpm2_persistent(struct bm_tpm2 *tpm, uint32_t handle, ESYS_TR *ret_object, TPM2B_PUBLIC *ret_public,
                                          struct bm_fail *fail);

/* Reads an NV index as a whole, appended; nothing, where it was never written or is not for us to read. */
bm_must_use enum bm_rc bm_tpm2_nv_read(struct bm_tpm2 *tpm, uint32_t index, struct bm_buf *value, struct bm_fail *fail);

/* tpm2_words.c. What a template says: the same of all our keys, or one of these. */
struct bm_tpm2_words {
    TPMI_ALG_PUBLIC type; /* RSA keys have 2048 bits */
    TPMI_ALG_HASH hash;   /* nameAlg, and what the scheme takes */
    TPMA_OBJECT attributes;
    TPM2_ECC_CURVE curve;
    uint16_t aes;          /* bits of the cipher of a key that decrypts; 0: none */
    TPM2_ALG_ID scheme;    /* of a key that signs; TPM2_ALG_NULL: whoever signs says it, or none */
    const uint8_t *policy; /* as long as `hash` makes it; NULL: none */
    const char *unique;    /* NULL: zeros */
    uint16_t nunique;
    bool both; /* y of a point the same as x; else empty */
};
void bm_tpm2_template(TPM2B_PUBLIC *ret, const struct bm_tpm2_words *words);

/* A primary key by its template. Flush it. */
bm_must_use enum bm_rc bm_tpm2_primary(struct bm_tpm2 *tpm, ESYS_TR hierarchy, const TPM2B_PUBLIC *template, ESYS_TR *ret_object,
                                       TPM2B_PUBLIC *ret_public, struct bm_fail *fail);
enum bm_tpm2_form {
    BM_TPM2_SRK,         /* TCG's P-256 storage key, parent of operational keys; owner hierarchy */
    BM_TPM2_AK,          /* our attestation key: restricted, signs only what the TPM itself says; endorsement hierarchy */
    BM_TPM2_OPERATIONAL, /* an operational key, child of the storage key */
    BM_TPM2_SEALED_KEY   /* holds 128 bytes at most, which is a key; what it locks stands beside it */
};
void bm_tpm2_form(TPM2B_PUBLIC *ret, enum bm_tpm2_form form);
bm_must_use enum bm_rc bm_tpm2_primary_own(struct bm_tpm2 *tpm, enum bm_tpm2_form form, ESYS_TR *ret_object, TPM2B_PUBLIC *ret_public,
                                           struct bm_fail *fail);

bm_must_use enum bm_rc bm_tpm2_public_key(struct bm_key *ret_key, const TPM2B_PUBLIC *area, struct bm_fail *fail);

/* tpm2_template.c. Which template this device's identity keys are by: "H-1" ... */
struct bm_tpm2_kind;
enum bm_tpm2_role {
    BM_TPM2_IDEVID, /* signs */
    BM_TPM2_IAK     /* restricted: certifies */
};
bm_must_use enum bm_rc bm_tpm2_kind_parse(const struct bm_tpm2_kind **ret_kind, struct bm_bytes id, struct bm_fail *fail);
/* tpm->kind is what the device's record says, where there is one; keep: and where there was none, there is one now. */
bm_must_use enum bm_rc bm_tpm2_kind_settle(struct bm_tpm2 *tpm, struct bm_fail *fail);
bm_must_use enum bm_rc bm_tpm2_kind_keep(struct bm_tpm2 *tpm, struct bm_fail *fail);
/* With tpm->kind set. bm_tpm2_object_close() it. */
bm_must_use enum bm_rc bm_tpm2_identity_open(struct bm_tpm2 *tpm, enum bm_tpm2_role role, ESYS_TR *ret_object, TPM2B_PUBLIC *ret_public,
                                             struct bm_fail *fail);
/* Adds both keys, the attestation key first, and their certificates. */
bm_must_use enum bm_rc bm_tpm2_identity_list(struct bm_tpm2 *tpm, struct bm_leaf *leaf, struct bm_buf *certs, struct bm_fail *fail);
bm_must_use enum bm_rc bm_tpm2_root_sign(struct bm_root *root, const struct bm_key *key, struct bm_bytes tbs, enum bm_sig_alg *ret_alg,
                                         struct bm_buf *signature, struct bm_fail *fail);
/* The certificate in this NV index, which may be longer than it, when it is for this key; *ret_added. Padding and foreign content are no refusal. */
bm_must_use enum bm_rc bm_tpm2_certificate_add(struct bm_tpm2 *tpm, uint32_t index, const struct bm_key *key, struct bm_buf *certs,
                                               bool *ret_added, struct bm_fail *fail);

/* tpm2_ek.c. A maker's template and nonce of an endorsement key in place of the TCG's, each where there is one; index: the template's, for sentences. */
bm_must_use enum bm_rc bm_tpm2_ek_template(TPM2B_PUBLIC *template, uint32_t index, struct bm_bytes made, struct bm_bytes nonce,
                                           struct bm_fail *fail);
/* Adds the endorsement keys that this TPM has, and their certificates. */
bm_must_use enum bm_rc bm_tpm2_ek_list(struct bm_tpm2 *tpm, struct bm_leaf *leaf, struct bm_buf *certs, struct bm_fail *fail);
/* tpm->ek is the endorsement key with this hash, or the one that this TPM prefers (NULL); certs: its certificate, where there is one, and those between, appended. */
bm_must_use enum bm_rc bm_tpm2_ek_use(struct bm_tpm2 *tpm, const struct bm_key *ek, struct bm_buf *certs, struct bm_fail *fail);
/* tpm->ak is the attestation key: the lot's, or the one that is activated. */
bm_must_use enum bm_rc bm_tpm2_ak_use(struct bm_tpm2 *tpm, bool listed, struct bm_fail *fail);
/* What was kept loaded is gone: the TPM was reset, or another program flushed it. */
bool bm_tpm2_lost(TSS2_RC trc);

/*
 * Records: one for a service's live identity, one for its pending key, one for each sealed name and each permit, in NV indexes of our range
 * (docs/formats/device-store.md). A record that was not written to its end does not count; of two that say the same the younger counts.
 */
enum bm_tpm2_state {
    BM_TPM2_PENDING = 1,
    BM_TPM2_LIVE = 2,
    BM_TPM2_SEALED = 3,
    BM_TPM2_PERMIT = 4,
    BM_TPM2_TEMPLATE = 5 /* named by the template of this device's root keys; stays when all else is erased */
};
struct bm_tpm2_record {
    enum bm_tpm2_state state;
    uint32_t sequence;
    char service[BM_MAX_NAME + 1]; /* or what is sealed, or the permit's name */
    uint8_t bytes[4096];           /* as stored, without the parts' heads */
    size_t nbytes;
    struct bm_bytes public, private; /* TPM2B_PUBLIC and TPM2B_PRIVATE, views into bytes; a permit: nothing, its signature */
    struct bm_bytes bound;           /* bm_bound_parse() */
    struct bm_bytes certs;           /* each with a u16 length before it; sealed: the one ciphertext */
};
/* The record that counts; BM_EPOLICY when there is none. */
bm_must_use enum bm_rc bm_tpm2_record_get(struct bm_tpm2 *tpm, const char *service, enum bm_tpm2_state state,
                                          struct bm_tpm2_record *ret_record, struct bm_fail *fail);
/* Writes a record, then removes those that it replaces: of the same name and state; live replaces pending too. */
bm_must_use enum bm_rc bm_tpm2_record_put(struct bm_tpm2 *tpm, const char *service, enum bm_tpm2_state state, struct bm_bytes public,
                                          struct bm_bytes private, struct bm_bytes bound, const struct bm_bytes *certs, size_t ncerts,
                                          struct bm_fail *fail);
/* Names of the records of a state, the oldest first. */
struct bm_tpm2_names {
    char name[BM_TPM2_HANDLES][BM_MAX_NAME + 1];
    size_t n;
};
bm_must_use enum bm_rc bm_tpm2_record_names(struct bm_tpm2 *tpm, enum bm_tpm2_state state, struct bm_tpm2_names *ret_names,
                                            struct bm_fail *fail);
/* The same as a list of lines, sorted. */
bm_must_use enum bm_rc bm_tpm2_names_add(struct bm_tpm2 *tpm, enum bm_tpm2_state state, struct bm_buf *names, struct bm_fail *fail);
/* BM_EPOLICY when there is none. */
bm_must_use enum bm_rc bm_tpm2_record_remove(struct bm_tpm2 *tpm, const char *service, enum bm_tpm2_state state, struct bm_fail *fail);
/* Every index of ours, whole or not, but the template's record. */
bm_must_use enum bm_rc bm_tpm2_record_clear(struct bm_tpm2 *tpm, struct bm_fail *fail);

/* tpm2_object.c. A child of the storage key, as a record has it; what: for sentences. Flush it. */
bm_must_use enum bm_rc bm_tpm2_record_public(TPM2B_PUBLIC *ret_public, const struct bm_tpm2_record *record, const char *what,
                                             struct bm_fail *fail);
bm_must_use enum bm_rc bm_tpm2_load(struct bm_tpm2 *tpm, const struct bm_tpm2_record *record, const char *what, ESYS_TR *ret_object,
                                    struct bm_fail *fail);
/* Made under the storage key, with what the TPM is to keep inside (nothing: a key of its own), bound as tpm->bind says; both marshalled with their sizes. ret_object: NULL, or it is loaded too. */
bm_must_use enum bm_rc bm_tpm2_create(struct bm_tpm2 *tpm, enum bm_tpm2_form form, struct bm_bytes inside, ESYS_TR *ret_object,
                                      TPM2B_PUBLIC *ret_public, struct bm_buf *public, struct bm_buf *private, struct bm_fail *fail);

/* tpm2_service.c. tpm->loaded is this key from here on; its record and public area. */
bm_must_use enum bm_rc bm_tpm2_key_use(struct bm_tpm2 *tpm, const char *service, bool pending, struct bm_fail *fail);
bm_must_use enum bm_rc bm_tpm2_key_record(struct bm_tpm2 *tpm, const char *service, bool pending, struct bm_tpm2_record *ret_record,
                                          TPM2B_PUBLIC *ret_public, struct bm_fail *fail);
/* As root.h has them. */
bm_must_use enum bm_rc bm_tpm2_key_new(struct bm_root *root, const char *service, struct bm_key *ret_public, struct bm_fail *fail);
bm_must_use enum bm_rc bm_tpm2_key_public(struct bm_root *root, const char *service, bool pending, struct bm_key *ret_public,
                                          struct bm_fail *fail);
bm_must_use enum bm_rc bm_tpm2_key_sign(struct bm_root *root, const char *service, bool pending, struct bm_bytes tbs,
                                        enum bm_sig_alg *ret_alg, struct bm_buf *signature, struct bm_fail *fail);
bm_must_use enum bm_rc bm_tpm2_commit(struct bm_root *root, const char *service, const struct bm_bytes *certs, size_t ncerts,
                                      struct bm_fail *fail);
bm_must_use enum bm_rc bm_tpm2_certs(struct bm_root *root, const char *service, struct bm_buf *certs, struct bm_fail *fail);

/* tpm2_prove.c, as root.h has them. */
bm_must_use enum bm_rc bm_tpm2_attestation_key(struct bm_root *root, struct bm_buf *area, struct bm_fail *fail);
bm_must_use enum bm_rc bm_tpm2_activate(struct bm_root *root, const struct bm_key *key, struct bm_bytes credential,
                                        struct bm_bytes encrypted_secret, struct bm_secret *ret_secret, struct bm_fail *fail);
bm_must_use enum bm_rc bm_tpm2_certify(struct bm_root *root, const struct bm_key *by, const char *service, bool pending,
                                       struct bm_bytes extra_data, struct bm_buf *area, struct bm_buf *attest, struct bm_buf *signature,
                                       struct bm_fail *fail);

/* tpm2_boot.c. PCR values of the SHA-256 bank; BM_EPOLICY when the TPM does not keep them all. */
bm_must_use enum bm_rc bm_tpm2_pcrs_read(struct bm_tpm2 *tpm, uint32_t pcrs, uint8_t ret_values[static BM_PCRS][BM_HASH],
                                         struct bm_fail *fail);
/* A session that satisfies what is bound. what: for the sentence of BM_EPOLICY, which says that the machine booted something else. Flush it. */
bm_must_use enum bm_rc bm_tpm2_bound_session(struct bm_tpm2 *tpm, const struct bm_bound *bound, const char *what, ESYS_TR *ret_session,
                                             struct bm_fail *fail);
/* As root.h has them. */
bm_must_use enum bm_rc bm_tpm2_bind(struct bm_root *root, const struct bm_bound *bound, struct bm_fail *fail);
bm_must_use enum bm_rc bm_tpm2_boot_values(struct bm_root *root, uint32_t pcrs, uint8_t ret_values[static BM_PCRS][BM_HASH],
                                           struct bm_fail *fail);
bm_must_use enum bm_rc bm_tpm2_boot_permit(struct bm_root *root, const struct bm_permit *permit, struct bm_fail *fail);
bm_must_use enum bm_rc bm_tpm2_bound_tell(struct bm_root *root, enum bm_kept kept, const char *name, struct bm_bound *ret_bound,
                                          bool *ret_usable, struct bm_fail *fail);

/* tpm2_seal.c, as root.h has them. */
bm_must_use enum bm_rc bm_tpm2_seal(struct bm_root *root, const char *name, struct bm_bytes bytes, struct bm_fail *fail);
bm_must_use enum bm_rc bm_tpm2_unseal(struct bm_root *root, const char *name, struct bm_buf *bytes, struct bm_fail *fail);
bm_must_use enum bm_rc bm_tpm2_sealed(struct bm_root *root, struct bm_buf *names, struct bm_fail *fail);
bm_must_use enum bm_rc bm_tpm2_sealed_remove(struct bm_root *root, const char *name, struct bm_fail *fail);
bm_must_use enum bm_rc bm_tpm2_retire(struct bm_root *root, const char *service, struct bm_fail *fail);
bm_must_use enum bm_rc bm_tpm2_reset(struct bm_root *root, struct bm_fail *fail);

/* Parsing of a record's bytes, apart for tests: checks version, lengths and the hash at the end. */
bm_must_use enum bm_rc bm_tpm2_record_parse(struct bm_tpm2_record *record, struct bm_fail *fail);

#endif
