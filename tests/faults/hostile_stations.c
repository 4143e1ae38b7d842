/* hostile_stations.c - a registrar that is taken over invents no station, and makes no unit at another one or for another order than the station signed for. */
#include "base/base.h"
#include "hostile.h"

#include <stdio.h>

static void
statement_send(struct world *w, const struct bm_buf *note, const char *const *profiles, size_t n, struct fixture_answer *answer)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY };

    fixture_statement_body(&body, note, profiles, n);
    fixture_ask(&w->f, BM_S_STATEMENT, bm_buf_bytes(&body), true, answer);
    if (answer->type == BM_S_ANSWER && memmem(note->p, note->n, "\nproposal ", 10) == NULL)
        w->f.seq++;
}

static void
person_add(struct bm_roles *roles, const struct bm_note_key *key, enum bm_role role)
{
    struct bm_operator *person = &roles->operators[roles->noperators++];

    (void)snprintf(person->name, sizeof(person->name), "%.*s", BM_MAX_NAME, key->name);
    person->role = role;
    person->key = *key;
}

/* The site's operators and these stations, line-0 and so on. */
static void
roles_fill(struct world *w, struct bm_roles *ret_roles, struct bm_private *const *stations, size_t n)
{
    static const enum bm_role roles_of[] = { BM_ROLE_OFFICER, BM_ROLE_CUSTODIAN, BM_ROLE_PLANNER };
    struct bm_note_key key;
    char name[16];

    ret_roles->noperators = 0;
    for (size_t i = 0; i < BM_COUNT(roles_of); i++)
        person_add(ret_roles, &w->f.people[i].key, roles_of[i]);
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(name, sizeof(name), "line-%zu", i);
        fixture_must(bm_note_key_init_p256(&key, name, bm_key_spki(bm_private_public(stations[i])), &fail));
        person_add(ret_roles, &key, BM_ROLE_STATION);
    }
}

/* That list in the place of the one with the first `before` of these stations. */
static void
roles_make(struct world *w, struct bm_buf *note, const struct fixture_statement *how, struct bm_private *const *stations, size_t before,
           size_t n)
{
    static struct bm_roles roles, was;

    roles_fill(w, &was, stations, before);
    roles_fill(w, &roles, stations, n);
    bm_roles_digest(&was, roles.base);
    fixture_roles_note(&w->f, note, how, &roles);
}

static void
roles_send(struct world *w, enum fixture_person by, struct bm_private *const *stations, size_t before, size_t n,
           struct fixture_answer *answer)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };

    roles_make(w, &note, &(struct fixture_statement){ .by = by }, stations, before, n);
    statement_send(w, &note, NULL, 0, answer);
}

static void
stations_are(struct world *w, struct bm_private *const *stations, size_t before, size_t n)
{
    struct fixture_answer answer;

    roles_send(w, ANNA_ADMIN, stations, before, n, &answer);
    if (answer.type != BM_S_ANSWER)
        fixture_unanswered(&w->f, "stations", &answer);
}

/* An order over the first lot that names this station. */
static void
order_send(struct world *w, const char *name, const char *station, const struct bm_private *key, struct fixture_answer *answer)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };
    const char *profile = fixture_profile("bench-1");
    char lots[1][BM_MAX_NAME + 1];
    struct bm_order order = { .lots = lots, .nlots = 1, .nprofiles = 1, .nstations = 1, .quantity = 1, .until = BM_TIME_NEVER };

    (void)snprintf(order.order, sizeof(order.order), "%s", name);
    (void)snprintf(lots[0], sizeof(lots[0]), "%s", w->lot.name);
    (void)snprintf(order.profiles[0].name, sizeof(order.profiles[0].name), "bench-1");
    bm_sha256(order.profiles[0].digest, bm_bytes_str(profile));
    (void)snprintf(order.stations[0].name, sizeof(order.stations[0].name), "%s", station);
    memcpy(order.stations[0].key, bm_private_public(key)->hash, BM_HASH);
    fixture_must(bm_env_system.now(bm_env_system.ctx, &order.from, &fail));
    fixture_order_note(&w->f, &note, &(struct fixture_statement){ .by = PETRA_PLANNER }, &order);
    statement_send(w, &note, &profile, 1, answer);
}

static void
keys_make(struct bm_private *ret_keys[static 3])
{
    for (size_t i = 0; i < 3; i++)
        fixture_must(bm_private_generate(&ret_keys[i], BM_KEY_P256, &fail));
}

static void
keys_done(struct bm_private *(*keys)[3])
{
    for (size_t i = 0; i < 3; i++)
        bm_private_free((*keys)[i]);
}

