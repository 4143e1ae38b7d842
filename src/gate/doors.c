/* One row a door. What is not here is 404. */
#include "gate/gate.h"

#include "pki/ocsp.h"
#include "wire/text.h"

#define EST "/.well-known/est/"
#define JSON "application/json"

static const struct door doors[] = {
    { .path = "cacerts",
      .est = true,
      .plain = true,
      .methods = BM_GET,
      .serve = bm_serve_cacerts,
      .answer_type = BM_G_ANSWER,
      .answer = bm_answer_cacerts },
    { .path = "fullcmc",
      .est = true,
      .methods = BM_POST,
      .types = { "application/pkcs7-mime" },
      .max = BM_MAX_HTTP_BODY,
      .serve = bm_serve_fullcmc,
      .answer_type = BM_G_CERTS,
      .answer = bm_answer_fullcmc },
    { .path = "simpleenroll",
      .est = true,
      .methods = BM_POST,
      .types = { "application/pkcs10" },
      .max = 2 * BM_MAX_CSR,
      .serve = bm_serve_simpleenroll,
      .answer_type = BM_G_CERTS,
      .answer = bm_answer_fullcmc },
    { .path = "nonce",
      .est = true,
      .methods = BM_GET | BM_POST,
      .types = { JSON, "application/est-attestation-freshness+json" },
      .max = 1024,
      .serve = bm_serve_nonce,
      .answer_type = BM_G_ANSWER,
      .answer = bm_answer_nonce },
    { .path = "/v1/tpm/challenge",
      .methods = BM_POST,
      .types = { JSON },
      .max = 8192,
      .serve = bm_serve_challenge,
      .answer_type = BM_G_ANSWER,
      .answer = bm_answer_challenge },
    { .path = "/v1/tpm/enrol",
      .methods = BM_POST,
      .types = { JSON },
      .max = BM_MAX_HTTP_BODY,
      .serve = bm_serve_tpm_enrol,
      .answer_type = BM_G_CERTS,
      .answer = bm_answer_certificates },
    { .path = "/v1/renew",
      .methods = BM_POST,
      .types = { JSON },
      .max = BM_MAX_HTTP_BODY,
      .serve = bm_serve_renew,
      .answer_type = BM_G_CERTS,
      .answer = bm_answer_certificates },
    { .path = "/v1/confirm",
      .methods = BM_POST,
      .types = { JSON },
      .max = 1024,
      .serve = bm_serve_confirm,
      .answer_type = BM_G_ANSWER,
      .answer = bm_answer_confirm },
    { .path = "/v1/site", .methods = BM_GET, .serve = bm_serve_site, .answer_type = BM_G_ANSWER, .answer = bm_answer_site },
    { .path = "/healthz",
      .plain = true,
      .methods = BM_GET,
      .serve = bm_serve_health,
      .answer_type = BM_G_ANSWER,
      .answer = bm_answer_health },
    { .path = "/crl/",
      .ends = ".crl",
      .plain = true,
      .methods = BM_GET,
      .serve = bm_serve_named,
      .answer_type = BM_G_ANSWER,
      .answer = bm_answer_der,
      .asks = BM_G_CRL,
      .type = "application/pkix-crl" },
    { .path = "/crl/",
      .ends = ".pem",
      .plain = true,
      .methods = BM_GET,
      .serve = bm_serve_named,
      .answer_type = BM_G_ANSWER,
      .answer = bm_answer_crl_pem,
      .asks = BM_G_CRL },
    { .path = "/crl/",
      .ends = ".txt",
      .plain = true,
      .methods = BM_GET,
      .serve = bm_serve_named,
      .answer_type = BM_G_ANSWER,
      .answer = bm_answer_der,
      .asks = BM_G_LISTS,
      .type = "text/plain; charset=utf-8" },
    { .path = "/ocsp",
      .plain = true,
      .methods = BM_POST,
      .types = { "application/ocsp-request" },
      .max = BM_OCSP_QUESTION,
      .serve = bm_serve_ocsp_post,
      .answer_type = BM_G_ANSWER,
      .answer = bm_answer_ocsp },
    { .path = BM_REQUEST_OCSP,
      .rest = true,
      .plain = true,
      .methods = BM_GET,
      .serve = bm_serve_ocsp_get,
      .answer_type = BM_G_ANSWER,
      .answer = bm_answer_ocsp },
    { .path = "/ca/",
      .ends = ".cer",
      .plain = true,
      .methods = BM_GET,
      .serve = bm_serve_named,
      .answer_type = BM_G_ANSWER,
      .answer = bm_answer_der,
      .asks = BM_G_CA,
      .type = "application/pkix-cert" },
};

