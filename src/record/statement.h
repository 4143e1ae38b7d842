/* statement.h - the signed statements that the signer takes as authority. Format: docs/formats/statements.md. */
#ifndef BM_STATEMENT_H
#define BM_STATEMENT_H

#include "base/env.h"
#include "lot/leaf.h"
#include "merkle/note.h"
#include "pki/profile.h"
#include "record/acts.h"
#include "record/units.h"

enum bm_statement_kind {
    BM_STATEMENT_PIN = 1,
    BM_STATEMENT_ORDER,
    BM_STATEMENT_ALLOW,
    BM_STATEMENT_ROLES,
    BM_STATEMENT_POLICY,
    BM_STATEMENT_RAISE,
    BM_STATEMENT_PROFILE,
    BM_STATEMENT_RECOVER,
    BM_STATEMENT_CA,
    BM_STATEMENT__N
};

/*
 * Every statement is a C2SP signed note whose text begins
 *
 *   birthmark/pin/v1            pin | order | allow | roles | policy | raise | activation | recover
 *   site 9f3c...41              SHA-256 of the signer's ledger public key (32 bytes): no other site obeys it
 *   seq 7                       one more than the last that the signer took: neither replayed nor re-ordered. A proposal, which waits for a second
 *                               person, has instead: proposal HEX (16 random bytes) / expires T (at most BM_PROPOSAL_DAYS after time); the signer
 *                               takes each such number once
 *   time 2026-11-23T21:34:09Z
 *   by anna                     the operator whose signature leads
 *
 * then, by kind:
 *
 *   pin:    lot NAME / vendor TEXT / source WORD / revision N (from 2 on) / kind keys|id / size N / root HEX / file HEX (SHA-256 of the file as it is
 *           kept) / receipt HEX (SHA-256 of the receipt, docs/formats/receipt.md) / waived CHECK HEX (0..8 lines: a waiver that was needed, by its
 *           proposal number; no check twice) / vendor-key VKEY (own format only)
 *   order:  order NAME / product NAME (0 or 1) / lot NAME (1..256 lines) / profile NAME HEX (1..16 lines; SHA-256 of the profile's text) / station NAME HEX (0..16 lines; SHA-256 of
 *           its key's SubjectPublicKeyInfo; none: any) / quantity N / reissues N, scraps N, repairs N, tls-front N, units HEX (of the file), serials PATTERN where there are any / from T /
 *           until T|never
 *   allow:  act reissue / device HEX / service NAME|- / reason TEXT
 *           act resume / device HEX / keep HEX|none|- / reason TEXT             a certificate's serial number; - where nothing forked
 *           act repair / device HEX / chip HEX / reason TEXT                    SHA-256 of a root key of the new chip, or of its id
 *           act transfer / device HEX / owner TEXT / reason TEXT
 *           act waive / vendor TEXT / check WORD / until T / reason TEXT        a check that this vendor's lots may fail; two persons
 *           act release / lot NAME / reason TEXT                                a lot out of quarantine; two persons
 *   roles:  base HEX (SHA-256 of the operator lines of the list that it replaces) / operator NAME ROLE VKEY (1..64 lines; the whole new list; at least one
 *           officer; no name and no key twice; a station's key is a P-256 one)
 *   policy: two ACT (0..n lines, acts that want a signature, in the order of their bytes, none twice)
 *   raise:  order NAME / quantity N, reissues N, scraps N, repairs N (one or more of them: the new ones)
 *   ca:     act make / ca NAME / class operational|idevid / replaces NAME (0 or 1: that one issues no more) / lot NAME (0..n), product NAME (0..n; 32
 *           together; none: all that no other CA serves by name) / certificate BASE64
 *           act retire / ca NAME
 *           act root / certificate BASE64, new-with-old BASE64, old-with-new BASE64 (RFC 9810 4.4)
 *   profile: profile NAME HEX (SHA-256 of its text) / version N       from now on it is this version that orders are opened with
 */
#define BM_PROPOSAL 16
#define BM_PROPOSAL_DAYS 30
struct bm_statement_head {
    enum bm_statement_kind kind;
    uint8_t site[BM_HASH];
    uint64_t seq; /* 0: a proposal */
    uint8_t proposal[BM_PROPOSAL];
    bm_time expires; /* proposal only */
    bm_time time;
    char by[BM_MAX_NAME + 1];
};

enum bm_lot_source {
    BM_SOURCE_BIRTHMARK = 1,
    BM_SOURCE_MICROCHIP,
    BM_SOURCE_INFINEON,
    BM_SOURCE_EK,
    BM_SOURCE_CSV
};

