#include "cli/founding.h"

#include "base/secret.h"
#include "cli/operator_cert.h"
#include "cli/operator_key.h"
#include "cli/server_cert.h"
#include "cli/token.h"
#include "pki/private.h"
#include "pki/tbs.h"
#include "wire/text.h"

#include <stdlib.h>

#define YEAR (365 * (bm_time)86400 + 86400 / 4)
#define ROOT_YEARS 30
#define CA_YEARS 20 /* twice the longest lifetime that a profile may ask for */

/* One intermediate CA. */
static const struct {
    const char *name, *common_name;
    bool never_ends; /* IEEE 802.1AR 8.7: an IDevID lasts as long as its device */
    int ca;          /* of enum bm_ca: its key is the signer's; -1: a file of the command line's own */
} intermediates[] = { { "operational", "Operational CA 1", false, BM_CA_OPERATIONAL },
                      { "idevid", "IDevID CA 1", true, BM_CA_IDEVID },
                      { "server", "Server CA 1", false, -1 },
                      { "operators", "Operator CA 1", false, -1 } };

/* What is made on the way. */
struct hierarchy {
    struct bm_private *root;
    struct bm_buf root_der, root_name, der[BM_COUNT(intermediates)];
    struct bm_issuer issuer;
};

static void
hierarchy_done(struct hierarchy *h)
{
    bm_private_done(&h->root);
    bm_buf_done(&h->root_der);
    bm_buf_done(&h->root_name);
    for (size_t i = 0; i < BM_COUNT(intermediates); i++)
        bm_buf_done(&h->der[i]);
}

static enum bm_rc
file_put(const struct bm_founding *f, const char *place, const char *name, struct bm_bytes bytes, unsigned mode, struct bm_fail *fail)
{
    char path[BM_PATH];
    enum bm_rc rc = bm_place_path(path, f->dir, place, name, fail);

    return rc != BM_OK ? rc : bm_file_write(path, bytes, mode, fail);
}

static enum bm_rc
buf_put(const struct bm_founding *f, const char *place, const char *name, const struct bm_buf *buf, unsigned mode, struct bm_fail *fail)
{
    enum bm_rc rc = bm_buf_check(buf, place, fail);

    return rc != BM_OK ? rc : file_put(f, place, name, bm_buf_bytes(buf), mode, fail);
}

static enum bm_rc
dirs_make(const struct bm_founding *f, struct bm_fail *fail)
{
    static const struct {
        const char *name;
        unsigned mode;
    } dirs[] = { { "", 0755 },     { "ca", 0755 },        { "signer", 0700 },   { "store", 0700 },
                 { "gate", 0755 }, { "operators", 0700 }, { "profiles", 0755 }, { "lots", 0755 } };
    char path[BM_PATH];
    enum bm_rc rc = BM_OK;

    for (size_t i = 0; i < BM_COUNT(dirs) && rc == BM_OK; i++)
        if (dirs[i].name[0] == 0)
            rc = bm_dir_make(f->dir, dirs[i].mode, fail);
        else if ((rc = bm_path_join(path, f->dir, dirs[i].name, fail)) == BM_OK)
            rc = bm_dir_make(path, dirs[i].mode, fail);
    return rc;
}

/* ---- keys ---- */

static enum bm_rc
key_put(const struct bm_founding *f, const struct bm_private *key, const char *place, const char *name, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 4096 };
    enum bm_rc rc = bm_private_build(&pem, key, fail);

    return rc != BM_OK ? rc : buf_put(f, place, name, &pem, 0600, fail);
}

/* An Ed25519 key for notes: its name is not in the file. */
static enum bm_rc
note_key_make(const struct bm_founding *f, const char *name, const char *place, const char *file, struct bm_note_key *ret,
              struct bm_fail *fail)
{
    bm_cleanup(bm_note_signer_wipe) struct bm_note_signer signer = { .seed = { 0 } };
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 4096 };
    BM_SECRET(seed);
    enum bm_rc rc;

    if ((rc = bm_env_system.random(bm_env_system.ctx, seed.b, BM_NOTE_KEY, fail)) != BM_OK ||
        (rc = bm_note_signer_init(&signer, name, seed.b, fail)) != BM_OK)
        return rc;
    bm_note_signer_pem_build(&pem, &signer);
    *ret = signer.key;
    return buf_put(f, place, file, &pem, 0600, fail);
}

/* The ledger key's name is its site: "birthmark/" and the hash of its public half. */
static enum bm_rc
ledger_make(struct bm_founding *f, struct bm_fail *fail)
{
    char name[BM_NOTE_NAME + 1] = "birthmark/";
    struct bm_note_key nameless;
    uint8_t site[BM_HASH];
    enum bm_rc rc;

    if ((rc = note_key_make(f, "birthmark", BM_PLACE_LEDGER_KEY, "", &nameless, fail)) != BM_OK)
        return rc;
    bm_sha256(site, bm_bytes(nameless.key, BM_NOTE_KEY));
    bm_hex(name + strlen(name), bm_bytes(site, BM_HASH));
    return bm_note_key_init(&f->ledger, name, nameless.key, fail);
}

