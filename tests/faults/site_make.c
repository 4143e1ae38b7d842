/* site_make.c - the site on disk: keys, CAs, site.conf, lots of chips in software. */
#include "base/base.h"
#include "site_fixture.h"

#include "base/file.h"
#include "pki/csr.h"
#include "pki/oid.h"
#include "pki/tbs.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

void
fixture_die(const char *file, int line, const char *what, const char *why)
{
    (void)fprintf(stderr, "%s:%d: %s: %s\n", file, line, what, why);
    abort();
}

static void
put(const struct fixture *f, const char *name, struct bm_bytes bytes)
{
    char path[BM_PATH];

    fixture_must(bm_path_join(path, f->home, name, &fail));
    fixture_must(bm_file_write(path, bytes, 0600, &fail));
}

static void
put_key(const struct fixture *f, const char *name, const struct bm_private *key)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 65536 };

    fixture_must(bm_private_build(&pem, key, &fail));
    put(f, name, bm_buf_bytes(&pem));
}

static void
sign_cert(struct bm_buf *der, const struct bm_ca_subject *subject, const struct bm_key *key, struct bm_private *root,
          const struct bm_issuer *issuer, bool ends)
{
    bm_cleanup(bm_buf_done) struct bm_buf tbs = { .max = BM_MAX_CERT }, signature = { .max = BM_MAX_SIGNATURE };
    uint8_t serial[BM_MAX_SERIAL];
    bm_time now = 0;

    fixture_must(bm_env_system.now(bm_env_system.ctx, &now, &fail));
    fixture_must(bm_env_system.random(bm_env_system.ctx, serial, sizeof(serial), &fail));
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
    fixture_must(bm_tbs_ca_build(&tbs, issuer, subject, bm_key_spki(key), bm_bytes(serial, sizeof(serial)), now - 60,
                                 ends ? now + (bm_time)3650 * 86400 : BM_TIME_NEVER, &fail));
    fixture_must(bm_private_sign(root, bm_buf_bytes(&tbs), &signature, &fail));
    der->max = BM_MAX_CERT;
    bm_signed_build(der, bm_buf_bytes(&tbs), bm_private_alg(root), bm_buf_bytes(&signature));
}

/* A CA's certificate, into `der` and into the file. */
static void
make_cert(struct fixture *f, struct bm_buf *der, const char *place, const struct bm_ca_subject *subject, const struct bm_key *key,
          struct bm_private *root, const struct bm_issuer *issuer, bool ends)
{
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 65536 };

    sign_cert(der, subject, key, root, issuer, ends);
    bm_pem_build(&pem, "CERTIFICATE", bm_buf_bytes(der));
    put(f, place, bm_buf_bytes(&pem));
}

static void
make_ca(struct fixture *f, enum bm_ca ca, const char *name, struct bm_private *root, const struct bm_issuer *issuer)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    struct bm_ca_subject subject = { .common_name = name, .organization = "Fixture", .path_len = 0 };
    char path[64];

    fixture_must(bm_private_generate(&key, BM_KEY_P256, &fail));
    (void)snprintf(path, sizeof(path), BM_PLACE_CA_CERT, name);
    make_cert(f, &f->ca[ca], path, &subject, bm_private_public(key), root, issuer, ca != BM_CA_IDEVID);
    (void)snprintf(path, sizeof(path), BM_PLACE_CA_KEY, name);
    put_key(f, path, key);
}

static void
make_ocsp(struct fixture *f)
{
    bm_cleanup(bm_private_done) struct bm_private *key = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 4096 };

    fixture_must(bm_private_generate(&key, BM_KEY_P256, &fail));
    put_key(f, BM_PLACE_OCSP_KEY, key);
    bm_pem_build(&pem, "PUBLIC KEY", bm_key_spki(bm_private_public(key)));
    put(f, BM_PLACE_OCSP_PUB, bm_buf_bytes(&pem));
}

