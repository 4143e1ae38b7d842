#include "device/http_ways.h"

#include "wire/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

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
bm_http_open(struct bm_http **ret_http, const char *server, const char *ca_file, struct birthmark_carrier *carrier, struct bm_fail *fail)
{
    bm_cleanup(bm_http_done) struct bm_http *http = calloc(1, sizeof(*http));
    enum bm_rc rc;

    if (http == NULL || (http->curl = curl_easy_init()) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    http->carrier = carrier;
    http->way = carrier == NULL ? &bm_http_direct : &bm_http_carried;
    if ((rc = server_parse(http, server, fail)) != BM_OK)
        return rc;
    if ((size_t)snprintf(http->ca_file, sizeof(http->ca_file), "%s", ca_file) >= sizeof(http->ca_file))
        return bm_fail(fail, BM_EINPUT, NULL, "the path of the CA file is too long");
    *ret_http = bm_take(http);
    return BM_OK;
}

/* A client certificate shows whose the key is only in a handshake from end to end. */
enum bm_rc
bm_http_identity(struct bm_http *http, struct bm_root *root, const char *service, struct bm_fail *fail)
{
    http->root = root;
    http->service = service;
    if (http->carrier != NULL)
        http->way = &bm_http_through;
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

/* The server's sentence: {"error": ...} or a line of text; what a terminal could take for more than text is left out. */
void
bm_http_sentence(char ret[static 360], struct bm_bytes body, const char *type)
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
    if (status >= 300 && status < 400)
        return bm_fail(fail, BM_EINPUT, NULL,
                       "the server %s sends elsewhere (status %ld), which is not followed: is it a Birthmark server?", http->server,
                       status);
    bm_http_sentence(sentence, bm_buf_bytes(reply), type);
    if (status >= 400 && status < 500 && status != 429)
        return bm_fail(fail, BM_EPOLICY, NULL, "%s", *sentence == '\0' ? "it gives no reason" : sentence);
    return bm_fail(fail, BM_EBUSY, NULL, "the server %s cannot do it now (status %ld): %s", http->server, status, sentence);
}

enum bm_rc
bm_http_ask(struct bm_http *http, const struct bm_http_request *request, struct bm_http_reply *ret, struct bm_fail *fail)
{
    return http->way->post(http, request, ret, fail);
}

enum bm_rc
bm_http_post(struct bm_http *http, const char *path, const char *type, struct bm_bytes body, const char *want_type, struct bm_buf *reply,
             struct bm_fail *fail)
{
    const struct bm_http_request request = { .path = path, .type = type, .body = body };
    struct bm_http_reply got = { .body = reply };
    enum bm_rc rc = bm_http_ask(http, &request, &got, fail);

    return rc != BM_OK ? rc : status_read(http, got.status, got.type, want_type, reply, fail);
}
