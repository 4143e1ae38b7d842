/* memory.h - all that the signer knows, made of the journal's records and of nothing else: one function changes it, live and at start alike. */
#ifndef BM_MEMORY_H
#define BM_MEMORY_H

#include "record/books.h"
#include "signer/book.h"
#include "signer/cas.h"
#include "signer/journal.h"
#include "signer/ocsp.h"
#include "signer/orders.h"
#include "signer/profiles.h"
#include "signer/revocations.h"
#include "signer/support.h"
#include "signer/waivers.h"

#define BM_BATCH 64 /* requests that share the two durable steps */

struct bm_memory {
    bool founded;
    uint8_t site[BM_HASH];
    struct bm_roles *roles; /* 16 KiB */
    struct bm_policy policy;
    uint64_t next_seq;
    bm_time last_signed; /* founding at first: no signing below it */
    struct bm_slots slots;
    struct bm_lots lots;
    struct bm_orders orders;
    struct bm_books books; /* lots and orders by their numbers in those two */
    struct bm_profiles profiles;
    struct bm_waivers waivers;
    struct bm_supports supports;
    struct bm_book book;
    struct bm_cas cas;
    struct bm_revocations revocations;
    uint64_t held;                              /* leaves that the store was known to hold */
    struct bm_responder responders[BM_MAX_CAS]; /* of each CA, by its number */
    uint64_t signed_total;                      /* certificates */
    uint64_t signed_again;                      /* of them, after a crash */
    uint64_t open[BM_BATCH];                    /* intents without a done record */
    size_t nopen;
    struct bm_incoming { /* a lot whose end has not come */
        bool open;
        uint64_t tags_at, ntags;
    } incoming;
};
/* A zeroed one is empty. `site` is the ledger key's hash: the journal must be this site's. */
bm_must_use enum bm_rc bm_memory_init(struct bm_memory *ret_memory, const uint8_t site[static BM_HASH], uint64_t seed,
                                      struct bm_fail *fail);
void bm_memory_done(struct bm_memory *memory);

/* The only function that changes it. BM_EBUG when the record contradicts what is known. */
bm_must_use enum bm_rc bm_memory_apply(struct bm_memory *memory, const struct bm_record *record, struct bm_fail *fail);

/* Where a certificate stands that may be confirmed or revoked. */
enum bm_cert_place {
    BM_CERT_UNKNOWN,
    BM_CERT_OVER,    /* revoked, or replaced */
    BM_CERT_NEWEST,  /* of its identity */
    BM_CERT_EARLIER, /* its renewal is the newest: in full use until that is confirmed, then good for the overlap */
    BM_CERT_RETIRES  /* earlier than that, in its overlap */
};
enum bm_cert_place bm_memory_certificate(const struct bm_memory *memory, struct bm_bytes serial, uint32_t *ret_identity);
/* When the earlier certificate of an identity ceases to be good, if the newest is confirmed now. */
bm_time bm_memory_retirement(const struct bm_identity *identity, const struct bm_earlier *earlier, bm_time confirmed);

/* BM_S_STATEMENT's and BM_S_LOT_BEGIN's bodies begin with a note: its text. */
bm_must_use enum bm_rc bm_statement_text(struct bm_rd *body, struct bm_bytes *ret_note, struct bm_bytes *ret_text, struct bm_fail *fail);

#endif
