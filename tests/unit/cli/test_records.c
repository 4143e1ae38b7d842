/* test_records.c - trust.txt, a vendor's record, a told leaf, a server's url: read as written, refused when cut or changed. */
#include "kit.h"

#include "cli/leaf.h"
#include "cli/maker.h"
#include "cli/places.h"
#include "cli/server_cert.h"
#include "pki/private.h"
#include "pki/tbs.h"

static struct bm_fail fail;

static void
signer_make(struct bm_note_signer *signer, const char *name, uint8_t first)
{
    uint8_t seed[BM_NOTE_KEY] = { first };

    assert_int_equal(bm_note_signer_init(signer, name, seed, &fail), BM_OK);
}

static void
test_trust(void **state)
{
    static const uint8_t roots[2][BM_HASH] = { { 0xab, 0x01 }, { 0xcd } };
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 4096 };
    bm_cleanup(bm_note_signer_wipe) struct bm_note_signer signer = { .seed = { 0 } };
    struct bm_trust trust;
    uint8_t site[BM_HASH];

    (void)state;
    signer_make(&signer, "birthmark/site", 1);
    bm_trust_build(&text, &signer.key, roots, 1, false);
    assert_int_equal(bm_trust_parse(&trust, bm_buf_bytes(&text), &fail), BM_OK);
    assert_true(bm_note_key_equal(&trust.ledger, &signer.key));
    assert_int_equal(trust.nroots, 1);
    assert_memory_equal(trust.roots[0], roots[0], BM_HASH);
    bm_sha256(site, bm_bytes(signer.key.key, BM_NOTE_KEY));
    assert_memory_equal(trust.site, site, BM_HASH);
    for (size_t n = 0; n < text.n; n++)
        assert_int_equal(bm_trust_parse(&trust, bm_bytes(text.p, n), &fail), BM_EINPUT);
    bm_buf_reset(&text);
    bm_trust_build(&text, &signer.key, roots, 2, false);
    assert_int_equal(bm_trust_parse(&trust, bm_buf_bytes(&text), &fail), BM_OK);
    assert_int_equal(trust.nroots, 2);
    assert_memory_equal(trust.roots[1], roots[1], BM_HASH);
    bm_buf_add_str(&text, "root 00\n");
    assert_int_equal(bm_trust_parse(&trust, bm_buf_bytes(&text), &fail), BM_EINPUT);
}

/* A self-signed certificate. */
static void
cert_make(struct bm_buf *der)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = 4096 };
    bm_cleanup(bm_buf_done) struct bm_buf name = { .max = 512 };
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE };
    struct bm_issuer issuer = { .alg = BM_SIG_ECDSA_SHA256, .not_after = BM_TIME_NEVER };
    uint8_t serial[BM_NEW_SERIAL];

    assert_int_equal(bm_private_generate(&key, BM_KEY_P256, &fail), BM_OK);
    assert_int_equal(bm_serial_make(serial, &fail), BM_OK);
    bm_name_build(&name, "O", "CA");
    issuer.subject = bm_buf_bytes(&name);
    memcpy(issuer.key_id, bm_key_ski(bm_private_public(key)).octets, sizeof(issuer.key_id));
    assert_int_equal(bm_tbs_ca_build(&tbs, &issuer, &(struct bm_ca_subject){ .common_name = "CA", .organization = "O", .path_len = 0 },
                                     bm_key_spki(bm_private_public(key)), bm_bytes(serial, sizeof(serial)), 1700000000, 1900000000, &fail),
                     BM_OK);
    assert_int_equal(bm_private_sign(key, bm_buf_bytes(&tbs), &signature, &fail), BM_OK);
    bm_signed_build(der, bm_buf_bytes(&tbs), BM_SIG_ECDSA_SHA256, bm_buf_bytes(&signature));
    assert_false(der->bad);
}

