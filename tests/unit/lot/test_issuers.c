/* test_issuers.c - a chip's certificate to a pinned root: what must be refused is, by the whole path and by the issuer that is remembered alike. */
#include "issuers_kit.h"
#include "maker.h"

static enum bm_rc
look(struct tree *tree, const struct wanted *leaf, bm_time at, uint32_t *ret_verified)
{
    uint32_t ignored;

    make(&tree->leaf, leaf, "between", "chip", leaf_key, tree->key);
    return bm_issuers_check(tree->issuers, kit_crypto, bm_buf_bytes(&tree->leaf), (struct bm_certs){ &tree->between_der, 1 },
                            (struct bm_certs){ &tree->root_der, 1 }, at, ret_verified != NULL ? ret_verified : &ignored, &kit_fail);
}

static void
an_issuer_is_proven_once_and_then_one_signature_a_chip(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        bm_cleanup(tree_done) struct tree tree;
        struct wanted points = good_leaf;
        uint32_t verified = 0;

        points.points = "URI:http://example.com/crl";
        tree_open(&tree, &good_ca, &good_ca, between_key[k]);
        assert_ok(look(&tree, &good_leaf, AT, &verified));
        assert_int_equal(verified, 2);
        for (int i = 0; i < 3; i++) {
            assert_ok(look(&tree, i == 0 ? &good_leaf : &points, AT, &verified));
            assert_int_equal(verified, 1);
        }
        assert_int_equal(tree.issuers->n, 1);
    }
}

/* Nothing is remembered of what was refused, and the same chip is refused as the first one and after good ones. */
static void
every_fault_of_a_chips_certificate_is_refused_first_and_later(void **state)
{
    static const struct {
        struct wanted leaf;
        const char *says;
    } bad[] = {
        { { .until = AT - 1 }, "certificate has expired" },
        { { .from = AT + 1 }, "certificate is not yet valid" },
        { { .unknown_critical = true }, "unhandled critical extension" },
        { { .stranger = true }, "certificate signature failure" },
        { { .issuer = "somebody" }, "unable to get local issuer certificate" },
        { { .subject = "between" }, "self-signed certificate" },
        { { .subject = " Between" }, "self-signed certificate" },
        { { .aki = "keyid:always" }, "" }, /* its key identifier is its own, not the issuer's */
    };

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        bm_cleanup(tree_done) struct tree tree;

        tree_open(&tree, &good_ca, &good_ca, between_key[k]);
        for (int warm = 0; warm < 2; warm++) {
            for (size_t i = 0; i < BM_COUNT(bad); i++) {
                struct wanted leaf = bad[i].leaf;

                leaf.basic = good_leaf.basic;
                leaf.usage = good_leaf.usage;
                assert_refused_saying(BM_EPOLICY, look(&tree, &leaf, AT, NULL), bad[i].says);
            }
            assert_int_equal(tree.issuers->n, warm);
            assert_ok(look(&tree, &good_leaf, AT, NULL));
        }
    }
}

static void
every_fault_above_a_chip_is_refused(void **state)
{
    static const struct {
        struct wanted root, between;
        const char *says;
    } bad[] = {
        { { .basic = CA }, { .basic = CA, .until = AT - 1 }, "certificate has expired" },
        { { .basic = CA }, { .basic = CA, .from = AT + 1 }, "certificate is not yet valid" },
        { { .basic = CA, .until = AT - 1 }, { .basic = CA }, "certificate has expired" },
        { { .basic = CA }, { .basic = "critical,CA:FALSE" }, "invalid CA certificate" },
        { { .basic = CA }, { .basic = NULL }, "invalid CA certificate" },
        { { .basic = CA }, { .usage = "critical,keyCertSign" }, "invalid CA certificate" },
        { { .basic = CA }, { .basic = CA, .usage = "critical,cRLSign" }, "" },
        { { .basic = CA }, { .basic = CA, .unknown_critical = true }, "unhandled critical extension" },
        { { .basic = CA, .unknown_critical = true }, { .basic = CA }, "unhandled critical extension" },
        { { .basic = CA }, { .basic = CA, .stranger = true }, "certificate signature failure" },
        { { .basic = CA }, { .basic = CA, .subject = "elsewhere" }, "unable to get local issuer certificate" },
        { { .basic = CA, .subject = "elsewhere" }, { .basic = CA }, "unable to get local issuer certificate" },
    };

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < BM_COUNT(bad); i++) {
            bm_cleanup(tree_done) struct tree tree;

            tree_open(&tree, &bad[i].root, &bad[i].between, between_key[k]);
            for (int n = 0; n < 2; n++)
                assert_refused_saying(BM_EPOLICY, look(&tree, &good_leaf, AT, NULL), bad[i].says); /* proves: RFC5280 6.1.4 */
            assert_int_equal(tree.issuers->n, 0);
        }
    }
}

