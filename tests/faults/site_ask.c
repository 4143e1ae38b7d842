/* site_ask.c - statements and requests, right ones and, member by member, wrong ones. */
#include "base/base.h"
#include "site_fixture.h"

#include "pki/csr.h"

#include <stdio.h>

static void
head_make(const struct fixture *f, struct bm_statement_head *head, const struct fixture_statement *how)
{
    memset(head, 0, sizeof(*head));
    memcpy(head->site, how->site != NULL ? how->site : f->site, BM_HASH);
    fixture_must(bm_env_system.now(bm_env_system.ctx, &head->time, &fail));
    if (how->proposal != 0) {
        memset(head->proposal, how->proposal, sizeof(head->proposal));
        head->expires = how->expires != 0 ? how->expires : head->time + 86400;
        if (head->expires < head->time)
            head->time = head->expires;
    } else {
        head->seq = how->seq != 0 ? how->seq : f->seq;
    }
    (void)snprintf(head->by, sizeof(head->by), "%s", how->says_by != NULL ? how->says_by : f->people[how->by].key.name);
}

static void
note_sign(const struct fixture *f, struct bm_buf *note, const struct bm_buf *text, const struct fixture_statement *how)
{
    const struct bm_note_signer *signers[] = { &f->people[how->by], &f->people[how->second] };

    bm_buf_reset(note);
    fixture_must(bm_note_build(note, bm_buf_bytes(text), signers, how->approved ? 2 : 1, &fail));
}

void
fixture_pin_note(struct fixture *f, struct bm_buf *note, const struct fixture_statement *how, const struct fixture_lot *lot)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT }, vkey = { .max = BM_NOTE_VKEY };
    struct bm_pin pin = {
        .source = BM_SOURCE_BIRTHMARK, .kind = lot->kind, .size = lot->n, .revision = lot->revision == 0 ? 1 : lot->revision
    };
    struct bm_statement_head head;

    (void)snprintf(pin.lot, sizeof(pin.lot), "%s", lot->name);
    (void)snprintf(pin.vendor, sizeof(pin.vendor), "%s", how->vendor != NULL ? how->vendor : "Example Silicon");
    if (how->waived != NULL)
        pin.waived[pin.nwaived++] = *how->waived;
    memcpy(pin.root, lot->root, BM_HASH);
    bm_note_vkey_build(&vkey, &f->chipmaker.key);
    (void)snprintf(pin.vendor_key, sizeof(pin.vendor_key), "%.*s", (int)vkey.n, (const char *)vkey.p);
    head_make(f, &head, how);
    bm_pin_build(&text, &head, &pin);
    note_sign(f, note, &text, how);
}

void
fixture_order_note(struct fixture *f, struct bm_buf *note, const struct fixture_statement *how, const struct bm_order *order)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT };
    struct bm_statement_head head;

    head_make(f, &head, how);
    bm_order_build(&text, &head, order);
    note_sign(f, note, &text, how);
}

void
fixture_allow_note(struct fixture *f, struct bm_buf *note, const struct fixture_statement *how, const struct bm_allow *allow)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT };
    struct bm_statement_head head;

    head_make(f, &head, how);
    bm_allow_build(&text, &head, allow);
    note_sign(f, note, &text, how);
}

void
fixture_ca_note(struct fixture *f, struct bm_buf *note, const struct fixture_statement *how, const struct bm_ca_statement *ca)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT };
    struct bm_statement_head head;

    head_make(f, &head, how);
    bm_ca_statement_build(&text, &head, ca);
    note_sign(f, note, &text, how);
}

void
fixture_roles_note(struct fixture *f, struct bm_buf *note, const struct fixture_statement *how, const struct bm_roles *roles)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT };
    struct bm_statement_head head;

    head_make(f, &head, how);
    bm_roles_build(&text, &head, roles);
    note_sign(f, note, &text, how);
}

void
fixture_policy_note(struct fixture *f, struct bm_buf *note, const struct fixture_statement *how, unsigned two)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT };
    struct bm_statement_head head;

    head_make(f, &head, how);
    bm_policy_build(&text, &head, &(struct bm_policy){ .two = two });
    note_sign(f, note, &text, how);
}

