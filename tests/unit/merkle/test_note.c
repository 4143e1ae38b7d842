/* test_note.c - signed notes: others' notes verify, ours are what others make, and nothing else passes. */
#include "merkle/note.h"

#include "wire/text.h"

#include <openssl/evp.h>
#include <openssl/ec.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

/* The example of golang.org/x/mod/sumdb/note. */
#define GO_VKEY "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define GO_TEXT "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
#define GO_LINE "\xe2\x80\x94 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
#define GO_NOTE GO_TEXT "\n" GO_LINE

/* Two operators; keys and signatures made with openssl pkey and openssl pkeyutl -sign -rawin. Seeds: 00 01 .. 1f and 32 times b0. */
#define TEXT "birthmark/pin/v1\nlot caf\xc3\xa9\n\nend\n"
#define A_VKEY "op-a.example/keys+b1178613+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
#define A_LINE \
    "\xe2\x80\x94 op-a.example/keys sReGE7Fu+l76aHqt/gyZljmO9EvbbSsSn+5CDGzVc7WMijIEzUe0mxzn0J3azUnK4m4Rjxl/UJ+/sgeHMAw4qZTAUAk=\n"
#define B_VKEY "op-b.example/keys+909fd445+AXBfusAfVRmJn0N7xC5AJVrpq1S/8A3jQzr31ofZ5xrV"
#define B_LINE \
    "\xe2\x80\x94 op-b.example/keys kJ/URRpwDdY7WdLoIjnPJPq96SntiMFsP/w6NBCrKoNDUced7dD3dac+Aof8ZR+Ol6FQZ1FNhSVe3iOCLlQ+6XGojQc=\n"

static struct bm_note_key
key_of(const char *vkey)
{
    struct bm_note_key key = { .id = 0 };
    struct bm_fail fail = { 0 };

    assert_int_equal(bm_note_vkey_parse(&key, bm_bytes_str(vkey), &fail), BM_OK);
    return key;
}

static struct bm_note_signer
signer_of(char who)
{
    struct bm_note_signer signer = { 0 };
    struct bm_fail fail = { 0 };
    uint8_t seed[BM_NOTE_KEY];

    for (size_t i = 0; i < sizeof(seed); i++)
        seed[i] = who == 'a' ? (uint8_t)i : 0xb0;
    assert_int_equal(bm_note_signer_init(&signer, who == 'a' ? "op-a.example/keys" : "op-b.example/keys", seed, &fail), BM_OK);
    return signer;
}

static enum bm_rc
check(const char *text, const struct bm_note_key *key, struct bm_fail *fail)
{
    struct bm_note note;
    enum bm_rc rc = bm_note_parse(&note, bm_bytes_str(text), fail);

    return rc == BM_OK ? bm_note_check(&note, key, fail) : rc;
}

static void
a_note_of_the_go_library_verifies(void **state)
{
    struct bm_note_key key = key_of(GO_VKEY);
    struct bm_fail fail = { 0 };

    (void)state;
    assert_string_equal(key.name, "PeterNeumann");
    assert_int_equal(key.id, 0xc74f20a3);
    assert_int_equal(check(GO_NOTE, &key, &fail), BM_OK);
}

static void
our_notes_are_those_that_openssl_makes(void **state)
{
    bm_cleanup(bm_note_signer_wipe) struct bm_note_signer a = signer_of('a');
    bm_cleanup(bm_note_signer_wipe) struct bm_note_signer b = signer_of('b');
    const struct bm_note_signer *const both[] = { &a, &b };
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 2000 };
    struct bm_fail fail = { 0 };

    (void)state;
    bm_note_vkey_build(&buf, &a.key);
    assert_true(bm_bytes_equal(bm_buf_bytes(&buf), bm_bytes_str(A_VKEY)));
    bm_buf_reset(&buf);
    assert_int_equal(bm_note_build(&buf, bm_bytes_str(TEXT), both, 2, &fail), BM_OK);
    assert_true(bm_bytes_equal(bm_buf_bytes(&buf), bm_bytes_str(TEXT "\n" A_LINE B_LINE)));
}

