/* test_bundle_parts.c - what goes along with a request: the word of the key that it renews, of the station that it came by; in order, once, and for this request. */
#include "bundle_kit.h"

#include "evidence/word.h"

static void
parts_stand_in_order_once_and_are_known(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
    } bad[] = {
        { "\1\0\0\1x", 5 },        /* type 0 */
        { "\1\1\0\0", 4 },         /* an empty part */
        { "\1\1\0\2x", 5 },        /* cut short */
        { "\2\1\0\1x\1\0\1x", 9 }, /* twice */
        { "\1\377\0\1x", 5 },      /* not known */
        { "\0x", 2 },
        { "\5", 1 },
    };
    MADE(made);
    KIT_BUF(buf);
    struct bm_bundle out;
    size_t n;

    (void)state;
    cmc_make(&made, BM_ROOT_SECURE_ELEMENT, root, op, NOW / BM_NONCE_EPOCH);
    bm_bundle_build(&buf, &made.bundle);
    n = buf.n - 1;
    for (size_t i = 0; i < BM_COUNT(bad); i++) {
        buf.n = n;
        bm_buf_add(&buf, bad[i].bytes, bad[i].n);
        assert_rc(BM_EINPUT, bm_bundle_parse(&out, bm_buf_bytes(&buf), &kit_fail));
    }
    buf.n = n;
    bm_buf_add(&buf, "\1\1\0\1x", 5);
    assert_ok(bm_bundle_parse(&out, bm_buf_bytes(&buf), &kit_fail));
    assert_true(bm_bytes_equal(out.part[BM_PART_RENEWAL], bm_bytes_str("x")));
}

/* ---- renewal ---- */

/* A root-signed request for op with the word of this key over what it should sign, or over something else. */
static void
renewal_make(struct made *made, struct bm_buf *part, struct bm_private *current, bool over_csr)
{
    KIT_BUF(tbs);
    KIT_BUF(signature);
    struct bm_word renewal = { .key = bm_key_spki(bm_private_public(current)) };
    struct bm_cmc cmc;

    cmc_make(made, BM_ROOT_SECURE_ELEMENT, root, op, NOW / BM_NONCE_EPOCH);
    assert_ok(bm_cmc_parse(&cmc, made->bundle.body, &kit_fail));
    bm_word_tbs(&tbs, BM_WORD_RENEWAL, over_csr ? cmc.csr.der : bm_bytes_str("another request"));
    assert_ok(bm_private_sign(current, bm_buf_bytes(&tbs), &signature, &kit_fail));
    renewal.signature = bm_buf_bytes(&signature);
    bm_word_build(part, &renewal);
    made->bundle.part[BM_PART_RENEWAL] = bm_buf_bytes(part);
}

static void
a_renewal_has_the_word_of_the_current_key(void **state)
{
    static const enum bm_key_alg algs[] = { BM_KEY_P256, BM_KEY_P384, BM_KEY_ED25519 };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(algs); i++) {
        bm_cleanup(bm_private_done) struct bm_private *current = NULL;
        MADE(made);
        KIT_BUF(part);

        assert_ok(bm_private_generate(&current, algs[i], &kit_fail));
        renewal_make(&made, &part, current, true);
        assert_ok(check(&made, &fresh));
        assert_true(made.claim->renews && made.proven);
        assert_memory_equal(made.claim->current, bm_private_public(current)->hash, BM_HASH);
        assert_memory_equal(made.claim->key.hash, bm_private_public(op)->hash, BM_HASH);
    }
}

static void
a_renewal_that_its_key_did_not_sign_is_refused(void **state)
{
    bm_cleanup(bm_private_done) struct bm_private *current = NULL;

    (void)state;
    assert_ok(bm_private_generate(&current, BM_KEY_P256, &kit_fail));
    for (size_t i = 0; i < 4; i++) {
        MADE(made);
        KIT_BUF(part);
        struct bm_private *const by[] = { current, root, ek, op };
        static const char *const says[] = { "the key of the renewal did not sign", "root key", "root key", "for the key that signs it" };

        renewal_make(&made, &part, by[i], i > 0);
        assert_refused_saying(BM_EPOLICY, check(&made, &fresh), says[i]);
        assert_true(made.proven); /* the root key spoke, so it is an event */
    }
}

