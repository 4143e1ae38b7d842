/* kit_signer.c - what the test says as the signer: leaves, certificates, refusals. */
#include "base/base.h"
#include "kit.h"

#include "pki/tbs.h"
#include "proc/clock.h"
#include "wire/text.h"

#include <stdio.h>

struct bm_s_leaf
kit_leaf(struct kit *k, const struct bm_event *event)
{
    struct bm_s_leaf leaf = { .index = k->book.size };
    struct kit_leaf *kept = &k->leaf[leaf.index];
    struct bm_buf *text = &kept->text;
    uint8_t entry[BM_ENTRY], hash[BM_HASH];
    struct bm_event dated = *event;

    assert_true(leaf.index < BM_COUNT(k->leaf));
    if (dated.time == 0)
        dated.time = k->page->now;
    text->max = kept->certificate.max = kept->evidence.max = kept->attachment.max = BM_MAX_MESSAGE;
    bm_buf_reset(text);
    bm_event_build(text, &dated);
    assert_false(text->bad);
    memset(kept->salt, (int)leaf.index + 1, BM_SALT);
    memcpy(leaf.salt, kept->salt, BM_SALT);
    leaf.event = bm_buf_bytes(text);
    bm_entry_build(entry, event->kind, leaf.salt, leaf.event);
    bm_tree_leaf(hash, bm_bytes(entry, sizeof(entry)));
    bm_frontier_append(&k->book, hash);
    return leaf;
}

struct bm_bytes
kit_checkpoint(const struct kit *k, struct bm_buf *note)
{
    struct bm_checkpoint checkpoint = { .size = k->book.size };

    (void)snprintf(checkpoint.origin, sizeof(checkpoint.origin), "birthmark/played");
    bm_frontier_root(&k->book, checkpoint.root);
    fixture_must(bm_checkpoint_sign(note, &checkpoint, &k->ledger, &fail));
    return bm_buf_bytes(note);
}

static struct bm_s_leaves
leaves_of(struct kit *k, const struct bm_s_leaf *leaf, struct bm_buf *note)
{
    struct bm_s_leaves leaves = { .n = leaf != NULL };

    if (leaf != NULL) {
        leaves.leaf[0] = *leaf;
        leaves.checkpoint = kit_checkpoint(k, note);
    }
    return leaves;
}

void
kit_answer(struct kit *k, uint64_t id, const struct bm_s_leaf *leaf)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY }, note = { .max = BM_MAX_NOTE };
    struct bm_s_leaves leaves = leaves_of(k, leaf, &note);

    bm_s_leaves_build(&body, &leaves);
    kit_say(k, k->signer, BM_S_ANSWER, id, bm_buf_bytes(&body));
}

void
kit_answer_empty(struct kit *k, uint64_t id)
{
    kit_say(k, k->signer, BM_S_ANSWER, id, bm_bytes(NULL, 0));
}

void
kit_refuse(struct kit *k, uint64_t id, enum bm_rc class, const char *sentence, const struct bm_s_leaf *leaf)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY }, note = { .max = BM_MAX_NOTE };
    struct bm_s_refused refused = { .rc = (uint8_t) class, .sentence = bm_bytes_str(sentence), .leaves = leaves_of(k, leaf, &note) };

    bm_s_refused_build(&body, &refused);
    kit_say(k, k->signer, BM_S_REFUSED, id, bm_buf_bytes(&body));
}

