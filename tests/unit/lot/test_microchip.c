/* test_microchip.c - Microchip's signed manifests: the real file is received, and what JWS libraries have fallen for is not. */
#include "kit.h"
#include "maker.h"

#include "lot/issuers.h"
#include "pki/cert.h"

#define REAL "data/microchip/ECC608C-TNGTLSU-B.json"
#define SIGNER_5 "data/microchip/MCHP_manifest_signer_5_Mar_6-2024_noExpiration.crt"
#define SIGNER_4 "data/microchip/MCHP_manifest_signer_4_Jul-18-2023_Jul-18-2026.crt"
#define ROOT_002 "data/microchip/trust-go-root-ca-002.der"
#define Y2024 1704067200
#define Y2026 1767225600

struct told {
    uint64_t nleaves, nkeys, nhashes;
    char first_id[BM_MAX_ID + 1];
    struct bm_leaf leaf;
    struct kit_odd odd;
};

static enum bm_rc
tell_chip(void *ctx, uint64_t index, const struct bm_lot_chip *chip, struct bm_bytes der, struct bm_fail *fail)
{
    struct told *told = ctx;

    assert_int_equal(index, told->nleaves++);
    assert_ok(bm_leaf_parse(&told->leaf, der, fail));
    if (index == 0)
        (void)snprintf(told->first_id, sizeof(told->first_id), "%s", told->leaf.id);
    told->nkeys += told->leaf.nkeys;
    told->nhashes += told->leaf.nhashes;
    kit_odd_take(&told->odd, index, chip);
    return BM_OK;
}

/* With this signer, and this root or none; result and told may be NULL. */
static enum bm_rc
receive(struct bm_lot_result *ret, struct bm_bytes file, struct bm_bytes signer, struct bm_bytes root, struct told *told)
{
    struct bm_vendor vendor = { .name = "microchip", .signers = { &signer, 1 }, .roots = { &root, root.n > 0 } };
    struct bm_lot_sink sink = { .chip = tell_chip, .ctx = told };
    struct bm_lot_result ignored;

    return kit_lot_read(ret != NULL ? ret : &ignored, file, &vendor, told != NULL ? &sink : NULL);
}

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
    static struct told told;

    (void)state;
    if (!kit_shared(&file, REAL) || !shared_cert(&signer, SIGNER_5) || !kit_shared(&root, ROOT_002))
        kit_skip(KIT_NO_SHARED);
    assert_ok(receive(&result, bm_buf_bytes(&file), bm_buf_bytes(&signer), bm_buf_bytes(&root), &told));
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
    assert_refused(BM_EPOLICY, receive(NULL, bm_buf_bytes(&file), bm_buf_bytes(&signer4), bm_bytes(NULL, 0), NULL),
                   "chip 0: it is signed by the certificate 571d99841117e3afb34f28886045903fa785cc283dd2e8068e1e5ea4604ce0e3, "
                   "which is not pinned for the vendor microchip: if it is Microchip's, add it");
    /* signer 5 is no root of the chips' certificates */
    assert_rc(BM_EPOLICY, receive(NULL, bm_buf_bytes(&file), bm_buf_bytes(&signer5), bm_buf_bytes(&signer5), NULL));
}

