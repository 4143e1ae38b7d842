/* test_profile.c - profiles: one text for one meaning, and every other text refused. */
#include "kit.h"

#include "pki/profile.h"

static void
builtins_mean_what_they_say_and_print_as_they_are(void **state)
{
    struct bm_profile profile;
    size_t i = 0;

    (void)state;
    for (; bm_profile_builtin(i) != NULL; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_PROFILE };
        uint8_t digest[BM_HASH];

        assert_ok(bm_profile_parse(&profile, bm_bytes_str(bm_profile_builtin(i)), &kit_fail));
        bm_profile_build(&text, &profile);
        assert_int_equal(text.n, strlen(bm_profile_builtin(i)));
        assert_memory_equal(text.p, bm_profile_builtin(i), text.n);
        bm_sha256(digest, bm_buf_bytes(&text));
        assert_memory_equal(digest, profile.digest, BM_HASH);
    }
    assert_int_equal(i, 3);
    assert_ok(bm_profile_parse(&profile, bm_bytes_str(bm_profile_builtin(0)), &kit_fail));
    assert_string_equal(profile.name, "gateway-1");
    assert_string_equal(profile.service, "mqtt");
    assert_int_equal(profile.ca, BM_CA_OPERATIONAL);
    assert_int_equal(profile.days, 90);
    assert_int_equal(profile.evidence, BM_EV_ROOT_SIGNED | BM_EV_TPM_ACTIVATED);
    assert_int_equal(profile.keys, 1u << BM_KEY_P256 | 1u << BM_KEY_P384);
    assert_true(profile.client_auth && !profile.server_auth && profile.hardware_module);
    assert_ok(bm_profile_parse(&profile, bm_bytes_str(bm_profile_builtin(1)), &kit_fail));
    assert_int_equal(profile.evidence, BM_EV_ROOT_SIGNED | BM_EV_TPM_ACTIVATED | BM_EV_SOFTWARE);
    assert_ok(bm_profile_parse(&profile, bm_bytes_str(bm_profile_builtin(2)), &kit_fail));
    assert_true(profile.ca == BM_CA_IDEVID && profile.days == 0 && !profile.client_auth);
    assert_string_equal(bm_evidence_class_word(BM_EV_TPM_ACTIVATED), "tpm-activated");
}

static void
every_truncation_is_refused(void **state)
{
    const char *text = bm_profile_builtin(0);
    struct bm_profile profile;

    (void)state;
    for (size_t n = 0; n < strlen(text); n++)
        assert_rc(BM_EINPUT, bm_profile_parse(&profile, bm_bytes(text, n), &kit_fail));
}

#define HEAD "birthmark/profile/v1\nname a\nservice b\n"
#define TAIL "evidence root-signed\nkey P-256\nhardware-module no\n"

