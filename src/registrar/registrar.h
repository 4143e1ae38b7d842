/* registrar.h - the inside of the working process: what it holds, and the steps by which requests become records. Only this room includes it. */
#ifndef BM_REGISTRAR_H
#define BM_REGISTRAR_H

#include "evidence/bundle.h"
#include "ledger/ledger.h"
#include "lot/leaf.h"
#include "pki/cert.h"
#include "proc/control_messages.h"
#include "proc/gate_messages.h"
#include "proc/places.h"
#include "proc/signer_messages.h"
#include "record/site.h"
#include "registrar/conflict.h"
#include "registrar/holdings.h"
#include "registrar/link.h"

#define MAX_CONTROLS 32  /* commands at once */
#define SENTENCE 400     /* bytes of one, with its end */
#define MAX_PENDING 1024 /* requests on their way through the signer; above it gates wait */

struct bm_registrar;
struct pending;

/* What is done with the signer's answer, inside the transaction of this round. */
typedef enum bm_rc settle_fn(struct bm_registrar *r, struct pending *p, const struct bm_message *answer, struct bm_fail *fail);

/* One request on its way through the signer. */
struct pending {
    bool used;
    settle_fn *settle;
    struct bm_link *asker; /* NULL: nobody waits (the registrar asked for itself) */
    uint64_t generation;   /* of asker when it asked */
    uint64_t asker_id;
    char lot[BM_MAX_NAME + 1];
    uint64_t number; /* of the arrival, or of the CRL that was asked for */
    uint8_t rc;      /* refusals: the class to answer with */
    uint8_t ca;      /* CRL, as all that follows */
    uint32_t bucket;
    bool joined;        /* nothing was sent; another's answer serves this one too */
    bool stale;         /* something changed since it was sent ... */
    bool again;         /* ... and everybody should hear of it at once */
    struct bm_buf kept; /* evidence bundle, statement with profiles, beginning of a lot, or a refusal's sentence */
};

/* A lot that is coming in; one at a time. */
struct arrival {
    bool open;
    bool ending;     /* the signer was asked to pin it: from here on only its word ends it */
    uint64_t number; /* which of all; answers to an earlier one may still be under way */
    struct bm_link *from;
    uint64_t generation;
    struct bm_pin pin;
    char by[BM_MAX_NAME + 1];
    struct bm_index *index; /* from the first step on */
    uint64_t have;          /* leaves that went to the signer */
    struct bm_conflicts conflicts;
    struct bm_buf begin; /* BM_S_LOT_BEGIN's body: attachment of the pin's leaf */
};

/* Refusals without proof: ten a minute have a leaf and an alarm of their own, the rest share one leaf. */
struct budget {
    bm_time minute;
    unsigned own;
    uint64_t counted;
    bm_time since; /* the first of those counted */
};

/* One that the signer made. */
struct crl_list {
    uint8_t ca;
    uint32_t bucket;
    struct bm_buf der;
    bm_time made, until; /* given out again so long, unless it is stale */
    bool stale;          /* something else stands there now */
    struct crl_list *next;
};

/* An answer of many rows, given a page at a time as fast as its command reads it, so that it holds up nobody else. */
struct listing {
    bool open;
    uint64_t id;
    char what[32];        /* "": leaves of the ledger */
    struct bm_buf filter; /* JSON text */
    struct bm_store_page page;
    uint64_t next, end; /* leaves */
    struct bm_buf last; /* END's body */
};

/* The peer whose message is being served: the context of the two tables' handlers. */
struct peer {
    struct bm_registrar *r;
    struct bm_link *link;
};

struct bm_registrar {
    const struct bm_env *env;
    struct peer peer;
    bm_time now; /* of this round */
    struct bm_site site;
    struct bm_store *store;
    bool in_transaction;
    struct bm_ledger ledger;
    struct bm_buf checkpoint; /* that came last, and its size: until the ledger has it, more answers of the same batch are due */
    uint64_t due;
    struct bm_holdings holdings;
    struct issuing { /* by number, as the signer said last */
        char name[BM_MAX_NAME + 1];
        enum bm_ca kind;
        bool retired;
        struct bm_buf der;
        struct bm_bytes subject, issuer; /* views into der */
    } cas[BM_MAX_CAS];
    size_t ncas;
    struct root {
        struct bm_buf der, new_with_old, old_with_new; /* n = 0: none */
        struct bm_bytes subject;                       /* view into der */
    } roots[BM_MAX_ROOTS];
    size_t nroots;

