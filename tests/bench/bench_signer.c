/*
 * bench_signer.c - the signer with 1,000 lots of 100,000 chips pinned: its memory and its start, beside SHA-256 over the same journal; a lot received and nonces
 * asked for meanwhile; then with slots in use. The journal is made of the signer's own records, around statements that are signed; the names of chips that
 * nobody has are drawn. BM_BENCH_LOTS, BM_BENCH_CHIPS, BM_BENCH_USED: others.
 */
#include "base/base.h"
#include "load.h"
#include "site_fixture.h"

#include "base/file.h"
#include "digest/digest.h"
#include "proc/places.h"
#include "signer/listed.h"
#include "signer/records.h"
#include "wire/text.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MEMORY_MIB 128.0
#define START_SECONDS 5.0
#define RUN (512u << 10) /* of tags in a record, as the signer writes them */
#define NEW_CHIPS 1000   /* of the lot that comes in at the end */

static size_t lots, chips, used;

static void
random_fill(void *p, size_t n)
{
    static uint64_t state = 88172645463325252ull;
    uint8_t *to = p;

    for (size_t i = 0; i < n; i += 8) { /* xorshift64: names of chips that nobody has need not be secret */
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        memcpy(to + i, &state, n - i < 8 ? n - i : 8);
    }
}

/* ---- the journal ---- */

struct writer {
    struct fixture *f;
    struct bm_journal journal;
    struct bm_buf body;
    uint8_t *tags;
};

static enum bm_rc
ignore(void *ctx, const struct bm_record *record, struct bm_fail *fail)
{
    (void)ctx;
    (void)record;
    (void)fail;
    return BM_OK;
}

static uint64_t
record_add(struct writer *w, enum bm_record_type type)
{
    uint64_t at = 0;

    fixture_must(bm_buf_check(&w->body, "a record", &fail));
    fixture_must(bm_journal_add(&w->journal, (uint8_t)type, bm_buf_bytes(&w->body), &at, &fail));
    bm_buf_reset(&w->body);
    return at;
}

static void
plain_add(struct writer *w, enum bm_record_type type, const struct bm_event *event, struct bm_bytes rest)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_EVENT };
    struct bm_plain plain = { .rest = rest };

    if (event != NULL) {
        bm_event_build(&text, event);
        plain.leaves.n = 1;
        plain.leaves.leaf[0] = (struct bm_record_leaf){ .kind = event->kind, .event = bm_buf_bytes(&text) };
        random_fill(plain.leaves.leaf[0].salt, BM_SALT);
    }
    bm_plain_build(&w->body, &plain);
    (void)record_add(w, type);
}

static void
digest_print(char ret_text[static 2 * BM_HASH + 1], struct bm_bytes bytes)
{
    uint8_t hash[BM_HASH];

    bm_sha256(hash, bytes);
    bm_hex(ret_text, bm_bytes(hash, BM_HASH));
}

static void
lot_add(struct writer *w, size_t number)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, begin = { .max = BM_MAX_MESSAGE_BODY };
    const struct fixture_statement carl = { .by = CARL_CUSTODIAN };
    struct fixture_lot lot = { .kind = BM_LEAF_KEYS, .n = chips };
    struct bm_event event = { .kind = BM_EVENT_LOT_PINNED, .by = bm_bytes_str("carl"), .count = bm_bytes_str("1") };
    char digest[2 * BM_HASH + 1];
    size_t n = chips * BM_TAG;

    (void)snprintf(lot.name, sizeof(lot.name), "LOT-%04zu", number);
    event.lot = bm_bytes_str(lot.name);
    fixture_must(bm_env_system.now(bm_env_system.ctx, &event.time, &fail));
    random_fill(lot.root, BM_HASH);
    random_fill(w->tags, n);
    fixture_pin_note(w->f, &note, &carl, &lot);
    digest_print(digest, bm_buf_bytes(&note));
    event.statement = bm_bytes_str(digest);
    bm_buf_add_lv32(&begin, bm_buf_bytes(&note));
    bm_buf_add_lv32(&begin, bm_bytes(NULL, 0));
    plain_add(w, BM_R_LOT, NULL, bm_bytes(NULL, 0));
    for (size_t at = 0; at < n; at += RUN)
        plain_add(w, BM_R_LOT_KEYS, NULL, bm_bytes(w->tags + at, n - at < RUN ? n - at : RUN));
    plain_add(w, BM_R_LOT_END, &event, bm_buf_bytes(&begin));
    fixture_must(bm_journal_write(&w->journal, &fail));
    w->f->seq++;
}

