/* test_ek.c - TPM endorsement certificates: a genuine one to its maker's root, the makers' odd ones named, broken ones kept as they were delivered. */
#include "ek_maker.h"

#define MAX 192

struct set {
    struct bm_buf bytes; /* lv32 each */
    struct bm_bytes der[MAX];
    size_t n;
};

static enum bm_rc
set_add(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    struct set *set = ctx;

    (void)fail;
    set->bytes.max = 1 << 20;
    assert_true(set->n < MAX);
    bm_buf_add_lv32(&set->bytes, der);
    set->n++;
    return BM_OK;
}

static struct bm_certs_list
set_list(struct set *set)
{
    struct bm_rd rd = bm_rd(bm_buf_bytes(&set->bytes));

    for (size_t i = 0; i < set->n; i++)
        set->der[i] = bm_rd_lv32(&rd, BM_MAX_CERT);
    return (struct bm_certs_list){ set->der, set->n };
}

static void
set_done(struct set *set)
{
    bm_buf_done(&set->bytes);
    set->n = 0;
}

static bool
set_read(struct set *set, const char *file)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 1 << 20 };

    if (!kit_shared(&text, file))
        return false;
    assert_ok(bm_pem_parse(bm_buf_bytes(&text), "CERTIFICATE", set_add, set, &kit_fail));
    return true;
}

/* What was told. */
struct told {
    size_t nchips, nfindings;
    struct bm_leaf leaf[4];
    struct bm_finding finding[16]; /* without those of the list as a whole */
};

static enum bm_rc
tell(void *ctx, uint64_t index, const struct bm_lot_chip *chip, struct bm_bytes der, const struct bm_leaf_digest *digest,
     struct bm_fail *fail)
{
    struct told *told = ctx;

    (void)digest;
    (void)index;
    if (der.n > 0 && told->nchips < BM_COUNT(told->leaf))
        assert_ok(bm_leaf_parse(&told->leaf[told->nchips], der, fail));
    told->nchips++;
    for (size_t i = 0; i < chip->nfindings; i++)
        if (chip->findings[i].check != BM_CHECK_UNSIGNED && chip->findings[i].check != BM_CHECK_NO_ROOTS &&
            told->nfindings < BM_COUNT(told->finding))
            told->finding[told->nfindings++] = chip->findings[i];
    return BM_OK;
}

static enum bm_rc
receive(struct bm_lot_result *result, struct told *told, struct bm_bytes file, struct bm_certs_list roots, bm_time now)
{
    struct bm_vendor vendor = { .name = "tpms", .roots = roots };
    struct bm_lot_sink sink = { .chip = tell, .ctx = told };
    struct bm_lot_job job = { .file = file, .vendor = &vendor, .crypto = kit_crypto, .file_name = "eks.pem", .now = now };

    memset(told, 0, sizeof(*told));
    return bm_lot_read(result, &job, &sink, &kit_fail);
}

static const struct bm_finding *
found(const struct told *told, enum bm_check check)
{
    for (size_t i = 0; i < told->nfindings; i++)
        if (told->finding[i].check == check)
            return &told->finding[i];
    return NULL;
}

/* ---- the genuine one ---- */

