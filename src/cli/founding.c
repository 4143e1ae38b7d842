#include "cli/founding.h"

#include "base/secret.h"
#include "cli/operator_cert.h"
#include "cli/operator_key.h"
#include "cli/server_cert.h"
#include "cli/token.h"
#include "pki/private.h"
#include "wire/text.h"

#include <stdlib.h>

/* One intermediate CA. */
static const struct {
    const char *name, *stem; /* its CN: the stem and a number */
    enum bm_root_class class;
    int ca; /* of enum bm_ca: its key is the signer's; -1: a file of the command line's own */
} intermediates[] = { { "operational", "Operational CA", BM_CLASS_OPERATIONAL, BM_CA_OPERATIONAL },
                      { "idevid", "IDevID CA", BM_CLASS_IDEVID, BM_CA_IDEVID },
                      { "server", "Server CA", BM_CLASS_SERVER, -1 },
                      { "operators", "Operator CA", BM_CLASS_OPERATORS, -1 } };

/* What is made on the way. */
struct hierarchy {
    struct bm_buf der[BM_COUNT(intermediates)];
};

static void
hierarchy_done(struct hierarchy *h)
{
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
/* In the token, under its label, or in a file; where[n] says which. */
static enum bm_rc
signers_key_make(struct bm_founding *f, struct bm_call *call, size_t i, const char *name, char *where, size_t n, struct bm_key *ret,
                 struct bm_fail *fail)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    char place[64];
    enum bm_rc rc;

    if (f->token != NULL) {
        (void)snprintf(f->token_label[i], sizeof(f->token_label[i]), "birthmark-%s", name);
        if ((rc = bm_token_uri(call, where, n, f->token, f->token_label[i], fail)) != BM_OK ||
            (rc = bm_token_key_make(where, f->token_label[i], ret, fail)) != BM_OK)
            return rc;
        f->token_keys[i] = true;
        return BM_OK;
    }
    (void)snprintf(place, sizeof(place), BM_PLACE_CA_KEY, name);
    (void)snprintf(where, n, "file:%s", place);
    if ((rc = bm_private_generate(&key, BM_KEY_P256, fail)) != BM_OK)
        return rc;
    *ret = *bm_private_public(key);
    return key_put(f, key, place, "", fail);
}

static enum bm_rc
ca_key_make(struct bm_founding *f, struct bm_call *call, enum bm_ca ca, const char *name, struct bm_key *ret, struct bm_fail *fail)
{
    struct bm_site_ca *line = &f->site->ca[ca];

    (void)snprintf(line->name, sizeof(line->name), "%s", name);
    line->kind = ca;
    f->site->nca = (size_t)ca + 1; /* they are made in this order */
    return signers_key_make(f, call, ca, name, line->key, sizeof(line->key), ret, fail);
}

/* Its certificates the signer makes itself, one for each CA, whenever it needs one. */
static enum bm_rc
ocsp_key_make(struct bm_founding *f, struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 4096 };
    struct bm_key key;
    enum bm_rc rc = signers_key_make(f, call, BM_CA__N, "ocsp", f->site->ocsp_key, sizeof(f->site->ocsp_key), &key, fail);

    if (rc != BM_OK)
        return rc;
    bm_pem_build(&pem, "PUBLIC KEY", bm_key_spki(&key));
    return buf_put(f, BM_PLACE_OCSP_PUB, "", &pem, 0644, fail);
}

/* ---- certificates ---- */

static enum bm_rc
cert_put(const struct bm_founding *f, const char *place, const char *name, const struct bm_buf *der, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 2 * BM_MAX_CERT };

    bm_pem_build(&pem, "CERTIFICATE", bm_buf_bytes(der));
    return buf_put(f, place, name, &pem, 0644, fail);
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

static enum bm_rc
intermediate_make(struct bm_founding *f, struct bm_call *call, struct hierarchy *h, size_t i, struct bm_fail *fail)
{
    char name[BM_MAX_NAME + 1];
    struct bm_key key;
    enum bm_rc rc;

    h->der[i].max = BM_MAX_CERT;
    if ((rc = bm_ceremony_free_name(f->ceremony, intermediates[i].stem, name, fail)) != BM_OK ||
        (rc = intermediate_key(f, call, i, &key, fail)) != BM_OK ||
        (rc = bm_ceremony_sign(f->ceremony, intermediates[i].class, name, &key, &h->der[i], fail)) != BM_OK)
        return rc;
    return cert_put(f, BM_PLACE_CA_CERT, intermediates[i].name, &h->der[i], fail);
}

