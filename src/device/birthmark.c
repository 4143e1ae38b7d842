/* birthmark.c - include/birthmark.h over the rooms behind it: arguments checked, refusals put into the handle. */
#include "device/handle.h"

#include "device/bound.h"

#include "device/enrol.h"
#include "device/files.h"
#include "device/tls.h"
#include "evidence/dice.h"
#include "wire/rd.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>

EXPORT struct birthmark *
birthmark_new(void)
{
    return calloc(1, sizeof(struct birthmark));
}

EXPORT void
birthmark_free(struct birthmark *bm)
{
    if (bm == NULL)
        return;
    bm_provider_free(bm->provider);
    bm_root_close(bm->root);
    free(bm);
}

EXPORT const char *
birthmark_error(const struct birthmark *bm)
{
    return bm == NULL ? "no memory" : bm->fail.text;
}

EXPORT const char *
birthmark_warning(const struct birthmark *bm)
{
    return bm == NULL ? "" : bm->warning;
}

EXPORT enum birthmark_result
birthmark_open(struct birthmark *bm, const char *root_uri)
{
    if (!bm_handle_begin(bm, root_uri != NULL))
        return BIRTHMARK_USAGE;
    if (bm->root != NULL) {
        bm_fail_note(&bm->fail, BM_EINPUT, NULL, "libbirthmark: a root of trust is open already");
        return BIRTHMARK_USAGE;
    }
    if (strlen(root_uri) > BM_MAX_ROOT_URI) {
        bm_fail_note(&bm->fail, BM_EINPUT, NULL, "the root's URI is longer than %d bytes", BM_MAX_ROOT_URI);
        return BIRTHMARK_USAGE;
    }
    (void)snprintf(bm->uri, sizeof(bm->uri), "%s", root_uri);
    return bm_handle_result(bm_root_open(&bm->root, root_uri, &bm->fail));
}

EXPORT enum birthmark_result
birthmark_carry(struct birthmark *bm, struct birthmark_carrier *carrier)
{
    if (!bm_handle_begin(bm, carrier == NULL || (carrier->post != NULL && carrier->connect != NULL && carrier->exchange != NULL)))
        return BIRTHMARK_USAGE;
    bm->carrier = carrier;
    return BIRTHMARK_OK;
}

/* What a renewal's new key is bound to is the live key's; the handle goes on as it was. */
static enum bm_rc
enrol_as_bound(struct birthmark *bm, const struct bm_enrol *enrol)
{
    struct bm_fail other;
    enum bm_rc rc = bm_enrol(enrol, bm->warning, &bm->fail);
    enum bm_rc bound = bm_root_bind(bm->root, bm->bound.pcrs != 0 ? &bm->bound : NULL, rc == BM_OK ? &bm->fail : &other);

    return rc != BM_OK ? rc : bound;
}

EXPORT enum birthmark_result
birthmark_enrol(struct birthmark *bm, const char *server_url, const char *service, const char *profile, const char *ca_file, unsigned flags)
{
    bm_cleanup(bm_turn_done) int turn = -1;
    enum bm_rc rc;

    if (!bm_handle_begin_open(bm, server_url != NULL && service != NULL && ca_file != NULL && (flags & ~BIRTHMARK_NEW_KEY) == 0))
        return BIRTHMARK_USAGE;
    if ((rc = bm_handle_turn(bm, &turn)) != BM_OK)
        return bm_handle_result(rc);
    if ((flags & BIRTHMARK_NEW_KEY) == 0 && (rc = bm_bound_check(bm->root, &bm->bound, service, &bm->fail)) != BM_OK)
        return bm_handle_result(rc);
    const struct bm_enrol enrol = {
        .root = bm->root,
        .server = server_url,
        .service = service,
        .profile = profile,
        .ca_file = ca_file,
        .carrier = bm->carrier,
        .new_key = flags & BIRTHMARK_NEW_KEY,
    };
    return bm_handle_result(enrol_as_bound(bm, &enrol));
}

