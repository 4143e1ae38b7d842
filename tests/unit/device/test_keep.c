/* test_keep.c - birthmark.h: sealed data, retiring, reset and the boot state as a device maker's program meets them. */
#include "../testing.h"

#include "birthmark.h"

#include "chips_kit.h"

#include <stdio.h>

static struct birthmark *
open_device(const char *uri)
{
    struct birthmark *bm = birthmark_new();

    assert_non_null(bm);
    assert_int_equal(birthmark_open(bm, uri), BIRTHMARK_OK);
    return bm;
}

static void
count(void *ctx, const struct birthmark_sealed *sealed)
{
    assert_string_equal(sealed->name, "disk");
    assert_string_equal(sealed->bound, "");
    assert_int_equal(sealed->usable, 1);
    ++*(int *)ctx;
}

static void
sealed_data_through_the_library(void **state)
{
    struct birthmark *bm = open_device(chips.uri[VIRTUAL_PKCS11]);
    unsigned char bytes[BIRTHMARK_SEALED_MAX] = "untouched", most[BIRTHMARK_SEALED_MAX + 1] = { 0 };
    size_t n = 99;
    int found = 0;

    (void)state;
    assert_int_equal(birthmark_unseal(bm, "disk", bytes, sizeof(bytes), &n), BIRTHMARK_REFUSED);
    assert_string_equal(birthmark_error(bm), "nothing is sealed as disk");
    assert_int_equal(birthmark_seal(bm, "disk", "the key of the disk", 19), BIRTHMARK_OK);
    assert_string_equal(birthmark_error(bm), "");
    assert_int_equal(birthmark_unseal(bm, "disk", bytes, 18, &n), BIRTHMARK_USAGE);
    assert_string_equal(birthmark_error(bm), "libbirthmark: 19 bytes are sealed as disk, and there is room for 18");
    assert_string_equal((const char *)bytes, "untouched");
    assert_int_equal(n, 99);
    assert_int_equal(birthmark_unseal(bm, "disk", bytes, 19, &n), BIRTHMARK_OK);
    assert_int_equal(n, 19);
    assert_memory_equal(bytes, "the key of the disk", 19);
    assert_int_equal(birthmark_seal(bm, "disk", most, sizeof(most)), BIRTHMARK_REFUSED);
    assert_int_equal(birthmark_seal(bm, "disk", most, BIRTHMARK_SEALED_MAX), BIRTHMARK_OK);
    assert_int_equal(birthmark_unseal(bm, "disk", bytes, sizeof(bytes), &n), BIRTHMARK_OK);
    assert_int_equal(n, BIRTHMARK_SEALED_MAX);
    assert_int_equal(birthmark_sealed(bm, count, &found), BIRTHMARK_OK);
    assert_int_equal(found, 1);
    assert_int_equal(birthmark_sealed_remove(bm, "disk"), BIRTHMARK_OK);
    assert_int_equal(birthmark_sealed_remove(bm, "disk"), BIRTHMARK_REFUSED);
    birthmark_free(bm);
}

static void
arguments_that_are_missing_are_said_to_be(void **state)
{
    struct birthmark *bm = birthmark_new();
    struct birthmark_boot boot;
    unsigned char bytes[8];
    size_t n;

    (void)state;
    assert_int_equal(birthmark_reset(bm), BIRTHMARK_USAGE); /* nothing is open */
    assert_string_equal(birthmark_error(bm), "libbirthmark: open a root of trust first");
    birthmark_free(bm);
    bm = open_device(chips.uri[VIRTUAL_PKCS11]);
    assert_int_equal(birthmark_seal(bm, NULL, "x", 1), BIRTHMARK_USAGE);
    assert_int_equal(birthmark_seal(bm, "x", NULL, 1), BIRTHMARK_USAGE);
    assert_int_equal(birthmark_unseal(bm, "x", bytes, 8, NULL), BIRTHMARK_USAGE);
    assert_int_equal(birthmark_unseal(bm, "x", NULL, 8, &n), BIRTHMARK_USAGE);
    assert_int_equal(birthmark_sealed(bm, NULL, NULL), BIRTHMARK_USAGE);
    assert_int_equal(birthmark_retire(bm, NULL), BIRTHMARK_USAGE);
    assert_int_equal(birthmark_bind(bm, NULL, "update.pub"), BIRTHMARK_USAGE);
    assert_int_equal(birthmark_boot(bm, "0", NULL), BIRTHMARK_USAGE);
    assert_int_equal(birthmark_permit(bm, NULL, 0), BIRTHMARK_USAGE);
    assert_int_equal(birthmark_seal(NULL, "x", "x", 1), BIRTHMARK_USAGE);
    assert_int_equal(birthmark_retire(bm, "mqtt"), BIRTHMARK_REFUSED);
    assert_int_equal(birthmark_bind(bm, "0", NULL), BIRTHMARK_REFUSED); /* no boot state in a token */
    assert_int_equal(birthmark_boot(bm, "0", &boot), BIRTHMARK_REFUSED);
    assert_non_null(strstr(birthmark_error(bm), "knows no boot state"));
    assert_int_equal(birthmark_bind(bm, NULL, NULL), BIRTHMARK_OK);
    birthmark_free(bm);
}

/* Binding is the handle's: what it makes after birthmark_bind() with NULL is bound to the device alone again. */
static void
binding_lasts_until_it_is_taken_back(void **state)
{
    struct birthmark *bm = open_device(chips.uri[VIRTUAL_TPM2]);
    struct birthmark_boot boot;
    int found = 0;

    (void)state;
    assert_int_equal(birthmark_boot(bm, "0,23", &boot), BIRTHMARK_OK);
    assert_int_equal(strlen(boot.policy), 64);
    assert_non_null(boot.pcr[0]);
    assert_null(boot.pcr[1]);
    assert_non_null(boot.pcr[23]);
    assert_int_equal(birthmark_bind(bm, "0,", NULL), BIRTHMARK_REFUSED);
    assert_int_equal(birthmark_bind(bm, "0", "/nowhere.pub"), BIRTHMARK_REFUSED);
    assert_int_equal(birthmark_bind(bm, "0", NULL), BIRTHMARK_OK);
    assert_non_null(strstr(birthmark_warning(bm), "PCR 0 holds nothing but zeros"));
    assert_int_equal(birthmark_seal(bm, "disk", "x", 1), BIRTHMARK_OK);
    assert_int_equal(birthmark_bind(bm, NULL, NULL), BIRTHMARK_OK);
    assert_string_equal(birthmark_warning(bm), "");
    assert_int_equal(birthmark_seal(bm, "disk", "x", 1), BIRTHMARK_OK);
    assert_int_equal(birthmark_sealed(bm, count, &found), BIRTHMARK_OK); /* bound to "" */
    assert_int_equal(found, 1);
    assert_int_equal(birthmark_permit(bm, "no permit", 9), BIRTHMARK_REFUSED);
    assert_int_equal(birthmark_reset(bm), BIRTHMARK_OK);
    assert_int_equal(birthmark_sealed(bm, count, &found), BIRTHMARK_OK);
    assert_int_equal(found, 1);
    birthmark_free(bm);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealed_data_through_the_library),
        cmocka_unit_test(arguments_that_are_missing_are_said_to_be),
        cmocka_unit_test(binding_lasts_until_it_is_taken_back),
    };

    return cmocka_run_group_tests(tests, chips_start, chips_stop);
}
