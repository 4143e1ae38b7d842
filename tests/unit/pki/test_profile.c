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
    assert_int_equal(i, 11);
    assert_ok(bm_profile_parse(&profile, bm_bytes_str(bm_profile_builtin(0)), &kit_fail));
    assert_string_equal(profile.name, "gateway-1");
    assert_string_equal(profile.service, "mqtt");
    assert_int_equal(profile.ca, BM_CA_OPERATIONAL);
    assert_int_equal(profile.hours, 90 * 24);
    assert_int_equal(profile.evidence, BM_EV_ROOT_SIGNED | BM_EV_TPM_ACTIVATED);
    assert_int_equal(profile.keys, 1u << BM_KEY_P256 | 1u << BM_KEY_P384);
    assert_true(profile.client_auth && !profile.server_auth && profile.hardware_module);
    assert_ok(bm_profile_parse(&profile, bm_bytes_str(bm_profile_builtin(1)), &kit_fail));
    assert_int_equal(profile.evidence, BM_EV_ROOT_SIGNED | BM_EV_TPM_ACTIVATED | BM_EV_SOFTWARE);
    assert_ok(bm_profile_parse(&profile, bm_bytes_str(bm_profile_builtin(2)), &kit_fail));
    assert_true(profile.ca == BM_CA_IDEVID && profile.hours == 0 && !profile.client_auth);
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

#define HEAD "birthmark/profile/v1\nname a\nversion 1\nservice b\n"
#define TAIL "evidence root-signed\nkey P-256\nhardware-module no\n"