static void
make_root(struct fixture *f, struct bm_private *root, const struct bm_issuer *issuer)
{
    bm_cleanup(bm_buf_done) struct bm_buf der = { .max = BM_MAX_CERT };
    struct bm_ca_subject subject = { .common_name = "root", .organization = "Fixture", .path_len = 2 };

    make_cert(f, &der, BM_PLACE_ROOT_CERT, &subject, bm_private_public(root), root, issuer, false);
}

static void
issuer_fill(struct bm_issuer *issuer, struct bm_buf *name, struct bm_private *root)
{
    bm_name_build(name, "Fixture", "root");
    issuer->subject = bm_buf_bytes(name);
    memcpy(issuer->key_id, bm_key_ski(bm_private_public(root)).octets, sizeof(issuer->key_id));
    issuer->alg = bm_private_alg(root);
}

static void
make_cas(struct fixture *f)
{
    bm_cleanup(bm_buf_done) struct bm_buf name = { .max = BM_MAX_DN };
    struct bm_issuer issuer = { .not_after = BM_TIME_NEVER };

    fixture_must(bm_private_generate(&f->root, BM_KEY_P256, &fail));
    issuer_fill(&issuer, &name, f->root);
    make_root(f, f->root, &issuer);
    make_ca(f, BM_CA_OPERATIONAL, "operational", f->root, &issuer);
    make_ca(f, BM_CA_IDEVID, "idevid", f->root, &issuer);
    make_ocsp(f);
}

void
fixture_ca_sign(struct bm_buf *der, struct bm_private *root, const struct bm_ca_subject *subject, const struct bm_key *key, bool test)
{
    bm_cleanup(bm_buf_done) struct bm_buf name = { .max = BM_MAX_DN };
    struct bm_issuer issuer = { .not_after = BM_TIME_NEVER, .test = test };

    issuer_fill(&issuer, &name, root);
    sign_cert(der, subject, key, root, &issuer, true);
}

/* Whose key it is, before there is a certificate. */
static void
put_request(const struct fixture *f, const char *name, struct bm_private *key)
{
    bm_cleanup(bm_buf_done) struct bm_buf info = { .max = BM_MAX_CSR }, signature = { .max = BM_MAX_SIGNATURE };
    bm_cleanup(bm_buf_done) struct bm_buf csr = { .max = BM_MAX_CSR }, pem = { .max = 65536 };
    char path[BM_PATH];

    bm_csr_info_build(&info, bm_key_spki(bm_private_public(key)), name);
    fixture_must(bm_private_sign(key, bm_buf_bytes(&info), &signature, &fail));
    bm_csr_build(&csr, bm_buf_bytes(&info), bm_private_alg(key), bm_buf_bytes(&signature));
    bm_pem_build(&pem, "CERTIFICATE REQUEST", bm_buf_bytes(&csr));
    (void)snprintf(path, sizeof(path), BM_PLACE_CA_CSR, name);
    put(f, path, bm_buf_bytes(&pem));
}

void
fixture_ca_key(struct fixture *f, const char *name, struct bm_private *key)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 65536 };
    struct bm_site *site = calloc(1, sizeof(*site));
    struct bm_site_ca *ca;
    char path[BM_PATH];

    if (site == NULL)
        fixture_die(__FILE__, __LINE__, "calloc", "no memory");
    fixture_must(bm_path_join(path, f->home, BM_PLACE_SITE, &fail));
    fixture_must(bm_file_read(&text, path, &fail));
    fixture_must(bm_site_parse(site, bm_buf_bytes(&text), &fail));
    ca = &site->ca[site->nca++];
    ca->kind = BM_CA_OPERATIONAL;
    (void)snprintf(ca->name, sizeof(ca->name), "%s", name);
    (void)snprintf(ca->key, sizeof(ca->key), "file:" BM_PLACE_CA_KEY, name);
    bm_buf_reset(&text);
    bm_site_build(&text, site);
    put(f, BM_PLACE_SITE, bm_buf_bytes(&text));
    (void)snprintf(path, sizeof(path), BM_PLACE_CA_KEY, name);
    put_key(f, path, key);
    put_request(f, name, key);
    free(site);
}