static enum bm_rc
nonce_make(const struct bm_founding *f, struct bm_fail *fail)
{
    BM_SECRET(key);
    enum bm_rc rc = bm_env_system.random(bm_env_system.ctx, key.b, BM_NONCE, fail);

    return rc != BM_OK ? rc : file_put(f, BM_PLACE_NONCE_KEY, "", bm_bytes(key.b, BM_NONCE), 0600, fail);
}

/* Empty: the signer founds itself in it, and in no other. */
static enum bm_rc
journal_make(const struct bm_founding *f, struct bm_fail *fail)
{
    return file_put(f, BM_PLACE_JOURNAL, "", bm_bytes(NULL, 0), 0600, fail);
}

/* The signer's CA keys: in its directory, or in the token. */
static enum bm_rc
ca_key_make(struct bm_founding *f, struct bm_call *call, enum bm_ca ca, const char *name, struct bm_key *ret, struct bm_fail *fail)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    char *where = f->site->ca_key[ca];
    char place[64];
    enum bm_rc rc;

    if (f->token != NULL) {
        (void)snprintf(f->token_label[ca], sizeof(f->token_label[ca]), "birthmark-%s", name);
        if ((rc = bm_token_uri(call, where, sizeof(f->site->ca_key[ca]), f->token, f->token_label[ca], fail)) != BM_OK ||
            (rc = bm_token_key_make(where, f->token_label[ca], ret, fail)) != BM_OK)
            return rc;
        f->token_keys[ca] = true;
        return BM_OK;
    }
    (void)snprintf(place, sizeof(place), "signer/%s.key", name);
    (void)snprintf(where, sizeof(f->site->ca_key[ca]), "file:%s", place);
    if ((rc = bm_private_generate(&key, BM_KEY_P256, fail)) != BM_OK)
        return rc;
    *ret = *bm_private_public(key);
    return key_put(f, key, place, "", fail);
}

/* ---- certificates ---- */

static enum bm_rc
ca_sign(struct bm_buf *der, struct hierarchy *h, const struct bm_ca_subject *subject, const struct bm_key *key,
        const bm_time validity[static 2], struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_CERT };
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE };
    uint8_t serial[BM_NEW_SERIAL];
    enum bm_rc rc;

    if ((rc = bm_serial_make(serial, fail)) != BM_OK ||
        (rc = bm_tbs_ca_build(&tbs, &h->issuer, subject, bm_key_spki(key), bm_bytes(serial, sizeof(serial)), validity[0], validity[1],
                              fail)) != BM_OK ||
        (rc = bm_private_sign(h->root, bm_buf_bytes(&tbs), &signature, fail)) != BM_OK)
        return rc;
    bm_signed_build(der, bm_buf_bytes(&tbs), h->issuer.alg, bm_buf_bytes(&signature));
    return bm_buf_check(der, "a CA's certificate", fail);
}

static enum bm_rc
cert_put(const struct bm_founding *f, const char *place, const char *name, const struct bm_buf *der, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 2 * BM_MAX_CERT };

    bm_pem_build(&pem, "CERTIFICATE", bm_buf_bytes(der));
    return buf_put(f, place, name, &pem, 0644, fail);
}

static enum bm_rc
root_make(struct bm_founding *f, struct hierarchy *h, struct bm_fail *fail)
{
    const struct bm_ca_subject subject = { .common_name = "Root CA 1", .organization = f->site->name, .path_len = 1 };
    const bm_time validity[2] = { f->now - BM_CLOCK_SLACK, f->now + ROOT_YEARS * YEAR };
    const struct bm_key *key;
    enum bm_rc rc;

    if ((rc = bm_private_generate(&h->root, BM_KEY_P256, fail)) != BM_OK)
        return rc;
    key = bm_private_public(h->root);
    bm_name_build(&h->root_name, subject.organization, subject.common_name);
    h->issuer = (struct bm_issuer){ .subject = bm_buf_bytes(&h->root_name), .alg = bm_private_alg(h->root), .not_after = validity[1] };
    memcpy(h->issuer.key_id, bm_key_ski(key).octets, sizeof(h->issuer.key_id));
    if ((rc = ca_sign(&h->root_der, h, &subject, key, validity, fail)) != BM_OK ||
        (rc = key_put(f, h->root, BM_PLACE_ROOT_KEY, "", fail)) != BM_OK)
        return rc;
    bm_sha256(f->root, bm_buf_bytes(&h->root_der));
    return cert_put(f, BM_PLACE_ROOT_CERT, "", &h->root_der, fail);
}

static enum bm_rc
intermediate_key(struct bm_founding *f, struct bm_call *call, size_t i, struct bm_key *ret, struct bm_fail *fail)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    enum bm_rc rc;

    if (intermediates[i].ca >= 0)
        return ca_key_make(f, call, (enum bm_ca)intermediates[i].ca, intermediates[i].name, ret, fail);
    if ((rc = bm_private_generate(&key, BM_KEY_P256, fail)) != BM_OK)
        return rc;
    *ret = *bm_private_public(key);
    return key_put(f, key, "ca/%s.key", intermediates[i].name, fail);
}

