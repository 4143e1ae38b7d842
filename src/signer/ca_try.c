/* ca_try.c - a statement that makes or retires a CA, or pins the next root, before it is taken: nothing in it is believed but what a pinned root signed. */
#include "base/base.h"
#include "signer/signer.h"

#include "pki/oid.h"
#include "wire/text.h"

static enum bm_rc
parsed(struct bm_cert *cert, const struct bm_buf *der, const char *what, struct bm_fail *fail)
{
    enum bm_rc rc = bm_cert_parse(cert, bm_buf_bytes(der), fail);

    if (rc != BM_OK)
        bm_fail_prefix(fail, "%s", what);
    return rc;
}

static bool
extension_is(const struct bm_cert *cert, struct bm_bytes oid, const char *value, size_t n)
{
    bool critical = false;
    struct bm_bytes is = bm_cert_extension(cert, oid, &critical);

    return critical && is.n == n && memcmp(is.p, value, n) == 0;
}

#define KEYS_AND_LISTS "\x03\x02\x01\x06"          /* keyCertSign, cRLSign */
#define CA_LAST "\x30\x06\x01\x01\xff\x02\x01\x00" /* cA, pathLen 0: CAs of this site have none below */

/* req: RFC5280 4.2.1.9 an issuing CA says that it is one, and that none is below it */
static enum bm_rc
issuing_check(const struct bm_signer *signer, const struct bm_cert *cert, struct bm_fail *fail)
{
    bool test = bm_cert_test_mark(bm_buf_bytes(&signer->memory.cas.root[0]->der));

    if (!extension_is(cert, BM_OID(bm_oid_basic_constraints), CA_LAST, sizeof(CA_LAST) - 1) ||
        !extension_is(cert, BM_OID(bm_oid_key_usage), KEYS_AND_LISTS, sizeof(KEYS_AND_LISTS) - 1))
        return bm_fail(fail, BM_EPOLICY, "RFC 5280 4.2.1.9",
                       "this is no certificate of an issuing CA: let the root sign the request with birthmark ca ceremony DIR --sign");
    if (bm_cert_test_mark(cert->der) != test)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       test ? "this site is for tests, and the certificate is not: sign it with the root of the tests"
                            : "the certificate is of a test hierarchy, and this site is for production");
    return BM_OK;
}

/* Signed by one of the roots that stand on record; *ret_root: which. */
static enum bm_rc
root_of(const struct bm_signer *signer, const struct bm_cert *cert, struct bm_cert *ret_root, struct bm_fail *fail)
{
    const struct bm_cas *cas = &signer->memory.cas;
    struct bm_fail ignored;
    enum bm_rc rc;

    for (size_t i = cas->nroots; i-- > 0;) {
        if ((rc = parsed(ret_root, &cas->root[i]->der, "a root's certificate", fail)) != BM_OK)
            return rc;
        if (bm_cert_signed_by(signer->crypto, cert, ret_root, &ignored) == BM_OK)
            return BM_OK;
    }
    return bm_fail(fail, BM_EPOLICY, NULL, "no root of this site signed this certificate: let the site's own root sign it");
}

static enum bm_rc
dates_check(const struct bm_signer *signer, const struct bm_cert *cert, struct bm_fail *fail)
{
    bm_time now = 0;
    enum bm_rc rc = signer->env->now(signer->env->ctx, &now, fail);

    if (rc != BM_OK)
        return rc;
    if (now < cert->not_before || now > cert->not_after)
        return bm_fail(fail, BM_EPOLICY, NULL, "this certificate is not good now: look at its dates, and at the clock");
    return BM_OK;
}

/* Nobody may be taken for somebody else: names and keys are each once. */
static enum bm_rc
unlike_others(const struct bm_signer *signer, const struct bm_cert *cert, struct bm_fail *fail)
{
    const struct bm_cas *cas = &signer->memory.cas;
    struct bm_cert root;
    enum bm_rc rc;

    for (size_t i = 0; i < cas->n; i++)
        if (bm_bytes_equal(cert->subject, cas->row[i]->cert.subject) || memcmp(cert->key.hash, cas->row[i]->cert.key.hash, BM_HASH) == 0)
            return bm_fail(fail, BM_EPOLICY, NULL, "CA %s has this key or this subject already: make a new key, under a new name",
                           cas->row[i]->name);
    for (size_t i = 0; i < cas->nroots; i++) {
        if ((rc = parsed(&root, &cas->root[i]->der, "a root's certificate", fail)) != BM_OK)
            return rc;
        if (bm_bytes_equal(cert->subject, root.subject) || memcmp(cert->key.hash, root.key.hash, BM_HASH) == 0)
            return bm_fail(fail, BM_EPOLICY, NULL, "a root of this site has this key or this subject already");
    }
    return BM_OK;
}

