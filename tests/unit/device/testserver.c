#include "testserver.h"

#include "evidence/cmc.h"
#include "evidence/tpm.h"
#include "pki/cert.h"
#include "wire/json.h"
#include "wire/text.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define EST "/.well-known/est/"

struct server {
    const struct testca *ca;
    struct testca stranger;
    const struct bm_key *roots;
    size_t nroots;
    struct bm_crypto *crypto;
    struct {
        bool lost;             /* the reply was lost once */
        uint8_t slow[BM_HASH]; /* the key of service "slow" that has asked first; zeros: none has */
    } * shared;                /* by the processes that serve a connection each */
};

/* One request and what comes of it. */
struct exchange {
    char path[256];
    struct bm_bytes body;
    bool identified; /* the client showed a certificate of our CA */
    long serial;     /* its */
    int status;      /* 0: no reply, the connection ends */
    const char *type;
    struct bm_buf reply;
};

static const struct bm_secret secret = { .b = "a secret of thirty-two bytes....", .n = 32 };
static const uint8_t nonce[32] = "a nonce of thirty-two bytes.....";

static void
refuse(struct exchange *x, int status, const char *sentence)
{
    bool est = strncmp(x->path, EST, strlen(EST)) == 0;

    x->status = status;
    x->type = est ? "text/plain; charset=utf-8" : "application/json";
    bm_buf_reset(&x->reply);
    if (est)
        bm_buf_add_fmt(&x->reply, "%s\n", sentence);
    else {
        struct bm_fail fail;
        json_t *json = json_pack("{s:s}", "error", sentence);

        if (bm_json_print(&x->reply, json, &fail) != BM_OK)
            x->status = 500;
        json_decref(json);
    }
}

static const struct bm_key *
root_known(const struct server *server, struct bm_bytes spki)
{
    for (size_t i = 0; i < server->nroots; i++) {
        if (bm_bytes_equal(bm_key_spki(&server->roots[i]), spki))
            return &server->roots[i];
    }
    return NULL;
}

/* False: the exchange is over, in the way that the service's name asks for. */
static bool
service_behaves(struct server *server, struct exchange *x, const char *service)
{
    if (strcmp(service, "refused") == 0)
        refuse(x, 403, "this chip is in no received lot (root key 9f3c). Recorded as alarm 17.\x1b[31m");
    else if (strcmp(service, "away") == 0)
        refuse(x, 503, "the disk is full");
    else if (strcmp(service, "elsewhere") == 0)
        refuse(x, 302, "http://localhost/");
    else if (strcmp(service, strcmp(x->path, "/v1/renew") == 0 ? "ended" : "renewed") == 0)
        refuse(x, 403, "this may be a copy");
    else if (strcmp(service, "lost") == 0 && !server->shared->lost) {
        server->shared->lost = true;
        x->status = 0;
    } else
        return true;
    return false;
}

/* The certificate of the key that asked first has ended, as if its replies had been lost for a day; another key's has not. */
static bool
slow(struct server *server, const char *service, const struct bm_key *key)
{
    static const uint8_t none[BM_HASH];

    if (strcmp(service, "slow") != 0)
        return false;
    if (memcmp(server->shared->slow, none, BM_HASH) == 0)
        memcpy(server->shared->slow, key->hash, BM_HASH);
    return memcmp(server->shared->slow, key->hash, BM_HASH) == 0;
}

/* The certificate and the CA's above it. */
static void
issue(struct server *server, const char *service, const struct bm_key *key, struct bm_buf *leaf, struct bm_buf *above)
{
    struct bm_key other = *key;

    if (strcmp(service, "wrong-key") == 0)
        other = server->roots[0];
    testca_issue_from(strcmp(service, "stranger") == 0 ? &server->stranger : server->ca, &other,
                      strcmp(service, "unconfirmed") == 0 ? 503 : 200,
                      strcmp(service, "expired") == 0 || slow(server, service, key) ? -90060
                      : strcmp(service, "early") == 0                               ? 2 * 86400
                                                                                    : -3600,
                      leaf);
    testca_der(server->ca->cert, above);
}

static void
nonce_give(struct server *server, struct exchange *x)
{
    (void)server;
    bm_buf_add_str(&x->reply, "{\"nonce\":\"");
    bm_b64_add(&x->reply, BM_B64_URL, bm_bytes(nonce, sizeof(nonce)));
    bm_buf_add_str(&x->reply, "\",\"expiry\":300}");
    x->type = "application/est-attestation-freshness+json";
}

