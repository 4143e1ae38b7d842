/* signer_messages.h - what registrar and signer say to each other; there is deliberately no "sign these bytes". Format: docs/formats/messages.md. */
#ifndef BM_SIGNER_MESSAGES_H
#define BM_SIGNER_MESSAGES_H

#include "base/env.h"
#include "base/limits.h"
#include "wire/rd.h"

/*
 * Every request carries an id; its answer carries the same id and the type BM_S_ANSWER, BM_S_REFUSED or BM_S_ISSUED. The signer takes all requests that wait,
 * up to 64, as one batch: intents, one fdatasync, signatures, done records, one fdatasync, then the answers. Layouts stand beside the names; integers are
 * big endian; "lv16"/"lv32" = length and bytes.
 */
enum bm_signer_message {
    /* requests: registrar -> signer */
    BM_S_HELLO = 1,  /* u64 ledger size that the store holds; answer: struct bm_s_site */
    BM_S_STATEMENT,  /* lv32 signed note (order, allow, roles), u8 n, n x lv16 profile text (for order); answer: struct bm_s_leaves */
    BM_S_LOT_BEGIN,  /* lv32 signed pin, lv32 head note (n = 0 for a foreign format); answer: empty */
    BM_S_LOT_LEAVES, /* u32 n, n x lv16 leaf DER; answer: empty */
    BM_S_LOT_END, /* empty, or lv16 why it comes in in quarantine; answer: struct bm_s_leaves. Any refusal on the way ends the lot; nothing stays. */
    BM_S_NONCE,     /* 32 hash of a root key; answer: 32 nonce, u32 seconds that it is good for at least */
    BM_S_CHALLENGE, /* lv16 endorsement key SPKI, lv16 AK TPMT_PUBLIC; answer: lv16 credential, lv16 encrypted secret */
    BM_S_ISSUE,     /* struct bm_s_issue; answer: BM_S_ISSUED, or BM_S_REFUSED */
    BM_S_CONFIRM,   /* lv16 serial; answer: struct bm_s_leaves (none when it was confirmed already) */
    BM_S_REVOKE,    /* lv16 serial, u8 CRLReason, lv16 operator, lv16 reason text; answer: struct bm_s_leaves */
    BM_S_REFUSAL,   /* struct bm_s_refusal: what the registrar refused by itself; answer: struct bm_s_leaves */
    BM_S_CRL, /* u8 number of the CA, u32 bucket; answer: u64 time until which it may be given out again unless a CHANGED names it, lv32 CertificateList DER */
    BM_S_CHECKPOINT, /* empty; answer: lv16 signed checkpoint */
    BM_S_LOT_STATE, /* lv16 lot, u8 BM_LOT_WITHDRAW | BM_LOT_QUARANTINE, lv16 operator, lv16 reason; a restriction: no signature. Answer: struct bm_s_leaves
                      * (none when it was so already) */
    BM_S_CHIPS, /* u8 BM_CHIPS_SCRAP | BM_CHIPS_WITHDRAW, lv16 lot, lv16 operator, lv16 reason, u32 n, n x { u8 nkeys, nkeys x 32 root-key hashes
                      * (kind id: the id's hash) }; answer: struct bm_s_leaves */
    BM_S_REPLAY,      /* u64 first ledger index wanted; answers: struct bm_s_leaves with whole records, until one with n = 0 */
    BM_S_ORDER_CLOSE, /* struct bm_s_order_close; a restriction: no signature. Answer: struct bm_s_leaves (none when it was closed already) */
    BM_S_DEVICE,      /* struct bm_s_device; a restriction: no signature. Answer: struct bm_s_leaves (none when it was so already) */
    BM_S_CA,          /* u8 number, u8 1: count its certificates; answer: struct bm_s_ca */
    BM_S_ROOT,        /* u8 number; answer: struct bm_s_root */
    BM_S_LISTS,       /* u8 number of the CA; answer: u32 n, n x u32 bucket: all whose lists somebody may need */
    BM_S_SUPPORT_CLOSE, /* struct bm_s_support_close; a restriction: no signature. Answer: struct bm_s_leaves (none when it was closed already) */
    BM_S_OCSP, /* OCSPRequest DER; answer: u64 time until which it may be given out again unless a CHANGED names one of its lists (0: not at all), u8 number
                * of the CA, u8 n, n x u32 bucket, lv32 OCSPResponse DER */
    BM_S_HELD, /* u64 leaves that the store holds for good; no answer. What it held once it must hold at the next HELLO */
    BM_S_AGAIN, /* empty, and nothing else is under way: it ends (BM_EXIT_AGAIN), and another one opens the keys of site.conf. No answer */

    /* answers: signer -> registrar */
    BM_S_ANSWER = 128,
    BM_S_ISSUED,  /* struct bm_s_issued */
    BM_S_REFUSED, /* struct bm_s_refused */

    /* unasked, id 0, once the registrar holds every leaf: signer -> registrar */
    BM_S_LATE, /* struct bm_s_leaves, one leaf as in a REPLAY: a certificate whose asker had been told to ask again; an alarm of the signer's own */
    BM_S_TOKEN, /* struct bm_s_token: when it changes; never from a signer whose keys are all in files */
    BM_S_CHANGED, /* n x { u8 number of the CA, u32 bucket, u8 1: everybody should hear of it now }, n >= 1: comes before the answers that it is true with */
};

