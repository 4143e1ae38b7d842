/* event.h - what happened, as text, and the salted commitment to it that stands in the ledger. Format: docs/formats/events.md. */
#ifndef BM_EVENT_H
#define BM_EVENT_H

#include "base/env.h"
#include "base/limits.h"
#include "base/bytes.h"

enum bm_event_kind {
    BM_EVENT_SITE_FOUNDED = 1,
    BM_EVENT_ROLES_SET,
    BM_EVENT_LOT_PINNED,
    BM_EVENT_ORDER_OPENED,
    BM_EVENT_ALLOWED,
    BM_EVENT_IDENTITY_ISSUED,
    BM_EVENT_IDENTITY_REPLACED, /* issued in place of a provisional one, which it revokes */
    BM_EVENT_IDENTITY_CONFIRMED,
    BM_EVENT_IDENTITY_REVOKED,
    BM_EVENT_REFUSED,         /* one refusal, with its sentence */
    BM_EVENT_REFUSED_COUNTED, /* so many without proof, in so many seconds */
    BM_EVENT_SIGNED_AGAIN,    /* after a crash: the same TBS */
    BM_EVENT_LOT_SUPERSEDED,  /* by a higher revision, which is pinned by the same record */
    BM_EVENT_LOT_QUARANTINED, /* nothing is issued from it until it is released */
    BM_EVENT_LOT_RELEASED,
    BM_EVENT_LOT_WITHDRAWN,    /* nothing is issued from it any more */
    BM_EVENT_CHIPS_SCRAPPED,   /* so many chips of a lot: never to be served */
    BM_EVENT_CHIPS_WITHDRAWN,  /* recalled */
    BM_EVENT_WAIVED,           /* two persons let a vendor's lots fail a check */
    BM_EVENT_IDENTITY_RENEWED, /* issued beside the one that it renews, which is good until this one is confirmed, and for an overlap */
    BM_EVENT_POLICY_SET,       /* which acts take two persons */
    BM_EVENT_ORDER_RAISED,
    BM_EVENT_ORDER_CLOSED,        /* nothing more is issued for it */
    BM_EVENT_DEVICE_MOVED,        /* a move in a device's life, by a person or by the site itself (record/life.h) */
    BM_EVENT_PROFILE_ACTIVATED,   /* a version of a profile: orders are opened with it from now on */
    BM_EVENT_SUPPORT_OPENED,      /* a device may have one identity more, for one repair */
    BM_EVENT_SUPPORT_CLOSED,      /* no more: by an operator, or because its time was over */
    BM_EVENT_RESPONDER_CERTIFIED, /* who answers OCSP questions for a CA has another certificate */
    BM_EVENT_SITE_RECOVERED,      /* an old copy of the store was caught up from the journal */
    BM_EVENT_CA_CHANGED,          /* an issuing CA made or retired, another root pinned */
    BM_EVENT__N
};

/*
 * birthmark/event/v1
 * kind identity-issued
 * time 2026-11-23T21:34:09Z
 * KEY VALUE ...                 by kind, in the order of the table in event.c; absent ones are left out
 */