/* proves: RFC7515 5.2 */
/* The third entry: every letter and digit of protected, header and signature and of the payload's beginning, one in seven of the rest. */
static void
one_changed_byte_anywhere_in_the_real_file_is_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 }, signer = { .max = 1 << 16 };
    struct {
        size_t from, until;
    } entry = { 0, 0 };
    size_t tried = 0, ends = 0;

    (void)state;
    if (!kit_shared(&file, REAL) || !shared_cert(&signer, SIGNER_5))
        kit_skip(KIT_NO_SHARED);
    for (size_t i = 0; i + 3 < file.n && entry.until == 0; i++) {
        if (memcmp(file.p + i, "\n  }", 4) != 0)
            continue;
        ends++;
        if (ends == 2)
            entry.from = i + 4;
        else if (ends == 3)
            entry.until = i;
    }
    assert_true(entry.until > entry.from);
    /* white space and the order of members are not data; letters and digits are */
    for (size_t i = entry.from; i < entry.until; i++) {
        uint8_t old = file.p[i];
        bool alnum = (old >= '0' && old <= '9') || (old >= 'A' && old <= 'Z') || (old >= 'a' && old <= 'z');

        if (!alnum || (i - entry.from > 400 && i % 7 != 0 && entry.until - i > 700))
            continue;
        file.p[i] ^= old >= 'A' ? 0x20 : 1;
        tried++;
        if (receive(NULL, bm_buf_bytes(&file), bm_buf_bytes(&signer), bm_bytes(NULL, 0), NULL) == BM_OK)
            fail_msg("byte %zu changed and received all the same", i);
        if (strncmp(kit_fail.text, "chip 2: ", 8) != 0)
            fail_msg("byte %zu: no chip named: %s", i, kit_fail.text);
        file.p[i] = old;
    }
    assert_true(tried > 1000);
    assert_ok(receive(NULL, bm_buf_bytes(&file), bm_buf_bytes(&signer), bm_bytes(NULL, 0), NULL));
}

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
        assert_int_not_equal(receive(NULL, bm_bytes(file.p, n), bm_buf_bytes(&maker.cert), bm_bytes(NULL, 0), NULL), BM_OK);
    assert_ok(receive(NULL, bm_buf_bytes(&file), bm_buf_bytes(&maker.cert), bm_bytes(NULL, 0), NULL));
    bm_buf_add_str(&file, "]");
    assert_refused(BM_EINPUT, receive(NULL, bm_buf_bytes(&file), bm_buf_bytes(&maker.cert), bm_bytes(NULL, 0), NULL),
                   "something stands behind the end of the list");
    maker_close(&maker);
}

static enum bm_rc
receive_one(struct maker *maker, struct bm_buf *entry, struct told *told)
{
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 };

    bm_buf_add_str(&file, "[");
    bm_buf_add_bytes(&file, bm_buf_bytes(entry));
    bm_buf_add_str(&file, "]");
    return receive(NULL, bm_buf_bytes(&file), bm_buf_bytes(&maker->cert), bm_bytes(NULL, 0), told);
}

/*
 * The known ways to fool a JWS reader, each signed with the good key over the very bytes that are shown, so that only the header refuses.
 * %K is the right kid, %X the right x5t#S256.
 */
