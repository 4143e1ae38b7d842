/* test_ocsp.c - questions as libcrypto asks them, and answers as it checks them. */
#include "ca_kit.h"

#include "pki/ocsp.h"

#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

static struct bm_private *responder_key;
static struct bm_buf responder = { .max = BM_MAX_CERT };

static int
make_responder(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_CERT };

    if (make_pki(state) != 0)
        return -1;
    assert_ok(bm_private_generate(&responder_key, BM_KEY_P256, &kit_fail));
    assert_ok(bm_tbs_responder_build(&tbs, &pki.issuer, "OCSP responder 1", bm_key_spki(bm_private_public(responder_key)),
                                     bm_bytes(serial, 20), T0, T1, &kit_fail));
    sign(&responder, pki.ca_key, &tbs);
    return 0;
}

static int
free_responder(void **state)
{
    bm_private_free(responder_key);
    bm_buf_done(&responder);
    return free_pki(state);
}

static X509 *
cert_of(const struct bm_buf *der)
{
    const uint8_t *p = der->p;
    X509 *cert = d2i_X509(NULL, &p, (long)der->n);

    assert_non_null(cert);
    return cert;
}

/* About so many certificates of the CA, numbered from 1; the caller frees it. */
static OCSP_REQUEST *
question_of(size_t n, const EVP_MD *md, int nonce)
{
    OCSP_REQUEST *question = OCSP_REQUEST_new();
    X509 *ca = cert_of(&pki.ca);

    for (size_t i = 0; i < n; i++) {
        ASN1_INTEGER *number = ASN1_INTEGER_new();

        assert_true(ASN1_INTEGER_set_uint64(number, i + 1));
        assert_non_null(
            OCSP_request_add0_id(question, OCSP_cert_id_new(md, X509_get_subject_name(ca), X509_get0_pubkey_bitstr(ca), number)));
        ASN1_INTEGER_free(number);
    }
    if (nonce != 0) {
        uint8_t octets[128];

        memset(octets, 0xa5, sizeof(octets));
        assert_true(OCSP_request_add1_nonce(question, octets, nonce));
    }
    X509_free(ca);
    return question;
}

static void
question_der(struct bm_buf *der, size_t n, const EVP_MD *md, int nonce)
{
    OCSP_REQUEST *question = question_of(n, md, nonce);
    uint8_t *bytes = NULL;
    int size = i2d_OCSP_REQUEST(question, &bytes);

    assert_true(size > 0);
    bm_buf_reset(der);
    bm_buf_add(der, bytes, (size_t)size);
    OPENSSL_free(bytes);
    OCSP_REQUEST_free(question);
}

static struct bm_ocsp_issuer
issuer_here(void)
{
    struct bm_ocsp_issuer issuer;
    struct bm_cert ca;

    assert_ok(bm_cert_parse(&ca, bm_buf_bytes(&pki.ca), &kit_fail));
    bm_ocsp_issuer_init(&issuer, &ca);
    return issuer;
}

/* proves: RFC6960 4.1.1 */
static void
a_question_names_its_issuer_by_sha1_or_sha256(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_OCSP_QUESTION };
    struct bm_ocsp_issuer issuer = issuer_here(), other = { .sha1 = { { 0 } } };
    struct bm_ocsp_question question;

    (void)state;
    question_der(&der, 2, EVP_sha1(), 0);
    assert_ok(bm_ocsp_parse(&question, bm_buf_bytes(&der), &kit_fail));
    assert_true(question.n == 2 && question.nonce.n == 0);
    assert_true(question.id[1].serial.n == 1 && question.id[1].serial.p[0] == 2);
    assert_true(bm_ocsp_issuer_is(&issuer, &question.id[0]) && !bm_ocsp_issuer_is(&other, &question.id[0]));
    question_der(&der, 1, EVP_sha256(), 0);
    assert_ok(bm_ocsp_parse(&question, bm_buf_bytes(&der), &kit_fail));
    assert_true(bm_ocsp_issuer_is(&issuer, &question.id[0]) && !bm_ocsp_issuer_is(&other, &question.id[0]));
    question_der(&der, 1, EVP_sha384(), 0);
    assert_ok(bm_ocsp_parse(&question, bm_buf_bytes(&der), &kit_fail));
    assert_false(bm_ocsp_issuer_is(&issuer, &question.id[0]));
}