static void
who_signed_is_told_apart(void **state)
{
    const struct bm_note_key keys[] = { key_of(GO_VKEY), key_of(A_VKEY), key_of(B_VKEY) };
    static const struct {
        const char *text;
        uint64_t who;
    } cases[] = {
        { TEXT "\n" A_LINE, 2 },
        { TEXT "\n" B_LINE A_LINE, 6 },
        { GO_NOTE, 1 },
        { TEXT "\n\xe2\x80\x94 stranger AAAAAAA=\n", 0 },
        { TEXT "\n\xe2\x80\x94 stranger AAAAAAA=\n" B_LINE, 4 },
        /* the same name with another id is another key */
        { TEXT "\n\xe2\x80\x94 op-a.example/keys AAAAAAA=\n" B_LINE, 4 },
    };
    struct bm_fail fail = { 0 };
    struct bm_note note;
    uint64_t who;

    (void)state;
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        who = 99;
        assert_int_equal(bm_note_parse(&note, bm_bytes_str(cases[i].text), &fail), BM_OK);
        assert_int_equal(bm_note_check_any(&note, keys, BM_COUNT(keys), &who, &fail), BM_OK);
        assert_int_equal(who, cases[i].who);
        for (size_t k = 0; k < BM_COUNT(keys); k++)
            assert_int_equal(bm_note_check(&note, &keys[k], &fail), (who >> k & 1) != 0 ? BM_OK : BM_EPOLICY);
    }
}

static void
a_known_key_with_a_bad_signature_is_refused_whoever_else_signed(void **state)
{
    const struct bm_note_key keys[] = { key_of(A_VKEY), key_of(B_VKEY) };
    struct bm_fail fail = { 0 };
    struct bm_note note;
    uint64_t who = 99;
    /* B's signature under A's name and id, and one that is too short */
    static const char *const wrong[] = {
        TEXT "!\n\n" A_LINE,
        TEXT "!\n\n" B_LINE A_LINE,
        TEXT "\n" B_LINE "\xe2\x80\x94 op-a.example/keys sReGEwA=\n",
        TEXT
        "\n" B_LINE
        "\xe2\x80\x94 op-a.example/keys sReGE0UacA3WO1nS6CI5zyT6vekp7YjBbD/8OjQQqyqDQ1HHne3Q93WnPgKH/GUfjpehUGdRTYUlXt4jgi5UPulxqI0H\n",
    };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(wrong); i++) {
        assert_int_equal(bm_note_parse(&note, bm_bytes_str(wrong[i]), &fail), BM_OK);
        assert_int_equal(bm_note_check(&note, &keys[0], &fail), BM_EINPUT);
        assert_int_equal(bm_note_check_any(&note, keys, 2, &who, &fail), BM_EINPUT);
        assert_int_equal(who, 99);
    }
}

static void
every_truncation_and_every_changed_byte_is_refused(void **state)
{
    static const char good[] = TEXT "\n" A_LINE;
    struct bm_note_key key = key_of(A_VKEY);
    struct bm_fail fail = { 0 };
    char text[sizeof(good)];
    struct bm_note note;

    (void)state;
    for (size_t n = 0; n < sizeof(good) - 1; n++)
        assert_int_equal(bm_note_parse(&note, bm_bytes(good, n), &fail), BM_EINPUT);
    for (size_t i = 0; i < sizeof(good) - 1; i++) {
        memcpy(text, good, sizeof(good));
        text[i] ^= 1;
        assert_int_not_equal(check(text, &key, &fail), BM_OK);
    }
}

static void
what_is_not_a_note_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "\n",
        "\n\n",
        TEXT,
        TEXT "\n",
        A_LINE,
        "\n" A_LINE,
        "no end\n" A_LINE,
        TEXT "\n" A_LINE "\n",
        TEXT "\n" A_LINE A_LINE,
        TEXT "\n" A_LINE "more\n",
        TEXT "\n- op-a.example/keys sReGEwA=\n",
        TEXT "\n\xe2\x80\x94op-a.example/keys sReGEwA=\n",
        TEXT "\n\xe2\x80\x94  sReGEwA=\n",
        TEXT "\n\xe2\x80\x94 a+b sReGEwA=\n",
        TEXT "\n\xe2\x80\x94 a\xc2\xa0"
             "b sReGEwA=\n",
        TEXT "\n\xe2\x80\x94 a  sReGEwA=\n",
        TEXT "\n\xe2\x80\x94 a sReGEwA= \n",
        TEXT "\n\xe2\x80\x94 a sReGEw==\n", /* an id without a signature */
        TEXT "\n\xe2\x80\x94 a sReGEwA\n",
        TEXT "\n\xe2\x80\x94 a sReGEwB=\n",
        TEXT "\n\xe2\x80\x94 a sReG-wA=\n",
        TEXT "\n\xe2\x80\x94 a\n",
        TEXT "\n\xe2\x80\x94 a sReGEwA=\r\n",
        "tab\there\n\n" A_LINE,
        "cr\r\n\n" A_LINE,
        "bad \xff\n\n" A_LINE,
        "c1 \xc2\x85\n\n" A_LINE,
    };
    struct bm_fail fail = { 0 };
    struct bm_note note;

    (void)state;
    for (size_t i = 0; i < BM_COUNT(wrong); i++)
        if (bm_note_parse(&note, bm_bytes_str(wrong[i]), &fail) != BM_EINPUT)
            fail_msg("taken for a note: %s", wrong[i]);
    assert_int_equal(bm_note_parse(&note, bm_bytes("a\0b\n\n" A_LINE, 5 + sizeof(A_LINE) - 1), &fail), BM_EINPUT);
}

