/* course.c - what a device asks a station for while it works on a command: HTTP under the station's name, bytes to the server, bytes of a handshake with us. */
#include "station/unit_inside.h"

#include "evidence/cmc.h"
#include "evidence/station.h"
#include "wire/json.h"
#include "wire/text.h"

#include <openssl/err.h>

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define QUESTIONS 400  /* of one command: an enrolment has under 20, on a line that cuts everything small under 100 */
#define SERVER_WAIT 60 /* seconds for bytes of the server's */

void
bm_course_done(struct bm_course *course)
{
    if (course->server != -1)
        (void)close(course->server);
    SSL_free(course->proof);
    course->server = -1;
    course->proof = NULL;
}

static enum bm_rc
away(struct bm_course *course, const char *why, struct bm_fail *fail)
{
    return bm_link_send(course->link, json_pack("{s:s, s:s}", "say", "away", "why", why), fail);
}

/* ---- HTTP ---- */

/* A device speaks under our name at the doors for devices alone. */
static bool
path_ok(const char *path)
{
    static const char *const doors[] = { "/.well-known/est/", "/v1/tpm/", "/v1/renew", "/v1/confirm" };
    bool ok = false;

    for (size_t i = 0; i < BM_COUNT(doors); i++)
        ok |= strncmp(path, doors[i], strlen(doors[i])) == 0;
    return ok && path[strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-")] == '\0' &&
           strstr(path, "..") == NULL;
}

/* The CSR of an enrolment; empty: this is another request, or one that the server will refuse. */
static void
csr_find(struct bm_buf *csr, const char *path, struct bm_bytes body)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_EVIDENCE };
    bm_cleanup(bm_json_done) json_t *json = NULL;
    const char *end = strrchr(path, '/'), *text;
    struct bm_fail ignored;
    struct bm_cmc cmc;

    if (strcmp(end, "/fullcmc") == 0 && bm_b64_parse(&der, BM_B64_LOOSE, body, &ignored) == BM_OK &&
        bm_cmc_parse(&cmc, bm_buf_bytes(&der), &ignored) == BM_OK)
        bm_buf_add_bytes(csr, cmc.csr.der);
    else if (strcmp(path, "/v1/tpm/enrol") == 0 && bm_json_parse(&json, body, BM_MAX_JSON, &ignored) == BM_OK &&
             (text = json_string_value(json_object_get(json, "csr"))) != NULL &&
             bm_b64_parse(csr, BM_B64_STD, bm_bytes_str(text), &ignored) != BM_OK)
        bm_buf_reset(csr);
}

/* "Birthmark-Station: ...", where the request is an enrolment: the station's word for it, which the signer checks. */
static enum bm_rc
field_make(struct bm_buf *field, const struct bm_station *station, const struct bm_http_request *request, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf csr = { .max = BM_MAX_CSR }, tbs = { .max = BM_WORD_TBS },
                                          signature = { .max = BM_MAX_SIGNATURE };
    bm_cleanup(bm_buf_done) struct bm_buf part = { .max = BM_MAX_NAME + BM_MAX_SPKI + BM_MAX_SIGNATURE + 6 };
    struct bm_station_word word = { .order = "" };
    struct bm_root *root = station->root;
    char label[BM_STATION_LABEL];
    struct bm_key key;
    enum bm_sig_alg alg;
    enum bm_rc rc;

    csr_find(&csr, request->path, request->body);
    if (root == NULL || csr.n == 0)
        return BM_OK;
    (void)snprintf(word.order, sizeof(word.order), "%s", station->order);
    bm_station_label(label, word.order);
    bm_word_tbs(&tbs, label, bm_buf_bytes(&csr));
    if ((rc = root->ops->key_public(root, BM_STATION_SERVICE, false, &key, fail)) != BM_OK ||
        (rc = root->ops->key_sign(root, BM_STATION_SERVICE, false, bm_buf_bytes(&tbs), &alg, &signature, fail)) != BM_OK)
        return rc;
    word.word = (struct bm_word){ .key = bm_key_spki(&key), .signature = bm_buf_bytes(&signature) };
    bm_station_build(&part, &word);
    bm_buf_add_str(field, "Birthmark-Station: ");
    bm_b64_add(field, BM_B64_STD, bm_buf_bytes(&part));
    bm_buf_add_u8(field, 0);
    return bm_buf_check(field, "the station's word", fail);
}