EXPORT enum birthmark_result
birthmark_renew(struct birthmark *bm, const char *server_url, const char *service, const char *profile, const char *ca_file, unsigned flags)
{
    bm_cleanup(bm_turn_done) int turn = -1;
    enum bm_renew wanted = BM_RENEW_NOTHING;
    struct bm_fail other;
    enum bm_rc rc;

    if (!bm_handle_begin_open(bm, server_url != NULL && service != NULL && ca_file != NULL && (flags & ~BIRTHMARK_IF_DUE) == 0))
        return BIRTHMARK_USAGE;
    const struct bm_enrol enrol = {
        .root = bm->root,
        .server = server_url,
        .service = service,
        .profile = profile,
        .ca_file = ca_file,
        .carrier = bm->carrier,
        .renew = true,
    };
    if ((rc = bm_handle_turn(bm, &turn)) != BM_OK ||
        (rc = bm_renew_wanted(&wanted, bm->root, service, flags & BIRTHMARK_IF_DUE, &bm->fail)) != BM_OK || wanted == BM_RENEW_NOTHING)
        return bm_handle_result(rc);
    if (wanted == BM_RENEW_CONFIRM) {
        if (bm_enrol_confirm(&enrol, &other) != BM_OK)
            (void)snprintf(bm->warning, sizeof(bm->warning), "the identity is not confirmed yet: %.300s", other.text);
        return BIRTHMARK_OK;
    }
    return bm_handle_result(enrol_as_bound(bm, &enrol));
}

static void
leaf_done(struct bm_leaf **leaf)
{
    free(*leaf);
}

/* The chain is checked as a verifier would, but for its dates, which are open: the clock may not be set. A root that has none leaves the texts empty. */
static enum bm_rc
dice_fill(struct birthmark *bm, const struct bm_key *root_key, struct bm_fail *fail)
{
    bm_cleanup(bm_crypto_done) struct bm_crypto *crypto = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE }, signature = { .max = BM_MAX_SIGNATURE };
    struct bm_bytes device_id;
    struct bm_dice dice;
    struct bm_rd rd;
    enum bm_sig_alg alg;
    enum bm_rc rc;

    memset(bm->dice, 0, sizeof(bm->dice));
    if (bm->root->ops->dice == NULL)
        return BM_OK;
    if ((rc = bm->root->ops->dice(bm->root, bm_bytes(NULL, 0), &certs, &alg, &signature, fail)) == BM_EPOLICY)
        return BM_OK; /* nothing was measured */
    if (rc != BM_OK || (rc = bm_crypto_new(&crypto, fail)) != BM_OK)
        return rc;
    rd = bm_rd(bm_buf_bytes(&certs));
    device_id = bm_rd_lv32(&rd, BM_MAX_CERT);
    if ((rc = bm_dice_check(&dice, crypto, root_key, device_id, bm_rd_lv32(&rd, BM_MAX_CERT), BM_CLOCK_FLOOR, fail)) != BM_OK)
        return rc;
    bm_hex(bm->dice[0], bm_bytes(dice.device_id.key.hash, BM_HASH));
    bm_hex(bm->dice[1], bm_bytes(dice.alias.key.hash, BM_HASH));
    bm_hex(bm->dice[2], bm_bytes(dice.device_id.measured, BM_HASH));
    bm_hex(bm->dice[3], bm_bytes(dice.alias.measured, BM_HASH));
    return BM_OK;
}

static enum bm_rc
status_fill(struct birthmark *bm, struct birthmark_status *ret, struct bm_fail *fail)
{
    bm_cleanup(leaf_done) struct bm_leaf *leaf = calloc(1, sizeof(*leaf)); /* 9 KiB */
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_MAX_EVIDENCE }, names = { .max = BM_MAX_SERVICES * 2 * (BM_MAX_NAME + 1) };
    const char *model;
    size_t at = 0;
    enum bm_rc rc;

    if (leaf == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    if ((rc = bm->root->ops->identify(bm->root, false, leaf, &certs, fail)) != BM_OK ||
        (rc = bm->root->ops->services(bm->root, &names, fail)) != BM_OK || (rc = dice_fill(bm, &leaf->keys[0].key, fail)) != BM_OK)
        return rc;
    (void)snprintf(bm->id, sizeof(bm->id), "%s", leaf->id);
    model = bm_leaf_label(leaf, BM_LABEL_MODEL);
    (void)snprintf(bm->model, sizeof(bm->model), "%s", model != NULL ? model : "");
    for (size_t i = 0; i < leaf->nkeys; i++, at += 2 * BM_HASH + 1) {
        if (i > 0)
            bm->keys[at - 1] = ' ';
        bm_hex(bm->keys + at, bm_bytes(leaf->keys[i].key.hash, BM_HASH));
    }
    *ret = (struct birthmark_status){ .root = bm_root_kind_word(leaf->root),
                                      .id = bm->id,
                                      .keys = bm->keys,
                                      .model = bm->model,
                                      .device_id = bm->dice[0],
                                      .alias = bm->dice[1],
                                      .first_code = bm->dice[2],
                                      .code = bm->dice[3] };
    for (size_t i = 0; i < names.n; i++)
        ret->identities += names.p[i] == '\n';
    return BM_OK;
}

EXPORT enum birthmark_result
birthmark_status(struct birthmark *bm, struct birthmark_status *ret)
{
    if (!bm_handle_begin_open(bm, ret != NULL))
        return BIRTHMARK_USAGE;
    return bm_handle_result(status_fill(bm, ret, &bm->fail));
}

