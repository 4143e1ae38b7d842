/* hostile.c - what the hostile registrars share: the world before an attack and after it, and questions whose answer is known. */
#include "base/base.h"
#include "hostile.h"

#include <stdlib.h>

int
hostile_set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    fixture_make(&w->f);
    fixture_start(&w->f);
    fixture_lot_make(&w->f, &w->lot, "L1", CHIPS);
    fixture_lot_make(&w->f, &w->other, "L2", CHIPS);
    fixture_pin(&w->f, &w->lot);
    fixture_order(&w->f, "order-1", &w->lot, QUANTITY);
    *state = w;
    return 0;
}

int
hostile_tear_down(void **state)
{
    struct world *w = *state;

    fixture_replay(&w->f);
    assert_int_equal(w->f.certificates, w->rightful);
    assert_int_equal(fixture_stop(&w->f), 0);
    fixture_forget(&w->f);
    fixture_start(&w->f);
    assert_int_equal(w->f.certificates, w->rightful);
    assert_int_equal(fixture_stop(&w->f), 0);
    fixture_lot_done(&w->lot);
    fixture_lot_done(&w->other);
    fixture_remove(&w->f);
    free(w);
    return 0;
}

void
assert_refusal(const struct fixture_answer *answer, const char *words, size_t leaves)
{
    if (answer->type != BM_S_REFUSED)
        fail_msg("not refused but %u; expected \"%s\"", answer->type, words);
    if (strstr(answer->sentence, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", answer->sentence, words);
    if (answer->nleaves != leaves)
        fail_msg("%zu leaves, not %zu: %s", answer->nleaves, leaves, answer->sentence);
    if (leaves > 0)
        assert_non_null(strstr(answer->event, "kind refused\n"));
    assert_null(strstr(answer->sentence, ": :"));
}

void
issue_refused(struct world *w, const struct fixture_request *request, const char *words, size_t leaves)
{
    struct fixture_answer answer;

    fixture_issue(&w->f, request, &answer);
    assert_refusal(&answer, words, leaves);
}

void
issue_by(struct world *w, enum bm_ca by, const struct fixture_request *request, struct fixture_answer *answer)
{
    struct bm_cert cert, ca;

    fixture_issue(&w->f, request, answer);
    if (answer->type != BM_S_ISSUED)
        fail_msg("not issued: %s", answer->sentence);
    assert_false(answer->repeat);
    w->rightful++;
    fixture_must(bm_cert_parse(&cert, bm_bytes(answer->certificate, answer->ncertificate), &fail));
    fixture_must(bm_cert_parse(&ca, bm_buf_bytes(&w->f.ca[by]), &fail));
    fixture_must(bm_cert_signed_by(w->f.crypto, &cert, &ca, &fail));
    assert_true(bm_bytes_equal(cert.serial, bm_bytes(answer->serial, answer->nserial)));
    assert_true(cert.not_after <= ca.not_after);
    if (request->key != NULL)
        assert_memory_equal(cert.key.hash, bm_private_public(request->key)->hash, BM_HASH);
}

void
issue_due(struct world *w, const struct fixture_request *request, struct fixture_answer *answer)
{
    issue_by(w, BM_CA_OPERATIONAL, request, answer);
}

void
mark(struct world *w, enum bm_signer_message type, const struct fixture_answer *issued, struct fixture_answer *answer)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 1024 };

    bm_buf_add_lv16(&body, bm_bytes(issued->serial, issued->nserial));
    if (type == BM_S_REVOKE) {
        bm_buf_add_u8(&body, 1); /* keyCompromise */
        bm_buf_add_lv16(&body, bm_bytes_str("anna"));
        bm_buf_add_lv16(&body, bm_bytes_str("lost"));
    }
    fixture_ask(&w->f, type, bm_buf_bytes(&body), true, answer);
}

void
confirm(struct world *w, const struct fixture_answer *issued)
{
    struct fixture_answer answer;

    mark(w, BM_S_CONFIRM, issued, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    assert_int_equal(answer.nleaves, 1);
}