static void
every_truncation_of_a_renewal_is_refused(void **state)
{
    MADE(made);
    KIT_BUF(part);
    struct bm_word out;

    (void)state;
    renewal_make(&made, &part, ak, true);
    assert_ok(bm_word_parse(&out, bm_buf_bytes(&part), "the renewal", &kit_fail));
    for (size_t n = 0; n < part.n; n++)
        assert_rc(BM_EINPUT, bm_word_parse(&out, bm_bytes(part.p, n), "the renewal", &kit_fail));
    bm_buf_add_u8(&part, 0);
    assert_rc(BM_EINPUT, bm_word_parse(&out, bm_buf_bytes(&part), "the renewal", &kit_fail));
}

/* ---- the station that a request came by ---- */

static void
station_make(struct made *made, struct bm_buf *part, struct bm_private *station, const char *order, bool over_csr)
{
    KIT_BUF(tbs);
    KIT_BUF(signature);
    struct bm_station_word said = { .order = "demo-1", .word = { .key = bm_key_spki(bm_private_public(station)) } };
    char label[BM_STATION_LABEL];
    struct bm_cmc cmc;

    cmc_make(made, BM_ROOT_SECURE_ELEMENT, root, op, NOW / BM_NONCE_EPOCH);
    assert_ok(bm_cmc_parse(&cmc, made->bundle.body, &kit_fail));
    bm_station_label(label, order);
    bm_word_tbs(&tbs, label, over_csr ? cmc.csr.der : bm_bytes_str("another request"));
    assert_ok(bm_private_sign(station, bm_buf_bytes(&tbs), &signature, &kit_fail));
    said.word.signature = bm_buf_bytes(&signature);
    bm_station_build(part, &said);
    made->bundle.part[BM_PART_STATION] = bm_buf_bytes(part);
}

static void
a_station_signs_the_very_request_that_came_by_it(void **state)
{
    bm_cleanup(bm_private_done) struct bm_private *station = NULL, *other = NULL;
    const char *const says[] = { NULL, "did not sign this request", "root key", "P-256", "did not sign this request" };

    (void)state;
    assert_ok(bm_private_generate(&station, BM_KEY_P256, &kit_fail));
    assert_ok(bm_private_generate(&other, BM_KEY_P384, &kit_fail));
    for (size_t i = 0; i < BM_COUNT(says); i++) {
        struct bm_private *const by[] = { station, station, root, other, station };
        MADE(made);
        KIT_BUF(part);

        station_make(&made, &part, by[i], i == 4 ? "demo-2" : "demo-1", i != 1);
        if (says[i] == NULL) {
            assert_ok(check(&made, &fresh));
            assert_true(made.claim->stationed && !made.claim->renews);
            assert_memory_equal(made.claim->station, bm_private_public(station)->hash, BM_HASH);
            assert_string_equal(made.claim->station_order, "demo-1");
        } else
            assert_refused_saying(BM_EPOLICY, check(&made, &fresh), says[i]);
        assert_true(made.proven);
        for (size_t n = 1; i == 0 && n < part.n; n++) {
            made.bundle.part[BM_PART_STATION] = bm_bytes(part.p, n);
            assert_rc(BM_EINPUT, check(&made, &fresh));
        }
    }
}

static void
no_changed_byte_gives_another_claim(void **state)
{
    MADE(made);
    KIT_BUF(buf);
    KIT_BUF(part);

    (void)state;
    renewal_make(&made, &part, ak, true);
    bm_bundle_build(&buf, &made.bundle);
    assert_ok(check(&made, &fresh));
    every_byte_matters(&buf);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_stand_in_order_once_and_are_known),          cmocka_unit_test(a_renewal_has_the_word_of_the_current_key),
        cmocka_unit_test(a_renewal_that_its_key_did_not_sign_is_refused),   cmocka_unit_test(every_truncation_of_a_renewal_is_refused),
        cmocka_unit_test(a_station_signs_the_very_request_that_came_by_it), cmocka_unit_test(no_changed_byte_gives_another_claim),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