#define BM_MAX_PIN_WAIVED 8
#define BM_MAX_PIN_EK_ROOTS 64 /* the makers of TPMs together have some 40 */
struct bm_pin {
    char lot[BM_MAX_NAME + 1];
    char vendor[BM_MAX_NAME + 1];
    enum bm_lot_source source; /* birthmark: the head is the chipmaker's; else the custodian made it */
    uint64_t revision;         /* 1 and up; 0 is written as 1 */
    enum bm_leaf_kind kind;
    uint64_t size;
    uint8_t root[BM_HASH];
    uint8_t file[BM_HASH], receipt[BM_HASH];
    struct bm_pin_waived {
        char check[BM_MAX_NAME + 1];
        uint8_t proposal[BM_PROPOSAL]; /* of the waiver */
    } waived[BM_MAX_PIN_WAIVED];
    size_t nwaived;
    uint8_t ek_roots[BM_MAX_PIN_EK_ROOTS][BM_HASH]; /* SHA-256 of certificates in which an endorsement key's chain may end, ascending */
    size_t nek_roots;
    char vendor_key[272]; /* vkey text; "" for foreign formats */
};

struct bm_order_profile {
    char name[BM_MAX_NAME + 1];
    uint8_t digest[BM_HASH];
};
/* What is done besides making units, each time with a reason: counted, under a limit of its own in every order. */
enum bm_counted {
    BM_COUNTED_REISSUE, /* an identity may be issued again: a broken write */
    BM_COUNTED_SCRAP,   /* a chip of a unit that was made is scrapped */
    BM_COUNTED_REPAIR,  /* a unit gets another chip */
    BM_COUNTED__N
};
const char *bm_counted_word(enum bm_counted counted); /* "reissues", "scraps", "repairs" */
struct bm_limits {
    uint64_t most[BM_COUNTED__N]; /* 0: none, and no line */
};

struct bm_order {
    char order[BM_MAX_NAME + 1];
    char product[BM_MAX_NAME + 1]; /* "" = none, and no line */
    char (*lots)[BM_MAX_NAME + 1]; /* freed by bm_order_done() */
    size_t nlots;
    struct bm_order_profile profiles[BM_MAX_ORDER_PROFILES];
    size_t nprofiles;
    struct bm_order_station {
        char name[BM_MAX_NAME + 1];
        uint8_t key[BM_HASH];
    } stations[BM_MAX_ORDER_STATIONS];
    size_t nstations;  /* 0: it may be made anywhere */
    uint64_t quantity; /* units */
    struct bm_limits limits;
    uint64_t tls_front; /* certificates that may be had by a TLS client certificate alone; 0: none, and no line */
    bool has_units;
    uint8_t units[BM_HASH];           /* SHA-256 of the file that says what its units are, kept as HOME/lots/HEX.units (units.h) */
    char serials[BM_MAX_SERIALS + 1]; /* pattern of its units' serial numbers; "" = none */
    bm_time from, until;              /* until >= from; BM_TIME_NEVER: no end, written "never" */
};
void bm_order_done(struct bm_order *order); /* for bm_cleanup() too */

enum bm_allow_act {
    BM_ALLOW_REISSUE = 1,
    BM_ALLOW_RESUME,
    BM_ALLOW_REPAIR,
    BM_ALLOW_WAIVE,
    BM_ALLOW_RELEASE,
    BM_ALLOW_TRANSFER,
    BM_ALLOW_SUPPORT
};
#define BM_MAX_OWNER 100 /* bytes of an owner's name */
enum bm_keep {           /* of the identities that forked */
    BM_KEEP_UNSAID,
    BM_KEEP_NONE,
    BM_KEEP_SERIAL
};
struct bm_allow {
    enum bm_allow_act act;
    char device[2 * 10 + 1];       /* reissue, resume, repair, transfer: device id, 20 hex digits */
    char service[BM_MAX_NAME + 1]; /* reissue; "" = none */
    enum bm_keep keep;             /* resume: which of the identities that forked lives on */
    uint8_t serial[BM_MAX_SERIAL]; /* the same: by its newest certificate */
    size_t nserial;
    uint8_t chip[BM_HASH];           /* repair: a root key of the new chip */
    char owner[BM_MAX_OWNER + 1];    /* transfer */
    char vendor[BM_MAX_NAME + 1];    /* waive */
    char check[BM_MAX_NAME + 1];     /* waive: bm_check_word(), a waivable one */
    bm_time until;                   /* waive */
    char lot[BM_MAX_NAME + 1];       /* release */
    struct bm_order_profile support; /* support */
    char ticket[BM_MAX_NAME + 1];    /* the same: the repair's name */
    uint64_t hours;                  /* the same: 1 to BM_SUPPORT_HOURS */
    char reason[161];
};

