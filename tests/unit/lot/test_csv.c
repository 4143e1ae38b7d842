/* test_csv.c - lists in comma-separated values: Espressif's columns, others by a map, signatures beside the file, and what is no CSV. */
#include "kit.h"
#include "maker.h"

#include "lot/csv_rows.h"
#include "pki/cert.h"

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/pem.h>

#define Y2025 1735689600
#define Y2030 1893456000
#define NOW 1767225600

struct told {
    size_t nchips, nfindings;
    struct bm_leaf leaf[4];
    struct bm_finding finding[16];
};

static enum bm_rc
tell(void *ctx, uint64_t index, const struct bm_lot_chip *chip, struct bm_bytes der, const struct bm_leaf_digest *digest,
     struct bm_fail *fail)
{
    struct told *told = ctx;

    (void)digest;
    (void)index;
    if (der.n > 0 && told->nchips < BM_COUNT(told->leaf))
        assert_ok(bm_leaf_parse(&told->leaf[told->nchips], der, fail));
    told->nchips++;
    for (size_t i = 0; i < chip->nfindings && told->nfindings < BM_COUNT(told->finding); i++)
        told->finding[told->nfindings++] = chip->findings[i];
    return BM_OK;
}

static struct told told;
static struct bm_lot_result result;

/* The job's other members as the test sets them. */
static enum bm_rc
receive(struct bm_buf *file, struct bm_vendor *vendor, struct bm_lot_job job)
{
    struct bm_lot_sink sink = { .chip = tell, .ctx = &told };

    (void)snprintf(vendor->name, sizeof(vendor->name), "espressif");
    memset(&told, 0, sizeof(told));
    job.file = bm_buf_bytes(file);
    job.vendor = vendor;
    job.crypto = kit_crypto;
    job.file_name = "list.csv";
    job.now = job.now == 0 ? NOW : job.now;
    return bm_lot_read(&result, &job, &sink, &kit_fail);
}

static bool
found(enum bm_check check)
{
    for (size_t i = 0; i < told.nfindings; i++)
        if (told.finding[i].check == check)
            return true;
    return false;
}

static void
key_make(struct bm_key *key)
{
    bm_cleanup(bm_private_done) struct bm_private *private = NULL;

    assert_ok(bm_private_generate(&private, BM_KEY_P256, &kit_fail));
    *key = *bm_private_public(private);
}

/* The maker's own key as a CA: its signer's certificate is none. */
static void
ca_make(struct bm_buf *der, struct maker *maker)
{
    static const uint8_t serial[16] = { 1, 2, 3 };
    bm_cleanup(bm_buf_done) struct bm_buf name = { .max = BM_MAX_DN }, tbs = { .max = 4096 }, signature = { .max = BM_MAX_SIGNATURE };
    const struct bm_ca_subject subject = { .common_name = "Manifest Signer", .path_len = -1 };
    struct bm_issuer issuer = { .alg = BM_SIG_ECDSA_SHA256, .not_after = Y2030 };
    const struct bm_key *key = bm_private_public(maker->key);

    bm_name_build(&name, NULL, "Manifest Signer");
    issuer.subject = bm_buf_bytes(&name);
    memcpy(issuer.key_id, bm_key_ski(key).octets, sizeof(issuer.key_id));
    assert_ok(bm_tbs_ca_build(&tbs, &issuer, &subject, bm_key_spki(key), bm_bytes(serial, sizeof(serial)), Y2025, Y2030, &kit_fail));
    assert_ok(bm_private_sign(maker->key, bm_buf_bytes(&tbs), &signature, &kit_fail));
    der->max = 4096;
    bm_signed_build(der, bm_buf_bytes(&tbs), BM_SIG_ECDSA_SHA256, bm_buf_bytes(&signature));
}

/* Two chips under a CA in Espressif's columns; the last line without its end, as it is found. */
static void
espressif(struct bm_buf *file, struct maker *maker)
{
    static const char *const macs[] = { "4BA2BB8764BD", "E5B314DA749D" };

    file->max = 1 << 16;
    bm_buf_add_str(file, "MAC,cn,cert\n");
    for (int i = 0; i < 2; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };
        struct bm_key key;

        key_make(&key);
        maker_cert(&der, maker->key, "Manifest Signer", &key, macs[i], Y2025, Y2030);
        bm_buf_add_fmt(file, "%s,6d1d54ba-ed81-4c32-8e08-0000000000%02d,\"", macs[i], i);
        bm_pem_build(file, "CERTIFICATE", bm_buf_bytes(&der));
        bm_buf_add_str(file, i == 0 ? "\"\n" : "\"");
    }
}

