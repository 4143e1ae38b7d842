/* test_root.c - one suite over software keys, a PUF, a PKCS#11 token and a TPM: what the table of functions promises. */
#include "../testing.h"

#include "root/root.h"

#include "pki/cert.h"
#include "pki/csr.h"
#include "pki/private.h"
#include "tpm_kit.h"
#include "wire/der.h"
#include "wire/rd.h"

static struct virtual chips; /* shared: starting hardware takes a second */

static struct bm_root *
open_root(void **state)
{
    struct bm_root *root = NULL;

    assert_ok(bm_root_open(&root, *state, &kit_fail));
    return root;
}

/* A certificate with these bytes inside, for storing: signed by nobody. */
static void
cert_make(struct bm_buf *der, const struct bm_key *key, uint64_t serial, size_t padding)
{
    static const uint8_t cn[] = { 0x55, 0x04, 0x03 };
    static const uint8_t note[] = { 0x2a, 0x03, 0x04 };
    uint8_t filler[1024] = { 0 };
    size_t whole = bm_der_begin(der, BM_DER_SEQUENCE), tbs = bm_der_begin(der, BM_DER_SEQUENCE), at;

    at = bm_der_begin(der, BM_DER_CONTEXT_CONSTRUCTED(0));
    bm_der_add_uint(der, BM_DER_INTEGER, 2);
    bm_der_end(der, at);
    bm_der_add_uint(der, BM_DER_INTEGER, serial);
    bm_sig_alg_add(der, BM_SIG_ECDSA_SHA256);
    for (int i = 0; i < 2; i++) {
        size_t name = bm_der_begin(der, BM_DER_SEQUENCE), set = bm_der_begin(der, BM_DER_SET), pair = bm_der_begin(der, BM_DER_SEQUENCE);

        bm_der_add(der, BM_DER_OID, bm_bytes(cn, sizeof(cn)));
        bm_der_add(der, BM_DER_UTF8, bm_bytes_str(i == 0 ? "issuer" : "subject"));
        bm_der_end(der, pair);
        bm_der_end(der, set);
        bm_der_end(der, name);
        if (i == 0) {
            at = bm_der_begin(der, BM_DER_SEQUENCE);
            bm_der_add_time(der, 1704067200);
            bm_der_add_time(der, 2504067200);
            bm_der_end(der, at);
        }
    }
    bm_buf_add_bytes(der, bm_key_spki(key));
    at = bm_der_begin(der, BM_DER_CONTEXT_CONSTRUCTED(3));
    size_t list = bm_der_begin(der, BM_DER_SEQUENCE), one = bm_der_begin(der, BM_DER_SEQUENCE);
    bm_der_add(der, BM_DER_OID, bm_bytes(note, sizeof(note)));
    bm_der_add(der, BM_DER_OCTET_STRING, bm_bytes(filler, padding));
    bm_der_end(der, one);
    bm_der_end(der, list);
    bm_der_end(der, at);
    bm_der_end(der, tbs);
    bm_sig_alg_add(der, BM_SIG_ECDSA_SHA256);
    at = bm_der_begin(der, BM_DER_SEQUENCE);
    bm_der_add_uint(der, BM_DER_INTEGER, 1);
    bm_der_add_uint(der, BM_DER_INTEGER, 1);
    bm_der_end(der, at);
    /* wrapped as a BIT STRING: take it back and put it in */
    bm_cleanup(bm_buf_done) struct bm_buf sig = { .max = 64 };
    bm_buf_add(&sig, der->p + at - 1, der->n - at + 1);
    der->n = at - 1;
    bm_der_add_bits(der, bm_buf_bytes(&sig));
    bm_der_end(der, whole);
}

static void
signature_check(struct bm_root *root, const char *service, bool pending, const struct bm_key *key)
{
    bm_cleanup(bm_crypto_done) struct bm_crypto *crypto = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE };
    uint8_t tbs[3000];
    enum bm_sig_alg alg;

    memset(tbs, 0x5a, sizeof(tbs));
    assert_ok(bm_crypto_new(&crypto, &kit_fail));
    assert_ok(root->ops->key_sign(root, service, pending, bm_bytes(tbs, sizeof(tbs)), &alg, &signature, &kit_fail));
    assert_ok(bm_key_verify(crypto, key, alg, bm_bytes(tbs, sizeof(tbs)), bm_buf_bytes(&signature), &kit_fail));
    tbs[7] ^= 1;
    assert_rc(BM_EPOLICY, bm_key_verify(crypto, key, alg, bm_bytes(tbs, sizeof(tbs)), bm_buf_bytes(&signature), &kit_fail));
}