static void
test_vendor_record(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 65536 };
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = 65536 };
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = 4096 };
    bm_cleanup(bm_note_signer_wipe) struct bm_note_signer signer = { .seed = { 0 } };
    struct bm_bytes certs[1];
    const struct bm_maker made = { .vendor = { .name = "Example Silicon",
                                               .format = BM_FORMAT_AUTO,
                                               .keys = &signer.key,
                                               .nkeys = 1,
                                               .signers = { .der = certs, .n = 1 },
                                               .roots = { .der = certs, .n = 1 } } };
    struct bm_maker read = { .keys = NULL };

    (void)state;
    signer_make(&signer, "0-begins-as-DER-does", 2); /* '0' is 0x30 */
    cert_make(&der);
    certs[0] = bm_buf_bytes(&der);
    bm_maker_build(&body, &made);
    assert_int_equal(bm_maker_parse(&read, bm_buf_bytes(&body), &fail), BM_OK);
    assert_string_equal(read.vendor.name, "Example Silicon");
    assert_int_equal(read.vendor.nkeys, 1);
    assert_true(bm_note_key_equal(&read.vendor.keys[0], &signer.key));
    assert_true(read.vendor.signers.n == 1 && bm_bytes_equal(read.vendor.signers.der[0], certs[0]));
    assert_true(read.vendor.roots.n == 1 && bm_bytes_equal(read.vendor.roots.der[0], certs[0]));
    bm_maker_build(&again, &read);
    assert_true(bm_bytes_equal(bm_buf_bytes(&again), bm_buf_bytes(&body)));
    bm_maker_done(&read);
    /* a record of a site's first days ends where the retired signers would begin */
    for (size_t n = 0; n < body.n - 1; n++)
        assert_int_equal(bm_maker_parse(&read, bm_bytes(body.p, n), &fail), BM_EINPUT);
    assert_int_equal(bm_maker_parse(&read, bm_bytes(body.p, body.n - 1), &fail), BM_OK);
    bm_maker_done(&read);
    bm_buf_add_u8(&body, 0);
    assert_int_equal(bm_maker_parse(&read, bm_buf_bytes(&body), &fail), BM_EINPUT);
}

static void
test_key_name_of_a_vendor(void **state)
{
    char name[BM_NOTE_NAME + 1];

    (void)state;
    bm_maker_key_name(name, "Example Silicon + Sons");
    assert_string_equal(name, "Example-Silicon---Sons");
    assert_true(bm_note_name_ok(name));
}

static void
test_told_leaf(void **state)
{
    static const char good[] =
        "{\"index\":7,\"salt\":\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\",\"event\":\"x\\n\"}";
    static const char *const bad[] = {
        "{\"index\":-1,\"salt\":\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\",\"event\":\"x\"}",
        "{\"index\":\"7\",\"salt\":\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\",\"event\":\"x\"}",
        "{\"index\":7,\"salt\":\"00\",\"event\":\"x\"}",
        "{\"index\":7,\"salt\":\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"}",
        "[]",
    };
    bm_cleanup(bm_told_done) struct bm_told told = { .index = 0 };

    (void)state;
    for (size_t n = 0; n < sizeof(good) - 1; n++)
        assert_int_equal(bm_told_parse(&told, bm_bytes(good, n), &fail), BM_EINPUT);
    for (size_t i = 0; i < BM_COUNT(bad); i++)
        assert_int_equal(bm_told_parse(&told, bm_bytes_str(bad[i]), &fail), BM_EINPUT);
    assert_int_equal(bm_told_parse(&told, bm_bytes_str(good), &fail), BM_OK);
    assert_int_equal(told.index, 7);
    assert_int_equal(told.salt[31], 0x1f);
    assert_true(bm_bytes_equal(bm_buf_bytes(&told.event), bm_bytes_str("x\n")));
}

/* proves: RFC5280 4.1.2.2 */
static void
test_serial_is_positive_and_long(void **state)
{
    uint8_t serial[BM_NEW_SERIAL], before[BM_NEW_SERIAL] = { 0 };

    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(bm_serial_make(serial, &fail), BM_OK);
        assert_int_equal(serial[0] >> 6, 1); /* the sign bit is clear, and the first octet never zero */
        assert_memory_not_equal(serial, before, sizeof(serial));
        memcpy(before, serial, sizeof(serial));
    }
}

static void
test_url(void **state)
{
    static const struct {
        const char *url, *host;
    } good[] = { { "https://line1.example:8443", "line1.example" },
                 { "https://localhost", "localhost" },
                 { "https://[::1]:8443", "::1" },
                 { "https://192.0.2.7:1", "192.0.2.7" },
                 { "https://a:65535", "a" } };
    static const char *const bad[] = {
        "http://a",        "https://",    "https://:8443", "https://a:",    "https://a:x",     "https://a/path",
        "https://a:1/x",   "https://[a",  "https://[]:1",  "https://u@a:1", "https://a?b=c",   "a",
        "https://a:65536", "https://a:0", "https://a b",   "https://a\n",   "https://a\x1b[m", "https://[::1\n]"
    };
    char host[BM_HOST];

    (void)state;
    for (size_t i = 0; i < BM_COUNT(good); i++) {
        assert_true(bm_url_host(host, good[i].url));
        assert_string_equal(host, good[i].host);
    }
    for (size_t i = 0; i < BM_COUNT(bad); i++)
        assert_false(bm_url_host(host, bad[i]));
}

static void
put(const char *dir, const char *place, struct bm_bytes bytes)
{
    char path[BM_PATH];

    assert_int_equal(bm_path_join(path, dir, place, &fail), BM_OK);
    assert_int_equal(bm_file_write(path, bytes, 0600, &fail), BM_OK);
}