static void
make_person(struct bm_note_signer *who, const char *name)
{
    uint8_t seed[BM_NOTE_KEY];

    fixture_must(bm_env_system.random(bm_env_system.ctx, seed, sizeof(seed), &fail));
    fixture_must(bm_note_signer_init(who, name, seed, &fail));
}

static void
make_people(struct fixture *f)
{
    static const struct {
        const char *name;
        enum bm_role role;
    } people[FIXTURE_PERSONS] = { [ANNA_ADMIN] = { "anna", BM_ROLE_OFFICER },
                                  [CARL_CUSTODIAN] = { "carl", BM_ROLE_CUSTODIAN },
                                  [PETRA_PLANNER] = { "petra", BM_ROLE_PLANNER },
                                  [MALLORY] = { "mallory", BM_ROLE_OFFICER } };
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 65536 };
    struct bm_site *site = calloc(1, sizeof(*site));

    if (site == NULL)
        fixture_die(__FILE__, __LINE__, "calloc", "no memory");
    (void)snprintf(site->name, sizeof(site->name), "Fixture Factory");
    for (size_t i = 0; i < BM_CA__N; i++) {
        struct bm_site_ca *ca = &site->ca[site->nca++];

        ca->kind = (enum bm_ca)i;
        (void)snprintf(ca->name, sizeof(ca->name), "%s", bm_ca_word(ca->kind));
        (void)snprintf(ca->key, sizeof(ca->key), "file:" BM_PLACE_CA_KEY, bm_ca_word(ca->kind));
    }
    (void)snprintf(site->ocsp_key, sizeof(site->ocsp_key), "file:" BM_PLACE_OCSP_KEY);
    for (size_t i = 0; i < FIXTURE_PERSONS; i++) {
        struct bm_operator *operator= & site->operators.operators[i];

        make_person(&f->people[i], people[i].name);
        (void)snprintf(operator->name, sizeof(operator->name), "%s", people[i].name);
        operator->role = people[i].role;
        operator->key = f->people[i].key;
    }
    site->operators.noperators = MALLORY; /* all before */
    bm_site_build(&text, site);
    put(f, BM_PLACE_SITE, bm_buf_bytes(&text));
    free(site);
}

static void
make_secrets(struct fixture *f)
{
    bm_cleanup(bm_note_signer_wipe) struct bm_note_signer ledger = { .seed = { 0 } };
    bm_cleanup(bm_buf_done) struct bm_buf pem = { .max = 65536 };
    uint8_t nonce[BM_NONCE];
    char origin[BM_NOTE_NAME] = "birthmark/";

    make_person(&ledger, "birthmark");
    bm_note_signer_pem_build(&pem, &ledger);
    put(f, BM_PLACE_LEDGER_KEY, bm_buf_bytes(&pem));
    bm_sha256(f->site, bm_bytes(ledger.key.key, BM_NOTE_KEY));
    bm_hex(origin + strlen(origin), bm_bytes(f->site, BM_HASH));
    fixture_must(bm_note_key_init(&f->ledger_key, origin, ledger.key.key, &fail));
    fixture_must(bm_env_system.random(bm_env_system.ctx, nonce, sizeof(nonce), &fail));
    put(f, BM_PLACE_NONCE_KEY, bm_bytes(nonce, sizeof(nonce)));
    put(f, BM_PLACE_JOURNAL, bm_bytes(NULL, 0));
}