static void
other_texts_are_refused_with_their_reason(void **state)
{
    static const struct {
        const char *text, *why;
    } wrong[] = {
        { "birthmark/profile/v2\n", "profile: line 1 must be \"birthmark/profile/v1\"" },
        { HEAD "ca root\n", "profile: line 5: ca has a value that is not known" },
        { HEAD "ca operational\ndays 0\n" TAIL, "profile: line 6: days must be 1 to 3650, or never" },
        { HEAD "ca operational\ndays 090\n" TAIL, "profile: line 6: days must be 1 to 3650, or never" },
        { HEAD "ca operational\ndays 3651\n" TAIL, "profile: line 6: days must be 1 to 3650, or never" },
        { HEAD "ca operational\ndays -1\n" TAIL, "profile: line 6: days must be 1 to 3650, or never" },
        { HEAD "ca operational\ndays never\n" TAIL, "profile: only \"ca idevid\" may have \"days never\"" },
        { HEAD "ca operational\ndays 90\ngrace 0\n" TAIL, "profile: line 7: grace must be 1 to 365, or left out for none" },
        { HEAD "ca operational\ndays 90\ngrace 366\n" TAIL, "profile: line 7: grace must be 1 to 365, or left out for none" },
        { HEAD "ca operational\ndays 90\noverlap 7\n" TAIL, "profile: line 7: overlap must be 0 to 365, or left out for 7" },
        { HEAD "ca operational\ndays 90\noverlap 07\n" TAIL, "profile: line 7: overlap must be 0 to 365, or left out for 7" },
        { HEAD "ca idevid\ndays never\ngrace 1\nevidence software\nkey P-256\nhardware-module no\n",
          "profile: what never expires has no time of grace: take the line \"grace\" out" },
        { HEAD "ca operational\ndays 90\nkey P-256\nhardware-module no\n",
          "profile: it takes no evidence: add a line \"evidence root-signed\" or \"evidence tpm-activated\"" },
        { HEAD "ca operational\ndays 90\nevidence software\nhardware-module no\n", "profile: it takes no keys: add a line \"key P-256\"" },
        { HEAD "ca operational\ndays 90\nevidence software\nevidence root-signed\nkey P-256\nhardware-module no\n",
          "profile: line 8: evidence is repeated or out of order" },
        { HEAD "ca operational\ndays 90\nevidence software\nkey P-256\nkey P-256\nhardware-module no\n",
          "profile: line 9: key is repeated or out of order" },
        { HEAD "ca operational\ndays 90\nevidence software\nkey Ed25519\nhardware-module no\n",
          "profile: line 8: key has a value that is not known" },
        { HEAD "ca operational\ndays 90\nevidence software\nkey P-256\nhardware-module maybe\n",
          "profile: line 9: hardware-module has a value that is not known" },
        { HEAD "ca operational\ndays 90\nevidence software\nrequire root-signed\nkey P-256\nhardware-module no\n",
          "profile: line 8: require has a value that is not known" },
        { HEAD "ca operational\ndays 90\nevidence tpm-activated\nrequire dice\nrequire tpm-fixed\nkey P-256\nhardware-module no\n",
          "profile: line 9: require is repeated or out of order" },
        { HEAD "ca idevid\ndays never\nevidence software\nkey P-256\neku clientAuth\nhardware-module yes\n",
          "profile: an IDevID has no extended key usage: take the eku lines out" },
    };
    struct bm_profile profile;

    (void)state;
    assert_ok(bm_profile_parse(&profile, bm_bytes_str(HEAD "ca operational\ndays 3650\n" TAIL), &kit_fail));
    assert_int_equal(profile.hours, 3650 * 24);
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

#define FULL                                                                                                                \
    "birthmark/profile/v1\nname a\nversion 12\nservice b\nca operational\nhours 8\noverlap 0\nrevocation both\nbucket 25\n" \
    "evidence root-signed\nrequire dice\nroot secure-element\nroot puf\nkey P-256\neku clientAuth\neku serverAuth\n"        \
    "hardware-module no\nbasic-constraints yes\ncommon-name {lot} {chip}\nattribute 1.3.6.1.4.1.37244.2.1 FFF1\n"           \
    "attribute 2.999.1 {device}\ndns {device}.devices.example\ndns {chip}.{lot}.example\nuri urn:example:{device}\n"        \
    "max-certificate 700\nmax-chain 1400\n"

static void
all_lines_together_are_one_text_and_each_cut_is_none(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = BM_MAX_PROFILE };
    struct bm_profile p;

    (void)state;
    assert_ok(bm_profile_parse(&p, bm_bytes_str(FULL), &kit_fail));
    assert_true(p.version == 12 && p.hours == 8 && p.revocation == BM_REVOCATION_BOTH && p.bucket == 25 && p.basic_constraints &&
                p.roots == (1u << 2 | 1u << 3));
    assert_true(p.nattributes == 2 && p.ndns == 2 && p.nuri == 1 && p.max_certificate == 700 && p.max_chain == 1400);
    assert_string_equal(p.common_name, "{lot} {chip}");
    assert_string_equal(p.attributes[0].oid, "1.3.6.1.4.1.37244.2.1");
    assert_string_equal(p.attributes[0].pattern, "FFF1");
    bm_profile_build(&again, &p);
    assert_true(bm_bytes_equal(bm_buf_bytes(&again), bm_bytes_str(FULL)));
    /* cut inside a line it is none, and cut before all that must be there either */
    for (size_t n = 0; n < strlen(FULL); n++)
        if (n < (size_t)(strstr(FULL, "dns ") - FULL) || FULL[n - 1] != '\n')
            assert_rc(BM_EINPUT, bm_profile_parse(&p, bm_bytes(FULL, n), &kit_fail));
}

#define BODY "ca operational\ndays 5\n"
#define SOME "evidence root-signed\nkey P-256\n"
#define REST "hardware-module no\n"

/* proves: RFC9608 1 */
#define SUPPORT(lives) "birthmark/profile/v1\nname a\nversion 1\nservice support\n" lives SOME REST
#define REPAIR                                                                                                                      \
    "profile: the service support is for one repair: let it be \"ca operational\", of at most 72 hours, without grace and without " \
    "\"revocation none\""

