#include "lot/secure_element.h"

#include "wire/text.h"

#include <stdio.h>

#define VERSION 1
#define MAX_CHAIN 4
#define P256 32

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
party_take(json_t *object, const char *what, struct bm_fail *fail)
{
    struct bm_json_in in = bm_json_in(object, what, fail);

    (void)bm_json_str(&in, "organizationName", 256);
    (void)bm_json_str(&in, "organizationalUnitName", 256);
    return bm_json_in_end(&in);
}

/* SubjectPublicKeyInfo of P-256 up to the two coordinates: id-ecPublicKey, prime256v1, BIT STRING, uncompressed. */
static const uint8_t spki_head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                                     0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04 };

static enum bm_rc
point_take(struct bm_key *ret, const char *x, const char *y, struct bm_fail *fail)
{
    uint8_t spki[sizeof(spki_head) + 2 * P256];
    bm_cleanup(bm_buf_done) struct bm_buf point = { .max = 4 * P256 };
    enum bm_rc rc;

    if ((rc = bm_b64_parse(&point, BM_B64_URL, bm_bytes_str(x), fail)) != BM_OK)
        return rc;
    if (point.n == P256 && (rc = bm_b64_parse(&point, BM_B64_URL, bm_bytes_str(y), fail)) != BM_OK)
        return rc;
    /* req: RFC7518 6.2.1.2 a coordinate has all octets of the field */
    if (point.n != 2 * P256)
        return bm_fail(fail, BM_EINPUT, "RFC 7518 6.2.1.2", "a coordinate of its key is not %d bytes", P256);
    memcpy(spki, spki_head, sizeof(spki_head));
    memcpy(spki + sizeof(spki_head), point.p, point.n);
    return bm_key_parse(ret, bm_bytes(spki, sizeof(spki)), fail);
}

/* The chip's own certificate is about the key beside it. */
static enum bm_rc
device_cert_check(struct bm_element *element, struct bm_bytes der, const struct bm_key *key, struct bm_fail *fail)
{
    struct bm_leaf *leaf = &element->leaf;
    struct bm_cert cert;
    enum bm_rc rc;

    if ((rc = bm_cert_parse(&cert, der, fail)) != BM_OK) {
        bm_fail_prefix(fail, "its certificate");
        return rc;
    }
    /* req: RFC7517 4.7 the key in the first certificate is the key of the JWK */
    if (memcmp(cert.key.hash, key->hash, BM_HASH) != 0)
        return bm_fail(fail, BM_EPOLICY, "RFC 7517 4.7", "the key in its certificate is not the key beside it");
    if (leaf->nhashes == BM_MAX_CHIP_HASHES)
        return bm_fail(fail, BM_EINPUT, NULL, "it has more than %d certificates", BM_MAX_CHIP_HASHES - 1);
    bm_sha256(leaf->hashes[leaf->nhashes++], der);
    return BM_OK;
}

static enum bm_rc
chain_take(struct bm_element *element, size_t key, json_t *x5c, struct bm_fail *fail)
{
    for (size_t i = 0; i < json_array_size(x5c); i++) {
        json_t *item = json_array_get(x5c, i);
        struct bm_element_cert *cert = &element->cert[element->ncerts];
        enum bm_rc rc;

        if (!json_is_string(item) || element->ncerts == BM_COUNT(element->cert))
            return bm_fail(fail, BM_EINPUT, "RFC 7517 4.7", "its x5c is not a short list of certificates in base64");
        *cert = (struct bm_element_cert){ .at = element->certs.n, .key = key, .device = i == 0 };
        /* req: RFC7515 4.1.6 standard base64, inside a document that is base64url everywhere else */
        rc = bm_b64_parse(&element->certs, BM_B64_STD, bm_bytes(json_string_value(item), json_string_length(item)), fail);
        if (rc != BM_OK)
            return rc;
        cert->n = element->certs.n - cert->at;
        element->ncerts++;
        rc = cert->device ? device_cert_check(element, bm_element_cert(element, element->ncerts - 1), &element->leaf.keys[key].key, fail)
                          : BM_OK;
        if (rc != BM_OK)
            return rc;
    }
    return BM_OK;
}

