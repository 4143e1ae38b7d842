/* test_boot_text.c - permits, lists of PCRs and what is bound, as bytes: read strictly. No TPM is asked. */
#include "../testing.h"

#include "root/tpm2.h"

#include "pki/private.h"

#define PCRS 0x81u /* 0 and 7 */

static void
a_permit_reads_back_and_nothing_else_does(void **state)
{
    struct bm_permit permit = { .nsignature = 70 }, again;
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 4096 };

    (void)state;
    memset(permit.policy, 0x5a, sizeof(permit.policy));
    memset(permit.signature, 0xa5, permit.nsignature);
    bm_permit_build(&text, &permit);
    assert_ok(bm_permit_parse(&again, bm_buf_bytes(&text), &kit_fail));
    assert_memory_equal(permit.policy, again.policy, BM_HASH);
    assert_int_equal(again.nsignature, 70);
    assert_memory_equal(permit.signature, again.signature, 70);
    for (size_t n = 0; n < text.n; n++)
        assert_rc(BM_EINPUT, bm_permit_parse(&again, bm_bytes(text.p, n), &kit_fail));
    bm_buf_add_str(&text, "x\n");
    assert_rc(BM_EINPUT, bm_permit_parse(&again, bm_buf_bytes(&text), &kit_fail));
}

static void
lists_of_pcrs_are_read_strictly(void **state)
{
    static const char *const bad[] = { "", ",", "0,", "24", "7,0", "0,0", "a", "01", "0 ,1", "-1", "0;1", "99999999999999999999" };
    char text[BM_PCRS_TEXT];
    uint32_t pcrs;

    (void)state;
    assert_ok(bm_pcrs_parse(&pcrs, "0,7,10,23", &kit_fail));
    assert_int_equal(pcrs, 1u | 1u << 7 | 1u << 10 | 1u << 23);
    bm_pcrs_print(text, pcrs);
    assert_string_equal(text, "0,7,10,23");
    bm_pcrs_print(text, 0xffffff);
    assert_ok(bm_pcrs_parse(&pcrs, text, &kit_fail));
    assert_int_equal(pcrs, 0xffffff);
    for (size_t i = 0; i < BM_COUNT(bad); i++)
        assert_rc(BM_EINPUT, bm_pcrs_parse(&pcrs, bad[i], &kit_fail));
}

static void
what_is_bound_reads_back(void **state)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = BM_BOUND_BYTES };
    struct bm_bound bound = { .pcrs = PCRS, .pinned = true }, again;

    (void)state;
    assert_ok(bm_private_generate(&key, BM_KEY_P256, &kit_fail));
    bound.update_key = *bm_private_public(key);
    memset(bound.policy, 9, sizeof(bound.policy));
    bm_bound_build(&bytes, &bound);
    assert_ok(bm_bound_parse(&again, bm_buf_bytes(&bytes), &kit_fail));
    assert_int_equal(again.pcrs, PCRS);
    assert_memory_equal(again.policy, bound.policy, BM_HASH);
    assert_memory_equal(again.update_key.hash, bound.update_key.hash, BM_HASH);
    for (size_t n = 1; n < bytes.n; n++)
        assert_rc(BM_EINPUT, bm_bound_parse(&again, bm_bytes(bytes.p, n), &kit_fail));
    assert_ok(bm_bound_parse(&again, bm_bytes(NULL, 0), &kit_fail));
    assert_int_equal(again.pcrs, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_permit_reads_back_and_nothing_else_does),
        cmocka_unit_test(lists_of_pcrs_are_read_strictly),
        cmocka_unit_test(what_is_bound_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