static void
a_genuine_certificate_leads_to_its_makers_root(void **state)
{
    bm_cleanup(set_done) struct set roots = { .n = 0 }, leaf = { .n = 0 };
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 1 << 16 };
    struct bm_lot_result result;
    static struct told told;
    uint8_t hash[BM_HASH];

    (void)state;
    if (!set_read(&roots, "data/tpm/tpm_roots_26.pem") || !set_read(&roots, "data/tpm/tpm_intermediates_143.pem") ||
        !set_read(&leaf, "data/tpm/st-ek-rsa.pem") || !kit_shared(&pem, "data/tpm/st-ek-rsa.pem"))
        kit_skip(KIT_NO_SHARED);
    assert_int_equal(roots.n, 169);
    assert_ok(receive(&result, &told, bm_buf_bytes(&pem), set_list(&roots), Y2026));
    assert_int_equal(result.format, BM_FORMAT_EK);
    assert_int_equal(result.head.size, 1);
    assert_true(result.signed_each && !result.signed_whole);
    assert_int_equal(result.checked, 1); /* the chip's: what is above it is proven once, for all chips */
    assert_int_equal(told.leaf[0].root, BM_ROOT_TPM);
    assert_int_equal(told.leaf[0].keys[0].use, BM_USE_DECRYPT);
    assert_int_equal(told.leaf[0].keys[0].key.alg, BM_KEY_RSA);
    bm_sha256(hash, set_list(&leaf).der[0]);
    assert_memory_equal(told.leaf[0].hashes[0], hash, BM_HASH);
    assert_string_equal(bm_leaf_label(&told.leaf[0], "manufacturer"), "id:53544D20");
    assert_string_equal(bm_leaf_label(&told.leaf[0], BM_LABEL_MODEL), "ST33HTPHAHB4");
    assert_string_equal(bm_leaf_label(&told.leaf[0], BM_LABEL_FIRMWARE), "id:00490004");
    assert_string_equal(bm_leaf_label(&told.leaf[0], BM_LABEL_DATE), "2018-07-11");
    assert_int_equal(strncmp(told.leaf[0].id, "ek-", 3), 0);
    assert_int_equal(told.leaf[0].id_source, BM_LABEL_COMPUTED);
    assert_int_equal(strlen(told.leaf[0].id), 19);
    /* its tPMSecurityAssertions say so themselves */
    assert_int_equal(told.leaf[0].origin, BM_ORIGIN_INJECTED);
    assert_non_null(found(&told, BM_CHECK_INJECTED));
    assert_null(found(&told, BM_CHECK_BROKEN_DER));
    assert_null(found(&told, BM_CHECK_FORM));
    /* the same in DER gives the same lot */
    memcpy(hash, result.head.root, BM_HASH);
    assert_ok(receive(&result, &told, set_list(&leaf).der[0], set_list(&roots), Y2026));
    assert_memory_equal(hash, result.head.root, BM_HASH);
}

static void
a_genuine_certificate_is_refused_without_its_root_and_truncated(void **state)
{
    bm_cleanup(set_done) struct set roots = { .n = 0 }, between = { .n = 0 }, leaf = { .n = 0 };
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 1 << 16 };
    struct bm_lot_result result;
    static struct told told;
    size_t whole;

    (void)state;
    if (!set_read(&roots, "data/tpm/tpm_roots_26.pem") || !set_read(&between, "data/tpm/tpm_intermediates_143.pem") ||
        !set_read(&leaf, "data/tpm/st-ek-rsa.pem") || !kit_shared(&pem, "data/tpm/st-ek-rsa.pem"))
        kit_skip(KIT_NO_SHARED);
    assert_refused_saying(BM_EPOLICY, receive(&result, &told, bm_buf_bytes(&pem), set_list(&roots), Y2026),
                          "does not lead to a trusted one");
    for (whole = pem.n; pem.p[whole - 1] != '-'; whole--)
        continue;
    for (size_t n = 0; n < whole; n++)
        assert_int_not_equal(receive(&result, &told, bm_bytes(pem.p, n), (struct bm_certs_list){ NULL, 0 }, Y2026), BM_OK);
    for (size_t n = 0; n < set_list(&leaf).der[0].n; n++)
        assert_int_not_equal(receive(&result, &told, bm_bytes(leaf.der[0].p, n), (struct bm_certs_list){ NULL, 0 }, Y2026), BM_OK);
}

