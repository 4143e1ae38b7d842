#include "device/http_ways.h"

#include <stdio.h>

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

static void
headers_done(struct curl_slist **headers)
{
    curl_slist_free_all(*headers);
}

static enum bm_rc
headers_make(struct curl_slist **headers, const struct bm_http_request *request, struct bm_fail *fail)
{
    char line[256];
    struct curl_slist *more;

    (void)snprintf(line, sizeof(line), "Content-Type: %s", request->type);
    if ((*headers = curl_slist_append(NULL, line)) == NULL || (more = curl_slist_append(*headers, "Expect:")) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    *headers = more;
    if (request->field != NULL && (more = curl_slist_append(*headers, request->field)) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    *headers = more;
    return BM_OK;
}

/* Runs the handle, over the network or through the carrier. */
static enum bm_rc
run(struct bm_http *http, bool through, const struct bm_buf *reply, struct bm_fail *fail)
{
    CURLcode code = CURLE_OK;
    enum bm_rc rc;

    if (!through)
        code = curl_easy_perform(http->curl);
    else if ((rc = bm_http_tunnel(http, &code, fail)) != BM_OK)
        return rc;
    return code == CURLE_OK ? BM_OK : trouble(http, code, reply, fail);
}

static enum bm_rc
post(struct bm_http *http, const struct bm_http_request *request, struct bm_http_reply *ret, bool through, struct bm_fail *fail)
{
    bm_cleanup(headers_done) struct curl_slist *headers = NULL;
    char url[1024];
    const char *got = NULL;
    enum bm_rc rc;

    if ((size_t)snprintf(url, sizeof(url), "%s%s", http->server, request->path) >= sizeof(url))
        return bm_fail(fail, BM_EINPUT, NULL, "the server's address is too long");
    if ((rc = headers_make(&headers, request, fail)) != BM_OK)
        return rc;
    http->error[0] = '\0';
    http->inner = (struct bm_fail){ 0 };
    if (!options_set(http, url, headers, request->body, ret->body))
        return bm_fail(fail, BM_EBUG, NULL, "libcurl does not know one of our options: is it built with OpenSSL?");
    if ((rc = run(http, through, ret->body, fail)) != BM_OK)
        return rc;
    if (curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &ret->status) != CURLE_OK ||
        curl_easy_getinfo(http->curl, CURLINFO_CONTENT_TYPE, &got) != CURLE_OK)
        return bm_fail(fail, BM_EBUG, NULL, "libcurl does not tell the reply's status");
    (void)snprintf(ret->type, sizeof(ret->type), "%s", got == NULL ? "" : got);
    return BM_OK;
}

static enum bm_rc
direct_post(struct bm_http *http, const struct bm_http_request *request, struct bm_http_reply *ret, struct bm_fail *fail)
{
    return post(http, request, ret, false, fail);
}

static enum bm_rc
through_post(struct bm_http *http, const struct bm_http_request *request, struct bm_http_reply *ret, struct bm_fail *fail)
{
    return post(http, request, ret, true, fail);
}

const struct bm_http_way bm_http_direct = { direct_post };
const struct bm_http_way bm_http_through = { through_post };