/* root, between, below, chip: a root that allows no authority between, and one that does. */
static void
the_length_of_a_path_is_kept(void **state)
{
    (void)state;
    for (int allowed = 0; allowed < 2; allowed++) {
        bm_cleanup(bm_buf_done) struct bm_buf below = { .n = 0 }, leaf = { .n = 0 };
        bm_cleanup(tree_done) struct tree tree;
        struct wanted above = good_ca;
        struct bm_bytes between[2];
        uint32_t verified = 0;
        enum bm_rc rc;

        above.basic = allowed != 0 ? CA : NO_PATH;
        tree_open(&tree, &good_ca, &above, between_key[0]);
        make(&below, &good_ca, "between", "below", stranger_key, between_key[0]);
        make(&leaf, &good_leaf, "below", "chip", leaf_key, stranger_key);
        between[0] = bm_buf_bytes(&below);
        between[1] = tree.between_der;
        for (int n = 0; n < 2; n++) {
            rc = bm_issuers_check(tree.issuers, kit_crypto, bm_buf_bytes(&leaf), (struct bm_certs){ between, 2 },
                                  (struct bm_certs){ &tree.root_der, 1 }, AT, &verified, &kit_fail);
            if (allowed != 0) {
                assert_ok(rc);
                assert_int_equal(verified, n == 0 ? 3 : 1);
            } else {
                assert_refused_saying(BM_EPOLICY, rc, "path length constraint exceeded");
            }
        }
    }
}

/* What stands above may tell one chip from another: then nothing is remembered. */
static void
constraints_on_names_are_asked_of_every_chip(void **state)
{
    bm_cleanup(tree_done) struct tree tree;
    struct wanted between = good_ca, other = good_leaf;

    (void)state;
    between.constraints = "critical,permitted;DNS:example.com";
    other.san = "DNS:chip.example.org";
    tree_open(&tree, &good_ca, &between, between_key[0]);
    assert_ok(look(&tree, &good_leaf, AT, NULL));
    assert_int_equal(tree.issuers->n, 0);
    assert_refused_saying(BM_EPOLICY, look(&tree, &other, AT, NULL), "permitted subtree violation");
}

static void
signed_again(struct bm_buf *ret_der, struct bm_bytes tbs, EVP_PKEY *by)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t signature[BM_MAX_SIGNATURE];
    size_t n = sizeof(signature);

    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha384(), NULL, by), 1);
    assert_int_equal(EVP_DigestSign(ctx, signature, &n, tbs.p, tbs.n), 1);
    bm_buf_reset(ret_der);
    bm_signed_build(ret_der, tbs, BM_SIG_ECDSA_SHA384, bm_bytes(signature, n));
    assert_ok(bm_buf_check(ret_der, "a certificate", &kit_fail));
    EVP_MD_CTX_free(ctx);
}

/* Each byte of a chip's certificate changed, in three ways, and signed again by its issuer: the issuer that is remembered takes nothing that the whole path
 * refuses, whatever stands in the extensions. */
static void
what_is_remembered_takes_nothing_that_the_whole_path_refuses(void **state)
{
    static const uint8_t changes[] = { 0x01, 0x20, 0xff };
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_CERT }, der = { .max = BM_MAX_CERT };
    bm_cleanup(tree_done) struct tree tree;
    struct wanted leaf = good_leaf;
    struct bm_cert cert;
    size_t taken = 0, refused = 0;

    (void)state;
    leaf.points = "URI:http://example.com/crl";
    tree_open(&tree, &good_ca, &good_ca, between_key[0]);
    assert_ok(look(&tree, &leaf, AT, NULL));
    assert_ok(bm_cert_parse(&cert, bm_buf_bytes(&tree.leaf), &kit_fail));
    bm_buf_add_bytes(&tbs, cert.tbs);
    for (size_t i = 0; i < BM_COUNT(changes) * tbs.n; i++) {
        struct bm_certs between = { &tree.between_der, 1 }, root = { &tree.root_der, 1 };
        uint32_t verified = 0;
        enum bm_rc rc, whole;

        tbs.p[i / BM_COUNT(changes)] ^= changes[i % BM_COUNT(changes)];
        signed_again(&der, bm_buf_bytes(&tbs), between_key[0]);
        whole = bm_path_check(bm_buf_bytes(&der), between, root, AT, &kit_fail);
        rc = bm_issuers_check(tree.issuers, kit_crypto, bm_buf_bytes(&der), between, root, AT, &verified, &kit_fail);
        assert_int_equal(rc, whole);
        taken += rc == BM_OK;
        refused += rc != BM_OK;
        tbs.p[i / BM_COUNT(changes)] ^= changes[i % BM_COUNT(changes)];
    }
    assert_true(taken > 100 && refused > 100);
}

