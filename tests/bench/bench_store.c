/* bench_store.c - what the records of a million devices take to list, to search and to show, and how many bytes they are.
 * The longest of some tries, in processor time. BM_BENCH_DEVICES: how many devices, 1000000 otherwise. */
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PAGE 256 /* as the registrar asks for */
#define BATCH 10000
#define TRIES 20
#define MOST_MS 50.0
#define CERTIFICATE 700
#define EVIDENCE 2000

static struct bm_store *store;
static struct bm_fail fail;
static char path[4096];
static uint8_t blob[CERTIFICATE + EVIDENCE];
static bool bad;

static void
must(enum bm_rc rc)
{
    if (rc == BM_OK)
        return;
    (void)fprintf(stderr, "bench_store: %s\n", fail.text);
    exit(1);
}

/* Of this process's own work, its reading from the page cache included: what others do on the machine does not count. */
static double
now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
number_hash(uint8_t ret[static BM_HASH], unsigned n, uint8_t what)
{
    memset(ret, what, BM_HASH);
    for (size_t i = 0; i < 8; i++)
        ret[i] = (uint8_t)((n * 2654435761u) >> (i % 4 * 8)) ^ (uint8_t)(i >> 2);
    memcpy(ret + 8, &n, sizeof(n));
}

static void
device_name(char ret[static 24], unsigned n)
{
    (void)snprintf(ret, 24, "%08x%012x", n * 2654435761u, n);
}

/* Identity number `again` of device n. Every thousandth is of a rare model and owner; ten lots, two orders a lot. */
static void
identity_put(unsigned n, uint8_t again)
{
    char device[24], label[32], lot[16], order[16], serial_number[24];
    uint8_t key[BM_HASH], names[1][BM_HASH], serial[20];
    const struct bm_store_chip chip = { .label = label, .lot = lot, .root_kind = "tpm", .names = names, .nnames = 1 };
    const struct bm_store_identity identity = { .device = device,
                                                .service = "mqtt",
                                                .profile = "gateway-1",
                                                .order = order,
                                                .evidence_class = "root-signed",
                                                .proven = "root-signed fresh-nonce",
                                                .chip = &chip,
                                                .serial = bm_bytes(serial, sizeof(serial)),
                                                .key = key,
                                                .issued = 1764000000 + n,
                                                .not_after = 1771776000,
                                                .certificate = bm_bytes(blob, CERTIFICATE),
                                                .evidence = bm_bytes(blob + CERTIFICATE, EVIDENCE),
                                                .leaf = n,
                                                .station = n % 2 == 0 ? "line-1" : "line-2",
                                                .serial_number = serial_number };

    device_name(device, n);
    (void)snprintf(label, sizeof(label), "0123%010x", n);
    (void)snprintf(lot, sizeof(lot), "EX-%03u", n % 10);
    (void)snprintf(order, sizeof(order), "order-%u", n % 20);
    (void)snprintf(serial_number, sizeof(serial_number), "GW-%07u", n);
    number_hash(key, n, again);
    number_hash(names[0], n, 0x80);
    memcpy(serial, key, sizeof(serial));
    serial[19] = again;
    if (again == 1)
        must(bm_store_unit_put(store, order,
                               &(struct bm_store_unit){ .row = 1,
                                                        .chip = label,
                                                        .serial = "",
                                                        .model = n % 1000 == 7 ? "GW-rare" : "GW-1",
                                                        .hardware = "B",
                                                        .firmware = "1.2.0",
                                                        .owner = n % 1000 == 9 ? "Beta" : "Acme",
                                                        .region = n % 2 == 0 ? "EU" : "US",
                                                        .support_until = 1956527999 },
                               &fail));
    must(bm_store_identity_put(store, &identity, &fail));
}

static double
bytes_now(void)
{
    struct stat file;

    bm_store_close(store); /* what stands in the log goes into the file */
    if (stat(path, &file) != 0)
        exit(1);
    must(bm_store_open(&store, path, &fail));
    return (double)file.st_size;
}

static void
fill(unsigned from, unsigned to, uint8_t again)
{
    for (unsigned n = from; n < to; n++) {
        if ((n - from) % BATCH == 0)
            must(bm_store_begin(store, &fail));
        identity_put(n, again);
        if ((n - from + 1) % BATCH == 0 || n + 1 == to)
            must(bm_store_commit(store, &fail));
    }
}

static enum bm_rc
row(void *ctx, const char *json, struct bm_fail *unused)
{
    size_t *n = ctx;

    (void)unused;
    *n += json[0] == '{';
    return BM_OK;
}

