/* test_pkcs11.c - what only a token does: PINs, keys that could be read out, a commit that was cut off. */
#include "../testing.h"

#include "root/pkcs11_cert.h"
#include "root/root.h"

#include "chips_kit.h"

/* The token's URI with another query or path. */
static const char *
uri_with(char ret[static 600], const char *path, const char *query)
{
    (void)snprintf(ret, 600, "pkcs11:token=se-01%s?%s", path, query);
    return ret;
}

static void
a_locked_token_says_what_to_do(void **state)
{
    struct bm_root *root = NULL;
    char uri[600];

    (void)state;
    assert_int_equal(bm_root_open(&root, uri_with(uri, "", "pin-value=wrong"), &kit_fail), BM_EBUSY);
    assert_non_null(strstr(kit_fail.text, "refuses the PIN"));
    assert_int_equal(bm_root_open(&root, "pkcs11:token=se-01", &kit_fail), BM_EBUSY);
    assert_non_null(strstr(kit_fail.text, "pin-source=FILE"));
    assert_int_equal(bm_root_open(&root, uri_with(uri, "", "pin-source=/nowhere"), &kit_fail), BM_EINPUT);
    assert_non_null(strstr(kit_fail.text, "pin-source: /nowhere"));
    assert_null(root);
}

/* What softhsm2-util or pkcs11-tool may have made before us. */
static void
a_root_key_that_can_be_read_out_is_refused(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE };
    static struct bm_leaf leaf;
    struct bm_p11 token;
    char uri[1024];
    CK_MECHANISM mechanism = { .mechanism = CKM_EC_KEY_PAIR_GEN };
    CK_BYTE p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 }, id[] = { 1, 2, 3 };
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    char label[] = "open";
    CK_ATTRIBUTE public[] = {
        { CKA_TOKEN, &yes, sizeof(yes) }, { CKA_EC_PARAMS, p256, sizeof(p256) }, { CKA_LABEL, label, 4 }, { CKA_ID, id, 3 }
    };
    CK_ATTRIBUTE private[] = { { CKA_TOKEN, &yes, sizeof(yes) },
                               { CKA_SENSITIVE, &no, sizeof(no) },
                               { CKA_EXTRACTABLE, &yes, sizeof(yes) },
                               { CKA_SIGN, &yes, sizeof(yes) },
                               { CKA_LABEL, label, 4 },
                               { CKA_ID, id, 3 } };
    CK_OBJECT_HANDLE one, two;

    (void)state;
    assert_ok(bm_p11_open(&token, BM_P11_ROOT, chips.uri[VIRTUAL_PKCS11] + strlen("pkcs11:"), &kit_fail));
    assert_int_equal(
        token.fn->C_GenerateKeyPair(token.session, &mechanism, public, BM_COUNT(public), private, BM_COUNT(private), &one, &two), CKR_OK);
    const char *query = strchr(chips.uri[VIRTUAL_PKCS11], '?');
    (void)snprintf(uri, sizeof(uri), "pkcs11:token=se-01;object=open%s", query);
    assert_ok(bm_root_open(&root, uri, &kit_fail));
    assert_int_equal(root->ops->identify(root, true, &leaf, &certs, &kit_fail), BM_EPOLICY);
    assert_non_null(strstr(kit_fail.text, "can be read out"));
    bm_p11_close(&token);
}

static void
the_root_key_is_found_by_its_id_too(void **state)
{
    static struct bm_leaf by_id, by_label;
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE };
    const char *query = strchr(chips.uri[VIRTUAL_PKCS11], '?');
    bm_cleanup(bm_root_done) struct bm_root *root = NULL, *again = NULL;
    char uri[1024];

    (void)state;
    (void)snprintf(uri, sizeof(uri), "pkcs11:token=se-01;object=numbered;id=%%01%%ab%s", query);
    assert_ok(bm_root_open(&root, uri, &kit_fail));
    assert_ok(root->ops->identify(root, true, &by_id, &certs, &kit_fail));
    (void)snprintf(uri, sizeof(uri), "pkcs11:token=se-01;object=numbered%s", query);
    assert_ok(bm_root_open(&again, uri, &kit_fail));
    assert_ok(again->ops->identify(again, false, &by_label, &certs, &kit_fail));
    assert_memory_equal(by_id.keys[0].key.hash, by_label.keys[0].key.hash, BM_HASH);
    assert_true(strlen(by_id.id) > 0); /* the token's serial number */
}

/* A self-made certificate is more than this needs: any that parses will do. */
static const uint8_t certificate[] = {
#include "certificate.inc"
};

