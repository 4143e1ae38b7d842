/* hostile_status.c - a hostile registrar tells of certificates: revoked ones, replaced ones, nobody's, and leaves that it would rather leave out. */
#include "base/base.h"
#include "hostile.h"

#include "pki/ocsp.h"
#include "wire/der.h"

static void
crl_get(struct world *w, struct bm_buf *der)
{
    struct fixture_answer answer;
    struct bm_rd rd;

    fixture_ask(&w->f, BM_S_CRL, FIXTURE_LIST, false, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    rd = bm_rd(bm_buf_bytes(&answer.body));
    bm_buf_reset(der);
    assert_true(bm_rd_u64(&rd) > 0);
    bm_buf_add_bytes(der, bm_rd_lv32(&rd, BM_MAX_MESSAGE));
    assert_true(bm_rd_end(&rd));
    fixture_answer_done(&answer);
}

static bool
lists(const struct bm_buf *crl, const struct fixture_answer *issued)
{
    return memmem(crl->p, crl->n, issued->serial, issued->nserial) != NULL;
}

/* proves: RFC5280 5.2.3 a CRL number that rises across restarts: 1, 2, 3 stand in the lists as cRLNumber */
static void
what_is_revoked_stays_in_the_list(void **state)
{
    static const uint8_t number_1[] = { 0x55, 0x1d, 0x14, 0x04, 0x03, 0x02, 0x01, 0x01 };
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf crl = { .max = BM_MAX_MESSAGE };
    struct fixture_answer issued, answer;
    uint8_t number[sizeof(number_1)];

    memcpy(number, number_1, sizeof(number));
    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &issued);
    crl_get(w, &crl);
    assert_false(lists(&crl, &issued));
    assert_non_null(memmem(crl.p, crl.n, number, sizeof(number)));
    mark(w, BM_S_REVOKE, &issued, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    assert_int_equal(answer.nleaves, 1);
    mark(w, BM_S_REVOKE, &issued, &answer); /* again: it is there already */
    assert_int_equal(answer.type, BM_S_ANSWER);
    assert_int_equal(answer.nleaves, 0);
    mark(w, BM_S_CONFIRM, &issued, &answer);
    assert_refusal(&answer, "was revoked or replaced", 0);
    crl_get(w, &crl);
    assert_true(lists(&crl, &issued));
    number[sizeof(number) - 1] = 2;
    assert_non_null(memmem(crl.p, crl.n, number, sizeof(number)));
    assert_int_equal(fixture_stop(&w->f), 0);
    fixture_start(&w->f);
    crl_get(w, &crl);
    assert_true(lists(&crl, &issued));
    number[sizeof(number) - 1] = 3;
    assert_non_null(memmem(crl.p, crl.n, number, sizeof(number)));
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot }, "was revoked", 1);
}

static void
a_replaced_certificate_is_revoked_with_it(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf crl = { .max = BM_MAX_MESSAGE };
    struct fixture_answer first;
    uint8_t serial[BM_MAX_SERIAL];

    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &first);
    memcpy(serial, first.serial, sizeof(serial));
    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &first);
    crl_get(w, &crl);
    assert_non_null(memmem(crl.p, crl.n, serial, sizeof(serial)));
    assert_false(lists(&crl, &first));
}

static void
serials_of_nobody_are_refused(void **state)
{
    struct world *w = *state;
    struct fixture_answer nobody = { .nserial = BM_MAX_SERIAL, .serial = { 0x41, 2, 3 } }, answer;

    mark(w, BM_S_CONFIRM, &nobody, &answer);
    assert_refusal(&answer, "no certificate with this serial", 0);
    mark(w, BM_S_REVOKE, &nobody, &answer);
    assert_refusal(&answer, "no certificate with this serial", 0);
}

/* An allow is for one re-issue, signed, for this device. */
static void
a_reissue_wants_a_signed_allow_and_uses_it_up(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, body = { .max = BM_MAX_MESSAGE_BODY };
    struct bm_allow allow = { .act = BM_ALLOW_REISSUE, .service = "mqtt", .reason = "repaired" };
    struct fixture_answer answer;

    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &answer);
    confirm(w, &answer);
    memcpy(allow.device, answer.device, sizeof(allow.device));
    fixture_allow_note(&w->f, &note, &(struct fixture_statement){ .by = PETRA_PLANNER }, &allow);
    fixture_statement_body(&body, &note, NULL, 0);
    fixture_ask(&w->f, BM_S_STATEMENT, bm_buf_bytes(&body), true, &answer);
    assert_refusal(&answer, "may not sign", 1);
    fixture_allow_note(&w->f, &note, &(struct fixture_statement){ .by = ANNA_ADMIN }, &allow);
    fixture_statement_body(&body, &note, NULL, 0);
    fixture_ask(&w->f, BM_S_STATEMENT, bm_buf_bytes(&body), true, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    w->f.seq++;
    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &answer);
    confirm(w, &answer);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot }, "this may be a copy", 1);
}

