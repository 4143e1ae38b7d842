#include "pki/ocsp.h"

#include "pki/oid.h"
#include "wire/der.h"

/* ---- questions ---- */

static void
id_take(struct bm_rd *rd, struct bm_ocsp_id *ret_id)
{
    struct bm_rd whole, in, algorithm;
    struct bm_bytes oid;

    ret_id->der = bm_der_raw(rd, BM_DER_SEQUENCE);
    whole = bm_rd(ret_id->der);
    in = bm_der_enter(&whole, BM_DER_SEQUENCE);
    algorithm = bm_der_enter(&in, BM_DER_SEQUENCE);
    oid = bm_der_take(&algorithm, BM_DER_OID);
    if (algorithm.left > 0)
        bm_der_null(&algorithm);
    ret_id->name_hash = bm_der_take(&in, BM_DER_OCTET_STRING);
    ret_id->key_hash = bm_der_take(&in, BM_DER_OCTET_STRING);
    ret_id->serial = bm_der_positive(&in);
    ret_id->hash = bm_bytes_equal(oid, BM_OID(bm_oid_sha1)) ? BM_SHA1 : bm_bytes_equal(oid, BM_OID(bm_oid_sha256)) ? BM_HASH : 0;
    if (!bm_rd_end(&algorithm) || !bm_rd_end(&in) || ret_id->serial.n > BM_MAX_SERIAL || ret_id->name_hash.n != ret_id->key_hash.n ||
        ret_id->name_hash.n < BM_SHA1 || ret_id->name_hash.n > 64 || (ret_id->hash != 0 && ret_id->name_hash.n != ret_id->hash))
        rd->bad = true;
}

/* req: RFC9654 2.1 a nonce of 1 to 128 octets is well-formed; of 16 to 32 octets it is answered */
static struct bm_bytes
nonce_read(struct bm_rd *rd, struct bm_bytes value)
{
    struct bm_rd in = bm_rd(value);
    struct bm_bytes nonce = bm_der_take(&in, BM_DER_OCTET_STRING);

    if (!bm_rd_end(&in) || nonce.n == 0 || nonce.n > 128)
        rd->bad = true;
    return nonce.n < BM_OCSP_NONCE_LEAST || nonce.n > BM_OCSP_NONCE ? bm_bytes(NULL, 0) : nonce;
}

/* [n] EXPLICIT Extensions, where there are any. ret_nonce NULL: a nonce is none of theirs. */
static void
extensions_take(struct bm_rd *rd, unsigned tag, struct bm_bytes *ret_nonce)
{
    struct bm_rd outer, list;
    bool had = false;

    if (rd->bad || rd->left == 0)
        return;
    outer = bm_der_enter(rd, tag);
    list = bm_der_enter(&outer, BM_DER_SEQUENCE);
    if (list.left == 0)
        rd->bad = true;
    while (!list.bad && list.left > 0) {
        struct bm_rd extension = bm_der_enter(&list, BM_DER_SEQUENCE);
        struct bm_bytes oid = bm_der_take(&extension, BM_DER_OID), value;
        bool critical = bm_der_peek(&extension, BM_DER_BOOLEAN) && bm_der_boolean(&extension), nonce;

        value = bm_der_take(&extension, BM_DER_OCTET_STRING);
        nonce = ret_nonce != NULL && bm_bytes_equal(oid, BM_OID(bm_oid_ocsp_nonce));
        if (!bm_rd_end(&extension) || (nonce && had) || (critical && !nonce)) {
            rd->bad = true;
            return;
        }
        if (nonce)
            *ret_nonce = nonce_read(rd, value);
        had |= nonce;
    }
    if (!bm_rd_end(&list) || !bm_rd_end(&outer))
        rd->bad = true;
}

static void
ids_take(struct bm_rd *rd, struct bm_ocsp_question *ret_question)
{
    struct bm_rd list = bm_der_enter(rd, BM_DER_SEQUENCE);

    while (!list.bad && list.left > 0) {
        struct bm_rd one = bm_der_enter(&list, BM_DER_SEQUENCE);

        if (ret_question->n == BM_OCSP_MOST) {
            rd->bad = true;
            return;
        }
        id_take(&one, &ret_question->id[ret_question->n++]);
        extensions_take(&one, BM_DER_CONTEXT_CONSTRUCTED(0), NULL);
        list.bad |= !bm_rd_end(&one);
    }
    if (!bm_rd_end(&list) || ret_question->n == 0)
        rd->bad = true;
}

