/* element_keys.c - the keys of one chip, and the certificates beside them: JWKs with x5c (RFC 7517). */
#include "lot/element_keys.h"

#include "wire/json_cut.h"
#include "wire/text.h"

#define P256 32

static const struct bm_json_shape key_set = { .what = "publicKeySet", .member = { { "keys", BM_JSON_LIST, 0, false } } };

enum {
    KID,
    KTY,
    CRV,
    X,
    Y,
    X5C,
    KEY_MEMBERS
};
static const struct bm_json_shape jwk = { .what = "key",
                                          .member = { [KID] = { "kid", BM_JSON_STRING, 16, false },
                                                      [KTY] = { "kty", BM_JSON_STRING, 16, false },
                                                      [CRV] = { "crv", BM_JSON_STRING, 16, false },
                                                      [X] = { "x", BM_JSON_STRING, 64, false },
                                                      [Y] = { "y", BM_JSON_STRING, 64, false },
                                                      [X5C] = { "x5c", BM_JSON_LIST, 0, true } } };

static bool
is(struct bm_bytes text, const char *word)
{
    return bm_bytes_equal(text, bm_bytes_str(word));
}

/* ---- points ---- */

/* SubjectPublicKeyInfo of P-256 up to the two coordinates: id-ecPublicKey, prime256v1, BIT STRING, uncompressed. */
static const uint8_t spki_head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                                     0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04 };

static enum bm_rc
point_take(struct bm_key *ret, struct bm_bytes x, struct bm_bytes y, struct bm_fail *fail)
{
    uint8_t spki[sizeof(spki_head) + 2 * P256];
    const struct bm_bytes text[] = { x, y };

    memcpy(spki, spki_head, sizeof(spki_head));
    for (size_t i = 0; i < BM_COUNT(text); i++) {
        struct bm_buf coordinate = bm_buf_in(spki + sizeof(spki_head) + i * P256, P256);

        /* req: RFC7518 6.2.1.2 a coordinate has all octets of the field */
        if (bm_b64_parse(&coordinate, BM_B64_URL, text[i], fail) != BM_OK || coordinate.n != P256)
            return bm_fail(fail, BM_EINPUT, "RFC 7518 6.2.1.2", "a coordinate of its key is not %d bytes in base64url", P256);
    }
    return bm_key_parse(ret, bm_bytes(spki, sizeof(spki)), fail);
}

/* ---- certificates ---- */

/* The chip's own certificate is about the key beside it. */
static enum bm_rc
device_take(struct bm_element *element, struct bm_cert *cert, struct bm_bytes der, const struct bm_key *key, struct bm_fail *fail)
{
    struct bm_leaf *leaf = &element->leaf;
    enum bm_rc rc;

    if ((rc = bm_cert_parse(cert, der, fail)) != BM_OK) {
        bm_fail_prefix(fail, "its certificate");
        return rc;
    }
    /* req: RFC7517 4.7 the key in the first certificate is the key of the JWK */
    if (memcmp(cert->key.hash, key->hash, BM_HASH) != 0)
        return bm_fail(fail, BM_EPOLICY, "RFC 7517 4.7", "the key in its certificate is not the key beside it");
    bm_sha256(leaf->hashes[leaf->nhashes++], der);
    return BM_OK;
}

static enum bm_rc
chain_take(struct bm_element *element, const struct bm_key *key, struct bm_bytes x5c, struct bm_fail *fail)
{
    struct bm_element_chain *chain = &element->chain[element->nchains];
    struct bm_bytes text[BM_MAX_ELEMENT_CHAIN];
    size_t n = 0;
    enum bm_rc rc;

    if ((rc = bm_json_cut_list(text, &n, BM_COUNT(text), BM_JSON_STRING, x5c, "x5c", &element->room, fail)) != BM_OK || n == 0)
        return rc;
    if (element->leaf.nhashes == BM_MAX_CHIP_HASHES)
        return bm_fail(fail, BM_EINPUT, NULL, "it has more than %d certificates", BM_MAX_CHIP_HASHES - 1);
    chain->nbetween = 0;
    for (size_t i = 0; i < n && rc == BM_OK; i++) {
        const size_t at = element->certs.n;
        struct bm_bytes der;

        /* req: RFC7515 4.1.6 standard base64, inside a document that is base64url everywhere else */
        if ((rc = bm_b64_parse(&element->certs, BM_B64_STD, text[i], fail)) != BM_OK)
            return rc;
        der = bm_bytes(element->certs.p + at, element->certs.n - at);
        if (i == 0)
            rc = device_take(element, &chain->device, der, key, fail);
        else
            chain->between[chain->nbetween++] = der;
    }
    element->nchains++;
    return rc;
}

/* ---- keys ---- */

/* The key's number in the chip: its slot. */
static bool
slot_ok(struct bm_bytes kid)
{
    for (size_t i = 0; i < kid.n; i++)
        if (kid.p[i] < '0' || kid.p[i] > '9')
            return false;
    return kid.n >= 1 && kid.n <= 3 && (kid.n == 1 || kid.p[0] != '0');
}

static enum bm_rc
key_take(struct bm_element *element, struct bm_bytes object, struct bm_bytes *ret_slot, struct bm_fail *fail)
{
    struct bm_leaf_key *key = &element->leaf.keys[element->leaf.nkeys];
    struct bm_bytes views[KEY_MEMBERS];
    enum bm_rc rc;

    if ((rc = bm_json_cut(views, &jwk, object, &element->room, fail)) != BM_OK)
        return rc;
    if (!slot_ok(views[KID]) || !is(views[KTY], "EC") || !is(views[CRV], "P-256"))
        return bm_fail(fail, BM_EINPUT, NULL, "one of its keys is not a P-256 key in a numbered slot");
    if ((rc = point_take(&key->key, views[X], views[Y], fail)) != BM_OK ||
        (views[X5C].p != NULL && (rc = chain_take(element, &key->key, views[X5C], fail)) != BM_OK)) {
        bm_fail_prefix(fail, "slot %.*s", (int)views[KID].n, (const char *)views[KID].p);
        return rc;
    }
    key->use = BM_USE_SIGN;
    element->leaf.nkeys++;
    *ret_slot = views[KID];
    return BM_OK;
}

enum bm_rc
bm_element_keys_take(struct bm_element *element, struct bm_bytes set, struct bm_fail *fail)
{
    struct bm_bytes list, object[BM_MAX_CHIP_KEYS], slot[BM_MAX_CHIP_KEYS];
    size_t n = 0;
    enum bm_rc rc;

    if ((rc = bm_json_cut(&list, &key_set, set, &element->room, fail)) != BM_OK ||
        (rc = bm_json_cut_list(object, &n, BM_COUNT(object), BM_JSON_OBJECT, list, "list of keys", &element->room, fail)) != BM_OK)
        return rc;
    if (n == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "it lists no keys");
    for (size_t i = 0; i < n; i++) {
        if ((rc = key_take(element, object[i], &slot[i], fail)) != BM_OK)
            return rc;
        for (size_t k = 0; k < i; k++)
            if (bm_bytes_equal(slot[k], slot[i]))
                return bm_fail(fail, BM_EINPUT, NULL, "two of its keys are said to be in one slot");
    }
    return BM_OK;
}