static void
sixteen_signatures_pass_and_seventeen_do_not(void **state)
{
    bm_cleanup(bm_note_signer_wipe) struct bm_note_signer a = signer_of('a');
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = BM_MAX_NOTE };
    struct bm_fail fail = { 0 };
    struct bm_note note;

    (void)state;
    bm_buf_add_str(&buf, TEXT "\n" A_LINE);
    for (int i = 0; i < 15; i++)
        bm_buf_add_fmt(&buf, "\xe2\x80\x94 witness%d AAAAAAA=\n", i);
    assert_int_equal(bm_note_parse(&note, bm_buf_bytes(&buf), &fail), BM_OK);
    assert_int_equal(note.nsigs, 16);
    assert_int_equal(bm_note_check(&note, &a.key, &fail), BM_OK);
    bm_buf_add_str(&buf, GO_LINE);
    assert_int_equal(bm_note_parse(&note, bm_buf_bytes(&buf), &fail), BM_EINPUT);
    assert_string_equal(fail.text, "the note has more than 16 signatures");
}

static void
only_text_is_signed(void **state)
{
    static const char *const wrong[] = { "", "no end", "a\tb\n", "\xff\n", "a\rb\n" };
    bm_cleanup(bm_note_signer_wipe) struct bm_note_signer a = signer_of('a');
    const struct bm_note_signer *const twice[] = { &a, &a };
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 1000 };
    struct bm_fail fail = { 0 };

    (void)state;
    bm_buf_add_str(&buf, "kept");
    for (size_t i = 0; i < BM_COUNT(wrong); i++)
        assert_int_equal(bm_note_build(&buf, bm_bytes_str(wrong[i]), twice, 1, &fail), BM_EINPUT);
    assert_int_equal(bm_note_build(&buf, bm_bytes_str(TEXT), twice, 2, &fail), BM_EINPUT);
    assert_int_equal(bm_note_build(&buf, bm_bytes_str(TEXT), twice, 0, &fail), BM_EINPUT);
    assert_true(bm_bytes_equal(bm_buf_bytes(&buf), bm_bytes_str("kept")));
}

static void
a_damaged_verifier_key_is_refused(void **state)
{
    static const char good[] = A_VKEY;
    struct bm_note_key key;
    struct bm_fail fail = { 0 };
    char text[sizeof(good)];

    (void)state;
    for (size_t n = 0; n < sizeof(good) - 1; n++)
        assert_int_equal(bm_note_vkey_parse(&key, bm_bytes(good, n), &fail), BM_EINPUT);
    for (size_t i = 0; i < sizeof(good) - 1; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(text, good, sizeof(good));
            text[i] = (char)(text[i] ^ (1 << bit));
            assert_int_equal(bm_note_vkey_parse(&key, bm_bytes(text, sizeof(good) - 1), &fail), BM_EINPUT);
        }
    assert_int_equal(bm_note_vkey_parse(&key, bm_bytes_str(A_VKEY "\n"), &fail), BM_EINPUT);
    /* an id in capitals, another type, another id */
    assert_int_equal(bm_note_vkey_parse(&key, bm_bytes_str("PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"), &fail),
                     BM_EINPUT);
    assert_string_equal(fail.text, "the verifier key is damaged: its id must be c74f20a3");
}

