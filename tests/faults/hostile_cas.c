/* hostile_cas.c - a registrar that is taken over makes, retires and rolls no CA: the signer looks for the two persons, the root and the key itself. */
#include "base/base.h"
#include "hostile.h"

#include <stdio.h>

#define BOTH(n)                                                                      \
    {                                                                                \
        .by = ANNA_ADMIN, .proposal = (n), .approved = true, .second = PETRA_PLANNER \
    }
#define NAME "meters" /* its key is here, site.conf names it, and no statement does */

static void
ca_send(struct world *w, const struct bm_buf *note, struct fixture_answer *answer)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY };

    fixture_statement_body(&body, note, NULL, 0);
    fixture_ask(&w->f, BM_S_STATEMENT, bm_buf_bytes(&body), true, answer);
}

static void
refused(struct world *w, const struct fixture_statement *how, const struct bm_ca_statement *ca, const char *words, size_t leaves)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };
    struct fixture_answer answer;

    fixture_ca_note(&w->f, &note, how, ca);
    ca_send(w, &note, &answer);
    assert_refusal(&answer, words, leaves);
}

static void
rows_are(struct world *w, unsigned n)
{
    bm_cleanup(fixture_answer_done) struct fixture_answer answer;
    struct bm_s_ca row;

    fixture_ask(&w->f, BM_S_CA, bm_bytes((const uint8_t[]){ BM_CA_OPERATIONAL, 0 }, 2), false, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    fixture_must(bm_s_ca_parse(&row, bm_rd(bm_buf_bytes(&answer.body)), &fail));
    assert_int_equal(row.n, n);
    assert_int_equal(row.retired, n > BM_CA__N);
}

/* Two CAs and one root, in this process and the next; and the same one issues. */
static void
nothing_changed(struct world *w)
{
    struct fixture_answer answer;

    for (size_t i = 0; i < 2; i++) {
        rows_are(w, BM_CA__N);
        issue_due(w, &(struct fixture_request){ .lot = &w->lot, .chip = i }, &answer);
        assert_int_equal(fixture_stop(&w->f), 0);
        fixture_start(&w->f);
    }
}

/* A statement that two persons may sign: a CA for all, in the place of init's. */
static void
statement_make(struct world *w, struct bm_ca_statement *ca, struct bm_private **ret_key)
{
    const struct bm_ca_subject subject = { .common_name = NAME, .organization = "Fixture", .path_len = 0 };

    *ca = (struct bm_ca_statement){ .act = BM_CA_MAKE, .name = NAME, .kind = BM_CA_OPERATIONAL, .replaces = "operational" };
    fixture_must(bm_private_generate(ret_key, BM_KEY_P256, &fail));
    fixture_ca_sign(&ca->certificate, w->f.root, &subject, bm_private_public(*ret_key), false);
    fixture_ca_key(&w->f, NAME, *ret_key);
    assert_int_equal(fixture_stop(&w->f), 0);
    fixture_start(&w->f);
}

static void
one_person_makes_no_ca(void **state)
{
    static const uint8_t elsewhere[BM_HASH] = { 1 };
    const struct {
        struct fixture_statement how;
        const char *words;
        size_t leaves;
    } attacks[] = {
        { { .by = ANNA_ADMIN }, "takes two persons at this site", 1 },
        { { .by = ANNA_ADMIN, .approved = true, .second = PETRA_PLANNER }, "takes two persons at this site", 1 },
        { { .by = ANNA_ADMIN, .proposal = 1 }, "nobody approves their own proposal", 0 },
        { { .by = ANNA_ADMIN, .proposal = 1, .approved = true, .second = MALLORY }, "nobody approves their own proposal", 0 },
        { { .by = PETRA_PLANNER, .proposal = 1, .approved = true, .second = ANNA_ADMIN },
          "petra is planner here and may not sign this ca",
          1 },
        { { .by = MALLORY, .proposal = 1, .approved = true, .second = ANNA_ADMIN }, "no operator of this site", 0 },
        { { .by = ANNA_ADMIN, .proposal = 1, .approved = true, .second = PETRA_PLANNER, .expires = 1700000000 }, "expired at", 0 },
        { { .by = ANNA_ADMIN, .proposal = 1, .approved = true, .second = PETRA_PLANNER, .site = elsewhere }, "another site", 0 },
    };
    bm_cleanup(bm_ca_statement_done) struct bm_ca_statement ca = { .nserves = 0 };
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    struct world *w = *state;

    statement_make(w, &ca, &key);
    for (size_t i = 0; i < BM_COUNT(attacks); i++)
        refused(w, &attacks[i].how, &ca, attacks[i].words, attacks[i].leaves);
    nothing_changed(w);
}

/* Two persons are deceived, or bribed: what they sign is a CA of this site all the same, or none. */
static void
two_persons_cannot_vouch_for_a_strange_ca(void **state)
{
    const struct bm_ca_subject named = { .common_name = NAME, .organization = "Fixture", .path_len = 0 },
                               taken = { .common_name = "operational", .organization = "Fixture", .path_len = 0 },
                               deeper = { .common_name = NAME, .organization = "Fixture", .path_len = 1 };
    bm_cleanup(bm_ca_statement_done) struct bm_ca_statement ca = { .nserves = 0 };
    bm_cleanup(bm_private_done) struct bm_private *key = NULL, *strange = NULL;
    struct world *w = *state;
    const struct {
        const char *name;
        const struct bm_ca_subject *subject;
        struct bm_private **root, **key;
        bool test;
        const char *words;
    } attacks[] = {
        { NAME, &named, &strange, &key, false, "no root of this site signed" },
        { NAME, &named, &w->f.root, &strange, false, "not of the key that CA " NAME " has here" },
        { NAME, &named, &w->f.root, &key, true, "of a test hierarchy" },
        { NAME, &taken, &w->f.root, &key, false, "has this key or this subject already" },
        { NAME, &deeper, &w->f.root, &key, false, "no certificate of an issuing CA" },
        { NAME, &named, &w->f.root, &w->f.root, false, "has this key or this subject already" },
        { "operational", &named, &w->f.root, &key, false, "there is a CA operational already" },
        { "root", &named, &w->f.root, &key, false, "there is a CA root already" },
        { "nowhere", &named, &w->f.root, &key, false, "no key for CA nowhere is here" },
    };

    statement_make(w, &ca, &key);
    fixture_must(bm_private_generate(&strange, BM_KEY_P256, &fail));
    for (size_t i = 0; i < BM_COUNT(attacks); i++) {
        (void)snprintf(ca.name, sizeof(ca.name), "%s", attacks[i].name);
        bm_buf_reset(&ca.certificate);
        fixture_ca_sign(&ca.certificate, *attacks[i].root, attacks[i].subject, bm_private_public(*attacks[i].key), attacks[i].test);
        refused(w, &(struct fixture_statement)BOTH((uint8_t)(i + 1)), &ca, attacks[i].words, 1);
    }
    nothing_changed(w);
}

/* No device is left without a CA, and no root stands in another's place by its own word. */
static void
two_persons_take_nothing_away(void **state)
{
    const struct bm_ca_subject root = { .common_name = "next", .organization = "Fixture", .path_len = 2 };
    bm_cleanup(bm_ca_statement_done) struct bm_ca_statement ca = { .act = BM_CA_RETIRE, .name = "operational" };
    bm_cleanup(bm_private_done) struct bm_private *strange = NULL;
    struct world *w = *state;

    refused(w, &(struct fixture_statement)BOTH(1), &ca, "is the last that serves all", 1);
    fixture_must(bm_private_generate(&strange, BM_KEY_P256, &fail));
    ca.act = BM_CA_ROOT;
    fixture_ca_sign(&ca.certificate, strange, &root, bm_private_public(strange), false);
    fixture_ca_sign(&ca.new_with_old, strange, &root, bm_private_public(strange), false);
    fixture_ca_sign(&ca.old_with_new, strange, &root, bm_private_public(w->f.root), false);
    refused(w, &(struct fixture_statement)BOTH(2), &ca, "no root of this site signed", 1);
    nothing_changed(w);
}

/* Words that were changed are nobody's; what was taken is taken once, by the next process too; and from then on the new one issues. */
static void
a_ca_is_made_once(void **state)
{
    bm_cleanup(bm_ca_statement_done) struct bm_ca_statement ca = { .nserves = 0 };
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };
    struct world *w = *state;
    struct fixture_answer answer;

    statement_make(w, &ca, &key);
    fixture_ca_note(&w->f, &note, &(struct fixture_statement)BOTH(1), &ca);
    memcpy((uint8_t *)memmem(note.p, note.n, "\nca " NAME, 10), "\nca motors", 10);
    ca_send(w, &note, &answer);
    assert_refusal(&answer, "it was changed after it was signed", 0);
    nothing_changed(w);
    memcpy((uint8_t *)memmem(note.p, note.n, "\nca motors", 10), "\nca " NAME, 10);
    ca_send(w, &note, &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    assert_int_equal(answer.nleaves, 1);
    bm_buf_reset(&w->f.ca[BM_CA_OPERATIONAL]);
    bm_buf_add_bytes(&w->f.ca[BM_CA_OPERATIONAL], bm_buf_bytes(&ca.certificate));
    for (size_t i = 2; i < QUANTITY; i++) {
        ca_send(w, &note, &answer);
        assert_refusal(&answer, "taken before", 0);
        refused(w, &(struct fixture_statement)BOTH((uint8_t)(2 + i)), &ca, "there is a CA " NAME " already", 1);
        rows_are(w, BM_CA__N + 1);
        issue_due(w, &(struct fixture_request){ .lot = &w->lot, .chip = i }, &answer);
        assert_int_equal(fixture_stop(&w->f), 0);
        fixture_start(&w->f);
    }
}

/* The registrar speaks of rows that no statement made: it gets nothing signed by their keys, though they lie here. */
static void
a_row_that_is_claimed_is_none(void **state)
{
    static const uint8_t claimed[] = { BM_CA__N, BM_CA__N + 1, BM_MAX_CAS, 255 };
    bm_cleanup(bm_ca_statement_done) struct bm_ca_statement ca = { .nserves = 0 };
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    struct world *w = *state;

    statement_make(w, &ca, &key);
    for (size_t i = 0; i < BM_COUNT(claimed); i++) {
        struct fixture_answer answer;

        fixture_ask(&w->f, BM_S_CRL, bm_bytes((const uint8_t[]){ claimed[i], 0, 0, 0, 1 }, 5), true, &answer);
        assert_int_equal(answer.type, 0); /* that no honest registrar says: it hears nobody any more */
        assert_int_not_equal(fixture_stop(&w->f), 0);
        fixture_start(&w->f);
    }
    nothing_changed(w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ATTACK(one_person_makes_no_ca),        ATTACK(two_persons_cannot_vouch_for_a_strange_ca),
        ATTACK(two_persons_take_nothing_away), ATTACK(a_ca_is_made_once),
        ATTACK(a_row_that_is_claimed_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