static void
espressifs_columns_are_known(void **state)
{
    bm_cleanup(maker_close) struct maker maker, other;
    bm_cleanup(bm_buf_done) struct bm_buf file = { .n = 0 }, ca = { .n = 0 }, stranger = { .n = 0 };
    struct bm_bytes root;
    struct bm_vendor vendor = { .roots = { &root, 1 } };

    (void)state;
    maker_open(&maker, Y2025, Y2030);
    maker_open(&other, Y2025, Y2030);
    ca_make(&ca, &maker);
    ca_make(&stranger, &other);
    espressif(&file, &maker);
    root = bm_buf_bytes(&ca);
    assert_ok(receive(&file, &vendor, (struct bm_lot_job){ .injected = true }));
    assert_int_equal(result.format, BM_FORMAT_CSV);
    assert_int_equal(result.head.size, 2);
    assert_int_equal(result.checked, 2);
    assert_false(result.signed_whole);
    assert_true(found(BM_CHECK_UNSIGNED));
    assert_true(found(BM_CHECK_INJECTED));
    assert_false(found(BM_CHECK_FORM));
    assert_string_equal(told.leaf[0].id, "4BA2BB8764BD");
    assert_int_equal(told.leaf[0].id_source, BM_LABEL_COLUMN);
    assert_string_equal(bm_leaf_label(&told.leaf[1], "cn"), "6d1d54ba-ed81-4c32-8e08-000000000001");
    assert_int_equal(told.leaf[1].nhashes, 1);
    assert_int_equal(told.leaf[1].origin, BM_ORIGIN_INJECTED);
    root = bm_buf_bytes(&stranger);
    assert_rc(BM_EPOLICY, receive(&file, &vendor, (struct bm_lot_job){ .now = NOW }));
    /* cut anywhere but at the end of a line: refused */
    for (size_t n = 12; n < file.n; n += 7) {
        struct bm_buf cut = { .p = file.p, .n = n };

        root = bm_buf_bytes(&ca);
        if (file.p[n - 1] != '\n' || file.p[n - 2] != '"')
            assert_int_not_equal(receive(&cut, &vendor, (struct bm_lot_job){ .now = NOW }), BM_OK);
    }
}

static void
keys_in_every_spelling_and_columns_by_a_map(void **state)
{
    static const struct bm_column_map map[] = { { "key", "Pub" }, { "id", "No" }, { "batch", "Charge" } };
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 16 };
    struct bm_lot_job job = { .columns = map, .ncolumns = BM_COUNT(map) };
    struct bm_vendor vendor = { .name = "" };
    char hex[2 * BM_MAX_SPKI + 1];
    struct bm_key key[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        key_make(&key[i]);
    bm_buf_add_str(&file, "\xef\xbb\xbf"
                          "No,Charge,\"Pub\",other\r\n1,\"=cmd|\"\"x\"\"\",");
    bm_hex(hex, bm_key_spki(&key[0]));
    bm_buf_add_fmt(&file, "%s,\r\n2,b,", hex);
    bm_hex(hex, bm_bytes(key[1].spki + key[1].at_bits, key[1].nbits));
    bm_buf_add_fmt(&file, "%s,\r\n3,,", hex);
    bm_b64_add(&file, BM_B64_STD, bm_bytes(key[2].spki + key[2].at_bits + 1, 64u));
    bm_buf_add_str(&file, ",\r\n4,b,\"");
    bm_pem_build(&file, "PUBLIC KEY", bm_key_spki(&key[3]));
    bm_buf_add_str(&file, "\",\r\n");
    assert_ok(receive(&file, &vendor, job));
    assert_int_equal(result.head.size, 4);
    for (int i = 0; i < 4; i++)
        assert_memory_equal(told.leaf[i].keys[0].key.hash, key[i].hash, BM_HASH);
    /* what a spreadsheet would run is only text here */
    assert_string_equal(bm_leaf_label(&told.leaf[0], "batch"), "=cmd|\"x\"");
    assert_null(bm_leaf_label(&told.leaf[2], "batch"));
    assert_true(found(BM_CHECK_FORM)); /* "other" is not read */
    assert_refused(
        BM_EINPUT, receive(&file, &vendor, (struct bm_lot_job){ .columns = map + 1, .ncolumns = 2 }),
        "no column is known to be the chips' keys or certificates: say which it is with --column key=COLUMN or certificate=COLUMN");
    job.columns = (const struct bm_column_map[]){ { "key", "Pub" }, { "id", "Nr" } };
    job.ncolumns = 2;
    assert_refused(BM_EINPUT, receive(&file, &vendor, job), "the list has no column Nr");
}

