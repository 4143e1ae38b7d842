#include "evidence/cmc_inside.h"

/* TaggedAttribute with one value. */
static void
control_add(struct bm_buf *buf, uint64_t part, struct bm_bytes oid, struct bm_bytes value)
{
    size_t attr = bm_der_begin(buf, BM_DER_SEQUENCE), set;

    bm_der_add_uint(buf, BM_DER_INTEGER, part);
    bm_der_add(buf, BM_DER_OID, oid);
    set = bm_der_begin(buf, BM_DER_SET);
    bm_buf_add_bytes(buf, value);
    bm_der_end(buf, set);
    bm_der_end(buf, attr);
}

static void
pki_data_add(struct bm_buf *buf, struct bm_bytes csr, struct bm_bytes nonce, struct bm_bytes dice)
{
    bm_cleanup(bm_buf_done) struct bm_buf value = { .max = 256 };
    size_t all = bm_der_begin(buf, BM_DER_SEQUENCE), list, tcr;

    list = bm_der_begin(buf, BM_DER_SEQUENCE);
    bm_der_add(&value, BM_DER_OCTET_STRING, nonce);
    buf->bad |= value.bad;
    control_add(buf, 1, BM_OID(bm_oid_cmc_recipient_nonce), bm_buf_bytes(&value));
    if (dice.n > 0)
        control_add(buf, 3, BM_OID(bm_oid_cmc_dice), dice);
    bm_der_end(buf, list);
    list = bm_der_begin(buf, BM_DER_SEQUENCE);
    tcr = bm_der_begin(buf, BM_TAG_BODY);
    bm_der_add_uint(buf, BM_DER_INTEGER, 2);
    bm_buf_add_bytes(buf, csr);
    bm_der_end(buf, tcr);
    bm_der_end(buf, list);
    bm_der_end(buf, bm_der_begin(buf, BM_DER_SEQUENCE)); /* cmsSequence */
    bm_der_end(buf, bm_der_begin(buf, BM_DER_SEQUENCE)); /* otherMsgSequence */
    bm_der_end(buf, all);
}

static void
attr_add(struct bm_buf *buf, struct bm_bytes oid, unsigned tag, struct bm_bytes value)
{
    size_t attr = bm_der_begin(buf, BM_DER_SEQUENCE), set;

    bm_der_add(buf, BM_DER_OID, oid);
    set = bm_der_begin(buf, BM_DER_SET);
    bm_der_add(buf, tag, value);
    bm_der_end(buf, set);
    bm_der_end(buf, attr);
}

void
bm_cmc_prepare_dice(struct bm_buf *content, struct bm_buf *attrs, struct bm_bytes csr, struct bm_bytes nonce, struct bm_bytes dice,
                    enum bm_sig_alg alg)
{
    const struct bm_hash *hash = bm_hash_by_sig(alg);
    struct bm_fail ignored = { 0 }; /* told by the sticky error of attrs */
    struct bm_bytes bytes;
    uint8_t digest[BM_MAX_HASH];
    size_t set;

    pki_data_add(content, csr, nonce, dice);
    bytes = bm_buf_bytes(content);
    if (hash == NULL || content->bad || bm_hash_make(digest, hash, &bytes, 1, &ignored) != BM_OK) {
        attrs->bad = true;
        return;
    }
    set = bm_der_begin(attrs, BM_DER_SET); /* DER order: the shorter of the two first (30 17, 30 2f or more) */
    attr_add(attrs, BM_OID(bm_oid_content_type), BM_DER_OID, BM_OID(bm_oid_pki_data));
    attr_add(attrs, BM_OID(bm_oid_message_digest), BM_DER_OCTET_STRING, bm_bytes(digest, hash->n));
    bm_der_end(attrs, set);
}

void
bm_cmc_prepare(struct bm_buf *content, struct bm_buf *attrs, struct bm_bytes csr, struct bm_bytes nonce, enum bm_sig_alg alg)
{
    bm_cmc_prepare_dice(content, attrs, csr, nonce, bm_bytes(NULL, 0), alg);
}

static void
digest_alg_add(struct bm_buf *buf, enum bm_sig_alg alg)
{
    const struct bm_hash *hash = bm_hash_by_sig(alg);
    size_t at = bm_der_begin(buf, BM_DER_SEQUENCE);

    bm_der_add(buf, BM_DER_OID, hash != NULL ? hash->oid : bm_bytes(NULL, 0)); /* req: RFC5754 2 parameters are left out */
    bm_der_end(buf, at);
}

static void
signer_add(struct bm_buf *buf, struct bm_bytes attrs, const uint8_t ski[static 20], enum bm_sig_alg alg, struct bm_bytes signature)
{
    size_t signer = bm_der_begin(buf, BM_DER_SEQUENCE);

    bm_der_add_uint(buf, BM_DER_INTEGER, 3);
    bm_der_add(buf, BM_DER_CONTEXT(0), bm_bytes(ski, 20));
    digest_alg_add(buf, alg);
    bm_buf_add_u8(buf, BM_TAG_BODY); /* in place of tag 31 */
    bm_buf_add(buf, attrs.p + 1, attrs.n - 1);
    bm_sig_alg_add(buf, alg);
    bm_der_add(buf, BM_DER_OCTET_STRING, signature);
    bm_der_end(buf, signer);
}

/* ContentInfo { id-signedData, SignedData { 3, {digest}, { id-cct-PKIData, content }, { signer } } } */
void
bm_cmc_build_certs(struct bm_buf *buf, struct bm_bytes content, struct bm_bytes attrs, const uint8_t ski[static 20], enum bm_sig_alg alg,
                   struct bm_bytes signature, struct bm_bytes certs)
{
    size_t info = bm_der_begin(buf, BM_DER_SEQUENCE), wrap, data, at, inner;

    if (attrs.n == 0 || bm_hash_by_sig(alg) == NULL)
        buf->bad = true;
    if (buf->bad)
        return;
    bm_der_add(buf, BM_DER_OID, BM_OID(bm_oid_cms_signed_data));
    wrap = bm_der_begin(buf, BM_TAG_BODY);
    data = bm_der_begin(buf, BM_DER_SEQUENCE);
    bm_der_add_uint(buf, BM_DER_INTEGER, 3);
    at = bm_der_begin(buf, BM_DER_SET);
    digest_alg_add(buf, alg);
    bm_der_end(buf, at);
    at = bm_der_begin(buf, BM_DER_SEQUENCE);
    bm_der_add(buf, BM_DER_OID, BM_OID(bm_oid_pki_data));
    inner = bm_der_begin(buf, BM_TAG_BODY);
    bm_der_add(buf, BM_DER_OCTET_STRING, content);
    bm_der_end(buf, inner);
    bm_der_end(buf, at);
    if (certs.n > 0)
        bm_der_add(buf, BM_TAG_BODY, certs);
    at = bm_der_begin(buf, BM_DER_SET);
    signer_add(buf, attrs, ski, alg, signature);
    bm_der_end(buf, at);
    bm_der_end(buf, data);
    bm_der_end(buf, wrap);
    bm_der_end(buf, info);
}

void
bm_cmc_build(struct bm_buf *buf, struct bm_bytes content, struct bm_bytes attrs, const uint8_t ski[static 20], enum bm_sig_alg alg,
             struct bm_bytes signature)
{
    bm_cmc_build_certs(buf, content, attrs, ski, alg, signature, bm_bytes(NULL, 0));
}
