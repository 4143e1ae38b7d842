/* Bytes in and out, with TLS or without; nothing waits. */
#include "gate/gate.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECORD 16384  /* the largest TLS record */
#define DISCARD 65536 /* bytes thrown away in one go */

static enum io
tls_outcome(const SSL *ssl, int ret)
{
    switch (SSL_get_error(ssl, ret)) {
    case SSL_ERROR_WANT_READ:
        return IO_READ;
    case SSL_ERROR_WANT_WRITE:
        return IO_WRITE;
    default:
        return IO_GONE;
    }
}

static enum io
plain_outcome(ssize_t ret, enum io wait)
{
    return ret < 0 && (errno == EAGAIN || errno == EINTR) ? wait : IO_GONE;
}

enum io
bm_io_shake(struct connection *c)
{
    int ret;

    ERR_clear_error();
    ret = SSL_accept(c->ssl);
    return ret == 1 ? IO_DONE : tls_outcome(c->ssl, ret);
}

enum io
bm_io_read(struct connection *c)
{
    uint8_t *at = bm_buf_grow(&c->in, RECORD);
    size_t n = 0;
    enum io io = IO_DONE;

    if (at == NULL)
        return IO_GONE;
    if (c->ssl != NULL) {
        int ret;

        ERR_clear_error();
        ret = SSL_read_ex(c->ssl, at, RECORD, &n);
        if (ret != 1)
            io = tls_outcome(c->ssl, ret);
    } else {
        ssize_t ret = read(c->fd, at, RECORD);

        if (ret > 0)
            n = (size_t)ret;
        else
            io = plain_outcome(ret, IO_READ);
    }
    c->in.n -= RECORD - (io == IO_DONE ? n : 0);
    return io;
}

enum io
bm_io_write(struct connection *c)
{
    while (c->sent < c->out.n) {
        const uint8_t *from = c->out.p + c->sent;
        size_t left = c->out.n - c->sent, n = 0;

        if (c->ssl != NULL) {
            int ret;

            ERR_clear_error();
            ret = SSL_write_ex(c->ssl, from, left, &n);
            if (ret != 1)
                return tls_outcome(c->ssl, ret);
        } else {
            ssize_t ret = write(c->fd, from, left);

            if (ret <= 0)
                return plain_outcome(ret, IO_WRITE);
            n = (size_t)ret;
        }
        c->sent += n;
    }
    return IO_DONE;
}

/* Bytes that came already and that no event will announce. */
bool
bm_io_buffered(const struct connection *c)
{
    return c->ssl != NULL && SSL_has_pending(c->ssl) == 1;
}

void
bm_io_finish(struct connection *c)
{
    if (c->ssl != NULL) {
        ERR_clear_error();
        (void)SSL_shutdown(c->ssl);
    }
    (void)shutdown(c->fd, SHUT_WR);
}

/* Below TLS: nobody wants to know what it says. */
enum io
bm_io_discard(struct connection *c)
{
    uint8_t waste[4096];
    ssize_t n = 0;

    for (size_t i = 0; i < DISCARD / sizeof(waste); i++)
        if ((n = read(c->fd, waste, sizeof(waste))) <= 0)
            return plain_outcome(n, IO_READ);
    return IO_READ;
}
