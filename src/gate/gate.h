/* gate.h - the inside of the network front: what it holds and how a request goes through it. Only this room includes it. */
#ifndef BM_GATE_H
#define BM_GATE_H

#include "base/env.h"
#include "base/limits.h"
#include "gate/reply.h"
#include "gate/request.h"
#include "proc/confine.h"
#include "proc/gate_messages.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/ssl.h>

/* Milliseconds. A client that is slower than these is gone: each of them covers the whole step, not the pause between two bytes. */
#define PATIENCE_HEAD 10000   /* handshake, or from a request's first byte to the end of its head */
#define PATIENCE_BODY 30000   /* to the end of its body */
#define PATIENCE_ANSWER 60000 /* the registrar's; a hardware token may have a queue */
#define PATIENCE_WRITE 30000  /* until the client has taken the reply */
#define PATIENCE_IDLE 60000   /* between two requests */
#define PATIENCE_CLOSE 2000   /* until the client has read why it is closed */

#define MAX_CONNECTIONS 8192 /* a gate; fewer where fewer descriptors are allowed */
#define MAX_PENDING 1024     /* requests under way at the registrar, a gate; above it 503 */
#define MAX_QUEUE (8u << 20) /* bytes that wait for the registrar; above it 503 */
#define MAX_CMC 32768   /* evidence (BM_MAX_EVIDENCE) without the leaf and the proof that the registrar adds; real ones are under 3 KiB */
#define MAX_STATION 512 /* a P-256 key and its signature in base64 are 224 characters */
#define MAX_SOURCE 64   /* a client's address as text */
#define RETRY_AFTER 1   /* seconds */

struct gate;
struct connection;

/* ---- doors.c: which paths there are ---- */

struct door {
    const char *path; /* beneath /.well-known/est/[LABEL/] when est, else whole */
    bool est;
    bool rest;        /* what stands behind `path` is what the client says: serve() gets it in place of a body */
    bool plain;       /* on the plain port too: what is signed, or says nothing */
    unsigned methods; /* of enum bm_method; GET means HEAD too */
    const char *types[2];
    size_t max; /* bytes of body */
    /* Replies with bm_connection_reply(), or asks with bm_ask(). Anything but BM_OK is answered with its class and sentence. */
    enum bm_rc (*serve)(struct connection *c, struct bm_bytes body, struct bm_fail *fail);
    /* The registrar's answer, when it is no refusal. A failure is a breach: the gate stops. */
    uint16_t answer_type;
    enum bm_rc (*answer)(struct connection *c, struct bm_rd answer, struct bm_fail *fail);
    const char *ends; /* path and ends are what stands before and behind a name; NULL: there is none in it */
    uint16_t asks;    /* with a name: what the registrar is asked by it ... */
    const char *type; /* ... and as what its answer goes out */
};

/* Finds the door and checks method, type and length. BM_EINPUT: *ret_status has the HTTP status, *ret_allow the methods for 405. */
bm_must_use enum bm_rc bm_door_find(struct connection *c, const struct bm_request *r, unsigned *ret_status, const char **ret_allow,
                                    struct bm_fail *fail);

/* est.c, v1.c, site.c: what the doors do */
/* What stands in the Birthmark-Station field, as a part of a bundle; nothing where there is none. */
bm_must_use enum bm_rc bm_station_field(struct bm_buf *part, const struct connection *c, struct bm_fail *fail);
enum bm_rc bm_serve_cacerts(struct connection *c, struct bm_bytes body, struct bm_fail *fail);
enum bm_rc bm_answer_cacerts(struct connection *c, struct bm_rd answer, struct bm_fail *fail);
enum bm_rc bm_serve_nonce(struct connection *c, struct bm_bytes body, struct bm_fail *fail);
enum bm_rc bm_answer_nonce(struct connection *c, struct bm_rd answer, struct bm_fail *fail);
enum bm_rc bm_serve_fullcmc(struct connection *c, struct bm_bytes body, struct bm_fail *fail);
enum bm_rc bm_serve_simpleenroll(struct connection *c, struct bm_bytes body, struct bm_fail *fail);
enum bm_rc bm_answer_fullcmc(struct connection *c, struct bm_rd answer, struct bm_fail *fail);
enum bm_rc bm_serve_challenge(struct connection *c, struct bm_bytes body, struct bm_fail *fail);
enum bm_rc bm_answer_challenge(struct connection *c, struct bm_rd answer, struct bm_fail *fail);
enum bm_rc bm_serve_tpm_enrol(struct connection *c, struct bm_bytes body, struct bm_fail *fail);
enum bm_rc bm_answer_certificates(struct connection *c, struct bm_rd answer, struct bm_fail *fail); /* as JSON */
enum bm_rc bm_serve_renew(struct connection *c, struct bm_bytes body, struct bm_fail *fail);
enum bm_rc bm_serve_confirm(struct connection *c, struct bm_bytes body, struct bm_fail *fail);
enum bm_rc bm_answer_confirm(struct connection *c, struct bm_rd answer, struct bm_fail *fail);
enum bm_rc bm_serve_named(struct connection *c, struct bm_bytes body, struct bm_fail *fail);
enum bm_rc bm_answer_der(struct connection *c, struct bm_rd answer, struct bm_fail *fail);
enum bm_rc bm_serve_ocsp_post(struct connection *c, struct bm_bytes body, struct bm_fail *fail);
enum bm_rc bm_serve_ocsp_get(struct connection *c, struct bm_bytes text, struct bm_fail *fail);
enum bm_rc bm_answer_ocsp(struct connection *c, struct bm_rd answer, struct bm_fail *fail);
enum bm_rc bm_answer_crl_pem(struct connection *c, struct bm_rd answer, struct bm_fail *fail);
enum bm_rc bm_serve_health(struct connection *c, struct bm_bytes body, struct bm_fail *fail);
enum bm_rc bm_answer_health(struct connection *c, struct bm_rd answer, struct bm_fail *fail);
enum bm_rc bm_serve_site(struct connection *c, struct bm_bytes body, struct bm_fail *fail);
enum bm_rc bm_answer_site(struct connection *c, struct bm_rd answer, struct bm_fail *fail);

