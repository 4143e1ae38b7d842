/* tpm2_ek.c - endorsement keys: which of them a TPM has, by what template, and their certificates in NV memory. */
#include "root/tpm2.h"

#include "digest/libcrypto.h"
#include "pki/raw.h"
#include "wire/rd.h"

#include <tss2/tss2_mu.h>

#include <openssl/x509.h>

/* TCG EK Credential Profile. The low range: one key for each algorithm, under policy A, its template and nonce in NV memory where a maker changed them. */
#define CERTIFICATES 0x01c00000u
#define BETWEEN 0x01c00100u
#define BETWEEN_LAST 0x01c001ffu
#define HANDLES 0x81010000u

#define ATTRIBUTES                                                                                                    \
    (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_ADMINWITHPOLICY | \
     TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT)

/* PolicySecret(endorsement); PolicyOR of that and of a policy that an NV index holds. */
static const uint8_t policy_a[32] = { 0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
                                      0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa };
static const uint8_t policy_b[32] = { 0xca, 0x3d, 0x0a, 0x99, 0xa2, 0xb9, 0x39, 0x06, 0xf7, 0xa3, 0x34, 0x24, 0x14, 0xef, 0xcf, 0xb3,
                                      0xa3, 0x85, 0xd4, 0x4c, 0xd1, 0xfd, 0x45, 0x90, 0x89, 0xd1, 0x9b, 0x50, 0x71, 0xc0, 0xb7, 0xa0 };
static const uint8_t policy_b_384[48] = { 0xb2, 0x6e, 0x7d, 0x28, 0xd1, 0x1a, 0x50, 0xbc, 0x53, 0xd8, 0x82, 0xbc, 0xf5, 0xfd, 0x3a, 0x1a,
                                          0x07, 0x41, 0x48, 0xbb, 0x35, 0xd3, 0xb4, 0xe4, 0xcb, 0x1c, 0x0a, 0xd9, 0xbd, 0xe4, 0x19, 0xca,
                                          0xcb, 0x47, 0xba, 0x09, 0x69, 0x96, 0x46, 0x15, 0x0f, 0x9f, 0xc0, 0x00, 0xf3, 0xf8, 0x0e, 0x12 };

/* In the order in which a device prefers them: elliptic curves cost the TPM least. */
static const struct ek {
    uint8_t handle, certificate, template, nonce; /* above HANDLES; NV indexes above CERTIFICATES, 0: none */
    uint16_t unique;                              /* bytes of zeros there: the low range, and policy A */
    uint16_t curve;                               /* TPM2_ECC_NONE: RSA-2048 */
} eks[] = {
    { 0x0a, 0x0a, 0x0c, 0x0b, 32, TPM2_ECC_NIST_P256 }, /* L-2 */
    { 0x14, 0x14, 0x15, 0, 0, TPM2_ECC_NIST_P256 },     /* H-2 */
    { 0x16, 0x16, 0x17, 0, 0, TPM2_ECC_NIST_P384 },     /* H-3 */
    { 0x01, 0x02, 0x04, 0x03, 256, TPM2_ECC_NONE },     /* L-1 */
    { 0x12, 0x12, 0x13, 0, 0, TPM2_ECC_NONE },          /* H-1 */
};

/* Of the high range, and not ours: our servers make challenges for the kinds above. */
static const struct {
    uint8_t certificate;
    const char *kind;
} foreign[] = { { 0x18, "P-521" }, { 0x1a, "SM2" }, { 0x1c, "RSA-3072" }, { 0x1e, "RSA-4096" } };

/* What a TPM has of them. */
struct present {
    struct {
        bool persistent, certificate, template, nonce;
    } of[BM_COUNT(eks)];
    uint32_t foreign; /* NV index of a certificate of a kind that is not ours; 0: none */
    const char *foreign_kind;
};

static bool
listed(const uint32_t *handles, size_t n, uint32_t base, uint8_t handle)
{
    for (size_t i = 0; i < n; i++)
        if (handle != 0 && handles[i] == base + handle)
            return true;
    return false;
}

static bool
there(const struct present *present, size_t i)
{
    return present->of[i].persistent || present->of[i].certificate;
}

/* What stands in NV memory, which is known already as a rule. */
static enum bm_rc
present_nv(struct bm_tpm2 *tpm, struct present *ret, struct bm_fail *fail)
{
    uint32_t indexes[BM_TPM2_HANDLES];
    size_t n;
    enum bm_rc rc = bm_tpm2_nv_list(tpm, CERTIFICATES, indexes, &n, fail);

    *ret = (struct present){ .foreign = 0 };
    if (rc != BM_OK)
        return rc;
    for (size_t i = 0; i < BM_COUNT(eks); i++) {
        ret->of[i].certificate = listed(indexes, n, CERTIFICATES, eks[i].certificate);
        ret->of[i].template = listed(indexes, n, CERTIFICATES, eks[i].template);
        ret->of[i].nonce = listed(indexes, n, CERTIFICATES, eks[i].nonce);
    }
    for (size_t i = 0; i < BM_COUNT(foreign); i++)
        if (listed(indexes, n, CERTIFICATES, foreign[i].certificate)) {
            ret->foreign = CERTIFICATES + foreign[i].certificate;
            ret->foreign_kind = foreign[i].kind;
        }
    return BM_OK;
}

