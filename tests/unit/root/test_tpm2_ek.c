/* test_tpm2_ek.c - endorsement keys are found by walking NV memory: each kind by its template or a maker's, with its certificate, padded or not, and the chain. */
#include "../testing.h"

#include "root/tpm2.h"

#include "tpm_kit.h"

#include <openssl/x509.h>
#include <tss2/tss2_mu.h>

static struct bm_leaf leaf; /* 9 KiB: not for the stack */

/* ---- NV memory as makers leave it ---- */

static void
nv_put(struct bm_root *root, uint32_t index, struct bm_bytes value, size_t size)
{
    const TPM2B_NV_PUBLIC public = {
        .nvPublic = { .nvIndex = index,
                      .nameAlg = TPM2_ALG_SHA256,
                      .attributes = TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD | TPMA_NV_AUTHREAD | TPMA_NV_NO_DA,
                      .dataSize = (uint16_t)size },
    };
    ESYS_CONTEXT *esys = ((struct bm_tpm2 *)root)->esys;
    const TPM2B_AUTH no_auth = { .size = 0 };
    TPM2B_MAX_NV_BUFFER part;
    ESYS_TR nv;

    assert_int_equal(Esys_NV_DefineSpace(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &no_auth, &public, &nv), 0);
    for (size_t at = 0; value.n > 0 && at < size; at += part.size) {
        part.size = (uint16_t)(size - at < 512 ? size - at : 512);
        memset(part.buffer, 0xff, part.size); /* padding */
        if (at < value.n)
            memcpy(part.buffer, value.p + at, value.n - at < part.size ? value.n - at : part.size);
        assert_int_equal(Esys_NV_Write(esys, ESYS_TR_RH_OWNER, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &part, (uint16_t)at), 0);
    }
    (void)Esys_TR_Close(esys, &nv);
}

/* With the platform's word: a maker's certificates too. */
static void
nv_drop(struct bm_root *root, uint32_t index)
{
    ESYS_CONTEXT *esys = ((struct bm_tpm2 *)root)->esys;
    ESYS_TR nv;

    assert_int_equal(Esys_TR_FromTPMPublic(esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &nv), 0);
    if (Esys_NV_UndefineSpace(esys, ESYS_TR_RH_PLATFORM, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE) != 0)
        assert_int_equal(Esys_NV_UndefineSpace(esys, ESYS_TR_RH_OWNER, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE), 0);
}

/* What a maker's handle holds would come before what is derived. */
static void
handles_drop(struct bm_root *root)
{
    ESYS_CONTEXT *esys = ((struct bm_tpm2 *)root)->esys;
    uint32_t handles[BM_TPM2_HANDLES];
    size_t n;

    assert_ok(bm_tpm2_handles((struct bm_tpm2 *)root, 0x81010000, handles, &n, &kit_fail));
    for (size_t i = 0; i < n && handles[i] < 0x81020000; i++) {
        ESYS_TR kept, gone;

        assert_int_equal(Esys_TR_FromTPMPublic(esys, handles[i], ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &kept), 0);
        assert_int_equal(
            Esys_EvictControl(esys, ESYS_TR_RH_PLATFORM, kept, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, handles[i], &gone) == 0 ||
                Esys_EvictControl(esys, ESYS_TR_RH_OWNER, kept, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, handles[i], &gone) == 0,
            true);
    }
}

/* A certificate for this key, by nobody in particular. */
static void
certificate_make(struct bm_buf *der, const struct bm_key *key, long serial)
{
    const unsigned char *at = key->spki;
    EVP_PKEY *public = d2i_PUBKEY(NULL, &at, (long)key->nspki), *by = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    X509 *cert = X509_new();
    unsigned char *out = NULL;
    int n;

    assert_true(X509_set_version(cert, 2) && ASN1_INTEGER_set(X509_get_serialNumber(cert), serial) && X509_set_pubkey(cert, public) &&
                X509_gmtime_adj(X509_getm_notBefore(cert), 0) && X509_gmtime_adj(X509_getm_notAfter(cert), 86400) &&
                X509_sign(cert, by, EVP_sha256()) > 0);
    assert_true((n = i2d_X509(cert, &out)) > 0);
    bm_buf_reset(der);
    bm_buf_add(der, out, (size_t)n);
    OPENSSL_free(out);
    X509_free(cert);
    EVP_PKEY_free(by);
    EVP_PKEY_free(public);
}