void
fixture_raise_note(struct fixture *f, struct bm_buf *note, const struct fixture_statement *how, const struct bm_raise *raise)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT };
    struct bm_statement_head head;

    head_make(f, &head, how);
    bm_raise_build(&text, &head, raise);
    note_sign(f, note, &text, how);
}

void
fixture_statement_body(struct bm_buf *body, const struct bm_buf *note, const char *const *profiles, size_t n)
{
    bm_buf_reset(body);
    bm_buf_add_lv32(body, bm_buf_bytes(note));
    bm_buf_add_u8(body, (uint8_t)n);
    for (size_t i = 0; i < n; i++)
        bm_buf_add_lv16(body, bm_bytes_str(profiles[i]));
}

const char *
fixture_profile(const char *name)
{
    struct bm_profile profile;
    const char *text;

    for (size_t i = 0; (text = bm_profile_builtin(i)) != NULL; i++) {
        fixture_must(bm_profile_parse(&profile, bm_bytes_str(text), &fail));
        if (strcmp(profile.name, name) == 0)
            return text;
    }
    fixture_die(__FILE__, __LINE__, "profile", name);
}

static void
must_answer(struct fixture *f, const struct fixture_answer *answer, const char *what)
{
    if (answer->type != BM_S_ANSWER)
        fixture_unanswered(f, what, answer);
}

#define LEAVES_A_MESSAGE 256

void
fixture_pin_ask(struct fixture *f, const struct fixture_statement *how, const struct fixture_lot *lot, struct fixture_answer *ret_answer)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, body = { .max = BM_MAX_MESSAGE_BODY };

    fixture_pin_note(f, &note, how, lot);
    bm_buf_add_lv32(&body, bm_buf_bytes(&note));
    bm_buf_add_lv32(&body, bm_buf_bytes(&lot->head));
    fixture_ask(f, BM_S_LOT_BEGIN, bm_buf_bytes(&body), true, ret_answer);
    for (size_t i = 0; i < lot->n && ret_answer->type == BM_S_ANSWER; i += LEAVES_A_MESSAGE) {
        size_t n = lot->n - i < LEAVES_A_MESSAGE ? lot->n - i : LEAVES_A_MESSAGE;

        bm_buf_reset(&body);
        bm_buf_add_u32(&body, (uint32_t)n);
        for (size_t k = 0; k < n; k++)
            bm_buf_add_lv16(&body, bm_buf_bytes(&lot->chips[i + k].leaf));
        fixture_ask(f, BM_S_LOT_LEAVES, bm_buf_bytes(&body), true, ret_answer);
    }
    if (ret_answer->type != BM_S_ANSWER)
        return;
    bm_buf_reset(&body);
    if (how->held != NULL)
        bm_buf_add_lv16(&body, bm_bytes_str(how->held));
    fixture_ask(f, BM_S_LOT_END, bm_buf_bytes(&body), true, ret_answer);
    if (ret_answer->type == BM_S_ANSWER)
        f->seq++;
}

void
fixture_pin(struct fixture *f, const struct fixture_lot *lot)
{
    struct fixture_answer answer;

    fixture_pin_ask(f, &(struct fixture_statement){ .by = CARL_CUSTODIAN }, lot, &answer);
    must_answer(f, &answer, "a lot");
}

void
fixture_activate(struct fixture *f, const char *profile)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT }, note = { .max = BM_MAX_NOTE };
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = BM_MAX_MESSAGE_BODY };
    const struct fixture_statement how = { .by = ANNA_ADMIN };
    struct bm_activation activation = { .version = 0 };
    struct bm_statement_head head;
    struct bm_profile parsed;
    struct fixture_answer answer;

    fixture_must(bm_profile_parse(&parsed, bm_bytes_str(profile), &fail));
    activation.version = parsed.version;
    memcpy(activation.profile.name, parsed.name, sizeof(activation.profile.name));
    memcpy(activation.profile.digest, parsed.digest, BM_HASH);
    head_make(f, &head, &how);
    bm_activation_build(&text, &head, &activation);
    note_sign(f, &note, &text, &how);
    fixture_statement_body(&body, &note, &profile, 1);
    fixture_ask(f, BM_S_STATEMENT, bm_buf_bytes(&body), true, &answer);
    must_answer(f, &answer, "an activation");
    f->seq++;
}

