/*
 * bench_custody.c - a lot of 10 thousand, 100 thousand and a million chips received: read from a mapped file, every key checked, indexed; beside the bare
 * hashing, parsing, on-curve checks (EC_POINT), sorting and writing that it cannot do without. Then proofs from the index, opened afresh.
 */
#include "base/file.h"
#include "base/map.h"
#include "custody/index.h"
#include "lot/leaf_skim.h"
#include "lot/lot.h"
#include "wire/text.h"

#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIGNER "example-silicon.example/lots"
#define PROOFS 2000
#define POINT 65
#define RECORD 36 /* of the ceiling's sorted table: a hash and a place */

static struct bm_fail fail;
static char lot_path[BM_PATH], index_path[BM_PATH], plain_path[BM_PATH];

static void
must(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "bench_custody: %s: %s\n", what, fail.text);
    exit(3);
}

static double
seconds(clockid_t clock)
{
    struct timespec t;

    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- the lot: each key is the one before plus G; not from G itself on, whose first multiples are known to everybody and screened ---- */

#define FIRST 0x6269727468ul

static const uint8_t spki_head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                     0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };

struct maker {
    EC_GROUP *group;
    EC_POINT *point;
    BN_CTX *ctx;
    struct bm_leaf leaf;
    struct bm_buf der;
    struct bm_frontier frontier;
    FILE *out;
};

static void
chip_write(struct maker *m, uint64_t i)
{
    struct bm_key *key = &m->leaf.keys[0].key;
    uint8_t hash[BM_HASH], n[4];

    must(EC_POINT_add(m->group, m->point, m->point, EC_GROUP_get0_generator(m->group), m->ctx) == 1 &&
             EC_POINT_point2oct(m->group, m->point, POINT_CONVERSION_UNCOMPRESSED, key->spki + sizeof(spki_head), POINT, m->ctx) == POINT,
         "a point");
    bm_sha256(key->hash, bm_key_spki(key));
    (void)snprintf(m->leaf.id, sizeof(m->leaf.id), "0123%012llx01", (unsigned long long)i);
    bm_sha256(m->leaf.hashes[0], bm_bytes_str(m->leaf.id));
    bm_buf_reset(&m->der);
    must(bm_leaf_build(&m->der, &m->leaf, &fail) == BM_OK, "a leaf");
    bm_tree_leaf(hash, bm_buf_bytes(&m->der));
    bm_frontier_append(&m->frontier, hash);
    for (unsigned k = 0; k < 4; k++)
        n[k] = (uint8_t)(m->der.n >> (24 - 8 * k));
    must(fwrite(n, 1, 4, m->out) == 4 && fwrite(m->der.p, 1, m->der.n, m->out) == m->der.n, "the disk");
}

static void
note_write(struct maker *m, FILE *out)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_NOTE }, note = { .max = BM_MAX_NOTE }, all = { .max = 2 * BM_MAX_NOTE };
    struct bm_lot_head head = { .lot = "EX-1", .vendor = "example", .kind = BM_LEAF_KEYS, .size = m->frontier.size };
    uint8_t seed[BM_NOTE_KEY] = { 1 };
    struct bm_note_signer signer;

    bm_frontier_root(&m->frontier, head.root);
    bm_lot_head_build(&text, &head);
    must(bm_note_signer_init(&signer, SIGNER, seed, &fail) == BM_OK, "the signer");
    must(bm_head_sign_note(&signer, bm_buf_bytes(&text), &note, &fail) == BM_OK, "the head");
    bm_buf_add_str(&all, "birthmark-manifest v1\n");
    bm_buf_add_lv32(&all, bm_buf_bytes(&note));
    must(fwrite(all.p, 1, all.n, out) == all.n, "the disk");
}