/* ---- templates, from the profile's words ---- */

static void
policy_b(TPM2B_DIGEST *ret)
{
    static const uint8_t policy_or[] = { 0x00, 0x00, 0x01, 0x71 };
    static const uint8_t a[32] = { 0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
                                   0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa };
    static const uint8_t c[32] = { 0x37, 0x67, 0xe2, 0xed, 0xd4, 0x3f, 0xf4, 0x5a, 0x3a, 0x7e, 0x1e, 0xae, 0xfc, 0xef, 0x78, 0x64,
                                   0x3d, 0xca, 0x96, 0x46, 0x32, 0xe7, 0xaa, 0xd8, 0x2c, 0x67, 0x3a, 0x30, 0xd8, 0x63, 0x3f, 0xde };
    uint8_t all[32 + sizeof(policy_or) + sizeof(a) + sizeof(c)] = { 0 };

    memcpy(all + 32, policy_or, sizeof(policy_or));
    memcpy(all + 36, a, sizeof(a));
    memcpy(all + 68, c, sizeof(c));
    ret->size = BM_HASH;
    bm_sha256(ret->buffer, bm_bytes(all, sizeof(all)));
}

static void
template_high(TPM2B_PUBLIC *ret, TPMI_ALG_PUBLIC type)
{
    TPMT_PUBLIC *area = &ret->publicArea;

    *ret = (TPM2B_PUBLIC){ .publicArea = { .type = type, .nameAlg = TPM2_ALG_SHA256, .objectAttributes = 0x000300f2 } };
    policy_b(&area->authPolicy);
    if (type == TPM2_ALG_RSA)
        area->parameters.rsaDetail = (TPMS_RSA_PARMS){ .symmetric = { TPM2_ALG_AES, { .aes = 128 }, { .aes = TPM2_ALG_CFB } },
                                                       .scheme.scheme = TPM2_ALG_NULL,
                                                       .keyBits = 2048 };
    else
        area->parameters.eccDetail = (TPMS_ECC_PARMS){ .symmetric = { TPM2_ALG_AES, { .aes = 128 }, { .aes = TPM2_ALG_CFB } },
                                                       .scheme.scheme = TPM2_ALG_NULL,
                                                       .curveID = TPM2_ECC_NIST_P256,
                                                       .kdf.scheme = TPM2_ALG_NULL };
}

/* The key that the TPM derives from it. */
static void
key_of(struct bm_root *root, const TPM2B_PUBLIC *template, struct bm_key *ret)
{
    struct bm_tpm2 *tpm = (struct bm_tpm2 *)root;
    TPM2B_PUBLIC public;
    ESYS_TR object;

    assert_ok(bm_tpm2_primary(tpm, ESYS_TR_RH_ENDORSEMENT, template, &object, &public, &kit_fail));
    bm_tpm2_flush(tpm, &object);
    assert_ok(bm_tpm2_public_key(ret, &public, &kit_fail));
}

/* It speaks by this key, and shows these certificates (lv32 each). */
static void
speaks_by(const char *uri, const struct bm_key *key, const struct bm_buf *certs)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(uri);
    bm_cleanup(bm_buf_done) struct bm_buf shown = { .max = BM_MAX_EVIDENCE };
    struct bm_leaf_key speaker;

    assert_ok(bm_root_speaker(root, &speaker, &shown, &kit_fail));
    assert_memory_equal(speaker.key.hash, key->hash, BM_HASH);
    assert_true(bm_bytes_equal(bm_buf_bytes(&shown), bm_buf_bytes(certs)));
    assert_ok(challenge(root, key, false, &kit_fail));
}

static bool
listed(const char *uri, const struct bm_key *key)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(uri);
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE };

    memset(&leaf, 0, sizeof(leaf));
    assert_ok(root->ops->identify(root, true, &leaf, &certs, &kit_fail));
    for (size_t i = 0; i < leaf.nkeys; i++)
        if (memcmp(leaf.keys[i].key.hash, key->hash, BM_HASH) == 0)
            return true;
    return false;
}

/* ---- the tests ---- */

