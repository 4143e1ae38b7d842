/* test_microchip_real.c - Microchip's own manifest of ten chips: received, and with any one byte changed refused. */
#include "microchip.h"

#include "pki/cert.h"

#include <sys/wait.h>
#include <unistd.h>

#define REAL "data/microchip/ECC608C-TNGTLSU-B.json"
#define SIGNER_5 "data/microchip/MCHP_manifest_signer_5_Mar_6-2024_noExpiration.crt"
#define SIGNER_4 "data/microchip/MCHP_manifest_signer_4_Jul-18-2023_Jul-18-2026.crt"
#define ROOT_002 "data/microchip/trust-go-root-ca-002.der"

static enum bm_rc
add_block(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    (void)fail;
    bm_buf_add_bytes(ctx, der);
    return BM_OK;
}

static bool
shared_cert(struct bm_buf *der, const char *rest)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 1 << 16 };

    if (!kit_shared(&pem, rest))
        return false;
    assert_ok(bm_pem_parse(bm_buf_bytes(&pem), "CERTIFICATE", add_block, der, &kit_fail));
    return true;
}

static void
the_real_file_is_received_ten_of_ten(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 }, signer = { .max = 1 << 16 }, root = { .max = 1 << 16 };
    struct bm_lot_result result;
    static struct mc_told told;

    (void)state;
    if (!kit_shared(&file, REAL) || !shared_cert(&signer, SIGNER_5) || !kit_shared(&root, ROOT_002))
        kit_skip(KIT_NO_SHARED);
    assert_ok(mc_receive(&result, bm_buf_bytes(&file), bm_buf_bytes(&signer), bm_buf_bytes(&root), &told));
    assert_int_equal(result.format, BM_FORMAT_MICROCHIP);
    assert_int_equal(result.checked, 24); /* each entry and its certificate, and once each of the four between them and the root */
    assert_int_equal(result.head.size, 10);
    assert_string_equal(result.head.lot, "P5C8Q2UDYWLQ7HB4");
    assert_string_equal(result.head.vendor, "microchip");
    assert_int_equal(result.head_note.n, 0);
    assert_non_null(strstr(result.signer, "571d99841117e3afb34f28886045903fa785cc283dd2e8068e1e5ea4604ce0e3"));
    assert_int_equal(told.nleaves, 10);
    assert_string_equal(told.first_id, "0123f2408ea1fcf201");
    assert_int_equal(told.nkeys, 50);
    /* proves: RFC7515 4.1.6 the real certificates have '+' and '/' in them */
    assert_int_equal(told.nhashes, 20); /* what was signed, and the device certificate */
    assert_int_equal(told.leaf.root, BM_ROOT_SECURE_ELEMENT);
    /* the constant name in every certificate: seen, and nothing hangs on it */
    assert_int_equal(told.odd.n, 1);
    assert_string_equal(
        told.odd.sentence[0],
        "1: the subjectAltName of its certificate is that of the chip before it: it names no chip, and nothing is bound to it");
}

static void
the_real_file_is_refused_with_another_signer_or_root(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 }, signer4 = { .max = 1 << 16 }, signer5 = { .max = 1 << 16 };

    (void)state;
    if (!kit_shared(&file, REAL) || !shared_cert(&signer5, SIGNER_5) || !shared_cert(&signer4, SIGNER_4))
        kit_skip(KIT_NO_SHARED);
    assert_refused(BM_EPOLICY, mc_receive(NULL, bm_buf_bytes(&file), bm_buf_bytes(&signer4), bm_bytes(NULL, 0), NULL),
                   "chip 0: it is signed by the certificate 571d99841117e3afb34f28886045903fa785cc283dd2e8068e1e5ea4604ce0e3, "
                   "which is not pinned for the vendor microchip: if it is Microchip's, add it");
    /* signer 5 is no root of the chips' certificates */
    assert_rc(BM_EPOLICY, mc_receive(NULL, bm_buf_bytes(&file), bm_buf_bytes(&signer5), bm_buf_bytes(&signer5), NULL));
}

/* ---- one byte ---- */

static bool
is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* What stands in a byte's place. First one change a byte: a bit of it, or another letter where that is likeliest to be taken for the same. Then others. */
static uint8_t
changed(uint8_t c, size_t at, unsigned round)
{
    static const uint8_t others[] = { '"', '\\', ' ', 'A', '=', '0', 0x00, 0xc3 };

    if (round == 0)
        return at % 2 == 0 ? c ^ 0x20 : c ^ 1;
    return round <= 8 ? (uint8_t)(c ^ 1 << (round - 1)) : others[round - 9];
}
#define ROUNDS 17

