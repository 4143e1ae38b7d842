/* test_microchip.c - manifests made as Microchip makes them: what is received, and entries and payloads of another shape that are not. */
#include "microchip.h"

static void
every_truncation_is_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 };
    struct maker maker;

    (void)state;
    maker_open(&maker, Y2024, BM_TIME_NEVER);
    bm_buf_add_str(&file, "[");
    maker_entry(&file, &maker, "0a0b", 1);
    bm_buf_add_str(&file, " , ");
    maker_entry(&file, &maker, "0c0d", 1);
    bm_buf_add_str(&file, "]");
    for (size_t n = 0; n < file.n; n++)
        assert_int_not_equal(mc_receive(NULL, bm_bytes(file.p, n), bm_buf_bytes(&maker.cert), bm_bytes(NULL, 0), NULL), BM_OK);
    assert_ok(mc_receive(NULL, bm_buf_bytes(&file), bm_buf_bytes(&maker.cert), bm_bytes(NULL, 0), NULL));
    bm_buf_add_str(&file, "]");
    assert_refused(BM_EINPUT, mc_receive(NULL, bm_buf_bytes(&file), bm_buf_bytes(&maker.cert), bm_bytes(NULL, 0), NULL),
                   "something stands behind the end of the list");
    maker_close(&maker);
}

/* A text of the entry replaced by another of any length. */
static void
replace(struct bm_buf *ret, struct bm_buf *text, const char *from, const char *to)
{
    const uint8_t *at = memmem(text->p, text->n, from, strlen(from));

    assert_non_null(at);
    bm_buf_reset(ret);
    bm_buf_add(ret, text->p, (size_t)(at - text->p));
    bm_buf_add_str(ret, to);
    bm_buf_add(ret, at + strlen(from), text->n - (size_t)(at - text->p) - strlen(from));
}

static void
entries_of_another_shape_are_refused(void **state)
{
    static const struct {
        const char *from, *to;
        enum bm_rc want;
    } cases[] = {
        { "{\"payload\"", "{ \"payload\"", BM_OK },
        { "{\"payload\"", "{\"payload\":\"e30\",\"payload\"", BM_EINPUT }, /* duplicate member */
        /* proves: RFC7515 7.2.2 */
        { "{\"payload\"", "{\"signatures\":[],\"payload\"", BM_EINPUT }, /* general and flattened at once */
        { "{\"payload\":\"", "{\"payload\":\"e30.", BM_EINPUT },         /* a dot inside */
        { "{\"payload\":\"", "{\"payload\":\" ", BM_EINPUT },            /* white space inside base64url */
        { "\",\"protected\"", "=\",\"protected\"", BM_EINPUT },          /* padding, RFC 7515 2 */
        { "\",\"header\"", "==\",\"header\"", BM_EINPUT },
        { "\"header\":{\"uniqueId\":\"0a0b\"}", "\"header\":{\"uniqueId\":\"0a0c\"}", BM_EPOLICY },
        { "\"header\":{\"uniqueId\":\"0a0b\"}", "\"header\":{\"uniqueId\":\"0A0B\"}", BM_EPOLICY },
        { "\"header\":{\"uniqueId\":\"0a0b\"}", "\"header\":{}", BM_EINPUT },
        { "\"header\":{\"uniqueId\":\"0a0b\"}", "\"header\":{\"uniqueId\":\"0a0b\",\"alg\":\"none\"}", BM_EINPUT },
        { ",\"header\":{\"uniqueId\":\"0a0b\"}", "", BM_EINPUT },
        /* proves: RFC7518 3.4 */
        { "\"signature\":\"", "\"signature\":\"AAAA", BM_EINPUT },
    };
    bm_cleanup(bm_buf_done) struct bm_buf good = { .max = 1 << 17 }, bad = { .max = 1 << 17 };
    struct maker maker;

    (void)state;
    maker_open(&maker, Y2024, BM_TIME_NEVER);
    maker_entry(&good, &maker, "0a0b", 2);
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        replace(&bad, &good, cases[i].from, cases[i].to);
        if (mc_receive_one(&maker, &bad, NULL) != cases[i].want)
            fail_msg("case %zu: %s", i, kit_fail.text);
    }
    maker_close(&maker);
}

