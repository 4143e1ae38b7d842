/* test_infineon.c - Infineon's reels: the real one is read, names are labels, and what contradicts itself is refused. */
#include "infineon_kit.h"

#define REAL "data/infineon/manifest-infineon.7z"
#define CA_306 "data/infineon/OptigaTrustEccCA306.crt"
#define CA_309 "data/infineon/OptigaTrustRsaCA309.crt"
#define ROOT_ECC "data/infineon/eccroot2.pem"
#define ROOT_RSA "data/infineon/rsaroot2.pem"
#define REEL "78211223032C7EFA"

/* ---- the real one ---- */

struct real {
    struct bm_buf file, der[4];
    struct bm_bytes roots[4]; /* CA 306, CA 309, ECC root, RSA root */
};

static bool
real_open(struct real *real)
{
    static const char *const names[] = { CA_306, CA_309, ROOT_ECC, ROOT_RSA };

    *real = (struct real){ .file = { .max = 1 << 20 } };
    if (!kit_shared(&real->file, REAL))
        return false;
    for (size_t i = 0; i < BM_COUNT(names); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 1 << 16 };

        real->der[i].max = 1 << 16;
        assert_true(kit_shared(&text, names[i]));
        if (text.p[0] == '-')
            assert_ok(bm_pem_parse(bm_buf_bytes(&text), "CERTIFICATE", add_block, &real->der[i], &kit_fail));
        else
            bm_buf_add_bytes(&real->der[i], bm_buf_bytes(&text));
        real->roots[i] = bm_buf_bytes(&real->der[i]);
    }
    return true;
}

static void
real_close(struct real *real)
{
    bm_buf_done(&real->file);
    for (size_t i = 0; i < BM_COUNT(real->der); i++)
        bm_buf_done(&real->der[i]);
}

static void
the_real_reel_is_read_six_hundred_of_six_hundred(void **state)
{
    static struct told told;
    struct bm_lot_result result;
    struct real real;

    (void)state;
    if (!real_open(&real))
        kit_skip(KIT_NO_SHARED);
    assert_ok(receive(&result, bm_buf_bytes(&real.file), (struct bm_certs_list){ real.roots, 4 }, false, &told));
    assert_int_equal(result.format, BM_FORMAT_INFINEON);
    assert_int_equal(result.checked, 600);
    assert_int_equal(result.head.size, 200);
    assert_string_equal(result.head.lot, REEL);
    assert_string_equal(result.head.vendor, "infineon");
    assert_false(result.signed_whole || result.signed_each);
    assert_int_equal(told.n, 200);
    assert_string_equal(told.chip[0].id, "0A091B5C001500070063");
    for (size_t i = 0; i < told.n; i++)
        assert_int_equal(told.chip[i].signatures, 3);
    assert_int_equal(told.leaf.nkeys, 3);
    assert_int_equal(told.leaf.nhashes, 3);
    assert_int_equal(told.leaf.root, BM_ROOT_SECURE_ELEMENT);
    assert_int_equal(told.leaf.origin, BM_ORIGIN_INSIDE);
    assert_int_equal(told.leaf.id_source, BM_LABEL_FILE_NAME);
    assert_string_equal(bm_leaf_label(&told.leaf, BM_LABEL_REEL), REEL);
    assert_true(strncmp(bm_leaf_label(&told.leaf, BM_LABEL_DATE), "2023-0", 6) == 0);
    assert_int_equal(told.unsigned_, 1);
    assert_int_equal(told.no_roots, 0);
    /* what is bound and what is a label; which key is for shielded connections only: once, not once a chip */
    assert_int_equal(told.odd.n, 2);
    assert_string_equal(told.odd.sentence[0],
                        "0: ids, and which certificates belong to one chip, stand in file names that nobody signed: the keys are "
                        "bound, the ids are labels");
    assert_string_equal(told.odd.sentence[1],
                        "0: the key of the certificate E0E1 is usable only under a shielded connection: the label shielded names it");
    real_close(&real);
}

static void
the_shielded_label_is_the_hash_of_a_key_of_the_chip(void **state)
{
    static struct told told;
    uint8_t hash[BM_HASH];
    const char *label;
    struct real real;

    (void)state;
    if (!real_open(&real))
        kit_skip(KIT_NO_SHARED);
    assert_ok(receive(NULL, bm_buf_bytes(&real.file), no_roots, true, &told));
    label = bm_leaf_label(&told.leaf, "shielded");
    assert_non_null(label);
    assert_ok(bm_hex_parse(hash, BM_HASH, bm_bytes_str(label), &kit_fail));
    assert_non_null(bm_leaf_key(&told.leaf, hash));
    assert_int_equal(bm_leaf_key(&told.leaf, hash)->key.alg, BM_KEY_P256);
    /* and the custodian may know better where the keys were made; without a root nothing was checked, and that is said */
    assert_int_equal(told.leaf.origin, BM_ORIGIN_INJECTED);
    assert_int_equal(told.no_roots, 1);
    assert_int_equal(told.chip[0].signatures, 0);
    real_close(&real);
}