/* A root made for this site, in its directory; or one that was made before, elsewhere, which must be of the site's kind. */
static enum bm_rc
ceremony_begin(struct bm_founding *f, struct bm_call *call, struct bm_fail *fail)
{
    const struct bm_ceremony_plan plan = {
        .organization = f->site->name, .test = f->site->test, .present = &f->person, .npresent = 1, .call = call
    };
    char dir[BM_PATH];
    enum bm_rc rc;

    if ((rc = bm_operator_key_open(&f->person, f->dir, f->site->operators.operators[0].name, fail)) != BM_OK ||
        (rc = bm_path_join(dir, f->dir, BM_PLACE_CEREMONY, fail)) != BM_OK)
        return rc;
    if (f->root_dir == NULL)
        return bm_ceremony_begin(&f->ceremony, dir, &plan, fail);
    if ((rc = bm_ceremony_open(&f->ceremony, f->root_dir, &plan, fail)) != BM_OK)
        return rc;
    if (f->ceremony->entry->test != f->site->test)
        return bm_fail(fail, BM_EPOLICY, NULL,
                       f->site->test
                           ? "%s is a root for production: it signs nothing for a test site"
                           : "%s is a root for tests: a production site takes none of its certificates; for a test site say --test",
                       f->root_dir);
    return BM_OK;
}

static enum bm_rc
hierarchy_make(struct bm_founding *f, struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(hierarchy_done) struct hierarchy h = { .der = { { .max = 0 } } };
    const struct bm_buf *root;
    enum bm_rc rc = ceremony_begin(f, call, fail);

    if (rc != BM_OK)
        return rc;
    root = f->root_dir != NULL ? &f->ceremony->transcript->issued[0].der : &f->ceremony->entry->certs[0].der;
    bm_sha256(f->root, bm_buf_bytes(root));
    rc = cert_put(f, BM_PLACE_ROOT_CERT, "", root, fail);
    for (size_t i = 0; i < BM_COUNT(intermediates) && rc == BM_OK; i++)
        rc = intermediate_make(f, call, &h, i, fail);
    if (rc != BM_OK)
        return rc;
    return f->root_dir != NULL ? BM_OK : bm_ceremony_commit(f->ceremony, fail);
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
    bm_trust_build(&trust, &f->ledger, (const uint8_t(*)[BM_HASH]) & f->root, 1, f->site->test);
    if ((rc = buf_put(f, BM_PLACE_SITE, "", &conf, 0600, fail)) != BM_OK)
        return rc;
    return buf_put(f, BM_PLACE_TRUST, "", &trust, 0644, fail);
}

/* In a card or TPM; a file that somebody has already, copied; or made now. */
static enum bm_rc
operator_make(const struct bm_founding *f, struct bm_call *call, struct bm_note_key *ret, struct bm_fail *fail)
{
    bm_cleanup(bm_operator_key_done) struct bm_operator_key key = { .uri = "" };
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 4096 };
    const char *name = f->site->operators.operators[0].name;
    enum bm_rc rc;
    bool made;

    if (f->operator_key == NULL)
        return note_key_make(f, name, BM_PLACE_OPERATOR_KEY, name, ret, fail);
    if (bm_operator_uri(f->operator_key))
        return bm_operator_key_make(ret, call, f->dir, name, f->operator_key, fail);
    if ((rc = bm_operator_key_at(&key, name, f->operator_key, false, &made, fail)) != BM_OK)
        return rc;
    *ret = key.key;
    bm_note_signer_pem_build(&pem, &key.file);
    return buf_put(f, BM_PLACE_OPERATOR_KEY, name, &pem, 0600, fail);
}

void
bm_founding_done(struct bm_founding *f)
{
    bm_ceremony_done(&f->ceremony);
    bm_operator_key_done(&f->person);
    free(f->site);
    f->site = NULL;
}

void
bm_founding_undo(struct bm_founding *f)
{
    bm_ceremony_done(&f->ceremony);
    for (size_t i = 0; i <= BM_CA__N; i++)
        if (f->token_keys[i])
            bm_token_key_destroy(i < BM_CA__N ? f->site->ca[i].key : f->site->ocsp_key, f->token_label[i]);
}

enum bm_rc
bm_founding_make(struct bm_founding *f, struct bm_call *call, struct bm_fail *fail)
{
    struct bm_operator *first = &f->site->operators.operators[0];
    enum bm_rc rc;

    if ((rc = dirs_make(f, fail)) != BM_OK || (rc = ledger_make(f, fail)) != BM_OK || (rc = nonce_make(f, fail)) != BM_OK ||
        (rc = journal_make(f, fail)) != BM_OK || (rc = ocsp_key_make(f, call, fail)) != BM_OK ||
        (rc = operator_make(f, call, &first->key, fail)) != BM_OK || (rc = hierarchy_make(f, call, fail)) != BM_OK ||
        (rc = profiles_put(f, fail)) != BM_OK || (rc = texts_put(f, fail)) != BM_OK)
        return rc;
    if ((rc = bm_server_cert_make(f->dir, f->site->url, f->now, fail)) != BM_OK)
        return rc;
    return bm_operator_cert_make(f->dir, &first->key, f->now, fail);
}