void
fixture_order_by(struct fixture *f, const char *name, const struct fixture_lot *lot, uint64_t quantity, const char *profile, bm_time until)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE }, body = { .max = BM_MAX_MESSAGE_BODY };
    char lots[1][BM_MAX_NAME + 1];
    struct bm_order order = { .lots = lots, .nlots = 1, .nprofiles = 1, .quantity = quantity, .limits = { { 3, 3, 3 } }, .until = until };
    struct bm_profile parsed;
    struct fixture_answer answer;

    fixture_must(bm_profile_parse(&parsed, bm_bytes_str(profile), &fail));
    (void)snprintf(order.order, sizeof(order.order), "%s", name);
    (void)snprintf(lots[0], sizeof(lots[0]), "%s", lot->name);
    (void)snprintf(order.profiles[0].name, sizeof(order.profiles[0].name), "%s", parsed.name);
    memcpy(order.profiles[0].digest, parsed.digest, BM_HASH);
    fixture_must(bm_env_system.now(bm_env_system.ctx, &order.from, &fail));
    fixture_order_note(f, &note, &(struct fixture_statement){ .by = PETRA_PLANNER }, &order);
    fixture_statement_body(&body, &note, &profile, 1);
    fixture_ask(f, BM_S_STATEMENT, bm_buf_bytes(&body), true, &answer);
    must_answer(f, &answer, "an order");
    f->seq++;
}

void
fixture_order(struct fixture *f, const char *name, const struct fixture_lot *lot, uint64_t quantity)
{
    fixture_order_by(f, name, lot, quantity, fixture_profile("bench-1"), BM_TIME_NEVER);
}

void
fixture_nonce(struct fixture *f, const uint8_t root[static BM_HASH], uint8_t ret_nonce[static BM_NONCE])
{
    struct fixture_answer answer;

    fixture_ask(f, BM_S_NONCE, bm_bytes(root, BM_HASH), false, &answer);
    must_answer(f, &answer, "a nonce");
    if (answer.body.n != BM_NONCE + 4)
        fixture_die(__FILE__, __LINE__, "a nonce", "of another length");
    memcpy(ret_nonce, answer.body.p, BM_NONCE);
    fixture_answer_done(&answer);
}

static void
csr_make(struct bm_buf *csr, struct bm_private *key)
{
    bm_cleanup(bm_buf_done) struct bm_buf info = { .max = BM_MAX_CSR }, signature = { .max = BM_MAX_SIGNATURE };

    bm_csr_info_build(&info, bm_key_spki(bm_private_public(key)), "whatever it says of itself");
    fixture_must(bm_private_sign(key, bm_buf_bytes(&info), &signature, &fail));
    bm_csr_build(csr, bm_buf_bytes(&info), bm_private_alg(key), bm_buf_bytes(&signature));
}

static void
cmc_make(struct bm_buf *cmc, struct bm_private *root, const struct bm_buf *csr, const uint8_t *nonce)
{
    bm_cleanup(bm_buf_done) struct bm_buf content = { .max = BM_MAX_EVIDENCE }, attrs = { .max = BM_MAX_EVIDENCE };
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE };
    enum bm_sig_alg alg = bm_private_alg(root);

    bm_cmc_prepare(&content, &attrs, bm_buf_bytes(csr), bm_bytes(nonce, BM_NONCE), alg);
    fixture_must(bm_private_sign(root, bm_buf_bytes(&attrs), &signature, &fail));
    bm_cmc_build(cmc, bm_buf_bytes(&content), bm_buf_bytes(&attrs), bm_key_ski(bm_private_public(root)).octets, alg,
                 bm_buf_bytes(&signature));
}

static void
renewal_make(struct bm_buf *part, struct bm_private *current, const struct bm_buf *csr)
{
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = 256 }, signature = { .max = BM_MAX_SIGNATURE };

    bm_word_tbs(&tbs, BM_WORD_RENEWAL, bm_buf_bytes(csr));
    fixture_must(bm_private_sign(current, bm_buf_bytes(&tbs), &signature, &fail));
    bm_word_build(part, &(struct bm_word){ bm_key_spki(bm_private_public(current)), bm_buf_bytes(&signature) });
}

