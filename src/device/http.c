#include "device/http.h"

#include "device/tls.h"
#include "wire/json.h"

#include <curl/curl.h>

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct bm_http {
    CURL *curl;
    char server[512];
    char ca_file[1024];
    char error[CURL_ERROR_SIZE];
    struct bm_provider *provider;
    struct bm_root *root;
    const char *service;
    struct bm_fail inner; /* why our part of the TLS set-up failed */
};

static enum bm_rc
server_parse(struct bm_http *http, const char *server, struct bm_fail *fail)
{
    size_t n = strlen(server);

    while (n > 0 && server[n - 1] == '/')
        n--;
    if (strncmp(server, "https://", 8) != 0 || n <= 8 || n >= sizeof(http->server) || memchr(server + 8, '/', n - 8) != NULL)
        return bm_fail(fail, BM_EINPUT, NULL, "\"%.100s\" is no server: write https://HOST or https://HOST:PORT", server);
    (void)snprintf(http->server, sizeof(http->server), "%.*s", (int)n, server);
    return BM_OK;
}

enum bm_rc
bm_http_open(struct bm_http **ret_http, const char *server, const char *ca_file, struct bm_fail *fail)
{
    bm_cleanup(bm_http_done) struct bm_http *http = calloc(1, sizeof(*http));
    enum bm_rc rc;

    if (http == NULL || (http->curl = curl_easy_init()) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    if ((rc = server_parse(http, server, fail)) != BM_OK)
        return rc;
    if ((size_t)snprintf(http->ca_file, sizeof(http->ca_file), "%s", ca_file) >= sizeof(http->ca_file))
        return bm_fail(fail, BM_EINPUT, NULL, "the path of the CA file is too long");
    *ret_http = bm_take(http);
    return BM_OK;
}

enum bm_rc
bm_http_identity(struct bm_http *http, struct bm_root *root, const char *service, struct bm_fail *fail)
{
    http->root = root;
    http->service = service;
    return bm_provider_new(&http->provider, fail);
}

void
bm_http_close(struct bm_http *http)
{
    if (http == NULL)
        return;
    curl_easy_cleanup(http->curl); /* with it the TLS context that holds our key, before the key's library context */
    bm_provider_free(http->provider);
    free(http);
}

void
bm_http_done(struct bm_http **http)
{
    bm_http_close(*http);
    *http = NULL;
}

/* libcurl hands its TLS context over before it connects. */
static CURLcode
identity_put(CURL *curl, void *tls, void *ctx)
{
    struct bm_http *http = ctx;

    (void)curl;
    return bm_tls_identity(tls, http->provider, http->root, http->service, &http->inner) == BM_OK ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

static size_t
body_take(char *p, size_t one, size_t n, void *ctx)
{
    struct bm_buf *reply = ctx;

    (void)one; /* always 1 */
    bm_buf_add(reply, p, n);
    return reply->bad ? 0 : n;
}

static bool
options_set(struct bm_http *http, const char *url, struct curl_slist *headers, struct bm_bytes body, struct bm_buf *reply)
{
    CURL *c = http->curl;

    curl_easy_reset(c);
    return curl_easy_setopt(c, CURLOPT_URL, url) == CURLE_OK && curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK && curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, 10L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_TIMEOUT, 60L) == CURLE_OK && curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_CAINFO, http->ca_file) == CURLE_OK && curl_easy_setopt(c, CURLOPT_CAPATH, NULL) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_ERRORBUFFER, http->error) == CURLE_OK && curl_easy_setopt(c, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_POSTFIELDS, body.p) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)body.n) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, body_take) == CURLE_OK && curl_easy_setopt(c, CURLOPT_WRITEDATA, reply) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_USERAGENT, "birthmark/" BM_VERSION) == CURLE_OK &&
           (http->provider == NULL || (curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, identity_put) == CURLE_OK &&
                                       curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, http) == CURLE_OK));
}