static void
identify_is_idempotent_and_names_a_kind(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_root(state);
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE }, again = { .max = BM_MAX_EVIDENCE },
                                          der = { .max = BM_MAX_LEAF };
    static struct bm_leaf first, second; /* 9 KiB each */

    assert_ok(root->ops->identify(root, true, &first, &certs, &kit_fail));
    assert_ok(root->ops->identify(root, false, &second, &again, &kit_fail));
    assert_int_equal(first.nkeys, second.nkeys);
    assert_true(first.nkeys >= 1);
    for (size_t i = 0; i < first.nkeys; i++)
        assert_memory_equal(first.keys[i].key.hash, second.keys[i].key.hash, BM_HASH);
    assert_true(bm_bytes_equal(bm_buf_bytes(&certs), bm_buf_bytes(&again)));
    assert_int_equal(first.root, strncmp(*state, "tpm2", 4) == 0   ? BM_ROOT_TPM
                                 : strncmp(*state, "soft", 4) == 0 ? BM_ROOT_SOFTWARE
                                 : strncmp(*state, "puf", 3) == 0  ? BM_ROOT_PUF
                                                                   : BM_ROOT_SECURE_ELEMENT);
    (void)der;
}

static void
root_key_speaks(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_root(state);
    bm_cleanup(bm_crypto_done) struct bm_crypto *crypto = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE }, signature = { .max = BM_MAX_SIGNATURE };
    struct bm_bytes tbs = bm_bytes_str("a certification request");
    struct bm_leaf leaf;
    enum bm_sig_alg alg;
    size_t i = 0;

    assert_ok(bm_crypto_new(&crypto, &kit_fail));
    assert_ok(root->ops->identify(root, true, &leaf, &certs, &kit_fail));
    while (i < leaf.nkeys && leaf.keys[i].use != BM_USE_SIGN)
        i++;
    if (i == leaf.nkeys) { /* a TPM's roots decrypt, where no template gives it others: test_tpm2.c */
        assert_rc(BM_EPOLICY, root->ops->root_sign(root, &leaf.keys[0].key, tbs, &alg, &signature, &kit_fail));
        return;
    }
    assert_ok(root->ops->root_sign(root, &leaf.keys[i].key, tbs, &alg, &signature, &kit_fail));
    assert_ok(bm_key_verify(crypto, &leaf.keys[i].key, alg, tbs, bm_buf_bytes(&signature), &kit_fail));
    leaf.keys[i].key.hash[0] ^= 1;
    assert_rc(BM_EPOLICY, root->ops->root_sign(root, &leaf.keys[i].key, tbs, &alg, &signature, &kit_fail));
}

static void
nothing_is_there_before_enrolment(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_root(state);
    bm_cleanup(bm_buf_done) struct bm_buf out = { .max = BM_MAX_EVIDENCE };
    enum bm_sig_alg alg;
    struct bm_key key;

    assert_rc(BM_EPOLICY, root->ops->key_public(root, "nobody", false, &key, &kit_fail));
    assert_rc(BM_EPOLICY, root->ops->key_public(root, "nobody", true, &key, &kit_fail));
    assert_rc(BM_EPOLICY, root->ops->key_sign(root, "nobody", false, bm_bytes_str("x"), &alg, &out, &kit_fail));
    assert_rc(BM_EPOLICY, root->ops->certs(root, "nobody", &out, &kit_fail));
    assert_rc(BM_EINPUT, root->ops->key_public(root, "../etc", true, &key, &kit_fail));
    assert_rc(BM_EINPUT, root->ops->key_new(root, "a:b", &key, &kit_fail));
}

/* Certificates as stored: u32 length each. */
static struct bm_bytes
stored(const struct bm_buf *certs, unsigned number)
{
    struct bm_rd rd = bm_rd(bm_buf_bytes(certs));

    while (number-- > 0)
        (void)bm_rd_lv32(&rd, BM_MAX_CERT);
    return bm_rd_lv32(&rd, BM_MAX_CERT);
}