static void
station_make(struct bm_buf *part, const struct fixture_request *request, const struct bm_buf *csr)
{
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_WORD_TBS }, signature = { .max = BM_MAX_SIGNATURE };
    struct bm_station_word word = { .order = "order-1" };
    char label[BM_STATION_LABEL];

    if (request->station_order != NULL || request->order != NULL)
        (void)snprintf(word.order, sizeof(word.order), "%s", request->station_order != NULL ? request->station_order : request->order);
    bm_station_label(label, word.order);
    bm_word_tbs(&tbs, label, bm_buf_bytes(csr));
    fixture_must(bm_private_sign(request->station, bm_buf_bytes(&tbs), &signature, &fail));
    word.word = (struct bm_word){ bm_key_spki(bm_private_public(request->station)), bm_buf_bytes(&signature) };
    bm_station_build(part, &word);
}

void
fixture_bundle(struct fixture *f, struct bm_buf *ret_bundle, const struct fixture_request *request)
{
    const struct fixture_chip *chip = &request->lot->chips[request->chip], *voice = request->voice != NULL ? request->voice : chip;
    bm_cleanup(bm_buf_done) struct bm_buf csr = { .max = BM_MAX_CSR }, cmc = { .max = BM_MAX_EVIDENCE }, proof = { .max = BM_PROOF_BYTES };
    bm_cleanup(bm_buf_done) struct bm_buf renewal = { .max = 2048 }, station = { .max = 2048 };
    bm_cleanup(bm_private_done) struct bm_private *made = NULL;
    /* the tree is read; its source only lacks the const */
    struct bm_tree tree = request->lot->tree;
    struct bm_tree_source source = bm_tree_source(&tree);
    struct bm_bundle bundle = { .body_class = BM_BODY_CMC, .lot_size = request->lot->n, .index = request->chip };
    struct bm_proof path = { .n = 0 };
    uint8_t nonce[BM_NONCE];

    if (request->nonce != NULL)
        memcpy(nonce, request->nonce, sizeof(nonce));
    else
        fixture_nonce(f, bm_private_public(voice->root)->hash, nonce);
    if (request->key == NULL)
        fixture_must(bm_private_generate(&made, BM_KEY_P256, &fail));
    csr_make(&csr, request->key != NULL ? request->key : made);
    cmc_make(&cmc, voice->root, &csr, nonce);
    fixture_must(bm_inclusion_make(&path, &source, request->chip, request->lot->n, &fail));
    bm_proof_build(&proof, &path);
    memcpy(bundle.lot_root, request->lot_root != NULL ? request->lot_root : request->lot->root, BM_HASH);
    if (request->index != NULL)
        bundle.index = *request->index;
    bundle.leaf = bm_buf_bytes(&chip->leaf);
    bundle.proof = bm_buf_bytes(&proof);
    memcpy(bundle.chain, voice->chain, sizeof(bundle.chain));
    bundle.nchain = voice->nchain;
    bundle.body = bm_buf_bytes(&cmc);
    if (request->current != NULL)
        renewal_make(&renewal, request->current, &csr);
    bundle.part[BM_PART_RENEWAL] = bm_buf_bytes(&renewal);
    if (request->station != NULL)
        station_make(&station, request, &csr);
    bundle.part[BM_PART_STATION] = bm_buf_bytes(&station);
    bm_bundle_build(ret_bundle, &bundle);
    fixture_must(bm_buf_check(ret_bundle, "a bundle", &fail));
}

void
fixture_issue_body(struct bm_buf *body, const struct fixture_request *request, struct bm_bytes bundle)
{
    struct bm_s_issue issue = { .order = bm_bytes_str(request->order != NULL ? request->order : "order-1"),
                                .profile = bm_bytes_str(request->profile != NULL ? request->profile : "bench-1"),
                                .bundle = bundle,
                                .source = bm_bytes_str("fixture") };

    bm_buf_reset(body);
    bm_s_issue_build(body, &issue);
}

void
fixture_issue(struct fixture *f, const struct fixture_request *request, struct fixture_answer *ret_answer)
{
    bm_cleanup(bm_buf_done) struct bm_buf bundle = { .max = BM_MAX_EVIDENCE }, body = { .max = BM_MAX_MESSAGE_BODY };

    fixture_bundle(f, &bundle, request);
    fixture_issue_body(&body, request, bm_buf_bytes(&bundle));
    fixture_ask(f, BM_S_ISSUE, bm_buf_bytes(&body), true, ret_answer);
}