#define BM_MAX_OPERATORS 64
struct bm_operator {
    char name[BM_MAX_NAME + 1];
    enum bm_role role;
    struct bm_note_key key;
};
struct bm_roles {
    struct bm_operator operators[BM_MAX_OPERATORS];
    size_t noperators;
    uint8_t base[BM_HASH]; /* of a statement: the list that it replaces, bm_roles_digest(); zeros: the founding's, which replaces none */
};
bool bm_roles_officer(const struct bm_roles *roles); /* has it one? */
void bm_roles_free(struct bm_roles **roles);         /* for bm_cleanup(), of calloc(): 16 KiB are too large for a frame */
/* SHA-256 of the list's lines. A list is a whole: one that was made of another list than today's would bring back whom that one had and this one has not. */
void bm_roles_digest(const struct bm_roles *roles, uint8_t ret_digest[static BM_HASH]);

/* The station whose key has this hash (SHA-256 of its SubjectPublicKeyInfo); NULL: it is none of this list's. */
const struct bm_operator *bm_roles_station(const struct bm_roles *roles, const uint8_t key[static BM_HASH]);

/* Which acts take two persons at a site, besides those that always do. One that is not empty protects itself: roles and policy take two as well then. */
struct bm_policy {
    unsigned two; /* set of 1u << enum bm_act */
};
/* Does it, at a site with these operators? A policy and a CA take two wherever two could give it. */
bool bm_policy_two(const struct bm_policy *policy, const struct bm_roles *roles, enum bm_act act);
/* BM_EPOLICY: an act that takes two persons has not got them among these. */
bm_must_use enum bm_rc bm_policy_check(const struct bm_policy *policy, const struct bm_roles *roles, struct bm_fail *fail);
/* The same list with somebody left out: a restriction, which takes one person whatever the policy says. */
bool bm_roles_only_fewer(const struct bm_roles *roles, const struct bm_roles *than);

struct bm_raise {
    char order[BM_MAX_NAME + 1];
    uint64_t quantity; /* 0, here as in the limits: it stays as it is */
    struct bm_limits limits;
};

/* What the store lacks is taken from the journal again. One person, always. */
struct bm_recover {
    uint64_t store; /* ledger leaves that it holds */
    char reason[161];
};

/* A version of a profile, whose text comes beside the statement. */
struct bm_activation {
    struct bm_order_profile profile;
    uint64_t version;
};

enum bm_ca_act {
    BM_CA_MAKE = 1,
    BM_CA_RETIRE,
    BM_CA_ROOT
};
const char *bm_ca_act_word(enum bm_ca_act act);
#define BM_MAX_CA_SERVES 32
struct bm_ca_serves {
    char name[BM_MAX_NAME + 1];
    bool product; /* else a lot */
};
struct bm_ca_statement {
    enum bm_ca_act act;
    char name[BM_MAX_NAME + 1];     /* make, retire */
    enum bm_ca kind;                /* make: its class */
    char replaces[BM_MAX_NAME + 1]; /* make; "" = none */
    struct bm_ca_serves serves[BM_MAX_CA_SERVES];
    size_t nserves;
    struct bm_buf certificate;                /* DER: make, root */
    struct bm_buf new_with_old, old_with_new; /* root */
};
void bm_ca_statement_done(struct bm_ca_statement *ca); /* for bm_cleanup() too */
bm_must_use enum bm_rc bm_ca_statement_parse(struct bm_statement_head *ret_head, struct bm_ca_statement *ret_ca, struct bm_bytes text,
                                             struct bm_fail *fail);
void bm_ca_statement_build(struct bm_buf *buf, const struct bm_statement_head *head, const struct bm_ca_statement *ca);
/* The words of enum bm_ca. */
const char *bm_ca_word(enum bm_ca kind); /* "operational" | "idevid" */
bm_must_use bool bm_ca_parse(enum bm_ca *ret_kind, struct bm_bytes word);

/* Text of a statement (unsigned): parse the head; then the body of its kind. `text` is the note's text, without signatures. */
bm_must_use enum bm_rc bm_statement_head_parse(struct bm_statement_head *ret_head, struct bm_bytes text, struct bm_fail *fail);
bm_must_use enum bm_rc bm_pin_parse(struct bm_statement_head *ret_head, struct bm_pin *ret_pin, struct bm_bytes text, struct bm_fail *fail);
bm_must_use enum bm_rc bm_order_parse(struct bm_statement_head *ret_head, struct bm_order *ret_order, struct bm_bytes text,
                                      struct bm_fail *fail);