static void
other_texts_are_refused_with_their_reason(void **state)
{
    static const struct {
        const char *text, *why;
    } wrong[] = {
        { "birthmark/profile/v2\n", "profile: line 1 must be \"birthmark/profile/v1\"" },
        { HEAD "ca root\n", "profile: line 4: ca has a value that is not known" },
        { HEAD "ca operational\ndays 0\n" TAIL, "profile: line 5: days must be 1 to 3650, or never" },
        { HEAD "ca operational\ndays 090\n" TAIL, "profile: line 5: days must be 1 to 3650, or never" },
        { HEAD "ca operational\ndays 3651\n" TAIL, "profile: line 5: days must be 1 to 3650, or never" },
        { HEAD "ca operational\ndays -1\n" TAIL, "profile: line 5: days must be 1 to 3650, or never" },
        { HEAD "ca operational\ndays never\n" TAIL, "profile: only \"ca idevid\" may have \"days never\"" },
        { HEAD "ca operational\ndays 90\ngrace 0\n" TAIL, "profile: line 6: grace must be 1 to 365, or left out for none" },
        { HEAD "ca operational\ndays 90\ngrace 366\n" TAIL, "profile: line 6: grace must be 1 to 365, or left out for none" },
        { HEAD "ca operational\ndays 90\noverlap 7\n" TAIL, "profile: line 6: overlap must be 0 to 365, or left out for 7" },
        { HEAD "ca operational\ndays 90\noverlap 07\n" TAIL, "profile: line 6: overlap must be 0 to 365, or left out for 7" },
        { HEAD "ca idevid\ndays never\ngrace 1\nevidence software\nkey P-256\nhardware-module no\n",
          "profile: what never expires has no time of grace: take the line \"grace\" out" },
        { HEAD "ca operational\ndays 90\nkey P-256\nhardware-module no\n",
          "profile: it takes no evidence: add a line \"evidence root-signed\" or \"evidence tpm-activated\"" },
        { HEAD "ca operational\ndays 90\nevidence software\nhardware-module no\n", "profile: it takes no keys: add a line \"key P-256\"" },
        { HEAD "ca operational\ndays 90\nevidence software\nevidence root-signed\nkey P-256\nhardware-module no\n",
          "profile: line 7: evidence is repeated or out of order" },
        { HEAD "ca operational\ndays 90\nevidence software\nkey P-256\nkey P-256\nhardware-module no\n",
          "profile: line 8: key is repeated or out of order" },
        { HEAD "ca operational\ndays 90\nevidence software\nkey Ed25519\nhardware-module no\n",
          "profile: line 7: key has a value that is not known" },
        { HEAD "ca operational\ndays 90\nevidence software\nkey P-256\nhardware-module maybe\n",
          "profile: line 8: hardware-module has a value that is not known" },
        { HEAD "ca operational\ndays 90\nevidence software\nrequire root-signed\nkey P-256\nhardware-module no\n",
          "profile: line 7: require has a value that is not known" },
        { HEAD "ca operational\ndays 90\nevidence tpm-activated\nrequire dice\nrequire tpm-fixed\nkey P-256\nhardware-module no\n",
          "profile: line 8: require is repeated or out of order" },
        { HEAD "ca idevid\ndays never\nevidence software\nkey P-256\neku clientAuth\nhardware-module yes\n",
          "profile: an IDevID has no extended key usage: take the eku lines out" },
    };
    struct bm_profile profile;

    (void)state;
    assert_ok(bm_profile_parse(&profile, bm_bytes_str(HEAD "ca operational\ndays 3650\n" TAIL), &kit_fail));
    assert_int_equal(profile.days, 3650);
    assert_true(profile.grace == 0 && profile.overlap == 7);
    assert_rc(BM_EINPUT, bm_profile_parse(&profile, bm_bytes_str(HEAD "ca operational\ndays 3650\n" TAIL "x y\n"), &kit_fail));
    for (size_t i = 0; i < BM_COUNT(wrong); i++) {
        assert_rc(BM_EINPUT, bm_profile_parse(&profile, bm_bytes_str(wrong[i].text), &kit_fail));
        assert_string_equal(kit_fail.text, wrong[i].why);
    }
}

static void
what_is_required_and_who_may_only_knock_are_lines_of_their_own(void **state)
{
    const char *text =
        HEAD "ca operational\ndays 90\ngrace 14\noverlap 0\nevidence tpm-activated\nevidence tls-front\nrequire tpm-fixed\nrequire "
             "ek-certified\nkey P-256\nhardware-module no\n";
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = BM_MAX_PROFILE };
    struct bm_profile profile;

    (void)state;
    assert_ok(bm_profile_parse(&profile, bm_bytes_str(text), &kit_fail));
    assert_int_equal(profile.evidence, BM_EV_TPM_ACTIVATED | BM_EV_TLS_FRONT);
    assert_true(profile.grace == 14 && profile.overlap == 0);
    assert_int_equal(profile.require, BM_PROVEN_TPM_FIXED | BM_PROVEN_EK_CERTIFIED);
    bm_profile_build(&again, &profile);
    assert_true(bm_bytes_equal(bm_buf_bytes(&again), bm_bytes_str(text)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builtins_mean_what_they_say_and_print_as_they_are),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(what_is_required_and_who_may_only_knock_are_lines_of_their_own),
        cmocka_unit_test(other_texts_are_refused_with_their_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
