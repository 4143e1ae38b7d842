#include "device/enrol.h"

#include "base/file.h"
#include "evidence/cmc.h"
#include "pki/csr.h"
#include "wire/rd.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ROOT_CERTS 16384 /* leaves a request (BM_MAX_CMC) room for the CSR; real chains are under 3 KiB */

/* A pending key is one whose reply was lost, a live one may lack its confirmation: both are asked for again, and the same certificate comes back. */
enum bm_rc
bm_enrol_key_choose(struct bm_enrol_run *run, struct bm_fail *fail)
{
    struct bm_root *root = run->enrol->root;
    const char *service = run->enrol->service;
    enum bm_rc rc = BM_EPOLICY;

    if (run->renews)
        return bm_renew_key(run, fail);
    run->pending = true;
    if (run->enrol->new_key)
        return root->ops->key_new(root, service, &run->key, fail);
    if ((rc = root->ops->key_public(root, service, true, &run->key, fail)) == BM_OK)
        return bm_renew_settle(run, fail);
    if (rc == BM_EPOLICY) {
        rc = root->ops->key_public(root, service, false, &run->key, fail);
        run->pending = rc == BM_EPOLICY;
    }
    return rc == BM_EPOLICY ? root->ops->key_new(root, service, &run->key, fail) : rc;
}

enum bm_rc
bm_enrol_csr_make(struct bm_buf *csr, const struct bm_enrol_run *run, struct bm_bytes attributes, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf info = { .max = BM_MAX_CSR }, signature = { .max = BM_MAX_SIGNATURE };
    struct bm_root *root = run->enrol->root;
    enum bm_sig_alg alg;
    enum bm_rc rc;

    bm_csr_info_build_attributes(&info, bm_key_spki(&run->key), run->enrol->service, attributes);
    if ((rc = bm_buf_check(&info, "the request", fail)) != BM_OK ||
        (rc = root->ops->key_sign(root, run->enrol->service, run->pending, bm_buf_bytes(&info), &alg, &signature, fail)) != BM_OK)
        return rc;
    bm_csr_build(csr, bm_buf_bytes(&info), alg, bm_buf_bytes(&signature));
    return bm_buf_check(csr, "the request", fail);
}

/* The list of views over certificates with u32 lengths, the one for `key` first. */
static enum bm_rc
chain_list(struct bm_bytes certs, const struct bm_key *key, struct bm_bytes ret[static BM_ENROL_CERTS], size_t *ret_n, struct bm_fail *fail)
{
    struct bm_rd rd = bm_rd(certs);
    size_t n = 1;
    bool found = false;

    while (rd.left > 0) {
        struct bm_bytes der = bm_rd_lv32(&rd, BM_MAX_CERT);
        struct bm_cert cert;
        enum bm_rc rc;

        if ((rc = bm_cert_parse(&cert, der, fail)) != BM_OK) {
            bm_fail_prefix(fail, "the server's reply");
            return rc;
        }
        if (!found && memcmp(cert.key.hash, key->hash, BM_HASH) == 0) {
            ret[0] = der;
            found = true;
        } else if (n < BM_ENROL_CERTS)
            ret[n++] = der;
        else
            return bm_fail(fail, BM_EINPUT, NULL, "the server's reply holds more than %d certificates", BM_ENROL_CERTS);
    }
    if (!found)
        return bm_fail(fail, BM_EPOLICY, NULL, "the server's certificate is for another key than the one asked for: nothing was stored");
    *ret_n = n;
    return BM_OK;
}

enum bm_rc
bm_enrol_check(struct bm_bytes certs, const struct bm_key *key, struct bm_certs anchors, bm_time now,
               struct bm_bytes ret_certs[static BM_ENROL_CERTS], size_t *ret_n, struct bm_fail *fail)
{
    struct bm_cert leaf;
    enum bm_rc rc;

    if ((rc = chain_list(certs, key, ret_certs, ret_n, fail)) != BM_OK || (rc = bm_cert_parse(&leaf, ret_certs[0], fail)) != BM_OK)
        return rc;
    /* It was made this moment, by a clock that may be ahead of the device's, not by days: checked no earlier than its first second. */
    if (now < leaf.not_before - 86400)
        return bm_fail(fail, BM_EBUSY, NULL,
                       "the server's certificate begins a day or more after what the clock says, nothing was stored: set the clock, "
                       "then try again");
    if (now > leaf.not_after)
        return bm_fail(
            fail, BM_EPOLICY, BM_ENROL_ENDED,
            "the server's certificate has expired by what the clock says, nothing was stored: set the clock, or where it is right "
            "have the identity reissued and enrol with a new key");
    if (now < leaf.not_before)
        now = leaf.not_before;
    if ((rc = bm_path_check(ret_certs[0], (struct bm_certs){ ret_certs + 1, *ret_n - 1 }, anchors, now, fail)) != BM_OK)
        bm_fail_prefix(fail, "the server's certificate does not lead to the site's root, nothing was stored");
    return rc;
}

