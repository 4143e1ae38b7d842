/* test_jws.c - one JSON Web Signature: what JWS libraries have fallen for is refused, and r || s verify as Wycheproof wants them. */
#include "../pki/wycheproof.h"
#include "microchip.h"

#include "lot/jws.h"

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
        if (mc_receive_one(&maker, &entry, NULL) != cases[i].want)
            fail_msg("%s: %s", cases[i].why, kit_fail.text);
    }
    bm_buf_done(&payload);
    maker_close(&maker);
}

/* ---- r || s ---- */

/* A number of 0 or more in 32 octets; false where it is negative, or longer, or not in the shortest form. */
static bool
half_take(uint8_t *ret, struct bm_rd *in)
{
    struct bm_bytes v = bm_der_take(in, BM_DER_INTEGER);

    if (in->bad || v.n == 0 || v.p[0] >= 0x80 || (v.n > 1 && v.p[0] == 0 && v.p[1] < 0x80))
        return false;
    while (v.n > 0 && v.p[0] == 0)
        v = bm_bytes(v.p + 1, v.n - 1);
    if (v.n > BM_JWS_SIGNATURE / 2)
        return false;
    memset(ret, 0, BM_JWS_SIGNATURE / 2);
    if (v.n > 0)
        memcpy(ret + BM_JWS_SIGNATURE / 2 - v.n, v.p, v.n);
    return true;
}

/* The vectors are in DER: those whose numbers can be written as JWS writes them. bm_jws_check() asks what is asked here. */
static bool
vector_check(const json_t *group, const json_t *test)
{
    bm_cleanup(bm_buf_done) struct bm_buf spki = { .max = 65536 }, msg = { .max = 65536 }, sig = { .max = 65536 };
    const bool valid = strcmp(wycheproof_string(test, "result"), "valid") == 0;
    uint8_t hash[BM_HASH], raw[BM_JWS_SIGNATURE + 1] = { 0 };
    struct bm_rd outer, in;
    struct bm_key key;

    wycheproof_bytes(&spki, group, "publicKeyDer");
    wycheproof_bytes(&msg, test, "msg");
    wycheproof_bytes(&sig, test, "sig");
    outer = bm_rd(bm_buf_bytes(&sig));
    in = bm_der_enter(&outer, BM_DER_SEQUENCE);
    if (!half_take(raw, &in) || !half_take(raw + BM_JWS_SIGNATURE / 2, &in) || !bm_rd_end(&in) || !bm_rd_end(&outer)) {
        assert_false(valid);
        return false;
    }
    assert_ok(bm_key_parse(&key, bm_buf_bytes(&spki), &kit_fail));
    bm_sha256(hash, bm_buf_bytes(&msg));
    if (bm_jws_verify(kit_crypto, &key, hash, bm_bytes(raw, BM_JWS_SIGNATURE), &kit_fail) != (valid ? BM_OK : BM_EPOLICY))
        fail_msg("case %lld (%s): %s", (long long)json_integer_value(json_object_get(test, "tcId")), wycheproof_string(test, "comment"),
                 kit_fail.text);
    for (size_t n = BM_JWS_SIGNATURE - 1; n <= BM_JWS_SIGNATURE + 1; n += 2) /* proves: RFC7518 3.4 */
        assert_rc(BM_EINPUT, bm_jws_verify(kit_crypto, &key, hash, bm_bytes(raw, n), &kit_fail));
    return true;
}

static void
every_vector_of_r_and_s_comes_out_as_it_says(void **state)
{
    char archive[BM_PATH];
    json_t *json, *group, *test;
    size_t count = 0, g, t;

    (void)state;
    if (!kit_shared_path(archive, WYCHEPROOF))
        kit_skip(KIT_NO_SHARED);
    assert_non_null(json = wycheproof_load(archive, "ecdsa_secp256r1_sha256_test.json"));
    json_array_foreach(json_object_get(json, "testGroups"), g, group)
    {
        json_array_foreach(json_object_get(group, "tests"), t, test)
        {
            count += vector_check(group, test);
        }
    }
    json_decref(json);
    print_message("%zu vectors\n", count);
    assert_true(count > 200);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(protected_headers_that_are_not_the_one_are_refused),
        cmocka_unit_test(every_vector_of_r_and_s_comes_out_as_it_says),
    };

    return kit_end(cmocka_run_group_tests(tests, kit_crypto_open, kit_crypto_close));
}
