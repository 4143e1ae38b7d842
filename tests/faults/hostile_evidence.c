/* hostile_evidence.c - a hostile registrar's evidence: others' root keys, trees of its own, old nonces, keys that deserve no challenge. */
#include "base/base.h"
#include "hostile.h"

static void
other_peoples_evidence_is_refused(void **state)
{
    struct world *w = *state;
    const uint8_t third = 3;

    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = 1, .voice = &w->lot.chips[0] }, "not signed by a root key of chip",
                  0);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = 0, .index = &third }, "does not stand at place", 0);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .chip = 0, .lot_root = w->other.root }, "does not stand at place", 0);
    issue_refused(w, &(struct fixture_request){ .lot = &w->other, .chip = 0, .lot_root = w->lot.root }, "does not stand at place", 0);
    issue_refused(w, &(struct fixture_request){ .lot = &w->other, .chip = 0, .voice = &w->lot.chips[0] }, "not signed by a root key", 0);
}

/* A tree of the attacker's own around the attacker's key: sound, and nobody signed it. No leaf, so nobody fills the disk with them. */
static void
chips_of_no_lot_are_refused(void **state)
{
    struct world *w = *state;

    issue_refused(w, &(struct fixture_request){ .lot = &w->other }, "in no received lot", 0);
}

static void
nonces_not_ours_are_refused(void **state)
{
    struct world *w = *state;
    uint8_t nonce[BM_NONCE] = { 0 };

    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .nonce = nonce }, "nonce", 0);
    fixture_nonce(&w->f, bm_private_public(w->lot.chips[1].root)->hash, nonce);
    issue_refused(w, &(struct fixture_request){ .lot = &w->lot, .nonce = nonce }, "nonce", 0);
}

/* TPMT_PUBLIC of a P-256 key: ECC, SHA-256, these attributes, no policy, no symmetric, ECDSA with SHA-256, NIST P-256, no KDF, its point. */
static void
tpm_public(struct bm_buf *area, const struct bm_key *key, uint32_t attributes)
{
    const uint8_t *point = key->spki + key->at_bits;

    bm_buf_add_u16(area, 0x0023);
    bm_buf_add_u16(area, 0x000b);
    bm_buf_add_u32(area, attributes);
    bm_buf_add_u16(area, 0);
    bm_buf_add_u16(area, 0x0010);
    bm_buf_add_u16(area, 0x0018);
    bm_buf_add_u16(area, 0x000b);
    bm_buf_add_u16(area, 0x0003);
    bm_buf_add_u16(area, 0x0010);
    bm_buf_add_lv16(area, bm_bytes(point + 1, 32));
    bm_buf_add_lv16(area, bm_bytes(point + 33, 32));
}

/* Challenges go to restricted signing keys of a TPM alone, and leave nothing on record. */
static void
challenges_are_for_attestation_keys(void **state)
{
    static const struct {
        uint32_t attributes;
        bool good;
    } keys[] = { { 0x00050072, true }, { 0x00040072, false }, { 0x00050062, false }, { 0x00010072, false }, { 0x00070072, false } };
    struct world *w = *state;
    bm_cleanup(bm_buf_done) struct bm_buf area = { .max = BM_MAX_TPM }, body = { .max = BM_MAX_MESSAGE_BODY };
    const struct bm_key *ek = bm_private_public(w->lot.chips[0].root), *ak = bm_private_public(w->lot.chips[1].root);
    struct fixture_answer answer;
    struct bm_rd rd;

    for (size_t i = 0; i < BM_COUNT(keys); i++) {
        bm_buf_reset(&area);
        bm_buf_reset(&body);
        tpm_public(&area, ak, keys[i].attributes);
        bm_buf_add_lv16(&body, bm_key_spki(ek));
        bm_buf_add_lv16(&body, bm_buf_bytes(&area));
        fixture_ask(&w->f, BM_S_CHALLENGE, bm_buf_bytes(&body), false, &answer);
        assert_int_equal(answer.type, keys[i].good ? BM_S_ANSWER : BM_S_REFUSED);
        assert_int_equal(answer.nleaves, 0);
        if (keys[i].good) {
            rd = bm_rd(bm_buf_bytes(&answer.body));
            assert_true(bm_rd_lv16(&rd, BM_MAX_TPM).n > 0);
            assert_true(bm_rd_lv16(&rd, BM_MAX_TPM).n > 0);
            assert_true(bm_rd_end(&rd));
        }
        fixture_answer_done(&answer);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ATTACK(other_peoples_evidence_is_refused),
        ATTACK(chips_of_no_lot_are_refused),
        ATTACK(nonces_not_ours_are_refused),
        ATTACK(challenges_are_for_attestation_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
