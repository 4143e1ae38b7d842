/* test_authority.c - who may sign what; a number is used once; the journal, read again, makes the same signer. */
#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pki/private.h"
#include "signer/signer.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PEOPLE 5
static const struct {
    const char *name;
    enum bm_role role;
} people[PEOPLE] = { { "anna", BM_ROLE_OFFICER },
                     { "carl", BM_ROLE_CUSTODIAN },
                     { "petra", BM_ROLE_PLANNER },
                     { "fred", BM_ROLE_OPERATOR },
                     { "olga", BM_ROLE_OFFICER } };

/* A clock and a random source that are the same in every run. */
static enum bm_rc
fixed_now(void *ctx, bm_time *ret_now, struct bm_fail *fail)
{
    (void)ctx;
    (void)fail;
    *ret_now = 1795000000;
    return BM_OK;
}

static enum bm_rc
counted_random(void *ctx, uint8_t *ret_bytes, size_t n, struct bm_fail *fail)
{
    uint8_t *count = ctx;

    (void)fail;
    memset(ret_bytes, ++*count, n);
    return BM_OK;
}

struct desk {
    struct bm_signer *signer;
    struct bm_note_signer keys[PEOPLE];
    struct bm_env env;
    uint8_t count;
    int ends[2];
    int journal;
    struct bm_buf cert;
    struct bm_key key;
};

/* One certificate is root and CAs here. */
static void
cert_make(struct desk *desk)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_CERT }, name = { .max = BM_MAX_DN },
                                          signature = { .max = BM_MAX_SIGNATURE };
    const struct bm_ca_subject subject = { .common_name = "ca", .organization = "Desk", .path_len = 0 };
    struct bm_issuer issuer = { .not_after = BM_TIME_NEVER };
    const uint8_t serial[16] = { 0x41 };
    struct bm_fail fail;

    assert_int_equal(bm_private_generate(&key, BM_KEY_P256, &fail), BM_OK);
    desk->key = *bm_private_public(key);
    bm_name_build(&name, "Desk", "ca");
    issuer.subject = bm_buf_bytes(&name);
    issuer.alg = bm_private_alg(key);
    assert_int_equal(bm_tbs_ca_build(&tbs, &issuer, &subject, bm_key_spki(&desk->key), bm_bytes(serial, sizeof(serial)), 1790000000,
                                     BM_TIME_NEVER, &fail),
                     BM_OK);
    assert_int_equal(bm_private_sign(key, bm_buf_bytes(&tbs), &signature, &fail), BM_OK);
    desk->cert.max = BM_MAX_CERT;
    bm_signed_build(&desk->cert, bm_buf_bytes(&tbs), issuer.alg, bm_buf_bytes(&signature));
}

static void
der_put(struct bm_buf *der, const struct desk *desk)
{
    der->max = BM_MAX_CERT;
    bm_buf_add_bytes(der, bm_buf_bytes(&desk->cert));
}

static void
wake(struct desk *desk, struct bm_signer **ret_signer)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 4096 };
    bm_cleanup(bm_note_signer_wipe) struct bm_note_signer ledger = { .seed = { 0 } };
    const uint8_t seed[BM_NOTE_KEY] = { 9 };
    struct bm_signer *signer = calloc(1, sizeof(*signer));
    struct bm_fail fail = { .rc = BM_OK };
    uint8_t site[BM_HASH];

    assert_non_null(signer);
    bm_signer_init(signer, &desk->env, desk->ends[0]);
    assert_int_equal(bm_note_signer_init(&ledger, "birthmark", seed, &fail), BM_OK);
    bm_note_signer_pem_build(&pem, &ledger);
    assert_int_equal(bm_book_signer(&signer->ledger, site, bm_buf_bytes(&pem), &fail), BM_OK);
    assert_int_equal(bm_memory_init(&signer->memory, site, 1, &fail), BM_OK);
    assert_non_null(signer->site = calloc(1, sizeof(*signer->site)));
    for (size_t i = 0; i < PEOPLE - 1; i++) { /* olga comes later */
        struct bm_operator *who = &signer->site->operators.operators[signer->site->operators.noperators++];

        (void)snprintf(who->name, sizeof(who->name), "%s", people[i].name);
        who->role = people[i].role;
        who->key = desk->keys[i].key;
    }
    (void)snprintf(signer->site->name, sizeof(signer->site->name), "Desk");
    der_put(&signer->root, desk);
    for (size_t i = 0; i < BM_CA__N; i++, signer->nkeys++) {
        der_put(&signer->keys[i].der, desk);
        signer->keys[i].name = bm_ca_word((enum bm_ca)i);
        signer->keys[i].key = desk->key;
    }
    if (bm_signer_wake(signer, desk->journal, &fail) != BM_OK)
        fail_msg("%s", fail.text);
    *ret_signer = signer;
}

