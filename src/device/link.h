/* link.h - the line between a device's agent and a factory's station: its messages, read and written strictly (docs/formats/link.md). */
#ifndef BM_LINK_H
#define BM_LINK_H

#include "base/bytes.h"
#include "base/limits.h"

#include <jansson.h>

#define BM_LINK_VERSION 1
#define BM_LINK_LINE 196608 /* bytes of one line: the largest body of HTTP in base64, and what stands around it */
#define BM_LINK_BYTES 6144  /* of TLS in one message: most flights of a handshake, and not too long on a slow line */
#define BM_LINK_ANSWER 90   /* seconds that an answer may take: the server has 60 */
/* The one name in every station's certificate: none of a server has it, so a handshake with a station is worth nothing elsewhere (RFC 6761: resolves to nothing). */
#define BM_LINK_HOST "station.birthmark.invalid"

enum bm_link_say {
    /* the station's commands */
    BM_LINK_HELLO,
    BM_LINK_STATUS,
    BM_LINK_ENROL,
    BM_LINK_READ,
    BM_LINK_PROVE,
    BM_LINK_BYE, /* and the device's last answer */
    /* the device's questions while it works on one */
    BM_LINK_POST,
    BM_LINK_CONNECT,
    BM_LINK_TLS, /* and the station's answer */
    /* the station's answers to them */
    BM_LINK_REPLY,
    BM_LINK_CONNECTED,
    BM_LINK_ENDED,
    BM_LINK_AWAY,
    /* the device's answers to commands */
    BM_LINK_DEVICE,
    BM_LINK_ENROLLED,
    BM_LINK_IDENTITY,
    BM_LINK_PROVEN,
    BM_LINK_REFUSED,
    BM_LINK__N
};
#define BM_LINK_BIT(say) (1u << (say))
#define BM_LINK_COMMANDS                                                                                                 \
    (BM_LINK_BIT(BM_LINK_HELLO) | BM_LINK_BIT(BM_LINK_STATUS) | BM_LINK_BIT(BM_LINK_ENROL) | BM_LINK_BIT(BM_LINK_READ) | \
     BM_LINK_BIT(BM_LINK_PROVE) | BM_LINK_BIT(BM_LINK_BYE))

/* Every field is one that its kind of message has, of the right type and size. */
struct bm_link_message {
    enum bm_link_say say;
    json_t *json;
};
void bm_link_message_done(struct bm_link_message *message);
const char *bm_link_text(const struct bm_link_message *message, const char *field); /* NULL when absent; no control characters */
uint64_t bm_link_number(const struct bm_link_message *message, const char *field);  /* 0 when absent */
bool bm_link_true(const struct bm_link_message *message, const char *field);
void bm_link_bytes(const struct bm_link_message *message, const char *field, struct bm_buf *buf); /* appended */

/* One line without its end. */
bm_must_use enum bm_rc bm_link_parse(struct bm_link_message *ret, struct bm_bytes line, struct bm_fail *fail);
/* The line with its end, appended; refuses what bm_link_parse() would. */
bm_must_use enum bm_rc bm_link_print(struct bm_buf *line, json_t *json, struct bm_fail *fail);

/* The line's two ends, and what has come in and is not read yet. The caller ignores SIGPIPE. */
struct bm_link {
    int in, out;
    struct bm_buf held; /* .max is BM_LINK_LINE */
    size_t used;        /* of held: the message before */
};
struct bm_link bm_link(int in, int out);
void bm_link_done(struct bm_link *link);

/*
 * The next message, if it is one of `allowed` (bits). seconds: how long it may take; 0: for ever. BM_EBUSY: it took longer, or the line ended; BM_EINPUT: it is
 * no message, or not one of these: nothing that comes after it can be trusted.
 */
bm_must_use enum bm_rc bm_link_next(struct bm_link *link, unsigned allowed, unsigned seconds, struct bm_link_message *ret,
                                    struct bm_fail *fail);
/* Takes json; NULL is no memory. */
bm_must_use enum bm_rc bm_link_send(struct bm_link *link, json_t *json, struct bm_fail *fail);
/* A text of base64 for a field; NULL: no memory. */
json_t *bm_link_b64(struct bm_bytes bytes);

#endif