/* proves: RFC9654 2.1 */
static void
a_nonce_of_16_to_32_octets_is_answered(void **state)
{
    static const struct {
        int n;
        size_t answered;
    } nonces[] = { { 1, 0 }, { 15, 0 }, { 16, 16 }, { 32, 32 }, { 33, 0 }, { 128, 0 } };
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_OCSP_QUESTION };
    struct bm_ocsp_question question;

    (void)state;
    for (size_t i = 0; i < BM_COUNT(nonces); i++) {
        question_der(&der, 1, EVP_sha1(), nonces[i].n);
        assert_ok(bm_ocsp_parse(&question, bm_buf_bytes(&der), &kit_fail));
        assert_int_equal(question.nonce.n, nonces[i].answered);
    }
}

static void
what_is_cut_too_long_or_about_too_many_is_refused(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = 65536 };
    struct bm_ocsp_question question;

    (void)state;
    question_der(&der, BM_OCSP_MOST, EVP_sha256(), 32);
    assert_ok(bm_ocsp_parse(&question, bm_buf_bytes(&der), &kit_fail));
    assert_int_equal(question.n, BM_OCSP_MOST);
    for (size_t n = 0; n < der.n; n++)
        assert_rc(BM_EINPUT, bm_ocsp_parse(&question, bm_bytes(der.p, n), &kit_fail));
    bm_buf_add_u8(&der, 0);
    assert_rc(BM_EINPUT, bm_ocsp_parse(&question, bm_buf_bytes(&der), &kit_fail));
    question_der(&der, BM_OCSP_MOST + 1, EVP_sha1(), 0);
    assert_rc(BM_EINPUT, bm_ocsp_parse(&question, bm_buf_bytes(&der), &kit_fail));
    question_der(&der, 100, EVP_sha1(), 0);
    assert_rc(BM_EINPUT, bm_ocsp_parse(&question, bm_buf_bytes(&der), &kit_fail));
    question_der(&der, 0, EVP_sha1(), 0);
    assert_rc(BM_EINPUT, bm_ocsp_parse(&question, bm_buf_bytes(&der), &kit_fail));
}

/* What libcrypto says of the answer about certificate i; the caller frees it. */
static OCSP_BASICRESP *
checked(const struct bm_buf *der, OCSP_REQUEST *question)
{
    const uint8_t *p = der->p;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &p, (long)der->n);
    OCSP_BASICRESP *basic;
    X509_STORE *store = X509_STORE_new();
    X509 *root = cert_of(&pki.root);
    STACK_OF(X509) *between = sk_X509_new_null();

    assert_non_null(response);
    assert_ptr_equal(p, der->p + der->n);
    assert_int_equal(OCSP_response_status(response), OCSP_RESPONSE_STATUS_SUCCESSFUL);
    basic = OCSP_response_get1_basic(response);
    assert_non_null(basic);
    assert_true(X509_STORE_add_cert(store, root));
    X509_free(root);
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), T0 + 60);
    assert_true(sk_X509_push(between, cert_of(&pki.ca)));
    assert_int_equal(OCSP_basic_verify(basic, between, store, 0), 1);
    assert_int_equal(OCSP_check_nonce(question, basic), 1);
    sk_X509_pop_free(between, X509_free);
    X509_STORE_free(store);
    OCSP_RESPONSE_free(response);
    return basic;
}