/* As fullcmc and renewals have it: base64 of a request that one of the root keys signed. *ret_cmc views into der. */
static bool
cmc_take(const struct server *server, struct exchange *x, struct bm_bytes text, struct bm_buf *der, struct bm_cmc *ret_cmc)
{
    struct bm_fail fail;
    bool spoken = false;

    if (bm_b64_parse(der, BM_B64_LOOSE, text, &fail) != BM_OK || bm_cmc_parse(ret_cmc, bm_buf_bytes(der), &fail) != BM_OK) {
        refuse(x, 400, fail.text);
        return false;
    }
    for (size_t i = 0; i < server->nroots; i++)
        spoken |= bm_cmc_check(server->crypto, ret_cmc, &server->roots[i], &fail) == BM_OK;
    if (!spoken || !bm_bytes_equal(ret_cmc->recipient_nonce, bm_bytes(nonce, sizeof(nonce)))) {
        refuse(x, 403, "no root key speaks for this request");
        return false;
    }
    return true;
}

static void
fullcmc(struct server *server, struct exchange *x)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_EVIDENCE }, leaf = { .max = BM_MAX_CERT }, above = { .max = BM_MAX_CERT };
    bm_cleanup(bm_buf_done) struct bm_buf cms = { .max = BM_MAX_EVIDENCE };
    char service[BM_MAX_NAME + 1] = "";
    struct bm_cmc cmc;

    (void)snprintf(service, sizeof(service), "%.*s", (int)strcspn(x->path + strlen(EST), "/"), x->path + strlen(EST));
    if (!service_behaves(server, x, service))
        return;
    if (!cmc_take(server, x, x->body, &der, &cmc))
        return;
    issue(server, service, &cmc.csr.key, &leaf, &above);
    const struct bm_bytes certs[] = { bm_buf_bytes(&leaf), bm_buf_bytes(&above) };
    bm_certs_only_build(&cms, (struct bm_certs){ certs, 2 });
    if (strcmp(service, "garbage") == 0)
        cms.p[5] ^= 0xff;
    bm_b64_add(&x->reply, BM_B64_STD, bm_buf_bytes(&cms));
    x->type = "application/pkcs7-mime; smime-type=certs-only";
}

static void
tpm_challenge(struct server *server, struct exchange *x, struct bm_json_in *in)
{
    bm_cleanup(bm_buf_done) struct bm_buf ek = { .max = 1024 }, ak = { .max = 1024 }, credential = { .max = 1024 },
                                          encrypted = { .max = 1024 };
    static const uint8_t seed[64] = "sixty-four bytes that a test may know, and nobody else should..";
    const struct bm_key *root;
    struct bm_tpm_public public;
    struct bm_fail *fail = in->fail;

    bm_json_b64(in, "ek", &ek);
    bm_json_b64(in, "ak", &ak);
    if (bm_json_in_end(in) != BM_OK || bm_tpm_public_parse(&public, bm_buf_bytes(&ak), fail) != BM_OK ||
        bm_tpm_public_check_attestation(&public, fail) != BM_OK) {
        refuse(x, 400, fail->text);
        return;
    }
    if ((root = root_known(server, bm_buf_bytes(&ek))) == NULL ||
        bm_tpm_credential_make(&credential, &encrypted, root, bm_bytes(public.name, public.nname), &secret, seed, fail) != BM_OK) {
        refuse(x, 403, "this endorsement key is in no lot");
        return;
    }
    bm_buf_add_str(&x->reply, "{\"credential\":\"");
    bm_b64_add(&x->reply, BM_B64_STD, bm_buf_bytes(&credential));
    bm_buf_add_str(&x->reply, "\",\"secret\":\"");
    bm_b64_add(&x->reply, BM_B64_STD, bm_buf_bytes(&encrypted));
    bm_buf_add_str(&x->reply, "\"}");
    x->type = "application/json";
}

struct claim {
    struct bm_buf ek, ak, key, attest, signature, csr, proof;
};

