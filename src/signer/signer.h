/* signer.h - the CA process as one struct, and the batch in which requests share the durable steps. */
#ifndef BM_SIGNER_H
#define BM_SIGNER_H

#include "base/secret.h"
#include "pki/cert.h"
#include "pki/tbs.h"
#include "proc/rules.h"
#include "proc/signer_messages.h"
#include "record/site.h"
#include "signer/listed.h"
#include "signer/memory.h"
#include "signer/queue.h"
#include "signer/token.h"

enum {
    BM_PHASE_SETUP = 1,
    BM_PHASE_READY = 2,
    BM_PHASE_OLD = 4 /* the store is an old copy: a recover statement leads to READY */
};                   /* before and after HELLO */

/* The key of an issuing CA, by a name of site.conf: opened before the confinement, whether a CA of that name is on record or only asked for by then. */
struct bm_ca_key {
    const char *name, *uri;
    bool known;             /* its public half, by the certificate or the request in HOME/ca */
    bool asked;             /* by the request: a CA that nobody has made yet */
    bool kept;              /* the keeper has it ... */
    bool open;              /* ... and found it, when its tokens were there last */
    struct bm_token *token; /* else; NULL: it could not be opened */
    struct bm_key key;
    struct bm_buf der; /* its certificate, as it lies there: who founds a site believes it, nobody else */
};

#define BM_BATCH_MORE 4 /* answers that nobody asked for, of responders that were certified on the way */

/* An answer that waits for the batch to be durable. Texts lie in the batch's arena, by offset, since it grows. */
struct bm_answer {
    uint64_t id;
    uint16_t type; /* BM_S_ANSWER, BM_S_ISSUED, BM_S_REFUSED, BM_S_LATE; 0: it waits in the queue now */
    enum {
        BM_LATER_NOTHING,
        BM_LATER_SIGN,
        BM_LATER_CRL,
        BM_LATER_OCSP
    } later;
    uint64_t intent;          /* BM_LATER_SIGN: where its intent stands */
    struct bm_crl_record crl; /* BM_LATER_OCSP: CA and time */
    bm_time until;            /* of a CRL */
    enum bm_rc rc;
    bool repeat;
    uint8_t serial[BM_MAX_SERIAL];
    size_t nserial;
    char device[BM_DEVICE_TEXT];
    struct bm_span {
        size_t at, n;
    } sentence, crl_der, question, made; /* the last two of OCSP: what was asked; the answer's body, n = 0 while it is not signed */
    size_t nleaves;
    struct bm_answer_leaf {
        uint64_t index;
        uint8_t salt[BM_SALT];
        struct bm_span event, certificate;
    } leaf[BM_MAX_RECORD_LEAVES];
};

/* Leaves about refused requests of the chips that share a cell, in one minute: a chip that asks in a loop fills neither the disk nor the alarms. */
#define BM_REFUSAL_CELLS 1024
#define BM_REFUSALS_A_MINUTE 10
struct bm_refusals {
    uint32_t minute, n;
};

/* A lot that came whole, on its way through all that is pinned. */
struct bm_comparing {
    bool open;
    uint64_t id;                  /* who waits for the answer */
    char reason[BM_S_MAX_REASON]; /* why it is in quarantine from the start */
    size_t nreason;
    struct bm_tags tags; /* that it lists */
    struct bm_listing listing;
    struct bm_buf run;
};

struct bm_signer {
    const struct bm_env *env;
    int channel;
    struct bm_rules rules;
    bool again;           /* it ends, and another one begins on the same channel */
    struct bm_site *site; /* 90 KiB */
    struct bm_ca_key keys[BM_MAX_KEYS];
    size_t nkeys;
    struct bm_buf root;                   /* as `der` of keys */
    struct bm_issuer issuers[BM_MAX_CAS]; /* of all CAs on record, by number, as far as bm_ca_join() has come */
    size_t nissuers;
    struct bm_ocsp_issuer asked_by[BM_MAX_CAS]; /* by what OCSP questions name each of them */
    const struct bm_ca_key *ocsp_key;           /* of `keys`; NULL: nobody answers such questions */
    struct bm_crypto *crypto;
    struct bm_secret nonce_key;
    struct bm_note_signer ledger;
    uint64_t seed; /* of tables */
    struct bm_journal journal;
    struct bm_memory memory;
    struct bm_stream stream;
    struct bm_comparing comparing;
    struct bm_refusals refusals[BM_REFUSAL_CELLS]; /* a chip's cell: its device id modulo these */
    struct bm_queue queue;
    uint64_t store; /* leaves that it held when it greeted */

