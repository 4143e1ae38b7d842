/* renew.c - an identity follows its own: the new key's request, spoken for by the root key and signed by the live key (docs/formats/api-v1.md). */
#include "device/enrol.h"

#include "evidence/word.h"
#include "wire/rd.h"

#define DAY 86400

/* Two thirds of the life, up to a 24th of it earlier or later: as the serial number falls, so that what was made in one hour is not renewed in one hour. */
bm_time
bm_renew_from(const struct bm_cert *cert)
{
    const bm_time life = cert->not_after - cert->not_before, wide = life / 24;
    uint8_t hash[BM_HASH];
    uint64_t drawn = 0;

    if (cert->not_after >= BM_TIME_NEVER || wide < 1)
        return cert->not_after;
    bm_sha256(hash, cert->serial);
    for (size_t i = 0; i < 8; i++)
        drawn = drawn << 8 | hash[i];
    return cert->not_before + life / 3 * 2 - wide + (bm_time)(drawn % (uint64_t)(2 * wide + 1));
}

static enum bm_rc
live_missing(enum bm_rc rc, const char *service, struct bm_fail *fail)
{
    if (rc == BM_EPOLICY)
        return bm_fail(fail, BM_EPOLICY, NULL, "this device has no identity for service %s: enrol it first", service);
    return rc;
}

enum bm_rc
bm_renew_wanted(enum bm_renew *ret_wanted, struct bm_root *root, const char *service, bool if_due, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_ROOT_CERTS * (BM_MAX_CERT + 4) };
    char says[BM_TIME_TEXT], made[BM_TIME_TEXT];
    struct bm_cert cert;
    struct bm_rd rd;
    bm_time now;
    enum bm_rc rc;

    if ((rc = bm_env_system.now(bm_env_system.ctx, &now, fail)) != BM_OK)
        return rc;
    if ((rc = root->ops->certs(root, service, &certs, fail)) != BM_OK)
        return live_missing(rc, service, fail);
    rd = bm_rd(bm_buf_bytes(&certs));
    if ((rc = bm_cert_parse(&cert, bm_rd_lv32(&rd, BM_MAX_CERT), fail)) != BM_OK) {
        bm_fail_prefix(fail, "the certificate of service %s", service);
        return rc;
    }
    if (now < cert.not_before - DAY) {
        bm_time_print(says, now);
        bm_time_print(made, cert.not_before);
        return bm_fail(fail, BM_EBUSY, NULL,
                       "the clock says %.10s, and the identity for %s was made on %.10s: set the clock, then try again", says, service,
                       made);
    }
    *ret_wanted = !if_due || now >= bm_renew_from(&cert) ? BM_RENEW_NOW
                  : now < cert.not_before + 2 * DAY      ? BM_RENEW_CONFIRM
                                                         : BM_RENEW_NOTHING;
    return BM_OK;
}

/* Before a key is bound to what was booted in the live one's place, or asked for in its name. */
static enum bm_rc
live_usable(const struct bm_enrol_run *run, struct bm_bound *ret_bound, struct bm_fail *fail)
{
    const char *service = run->enrol->service;
    bool usable;
    enum bm_rc rc = bm_root_bound_tell(run->enrol->root, BM_KEPT_LIVE, service, ret_bound, &usable, fail);

    if (rc != BM_OK || usable)
        return rc;
    return bm_fail(fail, BM_EPOLICY, NULL,
                   "this machine did not boot what the key of service %s is bound to: boot that again, or install the update's permit with "
                   "birthmark-agent boot permit",
                   service);
}

static bool
follows(const struct bm_enrol_run *run)
{
    return memcmp(run->key.hash, run->live.hash, BM_HASH) != 0;
}

enum bm_rc
bm_renew_settle(struct bm_enrol_run *run, struct bm_fail *fail)
{
    struct bm_root *root = run->enrol->root;
    struct bm_bound ignored;
    enum bm_rc rc = root->ops->key_public(root, run->enrol->service, false, &run->live, fail);

    run->renews = false;
    run->kept = rc == BM_EPOLICY || (rc == BM_OK && follows(run));
    if (rc == BM_EPOLICY || (rc == BM_OK && !run->kept))
        return BM_OK;
    if (rc != BM_OK || (rc = live_usable(run, &ignored, fail)) != BM_OK)
        return rc;
    rc = bm_enrol_confirm(run->enrol, fail);
    run->renews = rc == BM_OK;
    return rc == BM_EPOLICY ? BM_OK : rc;
}

