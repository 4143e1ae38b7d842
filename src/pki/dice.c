#include "pki/dice.h"

#include "pki/oid.h"
#include "pki/parts.h"
#include "wire/der.h"
#include "wire/text.h"

static const uint8_t tcb_info[] = { 0x67, 0x81, 0x05, 0x05, 0x04, 0x01 };            /* 2.23.133.5.4.1 tcg-dice-TcbInfo */
static const uint8_t identity_init[] = { 0x67, 0x81, 0x05, 0x05, 0x04, 0x64, 0x06 }; /* 2.23.133.5.4.100.6 tcg-dice-kp-identityInit */
static const uint8_t attest_init[] = { 0x67, 0x81, 0x05, 0x05, 0x04, 0x64, 0x08 };   /* 2.23.133.5.4.100.8 tcg-dice-kp-attestInit */
static const uint8_t eca[] = { 0x67, 0x81, 0x05, 0x05, 0x04, 0x64, 0x0c };           /* 2.23.133.5.4.100.12 tcg-dice-kp-eca */
const struct bm_bytes bm_oid_tcb_info = { .p = tcb_info, .n = sizeof(tcb_info) };

/* ---- TcbInfo ---- */

static struct bm_bytes
text_take(struct bm_rd *rd, unsigned number)
{
    return bm_der_peek(rd, BM_DER_CONTEXT(number)) ? bm_der_take(rd, BM_DER_CONTEXT(number)) : bm_bytes(NULL, 0);
}

static uint64_t
number_take(struct bm_rd *rd, unsigned number)
{
    return bm_der_peek(rd, BM_DER_CONTEXT(number)) ? bm_der_uint(rd, BM_DER_CONTEXT(number)) : 0;
}

static bool
fwids_take(struct bm_tcb_info *info, struct bm_rd *rd)
{
    struct bm_rd list;

    if (!bm_der_peek(rd, BM_DER_CONTEXT_CONSTRUCTED(6)))
        return true;
    list = bm_der_enter(rd, BM_DER_CONTEXT_CONSTRUCTED(6));
    while (!list.bad && list.left > 0) {
        struct bm_rd one = bm_der_enter(&list, BM_DER_SEQUENCE);
        struct bm_fwid *fwid = info->fwids + info->nfwids;

        if (info->nfwids == BM_MAX_FWIDS)
            return false;
        fwid->alg = bm_der_take(&one, BM_DER_OID);
        fwid->digest = bm_der_take(&one, BM_DER_OCTET_STRING);
        if (!bm_rd_end(&one) || fwid->alg.n == 0 || fwid->digest.n == 0)
            return false;
        info->nfwids++;
    }
    return bm_rd_end(&list) && info->nfwids > 0;
}

static bool
utf8_ok(struct bm_bytes text)
{
    for (size_t i = 0, n; i < text.n; i += n) {
        if ((n = bm_utf8_size(text.p + i, text.n - i)) == 0)
            return false;
    }
    return true;
}

enum bm_rc
bm_tcb_info_parse(struct bm_tcb_info *ret, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_tcb_info info = { .nfwids = 0 };
    struct bm_rd outer = bm_rd(der), rd = bm_der_enter(&outer, BM_DER_SEQUENCE);
    bool fwids;

    info.vendor = text_take(&rd, 0);
    info.model = text_take(&rd, 1);
    info.version = text_take(&rd, 2);
    info.svn = number_take(&rd, 3);
    info.layer = number_take(&rd, 4);
    info.index = number_take(&rd, 5);
    fwids = fwids_take(&info, &rd);
    info.flags = text_take(&rd, 7);
    info.vendor_info = text_take(&rd, 8);
    info.type = text_take(&rd, 9);
    info.flags_mask = text_take(&rd, 10);
    if (!fwids || !bm_rd_end(&rd) || !bm_rd_end(&outer) || !utf8_ok(info.vendor) || !utf8_ok(info.model) || !utf8_ok(info.version))
        return bm_fail(fail, BM_EINPUT, "TCG DICE TcbInfo", "the measurement in the certificate is malformed, or has fields unknown here");
    *ret = info;
    return BM_OK;
}

static void
text_add(struct bm_buf *buf, unsigned number, struct bm_bytes text)
{
    if (text.n > 0)
        bm_der_add(buf, BM_DER_CONTEXT(number), text);
}

static void
fwids_add(struct bm_buf *buf, const struct bm_tcb_info *info)
{
    size_t list = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(6));

    for (size_t i = 0; i < info->nfwids; i++) {
        size_t one = bm_der_begin(buf, BM_DER_SEQUENCE);

        bm_der_add(buf, BM_DER_OID, info->fwids[i].alg);
        bm_der_add(buf, BM_DER_OCTET_STRING, info->fwids[i].digest);
        bm_der_end(buf, one);
    }
    bm_der_end(buf, list);
}