/* A registrar that leaves a leaf out has another tree than the one that is signed; and no proof shows its leaf in it. */
static void
a_leaf_left_out_shows(void **state)
{
    struct world *w = *state;
    struct bm_tree_source source;
    struct fixture_answer issued;
    struct bm_tree shorter;
    struct bm_proof proof;
    struct bm_fail why;
    uint8_t root[BM_HASH], hash[BM_HASH];

    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &issued);
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1 }, &issued);
    fixture_replay(&w->f);
    bm_tree_init(&shorter, 64);
    for (uint64_t i = 0; i < w->f.ledger.size; i++)
        if (i != w->f.ledger.size - 2)
            fixture_must(bm_tree_append(&shorter, w->f.ledger.level[0].p + i * BM_HASH, &fail));
    bm_tree_root(&shorter, root);
    assert_memory_not_equal(root, w->f.checkpoint_root, BM_HASH);
    source = bm_tree_source(&shorter);
    memcpy(hash, w->f.ledger.level[0].p + (w->f.ledger.size - 1) * BM_HASH, BM_HASH);
    assert_int_equal(bm_inclusion_make(&proof, &source, shorter.size - 1, shorter.size, &why), BM_OK);
    assert_int_not_equal(bm_inclusion_check(&proof, w->f.ledger.size - 1, w->f.checkpointed, hash, w->f.checkpoint_root, &why), BM_OK);
    bm_tree_done(&shorter);
}

static void
refusals_of_the_registrar_become_leaves(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 4096 };
    struct bm_s_refusal refusal = { .kind = bm_bytes_str("unknown-chip"),
                                    .count = 1,
                                    .sentence = bm_bytes_str("this chip is in no received lot") };
    struct fixture_answer answer;

    bm_s_refusal_build(&body, &refusal);
    fixture_ask(&w->f, BM_S_REFUSAL, bm_buf_bytes(&body), true, &answer);
    assert_int_equal(answer.nleaves, 1);
    assert_non_null(strstr(answer.event, "kind refused\n"));
    refusal.kind = bm_bytes_str("counted");
    refusal.count = 17;
    bm_buf_reset(&body);
    bm_s_refusal_build(&body, &refusal);
    fixture_ask(&w->f, BM_S_REFUSAL, bm_buf_bytes(&body), true, &answer);
    assert_non_null(strstr(answer.event, "count 17\n"));
    refusal.kind = bm_bytes_str("two words\nkind identity-issued");
    bm_buf_reset(&body);
    bm_s_refusal_build(&body, &refusal);
    fixture_ask(&w->f, BM_S_REFUSAL, bm_buf_bytes(&body), true, &answer);
    assert_refusal(&answer, "usual form", 0);
}

/* ---- OCSP: the registrar carries questions and answers, and can change neither what is said nor of whom ---- */

enum said {
    GOOD = 0x80,
    REVOKED = 0xa1,
    UNKNOWN = 0x82,
    ERROR = 0
};

