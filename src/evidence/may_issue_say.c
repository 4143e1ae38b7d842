/* may_issue_say.c - the sentences of the decision: what stands in braces is filled in from the request. */
#include "evidence/may_issue_inside.h"

#include "wire/text.h"

static const char *
key_word(enum bm_key_alg alg)
{
    static const char *const words[] = {
        [BM_KEY_P256] = "P-256", [BM_KEY_P384] = "P-384", [BM_KEY_RSA] = "RSA", [BM_KEY_ED25519] = "Ed25519"
    };

    return (size_t)alg < BM_COUNT(words) && words[alg] != NULL ? words[alg] : "unknown";
}

/* "9f3c…41": enough to find the chip by, short enough to be read aloud. */
static void
fingerprint_add(struct bm_buf *buf, const uint8_t hash[static BM_HASH])
{
    bm_buf_add_fmt(buf, "%02x%02x\xe2\x80\xa6%02x", hash[0], hash[1], hash[BM_HASH - 1]);
}

static void
time_add(struct bm_buf *buf, bm_time t)
{
    char text[BM_TIME_TEXT];

    bm_time_print(text, t < 0 ? 0 : t > BM_TIME_NEVER ? BM_TIME_NEVER : t);
    bm_buf_add_str(buf, text);
}

static const char *
or_unknown(const char *name)
{
    return name != NULL ? name : "(unknown)";
}

/* What stands for {name}. False when there is no such name. */
static bool
word_add(struct bm_buf *buf, const struct bm_request *in, struct bm_bytes name)
{
    const struct bm_state *state = in->state;
    const struct bm_profile *profile = state->profile;
    const struct {
        const char *name, *value;
    } words[] = {
        { "chip", in->claim->leaf.id },
        { "lot", or_unknown(state->lot) },
        { "order", or_unknown(state->order) },
        { "device", or_unknown(state->device) },
        { "profile", profile != NULL ? profile->name : or_unknown(state->asked) },
        { "service", profile != NULL ? profile->service : "(unknown)" },
        { "evidence", bm_evidence_class_word(in->claim->evidence) },
        { "kind", or_unknown(bm_profile_root_word((unsigned)in->claim->leaf.root)) },
        { "alg", key_word(in->claim->key.alg) },
        { "station", state->station != NULL ? state->station : "none of them" },
        { "meant", in->claim->station_order },
    };

    for (size_t i = 0; i < BM_COUNT(words); i++)
        if (bm_bytes_equal(name, bm_bytes_str(words[i].name))) {
            bm_buf_add_str(buf, words[i].value);
            return true;
        }
    return false;
}

/* What the profile requires and the evidence does not show. */
static void
missing_add(struct bm_buf *buf, const struct bm_request *in)
{
    char words[BM_MAX_PROVEN];

    bm_proven_print(words, in->state->profile->require & ~in->claim->shown.proven);
    bm_buf_add_str(buf, words);
}

/* Those that are no strings. */
static void
value_add(struct bm_buf *buf, const struct bm_request *in, struct bm_bytes name)
{
    const struct bm_state *state = in->state;

    if (bm_bytes_equal(name, bm_bytes_str("root")))
        fingerprint_add(buf, in->claim->root_hash);
    else if (bm_bytes_equal(name, bm_bytes_str("by")))
        fingerprint_add(buf, in->claim->station);
    else if (bm_bytes_equal(name, bm_bytes_str("key")))
        fingerprint_add(buf, in->claim->key.hash);
    else if (bm_bytes_equal(name, bm_bytes_str("missing")))
        missing_add(buf, in);
    else if (bm_bytes_equal(name, bm_bytes_str("now")))
        time_add(buf, state->now);
    else if (bm_bytes_equal(name, bm_bytes_str("last")))
        time_add(buf, state->last_signed);
    else if (bm_bytes_equal(name, bm_bytes_str("from")))
        time_add(buf, state->order_from);
    else if (bm_bytes_equal(name, bm_bytes_str("expired")))
        time_add(buf, state->not_after);
    else if (bm_bytes_equal(name, bm_bytes_str("until")))
        time_add(buf, state->order_until);
    else if (bm_bytes_equal(name, bm_bytes_str("used")))
        bm_buf_add_fmt(buf, "%llu", (unsigned long long)state->used);
    else if (bm_bytes_equal(name, bm_bytes_str("front")))
        bm_buf_add_fmt(buf, "%llu", (unsigned long long)state->tls_front);
    else if (bm_bytes_equal(name, bm_bytes_str("fronted")))
        bm_buf_add_fmt(buf, "%llu", (unsigned long long)state->tls_front_used);
    else if (bm_bytes_equal(name, bm_bytes_str("quantity")))
        bm_buf_add_fmt(buf, "%llu", (unsigned long long)state->quantity);
    else if (bm_bytes_equal(name, bm_bytes_str("replaced")))
        bm_buf_add_fmt(buf, "%u", state->replaced);
    else
        bm_buf_add_str(buf, "?");
}

enum bm_rc
bm_request_refuse(const struct bm_request *in, enum bm_rc rc, const char *say, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = sizeof(fail->text) - 8 };

    while (*say != 0) {
        size_t plain = strcspn(say, "{"), name;

        bm_buf_add(&buf, say, plain);
        say += plain;
        if (*say == 0)
            break;
        name = strcspn(say, "}");
        if (!word_add(&buf, in, bm_bytes(say + 1, name - 1)))
            value_add(&buf, in, bm_bytes(say + 1, name - 1));
        say += name + 1;
    }
    /* Names of 64 characters, four times: cut at a word's end rather than lost. */
    return bm_fail(fail, rc, NULL, "%.*s%s", (int)buf.n, buf.n > 0 ? (const char *)buf.p : "", buf.bad ? "\xe2\x80\xa6" : "");
}
