#include "station/unit_inside.h"

#include "wire/text.h"

#include <stdio.h>

static enum bm_rc
hello(struct bm_unit *unit, struct bm_course *course, struct bm_fail *fail)
{
    bm_cleanup(bm_link_message_done) struct bm_link_message said = { 0 };
    enum bm_rc rc;

    if ((rc = bm_course_run(course, json_pack("{s:s, s:i}", "say", "hello", "link", BM_LINK_VERSION), BM_LINK_BIT(BM_LINK_DEVICE), &said,
                            fail)) != BM_OK)
        return rc;
    if (bm_link_number(&said, "link") != BM_LINK_VERSION)
        return bm_fail(fail, BM_EPOLICY, NULL, "the device speaks version %u of the link, this station version %d",
                       (unsigned)bm_link_number(&said, "link"), BM_LINK_VERSION);
    (void)snprintf(unit->root, sizeof(unit->root), "%s", bm_link_text(&said, "root"));
    (void)snprintf(unit->id, sizeof(unit->id), "%s", bm_link_text(&said, "id"));
    (void)snprintf(unit->model, sizeof(unit->model), "%s", bm_link_text(&said, "model"));
    (void)snprintf(unit->keys, sizeof(unit->keys), "%s", bm_link_text(&said, "keys"));
    return BM_OK;
}

static enum bm_rc
enrol(struct bm_unit *unit, struct bm_course *course, const struct bm_unit_ask *ask, struct bm_fail *fail)
{
    bm_cleanup(bm_link_message_done) struct bm_link_message said = { 0 };
    json_t *command = json_pack("{s:s, s:s, s:s}", "say", "enrol", "service", ask->service, "server", course->station->server);
    const char *warning;
    enum bm_rc rc;

    if (command != NULL && ((ask->profile != NULL && json_object_set_new(command, "profile", json_string(ask->profile)) != 0) ||
                            (ask->new_key && json_object_set_new(command, "new_key", json_true()) != 0))) {
        json_decref(command);
        command = NULL;
    }
    if ((rc = bm_course_run(course, command, BM_LINK_BIT(BM_LINK_ENROLLED), &said, fail)) != BM_OK)
        return rc;
    warning = bm_link_text(&said, "warning");
    (void)snprintf(unit->warning, sizeof(unit->warning), "%s", warning == NULL ? "" : warning);
    return BM_OK;
}

/* The certificate that it gives back is kept for the proof. What the device says beside it is not believed. */
static enum bm_rc
read_back(struct bm_unit *unit, struct bm_buf *certificate, struct bm_course *course, const char *service, struct bm_fail *fail)
{
    bm_cleanup(bm_link_message_done) struct bm_link_message said = { 0 };
    uint8_t digest[BM_HASH];
    struct bm_cert cert;
    enum bm_rc rc;

    if ((rc = bm_course_run(course, json_pack("{s:s, s:s}", "say", "read", "service", service), BM_LINK_BIT(BM_LINK_IDENTITY), &said,
                            fail)) != BM_OK)
        return rc;
    bm_link_bytes(&said, "certificate", certificate);
    if ((rc = bm_buf_check(certificate, "the certificate that was read back", fail)) != BM_OK ||
        (rc = bm_cert_parse(&cert, bm_buf_bytes(certificate), fail)) != BM_OK) {
        bm_fail_prefix(fail, "what the device has stored");
        return rc;
    }
    bm_sha256(digest, bm_buf_bytes(certificate));
    bm_hex(unit->fingerprint, bm_bytes(digest, sizeof(digest)));
    bm_hex(unit->key, bm_bytes(cert.key.hash, BM_HASH));
    bm_hex(unit->serial, bm_bytes(cert.serial.p, cert.serial.n <= BM_MAX_SERIAL ? cert.serial.n : 0));
    if (strcmp(unit->fingerprint, bm_link_text(&said, "fingerprint")) != 0 || strcmp(unit->key, bm_link_text(&said, "key")) != 0)
        return bm_fail(fail, BM_EPOLICY, NULL, "the device reads back a certificate that is not the one it speaks of");
    return BM_OK;
}