/* Signed by nobody: the registrar takes its signer's word. */
static void
certificate_make(struct kit *k, struct kit_issue *issue, struct bm_bytes serial)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_CERT };
    struct bm_subject subject = { .device = KIT_DEVICE, .organization = "Fixture Factory" };
    struct bm_issuer issuer = { .alg = BM_SIG_ECDSA_SHA256, .not_after = BM_TIME_NEVER };
    const uint8_t signature[] = { 0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01 };
    struct bm_profile profile;
    struct bm_cert ca;

    fixture_must(bm_private_generate(&key, BM_KEY_P256, &fail));
    fixture_must(bm_profile_parse(&profile, bm_bytes_str(fixture_profile("gateway-1")), &fail));
    profile.hardware_module = false;
    fixture_must(bm_cert_parse(&ca, bm_buf_bytes(&k->site.ca[BM_CA_OPERATIONAL]), &fail));
    issuer.subject = ca.subject;
    fixture_must(
        bm_tbs_build(&tbs, &profile, &issuer, &subject, bm_key_spki(bm_private_public(key)), serial, KIT_NOW, KIT_NOW + 86400, &fail));
    issue->certificate.max = BM_MAX_CERT;
    bm_signed_build(&issue->certificate, bm_buf_bytes(&tbs), issuer.alg, bm_bytes(signature, sizeof(signature)));
    memcpy(issue->key, bm_private_public(key)->hash, BM_HASH);
}

struct bm_s_leaf
kit_issue_leaf(struct kit *k, struct kit_issue *issue)
{
    uint8_t serial[BM_MAX_SERIAL] = { 0x40 }, hash[BM_HASH];
    char chip[2 * BM_HASH + 1], certificate[2 * BM_HASH + 1];
    struct bm_event event = { .kind = issue->renewal            ? BM_EVENT_IDENTITY_RENEWED
                                      : issue->replaces == NULL ? BM_EVENT_IDENTITY_ISSUED
                                                                : BM_EVENT_IDENTITY_REPLACED,
                              .device = bm_bytes_str(KIT_DEVICE),
                              .lot = bm_bytes_str("LOT-1"),
                              .order = bm_bytes_str("order-1"),
                              .profile = bm_bytes_str("gateway-1"),
                              .service = bm_bytes_str(issue->service != NULL ? issue->service : "mqtt"),
                              .evidence_class = bm_bytes_str("root-signed") };
    struct bm_s_leaf leaf;

    serial[19] = (uint8_t)++k->serials;
    bm_hex(issue->serial, bm_bytes(serial, sizeof(serial)));
    certificate_make(k, issue, bm_bytes(serial, sizeof(serial)));
    bm_sha256(hash, bm_buf_bytes(&issue->certificate));
    bm_hex(certificate, bm_bytes(hash, BM_HASH));
    bm_hex(chip, bm_bytes(bm_private_public(k->lot.chips[issue->chip].root)->hash, BM_HASH));
    event.chip = bm_bytes_str(chip);
    event.serial = bm_bytes_str(issue->serial);
    event.certificate = bm_bytes_str(certificate);
    if (issue->replaces != NULL)
        event.replaces = bm_bytes_str(issue->replaces);
    leaf = kit_leaf(k, &event);
    leaf.certificate = bm_buf_bytes(&issue->certificate);
    bm_buf_add_bytes(&k->leaf[leaf.index].certificate, leaf.certificate);
    return leaf;
}

static void
issued_say(struct kit *k, uint64_t id, bool repeat, const struct bm_s_leaf *leaf, const char *serial)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY }, note = { .max = BM_MAX_NOTE };
    struct bm_s_issued issued = {
        .repeat = repeat, .nserial = BM_MAX_SERIAL, .device = bm_bytes_str(KIT_DEVICE), .leaves = leaves_of(k, leaf, &note)
    };

    fixture_must(bm_hex_parse(issued.serial, BM_MAX_SERIAL, bm_bytes_str(serial), &fail));
    bm_s_issued_build(&body, &issued);
    kit_say(k, k->signer, BM_S_ISSUED, id, bm_buf_bytes(&body));
}

void
kit_issued(struct kit *k, uint64_t id, const struct bm_s_leaf *leaf, const char *serial)
{
    issued_say(k, id, false, leaf, serial);
}

void
kit_issued_repeat(struct kit *k, uint64_t id, const char *serial)
{
    issued_say(k, id, true, NULL, serial);
}