/* The key's number in the chip: its slot. */
static bool
slot_ok(const char *kid)
{
    size_t n = strlen(kid);

    return n >= 1 && n <= 3 && strspn(kid, "0123456789") == n && (n == 1 || kid[0] != '0');
}

static enum bm_rc
key_take(struct bm_element *element, json_t *object, struct bm_fail *fail)
{
    struct bm_leaf_key *key = &element->leaf.keys[element->leaf.nkeys];
    struct bm_json_in in = bm_json_in(object, "key", fail);
    const char *kid = bm_json_str(&in, "kid", 16), *kty = bm_json_str(&in, "kty", 16), *crv = bm_json_str(&in, "crv", 16);
    const char *x = bm_json_str(&in, "x", 64), *y = bm_json_str(&in, "y", 64);
    json_t *x5c = json_object_get(in.object, "x5c") != NULL ? bm_json_array(&in, "x5c", MAX_CHAIN) : NULL;
    enum bm_rc rc;

    if ((rc = bm_json_in_end(&in)) != BM_OK)
        return rc;
    if (!slot_ok(kid) || strcmp(kty, "EC") != 0 || strcmp(crv, "P-256") != 0)
        return bm_fail(fail, BM_EINPUT, NULL, "one of its keys is not a P-256 key in a numbered slot");
    if ((rc = point_take(&key->key, x, y, fail)) != BM_OK) {
        bm_fail_prefix(fail, "slot %s", kid);
        return rc;
    }
    key->use = BM_USE_SIGN;
    if ((rc = chain_take(element, element->leaf.nkeys, x5c, fail)) != BM_OK) {
        bm_fail_prefix(fail, "slot %s", kid);
        return rc;
    }
    element->leaf.nkeys++;
    return BM_OK;
}

static bool
slots_differ(json_t *keys)
{
    for (size_t i = 0; i < json_array_size(keys); i++)
        for (size_t k = i + 1; k < json_array_size(keys); k++)
            if (json_equal(json_object_get(json_array_get(keys, i), "kid"), json_object_get(json_array_get(keys, k), "kid")))
                return false;
    return true;
}

static enum bm_rc
keys_take(struct bm_element *element, json_t *set, struct bm_fail *fail)
{
    struct bm_json_in in = bm_json_in(set, "publicKeySet", fail);
    json_t *keys = bm_json_array(&in, "keys", BM_MAX_CHIP_KEYS);
    enum bm_rc rc;

    if ((rc = bm_json_in_end(&in)) != BM_OK)
        return rc;
    if (json_array_size(keys) == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "it lists no keys");
    for (size_t i = 0; i < json_array_size(keys); i++)
        if ((rc = key_take(element, json_array_get(keys, i), fail)) != BM_OK)
            return rc;
    if (!slots_differ(keys))
        return bm_fail(fail, BM_EINPUT, NULL, "two of its keys are said to be in one slot");
    return BM_OK;
}

/* Lower-case hex, as Microchip writes it: another spelling would be another label. */
static bool
id_ok(const char *id)
{
    size_t n = strlen(id);

    return n >= 2 && n <= BM_MAX_ID && n % 2 == 0 && strspn(id, "0123456789abcdef") == n;
}

/* Members that Microchip documents and that say nothing to us: read over. Every other one refuses. */
static void
others_take(struct bm_element *element, struct bm_json_in *in)
{
    static const char *const known[] = { "distributor", "distributer", "encryptedSecretKeySet", "modelInfo" };

    for (size_t i = 0; i < BM_COUNT(known); i++)
        if (json_object_get(in->object, known[i]) != NULL)
            (void)bm_json_object(in, known[i]);
    element->misspelt = json_object_get(in->object, "distributer") != NULL;
}

