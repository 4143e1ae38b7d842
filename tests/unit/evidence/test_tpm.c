/* test_tpm.c - a real (virtual) TPM activates our credentials and certifies keys that we accept; a whole claim of it stands. */
#include "tpm.h"

#define AK_HANDLE 0x81010030
#define OP_HANDLE 0x81010031

static int
begin(void **state)
{
    if (kit_dir_make(state) != 0 || bm_crypto_new(&kit_crypto, &kit_fail) != BM_OK)
        return 1;
    kit_tpm_start();
    return 0;
}

static int
end(void **state)
{
    kit_tpm_stop();
    bm_crypto_free(kit_crypto);
    return kit_dir_remove(state);
}

static void
key_read(struct bm_key *ret_key, const char *name)
{
    KIT_BUF(der);

    kit_read(&der, name);
    assert_ok(bm_key_parse(ret_key, bm_buf_bytes(&der), &kit_fail));
}

/* tpm2_readpublic -f tss writes a TPM2B_PUBLIC. */
static void
public_read(struct bm_tpm_public *ret_public, struct bm_buf *area, const char *name)
{
    KIT_BUF(tpm2b);

    kit_read(&tpm2b, name);
    assert_true(tpm2b.n > 2);
    bm_buf_add(area, tpm2b.p + 2, tpm2b.n - 2);
    assert_ok(bm_tpm_public_parse(ret_public, bm_buf_bytes(area), &kit_fail));
}

/* The endorsement keys of chips that we meet; policy: whether using it takes the endorsement hierarchy's policy session. */
static const struct ek {
    const char *kind;
    enum bm_key_alg alg;
    bool policy;
} eks[] = { { "rsa", BM_KEY_RSA, true }, { "ecc", BM_KEY_P256, true }, { "ecc384", BM_KEY_P384, false } };

static void
ek_and_ak_make(const struct ek *ek)
{
    kit_run("tpm2_createek -G %s -c ek.ctx && tpm2_flushcontext -t && tpm2_readpublic -c ek.ctx -f der -o ek.der && tpm2_flushcontext -t",
            ek->kind);
    kit_run("tpm2_createak -C ek.ctx -G ecc -g sha256 -s ecdsa -c ak.ctx && tpm2_flushcontext -t && "
            "tpm2_readpublic -c ak.ctx -f tss -o ak.pub -n ak.name && tpm2_flushcontext -t");
}

/* tpm2-tools' credential file: magic, version, then both structures as we make them. 0: the TPM gave the secret back. */
static int
activate(const struct ek *ek, struct bm_bytes credential, struct bm_bytes secret)
{
    KIT_BUF(file);
    int rc;

    bm_buf_add_u32(&file, 0xbadcc0de);
    bm_buf_add_u32(&file, 1);
    bm_buf_add_bytes(&file, credential);
    bm_buf_add_bytes(&file, secret);
    kit_write("credential", bm_buf_bytes(&file));
    if (ek->policy)
        kit_run("tpm2_startauthsession --policy-session -S session.ctx && tpm2_policysecret -S session.ctx -c e");
    rc = kit_try("rm -f secret && tpm2_activatecredential -c ak.ctx -C ek.ctx -i credential -o secret %s",
                 ek->policy ? "-P session:session.ctx" : "");
    if (ek->policy)
        (void)kit_try("tpm2_flushcontext session.ctx");
    kit_run("tpm2_flushcontext -t");
    return rc;
}

