/* test_tpm2_template.c - TCG's identity keys: the template makes the key, the record names the template, a maker's handles and certificates are found, and what
 * the attestation key says is so. */
#include "../testing.h"

#include "root/tpm2.h"

#include "evidence/tpm.h"
#include "chips_kit.h"

#include <tss2/tss2_mu.h>

static struct bm_leaf leaf, other; /* 9 KiB each: not for the stack */

/* On the chip, by this template; "": none named. */
static struct bm_root *
open_by(const char *options)
{
    struct bm_root *root = NULL;
    char uri[600];

    (void)snprintf(uri, sizeof(uri), "%s%s", chips.uri[VIRTUAL_TPM2], options);
    assert_ok(bm_root_open(&root, uri, &kit_fail));
    return root;
}

static size_t
identify(struct bm_root *root, bool make, struct bm_leaf *ret)
{
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE };

    assert_ok(root->ops->identify(root, make, ret, &certs, &kit_fail));
    return certs.n;
}

static void
another_template_is_another_key(void **state)
{
    static const struct {
        const char *options;
        enum bm_key_alg alg;
    } by[] = {
        { ";template=H-1", BM_KEY_RSA },    { ";template=H-2", BM_KEY_P256 },   { ";template=H-3", BM_KEY_P384 },
        { ";template=H-2xy", BM_KEY_P256 }, { ";template=H-3xy", BM_KEY_P384 },
    };
    uint8_t hashes[2 * BM_COUNT(by)][BM_HASH];

    (void)state;
    for (size_t i = 0; i < BM_COUNT(by); i++) {
        bm_cleanup(bm_root_done) struct bm_root *root = open_by(by[i].options);

        (void)identify(root, false, &leaf); /* no record is written */
        assert_int_equal(leaf.nkeys, 5);
        assert_int_equal(leaf.keys[0].use, BM_USE_ATTEST);
        assert_int_equal(leaf.keys[1].use, BM_USE_SIGN);
        assert_int_equal(leaf.keys[2].use, BM_USE_DECRYPT);
        for (size_t k = 0; k < 2; k++) {
            assert_int_equal(leaf.keys[k].key.alg, by[i].alg);
            memcpy(hashes[2 * i + k], leaf.keys[k].key.hash, BM_HASH);
            for (size_t j = 0; j < 2 * i + k; j++)
                assert_memory_not_equal(hashes[j], hashes[2 * i + k], BM_HASH);
        }
    }
}

static void
what_a_uri_may_say_of_a_tpm(void **state)
{
    static const char *const bad[] = { ";template=",     ";template=H-4", ";", ";colour=red", ";certificates=", ";certificates=0x02000000",
                                       ";template=H-2;x" };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(bad); i++) {
        struct bm_root *root = NULL;
        char uri[600];

        (void)snprintf(uri, sizeof(uri), "%s%s", chips.uri[VIRTUAL_TPM2], bad[i]);
        assert_rc(BM_EINPUT, bm_root_open(&root, uri, &kit_fail));
        assert_null(root);
    }
}

/* What the IAK says of an operational key, under a real TPM. */
static void
the_attestation_key_certifies(void **state)
{
    static const char *const by[] = { ";template=H-1", ";template=H-2", ";template=H-3" };
    bm_cleanup(bm_crypto_done) struct bm_crypto *crypto = NULL;
    const struct bm_bytes extra = bm_bytes_str("thirty-two bytes, as of a digest");

    (void)state;
    assert_ok(bm_crypto_new(&crypto, &kit_fail));
    for (size_t i = 0; i < BM_COUNT(by); i++) {
        bm_cleanup(bm_root_done) struct bm_root *root = open_by(by[i]);
        bm_cleanup(bm_buf_done) struct bm_buf area = { .max = 1024 }, attest = { .max = 1024 }, signature = { .max = 1024 };
        struct bm_tpm_public key;
        struct bm_bytes name;
        struct bm_key made;

        (void)identify(root, false, &leaf);
        assert_ok(root->ops->key_new(root, "iak", &made, &kit_fail));
        assert_ok(root->ops->certify(root, &leaf.keys[0].key, "iak", true, extra, &area, &attest, &signature, &kit_fail));
        assert_ok(bm_tpm_attest_check(&name, crypto, bm_buf_bytes(&attest), bm_buf_bytes(&signature), &leaf.keys[0].key, extra, &kit_fail));
        assert_ok(bm_tpm_public_parse(&key, bm_buf_bytes(&area), &kit_fail));
        assert_ok(bm_tpm_name_check(name, &key, &kit_fail));
        assert_ok(bm_tpm_public_check_operational(&key, &kit_fail));
        /* the IDevID is none that certifies */
        assert_rc(BM_EPOLICY, root->ops->certify(root, &leaf.keys[1].key, "iak", true, extra, &area, &attest, &signature, &kit_fail));
    }
}