/* It is here, it is the certificate's, and it could be opened when the signer started. */
static enum bm_rc
key_check(const struct bm_signer *signer, const char *name, const struct bm_cert *cert, struct bm_fail *fail)
{
    for (size_t i = 0; i < signer->nkeys; i++) {
        const struct bm_ca_key *key = &signer->keys[i];

        if (strcmp(key->name, name) != 0)
            continue;
        if (!key->known || memcmp(key->key.hash, cert->key.hash, BM_HASH) != 0)
            return bm_fail(fail, BM_EPOLICY, NULL, "this certificate is not of the key that CA %s has here: let the root sign ca/%s.csr",
                           name, name);
        if (!(key->kept ? key->open : key->token != NULL))
            return bm_fail(fail, BM_EBUSY, NULL, "the key of CA %s could not be opened when the server was started: start it again", name);
        return BM_OK;
    }
    return bm_fail(fail, BM_EPOLICY, NULL, "no key for CA %s is here: make it with birthmark ca roll, and start the server again", name);
}

static enum bm_rc
retire_try(const struct bm_signer *signer, const char *name, enum bm_ca kind, bool kind_matters, struct bm_fail *fail)
{
    const struct bm_issuing *old = bm_cas_find(&signer->memory.cas, bm_bytes_str(name));

    if (old == NULL)
        return bm_fail(fail, BM_EPOLICY, NULL, "there is no CA %s here: see birthmark ca show", name);
    if (old->retired)
        return bm_fail(fail, BM_EPOLICY, NULL, "CA %s is retired already", name);
    if (kind_matters && old->kind != kind)
        return bm_fail(fail, BM_EPOLICY, NULL, "CA %s is of class %s: only one of the same class takes its place", name,
                       bm_ca_word(old->kind));
    return BM_OK;
}

static enum bm_rc
make_try(const struct bm_signer *signer, const struct bm_ca_statement *ca, const struct bm_cert *cert, struct bm_fail *fail)
{
    const struct bm_cas *cas = &signer->memory.cas;
    const struct bm_issuing *old = bm_cas_find(cas, bm_bytes_str(ca->replaces));
    struct bm_cert root;
    enum bm_rc rc;

    if (bm_cas_find(cas, bm_bytes_str(ca->name)) != NULL || strcmp(ca->name, "root") == 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "there is a CA %s already: take another name", ca->name);
    if (cas->n == BM_MAX_CAS)
        return bm_fail(fail, BM_EPOLICY, NULL, "this site has had %d CAs, and no site has more", BM_MAX_CAS);
    if ((rc = root_of(signer, cert, &root, fail)) != BM_OK || (rc = issuing_check(signer, cert, fail)) != BM_OK ||
        (rc = dates_check(signer, cert, fail)) != BM_OK || (rc = unlike_others(signer, cert, fail)) != BM_OK ||
        (rc = key_check(signer, ca->name, cert, fail)) != BM_OK)
        return rc;
    if (cert->ski.n != sizeof(signer->issuers[0].key_id))
        return bm_fail(fail, BM_EPOLICY, NULL, "this certificate has no subject key identifier of 20 bytes");
    if (ca->replaces[0] == 0)
        return BM_OK;
    if ((rc = retire_try(signer, ca->replaces, ca->kind, true, fail)) != BM_OK)
        return rc;
    if (ca->nserves > 0 && old->nserves == 0 && !bm_cas_serve_all(cas, ca->kind, old))
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "CA %s serves all that no other does, and its successor would not: leave out --lot and --product", ca->replaces);
    return BM_OK;
}