/* 1 and 3 are the full form. 2 is the short one: this id was made by Microchip, and no more. */
static enum bm_rc
version_take(struct bm_element *element, struct bm_json_in *in, struct bm_fail *fail)
{
    uint64_t version = bm_json_u64(in, "version", 0, INT64_MAX);

    if (in->bad)
        return BM_OK; /* said at the end of the members */
    if (version < 1 || version > 3)
        return bm_fail(fail, BM_EINPUT, NULL, "it is of version %llu: 1, 2 and 3 of Microchip's manifest are read here",
                       (unsigned long long)version);
    element->leaf.kind = version == 2 ? BM_LEAF_ID : BM_LEAF_KEYS;
    return BM_OK;
}

static void
labels_take(struct bm_element *element, const char *part)
{
    struct bm_leaf *leaf = &element->leaf;
    char day[BM_TIME_TEXT];

    bm_time_print(day, element->time);
    (void)bm_leaf_label_add(leaf, BM_LABEL_DATE, BM_LABEL_SIGNED, bm_bytes(day, 10));
    (void)bm_leaf_label_add(leaf, BM_LABEL_MODEL, BM_LABEL_SIGNED, bm_bytes_str(part));
    (void)bm_leaf_label_add(leaf, BM_LABEL_REEL, BM_LABEL_SIGNED, bm_bytes_str(element->group));
}

static enum bm_rc
members_take(struct bm_element *element, struct bm_fail *fail)
{
    struct bm_json_in in = bm_json_in(element->json, "payload", fail);
    json_t *manufacturer, *provisioner, *keys = NULL;
    const char *time, *id, *part;
    enum bm_rc rc;

    if ((rc = version_take(element, &in, fail)) != BM_OK)
        return rc;
    (void)bm_json_str(&in, "model", 64);
    part = bm_json_str(&in, "partNumber", 64);
    manufacturer = bm_json_object(&in, "manufacturer");
    provisioner = bm_json_object(&in, "provisioner");
    others_take(element, &in);
    element->group = bm_json_str(&in, "groupId", BM_MAX_NAME);
    time = bm_json_str(&in, "provisioningTimestamp", 40);
    id = bm_json_str(&in, "uniqueId", BM_MAX_ID);
    if (element->leaf.kind == BM_LEAF_KEYS)
        keys = bm_json_object(&in, "publicKeySet");
    if ((rc = bm_json_in_end(&in)) != BM_OK || (rc = party_take(manufacturer, "manufacturer", fail)) != BM_OK ||
        (rc = party_take(provisioner, "provisioner", fail)) != BM_OK)
        return rc;
    if ((rc = time_take(&element->time, time, fail)) != BM_OK) {
        bm_fail_prefix(fail, "its provisioningTimestamp");
        return rc;
    }
    if (!id_ok(id))
        return bm_fail(fail, BM_EINPUT, NULL, "its uniqueId is not lower-case hexadecimal");
    (void)snprintf(element->leaf.id, sizeof(element->leaf.id), "%s", id);
    labels_take(element, part);
    return keys != NULL ? keys_take(element, keys, fail) : BM_OK;
}

enum bm_rc
bm_element_parse(struct bm_element *element, struct bm_bytes payload, size_t first_hash, struct bm_fail *fail)
{
    enum bm_rc rc;

    json_decref(element->json);
    element->json = NULL;
    element->certs.max = BM_MAX_JSON;
    bm_buf_reset(&element->certs);
    element->ncerts = 0;
    element->leaf.kind = BM_LEAF_KEYS;
    element->leaf.root = BM_ROOT_SECURE_ELEMENT;
    element->leaf.origin = BM_ORIGIN_UNSAID;
    element->leaf.id_source = BM_LABEL_SIGNED;
    element->leaf.nlabels = 0;
    element->leaf.nkeys = 0;
    element->leaf.nhashes = first_hash;
    if ((rc = bm_json_parse(&element->json, payload, BM_MAX_JSON, fail)) != BM_OK)
        return rc;
    return members_take(element, fail);
}

struct bm_bytes
bm_element_cert(const struct bm_element *element, size_t i)
{
    return bm_bytes(element->certs.p + element->cert[i].at, element->cert[i].n);
}

void
bm_element_done(struct bm_element *element)
{
    json_decref(element->json);
    element->json = NULL;
    bm_buf_done(&element->certs);
}