/* Connection trouble is always the environment's. */
static enum bm_rc
trouble(const struct bm_http *http, CURLcode code, const struct bm_buf *reply, struct bm_fail *fail)
{
    if (http->inner.rc != BM_OK) {
        *fail = http->inner;
        return fail->rc;
    }
    if (reply->bad)
        return bm_fail(fail, BM_EINPUT, NULL, "the server's reply is larger than %zu bytes", reply->max);
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return bm_fail(fail, BM_EBUSY, NULL, "the server %s is not trusted: is %s the site's root.pem, and the host name right? (%s)",
                       http->server, http->ca_file, http->error[0] != '\0' ? http->error : curl_easy_strerror(code));
    return bm_fail(fail, BM_EBUSY, NULL, "the server %s cannot be reached: %s", http->server,
                   http->error[0] != '\0' ? http->error : curl_easy_strerror(code));
}

/* The server's sentence: {"error": ...} or a line of text; what a terminal could take for more than text is left out. */
static void
sentence_of(char ret[static 360], struct bm_bytes body, const char *type)
{
    struct bm_fail ignored;
    json_t *json = NULL;
    size_t n = 0;

    if (strncasecmp(type, "application/json", 16) == 0 && bm_json_parse(&json, body, BM_MAX_JSON, &ignored) == BM_OK &&
        json_is_string(json_object_get(json, "error")))
        body = bm_bytes_str(json_string_value(json_object_get(json, "error")));
    else if (strncasecmp(type, "text/plain", 10) != 0)
        body = bm_bytes_str("it gives no reason");
    for (size_t i = 0; i < body.n && n < 359; i++) {
        if (body.p[i] >= 0x20 && body.p[i] != 0x7f)
            ret[n++] = (char)body.p[i];
    }
    ret[n] = '\0';
    json_decref(json);
}

static enum bm_rc
status_read(const struct bm_http *http, long status, const char *type, const char *want_type, const struct bm_buf *reply,
            struct bm_fail *fail)
{
    size_t n = want_type == NULL ? 0 : strlen(want_type);
    char sentence[360];

    if (status == 200) {
        if (n > 0 && (strncasecmp(type, want_type, n) != 0 || (type[n] != '\0' && type[n] != ';' && type[n] != ' ')))
            return bm_fail(fail, BM_EINPUT, NULL, "the server %s answers with \"%.60s\" in place of %s: is it a Birthmark server?",
                           http->server, type, want_type);
        return BM_OK;
    }
    sentence_of(sentence, bm_buf_bytes(reply), type);
    if (status >= 400 && status < 500 && status != 429)
        return bm_fail(fail, BM_EPOLICY, NULL, "%s", *sentence == '\0' ? "it gives no reason" : sentence);
    return bm_fail(fail, BM_EBUSY, NULL, "the server %s cannot do it now (status %ld): %s", http->server, status, sentence);
}

static void
headers_done(struct curl_slist **headers)
{
    curl_slist_free_all(*headers);
}

static enum bm_rc
headers_make(struct curl_slist **headers, const char *type, struct bm_fail *fail)
{
    char line[256];
    struct curl_slist *more;

    (void)snprintf(line, sizeof(line), "Content-Type: %s", type);
    if ((*headers = curl_slist_append(NULL, line)) == NULL || (more = curl_slist_append(*headers, "Expect:")) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    *headers = more;
    return BM_OK;
}

enum bm_rc
bm_http_post(struct bm_http *http, const char *path, const char *type, struct bm_bytes body, const char *want_type, struct bm_buf *reply,
             struct bm_fail *fail)
{
    bm_cleanup(headers_done) struct curl_slist *headers = NULL;
    char url[1024];
    const char *got = NULL;
    long status = 0;
    CURLcode code;
    enum bm_rc rc;

    if ((size_t)snprintf(url, sizeof(url), "%s%s", http->server, path) >= sizeof(url))
        return bm_fail(fail, BM_EINPUT, NULL, "the server's address is too long");
    if ((rc = headers_make(&headers, type, fail)) != BM_OK)
        return rc;
    http->error[0] = '\0';
    http->inner = (struct bm_fail){ 0 };
    if (!options_set(http, url, headers, body, reply))
        return bm_fail(fail, BM_EBUG, NULL, "libcurl does not know one of our options: is it built with OpenSSL?");
    if ((code = curl_easy_perform(http->curl)) != CURLE_OK)
        return trouble(http, code, reply, fail);
    if (curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK ||
        curl_easy_getinfo(http->curl, CURLINFO_CONTENT_TYPE, &got) != CURLE_OK)
        return bm_fail(fail, BM_EBUG, NULL, "libcurl does not tell the reply's status");
    return status_read(http, status, got == NULL ? "" : got, want_type, reply, fail);
}
