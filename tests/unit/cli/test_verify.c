/* test_verify.c - `ledger verify` and `ledger prove` against servers that lie: what was changed, left out, put in or signed by another is found. */
#include "kit.h"

#include "cli/places.h"
#include "merkle/checkpoint.h"
#include "merkle/tree.h"
#include "proc/channel.h"
#include "proc/control_messages.h"
#include "proc/home.h"
#include "record/event.h"
#include "wire/text.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define LEAVES 300 /* more than one chunk */
#define ORIGIN "birthmark/test"

static struct bm_fail fail;

/* What the server does wrong. */
enum lie {
    HONEST,
    EVENT_CHANGED,
    SALT_CHANGED,
    LEAF_MISSING, /* one of the middle */
    TAIL_MISSING, /* fewer than the checkpoint covers */
    SWAPPED,
    OTHER_KEY, /* a checkpoint by another key under the same name */
    OTHER_ORIGIN,
    SMALLER_TREE, /* an old checkpoint: honest in itself */
    WRONG_PROOF,
    NOT_JSON,
};

struct server {
    enum lie lie;
    struct bm_tree tree;
    struct bm_note_signer key, other;
};

static void
event_text(struct bm_buf *text, uint64_t i)
{
    char count[24];
    struct bm_event event = { .kind = BM_EVENT_REFUSED_COUNTED, .time = 1800000000 + (bm_time)i, .reason = bm_bytes_str("drill") };

    (void)snprintf(count, sizeof(count), "%llu", (unsigned long long)i + 1);
    event.count = bm_bytes_str(count);
    bm_event_build(text, &event);
    assert_false(text->bad);
}

static void
salt_of(uint8_t salt[static BM_SALT], uint64_t i)
{
    memset(salt, (int)(i & 0xff), BM_SALT);
}

static void
server_init(struct server *s, enum lie lie)
{
    static const uint8_t seed[BM_NOTE_KEY] = { 1 }, other[BM_NOTE_KEY] = { 2 };

    *s = (struct server){ .lie = lie };
    assert_int_equal(bm_note_signer_init(&s->key, ORIGIN, seed, &fail), BM_OK);
    assert_int_equal(bm_note_signer_init(&s->other, ORIGIN, other, &fail), BM_OK);
    bm_tree_init(&s->tree, LEAVES);
    for (uint64_t i = 0; i < LEAVES; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_EVENT };
        uint8_t salt[BM_SALT], entry[BM_ENTRY], hash[BM_HASH];

        event_text(&text, i);
        salt_of(salt, i);
        bm_entry_build(entry, BM_EVENT_REFUSED_COUNTED, salt, bm_buf_bytes(&text));
        bm_tree_leaf(hash, bm_bytes(entry, sizeof(entry)));
        assert_int_equal(bm_tree_append(&s->tree, hash, &fail), BM_OK);
    }
}

static void
checkpoint_add(struct bm_buf *note, struct server *s)
{
    struct bm_tree_source source = bm_tree_source(&s->tree);
    struct bm_checkpoint head = { .size = s->lie == SMALLER_TREE ? 256 : LEAVES };

    (void)snprintf(head.origin, sizeof(head.origin), "%s", s->lie == OTHER_ORIGIN ? "birthmark/elsewhere" : ORIGIN);
    assert_int_equal(bm_root_make(head.root, &source, head.size, &fail), BM_OK);
    assert_int_equal(bm_checkpoint_sign(note, &head, s->lie == OTHER_KEY ? &s->other : &s->key, &fail), BM_OK);
}

/* The command may have gone away with what it had found. */
static void
send_or_end(int fd, uint16_t type, uint64_t id, const struct bm_buf *body)
{
    if (body->bad || bm_channel_send(fd, &(struct bm_message){ .type = type, .id = id, .body = bm_buf_bytes(body) }, &fail) != BM_OK)
        _exit(0);
}

