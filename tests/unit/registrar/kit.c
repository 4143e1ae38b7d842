/* kit.c - see kit.h. */
#include "base/base.h"
#include "kit.h"

#include "base/file.h"
#include "evidence/bundle.h"
#include "pki/tbs.h"
#include "proc/clock.h"
#include "custody/index.h"
#include "proc/home.h"
#include "proc/places.h"
#include "wire/text.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE 20000

/* ---- the process ---- */

int
kit_open(void **state)
{
    struct kit *k = calloc(1, sizeof(*k));
    const uint8_t seed[BM_NOTE_KEY] = { 7 };
    char path[BM_PATH];

    assert_non_null(k);
    assert_non_null(k->packet = malloc(BM_MAX_MESSAGE));
    k->signer = k->gate = k->command[0] = k->command[1] = k->ready = k->said = -1;
    fixture_make(&k->site);
    fixture_must(bm_path_join(path, k->site.home, "store", &fail));
    fixture_must(bm_dir_make(path, 0700, &fail));
    fixture_must(bm_path_join(path, k->site.home, "lots", &fail));
    fixture_must(bm_dir_make(path, 0755, &fail));
    fixture_lot_make(&k->site, &k->lot, "LOT-1", 3);
    fixture_must(bm_note_signer_init(&k->ledger, "birthmark/played", seed, &fail));
    assert_true((k->clock_fd = memfd_create("clock", MFD_CLOEXEC)) >= 0);
    assert_int_equal(ftruncate(k->clock_fd, sizeof(*k->page)), 0);
    k->page = mmap(NULL, sizeof(*k->page), PROT_READ | PROT_WRITE, MAP_SHARED, k->clock_fd, 0);
    assert_true(k->page != MAP_FAILED);
    k->page->now = KIT_NOW;
    (void)kit_leaf(k, &(struct bm_event){ .kind = BM_EVENT_SITE_FOUNDED, .time = KIT_NOW });
    *state = k;
    return 0;
}

static void
fds_close(struct kit *k)
{
    int *const all[] = { &k->signer, &k->gate, &k->command[0], &k->command[1], &k->ready, &k->said };

    for (size_t i = 0; i < BM_COUNT(all); i++)
        bm_fd_done(all[i]);
    k->signer = k->gate = k->command[0] = k->command[1] = k->ready = k->said = -1;
}

void
kit_stop(struct kit *k)
{
    if (k->registrar.pid > 0) {
        (void)kill(k->registrar.pid, SIGKILL);
        (void)waitpid(k->registrar.pid, NULL, 0);
        (void)close(k->registrar.pidfd);
        k->registrar.pid = 0;
    }
    fds_close(k);
}

int
kit_close(void **state)
{
    struct kit *k = *state;
    char path[BM_PATH];

    kit_stop(k);
    (void)close(k->clock_fd);
    fixture_must(bm_path_join(path, k->site.home, BM_CONTROL_NAME, &fail));
    fixture_lot_done(&k->lot);
    fixture_remove(&k->site);
    for (size_t i = 0; i < BM_COUNT(k->leaf); i++) {
        bm_buf_done(&k->leaf[i].text);
        bm_buf_done(&k->leaf[i].certificate);
        bm_buf_done(&k->leaf[i].evidence);
        bm_buf_done(&k->leaf[i].attachment);
    }
    free(k->packet);
    free(k);
    return 0;
}

void
kit_store_put_away(struct kit *k, const char *name)
{
    char command[400];

    kit_stop(k);
    (void)snprintf(command, sizeof(command), "mkdir %s/%s && mv %s/store/* %s/%s/", k->site.home, name, k->site.home, k->site.home, name);
    assert_int_equal(system(command), 0);
}

void
kit_spawn(struct kit *k)
{
    const char *args[] = { "--home", k->site.home, "--gates", "1", NULL };
    int signer[2], gate[2], ready[2], control;

    fixture_must(bm_channel_pair(signer, &fail));
    fixture_must(bm_channel_pair(gate, &fail));
    fixture_must(bm_home_listen(&control, k->site.home, &fail));
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    assert_true((k->said = memfd_create("said", MFD_CLOEXEC)) >= 0);
    struct bm_spawn_fd fds[] = { { signer[1], BM_FD_REGISTRAR_SIGNER },
                                 { control, BM_FD_REGISTRAR_CONTROL },
                                 { gate[1], BM_FD_REGISTRAR_GATES },
                                 { ready[1], BM_FD_READY },
                                 { k->clock_fd, CLOCK_FD } };
    struct bm_spawn what = { .program = CLOCKED_PROGRAM, .args = args, .fds = fds, .nfds = BM_COUNT(fds), .errors = k->said };

    fixture_must(bm_spawn(&k->registrar, &what, &fail));
    (void)close(signer[1]);
    (void)close(gate[1]);
    (void)close(control);
    (void)close(ready[1]);
    k->signer = signer[0];
    k->gate = gate[0];
    k->ready = ready[0];
}