static void
swtpm_activates_what_we_make(void **state)
{
    const uint8_t seeds[][64] = { { 1 }, { 0xff, 2 }, { 3 } };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(eks); i++) {
        struct bm_secret secret = { .b = "what only this TPM may ever read", .n = i == 1 ? 16 : 32 };
        KIT_BUF(credential);
        KIT_BUF(encrypted);
        KIT_BUF(area);
        KIT_BUF(name);
        KIT_BUF(out);
        struct bm_tpm_public ak;
        struct bm_key ek;

        ek_and_ak_make(&eks[i]);
        key_read(&ek, "ek.der");
        assert_int_equal(ek.alg, eks[i].alg);
        public_read(&ak, &area, "ak.pub");
        kit_read(&name, "ak.name");
        assert_true(bm_bytes_equal(bm_bytes(ak.name, ak.nname), bm_buf_bytes(&name)));
        assert_ok(bm_tpm_public_check_attestation(&ak, &kit_fail));
        assert_rc(BM_EPOLICY, bm_tpm_public_check_operational(&ak, &kit_fail));

        assert_ok(bm_tpm_credential_make(&credential, &encrypted, &ek, bm_bytes(ak.name, ak.nname), &secret, seeds[i], &kit_fail));
        assert_int_equal(activate(&eks[i], bm_buf_bytes(&credential), bm_buf_bytes(&encrypted)), 0);
        kit_read(&out, "secret");
        assert_true(bm_bytes_equal(bm_buf_bytes(&out), bm_bytes(secret.b, secret.n)));

        credential.p[credential.n - 1] ^= 1; /* its integrity covers the secret ... */
        assert_int_not_equal(activate(&eks[i], bm_buf_bytes(&credential), bm_buf_bytes(&encrypted)), 0);
        bm_buf_reset(&credential);
        bm_buf_reset(&encrypted);
        ak.name[5] ^= 1; /* ... and the attestation key that it is for */
        assert_ok(bm_tpm_credential_make(&credential, &encrypted, &ek, bm_bytes(ak.name, ak.nname), &secret, seeds[i], &kit_fail));
        assert_int_not_equal(activate(&eks[i], bm_buf_bytes(&credential), bm_buf_bytes(&encrypted)), 0);
    }
}

/* TPM2_Certify with extra data of our own, which tpm2_certify has no option for: part 3, 18.2. Writes attest and signature. */
static void
certify(struct bm_bytes extra_data)
{
    static const uint8_t password[] = { 0x40, 0, 0, 9, 0, 0, 0, 0, 0 }; /* TPM_RS_PW with an empty password */
    KIT_BUF(command);
    KIT_BUF(response);
    struct bm_bytes attest;
    struct bm_rd rd;
    uint32_t n;

    bm_buf_add_u16(&command, 0x8002);
    bm_buf_add_u32(&command, (uint32_t)(10 + 8 + 4 + 2 * sizeof(password) + 2 + extra_data.n + 2));
    bm_buf_add_u32(&command, 0x148);
    bm_buf_add_u32(&command, OP_HANDLE);
    bm_buf_add_u32(&command, AK_HANDLE);
    bm_buf_add_u32(&command, 2 * sizeof(password));
    bm_buf_add(&command, password, sizeof(password));
    bm_buf_add(&command, password, sizeof(password));
    bm_buf_add_lv16(&command, extra_data);
    bm_buf_add_u16(&command, 0x0010); /* the key's own scheme */
    kit_write("command", bm_buf_bytes(&command));
    kit_run("tpm2_send -o response command");
    kit_read(&response, "response");
    rd = bm_rd(bm_buf_bytes(&response));
    (void)bm_rd_take(&rd, 6);
    assert_int_equal(bm_rd_u32(&rd), 0);
    n = bm_rd_u32(&rd);
    attest = bm_rd_lv16(&rd, BM_MAX_TPM);
    assert_false(rd.bad);
    kit_write("attest", attest);
    kit_write("signature", bm_rd_take(&rd, n - 2 - attest.n));
}

static void
operational_key_make(void)
{
    kit_run("tpm2_evictcontrol -C o -c ak.ctx 0x%x && tpm2_flushcontext -t", AK_HANDLE);
    kit_run(
        "tpm2_createprimary -C o -G ecc -c primary.ctx && tpm2_flushcontext -t && "
        "tpm2_create -C primary.ctx -G ecc:null -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign' -u op.tpm2b -r op.priv && "
        "tpm2_flushcontext -t && tpm2_load -C primary.ctx -u op.tpm2b -r op.priv -c op.ctx && tpm2_flushcontext -t && "
        "tpm2_evictcontrol -C o -c op.ctx 0x%x && tpm2_flushcontext -t && tpm2_readpublic -c 0x%x -f tss -o op.pub",
        OP_HANDLE, OP_HANDLE);
}

static void
csr_make(struct bm_buf *csr, const struct bm_tpm_public *op)
{
    KIT_BUF(info);
    KIT_BUF(signature);

    bm_csr_info_build(&info, bm_key_spki(&op->key), "a label");
    kit_write("info", bm_buf_bytes(&info));
    kit_run("tpm2_sign -c 0x%x -g sha256 -s ecdsa -f plain -o info.sig info", OP_HANDLE);
    kit_read(&signature, "info.sig");
    bm_csr_build(csr, bm_buf_bytes(&info), BM_SIG_ECDSA_SHA256, bm_buf_bytes(&signature));
}