/* Of 26 roots and 143 intermediates: read loosely all, strictly not all. The path of each: tests/unit/pki/test_path.c. */
static void
the_makers_odd_certificates_are_named(void **state)
{
    bm_cleanup(set_done) struct set roots = { .n = 0 };
    size_t loose = 0, strict = 0, ordered = 0;

    (void)state;
    if (!set_read(&roots, "data/tpm/tpm_roots_26.pem") || !set_read(&roots, "data/tpm/tpm_intermediates_143.pem"))
        kit_skip(KIT_NO_SHARED);
    for (size_t i = 0; i < roots.n; i++) {
        struct bm_bytes der = set_list(&roots).der[i];
        struct bm_cert_loose cert;
        struct bm_cert ignored;
        char name[120];
        bool order;

        assert_ok(bm_cert_loose_parse(&cert, der, &kit_fail));
        assert_true(bm_cert_loose_is_ca(&cert));
        loose++;
        order = bm_name_in_order(cert.issuer) && bm_name_in_order(cert.subject);
        bm_name_print(name, sizeof(name), cert.subject);
        ordered += order;
        if (!order)
            print_message("a SET out of order: %s\n", name);
        if (bm_cert_parse(&ignored, der, &kit_fail) == BM_OK)
            strict++;
        else
            print_message("read loosely only: %s: %s\n", name, kit_fail.text);
    }
    print_message("%zu read loosely, %zu strictly, %zu with their names in order\n", loose, strict, ordered);
    assert_int_equal(loose, 169);
    assert_int_equal(ordered, 165); /* four of Nuvoton's roots */
    assert_int_equal(strict, 145);  /* the others have keys of P-521, which chips of ours do not */
}

/* ---- made ones ---- */

#define ROOTS(ca) ((struct bm_certs_list){ &(struct bm_bytes){ (ca).cert.p, (ca).cert.n }, 1 })

static void
a_bundle_without_line_ends_between_is_one_lot(void **state)
{
    bm_cleanup(ca_done) struct ca ca;
    bm_cleanup(bm_buf_done) struct bm_buf rsa = { .n = 0 }, ecc = { .n = 0 }, pem = { .max = 1 << 16 };
    struct bm_lot_result result;
    static struct told told;

    (void)state;
    ca_open(&ca, 0);
    ek_make(&rsa, &ca, MAKE_RSA);
    ek_make(&ecc, &ca, MAKE_INSIDE);
    bm_buf_add_str(&pem, "these are two\n");
    bm_pem_build(&pem, "CERTIFICATE", bm_buf_bytes(&rsa));
    pem.n--; /* as `cat *.pem` has it where a file lacks its last line end */
    bm_pem_build(&pem, "CERTIFICATE", bm_buf_bytes(&ca.cert));
    bm_pem_build(&pem, "CERTIFICATE", bm_buf_bytes(&ecc));
    assert_ok(receive(&result, &told, bm_buf_bytes(&pem), ROOTS(ca), Y2026));
    /* the CA's own certificate came along, and is no chip */
    assert_int_equal(result.head.size, 2);
    assert_int_equal(result.checked, 2);
    assert_string_equal(result.head.lot, "eks");
    assert_int_equal(told.nfindings, 0);
    assert_int_equal(told.leaf[0].keys[0].key.alg, BM_KEY_RSA);
    assert_int_equal(told.leaf[0].origin, BM_ORIGIN_UNSAID);
    assert_int_equal(told.leaf[1].keys[0].key.alg, BM_KEY_P256);
    assert_int_equal(told.leaf[1].origin, BM_ORIGIN_INSIDE);
    assert_string_equal(bm_leaf_label(&told.leaf[1], BM_LABEL_MODEL), "TP1");
    /* the second block is cut short, or its boundary is */
    for (size_t n = pem.n - 2; pem.p[n] != '-' || pem.p[n - 1] == '-'; n--)
        assert_int_not_equal(receive(&result, &told, bm_bytes(pem.p, n), ROOTS(ca), Y2026), BM_OK);
    /* twice the same */
    bm_pem_build(&pem, "CERTIFICATE", bm_buf_bytes(&rsa));
    assert_refused_saying(BM_EPOLICY, receive(&result, &told, bm_buf_bytes(&pem), ROOTS(ca), Y2026), "has a root key that chip 0 has too");
}