/* A root's own end binds nobody (RFC 5280 6.1.1 d: an anchor is a name and a key), so the CA of what never ends may be signed past it. */
static enum bm_rc
intermediate_make(struct bm_founding *f, struct bm_call *call, struct hierarchy *h, size_t i, struct bm_fail *fail)
{
    const struct bm_ca_subject subject = { .common_name = intermediates[i].common_name, .organization = f->site->name, .path_len = 0 };
    bm_time validity[2] = { f->now - BM_CLOCK_SLACK, f->now + CA_YEARS * YEAR }, root_end = h->issuer.not_after;
    struct bm_key key;
    enum bm_rc rc;

    if (intermediates[i].never_ends)
        h->issuer.not_after = validity[1] = BM_TIME_NEVER;
    h->der[i].max = BM_MAX_CERT;
    if ((rc = intermediate_key(f, call, i, &key, fail)) == BM_OK)
        rc = ca_sign(&h->der[i], h, &subject, &key, validity, fail);
    h->issuer.not_after = root_end;
    return rc != BM_OK ? rc : cert_put(f, BM_PLACE_CA_CERT, intermediates[i].name, &h->der[i], fail);
}

/* What EST's /cacerts answers: root, operational, idevid. */
static enum bm_rc
cacerts_put(const struct bm_founding *f, const struct hierarchy *h, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf p7 = { .max = 4 * BM_MAX_CERT };
    const struct bm_bytes certs[] = { bm_buf_bytes(&h->root_der), bm_buf_bytes(&h->der[BM_CA_OPERATIONAL]),
                                      bm_buf_bytes(&h->der[BM_CA_IDEVID]) };

    bm_certs_only_build(&p7, (struct bm_certs){ .der = certs, .n = BM_COUNT(certs) });
    return buf_put(f, BM_PLACE_CACERTS, "", &p7, 0644, fail);
}

static enum bm_rc
hierarchy_make(struct bm_founding *f, struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(hierarchy_done) struct hierarchy h = { .root_der = { .max = BM_MAX_CERT }, .root_name = { .max = BM_MAX_DN } };
    enum bm_rc rc = root_make(f, &h, fail);

    for (size_t i = 0; i < BM_COUNT(intermediates) && rc == BM_OK; i++)
        rc = intermediate_make(f, call, &h, i, fail);
    return rc != BM_OK ? rc : cacerts_put(f, &h, fail);
}

/* ---- texts ---- */

static enum bm_rc
profiles_put(const struct bm_founding *f, struct bm_fail *fail)
{
    const char *text;
    enum bm_rc rc = BM_OK;

    for (size_t i = 0; rc == BM_OK && (text = bm_profile_builtin(i)) != NULL; i++) {
        struct bm_profile profile;

        if ((rc = bm_profile_parse(&profile, bm_bytes_str(text), fail)) == BM_OK)
            rc = file_put(f, BM_PLACE_PROFILE, profile.name, bm_bytes_str(text), 0644, fail);
    }
    return rc;
}

static enum bm_rc
texts_put(const struct bm_founding *f, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf conf = { .max = 65536 };
    bm_cleanup(bm_buf_done) struct bm_buf trust = { .max = 4096 };
    enum bm_rc rc;

    bm_site_build(&conf, f->site);
    bm_trust_build(&trust, &f->ledger, f->root);
    if ((rc = buf_put(f, BM_PLACE_SITE, "", &conf, 0600, fail)) != BM_OK)
        return rc;
    return buf_put(f, BM_PLACE_TRUST, "", &trust, 0644, fail);
}

void
bm_founding_undo(const struct bm_founding *f)
{
    for (size_t ca = 0; ca < BM_CA__N; ca++)
        if (f->token_keys[ca])
            bm_token_key_destroy(f->site->ca_key[ca], f->token_label[ca]);
}

enum bm_rc
bm_founding_make(struct bm_founding *f, struct bm_call *call, struct bm_fail *fail)
{
    struct bm_operator *first = &f->site->operators.operators[0];
    enum bm_rc rc;

    if ((rc = dirs_make(f, fail)) != BM_OK || (rc = ledger_make(f, fail)) != BM_OK || (rc = nonce_make(f, fail)) != BM_OK ||
        (rc = journal_make(f, fail)) != BM_OK ||
        (rc = f->operator_key != NULL ? bm_operator_key_make(&first->key, call, f->dir, first->name, f->operator_key, fail)
                                      : note_key_make(f, first->name, BM_PLACE_OPERATOR_KEY, first->name, &first->key, fail)) != BM_OK ||
        (rc = hierarchy_make(f, call, fail)) != BM_OK || (rc = profiles_put(f, fail)) != BM_OK || (rc = texts_put(f, fail)) != BM_OK)
        return rc;
    if ((rc = bm_server_cert_make(f->dir, f->site->url, f->now, fail)) != BM_OK)
        return rc;
    return bm_operator_cert_make(f->dir, &first->key, f->now, fail);
}