static void
a_pending_key_becomes_live_with_its_certificates(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_root(state);
    bm_cleanup(bm_buf_done) struct bm_buf leaf = { .max = BM_MAX_CERT }, ca = { .max = BM_MAX_CERT }, certs = { .max = BM_MAX_EVIDENCE };
    struct bm_key first, same, second;

    assert_ok(root->ops->key_new(root, "mqtt", &first, &kit_fail));
    assert_ok(root->ops->key_public(root, "mqtt", true, &same, &kit_fail));
    assert_memory_equal(first.hash, same.hash, BM_HASH);
    assert_rc(BM_EPOLICY, root->ops->key_public(root, "mqtt", false, &same, &kit_fail));
    signature_check(root, "mqtt", true, &first);

    cert_make(&leaf, &first, 1, 300);
    cert_make(&ca, &first, 2, 400);
    struct bm_bytes chain[] = { bm_buf_bytes(&leaf), bm_buf_bytes(&ca) };
    assert_ok(root->ops->commit(root, "mqtt", chain, 2, &kit_fail));
    assert_rc(BM_EPOLICY, root->ops->key_public(root, "mqtt", true, &same, &kit_fail));
    assert_ok(root->ops->key_public(root, "mqtt", false, &same, &kit_fail));
    assert_memory_equal(first.hash, same.hash, BM_HASH);
    signature_check(root, "mqtt", false, &first);
    assert_ok(root->ops->certs(root, "mqtt", &certs, &kit_fail));
    assert_true(bm_bytes_equal(stored(&certs, 0), bm_buf_bytes(&leaf)));
    assert_true(bm_bytes_equal(stored(&certs, 1), bm_buf_bytes(&ca)));

    /* a new pending key leaves the live identity alone, and another pending key takes the first one's place */
    assert_ok(root->ops->key_new(root, "mqtt", &second, &kit_fail));
    assert_memory_not_equal(first.hash, second.hash, BM_HASH);
    signature_check(root, "mqtt", false, &first);
    signature_check(root, "mqtt", true, &second);
    assert_ok(root->ops->key_new(root, "mqtt", &same, &kit_fail));
    assert_memory_not_equal(same.hash, second.hash, BM_HASH);
    signature_check(root, "mqtt", true, &same);

    /* and replaces it as a whole */
    bm_buf_reset(&leaf);
    bm_buf_reset(&certs);
    cert_make(&leaf, &same, 3, 200);
    chain[0] = bm_buf_bytes(&leaf);
    assert_ok(root->ops->commit(root, "mqtt", chain, 1, &kit_fail));
    signature_check(root, "mqtt", false, &same);
    assert_ok(root->ops->certs(root, "mqtt", &certs, &kit_fail));
    assert_true(bm_bytes_equal(stored(&certs, 0), bm_buf_bytes(&leaf)));
    assert_int_equal(stored(&certs, 1).n, 0);
}

/* What was found or loaded for the last signature may be gone by the next. */
static void
another_program_may_use_the_same_root(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *one = open_root(state);
    bm_cleanup(bm_root_done) struct bm_root *other = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf leaf = { .max = BM_MAX_CERT };
    struct bm_key key, fresh;

    assert_ok(one->ops->key_public(one, "mqtt", false, &key, &kit_fail));
    signature_check(one, "mqtt", false, &key);
    other = open_root(state); /* a TPM without a resource manager loses what `one` had loaded */
    signature_check(other, "mqtt", false, &key);
    signature_check(one, "mqtt", false, &key);
    if (*(const char *)*state == 't')
        return; /* handles are shared there: what signs together wants a resource manager */
    assert_ok(other->ops->key_new(other, "mqtt", &fresh, &kit_fail));
    cert_make(&leaf, &fresh, 4, 100);
    assert_ok(other->ops->commit(other, "mqtt", (const struct bm_bytes[]){ bm_buf_bytes(&leaf) }, 1, &kit_fail));
    signature_check(other, "mqtt", false, &fresh);
    signature_check(one, "mqtt", false, &fresh);
}

