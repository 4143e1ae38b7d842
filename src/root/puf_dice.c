/* puf_dice.c - DICE on a PUF: the root key certifies DeviceID, DeviceID certifies Alias; what was measured moves these two and never the root key. */
#include "root/puf.h"

#include "pki/dice.h"
#include "wire/text.h"

#include <stdlib.h>

#define FIRMWARE "BM_PUF_FIRMWARE"

/* SHA-256 of the first mutable code and of what it started: a boot ROM would have measured them. */
struct measured {
    uint8_t first[BM_HASH], next[BM_HASH];
};

static enum bm_rc
measured_read(struct measured *ret, struct bm_fail *fail)
{
    const char *text = getenv(FIRMWARE);
    struct bm_fail why = { 0 };

    if (text == NULL)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "no firmware was measured, so there is no DeviceID: " FIRMWARE
                       " names SHA-256 of the first mutable code and of the next, HEX:HEX");
    if (strlen(text) != 4 * BM_HASH + 1 || text[2 * BM_HASH] != ':' ||
        bm_hex_parse(ret->first, BM_HASH, bm_bytes(text, 2 * BM_HASH), &why) != BM_OK ||
        bm_hex_parse(ret->next, BM_HASH, bm_bytes_str(text + 2 * BM_HASH + 1), &why) != BM_OK)
        return bm_fail(fail, BM_EINPUT, NULL, FIRMWARE " must be two SHA-256 in hexadecimal with ':' between them");
    return BM_OK;
}

/* A layer's compound device identifier: HMAC(the secret below it, what was measured above it). */
static void
compound(struct bm_secret *ret, const struct bm_secret *below, const uint8_t measured[static BM_HASH])
{
    bm_hmac256(ret->b, bm_bytes(below->b, below->n), bm_bytes(measured, BM_HASH));
    ret->n = BM_HASH;
}

struct keys {
    struct bm_private *root, *device, *alias;
};

static void
keys_done(struct keys *keys)
{
    bm_private_free(keys->root);
    bm_private_free(keys->device);
    bm_private_free(keys->alias);
}

static enum bm_rc
keys_make(struct keys *ret, const struct bm_puf *puf, const struct measured *measured, struct bm_fail *fail)
{
    BM_SECRET(secret);
    BM_SECRET(unique);
    BM_SECRET(first);
    BM_SECRET(next);
    enum bm_rc rc = bm_puf_secret(&secret, puf, false, fail);

    if (rc != BM_OK)
        return rc;
    unique.n = BM_HASH;
    bm_extractor_expand(unique.b, unique.n, &secret, "birthmark/puf/v1 unique device secret");
    compound(&first, &unique, measured->first);
    compound(&next, &first, measured->next);
    if ((rc = bm_puf_key(&ret->root, &secret, BM_PUF_ROOT_KEY, fail)) != BM_OK ||
        (rc = bm_puf_key(&ret->device, &first, "birthmark/puf/v1 DeviceID", fail)) != BM_OK)
        return rc;
    return bm_puf_key(&ret->alias, &next, "birthmark/puf/v1 Alias", fail);
}

static enum bm_rc
certify(struct bm_buf *certs, struct bm_private *issuer, const struct bm_private *subject, enum bm_dice_role role,
        const uint8_t measured[static BM_HASH], struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_CERT }, der = { .max = BM_MAX_CERT };
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE };
    enum bm_rc rc;

    if ((rc = bm_dice_tbs_build(&tbs, bm_private_public(issuer), bm_private_public(subject), role, measured, fail)) != BM_OK ||
        (rc = bm_private_sign(issuer, bm_buf_bytes(&tbs), &signature, fail)) != BM_OK)
        return rc;
    bm_signed_build(&der, bm_buf_bytes(&tbs), bm_private_alg(issuer), bm_buf_bytes(&signature));
    if ((rc = bm_buf_check(&der, "the certificate", fail)) != BM_OK)
        return rc;
    bm_buf_add_lv32(certs, bm_buf_bytes(&der));
    return bm_buf_check(certs, "the certificates", fail);
}

enum bm_rc
bm_puf_dice(struct bm_root *root, struct bm_bytes tbs, struct bm_buf *certs, enum bm_sig_alg *ret_alg, struct bm_buf *signature,
            struct bm_fail *fail)
{
    bm_cleanup(keys_done) struct keys keys = { 0 };
    struct measured measured;
    enum bm_rc rc;

    if ((rc = measured_read(&measured, fail)) != BM_OK || (rc = keys_make(&keys, bm_puf_of(root), &measured, fail)) != BM_OK ||
        (rc = certify(certs, keys.root, keys.device, BM_DICE_DEVICE_ID, measured.first, fail)) != BM_OK ||
        (rc = certify(certs, keys.device, keys.alias, BM_DICE_ALIAS, measured.next, fail)) != BM_OK)
        return rc;
    *ret_alg = bm_private_alg(keys.alias);
    return bm_private_sign(keys.alias, tbs, signature, fail);
}