static void
what_is_no_csv_is_refused(void **state)
{
    static const struct {
        const char *lines, *why;
    } bad[] = {
        { "1,%s,more\n", "its line has 3 fields, and the header 2" },
        { "1\n", "its line has 1 fields, and the header 2" },
        { "\n", "its line has 1 fields" },
        { "1\"\"2,%s\n", "is not as RFC 4180 has it" },
        { "\"1\"2,%s\n", "is not as RFC 4180 has it" },
        { "1\t,%s\n", "is not as RFC 4180 has it" },
        { "1\r2,%s\n", "is not as RFC 4180 has it" },
        { "\"1,%s\n", "a quotation mark is not closed" },
        { "a b,%s\n", "column 1 is no id" },
        { ",%s\n", "column 1 is no id" },
        { "1,00%s\n", "its key: " },
        { "1,\n", "its key: " },
        { "1,%s\n2,%s\n", "has a root key that chip 0 has too" },
    };
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 14 };
    struct bm_vendor vendor = { .name = "" };
    char hex[2 * BM_MAX_SPKI + 1];
    struct bm_key key;

    (void)state;
    key_make(&key);
    bm_hex(hex, bm_key_spki(&key));
    for (size_t i = 0; i < BM_COUNT(bad); i++) {
        bm_buf_reset(&file);
        bm_buf_add_str(&file, "id,key\n");
        for (const char *p = bad[i].lines; *p != 0; p++) {
            if (*p != '%') {
                bm_buf_add_u8(&file, (uint8_t)*p);
                continue;
            }
            p++; /* "%s" stands for the key */
            bm_buf_add_str(&file, hex);
        }
        assert_int_not_equal(receive(&file, &vendor, (struct bm_lot_job){ .now = NOW }), BM_OK);
        if (strstr(kit_fail.text, bad[i].why) == NULL)
            fail_msg("%zu: \"%s\" does not say \"%s\"", i, kit_fail.text, bad[i].why);
    }
    /* headers: one name twice, one meaning twice */
    bm_buf_reset(&file);
    bm_buf_add_fmt(&file, "id,key,id\n1,%s,1\n", hex);
    assert_refused(BM_EINPUT, receive(&file, &vendor, (struct bm_lot_job){ .now = NOW }), "columns 1 and 3 have one name");
    bm_buf_reset(&file);
    bm_buf_add_fmt(&file, "id,key,MAC\n1,%s,1\n", hex);
    assert_refused(BM_EINPUT, receive(&file, &vendor, (struct bm_lot_job){ .now = NOW }),
                   "columns 1 and 3 mean the same: say which it is with --column WHAT=COLUMN");
    /* no line end: told */
    bm_buf_reset(&file);
    bm_buf_add_fmt(&file, "id,key\n1,%s", hex);
    assert_ok(receive(&file, &vendor, (struct bm_lot_job){ .now = NOW }));
    assert_true(found(BM_CHECK_FORM));
}

/* ---- signatures beside the file ---- */

static void
cms_make(struct bm_buf *ret, struct maker *maker, struct bm_bytes content, unsigned flags)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 4096 };
    const uint8_t *p = maker->cert.p;
    X509 *cert = d2i_X509(NULL, &p, (long)maker->cert.n);
    BIO *in = BIO_new_mem_buf(content.p, (int)content.n), *bio;
    CMS_ContentInfo *cms;
    EVP_PKEY *key;
    uint8_t *der = NULL;
    int n;

    assert_ok(bm_private_build(&pem, maker->key, &kit_fail));
    bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    assert_non_null(key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL));
    assert_non_null(cms = CMS_sign(cert, key, NULL, in, CMS_BINARY | flags));
    assert_true((n = i2d_CMS_ContentInfo(cms, &der)) > 0);
    ret->max = 1 << 16;
    bm_buf_reset(ret);
    bm_buf_add(ret, der, (size_t)n);
    OPENSSL_free(der);
    CMS_ContentInfo_free(cms);
    EVP_PKEY_free(key);
    X509_free(cert);
    BIO_free(bio);
    BIO_free(in);
}