static void
protected_headers_that_are_not_the_one_are_refused(void **state)
{
    static const struct {
        const char *why, *text;
        enum bm_rc want;
    } cases[] = {
        { "good", "{\"alg\":\"ES256\",\"kid\":\"%K\",\"typ\":\"JWT\",\"x5t#S256\":\"%X\"}", BM_OK },
        { "good in another order", "{\"x5t#S256\":\"%X\",\"typ\":\"JWT\",\"kid\":\"%K\", \"alg\":\"ES256\"}", BM_OK },
        /* proves: RFC7518 3.1 */
        { "none", "{\"alg\":\"none\",\"kid\":\"%K\",\"typ\":\"JWT\",\"x5t#S256\":\"%X\"}", BM_EPOLICY },
        { "None", "{\"alg\":\"None\",\"kid\":\"%K\",\"typ\":\"JWT\",\"x5t#S256\":\"%X\"}", BM_EPOLICY },
        { "HS256", "{\"alg\":\"HS256\",\"kid\":\"%K\",\"typ\":\"JWT\",\"x5t#S256\":\"%X\"}", BM_EPOLICY },
        { "ES384", "{\"alg\":\"ES384\",\"kid\":\"%K\",\"typ\":\"JWT\",\"x5t#S256\":\"%X\"}", BM_EPOLICY },
        { "es256", "{\"alg\":\"es256\",\"kid\":\"%K\",\"typ\":\"JWT\",\"x5t#S256\":\"%X\"}", BM_EPOLICY },
        { "empty alg", "{\"alg\":\"\",\"kid\":\"%K\",\"typ\":\"JWT\",\"x5t#S256\":\"%X\"}", BM_EPOLICY },
        { "no alg", "{\"kid\":\"%K\",\"typ\":\"JWT\",\"x5t#S256\":\"%X\"}", BM_EINPUT },
        { "alg null", "{\"alg\":null,\"kid\":\"%K\",\"typ\":\"JWT\",\"x5t#S256\":\"%X\"}", BM_EINPUT },
        { "alg list", "{\"alg\":[\"ES256\"],\"kid\":\"%K\",\"typ\":\"JWT\",\"x5t#S256\":\"%X\"}", BM_EINPUT },
        { "alg twice", "{\"alg\":\"none\",\"alg\":\"ES256\",\"kid\":\"%K\",\"typ\":\"JWT\",\"x5t#S256\":\"%X\"}", BM_EINPUT },
        { "typ", "{\"alg\":\"ES256\",\"kid\":\"%K\",\"typ\":\"JOSE\",\"x5t#S256\":\"%X\"}", BM_EPOLICY },
        /* proves: RFC7515 4.1.11 */
        { "crit", "{\"alg\":\"ES256\",\"crit\":[\"exp\"],\"exp\":1,\"kid\":\"%K\",\"typ\":\"JWT\",\"x5t#S256\":\"%X\"}", BM_EINPUT },
        { "crit, empty", "{\"alg\":\"ES256\",\"crit\":[],\"kid\":\"%K\",\"typ\":\"JWT\",\"x5t#S256\":\"%X\"}", BM_EINPUT },
        { "b64 false", "{\"alg\":\"ES256\",\"b64\":false,\"kid\":\"%K\",\"typ\":\"JWT\",\"x5t#S256\":\"%X\"}", BM_EINPUT },
        { "own key", "{\"alg\":\"ES256\",\"jwk\":{},\"kid\":\"%K\",\"typ\":\"JWT\",\"x5t#S256\":\"%X\"}", BM_EINPUT },
        { "other kid", "{\"alg\":\"ES256\",\"kid\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"typ\":\"JWT\",\"x5t#S256\":\"%X\"}", BM_EPOLICY },
        { "no kid", "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"x5t#S256\":\"%X\"}", BM_EINPUT },
        { "no x5t", "{\"alg\":\"ES256\",\"kid\":\"%K\",\"typ\":\"JWT\"}", BM_EINPUT },
        { "other x5t", "{\"alg\":\"ES256\",\"kid\":\"%K\",\"typ\":\"JWT\",\"x5t#S256\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
          BM_EPOLICY },
        { "short x5t", "{\"alg\":\"ES256\",\"kid\":\"%K\",\"typ\":\"JWT\",\"x5t#S256\":\"AAAA\"}", BM_EINPUT },
        { "padded x5t", "{\"alg\":\"ES256\",\"kid\":\"%K\",\"typ\":\"JWT\",\"x5t#S256\":\"%X=\"}", BM_EINPUT },
        { "trailing bytes", "{\"alg\":\"ES256\",\"kid\":\"%K\",\"typ\":\"JWT\",\"x5t#S256\":\"%X\"}x", BM_EINPUT },
        { "no object", "\"ES256\"", BM_EINPUT },
        { "nothing", "", BM_EINPUT },
    };
    struct bm_buf payload = { .max = 1 << 16 };
    struct maker maker;

    (void)state;
    maker_open(&maker, Y2024, BM_TIME_NEVER);
    maker_payload(&payload, &maker, "0a0b", 1);
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 4096 }, entry = { .max = 1 << 17 };

        for (const char *p = cases[i].text; *p != 0; p++) {
            if (p[0] == '%' && (p[1] == 'K' || p[1] == 'X'))
                bm_buf_add_str(&text, *++p == 'K' ? maker.kid : maker.x5t);
            else
                bm_buf_add_u8(&text, (uint8_t)*p);
        }
        bm_buf_add_u8(&text, 0);
        maker_sign(&entry, &maker, (const char *)text.p, bm_buf_bytes(&payload), "{\"uniqueId\":\"0a0b\"}");
        if (receive_one(&maker, &entry, NULL) != cases[i].want)
            fail_msg("%s: %s", cases[i].why, kit_fail.text);
    }
    bm_buf_done(&payload);
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
        { "{\"payload\"", "{\"signatures\":[],\"payload\"", BM_EINPUT },   /* general and flattened at once, RFC 7515 7.2.2 */
        { "{\"payload\":\"", "{\"payload\":\"e30.", BM_EINPUT },           /* a dot inside */
        { "{\"payload\":\"", "{\"payload\":\" ", BM_EINPUT },              /* white space inside base64url */
        { "\",\"protected\"", "=\",\"protected\"", BM_EINPUT },            /* padding, RFC 7515 2 */
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
        if (receive_one(&maker, &bad, NULL) != cases[i].want)
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
        if (receive_one(&maker, &entry, NULL) != cases[i].want)
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
    assert_refused(BM_EINPUT, receive_one(&maker, &entry, NULL),
                   "chip 0: the payload has a field \"publicKeySet\" that is not known here: remove it");
    replace(&other, &payload, "2025-06-01", "2027-06-01");
    bm_buf_reset(&entry);
    maker_sign(&entry, &maker, protected_json, bm_buf_bytes(&other), "{\"uniqueId\":\"0a0b\"}");
    assert_refused(BM_EPOLICY, receive_one(&maker, &entry, NULL),
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
    assert_refused(BM_EINPUT, receive_one(&maker, &entry, NULL), "chip 0: slot 0: the key in its certificate is not the key beside it");
    maker_close(&maker);
}

