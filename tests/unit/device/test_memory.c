/*
 * test_memory.c - libbirthmark without memory: whichever allocation is refused, a call says so in a sentence, nothing leaks, and the identity and what is
 * sealed are still there. And how much memory it takes.
 *
 *   test_memory                                       the tests
 *   test_memory use ROOT-URI SERVER-URL CA-FILE       prints the most heap that each call had, in a process of its own
 */
#include "../testing.h"

#include "birthmark.h"
#include "heap.h"
#include "root/root.h"
#include "site_kit.h"

#include <openssl/err.h>

static char key_file[128], cert_file[128];

/* ---- the calls, each with a handle on an open root ---- */

static void
count(void *ctx, const struct birthmark_identity *identity)
{
    (void)identity;
    ++*(int *)ctx;
}

static enum birthmark_result
call_status(struct birthmark *bm)
{
    struct birthmark_status status;

    return birthmark_status(bm, &status);
}

static enum birthmark_result
call_identities(struct birthmark *bm)
{
    int n = 0;

    return birthmark_identities(bm, count, &n);
}

static enum birthmark_result
call_tls(struct birthmark *bm)
{
    SSL_CTX *tls = NULL;
    enum birthmark_result result = birthmark_tls_client(bm, "mqtt", ca_file, "localhost", &tls);

    SSL_CTX_free(tls);
    return result;
}

static enum birthmark_result
call_files(struct birthmark *bm)
{
    enum birthmark_result result = birthmark_key_file(bm, "mqtt", key_file);

    return result != BIRTHMARK_OK ? result : birthmark_cert_file(bm, "mqtt", cert_file);
}

static enum birthmark_result
call_seal(struct birthmark *bm)
{
    return birthmark_seal(bm, "disk", "the key of the disk", 19);
}

static enum birthmark_result
call_unseal(struct birthmark *bm)
{
    unsigned char bytes[BIRTHMARK_SEALED_MAX];
    size_t n;

    return birthmark_unseal(bm, "disk", bytes, sizeof(bytes), &n);
}

static enum birthmark_result
call_enrol(struct birthmark *bm)
{
    return birthmark_enrol(bm, server.url, "mqtt", NULL, ca_file, 0);
}

static enum birthmark_result
call_enrol_new(struct birthmark *bm)
{
    return birthmark_enrol(bm, server.url, "mqtt", NULL, ca_file, BIRTHMARK_NEW_KEY);
}

static enum birthmark_result
call_renew(struct birthmark *bm)
{
    return birthmark_renew(bm, server.url, "mqtt", NULL, ca_file, 0);
}

static const struct call {
    const char *name;
    enum birthmark_result (*call)(struct birthmark *bm);
    unsigned long stride; /* between the allocations of other libraries that are refused: there are thousands, an enrolment's 40,000 */
    /* Bytes that those libraries may lose themselves while they are without memory. Where a handshake was to come it is 64 KiB and more: CRYPTO_free_ex_data()
     * wants 160 bytes to free a library context by, and without them libcrypto 3.0 leaves all that was fetched into it. */
    size_t lost;
} calls[] = {
    { "status", call_status, 499, 1024 },        { "identities", call_identities, 1, 0 },   { "tls_client", call_tls, 997, 1024 },
    { "files", call_files, 499, 1024 },          { "seal", call_seal, 499, 1024 },          { "unseal", call_unseal, 499, 1024 },
    { "enrol again", call_enrol, 3989, 131072 }, { "enrol", call_enrol_new, 3989, 131072 }, { "renew", call_renew, 3989, 131072 },
};

/* ---- memory that is refused ---- */