static enum bm_rc
present_handles(struct bm_tpm2 *tpm, struct present *ret, struct bm_fail *fail)
{
    uint32_t handles[BM_TPM2_HANDLES];
    size_t n;
    enum bm_rc rc = bm_tpm2_handles(tpm, HANDLES, handles, &n, fail);

    for (size_t i = 0; rc == BM_OK && i < BM_COUNT(eks); i++)
        ret->of[i].persistent = listed(handles, n, HANDLES, eks[i].handle);
    return rc;
}

/* The first of them that is there. None: the P-256 one of the low range, which any TPM derives; but who has a certificate for another kind is told so. */
static enum bm_rc
first_of(const struct bm_tpm2 *tpm, const struct present *present, size_t *ret_first, struct bm_fail *fail)
{
    size_t i = 0;

    while (i < BM_COUNT(eks) && !there(present, i))
        i++;
    *ret_first = i < BM_COUNT(eks) ? i : 0;
    if (i < BM_COUNT(eks) || present->foreign == 0 || tpm->kind != NULL)
        return BM_OK;
    return bm_fail(
        fail, BM_EPOLICY, NULL,
        "the TPM at %s has its only endorsement certificate (0x%08x) for a key of kind %s, and P-256, P-384 and RSA-2048 are what we "
        "take: name a template that has identity keys (;template=H-2)",
        tpm->where, present->foreign, present->foreign_kind);
}

/* ---- templates ---- */

static void
template_make(TPM2B_PUBLIC *ret, const struct ek *ek)
{
    const bool large = ek->curve == TPM2_ECC_NIST_P384, low = ek->unique != 0;
    const struct bm_tpm2_words words = {
        .type = ek->curve == TPM2_ECC_NONE ? TPM2_ALG_RSA : TPM2_ALG_ECC,
        .hash = large ? TPM2_ALG_SHA384 : TPM2_ALG_SHA256,
        .attributes = low ? ATTRIBUTES : ATTRIBUTES | TPMA_OBJECT_USERWITHAUTH,
        .curve = ek->curve,
        .aes = large ? 256 : 128,
        .scheme = TPM2_ALG_NULL,
        .policy = large ? policy_b_384
                  : low ? policy_a
                        : policy_b,
        .nunique = ek->unique,
        .both = true,
    };

    bm_tpm2_template(ret, &words);
}

/* Of the kind that our servers make challenges for, and used as we use it. */
static bool
template_ok(const TPMT_PUBLIC *made, const TPMT_PUBLIC *ours)
{
    const TPMS_ECC_PARMS *ecc = &made->parameters.eccDetail;
    const TPMS_RSA_PARMS *rsa = &made->parameters.rsaDetail;
    const bool user = made->objectAttributes & TPMA_OBJECT_USERWITHAUTH;

    if (made->type != ours->type || made->nameAlg != ours->nameAlg ||
        (made->objectAttributes & ~TPMA_OBJECT_USERWITHAUTH & ATTRIBUTES) != ATTRIBUTES ||
        (!user && !bm_bytes_equal(bm_bytes(made->authPolicy.buffer, made->authPolicy.size), bm_bytes(policy_a, sizeof(policy_a)))))
        return false;
    return made->type == TPM2_ALG_RSA
               ? rsa->symmetric.keyBits.aes == ours->parameters.rsaDetail.symmetric.keyBits.aes && rsa->keyBits == 2048
               : ecc->symmetric.keyBits.aes == ours->parameters.eccDetail.symmetric.keyBits.aes &&
                     ecc->curveID == ours->parameters.eccDetail.curveID;
}

