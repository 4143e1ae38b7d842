/* agent_carry.c - what the agent asks a station for: to carry requests to the server, and bytes of TLS. */
#include "device/agent_link.h"

#include <openssl/err.h>

#include <stdio.h>

#define EXCHANGES 64 /* of one handshake: TLS needs two, and a certificate's message may come in parts */

/* The link is of no more use, or gave an answer. */
static enum birthmark_result
ask(struct station *station, json_t *question, unsigned answers, struct bm_link_message *ret, char why[static 400])
{
    if (station->fail.rc == BM_OK && bm_link_send(&station->link, question, &station->fail) == BM_OK &&
        bm_link_next(&station->link, answers | BM_LINK_BIT(BM_LINK_AWAY), BM_LINK_ANSWER, ret, &station->fail) == BM_OK) {
        if (ret->say != BM_LINK_AWAY)
            return BIRTHMARK_OK;
        (void)snprintf(why, 400, "%s", bm_link_text(ret, "why"));
        return BIRTHMARK_AWAY;
    }
    (void)snprintf(why, 400, "%s", station->fail.text);
    return station->fail.rc == BM_EINPUT ? BIRTHMARK_REFUSED : BIRTHMARK_AWAY;
}

static enum birthmark_result
post(struct birthmark_carrier *carrier, const char *path, const char *type, const void *body, size_t n, struct birthmark_carried *ret)
{
    bm_cleanup(bm_link_message_done) struct bm_link_message reply = { 0 };
    struct bm_buf room = bm_buf_in(ret->body, ret->size);
    enum birthmark_result rc;

    rc = ask(carrier->ctx,
             json_pack("{s:s, s:s, s:s, s:o}", "say", "post", "path", path, "type", type, "body", bm_link_b64(bm_bytes(body, n))),
             BM_LINK_BIT(BM_LINK_REPLY), &reply, carrier->why);
    if (rc != BIRTHMARK_OK)
        return rc;
    bm_link_bytes(&reply, "body", &room);
    ret->status = (long)bm_link_number(&reply, "status");
    ret->n = room.n;
    (void)snprintf(ret->type, sizeof(ret->type), "%s", bm_link_text(&reply, "type"));
    return room.bad ? BIRTHMARK_REFUSED : BIRTHMARK_OK;
}

static enum birthmark_result
connect_ask(struct birthmark_carrier *carrier)
{
    bm_cleanup(bm_link_message_done) struct bm_link_message reply = { 0 };

    return ask(carrier->ctx, json_pack("{s:s}", "say", "connect"), BM_LINK_BIT(BM_LINK_CONNECTED), &reply, carrier->why);
}

/* The station answers what is not the last of it with nothing. */
static enum birthmark_result
tls_exchange(struct station *station, struct bm_bytes out, struct bm_buf *in, bool *ret_ended, char why[static 400])
{
    bm_cleanup(bm_link_message_done) struct bm_link_message reply = { 0 };
    json_t *question = json_pack("{s:s, s:o}", "say", "tls", "bytes", bm_link_b64(out));
    enum birthmark_result rc;

    if (in == NULL && question != NULL && json_object_set_new(question, "more", json_true()) != 0) {
        json_decref(question);
        question = NULL;
    }
    if ((rc = ask(station, question, BM_LINK_BIT(BM_LINK_TLS) | BM_LINK_BIT(BM_LINK_ENDED), &reply, why)) != BIRTHMARK_OK)
        return rc;
    *ret_ended = reply.say == BM_LINK_ENDED;
    if (*ret_ended || in == NULL)
        return BIRTHMARK_OK;
    bm_link_bytes(&reply, "bytes", in);
    if (!in->bad && in->n > 0)
        return BIRTHMARK_OK;
    (void)snprintf(why, 400, "the station's answer holds no byte of TLS");
    return BIRTHMARK_REFUSED;
}

static enum birthmark_result
exchange(struct birthmark_carrier *carrier, const void *out, size_t nout, void *ret_in, size_t size, size_t *ret_n)
{
    struct bm_buf in = bm_buf_in(ret_in, size);
    enum birthmark_result rc;
    bool ended = false;

    rc = tls_exchange(carrier->ctx, bm_bytes(out, nout), size == 0 ? NULL : &in, &ended, carrier->why);
    *ret_n = rc == BIRTHMARK_OK && !ended ? in.n : 0;
    return rc;
}

