/* kit_peers.c - what the test says as a gate and as commands. */
#include "base/base.h"
#include "kit.h"

#include "base/file.h"
#include "custody/index.h"
#include "evidence/bundle.h"
#include "proc/clock.h"
#include "wire/text.h"

#include <fcntl.h>
#include <stdio.h>

/* ---- the gate ---- */

void
kit_cmc(struct kit *k, struct bm_buf *cmc, const struct fixture_chip *chip)
{
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = BM_MAX_EVIDENCE };
    const uint8_t nonce[BM_NONCE] = { 1 };
    struct bm_bundle bundle;

    fixture_bundle(&k->site, &bytes, &(struct fixture_request){ .lot = &k->lot, .chip = 0, .voice = chip, .nonce = nonce });
    fixture_must(bm_bundle_parse(&bundle, bm_buf_bytes(&bytes), &fail));
    bm_buf_add_bytes(cmc, bundle.body);
}

void
kit_enrol_bytes(struct kit *k, uint64_t id, const char *label, struct bm_bytes cmc)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY };

    bm_g_enrol_build(&body, &(struct bm_g_enrol){ .label = bm_bytes_str(label), .source = bm_bytes_str("10.0.0.7"), .body = cmc });
    kit_say(k, k->gate, BM_G_ENROL, id, bm_buf_bytes(&body));
}

void
kit_enrol(struct kit *k, uint64_t id, const char *label, const struct fixture_chip *chip)
{
    bm_cleanup(bm_buf_done) struct bm_buf cmc = { .max = BM_MAX_EVIDENCE };

    kit_cmc(k, &cmc, chip);
    kit_enrol_bytes(k, id, label, bm_buf_bytes(&cmc));
}

void
kit_renew(struct kit *k, uint64_t id, const char *label, const struct fixture_chip *chip)
{
    bm_cleanup(bm_buf_done) struct bm_buf cmc = { .max = BM_MAX_EVIDENCE }, parts = { .max = 64 }, body = { .max = BM_MAX_MESSAGE_BODY };
    struct bm_bytes part[BM_PART__N] = { [BM_PART_RENEWAL] = bm_bytes_str("the current key's word") };

    kit_cmc(k, &cmc, chip);
    bm_parts_build(&parts, part);
    bm_g_enrol_build(&body, &(struct bm_g_enrol){ .label = bm_bytes_str(label),
                                                  .source = bm_bytes_str("10.0.0.7"),
                                                  .body = bm_buf_bytes(&cmc),
                                                  .parts = bm_buf_bytes(&parts) });
    kit_say(k, k->gate, BM_G_ENROL, id, bm_buf_bytes(&body));
}

struct bm_g_refused
kit_gate_refused(struct kit *k, uint64_t id)
{
    struct bm_message message = kit_want(k, k->gate, BM_G_REFUSED);
    struct bm_g_refused refused = { .rc = 0 };

    assert_int_equal(message.id, id);
    fixture_must(bm_g_refused_parse(&refused, bm_rd(message.body), &fail));
    return refused;
}

/* ---- commands ---- */

void
kit_lot_begin_body(struct kit *k, struct bm_buf *body, const struct fixture_lot *lot)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };

    fixture_pin_note(&k->site, &note, &(struct fixture_statement){ .by = CARL_CUSTODIAN }, lot);
    bm_buf_reset(body);
    bm_buf_add_lv32(body, bm_buf_bytes(&note));
    bm_buf_add_lv32(body, bm_buf_bytes(&lot->head));
}

void
kit_lot_index(struct kit *k, const struct fixture_lot *lot)
{
    bm_cleanup(bm_index_writer_done) struct bm_index_writer *writer = NULL;
    bm_cleanup(bm_fd_done) int fd = -1;
    char tmp[BM_PATH], path[BM_PATH], hex[2 * BM_HASH + 1];
    uint8_t root[BM_HASH];
    uint64_t size;

    (void)snprintf(tmp, sizeof(tmp), "%s/lots/new", k->site.home);
    fd = open(tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    fixture_must(bm_index_create(&writer, fd, &fail));
    for (size_t i = 0; i < lot->n; i++)
        fixture_must(bm_index_add(writer, bm_buf_bytes(&lot->chips[i].leaf), &fail));
    fixture_must(bm_index_finish(writer, &size, root, &fail));
    bm_hex(hex, bm_bytes(root, sizeof(root)));
    (void)snprintf(path, sizeof(path), "%s/lots/%s.index", k->site.home, hex);
    assert_int_equal(rename(tmp, path), 0);
}

void
kit_lot_begin(struct kit *k, int command, const struct fixture_lot *lot)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY };

    kit_lot_begin_body(k, &body, lot);
    kit_say(k, k->command[command], BM_C_LOT_BEGIN, 1, bm_buf_bytes(&body));
    kit_answer_empty(k, kit_want(k, k->signer, BM_S_LOT_BEGIN).id);
    (void)kit_want(k, k->command[command], BM_C_END);
    kit_lot_index(k, lot);
}