/* proves: RFC6960 4.2.2.2 */
/* proves: RFC6960 4.2.2.2.1 */
/* proves: RFC6960 4.2.2.3 */
static void
libcrypto_takes_an_answer_of_each_kind(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf asked = { .max = BM_OCSP_QUESTION }, tbs = { .max = BM_OCSP_ANSWER },
                                          signature = { .max = BM_MAX_SIGNATURE }, der = { .max = BM_OCSP_ANSWER };
    static const int want[] = { V_OCSP_CERTSTATUS_GOOD, V_OCSP_CERTSTATUS_REVOKED, V_OCSP_CERTSTATUS_REVOKED, V_OCSP_CERTSTATUS_UNKNOWN };
    static const int want_reason[] = { -1, 6, -1, -1 };
    struct bm_ocsp_answer answers[4] = { { .status = BM_OCSP_GOOD },
                                         { .status = BM_OCSP_REVOKED, .reason = 6, .revoked = T0 - 5 },
                                         { .status = BM_OCSP_REVOKED, .revoked = T0 - 6 },
                                         { .status = BM_OCSP_UNKNOWN } };
    OCSP_REQUEST *theirs = question_of(4, EVP_sha256(), 32);
    struct bm_ocsp_question question;
    OCSP_BASICRESP *basic;

    (void)state;
    question_der(&asked, 4, EVP_sha256(), 32);
    assert_ok(bm_ocsp_parse(&question, bm_buf_bytes(&asked), &kit_fail));
    for (size_t i = 0; i < 4; i++) {
        answers[i].id = question.id[i].der;
        answers[i].this_update = T0 + 60;
        answers[i].next_update = T0 + 3660;
    }
    assert_ok(bm_ocsp_tbs_build(&tbs, bm_private_public(responder_key), T0 + 60, answers, 4, question.nonce, &kit_fail));
    assert_ok(bm_private_sign(responder_key, bm_buf_bytes(&tbs), &signature, &kit_fail));
    bm_ocsp_build(&der, bm_buf_bytes(&tbs), bm_private_alg(responder_key), bm_buf_bytes(&signature), bm_buf_bytes(&responder));
    assert_false(der.bad);
    basic = checked(&der, theirs);
    for (int i = 0; i < 4; i++) {
        ASN1_GENERALIZEDTIME *revoked = NULL, *this = NULL, *next = NULL;
        int status, reason = -1;

        assert_true(OCSP_resp_find_status(basic, OCSP_onereq_get0_id(OCSP_request_onereq_get0(theirs, i)), &status, &reason, &revoked,
                                          &this, &next));
        assert_int_equal(status, want[i]);
        assert_int_equal(reason, want_reason[i]);
        assert_time(this, V_ASN1_GENERALIZEDTIME, "20251124160100Z");
        assert_time(next, V_ASN1_GENERALIZEDTIME, "20251124170100Z");
        if (i == 1)
            assert_time(revoked, V_ASN1_GENERALIZEDTIME, "20251124155955Z");
    }
    OCSP_BASICRESP_free(basic);
    OCSP_REQUEST_free(theirs);
    answers[0].next_update = T0;
    assert_rc(BM_EBUG, bm_ocsp_tbs_build(&tbs, bm_private_public(responder_key), T0 + 60, answers, 1, bm_bytes(NULL, 0), &kit_fail));
}

static void
what_nobody_signs_has_a_number_alone(void **state)
{
    static const uint8_t later[] = { 0x30, 0x03, 0x0a, 0x01, 0x03 };
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = 16 };

    (void)state;
    bm_ocsp_error_build(&der, BM_OCSP_LATER);
    assert_true(bm_bytes_equal(bm_buf_bytes(&der), bm_bytes(later, sizeof(later))));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_names_its_issuer_by_sha1_or_sha256),
        cmocka_unit_test(a_nonce_of_16_to_32_octets_is_answered),
        cmocka_unit_test(what_is_cut_too_long_or_about_too_many_is_refused),
        cmocka_unit_test(libcrypto_takes_an_answer_of_each_kind),
        cmocka_unit_test(what_nobody_signs_has_a_number_alone),
    };

    return cmocka_run_group_tests(tests, make_responder, free_responder);
}