/* A home with no more in it than a server CA. */
static void
home_make(char *dir, bm_time now)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = 4096 }, name = { .max = 512 }, signature = { .max = 512 }, der = { .max = 4096 },
                                          pem = { .max = 8192 };
    struct bm_issuer issuer = { .alg = BM_SIG_ECDSA_SHA256, .not_after = BM_TIME_NEVER };
    uint8_t serial[BM_NEW_SERIAL];
    char path[BM_PATH];

    assert_non_null(mkdtemp(dir));
    assert_int_equal(bm_path_join(path, dir, "ca", &fail), BM_OK);
    assert_int_equal(bm_dir_make(path, 0700, &fail), BM_OK);
    assert_int_equal(bm_path_join(path, dir, "gate", &fail), BM_OK);
    assert_int_equal(bm_dir_make(path, 0700, &fail), BM_OK);
    assert_int_equal(bm_private_generate(&key, BM_KEY_P256, &fail), BM_OK);
    assert_int_equal(bm_serial_make(serial, &fail), BM_OK);
    bm_name_build(&name, "O", "Server CA");
    issuer.subject = bm_buf_bytes(&name);
    memcpy(issuer.key_id, bm_key_ski(bm_private_public(key)).octets, sizeof(issuer.key_id));
    assert_int_equal(bm_tbs_ca_build(&tbs, &issuer,
                                     &(struct bm_ca_subject){ .common_name = "Server CA", .organization = "O", .path_len = 0 },
                                     bm_key_spki(bm_private_public(key)), bm_bytes(serial, sizeof(serial)), now - 86400,
                                     now + 86400 * (bm_time)4000, &fail),
                     BM_OK);
    assert_int_equal(bm_private_sign(key, bm_buf_bytes(&tbs), &signature, &fail), BM_OK);
    bm_signed_build(&der, bm_buf_bytes(&tbs), BM_SIG_ECDSA_SHA256, bm_buf_bytes(&signature));
    bm_pem_build(&pem, "CERTIFICATE", bm_buf_bytes(&der));
    put(dir, "ca/server.pem", bm_buf_bytes(&pem));
    bm_buf_reset(&pem);
    assert_int_equal(bm_private_build(&pem, key, &fail), BM_OK);
    put(dir, BM_PLACE_SERVER_CA_KEY, bm_buf_bytes(&pem));
}

static void
home_remove(const char *dir)
{
    static const char *const names[] = { "ca/server.pem", "ca/server.key", "gate/server.pem", "gate/server.key", "ca", "gate" };
    char path[BM_PATH];

    for (size_t i = 0; i < BM_COUNT(names); i++) {
        assert_int_equal(bm_path_join(path, dir, names[i], &fail), BM_OK);
        assert_int_equal(remove(path), 0);
    }
    assert_int_equal(rmdir(dir), 0);
}

static bool
is_good(const char *dir, const char *url, bm_time at, bm_time *ret_until)
{
    bool good = false;

    assert_int_equal(bm_server_cert_good(dir, url, at, &good, ret_until, &fail), BM_OK);
    return good;
}

/* Good until 30 days before its end, and for its own host alone; made anew with the same key. */
static void
test_server_certificate(void **state)
{
    static const char url[] = "https://line1.example:8443", other[] = "https://192.0.2.7:8443";
    bm_cleanup(bm_buf_done) struct bm_buf key = { .max = 4096 }, later = { .max = 4096 };
    const bm_time now = 1800000000, day = 86400;
    char dir[] = "/tmp/birthmark-cli-XXXXXX";
    bm_time until = 0;

    (void)state;
    home_make(dir, now);
    assert_int_equal(bm_server_cert_make(dir, url, now, &fail), BM_OK);
    assert_true(is_good(dir, url, now, &until));
    assert_true(until - now <= 397 * day && until - now > 396 * day);
    assert_true(is_good(dir, url, until - 30 * day, &until));
    assert_false(is_good(dir, url, until - 30 * day + 1, &until));
    assert_true(is_good(dir, "", now, &until)); /* this machine's own names always */
    assert_false(is_good(dir, other, now, &until));
    assert_int_equal(bm_place_read(&key, dir, BM_PLACE_GATE_KEY, "", &fail), BM_OK);
    assert_int_equal(bm_server_cert_make(dir, other, now, &fail), BM_OK);
    assert_true(is_good(dir, other, now, &until));
    assert_int_equal(bm_place_read(&later, dir, BM_PLACE_GATE_KEY, "", &fail), BM_OK);
    assert_true(bm_bytes_equal(bm_buf_bytes(&key), bm_buf_bytes(&later)));
    home_remove(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trust),
        cmocka_unit_test(test_vendor_record),
        cmocka_unit_test(test_key_name_of_a_vendor),
        cmocka_unit_test(test_told_leaf),
        cmocka_unit_test(test_serial_is_positive_and_long),
        cmocka_unit_test(test_url),
        cmocka_unit_test(test_server_certificate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
