/* kit.h - what the tests of record share: a site with its operators. */
#ifndef BM_TEST_RECORD_KIT_H
#define BM_TEST_RECORD_KIT_H

#include "../testing.h"

#include "record/site.h"
#include "record/statement.h"

/* anna is officer, carl custodian, paul planner, fred operator; the same keys each time. */
static struct bm_roles kit_roles __attribute__((unused));
static struct bm_note_signer kit_signers[4] __attribute__((unused));

static inline void
kit_people(void)
{
    static const char *const names[] = { "anna", "carl", "paul", "fred" };

    kit_roles.noperators = BM_COUNT(names);
    for (size_t i = 0; i < BM_COUNT(names); i++) {
        uint8_t seed[BM_NOTE_KEY] = { (uint8_t)(i + 1) };

        assert_ok(bm_note_signer_init(&kit_signers[i], names[i], seed, &kit_fail));
        (void)snprintf(kit_roles.operators[i].name, sizeof(kit_roles.operators[i].name), "%s", names[i]);
        kit_roles.operators[i].role = (enum bm_role)(BM_ROLE_OFFICER + i);
        kit_roles.operators[i].key = kit_signers[i].key;
    }
}

static inline void
kit_head(struct bm_statement_head *head, const char *by)
{
    *head = (struct bm_statement_head){ .seq = 7, .time = 1795469649 };
    memset(head->site, 0x9f, BM_HASH);
    (void)snprintf(head->by, sizeof(head->by), "%s", by);
}

#define KIT_SITE "9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f"
#define KIT_HEAD(kind, by) "birthmark/" kind "/v1\nsite " KIT_SITE "\nseq 7\ntime 2026-11-23T21:34:09Z\nby " by "\n"
/* What waits for a second person. */
#define KIT_NUMBER "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
#define KIT_EXPIRING(kind, by, expires) \
    "birthmark/" kind "/v1\nsite " KIT_SITE "\nproposal " KIT_NUMBER "\nexpires " expires "\ntime 2026-11-23T21:34:09Z\nby " by "\n"
#define KIT_PROPOSAL(kind, by) KIT_EXPIRING(kind, by, "2026-12-23T21:34:09Z")
#define KIT_HEX "abababababababababababababababababababababababababababababababab"

#endif
