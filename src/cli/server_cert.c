#include "cli/server_cert.h"

#include "base/file.h"
#include "cli/places.h"
#include "device/link.h"
#include "pki/oid.h"
#include "pki/private.h"
#include "pki/tbs.h"
#include "wire/der.h"

#include <arpa/inet.h>
#include <unistd.h>

#define DAYS 397      /* CA/Browser Forum Baseline Requirements 6.3.2: what TLS clients take at most */
#define RENEW_DAYS 30 /* so long before its end it is made anew */
#define DAY 86400

enum bm_rc
bm_serial_make(uint8_t ret_serial[static BM_NEW_SERIAL], struct bm_fail *fail)
{
    enum bm_rc rc = bm_env_system.random(bm_env_system.ctx, ret_serial, BM_NEW_SERIAL, fail);

    /* req: RFC5280 4.1.2.2 a positive number of at most 20 octets */
    if (rc == BM_OK)
        ret_serial[0] = (uint8_t)((ret_serial[0] & 0x3f) | 0x40); /* positive, and never shorter */
    return rc;
}

static bool
port_ok(const char *text)
{
    size_t n = strlen(text);

    return n >= 1 && n <= 5 && strspn(text, "0123456789") == n && strtoul(text, NULL, 10) - 1 < 65535;
}

bool
bm_url_host(char ret_host[static BM_HOST], const char *url)
{
    static const char scheme[] = "https://";
    const char *host = url + sizeof(scheme) - 1, *end, *port;
    size_t n;

    if (strncmp(url, scheme, sizeof(scheme) - 1) != 0)
        return false;
    if (host[0] == '[') {
        end = strchr(++host, ']');
        port = end != NULL ? end + 1 : "x";
    } else
        port = end = host + strcspn(host, ":/?#@");
    n = end != NULL ? (size_t)(end - host) : 0;
    if (n == 0 || n >= BM_HOST || (port[0] != 0 && port[0] != ':'))
        return false;
    if (port[0] == ':' && !port_ok(port + 1))
        return false;
    for (size_t i = 0; i < n; i++)
        if (host[i] <= ' ' || host[i] > '~') /* it goes into site.conf and into certificates */
            return false;
    memcpy(ret_host, host, n);
    ret_host[n] = 0;
    return true;
}

/* ---- making ---- */

/* What signs: the server CA. */
struct signing {
    struct bm_buf der;
    struct bm_cert cert;
    struct bm_issuer issuer;
    struct bm_private *key;
};

static void
signing_done(struct signing *s)
{
    bm_buf_done(&s->der);
    bm_private_done(&s->key);
}

static enum bm_rc
key_read(struct bm_private **ret_key, const char *home, const char *place, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 16384 };
    enum bm_rc rc = bm_place_read(&pem, home, place, "", fail);

    return rc != BM_OK ? rc : bm_private_parse(ret_key, bm_buf_bytes(&pem), fail);
}

static enum bm_rc
signing_open(struct signing *s, const char *home, struct bm_fail *fail)
{
    char path[BM_PATH];
    enum bm_rc rc;

    if ((rc = bm_place_path(path, home, BM_PLACE_CA_CERT, "server", fail)) != BM_OK || (rc = bm_cert_read(&s->der, path, fail)) != BM_OK ||
        (rc = bm_cert_parse(&s->cert, bm_buf_bytes(&s->der), fail)) != BM_OK ||
        (rc = key_read(&s->key, home, BM_PLACE_SERVER_CA_KEY, fail)) != BM_OK)
        return rc;
    if (s->cert.ski.n != sizeof(s->issuer.key_id))
        return bm_fail(fail, BM_EINPUT, NULL, "%s has no subject key identifier of 20 bytes", path);
    s->issuer.subject = s->cert.subject;
    s->issuer.not_after = s->cert.not_after;
    s->issuer.alg = bm_private_alg(s->key);
    s->issuer.test = bm_cert_test_mark(s->cert.der);
    memcpy(s->issuer.key_id, s->cert.ski.p, sizeof(s->issuer.key_id));
    return BM_OK;
}

