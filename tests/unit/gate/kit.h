/* kit.h - a real birthmark-gate on a fresh home, a registrar of ours behind it, and clients that send raw bytes over TLS. */
#ifndef BM_GATE_KIT_H
#define BM_GATE_KIT_H

#include "base/bytes.h"
#include "base/limits.h"

#include <openssl/ssl.h>
#include <sys/types.h>

struct kit {
    char home[64];
    int tls_port, plain_port;
    unsigned files; /* that the gate may open; 0: as many as we */
    pid_t gate, registrar;
    SSL_CTX *client;             /* without a certificate */
    SSL_CTX *device;             /* with one, of a key that nobody has heard of */
    uint8_t device_key[BM_HASH]; /* SHA-256 of its SPKI */
    struct bm_buf root;          /* DER of the certificate that is the whole hierarchy here */
};
void kit_open(struct kit *kit); /* zeroed, or with `files` set */
void kit_close(struct kit *kit);
/* Exit status of the gate, waited for; -1: it still runs after 5 seconds. */
int kit_gate_status(struct kit *kit);

/* The registrar of ours (registrar.c): answers by the first byte of the body; never returns. */
_Noreturn void registrar_serve(int channel, struct bm_bytes certificate);

struct client {
    int fd;
    SSL *ssl; /* NULL: plain */
};
int client_dial(int port);
void client_open(struct client *c, const struct kit *kit, SSL_CTX *ctx); /* NULL: the plain port */
void client_close(struct client *c);
void client_send(struct client *c, struct bm_bytes bytes);

/* One whole reply. */
struct answer {
    unsigned status;   /* 0: the connection ended without one */
    char head[2048];   /* as it came, with the empty line */
    char body[200000]; /* NUL-terminated */
    size_t n;          /* bytes of body */
};
void client_read(struct client *c, struct answer *ret, bool head_only);
bool client_ended(struct client *c); /* nothing more comes, within 3 seconds */

#endif