/* TCG EK Credential Profile 2.2.1.5: the maker's template, and a nonce that stands at the beginning of `unique`; either is zeros behind its end. */
enum bm_rc
bm_tpm2_ek_template(TPM2B_PUBLIC *template, uint32_t index, struct bm_bytes made, struct bm_bytes nonce, struct bm_fail *fail)
{
    TPMU_PUBLIC_ID *unique = &template->publicArea.unique;
    TPMT_PUBLIC own = { .type = 0 };
    size_t at = 0, room;

    if (made.n > 0) {
        if (Tss2_MU_TPMT_PUBLIC_Unmarshal(made.p, made.n, &at, &own) != TSS2_RC_SUCCESS || !template_ok(&own, &template->publicArea))
            return bm_fail(fail, BM_EPOLICY, NULL,
                           "the TPM's template of its endorsement key (0x%08x) cannot be read or is of a kind that we do not take", index);
        template->publicArea = own;
    }
    room = template->publicArea.type == TPM2_ALG_RSA ? 256 : 32;
    if (nonce.n == 0)
        return BM_OK;
    if (nonce.n > room)
        return bm_fail(fail, BM_EPOLICY, NULL, "the TPM's nonce of its endorsement key has %zu bytes, not at most %zu", nonce.n, room);
    memset(unique, 0, sizeof(*unique));
    if (template->publicArea.type == TPM2_ALG_RSA) {
        unique->rsa.size = (uint16_t)room;
        memcpy(unique->rsa.buffer, nonce.p, nonce.n);
        return BM_OK;
    }
    unique->ecc.x.size = unique->ecc.y.size = (uint16_t)room;
    memcpy(unique->ecc.x.buffer, nonce.p, nonce.n);
    return BM_OK;
}

static enum bm_rc
derive(struct bm_tpm2 *tpm, const struct present *present, size_t i, ESYS_TR *ret_object, TPM2B_PUBLIC *ret_public, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf made = { .max = BM_MAX_CERT }, nonce = { .max = BM_MAX_CERT };
    const uint32_t index = CERTIFICATES + eks[i].template;
    TPM2B_PUBLIC template;
    enum bm_rc rc;

    template_make(&template, &eks[i]);
    if ((present->of[i].template && (rc = bm_tpm2_nv_read(tpm, index, &made, fail)) != BM_OK) ||
        (present->of[i].nonce && (rc = bm_tpm2_nv_read(tpm, CERTIFICATES + eks[i].nonce, &nonce, fail)) != BM_OK) ||
        (rc = bm_tpm2_ek_template(&template, index, bm_buf_bytes(&made), bm_buf_bytes(&nonce), fail)) != BM_OK)
        return rc;
    return bm_tpm2_primary(tpm, ESYS_TR_RH_ENDORSEMENT, &template, ret_object, ret_public, fail);
}

/* The key at its persistent handle, or derived again from its template. */
static enum bm_rc
ek_open(struct bm_tpm2 *tpm, const struct present *present, size_t i, ESYS_TR *ret_object, TPM2B_PUBLIC *ret_public, struct bm_fail *fail)
{
    if (present->of[i].persistent)
        return bm_tpm2_persistent(tpm, HANDLES + eks[i].handle, ret_object, ret_public, fail);
    return derive(tpm, present, i, ret_object, ret_public, fail);
}

/* ---- certificates ---- */

/* A certificate for another key says that the TPM was re-seeded. */
static enum bm_rc
ek_certificate(struct bm_tpm2 *tpm, const struct ek *ek, const struct bm_key *key, struct bm_buf *certs, struct bm_fail *fail)
{
    bool added;
    enum bm_rc rc = bm_tpm2_certificate_add(tpm, CERTIFICATES + ek->certificate, key, certs, &added, fail);

    if (rc != BM_OK || added)
        return rc;
    return bm_fail(fail, BM_EPOLICY, NULL,
                   "the TPM's endorsement certificate at 0x%08x cannot be read or is for another key: the TPM was re-seeded, or the "
                   "certificate is not its own",
                   CERTIFICATES + ek->certificate);
}