/* The key stays when it is there: a certificate alone is one file, replaced at once or not at all. */
static enum bm_rc
server_key(struct bm_private **ret_key, const char *home, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 4096 };
    char path[BM_PATH];
    enum bm_rc rc;

    if ((rc = bm_place_path(path, home, BM_PLACE_GATE_KEY, "", fail)) != BM_OK)
        return rc;
    if (access(path, F_OK) == 0)
        return key_read(ret_key, home, BM_PLACE_GATE_KEY, fail);
    if ((rc = bm_private_generate(ret_key, BM_KEY_P256, fail)) != BM_OK || (rc = bm_private_build(&pem, *ret_key, fail)) != BM_OK)
        return rc;
    return bm_file_write(path, bm_buf_bytes(&pem), 0600, fail);
}

static enum bm_rc
leaf_sign(struct bm_buf *der, struct signing *s, const struct bm_key *key, const char *host, bm_time now, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_CERT };
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE };
    const char *hosts[3];
    uint8_t serial[BM_NEW_SERIAL];
    size_t n = 0;
    bm_time until = now + DAYS * (bm_time)DAY - BM_CLOCK_SLACK;
    enum bm_rc rc;

    if (host[0] != 0 && strcmp(host, "localhost") != 0 && strcmp(host, "127.0.0.1") != 0)
        hosts[n++] = host;
    hosts[n++] = "localhost";
    hosts[n++] = "127.0.0.1";
    if (until > s->issuer.not_after)
        until = s->issuer.not_after;
    if ((rc = bm_serial_make(serial, fail)) != BM_OK ||
        (rc = bm_tbs_server_build(&tbs, &s->issuer, hosts, n, bm_key_spki(key), bm_bytes(serial, sizeof(serial)), now - BM_CLOCK_SLACK,
                                  until, fail)) != BM_OK ||
        (rc = bm_private_sign(s->key, bm_buf_bytes(&tbs), &signature, fail)) != BM_OK)
        return rc;
    bm_signed_build(der, bm_buf_bytes(&tbs), s->issuer.alg, bm_buf_bytes(&signature));
    return bm_buf_check(der, "the server's certificate", fail);
}

/* Leaf, server CA, and where roots change what leads from one to the other: whoever trusts any of them gets there. */
static enum bm_rc
chain_put(const char *home, const struct bm_buf *der, const struct bm_buf *ca, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf chain = { .max = 32 * BM_MAX_CERT };
    char path[BM_PATH];
    enum bm_rc rc;

    bm_pem_build(&chain, "CERTIFICATE", bm_buf_bytes(der));
    bm_pem_build(&chain, "CERTIFICATE", bm_buf_bytes(ca));
    if ((rc = bm_place_path(path, home, BM_PLACE_CROSS, "", fail)) != BM_OK ||
        (access(path, F_OK) == 0 && (rc = bm_file_read(&chain, path, fail)) != BM_OK))
        return rc;
    if ((rc = bm_buf_check(&chain, "the server's chain", fail)) != BM_OK ||
        (rc = bm_place_path(path, home, BM_PLACE_GATE_CERT, "", fail)) != BM_OK)
        return rc;
    return bm_file_write(path, bm_buf_bytes(&chain), 0644, fail);
}

enum bm_rc
bm_server_cert_make(const char *home, const char *url, bm_time now, struct bm_fail *fail)
{
    bm_cleanup(signing_done) struct signing s = { .der = { .max = BM_MAX_CERT } };
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };
    char host[BM_HOST] = "";
    enum bm_rc rc;

    if (url[0] != 0 && !bm_url_host(host, url))
        return bm_fail(fail, BM_EINPUT, NULL, "site.conf: the url must be https://HOST or https://HOST:PORT");
    if ((rc = signing_open(&s, home, fail)) != BM_OK || (rc = server_key(&key, home, fail)) != BM_OK ||
        (rc = leaf_sign(&der, &s, bm_private_public(key), host, now, fail)) != BM_OK)
        return rc;
    return chain_put(home, &der, &s.der, fail);
}