static void
claim_done(struct claim *claim)
{
    bm_buf_done(&claim->ek);
    bm_buf_done(&claim->ak);
    bm_buf_done(&claim->key);
    bm_buf_done(&claim->attest);
    bm_buf_done(&claim->signature);
    bm_buf_done(&claim->csr);
    bm_buf_done(&claim->proof);
}

/* The signer's checks, in its order. */
static enum bm_rc
claim_check(struct server *server, const struct claim *claim, struct bm_csr *ret_csr, struct bm_fail *fail)
{
    struct bm_tpm_public ak, key;
    uint8_t digest[BM_HASH], proof[BM_HASH];
    enum bm_rc rc;

    bm_sha256(digest, bm_buf_bytes(&claim->csr));
    bm_hmac256(proof, bm_bytes(secret.b, secret.n), bm_bytes(digest, sizeof(digest)));
    if (root_known(server, bm_buf_bytes(&claim->ek)) == NULL ||
        !bm_bytes_equal(bm_buf_bytes(&claim->proof), bm_bytes(proof, sizeof(proof))))
        return bm_fail(fail, BM_EPOLICY, NULL, "the TPM did not open the challenge");
    if ((rc = bm_tpm_public_parse(&ak, bm_buf_bytes(&claim->ak), fail)) != BM_OK ||
        (rc = bm_tpm_public_check_attestation(&ak, fail)) != BM_OK ||
        (rc = bm_tpm_public_parse(&key, bm_buf_bytes(&claim->key), fail)) != BM_OK ||
        (rc = bm_tpm_public_check_operational(&key, fail)) != BM_OK ||
        (rc = bm_tpm_certify_check(server->crypto, bm_buf_bytes(&claim->attest), bm_buf_bytes(&claim->signature), &ak, &key,
                                   bm_bytes(digest, sizeof(digest)), fail)) != BM_OK ||
        (rc = bm_csr_parse(ret_csr, bm_buf_bytes(&claim->csr), fail)) != BM_OK ||
        (rc = bm_csr_check(server->crypto, ret_csr, fail)) != BM_OK)
        return rc;
    if (memcmp(ret_csr->key.hash, key.key.hash, BM_HASH) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "the request is for another key than the certified one");
    return BM_OK;
}

static bool
claim_take(struct server *server, struct exchange *x, struct bm_json_in *in, struct claim *claim, struct bm_csr *ret_csr)
{
    *claim = (struct claim){ { .max = 1024 }, { .max = 1024 }, { .max = 1024 }, { .max = 1024 },
                             { .max = 1024 }, { .max = 8192 }, { .max = 64 } };
    bm_json_b64(in, "ek", &claim->ek);
    bm_json_b64(in, "ak", &claim->ak);
    bm_json_b64(in, "key", &claim->key);
    bm_json_b64(in, "attest", &claim->attest);
    bm_json_b64(in, "signature", &claim->signature);
    bm_json_b64(in, "csr", &claim->csr);
    bm_json_b64(in, "proof", &claim->proof);
    if (json_object_get(in->object, "ekcert") != NULL)
        (void)bm_json_array(in, "ekcert", 8); /* whose word that is, the true server's to know */
    if (bm_json_in_end(in) == BM_OK && claim_check(server, claim, ret_csr, in->fail) == BM_OK)
        return true;
    refuse(x, 403, in->fail->text);
    return false;
}

static void
certs_reply(struct server *server, struct exchange *x, const char *service, const struct bm_key *key)
{
    bm_cleanup(bm_buf_done) struct bm_buf leaf = { .max = BM_MAX_CERT }, above = { .max = BM_MAX_CERT };

    issue(server, service, key, &leaf, &above);
    if (strcmp(service, "garbage") == 0)
        leaf.p[5] ^= 0xff;
    bm_buf_add_str(&x->reply, "{\"certificates\":[\"");
    bm_b64_add(&x->reply, BM_B64_STD, bm_buf_bytes(&leaf));
    bm_buf_add_str(&x->reply, "\",\"");
    bm_b64_add(&x->reply, BM_B64_STD, bm_buf_bytes(&above));
    bm_buf_add_str(&x->reply, "\"]}");
    x->type = "application/json";
}

static void
tpm_enrol(struct server *server, struct exchange *x, struct bm_json_in *in, const char *service)
{
    bm_cleanup(claim_done) struct claim claim = { .ek = { .p = NULL } };
    struct bm_csr csr;

    if (claim_take(server, x, in, &claim, &csr) && service_behaves(server, x, service))
        certs_reply(server, x, service, &csr.key);
}

