/* control_messages.h - what a command asks of the registrar, over HOME/control or a socketpair. Format: docs/formats/messages.md. */
#ifndef BM_CONTROL_MESSAGES_H
#define BM_CONTROL_MESSAGES_H

#include "base/base.h"
#include "base/limits.h"
#include "wire/rd.h"

/*
 * One request at a time on a connection. Questions are answered by any number of BM_C_ROW and then BM_C_END; acts by BM_C_END alone; a refusal is BM_C_REFUSED.
 */
enum bm_control_message {
    /* requests: command -> registrar */
    BM_C_SITE = 1,  /* empty; one row: site, vkey, next_seq, ledger size, name, url, signed, signed_again, gates, anchor ... */
    BM_C_STATEMENT, /* lv32 signed note, u8 n, n x lv16 profile text; one row: {leaf} */
    BM_C_LOT_BEGIN, /* lv32 signed pin, lv32 head note or empty; the lot's index stands in HOME/lots/ROOT.index */
    BM_C_LOT_NEXT, /* empty: the next leaves go to the signer, the lot is compared with others; END's body: u64 leaves that went, u8 1: again */
    BM_C_LOT_END,     /* empty; one row: as SHOW */
    BM_C_LOT_REFUSED, /* lv16 lot or empty, lv16 operator, lv16 sentence: the command refused a file; answer: BM_C_REFUSED with the alarm */
    BM_C_VENDOR_ADD,  /* lv16 name, u8 format, u8 n signers x lv16 (vkey text or DER), u8 n roots x lv16 DER, u8 n retired x 32 */
    BM_C_LIST,        /* lv16 what: "vendor" "lot" "chip" "order" ... (store/rows.c), lv16 filter (JSON object text, "{}"); rows */
    BM_C_SHOW,        /* lv16 what (as LIST), lv16 name; one row with everything */
    BM_C_VENDOR,      /* lv16 name; the VENDOR_ADD body as stored: rows of raw bytes, and the rest of them in END's body */
    BM_C_REVOKE,      /* lv16 serial hex, u8 CRLReason, lv16 operator, lv16 reason text; one row */
    BM_C_ALARM_SETTLE,  /* u64 alarm, lv16 operator, lv16 note */
    BM_C_LEDGER,        /* u64 first, u32 most: rows {index, salt, event}; END's body: lv16 signed checkpoint */
    BM_C_PROVE,         /* u64 index; one row: {index, salt, event}; END's body: the proof (merkle/tree.h), lv16 signed checkpoint */
    BM_C_VENDOR_RETIRE, /* lv16 name; no more of its lots are taken */
    BM_C_LOT_STATE,     /* lv16 lot, u8 (as BM_S_LOT_STATE), lv16 operator, lv16 reason; one row: as SHOW */
    BM_C_CHIPS, /* u8 (as BM_S_CHIPS), lv16 lot, lv16 operator, lv16 reason, u32 n (up to BM_C_MAX_CHIPS), n x u32 place in the lot; one row
                         * {lot, chips} */
    BM_C_PROPOSE, /* lv32 note with one signature, lv32 what goes to the signer behind the note; one row: as SHOW proposal */
    BM_C_APPROVE, /* u64 proposal, lv32 the same text with both signatures; goes to the signer as a statement; one row: as SHOW proposal */
    BM_C_REJECT,  /* u64 proposal, lv16 operator, lv16 reason; one row: as SHOW proposal */
    BM_C_VENDOR_PART,   /* raw bytes: of a VENDOR_ADD body that is longer than a message, before the one that ends it */
    BM_C_LOT_INDEX,     /* 32 root: the lot's index was made anew in HOME/lots/ROOT.index */
    BM_C_ORDER_CLOSE,   /* lv16 order, lv16 operator, lv16 reason; one row: as SHOW order */
    BM_C_DEVICE,        /* as BM_S_DEVICE: suspend, revoke, decommission; one row: as SHOW device */
    BM_C_SUPPORT_CLOSE, /* as BM_S_SUPPORT_CLOSE, with an operator; one row: as SHOW device */
    BM_C_CA,            /* u8 number; END's body: as BM_S_CA's answer, its live certificates counted */
    BM_C_ROOT,          /* u8 number; END's body: as BM_S_ROOT's answer */
    BM_C_KEYS,          /* empty: site.conf names another key; the signer of a server begins anew, while requests wait */

    /* answers: registrar -> command */
    BM_C_ROW = 128, /* lv32 JSON object text, stable field names: --json prints it as it is */
    BM_C_END,       /* what the request's line says */
    BM_C_REFUSED,   /* u8 enum bm_rc, u64 alarm (0 = none), lv16 sentence */
};

#define BM_C_MAX_CHIPS 400 /* with eight keys each they are less than BM_S_MAX_SIGNED */

struct bm_c_refused {
    uint8_t rc;
    uint64_t alarm;
    struct bm_bytes sentence;
};
void bm_c_refused_build(struct bm_buf *buf, const struct bm_c_refused *refused);
bm_must_use enum bm_rc bm_c_refused_parse(struct bm_c_refused *ret_refused, struct bm_rd body, struct bm_fail *fail);

#endif