void
fixture_make(struct fixture *f)
{
    static const char *const dirs[] = { "ca", "signer" };
    char path[BM_PATH];

    memset(f, 0, sizeof(*f));
    f->channel = -1;
    f->seq = 1;
    (void)snprintf(f->home, sizeof(f->home), "/tmp/bm-fixture-XXXXXX");
    if (mkdtemp(f->home) == NULL)
        fixture_die(__FILE__, __LINE__, "mkdtemp", f->home);
    for (size_t i = 0; i < BM_COUNT(dirs); i++) {
        fixture_must(bm_path_join(path, f->home, dirs[i], &fail));
        fixture_must(bm_dir_make(path, 0700, &fail));
    }
    fixture_must(bm_crypto_new(&f->crypto, &fail));
    bm_tree_init(&f->ledger, 1u << 20);
    make_secrets(f);
    make_cas(f);
    make_people(f);
    make_person(&f->chipmaker, "chipmaker.example");
}

void
fixture_remove(struct fixture *f)
{
    char line[128];

    (void)snprintf(line, sizeof(line), "rm -rf %s", f->home);
    if (strncmp(f->home, "/tmp/bm-fixture-", 16) != 0 || system(line) != 0)
        fixture_die(__FILE__, __LINE__, "rm", f->home);
    bm_private_free(f->root);
    bm_crypto_done(&f->crypto);
    bm_tree_done(&f->ledger);
    for (size_t i = 0; i < BM_CA__N; i++)
        bm_buf_done(&f->ca[i]);
}

static void
make_chip(struct fixture_chip *chip, size_t i)
{
    struct bm_leaf leaf = { .kind = BM_LEAF_KEYS, .root = BM_ROOT_SOFTWARE, .nkeys = 1 };

    fixture_must(bm_private_generate(&chip->root, BM_KEY_P256, &fail));
    (void)snprintf(leaf.id, sizeof(leaf.id), "soft-%zu", i);
    leaf.keys[0].use = BM_USE_SIGN;
    leaf.keys[0].key = *bm_private_public(chip->root);
    chip->leaf.max = BM_MAX_LEAF;
    fixture_must(bm_leaf_build(&chip->leaf, &leaf, &fail));
}

void
fixture_lot_head(struct fixture *f, struct fixture_lot *lot)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = 4096 };
    const struct bm_note_signer *signers[] = { &f->chipmaker };
    struct bm_lot_head head = { .kind = lot->kind, .size = lot->n, .revision = lot->revision };
    uint8_t hash[BM_HASH];

    bm_tree_done(&lot->tree);
    bm_tree_init(&lot->tree, lot->n);
    for (size_t i = 0; i < lot->n; i++) {
        bm_tree_leaf(hash, bm_buf_bytes(&lot->chips[i].leaf));
        fixture_must(bm_tree_append(&lot->tree, hash, &fail));
    }
    bm_tree_root(&lot->tree, lot->root);
    (void)snprintf(head.lot, sizeof(head.lot), "%s", lot->name);
    (void)snprintf(head.vendor, sizeof(head.vendor), "Example Silicon");
    memcpy(head.root, lot->root, BM_HASH);
    bm_lot_head_build(&text, &head);
    bm_buf_reset(&lot->head);
    lot->head.max = BM_MAX_NOTE;
    fixture_must(bm_note_build(&lot->head, bm_buf_bytes(&text), signers, 1, &fail));
}

void
fixture_lot_make(struct fixture *f, struct fixture_lot *lot, const char *name, size_t n)
{
    memset(lot, 0, sizeof(*lot));
    (void)snprintf(lot->name, sizeof(lot->name), "%s", name);
    if ((lot->chips = calloc(n, sizeof(*lot->chips))) == NULL)
        fixture_die(__FILE__, __LINE__, "calloc", "no memory");
    lot->kind = BM_LEAF_KEYS;
    lot->n = n;
    for (size_t i = 0; i < n; i++)
        make_chip(&lot->chips[i], i);
    fixture_lot_head(f, lot);
}

void
fixture_lot_done(struct fixture_lot *lot)
{
    for (size_t i = 0; i < lot->n; i++) {
        bm_private_free(lot->chips[i].root);
        bm_buf_done(&lot->chips[i].leaf);
    }
    free(lot->chips);
    bm_tree_done(&lot->tree);
    bm_buf_done(&lot->head);
    memset(lot, 0, sizeof(*lot));
}