static void
said_print(struct kit *k)
{
    char text[600];
    ssize_t n = pread(k->said, text, sizeof(text) - 1, 0);

    if (n > 0)
        (void)fprintf(stderr, "%.*s", (int)n, text);
}

void
kit_ready(struct kit *k)
{
    struct pollfd p = { .fd = k->ready, .events = POLLIN };
    char byte = 0;

    if (poll(&p, 1, PATIENCE) != 1 || read(k->ready, &byte, 1) != 1 || byte != 'R') {
        said_print(k);
        fail_msg("the registrar does not get ready");
    }
    kit_connect(k, 0);
}

uint64_t
kit_hello(struct kit *k)
{
    struct bm_rd rd = bm_rd(kit_want(k, k->signer, BM_S_HELLO).body);

    return bm_rd_u64(&rd);
}

void
kit_hello_answer(struct kit *k)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY }, note = { .max = BM_MAX_NOTE };
    struct bm_s_site site = { .ledger_size = k->book.size, .next_seq = 2, .signed_total = 5, .signed_again = 1 };

    site.vkey = bm_bytes_str("birthmark/played+00000000+AAAA");
    site.checkpoint = kit_checkpoint(k, &note);
    site.confinement = bm_bytes_str("played");
    bm_s_site_build(&body, &site);
    kit_say(k, k->signer, BM_S_ANSWER, 0, bm_buf_bytes(&body));
}

static void
replay(struct kit *k)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY }, note = { .max = BM_MAX_NOTE };
    struct bm_rd rd = bm_rd(kit_want(k, k->signer, BM_S_REPLAY).body);
    struct bm_s_leaves leaves = { .n = 1, .checkpoint = kit_checkpoint(k, &note) };

    for (uint64_t i = bm_rd_u64(&rd); i < k->book.size; i++) {
        const struct kit_leaf *leaf = &k->leaf[i];

        leaves.leaf[0] = (struct bm_s_leaf){ .index = i,
                                             .event = bm_buf_bytes(&leaf->text),
                                             .certificate = bm_buf_bytes(&leaf->certificate),
                                             .evidence = bm_buf_bytes(&leaf->evidence),
                                             .attachment = bm_buf_bytes(&leaf->attachment) };
        memcpy(leaves.leaf[0].salt, leaf->salt, BM_SALT);
        bm_buf_reset(&body);
        bm_s_leaves_build(&body, &leaves);
        kit_say(k, k->signer, BM_S_ANSWER, 0, bm_buf_bytes(&body));
    }
    leaves.n = 0;
    bm_buf_reset(&body);
    bm_s_leaves_build(&body, &leaves);
    kit_say(k, k->signer, BM_S_ANSWER, 0, bm_buf_bytes(&body));
}

void
kit_start(struct kit *k)
{
    uint64_t size;

    kit_spawn(k);
    size = kit_hello(k);
    kit_hello_answer(k);
    if (size < k->book.size)
        replay(k);
    kit_ready(k);
}

