/* test_status.c - OCSP between a gate and the signer: answers that are kept, until when, and how many questions the signer gets at once. */
#include "base/base.h"
#include "kit.h"

#include "pki/ocsp.h"
#include "wire/der.h"

/* An OCSPRequest about one number; with a nonce of 16 octets, or none. */
static void
question_build(struct bm_buf *der, uint8_t number, bool nonce)
{
    static const uint8_t sha1[] = { 0x2b, 0x0e, 0x03, 0x02, 0x1a }, nonce_oid[] = { 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2 }, zero[20];
    size_t open[6], at;

    bm_buf_reset(der);
    for (size_t i = 0; i < 5; i++)
        open[i] = bm_der_begin(der, BM_DER_SEQUENCE);
    at = bm_der_begin(der, BM_DER_SEQUENCE);
    bm_der_add(der, BM_DER_OID, bm_bytes(sha1, sizeof(sha1)));
    bm_der_end(der, at);
    bm_der_add(der, BM_DER_OCTET_STRING, bm_bytes(zero, sizeof(zero)));
    bm_der_add(der, BM_DER_OCTET_STRING, bm_bytes(zero, sizeof(zero)));
    bm_der_add_positive(der, bm_bytes(&number, 1));
    for (size_t i = 5; i-- > 2;)
        bm_der_end(der, open[i]);
    if (nonce) {
        open[2] = bm_der_begin(der, BM_DER_CONTEXT_CONSTRUCTED(2));
        open[3] = bm_der_begin(der, BM_DER_SEQUENCE);
        open[4] = bm_der_begin(der, BM_DER_SEQUENCE);
        bm_der_add(der, BM_DER_OID, bm_bytes(nonce_oid, sizeof(nonce_oid)));
        open[5] = bm_der_begin(der, BM_DER_OCTET_STRING);
        bm_der_add(der, BM_DER_OCTET_STRING, bm_bytes(zero, 16));
        for (size_t i = 6; i-- > 2;)
            bm_der_end(der, open[i]);
    }
    bm_der_end(der, open[1]);
    bm_der_end(der, open[0]);
}

/* What the signer answers about a certificate on the operational CA's list 3. */
static struct bm_bytes
signers(const struct kit *k, bm_time good, const char *der)
{
    static struct bm_buf body = { .max = 128 };

    bm_buf_reset(&body);
    bm_buf_add_u64(&body, good == 0 ? 0 : (uint64_t)(k->page->now + good));
    bm_buf_add_u8(&body, BM_CA_OPERATIONAL);
    bm_buf_add_u8(&body, 1);
    bm_buf_add_u32(&body, 3);
    bm_buf_add_lv32(&body, bm_bytes_str(der));
    return bm_buf_bytes(&body);
}

static void
gate_gets(struct kit *k, uint64_t id, uint32_t seconds, struct bm_bytes der)
{
    struct bm_message message = kit_want(k, k->gate, BM_G_ANSWER);
    struct bm_rd rd = bm_rd(message.body);

    assert_int_equal(message.id, id);
    assert_int_equal(bm_rd_u32(&rd), seconds);
    assert_true(bm_bytes_equal(bm_rd_lv32(&rd, 4096), der));
    assert_true(bm_rd_end(&rd));
}

static void
gate_gets_error(struct kit *k, uint64_t id, enum bm_ocsp_error error)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = 16 };

    bm_ocsp_error_build(&der, error);
    gate_gets(k, id, 0, bm_buf_bytes(&der));
}

static void
changed(struct kit *k, uint8_t ca, uint8_t list)
{
    kit_say(k, k->signer, BM_S_CHANGED, 0, bm_bytes((const uint8_t[]){ ca, 0, 0, 0, list, 0 }, BM_S_CHANGED_ONE));
}

