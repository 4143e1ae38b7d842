/* queue.h - what waits for the keeper of the CA's tokens to sign it, in order and bounded, and what is known of the tokens. */
#ifndef BM_QUEUE_H
#define BM_QUEUE_H

#include "pki/tbs.h"
#include "signer/keeper.h"
#include "signer/memory.h"

#define BM_QUEUE_OTHERS 16                                /* CRLs, repeats, responders and their answers that wait, each */
#define BM_QUEUE_WAITING (BM_BATCH + 4 * BM_QUEUE_OTHERS) /* as many open intents as a journal may have, and the others */
#define BM_QUEUE_IN_FLIGHT 4    /* signs the next while the last is verified; what a keeper that ends takes with it is asked again */
#define BM_QUEUE_PATIENCE 12000 /* milliseconds that an asker waits before it is told to ask again */
#define BM_QUEUE_GLITCH 3000    /* a token that is back before is not missed: no alarm, and who asks waits */
#define BM_QUEUE_HANG 30000     /* one signature takes no longer: the keeper hangs and is ended */
#define BM_QUEUE_STEADY 30000   /* here for so long, a token that goes away again is another alarm */

/* One request whose signature is not there yet. */
struct bm_waiting {
    enum {
        BM_WAITS_INTENT,
        BM_WAITS_REPEAT, /* for the same certificate as an intent that waits */
        BM_WAITS_CRL,
        BM_WAITS_RESPONDER, /* a responder's certificate; nobody asks */
        BM_WAITS_OCSP       /* an answer about certificates: after all others */
    } what;
    bool asked; /* somebody waits for the answer to `id`; false: it is signed all the same */
    uint64_t id;
    int64_t since;                 /* bm_clock_ms() */
    unsigned ca;                   /* its number */
    uint64_t seq;                  /* of the question to the keeper; 0: not asked */
    int64_t sent;                  /* when */
    bool again;                    /* it may have been signed before */
    uint64_t intent;               /* where it stands in the journal */
    uint8_t serial[BM_MAX_SERIAL]; /* its certificate's; of a repeat too */
    size_t nserial;
    struct bm_buf tbs;  /* of what is no intent */
    struct bm_buf head; /* of an OCSP answer: what the registrar has to know of it */
    bm_time until;      /* of a CRL */
};

struct bm_queue {
    struct bm_keeper keeper; /* channel -1: all keys are in files, and nothing ever waits */
    bool synced;             /* the registrar holds every leaf: it may hear of new ones unasked */
    struct bm_waiting waiting[BM_QUEUE_WAITING];
    size_t n, in_flight;
    uint64_t seq;  /* the last */
    unsigned pace; /* milliseconds that a signature takes, of late */
    int64_t last;  /* when the last one came */
    bool here, told, alarmed;
    int64_t changed;    /* bm_clock_ms() of the last change of `here` */
    bm_time away_since; /* the same as people tell the time; 0: the clock is not set */
    char sentence[400]; /* why it is away */
    enum bm_keeper_why why;
    uint8_t *packet;
};

#endif