/* One handle, opened and used while allocation n is refused. False: it was refused nothing, n is past the last. */
static bool
used_without(const char *uri, const struct call *call, unsigned long n, bool on, bool ours)
{
    struct birthmark *bm;
    enum birthmark_result result;
    unsigned long counted;

    heap_refuse(n, on, ours);
    bm = birthmark_new();
    if ((result = bm == NULL ? BIRTHMARK_AWAY : birthmark_open(bm, uri)) == BIRTHMARK_OK)
        result = call->call(bm);
    if (result == BIRTHMARK_OK)
        assert_true(heap_own() > 0); /* its handle */
    counted = heap_count();
    heap_refuse(0, false, false);
    if (result != BIRTHMARK_OK && strlen(birthmark_error(bm)) < 5)
        fail_msg("%s, allocation %lu: %d without a sentence", call->name, n, (int)result);
    if (result == BIRTHMARK_USAGE)
        fail_msg("%s, allocation %lu: %s", call->name, n, birthmark_error(bm));
    birthmark_free(bm);
    ERR_clear_error();
    return counted >= n;
}

/* As it was: the identity is used, the sealed bytes come back. */
static void
all_is_there(const char *uri, const char *after, unsigned long n)
{
    struct birthmark *bm = birthmark_new();
    int identities = 0;

    assert_int_equal(birthmark_open(bm, uri), BIRTHMARK_OK);
    if (birthmark_identities(bm, count, &identities) != BIRTHMARK_OK || identities != 1 || call_tls(bm) != BIRTHMARK_OK ||
        call_unseal(bm) != BIRTHMARK_OK)
        fail_msg("%s, allocation %lu: %d identities, then %s", after, n, identities, birthmark_error(bm));
    birthmark_free(bm);
    ERR_clear_error();
}

/* SoftHSM keeps something of every object that is gone: beside a token only what our own code holds counts. */
static size_t
held(const char *uri)
{
    return strncmp(uri, "pkcs11:", 7) == 0 ? heap_own() : heap_now();
}

/* What it cost; *ret_more as used_without() says. */
static size_t
lost_without(const char *uri, const struct call *call, unsigned long n, bool on, bool ours, bool *ret_more)
{
    const size_t before = held(uri);

    *ret_more = used_without(uri, call, n, on, ours);
    all_is_there(uri, call->name, n);
    return held(uri) > before ? held(uri) - before : 0;
}

static void
call_without_memory(const char *uri, const struct call *call, bool on, bool ours, unsigned long stride)
{
    const size_t allowed = ours ? 0 : call->lost;
    unsigned long last = 0;
    bool more = true;

    all_is_there(uri, call->name, 0); /* libcrypto, too, has what it keeps from now on */
    for (unsigned long n = 1; more; n += stride) {
        size_t lost = lost_without(uri, call, n, on, ours, &more);

        if (lost > allowed) /* kept for good by a library the first time that it came here, or lost each time? */
            lost = lost_without(uri, call, n, on, ours, &more);
        if (lost > allowed)
            fail_msg("%s, allocation %lu%s: %zu bytes leak", call->name, n, on ? " and all after" : "", lost);
        last = more ? n : last;
    }
    print_message("    %s: %lu allocations%s\n", call->name, last, ours ? " of libbirthmark's own" : "");
    assert_true(last > 0);
}

static void
memory_of_its_own_is_refused(void **state)
{
    for (size_t i = 0; i < BM_COUNT(calls); i++) {
        call_without_memory(*state, &calls[i], false, true, 1);
        call_without_memory(*state, &calls[i], true, true, 1);
    }
}

/* Hardware takes its time: every fifth (BM_LONG: every one). */
static void
memory_of_its_own_is_refused_beside_hardware(void **state)
{
    const unsigned long stride = getenv("BM_LONG") != NULL ? 1 : 5;

    for (size_t i = 0; i < BM_COUNT(calls); i++) {
        call_without_memory(*state, &calls[i], false, true, stride);
        call_without_memory(*state, &calls[i], true, true, stride);
    }
}

static void
memory_of_the_libraries_below_is_refused(void **state)
{
    for (size_t i = 0; i < BM_COUNT(calls); i++)
        call_without_memory(*state, &calls[i], true, false, getenv("BM_LONG") != NULL ? calls[i].stride / 20 + 1 : calls[i].stride);
}

/* ---- how much it takes ---- */

