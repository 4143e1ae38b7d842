/* test_event.c - events: one text for one content, every kind with what it must and may have; and the site's description. */
#include "kit.h"

#include "record/event.h"
#include "wire/text.h"

#define DIGEST KIT_HEX
#define HEAD(kind) "birthmark/event/v1\nkind " kind "\ntime 2026-11-23T21:34:09Z\n"

static void
good_texts_come_out_as_they_went_in(void **state)
{
    static const char *const texts[] = {
        HEAD("site-founded"),
        HEAD("roles-set") "statement " DIGEST "\nby anna\n",
        HEAD("lot-pinned") "lot EX-001\nstatement " DIGEST "\nby carl\ncount 16\n",
        HEAD("order-opened") "order O-1\nstatement " DIGEST "\nby paul\ncount 12\n",
        HEAD("allowed") "device 0123456789abcdef0123\nservice mqtt\nstatement " DIGEST "\nby fred\nreason repaired\n",
        HEAD("identity-issued") "device 0123456789abcdef0123\nchip " DIGEST
                                "\nlot EX-001\norder O-1\nprofile gateway-1\nservice mqtt\nevidence-class root-signed\nevidence " DIGEST
                                "\nserial 0a1b\ncertificate " DIGEST "\n",
        HEAD("identity-replaced") "device d\nchip " DIGEST
                                  "\nservice mqtt\nevidence-class tpm-activated\nproven tpm-activated tpm-fixed ek-certified dice\n"
                                  "tpm-manufacturer id:45584D50\ntpm-model EX 9670\ntpm-version id:00070055\nmeasured-first " DIGEST
                                  "\nmeasured-code " DIGEST "\nserial 0a1b\ncertificate " DIGEST "\nreplaces 0a1a\n",
        HEAD("identity-confirmed") "serial 0a1b\n",
        HEAD("identity-revoked") "serial 0a1b\nby anna\nreason key compromise\n",
        HEAD("refused") "chip " DIGEST "\norder O-1\nwhat unknown-chip\nreason this key stands in no lot of this site\n",
        HEAD("refused-counted") "count 4711\n",
        HEAD("signed-again") "serial 0a1b\n",
        HEAD("lot-superseded") "lot EX-001\nstatement " DIGEST "\nby carl\ncount 16\n",
        HEAD("lot-quarantined") "lot EX-001\nreason a chip of it stands in EX-002 too\n",
        HEAD("lot-released") "lot EX-001\nstatement " DIGEST "\nby carl\nsecond anna\nreason EX-002 was wrong\n",
        HEAD("lot-withdrawn") "lot EX-001\nby carl\nreason recalled by the maker\n",
        HEAD("chips-scrapped") "chip " DIGEST
                               "\nlot EX-001\norder O-1\nby carl\ncount 1\nreason broken\nwas unused 0 issued 1 withdrawn 0 counted 1\n",
        HEAD("chips-withdrawn") "lot EX-001\ncount 12\nreason recalled\nwas unused 12 issued 0 withdrawn 0 counted 0\n",
        HEAD("waived") "statement " DIGEST
                       "\nby carl\nsecond anna\nvendor Example Silicon\nuntil 2027-06-30T00:00:00Z\nwhat id-twice\nreason labels collide\n",
        HEAD("identity-renewed") "device d\nchip " DIGEST "\nservice mqtt\nserial 0a1b\ncertificate " DIGEST "\nreplaces 0a1a\n",
        HEAD("policy-set") "statement " DIGEST "\nby anna\nsecond carl\ncount 3\n",
        HEAD("order-raised") "order O-1\nstatement " DIGEST "\nby petra\ncount 20\n",
        HEAD("order-closed") "order O-1\nby petra\ncount 12\nreason done\n"
                             "balance received 16 units 12 issued 11 elsewhere 0 withdrawn 0 retired 0 scrapped 1 unused 4 over 0 reissues "
                             "0 scraps 1 repairs 0\n",
        HEAD("device-moved") "device 0123456789abcdef0123\nby fred\ncount 2\nwhat transfer\nreason contract 12\nowner Acme Water\nstate "
                             "transferred\n",
        HEAD("profile-activated") "profile gateway-1\nstatement " DIGEST "\nby anna\ncount 2\n",
        HEAD("support-opened") "device 0123456789abcdef0123\nprofile support\nstatement " DIGEST
                               "\nby anna\nuntil 2026-11-24T05:34:08Z\nwhat T-91\nreason main board\n",
        HEAD("support-closed") "device 0123456789abcdef0123\nserial 0a1b\nwhat T-91\nreason its time was over\n",
        HEAD("responder-certified") "certificate " DIGEST "\nwhat operational\n",
        HEAD("site-recovered") "statement " DIGEST "\nby anna\ncount 12\nreason disk replaced\n",
        HEAD("ca-changed") "certificate " DIGEST "\nstatement " DIGEST
                           "\nby anna\nsecond carl\nwhat meters-1\nreason operational, for lot EX-001\nstate made\n",
    };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(texts); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf out = { .max = BM_MAX_EVENT };
        struct bm_bytes text = bm_bytes_str(texts[i]);
        struct bm_event event;

        assert_ok(bm_event_parse(&event, text, &kit_fail));
        assert_int_equal(event.kind, i + 1); /* every kind is here */
        assert_non_null(strstr(texts[i], bm_event_word(event.kind)));
        bm_event_build(&out, &event);
        assert_false(out.bad);
        assert_true(bm_bytes_equal(bm_buf_bytes(&out), text));
        for (size_t n = 0; n < text.n; n++) {
            /* a cut after a whole line that is not needed leaves another good event */
            if (bm_event_parse(&event, bm_bytes(text.p, n), &kit_fail) == BM_OK && (n == 0 || text.p[n - 1] != '\n'))
                fail_msg("event %zu cut to %zu bytes was read", i, n);
        }
    }
    assert_int_equal(BM_COUNT(texts), BM_EVENT__N - 1);
}