static void
certificates_of_a_live_key_can_be_replaced(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_root(state);
    bm_cleanup(bm_buf_done) struct bm_buf leaf = { .max = BM_MAX_CERT }, certs = { .max = BM_MAX_EVIDENCE };
    struct bm_key key, same;

    assert_ok(root->ops->key_public(root, "mqtt", false, &key, &kit_fail));
    cert_make(&leaf, &key, 9, 100);
    struct bm_bytes chain[] = { bm_buf_bytes(&leaf) };
    assert_ok(root->ops->commit(root, "mqtt", chain, 1, &kit_fail));
    assert_ok(root->ops->commit(root, "mqtt", chain, 1, &kit_fail)); /* twice is once */
    assert_ok(root->ops->certs(root, "mqtt", &certs, &kit_fail));
    assert_true(bm_bytes_equal(stored(&certs, 0), bm_buf_bytes(&leaf)));
    assert_ok(root->ops->key_public(root, "mqtt", false, &same, &kit_fail));
    assert_memory_equal(key.hash, same.hash, BM_HASH);
}

static void
identities_outlive_the_process(void **state)
{
    struct bm_root *root = open_root(state);
    bm_cleanup(bm_buf_done) struct bm_buf leaf = { .max = BM_MAX_CERT }, names = { .max = 4096 };
    struct bm_key key, same;

    assert_ok(root->ops->key_new(root, "console", &key, &kit_fail));
    cert_make(&leaf, &key, 4, 10);
    struct bm_bytes chain[] = { bm_buf_bytes(&leaf) };
    assert_ok(root->ops->commit(root, "console", chain, 1, &kit_fail));
    assert_ok(root->ops->key_new(root, "unfinished", &key, &kit_fail));
    bm_root_close(root);

    root = open_root(state);
    signature_check(root, "unfinished", true, &key);
    assert_ok(root->ops->services(root, &names, &kit_fail));
    bm_buf_add_u8(&names, 0);
    assert_string_equal((const char *)names.p, "console\nmqtt\n");
    assert_ok(root->ops->key_public(root, "console", false, &same, &kit_fail));
    signature_check(root, "console", false, &same);
    bm_root_close(root);
}

/* ---- secure storage ---- */

static void
unsealed_is(struct bm_root *root, const char *name, const char *want)
{
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = BM_MAX_SEALED };

    assert_ok(root->ops->unseal(root, name, &bytes, &kit_fail));
    assert_true(bm_bytes_equal(bm_buf_bytes(&bytes), bm_bytes_str(want)));
}

static void
sealed_are(struct bm_root *root, const char *want)
{
    bm_cleanup(bm_buf_done) struct bm_buf names = { .max = 4096 };

    assert_ok(root->ops->sealed(root, &names, &kit_fail));
    bm_buf_add_u8(&names, 0);
    assert_string_equal((const char *)names.p, want);
}

static void
what_is_sealed_comes_back_and_outlives_the_process(void **state)
{
    struct bm_root *root = open_root(state);
    bm_cleanup(bm_buf_done) struct bm_buf bytes = { .max = BM_MAX_SEALED + 1 };
    static uint8_t most[BM_MAX_SEALED + 1];

    assert_rc(BM_EPOLICY, root->ops->unseal(root, "disk", &bytes, &kit_fail));
    assert_string_equal(kit_fail.text, "nothing is sealed as disk");
    sealed_are(root, "");
    assert_ok(root->ops->seal(root, "disk", bm_bytes_str("the first key"), &kit_fail));
    unsealed_is(root, "disk", "the first key");
    assert_ok(root->ops->seal(root, "disk", bm_bytes_str("the second"), &kit_fail));
    assert_ok(root->ops->seal(root, "mqtt", bm_bytes_str(""), &kit_fail)); /* a name that a service has too, and nothing inside */
    bm_root_close(root);

    root = open_root(state);
    unsealed_is(root, "disk", "the second");
    unsealed_is(root, "mqtt", "");
    sealed_are(root, "disk\nmqtt\n");
    memset(most, 0xa5, sizeof(most));
    assert_ok(root->ops->seal(root, "disk", bm_bytes(most, BM_MAX_SEALED), &kit_fail));
    assert_ok(root->ops->unseal(root, "disk", &bytes, &kit_fail));
    assert_true(bm_bytes_equal(bm_buf_bytes(&bytes), bm_bytes(most, BM_MAX_SEALED)));
    assert_rc(BM_EINPUT, root->ops->seal(root, "disk", bm_bytes(most, sizeof(most)), &kit_fail));
    assert_rc(BM_EINPUT, root->ops->seal(root, "../disk", bm_bytes_str("x"), &kit_fail));
    assert_rc(BM_EINPUT, root->ops->unseal(root, "a:b", &bytes, &kit_fail));
    assert_ok(root->ops->sealed_remove(root, "mqtt", &kit_fail));
    assert_rc(BM_EPOLICY, root->ops->sealed_remove(root, "mqtt", &kit_fail));
    sealed_are(root, "disk\n");
    bm_root_close(root);
}