static void
row_send(struct server *s, int fd, uint64_t id, uint64_t i)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_EVENT }, json = { .max = 8192 }, body = { .max = 8192 };
    uint64_t told = s->lie == SWAPPED && (i == 7 || i == 8) ? 15 - i : i;
    uint8_t salt[BM_SALT];
    char hex[2 * BM_SALT + 1];

    if (s->lie == LEAF_MISSING && i == 40)
        return;
    event_text(&text, s->lie == EVENT_CHANGED && i == 270 ? 9 : told);
    salt_of(salt, s->lie == SALT_CHANGED && i == 0 ? 77 : told);
    bm_hex(hex, bm_bytes(salt, BM_SALT));
    bm_buf_add_fmt(&json, "{\"index\":%llu,\"salt\":\"%s\",\"event\":\"", (unsigned long long)i, hex);
    for (size_t at = 0; at < text.n; at++)
        bm_buf_add(&json, text.p[at] == '\n' ? "\\n" : (const char *)&text.p[at], text.p[at] == '\n' ? 2 : 1);
    bm_buf_add_str(&json, s->lie == NOT_JSON ? "\"" : "\"}");
    bm_buf_add_lv32(&body, bm_buf_bytes(&json));
    send_or_end(fd, BM_C_ROW, id, &body);
}

static void
answer(struct server *s, int fd, const struct bm_message *asked)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, end = { .max = BM_MAX_NOTE };
    struct bm_tree_source source = bm_tree_source(&s->tree);
    struct bm_rd rd = bm_rd(asked->body);
    uint64_t first = bm_rd_u64(&rd), last = s->lie == TAIL_MISSING ? LEAVES - 20 : LEAVES;

    if (asked->type == BM_C_LIST) { /* no orders */
        send_or_end(fd, BM_C_END, asked->id, &end);
        return;
    }
    if (asked->type == BM_C_LEDGER) {
        uint64_t most = bm_rd_u32(&rd);

        for (uint64_t i = first; i < last && i - first < most; i++)
            row_send(s, fd, asked->id, i);
    } else {
        struct bm_proof proof;

        assert_int_equal(asked->type, BM_C_PROVE);
        row_send(s, fd, asked->id, first);
        assert_int_equal(bm_inclusion_make(&proof, &source, s->lie == WRONG_PROOF ? first + 1 : first, LEAVES, &fail), BM_OK);
        bm_proof_build(&end, &proof);
    }
    checkpoint_add(&note, s);
    bm_buf_add_lv16(&end, bm_buf_bytes(&note));
    send_or_end(fd, BM_C_END, asked->id, &end);
}

/* In a child, until its parent ends it. */
static void
serve(const char *home, enum lie lie, int ready)
{
    static uint8_t packet[BM_MAX_MESSAGE];
    static struct server s;
    int lock, holder, listening;

    server_init(&s, lie);
    if (bm_home_lock(&lock, &holder, home, 0, &fail) != BM_OK || lock < 0 || bm_home_listen(&listening, home, &fail) != BM_OK ||
        write(ready, "R", 1) != 1)
        _exit(1);
    for (;;) {
        struct pollfd p = { .fd = listening, .events = POLLIN };
        int fd = poll(&p, 1, -1) == 1 ? accept(listening, NULL, NULL) : -1;
        enum bm_heard heard = BM_HEARD_END;
        struct bm_message asked;

        if (fd < 0 || bm_channel_init(fd, &fail) != BM_OK)
            _exit(1);
        while (bm_channel_recv(&heard, &asked, fd, packet, sizeof(packet), -1, &fail) == BM_OK && heard == BM_HEARD_MESSAGE)
            answer(&s, fd, &asked);
        (void)close(fd);
    }
}

static void
file_put(const char *home, const char *name, struct bm_bytes bytes)
{
    char path[BM_PATH];

    assert_int_equal(bm_path_join(path, home, name, &fail), BM_OK);
    assert_int_equal(bm_file_write(path, bytes, 0600, &fail), BM_OK);
}

static void
home_make(char *home)
{
    static const uint8_t root[BM_HASH] = { 0 };
    static struct server s;
    bm_cleanup(bm_buf_done) struct bm_buf trust = { .max = 4096 };

    assert_non_null(mkdtemp(home));
    server_init(&s, HONEST);
    bm_trust_build(&trust, &s.key.key, (const uint8_t(*)[BM_HASH]) & root, 1, false);
    file_put(home, "trust.txt", bm_buf_bytes(&trust));
    file_put(home, "site.conf", bm_bytes_str("not read by these verbs\n"));
    bm_tree_done(&s.tree);
}