static void
a_commit_that_was_cut_off_is_finished_by_the_next_one(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf id = { .max = BM_P11_ID };
    struct bm_bytes cert = bm_bytes(certificate, sizeof(certificate));
    CK_OBJECT_HANDLE found[BM_P11_FOUND];
    struct bm_key first, second, now;
    struct bm_p11 token;
    size_t n;

    (void)state;
    assert_ok(bm_root_open(&root, chips.uri[VIRTUAL_PKCS11], &kit_fail));
    assert_ok(root->ops->key_new(root, "cut", &first, &kit_fail));
    assert_ok(root->ops->commit(root, "cut", &cert, 1, &kit_fail));
    assert_ok(root->ops->key_new(root, "cut", &second, &kit_fail));
    /* the power goes after the leaf was created and before the old identity was destroyed */
    assert_ok(bm_p11_open(&token, BM_P11_ROOT, chips.uri[VIRTUAL_PKCS11] + strlen("pkcs11:"), &kit_fail));
    assert_ok(bm_p11_find(&token, CKO_PRIVATE_KEY, "birthmark:cut:pending", bm_bytes(NULL, 0), found, &n, &kit_fail));
    assert_int_equal(n, 1);
    assert_ok(bm_p11_read(&token, found[0], CKA_ID, &id, &kit_fail));
    assert_ok(bm_p11_cert_add(&token, "birthmark:cut", bm_buf_bytes(&id), cert, &kit_fail));
    assert_ok(root->ops->key_public(root, "cut", false, &now, &kit_fail));
    assert_memory_equal(now.hash, second.hash, BM_HASH);
    assert_int_equal(root->ops->key_public(root, "cut", true, &now, &kit_fail), BM_EPOLICY);
    assert_ok(bm_p11_find(&token, CKO_PRIVATE_KEY, "birthmark:cut", bm_bytes(NULL, 0), found, &n, &kit_fail));
    assert_int_equal(n, 1);
    assert_ok(bm_p11_find(&token, CKO_CERTIFICATE, "birthmark:cut", bm_bytes(NULL, 0), found, &n, &kit_fail));
    assert_int_equal(n, 1);
    /* and a key of the device cannot be read either */
    assert_ok(bm_p11_find(&token, CKO_PRIVATE_KEY, "birthmark:cut", bm_bytes(NULL, 0), found, &n, &kit_fail));
    CK_BYTE value[64];
    CK_ATTRIBUTE ask = { CKA_VALUE, value, sizeof(value) };
    assert_int_equal(token.fn->C_GetAttributeValue(token.session, found[0], &ask, 1), CKR_ATTRIBUTE_SENSITIVE);
    bm_p11_close(&token);
}

/* ---- cut at every change to the token ---- */

/* As pkcs11.c has it: the table of the module's functions is replaced by one that ends. */
struct inside {
    struct bm_root root;
    struct bm_p11 token;
};
static CK_FUNCTION_LIST whole, cutting;
static unsigned changes_left;

static bool
change(void)
{
    return changes_left > 0 && changes_left-- > 0;
}

static CK_RV
cut_create(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG n, CK_OBJECT_HANDLE *ret)
{
    return change() ? whole.C_CreateObject(session, template, n, ret) : CKR_DEVICE_REMOVED;
}

static CK_RV
cut_destroy(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    return change() ? whole.C_DestroyObject(session, object) : CKR_DEVICE_REMOVED;
}

static CK_RV
cut_set(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG n)
{
    return change() ? whole.C_SetAttributeValue(session, object, template, n) : CKR_DEVICE_REMOVED;
}

static CK_RV
cut_generate(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *template, CK_ULONG n, CK_OBJECT_HANDLE *ret)
{
    return change() ? whole.C_GenerateKey(session, mechanism, template, n, ret) : CKR_DEVICE_REMOVED;
}

static struct bm_root *
open_cut(unsigned changes)
{
    struct bm_root *root = NULL;
    struct inside *inside;

    assert_ok(bm_root_open(&root, chips.uri[VIRTUAL_PKCS11], &kit_fail));
    inside = (struct inside *)root;
    whole = cutting = *inside->token.fn;
    cutting.C_CreateObject = cut_create;
    cutting.C_DestroyObject = cut_destroy;
    cutting.C_SetAttributeValue = cut_set;
    cutting.C_GenerateKey = cut_generate;
    inside->token.fn = &cutting;
    changes_left = changes;
    return root;
}

static void
sealing_that_is_cut_off_anywhere_leaves_the_old_or_the_new(void **state)
{
    enum bm_rc rc = BM_EBUSY;
    char old[8] = "", new[8];

    (void)state;
    for (unsigned cuts = 0; rc != BM_OK; cuts++) {
        bm_cleanup(bm_root_done) struct bm_root *root = open_cut(cuts);
        bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = BM_MAX_SEALED };

        assert_true(cuts < 20);
        (void)snprintf(new, sizeof(new), "v%u", cuts);
        rc = root->ops->seal(root, "disk", bm_bytes_str(new), &kit_fail);
        assert_true(rc == BM_OK || rc == BM_EBUSY);
        changes_left = 0;
        if (old[0] == '\0' && root->ops->unseal(root, "disk", &bytes, &kit_fail) == BM_EPOLICY)
            continue; /* never sealed yet */
        bm_buf_reset(&bytes);
        assert_ok(root->ops->unseal(root, "disk", &bytes, &kit_fail));
        if (bm_bytes_equal(bm_buf_bytes(&bytes), bm_bytes_str(new)))
            memcpy(old, new, sizeof(old));
        else
            assert_true(rc != BM_OK && bm_bytes_equal(bm_buf_bytes(&bytes), bm_bytes_str(old)));
    }
    assert_string_equal(old, new);
}

