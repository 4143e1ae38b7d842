/* tpm2.h - one TPM 2.0 over ESYS: its keys by template, its records in NV, its refusals as sentences. */
#ifndef BM_TPM2_H
#define BM_TPM2_H

#include "root/backend.h"

#include <tss2/tss2_esys.h>

struct bm_tpm2 {
    struct bm_root root;
    TSS2_TCTI_CONTEXT *tcti;
    ESYS_CONTEXT *esys;
    char where[128];              /* the TCTI's name, for sentences */
    char conf[256];               /* what the TCTI loader is given; "" = its default */
    ESYS_TR loaded;               /* the operational key used last: a handshake signs without loading; ESYS_TR_NONE: none */
    uint8_t loaded_hash[BM_HASH]; /* of its record */
};
bm_must_use enum bm_rc bm_tpm2_open(struct bm_tpm2 **ret_tpm, const char *conf, struct bm_fail *fail);
void bm_tpm2_close(struct bm_tpm2 *tpm);

/* What a response code means to the reader; BM_EBUSY. */
enum bm_rc bm_tpm2_fail(const struct bm_tpm2 *tpm, TSS2_RC trc, const char *what, struct bm_fail *fail);

/* Handles of one kind, from `first` on; at most 64. */
#define BM_TPM2_HANDLES 64
bm_must_use enum bm_rc bm_tpm2_handles(struct bm_tpm2 *tpm, uint32_t first, uint32_t ret[static BM_TPM2_HANDLES], size_t *ret_n,
                                       struct bm_fail *fail);
/* A property of the TPM (TPM2_PT_NV_BUFFER_MAX ...). */
bm_must_use enum bm_rc bm_tpm2_property(struct bm_tpm2 *tpm, uint32_t property, uint32_t *ret_value, struct bm_fail *fail);
void bm_tpm2_flush(struct bm_tpm2 *tpm, ESYS_TR *object); /* a transient object or session; ESYS_TR_NONE is nothing */

/* Reads an NV index as a whole, appended. */
bm_must_use enum bm_rc bm_tpm2_nv_read(struct bm_tpm2 *tpm, uint32_t index, struct bm_buf *value, struct bm_fail *fail);

/* A primary key by its template. Flush it. */
bm_must_use enum bm_rc bm_tpm2_primary(struct bm_tpm2 *tpm, ESYS_TR hierarchy, const TPM2B_PUBLIC *template, ESYS_TR *ret_object,
                                       TPM2B_PUBLIC *ret_public, struct bm_fail *fail);
extern const TPM2B_PUBLIC bm_tpm2_srk;         /* TCG's P-256 storage key, parent of operational keys; owner hierarchy */
extern const TPM2B_PUBLIC bm_tpm2_ak;          /* our attestation key; endorsement hierarchy */
extern const TPM2B_PUBLIC bm_tpm2_operational; /* an operational key, child of the storage key */

bm_must_use enum bm_rc bm_tpm2_public_key(struct bm_key *ret_key, const TPM2B_PUBLIC *area, struct bm_fail *fail);

/* Endorsement keys: how many this TPM has, which, their certificates. */
bm_must_use enum bm_rc bm_tpm2_ek_list(struct bm_tpm2 *tpm, struct bm_leaf *ret_leaf, struct bm_buf *certs, struct bm_fail *fail);
/* The endorsement key with this hash, ready for use; *ret_transient: flush it. *ret_policy: it wants a policy session. */
bm_must_use enum bm_rc bm_tpm2_ek_load(struct bm_tpm2 *tpm, const struct bm_key *ek, ESYS_TR *ret_object, bool *ret_transient,
                                       bool *ret_policy, struct bm_fail *fail);

/*
 * Records: one for a service's live identity, one for its pending key, in NV indexes of our range (docs/formats/device-store.md). A record that was
 * not written to its end does not count; of two that say the same the younger counts.
 */
enum bm_tpm2_state {
    BM_TPM2_PENDING = 1,
    BM_TPM2_LIVE = 2
};
struct bm_tpm2_record {
    enum bm_tpm2_state state;
    uint32_t sequence;
    char service[BM_MAX_NAME + 1];
    uint8_t bytes[4096]; /* as stored, without the parts' heads */
    size_t nbytes;
    struct bm_bytes public, private; /* TPM2B_PUBLIC and TPM2B_PRIVATE, views into bytes */
    struct bm_bytes certs;           /* each with a u16 length before it */
};
/* The record that counts; BM_EPOLICY when there is none. */
bm_must_use enum bm_rc bm_tpm2_record_get(struct bm_tpm2 *tpm, const char *service, enum bm_tpm2_state state,
                                          struct bm_tpm2_record *ret_record, struct bm_fail *fail);
/* Writes a record, then removes those that it replaces: state pending replaces pending; live replaces live and pending. */
bm_must_use enum bm_rc bm_tpm2_record_put(struct bm_tpm2 *tpm, const char *service, enum bm_tpm2_state state, struct bm_bytes public,
                                          struct bm_bytes private, const struct bm_bytes *certs, size_t ncerts, struct bm_fail *fail);
/* Names of the services with a live record. */
bm_must_use enum bm_rc bm_tpm2_record_services(struct bm_tpm2 *tpm, struct bm_buf *names, struct bm_fail *fail);

/* Parsing of a record's bytes, apart for tests: checks version, lengths and the hash at the end. */
bm_must_use enum bm_rc bm_tpm2_record_parse(struct bm_tpm2_record *record, struct bm_fail *fail);

#endif