/* Only an officer's list makes one: not the planner, not somebody else's signature, and an order makes none on the side. */
static void
nobody_invents_a_station(void **state)
{
    bm_cleanup(keys_done) struct bm_private *keys[3] = { NULL };
    struct world *w = *state;
    struct fixture_answer answer;

    keys_make(keys);
    roles_send(w, MALLORY, keys, 0, 1, &answer);
    assert_refusal(&answer, "no operator of this site", 0);
    roles_send(w, PETRA_PLANNER, keys, 0, 1, &answer);
    assert_refusal(&answer, "may not sign", 1);
    order_send(w, "order-2", "line-0", keys[0], &answer);
    assert_refusal(&answer, "with a key that no officer enrolled for it", 1);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .station = keys[0] }, "none of this site's", 1);
    stations_are(w, keys, 0, 2);
    order_send(w, "order-2", "line-0", keys[1], &answer); /* a station's key under another's name */
    assert_refusal(&answer, "with a key that no officer enrolled for it", 1);
    order_send(w, "order-2", "carl", keys[0], &answer);
    assert_refusal(&answer, "with a key that no officer enrolled for it", 1);
}

static void
an_order_is_made_at_its_own_station(void **state)
{
    bm_cleanup(keys_done) struct bm_private *keys[3] = { NULL };
    struct world *w = *state;
    struct fixture_answer answer;

    keys_make(keys);
    stations_are(w, keys, 0, 2);
    order_send(w, "order-2", "line-0", keys[0], &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    const struct fixture_request attacks[] = {
        { .lot = &w->lot, .order = "order-2" },                                                 /* the word left out */
        { .lot = &w->lot, .order = "order-2", .station = keys[1] },                             /* another station's */
        { .lot = &w->lot, .order = "order-2", .station = keys[2] },                             /* a key of the thief's */
        { .lot = &w->lot, .order = "order-2", .station = keys[0], .station_order = "order-1" }, /* for another order */
        { .lot = &w->lot, .order = "order-1", .station = keys[0], .station_order = "order-2" }, /* counted elsewhere */
    };
    static const char *const words[] = { "came by none of them", "came by line-1", "none of this site's",
                                         "asked for a unit of order order-1", "it would be counted under order order-1" };

    for (size_t i = 0; i < BM_COUNT(attacks); i++) {
        issue_refused(w, &attacks[i], words[i], 1);
        if (strstr(w->f.last_event, "what station\n") == NULL)
            fail_msg("attack %zu is no alarm about a station: %s", i, w->f.last_event);
    }
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .order = "order-2", .station = keys[0] }, &answer);
}

/* A list that two persons signed, held back until the station on it was revoked, brings it back no more; nor does one person's of an older list. */
static void
an_older_list_brings_no_station_back(void **state)
{
    const struct fixture_statement two = { .by = ANNA_ADMIN, .proposal = 9, .approved = true, .second = CARL_CUSTODIAN };
    bm_cleanup(bm_buf_done) struct bm_buf held = { .max = BM_MAX_NOTE };
    bm_cleanup(keys_done) struct bm_private *keys[3] = { NULL };
    struct world *w = *state;
    struct fixture_answer answer;

    keys_make(keys);
    stations_are(w, keys, 0, 1);
    roles_make(w, &held, &two, keys, 1, 2);
    stations_are(w, keys, 1, 0);
    statement_send(w, &held, NULL, 0, &answer);
    assert_refusal(&answer, "was changed after this one was made of it", 1);
    roles_send(w, ANNA_ADMIN, keys, 1, 2, &answer);
    assert_refusal(&answer, "was changed after this one was made of it", 1);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .station = keys[0] }, "none any more", 1);
    roles_make(w, &held, &two, keys, 0, 1);
    statement_send(w, &held, NULL, 0, &answer); /* of today's list it is taken */
    assert_int_equal(answer.type, BM_S_ANSWER);
}

/* Revoked is revoked for every order, and after the signer has started again; the old list cannot be handed in a second time. */
static void
a_revoked_station_speaks_for_nothing(void **state)
{
    bm_cleanup(keys_done) struct bm_private *keys[3] = { NULL };
    struct world *w = *state;
    struct fixture_answer answer;

    keys_make(keys);
    stations_are(w, keys, 0, 1);
    order_send(w, "order-2", "line-0", keys[0], &answer);
    assert_int_equal(answer.type, BM_S_ANSWER);
    stations_are(w, keys, 1, 0);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .order = "order-2", .station = keys[0] }, "none any more", 1);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1, .station = keys[0] }, "none any more", 1);
    (void)fixture_stop(&w->f);
    fixture_start(&w->f);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .order = "order-2", .station = keys[0] }, "none any more", 1);
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .chip = 2 }, &answer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ATTACK(nobody_invents_a_station),
        ATTACK(an_order_is_made_at_its_own_station),
        ATTACK(an_older_list_brings_no_station_back),
        ATTACK(a_revoked_station_speaks_for_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