static enum bm_rc
anchor_add(void *ctx, struct bm_bytes der, struct bm_fail *fail)
{
    (void)fail;
    bm_buf_add_lv32(ctx, der);
    return BM_OK;
}

/* Before anything is asked: a TLS library would only say that the server's certificate is no good. */
static enum bm_rc
clock_check(const struct bm_bytes *anchors, size_t n, const char *path, struct bm_fail *fail)
{
    char says[BM_TIME_TEXT], from[BM_TIME_TEXT], until[BM_TIME_TEXT];
    struct bm_cert cert = { .not_before = 0 };
    bm_time now;
    enum bm_rc rc;

    if ((rc = bm_env_system.now(bm_env_system.ctx, &now, fail)) != BM_OK) /* never set */
        return rc;
    for (size_t i = 0; i < n; i++) {
        if ((rc = bm_cert_parse(&cert, anchors[i], fail)) != BM_OK) {
            bm_fail_prefix(fail, "%s", path);
            return rc;
        }
        if (now >= cert.not_before && now <= cert.not_after)
            return BM_OK;
    }
    bm_time_print(says, now);
    bm_time_print(from, cert.not_before);
    bm_time_print(until, cert.not_after);
    return bm_fail(fail, BM_EBUSY, NULL,
                   "the clock says %.10s, and the certificate in %.200s holds from %.10s to %.10s: set the clock, then try again", says,
                   path, from, until);
}

/* The certificates of the CA file; *ret_list views into `bytes`. */
static enum bm_rc
anchors_read(struct bm_buf *bytes, struct bm_bytes ret_list[static BM_ENROL_CERTS], size_t *ret_n, const char *path, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_NOTE };
    struct bm_rd rd;
    enum bm_rc rc;

    if ((rc = bm_file_read(&text, path, fail)) != BM_OK ||
        (rc = bm_pem_parse(bm_buf_bytes(&text), "CERTIFICATE", anchor_add, bytes, fail)) != BM_OK ||
        (rc = bm_buf_check(bytes, path, fail)) != BM_OK)
        return rc;
    rd = bm_rd(bm_buf_bytes(bytes));
    for (*ret_n = 0; rd.left > 0 && *ret_n < BM_ENROL_CERTS; (*ret_n)++)
        ret_list[*ret_n] = bm_rd_lv32(&rd, BM_MAX_CERT);
    if (*ret_n == 0)
        return bm_fail(fail, BM_EINPUT, NULL, "%s holds no certificate in PEM", path);
    return clock_check(ret_list, *ret_n, path, fail);
}

/* The site's root is in ca_file and need not fill the hardware. */
static size_t
anchors_drop(struct bm_bytes *certs, size_t n, const struct bm_bytes *anchors, size_t nanchors)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        bool anchor = false;

        for (size_t k = 0; i > 0 && k < nanchors; k++)
            anchor |= bm_bytes_equal(certs[i], anchors[k]);
        if (!anchor)
            certs[kept++] = certs[i];
    }
    return kept;
}

/* Stored is what reads back. */
static enum bm_rc
store(const struct bm_enrol *enrol, const struct bm_bytes *certs, size_t n, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf back = { .max = BM_ROOT_CERTS * (BM_MAX_CERT + 4) };
    struct bm_root *root = enrol->root;
    struct bm_rd rd;
    enum bm_rc rc;

    if ((rc = root->ops->commit(root, enrol->service, certs, n, fail)) != BM_OK ||
        (rc = root->ops->certs(root, enrol->service, &back, fail)) != BM_OK)
        return rc;
    rd = bm_rd(bm_buf_bytes(&back));
    if (!bm_bytes_equal(bm_rd_lv32(&rd, BM_MAX_CERT), certs[0]))
        return bm_fail(fail, BM_EBUSY, NULL, "the hardware gives back another certificate than the one stored: enrol again");
    return BM_OK;
}

enum bm_rc
bm_enrol_confirm(const struct bm_enrol *enrol, struct bm_fail *fail)
{
    bm_cleanup(bm_http_done) struct bm_http *http = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf reply = { .max = BM_MAX_HTTP_BODY };
    enum bm_rc rc;

    if ((rc = bm_http_open(&http, enrol->server, enrol->ca_file, enrol->carrier, fail)) != BM_OK ||
        (rc = bm_http_identity(http, enrol->root, enrol->service, fail)) != BM_OK)
        return rc;
    return bm_http_post(http, "/v1/confirm", "application/json", bm_bytes_str("{}"), NULL, &reply, fail);
}

