/* ledger.c - ledger show, prove, checkpoint: what happened, in order. */
#include "cli/leaf.h"
#include "cli/lists.h"
#include "cli/verbs.h"
#include "wire/text.h"

/* ---- show ---- */

/* An event's lines as one: its kind and time have columns of their own. */
static enum bm_rc
details_set(json_t *row, const char *event, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf details = { .max = 2 * BM_MAX_EVENT };
    const char *line = strchr(event, '\n');

    for (line = line != NULL ? line + 1 : ""; *line != 0; line += strcspn(line, "\n"), line += *line == '\n') {
        int n = (int)strcspn(line, "\n");

        if (strncmp(line, "kind ", 5) == 0) {
            if (json_object_set_new(row, "kind", json_stringn(line + 5, (size_t)n - 5)) != 0)
                return bm_json_check(NULL, fail);
        } else if (strncmp(line, "time ", 5) != 0)
            bm_buf_add_fmt(&details, "%s%.*s", details.n > 0 ? "  " : "", n, line);
    }
    if (details.bad || json_object_set_new(row, "details", json_stringn((const char *)details.p, details.n)) != 0)
        return bm_json_check(NULL, fail);
    return BM_OK;
}

static enum bm_rc
event_row(void *ctx, struct bm_bytes json, struct bm_fail *fail)
{
    struct bm_list *list = ctx;
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_JSON };
    bm_cleanup(bm_json_done) json_t *row = NULL;
    const char *event;
    enum bm_rc rc;

    if (list->json)
        return bm_list_row(list, json, fail);
    if ((rc = bm_json_parse(&row, json, BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    event = json_string_value(json_object_get(row, "event"));
    if ((rc = details_set(row, event != NULL ? event : "", fail)) != BM_OK || (rc = bm_json_print(&text, row, fail)) != BM_OK)
        return rc;
    return bm_list_row(list, bm_buf_bytes(&text), fail);
}

static enum bm_rc
show_run(struct bm_call *call, struct bm_fail *fail)
{
    static const struct bm_column columns[] = { { "index", "INDEX" }, { "time", "TIME" }, { "kind", "KIND" }, { "details", "DETAILS" } };
    bm_cleanup(bm_list_done) struct bm_list list = {
        .json = call->json, .columns = columns, .ncolumns = BM_COUNT(columns), .nothing = "no leaves from there on"
    };
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    char filter[64];
    uint64_t from;
    enum bm_rc rc;

    if ((rc = bm_call_number(call, "from", 0, INT64_MAX, 0, &from, fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK)
        return rc;
    (void)snprintf(filter, sizeof(filter), "{\"after\":%llu}", (unsigned long long)from);
    if ((rc = bm_ask_list(&ask, "event", filter, event_row, &list, fail)) != BM_OK)
        return rc;
    return bm_list_end(&list, fail);
}

const struct bm_verb bm_verb_ledger_show = {
    .words = "ledger show",
    .arguments = "",
    .site = true,
    .purpose = "Show the ledger's leaves: what happened, in order.",
    .help = "As the site's records tell it; `birthmark ledger verify` checks that they are what was signed.\n\n"
            "example: birthmark ledger show --from 40\n",
    .options = { { .name = "from", .value = "INDEX", .help = "the first leaf; default 0" } },
    .run = show_run,
};

/* ---- prove ---- */

/* From leaf to root, with nothing but hashes. */
static enum bm_rc
proof_check(const struct bm_told *told, const struct bm_proof *proof, const struct bm_checkpoint *head, struct bm_fail *fail)
{
    uint8_t entry[BM_ENTRY], hash[BM_HASH];
    struct bm_event event;
    enum bm_rc rc;

    if ((rc = bm_event_parse(&event, bm_buf_bytes(&told->event), fail)) != BM_OK)
        return rc;
    bm_entry_build(entry, event.kind, told->salt, bm_buf_bytes(&told->event));
    bm_tree_leaf(hash, bm_bytes(entry, sizeof(entry)));
    return bm_inclusion_check(proof, told->index, head->size, hash, head->root, fail);
}

static enum bm_rc
proof_print(const struct bm_call *call, const struct bm_told *told, const struct bm_proof *proof, struct bm_bytes note,
            const struct bm_checkpoint *head, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *row = NULL;
    char hex[2 * BM_HASH + 1], salt[2 * BM_SALT + 1];
    json_t *hashes = json_array();
    enum bm_rc rc;

    for (size_t i = 0; i < proof->n; i++) {
        bm_hex(hex, bm_bytes(proof->hash[i], BM_HASH));
        (void)json_array_append_new(hashes, json_string(hex));
    }
    bm_hex(salt, bm_bytes(told->salt, BM_SALT));
    bm_hex(hex, bm_bytes(head->root, BM_HASH));
    row = json_pack("{s:I, s:I, s:s, s:o, s:s%, s:s, s:s%}", "index", (json_int_t)told->index, "size", (json_int_t)head->size, "root", hex,
                    "proof", hashes, "event", (const char *)told->event.p, told->event.n, "salt", salt, "checkpoint", (const char *)note.p,
                    note.n);
    if ((rc = bm_json_check(row, fail)) != BM_OK)
        return rc;
    return bm_object_print(call, row, fail);
}

static enum bm_rc
prove_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_proved_done) struct bm_proved proved = { .have = false };
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    struct bm_checkpoint head;
    struct bm_trust trust;
    uint64_t index;
    enum bm_rc rc;

    if ((rc = bm_call_word_number(call, 0, "INDEX", &index, fail)) != BM_OK || (rc = bm_ledger_trust(&trust, call, fail)) != BM_OK ||
        (rc = bm_ask_open(&ask, call, fail)) != BM_OK || (rc = bm_prove_ask(&proved, &ask, index, fail)) != BM_OK ||
        (rc = bm_checkpoint_open(&head, bm_buf_bytes(&proved.note), &trust.ledger, trust.ledger.name, fail)) != BM_OK ||
        (rc = proof_check(&proved.told, &proved.proof, &head, fail)) != BM_OK)
        return rc;
    return proof_print(call, &proved.told, &proved.proof, bm_buf_bytes(&proved.note), &head, fail);
}

#define OPTION_TRUST                                                                                    \
    {                                                                                                   \
        .name = "trust", .value = "FILE", .help = "whose key to believe; default: the site's trust.txt" \
    }

const struct bm_verb bm_verb_ledger_prove = {
    .words = "ledger prove",
    .arguments = "INDEX",
    .least = 1,
    .most = 1,
    .site = true,
    .purpose = "Prove that a leaf stands in the ledger; checked here before it is printed.",
    .help = "Leaf, salt, RFC 6962 inclusion proof and signed checkpoint: all that somebody needs who has only trust.txt.\n\n"
            "example: birthmark ledger prove 12 --json > proof.json\n",
    .options = { OPTION_TRUST },
    .run = prove_run,
};

/* ---- checkpoint ---- */

static enum bm_rc
checkpoint_run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };
    bm_cleanup(bm_ask_close) struct bm_ask ask = { .packet = NULL };
    bm_cleanup(bm_json_done) json_t *row = NULL;
    struct bm_checkpoint head;
    struct bm_trust trust;
    char root[2 * BM_HASH + 1];
    enum bm_rc rc;

    if ((rc = bm_ledger_trust(&trust, call, fail)) != BM_OK || (rc = bm_ask_open(&ask, call, fail)) != BM_OK ||
        (rc = bm_ledger_ask(&ask, 0, 0, NULL, NULL, &note, fail)) != BM_OK ||
        (rc = bm_checkpoint_open(&head, bm_buf_bytes(&note), &trust.ledger, trust.ledger.name, fail)) != BM_OK)
        return rc;
    if (!call->json) {
        (void)fwrite(note.p, 1, note.n, stdout);
        return BM_OK;
    }
    bm_hex(root, bm_bytes(head.root, BM_HASH));
    row = json_pack("{s:s, s:I, s:s, s:s%}", "origin", head.origin, "size", (json_int_t)head.size, "root", root, "checkpoint",
                    (const char *)note.p, note.n);
    if ((rc = bm_json_check(row, fail)) != BM_OK)
        return rc;
    return bm_object_print(call, row, fail);
}

const struct bm_verb bm_verb_ledger_checkpoint = {
    .words = "ledger checkpoint",
    .arguments = "",
    .site = true,
    .purpose = "Print the ledger's signed head (C2SP checkpoint), after checking the signature.",
    .help = "Keep it: a later ledger that does not contain this one was rewritten.\n\nexample: birthmark ledger checkpoint > "
            "today.checkpoint\n",
    .options = { OPTION_TRUST },
    .run = checkpoint_run,
};
