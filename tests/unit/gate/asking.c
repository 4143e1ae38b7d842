#include "asking.h"

#include "wire/text.h"

#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

struct kit kit;
struct answer answer; /* too large for the stack */

int
gate_setup(void **state)
{
    (void)state;
    kit_open(&kit);
    return 0;
}

int
gate_teardown(void **state)
{
    (void)state;
    kit_close(&kit);
    return 0;
}

void
say(struct client *c, const char *text)
{
    client_send(c, bm_bytes_str(text));
}

/* One request on a connection of its own. */
void
ask(SSL_CTX *ctx, const char *request)
{
    struct client c;

    client_open(&c, &kit, ctx);
    say(&c, request);
    client_read(&c, &answer, false);
    client_close(&c);
}

void
posted(SSL_CTX *ctx, const char *head, const char *body)
{
    bm_cleanup(bm_buf_done) struct bm_buf request = { .max = 300000 };

    bm_buf_add_fmt(&request, "%sContent-Length: %zu\r\n\r\n%s", head, strlen(body), body);
    bm_buf_add_u8(&request, 0);
    assert_false(request.bad);
    ask(ctx, (const char *)request.p);
}

void
expect(unsigned status, const char *type, const char *body)
{
    char line[128];

    if (answer.status != status)
        fail_msg("status %u with '%s', not %u", answer.status, answer.body, status);
    (void)snprintf(line, sizeof(line), "\r\nContent-Type: %s\r\n", type);
    if (strstr(answer.head, line) == NULL)
        fail_msg("no %s in %s", line, answer.head);
    if (body != NULL)
        assert_string_equal(answer.body, body);
}

/* The nonce of a GET is the key's hash, see registrar.c. */
void
nonce_expect(struct client *c)
{
    bm_cleanup(bm_buf_done) struct bm_buf want = { .max = 256 };

    bm_buf_add_str(&want, "{\"nonce\":\"");
    bm_b64_add(&want, BM_B64_URL, bm_bytes(kit.device_key, BM_HASH));
    bm_buf_add(&want, "\",\"expiry\":300}", 16);
    say(c, "GET /.well-known/est/nonce HTTP/1.1\r\n" HOST "\r\n");
    client_read(c, &answer, false);
    expect(200, "application/est-attestation-freshness+json", (const char *)want.p);
}
