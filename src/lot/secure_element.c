#include "lot/secure_element.h"

#include "lot/element_keys.h"
#include "wire/json.h"
#include "wire/json_cut.h"
#include "wire/text.h"

#define MAX_TIME 40

/* ---- what stands where ---- */

enum {
    VERSION,
    MODEL,
    PART,
    MANUFACTURER,
    PROVISIONER,
    DISTRIBUTOR,
    DISTRIBUTER,
    SECRET_KEYS,
    MODEL_INFO,
    GROUP,
    TIME,
    ID,
    KEYS
};

/* distributor to modelInfo: Microchip documents them, and they say nothing to us. */
static const struct bm_json_shape shape = { .what = "payload",
                                            .member = { [VERSION] = { "version", BM_JSON_WHOLE, 0, false },
                                                        [MODEL] = { "model", BM_JSON_STRING, 64, false },
                                                        [PART] = { "partNumber", BM_JSON_STRING, 64, false },
                                                        [MANUFACTURER] = { "manufacturer", BM_JSON_OBJECT, 0, false },
                                                        [PROVISIONER] = { "provisioner", BM_JSON_OBJECT, 0, false },
                                                        [DISTRIBUTOR] = { "distributor", BM_JSON_OBJECT, 0, true },
                                                        [DISTRIBUTER] = { "distributer", BM_JSON_OBJECT, 0, true },
                                                        [SECRET_KEYS] = { "encryptedSecretKeySet", BM_JSON_OBJECT, 0, true },
                                                        [MODEL_INFO] = { "modelInfo", BM_JSON_OBJECT, 0, true },
                                                        [GROUP] = { "groupId", BM_JSON_STRING, BM_MAX_NAME, false },
                                                        [TIME] = { "provisioningTimestamp", BM_JSON_STRING, MAX_TIME, false },
                                                        [ID] = { "uniqueId", BM_JSON_STRING, BM_MAX_ID, false },
                                                        [KEYS] = { "publicKeySet", BM_JSON_OBJECT, 0, true } } };
static const struct bm_json_shape versioned = { .what = "payload", .member = { { "version", BM_JSON_WHOLE, 0, false } }, .others = true };

static const struct bm_json_shape party = { .what = "company",
                                            .member = { { "organizationName", BM_JSON_STRING, 256, false },
                                                        { "organizationalUnitName", BM_JSON_STRING, 256, false } } };
/* As a string: ret has room, since members have a limit. */
static void
string_take(char *ret, struct bm_bytes text)
{
    memcpy(ret, text.p, text.n);
    ret[text.n] = 0;
}

/* ---- members ---- */

/* "2025-06-01T20:14:53.773Z": the fraction says nothing that we ask. */
static enum bm_rc
time_take(bm_time *ret, const char *text, struct bm_fail *fail)
{
    char whole[BM_TIME_TEXT] = "";
    size_t n = strlen(text), digits;

    if (n > 20 && text[19] == '.' && text[n - 1] == 'Z') {
        digits = strspn(text + 20, "0123456789");
        if (digits >= 1 && digits <= 9 && 20 + digits + 1 == n) {
            memcpy(whole, text, 19);
            whole[19] = 'Z';
            return bm_time_parse(ret, whole, fail);
        }
    }
    return bm_time_parse(ret, text, fail);
}

/* {organizationName, organizationalUnitName}: for people, and already the vendor's word; read so that nothing else hides in it. */
static enum bm_rc
party_check(struct bm_element *element, struct bm_bytes object, struct bm_fail *fail)
{
    struct bm_bytes views[2];

    return bm_json_cut(views, &party, object, &element->room, fail);
}

/* What is passed over must be JSON all the same. Nearly always it is a company. */
static enum bm_rc
passed_check(struct bm_element *element, struct bm_bytes object, struct bm_fail *fail)
{
    bm_cleanup(json_decrefp) json_t *json = NULL;
    struct bm_fail ignored;

    if (object.p == NULL || party_check(element, object, &ignored) == BM_OK)
        return BM_OK;
    return bm_json_parse(&json, object, BM_MAX_JSON, fail);
}

/* ---- all of it ---- */

/* Lower-case hex, as Microchip writes it: another spelling would be another label. */
static bool
id_ok(const char *id)
{
    size_t n = strlen(id);

    return n >= 2 && n % 2 == 0 && strspn(id, "0123456789abcdef") == n;
}

static enum bm_rc
version_check(struct bm_bytes view, struct bm_fail *fail)
{
    const uint64_t version = bm_json_whole(view);

    if (version >= 1 && version <= 3)
        return BM_OK;
    return bm_fail(fail, BM_EINPUT, NULL, "it is of version %llu: 1, 2 and 3 of Microchip's manifest are read here",
                   (unsigned long long)version);
}