static void
lot_make(uint64_t chips)
{
    BIGNUM *first = BN_new();
    static struct maker m;
    char part[8192];
    size_t got;
    FILE *out;

    m.group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    m.ctx = BN_CTX_new();
    must(m.group != NULL && m.ctx != NULL && (m.point = EC_POINT_new(m.group)) != NULL, "the curve");
    must(BN_set_word(first, FIRST) == 1 && EC_POINT_mul(m.group, m.point, first, NULL, NULL, m.ctx) == 1, "the first point");
    BN_free(first);
    m.leaf = (struct bm_leaf){ .kind = BM_LEAF_KEYS, .root = BM_ROOT_SECURE_ELEMENT, .nkeys = 1, .nhashes = 1 };
    m.leaf.keys[0].use = BM_USE_SIGN;
    m.leaf.keys[0].key = (struct bm_key){ .alg = BM_KEY_P256, .bits = 256, .nspki = sizeof(spki_head) + POINT };
    memcpy(m.leaf.keys[0].key.spki, spki_head, sizeof(spki_head));
    m.der.max = BM_MAX_LEAF;
    must((m.out = fopen(plain_path, "w+")) != NULL, plain_path);
    for (uint64_t i = 0; i < chips; i++)
        chip_write(&m, i);
    must((out = fopen(lot_path, "w")) != NULL && fseek(m.out, 0, SEEK_SET) == 0, lot_path);
    note_write(&m, out);
    while ((got = fread(part, 1, sizeof(part), m.out)) > 0)
        must(fwrite(part, 1, got, out) == got, "the disk");
    must(fclose(out) == 0 && fclose(m.out) == 0, "the disk");
}

/* ---- the ceiling ---- */

static int
order(const void *a, const void *b)
{
    return memcmp(a, b, BM_HASH);
}

static void
ceiling(uint64_t chips)
{
    bm_cleanup(bm_map_done) struct bm_map map = { .behind = 0 };
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    BN_CTX *ctx = BN_CTX_new();
    EC_POINT *point = EC_POINT_new(group);
    uint8_t *table = malloc(chips * RECORD), hash[BM_HASH];
    struct bm_frontier frontier = { .size = 0 };
    struct bm_leaf_skim skim;
    FILE *out = fopen(plain_path, "w");
    struct bm_rd rd;

    must(table != NULL && out != NULL && bm_map_open(&map, lot_path, BM_MAX_LOT_FILE, &fail) == BM_OK, "the ceiling");
    rd = bm_rd(map.bytes);
    (void)bm_rd_take(&rd, strlen("birthmark-manifest v1\n"));
    (void)bm_rd_lv32(&rd, BM_MAX_NOTE);
    for (uint64_t i = 0; i < chips; i++) {
        struct bm_bytes der = bm_rd_lv32(&rd, BM_MAX_LEAF);

        must(bm_leaf_skim(&skim, der, &fail) == BM_OK, "a leaf");
        bm_tree_leaf(hash, der);
        bm_frontier_append(&frontier, hash);
        must(EC_POINT_oct2point(group, point, skim.keys[0].bits.p, skim.keys[0].bits.n, ctx) == 1, "a point");
        memcpy(table + i * RECORD, skim.keys[0].hash, BM_HASH);
        memcpy(table + i * RECORD + BM_HASH, &i, RECORD - BM_HASH);
        must(fwrite(der.p, 1, der.n, out) == der.n, "the disk");
        bm_map_behind(&map, (uint64_t)(rd.p - map.bytes.p));
    }
    qsort(table, chips, RECORD, order);
    must(bm_rd_end(&rd) && fwrite(table, RECORD, chips, out) == chips && fclose(out) == 0, "the disk");
}

/* ---- receiving ---- */

static enum bm_rc
chip_take(void *ctx, uint64_t index, const struct bm_lot_chip *chip, struct bm_bytes der, struct bm_fail *why)
{
    (void)index;
    (void)chip;
    return bm_index_add(ctx, der, why);
}

static void
behind(void *ctx, uint64_t at)
{
    bm_map_behind(ctx, at);
}