static void
der_one_after_the_other_and_filling_behind(void **state)
{
    bm_cleanup(ca_done) struct ca ca;
    bm_cleanup(bm_buf_done) struct bm_buf one = { .n = 0 }, two = { .n = 0 }, file = { .max = 1 << 16 };
    struct bm_lot_result result;
    static struct told told;
    size_t whole;

    (void)state;
    ca_open(&ca, 0);
    ek_make(&one, &ca, 0);
    ek_make(&two, &ca, 0);
    bm_buf_add_bytes(&file, bm_buf_bytes(&one));
    bm_buf_add_bytes(&file, bm_buf_bytes(&two));
    whole = file.n;
    for (int i = 0; i < 9; i++)
        bm_buf_add_u8(&file, 0xff);
    assert_ok(receive(&result, &told, bm_buf_bytes(&file), ROOTS(ca), Y2026));
    assert_int_equal(result.head.size, 2);
    assert_non_null(found(&told, BM_CHECK_FORM));
    assert_ok(receive(&result, &told, bm_bytes(file.p, whole), ROOTS(ca), Y2026));
    assert_int_equal(told.nfindings, 0);
    for (size_t n = one.n + 1; n < whole; n++)
        assert_int_not_equal(receive(&result, &told, bm_bytes(file.p, n), ROOTS(ca), Y2026), BM_OK);
    file.p[whole + 3] = 1;
    assert_rc(BM_EINPUT, receive(&result, &told, bm_buf_bytes(&file), ROOTS(ca), Y2026));
}

static void
file_add(struct bm_buf *dir, const char *name, struct bm_bytes content)
{
    dir->max = 1 << 16;
    if (dir->n == 0)
        bm_buf_add(dir, "BMDIR1\n", 8);
    bm_buf_add_lv32(dir, bm_bytes_str(name));
    bm_buf_add_lv32(dir, content);
}

static void
files_of_one_stem_are_one_tpm(void **state)
{
    bm_cleanup(ca_done) struct ca ca;
    bm_cleanup(bm_buf_done) struct bm_buf rsa = { .n = 0 }, ecc = { .n = 0 }, other = { .n = 0 }, dir = { .n = 0 },
                                          pem = { .max = 1 << 14 };
    struct bm_lot_result result;
    static struct told told;

    (void)state;
    ca_open(&ca, 0);
    ek_make(&rsa, &ca, MAKE_RSA);
    ek_make(&ecc, &ca, 0);
    ek_make(&other, &ca, 0);
    bm_pem_build(&pem, "CERTIFICATE", bm_buf_bytes(&ecc));
    file_add(&dir, "b17.der", bm_buf_bytes(&other));
    file_add(&dir, "a16-rsa.crt", bm_buf_bytes(&rsa));
    file_add(&dir, "a16.ecc", bm_buf_bytes(&pem));
    assert_ok(receive(&result, &told, bm_buf_bytes(&dir), ROOTS(ca), Y2026));
    assert_int_equal(result.head.size, 2);
    assert_int_equal(result.checked, 3);
    assert_int_equal(told.leaf[0].nkeys, 2);
    assert_int_equal(told.leaf[0].nhashes, 2);
    assert_string_equal(bm_leaf_label(&told.leaf[0], "file"), "a16-rsa.crt");
    assert_int_equal(told.leaf[1].nkeys, 1);
    assert_string_equal(bm_leaf_label(&told.leaf[1], "file"), "b17.der");
    for (size_t n = 8; n < dir.n; n++)
        if (n != 8 + 4 + 7 + 4 + other.n && n != 8 + 4 + 7 + 4 + other.n + 4 + 11 + 4 + rsa.n) /* there a file ends */
            assert_int_not_equal(receive(&result, &told, bm_bytes(dir.p, n), ROOTS(ca), Y2026), BM_OK);
    file_add(&dir, "readme.txt", bm_bytes_str("hello"));
    assert_refused(BM_EINPUT, receive(&result, &told, bm_buf_bytes(&dir), ROOTS(ca), Y2026),
                   "readme.txt: there is no certificate in it: take it out of the directory");
}

