#include "pki/detached.h"

#include "digest/libcrypto.h"
#include "wire/der.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>

#define MAX_SIGNERS 64
#define FLAGS ((unsigned)(CMS_NOINTERN | CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY))

static void
cms_done(CMS_ContentInfo **cms)
{
    CMS_ContentInfo_free(*cms);
}

static void
bio_done(BIO **bio)
{
    (void)BIO_free(*bio);
}

static void
stack_done(STACK_OF(X509) * *stack)
{
    sk_X509_pop_free(*stack, X509_free);
}

static enum bm_rc
refuse(struct bm_fail *fail, const char *why)
{
    ERR_clear_error();
    return bm_fail(fail, BM_EPOLICY, "RFC 5652 5.6", "the signature beside the file %s", why);
}

static enum bm_rc
no_memory(struct bm_fail *fail)
{
    ERR_clear_error();
    return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory to verify a signature");
}

static enum bm_rc
signers_add(STACK_OF(X509) * stack, struct bm_certs signers, struct bm_fail *fail)
{
    for (size_t i = 0; i < signers.n; i++) {
        const uint8_t *p = signers.der[i].p;
        bm_cleanup(bm_x509_done) X509 *cert = d2i_X509(NULL, &p, (long)signers.der[i].n);

        if (cert == NULL) {
            ERR_clear_error();
            return bm_fail(fail, BM_EINPUT, NULL, "signer certificate %zu cannot be read", i + 1);
        }
        if (sk_X509_push(stack, cert) <= 0)
            return no_memory(fail);
        (void)bm_take(cert);
    }
    return BM_OK;
}

static bool
digest_ok(CMS_SignerInfo *info)
{
    X509_ALGOR *digest = NULL, *signature = NULL;
    int nid;

    CMS_SignerInfo_get0_algs(info, NULL, NULL, &digest, &signature);
    nid = OBJ_obj2nid(digest->algorithm);
    return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512;
}

/* signingTime is a Time: UTCTime or GeneralizedTime. */
static bm_time
signing_time(CMS_SignerInfo *info)
{
    int at = CMS_signed_get_attr_by_NID(info, NID_pkcs9_signingTime, -1);
    X509_ATTRIBUTE *attribute = at >= 0 ? CMS_signed_get_attr(info, at) : NULL;
    const ASN1_TYPE *value = attribute != NULL && X509_ATTRIBUTE_count(attribute) == 1 ? X509_ATTRIBUTE_get0_type(attribute, 0) : NULL;
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = 64 };
    struct bm_rd rd;
    int64_t time;

    if (value == NULL || (value->type != V_ASN1_UTCTIME && value->type != V_ASN1_GENERALIZEDTIME))
        return 0;
    bm_der_add(&der, value->type == V_ASN1_UTCTIME ? BM_DER_UTC_TIME : BM_DER_GENERALIZED_TIME,
               bm_bytes(ASN1_STRING_get0_data(value->value.asn1_string), (size_t)ASN1_STRING_length(value->value.asn1_string)));
    rd = bm_rd(bm_buf_bytes(&der));
    time = bm_der_time(&rd);
    return bm_rd_end(&rd) ? time : 0;
}

enum bm_rc
bm_cms_check(struct bm_bytes cms, struct bm_bytes content, struct bm_certs signers, size_t *ret_signer, bm_time *ret_time,
             struct bm_fail *fail)
{
    const uint8_t *p = cms.p;
    bm_cleanup(stack_done) STACK_OF(X509) *stack = sk_X509_new_null();
    bm_cleanup(bio_done) BIO *in = content.n <= INT_MAX ? BIO_new_mem_buf(content.p, (int)content.n) : NULL;
    bm_cleanup(cms_done) CMS_ContentInfo *info = cms.n <= LONG_MAX ? d2i_CMS_ContentInfo(NULL, &p, (long)cms.n) : NULL;
    STACK_OF(CMS_SignerInfo) * infos;
    X509 *signer = NULL;
    enum bm_rc rc;

    if (stack == NULL || in == NULL)
        return no_memory(fail);
    if (info == NULL || p != cms.p + cms.n || OBJ_obj2nid(CMS_get0_type(info)) != NID_pkcs7_signed)
        return refuse(fail, "is no CMS SignedData in DER");
    infos = CMS_get0_SignerInfos(info);
    if (CMS_is_detached(info) != 1 || sk_CMS_SignerInfo_num(infos) != 1 || !digest_ok(sk_CMS_SignerInfo_value(infos, 0)))
        return refuse(fail, "is not one detached signature over SHA-256, SHA-384 or SHA-512");
    if (signers.n > MAX_SIGNERS)
        return bm_fail(fail, BM_EINPUT, NULL, "more than %d signers are pinned", MAX_SIGNERS);
    if ((rc = signers_add(stack, signers, fail)) != BM_OK)
        return rc;
    /* Pinned ones only; whoever pins a certificate trusts it, so there is no chain to build. Their dates are the caller's. */
    if (CMS_verify(info, stack, NULL, in, NULL, FLAGS) != 1)
        return refuse(fail, "does not verify, or is of nobody who is pinned: if the file is as it was sent, add its signer to the vendor");
    CMS_SignerInfo_get0_algs(sk_CMS_SignerInfo_value(infos, 0), NULL, &signer, NULL, NULL);
    for (*ret_signer = 0; *ret_signer < signers.n; (*ret_signer)++)
        if (sk_X509_value(stack, (int)*ret_signer) == signer || X509_cmp(sk_X509_value(stack, (int)*ret_signer), signer) == 0)
            break;
    if (*ret_signer == signers.n)
        return bm_fail(fail, BM_EBUG, NULL, "a signature verifies by nobody");
    *ret_time = signing_time(sk_CMS_SignerInfo_value(infos, 0));
    return BM_OK;
}