    struct bm_answer batch[BM_BATCH + BM_BATCH_MORE];
    size_t nbatch;
    struct bm_buf arena;
    struct bm_buf checkpoint; /* signed, over the first `checkpointed` leaves */
    uint64_t checkpointed;

    /* used again and again, empty in between */
    struct bm_buf record, text[BM_MAX_RECORD_LEAVES], body, read, der;
};

void bm_signer_init(struct bm_signer *signer, const struct bm_env *env, int channel);
/* Frees all, whatever was opened. */
void bm_signer_done(struct bm_signer *signer);

/* ---- records (commit.c) ---- */

/* An event's text into signer->text[i], with a fresh salt. */
bm_must_use enum bm_rc bm_leaf_make(struct bm_signer *signer, size_t i, const struct bm_event *event, struct bm_record_leaf *ret_leaf,
                                    struct bm_fail *fail);
/* Adds the record whose body is signer->record to the journal and applies it. Its leaves go into the answer (NULL: nobody asked). */
bm_must_use enum bm_rc bm_commit(struct bm_signer *signer, enum bm_record_type type, const struct bm_record_leaves *leaves,
                                 struct bm_answer *answer, struct bm_fail *fail);
/* A record of one event that changes nothing else: a refusal. */
bm_must_use enum bm_rc bm_commit_noted(struct bm_signer *signer, const struct bm_event *event, struct bm_answer *answer,
                                       struct bm_fail *fail);

/* The refusal of a renewal that proves a fork, by which the device is suspended (NULL: it can't be); the bundle is kept. */
bm_must_use enum bm_rc bm_commit_forked(struct bm_signer *signer, const struct bm_event *event, const struct bm_event *suspended,
                                        struct bm_bytes serial, struct bm_bytes bundle, struct bm_answer *answer, struct bm_fail *fail);

/* ---- answers (batch.c) ---- */

/* A new answer in the batch; rules_pass is never called with a full one. */
struct bm_answer *bm_batch_answer(struct bm_signer *signer, uint64_t id, uint16_t type);
struct bm_span bm_batch_keep(struct bm_signer *signer, struct bm_bytes bytes);
struct bm_bytes bm_batch_kept(const struct bm_signer *signer, struct bm_span span); /* a view until more is kept */
/* Refuses: class and sentence of `why`; with an event, its leaf too. Gives BM_OK unless the journal fails. BM_EBUG is never answered: it is returned. */
bm_must_use enum bm_rc bm_batch_refuse(struct bm_signer *signer, uint64_t id, const struct bm_fail *why, const struct bm_event *event,
                                       struct bm_fail *fail);
/* Intents durable, signed, done records durable, checkpoint, answers. */
/* To the registrar: in which lists something else stands now, once it holds every leaf (status.c). */
bm_must_use enum bm_rc bm_changes_tell(struct bm_signer *signer, struct bm_fail *fail);
bm_must_use enum bm_rc bm_batch_finish(struct bm_signer *signer, struct bm_fail *fail);
/* A refusal without a leaf (status.c). */
bm_must_use enum bm_rc bm_refuse_now(struct bm_signer *signer, uint64_t id, enum bm_rc rc, const char *sentence, struct bm_fail *fail);
/* A name of the usual form; or nothing, where that is allowed (status.c). */
bool bm_name_or_empty(struct bm_bytes name, bool empty_ok);
/* A CRLReason for good (status.c). */
bool bm_reason_ok(uint8_t reason);
/* An answer that needs no durable step. */
bm_must_use enum bm_rc bm_answer_now(struct bm_signer *signer, uint64_t id, struct bm_bytes body, struct bm_fail *fail);
/* The checkpoint over all leaves, which must be durable. */
bm_must_use enum bm_rc bm_checkpoint_now(struct bm_signer *signer, struct bm_fail *fail);

/* Turns an answer into a refusal by the environment, without a leaf; BM_EBUG is returned. */
bm_must_use enum bm_rc bm_answer_turn(struct bm_signer *signer, struct bm_answer *answer, const struct bm_fail *why, struct bm_fail *fail);
/* One leaf as a replay has it, with certificate and evidence (replay.c). */
bm_must_use enum bm_rc bm_leaf_send(struct bm_signer *signer, uint16_t type, uint64_t id, uint64_t index, struct bm_fail *fail);