bool
kit_lot_next(struct kit *k, int command)
{
    struct bm_bytes body;

    kit_say(k, k->command[command], BM_C_LOT_NEXT, 2, bm_bytes(NULL, 0));
    kit_answer_empty(k, kit_want(k, k->signer, BM_S_LOT_LEAVES).id);
    body = kit_want(k, k->command[command], BM_C_END).body;
    assert_int_equal(body.n, 9);
    return body.p[8] != 0;
}

void
kit_lot_stream(struct kit *k, int command, const struct fixture_lot *lot)
{
    kit_lot_begin(k, command, lot);
    while (kit_lot_next(k, command))
        continue;
}

struct bm_event
kit_pin_event(const struct fixture_lot *lot)
{
    return (struct bm_event){ .kind = BM_EVENT_LOT_PINNED,
                              .lot = bm_bytes_str(lot->name),
                              .statement = bm_bytes_str("00000000000000000000000000000000000000000000000000000000000000aa"),
                              .by = bm_bytes_str("carl") };
}

void
kit_lot_receive(struct kit *k, int command, const struct fixture_lot *lot)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY };
    const struct bm_event event = kit_pin_event(lot);
    struct bm_s_leaf leaf;

    kit_lot_begin_body(k, &body, lot);
    bm_buf_reset(&k->leaf[k->book.size].attachment);
    k->leaf[k->book.size].attachment.max = BM_MAX_MESSAGE;
    bm_buf_add_bytes(&k->leaf[k->book.size].attachment, bm_buf_bytes(&body));
    kit_lot_stream(k, command, lot);
    kit_say(k, k->command[command], BM_C_LOT_END, 3, bm_bytes(NULL, 0));
    leaf = kit_leaf(k, &event);
    kit_answer(k, kit_want(k, k->signer, BM_S_LOT_END).id, &leaf);
    (void)kit_want(k, k->command[command], BM_C_ROW);
    (void)kit_want(k, k->command[command], BM_C_END);
}

void
kit_order_body(struct kit *k, struct bm_buf *body, const char *name, const char *lot, uint64_t quantity)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };
    const char *profiles[] = { fixture_profile("gateway-1") };
    char lots[1][BM_MAX_NAME + 1];
    struct bm_order order = {
        .lots = lots, .nlots = 1, .nprofiles = 1, .quantity = quantity, .limits = { { 3, 3, 3 } }, .until = BM_TIME_NEVER
    };

    (void)snprintf(order.order, sizeof(order.order), "%s", name);
    (void)snprintf(lots[0], sizeof(lots[0]), "%s", lot);
    (void)snprintf(order.profiles[0].name, sizeof(order.profiles[0].name), "gateway-1");
    bm_sha256(order.profiles[0].digest, bm_bytes_str(profiles[0]));
    fixture_order_note(&k->site, &note, &(struct fixture_statement){ .by = PETRA_PLANNER }, &order);
    fixture_statement_body(body, &note, profiles, 1);
}

void
kit_order_open(struct kit *k, int command, const char *name, const char *lot, uint64_t quantity)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY };
    const struct bm_event event = { .kind = BM_EVENT_ORDER_OPENED,
                                    .order = bm_bytes_str(name),
                                    .statement = bm_bytes_str("00000000000000000000000000000000000000000000000000000000000000bb") };
    struct bm_s_leaf leaf;

    kit_order_body(k, &body, name, lot, quantity);
    kit_say(k, k->command[command], BM_C_STATEMENT, 4, bm_buf_bytes(&body));
    leaf = kit_leaf(k, &event);
    bm_buf_add_bytes(&k->leaf[leaf.index].attachment, bm_buf_bytes(&body));
    kit_answer(k, kit_want(k, k->signer, BM_S_STATEMENT).id, &leaf);
    (void)kit_want(k, k->command[command], BM_C_ROW);
    (void)kit_want(k, k->command[command], BM_C_END);
}

struct bm_c_refused
kit_command_refused(struct kit *k, int command)
{
    struct bm_message message = kit_want(k, k->command[command], BM_C_REFUSED);
    struct bm_c_refused refused = { .rc = 0 };

    fixture_must(bm_c_refused_parse(&refused, bm_rd(message.body), &fail));
    return refused;
}

void
kit_list(struct kit *k, int command, const char *what, const char *filter, struct bm_buf *text)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY };
    struct bm_message message;

    bm_buf_add_lv16(&body, bm_bytes_str(what));
    bm_buf_add_lv16(&body, bm_bytes_str(filter));
    kit_say(k, k->command[command], BM_C_LIST, 9, bm_buf_bytes(&body));
    bm_buf_reset(text);
    while ((message = kit_hear(k, k->command[command])).type == BM_C_ROW) {
        bm_buf_add(text, message.body.p + 4, message.body.n - 4);
        bm_buf_add_u8(text, '\n');
    }
    assert_int_equal(message.type, BM_C_END);
    bm_buf_add_u8(text, 0);
    assert_false(text->bad);
}

void
kit_assert_says(struct bm_bytes sentence, const char *words)
{
    char text[600];

    (void)snprintf(text, sizeof(text), "%.*s", (int)sentence.n, (const char *)sentence.p);
    if (strstr(text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", text, words);
}