void
bm_agent_carry(struct station *station)
{
    station->carrier = (struct birthmark_carrier){ .ctx = station, .post = post, .connect = connect_ask, .exchange = exchange };
}

/* ---- prove ---- */

/* All that libssl has to say goes out; what comes in is fed to it. */
static enum birthmark_result
flight(struct station *station, SSL *ssl, bool *ret_ended, char why[static 400])
{
    uint8_t out[BM_LINK_BYTES], room[BM_LINK_BYTES];
    struct bm_buf in = bm_buf_in(room, sizeof(room));
    enum birthmark_result rc;
    int n;

    do {
        n = BIO_read(SSL_get_wbio(ssl), out, sizeof(out));
        rc = tls_exchange(station, bm_bytes(out, n > 0 ? (size_t)n : 0), BIO_pending(SSL_get_wbio(ssl)) > 0 ? NULL : &in, ret_ended, why);
    } while (rc == BIRTHMARK_OK && !*ret_ended && in.n == 0);
    if (rc == BIRTHMARK_OK && !*ret_ended && BIO_write(SSL_get_rbio(ssl), in.p, (int)in.n) != (int)in.n) {
        (void)snprintf(why, 400, "no memory");
        return BIRTHMARK_AWAY;
    }
    return rc;
}

static enum birthmark_result
handshake_refused(const SSL *ssl, bool ended, char why[static 400])
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    if (SSL_get_verify_result(ssl) != X509_V_OK)
        (void)snprintf(why, 400, "the station's certificate is not one of this site's stations: %s",
                       X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
    else
        (void)snprintf(why, 400, "the TLS handshake with the station failed: %s",
                       ended            ? "the station broke it off"
                       : reason == NULL ? "no reason is given"
                                        : reason);
    ERR_clear_error();
    return BIRTHMARK_REFUSED;
}

/* The station says nothing after its handshake but that it closes: then it has seen ours, and taken it. */
static enum birthmark_result
handshake(struct station *station, SSL *ssl, char why[static 400])
{
    bool ended = false;

    for (int i = 0; i < EXCHANGES && !ended; i++) {
        bool done = SSL_is_init_finished(ssl) == 1;
        char byte;
        int n = done ? SSL_read(ssl, &byte, 1) : SSL_do_handshake(ssl), error = SSL_get_error(ssl, n);
        enum birthmark_result rc;

        if (done && error == SSL_ERROR_ZERO_RETURN)
            return BIRTHMARK_OK;
        if (!done && error == SSL_ERROR_NONE)
            continue; /* what is left to say goes out with the first read */
        if (error != SSL_ERROR_WANT_READ)
            return handshake_refused(ssl, false, why);
        if ((rc = flight(station, ssl, &ended, why)) != BIRTHMARK_OK)
            return rc;
    }
    return handshake_refused(ssl, true, why);
}

static enum birthmark_result
prove_over(struct station *station, SSL_CTX *tls, char why[static 400])
{
    SSL *ssl = SSL_new(tls);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    char host[] = BM_LINK_HOST; /* libssl's macro wants it writable */
    enum birthmark_result rc = BIRTHMARK_AWAY;

    (void)snprintf(why, 400, "no memory");
    if (ssl != NULL && in != NULL && out != NULL && SSL_set_tlsext_host_name(ssl, host) == 1) {
        SSL_set_bio(ssl, bm_take(in), bm_take(out));
        SSL_set_connect_state(ssl);
        rc = handshake(station, ssl, why);
    }
    BIO_free(in);
    BIO_free(out);
    SSL_free(ssl);
    return rc;
}

enum birthmark_result
bm_agent_prove(struct station *station, const char *service, char why[static 400])
{
    SSL_CTX *tls = NULL;
    enum birthmark_result rc = birthmark_tls_client(station->bm, service, station->options->ca_file, BM_LINK_HOST, &tls);

    if (rc != BIRTHMARK_OK)
        (void)snprintf(why, 400, "%s", birthmark_error(station->bm));
    else
        rc = prove_over(station, tls, why);
    SSL_CTX_free(tls);
    return rc;
}