static int
journal_fd(const struct fixture *f)
{
    char path[BM_PATH];
    int fd;

    fixture_must(bm_path_join(path, f->home, BM_PLACE_JOURNAL, &fail));
    if ((fd = open(path, O_RDWR | O_CLOEXEC)) < 0)
        bench_die("bench_signer: the journal can't be opened");
    return fd;
}

static void
writer_open(struct writer *w, struct fixture *f)
{
    *w = (struct writer){ .f = f, .body = { .max = BM_MAX_RECORD }, .tags = malloc(chips * BM_TAG + 8) };
    if (w->tags == NULL)
        bench_die("bench_signer: no memory");
    fixture_must(bm_journal_open(&w->journal, journal_fd(f), ignore, NULL, &fail));
}

static void
writer_close(struct writer *w)
{
    fixture_must(bm_journal_sync(&w->journal, &fail));
    (void)close(w->journal.fd);
    bm_journal_close(&w->journal);
    bm_buf_done(&w->body);
    free(w->tags);
}

/* ---- slots in use ---- */

/* A leaf, a bundle around it, an intent and its done record, as the signer would write them; of keys and signatures only the shape is right. */
static void
use_add(struct writer *w, struct bm_buf *bundle, size_t key_at, struct bm_intent *intent)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_EVENT };
    uint8_t signature[72], serial[BM_MAX_SERIAL];
    char chip[2 * BM_HASH + 1], number[2 * BM_MAX_SERIAL + 1];
    struct bm_event event = { .kind = BM_EVENT_IDENTITY_ISSUED,
                              .time = intent->time,
                              .device = bm_bytes_str("0123456789abcdef0123"),
                              .evidence_class = bm_bytes_str("software"),
                              .lot = intent->lot,
                              .order = intent->order,
                              .profile = intent->profile,
                              .service = intent->service };
    struct bm_done done = { .alg = BM_SIG_ECDSA_SHA256, .signature = bm_bytes(signature, sizeof(signature)) };

    random_fill(bundle->p + key_at, 64); /* the point's two coordinates */
    bm_sha256(intent->chip, bm_bytes(bundle->p + key_at - 27, 91));
    random_fill(intent->key, BM_HASH);
    random_fill(serial, sizeof(serial));
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
    random_fill(signature, sizeof(signature));
    intent->serial = bm_bytes(serial, sizeof(serial));
    intent->bundle = bm_buf_bytes(bundle);
    bm_intent_build(&w->body, intent);
    done.intent = record_add(w, BM_R_INTENT);
    bm_hex(chip, bm_bytes(intent->chip, BM_HASH));
    bm_hex(number, intent->serial);
    event.chip = bm_bytes_str(chip);
    event.serial = bm_bytes_str(number);
    event.certificate = bm_bytes_str(chip); /* some hash */
    bm_event_build(&text, &event);
    done.leaves.n = 1;
    done.leaves.leaf[0] = (struct bm_record_leaf){ .kind = event.kind, .event = bm_buf_bytes(&text) };
    random_fill(done.leaves.leaf[0].salt, BM_SALT);
    bm_done_build(&w->body, &done);
    (void)record_add(w, BM_R_DONE);
}

