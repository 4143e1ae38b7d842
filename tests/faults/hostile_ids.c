/* hostile_ids.c - chips listed by their ids alone: the first root key that speaks for an id is its key for good, whatever certificates come later. */
#include "base/base.h"
#include "hostile.h"

#include "../unit/lot/chain.h"

#include <signal.h>

#define FROM 1748808000
#define UNTIL 2632276800
#define MAX_VOICES 8

/* A lot of two ids, pinned, with an order of its own; and whoever has a certificate of the vendor's to show for one of them. */
struct ids {
    struct chain vendor;
    struct fixture_lot lot;
    struct fixture_chip voice[MAX_VOICES];
    struct bm_buf cert[MAX_VOICES];
    size_t n;
};

static void
id_of(char ret[static 32], size_t chip)
{
    (void)snprintf(ret, 32, "0123abcd%02zx", chip);
}

static void
ids_open(struct ids *ids, struct world *w)
{
    struct bm_leaf leaf = { .kind = BM_LEAF_ID, .root = BM_ROOT_SOFTWARE, .rule = BM_ID_RULE_MICROCHIP_SN };

    memset(ids, 0, sizeof(*ids));
    chain_open(&ids->vendor, FROM, UNTIL);
    bm_sha256(leaf.vendor_root, bm_buf_bytes(&ids->vendor.root));
    (void)snprintf(ids->lot.name, sizeof(ids->lot.name), "IDS");
    ids->lot.kind = BM_LEAF_ID;
    ids->lot.n = 2;
    assert_non_null(ids->lot.chips = calloc(ids->lot.n, sizeof(*ids->lot.chips)));
    for (size_t i = 0; i < ids->lot.n; i++) {
        id_of(leaf.id, i);
        ids->lot.chips[i].leaf.max = BM_MAX_LEAF;
        fixture_must(bm_leaf_build(&ids->lot.chips[i].leaf, &leaf, &fail));
    }
    fixture_lot_head(&w->f, &ids->lot);
    fixture_pin(&w->f, &ids->lot);
    fixture_order(&w->f, "order-ids", &ids->lot, 2);
}

/* A certificate of the vendor's for a chip's id and a key: a new one, or this one. */
static const struct fixture_chip *
voice_make(struct ids *ids, size_t chip, struct bm_private *root)
{
    struct fixture_chip *voice = &ids->voice[ids->n];
    struct bm_buf *cert = &ids->cert[ids->n++];
    char cn[32];

    assert_true(ids->n <= MAX_VOICES);
    (void)snprintf(cn, sizeof(cn), "sn0123ABCD%02zX", chip);
    voice->root = root;
    if (root == NULL)
        fixture_must(bm_private_generate(&voice->root, BM_KEY_P256, &fail));
    cert->max = BM_MAX_CERT;
    chain_device(cert, &ids->vendor, bm_private_public(voice->root), cn, FROM, UNTIL);
    voice->chain[0] = bm_buf_bytes(cert);
    voice->chain[1] = bm_buf_bytes(&ids->vendor.issuer);
    voice->chain[2] = bm_buf_bytes(&ids->vendor.root);
    voice->nchain = 3;
    return voice;
}

static void
ids_close(struct ids *ids)
{
    for (size_t i = 0; i < ids->n; i++) {
        bool shared = false;

        for (size_t k = 0; k < i; k++)
            shared |= ids->voice[k].root == ids->voice[i].root;
        if (!shared)
            bm_private_free(ids->voice[i].root);
        bm_buf_done(&ids->cert[i]);
    }
    fixture_lot_done(&ids->lot);
    chain_close(&ids->vendor);
}

#define ASK(ids, i, who) (&(struct fixture_request){ .lot = &(ids).lot, .chip = (i), .voice = (who), .order = "order-ids" })
#define ANOTHER "by another root key"

static void
restart(struct world *w)
{
    assert_int_equal(fixture_stop(&w->f), 0);
    fixture_start(&w->f);
}

static void
the_first_key_that_speaks_for_an_id_is_its_key_for_good(void **state)
{
    struct world *w = *state;
    const struct fixture_chip *first, *second;
    struct fixture_answer answer;
    char device[BM_MAX_NAME + 1];
    struct ids ids;

    ids_open(&ids, w);
    first = voice_make(&ids, 0, NULL);
    second = voice_make(&ids, 0, NULL);
    issue_due(w, ASK(ids, 0, first), &answer);
    memcpy(device, answer.device, sizeof(device));
    issue_refused(w, ASK(ids, 0, second), ANOTHER, 1);
    restart(w); /* the journal says it too */
    issue_refused(w, ASK(ids, 0, second), ANOTHER, 1);
    issue_due(w, ASK(ids, 0, first), &answer); /* a replacement, of the same device */
    assert_string_equal(answer.device, device);
    assert_non_null(strstr(answer.event, "kind identity-replaced\n"));
    ids_close(&ids);
}

