/* records.h - what the journal's records say, built and read back. Format: docs/formats/journal.md. */
#ifndef BM_RECORDS_H
#define BM_RECORDS_H

#include "evidence/may_issue.h"
#include "record/event.h"
#include "wire/rd.h"

#define BM_JOURNAL_VERSION 6

enum bm_record_type {
    BM_R_FOUNDED = 1, /* the first: version, site, operators */
    BM_R_STATEMENT,   /* an order, allow or roles statement, taken */
    BM_R_LOT,         /* begins a lot */
    BM_R_LOT_KEYS,    /* the beginnings of root-key hashes of some of its leaves */
    BM_R_LOT_END,     /* its pin: the lot counts from here on; without it all since BM_R_LOT is void */
    BM_R_INTENT,      /* a certificate will be signed: everything about it; consumes */
    BM_R_DONE,        /* it was signed */
    BM_R_CONFIRMED,
    BM_R_REVOKED,
    BM_R_NOTED,     /* an event that changes nothing: a refusal */
    BM_R_CRL,       /* a CRL's number is used up */
    BM_R_LOT_STATE, /* a lot is withdrawn or in quarantine */
    BM_R_CHIPS,     /* chips are scrapped or withdrawn */
    BM_R_FORKED,    /* an identity's first fork: the refused renewal is the proof, and kept */
    BM_R_ORDER_CLOSED,
    BM_R_DEVICE, /* a device is suspended, revoked or decommissioned */
    BM_R_SUPPORT_CLOSED,
    BM_R_RESPONDER,        /* a certificate for the key that answers OCSP questions will be signed: everything about it */
    BM_R_RESPONDER_SIGNED, /* it was */
    BM_R_HELD,             /* what the store holds for good */
    BM_R__N
};

/* Every body begins with the ledger leaves that the record appends: u8 n, n x { u8 kind, 32 salt, lv16 event }. */
#define BM_MAX_RECORD_LEAVES 3
struct bm_record_leaf {
    enum bm_event_kind kind;
    uint8_t salt[BM_SALT];
    struct bm_bytes event;
};
struct bm_record_leaves {
    size_t n;
    struct bm_record_leaf leaf[BM_MAX_RECORD_LEAVES];
};
void bm_record_leaves_build(struct bm_buf *buf, const struct bm_record_leaves *leaves);
void bm_record_leaves_take(struct bm_rd *rd, struct bm_record_leaves *ret_leaves);

/* BM_R_INTENT: no leaves. */
struct bm_intent {
    bm_time time;
    bm_time not_after;
    enum bm_decision decision;
    unsigned ca;     /* its number (cas.h) */
    uint32_t bucket; /* its number, of the CA's (revocations.h) */
    enum bm_evidence_class evidence;
    struct bm_shown shown;
    uint8_t chip[BM_HASH]; /* the root key that spoke */
    uint8_t key[BM_HASH];  /* the operational key */
    struct bm_bytes lot, order, profile, service;
    struct bm_bytes serial;
    struct bm_bytes replaces; /* serial; n = 0: none */
    struct bm_bytes tbs;
    struct bm_bytes bundle;
};
void bm_intent_build(struct bm_buf *buf, const struct bm_intent *intent);
bm_must_use enum bm_rc bm_intent_parse(struct bm_intent *ret_intent, struct bm_bytes body, struct bm_fail *fail);

/* BM_R_DONE: the leaf of the issue; after a crash one more that says so. */
struct bm_done {
    struct bm_record_leaves leaves;
    uint64_t intent; /* where its BM_R_INTENT stands */
    bool again;
    enum bm_sig_alg alg;
    struct bm_bytes signature;
};
void bm_done_build(struct bm_buf *buf, const struct bm_done *done);
bm_must_use enum bm_rc bm_done_parse(struct bm_done *ret_done, struct bm_bytes body, struct bm_fail *fail);