/* req: RFC6960 4.1.1 version 1 is the default, and so left out in DER; a signature is for responders that ask who asks */
enum bm_rc
bm_ocsp_parse(struct bm_ocsp_question *ret_question, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_ocsp_question question = { .n = 0 };
    struct bm_rd whole = bm_rd(der), request, tbs;

    if (der.n > BM_OCSP_QUESTION)
        return bm_fail(fail, BM_EINPUT, "RFC 6960 4.1.1", "the question has %zu bytes, more than %d", der.n, BM_OCSP_QUESTION);
    request = bm_der_enter(&whole, BM_DER_SEQUENCE);
    tbs = bm_der_enter(&request, BM_DER_SEQUENCE);
    if (bm_der_peek(&tbs, BM_DER_CONTEXT_CONSTRUCTED(1))) {
        struct bm_rd requestor = bm_der_enter(&tbs, BM_DER_CONTEXT_CONSTRUCTED(1));

        (void)bm_der_any(&requestor, NULL);
        tbs.bad |= !bm_rd_end(&requestor);
    }
    ids_take(&tbs, &question);
    extensions_take(&tbs, BM_DER_CONTEXT_CONSTRUCTED(2), &question.nonce);
    if (bm_der_peek(&request, BM_DER_CONTEXT_CONSTRUCTED(0)))
        (void)bm_der_raw(&request, BM_DER_CONTEXT_CONSTRUCTED(0));
    if (!bm_rd_end(&tbs) || !bm_rd_end(&request) || !bm_rd_end(&whole))
        return bm_fail(fail, BM_EINPUT, "RFC 6960 4.1.1", "the question is no OCSPRequest in DER about 1 to %d certificates", BM_OCSP_MOST);
    *ret_question = question;
    return BM_OK;
}

/* ---- whose ---- */

void
bm_ocsp_issuer_init(struct bm_ocsp_issuer *ret_issuer, const struct bm_cert *ca)
{
    const struct bm_bytes named[2] = { ca->subject, bm_bytes(ca->key.spki + ca->key.at_bits, ca->key.nbits) };

    for (size_t i = 0; i < 2; i++) {
        bm_sha1(ret_issuer->sha1[i], named[i]);
        bm_sha256(ret_issuer->sha256[i], named[i]);
    }
}

bool
bm_ocsp_issuer_is(const struct bm_ocsp_issuer *issuer, const struct bm_ocsp_id *id)
{
    const uint8_t *name = id->hash == BM_SHA1 ? issuer->sha1[0] : issuer->sha256[0];
    const uint8_t *key = id->hash == BM_SHA1 ? issuer->sha1[1] : issuer->sha256[1];

    return id->hash != 0 && bm_bytes_equal(id->name_hash, bm_bytes(name, id->hash)) &&
           bm_bytes_equal(id->key_hash, bm_bytes(key, id->hash));
}

/* ---- answers ---- */

/* CertStatus: good [0] NULL, revoked [1] { time, [0] reason }, unknown [2] NULL */
static void
add_status(struct bm_buf *buf, const struct bm_ocsp_answer *answer)
{
    size_t revoked, reason;

    if (answer->status != BM_OCSP_REVOKED) {
        bm_der_add(buf, answer->status == BM_OCSP_GOOD ? BM_DER_CONTEXT(0) : BM_DER_CONTEXT(2), bm_bytes(NULL, 0));
        return;
    }
    revoked = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(1));
    bm_der_add_general_time(buf, answer->revoked);
    if (answer->reason != 0) {
        reason = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(0));
        bm_der_add_uint(buf, BM_DER_ENUMERATED, answer->reason);
        bm_der_end(buf, reason);
    }
    bm_der_end(buf, revoked);
}