static void
what_is_remembered_holds_for_its_time_and_where_it_was_sent_along(void **state)
{
    bm_cleanup(tree_done) struct tree tree;
    struct wanted between = good_ca, leaf = good_leaf;
    uint32_t verified;

    (void)state;
    between.until = AT + 100;
    tree_open(&tree, &good_ca, &between, between_key[0]);
    assert_ok(look(&tree, &leaf, AT, NULL));
    assert_ok(look(&tree, &leaf, AT + 100, &verified)); /* the last second of its validity */
    assert_int_equal(verified, 1);
    assert_refused_saying(BM_EPOLICY, look(&tree, &leaf, AT + 101, NULL), "certificate has expired");
    assert_refused_saying(BM_EPOLICY, look(&tree, &leaf, AT - YEAR - 1, NULL), "certificate is not yet valid");
    /* the answer about a chip does not hang on which chips came before: another process may have looked at those */
    assert_refused_saying(BM_EPOLICY,
                          bm_issuers_check(tree.issuers, kit_crypto, bm_buf_bytes(&tree.leaf), (struct bm_certs){ NULL, 0 },
                                           (struct bm_certs){ &tree.root_der, 1 }, AT, &verified, &kit_fail),
                          "unable to get local issuer certificate");
}

/* What was proven once can only say yes: a certificate under a known issuer, and signed by another key, is refused as if nothing were remembered. */
static void
a_known_issuer_vouches_only_for_what_it_signed(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf ca = { .max = 4096 }, good = { .max = 4096 }, bad = { .max = 4096 };
    static struct bm_issuers issuers; /* too large for a frame */
    struct maker maker, other;
    struct bm_bytes between, anchor;
    uint32_t verified = 0;

    (void)state;
    maker_open(&maker, 1704067200, 1767225600);
    maker_open(&other, 1704067200, 1767225600);
    maker_cert(&good, maker.key, "Manifest Signer", bm_private_public(other.key), "chip", 1704067200, 1767225600);
    maker_cert(&bad, other.key, "Manifest Signer", bm_private_public(maker.key), "chip", 1704067200, 1767225600);
    maker_cert_of(&ca, maker.key, "Manifest Signer", bm_private_public(maker.key), "Manifest Signer", 1704067200, 1767225600, true);
    between = anchor = bm_buf_bytes(&ca);
    for (int i = 0; i < 3; i++) {
        assert_ok(bm_issuers_check(&issuers, kit_crypto, bm_buf_bytes(&good), (struct bm_certs){ &between, 1 },
                                   (struct bm_certs){ &anchor, 1 }, 1704067205, &verified, &kit_fail));
        assert_int_equal(verified, 1);
        assert_rc(BM_EPOLICY, bm_issuers_check(&issuers, kit_crypto, bm_buf_bytes(&bad), (struct bm_certs){ &between, 1 },
                                               (struct bm_certs){ &anchor, 1 }, 1704067205, &verified, &kit_fail));
        assert_rc(BM_EPOLICY, bm_issuers_check(&issuers, kit_crypto, bm_buf_bytes(&good), (struct bm_certs){ &between, 1 },
                                               (struct bm_certs){ &anchor, 1 }, 1767225605, &verified, &kit_fail));
    }
    bm_issuers_done(&issuers);
    /* a chip's own certificate handed over as one between: the path does without it, and it vouches for nobody */
    bm_buf_reset(&bad);
    maker_cert(&bad, other.key, "chip", bm_private_public(maker.key), "forged", 1704067200, 1767225600);
    between = bm_buf_bytes(&good);
    assert_ok(bm_issuers_check(&issuers, kit_crypto, bm_buf_bytes(&good), (struct bm_certs){ &between, 1 }, (struct bm_certs){ &anchor, 1 },
                               1704067205, &verified, &kit_fail));
    assert_rc(BM_EPOLICY, bm_issuers_check(&issuers, kit_crypto, bm_buf_bytes(&bad), (struct bm_certs){ &between, 1 },
                                           (struct bm_certs){ &anchor, 1 }, 1704067205, &verified, &kit_fail));
    bm_issuers_done(&issuers);
    maker_close(&maker);
    maker_close(&other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_issuer_is_proven_once_and_then_one_signature_a_chip),
        cmocka_unit_test(every_fault_of_a_chips_certificate_is_refused_first_and_later),
        cmocka_unit_test(every_fault_above_a_chip_is_refused),
        cmocka_unit_test(the_length_of_a_path_is_kept),
        cmocka_unit_test(constraints_on_names_are_asked_of_every_chip),
        cmocka_unit_test(what_is_remembered_takes_nothing_that_the_whole_path_refuses),
        cmocka_unit_test(what_is_remembered_holds_for_its_time_and_where_it_was_sent_along),
        cmocka_unit_test(a_known_issuer_vouches_only_for_what_it_signed),
    };

    return kit_end(cmocka_run_group_tests(tests, keys_open, keys_close));
}