/* The key of Sigstore's public log, whose log id is SHA-256 of it: c0d23d6ad406973f... */
#define REKOR_SPKI \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2G2Y+2tabdTV5BcGiBIx0a9fAFwrkBbmLSGtks4L3qX6yYY0zufBnhC8Ur/iy55GhWP/9A/bY2LhC30M9+RYtw=="
#define REKOR_VKEY                                                                                                                 \
    "rekor.sigstore.dev+c0d23d6a+AjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNhtmPtrWm3U1eQXBogSMdGvXwBcK5AW5i0hrZLOC96l+smGNM7nwZ4QvFK/" \
    "4sueRoVj//QP22Ni4Qt9DPfkWLc="

/* proves: RFC5480 2.2 */
static void
verifier_keys_of_p256(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf spki = { .max = 256 }, again = { .max = BM_NOTE_VKEY };
    struct bm_note_key key, made;
    struct bm_fail fail = { 0 };

    (void)state;
    assert_int_equal(bm_b64_parse(&spki, BM_B64_STD, bm_bytes_str(REKOR_SPKI), &fail), BM_OK);
    assert_int_equal(bm_note_vkey_parse(&key, bm_bytes_str(REKOR_VKEY), &fail), BM_OK);
    assert_int_equal(key.id, 0xc0d23d6a);
    assert_int_equal(key.type, BM_NOTE_ECDSA);
    assert_int_equal(bm_note_key_init_p256(&made, "rekor.sigstore.dev", bm_buf_bytes(&spki), &fail), BM_OK);
    assert_true(bm_note_key_equal(&key, &made));
    bm_note_vkey_build(&again, &key);
    assert_true(bm_bytes_equal(bm_buf_bytes(&again), bm_bytes_str(REKOR_VKEY)));
    for (size_t n = 0; n < sizeof(REKOR_VKEY) - 1; n++)
        assert_int_equal(bm_note_vkey_parse(&key, bm_bytes(REKOR_VKEY, n), &fail), BM_EINPUT);
    for (size_t n = 0; n < spki.n; n++)
        assert_int_equal(bm_note_key_init_p256(&made, "r", bm_bytes(spki.p, n), &fail), BM_EINPUT);
    for (size_t i = 0; i < spki.n; i++) { /* another curve, another form, a point that is on none */
        spki.p[i] ^= 1;
        assert_int_equal(bm_note_key_init_p256(&made, "r", bm_buf_bytes(&spki), &fail), BM_EINPUT);
        spki.p[i] ^= 1;
    }
}

/* As a token gives it: DER over SHA-256 of the text. */
static void
p256_sign(EVP_PKEY *key, const char *text, struct bm_buf *signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t der[80];
    size_t n = sizeof(der);

    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(ctx, der, &n, (const uint8_t *)text, strlen(text)), 1);
    EVP_MD_CTX_free(ctx);
    bm_buf_reset(signature);
    bm_buf_add(signature, der, n);
}

static void
notes_signed_with_p256(void **state)
{
    static const char text[] = "birthmark/test\n";
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = 128 }, note = { .max = BM_MAX_NOTE }, longer = { .max = 128 };
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    uint8_t *spki = NULL;
    struct bm_fail fail = { 0 };
    struct bm_note_key key;
    struct bm_note parsed;
    int n = i2d_PUBKEY(pair, &spki);

    (void)state;
    assert_int_equal(n, BM_NOTE_SPKI);
    assert_int_equal(bm_note_key_init_p256(&key, "card", bm_bytes(spki, (size_t)n), &fail), BM_OK);
    p256_sign(pair, text, &signature);
    assert_int_equal(bm_note_join(&note, bm_bytes_str(text), &key, bm_buf_bytes(&signature), &fail), BM_OK);
    assert_int_equal(bm_note_parse(&parsed, bm_buf_bytes(&note), &fail), BM_OK);
    assert_int_equal(bm_note_check(&parsed, &key, &fail), BM_OK);
    parsed.text = bm_bytes_str("birthmark/tost\n");
    assert_int_equal(bm_note_check(&parsed, &key, &fail), BM_EINPUT);
    for (size_t cut = 0; cut < signature.n; cut++)
        assert_int_equal(bm_note_join(&note, bm_bytes_str(text), &key, bm_bytes(signature.p, cut), &fail), BM_EBUSY);
    bm_buf_add_bytes(&longer, bm_buf_bytes(&signature));
    bm_buf_add_u8(&longer, 0);
    assert_int_equal(bm_note_join(&note, bm_bytes_str(text), &key, bm_buf_bytes(&longer), &fail), BM_EBUSY);
    OPENSSL_free(spki);
    EVP_PKEY_free(pair);
}