/* What was proven once can only say yes: a certificate under a known issuer, and signed by another key, is refused as if nothing were remembered. */
static void
a_known_issuer_vouches_only_for_what_it_signed(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf ca = { .max = 4096 }, good = { .max = 4096 }, bad = { .max = 4096 };
    static struct bm_issuers issuers; /* too large for a frame */
    struct maker maker, other;
    struct bm_bytes between, anchor;
    uint32_t verified = 0;

    (void)state;
    maker_open(&maker, Y2024, Y2026);
    maker_open(&other, Y2024, Y2026);
    maker_cert(&good, maker.key, "Manifest Signer", bm_private_public(other.key), "chip", Y2024, Y2026);
    maker_cert(&bad, other.key, "Manifest Signer", bm_private_public(maker.key), "chip", Y2024, Y2026);
    maker_cert_of(&ca, maker.key, "Manifest Signer", bm_private_public(maker.key), "Manifest Signer", Y2024, Y2026, true);
    between = anchor = bm_buf_bytes(&ca);
    for (int i = 0; i < 3; i++) {
        assert_ok(bm_issuers_check(&issuers, kit_crypto, bm_buf_bytes(&good), (struct bm_certs){ &between, 1 },
                                   (struct bm_certs){ &anchor, 1 }, Y2024 + 5, &verified, &kit_fail));
        assert_int_equal(verified, 1);
        assert_rc(BM_EPOLICY, bm_issuers_check(&issuers, kit_crypto, bm_buf_bytes(&bad), (struct bm_certs){ &between, 1 },
                                               (struct bm_certs){ &anchor, 1 }, Y2024 + 5, &verified, &kit_fail));
        assert_rc(BM_EPOLICY, bm_issuers_check(&issuers, kit_crypto, bm_buf_bytes(&good), (struct bm_certs){ &between, 1 },
                                               (struct bm_certs){ &anchor, 1 }, Y2026 + 5, &verified, &kit_fail));
    }
    bm_issuers_done(&issuers);
    /* a chip's own certificate handed over as one between: the path does without it, and it vouches for nobody */
    bm_buf_reset(&bad);
    maker_cert(&bad, other.key, "chip", bm_private_public(maker.key), "forged", Y2024, Y2026);
    between = bm_buf_bytes(&good);
    assert_ok(bm_issuers_check(&issuers, kit_crypto, bm_buf_bytes(&good), (struct bm_certs){ &between, 1 }, (struct bm_certs){ &anchor, 1 },
                               Y2024 + 5, &verified, &kit_fail));
    assert_rc(BM_EPOLICY, bm_issuers_check(&issuers, kit_crypto, bm_buf_bytes(&bad), (struct bm_certs){ &between, 1 },
                                           (struct bm_certs){ &anchor, 1 }, Y2024 + 5, &verified, &kit_fail));
    bm_issuers_done(&issuers);
    maker_close(&maker);
    maker_close(&other);
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
    assert_refused(BM_EPOLICY, receive_one(&maker, &twice, NULL),
                   "chip 1: 0a0b has a root key that chip 0 has too: two chips with one key cannot be told apart");
    bm_buf_reset(&entry);
    assert_refused_saying(BM_EINPUT, receive_one(&maker, &entry, NULL),
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_real_file_is_received_ten_of_ten),
        cmocka_unit_test(the_real_file_is_refused_with_another_signer_or_root),
        cmocka_unit_test(one_changed_byte_anywhere_in_the_real_file_is_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(protected_headers_that_are_not_the_one_are_refused),
        cmocka_unit_test(entries_of_another_shape_are_refused),
        cmocka_unit_test(payloads_of_another_shape_are_refused),
        cmocka_unit_test(the_short_form_and_late_signers_are_refused_in_plain_words),
        cmocka_unit_test(a_certificate_of_another_key_is_refused),
        cmocka_unit_test(a_known_issuer_vouches_only_for_what_it_signed),
        cmocka_unit_test(one_chip_twice_is_refused),
        cmocka_unit_test(a_vendor_of_another_format_is_refused),
    };

    return kit_end(cmocka_run_group_tests(tests, kit_crypto_open, kit_crypto_close));
}