static void
keys_of_the_high_range_and_their_padded_certificates(void **state)
{
    static const struct {
        TPMI_ALG_PUBLIC type;
        uint32_t index;
    } high[] = { { TPM2_ALG_ECC, 0x01c00014 }, { TPM2_ALG_RSA, 0x01c00012 } };
    const char *uri = chips.uri[VIRTUAL_TPM2];
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(uri);

    (void)state;
    handles_drop(root);
    for (uint32_t index = 0; index < 3; index++)
        nv_drop(root, (const uint32_t[]){ 0x01c00002, 0x01c0000a, 0x01c00016 }[index]);
    for (size_t i = 0; i < BM_COUNT(high); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT }, shown = { .max = BM_MAX_EVIDENCE };
        TPM2B_PUBLIC template;
        struct bm_key key;

        template_high(&template, high[i].type);
        key_of(root, &template, &key);
        certificate_make(&der, &key, 1);
        nv_put(root, high[i].index, bm_buf_bytes(&der), 1600);
        bm_buf_add_lv32(&shown, bm_buf_bytes(&der));
        speaks_by(uri, &key, &shown);
        assert_true(listed(uri, &key));
        assert_int_equal(leaf.nkeys, 1);
        nv_drop(root, high[i].index);
    }
}

/* Three certificates in the indexes for those between: one padded, two in a row of which the second reaches into the next index. */
static void
the_chain_is_taken_wherever_it_is_cut(void **state)
{
    const char *uri = chips.uri[VIRTUAL_TPM2];
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(uri);
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT }, shown = { .max = BM_MAX_EVIDENCE }, two = { .max = BM_MAX_CERT };
    TPM2B_PUBLIC template;
    struct bm_key key;

    (void)state;
    template_high(&template, TPM2_ALG_ECC);
    key_of(root, &template, &key);
    certificate_make(&der, &key, 1);
    nv_put(root, 0x01c00014, bm_buf_bytes(&der), der.n);
    bm_buf_add_lv32(&shown, bm_buf_bytes(&der));
    for (long i = 2; i <= 4; i++) {
        certificate_make(&der, &key, i);
        bm_buf_add_lv32(&shown, bm_buf_bytes(&der));
        if (i == 2)
            nv_put(root, 0x01c00100, bm_buf_bytes(&der), 1024);
        else
            bm_buf_add_bytes(&two, bm_buf_bytes(&der));
    }
    nv_put(root, 0x01c00101, bm_bytes(two.p, two.n - 50), two.n - 50);
    nv_put(root, 0x01c00102, bm_bytes(two.p + two.n - 50, 50), 300);
    nv_put(root, 0x01c00103, bm_bytes(NULL, 0), 300); /* never written */
    speaks_by(uri, &key, &shown);
    nv_drop(root, 0x01c00014);
    for (uint32_t index = 0x01c00100; index <= 0x01c00103; index++)
        nv_drop(root, index);
}

/* TCG EK Credential Profile 2.2.1.5: what a maker changed of the low range's templates stands beside the certificate. */
static void
a_makers_template_and_nonce_make_the_key(void **state)
{
    static const uint8_t nonce[20] = "a maker's own nonce";
    const char *uri = chips.uri[VIRTUAL_TPM2];
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(uri);
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT }, shown = { .max = BM_MAX_EVIDENCE };
    TPM2B_PUBLIC template;
    struct bm_key key, plain;
    uint8_t area[600];
    size_t n = 0;

    (void)state;
    template_high(&template, TPM2_ALG_ECC);
    key_of(root, &template, &plain);
    assert_int_equal(Tss2_MU_TPMT_PUBLIC_Marshal(&template.publicArea, area, sizeof(area), &n), 0);
    memset(template.publicArea.unique.ecc.x.buffer, 0, 32);
    memcpy(template.publicArea.unique.ecc.x.buffer, nonce, sizeof(nonce));
    template.publicArea.unique.ecc.x.size = template.publicArea.unique.ecc.y.size = 32;
    key_of(root, &template, &key);
    certificate_make(&der, &key, 1);
    nv_put(root, 0x01c0000a, bm_buf_bytes(&der), der.n);
    nv_put(root, 0x01c0000b, bm_bytes(nonce, sizeof(nonce)), sizeof(nonce));
    nv_put(root, 0x01c0000c, bm_bytes(area, n), n);
    bm_buf_add_lv32(&shown, bm_buf_bytes(&der));
    speaks_by(uri, &key, &shown);
    assert_true(listed(uri, &key));
    assert_memory_not_equal(key.hash, plain.hash, BM_HASH);
    nv_drop(root, 0x01c0000c);
    area[1] ^= 1; /* no such kind */
    nv_put(root, 0x01c0000c, bm_bytes(area, n), n);
    bm_root_done(&root);
    root = open_tpm(uri);
    assert_rc(BM_EPOLICY, root->ops->identify(root, true, &leaf, &shown, &kit_fail));
    assert_non_null(strstr(kit_fail.text, "template of its endorsement key (0x01c0000c)"));
    for (uint32_t index = 0x01c0000a; index <= 0x01c0000c; index++)
        nv_drop(root, index);
}

