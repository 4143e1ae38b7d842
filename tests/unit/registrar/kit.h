/* kit.h - the real birthmark-registrar between a signer, a gate and commands that the test plays. */
#ifndef BM_TEST_REGISTRAR_KIT_H
#define BM_TEST_REGISTRAR_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clocked.h"
#include "proc/channel.h"
#include "proc/control_messages.h"
#include "proc/gate_messages.h"
#include "proc/signer_messages.h"
#include "proc/spawn.h"
#include "record/event.h"
#include "site_fixture.h"

#define KIT_COMMANDS 2
#define KIT_NOW 1795469649 /* 2026-11-23T21:34:09Z */

struct kit {
    struct fixture site;
    struct fixture_lot lot; /* LOT-1, three chips */
    struct bm_child registrar;
    int signer, gate, command[KIT_COMMANDS];
    int ready, said; /* what it prints */
    volatile struct clocked_page *page;
    int clock_fd;
    uint8_t *packet;

    /* the signer that the test plays */
    struct bm_frontier book;
    struct bm_note_signer ledger;
    struct kit_leaf {
        uint8_t salt[BM_SALT];
        struct bm_buf text, certificate, evidence, attachment; /* what a replay gives back */
    } leaf[64];
    uint64_t serials; /* given out */
    uint64_t held;    /* what the registrar said last that its store holds */
    bool misses;      /* the next HELLO is told so */
};

/* cmocka's setup and teardown: site and lot on disk, registrar not started. Teardown wants it to have ended as the test says, or ends it. */
int kit_open(void **state);
int kit_close(void **state);

/* Starts it, with one gate and a listening control socket; no answers yet. */
void kit_spawn(struct kit *k);
/* That, HELLO answered with the book as it is (nothing to replay), ready. */
void kit_start(struct kit *k);
/* A copy of the database, and a new start without it: the book stays, or is set back to its first leaf. */
void kit_store_put_away(struct kit *k, const char *name);
/* HELLO heard: the size that the store told; and answered for a book of this size. */
uint64_t kit_hello(struct kit *k);
void kit_hello_answer(struct kit *k);
void kit_ready(struct kit *k);
/* It must end by itself: exit status, and what it said last. */
int kit_ended(struct kit *k, char *ret_said, size_t n);
void kit_stop(struct kit *k); /* kill -9 */
void kit_connect(struct kit *k, int command);
void kit_hang_up(struct kit *k, int command);

/* One message in either direction; a body is a view until the next. */
void kit_say(struct kit *k, int fd, uint16_t type, uint64_t id, struct bm_bytes body);
struct bm_message kit_hear(struct kit *k, int fd);
/* That, of this type. */
struct bm_message kit_want(struct kit *k, int fd, uint16_t type);
bool kit_silent(struct kit *k, int fd); /* nothing for a fifth of a second */
bool kit_gone(struct kit *k, int fd);   /* hung up within ten seconds */

/* The signer's side: appends an event to the book and gives its leaf; the checkpoint over all. */
struct bm_s_leaf kit_leaf(struct kit *k, const struct bm_event *event);
struct bm_bytes kit_checkpoint(const struct kit *k, struct bm_buf *note);
void kit_answer(struct kit *k, uint64_t id, const struct bm_s_leaf *leaf); /* ANSWER with this leaf, or with none */
void kit_answer_empty(struct kit *k, uint64_t id);
void kit_refuse(struct kit *k, uint64_t id, enum bm_rc class, const char *sentence, const struct bm_s_leaf *leaf);
/* ISSUED for a chip: a certificate that parses, the event that goes with it. */
struct kit_issue {
    size_t chip;
    const char *service, *replaces; /* NULL: mqtt; none */
    bool renewal;                   /* what it replaces lives on */
    char serial[41];                /* out: hex */
    uint8_t key[BM_HASH];           /* out: the operational key's hash */
    struct bm_buf certificate;      /* out */
};
struct bm_s_leaf kit_issue_leaf(struct kit *k, struct kit_issue *issue);
void kit_issued(struct kit *k, uint64_t id, const struct bm_s_leaf *leaf, const char *serial);
void kit_issued_repeat(struct kit *k, uint64_t id, const char *serial);

/* The gate's: a request by a chip of a lot, or by anybody. */
void kit_enrol(struct kit *k, uint64_t id, const char *label, const struct fixture_chip *chip);
/* Likewise, with the word of a current key, which nobody looks at here. */
void kit_renew(struct kit *k, uint64_t id, const char *label, const struct fixture_chip *chip);
void kit_enrol_bytes(struct kit *k, uint64_t id, const char *label, struct bm_bytes cmc);
void kit_cmc(struct kit *k, struct bm_buf *cmc, const struct fixture_chip *chip);
struct bm_g_refused kit_gate_refused(struct kit *k, uint64_t id);
#define KIT_DEVICE "00112233445566778899"

/* The command's: a lot received and an order opened, which must go well. */
void kit_lot_begin_body(struct kit *k, struct bm_buf *body, const struct fixture_lot *lot);
void kit_lot_index(struct kit *k, const struct fixture_lot *lot); /* HOME/lots/ROOT.index */
void kit_lot_begin(struct kit *k, int command, const struct fixture_lot *lot);
bool kit_lot_next(struct kit *k, int command); /* the next leaves, acknowledged; false: there is no more to do */
void kit_lot_stream(struct kit *k, int command, const struct fixture_lot *lot); /* begun, and all leaves acknowledged */
struct bm_event kit_pin_event(const struct fixture_lot *lot);
void kit_lot_receive(struct kit *k, int command, const struct fixture_lot *lot);
void kit_order_body(struct kit *k, struct bm_buf *body, const char *name, const char *lot, uint64_t quantity);
void kit_order_open(struct kit *k, int command, const char *name, const char *lot, uint64_t quantity);
struct bm_c_refused kit_command_refused(struct kit *k, int command);
/* LIST; all rows, one a line, into text (NUL-terminated). */
void kit_list(struct kit *k, int command, const char *what, const char *filter, struct bm_buf *text);

/* Fails unless the sentence has these words. */
void kit_assert_says(struct bm_bytes sentence, const char *words);

#endif