/* The hardware's certificates without their lengths: a chip that is listed by its id alone is found by them. As many as a request carries. */
static void
certs_plain(struct bm_buf *plain, struct bm_bytes certs)
{
    struct bm_rd rd = bm_rd(certs);

    for (size_t n = 0; rd.left > 0 && n < BM_CMC_CERTS; n++) {
        struct bm_bytes der = bm_rd_lv32(&rd, BM_MAX_CERT);

        if (plain->n + der.n <= MAX_ROOT_CERTS)
            bm_buf_add_bytes(plain, der);
    }
}

static enum bm_rc
certs_ask(struct bm_enrol_run *run, bool anew, struct bm_buf *certs, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf csr = { .max = BM_MAX_CSR }, theirs = { .max = BM_MAX_EVIDENCE };
    bm_cleanup(bm_buf_done) struct bm_buf plain = { .max = BM_MAX_EVIDENCE };
    struct bm_leaf_key speaker;
    enum bm_rc rc;

    if ((rc = bm_root_speaker(run->enrol->root, &speaker, &theirs, fail)) != BM_OK ||
        (rc = anew ? bm_renew_key_anew(run, fail) : bm_enrol_key_choose(run, fail)) != BM_OK ||
        (rc = bm_enrol_csr_make(&csr, run, bm_bytes(NULL, 0), fail)) != BM_OK)
        return rc;
    run->csr = bm_buf_bytes(&csr);
    certs_plain(&plain, bm_buf_bytes(&theirs));
    run->root_certs = bm_buf_bytes(&plain);
    run->root_key = &speaker.key;
    rc = speaker.use == BM_USE_SIGN      ? bm_enrol_root_signed(run, certs, fail)
         : speaker.use == BM_USE_DECRYPT ? bm_enrol_tpm_activated(run, certs, fail)
                                         : bm_enrol_tpm_certified(run, certs, fail);
    run->csr = run->root_certs = bm_bytes(NULL, 0);
    run->root_key = NULL;
    return rc;
}

/* Asks, checks, stores. */
static enum bm_rc
enrol_once(struct bm_enrol_run *run, bool anew, struct bm_certs anchors, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf certs = { .max = BM_ENROL_CERTS * (BM_MAX_CERT + 4) };
    struct bm_bytes list[BM_ENROL_CERTS];
    bm_time now;
    size_t n;
    enum bm_rc rc;

    if ((rc = certs_ask(run, anew, &certs, fail)) != BM_OK || (rc = bm_env_system.now(bm_env_system.ctx, &now, fail)) != BM_OK ||
        (rc = bm_enrol_check(bm_buf_bytes(&certs), &run->key, anchors, now, list, &n, fail)) != BM_OK)
        return rc;
    return store(run->enrol, list, anchors_drop(list, n, anchors.der, anchors.n), fail);
}

/* A pending key whose reply was lost for so long that its certificate has expired gets that one for ever: another key takes its place, once. */
static enum bm_rc
enrol_run(struct bm_enrol_run *run, struct bm_certs anchors, struct bm_fail *fail)
{
    enum bm_rc rc = enrol_once(run, false, anchors, fail);

    if (rc != BM_EPOLICY || !run->kept || fail->cite == NULL || strcmp(fail->cite, BM_ENROL_ENDED) != 0)
        return rc;
    return enrol_once(run, true, anchors, fail);
}

enum bm_rc
bm_enrol(const struct bm_enrol *enrol, char ret_warning[static 400], struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf anchors = { .max = BM_ENROL_CERTS * (BM_MAX_CERT + 4) };
    bm_cleanup(bm_http_done) struct bm_http *http = NULL;
    struct bm_bytes list[BM_ENROL_CERTS];
    struct bm_enrol_run run = { .enrol = enrol, .renews = enrol->renew };
    struct bm_fail unconfirmed;
    size_t n = 0; /* gcc 14 for size does not see that it is set */
    enum bm_rc rc;

    if (!bm_name_ok(enrol->service, BM_MAX_NAME) || (enrol->profile != NULL && !bm_name_ok(enrol->profile, BM_MAX_NAME)))
        return bm_fail(fail, BM_EINPUT, NULL, "services and profiles are named by 1 to %d characters of [A-Za-z0-9._-]", BM_MAX_NAME);
    if ((rc = anchors_read(&anchors, list, &n, enrol->ca_file, fail)) != BM_OK ||
        (rc = bm_http_open(&http, enrol->server, enrol->ca_file, enrol->carrier, fail)) != BM_OK)
        return rc;
    run.http = http;
    if ((rc = enrol_run(&run, (struct bm_certs){ list, n }, fail)) != BM_OK)
        return rc;
    bm_http_done(&http); /* the new identity speaks over a connection of its own */
    ret_warning[0] = '\0';
    if (bm_enrol_confirm(enrol, &unconfirmed) != BM_OK)
        (void)snprintf(ret_warning, 400, "the identity is stored but not confirmed; run enrol again later: %.300s", unconfirmed.text);
    return BM_OK;
}