/* Both ends say so; ours counts: the handshake is done, its certificate leads to the site's root, and is the one that was read back. */
static enum bm_rc
proof_check(const SSL *ssl, struct bm_bytes certificate, struct bm_fail *fail)
{
    X509 *peer = SSL_get0_peer_certificate(ssl);
    unsigned char *der = NULL;
    int n;
    bool same;

    if (!SSL_is_init_finished(ssl) || peer == NULL || SSL_get_verify_result(ssl) != X509_V_OK)
        return bm_fail(fail, BM_EPOLICY, NULL, "the device says that it proved its identity, and has not");
    if ((n = i2d_X509(peer, &der)) <= 0)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    same = bm_bytes_equal(bm_bytes(der, (size_t)n), certificate);
    OPENSSL_free(der);
    return same ? BM_OK : bm_fail(fail, BM_EPOLICY, NULL, "the device proved another identity than the one it read back");
}

static enum bm_rc
proof_begin(struct bm_course *course, struct bm_fail *fail)
{
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

    bm_course_done(course);
    if ((course->proof = SSL_new(course->station->tls)) == NULL || in == NULL || out == NULL) {
        BIO_free(in);
        BIO_free(out);
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    }
    SSL_set_bio(course->proof, in, out);
    SSL_set_accept_state(course->proof);
    return BM_OK;
}

/* issue 5: a unit counts as done only after a mutual TLS handshake at the station */
static enum bm_rc
prove(struct bm_course *course, struct bm_bytes certificate, const char *service, struct bm_fail *fail)
{
    bm_cleanup(bm_link_message_done) struct bm_link_message said = { 0 };
    long verdict;
    enum bm_rc rc;

    if ((rc = proof_begin(course, fail)) != BM_OK)
        return rc;
    rc = bm_course_run(course, json_pack("{s:s, s:s}", "say", "prove", "service", service), BM_LINK_BIT(BM_LINK_PROVEN), &said, fail);
    verdict = SSL_get_verify_result(course->proof);
    if (rc == BM_EPOLICY && verdict != X509_V_OK) /* our own reason is the better one */
        return bm_fail(fail, BM_EPOLICY, NULL, "the device's certificate is not one of this site: %s",
                       X509_verify_cert_error_string(verdict));
    return rc != BM_OK ? rc : proof_check(course->proof, certificate, fail);
}

/* The device is asked for nothing after it; that its line is closed without a word is not this unit's fault. */
static void
bye(struct bm_course *course)
{
    bm_cleanup(bm_link_message_done) struct bm_link_message said = { 0 };
    struct bm_fail ignored = { 0 };

    if (bm_course_run(course, json_pack("{s:s}", "say", "bye"), BM_LINK_BIT(BM_LINK_BYE), &said, &ignored) != BM_OK)
        return;
}

static void
step_tell(const struct bm_unit_ask *ask, const char *step)
{
    if (ask->step != NULL)
        ask->step(ask->ctx, step);
}

enum bm_rc
bm_unit_make(struct bm_unit *ret, const struct bm_station *station, struct bm_link *link, const struct bm_unit_ask *ask,
             struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf certificate = { .max = BM_MAX_CERT };
    bm_cleanup(bm_course_done) struct bm_course course = { .station = station, .link = link, .server = -1 };
    enum bm_rc rc;

    *ret = (struct bm_unit){ 0 };
    step_tell(ask, "waiting");
    if ((rc = hello(ret, &course, fail)) == BM_OK) {
        step_tell(ask, "enrolling");
        rc = enrol(ret, &course, ask, fail);
    }
    if (rc == BM_OK) {
        step_tell(ask, "reading back");
        rc = read_back(ret, &certificate, &course, ask->service, fail);
    }
    if (rc == BM_OK) {
        step_tell(ask, "proving");
        rc = prove(&course, bm_buf_bytes(&certificate), ask->service, fail);
    }
    bm_course_done(&course);
    if (rc != BM_EINPUT && rc != BM_EBUSY)
        bye(&course);
    return rc;
}