static int
use(const char *uri, const char *url, const char *file)
{
    struct birthmark *bm = birthmark_new();
    const size_t at_first = heap_now();
    enum birthmark_result result;
    size_t open, enrol;

    (void)snprintf(ca_file, sizeof(ca_file), "%s", file);
    (void)snprintf(server.url, sizeof(server.url), "%s", url);
    heap_peak_reset();
    result = birthmark_open(bm, uri);
    open = heap_peak() - at_first;
    heap_peak_reset();
    if (result == BIRTHMARK_OK)
        result = call_enrol_new(bm);
    enrol = heap_peak() - at_first;
    heap_peak_reset();
    if (result == BIRTHMARK_OK)
        result = call_status(bm);
    if (result == BIRTHMARK_OK)
        result = call_tls(bm);
    if (result != BIRTHMARK_OK)
        (void)fprintf(stderr, "%s\n", birthmark_error(bm));
    printf("heap at most: open %zu KiB, enrol %zu KiB, status and TLS context %zu KiB; kept %zu KiB (%.4s)\n", open / 1024, enrol / 1024,
           (heap_peak() - at_first) / 1024, (heap_now() - at_first) / 1024, uri);
    birthmark_free(bm);
    return result == BIRTHMARK_OK && enrol < (size_t)1536 * 1024 ? 0 : 1;
}

static void
what_it_takes(void **state)
{
    static const enum virtual_kind kinds[] = { VIRTUAL_SOFT, VIRTUAL_PUF, VIRTUAL_PKCS11, VIRTUAL_TPM2 };
    char path[256], line[256];

    (void)state;
    for (size_t i = 0; i < BM_COUNT(kinds); i++) {
        char self[256] = "";
        const char *const argv[] = { self, "use", chips.uri[kinds[i]], server.url, ca_file, NULL };
        FILE *said;
        int rc;

        assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
        rc = virtual_run(&chips, argv, "use.txt");
        (void)snprintf(path, sizeof(path), "%s/use.txt", chips.dir);
        assert_non_null(said = fopen(path, "r"));
        while (fgets(line, sizeof(line), said) != NULL)
            print_message("    %s", line);
        (void)fclose(said);
        assert_int_equal(rc, 0);
    }
}

static int
start(void **state)
{
    if (site_start(state) != 0)
        return -1;
    (void)snprintf(key_file, sizeof(key_file), "%s/mqtt.key", chips.dir);
    (void)snprintf(cert_file, sizeof(cert_file), "%s/mqtt.pem", chips.dir);
    return 0;
}

static int
first_made(void **state)
{
    struct birthmark *bm = birthmark_new();

    assert_int_equal(birthmark_open(bm, *state), BIRTHMARK_OK);
    assert_int_equal(call_enrol(bm), BIRTHMARK_OK);
    assert_int_equal(call_seal(bm), BIRTHMARK_OK);
    birthmark_free(bm);
    return 0;
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_takes),
        { "memory_of_its_own_is_refused soft", memory_of_its_own_is_refused, first_made, NULL, chips.uri[VIRTUAL_SOFT] },
        { "memory_of_its_own_is_refused puf", memory_of_its_own_is_refused, first_made, NULL, chips.uri[VIRTUAL_PUF] },
        { "memory_of_its_own_is_refused pkcs11", memory_of_its_own_is_refused_beside_hardware, first_made, NULL,
          chips.uri[VIRTUAL_PKCS11] },
        { "memory_of_its_own_is_refused tpm2", memory_of_its_own_is_refused_beside_hardware, first_made, NULL, chips.uri[VIRTUAL_TPM2] },
        { "memory_of_the_libraries_below_is_refused", memory_of_the_libraries_below_is_refused, first_made, NULL, chips.uri[VIRTUAL_SOFT] },
    };

    if (argc == 5)
        return use(argv[2], argv[3], argv[4]);
    cmocka_set_test_filter(getenv("BM_TEST"));
    return cmocka_run_group_tests(tests, start, site_stop);
}