static void
other_texts_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        HEAD("identity-lost"),
        HEAD("roles-set"),
        HEAD("refused"),
        HEAD("refused-counted") "count 007\n",
        HEAD("refused-counted") "count 4711\nserial 0a\n",
        HEAD("identity-confirmed") "serial 0A1B\n",
        HEAD("identity-confirmed") "serial 0a1\n",
        HEAD("identity-confirmed") "serial 0a1b\nserial 0a1b\n",
        HEAD("identity-confirmed") "serial 0a1b\nlot EX\n",
        HEAD("identity-confirmed") "serial 0a1b\ncertificate abcd\n",
        HEAD("identity-confirmed") "device a/b\nserial 0a1b\n",
        HEAD("waived") "statement " DIGEST "\nvendor V\nuntil soon\nwhat id-twice\n",
        HEAD("waived") "statement " DIGEST "\nvendor V\nuntil 2027-02-30T00:00:00Z\nwhat id-twice\n",
        HEAD("lot-withdrawn") "lot EX-001\n",
        HEAD("refused") "reason x\n\n",
        HEAD("refused") "reason x\ncolour red\n",
    };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(bad); i++) {
        struct bm_event event;

        if (bm_event_parse(&event, bm_bytes_str(bad[i]), &kit_fail) != BM_EINPUT)
            fail_msg("event %zu was read", i);
    }
}

static void
a_wrong_event_poisons_the_buffer(void **state)
{
    struct bm_event none = { .kind = BM_EVENT_REFUSED, .time = 1 },
                    extra = { .kind = BM_EVENT_REFUSED_COUNTED, .time = 1, .count = bm_bytes_str("1") },
                    shape = { .kind = BM_EVENT_IDENTITY_CONFIRMED, .time = 1, .serial = bm_bytes_str("xyz") };
    const struct bm_event *const all[] = { &none, &extra, &shape };

    (void)state;
    extra.serial = bm_bytes_str("0a");
    for (size_t i = 0; i < BM_COUNT(all); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf out = { .max = BM_MAX_EVENT };

        bm_event_build(&out, all[i]);
        assert_true(out.bad);
    }
}

static void
a_reason_is_recorded_whatever_it_holds(void **state)
{
    static const struct {
        const char *reason, *line;
    } cases[] = {
        { "plain", "\nreason plain\n" },
        { "  spaces at both ends ", "\nreason spaces at both ends\n" },
        { "M\xc3\xbcller", "\nreason M\xc3\xbcller\n" },
        { "cut in the middle of a character \xc3", "\nreason cut in the middle of a character ?\n" },
        { "two\nlines\treason", "\nreason two?lines?reason\n" },
        { "   ", "\nreason ?\n" },
        { "\x1b[31m", "\nreason ?[31m\n" },
    };
    struct bm_event event = { .kind = BM_EVENT_REFUSED, .time = 1795469649 };
    char much[1000];

    (void)state;
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf out = { .max = BM_MAX_EVENT };
        struct bm_event read;

        event.reason = bm_bytes_str(cases[i].reason);
        bm_event_build(&out, &event);
        assert_ok(bm_event_parse(&read, bm_buf_bytes(&out), &kit_fail));
        assert_memory_equal(out.p + out.n - strlen(cases[i].line), cases[i].line, strlen(cases[i].line));
    }
    memset(much, 'x', sizeof(much));
    {
        bm_cleanup(bm_buf_done) struct bm_buf out = { .max = BM_MAX_EVENT };
        struct bm_event read;

        event.reason = bm_bytes(much, sizeof(much));
        bm_event_build(&out, &event);
        assert_ok(bm_event_parse(&read, bm_buf_bytes(&out), &kit_fail));
        assert_int_equal(read.reason.n, BM_EVENT_REASON);
    }
}

