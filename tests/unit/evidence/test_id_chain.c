/* test_id_chain.c - a chip that is listed by its id alone speaks by the key of its certificate, up to the vendor's root, and by no other. */
#include "kit.h"

#include "../lot/chain.h"

#define FROM 1748808000
#define UNTIL 1780344000 /* 2026-06-01 */
#define NOW 1795469649   /* after all of them expired */
#define ID "0123abcd01"
#define CN "sn0123ABCD01"

static const struct bm_secret k = { .b = "the signer's nonce key, 32 bytes", .n = 32 };
static const struct bm_freshness fresh = { .k = &k, .now = NOW };
static struct bm_private *root, *op, *other; /* P-256 */
static struct chain vendor, stranger;
static struct bm_claim claim; /* 10 KB: not on the stack */

static int
begin(void **state)
{
    struct bm_private **keys[] = { &root, &op, &other };

    (void)state;
    assert_ok(bm_crypto_new(&kit_crypto, &kit_fail));
    for (size_t i = 0; i < BM_COUNT(keys); i++)
        assert_ok(bm_private_generate(keys[i], BM_KEY_P256, &kit_fail));
    chain_open(&vendor, FROM, UNTIL);
    chain_open(&stranger, FROM, UNTIL);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    bm_private_free(root);
    bm_private_free(op);
    bm_private_free(other);
    chain_close(&vendor);
    chain_close(&stranger);
    bm_crypto_free(kit_crypto);
    return 0;
}

/* A bundle with the memory that it looks into: a lot of one chip, listed by its id. */
struct made {
    struct bm_buf leaf, proof, device, body;
    struct bm_bundle bundle;
    bool proven;
};

static void
made_done(struct made *made)
{
    bm_buf_done(&made->leaf);
    bm_buf_done(&made->proof);
    bm_buf_done(&made->device);
    bm_buf_done(&made->body);
}
#define MADE(name)                                                                                                                   \
    bm_cleanup(made_done) struct made name = {                                                                                       \
        .leaf = { .max = BM_MAX_LEAF }, .proof = { .max = 64 }, .device = { .max = BM_MAX_CERT }, .body = { .max = BM_MAX_EVIDENCE } \
    }

static void
leaf_make(struct bm_leaf *leaf)
{
    *leaf = (struct bm_leaf){ .kind = BM_LEAF_ID, .root = BM_ROOT_SECURE_ELEMENT, .id = ID, .rule = BM_ID_RULE_MICROCHIP_SN };
    bm_sha256(leaf->vendor_root, bm_buf_bytes(&vendor.root));
}

/* The chip's certificate by `by` under this name; signed by `signer` for `key`. */
static void
make(struct made *made, struct chain *by, const char *cn, struct bm_private *signer, struct bm_private *key)
{
    uint8_t nonce[BM_NONCE];

    leaf_make(&claim.leaf);
    assert_ok(bm_leaf_build(&made->leaf, &claim.leaf, &kit_fail));
    bm_proof_build(&made->proof, &(struct bm_proof){ .n = 0 });
    chain_device(&made->device, by, bm_private_public(root), cn, FROM + 10, UNTIL);
    bm_nonce_make(nonce, &k, BM_PURPOSE_ROOT, bm_private_public(signer)->hash, NOW / BM_NONCE_EPOCH);
    kit_cmc(&made->body, signer, key, bm_bytes(nonce, BM_NONCE));
    made->bundle = (struct bm_bundle){ .body_class = BM_BODY_CMC,
                                       .lot_size = 1,
                                       .leaf = bm_buf_bytes(&made->leaf),
                                       .proof = bm_buf_bytes(&made->proof),
                                       .chain = { bm_buf_bytes(&made->device), bm_buf_bytes(&by->issuer), bm_buf_bytes(&by->root) },
                                       .nchain = 3,
                                       .body = bm_buf_bytes(&made->body) };
    bm_tree_leaf(made->bundle.lot_root, made->bundle.leaf);
}