enum bm_rc
bm_tpm2_ek_list(struct bm_tpm2 *tpm, struct bm_leaf *leaf, struct bm_buf *certs, struct bm_fail *fail)
{
    struct present present;
    size_t first;
    enum bm_rc rc;

    if ((rc = present_nv(tpm, &present, fail)) != BM_OK || (rc = present_handles(tpm, &present, fail)) != BM_OK ||
        (rc = first_of(tpm, &present, &first, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; rc == BM_OK && i < BM_COUNT(eks); i++) {
        struct bm_key *key = &leaf->keys[leaf->nkeys].key;
        TPM2B_PUBLIC public;
        ESYS_TR object;

        if (i != first && !there(&present, i))
            continue;
        if ((rc = ek_open(tpm, &present, i, &object, &public, fail)) != BM_OK)
            return rc;
        bm_tpm2_object_close(tpm, &object);
        leaf->keys[leaf->nkeys++].use = BM_USE_DECRYPT;
        if ((rc = bm_tpm2_public_key(key, &public, fail)) == BM_OK && present.of[i].certificate)
            rc = ek_certificate(tpm, &eks[i], key, certs, fail);
    }
    return rc;
}

/* Certificates one after the other, each index with padding of its own. */
static void
chain_add(struct bm_buf *certs, struct bm_bytes chain)
{
    const unsigned char *at = chain.p, *end;

    if (chain.n == 0)
        return; /* no place in nothing */
    end = chain.p + chain.n;
    while (at < end) {
        bm_cleanup(bm_x509_done) X509 *cert = NULL;
        const unsigned char *from = at;

        if (*at == 0x00 || *at == 0xff) {
            at++;
            continue;
        }
        if ((cert = d2i_X509(NULL, &at, (long)(end - from))) == NULL)
            return;
        bm_buf_add_lv32(certs, bm_bytes(from, (size_t)(at - from)));
    }
}

/* Certificates between an endorsement certificate and its maker's root, in the indexes that the TCG sets aside for them: one may reach over several. */
static enum bm_rc
between_add(struct bm_tpm2 *tpm, struct bm_buf *certs, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf chain = { .max = 4u * BM_MAX_CERT };
    uint32_t indexes[BM_TPM2_HANDLES];
    size_t n;
    enum bm_rc rc = bm_tpm2_nv_list(tpm, BETWEEN, indexes, &n, fail);

    for (size_t i = 0; rc == BM_OK && i < n && indexes[i] <= BETWEEN_LAST; i++)
        rc = bm_tpm2_nv_read(tpm, indexes[i], &chain, fail);
    if (rc != BM_OK)
        return rc;
    chain_add(certs, bm_buf_bytes(&chain));
    return bm_buf_check(certs, "the certificates", fail);
}

/* ---- one of them, kept loaded ---- */

static enum bm_rc
ek_take(struct bm_tpm2 *tpm, const struct present *present, size_t i, struct bm_buf *certs, struct bm_fail *fail)
{
    TPM2B_PUBLIC public = { 0 };
    enum bm_rc rc;

    bm_tpm2_object_close(tpm, &tpm->ek);
    bm_tpm2_flush(tpm, &tpm->other.object);
    if ((rc = ek_open(tpm, present, i, &tpm->ek, &public, fail)) == BM_OK &&
        (rc = bm_tpm2_public_key(&tpm->ek_key, &public, fail)) == BM_OK && present->of[i].certificate && certs != NULL &&
        (rc = ek_certificate(tpm, &eks[i], &tpm->ek_key, certs, fail)) == BM_OK)
        rc = between_add(tpm, certs, fail);
    tpm->ek_policy = !(public.publicArea.objectAttributes & TPMA_OBJECT_USERWITHAUTH);
    if (rc != BM_OK)
        bm_tpm2_object_close(tpm, &tpm->ek);
    return rc;
}

/*
 * The first with a certificate, derived from its template, which asks the TPM the least where it is on a curve. Where the certificate is for another key (a
 * key of its own behind a persistent handle), or there is none: whichever is there.
 */
static enum bm_rc
ek_preferred(struct bm_tpm2 *tpm, struct bm_buf *certs, struct bm_fail *fail)
{
    struct present present;
    struct bm_fail another;
    size_t first;
    enum bm_rc rc;

    if ((rc = present_nv(tpm, &present, fail)) != BM_OK)
        return rc;
    for (first = 0; first < BM_COUNT(eks) && !present.of[first].certificate;)
        first++;
    if (first < BM_COUNT(eks) && eks[first].curve != TPM2_ECC_NONE && ek_take(tpm, &present, first, certs, &another) == BM_OK)
        return BM_OK;
    if ((rc = present_handles(tpm, &present, fail)) != BM_OK || (rc = first_of(tpm, &present, &first, fail)) != BM_OK)
        return rc;
    return ek_take(tpm, &present, first, certs, fail);
}

enum bm_rc
bm_tpm2_ek_use(struct bm_tpm2 *tpm, const struct bm_key *ek, struct bm_buf *certs, struct bm_fail *fail)
{
    struct present present;
    size_t first;
    enum bm_rc rc;

    if (ek == NULL)
        return ek_preferred(tpm, certs, fail);
    if (tpm->ek != ESYS_TR_NONE && memcmp(tpm->ek_key.hash, ek->hash, BM_HASH) == 0)
        return BM_OK;
    if ((rc = present_nv(tpm, &present, fail)) != BM_OK || (rc = present_handles(tpm, &present, fail)) != BM_OK ||
        (rc = first_of(tpm, &present, &first, fail)) != BM_OK)
        return rc;
    for (size_t i = 0; rc == BM_OK && i < BM_COUNT(eks); i++) {
        if (i != first && !there(&present, i))
            continue;
        if ((rc = ek_take(tpm, &present, i, certs, fail)) == BM_OK && memcmp(tpm->ek_key.hash, ek->hash, BM_HASH) == 0)
            return BM_OK;
    }
    bm_tpm2_object_close(tpm, &tpm->ek);
    if (rc != BM_OK)
        return rc;
    return bm_fail(fail, BM_EPOLICY, NULL, "the TPM at %s has no such endorsement key", tpm->where);
}