enum bm_rc
bm_server_chain_put(const char *home, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT }, ca = { .max = BM_MAX_CERT };
    char path[BM_PATH];
    enum bm_rc rc;

    if ((rc = bm_place_path(path, home, BM_PLACE_GATE_CERT, "", fail)) != BM_OK || (rc = bm_cert_read(&der, path, fail)) != BM_OK ||
        (rc = bm_place_path(path, home, BM_PLACE_CA_CERT, "server", fail)) != BM_OK || (rc = bm_cert_read(&ca, path, fail)) != BM_OK)
        return rc;
    return chain_put(home, &der, &ca, fail);
}

enum bm_rc
bm_station_cert_make(struct bm_buf *der, struct bm_buf *issuer, const char *home, const char *name, const struct bm_key *key, bm_time now,
                     struct bm_fail *fail)
{
    bm_cleanup(signing_done) struct signing s = { .der = { .max = BM_MAX_CERT } };
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_CERT }, signature = { .max = BM_MAX_SIGNATURE };
    bm_time until = now + DAYS * (bm_time)DAY - BM_CLOCK_SLACK;
    uint8_t serial[BM_NEW_SERIAL];
    enum bm_rc rc;

    if ((rc = signing_open(&s, home, fail)) != BM_OK || (rc = bm_serial_make(serial, fail)) != BM_OK)
        return rc;
    if (until > s.issuer.not_after)
        until = s.issuer.not_after;
    if ((rc = bm_tbs_station_build(&tbs, &s.issuer, name, BM_LINK_HOST, bm_key_spki(key), bm_bytes(serial, sizeof(serial)),
                                   now - BM_CLOCK_SLACK, until, fail)) != BM_OK ||
        (rc = bm_private_sign(s.key, bm_buf_bytes(&tbs), &signature, fail)) != BM_OK)
        return rc;
    bm_signed_build(der, bm_buf_bytes(&tbs), s.issuer.alg, bm_buf_bytes(&signature));
    bm_buf_add_bytes(issuer, bm_buf_bytes(&s.der));
    return bm_buf_check(der, "the station's certificate", fail);
}

/* ---- judging ---- */

/* Is the host among the dNSNames and iPAddresses? Of our own certificates: [2] or [7] for each. */
static bool
names_host(const struct bm_cert *cert, const char *host)
{
    bool critical;
    struct bm_bytes value = bm_cert_extension(cert, BM_OID(bm_oid_san), &critical);
    struct bm_rd rd = bm_rd(value), in = bm_der_enter(&rd, BM_DER_SEQUENCE);
    uint8_t address[16];
    struct bm_bytes wanted = bm_bytes_str(host);
    unsigned tag = BM_DER_CONTEXT(2);

    if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1) {
        wanted = bm_bytes(address, strchr(host, ':') != NULL ? 16 : 4);
        tag = BM_DER_CONTEXT(7);
    }
    while (!in.bad && in.left > 0) {
        if (!bm_der_peek(&in, tag))
            (void)bm_der_any(&in, NULL);
        else if (bm_bytes_equal(bm_der_take(&in, tag), wanted))
            return true;
    }
    return false;
}

enum bm_rc
bm_server_cert_good(const char *home, const char *url, bm_time now, bool *ret_good, bm_time *ret_until, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };
    char path[BM_PATH], host[BM_HOST] = "localhost";
    struct bm_cert cert;
    enum bm_rc rc;

    if (url[0] != 0 && !bm_url_host(host, url))
        return bm_fail(fail, BM_EINPUT, NULL, "site.conf: the url must be https://HOST or https://HOST:PORT");
    if ((rc = bm_place_path(path, home, BM_PLACE_GATE_CERT, "", fail)) != BM_OK || (rc = bm_cert_read(&der, path, fail)) != BM_OK ||
        (rc = bm_cert_parse(&cert, bm_buf_bytes(&der), fail)) != BM_OK)
        return rc;
    *ret_good = cert.not_after - now >= RENEW_DAYS * (bm_time)DAY && cert.not_before <= now && names_host(&cert, host);
    *ret_until = cert.not_after;
    return BM_OK;
}