static void
contradictions_are_said_in_one_sentence_each(void **state)
{
    static const struct {
        const char *text, *why;
    } wrong[] = {
        { "birthmark/profile/v1\nname a\nservice b\n", "profile: line 3 must be \"version\" with its value" },
        { "birthmark/profile/v1\nname a\nversion 0\n", "profile: line 3: version must be a number from 1 to 99999" },
        { HEAD "ca operational\nhours 0\n", "profile: line 6: hours must be 1 to 167 and no whole days, which have a line \"days\"" },
        { HEAD "ca operational\nhours 48\n", "profile: line 6: hours must be 1 to 167 and no whole days, which have a line \"days\"" },
        { HEAD BODY "revocation crl\n", "profile: line 7: revocation must be none, ocsp or both, or left out for a CRL alone" },
        { HEAD BODY "revocation perhaps\n", "profile: line 7: revocation must be none, ocsp or both, or left out for a CRL alone" },
        { HEAD BODY "bucket 2000\n", "profile: line 7: bucket must be 1 to 1999, or left out for 2000" },
        { HEAD BODY "bucket 0\n", "profile: line 7: bucket must be 1 to 1999, or left out for 2000" },
        { HEAD "ca operational\ndays 8\nrevocation none\n" SOME REST,
          "profile: \"revocation none\" is for what lives at most 7 days: shorten the lifetime, or take that line out" },
        { HEAD "ca idevid\ndays never\nrevocation none\n" SOME REST,
          "profile: an IDevID never ends and points to no CRL and no OCSP responder: take the line \"revocation\" out" },
        { HEAD "ca operational\nhours 1\ngrace 1\nrevocation none\n" SOME REST,
          "profile: its time of grace is longer than the certificate lives, and nobody can revoke it: shorten the line \"grace\"" },
        { HEAD BODY "evidence tpm-activated\nroot puf\nkey P-256\n" REST,
          "profile: only a TPM activates: add a line \"root tpm\", or take \"evidence tpm-activated\" out" },
        { HEAD BODY "evidence root-signed\nrequire tpm-fixed\nroot puf\nkey P-256\n" REST,
          "profile: it requires what only a TPM shows: add a line \"root tpm\", or take that line \"require\" out" },
        { HEAD BODY "evidence software\nroot puf\nkey P-256\n" REST,
          "profile: software evidence is of software roots: add a line \"root software\", or take \"evidence software\" out" },
        { HEAD BODY "evidence root-signed\nroot software\nkey P-256\n" REST,
          "profile: software roots give software evidence: add a line \"evidence software\", or take \"root software\" out" },
        { HEAD BODY "evidence root-signed\nroot puf\nroot tpm\nkey P-256\n" REST, "profile: line 9: root is repeated or out of order" },
        { HEAD BODY SOME "eku serverAuth\n" REST,
          "profile: no client takes a server's certificate without its name: add a line \"dns {device}.devices.example\"" },
        { HEAD BODY SOME REST "dns update.example\n",
          "profile: a dns or uri line makes one name for all devices: put {device} or {chip} into it" },
        { HEAD BODY SOME REST "uri urn:x:{lot}\n",
          "profile: a dns or uri line makes one name for all devices: put {device} or {chip} into it" },
        { HEAD BODY SOME REST "max-certificate 600\nmax-chain 600\n",
          "profile: the chain holds the certificate and its CA's: let max-chain be more than max-certificate" },
        { HEAD BODY "evidence root-signed\nkey RSA\n" REST "max-certificate 511\n",
          "profile: no certificate of an RSA key is smaller than 512 bytes: take \"key RSA\" out, or raise max-certificate" },
        { SUPPORT("ca idevid\ndays 1\n"), REPAIR },
        { SUPPORT("ca operational\ndays 4\n"), REPAIR },
        { SUPPORT("ca operational\ndays 1\ngrace 1\n"), REPAIR },
        { SUPPORT("ca operational\ndays 1\nrevocation none\n"), REPAIR },
        { HEAD BODY SOME REST "max-certificate 255\n",
          "profile: line 10: max-certificate must be 256 to 65535 bytes, or left out for any" },
        { HEAD BODY SOME REST "common-name {device}\n", "profile: line 10: common-name is {device} without the line: take it out" },
        { HEAD BODY SOME REST "attribute 2.5.4.3 x\n",
          "profile: line 10: attribute must be an object identifier with dots, none of X.520's, and its value" },
        { HEAD BODY SOME REST "attribute 1.40 x\n",
          "profile: line 10: attribute must be an object identifier with dots, none of X.520's, and its value" },
        { HEAD BODY SOME REST "attribute 1.2.03 x\n",
          "profile: line 10: attribute must be an object identifier with dots, none of X.520's, and its value" },
        { HEAD BODY SOME REST "attribute 1.2.3. x\n",
          "profile: line 10: attribute must be an object identifier with dots, none of X.520's, and its value" },
        { HEAD BODY SOME REST "attribute 1.2.3\n",
          "profile: line 10: attribute must be an object identifier with dots, none of X.520's, and its value" },
        { HEAD BODY SOME REST "attribute 1.2.3 x\nattribute 1.2.3 y\n", "profile: line 11: attribute is repeated" },
        { HEAD BODY SOME REST "dns {device}.a\ndns {device}.a\n", "profile: line 11: dns is repeated" },
        { HEAD BODY SOME REST "dns {device}.a\ndns {device}.b\ndns {device}.c\ndns {device}.d\ndns {device}.e\n",
          "profile: line 14: dns is one too many: there may be 4" },
    };
    static const char *const no_dns[] = { "{device}",          "{device}.",         ".{device}.example", "{device}..example",
                                          "-{device}.example", "{device}-.example", "{serial}.example",  "{device.example",
                                          "{device}}.example", "{device}.ex ample", "{device}.1",        "*.{device}.example" };
    struct bm_profile profile;

    (void)state;
    for (size_t i = 0; i < BM_COUNT(wrong); i++) {
        assert_rc(BM_EINPUT, bm_profile_parse(&profile, bm_bytes_str(wrong[i].text), &kit_fail));
        assert_string_equal(kit_fail.text, wrong[i].why);
    }
    for (size_t i = 0; i < BM_COUNT(no_dns); i++)
        assert_false(bm_pattern_ok(BM_PATTERN_DNS, no_dns[i]));
    assert_false(bm_pattern_ok(BM_PATTERN_URI, "{device}"));
    assert_false(bm_pattern_ok(BM_PATTERN_URI, "urn:"));
    assert_false(bm_pattern_ok(BM_PATTERN_URI, "urn:{device}#x"));
}