/* The root's evidence in "cmc" or "tpm", and the signature of "key" over the request. Which key may follow which is the true server's to know. */
static void
renew(struct server *server, struct exchange *x)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_EVIDENCE }, spki = { .max = 1024 }, signature = { .max = 1024 };
    bm_cleanup(claim_done) struct claim claim = { .ek = { .p = NULL } };
    bm_cleanup(bm_json_done) json_t *json = NULL, *tpm = NULL;
    uint8_t tbs[21 + BM_HASH] = "birthmark/renewal/v1\n";
    const char *service, *cmc_text;
    struct bm_json_in in, inner;
    struct bm_fail fail;
    struct bm_cmc cmc;
    struct bm_csr csr;
    struct bm_key live;

    if (bm_json_parse(&json, x->body, BM_MAX_JSON, &fail) != BM_OK) {
        refuse(x, 400, fail.text);
        return;
    }
    tpm = json_incref(json_object_get(json, "tpm"));
    (void)json_object_del(json, "tpm");
    in = bm_json_in(json, "the request", &fail);
    service = bm_json_str(&in, "service", BM_MAX_NAME);
    (void)bm_json_str_opt(&in, "profile", BM_MAX_NAME);
    bm_json_b64(&in, "key", &spki);
    bm_json_b64(&in, "renewal", &signature);
    cmc_text = bm_json_str_opt(&in, "cmc", BM_MAX_JSON);
    inner = bm_json_in(tpm, "the claim", &fail);
    if (bm_json_in_end(&in) != BM_OK || (cmc_text == NULL) == (tpm == NULL)) {
        refuse(x, 400, "the request has one of cmc and tpm");
        return;
    }
    if (tpm != NULL ? !claim_take(server, x, &inner, &claim, &csr) : !cmc_take(server, x, bm_bytes_str(cmc_text), &der, &cmc))
        return;
    if (tpm == NULL)
        csr = cmc.csr;
    bm_sha256(tbs + 21, csr.der);
    if (bm_key_parse(&live, bm_buf_bytes(&spki), &fail) != BM_OK ||
        bm_key_verify(server->crypto, &live, BM_SIG_ECDSA_SHA256, bm_bytes(tbs, sizeof(tbs)), bm_buf_bytes(&signature), &fail) != BM_OK ||
        memcmp(live.hash, csr.key.hash, BM_HASH) == 0) {
        refuse(x, 403, "the identity's key did not sign for another");
        return;
    }
    if (service_behaves(server, x, service))
        certs_reply(server, x, service, &csr.key);
}

static void
tpm(struct server *server, struct exchange *x)
{
    struct bm_fail fail;
    struct bm_json_in in;
    json_t *json = NULL;
    const char *service;

    if (bm_json_parse(&json, x->body, BM_MAX_JSON, &fail) != BM_OK) {
        refuse(x, 400, fail.text);
        return;
    }
    in = bm_json_in(json, "the request", &fail);
    service = bm_json_str(&in, "service", BM_MAX_NAME);
    if (strcmp(x->path, "/v1/tpm/challenge") == 0)
        tpm_challenge(server, x, &in);
    else
        tpm_enrol(server, x, &in, service);
    json_decref(json);
}

static void
confirm(struct server *server, struct exchange *x)
{
    (void)server;
    if (!x->identified)
        refuse(x, 403, "no client certificate");
    else if (x->serial == 503)
        refuse(x, 503, "the ledger is busy");
    else if (x->serial == TESTSERVER_ENDED)
        refuse(x, 403, "this certificate was revoked or replaced: enrol again, or renew");
    else
        bm_buf_add_str(&x->reply, "{}");
}

static void
answer(struct server *server, struct exchange *x)
{
    size_t n = strlen(x->path);

    x->status = 200;
    x->type = "application/json";
    if (strcmp(x->path, EST "nonce") == 0)
        nonce_give(server, x);
    else if (strncmp(x->path, EST, strlen(EST)) == 0 && n > 8 && strcmp(x->path + n - 8, "/fullcmc") == 0)
        fullcmc(server, x);
    else if (strncmp(x->path, "/v1/tpm/", 8) == 0)
        tpm(server, x);
    else if (strcmp(x->path, "/v1/renew") == 0)
        renew(server, x);
    else if (strcmp(x->path, "/v1/confirm") == 0)
        confirm(server, x);
    else
        refuse(x, 404, "there is no such door");
}