static void
uses_add(struct fixture *f, const struct fixture_lot *lot)
{
    bm_cleanup(bm_buf_done) struct bm_buf bundle = { .max = BM_MAX_EVIDENCE };
    uint8_t tbs[420] = { 0x30 };
    struct bm_intent intent = { .decision = BM_DECISION_UNIT,
                                .ca = BM_CA_OPERATIONAL,
                                .evidence = BM_EV_SOFTWARE,
                                .lot = bm_bytes_str(lot->name),
                                .order = bm_bytes_str("order-1"),
                                .profile = bm_bytes_str("bench-1"),
                                .service = bm_bytes_str("bench"),
                                .tbs = bm_bytes(tbs, sizeof(tbs)) };
    struct bm_bytes spki = bm_key_spki(bm_private_public(lot->chips[0].root));
    struct bm_profile profile;
    struct writer w;
    uint8_t *key;

    fixture_must(bm_profile_parse(&profile, bm_bytes_str(fixture_profile("bench-1")), &fail));
    fixture_bundle(f, &bundle, &(struct fixture_request){ .lot = lot, .voice = &lot->chips[0], .order = "order-1", .profile = "bench-1" });
    if ((key = memmem(bundle.p, bundle.n, spki.p, spki.n)) == NULL || spki.n != 91)
        bench_die("bench_signer: a leaf without its key");
    fixture_must(bm_env_system.now(bm_env_system.ctx, &intent.time, &fail));
    intent.not_after = intent.time + 86400;
    fixture_stop(f);
    writer_open(&w, f);
    for (size_t i = 0; i < used; i++) {
        intent.bucket = (uint32_t)(i / profile.bucket) + 1; /* each list full before the next is opened */
        use_add(&w, &bundle, (size_t)(key - bundle.p) + 27, &intent);
        if (i % 256 == 0)
            fixture_must(bm_journal_write(&w.journal, &fail));
    }
    writer_close(&w);
}

/* ---- what is measured ---- */

/* MiB: what the signer had in memory at the most, and has now. */
static double
memory(pid_t pid, const char *word)
{
    char path[64], line[256];
    double kib = 0;
    FILE *status;

    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    if ((status = fopen(path, "r")) == NULL)
        bench_die("bench_signer: the signer has ended");
    while (fgets(line, sizeof(line), status) != NULL)
        if (strncmp(line, word, strlen(word)) == 0)
            kib = strtod(line + strlen(word) + 1, NULL);
    (void)fclose(status);
    return kib / 1024;
}

/* Seconds until the signer answers its greeting. */
static double
start(struct fixture *f)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 8 };
    struct fixture_answer answer;
    struct bm_s_site site = { .ledger_size = 0 };
    double from = bench_now(), took;

    fixture_spawn(f);
    bm_buf_add_u64(&body, f->ledger.size);
    fixture_ask(f, BM_S_HELLO, bm_buf_bytes(&body), false, &answer);
    took = bench_now() - from;
    if (answer.type != BM_S_ANSWER)
        fixture_unanswered(f, "hello", &answer);
    fixture_must(bm_s_site_parse(&site, bm_rd(bm_buf_bytes(&answer.body)), &fail));
    f->seq = site.next_seq;
    fixture_answer_done(&answer);
    return took;
}

/* Seconds to read the journal and hash it: what no start can do without. */
static double
bare(const struct fixture *f)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t *window = malloc(4u << 20), hash[BM_HASH];
    int fd = journal_fd(f);
    double from = bench_now();
    ssize_t got;

    if (window == NULL || ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
        bench_die("bench_signer: no memory");
    while ((got = read(fd, window, 4u << 20)) > 0)
        (void)EVP_DigestUpdate(ctx, window, (size_t)got);
    (void)EVP_DigestFinal_ex(ctx, hash, NULL);
    (void)close(fd);
    free(window);
    EVP_MD_CTX_free(ctx);
    return bench_now() - from;
}

static double
journal_size(const struct fixture *f)
{
    int fd = journal_fd(f);
    off_t size = lseek(fd, 0, SEEK_END);

    (void)close(fd);
    return (double)size;
}