int
kit_ended(struct kit *k, char *ret_said, size_t n)
{
    struct pollfd p = { .fd = k->registrar.pidfd, .events = POLLIN };
    ssize_t got;
    int status;

    if (poll(&p, 1, PATIENCE) != 1)
        fail_msg("the registrar goes on");
    assert_int_equal(waitpid(k->registrar.pid, &status, 0), k->registrar.pid);
    (void)close(k->registrar.pidfd);
    k->registrar.pid = 0;
    got = pread(k->said, ret_said, n - 1, 0);
    ret_said[got < 0 ? 0 : got] = 0;
    fds_close(k);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

void
kit_connect(struct kit *k, int command)
{
    fixture_must(bm_home_connect(&k->command[command], k->site.home, &fail));
    assert_true(k->command[command] >= 0);
}

void
kit_hang_up(struct kit *k, int command)
{
    bm_fd_done(&k->command[command]);
    k->command[command] = -1;
}

/* ---- messages ---- */

void
kit_say(struct kit *k, int fd, uint16_t type, uint64_t id, struct bm_bytes body)
{
    (void)k;
    fixture_must(bm_channel_send(fd, &(struct bm_message){ .type = type, .id = id, .body = body }, &fail));
}

struct bm_message
kit_hear(struct kit *k, int fd)
{
    struct bm_message message = { .type = 0 };
    enum bm_heard heard = BM_HEARD_NOTHING;

    fixture_must(bm_channel_recv(&heard, &message, fd, k->packet, BM_MAX_MESSAGE, PATIENCE, &fail));
    if (heard != BM_HEARD_MESSAGE) {
        said_print(k);
        fail_msg("%s", heard == BM_HEARD_END ? "the registrar hung up" : "the registrar says nothing");
    }
    return message;
}

struct bm_message
kit_want(struct kit *k, int fd, uint16_t type)
{
    struct bm_message message = kit_hear(k, fd);

    if (message.type != type)
        fail_msg("message %u came where %u was due: %.*s", message.type, type, (int)(message.body.n < 300 ? message.body.n : 300),
                 (const char *)message.body.p);
    return message;
}

bool
kit_silent(struct kit *k, int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    (void)k;
    return poll(&p, 1, 200) == 0;
}

bool
kit_gone(struct kit *k, int fd)
{
    int64_t until = bm_clock_ms() + 10000;
    struct bm_message message;
    enum bm_heard heard = BM_HEARD_NOTHING;

    while (heard != BM_HEARD_END && bm_clock_left(until) > 0)
        fixture_must(bm_channel_recv(&heard, &message, fd, k->packet, BM_MAX_MESSAGE, bm_clock_left(until), &fail));
    return heard == BM_HEARD_END;
}

/* ---- the signer ---- */

struct bm_s_leaf
kit_leaf(struct kit *k, const struct bm_event *event)
{
    struct bm_s_leaf leaf = { .index = k->book.size };
    struct kit_leaf *kept = &k->leaf[leaf.index];
    struct bm_buf *text = &kept->text;
    uint8_t entry[BM_ENTRY], hash[BM_HASH];
    struct bm_event dated = *event;

    assert_true(leaf.index < BM_COUNT(k->leaf));
    if (dated.time == 0)
        dated.time = k->page->now;
    text->max = kept->certificate.max = kept->evidence.max = kept->attachment.max = BM_MAX_MESSAGE;
    bm_buf_reset(text);
    bm_event_build(text, &dated);
    assert_false(text->bad);
    memset(kept->salt, (int)leaf.index + 1, BM_SALT);
    memcpy(leaf.salt, kept->salt, BM_SALT);
    leaf.event = bm_buf_bytes(text);
    bm_entry_build(entry, event->kind, leaf.salt, leaf.event);
    bm_tree_leaf(hash, bm_bytes(entry, sizeof(entry)));
    bm_frontier_append(&k->book, hash);
    return leaf;
}

struct bm_bytes
kit_checkpoint(const struct kit *k, struct bm_buf *note)
{
    struct bm_checkpoint checkpoint = { .size = k->book.size };

    (void)snprintf(checkpoint.origin, sizeof(checkpoint.origin), "birthmark/played");
    bm_frontier_root(&k->book, checkpoint.root);
    fixture_must(bm_checkpoint_sign(note, &checkpoint, &k->ledger, &fail));
    return bm_buf_bytes(note);
}

static struct bm_s_leaves
leaves_of(struct kit *k, const struct bm_s_leaf *leaf, struct bm_buf *note)
{
    struct bm_s_leaves leaves = { .n = leaf != NULL };

    if (leaf != NULL) {
        leaves.leaf[0] = *leaf;
        leaves.checkpoint = kit_checkpoint(k, note);
    }
    return leaves;
}

void
kit_answer(struct kit *k, uint64_t id, const struct bm_s_leaf *leaf)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY }, note = { .max = BM_MAX_NOTE };
    struct bm_s_leaves leaves = leaves_of(k, leaf, &note);

    bm_s_leaves_build(&body, &leaves);
    kit_say(k, k->signer, BM_S_ANSWER, id, bm_buf_bytes(&body));
}

void
kit_answer_empty(struct kit *k, uint64_t id)
{
    kit_say(k, k->signer, BM_S_ANSWER, id, bm_bytes(NULL, 0));
}

void
kit_refuse(struct kit *k, uint64_t id, enum bm_rc class, const char *sentence, const struct bm_s_leaf *leaf)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY }, note = { .max = BM_MAX_NOTE };
    struct bm_s_refused refused = { .rc = (uint8_t) class, .sentence = bm_bytes_str(sentence), .leaves = leaves_of(k, leaf, &note) };

    bm_s_refused_build(&body, &refused);
    kit_say(k, k->signer, BM_S_REFUSED, id, bm_buf_bytes(&body));
}

