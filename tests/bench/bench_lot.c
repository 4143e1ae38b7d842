/* bench_lot.c - signatures of a Microchip manifest checked a second, beside the bare verifications that receiving it cannot do without. */
#include "../unit/lot/maker.h"

#include "cli/crew.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KEYS 5          /* of a chip, as Trust&GO has them: one with its certificate and its issuer's */
#define ENTRY_ROOM 4096 /* bytes of a chip's entry at most */
#define CORES 64        /* processes at most */
#define CEILING_PART 20 /* the ceiling is taken from so many times fewer verifications, half before and half behind */
#define CEILING_LEAST 2000
#define WARM 100 /* verifications that are not counted */

static double
seconds(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Of all processes that were waited for. */
static double
cpu_of_children(void)
{
    struct rusage use;

    (void)getrusage(RUSAGE_CHILDREN, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) + (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static double
cpu_of_mine(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static unsigned
cores_count(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1 ? 1 : n > CORES ? CORES : (unsigned)n;
}

/* Runs work(ctx, i, of) in one process a core at the same time. */
static void
on_all_cores(void (*work)(void *ctx, unsigned i, unsigned of), void *ctx)
{
    const unsigned n = cores_count();
    int status;

    for (unsigned i = 0; i < n; i++) {
        pid_t pid = fork();

        maker_must(pid >= 0);
        if (pid == 0) {
            work(ctx, i, n);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < n; i++)
        maker_must(wait(&status) > 0 && status == 0);
}

/* ---- a manifest ---- */

struct making {
    struct maker *maker; /* one signer; its certificate is a CA's too, under which the chips' stand */
    unsigned chips;
    uint8_t *room; /* shared, ENTRY_ROOM a chip; each maker's share is filled without gaps */
    size_t *made;  /* shared: bytes of each share */
};

static unsigned
share_begin(const struct making *m, unsigned i, unsigned of)
{
    return (unsigned)((uint64_t)m->chips * i / of);
}

static void
share_make(void *ctx, unsigned i, unsigned of)
{
    const struct making *m = ctx;
    struct bm_buf entry = { .max = ENTRY_ROOM };
    const unsigned first = share_begin(m, i, of);
    uint8_t *at = m->room + (size_t)first * ENTRY_ROOM;
    char id[20];

    for (unsigned chip = first; chip < share_begin(m, i + 1, of); chip++) {
        bm_buf_reset(&entry);
        bm_buf_add_str(&entry, chip == 0 ? "[\n" : ",\n");
        (void)snprintf(id, sizeof(id), "0123%012x01", chip);
        maker_entry(&entry, m->maker, id, KEYS);
        maker_must(!entry.bad);
        memcpy(at, entry.p, entry.n);
        at += entry.n;
    }
    m->made[i] = (size_t)(at - m->room) - (size_t)first * ENTRY_ROOM;
    bm_buf_done(&entry);
}

static void *
shared_new(size_t n)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    maker_must(p != MAP_FAILED);
    return p;
}

/* In memory that the caller unmaps (*ret_mapped bytes). */
static struct bm_bytes
manifest_make(struct maker *maker, unsigned chips, size_t *ret_mapped)
{
    struct making m = { .maker = maker, .chips = chips };
    size_t n = 0;

    *ret_mapped = ((size_t)chips + 1) * ENTRY_ROOM;
    m.room = shared_new(*ret_mapped);
    m.made = shared_new(CORES * sizeof(*m.made));
    on_all_cores(share_make, &m);
    for (unsigned i = 0; i < cores_count(); i++) {
        memmove(m.room + n, m.room + (size_t)share_begin(&m, i, cores_count()) * ENTRY_ROOM, m.made[i]);
        n += m.made[i];
    }
    memcpy(m.room + n, "\n]\n", 3);
    (void)munmap(m.made, CORES * sizeof(*m.made));
    return bm_bytes(m.room, n + 3);
}

/* ---- the ceiling: libcrypto's own verification of a hash, nothing made or looked up anew ---- */

struct ceiling {
    unsigned each; /* verifications a core */
    struct pace {  /* shared: what each core needed for them */
        double wall, cpu;
    } * pace;
};

static void
verify_bare(void *ctx, unsigned i, unsigned of)
{
    const struct ceiling *ceiling = ctx;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY_CTX *sign = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL), *verify = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    const uint8_t hash[BM_HASH] = { 1 };
    uint8_t sig[BM_MAX_SIGNATURE];
    size_t n = sizeof(sig);
    double wall = 0, cpu = 0;

    (void)of;
    maker_must(sign != NULL && verify != NULL && EVP_PKEY_sign_init(sign) == 1 && EVP_PKEY_verify_init(verify) == 1 &&
               EVP_PKEY_sign(sign, sig, &n, hash, sizeof(hash)) == 1);
    for (unsigned k = 0; k < WARM + ceiling->each; k++) {
        if (k == WARM) {
            wall = seconds();
            cpu = cpu_of_mine();
        }
        maker_must(EVP_PKEY_verify(verify, sig, n, hash, sizeof(hash)) == 1);
    }
    ceiling->pace[i] = (struct pace){ seconds() - wall, cpu_of_mine() - cpu };
}

/* All cores at once, as the reading has them: where they share what they have, so does the ceiling. Adds verifications a second of all. */
static void
ceiling_take(struct ceiling *ceiling, double *wall, double *cpu)
{
    on_all_cores(verify_bare, ceiling);
    for (unsigned i = 0; i < cores_count(); i++) {
        *wall += ceiling->each / ceiling->pace[i].wall;
        *cpu += ceiling->each / ceiling->pace[i].cpu;
    }
}

static int
measure(struct bm_crypto *crypto, struct maker *maker, unsigned chips)
{
    const struct bm_bytes signer = bm_buf_bytes(&maker->cert);
    const struct bm_vendor vendor = { .name = "example", .signers = { &signer, 1 }, .roots = { &signer, 1 } };
    struct bm_lot_job job = { .vendor = &vendor, .crypto = crypto };
    struct ceiling ceiling = { .each = chips / CEILING_PART, .pace = shared_new(CORES * sizeof(*ceiling.pace)) };
    double wall, cpu, bare = 0, bare_cpu = 0;
    struct bm_lot_result result;
    struct bm_fail fail = { .text = "" };
    size_t mapped;

    if (ceiling.each < CEILING_LEAST)
        ceiling.each = CEILING_LEAST;
    job.file = manifest_make(maker, chips, &mapped);
    ceiling_take(&ceiling, &bare, &bare_cpu);
    wall = seconds();
    cpu = cpu_of_mine() + cpu_of_children();
    /* every chip's entry and certificate; what stands between once a worker, and it is the root itself here */
    if (bm_crew_read(&result, &job, NULL, 0, &fail) != BM_OK || result.head.size != chips || result.checked < 2ull * chips) {
        (void)fprintf(stderr, "bench_lot: %s\n", fail.text);
        return 1;
    }
    wall = (double)result.checked / (seconds() - wall);
    cpu = (double)result.checked / (cpu_of_mine() + cpu_of_children() - cpu);
    ceiling_take(&ceiling, &bare, &bare_cpu);
    bare /= 2;
    bare_cpu /= 2 * cores_count(); /* of one second of one core */
    (void)printf("microchip-receive-%u %.0f signatures/s ratio %.2f against %.0f/s: bare P-256 verifications on %u cores at once "
                 "(%.2f of them by processor time, %.0f chips/s, %.0f MB)\n",
                 chips, wall, wall / bare, bare, cores_count(), cpu / bare_cpu, wall * chips / (double)result.checked,
                 (double)job.file.n / 1e6);
    (void)fflush(stdout);
    (void)munmap((void *)(uintptr_t)job.file.p, mapped);
    (void)munmap(ceiling.pace, CORES * sizeof(*ceiling.pace));
    return 0;
}

int
main(void)
{
    bm_cleanup(bm_crypto_done) struct bm_crypto *crypto = NULL;
    static const unsigned sizes[] = { 2000, 20000, 200000 };
    struct maker maker;
    struct bm_fail fail;
    int rc = 0;

    maker_must(bm_crypto_new(&crypto, &fail) == BM_OK);
    maker_open_ca(&maker, 1704067200, BM_TIME_NEVER);
    /* the last one takes two minutes, most of them to make it: with BM_LONG=1 */
    for (size_t i = 0; i < BM_COUNT(sizes) && rc == 0 && (i < 2 || getenv("BM_LONG") != NULL); i++)
        rc = measure(crypto, &maker, sizes[i]);
    maker_close(&maker);
    return rc;
}