/* proves: RFC1034 3.5 */
/* proves: RFC3986 3 */
static void
a_pattern_takes_the_records_or_says_which_made_no_name(void **state)
{
    const struct bm_records records = { .device = "0011223344", .chip = "IFX:7_1", .lot = "L-1" };
    char name[BM_MAX_PATTERN_FILLED];

    (void)state;
    assert_ok(bm_pattern_fill(name, BM_PATTERN_DNS, "{device}.{lot}.example", &records, "dns", &kit_fail));
    assert_string_equal(name, "0011223344.L-1.example");
    assert_ok(bm_pattern_fill(name, BM_PATTERN_URI, "urn:x:{chip}", &records, "uri", &kit_fail));
    assert_string_equal(name, "urn:x:IFX:7_1");
    assert_rc(BM_EPOLICY, bm_pattern_fill(name, BM_PATTERN_DNS, "{chip}.example", &records, "dns", &kit_fail));
    assert_string_equal(kit_fail.text, "the records of device 0011223344 make no name of \"dns {chip}.example\": take a profile whose "
                                       "names are of other records");
    assert_string_equal(name, "urn:x:IFX:7_1");
}

static void
what_does_not_fit_is_said_with_by_how_much(void **state)
{
    const struct bm_profile profile = { .name = "small", .max_certificate = 600, .max_chain = 1200 };

    (void)state;
    assert_ok(bm_profile_fit(&profile, 600, 600, &kit_fail));
    assert_rc(BM_EPOLICY, bm_profile_fit(&profile, 613, 100, &kit_fail));
    assert_string_equal(kit_fail.text, "a certificate of profile small may have 600 bytes and this one could have 613, 13 too many: take a "
                                       "profile with fewer names in it, or a target with more room");
    assert_rc(BM_EPOLICY, bm_profile_fit(&profile, 600, 601, &kit_fail));
    assert_non_null(strstr(kit_fail.text, "could have 1201 with its CA's certificate, 1 too many"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builtins_mean_what_they_say_and_print_as_they_are),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(what_is_required_and_who_may_only_knock_are_lines_of_their_own),
        cmocka_unit_test(all_lines_together_are_one_text_and_each_cut_is_none),
        cmocka_unit_test(contradictions_are_said_in_one_sentence_each),
        cmocka_unit_test(a_pattern_takes_the_records_or_says_which_made_no_name),
        cmocka_unit_test(what_does_not_fit_is_said_with_by_how_much),
        cmocka_unit_test(other_texts_are_refused_with_their_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