/* Signed by nobody: the registrar takes its signer's word. */
static void
certificate_make(struct kit *k, struct kit_issue *issue, struct bm_bytes serial)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_CERT };
    struct bm_subject subject = { .device = KIT_DEVICE, .organization = "Fixture Factory" };
    struct bm_issuer issuer = { .alg = BM_SIG_ECDSA_SHA256, .not_after = BM_TIME_NEVER };
    const uint8_t signature[] = { 0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01 };
    struct bm_profile profile;
    struct bm_cert ca;

    fixture_must(bm_private_generate(&key, BM_KEY_P256, &fail));
    fixture_must(bm_profile_parse(&profile, bm_bytes_str(fixture_profile("gateway-1")), &fail));
    profile.hardware_module = false;
    fixture_must(bm_cert_parse(&ca, bm_buf_bytes(&k->site.ca[BM_CA_OPERATIONAL]), &fail));
    issuer.subject = ca.subject;
    fixture_must(
        bm_tbs_build(&tbs, &profile, &issuer, &subject, bm_key_spki(bm_private_public(key)), serial, KIT_NOW, KIT_NOW + 86400, &fail));
    issue->certificate.max = BM_MAX_CERT;
    bm_signed_build(&issue->certificate, bm_buf_bytes(&tbs), issuer.alg, bm_bytes(signature, sizeof(signature)));
    memcpy(issue->key, bm_private_public(key)->hash, BM_HASH);
}

struct bm_s_leaf
kit_issue_leaf(struct kit *k, struct kit_issue *issue)
{
    uint8_t serial[BM_MAX_SERIAL] = { 0x40 }, hash[BM_HASH];
    char chip[2 * BM_HASH + 1], certificate[2 * BM_HASH + 1];
    struct bm_event event = { .kind = issue->replaces == NULL ? BM_EVENT_IDENTITY_ISSUED : BM_EVENT_IDENTITY_REPLACED,
                              .device = bm_bytes_str(KIT_DEVICE),
                              .lot = bm_bytes_str("LOT-1"),
                              .order = bm_bytes_str("order-1"),
                              .profile = bm_bytes_str("gateway-1"),
                              .service = bm_bytes_str(issue->service != NULL ? issue->service : "mqtt"),
                              .evidence_class = bm_bytes_str("root-signed") };
    struct bm_s_leaf leaf;

    serial[19] = (uint8_t)++k->serials;
    bm_hex(issue->serial, bm_bytes(serial, sizeof(serial)));
    certificate_make(k, issue, bm_bytes(serial, sizeof(serial)));
    bm_sha256(hash, bm_buf_bytes(&issue->certificate));
    bm_hex(certificate, bm_bytes(hash, BM_HASH));
    bm_hex(chip, bm_bytes(bm_private_public(k->lot.chips[issue->chip].root)->hash, BM_HASH));
    event.chip = bm_bytes_str(chip);
    event.serial = bm_bytes_str(issue->serial);
    event.certificate = bm_bytes_str(certificate);
    if (issue->replaces != NULL)
        event.replaces = bm_bytes_str(issue->replaces);
    leaf = kit_leaf(k, &event);
    leaf.certificate = bm_buf_bytes(&issue->certificate);
    bm_buf_add_bytes(&k->leaf[leaf.index].certificate, leaf.certificate);
    return leaf;
}

static void
issued_say(struct kit *k, uint64_t id, bool repeat, const struct bm_s_leaf *leaf, const char *serial)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY }, note = { .max = BM_MAX_NOTE };
    struct bm_s_issued issued = {
        .repeat = repeat, .nserial = BM_MAX_SERIAL, .device = bm_bytes_str(KIT_DEVICE), .leaves = leaves_of(k, leaf, &note)
    };

    fixture_must(bm_hex_parse(issued.serial, BM_MAX_SERIAL, bm_bytes_str(serial), &fail));
    bm_s_issued_build(&body, &issued);
    kit_say(k, k->signer, BM_S_ISSUED, id, bm_buf_bytes(&body));
}

void
kit_issued(struct kit *k, uint64_t id, const struct bm_s_leaf *leaf, const char *serial)
{
    issued_say(k, id, false, leaf, serial);
}

void
kit_issued_repeat(struct kit *k, uint64_t id, const char *serial)
{
    issued_say(k, id, true, NULL, serial);
}

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
    struct bm_order order = { .lots = lots, .nlots = 1, .nprofiles = 1, .quantity = quantity, .until = BM_TIME_NEVER };

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