/* What the signer says of a number, asked about as this CA's; ERROR: nothing about it. *ret_until: until when it may be kept. */
static enum said
said_of(struct world *w, enum bm_ca ca, struct bm_bytes serial, uint64_t *ret_until)
{
    bm_cleanup(bm_buf_done) struct bm_buf id = { .max = 256 }, der = { .max = 512 };
    static const uint8_t sha256[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 };
    struct fixture_answer answer;
    struct bm_ocsp_issuer issuer;
    struct bm_cert cert;
    struct bm_fail why;
    enum said said = ERROR;
    const uint8_t *at;
    size_t open[4], algorithm;

    assert_int_equal(bm_cert_parse(&cert, bm_buf_bytes(&w->f.ca[ca]), &why), BM_OK);
    bm_ocsp_issuer_init(&issuer, &cert);
    open[0] = bm_der_begin(&id, BM_DER_SEQUENCE);
    algorithm = bm_der_begin(&id, BM_DER_SEQUENCE);
    bm_der_add(&id, BM_DER_OID, bm_bytes(sha256, sizeof(sha256)));
    bm_der_end(&id, algorithm);
    bm_der_add(&id, BM_DER_OCTET_STRING, bm_bytes(issuer.sha256[0], BM_HASH));
    bm_der_add(&id, BM_DER_OCTET_STRING, bm_bytes(issuer.sha256[1], BM_HASH));
    bm_der_add_positive(&id, serial);
    bm_der_end(&id, open[0]);
    for (size_t i = 0; i < 4; i++)
        open[i] = bm_der_begin(&der, BM_DER_SEQUENCE);
    bm_buf_add_bytes(&der, bm_buf_bytes(&id));
    for (size_t i = 4; i-- > 0;)
        bm_der_end(&der, open[i]);
    fixture_ask(&w->f, BM_S_OCSP, bm_buf_bytes(&der), false, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    *ret_until = 0;
    for (size_t i = 0; i < 8; i++)
        *ret_until = *ret_until << 8 | answer.body.p[i];
    at = memmem(answer.body.p, answer.body.n, id.p, id.n);
    if (at != NULL)
        said = (enum said)at[id.n];
    fixture_answer_done(&answer);
    return said;
}

static enum said
said_now(struct world *w, const struct fixture_answer *issued)
{
    uint64_t until;

    return said_of(w, BM_CA_OPERATIONAL, bm_bytes(issued->serial, issued->nserial), &until);
}

static void
of_a_certificate_the_signer_says_what_its_journal_does(void **state)
{
    static const uint8_t nobodys[] = { 0x41, 2, 3 };
    struct world *w = *state;
    struct fixture_answer issued, other, answer;
    uint64_t until;
    size_t leaves;

    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &issued);
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1 }, &other);
    leaves = w->f.ledger.size;
    assert_int_equal(said_of(w, BM_CA_OPERATIONAL, bm_bytes(issued.serial, issued.nserial), &until), GOOD);
    assert_true(until > 0);
    assert_int_equal(w->f.ledger.size, leaves + 1); /* the responder's certificate */
    assert_int_equal(said_of(w, BM_CA_OPERATIONAL, bm_bytes(nobodys, sizeof(nobodys)), &until), UNKNOWN);
    assert_int_equal(until, 0);
    assert_int_equal(said_of(w, BM_CA_IDEVID, bm_bytes(issued.serial, issued.nserial), &until), UNKNOWN);
    assert_int_equal(w->f.ledger.size, leaves + 2); /* the other CA's */
    mark(w, BM_S_REVOKE, &issued, &answer);
    assert_int_equal(said_now(w, &issued), REVOKED);
    assert_int_equal(said_now(w, &other), GOOD);
    assert_int_equal(fixture_stop(&w->f), 0);
    fixture_start(&w->f);
    assert_int_equal(said_now(w, &issued), REVOKED);
    assert_int_equal(said_now(w, &other), GOOD);
    assert_int_equal(w->f.ledger.size, leaves + 3); /* the revocation, and no other responder */
}

static void
what_is_no_question_has_an_answer_of_five_bytes(void **state)
{
    static const uint8_t malformed[] = { 0, 0, 0, 5, 0x30, 0x03, 0x0a, 0x01, 0x01 };
    struct world *w = *state;
    uint8_t bytes[4096] = { 0x30, 0x82, 0x0f, 0xfc };
    struct fixture_answer answer;

    for (size_t n = 1; n <= sizeof(bytes); n = n * 3 + 1) {
        fixture_ask(&w->f, BM_S_OCSP, bm_bytes(bytes, n), false, &answer);
        assert_int_equal(answer.type, BM_S_ANSWER);
        assert_true(answer.body.n == 10 + sizeof(malformed) && memcmp(answer.body.p + 10, malformed, sizeof(malformed)) == 0);
        fixture_answer_done(&answer);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ATTACK(what_is_revoked_stays_in_the_list),
        ATTACK(a_replaced_certificate_is_revoked_with_it),
        ATTACK(serials_of_nobody_are_refused),
        ATTACK(a_reissue_wants_a_signed_allow_and_uses_it_up),
        ATTACK(a_leaf_left_out_shows),
        ATTACK(refusals_of_the_registrar_become_leaves),
        ATTACK(of_a_certificate_the_signer_says_what_its_journal_does),
        ATTACK(what_is_no_question_has_an_answer_of_five_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