/* SingleResponse */
static void
add_answer(struct bm_buf *buf, const struct bm_ocsp_answer *answer)
{
    size_t single = bm_der_begin(buf, BM_DER_SEQUENCE), next;

    bm_buf_add_bytes(buf, answer->id);
    add_status(buf, answer);
    bm_der_add_general_time(buf, answer->this_update);
    next = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(0));
    bm_der_add_general_time(buf, answer->next_update);
    bm_der_end(buf, next);
    bm_der_end(buf, single);
}

static void
add_nonce(struct bm_buf *buf, struct bm_bytes nonce)
{
    size_t outer = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(1)), list = bm_der_begin(buf, BM_DER_SEQUENCE);
    size_t extension = bm_der_begin(buf, BM_DER_SEQUENCE), value;

    bm_der_add(buf, BM_DER_OID, BM_OID(bm_oid_ocsp_nonce));
    value = bm_der_begin(buf, BM_DER_OCTET_STRING);
    bm_der_add(buf, BM_DER_OCTET_STRING, nonce);
    bm_der_end(buf, value);
    bm_der_end(buf, extension);
    bm_der_end(buf, list);
    bm_der_end(buf, outer);
}

enum bm_rc
bm_ocsp_tbs_build(struct bm_buf *buf, const struct bm_key *responder, bm_time produced, const struct bm_ocsp_answer *answers, size_t n,
                  struct bm_bytes nonce, struct bm_fail *fail)
{
    size_t data = bm_der_begin(buf, BM_DER_SEQUENCE), at;

    for (size_t i = 0; i < n; i++)
        if (answers[i].next_update < answers[i].this_update || answers[i].this_update > produced)
            return bm_fail(fail, BM_EBUG, "RFC 6960 4.2.2.1", "an answer would be out of date when it is made");
    /* req: RFC6960 4.2.2.3 the responder by its key's SHA-1, as in its subjectKeyIdentifier */
    at = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(2));
    bm_der_add(buf, BM_DER_OCTET_STRING, bm_bytes(bm_key_ski(responder).octets, BM_SHA1));
    bm_der_end(buf, at);
    bm_der_add_general_time(buf, produced);
    at = bm_der_begin(buf, BM_DER_SEQUENCE);
    for (size_t i = 0; i < n; i++)
        add_answer(buf, &answers[i]);
    bm_der_end(buf, at);
    if (nonce.n > 0)
        add_nonce(buf, nonce);
    bm_der_end(buf, data);
    return bm_buf_check(buf, "the answer about certificates", fail);
}

/* OCSPResponse { successful, [0] { id-pkix-ocsp-basic, OCTET STRING { BasicOCSPResponse } } } */
void
bm_ocsp_build(struct bm_buf *buf, struct bm_bytes tbs, enum bm_sig_alg alg, struct bm_bytes signature, struct bm_bytes certificate)
{
    size_t response = bm_der_begin(buf, BM_DER_SEQUENCE), outer, bytes, octets, basic, certs, list;

    bm_der_add_uint(buf, BM_DER_ENUMERATED, 0);
    outer = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(0));
    bytes = bm_der_begin(buf, BM_DER_SEQUENCE);
    bm_der_add(buf, BM_DER_OID, BM_OID(bm_oid_ocsp_basic));
    octets = bm_der_begin(buf, BM_DER_OCTET_STRING);
    basic = bm_der_begin(buf, BM_DER_SEQUENCE);
    bm_buf_add_bytes(buf, tbs);
    bm_sig_alg_add(buf, alg);
    bm_der_add_bits(buf, signature);
    certs = bm_der_begin(buf, BM_DER_CONTEXT_CONSTRUCTED(0));
    list = bm_der_begin(buf, BM_DER_SEQUENCE);
    bm_buf_add_bytes(buf, certificate);
    bm_der_end(buf, list);
    bm_der_end(buf, certs);
    bm_der_end(buf, basic);
    bm_der_end(buf, octets);
    bm_der_end(buf, bytes);
    bm_der_end(buf, outer);
    bm_der_end(buf, response);
}

void
bm_ocsp_error_build(struct bm_buf *buf, enum bm_ocsp_error error)
{
    size_t response = bm_der_begin(buf, BM_DER_SEQUENCE);

    bm_der_add_uint(buf, BM_DER_ENUMERATED, (uint64_t)error);
    bm_der_end(buf, response);
}
