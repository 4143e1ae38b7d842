#include "pki/profile.h"

#include "pki/key.h"
#include "pki/parts.h"
#include "wire/lines.h"

#define MAX_DAYS 3650
#define MAX_HOURS (7 * 24 - 1) /* what is longer has days */
#define MAX_VERSION 99999
#define LEAST_BYTES 256 /* no certificate of ours is smaller */
#define MOST_BYTES 65535
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
static const struct word root_words[] = { { "tpm", 1u << 1 }, { "secure-element", 1u << 2 }, { "puf", 1u << 3 }, { "software", 1u << 4 } };
static const struct word revocation_words[] = {
    { "crl", BM_REVOCATION_CRL }, { "none", BM_REVOCATION_NONE }, { "ocsp", BM_REVOCATION_OCSP }, { "both", BM_REVOCATION_BOTH }
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

    if (value.n == 0 || value.n > 5 || (value.p[0] == '0' && value.n > 1))
        return false;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9')
            return false;
        n = n * 10 + (unsigned)(value.p[i] - '0');
    }
    *ret = n;
    return n <= most;
}

/* "never" is 0; otherwise 1 to 3650 days without a leading zero, or hours that are no whole days: one lifetime has one text. */
static unsigned
lifetime_want(struct bm_lines *lines)
{
    struct bm_bytes value;
    unsigned n = 0;

    if (bm_lines_have(lines, "hours", &value)) {
        if (!number_parse(&n, value, MAX_HOURS) || n == 0 || n % 24 == 0)
            refuse(lines, "hours", "must be 1 to 167 and no whole days, which have a line \"days\"");
        return n;
    }
    value = bm_lines_want(lines, "days");
    if (bm_bytes_equal(value, bm_bytes_str("never")))
        return 0;
    if (!number_parse(&n, value, MAX_DAYS) || n == 0)
        refuse(lines, "days", "must be 1 to 3650, or never");
    return n * 24;
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

/* A number of a line that may be left out; 0 when it is. */
static unsigned
bytes_have(struct bm_lines *lines, const char *key)
{
    struct bm_bytes value;
    unsigned n = 0;

    if (bm_lines_have(lines, key, &value) && (!number_parse(&n, value, MOST_BYTES) || n < LEAST_BYTES))
        refuse(lines, key, "must be 256 to 65535 bytes, or left out for any");
    return n;
}

/* The one word that a line may have that may be left out. */
static bool
flag_have(struct bm_lines *lines, const char *key, const char *word)
{
    struct bm_bytes value;

    if (!bm_lines_have(lines, key, &value))
        return false;
    if (!bm_bytes_equal(value, bm_bytes_str(word)))
        refuse(lines, key, "has a value that is not known");
    return true;
}

/* What holds without the line is never said. */
static enum bm_revocation
revocation_have(struct bm_lines *lines)
{
    const struct word *found;
    struct bm_bytes value;

    if (!bm_lines_have(lines, "revocation", &value))
        return BM_REVOCATION_CRL;
    found = word_find(revocation_words, BM_COUNT(revocation_words), value);
    if (found == NULL || found->bit == BM_REVOCATION_CRL)
        refuse(lines, "revocation", "must be none, ocsp or both, or left out for a CRL alone");
    return found == NULL ? BM_REVOCATION_CRL : (enum bm_revocation)found->bit;
}

static unsigned
bucket_have(struct bm_lines *lines)
{
    unsigned n = BM_CRL_BUCKET;
    struct bm_bytes value;

    if (bm_lines_have(lines, "bucket", &value) && (!number_parse(&n, value, BM_CRL_BUCKET - 1) || n == 0))
        refuse(lines, "bucket", "must be 1 to 1999, or left out for 2000");
    return n;
}

static void
pattern_take(char ret[static BM_MAX_PATTERN + 1], struct bm_lines *lines, const char *key, enum bm_pattern_kind kind, struct bm_bytes value)
{
    static const char *const why[] = {
        [BM_PATTERN_NAME] = "must be letters, digits, spaces, . _ : -, {device}, {chip} and {lot}, and at most 64 characters",
        [BM_PATTERN_DNS] = "must be a host name of two labels or more, with {device}, {chip} or {lot} in it",
        [BM_PATTERN_URI] = "must be a scheme, a colon and a URI's characters, with {device}, {chip} or {lot} in it"
    };

    ret[0] = 0;
    if (lines->bad)
        return;
    if (value.n <= BM_MAX_PATTERN && memchr(value.p, 0, value.n) == NULL) {
        memcpy(ret, value.p, value.n);
        ret[value.n] = 0;
    }
    if (!bm_pattern_ok(kind, ret))
        refuse(lines, key, why[kind]);
}

static size_t
patterns_take(struct bm_profile_name ret[static BM_MAX_PROFILE_NAMES], struct bm_lines *lines, const char *key, enum bm_pattern_kind kind)
{
    struct bm_bytes value;
    size_t n = 0;

    while (bm_lines_have(lines, key, &value)) {
        if (n == BM_MAX_PROFILE_NAMES) {
            refuse(lines, key, "is one too many: there may be 4");
            return n;
        }
        pattern_take(ret[n].pattern, lines, key, kind, value);
        for (size_t i = 0; i < n; i++)
            if (strcmp(ret[i].pattern, ret[n].pattern) == 0)
                refuse(lines, key, "is repeated");
        n++;
    }
    return n;
}

/* What X.520 names (2.5.4) comes of the records: the organization, the common name, the serial number. */
static bool
oid_foreign(const char *oid)
{
    bm_cleanup(bm_buf_done) struct bm_buf octets = { .max = 2 * BM_MAX_OID_TEXT };

    return bm_oid_text_add(&octets, oid) && !octets.bad && !(octets.n >= 2 && octets.p[0] == 0x55 && octets.p[1] == 0x04);
}

static size_t
attributes_take(struct bm_profile_attribute ret[static BM_MAX_PROFILE_NAMES], struct bm_lines *lines)
{
    struct bm_bytes value;
    size_t n = 0;

    while (bm_lines_have(lines, "attribute", &value)) {
        const uint8_t *space = memchr(value.p, ' ', value.n);
        size_t noid = space == NULL ? 0 : (size_t)(space - value.p);

        if (n == BM_MAX_PROFILE_NAMES) {
            refuse(lines, "attribute", "is one too many: there may be 4");
            return n;
        }
        if (noid > 0 && noid <= BM_MAX_OID_TEXT)
            memcpy(ret[n].oid, value.p, noid); /* zeroed before */
        if (!oid_foreign(ret[n].oid))
            refuse(lines, "attribute", "must be an object identifier with dots, none of X.520's, and its value");
        else
            pattern_take(ret[n].pattern, lines, "attribute", BM_PATTERN_NAME, bm_bytes(space + 1, value.n - noid - 1));
        for (size_t i = 0; i < n; i++)
            if (strcmp(ret[i].oid, ret[n].oid) == 0)
                refuse(lines, "attribute", "is repeated");
        n++;
    }
    return n;
}

static void
names_take(struct bm_profile *profile, struct bm_lines *lines)
{
    struct bm_bytes value;

    if (bm_lines_have(lines, "common-name", &value)) {
        pattern_take(profile->common_name, lines, "common-name", BM_PATTERN_NAME, value);
        if (profile->ca == BM_CA_OPERATIONAL && strcmp(profile->common_name, "{device}") == 0)
            refuse(lines, "common-name", "is {device} without the line: take it out");
    }
    profile->nattributes = attributes_take(profile->attributes, lines);
    profile->ndns = patterns_take(profile->dns, lines, "dns", BM_PATTERN_DNS);
    profile->nuri = patterns_take(profile->uri, lines, "uri", BM_PATTERN_URI);
}

enum bm_rc
bm_profile_parse(struct bm_profile *ret_profile, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_profile profile = { .hours = 0 };
    struct bm_lines lines;
    unsigned eku;
    enum bm_rc rc;

    if (text.n > BM_MAX_PROFILE)
        return bm_fail(fail, BM_EINPUT, NULL, "the profile is %zu bytes long, more than %d", text.n, BM_MAX_PROFILE);
    lines = bm_lines_open(text, "birthmark/profile/v1", "profile", fail);
    bm_lines_name(&lines, "name", profile.name, BM_MAX_NAME);
    profile.version = (unsigned)bm_lines_u64(&lines, "version", 1, MAX_VERSION);
    bm_lines_name(&lines, "service", profile.service, BM_MAX_NAME);
    profile.ca = word_want(&lines, "ca", ca_words, BM_COUNT(ca_words)) == BM_CA_IDEVID ? BM_CA_IDEVID : BM_CA_OPERATIONAL;
    profile.hours = lifetime_want(&lines);
    profile.grace = days_have(&lines, "grace", 0, "must be 1 to 365, or left out for none");
    profile.overlap = days_have(&lines, "overlap", OVERLAP_DAYS, "must be 0 to 365, or left out for 7");
    profile.revocation = revocation_have(&lines);
    profile.bucket = bucket_have(&lines);
    profile.evidence = set_take(&lines, "evidence", evidence_words, BM_COUNT(evidence_words));
    profile.require = set_take(&lines, "require", require_words, BM_COUNT(require_words));
    profile.roots = set_take(&lines, "root", root_words, BM_COUNT(root_words));
    profile.keys = set_take(&lines, "key", key_words, BM_COUNT(key_words));
    eku = set_take(&lines, "eku", eku_words, BM_COUNT(eku_words));
    profile.client_auth = (eku & EKU_CLIENT) != 0;
    profile.server_auth = (eku & EKU_SERVER) != 0;
    profile.hardware_module = word_want(&lines, "hardware-module", yes_words, BM_COUNT(yes_words)) == 1;
    profile.basic_constraints = flag_have(&lines, "basic-constraints", "yes");
    names_take(&profile, &lines);
    profile.max_certificate = bytes_have(&lines, "max-certificate");
    profile.max_chain = bytes_have(&lines, "max-chain");
    if ((rc = bm_lines_close(&lines)) != BM_OK || (rc = bm_profile_check(&profile, fail)) != BM_OK)
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

static void
lifetime_add(struct bm_buf *buf, unsigned hours)
{
    if (hours == 0)
        bm_lines_add(buf, "days", "never");
    else if (hours % 24 == 0)
        bm_buf_add_fmt(buf, "days %u\n", hours / 24);
    else
        bm_buf_add_fmt(buf, "hours %u\n", hours);
}

static void
names_add(struct bm_buf *buf, const struct bm_profile *profile)
{
    if (profile->common_name[0] != 0)
        bm_lines_add(buf, "common-name", profile->common_name);
    for (size_t i = 0; i < profile->nattributes; i++)
        bm_buf_add_fmt(buf, "attribute %s %s\n", profile->attributes[i].oid, profile->attributes[i].pattern);
    for (size_t i = 0; i < profile->ndns; i++)
        bm_lines_add(buf, "dns", profile->dns[i].pattern);
    for (size_t i = 0; i < profile->nuri; i++)
        bm_lines_add(buf, "uri", profile->uri[i].pattern);
}

void
bm_profile_build(struct bm_buf *buf, const struct bm_profile *profile)
{
    bm_buf_add_str(buf, "birthmark/profile/v1\n");
    bm_lines_add(buf, "name", profile->name);
    bm_buf_add_fmt(buf, "version %u\n", profile->version);
    bm_lines_add(buf, "service", profile->service);
    bm_lines_add(buf, "ca", profile->ca == BM_CA_IDEVID ? "idevid" : "operational");
    lifetime_add(buf, profile->hours);
    if (profile->grace != 0)
        bm_buf_add_fmt(buf, "grace %u\n", profile->grace);
    if (profile->overlap != OVERLAP_DAYS)
        bm_buf_add_fmt(buf, "overlap %u\n", profile->overlap);
    if (profile->revocation != BM_REVOCATION_CRL)
        bm_lines_add(buf, "revocation", bm_revocation_word(profile->revocation));
    if (profile->bucket != BM_CRL_BUCKET)
        bm_buf_add_fmt(buf, "bucket %u\n", profile->bucket);
    add_set(buf, "evidence", evidence_words, BM_COUNT(evidence_words), profile->evidence);
    add_set(buf, "require", require_words, BM_COUNT(require_words), profile->require);
    add_set(buf, "root", root_words, BM_COUNT(root_words), profile->roots);
    add_set(buf, "key", key_words, BM_COUNT(key_words), profile->keys);
    add_set(buf, "eku", eku_words, BM_COUNT(eku_words),
            (profile->client_auth ? EKU_CLIENT : 0u) | (profile->server_auth ? EKU_SERVER : 0u));
    bm_lines_add(buf, "hardware-module", profile->hardware_module ? "yes" : "no");
    if (profile->basic_constraints)
        bm_lines_add(buf, "basic-constraints", "yes");
    names_add(buf, profile);
    if (profile->max_certificate != 0)
        bm_buf_add_fmt(buf, "max-certificate %u\n", profile->max_certificate);
    if (profile->max_chain != 0)
        bm_buf_add_fmt(buf, "max-chain %u\n", profile->max_chain);
}

const char *
bm_evidence_class_word(enum bm_evidence_class ev)
{
    for (size_t i = 0; i < BM_COUNT(evidence_words); i++)
        if (evidence_words[i].bit == (unsigned)ev)
            return evidence_words[i].word;
    return "unknown";
}

const char *
bm_revocation_word(enum bm_revocation revocation)
{
    return revocation_words[revocation].word;
}

const char *
bm_profile_root_word(unsigned root)
{
    return root >= 1 && root <= BM_COUNT(root_words) ? root_words[root - 1].word : NULL;
}