/* TPM2_Certify of an IDevID wants its policy; TPM2_CertifyCreation does not, and says the same: it was made in here. */
static void
a_creation_is_certified_where_a_key_is_not(void **state)
{
    static const TPM2B_SENSITIVE_CREATE nothing;
    static const TPML_PCR_SELECTION no_pcrs;
    static const TPMT_SIG_SCHEME keys_own = { .scheme = TPM2_ALG_NULL };
    static const TPM2B_DATA extra = { .size = 5, .buffer = "nonce" }, no_data;
    bm_cleanup(bm_root_done) struct bm_root *root = open_by(";template=H-2");
    bm_cleanup(bm_crypto_done) struct bm_crypto *crypto = NULL;
    struct bm_tpm2 *tpm = (struct bm_tpm2 *)root;
    ESYS_TR iak, idevid, derived;
    TPM2B_PUBLIC template, iak_public, *public;
    TPM2B_CREATION_DATA *data;
    TPM2B_DIGEST *hash;
    TPMT_TK_CREATION *ticket;
    TPM2B_ATTEST *said;
    TPMT_SIGNATURE *by;
    uint8_t area[1024], signature[1024];
    size_t narea = 0, nsignature = 0;
    struct bm_tpm_public checked;
    struct bm_bytes name;
    struct bm_key iak_key;

    (void)state;
    assert_ok(bm_crypto_new(&crypto, &kit_fail));
    assert_ok(bm_tpm2_identity_open(tpm, BM_TPM2_IDEVID, &derived, &template, &kit_fail));
    bm_tpm2_object_close(tpm, &derived);
    template.publicArea.unique.ecc = (TPMS_ECC_POINT){ .x = { .size = 6, .buffer = "IDEVID" } };
    assert_int_equal(Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &nothing,
                                        &template, &no_data, &no_pcrs, &idevid, &public, &data, &hash, &ticket),
                     TSS2_RC_SUCCESS);
    assert_ok(bm_tpm2_identity_open(tpm, BM_TPM2_IAK, &iak, &iak_public, &kit_fail));
    assert_ok(bm_tpm2_public_key(&iak_key, &iak_public, &kit_fail));
    assert_int_not_equal(
        Esys_Certify(tpm->esys, idevid, iak, ESYS_TR_PASSWORD, ESYS_TR_PASSWORD, ESYS_TR_NONE, &extra, &keys_own, &said, &by),
        TSS2_RC_SUCCESS);
    assert_int_equal(Esys_CertifyCreation(tpm->esys, iak, idevid, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &extra, hash, &keys_own,
                                          ticket, &said, &by),
                     TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_MU_TPMT_PUBLIC_Marshal(&public->publicArea, area, sizeof(area), &narea), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_MU_TPMT_SIGNATURE_Marshal(by, signature, sizeof(signature), &nsignature), TSS2_RC_SUCCESS);
    assert_ok(bm_tpm_attest_check(&name, crypto, bm_bytes(said->attestationData, said->size), bm_bytes(signature, nsignature), &iak_key,
                                  bm_bytes_str("nonce"), &kit_fail));
    assert_ok(bm_tpm_public_parse(&checked, bm_bytes(area, narea), &kit_fail));
    assert_ok(bm_tpm_name_check(name, &checked, &kit_fail));
    bm_tpm2_flush(tpm, &idevid);
    bm_tpm2_object_close(tpm, &iak);
    Esys_Free(public);
    Esys_Free(data);
    Esys_Free(hash);
    Esys_Free(ticket);
    Esys_Free(said);
    Esys_Free(by);
}

