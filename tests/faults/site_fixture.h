/* site_fixture.h - a fresh site with chips in software, and the registrar's end of a real birthmark-signer, for tests and measurements that hold no registrar. */
#ifndef BM_SITE_FIXTURE_H
#define BM_SITE_FIXTURE_H

#include "evidence/bundle.h"
#include "lot/lot.h"
#include "merkle/checkpoint.h"
#include "pki/cert.h"
#include "pki/private.h"
#include "pki/tbs.h"
#include "proc/channel.h"
#include "proc/signer_messages.h"
#include "record/event.h"
#include "record/site.h"

#include <sys/types.h>

/* Everything that goes wrong here ends the program with a sentence: a fixture has no errors, tests have. */
/* BM_S_CRL's question for the first list of init's operational CA. */
#define FIXTURE_LIST bm_bytes((const uint8_t[]){ BM_CA_OPERATIONAL, 0, 0, 0, 1 }, 5)

#define fixture_must(call)                                     \
    do {                                                       \
        struct bm_fail fail = { .rc = BM_OK };                 \
        if ((call) != BM_OK)                                   \
            fixture_die(__FILE__, __LINE__, #call, fail.text); \
    } while (0)
_Noreturn void fixture_die(const char *file, int line, const char *what, const char *why);

/* Who signs. The first three are operators of the site; mallory is nobody. */
enum fixture_person {
    ANNA_ADMIN,
    CARL_CUSTODIAN,
    PETRA_PLANNER,
    MALLORY,
    FIXTURE_PERSONS
};

struct fixture_chip {
    struct bm_private *root;
    struct bm_buf leaf;                  /* DER */
    struct bm_bytes chain[BM_MAX_CHAIN]; /* kind id: its certificate and those above it; views */
    size_t nchain;
};
struct fixture_lot {
    char name[BM_MAX_NAME + 1];
    uint64_t revision; /* 0: the first */
    enum bm_leaf_kind kind;
    struct fixture_chip *chips;
    size_t n;
    struct bm_tree tree;
    uint8_t root[BM_HASH];
    struct bm_buf head; /* signed by the chipmaker */
};

struct fixture {
    char home[64];
    uint8_t site[BM_HASH];
    struct bm_note_key ledger_key;
    struct bm_note_signer people[FIXTURE_PERSONS];
    struct bm_note_signer chipmaker;
    struct bm_crypto *crypto;
    struct bm_buf ca[BM_CA__N]; /* DER of their certificates */
    struct bm_private *root;    /* whose key signed them */

    const char *const *prefix; /* put before the signer's own words when it is started (strace ...); NULL: nothing */
    pid_t signer;
    int channel;
    uint64_t id;  /* of the last question */
    uint64_t seq; /* of the next statement */

    /* All that the signer ever said. Each leaf must be the next one, each checkpoint must be over just these leaves and go on from the one before. */
    struct bm_tree ledger;
    uint64_t checkpointed;
    uint8_t checkpoint_root[BM_HASH];
    size_t checkpoints;
    size_t certificates; /* issued, by the leaves */
    size_t late;         /* leaves that came unasked */
    size_t changed;      /* words that lists are out of date */
    size_t urgent;       /* lists of those words that everybody should hear of at once */
    bool token_here;     /* as the signer said last */
    bm_time token_since;
    char token_sentence[512];
    char last_event[1536]; /* as much as fits */
    uint8_t last_certificate[1024];
    size_t nlast_certificate;
};

void fixture_make(struct fixture *f); /* the home beneath /tmp, keys, CAs, site.conf */
void fixture_remove(struct fixture *f);

/* A CA's certificate for this key, signed by this root, which calls itself the site's. */
void fixture_ca_sign(struct bm_buf *der, struct bm_private *root, const struct bm_ca_subject *subject, const struct bm_key *key, bool test);
/* A key that site.conf names and no statement does: the next start finds it. */
void fixture_ca_key(struct fixture *f, const char *name, struct bm_private *key);

/* Starts the signer; greets it and asks for a replay of what it knows and we don't. stop closes the channel and gives wait(2)'s status. */
void fixture_spawn(struct fixture *f);
void fixture_start(struct fixture *f);
/* As if we held nothing: the next start gets the whole ledger again. */
void fixture_forget(struct fixture *f);
int fixture_stop(struct fixture *f);

/* Lots of software chips, in the own format. */
void fixture_lot_make(struct fixture *f, struct fixture_lot *lot, const char *name, size_t n);
void fixture_lot_done(struct fixture_lot *lot);

/* What came back: parsed, checked against the ledger so far. */
struct fixture_answer {
    uint16_t type; /* BM_S_ANSWER, BM_S_ISSUED, BM_S_REFUSED; 0: the signer has ended */
    uint64_t id;
    uint8_t rc; /* REFUSED */
    char sentence[512];
    bool repeat; /* ISSUED */
    uint8_t serial[BM_MAX_SERIAL];
    size_t nserial;
    char device[BM_MAX_NAME + 1];
    uint8_t certificate[1024];
    size_t ncertificate;
    size_t nleaves;
    char event[1536];   /* of the first leaf, as much as fits */
    struct bm_buf body; /* ANSWER: as it came; fixture_answer_done() */
};
void fixture_answer_done(struct fixture_answer *answer);
/* The answer is none, or no good one: ends the program with what was refused, or how the signer ended and its last words. */
_Noreturn void fixture_unanswered(struct fixture *f, const char *what, const struct fixture_answer *answer);

/* A question and its answer; or the two halves, for batches. `shape` says how to read an ANSWER's body: with ledger leaves or without. */
uint64_t fixture_send(struct fixture *f, enum bm_signer_message type, struct bm_bytes body);
void fixture_recv(struct fixture *f, bool leaves, struct fixture_answer *ret_answer);
/* What comes unasked, until nothing has come for so many milliseconds. */
void fixture_listen(struct fixture *f, int patience);
void fixture_ask(struct fixture *f, enum bm_signer_message type, struct bm_bytes body, bool leaves, struct fixture_answer *ret_answer);
/* Leaves of this index and on, checked as any others. */
void fixture_replay(struct fixture *f);

/* Statements. What is left zero is as it should be: site, seq, time. */
struct fixture_statement {
    enum fixture_person by;
    const char *says_by; /* another name than the signer's */
    const uint8_t *site; /* another site's */
    uint64_t seq;
    uint8_t proposal; /* not 0: a proposal, of a number made of this byte ... */
    bm_time expires;  /* ... to this time; 0: in a day */
    bool approved;    /* `second` signs too */
    enum fixture_person second;
    const struct bm_pin_waived *waived; /* one, of a pin */
    const char *vendor;                 /* of a pin; NULL: "Example Silicon" */
    const char *held;                   /* pins: why the lot comes in in quarantine; NULL: it does not */
};
void fixture_pin_note(struct fixture *f, struct bm_buf *note, const struct fixture_statement *how, const struct fixture_lot *lot);
void fixture_order_note(struct fixture *f, struct bm_buf *note, const struct fixture_statement *how, const struct bm_order *order);
/* The lot's head again, after its leaves, its name or its revision were changed: root, tree and the chipmaker's signature. */
void fixture_lot_head(struct fixture *f, struct fixture_lot *lot);
void fixture_allow_note(struct fixture *f, struct bm_buf *note, const struct fixture_statement *how, const struct bm_allow *allow);
/* two: set of 1u << enum bm_act. */
void fixture_policy_note(struct fixture *f, struct bm_buf *note, const struct fixture_statement *how, unsigned two);
void fixture_raise_note(struct fixture *f, struct bm_buf *note, const struct fixture_statement *how, const struct bm_raise *raise);
void fixture_ca_note(struct fixture *f, struct bm_buf *note, const struct fixture_statement *how, const struct bm_ca_statement *ca);
void fixture_roles_note(struct fixture *f, struct bm_buf *note, const struct fixture_statement *how, const struct bm_roles *roles);
/* BM_S_STATEMENT's body around a note. */
void fixture_statement_body(struct bm_buf *body, const struct bm_buf *note, const char *const *profiles, size_t n);

/* The whole way, which must succeed: a lot pinned, an order opened over it with the built-in profile bench-1 (software roots). */
void fixture_pin(struct fixture *f, const struct fixture_lot *lot);
/* As fixture_pin(), by this pin; the answer that ended it. */
void fixture_pin_ask(struct fixture *f, const struct fixture_statement *how, const struct fixture_lot *lot,
                     struct fixture_answer *ret_answer);
void fixture_order(struct fixture *f, const char *name, const struct fixture_lot *lot, uint64_t quantity);
/* The same with a profile of this text, until then. */
void fixture_order_by(struct fixture *f, const char *name, const struct fixture_lot *lot, uint64_t quantity, const char *profile,
                      bm_time until);
/* A profile of this text, which orders may be opened with from then on. */
void fixture_activate(struct fixture *f, const char *profile);
const char *fixture_profile(const char *name); /* text of a built-in profile */

/* A request for a certificate. What is left zero is as it should be. */
struct fixture_request {
    const struct fixture_lot *lot;
    size_t chip;                      /* whose leaf, proof and index */
    const struct fixture_chip *voice; /* whose root key signs */
    struct bm_private *key;           /* the operational key; NULL: a new one */
    struct bm_private *current;       /* a renewal, signed by this key; NULL: none */
    struct bm_private *station;       /* it came by this station ... */
    const char *station_order;        /* ... for this order; NULL: the one that it is sent under */
    const uint8_t *nonce;             /* another than the signer gives now */
    const uint8_t *lot_root;
    const uint8_t *index;        /* points to another index, one byte */
    const char *order, *profile; /* "order-1", "bench-1" */
};
void fixture_bundle(struct fixture *f, struct bm_buf *bundle, const struct fixture_request *request);
void fixture_nonce(struct fixture *f, const uint8_t root[static BM_HASH], uint8_t ret_nonce[static BM_NONCE]);
void fixture_issue_body(struct bm_buf *body, const struct fixture_request *request, struct bm_bytes bundle);
void fixture_issue(struct fixture *f, const struct fixture_request *request, struct fixture_answer *ret_answer);

#endif