/* ---- connection.c: one client ---- */

enum state {
    SHAKING, /* TLS handshake */
    READING, /* idle, or a request comes in */
    ASKING,  /* the registrar has it */
    WRITING, /* the reply goes out */
    CLOSING, /* nothing more is said; what still comes is thrown away until the client has read the reply */
};

struct connection {
    struct gate *gate;
    struct connection *prev, *next;
    int fd;
    SSL *ssl; /* NULL on the plain port */
    struct event readable, writable;
    bool hearing; /* `readable` is armed */
    enum state state;
    int64_t deadline;

    struct bm_buf in, out;
    size_t sent;
    size_t searched; /* for the end of the head */
    size_t wanted;   /* bytes of the whole request; 0 = its head has not come */
    bool interim;    /* what goes out is "100 Continue" */
    struct ask *ask; /* when ASKING */
    const struct door *door;
    char label[BM_MAX_NAME + 1]; /* "" = none */
    char name[BM_MAX_NAME + 1];  /* that stands in the path, where the door has one */
    char station[MAX_STATION];   /* what the station says of it, in base64; "" = none */
    bool get;                    /* the request was no POST */
    bool json;                   /* refusals as {"error": SENTENCE} */
    bool head, last, keep_alive; /* of the request being served, as in struct bm_request */

    bool has_peer;
    uint8_t peer[BM_HASH]; /* SHA-256 of the client key's SubjectPublicKeyInfo */
    char source[MAX_SOURCE];
};

/* Takes the descriptor over; ssl may be NULL. */
void bm_connection_open(struct gate *gate, int fd, bool tls, const char *source);
void bm_connection_free(struct connection *c);
/* The one reply to the request being served. */
void bm_connection_reply(struct connection *c, const char *type, struct bm_bytes body);
/* The same, for so many seconds good for whoever asks the same (0: as above). */
void bm_connection_reply_kept(struct connection *c, const char *type, struct bm_bytes body, unsigned seconds);
void bm_connection_refuse(struct connection *c, unsigned status, const char *allow, const char *sentence);
/* Goes on after a reply that did not come from within serve(). */
void bm_connection_go(struct connection *c);
/* Makes room by closing the client that has been idle longest; false: nobody is idle. */
bool bm_connection_evict(struct gate *gate);
/* Closes who was too slow; called every second. */
void bm_connections_tick(struct gate *gate);

/* ---- transport.c: bytes, with or without TLS ---- */

enum io {
    IO_DONE,
    IO_READ, /* goes on when readable, or writable: nothing is lost until then */
    IO_WRITE,
    IO_GONE,
};
enum io bm_io_shake(struct connection *c);
/* Appends what there is to c->in, at least one byte when IO_DONE. */
enum io bm_io_read(struct connection *c);
enum io bm_io_write(struct connection *c); /* all of c->out */
bool bm_io_buffered(const struct connection *c);
void bm_io_finish(struct connection *c); /* says good-bye; the client may still read what was sent */
enum io bm_io_discard(struct connection *c);

/* ---- tls.c ---- */

bm_must_use enum bm_rc bm_tls_server(SSL_CTX **ret_tls, const char *cert_path, const char *key_path, struct bm_fail *fail);
/* SHA-256 of the client certificate's key; false without one. */
bool bm_tls_peer(uint8_t ret_hash[static BM_HASH], const SSL *ssl);

/* ---- asks.c: requests under way at the registrar ---- */

struct ask {
    struct connection *asker; /* NULL: it went away, the answer is thrown away */
    bool used;
    uint32_t turn; /* part of the id, so that an old answer is no new one */
};
struct waiting;

struct asks {
    int fd;
    struct event readable, writable;
    uint8_t *buffer; /* BM_MAX_MESSAGE */
    struct ask slots[MAX_PENDING];
    uint16_t free[MAX_PENDING]; /* numbers of free slots */
    size_t nfree;
    struct waiting *first, *last; /* what did not fit into the channel */
    size_t waiting;               /* bytes */
};
bm_must_use enum bm_rc bm_asks_open(struct gate *gate, int fd, struct bm_fail *fail);
void bm_asks_close(struct gate *gate);
/* Sends the request and puts the connection into ASKING. BM_EBUSY: too many are under way. */
bm_must_use enum bm_rc bm_ask(struct connection *c, uint16_t type, struct bm_bytes body, struct bm_fail *fail);
void bm_ask_forget(struct connection *c);

/* ---- main.c ---- */

struct gate {
    const struct bm_env *env;
    struct event_base *base;
    SSL_CTX *tls;
    struct event doors[2]; /* TLS, plain */
    struct event tick;
    struct connection *connections;
    size_t nconnections, max_connections;
    bool full; /* no more are accepted until one ends */
    struct asks asks;
    char confinement[BM_CONFINE_TEXT];
    bm_time now;   /* of this second, for Date */
    enum bm_rc rc; /* why the loop ended */
    struct bm_fail fail;
};
/* Ends the loop: the parent starts anew. */
void bm_gate_stop(struct gate *gate);

/* accept.c */
bm_must_use enum bm_rc bm_accept_open(struct gate *gate, int tls, int plain, struct bm_fail *fail);
void bm_accept_pause(struct gate *gate, bool pause);

#endif
