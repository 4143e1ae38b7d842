/*
 * bench_custody.c - a lot of 10 thousand, 100 thousand and a million chips received: read from a mapped file, every key checked, indexed; beside the bare
 * hashing, parsing, on-curve checks (EC_POINT), sorting and writing that it cannot do without. Then proofs from the index, opened afresh.
 */
#include "many.h"

#include "base/file.h"
#include "base/map.h"
#include "custody/index.h"
#include "lot/leaf_skim.h"
#include "lot/lot.h"
#include "wire/text.h"

#include <fcntl.h>
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
static char home_path[BM_PATH], lot_path[BM_PATH], index_path[BM_PATH], plain_path[BM_PATH];

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

static void
lot_make(uint64_t chips)
{
    const struct bm_lot_head head = { .lot = "EX-1", .vendor = "example" };
    uint8_t seed[BM_NOTE_KEY] = { 1 };
    struct bm_note_signer signer;

    must(bm_note_signer_init(&signer, SIGNER, seed, &fail) == BM_OK, "the signer");
    many_lot(lot_path, &head, &signer, chips);
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
chip_take(void *ctx, uint64_t index, const struct bm_lot_chip *chip, struct bm_bytes der, const struct bm_leaf_digest *digest,
          struct bm_fail *why)
{
    (void)index;
    (void)chip;
    return bm_index_add_known(ctx, der, digest, why);
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

/* ---- the command: a site of its own, whose signer makes the tree again and whose registrar compares it with what is there ---- */

static void
command(const char *const *args)
{
    char program[BM_PATH], *argv[16];
    pid_t pid;
    int n = 0, status = 0;

    must(bm_path_join(program, getenv("BM_BUILD"), "birthmark", &fail) == BM_OK, "the program");
    argv[n++] = program;
    while (args[n - 1] != NULL && n < 15) {
        argv[n] = strdup(args[n - 1]);
        n++;
    }
    argv[n] = NULL;
    (void)fflush(stdout);
    if ((pid = fork()) == 0) {
        must(freopen("/dev/null", "w", stdout) != NULL, "quiet");
        (void)execv(program, argv);
        exit(3);
    }
    must(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0, args[0]);
    for (n--; n > 0; n--)
        free(argv[n]);
}

static void
site_make(uint64_t chips)
{
    bm_cleanup(bm_buf_done) struct bm_buf vkey = { .max = BM_NOTE_VKEY };
    uint8_t seed[BM_NOTE_KEY] = { 1 };
    struct bm_note_signer signer;

    must(bm_note_signer_init(&signer, SIGNER, seed, &fail) == BM_OK, "the signer");
    bm_note_vkey_build(&vkey, &signer.key);
    bm_buf_add_u8(&vkey, 0);
    must(bm_path_join(home_path, getenv("BM_STATE"),
                      chips == 10000    ? "small"
                      : chips == 100000 ? "middle"
                                        : "large",
                      &fail) == BM_OK,
         "a home");
    must(setenv("BIRTHMARK_HOME", home_path, 1) == 0, "the home");
    command((const char *const[]){ "init", "--name", "Bench Works", "--url", "https://localhost:8443", NULL });
    command((const char *const[]){ "vendor", "add", "example", "--signer", (const char *)vkey.p, NULL });
}

static void
command_receive(uint64_t chips)
{
    (void)chips;
    command((const char *const[]){ "lot", "receive", lot_path, "--vendor", "example", NULL });
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

/* n log n: ten times as many chips, and a little more for each. i: which of the sizes, powers of ten from 10,000 on. */
static void
growth_print(const char *what, size_t i, unsigned long long chips, double times)
{
    const double n_log_n = 10 * (double)(i + 4) / (double)(i + 3);

    if (i > 0)
        (void)printf("%s-%llu %.2f times ratio %.2f against %.2f of n log n\n", what, chips, times, times / n_log_n, n_log_n);
}

int
main(void)
{
    static const uint64_t sizes[] = { 10000, 100000, BM_MAX_LOT_CHIPS };
    struct { /* seconds of processor time, for a tenth of the chips */
        double receive, command;
    } before = { 0, 0 };

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
        growth_print("custody-growth", i, n, got.cpu / before.receive);
        before.receive = got.cpu;
        site_make(sizes[i]);
        got = measure(command_receive, sizes[i]);
        (void)printf("custody-command-%llu %.2f s ratio %.2f against the same %.2f s (%.1f s by the clock)\n", n, got.cpu,
                     got.cpu / bare.cpu, bare.cpu, got.wall);
        growth_print("custody-command-growth", i, n, got.cpu / before.command);
        before.command = got.cpu;
        (void)printf("custody-command-memory-%llu %.0f MiB ratio %.2f against 256 MiB (its largest process)\n", n, got.mib, got.mib / 256);
        (void)measure(prove, sizes[i]);
    }
    return 0;
}