static void
every_certificate_must_lead_to_a_root(void **state)
{
    struct bm_bytes other[4];
    struct bm_cert cert;
    struct real real;
    char name[128];

    (void)state;
    if (!real_open(&real))
        kit_skip(KIT_NO_SHARED);
    /* what stands between is missing */
    assert_refused_saying(BM_EPOLICY, receive(NULL, bm_buf_bytes(&real.file), (struct bm_certs_list){ real.roots + 2, 2 }, false, NULL),
                          "chip 0: its certificate E0E0: the certificate does not lead to a trusted one");
    /* the RSA certificate alone leads nowhere */
    memcpy(other, real.roots, sizeof(other));
    other[1] = real.roots[2];
    assert_refused_saying(BM_EPOLICY, receive(NULL, bm_buf_bytes(&real.file), (struct bm_certs_list){ other, 3 }, false, NULL),
                          "chip 0: its certificate E0E2: the certificate does not lead to a trusted one");
    /* this root has a curve that no device's key may have, and is one all the same */
    assert_rc(BM_EINPUT, bm_cert_parse(&cert, real.roots[2], &kit_fail));
    assert_ok(bm_cert_outline(&cert, real.roots[2], &kit_fail));
    bm_name_print(name, sizeof(name), cert.subject);
    assert_true(strncmp(name, "CN=Infineon OPTIGA(TM) ECC Root CA 2", 36) == 0);
    for (size_t n = 0; n < real.roots[2].n; n++)
        assert_rc(BM_EINPUT, bm_cert_outline(&cert, bm_bytes(real.roots[2].p, n), &kit_fail));
    /* the intermediates pinned alone are where paths end; with their roots pinned they are not */
    assert_ok(receive(NULL, bm_buf_bytes(&real.file), (struct bm_certs_list){ real.roots, 2 }, false, NULL));
    real_close(&real);
}

static void
a_retired_certificate_of_the_vendor_is_believed_no_more(void **state)
{
    uint8_t retired[1][BM_HASH];
    struct bm_vendor vendor = { .name = "infineon", .retired = (const uint8_t(*)[BM_HASH])retired, .nretired = 1 };
    struct bm_lot_result result;
    struct real real;

    (void)state;
    if (!real_open(&real))
        kit_skip(KIT_NO_SHARED);
    bm_sha256(retired[0], real.roots[1]);
    vendor.roots = (struct bm_certs_list){ real.roots, 4 };
    assert_refused_saying(BM_EPOLICY, kit_lot_read(&result, bm_buf_bytes(&real.file), &vendor, NULL), "chip 0: its certificate E0E2");
    vendor.roots = (struct bm_certs_list){ real.roots + 1, 1 };
    assert_refused(BM_EPOLICY, kit_lot_read(&result, bm_buf_bytes(&real.file), &vendor, NULL),
                   "all roots of the vendor infineon are retired: add one that is believed");
    real_close(&real);
}