static void
an_answer_is_kept_until_its_list_changes_or_its_time_is_over(void **state)
{
    struct kit *k = *state;
    bm_cleanup(bm_buf_done) struct bm_buf one = { .max = 256 };
    struct bm_message message;

    question_build(&one, 1, false);
    kit_say(k, k->gate, BM_G_OCSP, 1, bm_buf_bytes(&one));
    message = kit_want(k, k->signer, BM_S_OCSP);
    assert_true(bm_bytes_equal(message.body, bm_buf_bytes(&one)));
    kit_say(k, k->signer, BM_S_ANSWER, message.id, signers(k, 3600, "good"));
    gate_gets(k, 1, 3600, bm_bytes_str("good"));
    k->page->now += 100;
    changed(k, BM_CA_OPERATIONAL, 2); /* others */
    changed(k, BM_CA_IDEVID, 3);
    kit_say(k, k->gate, BM_G_OCSP, 2, bm_buf_bytes(&one));
    gate_gets(k, 2, 3500, bm_bytes_str("good"));
    assert_true(kit_silent(k, k->signer));
    changed(k, BM_CA_OPERATIONAL, 3);
    kit_say(k, k->gate, BM_G_OCSP, 3, bm_buf_bytes(&one));
    message = kit_want(k, k->signer, BM_S_OCSP);
    changed(k, BM_CA_OPERATIONAL, 3); /* while it is asked: nobody knows which was first */
    kit_say(k, k->signer, BM_S_ANSWER, message.id, signers(k, 3600, "revoked"));
    gate_gets(k, 3, 0, bm_bytes_str("revoked"));
    kit_say(k, k->gate, BM_G_OCSP, 4, bm_buf_bytes(&one));
    kit_say(k, k->signer, BM_S_ANSWER, kit_want(k, k->signer, BM_S_OCSP).id, signers(k, 60, "revoked"));
    gate_gets(k, 4, 60, bm_bytes_str("revoked"));
    k->page->now += 60;
    kit_say(k, k->gate, BM_G_OCSP, 5, bm_buf_bytes(&one));
    (void)kit_want(k, k->signer, BM_S_OCSP);
}

static void
what_the_signer_does_not_want_kept_is_asked_again(void **state)
{
    struct kit *k = *state;
    bm_cleanup(bm_buf_done) struct bm_buf one = { .max = 256 };

    question_build(&one, 1, true);
    for (uint64_t id = 1; id <= 3; id++) {
        kit_say(k, k->gate, BM_G_OCSP, id, bm_buf_bytes(&one));
        kit_say(k, k->signer, BM_S_ANSWER, kit_want(k, k->signer, BM_S_OCSP).id, signers(k, 0, "with a nonce"));
        gate_gets(k, id, 0, bm_bytes_str("with a nonce"));
    }
    kit_say(k, k->gate, BM_G_OCSP, 4, bm_buf_bytes(&one));
    kit_refuse(k, kit_want(k, k->signer, BM_S_OCSP).id, BM_EBUSY, "the token is slow", NULL);
    gate_gets_error(k, 4, BM_OCSP_LATER);
    kit_say(k, k->gate, BM_G_OCSP, 5, bm_bytes(one.p, one.n - 1));
    gate_gets_error(k, 5, BM_OCSP_MALFORMED);
    assert_true(kit_silent(k, k->signer));
}

/* Certificates come first: the signer has few questions about them at a time. */
static void
a_flood_is_told_to_come_later(void **state)
{
    struct kit *k = *state;
    bm_cleanup(bm_buf_done) struct bm_buf one = { .max = 256 };
    uint64_t asked[32];

    for (uint8_t id = 1; id <= 100; id++) {
        question_build(&one, id, true);
        kit_say(k, k->gate, BM_G_OCSP, id, bm_buf_bytes(&one));
    }
    for (uint64_t id = 33; id <= 100; id++)
        gate_gets_error(k, id, BM_OCSP_LATER);
    for (size_t i = 0; i < 32; i++)
        asked[i] = kit_want(k, k->signer, BM_S_OCSP).id;
    assert_true(kit_silent(k, k->signer));
    for (size_t i = 0; i < 32; i++) {
        kit_say(k, k->signer, BM_S_ANSWER, asked[i], signers(k, 0, "good"));
        gate_gets(k, i + 1, 0, bm_bytes_str("good"));
    }
    kit_say(k, k->gate, BM_G_OCSP, 200, bm_buf_bytes(&one));
    (void)kit_want(k, k->signer, BM_S_OCSP);
}

static int
open_started(void **state)
{
    int rc = kit_open(state);

    kit_start(*state);
    return rc;
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_started, kit_close)
    const struct CMUnitTest tests[] = {
        TEST(an_answer_is_kept_until_its_list_changes_or_its_time_is_over),
        TEST(what_the_signer_does_not_want_kept_is_asked_again),
        TEST(a_flood_is_told_to_come_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
