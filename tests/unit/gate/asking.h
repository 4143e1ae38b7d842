/* asking.h - one gate for a whole program of tests: what is asked of it, and what it must answer. */
#ifndef BM_GATE_ASKING_H
#define BM_GATE_ASKING_H

#include "kit.h"

#define HOST "Host: localhost\r\n"
#define FULLCMC "POST /.well-known/est/fullcmc HTTP/1.1\r\n" HOST "Content-Type: application/pkcs7-mime; smime-type=CMC-request\r\n"
#define NONCE "POST /.well-known/est/nonce HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"
#define TEXT "text/plain; charset=utf-8"
#define CERTS "application/pkcs7-mime; smime-type=certs-only"

extern struct kit kit;
extern struct answer answer; /* the last one */

int gate_setup(void **state);
int gate_teardown(void **state);

void say(struct client *c, const char *text);
/* One request on a connection of its own. */
void ask(SSL_CTX *ctx, const char *request);
/* The same with a body. */
void posted(SSL_CTX *ctx, const char *head, const char *body);
/* Of the last answer; body NULL: any. */
void expect(unsigned status, const char *type, const char *body);
/* Asks for the nonce of the connection's own key. */
void nonce_expect(struct client *c);

#endif