static void
names_hold_no_space_and_no_plus(void **state)
{
    static const char *const good[] = { "a", "ledger.example/site-1", "caf\xc3\xa9", "\xf0\x9f\x94\x91", "x,y=z" };
    static const char *const bad[] = {
        "", "a b", "a+b", "a\n", "a\xc2\xa0", "\xe2\x80\x83", "\xe3\x80\x80", "\xe1\x9a\x80", "\xe2\x81\x9f", "\xff", "\x7f"
    };
    char longest[BM_NOTE_NAME + 2];

    (void)state;
    for (size_t i = 0; i < BM_COUNT(good); i++)
        assert_true(bm_note_name_ok(good[i]));
    for (size_t i = 0; i < BM_COUNT(bad); i++)
        assert_false(bm_note_name_ok(bad[i]));
    memset(longest, 'n', sizeof(longest));
    longest[BM_NOTE_NAME + 1] = 0;
    assert_false(bm_note_name_ok(longest));
    longest[BM_NOTE_NAME] = 0;
    assert_true(bm_note_name_ok(longest));
}

static void
private_keys_are_those_of_rfc_8410(void **state)
{
    /* RFC 8410 10.3 and 10.1 */
    static const char pem[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                              "-----END PRIVATE KEY-----\n";
    static const uint8_t public[] = { 0x19, 0xbf, 0x44, 0x09, 0x69, 0x84, 0xcd, 0xfe, 0x85, 0x41, 0xba, 0xc1, 0x67, 0xdc, 0x3b, 0x96,
                                      0xc8, 0x50, 0x86, 0xaa, 0x30, 0xb6, 0xb6, 0xcb, 0x0c, 0x5c, 0x38, 0xad, 0x70, 0x31, 0x66, 0xe1 };
    bm_cleanup(bm_note_signer_wipe) struct bm_note_signer signer = { 0 };
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 200 };
    struct bm_fail fail = { 0 };
    char text[sizeof(pem)];

    (void)state;
    assert_int_equal(bm_note_signer_pem_parse(&signer, "n", bm_bytes_str(pem), &fail), BM_OK);
    assert_memory_equal(signer.key.key, public, sizeof(public));
    assert_string_equal(signer.key.name, "n");
    bm_note_signer_pem_build(&buf, &signer);
    assert_true(bm_bytes_equal(bm_buf_bytes(&buf), bm_bytes_str(pem)));
    for (size_t n = 0; n < sizeof(pem) - 1; n++)
        assert_int_equal(bm_note_signer_pem_parse(&signer, "n", bm_bytes(pem, n), &fail), BM_EINPUT);
    memcpy(text, pem, sizeof(pem));
    text[29] = 'D'; /* another structure than PKCS#8 */
    assert_int_equal(bm_note_signer_pem_parse(&signer, "n", bm_bytes_str(text), &fail), BM_EINPUT);
    assert_int_equal(bm_note_signer_pem_parse(&signer, "a b", bm_bytes_str(pem), &fail), BM_EINPUT);
    bm_note_signer_wipe(&signer);
    assert_int_equal(signer.seed[0] | signer.seed[31], 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_note_of_the_go_library_verifies),
        cmocka_unit_test(our_notes_are_those_that_openssl_makes),
        cmocka_unit_test(who_signed_is_told_apart),
        cmocka_unit_test(a_known_key_with_a_bad_signature_is_refused_whoever_else_signed),
        cmocka_unit_test(every_truncation_and_every_changed_byte_is_refused),
        cmocka_unit_test(what_is_not_a_note_is_refused),
        cmocka_unit_test(sixteen_signatures_pass_and_seventeen_do_not),
        cmocka_unit_test(only_text_is_signed),
        cmocka_unit_test(a_damaged_verifier_key_is_refused),
        cmocka_unit_test(verifier_keys_of_p256),
        cmocka_unit_test(notes_signed_with_p256),
        cmocka_unit_test(names_hold_no_space_and_no_plus),
        cmocka_unit_test(private_keys_are_those_of_rfc_8410),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