static void
the_tpm_keeps_which_template(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_by("");
    struct bm_root *named = NULL;
    char uri[600];

    (void)state;
    (void)identify(root, true, &other);
    assert_int_equal(other.nkeys, 3); /* endorsement keys alone */
    bm_root_done(&root);
    root = open_by(";template=H-3");
    (void)identify(root, true, &leaf);
    assert_ok(root->ops->reset(root, &kit_fail)); /* and a factory reset keeps it */
    bm_root_done(&root);
    root = open_by("");
    (void)identify(root, false, &other);
    assert_int_equal(other.nkeys, 5);
    assert_memory_equal(leaf.keys[0].key.hash, other.keys[0].key.hash, BM_HASH);
    (void)snprintf(uri, sizeof(uri), "%s;template=H-2", chips.uri[VIRTUAL_TPM2]);
    bm_root_done(&root);
    assert_ok(bm_root_open(&named, uri, &kit_fail));
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE };
    assert_rc(BM_EPOLICY, named->ops->identify(named, true, &leaf, &certs, &kit_fail));
    assert_non_null(strstr(kit_fail.text, "by template H-3"));
    bm_root_done(&named);
    struct bm_tpm2 *tpm;
    assert_ok(bm_tpm2_open(&tpm, strchr(chips.uri[VIRTUAL_TPM2], ':') + 1, &kit_fail));
    assert_ok(bm_tpm2_record_remove(tpm, "H-3", BM_TPM2_TEMPLATE, &kit_fail));
    bm_tpm2_close(tpm);
}

static void
persist(struct bm_tpm2 *tpm, enum bm_tpm2_role role, uint32_t handle)
{
    TPM2B_PUBLIC public;
    ESYS_TR object, kept;

    assert_ok(bm_tpm2_identity_open(tpm, role, &object, &public, &kit_fail));
    assert_int_equal(Esys_EvictControl(tpm->esys, ESYS_TR_RH_OWNER, object, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, handle, &kept),
                     TSS2_RC_SUCCESS);
    (void)Esys_TR_Close(tpm->esys, &kept);
    bm_tpm2_object_close(tpm, &object);
}

static void
keys_that_a_maker_left_are_taken_as_they_stand(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_by(";template=maker");
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE };

    (void)state;
    assert_rc(BM_EPOLICY, root->ops->identify(root, true, &leaf, &certs, &kit_fail));
    assert_non_null(strstr(kit_fail.text, "has no IAK key at 0x81020001"));
    bm_root_done(&root);
    root = open_by(";template=H-2xy");
    (void)identify(root, false, &leaf);
    persist((struct bm_tpm2 *)root, BM_TPM2_IDEVID, 0x81020001); /* a key that signs anything in the place of the one that must not */
    persist((struct bm_tpm2 *)root, BM_TPM2_IDEVID, 0x81020000);
    bm_root_done(&root);
    root = open_by(";template=maker");
    assert_rc(BM_EPOLICY, root->ops->identify(root, true, &other, &certs, &kit_fail));
    assert_non_null(strstr(kit_fail.text, "is no IAK"));
    bm_root_done(&root);
    root = open_by(";template=H-2xy");
    (void)identify(root, false, &other); /* what stands at the handle is of no such template: derived */
    assert_memory_equal(leaf.keys[0].key.hash, other.keys[0].key.hash, BM_HASH);
    ESYS_TR wrong, gone;
    assert_int_equal(Esys_TR_FromTPMPublic(((struct bm_tpm2 *)root)->esys, 0x81020001, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &wrong),
                     TSS2_RC_SUCCESS);
    assert_int_equal(Esys_EvictControl(((struct bm_tpm2 *)root)->esys, ESYS_TR_RH_OWNER, wrong, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                       ESYS_TR_NONE, 0x81020001, &gone),
                     TSS2_RC_SUCCESS);
    persist((struct bm_tpm2 *)root, BM_TPM2_IAK, 0x81020001);
    bm_root_done(&root);
    root = open_by(";template=maker");
    (void)identify(root, false, &other);
    assert_int_equal(other.nkeys, 5);
    for (size_t i = 0; i < 2; i++)
        assert_memory_equal(leaf.keys[i].key.hash, other.keys[i].key.hash, BM_HASH);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_template_is_another_key), cmocka_unit_test(what_a_uri_may_say_of_a_tpm),
        cmocka_unit_test(the_attestation_key_certifies),   cmocka_unit_test(a_creation_is_certified_where_a_key_is_not),
        cmocka_unit_test(the_tpm_keeps_which_template),    cmocka_unit_test(keys_that_a_maker_left_are_taken_as_they_stand),
    };

    return cmocka_run_group_tests(tests, chips_start, chips_stop);
}
