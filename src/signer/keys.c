/* keys.c - the issuing CAs' keys: opened before the confinement, each found again by its name when its CA is on record. */
#include "base/base.h"
#include "signer/signer.h"

#include "base/file.h"
#include "pki/csr.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static enum bm_rc
cert_keep(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    struct bm_buf *into = ctx;

    if (into->n == 0) /* the CA's own stands first */
        bm_buf_add_bytes(into, der);
    return bm_buf_check(into, "a CA's certificate", fail);
}

/* The first block of a PEM file in the home; *ret_there false: there is no such file. */
static enum bm_rc
pem_read(struct bm_buf *der, bool *ret_there, const char *home, const char *place, const char *label, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 8 * BM_MAX_PEM_FILE };
    char path[BM_PATH];
    enum bm_rc rc = bm_path_join(path, home, place, fail);

    der->max = BM_MAX_CERT;
    if (rc != BM_OK)
        return rc;
    *ret_there = access(path, F_OK) == 0 || errno != ENOENT;
    if (!*ret_there)
        return BM_OK;
    if ((rc = bm_file_read(&pem, path, fail)) == BM_OK && (rc = bm_pem_parse(bm_buf_bytes(&pem), label, cert_keep, der, fail)) != BM_OK)
        bm_fail_prefix(fail, "%s", place);
    return rc;
}

/* The public half: of the certificate, or of the request that waits for one. */
static enum bm_rc
key_learn(struct bm_ca_key *ca, const char *home, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf request = { .max = BM_MAX_CSR };
    char place[BM_MAX_NAME + 16];
    struct bm_cert cert;
    struct bm_csr csr;
    enum bm_rc rc;

    (void)snprintf(place, sizeof(place), BM_PLACE_CA_CERT, ca->name);
    if ((rc = pem_read(&ca->der, &ca->known, home, place, "CERTIFICATE", fail)) != BM_OK)
        return rc;
    if (ca->known) {
        if ((rc = bm_cert_parse(&cert, bm_buf_bytes(&ca->der), fail)) == BM_OK)
            ca->key = cert.key;
        return rc;
    }
    (void)snprintf(place, sizeof(place), BM_PLACE_CA_CSR, ca->name);
    if ((rc = pem_read(&request, &ca->known, home, place, "CERTIFICATE REQUEST", fail)) != BM_OK || !ca->known)
        return rc;
    if ((rc = bm_csr_parse(&csr, bm_buf_bytes(&request), fail)) == BM_OK)
        ca->key = csr.key;
    ca->asked = true;
    return rc;
}

/* The one that answers OCSP questions: no CA's. */
static enum bm_rc
ocsp_learn(struct bm_signer *signer, const char *home, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf spki = { .max = 0 };
    struct bm_ca_key *key = &signer->keys[signer->nkeys];
    enum bm_rc rc;

    if (signer->site->ocsp_key[0] == 0)
        return BM_OK;
    *key = (struct bm_ca_key){ .name = "", .uri = signer->site->ocsp_key };
    if ((rc = pem_read(&spki, &key->known, home, BM_PLACE_OCSP_PUB, "PUBLIC KEY", fail)) != BM_OK)
        return rc;
    if (!key->known)
        return bm_fail(fail, BM_EBUSY, NULL, "%s is missing: put it back, or take the line ocsp out of site.conf", BM_PLACE_OCSP_PUB);
    if ((rc = bm_key_parse(&key->key, bm_buf_bytes(&spki), fail)) != BM_OK)
        return rc;
    signer->ocsp_key = key;
    signer->nkeys++;
    return BM_OK;
}

enum bm_rc
bm_keys_read(struct bm_signer *signer, const char *home, struct bm_fail *fail)
{
    bool there = false;
    enum bm_rc rc = pem_read(&signer->root, &there, home, BM_PLACE_ROOT_CERT, "CERTIFICATE", fail);

    if (rc == BM_OK && !there)
        rc = bm_fail(fail, BM_EBUSY, NULL, "%s is missing: put the root's certificate back", BM_PLACE_ROOT_CERT);
    for (size_t i = 0; i < signer->site->nca && rc == BM_OK; i++) {
        struct bm_ca_key *ca = &signer->keys[signer->nkeys++];

        ca->name = signer->site->ca[i].name;
        ca->uri = signer->site->ca[i].key;
        rc = key_learn(ca, home, fail);
        if (rc == BM_OK && (!ca->known || ca->asked) && i < BM_CA__N)
            rc = bm_fail(fail, BM_EBUSY, NULL, "ca/%s.pem is missing: put the CA's certificate back", ca->name);
    }
    return rc != BM_OK ? rc : ocsp_learn(signer, home, fail);
}

/* The keys in tokens go to a process of their own, which is made while this one holds no secret yet. */
enum bm_rc
bm_keys_keeper(struct bm_signer *signer, const char *home, struct bm_fail *fail)
{
    struct bm_keeper_ca kept[BM_MAX_KEYS] = { { .uri = NULL } };
    bool any = false;

    for (size_t i = 0; i < signer->nkeys; i++) {
        struct bm_ca_key *ca = &signer->keys[i];

        if (!ca->known || !bm_keeper_needed(ca->uri))
            continue;
        if (ca->key.alg != BM_KEY_P256 && ca->key.alg != BM_KEY_P384)
            return bm_fail(fail, BM_EINPUT, NULL, "a CA's key in a token must be P-256 or P-384");
        ca->kept = any = true;
        kept[i] = (struct bm_keeper_ca){ .uri = ca->uri, .key = &ca->key, .asked = ca->asked };
    }
    return any ? bm_keeper_start(&signer->queue.keeper, kept, home, fail) : BM_OK;
}