static enum bm_rc
key_new_bound(struct bm_enrol_run *run, const struct bm_bound *bound, struct bm_fail *fail)
{
    struct bm_root *root = run->enrol->root;
    enum bm_rc rc = bm_root_bind(root, bound->pcrs != 0 ? bound : NULL, fail);

    return rc != BM_OK ? rc : root->ops->key_new(root, run->enrol->service, &run->key, fail);
}

/* The server holds that key's certificate for the provisional one, and allows a few others in its place. */
enum bm_rc
bm_renew_key_anew(struct bm_enrol_run *run, struct bm_fail *fail)
{
    struct bm_root *root = run->enrol->root;
    struct bm_bound bound;
    enum bm_rc rc;

    run->kept = false;
    if (!run->renews)
        return root->ops->key_new(root, run->enrol->service, &run->key, fail);
    if ((rc = live_usable(run, &bound, fail)) != BM_OK)
        return rc;
    return key_new_bound(run, &bound, fail);
}

/* A pending key may be one that the server has certified: it is asked for again, and replaced only when that has expired. */
enum bm_rc
bm_renew_key(struct bm_enrol_run *run, struct bm_fail *fail)
{
    struct bm_root *root = run->enrol->root;
    const char *service = run->enrol->service;
    struct bm_fail unconfirmed;
    struct bm_bound bound;
    enum bm_rc rc;

    run->pending = true;
    if ((rc = root->ops->key_public(root, service, false, &run->live, fail)) != BM_OK)
        return live_missing(rc, service, fail);
    if ((rc = live_usable(run, &bound, fail)) != BM_OK)
        return rc;
    /* a commit that was cut off at its very end may leave the live key as the pending one */
    if ((rc = root->ops->key_public(root, service, true, &run->key, fail)) == BM_OK && follows(run))
        return bm_renew_settle(run, fail);
    if (rc != BM_OK && rc != BM_EPOLICY)
        return rc;
    if (bm_enrol_confirm(run->enrol, &unconfirmed) != BM_OK) {
        /* The server renews what is confirmed only. It may have been, or have ended; if not, it says so next. */
    }
    return key_new_bound(run, &bound, fail);
}

static enum bm_rc
signature_make(struct bm_buf *signature, const struct bm_enrol_run *run, struct bm_fail *fail)
{
    uint8_t room[BM_WORD_TBS];
    struct bm_buf tbs = bm_buf_in(room, sizeof(room));
    struct bm_root *root = run->enrol->root;
    enum bm_sig_alg alg;

    bm_word_tbs(&tbs, BM_WORD_RENEWAL, run->csr);
    return root->ops->key_sign(root, run->enrol->service, false, bm_buf_bytes(&tbs), &alg, signature, fail);
}

enum bm_rc
bm_renew_ask(const struct bm_enrol_run *run, const char *kind, json_t *evidence, struct bm_buf *certs, struct bm_fail *fail)
{
    bm_cleanup(bm_json_done) json_t *request = json_pack("{s:o*}", kind, evidence);
    bm_cleanup(bm_buf_done) struct bm_buf signature = { .max = BM_MAX_SIGNATURE }, reply = { .max = BM_MAX_HTTP_BODY };
    enum bm_rc rc;

    if ((rc = signature_make(&signature, run, fail)) != BM_OK)
        return rc;
    if (request == NULL || json_object_size(request) == 0 || !bm_enrol_text_put(request, "service", run->enrol->service) ||
        (run->enrol->profile != NULL && !bm_enrol_text_put(request, "profile", run->enrol->profile)) ||
        !bm_enrol_b64_put(request, "key", bm_key_spki(&run->live)) || !bm_enrol_b64_put(request, "renewal", bm_buf_bytes(&signature)))
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    if ((rc = bm_enrol_ask(&reply, run, "/v1/renew", request, fail)) != BM_OK)
        return rc;
    return bm_enrol_certs_parse(certs, bm_buf_bytes(&reply), fail);
}