static void
a_key_that_belongs_to_a_chip_speaks_for_no_other(void **state)
{
    struct world *w = *state;
    const struct fixture_chip *first, *twice;
    struct fixture_answer answer;
    struct ids ids;

    ids_open(&ids, w);
    first = voice_make(&ids, 0, NULL);
    twice = voice_make(&ids, 1, first->root); /* the vendor certified one key for two chips */
    issue_due(w, ASK(ids, 0, first), &answer);
    issue_refused(w, ASK(ids, 1, twice), ANOTHER, 1);
    restart(w);
    issue_refused(w, ASK(ids, 1, twice), ANOTHER, 1);
    issue_due(w, ASK(ids, 1, voice_make(&ids, 1, NULL)), &answer); /* that chip is still free */
    ids_close(&ids);
}

static void
a_key_that_a_lot_lists_or_a_service_uses_is_bound_to_no_id(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_private_done) struct bm_private *used = NULL;
    struct fixture_answer answer;
    struct ids ids;

    ids_open(&ids, w);
    fixture_must(bm_private_generate(&used, BM_KEY_P256, &fail));
    issue_due(w, &(struct fixture_request){ .lot = &w->lot, .key = used }, &answer);
    issue_refused(w, ASK(ids, 0, voice_make(&ids, 0, w->lot.chips[0].root)), ANOTHER, 1);
    issue_refused(w, ASK(ids, 0, voice_make(&ids, 0, used)), ANOTHER, 1);
    ids.voice[0].root = ids.voice[1].root = NULL; /* others' */
    ids_close(&ids);
}

static void
without_certificates_or_with_those_of_another_chip_nothing_is_bound(void **state)
{
    struct world *w = *state;
    const struct fixture_chip *first, *other;
    struct fixture_chip bare;
    struct fixture_answer answer;
    struct ids ids;

    ids_open(&ids, w);
    first = voice_make(&ids, 0, NULL);
    other = voice_make(&ids, 1, NULL);
    bare = *other;
    bare.nchain = 0;
    issue_refused(w, ASK(ids, 0, other), "is that of chip 0123abcd01", 0);
    issue_refused(w, ASK(ids, 0, &bare), "listed by its id alone", 0);
    issue_due(w, ASK(ids, 0, first), &answer);
    issue_due(w, ASK(ids, 1, other), &answer);
    ids_close(&ids);
}

/* Two keys with good certificates for one id, waiting before the signer looks: SIGSTOP makes them one batch. */
static void
a_batch_binds_one_key(void **state)
{
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf bundle = { .max = BM_MAX_EVIDENCE };
    struct bm_buf bodies[2];
    struct fixture_answer answer;
    size_t issued = 0;
    struct ids ids;

    ids_open(&ids, w);
    for (size_t i = 0; i < 2; i++) {
        const struct fixture_request *request = ASK(ids, 0, voice_make(&ids, 0, NULL));

        bm_buf_reset(&bundle);
        fixture_bundle(&w->f, &bundle, request);
        bodies[i] = (struct bm_buf){ .max = BM_MAX_MESSAGE_BODY };
        fixture_issue_body(&bodies[i], request, bm_buf_bytes(&bundle));
    }
    assert_int_equal(kill(w->f.signer, SIGSTOP), 0);
    for (size_t i = 0; i < 2; i++) {
        (void)fixture_send(&w->f, BM_S_ISSUE, bm_buf_bytes(&bodies[i]));
        bm_buf_done(&bodies[i]);
    }
    assert_int_equal(kill(w->f.signer, SIGCONT), 0);
    for (size_t i = 0; i < 2; i++) {
        fixture_recv(&w->f, true, &answer);
        issued += answer.type == BM_S_ISSUED;
        if (answer.type == BM_S_REFUSED)
            assert_refusal(&answer, ANOTHER, 1);
    }
    assert_int_equal(issued, 1);
    w->rightful++;
    ids_close(&ids);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ATTACK(the_first_key_that_speaks_for_an_id_is_its_key_for_good),
        ATTACK(a_key_that_belongs_to_a_chip_speaks_for_no_other),
        ATTACK(a_key_that_a_lot_lists_or_a_service_uses_is_bound_to_no_id),
        ATTACK(without_certificates_or_with_those_of_another_chip_nothing_is_bound),
        ATTACK(a_batch_binds_one_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