static void
asleep(struct bm_signer **signer)
{
    bm_signer_done(*signer);
    free(*signer);
    *signer = NULL;
}

static int
open_desk(void **state)
{
    struct desk *desk = calloc(1, sizeof(*desk));
    struct bm_fail fail;

    assert_non_null(desk);
    desk->env = (struct bm_env){ .now = fixed_now, .random = counted_random, .ctx = &desk->count };
    desk->journal = memfd_create("journal", MFD_CLOEXEC);
    assert_true(desk->journal >= 0);
    assert_int_equal(bm_channel_pair(desk->ends, &fail), BM_OK);
    for (size_t i = 0; i < PEOPLE; i++) {
        const uint8_t seed[BM_NOTE_KEY] = { (uint8_t)(i + 20) };

        assert_int_equal(bm_note_signer_init(&desk->keys[i], people[i].name, seed, &fail), BM_OK);
    }
    cert_make(desk);
    wake(desk, &desk->signer);
    *state = desk;
    return 0;
}

static int
close_desk(void **state)
{
    struct desk *desk = *state;

    asleep(&desk->signer);
    bm_buf_done(&desk->cert);
    (void)close(desk->journal);
    (void)close(desk->ends[0]);
    (void)close(desk->ends[1]);
    free(desk);
    return 0;
}

/* Signs this text, hands it in; true when it was taken, else the sentence is in ret_sentence. */
static bool
hand_in(struct desk *desk, size_t who, const struct bm_buf *text, char ret_sentence[static 512])
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, body = { .max = BM_MAX_MESSAGE };
    const struct bm_note_signer *signers[] = { &desk->keys[who] };
    static uint8_t packet[BM_MAX_MESSAGE];
    struct bm_s_refused refused;
    enum bm_heard heard = BM_HEARD_NOTHING;
    struct bm_message message;
    struct bm_fail fail;

    ret_sentence[0] = 0;
    assert_int_equal(bm_note_build(&note, bm_buf_bytes(text), signers, 1, &fail), BM_OK);
    bm_buf_add_lv32(&body, bm_buf_bytes(&note));
    bm_buf_add_u8(&body, 0);
    assert_int_equal(bm_serve_statement(desk->signer, 5, bm_rd(bm_buf_bytes(&body)), &fail), BM_OK);
    assert_int_equal(bm_batch_finish(desk->signer, &fail), BM_OK);
    assert_int_equal(bm_channel_recv(&heard, &message, desk->ends[1], packet, sizeof(packet), 0, &fail), BM_OK);
    assert_int_equal(heard, BM_HEARD_MESSAGE);
    assert_int_equal(message.id, 5);
    if (message.type == BM_S_ANSWER)
        return true;
    assert_int_equal(message.type, BM_S_REFUSED);
    assert_int_equal(bm_s_refused_parse(&refused, bm_rd(message.body), &fail), BM_OK);
    (void)snprintf(ret_sentence, 512, "%.*s", (int)refused.sentence.n, (const char *)refused.sentence.p);
    return false;
}

static struct bm_statement_head
head_of(const struct desk *desk, size_t who)
{
    struct bm_statement_head head = { .seq = desk->signer->memory.next_seq, .time = 1795000000 };

    memcpy(head.site, desk->signer->memory.site, BM_HASH);
    (void)snprintf(head.by, sizeof(head.by), "%s", people[who].name);
    return head;
}

static void
statement_text_of(const struct desk *desk, enum bm_statement_kind kind, size_t who, struct bm_buf *text)
{
    struct bm_statement_head head = head_of(desk, who);
    char lots[1][BM_MAX_NAME + 1] = { "L1" };
    struct bm_order order = {
        .order = "o", .lots = lots, .nlots = 1, .profiles = { { .name = "p" } }, .nprofiles = 1, .quantity = 1, .until = BM_TIME_NEVER
    };
    struct bm_allow allow = { .act = BM_ALLOW_REISSUE, .device = "00112233445566778899", .service = "mqtt", .reason = "why" };

    if (kind == BM_STATEMENT_ORDER)
        bm_order_build(text, &head, &order);
    else if (kind == BM_STATEMENT_ALLOW)
        bm_allow_build(text, &head, &allow);
    else {
        static struct bm_roles roles;

        roles = desk->signer->site->operators;
        bm_roles_digest(desk->signer->memory.roles, roles.base);
        bm_roles_build(text, &head, &roles);
    }
    assert_false(text->bad);
}