static void
renaming_files_moves_labels_and_nothing_that_is_bound(void **state)
{
    static struct told as_made, renamed;

    (void)state;
    assert_ok(receive_recipe(NULL, &(struct recipe){ .ids = { "0A01", "0A02", "0A03" } }, &as_made));
    assert_ok(receive_recipe(NULL, &(struct recipe){ .ids = { "0A02", "0A01", "0A03" } }, &renamed));
    assert_int_equal(as_made.n, 3);
    assert_int_equal(renamed.n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(as_made.chip[i].id, renamed.chip[i].id);
    /* what a chip is - its set of keys - is there as before, under the other label */
    assert_memory_equal(as_made.chip[0].keys, renamed.chip[1].keys, BM_HASH);
    assert_memory_equal(as_made.chip[1].keys, renamed.chip[0].keys, BM_HASH);
    assert_memory_equal(as_made.chip[2].keys, renamed.chip[2].keys, BM_HASH);
    assert_memory_not_equal(as_made.chip[0].keys, as_made.chip[1].keys, BM_HASH);
}

static void
the_archive_of_secrets_is_never_opened(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf secret = { .max = 1 << 20 };
    static struct told told;
    struct bm_lot_result plain, with;

    (void)state;
    assert_ok(receive_recipe(&plain, &(struct recipe){ .ids = { "0A01", "0A02" } }, &told));
    /* whatever it is: bytes of no archive ... */
    assert_ok(receive_recipe(
        &with, &(struct recipe){ .ids = { "0A01", "0A02" }, .extra_outer = "REEL1_guid_keys.7z", .content_outer = bm_bytes_str("7z") },
        &told));
    assert_memory_equal(plain.head.root, with.head.root, BM_HASH);
    assert_int_equal(told.odd.n, 2); /* and that it is there is nothing strange */
    /* ... or an archive whose certificates would be read if anybody looked */
    certs_pack(&secret, BM_OBJECT_E0E0, (const char *const[CHIPS]){ NULL, NULL, "0A03" }, NULL, bm_bytes(NULL, 0));
    assert_ok(receive_recipe(
        &with, &(struct recipe){ .ids = { "0A01", "0A02" }, .extra_outer = "REEL1_guid_keys.7z", .content_outer = bm_buf_bytes(&secret) },
        &told));
    assert_int_equal(told.n, 2);
    assert_memory_equal(plain.head.root, with.head.root, BM_HASH);
}

static void
what_is_odd_is_told(void **state)
{
    static struct told told;
    bm_cleanup(bm_buf_done) struct bm_buf nested = { .max = 1 << 20 };

    (void)state;
    assert_ok(receive_recipe(NULL, &(struct recipe){ .ids = { "0A01", "0A02" }, .missing = "0A02" }, &told));
    assert_int_equal(told.odd.n, 3);
    assert_string_equal(told.odd.sentence[2], "1: there is no certificate E0E2 for 0A02, which should have three");
    assert_int_equal(told.leaf.nkeys, 2);
    /* the same certificate again, in a directory: once is enough */
    assert_ok(receive_recipe(
        NULL, &(struct recipe){ .ids = { "0A01" }, .extra = "more/0A01_E0E0.pem", .content = bm_buf_bytes(&pems[0][BM_OBJECT_E0E0]) },
        &told));
    assert_string_equal(told.odd.sentence[0], "0: its certificate E0E0 is about a key that another of its certificates has");
    assert_int_equal(told.leaf.nkeys, 3);
    /* another one under the same name: two keys, one id */
    assert_ok(receive_recipe(
        NULL, &(struct recipe){ .ids = { "0A01" }, .extra = "more/0A01_E0E0.pem", .content = bm_buf_bytes(&pems[1][BM_OBJECT_E0E0]) },
        &told));
    assert_string_equal(told.odd.sentence[0], "0: there are two certificates E0E0 for 0A01, with two keys: one id stands for two chips");
    assert_int_equal(told.leaf.nkeys, 4);
    /* an archive where there should be none is a file that is not read, as is one of another object or an id that is none */
    certs_pack(&nested, BM_OBJECT_E0E0, (const char *const[CHIPS]){ NULL, "0A02" }, NULL, bm_bytes(NULL, 0));
    assert_ok(receive_recipe(
        NULL, &(struct recipe){ .ids = { "0A01" }, .extra = "REEL1_guid_E0E0_Certs.7z", .content = bm_buf_bytes(&nested) }, &told));
    assert_int_equal(told.n, 1);
    assert_string_equal(told.odd.sentence[2],
                        "0: 1 files of the delivery are none of Infineon's and were not read: the first is REEL1_guid_E0E0_Certs.7z");
    assert_ok(receive_recipe(
        NULL, &(struct recipe){ .ids = { "0A01" }, .extra = "0A\n02_E0E0.pem", .content = bm_buf_bytes(&pems[1][BM_OBJECT_E0E0]) }, &told));
    assert_string_equal(told.odd.sentence[2],
                        "0: 1 files of the delivery are none of Infineon's and were not read: the first is 0A?02_E0E0.pem");
    assert_ok(receive_recipe(
        NULL, &(struct recipe){ .ids = { "0A01" }, .extra = "0A02_E0E2.pem", .content = bm_buf_bytes(&pems[1][BM_OBJECT_E0E2]) }, &told));
    assert_int_equal(told.n, 1);
    /* two reels in one file */
    assert_ok(receive_recipe(NULL, &(struct recipe){ .ids = { "0A01" }, .e0e1_name = "REEL2_guid_E0E1_Certs.7z" }, &told));
    assert_string_equal(told.odd.sentence[2],
                        "0: the delivery has archives of two reels, REEL1 and REEL2: a chip is labelled by its first");
    assert_int_equal(told.n, 1);
}

/* The first byte of a certificate's length written in one octet more than needed: no DER (X.690 10.1), and what is signed is untouched. */
static void
broken_pem(struct bm_buf *pem, struct bm_buf *der, const struct bm_buf *from, bool forged)
{
    bm_cleanup(bm_buf_done) struct bm_buf good = { .max = BM_MAX_CERT };

    assert_ok(bm_pem_parse(bm_buf_bytes(from), "CERTIFICATE", add_block, &good, &kit_fail));
    assert_int_equal(good.p[1], 0x82);
    bm_buf_reset(der);
    bm_buf_add(der, (const uint8_t[]){ 0x30, 0x83, 0x00 }, 3);
    bm_buf_add(der, good.p + 2, good.n - 2);
    der->p[der->n - 1] ^= forged ? 1 : 0;
    bm_buf_reset(pem);
    bm_pem_build(pem, "CERTIFICATE", bm_buf_bytes(der));
}

static void
broken_der_is_kept_as_delivered_and_needs_a_waiver(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 1 << 16 }, der = { .max = BM_MAX_CERT }, file = { .max = 1 << 20 };
    const struct bm_bytes root = bm_buf_bytes(&issuer);
    struct recipe recipe = { .ids = { "0A01" }, .extra = "0A02_E0E0.pem" };
    static struct told told;
    uint8_t hash[BM_HASH];

    (void)state;
    for (int forged = 0; forged < 2; forged++) {
        broken_pem(&pem, &der, &pems[1][0], forged != 0);
        recipe.content = bm_buf_bytes(&pem);
        bm_buf_reset(&file);
        reel_pack(&file, &recipe);
        if (forged != 0) {
            assert_refused_saying(BM_EPOLICY, receive(NULL, bm_buf_bytes(&file), (struct bm_certs_list){ &root, 1 }, false, NULL),
                                  "chip 1: its certificate E0E0: the certificate does not lead to a trusted one");
            continue;
        }
        assert_ok(receive(NULL, bm_buf_bytes(&file), (struct bm_certs_list){ &root, 1 }, false, &told));
        assert_int_equal(told.broken, 1);
        assert_int_equal(bm_check_weight(BM_CHECK_BROKEN_DER), BM_WEIGHT_WAIVABLE);
        assert_int_equal(told.n, 2);
        assert_int_equal(told.chip[1].signatures, 1);
        assert_int_equal(told.leaf.nkeys, 1);
        bm_sha256(hash, bm_buf_bytes(&der));
        assert_memory_equal(told.leaf.hashes[0], hash, BM_HASH);
    }
}

