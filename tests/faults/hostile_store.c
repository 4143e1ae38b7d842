/* hostile_store.c - a store that was set back: nothing is decided on it and nothing signed, whoever asks, until a security officer has signed for just that store. */
#include "base/base.h"
#include "hostile.h"

#include <stdio.h>
#include <sys/wait.h>

/* Greets as if the store held so many leaves. */
static void
greet(struct world *w, uint64_t store, struct bm_s_site *ret_site)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 8 };
    struct fixture_answer answer;

    fixture_spawn(&w->f);
    bm_buf_add_u64(&body, store);
    fixture_ask(&w->f, BM_S_HELLO, bm_buf_bytes(&body), false, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    fixture_must(bm_s_site_parse(ret_site, bm_rd(bm_buf_bytes(&answer.body)), &fail));
    w->f.seq = ret_site->next_seq;
    fixture_answer_done(&answer);
}

static void
held_say(struct world *w, uint64_t held)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 8 };

    bm_buf_add_u64(&body, held);
    (void)fixture_send(&w->f, BM_S_HELD, bm_buf_bytes(&body));
}

static void
recover_ask(struct world *w, enum fixture_person by, uint64_t store, struct fixture_answer *answer)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT }, note = { .max = BM_MAX_NOTE },
                                          body = { .max = BM_MAX_MESSAGE };
    const struct bm_note_signer *signers[] = { &w->f.people[by] };
    const struct bm_recover recover = { .store = store, .reason = "disk replaced" };
    struct bm_statement_head head = { .kind = BM_STATEMENT_RECOVER, .seq = w->f.seq };

    memcpy(head.site, w->f.site, BM_HASH);
    fixture_must(bm_env_system.now(bm_env_system.ctx, &head.time, &fail));
    (void)snprintf(head.by, sizeof(head.by), "%s", w->f.people[by].key.name);
    bm_recover_build(&text, &head, &recover);
    fixture_must(bm_note_build(&note, bm_buf_bytes(&text), signers, 1, &fail));
    fixture_statement_body(&body, &note, NULL, 0);
    fixture_ask(&w->f, BM_S_STATEMENT, bm_buf_bytes(&body), true, answer);
}

/* proves: FAULTS F12 */
static void
what_the_store_held_it_must_hold(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, body = { .max = BM_MAX_MESSAGE };
    const uint64_t size = w->f.ledger.size;
    struct fixture_answer answer;
    struct bm_s_site site;

    held_say(w, size);
    assert_int_equal(fixture_stop(&w->f), 0);
    greet(w, size, &site); /* no copy */
    assert_int_equal(site.held, size);
    issue_due(w, &(struct fixture_request){ .lot = &w->lot }, &answer);
    assert_int_equal(fixture_stop(&w->f), 0);

    greet(w, size - 1, &site);
    assert_int_equal(site.held, size);
    fixture_order_note(&w->f, &note, &(struct fixture_statement){ .by = PETRA_PLANNER },
                       &(struct bm_order){ .order = "order-2", .quantity = 1 });
    fixture_statement_body(&body, &note, NULL, 0);
    fixture_ask(&w->f, BM_S_STATEMENT, bm_buf_bytes(&body), true, &answer);
    assert_int_equal(answer.type, BM_S_REFUSED);
    recover_ask(w, PETRA_PLANNER, size - 1, &answer);
    assert_refusal(&answer, "may not sign this recover", 1);
    recover_ask(w, MALLORY, size - 1, &answer);
    assert_int_equal(answer.type, BM_S_REFUSED);
    recover_ask(w, ANNA_ADMIN, size - 2, &answer);
    assert_refusal(&answer, "was signed for a store of", 1);
    fixture_ask(&w->f, BM_S_REPLAY, bm_bytes("\0\0\0\0\0\0\0\0", 8), false, &answer); /* before it: the signer ends */
    assert_int_equal(answer.type, 0);
    assert_int_equal(WEXITSTATUS(fixture_stop(&w->f)), 1);

    greet(w, size - 1, &site);
    recover_ask(w, ANNA_ADMIN, size - 1, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    assert_non_null(strstr(answer.event, "kind site-recovered"));
    assert_non_null(strstr(answer.event, "by anna\ncount 4\n")); /* one issued, two refused with a leaf, one that was lost */
    w->f.seq++;
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1 }, &answer);
    recover_ask(w, ANNA_ADMIN, size - 1, &answer);
    assert_refusal(&answer, "there is nothing to recover", 1);
    assert_int_equal(fixture_stop(&w->f), 0);
    greet(w, 0, &site); /* a crash before all was caught up: it goes on from there */
    assert_int_equal(site.held, 0);
    held_say(w, w->f.ledger.size);
    held_say(w, w->f.ledger.size - 1); /* never back */
    assert_int_equal(fixture_stop(&w->f), 0);
    greet(w, w->f.ledger.size, &site);
    assert_int_equal(site.held, w->f.ledger.size);
    assert_int_equal(fixture_stop(&w->f), 0);
    greet(w, 0, &site); /* gone altogether */
    assert_int_equal(site.held, w->f.ledger.size);
    recover_ask(w, ANNA_ADMIN, 0, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
}

static void
a_store_cannot_hold_what_was_never_given_to_it(void **state)
{
    struct world *w = *state;
    struct fixture_answer answer;

    held_say(w, w->f.ledger.size + 1);
    fixture_recv(&w->f, false, &answer);
    assert_int_equal(answer.type, 0);
    assert_int_equal(WEXITSTATUS(fixture_stop(&w->f)), 1);
    fixture_start(&w->f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ATTACK(what_the_store_held_it_must_hold),
        ATTACK(a_store_cannot_hold_what_was_never_given_to_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