static enum bm_rc
check(struct made *made, const struct bm_freshness *when)
{
    made->proven = true; /* so that "not set" shows */
    return bm_bundle_check(&claim, &made->proven, &made->bundle, kit_crypto, when, &kit_fail);
}

static void
the_key_of_the_chips_certificate_speaks_for_its_id(void **state)
{
    uint8_t hash[BM_HASH];
    struct bm_leaf leaf;
    MADE(made);

    (void)state;
    make(&made, &vendor, CN, root, op);
    assert_ok(check(&made, &fresh));
    assert_true(made.proven);
    assert_int_equal(claim.evidence, BM_EV_ROOT_SIGNED);
    assert_memory_equal(claim.root_hash, bm_private_public(root)->hash, BM_HASH);
    assert_memory_equal(claim.key.hash, bm_private_public(op)->hash, BM_HASH);
    leaf_make(&leaf);
    bm_leaf_id_hash(&leaf, hash);
    assert_memory_equal(claim.id_hash, hash, BM_HASH);
    assert_ok(check(&made, NULL)); /* an auditor's answer is the same, years after the certificates expired */
    assert_true(made.proven);
}

static void
every_link_of_the_chain_is_needed(void **state)
{
    struct bm_bytes whole[3];
    MADE(made);

    (void)state;
    make(&made, &vendor, CN, root, op);
    memcpy(whole, made.bundle.chain, sizeof(whole));
    made.bundle.nchain = 0;
    assert_refused_saying(BM_EPOLICY, check(&made, &fresh), "listed by its id alone");
    made.bundle.nchain = 1;
    assert_refused_saying(BM_EPOLICY, check(&made, &fresh), "listed by its id alone");
    made.bundle.nchain = 2;
    assert_refused_saying(BM_EPOLICY, check(&made, &fresh), "do not end in the root");
    made.bundle.chain[1] = whole[2]; /* the issuer left out */
    assert_refused_saying(BM_EPOLICY, check(&made, &fresh), "the certificate of chip " ID);
    made.bundle.nchain = 3;
    made.bundle.chain[1] = bm_buf_bytes(&stranger.issuer); /* of the same name, by another key */
    made.bundle.chain[2] = whole[2];
    assert_refused_saying(BM_EPOLICY, check(&made, &fresh), "the certificate of chip " ID);
    assert_false(made.proven);
    made.bundle.chain[1] = whole[1];
    assert_ok(check(&made, &fresh));
}

static void
a_chain_to_another_root_is_refused(void **state)
{
    MADE(made);

    (void)state;
    make(&made, &stranger, CN, root, op);
    assert_refused_saying(BM_EPOLICY, check(&made, &fresh), "do not end in the root");
    made.bundle.chain[2] = bm_buf_bytes(&vendor.root); /* named as the vendor names them, and not the vendor's */
    assert_refused_saying(BM_EPOLICY, check(&made, &fresh), "the certificate of chip " ID);
    assert_false(made.proven);
}

static void
only_a_certificate_of_this_very_chip_will_do(void **state)
{
    static const char *const names[][2] = {
        { "sn0123ABCD02", "is that of chip 0123abcd02" },
        { "sn0123abcd01", "upper-case hexadecimal" },
        { "0123ABCD01", "upper-case hexadecimal" },
        { "sn0123ABCD01 ", "upper-case hexadecimal" },
        { "sn", "upper-case hexadecimal" },
        { "snA", "upper-case hexadecimal" },
    };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(names); i++) {
        MADE(made);

        make(&made, &vendor, names[i][0], root, op);
        assert_refused_saying(BM_EPOLICY, check(&made, &fresh), names[i][1]);
        assert_false(made.proven);
    }
}