/* Milliseconds that the first page takes, the longest of some tries; how many rows it has. */
static double
page_ms(const char *what, const struct bm_store_filter *filter, size_t *ret_rows)
{
    double longest = 0;

    for (int i = 0; i < TRIES; i++) {
        struct bm_store_page page = { .most = PAGE };
        double start = now_ms(), ms;

        *ret_rows = 0;
        must(bm_store_rows(store, what, filter, &page, row, ret_rows, &fail));
        ms = now_ms() - start;
        longest = ms > longest ? ms : longest;
    }
    return longest;
}

static void
say(const char *name, double ms, double bare, size_t rows)
{
    bad |= ms > MOST_MS;
    (void)printf("store-%s %.2f ms ratio %.2f against %.2f ms of the first page of all, in their order (%zu rows; %.0f ms is the most)\n",
                 name, ms, ms / bare, bare, rows, MOST_MS);
}

static double
show_ms(unsigned devices, size_t *ret_rows)
{
    double longest = 0, ms, start;

    for (unsigned i = 0; i < TRIES; i++) {
        char device[24];
        size_t rows;

        device_name(device, i * 7919u % devices);
        start = now_ms();
        *ret_rows = 0;
        for (int part = 0; part < 3; part++) {
            static const char *const lists[] = { "device", "identity", "alarm" };
            const struct bm_store_filter filter = { .name = part == 0 ? device : NULL, .device = part == 0 ? NULL : device };
            struct bm_store_page page = { .most = PAGE };

            rows = 0;
            must(bm_store_rows(store, lists[part], &filter, &page, row, &rows, &fail));
            *ret_rows += rows;
        }
        ms = now_ms() - start;
        longest = ms > longest ? ms : longest;
    }
    return longest;
}

int
main(void)
{
    static const struct {
        const char *name;
        struct bm_store_filter filter;
    } asked[] = {
        { "list-model", { .model = "GW-1" } },
        { "list-rare-model", { .model = "GW-rare" } },
        { "list-owner", { .owner = "Beta" } },
        { "list-serial", { .serial = "GW-0000042" } },
        { "list-order", { .order = "order-7" } },
        { "list-lot", { .lot = "EX-003" } },
        { "list-vendor", { .vendor = "Example" } },
        { "list-state", { .state = "provisioned" } },
        { "list-station", { .station = "line-2" } },
        { "list-profile", { .profile = "gateway-1" } },
        { "list-three-filters", { .model = "GW-1", .region = "EU", .state = "provisioned" } },
        { "list-nothing-in-common", { .model = "GW-rare", .owner = "Beta", .state = "provisioned" } },
        { "list-nothing-among-much", { .region = "EU", .station = "line-2" } },
        { "search-serial", { .begins = "GW-00001" } },
        { "search-device", { .begins = "5e" } },
    };
    const char *dir = getenv("BM_STATE"), *number = getenv("BM_BENCH_DEVICES");
    unsigned devices = number != NULL ? (unsigned)strtoul(number, NULL, 10) : 1000000;
    double bare, all, more;
    size_t rows;

    (void)snprintf(path, sizeof(path), "%s/birthmark.db", dir != NULL ? dir : ".");
    for (size_t i = 0; i < sizeof(blob); i++)
        blob[i] = (uint8_t)(i * 131);
    must(bm_store_open(&store, path, &fail));
    for (unsigned i = 0; i < 10; i++) {
        struct bm_store_lot lot = { .vendor = "Example", .source = "birthmark", .size = 1000000, .root = { (uint8_t)i }, .revision = 1 };
        int64_t id;

        (void)snprintf(lot.name, sizeof(lot.name), "EX-%03u", i);
        must(bm_store_lot_pinned(store, &lot, 1, 1, &id, &fail));
    }
    fill(0, devices, 1);
    all = bytes_now();
    fill(0, devices / 10, 2);
    more = (bytes_now() - all) / (devices / 10);
    (void)printf("store-bytes-identity %.0f bytes ratio %.2f against %d of its certificate and evidence\n", more,
                 more / (CERTIFICATE + EVIDENCE), CERTIFICATE + EVIDENCE);
    (void)printf("store-bytes-device %.0f bytes ratio %.2f against %.0f of its identity (all its record and %d indexes)\n",
                 all / devices - more, (all / devices - more) / more, more, 16);
    bare = page_ms("device", &(struct bm_store_filter){ .name = NULL }, &rows);
    say("list-all", bare, bare, rows);
    for (size_t i = 0; i < BM_COUNT(asked); i++) {
        double ms = page_ms("device", &asked[i].filter, &rows);

        say(asked[i].name, ms, bare, rows);
    }
    more = show_ms(devices, &rows);
    say("show", more, bare, rows);
    bm_store_close(store);
    (void)unlink(path);
    return bad;
}