/* Of the identity keys a maker's certificates stand anywhere in their range, among what is not for us. */
static void
certificates_of_identity_keys_among_other_things(void **state)
{
    const char *uri = chips.templates[1];
    bm_cleanup(bm_root_done) struct bm_root *root = open_tpm(uri);
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT }, shown = { .max = BM_MAX_EVIDENCE },
                                          certs = { .max = BM_MAX_EVIDENCE };

    (void)state;
    memset(&leaf, 0, sizeof(leaf));
    assert_ok(root->ops->identify(root, false, &leaf, &certs, &kit_fail));
    assert_int_equal(certs.n, 0);
    for (uint32_t i = 0; i < 2; i++) {
        certificate_make(&der, &leaf.keys[i].key, 1);
        bm_buf_add_lv32(&shown, bm_buf_bytes(&der));
        nv_put(root, 0x01c90100 + i * 0xfe00, bm_buf_bytes(&der), 1100);
    }
    nv_put(root, 0x01c90000, bm_bytes_str("no certificate"), 20);
    nv_put(root, 0x01c90101, bm_bytes(NULL, 0), 20); /* never written */
    bm_root_done(&root);
    root = open_tpm(uri);
    memset(&leaf, 0, sizeof(leaf));
    assert_ok(root->ops->identify(root, false, &leaf, &certs, &kit_fail));
    assert_true(bm_bytes_equal(bm_buf_bytes(&certs), bm_buf_bytes(&shown)));
    for (size_t i = 0; i < 4; i++)
        nv_drop(root, (const uint32_t[]){ 0x01c90000, 0x01c90100, 0x01c90101, 0x01c9ff00 }[i]);
}

static void
template_low(TPM2B_PUBLIC *ret)
{
    static const uint8_t a[32] = { 0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
                                   0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa };

    template_high(ret, TPM2_ALG_ECC);
    ret->publicArea.objectAttributes = 0x000300b2;
    memcpy(ret->publicArea.authPolicy.buffer, a, sizeof(a));
}

/* A template that is cut short, or of what we cannot use, is refused and changes nothing. */
static void
templates_are_checked(void **state)
{
    TPM2B_PUBLIC ours, made, kept;
    uint8_t area[600];
    size_t n = 0;

    (void)state;
    template_low(&ours);
    made = ours;
    made.publicArea.unique.ecc = (TPMS_ECC_POINT){ .x = { .size = 3, .buffer = "own" } };
    assert_int_equal(Tss2_MU_TPMT_PUBLIC_Marshal(&made.publicArea, area, sizeof(area), &n), 0);
    for (size_t i = 1; i < n; i++) {
        kept = ours;
        assert_rc(BM_EPOLICY, bm_tpm2_ek_template(&kept, 0, bm_bytes(area, i), bm_bytes(NULL, 0), &kit_fail));
        assert_memory_equal(&kept, &ours, sizeof(ours));
    }
    kept = ours;
    assert_ok(bm_tpm2_ek_template(&kept, 0, bm_bytes(area, n), bm_bytes(NULL, 0), &kit_fail));
    assert_int_equal(kept.publicArea.unique.ecc.x.size, 3);
    for (size_t i = 0; i < 8 + 2 + 32; i++) { /* type, hash, attributes that matter, policy */
        if (i >= 4 && i < 10)
            continue;
        area[i] ^= 0x10;
        kept = ours;
        assert_rc(BM_EPOLICY, bm_tpm2_ek_template(&kept, 0, bm_bytes(area, n), bm_bytes(NULL, 0), &kit_fail));
        area[i] ^= 0x10;
    }
    kept = ours;
    assert_rc(BM_EPOLICY, bm_tpm2_ek_template(&kept, 0, bm_bytes(NULL, 0), bm_bytes(area, 33), &kit_fail));
}