static void
a_cms_signature_beside_the_file(void **state)
{
    bm_cleanup(maker_close) struct maker maker, other;
    bm_cleanup(bm_buf_done) struct bm_buf file = { .n = 0 }, cms = { .n = 0 };
    struct bm_bytes signer;
    struct bm_vendor vendor = { .signers = { &signer, 1 } };
    struct bm_lot_job job = { .now = 0 };
    uint8_t hash[1][BM_HASH];

    (void)state;
    maker_open(&maker, Y2025, 2208988800);
    maker_open(&other, Y2025, 2208988800);
    espressif(&file, &maker);
    signer = bm_buf_bytes(&maker.cert);
    cms_make(&cms, &maker, bm_buf_bytes(&file), CMS_DETACHED);
    job.now = 2000000000; /* CMS_sign() writes the clock's time */
    job.signature = bm_buf_bytes(&cms);
    assert_ok(receive(&file, &vendor, job));
    assert_true(result.signed_whole);
    assert_int_equal(result.checked, 1);
    assert_int_equal(strncmp(result.signer, "CN=Manifest Signer ", 19), 0);
    assert_false(found(BM_CHECK_UNSIGNED));
    assert_int_equal(told.leaf[0].id_source, BM_LABEL_SIGNED);
    /* nobody takes the signature away */
    job.signature.n = 0;
    assert_refused_saying(BM_EPOLICY, receive(&file, &vendor, job), "nobody signed the list, and signers are pinned for espressif");
    job.signature = bm_buf_bytes(&cms);
    /* received before it was signed */
    job.now = NOW - 100 * 86400;
    assert_refused_saying(BM_EPOLICY, receive(&file, &vendor, job), "a time that has yet to come");
    job.now = 2000000000;
    /* one byte of the file, of the signature; another signer; one who was retired; a part of it */
    file.p[20] ^= 1;
    assert_refused_saying(BM_EPOLICY, receive(&file, &vendor, job), "does not verify");
    file.p[20] ^= 1;
    cms.p[cms.n - 1] ^= 1;
    assert_rc(BM_EPOLICY, receive(&file, &vendor, job));
    cms.p[cms.n - 1] ^= 1;
    signer = bm_buf_bytes(&other.cert);
    assert_rc(BM_EPOLICY, receive(&file, &vendor, job));
    signer = bm_buf_bytes(&maker.cert);
    bm_sha256(hash[0], signer);
    vendor.retired = (const uint8_t(*)[BM_HASH])hash;
    vendor.nretired = 1;
    assert_refused_saying(BM_EPOLICY, receive(&file, &vendor, job), "which was retired for the vendor espressif");
    vendor.nretired = 0;
    for (size_t n = 1; n < cms.n; n++) {
        job.signature = bm_bytes(cms.p, n);
        assert_int_not_equal(receive(&file, &vendor, job), BM_OK);
    }
    /* the content inside instead of beside: not what is asked for */
    cms_make(&cms, &maker, bm_buf_bytes(&file), 0);
    job.signature = bm_buf_bytes(&cms);
    assert_refused_saying(BM_EPOLICY, receive(&file, &vendor, job), "is not one detached signature");
}

static void
a_signer_is_judged_when_it_signed(void **state)
{
    bm_cleanup(maker_close) struct maker maker, late;
    bm_cleanup(bm_buf_done) struct bm_buf file = { .n = 0 }, cms = { .n = 0 };
    struct bm_bytes signer;
    struct bm_vendor vendor = { .signers = { &signer, 1 } };
    struct bm_lot_job job = { .now = 2208988800 };

    (void)state;
    /* valid when it signed (the clock's now), expired at receipt */
    maker_open(&maker, Y2025, 2100000000);
    espressif(&file, &maker);
    signer = bm_buf_bytes(&maker.cert);
    cms_make(&cms, &maker, bm_buf_bytes(&file), CMS_DETACHED);
    job.signature = bm_buf_bytes(&cms);
    assert_ok(receive(&file, &vendor, job));
    assert_true(found(BM_CHECK_SIGNER_EXPIRED));
    /* expired before it signed */
    maker_open(&late, Y2025, Y2025 + 86400);
    signer = bm_buf_bytes(&late.cert);
    cms_make(&cms, &late, bm_buf_bytes(&file), CMS_DETACHED);
    job.signature = bm_buf_bytes(&cms);
    assert_refused(BM_EPOLICY, receive(&file, &vendor, job), "chip 0: the certificate of the list's signer was not valid when it signed");
}