/* req: RFC9810 4.4 the new root signs the old one's key, the old root the new one's: whoever trusts either trusts both */
static enum bm_rc
root_try(const struct bm_signer *signer, const struct bm_ca_statement *ca, const struct bm_cert *cert, struct bm_fail *fail)
{
    struct bm_cert new_with_old, old_with_new, old;
    enum bm_rc rc;

    if (signer->memory.cas.nroots == BM_MAX_ROOTS)
        return bm_fail(fail, BM_EPOLICY, NULL, "this site has had %d roots, and no site has more", BM_MAX_ROOTS);
    if ((rc = parsed(&new_with_old, &ca->new_with_old, "NewWithOld", fail)) != BM_OK ||
        (rc = parsed(&old_with_new, &ca->old_with_new, "OldWithNew", fail)) != BM_OK || (rc = unlike_others(signer, cert, fail)) != BM_OK ||
        (rc = root_of(signer, &new_with_old, &old, fail)) != BM_OK || (rc = dates_check(signer, cert, fail)) != BM_OK)
        return rc;
    if (bm_cert_signed_by(signer->crypto, cert, cert, fail) != BM_OK ||
        bm_cert_signed_by(signer->crypto, &old_with_new, cert, fail) != BM_OK)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       "the new root did not sign itself and OldWithNew: make it with birthmark ca ceremony NEWDIR --roll OLDDIR");
    if (memcmp(new_with_old.key.hash, cert->key.hash, BM_HASH) != 0 || !bm_bytes_equal(new_with_old.subject, cert->subject) ||
        memcmp(old_with_new.key.hash, old.key.hash, BM_HASH) != 0 || !bm_bytes_equal(old_with_new.subject, old.subject))
        return bm_fail(fail, BM_EPOLICY, NULL, "NewWithOld and OldWithNew are of other keys than the old and the new root's");
    for (size_t i = 0; i < 3; i++) {
        const struct bm_cert *of = i == 0 ? cert : i == 1 ? &new_with_old : &old_with_new;
        struct bm_cert_loose loose;

        if ((rc = bm_cert_loose_parse(&loose, of->der, fail)) != BM_OK)
            return rc;
        if (!bm_cert_loose_is_ca(&loose) || bm_cert_test_mark(of->der) != bm_cert_test_mark(old.der))
            return bm_fail(fail, BM_EPOLICY, NULL, "the next root must be a CA, and for tests exactly where this site is");
    }
    return BM_OK;
}

static void
serves_print(char ret[static BM_EVENT_REASON], const struct bm_ca_statement *ca)
{
    int n = snprintf(ret, BM_EVENT_REASON, "%s%s%s", bm_ca_word(ca->kind), ca->replaces[0] != 0 ? ", in place of " : "", ca->replaces);

    for (size_t i = 0; i < ca->nserves && n < BM_EVENT_REASON - 1; i++)
        n += snprintf(ret + n, BM_EVENT_REASON - (size_t)n, ", for %s %s", ca->serves[i].product ? "product" : "lot", ca->serves[i].name);
}

enum bm_rc
bm_ca_try(const struct bm_signer *signer, const struct bm_ca_statement *ca, struct bm_ca_words *words, struct bm_event *event,
          struct bm_fail *fail)
{
    static const char *const states[] = { [BM_CA_MAKE] = "made", [BM_CA_RETIRE] = "retired", [BM_CA_ROOT] = "pinned" };
    const struct bm_issuing *old = bm_cas_find(&signer->memory.cas, bm_bytes_str(ca->name));
    uint8_t hash[BM_HASH];
    struct bm_cert cert;
    enum bm_rc rc;

    if (ca->act == BM_CA_RETIRE) {
        if ((rc = retire_try(signer, ca->name, BM_CA_OPERATIONAL, false, fail)) != BM_OK)
            return rc;
        if (old->nserves == 0 && !bm_cas_serve_all(&signer->memory.cas, old->kind, old))
            return bm_fail(fail, BM_EPOLICY, NULL, "CA %s is the last that serves all: make another first, with birthmark ca roll",
                           ca->name);
    } else {
        if ((rc = parsed(&cert, &ca->certificate, "the CA's certificate", fail)) != BM_OK ||
            (rc = ca->act == BM_CA_MAKE ? make_try(signer, ca, &cert, fail) : root_try(signer, ca, &cert, fail)) != BM_OK)
            return rc;
        bm_sha256(hash, cert.der);
        bm_hex(words->certificate, bm_bytes(hash, BM_HASH));
        event->certificate = bm_bytes_str(words->certificate);
    }
    if (ca->act == BM_CA_MAKE) {
        serves_print(words->reason, ca);
        event->reason = bm_bytes_str(words->reason);
    }
    (void)snprintf(words->name, sizeof(words->name), "%s", ca->act == BM_CA_ROOT ? "root" : ca->name);
    event->kind = BM_EVENT_CA_CHANGED;
    event->what = bm_bytes_str(words->name);
    event->state = bm_bytes_str(states[ca->act]);
    return BM_OK;
}