static enum bm_rc
identity_tell(struct bm_root *root, const char *service, void (*each)(void *ctx, const struct birthmark_identity *identity), void *ctx,
              struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_ROOT_CERTS * (BM_MAX_CERT + 4) };
    char subject[BM_MAX_DN], issuer[BM_MAX_DN], serial[2 * BM_MAX_SERIAL + 1] = "", key[2 * BM_HASH + 1], pcrs[BM_PCRS_TEXT];
    struct bm_bound bound;
    bool usable;
    struct bm_cert cert;
    struct bm_rd rd;
    enum bm_rc rc;

    if ((rc = root->ops->certs(root, service, &certs, fail)) != BM_OK ||
        (rc = bm_root_bound_tell(root, BM_KEPT_LIVE, service, &bound, &usable, fail)) != BM_OK)
        return rc;
    bm_pcrs_print(pcrs, bound.pcrs);
    rd = bm_rd(bm_buf_bytes(&certs));
    if ((rc = bm_cert_parse(&cert, bm_rd_lv32(&rd, BM_MAX_CERT), fail)) != BM_OK) {
        bm_fail_prefix(fail, "the certificate of service %s", service);
        return rc;
    }
    bm_name_print(subject, sizeof(subject), cert.subject);
    bm_name_print(issuer, sizeof(issuer), cert.issuer);
    if (cert.serial.n <= BM_MAX_SERIAL)
        bm_hex(serial, cert.serial);
    bm_hex(key, bm_bytes(cert.key.hash, BM_HASH));
    const struct birthmark_identity identity = {
        .service = service,
        .subject = subject,
        .issuer = issuer,
        .serial = serial,
        .key = key,
        .not_before = cert.not_before,
        .not_after = cert.not_after,
        .renew_from = bm_renew_from(&cert),
        .certificate = cert.der.p,
        .ncertificate = cert.der.n,
        .bound = pcrs,
        .usable = usable,
    };
    each(ctx, &identity);
    return BM_OK;
}

struct identities {
    struct bm_root *root;
    void (*each)(void *ctx, const struct birthmark_identity *identity);
    void *ctx;
};

static enum bm_rc
identity_each(void *ctx, const char *service, struct bm_fail *fail)
{
    const struct identities *identities = ctx;
    struct bm_fail why;
    enum bm_rc rc = identity_tell(identities->root, service, identities->each, identities->ctx, &why);

    if (rc == BM_EPOLICY || rc == BM_EINPUT) { /* this one is damaged; of the others there is something to tell */
        struct birthmark_identity none;

        memset(&none, 0, sizeof(none));
        none.service = service;
        none.subject = none.issuer = none.serial = none.key = none.bound = "";
        none.broken = why.text;
        identities->each(identities->ctx, &none);
        return BM_OK;
    }
    if (rc != BM_OK)
        *fail = why;
    return rc;
}

EXPORT enum birthmark_result
birthmark_identities(struct birthmark *bm, void (*each)(void *ctx, const struct birthmark_identity *identity), void *ctx)
{
    if (!bm_handle_begin_open(bm, each != NULL))
        return BIRTHMARK_USAGE;
    struct identities identities = { bm->root, each, ctx };
    return bm_handle_result(bm_handle_names(bm, bm->root->ops->services, identity_each, &identities));
}

EXPORT enum birthmark_result
birthmark_key_file(struct birthmark *bm, const char *service, const char *path)
{
    if (!bm_handle_begin_open(bm, service != NULL && path != NULL))
        return BIRTHMARK_USAGE;
    return bm_handle_result(bm_key_file_write(path, bm->root, bm->uri, service, &bm->fail));
}

EXPORT enum birthmark_result
birthmark_cert_file(struct birthmark *bm, const char *service, const char *path)
{
    if (!bm_handle_begin_open(bm, service != NULL && path != NULL))
        return BIRTHMARK_USAGE;
    return bm_handle_result(bm_cert_file_write(path, bm->root, service, &bm->fail));
}

EXPORT enum birthmark_result
birthmark_tls_client(struct birthmark *bm, const char *service, const char *ca_file, const char *host, SSL_CTX **ret)
{
    enum bm_rc rc = BM_OK;

    if (!bm_handle_begin_open(bm, service != NULL && ca_file != NULL && host != NULL && ret != NULL))
        return BIRTHMARK_USAGE;
    if (bm->provider == NULL)
        rc = bm_provider_new(&bm->provider, &bm->fail);
    return bm_handle_result(rc != BM_OK ? rc : bm_tls_client(ret, bm->provider, bm->root, service, ca_file, host, &bm->fail));
}