static void
what_contradicts_itself_is_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf two = { .max = 1 << 16 };

    (void)state;
    assert_refused_saying(
        BM_EINPUT,
        receive_recipe(NULL, &(struct recipe){ .ids = { "0A01" }, .extra = "0A02_E0E0.pem", .content = bm_bytes_str("no") }, NULL),
        "chip 1: its certificate E0E0 cannot be read: ");
    bm_buf_add_bytes(&two, bm_buf_bytes(&pems[1][0]));
    bm_buf_add_bytes(&two, bm_buf_bytes(&pems[2][0]));
    assert_refused(
        BM_EINPUT,
        receive_recipe(NULL, &(struct recipe){ .ids = { "0A01" }, .extra = "0A02_E0E0.pem", .content = bm_buf_bytes(&two) }, NULL),
        "chip 1: its certificate E0E0 cannot be read: there are two certificates in one file");
    /* PEM around something that is not DER */
    assert_refused_saying(BM_EINPUT,
                          receive_recipe(NULL,
                                         &(struct recipe){ .ids = { "0A01" },
                                                           .extra = "0A02_E0E0.pem",
                                                           .content = bm_bytes_str("-----BEGIN CERTIFICATE-----\nMIIB\n"
                                                                                   "-----END CERTIFICATE-----\n") },
                                         NULL),
                          "chip 1: its certificate E0E0 cannot be read: ");
    /* one key in two chips */
    assert_refused_saying(
        BM_EPOLICY,
        receive_recipe(NULL, &(struct recipe){ .ids = { "0A01" }, .extra = "0A02_E0E0.pem", .content = bm_buf_bytes(&pems[0][0]) }, NULL),
        "0A02 has a root key that chip 0 has too");
    /* one key in two objects of a chip: it has not the three keys that it should have */
    assert_refused(
        BM_EINPUT,
        receive_recipe(
            NULL, &(struct recipe){ .ids = { "0A01" }, .missing = "0A01", .extra = "0A01_E0E0.pem", .content = bm_buf_bytes(&pems[0][1]) },
            NULL),
        "chip 0: its certificate E0E1 is about a key that another of its certificates has");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_real_reel_is_read_six_hundred_of_six_hundred),
        cmocka_unit_test(the_shielded_label_is_the_hash_of_a_key_of_the_chip),
        cmocka_unit_test(every_certificate_must_lead_to_a_root),
        cmocka_unit_test(a_retired_certificate_of_the_vendor_is_believed_no_more),
        cmocka_unit_test(renaming_files_moves_labels_and_nothing_that_is_bound),
        cmocka_unit_test(the_archive_of_secrets_is_never_opened),
        cmocka_unit_test(what_is_odd_is_told),
        cmocka_unit_test(broken_der_is_kept_as_delivered_and_needs_a_waiver),
        cmocka_unit_test(what_contradicts_itself_is_refused),
    };

    return kit_end(cmocka_run_group_tests(tests, pems_open, pems_close));
}