static void
live_are(struct bm_root *root, const char *want)
{
    bm_cleanup(bm_buf_done) struct bm_buf names = { .max = 4096 };

    assert_ok(root->ops->services(root, &names, &kit_fail));
    bm_buf_add_u8(&names, 0);
    assert_string_equal((const char *)names.p, want);
}

static void
a_retired_identity_is_gone_and_the_others_stay(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_root(state);
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE };
    struct bm_key key;

    assert_ok(root->ops->key_new(root, "console", &key, &kit_fail)); /* a renewal that has begun goes too */
    assert_ok(root->ops->retire(root, "console", &kit_fail));
    assert_rc(BM_EPOLICY, root->ops->key_public(root, "console", true, &key, &kit_fail));
    assert_rc(BM_EPOLICY, root->ops->key_public(root, "console", false, &key, &kit_fail));
    assert_rc(BM_EPOLICY, root->ops->certs(root, "console", &certs, &kit_fail));
    assert_rc(BM_EPOLICY, root->ops->retire(root, "console", &kit_fail));
    assert_ok(root->ops->retire(root, "unfinished", &kit_fail)); /* a pending key alone */
    assert_rc(BM_EPOLICY, root->ops->key_public(root, "unfinished", true, &key, &kit_fail));
    assert_rc(BM_EINPUT, root->ops->retire(root, "../mqtt", &kit_fail));
    live_are(root, "mqtt\n");
    assert_ok(root->ops->key_public(root, "mqtt", false, &key, &kit_fail));
    signature_check(root, "mqtt", false, &key);
}

static void
a_boot_state_is_refused_where_there_is_none(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = open_root(state);
    const struct bm_bound bound = { .pcrs = 1 };

    if (root->ops->bind != NULL)
        return; /* test_boot.c */
    assert_rc(BM_EPOLICY, bm_root_bind(root, &bound, &kit_fail));
    assert_non_null(strstr(kit_fail.text, "knows no boot state"));
    assert_ok(bm_root_bind(root, NULL, &kit_fail));
}

static void
a_factory_reset_keeps_the_root_alone(void **state)
{
    struct bm_root *root = open_root(state);
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE }, again = { .max = BM_MAX_EVIDENCE };
    static struct bm_leaf before, after; /* 9 KiB each */
    struct bm_key key;

    assert_ok(root->ops->identify(root, false, &before, &certs, &kit_fail));
    assert_ok(root->ops->key_new(root, "begun", &key, &kit_fail));
    assert_ok(root->ops->seal(root, "disk", bm_bytes_str("x"), &kit_fail));
    for (int i = 0; i < 2; i++) { /* twice is once */
        assert_ok(root->ops->reset(root, &kit_fail));
        live_are(root, "");
        sealed_are(root, "");
        assert_rc(BM_EPOLICY, root->ops->key_public(root, "begun", true, &key, &kit_fail));
        assert_rc(BM_EPOLICY, root->ops->key_public(root, "mqtt", false, &key, &kit_fail));
    }
    bm_root_close(root);
    root = open_root(state);
    assert_ok(root->ops->identify(root, false, &after, &again, &kit_fail));
    assert_memory_equal(before.keys[0].key.hash, after.keys[0].key.hash, BM_HASH);
    assert_ok(root->ops->key_new(root, "mqtt", &key, &kit_fail)); /* and it begins anew */
    signature_check(root, "mqtt", true, &key);
    assert_ok(root->ops->seal(root, "disk", bm_bytes_str("new"), &kit_fail));
    unsealed_is(root, "disk", "new");
    bm_root_close(root);
}