    struct again { /* the signer begins anew: nothing new is asked of it until then */
        bool due;
        struct bm_link *asker;
        uint64_t generation, id;
    } again;
    struct bm_link signer;
    struct bm_link gates[BM_MAX_GATES];
    size_t ngates;
    struct bm_link controls[MAX_CONTROLS];
    struct listing listings[MAX_CONTROLS]; /* one a control */
    struct bm_buf parts[MAX_CONTROLS];     /* the same: of a vendor's record that is longer than a message */
    int listening;                         /* -1: one command holds us by a socketpair */
    uint64_t generation;

    struct pending pending[MAX_PENDING];
    size_t npending;

    uint8_t site_hash[BM_HASH];
    char vkey[BM_NOTE_VKEY + 1];
    uint64_t next_seq;
    uint64_t held; /* leaves here for good, as the signer knows */
    bool old;      /* the store held more once: it is shown to nobody before birthmark site recover, and caught up then */
    uint64_t signed_total, signed_again;
    char confinement[2][96]; /* signer, registrar */
    struct {                 /* that holds CA keys, as the signer said last */
        bool kept, here;     /* kept false: they are all in files */
        bm_time since;
        char sentence[SENTENCE];
    } token;
    struct arrival arrival;
    uint64_t arrivals; /* ever */
    struct budget budget;
    struct crl_list *lists;
    size_t lists_bytes;
    uint64_t lists_asked;       /* ever */
    struct bm_ocsp_cache *ocsp; /* NULL: nothing is kept yet */
    size_t ocsp_asked;          /* questions under way at the signer */
    uint64_t room;              /* bytes that are free where store and journal are */
    uint64_t issued;            /* since start */
    struct {                    /* for support that is over */
        bm_time looked;
        bool asked;
    } support;
};

/* disk.c: looks how much room there is; is it too little for new work? may this be asked of the signer? BM_EBUSY: no. */
void bm_disk_look(struct bm_registrar *r);
bool bm_disk_full(const struct bm_registrar *r);
bm_must_use enum bm_rc bm_disk_admit(const struct bm_registrar *r, uint16_t type, struct bm_fail *fail);
/* loop.c */
bm_must_use enum bm_rc bm_registrar_serve(struct bm_registrar *r, struct bm_fail *fail);
/* Opens this round's transaction when it is not open yet: whoever writes the store calls it first. */
bm_must_use enum bm_rc bm_registrar_transaction(struct bm_registrar *r, struct bm_fail *fail);

/* ask.c: a slot for a request, without sending anything. BM_EBUSY: none is free. */
bm_must_use enum bm_rc bm_pending_new(struct bm_registrar *r, struct bm_link *asker, uint64_t asker_id, settle_fn *settle,
                                      struct pending **ret_pending, struct bm_fail *fail);
void bm_pending_release(struct bm_registrar *r, struct pending *p);
/* Is whoever asked still connected? */
bool bm_asker_there(const struct pending *p);
/* Sends a request to the signer on behalf of a peer; the slot's `kept` is the caller's to fill after. */
bm_must_use enum bm_rc bm_signer_ask(struct bm_registrar *r, uint16_t type, struct bm_bytes body, struct bm_link *asker, uint64_t asker_id,
                                     settle_fn *settle, struct pending **ret_pending, struct bm_fail *fail);
/* Serves one answer of the signer. */
bm_must_use enum bm_rc bm_signer_heard(struct bm_registrar *r, const struct bm_message *answer, struct bm_fail *fail);
bool bm_signer_unasked(const struct bm_message *message);
/* Answers whoever asked, if still there. */
bm_must_use enum bm_rc bm_answer(struct pending *p, uint16_t type, struct bm_bytes body, struct bm_fail *fail);
/* Answers with a refusal in the asker's own words: BM_G_REFUSED or BM_C_REFUSED. */
bm_must_use enum bm_rc bm_answer_refused(struct bm_registrar *r, struct bm_link *asker, uint64_t id, enum bm_rc class, uint64_t alarm,
                                         const char *sentence, struct bm_fail *fail);