struct bm_event {
    enum bm_event_kind kind;
    bm_time time;
    struct bm_bytes device; /* text; every member: n = 0 when it does not apply */
    struct bm_bytes chip;   /* hex SHA-256 of the root key that spoke */
    struct bm_bytes lot;
    struct bm_bytes order;
    struct bm_bytes profile;
    struct bm_bytes service;
    struct bm_bytes evidence_class;
    struct bm_bytes proven;           /* words (pki/proven.h), one space between two */
    struct bm_bytes tpm_manufacturer; /* as the TPM's maker certified it; likewise the next two */
    struct bm_bytes tpm_model;
    struct bm_bytes tpm_version;
    struct bm_bytes measured_first; /* hex SHA-256 of the first code after the boot ROM; DICE */
    struct bm_bytes measured_code;  /* of what it started */
    struct bm_bytes evidence;       /* hex SHA-256 of the evidence bundle */
    struct bm_bytes serial;         /* hex */
    struct bm_bytes certificate;    /* hex SHA-256 of the certificate's DER */
    struct bm_bytes replaces;       /* hex serial */
    struct bm_bytes statement;      /* hex SHA-256 of the signed note */
    struct bm_bytes by;             /* operator */
    struct bm_bytes second;         /* operator who approved */
    struct bm_bytes vendor;         /* text */
    struct bm_bytes until;          /* time as text */
    struct bm_bytes count;          /* decimal */
    struct bm_bytes what;           /* refusals: unknown-chip, lot, statement, enrol, clone, quota ... (a word for alarms) */
    struct bm_bytes reason;         /* a word or a sentence, one line */
    struct bm_bytes owner;          /* text */
    struct bm_bytes state;          /* enum bm_life that the device is in from now on */
    struct bm_bytes was;            /* chips: where they were before (record/books.h); of a repair: where the old one was, and its lot */
    struct bm_bytes balance;        /* of an order (record/books.h) */
    struct bm_bytes old_chip;       /* of a repair: hex SHA-256 of a root key that the device had */
};
#define BM_EVENT_REASON 400 /* bytes of a reason: a whole sentence of struct bm_fail */
/*
 * What a kind must have and may have (table in event.c); anything else poisons buf, as does a value that has not its form: a mistake of the caller.
 *   WHERE = device chip lot order profile service    SHOWN = proven tpm-manufacturer tpm-model tpm-version measured-first measured-code
 *   site-founded        -; certificate statement by reason
 *   roles-set           statement; by second count reason
 *   lot-pinned          lot statement; by second count reason
 *   order-opened        order statement; lot profile by second count reason
 *   allowed             device statement; chip order service by second reason       order: it counts as a re-issue there
 *   identity-issued     device chip service serial certificate; WHERE SHOWN evidence-class evidence statement
 *   identity-replaced   the same and replaces
 *   identity-confirmed  serial; WHERE certificate replaces until        of a renewal: what it renewed, and how long that stays good
 *   identity-revoked    serial; WHERE certificate statement by reason
 *   refused             reason; what WHERE evidence-class evidence statement by count
 *   refused-counted     count; reason
 *   signed-again        serial; WHERE certificate count reason
 *   lot-superseded      lot statement; by second count reason
 *   lot-quarantined     lot reason; by
 *   lot-released        lot statement; by second reason
 *   lot-withdrawn       lot reason; by
 *   chips-scrapped      lot count reason was; chip order by        chip: when it is one; order: that units were made of some of them under
 *   chips-withdrawn     the same
 *   waived              statement vendor what until; by second reason       what: the check
 *   policy-set          statement; by second count reason                   count: of the acts
 *   order-raised        order count statement; by second reason             count: the new quantity
 *   order-closed        order reason balance; by count                      count: units that it gave
 *   device-moved        device what state reason; WHERE evidence serial statement by second count owner old-chip was
 *   responder-certified certificate what                              what: the CA
 *                       what: the move; count: certificates that it stops or revokes; chip, lot: of a repair, the new one; serial: of a resume, the
 *                       certificate that lives on after a fork
 *   profile-activated   profile count statement; by second reason           count: the version
 *   ca-changed          what state statement; by second certificate reason  what: its name; state: made, retired, pinned (a root); certificate: its own
 * A reason is never refused: it is cut to its length and what is no text in it becomes '?'.
 */
void bm_event_build(struct bm_buf *buf, const struct bm_event *event);
bm_must_use enum bm_rc bm_event_parse(struct bm_event *ret_event, struct bm_bytes text, struct bm_fail *fail); /* views */
const char *bm_event_word(enum bm_event_kind kind);

/*
 * The ledger's entry for an event: u8 version = 1, u8 kind, SHA-256("birthmark/leaf/v1\n" || salt || event text). 34 bytes; salt is 32 random bytes.
 */
#define BM_ENTRY 34
#define BM_SALT 32
void bm_entry_build(uint8_t ret_entry[static BM_ENTRY], enum bm_event_kind kind, const uint8_t salt[static BM_SALT], struct bm_bytes event);

#endif
