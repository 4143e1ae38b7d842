/* support.c - one identity for one device and one repair: opened by an officer's statement, closed by an operator or by its time. */
#include "registrar/registrar.h"

#include "proc/control_messages.h"
#include "wire/text.h"

enum bm_rc
bm_support_keep_opened(struct bm_registrar *r, const struct bm_event *event, uint64_t leaf, struct bm_fail *fail)
{
    char device[BM_MAX_NAME + 1], profile[BM_MAX_NAME + 1], ticket[BM_MAX_NAME + 1], reason[SENTENCE], by[BM_MAX_NAME + 1],
        second[BM_MAX_NAME + 1], until[BM_TIME_TEXT];
    struct bm_store_support support = { .device = device,
                                        .profile = profile,
                                        .ticket = ticket,
                                        .reason = reason,
                                        .by = by,
                                        .second = second,
                                        .opened = event->time,
                                        .leaf = leaf };
    enum bm_rc rc;

    bm_view_copy(device, sizeof(device), event->device);
    bm_view_copy(profile, sizeof(profile), event->profile);
    bm_view_copy(ticket, sizeof(ticket), event->what);
    bm_view_copy(reason, sizeof(reason), event->reason);
    bm_view_copy(by, sizeof(by), event->by);
    bm_view_copy(second, sizeof(second), event->second);
    bm_view_copy(until, sizeof(until), event->until);
    if ((rc = bm_time_parse(&support.until, until, fail)) != BM_OK)
        return rc;
    return bm_store_support_put(r->store, &support, fail);
}

enum bm_rc
bm_support_keep_closed(struct bm_registrar *r, const struct bm_event *event, struct bm_fail *fail)
{
    char device[BM_MAX_NAME + 1], by[BM_MAX_NAME + 1], why[SENTENCE], hex[2 * BM_MAX_SERIAL + 1];
    uint8_t serial[BM_MAX_SERIAL];
    struct bm_store_found found;
    bm_cleanup(bm_buf_done) struct bm_buf certificate = { .max = BM_MAX_CERT };
    enum bm_rc rc;

    bm_view_copy(device, sizeof(device), event->device);
    bm_view_copy(by, sizeof(by), event->by);
    bm_view_copy(why, sizeof(why), event->reason);
    bm_view_copy(hex, sizeof(hex), event->serial);
    if ((rc = bm_store_support_close(r->store, device, event->time, by, why, fail)) != BM_OK || event->serial.n == 0)
        return rc;
    if ((rc = bm_hex_parse(serial, strlen(hex) / 2, bm_bytes_str(hex), fail)) != BM_OK ||
        (rc = bm_store_identity_by_serial(r->store, bm_bytes(serial, strlen(hex) / 2), &found, &certificate, fail)) != BM_OK ||
        !found.found)
        return rc; /* where the certificate waits for the CA's token there is no row yet */
    return bm_store_identity_state(r->store, bm_bytes(serial, strlen(hex) / 2), by[0] != 0 ? "revoked" : "ended", event->time, why, fail);
}

/* ---- closed ---- */

static enum bm_rc
close_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    uint64_t alarm;
    enum bm_rc rc;

    if (message->type != BM_S_ANSWER)
        return bm_refused_answer(r, p, message, fail);
    if ((rc = bm_records_keep_answer(r, p, message, &alarm, fail)) != BM_OK)
        return rc;
    return bm_row_answer(r, p, "device", p->lot, fail);
}

enum bm_rc
bm_serve_support_close(void *ctx, uint64_t id, struct bm_rd body, struct bm_fail *fail)
{
    const struct bm_bytes whole = bm_bytes(body.p, body.left);
    const struct peer *peer = ctx;
    struct bm_s_support_close close;
    char by[BM_MAX_NAME + 1];
    struct pending *p;
    enum bm_rc rc;

    if (bm_s_support_close_parse(&close, body, fail) != BM_OK || close.reason.n == 0 || !bm_line_ok(close.reason))
        return bm_fail(fail, BM_EINPUT, NULL, "SUPPORT_CLOSE does not parse");
    bm_view_copy(by, sizeof(by), close.by);
    if (!bm_name_ok(by, BM_MAX_NAME))
        return bm_fail(fail, BM_EINPUT, NULL, "SUPPORT_CLOSE does not parse");
    if ((rc = bm_signer_ask(peer->r, BM_S_SUPPORT_CLOSE, whole, peer->link, id, close_settle, &p, fail)) != BM_OK)
        return bm_answer_refused(peer->r, peer->link, id, rc, 0, fail->text, fail);
    bm_view_copy(p->lot, sizeof(p->lot), close.device); /* the device's name */
    return BM_OK;
}

/* ---- by itself ---- */

static enum bm_rc
ended_settle(struct bm_registrar *r, struct pending *p, const struct bm_message *message, struct bm_fail *fail)
{
    uint64_t alarm;

    r->support.asked = false;
    if (message->type != BM_S_ANSWER)
        return BM_OK;      /* by its clock it is not: asked again in a minute */
    r->support.looked = 0; /* another one may be */
    return bm_records_keep_answer(r, p, message, &alarm, fail);
}

/* The signer issues nothing for it from its end on, whoever asks: this puts the end on record. */
enum bm_rc
bm_support_look(struct bm_registrar *r, struct bm_fail *fail)
{
    bm_cleanup(bm_buf_done) struct bm_buf body = { .max = 1024 };
    char device[BM_MAX_NAME + 1];
    struct bm_s_support_close close = { .reason = bm_bytes_str("its time was over") };
    struct pending *p;
    enum bm_rc rc;

    if (r->support.asked || r->now - r->support.looked < 5 || r->npending == MAX_PENDING || bm_disk_full(r))
        return BM_OK;
    r->support.looked = r->now;
    if ((rc = bm_store_support_ended(r->store, r->now, device, fail)) != BM_OK || device[0] == 0)
        return rc;
    close.device = bm_bytes_str(device);
    bm_s_support_close_build(&body, &close);
    if ((rc = bm_buf_check(&body, "an end of support", fail)) != BM_OK ||
        (rc = bm_signer_ask(r, BM_S_SUPPORT_CLOSE, bm_buf_bytes(&body), NULL, 0, ended_settle, &p, fail)) != BM_OK)
        return rc == BM_EBUSY ? BM_OK : rc;
    r->support.asked = true;
    return BM_OK;
}