#define BM_S_CHANGED_ONE 6   /* bytes */
#define BM_S_MAX_LISTS 32000 /* that one answer names: 64 million certificates */

enum {
    BM_LOT_WITHDRAW = 1,
    BM_LOT_QUARANTINE = 2,
    BM_CHIPS_SCRAP = 1,
    BM_CHIPS_WITHDRAW = 2
};

/* A statement's body, or that of a lot's beginning: a replay gives it back whole, with an event and a checkpoint around it. */
#define BM_S_MAX_SIGNED 122880
#define BM_S_MAX_REASON 400 /* bytes of text */

/* HELLO's answer. */
struct bm_s_site {
    uint8_t site[BM_HASH]; /* SHA-256 of the ledger's public key */
    uint64_t ledger_size;  /* the registrar asks REPLAY from its own size up to here */
    uint64_t held;     /* what the store held once: where it holds less, nothing but a recover statement is taken before it is caught up */
    uint64_t next_seq; /* of the next statement */
    uint64_t signed_total;       /* certificates ever signed by the CA keys */
    uint64_t signed_again;       /* of them, after a crash, over the same TBS */
    struct bm_bytes vkey;        /* ledger key, C2SP vkey text */
    struct bm_bytes checkpoint;  /* signed note over the tree of ledger_size */
    struct bm_bytes confinement; /* one line: which confinement holds */
};

/* One appended ledger leaf, with all that the store keeps of it. */
struct bm_s_leaf {
    uint64_t index;
    uint8_t salt[32];
    struct bm_bytes event;       /* text */
    struct bm_bytes certificate; /* DER; n = 0 for events without one */
    struct bm_bytes evidence;    /* bundle; n = 0 likewise, and n = 0 in ISSUED, whose asker holds it; present in REPLAY */
    struct bm_bytes attachment;  /* the signed note of a statement event, with its profiles; n = 0 otherwise; present in REPLAY */
};
#define BM_S_MAX_LEAVES 4
struct bm_s_leaves {
    size_t n;
    struct bm_s_leaf leaf[BM_S_MAX_LEAVES];
    struct bm_bytes checkpoint; /* signed over the tree that includes them (in a batch: all of the batch) */
};

struct bm_s_issue {
    struct bm_bytes order;   /* name */
    struct bm_bytes profile; /* name */
    struct bm_bytes bundle;  /* evidence bundle */
    struct bm_bytes source;  /* where it came from, for the record: "gate 10.0.0.7", at most 64 bytes */
};

/* ISSUED: u8 repeat. Not repeat: leaves[0] is the issue (with certificate), leaves[1..] others of the same commit. */
struct bm_s_issued {
    bool repeat; /* a retry: `serial` names the certificate that was issued before; no leaves */
    uint8_t serial[BM_MAX_SERIAL];
    size_t nserial;
    struct bm_bytes device;
    struct bm_s_leaves leaves;
};

/* REFUSED: the class and the sentence; a leaf when the refusal is on record (proved root key, operator). */
struct bm_s_refused {
    uint8_t rc; /* enum bm_rc */
    struct bm_bytes sentence;
    struct bm_s_leaves leaves; /* n = 0 or 1 */
};

/* Whether the token that holds CA keys is there. */
struct bm_s_token {
    bool here;
    bm_time since;            /* that it is away; 0: here, or the clock was not set */
    struct bm_bytes sentence; /* why it is away, and what to do */
};

/* A refusal that the registrar decided. */
struct bm_s_refusal {
    struct bm_bytes kind; /* "unknown-chip", "lot", "statement", "enrol", "counted" */
    struct bm_bytes chip; /* hex hash of the root key that spoke, or empty */
    struct bm_bytes lot;  /* or empty */
    struct bm_bytes by;   /* operator, or empty */
    uint64_t count;       /* for "counted": so many without a leaf of their own; else 1 */
    struct bm_bytes sentence;
};

/* LOT_STATE: a restriction of a lot. */
struct bm_s_lot_state {
    uint8_t what; /* BM_LOT_WITHDRAW, BM_LOT_QUARANTINE */
    struct bm_bytes lot, by, reason;
};

/* An issuing CA. u8 how many there are; then, where the number is below that: lv16 name, u8 enum bm_ca, u8 retired, u64 issued, u64 live, u64 end, lv16 serves,
 * lv16 DER. */
struct bm_s_ca {
    unsigned n;
    struct bm_bytes name;
    uint8_t kind; /* enum bm_ca */
    bool retired;
    uint64_t issued, live;  /* live: 0 unless they were counted */
    bm_time last_end;       /* of the last certificate that it issued; 0: it issued none */
    struct bm_bytes serves; /* "lot L1 product P2"; empty: all that no other serves by name */
    struct bm_bytes der;    /* its certificate; n = 0: there is no CA of this number */
};
void bm_s_ca_build(struct bm_buf *buf, const struct bm_s_ca *ca);
bm_must_use enum bm_rc bm_s_ca_parse(struct bm_s_ca *ret_ca, struct bm_rd body, struct bm_fail *fail);

