#include "lot/csv_signature.h"

#include "pki/detached.h"
#include "pki/raw.h"
#include "wire/json.h"
#include "wire/text.h"

#include <stdio.h>

#define CLOCKS_DIFFER 86400      /* seconds that a chipmaker's clock may be ahead of ours */
#define MAX_JWS_FILE (64u << 20) /* bytes: written out in base64url to be verified */
#define MAX_JWS 2048             /* characters without the payload */
#define ES256 64                 /* r and s */

/* The protected header: alg and x5t#S256, typ and kid if they like; anything else may change what is signed ("b64", "crit"), and refuses. */
static enum bm_rc
header_take(struct bm_bytes text, uint8_t ret_hash[static BM_HASH], struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf decoded = { .max = MAX_JWS }, hash = { .max = MAX_JWS };
    bm_cleanup(json_decrefp) json_t *object = NULL;
    const char *alg, *x5t;
    struct bm_json_in in;
    enum bm_rc rc;

    if ((rc = bm_b64_parse(&decoded, BM_B64_URL, text, fail)) != BM_OK ||
        (rc = bm_json_parse(&object, bm_buf_bytes(&decoded), MAX_JWS, fail)) != BM_OK)
        return rc;
    in = bm_json_in(object, "signature's header", fail);
    alg = bm_json_str(&in, "alg", 16);
    x5t = bm_json_str(&in, "x5t#S256", 64);
    if (json_object_get(object, "typ") != NULL)
        (void)bm_json_str(&in, "typ", 64);
    if (json_object_get(object, "kid") != NULL)
        (void)bm_json_str(&in, "kid", 128);
    if ((rc = bm_json_in_end(&in)) != BM_OK)
        return rc;
    if (strcmp(alg, "ES256") != 0)
        return bm_fail(fail, BM_EPOLICY, "RFC 8725 3.1",
                       "the signature beside the file says another algorithm than ES256, the only one taken");
    if ((rc = bm_b64_parse(&hash, BM_B64_URL, bm_bytes_str(x5t), fail)) != BM_OK || hash.n != BM_HASH)
        return bm_fail(fail, BM_EINPUT, "RFC 7515 4.1.8", "x5t#S256 of the signature beside the file is not 32 bytes");
    memcpy(ret_hash, hash.p, BM_HASH);
    return BM_OK;
}

static enum bm_rc
jws_signature_check(const struct bm_lot_job *job, const struct bm_cert *signer, struct bm_bytes header, struct bm_bytes signature,
                    struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf input = { .max = MAX_JWS_FILE * 2 }, raw = { .max = MAX_JWS }, der = { .max = BM_MAX_SIGNATURE };
    enum bm_rc rc;

    if (job->file.n > MAX_JWS_FILE)
        return bm_fail(fail, BM_EINPUT, NULL, "the list is too large for a JWS beside it: ask for a CMS signature");
    if ((rc = bm_b64_parse(&raw, BM_B64_URL, signature, fail)) != BM_OK || raw.n != ES256 || signer->key.alg != BM_KEY_P256)
        return bm_fail(fail, BM_EINPUT, "RFC 7518 3.4", "the signature beside the file is not r and s of a P-256 key that is pinned");
    bm_buf_add_bytes(&input, header);
    bm_buf_add_u8(&input, '.');
    bm_b64_add(&input, BM_B64_URL, job->file);
    bm_ecdsa_add(&der, bm_bytes(raw.p, ES256 / 2), bm_bytes(raw.p + ES256 / 2, ES256 / 2));
    if ((rc = bm_buf_check(&input, "the list", fail)) != BM_OK || (rc = bm_buf_check(&der, "a signature", fail)) != BM_OK)
        return rc;
    rc = bm_key_verify(job->crypto, &signer->key, BM_SIG_ECDSA_SHA256, bm_buf_bytes(&input), bm_buf_bytes(&der), fail);
    if (rc == BM_EPOLICY || rc == BM_EINPUT)
        return bm_fail(fail, BM_EPOLICY, "RFC 7515 5.2",
                       "the signature beside the file does not verify: one of them was changed, ask for both again");
    return rc;
}