/* This process's share of all bytes outside white space. Says which change passed, or how many did not. */
static size_t
share_try(struct bm_buf *file, struct bm_bytes signer, unsigned round, unsigned me, unsigned of)
{
    size_t tried = 0;

    for (size_t i = me; i < file->n; i += of) {
        const uint8_t old = file->p[i];

        if (is_space(old) || changed(old, i, round) == old)
            continue;
        file->p[i] = changed(old, i, round);
        if (mc_receive(NULL, bm_buf_bytes(file), signer, bm_bytes(NULL, 0), NULL) == BM_OK) {
            print_error("byte %zu, 0x%02x for 0x%02x, was received all the same\n", i, file->p[i], old);
            return 0;
        }
        file->p[i] = old;
        tried++;
    }
    return tried;
}

static void
round_try(struct bm_buf *file, struct bm_bytes signer, unsigned round)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const unsigned n = cores < 1 ? 1 : (unsigned)cores;
    int status;

    for (unsigned i = 0; i < n; i++) {
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0)
            _exit(share_try(file, signer, round, i, n) > 1000 / n ? 0 : 1);
    }
    for (unsigned i = 0; i < n; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
}

/* proves: RFC7515 5.2 */
/* The sanitizers' build takes an hour for what the plain one has in ten minutes: one round is enough there. */
static unsigned
rounds(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return 1;
#else
    return getenv("BM_LONG") != NULL ? ROUNDS : 1;
#endif
}

/* Every byte outside white space, once; with BM_LONG each of its bits, and eight others in its place. */
static void
any_one_byte_changed_is_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 }, signer = { .max = 1 << 16 };

    (void)state;
    if (!kit_shared(&file, REAL) || !shared_cert(&signer, SIGNER_5))
        kit_skip(KIT_NO_SHARED);
    for (unsigned round = 0; round < rounds(); round++)
        round_try(&file, bm_buf_bytes(&signer), round);
    assert_ok(mc_receive(NULL, bm_buf_bytes(&file), bm_buf_bytes(&signer), bm_bytes(NULL, 0), NULL));
}

/* ---- its name ---- */

/* The file up to its third entry, and the end of a list: as genuine as the whole. */
static void
a_part_of_the_real_file_keeps_the_deliverys_name(void **state)
{
    static const struct {
        const char *name;
        enum bm_rc want;
    } names[] = { { "P5C8Q2UDYWLQ7HB4", BM_OK },
                  { "P5C8Q2UDYWLQ7HB4-1", BM_OK },
                  { "P5C8Q2UDYWLQ7HB4.west", BM_OK },
                  { NULL, BM_OK },
                  { "OTHER", BM_EPOLICY },
                  { "P5C8Q2UDYWLQ7HB", BM_EPOLICY },
                  { "P5C8Q2UDYWLQ7HB41", BM_EPOLICY },
                  { "p5c8q2udywlq7hb4", BM_EPOLICY },
                  { "1-P5C8Q2UDYWLQ7HB4", BM_EPOLICY } };
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 }, signer = { .max = 1 << 16 };
    struct bm_vendor vendor = { .name = "microchip" };
    struct bm_bytes signer_der;
    const uint8_t *end;

    (void)state;
    if (!kit_shared(&file, REAL) || !shared_cert(&signer, SIGNER_5))
        kit_skip(KIT_NO_SHARED);
    signer_der = bm_buf_bytes(&signer);
    vendor.signers = (struct bm_certs_list){ &signer_der, 1 };
    end = file.p;
    for (int i = 0; i < 3; i++)
        end = (const uint8_t *)memmem(end, file.n - (size_t)(end - file.p), "\n  }", 4) + 4;
    file.n = (size_t)(end - file.p);
    bm_buf_add_str(&file, "]");
    for (size_t i = 0; i < BM_COUNT(names); i++) {
        const struct bm_lot_job job = { .file = bm_buf_bytes(&file), .vendor = &vendor, .crypto = kit_crypto, .name = names[i].name };
        struct bm_lot_result result;

        if (bm_lot_read(&result, &job, NULL, &kit_fail) != names[i].want)
            fail_msg("%s: %s", names[i].name, kit_fail.text);
        if (names[i].want == BM_OK)
            assert_string_equal(result.head.lot, names[i].name != NULL ? names[i].name : "P5C8Q2UDYWLQ7HB4");
    }
    assert_string_equal(kit_fail.text,
                        "microchip has signed that this is delivery P5C8Q2UDYWLQ7HB4, not 1-P5C8Q2UDYWLQ7HB4: leave --lot out, or "
                        "call a part of it P5C8Q2UDYWLQ7HB4-1");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_real_file_is_received_ten_of_ten),
        cmocka_unit_test(the_real_file_is_refused_with_another_signer_or_root),
        cmocka_unit_test(any_one_byte_changed_is_refused),
        cmocka_unit_test(a_part_of_the_real_file_keeps_the_deliverys_name),
    };

    return kit_end(cmocka_run_group_tests(tests, kit_crypto_open, kit_crypto_close));
}