/* ---- the CAs and their keys (keys.c) ---- */

/* Before the confinement, in this order: what site.conf and HOME/ca say of them; the keeper of tokens, while no secret is here yet; the keys in files. */
bm_must_use enum bm_rc bm_keys_read(struct bm_signer *signer, const char *home, struct bm_fail *fail);
bm_must_use enum bm_rc bm_keys_keeper(struct bm_signer *signer, const char *home, struct bm_fail *fail);
bm_must_use enum bm_rc bm_keys_open(struct bm_signer *signer, const char *home, struct bm_fail *fail);
/* CAs that came on record since the last time can issue from here on. */
bm_must_use enum bm_rc bm_ca_join(struct bm_signer *signer, struct bm_fail *fail);
/* The issuer of the certificates of one bucket, and of its lists. */
void bm_ca_bucket(struct bm_issuer *ret_issuer, const struct bm_signer *signer, unsigned ca, uint32_t bucket);
/* Would a statement of CAs be taken (ca_try.c)? BM_EPOLICY, BM_EINPUT: why not. Else the event says what it does; its texts are in `words`. */
struct bm_ca_words {
    char certificate[2 * BM_HASH + 1];
    char name[BM_MAX_NAME + 1];
    char reason[BM_EVENT_REASON];
};
bm_must_use enum bm_rc bm_ca_try(const struct bm_signer *signer, const struct bm_ca_statement *statement, struct bm_ca_words *words,
                                 struct bm_event *event, struct bm_fail *fail);
/* The key of the CA of this number. BM_EBUSY: it is not here. */
bm_must_use enum bm_rc bm_ca_key(const struct bm_ca_key **ret_key, const struct bm_signer *signer, unsigned ca, struct bm_fail *fail);

/* ---- signing (sign.c) ---- */

/* Views into signer->read. */
bm_must_use enum bm_rc bm_intent_read(struct bm_signer *signer, uint64_t at, struct bm_intent *ret_intent, struct bm_fail *fail);
/* A signature that holds: adds the done record of the intent that stands there. again: it may have been signed before. */
bm_must_use enum bm_rc bm_intent_done(struct bm_signer *signer, uint64_t at, bool again, struct bm_bytes signature,
                                      struct bm_answer *answer, struct bm_fail *fail);
/* *ret_until: how long it may be given out again, where nothing changes in it. */
bm_must_use enum bm_rc bm_crl_tbs(struct bm_signer *signer, const struct bm_crl_record *crl, struct bm_buf *tbs, bm_time *ret_until,
                                  struct bm_fail *fail);
bm_must_use enum bm_rc bm_crl_done(struct bm_signer *signer, unsigned ca, struct bm_bytes tbs, struct bm_bytes signature,
                                   struct bm_answer *answer, struct bm_fail *fail);
/* Both with a key in a file: signs the TBS of the intent that stands there, or the CRL of a number that is durable; verifies. */
bm_must_use enum bm_rc bm_sign_intent(struct bm_signer *signer, uint64_t at, bool again, struct bm_answer *answer, struct bm_fail *fail);
bm_must_use enum bm_rc bm_sign_crl(struct bm_signer *signer, struct bm_answer *answer, struct bm_fail *fail);

/* A serial number that no certificate has (issue.c). */
bm_must_use enum bm_rc bm_serial_draw(struct bm_signer *signer, uint8_t ret_serial[static BM_MAX_SERIAL], struct bm_fail *fail);

/* ---- OCSP (ocsp.c) ---- */

/* What must be durable is: signs, or puts it where it waits for the token. */
bm_must_use enum bm_rc bm_ocsp_go(struct bm_signer *signer, struct bm_answer *answer, struct bm_fail *fail);
/* Signatures that hold. */
bm_must_use enum bm_rc bm_ocsp_done(struct bm_signer *signer, unsigned ca, struct bm_bytes head, struct bm_bytes tbs,
                                    struct bm_bytes signature, struct bm_answer *answer, struct bm_fail *fail);
bm_must_use enum bm_rc bm_responder_signed(struct bm_signer *signer, unsigned ca, struct bm_bytes signature, struct bm_fail *fail);