/* BM_R_FOUNDED: leaves SITE_FOUNDED and ROLES_SET; `roles` is the text of a roles statement that nobody signed. */
struct bm_founded {
    struct bm_record_leaves leaves;
    uint8_t site[BM_HASH];
    struct bm_bytes roles;
    struct bm_bytes root;         /* DER */
    struct bm_bytes ca[BM_CA__N]; /* DER, of init's issuing CAs */
};
void bm_founded_build(struct bm_buf *buf, const struct bm_founded *founded);
bm_must_use enum bm_rc bm_founded_parse(struct bm_founded *ret_founded, struct bm_bytes body, struct bm_fail *fail);

/* BM_R_STATEMENT: `rest` is BM_S_STATEMENT's body (note and profiles). BM_R_LOT: nothing. BM_R_LOT_KEYS: n x 8 (listed.h), no leaves.
 * BM_R_LOT_END: BM_S_LOT_BEGIN's body (pin and head note). BM_R_NOTED: leaves only. BM_R_LOT_STATE, BM_R_CHIPS: the body of BM_S_LOT_STATE, BM_S_CHIPS.
 * BM_R_ORDER_CLOSED, BM_R_DEVICE, BM_R_SUPPORT_CLOSED: u64 time, the body of BM_S_ORDER_CLOSE, BM_S_DEVICE, BM_S_SUPPORT_CLOSE. */
struct bm_plain {
    struct bm_record_leaves leaves;
    struct bm_bytes rest;
};
void bm_plain_build(struct bm_buf *buf, const struct bm_plain *plain);
bm_must_use enum bm_rc bm_plain_parse(struct bm_plain *ret_plain, struct bm_bytes body, struct bm_fail *fail);

/* BM_R_CONFIRMED (reason 0), BM_R_REVOKED. */
struct bm_marked {
    struct bm_record_leaves leaves;
    struct bm_bytes serial;
    uint8_t reason; /* CRLReason */
    bm_time time;
};
void bm_marked_build(struct bm_buf *buf, const struct bm_marked *marked);
bm_must_use enum bm_rc bm_marked_parse(struct bm_marked *ret_marked, struct bm_bytes body, struct bm_fail *fail);

/* BM_R_FORKED: the leaf of the refusal; and, where the device was not suspended yet, that it is from now on. */
struct bm_forked {
    struct bm_record_leaves leaves;
    struct bm_bytes serial; /* of the identity's newest certificate */
    struct bm_bytes bundle;
};
void bm_forked_build(struct bm_buf *buf, const struct bm_forked *forked);
bm_must_use enum bm_rc bm_forked_parse(struct bm_forked *ret_forked, struct bm_bytes body, struct bm_fail *fail);

/* BM_R_CRL: no leaves. */
struct bm_crl_record {
    unsigned ca;
    uint32_t bucket;
    uint64_t number;
    bm_time time;
};
void bm_crl_record_build(struct bm_buf *buf, const struct bm_crl_record *crl);
bm_must_use enum bm_rc bm_crl_record_parse(struct bm_crl_record *ret_crl, struct bm_bytes body, struct bm_fail *fail);

/* BM_R_RESPONDER: no leaves. */
struct bm_responder_record {
    bm_time time, not_after;
    unsigned ca;
    uint8_t key[BM_HASH]; /* whose certificate it is */
    struct bm_bytes tbs;
};
void bm_responder_record_build(struct bm_buf *buf, const struct bm_responder_record *responder);
bm_must_use enum bm_rc bm_responder_record_parse(struct bm_responder_record *ret_responder, struct bm_bytes body, struct bm_fail *fail);

/* BM_R_RESPONDER_SIGNED: the leaf says so. */
struct bm_responder_signed {
    struct bm_record_leaves leaves;
    unsigned ca;
    enum bm_sig_alg alg;
    struct bm_bytes signature;
};
void bm_responder_signed_build(struct bm_buf *buf, const struct bm_responder_signed *made);
bm_must_use enum bm_rc bm_responder_signed_parse(struct bm_responder_signed *ret_signed, struct bm_bytes body, struct bm_fail *fail);

#endif