static void
jws_make(struct bm_buf *ret, struct maker *maker, const char *header, struct bm_bytes file)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 1 << 18 }, der = { .max = BM_MAX_SIGNATURE };
    uint8_t raw[64] = { 0 };
    struct bm_rd rd, in;

    bm_b64_add(&text, BM_B64_URL, bm_bytes_str(header));
    ret->max = 1 << 14;
    bm_buf_reset(ret);
    bm_buf_add_bytes(ret, bm_buf_bytes(&text));
    bm_buf_add_str(ret, "..");
    bm_buf_add_str(&text, ".");
    bm_b64_add(&text, BM_B64_URL, file);
    assert_ok(bm_private_sign(maker->key, bm_buf_bytes(&text), &der, &kit_fail));
    rd = bm_rd(bm_buf_bytes(&der));
    in = bm_der_enter(&rd, BM_DER_SEQUENCE);
    for (int i = 0; i < 2; i++) {
        struct bm_bytes half = bm_der_positive(&in);

        memcpy(raw + 32 * (i + 1) - half.n, half.p, half.n);
    }
    bm_b64_add(ret, BM_B64_URL, bm_bytes(raw, sizeof(raw)));
}

/* RFC 7515 appendix F */
static void
a_jws_beside_the_file(void **state)
{
    bm_cleanup(maker_close) struct maker maker;
    bm_cleanup(bm_buf_done) struct bm_buf file = { .n = 0 }, jws = { .n = 0 };
    struct bm_bytes signer;
    struct bm_vendor vendor = { .signers = { &signer, 1 } };
    struct bm_lot_job job = { .now = NOW };
    char header[200];

    (void)state;
    maker_open(&maker, Y2025, Y2030);
    espressif(&file, &maker);
    signer = bm_buf_bytes(&maker.cert);
    (void)snprintf(header, sizeof(header), "{\"alg\":\"ES256\",\"x5t#S256\":\"%s\"}", maker.x5t);
    jws_make(&jws, &maker, header, bm_buf_bytes(&file));
    job.signature = bm_buf_bytes(&jws);
    assert_ok(receive(&file, &vendor, job));
    assert_true(result.signed_whole);
    for (size_t n = 1; n < jws.n; n++) {
        job.signature = bm_bytes(jws.p, n);
        assert_int_not_equal(receive(&file, &vendor, job), BM_OK);
    }
    job.signature = bm_buf_bytes(&jws);
    file.p[20] ^= 1;
    assert_refused_saying(BM_EPOLICY, receive(&file, &vendor, job), "does not verify");
    file.p[20] ^= 1;
    /* it says no time, so it is judged at receipt */
    job.now = Y2030 + 10;
    assert_refused_saying(BM_EPOLICY, receive(&file, &vendor, job), "was not valid when it signed");
    job.now = NOW;
    (void)snprintf(header, sizeof(header), "{\"alg\":\"none\",\"x5t#S256\":\"%s\"}", maker.x5t);
    jws_make(&jws, &maker, header, bm_buf_bytes(&file));
    job.signature = bm_buf_bytes(&jws);
    assert_refused_saying(BM_EPOLICY, receive(&file, &vendor, job), "another algorithm than ES256");
    /* "b64": false would change what is signed */
    (void)snprintf(header, sizeof(header), "{\"alg\":\"ES256\",\"x5t#S256\":\"%s\",\"b64\":false,\"crit\":[\"b64\"]}", maker.x5t);
    jws_make(&jws, &maker, header, bm_buf_bytes(&file));
    job.signature = bm_buf_bytes(&jws);
    assert_rc(BM_EINPUT, receive(&file, &vendor, job));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(espressifs_columns_are_known),      cmocka_unit_test(keys_in_every_spelling_and_columns_by_a_map),
        cmocka_unit_test(what_is_no_csv_is_refused),         cmocka_unit_test(a_cms_signature_beside_the_file),
        cmocka_unit_test(a_signer_is_judged_when_it_signed), cmocka_unit_test(a_jws_beside_the_file),
    };

    return kit_end(cmocka_run_group_tests(tests, kit_crypto_open, kit_crypto_close));
}