static void
retiring_that_is_cut_off_anywhere_leaves_the_identity_or_nothing(void **state)
{
    struct bm_bytes cert = bm_bytes(certificate, sizeof(certificate));
    enum bm_rc rc = BM_EBUSY;

    (void)state;
    for (unsigned cuts = 0; rc != BM_OK; cuts++) {
        bm_cleanup(bm_root_done) struct bm_root *root = open_cut(100);
        bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE }, signature = { .max = BM_MAX_SIGNATURE },
                                              names = { .max = 4096 };
        enum bm_sig_alg alg;
        struct bm_key key;
        bool there;

        assert_true(cuts < 20);
        assert_ok(root->ops->key_new(root, "leaving", &key, &kit_fail));
        assert_ok(root->ops->commit(root, "leaving", &cert, 1, &kit_fail));
        assert_ok(root->ops->key_new(root, "leaving", &key, &kit_fail));
        changes_left = cuts;
        rc = root->ops->retire(root, "leaving", &kit_fail);
        assert_true(rc == BM_OK || rc == BM_EBUSY);
        changes_left = 0;
        assert_ok(root->ops->services(root, &names, &kit_fail));
        bm_buf_add_u8(&names, 0);
        there = strstr((const char *)names.p, "leaving\n") != NULL;
        assert_false(there && rc == BM_OK);
        if (there) {
            assert_ok(root->ops->certs(root, "leaving", &certs, &kit_fail));
            assert_ok(root->ops->key_sign(root, "leaving", false, bm_bytes_str("x"), &alg, &signature, &kit_fail));
        }
    }
}

static void
what_was_changed_in_the_token_is_not_opened(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_cut(100);
    bm_cleanup(bm_buf_done) struct bm_buf value = { .max = 4096 }, bytes = { .max = BM_MAX_SEALED };
    const struct bm_p11 *token = &((struct inside *)root)->token;
    CK_OBJECT_HANDLE found[BM_P11_FOUND];
    size_t n;

    (void)state;
    assert_ok(root->ops->seal(root, "whole", bm_bytes_str("secret"), &kit_fail));
    assert_ok(bm_p11_find(token, CKO_DATA, "birthmark:sealed:whole", bm_bytes(NULL, 0), found, &n, &kit_fail));
    assert_int_equal(n, 1);
    assert_ok(bm_p11_read(token, found[0], CKA_VALUE, &value, &kit_fail));
    assert_null(memmem(value.p, value.n, "secret", 6));
    assert_ok(bm_p11_data_add(token, "birthmark:sealed:moved", bm_buf_bytes(&value), &kit_fail));
    assert_refused(BM_EPOLICY, root->ops->unseal(root, "moved", &bytes, &kit_fail),
                   "the sealed data moved: it was changed, or sealed by another device");
    assert_ok(bm_p11_data_add(token, "birthmark:sealed:short", bm_bytes(value.p, 10), &kit_fail));
    assert_refused(BM_EPOLICY, root->ops->unseal(root, "short", &bytes, &kit_fail), "the sealed data short is malformed");
    value.p[4]++; /* a higher sequence for the same box: it counts, and does not open */
    assert_ok(bm_p11_data_add(token, "birthmark:sealed:whole", bm_buf_bytes(&value), &kit_fail));
    assert_rc(BM_EPOLICY, root->ops->unseal(root, "whole", &bytes, &kit_fail));
    assert_int_equal(bytes.n, 0);
    assert_ok(bm_p11_find(token, CKO_SECRET_KEY, "birthmark:sealing", bm_bytes(NULL, 0), found, &n, &kit_fail));
    assert_int_equal(n, 1);
    CK_BYTE key[64];
    CK_ATTRIBUTE ask = { CKA_VALUE, key, sizeof(key) };
    assert_int_equal(whole.C_GetAttributeValue(token->session, found[0], &ask, 1), CKR_ATTRIBUTE_SENSITIVE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_locked_token_says_what_to_do), /* first: a login holds for the whole program */
        cmocka_unit_test(a_root_key_that_can_be_read_out_is_refused),
        cmocka_unit_test(the_root_key_is_found_by_its_id_too),
        cmocka_unit_test(a_commit_that_was_cut_off_is_finished_by_the_next_one),
        cmocka_unit_test(sealing_that_is_cut_off_anywhere_leaves_the_old_or_the_new),
        cmocka_unit_test(retiring_that_is_cut_off_anywhere_leaves_the_identity_or_nothing),
        cmocka_unit_test(what_was_changed_in_the_token_is_not_opened),
    };

    return cmocka_run_group_tests(tests, chips_start, chips_stop);
}