static void
broken_der_is_kept_as_delivered_and_needs_a_waiver(void **state)
{
    static const unsigned broken[] = { MAKE_LONG_SERIAL, MAKE_UNSORTED };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(broken); i++) {
        bm_cleanup(ca_done) struct ca ca, stranger;
        bm_cleanup(bm_buf_done) struct bm_buf ek = { .n = 0 }, other = { .n = 0 };
        struct bm_lot_result result;
        static struct told told;
        uint8_t hash[BM_HASH];

        ca_open(&ca, broken[i] & MAKE_UNSORTED);
        ca_open(&stranger, broken[i] & MAKE_UNSORTED);
        ek_make(&ek, &ca, broken[i]);
        assert_ok(receive(&result, &told, bm_buf_bytes(&ek), ROOTS(ca), Y2026));
        assert_int_equal(result.checked, 1);
        assert_int_equal(told.nfindings, 1);
        assert_int_equal(told.finding[0].check, BM_CHECK_BROKEN_DER);
        assert_int_equal(bm_check_weight(told.finding[0].check), BM_WEIGHT_WAIVABLE);
        bm_sha256(hash, bm_buf_bytes(&ek));
        assert_memory_equal(told.leaf[0].hashes[0], hash, BM_HASH);
        ek_make(&other, &ca, broken[i] | MAKE_CRITICAL);
        /* proves: RFC5280 4.2 */
        assert_rc(BM_EPOLICY, receive(&result, &told, bm_buf_bytes(&other), ROOTS(ca), Y2026));
        /* another key under the same name; another time; one bit of what is signed, and of the signature */
        assert_rc(BM_EPOLICY, receive(&result, &told, bm_buf_bytes(&ek), ROOTS(stranger), Y2026));
        assert_rc(BM_EPOLICY, receive(&result, &told, bm_buf_bytes(&ek), ROOTS(ca), Y2020 - 1));
        ek.p[ek.n - 1] ^= 1;
        assert_rc(BM_EPOLICY, receive(&result, &told, bm_buf_bytes(&ek), ROOTS(ca), Y2026));
        ek.p[ek.n - 1] ^= 1;
        ek.p[20] ^= 1;
        assert_int_not_equal(receive(&result, &told, bm_buf_bytes(&ek), ROOTS(ca), Y2026), BM_OK);
    }
}

static void
what_is_odd_is_told(void **state)
{
    bm_cleanup(ca_done) struct ca ca;
    bm_cleanup(bm_buf_done) struct bm_buf ek = { .n = 0 };
    struct bm_lot_result result;
    static struct told told;

    (void)state;
    ca_open(&ca, 0);
    ek_make(&ek, &ca, MAKE_NO_PURPOSE);
    assert_ok(receive(&result, &told, bm_buf_bytes(&ek), ROOTS(ca), Y2026));
    assert_int_equal(told.nfindings, 1);
    assert_string_equal(told.finding[0].sentence, "its certificate does not say that it is an endorsement key's (2.23.133.8.1)");
    /* proves: RFC5280 4.2.1.12 */
    ek_make(&ek, &ca, MAKE_OTHER_PURPOSE);
    assert_refused(BM_EPOLICY, receive(&result, &told, bm_buf_bytes(&ek), ROOTS(ca), Y2026),
                   "chip 0: its certificate is for other purposes than an endorsement key's (2.23.133.8.1)");
    ek_make(&ek, &ca, MAKE_OLD);
    assert_ok(receive(&result, &told, bm_buf_bytes(&ek), ROOTS(ca), Y2026));
    assert_int_equal(told.nfindings, 1);
    assert_int_equal(told.finding[0].check, BM_CHECK_SIGNER_EXPIRED);
    assert_ok(receive(&result, &told, bm_buf_bytes(&ek), ROOTS(ca), Y2026 - 2000));
    assert_int_equal(told.nfindings, 0);
    /* nobody is pinned: nothing was verified, and it says so */
    assert_ok(receive(&result, &told, bm_buf_bytes(&ek), (struct bm_certs_list){ NULL, 0 }, Y2026));
    assert_int_equal(result.checked, 0);
    assert_false(result.signed_each);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_genuine_certificate_leads_to_its_makers_root),
        cmocka_unit_test(a_genuine_certificate_is_refused_without_its_root_and_truncated),
        cmocka_unit_test(the_makers_odd_certificates_are_named),
        cmocka_unit_test(a_bundle_without_line_ends_between_is_one_lot),
        cmocka_unit_test(der_one_after_the_other_and_filling_behind),
        cmocka_unit_test(files_of_one_stem_are_one_tpm),
        cmocka_unit_test(broken_der_is_kept_as_delivered_and_needs_a_waiver),
        cmocka_unit_test(what_is_odd_is_told),
    };

    return kit_end(cmocka_run_group_tests(tests, kit_crypto_open, kit_crypto_close));
}