/* ---- what waits for a token (queue.c, queue_hear.c) ---- */

/* May another request wait? BM_EBUSY: the key is not here, its token is away, or too many wait. Always, for a key in a file. */
bm_must_use enum bm_rc bm_queue_admit(const struct bm_signer *signer, unsigned ca, bool crl, struct bm_fail *fail);
/* Does an intent for this serial wait? */
bool bm_queue_holds(const struct bm_signer *signer, struct bm_bytes serial);
/* Durable by now. answer NULL: nobody asks, a process before this one took it. *ret_taken false: its key is in a file, sign it here. */
bm_must_use enum bm_rc bm_queue_intent(struct bm_signer *signer, uint64_t at, struct bm_answer *answer, bool *ret_taken,
                                       struct bm_fail *fail);
/* An answer that repeats one whose intent waits, waits with it. */
bm_must_use enum bm_rc bm_queue_repeat(struct bm_signer *signer, struct bm_answer *answer, struct bm_fail *fail);
bm_must_use enum bm_rc bm_queue_crl(struct bm_signer *signer, struct bm_answer *answer, struct bm_fail *fail);
/* False: too many wait, or the token is away. */
bm_must_use bool bm_queue_ocsp(struct bm_signer *signer, struct bm_answer *answer, struct bm_bytes head, struct bm_bytes tbs);
/* A responder's certificate, unless it waits already. */
bm_must_use enum bm_rc bm_queue_responder(struct bm_signer *signer, unsigned ca, struct bm_bytes tbs, struct bm_fail *fail);
bm_must_use enum bm_rc bm_queue_send(struct bm_signer *signer, struct bm_fail *fail);
/* A signature came: its answer goes into the batch. *ret_wrong: it does not hold, and nothing was done. */
bm_must_use enum bm_rc bm_queue_signed(struct bm_signer *signer, const struct bm_message *message, bool *ret_wrong, struct bm_fail *fail);
void bm_queue_forget(struct bm_queue *queue);
bm_must_use enum bm_rc bm_queue_expire(struct bm_signer *signer, struct bm_fail *fail);
int bm_queue_patience(const struct bm_queue *queue);
void bm_queue_done(struct bm_queue *queue);
/* Whether the tokens are there, to the registrar, unless it knows: for people to see. */
bm_must_use enum bm_rc bm_queue_tell(struct bm_signer *signer, struct bm_fail *fail);
/* The keeper's first word. BM_EBUSY: the PIN or site.conf is wrong; a token that is merely away is no reason not to start. */
bm_must_use enum bm_rc bm_queue_open(struct bm_signer *signer, struct bm_fail *fail);
/* Until registrar or keeper said something, or somebody waited long enough; then the keeper's part of the batch. */
bm_must_use enum bm_rc bm_queue_wait(struct bm_signer *signer, struct bm_fail *fail);
bm_must_use enum bm_rc bm_queue_hear(struct bm_signer *signer, struct bm_fail *fail);

/* ---- the messages, one function each: trial.c, lots_serve.c, issue.c, status.c, restrict.c, replay.c ---- */

typedef enum bm_rc bm_serve(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
bm_serve bm_serve_hello, bm_serve_statement, bm_serve_lot_begin, bm_serve_lot_leaves, bm_serve_lot_end, bm_serve_nonce, bm_serve_challenge,
    bm_serve_issue, bm_serve_confirm, bm_serve_revoke, bm_serve_refusal, bm_serve_lot_state, bm_serve_chips, bm_serve_order_close,
    bm_serve_device, bm_serve_support_close, bm_serve_crl, bm_serve_lists, bm_serve_ocsp, bm_serve_ca, bm_serve_root, bm_serve_checkpoint,
    bm_serve_replay, bm_serve_held;

/* The lot that is compared, a few milliseconds further; at its end its records, or its refusal (lots_serve.c). */
bm_must_use enum bm_rc bm_lot_step(struct bm_signer *signer, struct bm_fail *fail);
void bm_lot_close(struct bm_signer *signer);

/* Reads the journal, founds a new one, signs what a crash left open (replay.c). */
bm_must_use enum bm_rc bm_signer_wake(struct bm_signer *signer, int journal, struct bm_fail *fail);
/* Serves until the registrar is gone (serve.c). */
bm_must_use enum bm_rc bm_signer_serve(struct bm_signer *signer, struct bm_fail *fail);

#endif