static void
start_print(struct fixture *f, const char *tail)
{
    double took, hashing = bare(f);

    took = start(f);
    (void)printf("signer_start%s %.2f s ratio %.2f against %.0f\n", tail, took, took / START_SECONDS, START_SECONDS);
    (void)printf("signer_start%s_hashing %.2f s ratio %.2f against SHA-256 of the same %.0f MB\n", tail, took, took / hashing,
                 journal_size(f) / 1e6);
    (void)printf("signer_memory%s %.1f MiB ratio %.2f against %.0f\n", tail, memory(f->signer, "VmHWM:"),
                 memory(f->signer, "VmHWM:") / MEMORY_MIB, MEMORY_MIB);
}

/* One lot more, held against all of them; and what somebody waits meanwhile who asks for nonces. */
static void
receive_print(struct fixture *f, struct fixture_lot *lot)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, body = { .max = BM_MAX_MESSAGE_BODY };
    const struct fixture_statement carl = { .by = CARL_CUSTODIAN };
    uint8_t root[BM_HASH] = { 1 };
    struct fixture_answer answer;
    double from, asked, longest = 0;
    bool done = false;
    uint64_t id;

    fixture_pin_note(f, &note, &carl, lot);
    bm_buf_add_lv32(&body, bm_buf_bytes(&note));
    bm_buf_add_lv32(&body, bm_buf_bytes(&lot->head));
    fixture_ask(f, BM_S_LOT_BEGIN, bm_buf_bytes(&body), true, &answer);
    for (size_t i = 0; i < lot->n; i += 100) {
        bm_buf_reset(&body);
        bm_buf_add_u32(&body, 100);
        for (size_t k = 0; k < 100; k++)
            bm_buf_add_lv16(&body, bm_buf_bytes(&lot->chips[i + k].leaf));
        fixture_ask(f, BM_S_LOT_LEAVES, bm_buf_bytes(&body), true, &answer);
    }
    from = bench_now();
    id = fixture_send(f, BM_S_LOT_END, bm_bytes(NULL, 0));
    while (!done) {
        asked = bench_now();
        (void)fixture_send(f, BM_S_NONCE, bm_bytes(root, BM_HASH));
        fixture_recv(f, false, &answer);
        if (answer.id == id) {
            done = true;
            if (answer.type != BM_S_ANSWER)
                fixture_unanswered(f, "a lot's end", &answer);
            fixture_answer_done(&answer);
            fixture_recv(f, false, &answer);
        }
        longest = bench_now() - asked > longest ? bench_now() - asked : longest;
        fixture_answer_done(&answer);
    }
    (void)printf("signer_lot_compared %.2f s ratio %.2f against SHA-256 of the journal\n", bench_now() - from,
                 (bench_now() - from) / bare(f));
    (void)printf("signer_longest_wait %.1f ms while it was compared\n", longest * 1000);
    (void)printf("signer_memory_after %.1f MiB ratio %.2f against %.0f\n", memory(f->signer, "VmHWM:"),
                 memory(f->signer, "VmHWM:") / MEMORY_MIB, MEMORY_MIB);
}

int
main(void)
{
    struct fixture_lot lot;
    struct fixture f;
    struct writer w;
    double before;

    lots = bench_number("BM_BENCH_LOTS", 1000);
    chips = bench_number("BM_BENCH_CHIPS", 100000);
    used = bench_number("BM_BENCH_USED", 100000);
    fixture_make(&f);
    fixture_start(&f);
    (void)fixture_stop(&f);
    writer_open(&w, &f);
    for (size_t i = 0; i < lots; i++)
        lot_add(&w, i);
    writer_close(&w);
    start_print(&f, "");
    fixture_lot_make(&f, &lot, "NEW", NEW_CHIPS);
    receive_print(&f, &lot);
    (void)fixture_stop(&f);

    fixture_forget(&f);
    fixture_start(&f);
    fixture_order(&f, "order-1", &lot, used + 1);
    before = memory(f.signer, "VmRSS:");
    uses_add(&f, &lot);
    start_print(&f, "_used");
    (void)printf("signer_slot %.0f B of memory for each of %zu identities\n",
                 (memory(f.signer, "VmRSS:") - before) * 1048576 / (double)used, used);
    (void)fixture_stop(&f);
    fixture_lot_done(&lot);
    fixture_remove(&f);
    return 0;
}