/* cas.c: nothing is under way at the signer any more: it begins anew, and is greeted. Blocking. */
bm_must_use enum bm_rc bm_signer_again(struct bm_registrar *r, struct bm_fail *fail);
bm_must_use enum bm_rc bm_serve_keys(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
/* hello.c: first talk with the signer: HELLO, REPLAY of what the store has not seen, and whether both hold the same leaves. Blocking. */
bm_must_use enum bm_rc bm_signer_hello(struct bm_registrar *r, struct bm_fail *fail);
/* Committed: the signer is told what is here for good, and will miss it. */
bm_must_use enum bm_rc bm_signer_held(struct bm_registrar *r, struct bm_fail *fail);
/* The signer has taken the recover statement: what an old store lacks comes in. Blocking. */
bm_must_use enum bm_rc bm_signer_recovered(struct bm_registrar *r, struct bm_fail *fail);
/* The sentence for whoever asks an old store for anything else. */
void bm_old_store(const struct bm_registrar *r, char ret_sentence[static SENTENCE]);

/* records.c: leaves of the signer become records, live and in replay alike. `p` NULL in replay. *ret_alarm: 0 when none was raised. */
bm_must_use enum bm_rc bm_records_keep(struct bm_registrar *r, const struct bm_s_leaves *leaves, const struct pending *p,
                                       uint64_t *ret_alarm, struct bm_fail *fail);
/* life.c: a move in a device's life becomes rows; likewise that a certificate of it was confirmed. */
bm_must_use enum bm_rc bm_life_keep(struct bm_registrar *r, const struct bm_event *event, uint64_t leaf, struct bm_fail *fail);
bm_must_use enum bm_rc bm_life_confirmed(struct bm_registrar *r, const struct bm_event *event, struct bm_bytes serial, uint64_t leaf,
                                         struct bm_fail *fail);
/* ask.c: the leaves of the signer's ANSWER. */
bm_must_use enum bm_rc bm_records_keep_answer(struct bm_registrar *r, const struct pending *p, const struct bm_message *message,
                                              uint64_t *ret_alarm, struct bm_fail *fail);
/* The signer's refusal with its leaf kept; ret_sentence is SENTENCE bytes. */
bm_must_use enum bm_rc bm_records_keep_refused(struct bm_registrar *r, struct pending *p, const struct bm_message *message,
                                               struct bm_s_refused *ret_refused, char *ret_sentence, uint64_t *ret_alarm,
                                               struct bm_fail *fail);
/* What a command hears of a refusal by the signer. */
bm_must_use enum bm_rc bm_refused_answer(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail);

/* refuse.c: a refusal that the registrar decided, or that the signer found without proof. Answers the asker, at once or when the leaf stands. */
struct refusal {
    const char *what; /* unknown-chip, order, enrol, lot, statement */
    enum bm_rc class;
    const char *chip; /* hex, or "" */
    const char *lot;  /* or "" */
    const char *by;   /* operator, or "": operators' refusals are always on record */
    const char *sentence;
};
/* Does this body begin with a statement that has its place in their order? (control.c) */
bool bm_note_has_seq(struct bm_bytes body);
/* What the registrar decides itself, by the table of acts; the refusal goes on record, with the sentence of `fail` (people.c). */
bm_must_use enum bm_rc bm_registrar_may(struct bm_registrar *r, const char *by, enum bm_act act, struct bm_fail *fail);
/* The name of the station whose key has this hash; "" = it is none of the operators' list. */
bm_must_use enum bm_rc bm_station_name(struct bm_registrar *r, const uint8_t key[static BM_HASH], char ret_name[static BM_MAX_NAME + 1],
                                       struct bm_fail *fail);
/* The acts that take two persons here, as words with a space between them; how many persons decide anything; is there a policy? */
bm_must_use enum bm_rc bm_two_words(struct bm_registrar *r, struct bm_buf *words, size_t *ret_persons, bool *ret_hardened,
                                    struct bm_fail *fail);
bm_must_use enum bm_rc bm_refuse_barred(const struct peer *peer, uint64_t id, const char *by, struct bm_fail *fail);
bm_must_use enum bm_rc bm_refuse(struct bm_registrar *r, struct bm_link *asker, uint64_t id, const struct refusal *refusal,
                                 struct bm_fail *fail);
/* Once a minute: what was counted becomes a leaf. */
bm_must_use enum bm_rc bm_refuse_counted(struct bm_registrar *r, struct bm_fail *fail);

/* The two message tables. */
extern const struct bm_rule bm_gate_rules[];
extern const size_t bm_gate_nrules;
extern const struct bm_rule bm_control_rules[];
extern const size_t bm_control_nrules;
/* gate.c: sends a gate's question on; when the signer can't be asked now, the gate hears so at once, and *ret_pending is NULL. */
bm_must_use enum bm_rc bm_gate_forward(const struct peer *peer, uint64_t id, uint16_t type, struct bm_bytes body, settle_fn *settle,
                                       struct pending **ret_pending, struct bm_fail *fail);
/* cas.c: the signer's CAs and roots, one at a time: with `ask` it hears of all of them before it returns. */
typedef enum bm_rc ca_ask_fn(void *ctx, uint16_t type, struct bm_bytes body, struct bm_message *ret_answer, struct bm_fail *fail);
bm_must_use enum bm_rc bm_cas_load(struct bm_registrar *r, ca_ask_fn *ask, void *ctx, struct bm_fail *fail);
/* Something changed in them: they are asked for once more, while all else goes on. */
bm_must_use enum bm_rc bm_cas_refresh(struct bm_registrar *r, struct bm_fail *fail);
void bm_cas_done(struct bm_registrar *r);
/* That issued this certificate; NULL. */
struct issuing *bm_ca_of(struct bm_registrar *r, struct bm_bytes issuer);
struct issuing *bm_ca_named(struct bm_registrar *r, struct bm_bytes name);
/* What leads up from a device's certificate: its CA's, and those between roots, where there are several. */
void bm_ca_chain(const struct bm_registrar *r, const struct issuing *ca, struct bm_g_certs *certs);
bm_must_use enum bm_rc bm_serve_ca(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
bm_must_use enum bm_rc bm_serve_root(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
bm_must_use enum bm_rc bm_serve_ca_cert(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
bm_must_use enum bm_rc bm_serve_cacerts(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
/* lists.c: rows of the gate table; the signer's word that lists are out of date. */
bm_must_use enum bm_rc bm_serve_crl(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
bm_must_use enum bm_rc bm_serve_lists(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
bm_must_use enum bm_rc bm_lists_changed(struct bm_registrar *r, struct bm_bytes body, struct bm_fail *fail);
void bm_lists_done(struct bm_registrar *r);
/* ocsp.c: a row of the gate table; something changed in this list. */
bm_must_use enum bm_rc bm_serve_ocsp(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
void bm_ocsp_changed(struct bm_registrar *r, uint8_t ca, uint32_t bucket);
void bm_ocsp_cache_done(struct bm_registrar *r);
/* enrol.c: rows of the gate table. */
bm_must_use enum bm_rc bm_serve_enrol(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
bm_must_use enum bm_rc bm_serve_tpm_enrol(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
bm_must_use enum bm_rc bm_serve_tls_enrol(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
/* arrival.c: lots that come in (rows of the control table). */
bm_must_use enum bm_rc bm_lot_begin(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
bm_must_use enum bm_rc bm_lot_next(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
bm_must_use enum bm_rc bm_lot_end(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
/* The command that was sending a lot went away. */
void bm_arrival_abandon(struct bm_registrar *r, struct bm_link *gone);
void bm_arrival_done(struct arrival *arrival);
/* The lot was pinned, and stands in the store under this number: which others list a chip of it. `live`: it is the arrival; else found again. */
bm_must_use enum bm_rc bm_arrival_keep(struct bm_registrar *r, const struct bm_pin *pin, int64_t lot, bool live, struct bm_fail *fail);

/* chips.c: as bm_store_rows(), for the list "chip"; a page is so many chips that were looked at. BM_EPOLICY: a lot cannot be looked into. */
bm_must_use enum bm_rc bm_chips_rows(struct bm_registrar *r, const struct bm_store_filter *filter, struct bm_store_page *page,
                                     bm_store_row *row, void *ctx, struct bm_fail *fail);

/* proposals.c: what waits for a second person. */
bm_must_use enum bm_rc bm_serve_propose(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
bm_must_use enum bm_rc bm_serve_approve(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
bm_must_use enum bm_rc bm_serve_reject(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
/* The signer took one: `attachment` is the body of the STATEMENT. */
bm_must_use enum bm_rc bm_proposal_keep(struct bm_registrar *r, struct bm_bytes attachment, struct bm_bytes second, uint64_t leaf,
                                        struct bm_fail *fail);

/* vendors.c: whose lots are believed. */
bm_must_use enum bm_rc bm_serve_vendor_part(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
bm_must_use enum bm_rc bm_serve_vendor_add(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
bm_must_use enum bm_rc bm_serve_vendor(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
bm_must_use enum bm_rc bm_serve_vendor_retire(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);

/* restrict.c: what may not be used any more. */
bm_must_use enum bm_rc bm_serve_lot_state(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
bm_must_use enum bm_rc bm_serve_order_close(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
bm_must_use enum bm_rc bm_serve_device(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
bm_must_use enum bm_rc bm_serve_chips(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);

/* support.c: what an officer allows a device for one repair. */
bm_must_use enum bm_rc bm_support_keep_opened(struct bm_registrar *r, const struct bm_event *event, uint64_t leaf, struct bm_fail *fail);
bm_must_use enum bm_rc bm_support_keep_closed(struct bm_registrar *r, const struct bm_event *event, struct bm_fail *fail);
bm_must_use enum bm_rc bm_serve_support_close(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
/* Every round: what is over is closed. */
bm_must_use enum bm_rc bm_support_look(struct bm_registrar *r, struct bm_fail *fail);

/* list.c: gives the next page of an answer of many rows, and its end. */
bm_must_use enum bm_rc bm_listing_go(struct bm_registrar *r, struct listing *listing, struct bm_link *link, struct bm_fail *fail);
void bm_listing_close(struct listing *listing);
bm_must_use enum bm_rc bm_serve_list(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
bm_must_use enum bm_rc bm_serve_show(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
/* The row of one thing as SHOW has it, and the end, to whoever asked, if still there. */
bm_must_use enum bm_rc bm_row_answer(struct bm_registrar *r, const struct pending *to, const char *what, const char *name,
                                     struct bm_fail *fail);
/* ledger_serve.c: leaves and proofs, for whoever checks them. */
bm_must_use enum bm_rc bm_serve_ledger(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
bm_must_use enum bm_rc bm_serve_prove(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail);
bm_must_use enum bm_rc bm_leaf_row(struct bm_registrar *r, struct bm_link *link, uint64_t id, uint64_t index, struct bm_fail *fail);
/* control.c: one row of an answer; the end of it. */
bm_must_use enum bm_rc bm_control_row(struct bm_link *link, uint64_t id, const char *json, struct bm_fail *fail);
bm_must_use enum bm_rc bm_control_end(struct bm_link *link, uint64_t id, struct bm_bytes body, struct bm_fail *fail);
/* The row that the site answers with; also what /v1 and /healthz say. */
bm_must_use enum bm_rc bm_site_row(struct bm_registrar *r, struct bm_buf *json, struct bm_fail *fail);

/* UTF-8 without control characters: texts that people gave. A vendor's name is one, unlike other names. */
bool bm_line_ok(struct bm_bytes text);

/* Copies a view into a NUL-terminated buffer of n bytes, cut to fit. */
void bm_view_copy(char *ret, size_t n, struct bm_bytes view);

#endif