static void
only_the_certified_key_speaks_and_not_for_itself(void **state)
{
    MADE(made);
    MADE(itself);
    MADE(stale);

    (void)state;
    make(&made, &vendor, CN, other, op);
    assert_refused_saying(BM_EPOLICY, check(&made, NULL), "the root key's signature");
    assert_false(made.proven);
    make(&itself, &vendor, CN, root, root);
    assert_refused_saying(BM_EPOLICY, check(&itself, &fresh), "for a root key of the chip");
    assert_true(itself.proven);
    make(&stale, &vendor, CN, root, op);
    assert_refused_saying(BM_EPOLICY, check(&stale, &(struct bm_freshness){ .k = &k, .now = NOW + 3 * BM_NONCE_EPOCH }),
                          "the nonce is stale");
    assert_false(stale.proven);
    stale.bundle.body_class = BM_BODY_TPM;
    assert_rc(BM_EINPUT, check(&stale, &fresh));
}

static void
certificates_are_put_in_the_order_of_a_chain(void **state)
{
    struct bm_bytes chain[BM_MAX_CHAIN];
    KIT_BUF(heap);
    KIT_BUF(device);

    (void)state;
    chain_device(&device, &vendor, bm_private_public(root), CN, FROM, UNTIL);
    bm_buf_add_bytes(&heap, bm_buf_bytes(&vendor.root));
    bm_buf_add_bytes(&heap, bm_buf_bytes(&device));
    bm_buf_add_bytes(&heap, bm_buf_bytes(&vendor.issuer));
    assert_int_equal(bm_id_chain_arrange(chain, bm_buf_bytes(&device), bm_buf_bytes(&heap)), 3);
    assert_true(bm_bytes_equal(chain[0], bm_buf_bytes(&device)));
    assert_true(bm_bytes_equal(chain[1], bm_buf_bytes(&vendor.issuer)));
    assert_true(bm_bytes_equal(chain[2], bm_buf_bytes(&vendor.root)));
    assert_int_equal(bm_id_chain_arrange(chain, bm_buf_bytes(&device), bm_bytes(NULL, 0)), 1);
    assert_int_equal(bm_id_chain_arrange(chain, bm_bytes_str("no certificate"), bm_buf_bytes(&heap)), 0);
}

static void
a_bundle_with_certificates_is_written_and_read_back_to_the_byte(void **state)
{
    struct bm_bundle out;
    MADE(made);
    KIT_BUF(buf);
    KIT_BUF(again);

    (void)state;
    make(&made, &vendor, CN, root, op);
    bm_bundle_build(&buf, &made.bundle);
    assert_ok(bm_buf_check(&buf, "it", &kit_fail));
    assert_ok(bm_bundle_parse(&out, bm_buf_bytes(&buf), &kit_fail));
    assert_int_equal(out.nchain, 3);
    bm_bundle_build(&again, &out);
    assert_true(bm_bytes_equal(bm_buf_bytes(&buf), bm_buf_bytes(&again)));
    for (size_t n = 0; n < buf.n; n++)
        assert_rc(BM_EINPUT, bm_bundle_parse(&out, bm_bytes(buf.p, n), &kit_fail));
    buf.p[2 + 1 + 32 + 8 + 8 + 2 + made.leaf.n + 2 + made.proof.n] = BM_MAX_CHAIN + 1;
    assert_rc(BM_EINPUT, bm_bundle_parse(&out, bm_buf_bytes(&buf), &kit_fail));
}

/* Every byte of the certificates matters. */
static void
no_changed_certificate_is_taken(void **state)
{
    MADE(made);
    KIT_BUF(copy);

    (void)state;
    make(&made, &vendor, CN, root, op);
    for (size_t c = 0; c < made.bundle.nchain; c++) {
        struct bm_bytes whole = made.bundle.chain[c];

        bm_buf_reset(&copy);
        bm_buf_add_bytes(&copy, whole);
        made.bundle.chain[c] = bm_buf_bytes(&copy);
        for (size_t i = 0; i < copy.n; i++) {
            copy.p[i] ^= 0x01;
            if (check(&made, &fresh) == BM_OK)
                fail_msg("byte %zu of certificate %zu does not matter", i, c);
            copy.p[i] ^= 0x01;
        }
        made.bundle.chain[c] = whole;
    }
}