static void
uris_that_name_nothing_are_refused(void **state)
{
    static const struct {
        const char *uri;
        enum bm_rc rc;
    } bad[] = {
        { "", BM_EINPUT },
        { "soft", BM_EINPUT },
        { "soft:", BM_EINPUT },
        { "floppy:a", BM_EINPUT },
        { "puf:", BM_EINPUT },
        { "puf:sim:", BM_EINPUT },
        { "puf:sim:seed", BM_EINPUT },
        { "puf:sim::file", BM_EINPUT },
        { "puf:sim:seed:", BM_EINPUT },
        { "puf:real:seed:file", BM_EINPUT },
        { "puf:sim:a seed that is longer than any name may be, of more than sixty-four characters:file", BM_EINPUT },
        { "pkcs11:token=no-such-token", BM_EBUSY },
        { "pkcs11:%zz", BM_EINPUT },
        { "pkcs11:token=a;no-such-attribute=b", BM_EINPUT },
        { "pkcs11:token=a?module-path=/nowhere.so", BM_EBUSY },
        { "tpm2:swtpm:port=1", BM_EBUSY },
        { "tpm2:no-such-tcti:x", BM_EBUSY },
    };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(bad); i++) {
        struct bm_root *root = NULL;

        assert_rc(bad[i].rc, bm_root_open(&root, bad[i].uri, &kit_fail));
        assert_null(root);
        assert_true(strlen(kit_fail.text) > 20);
    }
}

/* Which template its root keys are by stays in the chip when it is reset: it goes by the TPM's own tools. */
static void
forget_template(void **state)
{
    bm_cleanup(bm_root_done) struct bm_root *root = NULL;

    assert_ok(bm_root_open(&root, chips.uri[VIRTUAL_TPM2], &kit_fail));
    assert_ok(root->ops->reset(root, &kit_fail));
    bm_root_done(&root);
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        char index[16];

        (void)snprintf(index, sizeof(index), "0x1b1d00%x", i);
        (void)TOOL("tpm2_nvundefine", index, "-C", "o");
    }
}

#define SUITE_OF(kind, uri)                                                                                                               \
    { "identify_is_idempotent_and_names_a_kind " #kind, identify_is_idempotent_and_names_a_kind, NULL, NULL, uri },                       \
        { "root_key_speaks " #kind, root_key_speaks, NULL, NULL, uri },                                                                   \
        { "nothing_is_there_before_enrolment " #kind, nothing_is_there_before_enrolment, NULL, NULL, uri },                               \
        { "a_pending_key_becomes_live_with_its_certificates " #kind, a_pending_key_becomes_live_with_its_certificates, NULL, NULL, uri }, \
        { "another_program_may_use_the_same_root " #kind, another_program_may_use_the_same_root, NULL, NULL, uri },                       \
        { "certificates_of_a_live_key_can_be_replaced " #kind, certificates_of_a_live_key_can_be_replaced, NULL, NULL, uri },             \
        { "identities_outlive_the_process " #kind, identities_outlive_the_process, NULL, NULL, uri },                                     \
        { "what_is_sealed_comes_back_and_outlives_the_process " #kind, what_is_sealed_comes_back_and_outlives_the_process, NULL, NULL,    \
          uri },                                                                                                                          \
        { "a_retired_identity_is_gone_and_the_others_stay " #kind, a_retired_identity_is_gone_and_the_others_stay, NULL, NULL, uri },     \
        { "a_boot_state_is_refused_where_there_is_none " #kind, a_boot_state_is_refused_where_there_is_none, NULL, NULL, uri },           \
    {                                                                                                                                     \
        "a_factory_reset_keeps_the_root_alone " #kind, a_factory_reset_keeps_the_root_alone, NULL, NULL, uri                              \
    }

#define SUITE(kind) SUITE_OF(kind, chips.uri[kind])
/* On the chip that the TPM's suite used. */
#define TEMPLATE_SUITE(number)                                                                          \
    { "the chip forgets its template " #number, forget_template, NULL, NULL, chips.templates[number] }, \
        SUITE_OF(H - number + 1, chips.templates[number])

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SUITE(VIRTUAL_SOFT), SUITE(VIRTUAL_PUF), SUITE(VIRTUAL_PKCS11), SUITE(VIRTUAL_TPM2),
        TEMPLATE_SUITE(0),   TEMPLATE_SUITE(1),  TEMPLATE_SUITE(2),     cmocka_unit_test(uris_that_name_nothing_are_refused),
    };

    return cmocka_run_group_tests(tests, chips_start, chips_stop);
}