enum bm_rc
bm_keys_open(struct bm_signer *signer, const char *home, struct bm_fail *fail)
{
    enum bm_rc rc;

    if (signer->queue.keeper.channel >= 0 && (rc = bm_queue_open(signer, fail)) != BM_OK)
        return rc;
    if (signer->queue.keeper.channel >= 0 && !signer->queue.here)
        (void)fprintf(stderr, "birthmark-signer: the CA's token is away, and nothing is signed until it is there: %s\n",
                      signer->queue.sentence);
    for (size_t i = 0; i < signer->nkeys; i++) {
        struct bm_ca_key *ca = &signer->keys[i];

        if (!ca->known || ca->kept)
            continue;
        rc = bm_token_open(&ca->token, ca->uri, home, &ca->key, signer->crypto, fail);
        if (rc != BM_OK && !ca->asked)
            return rc;
        if (rc != BM_OK)
            (void)fprintf(stderr, "birthmark-signer: the key of the CA %s that is to be made can't be opened: %s\n", ca->name, fail->text);
    }
    return BM_OK;
}

/* ---- on record ---- */

static struct bm_ca_key *
key_of(struct bm_signer *signer, const char *name)
{
    for (size_t i = 0; i < signer->nkeys; i++)
        if (strcmp(signer->keys[i].name, name) == 0)
            return &signer->keys[i];
    return NULL;
}

enum bm_rc
bm_ca_key(const struct bm_ca_key **ret_key, const struct bm_signer *signer, unsigned ca, struct bm_fail *fail)
{
    const char *name = signer->memory.cas.row[ca]->name;

    for (size_t i = 0; i < signer->nkeys; i++)
        if (strcmp(signer->keys[i].name, name) == 0 && (signer->keys[i].kept || signer->keys[i].token != NULL)) {
            *ret_key = &signer->keys[i];
            return BM_OK;
        }
    return bm_fail(fail, BM_EBUSY, NULL, "the key of CA %s is not here: site.conf must say where it is, then start the server again", name);
}

/* A list of a site without a url is named all the same, or it would be taken for one of all certificates of the CA. False: too long. */
static bool
point_print(char ret[static 256], const char *url, const char *ca, uint32_t bucket)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 255 };

    bm_buf_add_fmt(&text, "%s/crl/%s-%u.crl", url[0] != 0 ? url : "urn:birthmark:no-url", ca, bucket);
    if (text.bad)
        return false;
    memcpy(ret, text.p, text.n);
    ret[text.n] = 0;
    return true;
}

void
bm_ca_bucket(struct bm_issuer *ret_issuer, const struct bm_signer *signer, unsigned ca, uint32_t bucket)
{
    *ret_issuer = signer->issuers[ca];
    (void)point_print(ret_issuer->crl_url, signer->site->url, signer->memory.cas.row[ca]->name,
                      bucket); /* tried with the longest number before */
}

/* Where anybody asks for the status of operational certificates the site says; what never expires has no such pointers. */
static enum bm_rc
issuer_make(struct bm_issuer *issuer, const struct bm_issuing *ca, const char *url, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf ocsp = { .max = sizeof(issuer->ocsp_url) - 1 };

    *issuer = (struct bm_issuer){ .subject = ca->cert.subject,
                                  .alg = bm_key_sig_alg(ca->cert.key.alg),
                                  .not_after = ca->cert.not_after,
                                  .test = bm_cert_test_mark(ca->cert.der) };
    memcpy(issuer->key_id, ca->cert.ski.p, sizeof(issuer->key_id));
    if (!point_print(issuer->crl_url, url, ca->name, UINT32_MAX))
        return bm_fail(fail, BM_EINPUT, NULL, "site.conf: the url is too long");
    issuer->crl_url[0] = 0; /* each bucket has its own */
    if (ca->kind != BM_CA_OPERATIONAL || url[0] == 0)
        return BM_OK;
    bm_buf_add_fmt(&ocsp, "%s/ocsp", url);
    if (ocsp.bad)
        return bm_fail(fail, BM_EINPUT, NULL, "site.conf: the url is too long");
    memcpy(issuer->ocsp_url, ocsp.p, ocsp.n);
    return BM_OK;
}

enum bm_rc
bm_ca_join(struct bm_signer *signer, struct bm_fail *fail)
{
    const struct bm_cas *cas = &signer->memory.cas;
    enum bm_rc rc;

    for (size_t i = signer->nissuers; i < cas->n; i++) {
        struct bm_ca_key *key = key_of(signer, cas->row[i]->name);

        if (key != NULL && memcmp(key->key.hash, cas->row[i]->cert.key.hash, BM_HASH) != 0)
            return bm_fail(fail, BM_EBUSY, NULL,
                           "the key that site.conf names for CA %s is not the one of its certificate: put the right key and ca/%s.pem back",
                           cas->row[i]->name, cas->row[i]->name);
        if (key != NULL)
            key->asked = false;
        if ((rc = issuer_make(&signer->issuers[i], cas->row[i], signer->site->url, fail)) != BM_OK)
            return rc;
        bm_ocsp_issuer_init(&signer->asked_by[i], &cas->row[i]->cert);
        if (signer->issuers[i].test != signer->site->test)
            return bm_fail(fail, BM_EBUSY, NULL, "CA %s is of %s, and site.conf says otherwise: put the right one back", cas->row[i]->name,
                           signer->issuers[i].test ? "a test hierarchy" : "no test hierarchy");
        signer->nissuers++;
    }
    return BM_OK;
}
