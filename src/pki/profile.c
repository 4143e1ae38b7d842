#include "pki/profile.h"

#include "pki/key.h"
#include "wire/lines.h"

#define MAX_DAYS 3650
#define MAX_RENEWAL_DAYS 365
#define OVERLAP_DAYS 7 /* without a line: time for services that know a device by its certificate to learn the new one */

struct word {
    const char *word;
    unsigned bit;
};

static const struct word evidence_words[] = {
    { "root-signed", BM_EV_ROOT_SIGNED },
    { "tpm-activated", BM_EV_TPM_ACTIVATED },
    { "software", BM_EV_SOFTWARE },
    { "tls-front", BM_EV_TLS_FRONT },
};
static const struct word key_words[] = {
    { "P-256", 1u << BM_KEY_P256 },
    { "P-384", 1u << BM_KEY_P384 },
    { "RSA", 1u << BM_KEY_RSA },
};
enum {
    EKU_CLIENT = 1,
    EKU_SERVER = 2
};
static const struct word eku_words[] = { { "clientAuth", EKU_CLIENT }, { "serverAuth", EKU_SERVER } };
static const struct word ca_words[] = { { "operational", BM_CA_OPERATIONAL }, { "idevid", BM_CA_IDEVID } };
/* Ways to speak are no facts besides: "evidence" lists those. */
static const struct word require_words[] = {
    { "tpm-residency", BM_PROVEN_TPM_RESIDENCY }, { "tpm-fixed", BM_PROVEN_TPM_FIXED }, { "policy-bound", BM_PROVEN_POLICY_BOUND },
    { "ek-certified", BM_PROVEN_EK_CERTIFIED },   { "dice", BM_PROVEN_DICE },
};
static const struct word yes_words[] = { { "yes", 1 }, { "no", 0 } };

static const struct word *
word_find(const struct word *words, size_t n, struct bm_bytes value)
{
    for (size_t i = 0; i < n; i++)
        if (bm_bytes_equal(value, bm_bytes_str(words[i].word)))
            return &words[i];
    return NULL;
}

/* Lines that are good as text and wrong as a profile. */
static void
refuse(struct bm_lines *lines, const char *key, const char *why)
{
    if (lines->bad)
        return;
    bm_fail_note(lines->fail, BM_EINPUT, NULL, "%s: line %u: %s %s", lines->what, lines->line, key, why);
    lines->bad = true;
}

/* One word of a table. */
static unsigned
word_want(struct bm_lines *lines, const char *key, const struct word *words, size_t n)
{
    struct bm_bytes value = bm_lines_want(lines, key);
    const struct word *found = word_find(words, n, value);

    if (found == NULL) {
        refuse(lines, key, "has a value that is not known");
        return 0;
    }
    return found->bit;
}

/* A set of words: one line each, in the table's order, so that one set has one text. */
static unsigned
set_take(struct bm_lines *lines, const char *key, const struct word *words, size_t n)
{
    struct bm_bytes value;
    unsigned set = 0, last = 0;

    while (bm_lines_have(lines, key, &value)) {
        const struct word *found = word_find(words, n, value);

        if (found == NULL)
            refuse(lines, key, "has a value that is not known");
        else if (found->bit <= last)
            refuse(lines, key, "is repeated or out of order");
        if (found == NULL || lines->bad)
            return 0;
        last = found->bit;
        set |= found->bit;
    }
    return set;
}

/* Decimal, without a leading zero. */
static bool
number_parse(unsigned *ret, struct bm_bytes value, unsigned most)
{
    unsigned n = 0;

    if (value.n == 0 || value.n > 4 || (value.p[0] == '0' && value.n > 1))
        return false;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9')
            return false;
        n = n * 10 + (unsigned)(value.p[i] - '0');
    }
    *ret = n;
    return n <= most;
}

/* "never" is 0; otherwise 1 to 3650 without a leading zero. */
static unsigned
days_want(struct bm_lines *lines)
{
    struct bm_bytes value = bm_lines_want(lines, "days");
    unsigned days = 0;

    if (bm_bytes_equal(value, bm_bytes_str("never")))
        return 0;
    if (!number_parse(&days, value, MAX_DAYS) || days == 0)
        refuse(lines, "days", "must be 1 to 3650, or never");
    return days;
}

/* Days of a line that may be left out, and is where it would say what holds anyway: one meaning has one text. */
static unsigned
days_have(struct bm_lines *lines, const char *key, unsigned without, const char *why)
{
    unsigned days = without;
    struct bm_bytes value;

    if (bm_lines_have(lines, key, &value) && (!number_parse(&days, value, MAX_RENEWAL_DAYS) || days == without))
        refuse(lines, key, why);
    return days;
}

/* What no single line shows. */
static enum bm_rc
whole_check(const struct bm_profile *profile, struct bm_fail *fail)
{
    if (profile->evidence == 0)
        return bm_fail(fail, BM_EINPUT, NULL,
                       "profile: it takes no evidence: add a line \"evidence root-signed\" or \"evidence tpm-activated\"");
    if (profile->keys == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "profile: it takes no keys: add a line \"key P-256\"");
    if (profile->days == 0 && profile->ca != BM_CA_IDEVID)
        return bm_fail(fail, BM_EINPUT, NULL, "profile: only \"ca idevid\" may have \"days never\"");
    if (profile->days == 0 && profile->grace != 0)
        return bm_fail(fail, BM_EINPUT, NULL, "profile: what never expires has no time of grace: take the line \"grace\" out");
    if (profile->ca == BM_CA_IDEVID && (profile->client_auth || profile->server_auth))
        return bm_fail(fail, BM_EINPUT, "IEEE 802.1AR 8", "profile: an IDevID has no extended key usage: take the eku lines out");
    return BM_OK;
}

