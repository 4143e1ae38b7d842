#include "kit.h"

#include "base/file.h"
#include "pki/cert.h"
#include "proc/channel.h"
#include "proc/listen.h"
#include "proc/places.h"

#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE 5000

static void
file_put(const struct kit *kit, const char *name, struct bm_bytes bytes)
{
    struct bm_fail fail;
    char path[BM_PATH];

    assert_int_equal(bm_path_join(path, kit->home, name, &fail), BM_OK);
    assert_int_equal(bm_file_write(path, bytes, 0600, &fail), BM_OK);
}

static void
dir_put(const struct kit *kit, const char *name)
{
    struct bm_fail fail;
    char path[BM_PATH];

    assert_int_equal(bm_path_join(path, kit->home, name, &fail), BM_OK);
    assert_int_equal(bm_dir_make(path, 0700, &fail), BM_OK);
}

/* Signed by itself: nobody here looks at who signed. */
static X509 *
certificate_make(EVP_PKEY *key, const char *name)
{
    X509 *cert = X509_new();
    X509_NAME *subject = X509_get_subject_name(cert);

    assert_int_equal(X509_set_version(cert, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), 7), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0), 1);
    assert_int_equal(X509_set_issuer_name(cert, subject), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -3600));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 36000));
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    return cert;
}

static void
pem_put(const struct kit *kit, const char *name, struct bm_bytes der)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 65536 };

    bm_pem_build(&pem, "CERTIFICATE", der);
    file_put(kit, name, bm_buf_bytes(&pem));
}

static void
key_put(const struct kit *kit, EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *p = NULL;
    long n;

    assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    n = BIO_get_mem_data(bio, &p);
    file_put(kit, "gate/server.key", bm_bytes(p, (size_t)n));
    BIO_free(bio);
}

static void
home_make(struct kit *kit)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = certificate_make(key, "localhost");
    unsigned char *der = NULL;
    int n = i2d_X509(cert, &der);
    struct bm_bytes root;

    assert_true(n > 0);
    kit->root.max = BM_MAX_CERT;
    bm_buf_add(&kit->root, der, (size_t)n);
    root = bm_buf_bytes(&kit->root);
    (void)snprintf(kit->home, sizeof(kit->home), "/tmp/birthmark-gate-XXXXXX");
    assert_non_null(mkdtemp(kit->home));
    dir_put(kit, "gate");
    pem_put(kit, "gate/server.pem", root);
    key_put(kit, key);
    OPENSSL_free(der);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static int
port_of(const char *name)
{
    return (int)strtol(strrchr(name, ':') + 1, NULL, 10);
}

_Noreturn static void
child_become_gate(const struct kit *kit, const int from[4])
{
    static const int to[4] = { BM_FD_GATE_REGISTRAR, BM_FD_GATE_TLS, BM_FD_GATE_PLAIN, BM_FD_READY };
    int high[4];

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (kit->files > 0 && setrlimit(RLIMIT_NOFILE, &(struct rlimit){ kit->files, kit->files }) != 0)
        _exit(125);
    for (size_t i = 0; i < 4; i++)
        high[i] = fcntl(from[i], F_DUPFD, 200);
    for (size_t i = 0; i < 4; i++)
        if (dup2(high[i], to[i]) < 0 || close(high[i]) != 0)
            _exit(126);
    execl(BM_GATE_PROGRAM, "birthmark-gate", "--home", kit->home, (char *)NULL);
    _exit(127);
}

static void
processes_start(struct kit *kit, int tls, int plain)
{
    int pair[2], ready[2];
    struct bm_fail fail;
    struct pollfd p;
    char byte = 0;

    assert_int_equal(bm_channel_pair(pair, &fail), BM_OK);
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    if ((kit->gate = fork()) == 0)
        child_become_gate(kit, (const int[4]){ pair[1], tls, plain, ready[1] });
    (void)close(pair[1]);
    (void)close(ready[1]);
    if ((kit->registrar = fork()) == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)close(tls);
        (void)close(plain);
        registrar_serve(pair[0], bm_buf_bytes(&kit->root));
    }
    (void)close(pair[0]);
    p = (struct pollfd){ .fd = ready[0], .events = POLLIN };
    assert_int_equal(poll(&p, 1, 20000), 1);
    if (read(ready[0], &byte, 1) != 1 || byte != 'R')
        fail_msg("the gate did not start: its sentence is above");
    (void)close(ready[0]);
}

static SSL_CTX *
client_context(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    assert_non_null(ctx);
    return ctx;
}

static void
device_make(struct kit *kit)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = certificate_make(key, "a device");
    unsigned char *spki = NULL;
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki);

    assert_true(n > 0);
    assert_int_equal(EVP_Digest(spki, (size_t)n, kit->device_key, NULL, EVP_sha256(), NULL), 1);
    kit->client = client_context();
    kit->device = client_context();
    assert_int_equal(SSL_CTX_use_certificate(kit->device, cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(kit->device, key), 1);
    OPENSSL_free(spki);
    X509_free(cert);
    EVP_PKEY_free(key);
}