static void
home_remove(const char *home)
{
    static const char *const names[] = { "trust.txt", "site.conf", "lock", "control" };
    char path[BM_PATH];

    for (size_t i = 0; i < BM_COUNT(names); i++) {
        assert_int_equal(bm_path_join(path, home, names[i], &fail), BM_OK);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(home), 0);
}

/* One call of `birthmark ledger WORD WORD2` with a server of that kind. */
static int
call(enum lie lie, const char *word, const char *word2, struct kit_said *said)
{
    char home[] = "/tmp/birthmark-verify-XXXXXX", byte;
    int ready[2], status;
    pid_t child;

    home_make(home);
    assert_int_equal(pipe(ready), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        serve(home, lie, ready[1]);
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    status = word2 == NULL ? kit_run(said, bm_verbs, "ledger", word, "--home", home, NULL)
                           : kit_run(said, bm_verbs, "ledger", word, word2, "--home", home, NULL);
    (void)kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    home_remove(home);
    return status;
}

static void
test_whole(void **state)
{
    static struct kit_said said;

    (void)state;
    assert_int_equal(call(HONEST, "verify", NULL, &said), 0);
    assert_memory_equal(said.out, "ledger: 300 leaves, tree head ", 30);
    assert_non_null(strstr(said.out, ", signed by " ORIGIN "...: whole\n"));
    assert_string_equal(said.err, "");
    assert_int_equal(call(SMALLER_TREE, "verify", NULL, &said), 0); /* the leaves after it are not part of what was signed */
    assert_memory_equal(said.out, "ledger: 256 leaves, ", 20);
    assert_int_equal(call(HONEST, "verify", "--json", &said), 0);
    assert_memory_equal(said.out, "{\"ledger\":\"whole\",\"size\":300,", 29);
}

static void
test_every_lie_is_found(void **state)
{
    static const struct {
        enum lie lie;
        const char *sentence;
    } cases[] = { { EVENT_CHANGED, "somebody changed the ledger" },
                  { SALT_CHANGED, "somebody changed the ledger" },
                  { SWAPPED, "somebody changed the ledger" },
                  { LEAF_MISSING, "leaf 41 comes where leaf 40 belongs" },
                  { TAIL_MISSING, "leaves are missing" },
                  { OTHER_KEY, "checkpoint" },
                  { OTHER_ORIGIN, "checkpoint" },
                  { NOT_JSON, "" } };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        static struct kit_said said;

        assert_int_equal(call(cases[i].lie, "verify", NULL, &said), 1);
        assert_string_equal(said.out, "");
        assert_memory_equal(said.err, "refused: ", 9);
        kit_one_line(said.err);
        if (strstr(said.err, cases[i].sentence) == NULL)
            fail_msg("lie %d: %s", (int)cases[i].lie, said.err);
    }
}

static void
test_a_proof_is_checked_before_it_is_printed(void **state)
{
    static const enum lie lies[] = { WRONG_PROOF, OTHER_KEY, OTHER_ORIGIN, SMALLER_TREE };
    static struct kit_said said;

    (void)state;
    assert_int_equal(call(HONEST, "prove", "270", &said), 0);
    assert_memory_equal(said.out, "index       270\nsize        300\n", 32);
    for (size_t i = 0; i < BM_COUNT(lies); i++) {
        assert_int_equal(call(lies[i], "prove", "270", &said), 1);
        assert_string_equal(said.out, "");
        kit_one_line(said.err);
    }
    assert_int_equal(call(EVENT_CHANGED, "prove", "270", &said), 1);
    assert_int_equal(call(HONEST, "prove", "x", &said), 2);
    assert_int_equal(call(HONEST, "checkpoint", NULL, &said), 0);
    assert_memory_equal(said.out, ORIGIN "\n300\n", sizeof(ORIGIN) + 4);
    assert_int_equal(call(OTHER_KEY, "checkpoint", NULL, &said), 1);
    assert_string_equal(said.out, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_every_lie_is_found),
        cmocka_unit_test(test_a_proof_is_checked_before_it_is_printed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