void
bm_tcb_info_build(struct bm_buf *buf, const struct bm_tcb_info *info)
{
    size_t whole = bm_der_begin(buf, BM_DER_SEQUENCE);

    text_add(buf, 0, info->vendor);
    text_add(buf, 1, info->model);
    text_add(buf, 2, info->version);
    if (info->svn > 0)
        bm_der_add_uint(buf, BM_DER_CONTEXT(3), info->svn);
    bm_der_add_uint(buf, BM_DER_CONTEXT(4), info->layer);
    if (info->index > 0)
        bm_der_add_uint(buf, BM_DER_CONTEXT(5), info->index);
    if (info->nfwids > 0)
        fwids_add(buf, info);
    text_add(buf, 7, info->flags);
    text_add(buf, 8, info->vendor_info);
    text_add(buf, 9, info->type);
    text_add(buf, 10, info->flags_mask);
    bm_der_end(buf, whole);
}

/* ---- certificates ---- */

/* A key is called by the first 20 octets of its SHA-256. */
static void
name_of(struct bm_buf *name, const struct bm_key *key)
{
    char hex[2 * 20 + 1];

    bm_hex(hex, bm_bytes(key->hash, 20));
    bm_name_build(name, NULL, hex);
}

static void
constraints_add(struct bm_buf *buf)
{
    struct bm_extension extension = bm_extension_begin(buf, BM_OID(bm_oid_basic_constraints), true);
    size_t at = bm_der_begin(buf, BM_DER_SEQUENCE);

    bm_der_add_boolean(buf, true);
    bm_der_add_uint(buf, BM_DER_INTEGER, 0); /* Alias, and none below it */
    bm_der_end(buf, at);
    bm_extension_end(buf, extension);
}

static void
purposes_add(struct bm_buf *buf, enum bm_dice_role role)
{
    struct bm_extension extension = bm_extension_begin(buf, BM_OID(bm_oid_eku), false);
    size_t at = bm_der_begin(buf, BM_DER_SEQUENCE);

    bm_der_add(buf, BM_DER_OID, role == BM_DICE_DEVICE_ID ? BM_OID(identity_init) : BM_OID(attest_init));
    if (role == BM_DICE_DEVICE_ID)
        bm_der_add(buf, BM_DER_OID, BM_OID(eca));
    bm_der_end(buf, at);
    bm_extension_end(buf, extension);
}

/* Not critical: programs that check nothing but the path go on. */
static void
measurement_add(struct bm_buf *buf, enum bm_dice_role role, const uint8_t measured[static BM_HASH])
{
    struct bm_extension extension = bm_extension_begin(buf, bm_oid_tcb_info, false);
    const struct bm_tcb_info info = { .layer = role == BM_DICE_DEVICE_ID ? 0 : 1,
                                      .fwids[0] = { .alg = BM_OID(bm_oid_sha256), .digest = bm_bytes(measured, BM_HASH) },
                                      .nfwids = 1 };

    bm_tcb_info_build(buf, &info);
    bm_extension_end(buf, extension);
}

enum bm_rc
bm_dice_tbs_build(struct bm_buf *buf, const struct bm_key *issuer, const struct bm_key *subject, enum bm_dice_role role,
                  const uint8_t measured[static BM_HASH], struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf above = { .max = BM_MAX_DN }, name = { .max = BM_MAX_DN };
    struct bm_issuer by = { .alg = BM_SIG_ECDSA_SHA256, .crl_url = "", .not_after = BM_TIME_NEVER };
    uint8_t serial[BM_HASH];
    size_t tbs = bm_der_begin(buf, BM_DER_SEQUENCE), outer, at;
    struct bm_key key;
    enum bm_rc rc;

    name_of(&above, issuer);
    name_of(&name, subject);
    by.subject = bm_buf_bytes(&above);
    memcpy(by.key_id, bm_key_ski(issuer).octets, sizeof(by.key_id));
    bm_sha256_pieces(serial, (const struct bm_bytes[]){ bm_bytes(subject->hash, BM_HASH), bm_bytes(measured, BM_HASH) }, 2);
    serial[0] = (uint8_t)((serial[0] & 0x3f) | 0x40);
    if ((rc = bm_tbs_head_add(buf, &by, bm_buf_bytes(&name), bm_key_spki(subject), bm_bytes(serial, 16),
                              (const bm_time[]){ BM_CLOCK_FLOOR, BM_TIME_NEVER }, &key, fail)) != BM_OK)
        return rc;
    outer = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(3));
    at = bm_der_begin(buf, BM_DER_SEQUENCE);
    if (role == BM_DICE_DEVICE_ID)
        constraints_add(buf);
    bm_extension_key_usage(buf, role == BM_DICE_DEVICE_ID ? BM_KU_KEY_CERT_SIGN : BM_KU_DIGITAL_SIGNATURE);
    purposes_add(buf, role);
    measurement_add(buf, role, measured);
    bm_extension_ski(buf, bm_key_ski(&key).octets);
    bm_extension_aki(buf, by.key_id);
    bm_der_end(buf, at);
    bm_der_end(buf, outer);
    bm_der_end(buf, tbs);
    return bm_buf_check(buf, "the certificate", fail);
}