void
kit_open(struct kit *kit)
{
    char tls_name[BM_LISTEN_NAME], plain_name[BM_LISTEN_NAME];
    struct bm_fail fail;
    int tls, plain;

    (void)signal(SIGPIPE, SIG_IGN);
    home_make(kit);
    device_make(kit);
    assert_int_equal(bm_listen(&tls, tls_name, "127.0.0.1:0", &fail), BM_OK);
    assert_int_equal(bm_listen(&plain, plain_name, "127.0.0.1:0", &fail), BM_OK);
    kit->tls_port = port_of(tls_name);
    kit->plain_port = port_of(plain_name);
    processes_start(kit, tls, plain);
    (void)close(tls);
    (void)close(plain);
}

static int
wait_for(pid_t pid)
{
    for (int i = 0; i < PATIENCE / 10; i++) {
        int status;

        if (waitpid(pid, &status, WNOHANG) == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        (void)usleep(10000);
    }
    return -1;
}

int
kit_gate_status(struct kit *kit)
{
    int status = wait_for(kit->gate);

    if (status >= 0)
        kit->gate = 0;
    return status;
}

void
kit_close(struct kit *kit)
{
    static const char *const names[] = { "gate/server.pem", "gate/server.key" };
    static const char *const dirs[] = { "gate", "" };
    pid_t pids[] = { kit->gate, kit->registrar };
    char path[BM_PATH];

    for (size_t i = 0; i < 2; i++)
        if (pids[i] > 0) {
            (void)kill(pids[i], SIGTERM);
            (void)wait_for(pids[i]);
        }
    for (size_t i = 0; i < BM_COUNT(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", kit->home, names[i]);
        (void)unlink(path);
    }
    for (size_t i = 0; i < BM_COUNT(dirs); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", kit->home, dirs[i]);
        (void)rmdir(path);
    }
    SSL_CTX_free(kit->client);
    SSL_CTX_free(kit->device);
    bm_buf_done(&kit->root);
}

/* ---- clients ---- */

int
client_dial(int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    const struct timeval patience = { .tv_sec = PATIENCE / 1000 };
    const void *any = &at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, any, sizeof(at)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    return fd;
}

void
client_open(struct client *c, const struct kit *kit, SSL_CTX *ctx)
{
    c->ssl = NULL;
    c->fd = client_dial(ctx == NULL ? kit->plain_port : kit->tls_port);
    if (ctx == NULL)
        return;
    c->ssl = SSL_new(ctx);
    assert_int_equal(SSL_set_fd(c->ssl, c->fd), 1);
    assert_int_equal(SSL_connect(c->ssl), 1);
}

void
client_close(struct client *c)
{
    if (c->ssl != NULL)
        (void)SSL_shutdown(c->ssl); /* or its session could not be resumed */
    SSL_free(c->ssl);
    (void)close(c->fd);
}

void
client_send(struct client *c, struct bm_bytes bytes)
{
    while (bytes.n > 0) {
        size_t n = 0;

        if (c->ssl != NULL) {
            if (SSL_write_ex(c->ssl, bytes.p, bytes.n, &n) != 1)
                return; /* the gate has seen enough */
        } else {
            ssize_t ret = write(c->fd, bytes.p, bytes.n);

            if (ret <= 0)
                return;
            n = (size_t)ret;
        }
        bytes = bm_bytes(bytes.p + n, bytes.n - n);
    }
}

static size_t
receive(struct client *c, void *to, size_t most)
{
    size_t n = 0;
    ssize_t ret;

    if (c->ssl != NULL)
        return SSL_read_ex(c->ssl, to, most, &n) == 1 ? n : 0;
    ret = read(c->fd, to, most);
    return ret > 0 ? (size_t)ret : 0;
}

/* Byte by byte: never past the reply. */
static bool
head_read(struct client *c, struct answer *ret)
{
    size_t n = 0;

    while (n + 1 < sizeof(ret->head) && receive(c, ret->head + n, 1) == 1) {
        ret->head[++n] = 0;
        if (n >= 4 && memcmp(ret->head + n - 4, "\r\n\r\n", 4) == 0)
            return true;
    }
    return false;
}

void
client_read(struct client *c, struct answer *ret, bool head_only)
{
    const char *length;
    size_t want = 0;

    memset(ret, 0, sizeof(*ret));
    if (!head_read(c, ret))
        return;
    ret->status = (unsigned)strtoul(ret->head + 9, NULL, 10);
    if ((length = strstr(ret->head, "\r\nContent-Length: ")) != NULL)
        want = strtoul(length + 18, NULL, 10);
    if (head_only)
        return;
    assert_true(want < sizeof(ret->body));
    while (ret->n < want) {
        size_t n = receive(c, ret->body + ret->n, want - ret->n);

        if (n == 0)
            fail_msg("the body ends after %zu of %zu bytes", ret->n, want);
        ret->n += n;
    }
}

bool
client_ended(struct client *c)
{
    char byte;

    errno = 0;
    return receive(c, &byte, 1) == 0 && errno != EAGAIN;
}