/* A root, and what leads to it from the one before. u8 how many there are; then, where the number is below that: 3 x lv16 DER. */
struct bm_s_root {
    unsigned n;
    struct bm_bytes der, new_with_old, old_with_new; /* n = 0 as in struct bm_root (signer/cas.h); der n = 0: no root of this number */
};
void bm_s_root_build(struct bm_buf *buf, const struct bm_s_root *root);
bm_must_use enum bm_rc bm_s_root_parse(struct bm_s_root *ret_root, struct bm_rd body, struct bm_fail *fail);

/* ORDER_CLOSE: lv16 each. */
struct bm_s_order_close {
    struct bm_bytes order, by, reason;
};
void bm_s_order_close_build(struct bm_buf *buf, const struct bm_s_order_close *order);
bm_must_use enum bm_rc bm_s_order_close_parse(struct bm_s_order_close *ret_order, struct bm_rd body, struct bm_fail *fail);

/* DEVICE: u8 move, lv16 device (20 hex digits), u8 CRLReason, lv16 operator, lv16 reason, lv16 receipt: suspended, revoked, decommissioned. */
struct bm_s_device {
    uint8_t move; /* enum bm_move */
    struct bm_bytes device;
    uint8_t reason; /* of a revocation; else 0 */
    struct bm_bytes by, text;
    struct bm_bytes receipt; /* of a device that is decommissioned: its word that it erased itself (evidence/erased.h); n = 0: none */
};
void bm_s_device_build(struct bm_buf *buf, const struct bm_s_device *device);
bm_must_use enum bm_rc bm_s_device_parse(struct bm_s_device *ret_device, struct bm_rd body, struct bm_fail *fail);

/* SUPPORT_CLOSE: lv16 device, lv16 operator (empty: its time is over), lv16 reason. */
struct bm_s_support_close {
    struct bm_bytes device, by, reason;
};
void bm_s_support_close_build(struct bm_buf *buf, const struct bm_s_support_close *close);
bm_must_use enum bm_rc bm_s_support_close_parse(struct bm_s_support_close *ret_close, struct bm_rd body, struct bm_fail *fail);

/* CHIPS: a restriction of some chips of a lot, named by all their root keys. */
#define BM_S_MAX_CHIPS 1000
struct bm_s_chips {
    uint8_t what; /* BM_CHIPS_SCRAP, BM_CHIPS_WITHDRAW */
    struct bm_bytes lot, by, reason;
    uint32_t n;            /* 1 to BM_S_MAX_CHIPS */
    struct bm_bytes chips; /* n x { u8 nkeys (1 to 8), nkeys x 32 }: build takes it as it is, parse has checked it */
};

/* One pair a struct; views into the message. Every _parse wants exactly all bytes. */
void bm_s_site_build(struct bm_buf *buf, const struct bm_s_site *site);
bm_must_use enum bm_rc bm_s_site_parse(struct bm_s_site *ret_site, struct bm_rd body, struct bm_fail *fail);
void bm_s_leaves_build(struct bm_buf *buf, const struct bm_s_leaves *leaves);
bm_must_use enum bm_rc bm_s_leaves_parse(struct bm_s_leaves *ret_leaves, struct bm_rd body, struct bm_fail *fail);
void bm_s_issue_build(struct bm_buf *buf, const struct bm_s_issue *issue);
bm_must_use enum bm_rc bm_s_issue_parse(struct bm_s_issue *ret_issue, struct bm_rd body, struct bm_fail *fail);
void bm_s_issued_build(struct bm_buf *buf, const struct bm_s_issued *issued);
bm_must_use enum bm_rc bm_s_issued_parse(struct bm_s_issued *ret_issued, struct bm_rd body, struct bm_fail *fail);
void bm_s_refused_build(struct bm_buf *buf, const struct bm_s_refused *refused);
bm_must_use enum bm_rc bm_s_refused_parse(struct bm_s_refused *ret_refused, struct bm_rd body, struct bm_fail *fail);
void bm_s_token_build(struct bm_buf *buf, const struct bm_s_token *token);
bm_must_use enum bm_rc bm_s_token_parse(struct bm_s_token *ret_token, struct bm_rd body, struct bm_fail *fail);
void bm_s_refusal_build(struct bm_buf *buf, const struct bm_s_refusal *refusal);
bm_must_use enum bm_rc bm_s_refusal_parse(struct bm_s_refusal *ret_refusal, struct bm_rd body, struct bm_fail *fail);
void bm_s_lot_state_build(struct bm_buf *buf, const struct bm_s_lot_state *state);
bm_must_use enum bm_rc bm_s_lot_state_parse(struct bm_s_lot_state *ret_state, struct bm_rd body, struct bm_fail *fail);
void bm_s_chips_build(struct bm_buf *buf, const struct bm_s_chips *chips);
bm_must_use enum bm_rc bm_s_chips_parse(struct bm_s_chips *ret_chips, struct bm_rd body, struct bm_fail *fail);

#endif