/* A lot of one chip: its root is its leaf's hash. */
static void
bundle_make(struct bm_bundle *bundle, struct bm_buf *leaf_der, struct bm_buf *proof, const struct bm_key *ek)
{
    static struct bm_leaf leaf = { .kind = BM_LEAF_KEYS, .root = BM_ROOT_TPM, .id = "swtpm-1", .nkeys = 1 };
    const struct bm_proof none = { .n = 0 };

    leaf.keys[0] = (struct bm_leaf_key){ .use = BM_USE_DECRYPT, .key = *ek };
    assert_ok(bm_leaf_build(leaf_der, &leaf, &kit_fail));
    bm_proof_build(proof, &none);
    *bundle = (struct bm_bundle){ .body_class = BM_BODY_TPM, .lot_size = 1, .leaf = bm_buf_bytes(leaf_der), .proof = bm_buf_bytes(proof) };
    bm_tree_leaf(bundle->lot_root, bundle->leaf);
}

static void
a_whole_claim_of_swtpm_stands(void **state)
{
    static const struct bm_secret k = { .b = "the signer's nonce key, 32 bytes", .n = 32 };
    static const uint8_t seed[64] = { 7 };
    const struct bm_freshness fresh = { .k = &k, .now = 1795469649 };
    KIT_BUF(ak_area);
    KIT_BUF(op_area);
    KIT_BUF(credential);
    KIT_BUF(encrypted);
    KIT_BUF(activated);
    KIT_BUF(csr);
    KIT_BUF(attest);
    KIT_BUF(signature);
    KIT_BUF(body);
    KIT_BUF(leaf);
    KIT_BUF(proof);
    static struct bm_tpm_public ak, op;
    static struct bm_key ek;
    struct bm_secret secret = { .n = BM_NONCE };
    uint8_t digest[BM_HASH], answer[BM_HASH], subject[BM_HASH];
    struct bm_bundle bundle;
    static struct bm_claim claim;
    bool proven = false;

    (void)state;
    ek_and_ak_make(&eks[1]);
    key_read(&ek, "ek.der");
    public_read(&ak, &ak_area, "ak.pub");
    operational_key_make();
    public_read(&op, &op_area, "op.pub");
    assert_ok(bm_tpm_public_check_operational(&op, &kit_fail));
    assert_rc(BM_EPOLICY, bm_tpm_public_check_attestation(&op, &kit_fail));

    bm_tpm_subject(subject, ek.hash, bm_bytes(ak.name, ak.nname));
    bm_nonce_make(secret.b, &k, BM_PURPOSE_TPM, subject, (uint64_t)fresh.now / BM_NONCE_EPOCH - 1);
    assert_ok(bm_tpm_credential_make(&credential, &encrypted, &ek, bm_bytes(ak.name, ak.nname), &secret, seed, &kit_fail));
    assert_int_equal(activate(&eks[1], bm_buf_bytes(&credential), bm_buf_bytes(&encrypted)), 0);
    kit_read(&activated, "secret");

    csr_make(&csr, &op);
    bm_sha256(digest, bm_buf_bytes(&csr));
    certify(bm_bytes(digest, BM_HASH));
    kit_read(&attest, "attest");
    kit_read(&signature, "signature");
    assert_ok(
        bm_tpm_certify_check(kit_crypto, bm_buf_bytes(&attest), bm_buf_bytes(&signature), &ak, &op, bm_bytes(digest, BM_HASH), &kit_fail));

    bm_hmac256(answer, bm_buf_bytes(&activated), bm_bytes(digest, BM_HASH));
    bm_tpm_claim_build(&body, &(struct bm_tpm_claim){ .ek = bm_key_spki(&ek),
                                                      .ak = bm_buf_bytes(&ak_area),
                                                      .key = bm_buf_bytes(&op_area),
                                                      .attest = bm_buf_bytes(&attest),
                                                      .signature = bm_buf_bytes(&signature),
                                                      .csr = bm_buf_bytes(&csr),
                                                      .proof = bm_bytes(answer, BM_HASH) });
    bundle_make(&bundle, &leaf, &proof, &ek);
    bundle.body = bm_buf_bytes(&body);
    assert_ok(bm_bundle_check(&claim, &proven, &bundle, kit_crypto, &fresh, &kit_fail));
    assert_true(proven);
    assert_int_equal(claim.evidence, BM_EV_TPM_ACTIVATED);
    assert_memory_equal(claim.root_hash, ek.hash, BM_HASH);
    assert_memory_equal(claim.key.hash, op.key.hash, BM_HASH);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(swtpm_activates_what_we_make),
        cmocka_unit_test(a_whole_claim_of_swtpm_stands),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