static bool
begins(struct bm_bytes text, const char *with)
{
    size_t n = strlen(with);

    return text.n >= n && memcmp(text.p, with, n) == 0;
}

/* req: RFC7030 3.2.2 a label may stand between "est" and the operation: here the name of a profile or service */
static struct bm_bytes
label_take(struct bm_bytes *rest)
{
    const uint8_t *slash = rest->n == 0 ? NULL : memchr(rest->p, '/', rest->n);
    struct bm_bytes label = bm_bytes(rest->p, slash == NULL ? 0 : (size_t)(slash - rest->p));

    if (slash != NULL)
        *rest = bm_bytes(slash + 1, rest->n - label.n - 1);
    return label;
}

/* Is it this door's path? Where a name stands in it, what name. */
static bool
leads(const struct door *door, struct bm_bytes path, char ret_name[static BM_MAX_NAME + 1])
{
    size_t before = strlen(door->path), after;

    if (door->rest)
        return path.n > before && begins(path, door->path);
    if (door->ends == NULL)
        return bm_bytes_equal(path, bm_bytes_str(door->path));
    after = strlen(door->ends);
    if (path.n <= before + after || path.n > before + after + BM_MAX_NAME || !begins(path, door->path) ||
        memcmp(path.p + path.n - after, door->ends, after) != 0)
        return false;
    memcpy(ret_name, path.p + before, path.n - before - after);
    ret_name[path.n - before - after] = 0;
    return bm_name_ok(ret_name, BM_MAX_NAME);
}

static const struct door *
door_of(struct connection *c, struct bm_bytes path)
{
    bool est = begins(path, EST), labelled = false;

    c->label[0] = 0;
    if (est) {
        struct bm_bytes rest = bm_bytes(path.p + strlen(EST), path.n - strlen(EST)), label;

        labelled = rest.n > 0 && memchr(rest.p, '/', rest.n) != NULL;
        label = label_take(&rest);
        if (label.n > BM_MAX_NAME)
            return NULL;
        if (labelled) {
            memcpy(c->label, label.p, label.n);
            c->label[label.n] = 0;
        }
        path = rest;
    }
    if (labelled && !bm_name_ok(c->label, BM_MAX_NAME))
        return NULL;
    for (size_t i = 0; i < BM_COUNT(doors); i++)
        if (doors[i].est == est && leads(&doors[i], path, c->name) && (c->ssl != NULL || doors[i].plain))
            return &doors[i];
    return NULL;
}

static const char *
allow_text(unsigned methods)
{
    return methods == BM_POST ? "POST" : methods == BM_GET ? "GET, HEAD" : "GET, HEAD, POST";
}

static bool
media_type_is(struct bm_bytes type, const char *want)
{
    if (want == NULL || type.n != strlen(want))
        return false;
    for (size_t i = 0; i < type.n; i++) {
        uint8_t c = type.p[i];

        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != (uint8_t)want[i])
            return false;
    }
    return true;
}

enum bm_rc
bm_door_find(struct connection *c, const struct bm_request *r, unsigned *ret_status, const char **ret_allow, struct bm_fail *fail)
{
    const struct door *door = door_of(c, r->path);
    enum bm_method method = r->method == BM_HEAD ? BM_GET : r->method;

    c->json = begins(r->path, "/v1/");
    if (r->station.n >= sizeof(c->station)) {
        *ret_status = 400;
        return bm_fail(fail, BM_EINPUT, NULL, "the Birthmark-Station field is longer than a key and a signature");
    }
    (void)snprintf(c->station, sizeof(c->station), "%.*s", (int)r->station.n, r->station.n > 0 ? (const char *)r->station.p : "");
    if (door == NULL) {
        *ret_status = 404;
        return bm_fail(fail, BM_EINPUT, NULL,
                       c->ssl == NULL ? "there is nothing at this path over plain HTTP: use https" : "there is nothing at this path");
    }
    if ((door->methods & method) == 0) {
        *ret_status = 405;
        *ret_allow = allow_text(door->methods);
        return bm_fail(fail, BM_EINPUT, "RFC 9110 15.5.6", "this path takes %s only", *ret_allow);
    }
    if (method == BM_POST && !media_type_is(r->type, door->types[0]) && !media_type_is(r->type, door->types[1])) {
        *ret_status = 415;
        return bm_fail(fail, BM_EINPUT, NULL, "the body must have the Content-Type %s", door->types[0]);
    }
    if (r->length > door->max) {
        *ret_status = 413;
        return bm_fail(fail, BM_EINPUT, NULL, "the body has %llu bytes, this path takes %zu", (unsigned long long)r->length, door->max);
    }
    c->door = door;
    return BM_OK;
}