/* Those that may are refused for what they ask, which does not exist here; those that may not, for who they are. */
static void
each_role_signs_its_own_kind(void **state)
{
    static const struct {
        enum bm_statement_kind kind;
        bool may[PEOPLE - 1]; /* anna carl petra fred */
    } table[] = {
        { BM_STATEMENT_ORDER, { true, false, true, false } },
        { BM_STATEMENT_ALLOW, { true, false, false, true } },
        { BM_STATEMENT_ROLES, { true, false, false, false } },
    };
    struct desk *desk = *state;
    char sentence[512];

    for (size_t k = 0; k < BM_COUNT(table); k++)
        for (size_t who = 0; who < PEOPLE - 1; who++) {
            bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT };
            uint64_t seq = desk->signer->memory.next_seq;
            bool taken;

            statement_text_of(desk, table[k].kind, who, &text);
            taken = hand_in(desk, who, &text, sentence);
            assert_int_equal(strstr(sentence, "may not sign") == NULL, table[k].may[who]);
            assert_int_equal(taken, table[k].kind == BM_STATEMENT_ROLES && table[k].may[who]);
            assert_int_equal(desk->signer->memory.next_seq, seq + taken);
        }
}

static void
new_roles_replace_the_old_ones(void **state)
{
    struct desk *desk = *state;
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT };
    struct bm_roles *roles = calloc(1, sizeof(*roles));
    struct bm_statement_head head = head_of(desk, 0);
    struct bm_signer *again;
    uint8_t root[2][BM_HASH];
    char sentence[512];

    assert_non_null(roles);
    (void)snprintf(roles->operators[0].name, sizeof(roles->operators[0].name), "olga");
    roles->operators[0].role = BM_ROLE_OFFICER;
    roles->operators[0].key = desk->keys[4].key;
    roles->noperators = 1;
    bm_roles_digest(desk->signer->memory.roles, roles->base);
    statement_text_of(desk, BM_STATEMENT_ROLES, 4, &text);
    assert_false(hand_in(desk, 4, &text, sentence)); /* not yet */
    assert_non_null(strstr(sentence, "no operator of this site"));
    bm_buf_reset(&text);
    bm_roles_build(&text, &head, roles);
    assert_true(hand_in(desk, 0, &text, sentence));
    bm_buf_reset(&text);
    statement_text_of(desk, BM_STATEMENT_ROLES, 0, &text);
    assert_false(hand_in(desk, 0, &text, sentence)); /* not any more */
    assert_non_null(strstr(sentence, "no operator of this site"));

    wake(desk, &again);
    assert_int_equal(again->memory.next_seq, desk->signer->memory.next_seq);
    assert_int_equal(again->memory.roles->noperators, 1);
    assert_int_equal(again->memory.book.frontier.size, desk->signer->memory.book.frontier.size);
    bm_frontier_root(&again->memory.book.frontier, root[0]);
    bm_frontier_root(&desk->signer->memory.book.frontier, root[1]);
    assert_memory_equal(root[0], root[1], BM_HASH);
    asleep(&again);
    free(roles);
}

/* The journal of another ledger key is somebody else's. */
static void
a_journal_belongs_to_its_ledger_key(void **state)
{
    struct desk *desk = *state;
    struct bm_founded founded = { .leaves = { .n = 0 }, .roles = bm_bytes_str("x") };
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 4096 };
    struct bm_record record = { .type = BM_R_FOUNDED };
    const uint8_t other[BM_HASH] = { 1 };
    struct bm_fail fail = { .rc = BM_OK };
    struct bm_memory memory;

    memcpy(founded.site, desk->signer->memory.site, BM_HASH);
    bm_founded_build(&body, &founded);
    record.body = bm_buf_bytes(&body);
    assert_int_equal(bm_memory_init(&memory, other, 1, &fail), BM_OK);
    assert_int_equal(bm_memory_apply(&memory, &record, &fail), BM_EBUG);
    assert_non_null(strstr(fail.text, "another ledger key"));
    bm_memory_done(&memory);
}

#define AT_DESK(name) cmocka_unit_test_setup_teardown(name, open_desk, close_desk)

int
main(void)
{
    const struct CMUnitTest tests[] = { AT_DESK(each_role_signs_its_own_kind), AT_DESK(new_roles_replace_the_old_ones),
                                        AT_DESK(a_journal_belongs_to_its_ledger_key) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