static void
receive(uint64_t chips)
{
    bm_cleanup(bm_index_writer_done) struct bm_index_writer *writer = NULL;
    bm_cleanup(bm_crypto_done) struct bm_crypto *crypto = NULL;
    bm_cleanup(bm_map_done) struct bm_map map = { .behind = 0 };
    bm_cleanup(bm_fd_done) int fd = open(index_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    uint8_t seed[BM_NOTE_KEY] = { 1 }, root[BM_HASH];
    struct bm_note_signer signer;
    struct bm_vendor vendor = { .name = "example", .nkeys = 1 };
    struct bm_lot_job job = { .vendor = &vendor, .behind = behind, .behind_ctx = &map };
    struct bm_lot_sink sink = { .chip = chip_take };
    struct bm_lot_result result;
    uint64_t size = 0;

    must(bm_crypto_new(&crypto, &fail) == BM_OK && bm_note_signer_init(&signer, SIGNER, seed, &fail) == BM_OK, "the signer");
    vendor.keys = &signer.key;
    must(bm_map_open(&map, lot_path, BM_MAX_LOT_FILE, &fail) == BM_OK && bm_index_create(&writer, fd, &fail) == BM_OK, "opening");
    job.file = map.bytes;
    job.crypto = crypto;
    sink.ctx = writer;
    must(bm_lot_read(&result, &job, &sink, &fail) == BM_OK, "reading");
    must(bm_index_finish(writer, &size, root, &fail) == BM_OK, "indexing");
    must(size == chips && result.head.size == chips && memcmp(root, result.head.root, BM_HASH) == 0, "another tree");
}

/* ---- proofs ---- */

static void
prove(uint64_t chips)
{
    bm_cleanup(bm_index_done) struct bm_index *index = NULL;
    bm_cleanup(bm_fd_done) int fd = open(index_path, O_RDONLY | O_CLOEXEC);
    uint8_t root[BM_HASH], hash[BM_HASH];
    double from, all = 0, one, most = 0;
    struct bm_proof proof;
    struct bm_bytes der;
    uint64_t i = 1;

    must(bm_index_open(&index, fd, &fail) == BM_OK, "opening the index");
    bm_index_root(index, root);
    for (unsigned k = 0; k < PROOFS; k++) {
        i = (i * 6364136223846793005u + 1442695040888963407u);
        from = seconds(CLOCK_MONOTONIC);
        must(bm_index_prove(index, (i >> 16) % chips, &proof, &fail) == BM_OK, "a proof");
        one = seconds(CLOCK_MONOTONIC) - from;
        all += one;
        most = one > most ? one : most;
        must(bm_index_leaf(index, (i >> 16) % chips, &der, &fail) == BM_OK, "a leaf");
        bm_tree_leaf(hash, der);
        must(bm_inclusion_check(&proof, (i >> 16) % chips, chips, hash, root, &fail) == BM_OK, "a proof checked");
    }
    (void)printf("custody-proof-%llu %.1f us ratio %.2f against 50 us (longest of %u: %.0f us)\n", (unsigned long long)chips,
                 all / PROOFS * 1e6, all / PROOFS * 1e6 / 50, PROOFS, most * 1e6);
}

/* ---- each in a process of its own, so that its memory is its own ---- */

struct cost {
    double cpu, wall, mib;
};

static struct cost
measure(void (*what)(uint64_t chips), uint64_t chips)
{
    double from = seconds(CLOCK_MONOTONIC);
    struct cost cost;
    struct rusage use;
    int status = 0;
    pid_t pid;

    (void)fflush(stdout);
    if ((pid = fork()) == 0) {
        what(chips);
        exit(0);
    }
    must(pid > 0 && wait4(pid, &status, 0, &use) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0, "a process");
    cost.wall = seconds(CLOCK_MONOTONIC) - from;
    cost.cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) + (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
    cost.mib = (double)use.ru_maxrss / 1024;
    return cost;
}

static void
paths_make(void)
{
    const char *dir = getenv("BM_STATE");

    must(dir != NULL, "BM_STATE names no directory");
    must(bm_path_join(lot_path, dir, "lot.manifest", &fail) == BM_OK && bm_path_join(index_path, dir, "lot.index", &fail) == BM_OK &&
             bm_path_join(plain_path, dir, "plain", &fail) == BM_OK,
         dir);
}

int
main(void)
{
    static const uint64_t sizes[] = { 10000, 100000, BM_MAX_LOT_CHIPS };
    double before = 0;

    paths_make();
    for (size_t i = 0; i < BM_COUNT(sizes); i++) {
        unsigned long long n = (unsigned long long)sizes[i];
        struct cost bare, got;

        (void)measure(lot_make, sizes[i]);
        bare = measure(ceiling, sizes[i]);
        got = measure(receive, sizes[i]);
        (void)printf(
            "custody-receive-%llu %.2f s ratio %.2f against %.2f s of hashing, parsing, on-curve checks, sorting and writing once\n", n,
            got.cpu, got.cpu / bare.cpu, bare.cpu);
        (void)printf("custody-memory-%llu %.0f MiB ratio %.2f against 256 MiB\n", n, got.mib, got.mib / 256);
        if (i > 0) /* n log n: ten times as many chips, and a little more for each */
            (void)printf("custody-growth-%llu %.2f times ratio %.2f against %.2f of n log n\n", n, got.cpu / before,
                         got.cpu / before / (10 * (double)(i + 4) / (double)(i + 3)), 10 * (double)(i + 4) / (double)(i + 3));
        before = got.cpu;
        (void)measure(prove, sizes[i]);
    }
    return 0;
}