/* ---- a genuine chip ---- */

/* What stands between `before` and the next quote, after *from; which moves behind it. */
static struct bm_bytes
quoted(struct bm_bytes *from, const char *before)
{
    const uint8_t *at = memmem(from->p, from->n, before, strlen(before)), *to;
    struct bm_bytes text;

    assert_non_null(at);
    at += strlen(before);
    assert_non_null(to = memchr(at, '"', from->n - (size_t)(at - from->p)));
    text = bm_bytes(at, (size_t)(to - at));
    *from = bm_bytes(to, from->n - (size_t)(to - from->p));
    return text;
}

/* Microchip's own example, as if it had come in a list without keys: ten chips, device certificate and signer in x5c, one root. */
static void
microchips_own_certificates_name_their_chips(void **state)
{
    KIT_BUF(root_der);
    bm_cleanup(bm_buf_done) struct bm_buf file = { .max = 1 << 20 };
    struct bm_bytes rest;

    (void)state;
    if (!kit_shared(&root_der, "data/microchip/trust-go-root-ca-002.der") || !kit_shared(&file, "data/microchip/ECC608C-TNGTLSU-B.json"))
        kit_skip(KIT_NO_SHARED);
    rest = bm_buf_bytes(&file);
    for (size_t i = 0; i < 10; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf payload = { .max = 1 << 16 };
        struct bm_leaf *leaf = &claim.leaf;
        struct bm_bytes chain[3], in, id;
        struct bm_key key;
        KIT_BUF(device);
        KIT_BUF(issuer);

        assert_ok(bm_b64_parse(&payload, BM_B64_URL, quoted(&rest, "\"payload\": \""), &kit_fail));
        in = bm_buf_bytes(&payload);
        id = quoted(&in, "\"uniqueId\":\"");
        in = bm_buf_bytes(&payload);
        assert_ok(bm_b64_parse(&device, BM_B64_STD, quoted(&in, "\"x5c\":[\""), &kit_fail));
        assert_ok(bm_b64_parse(&issuer, BM_B64_STD, quoted(&in, ",\""), &kit_fail));
        leaf_make(leaf);
        (void)snprintf(leaf->id, sizeof(leaf->id), "%.*s", (int)id.n, (const char *)id.p);
        bm_sha256(leaf->vendor_root, bm_buf_bytes(&root_der));
        chain[0] = bm_buf_bytes(&device);
        chain[1] = bm_buf_bytes(&issuer);
        chain[2] = bm_buf_bytes(&root_der);
        assert_ok(bm_id_chain_check(&key, leaf, chain, 3, &kit_fail));
        leaf->id[0] = leaf->id[0] == '0' ? '1' : '0';
        assert_refused_saying(BM_EPOLICY, bm_id_chain_check(&key, leaf, chain, 3, &kit_fail), "is that of chip 01");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_key_of_the_chips_certificate_speaks_for_its_id),
        cmocka_unit_test(every_link_of_the_chain_is_needed),
        cmocka_unit_test(a_chain_to_another_root_is_refused),
        cmocka_unit_test(only_a_certificate_of_this_very_chip_will_do),
        cmocka_unit_test(only_the_certified_key_speaks_and_not_for_itself),
        cmocka_unit_test(certificates_are_put_in_the_order_of_a_chain),
        cmocka_unit_test(a_bundle_with_certificates_is_written_and_read_back_to_the_byte),
        cmocka_unit_test(no_changed_certificate_is_taken),
        cmocka_unit_test(microchips_own_certificates_name_their_chips),
    };

    return kit_end(cmocka_run_group_tests(tests, begin, end));
}