/* Another version may have other members: that it is another one says more than which member is not known. */
static enum bm_rc
payload_cut(struct bm_element *element, struct bm_bytes *views, struct bm_bytes payload, struct bm_fail *fail)
{
    struct bm_fail ignored;
    struct bm_bytes version;
    enum bm_rc rc = bm_json_cut(views, &shape, payload, &element->room, fail);

    if (rc != BM_OK && bm_json_cut(&version, &versioned, payload, NULL, &ignored) == BM_OK && version_check(version, &ignored) != BM_OK)
        return version_check(version, fail);
    return rc != BM_OK ? rc : version_check(views[VERSION], fail);
}

/* 1 and 3 are the full form. 2 is the short one, without keys: this id was made by Microchip, and no more. */
static enum bm_rc
kind_take(struct bm_element *element, const struct bm_bytes *views, struct bm_fail *fail)
{
    const bool bare = bm_json_whole(views[VERSION]) == 2;

    if (bare && views[KEYS].p != NULL)
        return bm_fail(fail, BM_EINPUT, NULL, "it is of version 2, which lists no keys, and it has a publicKeySet");
    if (!bare && views[KEYS].p == NULL)
        return bm_fail(fail, BM_EINPUT, NULL, "the payload: \"publicKeySet\" is missing");
    element->leaf.kind = bare ? BM_LEAF_ID : BM_LEAF_KEYS;
    return BM_OK;
}

static void
labels_take(struct bm_element *element, struct bm_bytes part, struct bm_bytes day)
{
    struct bm_leaf *leaf = &element->leaf;

    (void)bm_leaf_label_add(leaf, BM_LABEL_DATE, BM_LABEL_SIGNED, day);
    (void)bm_leaf_label_add(leaf, BM_LABEL_MODEL, BM_LABEL_SIGNED, part);
    (void)bm_leaf_label_add(leaf, BM_LABEL_REEL, BM_LABEL_SIGNED, bm_bytes_str(element->group));
}

static enum bm_rc
words_take(struct bm_element *element, const struct bm_bytes *views, struct bm_fail *fail)
{
    char time[MAX_TIME + 1];
    enum bm_rc rc;

    for (size_t i = DISTRIBUTOR; i <= MODEL_INFO; i++)
        if ((rc = passed_check(element, views[i], fail)) != BM_OK)
            return rc;
    if ((rc = party_check(element, views[MANUFACTURER], fail)) != BM_OK || (rc = party_check(element, views[PROVISIONER], fail)) != BM_OK)
        return rc;
    string_take(time, views[TIME]);
    if ((rc = time_take(&element->time, time, fail)) != BM_OK) {
        bm_fail_prefix(fail, "its provisioningTimestamp");
        return rc;
    }
    string_take(element->leaf.id, views[ID]);
    if (!id_ok(element->leaf.id))
        return bm_fail(fail, BM_EINPUT, NULL, "its uniqueId is not lower-case hexadecimal");
    string_take(element->group, views[GROUP]);
    element->misspelt = views[DISTRIBUTER].p != NULL;
    labels_take(element, views[PART], bm_bytes(views[TIME].p, 10)); /* which was read as a time: its date */
    return BM_OK;
}

static enum bm_rc
members_take(struct bm_element *element, struct bm_bytes payload, struct bm_fail *fail)
{
    struct bm_bytes views[BM_JSON_MEMBERS] = { { .p = NULL } };
    enum bm_rc rc;

    if ((rc = bm_json_room(&element->room, payload, fail)) != BM_OK || (rc = payload_cut(element, views, payload, fail)) != BM_OK ||
        (rc = kind_take(element, views, fail)) != BM_OK || (rc = words_take(element, views, fail)) != BM_OK)
        return rc;
    return views[KEYS].p != NULL ? bm_element_keys_take(element, views[KEYS], fail) : BM_OK;
}

/* So large at once that nothing moves which a view looks at: certificates in base64 are longer than these. */
static enum bm_rc
certs_begin(struct bm_buf *certs, size_t n, struct bm_fail *fail)
{
    certs->max = BM_MAX_JSON;
    bm_buf_reset(certs);
    (void)bm_buf_grow(certs, n);
    certs->n = 0;
    return bm_buf_check(certs, "the payload", fail);
}

enum bm_rc
bm_element_parse(struct bm_element *element, struct bm_bytes payload, size_t first_hash, struct bm_fail *fail)
{
    enum bm_rc rc;

    if ((rc = certs_begin(&element->certs, payload.n, fail)) != BM_OK)
        return rc;
    element->nchains = 0;
    element->leaf.kind = BM_LEAF_KEYS;
    element->leaf.root = BM_ROOT_SECURE_ELEMENT;
    element->leaf.origin = BM_ORIGIN_UNSAID;
    element->leaf.id_source = BM_LABEL_SIGNED;
    element->leaf.nlabels = 0;
    element->leaf.nkeys = 0;
    element->leaf.nhashes = first_hash;
    return members_take(element, payload, fail);
}

void
bm_element_done(struct bm_element *element)
{
    bm_buf_done(&element->certs);
    bm_buf_done(&element->room);
}