bm_must_use enum bm_rc bm_allow_parse(struct bm_statement_head *ret_head, struct bm_allow *ret_allow, struct bm_bytes text,
                                      struct bm_fail *fail);
bm_must_use enum bm_rc bm_roles_parse(struct bm_statement_head *ret_head, struct bm_roles *ret_roles, struct bm_bytes text,
                                      struct bm_fail *fail);
bm_must_use enum bm_rc bm_policy_parse(struct bm_statement_head *ret_head, struct bm_policy *ret_policy, struct bm_bytes text,
                                       struct bm_fail *fail);
bm_must_use enum bm_rc bm_raise_parse(struct bm_statement_head *ret_head, struct bm_raise *ret_raise, struct bm_bytes text,
                                      struct bm_fail *fail);
bm_must_use enum bm_rc bm_activation_parse(struct bm_statement_head *ret_head, struct bm_activation *ret_activation, struct bm_bytes text,
                                           struct bm_fail *fail);
void bm_activation_build(struct bm_buf *buf, const struct bm_statement_head *head, const struct bm_activation *activation);
void bm_policy_build(struct bm_buf *buf, const struct bm_statement_head *head, const struct bm_policy *policy);
bm_must_use enum bm_rc bm_recover_parse(struct bm_statement_head *ret_head, struct bm_recover *ret_recover, struct bm_bytes text,
                                        struct bm_fail *fail);
void bm_recover_build(struct bm_buf *buf, const struct bm_statement_head *head, const struct bm_recover *recover);
void bm_raise_build(struct bm_buf *buf, const struct bm_statement_head *head, const struct bm_raise *raise);
void bm_pin_build(struct bm_buf *buf, const struct bm_statement_head *head, const struct bm_pin *pin);
void bm_order_build(struct bm_buf *buf, const struct bm_statement_head *head, const struct bm_order *order);
void bm_allow_build(struct bm_buf *buf, const struct bm_statement_head *head, const struct bm_allow *allow);
void bm_roles_build(struct bm_buf *buf, const struct bm_statement_head *head, const struct bm_roles *roles);

/* The words of the enums. */
const char *bm_statement_word(enum bm_statement_kind kind); /* "pin" ... */
const char *bm_lot_source_word(enum bm_lot_source source);
const char *bm_allow_act_word(enum bm_allow_act act);

/* Which row of the table of acts it is: reads the body where an allow has several. */
bm_must_use enum bm_rc bm_statement_act(enum bm_act *ret_act, enum bm_statement_kind kind, struct bm_bytes text, struct bm_fail *fail);
enum bm_act bm_allow_act(enum bm_allow_act act);
enum bm_statement_kind bm_act_statement(enum bm_act act); /* the kind that says it */

/* Whose signatures are on it, as far as that is known: filled on refusals too. */
struct bm_signed {
    const struct bm_operator *by, *second;
    bool barred; /* refused by the table of acts: an operator of this site signed what is not for the role. That goes on record. */
};

/* A proposal: the operator it names and one other operator of a role that may, both over the same bytes. Not expired at `now`. Whether its number was taken
 * before is the signer's to know. BM_EPOLICY otherwise, with why ("nobody approves their own proposal"). */
bm_must_use enum bm_rc bm_proposal_check(const struct bm_statement_head *head, struct bm_bytes note, enum bm_act act,
                                         const struct bm_roles *roles, const uint8_t site[static BM_HASH], bm_time now,
                                         struct bm_signed *ret_signed, struct bm_fail *fail);

/* One person's that was signed elsewhere: as a proposal, whose number its site takes once, but with nobody else's signature on it. */
bm_must_use enum bm_rc bm_carried_check(const struct bm_statement_head *head, struct bm_bytes note, enum bm_act act,
                                        const struct bm_roles *roles, const uint8_t site[static BM_HASH], bm_time now,
                                        struct bm_signed *ret_signed, struct bm_fail *fail);

/* Who signed it: the operator it names, with a key and a role of this list. Checks signature, site, role and sequence number, in this order; `seq` is the
 * number that is expected (the last taken one plus 1). `head` must be the head of `note`. BM_EPOLICY otherwise, with why. */
bm_must_use enum bm_rc bm_statement_check(const struct bm_statement_head *head, struct bm_bytes note, enum bm_act act,
                                          const struct bm_roles *roles, const uint8_t site[static BM_HASH], uint64_t seq,
                                          struct bm_signed *ret_signed, struct bm_fail *fail);

/* What wants no signature but a name: an operator whose role may. BM_EPOLICY otherwise. */
bm_must_use enum bm_rc bm_act_check(const struct bm_roles *roles, struct bm_bytes by, enum bm_act act, struct bm_fail *fail);

#endif
