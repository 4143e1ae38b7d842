/* test_naming.c - key files and store URIs: what they say is read, all else is refused. */
#include "device/naming.h"
#include "pki/cert.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct bm_fail fail;

static void
assert_refused(enum bm_rc rc, const char *says)
{
    assert_int_equal(rc, BM_EINPUT);
    if (strstr(fail.text, says) == NULL)
        fail_msg("%s does not say %s", fail.text, says);
}

static void
a_key_file_reads_as_it_was_written(void **state)
{
    static const char *const roots[] = { "", "tpm2:", "tpm2:swtpm:port=2321", "pkcs11:token=se%201;object=root?pin-source=file:/etc/pin",
                                         "soft:/var/lib/\xc3\xa9.pem" };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(roots); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = BM_MAX_PEM_FILE };
        struct bm_naming in = { .service = "mqtt" }, out;

        assert_int_equal(bm_naming_root_set(&in, roots[i], &fail), BM_OK);
        bm_naming_file_build(&pem, &in);
        assert_int_equal(bm_buf_check(&pem, "file", &fail), BM_OK);
        assert_int_equal(bm_naming_file_parse(&out, bm_buf_bytes(&pem), &fail), BM_OK);
        assert_string_equal(out.root, roots[i]);
        assert_string_equal(out.service, "mqtt");
        for (size_t n = 0; n < pem.n - 1; n++) /* without its last line's end it is whole still */
            assert_int_equal(bm_naming_file_parse(&out, bm_bytes(pem.p, n), &fail), BM_EINPUT);
        bm_naming_file_build(&pem, &in);
        assert_refused(bm_naming_file_parse(&out, bm_buf_bytes(&pem), &fail), "more than one identity");
    }
}

static void
modules_are_left_out_and_pins_refused(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        { "pkcs11:token=a?module-path=/m.so", "pkcs11:token=a" },
        { "pkcs11:token=a?module-path=/m.so&pin-source=file:/p", "pkcs11:token=a?pin-source=file:/p" },
        { "pkcs11:token=a?pin-source=file:/p&module-path=/m.so", "pkcs11:token=a?pin-source=file:/p" },
        { "pkcs11:token=a", "pkcs11:token=a" },
        { "soft:/a?module-path=/m.so", "soft:/a?module-path=/m.so" },
    };
    struct bm_naming naming;
    char long_uri[BM_MAX_ROOT_URI + 2];

    (void)state;
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        assert_int_equal(bm_naming_root_set(&naming, cases[i].in, &fail), BM_OK);
        assert_string_equal(naming.root, cases[i].out);
    }
    assert_refused(bm_naming_root_set(&naming, "pkcs11:token=a?pin-value=1234", &fail), "may not hold a PIN");
    assert_refused(bm_naming_root_set(&naming, "soft:/a\nservice b", &fail), "printable");
    assert_refused(bm_naming_root_set(&naming, "soft:/a ", &fail), "a blank at an end");
    assert_refused(bm_naming_root_set(&naming, "pkcs11:token=a?mod ule-path=/m.so", &fail),
                   "no blanks"); /* p11-kit would read module-path */
    memset(long_uri, 'a', sizeof(long_uri) - 1);
    long_uri[sizeof(long_uri) - 1] = '\0';
    assert_refused(bm_naming_root_set(&naming, long_uri, &fail), "longer than");
}

static void
what_a_key_file_may_not_say_is_refused(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        { "birthmark/identity/v2\nservice mqtt\n", "the key file" },
        { "birthmark/identity/v1\n", "the key file" },
        { "birthmark/identity/v1\nservice mqtt", "the key file" },
        { "birthmark/identity/v1\nservice ../mqtt\n", "the key file" },
        { "birthmark/identity/v1\nservice mqtt\nroot tpm2:\n", "the key file" },
        { "birthmark/identity/v1\nroot pkcs11:token=a?module-path=/tmp/x.so\nservice mqtt\n", "may not name a PKCS#11 module" },
        { "birthmark/identity/v1\nroot pkcs11:token=a?pin-value=1&x=y\nservice mqtt\n", "may not hold a PIN" },
    };
    struct bm_naming naming;

    (void)state;
    for (size_t i = 0; i < BM_COUNT(cases); i++) {
        uint8_t der[128] = { 0x0c, (uint8_t)strlen(cases[i].text) };

        memcpy(der + 2, cases[i].text, strlen(cases[i].text));
        assert_refused(bm_naming_der_parse(&naming, bm_bytes(der, 2 + strlen(cases[i].text)), &fail), cases[i].says);
    }
    assert_refused(bm_naming_der_parse(&naming, bm_bytes("\x30\x00", 2), &fail), "UTF8String");
}

static void
store_uris_name_a_service_and_a_root(void **state)
{
    static const char *const bad[] = {
        "birthmark:",
        "birthmark:service=",
        "birthmark:service=a;service=b",
        "birthmark:root=tpm2:",
        "birthmark:service=a;",
        "birthmark:service=a;root=",
        "birthmark:service=a;pin=1",
        "birthmark:service=%2e%2e",
        "birthmark:service=a%0",
        "birthmark:service=a%zz",
        "birthmark:service=a;root=soft:%00",
        "birthmark:service=a;root=soft:%0a",
        "file:service=a",
        "birthmark:service=a;root=x;root=y",
    };
    struct bm_naming naming;

    (void)state;
    assert_int_equal(bm_naming_uri_parse(&naming, "birthmark:service=mqtt", &fail), BM_OK);
    assert_string_equal(naming.service, "mqtt");
    assert_string_equal(naming.root, "");
    assert_int_equal(bm_naming_uri_parse(&naming, "birthmark:root=pkcs11:token=a%3Bobject=r%2520t;service=mqtt", &fail), BM_OK);
    assert_string_equal(naming.root, "pkcs11:token=a;object=r%20t");
    for (size_t i = 0; i < BM_COUNT(bad); i++)
        if (bm_naming_uri_parse(&naming, bad[i], &fail) != BM_EINPUT)
            fail_msg("%s is taken", bad[i]);
}

static void
a_module_comes_from_the_configuration(void **state)
{
    char uri[64];

    (void)state;
    assert_int_equal(bm_naming_with_module(uri, sizeof(uri), "pkcs11:token=a", "/my mod&.so", &fail), BM_OK);
    assert_string_equal(uri, "pkcs11:token=a?module-path=/my%20mod%26.so");
    assert_int_equal(bm_naming_with_module(uri, sizeof(uri), "pkcs11:token=a?pin-source=/p", "/m.so", &fail), BM_OK);
    assert_string_equal(uri, "pkcs11:token=a?pin-source=/p&module-path=/m.so");
    assert_int_equal(bm_naming_with_module(uri, sizeof(uri), "tpm2:", "/m.so", &fail), BM_OK);
    assert_string_equal(uri, "tpm2:");
    assert_int_equal(bm_naming_with_module(uri, 8, "tpm2:swtpm:", "", &fail), BM_EINPUT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_file_reads_as_it_was_written),     cmocka_unit_test(modules_are_left_out_and_pins_refused),
        cmocka_unit_test(what_a_key_file_may_not_say_is_refused), cmocka_unit_test(store_uris_name_a_service_and_a_root),
        cmocka_unit_test(a_module_comes_from_the_configuration),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