/* "header..signature", a line end behind it allowed. */
static enum bm_rc
jws_check(const struct bm_lot_job *job, size_t *ret_signer, struct bm_fail *fail)
{
    struct bm_bytes text = job->signature, header = text, signature;
    const uint8_t *dots;
    uint8_t wanted[BM_HASH], hash[BM_HASH];
    struct bm_cert cert;
    enum bm_rc rc;

    while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    if (text.n > MAX_JWS || (dots = memmem(text.p, text.n, "..", 2)) == NULL)
        return bm_fail(fail, BM_EINPUT, "RFC 7515 F", "what lies beside the file is neither CMS in DER nor a JWS without its payload");
    header.n = (size_t)(dots - text.p);
    signature = bm_bytes(dots + 2, text.n - header.n - 2);
    if ((rc = header_take(header, wanted, fail)) != BM_OK)
        return rc;
    for (*ret_signer = 0; *ret_signer < job->vendor->signers.n; (*ret_signer)++) {
        bm_sha256(hash, job->vendor->signers.der[*ret_signer]);
        if (memcmp(hash, wanted, BM_HASH) != 0)
            continue;
        if ((rc = bm_cert_parse(&cert, job->vendor->signers.der[*ret_signer], fail)) != BM_OK)
            return rc;
        return jws_signature_check(job, &cert, header, signature, fail);
    }
    return bm_fail(fail, BM_EPOLICY, "RFC 7515 4.1.8",
                   "the signature beside the file is of nobody who is pinned for %s: if it is theirs, add its signer", job->vendor->name);
}

enum bm_rc
bm_csv_signature_check(struct bm_csv_signature *ret, const struct bm_lot_job *job, struct bm_fail *fail)
{
    const struct bm_certs_list *signers = &job->vendor->signers;
    struct bm_csv_signature signature = { .there = job->signature.n > 0 };
    char name[BM_MAX_NAME + 1], hex[2 * BM_HASH + 1];
    uint8_t hash[BM_HASH];
    struct bm_cert cert;
    size_t signer = 0;
    enum bm_rc rc;

    *ret = (struct bm_csv_signature){ .there = false };
    if (!signature.there && (signers->n > 0 || job->vendor->nkeys > 0)) /* else who takes the signature away would need no key */
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "nobody signed the list, and signers are pinned for %s: give what they signed with --signature", job->vendor->name);
    if (!signature.there)
        return BM_OK;
    if (job->signature.p[0] == 0x30)
        rc = bm_cms_check(job->signature, job->file, (struct bm_certs){ signers->der, signers->n }, &signer, &signature.time, fail);
    else
        rc = jws_check(job, &signer, fail);
    if (rc != BM_OK || (rc = bm_cert_parse(&cert, signers->der[signer], fail)) != BM_OK)
        return rc;
    bm_sha256(hash, cert.der);
    bm_hex(hex, bm_bytes(hash, BM_HASH));
    bm_name_print(name, sizeof(name), cert.subject);
    if (bm_vendor_retired(job->vendor, hash))
        return bm_fail(fail, BM_EPOLICY, NULL, "the list is signed by the certificate %s, which was retired for the vendor %s", hex,
                       job->vendor->name);
    (void)snprintf(signature.signer, sizeof(signature.signer), "%s %s", name, hex);
    signature.not_before = cert.not_before;
    signature.not_after = cert.not_after;
    if (signature.time == 0)
        signature.time = job->now;
    *ret = signature;
    return BM_OK;
}

void
bm_csv_signature_look(const struct bm_csv_signature *signature, const struct bm_lot_job *job, struct bm_lot_chip *chip)
{
    if (!signature->there) {
        bm_lot_chip_find(chip, BM_CHECK_UNSIGNED, "nobody signed the list: whoever had it on its way could change, add and remove chips");
        return;
    }
    if (signature->time != 0 && (signature->time < signature->not_before || signature->time > signature->not_after))
        bm_lot_chip_find(chip, BM_CHECK_SIGNER_TIME, "the certificate of the list's signer was not valid when it signed");
    else if (job->now != 0 && signature->time > job->now + CLOCKS_DIFFER)
        bm_lot_chip_find(chip, BM_CHECK_SIGNER_TIME, "the list says that it was signed at a time that has yet to come");
    else if (job->now > signature->not_after)
        bm_lot_chip_find(chip, BM_CHECK_SIGNER_EXPIRED,
                         "the certificate of the list's signer was valid when it signed and has expired since");
}