/* Payloads that are signed and still say what may not be. */
static void
payloads_of_another_shape_are_refused(void **state)
{
    static const struct {
        const char *from, *to;
        enum bm_rc want;
    } cases[] = {
        { "\"model\"", " \"model\"", BM_OK },
        { "\"distributor\"", "\"distributer\"", BM_OK },
        { "\"model\"", "\"modelInfo\":{\"a\":1},\"encryptedSecretKeySet\":{\"keys\":[]},\"model\"", BM_OK },
        { "\"model\"", "\"unknown\":1,\"model\"", BM_EINPUT },
        { "\"model\"", "\"model\":\"x\",\"model\"", BM_EINPUT },
        { "\"version\":1", "\"version\":2", BM_EINPUT }, /* with keys, which it has not */
        { "\"version\":1", "\"version\":3", BM_OK },
        { "\"version\":1", "\"version\":4", BM_EINPUT },
        { "\"version\":1", "\"version\":\"1\"", BM_EINPUT },
        { "\"version\":1,", "", BM_EINPUT },
        { "20:14:53.773Z", "20:14:53Z", BM_OK },
        { "20:14:53.773Z", "20:14:53.Z", BM_EINPUT },
        { "20:14:53.773Z", "20:14:53.773+01:00", BM_EINPUT },
        { "20:14:53.773Z", "24:14:53.773Z", BM_EINPUT },
        { "2025-06-01", "2023-06-01", BM_EPOLICY },                    /* before its signer was valid */
        { "2025-06-01", "2027-06-01", BM_EPOLICY },                    /* after */
        { "\"groupId\":\"EXAMPLE1\"", "\"groupId\":\"EX 1\"", BM_OK }, /* a label: the lot is named after its file then */
        { "\"kid\":\"0\"", "\"kid\":\"1\"", BM_EINPUT },               /* two in one slot */
        { "\"kid\":\"0\"", "\"kid\":\"x\"", BM_EINPUT },
        { "\"kid\":\"0\"", "\"kid\":0", BM_EINPUT },
        { "\"kty\":\"EC\"", "\"kty\":\"RSA\"", BM_EINPUT },
        { "\"crv\":\"P-256\"", "\"crv\":\"P-384\"", BM_EINPUT },
        { "\"crv\":\"P-256\"", "\"d\":\"AA\",\"crv\":\"P-256\"", BM_EINPUT },
        /* proves: RFC7518 6.2.1.2 */
        { "\"x\":\"", "\"x\":\"AAAA", BM_EINPUT },
        { "\"x5c\":[\"", "\"x5c\":[\"AAAA\",\"", BM_EINPUT },
        { "\"x5c\":[\"", "\"x5c\":[1,\"", BM_EINPUT },
        { "\"organizationName\"", "\"organisation\"", BM_EINPUT },
        { "\"publicKeySet\"", "\"publicKeySets\"", BM_EINPUT },
    };
    bm_cleanup(bm_buf_done) struct bm_buf good = { .max = 1 << 17 }, bad = { .max = 1 << 17 };
    char protected_json[256];
    struct maker maker;

    (void)state;
    maker_open(&maker, Y2024, Y2026);
    maker_payload(&good, &maker, "0a0b", 2);
    maker_protected(protected_json, sizeof(protected_json), &maker);
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf entry = { .max = 1 << 17 };

        replace(&bad, &good, cases[i].from, cases[i].to);
        maker_sign(&entry, &maker, protected_json, bm_buf_bytes(&bad), "{\"uniqueId\":\"0a0b\"}");
        if (mc_receive_one(&maker, &entry, NULL) != cases[i].want)
            fail_msg("case %zu (%s): %s", i, cases[i].to, kit_fail.text);
    }
    maker_close(&maker);
}

static void
the_short_form_and_late_signers_are_refused_in_plain_words(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf payload = { .max = 1 << 17 }, other = { .max = 1 << 17 }, entry = { .max = 1 << 17 };
    char protected_json[256];
    struct maker maker;

    (void)state;
    maker_open(&maker, Y2024, Y2026);
    maker_payload(&payload, &maker, "0a0b", 1);
    maker_protected(protected_json, sizeof(protected_json), &maker);
    replace(&other, &payload, "\"version\":1", "\"version\":2");
    maker_sign(&entry, &maker, protected_json, bm_buf_bytes(&other), "{\"uniqueId\":\"0a0b\"}");
    assert_refused(BM_EINPUT, mc_receive_one(&maker, &entry, NULL),
                   "chip 0: it is of version 2, which lists no keys, and it has a publicKeySet");
    replace(&other, &payload, "2025-06-01", "2027-06-01");
    bm_buf_reset(&entry);
    maker_sign(&entry, &maker, protected_json, bm_buf_bytes(&other), "{\"uniqueId\":\"0a0b\"}");
    assert_refused(BM_EPOLICY, mc_receive_one(&maker, &entry, NULL),
                   "chip 0: it was signed for 2027-06-01T20:14:53Z by CN=Manifest Signer, whose certificate was not valid then");
    maker_close(&maker);
}

static void
a_certificate_of_another_key_is_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf payload = { .max = 1 << 17 }, other = { .max = 1 << 17 }, entry = { .max = 1 << 17 };
    const char *x5c = "\"x5c\":[";
    char protected_json[256];
    struct maker maker;
    uint8_t *at, *from;

    (void)state;
    maker_open(&maker, Y2024, Y2026);
    maker_payload(&payload, &maker, "0a0b", 1);
    maker_payload(&other, &maker, "0a0b", 1);
    /* the keys of the one, the certificate of the other: swapped where both begin */
    at = memmem(payload.p, payload.n, x5c, strlen(x5c));
    from = memmem(other.p, other.n, x5c, strlen(x5c));
    assert_true(at != NULL && from != NULL);
    payload.n = (size_t)(at - payload.p);
    bm_buf_add(&payload, from, other.n - (size_t)(from - other.p));
    maker_protected(protected_json, sizeof(protected_json), &maker);
    maker_sign(&entry, &maker, protected_json, bm_buf_bytes(&payload), "{\"uniqueId\":\"0a0b\"}");
    /* proves: RFC7517 4.7 */
    assert_refused(BM_EINPUT, mc_receive_one(&maker, &entry, NULL), "chip 0: slot 0: the key in its certificate is not the key beside it");
    maker_close(&maker);
}