/* Reads one request; false at the end of the connection. `text` keeps head and body. */
static bool
request_read(SSL *ssl, struct bm_buf *text, struct exchange *x)
{
    size_t length = 0, head = 0;
    char part[4096];

    for (;;) {
        const uint8_t *end = text->n == 0 ? NULL : memmem(text->p, text->n, "\r\n\r\n", 4);
        const char *field;
        int got;

        if (end != NULL) {
            head = (size_t)(end - text->p) + 4;
            field = memmem(text->p, head, "Content-Length: ", 16);
            length = field == NULL ? 0 : strtoul(field + 16, NULL, 10);
            if (text->n >= head + length)
                break;
        }
        if ((got = SSL_read(ssl, part, sizeof(part))) <= 0)
            return false;
        bm_buf_add(text, part, (size_t)got);
        bm_buf_add_u8(text, 0); /* behind its end, for the string functions */
        text->n--;
    }
    x->body = bm_bytes(text->p + head, length);
    return strncmp((const char *)text->p, "POST ", 5) == 0 &&
           snprintf(x->path, sizeof(x->path), "%.*s", (int)strcspn((const char *)text->p + 5, " "), (const char *)text->p + 5) > 0;
}

static void
connection_serve(struct server *server, SSL *ssl)
{
    for (;;) {
        bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_HTTP_BODY + 8192 }, out = { .max = BM_MAX_HTTP_BODY + 8192 };
        struct exchange x = { .reply = { .max = BM_MAX_HTTP_BODY } };
        X509 *peer = SSL_get0_peer_certificate(ssl);

        if (!request_read(ssl, &text, &x))
            return;
        x.identified = peer != NULL && SSL_get_verify_result(ssl) == X509_V_OK;
        x.serial = peer == NULL ? 0 : ASN1_INTEGER_get(X509_get0_serialNumber(peer));
        answer(server, &x);
        if (x.status != 0) {
            bm_buf_add_fmt(&out, "HTTP/1.1 %d Whatever\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", x.status, x.type, x.reply.n);
            bm_buf_add_bytes(&out, bm_buf_bytes(&x.reply));
        }
        bm_buf_done(&x.reply);
        if (out.n == 0 || SSL_write(ssl, out.p, (int)out.n) <= 0)
            return;
    }
}

static void
serve(struct server *server, SSL_CTX *tls, int listener)
{
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        SSL *ssl = SSL_new(tls);

        if (fd == -1 || ssl == NULL)
            _exit(1);
        if (fork() != 0) {
            SSL_free(ssl);
            (void)close(fd);
            continue;
        }
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1)
            connection_serve(server, ssl);
        _exit(0);
    }
}

bool
testserver_start(struct testserver *ret, const struct testca *ca, const struct bm_key *roots, size_t nroots)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct server server = { .ca = ca, .roots = roots, .nroots = nroots };
    socklen_t n = sizeof(at);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct bm_fail fail;
    SSL_CTX *tls;

    if (listener == -1 || bind(listener, (const struct sockaddr *)&at, sizeof(at)) == -1 || listen(listener, 8) == -1 ||
        getsockname(listener, (struct sockaddr *)&at, &n) == -1)
        return false;
    if ((ret->pid = fork()) == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that a sanitizer ended leaves no server behind, which would hold its pipes */
        (void)signal(SIGPIPE, SIG_IGN);
        (void)signal(SIGCHLD, SIG_IGN);
        if ((server.shared = mmap(NULL, sizeof(*server.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) == MAP_FAILED)
            _exit(1);
        server.stranger = testca_new();
        tls = testca_server(ca, TLS1_3_VERSION);
        SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
        if (bm_crypto_new(&server.crypto, &fail) == BM_OK)
            serve(&server, tls, listener);
        _exit(1);
    }
    (void)close(listener);
    (void)snprintf(ret->url, sizeof(ret->url), "https://localhost:%u", ntohs(at.sin_port));
    return ret->pid > 0;
}

void
testserver_stop(struct testserver *server)
{
    (void)kill(server->pid, SIGKILL);
    (void)waitpid(server->pid, NULL, 0);
}