/* It becomes a line of the request's head: a newline cannot be in it (bm_link_text). */
static enum bm_rc
post(struct bm_course *course, const struct bm_link_message *question, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_HTTP_BODY }, reply = { .max = BM_MAX_HTTP_BODY };
    struct bm_http_request request = { .path = bm_link_text(question, "path"), .type = bm_link_text(question, "type") };
    struct bm_http_reply got = { .body = &reply };
    bm_cleanup(bm_buf_done) struct bm_buf field = { .max = 4096 };
    struct bm_fail why = { 0 };

    if (!path_ok(request.path))
        return bm_fail(fail, BM_EINPUT, NULL, "the device asks for a path of the server that is not for devices");
    bm_link_bytes(question, "body", &body);
    request.body = bm_buf_bytes(&body);
    if (field_make(&field, course->station, &request, &why) != BM_OK)
        return away(course, why.text, fail);
    request.field = (const char *)field.p;
    if (bm_http_ask(course->station->http, &request, &got, &why) != BM_OK)
        return away(course, why.text, fail);
    return bm_link_send(course->link,
                        json_pack("{s:s, s:I, s:s, s:o}", "say", "reply", "status", (json_int_t)got.status, "type", got.type, "body",
                                  bm_link_b64(bm_buf_bytes(&reply))),
                        fail);
}

/* ---- a connection to the server ---- */

static void
addresses_done(struct addrinfo **list)
{
    if (*list != NULL)
        freeaddrinfo(*list);
}

/* "https://HOST[:PORT]", HOST perhaps in brackets; bm_http_open() has looked at it. */
static enum bm_rc
server_find(struct addrinfo **ret_list, const char *server, struct bm_fail *fail)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    char host[512];
    const char *at = server + strlen("https://"), *port;
    bool bracket = *at == '[';
    size_t n;

    at += bracket ? 1 : 0;
    n = strcspn(at, bracket ? "]" : ":/");
    if (n == 0 || n >= sizeof(host))
        return bm_fail(fail, BM_EINPUT, NULL, "\"%.100s\" is no server: write https://HOST or https://HOST:PORT", server);
    (void)snprintf(host, sizeof(host), "%.*s", (int)n, at);
    port = at + n + (bracket && at[n] == ']' ? 1 : 0);
    char number[8];
    (void)snprintf(number, sizeof(number), "%.*s", (int)strspn(port + (*port == ':'), "0123456789"), port + (*port == ':'));
    if (getaddrinfo(host, *number == '\0' ? "443" : number, &hints, ret_list) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "the server %s is not known to this machine", server);
    return BM_OK;
}

static enum bm_rc
server_connect(int *ret_fd, const char *server, struct bm_fail *fail)
{
    bm_cleanup(addresses_done) struct addrinfo *list = NULL;
    const struct timeval wait = { .tv_sec = 10 };
    enum bm_rc rc;

    if ((rc = server_find(&list, server, fail)) != BM_OK)
        return rc;
    for (const struct addrinfo *one = list; one != NULL; one = one->ai_next) {
        int fd = socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol);

        if (fd == -1)
            continue;
        if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0 && connect(fd, one->ai_addr, one->ai_addrlen) == 0) {
            *ret_fd = fd;
            return BM_OK;
        }
        (void)close(fd);
    }
    return bm_fail(fail, BM_EBUSY, NULL, "the server %s cannot be reached", server);
}

static enum bm_rc
connect_server(struct bm_course *course, const struct bm_link_message *question, struct bm_fail *fail)
{
    struct bm_fail why = { 0 };

    (void)question;
    if (course->proof != NULL)
        return bm_fail(fail, BM_EINPUT, NULL, "the device asks for the server where it shall prove its identity to this station");
    bm_course_done(course);
    if (server_connect(&course->server, course->station->server, &why) != BM_OK)
        return away(course, why.text, fail);
    return bm_link_send(course->link, json_pack("{s:s}", "say", "connected"), fail);
}

static bool
all_sent(int fd, struct bm_bytes bytes)
{
    for (size_t at = 0; at < bytes.n;) {
        ssize_t sent = send(fd, bytes.p + at, bytes.n - at, MSG_NOSIGNAL);

        if (sent == -1 && errno != EINTR)
            return false;
        at += sent > 0 ? (size_t)sent : 0;
    }
    return true;
}

