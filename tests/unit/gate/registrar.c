/* A registrar that says what the test wants to hear. A request to enrol begins with the letter of its fate:
 *   C certificate   R refused by policy   B busy   S no answer ever   L answers after 300 ms   X ends   U answers what nobody asked
 * and R's sentence tells what came with it. */
#include "kit.h"

#include "pki/cert.h"
#include "proc/channel.h"
#include "proc/gate_messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct told {
    int channel;
    struct bm_bytes certificate;
};

static void
answer(const struct told *t, uint64_t id, uint16_t type, struct bm_bytes body)
{
    struct bm_fail fail;

    if (bm_channel_send(t->channel, &(struct bm_message){ .type = type, .id = id, .body = body }, &fail) != BM_OK)
        exit(0);
}

static void
refuse(const struct told *t, uint64_t id, enum bm_rc rc, const char *sentence)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 4096 };

    bm_g_refused_build(&body, &(struct bm_g_refused){ .rc = (uint8_t)rc, .sentence = bm_bytes_str(sentence) });
    answer(t, id, BM_G_REFUSED, bm_buf_bytes(&body));
}

static void
certify(const struct told *t, uint64_t id)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 65536 };

    bm_g_certs_build(
        &body, &(struct bm_g_certs){ .device = bm_bytes_str("0123456789abcdef0123"), .cert = { t->certificate, t->certificate }, .n = 2 });
    answer(t, id, BM_G_CERTS, bm_buf_bytes(&body));
}

static void
told_back(const struct told *t, uint64_t id, const struct bm_g_enrol *enrol)
{
    char sentence[300];

    char parts[32] = "";

    if (enrol->parts.n > 0)
        (void)snprintf(parts, sizeof(parts), " parts %zu", enrol->parts.n);
    (void)snprintf(sentence, sizeof(sentence), "label '%.*s' from '%.*s' key %s body %zu bytes%s", (int)enrol->label.n,
                   (const char *)enrol->label.p, (int)enrol->source.n, (const char *)enrol->source.p,
                   enrol->peer.n == BM_HASH ? "shown" : "none", enrol->body.n, parts);
    refuse(t, id, BM_EPOLICY, sentence);
}

static void
enrol_serve(const struct told *t, uint64_t id, struct bm_bytes body)
{
    const struct timespec wait = { .tv_nsec = 300000000 };
    struct bm_g_enrol enrol;
    struct bm_fail fail;

    if (bm_g_enrol_parse(&enrol, bm_rd(body), &fail) != BM_OK)
        exit(4);
    switch (enrol.body.p[0]) {
    case 'C':
        certify(t, id);
        break;
    case 'B':
        refuse(t, id, BM_EBUSY, "the token is locked");
        break;
    case 'L':
        (void)nanosleep(&wait, NULL);
        certify(t, id);
        break;
    case 'X':
        exit(0);
    case 'U':
        certify(t, id + 1);
        break;
    case 'S':
        break;
    default:
        told_back(t, id, &enrol);
    }
}

static void
text_serve(const struct told *t, uint64_t id)
{
    static const char row[] =
        "{\"name\":\"Example\",\"site\":\"ab\",\"vkey\":\"v\",\"ledger_size\":7,\"checkpoint\":\"c\\n\","
        "\"confinement\":{\"signer\":\"s\",\"registrar\":\"r\"},\"anchor\":\"none\",\"token\":{\"state\":\"file\"},\"next_seq\":1}";
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 4096 };

    bm_buf_add_lv32(&body, bm_bytes_str(row));
    answer(t, id, BM_G_ANSWER, bm_buf_bytes(&body));
}

static void
message_serve(const struct told *t, const struct bm_message *m)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 65536 }, p7 = { .max = 65536 };

    switch (m->type) {
    case BM_G_NONCE: /* the hash itself: the test sees which one was asked for */
        bm_buf_add_bytes(&body, m->body);
        bm_buf_add_u32(&body, 300);
        break;
    case BM_G_CONFIRM:
        bm_buf_add_lv16(&body, bm_bytes_str("0123456789abcdef0123"));
        break;
    case BM_G_TPM_CHALLENGE: /* turned round */
        bm_buf_add_bytes(&body, m->body);
        break;
    case BM_G_CRL:
        if (bm_bytes_equal(m->body, bm_bytes_str("nobody"))) {
            refuse(t, m->id, BM_EINPUT, "there is no CA of this name here");
            return;
        }
        bm_buf_add_u32(&body, (uint32_t)m->body.n + 5);
        bm_buf_add_bytes(&body, m->body);
        bm_buf_add_str(&body, " list");
        break;
    case BM_G_LISTS:
        bm_buf_add_lv32(&body, bm_bytes_str("https://localhost/crl/operational-1.pem\n"));
        break;
    case BM_G_OCSP: /* the question */
        bm_buf_add_u32(&body, m->body.p[0] == 'k' ? 60 : 0);
        bm_buf_add_lv32(&body, m->body);
        break;
    case BM_G_CA:
        bm_buf_add_lv32(&body, t->certificate);
        break;
    case BM_G_CACERTS:
        bm_certs_only_build(&p7, (struct bm_certs){ &t->certificate, 1 });
        bm_buf_add_lv32(&body, bm_buf_bytes(&p7));
        break;
    case BM_G_HEALTH:
    case BM_G_SITE:
        text_serve(t, m->id);
        return;
    default:
        enrol_serve(t, m->id, m->body);
        return;
    }
    answer(t, m->id, BM_G_ANSWER, bm_buf_bytes(&body));
}

void
registrar_serve(int channel, struct bm_bytes certificate)
{
    struct told t = { .channel = channel, .certificate = certificate };
    uint8_t *buffer = malloc(BM_MAX_MESSAGE);
    struct bm_message message;
    struct bm_fail fail;
    enum bm_heard heard = BM_HEARD_NOTHING;

    while (buffer != NULL && bm_channel_recv(&heard, &message, channel, buffer, BM_MAX_MESSAGE, -1, &fail) == BM_OK &&
           heard == BM_HEARD_MESSAGE)
        message_serve(&t, &message);
    exit(0);
}