/* printf 'birthmark/leaf/v1\n' | cat - <(head -c 32 /dev/zero | tr '\0' '\1') <(printf event) | sha256sum */
static void
the_entry_is_the_salted_hash(void **state)
{
    static const char *const want = "0106121e44a8ce771510c1282f3ca2a8b6d63ff4a5190244d39662872bf5feeeb410";
    uint8_t entry[BM_ENTRY], salt[BM_SALT];
    char hex[2 * BM_ENTRY + 1];

    (void)state;
    memset(salt, 1, sizeof(salt));
    bm_entry_build(entry, BM_EVENT_IDENTITY_ISSUED, salt, bm_bytes_str("event"));
    bm_hex(hex, bm_bytes(entry, sizeof(entry)));
    assert_string_equal(hex, want);
}

static void
a_site_comes_out_as_it_went_in(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT }, out = { .max = BM_MAX_STATEMENT };
    static struct bm_site site, read;

    (void)state;
    kit_people();
    (void)snprintf(site.name, sizeof(site.name), "Example Factory");
    site.nca = 3;
    site.ca[0] = (struct bm_site_ca){ .name = "operational", .kind = BM_CA_OPERATIONAL, .key = "file:signer/operational.key" };
    site.ca[1] = (struct bm_site_ca){ .name = "idevid", .kind = BM_CA_IDEVID, .key = "pkcs11:token=ca;object=idevid?pin-source=file:pin" };
    site.ca[2] = (struct bm_site_ca){ .name = "gateway-1", .kind = BM_CA_OPERATIONAL, .key = "file:signer/gateway-1.key" };
    site.operators = kit_roles;
    bm_site_build(&text, &site);
    assert_ok(bm_site_parse(&read, bm_buf_bytes(&text), &kit_fail));
    assert_string_equal(read.name, "Example Factory");
    assert_string_equal(read.url, "");
    assert_string_equal(read.ca[BM_CA_IDEVID].key, site.ca[BM_CA_IDEVID].key);
    assert_int_equal(read.nca, 3);
    assert_string_equal(bm_site_ca_find(&read, "gateway-1")->key, "file:signer/gateway-1.key");
    assert_int_equal(read.operators.noperators, 4);
    bm_site_build(&out, &read);
    assert_true(bm_bytes_equal(bm_buf_bytes(&text), bm_buf_bytes(&out)));
    for (size_t n = 0; n < text.n; n++)
        if (bm_site_parse(&read, bm_bytes(text.p, n), &kit_fail) == BM_OK && text.p[n - 1] != '\n')
            fail_msg("site.conf cut to %zu bytes was read", n);
}

static void
other_sites_are_refused(void **state)
{
    static const char *const bad[] = {
        "birthmark/site/v1\nname F\nurl -\nca operational operational file:a\nca idevid idevid file:b\n",
        "birthmark/site/v1\nname F\nurl -\nca idevid idevid file:a\nca operational operational file:b\noperator a officer k\n",
        "birthmark/site/v1\nname F\nurl -\nca operational operational\nca idevid idevid file:b\noperator a officer k\n",
        "birthmark/site/v1\nname F\nurl -\nca operational operational  file:a\nca idevid idevid file:b\noperator a officer k\n",
        "birthmark/site/v1\nname F\nurl -\nca operational idevid file:a\nca idevid operational file:b\noperator a officer k\n",
        "birthmark/site/v1\nname F\nurl -\nca operational operational file:a\noperator a officer k\n",
        "birthmark/site/v1\nname F\nurl -\nca operational operational file:a\nca idevid idevid file:b\nca idevid idevid file:c\noperator a "
        "officer k\n",
        "birthmark/site/v1\nname F\nurl -\nca operational operational file:a\nca idevid idevid file:b\nca two server file:c\noperator a "
        "officer k\n",
        "birthmark/site/v1\nurl -\nca operational operational file:a\nca idevid idevid file:b\noperator a officer k\n",
    };
    static struct bm_site site;

    (void)state;
    for (size_t i = 0; i < BM_COUNT(bad); i++)
        assert_rc(BM_EINPUT, bm_site_parse(&site, bm_bytes_str(bad[i]), &kit_fail));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_texts_come_out_as_they_went_in),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(a_wrong_event_poisons_the_buffer),
        cmocka_unit_test(a_reason_is_recorded_whatever_it_holds),
        cmocka_unit_test(the_entry_is_the_salted_hash),
        cmocka_unit_test(a_site_comes_out_as_it_went_in),
        cmocka_unit_test(other_sites_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