/* 0: the connection ended, or nothing came. */
static size_t
server_hear(int fd, uint8_t *in, size_t size)
{
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
    ssize_t got = poll(&poll_fd, 1, SERVER_WAIT * 1000) == 1 ? recv(fd, in, size, 0) : 0;

    return got > 0 ? (size_t)got : 0;
}

/* ---- our own handshake ---- */

/* Feeds it, and takes what it has to say. A handshake that is done is closed at once: that is our word for it. */
static size_t
proof_step(SSL *ssl, struct bm_bytes bytes, uint8_t *in, size_t size)
{
    int n;

    if (bytes.n > 0 && BIO_write(SSL_get_rbio(ssl), bytes.p, (int)bytes.n) != (int)bytes.n)
        return 0;
    if (!SSL_is_init_finished(ssl) && SSL_do_handshake(ssl) == 1)
        (void)SSL_shutdown(ssl);
    ERR_clear_error();
    n = BIO_read(SSL_get_wbio(ssl), in, (int)size);
    return n > 0 ? (size_t)n : 0;
}

static enum bm_rc
tls(struct bm_course *course, const struct bm_link_message *question, struct bm_fail *fail)
{
    uint8_t room[BM_LINK_BYTES], in[BM_LINK_BYTES];
    struct bm_buf out = bm_buf_in(room, sizeof(room));
    bool more = bm_link_true(question, "more");
    size_t n = 0;

    if (course->proof == NULL && course->server == -1)
        return bm_fail(fail, BM_EINPUT, NULL, "the device sends bytes of TLS and has no connection");
    bm_link_bytes(question, "bytes", &out);
    if (course->proof != NULL && more)
        (void)BIO_write(SSL_get_rbio(course->proof), out.p, (int)out.n);
    else if (course->proof != NULL)
        n = proof_step(course->proof, bm_buf_bytes(&out), in, sizeof(in));
    else if (!all_sent(course->server, bm_buf_bytes(&out)))
        more = false;
    else
        n = more ? 0 : server_hear(course->server, in, sizeof(in));
    if (n == 0 && !more)
        return bm_link_send(course->link, json_pack("{s:s}", "say", "ended"), fail);
    return bm_link_send(course->link, json_pack("{s:s, s:o}", "say", "tls", "bytes", bm_link_b64(bm_bytes(in, more ? 0 : n))), fail);
}

/* ---- a command ---- */

static enum bm_rc (*const questions[BM_LINK__N])(struct bm_course *course, const struct bm_link_message *question, struct bm_fail *fail) = {
    [BM_LINK_POST] = post,
    [BM_LINK_CONNECT] = connect_server,
    [BM_LINK_TLS] = tls,
};
#define ASKED (BM_LINK_BIT(BM_LINK_POST) | BM_LINK_BIT(BM_LINK_CONNECT) | BM_LINK_BIT(BM_LINK_TLS))

enum bm_rc
bm_course_run(struct bm_course *course, json_t *command, unsigned answers, struct bm_link_message *ret, struct bm_fail *fail)
{
    enum bm_rc rc = bm_link_send(course->link, command, fail);

    for (int i = 0; rc == BM_OK && i < QUESTIONS; i++) {
        bm_cleanup(bm_link_message_done) struct bm_link_message said = { 0 };

        rc = bm_link_next(course->link, answers | ASKED | BM_LINK_BIT(BM_LINK_REFUSED), BM_LINK_ANSWER, &said, fail);
        if (rc != BM_OK)
            return rc;
        if (said.say == BM_LINK_REFUSED)
            return bm_fail(fail, strcmp(bm_link_text(&said, "class"), "away") == 0 ? BM_EBUSY : BM_EPOLICY, NULL, "%s",
                           bm_link_text(&said, "why"));
        if ((BM_LINK_BIT(said.say) & ASKED) == 0) {
            *ret = said;
            said.json = NULL;
            return BM_OK;
        }
        rc = questions[said.say](course, &said, fail);
    }
    if (rc != BM_OK)
        return rc;
    return bm_fail(fail, BM_EINPUT, NULL, "the device asks for more than %d things in one go", QUESTIONS);
}
