/* may_issue.h - the decision: may a certificate be signed for this claim? One pure function; signer, auditor and customer run the same code. */
#ifndef BM_MAY_ISSUE_H
#define BM_MAY_ISSUE_H

#include "evidence/bundle.h"

enum bm_unit_state {
    BM_UNIT_FREE,
    BM_UNIT_ACTIVE,
    BM_UNIT_SUSPENDED,
    BM_UNIT_REVOKED,
    BM_UNIT_SCRAPPED,
    BM_UNIT_WITHDRAWN, /* recalled */
    BM_UNIT_RETIRED,   /* a repair took this chip out of its device */
    BM_UNIT_DECOMMISSIONED,
    BM_UNIT__N
};
enum bm_identity_state {
    BM_IDENTITY_NONE,
    BM_IDENTITY_PROVISIONAL,
    BM_IDENTITY_CONFIRMED,
    BM_IDENTITY_RENEWING, /* confirmed, and its renewal is not: both certificates are good */
    BM_IDENTITY_REVOKED,
    BM_IDENTITY__N
};

/* Of a renewal: what the key that signs it is to the identity that it asks for. */
enum bm_speaker {
    BM_SPEAKER_STRANGER, /* no key of this identity */
    BM_SPEAKER_LIVE,     /* the key of the newest certificate */
    BM_SPEAKER_PREVIOUS, /* the key that signed the newest certificate's renewal */
    BM_SPEAKER_REVOKED,  /* either, and that certificate was revoked */
    BM_SPEAKER_PAST,     /* its key once, and no more */
    BM_SPEAKER__N
};

/* What an officer allowed the device for one repair, as far as this request is for that. */
enum bm_support {
    BM_SUPPORT_NONE, /* it is for something else */
    BM_SUPPORT_OPEN,
    BM_SUPPORT_USED, /* its one certificate was issued */
    BM_SUPPORT_OVER, /* closed, or its time is */
    BM_SUPPORT__N
};

/*
 * What the signer's own tables say about this request. Strings may be NULL where nothing is known. What is not there because of an earlier "no"
 * (order_has_lot of an order that is not known) is false or zero.
 */
struct bm_state {
    bm_time now;
    bm_time last_signed; /* no signing below it, nor beyond a bounded jump ahead of it (BM_CLOCK_JUMP); at first the time of `init` */

    bool test; /* this is a site for tests: it may take what bears the test mark */

    bool lot_pinned; /* a lot with exactly this head and size is pinned to this site ... */
    bool lot_withdrawn;
    bool lot_quarantined; /* it contradicts another lot: until two persons released it */
    bool lot_superseded;  /* a later revision is pinned: ask with that one's tree */
    const char *lot;      /* ... under this name */

    bool order_known;
    bool order_closed;
    bool order_has_lot;
    bool order_has_profile; /* with exactly this digest */
    bool order_station;     /* it names no stations, or the one that the claim came by */
    bool station_known;     /* the claim came by none, or by one of this site's ... */
    const char *station;    /* ... of this name */
    bm_time order_from, order_until;
    uint64_t quantity, used;            /* units */
    uint64_t tls_front, tls_front_used; /* certificates that may be had, and were, by a TLS client certificate alone */
    const char *order;

    const struct bm_profile *profile;
    const char *asked; /* the name of the one that was asked for, which the order may not have */

    enum bm_unit_state unit;
    bool unit_in_order; /* its unit slot was consumed under this very order */
    const char *device; /* its id */
    bool
        unit_other_root; /* kind id: the chip's id is bound to another root key than the one that spoke, or that key belongs to another chip */

    enum bm_identity_state identity; /* of (chip, service) */
    bool same_key;                   /* its live key is the one asked for: a retry */
    /* The key asked for is live in another identity, or was used before: two devices may not share a key. Not looked at when same_key. */
    bool key_known;
    unsigned replaced;       /* times it was replaced while provisional */
    bool reissue_allowed;    /* an unused `allow reissue`, repair or transfer stands for it */
    bool by_allow;           /* what it has was issued by one */
    enum bm_support support; /* whose profile `profile` is then */
    enum bm_speaker speaker;
    bm_time not_after; /* of the certificate of the key that signs the renewal; 0: it has none */
};

enum bm_decision {
    BM_DECISION_NO,
    BM_DECISION_SAME,     /* a retry: the same certificate comes back */
    BM_DECISION_UNIT,     /* consumes the unit slot and the identity slot */
    BM_DECISION_IDENTITY, /* another service of a unit already counted */
    BM_DECISION_REPLACE,  /* a provisional identity: revoke it in the same commit */
    BM_DECISION_REISSUE,  /* by an operator's allow: revoke the earlier one in the same commit */
    BM_DECISION_RENEW,    /* by its current key: the earlier one stays good until this one is confirmed, and for the profile's overlap */
    BM_DECISION_SUPPORT,  /* by an officer's allow: uses up the device's support, and no quota */
    BM_DECISION__N
};

/*
 * The first "no" in this order counts: clock, lot, test mark, order, profile (its evidence, its kinds of key), unit, identity, quota. A retry is answered like any
 * request: not under a closed order, not for a suspended unit. A renewal (claim->renews), and what an operator allowed for one device, needs the order that
 * its unit was made under, open or not, and no quota. For support likewise.
 * BM_OK with a decision, or BM_EPOLICY (BM_EBUSY for the clock) with the sentence that the device's user reads.
 */
bm_must_use enum bm_rc bm_may_issue(enum bm_decision *ret_decision, const struct bm_claim *claim, const struct bm_state *state,
                                    struct bm_fail *fail);

/* Was that "no" said because the signing key was this identity's once, and is no more? Then two hold it: the request and the renewal that took its
 * place, both signed by it, prove that. */
bool bm_is_fork(const struct bm_claim *claim, const struct bm_state *state);

#endif