/* As swtpm_setup makes it; chips.copy is where. */
static bool
another_tpm(const char *name, const char *const *options, size_t n)
{
    static const char script[] = BM_SOURCE_ROOT "/tests/journey/virtual-hardware.sh";
    char state[128], config[128], ready[160], line[600], path[128];
    const char *setup[16] = { "swtpm_setup", "--tpm2", "--tpmstate", state, "--create-ek-cert", "--overwrite", "--config", config };
    FILE *list;

    (void)snprintf(state, sizeof(state), "%s/%s/state", chips.dir, name);
    (void)snprintf(config, sizeof(config), "%s/chipmaker/setup.conf", chips.dir);
    (void)snprintf(ready, sizeof(ready), "%s/%s/ready", chips.dir, name);
    memcpy(setup + 8, options, n * sizeof(*options));
    if (virtual_run(&chips, (const char *const[]){ "mkdir", "-p", state, NULL }, "out") != 0 ||
        virtual_run(&chips, setup, "setup.out") != 0 || virtual_run(&chips, (const char *const[]){ "touch", ready, NULL }, "out") != 0 ||
        virtual_run(&chips, (const char *const[]){ script, "clone", chips.dir, name, NULL }, "clone.txt") != 0)
        return false;
    (void)snprintf(path, sizeof(path), "%s/clone.txt", chips.dir);
    assert_non_null(list = fopen(path, "r"));
    assert_non_null(fgets(line, sizeof(line), list));
    (void)fclose(list);
    line[strcspn(line, "\n")] = '\0';
    (void)snprintf(chips.copy, sizeof(chips.copy), "%.500s", strchr(line, ' ') + 1);
    return true;
}

static void
what_swtpm_setup_makes(void **state)
{
    static const char *const rsa3072[] = { "--rsa-keysize", "3072" }, *const ecc[] = { "--ecc" };
    bm_cleanup(bm_root_done) struct bm_root *root = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE };

    (void)state;
    assert_true(another_tpm("tpm-77", ecc, BM_COUNT(ecc)));
    root = open_tpm(chips.copy);
    memset(&leaf, 0, sizeof(leaf));
    assert_ok(root->ops->identify(root, true, &leaf, &certs, &kit_fail));
    for (size_t i = 0; i < leaf.nkeys; i++) {
        print_message("swtpm_setup: %s\n", leaf.keys[i].key.alg == BM_KEY_RSA ? "RSA-2048" : "P-384");
        assert_ok(challenge(root, &leaf.keys[i].key, false, &kit_fail));
    }
    assert_true(leaf.nkeys > 0 && certs.n > 0);
    bm_root_done(&root);

    /* a kind that is not ours is passed by where there is another, and said where there is none */
    assert_true(another_tpm("tpm-78", rsa3072, BM_COUNT(rsa3072)));
    root = open_tpm(chips.copy);
    memset(&leaf, 0, sizeof(leaf));
    assert_ok(root->ops->identify(root, true, &leaf, &certs, &kit_fail));
    assert_int_equal(leaf.nkeys, 1);
    assert_int_equal(leaf.keys[0].key.alg, BM_KEY_P384);
    handles_drop(root);
    nv_drop(root, 0x01c00016);
    bm_root_done(&root);
    root = open_tpm(chips.copy);
    assert_rc(BM_EPOLICY, root->ops->identify(root, true, &leaf, &certs, &kit_fail));
    assert_non_null(strstr(kit_fail.text, "0x01c0001c"));
    assert_non_null(strstr(kit_fail.text, "RSA-3072"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_are_checked),
        cmocka_unit_test(what_swtpm_setup_makes),
        cmocka_unit_test(keys_of_the_high_range_and_their_padded_certificates),
        cmocka_unit_test(the_chain_is_taken_wherever_it_is_cut),
        cmocka_unit_test(a_makers_template_and_nonce_make_the_key),
        cmocka_unit_test(certificates_of_identity_keys_among_other_things),
    };

    return cmocka_run_group_tests(tests, chips_start, chips_stop);
}