static void
one_chip_twice_is_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf entry = { .max = 1 << 17 }, twice = { .max = 1 << 18 };
    struct maker maker;

    (void)state;
    maker_open(&maker, Y2024, Y2026);
    maker_entry(&entry, &maker, "0a0b", 1);
    bm_buf_add_bytes(&twice, bm_buf_bytes(&entry));
    bm_buf_add_str(&twice, ",");
    bm_buf_add_bytes(&twice, bm_buf_bytes(&entry));
    assert_refused(BM_EPOLICY, mc_receive_one(&maker, &twice, NULL),
                   "chip 1: 0a0b has a root key that chip 0 has too: two chips with one key cannot be told apart");
    bm_buf_reset(&entry);
    assert_refused_saying(BM_EINPUT, mc_receive_one(&maker, &entry, NULL),
                          "this is no lot in a format that is known here: a Birthmark manifest, ");
    maker_close(&maker);
}

static void
a_vendor_of_another_format_is_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 17 };
    struct bm_vendor vendor = { .name = "example", .format = BM_FORMAT_BIRTHMARK };
    struct bm_lot_result result;
    struct maker maker;

    (void)state;
    maker_open(&maker, Y2024, Y2026);
    bm_buf_add_str(&file, "[");
    maker_entry(&file, &maker, "0a0b", 1);
    bm_buf_add_str(&file, "]");
    assert_refused(BM_EPOLICY, kit_lot_read(&result, bm_buf_bytes(&file), &vendor, NULL),
                   "this is a lot in microchip's format, and the vendor example delivers in another");
    vendor.format = BM_FORMAT_MICROCHIP;
    assert_refused(BM_EINPUT, kit_lot_read(&result, bm_buf_bytes(&file), &vendor, NULL),
                   "the vendor example has 0 signer certificates: 1 to 64 are needed, add those that Microchip publishes");
    maker_close(&maker);
}

static void
a_retired_root_is_no_place_to_end(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 }, root = { .max = 4096 }, other = { .max = 4096 };
    struct maker maker, stranger;
    uint8_t retired[1][BM_HASH];
    struct bm_bytes roots[2];
    struct bm_lot_result result;

    (void)state;
    maker_open_ca(&maker, Y2024, Y2026);
    maker_open_ca(&stranger, Y2024, Y2026);
    /* the key of the chips' issuer, by a certificate that is no signer's */
    maker_cert_of(&root, maker.key, "Manifest Signer", bm_private_public(maker.key), "Manifest Signer", Y2024, Y2026 + 1, true);
    maker_cert_of(&other, stranger.key, "Somebody", bm_private_public(stranger.key), "Somebody", Y2024, Y2026, true);
    bm_buf_add_str(&file, "[");
    maker_entry(&file, &maker, "0a0b", 1);
    bm_buf_add_str(&file, "]");
    roots[0] = bm_buf_bytes(&root);
    roots[1] = bm_buf_bytes(&other);
    {
        const struct bm_bytes signer = bm_buf_bytes(&maker.cert);
        struct bm_vendor vendor = { .name = "microchip", .signers = { &signer, 1 }, .roots = { roots, 2 } };

        assert_ok(kit_lot_read(&result, bm_buf_bytes(&file), &vendor, NULL));
        bm_sha256(retired[0], roots[0]);
        vendor.retired = (const uint8_t(*)[BM_HASH])retired;
        vendor.nretired = 1;
        assert_refused_saying(BM_EPOLICY, kit_lot_read(&result, bm_buf_bytes(&file), &vendor, NULL),
                              "chip 0: its certificate: the certificate does not lead to a trusted one");
        vendor.roots.n = 1;
        assert_refused(BM_EPOLICY, kit_lot_read(&result, bm_buf_bytes(&file), &vendor, NULL),
                       "all roots of the vendor microchip are retired: add one that is believed");
    }
    maker_close(&maker);
    maker_close(&stranger);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(entries_of_another_shape_are_refused),
        cmocka_unit_test(payloads_of_another_shape_are_refused),
        cmocka_unit_test(the_short_form_and_late_signers_are_refused_in_plain_words),
        cmocka_unit_test(a_certificate_of_another_key_is_refused),
        cmocka_unit_test(one_chip_twice_is_refused),
        cmocka_unit_test(a_vendor_of_another_format_is_refused),
        cmocka_unit_test(a_retired_root_is_no_place_to_end),
    };

    return kit_end(cmocka_run_group_tests(tests, kit_crypto_open, kit_crypto_close));
}