enum bm_rc
bm_profile_parse(struct bm_profile *ret_profile, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_profile profile = { .days = 0 };
    struct bm_lines lines;
    unsigned eku;
    enum bm_rc rc;

    if (text.n > BM_MAX_PROFILE)
        return bm_fail(fail, BM_EINPUT, NULL, "the profile is %zu bytes long, more than %d", text.n, BM_MAX_PROFILE);
    lines = bm_lines_open(text, "birthmark/profile/v1", "profile", fail);
    bm_lines_name(&lines, "name", profile.name, BM_MAX_NAME);
    bm_lines_name(&lines, "service", profile.service, BM_MAX_NAME);
    profile.ca = word_want(&lines, "ca", ca_words, BM_COUNT(ca_words)) == BM_CA_IDEVID ? BM_CA_IDEVID : BM_CA_OPERATIONAL;
    profile.days = days_want(&lines);
    profile.grace = days_have(&lines, "grace", 0, "must be 1 to 365, or left out for none");
    profile.overlap = days_have(&lines, "overlap", OVERLAP_DAYS, "must be 0 to 365, or left out for 7");
    profile.evidence = set_take(&lines, "evidence", evidence_words, BM_COUNT(evidence_words));
    profile.require = set_take(&lines, "require", require_words, BM_COUNT(require_words));
    profile.keys = set_take(&lines, "key", key_words, BM_COUNT(key_words));
    eku = set_take(&lines, "eku", eku_words, BM_COUNT(eku_words));
    profile.client_auth = (eku & EKU_CLIENT) != 0;
    profile.server_auth = (eku & EKU_SERVER) != 0;
    profile.hardware_module = word_want(&lines, "hardware-module", yes_words, BM_COUNT(yes_words)) == 1;
    if ((rc = bm_lines_close(&lines)) != BM_OK || (rc = whole_check(&profile, fail)) != BM_OK)
        return rc;
    bm_sha256(profile.digest, text);
    *ret_profile = profile;
    return BM_OK;
}

static void
add_set(struct bm_buf *buf, const char *key, const struct word *words, size_t n, unsigned set)
{
    for (size_t i = 0; i < n; i++)
        if ((set & words[i].bit) != 0)
            bm_lines_add(buf, key, words[i].word);
}

void
bm_profile_build(struct bm_buf *buf, const struct bm_profile *profile)
{
    bm_buf_add_str(buf, "birthmark/profile/v1\n");
    bm_lines_add(buf, "name", profile->name);
    bm_lines_add(buf, "service", profile->service);
    bm_lines_add(buf, "ca", profile->ca == BM_CA_IDEVID ? "idevid" : "operational");
    if (profile->days == 0)
        bm_lines_add(buf, "days", "never");
    else
        bm_buf_add_fmt(buf, "days %u\n", profile->days);
    if (profile->grace != 0)
        bm_buf_add_fmt(buf, "grace %u\n", profile->grace);
    if (profile->overlap != OVERLAP_DAYS)
        bm_buf_add_fmt(buf, "overlap %u\n", profile->overlap);
    add_set(buf, "evidence", evidence_words, BM_COUNT(evidence_words), profile->evidence);
    add_set(buf, "require", require_words, BM_COUNT(require_words), profile->require);
    add_set(buf, "key", key_words, BM_COUNT(key_words), profile->keys);
    add_set(buf, "eku", eku_words, BM_COUNT(eku_words),
            (profile->client_auth ? EKU_CLIENT : 0u) | (profile->server_auth ? EKU_SERVER : 0u));
    bm_lines_add(buf, "hardware-module", profile->hardware_module ? "yes" : "no");
}

const char *
bm_evidence_class_word(enum bm_evidence_class ev)
{
    for (size_t i = 0; i < BM_COUNT(evidence_words); i++)
        if (evidence_words[i].bit == (unsigned)ev)
            return evidence_words[i].word;
    return "unknown";
}

static const char *const builtin[] = {
    "birthmark/profile/v1\nname gateway-1\nservice mqtt\nca operational\ndays 90\nevidence root-signed\nevidence tpm-activated\n"
    "key P-256\nkey P-384\neku clientAuth\nhardware-module yes\n",
    "birthmark/profile/v1\nname bench-1\nservice mqtt\nca operational\ndays 90\nevidence root-signed\nevidence tpm-activated\n"
    "evidence software\nkey P-256\nkey P-384\neku clientAuth\nhardware-module yes\n",
    "birthmark/profile/v1\nname idevid\nservice idevid\nca idevid\ndays never\nevidence root-signed\nevidence tpm-activated\n"
    "key P-256\nkey P-384\nhardware-module yes\n",
};

const char *
bm_profile_builtin(size_t i)
{
    return i < BM_COUNT(builtin) ? builtin[i] : NULL;
}
